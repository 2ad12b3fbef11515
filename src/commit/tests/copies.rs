//! What the writer keeps and records of copies.

use super::*;
use crate::novelty::difference::Edge;
use crate::store::KnownCopy;

const ORIGINAL: ArticleId = ArticleId([1; 16]);
const COPY: ArticleId = ArticleId([2; 16]);

fn emitting(batches: &[&[Finished]]) -> (Store, Vec<Outcome>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), 1 << 20, 1 << 20, Duration::ZERO, None).unwrap();
    let settings = NoveltySection { emit_duplicates: true, ..NoveltySection::default() };
    let mut committer = Committer::new(&store, &settings);
    let outcomes = batches.iter().flat_map(|batch| committer.commit(batch, Timestamp::UNIX_EPOCH).unwrap()).collect();
    (store, outcomes, folder)
}

fn copies(store: &Store) -> Vec<KnownCopy> {
    store.copies(ORIGINAL).unwrap().rows
}

fn record_at(store: &Store, seq: u64) -> Record {
    serde_json::from_str(&store.line(Seq(seq)).unwrap().unwrap()).unwrap()
}

#[test]
fn a_copy_is_kept_with_its_original_of_the_same_batch_or_an_earlier_one() {
    let first = || article(1, 1, Look::First, "One text of a few words.");
    let copy = || article(2, 2, Look::First, "one text – of a few WORDS");
    for batches in [&[&[first(), copy()][..]][..], &[&[first()], &[copy()]]] {
        let (store, _folder) = check(batches, &[Recorded, Duplicate]);
        let rows = copies(&store);
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].id, rows[0].similarity, rows[0].title.as_deref()), (COPY, 1.0, None));
        let difference = rows[0].difference.as_ref().unwrap();
        assert_eq!((difference.same, difference.words_missing, difference.words_added), (1.0, 0, 0));
    }
}

#[test]
fn a_second_address_is_kept_with_where_it_differs() {
    let text = "The mill at the lower weir grinds again after a winter of repairs.";
    let mut view = article(9, 1, Look::First, &format!("{text} Subscribe to our letter."));
    if let Ending::Article(candidate) = &mut view.ending {
        candidate.fetched_identity = ArticleId([9; 16]);
    }
    let (store, _folder) = check(&[&[article(1, 1, Look::First, text)], &[view]], &[Recorded, Duplicate]);
    let rows = copies(&store);
    assert_eq!(rows[0].id, ArticleId([9; 16]));
    assert_eq!(rows[0].difference.as_ref().unwrap().edges, [Edge::TextAfter]);
}

#[test]
fn a_copy_that_finds_words_of_its_own_leaves_the_list() {
    let copy = |look, text| article(2, 2, look, text);
    let (store, _folder) = check(
        &[
            &[article(1, 1, Look::First, "One.")],
            &[copy(Look::First, "One.")],
            &[copy(Look::Again, "One.")],
            &[copy(Look::Again, "Its own words.")],
        ],
        &[Recorded, Duplicate, Unchanged, Recorded],
    );
    assert_eq!(copies(&store), []);
    assert_eq!(record_at(&store, 2).event, Event::New);
}

#[test]
fn copies_are_recorded_where_the_settings_ask_for_them() {
    let first = article(1, 1, Look::First, "One.");
    let copy = |look, text| article(2, 2, look, text);
    let (store, outcomes, _folder) = emitting(&[
        &[first, copy(Look::First, "One.")],
        &[copy(Look::Again, "One.")],
        &[article(3, 3, Look::First, "One.")],
        &[copy(Look::Again, "Its own words.")],
        &[article(4, 4, Look::First, "Its own words.")],
    ]);
    assert_eq!(outcomes, [Recorded, Duplicate, Unchanged, Duplicate, Recorded, Duplicate]);
    assert_eq!(store.last_seq(), Seq(5));
    let record = record_at(&store, 2);
    assert_eq!((record.event, record.id, record.version, record.replaces), (Event::Duplicate, COPY, 1, None));
    assert_eq!((record.dedup.of, record.dedup.similarity), (Some(ORIGINAL), Some(1.0)));
    assert_eq!(record_at(&store, 3).dedup.of, Some(ORIGINAL), "a copy never owns the text");
    let own = record_at(&store, 4);
    assert_eq!((own.event, own.version, own.replaces, own.dedup.of), (Event::Update, 2, Some(1), None));
    assert_eq!(record_at(&store, 5).dedup.of, Some(COPY));
    assert_eq!(copies(&store).iter().map(|copy| copy.id).collect::<Vec<_>>(), [ArticleId([3; 16])]);
    assert_eq!(store.versions(COPY).unwrap(), [(1, Seq(2)), (2, Seq(4))]);
    let counts = store.counts().unwrap();
    assert_eq!(counts.admitted, counts.outcomes.values().sum::<u64>());
}

#[test]
fn a_second_address_is_recorded_once_however_often_it_is_looked_at() {
    let short = |look| article(9, 1, look, "One.");
    let (store, outcomes, _folder) =
        emitting(&[&[article(1, 1, Look::First, "One.")], &[short(Look::First)], &[short(Look::First)]]);
    assert_eq!(outcomes, [Recorded, Duplicate, Unchanged]);
    assert_eq!(store.last_seq(), Seq(2));
    assert_eq!(record_at(&store, 2).id, ArticleId([9; 16]));
    assert_eq!(store.seen(ORIGINAL).unwrap().unwrap().seq, Seq(1));
}
