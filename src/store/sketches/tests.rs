//! Keys and sketches against a plain list, over restarts, turns of the rows, and the end of the window.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::path::Path;

use sled::Transactional;

use super::*;
use crate::model::{Digest, Outcome};
use crate::store::segments::LogEnd;
use crate::store::{Seen, Settled};

const DAY: Duration = Duration::from_secs(24 * 3600);
const WINDOW: Duration = Duration::from_secs(30 * 24 * 3600);

fn open(path: &Path) -> Store {
    Store::open(path, 1 << 20, 1 << 20, Duration::ZERO, Some(WINDOW)).unwrap()
}

/// A text of its own for each number.
fn sketch(number: u64) -> Sketch {
    let words = (0..60_u64).map(|at| {
        let mut mixed = (number * 1_000 + at).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^= mixed >> 29;
        format!("w{} ", mixed % 5_000)
    });
    Profile::of(&words.collect::<String>()).sketch().unwrap().clone()
}

fn settled(number: u64, sketch: Sketch, at: Timestamp) -> Settled {
    let mut id = ArticleId([0; 16]);
    id.0[..8].copy_from_slice(&number.to_be_bytes());
    let digest = Digest([number as u8; 16]);
    let seen = Seen { outcome: Outcome::Recorded, version: 1, seq: Seq(number), text_digest: digest, of: id };
    Settled {
        seen: vec![(id, seen)],
        record: Some(Seq(number)),
        sketch: Some(Sketched { id, sketch, at, language: "en".to_owned() }),
        ..Settled::of(id, "a".parse().unwrap(), Outcome::Recorded, Timestamp::UNIX_EPOCH)
    }
}

/// Enters a batch without a log.
fn apply(store: &Store, batch: &[Settled]) {
    let next = batch.last().unwrap().record.unwrap().next();
    store.ask(|tables| tables.apply(batch, None, LogEnd { next, ..LogEnd::EMPTY }, Some(WINDOW))).unwrap();
}

/// Records without a text, of which only the turns of the rows are left.
fn pass(store: &Store, numbers: std::ops::Range<u64>) {
    let pass = |tables: &Tables| {
        let rows = tables.sketch_rows(numbers.map(|number| (Seq(number), None)), Some(WINDOW))?;
        Ok((&tables.sketches, &tables.sketch_keys).transaction(|(sketches, keys)| rows.write(sketches, keys))?)
    };
    store.ask(pass).unwrap();
}

fn start() -> Timestamp {
    "2026-03-01T00:00:00Z".parse().unwrap()
}

#[test]
fn every_key_finds_its_newest_records_over_restarts_and_turns_of_the_rows() {
    let folder = tempfile::tempdir().unwrap();
    let mut known: HashMap<u32, Vec<Seq>> = HashMap::new();
    // The first rows have their second turn in between; every third text is one of a few.
    let numbers: Vec<u64> = (1..=400).chain(BUCKETS - 199..=BUCKETS + 400).collect();
    for batch in numbers.chunks(100) {
        let store = open(folder.path());
        if batch[0] == BUCKETS - 199 {
            pass(&store, 401..batch[0]);
        }
        for some in batch.chunks(20) {
            let of = |number: u64| if number.is_multiple_of(3) { sketch(number % 5) } else { sketch(number) };
            some.iter()
                .for_each(|number| of(*number).keys().for_each(|key| known.entry(key).or_default().push(Seq(*number))));
            apply(&store, &some.iter().map(|number| settled(*number, of(*number), start())).collect::<Vec<_>>());
        }
    }
    let store = open(folder.path());
    let written = store.ask(|tables| Ok(tables.sketch_keys.len())).unwrap();
    assert!(written > 50, "{written} rows were written, the rest is read back");
    for (key, all) in known {
        let newest: Vec<Seq> = all.into_iter().rev().take(PER_KEY_MAX).collect();
        assert_eq!(store.records_with_key(key).unwrap(), newest);
    }
}

#[test]
fn what_has_left_the_window_is_removed_with_what_comes() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for day in 0..80_u32 {
        let at = start().checked_add(DAY * day).unwrap();
        let batch: Vec<Settled> =
            (1..=10).map(|at| u64::from(day) * 10 + at).map(|number| settled(number, sketch(number), at)).collect();
        apply(&store, &batch);
    }
    assert_eq!(store.sketched(Seq(1)).unwrap(), None);
    let kept = store.ask(|tables| Ok(tables.sketches.len())).unwrap();
    assert!((300..=320).contains(&kept), "ten a day for thirty days: {kept}");
    // Rows forget what is out of the window when their turn comes.
    let held = store.ask(|tables| Ok(tables.held.lock().unwrap().merged(&[0; KEY_BYTES], &[]))).unwrap();
    assert_eq!(held, Vec::<u8>::new());
}

#[test]
fn a_corrected_text_takes_the_place_of_what_it_replaces() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let first = settled(1, sketch(1), start());
    apply(&store, std::slice::from_ref(&first));
    let mut update = settled(2, sketch(2), start());
    (update.seen[0].0, update.sketch.as_mut().unwrap().id) = (first.entry, first.entry);
    apply(&store, &[update]);
    assert_eq!(store.sketched(Seq(1)).unwrap(), None);
    assert_eq!(store.sketched(Seq(2)).unwrap().map(|known| (known.id, known.sketch)), Some((first.entry, sketch(2))));
}

#[test]
fn texts_made_to_share_a_row_do_not_make_it_grow() {
    let mut held = Held { buckets: vec![Vec::new(); 1], last: Seq(0), oldest: Seq(1) };
    let mut row = Vec::new();
    for turn in 0..40_u32 {
        for number in turn * 500..(turn + 1) * 500 {
            held.last = Seq(u64::from(number) + 1);
            // One key for half of them, its own for each of the others.
            let tag = if number % 2 == 0 { 7 } else { number as u16 };
            add(&mut held.buckets[0], Posting { tag, place: number + 1 }, HELD_KEYS_MAX);
            assert!(held.buckets[0].len() <= HELD_KEYS_MAX);
        }
        let new = std::mem::take(&mut held.buckets[0]);
        row = held.merged(&row, &new);
    }
    assert_eq!(row.len(), ROW_KEYS_MAX * KEY_BYTES);
    assert_eq!(postings(&row).filter(|posting| posting.tag == 7).count(), PER_KEY_MAX);
    assert_eq!(postings(&row).next_back().map(|posting| posting.place), Some(20_000), "the newest stay");
}

#[test]
fn a_cut_row_is_refused() {
    let row = settled(1, sketch(1), start()).sketch.unwrap().encode();
    assert_eq!(Sketched::decode(&row).unwrap().encode(), row);
    (0..24 + Sketch::BYTES).for_each(|length| assert_eq!(Sketched::decode(&row[..length]), None));
}
