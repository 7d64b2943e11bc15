//! One turn of a feed: ask until there is nothing more, and take in what comes.

use std::sync::Arc;
use std::time::Duration;

use bellwether_ingest::{
    Cursor, Degraded, FeedSpec, IngestError, Options, Poll, Polled, Report, Source, changed_at, fetched_at,
    remember, take,
};
use bellwether_model::Problem;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::timeout;

use super::heartbeat;
use crate::apart::{Lost, apart, finished};
use crate::counted::Counted;
use crate::health::Reason;
use crate::quarantine::Shared;
use crate::{Connect, Reads};

/// Most sources in one turn; what is left waits for the next, so that a stop or a reload is never far.
const MOST_SOURCES: usize = 10_000;
/// Polls that hang and were given up, at most; then the feed waits for one of them to end.
const MOST_HANGING: usize = 4;
/// What a poll gets beyond its budget before its thread counts as hanging.
const SLACK: Duration = Duration::from_secs(1);

/// What all feeds work with.
#[derive(Clone)]
pub(crate) struct Tools {
    pub(crate) reads: Arc<Reads>,
    pub(crate) log: Arc<Counted>,
    pub(crate) quarantine: Shared,
    pub(crate) connect: Arc<dyn Connect>,
    pub(crate) budget: Duration,
}

/// Why a turn failed.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) reason: Reason,
    pub(crate) problem: String,
    pub(crate) retry_after: Option<Duration>,
}

/// How a turn ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// The source answered soundly, to the end of what it had.
    Sound,
    /// It did not.
    Failed(Failed),
    /// A stop came in between.
    Stopped,
}

/// A feed between its turns.
pub(crate) struct Turns {
    feed: Arc<FeedSpec>,
    tools: Tools,
    poller: Option<Box<dyn Poll>>,
    /// As in the log; `None` until it was read from there.
    cursor: Option<Cursor>,
    /// One receiver a poll that was given up; it is closed once its thread has ended.
    hanging: Vec<watch::Receiver<()>>,
}

/// What a poll came to.
enum Asked {
    Answer(Polled),
    Degraded(Degraded),
    Setup(String),
    TooLong,
    Stopped,
}

impl Turns {
    pub(crate) fn new(feed: Arc<FeedSpec>, tools: Tools) -> Self {
        Self { feed, tools, poller: None, cursor: None, hanging: Vec::new() }
    }

    /// Takes a turn, and notes in the feed's health how it went.
    pub(crate) async fn take(&mut self, stop: &mut watch::Receiver<bool>) -> Ended {
        let ended = self.run(stop).await;
        let now = self.tools.reads.now();
        let health = &self.tools.reads.health;
        let feed = self.feed.name.as_str();
        match &ended {
            Ended::Sound => health.sound(feed, now),
            Ended::Failed(Failed { reason, problem, .. }) => {
                let was_well = health.failed(feed, *reason, problem, now);
                let problem = crate::text::one_line(problem);
                if *reason == Reason::Panic {
                    tracing::error!(feed, %problem, "a fault of this program stopped the feed's turn; it will be tried again");
                } else if was_well {
                    tracing::warn!(feed, ?reason, %problem, "the feed is degraded");
                } else {
                    tracing::info!(feed, ?reason, %problem, "the feed is still degraded");
                }
            }
            Ended::Stopped => {}
        }
        ended
    }

    async fn run(&mut self, stop: &mut watch::Receiver<bool>) -> Ended {
        for _ in 0..MOST_SOURCES {
            if *stop.borrow() {
                return Ended::Stopped;
            }
            self.hanging.retain(|thread| thread.has_changed().is_ok());
            if self.hanging.len() >= MOST_HANGING {
                let problem = format!(
                    "{} earlier polls hang and do not end; restart to be rid of them",
                    self.hanging.len()
                );
                return failed(Reason::Timeout, problem);
            }
            let cursor = match self.cursor().await {
                Ok(cursor) => cursor,
                Err(ended) => return ended,
            };
            self.tools.reads.health.polled(&self.feed.name);
            let (source, next, more) = match self.ask(cursor, stop).await {
                Ok(Asked::Answer(Polled::Unchanged { cursor })) => (None, cursor, false),
                Ok(Asked::Answer(Polled::Found { source, cursor, more })) => (Some(source), cursor, more),
                Ok(Asked::Degraded(Degraded { problem, retry_after })) => {
                    let problem = problem.to_string();
                    return Ended::Failed(Failed { reason: Reason::Source, problem, retry_after });
                }
                Ok(Asked::Setup(problem)) => return failed(Reason::Setup, problem),
                Ok(Asked::TooLong) => {
                    let problem = format!("no answer within {:?}", self.tools.budget);
                    return failed(Reason::Timeout, problem);
                }
                Ok(Asked::Stopped) => return Ended::Stopped,
                Err(lost) => return failed(Reason::Panic, lost.to_string()),
            };
            if let Err(ended) = self.keep(source, next, more).await {
                return ended;
            }
            if !more {
                return Ended::Sound;
            }
        }
        Ended::Sound
    }

    /// What the feed remembers, from the log the first time.
    async fn cursor(&mut self) -> Result<Cursor, Ended> {
        if let Some(cursor) = &self.cursor {
            return Ok(cursor.clone());
        }
        let (log, name) = (Arc::clone(&self.tools.log), self.feed.name.clone());
        let read =
            finished(&mut apart(&self.thread(), move || bellwether_ingest::cursor(&*log, &name))).await;
        match read {
            Ok(Ok(kept)) => {
                let health = &self.tools.reads.health;
                health.recalled(&self.feed.name, fetched_at(&kept), changed_at(&kept));
                Ok(self.cursor.insert(kept).clone())
            }
            Ok(Err(error)) => Err(failed(Reason::Store, error.to_string())),
            Err(lost) => Err(failed(Reason::Panic, lost.to_string())),
        }
    }

    /// Asks once, within the budget.
    async fn ask(&mut self, cursor: Cursor, stop: &mut watch::Receiver<bool>) -> Result<Asked, Lost> {
        let poller = self.poller.take();
        let (connect, feed) = (Arc::clone(&self.tools.connect), Arc::clone(&self.feed));
        let (budget, now) = (self.tools.budget, self.tools.reads.now());
        let (runtime, mut stopped) = (Handle::current(), stop.clone());
        let (alive, hanging) = watch::channel(());
        let mut asking = apart(&self.thread(), move || {
            // Closes its channel when the thread ends, by a panic too.
            let _alive = alive;
            let mut poller = match poller.map_or_else(|| connect.connect(&feed), Ok) {
                Ok(poller) => poller,
                Err(problem) => return (None, Asked::Setup(problem.to_string()), Vec::new()),
            };
            let asked = runtime.block_on(async {
                tokio::select! {
                    answer = timeout(budget, poller.poll(&cursor, now)) => match answer {
                        Ok(Ok(polled)) => Asked::Answer(polled),
                        Ok(Err(degraded)) => Asked::Degraded(degraded),
                        Err(_) => Asked::TooLong,
                    },
                    // A sender that is gone stops, too.
                    _ = stopped.wait_for(|stop| *stop) => Asked::Stopped,
                }
            });
            let passed = poller.problems();
            (Some(poller), asked, passed)
        });
        let stopping = async {
            // An error means that nobody is left who could stop us: that is a stop.
            let _ = stop.wait_for(|stop| *stop).await;
        };
        tokio::select! {
            biased;
            () = stopping => Ok(Asked::Stopped),
            answer = timeout(budget.saturating_add(SLACK), finished(&mut asking)) => match answer {
                Ok(Ok((poller, asked, passed))) => {
                    self.poller = poller;
                    self.passed_over(&passed);
                    Ok(asked)
                }
                Ok(Err(lost)) => Err(lost),
                Err(_) => {
                    self.hanging.push(hanging);
                    Ok(Asked::TooLong)
                }
            },
        }
    }

    /// Takes in one source, moves the cursor, and notes that the feed is alive.
    async fn keep(&mut self, source: Option<Source>, next: Cursor, more: bool) -> Result<(), Ended> {
        let Tools { reads, log, quarantine, .. } = self.tools.clone();
        let types = Arc::clone(&reads.configured().types);
        let (feed, cursor) = (Arc::clone(&self.feed), next.clone());
        type Kept = (Option<Report>, Result<(), bellwether_store::Error>);
        let mut keeping = apart(&self.thread(), move || -> Result<Kept, IngestError> {
            let mut quarantine = quarantine;
            let now = reads.now();
            let report = match &source {
                Some(source) => {
                    let options = Options { cursor: Some(cursor), ..Options::at(now) };
                    Some(take(&*log, &types, &feed, source, &mut quarantine, &options)?)
                }
                None => {
                    remember(&*log, &feed.name, &cursor)?;
                    None
                }
            };
            let alive = if more { Ok(()) } else { heartbeat::beat(&*log, &types, &feed, now) };
            Ok((report, alive))
        });
        let kept = loop {
            match timeout(self.tools.budget, finished(&mut keeping)).await {
                Ok(kept) => break kept,
                // Writing is never given up: it would go on beside the next turn.
                Err(_) => tracing::warn!(
                    feed = self.feed.name,
                    "taking in a source takes longer than the feed's budget"
                ),
            }
        };
        match kept {
            Ok(Ok((report, alive))) => {
                self.tools.reads.health.recalled(&self.feed.name, None, changed_at(&next));
                self.cursor = Some(next);
                if let Some(report) = report {
                    self.tools.reads.health.took(&report, self.tools.reads.now());
                    let Report { records, facts, head, .. } = &report;
                    tracing::info!(
                        feed = self.feed.name,
                        read = records.read,
                        mapped = records.mapped,
                        skipped = records.skipped,
                        quarantined = records.quarantined,
                        stored = facts.stored,
                        duplicate = facts.duplicate,
                        head,
                        "taken in"
                    );
                }
                // What was taken is counted, whatever became of the heartbeat.
                match alive {
                    Ok(()) => Ok(()),
                    Err(bellwether_store::Error::Closing) => Err(Ended::Stopped),
                    Err(error) => Err(failed(Reason::Store, error.to_string())),
                }
            }
            Ok(Err(IngestError::Store(bellwether_store::Error::Closing))) => Err(Ended::Stopped),
            Ok(Err(error)) => {
                // What of it is in the log is not known here: ask the log.
                self.cursor = None;
                if let (IngestError::Source(problems), Some(poller)) = (&error, &mut self.poller)
                    && let Some(problem) = problems.0.first()
                {
                    poller.refused(problem);
                }
                let reason = match &error {
                    IngestError::Store(_) | IngestError::Quarantine(_) => Reason::Store,
                    IngestError::Internal(_) => Reason::Panic,
                    _ => Reason::Content,
                };
                Err(failed(reason, error.to_string()))
            }
            Err(lost) => {
                self.cursor = None;
                Err(failed(Reason::Panic, lost.to_string()))
            }
        }
    }

    /// Counts and tells what the connector went on without.
    fn passed_over(&self, passed: &[Problem]) {
        for problem in passed {
            let problem = crate::text::one_line(&problem.to_string());
            tracing::warn!(feed = self.feed.name, %problem, "the feed goes on without something");
            self.tools.reads.health.passed_over(&self.feed.name, problem);
        }
    }

    fn thread(&self) -> String {
        format!("feed {}", self.feed.name)
    }
}

fn failed(reason: Reason, problem: String) -> Ended {
    Ended::Failed(Failed { reason, problem, retry_after: None })
}
