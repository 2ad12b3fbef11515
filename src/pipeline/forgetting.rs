//! Articles beyond `novelty.remember_max` are forgotten, in steps beside all other work.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::engine::Engine;
use crate::activity::now;
use crate::store::{Store, StoreError};

/// Rest between two steps, so that polls and commits come first: 5,000,000 articles are looked through in some minutes.
const REST: Duration = Duration::from_millis(20);

/// Sweeps when a day has come, until it is through or stopped.
///
/// # Errors
/// The store's; it is begun anew the next time.
pub async fn sweep(engine: &Arc<Engine>, stop: &CancellationToken) -> Result<(), StoreError> {
    let remember_max = engine.active().settings.novelty.remember_max;
    let Some(mut sweep) = engine.apart(move |store| store.sweep(remember_max, now())).await? else { return Ok(()) };
    loop {
        let step = move |store: &Store| store.sweep_on(&mut sweep).map(|has_more| (sweep, has_more));
        let has_more;
        (sweep, has_more) = engine.apart(step).await?;
        if !has_more {
            break;
        }
        tokio::select! {
            () = tokio::time::sleep(REST) => {}
            // What is half done is taken up at the next start.
            () = stop.cancelled() => return Ok(()),
        }
    }
    if sweep.forgotten() > 0 {
        tracing::info!(
            articles = sweep.forgotten(),
            "{} articles are forgotten: novelty.remember_max",
            sweep.forgotten()
        );
    }
    Ok(())
}
