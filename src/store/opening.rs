//! Taking the store: the lock, sled and what can be wrong with it, the format.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sled::{Db, Tree};

use super::{REBUILT, STORE_FORMAT, StoreError};

/// Takes the lock file, which names the owner's process id for others.
pub fn lock(folder: &Path, patience: Duration) -> Result<File, StoreError> {
    let path = folder.join("chapar.lock");
    let failed = |source| StoreError::Io { path: path.clone(), source };
    let mut file =
        OpenOptions::new().create(true).read(true).write(true).truncate(false).open(&path).map_err(failed)?;
    let deadline = Instant::now() + patience;
    loop {
        match file.try_lock() {
            Ok(()) => break,
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

/// Opens sled, which panics on a flipped byte: caught, set aside under a dated name, begun anew.
pub fn open_sled(path: &Path, cache_bytes: u64, notices: &mut Vec<String>) -> Result<Db, StoreError> {
    remove_torn_snapshots(path);
    let open = || open_when_let_go(path, cache_bytes);
    let reason = match std::panic::catch_unwind(open) {
        Ok(Ok(db)) => return Ok(db),
        Ok(Err(sled::Error::Io(error))) if error.kind() != std::io::ErrorKind::InvalidData => {
            return Err(StoreError::Io { path: path.to_owned(), source: error });
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => "it panicked at open".to_owned(),
    };
    let aside = path.with_file_name(format!("sled.damaged-{}", Timestamp::now().strftime("%Y%m%dT%H%M%SZ")));
    std::fs::rename(path, &aside).map_err(|source| StoreError::Io { path: path.to_owned(), source })?;
    notices.push(format!("the key tables were damaged ({reason}) and set aside as {}: {REBUILT}", aside.display()));
    Ok(open()?)
}

/// Our own lock is taken, so whoever still holds sled's is a thread of a sled that was just closed in this process.
fn open_when_let_go(path: &Path, cache_bytes: u64) -> sled::Result<Db> {
    let config = sled::Config::new().path(path).cache_capacity(cache_bytes).flush_every_ms(Some(500));
    for _ in 0..100 {
        match config.open() {
            Err(sled::Error::Io(error)) if error.to_string().contains("could not acquire lock") => {
                std::thread::sleep(Duration::from_millis(20));
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

/// Whether the tables were made just now.
#[derive(PartialEq)]
pub enum Format {
    New,
    Known,
}

pub fn check_format(meta: &Tree, path: &Path) -> Result<Format, StoreError> {
    let found = meta.get("format")?.map(|row| String::from_utf8_lossy(&row).into_owned());
    match found.as_deref() {
        None => {
            meta.insert("format", STORE_FORMAT)?;
            Ok(Format::New)
        }
        Some(STORE_FORMAT) => Ok(Format::Known),
        Some(other) => Err(StoreError::Newer { path: path.to_owned(), found: other.to_owned() }),
    }
}
