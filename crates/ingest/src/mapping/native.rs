//! The native record in JSON, bare (`facts-ndjson`) or inside a CloudEvents envelope (`cloudevents`).

use bellwether_model::{
    Attributes, Basis, Evidence, Fact, Grade, Op, Period, Precision, Problem, Stamp, parse_moment,
};
use serde::Deserialize;
use serde_json::Value;

use super::{Draft, Place, text};

/// A fact as written by others: what the log assigns is optional and ignored.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default, rename = "id")]
    _id: Option<String>,
    #[serde(default, rename = "seq")]
    _seq: Option<u64>,
    #[serde(default, rename = "recorded_at")]
    _recorded_at: Option<String>,
    #[serde(default)]
    op: Op,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    source: Option<String>,
    key: String,
    valid: Valid,
    #[serde(default)]
    published_at: Option<Stamp>,
    #[serde(default)]
    published_basis: Option<Basis>,
    #[serde(default)]
    actors: Vec<String>,
    #[serde(default)]
    value: Option<Value>,
    #[serde(default)]
    unit: Option<String>,
    #[serde(default)]
    grade: Option<Grade>,
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
    start: String,
    #[serde(default)]
    end: Option<String>,
    #[serde(default)]
    precision: Option<Precision>,
}

impl Valid {
    fn period(&self) -> Result<Period, Problem> {
        let start = parse_moment(&self.start).map_err(|p| p.field("valid.start"))?;
        let mut period = match self.end.as_deref() {
            None => Period::instant(start),
            Some(end) => {
                let end = parse_moment(end).map_err(|p| p.field("valid.end"))?;
                Period::range(start, end).map_err(|p| p.field("valid.end"))?
            }
        };
        if let Some(stated) = self.precision {
            period.precision = stated;
        }
        Ok(period)
    }
}

/// Maps a bare native record. A system record, as an export of the log also holds, is skipped.
pub(super) fn fact(value: Value, place: Place<'_>) -> Result<Option<Draft>, Problem> {
    if value.get("system").is_some() && value.get("type").is_none() {
        return Ok(None);
    }
    if !value.is_object() {
        return Err(Problem::new("not a JSON object", "write one native record a line")
            .field("record")
            .text(value.to_string()));
    }
    let written: Written = serde_json::from_value(value).map_err(|e| {
        Problem::new(
            format!("not a native record: {e}"),
            "see the event of docs: type, key, valid{start,end}, …",
        )
        .field("record")
    })?;
    written.draft(place).map(Some)
}

/// Maps a CloudEvents envelope.
pub(super) fn event(mut value: Value, place: Place<'_>) -> Result<Option<Draft>, Problem> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("specversion") != "1.0" {
        return Err(Problem::new("not a CloudEvent of version 1.0", "set \"specversion\": \"1.0\"")
            .field("specversion")
            .text(text("specversion")));
    }
    for name in ["id", "source", "type"] {
        if text(name).is_empty() {
            return Err(Problem::new(
                "CloudEvents needs this attribute",
                format!("add a non-empty \"{name}\""),
            )
            .field(name));
        }
    }
    if value.get("data_base64").is_some() {
        return Err(
            Problem::new("binary data", "send the native record as JSON in \"data\"").field("data_base64")
        );
    }
    let Some(data @ Value::Object(_)) = value.get_mut("data").map(Value::take) else {
        return Err(Problem::new("no data object", "put the native record into \"data\"").field("data"));
    };
    fact(data, place)
}

impl Written {
    fn draft(self, place: Place<'_>) -> Result<Draft, Problem> {
        let valid = self.valid.period()?;
        text::name("type", &self.kind)?;
        text::name("key", &self.key)?;
        let source = self.source.filter(|s| !s.trim().is_empty());
        if let Some(source) = &source {
            text::name("source", source)?;
        }
        for actor in &self.actors {
            text::name("actors", actor)?;
        }
        let unit = self.unit.filter(|u| !u.trim().is_empty());
        if let Some(unit) = &unit {
            text::name("unit", unit)?;
        }
        let value = match &self.value {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => text::decimal(text)?,
            // Whole numbers are exact in JSON; fractions are binary and would not be.
            Some(Value::Number(n)) if !n.is_f64() => text::decimal(&n.to_string())?,
            Some(other) => {
                return Err(Problem::new(
                    "a value must be exact",
                    "write it as a string: \"value\": \"0.13\"",
                )
                .field("value")
                .text(other.to_string()));
            }
        };
        // Whoever says "recorded" says that no date may be assumed; a stated basis needs its date.
        let (published_at, may_assume) = match (self.published_basis, self.published_at) {
            (Some(Basis::Stated), None) => {
                return Err(Problem::new(
                    "stated, but no publication is given",
                    "add published_at or drop the basis",
                )
                .field("published_at"));
            }
            (None | Some(Basis::Stated), at) => (at, true),
            (Some(Basis::Assumed), _) => (None, true),
            (Some(Basis::Recorded), _) => (None, false),
        };
        let here = place.evidence(None);
        let evidence = Evidence {
            uri: self.evidence.uri.filter(|u| !u.trim().is_empty()),
            file: self.evidence.file.or(here.file),
            line: self.evidence.line.or(here.line),
            digest: self.evidence.digest.or(here.digest),
        };
        let fact = Fact {
            id: uuid::Uuid::nil(),
            op: self.op,
            kind: self.kind,
            source: source.unwrap_or_else(|| place.feed.to_owned()),
            key: self.key,
            valid,
            published_at,
            published_basis: if published_at.is_some() { Basis::Stated } else { Basis::Recorded },
            actors: self.actors,
            value,
            unit,
            grade: self.grade.unwrap_or(Grade::UNKNOWN),
            attributes: self.attributes,
            evidence,
            note: self.note.filter(|n| !n.trim().is_empty()),
        };
        Ok(Draft { fact, may_assume })
    }
}
