//! Sources that announce made-up articles, each by its number.

use chapar::model::{Announced, Digest, Entry, Pending, SourceId};
use chapar::novelty;
use chapar::store::{FrontierLimits, SourceState, Store};
use jiff::Timestamp;

/// Entries of a poll, and of a commit.
const POLL: u64 = 30;

/// Sources that announce them, in turn.
pub const SOURCES: u64 = 50;

/// So many articles as come with a poll, and the source that has them, one after another.
pub fn polls(numbers: std::ops::Range<u64>) -> impl Iterator<Item = (u64, std::ops::Range<u64>)> {
    let end = numbers.end;
    numbers.step_by(POLL as usize).map(move |first| ((first / POLL) % SOURCES, first..end.min(first + POLL)))
}

/// Admits what a source announces; another digest announces a change.
pub fn poll(store: &Store, source: u64, numbers: impl Iterator<Item = u64>, digest: u8, now: Timestamp) {
    let entries: Vec<(Entry, Digest)> = numbers.map(|number| (entry(source, number), Digest([digest; 16]))).collect();
    let limits = FrontierLimits { all: 100_000, of_source: 10_000 };
    let state = |_: &[Pending]| SourceState { last_named: Some(now), ..SourceState::default() };
    store.admit(&source_id(source), &entries, now, limits, state).unwrap();
}

/// The id of a source.
pub fn source_id(number: u64) -> SourceId {
    format!("news-site-{number}").parse().unwrap()
}

/// What a source announces of an article, with an address and a guid as WordPress gives them.
pub fn entry(source: u64, number: u64) -> Entry {
    let url: url::Url =
        format!("https://news.example/2026/11/22/canal-of-district-{number}-carries-water-again/").parse().unwrap();
    let guid = format!("https://news-{source}.example/?p={number}");
    let announced = Announced { id: Some(guid), title: Some(format!("Canal {number}")), ..Announced::default() };
    let id = novelty::article_id(&novelty::canonical_url(&url));
    Entry { source: source_id(source), id, url, announced }
}

/// A moment of a day.
pub fn day(number: i64) -> Timestamp {
    Timestamp::from_second((20_000 + number) * 24 * 3600).unwrap()
}
