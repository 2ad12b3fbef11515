//! What it costs to store: `cargo bench --bench storing`, and with `-- --full` up to a million records (half an hour, 8 GB
//! in the folder for temporary files).
//!
//! Records of 4 KB of words by Zipf's law. Commits of 1, 10 and 50 records (the committer's most) go through
//! [`Store::commit`]; beside them, in turn and in the same run, a bare loop that appends and syncs the same bytes, a bare
//! sled that gets a pointer a record and is flushed, and one that gets rows as many and as long as a commit writes. Then, at each size: a record by its number and by its id, opening after a clean stop and after a kill
//! (of another process, between its commits), a backup, and what lies on the disk.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use chapar::commit::Committer;
use chapar::model::{ArticleId, Seq};
use chapar::novelty::{near::Profile, text_digest};
use chapar::record::Record;
use chapar::settings::NoveltySection;
use chapar::store::{Settled, Sketched, Store, sync_folder};
use jiff::Timestamp;
use words::{Words, scatter};

#[path = "made/words.rs"]
mod words;

/// Words of a record: about 4 KB with what is around them.
const WORDS: u64 = 470;

/// Records in a commit while the store grows: the most of the committer, and so the largest frame that is read.
const GROWTH: u64 = 50;

/// As set by default.
const CACHE_BYTES: u64 = 16 << 20;
const SEGMENT_BYTES: u64 = 64 << 20;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, command, folder] = arguments.as_slice()
        && command == "--killed"
    {
        kill_in_commits(Path::new(folder));
    }
    // `cargo test --benches` gives no `--bench`: it is to see that the program works.
    let is_measured = arguments.iter().any(|argument| argument == "--bench");
    let (sizes, commits, reads): (&[u64], u64, u64) =
        match (is_measured, arguments.iter().any(|argument| argument == "--full")) {
            (false, _) => (&[300], 2, 20),
            (true, false) => (&[10_000, 100_000], 300, 5_000),
            (true, true) => (&[10_000, 100_000, 1_000_000], 300, 5_000),
        };
    let words = Words::new();
    committing(&words, commits);
    if arguments.iter().any(|argument| argument == "commits") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let mut number = 0;
    for size in sizes {
        let store = open(&path);
        let start = Instant::now();
        let grown = size - number;
        let mut pauses = vec![Duration::ZERO];
        while number < *size {
            let count = GROWTH.min(size - number);
            let (lines, settled) = batch(&words, &store, count);
            store.commit(&lines, &settled).unwrap();
            number += count;
            // As the daemon does now and then.
            let pause = Instant::now();
            if store.renew_snapshot().unwrap() {
                pauses.push(pause.elapsed());
            }
        }
        let each = start.elapsed().as_secs_f64() * 1e6 / grown as f64;
        let (times, longest) = (pauses.len() - 1, pauses.iter().max().unwrap().as_secs_f64());
        println!(
            "\n{size} records ({each:.0} µs each to grow; {times} snapshots on the way, the longest {longest:.2} s)"
        );
        reading(&store, *size, reads);
        backing_up(&store, folder.path());
        drop(store);
        opening(&path);
        sizes_on_disk(&path, *size);
    }
}

fn open(path: &Path) -> Store {
    let window = NoveltySection::default().window.0;
    Store::open(path, CACHE_BYTES, SEGMENT_BYTES, Duration::from_secs(5), Some(window)).unwrap()
}

/// Commits beside their bare parts, one after the other, so that all see the same machine.
fn committing(words: &Words, commits: u64) {
    println!(
        "{:>5} | {:>9} {:>7} {:>7} | {:>14} {:>5} | {:>12} {:>5} | {:>10} {:>5}",
        "batch",
        "records/s",
        "p50 ms",
        "p99 ms",
        "append+fsync/s",
        "ratio",
        "sled, ptr/s",
        "ratio",
        "sled, rows",
        "ratio"
    );
    for size in [1, 10, GROWTH] {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder.path().join("store"));
        let bare = |name| {
            let config = sled::Config::new().path(folder.path().join(name)).cache_capacity(CACHE_BYTES);
            config.flush_every_ms(Some(500)).open().unwrap()
        };
        let (pointers, all_rows) = (bare("pointers"), bare("rows"));
        let mut file = File::create(folder.path().join("bare.log")).unwrap();
        let mut taken = [const { Vec::new() }; 4];
        for _ in 0..commits {
            let (lines, settled) = batch(words, &store, size);
            let start = Instant::now();
            store.commit(&lines, &settled).unwrap();
            taken[0].push(start.elapsed());
            let start = Instant::now();
            file.write_all(&lines).unwrap();
            file.sync_data().unwrap();
            taken[1].push(start.elapsed());
            let start = Instant::now();
            let mut rows = sled::Batch::default();
            for one in &settled {
                rows.insert(&one.entry.0, &[7; 24]);
            }
            pointers.apply_batch(rows).unwrap();
            pointers.flush().unwrap();
            taken[2].push(start.elapsed());
            let start = Instant::now();
            all_rows.apply_batch(like_ours(&settled)).unwrap();
            all_rows.flush().unwrap();
            taken[3].push(start.elapsed());
        }
        let rate = |taken: &[Duration]| (size * commits) as f64 / taken.iter().sum::<Duration>().as_secs_f64();
        let [whole, append, pointer, rows] = taken.each_ref().map(|taken| rate(taken));
        taken[0].sort();
        println!(
            "{size:>5} | {whole:>9.0} {:>7.2} {:>7.2} | {append:>14.0} {:>5.2} | {pointer:>12.0} {:>5.2} | {rows:>10.0} {:>5.2}",
            millis(at(&taken[0], 50)),
            millis(at(&taken[0], 99)),
            whole / append,
            whole / pointer,
            whole / rows
        );
    }
}

/// Rows as a commit writes them for each record: as many, as long, and as far from each other.
fn like_ours(settled: &[Settled]) -> sled::Batch {
    let mut rows = sled::Batch::default();
    for one in settled {
        let (id, seq) = (one.entry.0, one.record.unwrap().0.to_be_bytes());
        // Seen, digest, look; place, sketch, look's time, keys of sketches.
        for (tree, bytes) in [(0, 47), (1, 16), (2, 620)] {
            rows.insert([&[tree], id.as_slice()].concat(), vec![7; bytes]);
        }
        for (tree, bytes) in [(3, 24), (4, 220), (5, 16), (6, 60)] {
            rows.insert([&[tree], seq.as_slice()].concat(), vec![7; bytes]);
        }
    }
    rows
}

fn reading(store: &Store, size: u64, reads: u64) {
    let mut by_seq = Vec::new();
    let mut by_id = Vec::new();
    for read in 0..reads {
        let number = scatter(read) % size + 1;
        let start = Instant::now();
        let line = store.line(Seq(number)).unwrap().unwrap();
        by_seq.push(start.elapsed());
        let id = serde_json::from_str::<Record>(&line).unwrap().id;
        let start = Instant::now();
        let seen = store.seen(id).unwrap().unwrap();
        store.line(seen.seq).unwrap().unwrap();
        by_id.push(start.elapsed());
    }
    by_seq.sort();
    by_id.sort();
    let show = |taken: &[Duration]| format!("p50 {:.3} ms, p99 {:.3} ms", millis(at(taken, 50)), millis(at(taken, 99)));
    println!("  a record by number: {}; by id: {}", show(&by_seq), show(&by_id));
}

fn backing_up(store: &Store, folder: &Path) {
    let backup = folder.join("backup");
    let start = Instant::now();
    let made = store.back_up(&backup, |_| true).unwrap();
    println!(
        "  backup: {:.1} s, commits waited {:.2} s; its tables have {} bytes a record",
        start.elapsed().as_secs_f64(),
        made.paused_ms as f64 / 1e3,
        bytes_of(&backup.join("sled")) / made.records
    );
    std::fs::remove_dir_all(backup).unwrap();
    sync_folder(folder).unwrap();
}

fn opening(path: &Path) {
    let bare = || {
        let start = Instant::now();
        let db = sled::Config::new().path(path.join("sled")).cache_capacity(CACHE_BYTES).open().unwrap();
        let taken = start.elapsed().as_secs_f64();
        drop(db);
        std::thread::sleep(Duration::from_millis(500));
        taken
    };
    let whole = || {
        let start = Instant::now();
        let store = open(path);
        let opened = start.elapsed().as_secs_f64();
        let start = Instant::now();
        drop(Committer::new(&store, &NoveltySection::default()));
        (opened, start.elapsed().as_secs_f64())
    };
    // sled reads at its opening what was written since the one before.
    let (first, learned) = whole();
    let (again, _) = whole();
    let bare = bare();
    let killed = std::process::Command::new(std::env::current_exe().unwrap()).arg("--killed").arg(path).status();
    assert!(!killed.unwrap().success());
    let (after_kill, _) = whole();
    println!(
        "  open: {first:.2} s with all records new since the last start, {again:.2} s with none (sled alone {bare:.2} s), \
         {after_kill:.2} s killed 200 records after a start; the committer learns in {learned:.2} s"
    );
}

/// Commits, and ends as killed.
fn kill_in_commits(path: &Path) -> ! {
    let (words, store) = (Words::new(), open(path));
    for _ in 0..20 {
        let (lines, settled) = batch(&words, &store, 10);
        store.commit(&lines, &settled).unwrap();
    }
    std::process::abort()
}

fn sizes_on_disk(path: &Path, records: u64) {
    let (log, tables) = (bytes_of(&path.join("log")), bytes_of(&path.join("sled")));
    println!("  bytes a record: log {}, sled {}", log / records, tables / records);
    let db = sled::Config::new().path(path.join("sled")).cache_capacity(CACHE_BYTES).open().unwrap();
    let mut trees: Vec<(u64, u64, String)> = Vec::new();
    for name in db.tree_names() {
        let (mut rows, mut bytes) = (0, 0);
        for row in &db.open_tree(&name).unwrap() {
            let (key, row) = row.unwrap();
            rows += 1;
            bytes += (key.len() + row.len()) as u64;
        }
        trees.push((bytes, rows, String::from_utf8_lossy(&name).into_owned()));
    }
    trees.sort_unstable_by(|one, other| other.cmp(one));
    let shown: Vec<String> = trees
        .iter()
        .filter(|(bytes, ..)| bytes / records > 0)
        .map(|(bytes, rows, name)| format!("{name} {} ({:.1} rows)", bytes / records, *rows as f64 / records as f64))
        .collect();
    println!("  of it keys and rows by tree: {}", shown.join(", "));
    drop(db);
    std::thread::sleep(Duration::from_millis(500));
}

/// The next records, as lines and as what sled is told.
fn batch(words: &Words, store: &Store, count: u64) -> (Vec<u8>, Vec<Settled>) {
    let (mut lines, mut settled) = (Vec::new(), Vec::new());
    let first = store.next_seq().0;
    for number in first..first + count {
        let record = record(words, number);
        let profile = Profile::of(&record.content_text);
        let sketch = profile.sketch().map(|sketch| Sketched {
            id: record.id,
            sketch: sketch.clone(),
            at: record.recorded_at,
            language: record.language.clone(),
        });
        serde_json::to_writer(&mut lines, &record).unwrap();
        lines.push(b'\n');
        settled.push(Settled { sketch, ..Settled::from_record(&record) });
    }
    (lines, settled)
}

fn record(words: &Words, number: u64) -> Record {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&scatter(number).to_be_bytes());
    id[8..].copy_from_slice(&number.to_be_bytes());
    let words: Vec<&str> = (0..WORDS).map(|at| words.word(scatter(number << 20 | at))).collect();
    let text = words.join(" ");
    let url = format!("https://news.example/2026/11/22/{}-{number}/", words[..8].join("-"));
    serde_json::from_value(serde_json::json!({
        "schema": chapar::record::SCHEMA, "seq": number, "id": ArticleId(id), "version": 1, "event": "new",
        "recorded_at": Timestamp::now(), "url": url, "title": words[..8].join(" "),
        "summary": words[..30].join(" "), "date_published": "2026-11-22T08:00:00+05:00",
        "language": "en", "language_confidence": 0.98, "word_count": WORDS,
        "topics": [{"id": "energy", "name": "Energy", "score": 3.5, "matched":
            [{"term": "gas pipeline", "form": words[3], "field": "body", "count": 2}]}],
        "source": {"id": "news", "name": "News", "kind": "feed", "feed_url": "https://news.example/feed/",
            "guid": format!("https://news.example/?p={number}")},
        "fetch": {"at": Timestamp::now(), "final_url": url, "status": 200, "bytes": 48_213},
        "extract": {"path": "blocks", "confidence": 0.9}, "dedup": {"text_digest": text_digest(&text)},
        "rules": {"digest": "0123456789abcdef"}, "chapar": "0.1.0", "content_text": text
    }))
    .unwrap()
}

fn at(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
}

fn millis(taken: Duration) -> f64 {
    taken.as_secs_f64() * 1e3
}

fn bytes_of(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| if path.is_dir() { bytes_of(&path) } else { std::fs::metadata(path).map_or(0, |m| m.len()) })
        .sum()
}
