//! The task that sends, on tokio's paused time: days pass at once, nothing sleeps.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bellwether_alert::Notification;
use bellwether_alert::outbox::{Health, Sender};
use bellwether_alert::receivers::{Answer, Receiver, ReceiverSpec, Sending};
use bellwether_store::{EventLog, Memory, StoreClock};
use chrono::{DateTime, Utc};
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use super::{World, firing, minute, resolved, specs};

/// The time of the paused runtime.
struct Paused(Instant);

impl StoreClock for Paused {
    fn now(&self) -> DateTime<Utc> {
        minute(10) + self.0.elapsed()
    }
}

/// A receiver that answers by a script, and remembers what it took.
struct Fake {
    script: Box<dyn Fn(usize) -> Option<Answer> + Send + Sync>,
    asked: watch::Sender<Vec<(DateTime<Utc>, String, uuid::Uuid)>>,
}

impl Receiver for Fake {
    fn send<'a>(&'a self, notification: &'a Notification, now: DateTime<Utc>) -> Sending<'a> {
        Box::pin(async move {
            let mut n = 0;
            self.asked.send_modify(|asked| {
                n = asked.len();
                asked.push((now, super::shown(notification), notification.id));
            });
            match (self.script)(n) {
                Some(answer) => answer,
                // It hangs.
                None => std::future::pending().await,
            }
        })
    }
}

fn fake(script: impl Fn(usize) -> Option<Answer> + Send + Sync + 'static) -> Arc<Fake> {
    Arc::new(Fake { script: Box::new(script), asked: watch::Sender::new(Vec::new()) })
}

fn ok() -> Option<Answer> {
    Some(Answer::Taken("ok".into()))
}

const ONE: &str = "[[receiver]]\nname = \"a\"\nkind = \"stdout\"\ntimeout = \"10s\"\n";

struct Task {
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<Result<(), bellwether_store::Error>>,
    health: watch::Receiver<Vec<Health>>,
}

fn start(log: &Arc<Memory>, receivers: Vec<(ReceiverSpec, Arc<dyn Receiver>)>) -> Task {
    let log = Arc::clone(log);
    let settled = log.subscribe();
    let sender = Sender::open(receivers, log, Arc::new(Paused(Instant::now()))).unwrap();
    let health = sender.health();
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(sender.run(settled, async { drop(stopped.await) }));
    Task { stop, task, health }
}

impl Task {
    async fn until(&mut self, reached: impl FnMut(&Vec<Health>) -> bool) -> Health {
        self.health.wait_for(reached).await.unwrap().first().cloned().unwrap()
    }

    async fn end(self) {
        drop(self.stop);
        self.task.await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn r29_a_receiver_that_is_down_a_day_gets_one_firing_and_one_resolved() {
    let world = World::new(&["a"]);
    let down = fake(|_| Some(Answer::away("connection refused")));
    let mut task = start(&world.log, vec![(specs(ONE).remove(0), Arc::clone(&down) as Arc<_>)]);
    world.steps(minute(1), &[("gap.x", firing())]);
    task.until(|health| health[0].failed >= 1).await;
    world.steps(minute(2), &[("gap.x", resolved())]);
    let day = Instant::now() + Duration::from_secs(86_400);
    tokio::time::sleep_until(day).await;
    let health = task.until(|health| health[0].queued == 2).await;
    assert!(health.failed > 20 && health.failed < 80, "{health:?}");
    assert_eq!(health.last_error.as_deref(), Some("connection refused"));
    task.end().await;

    // Restarted, with the receiver up again.
    let up = fake(|_| ok());
    let mut task = start(&world.log, vec![(specs(ONE).remove(0), Arc::clone(&up) as Arc<_>)]);
    let health = task.until(|health| health[0].queued == 0 && health[0].sent == 2).await;
    assert_eq!((health.dead, health.oldest), (0, None));
    task.end().await;
    let told = up.asked.borrow().clone();
    let names: Vec<&str> = told.iter().map(|(_, name, _)| name.as_str()).collect();
    assert_eq!(names, ["a: firing gap.x", "a: resolved gap.x"]);
    assert!(down.asked.borrow().iter().all(|(_, _, id)| *id == told[0].2), "the same id at each attempt");

    // Replayed or restarted once more, nothing is sent again.
    let again = fake(|_| ok());
    let mut task = start(&world.log, vec![(specs(ONE).remove(0), Arc::clone(&again) as Arc<_>)]);
    world.steps(minute(3), &[("gap.y", firing())]);
    task.until(|health| health[0].sent == 3).await;
    task.end().await;
    assert_eq!(again.asked.borrow().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_that_hangs_is_cut_off_and_holds_up_nobody_else() {
    let world = World::new(&["a", "b"]);
    let hangs = fake(|n| if n < 3 { None } else { ok() });
    let fine = fake(|_| ok());
    let two = specs(&format!("{ONE}{}", ONE.replace("\"a\"", "\"b\"")));
    let [a, b] = <[ReceiverSpec; 2]>::try_from(two).unwrap();
    let mut task =
        start(&world.log, vec![(a, Arc::clone(&hangs) as Arc<_>), (b, Arc::clone(&fine) as Arc<_>)]);
    let begun = Instant::now();
    world.steps(minute(1), &[("gap.x", firing())]);
    task.until(|health| health[1].sent == 1).await;
    assert!(begun.elapsed() < Duration::from_secs(10));
    let health = task.until(|health| health[0].sent == 1).await;
    assert!(begun.elapsed() >= Duration::from_secs(30), "three attempts were cut off after ten seconds each");
    assert_eq!(health.failed, 3);
    task.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_receiver_is_a_failure_like_any_other() {
    let world = World::new(&["a"]);
    let panics = fake(|n| if n == 0 { panic!("a fault") } else { ok() });
    let mut task = start(&world.log, vec![(specs(ONE).remove(0), Arc::clone(&panics) as Arc<_>)]);
    world.steps(minute(1), &[("gap.x", firing())]);
    let health = task.until(|health| health[0].sent == 1).await;
    assert_eq!(health.failed, 1);
    task.end().await;
}

#[tokio::test(start_paused = true)]
async fn receivers_are_put_in_force_once() {
    let world = World::new(&[]);
    let head = world.log.head();
    for _ in 0..3 {
        let task = start(&world.log, vec![(specs(ONE).remove(0), fake(|_| ok()))]);
        task.end().await;
    }
    assert_eq!(world.log.head(), head + 1, "a record when it changes, none when it does not");
}

#[tokio::test(start_paused = true)]
async fn what_the_log_refuses_is_written_later_and_not_sent_twice() {
    /// A log that refuses the first records of a delivery.
    struct Full(Arc<Memory>, Mutex<u32>);
    impl bellwether_alert::outbox::Records for Full {
        fn append(&self, record: bellwether_model::System) -> Result<(), bellwether_store::Error> {
            let mut left = self.1.lock().unwrap();
            if record.system == "delivery" && *left > 0 {
                *left -= 1;
                return Err(bellwether_store::Error::DiskFull { path: "log".into() });
            }
            bellwether_alert::outbox::Records::append(&*self.0, record)
        }
        fn read(
            &self,
            from: u64,
            visit: &mut dyn FnMut(&bellwether_model::Record),
        ) -> Result<(), bellwether_store::Error> {
            bellwether_alert::outbox::Records::read(&*self.0, from, visit)
        }
        fn head(&self) -> watch::Receiver<u64> {
            self.0.subscribe()
        }
    }
    let world = World::new(&["a"]);
    let fine = fake(|_| ok());
    let records = Arc::new(Full(Arc::clone(&world.log), Mutex::new(3)));
    let receivers: Vec<(ReceiverSpec, Arc<dyn Receiver>)> =
        vec![(specs(ONE).remove(0), Arc::clone(&fine) as Arc<_>)];
    let sender = Sender::open(receivers, records, Arc::new(Paused(Instant::now()))).unwrap();
    let mut health = sender.health();
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(sender.run(world.log.subscribe(), async { drop(stopped.await) }));
    world.steps(minute(1), &[("gap.x", firing())]);
    health.wait_for(|health| health[0].sent == 1).await.unwrap();
    drop(stop);
    task.await.unwrap().unwrap();
    assert_eq!(fine.asked.borrow().len(), 1);
}
