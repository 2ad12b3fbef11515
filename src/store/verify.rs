//! Looking at everything: each frame of the log, and what sled knows of it.
//!
//! The log is read once in its order, with as much in memory as a frame has and a few ranges of numbers; sled's trees are
//! looked through some thousand rows at a time. Beside a daemon, only what was committed at the beginning is looked at.

mod frames;
mod rows;

use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::caught::{Closing, calmly};
use super::gaps::{GAPS_MAX, Gaps};
use super::scan::{Gap, Part, Scan};
use super::segments::{LogEnd, Segments};
use super::{Store, StoreError, Tables, opening, renewal};
use crate::model::Seq;

/// Findings that are named; further ones are counted.
const FINDINGS_MAX: u64 = 10_000;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something is lost, or would be lost.
    Error,
    /// Something is not as it should be; nothing is lost.
    Warning,
    /// Good to know.
    Note,
}

/// Where something was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// The files of the log.
    Log,
    /// sled.
    Tables,
    /// The search index.
    Index,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// Where it is.
    pub part: Place,
    /// What it is.
    pub what: String,
    /// The file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// Where in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub byte: Option<u64>,
    /// The first record it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_seq: Option<Seq>,
    /// The last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seq: Option<Seq>,
    /// What to do.
    pub advice: String,
}

/// The sum of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// Files of the log.
    pub segments: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Frames that decode.
    pub frames: u64,
    /// Records in them.
    pub records: u64,
    /// Records that are known to be missing.
    pub lost: u64,
    /// Rows of sled.
    pub rows: u64,
    /// Findings by severity.
    pub errors: u64,
    /// See `errors`.
    pub warnings: u64,
    /// See `errors`.
    pub notes: u64,
    /// Findings that were counted and not named.
    pub unnamed: u64,
}

impl Verified {
    /// Counts a finding, also of a part that the store knows nothing of.
    pub fn count(&mut self, finding: &Finding) {
        match finding.severity {
            Severity::Error => self.errors += 1,
            Severity::Warning => self.warnings += 1,
            Severity::Note => self.notes += 1,
        }
    }
}

/// What is told while it goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// How far it is, in bytes of the log.
    Progress {
        /// Looked at.
        done: u64,
        /// In all.
        bytes: u64,
    },
    /// How many rows of the key tables were looked at, when the log is done.
    Rows {
        /// So many.
        done: u64,
    },
    /// Something was found.
    Finding(Finding),
}

/// Hears of each step; false ends it.
pub type Tell<'a> = &'a mut dyn FnMut(Step) -> bool;

/// Whose tables are asked.
enum Asked<'a> {
    /// Those of a store that is open.
    Store(&'a Store),
    /// Those of one that is not.
    Alone(&'a Tables),
    /// There are none that can be asked.
    None,
}

impl Asked<'_> {
    fn ask<T>(&self, question: impl FnOnce(&Tables) -> Result<T, StoreError>) -> Result<Option<T>, StoreError> {
        match self {
            Self::Store(store) => store.ask(question).map(Some),
            Self::Alone(tables) => calmly(|| question(tables)).map(Some),
            Self::None => Ok(None),
        }
    }
}

/// Why it ended early.
#[derive(Debug)]
enum Ended {
    /// Nobody listens any more.
    Unheard,
    /// The disk refused.
    Failed(StoreError),
}

impl<E: Into<StoreError>> From<E> for Ended {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// One passage.
struct Verifier<'a> {
    segments: &'a Segments,
    asked: Asked<'a>,
    /// Where the log ends by sled; `None` where that is not known.
    end: Option<LogEnd>,
    tell: Tell<'a>,
    sum: Verified,
    /// Records that can be read: ranges, in their order.
    readable: Vec<(Seq, Seq)>,
    gaps: Vec<Gap>,
    /// Those that the operator knows of, by the tables of a store that is not open.
    accepted: Gaps,
    /// Findings of the tables that the next record may go on, one of each kind.
    open: Vec<Finding>,
    /// Rows of the tables that lead to lost records.
    of_lost: rows::OfLost,
}

impl Store {
    /// Looks at everything beside the running daemon.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn verify(&self, tell: Tell<'_>) -> Result<Verified, StoreError> {
        // What is removed or written anew meanwhile would be told as damage.
        let _as_it_lies = self.bound.tidying.lock().unwrap_or_else(PoisonError::into_inner);
        let end = *self.lock_end();
        let mut verifier = Verifier::new(&self.segments, Asked::Store(self), Some(end), tell);
        let result = verifier.run(&self.path);
        if result.is_ok() {
            self.gaps.replace(std::mem::take(&mut verifier.gaps));
        }
        verifier.finish(result)
    }

    /// Looks at everything in a folder that no process has open, and changes nothing of the log. The store is held until
    /// it is done: sled lets nobody open its files beside another, nor for reading only.
    ///
    /// # Errors
    /// Another process that has it; the disk.
    pub fn verify_alone(
        path: &Path,
        cache_bytes: u64,
        patience: Duration,
        tell: Tell<'_>,
    ) -> Result<Verified, StoreError> {
        let _lock = Self::take(path, patience)?;
        let segments = Segments::open(&path.join("log"), u64::MAX)?;
        renewal::finish(path)?;
        let sled = path.join("sled");
        let opened = match sled.exists() {
            false => Err(Unasked::Damaged("they are missing".to_owned())),
            true => open_alone(&sled, cache_bytes).map_err(Unasked::by),
        };
        let (tables, unasked) = match opened {
            Ok(tables) => (Some(tables), None),
            Err(unasked) => (None, Some(unasked)),
        };
        let asked = tables.as_ref().map_or(Asked::None, |(tables, _)| Asked::Alone(tables));
        let end = tables.as_ref().map(|(_, end)| *end);
        let mut verifier = Verifier::new(&segments, asked, end, tell);
        let told = match unasked {
            Some(Unasked::Damaged(reason)) => verifier.tell_of_tables(&reason),
            Some(Unasked::Refused(reason)) => verifier.tell_of_refusal(&reason),
            None => Ok(()),
        };
        let result = told.and_then(|()| verifier.run(path));
        verifier.finish(result)
    }
}

/// Why the tables cannot be asked.
enum Unasked {
    /// They are damaged.
    Damaged(String),
    /// The disk is full, or refuses for another reason that may pass.
    Refused(String),
}

impl Unasked {
    fn by(error: StoreError) -> Self {
        match (error.damage_of_tables(), error) {
            (Some(reason), _) => Self::Damaged(reason),
            (None, StoreError::Sled(sled::Error::Io(error))) => Self::Refused(error.to_string()),
            (None, error) => Self::Refused(error.to_string()),
        }
    }
}

/// sled as it is, with the log's end.
pub(super) fn open_alone(sled: &Path, cache_bytes: u64) -> Result<(Closing<Tables>, LogEnd), StoreError> {
    let db = calmly(|| Ok(Closing::new(opening::open_when_let_go(sled, cache_bytes)?)))?;
    let tables = Closing::new(calmly(|| Tables::open(&db))?);
    let end = calmly(|| tables.end())?.unwrap_or(LogEnd::EMPTY);
    Ok((tables, end))
}

impl<'a> Verifier<'a> {
    fn new(segments: &'a Segments, asked: Asked<'a>, end: Option<LogEnd>, tell: Tell<'a>) -> Self {
        let (sum, of_lost, accepted) = (Verified::default(), rows::OfLost::default(), Gaps::default());
        if let Asked::Alone(tables) = &asked
            && let Ok(ranges) = calmly(|| tables.accepted_gaps())
        {
            accepted.accept(ranges);
        }
        let (readable, gaps, open) = (Vec::new(), Vec::new(), Vec::new());
        Self { segments, asked, end, tell, sum, readable, gaps, accepted, open, of_lost }
    }

    fn run(&mut self, folder: &Path) -> Result<(), Ended> {
        self.look_at_log()?;
        self.look_at_leftovers(folder)?;
        // An index of the records, when there is one, is looked at here.
        match self.look_at_tables() {
            Err(Ended::Failed(error)) if error.damage_of_tables().is_some() => {
                self.tell_of_tables(&error.damage_of_tables().unwrap_or_default())
            }
            result => result,
        }
    }

    fn finish(mut self, result: Result<(), Ended>) -> Result<Verified, StoreError> {
        let flushed = self.flush();
        match result.and(flushed) {
            Ok(()) | Err(Ended::Unheard) => Ok(self.sum),
            Err(Ended::Failed(error)) => Err(error),
        }
    }

    fn is_alone(&self) -> bool {
        !matches!(self.asked, Asked::Store(_))
    }

    fn tell_of_tables(&mut self, reason: &str) -> Result<(), Ended> {
        self.asked = Asked::None;
        let what = format!("the key tables are damaged: {reason}");
        let advice = "start chapar, or run `chapar log rebuild`: they are rebuilt from the log, and what can be read of the \
                      cursors, the sources' states, pending entries and dead letters is kept";
        self.find(Finding { advice: advice.to_owned(), ..Finding::of_tables(Severity::Error, what) })
    }

    fn tell_of_refusal(&mut self, reason: &str) -> Result<(), Ended> {
        let what = format!("the key tables could not be opened: {reason}; nothing was seen of them");
        let advice = "look at the disk's space and rights, and verify again".to_owned();
        self.find(Finding { advice, ..Finding::of_tables(Severity::Error, what) })
    }

    /// Tells a finding. What is wrong with one record after another in the tables is told when it ends.
    fn find(&mut self, finding: Finding) -> Result<(), Ended> {
        let Some(place) = self.open.iter().position(|open| open.is_of_kind(&finding)) else {
            if finding.part != Place::Tables || finding.last_seq.is_none() {
                return self.count(finding);
            }
            self.open.push(finding);
            return Ok(());
        };
        let open = &mut self.open[place];
        if open.last_seq.map(Seq::next) != finding.first_seq {
            let ended = std::mem::replace(open, finding);
            return self.count(ended);
        }
        open.last_seq = finding.last_seq;
        open.file = open.file.take().filter(|file| Some(file) == finding.file.as_ref());
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Ended> {
        std::mem::take(&mut self.open).into_iter().try_for_each(|finding| self.count(finding))
    }

    fn count(&mut self, finding: Finding) -> Result<(), Ended> {
        let sum = &mut self.sum;
        sum.count(&finding);
        if sum.errors + sum.warnings + sum.notes > FINDINGS_MAX {
            sum.unnamed += 1;
            return Ok(());
        }
        self.say(Step::Finding(finding))
    }

    fn say(&mut self, step: Step) -> Result<(), Ended> {
        if (self.tell)(step) { Ok(()) } else { Err(Ended::Unheard) }
    }
}

impl Finding {
    fn of_log(severity: Severity, what: impl Into<String>, file: PathBuf, byte: u64, advice: &str) -> Self {
        Self {
            severity,
            part: Place::Log,
            what: what.into(),
            file: Some(file),
            byte: Some(byte),
            first_seq: None,
            last_seq: None,
            advice: advice.to_owned(),
        }
    }

    fn of_tables(severity: Severity, what: impl Into<String>) -> Self {
        Self {
            severity,
            part: Place::Tables,
            what: what.into(),
            file: None,
            byte: None,
            first_seq: None,
            last_seq: None,
            advice: "stop the daemon and run `chapar log rebuild`".to_owned(),
        }
    }

    fn about(self, first: Seq, last: Seq) -> Self {
        Self { first_seq: Some(first), last_seq: Some(last), ..self }
    }

    /// Whether both say the same, of whatever records.
    fn is_of_kind(&self, other: &Self) -> bool {
        (self.severity, self.part, &self.what) == (other.severity, other.part, &other.what)
    }
}

#[cfg(test)]
mod tests;
