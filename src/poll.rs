//! The first stage: one look at a source, and what it announces.

pub mod discovery;
pub mod feed;
pub mod listing;
pub mod moved;
pub mod queue;
mod reading;
pub mod rhythm;
pub mod schedule;
mod site;
pub mod sitemap;

use std::sync::Arc;
use std::time::Duration;

use reading::{follow, read_apart};
use schedule::Wishes;
use url::Url;

use crate::http::{Accept, Answer, Client, HttpError, Request, Validators};
use crate::model::{Announced, RobotsPolicy, Source, SourceKind};
use crate::site_rules::SiteRules;

/// Entries taken from one poll: as many as the readers take of one document.
const ENTRIES_MAX: usize = 2_000;

/// What a source said.
#[derive(Debug)]
pub struct Polled {
    /// What it announces now; nothing when it had not changed.
    pub announced: Vec<Announced>,
    /// To be sent with the next poll.
    pub validators: Validators,
    /// What it asks of those who poll it; `None` when it had not changed and did not say it again.
    pub wishes: Option<Wishes>,
    /// Where its address has moved for good.
    pub moved_to: Option<Url>,
}

/// Why a poll brought nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PollFailure {
    /// In one word.
    pub reason: String,
    /// In a sentence, safe to show.
    pub detail: String,
    /// The server's wish.
    pub retry_after: Option<Duration>,
    /// The source's own address is gone for good: HTTP 410.
    pub is_gone: bool,
}

impl From<HttpError> for PollFailure {
    fn from(error: HttpError) -> Self {
        let is_gone = matches!(error, HttpError::Status { status: 410, .. });
        Self { reason: error.reason().to_owned(), detail: error.to_string(), retry_after: error.retry_after(), is_gone }
    }
}

/// Polls a source once.
///
/// # Errors
/// Every way in which it can fail to be read, with its reason.
pub async fn poll(
    client: &Client,
    source: &Source,
    sites: &Arc<SiteRules>,
    validators: Option<&Validators>,
) -> Result<Polled, PollFailure> {
    // Tomorrow it is another address: what was said of this one does not hold there.
    let of_today = of_today(source)?;
    let (url, validators) = of_today.as_ref().map_or((&source.url, validators), |url| (url, None));
    let (page, validators, moved_to, max_age) = match get(client, source, url, validators).await? {
        Answer::NotModified { validators, permanent_redirect: moved_to, .. } => {
            return Ok(Polled { announced: Vec::new(), validators, wishes: None, moved_to });
        }
        Answer::Page { page, validators, permanent_redirect, cache_max_age } => {
            (page, validators, permanent_redirect, cache_max_age)
        }
    };
    let mut read = read_apart(source, sites, page, 1).await?;
    let is_index = !read.children.is_empty();
    let is_list_whole = follow(client, source, sites, url, &mut read).await?.is_list_whole;
    // What a cut answer, a child or a further page did not bring must not hide behind a 304.
    let is_cut = read.truncated || read.announced.len() > ENTRIES_MAX;
    if is_cut {
        tracing::warn!(source = %source.id, "{}: the answer was cut off, or has more than {ENTRIES_MAX} entries", source.id);
    }
    read.announced.truncate(ENTRIES_MAX);
    let wishes = Wishes { every: read.wishes.every.max(max_age), ..read.wishes };
    let is_whole = !is_index && !is_cut && is_list_whole && of_today.is_none();
    let validators = if is_whole { validators } else { Validators::default() };
    let moved_to = moved_to.filter(|_| of_today.is_none());
    Ok(Polled { announced: read.announced, validators, wishes: Some(wishes), moved_to })
}

/// The address of today, where a source's address has placeholders for the day.
fn of_today(source: &Source) -> Result<Option<Url>, PollFailure> {
    if !listing::is_of_day(&source.url) {
        return Ok(None);
    }
    let today = listing::page_address(source.url.as_str(), 1, &source.url, &source.zone, crate::activity::now());
    today.map(Some).ok_or_else(|| failure("bad-url", "with today's date filled in, it is no address any more"))
}

async fn get(
    client: &Client,
    source: &Source,
    url: &Url,
    validators: Option<&Validators>,
) -> Result<Answer, HttpError> {
    // A feed is published to be polled; robots.txt speaks to crawlers of pages.
    let (accept, robots) = match source.kind {
        SourceKind::Feed => (Accept::Feed, RobotsPolicy::Ignore),
        SourceKind::Sitemap => (Accept::Feed, source.robots),
        SourceKind::Listing => (Accept::Page, source.robots),
    };
    let (user_agent, cookies) = (source.user_agent.as_deref(), source.cookie_jar());
    client.get(&Request { url, validators, user_agent, robots, accept, cookies }).await
}

fn failure(reason: &str, detail: impl ToString) -> PollFailure {
    PollFailure { reason: reason.to_owned(), detail: detail.to_string(), retry_after: None, is_gone: false }
}
