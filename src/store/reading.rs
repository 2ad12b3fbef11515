//! What others ask the store, and the cursors of its consumers.

use std::sync::PoisonError;

use jiff::Timestamp;
use serde::Deserialize;
use sled::transaction::ConflictableTransactionError;

use super::renewal::CURSORS_LOST;
use super::rows;
use super::scan::{Gap, Part, Scan};
use super::{
    Counts, DeadLetter, Frame, Position, Seen, SourceState, Store, StoreError, Tables, count_key, decode_count,
    decode_json,
};
use crate::model::{ArticleId, Digest, Outcome, Pending, Seq, SourceId};

/// What was found of a record.
enum Looked {
    /// It.
    Frame(Frame),
    /// It is missing, with those around it.
    Lost {
        /// The first that is missing.
        first: Seq,
        /// The last.
        last: Seq,
    },
}

/// When the record of a line was committed.
pub(super) fn recorded_at(line: &str) -> serde_json::Result<Timestamp> {
    #[derive(Deserialize)]
    struct Stamp {
        recorded_at: Timestamp,
    }
    serde_json::from_str(line).map(|Stamp { recorded_at }| recorded_at)
}

impl Store {
    /// The frame that holds a record; `None` before the first, beyond the last, and where the record is lost.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn frame_of(&self, seq: Seq) -> Result<Option<Frame>, StoreError> {
        if seq.0 == 0 || seq > self.last_seq() {
            return Ok(None);
        }
        match self.look_for(seq)? {
            Looked::Frame(frame) => Ok(Some(frame)),
            Looked::Lost { .. } => Ok(None),
        }
    }

    /// The frame that holds a record, or the next one behind it that can be read; `None` beyond the last.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn frame_from(&self, seq: Seq) -> Result<Option<Frame>, StoreError> {
        let mut at = seq.max(Seq(1));
        while at <= self.last_seq() {
            match self.look_for(at)? {
                Looked::Frame(frame) => return Ok(Some(frame)),
                Looked::Lost { last, .. } => at = last.next(),
            }
        }
        Ok(None)
    }

    /// The frame that holds a record, or the last one before it that can be read; `None` before the first.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn frame_before(&self, seq: Seq) -> Result<Option<Frame>, StoreError> {
        let mut at = seq.min(self.last_seq());
        while at.0 > 0 {
            match self.look_for(at)? {
                Looked::Frame(frame) => return Ok(Some(frame)),
                Looked::Lost { first, .. } => at = Seq(first.0.saturating_sub(1)),
            }
        }
        Ok(None)
    }

    /// Looks for a record that was committed: where sled says, else in the segment that its number belongs to.
    fn look_for(&self, seq: Seq) -> Result<Looked, StoreError> {
        if let Some((first, last)) = self.gaps.around(seq) {
            return Ok(Looked::Lost { first, last });
        }
        let row = self.ask(|tables| Ok(tables.positions.get(seq.0.to_be_bytes())?))?;
        if let Some(position) = row.as_deref().and_then(Position::decode) {
            match self.segments.frame(position.frame) {
                Ok(frame) if (frame.first..=frame.last).contains(&seq) => return Ok(Looked::Frame(frame)),
                // Written anew meanwhile, or damaged.
                Ok(_) => {}
                Err(error) if error.is_damage() => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.locate(seq)
    }

    /// Walks the segment that a record belongs to by its number.
    fn locate(&self, seq: Seq) -> Result<Looked, StoreError> {
        let _no_file_goes = self.bound.layout.read().unwrap_or_else(PoisonError::into_inner);
        let segments = self.segments.list()?;
        let place = segments.partition_point(|segment| *segment <= seq);
        let until = segments.get(place).map_or(self.last_seq(), |segment| Seq(segment.0 - 1));
        let Some(segment) = place.checked_sub(1).map(|place| segments[place]) else {
            let begin = self.ask(Tables::begin)?.unwrap_or(Seq(1));
            if seq < begin {
                // Older than what is kept.
                return Ok(Looked::Lost { first: Seq(1), last: until.min(Seq(begin.0 - 1)) });
            }
            return Ok(self.lost(Gap::before(&self.segments, begin, until.next())));
        };
        let mut scan = Scan::of_segment(&self.segments, segment);
        let mut damage = None;
        loop {
            match scan.next() {
                Ok(Some(Part::Frame { first, last, lines, .. })) if (first..=last).contains(&seq) => {
                    return Ok(Looked::Frame(Frame { first, last, lines }));
                }
                Ok(Some(Part::Lost(gap))) if (gap.first..=gap.last).contains(&seq) => return Ok(self.lost(gap)),
                Ok(Some(Part::Tail { offset, reason, .. })) => damage = Some((offset, reason)),
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(error) if error.is_damage() => break,
                Err(error) => return Err(error.into()),
            }
        }
        let first = scan.expected().unwrap_or(segment).min(seq);
        Ok(self.lost(match damage {
            Some((offset, reason)) => {
                Gap { first, last: until, file: self.segments.path(segment), byte: Some(offset), reason }
            }
            None => Gap::behind(&self.segments, segment, first, until),
        }))
    }

    fn lost(&self, gap: Gap) -> Looked {
        let (first, last) = (gap.first, gap.last);
        self.gaps.note(gap);
        Looked::Lost { first, last }
    }

    /// The oldest record of the log; `None` when there is none.
    ///
    /// # Errors
    /// A damaged log.
    pub fn oldest_seq(&self) -> Result<Option<Seq>, StoreError> {
        Ok(self.frame_from(Seq(1))?.map(|frame| frame.first))
    }

    /// The number of the first record that is kept, lost or not; reads no frame.
    ///
    /// # Errors
    /// sled's.
    pub fn first_kept(&self) -> Result<Seq, StoreError> {
        Ok(self.ask(Tables::begin)?.unwrap_or(Seq(1)))
    }

    /// The first record of those recorded at or after a time, the next one where there is none. Of a clock that was set
    /// back, an early one of them.
    ///
    /// # Errors
    /// A damaged log.
    pub fn first_since(&self, at: Timestamp) -> Result<Seq, StoreError> {
        let (mut low, mut high) = (self.oldest_seq()?.unwrap_or(Seq(1)), self.next_seq());
        while low < high {
            let middle = Seq(u64::midpoint(low.0, high.0));
            let Some(frame) = self.frame_from(middle)? else { break };
            let first_after = frame
                .lines()
                .find_map(|(seq, line)| match recorded_at(line) {
                    Ok(time) if time < at => None,
                    Ok(_) => Some(Ok(seq)),
                    Err(error) => Some(Err(StoreError::Row(error.to_string()))),
                })
                .transpose()?;
            match first_after {
                None => low = frame.last.next(),
                Some(first) if first > frame.first => return Ok(first),
                // The frame before it may be recorded after that time, too.
                Some(first) => high = first.min(middle),
            }
        }
        Ok(low)
    }

    /// One line of the log; `None` where it is lost.
    ///
    /// # Errors
    /// A damaged log.
    pub fn line(&self, seq: Seq) -> Result<Option<String>, StoreError> {
        let frame = self.frame_of(seq)?;
        Ok(frame.and_then(|frame| frame.lines().find(|(at, _)| *at == seq).map(|(_, line)| line.to_owned())))
    }

    /// What is remembered of an article.
    ///
    /// # Errors
    /// sled's.
    pub fn seen(&self, id: ArticleId) -> Result<Option<Seen>, StoreError> {
        self.ask(|tables| Ok(tables.seen.get(id.0)?.and_then(|row| Seen::decode(&row))))
    }

    /// Articles whose id begins with the given characters, at most `limit`.
    ///
    /// # Errors
    /// sled's.
    pub fn seen_by_prefix(&self, prefix: &str, limit: usize) -> Result<Vec<(ArticleId, Seen)>, StoreError> {
        let Ok(first) = format!("{prefix:a<26}").parse::<ArticleId>() else { return Ok(Vec::new()) };
        self.ask(|tables| {
            let mut found = Vec::new();
            for row in tables.seen.range(first.0..) {
                let (key, row) = row?;
                let Ok(key) = <[u8; 16]>::try_from(key.as_ref()) else { continue };
                let id = ArticleId(key);
                if !id.to_string().starts_with(&prefix.to_ascii_lowercase()) || found.len() == limit {
                    break;
                }
                found.extend(Seen::decode(&row).map(|seen| (id, seen)));
            }
            Ok(found)
        })
    }

    /// The article that first had this text.
    ///
    /// # Errors
    /// sled's.
    pub fn digest_owner(&self, digest: Digest) -> Result<Option<ArticleId>, StoreError> {
        let row = self.ask(|tables| Ok(tables.digests.get(digest.0)?))?;
        Ok(row.and_then(|row| row.as_ref().try_into().ok().map(ArticleId)))
    }

    /// Sources that have announced an article.
    ///
    /// # Errors
    /// sled's.
    pub fn announcers(&self, id: ArticleId) -> Result<Vec<SourceId>, StoreError> {
        self.ask(|tables| {
            let mut sources = Vec::new();
            for row in tables.announcers.scan_prefix(id.0) {
                let (key, _) = row?;
                sources.extend(std::str::from_utf8(&key[16..]).ok().and_then(|id| id.parse().ok()));
            }
            Ok(sources)
        })
    }

    /// What is remembered of a source.
    ///
    /// # Errors
    /// sled's.
    pub fn source_state(&self, id: &SourceId) -> Result<SourceState, StoreError> {
        let row = self.ask(|tables| Ok(tables.sources.get(id.as_str())?))?;
        Ok(row.and_then(|row| serde_json::from_slice(&row).ok()).unwrap_or_default())
    }

    /// What the pages of a source's site have in common, as it was saved.
    ///
    /// # Errors
    /// sled's.
    pub fn site_template(&self, id: &SourceId) -> Result<Option<Vec<u8>>, StoreError> {
        let row = self.ask(|tables| Ok(tables.templates.get(id.as_str())?))?;
        Ok(row.map(|row| row.to_vec()))
    }

    /// Entries in the frontier.
    pub fn pending_count(&self) -> u64 {
        self.lock_pending().values().sum()
    }

    /// One pending entry.
    ///
    /// # Errors
    /// sled's.
    pub fn pending(&self, id: ArticleId) -> Result<Option<Pending>, StoreError> {
        self.ask(|tables| tables.frontier.get(id.0)?.map(|row| decode_json(&row)).transpose())
    }

    /// Hands every pending entry to `visit`.
    ///
    /// # Errors
    /// sled's.
    pub fn each_pending(&self, mut visit: impl FnMut(Pending)) -> Result<(), StoreError> {
        self.ask(|tables| tables.frontier.iter().values().try_for_each(|row| decode_json(&row?).map(&mut visit)))
    }

    /// Every dead letter.
    ///
    /// # Errors
    /// sled's.
    pub fn dead_letters(&self) -> Result<Vec<DeadLetter>, StoreError> {
        self.ask(|tables| tables.dead.iter().values().map(|row| decode_json(&row?)).collect())
    }

    /// The dead letter of an entry.
    ///
    /// # Errors
    /// sled's.
    pub fn dead_letter(&self, id: ArticleId) -> Result<Option<DeadLetter>, StoreError> {
        self.ask(|tables| tables.dead.get(id.0)?.map(|row| decode_json(&row)).transpose())
    }

    /// The last record a consumer has acknowledged; `None` before its first.
    ///
    /// # Errors
    /// sled's.
    pub fn cursor(&self, consumer: &str) -> Result<Option<Seq>, StoreError> {
        let row = self.ask(|tables| Ok(tables.cursors.get(consumer)?))?;
        Ok(row.and_then(|row| rows::decode_seq(&row)))
    }

    /// Moves a consumer's cursor, unless it is not any more where the consumer knows it: then it was rewound, and false
    /// is the answer. It becomes durable with the next commit or within half a second; until then a crash makes the
    /// consumer see the records again.
    ///
    /// # Errors
    /// sled's.
    pub fn move_cursor(&self, consumer: &str, from: Option<Seq>, to: Seq) -> Result<bool, StoreError> {
        self.ask(|tables| {
            let (from, to) = (from.map(|seq| seq.0.to_be_bytes()), to.0.to_be_bytes());
            Ok(tables.cursors.compare_and_swap(consumer, from, Some(&to))?.is_ok())
        })
    }

    /// Sets a consumer's cursor back, or forth, and wakes the consumers.
    ///
    /// # Errors
    /// sled's.
    pub fn rewind(&self, consumer: &str, to: Seq) -> Result<(), StoreError> {
        self.ask(|tables| {
            tables.cursors.insert(consumer, &to.0.to_be_bytes())?;
            tables.db.flush()?;
            Ok(())
        })?;
        self.committed.send_modify(|_| ());
        Ok(())
    }

    /// Every consumer and its cursor.
    ///
    /// # Errors
    /// sled's.
    pub fn cursors(&self) -> Result<Vec<(String, Seq)>, StoreError> {
        self.ask(|tables| {
            let mut cursors = Vec::new();
            for row in tables.cursors.iter() {
                let (key, row) = row?;
                let seq = rows::decode_seq(&row).unwrap_or_default();
                cursors.push((String::from_utf8_lossy(&key).into_owned(), seq));
            }
            Ok(cursors)
        })
    }

    /// Releases the cursors of outputs that are no longer configured.
    ///
    /// # Errors
    /// sled's.
    pub fn release_cursors_except(&self, consumers: &[&str]) -> Result<(), StoreError> {
        for (consumer, _) in self.cursors()? {
            if !consumers.contains(&consumer.as_str()) {
                self.ask(|tables| Ok(tables.cursors.remove(&consumer).map(drop)?))?;
            }
        }
        if consumers
            .iter()
            .try_fold(true, |all, consumer| Ok::<_, StoreError>(all && self.cursor(consumer)?.is_some()))?
        {
            self.ask(|tables| Ok(tables.meta.remove(CURSORS_LOST).map(drop)?))?;
        }
        Ok(())
    }

    /// Whether all cursors were lost with the key tables: of an output that has none it is not known what it got.
    ///
    /// # Errors
    /// sled's.
    pub fn cursors_are_lost(&self) -> Result<bool, StoreError> {
        self.ask(|tables| Ok(tables.meta.contains_key(CURSORS_LOST)?))
    }

    /// Admissions, outcomes and pending entries, as of one moment.
    ///
    /// # Errors
    /// sled's.
    pub fn counts(&self) -> Result<Counts, StoreError> {
        self.ask(Tables::counts)
    }

    /// Bytes of the log and of sled.
    ///
    /// # Errors
    /// The file system's.
    pub fn sizes(&self) -> Result<(u64, u64), StoreError> {
        let tables = self.ask(|tables| Ok(tables.db.size_on_disk()?))?;
        Ok((self.segments.bytes()?, tables))
    }
}

impl Tables {
    /// See [`Store::counts`].
    pub(super) fn counts(&self) -> Result<Counts, StoreError> {
        let counts = self.meta.transaction(|meta| {
            let read = |name: &str| -> Result<u64, ConflictableTransactionError<StoreError>> {
                Ok(decode_count(meta.get(count_key(name))?))
            };
            let (admitted, pending, looks) = (read("admitted")?, read("pending")?, read(super::looks::WAITING)?);
            let mut counts = Counts { admitted, pending, looks, ..Counts::default() };
            for outcome in Outcome::ALL {
                counts.outcomes.insert(outcome, read(outcome.name())?);
            }
            Ok(counts)
        });
        Ok(counts?)
    }
}
