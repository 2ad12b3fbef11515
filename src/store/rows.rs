//! What sled's trees hold, and how each row is written.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::segments::{FrameAt, LogEnd};
use crate::model::{ArticleId, Digest, Outcome, Pending, Seq};

/// What is remembered of every article that came to an outcome: 45 bytes.
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
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut row = Vec::with_capacity(45);
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
        Some(Self {
            outcome: *Outcome::ALL.get(usize::from(*outcome))?,
            version: u32::from_be_bytes(*version),
            seq: Seq(u64::from_be_bytes(*seq)),
            text_digest: Digest(*digest),
            of: ArticleId(row.try_into().ok()?),
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
        assert_eq!(Position::decode(&[0; 23]), None);
        assert_eq!(decode_end(&[0; 25]), None);
    }
}
