//! Housekeeping: what keeps the disk bounded, in one task beside all other work. Once a day old keys are forgotten; each
//! hour, and when a segment of the log was closed, the log is kept within its bound and written anew in larger frames.
//! Each minute it is looked whether sled's snapshot has grown old.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::engine::Engine;
use super::{Mode, forgetting};
use crate::activity::now;
use crate::store::{Removed, Store, StoreError};

/// Names of the log's bound, and of writing it anew, in [`crate::activity::Activity::troubles`].
const PART: &str = "retention";
const RECOMPRESSING: &str = "recompressing";

/// How often it is looked whether there is something to do.
const LOOKED_AT: Duration = Duration::from_secs(3600);

/// How often while an output holds the log beyond its bound: what it lets go is wanted soon.
const HELD_LOOKED_AT: Duration = Duration::from_secs(2);

/// How often it is looked how old sled's snapshot is.
const SNAPSHOT_LOOKED_AT: Duration = Duration::from_secs(60);

/// Does what there is to do until it is stopped; for one pass at most once.
pub async fn run(engine: Arc<Engine>, mode: Mode, stop: CancellationToken) {
    let mut sealed = engine.store.sealed();
    let mut swept: Option<Instant> = None;
    // Writing anew, where it fails, is tried less and less often: each time it fills a disk that is nearly full.
    let (mut rewrite_at, mut rewrite_wait) = (Instant::now(), HELD_LOOKED_AT);
    loop {
        sealed.mark_unchanged();
        if swept.is_none_or(|at| at.elapsed() >= LOOKED_AT) {
            swept = Some(Instant::now());
            if let Err(error) = forgetting::sweep(&engine, &stop).await {
                tracing::warn!("old articles cannot be forgotten, it is tried again in an hour: {error}");
            }
        }
        let is_held = keep_within_bound(&engine, &stop).await;
        if Instant::now() >= rewrite_at {
            if write_anew(&engine, &stop).await {
                rewrite_wait = HELD_LOOKED_AT;
            } else {
                rewrite_at = Instant::now() + rewrite_wait;
                rewrite_wait = (rewrite_wait * 2).min(LOOKED_AT);
            }
        }
        if mode == Mode::Once {
            return;
        }
        let kept_at = Instant::now();
        let rewrite_in = rewrite_at.checked_duration_since(kept_at).unwrap_or(LOOKED_AT);
        let next = if is_held { HELD_LOOKED_AT } else { rewrite_in };
        while kept_at.elapsed() < next {
            tokio::select! {
                () = tokio::time::sleep(next.min(SNAPSHOT_LOOKED_AT)) => renew_snapshot(&engine).await,
                _ = sealed.changed() => break,
                () = stop.cancelled() => return,
            }
        }
    }
}

/// Lets a start after a kill be quick. What fails is opened again by whoever asks next, and told there.
async fn renew_snapshot(engine: &Arc<Engine>) {
    let started = Instant::now();
    if let Ok(true) = engine.apart(Store::renew_snapshot).await {
        tracing::info!("the key tables were written together, in {} ms", started.elapsed().as_millis());
    }
}

/// One pass over the log, when it is complete.
pub async fn keep_log(engine: &Arc<Engine>, stop: &CancellationToken) {
    keep_within_bound(engine, stop).await;
    write_anew(engine, stop).await;
}

/// Removes what is beyond the bound. Whether an output, or the disk, holds that up.
async fn keep_within_bound(engine: &Arc<Engine>, stop: &CancellationToken) -> bool {
    let (shared, stop) = (Arc::clone(engine), stop.clone());
    // What panics is told by the panic, and tried again.
    let trouble = match tokio::task::spawn_blocking(move || retain(&shared, || !stop.is_cancelled())).await {
        Ok(Ok(held)) => held,
        Ok(Err(error)) => Some(error.to_string()),
        Err(error) => Some(error.to_string()),
    };
    match &trouble {
        Some(reason) => {
            if engine.activity.trouble(PART, reason) {
                tracing::warn!("the log cannot be kept within its bound, it is tried again: {reason}");
            }
        }
        None => {
            if engine.activity.mended(PART) {
                tracing::info!("the log is within its bound again");
            }
        }
    }
    trouble.is_some()
}

/// Writes anew what was closed; whether it went through.
async fn write_anew(engine: &Arc<Engine>, stop: &CancellationToken) -> bool {
    let (shared, stop) = (Arc::clone(engine), stop.clone());
    let trouble = match tokio::task::spawn_blocking(move || recompress(&shared, || !stop.is_cancelled())).await {
        Ok(rewritten) => rewritten.err().map(|error| error.to_string()),
        Err(error) => Some(error.to_string()),
    };
    match &trouble {
        Some(reason) => {
            if engine.activity.trouble(RECOMPRESSING, reason) {
                tracing::warn!("the log cannot be written in larger frames, it is tried again: {reason}");
            }
        }
        None => drop(engine.activity.mended(RECOMPRESSING)),
    }
    trouble.is_none()
}

/// Removes what is beyond the bound; what an output holds up, in a sentence.
fn retain(engine: &Engine, go_on: impl Fn() -> bool) -> Result<Option<String>, StoreError> {
    let store = &engine.store;
    while go_on()
        && let Some(removed) = store.retain(now())?
    {
        tell(&removed);
    }
    Ok(store.log_held_by()?.map(|held| held.to_string()))
}

/// Writes anew what was closed.
fn recompress(engine: &Engine, go_on: impl Fn() -> bool) -> Result<(), StoreError> {
    while engine.active().settings.store.recompress
        && let Some(looked_at) = engine.store.recompress_next(&go_on)?
    {
        if let Some(rewritten) = looked_at.rewritten {
            tracing::info!(
                "the log from record {} on is written in larger frames: {} bytes instead of {}",
                looked_at.segment,
                rewritten.bytes_after,
                rewritten.bytes_before
            );
        }
    }
    Ok(())
}

fn tell(removed: &Removed) {
    let Removed { first, last, bytes, lost } = removed;
    tracing::info!("records {first} to {last} are removed from the log, {bytes} bytes: store.retain_*");
    for (output, records) in lost {
        tracing::warn!(
            %output,
            records,
            "output {output} has lost {records} records that it had not got, up to {last}: store.retain_past_cursors"
        );
    }
}
