//! The first stage: one look at a source, and what it announces.

pub mod feed;
pub mod listing;
pub mod moved;
pub mod queue;
pub mod rhythm;
pub mod schedule;
pub mod sitemap;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use schedule::Wishes;
use url::Url;

use crate::http::{Accept, Answer, Client, HttpError, Request, Validators};
use crate::model::{Announced, Page, RobotsPolicy, Source, SourceKind};
use crate::site_rules::SiteRules;

/// Sitemaps of an index that one poll reads: the newest ones; each is a request.
const CHILD_SITEMAPS_MAX: usize = 3;

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
    let (page, validators, moved_to, max_age) = match get(client, source, &source.url, validators).await? {
        Answer::NotModified { validators, permanent_redirect: moved_to, .. } => {
            return Ok(Polled { announced: Vec::new(), validators, wishes: None, moved_to });
        }
        Answer::Page { page, validators, permanent_redirect, cache_max_age } => {
            (page, validators, permanent_redirect, cache_max_age)
        }
    };
    let mut read = read_apart(source, sites, page).await?;
    let is_index = !read.children.is_empty();
    let mut first_failure = None;
    for child in read.children.iter().take(CHILD_SITEMAPS_MAX) {
        match poll_child(client, source, sites, child).await {
            Ok(entries) => read.announced.extend(entries),
            Err(failure) => {
                tracing::debug!(source = %source.id, reason = %failure.reason, detail = %failure.detail, "child sitemap");
                first_failure.get_or_insert(failure);
            }
        }
    }
    if let (true, Some(failure)) = (read.announced.is_empty(), first_failure) {
        // A sitemap that is gone says nothing of the index.
        return Err(PollFailure { is_gone: false, ..failure });
    }
    // What a cut answer or a child did not bring must not hide behind a 304.
    let is_cut = read.truncated || read.announced.len() > ENTRIES_MAX;
    if is_cut {
        tracing::warn!(source = %source.id, "{}: the answer was cut off, or has more than {ENTRIES_MAX} entries", source.id);
    }
    let is_whole = !is_index && !is_cut;
    read.announced.truncate(ENTRIES_MAX);
    let wishes = Wishes { every: read.wishes.every.max(max_age), ..read.wishes };
    let validators = if is_whole { validators } else { Validators::default() };
    Ok(Polled { announced: read.announced, validators, wishes: Some(wishes), moved_to })
}

async fn poll_child(
    client: &Client,
    source: &Source,
    sites: &Arc<SiteRules>,
    child: &Url,
) -> Result<Vec<Announced>, PollFailure> {
    match get(client, source, child, None).await? {
        Answer::Page { page, .. } => Ok(read_apart(source, sites, page).await?.announced),
        Answer::NotModified { .. } => Ok(Vec::new()),
    }
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
    client.get(&Request { url, validators, user_agent: source.user_agent.as_deref(), robots, accept }).await
}

#[derive(Default)]
struct Read {
    announced: Vec<Announced>,
    children: Vec<Url>,
    /// The body broke off or went beyond a limit: there is more than was read.
    truncated: bool,
    wishes: Wishes,
}

/// Reads on a thread for blocking work: a large page takes long, and a reader that panics harms only this poll.
async fn read_apart(source: &Source, sites: &Arc<SiteRules>, page: Page) -> Result<Read, PollFailure> {
    let (source, sites) = (source.clone(), Arc::clone(sites));
    let read = tokio::task::spawn_blocking(move || read(&source, &sites, &page)).await;
    read.unwrap_or_else(|_| Err(failure("unreadable", "the reader panicked on this answer; please report it")))
}

/// Reads what a source answered.
fn read(source: &Source, sites: &SiteRules, page: &Page) -> Result<Read, PollFailure> {
    let now: Option<Timestamp> = page.fetched_at;
    let url = page.final_url.as_ref().unwrap_or(&source.url);
    let content_type = page.content_type.as_deref();
    match source.kind {
        SourceKind::Feed => {
            let feed = feed::read(&page.bytes, content_type, Some(url), &source.zone, now)
                .map_err(|error| failure(error.reason(), error))?;
            Ok(Read { announced: feed.entries, children: Vec::new(), truncated: feed.truncated, wishes: feed.wishes })
        }
        SourceKind::Listing => {
            let rule = sites.for_url(url).and_then(|site| site.listing.as_ref());
            let announced = listing::read(&page.bytes, content_type, url, rule, &source.zone, now)
                .map_err(|error| failure(error.reason(), error))?;
            Ok(Read { announced, ..Read::default() })
        }
        SourceKind::Sitemap => {
            let sitemap =
                sitemap::read(&page.bytes, url, &source.zone, now).map_err(|error| failure(error.reason(), error))?;
            Ok(Read {
                announced: sitemap.entries,
                children: sitemap.children,
                truncated: sitemap.truncated,
                wishes: Wishes::default(),
            })
        }
    }
}

fn failure(reason: &str, detail: impl ToString) -> PollFailure {
    PollFailure { reason: reason.to_owned(), detail: detail.to_string(), retry_after: None, is_gone: false }
}
