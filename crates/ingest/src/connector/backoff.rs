//! How long to leave a failing source alone.

use std::time::Duration;

/// First wait.
const FIRST: Duration = Duration::from_secs(30);
/// Longest wait of our own choice.
const LONGEST: Duration = Duration::from_secs(60 * 60);
/// Longest wait that a source may ask for: a wrong date must not silence a feed for years.
const LONGEST_ASKED: Duration = Duration::from_secs(24 * 60 * 60);

/// Wait before the next poll after `attempt` failures in a row (from 1), at least as long as the source asked for.
///
/// It doubles from half a minute to an hour, then differs by feed and attempt within its upper half, so that feeds
/// which failed together do not return together. The same arguments give the same wait.
pub fn backoff(feed: &str, attempt: u32, retry_after: Option<Duration>) -> Duration {
    let doublings = attempt.saturating_sub(1).min(16);
    let full = FIRST.saturating_mul(1 << doublings).min(LONGEST);
    let mut seed = blake3::Hasher::new();
    seed.update(feed.as_bytes()).update(&attempt.to_le_bytes());
    let spread = seed.finalize().as_bytes().first().copied().unwrap_or_default();
    // In 256ths: integers give the same on every machine.
    let half = full / 2;
    let own = half + half * u32::from(spread) / 256;
    let Some(asked) = retry_after else { return own };
    let asked = asked.min(LONGEST_ASKED);
    own.max(asked + asked.min(LONGEST) * u32::from(spread) / 2560)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r20_waits_grow_to_their_limit_and_differ_by_feed() {
        let waits: Vec<Duration> = (1..12).map(|n| backoff("a", n, None)).collect();
        for (n, wait) in waits.iter().enumerate() {
            let full = FIRST.saturating_mul(1 << n).min(LONGEST);
            assert!(*wait >= full / 2 && *wait < full, "{n}: {wait:?}");
        }
        assert_eq!(waits[4], backoff("a", 5, None));
        assert_ne!(waits[4], backoff("b", 5, None));
        assert!(backoff("a", u32::MAX, None) <= LONGEST);
    }

    #[test]
    fn r20_a_source_is_left_alone_as_long_as_it_asks() {
        let second = Duration::from_secs(1);
        for asked in [second, 100 * second, 5000 * second] {
            let wait = backoff("a", 1, Some(asked));
            assert!(wait >= asked && wait <= asked.max(FIRST) * 11 / 10, "{asked:?}: {wait:?}");
        }
        assert!(backoff("a", 1, Some(Duration::MAX)) < 26 * LONGEST);
    }
}
