//! Webhooks and chats, against a server on this machine.

use std::sync::{Arc, Mutex};

use base64::Engine;
use bellwether_alert::Notification;
use bellwether_alert::outbox::{Dispatch, Message, Outcome};
use bellwether_alert::receivers::Answer;
use chrono::TimeDelta;
use ring::hmac;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use super::{World, firing, minute, receiver, resolved};

/// One request as the server saw it.
#[derive(Clone, Debug)]
struct Asked {
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Asked {
    fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A server that answers by a script; after its end, 200. An empty answer closes the connection without a word.
struct Server {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    async fn start(script: &[&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (seen, script) = (Arc::clone(&asked), script.to_vec());
        tokio::spawn(async move {
            for n in 0.. {
                let Ok((stream, _)) = listener.accept().await else { return };
                let mut stream = BufReader::new(stream);
                let asked = read(&mut stream).await;
                seen.lock().unwrap().push(asked);
                let answer = script.get(n).copied().unwrap_or("200 OK\r\n\r\nok");
                if !answer.is_empty() {
                    let answer = answer.replacen("\r\n", "\r\nConnection: close\r\n", 1);
                    let _ = stream.write_all(format!("HTTP/1.1 {answer}").as_bytes()).await;
                }
            }
        });
        Self { url, asked }
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn read(stream: &mut BufReader<tokio::net::TcpStream>) -> Asked {
    let mut line = String::new();
    stream.read_line(&mut line).await.unwrap();
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = Vec::new();
    loop {
        line.clear();
        stream.read_line(&mut line).await.unwrap();
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let mut asked = Asked { path, headers, body: Vec::new() };
    asked.body = vec![0; asked.header("content-length").parse().unwrap_or(0)];
    stream.read_exact(&mut asked.body).await.unwrap();
    asked
}

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A webhook receiver at an address, its secrets in files of `dir`.
fn webhook(url: &str, dir: &std::path::Path) -> String {
    std::fs::write(dir.join("secret"), SECRET).unwrap();
    std::fs::write(dir.join("token"), "hunter2\n").unwrap();
    let dir = dir.display();
    format!(
        "[[receiver]]\nname = \"a\"\nkind = \"webhook\"\nurl = \"{url}/hook\"\nsecret = {{ file = \"{dir}/secret\" }}\nheaders = {{ Authorization = {{ file = \"{dir}/token\", prefix = \"Bearer \" }} }}\n"
    )
}

/// Checks a request as a receiver of Standard Webhooks does.
fn verify(asked: &Asked) {
    let base64 = base64::engine::general_purpose::STANDARD;
    let key = base64.decode(SECRET.trim_start_matches("whsec_")).unwrap();
    let mut signed =
        format!("{}.{}.", asked.header("webhook-id"), asked.header("webhook-timestamp")).into_bytes();
    signed.extend(&asked.body);
    let signature = asked.header("webhook-signature").strip_prefix("v1,").unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    hmac::verify(&key, &signed, &base64.decode(signature).unwrap()).expect("a valid signature");
}

fn one() -> Notification {
    let world = World::new(&["a"]);
    world.steps(minute(1), &[("gap.x", firing())]);
    world.outbox().waiting().next().unwrap().notification.clone()
}

#[tokio::test]
async fn r29_down_a_day_restarted_and_replayed_a_webhook_gets_one_firing_and_one_resolved() {
    let dir = tempfile::tempdir().unwrap();
    // Two answers of a server in trouble, one that never came, then all is well.
    let server = Server::start(&["500 Oh\r\n\r\n", "503 Busy\r\nRetry-After: 3600\r\n\r\n", ""]).await;
    let (spec, to) = receiver(&webhook(&server.url, dir.path()), dir.path());
    let world = World::new(&["a"]);
    world.steps(minute(1), &[("gap.x", firing())]);
    world.steps(minute(5), &[("gap.x", resolved())]);
    let mut now = minute(6);
    let mut restarts = 0;
    for turn in 0.. {
        assert!(turn < 50, "it does not end");
        // Restarted between any two attempts: only the log is remembered.
        let outbox = world.outbox();
        let mut dispatch = Dispatch::new([(&spec, None)], &outbox);
        let attempts = dispatch.due(&outbox, now);
        let Some(attempt) = attempts.first() else { break };
        let Message::Letter(letter) = &attempt.message else { panic!() };
        let answer = to.send(letter, now).await;
        world.clock.set(now);
        match dispatch.settle(attempt, answer, &outbox, now) {
            Some(delivery) => world.append(delivery.record()),
            None => now = dispatch.next(&outbox).unwrap() + TimeDelta::hours(8),
        }
        restarts += 1;
    }
    assert_eq!(restarts, 5);
    assert!(now - minute(6) > TimeDelta::hours(24), "a day has passed");
    let asked = server.asked();
    asked.iter().for_each(verify);
    let ids: Vec<&str> = asked.iter().map(|asked| asked.header("webhook-id")).collect();
    assert!(ids[..4].iter().all(|id| *id == ids[0]), "the same id at each attempt: {ids:?}");
    assert_ne!(ids[3], ids[4]);
    let stamps: std::collections::BTreeSet<&str> =
        asked.iter().map(|a| a.header("webhook-timestamp")).collect();
    assert_eq!(stamps.len(), 4, "the moment of the attempt, not of the event: {stamps:?}");
    assert_eq!(asked[3].json()["type"], "alert.firing");
    assert_eq!(asked[4].json()["type"], "alert.resolved");
    assert_eq!(asked[4].json()["data"]["alerts"][0]["reason"], "recovered");
    assert_eq!((world.outbox().waiting().count(), world.outbox().dead().count()), (0, 0));
}

#[tokio::test]
async fn what_is_sent_is_what_was_decided() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&[]).await;
    let (_, to) = receiver(&webhook(&server.url, dir.path()), dir.path());
    let answer = to.send(&one(), minute(7)).await;
    assert_eq!(answer, Answer::Taken("answered 200 OK".into()));
    let asked = server.asked().remove(0);
    verify(&asked);
    assert_eq!(asked.path, "/hook");
    assert_eq!(asked.header("content-type"), "application/json");
    assert_eq!(asked.header("authorization"), "Bearer hunter2");
    let json = asked.json();
    assert_eq!(json["timestamp"], "2026-01-01T00:01:00Z");
    assert_eq!(json["data"]["id"], asked.header("webhook-id"));
    assert_eq!(json["data"]["alerts"][0]["alert"], "alert.gap.x");
    assert_eq!(json["data"]["alerts"][0]["margin"], 0.06);
}

#[tokio::test]
async fn answers_are_final_or_ask_for_another_time() {
    let dir = tempfile::tempdir().unwrap();
    let kinds = [
        ("200 OK\r\n\r\n", "taken"),
        ("204 No Content\r\n\r\n", "taken"),
        ("302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n", "refused"),
        ("400 Bad\r\n\r\n", "refused"),
        ("401 No\r\n\r\n", "refused"),
        ("410 Gone\r\n\r\n", "refused"),
        ("408 Slow\r\n\r\n", "failed"),
        ("425 Early\r\n\r\n", "failed"),
        ("429 Many\r\nRetry-After: 120\r\n\r\n", "away 120"),
        ("429 Many\r\nRetry-After: Thu, 01 Jan 2026 00:10:00 GMT\r\n\r\n", "away 180"),
        ("500 Oh\r\n\r\n", "failed"),
        ("503 Busy\r\n\r\n", "away"),
        ("", "away"),
    ];
    let script: Vec<&'static str> = kinds.iter().map(|(answer, _)| *answer).collect();
    let server = Server::start(&script).await;
    let (_, to) = receiver(&webhook(&server.url, dir.path()), dir.path());
    for (said, expected) in kinds {
        let answer = to.send(&one(), minute(7)).await;
        let seen = match &answer {
            Answer::Taken(_) => "taken".to_owned(),
            Answer::Refused(_) => "refused".to_owned(),
            Answer::Failed { retry_after: Some(wait), away: true, .. } => format!("away {}", wait.as_secs()),
            Answer::Failed { away: true, .. } => "away".to_owned(),
            Answer::Failed { .. } => "failed".to_owned(),
        };
        assert_eq!(seen, expected, "{said}: {answer:?}");
    }
    assert_eq!(server.asked().len(), kinds.len(), "no redirect was followed");
}

#[tokio::test]
async fn a_refusal_becomes_a_dead_letter_that_can_be_retried() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&["403 Forbidden\r\n\r\nno such team"]).await;
    let (spec, to) = receiver(&webhook(&server.url, dir.path()), dir.path());
    let world = World::new(&["a"]);
    world.steps(minute(1), &[("gap.x", firing())]);
    let id = world.id(0);
    let run = async || {
        let outbox = world.outbox();
        let mut dispatch = Dispatch::new([(&spec, None)], &outbox);
        for attempt in dispatch.due(&outbox, minute(2)) {
            let Message::Letter(letter) = &attempt.message else { panic!() };
            let answer = to.send(letter, minute(2)).await;
            let delivery = dispatch.settle(&attempt, answer, &outbox, minute(2));
            world.append(delivery.unwrap().record());
        }
    };
    run().await;
    let dead = world.outbox().list_dead();
    // A secret that is not taken makes dead letters at once, and the letter says how it comes back.
    let why =
        "answered 403 Forbidden: no such team; not tried again: mend that, then `bellwether notify retry";
    assert_eq!(dead[0].why, Some(format!("{why} {id}`, or --all")));
    run().await;
    assert_eq!(server.asked().len(), 1, "nobody sends it again by himself");
    world.settle("a", id, Outcome::Retry);
    run().await;
    assert_eq!(world.outbox().dead().count() + world.outbox().waiting().count(), 0);
    let ids: Vec<String> = server.asked().iter().map(|a| a.header("webhook-id").to_owned()).collect();
    assert_eq!(ids, [id.to_string(), id.to_string()]);
}

#[tokio::test]
async fn r28_no_answer_and_no_error_shows_a_secret() {
    let dir = tempfile::tempdir().unwrap();
    // A server that says back what it was told.
    let server = Server::start(&["400 Bad\r\n\r\ntoken Bearer hunter2 is\u{1b}[31m wrong"]).await;
    let (_, to) = receiver(&webhook(&server.url, dir.path()), dir.path());
    let answer = format!("{:?}", to.send(&one(), minute(7)).await);
    assert!(
        answer.contains("[REDACTED]") && !answer.contains("hunter2") && !answer.contains('\u{1b}'),
        "{answer}"
    );
    // An address that is a secret: neither its faults nor a failed connection show it.
    let at = super::free_port();
    for url in
        [format!("http://{at}/services/hunter2"), "http://example.org/hunter2".into(), "hunter2".into()]
    {
        std::fs::write(dir.path().join("url"), url).unwrap();
        let path = dir.path().join("url").display().to_string();
        let text = format!("[[receiver]]\nname = \"a\"\nkind = \"slack\"\nurl = {{ file = \"{path}\" }}\n");
        let (spec, to) = receiver(&text, dir.path());
        let answer = to.send(&one(), minute(7)).await;
        assert!(matches!(answer, Answer::Failed { away: true, .. }), "{answer:?}");
        assert!(!format!("{answer:?} {spec:?}").contains("hunter2"), "{answer:?}");
    }
    // One that is not there names its place, and may be put there later.
    std::fs::remove_file(dir.path().join("secret")).unwrap();
    let answer = to.send(&one(), minute(7)).await;
    assert!(
        matches!(&answer, Answer::Failed { why, away: true, .. } if why.contains("secret")),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_chat_gets_text_that_is_only_text() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&[]).await;
    std::fs::write(dir.path().join("url"), format!("{}/services/T0/B0/x", server.url)).unwrap();
    let text = format!(
        "[[receiver]]\nname = \"a\"\nkind = \"slack\"\nurl = {{ file = \"{}/url\" }}\nlink = \"https://host/why/{{alert}}\"\n",
        dir.path().display()
    );
    let (_, to) = receiver(&text, dir.path());
    let mut hostile = one();
    hostile.alerts[0].event.summary = "<!channel> *now* <https://evil.example|click>\n> quoted".into();
    hostile.alerts[0].event.alert = "alert.gap.x|<!here>".into();
    assert!(matches!(to.send(&hostile, minute(7)).await, Answer::Taken(_)));
    let asked = server.asked().remove(0);
    assert_eq!(asked.path, "/services/T0/B0/x");
    let text = String::from_utf8(asked.body.clone()).unwrap();
    assert!(!text.contains("<!") && !text.contains("<https://evil") && !text.contains("*now*"), "{text}");
    assert_eq!(text.matches('<').count(), 1, "our own link alone: {text}");
    assert!(text.contains("<https://host/why/alert.gap.x%7C%3C%21here%3E|why>"), "{text}");
    assert!(asked.json()["text"].as_str().unwrap().starts_with("[FIRING] &lt;!channel&gt;"));
}
