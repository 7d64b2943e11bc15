//! The task that tells the receivers; a reload with other receivers starts it again.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bellwether_alert::outbox::Sender;
use bellwether_alert::receivers::{Output, Receiver, ReceiverSpec};
use bellwether_store::{Error, StoreClock};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::counted::Counted;

use super::Alerts;

/// Receivers that are told, and the task that does it.
pub(crate) struct Sending {
    specs: Vec<ReceiverSpec>,
    stop: Option<oneshot::Sender<()>>,
    tasks: Vec<JoinHandle<()>>,
}

/// What a task that sends needs.
#[derive(Clone)]
pub(crate) struct Post {
    pub(crate) alerts: Arc<Alerts>,
    pub(crate) log: Arc<Counted>,
    pub(crate) clock: Arc<dyn StoreClock>,
    /// Where relative paths of receivers start.
    pub(crate) folder: PathBuf,
    /// Where a receiver of kind `stdout` writes.
    pub(crate) output: Output,
}

impl Sending {
    /// Puts the receivers in force and starts telling them. A receiver that cannot be set up is left out, with a line in the
    /// log; what is for it waits.
    ///
    /// # Errors
    /// Whatever the log gives.
    pub(crate) async fn start(post: &Post, specs: &[ReceiverSpec]) -> Result<Self, Error> {
        let sender = open(post, specs).await?;
        let (stop, stopped) = oneshot::channel::<()>();
        let (mut health, seen) = (sender.health(), Arc::clone(&post.alerts));
        let settled = post.alerts.settled.subscribe();
        let watching = tokio::spawn(async move {
            loop {
                seen.health.send_replace(health.borrow_and_update().clone());
                if health.changed().await.is_err() {
                    return;
                }
            }
        });
        let sending = tokio::spawn(async move {
            let until = async {
                // A sender that is gone stops it too.
                let _ = stopped.await;
            };
            if let Err(error) = sender.run(settled, until).await {
                tracing::error!(%error, "telling the receivers has ended");
            }
        });
        Ok(Self { specs: specs.to_vec(), stop: Some(stop), tasks: vec![sending, watching] })
    }

    /// Starts again when the receivers are others.
    ///
    /// # Errors
    /// Whatever the log gives.
    pub(crate) async fn reload(&mut self, post: &Post, specs: &[ReceiverSpec]) -> Result<(), Error> {
        // One that could not be started again the last time is started now.
        if self.specs == specs && self.stop.is_some() {
            return Ok(());
        }
        self.stop().await;
        *self = Self::start(post, specs).await?;
        Ok(())
    }

    /// Ends it; attempts under way are waited for, their time limits bound that.
    pub(crate) async fn stop(&mut self) {
        drop(self.stop.take());
        for task in self.tasks.drain(..) {
            let _ = task.await;
        }
    }
}

/// The sender with these receivers in force.
async fn open(post: &Post, specs: &[ReceiverSpec]) -> Result<Sender, Error> {
    let enabled = specs.iter().filter(|spec| spec.enabled);
    let made: Vec<(ReceiverSpec, Arc<dyn Receiver>)> = enabled
        .filter_map(|spec| match spec.receiver(&post.folder, &post.output) {
            Ok(receiver) => Some((spec.clone(), receiver)),
            Err(problem) => {
                let problem = crate::text::one_line(&problem.to_string());
                tracing::error!(receiver = spec.name, problem, "a receiver cannot be told");
                None
            }
        })
        .collect();
    let (log, clock) = (Arc::clone(&post.log), Arc::clone(&post.clock));
    let opening = tokio::task::spawn_blocking(move || Sender::open(made, log, clock));
    opening.await.map_err(|_| Error::Closing)?
}

/// Receivers in force that are told what waits once.
pub(crate) struct Round {
    sender: Sender,
    limit: Duration,
}

impl Round {
    /// Puts the receivers in force: before the first step that they are to be told of.
    ///
    /// # Errors
    /// Whatever the log gives.
    pub(crate) async fn open(post: &Post, specs: &[ReceiverSpec]) -> Result<Self, Error> {
        // No attempt begins after the longest that one may take: the whole takes at most twice that.
        let limit =
            specs.iter().filter(|spec| spec.enabled).map(|spec| spec.timeout).max().unwrap_or_default();
        Ok(Self { sender: open(post, specs).await?, limit })
    }

    /// Tells them what waits; answers how many notifications were taken and how many wait still.
    ///
    /// # Errors
    /// Whatever the log gives.
    pub(crate) async fn tell(self, settled: u64) -> Result<(u64, u64), Error> {
        let (sent, health) = self.sender.once(settled, self.limit).await?;
        Ok((sent, health.iter().map(|h| h.queued).sum()))
    }
}
