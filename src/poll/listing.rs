//! Listing pages to announced articles: by the site's selectors, or by finding the page's repeated article links.

mod addresses;
mod discover;
mod elements;
mod json_ld;
mod paging;
mod times;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use scraper::{ElementRef, Html, Selector};
use url::Url;

use super::feed::markup::{Piece, Pieces, evidence, prefix};
use super::feed::{absolute_url, binary, decode::decode};
use super::site::is_same_site;
use crate::dates::DateContext;
use crate::model::Announced;
use crate::site_rules::ListingRule;
use crate::text::guard::{PAGE_BYTES_MAX, guard};
use elements::{link_title, visible_text};
use times::listed_date;

pub use crate::text::guard::PageLimit;
pub use paging::{is_of_day, page_address};

/// Largest page, in bytes.
pub const LISTING_BYTES_MAX: usize = PAGE_BYTES_MAX;

/// Entries of one page that are announced; listing pages show 10 to 100.
const ENTRIES_MAX: usize = 500;

/// Why a page announces nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListingError {
    /// Nothing came.
    #[error("the page is empty: check the address")]
    Empty,
    /// It is larger or more deeply nested than real pages are.
    #[error("the page is not read: {0}")]
    Limit(#[from] PageLimit),
    /// Something else came.
    #[error("{what} came instead of a listing page: \"{evidence}\"")]
    NotAPage {
        /// What it is, in plain words.
        what: &'static str,
        /// At most 200 bytes of it, safe for a terminal.
        evidence: String,
    },
    /// The rule's `item` selector matches nothing with a link.
    #[error("the site's rule finds no article links on the page, which begins \"{evidence}\": has the site changed?")]
    RuleFindsNothing {
        /// The page's visible beginning, at most 200 bytes, safe for a terminal.
        evidence: String,
    },
    /// No repeated pattern of links that could be articles.
    #[error("no article links were found on the page, which begins \"{evidence}\": write a rule for the site")]
    NothingFound {
        /// The page's visible beginning, at most 200 bytes, safe for a terminal.
        evidence: String,
    },
}

impl ListingError {
    /// The reason in one word, as `chapar sources` shows it.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Limit(_) => "beyond-limits",
            Self::NotAPage { .. } => "not-a-page",
            Self::RuleFindsNothing { .. } => "rule-finds-nothing",
            Self::NothingFound { .. } => "no-links-found",
        }
    }
}

/// One page of a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listing {
    /// The articles, in the order of the page.
    pub entries: Vec<Announced>,
    /// The next page, where this one names it: on the same site.
    pub next: Option<Url>,
}

/// Reads a listing page.
///
/// The rule's selectors say where the articles are; without an `item` they are discovered. Only addresses of the same
/// site are announced, each once, and only those that the rule's patterns admit. `zone` and `now` as for feeds; a time
/// without a day is of the day that a header above it names, or the last time it was that late.
///
/// # Errors
/// What came instead of a page, or that no articles were found.
pub fn read(
    bytes: &[u8],
    content_type: Option<&str>,
    url: &Url,
    rule: Option<&ListingRule>,
    zone: &TimeZone,
    now: Option<Timestamp>,
) -> Result<Listing, ListingError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(ListingError::Empty);
    }
    if bytes.len() > LISTING_BYTES_MAX {
        return Err(PageLimit::Bytes { bytes: bytes.len() }.into());
    }
    if let Some(what) = binary(bytes) {
        let evidence = evidence(&String::from_utf8_lossy(&bytes[..bytes.len().min(64)]));
        return Err(ListingError::NotAPage { what, evidence });
    }
    let text = decode(bytes, content_type, Some(url));
    if let Some(what) = other_than_page(&text) {
        return Err(ListingError::NotAPage { what, evidence: evidence(&text) });
    }
    let guarded = guard(&text);
    if let Some(limit) = guarded.exceeded {
        return Err(limit.into());
    }
    let html = Html::parse_document(&guarded.html);
    let base = base_of(&html, url);
    let page = Page { html: &html, url, base: &base, dates: DateContext { zone, now, year_hint: None } };
    let item = rule.and_then(|rule| Some((rule, rule.item.as_ref()?)));
    let mut entries = match item {
        Some((rule, item)) => by_rule(&page, rule, item),
        None => discover::discover(&page, rule),
    };
    if entries.is_empty() && item.is_none() {
        entries = json_ld::articles(&guarded.json_ld, &page, rule);
    }
    if !entries.is_empty() {
        return Ok(Listing { entries, next: paging::next_page(&page, rule) });
    }
    let evidence = evidence(&visible_text(html.root_element()));
    Err(match item {
        Some(_) => ListingError::RuleFindsNothing { evidence },
        None => ListingError::NothingFound { evidence },
    })
}

/// A parsed page and what is known of it.
struct Page<'a> {
    html: &'a Html,
    url: &'a Url,
    /// What relative links are relative to.
    base: &'a Url,
    dates: DateContext<'a>,
}

fn other_than_page(text: &str) -> Option<&'static str> {
    let start = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if start.starts_with(['{', '[']) {
        return Some("JSON");
    }
    let first = Pieces::new(prefix(start, 4096)).find_map(|piece| match piece {
        Piece::Open(tag) => Some(tag.local().to_ascii_lowercase()),
        _ => None,
    });
    match first.as_deref() {
        None => Some("plain text"),
        Some("rss" | "rdf" | "feed") => Some("a feed (set kind = \"feed\")"),
        Some("urlset" | "sitemapindex") => Some("a sitemap (set kind = \"sitemap\")"),
        Some(_) => None,
    }
}

fn base_of(html: &Html, url: &Url) -> Url {
    let declared = html
        .root_element()
        .descendants()
        .filter_map(ElementRef::wrap)
        .find(|element| element.value().name() == "base")
        .and_then(|element| absolute_url(element.attr("href")?, Some(url)));
    declared.unwrap_or_else(|| url.clone())
}

fn by_rule(page: &Page<'_>, rule: &ListingRule, item: &Selector) -> Vec<Announced> {
    let mut seen = std::collections::HashSet::new();
    let mut found = Vec::new();
    for item in page.html.select(item) {
        let Some((link, url)) = link_of(page, item, rule.link.as_ref()) else { continue };
        if rule.admits(&url) && seen.insert(url.clone()) {
            found.push((item, link, url));
        }
        if found.len() == ENTRIES_MAX {
            break;
        }
    }
    let items: Vec<ElementRef<'_>> = found.iter().map(|(item, ..)| *item).collect();
    let days = times::days(page, &items, rule.day.as_ref());
    let seen_yesterday = times::SeenYesterday::default();
    let announced = |((item, link, url), day): ((ElementRef<'_>, ElementRef<'_>, Url), Option<Date>)| {
        let title = match &rule.title {
            Some(selector) => first(item, selector).map(visible_text),
            None => link_title(link),
        };
        let date = rule.date.as_ref().and_then(|selector| first(item, selector));
        let date_published = date.and_then(|element| listed_date(element, &url, day, &seen_yesterday, &page.dates));
        let title = title.filter(|title| !title.is_empty());
        Announced { url: Some(url), title, date_published, ..Announced::default() }
    };
    found.into_iter().zip(days).map(announced).collect()
}

/// The element itself if it matches, else the first match inside.
fn first<'a>(element: ElementRef<'a>, selector: &Selector) -> Option<ElementRef<'a>> {
    if selector.matches(&element) { Some(element) } else { element.select(selector).next() }
}

/// The link of an item: where the rule says, or in or around it.
fn link_of<'a>(page: &Page<'_>, item: ElementRef<'a>, rule: Option<&Selector>) -> Option<(ElementRef<'a>, Url)> {
    let start = match rule {
        Some(selector) => first(item, selector)?,
        None => item,
    };
    let is_link = |element: &ElementRef<'a>| element.value().name() == "a" && element.attr("href").is_some();
    let inside = start.descendants().filter_map(ElementRef::wrap).find(is_link);
    let link = inside.or_else(|| start.ancestors().filter_map(ElementRef::wrap).take(3).find(is_link))?;
    let url = article_url(link.attr("href")?, page.base)?;
    (is_same_site(&url, page.url) && url != without_fragment(page.url)).then_some((link, url))
}

/// The address behind a link, without its fragment.
fn article_url(href: &str, base: &Url) -> Option<Url> {
    if href.trim_start().starts_with('#') {
        return None;
    }
    absolute_url(href, Some(base)).map(|url| without_fragment(&url))
}

fn without_fragment(url: &Url) -> Url {
    let mut url = url.clone();
    url.set_fragment(None);
    url
}

#[cfg(test)]
mod measured;
#[cfg(test)]
mod tests;
