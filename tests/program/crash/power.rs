//! The power is cut: what was acknowledged before is there, and the run goes on as if nothing had happened.

mod disk;

use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::checks::{check_log, settle_and_check};
use super::world::{Random, World};
use super::{count, folder_for};
use crate::dir::{Dir, source};
use disk::{Call, Disk, read_journal};

/// Power cuts; more with `CHAPAR_POWER_ROUNDS`.
const ROUNDS: u64 = 10;

/// The daemon is started, worked and killed so often while its calls are journaled.
const LIVES: usize = 3;

/// Compiles the library that journals the calls.
pub fn shim() -> PathBuf {
    let library = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("power.so");
    static COMPILED: std::sync::Once = std::sync::Once::new();
    COMPILED.call_once(|| {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/power/shim.c");
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(&library)
            .arg(source)
            .arg("-lpthread")
            .status();
        assert!(compiled.expect("a C compiler, `cc`, is needed").success());
    });
    library
}

/// What a world, a folder and the daemon's calls in it are.
struct Journaled {
    world: World,
    dir: Dir,
    calls: Vec<Call>,
}

/// Lets the daemon work, with syncs of paths that hold `no_sync` left out, and journals its calls.
fn journaled(seed: u64, no_sync: &str) -> Journaled {
    let mut world = World::start(seed);
    let dir = folder_for(&world);
    let settings = std::fs::read_to_string(dir.path("chapar.toml")).unwrap();
    dir.write("chapar.toml", &settings.replacen("[[output]]", "[[output]]\nkind = \"stdout\"\n\n[[output]]", 1));
    let (shim, journal, outside) = (shim(), dir.path("journal"), PathBuf::from(no_sync));
    let root = dir.path("");
    let root = PathBuf::from(root.to_str().unwrap().trim_end_matches('/'));
    let environment = [
        ("LD_PRELOAD", shim.as_path()),
        ("CHAPAR_POWER_ROOT", root.as_path()),
        ("CHAPAR_POWER_JOURNAL", journal.as_path()),
        ("CHAPAR_POWER_NO_SYNC", outside.as_path()),
    ];
    for _ in 0..LIVES {
        let mut daemon = dir.start_with(&environment);
        dir.wait_until_ready(&mut daemon);
        let lines = daemon.lines();
        let reader = std::thread::spawn(move || lines.count());
        for _ in 0..12 {
            world.turn();
            std::thread::sleep(Duration::from_millis(80));
            mark(&journal, &dir.status());
        }
        daemon.signal(libc::SIGKILL);
        drop(daemon);
        reader.join().unwrap();
    }
    Journaled { world, calls: read_journal(&journal), dir }
}

/// Notes between the calls what the status said.
fn mark(journal: &std::path::Path, status: &Value) {
    let text = status.to_string();
    let mut file = std::fs::OpenOptions::new().append(true).open(journal).unwrap();
    file.write_all(format!("M 0 0 {} 0\n{text}", text.len()).as_bytes()).unwrap();
}

/// Cuts the power after so many calls, starts on what is left, and tells what is wrong; `Ok` when nothing is.
fn cut(journaled: &Journaled, position: usize, seed: u64) -> Result<(), String> {
    let root = journaled.dir.path("");
    let disk =
        Disk::after(&journaled.calls[..position], std::path::Path::new(root.to_str().unwrap().trim_end_matches('/')));
    let mut delivered: Vec<Value> = disk.synced_below("records").iter().flat_map(|bytes| whole_lines(bytes)).collect();
    delivered.extend(whole_lines(&disk.stdout));
    let told = disk.marks.last().map(|mark| serde_json::from_slice::<Value>(mark).unwrap());
    let left = folder_for(&journaled.world);
    disk.cut(&mut Random(seed), &left.path(""));
    let is_known = told.is_some();
    let attempt = std::panic::AssertUnwindSafe(|| {
        if !left.path("store").exists() {
            assert!(delivered.is_empty() && told.is_none(), "the whole store is gone");
            return settle_and_check(&left, &journaled.world);
        }
        // It opens the store, mends it, and tells; with nothing to poll.
        let settings = std::fs::read_to_string(left.path("chapar.toml")).unwrap();
        let (before, _) = settings.split_once("[[source]]").unwrap();
        left.write("chapar.toml", &format!("{before}{}", source("none", "http://127.0.0.1:9/feed.xml")));
        let daemon = left.daemon();
        assert_eq!(daemon.stop(), Some(0), "{}", left.log_end());
        left.write("chapar.toml", &settings);
        let said = left.log();
        assert!(!(is_known && (said.contains("set aside") || said.contains("were empty"))), "sled is lost: {said}");
        let records = check_log(&left.path("store"));
        let by_seq: HashMap<u64, &Value> =
            records.iter().map(|record| (record["seq"].as_u64().unwrap(), record)).collect();
        for record in &delivered {
            let seq = record["seq"].as_u64().unwrap();
            assert_eq!(by_seq.get(&seq), Some(&record), "record {seq} was delivered and is not in the log");
        }
        if let Some(told) = &told {
            assert!(told["last_seq"].as_u64().unwrap() <= records.len() as u64, "told of more records than there are");
        }
        settle_and_check(&left, &journaled.world);
        if is_known {
            let tables = std::fs::read_dir(left.path("store")).unwrap().map(|entry| entry.unwrap().file_name());
            assert_eq!(tables.filter(|name| name.to_str().unwrap().starts_with("sled.")).count(), 0, "sled was lost");
        }
    });
    std::panic::catch_unwind(attempt).map_err(|reason| {
        let reason = reason.downcast_ref::<String>().cloned();
        reason.unwrap_or_else(|| "it panicked".to_owned())
    })
}

/// Lines that are whole records; the last one may be cut.
fn whole_lines(bytes: &[u8]) -> Vec<Value> {
    let lines = bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
    lines.filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

#[test]
fn after_a_power_cut_everything_acknowledged_is_there_and_nothing_is_doubled() {
    let seed = count("CHAPAR_CRASH_SEED", 1);
    let journaled = journaled(seed, "");
    let calls = journaled.calls.len();
    let mut random = Random(seed);
    let rounds = count("CHAPAR_POWER_ROUNDS", ROUNDS);
    for round in 0..rounds {
        let position = 1 + random.below(calls);
        let seed = random.next();
        if let Err(reason) = cut(&journaled, position, seed) {
            panic!("round {round}, cut after call {position} of {calls} with seed {seed}: {reason}");
        }
    }
    println!("{rounds} power cuts in {calls} calls, nothing lost, nothing doubled");
}

/// The checks above are worth something only if they notice that a sync is missing.
#[test]
fn a_sync_that_is_missing_is_noticed() {
    for no_sync in ["/store/log", "/records", "/store/sled"] {
        let journaled = journaled(3, no_sync);
        let mut random = Random(3);
        let calls = journaled.calls.len();
        let noticed = (0..20).find_map(|_| {
            let position = calls / 3 + random.below(calls - calls / 3);
            let seed = random.next();
            cut(&journaled, position, seed).err()
        });
        let noticed = noticed.unwrap_or_else(|| panic!("without syncs of {no_sync} nothing was noticed"));
        println!("without syncs of {no_sync}: {}", noticed.lines().next().unwrap_or_default());
    }
}
