//! Putting forecasts on record: what is due is appended to the log.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use bellwether_alert::Folded;
use bellwether_model::System;
use bellwether_model::question::Questions;
use bellwether_projection::forecast::{FORECAST, Ledger, Model, QUESTION, RESOLUTION, Simulated};
use bellwether_store::{Append, Error, EventLog};
use chrono::{DateTime, Days, NaiveTime, Utc};
use serde::Serialize;
use tokio::sync::watch;

use crate::apart::{apart, finished};
use crate::live::Live;
use crate::{Configured, Reads};

/// After a midnight the log may still be writing what it dated before.
const AFTER_MIDNIGHT: Duration = Duration::from_secs(5);
/// The clock may be set while the task waits for a midnight.
const LONGEST: Duration = Duration::from_secs(600);
/// Wait after the log refused a record.
const REFUSED: Duration = Duration::from_secs(60);

/// What was added to the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Recorded {
    /// Questions filed.
    pub questions: u64,
    /// Probabilities.
    pub forecasts: u64,
    /// Answers.
    pub resolutions: u64,
}

/// Folds what the log holds of forecasts, from where `ledger` stands.
///
/// # Errors
/// As [`EventLog::read`].
pub fn follow(log: &dyn EventLog, ledger: &mut Ledger) -> Result<(), Error> {
    log.read(ledger.head().saturating_add(1), &mut |record| {
        ledger.apply(record);
        ControlFlow::Continue(())
    })
}

impl Recorded {
    fn count(&mut self, due: &[System]) {
        for system in due {
            match system.system.as_str() {
                QUESTION => self.questions += 1,
                FORECAST => self.forecasts += 1,
                RESOLUTION => self.resolutions += 1,
                _ => {}
            }
        }
    }
}

impl std::ops::AddAssign for Recorded {
    fn add_assign(&mut self, more: Self) {
        self.questions += more.questions;
        self.forecasts += more.forecasts;
        self.resolutions += more.resolutions;
    }
}

/// Appends what is due at `now` by a framework: new questions, the day's probabilities, answers that have arrived.
///
/// Asked again the same UTC day, or after it was cut off, it adds what is missing and nothing twice. Days on which nobody
/// asked stay without a forecast: none is made up afterwards.
///
/// # Errors
/// As [`EventLog::read`] and [`EventLog::append`].
pub fn record(
    log: &dyn EventLog,
    ledger: &mut Ledger,
    questions: &Questions,
    folded: &impl Folded,
    model: &dyn Model,
    now: DateTime<Utc>,
) -> Result<Recorded, Error> {
    let mut added = Recorded::default();
    follow(log, ledger)?;
    let due = folded.lend(log, |projector| ledger.due(questions, projector, model, now))?;
    added.count(&due);
    if !due.is_empty() {
        log.append(Append::systems(due))?;
        follow(log, ledger)?;
    }
    Ok(added)
}

/// The daemon's part: what is due is put on record at the start, after each UTC midnight and after a reload.
pub(crate) async fn daily(reads: Arc<Reads>, mut stop: watch::Receiver<bool>) {
    let mut configured = reads.configured_changed();
    let mut done = None;
    loop {
        configured.borrow_and_update();
        let now = reads.now();
        let mut wait = LONGEST;
        if done != Some(now.date_naive()) {
            let theirs = Arc::clone(&reads);
            match finished(&mut apart("forecasts", move || once(&theirs, now))).await {
                Ok(Ok(added)) => {
                    done = Some(now.date_naive());
                    if added != Recorded::default() {
                        let Recorded { questions, forecasts, resolutions } = added;
                        tracing::info!(questions, forecasts, resolutions, "forecasts put on record");
                    }
                }
                Ok(Err(Error::Closing)) => return,
                Ok(Err(error)) => {
                    tracing::warn!(%error, "forecasts are not on record yet");
                    wait = REFUSED;
                }
                Err(lost) => {
                    tracing::error!(problem = %lost, "forecasts could not be made");
                    wait = REFUSED;
                }
            }
        }
        let midnight =
            now.date_naive().checked_add_days(Days::new(1)).map(|day| day.and_time(NaiveTime::MIN).and_utc());
        let next =
            midnight.and_then(|at| (at - reads.now()).to_std().ok()).unwrap_or_default() + AFTER_MIDNIGHT;
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            _ = configured.changed() => done = None,
            () = tokio::time::sleep(next.min(wait)) => {}
        }
    }
}

fn once(reads: &Reads, now: DateTime<Utc>) -> Result<Recorded, Error> {
    let configured = reads.configured();
    let Configured { questions, frameworks, types, .. } = &*configured;
    let mut added = Recorded::default();
    if questions.filed.is_empty() {
        return Ok(added);
    }
    let log = &**reads.log();
    let mut ledger = reads.ledger()?;
    for (at, framework) in frameworks.iter().enumerate() {
        let live = match at {
            0 => Some(reads.lives.of(&configured, framework, types)),
            _ => reads.lives.ready(framework, types),
        };
        // Of a framework that nobody asks about nothing is kept in memory for one question a day.
        let live = live.unwrap_or_else(|| Arc::new(Live::apart(Arc::clone(framework), Arc::clone(types))));
        added += record(log, &mut ledger, questions, &*live, &Simulated::default(), now)?;
    }
    Ok(added)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bellwether_ingest::{FeedSpec, Input, Options, ingest};
    use bellwether_model::framework::Framework;
    use bellwether_model::{Body, FactTypes, Record, parse_moment};
    use bellwether_projection::forecast::Forecast;
    use bellwether_store::{FixedClock, Memory};

    use super::*;

    fn file(path: &str) -> String {
        let root = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
        std::fs::read_to_string(root.join(path)).unwrap()
    }

    /// The invented pair with two questions, its facts in the log since the second of January.
    struct World {
        log: Arc<dyn EventLog>,
        clock: Arc<FixedClock>,
        configured: Arc<Configured>,
    }

    /// A daemon's task.
    struct Task {
        stop: watch::Sender<bool>,
        reads: Arc<Reads>,
        task: tokio::task::JoinHandle<()>,
    }

    const QUESTIONS: &str = r#"
framework = "xaa-xbb"

[[question]]
id = "trade-2024"
title = "More than 16 thousand million in 2024?"
about = "commerce.trade"
rule = "value > 16e9 in 2024"
filed = "2024-01-03"
settle = "2025-12-31"
reason = "a round number"

[[question]]
id = "trade-2025"
title = "More than 16 thousand million in 2025?"
about = "commerce.trade"
rule = "value > 16e9 in 2025"
filed = "2024-01-03"
settle = "2026-12-31"
reason = "a round number"
"#;

    impl World {
        fn new() -> Self {
            let types = Arc::new(FactTypes::parse("facts.toml", &file("config/facts.toml")).unwrap());
            let text = file("fixtures/dyads/xaa-xbb.toml");
            let framework = Framework::parse("xaa-xbb.toml", &text, &types, None).unwrap();
            let questions = Questions::parse("q.toml", QUESTIONS, [&framework]).unwrap();
            let clock = Arc::new(FixedClock::new(parse_moment("2024-01-02T12:00:00Z").unwrap()));
            let log: Arc<dyn EventLog> = Arc::new(Memory::new(Arc::clone(&clock) as _));
            let feed = FeedSpec::parse("facts-csv.toml", &file("config/feeds/facts-csv.toml")).unwrap();
            let facts = file("fixtures/dyads/xaa-xbb-facts.csv");
            let input = Input::bytes("facts.csv", facts.as_bytes());
            let now = parse_moment("2024-01-02T12:00:00Z").unwrap();
            ingest(&*log, &types, &feed, input, &mut Vec::new(), &Options::at(now)).unwrap();
            let configured = Arc::new(Configured {
                name: "test".into(),
                types,
                frameworks: vec![Arc::new(framework)],
                feeds: BTreeMap::new(),
                rules: Default::default(),
                receivers: Vec::new(),
                questions: Arc::new(questions),
            });
            Self { log, clock, configured }
        }

        fn at(&self, moment: &str) {
            self.clock.set(parse_moment(moment).unwrap());
        }

        fn start(&self) -> Task {
            let (log, clock) = (Arc::clone(&self.log), Arc::clone(&self.clock));
            let reads = Arc::new(Reads::new(log, clock, Arc::clone(&self.configured)));
            let (stop, stopped) = watch::channel(false);
            let task = tokio::spawn(daily(Arc::clone(&reads), stopped));
            Task { stop, reads, task }
        }

        /// Days for which there is a forecast, as it says and as the log took it, by question.
        fn days(&self) -> BTreeMap<String, Vec<(String, String)>> {
            let mut days: BTreeMap<String, Vec<_>> = BTreeMap::new();
            let mut visit = |record: &Record| {
                if let Body::System(System { system, name, data }) = &record.body
                    && system == FORECAST
                {
                    let said: Forecast = serde_json::from_value(data.clone()).unwrap();
                    let day = said.at.chars().take(10).collect();
                    let taken = record.recorded_at.format("%F").to_string();
                    days.entry(name.clone()).or_default().push((day, taken));
                }
                ControlFlow::Continue(())
            };
            self.log.read(1, &mut visit).unwrap();
            days
        }

        /// Waits until each of the questions has so many forecasts.
        async fn forecasts(&self, each: usize) {
            let mut head = self.log.subscribe();
            loop {
                head.borrow_and_update();
                let days = self.days();
                if days.len() == 2 && days.values().all(|days| days.len() == each) {
                    return;
                }
                assert!(days.values().all(|days| days.len() <= each), "{days:?}");
                head.changed().await.unwrap();
            }
        }
    }

    impl Task {
        /// What a look finds out, once it is over.
        async fn stop(self) {
            self.stop.send_replace(true);
            self.task.await.unwrap();
        }
    }

    /// The runtime's time stands still but for what is slept; the log's clock is set by hand.
    #[tokio::test(start_paused = true)]
    async fn a_day_has_one_forecast_and_days_on_which_no_daemon_ran_have_none() {
        let world = World::new();
        world.at("2024-01-03T23:00:00Z");
        let task = world.start();
        world.forecasts(1).await;
        // Midnight while it runs.
        world.at("2024-01-04T00:00:06Z");
        world.forecasts(2).await;
        // It sleeps, with its machine, over three more.
        world.at("2024-01-07T08:00:00Z");
        world.forecasts(3).await;
        task.stop().await;
        // It is down for five, and is started three times on one day.
        for moment in ["2024-01-12T00:00:00Z", "2024-01-12T09:00:00Z", "2024-01-12T23:59:59Z"] {
            world.at(moment);
            let task = world.start();
            world.forecasts(4).await;
            // A reload asks again.
            let before = world.log.head();
            task.reads.configure(Arc::clone(&world.configured));
            tokio::time::sleep(LONGEST * 2).await;
            task.stop().await;
            assert_eq!(world.log.head(), before);
        }
        // The clock is set back: that day is over.
        world.at("2024-01-10T12:00:00Z");
        let back = world.start();
        tokio::time::sleep(LONGEST * 2).await;
        back.stop().await;
        let days = ["2024-01-03", "2024-01-04", "2024-01-07", "2024-01-12"];
        let days: Vec<_> = days.map(|day| (day.to_owned(), day.to_owned())).into();
        assert_eq!(
            world.days(),
            BTreeMap::from(["trade-2024", "trade-2025"].map(|q| (q.to_owned(), days.clone())))
        );
    }
}
