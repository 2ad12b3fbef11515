//! Taking the store: the lock, sled and what can be wrong with it, the format.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use sled::Db;

use super::StoreError;

/// The file that is locked as long as a process has the store.
pub const LOCK_FILE: &str = "chapar.lock";

/// How often, and how long each time, is waited for the threads of a closed sled: 2 seconds in all.
const LET_GO_TRIES: u32 = 100;
const LET_GO_WAIT: Duration = Duration::from_millis(20);

/// Takes the lock file, which names the owner's process id for others.
pub fn lock(folder: &Path, patience: Duration) -> Result<File, StoreError> {
    let path = folder.join(LOCK_FILE);
    let failed = |source| StoreError::Io { path: path.clone(), source };
    let open = || OpenOptions::new().create(true).read(true).write(true).truncate(false).open(&path).map_err(failed);
    let mut file = open()?;
    let deadline = Instant::now() + patience;
    loop {
        match file.try_lock() {
            Ok(()) if is_at(&file, &path) => break,
            // A restore that failed took its file away.
            Ok(()) => file = open()?,
            Err(std::fs::TryLockError::WouldBlock) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(50));
            }
            Err(std::fs::TryLockError::WouldBlock) => {
                let owner = std::fs::read_to_string(&path).unwrap_or_default().trim().to_owned();
                return Err(StoreError::InUse { path: folder.to_owned(), owner });
            }
            Err(std::fs::TryLockError::Error(source)) => return Err(failed(source)),
        }
    }
    file.set_len(0).map_err(failed)?;
    writeln!(file, "{}", std::process::id()).map_err(failed)?;
    Ok(file)
}

/// Whether a file that is open is the one of this name.
fn is_at(file: &File, path: &Path) -> bool {
    let identity = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    let there = std::fs::metadata(path).map(identity).ok();
    there.is_some() && there == file.metadata().map(identity).ok()
}

/// Makes sled's files final: the tables are closed, and nothing of this process writes to them any more.
pub fn close_sled(db: Db, path: &Path) -> Result<(), StoreError> {
    db.flush()?;
    drop(db);
    wait_until_let_go(path)
}

/// The same for tables that were closed elsewhere.
pub fn wait_until_let_go(path: &Path) -> Result<(), StoreError> {
    hold(path).map(drop)
}

/// Takes sled's own lock, when the last of its threads has let go; it is held as long as the file is.
pub fn hold(path: &Path) -> Result<File, StoreError> {
    let failed = |source| StoreError::Io { path: path.to_owned(), source };
    // sled holds this lock until its last thread has let go.
    let file = File::open(path.join("db")).map_err(failed)?;
    let mut locked = file.try_lock();
    for _ in 0..LET_GO_TRIES {
        match locked {
            Err(std::fs::TryLockError::WouldBlock) => std::thread::sleep(LET_GO_WAIT),
            _ => break,
        }
        locked = file.try_lock();
    }
    locked.map_err(|error| failed(error.into())).map(|()| file)
}

/// Our own lock is taken, so whoever still holds sled's is a thread of a sled that was just closed in this process.
pub fn open_when_let_go(path: &Path, cache_bytes: u64) -> sled::Result<Db> {
    remove_torn_snapshots(path);
    let config = sled::Config::new().path(path).cache_capacity(cache_bytes).flush_every_ms(Some(500));
    for _ in 0..LET_GO_TRIES {
        match config.open() {
            Err(sled::Error::Io(error)) if error.to_string().contains("could not acquire lock") => {
                std::thread::sleep(LET_GO_WAIT);
            }
            answer => return answer,
        }
    }
    config.open()
}

/// A snapshot that was being written when the power went makes every later open fail.
fn remove_torn_snapshots(sled: &Path) {
    let Ok(entries) = std::fs::read_dir(sled) else { return };
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            // A file that stays makes the open below fail, with its name in the error.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// sled syncs its data, and neither its settings in `conf` nor the names of its files and of its folder: without this, a
/// power cut minutes later takes all of it.
pub fn sync_what_sled_made(store: &Path) -> Result<(), StoreError> {
    let sled = store.join("sled");
    for path in [sled.join("conf"), sled, store.to_owned()] {
        super::sync_folder(&path).map_err(|source| StoreError::Io { path, source })?;
    }
    Ok(())
}
