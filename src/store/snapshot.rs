//! sled's snapshot. sled writes one only when it is opened, and reads at its opening all that was written since the last
//! one: hence it is opened once more before a process that wrote much ends, and now and then while one runs.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::caught::{Closing, calmly};
use super::errors::at;
use super::tables::wait_for_others;
use super::{Store, StoreError, durability, opening};

/// Writes of sled's buffer, of up to 512 KiB each, that the next opening may just as well read: some 300 commits.
const WRITES_WITHOUT_SNAPSHOT: u64 = 1_000;

/// Writes after which it is written while the process goes on, so that a start after a kill stays below 3 s: some 40,000
/// of full commits took 7.7 s to read, at a million records.
const WRITES_UNTIL_REOPENED: u64 = 12_000;

/// How long those who ask at that moment are waited for: it can wait for the next minute, they need not.
const OTHERS_PATIENCE: Duration = Duration::from_millis(200);

/// So many times the present snapshot has to be free on the disk.
const SNAPSHOT_ROOM: u64 = 4;

impl Store {
    /// Closes the tables, and lets sled write its snapshot where so much was written that the next start is quicker by it.
    /// Tells whether one was written. For the end of a process: who asks the store later opens the tables again.
    ///
    /// # Errors
    /// sled's, also where somebody has still not let go of the tables. Nothing is lost by it, the next start takes longer.
    pub fn write_snapshot(&self) -> Result<bool, StoreError> {
        self.write_snapshot_after(WRITES_WITHOUT_SNAPSHOT)
    }

    /// The same in the midst of the work, after so many more writes: commits and questions wait meanwhile, about as long
    /// as the next start after a kill would take otherwise. Not while somebody asks; it can wait for the next time.
    ///
    /// # Errors
    /// sled's, of opening it; whoever asks next opens it again.
    pub fn renew_snapshot(&self) -> Result<bool, StoreError> {
        self.renew_snapshot_after(WRITES_UNTIL_REOPENED)
    }

    fn renew_snapshot_after(&self, writes: u64) -> Result<bool, StoreError> {
        if self.writes_since_snapshot() < writes {
            return Ok(false);
        }
        let mut end = self.lock_end();
        if !self.has_room_for_a_snapshot()? {
            return Ok(false);
        }
        let mut slot = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        let Some(tables) = slot.as_ref() else { return Ok(false) };
        wait_for_others(tables, OTHERS_PATIENCE);
        match slot.take_if(|tables| Arc::strong_count(tables) == 1) {
            None => return Ok(false),
            Some(tables) => calmly(|| Ok(tables.db.flush()?))?,
        };
        drop(slot);
        for notice in self.open_tables(&mut end, &mut |_| {})? {
            tracing::warn!("{notice}");
        }
        Ok(true)
    }

    /// sled writes a snapshot beside the old one, and does not open where there is no room for it: on a disk that is
    /// nearly full, tables that work are left alone.
    fn has_room_for_a_snapshot(&self) -> Result<bool, StoreError> {
        let sled = self.path.join("sled");
        let mut bytes = 0;
        for entry in std::fs::read_dir(&sled).map_err(at(&sled))? {
            let entry = entry.map_err(at(&sled))?;
            if entry.file_name().to_string_lossy().starts_with("snap.") {
                bytes += entry.metadata().map_err(at(&sled))?.len();
            }
        }
        let disk = rustix::fs::statvfs(&sled).map_err(|error| at(&sled)(error.into()))?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize) / SNAPSHOT_ROOM > bytes)
    }

    fn writes_since_snapshot(&self) -> u64 {
        durability::flush_calls() - self.writes_at_opening.load(Ordering::Relaxed)
    }

    fn write_snapshot_after(&self, writes: u64) -> Result<bool, StoreError> {
        if self.writes_since_snapshot() < writes {
            return Ok(false);
        }
        // A commit that the disk holds up does not hold up the end of the process.
        let Ok(_end) = self.end.try_lock() else { return Ok(false) };
        let mut slot = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        let Some(tables) = slot.take() else { return Ok(false) };
        calmly(|| Ok(tables.db.flush()?))?;
        drop(tables);
        calmly(|| {
            let opened = opening::open_when_let_go(&self.path.join("sled"), self.cache_bytes)?;
            drop(Closing::new(opened));
            Ok(())
        })?;
        opening::sync_what_sled_made(&self.path)?;
        Ok(true)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    use super::*;

    fn snapshot(store: &Path) -> Vec<u8> {
        let files = std::fs::read_dir(store.join("sled")).unwrap().map(|entry| entry.unwrap().path());
        let mut snapshots: Vec<_> =
            files.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("snap.")).collect();
        snapshots.pop().map(|path| std::fs::read(path).unwrap()).unwrap_or_default()
    }

    #[test]
    fn a_store_that_was_written_much_leaves_a_snapshot_and_can_still_be_asked() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), 1 << 20, 1 << 20, Duration::ZERO, None).unwrap();
        let before = snapshot(folder.path());
        store.ask(|tables| Ok(tables.templates.insert("a", "b").map(drop)?)).unwrap();
        assert!(!store.write_snapshot_after(u64::MAX).unwrap(), "too little was written");
        assert!(store.write_snapshot_after(0).unwrap());
        assert_ne!(snapshot(folder.path()), before);
        let row = store.ask(|tables| Ok(tables.templates.get("a")?)).unwrap();
        assert_eq!(row.as_deref(), Some(b"b".as_slice()), "the tables are opened again");
    }

    #[test]
    fn a_snapshot_is_written_while_others_go_on_but_not_under_their_hands() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), 1 << 20, 1 << 20, Duration::ZERO, None).unwrap();
        store.ask(|tables| Ok(tables.templates.insert("a", "b").map(drop)?)).unwrap();
        let before = snapshot(folder.path());
        assert!(!store.renew_snapshot_after(u64::MAX).unwrap(), "too little was written");
        let asked = store.tables().unwrap();
        assert!(!store.renew_snapshot_after(0).unwrap(), "somebody asks the tables");
        drop(asked);
        assert_eq!(snapshot(folder.path()), before);
        let reopened = store.reopened();
        assert!(store.renew_snapshot_after(0).unwrap());
        assert_ne!(snapshot(folder.path()), before);
        assert!(!reopened.has_changed().unwrap(), "nothing had failed");
        let row = store.ask(|tables| Ok(tables.templates.get("a")?)).unwrap();
        assert_eq!(row.as_deref(), Some(b"b".as_slice()));
    }
}
