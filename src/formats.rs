//! Records in the forms that other programs read.

pub mod atom;
pub mod jsonfeed;

use jiff::Timestamp;
use url::Url;

use crate::record::Record;

/// What a feed says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// Identity of the feed, the same for ever; its own address takes precedence.
    pub id: &'a str,
    /// Title.
    pub title: &'a str,
    /// The page that belongs to it.
    pub home: Option<&'a Url>,
    /// Its own address.
    pub url: Option<&'a Url>,
    /// When it was last changed.
    pub updated: Timestamp,
}

/// Whether an entry holds its article's text, beside the summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// It does not.
    Summary,
    /// It does.
    Text,
}

/// The id of a record's article in feeds: the same over all its versions.
fn entry_id(record: &Record) -> String {
    format!("urn:chapar:{}", record.id)
}

/// What a reader shows in place of a title, which not every article has.
fn title(record: &Record) -> &str {
    record.title.as_deref().or(record.summary.as_deref()).unwrap_or(record.url.as_str())
}

/// When the text was had. New labels change neither the text nor this.
fn updated(record: &Record) -> Timestamp {
    record.fetch.at
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;

    /// A record whose every text tries to leave its place.
    fn hostile() -> Record {
        let evil = "]]></title>\u{0}\u{b}\u{ffff}\u{fffe} \"<script>'&amp; &lt; \u{1f41f} қазақ";
        let record = serde_json::json!({
            "schema": "chapar.record/1", "seq": 7, "id": "aaaaaaaaaaaaaaaaaaaaaaaaaa", "version": 2, "event": "update",
            "recorded_at": "2026-11-22T10:00:00Z", "url": "https://example.org/a?b=1&c=%22%3C",
            "title": format!("T {evil}"), "summary": format!("S {evil}"),
            "content_text": format!("One {evil}\n\nTwo"), "authors": [{"name": format!("A {evil}")}],
            "date_published": "2026-11-21T09:00:00+05:00", "language": "kk-Latn", "language_confidence": 1.0,
            "word_count": 2, "tags": [evil], "image": "https://example.org/i.jpg?a&b",
            "places": [{"code": "KZ", "score": 1.0, "matched": []}],
            "topics": [{"id": "energy", "name": format!("E {evil}"), "score": 3.0, "matched": []}],
            "source": {"id": "canal", "name": format!("N {evil}"), "kind": "feed", "feed_url": "https://example.org/feed"},
            "fetch": {"at": "2026-11-22T09:59:00Z", "final_url": "https://example.org/a", "status": 200, "bytes": 10},
            "extract": {"path": "blocks", "confidence": 1.0}, "dedup": {"text_digest": "00000000000000000000000000000000"},
            "rules": {"digest": "x"}, "chapar": "0.1.0"
        });
        serde_json::from_value(record).unwrap()
    }

    fn head() -> (Url, Url) {
        (Url::parse("https://example.org/?a&b").unwrap(), Url::parse("https://example.org/f.atom?a&b").unwrap())
    }

    #[test]
    fn both_forms_are_read_back_by_our_own_reader_whatever_the_texts_hold() {
        let (home, url) = head();
        let evil = "Energy <in> \"KZ\" & \u{1}";
        let updated = "2026-11-22T10:00:00Z".parse().unwrap();
        let head = Head { id: "urn:chapar:feed:kz", title: evil, home: Some(&home), url: Some(&url), updated };
        let without = Record { title: None, summary: None, language: "und".to_owned(), ..hostile() };
        for content in [Content::Summary, Content::Text] {
            let records = [hostile(), without.clone()];
            let atom = atom::document(&head, &records, content);
            let json = jsonfeed::document(&head, &records, content);
            assert!(!atom.contains('\0') && !atom.contains('\u{b}'), "{atom}");
            for document in [&atom, &json] {
                let feed = crate::poll::feed::read(document.as_bytes(), None, None, &TimeZone::UTC, None).unwrap();
                assert_eq!(feed.entries.len(), 2);
                let entry = &feed.entries[0];
                assert_eq!(entry.id.as_deref(), Some("urn:chapar:aaaaaaaaaaaaaaaaaaaaaaaaaa"));
                assert_eq!(entry.url.as_ref().map(Url::as_str), Some("https://example.org/a?b=1&c=%22%3C"));
                assert!(entry.title.as_deref().unwrap().contains("<script>'&amp; &lt;"), "{entry:?}");
                assert!(entry.summary.as_deref().unwrap().starts_with("S ]]>"), "{entry:?}");
                assert_eq!(entry.date_published.unwrap().to_string(), "2026-11-21T09:00:00+05:00");
                assert_eq!(entry.authors.len(), 1);
            }
            let parsed = feed_rs::parser::parse(atom.as_bytes()).unwrap();
            assert_eq!((parsed.id.as_str(), parsed.entries.len()), ("https://example.org/f.atom?a&b", 2));
            assert_eq!(parsed.entries[0].updated.map(|at| at.timestamp()), Some(1_795_341_540));
            assert_eq!(parsed.entries[0].content.is_some(), content == Content::Text);
            assert_eq!(parsed.entries[0].categories.len(), 2);
            let mut xml = quick_xml::Reader::from_str(&atom);
            while !matches!(xml.read_event().unwrap(), quick_xml::events::Event::Eof) {}
            let json: serde_json::Value = serde_json::from_str(&json).unwrap();
            assert_eq!(json["version"], "https://jsonfeed.org/version/1.1");
            let item = json["items"][0].as_object().unwrap();
            assert_eq!(item["content_text"].as_str().unwrap().starts_with("One "), content == Content::Text);
            assert_eq!(json["items"][1]["language"], serde_json::Value::Null);
        }
    }

    #[test]
    fn a_feed_without_entries_is_one_too() {
        let updated = "2026-11-22T10:00:00Z".parse().unwrap();
        let head = Head { id: "urn:chapar:feed:kz", title: "None yet", home: None, url: None, updated };
        for document in [atom::document(&head, &[], Content::Summary), jsonfeed::document(&head, &[], Content::Summary)]
        {
            let feed = crate::poll::feed::read(document.as_bytes(), None, None, &TimeZone::UTC, None).unwrap();
            assert!(feed.entries.is_empty());
        }
    }
}
