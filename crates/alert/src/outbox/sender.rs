//! The task that sends.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bellwether_model::{Record, System};
use bellwether_store::{Append, Error, EventLog, StoreClock};
use chrono::{DateTime, Utc};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::{Attempt, Delivery, Dispatch, Health, InForce, Message, Outbox};
use crate::receivers::{Answer, Receiver, ReceiverSpec};

/// The log, as far as the sender needs it. Every [`EventLog`] is one.
pub trait Records: Send + Sync {
    /// Appends one system record; when it returns, the record is durable.
    ///
    /// # Errors
    /// As [`EventLog::append`].
    fn append(&self, record: System) -> Result<(), Error>;

    /// Visits the records from `from` on.
    ///
    /// # Errors
    /// As [`EventLog::read`].
    fn read(&self, from: u64, visit: &mut dyn FnMut(&Record)) -> Result<(), Error>;

    /// Follows the durable head.
    fn head(&self) -> watch::Receiver<u64>;
}

impl<L: EventLog> Records for L {
    fn append(&self, record: System) -> Result<(), Error> {
        EventLog::append(self, Append::systems(vec![record])).map(drop)
    }

    fn read(&self, from: u64, visit: &mut dyn FnMut(&Record)) -> Result<(), Error> {
        EventLog::read(self, from, &mut |record| {
            visit(record);
            ControlFlow::Continue(())
        })
    }

    fn head(&self) -> watch::Receiver<u64> {
        self.subscribe()
    }
}

/// Longest wait in one go: the clock may be set meanwhile.
const LONGEST: Duration = Duration::from_secs(300);
/// Wait after the log refused a record.
const REFUSED: Duration = Duration::from_secs(10);

/// Sends what waits in the outbox, and writes down what became of it.
pub struct Sender {
    records: Arc<dyn Records>,
    clock: Arc<dyn StoreClock>,
    receivers: BTreeMap<String, Arc<dyn Receiver>>,
    outbox: Outbox,
    dispatch: Dispatch,
    /// What could not be written yet.
    unwritten: Vec<Delivery>,
    health: watch::Sender<Vec<Health>>,
}

impl Sender {
    /// Reads the log and puts the receivers in force, with a record when they are others than before: whoever is new
    /// begins here. Steps of alerts are to be appended afterwards.
    ///
    /// # Errors
    /// Whatever the log gives.
    pub fn open(
        receivers: Vec<(ReceiverSpec, Arc<dyn Receiver>)>,
        records: Arc<dyn Records>,
        clock: Arc<dyn StoreClock>,
    ) -> Result<Self, Error> {
        let mut outbox = Outbox::default();
        catch_up(&mut outbox, &*records)?;
        if let Some(record) = outbox.change(&InForce::of(receivers.iter().map(|(spec, _)| spec))) {
            records.append(record)?;
            catch_up(&mut outbox, &*records)?;
        }
        let dispatch =
            Dispatch::new(receivers.iter().map(|(spec, receiver)| (spec, receiver.refresh())), &outbox);
        let health = watch::Sender::new(dispatch.health(&outbox, clock.now()));
        let receivers = receivers.into_iter().map(|(spec, receiver)| (spec.name, receiver)).collect();
        Ok(Self { records, clock, receivers, outbox, dispatch, unwritten: Vec::new(), health })
    }

    /// Follows how the receivers fare.
    pub fn health(&self) -> watch::Receiver<Vec<Health>> {
        self.health.subscribe()
    }

    /// Sends until `stop`, then waits for the attempts under way, which their time limits bound. `settled` is the
    /// sequence up to which every evaluation moment has all of its steps in the log.
    ///
    /// # Errors
    /// A log that cannot be read. One that refuses a record is asked again.
    pub async fn run(
        mut self,
        mut settled: watch::Receiver<u64>,
        stop: impl Future<Output = ()>,
    ) -> Result<(), Error> {
        let mut head = self.records.head();
        let mut under_way: JoinSet<(Attempt, Answer)> = JoinSet::new();
        let mut stop = pin!(stop);
        let (mut head_moves, mut more_settles) = (true, true);
        loop {
            let _ = head.borrow_and_update();
            let whole = *settled.borrow_and_update();
            self.write().await;
            catch_up(&mut self.outbox, &*self.records)?;
            self.outbox.close(whole);
            let now = self.clock.now();
            self.begin(&mut under_way, now);
            self.health.send_replace(self.dispatch.health(&self.outbox, now));
            let next = self
                .dispatch
                .next(&self.outbox)
                .map_or(LONGEST, |at| (at - now).to_std().unwrap_or_default());
            let wait = if self.unwritten.is_empty() { next } else { next.min(REFUSED) };
            tokio::select! {
                () = &mut stop => break,
                moved = head.changed(), if head_moves => head_moves = moved.is_ok(),
                more = settled.changed(), if more_settles => more_settles = more.is_ok(),
                Some(done) = under_way.join_next() => self.settle(done),
                () = sleep(wait.clamp(Duration::from_millis(1), LONGEST)) => {}
            }
        }
        while let Some(done) = under_way.join_next().await {
            self.settle(done);
        }
        self.write().await;
        Ok(())
    }

    /// Sends what is due now, to each receiver until it fails or nothing waits for it, and ends. No attempt begins later
    /// than `limit`. Answers how many notifications were delivered, and how the receivers fare.
    ///
    /// # Errors
    /// A log that cannot be read.
    pub async fn once(mut self, settled: u64, limit: Duration) -> Result<(u64, Vec<Health>), Error> {
        let sent = |health: &[Health]| health.iter().map(|h| h.sent).sum::<u64>();
        let before = sent(&self.dispatch.health(&self.outbox, self.clock.now()));
        let mut under_way = JoinSet::new();
        let mut late = pin!(sleep(limit));
        let mut may_begin = true;
        loop {
            self.write().await;
            catch_up(&mut self.outbox, &*self.records)?;
            self.outbox.close(settled);
            if may_begin {
                let now = self.clock.now();
                self.begin(&mut under_way, now);
            }
            tokio::select! {
                () = &mut late, if may_begin => may_begin = false,
                done = under_way.join_next() => match done {
                    Some(done) => self.settle(done),
                    None => break,
                },
            }
        }
        let health = self.dispatch.health(&self.outbox, self.clock.now());
        Ok((sent(&health).saturating_sub(before), health))
    }

    /// Begins the attempts that are due.
    fn begin(&mut self, under_way: &mut JoinSet<(Attempt, Answer)>, now: DateTime<Utc>) {
        for attempt in self.dispatch.due(&self.outbox, now) {
            if let Some(receiver) = self.receivers.get(&attempt.receiver) {
                under_way.spawn(carry(Arc::clone(receiver), attempt, now));
            }
        }
    }

    fn settle(&mut self, done: Result<(Attempt, Answer), tokio::task::JoinError>) {
        let Ok((attempt, answer)) = done else { return };
        match &answer {
            Answer::Taken(_) => tracing::debug!(receiver = %attempt.receiver, "sent"),
            Answer::Refused(why) | Answer::Failed { why, .. } => {
                tracing::warn!(receiver = %attempt.receiver, %why, "not sent");
            }
        }
        let now = self.clock.now();
        self.unwritten.extend(self.dispatch.settle(&attempt, answer, &self.outbox, now));
    }

    /// Writes down what was answered. What the log refuses is kept: it is not sent again, only written again.
    async fn write(&mut self) {
        for delivery in std::mem::take(&mut self.unwritten) {
            let (records, record) = (Arc::clone(&self.records), delivery.record());
            let written = tokio::task::spawn_blocking(move || records.append(record)).await;
            match written {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::warn!(receiver = %delivery.receiver, %error, "a delivery is not in the log yet");
                    self.unwritten.push(delivery);
                }
                Err(_) => self.unwritten.push(delivery),
            }
        }
    }
}

fn catch_up(outbox: &mut Outbox, records: &dyn Records) -> Result<(), Error> {
    records.read(outbox.seen() + 1, &mut |record| outbox.fold(record))
}

/// One attempt within its time; a panic in a receiver is a failure like any other.
async fn carry(receiver: Arc<dyn Receiver>, attempt: Attempt, now: DateTime<Utc>) -> (Attempt, Answer) {
    let (limit, message) = (attempt.timeout, attempt.message.clone());
    let sending = tokio::spawn(async move {
        let sending = async {
            match &message {
                Message::Letter(notification) => receiver.send(notification, now).await,
                Message::Reminder(firing) => receiver.remind(firing, now).await,
            }
        };
        timeout(limit, sending).await.unwrap_or_else(|_| Answer::away(format!("no answer within {limit:?}")))
    });
    let answer = sending.await.unwrap_or_else(|_| Answer::failed("a fault of the receiver's own code"));
    (attempt, answer)
}
