//! One look at an address, whatever is there: what a poll of it would bring, and what the answer says of itself.

use std::sync::Arc;

use url::Url;

use super::super::{CHILD_SITEMAPS_MAX, ENTRIES_MAX, PollFailure, failure, feed, get, poll_child, read, sitemap};
use crate::http::{Answer, Client, Validators};
use crate::model::{Announced, Page, Source, SourceKind};
use crate::poll::schedule::Wishes;
use crate::site_rules::SiteRules;

/// What came from an address.
#[derive(Debug)]
pub struct Looked {
    /// The answer.
    pub page: Page,
    /// What it would be asked with next time.
    pub validators: Validators,
    /// Where the address has moved for good.
    pub moved_to: Option<Url>,
    /// What a poll would make of it.
    pub reading: Result<Reading, PollFailure>,
    /// Requests that it took, robots.txt not counted.
    pub requests: usize,
}

impl Looked {
    /// It is neither a feed nor a sitemap.
    pub fn is_page(&self) -> bool {
        !matches!(&self.reading, Ok(Reading { kind: SourceKind::Feed | SourceKind::Sitemap, .. }))
    }
}

/// An answer that was read.
#[derive(Debug)]
pub struct Reading {
    /// As what it was read.
    pub kind: SourceKind,
    /// More exactly: `rss-2.0`, `news sitemap`, …
    pub format: String,
    /// Its title as plain text.
    pub title: Option<String>,
    /// The site it belongs to.
    pub homepage: Option<Url>,
    /// The language it claims, as written.
    pub language: Option<String>,
    /// What it announces.
    pub announced: Vec<Announced>,
    /// What it asks of those who poll it.
    pub wishes: Wishes,
    /// There is more than was read.
    pub truncated: bool,
}

impl Reading {
    /// A sitemap that says when its pages were published, as those for Google News do.
    pub fn is_of_news(&self) -> bool {
        self.kind == SourceKind::Sitemap && self.announced.iter().any(|entry| entry.date_published.is_some())
    }
}

/// Looks at a source as a poll does, without validators. With `kind` it is read as that, else as what came.
///
/// # Errors
/// When no page came at all.
pub async fn look(
    client: &Client,
    source: &Source,
    kind: Option<SourceKind>,
    sites: &Arc<SiteRules>,
) -> Result<Looked, PollFailure> {
    let (page, validators, moved_to, max_age) = match get(client, source, &source.url, None).await? {
        Answer::Page { page, validators, permanent_redirect, cache_max_age } => {
            (page, validators, permanent_redirect, cache_max_age)
        }
        // It cannot be: nothing was said of what is known.
        Answer::NotModified { .. } => return Err(failure("status", "HTTP 304, although no validators were sent")),
    };
    let mut requests = 1;
    let (of_page, of_source, of_sites) = (page.clone(), source.clone(), Arc::clone(sites));
    let reading = tokio::task::spawn_blocking(move || {
        let source = Source { kind: kind.unwrap_or_else(|| guessed_kind(&of_page, &of_source)), ..of_source };
        read_all(&source, &of_sites, &of_page)
    });
    let panicked = |_| Err(failure("unreadable", "the reader panicked on this answer; please report it"));
    let mut reading = reading.await.unwrap_or_else(panicked);
    let mut first_failure = None;
    if let Ok((reading, children)) = &mut reading {
        reading.wishes.every = reading.wishes.every.max(max_age);
        let source = Source { kind: SourceKind::Sitemap, ..source.clone() };
        for child in children.iter().take(CHILD_SITEMAPS_MAX) {
            requests += 1;
            match poll_child(client, &source, sites, child).await {
                Ok(entries) => reading.announced.extend(entries),
                Err(failure) => first_failure = first_failure.or(Some(failure)),
            }
        }
        reading.truncated |= reading.announced.len() > ENTRIES_MAX;
        reading.announced.truncate(ENTRIES_MAX);
    }
    let reading = match (reading, first_failure) {
        (Ok((reading, _)), Some(failure)) if reading.announced.is_empty() => Err(failure),
        (reading, _) => reading.map(|(reading, _)| reading),
    };
    Ok(Looked { page, validators, moved_to, reading, requests })
}

/// What an answer is, by its content: servers call anything `text/html` or `text/xml`.
fn guessed_kind(page: &Page, source: &Source) -> SourceKind {
    let url = page.final_url.as_ref().unwrap_or(&source.url);
    let as_feed = feed::read(&page.bytes, page.content_type.as_deref(), Some(url), &source.zone, page.fetched_at);
    match as_feed.as_ref().map_err(feed::FeedError::reason) {
        Err("html-instead-of-feed") => SourceKind::Listing,
        Err("not-a-feed") => match sitemap::read(&page.bytes, url, &source.zone, page.fetched_at) {
            Err(error) if error.reason() == "not-a-sitemap" => kind_by_content_type(page),
            _ => SourceKind::Sitemap,
        },
        _ => SourceKind::Feed,
    }
}

fn kind_by_content_type(page: &Page) -> SourceKind {
    let is_page = page.content_type.as_ref().is_some_and(|of| of.to_ascii_lowercase().contains("html"));
    if is_page { SourceKind::Listing } else { SourceKind::Feed }
}

/// What a poll reads, and what the document says of itself beside; the children of an index apart.
fn read_all(source: &Source, sites: &SiteRules, page: &Page) -> Result<(Reading, Vec<Url>), PollFailure> {
    let read = read(source, sites, page)?;
    let url = page.final_url.as_ref().unwrap_or(&source.url);
    let mut reading = Reading {
        kind: source.kind,
        format: String::new(),
        title: None,
        homepage: None,
        language: None,
        announced: read.announced,
        wishes: read.wishes,
        truncated: read.truncated,
    };
    reading.format = match source.kind {
        SourceKind::Feed => {
            let content_type = page.content_type.as_deref();
            let feed = feed::read(&page.bytes, content_type, Some(url), &source.zone, page.fetched_at);
            let feed = feed.map_err(|error| failure(error.reason(), error))?;
            (reading.title, reading.homepage, reading.language) = (feed.title, feed.url, feed.language);
            feed.kind.name().to_owned()
        }
        SourceKind::Listing => {
            let rule = sites.for_url(url).filter(|site| site.listing.is_some());
            rule.map_or("listing page".to_owned(), |site| format!("listing page, by the rule {}", site.id))
        }
        SourceKind::Sitemap if !read.children.is_empty() => "sitemap index".to_owned(),
        SourceKind::Sitemap if reading.is_of_news() => "news sitemap".to_owned(),
        SourceKind::Sitemap => "sitemap".to_owned(),
    };
    Ok((reading, read.children))
}
