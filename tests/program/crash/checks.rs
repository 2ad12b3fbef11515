//! What must be true of a store and of its directory output, whatever happened to them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::world::World;
use crate::dir::{DEADLINE, Dir, Running, json_lines, seqs};

/// Every line of the log, read without the program: all segments decode to their last byte, each is named by its first
/// record.
pub fn log_lines(store: &Path) -> Vec<u8> {
    let mut lines = Vec::new();
    for path in files(&store.join("log"), ".zst") {
        let bytes = std::fs::read(&path).unwrap();
        if bytes.is_empty() {
            // Its first frame was torn and cut; the next one goes there.
            continue;
        }
        let whole = zstd::stream::decode_all(bytes.as_slice())
            .unwrap_or_else(|error| panic!("{} is not whole: {error}", path.display()));
        assert!(whole.is_empty() || whole.ends_with(b"\n"), "{}", path.display());
        if let Some(first) = json_lines(&whole).first() {
            let name: u64 = path.file_stem().unwrap().to_str().unwrap().parse().unwrap();
            assert_eq!(first["seq"], name, "{}", path.display());
        }
        lines.extend(whole);
    }
    lines
}

/// Files of a folder whose names end so, in order of their names.
pub fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> = paths.filter(|path| path.to_str().unwrap().ends_with(ending)).collect();
    paths.sort();
    paths
}

/// The records of a log of which nothing was removed, checked.
pub fn check_log(store: &Path) -> Vec<Value> {
    let records = json_lines(&log_lines(store));
    check_records(&records);
    records
}

/// Whether it is no outcome, only new labels.
pub fn is_relabel(record: &Value) -> bool {
    record["event"] == "relabel"
}

/// Numbers without a gap, versions without a gap, and no text twice in a row under one id but to
/// relabel it.
fn check_records(records: &[Value]) {
    let mut newest: BTreeMap<&str, &Value> = BTreeMap::new();
    for (record, seq) in records.iter().zip(1..) {
        assert_eq!(record["seq"], seq, "the log has a gap or a double");
        let id = record["id"].as_str().unwrap();
        let before = newest.insert(id, record);
        let version = before.map_or(0, |before| before["version"].as_u64().unwrap()) + 1;
        assert_eq!(record["version"], version, "versions of {id}");
        if let Some(before) = before {
            let is_same = record["content_text"] == before["content_text"];
            assert_eq!(is_same, is_relabel(record), "{id} was recorded twice, or relabelled with another text");
        }
    }
}

/// Every line of the directory output.
fn directory_lines(dir: &Dir) -> Vec<u8> {
    files(&dir.path("records"), ".ndjson").iter().flat_map(|path| std::fs::read(path).unwrap()).collect()
}

/// The folder of the directory output holds the lines of the log, byte by byte.
pub fn check_directory(dir: &Dir) {
    let written = directory_lines(dir);
    let log = log_lines(&dir.path("store"));
    if written != log {
        let (written, log) = (String::from_utf8_lossy(&written), String::from_utf8_lossy(&log));
        let differs = written.lines().zip(log.lines()).position(|(one, other)| one != other);
        panic!(
            "directory and log differ at line {differs:?}; {} lines in the directory, {} in the log",
            written.lines().count(),
            log.lines().count()
        );
    }
}

/// Runs until everything that was published has come to its outcome and is delivered, stops, and checks all of it.
pub fn settle_and_check(dir: &Dir, world: &World) {
    let daemon = dir.daemon();
    settle(dir, world);
    stop(dir, world, daemon);
    check(dir, world);
}

/// Stops after which something may be left to do.
const STOPS_MAX: u32 = 10;

/// Stops a daemon to which everything has come. What was corrected while it was dead it may have fetched before it heard of
/// the correction; then it looks at it once more, and is left to do that.
pub fn stop(dir: &Dir, world: &World, mut daemon: Running) {
    for _ in 0..STOPS_MAX {
        assert_eq!(daemon.stop(), Some(0), "{}", dir.log_end());
        if world.missing(&dir.status(), || dir.records()).is_none() {
            return;
        }
        daemon = dir.daemon();
        settle(dir, world);
    }
    panic!("something is pending after each of {STOPS_MAX} stops\n{}", dir.log_end());
}

/// Waits until everything that was published has come to its outcome and is delivered, for as long as it goes on.
pub fn settle(dir: &Dir, world: &World) {
    let (mut changed, mut before) = (Instant::now(), None);
    while let Some(missing) = world.missing(&dir.status(), || dir.records()) {
        if before.as_ref() != Some(&missing) {
            (changed, before) = (Instant::now(), Some(missing));
        } else {
            assert!(changed.elapsed() < DEADLINE, "waited in vain for {missing}\n{}", dir.log_end());
        }
        std::thread::sleep(Duration::from_millis(150));
    }
}

/// Checks a store that no daemon works on.
pub fn check(dir: &Dir, world: &World) {
    let records = check_log(&dir.path("store"));
    check_directory(dir);
    check_what_is_known(dir, world, &records, 1);
}

/// The same where the oldest records are removed from the log. Returns all records that there ever were.
pub fn check_with_retention(dir: &Dir, world: &World) -> Vec<Value> {
    let (written, log) = (directory_lines(dir), log_lines(&dir.path("store")));
    assert!(log.len() < written.len(), "nothing was removed");
    assert!(written.ends_with(&log), "what is kept is the end of what was delivered");
    let records = json_lines(&written);
    check_records(&records);
    let begin = json_lines(&log)[0]["seq"].as_u64().unwrap();
    check_what_is_known(dir, world, &records, begin);
    records
}

fn check_what_is_known(dir: &Dir, world: &World, records: &[Value], begin: u64) {
    let newest: BTreeMap<&str, u64> =
        records.iter().map(|record| (record["id"].as_str().unwrap(), record["seq"].as_u64().unwrap())).collect();
    let newest: BTreeSet<u64> = newest.into_values().filter(|seq| *seq >= begin).collect();
    let found = seqs(&dir.json(&["query", "--reverse"]));
    assert_eq!(found, Vec::from_iter(newest), "the newest version of each article is found");
    world.check(&dir.status(), records);
}
