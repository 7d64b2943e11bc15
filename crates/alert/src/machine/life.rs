//! The life of one alert: what its condition, its rule and the moment make of it.

use chrono::{DateTime, TimeDelta, Utc};

use crate::event::ShiftRef;
use crate::rule::{Rule, duration_words};
use crate::{Happening, time};

/// Begins the reason of a resolution after which the alert does not fire again before its condition was known not to hold.
pub(super) const EXPIRED: &str = "expired";
/// The same for a shift that was taken back.
pub(super) const WITHDRAWN: &str = "withdrawn";

/// Where an alert stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing holds.
    Idle,
    /// The condition holds, not yet long enough.
    Pending {
        /// Since when.
        since: DateTime<Utc>,
    },
    /// It fires.
    Firing {
        /// Since when.
        since: DateTime<Utc>,
        /// Since when what ends it holds.
        recovering: Option<DateTime<Utc>>,
    },
    /// It is over although its condition may still hold.
    Spent {
        /// Since when.
        since: DateTime<Utc>,
    },
}

/// What is known of an alert's condition at a moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) when: Option<bool>,
    /// Absent where the rule has no `until`.
    pub(super) until: Option<Option<bool>>,
    /// The shift that stands now.
    pub(super) shift: Option<ShiftRef>,
    /// When the shift that the alert was about was taken back.
    pub(super) withdrawn: Option<String>,
}

impl Phase {
    /// Since when it is as it is.
    pub(super) fn since(&self) -> Option<DateTime<Utc>> {
        match self {
            Phase::Idle => None,
            Phase::Pending { since } | Phase::Firing { since, .. } | Phase::Spent { since } => Some(*since),
        }
    }

    /// Whether it fires.
    pub(super) fn fires(&self) -> bool {
        matches!(self, Phase::Firing { .. })
    }

    /// The moment at which time alone may change it.
    pub(super) fn deadline(&self, rule: &Rule) -> Option<DateTime<Utc>> {
        let after = |since: &DateTime<Utc>, delta: TimeDelta| since.checked_add_signed(delta);
        match self {
            Phase::Pending { since } => after(since, rule.hold),
            Phase::Firing { since, recovering } => {
                let keep = recovering.as_ref().and_then(|r| after(r, rule.keep));
                let expires = rule.expires.and_then(|e| after(since, e));
                keep.into_iter().chain(expires).min()
            }
            Phase::Idle | Phase::Spent { .. } => None,
        }
    }
}

/// One step; the happening, where there is one. `was` is the shift that the alert has been about.
pub(super) fn advance(
    phase: &mut Phase,
    rule: &Rule,
    seen: &Seen,
    was: Option<&ShiftRef>,
    at: DateTime<Utc>,
) -> Option<Happening> {
    let due = |since: DateTime<Utc>, delta| since.checked_add_signed(delta).is_none_or(|end| at >= end);
    match phase.clone() {
        Phase::Spent { .. } => {
            let newer = match (&seen.shift, was) {
                (Some(now), Some(was)) => now.known_at > was.known_at,
                _ => false,
            };
            if seen.when == Some(true) && newer {
                *phase = Phase::Idle;
                return advance(phase, rule, seen, was, at);
            }
            let over = seen.when == Some(false);
            over.then(|| {
                *phase = Phase::Idle;
                Happening::Lapsed
            })
        }
        Phase::Idle => (seen.when == Some(true)).then(|| {
            if rule.hold <= TimeDelta::zero() {
                *phase = Phase::Firing { since: at, recovering: None };
                Happening::Firing
            } else {
                *phase = Phase::Pending { since: at };
                Happening::Pending
            }
        }),
        Phase::Pending { since } => match seen.when {
            Some(false) => {
                *phase = Phase::Idle;
                Some(Happening::Lapsed)
            }
            Some(true) if due(since, rule.hold) => {
                *phase = Phase::Firing { since: at, recovering: None };
                Some(Happening::Firing)
            }
            _ => seen.withdrawn.is_some().then(|| {
                *phase = Phase::Idle;
                Happening::Lapsed
            }),
        },
        Phase::Firing { since, recovering } => {
            if let Some(when) = &seen.withdrawn {
                *phase = Phase::Spent { since: at };
                let shift = was.map_or("its shift", |s| s.id.as_str());
                return Some(Happening::Resolved {
                    reason: format!("{WITHDRAWN}: a later statement took {shift} back on {when}"),
                });
            }
            let ends = match seen.until {
                Some(until) => until == Some(true) && seen.when != Some(true),
                None => seen.when == Some(false),
            };
            let holds_on = seen.when == Some(true) || seen.until == Some(Some(false));
            if ends && recovering.map_or(rule.keep <= TimeDelta::zero(), |r| due(r, rule.keep)) {
                *phase = Phase::Idle;
                let reason = if rule.keep > TimeDelta::zero() {
                    format!("recovered for {}", duration_words(rule.keep))
                } else {
                    "recovered".to_owned()
                };
                return Some(Happening::Resolved { reason });
            }
            if let Some(expires) = rule.expires.filter(|e| due(since, *e)) {
                *phase = Phase::Spent { since: at };
                let reason = format!("{EXPIRED} after {}", duration_words(expires));
                return Some(Happening::Resolved { reason });
            }
            match recovering {
                None if ends => {
                    *phase = Phase::Firing { since, recovering: Some(at) };
                    Some(Happening::Recovering)
                }
                Some(_) if holds_on => {
                    *phase = Phase::Firing { since, recovering: None };
                    Some(Happening::Relapsed)
                }
                _ => None,
            }
        }
    }
}

/// The same from what the log says happened.
pub(super) fn fold(phase: &mut Phase, happening: &Happening, at: DateTime<Utc>, since: &str) {
    let since = time::parse(since).unwrap_or(at);
    *phase = match happening {
        Happening::Pending => Phase::Pending { since },
        Happening::Lapsed => Phase::Idle,
        Happening::Firing | Happening::Unmuted | Happening::Relapsed => {
            let recovering = match phase {
                Phase::Firing { recovering, .. } if *happening == Happening::Unmuted => *recovering,
                _ => None,
            };
            Phase::Firing { since, recovering }
        }
        Happening::Recovering => Phase::Firing { since, recovering: Some(at) },
        Happening::Resolved { reason } if reason.starts_with(EXPIRED) || reason.starts_with(WITHDRAWN) => {
            Phase::Spent { since: at }
        }
        Happening::Resolved { .. } => Phase::Idle,
    };
}
