//! The central types, in the order in which an article flows through them.
//!
//! `Source -> Entry -> Pending -> Page -> Article -> Labels -> Record`, and one [`Outcome`] at the end.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use serde::{Deserialize, Serialize};
use url::Url;

/// Name of a configured source: 1 to 64 of `a-z 0-9 -`. It is used in keys and file names, hence the narrow alphabet.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct SourceId(String);

impl FromStr for SourceId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if text.is_empty() || text.len() > 64 || !text.chars().all(allowed) {
            return Err(format!("{text:?} is not an id: use 1 to 64 of a-z, 0-9 and -"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for SourceId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl SourceId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How a source announces its articles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// RSS, Atom or JSON Feed.
    Feed,
    /// An HTML page with links to articles.
    Listing,
    /// A sitemap, plain or Google News.
    Sitemap,
}

/// Where the text of an article is taken from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ContentFrom {
    /// The article's page is fetched.
    #[default]
    Page,
    /// The feed carries the full text.
    Feed,
}

/// Whether a source's robots.txt is obeyed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RobotsPolicy {
    /// Disallowed addresses are not fetched.
    #[default]
    Obey,
    /// robots.txt is not looked at; for sites whose owner agreed.
    Ignore,
}

/// A configured origin of articles, validated.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its unique id.
    pub id: SourceId,
    /// Its name for people.
    pub name: String,
    /// The site's front page.
    pub homepage: Option<Url>,
    /// The address that is polled.
    pub url: Url,
    /// What is found there.
    pub kind: SourceKind,
    /// BCP 47 tag of its usual language: a prior, not a label.
    pub language: Option<String>,
    /// ISO 3166-1 alpha-2 code; absent for sources on the whole region.
    pub country: Option<String>,
    /// Zone for times that come without one.
    pub zone: TimeZone,
    /// Where the text comes from.
    pub content: ContentFrom,
    /// Fixed time between polls, instead of `schedule.interval`.
    pub interval: Option<std::time::Duration>,
    /// User-Agent for this source only.
    pub user_agent: Option<String>,
    /// Whether robots.txt is obeyed.
    pub robots: RobotsPolicy,
}

/// An instant with the offset its publisher wrote; serialised as RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffsetTime {
    /// The instant.
    pub at: Timestamp,
    /// The offset it was written with.
    pub offset: Offset,
}

impl OffsetTime {
    /// `at` in UTC.
    pub fn utc(at: Timestamp) -> Self {
        Self { at, offset: Offset::UTC }
    }
}

impl From<&jiff::Zoned> for OffsetTime {
    fn from(zoned: &jiff::Zoned) -> Self {
        Self { at: zoned.timestamp(), offset: zoned.offset() }
    }
}

impl fmt::Display for OffsetTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.at.display_with_offset(self.offset))
    }
}

impl FromStr for OffsetTime {
    type Err = jiff::Error;

    /// Reads RFC 3339; the offset or `Z` is required.
    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        let at: Timestamp = text.parse()?;
        let pieces = jiff::fmt::temporal::Pieces::parse(text)?;
        let offset = pieces.to_numeric_offset().unwrap_or(Offset::UTC);
        Ok(Self { at, offset })
    }
}

impl Serialize for OffsetTime {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for OffsetTime {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A person who wrote an article.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// The name as published.
    pub name: String,
}

/// What a source says of one article before it is fetched; also the output of `chapar feed` and `chapar listing`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Announced {
    /// The feed's own id (guid), unique in that feed only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Absolute address of the article, as announced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<Url>,
    /// Title as plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Summary as plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Full content as HTML, where the feed carries it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_html: Option<String>,
    /// Authors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<Author>,
    /// Date of publication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_published: Option<OffsetTime>,
    /// Date of the last change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_modified: Option<OffsetTime>,
    /// Categories.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Address of the article's picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Url>,
}

/// The identity form of an article's address: what two addresses of one article have in common.
/// Made by `novelty::canonical_url` only.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CanonicalUrl(pub(crate) String);

impl CanonicalUrl {
    /// The canonical URL as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Stable identity of an article: the first 128 bits of SHA-256 of its canonical URL, written as 26 characters of
/// lower-case base32 (RFC 4648, no padding).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ArticleId(pub [u8; 16]);

impl fmt::Display for ArticleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE32_LOWER.encode(&self.0))
    }
}

impl fmt::Debug for ArticleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ArticleId({self})")
    }
}

impl FromStr for ArticleId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a record id: 26 characters of a-z and 2-7");
        let bytes = BASE32_LOWER.decode(text.to_ascii_lowercase().as_bytes()).map_err(|_| wrong())?;
        Ok(Self(bytes.try_into().map_err(|_| wrong())?))
    }
}

impl Serialize for ArticleId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ArticleId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

static BASE32_LOWER: std::sync::LazyLock<data_encoding::Encoding> = std::sync::LazyLock::new(|| {
    let mut spec = data_encoding::Specification::new();
    spec.symbols.push_str("abcdefghijklmnopqrstuvwxyz234567");
    spec.encoding().expect("32 distinct symbols are a valid specification")
});

/// 128-bit digest of a text, written as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 16]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl FromStr for Digest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map_err(|error| error.to_string())?;
        Ok(Self(bytes.try_into().map_err(|_| format!("{text:?} is not 32 hexadecimal digits"))?))
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// An announced article with its identity: what admission decides on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The source that announced it.
    pub source: SourceId,
    /// Its identity, from the canonical URL.
    pub id: ArticleId,
    /// The address to fetch, tracking parameters removed.
    pub url: Url,
    /// What the source said.
    pub announced: Announced,
}

/// Why an entry is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Look {
    /// It was never seen.
    First,
    /// It is known, and its source announced a change.
    Again,
}

/// An admitted, unfinished entry: a row of the frontier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pending {
    /// The entry.
    pub entry: Entry,
    /// First or second look.
    pub look: Look,
    /// When it was admitted.
    pub admitted_at: Timestamp,
    /// Fetches that failed so far.
    pub attempts: u32,
    /// Not fetched before this time.
    pub not_before: Timestamp,
    /// Reason of the last failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

/// Fetched bytes and what came with them.
#[derive(Clone, Debug)]
pub struct Page {
    /// The address that was asked for; absent for files of unknown origin.
    pub url: Option<Url>,
    /// The address after redirects.
    pub final_url: Option<Url>,
    /// HTTP status; 0 for a file.
    pub status: u16,
    /// The Content-Type header.
    pub content_type: Option<String>,
    /// The decoded body.
    pub bytes: Vec<u8>,
    /// When it was fetched: the only clock that extraction knows.
    pub fetched_at: Option<Timestamp>,
}

/// How exactly a date was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DatePrecision {
    /// To the second.
    Second,
    /// To the minute.
    Minute,
    /// A day: the time is the publisher's midnight.
    Day,
}

/// One kind of repair done on a text, and how often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repair {
    /// Name of the repair, such as `braille-mojibake`.
    pub kind: String,
    /// How many places were repaired.
    pub count: u64,
}

/// How an article was found in its page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ExtractTrace {
    /// The route that found the text: `site-rule`, `json-ld`, `trafilatura`, `feed` …
    pub path: String,
    /// Source id of the site rule that was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site_rule: Option<String>,
    /// Field name to origin: `json-ld`, `meta`, `time`, `selector`, `feed`, `url`, `text`.
    #[serde(default)]
    pub fields: std::collections::BTreeMap<String, String>,
    /// Repairs done on the text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repairs: Vec<Repair>,
    /// 0 to 1: how surely this is the article.
    pub confidence: f64,
}

/// Cleaned content of a page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Article {
    /// The page's own canonical address, or the fetched one.
    pub url: Option<Url>,
    /// Title without the site's name.
    pub title: Option<String>,
    /// The page's own summary.
    pub summary: Option<String>,
    /// The text: NFC, paragraphs separated by a blank line.
    pub content_text: String,
    /// Persons.
    pub authors: Vec<Author>,
    /// Date of publication.
    pub date_published: Option<OffsetTime>,
    /// Its precision.
    pub date_precision: Option<DatePrecision>,
    /// Date of the last change.
    pub date_modified: Option<OffsetTime>,
    /// BCP 47 tag the page declares.
    pub language: Option<String>,
    /// Address of the picture.
    pub image: Option<Url>,
    /// The publisher's tags.
    pub tags: Vec<String>,
    /// Words in the text.
    pub word_count: u64,
    /// Encoding the bytes were read with.
    pub charset: Option<String>,
    /// Who named the encoding: `bom`, `http`, `meta`, `detected`.
    pub charset_from: Option<String>,
    /// How it was found.
    pub extract: ExtractTrace,
}

/// Why a page is not an article, in one word and one sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// Kebab-case reason: `not-html`, `empty`, `too-short`, `robots-disallowed`, …
    pub reason: String,
    /// What was seen.
    pub detail: String,
}

/// A language label.
#[derive(Clone, Debug, PartialEq)]
pub struct LanguageLabel {
    /// BCP 47 tag, `und` when unknown.
    pub tag: String,
    /// 0 to 1.
    pub confidence: f64,
}

/// A country the article is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlaceLabel {
    /// ISO 3166-1 alpha-2.
    pub code: String,
    /// Relative weight, larger is more important.
    pub score: f64,
    /// The forms that were found in the text.
    pub matched: Vec<String>,
}

/// The field of an article in which a term was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Field {
    /// The title.
    Title,
    /// The first paragraphs.
    Lede,
    /// The rest of the text.
    Body,
}

/// One term of a rule that fired.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TermMatch {
    /// The term as written in the rule.
    pub term: String,
    /// The form found in the text.
    pub form: String,
    /// Where.
    pub field: Field,
    /// How often.
    pub count: u32,
}

/// A topic and the evidence for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TopicLabel {
    /// Id of the topic's rule file.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// IPTC Media Topic, `medtop:20000639`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iptc: Option<String>,
    /// Score; the rule's threshold is the least.
    pub score: f64,
    /// The terms that fired.
    pub matched: Vec<TermMatch>,
}

/// What classification says of an article.
#[derive(Clone, Debug, PartialEq)]
pub struct Labels {
    /// Language.
    pub language: LanguageLabel,
    /// Countries, most important first.
    pub places: Vec<PlaceLabel>,
    /// Topics, best first.
    pub topics: Vec<TopicLabel>,
}

/// Position in this node's log, counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(pub u64);

impl Seq {
    /// The position after this one.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The one end that every admitted entry comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// A record was written, new or update.
    Recorded,
    /// The same text is recorded under another address.
    Duplicate,
    /// Looked at again, same text.
    Unchanged,
    /// Not an article, or not allowed.
    Rejected,
    /// Given up, kept for review.
    DeadLetter,
}

impl Outcome {
    /// Every outcome, in the order in which they are shown.
    pub const ALL: [Self; 5] = [Self::Recorded, Self::Duplicate, Self::Unchanged, Self::Rejected, Self::DeadLetter];

    /// Its name in counts and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Duplicate => "duplicate",
            Self::Unchanged => "unchanged",
            Self::Rejected => "rejected",
            Self::DeadLetter => "dead-letter",
        }
    }
}
