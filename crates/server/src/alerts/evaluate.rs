//! The task that asks the rules: at every append and at every midnight at which something can change.

use std::sync::Arc;
use std::time::Duration;

use bellwether_alert::Desk;
use bellwether_store::Error;
use tokio::sync::watch;

use crate::Reads;
use crate::apart::{apart, finished};

use super::{AFTER_MIDNIGHT, Alerts};

/// Least wait for a moment that is said to have come: clocks differ.
const LEAST: Duration = Duration::from_millis(100);
/// The clock may be set while the task waits for a midnight.
const LONGEST: Duration = Duration::from_secs(300);
/// Wait after the log refused a record.
const REFUSED: Duration = Duration::from_secs(10);

/// Runs until `stop`.
pub(crate) async fn evaluate(alerts: Arc<Alerts>, reads: Arc<Reads>, mut stop: watch::Receiver<bool>) {
    let mut head = reads.log().subscribe();
    let mut configured = reads.configured_changed();
    loop {
        head.borrow_and_update();
        configured.borrow_and_update();
        let wait = once(&alerts, &reads).await;
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            moved = head.changed() => if moved.is_err() { return },
            _ = configured.changed() => {},
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// One look; answers how long the next may wait when nothing comes in.
async fn once(alerts: &Arc<Alerts>, reads: &Arc<Reads>) -> Duration {
    let (ours, theirs) = (Arc::clone(alerts), Arc::clone(reads));
    let mut work = apart("alerts", move || ours.ask(&theirs.configured(), theirs.now(), Desk::next_midnight));
    match finished(&mut work).await {
        Ok(Ok(Some(midnight))) => {
            let wait = (midnight + AFTER_MIDNIGHT - reads.now()).to_std().unwrap_or_default();
            wait.clamp(LEAST, LONGEST)
        }
        Ok(Ok(None)) => LONGEST,
        Ok(Err(Error::Closing)) => LONGEST,
        Ok(Err(error)) => {
            tracing::warn!(%error, "what happened to alerts is not in the log yet");
            REFUSED
        }
        Err(lost) => {
            tracing::error!(problem = %lost, "asking the rules failed; the alerts are read from the log again");
            REFUSED
        }
    }
}
