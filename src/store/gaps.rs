//! Records that are known to be lost: each range is told once, stands in the status, and is stepped over.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::scan::Gap;
use super::{Store, StoreError, Tables};
use crate::model::Seq;

/// Ranges that are remembered; further ones are looked for again each time.
pub(super) const GAPS_MAX: usize = 10_000;

/// Ranges that the status names; the rest is counted.
const GAPS_SHOWN_MAX: usize = 3;

/// Rows of `meta` with ranges that the operator knows of, since the rebuild that found them.
pub(super) const ACCEPTED: &str = "lost:";

/// What is known of missing records.
#[derive(Default)]
pub(super) struct Gaps(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// By their first record.
    gaps: BTreeMap<Seq, Gap>,
    /// First to last record.
    accepted: BTreeMap<Seq, Seq>,
    more: bool,
}

impl Known {
    fn around(&self, seq: Seq) -> Option<&Gap> {
        self.gaps.range(..=seq).next_back().map(|(_, gap)| gap).filter(|gap| gap.last >= seq)
    }

    fn is_accepted(&self, first: Seq, last: Seq) -> bool {
        let around = self.accepted.range(..=first).next_back();
        around.is_some_and(|(_, known)| *known >= last)
    }
}

impl Gaps {
    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The known range that a record belongs to: its first and last.
    pub(super) fn around(&self, seq: Seq) -> Option<(Seq, Seq)> {
        self.lock().around(seq).map(|gap| (gap.first, gap.last))
    }

    /// Ranges that the operator knows of.
    pub(super) fn accept(&self, ranges: BTreeMap<Seq, Seq>) {
        self.lock().accepted = ranges;
    }

    /// Notes records that cannot be read, and tells of them when that is news.
    pub(super) fn note(&self, gap: Gap) {
        let mut known = self.lock();
        if known.around(gap.first).is_some_and(|before| before.last >= gap.last) {
            return;
        }
        let is_news = !known.is_accepted(gap.first, gap.last);
        if known.gaps.len() >= GAPS_MAX {
            if !std::mem::replace(&mut known.more, true) {
                tracing::error!("more than {GAPS_MAX} ranges of the log are lost; `chapar log verify` names them all");
            }
            return;
        }
        if is_news {
            tracing::error!("{gap}; `chapar log fill FOLDER` puts them back from a backup, see `chapar log verify`");
        }
        known.gaps.insert(gap.first, gap);
    }

    /// Takes what a passage through the whole log has found in the place of what was known: files may have been restored.
    pub(super) fn replace(&self, found: Vec<Gap>) {
        let mut before = std::mem::take(&mut self.lock().gaps);
        for gap in found {
            match before.remove(&gap.first).filter(|known| known.last >= gap.last) {
                Some(told) => {
                    self.lock().gaps.insert(told.first, gap);
                }
                None => self.note(gap),
            }
        }
    }

    /// Whether the operator knows of a range.
    pub(super) fn is_accepted(&self, gap: &Gap) -> bool {
        self.lock().is_accepted(gap.first, gap.last)
    }
}

impl std::fmt::Display for Gap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { first, last, file, byte, reason } = self;
        let records =
            if first == last { format!("record {first} is") } else { format!("records {first} to {last} are") };
        write!(f, "{records} lost: {} ", file.display())?;
        match byte {
            Some(byte) => write!(f, "is damaged at byte {byte} ({reason})"),
            None => write!(f, "is missing ({reason})"),
        }
    }
}

impl Store {
    /// Which records of the log are lost, as far as that is known, in words; `None` when none is. What the operator has
    /// heard of at a rebuild is left out.
    pub fn damage(&self) -> Option<String> {
        let known = self.gaps.lock();
        let gaps: Vec<&Gap> = known.gaps.values().filter(|gap| !known.is_accepted(gap.first, gap.last)).collect();
        let more = gaps.len().saturating_sub(GAPS_SHOWN_MAX);
        let mut words: Vec<String> = gaps.iter().take(GAPS_SHOWN_MAX).map(ToString::to_string).collect();
        if more > 0 {
            words.push(format!("and {more} more, see `chapar log verify`"));
        }
        (!words.is_empty()).then(|| words.join("; "))
    }

    /// Whether the operator knows that the log has no record of a range, since a restore or a rebuild.
    pub fn is_known_to_miss(&self, first: Seq, last: Seq) -> bool {
        self.gaps.lock().is_accepted(first, last)
    }

    /// Takes all that is known to be lost for known to the operator; returns it in words.
    pub(super) fn accept_known_gaps(&self) -> Result<Vec<String>, StoreError> {
        let gaps: Vec<Gap> = self.gaps.lock().gaps.values().cloned().collect();
        self.ask(|tables| {
            gaps.iter().try_for_each(|gap| tables.accept_gap(gap.first, gap.last))?;
            self.gaps.accept(tables.accepted_gaps()?);
            Ok(tables.db.flush().map(drop)?)
        })?;
        Ok(gaps.iter().map(ToString::to_string).collect())
    }
}

impl Tables {
    /// The ranges that the operator knows to be lost.
    pub(super) fn accepted_gaps(&self) -> Result<BTreeMap<Seq, Seq>, StoreError> {
        let mut ranges = BTreeMap::new();
        for row in self.meta.scan_prefix(ACCEPTED) {
            let (key, row) = row?;
            let first = key[ACCEPTED.len()..].try_into().map(u64::from_be_bytes);
            let last = row.as_ref().try_into().map(u64::from_be_bytes);
            if let (Ok(first), Ok(last)) = (first, last) {
                ranges.insert(Seq(first), Seq(last));
            }
        }
        Ok(ranges)
    }

    /// Of what the operator knows to be lost, keeps what still is.
    pub(super) fn accept_only(&self, missing: &[Gap]) -> Result<(), StoreError> {
        let key = |first: Seq| [ACCEPTED.as_bytes(), &first.0.to_be_bytes()].concat();
        let mut batch = sled::Batch::default();
        let known = self.accepted_gaps()?;
        known.keys().for_each(|first| batch.remove(key(*first)));
        for (first, last) in known {
            for gap in missing.iter().filter(|gap| gap.first <= last && first <= gap.last) {
                batch.insert(key(gap.first.max(first)), &gap.last.min(last).0.to_be_bytes());
            }
        }
        Ok(self.meta.apply_batch(batch)?)
    }

    /// Notes that the operator knows of a range.
    pub(super) fn accept_gap(&self, first: Seq, last: Seq) -> Result<(), StoreError> {
        let key = [ACCEPTED.as_bytes(), &first.0.to_be_bytes()].concat();
        self.meta.insert(key, &last.0.to_be_bytes())?;
        Ok(())
    }
}
