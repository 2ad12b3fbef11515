//! What it costs to remember an article: `cargo bench --bench remembering`.
//!
//! Articles are admitted with addresses and guids as WordPress gives them, 30 a poll from 50 sources, and come to the
//! outcome of a record, without the record: what is measured are the keys, on disk as sled's files and in memory as what
//! the process has resident. One in five is announced by a second source. Then half of them are forgotten and as many
//! others come, some times over.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::time::{Duration, Instant};

use chapar::model::{Outcome, Seq};
use chapar::novelty;
use chapar::store::{Seen, Settled, Store};
use jiff::Timestamp;
use made::{SOURCES, day, entry, poll, polls, source_id};

#[path = "made/news.rs"]
mod made;

/// As set by default.
const CACHE_BYTES: u64 = 16 << 20;

fn main() {
    // `cargo test --benches` gives no `--bench`: it is to see that the program works.
    let is_measured = std::env::args().any(|argument| argument == "--bench");
    let sizes: &[(u64, i64)] = if is_measured { &[(100_000, 3), (500_000, 1)] } else { &[(3_000, 1)] };
    println!("{:<10} {:>10} {:>10} {:>12} {:>10}", "articles", "MiB disk", "B/article", "MiB resident", "seconds");
    for (articles, rounds) in sizes {
        let folder = tempfile::tempdir().unwrap();
        let (store, start) = (open(folder.path()), Instant::now());
        come(&store, 0..*articles, day(0));
        row(&articles.to_string(), &store, *articles, start);
        let mut ever = *articles;
        for round in 1..=*rounds {
            // Every source has answered since, without naming them.
            (0..SOURCES).for_each(|source| poll(&store, source, 0..0, 1, day(100 * round - 50)));
            let start = Instant::now();
            let forgotten = forget_half(&store, *articles, day(100 * round));
            row("half gone", &store, *articles, start);
            let start = Instant::now();
            come(&store, ever..ever + forgotten, day(100 * round));
            ever += forgotten;
            row("full again", &store, *articles, start);
        }
    }
}

fn forget_half(store: &Store, articles: u64, now: Timestamp) -> u64 {
    let mut sweep = store.sweep(articles / 2, now).unwrap().unwrap();
    let mut slowest = Duration::ZERO;
    loop {
        let step = Instant::now();
        let has_more = store.sweep_on(&mut sweep).unwrap();
        slowest = slowest.max(step.elapsed());
        if !has_more {
            break;
        }
    }
    println!("  {} forgotten, the slowest step {} ms", sweep.forgotten(), slowest.as_millis());
    sweep.forgotten()
}

fn open(path: &std::path::Path) -> Store {
    Store::open(path, CACHE_BYTES, 64 << 20, Duration::ZERO, None).unwrap()
}

fn row(name: &str, store: &Store, articles: u64, start: Instant) {
    store.flush().unwrap();
    let (_, disk) = store.sizes().unwrap();
    let seconds = start.elapsed().as_secs_f64();
    println!("{name:<10} {:>10} {:>10} {:>12} {seconds:>10.1}", disk >> 20, disk / articles, resident_bytes() >> 20);
}

/// Announced, fetched, recorded.
fn come(store: &Store, numbers: std::ops::Range<u64>, now: Timestamp) {
    for (source, batch) in polls(numbers) {
        poll(store, source, batch.clone(), 1, now);
        let settled: Vec<Settled> = batch.clone().map(|number| settled(source, number, now)).collect();
        store.commit(&[], &settled).unwrap();
        poll(store, (source + 1) % SOURCES, batch.filter(|number| number % 5 == 0), 1, now);
    }
}

fn settled(source: u64, number: u64, now: Timestamp) -> Settled {
    let id = entry(source, number).id;
    let text_digest = novelty::text_digest(&number.to_string());
    let row = Seen { outcome: Outcome::Recorded, version: 1, seq: Seq(number + 1), text_digest, of: id };
    Settled {
        seen: vec![(id, row)],
        owns: Some((text_digest, id)),
        ..Settled::of(id, source_id(source), Outcome::Recorded, now)
    }
}

/// Memory that the process has resident.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}
