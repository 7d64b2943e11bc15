//! A task for each feed, and what starts, changes and stops them.

mod heartbeat;
mod recall;
mod turn;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bellwether_ingest::FeedSpec;
use chrono::TimeDelta;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::apart::message;
use crate::health::{FeedState, Reason};
use crate::{Configured, Settings};
use turn::{Ended, Turns};

pub(crate) use recall::recall;
pub(crate) use turn::Tools;

/// What a reload did to the feeds, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Changes {
    /// New.
    pub added: Vec<String>,
    /// Gone.
    pub removed: Vec<String>,
    /// Started again, because their file changed.
    pub changed: Vec<String>,
}

/// How the feeds wait.
#[derive(Clone, Copy, Debug)]
struct Pace {
    every: Duration,
    speed: u32,
}

/// The feeds' tasks.
pub(crate) struct Supervisor {
    tools: Tools,
    pace: Pace,
    running: BTreeMap<String, Running>,
}

struct Running {
    digest: String,
    stop: watch::Sender<bool>,
    /// Absent for a feed that is not asked.
    task: Option<JoinHandle<()>>,
}

impl Supervisor {
    pub(crate) fn new(tools: Tools, settings: &Settings) -> Self {
        let pace = Pace { every: settings.every, speed: settings.speed.max(1) };
        Self { tools, pace, running: BTreeMap::new() }
    }

    /// Brings the tasks in line with the configuration; a feed whose file did not change goes on undisturbed.
    pub(crate) async fn apply(&mut self, configured: &Configured) -> Changes {
        let mut changes = Changes::default();
        let mut ending = Vec::new();
        let gone: Vec<String> = self
            .running
            .iter()
            .filter(|(name, running)| configured.feeds.get(*name).is_none_or(|f| f.digest != running.digest))
            .map(|(name, _)| name.clone())
            .collect();
        for name in gone {
            let Some(running) = self.running.remove(&name) else { continue };
            running.stop.send_replace(true);
            ending.extend(running.task);
            if !configured.feeds.contains_key(&name) {
                self.tools.reads.health.forget(&name);
                changes.removed.push(name);
            } else {
                changes.changed.push(name);
            }
        }
        // A feed must not run twice: the old task may still be writing.
        for task in ending {
            let _ = task.await;
        }
        for (name, feed) in &configured.feeds {
            if !self.running.contains_key(name) {
                if !changes.changed.contains(name) {
                    changes.added.push(name.clone());
                }
                let running = self.begin(feed);
                self.running.insert(name.clone(), running);
            }
        }
        changes
    }

    fn begin(&self, feed: &Arc<FeedSpec>) -> Running {
        let (stop, stopped) = watch::channel(false);
        let polled = declare(&self.tools, feed);
        let task =
            polled.then(|| tokio::spawn(guarded(Arc::clone(feed), self.tools.clone(), self.pace, stopped)));
        Running { digest: feed.digest.clone(), stop, task }
    }

    /// Stops asking; what is being written is finished, for at most `grace`.
    pub(crate) async fn stop(self, grace: Duration) {
        for running in self.running.values() {
            running.stop.send_replace(true);
        }
        let all = async {
            for task in self.running.into_values().filter_map(|r| r.task) {
                let _ = task.await;
            }
        };
        if tokio::time::timeout(grace, all).await.is_err() {
            tracing::warn!(
                "a feed was still writing at the end of the grace period; its next append is refused"
            );
        }
    }
}

/// Shows the feed in its first state; answers whether it is to be asked.
fn declare(tools: &Tools, feed: &FeedSpec) -> bool {
    let polled = feed.enabled && tools.connect.polls(feed);
    let state = match (feed.enabled, polled) {
        (false, _) => FeedState::Disabled,
        (true, true) => FeedState::Starting,
        (true, false) => FeedState::Passive,
    };
    tools.reads.health.declare(&feed.name, &feed.title, tools.connect.stale(feed), state, tools.reads.now());
    polled
}

/// One turn of every feed that is asked, all at once.
pub(crate) async fn once(tools: &Tools, configured: &Configured, stop: &watch::Receiver<bool>) {
    let mut turns = JoinSet::new();
    for feed in configured.feeds.values() {
        if declare(tools, feed) {
            let (mut turn, mut stop) = (Turns::new(Arc::clone(feed), tools.clone()), stop.clone());
            turns.spawn(async move {
                turn.take(&mut stop).await;
            });
        }
    }
    while turns.join_next().await.is_some() {}
}

/// A feed's task, begun again when it panics itself.
async fn guarded(feed: Arc<FeedSpec>, tools: Tools, pace: Pace, mut stop: watch::Receiver<bool>) {
    let mut failures = 0_u32;
    loop {
        failures = failures.saturating_add(1);
        let inner = tokio::spawn(follow(Arc::clone(&feed), tools.clone(), pace, stop.clone()));
        let Err(ended) = inner.await else { return };
        let Ok(payload) = ended.try_into_panic() else { return };
        let problem = message(&*payload);
        tools.reads.health.failed(&feed.name, Reason::Panic, &problem, tools.reads.now());
        tracing::error!(feed = feed.name, %problem, "the feed's task panicked; it is started again");
        if waited(&mut stop, tools.connect.backoff(&feed, failures, None) / pace.speed).await {
            return;
        }
    }
}

/// Asks a feed again and again.
async fn follow(feed: Arc<FeedSpec>, tools: Tools, pace: Pace, mut stop: watch::Receiver<bool>) {
    let every = tools.connect.every(&feed).unwrap_or(pace.every);
    let mut failures = 0_u32;
    let mut turns = Turns::new(Arc::clone(&feed), tools.clone());
    loop {
        let wait = match turns.take(&mut stop).await {
            Ended::Sound => {
                failures = 0;
                every
            }
            Ended::Failed(failed) => {
                failures = failures.saturating_add(1);
                tools.connect.backoff(&feed, failures, failed.retry_after)
            }
            Ended::Stopped => return,
        };
        let wait = wait / pace.speed;
        let due = TimeDelta::from_std(wait).ok().and_then(|wait| tools.reads.now().checked_add_signed(wait));
        if let Some(due) = due {
            tools.reads.health.due(&feed.name, due);
        }
        if waited(&mut stop, wait).await {
            return;
        }
    }
}

/// Waits; answers whether a stop came first.
async fn waited(stop: &mut watch::Receiver<bool>, wait: Duration) -> bool {
    tokio::time::timeout(wait, stop.wait_for(|stop| *stop)).await.is_ok()
}
