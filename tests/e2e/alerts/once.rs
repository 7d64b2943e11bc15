//! Without a daemon that stays: `watch --once` from cron, and `doctor`.

use serde_json::{Value, json};

use super::world::{Mood, World, rule, share};

#[test]
fn once_asks_the_rules_and_tells_the_receivers() {
    let world = World::new(&rule("High", "0.5", "0.4"), Mood::Down);
    let take =
        |value: &str| world.store.fed(&["ingest", "--feed", "facts-ndjson", "-"], share(value)).exits(0);
    let once = || world.run(&["watch", "--once"]).exits(0).out;
    // The receiver begins with the first run.
    assert!(once().contains("alerts: 0 steps, 0 notifications sent, 0 wait"));
    take("0.6");
    assert!(once().contains("alerts: 1 step, 0 notifications sent, 1 waits"));
    assert_eq!(world.hook.all().len(), 1, "one attempt");
    take("0.3");
    world.hook.turns(Mood::Says(200));
    assert!(once().contains("alerts: 1 step, 2 notifications sent, 0 wait"), "both, in one run");
    assert!(once().contains("alerts: 0 steps, 0 notifications sent, 0 wait"));
    assert_eq!(world.hook.kinds(), "firing resolved");
    assert_eq!(world.hook.all()[0].id, world.hook.taken()[0].id);
    let feeds = world.json(&["watch", "--once"]);
    assert!(feeds.as_array().unwrap().iter().any(|f| f["feed"] == "facts-ndjson"), "{feeds}");
}

#[test]
fn doctor_tells_what_keeps_alerts_from_being_heard() {
    let world = World::new(&rule("High", "0.5", "0.4"), Mood::Says(410));
    let checks = |env: &[(&str, &str)]| -> Vec<String> {
        let args = ["--config", &world.config, "--format", "json", "doctor"];
        let found = world.store.run_env(&args, env).exits(0).json();
        let line = |c: &Value| {
            let text = |field: &str| c[field].as_str().unwrap().to_owned();
            format!("{} {}: {}; {}", text("status"), text("check"), text("message"), text("remedy"))
        };
        found.as_array().unwrap().iter().map(line).collect()
    };
    let has = |all: &[String], start: &str, part: &str| {
        assert!(all.iter().any(|l| l.starts_with(start) && l.contains(part)), "{start} {part}: {all:#?}");
    };
    has(&checks(&[]), "warn secret: hook: secret", "BELLWETHER_TEST_HOOK");
    let all = checks(&super::world::ENV);
    assert!(!all.iter().any(|l| l.starts_with("warn secret: hook")), "{all:#?}");
    has(&all, "ok alerts", "1 rule, 1 receiver, ");
    let file = format!("{}/receivers.toml", world.config);
    let receivers = std::fs::read_to_string(&file).unwrap();
    for wrong in ["severity = \"critical\"", "labels = { team = \"mail\" }"] {
        std::fs::write(&file, format!("{receivers}match = {{ {wrong} }}\n")).unwrap();
        has(&checks(&super::world::ENV), "warn alerts", "nobody is told of settlement-high");
    }
    std::fs::write(
        &file,
        format!("{receivers}match = {{ labels = {{ domain = \"x\", team = \"trade\" }} }}\n"),
    )
    .unwrap();
    has(&checks(&super::world::ENV), "ok alerts", "");
    std::fs::write(&file, &receivers).unwrap();
    world.run(&["watch", "--once"]).exits(0);
    world.store.fed(&["ingest", "--feed", "facts-ndjson", "-"], share("0.6")).exits(0);
    world.run(&["watch", "--once"]).exits(0);
    has(&checks(&super::world::ENV), "warn notifications", "0 notifications wait, 1 was given up, for hook");
    assert_eq!(world.json(&["notify", "dead"])[0]["receiver"], json!("hook"));
}
