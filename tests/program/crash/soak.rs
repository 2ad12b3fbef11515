//! Hours of work: memory, descriptors and disk stay flat. `CHAPAR_SOAK_SECONDS=7200`; without it a few seconds, which show
//! that the daemon works and is measured, and say nothing about hours.

use std::path::Path;
use std::time::{Duration, Instant};

use super::checks::settle_and_check;
use super::world::World;
use super::{count, folder_for};

const SECONDS: u64 = 8;

/// Shorter runs are not judged: caches fill during the first minutes.
const JUDGED_FROM: Duration = Duration::from_secs(300);

/// What memory may grow by between the middle and the end of a run: some of what is known of each article is kept there.
const GROWTH_MAX_KB: u64 = 24 << 10;

/// Descriptors vary with the connections under way.
const DESCRIPTORS_MAX: u64 = 200;

#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Duration,
    resident_kb: u64,
    descriptors: u64,
    disk_kb: u64,
    records: u64,
}

fn sample(at: Duration, pid: u32, store: &Path, records: u64) -> Sample {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let resident_kb = resident.trim().trim_end_matches(" kB").parse().unwrap();
    let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count() as u64;
    Sample { at, resident_kb, descriptors, disk_kb: bytes_below(store) >> 10, records }
}

fn bytes_below(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    let bytes = entries.map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => bytes_below(&entry.path()),
        Ok(metadata) => metadata.len(),
        // It went meanwhile.
        Err(_) => 0,
    });
    bytes.sum()
}

#[test]
fn over_hours_memory_and_descriptors_stay_flat() {
    let length = Duration::from_secs(count("CHAPAR_SOAK_SECONDS", SECONDS));
    let mut world = World::start(8);
    let dir = folder_for(&world);
    let daemon = dir.daemon();
    let start = Instant::now();
    let mut samples: Vec<Sample> = Vec::new();
    println!("{:>8} {:>12} {:>12} {:>10} {:>8}", "seconds", "resident KiB", "descriptors", "disk KiB", "records");
    while start.elapsed() < length {
        world.turn();
        std::thread::sleep(Duration::from_millis(400));
        if samples.last().is_none_or(|last| start.elapsed() - last.at > length / 40) {
            let records = dir.status()["last_seq"].as_u64().unwrap();
            let taken = sample(start.elapsed(), daemon.child.id(), &dir.path("store"), records);
            let Sample { at, resident_kb, descriptors, disk_kb, records } = taken;
            println!("{:>8} {resident_kb:>12} {descriptors:>12} {disk_kb:>10} {records:>8}", at.as_secs());
            samples.push(taken);
        }
    }
    assert!(samples.iter().all(|sample| sample.descriptors < DESCRIPTORS_MAX), "descriptors leak");
    if length >= JUDGED_FROM {
        let mean =
            |samples: &[Sample]| samples.iter().map(|sample| sample.resident_kb).sum::<u64>() / samples.len() as u64;
        let (before, after) =
            (mean(&samples[samples.len() / 3..samples.len() * 2 / 3]), mean(&samples[samples.len() * 2 / 3..]));
        assert!(after < before + GROWTH_MAX_KB, "resident KiB grew from {before} to {after}");
    } else {
        println!("NOT JUDGED: {length:?} are too short");
    }
    assert_eq!(daemon.stop(), Some(0), "{}", dir.log_end());
    settle_and_check(&dir, &world);
}
