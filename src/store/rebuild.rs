//! `chapar log rebuild`: the key tables made anew because the operator asks for it.

use std::path::Path;
use std::time::Duration;

use super::segments::Segments;
use super::{Store, StoreError, renewal};
use crate::model::Seq;

/// What a rebuild did.
#[derive(Clone, Debug)]
pub struct Rebuilt {
    /// What was kept and what was entered, in sentences.
    pub notices: Vec<String>,
    /// What is lost, in sentences.
    pub lost: Vec<String>,
    /// Number of the next record.
    pub next: Seq,
}

impl Store {
    /// Sets the key tables of a store aside and makes them anew from the log; `tell` hears of the bytes that are entered,
    /// and of how many there are. What the log has lost is taken for known from then on.
    ///
    /// # Errors
    /// Another process that has the store; the disk.
    pub fn rebuild(
        path: &Path,
        cache_bytes: u64,
        segment_bytes_max: u64,
        patience: Duration,
        near_window: Option<Duration>,
        tell: &mut dyn FnMut(u64, u64),
    ) -> Result<Rebuilt, StoreError> {
        let lock = Self::take(path, patience)?;
        let bytes = Segments::open(&path.join("log"), segment_bytes_max)?.bytes()?;
        renewal::finish(path)?;
        let mut notices = Vec::new();
        if path.join("sled").exists() {
            let (kept, aside) = renewal::renew(path, cache_bytes, None)?;
            notices.push(format!("the former key tables are set aside as {}; {kept}", aside.display()));
        }
        let mut done = 0;
        let mut entered = |length: u64| {
            done += length;
            tell(done, bytes);
        };
        let store = Self::open_taken(path, lock, cache_bytes, segment_bytes_max, near_window, &mut entered)?;
        notices.extend(store.notices.iter().cloned());
        let lost = store.accept_known_gaps()?;
        Ok(Rebuilt { notices, lost, next: store.next_seq() })
    }
}
