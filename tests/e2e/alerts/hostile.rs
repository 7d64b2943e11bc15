//! Secrets stay where they are kept, and no text of a stranger steers what shows it.

use std::path::Path;

use bellwether_tests::Daemon;
use serde_json::{Value, json};

use super::world::{ALERT, ENV, Mood, SECRET, World, got, push, rule, share, stated};

const URL_SECRET: &str = "t0ken-in-the-address-of-a-chat";
const HEADER_SECRET: &str = "h3ader-value-that-is-kept";

/// Every file of a folder.
fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap_or_default()));
        }
    }
}

#[test]
fn r28_no_secret_of_a_receiver_is_shown_or_stored() {
    let world = World::new(&rule("High", "0.5", "0.4"), Mood::Says(400));
    let port = world.hook.port;
    world.receivers(&format!(
        "[[receiver]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"http://127.0.0.1:{port}/hook\"\n\
         secret = {{ env = \"BELLWETHER_TEST_HOOK\" }}\nheaders = {{ x-key = {{ env = \"BELLWETHER_TEST_KEY\" }} }}\n\
         [[receiver]]\nname = \"chat\"\nkind = \"slack\"\nurl = {{ env = \"BELLWETHER_TEST_CHAT\" }}\n\
         [[receiver]]\nname = \"gone\"\nkind = \"slack\"\nurl = {{ env = \"BELLWETHER_TEST_GONE\" }}\n"
    ));
    let chat = format!("http://127.0.0.1:{port}/{URL_SECRET}");
    // Nothing listens at port 1.
    let gone = format!("http://127.0.0.1:1/{URL_SECRET}");
    let mut env = ENV.to_vec();
    env.extend([
        ("BELLWETHER_TEST_KEY", HEADER_SECRET),
        ("BELLWETHER_TEST_CHAT", &chat),
        ("BELLWETHER_TEST_GONE", &gone),
        ("BELLWETHER_LOG", "trace"),
    ]);
    let daemon = Daemon::start_with(&world.store, &["--config", &world.config], &env);
    push(&daemon, &share("0.6"));
    // The listener sends back what it was sent, its headers included.
    daemon.until("two are given up and one waits", || {
        let all = got(&daemon, "/v1/notifications");
        let of = |state: &str| all.as_array().unwrap().iter().filter(|n| n["state"] == state).count();
        of("dead") == 2 && of("waiting") == 1 && !got(&daemon, "/v1/receivers")[1]["last_error"].is_null()
    });
    let mut shown: Vec<(String, Vec<u8>)> = Vec::new();
    for path in ["/v1/notifications", "/v1/receivers", "/v1/alerts", "/v1/events", "/metrics", "/readyz"] {
        shown.push((path.to_owned(), daemon.get(path).1.into_bytes()));
    }
    assert!(shown[0].1.windows(3).any(|w| w == b"400"), "what was answered is told");
    let commands: [&[&str]; 8] = [
        &["alerts"],
        &["why", ALERT],
        &["notify", "dead"],
        &["notify", "list"],
        &["notify", "test", "hook"],
        &["notify", "test", "gone"],
        &["check"],
        &["doctor"],
    ];
    let run = |shown: &mut Vec<(String, Vec<u8>)>| {
        for args in commands {
            for form in [&[][..], &["--format", "json"]] {
                let all = [&["--config", world.config.as_str()], form, args].concat();
                let outcome = world.store.run_env(&all, &env);
                shown.push((format!("{args:?}"), (outcome.out + &outcome.err).into_bytes()));
            }
        }
    };
    run(&mut shown);
    shown.push(("log of the daemon".to_owned(), daemon.stop().exits(0).err.into_bytes()));
    run(&mut shown);
    files(&world.store.path(), &mut shown);
    let part = SECRET.trim_start_matches("whsec_");
    for (what, bytes) in &shown {
        for secret in [part, URL_SECRET, HEADER_SECRET] {
            let found = bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
            assert!(!found, "{secret} in {what}: {}", String::from_utf8_lossy(bytes));
        }
    }
}

#[test]
fn r24_no_text_steers_a_terminal_a_chat_or_the_log() {
    const HOSTILE: &str = "\u{1b}[2J\u{9b}31m\u{202e}<!channel> *x*\nERROR forged";
    let quoted = json!(HOSTILE).to_string();
    let rules = rule("High", "0.5", "0.4").replace("summary = '", "summary = '''").replace(
        "'\nrunbook = \"Ask the bank.\"",
        &format!("\u{20}'''\nrunbook = {}", quoted.replace("\\u001b", "\\u001B")),
    );
    let rules = rules.replace("title = \"High\"", &format!("title = {quoted}"));
    let rules = rules
        .replace("summary = '''settlement", "summary = '''settlement \u{202e}<!channel> *x*\nERROR forged");
    let world = World::new(&rules, Mood::Says(200));
    let chat = format!("http://127.0.0.1:{}/chat", world.hook.port);
    world.receivers(
        "[[receiver]]\nname = \"chat\"\nkind = \"slack\"\nurl = { env = \"BELLWETHER_TEST_CHAT\" }\n",
    );
    let env = [("BELLWETHER_TEST_CHAT", chat.as_str()), ("BELLWETHER_LOG", "trace")];
    let daemon = Daemon::start_with(&world.store, &["--config", &world.config], &env);
    let more = json!({"note": HOSTILE});
    push(&daemon, &stated("assert", Some("0.6"), more));
    daemon.until("the chat is told", || world.hook.taken().len() == 1);
    let body = &world.hook.taken()[0].body;
    let mut texts = vec![body["text"].as_str().unwrap().to_owned()];
    for block in body["blocks"].as_array().unwrap() {
        texts.extend(block["text"]["text"].as_str().map(str::to_owned));
    }
    assert!(texts.len() >= 3 && texts[0].contains("forged"), "{body}");
    for text in &texts {
        assert!(!text.contains("<!channel>") && !text.contains("*x*") && !steers(text), "{text:?}");
    }
    assert!(!texts[0].contains('\n'), "the line that a phone shows is one: {texts:?}");
    let noted = ["ack", ALERT, "--note", HOSTILE, "--operator", HOSTILE];
    let quiet = ["silence", "add", "team=trade", "--for", "1d", "--note", HOSTILE, "--operator", HOSTILE];
    let run =
        |args: &[&str]| world.store.run_env(&[&["--config", world.config.as_str()], args].concat(), &env);
    // Where such a name or note is refused, nothing of it is shown either.
    for args in [
        &noted[..],
        &quiet[..],
        &["alerts"],
        &["why", ALERT],
        &["silence", "list"],
        &["notify", "dead"],
        &["doctor"],
    ] {
        let outcome = run(args);
        assert!(!steers(&outcome.out) && !steers(&outcome.err), "{args:?} {outcome:?}");
    }
    let ended = daemon.stop().exits(0);
    assert!(!steers(&ended.err), "{ended}");
    for line in ended.err.lines() {
        let level = line.split_whitespace().nth(1).unwrap_or_default();
        assert!(["TRACE", "DEBUG", "INFO", "WARN", "ERROR"].contains(&level), "a line of its own: {line}");
    }
    assert!(!steers(&run(&["alerts"]).exits(0).out) && !steers(&run(&["why", ALERT]).exits(0).out));
    let _: Value = serde_json::from_str(&run(&["--format", "json", "alerts"]).exits(0).out).unwrap();
}

fn steers(text: &str) -> bool {
    text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}')
}
