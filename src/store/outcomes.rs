//! What the outcome of an entry changes in sled, in the one transaction of a commit.

use std::time::Duration;

use sled::transaction::{Transactional, TransactionalTree};

use super::copies::{self, KnownCopy};
use super::days::DaysOfBatch;
use super::looks::{LookChange, LookTables};
use super::rows::{self, Day, DeadLetter, Position, Seen};
use super::segments::{FrameAt, LogEnd};
use super::transactions::{InTransaction, add, encode_json, subtract};
use super::{Sketched, StoreError, Tables, versions};
use crate::model::{ArticleId, Digest, Outcome, Seq, SourceId};
use crate::record::{Event, Record};

/// What happened to an article.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// An admitted entry came to its outcome.
    Outcome(Outcome),
    /// Its newest version got new labels, by which it is in this language. No entry was admitted for that, and nothing is
    /// counted.
    Relabel(String),
}

/// What happened to one article, most often the outcome of an entry, as sled must hear of it.
#[derive(Clone, Debug)]
pub struct Settled {
    /// The frontier's key.
    pub entry: ArticleId,
    /// The source that announced it.
    pub source: SourceId,
    /// What is remembered under which identity. The entry's own address, and the one its page turned out to have.
    pub seen: Vec<(ArticleId, Seen)>,
    /// Text that belongs to an article from now on.
    pub owns: Option<(Digest, ArticleId)>,
    /// Its record, in the order of the frame's lines.
    pub record: Option<Seq>,
    /// For a copy: the article it is a copy of, and what to remember of it.
    pub copy: Option<(ArticleId, KnownCopy)>,
    /// What it came to.
    pub happened: Happened,
    /// When it came to it.
    pub at: jiff::Timestamp,
    /// Of a rejected entry, why.
    pub reason: Option<String>,
    /// For a dead letter.
    pub dead: Option<DeadLetter>,
    /// What its record is found by when near copies of it come.
    pub sketch: Option<Sketched>,
    /// What it changes in the looks to come.
    pub look: LookChange,
}

impl Settled {
    /// An outcome that changes nothing but the counts; what else it changes is added.
    pub fn of(entry: ArticleId, source: SourceId, outcome: Outcome, at: jiff::Timestamp) -> Self {
        Self {
            entry,
            source,
            seen: Vec::new(),
            owns: None,
            record: None,
            copy: None,
            happened: Happened::Outcome(outcome),
            at,
            reason: None,
            dead: None,
            sketch: None,
            look: LookChange::Keep,
        }
    }

    /// The outcome of its entry; new labels are none.
    pub fn outcome(&self) -> Option<Outcome> {
        match self.happened {
            Happened::Outcome(outcome) => Some(outcome),
            Happened::Relabel(_) => None,
        }
    }

    /// What a record of the log says when sled missed its commit, but for the sketch.
    pub fn from_record(record: &Record) -> Self {
        let digest = record.dedup.text_digest;
        let (outcome, of) = match (record.event, record.dedup.of) {
            (Event::Duplicate, Some(of)) => (Outcome::Duplicate, of),
            _ => (Outcome::Recorded, record.id),
        };
        // A page that was withdrawn has no text that could be unchanged.
        let text_digest = if record.event == Event::Withdrawn { Digest([0; 16]) } else { digest };
        let row = Seen { outcome, version: record.version, seq: record.seq, text_digest, of };
        let mut seen = vec![(record.id, row)];
        if let (Some(alias), Event::New | Event::Update) = (record.announced_as, record.event) {
            seen.push((alias, Seen { outcome: Outcome::Duplicate, version: 0, seq: Seq(0), ..row }));
        }
        let happened = match record.event {
            Event::Relabel => Happened::Relabel(record.language.clone()),
            Event::New | Event::Update | Event::Withdrawn | Event::Duplicate => Happened::Outcome(outcome),
        };
        Self {
            happened,
            seen,
            owns: (outcome == Outcome::Recorded).then_some((digest, record.id)),
            record: Some(record.seq),
            copy: KnownCopy::of_record(record),
            look: LookChange::from_record(record),
            ..Self::of(record.entry(), record.source.id.clone(), outcome, record.recorded_at)
        }
    }
}

impl Tables {
    /// Enters what a frame, or a batch without records, settled; returns the source of each entry that was pending.
    pub(super) fn apply(
        &self,
        settled: &[Settled],
        frame: Option<FrameAt>,
        new_end: LogEnd,
        near_window: Option<Duration>,
    ) -> Result<Vec<SourceId>, StoreError> {
        let records = settled.iter().filter_map(|one| Some((one.record?, one.sketch.as_ref())));
        let rows = self.sketch_rows(records, near_window)?;
        let older_sketches = self.older_sketches(settled)?;
        let counted = DaysOfBatch::of(settled);
        let Self { meta, frontier, seen, digests, positions, dead, versions, copies, .. } = self;
        let Self { looks, looks_due: due, sketches, sketch_keys: keys, days, .. } = self;
        let trees =
            (meta, frontier, seen, digests, positions, dead, versions, copies, looks, due, sketches, keys, days);
        let removed = trees.transaction(
            |(meta, frontier, seen, digests, positions, dead, versions, copies, looks, due, sketches, keys, days)| {
                let looks = LookTables { meta, looks, due };
                let tables = OutcomeTables { meta, frontier, seen, digests, dead, versions, copies, looks, sketches };
                rows.write(sketches, keys)?;
                older_sketches.write(sketches)?;
                counted.write(days)?;
                let mut removed = Vec::new();
                let mut line = 0;
                for one in settled {
                    if tables.enter(one)? {
                        removed.push(one.source.clone());
                    }
                    if let (Some(seq), Some(frame)) = (one.record, frame) {
                        positions.insert(&seq.0.to_be_bytes(), &Position { frame, line }.encode())?;
                        line += 1;
                    }
                }
                meta.insert("end", &rows::encode_end(new_end))?;
                Ok(removed)
            },
        );
        Ok(removed?)
    }
}

impl Tables {
    /// Enters what records say that were lost and are in the log again, where the tables do not know it: they may have
    /// been made anew while the records were lost. What came later counts more. Nothing is counted, since counts were
    /// kept, and nothing that is pending is touched. Done twice, it changes nothing more.
    pub(super) fn enter_put_back(&self, settled: &[Settled]) -> Result<(), StoreError> {
        let Self { meta, frontier, seen, digests, dead, versions, copies, looks, looks_due: due, sketches, .. } = self;
        for one in settled {
            let trees = (meta, frontier, seen, digests, dead, versions, copies, looks, due, sketches);
            let is_newest = trees.transaction(
                |(meta, frontier, seen, digests, dead, versions, copies, looks, due, sketches)| {
                    let looks = LookTables { meta, looks, due };
                    let tables =
                        OutcomeTables { meta, frontier, seen, digests, dead, versions, copies, looks, sketches };
                    tables.put_back(one)
                },
            )?;
            if let (true, Some(seq), Some(sketch)) = (is_newest, one.record, &one.sketch) {
                self.enter_older_sketch(seq, sketch)?;
            }
        }
        Ok(())
    }
}

/// What the outcome of an entry changes.
struct OutcomeTables<'a> {
    meta: &'a TransactionalTree,
    frontier: &'a TransactionalTree,
    seen: &'a TransactionalTree,
    digests: &'a TransactionalTree,
    dead: &'a TransactionalTree,
    versions: &'a TransactionalTree,
    copies: &'a TransactionalTree,
    sketches: &'a TransactionalTree,
    looks: LookTables<'a>,
}

impl OutcomeTables<'_> {
    /// Enters what happened; tells whether an entry was pending.
    fn enter(&self, one: &Settled) -> InTransaction<bool> {
        if let Some((of, copy)) = &one.copy {
            let before = self.seen.get(copy.id.0)?.and_then(|row| Seen::decode(&row));
            copies::enter(self.copies, *of, copy, before.as_ref())?;
        }
        for (id, row) in &one.seen {
            self.remember(*id, row, one)?;
        }
        if let Some((digest, owner)) = one.owns
            && self.digests.get(digest.0)?.is_none()
        {
            self.digests.insert(&digest.0, &owner.0)?;
        }
        match &one.happened {
            Happened::Outcome(outcome) => self.settle(one, *outcome),
            Happened::Relabel(_) => Ok(false),
        }
    }

    /// Enters what a record says that was lost; tells whether it has the newest text of its article.
    fn put_back(&self, one: &Settled) -> InTransaction<bool> {
        let mut is_newest = false;
        for (id, row) in &one.seen {
            let before = self.seen.get(id.0)?.and_then(|before| Seen::decode(&before));
            match before {
                Some(before) if before.version > 0 && before.seq >= row.seq => {
                    if row.version > 0 && before.seq > row.seq {
                        versions::keep(self.versions, *id, row, &before)?;
                    }
                    is_newest |= before.seq == row.seq;
                }
                // An address that led there.
                Some(_) if row.version == 0 => {}
                before => {
                    let is_of_record = one.record == Some(row.seq);
                    if is_of_record && let Some((of, copy)) = &one.copy {
                        copies::enter(self.copies, *of, copy, before.as_ref())?;
                    }
                    self.remember(*id, row, one)?;
                    let is_unknown = before.is_none_or(|before| before.version == 0);
                    if is_of_record && is_unknown && self.frontier.get(one.entry.0)?.is_none() {
                        self.looks.change(&one.look)?;
                    }
                    is_newest |= is_of_record;
                }
            }
        }
        if let Some((digest, owner)) = one.owns
            && self.digests.get(digest.0)?.is_none()
        {
            self.digests.insert(&digest.0, &owner.0)?;
        }
        Ok(is_newest)
    }

    /// Takes the entry out of the frontier and counts its outcome.
    fn settle(&self, one: &Settled, outcome: Outcome) -> InTransaction<bool> {
        let was_pending = self.frontier.remove(&one.entry.0)?.is_some();
        if was_pending {
            subtract(self.meta, "pending")?;
        } else {
            // Rebuilt from the log: its admission is not known any more.
            add(self.meta, "admitted", 1)?;
        }
        match &one.dead {
            Some(letter) => self.dead.insert(&one.entry.0, encode_json(letter)?)?,
            None => self.dead.remove(&one.entry.0)?,
        };
        self.looks.change(&one.look)?;
        add(self.meta, outcome.name(), 1)?;
        Ok(was_pending)
    }

    fn remember(&self, id: ArticleId, row: &Seen, one: &Settled) -> InTransaction<()> {
        let before = self.seen.get(id.0)?;
        let is_alias = row.version == 0 && row.of != id;
        if is_alias && before.as_deref().and_then(Seen::decode).is_some_and(|before| before.is_article(id)) {
            // An address that has records of its own keeps them, wherever it led this time.
            return Ok(());
        }
        let known_day = before.as_deref().map(rows::day_of);
        let day = match (&one.happened, known_day) {
            (Happened::Relabel(_), Some(known)) => known,
            (_, known) => known.unwrap_or_default().max(Day::of(one.at)),
        };
        if let Some(before) = before.as_deref().and_then(Seen::decode) {
            versions::keep(self.versions, id, &before, row)?;
            copies::leave(self.copies, id, &before, row)?;
            // A corrected text takes the place of what it replaces.
            if before.is_replaced_by(row) {
                self.sketches.remove(&before.seq.0.to_be_bytes())?;
            }
        }
        self.seen.insert(&id.0, rows::with_day(&row.encode(), day))?;
        Ok(())
    }
}
