//! What in a feed file contradicts itself.

use std::collections::BTreeMap;

use bellwether_model::{Locator, Problems};

use crate::decoder::Decoder;
use crate::encoding::Encoding;
use crate::mapping::{Native, cel};
use crate::prefilter::Condition;
use crate::snapshot;

/// A feed covers only what it makes, as far as its mapping says outright what that is.
pub(super) fn covers(
    locator: &Locator<'_>,
    mut covers: Vec<String>,
    facts: &[cel::Written],
    problems: &mut Problems,
) -> Vec<String> {
    let literal: Vec<&str> = facts.iter().filter_map(cel::Written::literal_kind).collect();
    if !facts.is_empty() && literal.len() == facts.len() {
        for (i, kind) in covers.iter().enumerate().filter(|(_, kind)| !literal.contains(&kind.as_str())) {
            problems.push(locator.problem(
                &["covers".into(), i.into()],
                format!("no [[fact]] makes {kind}"),
                format!("name what one makes ({}), or leave it out", literal.join(", ")),
            ));
        }
    }
    covers.sort_unstable();
    covers.dedup();
    covers
}

/// The entries of a list are keyed once, in `[snapshot]`.
pub(super) fn list(
    locator: &Locator<'_>,
    facts: &mut [cel::Written],
    snapshot: Option<&snapshot::Written>,
    native: Option<Native>,
    problems: &mut Problems,
) {
    for (i, fact) in facts.iter_mut().enumerate() {
        let finding = match (snapshot, &fact.key) {
            (None, None) => Some(("a fact needs a key", "add key = \"…\"")),
            (Some(_), Some(_)) => Some(("the key of an entry is snapshot.key", "remove this one")),
            (None, Some(_)) => None,
            (Some(snapshot), None) => {
                fact.key = Some(snapshot.key.clone());
                None
            }
        };
        if let Some((message, remedy)) = finding {
            problems.push(locator.problem(&["fact".into(), i.into()], message, remedy));
        }
    }
    if native.is_some() && snapshot.is_some() {
        problems.push(locator.problem(&["native".into()], "a list needs [[fact]]", "map its entries"));
    }
}

pub(super) fn decoder(locator: &Locator<'_>, decoder: &Decoder, problems: &mut Problems) {
    for (field, problem) in decoder.misfits() {
        let at = locator.problem(&["decoder".into(), field.into()], problem.message, problem.remedy);
        problems.push(at.text(problem.text));
    }
    let Decoder::Delimited(spec) = decoder else { return };
    if !spec.delimiter.is_ascii() || matches!(spec.delimiter, '"' | '\n' | '\r' | '\0') {
        problems.push(locator.problem(
            &["decoder".into(), "delimiter".into()],
            "not a delimiter",
            "use one ASCII character, such as \",\" or \"\\t\"",
        ));
    }
    for finding in spec.unpivot.iter().flat_map(|unpivot| unpivot.check(spec)) {
        problems.push(locator.problem(
            &["decoder".into(), "unpivot".into()],
            finding.message,
            finding.remedy,
        ));
    }
    if !spec.header && spec.columns.is_empty() {
        problems.push(locator.problem(
            &["decoder".into()],
            "without a header the columns have no names",
            "list them in columns = […]",
        ));
    }
    if !spec.header && spec.optional > 0 && spec.optional >= spec.columns.len() {
        problems.push(locator.problem(
            &["decoder".into(), "optional".into()],
            "no column would be needed",
            "leave at least one that every row has",
        ));
    }
    for (i, name) in spec.columns.iter().enumerate() {
        if spec.columns.iter().take(i).any(|n| n == name) {
            problems.push(locator.problem(
                &["decoder".into(), "columns".into(), i.into()],
                "a column named twice",
                "rename one",
            ));
        }
    }
}

pub(super) fn prefilter(
    locator: &Locator<'_>,
    decoder: &Decoder,
    conditions: &[Condition],
    problems: &mut Problems,
) {
    for (i, condition) in conditions.iter().enumerate() {
        if condition.tests() == 0 {
            problems.push(locator.problem(
                &["prefilter".into(), i.into()],
                "a condition without a test",
                "add equals, in, in_table, not or not_in",
            ));
        }
        // A filter on a column that may be missing would silently skip, or pass, everything.
        if let Decoder::Delimited(spec) = decoder
            && !spec.promised().contains(&condition.column)
        {
            problems.push(locator.problem(
                &["prefilter".into(), i.into(), "column".into()],
                format!("the decoder does not promise a column {}", condition.column),
                if spec.unpivot.is_some() {
                    "name a column of decoder.unpivot, or series, value or blanks"
                } else {
                    "add it to decoder.columns"
                },
            ));
        }
    }
}

/// Puts the keys of a table in the place of its name.
pub(super) fn fill_tables(
    locator: &Locator<'_>,
    mut conditions: Vec<Condition>,
    tables: &BTreeMap<String, BTreeMap<String, String>>,
    problems: &mut Problems,
) -> Vec<Condition> {
    for (i, condition) in conditions.iter_mut().enumerate() {
        let Some(name) = &condition.in_table else { continue };
        let mut refuse = |message: String, remedy: &str| {
            problems.push(locator.problem(
                &["prefilter".into(), i.into(), "in_table".into()],
                message,
                remedy,
            ));
        };
        match tables.get(name) {
            _ if condition.within.is_some() => refuse("both in and in_table".into(), "keep one of them"),
            None => {
                refuse(format!("there is no table {name}"), "add [tables.NAME], or name one that there is")
            }
            Some(table) => condition.within = Some(table.keys().cloned().collect()),
        }
    }
    conditions
}

/// JSON and what is built on it state their encoding themselves.
pub(super) fn encoding(
    locator: &Locator<'_>,
    encoding: Encoding,
    decoder: &Decoder,
    problems: &mut Problems,
) {
    if !encoding.is_utf8() && !matches!(decoder, Decoder::Delimited(_) | Decoder::Ndjson {}) {
        problems.push(locator.problem(
            &["encoding".into()],
            "this decoder reads UTF-8 and UTF-16 only",
            "leave encoding out, or decode delimited rows or one JSON value a line",
        ));
    }
}

pub(super) fn native(locator: &Locator<'_>, native: Native, decoder: &mut Decoder, problems: &mut Problems) {
    let fits = match (native, &mut *decoder) {
        (Native::FactsCsv, Decoder::Delimited(spec)) => {
            // Whatever the feed file lists, these must be there.
            for name in crate::mapping::facts_csv_columns() {
                if !spec.columns.iter().any(|c| c == name) {
                    spec.columns.push((*name).to_owned());
                }
            }
            spec.header
        }
        (Native::FactsNdjson, Decoder::Ndjson {}) | (Native::CloudEvents, Decoder::CloudEvents {}) => true,
        _ => false,
    };
    if !fits {
        problems.push(locator.problem(
            &["native".into()],
            "the native shape does not fit the decoder",
            "facts-csv needs delimited with a header, facts-ndjson needs ndjson, cloudevents needs cloudevents",
        ));
    }
}
