//! What the sources of the soak have to say: a matter of the cursor alone, so that what was given out and did not
//! arrive is given out again.

use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::kit::{Act, visits};

/// Asks in which a feed meets each fault once.
pub(super) const ROUND: u64 = 20;
/// Where a feed's own stretch of keys begins.
const STRETCH: u64 = 1_000_000_000;

/// Content at one place of a feed.
pub(super) struct Page {
    /// Visits in it.
    pub(super) keys: Range<u64>,
    text: String,
    /// Records that no feed can read, or no fact can be made of.
    pub(super) held: u64,
    more: bool,
}

impl Page {
    fn of(feed: u64, at: u64) -> Self {
        let (own, base) = (feed * STRETCH, feed * STRETCH + at * 1_000);
        let page = |keys: Range<u64>, more| Page { text: visits(keys.start, keys.end), keys, held: 0, more };
        match (at + feed * 7) % 11 {
            0 => {
                let page = page(base..base + 5, false);
                Page { text: format!("no record\n{}", page.text), held: 1, ..page }
            }
            1 => {
                let page = page(base..base + 10, false);
                Page { text: page.text + "{\"type\": \"no.such\"}\n", held: 1, ..page }
            }
            // What was given before, again.
            2 | 3 => page(own..own + 50, false),
            4 => page(base..base + 900, true),
            5..=7 => page(base..base + 20, true),
            _ => page(base..base + 20, false),
        }
    }

    pub(super) fn records(&self) -> u64 {
        self.text.lines().count() as u64
    }
}

/// The world behind one feed.
pub(super) struct World {
    feed: u64,
    asked: AtomicU64,
    /// From now on nothing new is said.
    repeats: AtomicBool,
    /// Place from which all before it is said again and again.
    turned: OnceLock<u64>,
}

impl World {
    pub(super) fn new(feed: u64) -> Self {
        Self { feed, asked: AtomicU64::new(0), repeats: AtomicBool::new(false), turned: OnceLock::new() }
    }

    pub(super) fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }

    pub(super) fn repeat(&self) {
        self.repeats.store(true, Ordering::SeqCst);
    }

    fn page(&self, at: u64) -> Page {
        let turned = self.turned.get().copied().filter(|turned| *turned > 0);
        Page::of(self.feed, turned.map_or(at, |turned| at % turned))
    }

    /// Everything up to the place that a feed has reached.
    pub(super) fn until(&self, cursor: &Value) -> impl Iterator<Item = Page> + '_ {
        (0..place(cursor)).map(|at| self.page(at))
    }

    /// What the source does when it is asked: faults go by the number of the ask.
    pub(super) fn act(&self, cursor: &Value) -> Act {
        let n = self.asked.fetch_add(1, Ordering::SeqCst);
        let at = place(cursor);
        if self.repeats.load(Ordering::SeqCst) {
            self.turned.get_or_init(|| at);
        }
        let Page { mut text, more, .. } = self.page(at);
        // Every feed steps through the faults from another one on.
        match (n + self.feed * 7) % ROUND {
            0 => return Act::Panic,
            1 => return Act::Hang,
            2 | 3 => return Act::Degraded("503 Service Unavailable", Some(Duration::from_millis(20))),
            4 => return Act::Degraded("an HTML page under status 200", None),
            // A page among the records: nothing of it is taken.
            5 => text.insert_str(0, "<html>\n"),
            13 | 14 => return Act::Unchanged(cursor.clone()),
            // Cut off in the middle of its last record: nothing of it is taken.
            15 => text.truncate(text.len() - 10),
            _ => {}
        }
        Act::Found { text, cursor: json!({ "at": at + 1 }), more }
    }
}

/// Place that a cursor stands for.
fn place(cursor: &Value) -> u64 {
    cursor["at"].as_u64().unwrap_or(0)
}
