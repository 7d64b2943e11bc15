//! Asks a running daemon, with nothing but a socket: what is missing must not be what is needed to find out.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde::Deserialize;

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
