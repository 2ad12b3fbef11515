//! sled made anew: its rows copied into a fresh folder, which takes the place of the old one.
//!
//! | folders | found at a start | is |
//! |---|---|---|
//! | `sled`, `sled.copy` | killed while copying | `sled`; the copy goes, or is gone on with by the next compaction |
//! | `sled.old`, `sled.copy` | killed between the renames | `sled.copy`: it was whole, read back and synced before |
//! | `sled.old`, `sled` | killed while removing | `sled`; the old one goes |
//!
//! It is done while nobody else has the store: a daemon writes at any moment, and would have to hold all of its writers,
//! admissions of polls included, for as long as a restart takes.

use std::ops::Bound;
use std::path::Path;
use std::time::Duration;

use sled::{Batch, Db, IVec};

use super::caught::{Closing, calmly};
use super::errors::at;
use super::opening;
use super::segments::{sync_folder, sync_tree};
use super::{Store, StoreError, renewal, restore};
use crate::faults::{self, Point};

const COPY: &str = "sled.copy";
const OLD: &str = "sled.old";

/// Rows that are copied in one batch.
const BATCH_ROWS: usize = 1_000;

/// Bytes of rows that are copied in one batch: a row may hold a page's template.
const BATCH_BYTES: usize = 4 << 20;

/// The row of the copy that says of which state of sled it is. It goes before the copy is used.
const COPIED_FROM: &str = "copied-from";

/// Bytes of sled for a remembered article, with all that is kept for it, some months after it was made: measured by
/// `cargo bench --bench growing` (960 when just made, 7,800 after a year) and `--bench novelty`.
const ARTICLE_BYTES: u64 = 3_500;

/// So many times what is usual is worth a compaction.
const GROWN: u64 = 2;

/// Smaller tables are not worth one.
const BYTES_MIN: u64 = 256 << 20;

/// What compacting came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// Rows in all tables.
    pub rows: u64,
    /// Bytes on disk before.
    pub bytes_before: u64,
    /// Bytes on disk after.
    pub bytes_after: u64,
}

impl Store {
    /// Makes sled of the store in `path` anew, which nobody else may have open; `tell` hears of each row that was copied.
    /// Killed and asked again it goes on where it was, when nobody had the store meanwhile.
    ///
    /// # Errors
    /// [`StoreError::InUse`], a sled that cannot be read, the file system's; the store is as before then.
    pub fn compact(
        path: &Path,
        cache_bytes: u64,
        patience: Duration,
        tell: impl FnMut(u64),
    ) -> Result<Compacted, StoreError> {
        let _lock = opening::lock(path, patience)?;
        finish(path)?;
        renewal::finish(path)?;
        restore::check_whole(path)?;
        let (sled, copy) = (path.join("sled"), path.join(COPY));
        let bytes_before = bytes_of(&sled).map_err(at(&sled))?;
        // A full disk is not made fuller by what cannot be used.
        let rows = calmly(|| copy_rows(&sled, &copy, cache_bytes, tell)).inspect_err(|_| drop(remove_folder(&copy)))?;
        passes(Point::COMPACT_SYNC, path)?;
        sync_tree(&copy).and_then(|()| sync_folder(path)).map_err(at(&copy))?;
        passes(Point::COMPACT_COPIED, path)?;
        rename(&sled, &path.join(OLD))?;
        passes(Point::COMPACT_MOVED, path)?;
        finish(path)?;
        Ok(Compacted { rows, bytes_before, bytes_after: bytes_of(&sled).map_err(at(&sled))? })
    }

    /// Whether sled takes much more than is usual for what it remembers; of its size, see [`Store::sizes`].
    ///
    /// # Errors
    /// sled's.
    pub fn is_worth_compacting(&self, bytes: u64) -> Result<bool, StoreError> {
        Ok(bytes > BYTES_MIN.max(GROWN * ARTICLE_BYTES * self.remembered()?))
    }
}

/// Takes up what a kill left of the exchange of two folders. With sled in its place nothing is to be decided.
pub(super) fn finish(path: &Path) -> Result<(), StoreError> {
    let (sled, copy, old) = (path.join("sled"), path.join(COPY), path.join(OLD));
    if !old.exists() {
        return Ok(());
    }
    if !sled.exists() {
        rename(if copy.exists() { &copy } else { &old }, &sled)?;
        passes(Point::COMPACT_RENAMED, path)?;
    }
    remove_folder(&old)?;
    sync_folder(path).map_err(at(path))
}

/// Removes a copy that somebody who writes to sled makes worthless.
pub(super) fn remove_copy(path: &Path) -> Result<(), StoreError> {
    remove_folder(&path.join(COPY))
}

fn copy_rows(sled: &Path, copy: &Path, cache_bytes: u64, mut tell: impl FnMut(u64)) -> Result<u64, StoreError> {
    // Made by this, it would be an empty store.
    std::fs::metadata(sled).map_err(at(sled))?;
    let from = open(sled, cache_bytes)?;
    let meta = from.open_tree("meta")?;
    if !meta.contains_key("format")? {
        return Err(StoreError::Row("the format of the store".to_owned()));
    }
    let state = meta.get("opened_at")?.unwrap_or_default();
    let mut to = open(copy, cache_bytes)?;
    if to.get(COPIED_FROM)?.as_ref() != Some(&state) {
        drop(to);
        remove_folder(copy)?;
        to = open(copy, cache_bytes)?;
        to.insert(COPIED_FROM, state)?;
        to.flush()?;
    }
    let mut rows = 0;
    for name in names(&from) {
        rows += copy_tree(&from, &to, &name, &mut tell)?;
    }
    to.flush()?;
    passes(Point::COMPACT_CHECK, copy)?;
    for name in names(&from) {
        if !is_same(&from, &to, &name)? {
            return Err(StoreError::Row("a copy of a table is not as it is".to_owned()));
        }
    }
    to.remove(COPIED_FROM)?;
    to.flush()?;
    drop((meta, from, to));
    [sled, copy].into_iter().try_for_each(opening::wait_until_let_go)?;
    Ok(rows)
}

/// The tables, without the one that sled has by itself.
fn names(db: &Db) -> Vec<IVec> {
    let own = db.name();
    db.tree_names().into_iter().filter(|name| *name != own).collect()
}

/// Copies what is not yet copied of a table; rows are copied in their order, so that is what lies behind the last.
fn copy_tree(from: &Db, to: &Db, name: &IVec, tell: &mut impl FnMut(u64)) -> Result<u64, StoreError> {
    let (from, to) = (from.open_tree(name)?, to.open_tree(name)?);
    let mut rows = to.len() as u64;
    tell(rows);
    loop {
        let reached = to.last()?.map_or(Bound::Unbounded, |(key, _)| Bound::Excluded(key));
        let (mut batch, mut count, mut bytes) = (Batch::default(), 0, 0);
        for row in from.range::<IVec, _>((reached, Bound::Unbounded)).take(BATCH_ROWS) {
            let (key, value) = row?;
            (count, bytes) = (count + 1, bytes + key.len() + value.len());
            batch.insert(key, value);
            if bytes >= BATCH_BYTES {
                break;
            }
        }
        if count == 0 {
            return Ok(rows);
        }
        to.apply_batch(batch)?;
        to.flush()?;
        rows += count;
        tell(count);
        passes(Point::COMPACT_ROWS, Path::new(COPY))?;
    }
}

fn is_same(from: &Db, to: &Db, name: &IVec) -> Result<bool, StoreError> {
    let (from, to) = (from.open_tree(name)?, to.open_tree(name)?);
    let (mut rows, mut copies) = (from.iter(), to.iter());
    loop {
        match (rows.next().transpose()?, copies.next().transpose()?) {
            (None, None) => return Ok(true),
            (row, copy) if row == copy => {}
            _ => return Ok(false),
        }
    }
}

/// A damaged sled is not set aside here: it is told.
fn open(path: &Path, cache_bytes: u64) -> Result<Closing<Db>, StoreError> {
    calmly(|| Ok(Closing::new(opening::open_when_let_go(path, cache_bytes)?)))
}

fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    std::fs::rename(from, to).map_err(at(from))?;
    to.parent().map_or(Ok(()), sync_folder).map_err(at(to))
}

fn remove_folder(path: &Path) -> Result<(), StoreError> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(at(path)(error)),
        _ => Ok(()),
    }
}

/// Bytes of all files in a folder.
fn bytes_of(folder: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { bytes_of(&entry.path())? } else { metadata.len() };
    }
    Ok(bytes)
}

fn passes(point: Point, path: &Path) -> Result<(), StoreError> {
    faults::pass(point).map_err(at(path))
}

#[cfg(test)]
#[path = "compact_tests.rs"]
mod tests;
