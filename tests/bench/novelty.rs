//! What it costs to know an article again, by how many are known: `cargo bench --bench novelty`, and with `-- --full` up
//! to a million articles (ten minutes, 3 GB in the folder for temporary files).
//!
//! Texts of 300 to 500 words from a vocabulary by Zipf's law; one in twenty is a copy of an earlier one with another
//! beginning, cut and with some words changed. The store grows through [`Store::commit`]; then so many new texts are
//! judged, first step by step, then by the committer.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chapar::commit::{Candidate, Committer, Ending, Finished};
use chapar::model::{Announced, Article, ArticleId, Entry, LanguageLabel, Look, Outcome, Pending, Seq, SourceKind};
use chapar::novelty::near::{self, Boilerplate, Profile, Shelf, Sketch};
use chapar::novelty::text_digest;
use chapar::record::{FetchTrace, Record, RecordSource};
use chapar::settings::NoveltySection;
use chapar::store::{Seen, Settled, Sketched, Store, StoreError};
use jiff::Timestamp;
use words::{Words, scatter};

#[path = "made/words.rs"]
mod words;

/// Texts that are judged at each size.
const JUDGED: u64 = 1_000;

/// One in so many texts is a copy.
const COPY_EVERY: u64 = 20;

/// As the committer does.
const BATCH: u64 = 50;

fn main() {
    // `cargo test --benches` gives no `--bench`: it is to see that the program works.
    let is_measured = std::env::args().any(|argument| argument == "--bench");
    let is_full = std::env::args().any(|argument| argument == "--full");
    let (sizes, judged): (&[u64], u64) = match (is_measured, is_full) {
        (false, _) => (&[200], 50),
        (true, false) => (&[10_000, 100_000], JUDGED),
        (true, true) => (&[10_000, 100_000, 1_000_000], JUDGED),
    };
    println!("{judged} texts at each size, µs of CPU a text; sled in bytes an article; resident in MiB");
    println!(
        "{:>9} {:>8} {:>8} {:>8} {:>8} {:>8} | {:>8} {:>8} {:>8} | {:>6} {:>6} {:>8} {:>8}",
        "known",
        "sketch",
        "look-up",
        "verify",
        "all",
        "commit",
        "sketches",
        "compared",
        "sled",
        "found",
        "false",
        "resident",
        "growth"
    );
    let folder = tempfile::tempdir().unwrap();
    let settings = NoveltySection::default();
    let store = Store::open(folder.path(), 16 << 20, 64 << 20, Duration::ZERO, Some(settings.window.0)).unwrap();
    let world = World::new();
    let mut next = 0;
    for size in sizes {
        let started = Instant::now();
        let grown = *size - next;
        while next < *size {
            grow(&store, &world, next..next + BATCH.min(size - next));
            next += BATCH.min(size - next);
        }
        let growth = started.elapsed().as_secs_f64() * 1e6 / grown as f64;
        let steps = judged_by_steps(&store, &world, next, judged);
        let commits = judged_by_committer(&store, &settings, &world, next, judged);
        next += judged;
        let all = steps.sketch + steps.look_up + steps.verify;
        println!(
            "{size:>9} {:>8.0} {:>8.0} {:>8.0} {all:>8.0} {:>8.0} | {:>8.1} {:>8.2} {:>8} | {:>6} {:>6} {:>8} {growth:>8.0}",
            steps.sketch,
            steps.look_up,
            steps.verify,
            commits.micros,
            steps.sketches,
            steps.compared,
            bytes_of(&folder.path().join("sled")) / size,
            format!("{}/{}", commits.found, commits.copies),
            commits.wrong,
            resident_bytes() >> 20,
        );
    }
    drop(store);
    let started = Instant::now();
    let store =
        Store::open(folder.path(), 16 << 20, 64 << 20, Duration::from_secs(5), Some(settings.window.0)).unwrap();
    let opened = started.elapsed();
    let started = Instant::now();
    let _committer = Committer::new(&store, &settings);
    println!(
        "opened in {:.2} s, the committer learned in {:.2} s",
        opened.as_secs_f64(),
        started.elapsed().as_secs_f64()
    );
}

/// The texts, each by its number.
struct World {
    words: Words,
}

impl World {
    fn new() -> Self {
        Self { words: Words::new() }
    }

    /// What a text is a copy of; the copies of copies are copies of the first.
    fn original(&self, number: u64) -> Option<u64> {
        if number % COPY_EVERY != COPY_EVERY - 1 {
            return None;
        }
        let of = scatter(number ^ 0x5eed) % number;
        self.original(of).or(Some(of))
    }

    fn text(&self, number: u64) -> String {
        let Some(original) = self.original(number) else { return self.words_of(number).join(" ") };
        let mut words = self.words_of(original);
        let own = self.words_of(number);
        // One word in thirty changed, another headline, the last fifth cut.
        let length = words.len() * 4 / 5;
        words.truncate(length);
        (0..length).step_by(30).for_each(|at| words[at] = own[at % own.len()]);
        own[..10].iter().chain(&words).copied().collect::<Vec<_>>().join(" ")
    }

    fn words_of(&self, number: u64) -> Vec<&str> {
        let mut random = scatter(number.wrapping_add(1));
        let length = 300 + random % 201;
        let next = |_| {
            random = random.wrapping_add(0x9e37_79b9_7f4a_7c15);
            self.words.word(scatter(random))
        };
        (0..length).map(next).collect()
    }
}

/// Enters texts as they would be when judged rightly: copies leave no record.
fn grow(store: &Store, world: &World, numbers: std::ops::Range<u64>) {
    let (mut lines, mut settled) = (Vec::new(), Vec::new());
    let mut seq = store.next_seq();
    for number in numbers {
        if world.original(number).is_some() {
            continue;
        }
        let finished = finished(world, number);
        let Ending::Article(candidate) = finished.ending else { continue };
        let id = candidate.identity;
        let record: Record = serde_json::from_value(serde_json::json!({
            "schema": chapar::record::SCHEMA, "seq": seq, "id": id, "version": 1, "event": "new",
            "recorded_at": Timestamp::now(), "url": candidate.url, "content_text": candidate.article.content_text,
            "language": "en", "language_confidence": 1.0, "word_count": 400,
            "source": candidate.source, "fetch": candidate.fetch, "extract": {"path": "test", "confidence": 1.0},
            "dedup": {"text_digest": candidate.text_digest}, "rules": {"digest": "0"}, "chapar": "0"
        }))
        .unwrap();
        serde_json::to_writer(&mut lines, &record).unwrap();
        lines.push(b'\n');
        let sketched = candidate.profile.sketch().map(|sketch| Sketched {
            id,
            sketch: sketch.clone(),
            at: record.recorded_at,
            language: "en".to_owned(),
        });
        settled.push(Settled { sketch: sketched, ..Settled::from_record(&record) });
        seq = seq.next();
    }
    store.commit(&lines, &settled).unwrap();
}

struct Steps {
    sketch: f64,
    look_up: f64,
    verify: f64,
    sketches: f64,
    compared: f64,
}

/// The store as a shelf, with counters.
struct Counted<'a> {
    store: &'a Store,
    /// Whether candidates are compared, or only found.
    verifies: bool,
    sketches: Cell<u64>,
    compared: Cell<u64>,
}

impl Shelf for Counted<'_> {
    type Place = Seq;
    type Error = StoreError;

    fn with_key(&self, key: u32) -> Result<Vec<Seq>, StoreError> {
        self.store.records_with_key(key)
    }

    fn sketch(&self, place: Seq) -> Result<Option<Sketch>, StoreError> {
        self.sketches.set(self.sketches.get() + 1);
        Ok(self.store.sketched(place)?.map(|known| known.sketch))
    }

    fn profile(&self, place: Seq) -> Result<Option<std::sync::Arc<Profile>>, StoreError> {
        self.compared.set(self.compared.get() + 1);
        let line = if self.verifies { self.store.line(place)? } else { None };
        let text = |line: String| serde_json::from_str::<Record>(&line).unwrap().content_text;
        Ok(line.map(|line| std::sync::Arc::new(Profile::of(&text(line)))))
    }
}

fn judged_by_steps(store: &Store, world: &World, first: u64, count: u64) -> Steps {
    let texts: Vec<String> = (first..first + count).map(|number| world.text(number)).collect();
    let each = |before: f64| (cpu_micros() - before) / count as f64;
    let before = cpu_micros();
    let profiles: Vec<Profile> = texts.iter().map(|text| Profile::of(text)).collect();
    let sketch = each(before);
    let shelf = |verifies| Counted { store, verifies, sketches: Cell::default(), compared: Cell::default() };
    let (finding, verifying, common) = (shelf(false), shelf(true), Boilerplate::default());
    let before = cpu_micros();
    for profile in &profiles {
        near::find(&finding, profile, &common).unwrap();
    }
    let look_up = each(before);
    let before = cpu_micros();
    for profile in &profiles {
        near::find(&verifying, profile, &common).unwrap();
    }
    let verify = (each(before) - look_up).max(0.0);
    let share = |counter: &Cell<u64>| counter.get() as f64 / count as f64;
    Steps { sketch, look_up, verify, sketches: share(&finding.sketches), compared: share(&verifying.compared) }
}

struct Commits {
    micros: f64,
    copies: u64,
    found: u64,
    wrong: u64,
}

fn judged_by_committer(store: &Store, settings: &NoveltySection, world: &World, first: u64, count: u64) -> Commits {
    let mut committer = Committer::new(store, settings);
    let mut commits = Commits { micros: 0.0, copies: 0, found: 0, wrong: 0 };
    let numbers: Vec<u64> = (first..first + count).collect();
    for numbers in numbers.chunks(BATCH as usize) {
        let batch: Vec<Finished> = numbers.iter().map(|number| finished(world, *number)).collect();
        let before = cpu_micros();
        let outcomes = committer.commit(&batch, Timestamp::now()).unwrap();
        commits.micros += (cpu_micros() - before) / count as f64;
        for (number, outcome) in numbers.iter().zip(outcomes) {
            let of = store.seen(identity(*number)).unwrap().map(|seen: Seen| seen.of);
            match (world.original(*number), outcome) {
                (Some(original), Outcome::Duplicate) if of == Some(identity(original)) => commits.found += 1,
                (_, Outcome::Duplicate) => commits.wrong += 1,
                _ => {}
            }
            commits.copies += u64::from(world.original(*number).is_some());
        }
    }
    commits
}

fn identity(number: u64) -> ArticleId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&scatter(number).to_be_bytes());
    id[8..].copy_from_slice(&number.to_be_bytes());
    ArticleId(id)
}

fn finished(world: &World, number: u64) -> Finished {
    let text = world.text(number);
    let url: url::Url = format!("https://news.example/{number}").parse().unwrap();
    let source: chapar::model::SourceId = "news".parse().unwrap();
    let now = Timestamp::now();
    let entry =
        Entry { source: source.clone(), id: identity(number), url: url.clone(), announced: Announced::default() };
    let pending =
        Pending { entry, look: Look::First, admitted_at: now, attempts: 0, not_before: now, last_error: None };
    let candidate = Candidate {
        identity: identity(number),
        fetched_identity: identity(number),
        validators: chapar::http::Validators::default(),
        url: url.clone(),
        labels: chapar::model::Labels {
            language: LanguageLabel { tag: "en".to_owned(), confidence: 1.0 },
            places: Vec::new(),
            topics: Vec::new(),
        },
        text_digest: text_digest(&text),
        profile: Arc::new(Profile::of(&text)),
        article: Article { content_text: text, ..Article::default() },
        source: RecordSource {
            id: source,
            name: "News".to_owned(),
            kind: SourceKind::Feed,
            feed_url: "https://news.example/feed".parse().unwrap(),
            guid: None,
            announced_at: None,
        },
        fetch: FetchTrace {
            at: now,
            final_url: url,
            status: 200,
            content_type: None,
            charset: None,
            charset_from: None,
            bytes: 0,
        },
        rules: String::new(),
    };
    Finished { pending, ending: Ending::Article(Box::new(candidate)) }
}

fn bytes_of(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| if path.is_dir() { bytes_of(&path) } else { std::fs::metadata(path).map_or(0, |m| m.len()) })
        .sum()
}

/// CPU time of this thread, so that what else the machine does is not counted: the first field of schedstat, in ns.
fn cpu_micros() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e3
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}
