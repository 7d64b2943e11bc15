//! `notify`: receivers are tried out, letters listed and put back.

use bellwether_tests::{Store, bellwether};
use serde_json::{Value, json};

/// A configuration with these receivers.
fn config(store: &Store, receivers: &str) -> String {
    let folder = store.beside("config");
    bellwether(&["init", folder.to_str().unwrap()]).exits(0);
    std::fs::write(folder.join("receivers.toml"), receivers).unwrap();
    folder.to_str().unwrap().to_owned()
}

#[test]
fn a_test_reaches_a_file_and_says_so() {
    let store = Store::new();
    let path = store.beside("told.ndjson");
    let text = format!("[[receiver]]\nname = \"f\"\nenabled = false\nkind = \"file\"\npath = {path:?}\n");
    let config = config(&store, &text);
    let outcome = store.run(&["--config", &config, "--format", "json", "notify", "test", "f"]).exits(0);
    let said: Value = serde_json::from_str(&outcome.out).unwrap();
    assert_eq!((&said["taken"], &said["answer"]), (&json!(true), &json!("written")));
    let line: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!((&line["id"], &line["test"]), (&said["id"], &json!(true)));
}

#[test]
fn exit_codes_tell_faults_of_the_configuration_from_those_of_the_receiver() {
    let store = Store::new();
    let text = r#"
        [[receiver]]
        name = "nobody"
        kind = "alertmanager"
        url = "http://127.0.0.1:1"
        [[receiver]]
        name = "bare"
        kind = "slack"
        url = { env = "BELLWETHER_NO_SUCH_SECRET" }
    "#;
    let config = config(&store, text);
    let outcome = store.run(&["--config", &config, "notify", "test", "nobody"]).exits(6);
    assert!(outcome.err.contains("cannot be reached"), "{outcome}");
    let outcome = store.run(&["--config", &config, "notify", "test", "bare"]).exits(3);
    assert!(outcome.err.contains("BELLWETHER_NO_SUCH_SECRET"), "{outcome}");
    let outcome = store.run(&["--config", &config, "notify", "test", "nobdy"]).exits(2);
    assert!(outcome.err.contains("did you mean nobody?"), "{outcome}");
    std::fs::write(format!("{config}/receivers.toml"), "[[receiver]]\nname = \"x\"\nkind = \"pager\"\n")
        .unwrap();
    for args in [&["notify", "test", "x"][..], &["check"]] {
        let outcome = store.run(&[&["--config", config.as_str()], args].concat()).exits(3);
        assert!(outcome.err.contains("receivers.toml:3"), "{outcome}");
    }
}

#[test]
fn dead_letters_are_listed_and_put_back() {
    let store = Store::new();
    let at = "2026-01-01T00:00:00Z";
    let record = |seq: u64, system: &str, data: Value| {
        json!({"seq": seq, "recorded_at": at, "system": system, "name": "x", "data": data}).to_string() + "\n"
    };
    let step = json!({
        "alert": "alert.gap.x", "at": at, "happening": "firing", "since": at, "rule": "gap", "version": "v1",
        "subject": "x", "domain": null, "severity": "warning", "labels": {"rule": "gap"}, "group": ["rule=gap"],
        "summary": "x is \u{1b}[31mfar off", "numbers": [], "margin": null, "coverage": null, "evidence": [],
        "muted_by": [],
    });
    let receivers = json!({"receivers": {"ops": {"kind": "stdout", "match": {}}}});
    let begun = record(1, "receivers", receivers) + &record(2, "alert", step);
    let import = |store: &Store, text: &str| {
        let path = store.beside("log.ndjson");
        std::fs::write(&path, text).unwrap();
        store.run(&["import", path.to_str().unwrap()]).exits(0);
    };
    import(&store, &begun);
    let list = |store: &Store, what: &str| -> Vec<Value> {
        serde_json::from_str(&store.run(&["--format", "json", "notify", what]).exits(0).out).unwrap()
    };
    let waiting = list(&store, "list");
    assert_eq!((waiting.len(), &waiting[0]["receiver"]), (1, &json!("ops")));
    let id = waiting[0]["id"].as_str().unwrap().to_owned();
    let shown = store.run(&["notify", "list"]).exits(0);
    assert!(shown.out.contains(&id) && !shown.out.contains('\u{1b}'), "{shown}");

    let store = Store::new();
    let dead =
        json!({"id": id, "receiver": "ops", "outcome": "dead", "answer": "answered 400", "attempts": 1});
    import(&store, &(begun + &record(3, "delivery", dead)));
    assert_eq!(list(&store, "list").len(), 0);
    assert_eq!(list(&store, "dead")[0]["why"], "answered 400");
    store.run(&["notify", "retry", "00000000-0000-0000-0000-000000000000"]).exits(4);
    store.run(&["notify", "retry", &id]).exits(0);
    assert_eq!((list(&store, "list").len(), list(&store, "dead").len()), (1, 0));
    assert_eq!(list(&store, "list")[0]["id"], json!(id), "under the same id");
}
