//! One writer a folder.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::named;

/// The file that is locked; who looks for records passes over names with a dot.
const LOCK_FILE: &str = ".chapar.lock";

/// Most of the file that is read: a process id.
const OWNER_BYTES_MAX: u64 = 32;

/// Held as long as the folder is written.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    file: File,
}

impl Lock {
    /// Takes the lock of a folder.
    pub(super) fn take(root: &Path) -> io::Result<Self> {
        let path = root.join(LOCK_FILE);
        let mut options = OpenOptions::new();
        options.create(true).read(true).write(true).truncate(false).custom_flags(libc::O_NOFOLLOW);
        let mut written = options.open(&path).map_err(|error| named(&path, &error))?;
        // What is kept open is not open for writing: an administrator may make the file system read-only.
        let mut options = OpenOptions::new();
        let file =
            options.read(true).custom_flags(libc::O_NOFOLLOW).open(&path).map_err(|error| named(&path, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                let mut owner = String::new();
                // Without it, the message names nobody.
                let _ = (&file).take(OWNER_BYTES_MAX).read_to_string(&mut owner);
                let owner = owner
                    .trim()
                    .parse::<u32>()
                    .map_or_else(|_| "another process".to_owned(), |id| format!("process {id}"));
                let message = format!("is written by {owner}; give each output a folder of its own");
                return Err(io::Error::new(io::ErrorKind::ResourceBusy, format!("{} {message}", root.display())));
            }
            Err(fs::TryLockError::Error(error)) => return Err(named(&path, &error)),
        }
        written
            .set_len(0)
            .and_then(|()| writeln!(written, "{}", std::process::id()))
            .map_err(|error| named(&path, &error))?;
        Ok(Self { path, file })
    }

    /// Whether the folder is the one that was locked: not removed, moved or replaced since.
    pub(super) fn is_in_place(&self) -> bool {
        let (Ok(there), Ok(ours)) = (fs::symlink_metadata(&self.path), self.file.metadata()) else { return false };
        (there.dev(), there.ino()) == (ours.dev(), ours.ino())
    }
}
