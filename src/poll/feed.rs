//! Feed bytes to announced articles: RSS 0.9x, 1.0, 2.0, Atom 0.3, 1.0, JSON Feed, whole or broken.
//!
//! feed-rs is the parser, but it panics or aborts on hostile input and refuses much that publishers send. So the
//! bytes are first decoded (`decode`), read tolerantly and rewritten as clean Atom (`canonical`); only that is parsed.
//! Titles, summaries and contents stay beside it, in a table.

mod canonical;
mod collected;
pub(in crate::poll) mod decode;
mod entities;
mod json;
mod kind;
pub(crate) mod markup;
mod names;
mod wishes;

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use url::Url;

use super::schedule::Wishes;
use crate::dates::{self, DateContext};
use crate::model::{Announced, Author, OffsetTime};
use collected::Texts;
pub(in crate::poll) use collected::absolute_url;
pub use kind::FeedKind;
use markup::{evidence, find_ignore_case, page_evidence, text_of};

/// Largest feed, in bytes: twenty times a large one.
pub const FEED_BYTES_MAX: usize = 10 << 20;

/// A shorter body is no feed of any kind: `<rss/>` and `{}` say nothing.
const FEED_BYTES_MIN: usize = 12;

/// A description with at least so much text is the article itself, in feeds without a content element.
const FULL_TEXT_CHARS_MIN: usize = 1_500;

/// A feed that was read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Feed {
    /// Dialect and version.
    pub kind: FeedKind,
    /// Its title as plain text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The site it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<Url>,
    /// The language it claims, as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Its entries, in its order; the first 2,000.
    pub entries: Vec<Announced>,
    /// The document was cut; the whole entries before the cut are there. Its validators must not be kept.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
    /// What it asks of those who poll it.
    #[serde(skip)]
    pub wishes: Wishes,
}

/// Why bytes are no feed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// Nothing came.
    #[error("the body is empty: check the address, or wait until the publisher has mended the feed")]
    Empty,
    /// More came than is read.
    #[error("the body has {bytes} bytes, more than the {FEED_BYTES_MAX} that are read of a feed")]
    TooLarge {
        /// Size of the body.
        bytes: usize,
    },
    /// A page came.
    #[error("an HTML page came instead of a feed: \"{evidence}\"")]
    Html {
        /// Its title, or its beginning.
        evidence: String,
    },
    /// Something else came.
    #[error("{what} came instead of a feed: \"{evidence}\"")]
    NotAFeed {
        /// What it is, in plain words.
        what: &'static str,
        /// Its beginning.
        evidence: String,
    },
    /// It was cut before the first whole entry.
    #[error("the feed is cut off before its first entry ends: \"{evidence}\"")]
    Truncated {
        /// Its beginning.
        evidence: String,
    },
    /// It is a feed, but cannot be read.
    #[error("the feed is broken: {reason}")]
    Broken {
        /// What the parser said.
        reason: String,
    },
}

impl FeedError {
    /// The reason in one word, as `chapar sources` shows it.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLarge { .. } => "too-large",
            Self::Html { .. } => "html-instead-of-feed",
            Self::NotAFeed { .. } => "not-a-feed",
            Self::Truncated { .. } => "truncated",
            Self::Broken { .. } => "broken-feed",
        }
    }
}

/// Reads a feed.
///
/// `content_type` is the HTTP header, of which only the charset is used: servers say anything of feeds. `url` is the
/// feed's address, for relative links. `zone` is the publisher's, for times without one. `now` is the time of the
/// fetch: a date in the future is dropped.
///
/// # Errors
/// What came instead of a feed, in plain words, with at most 200 bytes of it, safe for a terminal.
pub fn read(
    bytes: &[u8],
    content_type: Option<&str>,
    url: Option<&Url>,
    zone: &TimeZone,
    now: Option<Timestamp>,
) -> Result<Feed, FeedError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(FeedError::Empty);
    }
    if bytes.len() > FEED_BYTES_MAX {
        return Err(FeedError::TooLarge { bytes: bytes.len() });
    }
    if let Some(what) = binary(bytes) {
        return Err(FeedError::NotAFeed {
            what,
            evidence: evidence(&String::from_utf8_lossy(&bytes[..bytes.len().min(64)])),
        });
    }
    let text = decode::decode(bytes, content_type, url);
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\0');
    if text.len() < FEED_BYTES_MIN {
        return Err(FeedError::NotAFeed { what: "a few bytes", evidence: evidence(text) });
    }
    let dates = DateContext { zone, now, year_hint: None };
    if text.starts_with('{') {
        return json::read(text, url, &dates);
    }
    if let Some(error) = no_feed(text) {
        return Err(error);
    }
    match canonical::canonical(&entities::expanded(text), url) {
        None => Err(FeedError::NotAFeed { what: "something", evidence: evidence(text) }),
        Some(canonical) if canonical.is_truncated && canonical.entries == 0 => {
            Err(FeedError::Truncated { evidence: evidence(text) })
        }
        Some(canonical) => parse(canonical, zone, now),
    }
}

/// Names what bytes are that are no text.
pub(in crate::poll) fn binary(bytes: &[u8]) -> Option<&'static str> {
    const MAGIC: &[(&[u8], &str)] = &[
        (b"\x1f\x8b", "compressed data (gzip)"),
        (b"\x28\xb5\x2f\xfd", "compressed data (zstd)"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"%PDF-", "a PDF document"),
        (b"\x89PNG", "a picture"),
        (b"\xff\xd8\xff", "a picture"),
        (b"GIF8", "a picture"),
    ];
    MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, what)| *what)
}

/// Why a text without a feed's root, or with a page's root before it, is no feed.
fn no_feed(text: &str) -> Option<FeedError> {
    let mut names = markup::Pieces::new(text).filter_map(|piece| match piece {
        markup::Piece::Open(tag) => Some(tag),
        _ => None,
    });
    let first = names.find(|tag| {
        let is = |name: &str| tag.local().eq_ignore_ascii_case(name);
        names::is_root(tag) || is("html") || is("head") || is("body") || is("urlset") || is("sitemapindex")
    });
    let first = first.map(|tag| tag.local().to_ascii_lowercase());
    match first.as_deref() {
        Some("html" | "head" | "body") => Some(FeedError::Html { evidence: page_evidence(text) }),
        Some("urlset" | "sitemapindex") => {
            Some(FeedError::NotAFeed { what: "a sitemap (set kind = \"sitemap\")", evidence: evidence(text) })
        }
        Some(_) => None,
        None if find_ignore_case(markup::prefix(text, 1024), "<!doctype html").is_some() => {
            Some(FeedError::Html { evidence: page_evidence(text) })
        }
        None if text.starts_with('<') => {
            Some(FeedError::NotAFeed { what: "markup that is neither RSS nor Atom", evidence: evidence(text) })
        }
        None => Some(FeedError::NotAFeed { what: "plain text", evidence: evidence(text) }),
    }
}

/// Gives clean Atom to feed-rs, and takes what is wanted from what it found.
fn parse(mut canonical: canonical::Canonical, zone: &TimeZone, now: Option<Timestamp>) -> Result<Feed, FeedError> {
    // feed-rs keeps instants only: the publisher's offsets are remembered here by instant.
    let offsets: Arc<Mutex<HashMap<i64, OffsetTime>>> = Arc::default();
    let (seen, zone) = (Arc::clone(&offsets), zone.clone());
    let parser = feed_rs::parser::Builder::new()
        .sanitize_content(false)
        .id_generator(|_, _, _| String::new())
        .timestamp_parser(move |text| {
            let time = dates::parse(text, &DateContext { zone: &zone, now, year_hint: None })?.time;
            seen.lock().unwrap_or_else(PoisonError::into_inner).entry(time.at.as_second()).or_insert(time);
            time.at.to_string().parse().ok()
        })
        .build();
    let parsed = std::panic::catch_unwind(AssertUnwindSafe(|| parser.parse(canonical.xml.as_bytes())))
        .map_err(|_| FeedError::Broken { reason: "the parser failed on it".to_owned() })?
        .map_err(|error| FeedError::Broken { reason: markup::evidence(&error.to_string()) })?;
    let offsets = offsets.lock().unwrap_or_else(PoisonError::into_inner);
    let date = |seconds: i64| offsets.get(&seconds).copied();
    let texts = &mut canonical.texts;
    let title = parsed.title.and_then(|title| not_empty(texts.take(&title.content)));
    let entries = parsed.entries.into_iter().map(|entry| announced(entry, texts, &date)).collect();
    Ok(Feed {
        kind: canonical.kind,
        title,
        url: parsed.links.first().and_then(|link| absolute_url(&link.href, None)),
        language: parsed.language.and_then(not_empty),
        entries,
        truncated: canonical.is_truncated,
        wishes: canonical.wishes,
    })
}

fn announced(entry: feed_rs::model::Entry, texts: &mut Texts, date: &dyn Fn(i64) -> Option<OffsetTime>) -> Announced {
    let url = entry.links.first().and_then(|link| absolute_url(&link.href, None));
    let description = entry.summary.map(|summary| texts.take(&summary.content)).unwrap_or_default();
    let summary = text_of(&description);
    let content = entry.content.and_then(|content| content.body).and_then(|place| not_empty(texts.take(&place)));
    // RSS has one element for both: a long description is the article.
    let is_article = description.contains('<') && summary.chars().count() >= FULL_TEXT_CHARS_MIN;
    let date_published = entry.published.and_then(|time| date(time.timestamp()));
    let date_modified = entry.updated.and_then(|time| date(time.timestamp()));
    let picture = entry.media.into_iter().flat_map(|media| media.content).find_map(|content| content.url);
    Announced {
        id: not_empty(entry.id).or_else(|| url.as_ref().map(Url::to_string)),
        title: entry.title.and_then(|title| not_empty(texts.take(&title.content))),
        summary: not_empty(summary),
        content_html: content.or_else(|| is_article.then_some(description)),
        authors: entry.authors.into_iter().filter_map(|person| Some(Author { name: person.name? })).collect(),
        date_published,
        date_modified: date_modified
            .filter(|modified| date_published.is_none_or(|published| published.at != modified.at)),
        tags: entry.categories.into_iter().map(|category| category.term).collect(),
        image: picture,
        url,
    }
}

fn not_empty(text: String) -> Option<String> {
    (!text.trim().is_empty()).then_some(text)
}

#[cfg(test)]
mod tests;
