//! Labels what is recorded anew with the rules in force: reads the log, says what differs, and hands it to the committer.
//!
//! Only the newest version of an article counts; a withdrawn one is left as it is, and so are records of copies. At any
//! moment one frame of the log and one batch are in memory, whatever the size of the log.

mod tally;

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::engine::{Active, Engine};
use crate::classify::ClassifyText;
use crate::commit::{self, BATCH_ENTRIES_MAX, BATCH_TEXT_BYTES_MAX, Relabel, RelabelBatch, Relabelled, Work};
use crate::model::Seq;
use crate::record::{Event, Record};
use crate::store::StoreError;

use tally::Tally;
pub use tally::{Example, LabelChange, LabelKind, Shift, shifts, shifts_to};

/// How often progress is told.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

/// Batches on their way to a committer that was started for this alone: the next waits for the answer anyway.
const BATCHES_MAX: usize = 1;

/// The tag of a language that is not known.
const UNKNOWN: &str = "und";

/// Records of one commit bear its time; the first that is looked at lies this far before, in case the clock was set back.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_hours(25);

/// What to do with the difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Say it.
    Show,
    /// Say it and write the new labels.
    Write,
}

/// How far it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Lines of the log that were read.
    pub read: u64,
    /// Lines of the log to read.
    pub lines: u64,
    /// Articles whose labels differ, so far.
    pub changed: u64,
    /// What it waits for: why new versions cannot be written now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits: Option<String>,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Articles whose newest version was labelled anew.
    pub looked_at: u64,
    /// Those whose labels differ.
    pub changed: u64,
    /// Of these, those that have the same topics and places in another order, and nothing else.
    pub reordered: u64,
    /// New versions in the log.
    pub written: u64,
    /// Left out: an update came meanwhile, labelled by the same rules.
    pub dropped: u64,
    /// Digest of the rules.
    pub rules: String,
    /// Gained and lost, by label.
    pub labels: Vec<LabelChange>,
    /// Some of the articles.
    pub examples: Vec<Example>,
}

/// Why it ended early. What was written stays, and the rest is done when it is asked for again.
#[derive(Debug, thiserror::Error)]
pub enum ReclassifyError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nobody waits for it any more, or the daemon stops.
    #[error("it was stopped after {written} new versions; ask again to go on")]
    Stopped {
        /// New versions that are in the log.
        written: u64,
    },
    /// The rules cannot be compiled.
    #[error("{0}")]
    Rules(String),
    /// A reload.
    #[error(
        "the rules were exchanged meanwhile, after {written} new versions; ask again to label the rest by the new ones"
    )]
    RulesExchanged {
        /// New versions that are in the log.
        written: u64,
    },
}

/// Labels anew what was recorded at or after `since`. Blocks its thread; `tell` hears of the progress, and ends it by
/// answering false.
///
/// Without a pipeline that runs, a committer is started for this: it must be called within a runtime that has timers.
///
/// # Errors
/// See [`ReclassifyError`].
pub fn reclassify(
    engine: &Arc<Engine>,
    since: Option<Timestamp>,
    purpose: Purpose,
    tell: impl FnMut(&Progress) -> bool,
) -> Result<Summary, ReclassifyError> {
    let active = engine.active();
    let end = engine.store.last_seq();
    let earliest = since.map(|since| since.checked_sub(CLOCK_SLACK).unwrap_or(Timestamp::MIN));
    let first = earliest.map_or(Ok(Seq(1)), |earliest| engine.store.first_since(earliest))?;
    let progress = Progress { lines: end.next().0.saturating_sub(first.0), ..Progress::default() };
    let tally = Tally::new(active.rules_digest.clone());
    let writer = Writer::new(engine, purpose);
    let mut pass = Pass { engine, active, since, writer, tally, progress, batch: Batch::default(), tell };
    pass.read(first, end)?;
    pass.flush()?;
    (pass.tell)(&pass.progress);
    Ok(pass.tally.into_summary())
}

/// One passage through the log.
struct Pass<'a, T> {
    engine: &'a Arc<Engine>,
    active: Arc<Active>,
    since: Option<Timestamp>,
    writer: Writer,
    tally: Tally,
    progress: Progress,
    batch: Batch,
    tell: T,
}

/// What differs and is not yet handed over.
#[derive(Default)]
struct Batch {
    relabels: Vec<Relabel>,
    text_bytes: usize,
}

impl<T: FnMut(&Progress) -> bool> Pass<'_, T> {
    fn read(&mut self, first: Seq, end: Seq) -> Result<(), ReclassifyError> {
        let mut at = first;
        let mut told = Instant::now();
        while at <= end {
            let Some(frame) = self.engine.store.frame_from(at)? else { break };
            for (_, line) in frame.lines().filter(|(seq, _)| *seq >= at && *seq <= end) {
                let record: Record = serde_json::from_str(line).map_err(|error| StoreError::Row(error.to_string()))?;
                self.look_at(record)?;
                self.progress.read += 1;
                if told.elapsed() >= PROGRESS_INTERVAL {
                    self.go_on()?;
                    told = Instant::now();
                }
            }
            at = frame.last.next();
        }
        Ok(())
    }

    fn look_at(&mut self, record: Record) -> Result<(), ReclassifyError> {
        let is_asked_for = self.since.is_none_or(|since| record.recorded_at >= since);
        if !is_asked_for || !is_relabelled(record.event) || !self.is_newest(&record)? {
            return Ok(());
        }
        let rules = self.active.classifier().map_err(|faults| ReclassifyError::Rules(faults.to_string()))?;
        let labels = rules.classify(&text_of(&self.active, &record));
        if !self.tally.compare(&record, &labels) {
            return Ok(());
        }
        self.progress.changed += 1;
        if self.writer.is_needed() {
            self.batch.text_bytes += record.content_text.len();
            let rules = self.active.rules_digest.clone();
            self.batch.relabels.push(Relabel { record, labels, rules });
            if self.batch.relabels.len() >= BATCH_ENTRIES_MAX || self.batch.text_bytes >= BATCH_TEXT_BYTES_MAX {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn is_newest(&self, record: &Record) -> Result<bool, StoreError> {
        Ok(self.engine.store.seen(record.id)?.is_some_and(|known| known.seq == record.seq))
    }

    /// Hands over the batch and waits for the committer, which is what keeps this from running ahead of the disk.
    fn flush(&mut self) -> Result<(), ReclassifyError> {
        let Batch { relabels, .. } = std::mem::take(&mut self.batch);
        if relabels.is_empty() {
            return Ok(());
        }
        self.go_on()?;
        let written = self.tally.written();
        if self.engine.active().rules_digest != self.active.rules_digest {
            return Err(ReclassifyError::RulesExchanged { written });
        }
        let (batch, answered) = RelabelBatch::new(relabels);
        let is_sent = self.writer.sender().is_some_and(|sender| sender.blocking_send(Work::Relabel(batch)).is_ok());
        let done = if is_sent { self.answer(answered)? } else { None };
        self.tally.add(done.ok_or(ReclassifyError::Stopped { written })?);
        Ok(())
    }

    /// Waits for the committer, which tries for as long as the disk is full, and tells why it waits.
    fn answer(&mut self, mut answered: oneshot::Receiver<Relabelled>) -> Result<Option<Relabelled>, ReclassifyError> {
        let runtime = Handle::current();
        loop {
            match runtime.block_on(async { tokio::time::timeout(PROGRESS_INTERVAL, &mut answered).await }) {
                Ok(answer) => {
                    self.progress.waits = None;
                    return Ok(answer.ok());
                }
                Err(_) => {
                    self.progress.waits = self.engine.activity.troubles().remove(commit::PART);
                    self.go_on()?;
                }
            }
        }
    }

    fn go_on(&mut self) -> Result<(), ReclassifyError> {
        let is_wanted = (self.tell)(&self.progress);
        if is_wanted { Ok(()) } else { Err(ReclassifyError::Stopped { written: self.tally.written() }) }
    }
}

/// The way to the committer.
enum Writer {
    /// Nothing is written.
    None,
    /// That of the pipeline. It ends when all who finish entries are gone; this one must not keep it.
    Pipeline(mpsc::WeakSender<Work>),
    /// One of its own, for as long as this lasts.
    Own(mpsc::Sender<Work>),
}

impl Writer {
    fn new(engine: &Arc<Engine>, purpose: Purpose) -> Self {
        match (purpose, engine.committer()) {
            (Purpose::Show, _) => Self::None,
            (Purpose::Write, Some(committer)) => Self::Pipeline(committer.clone()),
            (Purpose::Write, None) => {
                let (sender, work) = mpsc::channel(BATCHES_MAX);
                drop(super::committer(
                    Arc::clone(engine),
                    work,
                    crate::commit::Patience::Endless,
                    CancellationToken::new(),
                ));
                Self::Own(sender)
            }
        }
    }

    fn is_needed(&self) -> bool {
        !matches!(self, Self::None)
    }

    fn sender(&self) -> Option<mpsc::Sender<Work>> {
        match self {
            Self::None => None,
            Self::Pipeline(sender) => sender.upgrade(),
            Self::Own(sender) => Some(sender.clone()),
        }
    }
}

/// Whether a version with this event is labelled anew when it is the newest.
fn is_relabelled(event: Event) -> bool {
    match event {
        Event::New | Event::Update | Event::Relabel => true,
        // There is no page any more, or it is another article's text.
        Event::Withdrawn | Event::Duplicate => false,
    }
}

/// What of a record is classified. The language that its page declared is not recorded: where a text is too short to tell,
/// its source's language decides, and without that the language it was recorded with.
pub fn text_of<'a>(active: &'a Active, record: &'a Record) -> ClassifyText<'a> {
    let of_source = active.settings.source(&record.source.id).and_then(|source| source.language.as_deref());
    let recorded = Some(record.language.as_str()).filter(|tag| *tag != UNKNOWN);
    ClassifyText {
        title: record.title.as_deref().unwrap_or_default(),
        body: &record.content_text,
        language_prior: of_source.or(recorded),
    }
}

#[cfg(test)]
#[path = "reclassify/tests.rs"]
mod tests;
