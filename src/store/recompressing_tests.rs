//! Sealed segments in larger frames, on a real folder.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::time::Duration;

use super::super::tests::{line, record};
use super::*;
use crate::model::ArticleId;
use crate::record::Record;
use crate::store::Settled;

fn open(path: &Path) -> Store {
    Store::open(path, 1 << 20, 20_000, Duration::ZERO, None).unwrap()
}

fn commit(store: &Store, seqs: std::ops::Range<u64>) {
    let text =
        |seq: u64| format!("Canal number {seq} of the district carries water again, said its engineer. ").repeat(9);
    let records: Vec<Record> =
        seqs.map(|seq| record(Seq(seq), ArticleId(u128::from(seq).to_be_bytes()), &text(seq))).collect();
    let lines: Vec<u8> = records.iter().flat_map(line).collect();
    let settled: Vec<Settled> = records.iter().map(Settled::from_record).collect();
    store.commit(&lines, &settled).unwrap();
}

/// A store of some segments, and all of its lines.
fn filled(path: &Path) -> (Store, Vec<String>) {
    let store = open(path);
    (1..200).for_each(|seq| commit(&store, seq..seq + 1));
    assert!(store.segments.list().unwrap().len() > 3);
    let lines = lines(&store);
    (store, lines)
}

fn lines(store: &Store) -> Vec<String> {
    (1..=store.last_seq().0).filter_map(|seq| store.line(Seq(seq)).unwrap()).collect()
}

fn all(store: &Store) -> Vec<Recompressed> {
    std::iter::from_fn(|| store.recompress_next(|| true).unwrap()).collect()
}

fn mark(store: &Store, segment: Seq) {
    store.ask(|tables| Ok(tables.meta.insert(UNDER_WAY, &segment.0.to_be_bytes()).map(drop)?)).unwrap();
}

#[test]
fn sealed_segments_hold_the_same_lines_under_the_same_numbers_in_fewer_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let (store, before) = filled(folder.path());
    let (segments, bytes) = (store.segments.list().unwrap(), store.segments.bytes().unwrap());
    let looked_at = all(&store);
    assert_eq!(looked_at.len(), segments.len() - 1, "all but the open one");
    assert!(looked_at.iter().all(|one| one.rewritten.is_some_and(|anew| anew.frames_after == 1)));
    assert!(store.segments.bytes().unwrap() * 2 < bytes);
    assert_eq!((store.segments.list().unwrap(), lines(&store)), (segments, before.clone()));
    assert_eq!(all(&store), [], "once is enough");
    drop(store);
    let store = open(folder.path());
    assert_eq!(lines(&store), before);
    drop(store);
    std::fs::remove_dir_all(folder.path().join("sled")).unwrap();
    assert_eq!(lines(&open(folder.path())), before, "a rebuild reads them, too");
}

/// What was done of the first segment when it was killed.
type Step = fn(&Store);

#[test]
fn a_kill_at_any_step_leaves_every_line_readable_and_no_half_file() {
    let steps: [(&str, Step); 4] = [
        ("half written", |store| {
            std::fs::write(store.segments.path(Seq(1)).with_extension("zst.new"), "half").unwrap();
        }),
        ("written", |store| {
            store.segments.rewrite(Seq(1), (FRAME_BYTES, LEVEL), WORTH, || true).unwrap().unwrap();
        }),
        ("marked", |store| {
            store.segments.rewrite(Seq(1), (FRAME_BYTES, LEVEL), WORTH, || true).unwrap().unwrap();
            mark(store, Seq(1));
        }),
        ("in place", |store| {
            store.segments.rewrite(Seq(1), (FRAME_BYTES, LEVEL), WORTH, || true).unwrap().unwrap();
            mark(store, Seq(1));
            store.segments.exchange(Seq(1)).unwrap();
        }),
    ];
    for (name, step) in steps {
        let folder = tempfile::tempdir().unwrap();
        let (store, before) = filled(folder.path());
        step(&store);
        drop(store);
        let store = open(folder.path());
        assert_eq!(lines(&store), before, "{name}");
        assert!(!store.segments.path(Seq(1)).with_extension("zst.new").exists(), "{name}");
        assert!(store.ask(|tables| tables.seq_in(UNDER_WAY)).unwrap().is_none(), "{name}");
        all(&store);
        assert_eq!(lines(&store), before, "{name}");
    }
}

#[test]
fn no_frame_goes_over_a_gap_of_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    commit(&store, 1..3);
    store.lock_end().next = Seq(10);
    commit(&store, 10..13);
    (13..150).for_each(|seq| commit(&store, seq..seq + 1));
    let before = lines(&store);
    let first = all(&store)[0];
    assert_eq!(first.rewritten.unwrap().frames_after, 2);
    assert_eq!(lines(&store), before);
    assert_eq!(store.frame_of(Seq(10)).unwrap().unwrap().first, Seq(10));
    assert_eq!(store.frame_from(Seq(5)).unwrap().unwrap().first, Seq(10));
}

#[test]
fn a_damaged_segment_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = filled(folder.path());
    let path = store.segments.path(Seq(1));
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(all(&store)[0], Recompressed { segment: Seq(1), rewritten: None });
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[test]
fn a_stop_leaves_the_segment_for_the_next_time() {
    let folder = tempfile::tempdir().unwrap();
    let (store, before) = filled(folder.path());
    assert_eq!(store.recompress_next(|| false).unwrap(), None);
    assert!(!all(&store).is_empty());
    assert_eq!(lines(&store), before);
}
