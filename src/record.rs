//! The record (`chapar.record/1`): the normalised output, one JSON object per line.
//!
//! Field names of content follow JSON Feed 1.1. Keys are written in the order of the structs; absent rather than null.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::model::{
    ArticleId, Author, DatePrecision, Digest, ExtractTrace, Labels, LanguageLabel, OffsetTime, PlaceLabel, Quality,
    Seq, SourceId, SourceKind, TopicLabel,
};

/// Name and version of the schema; additions keep the version, a renamed or retyped field raises it.
pub const SCHEMA: &str = "chapar.record/1";

/// What happened to the article.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// First version.
    New,
    /// Same address, changed text.
    Update,
    /// Same text, new labels.
    Relabel,
    /// The page is gone.
    Withdrawn,
    /// A copy, where the settings ask for them.
    Duplicate,
}

impl Event {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::New, Self::Update, Self::Relabel, Self::Withdrawn, Self::Duplicate];

    /// As it is written in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Update => "update",
            Self::Relabel => "relabel",
            Self::Withdrawn => "withdrawn",
            Self::Duplicate => "duplicate",
        }
    }
}

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Position in this node's log.
    pub seq: Seq,
    /// Identity of the article, the same on every machine.
    pub id: ArticleId,
    /// 1, 2, 3 …
    pub version: u32,
    /// What happened.
    pub event: Event,
    /// The earlier version, for a later one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<u32>,
    /// When this line was committed.
    pub recorded_at: Timestamp,
    /// The article's address, fetchable.
    pub url: Url,
    /// Title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Summary, else the lede.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// The text.
    pub content_text: String,
    /// Persons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<Author>,
    /// The publisher's date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_published: Option<OffsetTime>,
    /// The publisher's date of change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_modified: Option<OffsetTime>,
    /// Precision of `date_published`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_precision: Option<DatePrecision>,
    /// BCP 47 tag, `und` when unknown.
    pub language: String,
    /// 0 to 1.
    pub language_confidence: f64,
    /// Address of the picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Url>,
    /// The publisher's tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Words in the text.
    pub word_count: u64,
    /// Countries, most important first.
    #[serde(default)]
    pub places: Vec<PlaceLabel>,
    /// Topics, best first.
    #[serde(default)]
    pub topics: Vec<TopicLabel>,
    /// Where it was announced.
    pub source: RecordSource,
    /// Other sources that had announced it when this line was committed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also_in: Vec<SourceId>,
    /// Identity of the address that was announced, where it led to this article under another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announced_as: Option<ArticleId>,
    /// How it was fetched.
    pub fetch: FetchTrace,
    /// How it was found in the page.
    pub extract: ExtractTrace,
    /// Measures of the text, where any is not zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<Quality>,
    /// Fingerprints.
    pub dedup: DedupTrace,
    /// Which rules labelled it.
    pub rules: RulesTrace,
    /// Version of chapar that wrote it.
    pub chapar: String,
}

impl Record {
    /// The frontier's key of the entry that brought this line.
    pub fn entry(&self) -> ArticleId {
        self.announced_as.unwrap_or(self.id)
    }

    /// What it was labelled with.
    pub fn labels(&self) -> Labels {
        let language = LanguageLabel { tag: self.language.clone(), confidence: self.language_confidence };
        Labels { language, places: self.places.clone(), topics: self.topics.clone() }
    }
}

/// The announcing source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordSource {
    /// Id.
    pub id: SourceId,
    /// Name.
    pub name: String,
    /// Kind.
    pub kind: SourceKind,
    /// Polled address, without credentials.
    pub feed_url: Url,
    /// The feed's id for the article.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guid: Option<String>,
    /// When the poll that announced it was admitted; of an entry that had been given up, when it was asked for again.
    /// Absent for a version that a later look at the page found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announced_at: Option<Timestamp>,
}

/// Facts of the fetch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FetchTrace {
    /// When.
    pub at: Timestamp,
    /// Address after redirects.
    pub final_url: Url,
    /// HTTP status.
    pub status: u16,
    /// Content-Type as sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Encoding used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charset: Option<String>,
    /// Who named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charset_from: Option<String>,
    /// Decoded body size.
    pub bytes: u64,
}

/// Fingerprints of the text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DedupTrace {
    /// Digest of the normalised text.
    pub text_digest: Digest,
    /// The article this one duplicates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<ArticleId>,
    /// How alike they are, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub similarity: Option<f64>,
}

/// The rule set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RulesTrace {
    /// Digest over all rule files.
    pub digest: String,
}
