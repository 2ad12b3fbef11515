//! Opening sled, and telling it of what the log has and it has not.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::caught::{Closing, calmly};
use super::format::{self, Format, STORE_FORMAT};
use super::scan::{Gap, Part, Scan};
use super::segments::{FrameAt, LogEnd};
use super::{NUMBERS_SPARED, REBUILT, RENEWALS_MAX, Settled, Store, StoreError, Tables};
use super::{decode_json, durability, index_folder, opening, renewal, unsynced};
use crate::model::{Pending, Seq};

/// How long those who ask damaged tables are waited for before the tables are copied.
const OTHERS_PATIENCE: Duration = Duration::from_secs(2);

/// What is told while the log is entered.
pub(super) type Tell<'a> = &'a mut dyn FnMut(u64);

impl Store {
    /// Opens sled, tells it of the frames it missed, and finds the log's end. Returns what had to be mended. A sled that is
    /// damaged is made anew once.
    pub(super) fn open_tables(&self, end: &mut LogEnd, tell: Tell<'_>) -> Result<Vec<String>, StoreError> {
        let mut slot = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        // A sled that is open has to be let go before it can be opened again.
        let before = slot.take();
        let mut notices = Vec::new();
        renewal::finish(&self.path)?;
        let damage = self.lock_damage().clone();
        if let Some(reason) = damage {
            if let Some(before) = &before {
                wait_for_others(before, OTHERS_PATIENCE);
            }
            self.renew_tables(before.as_deref().map(|tables| &**tables), &reason, &mut notices)?;
            *self.lock_damage() = None;
        }
        drop(before);
        if self.is_broken.load(Ordering::Acquire) {
            unsynced::mark(&self.path);
        }
        unsynced::write_again(&self.path)?;
        let tables = match self.open_tables_once(end, &mut notices, tell) {
            Ok(tables) => tables,
            Err(error) => {
                unsynced::mark(&self.path);
                let Some(reason) = error.damage_of_tables() else { return Err(error) };
                self.renew_tables(None, &reason, &mut notices)?;
                self.open_tables_once(end, &mut notices, tell)?
            }
        };
        *slot = Some(Arc::new(tables));
        self.writes_at_opening.store(durability::flush_calls(), Ordering::Relaxed);
        self.is_broken.store(false, Ordering::Release);
        self.announce(*end);
        Ok(notices)
    }

    /// Makes new tables in the place of damaged ones, so many times.
    fn renew_tables(&self, old: Option<&Tables>, reason: &str, notices: &mut Vec<String>) -> Result<(), StoreError> {
        if self.renewals.load(Ordering::Relaxed) >= RENEWALS_MAX {
            return Err(StoreError::Tables(format!("{reason}; made anew {RENEWALS_MAX} times already")));
        }
        let (kept, aside) = renewal::renew(&self.path, self.cache_bytes, old)?;
        self.renewals.fetch_add(1, Ordering::Relaxed);
        notices.push(format!(
            "the key tables were damaged ({reason}) and set aside as {}: they are rebuilt from the log; {kept}",
            aside.display()
        ));
        Ok(())
    }

    fn open_tables_once(
        &self,
        end: &mut LogEnd,
        notices: &mut Vec<String>,
        tell: Tell<'_>,
    ) -> Result<Closing<Tables>, StoreError> {
        let db = calmly(|| Ok(Closing::new(opening::open_when_let_go(&self.path.join("sled"), self.cache_bytes)?)))?;
        let tables = Closing::new(calmly(|| Tables::open(&db))?);
        opening::sync_what_sled_made(&self.path)?;
        drop(db);
        let found = calmly(|| self.catch_up(&tables, notices, tell))?;
        *end = found;
        Ok(tables)
    }

    /// Enters the frames that sled missed, and what was kept of an old sled.
    fn catch_up(&self, tables: &Tables, notices: &mut Vec<String>, tell: Tell<'_>) -> Result<LogEnd, StoreError> {
        let format = format::settle(tables, &self.path)?;
        if let Format::Migrated(from) = format {
            notices.push(format!("the store was brought from format {from} to {STORE_FORMAT}"));
        }
        if format == Format::New && !tables.is_rebuilding()? && self.segments.bytes()? > 0 && notices.is_empty() {
            notices.push(format!("the key tables were empty, the log was not: {REBUILT}"));
            tables.begin_rebuilding()?;
        }
        self.gaps.accept(tables.accepted_gaps()?);
        let mut end = tables.end()?.unwrap_or(LogEnd::EMPTY);
        let path = self.segments.path(end.segment);
        let found = match std::fs::metadata(&path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
            // A file that may not be looked at has lost nothing.
            Err(source) => return Err(StoreError::Io { path, source }),
        };
        if found < end.offset {
            return Err(StoreError::LogTooShort { path: self.segments.path(end.segment), found, expected: end.offset });
        }
        let is_rebuilding = tables.is_rebuilding()?;
        if (is_rebuilding || format == Format::New) && self.last_seq() == Seq(0) {
            // Where the end of the log is lost with the tables, its numbers are given out again. Nobody has the index open
            // when a store is opened; where tables are made anew later, no line is lost meanwhile.
            index_folder::remove_index(&self.path)?;
        }
        let entered = self.enter_log(tables, &mut end, tell)?;
        if entered.records > 0 {
            notices.push(format!("{} records of the log were entered into the key tables", entered.records));
        }
        if entered.frames > 1 && !is_rebuilding {
            // Each commit flushes sled before the next, so a kill leaves one frame. sled takes damage for a torn end.
            notices.push(format!(
                "the key tables had gone back by {} commits, as after damage in their files; what was pending, given up or \
                 delivered since then may be so again, and outputs may get records twice",
                entered.frames
            ));
        }
        if entered.cut > 0 {
            let whose = if is_rebuilding {
                "records of the last commit may have been in them"
            } else {
                "they were never acknowledged"
            };
            notices
                .push(format!("{} torn bytes at the end of the log were cut and kept beside it; {whose}", entered.cut));
        }
        // A segment is named by its first record, also one that has none yet: earlier numbers were given out.
        if let Some(last) = self.segments.list()?.pop().filter(|last| *last > end.next) {
            tables.accept_gap(end.next, Seq(last.0 - 1))?;
            self.gaps.accept(tables.accepted_gaps()?);
            end = LogEnd { next: last, segment: last, offset: 0 };
        }
        if is_rebuilding {
            self.note_begin(tables)?;
            end.next = self.take_kept(tables, end, entered.cut > 0, notices)?;
        }
        let mut pending = HashMap::new();
        for row in tables.frontier.iter().values() {
            *pending.entry(decode_json::<Pending>(&row?)?.entry.source).or_default() += 1;
        }
        *self.lock_pending() = pending;
        self.finish_removing(tables, end)?;
        self.finish_recompressing(tables)?;
        self.read_open_day(tables, end)?;
        Ok(end)
    }

    /// Enters the frames from `end` on, and moves it.
    fn enter_log(&self, tables: &Tables, end: &mut LogEnd, tell: Tell<'_>) -> Result<Entered, StoreError> {
        let is_rebuilding = tables.is_rebuilding()?;
        let mut entered = Entered::default();
        self.segments.sync_beyond(*end)?;
        let now = Timestamp::now();
        let mut scan = Scan::new(&self.segments, *end)?;
        while let Some(part) = scan.next()? {
            match part {
                Part::Frame { at, first, last, lines, .. } => {
                    *end = after(at, last);
                    let records = match self.segments.records(at, &lines) {
                        Ok(records) => records,
                        Err(error) => {
                            tracing::error!("records {first} to {last} are not entered into the key tables: {error}");
                            Vec::new()
                        }
                    };
                    entered.records += records.len();
                    if !is_rebuilding {
                        tables.note_announced(&records)?;
                    }
                    entered.frames += 1;
                    let settled: Vec<Settled> = records.iter().map(|record| self.settled_by(record, now)).collect();
                    tables.apply(&settled, Some(at), *end, self.near_window)?;
                    tell(at.length.into());
                }
                Part::Lost(gap) => self.gaps.note(gap),
                Part::Stray { file, byte, reason } => {
                    tracing::warn!("{}: bytes at {byte} are damaged ({reason}); no record was in them", file.display());
                }
                Part::Repeated { at, first, last } => {
                    let file = self.segments.path(at.segment);
                    tracing::error!(
                        "{}: records {first} to {last} at byte {} were there before; they are left out",
                        file.display(),
                        at.offset
                    );
                }
                Part::Tail { segment, offset, length, .. } => {
                    self.segments.cut(segment, offset)?;
                    entered.cut = length;
                }
            }
        }
        Ok(entered)
    }

    /// Moves what was kept of an old sled to where it belongs; returns the number of the next record. A number that was
    /// handed out once is not used again: outputs hold it.
    fn take_kept(
        &self,
        tables: &Tables,
        end: LogEnd,
        is_torn: bool,
        notices: &mut Vec<String>,
    ) -> Result<Seq, StoreError> {
        let spared = if is_torn { NUMBERS_SPARED } else { 0 };
        let next = tables.take_kept(end, spared)?;
        let begin = tables.begin()?.unwrap_or(Seq(1));
        if let Some(first) = self.segments.list()?.first().filter(|first| **first > begin) {
            self.gaps.note(Gap::before(&self.segments, begin, *first));
        }
        if next > end.next {
            let (first, last) = (end.next, Seq(next.0 - 1));
            let reason = "the log ends before them".to_owned();
            self.gaps.accept(tables.accepted_gaps()?);
            self.gaps.note(Gap { first, last, file: self.segments.path(end.segment), byte: Some(end.offset), reason });
            notices.push(format!("the next record is {next}: the numbers from {first} on may have been handed out"));
        }
        Ok(next)
    }
}

/// Waits for those who still ask tables of which the slot is locked. They may change them: a change that comes after
/// damaged tables were copied would be lost, though its author was told that it is done. Who hangs in them is waited for
/// so long and no longer.
pub(super) fn wait_for_others(tables: &Arc<Closing<Tables>>, patience: Duration) {
    let until = Instant::now() + patience;
    while Arc::strong_count(tables) > 1 && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What was entered.
#[derive(Default)]
struct Entered {
    records: usize,
    frames: usize,
    /// Torn bytes.
    cut: u64,
}

/// The log's end behind a frame.
fn after(at: FrameAt, last: Seq) -> LogEnd {
    LogEnd { next: last.next(), segment: at.segment, offset: at.offset + u64::from(at.length) }
}
