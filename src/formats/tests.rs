//! Records in every form, read back by those who know the form.

mod conformance;

use serde_json::Value;

use super::*;
use crate::record::Event;

/// A record with what must be escaped in one form or another.
fn record() -> Record {
    serde_json::from_value(serde_json::json!({
        "schema": "chapar.record/1", "seq": 7, "id": "abcdefghijklmnopqrstuvwxya", "version": 2, "event": "update",
        "replaces": 1, "recorded_at": "2026-11-20T08:00:00.125Z", "url": "https://news.example.org/a?b=1&c=2",
        "title": "=Dam & <weir>, \"raised\"\u{1b}[31m", "summary": "Two\nlines.",
        "content_text": "First <b>paragraph</b> & more.\n\n- one\n- two ]]>\u{0}\u{85}",
        "authors": [{"name": "A. Serik"}, {"name": "B. Omar"}],
        "date_published": "2026-11-20T12:30:00+05:00", "date_precision": "minute",
        "language": "uz-Latn", "language_confidence": 0.9, "image": "https://news.example.org/a.jpg",
        "tags": ["water", "Dams"], "word_count": 9,
        "places": [{"code": "UZ", "score": 2.0, "matched": ["a"]}, {"code": "KZ", "score": 1.0, "matched": []}],
        "topics": [{"id": "water", "name": "Water", "iptc": "medtop:20000426", "score": 3.0, "matched": []}],
        "source": {"id": "example-uz", "name": "Example's", "kind": "feed", "feed_url": "https://news.example.org/rss?a&b"},
        "fetch": {"at": "2026-11-20T07:59:00Z", "final_url": "https://news.example.org/a", "status": 200, "bytes": 10},
        "extract": {"path": "blocks", "fields": {}, "confidence": 0.9},
        "dedup": {"text_digest": "00112233445566778899aabbccddeeff"}, "rules": {"digest": "0011223344556677"},
        "chapar": "0.1.0"
    }))
    .expect("the sample is a record")
}

/// The same without anything that may be absent.
fn bare() -> Record {
    let mut record = record();
    (record.title, record.summary, record.date_published, record.image) = (None, None, None, None);
    record.authors.clear();
    record.tags.clear();
    record.places.clear();
    record.topics.clear();
    "und".clone_into(&mut record.language);
    (record.version, record.event) = (1, Event::New);
    record
}

fn head() -> FeedHead<'static> {
    FeedHead {
        id: "urn:example:feed",
        title: "Water & \"dams\"",
        home: Some("https://example.org/?a&b"),
        address: None,
        updated: "2026-11-20T09:00:00Z".parse().expect("a time"),
    }
}

#[test]
fn every_line_is_one_line_and_tells_which_record_it_is() {
    for record in [record(), bare()] {
        for format in LineFormat::ALL {
            let line = format.line(&record).expect("a record has every form");
            assert!(!line.contains(['\n', '\r']), "{format:?}: {line:?}");
            let expected = Stamp { seq: Seq(7), recorded_at: record.recorded_at };
            assert_eq!(format.stamp(line.as_bytes()), Some(expected), "{format:?}: {line}");
            for torn in 0..line.len().min(40) {
                assert_eq!(format.stamp(&line.as_bytes()[..torn]), None, "{format:?}: {torn}");
            }
        }
    }
    assert_eq!(LineFormat::Csv.stamp(LineFormat::Csv.header().expect("it has one").as_bytes()), None);
}

#[test]
fn json_feed_items_have_their_names_and_the_rest_in_an_extension() {
    let item: Value = serde_json::to_value(jsonfeed::item(&record())).expect("JSON");
    let record = record();
    assert_eq!(item["id"], record.id.to_string());
    assert_eq!(item["url"], record.url.as_str());
    assert_eq!(item["content_text"], record.content_text);
    assert_eq!(item["date_published"], "2026-11-20T12:30:00+05:00");
    assert_eq!(item["date_modified"], "2026-11-20T08:00:00.125+00:00");
    assert_eq!(item["tags"], serde_json::json!(["Water", "Dams"]));
    assert_eq!(item["authors"][1]["name"], "B. Omar");
    assert_eq!((&item["_chapar"]["seq"], &item["_chapar"]["countries"][0]), (&Value::from(7), &Value::from("UZ")));
    let bare: Value = serde_json::to_value(jsonfeed::item(&bare())).expect("JSON");
    let keys: Vec<&String> = bare.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["id", "url", "content_text", "_chapar"]);
}

#[test]
fn a_json_feed_is_one_document_of_any_number_of_items() {
    for count in 0..3 {
        let records = vec![record(); count];
        let text = jsonfeed::document(&head(), &records).expect("JSON");
        let feed: Value = serde_json::from_str(&text).expect("a JSON document");
        assert_eq!(feed["version"], "https://jsonfeed.org/version/1.1");
        assert_eq!(feed["title"], head().title);
        assert_eq!(feed["items"].as_array().map(Vec::len), Some(count));
        assert!(feed.get("feed_url").is_none());
    }
}

#[test]
fn a_title_that_ends_in_braces_does_not_break_the_feed() {
    let head = FeedHead { title: "}}", home: None, ..head() };
    let feed: Value = serde_json::from_str(&jsonfeed::document(&head, &[]).expect("JSON")).expect("a JSON document");
    assert_eq!(feed["title"], "}}");
}

#[test]
fn ninjs_has_only_the_properties_of_its_schema() {
    // Properties of ninjs 3.1 that are used; its schema refuses all others.
    let known = [
        "uri",
        "standard",
        "type",
        "version",
        "versionCreated",
        "contentCreated",
        "pubStatus",
        "language",
        "title",
        "headlines",
        "descriptions",
        "bodies",
        "by",
        "places",
        "subjects",
        "infoSources",
        "renditions",
        "altIds",
    ];
    let object = ninjs::object(&record());
    let keys: Vec<&str> = object.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(keys, known);
    assert_eq!(object["version"], "2", "a string");
    assert_eq!(object["subjects"][0]["uri"], "http://cv.iptc.org/newscodes/mediatopic/20000426");
    assert_eq!((&object["places"][0]["name"], &object["places"][1]["rel"]), (&"Uzbekistan".into(), &"mentions".into()));
    assert_eq!(object["bodies"][0]["value"], record().content_text);
    let mut withdrawn = bare();
    withdrawn.event = Event::Withdrawn;
    let object = ninjs::object(&withdrawn);
    assert_eq!(object["pubStatus"], "canceled");
    assert!(object.get("language").is_none() && object.get("headlines").is_none());
}

#[test]
fn an_atom_feed_is_read_back_as_it_was_meant() {
    let records = [record(), bare()];
    let text = atom::document(&head(), &records);
    let mut reader = quick_xml::Reader::from_str(&text);
    let (mut names, mut texts) = (Vec::new(), Vec::new());
    loop {
        match reader.read_event().expect("well-formed XML") {
            quick_xml::events::Event::Eof => break,
            quick_xml::events::Event::Start(start) => {
                names.push(start.name().as_ref().to_owned());
                texts.push(String::new());
            }
            quick_xml::events::Event::Text(part) => {
                texts.last_mut().into_iter().for_each(|text| text.push_str(part.as_ref()));
            }
            quick_xml::events::Event::GeneralRef(entity) => {
                let c = match entity.as_ref() {
                    "amp" => "&",
                    "lt" => "<",
                    "gt" => ">",
                    "quot" => "\"",
                    "#39" => "'",
                    other => panic!("unknown entity {other}"),
                };
                texts.last_mut().into_iter().for_each(|text| text.push_str(c));
            }
            _ => {}
        }
    }
    let of = |name: &str| -> Vec<&str> {
        names.iter().zip(&texts).filter(|(known, _)| *known == name).map(|(_, text)| text.trim()).collect()
    };
    assert_eq!(of("title"), ["Water & \"dams\"", "=Dam & <weir>, \"raised\"[31m", ""]);
    assert_eq!(of("id")[1], of("id")[2], "versions of an article share it");
    assert!(of("id")[1].starts_with("urn:uuid:") && of("id")[1].as_bytes()[23] == b'8', "{:?}", of("id"));
    assert_eq!(of("updated").len(), 3);
    assert_eq!(of("published"), ["2026-11-20T12:30:00+05:00"]);
    assert_eq!(of("name"), ["A. Serik", "B. Omar", "Example's"]);
    let html = "<p>First &lt;b&gt;paragraph&lt;/b&gt; &amp; more.</p><p>- one<br/>- two ]]&gt;</p>";
    assert_eq!(of("content")[0], html);
    let is_forbidden = |c: char| c.is_control() && c != '\n';
    assert!(!text.contains(is_forbidden), "{text:?}");
}
