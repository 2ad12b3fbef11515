//! The central types, in the order in which an article flows through them.
//!
//! `Source -> Entry -> Pending -> Page -> Article -> Labels -> Record`, and one [`Outcome`] at the end.

mod identity;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::http::Validators;
use crate::site_rules::ListingRule;
pub use identity::{ArticleId, CanonicalUrl, Digest, OffsetTime, Seq, SourceId};

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

/// Whether a source's validators are sent back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ValidatorsPolicy {
    /// Polls are conditional.
    #[default]
    Use,
    /// Every poll asks for the whole; for servers that repeat an ETag after a change.
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
    /// Fixed time between polls, instead of one that follows the source's rhythm.
    pub interval: Option<std::time::Duration>,
    /// User-Agent for this source only.
    pub user_agent: Option<String>,
    /// Whether robots.txt is obeyed.
    pub robots: RobotsPolicy,
    /// Folder in lists and OPML; nested ones are joined with ` / `.
    pub group: Option<String>,
    /// What is set of its `[source.listing]`; the rule of its site fills in the rest.
    pub listing: ListingRule,
    /// Whether polls are conditional.
    pub validators: ValidatorsPolicy,
    /// Whether cookies are kept and sent back, in memory and for this source only.
    pub cookies: bool,
}

impl Source {
    /// A source of which nothing is known but its address.
    pub fn unconfigured(url: Url, kind: SourceKind, zone: TimeZone) -> Self {
        Self {
            id: "unconfigured".parse().expect("a valid id"),
            name: String::new(),
            homepage: None,
            url,
            kind,
            language: None,
            country: None,
            zone,
            content: ContentFrom::Page,
            interval: None,
            user_agent: None,
            robots: RobotsPolicy::Obey,
            group: None,
            listing: ListingRule::default(),
            validators: ValidatorsPolicy::Use,
            cookies: false,
        }
    }

    /// The jar for its requests, where it asks for cookies.
    pub fn cookie_jar(&self) -> Option<&SourceId> {
        self.cookies.then_some(&self.id)
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Look {
    /// It was never seen.
    First,
    /// It is known, and its source announced a change.
    Again,
    /// It is recorded, and its time has come to be looked at again.
    Scheduled(Box<SecondLook>),
}

/// What is known of a recorded article for the next look at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondLook {
    /// The article, as it is recorded.
    pub article: ArticleId,
    /// From when its looks count.
    pub from: Timestamp,
    /// What its page's last answer gave to be sent back.
    #[serde(default, skip_serializing_if = "Validators::is_empty")]
    pub validators: Validators,
    /// When its page was first found gone, if it was at the last look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone_since: Option<Timestamp>,
}

/// An admitted, unfinished entry: a row of the frontier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pending {
    /// The entry.
    pub entry: Entry,
    /// Which look it is.
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
    /// The route that found the text: `site-rule`, `blocks`, `microdata`, `json-ld`, `feed`.
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
    /// 0 to 1: how surely this is the article; for `blocks` the F1 of its words that is expected.
    pub confidence: f64,
}

/// Plain measures of a text, so that spun and generated ones can be told by those who want to; no verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Quality {
    /// Lines that say what the title says in other words.
    pub headline_variants: u64,
    /// How often a sentence is there once more.
    pub repeated_sentences: u64,
    /// Points of the last list that only restate the text above it.
    pub restated_points: u64,
    /// Places with words meant for or written by a text generator, such as "As an AI language model".
    pub prompt_remains: u64,
    /// Characters without width or of unusual width, and their mojibake, that were in the text before it was cleaned.
    pub invisible_characters: u64,
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
    /// Measures of the text, where any is not zero.
    pub quality: Option<Quality>,
}

/// Why a page is not an article, in one word and one sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// Kebab-case reason: `not-html`, `paywall`, `index`, `too-short`, `robots-disallowed`, …; `deploy/README.md` has all.
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
