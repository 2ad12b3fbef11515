//! Outcomes of second looks, at times of the test's choice, on a real store.

use super::*;
use crate::store::{NextLook, Seen};

const ARTICLE: ArticleId = ArticleId([1; 16]);
const HOUR: i64 = 3600;
const TEXT: &str = "The first sentence is this one.\n\nThe second one follows it.";

/// A store with an article that was recorded at hour 0.
struct Looks {
    store: Store,
    settings: NoveltySection,
    folder: tempfile::TempDir,
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_900_000_000 + seconds).unwrap()
}

fn open(folder: &tempfile::TempDir) -> Store {
    Store::open(folder.path(), 1 << 20, 1 << 20, Duration::ZERO, None).unwrap()
}

fn etag(text: &str) -> Validators {
    Validators { etag: Some(text.to_owned()), last_modified: None }
}

impl Looks {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let looks = Self { store: open(&folder), settings: NoveltySection::default(), folder };
        assert_eq!(looks.commit(article(1, 1, Look::First, TEXT), 0), Recorded);
        looks
    }

    fn commit(&self, finished: Finished, seconds: i64) -> Outcome {
        let outcome = Committer::new(&self.store, &self.settings).commit(&[finished], at(seconds)).unwrap()[0];
        let counts = self.store.counts().unwrap();
        assert_eq!(counts.admitted, counts.outcomes.values().sum::<u64>() + counts.pending, "{counts:?}");
        assert_eq!(counts.looks, u64::from(self.next().is_some()), "one row at most");
        outcome
    }

    fn next(&self) -> Option<NextLook> {
        self.store.next_look(ARTICLE).unwrap()
    }

    /// Seconds until the look that waits.
    fn due(&self) -> Option<i64> {
        self.next().map(|next| next.due.as_second() - at(0).as_second())
    }

    /// The look that waits, as it would be admitted.
    fn look(&self) -> Look {
        Look::Scheduled(Box::new(self.next().unwrap().second))
    }

    fn unread(&self, unread: Unread, seconds: i64) -> Outcome {
        self.commit(Finished { pending: pending(1, self.look()), ending: Ending::Unread(unread) }, seconds)
    }

    fn read(&self, text: &str, seconds: i64) -> Outcome {
        self.commit(article(1, 1, self.look(), text), seconds)
    }

    fn seen(&self) -> Seen {
        self.store.seen(ARTICLE).unwrap().unwrap()
    }

    fn newest(&self) -> Record {
        serde_json::from_str(&self.store.line(self.seen().seq).unwrap().unwrap()).unwrap()
    }
}

#[test]
fn looks_follow_each_other_until_the_last_and_carry_what_the_page_gave() {
    let looks = Looks::new();
    assert_eq!(looks.due(), Some(HOUR));
    assert_eq!(looks.unread(Unread::NotModified(etag("1")), HOUR + 5), Unchanged);
    assert_eq!((looks.due(), looks.next().unwrap().second.validators), (Some(6 * HOUR), etag("1")));
    let Finished { pending, ending: Ending::Article(candidate) } = article(1, 1, looks.look(), TEXT) else { panic!() };
    let candidate = Candidate { validators: etag("2"), ..*candidate };
    assert_eq!(looks.commit(Finished { pending, ending: Ending::Article(Box::new(candidate)) }, 6 * HOUR), Unchanged);
    assert_eq!((looks.due(), looks.next().unwrap().second.validators), (Some(24 * HOUR), etag("2")));
    assert_eq!(looks.unread(Unread::Failed, 30 * HOUR), Unchanged, "late: the one at 24 hours is this one");
    assert_eq!((looks.due(), looks.next().unwrap().second.validators), (Some(72 * HOUR), etag("2")));
    assert_eq!(looks.unread(Unread::Failed, 72 * HOUR), Unchanged);
    assert_eq!(looks.due(), None);
}

#[test]
fn a_page_that_is_gone_twice_a_day_apart_is_withdrawn_with_its_last_text() {
    let looks = Looks::new();
    assert_eq!(looks.unread(Unread::Gone, HOUR), Unchanged);
    assert_eq!(looks.due(), Some(25 * HOUR), "a day later");
    assert_eq!(looks.unread(Unread::Gone, 25 * HOUR - 1), Unchanged, "not a day yet");
    assert_eq!(looks.due(), Some(25 * HOUR));
    assert_eq!(looks.unread(Unread::Gone, 25 * HOUR), Recorded);
    let record = looks.newest();
    assert_eq!((record.event, record.version, record.replaces), (Event::Withdrawn, 2, Some(1)));
    assert_eq!((record.content_text.as_str(), record.seq, record.recorded_at), (TEXT, Seq(2), at(25 * HOUR)));
    assert_eq!(looks.due(), None, "nothing is looked at after that");
    assert_eq!(looks.commit(article(1, 1, Look::Again, TEXT), 30 * HOUR), Recorded, "announced anew, it is back");
    let record = looks.newest();
    assert_eq!((record.event, record.version, record.replaces), (Event::Update, 3, Some(2)));
}

#[test]
fn a_page_that_is_gone_after_the_last_look_is_looked_at_a_day_later() {
    let looks = Looks::new();
    for hours in [1, 6, 24] {
        assert_eq!(looks.unread(Unread::Failed, hours * HOUR), Unchanged);
    }
    assert_eq!(looks.unread(Unread::Gone, 72 * HOUR), Unchanged);
    assert_eq!(looks.due(), Some(96 * HOUR));
    assert_eq!(looks.unread(Unread::Failed, 96 * HOUR), Unchanged, "its server does not answer: that says nothing");
    assert_eq!(looks.due(), Some(120 * HOUR));
    assert_eq!(looks.unread(Unread::Gone, 120 * HOUR), Recorded);
    assert_eq!(looks.newest().event, Event::Withdrawn);
}

#[test]
fn a_page_that_is_back_was_never_gone() {
    let looks = Looks::new();
    looks.unread(Unread::Gone, HOUR);
    assert!(looks.next().unwrap().second.gone_since.is_some());
    assert_eq!(looks.read(TEXT, 25 * HOUR), Unchanged);
    assert_eq!((looks.next().unwrap().second.gone_since, looks.due()), (None, Some(72 * HOUR)));
    looks.unread(Unread::Gone, 72 * HOUR);
    assert_eq!(looks.commit(article(1, 1, Look::Again, TEXT), 73 * HOUR), Unchanged, "seen for an announcement");
    assert_eq!(looks.due(), None);
}

#[test]
fn a_page_that_is_what_it_was_is_not_gone() {
    let looks = Looks::new();
    looks.unread(Unread::Gone, 72 * HOUR);
    assert_eq!(looks.due(), Some(96 * HOUR));
    assert_eq!(looks.unread(Unread::NotModified(etag("1")), 96 * HOUR), Unchanged);
    assert_eq!(looks.due(), None);
}

#[test]
fn noise_is_no_version_and_words_are_one() {
    let looks = Looks::new();
    let digest = looks.seen().text_digest;
    assert_eq!(looks.read(&format!("{TEXT}\n\n12 views\n\nRead also: A new road"), HOUR), Unchanged);
    assert_eq!((looks.seen().text_digest, looks.seen().seq), (digest, Seq(1)));
    assert_eq!(looks.read(&TEXT.replace("second", "last"), 6 * HOUR), Recorded);
    assert_eq!((looks.newest().version, looks.due()), (2, Some(24 * HOUR)), "the looks go on as they were planned");
    assert_eq!(looks.commit(article(1, 1, Look::Again, &TEXT.replace("second", "last")), 7 * HOUR), Unchanged);
    assert_eq!(looks.due(), Some(24 * HOUR), "an announcement that changed nothing moves no look");
}

#[test]
fn a_notice_that_extraction_learned_to_leave_out_is_no_version() {
    let looks = Looks::new();
    let notice = "Use of our materials is allowed with a link.";
    assert_eq!(looks.read(&format!("{TEXT}\n\n{notice}"), HOUR), Recorded);
    let Finished { pending, ending: Ending::Article(mut candidate) } = article(1, 1, looks.look(), TEXT) else {
        panic!()
    };
    candidate.article.extract.repairs = vec![crate::model::Repair { kind: "site-template".to_owned(), count: 1 }];
    let learned = Finished { pending, ending: Ending::Article(candidate) };
    assert_eq!(looks.commit(learned, 6 * HOUR), Unchanged);
    assert_eq!(looks.read(TEXT, 24 * HOUR), Recorded, "its publisher took it out");
}

#[test]
fn a_withdrawal_that_was_recorded_before_a_crash_is_not_recorded_again() {
    let looks = Looks::new();
    looks.unread(Unread::Gone, HOUR);
    let look = looks.look();
    assert_eq!(looks.unread(Unread::Gone, 26 * HOUR), Recorded);
    let again = Finished { pending: pending(1, look), ending: Ending::Unread(Unread::Gone) };
    assert_eq!((looks.commit(again, 27 * HOUR), looks.due(), looks.seen().version), (Unchanged, None, 2));
}

#[test]
fn versions_of_one_batch_are_compared_with_each_other() {
    let looks = Looks::new();
    let again = |text: &str| article(1, 1, Look::Again, text);
    let changed = TEXT.replace("second", "last");
    let batch = [again(&changed), again(&format!("{changed}\n\n12 views")), again(TEXT)];
    let outcomes = Committer::new(&looks.store, &looks.settings).commit(&batch, at(HOUR)).unwrap();
    assert_eq!(outcomes, [Recorded, Unchanged, Recorded]);
    assert_eq!(looks.newest().version, 3);
}

#[test]
fn a_look_that_brings_nothing_leaves_the_letter_of_an_announced_change() {
    let looks = Looks::new();
    let rejection = Rejection { reason: "unavailable".to_owned(), detail: "HTTP 503".to_owned() };
    let given_up = Finished { pending: pending(1, Look::Again), ending: Ending::GivenUp(rejection) };
    assert_eq!(looks.commit(given_up, HOUR / 2), Dead);
    assert_eq!(looks.unread(Unread::Failed, HOUR), Unchanged);
    assert_eq!(looks.store.dead_letters().unwrap().len(), 1);
    assert_eq!(looks.read(TEXT, 6 * HOUR), Unchanged);
    assert_eq!(looks.store.dead_letters().unwrap().len(), 0);
}

#[test]
fn a_text_that_the_feed_carries_is_not_looked_for_on_its_page() {
    let looks = Looks::new();
    let Finished { pending, ending: Ending::Article(mut candidate) } = article(2, 2, Look::First, "Another text.")
    else {
        panic!()
    };
    candidate.article.extract.path = "feed".to_owned();
    looks.commit(Finished { pending, ending: Ending::Article(candidate) }, 1);
    assert_eq!(looks.store.next_look(ArticleId([2; 16])).unwrap(), None);
}

#[test]
fn a_withdrawal_and_looks_still_ahead_are_known_after_the_tables_were_lost() {
    let looks = Looks::new();
    looks.unread(Unread::Gone, HOUR);
    assert_eq!(looks.unread(Unread::Gone, 26 * HOUR), Recorded);
    let Looks { store, settings, folder } = looks;
    let now = crate::activity::now();
    let batch = [article(2, 2, Look::First, "Another text of today.")];
    Committer::new(&store, &settings).commit(&batch, now).unwrap();
    drop(store);
    std::fs::remove_dir_all(folder.path().join("sled")).unwrap();
    let looks = Looks { store: open(&folder), settings, folder };
    assert_eq!((looks.due(), looks.seen().version), (None, 2));
    let next = looks.store.next_look(ArticleId([2; 16])).unwrap().unwrap();
    assert!(!next.is_planned && next.due == now, "planned when it is asked for");
    assert_eq!((next.second.validators, looks.store.counts().unwrap().looks), (Validators::default(), 1));
    let outcomes = Committer::new(&looks.store, &looks.settings)
        .commit(&[article(1, 1, Look::Again, TEXT)], at(30 * HOUR))
        .unwrap();
    assert_eq!((outcomes[0], looks.newest().version), (Recorded, 3), "it is back");
}
