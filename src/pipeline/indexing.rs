//! The search index as a consumer of the log. Its cursor is in its own commits, so it goes on where it is, whatever was
//! killed; what it has not got yet, questions look for in the log.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::engine::{Engine, INDEX_FOLDER};
use crate::model::{ArticleId, Seq};
use crate::record::Record;
use crate::search::index::{Index, IndexError};
use crate::store::{Store, StoreError};

/// Name of the index in [`crate::activity::Activity::troubles`].
const PART: &str = "search index";

/// Lines that are made durable in the index together while it catches up.
const LINES_AT_ONCE: usize = 2_000;

/// How long new lines are gathered: each commit of the index is some files more, and questions find them in the log.
const GATHERED: Duration = Duration::from_secs(2);

/// How often it is tried again after a failure, the first and the longest wait.
const RETRY_WAIT: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));

/// Faults on the way from the log to the index.
#[derive(Debug, thiserror::Error)]
enum IndexingError {
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Keeps the index up with the log until that is complete.
pub async fn run(engine: Arc<Engine>, complete: CancellationToken, stop: CancellationToken) {
    let mut committed = engine.store.committed();
    let mut wait = RETRY_WAIT.0;
    let mut is_known = false;
    loop {
        committed.mark_unchanged();
        let (shared, stopping) = (Arc::clone(&engine), stop.clone());
        let stepped = tokio::task::spawn_blocking(move || step(&shared, !is_known, &|| stopping.is_cancelled())).await;
        match stepped {
            Ok(Ok(())) => {
                (is_known, wait) = (true, RETRY_WAIT.0);
                if engine.activity.mended(PART) {
                    tracing::info!("the search index is whole again");
                }
                if stop.is_cancelled() || complete.is_cancelled() && !matches!(committed.has_changed(), Ok(true)) {
                    rest(&engine).await;
                    return;
                }
                tokio::select! {
                    _ = committed.changed() => {}
                    () = complete.cancelled() => continue,
                }
                tokio::select! {
                    () = tokio::time::sleep(GATHERED) => {}
                    () = complete.cancelled() => {}
                }
            }
            failed => {
                let reason = failed.map_or_else(
                    |error| error.to_string(),
                    |failed| failed.err().map_or_else(String::new, |error| error.to_string()),
                );
                if engine.activity.trouble(PART, &reason) {
                    tracing::error!("the search index fails, questions look through the log meanwhile: {reason}");
                }
                // What was added and not committed is added again to an index that is opened anew.
                engine.set_index(None);
                is_known = false;
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = complete.cancelled() => return,
                }
                wait = (wait * 2).min(RETRY_WAIT.1);
            }
        }
    }
}

/// Lets tantivy end what it does in the background.
async fn rest(engine: &Engine) {
    let Some(index) = engine.index() else { return };
    if let Ok(Err(error)) = tokio::task::spawn_blocking(move || index.rest()).await {
        tracing::warn!("the search index could not end well, it goes on from its last commit: {error}");
    }
}

/// Brings the index up to the log's end. At a start it is looked through first, and made anew where it is damaged.
fn step(engine: &Engine, is_first: bool, is_stopping: &dyn Fn() -> bool) -> Result<(), IndexingError> {
    let index = match engine.index().filter(|_| !is_first) {
        Some(index) => index,
        None => open(engine)?,
    };
    catch_up(&engine.store, &index, is_stopping)
}

fn open(engine: &Engine) -> Result<Arc<Index>, IndexingError> {
    let folder = engine.store.path().join(INDEX_FOLDER);
    let known = engine.index().map_or_else(|| Ok(Index::open(&folder)?.map(Arc::new)), |index| Ok(Some(index)));
    let reason = match known {
        Ok(None) => None,
        Ok(Some(index)) if !belongs(&index, &engine.store) => Some("it is of another log".to_owned()),
        Ok(Some(index)) if index.is_damaged()? => Some("its files are damaged".to_owned()),
        Ok(Some(index)) => {
            engine.set_index(Some(Arc::clone(&index)));
            return Ok(index);
        }
        Err(IndexError::Io { path, source }) => return Err(IndexError::Io { path, source }.into()),
        Err(error) => Some(error.to_string()),
    };
    if let Some(reason) = reason {
        tracing::warn!("the search index is made anew from the log, which is looked through meanwhile: {reason}");
    }
    engine.set_index(None);
    let index = Arc::new(Index::anew(&folder)?);
    engine.set_index(Some(Arc::clone(&index)));
    Ok(index)
}

/// Whether an index was made of this log: the line that it ends with is the same.
pub(super) fn belongs(index: &Index, store: &Store) -> bool {
    let Some(reached) = index.reached() else { return true };
    match store.line(reached.seq) {
        _ if reached.seq > store.last_seq() => false,
        Ok(Some(line)) => record(&line).is_ok_and(|record| record.id == reached.id),
        // Removed from the log, lost, or not to be read now.
        Ok(None) | Err(_) => true,
    }
}

fn record(line: &str) -> Result<Record, StoreError> {
    serde_json::from_str(line).map_err(|error| StoreError::Row(error.to_string()))
}

fn catch_up(store: &Store, index: &Index, is_stopping: &dyn Fn() -> bool) -> Result<(), IndexingError> {
    let mut next = index.reached().map_or(Seq(1), |reached| reached.seq.next());
    let end = store.last_seq();
    let older = |seq| store.line(seq).ok().flatten().and_then(|line| record(&line).ok());
    let mut added: (usize, Option<(Seq, ArticleId)>) = (0, None);
    while next <= end && !is_stopping() {
        let Some(frame) = store.frame_from(next)? else { break };
        for (seq, line) in frame.lines().filter(|(seq, _)| *seq >= next) {
            // A line that this version cannot read is found by nobody.
            if let Ok(record) = record(line) {
                index.add(&record, older)?;
                added = (added.0 + 1, Some((seq, record.id)));
            }
        }
        next = frame.last.next();
        if added.0 >= LINES_AT_ONCE
            && let (_, Some(reached)) = std::mem::take(&mut added)
        {
            index.commit(reached, store.oldest_seq()?.unwrap_or(Seq(1)))?;
        }
    }
    if let Some(reached) = added.1 {
        index.commit(reached, store.oldest_seq()?.unwrap_or(Seq(1)))?;
    }
    Ok(())
}
