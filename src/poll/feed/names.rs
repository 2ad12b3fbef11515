//! What the elements of RSS, Atom and their extensions mean, whatever prefix or namespace they come with.

use super::markup::Tag;
use super::wishes::Wish;

/// A family of element names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Namespace {
    /// RSS of any version; also the elements without a namespace in it.
    Rss,
    /// Atom 0.3 and 1.0.
    Atom,
    /// RSS content module.
    Content,
    /// Dublin Core elements.
    Dc,
    /// Dublin Core terms.
    Dcterms,
    /// Media RSS.
    Media,
    /// Apple's podcast elements.
    Itunes,
    /// RSS syndication module.
    Syndication,
    /// XHTML.
    Xhtml,
    /// RDF.
    Rdf,
    /// Everything else.
    Other,
}

impl Namespace {
    /// By its address; the versions and spellings that are found in feeds.
    pub fn of_address(address: &str) -> Self {
        let address = address.trim().to_ascii_lowercase();
        let has = |part: &str| address.contains(part);
        if has("w3.org/2005/atom") || has("purl.org/atom/") {
            Self::Atom
        } else if has("purl.org/rss/1.0/modules/content") {
            Self::Content
        } else if has("purl.org/rss/1.0/modules/syndication") {
            Self::Syndication
        } else if has("purl.org/rss/1.0/modules/") && !has("/rss091") {
            Self::Other
        } else if has("purl.org/dc/elements") {
            Self::Dc
        } else if has("purl.org/dc/terms") {
            Self::Dcterms
        } else if has("search.yahoo.com/mrss") {
            Self::Media
        } else if has("itunes.com/dtds") {
            Self::Itunes
        } else if has("w3.org/1999/xhtml") {
            Self::Xhtml
        } else if has("22-rdf-syntax-ns") {
            Self::Rdf
        } else if has("purl.org/rss/1.0")
            || has("my.netscape.com/rdf")
            || has("backend.userland.com/rss")
            || has("law.harvard.edu/")
        {
            Self::Rss
        } else {
            Self::Other
        }
    }

    /// By the prefix that everybody uses, where a document declares none.
    pub fn of_usual_prefix(prefix: &str) -> Self {
        match prefix {
            "atom" | "atom10" | "a10" => Self::Atom,
            "content" => Self::Content,
            "dc" => Self::Dc,
            "dcterms" => Self::Dcterms,
            "media" => Self::Media,
            "itunes" => Self::Itunes,
            "sy" => Self::Syndication,
            "xhtml" => Self::Xhtml,
            "rdf" => Self::Rdf,
            "rss" => Self::Rss,
            _ => Self::Other,
        }
    }
}

/// What an element says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Title,
    /// RSS: in its text; Atom: in its attributes.
    Link,
    Id,
    Summary,
    /// What stands under a picture; a summary only where there is nothing else.
    Caption,
    Content,
    Author,
    Category,
    /// Tags between commas.
    Keywords,
    Published,
    Updated,
    Language,
    /// A picture, or a file that may be one; address in an attribute.
    Media,
    /// RSS `<image>` inside an item.
    Picture,
    /// What the feed asks of those who poll it.
    Wish(Wish),
}

impl Field {
    /// It may hold markup that contains elements of any name.
    pub fn is_rich(self) -> bool {
        matches!(self, Self::Summary | Self::Content)
    }
}

/// What an element is for the structure of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// `item` or `entry`.
    Entry,
    /// Its children belong to what is around it.
    Transparent,
    /// A field, and its rank among the elements that fill the same one: the higher wins.
    Field(Field, u8),
    /// Neither it nor what is in it is read.
    Opaque,
}

/// The role of an element by its namespace and lower-case local name.
pub(super) fn role(namespace: Namespace, local: &str) -> Role {
    use Field::*;
    use Namespace as N;
    let (field, rank) = match (namespace, local) {
        (N::Atom | N::Rss, "item" | "entry") => return Role::Entry,
        (N::Rss, "channel" | "skiphours" | "skipdays") | (N::Media, "group") => return Role::Transparent,
        // Tags of HTML that never end, in a feed whose author forgot to escape it.
        (N::Rss | N::Atom, "br" | "hr" | "img" | "p") => return Role::Transparent,
        (N::Rss | N::Atom, "title") => (Title, 10),
        (N::Dc, "title") => (Title, 2),
        (N::Media, "title") => (Title, 1),
        (N::Rss | N::Atom, "link") => (Link, 10),
        (N::Rss | N::Atom, "guid" | "id") => (Id, 10),
        (N::Rss | N::Atom, "description" | "summary" | "abstract") => (Summary, 10),
        (N::Dc, "description") | (N::Itunes, "summary") => (Summary, 10),
        (N::Media, "description") => (Caption, 1),
        (N::Content, "encoded") | (N::Atom, "content") => (Content, 10),
        (N::Xhtml, "body" | "div") => (Content, 9),
        (N::Rss, "content") | (N::Rss | N::Atom, "body" | "fullitem") => (Content, 8),
        // Yandex's full text is a habit of the region's publishers.
        (N::Rss | N::Other, "full-text" | "fulltext") => (Content, 7),
        (N::Rss | N::Atom | N::Itunes, "author") | (N::Dc, "creator" | "author") => (Author, 10),
        (N::Rss | N::Atom | N::Media | N::Itunes, "category") | (N::Dc, "subject") => (Category, 10),
        (N::Rss, "keywords" | "tags") | (N::Media | N::Itunes, "keywords") => (Keywords, 10),
        (N::Rss, "pubdate") | (N::Atom, "published") => (Published, 10),
        (N::Atom, "issued") | (N::Rss, "published" | "date") => (Published, 8),
        (N::Dcterms, "issued" | "created") => (Published, 7),
        (N::Dc, "date") | (N::Atom, "created" | "pubdate") => (Published, 6),
        (N::Atom | N::Rss, "updated") => (Updated, 10),
        (N::Atom | N::Rss, "modified") | (N::Dcterms, "modified") => (Updated, 8),
        (N::Rss, "language") => (Language, 10),
        (N::Dc, "language") => (Language, 5),
        (N::Media, "content") => (Media, 30),
        (N::Rss, "enclosure") => (Media, 20),
        (N::Media, "thumbnail") => (Media, 10),
        (N::Itunes, "image") => (Media, 5),
        (N::Rss, "image") => (Picture, 15),
        (N::Rss, "ttl") => (Wish(self::Wish::Ttl), 10),
        (N::Rss, "hour") => (Wish(self::Wish::SkipHour), 10),
        (N::Rss, "day") => (Wish(self::Wish::SkipDay), 10),
        (N::Syndication, "updateperiod") => (Wish(self::Wish::Period), 10),
        (N::Syndication, "updatefrequency") => (Wish(self::Wish::Frequency), 10),
        _ => return Role::Opaque,
    };
    Role::Field(field, rank)
}

/// Whether a tag is a root of a feed, or of an Atom entry that stands alone (RFC 4287, 2).
pub(super) fn is_root(tag: &Tag<'_>) -> bool {
    let is = |name: &str| tag.local().eq_ignore_ascii_case(name);
    let is_atom = || tag.attributes().any(|(_, value)| Namespace::of_address(value) == Namespace::Atom);
    is("rss") || is("rdf") || is("feed") || is("channel") || is("entry") && is_atom()
}
