//! Feeds of a server that misbehaves in every way: what an operator sees, what is stored, and that it passes.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bellwether_tests::{Daemon, Store, root};
use serde_json::{Value, json};

use crate::watch::copy;

/// One feed each: how its source goes wrong.
const FAULTS: [&str; 11] =
    ["html", "empty", "half", "torn", "busy", "endless", "elsewhere", "metadata", "gone", "blank", "shrunk"];

/// What the server is up to, and how often each path was asked.
struct Service {
    broken: AtomicBool,
    better: AtomicBool,
    asked: Mutex<BTreeMap<String, usize>>,
    /// Requests that reached where a redirect leads to.
    lured: AtomicUsize,
}

impl Service {
    /// Answers on a port of loopback for as long as the test runs.
    fn start() -> (Arc<Self>, u16) {
        let service = Arc::new(Self {
            broken: AtomicBool::new(false),
            better: AtomicBool::new(false),
            asked: Mutex::new(BTreeMap::new()),
            lured: AtomicUsize::new(0),
        });
        // The same port of an address that no feed may ask.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        if let Ok(lure) = TcpListener::bind(("127.0.0.2", port)) {
            let service = Arc::clone(&service);
            std::thread::spawn(move || {
                for _ in lure.incoming() {
                    service.lured.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        let answering = Arc::clone(&service);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let service = Arc::clone(&answering);
                // A client that goes away in the middle is what some of these answers provoke.
                std::thread::spawn(move || service.answer(stream, port).ok());
            }
        });
        (service, port)
    }

    fn answer(&self, mut stream: TcpStream, port: u16) -> std::io::Result<()> {
        let (mut head, mut piece) = (Vec::new(), [0; 1024]);
        while !head.windows(4).any(|w| w == b"\r\n\r\n") {
            match stream.read(&mut piece)? {
                0 => return Ok(()),
                n => head.extend_from_slice(&piece[..n]),
            }
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let name = head.split(' ').nth(1).unwrap_or_default().trim_start_matches('/').to_owned();
        *self.asked.lock().unwrap().entry(name.clone()).or_default() += 1;
        let body = self.body(&name);
        let fault = if self.broken.load(Ordering::SeqCst) { name.as_str() } else { "" };
        let whole = |status: &str, headers: &str, body: &str| {
            format!(
                "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            )
        };
        let open = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
        let text = match fault {
            "html" => whole("200 OK", "", "<!doctype html><title>Please wait</title>"),
            "empty" => whole("200 OK", "", ""),
            "blank" => whole("200 OK", "", "\n \n"),
            "half" => {
                let length = body.len();
                format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{}", &body[..length / 2])
            }
            // No length says that it is cut: only reading it does.
            "torn" => format!("{open}{}", &body[..body.len() - 20]),
            "busy" => whole("429 Too Many Requests", "Retry-After: 1\r\n", ""),
            "endless" => {
                stream.write_all(open.as_bytes())?;
                loop {
                    stream.write_all(body.as_bytes())?;
                }
            }
            "elsewhere" => whole("302 Found", &format!("Location: http://127.0.0.2:{port}/x\r\n"), ""),
            "metadata" => whole("302 Found", "Location: http://169.254.169.254/latest/\r\n", ""),
            "gone" => whole("404 Not Found", "", "gone"),
            "shrunk" => whole("200 OK", "", "id,name\n1,Ann\n"),
            _ => whole("200 OK", "", &body),
        };
        stream.write_all(text.as_bytes())
    }

    /// A good source: one visit, two once it is better; a list of five, six once it is better.
    fn body(&self, name: &str) -> String {
        let better = usize::from(self.better.load(Ordering::SeqCst));
        if name == "shrunk" {
            let rows: String = (0..5 + better).map(|n| format!("{n},Name {n}\n")).collect();
            return format!("id,name\n{rows}");
        }
        let visit = |n: usize| {
            json!({
                "type": "visit.held", "source": name, "key": format!("served|{name}|{n}"),
                "valid": {"start": "2024-05-16T00:00:00Z"}, "published_at": "2024-05-17",
                "actors": ["RUS", "CHN"], "grade": "B2",
                "attributes": {"level": "head of state", "place": "Beijing"},
            })
        };
        (0..=better).map(|n| visit(n).to_string() + "\n").collect()
    }
}

const LIST: &str = r#"
[vintage]
from = ["option"]
[decoder]
kind = "delimited"
columns = ["id", "name"]
[snapshot]
key = "record.id"
[[fact]]
type = "'sanction.listed'"
valid_start = "''"
actors = "['CHN', 'USA']"
[fact.attributes]
authority = "'MFA'"
name = "record.name"
"#;

/// The configuration as shipped, with a feed for each fault.
fn configured(store: &Store, port: u16) -> String {
    let config = store.beside("config");
    copy(&root().join("config"), &config);
    for fault in FAULTS {
        let (native, rest) = match fault {
            "shrunk" => ("", LIST),
            _ => ("native = \"facts-ndjson\"\n", "[decoder]\nkind = \"ndjson\"\n"),
        };
        let feed = format!(
            "name = \"served-{fault}\"\ntitle = \"Served\"\nlicence = \"CC0-1.0\"\ncadence = \"daily\"\n{native}\
             [connector]\nkind = \"http\"\nurl = \"http://127.0.0.1:{port}/{fault}\"\nevery = \"200ms\"\ninsecure = true\n\
             allow = [\"127.0.0.1\"]\nmax_bytes = 100000\npublished = \"fetched\"\n{rest}"
        );
        std::fs::write(config.join(format!("feeds/served-{fault}.toml")), feed).unwrap();
    }
    config.to_str().unwrap().to_owned()
}

#[test]
fn r20_a_source_that_goes_wrong_changes_nothing_and_recovers_by_itself() {
    let store = Store::new();
    let (service, port) = Service::start();
    let config = configured(&store, port);
    let daemon = Daemon::start_with(&store, &["--config", &config], &[]);
    let feed = |fault: &str| -> Value {
        let feeds: Value = serde_json::from_str(&daemon.get("/v1/feeds").1).unwrap();
        let name = format!("served-{fault}");
        feeds.as_array().unwrap().iter().find(|f| f["feed"] == name).unwrap().clone()
    };
    let metric = |line: String| daemon.get("/metrics").1.contains(&line);
    let all = |state: &str| FAULTS.iter().all(|fault| feed(fault)["state"] == state);
    let head = || {
        let metrics = daemon.get("/metrics").1;
        let line = metrics.lines().find(|l| l.starts_with("bellwether_log_head ")).unwrap();
        line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()
    };
    let said = |key: &str| daemon.get("/v1/events").1.matches(key).count();
    let visits = FAULTS.len() - 1;

    daemon.until("every source is taken", || {
        all("ok") && said("\"key\":\"served|") == visits && said("\"type\":\"sanction.listed\"") == 5
    });

    service.broken.store(true, Ordering::SeqCst);
    daemon.until("every feed is degraded", || all("degraded"));
    let before = head();
    for fault in FAULTS {
        let feed = feed(fault);
        assert!(metric(format!("bellwether_feed_degraded{{feed=\"served-{fault}\"}} 1\n")), "{feed}");
        let expected = if ["torn", "blank", "shrunk"].contains(&fault) { "content" } else { "source" };
        assert_eq!(feed["reason"], expected, "{feed}");
        let problem = feed["problem"].as_str().unwrap();
        let says = match fault {
            "html" => "an HTML page",
            "empty" => "an empty answer",
            "half" => "cut short",
            "torn" => "in the middle of a record",
            "busy" => "429",
            "endless" => "longer than 100000 bytes",
            "elsewhere" => "127.0.0.2",
            "metadata" => "169.254.169.254",
            "gone" => "404",
            "shrunk" => "4 of 5 entries are gone",
            _ => "",
        };
        assert!(problem.contains(says), "{fault}: {problem}");
    }
    assert_eq!(
        (head(), said("\"key\":\"served|"), said("\"type\":\"sanction.listed\"")),
        (before, visits, 5)
    );
    assert_eq!(said("\"type\":\"sanction.delisted\""), 0, "a list cut short takes nobody off");
    let held: Value = serde_json::from_str(&daemon.get("/v1/quarantine").1).unwrap();
    let lists = held.to_string().matches("\"feed\":\"served-shrunk\"").count();
    assert_eq!(lists, 1, "{held}");
    assert_eq!(service.lured.load(Ordering::SeqCst), 0, "nobody went where a redirect leads");

    service.better.store(true, Ordering::SeqCst);
    service.broken.store(false, Ordering::SeqCst);
    daemon.until("every feed recovers by itself", || all("ok"));
    daemon.until("what is new is in", || {
        said("\"key\":\"served|") == 2 * visits && said("\"type\":\"sanction.listed\"") == 6
    });
    for fault in FAULTS {
        assert!(metric(format!("bellwether_feed_degraded{{feed=\"served-{fault}\"}} 0\n")), "{fault}");
    }
    daemon.stop().exits(0);
    store.run(&["store", "verify"]).exits(0);
    let asked = service.asked.lock().unwrap().clone();
    assert!(FAULTS.iter().all(|fault| asked.get(*fault).is_some_and(|n| *n >= 3)), "{asked:?}");
}

/// `watch --once` from cron: each run asks once, and the next one goes on where the log says.
#[test]
fn once_takes_what_is_served_and_exits() {
    let store = Store::new();
    let (service, port) = Service::start();
    let config = configured(&store, port);
    let stored = || {
        let feeds = store.json(&["--config", &config, "watch", "--once"]);
        let served = |f: &&Value| f["feed"].as_str().is_some_and(|name| name.starts_with("served-"));
        let of = |f: &Value| f["facts"]["stored"].as_u64().unwrap_or_default();
        feeds.as_array().unwrap().iter().filter(served).map(of).sum::<u64>()
    };
    // Ten visits, five entries and their vintage.
    assert_eq!(stored(), 16);
    assert_eq!(stored(), 0);
    service.better.store(true, Ordering::SeqCst);
    assert_eq!(stored(), 12);
}
