//! What near copies are found by: the sketch of each recorded article, and the newest articles by key of a sketch.
//!
//! A row per key and article would cost sixteen random writes an article; with a million articles a look-up then takes
//! longer than all other work. So keys lie in [`BUCKETS`] rows, and what is new is held back in memory: with each record
//! the next bucket is written, in turn, so that a commit writes a row per record, side by side, and what is out of the
//! window is left out on the way. What is held back is known from the sketches when the store is opened.

use std::sync::PoisonError;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sled::Tree;
use sled::transaction::TransactionalTree;

use super::rows;
use super::transactions::InTransaction;
use super::{Settled, Store, StoreError, Tables};
use crate::model::{ArticleId, Seq};
use crate::novelty::near::{PER_KEY_MAX, Profile, Sketch};
use crate::record::{Event, Record};

/// Rows of keys. With 16 keys an article, a row holds 244 of a million articles, and 8 are held back on average: about
/// 1.5 kB of disk, 6 MiB of memory in all.
const BUCKETS: u64 = 1 << 16;

/// Keys in a row, the newest: enough for 16 million articles in the window, and what a look-up reads at most when texts
/// are made to fall into one row.
const ROW_KEYS_MAX: usize = 4_096;

/// Keys of a row that are held back, the newest; 16 are expected when it is written.
const HELD_KEYS_MAX: usize = 256;

/// Sketches that leave the window are removed with the records that come: so many with each, to catch up.
const REMOVED_PER_RECORD: usize = 4;

/// Bytes of a key in a row: half of the key (the row is the other half), and the lower half of the record's number.
const KEY_BYTES: usize = 6;

/// What finds an article's near copies.
#[derive(Clone, Debug, PartialEq)]
pub struct Sketched {
    /// The article.
    pub id: ArticleId,
    /// The sketch of its text.
    pub sketch: Sketch,
    /// When it was recorded.
    pub at: Timestamp,
    /// Language of its text.
    pub language: String,
}

impl Sketched {
    /// What a record's text is found by; `None` where it is too short, no text of its own, or out of the window.
    pub fn of_record(record: &Record, since: Timestamp) -> Option<Self> {
        let has_text = matches!(record.event, Event::New | Event::Update) && record.recorded_at >= since;
        let profile = has_text.then(|| Profile::of(&record.content_text))?;
        let (at, language) = (record.recorded_at, record.language.clone());
        Some(Self { id: record.id, sketch: profile.sketch()?.clone(), at, language })
    }

    /// The same text, taken to be in this language.
    pub(super) fn in_language(self, language: &str) -> Self {
        Self { language: language.to_owned(), ..self }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let (at, sketch) = (self.at.as_second().to_be_bytes(), self.sketch.to_bytes());
        [self.id.0.as_slice(), &at, &sketch, self.language.as_bytes()].concat()
    }

    pub(super) fn decode(row: &[u8]) -> Option<Self> {
        let (id, row) = row.split_first_chunk()?;
        let (at, row) = row.split_first_chunk()?;
        let (sketch, language) = row.split_at_checked(Sketch::BYTES)?;
        Some(Self {
            id: ArticleId(*id),
            sketch: Sketch::from_bytes(sketch)?,
            at: Timestamp::from_second(i64::from_be_bytes(*at)).ok()?,
            language: std::str::from_utf8(language).ok()?.to_owned(),
        })
    }
}

/// A key without the half that names its bucket, and whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Posting {
    tag: u16,
    /// The lower half of the record's number; the window ends long before it comes again.
    place: u32,
}

/// What the rows do not hold yet, and where the window begins.
pub(super) struct Held {
    buckets: Vec<Vec<Posting>>,
    /// The newest record that is known here.
    last: Seq,
    /// No sketch lies before it.
    oldest: Seq,
}

/// What a commit writes for near copies.
#[derive(Default)]
pub(super) struct SketchRows {
    /// New sketches.
    pub sketches: Vec<(Seq, Vec<u8>)>,
    /// Sketches out of the window.
    pub expired: Vec<Seq>,
    /// Whole rows of keys.
    pub keys: Vec<([u8; 2], Vec<u8>)>,
}

impl Held {
    /// Reads back what was held when the store was closed or killed.
    pub(super) fn read(sketches: &Tree, next: Seq) -> Result<Self, StoreError> {
        let last = Seq(next.0.saturating_sub(1));
        let mut held = Self { buckets: vec![Vec::new(); BUCKETS as usize], last, oldest: Seq(0) };
        if let Some((key, _)) = sketches.first()? {
            held.oldest = rows::decode_seq(&key).unwrap_or_default();
        }
        for row in sketches.range(last.0.saturating_sub(BUCKETS).to_be_bytes()..) {
            let (key, row) = row?;
            let (Some(seq), Some(known)) = (rows::decode_seq(&key), Sketched::decode(&row)) else { continue };
            for key in known.sketch.keys() {
                let (bucket, posting) = place(key, seq);
                // The record with which this bucket was last written.
                let written = last.0.checked_sub((last.0.wrapping_sub(bucket)) % BUCKETS);
                if written.is_none_or(|written| seq.0 > written) {
                    add(&mut held.buckets[bucket as usize], posting, HELD_KEYS_MAX);
                }
            }
        }
        Ok(held)
    }

    fn hold(&mut self, sketch: &Sketch, seq: Seq) {
        for key in sketch.keys() {
            let (bucket, posting) = place(key, seq);
            add(&mut self.buckets[bucket as usize], posting, HELD_KEYS_MAX);
        }
    }

    /// The whole number of a record of which the lower half is known.
    fn seq(&self, place: u32) -> Seq {
        Seq(self.last.0.saturating_sub(u64::from((self.last.0 as u32).wrapping_sub(place))))
    }
}

impl Tables {
    /// What a commit has to write: for each record in turn its sketch, and the row whose turn it is. A failed commit
    /// opens the tables anew, so that what is held agrees with what is written.
    pub(super) fn sketch_rows<'a>(
        &self,
        records: impl Iterator<Item = (Seq, Option<&'a Sketched>)>,
        window: Option<Duration>,
    ) -> Result<SketchRows, StoreError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rows = SketchRows::default();
        let mut count = 0;
        let mut newest = None;
        for (seq, sketched) in records {
            held.last = seq;
            count += 1;
            if let Some(sketched) = sketched {
                held.hold(&sketched.sketch, seq);
                rows.sketches.push((seq, sketched.encode()));
                newest = Some(sketched.at);
            }
            let bucket = seq.0 % BUCKETS;
            let new = std::mem::take(&mut held.buckets[bucket as usize]);
            if !new.is_empty() {
                let key = (bucket as u16).to_be_bytes();
                let before = self.sketch_keys.get(key)?.unwrap_or_default();
                rows.keys.push((key, held.merged(&before, &new)));
            }
        }
        let (Some(newest), Some(window)) = (newest, window) else { return Ok(rows) };
        let since = window_start(newest, window);
        for row in self.sketches.range(held.oldest.0.to_be_bytes()..).take(count * REMOVED_PER_RECORD) {
            let (key, row) = row?;
            let Some(seq) = rows::decode_seq(&key) else { continue };
            held.oldest = seq;
            if Sketched::decode(&row).is_some_and(|known| known.at >= since) {
                break;
            }
            rows.expired.push(seq);
        }
        Ok(rows)
    }

    /// Enters what an older record is found by, that was lost. Its rows of keys are written at once: it is none of those
    /// that are held back.
    pub(super) fn enter_older_sketch(&self, seq: Seq, sketched: &Sketched) -> Result<(), StoreError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.oldest = held.oldest.min(seq);
        for key in sketched.sketch.keys() {
            let (bucket, posting) = place(key, seq);
            let key = (bucket as u16).to_be_bytes();
            let row = self.sketch_keys.get(key)?.unwrap_or_default();
            let mut known: Vec<Posting> = postings(&row).collect();
            add(&mut known, posting, ROW_KEYS_MAX);
            let row: Vec<u8> = known.iter().flat_map(|posting| posting.encode()).collect();
            self.sketch_keys.insert(key, row)?;
        }
        self.sketches.insert(seq.0.to_be_bytes(), sketched.encode())?;
        Ok(())
    }
}

impl SketchRows {
    /// Within the transaction of a commit.
    pub(super) fn write(&self, sketches: &TransactionalTree, keys: &TransactionalTree) -> InTransaction<()> {
        for (seq, row) in &self.sketches {
            sketches.insert(&seq.0.to_be_bytes(), row.as_slice())?;
        }
        for seq in &self.expired {
            sketches.remove(&seq.0.to_be_bytes())?;
        }
        for (bucket, row) in &self.keys {
            keys.insert(bucket, row.as_slice())?;
        }
        Ok(())
    }
}

impl Held {
    /// A row with what was held back, without what has left the window.
    fn merged(&self, row: &[u8], new: &[Posting]) -> Vec<u8> {
        let mut postings: Vec<Posting> =
            postings(row).filter(|posting| self.seq(posting.place) >= self.oldest).collect();
        new.iter().for_each(|posting| add(&mut postings, *posting, ROW_KEYS_MAX));
        postings.iter().flat_map(|posting| posting.encode()).collect()
    }
}

impl Posting {
    fn encode(self) -> [u8; KEY_BYTES] {
        let ([a, b], [c, d, e, f]) = (self.tag.to_be_bytes(), self.place.to_be_bytes());
        [a, b, c, d, e, f]
    }
}

fn postings(row: &[u8]) -> impl DoubleEndedIterator<Item = Posting> {
    let (postings, _) = row.as_chunks::<KEY_BYTES>();
    postings.iter().map(|[a, b, c, d, e, f]| Posting {
        tag: u16::from_be_bytes([*a, *b]),
        place: u32::from_be_bytes([*c, *d, *e, *f]),
    })
}

/// Adds the newest; the oldest of its key, or of all, makes room.
fn add(postings: &mut Vec<Posting>, new: Posting, max: usize) {
    let same = || postings.iter().filter(|posting| posting.tag == new.tag);
    if same().any(|posting| *posting == new) {
        return;
    }
    if same().count() >= PER_KEY_MAX
        && let Some(oldest) = postings.iter().position(|posting| posting.tag == new.tag)
    {
        postings.remove(oldest);
    } else if postings.len() >= max {
        postings.remove(0);
    }
    postings.push(new);
}

/// The bucket of a key, and what of it is kept there. Keys are least hashes, so small numbers; they are spread by the
/// finaliser of MurmurHash3, which maps one to one.
fn place(key: u32, seq: Seq) -> (u64, Posting) {
    let mut spread = key ^ key >> 16;
    spread = spread.wrapping_mul(0x85eb_ca6b);
    spread ^= spread >> 13;
    spread = spread.wrapping_mul(0xc2b2_ae35);
    spread ^= spread >> 16;
    (u64::from(spread >> 16), Posting { tag: spread as u16, place: seq.0 as u32 })
}

/// Where a window that ends at a time begins.
pub fn window_start(end: Timestamp, window: Duration) -> Timestamp {
    let window = SignedDuration::try_from(window).unwrap_or(SignedDuration::MAX);
    end.checked_sub(window).unwrap_or(Timestamp::MIN)
}

impl Store {
    /// What a record of the log says to sled, with what its text is found by.
    pub(super) fn settled_by(&self, record: &Record, now: Timestamp) -> Settled {
        let since = self.near_window.map(|window| window_start(now, window));
        let sketch = since.and_then(|since| Sketched::of_record(record, since));
        Settled { sketch, ..Settled::from_record(record) }
    }

    /// The newest records with a key in their sketch, newest first, at most [`PER_KEY_MAX`]. Some may have left the
    /// window, or be of a text that was corrected since: those have no sketch.
    ///
    /// # Errors
    /// sled's.
    pub fn records_with_key(&self, key: u32) -> Result<Vec<Seq>, StoreError> {
        self.ask(|tables| {
            let (bucket, wanted) = place(key, Seq(0));
            let held = tables.held.lock().unwrap_or_else(PoisonError::into_inner);
            let new = held.buckets[bucket as usize].iter().rev().copied();
            let row = tables.sketch_keys.get((bucket as u16).to_be_bytes())?.unwrap_or_default();
            let found = new.chain(postings(&row).rev()).filter(|posting| posting.tag == wanted.tag);
            Ok(found.map(|posting| held.seq(posting.place)).take(PER_KEY_MAX).collect())
        })
    }

    /// What a record is found by.
    ///
    /// # Errors
    /// sled's.
    pub fn sketched(&self, seq: Seq) -> Result<Option<Sketched>, StoreError> {
        self.ask(|tables| Ok(tables.sketches.get(seq.0.to_be_bytes())?.and_then(|row| Sketched::decode(&row))))
    }
}

#[cfg(test)]
mod tests;
