//! `chapar log fill`: lost records put back from another folder of segments, by their numbers.
//!
//! The folder is compared with the log first: records that both have must be the same. Then each file of the log that
//! lost records is written beside it, its own frames byte for byte and the found records between them, and put in its
//! place as a file that is written in larger frames (`recompressing`); records of files that are gone get files of their
//! own. What is there is not touched, and no table is made anew: of records that the tables know only the places change.
//!
//! A kill leaves the log as before or with some of the records put back, and the command is run again.

mod found;

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use super::backup::Tell;
use super::errors::at;
use super::scan::{Gap, Part, Scan};
use super::segments::{FrameOf, LogEnd, Merging, Segments};
use super::verify::open_alone;
use super::{LogError, Progress, Settled, Store, StoreError, Tables, index_folder, renewal, rows};
use crate::faults::{self, Point};
use crate::model::Seq;
use crate::record::Record;

use found::Found;

/// Ranges that are told one by one.
const RANGES_MAX: usize = 1_000;

/// Records that are entered into the tables at once, and the bytes of their lines at most: as in a commit.
const BATCH: (usize, usize) = (50, 8 << 20);

/// What to fill, and from where.
#[derive(Clone, Debug)]
pub struct Fill {
    /// The store's folder.
    pub store: PathBuf,
    /// A backup, a store, or a folder of segments.
    pub from: PathBuf,
    /// Also from a folder that has no record in common with the log.
    pub is_forced: bool,
    /// As of [`Store::open`].
    pub cache_bytes: u64,
    /// As of [`Store::open`].
    pub segment_bytes_max: u64,
    /// As of [`Store::open`].
    pub near_window: Option<Duration>,
}

/// What was filled.
#[derive(Clone, Debug, Default)]
pub struct Filled {
    /// Records that are in the log again.
    pub put_back: u64,
    /// Their ranges, the first of them.
    pub ranges: Vec<(Seq, Seq)>,
    /// What is still lost and the operator does not know of, in sentences.
    pub missing: Vec<String>,
    /// Records that are lost, as the operator knows, and not in the folder either.
    pub known_missing: u64,
    /// Records of the folder behind the end of this log.
    pub beyond: u64,
    /// Damaged files that were kept, since what they lost was not found.
    pub kept: Vec<PathBuf>,
    /// What opening the store had to mend.
    pub notices: Vec<String>,
}

/// Why nothing was put back.
#[derive(Debug, thiserror::Error)]
pub enum FillError {
    /// There is nothing to read.
    #[error(
        "{0} holds no file of a log (*.zst), nor a folder `log` with one: name a backup, or a folder of such files"
    )]
    NoSegments(PathBuf),
    /// It is the log itself.
    #[error("{0} is the log that is to be filled; name a backup")]
    ItSelf(PathBuf),
    /// Another store.
    #[error("{folder} is of another store, nothing was put back: record {seq} is another one there")]
    Another {
        /// The folder.
        folder: PathBuf,
        /// The first that differs.
        seq: Seq,
    },
    /// Nobody knows whose it is.
    #[error(
        "no record can be read both in the log and in {0}, so it may be of another store; nothing was put back; --force \
         takes it all the same"
    )]
    NothingInCommon(PathBuf),
    /// The end of the log is lost, and not found.
    #[error("{0} holds none of the records that the log has lost at its end; take a newer backup")]
    NothingFound(PathBuf),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<LogError> for FillError {
    fn from(error: LogError) -> Self {
        Self::Store(error.into())
    }
}

/// Puts back what the log has lost and the folder holds.
///
/// # Errors
/// See [`FillError`]; another process that has the store.
pub fn fill(wanted: &Fill, patience: Duration, mut tell: impl FnMut(&Progress)) -> Result<Filled, FillError> {
    let Fill { store: path, cache_bytes, segment_bytes_max, near_window, .. } = wanted;
    let tell: &mut Tell<'_> = &mut |progress| {
        tell(progress);
        true
    };
    let from = segments_in(&wanted.from)?;
    let log = path.join("log");
    if log.canonicalize().ok().zip(from.canonicalize().ok()).is_some_and(|(log, from)| log == from) {
        return Err(FillError::ItSelf(from));
    }
    let lock = Store::take(path, patience)?;
    let found = Found::compare(&Segments::open(&log, u64::MAX)?, Segments::of_another(&from), tell)?;
    if found.common == 0 && !found.is_empty() && !wanted.is_forced {
        return Err(FillError::NothingInCommon(from));
    }
    renewal::finish(path)?;
    go_on_behind_a_cut(wanted, &found)?;
    let store = Store::open_taken(path, lock, *cache_bytes, *segment_bytes_max, *near_window, &mut |_| {})?;
    let mut filled = Filled { notices: store.notices().to_vec(), ..Filled::default() };
    filled.beyond = found.count_from(store.next_seq());
    let missing = store.missing()?;
    if missing.iter().any(|gap| found.has_any_in(gap.first, gap.last)) {
        // It goes on behind its last line, and would not get what comes before that.
        index_folder::remove_index(path)?;
    }
    let total = missing.iter().map(|gap| gap.last.0 - gap.first.0 + 1).sum();
    let mut filling = Filling { store: &store, found, filled, batch: Vec::new(), bytes: 0 };
    let files = store.segments.list()?;
    // Those of one file, or of the place behind it, at once.
    for gaps in missing.chunk_by(|one, next| file_of(&files, one.first) == file_of(&files, next.first)) {
        tell(&Progress { step: "putting back".to_owned(), done: filling.filled.put_back, total });
        filling.fill_file(file_of(&files, gaps[0].first), gaps)?;
    }
    let mut filled = filling.filled;
    let missing = store.missing()?;
    store.ask(|tables| {
        tables.accept_only(&missing)?;
        store.gaps.accept(tables.accepted_gaps()?);
        Ok(tables.db.flush().map(drop)?)
    })?;
    for gap in missing {
        match store.gaps.is_accepted(&gap) {
            true => filled.known_missing += gap.last.0 - gap.first.0 + 1,
            false if filled.missing.len() < RANGES_MAX => filled.missing.push(gap.to_string()),
            false => {}
        }
    }
    Ok(filled)
}

/// The folder of segments that is meant by a backup, a store, or itself.
fn segments_in(folder: &Path) -> Result<PathBuf, FillError> {
    std::fs::read_dir(folder).map_err(at(folder))?;
    for folder in [folder.join("log"), folder.to_owned()] {
        if folder.is_dir() && !Segments::of_another(&folder).list()?.is_empty() {
            return Ok(folder);
        }
    }
    Err(FillError::NoSegments(folder.to_owned()))
}

/// The file that a record belongs to by its number: the last that is named by it or by an earlier one.
fn file_of(files: &[Seq], seq: Seq) -> Option<Seq> {
    files.partition_point(|file| *file <= seq).checked_sub(1).map(|place| files[place])
}

/// A log that is shorter than what was committed does not open. Where some of what it lost was found, its end is moved
/// behind what is lost, into a file of its own.
fn go_on_behind_a_cut(wanted: &Fill, found: &Found) -> Result<(), FillError> {
    let sled = wanted.store.join("sled");
    // Tables that are damaged are made anew when the store is opened.
    let Some((tables, end)) = sled.exists().then(|| open_alone(&sled, wanted.cache_bytes).ok()).flatten() else {
        return Ok(());
    };
    let segments = Segments::open(&wanted.store.join("log"), u64::MAX)?;
    if segments.length(end.segment) >= end.offset || tables.is_rebuilding()? {
        return Ok(());
    }
    if !found.has_any_before(end.next) {
        return Err(FillError::NothingFound(wanted.from.clone()));
    }
    tables.seal(&segments, end)?;
    Ok(())
}

impl Tables {
    /// Moves the end of the log into a file of its own, so that no record is written any more to the one before.
    fn seal(&self, segments: &Segments, end: LogEnd) -> Result<LogEnd, StoreError> {
        let new = LogEnd { next: end.next, segment: end.next, offset: 0 };
        self.meta.insert("end", &rows::encode_end(new))?;
        self.db.flush()?;
        let path = segments.path(new.segment);
        // The file tells of the number when the tables are lost.
        if !path.exists() {
            segments.begin(new.segment)?;
        }
        faults::pass(Point::FILL_SEALED).map_err(|source| StoreError::Io { path, source })?;
        Ok(new)
    }
}

impl Store {
    /// Every range of numbers that the log should hold and does not, in their order.
    fn missing(&self) -> Result<Vec<Gap>, StoreError> {
        let end = *self.lock_end();
        let begin = self.ask(Tables::begin)?.unwrap_or(Seq(1));
        let files = self.segments.list()?;
        let mut missing = Vec::new();
        if let Some(first) = files.first().filter(|first| **first > begin && begin < end.next) {
            missing.push(Gap::before(&self.segments, begin, *first));
        }
        let mut scan = Scan::new(&self.segments, LogEnd::EMPTY)?;
        let mut torn = None;
        while let Some(part) = scan.next()? {
            match part {
                Part::Lost(gap) => missing.push(gap),
                Part::Tail { segment, offset, reason, .. } => torn = Some((segment, offset, reason)),
                Part::Frame { .. } | Part::Stray { .. } | Part::Repeated { .. } => {}
            }
        }
        let expected = scan.expected().unwrap_or(begin);
        if expected < end.next {
            let (first, last) = (expected, Seq(end.next.0 - 1));
            missing.push(match torn {
                Some((segment, offset, reason)) => {
                    Gap { first, last, file: self.segments.path(segment), byte: Some(offset), reason }
                }
                None => Gap::behind(&self.segments, file_of(&files, expected).unwrap_or(begin), first, last),
            });
        }
        Ok(missing)
    }
}

/// Work under way.
struct Filling<'a> {
    store: &'a Store,
    found: Found,
    filled: Filled,
    /// Records that are to be entered.
    batch: Vec<Settled>,
    /// Bytes of their lines.
    bytes: usize,
}

impl Filling<'_> {
    /// Puts back what is missing in a file, and between it and the next. Without a file, what is missing before the first.
    fn fill_file(&mut self, file: Option<Seq>, gaps: &[Gap]) -> Result<(), FillError> {
        if !gaps.iter().any(|gap| self.found.has_any_in(gap.first, gap.last)) {
            return Ok(());
        }
        let store = self.store;
        self.seal(file)?;
        let own = file.map(|file| store.segments.readable(file)).transpose()?.unwrap_or_default();
        let behind = own.frames.last().map(|frame| frame.end());
        let is_written_anew =
            file.is_some() && (!own.is_whole || behind.is_none_or(|behind| gaps.iter().any(|gap| gap.first < behind)));
        let mut frames = own.frames.iter().copied().peekable();
        let mut merging = match file.filter(|_| is_written_anew) {
            Some(file) => Some(Merging::begin(&store.segments, file)?),
            None => None,
        };
        let mut left = 0;
        for gap in gaps {
            take_over(&mut merging, &mut frames, gap.first)?;
            let before = self.filled.put_back;
            let mut reader = self.found.reader(gap.first, gap.last);
            while let Some((seq, line)) = reader.next(&self.found)? {
                // All frames of the file are in it: what follows may be a file of its own.
                let is_full = |merging: &Merging<'_>| merging.bytes() >= store.segments.segment_bytes_max();
                if merging.as_ref().is_none_or(|merging| frames.peek().is_none() && is_full(merging)) {
                    if let Some(full) = merging.take() {
                        self.place(full, None)?;
                    }
                    merging = Some(Merging::begin(&store.segments, seq)?);
                }
                if let Some(merging) = &mut merging {
                    merging.line(seq, &line)?;
                }
                self.enter(seq, &line)?;
                self.note(seq);
            }
            left += gap.last.0 - gap.first.0 + 1 - (self.filled.put_back - before);
        }
        take_over(&mut merging, &mut frames, Seq(u64::MAX))?;
        let damaged = file.filter(|_| is_written_anew && left > 0 && !own.is_whole);
        Ok(merging.map_or(Ok(()), |merging| self.place(merging, damaged))?)
    }

    /// Where records come into the file that is written to, the end of the log goes elsewhere first.
    fn seal(&self, file: Option<Seq>) -> Result<(), StoreError> {
        let mut end = self.store.lock_end();
        if file != Some(end.segment) || end.offset == 0 {
            return Ok(());
        }
        let sealed = self.store.tables_for(&mut end)?.seal(&self.store.segments, *end)?;
        *end = sealed;
        self.store.bound.measure_anew();
        Ok(())
    }

    /// Counts a record that is put back.
    fn note(&mut self, seq: Seq) {
        self.filled.put_back += 1;
        let ranges = &mut self.filled.ranges;
        if let Some((_, last)) = ranges.last_mut().filter(|(_, last)| last.next() == seq) {
            *last = seq;
        } else if ranges.len() < RANGES_MAX {
            ranges.push((seq, seq));
        }
    }

    /// Enters what the tables may not know of a record. They may know a record that is not in the log yet, as they do when
    /// it is lost.
    fn enter(&mut self, seq: Seq, line: &str) -> Result<(), StoreError> {
        let record: Record = serde_json::from_str(line)
            .map_err(|error| StoreError::Row(format!("record {seq}, which was to be put back: {error}")))?;
        self.batch.push(self.store.settled_by(&record, Timestamp::now()));
        self.bytes += line.len();
        if self.batch.len() >= BATCH.0 || self.bytes >= BATCH.1 {
            self.enter_batch()?;
        }
        Ok(())
    }

    fn enter_batch(&mut self) -> Result<(), StoreError> {
        let batch = std::mem::take(&mut self.batch);
        self.bytes = 0;
        self.store.change(|tables| tables.enter_put_back(&batch))
    }

    /// Puts a file in its place, when the tables know what is in it.
    fn place(&mut self, merging: Merging<'_>, damaged: Option<Seq>) -> Result<(), StoreError> {
        let segment = merging.segment();
        merging.finish()?;
        self.enter_batch()?;
        self.store.flush()?;
        self.store.passes(Point::FILL_ENTERED)?;
        if let Some(damaged) = damaged {
            self.filled.kept.push(self.store.segments.keep_damaged(damaged)?);
        }
        self.store.exchange(segment)?;
        self.store.passes(Point::FILL_PLACED)
    }
}

/// Takes over the frames of a file up to a number.
fn take_over(
    merging: &mut Option<Merging<'_>>,
    frames: &mut std::iter::Peekable<impl Iterator<Item = FrameOf>>,
    until: Seq,
) -> Result<(), LogError> {
    while let Some(frame) = frames.next_if(|frame| frame.first < until) {
        merging.as_mut().map_or(Ok(()), |merging| merging.frame(frame))?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "fill_tests.rs"]
mod tests;
