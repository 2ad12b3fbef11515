//! The schema has the fields that records have, and no others.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::model::{Field, Repair, TermMatch};

/// A record with every field there is: whoever adds one has to set it here, and to describe it in the schema.
fn whole() -> Record {
    let at: Timestamp = "2026-11-23T05:00:00Z".parse().unwrap();
    let url: Url = "https://example.org/a".parse().unwrap();
    let source: SourceId = "a".parse().unwrap();
    let id = ArticleId([7; 16]);
    let some = || Some("x".to_owned());
    let matched = vec![TermMatch { term: "gas".to_owned(), form: "Gas".to_owned(), field: Field::Title, count: 1 }];
    let topic = TopicLabel { id: "energy".to_owned(), name: "Energy".to_owned(), iptc: some(), score: 3.5, matched };
    Record {
        schema: SCHEMA.to_owned(),
        seq: Seq(2),
        id,
        version: 2,
        event: Event::Update,
        replaces: Some(1),
        recorded_at: at,
        url: url.clone(),
        title: some(),
        summary: some(),
        content_text: "Text.".to_owned(),
        authors: vec![Author { name: "A Person".to_owned() }],
        date_published: Some(OffsetTime::utc(at)),
        date_modified: Some(OffsetTime::utc(at)),
        date_precision: Some(DatePrecision::Minute),
        language: "en".to_owned(),
        language_confidence: 0.5,
        image: Some(url.clone()),
        tags: vec!["tag".to_owned()],
        word_count: 1,
        places: vec![PlaceLabel { code: "KZ".to_owned(), score: 1.0, matched: vec!["Astana".to_owned()] }],
        topics: vec![topic],
        source: RecordSource {
            id: source.clone(),
            name: "A".to_owned(),
            kind: SourceKind::Feed,
            feed_url: url.clone(),
            guid: some(),
            announced_at: Some(at),
        },
        also_in: vec![source],
        announced_as: Some(id),
        fetch: FetchTrace {
            at,
            final_url: url,
            status: 200,
            content_type: some(),
            charset: some(),
            charset_from: some(),
            bytes: 9,
        },
        extract: ExtractTrace {
            path: "blocks".to_owned(),
            site_rule: some(),
            fields: [("title".to_owned(), "h1".to_owned())].into(),
            repairs: vec![Repair { kind: "entities".to_owned(), count: 1 }],
            confidence: 1.0,
        },
        quality: Some(Quality {
            headline_variants: 0,
            repeated_sentences: 1,
            restated_points: 0,
            prompt_remains: 0,
            invisible_characters: 0,
        }),
        dedup: DedupTrace { text_digest: Digest([1; 16]), of: Some(id), similarity: Some(0.5) },
        rules: RulesTrace { digest: "0".to_owned() },
        chapar: "0".to_owned(),
    }
}

/// Fields as paths, such as `topics[].matched[].term`, of a record or of the schema.
fn of_record(value: &Value, path: &str, paths: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) if path != "extract.fields" => fields.iter().for_each(|(name, value)| {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            of_record(value, &path, paths);
            paths.insert(path);
        }),
        Value::Array(items) => items.iter().for_each(|item| of_record(item, &format!("{path}[]"), paths)),
        _ => {}
    }
}

fn of_schema(schema: &Value, path: &str, (all, required): (&mut BTreeSet<String>, &mut BTreeSet<String>)) {
    let is_required =
        |name: &str| schema["required"].as_array().is_some_and(|names| names.iter().any(|one| one == name));
    for (name, below) in schema["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        of_schema(below, &path, (all, required));
        if is_required(name) {
            required.insert(path.clone());
        }
        all.insert(path);
    }
    if schema["items"].is_object() {
        of_schema(&schema["items"], &format!("{path}[]"), (all, required));
    }
}

#[test]
fn the_schema_has_every_field_of_a_record_and_no_other() {
    let schema: Value = serde_json::from_str(JSON_SCHEMA).unwrap();
    let (mut all, mut required) = (BTreeSet::new(), BTreeSet::new());
    of_schema(&schema, "", (&mut all, &mut required));
    let mut whole_has = BTreeSet::new();
    of_record(&serde_json::to_value(whole()).unwrap(), "", &mut whole_has);
    assert_eq!(all, whole_has);
    assert_eq!(schema["title"], SCHEMA);
    assert_eq!(schema["properties"]["schema"]["const"], SCHEMA);
    // Without what may be absent, what is required is left.
    let mut bare = whole();
    (bare.replaces, bare.title, bare.summary, bare.image) = (None, None, None, None);
    (bare.date_published, bare.date_modified, bare.date_precision) = (None, None, None);
    (bare.announced_as, bare.topics[0].iptc, bare.source.guid, bare.source.announced_at) = (None, None, None, None);
    (bare.authors, bare.tags, bare.also_in, bare.extract.repairs) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    (bare.fetch.content_type, bare.fetch.charset, bare.fetch.charset_from) = (None, None, None);
    (bare.extract.site_rule, bare.quality, bare.dedup.of, bare.dedup.similarity) = (None, None, None, None);
    let mut bare_has = BTreeSet::new();
    of_record(&serde_json::to_value(bare).unwrap(), "", &mut bare_has);
    let is_below_what_is_absent =
        |path: &String| ["authors[]", "quality.", "extract.repairs[]"].iter().any(|start| path.starts_with(start));
    required.retain(|path| !is_below_what_is_absent(path));
    assert_eq!(required, bare_has);
}
