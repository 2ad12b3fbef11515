//! New labels for what is recorded: the newest version of an article once more, with other labels.

use std::collections::HashSet;

use jiff::Timestamp;
use tokio::sync::oneshot;

use super::Committer;
use crate::model::{Digest, Labels};
use crate::record::{Event, Record, RulesTrace};
use crate::store::{Settled, StoreError};

/// New labels for a version of an article.
#[derive(Debug)]
pub struct Relabel {
    /// The version that was read.
    pub record: Record,
    /// Its labels now.
    pub labels: Labels,
    /// Digest of the rules that gave them.
    pub rules: String,
}

/// New labels that are written in one commit.
#[derive(Debug)]
pub struct RelabelBatch {
    relabels: Vec<Relabel>,
    answer: oneshot::Sender<Relabelled>,
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Relabelled {
    /// New versions that are in the log.
    pub written: u64,
    /// Left out: the version that was read is not the newest any more, and the newer one was labelled when it came.
    pub dropped: u64,
}

impl RelabelBatch {
    /// A batch, at most [`super::BATCH_ENTRIES_MAX`] and [`super::BATCH_TEXT_BYTES_MAX`], and what becomes of it.
    pub fn new(relabels: Vec<Relabel>) -> (Self, oneshot::Receiver<Relabelled>) {
        let (answer, answered) = oneshot::channel();
        (Self { relabels, answer }, answered)
    }

    pub(super) fn into_parts(self) -> (Vec<Relabel>, oneshot::Sender<Relabelled>) {
        (self.relabels, self.answer)
    }
}

impl Committer<'_> {
    /// Writes the next version of each article whose newest version is the one that was read.
    ///
    /// # Errors
    /// The store's; nothing is acknowledged then. Tried again with the same `done`, what the attempt before did write is
    /// counted as written: nobody else writes.
    pub fn relabel(&self, relabels: &[Relabel], done: &mut Relabelled, now: Timestamp) -> Result<(), StoreError> {
        let mut ids = HashSet::new();
        let mut newest = Vec::new();
        for relabel in relabels {
            if self.is_newest(&relabel.record)? && ids.insert(relabel.record.id) {
                newest.push(relabel);
            }
        }
        // Only the first attempt finds what was overtaken.
        if done.written == 0 {
            done.written = newest.len() as u64;
            done.dropped = relabels.len() as u64 - done.written;
        }
        if newest.is_empty() {
            return Ok(());
        }
        let mut seq = self.store.next_seq();
        let mut lines = Vec::new();
        let mut settled = Vec::new();
        for relabel in newest {
            let record = Record { seq, recorded_at: now, ..relabel.next_version() };
            serde_json::to_writer(&mut lines, &record).map_err(|error| StoreError::Row(error.to_string()))?;
            lines.push(b'\n');
            settled.push(Settled::from_record(&record));
            seq = seq.next();
        }
        self.store.commit(&lines, &settled)
    }

    /// Whether no later version was committed. A version whose page is gone is no text to label.
    fn is_newest(&self, record: &Record) -> Result<bool, StoreError> {
        let known = self.store.seen(record.id)?;
        Ok(known.is_some_and(|known| {
            known.is_article(record.id) && known.seq == record.seq && known.text_digest != Digest([0; 16])
        }))
    }
}

impl Relabel {
    /// The version that was read, with the new labels, as the next one; its place and time are the commit's.
    fn next_version(&self) -> Record {
        let Self { record, labels, rules } = self;
        Record {
            version: record.version.saturating_add(1),
            event: Event::Relabel,
            replaces: Some(record.version),
            language: labels.language.tag.clone(),
            language_confidence: labels.language.confidence,
            places: labels.places.clone(),
            topics: labels.topics.clone(),
            rules: RulesTrace { digest: rules.clone() },
            chapar: env!("CARGO_PKG_VERSION").to_owned(),
            ..record.clone()
        }
    }
}

#[cfg(test)]
#[path = "relabel_tests.rs"]
mod tests;
