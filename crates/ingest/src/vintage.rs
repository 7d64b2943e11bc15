//! Vintage: when a dated file was published.

use bellwether_model::{Locator, Problem, Problems, Stamp};
use chrono::{NaiveDate, NaiveDateTime};
use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::mapping::cel::{self, Expression};

/// A place where a publication is stated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum From {
    /// `--published-at`.
    Option,
    /// The base name of the file.
    FileName,
    /// The records.
    Record,
}

/// `[vintage]` of a feed file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Written {
    from: Vec<From>,
    pattern: Option<String>,
    format: Option<String>,
    record: Option<String>,
}

/// Where a feed's files say when they were published, first place first.
#[derive(Debug)]
pub(crate) struct Vintage {
    from: Vec<From>,
    name: Option<(Regex, String)>,
    /// The publication that a record states; that of the file is the latest.
    pub(crate) record: Option<Expression>,
}

impl Vintage {
    pub(crate) fn parse(
        locator: &Locator<'_>,
        written: Written,
        snapshot: bool,
        problems: &mut Problems,
    ) -> Self {
        let mut refuse = |field: &str, message: String, remedy: &str| {
            problems.push(locator.problem(&["vintage".into(), field.into()], message, remedy));
        };
        let Written { from, pattern, format, record } = written;
        if from.is_empty() {
            refuse("from", "no place is named".into(), "list \"option\", \"file-name\" or \"record\"");
        }
        if from.iter().enumerate().any(|(at, place)| from.iter().take(at).any(|p| p == place)) {
            refuse("from", "a place named twice".into(), "name each once");
        }
        let name = match (from.contains(&From::FileName), pattern, format) {
            (true, Some(pattern), Some(format)) => match Regex::new(&pattern) {
                Ok(regex) if regex.captures_len() == 2 => Some((regex, format)),
                Ok(_) => {
                    refuse("pattern", "not one group".into(), "put the date, and nothing else, in brackets");
                    None
                }
                Err(error) => {
                    refuse("pattern", error.to_string(), "write a regular expression");
                    None
                }
            },
            (false, None, None) => None,
            _ => {
                refuse(
                    "pattern",
                    "file-name, pattern and format go together".into(),
                    "give all three or none",
                );
                None
            }
        };
        let record = record.and_then(|text| match cel::compile("vintage.record", text) {
            Ok(expression) => Some(expression),
            Err(problem) => {
                refuse("record", problem.message, "correct the expression");
                None
            }
        });
        // Elsewhere each record states its own publication.
        if record.is_some() != (snapshot && from.contains(&From::Record)) {
            refuse(
                "record",
                "an expression is for lists whose records say when the list was published".into(),
                "with [snapshot] and from = [\"record\"] give it; else use published_at of [[fact]]",
            );
        }
        Self { from, name, record }
    }

    /// Publication of a source, without a look at its records.
    ///
    /// `None`: it is for the records to say. Errors: no place has one, or the date in the name is none.
    pub(crate) fn find(&self, option: Option<Stamp>, file: &str) -> Result<Option<Stamp>, Problem> {
        for place in &self.from {
            match place {
                From::Option if option.is_some() => return Ok(option),
                From::FileName => {
                    if let Some(stamp) = self.in_name(file)? {
                        return Ok(Some(stamp));
                    }
                }
                From::Record => return Ok(None),
                From::Option => {}
            }
        }
        Err(Self::missing(file))
    }

    /// Publication of a list, whose records were read.
    ///
    /// Errors: no place has one, or the date in the name is none.
    pub(crate) fn of_list(
        &self,
        option: Option<Stamp>,
        file: &str,
        record: Option<Stamp>,
    ) -> Result<Stamp, Problem> {
        for place in &self.from {
            let found = match place {
                From::Option => option,
                From::FileName => self.in_name(file)?,
                From::Record => record,
            };
            if let Some(stamp) = found {
                return Ok(stamp);
            }
        }
        Err(Self::missing(file))
    }

    /// Whether what [`Vintage::find`] finds goes before what a record states.
    pub(crate) fn overrides(&self) -> bool {
        self.from.first() != Some(&From::Record)
    }

    /// The finding about a source of unknown age.
    pub(crate) fn missing(file: &str) -> Problem {
        Problem::new(
            "nothing says when this was published",
            "state it with --published-at, or keep the file's dated name",
        )
        .at(file, 0)
        .field("vintage")
    }

    fn in_name(&self, file: &str) -> Result<Option<Stamp>, Problem> {
        let Some((pattern, format)) = &self.name else { return Ok(None) };
        let base = file.rsplit(['/', '\\']).next().unwrap_or(file);
        let Some(text) = pattern.captures(base).and_then(|groups| groups.get(1)) else { return Ok(None) };
        let instant =
            NaiveDateTime::parse_from_str(text.as_str(), format).ok().map(|at| Stamp::Instant(at.and_utc()));
        let day = || NaiveDate::parse_from_str(text.as_str(), format).ok().map(Stamp::Day);
        instant.or_else(day).map(Some).ok_or_else(|| {
            Problem::new(
                format!("{} in the file's name is no date of the form {format}", text.as_str()),
                "state the publication with --published-at",
            )
            .at(file, 0)
            .field("vintage")
        })
    }
}
