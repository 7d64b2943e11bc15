//! Live projectors: what the log says, folded as it grows, so that no question replays it.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockWriteGuard};

use bellwether_alert::Folded;
use bellwether_model::FactTypes;
use bellwether_model::framework::Framework;
use bellwether_projection::Projector;
use bellwether_store::{Error, EventLog};

use crate::Configured;

/// A replay of more records than this leaves a snapshot behind.
const SNAPSHOT_AFTER: u64 = 20_000;
/// A gap of more records than this is folded on two threads.
const LARGE_GAP: u64 = 2_000;
/// Readings that are not the configuration's and stay ready, newest first.
const GUESTS: usize = 2;

/// Folds the log, from the newest snapshot where there is one.
///
/// # Errors
/// As [`EventLog::read`].
pub fn project(
    log: &dyn EventLog,
    framework: Arc<Framework>,
    types: Arc<FactTypes>,
) -> Result<Projector, Error> {
    let empty = Projector::new(Arc::clone(&framework), Arc::clone(&types));
    // A snapshot is only a cache: whatever is wrong with it, the log answers.
    let kept = log.snapshot_get(&empty.snapshot_name(), log.head()).ok().flatten();
    let mut projector =
        kept.and_then(|(_, bytes)| Projector::restore(framework, types, &bytes).ok()).unwrap_or(empty);
    let from = projector.head();
    projector.reserve(usize::try_from(log.head().saturating_sub(from)).unwrap_or_default());
    projector.absorb(|each| {
        log.read(from.saturating_add(1), &mut |record| {
            each(record);
            ControlFlow::Continue(())
        })
    })?;
    if projector.head().saturating_sub(from) > SNAPSHOT_AFTER
        && let Ok(bytes) = projector.snapshot()
    {
        let _ = log.snapshot_put(&projector.snapshot_name(), projector.head(), &bytes);
    }
    Ok(projector)
}

/// One framework over one set of fact types, and the log folded for it as it grows.
pub struct Live {
    pub(crate) framework: Arc<Framework>,
    pub(crate) types: Arc<FactTypes>,
    /// Hash of the framework, and of all fact types.
    pub(crate) hashes: (String, String),
    projector: RwLock<Projector>,
}

impl Live {
    fn new(framework: Arc<Framework>, types: Arc<FactTypes>, hashes: (String, String)) -> Self {
        let projector = RwLock::new(Projector::new(Arc::clone(&framework), Arc::clone(&types)));
        Self { framework, types, hashes, projector }
    }

    /// One that nobody shares; the first question folds the log.
    pub fn apart(framework: Arc<Framework>, types: Arc<FactTypes>) -> Self {
        let hashes = (framework.hash(&types), types.hash());
        Self::new(framework, types, hashes)
    }

    /// Answers from a state that has everything acknowledged before the call.
    pub(crate) fn ask<T>(
        &self,
        log: &dyn EventLog,
        question: impl FnOnce(&Projector) -> T,
    ) -> Result<T, Error> {
        let due = log.head();
        if let Ok(projector) = self.projector.read()
            && projector.head() >= due
        {
            return Ok(question(&projector));
        }
        self.follow(log)?;
        Ok(question(&self.projector.read().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Takes what was appended since.
    pub(crate) fn follow(&self, log: &dyn EventLog) -> Result<(), Error> {
        let mut projector = self.writable();
        let (head, due) = (projector.head(), log.head());
        if head >= due {
            return Ok(());
        }
        if head == 0 {
            *projector = project(log, Arc::clone(&self.framework), Arc::clone(&self.types))?;
            return Ok(());
        }
        let next = head.saturating_add(1);
        if due.saturating_sub(head) > LARGE_GAP {
            return projector.absorb(|each| {
                log.read(next, &mut |record| {
                    each(record);
                    ControlFlow::Continue(())
                })
            });
        }
        log.read(next, &mut |record| {
            projector.apply(record);
            ControlFlow::Continue(())
        })
    }

    /// A fold that panicked left a state that nobody vouches for: it starts anew.
    fn writable(&self) -> RwLockWriteGuard<'_, Projector> {
        self.projector.write().unwrap_or_else(|poisoned| {
            let mut projector = poisoned.into_inner();
            *projector = Projector::new(Arc::clone(&self.framework), Arc::clone(&self.types));
            self.projector.clear_poison();
            projector
        })
    }
}

impl Folded for Live {
    fn lend<T>(&self, log: &dyn EventLog, look: impl FnOnce(&Projector) -> T) -> Result<T, Error> {
        self.ask(log, look)
    }
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").field("framework", &self.framework.id).finish_non_exhaustive()
    }
}

/// Every reading that is ready, the one asked last at the end. Answers, alerts and forecasts share them: the log is folded
/// once for each.
#[derive(Default)]
pub(crate) struct Lives(Mutex<Vec<Arc<Live>>>);

impl Lives {
    fn held(&self) -> MutexGuard<'_, Vec<Arc<Live>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of them.
    pub(crate) fn all(&self) -> Vec<Arc<Live>> {
        self.held().clone()
    }

    /// The reading by a framework, made when it is not there.
    pub(crate) fn of(
        &self,
        configured: &Configured,
        framework: &Arc<Framework>,
        types: &Arc<FactTypes>,
    ) -> Arc<Live> {
        let same = |live: &Live| Arc::ptr_eq(&live.framework, framework) && Arc::ptr_eq(&live.types, types);
        if let Some(live) = self.take(same) {
            return live;
        }
        let hashes = (framework.hash(types), types.hash());
        if let Some(live) = self.take(|live| live.hashes == hashes) {
            return live;
        }
        let live = Arc::new(Live::new(Arc::clone(framework), Arc::clone(types), hashes));
        let mut all = self.held();
        all.push(Arc::clone(&live));
        let mut guests = 0;
        let newest_first: Vec<Arc<Live>> = all.drain(..).rev().collect();
        let mut kept: Vec<Arc<Live>> = newest_first
            .into_iter()
            .filter(|live| {
                let guest = !configured.frameworks.iter().any(|f| **f == *live.framework);
                guests += usize::from(guest);
                !guest || guests <= GUESTS
            })
            .collect();
        kept.reverse();
        *all = kept;
        live
    }

    /// The reading by a framework, when it is ready.
    pub(crate) fn ready(&self, framework: &Arc<Framework>, types: &Arc<FactTypes>) -> Option<Arc<Live>> {
        self.take(|live| Arc::ptr_eq(&live.framework, framework) && Arc::ptr_eq(&live.types, types))
            .or_else(|| self.by_hash(&framework.hash(types), Some(&types.hash())))
    }

    /// A reading by the hashes of framework and fact types; types may be left open.
    pub(crate) fn by_hash(&self, framework: &str, types: Option<&str>) -> Option<Arc<Live>> {
        self.take(|live| live.hashes.0 == framework && types.is_none_or(|t| live.hashes.1 == t))
    }

    fn take(&self, wanted: impl Fn(&Live) -> bool) -> Option<Arc<Live>> {
        let mut all = self.held();
        let at = all.iter().position(|live| wanted(live))?;
        let live = all.remove(at);
        all.push(Arc::clone(&live));
        Some(live)
    }
}
