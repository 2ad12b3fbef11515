//! `chapar schema`: every record keeps to it. The keywords it uses are checked here by hand.

use std::sync::LazyLock;

use serde_json::Value;

use crate::dir::{Dir, source, stderr, text};
use crate::site::{Reply, Site};

/// Whatever a value does not keep to, and fields that the schema does not know.
fn faults(root: &Value, schema: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
    let fault = |what: &str| format!("{path} {what}: {value}");
    for (keyword, says) in schema.as_object().unwrap() {
        let is_kept = match keyword.as_str() {
            "$schema" | "$id" | "$defs" | "title" | "description" => true,
            "$ref" => {
                let name = says.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                faults(root, &root["$defs"][name], value, path, found);
                true
            }
            "const" => says == value,
            "enum" => says.as_array().unwrap().contains(value),
            "type" => match says.as_str().unwrap() {
                "object" => value.is_object(),
                "array" => value.is_array(),
                "string" => value.is_string(),
                "integer" => value.is_u64(),
                "number" => value.is_number(),
                other => panic!("a type that is not checked: {other}"),
            },
            "minimum" => value.as_f64() >= says.as_f64(),
            "maximum" => value.as_f64() <= says.as_f64(),
            "minLength" => value.as_str().unwrap_or_default().chars().count() as u64 >= says.as_u64().unwrap(),
            "pattern" => {
                regex::Regex::new(says.as_str().unwrap()).unwrap().is_match(value.as_str().unwrap_or_default())
            }
            "format" => match says.as_str().unwrap() {
                "date-time" => value.as_str().is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok()),
                "uri" => value.as_str().is_some_and(|text| url::Url::parse(text).is_ok()),
                other => panic!("a format that is not checked: {other}"),
            },
            "required" => says.as_array().unwrap().iter().all(|name| !value[name.as_str().unwrap()].is_null()),
            "items" => {
                for (place, item) in value.as_array().into_iter().flatten().enumerate() {
                    faults(root, says, item, &format!("{path}[{place}]"), found);
                }
                true
            }
            "properties" | "additionalProperties" => {
                for (name, below) in value.as_object().into_iter().flatten() {
                    let known = if keyword == "properties" { &says[name] } else { says };
                    if known.is_null() {
                        found.push(format!("{path}.{name} is not in the schema"));
                    } else {
                        faults(root, known, below, &format!("{path}.{name}"), found);
                    }
                }
                true
            }
            other => panic!("a keyword that is not checked: {other}"),
        };
        if !is_kept {
            found.push(fault(&format!("does not keep to {keyword} {says}")));
        }
    }
}

/// Records of one reading that are held against the schema: some tests read thousands, over and over.
const HELD: usize = 20;

/// Holds the newest of the records that a test has read against the schema.
pub fn hold(records: &[Value]) {
    static SCHEMA: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(chapar::record::JSON_SCHEMA).unwrap());
    check(&SCHEMA, &records[records.len().saturating_sub(HELD)..]);
}

fn check(schema: &Value, records: &[Value]) {
    for record in records {
        let mut found = Vec::new();
        faults(schema, schema, record, "", &mut found);
        assert!(found.is_empty(), "{found:#?}\n{record}");
    }
}

fn schema(dir: &Dir) -> Value {
    let output = dir.bare(&["schema"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    serde_json::from_str(&text(&output)).unwrap()
}

#[test]
fn every_record_of_the_demo_keeps_to_the_schema() {
    let dir = Dir::new("");
    let schema = schema(&dir);
    let mut demo = dir.bare(&["demo"]);
    let output = demo.env("TMPDIR", dir.path("")).output().unwrap();
    let records = crate::dir::json_lines(&output.stdout);
    assert_eq!(records.len(), 14, "{}", stderr(&output));
    check(&schema, &records);
}

#[test]
fn copies_keep_to_it_too() {
    let site = Site::start();
    site.publish(1..=3);
    let dir = Dir::new("");
    let settings = source("one", &site.url("/feed.xml")) + &source("two", &site.url("/copy.xml"));
    dir.settle(&format!("{settings}[novelty]\nemit_duplicates = true\n"));
    let copied = crate::site::Item::new(&site.url("/copies/1"), "Canal of district 1 carries water again");
    site.put("/copies/1", site.reply("/a/1"));
    site.put("/copy.xml", Reply::rss(&[copied]));
    let schema = schema(&dir);
    assert!(dir.run(&["once"]).status.success());
    let records = dir.json(&["query", "event:new,update,duplicate,withdrawn,relabel"]);
    let events: Vec<&str> = records.iter().map(|record| record["event"].as_str().unwrap()).collect();
    assert!(events.contains(&"new") && events.contains(&"duplicate"), "{events:?}");
    check(&schema, &records);
}

#[test]
fn the_checks_of_these_tests_find_what_is_wrong() {
    let dir = Dir::new("");
    let schema = schema(&dir);
    let wrong = serde_json::json!({"schema": "chapar.record/2", "seq": 0, "id": "UPPER", "surplus": 1, "title": null,
        "url": "no address", "recorded_at": "yesterday", "language_confidence": 1.5, "language": "e", "places": [{"code": "kz"}]});
    let mut found = Vec::new();
    faults(&schema, &schema, &wrong, "", &mut found);
    for part in [
        ".schema ",
        ".seq ",
        ".id ",
        ".surplus ",
        ".title ",
        ".url ",
        ".recorded_at ",
        ".language_confidence ",
        ".language ",
        ".places[0].code ",
        ".places[0] ",
        "required",
    ] {
        assert!(found.iter().any(|fault| fault.contains(part)), "{part}: {found:#?}");
    }
}
