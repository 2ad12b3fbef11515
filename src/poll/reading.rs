//! What a source answered, read; and what the answer leads to: further pages of a list, sitemaps of an index.

use std::borrow::Cow;
use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use url::Url;

use super::schedule::Wishes;
use super::{ENTRIES_MAX, PollFailure, failure, feed, get, listing, sitemap};
use crate::http::{self, Answer, Client, HttpError};
use crate::model::{Announced, Page, Source, SourceKind};
use crate::site_rules::{ListingRule, SiteRules};

/// Sitemaps of an index that one poll reads: the newest ones; each is a request.
const CHILD_SITEMAPS_MAX: usize = 3;

/// Requests for what an index names, indexes inside it and failures counted.
const CHILD_REQUESTS_MAX: usize = 6;

/// What was read of a source.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub announced: Vec<Announced>,
    /// Sitemaps that an index names.
    pub children: Vec<Url>,
    /// The next page of a list, and how many are to be read in all.
    pub next: Option<Url>,
    pub pages: usize,
    /// The body broke off or went beyond a limit: there is more than was read.
    pub truncated: bool,
    pub wishes: Wishes,
    pub about: About,
}

impl Read {
    /// Keeps to the limit of entries, and adds what the server asks of its pollers, once all is read.
    pub fn bound(&mut self, max_age: Option<Duration>) {
        self.truncated |= self.announced.len() > ENTRIES_MAX;
        self.announced.truncate(ENTRIES_MAX);
        self.wishes.every = self.wishes.every.max(max_age);
    }
}

/// What a document says of itself.
#[derive(Debug, Default)]
pub struct About {
    /// `rss-2.0`, `news sitemap`, …
    pub format: String,
    /// Its title as plain text.
    pub title: Option<String>,
    /// The site it belongs to.
    pub homepage: Option<Url>,
    /// The language it claims, as written.
    pub language: Option<String>,
}

/// Reads on a thread for blocking work: a large page takes long, and a reader that panics harms only this poll.
pub(super) async fn read_apart(
    source: &Source,
    sites: &Arc<SiteRules>,
    page: Page,
    number: usize,
) -> Result<Read, PollFailure> {
    let (source, sites) = (source.clone(), Arc::clone(sites));
    let read = tokio::task::spawn_blocking(move || {
        read(&source, &sites, &page, number).map_err(|failure| walled(failure, &source, &page))
    })
    .await;
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
            let format = feed.kind.name().to_owned();
            let about = About { format, title: feed.title, homepage: feed.url, language: feed.language };
            let (announced, truncated, wishes) = (feed.entries, feed.truncated, feed.wishes);
            Ok(Read { announced, truncated, wishes, about, ..Read::default() })
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
            let site = sites.for_url(url).filter(|site| site.listing.is_some());
            let format =
                site.map_or("listing page".to_owned(), |site| format!("listing page, by the rule {}", site.id));
            let about = About { format, ..About::default() };
            Ok(Read { announced: list.entries, next, pages: rule.pages.unwrap_or(1), about, ..Read::default() })
        }
        SourceKind::Sitemap => {
            let mut sitemap =
                sitemap::read(&page.bytes, url, &source.zone, now).map_err(|error| failure(error.reason(), error))?;
            retain_admitted(&mut sitemap.entries, &rule_for(source, sites, url));
            // The newest: an archive is not news.
            sitemap.entries.truncate(ENTRIES_MAX);
            let is_of_news = sitemap.entries.iter().any(|entry| entry.date_published.is_some());
            let format = match (sitemap.children.is_empty(), is_of_news) {
                (false, _) => "sitemap index",
                (true, true) => "news sitemap",
                (true, false) => "sitemap",
            };
            let about = About { format: format.to_owned(), ..About::default() };
            let sitemap::Sitemap { entries: announced, children, truncated } = sitemap;
            Ok(Read { announced, children, truncated, about, ..Read::default() })
        }
    }
}

/// The failure that names the wall, where an answer could not be read because it is one.
fn walled(failure: PollFailure, source: &Source, page: &Page) -> PollFailure {
    let url = page.final_url.as_ref().unwrap_or(&source.url);
    http::wall(&page.bytes).map_or(failure, |wall| HttpError::walled(url, page.status, wall, &page.bytes).into())
}

/// The source's own rule, completed by that of the site.
fn rule_for<'a>(source: &'a Source, sites: &SiteRules, url: &Url) -> Cow<'a, ListingRule> {
    match sites.for_url(url).and_then(|site| site.listing.as_ref()) {
        Some(site) => Cow::Owned(source.listing.or(site)),
        None => Cow::Borrowed(&source.listing),
    }
}

/// Names by what the answers of a source are read, its kind and its rule. After a change of it the whole is asked for
/// again: what was left out before must not hide behind a 304.
pub fn read_by(source: &Source, sites: &SiteRules) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{:?} {:?}", source.kind, rule_for(source, sites, &source.url)).hash(&mut hasher);
    hasher.finish()
}

/// Leaves out what the rule's patterns do not admit; what has no address is left to what comes after.
fn retain_admitted(entries: &mut Vec<Announced>, rule: &ListingRule) {
    entries.retain(|entry| entry.url.as_ref().is_none_or(|url| rule.admits(url)));
}

/// What became of what an answer leads to.
#[derive(Debug)]
pub(super) struct Followed {
    /// The list was read to an end, and not to a failure.
    pub is_list_whole: bool,
    /// Requests that it took, robots.txt not counted.
    pub requests: usize,
}

/// Reads on: the further pages of a list, the sitemaps of an index.
///
/// # Errors
/// The first failure, where neither the answer nor what it leads to brought an entry.
pub(super) async fn follow(
    client: &Client,
    source: &Source,
    sites: &Arc<SiteRules>,
    first: &Url,
    read: &mut Read,
) -> Result<Followed, PollFailure> {
    let mut followed = Followed { is_list_whole: true, requests: 0 };
    read_further_pages(client, source, sites, first, read, &mut followed).await;
    read_children(client, source, sites, read, &mut followed.requests).await?;
    Ok(followed)
}

/// Goes from page to page of a list, until one brings nothing new, names no next, or fails. What was read before a
/// failure stays.
async fn read_further_pages(
    client: &Client,
    source: &Source,
    sites: &Arc<SiteRules>,
    first: &Url,
    read: &mut Read,
    followed: &mut Followed,
) {
    let mut visited = HashSet::from([first.clone()]);
    let mut seen: HashSet<Option<Url>> = read.announced.iter().map(|entry| entry.url.clone()).collect();
    let mut next = read.next.take();
    for number in 2..=read.pages {
        let Some(url) = next.take().filter(|url| visited.insert(url.clone())) else { break };
        followed.requests += 1;
        let page = match read_other(client, source, sites, &url, number).await {
            Ok(page) => page,
            Err(failure) => {
                let (reason, detail) = (&failure.reason, &failure.detail);
                tracing::debug!(source = %source.id, %reason, %detail, "page {number} of the list");
                // Pages behind the last one are answered like this.
                followed.is_list_whole =
                    matches!(reason.as_str(), "not-found" | "gone" | "rule-finds-nothing" | "no-links-found");
                return;
            }
        };
        let known = read.announced.len();
        read.announced.extend(page.announced.into_iter().filter(|entry| seen.insert(entry.url.clone())));
        if read.announced.len() == known {
            break;
        }
        next = page.next;
    }
}

/// Reads the newest sitemaps of an index, and of an index in it.
async fn read_children(
    client: &Client,
    source: &Source,
    sites: &Arc<SiteRules>,
    read: &mut Read,
    requests: &mut usize,
) -> Result<(), PollFailure> {
    let mut ahead: VecDeque<(Url, bool)> = read.children.drain(..).map(|child| (child, false)).collect();
    let mut first_failure = None;
    let mut sitemaps = 0;
    for _ in 0..CHILD_REQUESTS_MAX {
        let Some((child, is_nested)) = ahead.pop_front().filter(|_| sitemaps < CHILD_SITEMAPS_MAX) else { break };
        *requests += 1;
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
        // A sitemap that is gone says nothing of the index.
        Some(failure) if read.announced.is_empty() => Err(PollFailure { is_gone: false, ..failure }),
        _ => Ok(()),
    }
}

/// Reads another address that belongs to a source.
pub(super) async fn read_other(
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
