//! A walk over the records that answer a question: step by step, so that who waits for a slow reader holds no thread
//! meanwhile. Of what it has still to read it knows no more than the numbers.

use std::sync::Arc;

use jiff::SignedDuration;

use super::{Versions, read};
use crate::model::Seq;
use crate::record::Record;
use crate::search::Query;
use crate::store::{Frame, Store, StoreError};

/// Lines whose numbers are known that a step reads at most, and so how often others have their turn.
const LINES_PER_STEP: usize = 50;

/// Threads that read lines for one step, and how few lines are not worth a thread.
const READERS_MAX: usize = 4;
const LINES_PER_READER_MIN: usize = 8;

/// Records of one commit bear its time; a scan for `since` goes on this far below it, in case the clock was set back.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_hours(25);

/// Records that answer a question, one after the other.
pub struct Walk {
    pub(super) store: Arc<Store>,
    pub(super) query: Query,
    pub(super) versions: Versions,
    pub(super) after: Seq,
    pub(super) end: Seq,
    /// How many may still come.
    pub(super) left: usize,
    pub(super) over: Over,
    /// How many records the index is behind, where the whole log is looked through for that.
    pub behind: Option<u64>,
}

/// What a walk goes over.
pub(super) enum Over {
    /// Numbers of lines that answer.
    Numbers(std::vec::IntoIter<Seq>),
    /// Lines to be looked at; no more of them without a next one.
    Log { is_upwards: bool, next: Option<Seq> },
}

impl Walk {
    /// Over every line after one that matches, up to `end`: what was committed since.
    pub fn on(store: &Arc<Store>, query: &Query, after: Seq, end: Seq) -> Self {
        Self {
            store: Arc::clone(store),
            query: query.clone(),
            versions: Versions::All,
            after,
            end,
            left: usize::MAX,
            over: Over::Log { is_upwards: true, next: Some(after.next()) },
            behind: None,
        }
    }

    /// Over these lines instead.
    pub fn instead(self, numbers: Vec<Seq>) -> Self {
        Self { left: numbers.len(), over: Over::Numbers(numbers.into_iter()), ..self }
    }

    /// Goes on a little, and hands the lines that it finds to `visit`. False when there are no more.
    ///
    /// # Errors
    /// The log's.
    pub fn step(&mut self, visit: &mut dyn FnMut(Seq, &str)) -> Result<bool, StoreError> {
        if self.left == 0 {
            return Ok(false);
        }
        match &mut self.over {
            Over::Numbers(numbers) => {
                let some: Vec<Seq> = numbers.take(LINES_PER_STEP.min(self.left)).collect();
                for (seq, line) in lines_of(&self.store, &some)? {
                    visit(seq, &line);
                    self.left -= 1;
                }
                Ok(!some.is_empty())
            }
            Over::Log { is_upwards, next } => {
                let (is_upwards, Some(at)) = (*is_upwards, *next) else { return Ok(false) };
                let next = self.look_at_frame(is_upwards, at, visit)?;
                self.over = Over::Log { is_upwards, next };
                Ok(true)
            }
        }
    }

    /// The same for the numbers of the lines alone: those that the index names are not read.
    ///
    /// # Errors
    /// The log's.
    pub fn step_over_numbers(&mut self, found: &mut Vec<Seq>) -> Result<bool, StoreError> {
        match &mut self.over {
            Over::Numbers(numbers) => {
                found.extend(numbers.take(self.left));
                Ok(false)
            }
            Over::Log { .. } => self.step(&mut |seq, _| found.push(seq)),
        }
    }

    /// Looks at each line of the next frame; says where to go on. Lines that this version cannot read are found by nobody.
    fn look_at_frame(
        &mut self,
        is_upwards: bool,
        at: Seq,
        visit: &mut dyn FnMut(Seq, &str),
    ) -> Result<Option<Seq>, StoreError> {
        let store = Arc::clone(&self.store);
        let frame = if is_upwards { store.frame_from(at)? } else { store.frame_before(at)? };
        let Some(frame) = frame.filter(|frame| !is_upwards || frame.first <= self.end) else { return Ok(None) };
        let is_asked = |seq: Seq| seq > self.after && seq <= self.end && if is_upwards { seq >= at } else { seq <= at };
        let mut lines: Vec<(Seq, &str)> = frame.lines().filter(|(seq, _)| is_asked(*seq)).collect();
        if !is_upwards {
            lines.reverse();
        }
        let (since, _) = self.query.recorded_between();
        for (seq, line) in lines {
            let Some(record) = read(line) else { continue };
            if !is_upwards && since.is_some_and(|since| record.recorded_at + CLOCK_SLACK < since) {
                return Ok(None);
            }
            let is_found = self.query.matches(&record)
                && (self.versions == Versions::All || !is_superseded(&store, &record, self.end)?);
            if is_found && self.left > 0 {
                visit(seq, line);
                self.left -= 1;
            }
        }
        let next = if is_upwards { frame.last.next() } else { Seq(frame.first.0 - 1) };
        Ok(Some(next).filter(|next| *next > self.after && *next <= self.end))
    }
}

/// The lines of these numbers. What is no more in the log, or lost, is passed over. Most of the time goes into decoding a
/// frame for each line, and so several threads do it.
fn lines_of(store: &Store, numbers: &[Seq]) -> Result<Vec<(Seq, String)>, StoreError> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(READERS_MAX);
    let share = numbers.len().div_ceil(threads).max(LINES_PER_READER_MIN);
    std::thread::scope(|scope| {
        let mut shares = numbers.chunks(share);
        let own = shares.next().unwrap_or_default();
        let others: Vec<_> = shares.map(|share| scope.spawn(|| some_lines_of(store, share))).collect();
        let mut lines = some_lines_of(store, own)?;
        for other in others {
            lines.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok(lines)
    })
}

fn some_lines_of(store: &Store, numbers: &[Seq]) -> Result<Vec<(Seq, String)>, StoreError> {
    // Neighbours share a frame.
    let mut frame: Option<Frame> = None;
    let mut lines = Vec::with_capacity(numbers.len());
    for seq in numbers {
        if !frame.as_ref().is_some_and(|frame| (frame.first..=frame.last).contains(seq)) {
            frame = store.frame_of(*seq)?;
        }
        let line = frame.iter().flat_map(Frame::lines).find(|(number, _)| number == seq);
        lines.extend(line.map(|(_, line)| (*seq, line.to_owned())));
    }
    Ok(lines)
}

/// Whether a later version was recorded up to `end`.
fn is_superseded(store: &Store, record: &Record, end: Seq) -> Result<bool, StoreError> {
    match store.seen(record.id)? {
        // The newest, or one that is remembered no more.
        known if known.is_none_or(|known| known.seq <= record.seq) => Ok(false),
        Some(known) if known.seq <= end => Ok(true),
        _ => Ok(store.versions(record.id)?.iter().any(|(_, seq)| *seq > record.seq && *seq <= end)),
    }
}
