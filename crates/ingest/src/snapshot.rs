//! Lists that come whole: what a vintage changes against its neighbours becomes facts.
//!
//! A source is one vintage of a list. Its entries are compared with those of the vintages before and after it,
//! and only what follows from the comparison is stored, so that the facts visible at any known time are a pure
//! function of the set of vintages, whatever the order in which they came:
//!
//! - An entry that appears makes a listing under `LIST|ENTRY#START`, a spell named after the vintage it starts at.
//! - An entry that changes is a further vintage of that key; one that goes ends the spell, under `…|delisted`.
//! - What a vintage that comes in between shows to be otherwise is withdrawn at the time at which it was said. A key
//!   withdrawn stays so at that time; what remains true of it is said again under `…|copy2`, the same happening.
//! - An entry that cannot be read, or that an increment does not name, is unknown: it neither stays nor goes.
//! - `list.vintage` says that a vintage was read, how many entries it holds and which of them are unknown.
//!
//! Nothing is kept beside the log: the lists known so far are read from the facts ([`known`]).

mod derive;
mod facts;
mod hash;
mod join;
mod known;
mod read;
mod resume;
mod run;

use bellwether_model::{Locator, Period, Problem, Problems, Stamp};
use chrono::{DateTime, Days, NaiveTime, Utc};
use serde::Deserialize;

use crate::mapping::cel::{self, Expression};

pub(crate) use join::Join;
pub(crate) use resume::{Place, entry as resume_entry, whole as resume_whole};
pub(crate) use run::ingest;

/// Fact type of a vintage.
const VINTAGE: &str = "list.vintage";
/// Fact type of an entry that goes on under another id.
const MERGED: &str = "list.merged";

/// `[snapshot]` of a feed file; texts are CEL.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Written {
    list: Option<String>,
    pub(crate) key: String,
    change: Option<String>,
    content: Option<String>,
    #[serde(default = "fifth")]
    shrink: f64,
    #[serde(default = "delisted")]
    removed: String,
}

fn fifth() -> f64 {
    0.2
}

fn delisted() -> String {
    "sanction.delisted".to_owned()
}

/// How a feed reads its source as a list.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// List that a record belongs to; the feed's name without one.
    pub(crate) list: Option<Expression>,
    /// What names an entry within its list.
    pub(crate) key: Expression,
    /// Blank for an entry of a whole list; `ADD`, `MOD` or `DEL` for one of an increment.
    pub(crate) change: Option<Expression>,
    /// What decides whether an entry changed; all of its fact without one.
    pub(crate) content: Option<Expression>,
    /// Share of its entries that a list may lose at once.
    pub(crate) shrink: f64,
    /// Fact type of a removal.
    pub(crate) removed: String,
}

impl Snapshot {
    /// `None` with a finding for each expression that is none.
    pub(crate) fn parse(locator: &Locator<'_>, written: Written, problems: &mut Problems) -> Option<Self> {
        let mut compile = |field: &str, text: String| match cel::compile(&format!("snapshot.{field}"), text) {
            Ok(expression) => Some(expression),
            Err(p) => {
                let at = locator.problem(&["snapshot".into(), field.into()], p.message, p.remedy);
                problems.push(at.text(p.text));
                None
            }
        };
        let list = written.list.map(|text| compile("list", text));
        let change = written.change.map(|text| compile("change", text));
        let content = written.content.map(|text| compile("content", text));
        let key = compile("key", written.key);
        if !(0.0..=1.0).contains(&written.shrink) {
            problems.push(locator.problem(
                &["snapshot".into(), "shrink".into()],
                "not a share",
                "write a number from 0 to 1",
            ));
        }
        Some(Self {
            list: list.flatten(),
            key: key?,
            change: change.flatten(),
            content: content.flatten(),
            shrink: written.shrink,
            removed: written.removed,
        })
    }
}

/// Valid time of an entry whose record states none: that of the vintage in which it is first seen.
pub(crate) fn first_seen() -> Period {
    Period::instant(DateTime::<Utc>::MIN_UTC)
}

fn is_first_seen(period: &Period) -> bool {
    *period == first_seen()
}

/// The day of a publication.
fn day(stamp: Stamp) -> Period {
    let start = stamp.start().date_naive().and_time(NaiveTime::MIN).and_utc();
    let end = start.checked_add_days(Days::new(1)).unwrap_or(start);
    Period::range(start, end).unwrap_or_else(|_| Period::instant(start))
}

/// Place of a vintage among the others: when it is known, then when it starts.
type At = (DateTime<Utc>, DateTime<Utc>);

fn at(stamp: Stamp) -> At {
    (stamp.known_from(), stamp.start())
}

/// An entry's key without the number that tells it from others of the same key.
fn base(entry: &str) -> &str {
    match entry.rsplit_once('~') {
        Some((base, n)) if !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()) => base,
        _ => entry,
    }
}

/// Longest key of an entry: list and spell are added to it.
const MAX_ENTRY: usize = 300;

fn check_key(entry: &str) -> Result<(), Problem> {
    crate::mapping::text::name("key", entry)?;
    if entry.len() > MAX_ENTRY {
        return Err(Problem::new(
            format!("the key of an entry is longer than {MAX_ENTRY} bytes"),
            "shorten it in snapshot.key",
        )
        .field("key")
        .text(entry));
    }
    Ok(())
}
