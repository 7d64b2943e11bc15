//! `[connector]` of feed files.

use std::time::Duration;

use bellwether_ingest::{Connector, Done, FeedSpec, Form, Settle};

use super::{feed, written};

/// All findings about a feed file with that connector, each as `LINE FIELD: MESSAGE`, lines counted in the connector.
fn faults(connector: &str) -> Vec<String> {
    let text = written(connector);
    let before = text.lines().position(|l| l == "[connector]").unwrap() + 1;
    let Err(problems) = FeedSpec::parse("f.toml", &text) else { return Vec::new() };
    let told = |p: &bellwether_model::Problem| {
        assert!(!p.remedy.is_empty(), "{p}");
        format!("{} {}: {}", p.line.saturating_sub(before), p.field, p.message)
    };
    problems.0.iter().map(told).collect()
}

#[test]
fn defaults_of_an_address() {
    let spec = feed("kind = \"http\"\nurl = \"https://example.org/a.csv\"\n");
    assert!(!spec.enabled);
    let Connector::Http(http) = &spec.connector else { panic!("{spec:?}") };
    assert_eq!(http.every, Duration::from_secs(6 * 3600), "a quarter of its daily rhythm");
    assert_eq!(spec.connector.stale(), Some(Duration::from_secs(3 * 86_400)));
    assert_eq!((http.max_redirects, http.insecure, http.allow.len()), (5, false, 0));
    assert_eq!(http.timeout.total, Duration::from_secs(600));
    assert!(spec.poller(std::path::Path::new("/tmp")).is_some());
}

#[test]
fn every_setting_of_an_address() {
    let spec = feed(
        r#"kind = "http"
url = "http://example.org/list"
every = "15m"
stale = "1d"
timeout = { connect = "5s", first_byte = "250ms", idle = "1s", total = "1h" }
max_bytes = 1000
max_redirects = 0
allow = ["10.0.0.0/8", "::1"]
insecure = true
allow_empty = true
accept = "text/plain"
published = "stamp"
[connector.headers]
Authorization = { env = "TOKEN", prefix = "Bearer " }
X-Key = { file = "/run/secrets/key" }
[connector.index]
kind = "lines"
pattern = '(?<url>\S+(?<stamp>\d{14}))'
stamp = "%Y%m%d%H%M%S"
newest = 4
tries = 2
step = "15m"
catch_up = "http://example.org/all"
"#,
    );
    let Connector::Http(http) = &spec.connector else { panic!("{spec:?}") };
    assert_eq!(spec.connector.every(), Some(Duration::from_secs(900)));
    assert_eq!(http.timeout.first_byte, Duration::from_millis(250));
    let index = http.index.as_ref().unwrap();
    assert!(matches!(index.form, Form::Lines(_)));
    assert_eq!((index.newest, index.tries, http.headers.len()), (4, 2, 2));
    let shown = format!("{spec:?}");
    assert!(shown.contains("TOKEN") && shown.contains("[REDACTED]"), "{shown}");
}

#[test]
fn settings_of_a_folder() {
    let spec = feed("kind = \"folder\"\npath = \"in\"\ndone = \"move:old\"\nsettle = \"rename\"\n");
    let Connector::Folder(folder) = &spec.connector else { panic!("{spec:?}") };
    assert_eq!((&folder.done, folder.settle), (&Done::Move("old".into()), Settle::Rename));
    assert_eq!(folder.every, Duration::from_secs(10));
    let files = feed("kind = \"file\"\n");
    assert!(files.poller(std::path::Path::new("/tmp")).is_none() && files.connector.every().is_none());
}

#[test]
fn wrong_settings_are_found_with_their_line() {
    let http = "kind = \"http\"\nurl = \"https://example.org/\"\n";
    for (more, expected) in [
        ("every = \"soon\"", "3 connector.every: not a length of time"),
        ("every = \"0s\"", "3 connector.every: not a length of time"),
        ("every = \"9999y\"", "3 connector.every: not a length of time"),
        ("stale = \"x\"", "3 connector.stale: not a length of time"),
        ("timeout = { idle = \"x\" }", "3 connector.timeout.idle: not a length of time"),
        ("max_bytes = 0", "3 connector.max_bytes: no byte may come"),
        ("max_redirects = 21", "3 connector.max_redirects: too many redirects"),
        ("allow = [\"127.0.0.0/8\", \"home\"]", "3 connector.allow[1]: not an address or a network"),
        ("accept = \"a\\u0007\"", "3 connector.accept: not fit for a header"),
        ("published = \"stamp\"", "3 connector.published: there is no index whose stamp it could be"),
        ("headers = { \"a b\" = { env = \"X\" } }", "3 connector.headers.a b: not a header name"),
        (
            "headers = { Host = { env = \"X\" } }",
            "3 connector.headers.Host: a header that is set by the fetching itself",
        ),
        ("headers = { A = { env = \"X\", file = \"y\" } }", "3 connector.headers.A: both env and file"),
        ("headers = { A = {} }", "3 connector.headers.A: no place to read the secret from"),
        ("headers = { A = { env = \"X=Y\" } }", "3 connector.headers.A: not a name of a variable"),
        (
            "[connector.index]\nkind = \"lines\"\npattern = '('\nstamp = \"%Y-%m-%d\"",
            "5 connector.index.pattern: not an expression: error: unclosed group",
        ),
        (
            "[connector.index]\nkind = \"lines\"\npattern = '(?<url>.*)'\nstamp = \"%Y-%m-%d\"",
            "5 connector.index.pattern: no group stamp",
        ),
        (
            "[connector.index]\nkind = \"json-map\"\nat = \"versions\"\nstamp = \"%Y-%m-%d\"",
            "5 connector.index.at: not a JSON pointer",
        ),
        (
            "[connector.index]\nkind = \"json-map\"\nat = \"\"\nstamp = \"%Q\"",
            "6 connector.index.stamp: does not read a date",
        ),
        (
            "[connector.index]\nkind = \"json-map\"\nat = \"\"\nstamp = \"%Y-%m-%d\"\nnewest = 0",
            "7 connector.index.newest: not a number of sources",
        ),
        (
            "[connector.index]\nkind = \"json-map\"\nat = \"\"\nstamp = \"%Y-%m-%d\"\ntries = 0",
            "7 connector.index.tries: a source needs one try at least",
        ),
    ] {
        assert_eq!(faults(&format!("{http}{more}\n")), [expected], "{more}");
    }
    for (url, expected) in [
        ("example.org", "2 connector.url: not an address"),
        ("http://example.org/", "2 connector.url: plain http can be read and changed on its way"),
        ("file:///etc/passwd", "2 connector.url: only https can be fetched"),
        ("https://me:pw@example.org/", "2 connector.url: a name or password in the address"),
    ] {
        let found = faults(&format!("kind = \"http\"\nurl = \"{url}\"\n"));
        assert_eq!(found.first().map(String::as_str), Some(expected), "{url}");
    }
    let folder = "kind = \"folder\"\npath = \"in\"\n";
    for (more, expected) in [
        ("pattern = \"a/*.csv\"", "3 connector.pattern: reaches into other folders"),
        ("pattern = \"[\"", "3 connector.pattern: not a pattern: unclosed character class; missing ']'"),
        ("done = \"delete\"", "3 connector.done: neither keep nor move"),
        ("done = \"move:../x\"", "3 connector.done: neither keep nor move"),
        ("done = \"move:/x\"", "3 connector.done: neither keep nor move"),
        ("done = \"move:a/b\"", "3 connector.done: neither keep nor move"),
        ("done = \"move:..\"", "3 connector.done: neither keep nor move"),
        ("done = \"move:\"", "3 connector.done: neither keep nor move"),
    ] {
        assert_eq!(faults(&format!("{folder}{more}\n")), [expected], "{more}");
    }
    assert_eq!(faults("kind = \"folder\"\npath = \"\"\n"), ["2 connector.path: no folder"]);
}

#[test]
fn unknown_settings_and_kinds_are_refused() {
    for connector in [
        "kind = \"ftp\"\n",
        "kind = \"http\"\nurl = \"https://x/\"\nretries = 3\n",
        "kind = \"http\"\n",
        "kind = \"http\"\nurl = \"https://x/\"\nheaders = { A = \"plain\" }\n",
        "kind = \"file\"\npath = \"x\"\n",
        "kind = \"folder\"\npath = \"x\"\nsettle = \"soon\"\n",
    ] {
        assert_eq!(faults(connector).len(), 1, "{connector}");
    }
}

#[test]
fn r28_a_password_in_an_address_is_not_repeated() {
    let text = written("kind = \"http\"\nurl = \"https://me:hunter2@example.org/\"\n");
    let said = FeedSpec::parse("f.toml", &text).unwrap_err().to_string();
    assert!(!said.contains("hunter2") && said.contains("[REDACTED]"), "{said}");
}
