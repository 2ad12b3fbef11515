//! What it costs to read a page, beside what its tree alone costs: `cargo bench --bench reading`, on pages made here;
//! `-- FOLDER` reads the `.html` files of a folder, `-- hostile` the pages of the hostile tests, one by one.
//!
//! The floor is a tree of the whole page by scraper (html5ever), as any extractor on it must build it. All rows are
//! measured in turn, round after round, and the quickest round of each counts: others may use the machine meanwhile.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

#[path = "../program/hostile_pages/kinds.rs"]
mod kinds;
#[path = "reading/pages.rs"]
mod pages;

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use chapar::extract::{Hints, extract};
use chapar::model::{ContentFrom, Page};
use chapar::text::guard::guard;
use jiff::tz::TimeZone;
use kinds::{Holds, PARAGRAPHS};
use scraper::Html;

/// How long the rounds go on.
const BUDGET: Duration = Duration::from_secs(15);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test --benches` gives no `--bench`: it is to see that the program works.
    let is_measured = arguments.iter().any(|argument| argument == "--bench");
    let budget = if is_measured { BUDGET } else { Duration::ZERO };
    match arguments.iter().find(|argument| !argument.starts_with('-')).map(String::as_str) {
        Some("hostile") => each_hostile(),
        Some(folder) => table(&of_folder(Path::new(folder)), budget),
        None => table(&pages::news(if is_measured { 200 } else { 4 }), budget),
    }
}

fn of_folder(folder: &Path) -> Vec<Vec<u8>> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|kind| kind == "html")).collect();
    files.sort();
    files.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

fn read(bytes: &[u8]) -> String {
    let url = "https://steppe.example/2026/news/ferry".parse().ok();
    let page = Page {
        final_url: url.clone(),
        url,
        status: 200,
        content_type: Some("text/html".to_owned()),
        bytes: bytes.to_vec(),
        fetched_at: "2026-11-22T06:00:00Z".parse().ok(),
    };
    let hints = Hints { announced: None, zone: &TimeZone::UTC, rule: None, content: ContentFrom::Page, template: None };
    extract(&page, &hints).article.content_text
}

/// One way through a page: what is done with its bytes and with their text.
type Step = (&'static str, fn(&[u8], &str));

const STEPS: [Step; 5] = [
    ("tree of the whole page", |_, text| drop(black_box(Html::parse_document(text)))),
    ("guard", |_, text| drop(black_box(guard(text)))),
    ("guard, then tree", |_, text| drop(black_box(Html::parse_document(&guard(text).html)))),
    ("bytes to text", |bytes, _| drop(black_box(String::from_utf8_lossy(bytes).into_owned()))),
    ("whole reading", |bytes, _| drop(black_box(read(bytes)))),
];

fn table(pages: &[Vec<u8>], budget: Duration) {
    let texts: Vec<String> = pages.iter().map(|page| String::from_utf8_lossy(page).into_owned()).collect();
    let bytes: usize = pages.iter().map(Vec::len).sum();
    let mut best = [f64::INFINITY; STEPS.len()];
    let (begin, mut rounds) = (Instant::now(), 0);
    while rounds == 0 || begin.elapsed() < budget {
        for (best, (_, step)) in best.iter_mut().zip(STEPS) {
            let begin = Instant::now();
            pages.iter().zip(&texts).for_each(|(page, text)| step(page, text));
            *best = best.min(begin.elapsed().as_secs_f64());
        }
        rounds += 1;
    }
    println!("{} pages of {} KB mean, {rounds} rounds", pages.len(), bytes / pages.len() / 1_000);
    println!("{:<24} {:>10} {:>10} {:>10} {:>14}", "", "ms a page", "MB/s", "pages/s", "of the floor");
    for (seconds, (name, _)) in best.iter().zip(STEPS) {
        let count = pages.len() as f64;
        println!(
            "{name:<24} {:>10.3} {:>10.1} {:>10.0} {:>14.2}",
            1_000.0 * seconds / count,
            bytes as f64 / seconds / 1e6,
            count / seconds,
            seconds / best[0]
        );
    }
}

fn each_hostile() {
    println!("{:<48} {:>8} {:>10} {:>10} {:>10}  article", "", "MB", "tree ms", "whole ms", "ms a MB");
    for kind in kinds::KINDS {
        let page = (kind.page)();
        let (megabytes, text) = (page.len() as f64 / 1e6, String::from_utf8_lossy(&page));
        let begin = Instant::now();
        drop(black_box(Html::parse_document(&guard(&text).html)));
        let tree = 1e3 * begin.elapsed().as_secs_f64();
        let begin = Instant::now();
        let found = read(&page);
        let whole = 1e3 * begin.elapsed().as_secs_f64();
        let article = match kind.holds {
            Holds::Article | Holds::Buried if PARAGRAPHS.iter().all(|paragraph| found.contains(paragraph)) => "found",
            Holds::Article => "LOST",
            Holds::Buried => "lost",
            Holds::Nothing | Holds::Noise => "none",
        };
        println!(
            "{:<48} {megabytes:>8.2} {tree:>10.1} {whole:>10.1} {:>10.1}  {article}",
            kind.name,
            whole / megabytes
        );
    }
}
