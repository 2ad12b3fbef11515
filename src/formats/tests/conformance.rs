//! What each form's specification requires, of a record with everything and of one with nothing that may be absent.

use jiff::Timestamp;
use serde_json::{Map, Value};
use url::Url;

use super::*;
use crate::record::Event;

/// What an object may have, and what it must.
struct Shape {
    known: &'static [&'static str],
    required: &'static [&'static str],
}

fn check_shape(name: &str, object: &Value, shape: &Shape) {
    let object = object.as_object().unwrap_or_else(|| panic!("{name}: {object} is no object"));
    for key in shape.required {
        assert!(object.contains_key(*key), "{name} needs {key}: {object:?}");
    }
    for key in object.keys() {
        assert!(shape.known.contains(&key.as_str()), "{name} has no {key}");
    }
}

fn list<'v>(of: &'v Value, key: &str) -> &'v [Value] {
    let missing = |value: &'v Value| value.as_array().unwrap_or_else(|| panic!("{key} is no list"));
    of.get(key).map_or(&[], |value| missing(value).as_slice())
}

fn is_time(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.parse::<Timestamp>().is_ok())
}

fn is_uri(value: &Value) -> bool {
    value.as_str().is_some_and(|text| Url::parse(text).is_ok())
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

fn withdrawn() -> Record {
    Record { event: Event::Withdrawn, ..record() }
}

/// By <https://www.iptc.org/std/ninjs/ninjs-schema_3.1.json>: no object of it takes other properties, `uri` is required, and
/// so are the values of texts and the names of renditions.
#[test]
fn a_ninjs_object_keeps_to_the_schema_in_all_its_parts() {
    let texts = &["role", "contentType", "value"];
    let parts = [
        ("headlines", Shape { known: texts, required: &["value"] }),
        ("descriptions", Shape { known: texts, required: &["value"] }),
        ("bodies", Shape { known: &["role", "contentType", "charCount", "wordCount", "value"], required: &["value"] }),
        ("places", Shape { known: &["name", "rel", "uri", "literal"], required: &[] }),
        (
            "subjects",
            Shape { known: &["name", "rel", "uri", "literal", "creator", "relevance", "confidence"], required: &[] },
        ),
        ("infoSources", Shape { known: &["name", "role", "uri", "literal"], required: &[] }),
        ("renditions", Shape { known: &["name", "href", "contentType", "title"], required: &["name"] }),
        ("altIds", Shape { known: &["role", "value"], required: &[] }),
    ];
    for record in [record(), bare(), withdrawn()] {
        let object = ninjs::object(&record);
        assert!(is_uri(&object["uri"]) && is_time(&object["versionCreated"]), "{object}");
        assert_eq!((&object["type"], &object["version"]), (&"text".into(), &record.version.to_string().into()));
        assert!(["usable", "withheld", "canceled"].contains(&object["pubStatus"].as_str().unwrap_or_default()));
        assert!(object.get("contentCreated").is_none_or(is_time));
        check_shape(
            "standard",
            &object["standard"],
            &Shape { known: &["name", "version", "schema"], required: &["name", "version", "schema"] },
        );
        assert!(is_uri(&object["standard"]["schema"]));
        for key in ["title", "by", "language"] {
            assert!(object.get(key).is_none_or(is_text), "{key}: {object}");
        }
        for (key, shape) in &parts {
            for part in list(&object, key) {
                check_shape(key, part, shape);
                for (name, value) in part.as_object().into_iter().flatten() {
                    let is_right = match name.as_str() {
                        "wordCount" => value.is_u64(),
                        "uri" | "href" => is_uri(value),
                        _ => value.is_string(),
                    };
                    assert!(is_right, "{key}.{name}: {value}");
                }
            }
        }
        assert_eq!(list(&object, "bodies").len(), 1);
    }
}

/// By <https://www.jsonfeed.org/version/1.1/>: a feed needs version, title and items, an item its id and a content; other
/// names begin with an underscore.
#[test]
fn a_json_feed_has_what_it_needs_and_nothing_under_foreign_names() {
    let feed_shape = Shape {
        known: &["version", "title", "home_page_url", "feed_url", "items"],
        required: &["version", "title", "items"],
    };
    let item_shape = Shape {
        known: &[
            "id",
            "url",
            "title",
            "summary",
            "content_text",
            "image",
            "date_published",
            "date_modified",
            "authors",
            "tags",
            "language",
            "_chapar",
        ],
        required: &["id", "content_text"],
    };
    let head = FeedHead { address: Some("https://example.org/feed.json"), ..head() };
    let text = jsonfeed::document(&head, &[record(), bare(), withdrawn()]).expect("JSON");
    let feed: Value = serde_json::from_str(&text).expect("JSON");
    check_shape("the feed", &feed, &feed_shape);
    assert!(is_text(&feed["title"]) && is_uri(&feed["feed_url"]) && is_uri(&feed["home_page_url"]));
    for item in list(&feed, "items") {
        check_shape("an item", item, &item_shape);
        assert!(is_text(&item["id"]) && item["content_text"].is_string() && is_uri(&item["url"]));
        for key in ["date_published", "date_modified"] {
            assert!(item.get(key).is_none_or(is_time), "{key}: {item}");
        }
        assert!(item.get("image").is_none_or(is_uri));
        assert!(list(item, "tags").iter().all(is_text));
        let author = Shape { known: &["name", "url", "avatar"], required: &["name"] };
        list(item, "authors").iter().for_each(|one| check_shape("an author", one, &author));
    }
    // As lines of an output, items stand alone.
    let line = LineFormat::JsonFeed.line(&bare()).expect("a line");
    check_shape("a line", &serde_json::from_str(&line).expect("JSON"), &item_shape);
}

/// The elements of a document: each with its attributes, its text, and what is in it.
#[derive(Debug, Default)]
struct Element {
    name: String,
    attributes: Map<String, Value>,
    text: String,
    inner: Vec<Element>,
}

impl Element {
    fn all<'e>(&'e self, name: &'static str) -> impl Iterator<Item = &'e Element> {
        self.inner.iter().filter(move |inner| inner.name == name)
    }

    fn only(&self, name: &'static str) -> &Element {
        let all: Vec<&Element> = self.all(name).collect();
        assert_eq!(all.len(), 1, "{} has one {name}: {self:?}", self.name);
        all[0]
    }

    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name)?.as_str()
    }
}

fn parsed(xml: &str) -> Element {
    use quick_xml::events::{BytesStart, Event};
    let opened = |start: &BytesStart<'_>| {
        let attribute = |attribute: quick_xml::events::attributes::Attribute<'_>| {
            let value = attribute.value.replace("&amp;", "&");
            (attribute.key.as_ref().to_owned(), Value::from(value))
        };
        let attributes = start.attributes().map(|read| attribute(read.expect("an attribute"))).collect();
        Element { name: start.name().as_ref().to_owned(), attributes, ..Element::default() }
    };
    let mut reader = quick_xml::Reader::from_str(xml);
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event().expect("well-formed XML") {
            Event::Eof => return open.remove(0).inner.remove(0),
            Event::Start(start) => open.push(opened(&start)),
            Event::Empty(start) => open.last_mut().expect("the document").inner.push(opened(&start)),
            Event::End(_) => {
                let closed = open.pop().expect("it was opened");
                open.last_mut().expect("the document").inner.push(closed);
            }
            Event::Text(text) => open.last_mut().expect("the document").text.push_str(text.as_ref()),
            _ => {}
        }
    }
}

/// By RFC 4287, sections 4.1.1 and 4.1.2, and those of the elements.
#[test]
fn an_atom_feed_has_the_elements_it_needs_and_each_as_often_as_it_may() {
    let head = FeedHead { address: Some("https://example.org/feed.atom?a&b"), ..head() };
    let feed = parsed(&atom::document(&head, &[record(), bare(), withdrawn()]));
    assert_eq!((feed.name.as_str(), feed.attribute("xmlns")), ("feed", Some("http://www.w3.org/2005/Atom")));
    let links = |element: &Element, rel: &str| {
        element
            .all("link")
            .filter(|link| link.attribute("rel") == Some(rel))
            .map(|link| is_uri(&link.attributes["href"]))
            .collect::<Vec<_>>()
    };
    assert_eq!((links(&feed, "self"), links(&feed, "alternate")), (vec![true], vec![true]));
    assert_eq!(feed.all("entry").count(), 3);
    for element in std::iter::once(&feed).chain(feed.all("entry")) {
        assert!(is_uri(&element.only("id").text.clone().into()), "{element:?}");
        assert!(is_time(&element.only("updated").text.clone().into()), "{element:?}");
        element.only("title");
    }
    for entry in feed.all("entry") {
        assert!(entry.all("author").count() > 0, "the feed has none");
        entry.all("author").for_each(|author| assert!(!author.only("name").text.is_empty()));
        assert!(entry.all("published").all(|published| is_time(&published.text.clone().into())));
        for name in ["published", "summary", "content", "rights", "source"] {
            assert!(entry.all(name).count() <= 1, "{name}");
        }
        assert_eq!(entry.only("content").attribute("type"), Some("html"));
        assert_eq!(links(entry, "alternate"), [true]);
        assert!(entry.all("category").all(|category| category.attribute("term").is_some_and(|term| !term.is_empty())));
    }
}
