//! What it costs to ask each record of a log: `cargo bench --bench asking`, or with `-- RECORDS.ndjson` of real ones.
//!
//! Each query runs in turn over the same lines as words in quotes, which are looked for as written, and without quotes, in
//! every spelling and form. Beside them what it costs to read the line as a record, which a scan does first.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use chapar::model::ArticleId;
use chapar::novelty::text_digest;
use chapar::record::Record;
use chapar::search::{Query, QueryContext};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use words::{Words, cyrillic, scatter};

#[path = "made/words.rs"]
mod words;

/// Words of a record: 4 KB in Latin letters.
const WORDS: u64 = 470;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    // `cargo test --benches` gives no `--bench`: it is to see that the program works.
    let is_measured = arguments.iter().any(|argument| argument == "--bench");
    let (records, rounds) = if is_measured { (1_000, 10) } else { (10, 1) };
    println!(
        "{:<10} {:<28} {:>8} {:>10} {:>10} {:>7} {:>13}",
        "language", "query", "read us", "quoted us", "bare us", "ratio", "with reading"
    );
    if let Some(path) = arguments.iter().find(|argument| argument.ends_with(".ndjson")) {
        let lines: Vec<String> = std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect();
        for words in [&["tokayev"][..], &["президент"], &["gas", "pipeline"], &["өкмөт"], &["nosuchword"]]
        {
            ask("as found", &lines, words, rounds);
        }
        return;
    }
    let words = Words::new();
    for language in ["en", "ru", "kk", "uz-Latn"] {
        let is_cyrillic = matches!(language, "ru" | "kk");
        let lines: Vec<String> = (0..records).map(|number| line(&words, number, language, is_cyrillic)).collect();
        let word = |random: u64| if is_cyrillic { cyrillic(words.word(random)) } else { words.word(random).to_owned() };
        let (often, seldom) = (word(u64::MAX / 3), word(u64::MAX / 10 * 9));
        ask(language, &lines, &["tokayev"], rounds);
        ask(language, &lines, &["президент"], rounds);
        ask(language, &lines, &[&often], rounds);
        ask(language, &lines, &[&seldom], rounds);
        ask(language, &lines, &["kazakhstan", "water", "canal"], rounds);
    }
}

/// Asks every line in both ways and prints the mean cost of a record.
fn ask(language: &str, lines: &[String], words: &[&str], rounds: usize) {
    let zone = TimeZone::UTC;
    let context = QueryContext { now: Timestamp::now(), zone: &zone, topics: &[], sources: &[] };
    let quoted = words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" OR ");
    let [quoted, bare] = [quoted, words.join(" OR ")].map(|text| Query::parse(&text, &context).unwrap());
    let mut spent = [Duration::ZERO; 3];
    for _ in 0..rounds {
        let start = Instant::now();
        let records: Vec<Record> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        spent[0] += start.elapsed();
        for (query, at) in [(&quoted, 1), (&bare, 2)] {
            let start = Instant::now();
            black_box(records.iter().filter(|record| query.matches(record)).count());
            spent[at] += start.elapsed();
        }
    }
    let [read, quoted, bare] = spent.map(|spent| spent.as_secs_f64() * 1e6 / (rounds * lines.len()) as f64);
    let (ratio, of_scan) = (bare / quoted, (read + bare) / (read + quoted));
    let query = words.join(" OR ");
    println!("{language:<10} {query:<28} {read:>8.1} {quoted:>10.1} {bare:>10.1} {ratio:>7.2} {of_scan:>13.2}");
}

fn line(words: &Words, number: u64, language: &str, is_cyrillic: bool) -> String {
    let words: Vec<&str> = (0..WORDS).map(|at| words.word(scatter(number << 20 | at))).collect();
    let text = if is_cyrillic { cyrillic(&words.join(" ")) } else { words.join(" ") };
    let title: String = text.chars().take(60).collect();
    let record = serde_json::json!({
        "schema": chapar::record::SCHEMA, "seq": number + 1, "id": ArticleId([7; 16]), "version": 1, "event": "new",
        "recorded_at": "2026-11-22T08:00:00Z", "url": "https://news.example/a", "title": title, "summary": title,
        "language": language, "language_confidence": 0.98, "word_count": WORDS,
        "source": {"id": "news", "name": "News", "kind": "feed", "feed_url": "https://news.example/feed/"},
        "fetch": {"at": "2026-11-22T08:00:00Z", "final_url": "https://news.example/a", "status": 200, "bytes": 48_213},
        "extract": {"path": "blocks", "confidence": 0.9}, "dedup": {"text_digest": text_digest(&text)},
        "rules": {"digest": "0123456789abcdef"}, "chapar": "0.1.0", "content_text": text
    });
    record.to_string()
}
