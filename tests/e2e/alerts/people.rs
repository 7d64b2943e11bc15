//! What people say of alerts, with a daemon and without, and what they are answered.

use serde_json::{Value, json};

use super::world::{ALERT, Mood, World, got, open, push, rule, share};

#[test]
fn an_acknowledgement_holds_through_the_daemon_and_without() {
    let world = World::new(&rule("High", "0.5", "0.4"), Mood::Says(200));
    let daemon = world.daemon();
    world.run(&["alerts", "--exit-code"]).exits(0);
    push(&daemon, &share("0.6"));
    world.run(&["alerts", "--exit-code"]).exits(10);
    world.run(&["ack", "settlement-low", "--operator", "Ann"]).exits(4);
    let acked = world.json(&["ack", "settlement-high", "--note", "known", "--operator", "Ann"]);
    assert_eq!((&acked["ack"]["who"], &acked["ack"]["note"]), (&json!("Ann"), &json!("known")), "{acked}");
    world.run(&["alerts", "--exit-code"]).exits(0);
    daemon.stop().exits(0);

    // It survives the restart; the next one is another's, and ends with the alert.
    world.run(&["alerts", "--exit-code"]).exits(0);
    world.run(&["ack", "settlement-low", "--operator", "Ann"]).exits(4);
    let acked = world.json(&["ack", ALERT, "--note", "still", "--operator", "Bo"]);
    assert_eq!((&acked["ack"]["who"], &acked["ack"]["note"]), (&json!("Bo"), &json!("still")), "{acked}");
    assert!(world.run(&["alerts"]).exits(0).out.contains("Bo took note: still"));
    let daemon = world.daemon();
    assert_eq!(got(&daemon, "/v1/alerts")[0]["ack"]["who"], "Bo");
    push(&daemon, &share("0.2"));
    push(&daemon, &share("0.7"));
    assert_eq!(got(&daemon, "/v1/alerts")[0]["ack"], json!(null), "another alert");
    daemon.stop().exits(0);
    world.run(&["alerts", "--exit-code"]).exits(10);
}

#[test]
fn what_fires_under_a_silence_is_sent_when_it_is_ended() {
    let world = World::new(&rule("High", "0.5", "0.4"), Mood::Says(200));
    let daemon = world.daemon();
    world.run(&["silence", "add", "team", "--for", "1d", "--note", "x"]).exits(2);
    world.run(&["silence", "add", "=x", "--for", "1d", "--note", "x"]).exits(2);
    world.run(&["silence", "add", "team=trade", "--for", "soon", "--note", "x"]).exits(2);
    world.run(&["silence", "add", "team=trade", "--until", "2020-01-01", "--note", "x"]).exits(2);
    world.run(&["silence", "end", "abc"]).exits(4);
    let add = ["silence", "add", "team=tr*", "--for", "7d", "--note", "it moves", "--operator", "Ann"];
    let silence = world.json(&add);
    let id = silence["id"].as_str().unwrap();
    push(&daemon, &share("0.6"));
    assert_eq!(open(&daemon), ["settlement-high firing muted"]);
    world.run(&["alerts", "--exit-code"]).exits(0);
    assert_eq!(world.json(&["silence", "list"])[0]["active"], json!(true));
    assert!(world.run(&["silence", "list"]).exits(0).out.contains("it moves"));
    assert_eq!(world.hook.kinds(), "");
    world.run(&["silence", "end", id, "--operator", "Bo"]).exits(0);
    daemon.until("it is sent at once", || world.hook.taken().len() == 1);
    world.run(&["silence", "end", id, "--operator", "Bo"]).exits(2);
    assert_eq!(world.json(&["silence", "list"]), json!([]));
    assert_eq!(world.json(&["silence", "list", "--all"])[0]["who"], "Bo");
    daemon.stop().exits(0);

    // The same without a daemon: what is said there is sent by the next one.
    let silence = world.json(&add);
    world.json(&["silence", "end", silence["id"].as_str().unwrap(), "--operator", "Bo"]);
    world.run(&["silence", "add", "team=other", "--for", "1h", "--note", "x", "--maintenance"]).exits(0);
    let daemon = world.daemon();
    assert_eq!(open(&daemon), ["settlement-high firing"]);
    daemon.stop().exits(0);
    assert_eq!(world.hook.kinds(), "firing");
    assert_eq!(world.steps(), ["settlement-high firing", "settlement-high unmuted"]);
    assert_eq!(world.json(&["silence", "list"])[0]["kind"], "maintenance");
}

#[test]
fn a_silence_ended_without_a_daemon_is_followed_by_what_it_held_back() {
    let world = World::new(&rule("High", "0.5", "0.4"), Mood::Says(200));
    let daemon = world.daemon();
    let silence = world.json(&["silence", "add", "rule=settlement-*", "--for", "7d", "--note", "x"]);
    push(&daemon, &share("0.6"));
    assert_eq!(open(&daemon), ["settlement-high firing muted"]);
    daemon.stop().exits(0);
    assert_eq!(world.hook.kinds(), "");
    world.run(&["silence", "end", silence["id"].as_str().unwrap()]).exits(0);
    assert_eq!(world.steps(), ["settlement-high firing"], "what follows is the next daemon's matter");
    let daemon = world.daemon();
    daemon.until("the next daemon sends it", || world.hook.taken().len() == 1);
    daemon.stop().exits(0);
    assert_eq!(world.steps(), ["settlement-high firing", "settlement-high unmuted"]);
}

#[test]
fn what_people_say_by_another_configuration_puts_no_other_rules_in_force() {
    let world = World::new(&rule("High", "0.5", "0.4"), Mood::Says(200));
    let daemon = world.daemon();
    push(&daemon, &share("0.6"));
    daemon.until("it is sent", || world.hook.taken().len() == 1);
    daemon.until("and on record", || !daemon.get("/v1/events?type=delivery").1.is_empty());
    daemon.stop().exits(0);
    let head = || world.store.json(&["store", "stats"])["head"].as_u64().unwrap();
    let before = head();
    // By the built-in configuration, as somebody in another folder would.
    world.store.run(&["ack", "nope", "--note", "x", "--operator", "Ann"]).exits(4);
    world.store.run(&["silence", "end", "zzz", "--operator", "Ann"]).exits(4);
    assert_eq!(head(), before, "what is refused leaves no trace");
    let said = world.store.run(&["ack", ALERT, "--note", "seen", "--operator", "Ann"]).exits(0);
    assert!(said.out.contains("Ann took note"), "{said}");
    assert_eq!(head(), before + 1);
    let daemon = world.daemon();
    assert!(open(&daemon)[0].starts_with("settlement-high firing"), "{:?}", open(&daemon));
    daemon.stop().exits(0);
    assert_eq!(
        (world.hook.taken().len(), world.steps().len()),
        (1, 1),
        "nothing ends and nothing is sent again"
    );
}

#[test]
fn answers_are_the_same_with_and_without_a_daemon() {
    let world = World::new(&rule("High", "0.5", "0.4"), Mood::Says(410));
    let daemon = world.daemon();
    push(&daemon, &share("0.6"));
    daemon.until("it is given up", || {
        got(&daemon, "/v1/notifications?state=dead").as_array().unwrap().len() == 1
    });
    world.run(&["silence", "add", "team=other", "--for", "7d", "--note", "n", "--operator", "Ann"]).exits(0);
    world.run(&["ack", ALERT, "--note", "n", "--operator", "Ann"]).exits(0);
    let questions: [&[&str]; 5] =
        [&["alerts"], &["why", ALERT], &["silence", "list"], &["notify", "dead"], &["notify", "list"]];
    let ask = || -> Vec<(String, Value)> {
        let both = |q: &&[&str]| (world.run(q).exits(0).out, world.json(q));
        questions.iter().map(both).collect()
    };
    let with = ask();
    world.run(&["why", "alert.never-was"]).exits(4);
    daemon.stop().exits(0);
    let without = ask();
    world.run(&["why", "alert.never-was"]).exits(4);
    for (question, (with, without)) in questions.iter().zip(with.iter().zip(&without)) {
        assert_eq!(with, without, "{question:?}");
    }
    let why = &without[1].1;
    assert!((why["margin"].as_f64().unwrap() - 0.1).abs() < 1e-9 && why["alert"] == ALERT, "{why}");
    let dead = &without[3].1[0];
    assert!(dead["why"].as_str().unwrap().contains("410"), "{dead}");
}

#[test]
fn r25_a_broken_expression_is_shown_with_a_caret() {
    let broken = rule("High", "0.5", "0.4").replace("].value > 0.5", "].valu > 0.5");
    let world = World::new(&broken, Mood::Says(200));
    let refused = world.run(&["check"]).exits(3);
    let err = &refused.err;
    assert!(err.contains("own.toml:4") && err.contains("did you mean value?"), "{refused}");
    let lines: Vec<&str> = err.lines().collect();
    let caret = lines.iter().position(|l| l.trim_start().trim_start_matches('|').trim().starts_with('^'));
    let caret = caret.unwrap_or_else(|| panic!("no caret: {refused}"));
    let column = lines[caret].find('^').unwrap();
    assert!(lines[caret - 1][column..].starts_with("valu"), "the caret stands under the fault: {refused}");
    // Every fault of a file at once, and no daemon starts on them.
    world.rules(&(broken.replace("'indicator[", "'indicatr[") + "[[rule]]\nid = \"x\"\n"));
    world.run(&["check"]).exits(3);
    world.run(&["watch", "--once"]).exits(3);
    assert!(!world.store.path().exists(), "nothing was made");
}
