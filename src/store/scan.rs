//! Reading the log over its segments, in the order of its records: what is there, and what is missing between.

use std::collections::VecDeque;
use std::path::PathBuf;

use super::segments::{FrameAt, LogEnd, LogError, Segments};
use super::walk::{Piece, Walk, numbers};
use crate::model::Seq;

/// Records that were committed and cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The first of them.
    pub first: Seq,
    /// The last of them.
    pub last: Seq,
    /// The file in which they were.
    pub file: PathBuf,
    /// Where in it; `None` where the file is missing.
    pub byte: Option<u64>,
    /// Why they cannot be read.
    pub reason: String,
}

impl Gap {
    /// What is missing where the oldest file of a log begins behind the first record that is kept.
    pub fn before(segments: &Segments, begin: Seq, oldest: Seq) -> Self {
        let reason = "the oldest file of the log begins behind them".to_owned();
        Self { first: begin, last: Seq(oldest.0 - 1), file: segments.path(begin), byte: None, reason }
    }

    /// What is missing behind a segment of which all can be read. Most often a file is missing that begins with the first
    /// of them: a file is seldom cut between two frames.
    pub fn behind(segments: &Segments, segment: Seq, first: Seq, last: Seq) -> Self {
        let (before, file) = (segments.path(segment), segments.path(first));
        if before.exists() && before != file && !file.exists() {
            let reason = match before.file_name() {
                Some(before) => format!("or {} was cut behind record {}", before.display(), first.0 - 1),
                None => "no other file holds them".to_owned(),
            };
            return Self { first, last, file, byte: None, reason };
        }
        if !before.exists() {
            return Self { first, last, file: before, byte: None, reason: "no other file holds them".to_owned() };
        }
        let byte = Some(segments.length(segment));
        Self { first, last, file: before, byte, reason: "the file ends there".to_owned() }
    }
}

/// What comes next in the log.
#[derive(Debug)]
pub enum Part {
    /// A frame.
    Frame {
        /// Where it lies.
        at: FrameAt,
        /// Number of its first line.
        first: Seq,
        /// Number of its last line.
        last: Seq,
        /// Its lines.
        lines: String,
        /// Whether they were compared with a checksum.
        is_checked: bool,
    },
    /// Records are missing.
    Lost(Gap),
    /// Bytes that do not decode, and took no record with them.
    Stray {
        /// The file.
        file: PathBuf,
        /// Where in it.
        byte: u64,
        /// What they are.
        reason: String,
    },
    /// A frame with numbers that were before it; they are left out.
    Repeated {
        /// Where it lies.
        at: FrameAt,
        /// Number of its first line.
        first: Seq,
        /// Number of its last line.
        last: Seq,
    },
    /// The log ends with bytes that are no whole frame.
    Tail {
        /// The segment.
        segment: Seq,
        /// Where in it they begin.
        offset: u64,
        /// How many.
        length: u64,
        /// What is wrong with them.
        reason: String,
    },
}

/// A passage through the log.
pub struct Scan<'a> {
    segments: &'a Segments,
    ahead: VecDeque<Seq>,
    walk: Option<(Seq, Walk)>,
    /// Where the walk begins.
    from: LogEnd,
    /// Where it ends; `None` for the end of the files.
    until: Option<LogEnd>,
    /// Number of the next record; `None` before the first segment.
    expected: Option<Seq>,
    /// What was damaged since the last frame.
    damage: Option<(Seq, u64, String)>,
    waiting: Option<Part>,
    is_done: bool,
}

impl<'a> Scan<'a> {
    /// Reads on from a place in the log, to the end; from its beginning where that is [`LogEnd::EMPTY`].
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn new(segments: &'a Segments, from: LogEnd) -> Result<Self, LogError> {
        let ahead = segments.list()?.into_iter().filter(|segment| *segment >= from.segment).collect();
        let expected = (from != LogEnd::EMPTY).then_some(from.next);
        Ok(Self::over(segments, ahead, from, expected))
    }

    /// Reads one segment.
    pub fn of_segment(segments: &'a Segments, segment: Seq) -> Self {
        let from = LogEnd { next: segment, segment, offset: 0 };
        Self::over(segments, VecDeque::from([segment]), from, Some(segment))
    }

    fn over(segments: &'a Segments, ahead: VecDeque<Seq>, from: LogEnd, expected: Option<Seq>) -> Self {
        Self { segments, ahead, walk: None, from, until: None, expected, damage: None, waiting: None, is_done: false }
    }

    /// Reads no further than to an end of the log: what lies behind it may be a commit under way.
    pub fn until(mut self, end: LogEnd) -> Self {
        self.ahead.retain(|segment| *segment <= end.segment);
        self.until = Some(end);
        self
    }

    /// Number that the next record has where nothing is missing.
    pub fn expected(&self) -> Option<Seq> {
        self.expected
    }

    /// The next part; `None` at the end. Parts come in the order of the records.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn next(&mut self) -> Result<Option<Part>, LogError> {
        loop {
            if let Some(part) = self.waiting.take() {
                return Ok(Some(part));
            }
            if self.is_done {
                return Ok(None);
            }
            let piece = match &mut self.walk {
                Some((_, walk)) => walk.next()?,
                None => None,
            };
            let segment = self.walk.as_ref().map_or(self.from.segment, |(segment, _)| *segment);
            let part = match piece {
                None => self.enter_segment()?,
                Some(Piece::Damaged { offset, reason }) => {
                    self.damage.get_or_insert((segment, offset, reason));
                    None
                }
                Some(Piece::Frame { at, lines, is_checked }) => {
                    let lines = String::from_utf8(lines).map_err(|_| "it is no text".to_owned());
                    match lines.and_then(|lines| numbers(&lines).map(|range| (lines, range))) {
                        Ok((lines, (first, last))) => {
                            Some(self.take_frame(Part::Frame { at, first, last, lines, is_checked }, at, (first, last)))
                        }
                        Err(reason) => {
                            self.damage.get_or_insert((segment, at.offset, reason));
                            None
                        }
                    }
                }
            };
            if part.is_some() {
                return Ok(part);
            }
        }
    }

    fn take_frame(&mut self, frame: Part, at: FrameAt, (first, last): (Seq, Seq)) -> Part {
        let expected = *self.expected.get_or_insert(at.segment);
        if first < expected {
            return Part::Repeated { at, first, last };
        }
        self.expected = Some(last.next());
        let damage = self.damage.take();
        let before = match damage {
            None if first == expected => return frame,
            damage if first > expected => {
                let reason = || (at.segment, at.offset, "no frame before it holds them".to_owned());
                Part::Lost(self.gap(expected, first, damage.unwrap_or_else(reason)))
            }
            None => return frame,
            Some((segment, byte, reason)) => Part::Stray { file: self.segments.path(segment), byte, reason },
        };
        self.waiting = Some(frame);
        before
    }

    /// The records from one up to another.
    fn gap(&self, first: Seq, until: Seq, (segment, byte, reason): (Seq, u64, String)) -> Gap {
        Gap { first, last: Seq(until.0 - 1), file: self.segments.path(segment), byte: Some(byte), reason }
    }

    /// Goes on to the next segment; says what is missing before it.
    fn enter_segment(&mut self) -> Result<Option<Part>, LogError> {
        let left = self.walk.take().map_or(self.from.segment, |(segment, _)| segment);
        let Some(segment) = self.ahead.pop_front() else {
            self.is_done = true;
            return Ok(self.damage.take().map(|(segment, offset, reason)| {
                let length = self.segments.length(segment).saturating_sub(offset);
                Part::Tail { segment, offset, length, reason }
            }));
        };
        let from = if segment == self.from.segment { self.from.offset } else { 0 };
        let until = self.until.filter(|end| end.segment == segment).map_or(u64::MAX, |end| end.offset);
        self.walk = Some((segment, self.segments.walk(segment, from, until)?));
        let expected = *self.expected.get_or_insert(segment);
        if segment <= expected {
            let damage = self.damage.take();
            return Ok(damage.map(|(segment, byte, reason)| Part::Stray {
                file: self.segments.path(segment),
                byte,
                reason,
            }));
        }
        self.expected = Some(segment);
        Ok(Some(Part::Lost(match self.damage.take() {
            Some(damage) => self.gap(expected, segment, damage),
            None => Gap::behind(self.segments, left, expected, Seq(segment.0 - 1)),
        })))
    }
}
