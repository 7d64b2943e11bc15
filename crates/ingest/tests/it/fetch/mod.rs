//! Feeds that are fetched: reliability rows 14, 19, 20 and 28.

mod folder;
mod http;
mod index;
mod lists;
mod server;
mod settings;
mod taking;
mod tls;
mod whole;

use std::io::Read;

use bellwether_ingest::{Cursor, Degraded, FeedSpec, Poll, Polled};
use chrono::{DateTime, Utc};

/// A feed of native records whose connector is `connector`.
fn feed(connector: &str) -> FeedSpec {
    let text = written(connector);
    FeedSpec::parse("config/feeds/fetched.toml", &text).unwrap_or_else(|p| panic!("{p}\n{text}"))
}

fn written(connector: &str) -> String {
    format!(
        "name = \"fetched\"\ntitle = \"Fetched\"\nlicence = \"MIT\"\ncadence = \"daily\"\nenabled = false\n\
         native = \"facts-csv\"\n\n[decoder]\nkind = \"delimited\"\n\n[connector]\n{connector}"
    )
}

/// A feed of a server in this process: plain http to loopback, and short waits where a test needs them to end.
fn local(url: &str, more: &str) -> FeedSpec {
    feed(&format!("kind = \"http\"\nurl = \"{url}\"\ninsecure = true\nallow = [\"127.0.0.1\"]\n{more}"))
}

fn poller(feed: &FeedSpec) -> Box<dyn Poll> {
    feed.poller(&std::env::temp_dir()).unwrap()
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// One source that was found.
#[derive(Debug, PartialEq)]
struct Found {
    name: String,
    text: String,
    cursor: Cursor,
    more: bool,
}

fn found(polled: Result<Polled, Degraded>) -> Found {
    match polled {
        Ok(Polled::Found { source, cursor, more }) => {
            let mut text = String::new();
            (&source.file).read_to_string(&mut text).unwrap();
            Found { name: source.name, text, cursor, more }
        }
        other => panic!("nothing was found: {other:?}"),
    }
}

fn unchanged(polled: Result<Polled, Degraded>) -> Cursor {
    match polled {
        Ok(Polled::Unchanged { cursor }) => cursor,
        other => panic!("not unchanged: {other:?}"),
    }
}

fn degraded(polled: Result<Polled, Degraded>) -> Degraded {
    match polled {
        Err(degraded) => degraded,
        Ok(polled) => panic!("not degraded: {polled:?}"),
    }
}
