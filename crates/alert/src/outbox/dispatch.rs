//! What is due when: rate limits, waits after failures, and what is given up. No clock and no waiting: moments are
//! arguments, so that a day's outage is tested in no time.

use std::collections::BTreeMap;
use std::time::Duration;

use bellwether_model::{counted, format_moment};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::backoff::backoff;
use super::rate::Bucket;
use super::{Delivery, Letter, Outbox, Outcome};
use crate::receivers::{Answer, ReceiverSpec};
use crate::{Entry, Notification};

/// Something to send to one receiver.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// To whom.
    pub receiver: String,
    /// What.
    pub message: Message,
    /// How long it may take.
    pub timeout: Duration,
}

/// What is sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// A notification.
    Letter(Box<Notification>),
    /// What fires still, for a receiver that wants to be reminded.
    Reminder(Vec<Entry>),
}

/// How a receiver fares. Moments are RFC 3339.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Health {
    /// Receiver.
    pub receiver: String,
    /// Kind.
    pub kind: String,
    /// Notifications that wait.
    pub queued: u64,
    /// Notifications delivered, ever.
    pub sent: u64,
    /// Failed attempts since the program started.
    pub failed: u64,
    /// Dead letters.
    pub dead: u64,
    /// Since when the oldest one waits.
    pub oldest: Option<String>,
    /// Age of the oldest one in seconds.
    pub oldest_seconds: Option<u64>,
    /// The last failure, gone with the next success.
    pub last_error: Option<String>,
}

/// Decides what is sent next. What it knows beyond the [`Outbox`] may be lost at any moment: it is only about time.
#[derive(Debug)]
pub struct Dispatch {
    lines: BTreeMap<String, Line>,
    /// When it was last asked what is due.
    asked: DateTime<Utc>,
}

/// A clock that falls back by more than this was set.
const SET_BACK: TimeDelta = TimeDelta::minutes(1);

/// One receiver. It is sent one message at a time, so that order is kept whatever happens.
#[derive(Debug)]
struct Line {
    give_up: TimeDelta,
    timeout: Duration,
    bucket: Option<Bucket>,
    refresh: Option<TimeDelta>,
    next_refresh: DateTime<Utc>,
    busy: bool,
    /// The receiver as a whole is left alone until then, after so many failures of that kind in a row.
    away: Option<(DateTime<Utc>, u32)>,
    failing: BTreeMap<Uuid, Failing>,
    /// Answered and not yet taken out of the outbox, with the time since when they waited.
    settled: BTreeMap<Uuid, DateTime<Utc>>,
    failed: u64,
    last_error: Option<String>,
}

#[derive(Debug)]
struct Failing {
    attempts: u32,
    last: DateTime<Utc>,
    next: DateTime<Utc>,
}

impl Dispatch {
    /// For these receivers, each with how often it wants to be reminded. Rate limits go on from the deliveries in the log.
    pub fn new<'r>(
        receivers: impl IntoIterator<Item = (&'r ReceiverSpec, Option<Duration>)>,
        outbox: &Outbox,
    ) -> Self {
        let line = |(spec, refresh): (&ReceiverSpec, Option<Duration>)| {
            let mut bucket = spec.rate.map(Bucket::new);
            if let Some(bucket) = &mut bucket {
                outbox.recent(&spec.name).for_each(|at| bucket.take(at));
            }
            let line = Line {
                give_up: delta(spec.give_up),
                timeout: spec.timeout,
                bucket,
                refresh: refresh.map(delta),
                next_refresh: DateTime::<Utc>::MIN_UTC,
                busy: false,
                away: None,
                failing: BTreeMap::new(),
                settled: BTreeMap::new(),
                failed: 0,
                last_error: None,
            };
            (spec.name.clone(), line)
        };
        let lines = receivers.into_iter().filter(|(spec, _)| spec.enabled).map(line).collect();
        Self { lines, asked: DateTime::<Utc>::MIN_UTC }
    }

    /// What is to be sent now, at most one message a receiver; each is to be answered with [`Dispatch::settle`].
    pub fn due(&mut self, outbox: &Outbox, now: DateTime<Utc>) -> Vec<Attempt> {
        let mut attempts = Vec::new();
        let set_back = self.asked.signed_duration_since(now) > SET_BACK;
        self.asked = now;
        for (name, line) in &mut self.lines {
            if set_back {
                line.begin_anew(now);
            }
            if let Some(bucket) = &mut line.bucket {
                bucket.heed(now);
            }
            line.settled.retain(|id, since| {
                outbox.heads(name).any(|letter| letter.notification.id == *id && letter.since == *since)
            });
            if line.busy || line.away.is_some_and(|(until, _)| until > now) {
                continue;
            }
            let Some(message) = line.message(name, outbox, now) else { continue };
            line.busy = true;
            attempts.push(Attempt { receiver: name.clone(), message, timeout: line.timeout });
        }
        attempts
    }

    /// When the next message falls due, as things stand; `None` while nothing waits for its time.
    pub fn next(&self, outbox: &Outbox) -> Option<DateTime<Utc>> {
        let due = |(name, line): (&String, &Line)| {
            if line.busy {
                return None;
            }
            let reminder = line.refresh.and_then(|_| outbox.firing(name).next()).map(|_| line.next_refresh);
            let letters = line.open(name, outbox).map(|letter| {
                let ready = line.bucket.map_or(DateTime::<Utc>::MIN_UTC, |bucket| bucket.ready_at());
                line.failing.get(&letter.notification.id).map_or(ready, |failing| ready.max(failing.next))
            });
            let first = reminder.into_iter().chain(letters).min()?;
            Some(line.away.map_or(first, |(until, _)| first.max(until)))
        };
        self.lines.iter().filter_map(due).min()
    }

    /// Takes the answer to an attempt; what it settles is to be written into the log.
    pub fn settle(
        &mut self,
        attempt: &Attempt,
        answer: Answer,
        outbox: &Outbox,
        now: DateTime<Utc>,
    ) -> Option<Delivery> {
        let line = self.lines.get_mut(&attempt.receiver)?;
        line.busy = false;
        match &answer {
            Answer::Taken(_) => (line.away, line.last_error) = (None, None),
            Answer::Refused(why) => {
                line.away = None;
                line.fail(why);
            }
            Answer::Failed { why, retry_after, away } => {
                line.fail(why);
                if *away || retry_after.is_some() {
                    let failures = line.away.map_or(1, |(_, n)| n.saturating_add(1));
                    // A key for the jitter: receivers of one machine should not return together.
                    let key = Uuid::new_v5(&Uuid::nil(), attempt.receiver.as_bytes());
                    line.away = Some((now + delta(backoff(key, failures, *retry_after)), failures));
                }
            }
        }
        match &attempt.message {
            Message::Reminder(_) => {
                line.next_refresh = now + line.refresh.unwrap_or_default();
                None
            }
            Message::Letter(notification) => {
                let heads = outbox.heads(&attempt.receiver);
                let since = heads.filter(|l| l.notification.id == notification.id).map(|l| l.since).next();
                line.settle(notification, since, answer, now)
            }
        }
    }

    /// How each receiver fares.
    pub fn health(&self, outbox: &Outbox, now: DateTime<Utc>) -> Vec<Health> {
        let of = |(name, line): (&String, &Line)| {
            let lane = outbox.lanes.get(name);
            let oldest = lane.and_then(|lane| lane.waiting.values().map(|letter| letter.since).min());
            Health {
                receiver: name.clone(),
                kind: lane.map(|lane| lane.kind.clone()).unwrap_or_default(),
                queued: lane.map_or(0, |lane| lane.waiting.len() as u64),
                sent: lane.map_or(0, |lane| lane.delivered),
                failed: line.failed,
                dead: lane.map_or(0, |lane| lane.dead.len() as u64),
                oldest: oldest.map(format_moment),
                oldest_seconds: oldest.and_then(|at| u64::try_from((now - at).num_seconds()).ok()),
                last_error: line.last_error.clone(),
            }
        };
        self.lines.iter().map(of).collect()
    }
}

impl Line {
    /// Heads that have no answer yet.
    fn open<'o>(&self, name: &str, outbox: &'o Outbox) -> impl Iterator<Item = &'o Letter> {
        outbox.heads(name).filter(|letter| !self.settled.contains_key(&letter.notification.id))
    }

    /// A reminder first, for it holds up nothing; else, of the groups whose time has come, the one that was tried the
    /// longest time ago, so that one that fails takes turns with the others.
    fn message(&mut self, name: &str, outbox: &Outbox, now: DateTime<Utc>) -> Option<Message> {
        if self.refresh.is_some() && self.next_refresh <= now {
            let firing: Vec<Entry> = outbox.firing(name).cloned().collect();
            if !firing.is_empty() {
                return Some(Message::Reminder(firing));
            }
        }
        if self.bucket.is_some_and(|bucket| bucket.ready_at() > now) {
            return None;
        }
        let failing = |letter: &&Letter| self.failing.get(&letter.notification.id);
        let ready = self.open(name, outbox).filter(|letter| failing(letter).is_none_or(|f| f.next <= now));
        // The first of several minima: the oldest.
        let letter = ready.min_by_key(|letter| failing(letter).map(|failing| failing.last))?;
        if let Some(bucket) = &mut self.bucket {
            bucket.take(now);
        }
        Some(Message::Letter(Box::new(letter.notification.clone())))
    }

    /// Ends its waits: on a clock that was set back they would last as long as it had been wrong.
    fn begin_anew(&mut self, now: DateTime<Utc>) {
        self.away = None;
        self.next_refresh = self.next_refresh.min(now);
        for failing in self.failing.values_mut() {
            (failing.last, failing.next) = (failing.last.min(now), failing.next.min(now));
        }
    }

    fn fail(&mut self, why: &str) {
        self.failed += 1;
        self.last_error = Some(why.to_owned());
    }

    fn settle(
        &mut self,
        notification: &Notification,
        since: Option<DateTime<Utc>>,
        answer: Answer,
        now: DateTime<Utc>,
    ) -> Option<Delivery> {
        let id = notification.id;
        let attempts = self.failing.get(&id).map_or(0, |failing| failing.attempts).saturating_add(1);
        // One that is no longer in the outbox, its receiver removed for instance, is done with.
        let since = since?;
        let (outcome, answer) = match answer {
            Answer::Taken(what) => (Outcome::Delivered, what),
            Answer::Refused(why) => {
                let remedy = format!("mend that, then `bellwether notify retry {id}`, or --all");
                (Outcome::Dead, format!("{why}; not tried again: {remedy}"))
            }
            Answer::Failed { why, .. } if now - since >= self.give_up => (
                Outcome::Dead,
                format!("given up after {}; the last: {why}", counted(attempts, "attempt", "attempts")),
            ),
            Answer::Failed { retry_after, .. } => {
                let next = now + delta(backoff(id, attempts, retry_after));
                self.failing.insert(id, Failing { attempts, last: now, next });
                return None;
            }
        };
        self.failing.remove(&id);
        self.settled.insert(id, since);
        Some(Delivery { id, receiver: notification.receiver.clone(), outcome, answer, attempts })
    }
}

fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}
