//! What the log says is still to be told.

use bellwether_alert::Happening;
use bellwether_alert::outbox::{Outbox, Outcome};
use bellwether_store::EventLog;
use std::ops::ControlFlow;

use super::{World, firing, minute, resolved, step};

#[test]
fn steps_of_a_moment_with_one_group_are_one_notification_a_receiver() {
    let world = World::new(&["a", "b"]);
    world.steps(minute(1), &[("gap.x", firing()), ("gap.y", firing()), ("breach.z", firing())]);
    world.steps(minute(2), &[("gap.w", firing())]);
    assert_eq!(
        world.waiting(),
        [
            "a: firing gap.x, firing gap.y",
            "a: firing breach.z",
            "a: firing gap.w",
            "b: firing gap.x, firing gap.y",
            "b: firing breach.z",
            "b: firing gap.w",
        ]
    );
    let ids: Vec<_> = world.outbox().waiting().map(|letter| letter.notification.id).collect();
    assert_eq!(ids.iter().collect::<std::collections::BTreeSet<_>>().len(), 6);
}

#[test]
fn nothing_is_told_of_what_is_pending_lapsed_or_muted() {
    let world = World::new(&["a"]);
    world.steps(minute(1), &[("gap.x", Happening::Pending), ("gap.y", Happening::Lapsed)]);
    world.event(&bellwether_alert::AlertEvent {
        muted_by: vec!["silence.1".into()],
        ..step("gap.z", firing(), minute(1))
    });
    world.steps(minute(2), &[("gap.z", resolved())]);
    assert_eq!(world.waiting(), [""; 0]);
    // No longer muted, it is told, and so is its end.
    world.steps(minute(3), &[("gap.z", Happening::Unmuted)]);
    world.steps(minute(4), &[("gap.z", resolved())]);
    assert_eq!(world.waiting(), ["a: firing gap.z", "a: resolved gap.z"]);
}

#[test]
fn an_end_is_told_only_to_whom_the_beginning_is() {
    let world = World::new(&["a"]);
    world.steps(minute(1), &[("gap.x", firing())]);
    world.in_force(&["a", "late"]);
    world.steps(minute(2), &[("gap.x", resolved())]);
    assert_eq!(world.waiting(), ["a: firing gap.x", "a: resolved gap.x"]);
}

#[test]
fn an_end_keeps_the_group_and_the_labels_of_its_beginning() {
    let world = World::new(&["a"]);
    world.steps(minute(1), &[("gap.x", firing())]);
    let mut end = step("gap.x", resolved(), minute(2));
    end.group = vec!["rule=other".into()];
    end.labels.insert("team".into(), "new".into());
    world.event(&end);
    let outbox = world.outbox();
    let letters: Vec<_> = outbox.waiting().map(|letter| letter.notification.clone()).collect();
    assert_eq!(letters[0].group, letters[1].group);
    assert_eq!(letters[0].alerts[0].event.labels, letters[1].alerts[0].event.labels);
    // In one group the second waits for the first.
    assert_eq!(outbox.heads("a").count(), 1);
}

#[test]
fn a_receiver_that_is_new_gets_nothing_of_the_past_and_one_that_goes_loses_its_queue() {
    let world = World::new(&["a"]);
    world.steps(minute(1), &[("gap.x", firing())]);
    world.in_force(&["b"]);
    world.steps(minute(2), &[("gap.y", firing())]);
    assert_eq!(world.waiting(), ["b: firing gap.y"]);
    assert_eq!(world.dead(), ["a: firing gap.x"]);
    let listed = world.outbox().list_dead();
    assert_eq!(listed[0].why.as_deref(), Some("the receiver was removed"));
    // Gone, it cannot be retried; back, it begins anew and can.
    let dead = listed[0].id;
    world.settle("a", dead, Outcome::Retry);
    assert_eq!(world.dead().len(), 1);
    world.in_force(&["a", "b"]);
    world.steps(minute(3), &[("gap.x", resolved())]);
    assert_eq!(world.waiting(), ["b: firing gap.y"]);
    world.settle("a", dead, Outcome::Retry);
    assert_eq!(world.waiting(), ["a: firing gap.x", "b: firing gap.y"]);
}

#[test]
fn deliveries_take_out_dead_ones_are_listed_and_come_back() {
    let world = World::new(&["a"]);
    world.steps(minute(1), &[("gap.x", firing())]);
    world.steps(minute(2), &[("breach.y", firing())]);
    let (x, y) = (world.id(0), world.id(1));
    world.settle("a", x, Outcome::Delivered);
    world.settle("a", y, Outcome::Dead);
    assert_eq!((world.waiting().len(), world.dead()), (0, vec!["a: firing breach.y".to_owned()]));
    world.clock.set(minute(9));
    world.settle("a", y, Outcome::Retry);
    assert_eq!(world.dead().len(), 0);
    let listed = serde_json::to_value(world.outbox().list_waiting()).unwrap();
    assert_eq!(listed[0]["state"], "waiting");
    assert_eq!(listed[0]["since"], "2026-01-01T00:09:00Z");
    assert_eq!(listed[0]["alerts"][0], "alert.breach.y");
    assert_eq!(world.id(0), y, "the same id, whatever happened");
}

#[test]
fn an_end_whose_beginning_is_dead_is_dead_too_and_both_come_back() {
    // The end behind the beginning in the queue, and the end after the beginning was given up.
    for end_first in [true, false] {
        let world = World::new(&["a"]);
        world.steps(minute(1), &[("gap.x", firing())]);
        let begin = world.id(0);
        if end_first {
            world.steps(minute(2), &[("gap.x", resolved())]);
        }
        world.settle("a", begin, Outcome::Dead);
        if !end_first {
            world.steps(minute(2), &[("gap.x", resolved())]);
        }
        assert_eq!(world.dead(), ["a: firing gap.x", "a: resolved gap.x"], "{end_first}");
        let ids: Vec<_> = world.outbox().dead().map(|letter| letter.notification.id).collect();
        for id in ids {
            world.settle("a", id, Outcome::Retry);
            assert_eq!(world.waiting(), ["a: firing gap.x", "a: resolved gap.x"], "{end_first}");
        }
    }
}

#[test]
fn a_moment_stays_open_until_it_is_whole() {
    let world = World::new(&["a"]);
    world.steps(minute(1), &[("gap.x", firing()), ("gap.y", firing())]);
    let mut outbox = Outbox::default();
    let mut seqs = Vec::new();
    world
        .log
        .read(1, &mut |record| {
            outbox.fold(record);
            seqs.push(record.seq);
            outbox.close(2);
            ControlFlow::Continue(())
        })
        .unwrap();
    // Closed after its first step by mistake, it would be two; `close(2)` at sequence 3 says nothing about it.
    assert_eq!(seqs, [1, 2, 3]);
    assert_eq!(outbox.waiting().count(), 1, "the step at 2 was said to be whole");
    outbox.close(3);
    assert_eq!(outbox.waiting().count(), 2);
}

#[test]
fn routes_choose_by_severity_and_labels() {
    let text = r#"
        [[receiver]]
        name = "all"
        kind = "stdout"
        [[receiver]]
        name = "critical"
        kind = "stdout"
        match = { at_least = "critical" }
        [[receiver]]
        name = "exactly"
        kind = "stdout"
        match = { severity = ["info", "warning"] }
        [[receiver]]
        name = "money"
        kind = "stdout"
        match = { at_least = "warning", labels = { domain = ["economic", "financial"] } }
        [[receiver]]
        name = "off"
        enabled = false
        kind = "stdout"
    "#;
    let world = World::new(&[]);
    world.append(bellwether_alert::outbox::InForce::of(&super::specs(text)).record());
    world.steps(minute(1), &[("gap.x", firing())]);
    let mut other = step("breach.y", firing(), minute(2));
    other.severity = bellwether_alert::Severity::Critical;
    other.labels.insert("domain".into(), "military".into());
    world.event(&other);
    assert_eq!(
        world.waiting(),
        [
            "all: firing gap.x",
            "all: firing breach.y",
            "critical: firing breach.y",
            "exactly: firing gap.x",
            "money: firing gap.x"
        ]
    );
}

#[test]
fn r29_the_fold_is_the_same_in_one_go_and_record_by_record() {
    let world = World::new(&["a", "b"]);
    for n in 1..40 {
        let name = format!("gap.{}", n % 5);
        let what = if n / 5 % 2 == 0 { firing() } else { resolved() };
        world.steps(minute(n), &[(&name, what)]);
        if n % 3 == 0 {
            let id = world.id(0);
            world.settle("a", id, if n % 2 == 0 { Outcome::Delivered } else { Outcome::Dead });
        }
    }
    let whole = world.outbox();
    let mut pieces = Outbox::default();
    world
        .log
        .read(1, &mut |record| {
            pieces.fold(record);
            // Each moment here has one step: whole as soon as it is there.
            pieces.close(record.seq);
            ControlFlow::Continue(())
        })
        .unwrap();
    let list = |outbox: &Outbox| serde_json::to_string(&(outbox.list_waiting(), outbox.list_dead())).unwrap();
    assert_eq!(list(&whole), list(&pieces));
    assert!(whole.dead().count() > 0 && whole.waiting().count() > 10);
}

#[test]
fn two_evaluations_at_one_time_stay_two_when_replayed() {
    let world = World::new(&["a"]);
    world.steps(minute(1), &[("gap.x", firing()), ("gap.y", firing())]);
    let first = world.id(0);
    // Delivered, but written down only after a second evaluation at the same time.
    world.steps(minute(1), &[("gap.z", firing())]);
    world.settle("a", first, Outcome::Delivered);
    assert_eq!(world.waiting(), ["a: firing gap.z"]);
}
