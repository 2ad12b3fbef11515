//! The copies of an article: a row each under the original's id and the copy's, and under the original's alone how many
//! there are.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sled::transaction::{ConflictableTransactionError, TransactionalTree};
use url::Url;

use super::{Seen, Store, StoreError, decode_json};
use crate::model::{ArticleId, SourceId};
use crate::novelty::difference::Difference;
use crate::record::{Event, Record};

/// Most copies of one article that are kept one by one; further ones are counted.
pub const COPIES_MAX: u32 = 200;

/// Largest row: what does not fit is told in fewer passages.
const ROW_BYTES_MAX: usize = 2 << 10;

/// Longest address that is kept; a cut one would lead nowhere.
const URL_BYTES_MAX: usize = 512;

/// Characters of a title that are kept.
const TITLE_CHARS_MAX: usize = 150;

type InTransaction<T> = Result<T, ConflictableTransactionError<StoreError>>;

/// What is remembered of a copy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KnownCopy {
    /// Its own id.
    pub id: ArticleId,
    /// The source that announced it.
    pub source: SourceId,
    /// When it was found to be a copy.
    pub at: Timestamp,
    /// How alike the texts are, 0 to 1.
    pub similarity: f64,
    /// Its address; absent where it is too long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<Url>,
    /// Its title, cut, where the original's is another or not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Where the texts differ; absent where the original could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<Difference>,
}

/// The copies of an article.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Copies {
    /// Oldest first.
    pub rows: Vec<KnownCopy>,
    /// How many more there are.
    pub more: u64,
}

/// How many copies of an article are kept, and how many more there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    kept: u32,
    more: u64,
}

impl KnownCopy {
    /// What the record of a copy says; `None` for another record.
    pub(super) fn of_record(record: &Record) -> Option<(ArticleId, Self)> {
        let of = record.dedup.of.filter(|_| record.event == Event::Duplicate)?;
        let copy = Self {
            id: record.id,
            source: record.source.id.clone(),
            at: record.recorded_at,
            similarity: record.dedup.similarity.unwrap_or(1.0),
            url: Some(record.url.clone()),
            title: record.title.clone(),
            difference: None,
        };
        Some((of, copy))
    }

    /// The row, no longer than [`ROW_BYTES_MAX`].
    fn encode(&self) -> InTransaction<Vec<u8>> {
        let mut copy = self.clone();
        copy.url = copy.url.filter(|url| url.as_str().len() <= URL_BYTES_MAX);
        copy.title = copy.title.map(|title| title.chars().take(TITLE_CHARS_MAX).collect());
        loop {
            let row = serde_json::to_vec(&copy)
                .map_err(|error| ConflictableTransactionError::Abort(StoreError::Row(error.to_string())))?;
            let shorter = copy.difference.as_mut().and_then(|difference| {
                let Difference { missing, added, .. } = difference;
                if missing.len() > added.len() { missing.pop() } else { added.pop() }
            });
            if row.len() <= ROW_BYTES_MAX || shorter.is_none() {
                return Ok(row);
            }
        }
    }
}

impl Tally {
    fn decode(row: &[u8]) -> Option<Self> {
        let (kept, more) = row.split_first_chunk::<4>()?;
        Some(Self { kept: u32::from_be_bytes(*kept), more: u64::from_be_bytes(more.try_into().ok()?) })
    }

    fn read(copies: &TransactionalTree, of: ArticleId) -> InTransaction<Self> {
        Ok(copies.get(of.0)?.and_then(|row| Self::decode(&row)).unwrap_or_default())
    }

    fn write(self, copies: &TransactionalTree, of: ArticleId) -> InTransaction<()> {
        if self == Self::default() {
            copies.remove(&of.0)?;
        } else {
            copies.insert(&of.0, [self.kept.to_be_bytes().as_slice(), &self.more.to_be_bytes()].concat())?;
        }
        Ok(())
    }
}

fn key(of: ArticleId, copy: ArticleId) -> Vec<u8> {
    [of.0, copy.0].concat()
}

/// Enters a copy; `before` is what was remembered under its id.
pub(super) fn enter(
    copies: &TransactionalTree,
    of: ArticleId,
    copy: &KnownCopy,
    before: Option<&Seen>,
) -> InTransaction<()> {
    let key = key(of, copy.id);
    let mut tally = Tally::read(copies, of)?;
    if copies.get(&key)?.is_some() {
        copies.insert(key, copy.encode()?)?;
        return Ok(());
    }
    if tally.kept < COPIES_MAX {
        tally.kept += 1;
        copies.insert(key, copy.encode()?)?;
    } else if before.is_none_or(|before| before.of != of) {
        tally.more += 1;
    }
    tally.write(copies, of)
}

/// Takes a copy out that is one no longer, or of another article now.
pub(super) fn leave(copies: &TransactionalTree, id: ArticleId, before: &Seen, after: &Seen) -> InTransaction<()> {
    if before.of == id || before.of == after.of {
        return Ok(());
    }
    let mut tally = Tally::read(copies, before.of)?;
    match copies.remove(key(before.of, id))? {
        Some(_) => tally.kept = tally.kept.saturating_sub(1),
        None => tally.more = tally.more.saturating_sub(1),
    }
    tally.write(copies, before.of)
}

impl Store {
    /// The copies of an article.
    ///
    /// # Errors
    /// sled's.
    pub fn copies(&self, of: ArticleId) -> Result<Copies, StoreError> {
        self.ask(|tables| {
            let mut copies = Copies::default();
            for row in tables.copies.scan_prefix(of.0) {
                let (key, row) = row?;
                if key.len() == of.0.len() {
                    copies.more = Tally::decode(&row).unwrap_or_default().more;
                } else {
                    copies.rows.push(decode_json(&row)?);
                }
            }
            copies.rows.sort_by_key(|copy: &KnownCopy| copy.at);
            Ok(copies)
        })
    }

    /// Whether another copy of an article would be counted only.
    ///
    /// # Errors
    /// sled's.
    pub fn copies_are_full(&self, of: ArticleId) -> Result<bool, StoreError> {
        self.ask(|tables| {
            let tally = tables.copies.get(of.0)?.and_then(|row| Tally::decode(&row)).unwrap_or_default();
            Ok(tally.kept >= COPIES_MAX)
        })
    }
}
