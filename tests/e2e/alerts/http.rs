//! Alerts over HTTP: who may do what, and what is answered.

use bellwether_tests::Daemon;
use serde_json::{Value, json};

use super::world::{ALERT, ENV, Mood, World, asked, rule, sent, share};

const READ: &str = "read-read-read-read";
const INGEST: &str = "ingest-ingest-ingest";
const OPERATE: &str = "operate-operate-operate";

#[test]
fn roles_hold_and_faults_are_problem_documents() {
    let world = World::new(&rule("High", "0.5", "0.4"), Mood::Says(410));
    let mut env = ENV.to_vec();
    env.extend([
        ("BELLWETHER_TOKEN_READ", READ),
        ("BELLWETHER_TOKEN_INGEST", INGEST),
        ("BELLWETHER_TOKEN_OPERATE", OPERATE),
    ]);
    let daemon = Daemon::start_with(&world.store, &["--config", &world.config], &env);
    let ask = |request: &str, token: &str, body: &Value| asked(&daemon, request, token, &body.to_string());
    let (ack, note) = (format!("POST /v1/alerts/{ALERT}/ack"), json!({"who": "Ann", "note": "seen"}));
    let quiet = json!({"matchers": {"team": "other"}, "for": "7d", "who": "Ann", "note": "n"});
    assert_eq!(sent(&daemon, "POST /v1/events", INGEST, "application/x-ndjson", &share("0.6")).0, 200);

    for (request, body) in [
        (ack.as_str(), &note),
        ("POST /v1/silences", &quiet),
        ("DELETE /v1/silences/abc?who=Ann", &json!({})),
        ("POST /v1/notifications/abc/retry", &json!({})),
    ] {
        assert_eq!(ask(request, "", body).0, 401, "{request}");
        assert_eq!(ask(request, READ, body).0, 403, "{request}");
        assert_eq!(ask(request, INGEST, body).0, 403, "{request}");
    }
    let (status, alerts) = ask("GET /v1/alerts?state=firing&severity=warning", READ, &json!({}));
    assert_eq!(
        (status, &alerts[0]["alert"], &alerts[0]["ack"]),
        (200, &json!(ALERT), &json!(null)),
        "{alerts}"
    );
    assert_eq!(ask("GET /v1/alerts?severity=critical", READ, &json!({})), (200, json!([])));
    let (status, acked) = ask(&ack, OPERATE, &note);
    assert_eq!((status, &acked["ack"]["note"]), (200, &json!("seen")), "{acked}");
    let (status, silence) = ask("POST /v1/silences", OPERATE, &quiet);
    assert_eq!((status, &silence["active"]), (201, &json!(true)), "{silence}");
    let id = silence["id"].as_str().unwrap();
    assert_eq!(ask("GET /v1/silences", READ, &json!({})).1[0]["id"], json!(id));
    let end = format!("DELETE /v1/silences/{id}?who=Bo");
    let (status, ended) = ask(&end, OPERATE, &json!({}));
    assert_eq!((status, &ended["active"]), (200, &json!(false)), "{ended}");
    assert_eq!(ask("GET /v1/silences", READ, &json!({})), (200, json!([])));
    assert_eq!(ask("GET /v1/silences?all=true", READ, &json!({})).1[0]["who"], json!("Bo"));

    let mut dead = json!([]);
    daemon.until("it is given up", || {
        dead = ask("GET /v1/notifications?state=dead", READ, &json!({})).1;
        dead != json!([])
    });
    let receivers = ask("GET /v1/receivers", READ, &json!({})).1;
    assert_eq!(
        (&receivers[0]["receiver"], &receivers[0]["dead"]),
        (&json!("hook"), &json!(1)),
        "{receivers}"
    );
    world.hook.turns(Mood::Says(200));
    let retry = format!("POST /v1/notifications/{}/retry", dead[0]["id"].as_str().unwrap());
    assert_eq!(ask(&retry, OPERATE, &json!({})).0, 200);
    daemon.until("it is taken", || world.hook.taken().len() == 1);
    assert_eq!(ask("GET /v1/why/alert.settlement-high", READ, &json!({})).1["alert"], json!(ALERT));

    for (expected, request, body) in [
        (404, "POST /v1/alerts/alert.none/ack", note.clone()),
        (400, ack.as_str(), json!({"note": "nobody"})),
        (400, ack.as_str(), json!({"who": " ", "note": ""})),
        (400, ack.as_str(), json!({"who": "Ann", "what": 1})),
        (400, "POST /v1/silences", json!({"matchers": {}, "for": "7d", "who": "Ann"})),
        (400, "POST /v1/silences", json!({"matchers": {"a": "b"}, "who": "Ann"})),
        (400, "POST /v1/silences", json!({"matchers": {"a": "b"}, "for": "7d", "who": ""})),
        (404, "DELETE /v1/silences/abc?who=Ann", json!({})),
        (400, end.as_str(), json!({})),
        (404, "POST /v1/notifications/abc/retry", json!({})),
        (404, "GET /v1/why/alert.none", json!({})),
        (400, "GET /v1/alerts?state=asleep", json!({})),
        (400, "GET /v1/alerts?colour=red", json!({})),
        (400, "GET /v1/notifications?state=lost", json!({})),
        (405, "PUT /v1/alerts", json!({})),
    ] {
        let (status, problem) = ask(request, OPERATE, &body);
        assert_eq!(status, expected, "{request} {body}: {problem}");
    }
    daemon.stop().exits(0);
}
