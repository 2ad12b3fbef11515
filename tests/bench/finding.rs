//! What it costs to find records: `cargo bench --bench finding`, and with `-- --full` on a million of them (half an hour,
//! 12 GB in the folder for temporary files).
//!
//! Records of 200 words by Zipf's law in four languages, of 50 sources over three years. Questions go through the local
//! API in this process, as they do when no daemon runs, and each answer is read to its end; a daemon adds its socket. Beside
//! them, on the same records as NDJSON and in the same run, `rg`, and SQLite's FTS5 in Python, where these are
//! installed. At last the whole command, asked of a daemon on the store.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::Request;
use chapar::local_api;
use chapar::model::ArticleId;
use chapar::novelty::text_digest;
use chapar::pipeline::{Active, Engine, reindex};
use chapar::record::Record;
use chapar::settings::Settings;
use chapar::store::Settled;
use http_body_util::BodyExt;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};
use tower::ServiceExt;
use words::{Words, cyrillic, scatter};

#[path = "made/words.rs"]
mod words;

/// Words of a record.
const WORDS: u64 = 200;

/// Records in a commit.
const BATCH: u64 = 50;

const LANGUAGES: [&str; 4] = ["en", "ru", "kk", "uz-Latn"];
const TOPICS: [&str; 5] = ["energy", "trade_investment", "water_environment", "transport_corridors", "labour"];
const COUNTRIES: [&str; 5] = ["KZ", "UZ", "KG", "TJ", "TM"];

/// The newest record's time; the others were recorded one after the other in the three years before.
const END: &str = "2026-11-22T08:00:00Z";

/// What is measured of each kind of question.
struct Asked {
    what: &'static str,
    /// Path and body, of each question.
    questions: Vec<(&'static str, Value)>,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    // `cargo test --benches` gives no `--bench`: it is to see that the program works.
    let is_measured = arguments.iter().any(|argument| argument == "--bench");
    let (size, rounds) = match (is_measured, arguments.iter().any(|argument| argument == "--full")) {
        (false, _) => (300, 3),
        (true, false) => (50_000, 100),
        (true, true) => (1_000_000, 200),
    };
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("chapar.toml");
    std::fs::write(&config, settings(folder.path())).unwrap();
    let words = Words::new();
    let active = Active::for_reading(Settings::load(Some(&config)).unwrap()).unwrap();
    let engine = Arc::new(Engine::open(active).unwrap());
    let lines = folder.path().join("records.ndjson");
    let raw_text = grow(&engine, &words, size, &lines);

    let start = Instant::now();
    reindex(&engine, &mut |_| true).unwrap();
    let (taken, index) = (start.elapsed().as_secs_f64(), bytes_of(&folder.path().join("store/index")));
    println!(
        "{size} records, {:.0} bytes of text each; indexed at {:.0} records/s, {:.0} bytes each: {:.2} of the text",
        raw_text as f64 / size as f64,
        size as f64 / taken,
        index as f64 / size as f64,
        index as f64 / raw_text as f64
    );
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let router = local_api::router(Arc::clone(&engine), None);
    println!("{:<34} {:>8} {:>8} {:>8} {:>10}", "question", "p50 ms", "p99 ms", "most ms", "mean found");
    let kinds = questions(&words, size, rounds);
    for Asked { what, questions } in &kinds {
        let mut taken = Vec::new();
        let mut found = 0;
        for (path, body) in questions {
            let start = Instant::now();
            let answer = runtime.block_on(ask(&router, path, body));
            taken.push(start.elapsed());
            found += match serde_json::from_slice::<Value>(&answer).unwrap_or_default() {
                Value::Object(answer) if answer.contains_key("count") => answer["count"].as_u64().unwrap(),
                _ => answer.iter().filter(|byte| **byte == b'\n').count() as u64,
            };
        }
        show(what, &mut taken, found as f64 / questions.len() as f64);
    }
    beside_rg(&runtime, &router, &words, &lines, if is_measured { 5 } else { 1 });
    beside_sqlite(&kinds, &lines, folder.path());
    drop((router, engine));
    whole_command(&config, &kinds, folder.path(), rounds.min(50));
}

fn show(what: &str, taken: &mut [Duration], found: f64) {
    taken.sort();
    let at = |percent: usize| millis(taken[(taken.len() * percent / 100).min(taken.len() - 1)]);
    println!("{what:<34} {:>8.2} {:>8.2} {:>8.2} {found:>10.1}", at(50), at(99), at(100));
}

async fn ask(router: &axum::Router, path: &str, body: &Value) -> Vec<u8> {
    let request = Request::post(path).header("content-type", "application/json").body(Body::from(body.to_string()));
    let answer = router.clone().oneshot(request.unwrap()).await.unwrap();
    let is_success = answer.status().is_success();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes().to_vec();
    assert!(is_success, "{}", String::from_utf8_lossy(&bytes));
    bytes
}

/// Words of the ranks that people ask for: not the hundred most frequent ones.
fn questions(words: &Words, size: u64, rounds: u64) -> Vec<Asked> {
    let any = |round: u64, among: usize| scatter(round) as usize % among;
    let word = |round: u64| in_language(words.word_of_rank(5_000 + any(round, 40_000)), round);
    let pair = |round: u64| {
        let record = scatter(round ^ 0xfa15e) % size + 1;
        let at = 20 + scatter(round) % (WORDS - 40);
        let word = |at| in_language(words.word(scatter(record << 20 | at)), record);
        format!("{} {}", word(at), word(at + 1))
    };
    let frequent = |round: u64| in_language(words.word_of_rank(100 + any(round, 1_000)), round);
    let days = |round: u64| {
        let until: Timestamp = END.parse().unwrap();
        let until = until - (24 * any(round, 900) as i64).hours();
        (until - (24 * 30).hours(), until)
    };
    let kind = |what, path, body: &dyn Fn(u64) -> Value| Asked {
        what,
        questions: (0..rounds).map(|round| (path, body(round))).collect(),
    };
    vec![
        kind("a rare word, newest 50", "/v1/query", &|round| json!({"q": word(round), "limit": 50})),
        kind("a frequent word, newest 50", "/v1/query", &|round| json!({"q": frequent(round), "limit": 50})),
        kind(
            "as written, newest 50",
            "/v1/query",
            &|round| json!({"q": format!("\"{}\"", frequent(round)), "limit": 50}),
        ),
        kind("a phrase, newest 50", "/v1/query", &|round| json!({"q": format!("\"{}\"", pair(round)), "limit": 50})),
        kind(
            "two words, nearest 50",
            "/v1/query",
            &|round| json!({"q": format!("{} {}", frequent(round), frequent(round + 7)), "limit": 50, "sort": "relevance"}),
        ),
        kind(
            "a beginning, newest 50",
            "/v1/query",
            &|round| json!({"q": format!("{}*", frequent(round).chars().take(4).collect::<String>()), "limit": 50}),
        ),
        kind("word, filters, 30 days, newest 50", "/v1/query", &|round| {
            let (since, until) = days(round);
            let (topic, country) = (TOPICS[any(round, 5)], COUNTRIES[any(round + 1, 5)]);
            json!({"q": format!("{} topic:{topic} country:{country}", frequent(round)), "limit": 50,
                "filters": {"since": since.to_string(), "until": until.to_string()}})
        }),
        kind("how many have a word", "/v1/count", &|round| json!({"q": frequent(round)})),
        kind("a word's topics", "/v1/stats", &|round| json!({"q": frequent(round), "by": ["topic"]})),
        kind("a word's days", "/v1/stats", &|round| json!({"q": frequent(round), "by": ["day"]})),
        kind("all topics", "/v1/stats", &|_| json!({"by": ["topic"]})),
        kind("all days", "/v1/stats", &|_| json!({"by": ["day"]})),
        kind("newest 50 of all", "/v1/query", &|_| json!({"limit": 50})),
    ]
}

/// A word as a record's language writes it.
fn in_language(word: &str, record: u64) -> String {
    if record % 4 == 1 || record % 4 == 2 { cyrillic(word) } else { word.to_owned() }
}

/// Commits the records, and writes them as NDJSON; says how many bytes their texts have.
fn grow(engine: &Engine, words: &Words, size: u64, path: &Path) -> u64 {
    let mut file = BufWriter::new(std::fs::File::create(path).unwrap());
    let (mut number, mut text) = (0, 0);
    while number < size {
        let (mut lines, mut settled) = (Vec::new(), Vec::new());
        for number in number..size.min(number + BATCH) {
            let record = record(words, number + 1, size);
            text += (record.content_text.len() + record.title.as_ref().map_or(0, String::len)) as u64;
            serde_json::to_writer(&mut lines, &record).unwrap();
            lines.push(b'\n');
            settled.push(Settled::from_record(&record));
        }
        engine.store.commit(&lines, &settled).unwrap();
        file.write_all(&lines).unwrap();
        number += settled.len() as u64;
        engine.store.renew_snapshot().unwrap();
    }
    file.flush().unwrap();
    text
}

fn record(words: &Words, number: u64, size: u64) -> Record {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&scatter(number).to_be_bytes());
    id[8..].copy_from_slice(&number.to_be_bytes());
    let word = |at| in_language(words.word(scatter(number << 20 | at)), number);
    let all: Vec<String> = (0..WORDS).map(word).collect();
    let text = all.join(" ");
    let end: Timestamp = END.parse().unwrap();
    let age = 3 * 365 * 24 * 3_600 * i128::from(size - number) / i128::from(size);
    let url = format!("https://news.example/{number}/");
    let any = |salt: u64, among: usize| scatter(number ^ salt) as usize % among;
    let (topic, country) = (TOPICS[any(1, 5)], COUNTRIES[any(2, 5)]);
    serde_json::from_value(json!({
        "schema": chapar::record::SCHEMA, "seq": number, "id": ArticleId(id), "version": 1, "event": "new",
        "recorded_at": end - (age as i64).seconds(), "url": url, "title": all[..8].join(" "),
        "language": LANGUAGES[(number % 4) as usize], "language_confidence": 0.98, "word_count": WORDS,
        "places": [{"code": country, "score": 2.0, "matched": [country]}],
        "topics": [{"id": topic, "name": topic, "score": 3.5, "matched": []}],
        "source": {"id": format!("source-{}", any(3, 50)), "name": "News", "kind": "feed", "feed_url": "https://news.example/feed/"},
        "fetch": {"at": end, "final_url": url, "status": 200, "bytes": 48_213},
        "extract": {"path": "blocks", "confidence": 0.9}, "dedup": {"text_digest": text_digest(&text)},
        "rules": {"digest": "0123456789abcdef"}, "chapar": "0.1.0", "content_text": text
    }))
    .unwrap()
}

fn settings(folder: &Path) -> String {
    // A source that is never polled: nobody listens there, and the first poll is enough to know.
    format!(
        "[store]\npath = \"{}\"\n[schedule]\nmin = \"24h\"\n[http]\nallow_private = [\"127.0.0.0/8\"]\n\n[[source]]\nid = \
         \"none\"\nname = \"None\"\nhomepage = \"http://127.0.0.1:9/\"\nurl = \"http://127.0.0.1:9/feed\"\nkind = \"feed\"\n",
        folder.join("store").display()
    )
}

/// Counting the lines with a word, in turn with `rg`.
fn beside_rg(runtime: &tokio::runtime::Runtime, router: &axum::Router, words: &Words, lines: &Path, rounds: usize) {
    let run = |arguments: &[&str]| Command::new("rg").args(arguments).arg(lines).stdout(Stdio::piped()).output();
    if run(&["--version"]).is_err() {
        println!("rg is not installed: nothing is measured beside it");
        return;
    }
    let (mut ours, mut theirs) = (Duration::ZERO, Duration::ZERO);
    for round in 0..rounds {
        let word = words.word_of_rank(300 + 100 * round);
        let start = Instant::now();
        runtime.block_on(ask(router, "/v1/count", &json!({"q": format!("\"{word}\"")})));
        ours += start.elapsed();
        let start = Instant::now();
        run(&["--count", "--word-regexp", "--fixed-strings", word]).unwrap();
        theirs += start.elapsed();
    }
    let mean = |taken: Duration| millis(taken) / rounds as f64;
    println!(
        "a word's count: {:.2} ms; rg over the same as NDJSON {:.0} ms: {:.0} times as long",
        mean(ours),
        mean(theirs),
        mean(theirs) / mean(ours)
    );
}

/// The same questions to SQLite's FTS5, whose words are as they are written.
const SQLITE: &str = r#"
import json, sqlite3, sys, time
lines, folder, asked = sys.argv[1:4]
start = time.time()
db = sqlite3.connect(folder + "/fts.db")
db.execute("PRAGMA journal_mode=OFF"); db.execute("PRAGMA synchronous=OFF")
db.execute("CREATE TABLE facts(seq INTEGER PRIMARY KEY, at TEXT, topic TEXT, country TEXT)")
db.execute("CREATE VIRTUAL TABLE t USING fts5(title, text, content='', detail='full')")
for line in open(lines, encoding="utf-8"):
    r = json.loads(line)
    db.execute("INSERT INTO t(rowid, title, text) VALUES(?,?,?)", (r["seq"], r["title"], r["content_text"]))
    db.execute("INSERT INTO facts VALUES(?,?,?,?)", (r["seq"], r["recorded_at"], r["topics"][0]["id"], r["places"][0]["code"]))
db.execute("CREATE INDEX facts_at ON facts(at)")
db.commit()
size = db.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").fetchone()[0]
print("SQLite FTS5: built in %.0f s, %.0f MB" % (time.time() - start, size / 1e6))
for what, kind, questions in json.load(open(asked)):
    taken = []
    for q in questions:
        start = time.perf_counter()
        words = '"' + q["words"] + '"' + ("*" if kind == "beginning" else "")
        if kind == "filtered":
            db.execute("SELECT t.rowid FROM t JOIN facts ON facts.seq = t.rowid WHERE t MATCH ? AND topic = ? AND country = ? AND at >= ? AND at < ? ORDER BY t.rowid DESC LIMIT 50",
                (words, q["topic"], q["country"], q["since"], q["until"])).fetchall()
        elif kind == "topics":
            db.execute("SELECT topic, count(*) FROM t JOIN facts ON facts.seq = t.rowid WHERE t MATCH ? GROUP BY topic", (words,)).fetchall()
        elif kind == "count":
            db.execute("SELECT count(*) FROM t WHERE t MATCH ?", (words,)).fetchall()
        else:
            db.execute("SELECT rowid FROM t WHERE t MATCH ? ORDER BY rowid DESC LIMIT 50", (words,)).fetchall()
        taken.append(time.perf_counter() - start)
    taken.sort()
    at = lambda p: taken[min(len(taken) * p // 100, len(taken) - 1)] * 1e3
    print("  %-32s %8.2f %8.2f %8.2f" % (what, at(50), at(99), at(100)))
"#;

fn beside_sqlite(kinds: &[Asked], lines: &Path, folder: &Path) {
    let asked: Vec<Value> = kinds
        .iter()
        .filter_map(|asked| {
            let kind = match asked.what {
                "a rare word, newest 50" | "as written, newest 50" | "a phrase, newest 50" => "find",
                "a beginning, newest 50" => "beginning",
                "word, filters, 30 days, newest 50" => "filtered",
                "how many have a word" => "count",
                "a word's topics" => "topics",
                _ => return None,
            };
            let questions: Vec<Value> = asked.questions.iter().map(|(_, body)| for_sqlite(body)).collect();
            Some(json!([asked.what, kind, questions]))
        })
        .collect();
    let path = folder.join("asked.json");
    std::fs::write(&path, serde_json::to_vec(&asked).unwrap()).unwrap();
    let run = Command::new("python3").args(["-c", SQLITE]).args([lines, folder, &path]).status();
    if !run.is_ok_and(|status| status.success()) {
        println!("there is no Python with SQLite's FTS5: nothing is measured beside it");
    }
}

/// A question as its words, and what else it asks for.
fn for_sqlite(body: &Value) -> Value {
    let q = body["q"].as_str().unwrap();
    let value = |field: &str| q.split(' ').find_map(|term| term.strip_prefix(field)).map(str::to_owned);
    let words: Vec<&str> = q.split(' ').filter(|term| !term.contains(':')).collect();
    json!({
        "words": words.join(" ").replace(['"', '*'], ""), "topic": value("topic:"), "country": value("country:"),
        "since": body["filters"]["since"], "until": body["filters"]["until"],
    })
}

/// `chapar query`, from its start to its end, asked of a daemon; and the daemon's memory after that.
fn whole_command(config: &Path, kinds: &[Asked], folder: &Path, rounds: u64) {
    let command = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chapar"));
        command.arg("--config").arg(config).args(arguments).stdout(Stdio::piped()).stderr(Stdio::null());
        command
    };
    let mut daemon = command(&["run"]).spawn().unwrap();
    let socket: PathBuf = folder.join("store/chapar.sock");
    let start = Instant::now();
    while !socket.exists() {
        assert!(start.elapsed() < Duration::from_secs(60), "the daemon does not start");
        std::thread::sleep(Duration::from_millis(20));
    }
    for asked in kinds.iter().filter(|asked| asked.questions[0].0 == "/v1/query" && asked.what.contains("50")).take(2) {
        let mut taken = Vec::new();
        for (_, body) in asked.questions.iter().take(rounds as usize) {
            let start = Instant::now();
            let answer = command(&["query", "-n", "50", body["q"].as_str().unwrap()]).output().unwrap();
            taken.push(start.elapsed());
            assert!(matches!(answer.status.code(), Some(0 | 3)), "{answer:?}");
        }
        show(&format!("chapar query, {}", asked.what), &mut taken, 0.0);
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.id())).unwrap_or_default();
    let memory = status.lines().filter(|line| line.starts_with("VmRSS") || line.starts_with("RssAnon"));
    println!("the daemon: {}", memory.collect::<Vec<_>>().join(", ").replace('\t', " "));
    daemon.kill().unwrap();
    daemon.wait().unwrap();
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
