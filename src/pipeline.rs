//! The topology: every task, every channel and its capacity; the only place where the stages meet.
//!
//! ```text
//!  scheduler --polls--> admission --admitted--> dispatcher --workers--> finished --> committer --> log
//!  looks --second looks---^                                                                         |
//!                                                                       consumers, one per output <-+
//! ```
//! Every queue is bounded: when the disk is full the committer waits, `finished` fills, the workers wait, the
//! dispatcher stops leasing, the frontier reaches its limit, and polls are no longer admitted.

mod dispatcher;
mod engine;
mod entries;
mod forgetting;
mod housekeeping;
mod indexing;
mod looks;
mod notices;
mod polling;
pub mod reclassify;
mod scheduler;
mod turns;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::commit::{self, Patience};
use crate::emit;

pub(crate) use engine::client_settings;
pub use engine::{Active, Engine, StartError};
pub(crate) use entries::entries_of;
pub use indexing::{look as look_at_index, reindex};
pub use scheduler::Command;

/// Polls whose new entries wait for the dispatcher; it only files them, so a few are enough.
const ADMITTED_POLLS_MAX: usize = 16;

/// Articles that wait for the committer: more than one batch, so that it never waits for the workers.
const FINISHED_ENTRIES_MAX: usize = 64;

/// From the stop signal to the end, whatever is still under way; below systemd's and Docker's patience.
const STOP_DEADLINE: Duration = Duration::from_secs(8);

/// How often `chapar once` tries a commit that the disk refuses, within some seconds: whoever started it wants to know.
const ONCE_COMMIT_ATTEMPTS: u32 = 3;

/// The queues hold times of the wall clock, which may be set: they look at it at least so often.
const CLOCK_LOOKED_AT: Duration = Duration::from_secs(60);

/// How long the pipeline runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Until it is stopped.
    Daemon,
    /// Polls every source once and drains.
    Once,
}

/// A stage of the pipeline panicked, and the others were stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {0} ended with a panic; nothing that was admitted is lost, please report it")]
pub struct StageFailed(&'static str);

/// Runs the pipeline. Returns when it is drained ([`Mode::Once`]) or stopped, at the latest [`STOP_DEADLINE`] after
/// `stop`; what was in flight then is leased again at the next start.
///
/// # Errors
/// When a stage panicked: `stop` is cancelled then, and the caller must end.
pub async fn run(
    engine: Arc<Engine>,
    mode: Mode,
    commands: mpsc::Receiver<Command>,
    stop: CancellationToken,
) -> Result<(), StageFailed> {
    engine.leave_alone_who_asked();
    let (admitted, admissions) = mpsc::channel(ADMITTED_POLLS_MAX);
    let (finished, finishings) = mpsc::channel(FINISHED_ENTRIES_MAX);
    engine.name_committer(finished.downgrade());
    let log_is_complete = CancellationToken::new();

    let looking = looks::run(Arc::clone(&engine), mode, admitted.clone(), stop.clone());
    let looks = tokio::spawn(stopping_all_on_panic(looking, stop.clone()));
    let scheduling = scheduler::run(Arc::clone(&engine), mode, commands, admitted, stop.clone());
    let scheduler = tokio::spawn(stopping_all_on_panic(scheduling, stop.clone()));
    let dispatching = dispatcher::run(Arc::clone(&engine), admissions, finished, stop.clone());
    let dispatcher = tokio::spawn(stopping_all_on_panic(dispatching, stop.clone()));
    let patience = match mode {
        Mode::Daemon => Patience::Endless,
        Mode::Once => Patience::Attempts(ONCE_COMMIT_ATTEMPTS),
    };
    let committer = committer(Arc::clone(&engine), finishings, patience, stop.clone());
    let mut consumers = JoinSet::new();
    let (store, http) = (Arc::clone(&engine.store), client_settings(&engine.active().settings.http));
    let surroundings = Arc::new(emit::Surroundings { store, http, stop: stop.clone() });
    for output in engine.active().settings.outputs.clone() {
        let (surroundings, activity) = (Arc::clone(&surroundings), Arc::clone(&engine.activity));
        let consuming = emit::consume(surroundings, output, activity, log_is_complete.clone());
        consumers.spawn(stopping_all_on_panic(consuming, stop.clone()));
    }

    let indexing = indexing::run(Arc::clone(&engine), log_is_complete.clone(), stop.clone());
    let indexing = tokio::spawn(stopping_all_on_panic(indexing, stop.clone()));
    let keeping = housekeeping::run(Arc::clone(&engine), mode, stop.clone());
    let housekeeping = tokio::spawn(stopping_all_on_panic(keeping, stop.clone()));

    // Each stage ends when the one before it has: its channel is closed then.
    let stages_in_order = async {
        let mut failed = None;
        let tasks =
            [("scheduler", scheduler), ("second looks", looks), ("dispatcher", dispatcher), ("committer", committer)];
        for (stage, task) in tasks {
            failed = failed.or(task.await.is_err().then_some(StageFailed(stage)));
        }
        log_is_complete.cancel();
        while let Some(ended) = consumers.join_next().await {
            failed = failed.or(ended.is_err().then_some(StageFailed("consumer of an output")));
        }
        failed = failed.or(indexing.await.is_err().then_some(StageFailed("search index")));
        failed = failed.or(housekeeping.await.is_err().then_some(StageFailed("housekeeping")));
        if mode == Mode::Once {
            // What was recorded and delivered just now may go, too.
            housekeeping::keep_log(&engine, &stop).await;
        }
        failed.map_or(Ok(()), Err)
    };
    let deadline = async {
        stop.cancelled().await;
        tokio::time::sleep(STOP_DEADLINE).await;
    };
    let ended = tokio::select! {
        ended = stages_in_order => ended,
        () = deadline => {
            tracing::warn!("not everything ended in time; what was in flight is done at the next start");
            Ok(())
        }
    };
    // Polls that brought nothing new were not flushed by a commit.
    let flushed = tokio::task::spawn_blocking(move || engine.store.flush()).await;
    if let Ok(Err(error)) = flushed {
        tracing::error!("the last flush failed; the store catches up from the log at the next start: {error}");
    }
    ended
}

/// A stage that panics must not leave the others working for nobody.
async fn stopping_all_on_panic(stage: impl Future<Output = ()>, stop: CancellationToken) {
    let guard = stop.drop_guard();
    stage.await;
    guard.disarm();
}

/// The committer on a thread of its own: it must not wait for a place among the readers.
fn committer(
    engine: Arc<Engine>,
    finishings: mpsc::Receiver<commit::Work>,
    patience: Patience,
    stop: CancellationToken,
) -> tokio::task::JoinHandle<()> {
    let (ended, end) = oneshot::channel();
    let work = move || {
        let guard = stop.drop_guard();
        commit::run(&engine.store, &engine.active().settings.novelty, finishings, &engine.activity, patience);
        guard.disarm();
        // Nobody waits any more after the deadline.
        let _ = ended.send(());
    };
    let started = std::thread::Builder::new().name("committer".to_owned()).spawn(work);
    tokio::spawn(async move {
        started.expect("a process that cannot start a thread cannot work");
        end.await.expect("the committer sends when it ends, unless it panicked");
    })
}
