//! The log's bound: which segments go, in which order it is done, and what holds it up.
//!
//! Whole sealed segments go, oldest first, never the open one, and never one that an output has still to read, unless the
//! settings say so. First sled is told where the log begins, then the rows that point into the segment go, then its
//! file: what a kill leaves undone is done at the next start. What keeps an article from coming again (`seen`,
//! announcements, digests) stays, and so do the numbers of its versions.
//!
//! Where an output holds the oldest segment, the log grows by the size of one segment beyond its bound. Then commits are
//! refused, and the pipeline waits as for a full disk.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use sled::{Batch, Tree};
use tokio::sync::watch;

use super::reading::recorded_at;
use super::rows::{self, Day, Position};
use super::scan::{Part, Scan};
use super::segments::{FrameAt, LogEnd, LogError};
use super::{Store, StoreError, Tables, window_start};
use crate::faults::{self, Point};
use crate::model::Seq;

/// The first record that is kept; what is before it has to go.
pub(super) const BEGIN: &str = "log-begin";

/// Rows that go in one batch: commits wait for no more than that.
const BATCH_ROWS: usize = 500;

/// What of the log is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Records that are older go.
    pub age: Option<Duration>,
    /// Bytes of all segments.
    pub bytes: Option<u64>,
    /// Records in the log.
    pub records: Option<u64>,
    /// Whether records go that an output has not got.
    pub past_cursors: bool,
    /// The outputs, and whether one that is new gets what is in the log.
    pub consumers: Vec<(String, bool)>,
}

/// A segment that is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// Its first record.
    pub first: Seq,
    /// Its last record.
    pub last: Seq,
    /// Its size.
    pub bytes: u64,
    /// Outputs that had not read it, and how many records each has lost.
    pub lost: Vec<(String, u64)>,
}

/// What keeps the log beyond its bound.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the log is beyond {setting}, and output {output} has not read its oldest file (see `chapar status`); mend that \
     output, or take it out of the settings and restart, or raise {setting}, or let it lose records by \
     store.retain_past_cursors = true"
)]
pub struct Held {
    /// The output that holds the oldest segment, the last of them.
    pub output: String,
    /// The setting with the bound.
    pub setting: &'static str,
}

/// What the bound is watched with.
#[derive(Default)]
pub(super) struct Bound {
    retention: OnceLock<Retention>,
    /// Sizes and places of the segments; `None` when they have changed.
    extent: Mutex<Option<Extent>>,
    /// The UTC day on which the open segment was begun; 0 where it is not known.
    open_day: AtomicU16,
    /// The newest segment that was closed; changes are signalled.
    sealed: watch::Sender<Seq>,
    /// Who looks for a record in its segment holds it: a file that is removed meanwhile would be taken for a lost one.
    pub(super) layout: RwLock<()>,
    /// One at a time removes or rewrites segments.
    pub(super) tidying: Mutex<()>,
}

/// The sealed segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Extent {
    bytes: u64,
    oldest: Option<SealedSegment>,
}

/// The oldest of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SealedSegment {
    first: Seq,
    /// First record of the one behind it.
    next: Seq,
}

impl Bound {
    fn retention(&self) -> &Retention {
        self.retention.get_or_init(Retention::default)
    }

    fn extent(&self) -> MutexGuard<'_, Option<Extent>> {
        self.extent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The segments have changed.
    pub(super) fn measure_anew(&self) {
        *self.extent() = None;
    }
}

impl Extent {
    /// The setting that a log of this size is beyond; a margin is given as a share of a segment.
    fn beyond(&self, retention: &Retention, end: LogEnd, margin_bytes: u64) -> Option<&'static str> {
        let oldest = self.oldest?;
        let margin_records = if margin_bytes == 0 { 0 } else { oldest.next.0 - oldest.first.0 };
        let (bytes, records) = (self.bytes + end.offset, end.next.0 - oldest.first.0);
        if retention.bytes.is_some_and(|max| bytes > max.saturating_add(margin_bytes)) {
            Some("store.retain_size")
        } else if retention.records.is_some_and(|max| records > max.saturating_add(margin_records)) {
            Some("store.retain_records")
        } else {
            None
        }
    }
}

impl Store {
    /// Says what of the log is kept; once, before records are committed.
    pub fn keep_within(&self, retention: Retention) {
        // A second one would be of the same settings: they take effect at a start.
        let _ = self.bound.retention.set(retention);
    }

    /// The newest segment that was closed; changes are signalled.
    pub fn sealed(&self) -> watch::Receiver<Seq> {
        self.bound.sealed.subscribe()
    }

    /// The sealed segments before the open one.
    fn extent(&self, end: LogEnd) -> Result<Extent, StoreError> {
        let mut known = self.bound.extent();
        if let Some(extent) = *known {
            return Ok(extent);
        }
        let segments = self.segments.list()?;
        let sealed: Vec<Seq> = segments.iter().copied().filter(|segment| *segment < end.segment).collect();
        let oldest = sealed.first().map(|first| {
            let next = sealed.get(1).copied().unwrap_or(end.segment);
            SealedSegment { first: *first, next }
        });
        let bytes = sealed.into_iter().map(|segment| self.segments.length(segment)).sum();
        Ok(*known.insert(Extent { bytes, oldest }))
    }

    /// The end of the log, and the segments before it: measured while no commit closes one more.
    fn end_and_extent(&self) -> Result<(LogEnd, Extent), StoreError> {
        let end = self.lock_end();
        Ok((*end, self.extent(*end)?))
    }

    /// Appends a frame of records of a day, in a new segment when the open one was begun on an earlier one. A clock that
    /// was set back begins none.
    ///
    /// # Errors
    /// The file system's, and [`StoreError::LogFull`] beyond the bound.
    pub(super) fn append(
        &self,
        tables: &Tables,
        end: LogEnd,
        lines: &[u8],
        count: u64,
        at: Timestamp,
    ) -> Result<(FrameAt, LogEnd), StoreError> {
        let retention = self.bound.retention();
        if (retention.bytes.is_some() || retention.records.is_some()) && !retention.past_cursors {
            let margin = self.segments.segment_bytes_max();
            if let Some(held) = self.held_by(tables, self.extent(end)?, end, margin)? {
                return Err(StoreError::LogFull(held));
            }
        }
        let (day, open_day) = (Day::of(at), Day::from(self.bound.open_day.load(Ordering::Relaxed)));
        let is_next_day = end.offset > 0 && open_day > Day::default() && day > open_day;
        let place = if is_next_day { LogEnd { segment: end.next, offset: 0, ..end } } else { end };
        let (frame, new_end) = self.segments.append(place, lines, count)?;
        if frame.offset == 0 {
            self.bound.open_day.store(day.max(open_day).into(), Ordering::Relaxed);
        }
        if frame.segment != end.segment {
            self.bound.measure_anew();
            self.bound.sealed.send_replace(end.segment);
        }
        Ok((frame, new_end))
    }

    /// Learns from the open segment on which day it was begun.
    pub(super) fn read_open_day(&self, tables: &Tables, end: LogEnd) -> Result<(), StoreError> {
        let row = tables.positions.get(end.segment.0.to_be_bytes())?;
        let frame = row.and_then(|row| Position::decode(&row)).filter(|position| position.line == 0);
        let lines = frame.and_then(|position| String::from_utf8(self.segments.read(position.frame).ok()?).ok());
        // Of a first frame that cannot be read the day is not known: the segment is closed by its size.
        let day = lines.and_then(|lines| first_stamp(&lines)).map(Day::of).unwrap_or_default();
        self.bound.open_day.store(day.into(), Ordering::Relaxed);
        self.bound.measure_anew();
        Ok(())
    }

    /// Outputs that have not read all records before `next`, those farthest behind first.
    fn behind(&self, tables: &Tables, next: Seq) -> Result<Vec<(String, Seq)>, StoreError> {
        let mut behind = Vec::new();
        for (consumer, from_start) in &self.bound.retention().consumers {
            let row = tables.cursors.get(consumer)?;
            let cursor = row.and_then(|row| rows::decode_seq(&row));
            let cursor = cursor.or(from_start.then_some(Seq(0)));
            behind.extend(cursor.filter(|cursor| cursor.next() < next).map(|cursor| (consumer.clone(), cursor)));
        }
        behind.sort_by_key(|(_, cursor)| *cursor);
        Ok(behind)
    }

    fn held_by(
        &self,
        tables: &Tables,
        extent: Extent,
        end: LogEnd,
        margin_bytes: u64,
    ) -> Result<Option<Held>, StoreError> {
        let retention = self.bound.retention();
        let Some(setting) = extent.beyond(retention, end, margin_bytes) else { return Ok(None) };
        let Some(oldest) = extent.oldest else { return Ok(None) };
        let behind = self.behind(tables, oldest.next)?;
        Ok(behind.into_iter().next().map(|(output, _)| Held { output, setting }))
    }

    /// What keeps the log beyond its bound, also before commits are refused for it.
    ///
    /// # Errors
    /// The store's.
    pub fn log_held_by(&self) -> Result<Option<Held>, StoreError> {
        if self.bound.retention().past_cursors {
            return Ok(None);
        }
        let (end, extent) = self.end_and_extent()?;
        self.ask(|tables| self.held_by(tables, extent, end, 0))
    }

    /// Removes the oldest segment, if the settings want it gone and no output holds it. `None` when none was removed.
    ///
    /// # Errors
    /// The store's; what is half done then is done with the next, or at the next start.
    pub fn retain(&self, now: Timestamp) -> Result<Option<Removed>, StoreError> {
        let retention = self.bound.retention();
        let _one_at_a_time = self.bound.tidying.lock().unwrap_or_else(PoisonError::into_inner);
        let (end, extent) = self.end_and_extent()?;
        let Some(oldest) = extent.oldest else { return Ok(None) };
        let is_too_old =
            |age| Ok::<_, StoreError>(self.newest_of(oldest)?.is_some_and(|at| at < window_start(now, age)));
        let is_due = match (extent.beyond(retention, end, 0), retention.age) {
            (Some(_), _) => true,
            (None, Some(age)) => is_too_old(age)?,
            (None, None) => false,
        };
        if !is_due {
            return Ok(None);
        }
        let behind = self.ask(|tables| self.behind(tables, oldest.next))?;
        if !behind.is_empty() && !retention.past_cursors {
            return Ok(None);
        }
        let lost = |(output, cursor): (String, Seq)| {
            let first_lost = cursor.next().max(oldest.first);
            (output, oldest.next.0 - first_lost.0)
        };
        let bytes = self.segments.length(oldest.first);
        self.remove(oldest.first, oldest.next)?;
        let last = Seq(oldest.next.0 - 1);
        Ok(Some(Removed { first: oldest.first, last, bytes, lost: behind.into_iter().map(lost).collect() }))
    }

    /// When the last record of a segment was committed; where that cannot be read, the first one behind it.
    fn newest_of(&self, segment: SealedSegment) -> Result<Option<Timestamp>, StoreError> {
        for seq in [Seq(segment.next.0 - 1), segment.next] {
            match self.line(seq) {
                Ok(line) => {
                    let at = line.and_then(|line| recorded_at(&line).ok());
                    if at.is_some() {
                        return Ok(at);
                    }
                }
                Err(StoreError::Log(LogError::Damaged { .. })) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Removes a segment, sled's rows first. sled is flushed before the file goes, so that the end of the log that it
    /// knows lies behind it for good.
    fn remove(&self, segment: Seq, next: Seq) -> Result<(), StoreError> {
        let _no_backup = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        self.ask(|tables| {
            tables.meta.insert(BEGIN, &next.0.to_be_bytes())?;
            tables.db.flush()?;
            Ok(())
        })?;
        self.passes(Point::RETAIN_NAMED)?;
        self.ask(|tables| self.remove_rows(tables, next))?;
        self.passes(Point::RETAIN_FLUSHED)?;
        let _readers_are_out = self.bound.layout.write().unwrap_or_else(PoisonError::into_inner);
        let removed = self.segments.remove(segment);
        self.bound.measure_anew();
        Ok(removed?)
    }

    /// Removes the rows that point to records before `next`.
    fn remove_rows(&self, tables: &Tables, next: Seq) -> Result<(), StoreError> {
        for tree in [&tables.positions, &tables.sketches] {
            while remove_some(tree, next)? {
                self.passes(Point::RETAIN_ROWS)?;
            }
        }
        tables.db.flush()?;
        Ok(())
    }

    /// Removes what a kill left of segments that had to go. The open segment never has to. The tables are being opened:
    /// who reads meanwhile may hold the lock of readers, and wait for them.
    pub(super) fn finish_removing(&self, tables: &Tables, end: LogEnd) -> Result<(), StoreError> {
        let Some(begin) = tables.begin()?.map(|begin| begin.min(end.segment)) else { return Ok(()) };
        let segments: Vec<Seq> = self.segments.list()?.into_iter().filter(|segment| *segment < begin).collect();
        let has_rows =
            |tree: &Tree| Ok::<_, StoreError>(tree.range(..begin.0.to_be_bytes()).next().transpose()?.is_some());
        if !segments.is_empty() || has_rows(&tables.positions)? || has_rows(&tables.sketches)? {
            self.remove_rows(tables, begin)?;
        }
        self.bound.measure_anew();
        Ok(segments.into_iter().try_for_each(|segment| self.segments.remove(segment))?)
    }

    /// Notes where a log begins whose sled was lost: at its oldest file, whatever of that can be read. What was recorded
    /// before is not known any more: what is announced as published before is taken for that, as if it had been forgotten.
    pub(super) fn note_begin(&self, tables: &Tables) -> Result<(), StoreError> {
        let Some(first) = self.segments.list()?.first().copied().filter(|first| *first > Seq(1)) else { return Ok(()) };
        tables.meta.insert(BEGIN, &first.0.to_be_bytes())?;
        let mut scan = Scan::new(&self.segments, LogEnd::EMPTY)?;
        while let Some(part) = scan.next()? {
            if let Part::Frame { lines, .. } = part
                && let Some(at) = first_stamp(&lines)
            {
                return tables.note_forgotten(Day::of(at).before(1));
            }
        }
        Ok(())
    }

    /// Passes a moment at which a test may stop it.
    pub(super) fn passes(&self, point: Point) -> Result<(), StoreError> {
        faults::pass(point).map_err(|source| StoreError::Io { path: self.path.clone(), source })
    }
}

impl Tables {
    /// The first record that is kept; `None` while nothing has been removed.
    pub(super) fn begin(&self) -> Result<Option<Seq>, StoreError> {
        self.seq_in(BEGIN)
    }
}

/// Removes rows keyed by sequence numbers before `next`; whether there were any.
fn remove_some(tree: &Tree, next: Seq) -> Result<bool, StoreError> {
    let mut batch = Batch::default();
    let mut is_empty = true;
    for key in tree.range(..next.0.to_be_bytes()).keys().take(BATCH_ROWS) {
        batch.remove(key?);
        is_empty = false;
    }
    tree.apply_batch(batch)?;
    Ok(!is_empty)
}

/// When the first of some lines was committed.
fn first_stamp(lines: &str) -> Option<Timestamp> {
    recorded_at(lines.lines().next()?).ok()
}

#[cfg(test)]
#[path = "retention_tests.rs"]
mod tests;
