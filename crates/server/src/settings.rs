//! What a daemon is told before it starts.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bellwether_ingest::{Cadence, Connector, FeedSpec, Poll};
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
    fn every(&self, _feed: &FeedSpec) -> Option<Duration> {
        None
    }

    /// Age of the newest content from which a feed is stale however well its source answers.
    fn stale(&self, feed: &FeedSpec) -> Option<Duration> {
        let days = match feed.cadence {
            Cadence::Daily => 3,
            Cadence::Weekly => 21,
            Cadence::Monthly => 93,
            Cadence::Quarterly => 276,
            Cadence::Yearly => 732,
            Cadence::Irregular => return None,
        };
        Some(Duration::from_secs(days * 86_400))
    }
}

/// The connectors of the feed files.
#[derive(Clone, Copy, Debug, Default)]
pub struct Connectors;

impl Connect for Connectors {
    fn polls(&self, feed: &FeedSpec) -> bool {
        match feed.connector {
            Connector::File {} | Connector::Stdin {} => false,
        }
    }

    fn connect(&self, feed: &FeedSpec) -> Result<Box<dyn Poll>, Problem> {
        let remedy = "give it records with `bellwether ingest`, or another [connector]";
        Err(Problem::new("a feed of this connector is not asked", remedy).field(&feed.name))
    }
}

/// Settings of a daemon.
#[derive(Clone)]
pub struct Settings {
    /// Folder of the store.
    pub store: PathBuf,
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
    /// How long one poll may take.
    pub budget: Duration,
    /// Wait after the first failure and after many; it doubles in between.
    pub backoff: (Duration, Duration),
    /// How long a stop waits for what is being written and answered.
    pub grace: Duration,
    /// How long a client may take over its request head, and over its body.
    pub patience: Duration,
    /// Every wait of the schedule is divided by this: 1, but in a soak.
    pub speed: u32,
}

impl Settings {
    /// Address listened on unless stated otherwise.
    pub const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 7410);

    /// Usual settings for a store.
    pub fn new(store: PathBuf, configuration: Arc<dyn Configuration>) -> Self {
        Self {
            store,
            listen: Self::LISTEN,
            tokens: Tokens::default(),
            configuration,
            connect: Arc::new(Connectors),
            every: Duration::from_secs(3_600),
            budget: Duration::from_secs(300),
            backoff: (Duration::from_secs(5), Duration::from_secs(3_600)),
            grace: Duration::from_secs(10),
            patience: Duration::from_secs(10),
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
