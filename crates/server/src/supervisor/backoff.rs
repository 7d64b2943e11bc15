//! How long a feed that fails is left alone.

use std::time::Duration;

/// Doubles from the first wait to the longest, and starts anew after a success.
#[derive(Debug)]
pub(super) struct Backoff {
    first: Duration,
    longest: Duration,
    failures: u32,
}

/// A source that asks to be left alone for longer is asked again after this.
const LONGEST_ASKED: Duration = Duration::from_secs(86_400);

impl Backoff {
    pub(super) fn new((first, longest): (Duration, Duration)) -> Self {
        Self { first, longest, failures: 0 }
    }

    /// A success.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// A failure: the wait after it, no shorter than what the source asked for.
    pub(super) fn next(&mut self, asked: Option<Duration>) -> Duration {
        let factor = 2_u32.saturating_pow(self.failures);
        self.failures = self.failures.saturating_add(1);
        let own = self.first.saturating_mul(factor).min(self.longest);
        own.max(asked.unwrap_or_default().min(LONGEST_ASKED))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r20_waits_double_and_heed_the_source() {
        let s = Duration::from_secs;
        let mut backoff = Backoff::new((s(5), s(60)));
        let waits: Vec<_> = (0..6).map(|_| backoff.next(None).as_secs()).collect();
        assert_eq!(waits, [5, 10, 20, 40, 60, 60]);
        assert_eq!(backoff.next(Some(s(90))), s(90));
        assert_eq!(backoff.next(Some(s(1))), s(60));
        assert_eq!(backoff.next(Some(s(1_000_000))), s(86_400));
        backoff.reset();
        assert_eq!(backoff.next(None), s(5));
        for _ in 0..100 {
            assert!(backoff.next(None) <= s(60));
        }
    }
}
