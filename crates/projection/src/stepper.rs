//! One assessment after another, and what changed between them.

use std::collections::BTreeSet;

use bellwether_model::{Clock, KnownBasis, View};
use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};

use crate::assessment::Assessment;
use crate::fold::Projector;

/// Steps through time over one projector. Each step is what [`Projector::assess`] answers for its moment.
#[derive(Debug)]
pub struct Stepper {
    clock: Clock,
    basis: KnownBasis,
    last: Option<Assessment>,
}

/// One step.
#[derive(Debug)]
pub struct Step<'a> {
    /// The assessment of what was known at the moment, that moment included, about the world up to it.
    pub assessment: &'a Assessment,
    /// Ids of the rows that the assessment shows otherwise than the step before did, or did not show; of all rows at the
    /// first step. Rows that are gone are named too.
    pub touched: BTreeSet<String>,
}

impl Stepper {
    /// Before the first step.
    pub fn new(clock: Clock, basis: KnownBasis) -> Self {
        Self { clock, basis, last: None }
    }

    /// The view of a moment: facts known at that very moment count.
    pub fn view(&self, at: DateTime<Utc>) -> View {
        let known_by = at.checked_add_signed(TimeDelta::microseconds(1)).unwrap_or(at);
        View { as_of: at, known_by, clock: self.clock, basis: self.basis }
    }

    /// Steps to a moment, never backwards.
    pub fn step(&mut self, projector: &Projector, at: DateTime<Utc>) -> Step<'_> {
        let now = projector.assess(&self.view(at));
        let touched = touched(self.last.as_ref(), &now);
        Step { assessment: self.last.insert(now), touched }
    }

    /// The earliest moment after `after` at which an assessment may differ from the one of `after`, with what the
    /// projector holds: something becomes known, or time alone changes a row. A midnight or a moment of knowledge.
    pub fn next(&self, _projector: &Projector, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        Some(after.date_naive().checked_add_days(Days::new(1))?.and_time(NaiveTime::MIN).and_utc())
    }
}

fn touched(before: Option<&Assessment>, now: &Assessment) -> BTreeSet<String> {
    fn rows<T: PartialEq>(
        before: Option<&[T]>,
        now: &[T],
        id: impl Fn(&T) -> &str,
        out: &mut BTreeSet<String>,
    ) {
        let before = before.unwrap_or_default();
        let differs = |row: &&T| !before.iter().any(|b| b == *row);
        out.extend(now.iter().filter(differs).map(|row| id(row).to_owned()));
        let gone = |row: &&T| !now.iter().any(|n| id(n) == id(row));
        out.extend(before.iter().filter(gone).map(|row| id(row).to_owned()));
    }
    let mut out = BTreeSet::new();
    macro_rules! all {
        ($($list:ident),*) => { $(rows(before.map(|b| b.$list.as_slice()), &now.$list, |r| r.id.as_str(), &mut out);)* };
    }
    all!(
        domains,
        indicators,
        measures,
        characters,
        roles,
        drivers,
        frictions,
        implications,
        asymmetries,
        constraints,
        scenarios,
        divergences,
        shifts,
        withdrawn
    );
    if before.is_none_or(|b| b.balance != now.balance) {
        out.extend(now.balance.as_ref().map(|b| b.id.clone()));
    }
    if before.is_none_or(|b| b.fit != now.fit) {
        out.insert("fit".to_owned());
    }
    out
}
