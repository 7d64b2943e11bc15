//! What the daemon holds and everything that answers questions reads.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use bellwether_alert::RuleSet;
use bellwether_alert::receivers::ReceiverSpec;
use bellwether_ingest::FeedSpec;
use bellwether_model::FactTypes;
use bellwether_model::framework::Framework;
use bellwether_model::question::Questions;
use bellwether_projection::forecast::Ledger;
use bellwether_store::{Error, EventLog, Segments, Stats, StoreClock};
use chrono::{DateTime, SubsecRound, Utc};

use crate::alerts::Alerts;
use crate::health::{FeedHealth, Healths};
use crate::live::Lives;

/// One reading of the configuration; a reload makes another and never changes this one.
#[derive(Debug)]
pub struct Configured {
    /// Name to show.
    pub name: String,
    /// Fact types.
    pub types: Arc<FactTypes>,
    /// Frameworks in file order; the first is the one that reads when none is named. Never empty.
    pub frameworks: Vec<Arc<Framework>>,
    /// Feeds by name, enabled or not.
    pub feeds: BTreeMap<String, Arc<FeedSpec>>,
    /// Alert rules, asked about the first framework.
    pub rules: RuleSet,
    /// Who is told of alerts, enabled or not.
    pub receivers: Vec<ReceiverSpec>,
    /// Forecast questions.
    pub questions: Arc<Questions>,
}

/// The open log, the configuration in force, the feeds' health and the present moment.
pub struct Reads {
    log: Arc<dyn EventLog>,
    clock: Arc<dyn StoreClock>,
    configured: RwLock<Arc<Configured>>,
    reconfigured: tokio::sync::watch::Sender<()>,
    store: Option<Arc<Segments>>,
    folder: Option<PathBuf>,
    pub(crate) health: Healths,
    /// The log folded, for whoever asks.
    pub(crate) lives: Arc<Lives>,
    pub(crate) alerts: Arc<Alerts>,
    /// What the log holds of forecasts, as far as somebody asked.
    ledger: Mutex<Ledger>,
}

impl Reads {
    /// Over an open log.
    pub fn new(log: Arc<dyn EventLog>, clock: Arc<dyn StoreClock>, configured: Arc<Configured>) -> Self {
        let lives = Arc::new(Lives::default());
        let alerts = Arc::new(Alerts::new(Arc::clone(&log), Arc::clone(&lives)));
        Self {
            log,
            clock,
            configured: RwLock::new(configured),
            reconfigured: tokio::sync::watch::Sender::new(()),
            store: None,
            folder: None,
            health: Healths::default(),
            lives,
            alerts,
            ledger: Mutex::default(),
        }
    }

    /// Names the store whose sizes are told.
    #[must_use]
    pub fn with_store(mut self, store: Arc<Segments>) -> Self {
        self.store = Some(store);
        self
    }

    /// Names the store folder, for what lies in it beside the log.
    #[must_use]
    pub fn with_folder(mut self, folder: PathBuf) -> Self {
        self.folder = Some(folder);
        self
    }

    /// Sizes of the store; `None` for a log without a folder.
    pub fn stats(&self) -> Option<Stats> {
        self.store.as_ref().map(|store| store.stats())
    }

    /// Folder of the store.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// The log. Reading it blocks: do it on a blocking thread.
    pub fn log(&self) -> &Arc<dyn EventLog> {
        &self.log
    }

    /// What the log holds of forecasts, everything acknowledged before the call included: a copy, nobody is kept waiting.
    ///
    /// # Errors
    /// As [`EventLog::read`].
    pub(crate) fn ledger(&self) -> Result<Ledger, Error> {
        let mut held = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        crate::forecasts::follow(&*self.log, &mut held)?;
        Ok(held.clone())
    }

    /// The present moment, to the microsecond that the log also keeps.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now().trunc_subsecs(6)
    }

    /// The configuration in force; take it once for each question, a reload may replace it.
    pub fn configured(&self) -> Arc<Configured> {
        Arc::clone(&self.configured.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Health of every feed, by name.
    pub fn feeds(&self) -> Vec<FeedHealth> {
        self.health.all(self.now())
    }

    /// Follows changes of the feeds' health, to look at [`feeds`](Self::feeds) again when there is one.
    pub fn feeds_changed(&self) -> tokio::sync::watch::Receiver<()> {
        self.health.changes()
    }

    /// Follows when another configuration is put in force.
    pub(crate) fn configured_changed(&self) -> tokio::sync::watch::Receiver<()> {
        self.reconfigured.subscribe()
    }

    /// Puts another configuration in force.
    pub fn configure(&self, configured: Arc<Configured>) {
        *self.configured.write().unwrap_or_else(PoisonError::into_inner) = configured;
        self.reconfigured.send_replace(());
    }
}

impl std::fmt::Debug for Reads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reads").field("configured", &self.configured().name).finish_non_exhaustive()
    }
}
