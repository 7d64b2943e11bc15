//! What memory does in the soak: heap in use, counted byte by byte, and what the system keeps for the process.

use crate::HEAP;

/// Bytes in use at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Use {
    pub(super) heap: i64,
    pub(super) resident: i64,
}

impl Use {
    pub(super) fn now() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
        let resident: i64 = line.trim().trim_end_matches(" kB").trim().parse().unwrap_or(0);
        Self { heap: HEAP.allocated() as i64, resident: resident * 1024 }
    }
}

/// Lowest heap in a stretch of samples: what is under way between two samples comes and goes above it.
pub(super) fn floor(samples: &[Use]) -> i64 {
    samples.iter().map(|u| u.heap).min().unwrap_or(0)
}

fn ceiling(samples: &[Use]) -> i64 {
    samples.iter().map(|u| u.resident).max().unwrap_or(0)
}

/// What the heap may differ by between two thirds of a stretch in which nothing new is said, and what the process may
/// grow by in it: the allocator keeps what it once had.
const HEAP_SLACK: i64 = 1 << 20;
const RESIDENT_SLACK: i64 = 16 << 20;

/// Whether memory stayed where it was: the last third of the samples against the first.
pub(super) fn flat(samples: &[Use]) -> Result<(i64, i64), String> {
    let third = samples.len() / 3;
    let (first, last) = (&samples[..third], &samples[samples.len() - third..]);
    let (heap, resident) = (floor(last) - floor(first), ceiling(last) - ceiling(first));
    if third == 0 || heap > HEAP_SLACK || resident > RESIDENT_SLACK {
        return Err(format!("{} samples: heap {heap:+}, resident {resident:+} bytes", samples.len()));
    }
    Ok((heap, resident))
}

#[test]
fn r36_a_leak_is_seen() {
    // Work under way makes the heap jump; a leak is a few bytes a sample beneath it.
    let run = |leak: i64, grows: i64| -> Vec<Use> {
        let at = |n: i64| Use {
            heap: (50 << 20) + n * 2_654_435 % 5_000_000 + n * leak,
            resident: (90 << 20) + n * 1_654_435 % 3_000_000 + n * grows,
        };
        (0..300).map(at).collect()
    };
    assert!(flat(&run(0, 0)).is_ok());
    assert!(flat(&run(-20_000, 0)).is_ok());
    assert!(flat(&run(10_000, 0)).unwrap_err().contains("heap +"));
    assert!(flat(&run(0, 100_000)).is_err());
    assert!(flat(&[]).is_err());
}
