//! JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/).

use serde_json::{Map, Value, json};

use super::{Content, Head, entry_id, title, updated};
use crate::record::Record;

/// A whole feed; the records in the order in which they are to be shown.
pub fn document(head: &Head<'_>, records: &[Record], content: Content) -> String {
    let mut feed = Map::new();
    let mut set = |key: &str, value: Value| drop(feed.insert(key.to_owned(), value));
    set("version", json!("https://jsonfeed.org/version/1.1"));
    set("title", json!(head.title));
    for (key, url) in [("home_page_url", head.home), ("feed_url", head.url)] {
        if let Some(url) = url {
            set(key, json!(url));
        }
    }
    set("items", records.iter().map(|record| item(record, content)).collect());
    Value::Object(feed).to_string() + "\n"
}

fn item(record: &Record, content: Content) -> Value {
    let mut item = Map::new();
    let mut set = |key: &str, value: Value| drop(item.insert(key.to_owned(), value));
    set("id", json!(entry_id(record)));
    set("url", json!(record.url));
    set("title", json!(title(record)));
    if let Some(summary) = &record.summary {
        set("summary", json!(summary));
    }
    // One of content_text and content_html has to be there.
    set(
        "content_text",
        match content {
            Content::Text => json!(record.content_text),
            Content::Summary => json!(record.summary.as_deref().unwrap_or(title(record))),
        },
    );
    if let Some(image) = &record.image {
        set("image", json!(image));
    }
    if let Some(published) = record.date_published {
        set("date_published", json!(published));
    }
    set("date_modified", json!(updated(record)));
    let names: Vec<&str> = record.authors.iter().map(|author| author.name.as_str()).collect();
    let names = if names.is_empty() { vec![record.source.name.as_str()] } else { names };
    set("authors", names.into_iter().map(|name| json!({ "name": name })).collect());
    let topics = record.topics.iter().map(|topic| topic.id.as_str());
    let tags: Vec<&str> = topics.chain(record.places.iter().map(|place| place.code.as_str())).collect();
    if !tags.is_empty() {
        set("tags", json!(tags));
    }
    if record.language != "und" {
        set("language", json!(record.language));
    }
    Value::Object(item)
}
