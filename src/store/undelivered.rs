//! Dead letters of outputs: records that a receiver would not take. Kept by output and sequence number; the record itself
//! stays in the log.
//!
//! invariant: a row is durable before its output's cursor passes the record.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sled::Batch;
use url::Url;

use super::{Store, StoreError, decode_json};
use crate::faults::{self, Point};
use crate::model::{ArticleId, Seq, SourceId};

/// A record that was not delivered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Undelivered {
    /// The output.
    pub output: SourceId,
    /// Where the record lies.
    pub seq: Seq,
    /// The article.
    pub id: ArticleId,
    /// Its source.
    pub source: SourceId,
    /// Its address.
    pub url: Url,
    /// Reason in one word.
    pub reason: String,
    /// Reason in a sentence.
    pub detail: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was given up.
    pub at: Timestamp,
}

/// Whether a record is to be delivered once more: first byte of its key, so that those are found at once.
#[derive(Clone, Copy)]
enum State {
    GivenUp = 0,
    AskedAgain = 1,
}

const STATES: [State; 2] = [State::GivenUp, State::AskedAgain];

fn prefix(state: State, output: &SourceId) -> Vec<u8> {
    [&[state as u8], output.as_str().as_bytes(), &[0]].concat()
}

fn key(state: State, output: &SourceId, seq: Seq) -> Vec<u8> {
    [prefix(state, output).as_slice(), &seq.0.to_be_bytes()].concat()
}

impl Store {
    /// Keeps records that were given up, durably, unless the output would have more than `count_max` of them. Tells
    /// whether they are kept; those of them that were to be tried again are not any more.
    ///
    /// # Errors
    /// sled's.
    pub fn give_up(&self, letters: &[Undelivered], count_max: u64) -> Result<bool, StoreError> {
        let Some(output) = letters.first().map(|letter| &letter.output) else { return Ok(true) };
        self.change(|tables| {
            let mut batch = Batch::default();
            let mut added = 0;
            for letter in letters {
                let is_known = STATES.into_iter().try_fold(false, |is_known, state| {
                    Ok::<_, sled::Error>(is_known || tables.undelivered.contains_key(key(state, output, letter.seq))?)
                })?;
                added += u64::from(!is_known);
                let row = serde_json::to_vec(letter).map_err(|error| StoreError::Row(error.to_string()))?;
                batch.insert(key(State::GivenUp, output, letter.seq), row);
                batch.remove(key(State::AskedAgain, output, letter.seq));
            }
            if added > 0 && tables.undelivered_of(output) + added > count_max {
                return Ok(false);
            }
            tables.undelivered.apply_batch(batch)?;
            tables.db.flush()?;
            faults::pass(Point::UNDELIVERED_DURABLE).map_err(sled::Error::Io)?;
            Ok(true)
        })
    }

    /// All of them, those to be tried again last.
    ///
    /// # Errors
    /// sled's.
    pub fn undelivered(&self) -> Result<Vec<Undelivered>, StoreError> {
        self.ask(|tables| tables.undelivered.iter().values().map(|row| decode_json(&row?)).collect())
    }

    /// Why an output did not get a record, and whether that is to be tried again; nothing where it is no dead letter.
    ///
    /// # Errors
    /// sled's.
    pub fn why_undelivered(&self, output: &SourceId, seq: Seq) -> Result<Option<(Undelivered, bool)>, StoreError> {
        self.ask(|tables| {
            for state in STATES {
                if let Some(row) = tables.undelivered.get(key(state, output, seq))? {
                    return Ok(Some((decode_json(&row)?, matches!(state, State::AskedAgain))));
                }
            }
            Ok(None)
        })
    }

    /// How many an output has.
    ///
    /// # Errors
    /// sled's.
    pub fn undelivered_count(&self, output: &SourceId) -> Result<u64, StoreError> {
        self.ask(|tables| Ok(tables.undelivered_of(output)))
    }

    /// Asks for another delivery of one record, or of all that an output did not get, and wakes the consumers. Tells how
    /// many that are.
    ///
    /// # Errors
    /// sled's.
    pub fn deliver_again(&self, output: &SourceId, which: Option<Seq>) -> Result<u64, StoreError> {
        let asked = self.change(|tables| {
            let mut batch = Batch::default();
            let mut asked = 0;
            for row in tables.undelivered.scan_prefix(prefix(State::GivenUp, output)) {
                let (given_up, row) = row?;
                if which.is_none_or(|seq| given_up.as_ref() == key(State::GivenUp, output, seq)) {
                    let again = [&[State::AskedAgain as u8], &given_up[1..]].concat();
                    batch.remove(given_up);
                    batch.insert(again, row);
                    asked += 1;
                }
            }
            tables.undelivered.apply_batch(batch)?;
            tables.db.flush()?;
            Ok(asked)
        })?;
        self.committed.send_modify(|_| ());
        Ok(asked)
    }

    /// Those of an output that are to be tried again.
    ///
    /// # Errors
    /// sled's.
    pub fn asked_again(&self, output: &SourceId) -> Result<Vec<Undelivered>, StoreError> {
        self.ask(|tables| {
            let rows = tables.undelivered.scan_prefix(prefix(State::AskedAgain, output));
            rows.values().map(|row| decode_json(&row?)).collect()
        })
    }

    /// Removes one, or all of an output. Tells how many there were.
    ///
    /// # Errors
    /// sled's.
    pub fn drop_undelivered(&self, output: &SourceId, which: Option<Seq>) -> Result<u64, StoreError> {
        self.ask(|tables| {
            let mut dropped = 0;
            for state in STATES {
                for found in tables.undelivered.scan_prefix(prefix(state, output)).keys() {
                    let found = found?;
                    if which.is_none_or(|seq| found.as_ref() == key(state, output, seq)) {
                        dropped += u64::from(tables.undelivered.remove(found)?.is_some());
                    }
                }
            }
            Ok(dropped)
        })
    }

    /// Records were delivered: they are not dead letters any more, where they were.
    ///
    /// # Errors
    /// sled's.
    pub fn settle_undelivered(
        &self,
        output: &SourceId,
        delivered: impl Iterator<Item = Seq>,
    ) -> Result<(), StoreError> {
        self.ask(|tables| {
            if tables.undelivered.is_empty() {
                return Ok(());
            }
            for seq in delivered {
                for state in STATES {
                    tables.undelivered.remove(key(state, output, seq))?;
                }
            }
            Ok(())
        })
    }
}

impl super::Tables {
    fn undelivered_of(&self, output: &SourceId) -> u64 {
        STATES.into_iter().map(|state| self.undelivered.scan_prefix(prefix(state, output)).count() as u64).sum()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn letter(output: &str, seq: u64) -> Undelivered {
        Undelivered {
            output: output.parse().unwrap(),
            seq: Seq(seq),
            id: ArticleId([7; 16]),
            source: "canal".parse().unwrap(),
            url: Url::parse("https://example.org/a").unwrap(),
            reason: "exit-code".to_owned(),
            detail: "exit code 3".to_owned(),
            attempts: 5,
            at: Timestamp::UNIX_EPOCH,
        }
    }

    fn seqs(letters: &[Undelivered]) -> Vec<u64> {
        letters.iter().map(|letter| letter.seq.0).collect()
    }

    #[test]
    fn what_an_output_did_not_get_is_kept_up_to_a_bound_and_tried_again_when_asked() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), 1 << 20, 1 << 20, std::time::Duration::ZERO, None).unwrap();
        let (hook, hook2): (SourceId, SourceId) = ("hook".parse().unwrap(), "hook-2".parse().unwrap());
        assert!(store.give_up(&[letter("hook", 1), letter("hook", 2)], 3).unwrap());
        assert!(store.give_up(&[letter("hook-2", 2)], 3).unwrap());
        assert!(store.give_up(&[letter("hook", 2)], 2).unwrap(), "known already");
        assert!(!store.give_up(&[letter("hook", 3), letter("hook", 4)], 3).unwrap());
        assert_eq!((store.undelivered_count(&hook).unwrap(), store.undelivered_count(&hook2).unwrap()), (2, 1));

        assert_eq!(store.deliver_again(&hook, Some(Seq(2))).unwrap(), 1);
        assert_eq!(store.deliver_again(&hook, Some(Seq(9))).unwrap(), 0);
        assert_eq!(seqs(&store.asked_again(&hook).unwrap()), [2]);
        assert!(store.asked_again(&hook2).unwrap().is_empty());
        assert_eq!(store.undelivered_count(&hook).unwrap(), 2, "until it is delivered");
        assert!(store.give_up(&[letter("hook", 2)], 2).unwrap());
        assert!(store.asked_again(&hook).unwrap().is_empty(), "tried once, and given up again");

        assert_eq!(store.deliver_again(&hook, None).unwrap(), 2);
        store.settle_undelivered(&hook, [Seq(1), Seq(5)].into_iter()).unwrap();
        assert_eq!(seqs(&store.undelivered().unwrap()), [2, 2]);
        assert_eq!(store.drop_undelivered(&hook, None).unwrap(), 1);
        assert_eq!(store.drop_undelivered(&hook2, Some(Seq(2))).unwrap(), 1);
        assert!(store.undelivered().unwrap().is_empty());
    }
}
