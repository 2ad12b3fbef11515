//! IPTC ninjs 3.1, "News in JSON" (<https://www.iptc.org/std/ninjs/ninjs-schema_3.1.json>).
//!
//! The schema takes no properties of others, so what ninjs has no name for stands in `altIds`: the record's number, its id
//! and the article's address.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Stamp, language, urn};
use crate::model::Seq;
use crate::record::{Event, Record};
use crate::search::country_name;

/// The role of the record's number among `altIds`.
const SEQ_ROLE: &str = "chapar-seq";

/// The scheme of IPTC Media Topics (<https://cv.iptc.org/newscodes/mediatopic/>), for which the rules write `medtop:`.
const MEDIA_TOPICS: &str = "http://cv.iptc.org/newscodes/mediatopic/";

/// A record as an object.
pub fn object(record: &Record) -> Value {
    let mut object = Map::new();
    let mut set = |key: &str, value: Value| drop(object.insert(key.to_owned(), value));
    set("uri", json!(urn(record.id)));
    set(
        "standard",
        json!({"name": "ninjs", "version": "3.1", "schema": "https://www.iptc.org/std/ninjs/ninjs-schema_3.1.json"}),
    );
    set("type", json!("text"));
    set("version", json!(record.version.to_string()));
    set("versionCreated", json!(record.recorded_at));
    if let Some(published) = record.date_published {
        set("contentCreated", json!(published));
    }
    set("pubStatus", json!(if record.event == Event::Withdrawn { "canceled" } else { "usable" }));
    if let Some(language) = language(record) {
        set("language", json!(language));
    }
    if let Some(title) = &record.title {
        set("title", json!(title));
        set("headlines", json!([{"role": "main", "value": title}]));
    }
    if let Some(summary) = &record.summary {
        set("descriptions", json!([{"role": "summary", "contentType": "text/plain", "value": summary}]));
    }
    set(
        "bodies",
        json!([{"role": "main", "contentType": "text/plain", "wordCount": record.word_count, "value": record.content_text}]),
    );
    let authors: Vec<&str> = record.authors.iter().map(|author| author.name.as_str()).collect();
    if !authors.is_empty() {
        set("by", json!(authors.join(", ")));
    }
    if !record.places.is_empty() {
        set("places", places(record));
    }
    if !record.topics.is_empty() {
        set("subjects", subjects(record));
    }
    let source = &record.source;
    set("infoSources", json!([{"name": source.name, "role": "origin", "literal": source.id}]));
    if let Some(image) = &record.image {
        set("renditions", json!([{"name": "main", "href": image}]));
    }
    set(
        "altIds",
        json!([
            {"role": SEQ_ROLE, "value": record.seq.to_string()},
            {"role": "chapar-id", "value": record.id},
            {"role": "url", "value": record.url},
        ]),
    );
    Value::Object(object)
}

fn places(record: &Record) -> Value {
    let place = |(rank, code): (usize, &str)| {
        let rel = if rank == 0 { "about" } else { "mentions" };
        json!({"name": country_name(code).unwrap_or(code), "rel": rel, "literal": code})
    };
    record.places.iter().map(|place| place.code.as_str()).enumerate().map(place).collect()
}

fn subjects(record: &Record) -> Value {
    let subject = |topic: &crate::model::TopicLabel| {
        let mut subject = json!({"name": topic.name, "rel": "about", "literal": topic.id});
        if let Some(code) = topic.iptc.as_deref().and_then(|iptc| iptc.strip_prefix("medtop:")) {
            subject["uri"] = json!(format!("{MEDIA_TOPICS}{code}"));
        }
        subject
    };
    record.topics.iter().map(subject).collect()
}

/// Which record an object is.
pub(super) fn stamp(line: &[u8]) -> Option<Stamp> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Stamped {
        version_created: Timestamp,
        alt_ids: Vec<AltId>,
    }
    #[derive(Deserialize)]
    struct AltId {
        role: String,
        value: String,
    }
    let stamped: Stamped = serde_json::from_slice(line).ok()?;
    let seq = stamped.alt_ids.iter().find(|id| id.role == SEQ_ROLE)?.value.parse().ok()?;
    Some(Stamp { seq: Seq(seq), recorded_at: stamped.version_created })
}
