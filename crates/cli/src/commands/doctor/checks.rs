//! The checks, in the order in which one would mend what they find.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use bellwether_alert::outbox::Outbox;
use bellwether_ingest::FileQuarantine;
use bellwether_model::{Body, Problem, Problems, System};
use bellwether_server::{Address, Configured, Connect, Connectors};
use bellwether_store::{CHECKPOINT, Error, EventLog, Segments, SystemClock};
use chrono::{DateTime, SecondsFormat, Utc};

use super::{Check, alerts, daemon};
use crate::app::App;
use crate::commands::watch;
use crate::failure::Failure;
use crate::render::counted;

/// Less free room than this is worth a word.
const LITTLE_ROOM: u64 = 1 << 30;
/// So many names are listed; the rest is counted.
const LISTED: usize = 5;

pub(super) fn all(app: &App) -> Result<Vec<Check>, Failure> {
    let dir = app.store_dir()?;
    let mut found = vec![Check::ok(
        "version",
        format!("bellwether {}, store format {}", env!("CARGO_PKG_VERSION"), bellwether_store::FORMAT),
    )];
    let configured = configuration(app, &mut found);
    let url = holder(&dir, &mut found);
    if let (Some(url), Some(configured)) = (&url, &configured) {
        found.push(daemon::configuration(url, configured));
    }
    let seen = store(&dir, &mut found);
    room(&dir, &mut found);
    clock(app.now(), seen.as_ref(), &mut found);
    if let Some(configured) = &configured {
        feeds(&dir, configured, url.as_deref(), seen.as_ref(), &mut found);
        inputs(configured, seen.as_ref(), &mut found);
    }
    quarantine(&dir, &mut found);
    if let Some(configured) = &configured {
        alerts::told(configured, &mut found);
    }
    alerts::letters(seen.as_ref().map(|seen| &seen.outbox), &mut found);
    Ok(found)
}

fn configuration(app: &App, found: &mut Vec<Check>) -> Option<Configured> {
    let config = app.config();
    match watch::load(&config) {
        Ok(configured) => {
            let Configured { types, frameworks, feeds, .. } = &configured;
            let message = format!(
                "{}: {}, {}, {}",
                config.name(),
                counted(types.iter().count(), "fact type", "fact types"),
                counted(frameworks.len(), "framework", "frameworks"),
                counted(feeds.len(), "feed", "feeds")
            );
            found.push(Check::ok("configuration", message));
            Some(configured)
        }
        Err(Problems(problems)) => {
            let first = problems.first().map(Problem::to_string).unwrap_or_default();
            let message = match problems.len() {
                1 => first,
                n => format!("{}, the first: {first}", counted(n, "fault", "faults")),
            };
            found.push(Check::fail("configuration", 3, message, "`bellwether check` names all of them"));
            None
        }
    }
}

/// Who holds the store; answers where a daemon that does is asked.
fn holder(dir: &Path, found: &mut Vec<Check>) -> Option<String> {
    let owner = match bellwether_store::owner(dir) {
        Ok(Some(owner)) => owner,
        Ok(None) => {
            found.push(Check::ok("daemon", "none holds the store: commands work on it themselves"));
            return None;
        }
        Err(error) => {
            found.push(Check::fail(
                "daemon",
                5,
                error.to_string(),
                "check the permissions of the store's folder",
            ));
            return None;
        }
    };
    let Some(Address { url, .. }) = Address::find(dir) else {
        found.push(Check::fail(
            "daemon",
            7,
            format!("{owner} holds the store and is no daemon"),
            "wait for it to end, or stop it; reading works all the same",
        ));
        return None;
    };
    match daemon::get(&url, "/readyz") {
        Some((200, _)) => {
            found.push(Check::ok("daemon", format!("{url} answers ({owner})")));
            Some(url)
        }
        Some((status, _)) => {
            let remedy = "its log says why; restart it when it does not recover";
            found.push(Check::fail(
                "daemon",
                7,
                format!("{url} is not ready (status {status}, {owner})"),
                remedy,
            ));
            Some(url)
        }
        None => {
            let message = format!("{url} does not answer, but {owner} holds the store");
            found.push(Check::fail("daemon", 7, message, "look at its log, and restart it"));
            None
        }
    }
}

/// What the log holds.
#[derive(Default)]
struct Seen {
    /// Fact types.
    kinds: BTreeSet<String>,
    /// When a feed last stored a fact or showed a sign of life.
    feeds: BTreeMap<String, DateTime<Utc>>,
    newest: Option<DateTime<Utc>>,
    outbox: Outbox,
}

fn store(dir: &Path, found: &mut Vec<Check>) -> Option<Seen> {
    if !dir.join("log").is_dir() {
        let message = format!("none at {}", dir.display());
        found.push(Check::warn(
            "store",
            message,
            "`bellwether ingest` or `bellwether watch` makes one, `bellwether demo` shows one",
        ));
        return None;
    }
    match read(dir) {
        Ok((seen, head)) => {
            let remark = "`bellwether store verify` reads every byte";
            found.push(Check::ok(
                "store",
                format!("{} opens, {}; {remark}", dir.display(), counted(head, "record", "records")),
            ));
            Some(seen)
        }
        Err(error) => {
            let code = if error.exit_code() == 5 { 5 } else { 1 };
            found.push(Check::fail(
                "store",
                code,
                error.to_string(),
                "`bellwether store verify` says from where on",
            ));
            None
        }
    }
}

fn read(dir: &Path) -> Result<(Seen, u64), Error> {
    let log = Segments::open_read(dir, std::sync::Arc::new(SystemClock))?;
    let mut seen = Seen::default();
    log.read(1, &mut |record| {
        seen.newest = Some(record.recorded_at);
        seen.outbox.fold(record);
        let alive = match &record.body {
            Body::Fact(fact) => {
                if !seen.kinds.contains(&fact.kind) {
                    seen.kinds.insert(fact.kind.clone());
                }
                fact.attribute("feed").filter(|_| fact.kind == "heartbeat.seen").map(Cow::into_owned)
            }
            // Facts do not say by which feed they came; its checkpoint does.
            Body::System(System { system, name, .. }) => (system == CHECKPOINT).then(|| name.clone()),
        };
        if let Some(name) = alive {
            seen.feeds.insert(name, record.recorded_at);
        }
        ControlFlow::Continue(())
    })?;
    seen.outbox.close(u64::MAX);
    Ok((seen, log.head()))
}

fn room(dir: &Path, found: &mut Vec<Check>) {
    // A store that does not exist yet comes where its nearest folder is.
    let existing: PathBuf = dir.ancestors().find(|p| p.is_dir()).unwrap_or(Path::new(".")).to_owned();
    match rustix::fs::statvfs(&existing) {
        Ok(stat) => {
            let free = stat.f_bavail.saturating_mul(stat.f_frsize);
            let message = format!("{:.1} GiB free where the store is", free as f64 / (1_u64 << 30) as f64);
            found.push(if free < LITTLE_ROOM {
                Check::warn("disk", message, "make room: a log that cannot grow takes nothing more")
            } else {
                Check::ok("disk", message)
            });
        }
        Err(error) => {
            found.push(Check::warn("disk", format!("room is not known: {error}"), "check the path"))
        }
    }
}

fn clock(now: DateTime<Utc>, seen: Option<&Seen>, found: &mut Vec<Check>) {
    let shown = now.to_rfc3339_opts(SecondsFormat::Secs, true);
    let newest = seen.and_then(|seen| seen.newest);
    found.push(match newest.filter(|newest| *newest > now) {
        Some(newest) => Check::warn(
            "clock",
            format!(
                "{shown} is before the newest record, {}",
                newest.to_rfc3339_opts(SecondsFormat::Secs, true)
            ),
            "set the clock: until then records get times just after that one",
        ),
        None => Check::ok("clock", shown),
    });
}

fn feeds(
    dir: &Path,
    configured: &Configured,
    url: Option<&str>,
    seen: Option<&Seen>,
    found: &mut Vec<Check>,
) {
    let (enabled, disabled): (Vec<_>, Vec<_>) = configured.feeds.values().partition(|feed| feed.enabled);
    let connectors = Connectors::new(dir);
    let asked: Vec<_> = enabled.iter().filter(|feed| connectors.polls(feed)).collect();
    let message = format!(
        "{} asked by a daemon, {} given their records, {} switched off",
        asked.len(),
        enabled.len() - asked.len(),
        disabled.len()
    );
    found.push(if asked.is_empty() && !disabled.is_empty() {
        let names = listed(disabled.iter().map(|feed| feed.name.as_str()));
        Check::warn("feeds", message, format!("set enabled = true in the feed files that you want: {names}"))
    } else {
        Check::ok("feeds", message)
    });
    for feed in &asked {
        for problem in feed.connector.missing() {
            found.push(Check::warn("secret", format!("{}: {}", feed.name, problem.message), problem.remedy));
        }
    }
    let told = url.and_then(|url| daemon::get(url, "/v1/feeds"));
    match told {
        Some((200, body)) => {
            let feeds: Vec<daemon::Feed> = serde_json::from_str(&body).unwrap_or_default();
            for daemon::Feed { feed, state, problem, last_success } in feeds {
                let last = last_success.unwrap_or_else(|| "never".to_owned());
                match state.as_str() {
                    "disabled" | "passive" => {}
                    "ok" | "starting" => {
                        found.push(Check::ok("feed", format!("{feed}: {state}, last success {last}")))
                    }
                    _ => {
                        let problem = problem
                            .unwrap_or_else(|| "nothing new for longer than its cadence allows".to_owned());
                        found.push(Check::warn(
                            "feed",
                            format!("{feed}: {state}, last success {last}: {problem}"),
                            "",
                        ));
                    }
                }
            }
        }
        Some((401 | 403, _)) => {
            found.push(Check::warn(
                "feed",
                "the daemon wants a token to tell how the feeds are",
                "set BELLWETHER_TOKEN",
            ));
        }
        _ => {
            for feed in &asked {
                let last = seen.and_then(|seen| seen.feeds.get(&feed.name));
                let last = last.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true));
                found.push(match last {
                    Some(last) => Check::ok("feed", format!("{}: last success {last}", feed.name)),
                    None => Check::warn(
                        "feed",
                        format!("{}: has never answered", feed.name),
                        "run `bellwether watch`",
                    ),
                });
            }
        }
    }
}

/// Rows of the framework that read a fact type which nothing stored has and no enabled feed is known to make.
fn inputs(configured: &Configured, seen: Option<&Seen>, found: &mut Vec<Check>) {
    let stored: BTreeSet<&str> = seen.into_iter().flat_map(|seen| &seen.kinds).map(String::as_str).collect();
    let made: BTreeSet<&str> =
        configured.feeds.values().filter(|f| f.enabled).flat_map(|f| &f.makes).map(String::as_str).collect();
    for framework in &configured.frameworks {
        let filled = |kind: &str| stored.contains(kind) || made.contains(kind);
        let unfilled: Vec<&str> = framework
            .all_measures()
            .filter(|measure| !measure.read.iter().any(|read| filled(&read.kind)))
            .map(|measure| measure.id.as_str())
            .collect();
        let total = framework.all_measures().count();
        found.push(if unfilled.is_empty() {
            Check::ok(
                "inputs",
                format!(
                    "{}: something can fill each of {} facts",
                    framework.id,
                    counted(total, "row that reads", "rows that read")
                ),
            )
        } else {
            let message = format!(
                "{}: nothing stored and no enabled feed fills {} of {}: {}",
                framework.id,
                unfilled.len(),
                counted(total, "row", "rows"),
                listed(unfilled.iter().copied())
            );
            Check::warn("inputs", message, "`bellwether gaps` says what each waits for")
        });
    }
}

fn quarantine(dir: &Path, found: &mut Vec<Check>) {
    let folder = dir.join("quarantine");
    if !folder.join("entries.ndjson").is_file() {
        found.push(Check::ok("quarantine", "nothing is held back"));
        return;
    }
    match FileQuarantine::open(&folder).and_then(|q| q.list()) {
        Ok(entries) if entries.is_empty() => found.push(Check::ok("quarantine", "nothing is held back")),
        Ok(entries) => {
            let feeds: BTreeSet<&str> = entries.iter().map(|entry| entry.feed.as_str()).collect();
            let message = format!(
                "{} held back, of {}",
                counted(entries.len(), "record is", "records are"),
                listed(feeds.into_iter())
            );
            found.push(Check::warn(
                "quarantine",
                message,
                "`bellwether quarantine list` says why, `retry` takes them in",
            ));
        }
        Err(error) => found.push(Check::fail("quarantine", 1, error.to_string(), "")),
    }
}

/// The first few names, and how many more there are.
pub(super) fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<&str> = names.collect();
    let shown = names.iter().take(LISTED).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(LISTED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
