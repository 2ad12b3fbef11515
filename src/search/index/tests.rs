//! The index against the scan: whatever is asked, the same lines answer.
#![allow(clippy::unwrap_used)]

use jiff::tz::TimeZone;
use serde_json::json;

use super::super::across_tests::{Case, cases};
use super::super::{Clause, Match, QueryContext, Term};
use super::*;

fn record(seq: u64, id: u8, title: &str, text: &str) -> Record {
    serde_json::from_value(json!({
        "schema": crate::record::SCHEMA, "seq": seq, "id": ArticleId([id; 16]), "version": 1, "event": "new",
        "recorded_at": format!("2026-11-{:02}T08:00:00Z", seq), "url": "https://example.org/1",
        "title": title, "authors": if seq.is_multiple_of(3) { json!([{"name": "Аида Каримова"}]) } else { json!([]) }, "summary": "A summary of the matter", "content_text": text,
        "language": if seq.is_multiple_of(2) { "uz-Latn" } else { "en" }, "language_confidence": 1.0, "word_count": 4,
        "tags": ["Rail ways", "corridor"],
        "places": [{"code": if seq.is_multiple_of(3) { "KZ" } else { "UZ" }, "score": 1.0, "matched": []}],
        "topics": if seq.is_multiple_of(2) { json!([{"id": "energy", "name": "Energy", "score": 3.5, "matched": []}]) } else { json!([]) },
        "source": {"id": if seq < 4 { "first" } else { "second" }, "name": "A", "kind": "feed",
            "feed_url": "https://example.org/feed"},
        "fetch": {"at": "2026-01-02T03:04:05Z", "final_url": "https://example.org/1", "status": 200, "bytes": 1},
        "extract": {"path": "test", "confidence": 1.0}, "dedup": {"text_digest": crate::model::Digest([id; 16])}, "rules": {"digest": "0"}, "chapar": "0"
    }))
    .unwrap()
}

fn records() -> Vec<Record> {
    vec![
        record(1, 1, "Gas pipeline opened", "The middle corridor carries gas. Uranium is sold."),
        record(2, 2, "Oʻzbekiston gaz sotadi", "Temir yoʻl qurilishi davom etmoqda, o'zbek tili."),
        record(3, 3, "Газ подорожал", "Ёлка и газопровод. Middle of the corridor."),
        record(4, 4, "No words of it", "the middle. corridor a summary"),
        record(5, 5, "Rail", "way ways railways gas-pipeline"),
        record(6, 6, "", "中亚的天然气"),
    ]
}

const QUERIES: [&str; 33] = [
    "author:karimova",
    "author:\"Аида Каримова\"",
    "-author:kar*",
    "site:example.org",
    "site:org -gas",
    "has:image OR has:tags",
    "-has:author",
    "on:2026-11-03,2026-11-05",
    "",
    "gas",
    "gas pipeline",
    "\"gas pipeline\"",
    "\"middle corridor\"",
    "\"rail ways\"",
    "\"matter the\"",
    "ura*",
    "\"middle corr\"*",
    "-gas",
    "gas OR газ",
    "gas OR -topic:energy",
    "title:gas",
    "title:\"gas pipe\"*",
    "topic:energy",
    "country:KZ",
    "lang:uz",
    "lang:uz-Latn -gas",
    "source:first",
    "event:new",
    "since:2026-11-03",
    "until:2026-11-04",
    "since:2026-11-02 until:2026-11-05 gas OR елка",
    "oʻzbek",
    "天然气",
];

fn parsed(query: &str) -> Query {
    let now = "2026-11-23T00:00:00Z".parse().unwrap();
    Query::parse(query, &QueryContext { now, zone: &TimeZone::UTC, topics: &[], sources: &[] }).unwrap()
}

fn filled(folder: &Path, records: &[Record]) -> Index {
    let index = Index::open(folder).unwrap().unwrap_or_else(|| Index::anew(folder).unwrap());
    records.iter().for_each(|record| index.add(record, |_| None).unwrap());
    let last = records.last().unwrap();
    index.commit(last.seq, Seq(1)).unwrap();
    index
}

fn found(index: &Index, query: &str, order: Order, limit: usize) -> Vec<Seq> {
    index.view().find(&parsed(query), &Lines::default(), order, limit).unwrap()
}

/// The index answers as looking at each record does.
fn check(index: &Index, records: &[Record], text: &str) -> usize {
    let query = parsed(text);
    let wanted: Vec<Seq> = records.iter().filter(|record| query.matches(record)).map(|one| one.seq).collect();
    let newest: Vec<Seq> = wanted.iter().rev().copied().collect();
    assert_eq!(found(index, text, Order::Newest, usize::MAX), newest, "{text}");
    assert_eq!(found(index, text, Order::Oldest, 2), wanted.iter().take(2).copied().collect::<Vec<_>>(), "{text}");
    assert_eq!(index.view().count(&query, &Lines::default()).unwrap(), wanted.len() as u64, "{text}");
    let mut nearest = found(index, text, Order::Nearest, usize::MAX);
    nearest.sort_unstable();
    assert_eq!(nearest, wanted, "{text}");
    wanted.len()
}

#[test]
fn whatever_is_asked_the_same_lines_answer_as_by_looking_at_each() {
    let folder = tempfile::tempdir().unwrap();
    let records = records();
    let index = filled(folder.path(), &records);
    let answers: usize = QUERIES.iter().map(|text| check(&index, &records, text)).sum();
    assert!(answers > 40, "{answers}");
}

/// A record for each text of the table of words that are found across scripts, or are not.
fn across() -> Vec<Record> {
    let cases = cases().enumerate();
    let text = |(number, (_, language, text)): (usize, &Case)| {
        let mut one = record(1, 1, "1", text);
        one.seq = Seq(number as u64 + 1);
        one.id = ArticleId([number as u8; 16]);
        (one.language, one.summary, one.tags) = ((*language).to_owned(), None, Vec::new());
        one
    };
    cases.map(text).collect()
}

#[test]
fn words_are_found_across_scripts_and_forms_as_by_looking_at_each() {
    let folder = tempfile::tempdir().unwrap();
    let records = across();
    let index = filled(folder.path(), &records);
    let mut answers = 0;
    for (number, (query, ..)) in cases().enumerate() {
        answers += check(&index, &records, query);
        let word = query.trim_matches('"');
        let start: String = word.chars().take(3 + number % 3).collect();
        for query in [format!("\"{word}\""), format!("{start}*"), format!("\"{start}\"*"), format!("title:{word}")] {
            answers += check(&index, &records, &query);
        }
        let (_, _, text) = &cases().nth(number).unwrap();
        let words: Vec<&str> = text.split_whitespace().collect();
        for pair in words.windows(2) {
            answers += check(&index, &records, &format!("\"{} {}\"", pair[0], pair[1]));
            answers += check(&index, &records, &format!("{}-{}", pair[0], pair[1]));
        }
    }
    assert!(answers > 1_000, "{answers}");
}

#[test]
fn rows_of_words_are_found_in_texts_longer_than_are_looked_at_together() {
    let folder = tempfile::tempdir().unwrap();
    let mut all = Vec::new();
    for seq in 1..=40_000_u64 {
        let mut one =
            record(1, 1, "", if seq.is_multiple_of(3) { "alpha beta gamma" } else { "beta alpha gamma gamma" });
        (one.seq, one.summary, one.tags) = (Seq(seq), None, Vec::new());
        one.id = ArticleId(u128::from(seq).to_be_bytes());
        all.push(one);
    }
    let index = filled(folder.path(), &all);
    index.rest().unwrap();
    for text in ["\"alpha beta\"", "\"beta gamma\"", "\"alpha gamma gamma\"", "alpha-beta", "\"beta al\"*"] {
        assert!(check(&index, &all, text) > 10_000);
    }
}

#[test]
fn what_is_nearer_comes_first_and_of_equal_ones_the_newest() {
    let folder = tempfile::tempdir().unwrap();
    let texts = [
        ("ru", "Встреча Токаева с министром"),
        ("en", "Tokayev spoke"),
        ("kk", "Тоқаев сөйледі, Тоқаев кетті, Тоқаев"),
        ("en", "Tokayev spoke"),
        ("en", "A long report of many other matters, of water and bread and roads, where Tokayev stands once"),
    ];
    let mut all: Vec<Record> = Vec::new();
    for (number, (language, text)) in texts.into_iter().enumerate() {
        let mut one = record(1, number as u8, "1", text);
        (one.seq, one.language) = (Seq(number as u64 + 1), language.to_owned());
        all.push(one);
    }
    let index = filled(folder.path(), &all);
    assert_eq!(found(&index, "Tokayev", Order::Nearest, 9), [4, 2, 5, 3, 1].map(Seq));
    assert_eq!(found(&index, "Tokayev", Order::Nearest, 2), [4, 2].map(Seq));
}

#[test]
fn what_is_as_it_was_asked_for_comes_first_however_frequent_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let long = format!("{} Tokayev.", "Many other matters of water and bread and roads. ".repeat(8));
    let mut all: Vec<Record> = Vec::new();
    for seq in 1..=300_u64 {
        let (language, title, text) = match seq {
            // Of few records of their languages, and nothing else in them.
            298 => ("kk", "Тоқаев Тоқаев Тоқаев", "Тоқаев Тоқаев Тоқаев Тоқаев Тоқаев"),
            299 => ("ru", "Токаева Токаеву Токаевым", "Токаева Токаева Токаева Токаева"),
            300 => ("kk", "Тоқаевтың Тоқаевқа", "Тоқаевтың Тоқаевтың Тоқаевтың"),
            _ => ("en", "1", long.as_str()),
        };
        let mut one = record(1, 1, title, text);
        (one.seq, one.language, one.summary, one.tags) = (Seq(seq), language.to_owned(), None, Vec::new());
        one.id = ArticleId(u128::from(seq).to_be_bytes());
        all.push(one);
    }
    let index = filled(folder.path(), &all);
    let nearest = found(&index, "Tokayev", Order::Nearest, usize::MAX);
    let exact: Vec<Seq> = (1..=297).rev().map(Seq).collect();
    assert_eq!(nearest[..297], exact);
    assert_eq!(nearest[297], Seq(298), "in another script before other forms");
    assert_eq!(nearest.len(), 300);
    assert_eq!(found(&index, "Tokayev water", Order::Nearest, 2), [297, 296].map(Seq));
}

#[test]
fn words_longer_than_any_are_found_by_their_beginning() {
    let folder = tempfile::tempdir().unwrap();
    let long = |letter: &str, bytes: usize| letter.repeat(bytes / letter.len());
    let texts = [
        long("a", 511),
        long("a", 512),
        long("a", 513),
        long("a", 600) + "b",
        long("ё", 512) + "з",
        long("щ", 511) + "з",
        long("ё", 508) + "ёз",
    ];
    let record_of = |(number, text): (usize, &String)| {
        let mut one = record(1, number as u8, "1", &format!("before {text} after"));
        (one.seq, one.language) = (Seq(number as u64 + 1), "ru".to_owned());
        one
    };
    let all: Vec<Record> = texts.iter().enumerate().map(record_of).collect();
    let index = filled(folder.path(), &all);
    for text in &texts {
        let start: String = text.chars().take(200).collect();
        for query in [text.clone(), format!("\"{text}\""), format!("{start}*"), format!("\"before {text} after\"")] {
            assert!(check(&index, &all, &query) > 0, "{query}");
        }
    }
    assert_eq!(check(&index, &all, &format!("\"{}\"", long("a", 700))), 3);
    assert_eq!(check(&index, &all, &format!("\"{}\"", long("a", 511))), 1);
}

#[test]
fn a_question_that_takes_too_much_of_the_index_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let text = |seq: u64| (0..1_000).map(|word| format!("of ab{seq}x{word} ")).collect::<String>();
    let all: Vec<Record> = (1..=21).map(|seq| record(seq, seq as u8, "1", &text(seq))).collect();
    let index = filled(folder.path(), &all);
    let count = |query: &str| index.view().count(&parsed(query), &Lines::default());
    let refused = |query: &str| match count(query) {
        Err(IndexError::Refused(refusal)) => refusal.to_string(),
        other => panic!("{query}: {other:?}"),
    };
    assert!(refused("\"of ab\"*").contains("\"ab*\" finds, too many for a row of words; give more letters"));
    assert_eq!(check(&index, &all, "ab*"), 21, "alone it is no row");
    assert_eq!(check(&index, &all, "\"of ab2\"*"), 3);

    let view = index.view();
    let query = parsed("gas");
    let [Clause { any }] = query.clauses() else { panic!("one clause") };
    let [Term::Text(gas)] = any[0].terms.as_slice() else { panic!("one word") };
    let late = row::Deadline(std::time::Instant::now());
    let rows = row::Rows::of(view.fields.content, gas, Match::Synonym, late);
    let error = IndexError::from(view.searcher.search(&rows, &Count).unwrap_err());
    assert!(matches!(&error, IndexError::Refused(_)), "{error}");
    assert!(error.to_string().contains("takes longer than 20 seconds"));
}

#[test]
fn lines_are_counted_by_name_and_time() {
    let folder = tempfile::tempdir().unwrap();
    let records = records();
    let index = filled(folder.path(), &records);
    let view = index.view();
    let named = |query: &str, name| {
        let mut counts: Vec<(String, u64)> =
            view.names(&parsed(query), &Lines::default(), name).unwrap().into_iter().collect();
        counts.sort();
        counts
    };
    let owned =
        |counts: &[(&str, u64)]| counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect::<Vec<_>>();
    assert_eq!(named("", Name::Topic), owned(&[("", 3), ("energy", 3)]));
    assert_eq!(named("", Name::Country), owned(&[("KZ", 2), ("UZ", 4)]));
    assert_eq!(named("source:second", Name::Language), owned(&[("en", 1), ("uz-Latn", 2)]));
    assert_eq!(named("nosuchword", Name::Source), []);
    assert_eq!(view.sources().unwrap().into_iter().collect::<Vec<_>>(), ["first", "second"]);
    let quarters = view.quarters(&parsed("lang:uz"), &Lines::default()).unwrap();
    let at = |seq: usize| records[seq - 1].recorded_at.as_second() / QUARTER_SECONDS;
    assert_eq!(quarters, [2, 4, 6].into_iter().map(|seq| (at(seq), 1)).collect());
}

#[test]
fn an_article_is_found_by_its_newest_line_and_by_all_where_all_are_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let index = filled(folder.path(), &records());
    let add = |seq: u64, text: &str, older: &Record| {
        let newer = record(seq, older.id.0[0], "Gas again", text);
        index.add(&newer, |asked| Some(older).filter(|older| older.seq == asked).cloned()).unwrap();
        newer
    };
    // Of what is committed, and of what is not.
    let first = records().remove(0);
    let second = add(7, "uranium", &first);
    let third = add(8, "zinc", &second);
    index.commit(third.seq, Seq(1)).unwrap();
    let found = |query: &str, all_versions| {
        let lines = Lines { all_versions, ..Lines::default() };
        index.view().find(&parsed(query), &lines, Order::Newest, usize::MAX).unwrap()
    };
    assert_eq!(found("uranium", false), []);
    assert_eq!(found("zinc", false), [Seq(8)]);
    assert_eq!(found("uranium", true), [Seq(7), Seq(1)]);
    assert_eq!(found("source:first", true), [Seq(3), Seq(2), Seq(1)]);
    assert_eq!(found("", true).len(), 8, "no line is there twice");
    assert_eq!(found("", false).len(), 6);
    let newer = Lines { newer: vec![records()[1].id, first.id], ..Lines::default() };
    let rest = index.view().find(&parsed(""), &newer, Order::Oldest, usize::MAX).unwrap();
    assert_eq!(rest, [3, 4, 5, 6].map(Seq), "others than these have a newer line behind the index");
}

#[test]
fn an_index_goes_on_where_it_was_and_what_was_not_committed_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let all = records();
    let index = filled(folder.path(), &all[..4]);
    index.add(&all[4], |_| None).unwrap();
    drop(index);
    let index = Index::open(folder.path()).unwrap().unwrap();
    assert_eq!(index.reached().unwrap().seq, Seq(4));
    assert_eq!(found(&index, "", Order::Newest, usize::MAX), [4, 3, 2, 1].map(Seq));
    all[4..].iter().for_each(|record| index.add(record, |_| None).unwrap());
    index.commit(Seq(6), Seq(3)).unwrap();
    let rest = found(&index, "", Order::Newest, usize::MAX);
    assert_eq!(rest, [6, 5, 4, 3].map(Seq), "what the log has no more is gone");
    index.rest().unwrap();
}

#[test]
fn an_index_that_is_damaged_is_not_opened_or_tells_when_it_is_looked_through() {
    let folder = tempfile::tempdir().unwrap();
    drop(filled(folder.path(), &records()));
    std::fs::write(folder.path().join("meta.json"), "{").unwrap();
    assert!(Index::open(folder.path()).is_err());
    assert_eq!(Index::anew(folder.path()).unwrap().reached(), None);
    let index = filled(folder.path(), &records());
    assert!(!index.is_damaged().unwrap());
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "idx") {
            let mut bytes = std::fs::read(&path).unwrap();
            bytes[0] ^= 0xff;
            std::fs::write(&path, bytes).unwrap();
        }
    }
    assert!(index.is_damaged().unwrap());
}

#[test]
fn what_was_given_up_is_added_again_and_found_once() {
    let folder = tempfile::tempdir().unwrap();
    let all = records();
    let index = filled(folder.path(), &all[..2]);
    index.add(&all[2], |_| None).unwrap();
    index.give_up_writing().unwrap();
    assert_eq!(index.reached().unwrap().seq, Seq(2));
    all[2..4].iter().for_each(|record| index.add(record, |_| None).unwrap());
    index.commit(Seq(4), Seq(1)).unwrap();
    assert_eq!(found(&index, "", Order::Newest, usize::MAX), [4, 3, 2, 1].map(Seq));
    index.end().unwrap();
    // A commit that stands, and of which the failure was told: as if it was another's.
    let other = filled(folder.path(), &all[4..5]);
    other.rest().unwrap();
    index.give_up_writing().unwrap();
    assert_eq!(index.reached().unwrap().seq, Seq(5));
    assert_eq!(found(&index, "", Order::Newest, 2), [5, 4].map(Seq));
}

#[test]
fn lines_of_which_none_can_be_read_are_passed() {
    let folder = tempfile::tempdir().unwrap();
    let all = records();
    let index = filled(folder.path(), &all[..2]);
    index.rest().unwrap();
    index.commit(Seq(9), Seq(1)).unwrap();
    let index = Index::open(folder.path()).unwrap().unwrap();
    let reached = index.reached().unwrap();
    assert_eq!((reached.seq, reached.last), (Seq(9), Some((Seq(2), all[1].id))));
}
