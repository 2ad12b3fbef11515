//! Verdicts of the single writer, within a batch and over batches, on a real store.
#![allow(clippy::unwrap_used)]

mod looks;

use super::*;
use crate::http::Validators;
use crate::model::{Announced, Entry, LanguageLabel, Look, Seq};
use crate::novelty;
use crate::record::{Event, Record};

mod copies;

pub(super) fn pending(number: u8, look: Look) -> Pending {
    let entry = Entry {
        source: "a".parse().unwrap(),
        id: ArticleId([number; 16]),
        url: format!("https://example.org/{number}").parse().unwrap(),
        announced: Announced::default(),
    };
    let now = Timestamp::UNIX_EPOCH;
    Pending { entry, look, admitted_at: now, attempts: 0, not_before: now, last_error: None }
}

pub(super) fn article(number: u8, identity: u8, look: Look, text: &str) -> Finished {
    let pending = pending(number, look);
    let candidate = Candidate {
        identity: ArticleId([identity; 16]),
        fetched_identity: ArticleId([identity; 16]),
        url: pending.entry.url.clone(),
        article: Article { content_text: text.to_owned(), ..Article::default() },
        labels: Labels {
            language: LanguageLabel { tag: "en".to_owned(), confidence: 1.0 },
            places: Vec::new(),
            topics: Vec::new(),
        },
        text_digest: novelty::text_digest(text),
        profile: Arc::new(novelty::near::Profile::of(text)),
        source: RecordSource {
            id: "a".parse().unwrap(),
            name: "A".to_owned(),
            kind: crate::model::SourceKind::Feed,
            feed_url: "https://example.org/feed".parse().unwrap(),
            guid: None,
            announced_at: None,
        },
        fetch: FetchTrace {
            at: Timestamp::UNIX_EPOCH,
            final_url: pending.entry.url.clone(),
            status: 200,
            content_type: None,
            charset: None,
            charset_from: None,
            bytes: 0,
        },
        rules: String::new(),
        validators: Validators::default(),
    };
    Finished { pending, ending: Ending::Article(Box::new(candidate)) }
}

/// Commits each batch in turn and checks the outcomes of all.
fn check(batches: &[&[Finished]], expected: &[Outcome]) -> (Store, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store =
        Store::open(folder.path(), 1 << 20, 1 << 20, Duration::ZERO, Some(NoveltySection::default().window.0)).unwrap();
    let settings = NoveltySection::default();
    let mut committer = Committer::new(&store, &settings);
    let outcomes: Vec<Outcome> =
        batches.iter().flat_map(|batch| committer.commit(batch, Timestamp::UNIX_EPOCH).unwrap()).collect();
    assert_eq!(outcomes, expected);
    let recorded = expected.iter().filter(|outcome| **outcome == Outcome::Recorded).count() as u64;
    assert_eq!(store.next_seq(), Seq(recorded + 1));
    (store, folder)
}

use Outcome::{DeadLetter as Dead, Duplicate, Recorded, Rejected, Unchanged};

#[test]
fn the_same_text_in_one_batch_or_two_is_one_record() {
    let first = || article(1, 1, Look::First, "One text.");
    let copy = || article(2, 2, Look::First, "one  TEXT");
    check(&[&[first(), copy()]], &[Recorded, Duplicate]);
    check(&[&[first()], &[copy()]], &[Recorded, Duplicate]);
}

#[test]
fn a_second_look_records_changed_text_only_and_counts_versions() {
    let look = |text| article(1, 1, Look::Again, text);
    let (store, _folder) = check(
        &[&[article(1, 1, Look::First, "One.")], &[look("One.")], &[look("Two.")], &[look("Three.")]],
        &[Recorded, Unchanged, Recorded, Recorded],
    );
    let newest: Record = serde_json::from_str(&store.line(Seq(3)).unwrap().unwrap()).unwrap();
    assert_eq!((newest.version, newest.replaces, newest.event), (3, Some(2), Event::Update));
}

#[test]
fn an_address_that_turns_out_to_be_a_known_one_is_its_duplicate() {
    let short = |text| article(9, 1, Look::First, text);
    let (store, _folder) = check(&[&[article(1, 1, Look::First, "One.")], &[short("One!")]], &[Recorded, Duplicate]);
    assert_eq!(store.seen(ArticleId([9; 16])).unwrap().unwrap().of, ArticleId([1; 16]));
    let (store, _folder) = check(&[&[short("One.")], &[article(1, 1, Look::First, "One.")]], &[Recorded, Unchanged]);
    assert_eq!(store.seen(ArticleId([1; 16])).unwrap().unwrap().version, 1);
}

#[test]
fn a_copy_is_looked_at_again_as_a_copy_until_its_text_differs() {
    let copy = |look, text| article(2, 2, look, text);
    check(
        &[
            &[article(1, 1, Look::First, "One.")],
            &[copy(Look::First, "One.")],
            &[copy(Look::Again, "One.")],
            &[copy(Look::Again, "Its own words.")],
        ],
        &[Recorded, Duplicate, Unchanged, Recorded],
    );
}

#[test]
fn a_rejection_or_a_dead_letter_keeps_what_was_recorded() {
    let reason = || Rejection { reason: "not-found".to_owned(), detail: "HTTP 404".to_owned() };
    let rejected = Finished { pending: pending(1, Look::Again), ending: Ending::Rejected(reason()) };
    let given_up = Finished { pending: pending(1, Look::Again), ending: Ending::GivenUp(reason()) };
    let first = article(1, 1, Look::First, "One.");
    let again = article(1, 1, Look::Again, "One.");
    let (store, _folder) =
        check(&[&[first], &[rejected], &[given_up], &[again]], &[Recorded, Rejected, Dead, Unchanged]);
    assert_eq!(store.seen(ArticleId([1; 16])).unwrap().unwrap().version, 1);
    assert_eq!(store.dead_letters().unwrap().len(), 0, "a later look that goes well clears the letter");
}

#[test]
fn a_recorded_article_whose_address_leads_elsewhere_later_stays_known() {
    let (store, _folder) = check(
        &[
            &[article(1, 1, Look::First, "One.")],
            &[article(1, 2, Look::Again, "Two, at another address.")],
            &[article(1, 1, Look::Again, "One.")],
        ],
        &[Recorded, Recorded, Unchanged],
    );
    assert_eq!(store.seen(ArticleId([1; 16])).unwrap().unwrap().seq, Seq(1));
}

#[test]
fn an_entry_that_was_worked_on_twice_comes_to_one_outcome() {
    let (store, _folder) = check(&[], &[]);
    let (sender, work) = tokio::sync::mpsc::channel(9);
    let twice = |text| Work::Finished(Box::new(article(1, 1, Look::First, text)));
    let row = pending(1, Look::First);
    let state = |_: &[Pending]| crate::store::SourceState::default();
    let limits = crate::store::FrontierLimits { all: 9, of_source: 9 };
    let announced = [(row.entry.clone(), crate::model::Digest([0; 16]))];
    store.admit(&row.entry.source, &announced, Timestamp::UNIX_EPOCH, limits, state).unwrap();
    for text in ["the text of the page", "the text of the page", "its next text"] {
        sender.blocking_send(twice(text)).unwrap();
    }
    drop(sender);
    run(&store, &NoveltySection::default(), work, &Activity::default(), Patience::Endless);
    let counts = store.counts().unwrap();
    assert_eq!((counts.admitted, counts.pending), (1, 0));
    assert_eq!(counts.outcomes.values().sum::<u64>(), 1, "{counts:?}");
    assert_eq!(store.last_seq(), Seq(1));
}
