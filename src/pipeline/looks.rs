//! Second looks on schedule: those that are due enter the frontier in small batches, as announced entries do.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Mode;
use super::engine::Engine;
use super::polling::FRONTIER_SHARES;
use crate::activity::now;
use crate::model::Pending;
use crate::novelty::looks::{Schedule, Turn};
use crate::store::{FrontierLimits, LooksAdmitted, NextLook, StoreError};

/// Looks in one admission: one small transaction, so that it holds up neither polls nor commits.
const LOOKS_MAX: usize = 64;

/// Second looks may fill this part of the frontier, and of a source's share: announced entries find room beside them.
const FRONTIER_PART: u64 = 2;

/// How often due looks are looked for, which is one key of the store; no look is set closer than seconds.
const LOOKED_FOR: Duration = Duration::from_secs(1);

/// Name of this part in [`crate::activity::Activity::troubles`].
const PART: &str = "second looks";

/// Admits looks when they are due, until `stop`; or those that are due now.
pub async fn run(engine: Arc<Engine>, mode: Mode, admitted: mpsc::Sender<Vec<Pending>>, stop: CancellationToken) {
    // As the committer's, which plans the looks: [novelty] takes effect at the next start.
    let schedule = engine.active().settings.novelty.schedule();
    loop {
        let moved = match admit(&engine, schedule.clone()).await {
            Ok(done) => {
                if engine.activity.mended(PART) {
                    tracing::info!("second looks are admitted again");
                }
                if !done.admitted.is_empty() {
                    tracing::debug!(entries = done.admitted.len(), "to be looked at again");
                    // A closed dispatcher means stop; the entries are in the frontier.
                    let _ = admitted.send(done.admitted).await;
                }
                done.moved
            }
            Err(error) => {
                let reason = error.to_string();
                if engine.activity.trouble(PART, &reason) {
                    tracing::error!("second looks cannot be admitted, it is tried again: {reason}");
                }
                0
            }
        };
        if moved > 0 && !stop.is_cancelled() {
            continue;
        }
        if mode == Mode::Once {
            return;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOKED_FOR) => {}
        }
    }
}

async fn admit(engine: &Arc<Engine>, schedule: Schedule) -> Result<LooksAdmitted, StoreError> {
    let engine = Arc::clone(engine);
    let admission = tokio::task::spawn_blocking(move || {
        let active = engine.active();
        let settings = &active.settings;
        let now = now();
        let all = settings.store.frontier_max.div_ceil(FRONTIER_PART);
        let limits = FrontierLimits { all, of_source: all.div_ceil(FRONTIER_SHARES) };
        let turn = |next: &NextLook| {
            let NextLook { entry, second, due, is_planned } = next;
            if settings.source(&entry.source).is_none() {
                // It was taken out of the settings: its articles are looked at again when it announces them again.
                return Turn::Never;
            }
            match is_planned {
                true => schedule.turn(second.from, *due, now),
                false => schedule.turn_of_rebuilt(entry.announced.date_published.map(|date| date.at), *due, now),
            }
        };
        engine.store.admit_looks(now, schedule.latest(now), LOOKS_MAX, limits, turn)
    });
    admission.await.map_err(|error| StoreError::Row(error.to_string()))?
}
