//! Which article a candidate is: what its page claims, and where its address led, against what is known there.
//!
//! - By its address: the one it was fetched at, after redirects. A text that differs there is the next version.
//! - By `rel=canonical`, where the text is that of the article which has this address. The first article that comes
//!   under a canonical address keeps it; a page that names the same one for another text has its own address as
//!   identity. So a site that gives one canonical to all of its pages loses none.
//! - A redirect to an address that nobody announced, where other entries were led before and found another text (a login,
//!   a section), says nothing: the entry's own address is its identity.
//! - An article that has moved (looked at again, found at a new address with its text or most of it) keeps its identity.

use jiff::Timestamp;
use serde::Deserialize;
use url::Url;

use super::Candidate;
use super::plan::Plan;
use crate::model::{ArticleId, Look, Pending};
use crate::novelty;
use crate::novelty::near::Profile;
use crate::store::{Seen, StoreError};

/// An article published within so many days is not one whose record retention has removed.
const FRESH_DAYS: i64 = 30;

/// What a candidate is known by.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    /// The article.
    pub id: ArticleId,
    /// The address of its record.
    pub url: Url,
    /// Whether the page only says so: its own address is another one.
    pub is_claimed: bool,
}

/// What the log tells of the newest version of a known article.
#[derive(Deserialize)]
struct KnownRecord {
    content_text: String,
    fetch: KnownFetch,
}

#[derive(Deserialize)]
struct KnownFetch {
    final_url: Url,
}

/// How a text relates to that of a known article.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Text {
    /// The same, or most of it.
    Same,
    Another,
    /// The known one is not kept any more.
    Gone,
}

impl Plan<'_> {
    /// The identity of a candidate.
    ///
    /// # Errors
    /// The store's.
    pub(super) fn identity(&self, pending: &Pending, candidate: &Candidate) -> Result<Identity, StoreError> {
        let entry = pending.entry.id;
        // What a page says of its own address without naming another one, `www.` or a slash, is believed.
        let is_claim = candidate.identity != candidate.fetched_identity;
        let fetched = if is_claim { &candidate.fetch.final_url } else { &candidate.url };
        let identity = if is_claim && self.is_believed(entry, candidate)? {
            Identity { id: candidate.identity, url: candidate.url.clone(), is_claimed: true }
        } else if self.leads_to_article(pending, candidate)? {
            Identity { id: candidate.fetched_identity, url: fetched.clone(), is_claimed: false }
        } else {
            return Ok(Identity { id: entry, url: pending.entry.url.clone(), is_claimed: false });
        };
        if self.has_moved(pending, candidate, identity.id)? {
            return Ok(Identity { id: entry, ..identity });
        }
        Ok(identity)
    }

    /// Whether the page may be known by the canonical address it names.
    fn is_believed(&self, entry: ArticleId, candidate: &Candidate) -> Result<bool, StoreError> {
        let claimed = candidate.identity;
        if claimed == entry {
            return Ok(true);
        }
        match self.recorded(claimed)? {
            // An address that waits to be fetched has a page of its own, whose text will tell.
            None => Ok(self.store.pending(claimed)?.is_none()),
            Some(known) => {
                let (text, record) = self.compare(&known, candidate)?;
                let gave_the_record =
                    record.is_some_and(|record| identity_of(&record.fetch.final_url) == candidate.fetched_identity);
                Ok(gave_the_record || is_likely(text, candidate, self.now))
            }
        }
    }

    /// Whether the address that the entry led to is that of the article on it.
    fn leads_to_article(&self, pending: &Pending, candidate: &Candidate) -> Result<bool, StoreError> {
        let (entry, fetched) = (pending.entry.id, candidate.fetched_identity);
        let Some(known) = self.recorded(fetched)?.filter(|_| fetched != entry) else { return Ok(true) };
        let led_here_before = self.seen(entry)?.is_some_and(|seen| seen.of == fetched);
        if led_here_before || !self.store.announcers(fetched)?.is_empty() {
            return Ok(true);
        }
        Ok(is_likely(self.compare(&known, candidate)?.0, candidate, self.now))
    }

    /// Whether the entry is a known article that is found at a new address.
    fn has_moved(&self, pending: &Pending, candidate: &Candidate, found: ArticleId) -> Result<bool, StoreError> {
        let entry = pending.entry.id;
        if pending.look == Look::First || found == entry || self.recorded(found)?.is_some() {
            return Ok(false);
        }
        let Some(known) = self.recorded(entry)? else { return Ok(false) };
        Ok(self.compare(&known, candidate)?.0 == Text::Same)
    }

    /// What is known of an article that has a record.
    fn recorded(&self, id: ArticleId) -> Result<Option<Seen>, StoreError> {
        Ok(self.seen(id)?.filter(|seen| seen.is_article(id)))
    }

    /// Whether two texts are of one article.
    fn is_same_text(&self, new: &Profile, known: &str) -> bool {
        new.compare(&Profile::of(known), self.texts.common()).is_some()
    }

    /// The one place where identity compares texts.
    fn compare(&self, known: &Seen, candidate: &Candidate) -> Result<(Text, Option<KnownRecord>), StoreError> {
        let line = self.line(known.seq)?;
        let record: Option<KnownRecord> = line.and_then(|line| serde_json::from_str(&line).ok());
        let text = match &record {
            _ if known.text_digest == candidate.text_digest => Text::Same,
            None => Text::Gone,
            Some(record) if self.is_same_text(&candidate.profile, &record.content_text) => Text::Same,
            Some(_) => Text::Another,
        };
        Ok((text, record))
    }
}

/// Where the known text is gone, what is published now is another article; anything else is known and never new.
fn is_likely(text: Text, candidate: &Candidate, now: Timestamp) -> bool {
    let fresh_since = now.as_second() - FRESH_DAYS * 24 * 3600;
    let is_fresh = || candidate.article.date_published.is_some_and(|date| date.at.as_second() > fresh_since);
    match text {
        Text::Same => true,
        Text::Another => false,
        Text::Gone => !is_fresh(),
    }
}

fn identity_of(url: &Url) -> ArticleId {
    novelty::article_id(&novelty::canonical_url(url))
}

#[cfg(test)]
#[path = "identity_tests.rs"]
mod tests;
