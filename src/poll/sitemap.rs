//! Sitemap bytes to announced articles: plain sitemaps, Google News sitemaps, lists of addresses, and indexes of them.

mod children;
mod packed;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use url::Url;

use super::feed::markup::{Piece, Pieces, evidence, page_evidence, plain, push_resolved};
use super::feed::{absolute_url, binary, decode::decode};
use super::site::is_same_site;
use crate::dates::{self, DateContext};
use crate::model::{Announced, OffsetTime};

/// Largest sitemap, in bytes: what the protocol allows.
pub const SITEMAP_BYTES_MAX: usize = 50 << 20;

/// Addresses of one file that are looked at: what the protocol allows.
const LOCATIONS_MAX: usize = 50_000;

/// Tags before the root that are passed over: what a broken program wrote first, such as a warning in HTML.
const TAGS_BEFORE_ROOT_MAX: usize = 32;

/// Longest value of one element, in bytes; addresses end at 2,048.
const VALUE_BYTES_MAX: usize = 8 << 10;

/// What a sitemap names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sitemap {
    /// Pages of the sitemap's own site, newest first as far as they have dates; at most 50,000.
    pub entries: Vec<Announced>,
    /// Further sitemaps of the same site, if this is an index; newest first, at most 200. Those that by their names hold
    /// no articles are left out where there are others.
    pub children: Vec<Url>,
    /// The document was cut; what is whole before the cut is there. Its validators must not be kept.
    pub truncated: bool,
}

/// Why bytes are no sitemap.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SitemapError {
    /// Nothing came.
    #[error("the body is empty: check the address, or wait until the publisher has mended the sitemap")]
    Empty,
    /// More came than is read.
    #[error("the body has {bytes} bytes, more than the {SITEMAP_BYTES_MAX} that the sitemap protocol allows")]
    TooLarge {
        /// Size of the body.
        bytes: usize,
    },
    /// It is compressed in a way that sitemaps are not.
    #[error("the sitemap is {what}, which is not unpacked: use the address of an uncompressed one, or of a gzip file")]
    Compressed {
        /// How.
        what: &'static str,
    },
    /// It is gzip, but broken from the start, or grows beyond all bounds.
    #[error("the gzip file cannot be unpacked: {problem}")]
    BadGzip {
        /// What is wrong.
        problem: String,
    },
    /// Something else came.
    #[error("{what} came instead of a sitemap: \"{evidence}\"")]
    NotASitemap {
        /// What it is, in plain words.
        what: &'static str,
        /// At most 200 bytes of it, safe for a terminal.
        evidence: String,
    },
    /// It was cut before the first whole entry.
    #[error("the sitemap is cut off before its first entry ends: \"{evidence}\"")]
    Truncated {
        /// At most 200 bytes of it, safe for a terminal.
        evidence: String,
    },
}

impl SitemapError {
    /// The reason in one word, as `chapar sources` shows it.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLarge { .. } => "too-large",
            Self::Compressed { .. } => "compressed",
            Self::BadGzip { .. } => "bad-gzip",
            Self::NotASitemap { .. } => "not-a-sitemap",
            Self::Truncated { .. } => "truncated",
        }
    }
}

/// Reads a sitemap or an index, also packed with gzip. `zone` and `now` as for feeds.
///
/// `lastmod` is a date of change. The date of publication is known of news sitemaps only.
///
/// # Errors
/// What came instead of a sitemap, in plain words.
pub fn read(bytes: &[u8], url: &Url, zone: &TimeZone, now: Option<Timestamp>) -> Result<Sitemap, SitemapError> {
    let context = DateContext { zone, now, year_hint: None };
    if !packed::is_gzip(bytes) {
        return read_plain(bytes, url, &context);
    }
    let unpacked = packed::unpack(bytes, SITEMAP_BYTES_MAX)?;
    let mut sitemap = read_plain(&unpacked.bytes, url, &context)?;
    sitemap.truncated |= !unpacked.is_whole;
    Ok(sitemap)
}

fn read_plain(bytes: &[u8], url: &Url, context: &DateContext<'_>) -> Result<Sitemap, SitemapError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(SitemapError::Empty);
    }
    if bytes.len() > SITEMAP_BYTES_MAX {
        return Err(SitemapError::TooLarge { bytes: bytes.len() });
    }
    match binary(bytes) {
        Some(what) if what.starts_with("compressed") => return Err(SitemapError::Compressed { what }),
        Some(what) => {
            let evidence = evidence(&String::from_utf8_lossy(&bytes[..bytes.len().min(64)]));
            return Err(SitemapError::NotASitemap { what, evidence });
        }
        None => {}
    }
    let text = decode(bytes, None, Some(url));
    let mut pieces = Pieces::new(&text);
    let Some(root) = root_of(&mut pieces, &text)? else {
        return of_lines(&text, url);
    };
    let (locations, is_whole) = locations(pieces, &root);
    if locations.is_empty() && !is_whole {
        return Err(SitemapError::Truncated { evidence: evidence(&text) });
    }
    let mut announced: Vec<Announced> =
        locations.into_iter().filter_map(|location| location.announced(url, context)).collect();
    if root.is_index {
        let named = announced.into_iter().filter_map(|entry| Some((entry.url?, entry.date_modified)));
        let children = children::newest_first(named.collect());
        return Ok(Sitemap { entries: Vec::new(), children, truncated: !is_whole });
    }
    announced.sort_by_key(|entry| std::cmp::Reverse(newest(entry)));
    Ok(Sitemap { entries: announced, children: Vec::new(), truncated: !is_whole })
}

/// The root element of a sitemap.
struct Root {
    is_index: bool,
    /// The prefix of the sitemap's own names; empty if its namespace is the default.
    prefix: String,
}

/// Finds the root; `None` where there are no tags at all.
fn root_of(pieces: &mut Pieces<'_>, text: &str) -> Result<Option<Root>, SitemapError> {
    let other = |what: &'static str, evidence: String| Err(SitemapError::NotASitemap { what, evidence });
    let mut opened = pieces.filter_map(|piece| match piece {
        Piece::Open(tag) => Some((tag.prefix(), tag.local().to_ascii_lowercase())),
        _ => None,
    });
    let Some((prefix, first)) = opened.next() else { return Ok(None) };
    let root = |prefix: &str, name: &str| {
        let is_index = name == "sitemapindex";
        (is_index || name == "urlset").then(|| Root { is_index, prefix: prefix.to_owned() })
    };
    if let Some(root) = root(prefix, &first) {
        return Ok(Some(root));
    }
    match first.as_str() {
        "html" | "head" | "body" => return other("an HTML page", page_evidence(text)),
        "rss" | "rdf" | "feed" => return other("a feed (set kind = \"feed\")", evidence(text)),
        _ => {}
    }
    let found = opened.take(TAGS_BEFORE_ROOT_MAX).find_map(|(prefix, name)| root(prefix, &name));
    if found.is_some() { Ok(found) } else { other("other markup", evidence(text)) }
}

/// Reads a sitemap that is a text file with one address a line.
fn of_lines(text: &str, url: &Url) -> Result<Sitemap, SitemapError> {
    let lines = || text.trim_start_matches('\u{feff}').lines().map(str::trim).filter(|line| !line.is_empty());
    let is_list = lines().next().is_some_and(|line| line.starts_with("http://") || line.starts_with("https://"));
    if !is_list {
        return Err(SitemapError::NotASitemap { what: "plain text", evidence: evidence(text) });
    }
    let addresses = lines().take(LOCATIONS_MAX).filter(|line| line.len() < VALUE_BYTES_MAX);
    let addresses = addresses.filter_map(|line| absolute_url(line, Some(url))).filter(|line| is_same_site(line, url));
    let entries = addresses.map(|address| Announced { url: Some(address), ..Announced::default() }).collect();
    Ok(Sitemap { entries, ..Sitemap::default() })
}

fn newest(entry: &Announced) -> Option<Timestamp> {
    let at = |time: Option<OffsetTime>| time.map(|time| time.at);
    at(entry.date_published).max(at(entry.date_modified))
}

/// The values of one `<url>` or `<sitemap>`, as written.
#[derive(Default)]
struct Location {
    address: String,
    changed: String,
    published: String,
    title: String,
    keywords: String,
    image: String,
}

impl Location {
    fn value(&mut self, prefix: &str, local: &str, root: &Root) -> Option<&mut String> {
        let is = |name: &str| local.eq_ignore_ascii_case(name);
        // Pictures have addresses and titles of their own, always with a prefix of their own.
        let is_own = prefix.is_empty() || prefix == root.prefix;
        match (prefix, local) {
            _ if is_own && is("loc") => Some(&mut self.address),
            _ if is_own && is("lastmod") => Some(&mut self.changed),
            ("image", _) if is("loc") => Some(&mut self.image),
            ("image" | "video", _) => None,
            _ if is("publication_date") => Some(&mut self.published),
            _ if is("keywords") => Some(&mut self.keywords),
            _ if is("title") => Some(&mut self.title),
            _ => None,
        }
        .filter(|value| value.is_empty())
    }

    fn announced(self, base: &Url, context: &DateContext<'_>) -> Option<Announced> {
        let date = |text: &str| dates::parse(text, context).map(|date| date.time);
        let title = plain(&self.title);
        Some(Announced {
            url: Some(absolute_url(&self.address, Some(base)).filter(|url| is_same_site(url, base))?),
            title: (!title.is_empty()).then_some(title),
            date_published: date(&self.published),
            date_modified: date(&self.changed),
            tags: self.keywords.split(',').map(plain).filter(|tag| !tag.is_empty()).take(64).collect(),
            image: absolute_url(&self.image, Some(base)),
            ..Announced::default()
        })
    }
}

/// The whole locations of a document, and whether its end was there or the limit reached.
fn locations(pieces: Pieces<'_>, root: &Root) -> (Vec<Location>, bool) {
    let root_name = if root.is_index { "sitemapindex" } else { "urlset" };
    let mut locations = Vec::new();
    let mut location: Option<Location> = None;
    // The element whose text is gathered: prefix, local name, text.
    let mut leaf: Option<(&str, &str, String)> = None;
    for piece in pieces {
        match piece {
            Piece::Open(tag) if is_location(tag.local()) => {
                location = (!tag.is_empty).then(Location::default);
                leaf = None;
            }
            Piece::Open(tag) => leaf = (!tag.is_empty).then(|| (tag.prefix(), tag.local(), String::new())),
            Piece::Text(raw) => {
                if let Some((_, _, text)) =
                    leaf.as_mut().filter(|(_, _, text)| text.len() + raw.len() < VALUE_BYTES_MAX)
                {
                    push_resolved(text, raw);
                }
            }
            Piece::Verbatim(raw) => {
                if let Some((_, _, text)) =
                    leaf.as_mut().filter(|(_, _, text)| text.len() + raw.len() < VALUE_BYTES_MAX)
                {
                    text.push_str(raw);
                }
            }
            Piece::Close(tag) if is_location(tag.local()) => {
                locations.extend(location.take());
                leaf = None;
                if locations.len() == LOCATIONS_MAX {
                    return (locations, true);
                }
            }
            Piece::Close(tag) if tag.local().eq_ignore_ascii_case(root_name) => return (locations, true),
            Piece::Close(_) => {
                if let (Some(location), Some((prefix, local, text))) = (&mut location, leaf.take())
                    && let Some(value) = location.value(prefix, local, root)
                {
                    *value = text;
                }
            }
        }
    }
    (locations, false)
}

fn is_location(local: &str) -> bool {
    local.eq_ignore_ascii_case("url") || local.eq_ignore_ascii_case("sitemap")
}

#[cfg(test)]
mod tests;
