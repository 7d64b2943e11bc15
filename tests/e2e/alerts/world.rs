//! An invented pair, one rule, and who is told: a listener that checks what it is told.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bellwether_tests::{Daemon, Outcome, Store, root};
use ring::hmac;
use serde_json::{Value, json};

use crate::watch::copy;

/// A signing secret of 32 bytes.
pub(super) const SECRET: &str = "whsec_c2VjcmV0IGtleSBvZiB0aGUgYWxlcnRzIHRlc3RzISE=";
pub(super) const ENV: [(&str, &str); 1] = [("BELLWETHER_TEST_HOOK", SECRET)];
pub(super) const ALERT: &str = "alert.settlement-high";

/// What the listener answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    /// Reads what comes and hangs up.
    Down,
    /// Answers with a status, and with what it was sent.
    Says(u16),
}

/// One request.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    pub(super) id: String,
    pub(super) signed: bool,
    pub(super) body: Value,
    pub(super) taken: bool,
}

impl Letter {
    pub(super) fn kind(&self) -> &str {
        self.body["type"].as_str().unwrap_or_default()
    }
}

/// A webhook's other end.
pub(super) struct Hook {
    mood: Mutex<Mood>,
    letters: Mutex<Vec<Letter>>,
    pub(super) port: u16,
}

impl Hook {
    /// Listens on loopback for as long as the test runs.
    pub(super) fn start(mood: Mood) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let hook = Arc::new(Self { mood: Mutex::new(mood), letters: Mutex::default(), port });
        let answering = Arc::clone(&hook);
        std::thread::spawn(move || {
            // One after the other: the order is that of arrival.
            for stream in listener.incoming().map_while(Result::ok) {
                answering.answer(stream).ok();
            }
        });
        hook
    }

    pub(super) fn turns(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// Everything that came.
    pub(super) fn all(&self) -> Vec<Letter> {
        self.letters.lock().unwrap().clone()
    }

    /// What was taken.
    pub(super) fn taken(&self) -> Vec<Letter> {
        self.all().into_iter().filter(|letter| letter.taken).collect()
    }

    /// Types of what was taken, in order.
    pub(super) fn kinds(&self) -> String {
        let taken = self.taken();
        assert!(taken.iter().all(|letter| letter.signed), "signed as Standard Webhooks has it: {taken:?}");
        taken.iter().map(|l| l.kind().trim_start_matches("alert.").to_owned()).collect::<Vec<_>>().join(" ")
    }

    fn answer(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
        let (head, mut body) = loop {
            match stream.read(&mut piece)? {
                0 => return Ok(()),
                n => bytes.extend_from_slice(&piece[..n]),
            }
            if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
                let rest = bytes.split_off(at + 4);
                break (String::from_utf8_lossy(&bytes).into_owned(), rest);
            }
        };
        let header = |name: &str| {
            let line = head.lines().find_map(|line| {
                let (key, value) = line.split_once(':')?;
                key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
            });
            line.unwrap_or_default()
        };
        let length: usize = header("content-length").parse().unwrap_or_default();
        while body.len() < length {
            match stream.read(&mut piece)? {
                0 => return Ok(()),
                n => body.extend_from_slice(&piece[..n]),
            }
        }
        let mood = *self.mood.lock().unwrap();
        let letter = Letter {
            id: header("webhook-id"),
            signed: signed(
                &header("webhook-id"),
                &header("webhook-timestamp"),
                &header("webhook-signature"),
                &body,
            ),
            body: serde_json::from_slice(&body).unwrap_or_default(),
            taken: matches!(mood, Mood::Says(200..=299)),
        };
        self.letters.lock().unwrap().push(letter);
        if let Mood::Says(status) = mood {
            write!(
                stream,
                "HTTP/1.1 {status} So\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{head}",
                head.len()
            )?;
        }
        Ok(())
    }
}

/// github.com/standard-webhooks/standard-webhooks, `spec/standard-webhooks.md`: HMAC-SHA256 over `id.timestamp.payload`.
fn signed(id: &str, timestamp: &str, signature: &str, body: &[u8]) -> bool {
    let key = STANDARD.decode(SECRET.trim_start_matches("whsec_")).unwrap();
    let mut content = format!("{id}.{timestamp}.").into_bytes();
    content.extend_from_slice(body);
    let given = signature.strip_prefix("v1,").and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default();
    let fresh = timestamp.parse::<u64>().is_ok_and(|seconds| seconds > 1_700_000_000);
    fresh && hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, &key), &content, &given).is_ok()
}

/// The rule of most tests, with its thresholds.
pub(super) fn rule(title: &str, when: &str, until: &str) -> String {
    let value = "indicator[\"commerce.settlement\"].value";
    format!(
        "[[rule]]\nid = \"settlement-high\"\ntitle = \"{title}\"\nwhen = '{value} > {when}'\n\
         until = '{value} < {until}'\nseverity = \"warning\"\nlabels = {{ team = \"trade\" }}\n\
         summary = 'settlement at {{{value}}}'\nrunbook = \"Ask the bank.\"\n"
    )
}

/// A store with a configuration of its own.
pub(super) struct World {
    pub(super) store: Store,
    pub(super) config: String,
    pub(super) hook: Arc<Hook>,
}

impl World {
    /// The configuration as shipped, with the invented pair, this rule and the listener instead of its own.
    pub(super) fn new(rules: &str, mood: Mood) -> Self {
        let (store, hook) = (Store::new(), Hook::start(mood));
        let config = store.beside("config");
        copy(&root().join("config"), &config);
        for folder in ["frameworks", "rules", "questions"] {
            std::fs::remove_dir_all(config.join(folder)).unwrap();
            std::fs::create_dir(config.join(folder)).unwrap();
        }
        let framework = std::fs::read_to_string(root().join("fixtures/dyads/xaa-xbb.toml")).unwrap();
        // The figures here do not age with the calendar of whoever runs the tests.
        let framework = framework.replace("stale_days = 550", "stale_days = 36500");
        std::fs::write(config.join("frameworks/xaa-xbb.toml"), framework).unwrap();
        let world = Self { config: config.to_str().unwrap().to_owned(), store, hook };
        world.rules(rules);
        world.receivers(&format!(
            "[[receiver]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"http://127.0.0.1:{}/hook\"\n\
             secret = {{ env = \"BELLWETHER_TEST_HOOK\" }}\n",
            world.hook.port
        ));
        world
    }

    pub(super) fn rules(&self, text: &str) {
        std::fs::write(format!("{}/rules/own.toml", self.config), text).unwrap();
    }

    pub(super) fn receivers(&self, text: &str) {
        std::fs::write(format!("{}/receivers.toml", self.config), text).unwrap();
    }

    #[track_caller]
    pub(super) fn daemon(&self) -> Daemon {
        Daemon::start_with(&self.store, &["--config", &self.config], &ENV)
    }

    /// Runs a command on the store, through a daemon where there is one.
    #[track_caller]
    pub(super) fn run(&self, args: &[&str]) -> Outcome {
        self.store.run_env(&[&["--config", self.config.as_str()], args].concat(), &ENV)
    }

    #[track_caller]
    pub(super) fn json(&self, args: &[&str]) -> Value {
        self.run(&[&["--format", "json"], args].concat()).exits(0).json()
    }

    /// Steps of alerts in the log.
    pub(super) fn steps(&self) -> Vec<String> {
        let step = |r: &Value| {
            let (alert, what) = (r["data"]["alert"].as_str()?, r["data"]["happening"].as_str()?);
            Some(format!("{} {what}", alert.trim_start_matches("alert.")))
        };
        self.systems("alert").iter().filter_map(step).collect()
    }

    /// System records of a kind.
    #[track_caller]
    pub(super) fn systems(&self, kind: &str) -> Vec<Value> {
        self.run(&["events"])
            .exits(0)
            .ndjson()
            .into_iter()
            .filter(|record| record["system"] == kind)
            .collect()
    }
}

/// A statement of the settlement share.
pub(super) fn share(value: &str) -> String {
    stated("assert", Some(value), json!({}))
}

/// A statement of the same figure, or its retraction.
pub(super) fn stated(op: &str, value: Option<&str>, more: Value) -> String {
    // Each is published a second after the one before: a statement made again is one of its own.
    static SAID: AtomicU32 = AtomicU32::new(0);
    let second = SAID.fetch_add(1, Ordering::SeqCst);
    let published = format!("2024-12-05T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60);
    let mut record = json!({
        "op": op, "type": "finance.settlement_share", "source": "bank", "key": "share|1",
        "valid": {"start": "2024-12-01T00:00:00Z"}, "published_at": published, "actors": ["XBB", "XAA"],
        "unit": "share", "grade": "B2", "attributes": {"definition": "own currencies"},
    });
    if let Some(value) = value {
        record["value"] = json!(value);
    }
    for (name, value) in more.as_object().unwrap() {
        record[name] = value.clone();
    }
    record.to_string()
}

/// Hands facts to a daemon.
#[track_caller]
pub(super) fn push(daemon: &Daemon, lines: &str) {
    let (status, report) = daemon.post("/v1/events", "application/x-ndjson", lines);
    assert!(status == 200 && !report.contains("\"stored\":0"), "{status} {report}");
}

/// One field of an answer's JSON.
pub(super) fn got(daemon: &Daemon, path: &str) -> Value {
    let (status, body) = daemon.get(path);
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap()
}

/// Alerts that are open, each with its state and what mutes it.
pub(super) fn open(daemon: &Daemon) -> Vec<String> {
    let all = got(daemon, "/v1/alerts");
    let of = |a: &Value| {
        let muted = if a["muted_by"].as_array().unwrap().is_empty() { "" } else { " muted" };
        format!(
            "{} {}{muted}",
            a["alert"].as_str().unwrap().trim_start_matches("alert."),
            a["state"].as_str().unwrap()
        )
    };
    all.as_array().unwrap().iter().map(of).collect()
}

/// Sends JSON with a token; answers status and body.
pub(super) fn asked(daemon: &Daemon, request: &str, token: &str, body: &str) -> (u16, Value) {
    sent(daemon, request, token, "application/json", body)
}

/// The same with a content type.
pub(super) fn sent(daemon: &Daemon, request: &str, token: &str, kind: &str, body: &str) -> (u16, Value) {
    let host = daemon.url().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let bearer = if token.is_empty() { String::new() } else { format!("authorization: Bearer {token}\r\n") };
    write!(
        stream,
        "{request} HTTP/1.1\r\nhost: {host}\r\n{bearer}content-type: {kind}\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status: u16 = head.split(' ').nth(1).unwrap().parse().unwrap();
    if status >= 400 {
        assert!(head.to_ascii_lowercase().contains("application/problem+json"), "{request}: {head}");
    }
    (status, serde_json::from_str(body).unwrap_or_default())
}
