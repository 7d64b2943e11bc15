//! What fires, resolves and is sent: once, in order, whatever restarts meanwhile.

use serde_json::json;

use super::world::{ALERT, Mood, World, got, open, push, rule, share, stated};

#[test]
fn r29_a_receiver_that_is_down_over_restarts_gets_one_firing_and_one_resolved() {
    let world = World::new(&rule("High", "0.5", "0.4"), Mood::Down);
    let daemon = world.daemon();
    push(&daemon, &share("0.3"));
    push(&daemon, &share("0.6"));
    daemon.until("the receiver was tried", || !world.hook.all().is_empty());
    push(&daemon, &share("0.35"));
    daemon.until("two letters wait", || {
        got(&daemon, "/v1/notifications?state=waiting").as_array().unwrap().len() == 2
    });
    let health = got(&daemon, "/v1/receivers");
    assert!(health[0]["last_error"].as_str().unwrap().contains("cannot be reached"), "{health}");
    daemon.stop().exits(0);

    let before = world.hook.all().len();
    let daemon = world.daemon();
    daemon.until("it is tried again", || world.hook.all().len() > before);
    daemon.kill();

    world.hook.turns(Mood::Says(200));
    let daemon = world.daemon();
    daemon.until("both are taken", || world.hook.taken().len() == 2);
    daemon.until("nothing waits", || got(&daemon, "/v1/notifications?state=waiting") == json!([]));
    daemon.stop().exits(0);
    assert_eq!(world.hook.kinds(), "firing resolved");
    let (all, taken) = (world.hook.all(), world.hook.taken());
    assert!(all.iter().all(|l| l.signed), "{all:?}");
    assert!(all.len() >= 4 && all[..all.len() - 1].iter().all(|l| l.id == taken[0].id), "one id: {all:?}");
    assert_ne!(taken[0].id, taken[1].id);
    let alert = &taken[0].body["data"]["alerts"][0];
    assert_eq!((&alert["alert"], &alert["summary"]), (&json!(ALERT), &json!("settlement at 0.6")), "{alert}");

    // Another start, another fact and a replay find nothing to say.
    let daemon = world.daemon();
    push(&daemon, &share("0.36"));
    assert_eq!(open(&daemon), Vec::<String>::new());
    daemon.stop().exits(0);
    world.run(&["replay"]).exits(0);
    world.run(&["alerts"]).exits(0);
    assert_eq!(world.hook.all().len(), all.len());
    assert_eq!(world.steps(), ["settlement-high firing", "settlement-high resolved"]);
}

#[test]
fn r30_a_value_that_swings_is_one_alert() {
    let world = World::new(&rule("High", "0.5", "0.4"), Mood::Says(200));
    let daemon = world.daemon();
    for value in ["0.45", "0.51", "0.45", "0.52", "0.41", "0.6", "0.49"] {
        push(&daemon, &share(value));
    }
    assert_eq!(open(&daemon), ["settlement-high firing"]);
    push(&daemon, &share("0.39"));
    for value in ["0.41", "0.39", "0.49"] {
        push(&daemon, &share(value));
    }
    assert_eq!(open(&daemon), Vec::<String>::new());
    daemon.until("both are taken", || world.hook.taken().len() == 2);
    daemon.stop().exits(0);
    assert_eq!(world.hook.kinds(), "firing resolved");
    assert_eq!(world.steps(), ["settlement-high firing", "settlement-high resolved"]);
}

#[test]
fn r31_other_thresholds_re_fire_nothing_and_lose_nothing() {
    let world = World::new(&rule("High", "0.5", "0.4"), Mood::Says(200));
    let daemon = world.daemon();
    push(&daemon, &share("0.6"));
    daemon.until("it is told", || world.hook.taken().len() == 1);
    let titled = |title: &str| got(&daemon, "/v1/alerts")[0]["title"] == title;
    // Lower, then so high that it would not fire now; still not recovered.
    for (title, when) in [("Lower", "0.45"), ("Higher", "0.7")] {
        world.rules(&rule(title, when, "0.4"));
        daemon.signal("HUP");
        daemon.until("the rule is in force", || titled(title));
        assert_eq!(open(&daemon), ["settlement-high firing"]);
    }
    // Rules with a fault change nothing.
    world.rules("[[rule]]\n");
    daemon.signal("HUP");
    daemon.until("the fault is told", || {
        daemon.get("/readyz").1.contains("\"problems\":") && {
            daemon.get("/metrics").1.contains("bellwether_config_last_reload_successful 0\n")
        }
    });
    assert!(titled("Higher"));
    daemon.stop().exits(0);

    // Thresholds change while no daemon runs.
    world.rules(&rule("Changed", "0.55", "0.4"));
    let daemon = world.daemon();
    assert_eq!(open(&daemon), ["settlement-high firing"]);
    push(&daemon, &share("0.65"));
    assert_eq!(open(&daemon), ["settlement-high firing"]);
    assert_eq!(world.hook.kinds(), "firing");
    push(&daemon, &share("0.3"));
    daemon.until("its end is told", || world.hook.taken().len() == 2);
    daemon.stop().exits(0);
    assert_eq!(world.hook.kinds(), "firing resolved");
    assert_eq!(world.steps(), ["settlement-high firing", "settlement-high resolved"]);
    assert_eq!(world.systems("rules").len(), 4, "a record for each set that was in force");
}

#[test]
fn r31_a_rule_that_is_gone_ends_its_alert_and_says_so() {
    let world = World::new(&rule("High", "0.5", "0.4"), Mood::Says(200));
    let daemon = world.daemon();
    push(&daemon, &share("0.6"));
    daemon.until("it is told", || world.hook.taken().len() == 1);
    world.rules("");
    daemon.signal("HUP");
    daemon.until("its end is told", || world.hook.taken().len() == 2);
    daemon.stop().exits(0);
    let last = world.hook.taken().pop().unwrap().body;
    assert_eq!(last["data"]["alerts"][0]["reason"], "rule removed", "{last}");
}

#[test]
fn a_correction_does_not_fire_again_and_what_is_missing_ends_nothing() {
    let world = World::new(&rule("High", "0.5", "0.4"), Mood::Says(200));
    let daemon = world.daemon();
    push(&daemon, &share("0.6"));
    daemon.until("it is told", || world.hook.taken().len() == 1);
    push(&daemon, &share("0.62"));
    push(&daemon, &stated("retract", None, json!({})));
    let replayed = got(&daemon, "/v1/assessment");
    let row = replayed["indicators"].as_array().unwrap().iter().find(|i| i["id"] == "commerce.settlement");
    assert_eq!(row.unwrap()["value"], json!(null));
    assert_eq!(open(&daemon), ["settlement-high firing"]);
    assert_eq!(got(&daemon, "/v1/alerts")[0]["summary"], "settlement at 0.6");
    push(&daemon, &share("0.61"));
    assert_eq!(open(&daemon), ["settlement-high firing"]);
    assert_eq!(world.hook.kinds(), "firing");
    push(&daemon, &share("0.2"));
    daemon.until("its end is told", || world.hook.taken().len() == 2);
    daemon.stop().exits(0);
    assert_eq!(world.steps(), ["settlement-high firing", "settlement-high resolved"]);
}

#[test]
fn a_withdrawn_shift_resolves_with_its_reason() {
    let rules = "[[rule]]\nid = \"shift\"\ntitle = \"S\"\neach = \"shifts\"\n\
                 only = 'row.indicator == \"expectation.commerce.own-money\"'\nwhen = 'row.sigmas > -1.0 || !row.late || row.late'\n\
                 severity = \"warning\"\nsummary = '{row.title}: {row.kind}'\n";
    let world = World::new(rules, Mood::Says(200));
    let daemon = world.daemon();
    push(&daemon, &share("0.35"));
    let later =
        json!({"key": "share|2", "valid": {"start": "2025-06-01T00:00:00Z"}, "published_at": "2025-06-05"});
    push(&daemon, &stated("assert", Some("0.1"), later.clone()));
    daemon.until("the break is told", || world.hook.taken().len() == 1);
    push(&daemon, &stated("assert", Some("0.36"), later));
    daemon.until("its withdrawal is told", || world.hook.taken().len() == 2);
    daemon.stop().exits(0);
    assert_eq!(world.hook.kinds(), "firing resolved");
    let last = world.hook.taken().pop().unwrap().body;
    let reason = last["data"]["alerts"][0]["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("withdrawn: a later statement took shift.expectation.commerce.own-money"),
        "{last}"
    );
    assert!(last["data"]["alerts"][0]["summary"].as_str().unwrap().contains("expectation"), "{last}");
}
