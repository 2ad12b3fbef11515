//! Sealed segments in larger frames: a frame a commit of a record or two compresses badly.
//!
//! The new file is written beside the old one, synced and read back; then sled is told that the places of this segment
//! have to be read anew; then it is put in the old one's place, and the places are entered. A kill in between is made
//! good at the next start, before anybody reads.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use sled::Batch;

use super::rows::Position;
use super::segments::{LogError, Rewritten};
use super::{Store, StoreError, Tables};
use crate::faults::Point;
use crate::model::Seq;

/// Bytes of a frame, decoded: a record is read from it in well under a millisecond.
const FRAME_BYTES: usize = 256 << 10;

/// zstd's level for what is written once and kept.
const LEVEL: i32 = 9;

/// A segment is left as it is when less than a part in so many is saved.
const WORTH: u64 = 20;

/// The segment of which places have to be read anew.
const UNDER_WAY: &str = "recompressing";

/// The first segment that has not been looked at.
pub(super) const REACHED: &str = "recompressed";

/// A segment that was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recompressed {
    /// Its first record.
    pub segment: Seq,
    /// What became of it; `None` where it was left as it is.
    pub rewritten: Option<Rewritten>,
}

impl Store {
    /// Looks at the next sealed segment, and writes it anew where that is worth it. `None` when there is none left, or when
    /// `go_on` does not want to.
    ///
    /// # Errors
    /// The store's; the segment can be read then as before.
    pub fn recompress_next(&self, go_on: impl Fn() -> bool) -> Result<Option<Recompressed>, StoreError> {
        let _one_at_a_time = self.bound.tidying.lock().unwrap_or_else(PoisonError::into_inner);
        let open = self.lock_end().segment;
        let reached = self.ask(|tables| tables.seq_in(REACHED))?.unwrap_or_default();
        let segments = self.segments.list()?;
        let Some(segment) = segments.into_iter().find(|segment| (reached..open).contains(segment)) else {
            return Ok(None);
        };
        let rewritten = match self.segments.rewrite(segment, (FRAME_BYTES, LEVEL), WORTH, go_on) {
            Ok(rewritten) => rewritten,
            Err(error) => {
                self.segments.remove_unfinished()?;
                return match error {
                    LogError::Io { source, .. } if source.kind() == std::io::ErrorKind::Interrupted => Ok(None),
                    error => Err(error.into()),
                };
            }
        };
        if rewritten.is_some() {
            self.passes(Point::RECOMPRESS_WRITTEN)?;
            // What is half done is made good when the tables are opened again, before anybody reads.
            self.exchange(segment).inspect_err(|_| self.is_broken.store(true, Ordering::Release))?;
        }
        self.ask(|tables| Ok(tables.meta.insert(REACHED, &segment.next().0.to_be_bytes()).map(drop)?))?;
        Ok(Some(Recompressed { segment, rewritten }))
    }

    /// Puts a segment that was written anew, or with records put back, in the place of the old one, if there is one.
    pub(super) fn exchange(&self, segment: Seq) -> Result<(), StoreError> {
        self.change(|tables| {
            tables.meta.insert(UNDER_WAY, &segment.0.to_be_bytes())?;
            tables.db.flush()?;
            self.passes(Point::RECOMPRESS_MARKED)?;
            // Whoever reads meanwhile finds a record by its segment where its place is the old one.
            let exchanged = self.segments.exchange(segment);
            self.bound.measure_anew();
            exchanged?;
            self.enter_places(tables, segment)
        })
    }

    /// Enters where the records of a segment lie.
    fn enter_places(&self, tables: &Tables, segment: Seq) -> Result<(), StoreError> {
        let mut frames = Vec::new();
        self.segments.each_frame(segment, |frame, _| {
            frames.push(frame);
            Ok::<(), LogError>(())
        })?;
        for frame in frames {
            // One batch a frame, of which FRAME_BYTES bounds the rows.
            let mut batch = Batch::default();
            for line in 0..frame.count {
                let seq = frame.first.0 + u64::from(line);
                batch.insert(&seq.to_be_bytes(), &Position { frame: frame.at, line }.encode());
            }
            tables.positions.apply_batch(batch)?;
            self.passes(Point::RECOMPRESS_ROWS)?;
        }
        self.passes(Point::RECOMPRESS_FLUSH)?;
        // The places are durable before the mark goes.
        tables.db.flush()?;
        tables.meta.remove(UNDER_WAY)?;
        tables.db.flush()?;
        Ok(())
    }

    /// Makes good what a kill left of writing a segment anew.
    pub(super) fn finish_recompressing(&self, tables: &Tables) -> Result<(), StoreError> {
        if let Some(segment) = tables.seq_in(UNDER_WAY)? {
            if self.segments.path(segment).exists() {
                self.segments.exchange(segment)?;
                self.enter_places(tables, segment)?;
            } else {
                tables.meta.remove(UNDER_WAY)?;
            }
        }
        Ok(self.segments.remove_unfinished()?)
    }
}

#[cfg(test)]
#[path = "recompressing_tests.rs"]
mod tests;
