//! The dialects of feeds.

use std::fmt;

use serde::Serialize;

use super::markup::Tag;

/// Dialect and version of a feed; serialised as its [`FeedKind::name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedKind {
    /// RSS of a version that it does not say or that there never was.
    Rss,
    /// RSS 0.90, the first one in RDF.
    Rss090,
    /// RSS 0.91.
    Rss091,
    /// RSS 0.92.
    Rss092,
    /// RSS 1.0, in RDF.
    Rss10,
    /// RSS 2.0.
    Rss20,
    /// Atom 0.3, before it was a standard.
    Atom03,
    /// Atom 1.0 (RFC 4287).
    Atom10,
    /// JSON Feed 1.0.
    Json10,
    /// JSON Feed 1.1.
    Json11,
}

impl FeedKind {
    /// `rss-2.0`, `atom-1.0`, `json-1.1`, …
    pub fn name(self) -> &'static str {
        match self {
            Self::Rss => "rss",
            Self::Rss090 => "rss-0.90",
            Self::Rss091 => "rss-0.91",
            Self::Rss092 => "rss-0.92",
            Self::Rss10 => "rss-1.0",
            Self::Rss20 => "rss-2.0",
            Self::Atom03 => "atom-0.3",
            Self::Atom10 => "atom-1.0",
            Self::Json10 => "json-1.0",
            Self::Json11 => "json-1.1",
        }
    }

    /// By the root element.
    pub(super) fn of_root(root: &Tag<'_>) -> Self {
        let declares = |part: &str| root.attributes().any(|(_, value)| value.to_ascii_lowercase().contains(part));
        match root.local().to_ascii_lowercase().as_str() {
            "feed" | "entry" if declares("purl.org/atom") => Self::Atom03,
            "feed" | "entry" => Self::Atom10,
            "rdf" if declares("my.netscape.com") || declares("rdf/simple/0.9") => Self::Rss090,
            "rdf" => Self::Rss10,
            _ => match root.attribute("version").as_deref().map(str::trim) {
                Some("0.90") => Self::Rss090,
                Some("0.91") => Self::Rss091,
                Some("0.92") => Self::Rss092,
                Some("1.0") => Self::Rss10,
                Some(version) if version.starts_with('2') => Self::Rss20,
                _ => Self::Rss,
            },
        }
    }

    /// It is of the Atom family.
    pub(super) fn is_atom(self) -> bool {
        matches!(self, Self::Atom03 | Self::Atom10)
    }
}

impl fmt::Display for FeedKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for FeedKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
