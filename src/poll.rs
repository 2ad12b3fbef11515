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

use jiff::Timestamp;
pub use reading::read_by;
use reading::{follow, read_apart, read_other};
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
    /// What it asks of those who poll it; `None` when it had not changed, and so did not say it again.
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
        // A wall answers with any status, and speaks for nobody.
        let is_gone = matches!(error, HttpError::Status { status: 410, wall: None, .. });
        Self { reason: error.reason().to_owned(), detail: error.to_string(), retry_after: error.retry_after(), is_gone }
    }
}

/// Polls a source once; `last_read` is when it last gave a readable answer.
///
/// # Errors
/// Every way in which it can fail to be read, with its reason.
pub async fn poll(
    client: &Client,
    source: &Source,
    sites: &Arc<SiteRules>,
    validators: Option<&Validators>,
    last_read: Option<Timestamp>,
) -> Result<Polled, PollFailure> {
    let now = crate::activity::now();
    // Tomorrow it is another address: what was said of this one does not hold there.
    let of_today = of_today(source, now)?;
    let (url, validators) = of_today.as_ref().map_or((&source.url, validators), |url| (url, None));
    let (page, validators, moved_to, max_age) = match get(client, source, url, validators).await? {
        Answer::NotModified { validators, permanent_redirect: moved_to } => {
            return Ok(Polled { announced: Vec::new(), validators, wishes: None, moved_to });
        }
        Answer::Page { page, validators, permanent_redirect, cache_max_age } => {
            (page, validators, permanent_redirect, cache_max_age)
        }
    };
    let mut read = read_apart(source, sites, page, 1).await?;
    let is_index = !read.children.is_empty();
    let is_list_whole = follow(client, source, sites, url, &mut read).await?.is_list_whole;
    if let Some(url) = rest_of_yesterday(source, last_read, now) {
        match read_other(client, source, sites, &url, 1).await {
            Ok(yesterday) => read.announced.extend(yesterday.announced),
            Err(PollFailure { reason, detail, .. }) => {
                tracing::debug!(source = %source.id, %reason, %detail, "the list of yesterday");
            }
        }
    }
    read.bound(max_age);
    // What a cut answer, a child or a further page did not bring must not hide behind a 304.
    if read.truncated {
        tracing::info!(source = %source.id, "{}: the answer was cut off, or has more than {ENTRIES_MAX} entries", source.id);
    }
    let is_whole = !is_index && !read.truncated && is_list_whole && of_today.is_none();
    let validators = if is_whole { validators } else { Validators::default() };
    let moved_to = moved_to.filter(|_| of_today.is_none());
    Ok(Polled { announced: read.announced, validators, wishes: Some(read.wishes), moved_to })
}

/// The address of today, where a source's address has placeholders for the day.
fn of_today(source: &Source, now: Timestamp) -> Result<Option<Url>, PollFailure> {
    if !listing::is_of_day(&source.url) {
        return Ok(None);
    }
    let today = listing::page_address(source.url.as_str(), 1, &source.url, &source.zone, now);
    today.map(Some).ok_or_else(|| failure("bad-url", "with today's date filled in, it is no address any more"))
}

/// The address of yesterday, where a source has one for each day and was last read on an earlier one: what was published
/// between that and midnight stands only there.
fn rest_of_yesterday(source: &Source, last_read: Option<Timestamp>, now: Timestamp) -> Option<Url> {
    if !listing::is_of_day(&source.url) {
        return None;
    }
    let day = |at: Timestamp| at.to_zoned(source.zone.clone()).date();
    last_read.filter(|last| day(*last) < day(now))?;
    let yesterday = now.checked_sub(Duration::from_secs(24 * 3600)).ok()?;
    let address = |at| listing::page_address(source.url.as_str(), 1, &source.url, &source.zone, at);
    address(yesterday).filter(|yesterday| Some(yesterday) != address(now).as_ref())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn source(url: &str) -> Source {
        let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(5));
        Source::unconfigured(url.parse().expect("valid"), SourceKind::Listing, zone)
    }

    #[test]
    fn the_first_poll_of_a_day_reads_what_yesterday_had_left() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let midnight = at("2026-11-30T19:00:00Z");
        let cases = [
            ("https://a.example/{date}/", Some("2026-11-30T18:59:00Z"), Some("https://a.example/2026-11-30/")),
            ("https://a.example/{date}/", Some("2026-11-20T01:00:00Z"), Some("https://a.example/2026-11-30/")),
            ("https://a.example/{date}/", Some("2026-11-30T19:00:00Z"), None),
            ("https://a.example/{date}/", Some("2026-12-09T19:00:00Z"), None),
            ("https://a.example/{date}/", None, None),
            ("https://a.example/{yyyy}/{mm}/", Some("2026-11-30T18:59:00Z"), Some("https://a.example/2026/11/")),
            ("https://a.example/{yyyy}/", Some("2026-11-30T18:59:00Z"), None),
            ("https://a.example/news/", Some("2026-11-30T18:59:00Z"), None),
        ];
        for (url, last_read, expected) in cases {
            let found = rest_of_yesterday(&source(url), last_read.map(at), midnight + Duration::from_secs(60));
            assert_eq!(found.as_ref().map(Url::as_str), expected, "{url}, read at {last_read:?}");
        }
    }

    #[test]
    fn a_wall_that_says_gone_does_not_end_a_source() {
        let gone = |wall| {
            let url = "https://a.example/feed".to_owned();
            HttpError::Status { url, status: 410, retry_after: None, wall, evidence: String::new() }
        };
        assert!(PollFailure::from(gone(None)).is_gone);
        assert!(!PollFailure::from(gone(Some(crate::http::Wall::Bots("Cloudflare")))).is_gone);
    }

    #[test]
    fn another_kind_or_rule_is_another_reading() {
        let sites = SiteRules::default();
        let feed = Source { kind: SourceKind::Feed, ..source("https://a.example/feed") };
        let include = |pattern: &str| crate::site_rules::ListingRule {
            include: vec![regex::Regex::new(pattern).expect("a pattern")],
            ..Default::default()
        };
        let first = Source { listing: include("/news/"), ..feed.clone() };
        let second = Source { listing: include("/sport/"), ..feed.clone() };
        let page = source("https://a.example/feed");
        let readings = [&feed, &first, &second, &page].map(|source| read_by(source, &sites));
        let distinct: std::collections::HashSet<u64> = readings.into_iter().collect();
        assert_eq!((distinct.len(), read_by(&first, &sites)), (4, readings[1]));
    }
}
