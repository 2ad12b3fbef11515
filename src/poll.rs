//! The first stage: one look at a source, and what it announces.

pub mod feed;
pub mod listing;
pub mod schedule;
mod site;
pub mod sitemap;

use std::borrow::Cow;
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use schedule::Wishes;
use url::Url;

use crate::http::{Accept, Answer, Client, HttpError, Request, Validators};
use crate::model::{Announced, Page, RobotsPolicy, Source, SourceKind};
use crate::site_rules::{ListingRule, SiteRules};

/// Sitemaps of an index that one poll reads: the newest ones; each is a request.
const CHILD_SITEMAPS_MAX: usize = 3;

/// Requests for what an index names, indexes inside it and failures counted.
const CHILD_REQUESTS_MAX: usize = 6;

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
}

impl From<HttpError> for PollFailure {
    fn from(error: HttpError) -> Self {
        Self { reason: error.reason().to_owned(), detail: error.to_string(), retry_after: error.retry_after() }
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
    let is_list_whole = read_further_pages(client, source, sites, url, &mut read).await;
    read_children(client, source, sites, &mut read).await?;
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

/// Goes from page to page of a list, until one brings nothing new, names no next, or fails. What was read before a
/// failure stays. Whether the list was read to such an end, and not to a failure.
async fn read_further_pages(
    client: &Client,
    source: &Source,
    sites: &Arc<SiteRules>,
    first: &Url,
    read: &mut Read,
) -> bool {
    let mut visited = HashSet::from([first.clone()]);
    let mut seen: HashSet<Option<Url>> = read.announced.iter().map(|entry| entry.url.clone()).collect();
    let mut next = read.next.take();
    for number in 2..=read.pages {
        let Some(url) = next.take().filter(|url| visited.insert(url.clone())) else { break };
        let page = match read_other(client, source, sites, &url, number).await {
            Ok(page) => page,
            Err(failure) => {
                let (reason, detail) = (&failure.reason, &failure.detail);
                tracing::debug!(source = %source.id, %reason, %detail, "page {number} of the list");
                // Pages behind the last one are answered like this.
                return matches!(reason.as_str(), "not-found" | "gone" | "rule-finds-nothing" | "no-links-found");
            }
        };
        let known = read.announced.len();
        read.announced.extend(page.announced.into_iter().filter(|entry| seen.insert(entry.url.clone())));
        if read.announced.len() == known {
            break;
        }
        next = page.next;
    }
    true
}

/// Reads the newest sitemaps of an index, and of an index in it.
async fn read_children(
    client: &Client,
    source: &Source,
    sites: &Arc<SiteRules>,
    read: &mut Read,
) -> Result<(), PollFailure> {
    let mut ahead: VecDeque<(Url, bool)> = read.children.drain(..).map(|child| (child, false)).collect();
    let mut first_failure = None;
    let mut sitemaps = 0;
    for _ in 0..CHILD_REQUESTS_MAX {
        let Some((child, is_nested)) = ahead.pop_front().filter(|_| sitemaps < CHILD_SITEMAPS_MAX) else { break };
        match read_other(client, source, sites, &child, 1).await {
            Ok(index) if !index.children.is_empty() => {
                let newest = index.children.into_iter().take(CHILD_SITEMAPS_MAX).filter(|_| !is_nested);
                newest.rev().for_each(|child| ahead.push_front((child, true)));
            }
            Ok(child) => {
                read.announced.extend(child.announced);
                sitemaps += 1;
            }
            Err(failure) => {
                tracing::debug!(source = %source.id, reason = %failure.reason, detail = %failure.detail, "child sitemap");
                first_failure.get_or_insert(failure);
            }
        }
    }
    match first_failure {
        Some(failure) if read.announced.is_empty() => Err(failure),
        _ => Ok(()),
    }
}

/// Reads another address that a source's answer led to.
async fn read_other(
    client: &Client,
    source: &Source,
    sites: &Arc<SiteRules>,
    url: &Url,
    number: usize,
) -> Result<Read, PollFailure> {
    match get(client, source, url, None).await? {
        Answer::Page { page, .. } => read_apart(source, sites, page, number).await,
        Answer::NotModified { .. } => Ok(Read::default()),
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
    /// Sitemaps that an index names.
    children: Vec<Url>,
    /// The next page of a list, and how many are to be read in all.
    next: Option<Url>,
    pages: usize,
    /// The body broke off or went beyond a limit: there is more than was read.
    truncated: bool,
    wishes: Wishes,
}

/// Reads on a thread for blocking work: a large page takes long, and a reader that panics harms only this poll.
async fn read_apart(source: &Source, sites: &Arc<SiteRules>, page: Page, number: usize) -> Result<Read, PollFailure> {
    let (source, sites) = (source.clone(), Arc::clone(sites));
    let read = tokio::task::spawn_blocking(move || read(&source, &sites, &page, number)).await;
    read.unwrap_or_else(|_| Err(failure("unreadable", "the reader panicked on this answer; please report it")))
}

/// Reads what a source answered; `number` is that of the page in its list, from 1.
fn read(source: &Source, sites: &SiteRules, page: &Page, number: usize) -> Result<Read, PollFailure> {
    let now: Option<Timestamp> = page.fetched_at;
    let url = page.final_url.as_ref().unwrap_or(&source.url);
    let content_type = page.content_type.as_deref();
    match source.kind {
        SourceKind::Feed => {
            let mut feed = feed::read(&page.bytes, content_type, Some(url), &source.zone, now)
                .map_err(|error| failure(error.reason(), error))?;
            retain_admitted(&mut feed.entries, &source.listing);
            Ok(Read { announced: feed.entries, truncated: feed.truncated, wishes: feed.wishes, ..Read::default() })
        }
        SourceKind::Listing => {
            let rule = rule_for(source, sites, url);
            let list = |rule| listing::read(&page.bytes, content_type, url, Some(rule), &source.zone, now);
            let list = match list(&rule) {
                // The site's rule may be for another page of it, such as that of its main language.
                Err(listing::ListingError::RuleFindsNothing { .. }) if source.listing.item.is_none() => {
                    tracing::info!(source = %source.id, "{}: the site's rule finds nothing here; looking without it", source.id);
                    list(&ListingRule { item: None, ..rule.clone().into_owned() })
                }
                list => list,
            };
            let list = list.map_err(|error| failure(error.reason(), error))?;
            let of_template = || {
                let template = rule.page.as_deref()?;
                listing::page_address(template, number + 1, &source.url, &source.zone, now?)
            };
            let next = list.next.or_else(of_template);
            Ok(Read { announced: list.entries, next, pages: rule.pages.unwrap_or(1), ..Read::default() })
        }
        SourceKind::Sitemap => {
            let mut sitemap =
                sitemap::read(&page.bytes, url, &source.zone, now).map_err(|error| failure(error.reason(), error))?;
            retain_admitted(&mut sitemap.entries, &rule_for(source, sites, url));
            // The newest: an archive is not news.
            sitemap.entries.truncate(ENTRIES_MAX);
            Ok(Read {
                announced: sitemap.entries,
                children: sitemap.children,
                truncated: sitemap.truncated,
                ..Read::default()
            })
        }
    }
}

/// The source's own rule, completed by that of the site.
fn rule_for<'a>(source: &'a Source, sites: &SiteRules, url: &Url) -> Cow<'a, ListingRule> {
    match sites.for_url(url).and_then(|site| site.listing.as_ref()) {
        Some(site) => Cow::Owned(source.listing.or(site)),
        None => Cow::Borrowed(&source.listing),
    }
}

/// Leaves out what the rule's patterns do not admit; what has no address is left to what comes after.
fn retain_admitted(entries: &mut Vec<Announced>, rule: &ListingRule) {
    entries.retain(|entry| entry.url.as_ref().is_none_or(|url| rule.admits(url)));
}

fn failure(reason: &str, detail: impl ToString) -> PollFailure {
    PollFailure { reason: reason.to_owned(), detail: detail.to_string(), retry_after: None }
}
