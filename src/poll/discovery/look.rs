//! One look at an address, whatever is there: what a poll of it would bring, and what the answer says of itself.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

pub use super::super::reading::About;
use super::super::reading::{Read, follow, read_apart};
use super::super::{PollFailure, failure, feed, get, of_today, sitemap};
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
    /// What the document says of itself.
    pub about: About,
    /// What it announces.
    pub announced: Vec<Announced>,
    /// What it asks of those who poll it.
    pub wishes: Wishes,
    /// There is more than was read.
    pub truncated: bool,
}

impl Reading {
    fn new(kind: SourceKind, mut read: Read, max_age: Option<Duration>) -> Self {
        read.bound(max_age);
        let Read { announced, about, wishes, truncated, .. } = read;
        Self { kind, about, announced, wishes, truncated }
    }

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
    let of_today = of_today(source, crate::activity::now())?;
    let url = of_today.as_ref().unwrap_or(&source.url);
    let (page, validators, moved_to, max_age) = match get(client, source, url, None).await? {
        Answer::Page { page, validators, permanent_redirect, cache_max_age } => {
            (page, validators, permanent_redirect, cache_max_age)
        }
        // It cannot be: nothing was said of what is known.
        Answer::NotModified { .. } => return Err(failure("status", "HTTP 304, although no validators were sent")),
    };
    let kind = kind.unwrap_or_else(|| guessed_kind(&page, source));
    let source = Source { kind, ..source.clone() };
    let mut requests = 1;
    let reading = match read_apart(&source, sites, page.clone(), 1).await {
        Ok(mut read) => match follow(client, &source, sites, url, &mut read).await {
            Ok(followed) => {
                requests += followed.requests;
                Ok(Reading::new(kind, read, max_age))
            }
            Err(failure) => Err(failure),
        },
        Err(failure) => Err(failure),
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
