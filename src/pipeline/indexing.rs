//! The search index as a consumer of the log. Its cursor is in its own commits, so it goes on where it is, whatever was
//! killed; what it has not got yet, questions look for in the log.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::engine::{Engine, INDEX_FOLDER};
use crate::model::{ArticleId, Seq};
use crate::record::Record;
use crate::search::index::{Index, IndexError};
use crate::store::{Finding, Place, Severity, Store, StoreError};

/// Name of the index in [`crate::activity::Activity::troubles`].
const PART: &str = "search index";

/// Lines that are made durable in the index together while it catches up.
const LINES_AT_ONCE: u64 = 5_000;

/// How long new lines are gathered, and how many at most: each commit of the index syncs a dozen files, and meanwhile
/// questions find these lines in the log.
const GATHERED: (Duration, u64) = (Duration::from_secs(15), 500);

/// How often it is tried again after a failure, the first and the longest wait.
const RETRY_WAIT: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));

/// Faults on the way from the log to the index.
#[derive(Debug, thiserror::Error)]
pub enum IndexingError {
    /// The index.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The log.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Keeps the index up with the log until that is complete.
pub async fn run(engine: Arc<Engine>, complete: CancellationToken, stop: CancellationToken) {
    let mut wait = RETRY_WAIT.0;
    let mut is_known = false;
    loop {
        let (shared, stopping) = (Arc::clone(&engine), stop.clone());
        let goes_on = move || !stopping.is_cancelled();
        let stepped = tokio::task::spawn_blocking(move || step(&shared, !is_known, goes_on)).await;
        match stepped {
            Ok(Ok(looked)) => {
                (is_known, wait) = (true, RETRY_WAIT.0);
                if engine.activity.mended(PART) {
                    tracing::info!("the search index is whole again");
                }
                let is_up = looked >= engine.store.last_seq();
                if stop.is_cancelled() || complete.is_cancelled() && is_up {
                    rest(&engine).await;
                    return;
                }
                gather(&engine, looked, &complete).await;
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

/// Waits until there are lines for a commit behind those that were looked at, or the index is to be made anew.
async fn gather(engine: &Engine, looked: Seq, complete: &CancellationToken) {
    let mut committed = engine.store.committed();
    let mut until: Option<Instant> = None;
    loop {
        let behind = engine.store.last_seq().0.saturating_sub(looked.0);
        if behind >= GATHERED.1 || engine.is_index_unwanted() {
            return;
        }
        if behind > 0 {
            until.get_or_insert_with(|| Instant::now() + GATHERED.0);
        }
        let deadline = until.unwrap_or_else(|| Instant::now() + RETRY_WAIT.1);
        tokio::select! {
            changed = committed.changed() => if changed.is_err() { return },
            () = tokio::time::sleep_until(deadline) => return,
            () = engine.index_is_unwanted() => return,
            () = complete.cancelled() => return,
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

/// Brings the index up to the log's end, and says which line that was. At a start it is looked through first, and made anew
/// where it is damaged.
fn step(engine: &Engine, is_first: bool, mut goes_on: impl FnMut() -> bool) -> Result<Seq, IndexingError> {
    let index = match engine.index().filter(|_| !is_first) {
        _ if engine.take_index_unwanted() => anew(engine, "that was asked for")?,
        Some(index) => index,
        None => open(engine)?,
    };
    catch_up(&engine.store, &index, &mut |_| goes_on())
}

/// Makes the index anew where no pipeline runs that does, and says which line it has reached; `tell` hears of it on the way,
/// and whether to go on is its answer.
///
/// # Errors
/// The log's or the index's.
pub fn reindex(engine: &Engine, tell: &mut dyn FnMut(Seq) -> bool) -> Result<Seq, IndexingError> {
    let index = anew(engine, "that was asked for")?;
    let done = catch_up(&engine.store, &index, tell)?;
    index.rest()?;
    Ok(done)
}

/// What is wrong with the index of a store's folder that nobody has open, or that has a daemon.
pub fn look(store: &Path) -> Option<Finding> {
    let folder = store.join(INDEX_FOLDER);
    let is_damaged = |index: &Index| index.is_damaged().unwrap_or(false);
    let what = match Index::open(&folder) {
        Ok(None) => return None,
        // A daemon that removes files at the moment is no damage.
        Ok(Some(index)) if is_damaged(&index) && is_damaged(&index) => {
            "files of the search index are damaged".to_owned()
        }
        Ok(Some(_)) => return None,
        Err(error) => error.to_string(),
    };
    Some(Finding {
        severity: Severity::Warning,
        part: Place::Index,
        what,
        file: Some(folder),
        byte: None,
        first_seq: None,
        last_seq: None,
        advice: "`chapar log reindex` makes it anew from the log; a daemon does so at its next start".to_owned(),
    })
}

fn open(engine: &Engine) -> Result<Arc<Index>, IndexingError> {
    let folder = engine.store.path().join(INDEX_FOLDER);
    let known = engine.index().map_or_else(|| Ok(Index::open(&folder)?.map(Arc::new)), |index| Ok(Some(index)));
    match known {
        Ok(None) if engine.store.last_seq() == Seq(0) => anew(engine, ""),
        Ok(None) => anew(engine, "there is none"),
        Ok(Some(index)) if !belongs(&index, &engine.store) => anew(engine, "the one there is of another log"),
        Ok(Some(index)) if index.is_damaged()? => anew(engine, "its files are damaged"),
        Ok(Some(index)) => {
            engine.set_index(Some(Arc::clone(&index)));
            Ok(index)
        }
        Err(IndexError::Io { path, source }) => Err(IndexError::Io { path, source }.into()),
        Err(error) => anew(engine, &error.to_string()),
    }
}

/// Makes an empty index; says why where there is something to be found.
fn anew(engine: &Engine, reason: &str) -> Result<Arc<Index>, IndexingError> {
    if !reason.is_empty() {
        tracing::warn!("the search index is made from the log, which is looked through meanwhile: {reason}");
    }
    engine.set_index(None);
    let index = Arc::new(Index::anew(&engine.store.path().join(INDEX_FOLDER))?);
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

fn catch_up(store: &Store, index: &Index, goes_on: &mut dyn FnMut(Seq) -> bool) -> Result<Seq, IndexingError> {
    let mut next = index.reached().map_or(Seq(1), |reached| reached.seq.next());
    let end = store.last_seq();
    let older = |seq| store.line(seq).ok().flatten().and_then(|line| record(&line).ok());
    let mut added: (u64, Option<(Seq, ArticleId)>) = (0, None);
    while next <= end && goes_on(Seq(next.0 - 1)) {
        let Some(frame) = store.frame_from(next)? else {
            // What is left is lost.
            next = end.next();
            break;
        };
        for (seq, line) in frame.lines().filter(|(seq, _)| *seq >= next) {
            // A line that this version cannot read is found by nobody.
            if let Ok(record) = record(line) {
                index.add(&record, older)?;
                added = (added.0 + 1, Some((seq, record.id)));
            }
        }
        next = frame.last.next();
        if added.0 >= LINES_AT_ONCE {
            commit(store, index, std::mem::take(&mut added).1)?;
        }
    }
    commit(store, index, added.1)?;
    Ok(Seq(next.0 - 1))
}

fn commit(store: &Store, index: &Index, reached: Option<(Seq, ArticleId)>) -> Result<(), IndexingError> {
    let Some(reached) = reached else { return Ok(()) };
    Ok(index.commit(reached, store.oldest_seq()?.unwrap_or(Seq(1)))?)
}
