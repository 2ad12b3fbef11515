//! Which records answer a query: those the index names, and behind it what a look at each line of the log finds.
//!
//! The index is some seconds behind the log. The lines behind it are few, and looked at for each question; where they are
//! many, as while the index is made anew, the whole log is looked through instead: slower, and as exact.
//!
//! A walk goes on step by step, so that who waits for a slow reader holds no thread meanwhile.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use jiff::SignedDuration;

use crate::model::{ArticleId, Seq};
use crate::pipeline::Engine;
use crate::record::Record;
use crate::search::Query;
use crate::search::index::{IndexError, Lines, Name, Order, View};
use crate::store::{Frame, Store, StoreError};

/// Lines behind the index that are looked at for a question: some 100 ms.
const BEHIND_MAX: u64 = 2_000;

/// Lines of the index that a step reads at most, and so how often others have their turn.
const LINES_PER_STEP: usize = 50;

/// Threads that read lines for one step, and how few lines are not worth a thread.
const READERS_MAX: usize = 4;
const LINES_PER_READER_MIN: usize = 8;

/// Records of one commit bear its time; a scan for `since` goes on this far below it, in case the clock was set back.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_hours(25);

/// Why a question cannot be answered.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// The log.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The index.
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// Which versions of an article are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Versions {
    /// The newest.
    Newest,
    /// Every one.
    All,
}

impl Versions {
    /// Those that a query asks for.
    pub fn of(query: &Query) -> Self {
        if query.asks_for_events() { Self::All } else { Self::Newest }
    }
}

/// A question to the log as it is at a moment.
pub struct Question {
    store: Arc<Store>,
    query: Query,
    versions: Versions,
    /// What is up to this one does not belong to the answer.
    after: Seq,
    /// The last line that belongs to the answer.
    pub end: Seq,
    /// The index, and what it has not got yet; nothing where the whole log is looked through.
    indexed: Option<Indexed>,
}

struct Indexed {
    view: View,
    /// Which of its lines answer.
    lines: Lines,
    /// The lines behind it that answer, oldest first.
    behind: Vec<(Seq, String)>,
}

/// The records that answer a question and are in the index.
pub struct IndexedAlone {
    view: View,
    lines: Lines,
    query: Query,
}

impl IndexedAlone {
    /// How many there are.
    ///
    /// # Errors
    /// The index's.
    pub fn count(&self) -> Result<u64, IndexError> {
        self.view.count(&self.query, &self.lines)
    }

    /// How many have which name.
    ///
    /// # Errors
    /// The index's.
    pub fn names(&self, name: Name) -> Result<HashMap<String, u64>, IndexError> {
        self.view.names(&self.query, &self.lines, name)
    }

    /// How many were recorded in which quarter of an hour.
    ///
    /// # Errors
    /// The index's.
    pub fn quarters(&self) -> Result<HashMap<i64, u64>, IndexError> {
        self.view.quarters(&self.query, &self.lines)
    }
}

impl Question {
    /// Of the records after `after`; looks at the lines behind the index.
    ///
    /// # Errors
    /// The log's.
    pub fn new(engine: &Engine, query: Query, versions: Versions, after: Seq) -> Result<Self, FindError> {
        // The view first: what is committed to it meanwhile is then found behind it.
        let view = engine.index().map(|index| index.view());
        let store = Arc::clone(&engine.store);
        let end = store.last_seq();
        let view = view.filter(|view| end.0.saturating_sub(view.reached().0) <= BEHIND_MAX && after < view.reached());
        let mut question = Self { store, query, versions, after, end, indexed: None };
        if let Some(view) = view {
            question.indexed = Some(question.look_behind(view)?);
        }
        Ok(question)
    }

    /// How many records the index is behind, where it is too many.
    pub fn records_behind(&self, engine: &Engine) -> Option<u64> {
        let reached = engine.index().and_then(|index| index.reached()).map_or(0, |reached| reached.seq.0);
        let behind = self.end.0.saturating_sub(reached);
        (self.indexed.is_none() && behind > BEHIND_MAX).then_some(behind)
    }

    fn look_behind(&self, view: View) -> Result<Indexed, FindError> {
        let mut behind = Vec::new();
        let mut newest: HashMap<ArticleId, Seq> = HashMap::new();
        let mut at = view.reached().next();
        while at <= self.end
            && let Some(frame) = self.store.frame_from(at)?
        {
            for (seq, line) in frame.lines().filter(|(seq, _)| (at..=self.end).contains(seq)) {
                let record = read(line)?;
                newest.insert(record.id, seq);
                if self.query.matches(&record) {
                    behind.push((seq, record.id, line.to_owned()));
                }
            }
            at = frame.last.next();
        }
        let mut lines = Lines { after: self.after, ..Lines::default() };
        match self.versions {
            Versions::All => lines.all_versions = true,
            Versions::Newest => {
                behind.retain(|(seq, id, _)| newest.get(id) == Some(seq));
                lines.newer = newest.into_keys().collect();
            }
        }
        let oldest = self.store.oldest_seq()?.unwrap_or(Seq(1));
        if oldest > view.oldest() {
            // Retention has removed some since the last commit of the index.
            lines.after = lines.after.max(Seq(oldest.0 - 1));
        }
        let behind = behind.into_iter().map(|(seq, _, line)| (seq, line)).collect();
        Ok(Indexed { view, lines, behind })
    }

    /// How many records answer.
    ///
    /// # Errors
    /// The log's or the index's.
    pub fn count(self) -> Result<u64, FindError> {
        if let Some(Indexed { view, lines, behind }) = &self.indexed {
            return Ok(view.count(&self.query, lines)? + behind.len() as u64);
        }
        let mut count = 0;
        let mut walk = self.walk(Order::Newest, usize::MAX)?;
        while walk.step(&mut |_, _| count += 1)? {}
        Ok(count)
    }

    /// Hands what the index has not got to `each`, and what is left is to be asked of the index; nothing when all was
    /// handed.
    ///
    /// # Errors
    /// The log's.
    pub fn indexed_alone(self, each: &mut dyn FnMut(&Record)) -> Result<Option<IndexedAlone>, FindError> {
        let Self { indexed: Some(Indexed { view, lines, behind }), query, .. } = self else {
            let mut failed = Ok(());
            let mut walk = self.walk(Order::Newest, usize::MAX)?;
            while failed.is_ok() && walk.step(&mut |_, line| failed = read(line).map(|record| each(&record)))? {}
            return Ok(failed.map(|()| None)?);
        };
        behind.iter().try_for_each(|(_, line)| read(line).map(|record| each(&record)))?;
        Ok(Some(IndexedAlone { view, lines, query }))
    }

    /// A walk over the first `limit` records that answer, in an order. Without the index the nearest cannot be told, and the
    /// newest come first.
    ///
    /// # Errors
    /// The index's.
    pub fn walk(self, order: Order, limit: usize) -> Result<Walk, FindError> {
        let Self { store, query, versions, after, end, indexed } = self;
        let parts = match indexed {
            None => {
                let next = if order == Order::Oldest { after.next() } else { end };
                VecDeque::from([Part::Log { is_upwards: order == Order::Oldest, next }])
            }
            Some(Indexed { view, lines, mut behind }) => {
                let numbers = view.find(&query, &lines, order, limit)?;
                let numbers = Part::Numbers(numbers.into_iter());
                if order == Order::Oldest {
                    VecDeque::from([numbers, Part::Known(behind.into_iter())])
                } else {
                    behind.reverse();
                    VecDeque::from([Part::Known(behind.into_iter()), numbers])
                }
            }
        };
        Ok(Walk { store, query, versions, after, end, left: limit, parts })
    }
}

/// Records that answer a question, one after the other.
pub struct Walk {
    store: Arc<Store>,
    query: Query,
    versions: Versions,
    after: Seq,
    end: Seq,
    /// How many may still come.
    left: usize,
    parts: VecDeque<Part>,
}

enum Part {
    /// Lines that answer.
    Known(std::vec::IntoIter<(Seq, String)>),
    /// Numbers of lines that answer.
    Numbers(std::vec::IntoIter<Seq>),
    /// Lines to be looked at.
    Log { is_upwards: bool, next: Seq },
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
            parts: VecDeque::from([Part::Log { is_upwards: true, next: after.next() }]),
        }
    }

    /// These lines instead.
    pub fn instead(self, lines: Vec<(Seq, String)>) -> Self {
        Self { left: lines.len(), parts: VecDeque::from([Part::Known(lines.into_iter())]), ..self }
    }

    /// Goes on a little, and hands the lines that it finds to `visit`. False when there are no more.
    ///
    /// # Errors
    /// The log's.
    pub fn step(&mut self, visit: &mut dyn FnMut(Seq, &str)) -> Result<bool, StoreError> {
        let Some(part) = self.parts.front_mut().filter(|_| self.left > 0) else { return Ok(false) };
        let goes_on = match part {
            Part::Known(lines) => match lines.next() {
                Some((seq, line)) => {
                    visit(seq, &line);
                    self.left -= 1;
                    true
                }
                None => false,
            },
            Part::Numbers(numbers) => {
                let some: Vec<Seq> = numbers.take(LINES_PER_STEP.min(self.left)).collect();
                for (seq, line) in lines_of(&self.store, &some)? {
                    visit(seq, &line);
                    self.left -= 1;
                }
                !some.is_empty()
            }
            Part::Log { is_upwards, next } => {
                let (is_upwards, at) = (*is_upwards, *next);
                let next = self.look_at_frame(is_upwards, at, visit)?;
                if let (Some(to), Some(Part::Log { next, .. })) = (next, self.parts.front_mut()) {
                    *next = to;
                }
                next.is_some()
            }
        };
        if !goes_on {
            self.parts.pop_front();
        }
        Ok(true)
    }

    /// Looks at each line of the next frame; says where to go on.
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
            let record = read(line)?;
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

/// The lines that the index names. What is no more in the log, or lost, is passed over. Most of the time goes into decoding a
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

fn read(line: &str) -> Result<Record, StoreError> {
    serde_json::from_str(line).map_err(|error| StoreError::Row(error.to_string()))
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
