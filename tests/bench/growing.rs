//! What a year takes on the disk: `cargo bench --bench growing`, with `-- --full` at 3,000 articles a day, and with
//! `-- TEXTS.ndjson` (lines with `content_text`) what larger frames save.
//!
//! A year: articles are announced by 50 sources, one in five by a second one, one in ten is a copy; each is looked at again
//! once. The log holds a stub a record, so what is measured are the rows of sled. Beyond half a year's articles the oldest
//! are forgotten, day by day. In the end sled is made anew.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::path::Path;
use std::time::{Duration, Instant};

use chapar::model::{ArticleId, Outcome, Seq};
use chapar::novelty;
use chapar::novelty::near::Profile;
use chapar::store::{KnownCopy, Seen, Settled, Sketched, Store};
use jiff::Timestamp;
use made::{SOURCES, day, entry, poll, polls, source_id};

#[path = "made/news.rs"]
mod made;

/// As set by default.
const CACHE_BYTES: u64 = 16 << 20;
const WINDOW: Duration = Duration::from_secs(30 * 24 * 3600);

fn main() {
    // `cargo test --benches` gives no `--bench`: it is to see that the program works.
    let is_measured = std::env::args().any(|argument| argument == "--bench");
    let is_full = std::env::args().any(|argument| argument == "--full");
    if let Some(texts) = std::env::args().find(|argument| argument.ends_with(".ndjson")) {
        return frames(Path::new(&texts));
    }
    let (days, a_day) = match (is_measured, is_full) {
        (false, _) => (3, 60),
        (true, false) => (365, 300),
        (true, true) => (365, 3_000),
    };
    year(days, a_day);
}

fn year(days: i64, a_day: u64) {
    println!("{a_day} articles a day; sled in MiB, and in bytes a remembered article");
    println!("{:>6} {:>10} {:>8} {:>8} {:>8}", "day", "remembered", "MiB", "B each", "seconds");
    let folder = tempfile::tempdir().unwrap();
    let (start, remember_max) = (Instant::now(), a_day * 183);
    let store = open(folder.path());
    for number in 0..days {
        let first = number as u64 * a_day;
        come(&store, first..first + a_day, day(number));
        look_again(&store, first.saturating_sub(a_day)..first, day(number));
        if let Some(mut sweep) = store.sweep(remember_max, day(number)).unwrap() {
            while store.sweep_on(&mut sweep).unwrap() {}
        }
        if number % 30 == 29 || number == days - 1 {
            row(&(number + 1).to_string(), &store, start);
        }
    }
    drop(store);
    let start = Instant::now();
    let compacted = Store::compact(folder.path(), CACHE_BYTES, Duration::from_secs(5), |_| ()).unwrap();
    println!("made anew in {:.1} s: {compacted:?}", start.elapsed().as_secs_f64());
    let (store, start) = (open(folder.path()), Instant::now());
    let first = days as u64 * a_day;
    (0..30.min(days)).for_each(|number| {
        let first = first + number as u64 * a_day;
        come(&store, first..first + a_day, day(days + number));
    });
    row("+30", &store, start);
}

fn open(path: &Path) -> Store {
    Store::open(path, CACHE_BYTES, 64 << 20, Duration::from_secs(5), Some(WINDOW)).unwrap()
}

fn row(name: &str, store: &Store, start: Instant) {
    store.flush().unwrap();
    let ((_, disk), remembered) = (store.sizes().unwrap(), store.remembered().unwrap().max(1));
    let seconds = start.elapsed().as_secs_f64();
    println!("{name:>6} {remembered:>10} {:>8} {:>8} {seconds:>8.0}", disk >> 20, disk / remembered);
}

/// Announced, fetched, recorded or found to be copies.
fn come(store: &Store, numbers: std::ops::Range<u64>, now: Timestamp) {
    for (source, batch) in polls(numbers) {
        poll(store, source, batch.clone(), 1, now);
        let (mut lines, mut settled, mut seq) = (Vec::new(), Vec::new(), store.next_seq());
        for number in batch.clone() {
            if number % 10 == 9 {
                settled.push(copy(source, number, now));
                continue;
            }
            lines.extend_from_slice(format!("{{\"seq\":{seq},\"recorded_at\":\"{now}\"}}\n").as_bytes());
            settled.push(record(source, number, seq, now));
            seq = seq.next();
        }
        store.commit(&lines, &settled).unwrap();
        poll(store, (source + 1) % SOURCES, batch.filter(|number| number % 5 == 0), 1, now);
    }
}

/// Announced as changed, and found to be unchanged.
fn look_again(store: &Store, numbers: std::ops::Range<u64>, now: Timestamp) {
    for (source, batch) in polls(numbers) {
        poll(store, source, batch.clone(), 2, now);
        let unchanged = |number| {
            let entry = entry(source, number).id;
            let seen = store.seen(entry).unwrap().into_iter().map(|seen| (entry, seen)).collect();
            Settled { seen, ..Settled::of(entry, source_id(source), Outcome::Unchanged, now) }
        };
        store.commit(&[], &batch.map(unchanged).collect::<Vec<_>>()).unwrap();
    }
}

fn record(source: u64, number: u64, seq: Seq, at: Timestamp) -> Settled {
    let id = entry(source, number).id;
    let text_digest = novelty::text_digest(&number.to_string());
    let row = Seen { outcome: Outcome::Recorded, version: 1, seq, text_digest, of: id };
    let words: Vec<String> =
        (0..120_u64).map(|place| format!("w{}", (number * 131 + place * place) % 50_021)).collect();
    let sketch = Profile::of(&words.join(" ")).sketch().cloned();
    let sketch = sketch.map(|sketch| Sketched { id, sketch, at, language: "en".to_owned() });
    Settled {
        seen: vec![(id, row)],
        owns: Some((text_digest, id)),
        record: Some(seq),
        sketch,
        ..Settled::of(id, source_id(source), Outcome::Recorded, at)
    }
}

fn copy(source: u64, number: u64, at: Timestamp) -> Settled {
    let (id, of): (ArticleId, ArticleId) = (entry(source, number).id, entry(source, number - 1).id);
    let text_digest = novelty::text_digest(&number.to_string());
    let row = Seen { outcome: Outcome::Duplicate, version: 0, seq: Seq(0), text_digest, of };
    let url = Some(entry(source, number).url);
    let copy = KnownCopy { id, source: source_id(source), at, similarity: 0.9, url, title: None, difference: None };
    Settled {
        seen: vec![(id, row)],
        copy: Some((of, copy)),
        ..Settled::of(id, source_id(source), Outcome::Duplicate, at)
    }
}

/// Records of real texts in frames of so many, and those lines in larger frames: bytes a record, and reading one.
fn frames(path: &Path) {
    let text = std::fs::read_to_string(path).unwrap();
    let mut texts: Vec<String> = Vec::new();
    for line in text.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        texts.push(line["content_text"].as_str().unwrap().to_owned());
    }
    let lines: Vec<String> = (1..).zip(&texts).map(|(seq, text)| line(seq, text)).collect();
    let bytes: usize = lines.iter().map(String::len).sum();
    println!("{} records, {} bytes each as text", lines.len(), bytes / lines.len());
    println!(
        "{:>12} {:>6} {:>9} {:>9} {:>11} {:>11}",
        "frame", "level", "B/record", "MB/s", "p50 read µs", "p99 read µs"
    );
    for count in [1, 3, 50] {
        let chunks: Vec<String> = lines.chunks(count).map(<[String]>::concat).collect();
        measure(&format!("{count} records"), &chunks, 3, lines.len());
    }
    for frame_bytes in [64 << 10, 256 << 10, 1 << 20] {
        let mut chunks = vec![String::new()];
        for line in &lines {
            if chunks.last().unwrap().len() + line.len() > frame_bytes && !chunks.last().unwrap().is_empty() {
                chunks.push(String::new());
            }
            chunks.last_mut().unwrap().push_str(line);
        }
        for level in [3, 9, 15, 19] {
            measure(&format!("{} KiB", frame_bytes >> 10), &chunks, level, lines.len());
        }
    }
}

fn measure(name: &str, chunks: &[String], level: i32, records: usize) {
    let mut compressor = zstd::bulk::Compressor::new(level).unwrap();
    compressor.set_parameter(zstd::zstd_safe::CParameter::ChecksumFlag(true)).unwrap();
    let start = Instant::now();
    let frames: Vec<Vec<u8>> = chunks.iter().map(|chunk| compressor.compress(chunk.as_bytes()).unwrap()).collect();
    let seconds = start.elapsed().as_secs_f64();
    let bytes: usize = chunks.iter().map(String::len).sum();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), frames.concat()).unwrap();
    let mut offset = 0;
    let mut times: Vec<Duration> = Vec::new();
    for (frame, chunk) in frames.iter().zip(chunks) {
        let start = Instant::now();
        // As the store reads a record: opened, sought, read, decoded.
        let mut opened = std::fs::File::open(file.path()).unwrap();
        std::io::Seek::seek(&mut opened, std::io::SeekFrom::Start(offset)).unwrap();
        let mut read = vec![0; frame.len()];
        std::io::Read::read_exact(&mut opened, &mut read).unwrap();
        let decoded = String::from_utf8(zstd::bulk::decompress(&read, chunk.len()).unwrap()).unwrap();
        assert_eq!(decoded.lines().count(), chunk.lines().count());
        times.push(start.elapsed());
        offset += frame.len() as u64;
    }
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100].as_micros();
    let (size, speed) = (frames.iter().map(Vec::len).sum::<usize>() / records, bytes as f64 / 1e6 / seconds);
    println!("{name:>12} {level:>6} {size:>9} {speed:>9.0} {:>11} {:>11}", at(50), at(99));
}

/// A line as the log has it.
fn line(seq: u64, text: &str) -> String {
    let id = novelty::text_digest(text);
    let value = serde_json::json!({
        "schema": "chapar.record/1", "seq": seq, "id": ArticleId(id.0), "version": 1, "event": "new",
        "recorded_at": "2026-11-22T08:00:00.123Z", "url": format!("https://news.example/2026/11/22/{seq}/"),
        "title": text.lines().next(), "summary": text.lines().nth(1), "content_text": text,
        "authors": [{"name": "Staff"}], "date_published": "2026-11-22T12:40:00+05:00", "date_precision": "minute",
        "language": "ru", "language_confidence": 0.99, "word_count": text.split_whitespace().count(),
        "places": [{"code": "KZ", "score": 3.0, "matched": ["Kazakhstan", "Astana"]}],
        "topics": [{"id": "energy", "name": "Energy", "iptc": "medtop:20000256", "score": 4.0, "matched": [
            {"term": "energy", "form": "energy", "field": "title", "count": 2}]}],
        "source": {"id": "news", "name": "News", "kind": "feed", "feed_url": "https://news.example/feed/"},
        "fetch": {"at": "2026-11-22T07:59:58.456Z", "final_url": format!("https://news.example/2026/11/22/{seq}/"),
            "status": 200, "content_type": "text/html; charset=utf-8", "charset": "utf-8", "bytes": 84_213},
        "extract": {"path": "blocks", "confidence": 0.97, "fields": {"title": "meta", "content_text": "blocks"}},
        "dedup": {"text_digest": id}, "rules": {"digest": "0123456789abcdef"}, "chapar": "0.1.0"
    });
    value.to_string() + "\n"
}
