//! What a read works with: the store itself, or the daemon that holds it. Both give the same answers.

use std::cell::OnceCell;
use std::sync::Arc;

use bellwether_model::framework::Framework;
use bellwether_model::question::Questions;
use bellwether_model::{Clock, KnownBasis, View};
use bellwether_projection::forecast::{Beside, ForecastRow, Ledger, Report, Simulated};
use bellwether_projection::{Assessment, BoardRow, Diff, Gap, Projector, Scenarios, SeriesRow};
use bellwether_server::api::{Explained, Guest, compare, explain};
use bellwether_server::forecasts::follow;
use bellwether_store::EventLog;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::de::DeserializeOwned;

use crate::failure::Failure;
use crate::remote::Remote;

/// A framework and where its reading of the log comes from.
pub(crate) struct Reading {
    pub(crate) framework: Arc<Framework>,
    source: Source,
}

enum Source {
    Store { log: Box<dyn EventLog>, projector: Box<Projector> },
    Daemon(Box<Daemon>),
}

/// Queries as the daemon takes them.
type Query = Vec<(&'static str, String)>;

struct Daemon {
    remote: Remote,
    /// The framework to read by.
    by: Query,
    /// The files that it comes from, for a daemon that does not have it.
    files: Option<Box<dyn Fn() -> Result<Guest, Failure>>>,
    /// Once the daemon has said that it does not.
    sent: OnceCell<Guest>,
}

impl Reading {
    /// From a log, folded.
    pub(crate) fn of_store(framework: Arc<Framework>, log: Box<dyn EventLog>, projector: Projector) -> Self {
        Self { framework, source: Source::Store { log, projector: Box::new(projector) } }
    }

    /// From a daemon, by the framework and fact types of these hashes; `files` are sent to a daemon without them.
    pub(crate) fn of_daemon(
        remote: Remote,
        framework: Arc<Framework>,
        (hash, types): (String, String),
        files: Box<dyn Fn() -> Result<Guest, Failure>>,
    ) -> Self {
        let by = vec![("framework", hash), ("types", types)];
        let daemon = Daemon { remote, by, files: Some(files), sent: OnceCell::new() };
        Self { framework, source: Source::Daemon(Box::new(daemon)) }
    }

    /// From a daemon, by its own configuration.
    pub(crate) fn of_server(remote: Remote, id: Option<String>) -> Result<Self, Failure> {
        let by: Query = id.map(|id| ("framework", id)).into_iter().collect();
        let daemon = Daemon { remote, by, files: None, sent: OnceCell::new() };
        let framework = Arc::new(daemon.ask(&["framework"], Vec::new())?);
        Ok(Self { framework, source: Source::Daemon(Box::new(daemon)) })
    }

    /// Everything that the view says.
    pub(crate) fn assess(&self, view: &View) -> Result<Assessment, Failure> {
        match &self.source {
            Source::Store { projector, .. } => Ok(projector.assess(view)),
            Source::Daemon(daemon) => daemon.ask(&["assessment"], of_view(view)),
        }
    }

    /// The same with scenario probabilities smoothed over the past, with hindsight.
    pub(crate) fn assess_with_hindsight(&self, view: &View) -> Result<Assessment, Failure> {
        match &self.source {
            Source::Store { projector, .. } => Ok(projector.assess_with_hindsight(view)),
            Source::Daemon(daemon) => {
                let mut query = of_view(view);
                query.push(("hindsight", true.to_string()));
                daemon.ask(&["assessment"], query)
            }
        }
    }

    /// One line an indicator.
    pub(crate) fn board(&self, view: &View) -> Result<Vec<BoardRow>, Failure> {
        match &self.source {
            Source::Store { projector, .. } => Ok(projector.board(view)),
            Source::Daemon(daemon) => daemon.ask(&["board"], of_view(view)),
        }
    }

    /// What is missing.
    pub(crate) fn gaps(&self, view: &View) -> Result<Vec<Gap>, Failure> {
        match &self.source {
            Source::Store { projector, .. } => Ok(projector.gaps(view)),
            Source::Daemon(daemon) => daemon.ask(&["gaps"], of_view(view)),
        }
    }

    /// The history of a measure of the framework.
    pub(crate) fn series(&self, id: &str, view: &View, vintages: bool) -> Result<Vec<SeriesRow>, Failure> {
        match &self.source {
            Source::Store { projector, .. } => Ok(projector.series(id, view, vintages).unwrap_or_default()),
            Source::Daemon(daemon) => {
                let mut query = of_view(view);
                query.push(("vintages", vintages.to_string()));
                daemon.ask(&["series", id], query)
            }
        }
    }

    /// The scenarios and what may come, up to a year.
    pub(crate) fn scenarios(
        &self,
        view: &View,
        horizon: Option<i32>,
        paths: usize,
        sensitivity: bool,
    ) -> Result<Scenarios, Failure> {
        match &self.source {
            Source::Store { projector, .. } => {
                let horizon = projector
                    .horizon(view, horizon, paths)
                    .map_err(|p| Failure::usage(p.message, p.remedy))?;
                Ok(projector.scenarios(view, horizon, paths, sensitivity))
            }
            Source::Daemon(daemon) => {
                let mut query = of_view(view);
                query.extend(horizon.map(|year| ("horizon", year.to_string())));
                query.push(("paths", paths.to_string()));
                query.push(("sensitivity", sensitivity.to_string()));
                daemon.ask(&["scenarios"], query)
            }
        }
    }

    /// Two dates compared; of one day, when `as_of` names it.
    pub(crate) fn diff(
        &self,
        (from, to): (DateTime<Utc>, DateTime<Utc>),
        as_of: Option<DateTime<Utc>>,
        view: impl Fn(DateTime<Utc>, DateTime<Utc>) -> View,
    ) -> Result<Diff, Failure> {
        let at = |date| view(as_of.unwrap_or(date), date);
        match &self.source {
            Source::Store { projector, .. } => Ok(compare(projector, (from, &at(from)), (to, &at(to)))),
            Source::Daemon(daemon) => {
                let mut query = of_view(&at(from));
                query.retain(|(name, _)| !matches!(*name, "as_of" | "known_by"));
                query.extend([("from", moment(from)), ("to", moment(to))]);
                query.extend(as_of.map(|date| ("as_of", moment(date))));
                daemon.ask(&["diff"], query)
            }
        }
    }

    /// Forecast questions as they stood before `at`. A daemon asks those of its own configuration.
    pub(crate) fn forecasts(
        &self,
        questions: &Questions,
        at: DateTime<Utc>,
        all: bool,
    ) -> Result<Vec<ForecastRow>, Failure> {
        match &self.source {
            Source::Store { log, projector } => {
                let mut ledger = Ledger::default();
                follow(&**log, &mut ledger)?;
                Ok(ledger.list(questions, projector, &Simulated::default(), at, all))
            }
            Source::Daemon(daemon) => {
                daemon.ask(&["forecasts"], vec![("as_of", moment(at)), ("all", all.to_string())])
            }
        }
    }

    /// How good the forecasts were that were made between two dates.
    pub(crate) fn forecast_scores(
        &self,
        questions: &Questions,
        (from, to): (Option<DateTime<Utc>>, DateTime<Utc>),
        beside: Beside,
    ) -> Result<Report, Failure> {
        match &self.source {
            Source::Store { log, projector } => {
                let range = (from.unwrap_or(DateTime::<Utc>::MIN_UTC), to);
                let mut ledger = Ledger::default();
                follow(&**log, &mut ledger)?;
                Ok(ledger.score(questions, projector, &Simulated::default(), range, beside))
            }
            Source::Daemon(daemon) => {
                let mut query = vec![
                    ("to", moment(to)),
                    ("backcasts", beside.backcasts.to_string()),
                    ("scenarios", beside.scenarios.to_string()),
                ];
                query.extend(from.map(|from| ("from", moment(from))));
                daemon.ask(&["forecasts", "score"], query)
            }
        }
    }

    /// Why a row is what it is. An id that nothing has is [`Failure::Nothing`], or a daemon's words to that effect.
    pub(crate) fn why(&self, questions: &Questions, id: &str, view: &View) -> Result<Explained, Failure> {
        match &self.source {
            Source::Store { log, projector } => {
                explain(projector, (&**log, questions), id, view)?.map_err(|p| Failure::Nothing(Box::new(p)))
            }
            Source::Daemon(daemon) => daemon.ask(&["why", id], of_view(view)),
        }
    }
}

impl Daemon {
    fn ask<T: DeserializeOwned>(&self, path: &[&str], query: Query) -> Result<T, Failure> {
        let path: Vec<&str> = std::iter::once("v1").chain(path.iter().copied()).collect();
        if let Some(guest) = self.sent.get() {
            return self.remote.what_if(&path, &query, guest);
        }
        let named: Query = query.iter().chain(&self.by).cloned().collect();
        match (self.remote.get(&path, &named), &self.files) {
            (Err(Failure::Daemon(told)), Some(files)) if told.lacks_framework() => {
                let guest = files()?;
                self.remote.what_if(&path, &query, self.sent.get_or_init(|| guest))
            }
            (answer, _) => answer,
        }
    }
}

fn of_view(view: &View) -> Query {
    let clock = match view.clock {
        Clock::Published => "published",
        Clock::Recorded => "recorded",
    };
    let basis = match view.basis {
        KnownBasis::Any => "any",
        KnownBasis::Stated => "stated",
    };
    vec![
        ("as_of", moment(view.as_of)),
        ("known_by", moment(view.known_by)),
        ("clock", clock.to_owned()),
        ("known_basis", basis.to_owned()),
    ]
}

fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
