//! What waits for one receiver, what was given up, and of which alerts it has been told.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::records::{Named, Outcome};
use crate::receivers::Route;
use crate::{AlertEvent, Entry, Happening, Notification, Status};

/// Most moments of delivery that are kept for rate limits.
const RECENT: usize = 4096;

/// A notification that waits, or was given up.
#[derive(Clone, Debug, PartialEq)]
pub struct Letter {
    /// It.
    pub notification: Notification,
    /// Since when it waits: the log's time of its steps, or of the retry by hand.
    pub since: DateTime<Utc>,
    /// Why it was given up and when; `None` while it waits.
    pub dead: Option<(DateTime<Utc>, String)>,
    /// For each of its alerts, the place of the letter that told of its firing; `None` for a firing itself.
    answers: Vec<Option<u64>>,
}

/// An alert that a receiver was told of, or will be.
#[derive(Clone, Debug, PartialEq)]
struct Told {
    /// Place of the letter.
    place: u64,
    entry: Entry,
    delivered: bool,
}

/// One receiver. Letters have places: the sequence of their first step, so that order in a lane is log order.
#[derive(Clone, Debug, Default)]
pub(super) struct Lane {
    pub(super) kind: String,
    route: Route,
    pub(super) in_force: bool,
    pub(super) waiting: BTreeMap<u64, Letter>,
    pub(super) dead: BTreeMap<u64, Letter>,
    places: BTreeMap<Uuid, u64>,
    groups: BTreeMap<Vec<String>, BTreeSet<u64>>,
    told: BTreeMap<String, Told>,
    pub(super) delivered: u64,
    pub(super) recent: VecDeque<DateTime<Utc>>,
}

impl Lane {
    pub(super) fn put_in_force(&mut self, named: &Named) {
        self.kind.clone_from(&named.kind);
        self.route = named.route.clone();
        self.in_force = true;
    }

    /// Takes the receiver out of force: what waits is given up, and should it come back, it begins anew.
    pub(super) fn remove(&mut self, at: DateTime<Utc>) {
        self.in_force = false;
        for place in self.waiting.keys().copied().collect::<Vec<_>>() {
            self.bury(place, at, "the receiver was removed");
        }
        self.told.clear();
    }

    /// Whether a letter waits or was given up.
    pub(super) fn knows(&self, id: Uuid) -> bool {
        self.places.contains_key(&id)
    }

    /// The oldest letter of each group: the next to be sent, in log order.
    pub(super) fn heads(&self) -> impl Iterator<Item = &Letter> {
        let mut places: Vec<u64> = self.groups.values().filter_map(|all| all.first().copied()).collect();
        places.sort_unstable();
        places.into_iter().filter_map(|place| self.waiting.get(&place))
    }

    /// Alerts that fire as far as the receiver knows.
    pub(super) fn firing(&self) -> impl Iterator<Item = &Entry> {
        self.told.values().filter(|told| told.delivered).map(|told| &told.entry)
    }

    /// Letters of one moment, a group each.
    pub(super) fn take(
        &mut self,
        receiver: &str,
        steps: &[(u64, AlertEvent)],
        at: &str,
        recorded: DateTime<Utc>,
    ) {
        let mut groups: BTreeMap<Vec<String>, Vec<(Entry, Option<u64>)>> = BTreeMap::new();
        for (seq, event) in steps {
            if let Some((group, entry, answer)) = self.route(*seq, event) {
                groups.entry(group).or_default().push((entry, answer));
            }
        }
        for (group, parts) in groups {
            let (alerts, answers): (Vec<Entry>, Vec<Option<u64>>) = parts.into_iter().unzip();
            let Some(place) = alerts.first().map(|entry| entry.seq) else { continue };
            for entry in alerts.iter().filter(|entry| entry.status == Status::Firing) {
                let told = Told { place, entry: entry.clone(), delivered: false };
                self.told.insert(entry.event.alert.clone(), told);
            }
            let notification = Notification::new(receiver, &group, at, alerts);
            self.put(place, Letter { notification, since: recorded, dead: None, answers });
            self.bury_orphan(place, recorded);
        }
    }

    /// Group and entry of a step that is to be told, with the letter that it answers.
    fn route(&mut self, seq: u64, event: &AlertEvent) -> Option<(Vec<String>, Entry, Option<u64>)> {
        let muted = !event.muted_by.is_empty();
        match event.happening {
            Happening::Pending | Happening::Lapsed | Happening::Recovering | Happening::Relapsed => None,
            Happening::Firing | Happening::Unmuted => {
                let told = !muted && self.route.fits(event);
                told.then(|| {
                    (event.group.clone(), Entry { status: Status::Firing, seq, event: event.clone() }, None)
                })
            }
            Happening::Resolved { .. } => {
                let told = self.told.remove(&event.alert)?;
                if muted {
                    return None;
                }
                // Under the group and the labels of its firing, whatever the rule has become since: the same queue
                // keeps the order, and the receiver knows the alert by its labels.
                let (group, labels) = (told.entry.event.group, told.entry.event.labels);
                let event = AlertEvent { group: group.clone(), labels, ..event.clone() };
                Some((group, Entry { status: Status::Resolved, seq, event }, Some(told.place)))
            }
        }
    }

    /// What became of a letter.
    pub(super) fn settle(&mut self, id: Uuid, outcome: Outcome, answer: &str, at: DateTime<Utc>) {
        let Some(&place) = self.places.get(&id) else { return };
        match outcome {
            Outcome::Delivered => {
                self.lift(place);
                self.dead.remove(&place);
                self.places.remove(&id);
                self.delivered += 1;
                self.recent.push_back(at);
                if self.recent.len() > RECENT {
                    self.recent.pop_front();
                }
                for told in self.told.values_mut().filter(|told| told.place == place) {
                    told.delivered = true;
                }
            }
            Outcome::Dead => self.bury(place, at, answer),
            Outcome::Retry if self.in_force => {
                let answers = |letter: &Letter, to: u64| letter.answers.contains(&Some(to));
                let Some(asked) = self.dead.get(&place) else { return };
                let with = self.dead.iter().filter(|(other, letter)| {
                    **other == place || answers(letter, place) || answers(asked, **other)
                });
                for place in with.map(|(place, _)| *place).collect::<Vec<_>>() {
                    if let Some(letter) = self.dead.remove(&place) {
                        self.put(place, Letter { since: at, dead: None, ..letter });
                    }
                }
            }
            Outcome::Retry => {}
        }
    }

    fn put(&mut self, place: u64, letter: Letter) {
        self.places.insert(letter.notification.id, place);
        self.groups.entry(letter.notification.group.clone()).or_default().insert(place);
        self.waiting.insert(place, letter);
    }

    /// Takes a letter out of the queue.
    fn lift(&mut self, place: u64) -> Option<Letter> {
        let letter = self.waiting.remove(&place)?;
        let group = &letter.notification.group;
        if let Some(places) = self.groups.get_mut(group) {
            places.remove(&place);
            if places.is_empty() {
                self.groups.remove(group);
            }
        }
        Some(letter)
    }

    fn bury(&mut self, place: u64, at: DateTime<Utc>, why: &str) {
        let Some(letter) = self.lift(place) else { return };
        let later: Vec<u64> =
            self.groups.get(&letter.notification.group).into_iter().flatten().copied().collect();
        self.dead.insert(place, Letter { dead: Some((at, why.to_owned())), ..letter });
        for place in later {
            self.bury_orphan(place, at);
        }
    }

    /// Gives up a letter that only ends alerts of which the receiver was never told.
    fn bury_orphan(&mut self, place: u64, at: DateTime<Utc>) {
        let dead = |answer: &Option<u64>| answer.is_some_and(|firing| self.dead.contains_key(&firing));
        if self.waiting.get(&place).is_some_and(|letter| letter.answers.iter().all(dead)) {
            self.bury(place, at, "the notification of its firing was given up");
        }
    }
}
