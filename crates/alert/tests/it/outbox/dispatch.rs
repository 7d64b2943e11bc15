//! What is due when: waits, rates, turns and ends, on a clock that only stands where it is put.

use std::time::Duration;

use bellwether_alert::outbox::{Attempt, Dispatch, Message, Outbox};
use bellwether_alert::receivers::{Answer, ReceiverSpec};
use bellwether_model::System;
use chrono::{DateTime, TimeDelta, Utc};

use super::{World, firing, minute, resolved, specs};

/// A program that runs over a world: what a restart forgets.
struct Running<'w> {
    world: &'w World,
    outbox: Outbox,
    dispatch: Dispatch,
}

impl<'w> Running<'w> {
    fn start(world: &'w World, text: &str) -> Self {
        Self::with(world, &specs(text), None)
    }

    fn with(world: &'w World, specs: &[ReceiverSpec], refresh: Option<Duration>) -> Self {
        let outbox = world.outbox();
        let dispatch = Dispatch::new(specs.iter().map(|spec| (spec, refresh)), &outbox);
        Self { world, outbox, dispatch }
    }

    /// One step of the clock: what was sent, answered by `answer`.
    fn at(&mut self, now: DateTime<Utc>, answer: impl Fn(&Attempt) -> Answer) -> Vec<String> {
        self.outbox = self.world.outbox();
        let attempts = self.dispatch.due(&self.outbox, now);
        assert!(self.dispatch.due(&self.outbox, now).is_empty(), "one attempt at a time");
        for attempt in &attempts {
            let delivery = self.dispatch.settle(attempt, answer(attempt), &self.outbox, now);
            if let Some(delivery) = delivery {
                self.world.clock.set(now);
                self.world.append(delivery.record());
            }
        }
        self.outbox = self.world.outbox();
        attempts.iter().map(name).collect()
    }

    fn next(&self) -> DateTime<Utc> {
        self.dispatch.next(&self.outbox).unwrap()
    }
}

fn name(attempt: &Attempt) -> String {
    match &attempt.message {
        Message::Letter(notification) => super::shown(notification),
        Message::Reminder(firing) => format!("{}: reminded of {}", attempt.receiver, firing.len()),
    }
}

fn taken(_: &Attempt) -> Answer {
    Answer::Taken("ok".into())
}

const ONE: &str = "[[receiver]]\nname = \"a\"\nkind = \"stdout\"\n";

#[test]
fn a_clock_that_is_set_back_does_not_lengthen_a_wait() {
    let world = World::new(&["a"]);
    world.steps(minute(1), &[("gap.x", firing()), ("gap.y", firing())]);
    let text = "[[receiver]]\nname = \"a\"\nkind = \"stdout\"\nrate = \"1/m\"\n";
    let day = TimeDelta::days(1);
    for answer in [Answer::failed("500"), Answer::away("gone")] {
        let mut running = Running::start(&world, text);
        // The clock ran a day ahead.
        assert_eq!(running.at(minute(1) + day, |_| answer.clone()).len(), 1);
        let back = minute(3);
        assert_eq!(running.at(back, |_| answer.clone()).len(), 0, "the rate holds for its minute");
        assert_eq!(running.at(minute(4), |_| answer.clone()).len(), 1, "and no longer");
        // A step of the clock that no one set is nothing.
        let tiny = minute(4) - TimeDelta::seconds(1);
        assert_eq!(running.at(tiny, |_| answer.clone()).len(), 0);
    }
}

#[test]
fn a_failure_waits_longer_each_time_and_success_ends_it() {
    let world = World::new(&["a"]);
    world.steps(minute(1), &[("gap.x", firing())]);
    let mut running = Running::start(&world, ONE);
    let mut now = minute(1);
    let mut waits = Vec::new();
    for _ in 0..12 {
        assert_eq!(running.at(now, |_| Answer::failed("500")), ["a: firing gap.x"]);
        let next = running.next();
        assert_eq!(running.at(next - TimeDelta::milliseconds(1), taken), [""; 0], "not before its time");
        waits.push((next - now).num_seconds());
        now = next;
    }
    assert!(waits[0] <= 5 && waits.windows(2).all(|pair| pair[0] <= pair[1] * 2), "{waits:?}");
    assert!(waits[11] >= 1800 && waits[11] <= 3600, "{waits:?}");
    assert_eq!(running.dispatch.health(&running.outbox, now)[0].failed, 12);
    assert_eq!(running.at(now, taken), ["a: firing gap.x"]);
    let health = running.dispatch.health(&running.outbox, now).remove(0);
    assert_eq!((health.queued, health.sent, health.dead, health.last_error), (0, 1, 0, None));
}

#[test]
fn retry_after_is_heeded_by_all_that_waits_for_the_receiver() {
    let world = World::new(&["a"]);
    world.steps(minute(1), &[("gap.x", firing()), ("breach.y", firing())]);
    let mut running = Running::start(&world, ONE);
    let busy = |_: &Attempt| Answer::Failed {
        why: "429".into(),
        retry_after: Some(Duration::from_secs(600)),
        away: true,
    };
    assert_eq!(running.at(minute(1), busy).len(), 1);
    assert_eq!(running.next(), minute(11));
    assert_eq!(running.at(minute(10), taken), [""; 0]);
    assert_eq!(running.at(minute(11), taken), ["a: firing breach.y"]);
    assert_eq!(running.at(minute(11), taken), ["a: firing gap.x"]);
}

#[test]
fn one_that_fails_holds_up_its_group_and_nothing_else() {
    let world = World::new(&["a", "b"]);
    world.steps(minute(1), &[("gap.x", firing())]);
    world.steps(minute(2), &[("gap.x", resolved())]);
    world.steps(minute(3), &[("breach.y", firing())]);
    let two = format!("{ONE}[[receiver]]\nname = \"b\"\nkind = \"stdout\"\n");
    let mut running = Running::start(&world, &two);
    let poison = |attempt: &Attempt| match name(attempt).as_str() {
        "a: firing gap.x" => Answer::failed("500"),
        _ => Answer::Taken("ok".into()),
    };
    let mut sent = Vec::new();
    let mut now = minute(3);
    for _ in 0..6 {
        sent.extend(running.at(now, poison));
        now += TimeDelta::seconds(1);
    }
    let count = |what: &str| sent.iter().filter(|name| *name == what).count();
    assert_eq!((count("a: firing breach.y"), count("b: firing breach.y")), (1, 1), "{sent:?}");
    assert_eq!((count("b: firing gap.x"), count("b: resolved gap.x")), (1, 1), "{sent:?}");
    assert_eq!(count("a: resolved gap.x"), 0, "not before its beginning: {sent:?}");
}

#[test]
fn a_refusal_is_a_dead_letter_and_so_is_what_is_too_old() {
    let world = World::new(&["a"]);
    world.steps(minute(1), &[("gap.x", firing())]);
    world.steps(minute(1), &[("breach.y", firing())]);
    let mut running = Running::start(&world, &format!("{ONE}give_up = \"1h\"\n"));
    let answer = |attempt: &Attempt| match name(attempt).as_str() {
        "a: firing gap.x" => Answer::Refused("answered 400 Bad Request".into()),
        _ => Answer::failed("answered 500"),
    };
    let mut now = minute(1);
    let mut attempts = 0;
    while running.outbox.waiting().count() > 0 {
        attempts += running.at(now, answer).len();
        now = running.dispatch.next(&running.outbox).unwrap_or(now).max(now);
        assert!(now < minute(200) && attempts < 100);
    }
    assert!(now >= minute(61), "{now}");
    let dead = running.outbox.list_dead();
    let why: Vec<&str> = dead.iter().map(|letter| letter.why.as_deref().unwrap()).collect();
    assert!(
        why[0].starts_with(
            "answered 400 Bad Request; not tried again: mend that, then `bellwether notify retry "
        )
    );
    assert!(why[1].starts_with("given up after ") && why[1].ends_with("answered 500"), "{why:?}");
    // By hand, it begins anew: its age counts from now on.
    world.clock.set(now);
    world.settle("a", dead[1].id, bellwether_alert::outbox::Outcome::Retry);
    running.at(now, answer);
    assert_eq!(running.outbox.waiting().count(), 1);
    let later = running.next();
    assert_eq!(running.at(later, taken), ["a: firing breach.y"]);
}

#[test]
fn after_a_long_pause_of_the_program_everything_is_tried_once_more() {
    let world = World::new(&["a"]);
    world.steps(minute(1), &[("gap.x", firing())]);
    let mut running = Running::start(&world, ONE);
    assert_eq!(running.at(minute(30 * 24 * 60), taken), ["a: firing gap.x"]);
}

#[test]
fn a_rate_holds_across_restarts() {
    let world = World::new(&["a"]);
    for n in 0..10 {
        world.steps(minute(1), &[(&format!("rule{n}.x"), firing())]);
    }
    let text = format!("{ONE}rate = \"3/h\"\n");
    let mut now = minute(1);
    let mut moments = Vec::new();
    let mut running = Running::start(&world, &text);
    while moments.len() < 10 {
        for _ in running.at(now, taken) {
            moments.push((now - minute(1)).num_minutes());
        }
        // Each delivery is followed by a restart.
        running = Running::start(&world, &text);
        now = running.dispatch.next(&running.outbox).unwrap_or(now).max(now);
    }
    assert_eq!(moments, [0, 0, 0, 20, 40, 60, 80, 100, 120, 140]);
}

#[test]
fn what_fires_is_reminded_of_until_it_ends() {
    let world = World::new(&["a"]);
    world.steps(minute(1), &[("gap.x", firing())]);
    let mut running = Running::with(&world, &specs(ONE), Some(Duration::from_secs(120)));
    assert_eq!(running.at(minute(1), taken), ["a: firing gap.x"]);
    assert_eq!(running.at(minute(1), taken), ["a: reminded of 1"]);
    assert_eq!(running.at(minute(2), taken), [""; 0]);
    assert_eq!(running.next(), minute(3));
    assert_eq!(running.at(minute(3), |_| Answer::away("gone")), ["a: reminded of 1"]);
    assert_eq!(running.at(minute(5), taken), ["a: reminded of 1"]);
    world.steps(minute(6), &[("gap.x", resolved())]);
    assert_eq!(running.at(minute(6), taken), ["a: resolved gap.x"]);
    assert_eq!(running.at(minute(9), taken), [""; 0]);
    assert_eq!(running.dispatch.next(&running.outbox), None);
}

#[test]
fn records_of_other_kinds_change_nothing() {
    let world = World::new(&["a"]);
    world.append(System { system: "checkpoint".into(), name: "feed".into(), data: serde_json::json!({}) });
    world.append(System {
        system: "alert".into(),
        name: "alert.x".into(),
        data: serde_json::json!({"odd": 1}),
    });
    world.append(System { system: "delivery".into(), name: "a".into(), data: serde_json::json!([]) });
    assert_eq!(world.waiting(), [""; 0]);
}
