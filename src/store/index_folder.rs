//! Where the search index lies, which is made of the log's lines: it goes before lines come under numbers that it has, and is
//! made anew. What is in its folders is not the store's business.

use std::path::Path;

use super::{StoreError, sync_folder};

/// The search index's folder in the store's.
pub const INDEX_FOLDER: &str = "index";

/// Where one is made that is to come in its place.
pub const INDEX_IN_MAKING: &str = "index.new";

/// Removes the index for good, and one in the making. For who has the store alone: nobody may have them open.
///
/// # Errors
/// The disk's; some of it may be left then, which is no index.
pub(super) fn remove_index(store: &Path) -> Result<(), StoreError> {
    for name in [INDEX_IN_MAKING, INDEX_FOLDER] {
        remove(store, name)?;
    }
    Ok(())
}

/// Puts the index that was made beside in the place of the one there is; nobody may write to either. A kill leaves the one
/// that was made, and at most a part of the other.
///
/// # Errors
/// The disk's.
pub fn exchange_index(store: &Path) -> Result<(), StoreError> {
    remove(store, INDEX_FOLDER)?;
    let place = store.join(INDEX_FOLDER);
    let renamed = std::fs::rename(store.join(INDEX_IN_MAKING), &place).and_then(|()| sync_folder(store));
    renamed.map_err(|source| StoreError::Io { path: place, source })
}

fn remove(store: &Path, name: &str) -> Result<(), StoreError> {
    let path = store.join(name);
    match std::fs::remove_dir_all(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        removed => removed.and_then(|()| sync_folder(store)).map_err(|source| StoreError::Io { path, source }),
    }
}
