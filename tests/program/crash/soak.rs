//! Everything at once for hours: articles, corrections and copies, outputs of all kinds, records that go, commands at
//! random; memory, descriptors and disk stay flat, and nothing is lost or doubled in the end.
//!
//! `CHAPAR_SOAK_SECONDS=7200`; without it a few seconds, which show that it works and is measured, and say nothing about
//! hours. With `CHAPAR_SOAK_KILL_SECONDS=20` the daemon is killed as often as that, on an average.

mod commands;
mod outputs;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::checks::{check_with_retention, files, settle, stop};
use super::points::wait_until_delivered;
use super::world::{Random, World};
use super::{count, folder_for};
use crate::dir::{Dir, Running, text, wait_for};
use crate::receiver::Receiver;
use commands::Follower;

const SECONDS: u64 = 8;

/// Between two steps of the world.
const TURN: Duration = Duration::from_millis(400);

/// So many times it is looked at memory, descriptors and disk.
const SAMPLES: u32 = 40;

/// Shorter runs are not judged.
const JUDGED_FROM: Duration = Duration::from_secs(300);

/// Until then caches fill, and old records do not go yet.
const WARMED_UP: Duration = Duration::from_secs(120);

/// Records that stay in the log: so few that they go after a minute or two; in a run that is not judged, after some seconds.
/// Who follows over a restart still finds them.
const RETAINED: usize = 400;
const RETAINED_SHORTLY: usize = 60;

/// Articles beyond them with which old ones have gone for sure: some files of the log.
const BEYOND: usize = 60;

/// What the mean of resident memory may be more in the second half of a run than in the first, both warm: of each article some 0.2 KB
/// stay in memory, and sled's cache (16 MiB) fills.
const GROWTH_MAX_KB: u64 = 16 << 10;

/// Descriptors vary with the connections under way, and with commands that ask.
const DESCRIPTORS_SPREAD: u64 = 24;

/// What the retained records of the log take at most, with the file that is written and what is being written anew.
const LOG_MAX_KB: u64 = 4 << 10;

/// The lookup store keeps what each article was, also of those that went: so much an article, as `chapar log compact` is
/// advised from (7,000 bytes), and what an empty one has.
const SLED_MAX_KB_EACH: u64 = 7;
const SLED_MAX_KB_EMPTY: u64 = 8 << 10;

/// Files of the log's folder beside its segments: what kills left torn.
const TORN_FILES_MAX: usize = 16;

#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Duration,
    resident_kb: u64,
    descriptors: u64,
    threads: u64,
    log_kb: u64,
    sled_kb: u64,
    records: u64,
    articles: u64,
}

impl Sample {
    const HEAD: &str = "seconds resident KiB descriptors threads log KiB sled KiB  records articles";

    fn of(dir: &Dir, daemon: &Running, at: Duration, articles: usize) -> Self {
        let pid = daemon.child.id();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim_matches([':', ' ', '\t']).trim_end_matches(" kB").parse::<u64>().unwrap()
        };
        Self {
            at,
            resident_kb: number("VmRSS"),
            descriptors: std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count() as u64,
            threads: number("Threads"),
            log_kb: bytes_below(&dir.path("store/log")) >> 10,
            sled_kb: bytes_below(&dir.path("store/sled")) >> 10,
            records: dir.status()["last_seq"].as_u64().unwrap(),
            articles: articles as u64,
        }
    }

    fn print(&self) {
        let Self { at, resident_kb, descriptors, threads, log_kb, sled_kb, records, articles } = self;
        println!(
            "{:>7} {resident_kb:>12} {descriptors:>11} {threads:>7} {log_kb:>7} {sled_kb:>8} {records:>8} {articles:>8}",
            at.as_secs()
        );
    }
}

fn bytes_below(folder: &Path) -> u64 {
    // It, or a file of it, may have gone meanwhile.
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let bytes = entries.map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => bytes_below(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    });
    bytes.sum()
}

#[test]
fn with_everything_at_once_memory_descriptors_and_disk_stay_flat_and_nothing_is_lost_or_doubled() {
    let length = Duration::from_secs(count("CHAPAR_SOAK_SECONDS", SECONDS));
    let seed = count("CHAPAR_CRASH_SEED", 8);
    let retained = if length < JUDGED_FROM { RETAINED_SHORTLY } else { RETAINED };
    let mut soak = Soak::start(seed, retained, count("CHAPAR_SOAK_KILL_SECONDS", 0));
    let samples = soak.work(length, seed);
    soak.finish();
    judge(&samples, length);
}

/// What works, and what works on it.
struct Soak {
    world: World,
    dir: Dir,
    receiver: Receiver,
    /// Records that the receiver took.
    posted: BTreeSet<u64>,
    daemon: Running,
    random: Random,
    retained: usize,
    kill_seconds: u64,
}

impl Soak {
    fn start(seed: u64, retained: usize, kill_seconds: u64) -> Self {
        let world = World::start(seed);
        let dir = folder_for(&world);
        let receiver = outputs::receiver();
        let bound = format!("[store]\nsegment = \"32KiB\"\nretain_records = {retained}");
        let settings = std::fs::read_to_string(dir.path("chapar.toml")).unwrap();
        let settings = settings.replace("[store]\nsegment = \"8KiB\"", &bound);
        let settings = settings.replace("roll = \"16KiB\"", "roll = \"256KiB\"");
        dir.write("chapar.toml", &(settings + &outputs::settings(&dir, &receiver)));
        let daemon = dir.daemon();
        Self { world, dir, receiver, posted: BTreeSet::new(), daemon, random: Random(seed), retained, kill_seconds }
    }

    /// The world goes on, commands are run, and perhaps the daemon is killed, for so long.
    fn work(&mut self, length: Duration, seed: u64) -> Vec<Sample> {
        let Self { world, dir, receiver, posted, daemon, random, retained, kill_seconds } = self;
        let dir: &Dir = dir;
        let (start, mut samples, mut kills) = (Instant::now(), Vec::<Sample>::new(), 0);
        let mut kill_in = || Duration::from_millis(random.below(2_000 * *kill_seconds as usize) as u64);
        let (is_killed, mut kill_at) = (*kill_seconds > 0, kill_in());
        let follower = Follower::start(dir);
        std::thread::scope(|scope| {
            // Also when something fails here.
            let end = Ends(Arc::default());
            let ended = Arc::clone(&end.0);
            let commands = scope.spawn(move || commands::run(dir, seed, is_killed, &ended));
            println!("{}", Sample::HEAD);
            while start.elapsed() < length && !commands.is_finished() {
                world.turn();
                posted.extend(outputs::posted(receiver));
                std::thread::sleep(TURN);
                if samples.last().is_none_or(|last| start.elapsed() - last.at > length / SAMPLES) {
                    let sample = Sample::of(dir, daemon, start.elapsed(), world.published());
                    sample.print();
                    samples.push(sample);
                }
                if is_killed && start.elapsed() > kill_at {
                    daemon.signal(libc::SIGKILL);
                    *daemon = start_beside_commands(dir);
                    (kills, kill_at) = (kills + 1, start.elapsed() + kill_in());
                }
            }
            drop(end);
            println!("{kills} kills; commands: {:?}", commands.join().unwrap());
        });
        // In a short run old records have not gone yet.
        while world.published() < *retained + BEYOND {
            world.turn();
        }
        settle(dir, world);
        wait_until_delivered(dir);
        follower.check(dir.status()["last_seq"].as_u64().unwrap());
        posted.extend(outputs::posted(receiver));
        samples
    }

    fn finish(self) {
        let Self { world, dir, posted, daemon, .. } = self;
        stop(&dir, &world, daemon);
        let records = check_with_retention(&dir, &world);
        outputs::check(&dir, &records, &posted);
        let verified = dir.run(&["log", "verify"]);
        assert!(verified.status.success(), "{}", text(&verified));
        let all = std::fs::read_dir(dir.path("store/log")).unwrap().count();
        let torn = all - files(&dir.path("store/log"), ".zst").len();
        assert!(torn <= TORN_FILES_MAX, "{torn} files with torn bytes");
        println!("{} records, {torn} files with torn bytes", records.len());
    }
}

/// Ends the commands when it goes.
struct Ends(Arc<AtomicBool>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Starts the daemon until it runs, as systemd does: a command may have the store.
fn start_beside_commands(dir: &Dir) -> Running {
    loop {
        let mut daemon = dir.start();
        let started = wait_for("the daemon's socket, or its end", || {
            let is_ready = dir.answers();
            (is_ready || daemon.child.try_wait().unwrap().is_some()).then_some(is_ready)
        });
        if started {
            return daemon;
        }
        assert!(dir.log().contains("is in use"), "{}", dir.log_end());
    }
}

fn judge(samples: &[Sample], length: Duration) {
    let mean = |samples: &[Sample]| samples.iter().map(|one| one.resident_kb).sum::<u64>() / samples.len() as u64;
    let most = |samples: &[Sample], of: fn(&Sample) -> u64| samples.iter().map(of).max().unwrap_or_default();
    let middle = &samples[samples.len() / 2];
    [&samples[0], middle, samples.last().unwrap()].into_iter().for_each(Sample::print);
    for Sample { log_kb, sled_kb, articles, .. } in samples {
        assert!(*log_kb < LOG_MAX_KB, "{log_kb} KiB of log");
        assert!(
            *sled_kb < SLED_MAX_KB_EMPTY + SLED_MAX_KB_EACH * articles,
            "{sled_kb} KiB of sled, {articles} articles"
        );
    }
    if length < JUDGED_FROM {
        println!("NOT JUDGED: {length:?} are too short");
        return;
    }
    let steady: Vec<Sample> = samples.iter().filter(|sample| sample.at >= WARMED_UP).copied().collect();
    let (first, second) = steady.split_at(steady.len() / 2);
    let (before, after) = (mean(first), mean(second));
    println!("resident KiB, mean of the first and of the second half after {WARMED_UP:?}: {before}, {after}");
    assert!(after < before + GROWTH_MAX_KB, "resident KiB grew from {before} to {after}");
    for of in [|one: &Sample| one.descriptors, |one: &Sample| one.threads] {
        let (before, after) = (most(first, of), most(second, of));
        assert!(after <= before + DESCRIPTORS_SPREAD, "descriptors or threads grew from {before} to {after}");
    }
}
