//! What a new article may be a near copy of: the records in the store, and those before it in its batch.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;

use crate::model::{ArticleId, Seq};
use crate::novelty::near::{Boilerplate, PER_KEY_MAX, Profile, Shelf, Sketch};
use crate::record::Event;
use crate::store::{Store, StoreError};

/// The newest records from which is learned at the start what many articles have in common, and the bytes of their
/// lines at most: it takes less than a second.
const LEARNED_AT_START: (u64, usize) = (2_000, 24 << 20);

/// Profiles that are kept: those of the newest records and of those lately compared with. A story comes from several
/// sources within hours, and a flood is compared with what came just before.
const PROFILES_KEPT: usize = 64;

/// What the committer knows of the texts of the log, beside what the store finds.
pub struct Texts {
    common: Boilerplate,
    kept: RefCell<VecDeque<(Seq, Arc<Profile>)>>,
}

/// A record that was planned and is not yet committed.
pub struct Planned {
    /// Its place in the log.
    pub seq: Seq,
    /// Its article.
    pub id: ArticleId,
    /// Its language.
    pub language: String,
    /// Its text.
    pub profile: Arc<Profile>,
}

/// The planned records of a batch, by the keys of their sketches.
#[derive(Default)]
pub struct Batch {
    records: Vec<Planned>,
    by_key: HashMap<u32, Vec<usize>>,
    /// Near copies, each with its original.
    copies: Vec<(Arc<Profile>, Arc<Profile>)>,
}

/// One text's view on both.
pub struct Articles<'a> {
    /// The store.
    pub store: &'a Store,
    /// The texts.
    pub texts: &'a Texts,
    /// The batch so far.
    pub batch: &'a Batch,
    /// The new article; it is no copy of itself.
    pub id: ArticleId,
    /// Language of the new text.
    pub language: &'a str,
    /// What is older is not looked at.
    pub since: Timestamp,
}

/// What of a line of the log is compared.
#[derive(Deserialize)]
struct Line {
    id: ArticleId,
    event: Event,
    content_text: String,
}

impl Texts {
    /// Learns from the newest records. What cannot be read is left out: the verdicts become a little less sure.
    pub fn of_log(store: &Store) -> Self {
        let mut texts = Self { common: Boilerplate::default(), kept: RefCell::default() };
        if let Err(error) = texts.learn_newest(store) {
            tracing::warn!("not all of the newest records could be read to learn what they have in common: {error}");
        }
        texts
    }

    /// Nothing.
    pub fn none() -> Self {
        Self { common: Boilerplate::default(), kept: RefCell::default() }
    }

    fn learn_newest(&mut self, store: &Store) -> Result<(), StoreError> {
        let (mut records, mut bytes) = LEARNED_AT_START;
        let mut next = store.last_seq();
        // A text that was labelled anew stands in the log twice, and is no more common for that.
        let mut learned = HashSet::new();
        while records > 0
            && bytes > 0
            && let Some(frame) = store.frame_until(next)?
        {
            for (_, line) in frame.lines().rev().take(usize::try_from(records).unwrap_or(usize::MAX)) {
                (records, bytes) = (records - 1, bytes.saturating_sub(line.len()));
                let line = read_line(line)?;
                if line.has_text() && learned.insert(line.id) {
                    self.common.learn(&Profile::of(&line.content_text));
                }
            }
            next = Seq(frame.first.0.saturating_sub(1));
        }
        Ok(())
    }

    /// Hears of records that were committed.
    pub fn learn(&mut self, batch: Batch) {
        for (copy, original) in &batch.copies {
            self.common.learn_wrapping(copy, original);
        }
        for planned in batch.records {
            self.common.learn(&planned.profile);
            self.keep(planned.seq, planned.profile);
        }
    }

    fn keep(&self, seq: Seq, profile: Arc<Profile>) {
        let mut kept = self.kept.borrow_mut();
        kept.truncate(PROFILES_KEPT - 1);
        kept.push_front((seq, profile));
    }

    fn kept(&self, seq: Seq) -> Option<Arc<Profile>> {
        let mut kept = self.kept.borrow_mut();
        let at = kept.iter().position(|(other, _)| *other == seq)?;
        let found = kept.remove(at)?;
        kept.push_front(found.clone());
        Some(found.1)
    }

    /// What is common to many.
    pub fn common(&self) -> &Boilerplate {
        &self.common
    }
}

/// A line of the log. A file of it that was taken away must not stop the writer.
pub(super) fn line_if_kept(store: &Store, seq: Seq) -> Result<Option<String>, StoreError> {
    match store.line(seq) {
        Err(StoreError::Log(error)) => {
            tracing::warn!(%seq, "an earlier record cannot be read, and is not compared: {error}");
            Ok(None)
        }
        line => line,
    }
}

fn read_line(line: &str) -> Result<Line, StoreError> {
    serde_json::from_str(line).map_err(|error| StoreError::Row(error.to_string()))
}

impl Line {
    /// Whether it is the text of an article that is there.
    fn has_text(&self) -> bool {
        matches!(self.event, Event::New | Event::Update | Event::Relabel)
    }
}

impl Batch {
    /// Adds the newest record.
    pub fn add(&mut self, planned: Planned) {
        for key in planned.profile.sketch().into_iter().flat_map(Sketch::keys) {
            self.by_key.entry(key).or_default().push(self.records.len());
        }
        self.records.push(planned);
    }

    /// Adds a near copy.
    pub fn add_copy(&mut self, copy: Arc<Profile>, original: Arc<Profile>) {
        self.copies.push((copy, original));
    }

    fn get(&self, seq: Seq) -> Option<&Planned> {
        self.records.iter().find(|planned| planned.seq == seq)
    }
}

impl Articles<'_> {
    /// The article of a record; `None` when it is not known any more.
    ///
    /// # Errors
    /// The store's.
    pub fn article(&self, seq: Seq) -> Result<Option<ArticleId>, StoreError> {
        match self.batch.get(seq) {
            Some(planned) => Ok(Some(planned.id)),
            None => Ok(self.store.sketched(seq)?.map(|known| known.id)),
        }
    }

    /// Whether a text may be a copy of one in this language: nobody translates word by word.
    fn may_be_copied(&self, id: ArticleId, language: &str) -> bool {
        id != self.id && (language == self.language || language == UNKNOWN || self.language == UNKNOWN)
    }
}

/// The tag of a language that is not known.
const UNKNOWN: &str = "und";

impl Shelf for Articles<'_> {
    type Place = Seq;
    type Error = StoreError;

    fn with_key(&self, key: u32) -> Result<Vec<Seq>, StoreError> {
        let planned = self.batch.by_key.get(&key).into_iter().flatten().rev();
        let mut found: Vec<Seq> = planned.map(|at| self.batch.records[*at].seq).take(PER_KEY_MAX).collect();
        found.extend(self.store.records_with_key(key)?);
        found.truncate(PER_KEY_MAX);
        Ok(found)
    }

    fn sketch(&self, place: Seq) -> Result<Option<Sketch>, StoreError> {
        if let Some(planned) = self.batch.get(place) {
            let fits = self.may_be_copied(planned.id, &planned.language);
            return Ok(planned.profile.sketch().filter(|_| fits).cloned());
        }
        let known = self.store.sketched(place)?.filter(|known| known.at >= self.since);
        Ok(known.filter(|known| self.may_be_copied(known.id, &known.language)).map(|known| known.sketch))
    }

    fn profile(&self, place: Seq) -> Result<Option<Arc<Profile>>, StoreError> {
        let at_hand = self.batch.get(place).map(|planned| Arc::clone(&planned.profile));
        if let Some(profile) = at_hand.or_else(|| self.texts.kept(place)) {
            return Ok(Some(profile));
        }
        let Some(line) = line_if_kept(self.store, place)? else { return Ok(None) };
        let line = read_line(&line)?;
        let profile = line.has_text().then(|| Arc::new(Profile::of(&line.content_text)));
        if let Some(profile) = &profile {
            self.texts.keep(place, Arc::clone(profile));
        }
        Ok(profile)
    }
}
