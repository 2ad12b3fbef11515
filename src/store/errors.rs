//! What can go wrong with the store.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use sled::transaction::TransactionError;

use super::format::STORE_FORMAT;
use super::retention::Held;
use super::segments::LogError;
use crate::model::Seq;

/// Faults of the store; each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has it.
    #[error("{path} is in use by process {owner}; stop it, or ask it over its socket")]
    InUse {
        /// The store's folder.
        path: PathBuf,
        /// Its process id.
        owner: String,
    },
    /// Written by a newer chapar.
    #[error("{path} has store format {found}, this chapar knows {STORE_FORMAT}; install a newer chapar")]
    Newer {
        /// The store's folder.
        path: PathBuf,
        /// The format found.
        found: String,
    },
    /// The file that says the format says none.
    #[error(
        "{path}: it should hold the number of the store's format, and holds {found:?}: it is damaged; remove it, it is \
         written again from what the key tables say"
    )]
    FormatFile {
        /// The file.
        path: PathBuf,
        /// What it holds.
        found: String,
    },
    /// A frame that sled knows is not in the log.
    #[error(
        "{path}: the log ends at byte {found}, but {expected} bytes of it were committed; see `chapar log verify`, then \
         put back what is lost by `chapar log fill FOLDER`, the folder of a backup, or without one go on with what the log \
         holds by `chapar log rebuild`"
    )]
    LogTooShort {
        /// The segment.
        path: PathBuf,
        /// Its length.
        found: u64,
        /// The committed length.
        expected: u64,
    },
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The file system.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// sled.
    #[error(
        "the store's key tables failed: {0}; look at the disk's space and rights, they are opened again by themselves"
    )]
    Sled(#[from] sled::Error),
    /// A restore into it broke off.
    #[error("{path}: `chapar log restore` broke off in this folder; run it again, it begins anew")]
    HalfRestored {
        /// The store's folder.
        path: PathBuf,
    },
    /// Records that were numbered before the log's end had moved.
    #[error("the records begin with number {first}, the next is {next}; they are numbered anew")]
    Numbered {
        /// The first of them.
        first: Seq,
        /// The next number of the log.
        next: Seq,
    },
    /// The log has reached its bound.
    #[error(transparent)]
    LogFull(Held),
    /// sled found damage, or panicked on it.
    #[error(
        "the store's key tables are damaged ({0}); they are set aside and rebuilt from the log, ask again; where that \
         does not help, look at the disk and restart"
    )]
    Tables(String),
    /// A row that this version did not write.
    #[error("a row of the store cannot be read ({0}); see `chapar log verify` and `chapar log rebuild`")]
    Row(String),
}

impl StoreError {
    /// Why sled has to be made anew; `None` where opening it again may help.
    pub(super) fn damage_of_tables(&self) -> Option<String> {
        match self {
            Self::Tables(reason) => Some(reason.clone()),
            // Unreadable snapshots, and files that end too early; all else of the file system may be mended.
            Self::Sled(sled::Error::Io(error)) => {
                let is_damage = matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof);
                is_damage.then(|| error.to_string())
            }
            Self::Sled(error) => Some(error.to_string()),
            _ => None,
        }
    }
}

/// Names the file in an error of the file system.
pub(super) fn at(path: &Path) -> impl Fn(std::io::Error) -> StoreError + use<> {
    let path = path.to_owned();
    move |source| StoreError::Io { path: path.clone(), source }
}

impl From<TransactionError<StoreError>> for StoreError {
    fn from(error: TransactionError<StoreError>) -> Self {
        match error {
            TransactionError::Abort(error) => error,
            TransactionError::Storage(error) => Self::Sled(error),
        }
    }
}
