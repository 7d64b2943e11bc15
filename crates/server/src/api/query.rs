//! What stands behind the `?`: names as the options of the command line, in snake_case.

use axum::extract::Query;
use axum::http::Uri;
use bellwether_model::{Clock, KnownBasis, View};
use chrono::{DateTime, Utc};

use super::error::Refused;
use crate::near;

/// A longer query is refused unread.
const LONGEST: usize = 4096;
/// Names of a view.
pub(super) const VIEW: [&str; 6] = ["as_of", "known_by", "clock", "known_basis", "framework", "types"];

/// The names and values of one query; each name is known and stands once.
#[derive(Debug)]
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    /// Reads the query of `uri`, which may have the names of `lists`.
    pub(super) fn read(uri: &Uri, lists: &[&[&str]]) -> Result<Self, Refused> {
        if uri.query().is_some_and(|q| q.len() > LONGEST) {
            return Err(Refused::too_long(LONGEST));
        }
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
            .map_err(|e| Refused::usage(e.body_text(), "write NAME=VALUE&NAME=VALUE, percent-encoded"))?;
        let known = || lists.iter().flat_map(|list| list.iter().copied());
        for (i, (name, _)) in pairs.iter().enumerate() {
            if !known().any(|k| k == name) {
                let names: Vec<&str> = known().collect();
                let all = match names.as_slice() {
                    [] => "this address takes no query".to_owned(),
                    names => format!("known are {}", names.join(", ")),
                };
                return Err(Refused::usage(
                    format!("unknown query name `{}`", shown(name)),
                    near::remedy(name, known(), &all),
                ));
            }
            if pairs.iter().take(i).any(|(before, _)| before == name) {
                return Err(Refused::usage(format!("`{name}` is there twice"), "give it once"));
            }
        }
        Ok(Self(pairs))
    }

    /// Value of a name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// A value read by `parse`, which says what is wrong and what to write.
    fn parsed<T>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, (String, String)>,
    ) -> Result<Option<T>, Refused> {
        let Some(text) = self.get(name) else { return Ok(None) };
        parse(text).map(Some).map_err(|(what, remedy)| {
            Refused::usage(format!("{name}: {what} (found `{}`)", shown(text)), remedy)
        })
    }

    /// One of several words.
    fn word<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Result<Option<T>, Refused> {
        self.parsed(name, |text| {
            words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(|| {
                let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                ("no such value".to_owned(), format!("write {}", all.join(" or ")))
            })
        })
    }

    /// A switch: absent is off.
    pub(super) fn switch(&self, name: &str) -> Result<bool, Refused> {
        Ok(self.word(name, &[("true", true), ("false", false)])?.unwrap_or(false))
    }

    /// A whole number within bounds.
    pub(super) fn within(&self, name: &str, (least, most): (i64, i64)) -> Result<Option<i64>, Refused> {
        self.parsed(name, |text| {
            let number = text.parse().ok().filter(|n| (least..=most).contains(n));
            number
                .ok_or_else(|| ("out of range".to_owned(), format!("write a number from {least} to {most}")))
        })
    }

    /// A sequence.
    pub(super) fn seq(&self, name: &str) -> Result<Option<u64>, Refused> {
        self.parsed(name, |text| {
            text.parse().map_err(|_| ("not a sequence".to_owned(), "write a whole number".to_owned()))
        })
    }

    /// A bound: a date, an instant or `now`.
    pub(super) fn moment(&self, name: &str, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, Refused> {
        self.parsed(name, |text| match text {
            "now" => Ok(now),
            _ => View::parse_bound(text).map_err(|p| (p.message, p.remedy)),
        })
    }

    /// A bound that must be there.
    pub(super) fn needed(&self, name: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, Refused> {
        self.moment(name, now)?
            .ok_or_else(|| Refused::usage(format!("`{name}` is missing"), format!("add {name}=DATE")))
    }

    /// The view between two bounds.
    pub(super) fn between(&self, as_of: DateTime<Utc>, known_by: DateTime<Utc>) -> Result<View, Refused> {
        let clock = [("published", Clock::Published), ("recorded", Clock::Recorded)];
        let basis = [("any", KnownBasis::Any), ("stated", KnownBasis::Stated)];
        Ok(View {
            as_of,
            known_by,
            clock: self.word("clock", &clock)?.unwrap_or_default(),
            basis: self.word("known_basis", &basis)?.unwrap_or_default(),
        })
    }

    /// The view asked for: `as_of` alone bounds both times, neither means now.
    pub(super) fn view(&self, now: DateTime<Utc>) -> Result<View, Refused> {
        let as_of = self.moment("as_of", now)?.unwrap_or(now);
        let known_by = self.moment("known_by", now)?.unwrap_or(as_of);
        self.between(as_of, known_by)
    }
}

/// What a stranger wrote, short.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(100).collect()
}
