//! Wide tables: a record is a cell, with what stands above and left of it.
//!
//! The table is read whole, since what a cell means can depend on the others: an export that fills its blanks
//! with zeros has no blank left. Each cell becomes a row of its own under a header of its own, so that
//! everything after, quarantine included, sees plain rows.

use std::collections::BTreeMap;

use bellwether_model::Problem;
use serde::{Deserialize, Serialize};

use super::delimited::{self, Columns, Row};
use super::{Chunk, Delimited, Refusal, Shape};

/// Largest table, in bytes.
const MAX_TABLE: usize = 64 << 20;

/// Which columns stay and which become records.
///
/// A record has the columns `keep`, those of `meta`, `series` (name of the cell's column), `value` (the cell as
/// it stands) and `blanks`: `yes` where the source leaves some cell blank in a row that states another, else
/// `no`. A row of `meta` is itself one record, with its name in the first kept column and no value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unpivot {
    /// Columns that every record of the row keeps.
    pub keep: Vec<String>,
    /// First cells of the rows below the header that describe the columns, in any order; all must be there.
    #[serde(default)]
    pub meta: Vec<String>,
}

/// Columns that every record has beside the named ones.
const OWN: [&str; 3] = ["series", "value", "blanks"];

impl Unpivot {
    /// Columns of a record.
    pub(crate) fn columns(&self) -> Vec<String> {
        self.keep.iter().chain(&self.meta).cloned().chain(OWN.map(str::to_owned)).collect()
    }

    /// What in the settings contradicts itself.
    pub(crate) fn check(&self, spec: &Delimited) -> Vec<Problem> {
        let mut found = Vec::new();
        if !spec.header || !spec.quoting {
            found.push(Problem::new("a wide table needs a header and quoting", "set both to true"));
        }
        if self.keep.is_empty() {
            found.push(Problem::new("nothing is kept", "name the column of the period in keep"));
        }
        if !spec.columns.is_empty() {
            found
                .push(Problem::new("columns beside unpivot", "name them in keep; the others become records"));
        }
        let names = self.columns();
        if names.iter().enumerate().any(|(at, name)| names.iter().take(at).any(|n| n == name)) {
            found.push(Problem::new("a column named twice", "series, value and blanks are taken"));
        }
        found
    }
}

/// The shape of the records: the header is made here, so that a record held can be read on its own.
pub(super) fn shape(spec: &Delimited, header: Option<&str>) -> Result<Shape, Problem> {
    let names = spec.promised();
    let line = line(names.iter().map(String::as_str), spec.delimiter);
    if header.is_some_and(|header| header != line) {
        return Err(
            Problem::new("the feed's columns have changed since", "ingest the file again").field("record")
        );
    }
    let delimiter = u8::try_from(spec.delimiter).unwrap_or(b',');
    let columns = Columns::new(&Delimited { optional: 0, ..spec.clone() }, names, Some(line));
    Ok(Shape::Delimited { delimiter, quoting: true, nulls: spec.nulls.clone(), columns })
}

/// Cells as one row, each in quotes where it must be.
fn line<'c>(cells: impl Iterator<Item = &'c str>, delimiter: char) -> String {
    let mut line = String::new();
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            line.push(delimiter);
        }
        if cell.contains([delimiter, '"', '\n', '\r']) {
            line.push('"');
            line.push_str(&cell.replace('"', "\"\""));
            line.push('"');
        } else {
            line.push_str(cell);
        }
    }
    line
}

struct Column {
    name: String,
    meta: Vec<String>,
}

struct Line {
    line: u64,
    cells: Result<Vec<String>, (Vec<u8>, Problem)>,
}

pub(crate) struct Cutter {
    delimiter: char,
    /// Positions of the kept columns.
    kept: Vec<usize>,
    columns: Vec<Column>,
    metas: usize,
    blanks: bool,
    lines: std::vec::IntoIter<Line>,
    current: Option<Line>,
    /// Names of the metadata rows, each a record.
    described: Vec<(u64, String)>,
    at: usize,
    raw: Vec<u8>,
    /// Whether the table ends without a line end.
    open: bool,
}

impl Cutter {
    pub(super) fn open(
        spec: &Delimited,
        unpivot: &Unpivot,
        mut rows: delimited::Cutter,
        wide: &Shape,
        file: &str,
    ) -> Result<(Self, Shape), Refusal> {
        let Shape::Delimited { delimiter, quoting, columns, .. } = wide else {
            return Err(Problem::new("no table", "correct the feed file").at(file, 1).into());
        };
        let missing = unpivot.keep.iter().find(|name| columns.position(name).is_none());
        if let Some(name) = missing {
            return Err(Problem::new(format!("the header lacks the column {name}"), "check the file")
                .at(file, 1)
                .field(name)
                .into());
        }
        let kept: Vec<usize> = unpivot.keep.iter().filter_map(|name| columns.position(name)).collect();
        let mut meta: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let (mut lines, mut described) = (Vec::new(), Vec::new());
        let mut row = Row::default();
        let mut size = 0_usize;
        while let Some(Chunk { line, raw, fault }) = rows.next()? {
            size = size.saturating_add(raw.len());
            if size > MAX_TABLE {
                return Err(Problem::new(
                    format!("a wide table of more than {MAX_TABLE} bytes"),
                    "split it by columns",
                )
                .at(file, 1)
                .into());
            }
            let read = match fault {
                Some(fault) => Err(fault),
                None => row.parse(raw, *delimiter, *quoting).and_then(|()| columns.fits(&row)),
            };
            let cells = match read {
                Ok(()) => Ok((0..row.len())
                    .map(|at| row.get(at).unwrap_or_default().to_owned())
                    .collect::<Vec<_>>()),
                Err(problem) => Err((raw.to_vec(), problem)),
            };
            match cells {
                Ok(cells) if lines.is_empty() && is_meta(unpivot, &meta, &cells) => {
                    let name = cells.first().map(|c| c.trim().to_owned()).unwrap_or_default();
                    described.push((line, name.clone()));
                    meta.insert(name, cells);
                }
                cells => lines.push(Line { line, cells }),
            }
        }
        if let Some(name) = unpivot.meta.iter().find(|name| !meta.contains_key(*name)) {
            return Err(Problem::new(
                format!("no row {name} below the header"),
                format!("the rows that describe the columns are {}", unpivot.meta.join(", ")),
            )
            .at(file, 1)
            .field(name)
            .into());
        }
        let described_by = |at: usize| {
            let cell =
                |name: &String| meta.get(name).and_then(|cells| cells.get(at)).map(|c| c.trim().to_owned());
            unpivot.meta.iter().map(|name| cell(name).unwrap_or_default()).collect()
        };
        let all = columns.names().iter().enumerate();
        let columns: Vec<Column> =
            all.map(|(at, name)| Column { name: name.clone(), meta: described_by(at) }).collect();
        let is_blank = |cell: &String| cell.trim().is_empty() || spec.nulls.contains(cell);
        let blanks = lines.iter().filter_map(|line| line.cells.as_ref().ok()).any(|cells| {
            let values =
                || cells.iter().enumerate().filter(|(at, _)| !kept.contains(at)).map(|(_, cell)| cell);
            values().any(is_blank) && !values().all(is_blank)
        });
        described.reverse();
        let cutter = Self {
            delimiter: spec.delimiter,
            kept,
            columns,
            metas: unpivot.meta.len(),
            blanks,
            lines: lines.into_iter(),
            current: None,
            described,
            at: 0,
            raw: Vec::new(),
            open: rows.ends_open(),
        };
        Ok((cutter, shape(spec, None)?))
    }

    /// Whether the table ends without a line end.
    pub(super) fn ends_open(&self) -> bool {
        self.open
    }

    pub(super) fn next(&mut self) -> Option<Chunk<'_>> {
        if let Some((line, name)) = self.described.pop() {
            let blank = std::iter::repeat_n("", self.kept.len() - 1 + self.metas + OWN.len());
            self.raw = self::line(std::iter::once(name.as_str()).chain(blank), self.delimiter).into_bytes();
            return Some(Chunk { line, raw: &self.raw, fault: None });
        }
        loop {
            let Some(current) = &self.current else {
                self.current = Some(self.lines.next()?);
                self.at = 0;
                continue;
            };
            let number = current.line;
            let cells = match &current.cells {
                Ok(cells) => cells,
                Err((raw, problem)) => {
                    let fault = Some(problem.clone());
                    self.raw.clone_from(raw);
                    self.current = None;
                    return Some(Chunk { line: number, raw: &self.raw, fault });
                }
            };
            let at = self.at;
            self.at += 1;
            let (Some(cell), Some(column)) = (cells.get(at), self.columns.get(at)) else {
                self.current = None;
                continue;
            };
            if self.kept.contains(&at) {
                continue;
            }
            let kept = self.kept.iter().map(|at| cells.get(*at).map_or("", String::as_str));
            let own = [column.name.as_str(), cell, if self.blanks { "yes" } else { "no" }];
            let all = kept.chain(column.meta.iter().map(String::as_str)).chain(own);
            self.raw = line(all, self.delimiter).into_bytes();
            return Some(Chunk { line: number, raw: &self.raw, fault: None });
        }
    }
}

/// Whether a row describes the columns; a name that comes twice does not.
fn is_meta(unpivot: &Unpivot, found: &BTreeMap<String, Vec<String>>, cells: &[String]) -> bool {
    let Some(name) = cells.first().map(|c| c.trim()) else { return false };
    unpivot.meta.iter().any(|m| m == name) && !found.contains_key(name)
}
