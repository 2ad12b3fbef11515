//! Where the older records of an article lie: id and sequence number, with the version. `seen` has the newest.

use sled::transaction::{ConflictableTransactionError, TransactionalTree};

use super::{Seen, Store, StoreError, Tables};
use crate::model::{ArticleId, Seq};

/// Keeps the place of the record that a newer one replaces.
pub(super) fn keep(
    versions: &TransactionalTree,
    id: ArticleId,
    before: &Seen,
    after: &Seen,
) -> Result<(), ConflictableTransactionError<StoreError>> {
    if before.version > 0 && before.seq != after.seq {
        let key = [id.0.as_slice(), &before.seq.0.to_be_bytes()].concat();
        versions.insert(key, &before.version.to_be_bytes())?;
    }
    Ok(())
}

impl Store {
    /// The records of an article, oldest first: version and place.
    ///
    /// # Errors
    /// sled's.
    pub fn versions(&self, id: ArticleId) -> Result<Vec<(u32, Seq)>, StoreError> {
        self.ask(|tables| tables.versions_of(id))
    }
}

impl Tables {
    pub(super) fn versions_of(&self, id: ArticleId) -> Result<Vec<(u32, Seq)>, StoreError> {
        let mut versions = Vec::new();
        for row in self.versions.scan_prefix(id.0) {
            let (key, version) = row?;
            let seq = key[16..].try_into().map(u64::from_be_bytes);
            let version = version.as_ref().try_into().map(u32::from_be_bytes);
            if let (Ok(seq), Ok(version)) = (seq, version) {
                versions.push((version, Seq(seq)));
            }
        }
        let newest = self.seen.get(id.0)?.and_then(|row| Seen::decode(&row));
        versions.extend(newest.filter(|seen| seen.version > 0).map(|seen| (seen.version, seen.seq)));
        Ok(versions)
    }
}
