//! One fact, cut down to what a projection needs.

use bellwether_model::{Basis, Decimal, Fact, Grade, Op, Precision, Stamp, Temporal, View};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Absent index.
pub(crate) const NONE: u32 = u32::MAX;

/// A decimal without trailing zeros; serialised as mantissa and scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "(i128, u32)", try_from = "(i128, u32)")]
pub(crate) struct Packed(Decimal);

impl From<Packed> for (i128, u32) {
    fn from(packed: Packed) -> Self {
        (packed.0.mantissa(), packed.0.scale())
    }
}

impl TryFrom<(i128, u32)> for Packed {
    type Error = String;

    fn try_from((mantissa, scale): (i128, u32)) -> Result<Self, String> {
        Decimal::try_from_i128_with_scale(mantissa, scale).map(Self).map_err(|e| e.to_string())
    }
}

/// Mantissas and powers of ten up to these are exact in a double, so their quotient is correctly rounded.
const EXACT_MANTISSA: i128 = 1 << 53;
const EXACT_SCALE: u32 = 22;

impl Packed {
    pub(crate) fn new(value: Decimal) -> Self {
        Self(value.normalize())
    }

    pub(crate) fn decimal(self) -> Decimal {
        self.0
    }

    /// Nearest double, the same on every machine.
    pub(crate) fn to_f64(self) -> f64 {
        let (mantissa, scale) = (self.0.mantissa(), self.0.scale());
        if mantissa.abs() <= EXACT_MANTISSA && scale <= EXACT_SCALE {
            let power = (0..scale).fold(1.0_f64, |p, _| p * 10.0);
            mantissa as f64 / power
        } else {
            self.0.to_string().parse().unwrap_or(f64::NAN)
        }
    }

    /// Value of one unit in the last significant digit: 190.3e9 gives 1e8.
    pub(crate) fn quantum(self) -> Decimal {
        let mut mantissa = self.0.mantissa().unsigned_abs();
        let mut unit = Decimal::try_from_i128_with_scale(1, self.0.scale()).unwrap_or(Decimal::ONE);
        while mantissa != 0 && mantissa.is_multiple_of(10) {
            mantissa /= 10;
            unit = unit.checked_mul(Decimal::TEN).unwrap_or(unit);
        }
        unit
    }
}

/// A rounding coarser than this share of the value is not trusted to be a mere rounding.
const ROUNDING_SHARE: Decimal = Decimal::from_parts(2, 0, 0, false, 2);

/// Whether two statements of one value differ by no more than the rounding of the coarser.
///
/// `rounds` is false for counts and scales, where only equality confirms.
pub(crate) fn confirms(a: Packed, b: Packed, rounds: bool) -> bool {
    let (x, y) = (a.decimal(), b.decimal());
    if x == y {
        return true;
    }
    if !rounds {
        return false;
    }
    let coarse = a.quantum().max(b.quantum());
    let size = x.abs().max(y.abs());
    let Some(limit) = size.checked_mul(ROUNDING_SHARE) else { return false };
    coarse <= limit && (x - y).abs().checked_mul(Decimal::TWO).is_some_and(|twice| twice <= coarse)
}

/// A fact as the fold keeps it; times in microseconds since the epoch.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Observation {
    pub(crate) seq: u64,
    /// Fact id as two words: a `u128` would pad every observation to its alignment.
    pub(crate) id: (u64, u64),
    /// Known time on the published clock.
    pub(crate) known: i64,
    pub(crate) recorded: i64,
    pub(crate) start: i64,
    pub(crate) end: i64,
    /// Counts in views whose as-of bound is at least this.
    pub(crate) counts_from: i64,
    pub(crate) value: Option<Packed>,
    /// Account this statement belongs to, and the statement before it in arrival order.
    pub(crate) account: u32,
    pub(crate) previous: u32,
    /// Set of selectors that read it.
    pub(crate) slots: u32,
    /// Attributes that windowed formulas read.
    pub(crate) payload: u32,
    /// Publisher family, where any selector reads it.
    pub(crate) family: u32,
    pub(crate) grade: [u8; 2],
    pub(crate) op: Op,
    pub(crate) basis: Basis,
    pub(crate) precision: Precision,
    /// The publication is stated to the day.
    pub(crate) by_day: bool,
    /// Equal-within-rounding confirms: not for counts and scales.
    pub(crate) rounds: bool,
}

const DAY: i64 = 86_400_000_000;

impl Observation {
    pub(crate) fn new(fact: &Fact, seq: u64, recorded_at: DateTime<Utc>, temporal: Temporal) -> Self {
        let start = fact.valid.start.timestamp_micros();
        let end = fact.valid.end_or_start().timestamp_micros();
        Self {
            seq,
            id: fact.id.as_u64_pair(),
            known: fact.known_from(recorded_at).timestamp_micros(),
            recorded: recorded_at.timestamp_micros(),
            start,
            end,
            counts_from: match temporal {
                Temporal::Flow => end,
                Temporal::State | Temporal::Instant => start.saturating_add(1),
            },
            value: fact.value.map(Packed::new),
            account: NONE,
            previous: NONE,
            slots: NONE,
            payload: NONE,
            family: NONE,
            grade: fact.grade.to_bytes(),
            op: fact.op,
            basis: fact.published_basis,
            precision: fact.valid.precision,
            by_day: matches!(fact.published_at, Some(Stamp::Day(_))),
            rounds: !matches!(fact.unit.as_deref(), Some("count" | "ordinal" | "persons")),
        }
    }

    pub(crate) fn grade(&self) -> Grade {
        Grade::from_bytes(self.grade).unwrap_or(Grade::UNKNOWN)
    }

    /// Known time under the view's clock.
    pub(crate) fn known_in(&self, view: &View) -> i64 {
        match view.clock {
            bellwether_model::Clock::Published => self.known,
            bellwether_model::Clock::Recorded => self.recorded,
        }
    }

    /// Whether the view may read it at all.
    pub(crate) fn visible(&self, view: &View) -> bool {
        self.known_in(view) < view.known_by.timestamp_micros()
            && view.accepts(self.basis)
            && self.counts_from <= view.as_of.timestamp_micros()
    }

    /// Publication as stated or assumed; absent when only recorded.
    pub(crate) fn published(&self) -> Option<Stamp> {
        if self.basis == Basis::Recorded {
            return None;
        }
        if self.by_day {
            moment(self.known - DAY).map(|at| Stamp::Day(at.date_naive()))
        } else {
            moment(self.known).map(Stamp::Instant)
        }
    }
}

/// Microseconds since the epoch as a moment.
pub(crate) fn moment(micros: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(text: &str) -> Packed {
        Packed::new(text.parse().unwrap())
    }

    #[test]
    fn roundings_confirm_and_revisions_do_not() {
        for (a, b, want) in [
            ("190270000000", "190271000000", true),
            ("190270000000", "190300000000", true),
            ("244800000000", "244819000000", true),
            ("15500000000", "15400000000", false),
            ("22700000000", "22730000000", true),
            ("5847000000", "6097000000", false),
            ("0.8", "0.95", false),
            ("20", "24", false),
            ("0.12", "0.122", false),
        ] {
            assert_eq!(confirms(packed(a), packed(b), true), want, "{a} {b}");
            assert_eq!(confirms(packed(b), packed(a), true), want, "{b} {a}");
        }
        assert!(!confirms(packed("1000"), packed("1001"), false), "counts do not round");
    }

    #[test]
    fn doubles_are_nearest() {
        for text in [
            "0.174",
            "190271000000",
            "-0.1",
            "79228162514264337593543950335",
            "0.0000000000000000000000000001",
        ] {
            assert_eq!(packed(text).to_f64().to_bits(), text.parse::<f64>().unwrap().to_bits(), "{text}");
        }
    }
}
