//! Decoders: what the bytes are.
//!
//! Each decoder first cuts the stream into records without interpreting them, so that a record that
//! makes no sense still has its raw bytes and its line, then reads one record.

mod cloudevents;
mod delimited;
mod document;
mod envelope;
pub(crate) mod json;
mod json_paths;
mod ndjson;
mod syndication;
mod unpivot;
mod window;
mod xml;

use std::io;

use bellwether_model::Problem;
use chrono::FixedOffset;
use serde::{Deserialize, Serialize};

pub(crate) use delimited::{Columns, Row};
pub(crate) use envelope::Values;
pub use envelope::{Check, Empty};
pub use json_paths::JsonPaths;
pub use syndication::Syndication;
pub use unpivot::Unpivot;
pub use xml::XmlRecords;

use crate::connector::Input;
use crate::encoding::Encoding;
use crate::sniff::looks_like_html;

/// Longest record, in bytes: a longer one is quarantined whole.
pub(crate) const MAX_RECORD: usize = 1 << 20;

/// How much of a source is looked at to tell a web page from data, in bytes.
const SNIFFED: usize = 4 << 10;

/// What the bytes of a feed are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Decoder {
    /// Rows of separated columns (RFC 4180 when quoted by `,`).
    Delimited(Delimited),
    /// One JSON value a line.
    Ndjson {},
    /// CloudEvents 1.0 in structured or batch JSON.
    CloudEvents {},
    /// Records of a list inside one JSON document.
    Json(JsonPaths),
    /// Elements of one XML document.
    Xml(XmlRecords),
    /// RSS, Atom or JSON Feed.
    Syndication(Syndication),
}

impl Decoder {
    /// A feed that reads pages on purpose says so by the name of the root.
    fn expects_html(&self) -> bool {
        matches!(self, Decoder::Xml(spec) if spec.root.as_deref().is_some_and(|r| r.eq_ignore_ascii_case("html")))
    }

    /// Settings of a document decoder that cannot be: field below `decoder`, and the finding.
    pub(crate) fn misfits(&self) -> Vec<(&'static str, Problem)> {
        let mut found = Vec::new();
        let mut envelope: &[Check] = &[];
        match self {
            Decoder::Json(spec) => envelope = &spec.envelope,
            Decoder::Xml(spec) => {
                envelope = &spec.envelope;
                if spec.records.iter().all(String::is_empty) {
                    found.push((
                        "records",
                        Problem::new("no element is a record", "name at least one element"),
                    ));
                }
            }
            Decoder::Syndication(spec) => found.extend(spec.offset().err().map(|problem| ("zone", problem))),
            Decoder::Delimited(_) | Decoder::Ndjson {} | Decoder::CloudEvents {} => {}
        }
        if envelope.iter().any(|check| check.path.split('.').any(str::is_empty)) {
            found.push((
                "envelope",
                Problem::new("a path with a blank name", "write names with dots between them"),
            ));
        }
        found
    }
}

/// Settings of the delimited decoder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delimited {
    /// One ASCII character between columns.
    #[serde(default = "comma")]
    pub delimiter: char,
    /// Whether the first row names the columns.
    #[serde(default = "yes")]
    pub header: bool,
    /// Whether `"` encloses columns; without it a `"` is a character like any other.
    #[serde(default = "yes")]
    pub quoting: bool,
    /// With a header: columns that must be in it. Without: the names of all columns in order.
    #[serde(default)]
    pub columns: Vec<String>,
    /// How many of the last columns a row may lack; what it lacks is blank.
    #[serde(default)]
    pub optional: usize,
    /// Whether blank columns after the last are passed over, in the header too.
    #[serde(default)]
    pub extra_blank: bool,
    /// Whether a row that repeats the names of the columns is skipped; else it is a row like any other.
    #[serde(default)]
    pub repeated_header: RepeatedHeader,
    /// The header is the first row whose first cell is this; rows before it are no records.
    #[serde(default)]
    pub preamble: Option<String>,
    /// A character that ends the data where it is the last of the source, such as 0x1A.
    #[serde(default)]
    pub terminator: Option<char>,
    /// Cells that mean blank, blanks in them included.
    #[serde(default)]
    pub nulls: Vec<String>,
    /// A record is a cell, not a row.
    #[serde(default)]
    pub unpivot: Option<Unpivot>,
}

impl Delimited {
    /// Columns that every record has, as far as the feed file says.
    pub(crate) fn promised(&self) -> Vec<String> {
        self.unpivot.as_ref().map_or_else(|| self.columns.clone(), Unpivot::columns)
    }
}

/// What to do with a row that repeats the header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RepeatedHeader {
    /// It is read as a row.
    #[default]
    Row,
    /// It is counted as skipped.
    Skip,
}

fn comma() -> char {
    ','
}

fn yes() -> bool {
    true
}

/// One uninterpreted record.
pub(crate) struct Chunk<'a> {
    /// Line it starts on, from 1.
    pub(crate) line: u64,
    /// Its bytes, without the line end.
    pub(crate) raw: &'a [u8],
    /// Why it cannot even be cut out properly.
    pub(crate) fault: Option<Problem>,
}

/// One record, read.
pub(crate) enum Record<'a> {
    /// Columns by name.
    Row(&'a Columns, &'a Row),
    /// A JSON value.
    Json(serde_json::Value),
}

/// How to read one record on its own: all that a retry from quarantine needs.
pub(crate) enum Shape {
    Delimited { delimiter: u8, quoting: bool, nulls: Vec<String>, columns: Columns },
    Json,
    Paths(Around),
    Xml(Around),
    Item { zone: Option<FixedOffset> },
}

/// What stood around a record in its document.
#[derive(Default)]
pub(crate) struct Around {
    values: Values,
    /// The same as the quarantine keeps it.
    header: Option<String>,
}

impl Around {
    fn of(values: Values) -> Self {
        // A map of texts always is JSON.
        let header = (!values.is_empty()).then(|| serde_json::to_string(&values).unwrap_or_default());
        Self { values, header }
    }

    fn again(header: Option<&str>) -> Result<Self, Problem> {
        let Some(header) = header else { return Ok(Self::default()) };
        serde_json::from_str(header).map(Self::of).map_err(|_| {
            Problem::new("what stood around the record is not known", "ingest the file again").field("header")
        })
    }
}

impl Shape {
    /// Rebuilds the shape of a record that stood under `header`.
    pub(crate) fn of(decoder: &Decoder, header: Option<&str>) -> Result<Self, Problem> {
        match decoder {
            Decoder::Delimited(spec) if spec.unpivot.is_some() => unpivot::shape(spec, header),
            Decoder::Delimited(spec) => delimited::shape(spec, header.map(str::as_bytes)),
            Decoder::Ndjson {} | Decoder::CloudEvents {} => Ok(Shape::Json),
            Decoder::Json(_) => Around::again(header).map(Shape::Paths),
            Decoder::Xml(_) => Around::again(header).map(Shape::Xml),
            Decoder::Syndication(spec) => Ok(Shape::Item { zone: spec.offset()? }),
        }
    }

    /// What the envelope of the document says, by path.
    pub(crate) fn envelope(&self) -> Option<&Values> {
        match self {
            Shape::Paths(around) | Shape::Xml(around) => Some(&around.values),
            _ => None,
        }
    }

    /// Reads one record; `row` is scratch space.
    pub(crate) fn decode<'a>(&'a self, raw: &[u8], row: &'a mut Row) -> Result<Record<'a>, Problem> {
        match self {
            Shape::Delimited { delimiter, quoting, nulls, columns } => {
                row.parse(raw, *delimiter, *quoting)?;
                row.blank(nulls);
                columns.fits(row)?;
                Ok(Record::Row(columns, row))
            }
            Shape::Json => json::value(raw).map(Record::Json),
            Shape::Paths(_) => json_paths::value(raw).map(Record::Json),
            Shape::Xml(_) => xml::value(raw).map(Record::Json),
            Shape::Item { zone } => syndication::value(raw, *zone).map(Record::Json),
        }
    }

    /// The header line that gave the columns their names, or what stood around the record.
    pub(crate) fn header(&self) -> Option<&str> {
        match self {
            Shape::Delimited { columns, .. } => columns.header(),
            Shape::Paths(around) | Shape::Xml(around) => around.header.as_deref(),
            Shape::Json | Shape::Item { .. } => None,
        }
    }
}

/// Cuts a stream into records.
pub(crate) enum Cutter {
    Delimited(delimited::Cutter),
    Unpivot(Box<unpivot::Cutter>),
    Ndjson(ndjson::Cutter),
    CloudEvents(cloudevents::Cutter),
    Paths(document::Cutter<json_paths::Walker>),
    Xml(document::Cutter<xml::Walker>),
    Items(document::Cutter<syndication::Walker>),
}

/// Why a source is refused before its first record.
pub(crate) enum Refusal {
    Read(io::Error),
    Content(Problem),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Refusal::Read(error)
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Refusal::Content(problem)
    }
}

impl Cutter {
    /// Opens the stream and reads the header where there is one.
    ///
    /// Errors: an unreadable or empty source, a web page, a header that lacks a column or names one twice, a document
    /// that is cut short or fails a check of its envelope.
    pub(crate) fn open(
        decoder: &Decoder,
        encoding: Encoding,
        input: Input,
    ) -> Result<(Self, Shape), Refusal> {
        let Input { name, reader, .. } = input;
        let reader = encoding.stream(reader).map_err(|refusal| match refusal {
            Refusal::Content(problem) => Refusal::Content(problem.at(&name, 1)),
            read @ Refusal::Read(_) => read,
        })?;
        let mut window = window::Window::new(reader);
        if window.is_blank()? {
            return Err(Problem::new(
                "the source is empty",
                "an empty answer is not read as \"nothing happened\": fetch it again, or give a file with records",
            )
            .at(name, 1)
            .into());
        }
        // Nothing else is waited for: a stream may bring its records slowly.
        while window.pending().trim_ascii_start().starts_with(b"<") && window.pending().len() < SNIFFED {
            if !window.fill()? {
                break;
            }
        }
        if looks_like_html(window.pending()) && !decoder.expects_html() {
            return Err(Problem::new(
                "the source is a web page, not data",
                "nothing of it is taken: look at what the address answers, and correct it in the feed file",
            )
            .at(name, 1)
            .into());
        }
        match decoder {
            Decoder::Delimited(spec) => {
                let (cutter, shape) = delimited::Cutter::open(spec, encoding, window, &name)?;
                match &spec.unpivot {
                    None => Ok((Cutter::Delimited(cutter), shape)),
                    Some(unpivot) => {
                        let (cutter, shape) = unpivot::Cutter::open(spec, unpivot, cutter, &shape, &name)?;
                        Ok((Cutter::Unpivot(Box::new(cutter)), shape))
                    }
                }
            }
            Decoder::Ndjson {} => Ok((Cutter::Ndjson(ndjson::Cutter::new(window)), Shape::Json)),
            Decoder::CloudEvents {} => {
                Ok((Cutter::CloudEvents(cloudevents::Cutter::new(window)), Shape::Json))
            }
            Decoder::Json(spec) => {
                let walk = |window| json_paths::Walker::new(spec, window);
                let (cutter, found) =
                    document::Cutter::open(window, &name, &spec.envelope, spec.empty, walk)?;
                Ok((Cutter::Paths(cutter), Shape::Paths(Around::of(found.values))))
            }
            Decoder::Xml(spec) => {
                let walk = |window| xml::Walker::new(spec.rules(), &spec.envelope, window);
                let (cutter, found) =
                    document::Cutter::open(window, &name, &spec.envelope, spec.empty, walk)?;
                Ok((Cutter::Xml(cutter), Shape::Xml(Around::of(found.values))))
            }
            Decoder::Syndication(spec) => {
                let (cutter, _) =
                    document::Cutter::open(window, &name, &[], spec.empty, syndication::Walker::new)?;
                Ok((Cutter::Items(cutter), Shape::Item { zone: spec.offset()? }))
            }
        }
    }

    /// The next record, or `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Chunk<'_>>> {
        match self {
            Cutter::Delimited(cutter) => cutter.next(),
            Cutter::Unpivot(cutter) => Ok(cutter.next()),
            Cutter::Ndjson(cutter) => cutter.next(),
            Cutter::CloudEvents(cutter) => cutter.next(),
            Cutter::Paths(cutter) => cutter.next(),
            Cutter::Xml(cutter) => cutter.next(),
            Cutter::Items(cutter) => cutter.next(),
        }
    }
}

impl Cutter {
    /// Whether what was read ends without a line end; `None` where records are no lines.
    pub(crate) fn ends_open(&self) -> Option<bool> {
        match self {
            Cutter::Delimited(cutter) => Some(cutter.ends_open()),
            Cutter::Ndjson(cutter) => Some(cutter.ends_open()),
            // A wide table was read whole.
            Cutter::Unpivot(cutter) => Some(cutter.ends_open()),
            Cutter::CloudEvents(_) => None,
            // A document was walked to its end before the first record.
            Cutter::Paths(_) | Cutter::Xml(_) | Cutter::Items(_) => Some(false),
        }
    }
}

/// Finding about a record longer than [`MAX_RECORD`].
fn too_long() -> Problem {
    Problem::new(
        format!("the record is longer than {MAX_RECORD} bytes"),
        "split it, or check for a missing line end or quote",
    )
    .field("record")
}
