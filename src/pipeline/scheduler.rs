//! When each source is polled: a queue by due time, a bounded number of polls at once.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Mode;
use super::engine::{Active, Engine};
use super::polling;
use crate::model::{Pending, SourceId};

/// Polls under way at once: a poll is mostly waiting, and one that hangs holds its place for `http.timeout`.
const POLLS_MAX: usize = 32;

/// Asked of the running pipeline.
pub enum Command {
    /// Polls a source now. Answers whether it is configured.
    Poll(SourceId, oneshot::Sender<bool>),
    /// Puts new settings and rules in force. Answers the error when they are not.
    Reload(Box<Active>, oneshot::Sender<Result<(), String>>),
    /// Takes an entry that came back from the dead letters.
    Lease(Box<Pending>),
}

/// Polls every source when it is due, until `stop`, or once.
pub async fn run(
    engine: Arc<Engine>,
    mode: Mode,
    mut commands: mpsc::Receiver<Command>,
    admitted: mpsc::Sender<Vec<Pending>>,
    stop: CancellationToken,
) {
    let mut schedule = Schedule::default();
    schedule.plan(&engine, mode);
    let mut polls = JoinSet::new();
    loop {
        while polls.len() < POLLS_MAX {
            let Some(source) = schedule.take_due(Timestamp::now()) else { break };
            polls.spawn(polling::poll_source(Arc::clone(&engine), source, admitted.clone()));
        }
        if mode == Mode::Once && schedule.is_done() {
            return;
        }
        let wait = schedule.wait(Timestamp::now()).filter(|_| polls.len() < POLLS_MAX);
        tokio::select! {
            () = stop.cancelled() => break,
            Some(polled) = polls.join_next(), if !polls.is_empty() => match polled {
                Ok((source, next)) => schedule.put_back(source, next, mode),
                Err(error) if error.is_panic() => {
                    tracing::error!(%error, "a poll panicked; every source is planned anew");
                    schedule.polling.clear();
                    schedule.plan(&engine, mode);
                }
                Err(_) => {}
            },
            Some(command) = commands.recv() => match command {
                Command::Poll(source, answer) => {
                    let is_known = engine.active().settings.source(&source).is_some();
                    if is_known {
                        schedule.queue.push(Reverse((Timestamp::UNIX_EPOCH, source)));
                    }
                    // The asker may have gone.
                    let _ = answer.send(is_known);
                }
                Command::Reload(active, answer) => {
                    let replaced = engine.replace(*active).map_err(|error| error.to_string());
                    schedule.plan(&engine, mode);
                    let _ = answer.send(replaced);
                }
                Command::Lease(pending) => {
                    // A closed dispatcher means stop; the entry is in the frontier already.
                    let _ = admitted.send(vec![*pending]).await;
                }
            },
            () = tokio::time::sleep(wait.unwrap_or_default()), if wait.is_some() => {}
        }
    }
    polls.shutdown().await;
}

#[derive(Default)]
struct Schedule {
    queue: BinaryHeap<Reverse<(Timestamp, SourceId)>>,
    polling: HashSet<SourceId>,
}

impl Schedule {
    /// Fills the queue from the settings in force and what the store knows of each source. A due time beyond the
    /// longest interval comes from a clock that was wrong: it is due now.
    fn plan(&mut self, engine: &Engine, mode: Mode) {
        self.queue.clear();
        let now = Timestamp::now();
        let settings = &engine.active().settings;
        let latest = now.checked_add(settings.schedule.max.0.mul_f64(2.0)).unwrap_or(Timestamp::MAX);
        for source in settings.sources.iter().filter(|source| !self.polling.contains(&source.id)) {
            let state = engine.store.source_state(&source.id).unwrap_or_default();
            // A source whose address was changed has not been polled yet.
            let planned = state.next_poll.filter(|_| state.polled_url.as_ref() == Some(&source.url));
            let due = match (mode, planned) {
                (Mode::Daemon, Some(due)) if due <= latest => due,
                _ => now,
            };
            self.queue.push(Reverse((due, source.id.clone())));
        }
    }

    fn take_due(&mut self, now: Timestamp) -> Option<SourceId> {
        while self.queue.peek().is_some_and(|Reverse((due, _))| *due <= now) {
            let Reverse((_, source)) = self.queue.pop()?;
            if self.polling.insert(source.clone()) {
                return Some(source);
            }
        }
        None
    }

    fn put_back(&mut self, source: SourceId, next: Option<Timestamp>, mode: Mode) {
        self.polling.remove(&source);
        if let (Mode::Daemon, Some(next)) = (mode, next) {
            self.queue.retain(|Reverse((_, queued))| *queued != source);
            self.queue.push(Reverse((next, source)));
        }
    }

    fn wait(&self, now: Timestamp) -> Option<std::time::Duration> {
        let Reverse((due, _)) = self.queue.peek()?;
        Some(due.duration_since(now).try_into().unwrap_or_default())
    }

    fn is_done(&self) -> bool {
        self.queue.is_empty() && self.polling.is_empty()
    }
}
