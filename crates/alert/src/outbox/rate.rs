//! Rate limits.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// So many notifications in such a time, written `30/h` (`s`, `m`, `h` or `d`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    most: u32,
    per: Duration,
}

/// Units by letter, in seconds.
const UNITS: [(&str, u64); 4] = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)];
/// Most in one unit of time.
const MOST: u32 = 10_000;

impl FromStr for Rate {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (most, unit) = text.split_once('/').ok_or(())?;
        let most: u32 = most.trim().parse().map_err(|_| ())?;
        let (_, seconds) = UNITS.iter().find(|(letter, _)| *letter == unit.trim()).ok_or(())?;
        if most == 0 || most > MOST {
            return Err(());
        }
        Ok(Self { most, per: Duration::from_secs(*seconds) })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = UNITS.iter().find(|(_, seconds)| *seconds == self.per.as_secs());
        write!(f, "{}/{}", self.most, unit.map_or("?", |(letter, _)| letter))
    }
}

/// A bucket of as many tokens as the rate has, that fills evenly over its time. It keeps the moment at which it will be
/// full (the theoretical arrival time of the generic cell rate algorithm, ITU-T I.371), which is exact in integers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    rate: Rate,
    full_at: DateTime<Utc>,
}

impl Bucket {
    pub(super) fn new(rate: Rate) -> Self {
        Self { rate, full_at: DateTime::<Utc>::MIN_UTC }
    }

    /// From when on a token can be taken.
    pub(super) fn ready_at(&self) -> DateTime<Utc> {
        let room = TimeDelta::from_std(self.rate.per - self.rate.per / self.rate.most).unwrap_or_default();
        self.full_at.checked_sub_signed(room).unwrap_or(DateTime::<Utc>::MIN_UTC)
    }

    /// Takes note of the time: a bucket is full a whole time from now at the latest, whatever a clock that ran ahead said.
    pub(super) fn heed(&mut self, now: DateTime<Utc>) {
        let latest = TimeDelta::from_std(self.rate.per).ok().and_then(|per| now.checked_add_signed(per));
        self.full_at = latest.map_or(self.full_at, |latest| self.full_at.min(latest));
    }

    /// Takes one.
    pub(super) fn take(&mut self, at: DateTime<Utc>) {
        let one = TimeDelta::from_std(self.rate.per / self.rate.most).unwrap_or_default();
        self.full_at = self.full_at.max(at).checked_add_signed(one).unwrap_or(self.full_at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_and_shown() {
        for text in ["1/s", "30/h", "10000/d"] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), text);
        }
        for bad in ["", "30", "0/h", "-1/h", "30/w", "1e3/h", "10001/d", "30/"] {
            assert!(bad.parse::<Rate>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_bucket_gives_all_at_once_and_then_one_at_a_time() {
        let start: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
        let mut bucket = Bucket::new("3/h".parse().unwrap());
        for _ in 0..3 {
            assert!(bucket.ready_at() <= start);
            bucket.take(start);
        }
        assert_eq!(bucket.ready_at(), start + TimeDelta::minutes(20));
        bucket.take(start + TimeDelta::minutes(20));
        assert_eq!(bucket.ready_at(), start + TimeDelta::minutes(40));
        // After a pause of an hour it is full again.
        assert!(bucket.ready_at() + TimeDelta::hours(1) <= start + TimeDelta::minutes(100));
    }
}
