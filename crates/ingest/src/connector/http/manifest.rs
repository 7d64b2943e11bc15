//! An index: which sources there are, in the order of their stamps.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};

use bellwether_model::Problem;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use reqwest::Url;

use super::settings::{Form, Index};

/// Longest line of an index.
const MAX_LINE: u64 = 64 << 10;
/// Longest index that is one JSON value.
const MAX_JSON: u64 = 64 << 20;
/// Findings about single lines that are kept.
const MAX_ODD: usize = 5;

/// Place of a source in the order: its stamp, then its address.
pub(super) type Place = (DateTime<Utc>, String);

/// What an index says about one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) url: Url,
    pub(super) size: Option<u64>,
    pub(super) md5: Option<String>,
}

/// What is wanted of an index.
#[derive(Default, Debug)]
pub(super) struct Listed {
    /// Sources to take, at most the `newest`.
    pub(super) entries: BTreeMap<Place, Entry>,
    /// Older ones that there was no room for, and the places of the first and the last.
    pub(super) dropped: u64,
    pub(super) gap: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// Entries whose stamp lies ahead: they are looked at again once it is due.
    pub(super) ahead: u64,
    /// Lines that look right and make no sense.
    pub(super) odd: Vec<Problem>,
    /// Lines that look right.
    matched: u64,
}

impl Listed {
    /// Adds one source and keeps to the newest.
    pub(super) fn insert(&mut self, place: Place, entry: Entry, newest: usize) {
        self.entries.insert(place, entry);
        if self.entries.len() > newest
            && let Some(((at, _), _)) = self.entries.pop_first()
        {
            self.dropped += 1;
            self.gap = Some(self.gap.map_or((at, at), |(from, to)| (from.min(at), to.max(at))));
        }
    }

    fn take(&mut self, reading: &Reading<'_>, written: &Written<'_>) {
        self.matched += 1;
        match reading.understand(written) {
            Ok((place, _)) if place.0 > reading.now => self.ahead += 1,
            Ok((place, _)) if (reading.seen)(&place) => {}
            Ok((place, entry)) => self.insert(place, entry, reading.index.newest),
            Err(problem) if self.odd.len() < MAX_ODD => self.odd.push(problem),
            Err(_) => {}
        }
    }
}

/// An entry as it stands in the index.
struct Written<'w> {
    stamp: &'w str,
    url: &'w str,
    size: Option<&'w str>,
    md5: Option<&'w str>,
}

/// How an index is read.
pub(super) struct Reading<'r> {
    pub(super) index: &'r Index,
    /// Address that relative ones start from.
    pub(super) base: &'r Url,
    pub(super) now: DateTime<Utc>,
    /// Whether a source was taken before.
    pub(super) seen: &'r dyn Fn(&Place) -> bool,
}

impl Reading<'_> {
    /// Reads a whole index in flat memory, adding to what is already `listed`.
    ///
    /// Errors: a form that is another one than the feed file says; it may have changed, and an index without
    /// sources would pass for "nothing new".
    pub(super) fn read(&self, file: File, listed: &mut Listed) -> Result<(), Problem> {
        match &self.index.form {
            Form::Lines(pattern) => self.lines(file, pattern, listed)?,
            Form::JsonMap(at) => self.map(file, at, listed)?,
        }
        if listed.matched == 0 {
            return Err(Problem::new(
                "the index names no source",
                "look at the address: where its form has changed, change [connector.index]",
            ));
        }
        Ok(())
    }

    fn lines(&self, file: File, pattern: &regex::Regex, listed: &mut Listed) -> Result<(), Problem> {
        let mut reader = BufReader::new(file);
        let mut line = Vec::new();
        loop {
            line.clear();
            let n = (&mut reader).take(MAX_LINE).read_until(b'\n', &mut line).map_err(|e| unreadable(&e))?;
            if n == 0 {
                return Ok(());
            }
            if n as u64 == MAX_LINE {
                return Err(Problem::new(
                    "a line too long for an index",
                    "look at the address: it is another file",
                ));
            }
            let text = String::from_utf8_lossy(&line);
            let Some(groups) = pattern.captures(text.trim_end()) else { continue };
            let group = |name| groups.name(name).map(|m| m.as_str());
            let (stamp, url) = (group("stamp").unwrap_or_default(), group("url").unwrap_or_default());
            listed.take(self, &Written { stamp, url, size: group("size"), md5: group("md5") });
        }
    }

    fn map(&self, file: File, at: &str, listed: &mut Listed) -> Result<(), Problem> {
        let mut text = Vec::new();
        file.take(MAX_JSON + 1).read_to_end(&mut text).map_err(|e| unreadable(&e))?;
        if text.len() as u64 > MAX_JSON {
            return Err(Problem::new("too long for an index", "look at the address: it is another file"));
        }
        let value: serde_json::Value = serde_json::from_slice(&text)
            .map_err(|e| Problem::new(format!("the index is no JSON: {e}"), "look at the address"))?;
        let Some(serde_json::Value::Object(map)) = value.pointer(at) else {
            return Err(Problem::new(
                format!("the index holds no object at {at:?}"),
                "look at the address: where its form has changed, change [connector.index]",
            ));
        };
        for (stamp, url) in map {
            let url = url.as_str().unwrap_or_default();
            listed.take(self, &Written { stamp, url, size: None, md5: None });
        }
        Ok(())
    }

    fn understand(&self, written: &Written<'_>) -> Result<(Place, Entry), Problem> {
        let odd = |what: &str, text: &str| {
            Problem::new(format!("an entry of the index is passed over: {what}"), "tell the publisher")
                .text(text)
        };
        let at = stamp(written.stamp, &self.index.stamp).ok_or_else(|| odd("not a stamp", written.stamp))?;
        let url = self.base.join(written.url).ok().filter(|_| !written.url.is_empty());
        let url = url.ok_or_else(|| odd("not an address", written.url))?;
        let size = match written.size {
            Some(text) => Some(text.parse().map_err(|_| odd("not a size", text))?),
            None => None,
        };
        let md5 = written.md5.map(str::to_owned);
        Ok(((at, url.to_string()), Entry { url, size, md5 }))
    }
}

fn unreadable(error: &std::io::Error) -> Problem {
    Problem::new(format!("the index cannot be read again: {error}"), "look after the disk")
}

/// A stamp by its pattern; text behind it is passed over, a date alone is its midnight.
fn stamp(text: &str, pattern: &str) -> Option<DateTime<Utc>> {
    let exact = NaiveDateTime::parse_and_remainder(text, pattern).map(|(at, _)| at);
    let day = || NaiveDate::parse_and_remainder(text, pattern).map(|(day, _)| day.and_time(NaiveTime::MIN));
    exact.or_else(|_| day()).ok().map(|at| at.and_utc())
}

/// Whether a pattern reads the dates that it writes.
pub(super) fn can_read_its_own(pattern: &str) -> bool {
    let Some(sample) = DateTime::from_timestamp(1_700_000_000, 0) else { return false };
    let mut text = String::new();
    write!(text, "{}", sample.format(pattern)).is_ok()
        && stamp(&text, pattern).is_some_and(|read| read.date_naive() == sample.date_naive())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_read_and_patterns_checked() {
        let read = |text, pattern| stamp(text, pattern).map(|at| at.to_rfc3339());
        assert_eq!(read("20240229121500", "%Y%m%d%H%M%S").unwrap(), "2024-02-29T12:15:00+00:00");
        assert_eq!(read("20240229121500-abc", "%Y%m%d%H%M%S").unwrap(), "2024-02-29T12:15:00+00:00");
        assert_eq!(read("2024-02-29", "%Y-%m-%d").unwrap(), "2024-02-29T00:00:00+00:00");
        assert_eq!(read("20240230000000", "%Y%m%d%H%M%S"), None);
        for (pattern, good) in
            [("%Y%m%d%H%M%S", true), ("%Y-%m-%d", true), ("%Y%m", false), ("%Q", false), ("", false)]
        {
            assert_eq!(can_read_its_own(pattern), good, "{pattern}");
        }
    }
}
