//! Logs, feeds, types and files that the tests share.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use bellwether_ingest::{Entry, FeedSpec, IngestError, Input, Options, Report, ingest};
use bellwether_model::{Body, Fact, FactTypes, Record};
use bellwether_store::{EventLog, FixedClock, Memory};
use chrono::{DateTime, Utc};

/// A registry of its own, so that these tests do not move with `config/facts.toml`.
pub(crate) const TYPES: &str = r#"
[[fact]]
type = "trade.flow"
meaning = "goods traded over a period"
temporal = "flow"
units = ["USD", "CNY"]
value = "required"
assume = { after = "end", days = 30 }
plausible = [{ unit = "USD", min = "0", max = "400000000000", between = ["CHN", "RUS"] }]

[[fact]]
type = "finance.reserve_share"
meaning = "share of a currency in reserves"
temporal = "state"
units = ["share"]
value = "required"
required = ["definition"]
assume = { after = "end", days = 30 }
plausible = [{ unit = "share", min = "0", max = "1" }]

[[fact]]
type = "visit.held"
meaning = "a visit"
temporal = "instant"
assume = { after = "start", days = 7 }

[[fact]]
type = "vote.veto"
meaning = "a veto"
temporal = "instant"
assume = { after = "start", days = 7 }

[[fact]]
type = "judgement"
meaning = "an ordinal judgement"
temporal = "state"
units = ["ordinal"]
value = "required"
required = ["indicator", "basis"]
"#;

pub(crate) const HEADER: &str = "fact_type,key,valid_start,valid_end,published_at,actor_from,actor_to,value,unit,\
attributes,source_name,source_url,source_grade,info_credibility,note";

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub(crate) fn types() -> FactTypes {
    FactTypes::parse("facts.toml", TYPES).unwrap()
}

pub(crate) fn now() -> DateTime<Utc> {
    "2026-11-25T12:00:00Z".parse().unwrap()
}

pub(crate) fn memory() -> Memory {
    Memory::new(Arc::new(FixedClock::new(now())))
}

/// A feed as shipped.
pub(crate) fn feed(name: &str) -> FeedSpec {
    let file = format!("config/feeds/{name}.toml");
    let text = std::fs::read_to_string(root().join(&file)).unwrap();
    FeedSpec::parse(&file, &text).unwrap_or_else(|p| panic!("{p}"))
}

pub(crate) struct Run {
    pub(crate) report: Report,
    pub(crate) held: Vec<Entry>,
}

pub(crate) fn run_with(
    log: &dyn EventLog,
    types: &FactTypes,
    feed: &FeedSpec,
    input: Input,
    options: &Options,
) -> Run {
    let mut held: Vec<Entry> = Vec::new();
    let report = ingest(log, types, feed, input, &mut held, options).unwrap();
    let r = report.records;
    assert_eq!(r.read, r.mapped + r.skipped + r.quarantined, "{report:?}");
    assert!(options.dry_run || r.quarantined == held.len() as u64, "{report:?}");
    Run { report, held }
}

pub(crate) fn run(log: &dyn EventLog, feed: &FeedSpec, name: &str, bytes: impl Into<Vec<u8>>) -> Run {
    run_with(log, &types(), feed, Input::bytes(name, bytes), &Options::at(now()))
}

pub(crate) fn refused(feed: &FeedSpec, name: &str, bytes: impl Into<Vec<u8>>) -> IngestError {
    let mut held: Vec<Entry> = Vec::new();
    let log = memory();
    let result = ingest(&log, &types(), feed, Input::bytes(name, bytes), &mut held, &Options::at(now()));
    assert_eq!(log.head(), 0);
    result.unwrap_err()
}

pub(crate) fn facts(log: &dyn EventLog) -> Vec<Fact> {
    let mut facts = Vec::new();
    log.read(1, &mut |record: &Record| {
        if let Body::Fact(fact) = &record.body {
            facts.push(fact.clone());
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    facts
}
