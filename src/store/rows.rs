//! What sled's trees hold, and how each row is written.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::segments::{FrameAt, LogEnd};
use crate::model::{ArticleId, Digest, Outcome, Pending, Seq};

/// A day, counted from 1970 in UTC: 2 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Day(u16);

impl Day {
    /// Before 1970 is the first day, after 2149 the last.
    pub(super) fn of(at: Timestamp) -> Self {
        let day = at.as_second().div_euclid(24 * 3600);
        Self(u16::try_from(day.max(0)).unwrap_or(u16::MAX))
    }

    pub(super) fn before(self, days: u16) -> Self {
        Self(self.0.saturating_sub(days))
    }

    pub(super) fn encode(self) -> [u8; 2] {
        self.0.to_be_bytes()
    }

    /// The first day for a row that has none.
    pub(super) fn decode(row: &[u8]) -> Self {
        Self(row.try_into().map(u16::from_be_bytes).unwrap_or_default())
    }
}

impl From<u16> for Day {
    fn from(days: u16) -> Self {
        Self(days)
    }
}

impl From<Day> for u16 {
    fn from(day: Day) -> Self {
        day.0
    }
}

/// Length of a row of `seen` without its day.
const SEEN_BYTES: usize = 45;

/// The row of an article with the day on which it was last announced or settled.
pub(super) fn with_day(row: &[u8], day: Day) -> Vec<u8> {
    [&row[..row.len().min(SEEN_BYTES)], &day.encode()].concat()
}

/// That day; the first for a row written before there were days.
pub(super) fn day_of(row: &[u8]) -> Day {
    Day::decode(row.get(SEEN_BYTES..).unwrap_or_default())
}

/// What is remembered of every article that came to an outcome: 45 bytes, and 2 of the day on which it was last announced
/// or settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The last outcome.
    pub outcome: Outcome,
    /// Version of the newest record; 0 where there is none.
    pub version: u32,
    /// Where the newest record lies; 0 where there is none.
    pub seq: Seq,
    /// Digest of the newest text; zero where there is none, or its page is gone.
    pub text_digest: Digest,
    /// For a copy: the article it is a copy of; else itself.
    pub of: ArticleId,
}

impl Seen {
    /// Whether another record holds a newer text.
    pub(super) fn is_replaced_by(&self, newer: &Self) -> bool {
        self.version > 0 && self.seq != newer.seq && self.text_digest != newer.text_digest
    }

    /// Whether it was recorded as an article, and not only as a copy of another. `id` is its own.
    pub fn is_article(&self, id: ArticleId) -> bool {
        self.version > 0 && self.of == id
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut row = Vec::with_capacity(SEEN_BYTES);
        let place = Outcome::ALL.iter().position(|outcome| *outcome == self.outcome).unwrap_or_default();
        row.push(place as u8);
        row.extend(self.version.to_be_bytes());
        row.extend(self.seq.0.to_be_bytes());
        row.extend(self.text_digest.0);
        row.extend(self.of.0);
        row
    }

    pub(super) fn decode(row: &[u8]) -> Option<Self> {
        let (outcome, row) = row.split_first()?;
        let (version, row) = row.split_first_chunk::<4>()?;
        let (seq, row) = row.split_first_chunk::<8>()?;
        let (digest, row) = row.split_first_chunk::<16>()?;
        let (of, _day) = row.split_first_chunk::<16>()?;
        Some(Self {
            outcome: *Outcome::ALL.get(usize::from(*outcome))?,
            version: u32::from_be_bytes(*version),
            seq: Seq(u64::from_be_bytes(*seq)),
            text_digest: Digest(*digest),
            of: ArticleId(*of),
        })
    }
}

/// An entry that was given up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The entry, as it was when given up.
    pub pending: Pending,
    /// Reason in one word.
    pub reason: String,
    /// Reason in a sentence.
    pub detail: String,
    /// When.
    pub at: Timestamp,
}

/// Where a record lies: its frame, and its line in the frame. 24 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The frame.
    pub frame: FrameAt,
    /// Line in the frame, from 0.
    pub line: u32,
}

impl Position {
    pub(super) fn encode(self) -> [u8; 24] {
        let mut row = [0; 24];
        row[..8].copy_from_slice(&self.frame.segment.0.to_be_bytes());
        row[8..16].copy_from_slice(&self.frame.offset.to_be_bytes());
        row[16..20].copy_from_slice(&self.frame.length.to_be_bytes());
        row[20..].copy_from_slice(&self.line.to_be_bytes());
        row
    }

    pub(super) fn decode(row: &[u8]) -> Option<Self> {
        let (segment, row) = row.split_first_chunk::<8>()?;
        let (offset, row) = row.split_first_chunk::<8>()?;
        let (length, row) = row.split_first_chunk::<4>()?;
        let frame = FrameAt {
            segment: Seq(u64::from_be_bytes(*segment)),
            offset: u64::from_be_bytes(*offset),
            length: u32::from_be_bytes(*length),
        };
        Some(Self { frame, line: u32::from_be_bytes(row.try_into().ok()?) })
    }
}

pub(super) fn encode_end(end: LogEnd) -> [u8; 24] {
    let mut row = [0; 24];
    row[..8].copy_from_slice(&end.next.0.to_be_bytes());
    row[8..16].copy_from_slice(&end.segment.0.to_be_bytes());
    row[16..].copy_from_slice(&end.offset.to_be_bytes());
    row
}

/// A number of a record, as keys and single values have it.
pub(super) fn decode_seq(bytes: &[u8]) -> Option<Seq> {
    Some(Seq(u64::from_be_bytes(bytes.try_into().ok()?)))
}

pub(super) fn decode_end(row: &[u8]) -> Option<LogEnd> {
    let (next, row) = row.split_first_chunk::<8>()?;
    let (segment, row) = row.split_first_chunk::<8>()?;
    Some(LogEnd {
        next: Seq(u64::from_be_bytes(*next)),
        segment: Seq(u64::from_be_bytes(*segment)),
        offset: u64::from_be_bytes(row.try_into().ok()?),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn rows_survive_writing_and_reading_and_a_cut_row_is_refused() {
        let seen = Seen {
            outcome: Outcome::Rejected,
            version: 7,
            seq: Seq(1 << 40),
            text_digest: Digest([3; 16]),
            of: ArticleId([9; 16]),
        };
        let row = seen.encode();
        assert_eq!(Seen::decode(&row), Some(seen));
        let frame = FrameAt { segment: Seq(1), offset: 1 << 33, length: 77 };
        let position = Position { frame, line: 49 };
        assert_eq!(Position::decode(&position.encode()), Some(position));
        let end = LogEnd { next: Seq(9), segment: Seq(4), offset: 12 };
        assert_eq!(decode_end(&encode_end(end)), Some(end));
        for length in 0..row.len() {
            assert_eq!(Seen::decode(&row[..length]), None);
        }
        let day = Day::of("2026-11-22T23:59:59Z".parse().unwrap());
        let dated = with_day(&with_day(&row, Day::default()), day);
        assert_eq!((Seen::decode(&dated), day_of(&dated), dated.len()), (Some(seen), day, 47));
        assert_eq!(day_of(&row), Day::default(), "of an older store");
        assert_eq!((Day::of(Timestamp::MIN), Day::of(Timestamp::MAX)), (Day(0), Day(u16::MAX)));
        assert_eq!(Position::decode(&[0; 23]), None);
        assert_eq!(decode_end(&[0; 25]), None);
    }
}
