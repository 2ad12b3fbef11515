//! What another folder of segments holds that a log has not.

use jiff::Timestamp;
use serde::Deserialize;

use super::super::Progress;
use super::super::backup::Tell;
use super::super::scan::{Part, Scan};
use super::super::segments::{FrameAt, LogEnd, LogError, Segments};
use super::FillError;
use crate::model::{ArticleId, Seq};

/// A frame with records that the log has not.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    first: Seq,
    last: Seq,
    at: FrameAt,
}

/// The records of a folder, compared with those of a log.
pub struct Found {
    segments: Segments,
    /// In the order of their numbers.
    frames: Vec<Wanted>,
    /// Records that both have.
    pub common: u64,
}

/// Hands out the lines of a range one by one.
pub struct Reader {
    first: Seq,
    last: Seq,
    place: usize,
    frame: Option<(Seq, Vec<String>)>,
}

/// What makes a record that record: a line is never rewritten.
#[derive(Deserialize, PartialEq)]
struct Identity {
    seq: Seq,
    id: ArticleId,
    recorded_at: Timestamp,
}

/// Whether two lines are of one record.
pub fn is_same_record(one: &str, other: &str) -> bool {
    let identity = |line: &str| serde_json::from_str::<Identity>(line).ok();
    one == other || identity(one).is_some_and(|one| identity(other) == Some(one))
}

impl Found {
    /// Reads both from their beginning to their end, with as much in memory as a frame of each has.
    ///
    /// # Errors
    /// [`FillError::Another`]; the file system's.
    pub fn compare(log: &Segments, other: Segments, tell: &mut Tell<'_>) -> Result<Self, FillError> {
        let (mut frames, mut common, mut done) = (Vec::new(), 0, 0);
        let total = other.bytes()?;
        let mut own_frames = Scan::new(log, LogEnd::EMPTY)?;
        let mut own = Own::next(&mut own_frames)?;
        let mut scan = Scan::new(&other, LogEnd::EMPTY)?;
        while let Some(part) = scan.next()? {
            let Part::Frame { at, first, last, lines, .. } = part else { continue };
            let theirs: Vec<&str> = lines.lines().collect();
            let mut both = 0;
            while let Some(ours) = own.as_ref().filter(|ours| ours.first <= last) {
                for seq in ours.first.max(first).0..=ours.last().min(last).0 {
                    let (our_line, their_line) =
                        (&ours.lines[(seq - ours.first.0) as usize], theirs[(seq - first.0) as usize]);
                    if !is_same_record(our_line, their_line) {
                        return Err(FillError::Another { folder: other.folder().to_owned(), seq: Seq(seq) });
                    }
                    both += 1;
                }
                if ours.last() > last {
                    break;
                }
                own = Own::next(&mut own_frames)?;
            }
            common += both;
            if both < theirs.len() as u64 {
                frames.push(Wanted { first, last, at });
            }
            done += u64::from(at.length);
            tell(&Progress { step: "comparing".to_owned(), done, total });
        }
        Ok(Self { segments: other, frames, common })
    }

    /// Whether it holds nothing that the log has not.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Whether it holds any record of a range.
    pub fn has_any_in(&self, first: Seq, last: Seq) -> bool {
        self.frames.get(self.place_of(first)).is_some_and(|frame| frame.first <= last)
    }

    /// Whether the log has not all of its records before a number.
    pub fn has_any_before(&self, next: Seq) -> bool {
        self.frames.first().is_some_and(|frame| frame.first < next)
    }

    /// How many records it holds from a number on.
    pub fn count_from(&self, next: Seq) -> u64 {
        self.frames.iter().map(|frame| (frame.last.0 + 1).saturating_sub(next.0.max(frame.first.0))).sum()
    }

    /// Reads the records of a range, in their order.
    pub fn reader(&self, first: Seq, last: Seq) -> Reader {
        Reader { first, last, place: self.place_of(first), frame: None }
    }

    /// The first frame that reaches as far as a number.
    fn place_of(&self, seq: Seq) -> usize {
        self.frames.partition_point(|frame| frame.last < seq)
    }
}

impl Reader {
    /// The next record of the range that was found, with its line.
    ///
    /// # Errors
    /// The file system's; a frame that was read before and cannot be read now.
    pub fn next(&mut self, found: &Found) -> Result<Option<(Seq, String)>, LogError> {
        loop {
            if let Some((first, lines)) = &mut self.frame
                && let Some(line) = lines.get_mut(((self.first.0).saturating_sub(first.0)) as usize)
            {
                let seq = self.first.max(*first);
                if seq > self.last {
                    return Ok(None);
                }
                self.first = seq.next();
                return Ok(Some((seq, std::mem::take(line))));
            }
            let Some(frame) = found.frames.get(self.place).filter(|frame| frame.first <= self.last) else {
                return Ok(None);
            };
            self.place += 1;
            let lines = found.segments.frame(frame.at)?.lines().map(|(_, line)| line.to_owned()).collect();
            self.frame = Some((frame.first, lines));
        }
    }
}

/// A frame of the log, in lines.
struct Own {
    first: Seq,
    lines: Vec<String>,
}

impl Own {
    fn next(scan: &mut Scan<'_>) -> Result<Option<Self>, LogError> {
        while let Some(part) = scan.next()? {
            if let Part::Frame { first, lines, .. } = part {
                return Ok(Some(Self { first, lines: lines.lines().map(str::to_owned).collect() }));
            }
        }
        Ok(None)
    }

    fn last(&self) -> Seq {
        Seq(self.first.0 + self.lines.len() as u64 - 1)
    }
}
