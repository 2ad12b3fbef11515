//! What it costs to schedule 10,000 sources, by a simulated clock: `cargo bench --bench scheduling`.
//!
//! The sources publish between once a week and a hundred times a day, four of five entries within twelve hours of the
//! day. Each poll takes the source from the queue, counts its new entries into its rhythm, and puts it back; the second
//! row reads and writes its state in a store on disk as well. Fetching and reading are not part of it.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::time::Duration;

use chapar::model::{OffsetTime, SourceId};
use chapar::poll::queue::Queue;
use chapar::poll::rhythm::{Dated, Rhythm};
use chapar::poll::schedule::{Habits, Limits, Wishes};
use chapar::settings::ScheduleSection;
use chapar::store::{FrontierLimits, SourceState, Store};
use jiff::{SignedDuration, Timestamp};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// The clock's start; any will do.
const START: i64 = 1_800_000_000;

/// Linux counts the CPU time of a process in hundredths of a second.
const TICKS_PER_SECOND: f64 = 100.0;

fn main() {
    // `cargo test --benches` gives no `--bench`: it is to see that the program works.
    let is_measured = std::env::args().any(|argument| argument == "--bench");
    let (sources, days) = if is_measured { (10_000, 4) } else { (100, 2) };
    println!(
        "{sources} sources at default settings, {days} simulated days, the last one measured; with the store an hour"
    );
    println!("{:<28} {:>12} {:>14} {:>12} {:>12}", "", "polls a day", "CPU s a day", "of a core", "B a source");
    let before = resident_bytes();
    let mut world = World::new(sources);
    let bytes = resident_bytes().saturating_sub(before) / sources as u64;
    for _ in 1..days {
        world.run(DAY, World::next_in_memory);
    }
    row("schedule", world.measured(DAY, World::next_in_memory), Some(bytes));
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), 16 << 20, 64 << 20, Duration::ZERO, None).unwrap();
    world.save_all(&store);
    let (polls, seconds) = world.measured(HOUR, |world, source, now| world.next_in_store(&store, source, now));
    row("with its state in the store", (polls * 24, seconds * 24.0), None);
    println!("resident at the end: {} MiB", resident_bytes() >> 20);
}

fn row(name: &str, (polls, seconds): (u64, f64), bytes: Option<u64>) {
    let share = 100.0 * seconds / DAY.as_secs_f64();
    let bytes = bytes.map(|bytes| bytes.to_string()).unwrap_or_default();
    println!("{name:<28} {polls:>12} {seconds:>14.2} {share:>10.4} % {bytes:>12}");
}

struct World {
    now: Timestamp,
    queue: Queue,
    sources: Vec<Publisher>,
    limits: Limits,
}

/// A source, and the entries that it will publish.
struct Publisher {
    id: SourceId,
    rhythm: Rhythm,
    polled: Option<Timestamp>,
    gap: f64,
    morning: i64,
    next_entry: Timestamp,
    random: u64,
}

impl World {
    fn new(count: usize) -> Self {
        let schedule = ScheduleSection::default();
        let limits = Limits {
            fixed: None,
            start: schedule.interval.0,
            min: schedule.min.0,
            max: schedule.max.0,
            jitter: schedule.jitter,
        };
        let now = Timestamp::from_second(START).unwrap();
        let sources: Vec<Publisher> = (0..count).map(|number| Publisher::new(number, count, now)).collect();
        let never = sources.iter().map(|source| (Timestamp::UNIX_EPOCH, source.id.clone())).collect();
        Self { now, queue: Queue::planned(never, now), sources, limits }
    }

    /// Polls and CPU seconds of so much simulated time.
    fn measured(&mut self, time: Duration, next: impl Fn(&mut Self, usize, Timestamp) -> Timestamp) -> (u64, f64) {
        let before = cpu_seconds();
        let polls = self.run(time, next);
        (polls, cpu_seconds() - before)
    }

    fn run(&mut self, time: Duration, next: impl Fn(&mut Self, usize, Timestamp) -> Timestamp) -> u64 {
        let end = self.now.checked_add(time).unwrap();
        let mut polls = 0;
        while let Some(due) = self.queue.next_due().filter(|due| *due < end) {
            self.now = due.max(self.now);
            let Some(id) = self.queue.take_due(self.now) else { break };
            let place: usize = id.as_str()[1..].parse().unwrap();
            let due = next(self, place, self.now);
            self.queue.put(id, due);
            polls += 1;
        }
        self.now = end;
        polls
    }

    fn next_in_memory(&mut self, place: usize, now: Timestamp) -> Timestamp {
        let source = &mut self.sources[place];
        let new = source.published_until(now);
        source.rhythm.observe(&new, source.polled, now);
        source.polled = Some(now);
        habits(&source.id, &source.rhythm, self.limits).after_answer(now)
    }

    fn save_all(&self, store: &Store) {
        for source in &self.sources {
            let url = format!("https://{}.example/feed/", source.id).parse().ok();
            let state = SourceState {
                rhythm: source.rhythm.clone(),
                last_success: source.polled,
                polled_url: url,
                etag: Some("\"0123456789abcdef\"".to_owned()),
                ..SourceState::default()
            };
            store.save_source_state(&source.id, &state).unwrap();
        }
    }

    fn next_in_store(&mut self, store: &Store, place: usize, now: Timestamp) -> Timestamp {
        let (source, limits) = (&mut self.sources[place], self.limits);
        let new = source.published_until(now);
        let before = store.source_state(&source.id).unwrap();
        let id = source.id.clone();
        let room = FrontierLimits { all: 1, of_source: 1 };
        let admitted = store.admit(&id, &[], now, room, |_| {
            let mut state = before.clone();
            state.rhythm.observe(&new, state.last_success, now);
            (state.last_success, state.last_poll) = (Some(now), Some(now));
            state.next_poll = Some(habits(&id, &state.rhythm, limits).after_answer(now));
            state
        });
        admitted.unwrap().1.next_poll.unwrap()
    }
}

fn habits<'a>(source: &'a SourceId, rhythm: &'a Rhythm, limits: Limits) -> Habits<'a> {
    Habits { source, rhythm, wishes: Wishes::default(), limits }
}

impl Publisher {
    /// From one entry a week to a hundred a day, evenly by the logarithm.
    fn new(number: usize, count: usize, now: Timestamp) -> Self {
        let share = number as f64 / count as f64;
        let gap = 7.0 * DAY.as_secs_f64() * (1.0_f64 / 700.0).powf(share);
        let morning = (number % 24) as i64 * 3600;
        let id = format!("s{number}").parse().unwrap();
        Self { id, rhythm: Rhythm::default(), polled: None, gap, morning, next_entry: now, random: number as u64 }
    }

    /// The entries since the last call: a Poisson process, of whose entries at night three of four are left out.
    fn published_until(&mut self, now: Timestamp) -> Vec<Option<Dated>> {
        let mut new = Vec::new();
        while self.next_entry <= now {
            let is_night = (self.next_entry.as_second() - self.morning).rem_euclid(24 * 3600) > 12 * 3600;
            if !is_night || self.random() < 0.25 {
                new.push(Some(Dated::from(OffsetTime::utc(self.next_entry))));
            }
            // The gap of the whole is longer than that of the process by what is left out.
            let wait = -self.random().max(1e-9).ln() * self.gap * 0.625;
            self.next_entry = self.next_entry.checked_add(SignedDuration::from_secs_f64(wait)).unwrap();
        }
        new
    }

    /// 0 to 1 (splitmix64): the same in every run.
    fn random(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) as f64 / u64::MAX as f64
    }
}

/// CPU time of all threads so far.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    // Fields 14 and 15 of proc_pid_stat(5), of which two precede these.
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / TICKS_PER_SECOND
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}
