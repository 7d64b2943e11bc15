//! Where a running daemon is found: a small file in the store's folder.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

const NAME: &str = "daemon.json";

/// `DIR/daemon.json`: `{"url","pid","started"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// Where to ask, without a path.
    pub url: String,
    /// Process.
    pub pid: u32,
    /// When it started.
    pub started: DateTime<Utc>,
}

impl Address {
    /// The daemon that holds the store in `dir`; `None` when nobody does, or somebody who is no daemon.
    ///
    /// A file left behind by a daemon that was killed is recognised: the lock of the store says who holds it.
    pub fn find(dir: &Path) -> Option<Self> {
        let owner = bellwether_store::owner(dir).ok().flatten()?;
        let text = std::fs::read(path(dir)).ok()?;
        let address: Self = serde_json::from_slice(&text).ok()?;
        owner.starts_with(&format!("process {} on ", address.pid)).then_some(address)
    }

    pub(crate) fn new(bound: SocketAddr, started: DateTime<Utc>) -> Self {
        // Everybody's address is nobody's to ask.
        let ip = match bound.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        let url = format!("http://{}", SocketAddr::new(ip, bound.port()));
        Self { url, pid: std::process::id(), started }
    }

    /// Writes the file whole or not at all.
    pub(crate) fn write(&self, dir: &Path) -> io::Result<()> {
        let partial = dir.join("daemon.json.partial");
        let mut file = std::fs::File::create(&partial)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.write_all(b"\n")?;
        std::fs::rename(&partial, path(dir))
    }

    /// Removes the file; that it is gone already does not matter.
    pub(crate) fn remove(dir: &Path) {
        if let Err(error) = std::fs::remove_file(path(dir))
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "the daemon's address file stays behind; it will be recognised as stale");
        }
    }
}

fn path(dir: &Path) -> PathBuf {
    dir.join(NAME)
}
