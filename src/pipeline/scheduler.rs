//! When each source is polled: a queue by due time, a bounded number of polls at once.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;

use super::engine::{Active, Engine};
use super::polling;
use super::{CLOCK_LOOKED_AT, Mode};
use crate::model::{Pending, SourceId};
use crate::settings::interval_of;

/// Polls under way at once: a poll is mostly waiting, and one that hangs holds its place for `http.timeout`.
const POLLS_MAX: usize = 32;

/// Wait after a poll that panicked.
const PANIC_WAIT: Duration = Duration::from_secs(3600);

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
    let mut polled_by: HashMap<Id, SourceId> = HashMap::new();
    loop {
        while polls.len() < POLLS_MAX {
            let Some(source) = schedule.take_due(Timestamp::now()) else { break };
            let poll = polls.spawn(polling::poll_source(Arc::clone(&engine), source.clone(), admitted.clone()));
            polled_by.insert(poll.id(), source);
        }
        if mode == Mode::Once && schedule.is_done() {
            return;
        }
        let wait = schedule.wait(Timestamp::now()).filter(|_| polls.len() < POLLS_MAX);
        tokio::select! {
            () = stop.cancelled() => break,
            Some(polled) = polls.join_next_with_id(), if !polls.is_empty() => {
                let (id, next) = match polled {
                    Ok((id, next)) => (id, next),
                    Err(error) => {
                        tracing::error!("a poll ended early, please report it: {error}");
                        (error.id(), Timestamp::now().checked_add(PANIC_WAIT).ok())
                    }
                };
                if let Some(source) = polled_by.remove(&id) {
                    schedule.put_back(source, next, mode);
                }
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
    /// Later than any wait: a due time beyond it comes from a clock that was wrong.
    latest_wait: Duration,
    queue: BinaryHeap<Reverse<(Timestamp, SourceId)>>,
    polling: HashSet<SourceId>,
}

impl Schedule {
    /// Fills the queue from the settings in force and what the store knows of each source.
    fn plan(&mut self, engine: &Engine, mode: Mode) {
        self.queue.clear();
        let now = Timestamp::now();
        let active = engine.active();
        let settings = &active.settings;
        self.latest_wait = settings.schedule.max.0.max(PANIC_WAIT).mul_f64(2.0);
        for source in settings.sources.iter().filter(|source| !self.polling.contains(&source.id)) {
            let state = engine.store.source_state(&source.id).unwrap_or_default();
            // A source whose address was changed has not been polled yet.
            let planned = state.next_poll.filter(|_| state.polled_url.as_ref() == Some(&source.url));
            // A shorter interval counts at once; a failing source keeps its longer wait.
            let usual =
                state.last_success.and_then(|last| last.checked_add(interval_of(source, &settings.schedule)).ok());
            let due = match (mode, planned) {
                (Mode::Daemon, Some(due)) if state.failures == 0 => usual.map_or(due, |usual| usual.min(due)),
                (Mode::Daemon, Some(due)) => due,
                _ => now,
            };
            self.queue.push(Reverse((due, source.id.clone())));
        }
    }

    fn take_due(&mut self, now: Timestamp) -> Option<SourceId> {
        let latest = now.checked_add(self.latest_wait).unwrap_or(Timestamp::MAX);
        while self.queue.peek().is_some_and(|Reverse((due, _))| *due <= now || *due > latest) {
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

    /// Until something is due; short enough to notice that the clock was set.
    fn wait(&self, now: Timestamp) -> Option<Duration> {
        let Reverse((due, _)) = self.queue.peek()?;
        let wait: Duration = due.duration_since(now).try_into().unwrap_or_default();
        Some(wait.min(CLOCK_LOOKED_AT))
    }

    fn is_done(&self) -> bool {
        self.queue.is_empty() && self.polling.is_empty()
    }
}
