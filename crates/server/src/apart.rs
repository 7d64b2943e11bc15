//! Work on a thread of its own, so that neither a panic nor a hang in it reaches anybody else.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::sync::oneshot;

use crate::text::one_line;

/// Why there is no result.
#[derive(Debug)]
pub(crate) enum Lost {
    /// The work panicked with this message.
    Panicked(String),
    /// The system gave no thread.
    NoThread(String),
}

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Lost::Panicked(what) => write!(f, "a fault of this program: {what}"),
            Lost::NoThread(what) => write!(f, "no thread to work on: {what}"),
        }
    }
}

/// Starts `work`; nobody waits for its thread, so dropping the receiver abandons it.
pub(crate) fn apart<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> oneshot::Receiver<Result<T, Lost>> {
    let (sender, receiver) = oneshot::channel();
    let sender = std::sync::Arc::new(std::sync::Mutex::new(Some(sender)));
    let answer = |sender: &std::sync::Mutex<Option<oneshot::Sender<_>>>, result| {
        let taken = sender.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(sender) = taken {
            // Whoever asked may have given up.
            let _ = sender.send(result);
        }
    };
    let theirs = std::sync::Arc::clone(&sender);
    // What the work holds is dropped with it; nothing of it is looked at after a panic.
    let body = move || {
        let result = catch_unwind(AssertUnwindSafe(work));
        answer(&theirs, result.map_err(|payload| Lost::Panicked(message(&*payload))));
    };
    if let Err(error) = std::thread::Builder::new().name(name.to_owned()).spawn(body) {
        answer(&sender, Err(Lost::NoThread(error.to_string())));
    }
    receiver
}

/// Waits for work that was started apart.
pub(crate) async fn finished<T>(receiver: &mut oneshot::Receiver<Result<T, Lost>>) -> Result<T, Lost> {
    receiver.await.unwrap_or_else(|_| Err(Lost::Panicked("the thread ended without an answer".to_owned())))
}

/// What a panic says about itself.
pub(crate) fn message(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a message".to_owned());
    one_line(&text)
}
