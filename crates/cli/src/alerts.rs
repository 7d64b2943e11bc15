//! Where alerts are read and what is said of them goes: the store itself, or the daemon that holds it.

use std::sync::Arc;

use bellwether_alert::outbox::{Listed, Outbox, State};
use bellwether_alert::{
    Acknowledging, AlertQuery, AlertState, Desk, Folded, QuietState, Quieting, Severity, Standing, Why,
    no_alert, no_alert_ever, no_dead_letter, no_silence,
};
use bellwether_model::{Problem, System};
use bellwether_projection::Projector;
use bellwether_server::Live;
use bellwether_store::{Append, EventLog};
use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use crate::app::App;
use crate::failure::Failure;
use crate::out;
use crate::remote::Remote;

/// Alerts of a store.
pub(crate) enum Alerts {
    /// Read from the log, and worked out from where it ends.
    Store { desk: Box<Desk>, now: DateTime<Utc> },
    /// Asked of a daemon.
    Daemon(Remote),
}

impl Alerts {
    /// Those of the store, or of the daemon that holds it.
    pub(crate) fn open(app: &App) -> Result<Self, Failure> {
        if let Some(remote) = app.remote()? {
            return Ok(Self::Daemon(remote));
        }
        let (log, now) = (app.open_read()?, app.now());
        let (mut desk, live) = desk(app)?;
        live.lend(&*log, |projector| read(&mut desk, &*log, projector, now))??;
        Ok(Self::Store { desk: Box::new(desk), now })
    }

    /// Open alerts.
    pub(crate) fn list(&self, query: AlertQuery) -> Result<Vec<AlertState>, Failure> {
        match self {
            Self::Store { desk, now } => Ok(desk.alerts(query, *now)),
            Self::Daemon(remote) => {
                let state = query.state.map(|state| match state {
                    Standing::Pending => "pending",
                    Standing::Firing => "firing",
                });
                let severity = query.severity.map(|severity| match severity {
                    Severity::Info => "info",
                    Severity::Warning => "warning",
                    Severity::Critical => "critical",
                });
                let query = [("state", state), ("severity", severity)].into_iter();
                let query: Vec<_> = query.filter_map(|(name, word)| Some((name, word?.to_owned()))).collect();
                remote.get(&["v1", "alerts"], &query)
            }
        }
    }

    /// Silences and maintenance windows.
    pub(crate) fn quiet(&self, all: bool) -> Result<Vec<QuietState>, Failure> {
        match self {
            Self::Store { desk, now } => Ok(desk.quiet(*now, all)),
            Self::Daemon(remote) => remote.get(&["v1", "silences"], &[("all", all.to_string())]),
        }
    }
}

/// Takes note of an alert; answers it.
pub(crate) fn acknowledge(app: &App, id: &str, said: &Acknowledging) -> Result<AlertState, Failure> {
    if let Some(remote) = app.remote()? {
        return remote.post(&["v1", "alerts", id, "ack"], said);
    }
    said_in_store(app, |desk, now| {
        let alert = desk.alert(id, now).ok_or_else(|| nothing(no_alert(id)))?;
        Ok((said.record(&alert).map_err(usage)?, ()))
    })
    .and_then(|(desk, now, ())| desk.alert(id, now).ok_or_else(|| nothing(no_alert(id))))
}

/// Silences alerts or announces work; answers the silence.
pub(crate) fn silence(app: &App, wanted: &Quieting) -> Result<QuietState, Failure> {
    if let Some(remote) = app.remote()? {
        return remote.post(&["v1", "silences"], wanted);
    }
    said_in_store(app, |_, now| wanted.record(now).map_err(usage)).map(|(_, _, state)| state)
}

/// Ends a silence; answers it as ended.
pub(crate) fn end(app: &App, id: &str, who: &str) -> Result<QuietState, Failure> {
    if let Some(remote) = app.remote()? {
        return remote.delete(&["v1", "silences", id], &[("who", who.to_owned())]);
    }
    said_in_store(app, |desk, now| {
        let found = desk.quiet(now, true).into_iter().find(|quiet| quiet.silence.id == id);
        found.ok_or_else(|| nothing(no_silence(id)))?.ended(who, now).map_err(usage)
    })
    .map(|(_, _, state)| state)
}

/// Why an alert.
pub(crate) fn why(app: &App, id: &str) -> Result<Why, Failure> {
    if let Some(remote) = app.remote()? {
        return remote.get(&["v1", "why", id], &[]);
    }
    let (log, now) = (app.open_read()?, app.now());
    let (mut desk, live) = desk(app)?;
    live.lend(&*log, |projector| {
        read(&mut desk, &*log, projector, now)?;
        desk.why(&*log, projector, id, now)
    })??
    .ok_or_else(|| nothing(no_alert_ever(id)))
}

/// Notifications in a state.
pub(crate) fn notifications(app: &App, state: State) -> Result<Vec<Listed>, Failure> {
    if let Some(remote) = app.remote()? {
        let word = if state == State::Dead { "dead" } else { "waiting" };
        return remote.get(&["v1", "notifications"], &[("state", word.to_owned())]);
    }
    let outbox = Outbox::of(&*app.open_read()?)?;
    Ok(if state == State::Dead { outbox.list_dead() } else { outbox.list_waiting() })
}

/// Puts dead letters back into the queue, all of them when none is named; answers those.
pub(crate) fn retry(app: &App, ids: Option<&[Uuid]>) -> Result<Vec<Listed>, Failure> {
    let dead = notifications(app, State::Dead)?;
    let ids: Vec<Uuid> = ids.map_or_else(|| dead.iter().map(|letter| letter.id).collect(), <[Uuid]>::to_vec);
    if let Some(unknown) = ids.iter().find(|id| !dead.iter().any(|letter| letter.id == **id)) {
        return Err(nothing(no_dead_letter(&unknown.to_string())));
    }
    if let Some(remote) = app.remote()? {
        for id in &ids {
            remote.post::<Listed>(&["v1", "notifications", &id.to_string(), "retry"], &json!({}))?;
        }
    } else if !ids.is_empty() {
        let log = app.open_write()?;
        let outbox = Outbox::of(&log)?;
        let records = ids.iter().map(|id| outbox.retry(*id)).collect::<Result<Vec<_>, _>>().map_err(usage)?;
        log.append(Append::systems(records))?;
        log.close()?;
    }
    let back = notifications(app, State::Waiting)?;
    Ok(back.into_iter().filter(|letter| dead.iter().any(|d| d.id == letter.id)).collect())
}

/// Writes what somebody says, and nothing else: the rules in force are the daemon's matter, and so is what follows. What is
/// refused leaves no trace.
fn said_in_store<T>(
    app: &App,
    say: impl FnOnce(&Desk, DateTime<Utc>) -> Result<(System, T), Failure>,
) -> Result<(Desk, DateTime<Utc>, T), Failure> {
    let (log, now) = (app.open_write()?, app.now());
    let (mut before, live) = desk(app)?;
    if !before.by_the_log(&log)? {
        out::note("no daemon has looked at this log yet, so no alert is open in it");
    }
    live.lend(&log, |projector| before.read(&log, projector, now))??;
    let (record, answer) = say(&before, now)?;
    log.append(Append::systems(vec![record]))?;
    let (mut after, _) = desk(app)?;
    after.by_the_log(&log)?;
    live.lend(&log, |projector| after.read(&log, projector, now))??;
    log.close()?;
    Ok((after, now, answer))
}

/// A desk by the configuration's rules and its first framework, and the projector that is lent to it.
fn desk(app: &App) -> Result<(Desk, Live), Failure> {
    let config = app.config();
    let types = Arc::new(config.types()?);
    let rules = config.rules()?;
    let framework = app.framework(&types, None)?;
    let desk = Desk::new(Arc::clone(&framework), Arc::clone(&types), &rules);
    Ok((desk, Live::apart(framework, types)))
}

/// Reads a log that nobody owns, and says how far it had been evaluated.
fn read(
    desk: &mut Desk,
    log: &dyn EventLog,
    projector: &Projector,
    now: DateTime<Utc>,
) -> Result<(), bellwether_store::Error> {
    if desk.read(log, projector, now)? {
        out::note("no daemon has evaluated the end of this log: shown is what its next look would find");
    }
    Ok(())
}

fn nothing(problem: Problem) -> Failure {
    Failure::Nothing(Box::new(problem))
}

fn usage(problem: Problem) -> Failure {
    Failure::Usage(Box::new(problem))
}
