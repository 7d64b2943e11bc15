//! Whatever fails and whenever the program is restarted: everything is delivered, in order a group, under the ids of the fold.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_alert::outbox::{Dispatch, Message, Outbox};
use bellwether_alert::receivers::Answer;
use proptest::prelude::*;
use uuid::Uuid;

use super::{World, firing, minute, resolved, specs};

/// What happens next in a run.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// A moment with steps of some of six alerts in three groups, by bits.
    Moment(u8),
    /// An attempt falls due, and is answered so.
    Attempt(Fate),
    /// The program forgets everything but the log.
    Restart,
}

#[derive(Clone, Copy, Debug)]
enum Fate {
    Taken,
    Failed,
    Away,
    /// Taken, and the program ends before that is written down.
    TakenAndLost,
}

fn event() -> impl Strategy<Value = Event> {
    let fate = prop_oneof![Just(Fate::Taken), Just(Fate::Failed), Just(Fate::Away), Just(Fate::TakenAndLost)];
    prop_oneof![2 => (1_u8..64).prop_map(Event::Moment), 5 => fate.prop_map(Event::Attempt), 1 => Just(Event::Restart)]
}

const RECEIVERS: &str = "[[receiver]]\nname = \"a\"\nkind = \"stdout\"\ngive_up = \"365d\"\n[[receiver]]\nname = \"b\"\nkind = \"stdout\"\ngive_up = \"365d\"\n";

struct Run {
    world: World,
    dispatch: Dispatch,
    now: i64,
    open: BTreeSet<usize>,
    /// Everything that a receiver took, in order.
    got: Vec<(String, Vec<String>, Uuid)>,
}

impl Run {
    fn dispatch(world: &World) -> Dispatch {
        let specs = specs(RECEIVERS);
        Dispatch::new(specs.iter().map(|spec| (spec, None)), &world.outbox())
    }

    fn new() -> Self {
        let world = World::new(&["a", "b"]);
        let dispatch = Self::dispatch(&world);
        Self { world, dispatch, now: 1, open: BTreeSet::new(), got: Vec::new() }
    }

    fn moment(&mut self, bits: u8) {
        self.now += 1;
        let names: Vec<String> = (0..6).map(|n| format!("rule{}.{n}", n % 3)).collect();
        let mut steps = Vec::new();
        for n in (0..6).filter(|n| bits >> n & 1 == 1) {
            let was_open = !self.open.insert(n);
            if was_open {
                self.open.remove(&n);
            }
            steps.push((names[n].as_str(), if was_open { resolved() } else { firing() }));
        }
        self.world.steps(minute(self.now), &steps);
    }

    fn attempt(&mut self, fate: Fate) {
        let outbox = self.world.outbox();
        // To the minute, and past whatever was waited for.
        let at = self.dispatch.next(&outbox).map_or(0, |at| (at - minute(0)).num_minutes() + 1);
        self.now = self.now.max(at);
        let now = minute(self.now);
        self.world.clock.set(now);
        for attempt in self.dispatch.due(&outbox, now) {
            let Message::Letter(letter) = &attempt.message else { continue };
            let answer = match fate {
                Fate::Taken | Fate::TakenAndLost => {
                    self.got.push((attempt.receiver.clone(), letter.group.clone(), letter.id));
                    Answer::Taken("ok".into())
                }
                Fate::Failed => Answer::failed("500"),
                Fate::Away => Answer::away("gone"),
            };
            let delivery = self.dispatch.settle(&attempt, answer, &outbox, now);
            if let (Some(delivery), Fate::Taken) = (delivery, fate) {
                self.world.append(delivery.record());
            }
        }
        if matches!(fate, Fate::TakenAndLost) {
            self.dispatch = Self::dispatch(&self.world);
        }
    }
}

/// Ids of all notifications that a log makes, by receiver and group, in order: those of a run in which nothing is sent.
fn expected(world: &World) -> BTreeMap<(String, Vec<String>), Vec<Uuid>> {
    use bellwether_store::EventLog;
    let mut outbox = Outbox::default();
    world
        .log
        .read(1, &mut |record| {
            let delivery =
                matches!(&record.body, bellwether_model::Body::System(s) if s.system == "delivery");
            if !delivery {
                outbox.fold(record);
            }
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    outbox.close(u64::MAX);
    let mut all: BTreeMap<_, Vec<Uuid>> = BTreeMap::new();
    for letter in outbox.waiting() {
        let it = &letter.notification;
        all.entry((it.receiver.clone(), it.group.clone())).or_default().push(it.id);
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn r29_everything_arrives_in_order_under_its_one_id(events in prop::collection::vec(event(), 1..60)) {
        let mut run = Run::new();
        for event in events {
            match event {
                Event::Moment(bits) => run.moment(bits),
                Event::Attempt(fate) => run.attempt(fate),
                Event::Restart => run.dispatch = Run::dispatch(&run.world),
            }
        }
        // In the end the receivers are well.
        let mut left = 1000;
        while run.world.outbox().waiting().count() > 0 {
            run.attempt(Fate::Taken);
            left -= 1;
            prop_assert!(left > 0, "{:?}", run.world.waiting());
        }
        let mut got: BTreeMap<(String, Vec<String>), Vec<Uuid>> = BTreeMap::new();
        for (receiver, group, id) in run.got {
            let ids = got.entry((receiver, group)).or_default();
            // One that was taken and not acknowledged comes again, and nothing else of its group comes between.
            if ids.last() != Some(&id) {
                ids.push(id);
            }
        }
        prop_assert_eq!(got, expected(&run.world));
    }
}
