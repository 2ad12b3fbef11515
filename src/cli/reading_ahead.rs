//! Lines of an answer, read ahead of whoever writes them: a person in a pager holds no place at the daemon.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::local_api::{AskError, Lines};

/// What is read ahead at most: some 3,000 articles, far more than a terminal is shown unless it asks for more.
const AHEAD_KIB_MAX: usize = 16 << 10;

/// Lines that have come, in order.
pub struct ReadAhead {
    lines: mpsc::UnboundedReceiver<(Result<String, AskError>, Option<OwnedSemaphorePermit>)>,
}

impl ReadAhead {
    /// Begins to read; what is not taken in the end is not asked for any longer.
    pub fn new(mut lines: Lines) -> Self {
        // Its bound is the room for what was read and not taken.
        let (sender, received) = mpsc::unbounded_channel();
        let room = Arc::new(Semaphore::new(AHEAD_KIB_MAX));
        tokio::spawn(async move {
            loop {
                let next = tokio::select! {
                    next = lines.next() => next,
                    () = sender.closed() => return,
                };
                let line = match next {
                    Ok(Some(line)) => line,
                    Ok(None) => return,
                    Err(error) => {
                        // A reader that has gone misses nothing.
                        let _ = sender.send((Err(error), None));
                        return;
                    }
                };
                let kib = u32::try_from((line.len() / 1024 + 1).min(AHEAD_KIB_MAX)).unwrap_or(u32::MAX);
                let place = Arc::clone(&room).acquire_many_owned(kib).await.ok();
                if sender.send((Ok(line), place)).is_err() {
                    return;
                }
            }
        });
        Self { lines: received }
    }

    /// The next line; `None` at the end.
    ///
    /// # Errors
    /// When the answer breaks off.
    pub async fn next(&mut self) -> Result<Option<String>, AskError> {
        // The place is given back with the line.
        self.lines.recv().await.map(|(line, _)| line).transpose()
    }
}
