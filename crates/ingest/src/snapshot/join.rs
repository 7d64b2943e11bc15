//! Side files: rows that belong to the records of a list by a key.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use bellwether_model::{Locator, Problem, Problems};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::decoder::{Cutter, Decoder, Delimited, Record, Refusal, Row};
use crate::encoding::Encoding;
use crate::mapping::cel::Joined;
use crate::{Connector, IngestError, Input};

/// `[[join]]` of a feed file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Join {
    /// Name of the side file, beside the source.
    pub(crate) file: String,
    /// Name of the list of rows in the record.
    #[serde(rename = "as")]
    name: String,
    /// Column of both.
    on: String,
    /// Columns of the side file, which has no header.
    columns: Vec<String>,
}

/// Name and bytes of a side file; none when it is not there.
pub(super) type Side = (String, Option<Vec<u8>>);

/// Largest side file, in bytes.
const MAX_SIDE: u64 = 256 << 20;

fn check_size(name: &str, size: u64) -> Result<(), IngestError> {
    if size <= MAX_SIDE {
        return Ok(());
    }
    let message = format!("a side file of more than {MAX_SIDE} bytes");
    Err(IngestError::Source(Problem::new(message, "ingest a smaller extract").at(name, 0).into()))
}

impl Join {
    /// Adds findings about joins that fit neither the decoder nor themselves.
    pub(crate) fn check(joins: &[Join], locator: &Locator<'_>, decoder: &Decoder, problems: &mut Problems) {
        for (i, join) in joins.iter().enumerate() {
            let mut refuse = |field: &str, message: &str, remedy: &str| {
                problems.push(locator.problem(&["join".into(), i.into(), field.into()], message, remedy));
            };
            if join.file.contains(['/', '\\']) || join.file.starts_with('.') {
                refuse("file", "not the name of a file beside the source", "give a plain name");
            }
            if !join.columns.contains(&join.on) {
                refuse("on", "the side file has no such column", "name one of columns");
            }
            match decoder {
                Decoder::Delimited(spec) if spec.columns.contains(&join.on) => {
                    if spec.columns.contains(&join.name) {
                        refuse("as", "the record has a column of that name", "use another");
                    }
                }
                _ => refuse("on", "the record has no such column", "joins need a delimited source with it"),
            }
        }
    }

    /// Adds findings about side files that a connector would fetch and nobody would read.
    pub(crate) fn check_beside(
        joins: &[Join],
        locator: &Locator<'_>,
        connector: &Connector,
        problems: &mut Problems,
    ) {
        let Connector::Http(http) = connector else { return };
        for (i, name) in http.beside.iter().enumerate() {
            if !joins.iter().any(|join| join.is(name)) {
                problems.push(locator.problem(
                    &["connector".into(), "beside".into(), i.into()],
                    "no [[join]] reads this file",
                    "name the file of a [[join]], or remove it",
                ));
            }
        }
    }

    /// Whether a file of that name is the side file; servers do not agree on letter case.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.file.eq_ignore_ascii_case(name)
    }

    /// Bytes of the side files of a source; `None` for one that is not there.
    ///
    /// A connector brings them along; those of a file on disk are in its folder.
    pub(crate) fn collect(
        joins: &[Join],
        folder: Option<&Path>,
        beside: &[(String, File)],
    ) -> Result<Vec<Side>, IngestError> {
        let mut found = Vec::new();
        for join in joins {
            if let Some((name, file)) = beside.iter().find(|(name, _)| join.is(name)) {
                let mut bytes = Vec::new();
                let read = file.take(MAX_SIDE + 1).read_to_end(&mut bytes);
                read.map_err(|e| IngestError::read(name, &e))?;
                check_size(name, bytes.len() as u64)?;
                found.push((join.file.clone(), Some(bytes)));
                continue;
            }
            let path = folder.map(|folder| folder.join(&join.file));
            let bytes = match &path {
                Some(path) if path.is_file() => {
                    let name = path.display().to_string();
                    let size = fs::metadata(path).map_err(|e| IngestError::read(&name, &e))?.len();
                    check_size(&name, size)?;
                    Some(fs::read(path).map_err(|e| IngestError::read(&name, &e))?)
                }
                _ => None,
            };
            found.push((join.file.clone(), bytes));
        }
        Ok(found)
    }

    /// Reads one side file; rows that cannot be read are given to `bad`.
    ///
    /// Rows of one key are in the order of their columns, so their order in the file changes nothing.
    pub(crate) fn read(
        &self,
        decoder: &Decoder,
        encoding: Encoding,
        bytes: Option<&[u8]>,
        bad: &mut dyn FnMut(u64, &[u8], Problem),
    ) -> Result<Joined, IngestError> {
        let mut joined = Joined { name: self.name.clone(), on: self.on.clone(), rows: HashMap::new() };
        let (Some(bytes), Decoder::Delimited(spec)) = (bytes, decoder) else { return Ok(joined) };
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(joined);
        }
        let side = Decoder::Delimited(Delimited {
            header: false,
            columns: self.columns.clone(),
            preamble: None,
            unpivot: None,
            ..spec.clone()
        });
        let (mut cutter, shape) =
            Cutter::open(&side, encoding, Input::bytes(&self.file, bytes)).map_err(|r| match r {
                Refusal::Read(error) => IngestError::read(&self.file, &error),
                Refusal::Content(problem) => IngestError::Source(problem.into()),
            })?;
        let mut rows: HashMap<String, Vec<Vec<String>>> = HashMap::new();
        let mut row = Row::default();
        let on = self.columns.iter().position(|c| *c == self.on).unwrap_or_default();
        while let Some(chunk) = cutter.next().map_err(|e| IngestError::read(&self.file, &e))? {
            let decoded = match chunk.fault {
                Some(fault) => Err(fault),
                None => encoding.record(chunk.raw),
            };
            let read = decoded.as_ref().map_err(Clone::clone).and_then(|text| shape.decode(text, &mut row));
            match read {
                Ok(Record::Row(_, row)) => {
                    let cells = (0..row.len()).map(|at| row.get(at).unwrap_or_default().trim().to_owned());
                    let cells: Vec<String> = cells.collect();
                    let key = cells.get(on).cloned().unwrap_or_default();
                    rows.entry(key).or_default().push(cells);
                }
                Ok(Record::Json(_)) => {}
                Err(problem) => bad(chunk.line, chunk.raw, problem),
            }
        }
        for (key, mut list) in rows {
            list.sort();
            let named = |cells: Vec<String>| {
                let pairs = self.columns.iter().cloned().zip(cells.into_iter().map(Value::String));
                Value::Object(pairs.collect::<Map<_, _>>())
            };
            joined.rows.insert(key, Value::Array(list.into_iter().map(named).collect()));
        }
        Ok(joined)
    }
}
