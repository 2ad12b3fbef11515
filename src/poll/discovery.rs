//! What a site offers to be polled: its feeds, its sitemaps, its page as a listing; each is really read before it is
//! offered.

pub mod candidates;
pub mod look;

use std::cmp::Reverse;
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::time::Instant;
use url::Url;

use super::{PollFailure, failure, feed};
use crate::http::{Accept, Answer, Client, Request};
use crate::model::{Announced, Page, RobotsPolicy, Source, SourceKind};
use crate::site_rules::SiteRules;
use candidates::{Candidate, FoundBy, SitePage};
use look::{Looked, look};

/// Requests of one run; a second apart, that is half a minute of a person's patience.
const REQUESTS_MAX: usize = 30;

/// Time of one run. A site that hangs takes the client's time limit for each of some ten addresses.
const TIME_MAX: Duration = Duration::from_secs(180);

/// Reasons for which a page is not given to everyone, while a feed may be.
const PAGE_REFUSED: [&str; 4] = ["forbidden", "not-found", "robots-disallowed", "status"];

/// An article has at least so many bytes of markup; summaries have some 500.
const FULL_TEXT_BYTES_MIN: usize = 1_500;

/// Entries whose titles tell the language.
const SAMPLE_ENTRIES: usize = 30;

/// Something without an entry for so long is offered last: it is a leftover.
const STALE_AFTER: Duration = Duration::from_secs(90 * 24 * 3600);

/// What a site offers.
#[derive(Debug, Default)]
pub struct Discovered {
    /// The site's name as it gives it.
    pub title: Option<String>,
    /// The language of its page, as written.
    pub language: Option<String>,
    /// Its front page, or the page that was given.
    pub homepage: Option<Url>,
    /// Best first.
    pub offers: Vec<Offer>,
    /// What the site names but cannot be used, and why.
    pub refused: Vec<(Url, String)>,
    /// Not everything was looked at: the number of requests or the time was used up.
    pub is_cut: bool,
}

/// Something to poll.
#[derive(Clone, Debug)]
pub struct Offer {
    /// Its address, the new one where it has moved for good.
    pub url: Url,
    /// What it is.
    pub kind: SourceKind,
    /// More exactly: `rss-2.0`, `news sitemap`, …
    pub format: String,
    /// How it was found.
    pub by: FoundBy,
    /// Its own title.
    pub title: Option<String>,
    /// The language it claims, as written.
    pub language: Option<String>,
    /// Number of entries.
    pub entries: usize,
    /// Date of the newest entry.
    pub newest: Option<Timestamp>,
    /// Most entries carry the whole article.
    pub has_full_text: bool,
    /// Titles and summaries of the first entries, to tell the language by.
    pub sample: String,
    /// A sitemap for news.
    is_of_news: bool,
    /// The entries' addresses, by which two addresses of one thing are known.
    addresses: Vec<Url>,
}

impl Offer {
    /// Feeds first, then sitemaps for news, listings, other sitemaps, and what has nothing new; within these the
    /// newest first.
    fn rank(&self, now: Timestamp) -> (u8, Reverse<Option<Timestamp>>, Reverse<bool>) {
        let is_stale = self.newest.is_some_and(|newest| now.duration_since(newest).unsigned_abs() > STALE_AFTER);
        let class = match self.kind {
            _ if is_stale => 4,
            SourceKind::Feed => 0,
            SourceKind::Sitemap if self.is_of_news => 1,
            SourceKind::Listing => 2,
            SourceKind::Sitemap => 3,
        };
        (class, Reverse(self.newest), Reverse(self.has_full_text))
    }
}

/// One run: whom it asks, and what is left of its limits.
struct Run<'a> {
    client: &'a Client,
    sites: &'a Arc<SiteRules>,
    user_agent: Option<&'a str>,
    progress: &'a mut dyn FnMut(&Url),
    requests: usize,
    deadline: Instant,
    looked_at: HashSet<Url>,
    found: Discovered,
}

/// Finds what the site of a page offers. `progress` hears of each address before it is asked.
///
/// # Errors
/// When the page itself cannot be had.
pub async fn discover(
    client: &Client,
    sites: &Arc<SiteRules>,
    url: &Url,
    user_agent: Option<&str>,
    progress: &mut dyn FnMut(&Url),
) -> Result<Discovered, PollFailure> {
    let mut run = Run {
        client,
        sites,
        user_agent,
        progress,
        requests: 0,
        deadline: Instant::now() + TIME_MAX,
        looked_at: HashSet::new(),
        found: Discovered::default(),
    };
    // A page first of all: a feed or sitemap that was given offers itself, and then its site.
    (run.progress)(url);
    let source = run.source(url, SourceKind::Listing);
    run.looked_at.insert(url.clone());
    let (site, named, refusal) = match look(client, &source, None, sites).await {
        Ok(looked) => {
            let site = looked.page.final_url.clone().unwrap_or_else(|| url.clone());
            let named = run.take_site(looked, &site);
            (site, named, None)
        }
        // Some refuse pages to programs, and give them their feeds.
        Err(failure) if PAGE_REFUSED.contains(&failure.reason.as_str()) => (url.clone(), Vec::new(), Some(failure)),
        Err(failure) => return Err(failure),
    };
    run.try_all(named, SourceKind::Feed).await;
    // Whoever names a feed that works need not be asked for all that others have.
    if !run.has(SourceKind::Feed) {
        run.try_all(candidates::usual_feeds(&site), SourceKind::Feed).await;
    }
    let of_robots = run.sitemaps_of_robots(&site).await;
    run.try_all(of_robots, SourceKind::Sitemap).await;
    if !run.has(SourceKind::Sitemap) {
        run.try_all(candidates::usual_sitemaps(&site), SourceKind::Sitemap).await;
    }
    let mut found = run.found;
    if let (true, Some(failure)) = (found.offers.is_empty(), refusal) {
        return Err(failure);
    }
    let now = crate::activity::now();
    found.offers.sort_by_key(|offer| offer.rank(now));
    Ok(found)
}

impl Run<'_> {
    fn source(&self, url: &Url, kind: SourceKind) -> Source {
        Source {
            user_agent: self.user_agent.map(str::to_owned),
            ..Source::unconfigured(url.clone(), kind, TimeZone::UTC)
        }
    }

    fn has(&self, kind: SourceKind) -> bool {
        self.found.offers.iter().any(|offer| offer.kind == kind)
    }

    /// Takes what the first page says of its site and has itself to offer, and gives the feeds it names.
    fn take_site(&mut self, looked: Looked, url: &Url) -> Vec<Candidate> {
        self.requests += looked.requests;
        self.looked_at.insert(url.clone());
        self.found.homepage = Some(url.clone());
        let named = if looked.is_page() {
            let page = site_page(&looked, url);
            (self.found.title, self.found.language) = (page.title, page.language);
            page.feeds
        } else {
            if let Ok(reading) = &looked.reading {
                self.found.homepage = reading.about.homepage.clone().or_else(|| url.join("/").ok());
                self.found.title.clone_from(&reading.about.title);
            }
            Vec::new()
        };
        self.weigh(&Candidate { url: url.clone(), by: FoundBy::Given }, Ok(looked));
        named
    }

    async fn sitemaps_of_robots(&mut self, site: &Url) -> Vec<Candidate> {
        let Ok(url) = site.join("/robots.txt") else { return Vec::new() };
        if !self.may_ask() {
            return Vec::new();
        }
        (self.progress)(&url);
        self.requests += 1;
        let robots = RobotsPolicy::Ignore;
        let request = Request {
            url: &url,
            validators: None,
            user_agent: self.user_agent,
            cookies: None,
            robots,
            accept: Accept::Page,
        };
        match tokio::time::timeout_at(self.deadline, self.client.get(&request)).await {
            Ok(Ok(Answer::Page { page, .. })) => candidates::of_robots(&String::from_utf8_lossy(&page.bytes), &url),
            // A site without it is as good as one that names no sitemap.
            _ => Vec::new(),
        }
    }

    fn may_ask(&mut self) -> bool {
        let may = self.requests < REQUESTS_MAX && Instant::now() < self.deadline;
        self.found.is_cut |= !may;
        may
    }

    async fn try_all(&mut self, candidates: Vec<Candidate>, wanted: SourceKind) {
        let given = candidates.len();
        let mut queue: VecDeque<Candidate> = candidates.into();
        let mut taken = 0;
        while let Some(candidate) = queue.pop_front() {
            taken += 1;
            if !self.looked_at.insert(candidate.url.clone()) || !self.may_ask() {
                continue;
            }
            (self.progress)(&candidate.url);
            // A feed that a site names is there to be polled, as a feed is: whatever robots.txt says. What is only
            // guessed is asked for as robots.txt allows, as a sitemap is.
            let asked_as = if candidate.by == FoundBy::Guess { SourceKind::Sitemap } else { wanted };
            let source = self.source(&candidate.url, asked_as);
            let looked = tokio::time::timeout_at(self.deadline, look(self.client, &source, None, self.sites)).await;
            let Ok(looked) = looked else {
                self.found.is_cut = true;
                return;
            };
            self.requests += looked.as_ref().map_or(1, |looked| looked.requests);
            // Many sites have a page that lists their feeds.
            if let (true, SourceKind::Feed, Ok(looked)) = (taken <= given, wanted, &looked)
                && looked.is_page()
            {
                queue.extend(site_page(looked, &candidate.url).feeds);
            }
            self.weigh(&candidate, looked);
        }
    }

    /// Offers what was looked at, or says why not. That a guess was wrong is not worth a word.
    fn weigh(&mut self, candidate: &Candidate, looked: Result<Looked, PollFailure>) {
        let offered = looked.and_then(|looked| offer_of(candidate, looked));
        match offered {
            Ok(offer) => {
                let is_same = |other: &Offer| other.kind == offer.kind && other.addresses == offer.addresses;
                if !self.found.offers.iter().any(is_same) {
                    self.found.offers.push(offer);
                }
            }
            Err(_) if candidate.by == FoundBy::Guess => {}
            Err(failure) => self.found.refused.push((candidate.url.clone(), failure.detail)),
        }
    }
}

/// What a page says of its site.
fn site_page(looked: &Looked, url: &Url) -> SitePage {
    let Page { bytes, content_type, final_url, .. } = &looked.page;
    let url = final_url.as_ref().unwrap_or(url);
    candidates::of_page(&feed::decode::decode(bytes, content_type.as_deref(), Some(url)), url)
}

/// What a look found as an offer.
///
/// # Errors
/// Why it is not worth polling.
fn offer_of(candidate: &Candidate, looked: Looked) -> Result<Offer, PollFailure> {
    let Looked { moved_to, reading, .. } = looked;
    let reading = reading?;
    let is_page_for_feed = reading.kind == SourceKind::Listing && candidate.by != FoundBy::Given;
    if is_page_for_feed {
        return Err(failure("not-a-feed", "a page came instead of a feed or sitemap"));
    }
    if reading.announced.is_empty() {
        return Err(failure("empty", "it has no entries"));
    }
    let is_comment = |entry: &Announced| {
        entry.url.as_ref().and_then(Url::fragment).is_some_and(|fragment| fragment.starts_with("comment"))
    };
    if reading.announced.iter().all(is_comment) {
        return Err(failure("comments", "it has comments, not articles"));
    }
    let mut addresses: Vec<Url> = reading.announced.iter().filter_map(|entry| entry.url.clone()).collect();
    addresses.sort_unstable();
    let at = |entry: &Announced| entry.date_published.or(entry.date_modified).map(|time| time.at);
    let is_whole =
        |entry: &&Announced| entry.content_html.as_ref().is_some_and(|content| content.len() >= FULL_TEXT_BYTES_MIN);
    let sample = reading.announced.iter().take(SAMPLE_ENTRIES);
    let texts = sample.flat_map(|entry| [entry.title.as_deref(), entry.summary.as_deref()]).flatten();
    Ok(Offer {
        url: moved_to.unwrap_or_else(|| candidate.url.clone()),
        kind: reading.kind,
        is_of_news: reading.is_of_news(),
        by: candidate.by,
        entries: reading.announced.len(),
        newest: reading.announced.iter().filter_map(at).max(),
        has_full_text: 2 * reading.announced.iter().filter(is_whole).count() > reading.announced.len(),
        sample: texts.collect::<Vec<_>>().join("\n"),
        addresses,
        format: if reading.is_of_news() { "news sitemap".to_owned() } else { reading.about.format },
        title: reading.about.title,
        language: reading.about.language,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(url: &str, kind: SourceKind, is_of_news: bool, newest: Option<&str>) -> Offer {
        Offer {
            url: url.parse().expect("an address"),
            kind,
            format: String::new(),
            by: FoundBy::Link,
            title: None,
            language: None,
            entries: 1,
            newest: newest.map(|time| time.parse().expect("a time")),
            has_full_text: false,
            sample: String::new(),
            is_of_news,
            addresses: Vec::new(),
        }
    }

    #[test]
    fn feeds_come_first_and_leftovers_last() {
        let now: Timestamp = "2026-11-22T08:00:00Z".parse().expect("a time");
        let mut offers = [
            offer("https://a.example/stale", SourceKind::Feed, false, Some("2019-01-01T00:00:00Z")),
            offer("https://a.example/map", SourceKind::Sitemap, false, Some("2026-11-22T07:00:00Z")),
            offer("https://a.example/page", SourceKind::Listing, false, None),
            offer("https://a.example/news", SourceKind::Sitemap, true, Some("2026-11-22T07:00:00Z")),
            offer("https://a.example/undated", SourceKind::Feed, false, None),
            offer("https://a.example/older", SourceKind::Feed, false, Some("2026-11-20T00:00:00Z")),
            offer("https://a.example/newer", SourceKind::Feed, false, Some("2026-11-22T07:00:00Z")),
        ];
        offers.sort_by_key(|offer| offer.rank(now));
        let paths: Vec<&str> = offers.iter().map(|offer| offer.url.path()).collect();
        assert_eq!(paths, ["/newer", "/older", "/undated", "/news", "/page", "/map", "/stale"]);
    }
}
