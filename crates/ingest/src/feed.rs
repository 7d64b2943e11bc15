//! The feed file: `config/feeds/NAME.toml`.

mod check;

use std::collections::BTreeMap;

use bellwether_model::{Locator, Problem, Problems};
use serde::{Deserialize, Serialize};

use crate::connector::{self, Connector};
use crate::decoder::{Decoder, Empty};
use crate::encoding::Encoding;
use crate::hold::{self, Holds};
use crate::mapping::{Mapping, Native, cel};
use crate::prefilter::Condition;
use crate::snapshot::{self, Join, Snapshot};
use crate::unpack::Unpack;
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
/// A feed file holds `name`, `title`, `licence`, `cadence`, `enabled` (default true), `[connector]` (`file`, `stdin`,
/// `http`, `folder`; settings in `config/README.md`) and `[decoder]`, then either
/// `native = "facts-csv"` (`"facts-ndjson"`, `"cloudevents"`) or one `[[fact]]` for each fact that a record may
/// make. `[[prefilter]]` conditions (`column` with `equals`, `in`, `in_table`, `not`, `not_in`; all must hold)
/// run first; what they leave out is counted as skipped. `[tables.NAME]` are lookups. `[[hold]]` rules (`when`, a CEL
/// condition, `reason`, `remedy`, `field`) run next: what one holds is quarantined as suspect, and may be released.
///
/// `unpack` (`"zip"`, `"gzip"`, `"zstd"`, or `"any"`: by the first bytes, plain too) unpacks sources as they stream,
/// within [`Limits`](crate::Limits); each file of a zip archive is a source, `archive.zip!member`. `encoding` (`"gbk"`,
/// `"windows-1251"`, …) says which characters the bytes are. A record that cannot be decoded is quarantined with its bytes as they stood in the source (UTF-16:
/// as UTF-8). In `[decoder]`, `optional = n` lets rows lack their last n columns, `extra_blank = true` passes over
/// blank columns after the last, `repeated_header = "skip"` skips rows that repeat the header.
///
/// Documents (`kind = "json"`, `"xml"`, `"syndication"`) have settings of their own: [`JsonPaths`](crate::JsonPaths),
/// [`XmlRecords`](crate::XmlRecords), [`Syndication`](crate::Syndication), and [`Check`](crate::Check) for `envelope`.
///
/// `enabled = false` switches a feed off for the daemon; by hand it can be given records all the same.
///
/// `covers` lists the fact types whose happenings the feed would bring if there were any: while the daemon hears it
/// regularly, their absence is silence.
///
/// In a `[[fact]]` every text is a CEL expression over `record` (columns by name, or the JSON value), `tables`,
/// `file` (name of the source) and `envelope` (values around the records of a document, by path): `when` (bool),
/// `type`, `key`, `valid_start` (all three needed), `valid_end`, `published_at`, `actors` (list), `value`, `unit`, `grade`, `uri`, `note`, `attributes.*`; `assume = false`
/// forbids an assumed publication. Beside CEL's functions there are `date(text, strftime)`,
/// `instant(text, strftime)` (UTC), `add_days(date, n)`, `add_months(date, n)`, `days_between(from, to)`,
/// `latest(dates)`, `trim(text)`, `lower(text)`, `before(text, mark)`, `find(table, text)` (value of the longest key
/// that the text holds, else blank), `text(record, path)`, `texts(record, path)`, `phrase(texts, between)`,
/// `join(list, between)`, `unique(texts)`, `number(text)` (`1,234.50 ` to `1234.50`), `scale(number, factor)`, `extract(text, regex)`,
/// `months(text)`, `month_start(text)`, `month_end(text)` (of `1995-04`, `1995-04-30`, `2024-01:2024-02`) and
/// `country(text)` (ISO 3166-1 alpha-3, blank when unknown). Blank, null and an empty list mean that the source says
/// nothing.
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
    /// Whether a daemon asks it; by hand it can be given records all the same.
    pub enabled: bool,
    /// Fact types that its mapping names outright; a native feed makes whatever it is given.
    pub makes: Vec<String>,
    /// Fact types whose happenings it would bring if there were any, sorted.
    pub covers: Vec<String>,
    /// BLAKE3 of the feed file, in hexadecimal: whether a reload changes the feed.
    pub digest: String,
    /// How the bytes arrive unless a path is given.
    pub connector: Connector,
    /// What the bytes are.
    pub decoder: Decoder,
    /// How sources are packed; plain when not stated.
    pub unpack: Option<Unpack>,
    /// Which characters the bytes are; UTF-8 when not stated.
    pub encoding: Encoding,
    pub(crate) holds: Holds,
    pub(crate) prefilter: Vec<Condition>,
    pub(crate) mapping: Mapping,
    pub(crate) vintage: Option<Vintage>,
    pub(crate) snapshot: Option<Snapshot>,
    pub(crate) joins: Vec<Join>,
    /// Whether a source without a character says "nothing new", not "cut short".
    pub(crate) empty_is_genuine: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    title: String,
    licence: String,
    cadence: Cadence,
    #[serde(default = "yes")]
    enabled: bool,
    #[serde(default)]
    covers: Vec<String>,
    connector: connector::Written,
    decoder: Decoder,
    unpack: Option<Unpack>,
    #[serde(default)]
    encoding: Encoding,
    #[serde(default)]
    hold: Vec<hold::Written>,
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

fn yes() -> bool {
    true
}

impl FeedSpec {
    /// Parses a feed file, naming `file` in findings.
    ///
    /// Errors, each with its line: syntax, unknown settings, both or neither of `native` and `[[fact]]`, a
    /// setting of the connector that makes no sense, a native shape over the wrong decoder, a prefilter without a
    /// test or on a column that the decoder does not promise, and every expression that is no CEL or exceeds the limits (2000 bytes, 24 brackets deep,
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
        let connector = parsed.connector.check(&locator, parsed.cadence, &mut problems);
        let mut decoder = parsed.decoder;
        check::decoder(&locator, &decoder, &mut problems);
        check::encoding(&locator, parsed.encoding, &decoder, &mut problems);
        let vintage = parsed
            .vintage
            .map(|written| Vintage::parse(&locator, written, parsed.snapshot.is_some(), &mut problems));
        check::list(&locator, &mut parsed.fact, parsed.snapshot.as_ref(), parsed.native, &mut problems);
        let is_list = parsed.snapshot.is_some();
        for (field, there) in [("join", !parsed.join.is_empty()), ("empty", parsed.empty == Empty::Genuine)] {
            if there && !is_list {
                problems.push(locator.problem(&[field.into()], "only a list has it", "add [snapshot]"));
            }
        }
        Join::check(&parsed.join, &locator, &decoder, &mut problems);
        Join::check_beside(&parsed.join, &locator, &connector, &mut problems);
        let snapshot = parsed.snapshot.and_then(|s| Snapshot::parse(&locator, s, &mut problems));
        check::prefilter(&locator, &decoder, &parsed.prefilter, &mut problems);
        let prefilter = check::fill_tables(&locator, parsed.prefilter, &parsed.tables, &mut problems);
        if is_list && !parsed.hold.is_empty() {
            problems.push(locator.problem(
                &["hold".into()],
                "a list has no hold rules",
                "held entries would look removed: leave them out by when, or hold the list by shrink",
            ));
        }
        let holds = Holds::compile(&locator, parsed.hold, &parsed.tables, &mut problems);
        let covers = check::covers(&locator, parsed.covers, &parsed.fact, &mut problems);
        let makes = parsed.fact.iter().filter_map(|fact| fact.literal_kind().map(str::to_owned)).collect();
        let mapping = match (parsed.native, parsed.fact.is_empty()) {
            (Some(native), true) => {
                check::native(&locator, native, &mut decoder, &mut problems);
                Mapping::Native(native)
            }
            (None, false) => {
                let mut table = cel::Table::compile(&locator, parsed.fact, parsed.tables, &mut problems);
                if is_list {
                    table.of_list();
                }
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
            enabled: parsed.enabled,
            makes,
            covers,
            digest: blake3::hash(text.as_bytes()).to_hex().to_string(),
            connector,
            decoder,
            unpack: parsed.unpack,
            encoding: parsed.encoding,
            holds,
            prefilter,
            mapping,
            vintage,
            snapshot,
            joins: parsed.join,
            empty_is_genuine: parsed.empty == Empty::Genuine,
        })
    }
}
