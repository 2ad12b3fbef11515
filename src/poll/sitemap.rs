//! Sitemap bytes to announced articles: plain sitemaps, Google News sitemaps, and indexes of them.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use url::Url;

use super::feed::markup::{Piece, Pieces, evidence, page_evidence, push_resolved};
use super::feed::{absolute_url, binary, decode::decode};
use crate::dates::{self, DateContext};
use crate::model::{Announced, OffsetTime};
use crate::text;

/// Largest sitemap, in bytes: what the protocol allows.
pub const SITEMAP_BYTES_MAX: usize = 50 << 20;

/// Addresses of one file that are looked at: what the protocol allows.
const LOCATIONS_MAX: usize = 50_000;

/// Entries that are announced, the newest: an archive is not news.
const ENTRIES_MAX: usize = 2_000;

/// Files of an index that are named, the newest.
const CHILDREN_MAX: usize = 200;

/// Longest value of one element, in bytes; addresses end at 2,048.
const VALUE_BYTES_MAX: usize = 8 << 10;

/// What a sitemap names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sitemap {
    /// Pages, newest first as far as they have dates; at most 2,000.
    pub entries: Vec<Announced>,
    /// Further sitemaps, if this is an index; newest first, at most 200.
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
    /// It is compressed and the server did not say so.
    #[error("the sitemap is {what}, which is not unpacked: use the address of an uncompressed one")]
    Compressed {
        /// How.
        what: &'static str,
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
            Self::NotASitemap { .. } => "not-a-sitemap",
            Self::Truncated { .. } => "truncated",
        }
    }
}

/// Reads a sitemap or an index. `zone` and `now` as for feeds.
///
/// `lastmod` is a date of change. The date of publication is known of news sitemaps only.
///
/// # Errors
/// What came instead of a sitemap, in plain words.
pub fn read(bytes: &[u8], url: &Url, zone: &TimeZone, now: Option<Timestamp>) -> Result<Sitemap, SitemapError> {
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
    let root = pieces.by_ref().find_map(|piece| match piece {
        Piece::Open(tag) => Some(tag.local().to_ascii_lowercase()),
        _ => None,
    });
    let other = |what: &'static str, evidence: String| Err(SitemapError::NotASitemap { what, evidence });
    let root = match root.as_deref() {
        Some(root @ ("urlset" | "sitemapindex")) => root,
        Some("html" | "head" | "body") => return other("an HTML page", page_evidence(&text)),
        Some("rss" | "rdf" | "feed") => return other("a feed (set kind = \"feed\")", evidence(&text)),
        Some(_) => return other("other markup", evidence(&text)),
        None => return other("plain text", evidence(&text)),
    };
    let context = DateContext { zone, now, year_hint: None };
    let (locations, is_whole) = locations(pieces, root);
    if locations.is_empty() && !is_whole {
        return Err(SitemapError::Truncated { evidence: evidence(&text) });
    }
    let mut announced: Vec<Announced> =
        locations.into_iter().filter_map(|location| location.announced(url, &context)).collect();
    announced.sort_by_key(|entry| std::cmp::Reverse(newest(entry)));
    if root == "urlset" {
        announced.truncate(ENTRIES_MAX);
        return Ok(Sitemap { entries: announced, children: Vec::new(), truncated: !is_whole });
    }
    let children = announced.into_iter().filter_map(|entry| entry.url).take(CHILDREN_MAX).collect();
    Ok(Sitemap { entries: Vec::new(), children, truncated: !is_whole })
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
    fn value(&mut self, prefix: &str, local: &str) -> Option<&mut String> {
        let is = |name: &str| local.eq_ignore_ascii_case(name);
        // Pictures have addresses and titles of their own, always with a prefix.
        match (prefix, local) {
            ("", _) if is("loc") => Some(&mut self.address),
            ("", _) if is("lastmod") => Some(&mut self.changed),
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
        let title = text::collapse(&self.title);
        Some(Announced {
            url: Some(absolute_url(&self.address, Some(base))?),
            title: (!title.is_empty()).then_some(title),
            date_published: date(&self.published),
            date_modified: date(&self.changed),
            tags: self.keywords.split(',').map(text::collapse).filter(|tag| !tag.is_empty()).take(64).collect(),
            image: absolute_url(&self.image, Some(base)),
            ..Announced::default()
        })
    }
}

/// The whole locations of a document, and whether its end was there or the limit reached.
fn locations(pieces: Pieces<'_>, root: &str) -> (Vec<Location>, bool) {
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
            Piece::Close(tag) if tag.local().eq_ignore_ascii_case(root) => return (locations, true),
            Piece::Close(_) => {
                if let (Some(location), Some((prefix, local, text))) = (&mut location, leaf.take())
                    && let Some(value) = location.value(prefix, local)
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
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read_text(text: &str) -> Result<Sitemap, SitemapError> {
        let url = Url::parse("https://news.example/sitemap.xml").expect("an address");
        read(text.as_bytes(), &url, &TimeZone::UTC, Some("2025-08-15T10:00:00Z".parse().expect("a time")))
    }

    fn check(text: &str, expected: &[&str]) {
        let sitemap = read_text(text).expect("it is a sitemap");
        let line = |entry: &Announced| {
            let date = |time: Option<OffsetTime>| time.map_or("-".to_owned(), |time| time.to_string());
            let url = entry.url.as_ref().map_or("-", Url::as_str);
            let title = entry.title.as_deref().unwrap_or("-");
            format!("{url} {title} {} {}", date(entry.date_published), date(entry.date_modified))
        };
        let mut lines: Vec<String> = sitemap.entries.iter().map(line).collect();
        lines.extend(sitemap.children.iter().map(Url::to_string));
        assert_eq!(lines, expected);
    }

    #[test]
    fn sitemaps_of_every_kind() {
        check(
            "<urlset><url><loc>https://news.example/a</loc><lastmod>2024-01-01</lastmod></url>\
             <url><loc> /b?x=1&amp;y=2 </loc><lastmod>2024-02-01T10:00:00+05:00</lastmod></url><url><loc>javascript:x</loc></url>\
             <url><loc>https://news.example/c</loc></url></urlset>",
            &[
                "https://news.example/b?x=1&y=2 - - 2024-02-01T10:00:00+05:00",
                "https://news.example/a - - 2024-01-01T00:00:00+00:00",
                "https://news.example/c - - -",
            ],
        );
        check(
            "<urlset xmlns:news='x'><url><loc>https://news.example/n</loc><image:image><image:loc>/i.jpg</image:loc>\
             <image:title>no</image:title></image:image><news:news><news:publication><news:name>N</news:name></news:publication>\
             <news:publication_date>2025-08-15T08:00:00Z</news:publication_date><news:title><![CDATA[Oil & gas]]></news:title>\
             </news:news></url></urlset>",
            &["https://news.example/n Oil & gas 2025-08-15T08:00:00+00:00 -"],
        );
        check(
            "<sitemapindex><sitemap><loc>https://news.example/old.xml</loc><lastmod>2020-01-01</lastmod></sitemap>\
             <sitemap><loc>https://news.example/new.xml</loc><lastmod>2025-01-01</lastmod></sitemap></sitemapindex>",
            &["https://news.example/new.xml", "https://news.example/old.xml"],
        );
        check(
            "<urlset><url><loc>https://news.example/a</loc></url><url><loc>https://news.ex",
            &["https://news.example/a - - -"],
        );
    }

    #[test]
    fn what_is_no_sitemap_is_named() {
        for (text, part) in [
            ("  ", "empty"),
            ("\u{1f}\u{8b}", "plain text"),
            ("<html><title>Nothing here</title>", "an HTML page came instead of a sitemap: \"Nothing here\""),
            ("<rss></rss>", "kind = \"feed\""),
            ("<urlset><url><loc>https://a", "cut off"),
        ] {
            let message = read_text(text).expect_err("it is no sitemap").to_string();
            assert!(message.contains(part), "{message}");
        }
        let url = Url::parse("https://news.example/sitemap.xml.gz").expect("an address");
        let packed = read(b"\x1f\x8b\x08\0\0", &url, &TimeZone::UTC, None).expect_err("it is packed").to_string();
        assert!(packed.contains("gzip"), "{packed}");
    }

    #[test]
    fn no_more_is_announced_than_the_limits() {
        let many = |inner: &str, count: usize| inner.repeat(count);
        let pages =
            read_text(&format!("<urlset>{}</urlset>", many("<url><loc>/a</loc></url>", 60_000))).expect("a sitemap");
        assert_eq!(pages.entries.len(), ENTRIES_MAX);
        let index = read_text(&format!("<sitemapindex>{}", many("<sitemap><loc>/a</loc></sitemap>", 1_000)));
        assert_eq!(index.expect("an index").children.len(), CHILDREN_MAX);
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "(<urlset>|<url>|</url>|<loc>|</loc>|<news:title>|<!\\[CDATA\\[|[a-z<>&;/]|ж){0,40}") {
            let _ = read_text(&text);
            let _ = read_text(&format!("<urlset>{text}"));
        }
    }
}
