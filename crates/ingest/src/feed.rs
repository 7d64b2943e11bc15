//! The feed file: `config/feeds/NAME.toml`.

use std::collections::BTreeMap;

use bellwether_model::{Locator, Problem, Problems};
use serde::{Deserialize, Serialize};

use crate::connector::Connector;
use crate::decoder::Decoder;
use crate::mapping::{Mapping, Native, cel};
use crate::prefilter::Condition;
use crate::snapshot::{self, Join, Snapshot};
use crate::vintage::{self, Vintage};

/// How often a source is expected to say something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cadence {
    /// Every day.
    Daily,
    /// Every week.
    Weekly,
    /// Every month.
    Monthly,
    /// Every quarter.
    Quarterly,
    /// Every year.
    Yearly,
    /// When there is something to say.
    Irregular,
}

/// One feed: how bytes arrive, what they are and which facts they make.
///
/// A feed file holds `name`, `title`, `licence`, `cadence`, `[connector]` and `[decoder]`, then either
/// `native = "facts-csv"` (`"facts-ndjson"`, `"cloudevents"`) or one `[[fact]]` for each fact that a record may
/// make. `[[prefilter]]` conditions (`column` with `equals`, `in`, `not`, `not_in`; all must hold) run first;
/// what they leave out is counted as skipped. `[tables.NAME]` are lookups.
///
/// In a `[[fact]]` every text is a CEL expression over `record` (columns by name, or the JSON value), `tables`
/// and `file` (name of the source): `when` (bool), `type`, `key`, `valid_start` (all three needed), `valid_end`,
/// `published_at`, `actors` (list), `value`, `unit`, `grade`, `uri`, `note`, `attributes.*`; `assume = false`
/// forbids an assumed publication. Blank and null mean that the source says nothing. Beside CEL's functions
/// there are `date(text, strftime)`, `add_days(date, n)`, `trim(text)`, `lower(text)`, `number(text)`
/// (`1,234.50 ` to `1234.50`), `scale(number, factor)`, `extract(text, regex)`, `months(text)`,
/// `month_start(text)`, `month_end(text)` (of `1995-04`, `1995-04-30`, `2024-01:2024-02`) and `country(text)`
/// (ISO 3166-1 alpha-3, blank when unknown).
///
/// `[vintage]` says where a dated file's publication stands: `from` lists `option` (`--published-at`),
/// `file-name` (with `pattern`, a regular expression with one group, and `format`, strftime) and `record`, in
/// order. A file without any is refused.
///
/// `[snapshot]` makes each source one vintage of a list: `key` names an entry within its `list` (the feed's name
/// without one), `change` says blank, `ADD`, `MOD` or `DEL`, `content` what decides whether an entry changed,
/// `shrink` which share may go at once (0.2), `removed` the fact type of a removal. The one `[[fact]]` that applies
/// has no key, and a blank `valid_start` means first seen. `[vintage]` may then have `record`, an expression whose
/// latest value dates the list; `[[join]]` (`file`, `as`, `on`, `columns`) adds the rows of files beside the
/// source; `empty = "genuine"` takes a source without a character as an increment of nothing.
///
/// ```
/// let text = r#"
/// name = "visits"
/// title = "Visits"
/// licence = "CC0-1.0"
/// cadence = "weekly"
///
/// [connector]
/// kind = "file"
///
/// [decoder]
/// kind = "delimited"
/// columns = ["who", "day"]
///
/// [[prefilter]]
/// column = "who"
/// in = ["Xi", "Putin"]
///
/// [tables.country]
/// Xi = "CHN"
/// Putin = "RUS"
///
/// [[fact]]
/// type = "'visit.held'"
/// key = "'visit|' + record.who + '|' + date(record.day, '%d.%m.%Y')"
/// valid_start = "date(record.day, '%d.%m.%Y')"
/// actors = "[tables.country[record.who]]"
/// "#;
/// let feed = bellwether_ingest::FeedSpec::parse("config/feeds/visits.toml", text)?;
/// assert_eq!(feed.name, "visits");
/// # Ok::<(), bellwether_model::Problems>(())
/// ```
#[derive(Debug)]
pub struct FeedSpec {
    /// Name, also the `source` of its facts.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// Licence of the data.
    pub licence: String,
    /// Expected rhythm.
    pub cadence: Cadence,
    /// How the bytes arrive unless a path is given.
    pub connector: Connector,
    /// What the bytes are.
    pub decoder: Decoder,
    pub(crate) prefilter: Vec<Condition>,
    pub(crate) mapping: Mapping,
    pub(crate) vintage: Option<Vintage>,
    pub(crate) snapshot: Option<Snapshot>,
    pub(crate) joins: Vec<Join>,
    /// Whether a source without a character says "nothing new", not "cut short".
    pub(crate) empty_is_genuine: bool,
}

/// What a source without a character means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Empty {
    #[default]
    Refused,
    Genuine,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    title: String,
    licence: String,
    cadence: Cadence,
    connector: Connector,
    decoder: Decoder,
    #[serde(default)]
    prefilter: Vec<Condition>,
    native: Option<Native>,
    vintage: Option<vintage::Written>,
    snapshot: Option<snapshot::Written>,
    #[serde(default)]
    join: Vec<Join>,
    #[serde(default)]
    empty: Empty,
    #[serde(default)]
    tables: BTreeMap<String, BTreeMap<String, String>>,
    #[serde(default)]
    fact: Vec<cel::Written>,
}

impl FeedSpec {
    /// Parses a feed file, naming `file` in findings.
    ///
    /// Errors, each with its line: syntax, unknown settings, both or neither of `native` and `[[fact]]`, a
    /// native shape over the wrong decoder, a prefilter without a test or on a column that the decoder does
    /// not promise, and every expression that is no CEL or exceeds the limits (2000 bytes, 24 brackets deep,
    /// no macro inside a macro).
    pub fn parse(file: &str, text: &str) -> Result<FeedSpec, Problems> {
        let locator = Locator::new(file, text)?;
        let mut parsed: File = locator.parse()?;
        let mut problems = Problems::default();
        if parsed.name.is_empty()
            || !parsed.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        {
            problems.push(locator.problem(
                &["name".into()],
                "not a feed name",
                "use lower-case letters, digits and -",
            ));
        }
        let mut decoder = parsed.decoder;
        check_decoder(&locator, &decoder, &mut problems);
        let vintage = parsed
            .vintage
            .map(|written| Vintage::parse(&locator, written, parsed.snapshot.is_some(), &mut problems));
        check_list(&locator, &mut parsed.fact, parsed.snapshot.as_ref(), parsed.native, &mut problems);
        let is_list = parsed.snapshot.is_some();
        for (field, there) in [("join", !parsed.join.is_empty()), ("empty", parsed.empty == Empty::Genuine)] {
            if there && !is_list {
                problems.push(locator.problem(&[field.into()], "only a list has it", "add [snapshot]"));
            }
        }
        Join::check(&parsed.join, &locator, &decoder, &mut problems);
        let snapshot = parsed.snapshot.and_then(|s| Snapshot::parse(&locator, s, &mut problems));
        check_prefilter(&locator, &decoder, &parsed.prefilter, &mut problems);
        let mapping = match (parsed.native, parsed.fact.is_empty()) {
            (Some(native), true) => {
                check_native(&locator, native, &mut decoder, &mut problems);
                Mapping::Native(native)
            }
            (None, false) => {
                let mut table = cel::Table::compile(&locator, parsed.fact, parsed.tables, &mut problems);
                table.undated = is_list;
                Mapping::Cel(table)
            }
            (Some(_), false) => {
                problems.push(locator.problem(
                    &["native".into()],
                    "both native and [[fact]]",
                    "keep one of them",
                ));
                Mapping::Native(Native::FactsCsv)
            }
            (None, true) => {
                problems.push(
                    Problem::new("no mapping", "add native = \"facts-csv\" or at least one [[fact]]")
                        .at(file, 1)
                        .field("fact"),
                );
                Mapping::Native(Native::FactsCsv)
            }
        };
        problems.into_result(FeedSpec {
            name: parsed.name,
            title: parsed.title,
            licence: parsed.licence,
            cadence: parsed.cadence,
            connector: parsed.connector,
            decoder,
            prefilter: parsed.prefilter,
            mapping,
            vintage,
            snapshot,
            joins: parsed.join,
            empty_is_genuine: parsed.empty == Empty::Genuine,
        })
    }
}

/// The entries of a list are keyed once, in `[snapshot]`.
fn check_list(
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

fn check_decoder(locator: &Locator<'_>, decoder: &Decoder, problems: &mut Problems) {
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

fn check_prefilter(
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
                "add equals, in, not or not_in",
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

fn check_native(locator: &Locator<'_>, native: Native, decoder: &mut Decoder, problems: &mut Problems) {
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
