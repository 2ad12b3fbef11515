//! What the log alone does not say of a commit that sled missed, and what sled still knows of it: how its articles were
//! announced.

use super::rows::Seen;
use super::transactions::{announcement_key, announcer_key, decode_announcement, encode_announcement};
use super::{Settled, StoreError, Tables};
use crate::model::{ArticleId, Digest, Outcome, Seq};
use crate::record::{Event, Record};

/// Stands for an announcement of which only its article is known: every announcement differs from it.
const UNKNOWN_ANNOUNCEMENT: Digest = Digest([0; 16]);

impl Tables {
    /// Completes what a record says was settled, and enters that its article was announced.
    ///
    /// Where sled knows the announcement, it may have been of another address, which led to the article: that is the
    /// entry that is settled, and it is remembered as in the commit that was missed. Where sled does not know it, the next
    /// announcement calls for another look: the article may have been corrected meanwhile.
    pub(super) fn as_announced(&self, record: &Record, mut settled: Settled) -> Result<Settled, StoreError> {
        if !matches!(record.event, Event::New | Event::Update) {
            return Ok(settled);
        }
        let source = &record.source.id;
        let key = announcement_key(source, record.source.guid.as_deref(), record.id);
        match self.announced.get(key)?.as_deref().and_then(decode_announcement) {
            None => {
                self.announced.insert(key, encode_announcement(record.id, UNKNOWN_ANNOUNCEMENT))?;
                self.announcers.insert(announcer_key(record.id, source), &[])?;
            }
            Some((entry, _)) if entry != record.id => self.settle_entry(entry, &mut settled)?,
            Some(_) => {}
        }
        Ok(settled)
    }

    fn settle_entry(&self, entry: ArticleId, settled: &mut Settled) -> Result<(), StoreError> {
        settled.entry = entry;
        let known = self.seen.get(entry.0)?.and_then(|row| Seen::decode(&row));
        if known.is_none_or(|known| !known.is_article(entry)) {
            let alias = |(_, row): &(ArticleId, Seen)| {
                (entry, Seen { outcome: Outcome::Duplicate, version: 0, seq: Seq(0), ..*row })
            };
            settled.seen.extend(settled.seen.first().map(alias));
        }
        Ok(())
    }
}
