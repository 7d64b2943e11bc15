//! How long to wait before the next attempt.

use std::time::Duration;

use uuid::Uuid;

/// First wait.
const FIRST: Duration = Duration::from_secs(5);
/// Longest wait of our own choice.
const LONGEST: Duration = Duration::from_secs(60 * 60);
/// Longest wait that a receiver may ask for: a wrong date must not silence it for years.
const LONGEST_ASKED: Duration = Duration::from_secs(24 * 60 * 60);

/// Wait before the next attempt after `attempts` failures (from 1), at least as long as the receiver asked for.
///
/// It doubles from five seconds to an hour; where in its upper half it falls follows from notification and attempt, so
/// that what failed together does not return together. The same arguments give the same wait.
pub(super) fn backoff(id: Uuid, attempts: u32, retry_after: Option<Duration>) -> Duration {
    let doublings = attempts.saturating_sub(1).min(16);
    let half = FIRST.saturating_mul(1 << doublings).min(LONGEST) / 2;
    let mut seed = blake3::Hasher::new();
    seed.update(id.as_bytes()).update(&attempts.to_le_bytes());
    let spread = seed.finalize().as_bytes().first().copied().unwrap_or_default();
    // In 256ths: integers give the same on every machine.
    let own = half + half * u32::from(spread) / 256;
    own.max(retry_after.unwrap_or_default().min(LONGEST_ASKED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_their_limit_differ_by_notification_and_heed_the_receiver() {
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        for n in 1..20_u32 {
            let full = FIRST.saturating_mul(1 << (n - 1).min(16)).min(LONGEST);
            let wait = backoff(a, n, None);
            assert!(wait >= full / 2 && wait < full, "{n}: {wait:?}");
        }
        assert_eq!(backoff(a, 3, None), backoff(a, 3, None));
        assert_ne!(backoff(a, 3, None), backoff(b, 3, None));
        let asked = Duration::from_secs(600);
        assert_eq!(backoff(a, 1, Some(asked)), asked);
        assert!(backoff(a, u32::MAX, Some(Duration::MAX)) <= LONGEST_ASKED);
    }
}
