//! The passes: one through the history for all rules, and one beside it for each event whose own facts an alarm could know.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bellwether_model::framework::Framework;
use bellwether_model::{Clock, FactTypes, KnownBasis, Record};
use bellwether_projection::{Projector, Stepper};
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

use super::claim::{AFTER, Claim, Firing, ReferenceEvent, within};
use super::own::{Collector, Own};
use super::report::Report;
use super::score::{Case, Score, score};
use super::speaks::speaks;
use crate::machine::{Machine, Saved};
use crate::{Happening, RuleSet, time};

/// What a backtest is asked.
#[derive(Clone, Debug)]
pub struct Question<'q> {
    /// Who reads the facts.
    pub framework: Arc<Framework>,
    /// What facts there are.
    pub types: Arc<FactTypes>,
    /// Rules; those that claim nothing are left out of the answer.
    pub rules: &'q RuleSet,
    /// Clock of known time.
    pub clock: Clock,
    /// Publications that count.
    pub basis: KnownBasis,
    /// Reference events.
    pub events: &'q [ReferenceEvent],
    /// First day.
    pub from: NaiveDate,
    /// Last day.
    pub to: NaiveDate,
    /// The rule whose seed all rules share, where they are variants of it; else each has its own.
    pub luck: Option<&'q str>,
}

/// One firing in one pass.
#[derive(Clone, Debug)]
struct Fired {
    rule: String,
    at: DateTime<Utc>,
    firing: Firing,
}

/// A place to leave the history for another one.
struct Fork {
    /// Last moment before it.
    at: Option<DateTime<Utc>>,
    alerts: Saved,
}

/// Runs rules through the history and scores them.
///
/// `source` hands out the log's records in order, as often as it is asked: once for the history, once for what belongs to
/// which event, and once for each event that must be taken out.
///
/// # Errors
/// Those of `source`.
pub fn run<E>(
    question: &Question<'_>,
    source: impl Fn(&mut dyn FnMut(&Record)) -> Result<(), E>,
) -> Result<Report, E> {
    let walk = Walk { question, end: midnight(question.to, 1) };
    let mut projector = walk.projector();
    let mut collector = Collector::new(question.events, &question.framework);
    source(&mut |record| {
        collector.look(record);
        projector.apply(record);
    })?;
    let view = Stepper::new(question.clock, question.basis).view(walk.end);
    let mut first: Option<DateTime<Utc>> = None;
    source(&mut |record| {
        collector.date(record, &view);
        let known =
            record.fact().map(|f| view.known_time(f.known_from(record.recorded_at), record.recorded_at));
        first = first.into_iter().chain(known).min();
    })?;
    let own = collector.finish();
    let first = first.unwrap_or(walk.end);
    let (fired, forks) = walk.history(&projector, first, &own);
    drop(projector);
    let mut without: BTreeMap<usize, Vec<Fired>> = BTreeMap::new();
    for event in walk.doubtful(&fired, &own) {
        let (Some(own), Some(fork), Some(reference)) =
            (own.get(event), forks.get(&event), question.events.get(event))
        else {
            continue;
        };
        let mut projector = walk.projector();
        source(&mut |record| {
            if !own.has(record) {
                projector.apply(record);
            }
        })?;
        without.insert(event, walk.beside(&projector, fork, first, midnight(reference.day, AFTER + 1)));
    }
    let rules = question.rules.rules().iter().filter(|rule| rule.backtest.is_some());
    let rules = rules.map(|rule| walk.score(&rule.id, &fired, &own, &without)).collect();
    let (from, to) = (question.from, question.to);
    let events = question.events.iter().filter(|e| (from..=to).contains(&e.day)).count();
    Ok(Report { rules, from, to, events })
}

fn midnight(day: NaiveDate, days: i64) -> DateTime<Utc> {
    let moved = day.checked_add_signed(TimeDelta::days(days)).unwrap_or(NaiveDate::MAX);
    moved.and_time(NaiveTime::MIN).and_utc()
}

struct Walk<'q> {
    question: &'q Question<'q>,
    /// First moment after the range.
    end: DateTime<Utc>,
}

impl Walk<'_> {
    fn projector(&self) -> Projector {
        Projector::new(Arc::clone(&self.question.framework), Arc::clone(&self.question.types))
    }

    /// The whole history from a moment on: firings, and where to leave it for a history without an event.
    fn history(
        &self,
        projector: &Projector,
        first: DateTime<Utc>,
        own: &[Own],
    ) -> (Vec<Fired>, BTreeMap<usize, Fork>) {
        let mut forks = BTreeMap::new();
        // Facts are known at the moment itself, so the last moment before is the one to go back to.
        let mut waiting: Vec<(DateTime<Utc>, usize)> =
            own.iter().enumerate().filter_map(|(event, own)| Some((own.known?, event))).collect();
        waiting.sort_unstable();
        let mut waiting = waiting.into_iter().peekable();
        let mut machine = Machine::new(self.question.rules);
        let mut stepper = Stepper::new(self.question.clock, self.question.basis);
        let fired =
            self.steps(projector, &mut stepper, &mut machine, first, self.end, |before, at, machine| {
                while let Some((_, event)) = waiting.next_if(|(known, _)| *known <= at) {
                    forks.insert(event, Fork { at: before, alerts: machine.save() });
                }
            });
        (fired, forks)
    }

    /// The history beside, from where it leaves the other one until a moment.
    fn beside(
        &self,
        projector: &Projector,
        fork: &Fork,
        first: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Vec<Fired> {
        let mut machine = Machine::resume(self.question.rules, &fork.alerts);
        let mut stepper = Stepper::new(self.question.clock, self.question.basis);
        let first = match fork.at {
            Some(at) => {
                stepper.step(projector, at);
                self.next(projector, &stepper, &machine, at)
            }
            None => Some(first),
        };
        let end = until.min(self.end);
        first.map_or_else(Vec::new, |first| {
            self.steps(projector, &mut stepper, &mut machine, first, end, |_, _, _| {})
        })
    }

    fn next(
        &self,
        projector: &Projector,
        stepper: &Stepper,
        machine: &Machine,
        at: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let deadline = machine.next_deadline(at).map(time::midnight_from);
        stepper.next(projector, at).into_iter().chain(deadline).min().filter(|next| *next > at)
    }

    /// Steps from one moment up to, and without, another. `ahead` sees the machine before each step.
    fn steps(
        &self,
        projector: &Projector,
        stepper: &mut Stepper,
        machine: &mut Machine,
        first: DateTime<Utc>,
        end: DateTime<Utc>,
        mut ahead: impl FnMut(Option<DateTime<Utc>>, DateTime<Utc>, &Machine),
    ) -> Vec<Fired> {
        let framework = projector.framework();
        let mut out = Vec::new();
        let (mut before, mut at) = (None, first);
        while at < end {
            ahead(before, at, machine);
            let step = stepper.step(projector, at);
            for event in machine.step(at, step.assessment, &step.touched, framework) {
                if event.happening != Happening::Firing {
                    continue;
                }
                let claim =
                    machine.claim(&event, step.assessment, framework).map(|c| Claim::read(&c.0, &c.1));
                let Some(claim) = claim else { continue };
                let firing =
                    Firing { alert: event.alert, subject: event.subject, day: at.date_naive(), claim };
                out.push(Fired { rule: event.rule, at, firing });
            }
            before = Some(at);
            match self.next(projector, stepper, machine, at) {
                Some(next) => at = next,
                None => break,
            }
        }
        out
    }

    /// Events near which an alarm fired that could know them.
    fn doubtful(&self, fired: &[Fired], own: &[Own]) -> BTreeSet<usize> {
        let events = self.question.events.iter().zip(own).enumerate();
        let near = |event: &ReferenceEvent, own: &Own| {
            fired
                .iter()
                .any(|f| knows(f, own) && f.firing.claim.covers(event) && within(f.firing.day, event.day))
        };
        events.filter(|(_, (event, own))| near(event, own)).map(|(at, _)| at).collect()
    }

    fn score(&self, id: &str, fired: &[Fired], own: &[Own], without: &BTreeMap<usize, Vec<Fired>>) -> Score {
        let Question { from, to, events, luck, .. } = *self.question;
        let ours: Vec<&Fired> =
            fired.iter().filter(|f| f.rule == id && (from..=to).contains(&f.firing.day)).collect();
        let firings: Vec<Firing> = ours.iter().map(|f| f.firing.clone()).collect();
        let claims = self.question.rules.rule(id).map(|rule| speaks(rule, &self.question.framework));
        let case = Case {
            id,
            luck: luck.unwrap_or(id),
            range: (from, to),
            firings: &firings,
            claims: &claims.unwrap_or_default(),
            events,
        };
        score(&case, |firing, event| {
            let (fired, reference, own) = (ours.get(firing)?, events.get(event)?, own.get(event)?);
            if !knows(fired, own) {
                return Some(fired.firing.day);
            }
            // The same alert of the history without the event, the nearest to the one that knew it.
            let same = without.get(&event)?.iter().filter(|f| {
                f.firing.alert == fired.firing.alert
                    && f.firing.claim.covers(reference)
                    && within(f.firing.day, reference.day)
            });
            same.map(|f| f.firing.day).min_by_key(|day| (*day - fired.firing.day).num_days().abs())
        })
    }
}

/// Whether an alarm could know a fact that is the event.
fn knows(fired: &Fired, own: &Own) -> bool {
    own.known.is_some_and(|known| known <= fired.at)
}
