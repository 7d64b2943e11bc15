//! A fact as JSON on standard input.

use std::io::Read;

use bellwether_ingest::NewFact;
use bellwether_model::{Attributes, Decimal, Evidence, Grade, Precision, Problem, Stamp};
use serde::Deserialize;

use super::period;
use crate::failure::Failure;

/// A native record; what the log assigns is passed over.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default, rename = "id")]
    _id: Option<String>,
    #[serde(default, rename = "seq")]
    _seq: Option<u64>,
    #[serde(default, rename = "recorded_at")]
    _recorded_at: Option<String>,
    #[serde(default, rename = "op")]
    op: Option<String>,
    #[serde(default, rename = "source")]
    _source: Option<String>,
    #[serde(default, rename = "published_basis")]
    _published_basis: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    key: String,
    valid: Valid,
    #[serde(default)]
    published_at: Option<Stamp>,
    #[serde(default)]
    actors: Vec<String>,
    #[serde(default)]
    value: Option<Decimal>,
    #[serde(default)]
    unit: Option<String>,
    grade: Grade,
    #[serde(default)]
    attributes: Attributes,
    #[serde(default)]
    evidence: Evidence,
    #[serde(default)]
    note: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Valid {
    start: Stamp,
    #[serde(default)]
    end: Option<Stamp>,
    #[serde(default)]
    precision: Option<Precision>,
}

/// Most that one fact may take on standard input.
const LIMIT: u64 = 1 << 20;

pub(super) fn read_stdin() -> Result<NewFact, Failure> {
    let mut text = String::new();
    let read = std::io::stdin().take(LIMIT).read_to_string(&mut text);
    read.map_err(|e| Failure::source("stdin", &e))?;
    parse(&text)
}

fn parse(text: &str) -> Result<NewFact, Failure> {
    let written: Written = serde_json::from_str(text).map_err(|e| {
        let problem = Problem::new(
            format!("not a native record: {e}"),
            "send one JSON object with type, key, valid{start,end}, grade; values as strings",
        );
        Failure::Usage(Box::new(problem.at("stdin", e.line())))
    })?;
    if written.op.as_deref().is_some_and(|op| op != "assert") {
        return Err(Failure::usage("fact add only states", "withdraw with `bellwether fact retract KEY`"));
    }
    let mut valid = period(written.valid.start, written.valid.end)?;
    valid.precision = written.valid.precision.unwrap_or(valid.precision);
    Ok(NewFact {
        kind: written.kind,
        key: written.key,
        valid,
        published_at: written.published_at,
        actors: written.actors,
        value: written.value,
        unit: written.unit,
        grade: written.grade,
        attributes: written.attributes,
        uri: written.evidence.uri,
        note: written.note,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_native_record_is_read_and_a_withdrawal_refused() {
        let fact = parse(
            r#"{"type":"visit.held","key":"k","valid":{"start":"2024-05-16"},"grade":"B2","value":"1.50","unit":"x"}"#,
        )
        .unwrap();
        assert_eq!((fact.valid.days(), fact.value.unwrap().to_string().as_str()), (1, "1.50"));
        let withdrawal =
            r#"{"op":"retract","type":"t","key":"k","valid":{"start":"2024-05-16"},"grade":"B2"}"#;
        assert_eq!(parse(withdrawal).unwrap_err().exit_code(), 2);
        assert_eq!(parse("{").unwrap_err().exit_code(), 2);
    }
}
