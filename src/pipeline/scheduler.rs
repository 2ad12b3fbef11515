//! When each source is polled: a queue by due time, a bounded number of polls at once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;

use super::engine::{Active, Engine};
use super::polling;
use super::{CLOCK_LOOKED_AT, Mode};
use crate::model::{Pending, Source, SourceId};
use crate::poll::queue::Queue;
use crate::poll::schedule::Limits;
use crate::settings::limits_of;
use crate::store::SourceState;

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
    let mut looked_at = Timestamp::now();
    loop {
        let now = Timestamp::now();
        let was_set_back = Duration::try_from(looked_at.duration_since(now)).is_ok_and(|by| by > CLOCK_LOOKED_AT);
        if was_set_back && mode == Mode::Daemon {
            tracing::warn!("the clock was set back: all sources are planned anew");
            schedule.plan(&engine, mode);
        }
        looked_at = now;
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
                        schedule.poll_now(source);
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
    queue: Queue,
    polling: HashSet<SourceId>,
}

impl Schedule {
    /// Fills the queue from the settings in force and what the store knows of each source.
    fn plan(&mut self, engine: &Engine, mode: Mode) {
        let now = Timestamp::now();
        let active = engine.active();
        let settings = &active.settings;
        let idle = settings.sources.iter().filter(|source| !self.polling.contains(&source.id));
        self.queue = match mode {
            Mode::Daemon => {
                let planned = idle.filter_map(|source| {
                    let state = engine.store.source_state(&source.id).unwrap_or_default();
                    let due = due(source, &state.at(&source.url), limits_of(source, &settings.schedule), now)?;
                    Some((due, source.id.clone()))
                });
                Queue::planned(planned.collect(), now)
            }
            Mode::Once => {
                let mut queue = Queue::default();
                idle.for_each(|source| queue.put(source.id.clone(), now));
                queue
            }
        };
    }

    /// One that is being polled is polled now.
    fn poll_now(&mut self, source: SourceId) {
        if !self.polling.contains(&source) {
            self.queue.put(source, Timestamp::UNIX_EPOCH);
        }
    }

    fn take_due(&mut self, now: Timestamp) -> Option<SourceId> {
        let source = self.queue.take_due(now)?;
        self.polling.insert(source.clone());
        Some(source)
    }

    fn put_back(&mut self, source: SourceId, next: Option<Timestamp>, mode: Mode) {
        self.polling.remove(&source);
        if let (Mode::Daemon, Some(next)) = (mode, next) {
            self.queue.put(source, next);
        }
    }

    /// Until something is due; short enough to notice that the clock was set.
    fn wait(&self, now: Timestamp) -> Option<Duration> {
        let wait: Duration = self.queue.next_due()?.duration_since(now).try_into().unwrap_or_default();
        Some(wait.min(CLOCK_LOOKED_AT))
    }

    fn is_done(&self) -> bool {
        self.queue.is_empty() && self.polling.is_empty()
    }
}

/// When a source is due by what is known of it and the settings in force; `None` when it is gone.
fn due(source: &Source, state: &SourceState, limits: Limits, now: Timestamp) -> Option<Timestamp> {
    if state.is_gone() {
        return None;
    }
    let planned = state.next_poll.unwrap_or(Timestamp::UNIX_EPOCH);
    if state.last_poll.is_some_and(|last| last > now) {
        // The clock was wrong then, and so is the plan.
        return Some(now);
    }
    // A shorter interval counts at once; a failing source keeps its longer wait.
    let by_settings = state.last_success.filter(|_| state.failures == 0);
    Some(by_settings.map_or(planned, |last| planned.min(polling::habits(source, state, limits).after_answer(last))))
}
