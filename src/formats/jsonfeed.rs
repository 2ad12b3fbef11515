//! JSON Feed 1.1 (<https://www.jsonfeed.org/version/1.1/>): an item a record, a document of many.
//!
//! What JSON Feed has no name for stands in `_chapar`, as it asks of extensions. An article's versions share their `id`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{FeedHead, Stamp, language, tags};
use crate::model::{Author, OffsetTime, Seq};
use crate::record::Record;

/// An item; its fields are written in this order.
#[derive(Debug, Serialize)]
pub struct Item<'a> {
    id: String,
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'a str>,
    content_text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date_published: Option<OffsetTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date_modified: Option<OffsetTime>,
    #[serde(skip_serializing_if = "<[Author]>::is_empty")]
    authors: &'a [Author],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
    _chapar: Extension<'a>,
}

#[derive(Debug, Serialize)]
struct Extension<'a> {
    seq: Seq,
    recorded_at: Timestamp,
    version: u32,
    event: &'static str,
    source: &'a str,
    countries: Vec<&'a str>,
    topics: Vec<&'a str>,
}

/// A record as an item.
pub fn item(record: &Record) -> Item<'_> {
    let modified = || (record.version > 1).then(|| OffsetTime::utc(record.recorded_at));
    Item {
        id: record.id.to_string(),
        url: record.url.as_str(),
        title: record.title.as_deref(),
        summary: record.summary.as_deref(),
        content_text: &record.content_text,
        image: record.image.as_ref().map(url::Url::as_str),
        date_published: record.date_published,
        date_modified: record.date_modified.or_else(modified),
        authors: &record.authors,
        tags: tags(record),
        language: language(record),
        _chapar: Extension {
            seq: record.seq,
            recorded_at: record.recorded_at,
            version: record.version,
            event: record.event.name(),
            source: record.source.id.as_str(),
            countries: record.places.iter().map(|place| place.code.as_str()).collect(),
            topics: record.topics.iter().map(|topic| topic.id.as_str()).collect(),
        },
    }
}

/// Which record an item is.
pub(super) fn stamp(line: &[u8]) -> Option<Stamp> {
    #[derive(Deserialize)]
    struct Stamped {
        _chapar: super::OfRecord,
    }
    let Stamped { _chapar: of } = serde_json::from_slice(line).ok()?;
    Some(Stamp { seq: of.seq, recorded_at: of.recorded_at })
}

/// The feed up to its first item.
pub fn start(head: &FeedHead<'_>) -> String {
    let mut feed = Map::new();
    feed.insert("version".to_owned(), json!("https://jsonfeed.org/version/1.1"));
    feed.insert("title".to_owned(), json!(head.title));
    for (key, value) in [("home_page_url", head.home), ("feed_url", head.address)] {
        if let Some(value) = value {
            feed.insert(key.to_owned(), json!(value));
        }
    }
    let feed = Value::Object(feed).to_string();
    format!("{},\"items\":[", feed.strip_suffix('}').unwrap_or(&feed))
}

/// What stands before an item: nothing before the first.
pub fn separator(is_first: bool) -> &'static str {
    if is_first { "\n" } else { ",\n" }
}

/// The feed after its last item.
pub const END: &str = "\n]}\n";

/// A whole feed.
///
/// # Errors
/// None that a record could cause; serde's.
pub fn document<'r>(head: &FeedHead<'_>, records: impl IntoIterator<Item = &'r Record>) -> serde_json::Result<String> {
    let mut feed = start(head);
    for (place, record) in records.into_iter().enumerate() {
        feed.push_str(separator(place == 0));
        feed.push_str(&serde_json::to_string(&item(record))?);
    }
    feed.push_str(END);
    Ok(feed)
}
