//! sled's part: rows that lead to records, and counts that must add up.

use std::ops::Bound;

use sled::{IVec, Tree};

use super::{Ended, Finding, Severity, Step, Verifier};
use crate::model::{Pending, Seq};
use crate::store::forgetting::FORGOTTEN;
use crate::store::looks::NextLook;
use crate::store::renewal::counted;
use crate::store::rows::{DeadLetter, Position, Seen};
use crate::store::{DayCounts, SourceState, StoreError, Tables, Undelivered, decode_json};

/// Rows that are looked at in one step: commits wait for no more than that.
const STEP_ROWS: usize = 2_000;

/// How often counts are taken again when a commit came between.
const COUNT_ATTEMPTS_MAX: usize = 5;

type TreeOf = fn(&Tables) -> &Tree;

/// What a row says.
enum Said {
    /// Nothing that could be wrong.
    Nothing,
    /// It leads to a record.
    Record(Seq),
    /// It leads to an article that is not known.
    UnknownArticle,
    /// It cannot be read.
    Unreadable,
}

/// A tree, and what its rows say.
type Rule = (&'static str, TreeOf, fn(&Tables, &[u8], &[u8]) -> Result<Said, StoreError>);

const RULES: [Rule; 11] = [
    (
        "positions",
        |tables| &tables.positions,
        |_, key, row| Ok(Position::decode(row).map_or(Said::Unreadable, |_| seq_of(key))),
    ),
    (
        "seen",
        |tables| &tables.seen,
        |_, _, row| {
            Ok(match Seen::decode(row) {
                Some(seen) if seen.seq == Seq(0) => Said::Nothing,
                Some(seen) => Said::Record(seen.seq),
                None => Said::Unreadable,
            })
        },
    ),
    ("versions", |tables| &tables.versions, |_, key, _| Ok(key.get(16..).map_or(Said::Unreadable, seq_of))),
    ("sketches", |tables| &tables.sketches, |_, key, _| Ok(seq_of(key))),
    (
        "digests",
        |tables| &tables.digests,
        |tables, _, row| Ok(if tables.seen.contains_key(row)? { Said::Nothing } else { Said::UnknownArticle }),
    ),
    ("frontier", |tables| &tables.frontier, |_, _, row| Ok(json::<Pending>(row))),
    ("dead", |tables| &tables.dead, |_, _, row| Ok(json::<DeadLetter>(row))),
    ("undelivered", |tables| &tables.undelivered, |_, _, row| Ok(json::<Undelivered>(row))),
    ("sources", |tables| &tables.sources, |_, _, row| Ok(json::<SourceState>(row))),
    ("looks", |tables| &tables.looks, |_, _, row| Ok(json::<NextLook>(row))),
    ("days", |tables| &tables.days, |_, _, row| Ok(json::<DayCounts>(row))),
];

fn seq_of(key: &[u8]) -> Said {
    key.try_into().map_or(Said::Unreadable, |key| Said::Record(Seq(u64::from_be_bytes(key))))
}

fn json<T: serde::de::DeserializeOwned>(row: &[u8]) -> Said {
    if decode_json::<T>(row).is_ok() { Said::Nothing } else { Said::Unreadable }
}

/// Rows of all trees that lead to lost records.
#[derive(Default)]
pub(super) struct OfLost {
    all: Tally,
    trees: Vec<String>,
}

/// Rows that have one thing wrong.
#[derive(Default)]
struct Tally {
    count: u64,
    first: Option<Seq>,
    last: Option<Seq>,
}

impl Tally {
    fn add(&mut self, seq: Option<Seq>) {
        self.count += 1;
        self.first = self.first.min(seq).or(seq);
        self.last = self.last.max(seq);
    }
}

impl Verifier<'_> {
    pub(super) fn look_at_tables(&mut self) -> Result<(), Ended> {
        for rule in RULES {
            self.look_at_tree(rule)?;
        }
        let OfLost { all, trees } = std::mem::take(&mut self.of_lost);
        if all.count > 0 {
            let what = format!("{} rows lead to records that are lost: {}", all.count, trees.join(", "));
            let advice = "nothing: they are right again when the records are put back".to_owned();
            let finding = Finding { advice, ..Finding::of_tables(Severity::Note, what) };
            self.find(Finding { first_seq: all.first, last_seq: all.last, ..finding })?;
        }
        self.look_at_cursors()?;
        self.look_at_counts()?;
        self.flush()
    }

    fn look_at_tree(&mut self, (name, tree, says): Rule) -> Result<(), Ended> {
        let (mut beyond, mut unknown, mut unreadable) = (Tally::default(), Tally::default(), Tally::default());
        let lost_before = self.of_lost.all.count;
        let mut reached: Option<IVec> = None;
        loop {
            let from = reached.clone().map_or(Bound::Unbounded, Bound::Excluded);
            let step = self.asked.ask(|tables| {
                let mut step = Vec::new();
                let mut last = None;
                for row in tree(tables).range::<IVec, _>((from, Bound::Unbounded)).take(STEP_ROWS) {
                    let (key, row) = row?;
                    step.push(says(tables, &key, &row)?);
                    last = Some(key);
                }
                Ok((step, last))
            })?;
            let Some((step, last)) = step else { return Ok(()) };
            self.sum.rows += step.len() as u64;
            for said in &step {
                match said {
                    Said::Nothing => {}
                    Said::Record(seq) => match self.standing(*seq) {
                        Standing::Readable | Standing::Older => {}
                        Standing::Lost => self.of_lost.all.add(Some(*seq)),
                        Standing::Beyond => beyond.add(Some(*seq)),
                    },
                    Said::UnknownArticle => unknown.add(None),
                    Said::Unreadable => unreadable.add(None),
                }
            }
            self.say(Step::Rows { done: self.sum.rows })?;
            if step.len() < STEP_ROWS {
                break;
            }
            reached = last;
        }
        let lost = self.of_lost.all.count - lost_before;
        if lost > 0 {
            self.of_lost.trees.push(format!("{lost} of `{name}`"));
        }
        // Forgetting leaves keys that its next passage removes.
        let forgets = self.asked.ask(|tables| Ok(tables.meta.contains_key(FORGOTTEN)?))?.unwrap_or_default();
        let unknown_is = if forgets { Severity::Note } else { Severity::Warning };
        let is_alone = self.is_alone();
        let found = [
            // Beside a daemon, what was committed since the beginning is beyond.
            (Severity::Error, &beyond, "lead to records beyond the log's end", is_alone),
            (unknown_is, &unknown, "lead to articles that are not known", true),
            (Severity::Error, &unreadable, "cannot be read", true),
        ];
        for (severity, tally, what, counts) in found {
            if tally.count > 0 && counts {
                let what = format!("{} rows of `{name}` {what}", tally.count);
                let finding = Finding::of_tables(severity, what);
                self.find(Finding { first_seq: tally.first, last_seq: tally.last, ..finding })?;
            }
        }
        Ok(())
    }

    /// Where a number belongs by what was read.
    fn standing(&self, seq: Seq) -> Standing {
        let place = self.readable.partition_point(|(first, _)| *first <= seq);
        if place.checked_sub(1).is_some_and(|place| self.readable[place].1 >= seq) {
            return Standing::Readable;
        }
        // Behind the last number that was handed out; without an end, behind the last record.
        let next = self.end.map(|end| end.next).or(self.readable.last().map(|(_, last)| last.next()));
        if next.is_none_or(|next| seq >= next) {
            return Standing::Beyond;
        }
        let is_lost = self.gaps.iter().any(|gap| (gap.first..=gap.last).contains(&seq));
        if is_lost { Standing::Lost } else { Standing::Older }
    }

    fn look_at_cursors(&mut self) -> Result<(), Ended> {
        let Some(end) = self.end else { return Ok(()) };
        let cursors = self.asked.ask(|tables| {
            let rows = tables.cursors.iter().map(|row| {
                let (key, row) = row?;
                let cursor = row.as_ref().try_into().ok().map(|row| Seq(u64::from_be_bytes(row)));
                Ok((String::from_utf8_lossy(&key).into_owned(), cursor))
            });
            rows.collect::<Result<Vec<_>, StoreError>>()
        })?;
        for (output, cursor) in cursors.unwrap_or_default() {
            let fault = match cursor {
                Some(cursor) if cursor < end.next || !self.is_alone() => continue,
                Some(cursor) => format!("is at record {cursor}, beyond the log's end"),
                None => "cannot be read".to_owned(),
            };
            let what = format!("the cursor of output {output:?} {fault}");
            let advice = "set it with `chapar log rewind`".to_owned();
            self.find(Finding { advice, ..Finding::of_tables(Severity::Error, what) })?;
        }
        Ok(())
    }

    fn look_at_counts(&mut self) -> Result<(), Ended> {
        for _ in 0..COUNT_ATTEMPTS_MAX {
            let counted = self.asked.ask(|tables| {
                let before = tables.counts()?;
                let (pending, looks) = (counted(&tables.frontier)?, counted(&tables.looks)?);
                Ok((before.clone(), pending, looks, tables.counts()? == before))
            })?;
            let Some((counts, pending, looks, is_still)) = counted else { return Ok(()) };
            if !is_still {
                continue;
            }
            let outcomes: u64 = counts.outcomes.values().sum();
            if counts.admitted != outcomes + counts.pending {
                let (admitted, waiting) = (counts.admitted, counts.pending);
                let what = format!(
                    "{admitted} entries were admitted, but {outcomes} came to an outcome and {waiting} are pending"
                );
                self.find(Finding::of_tables(Severity::Error, what))?;
            }
            if counts.pending != pending {
                let what = format!("{} entries are counted as pending, but there are {pending}", counts.pending);
                self.find(Finding::of_tables(Severity::Error, what))?;
            }
            if counts.looks != looks {
                let what = format!("{} looks to come are counted, but there are {looks}", counts.looks);
                self.find(Finding::of_tables(Severity::Warning, what))?;
            }
            return Ok(());
        }
        Ok(())
    }
}

/// Where a number belongs.
enum Standing {
    Readable,
    Lost,
    /// Before the oldest that is kept.
    Older,
    Beyond,
}
