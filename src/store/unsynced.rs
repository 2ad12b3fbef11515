//! What a sync that failed has left behind. The kernel has it in memory only, takes it for written, answers the next sync with
//! success, and forgets it when it needs the room (fsync(2), "Error handling"; <https://lwn.net/Articles/752063/>). So it is
//! written again before anything is built on it, to a new file: of the old one ext4 may have lost where its blocks are, and
//! writing to the same place again does not mend that (seen with blocks of 1 KiB).

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::errors::at;
use super::{StoreError, opening, sync_folder};
use crate::faults::{self, Point};

/// In the store's folder while sled's files have to be written again. It lies in the kernel's memory as they do, and outlives
/// the process as they do.
const MARK: &str = "sled-unsynced";

/// A file that is being written again; what a kill leaves of it is written over.
const COPY: &str = "sled-unsynced.copy";

/// What the disk must take before all is written again: a segment of sled's, which opening it needs, and a little more.
const TRIED_BYTES: usize = 1 << 20;

/// Written and synced at once: a disk that still fails is noticed before all is read.
const PART_BYTES: usize = 4 << 20;

/// Notes, as well as the disk lets it, that sled has failed in the hands of the file system: perhaps in a sync.
pub fn mark(store: &Path) {
    // Where it is refused, only the next process does not know.
    let _ = OpenOptions::new().create(true).append(true).open(store.join(MARK));
}

/// Writes sled's files again where it had failed, in this process or in one before. sled is not open.
///
/// # Errors
/// When the file system still refuses, or a thread of sled does not let go.
pub fn write_again(store: &Path) -> Result<(), StoreError> {
    let mark = store.join(MARK);
    let failed = |source| StoreError::Io { path: mark.clone(), source };
    if !mark.exists() {
        return Ok(());
    }
    let tried =
        File::create(&mark).and_then(|mut file| file.write_all(&[0; TRIED_BYTES]).and_then(|()| file.sync_all()));
    tried.map_err(failed)?;
    let sled = store.join("sled");
    if sled.join("db").exists() {
        let _nobody_writes = opening::hold(&sled)?;
        rewrite_below(&sled, &store.join(COPY))?;
        tracing::info!("sled had failed: its files are written and synced again");
    }
    faults::pass(Point::UNSYNCED_WRITTEN).and_then(|()| std::fs::remove_file(&mark)).map_err(failed)
}

/// sled has its files in one folder, and large values in one below.
fn rewrite_below(folder: &Path, copy: &Path) -> Result<(), StoreError> {
    let entries = std::fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    for path in entries.map_err(at(folder))?.iter().map(std::fs::DirEntry::path) {
        if path.is_dir() {
            rewrite_below(&path, copy)?;
        } else {
            rewrite(&path, copy).map_err(at(&path))?;
        }
    }
    sync_folder(folder).map_err(at(folder))
}

/// Puts a copy in the place of a file; where there is no room for one, writes to the same place.
fn rewrite(path: &Path, copy: &Path) -> io::Result<()> {
    match copy_to(&File::open(path)?, &File::create(copy)?) {
        Ok(()) => faults::pass(Point::UNSYNCED_COPIED).and_then(|()| std::fs::rename(copy, path)),
        Err(error) if error.kind() == io::ErrorKind::StorageFull => {
            std::fs::remove_file(copy)?;
            let file = OpenOptions::new().read(true).write(true).open(path)?;
            copy_to(&file, &file)
        }
        Err(error) => Err(error),
    }
}

fn copy_to(from: &File, to: &File) -> io::Result<()> {
    let mut part = vec![0; PART_BYTES];
    let mut at = 0;
    loop {
        let length = from.read_at(&mut part, at)?;
        if length == 0 {
            return to.sync_all();
        }
        to.write_all_at(&part[..length], at)?;
        to.sync_data()?;
        at += length as u64;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_synced_is_written_again_once_and_stays_what_it_is() {
        let store = tempfile::tempdir().unwrap();
        let db = store.path().join("sled/db");
        std::fs::create_dir_all(store.path().join("sled/blobs")).unwrap();
        let bytes: Vec<u8> = (0..PART_BYTES + 1_000).map(|number| number as u8).collect();
        std::fs::write(&db, &bytes).unwrap();
        let written = || std::fs::metadata(&db).unwrap().modified().unwrap();
        let before = written();
        write_again(store.path()).unwrap();
        assert_eq!(written(), before, "nothing had failed");
        std::fs::write(store.path().join(MARK), "").unwrap();
        write_again(store.path()).unwrap();
        let again = written();
        assert!(again > before);
        assert_eq!(std::fs::read(&db).unwrap(), bytes);
        write_again(store.path()).unwrap();
        assert_eq!(written(), again, "it is done");
    }
}
