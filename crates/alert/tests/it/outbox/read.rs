//! `config/receivers.toml`: what it may say, and how its faults are told.

use bellwether_alert::receivers::{Kind, Tls, parse};

use super::specs;

/// Faults as `line field: message; remedy`.
fn faults(text: &str) -> Vec<String> {
    let problems = parse("config/receivers.toml", text).err().map(|found| found.0).unwrap_or_default();
    problems
        .iter()
        .map(|p| {
            assert_eq!(p.file, "config/receivers.toml");
            assert!(!p.remedy.is_empty(), "{p}");
            format!("{} {}: {}", p.line, p.field, p.message)
        })
        .collect()
}

#[test]
fn the_bundled_file_is_sound_and_sends_nothing_over_the_network() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/receivers.toml");
    let all = specs(&std::fs::read_to_string(path).unwrap());
    let kinds: std::collections::BTreeSet<&str> = all.iter().map(|spec| spec.kind.word()).collect();
    assert_eq!(kinds.len(), 6, "an example of every kind: {kinds:?}");
    for spec in all.iter().filter(|spec| spec.enabled) {
        assert!(matches!(spec.kind, Kind::File { .. }), "{}", spec.name);
    }
}

#[test]
fn every_setting_is_read() {
    // A program without mail reads such a receiver only where it is switched off.
    let mail = if cfg!(feature = "smtp") { "" } else { "enabled = false" };
    let all = specs(
        &r#"
        [[receiver]]
        name = "ops"
        kind = "webhook"
        url = "https://example.org/hook"
        secret = { env = "HOOK_SECRET" }
        headers = { Authorization = { file = "/run/secrets/token", prefix = "Bearer " } }
        rate = "30/h"
        give_up = "2d"
        timeout = "5s"
        match = { at_least = "warning", labels = { domain = "economic" } }

        [[receiver]]
        name = "mail"
        kind = "smtp"
        SWITCH
        host = "mail.example.org"
        from = "Bellwether <bellwether@example.org>"
        to = ["a@example.org", "b@example.org"]
        user = "bellwether"
        password = { env = "MAIL_PASSWORD" }

        [[receiver]]
        name = "am"
        kind = "alertmanager"
        url = "http://127.0.0.1:9093"
        link = "https://example.org/why/{alert}"
    "#
        .replace("SWITCH", mail),
    );
    assert_eq!(all[0].rate.unwrap().to_string(), "30/h");
    assert_eq!((all[0].give_up.as_secs(), all[0].timeout.as_secs()), (172_800, 5));
    assert_eq!(all[0].route.labels["domain"], ["economic"]);
    let Kind::Smtp(mail) = &all[1].kind else { panic!() };
    assert_eq!((mail.port, mail.tls, mail.to.len()), (587, Tls::Starttls, 2));
    assert_eq!(all[1].give_up.as_secs(), 3 * 86_400);
    let Kind::Alertmanager { refresh, hold, .. } = &all[2].kind else { panic!() };
    assert_eq!((refresh.as_secs(), hold.as_secs()), (120, 86_400));
}

#[test]
fn all_faults_of_a_file_are_told_at_once_with_their_lines() {
    let text = r#"[[receiver]]
name = "one"
kind = "webhook"
url = "http://example.org/hook"
rate = "many"
timeout = "0s"
tiemout = "3s"

[[receiver]]
name = "one"
kind = "smtp"
port = 0
tls = "ssl"
to = []

[[receiver]]
kind = "pager"
enabled = "yes"
match = { at_least = "high", severty = "info" }

[[receiver]]
name = "a b"
kind = "alertmanager"
url = "https://user:hunter2@example.org"
hold = "1m"
"#;
    let told = faults(text);
    let wanted = [
        "5 receiver[0].rate: not a rate",
        "6 receiver[0].timeout: too short or too long",
        "4 receiver[0].url: plain http can be read and changed on its way",
        "1 receiver[0]: no secret to sign with",
        "7 receiver[0].tiemout: unknown setting",
        "9 receiver[1]: no host",
        "9 receiver[1]: no from",
        "12 receiver[1].port: not a port",
        "13 receiver[1].tls: no such protection",
        "14 receiver[1].to: not a text or a list of texts",
        "16 receiver[2]: no name",
        "17 receiver[2].kind: no kind of receiver",
        "18 receiver[2].enabled: neither true nor false",
        "19 receiver[2].match.at_least: no severity",
        "19 receiver[2].match.severty: unknown setting",
        "22 receiver[3].name: not a plain name",
        "24 receiver[3].url: a name or password in the address",
        "25 receiver[3].hold: too short",
    ];
    let no_mail = "11 receiver[1].kind: this program was built without mail";
    let wanted: Vec<&str> = wanted.into_iter().chain((!cfg!(feature = "smtp")).then_some(no_mail)).collect();
    assert_eq!(told.len(), wanted.len(), "{}", told.join("\n"));
    for expected in wanted {
        assert!(told.iter().any(|fault| fault == expected), "{expected} is not in\n{}", told.join("\n"));
    }
}

#[test]
fn a_name_is_used_once_and_nothing_else_stands_in_the_file() {
    let text = "[[receiver]]\nname = \"x\"\nkind = \"stdout\"\n[[receiver]]\nname = \"x\"\nkind = \"stdout\"\n[other]\na = 1\n";
    assert_eq!(
        faults(text),
        ["7 other: unknown setting", "5 receiver[1].name: another receiver has this name"]
    );
    assert_eq!(faults("receiver = 1"), ["1 receiver: not a list of receivers"]);
    assert_eq!(faults("receiver = [1]"), ["1 receiver[0]: not a table"]);
    assert_eq!(parse("f", "").unwrap(), []);
}

#[test]
fn r28_no_fault_shows_a_secret() {
    let text = r#"
        [[receiver]]
        name = "w"
        kind = "webhook"
        url = "https://u:hunter2@example.org/"
        secret = "whsec_hunter2"
        headers = { Authorization = "Bearer hunter2", "bad name" = { env = "X" } }
        [[receiver]]
        name = "s"
        kind = "slack"
        url = "https://hooks.example.org/services/hunter2"
        [[receiver]]
        name = "m"
        kind = "smtp"
        host = "h"
        from = "a@b.c"
        to = "a@b.c"
        user = "u"
        password = "hunter2"
        pasword = "hunter2"
        tls = "none"
    "#;
    let problems = parse("receivers.toml", text).unwrap_err();
    assert!(problems.0.len() >= 7, "{problems}");
    assert!(!format!("{problems} {problems:?}").contains("hunter2"), "{problems}");
    let spec = specs("[[receiver]]\nname = \"w\"\nkind = \"slack\"\nurl = { env = \"CARGO_PKG_NAME\" }\n");
    assert!(format!("{spec:?}").contains("[REDACTED]"));
}
