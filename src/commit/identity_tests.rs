//! Which article a page is, by its canonical, its redirects and its text, on a real store.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::time::Duration;

use super::*;
use crate::commit::tests::article;
use crate::commit::{Committer, Ending, Finished};
use crate::model::{Announced, Digest, Entry, Outcome, Seq};
use crate::record::{Event, Record};
use crate::settings::NoveltySection;
use crate::store::{FrontierLimits, SourceState, Store};

use Outcome::{Duplicate, Recorded, Unchanged};

/// Long enough to be compared, and in common with no other number's.
fn text(number: usize) -> String {
    let word = |at: usize| format!("w{number}x{at}");
    (0..60).map(word).collect::<Vec<_>>().join(" ")
}

/// The same with a sentence added.
fn corrected(number: usize) -> String {
    format!("{} It was corrected on Friday.", text(number))
}

fn url(path: &str) -> Url {
    format!("https://example.org{path}").parse().unwrap()
}

fn id(path: &str) -> ArticleId {
    identity_of(&url(path))
}

fn now() -> Timestamp {
    "2026-11-22T00:00:00Z".parse().unwrap()
}

fn entry(path: &str) -> Entry {
    Entry { source: "a".parse().unwrap(), id: id(path), url: url(path), announced: Announced::default() }
}

/// A page that was announced, fetched at the end of its redirects, and names its canonical.
#[derive(Clone, Copy)]
struct Found<'a> {
    announced: &'a str,
    fetched: &'a str,
    canonical: &'a str,
}

impl Found<'_> {
    fn with(self, look: Look, text: &str) -> Finished {
        let mut finished = article(0, 0, look, text);
        finished.pending.entry = entry(self.announced);
        finished.pending.admitted_at = now();
        finished.pending.not_before = now();
        if let Ending::Article(candidate) = &mut finished.ending {
            candidate.identity = id(self.canonical);
            candidate.url = url(self.canonical);
            candidate.fetched_identity = id(self.fetched);
            candidate.fetch.final_url = url(self.fetched);
        }
        finished
    }
}

/// A page that names a canonical.
fn claiming<'a>(path: &'a str, canonical: &'a str) -> Found<'a> {
    Found { announced: path, fetched: path, canonical }
}

/// An address that leads to another.
fn led<'a>(announced: &'a str, to: &'a str) -> Found<'a> {
    Found { announced, fetched: to, canonical: to }
}

fn plain(path: &str) -> Found<'_> {
    claiming(path, path)
}

struct World {
    store: Store,
    _folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), 1 << 20, 1 << 20, Duration::ZERO, None).unwrap();
        Self { store, _folder: folder }
    }

    /// Closed, changed, and opened again.
    fn reopened(self, change: impl FnOnce(&Path)) -> Self {
        let Self { store, _folder: folder } = self;
        drop(store);
        change(folder.path());
        let store = Store::open(folder.path(), 1 << 20, 1 << 20, Duration::ZERO, None).unwrap();
        Self { store, _folder: folder }
    }

    /// Does what happens before a kill at which the log has it all, and sled none of it.
    fn killed_after(self, happening: impl FnOnce(&Self)) -> Self {
        let copy = |from: &Path, to: &Path| {
            assert!(std::process::Command::new("cp").arg("-r").args([from, to]).status().unwrap().success());
        };
        let world = self.reopened(|folder| copy(&folder.join("sled"), &folder.join("before")));
        happening(&world);
        world.reopened(|folder| {
            std::fs::remove_dir_all(folder.join("sled")).unwrap();
            std::fs::rename(folder.join("before"), folder.join("sled")).unwrap();
        })
    }

    fn announce(&self, path: &str) {
        let limits = FrontierLimits { all: 100, of_source: 100 };
        let entry = entry(path);
        let entries = [(entry.clone(), Digest([0; 16]))];
        self.store.admit(&entry.source, &entries, now(), limits, |_| SourceState::default()).unwrap();
    }

    /// Each in a batch of its own.
    fn commit(&self, found: &[Finished]) -> Vec<Outcome> {
        let settings = NoveltySection::default();
        let mut committer = Committer::new(&self.store, &settings);
        found.iter().flat_map(|one| committer.commit(std::slice::from_ref(one), now()).unwrap()).collect()
    }

    /// The path, version and event of every record.
    fn records(&self) -> Vec<(String, u32, Event)> {
        let last = self.store.last_seq().0;
        let records = (1..=last)
            .map(|seq| -> Record { serde_json::from_str(&self.store.line(Seq(seq)).unwrap().unwrap()).unwrap() });
        records
            .map(|record| {
                assert_eq!(record.id, identity_of(&record.url), "a record is known by its own address");
                let query = record.url.query().map(|query| format!("?{query}")).unwrap_or_default();
                (format!("{}{query}", record.url.path()), record.version, record.event)
            })
            .collect()
    }
}

fn check(found: &[Finished], outcomes: &[Outcome], records: &[(&str, u32)]) -> World {
    let world = World::new();
    assert_eq!(world.commit(found), outcomes);
    let found: Vec<_> = world.records().into_iter().map(|(path, version, _)| (path, version)).collect();
    let expected: Vec<_> = records.iter().map(|(path, version)| ((*path).to_owned(), *version)).collect();
    assert_eq!(found, expected);
    world
}

#[test]
fn one_canonical_for_all_pages_loses_no_article_and_the_first_keeps_it() {
    let page = |number: usize| {
        let path = ["/n/1", "/n/2", "/n/3"][number - 1];
        claiming(path, "/reader-2024").with(Look::First, &text(number))
    };
    let records = [("/reader-2024", 1), ("/n/2", 1), ("/n/3", 1)];
    check(&[page(1), page(2), page(3)], &[Recorded; 3], &records);
    // In one batch, too, where nothing of it is in the log yet.
    let world = World::new();
    let settings = NoveltySection::default();
    let outcomes = Committer::new(&world.store, &settings).commit(&[page(1), page(2), page(3)], now()).unwrap();
    assert_eq!(outcomes, [Recorded; 3]);
}

#[test]
fn the_page_that_gave_a_record_may_change_all_of_its_text_under_its_canonical() {
    let (first, other) = (claiming("/n/1", "/reader-2024"), claiming("/n/2", "/reader-2024"));
    check(
        &[
            first.with(Look::First, &text(1)),
            other.with(Look::First, &text(2)),
            first.with(Look::Again, &text(3)),
            other.with(Look::Again, &corrected(2)),
            other.with(Look::Again, &corrected(2)),
        ],
        &[Recorded, Recorded, Recorded, Recorded, Unchanged],
        &[("/reader-2024", 1), ("/n/2", 1), ("/reader-2024", 2), ("/n/2", 2)],
    );
}

#[test]
fn a_view_of_a_known_page_is_its_copy_though_it_differs_a_little() {
    let world = World::new();
    world.announce("/n/1");
    let view = claiming("/views/n-1", "/n/1");
    let outcomes = world.commit(&[
        plain("/n/1").with(Look::First, &text(1)),
        view.with(Look::First, &corrected(1)),
        view.with(Look::Again, &corrected(1)),
        // The view says it in its words; the page itself is announced, and tells what changed.
        view.with(Look::Again, &format!("{} So say both.", corrected(1))),
        plain("/n/1").with(Look::Again, &corrected(1)),
    ]);
    assert_eq!(outcomes, [Recorded, Duplicate, Unchanged, Duplicate, Recorded]);
    assert_eq!(world.records()[1], ("/n/1".to_owned(), 2, Event::Update));
}

#[test]
fn a_canonical_that_waits_to_be_fetched_itself_is_not_taken_from_it() {
    let world = World::new();
    world.announce("/n/1");
    let wrong = claiming("/n/2", "/n/1").with(Look::First, &text(2));
    let outcomes = world.commit(&[wrong, plain("/n/1").with(Look::First, &text(1))]);
    assert_eq!(outcomes, [Recorded, Recorded]);
    let paths: Vec<_> = world.records().into_iter().map(|(path, version, _)| (path, version)).collect();
    assert_eq!(paths, [("/n/2".to_owned(), 1), ("/n/1".to_owned(), 1)]);
}

#[test]
fn a_short_link_is_the_article_it_leads_to_and_brings_its_changes() {
    let world = World::new();
    world.announce("/n/1");
    let (page, short) = (plain("/n/1"), led("/s/1", "/n/1"));
    let outcomes = world.commit(&[
        page.with(Look::First, &text(1)),
        short.with(Look::First, &text(1)),
        led("/s/2", "/n/1").with(Look::First, &corrected(1)),
        // All of it is new: the address is an announced one, so it is its text.
        led("/s/3", "/n/1").with(Look::First, &text(2)),
        short.with(Look::Again, &text(2)),
    ]);
    assert_eq!(outcomes, [Recorded, Duplicate, Recorded, Recorded, Unchanged]);
    let versions: Vec<_> = world.records().into_iter().map(|(path, version, _)| (path, version)).collect();
    assert_eq!(versions, [1, 2, 3].map(|version| ("/n/1".to_owned(), version)));
}

#[test]
fn entries_that_are_led_to_one_page_make_no_updates_of_one_another() {
    let to_login = |path| led(path, "/login");
    check(
        &[
            to_login("/n/1").with(Look::First, &text(1)),
            to_login("/n/2").with(Look::First, &text(2)),
            to_login("/n/3").with(Look::First, &text(1)),
            to_login("/n/1").with(Look::Again, &text(4)),
        ],
        &[Recorded, Recorded, Duplicate, Recorded],
        &[("/login", 1), ("/n/2", 1), ("/login", 2)],
    );
}

#[test]
fn an_article_that_moves_keeps_its_identity() {
    let (before, after) = (plain("/2024/n-1"), led("/2024/n-1", "/news/n-1"));
    let world = World::new();
    let outcomes = world.commit(&[before.with(Look::First, &text(1)), after.with(Look::Again, &corrected(1))]);
    assert_eq!(outcomes, [Recorded, Recorded]);
    let update: Record = serde_json::from_str(&world.store.line(Seq(2)).unwrap().unwrap()).unwrap();
    assert_eq!((update.id, update.version, update.url.path()), (id("/2024/n-1"), 2, "/news/n-1"));
    // What stands there now may be another article.
    check(
        &[before.with(Look::First, &text(1)), after.with(Look::Again, &text(2))],
        &[Recorded, Recorded],
        &[("/2024/n-1", 1), ("/news/n-1", 1)],
    );
}

#[test]
fn where_the_known_text_is_gone_only_what_is_published_now_is_another_article() {
    let finished = claiming("/n/2", "/n/1").with(Look::First, &text(2));
    let Ending::Article(mut candidate) = finished.ending else { unreachable!() };
    let cases = [(None, true), (Some("2026-11-21T00:00:00Z"), false), (Some("2026-09-01T00:00:00Z"), true)];
    for (published, expected) in cases {
        candidate.article.date_published = published.map(|date| date.parse().unwrap());
        assert_eq!(is_likely(Text::Gone, &candidate, now()), expected, "{published:?}");
    }
}

#[test]
fn a_record_that_sled_missed_settles_the_entry_that_led_to_it_and_its_address_stays_known() {
    let world = World::new();
    world.announce("/r/1");
    let first = led("/r/1", "/a/1").with(Look::First, &text(1));
    let world = world.killed_after(|world| assert_eq!(world.commit(std::slice::from_ref(&first)), [Recorded]));
    let check = |world: &World| {
        assert_eq!(world.store.pending(id("/r/1")).unwrap(), None);
        assert_eq!(world.store.seen(id("/r/1")).unwrap().map(|seen| seen.of), Some(id("/a/1")));
        let counts = world.store.counts().unwrap();
        assert_eq!((counts.admitted, counts.pending, counts.outcomes[&Outcome::Recorded]), (1, 0, 1), "{counts:?}");
    };
    check(&world);
    // The next version, by the same way.
    let again = led("/r/1", "/a/1").with(Look::Again, &text(2));
    let world = world.killed_after(|world| assert_eq!(world.commit(std::slice::from_ref(&again)), [Recorded]));
    assert_eq!(world.commit(&[again]), [Unchanged]);
    // The log alone tells it, too.
    let world = world.reopened(|folder| std::fs::remove_dir_all(folder.join("sled")).unwrap());
    assert_eq!(world.store.seen(id("/r/1")).unwrap().map(|seen| seen.of), Some(id("/a/1")));
    world.announce("/r/1");
    assert_eq!(world.store.pending(id("/r/1")).unwrap(), None, "it is known");
}

#[test]
fn an_address_with_records_of_its_own_that_led_elsewhere_keeps_them_where_sled_missed_that() {
    let world = World::new();
    world.commit(&[plain("/a/1").with(Look::First, &text(1))]);
    let elsewhere = led("/a/1", "/b/1").with(Look::Again, &text(2));
    let world = world.killed_after(|world| assert_eq!(world.commit(std::slice::from_ref(&elsewhere)), [Recorded]));
    let seen = world.store.seen(id("/a/1")).unwrap().unwrap();
    assert_eq!((seen.of, seen.seq, seen.version), (id("/a/1"), Seq(1), 1));
}
