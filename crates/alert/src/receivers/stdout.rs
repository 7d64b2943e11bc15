//! The program's output: a line of JSON a notification, to the writer that the program hands over.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};

use super::{Answer, Receiver, Sending};
use crate::Notification;

/// Where a receiver of kind `stdout` writes.
pub type Output = Arc<Mutex<dyn Write + Send>>;

/// The program's output.
pub(super) struct Stdout {
    pub(super) output: Output,
}

impl Receiver for Stdout {
    fn send<'a>(&'a self, notification: &'a Notification, _now: DateTime<Utc>) -> Sending<'a> {
        Box::pin(async move {
            let Ok(mut line) = serde_json::to_vec(notification) else {
                return Answer::Refused("the notification does not serialise".into());
            };
            line.push(b'\n');
            let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
            match output.write_all(&line).and_then(|()| output.flush()) {
                Ok(()) => Answer::Taken("written".into()),
                Err(error) => Answer::away(format!("cannot be written: {error}")),
            }
        })
    }
}
