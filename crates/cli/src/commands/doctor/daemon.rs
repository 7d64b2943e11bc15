//! Asks a running daemon, with nothing but a socket: what is missing must not be what is needed to find out.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use bellwether_server::Configured;
use serde::Deserialize;

use super::Check;

const PATIENCE: Duration = Duration::from_secs(2);
/// Most bytes of an answer.
const MOST: u64 = 4 << 20;

/// What of a feed's health is told here.
#[derive(Debug, Deserialize)]
pub(super) struct Feed {
    pub(super) feed: String,
    pub(super) state: String,
    pub(super) problem: Option<String>,
    pub(super) last_success: Option<String>,
}

/// Status and body of an answer; `None` when nobody answers.
pub(super) fn get(url: &str, path: &str) -> Option<(u16, String)> {
    let address: SocketAddr = url.strip_prefix("http://")?.parse().ok()?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    let token = std::env::var("BELLWETHER_TOKEN").ok().filter(|t| t.bytes().all(|b| b.is_ascii_graphic()));
    let token = token.map_or_else(String::new, |token| format!("Authorization: Bearer {token}\r\n"));
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n{token}\r\n").ok()?;
    let mut answer = String::new();
    stream.take(MOST).read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}

/// Whether the daemon reads by what lies here: all else that is said of the configuration is of the files here.
pub(super) fn configuration(url: &str, here: &Configured) -> Check {
    const NAME: &str = "daemon's configuration";
    let types = here.types.hash();
    let mut others = Vec::new();
    for framework in &here.frameworks {
        let path = format!("/v1/framework?framework={}&types={types}", framework.hash(&here.types));
        match get(url, &path) {
            Some((200, _)) => {}
            Some((404, _)) => others.push(framework.id.as_str()),
            Some((401 | 403, _)) => {
                let message =
                    "it keeps its own and wants a token to tell; the other lines are of the files here";
                return Check::warn(NAME, message, "set BELLWETHER_TOKEN");
            }
            _ => {
                let message = "it keeps its own and does not tell; the other lines are of the files here";
                return Check::warn(NAME, message, "look at its log");
            }
        }
    }
    if others.is_empty() {
        let message = "it reads by the fact types and frameworks here; rules, receivers and feeds are those of its last \
                       reload";
        return Check::ok(NAME, message);
    }
    let message = format!(
        "it keeps its own, and reads not by {} as it is here; the other lines are of the files here",
        others.join(", ")
    );
    Check::warn(NAME, message, "name its configuration with --config, or have it load this one: SIGHUP")
}
