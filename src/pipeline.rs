//! The topology: every task, every channel and its capacity; the only place where the stages meet.
//!
//! ```text
//!  scheduler --polls--> admission --admitted--> dispatcher --workers--> finished --> committer --> log
//!                                                                                                   |
//!                                                                       consumers, one per output <-+
//! ```
//! Every queue is bounded: when the disk is full the committer waits, `finished` fills, the workers wait, the
//! dispatcher stops leasing, the frontier reaches its limit, and polls are no longer admitted.

mod dispatcher;
mod engine;
mod polling;
mod scheduler;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::commit;
use crate::emit;

pub use engine::{Active, Engine, StartError};
pub use scheduler::Command;

/// Polls whose new entries wait for the dispatcher; it only files them, so a few are enough.
const ADMITTED_POLLS_MAX: usize = 16;

/// Articles that wait for the committer: more than one batch, so that it never waits for the workers.
const FINISHED_ENTRIES_MAX: usize = 64;

/// From the stop signal to the end, whatever is still under way; below systemd's and Docker's patience.
const STOP_DEADLINE: Duration = Duration::from_secs(8);

/// How long the pipeline runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Until it is stopped.
    Daemon,
    /// Polls every source once and drains.
    Once,
}

/// Runs the pipeline. Returns when it is drained ([`Mode::Once`]) or stopped, at the latest [`STOP_DEADLINE`] after
/// `stop`; what was in flight then is leased again at the next start.
pub async fn run(engine: Arc<Engine>, mode: Mode, commands: mpsc::Receiver<Command>, stop: CancellationToken) {
    let (admitted, admissions) = mpsc::channel(ADMITTED_POLLS_MAX);
    let (finished, finishings) = mpsc::channel(FINISHED_ENTRIES_MAX);
    let log_is_complete = CancellationToken::new();
    let store = &engine.store;
    let activity = &engine.activity;

    let scheduler = tokio::spawn(scheduler::run(Arc::clone(&engine), mode, commands, admitted, stop.clone()));
    let dispatcher = tokio::spawn(dispatcher::run(Arc::clone(&engine), admissions, finished, stop.clone()));
    let committer = tokio::spawn(commit::run(Arc::clone(store), finishings, Arc::clone(activity)));
    let mut consumers = JoinSet::new();
    for output in engine.active().settings.outputs.clone() {
        let (complete, closed) = (log_is_complete.clone(), stop.clone());
        consumers.spawn(emit::consume(Arc::clone(store), output, Arc::clone(activity), complete, closed));
    }

    // Each stage ends when the one before it has: its channel is closed then.
    let stages_in_order = async {
        for (stage, task) in [("scheduler", scheduler), ("dispatcher", dispatcher), ("committer", committer)] {
            if let Err(error) = task.await {
                tracing::error!(stage, %error, "a stage ended with a panic; stopping");
                stop.cancel();
            }
        }
        log_is_complete.cancel();
        while consumers.join_next().await.is_some() {}
    };
    let deadline = async {
        stop.cancelled().await;
        tokio::time::sleep(STOP_DEADLINE).await;
    };
    tokio::select! {
        () = stages_in_order => {}
        () = deadline => tracing::warn!("not everything ended in time; what was in flight is done at the next start"),
    }
}
