//! The search index as a consumer of the log. Its cursor is in its own commits, so it goes on where it is, whatever was
//! killed; what it has not got yet, questions look for in the log.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::engine::Engine;
use crate::model::Seq;
use crate::record::Record;
use crate::search::index::{Index, IndexError};
use crate::store::{Finding, INDEX_FOLDER, INDEX_IN_MAKING, Place, Severity, Store, StoreError, exchange_index};

/// Name of the index in [`crate::activity::Activity::troubles`].
pub const INDEX: &str = "search index";

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
    // It answers when it is looked through: a flipped bit makes it answer wrongly, and go on doing so.
    engine.set_index(None);
    let mut wait = RETRY_WAIT.0;
    loop {
        let (shared, stopping) = (Arc::clone(&engine), stop.clone());
        let goes_on = move || !stopping.is_cancelled();
        let stepped = tokio::task::spawn_blocking(move || step(&shared, goes_on)).await;
        match stepped {
            Ok(Ok(looked)) => {
                wait = RETRY_WAIT.0;
                if engine.activity.mended(INDEX) {
                    tracing::info!("the search index is whole again");
                }
                let is_up = looked >= engine.store.last_seq();
                if stop.is_cancelled() || complete.is_cancelled() && is_up {
                    end(engine, &stop).await;
                    return;
                }
                gather(&engine, looked, &complete).await;
            }
            failed => {
                if failed.is_err() {
                    // It panicked, and nobody knows what was added: what is committed is opened anew.
                    engine.set_index_in_making(None);
                    engine.set_index(None);
                }
                let reason = failed.map_or_else(
                    |error| error.to_string(),
                    |failed| failed.err().map_or_else(String::new, |error| error.to_string()),
                );
                if engine.activity.trouble(INDEX, &reason) {
                    tracing::error!("the search index fails, what it has not got is looked for in the log: {reason}");
                }
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = engine.index_is_unwanted() => {}
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

/// Lets tantivy end what it does in the background; not for a stop: it may take seconds, and is
/// done at the next start.
async fn end(engine: Arc<Engine>, stop: &CancellationToken) {
    let is_stopped = stop.is_cancelled();
    let ended = tokio::task::spawn_blocking(move || {
        let indexes = [engine.index_in_making(), engine.index()];
        indexes.iter().flatten().try_for_each(|index| if is_stopped { index.end() } else { index.rest() })
    });
    if let Ok(Err(error)) = ended.await {
        tracing::warn!("the search index could not end well, it goes on from its last commit: {error}");
    }
}

/// Brings the index up to the log's end, and says which line that was.
fn step(engine: &Engine, mut goes_on: impl FnMut() -> bool) -> Result<Seq, IndexingError> {
    let stepped = bring_up(engine, &mut |_| goes_on());
    if let Err(error) = &stepped {
        go_back(engine, error);
    }
    stepped
}

fn bring_up(engine: &Engine, goes_on: &mut dyn FnMut(Seq) -> bool) -> Result<Seq, IndexingError> {
    let index = match (engine.index_in_making(), engine.index()) {
        (Some(in_making), _) => in_making,
        (None, Some(index)) if !engine.is_index_unwanted() => index,
        (None, _) => open(engine)?,
    };
    let end = engine.store.last_seq();
    let looked = catch_up(&engine.store, &index, goes_on)?;
    if looked >= end && engine.index_in_making().is_some() {
        exchange(engine, &index)?;
    }
    Ok(looked)
}

/// After a failure: what was added and not committed is added again. What is committed answers on, unless it may be damaged:
/// then it is looked through first, or begun again.
fn go_back(engine: &Engine, error: &IndexingError) {
    let is_suspect = matches!(error, IndexingError::Index(error) if error.may_be_damage());
    let is_lost = |index: &Index| index.give_up_writing().is_err() || is_suspect;
    match (engine.index_in_making(), engine.index()) {
        (Some(in_making), _) if is_lost(&in_making) => engine.set_index_in_making(None),
        (None, Some(index)) if is_lost(&index) => engine.set_index(None),
        _ => {}
    }
}

/// Makes the index anew where no pipeline runs that does, and says which line it has reached; `tell` hears of it on the way,
/// and whether to go on is its answer. Not brought to its end, it goes on with the next pipeline.
///
/// # Errors
/// The log's or the index's.
pub fn reindex(engine: &Engine, tell: &mut dyn FnMut(Seq) -> bool) -> Result<Seq, IndexingError> {
    engine.ask_for_new_index();
    bring_up(engine, tell)
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

/// The index to go on with: the one there is, or one that is made to come in its place.
fn open(engine: &Engine) -> Result<Arc<Index>, IndexingError> {
    if let Some(failed) = engine.take_failed_index() {
        failed.rest()?;
    }
    if engine.is_index_unwanted() {
        return begin(engine, "that was asked for");
    }
    let there = look_through(&engine.store, INDEX_FOLDER);
    engine.set_index(there.as_ref().ok().cloned());
    // One that was being made when the program ended.
    if let Ok(in_making) = look_through(&engine.store, INDEX_IN_MAKING) {
        engine.set_index_in_making(Some(Arc::clone(&in_making)));
        return Ok(in_making);
    }
    there.or_else(|reason| begin(engine, &reason))
}

/// An index of the store, all of whose files are as they were written; or why it is not to be used.
fn look_through(store: &Store, folder: &str) -> Result<Arc<Index>, String> {
    let index = Index::open(&store.path().join(folder)).map_err(|error| error.to_string())?.ok_or("there is none")?;
    if !belongs(&index, store) {
        return Err("the one there is of another log".to_owned());
    }
    match index.is_damaged() {
        Ok(false) => Ok(Arc::new(index)),
        Ok(true) => Err("its files are damaged".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Begins an index beside the one there is, which answers until it is brought up.
fn begin(engine: &Engine, reason: &str) -> Result<Arc<Index>, IndexingError> {
    if engine.store.last_seq() > Seq(0) {
        tracing::warn!("the search index is made from the log: {reason}");
    }
    // Nothing is added to it any more.
    engine.index().map_or(Ok(()), |index| index.rest())?;
    let index = Arc::new(Index::anew(&engine.store.path().join(INDEX_IN_MAKING))?);
    engine.set_index_in_making(Some(Arc::clone(&index)));
    Ok(index)
}

/// Puts the index that was made in the place of the one there is.
fn exchange(engine: &Engine, made: &Index) -> Result<(), IndexingError> {
    // tantivy knows its folder by the name.
    made.rest()?;
    let store = engine.store.path();
    let there = exchange_index(store).map_err(IndexingError::from);
    let there = there.and_then(|()| Ok(Index::open(&store.join(INDEX_FOLDER))?.map(Arc::new)));
    // Where that failed, nobody knows whose files are in the folder.
    engine.set_index(there.as_ref().ok().cloned().flatten());
    there?;
    engine.set_index_in_making(None);
    engine.index_is_wanted();
    Ok(())
}

/// Whether an index was made of this log: the last line that it has is the same.
pub(super) fn belongs(index: &Index, store: &Store) -> bool {
    let Some(reached) = index.reached() else { return true };
    let Some((seq, id)) = reached.last.filter(|_| reached.seq <= store.last_seq()) else {
        return reached.seq <= store.last_seq();
    };
    match store.line(seq) {
        Ok(Some(line)) => record(&line).is_ok_and(|record| record.id == id),
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
    let (mut added, mut committed) = (0, next);
    while next <= end && goes_on(Seq(next.0 - 1)) {
        let Some(frame) = store.frame_from(next)? else {
            // What is left is lost.
            next = end.next();
            break;
        };
        for (_, line) in frame.lines().filter(|(seq, _)| *seq >= next) {
            // A line that this version cannot read is found by nobody.
            if let Ok(record) = record(line) {
                index.add(&record, older)?;
                added += 1;
            }
        }
        next = frame.last.next();
        if added >= LINES_AT_ONCE {
            commit(store, index, next)?;
            (added, committed) = (0, next);
        }
    }
    if next > committed {
        commit(store, index, next)?;
    }
    Ok(Seq(next.0 - 1))
}

/// Commits what was added of the lines before one.
fn commit(store: &Store, index: &Index, next: Seq) -> Result<(), IndexingError> {
    Ok(index.commit(Seq(next.0 - 1), store.oldest_seq()?.unwrap_or(Seq(1)))?)
}

#[cfg(test)]
#[path = "indexing/tests.rs"]
mod tests;
