//! The lines behind the index, read once for all questions that come before the index has them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::read;
use crate::model::Seq;
use crate::record::Record;
use crate::store::{Store, StoreError};

/// Bytes of the lines that are kept; read, they take about as much. Further ones are read for each question.
const KEPT_BYTES_MAX: usize = 16 << 20;

/// What is kept of them.
#[derive(Default)]
pub struct Unindexed(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    /// The line before them.
    after: Seq,
    /// The last one that was looked at.
    to: Seq,
    /// With the lengths of their lines.
    records: VecDeque<(Arc<Record>, usize)>,
    bytes: usize,
}

impl Unindexed {
    /// The records after one and up to another, oldest first. What lies before them is kept no longer: the index has it.
    ///
    /// # Errors
    /// The log's.
    pub fn between(&self, store: &Store, after: Seq, end: Seq) -> Result<Vec<Arc<Record>>, StoreError> {
        // Others wait meanwhile: it is what they want to know, too.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.begin_after(after);
        let known = kept.records.iter().map(|(record, _)| record).filter(|record| record.seq <= end);
        let mut records: Vec<Arc<Record>> = known.cloned().collect();
        let mut has_room = true;
        let mut at = kept.to.next();
        while at <= end
            && let Some(frame) = store.frame_from(at)?
        {
            for (seq, line) in frame.lines().filter(|(seq, _)| (at..=end).contains(seq)) {
                let Some(record) = read(line).map(Arc::new) else { continue };
                records.push(Arc::clone(&record));
                has_room &= kept.bytes + line.len() <= KEPT_BYTES_MAX;
                if has_room {
                    kept.bytes += line.len();
                    kept.records.push_back((record, line.len()));
                    kept.to = seq;
                }
            }
            at = frame.last.next();
        }
        if has_room {
            kept.to = kept.to.max(end);
        }
        Ok(records)
    }
}

impl Kept {
    /// Drops what is not after this one; all where it is not known what is.
    fn begin_after(&mut self, after: Seq) {
        if !(self.after..=self.to).contains(&after) {
            *self = Self { to: after, ..Self::default() };
        }
        self.after = after;
        while let Some((_, bytes)) = self.records.pop_front_if(|(record, _)| record.seq <= after) {
            self.bytes -= bytes;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::tests::World;
    use super::*;

    #[test]
    fn lines_are_read_once_until_the_index_has_them() {
        let world = World::new();
        (1..=3).for_each(|number| world.record(number, 1, "new", "Canal"));
        let unindexed = Unindexed::default();
        let between = |after, end| unindexed.between(&world.engine.store, Seq(after), Seq(end)).unwrap();
        let seqs = |records: &[Arc<Record>]| records.iter().map(|record| record.seq.0).collect::<Vec<_>>();
        let first = between(1, 3);
        assert_eq!(seqs(&first), [2, 3]);
        world.record(4, 1, "new", "Canal");
        let second = between(1, 4);
        assert_eq!(seqs(&second), [2, 3, 4]);
        assert!(Arc::ptr_eq(&first[0], &second[0]), "not read again");
        assert_eq!(seqs(&between(1, 2)), [2], "of a question that came earlier");
        assert_eq!(seqs(&between(3, 4)), [4]);
        drop((first, second));
        let kept = |unindexed: &Unindexed| unindexed.0.lock().unwrap().records.len();
        assert_eq!(kept(&unindexed), 1, "the index has the others");
        // An index that is made anew is further behind for a while.
        assert_eq!(seqs(&between(0, 4)), [1, 2, 3, 4]);
        assert_eq!(kept(&unindexed), 4);
    }
}
