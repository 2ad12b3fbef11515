//! What the running pipeline is doing: counters for progress and status, and what keeps it from working.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::Notify;

use crate::model::SourceId;

/// The time, to the millisecond: more digits than a publisher, a disk or a reader can make use of only make rows and
/// lines longer.
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

/// Shared by all tasks of one pipeline.
#[derive(Debug)]
pub struct Activity {
    /// When the pipeline was started.
    pub started_at: Timestamp,
    /// Polls that were answered readably.
    pub polls_succeeded: AtomicU64,
    /// Polls that failed.
    pub polls_failed: AtomicU64,
    /// Polls under way.
    pub polling: AtomicU64,
    /// Entries being fetched or read.
    pub fetching: AtomicU64,
    reader_has_gone: AtomicBool,
    troubles: Mutex<BTreeMap<String, String>>,
    rejections: Mutex<BTreeMap<String, u64>>,
    /// By the outputs of the pipeline.
    asked_again: Mutex<BTreeMap<SourceId, Arc<Notify>>>,
}

impl Default for Activity {
    fn default() -> Self {
        Self {
            started_at: Timestamp::now(),
            polls_succeeded: AtomicU64::default(),
            polls_failed: AtomicU64::default(),
            polling: AtomicU64::default(),
            fetching: AtomicU64::default(),
            reader_has_gone: AtomicBool::default(),
            troubles: Mutex::default(),
            rejections: Mutex::default(),
            asked_again: Mutex::default(),
        }
    }
}

impl Activity {
    /// A part cannot work at present; the reason is shown by `chapar status` until it is mended. Tells whether this is
    /// news.
    pub fn trouble(&self, part: &str, reason: &str) -> bool {
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        troubles.insert(part.to_owned(), reason.to_owned()).as_deref() != Some(reason)
    }

    /// A part works. Tells whether it had been in trouble.
    pub fn mended(&self, part: &str) -> bool {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).remove(part).is_some()
    }

    /// Parts in trouble, with the reasons.
    pub fn troubles(&self) -> BTreeMap<String, String> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells an output when it is asked not to wait before it tries again.
    pub fn asked_again(&self, output: &SourceId) -> Arc<Notify> {
        let mut asked = self.asked_again.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(asked.entry(output.clone()).or_default())
    }

    /// Has an output, or all of them, look at once whether it can deliver: it was rewound, or something was mended.
    pub fn ask_again(&self, output: Option<&SourceId>) {
        let asked = self.asked_again.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = asked.iter().filter(|(id, _)| output.is_none_or(|output| output == *id));
        wanted.for_each(|(_, asked)| asked.notify_waiters());
    }

    /// Whoever read stdout has closed it, which ends the program well.
    pub fn reader_has_gone(&self) {
        self.reader_has_gone.store(true, Ordering::Relaxed);
    }

    /// See [`Self::reader_has_gone`].
    pub fn has_lost_its_reader(&self) -> bool {
        self.reader_has_gone.load(Ordering::Relaxed)
    }

    /// Counts an entry that was rejected for a reason; there are only as many reasons as the stages have names for.
    pub fn rejected(&self, reason: &str) {
        let mut rejections = self.rejections.lock().unwrap_or_else(PoisonError::into_inner);
        *rejections.entry(reason.to_owned()).or_default() += 1;
    }

    /// Rejected entries by reason.
    pub fn rejections(&self) -> BTreeMap<String, u64> {
        self.rejections.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts one up for as long as the guard lives.
    pub fn during(counter: &AtomicU64) -> During<'_> {
        counter.fetch_add(1, Ordering::Relaxed);
        During(counter)
    }
}

/// See [`Activity::during`].
#[derive(Debug)]
pub struct During<'a>(&'a AtomicU64);

impl Drop for During<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
