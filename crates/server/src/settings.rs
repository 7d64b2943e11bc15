//! What a daemon is told before it starts.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bellwether_alert::receivers::Output;
use bellwether_ingest::{FeedSpec, Poll};
use bellwether_model::{Problem, Problems};

use crate::{Configured, Tokens};

/// Where the configuration comes from; asked at the start and at every reload.
pub trait Configuration: Send + Sync {
    /// Reads all of it.
    ///
    /// # Errors
    /// Every fault of every file; nothing of it then takes effect.
    fn load(&self) -> Result<Configured, Problems>;
}

impl<F: Fn() -> Result<Configured, Problems> + Send + Sync> Configuration for F {
    fn load(&self) -> Result<Configured, Problems> {
        self()
    }
}

/// Makes what asks a feed's source.
pub trait Connect: Send + Sync {
    /// Whether the feed is asked at all; the others are given their records.
    fn polls(&self, feed: &FeedSpec) -> bool;

    /// The poller of a feed that is asked.
    ///
    /// # Errors
    /// What is missing, such as a secret, and how to supply it: the feed is shown degraded and tried again.
    fn connect(&self, feed: &FeedSpec) -> Result<Box<dyn Poll>, Problem>;

    /// How long to wait between two polls; `None` where the feed file leaves it to the daemon.
    fn every(&self, feed: &FeedSpec) -> Option<Duration> {
        feed.connector.every()
    }

    /// Age of the newest content from which a feed is stale however well its source answers.
    fn stale(&self, feed: &FeedSpec) -> Option<Duration> {
        feed.connector.stale()
    }

    /// How long to leave a source alone after `attempt` failures in a row, from 1.
    fn backoff(&self, feed: &FeedSpec, attempt: u32, asked: Option<Duration>) -> Duration {
        bellwether_ingest::backoff(&feed.name, attempt, asked)
    }
}

/// The connectors of the feed files.
#[derive(Clone, Debug)]
pub struct Connectors {
    /// Folder for what is on its way in; it exists while a daemon runs.
    spool: PathBuf,
}

impl Connectors {
    /// With a folder of the store at `dir`.
    pub fn new(dir: &Path) -> Self {
        Self { spool: spool(dir) }
    }
}

/// Where answers of sources wait until they are taken in: on the disk of the store, where there is room for them.
pub(crate) fn spool(dir: &Path) -> PathBuf {
    dir.join("spool")
}

impl Connect for Connectors {
    fn polls(&self, feed: &FeedSpec) -> bool {
        feed.connector.every().is_some()
    }

    fn connect(&self, feed: &FeedSpec) -> Result<Box<dyn Poll>, Problem> {
        feed.poller(&self.spool).ok_or_else(|| {
            let remedy = "give it records with `bellwether ingest`, or another [connector]";
            Problem::new("a feed of this connector is not asked", remedy).field(&feed.name)
        })
    }
}

/// Settings of a daemon.
#[derive(Clone)]
pub struct Settings {
    /// Folder of the store.
    pub store: PathBuf,
    /// How the store is opened.
    pub log: bellwether_store::Options,
    /// Address to listen on; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Who may do what. Without any, the address must be a loopback one.
    pub tokens: Tokens,
    /// Where the configuration comes from.
    pub configuration: Arc<dyn Configuration>,
    /// What asks the sources.
    pub connect: Arc<dyn Connect>,
    /// How often a feed is asked whose file does not say so.
    pub every: Duration,
    /// How long one poll may take, whatever its own limits are.
    pub budget: Duration,
    /// How long a stop waits for what is being written and answered.
    pub grace: Duration,
    /// How long a client may take over its request head; a body gets six times as long.
    pub patience: Duration,
    /// Where receivers of kind `stdout` write.
    pub output: Output,
    /// Every wait of the schedule is divided by this: 1, but in a soak.
    pub speed: u32,
}

impl Settings {
    /// Address listened on unless stated otherwise.
    pub const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 7410);

    /// Usual settings for a store.
    pub fn new(store: PathBuf, configuration: Arc<dyn Configuration>) -> Self {
        let connect = Arc::new(Connectors::new(&store));
        Self {
            store,
            log: bellwether_store::Options::default(),
            listen: Self::LISTEN,
            tokens: Tokens::default(),
            configuration,
            connect,
            every: Duration::from_secs(3_600),
            budget: Duration::from_secs(1_800),
            grace: Duration::from_secs(10),
            patience: Duration::from_secs(10),
            output: Arc::new(std::sync::Mutex::new(std::io::sink())),
            speed: 1,
        }
    }
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings")
            .field("store", &self.store)
            .field("listen", &self.listen)
            .field("tokens", &self.tokens)
            .field("every", &self.every)
            .field("budget", &self.budget)
            .finish_non_exhaustive()
    }
}
