//! Records in the forms that other programs read: lines of NDJSON, JSON Feed, ninjs or CSV, and whole feeds. Pure.
//!
//! The command line writes them, and so do the outputs. A line of any form tells its record's number and time
//! ([`LineFormat::stamp`]), by which an output knows what it holds already.

pub mod atom;
pub mod csv;
pub mod jsonfeed;
pub mod ninjs;

use jiff::Timestamp;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::model::{ArticleId, Seq};
use crate::record::Record;

/// A form of one record a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LineFormat {
    /// The record as it stands in the log.
    #[default]
    Ndjson,
    /// An item of JSON Feed 1.1.
    JsonFeed,
    /// An object of IPTC ninjs 3.
    Ninjs,
    /// A row of [`csv::COLUMNS`].
    Csv,
}

/// What identifies a line among those of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The record's number.
    pub seq: Seq,
    /// When it was recorded.
    pub recorded_at: Timestamp,
}

/// What a feed says of itself.
#[derive(Clone, Copy, Debug)]
pub struct FeedHead<'a> {
    /// A URI that never changes, not even when the feed moves.
    pub id: &'a str,
    /// For people.
    pub title: &'a str,
    /// The page it belongs to.
    pub home: Option<&'a str>,
    /// Where the feed itself is found.
    pub address: Option<&'a str>,
    /// When it last changed.
    pub updated: Timestamp,
}

impl LineFormat {
    /// Every form.
    pub const ALL: [Self; 4] = [Self::Ndjson, Self::JsonFeed, Self::Ninjs, Self::Csv];

    /// What a file of such lines is called after its last dot but one, or last.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::JsonFeed => "jsonfeed.ndjson",
            Self::Ninjs => "ninjs.ndjson",
            Self::Csv => "csv",
        }
    }

    /// The first line of a file or stream, with its end, where there is one.
    pub fn header(self) -> Option<String> {
        (self == Self::Csv).then(csv::header)
    }

    /// A record as one line, without its end.
    pub fn line(self, record: &Record) -> serde_json::Result<String> {
        match self {
            Self::Ndjson => serde_json::to_string(record),
            Self::JsonFeed => serde_json::to_string(&jsonfeed::item(record)),
            Self::Ninjs => serde_json::to_string(&ninjs::object(record)),
            Self::Csv => Ok(csv::row(record).trim_end().to_owned()),
        }
    }

    /// Which record a line is; `None` for a header, and for what is no line of this form.
    pub fn stamp(self, line: &[u8]) -> Option<Stamp> {
        match self {
            Self::Ndjson => {
                let OfRecord { seq, recorded_at } = serde_json::from_slice(line).ok()?;
                Some(Stamp { seq, recorded_at })
            }
            Self::JsonFeed => jsonfeed::stamp(line),
            Self::Ninjs => ninjs::stamp(line),
            Self::Csv => csv::stamp(line),
        }
    }
}

#[derive(Deserialize)]
struct OfRecord {
    seq: Seq,
    recorded_at: Timestamp,
}

/// The article as a URI, for forms that ask for one.
pub fn urn(id: ArticleId) -> String {
    uuid(id.0)
}

/// A URI for a feed that has no address: the same for the same text, such as its query or the id of its output.
pub fn urn_of(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid(bytes)
}

/// A UUID of version 8 (RFC 9562) of these bits.
fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex = data_encoding::HEXLOWER.encode(&bytes);
    format!("urn:uuid:{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// The language, where it is known.
fn language(record: &Record) -> Option<&str> {
    Some(record.language.as_str()).filter(|tag| *tag != "und")
}

/// The names of its topics and the publisher's tags, each once.
fn tags(record: &Record) -> Vec<&str> {
    let mut tags: Vec<&str> = Vec::new();
    for tag in record.topics.iter().map(|topic| &topic.name).chain(&record.tags) {
        if !tags.iter().any(|known| known.eq_ignore_ascii_case(tag)) {
            tags.push(tag);
        }
    }
    tags
}

#[cfg(test)]
mod tests;
