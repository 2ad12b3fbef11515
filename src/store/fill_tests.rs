//! Lost records put back from a backup: the store of the damage tests, a copy of it that stands for the backup, and a log
//! that has grown and was written in larger frames since.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use super::super::damage_tests::{
    CACHE_BYTES, CURSORS, PENDING, RECORDS, SEGMENT_BYTES, Seeded, commit_on, commit_records, copy, id_of, named_lost,
    open_at, readable, record_of, verified, whole,
};
use super::super::segments::compress;
use super::super::tests::{PATIENCE, WINDOW, assert_counts_add_up, line};
use super::*;

/// Records that are committed after the backup: they fill more than one file.
const LATER: u64 = 40;

fn wanted(store: &Path, from: &Path) -> Fill {
    Fill {
        store: store.to_owned(),
        from: from.to_owned(),
        is_forced: false,
        cache_bytes: CACHE_BYTES,
        segment_bytes_max: SEGMENT_BYTES,
        near_window: Some(WINDOW),
    }
}

fn filled(store: &Path, from: &Path) -> Filled {
    fill(&wanted(store, from), PATIENCE, |_| {}).unwrap()
}

/// A store that has grown since a backup of it was made.
fn grown() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(whole(), folder.path());
    let store = open_at(folder.path()).unwrap();
    // Some of the files are in larger frames, some as they were.
    for _ in 0..3 {
        store.recompress_next(|| true).unwrap().unwrap();
    }
    commit_records(&store, RECORDS + 1, RECORDS + LATER);
    folder
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let segments = Segments::of_another(&folder.join("log"));
    segments.list().unwrap().into_iter().map(|segment| segments.path(segment)).collect()
}

/// Everything that filling must leave as it is.
fn kept(store: &Store) -> (super::super::Counts, Vec<(String, Seq)>, u64) {
    (store.counts().unwrap(), store.cursors().unwrap(), store.pending_count())
}

fn all(until: u64) -> BTreeSet<u64> {
    (1..=until).collect()
}

/// Spoils a file of the log in one of the ways there are.
fn spoil(path: &Path, way: u64, seeded: &mut Seeded) {
    let mut bytes = std::fs::read(path).unwrap();
    let at = seeded.below(bytes.len() as u64) as usize;
    match way {
        0 => return std::fs::remove_file(path).unwrap(),
        1 => bytes.truncate(at),
        2 => bytes.truncate(0),
        _ => {
            for _ in 0..way {
                let at = seeded.below(bytes.len() as u64) as usize;
                bytes[at] ^= 1 << seeded.below(8);
            }
        }
    }
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn what_a_backup_holds_comes_back_whatever_was_lost_and_nothing_else_changes() {
    let grown = grown();
    let mut put_back = 0;
    for case in 0..48 {
        let mut seeded = Seeded((7 << 32) + case);
        let folder = tempfile::tempdir().unwrap();
        copy(grown.path(), folder.path());
        let files = segments(folder.path());
        // One file, two that follow one another, or the last and another.
        let place = seeded.below(files.len() as u64) as usize;
        let mut spoilt: Vec<usize> = vec![place];
        spoilt.extend([place + 1].into_iter().filter(|next| case % 3 == 1 && *next < files.len()));
        spoilt.extend([files.len() - 1].into_iter().filter(|last| case % 3 == 2 && *last != place));
        for place in &spoilt {
            spoil(&files[*place], case % 5, &mut seeded);
        }
        let (_, before) = verified(folder.path());
        let lost = named_lost(&before);
        let found: Vec<u64> = lost.iter().copied().filter(|seq| *seq <= RECORDS).collect();
        let result = fill(&wanted(folder.path(), whole()), PATIENCE, |_| {});
        let result = match result {
            Err(FillError::NothingFound(_)) => {
                assert!(found.is_empty(), "{case}: {found:?}");
                continue;
            }
            result => result.unwrap_or_else(|error| panic!("{case}: {error}")),
        };
        assert_eq!(result.put_back, found.len() as u64, "{case}: {result:?}");
        put_back += result.put_back;
        let not_found: BTreeSet<u64> = lost.into_iter().filter(|seq| *seq > RECORDS).collect();
        assert_eq!(result.missing.is_empty(), not_found.is_empty(), "{case}: {result:?}");
        let (sum, after) = verified(folder.path());
        assert_eq!(named_lost(&after), not_found, "{case}: {after:?}");
        assert_eq!((sum.errors == 0, sum.warnings), (not_found.is_empty(), 0), "{case}: {after:?}");
        let store = open_at(folder.path()).unwrap();
        let expected: BTreeSet<u64> = all(RECORDS + LATER).difference(&not_found).copied().collect();
        assert_eq!(readable(&store), expected, "{case}");
        let untouched = tempfile::tempdir().unwrap();
        copy(grown.path(), untouched.path());
        assert_eq!(kept(&store), kept(&open_at(untouched.path()).unwrap()), "{case}");
        assert_eq!(commit_on(&store), 3);
        assert_counts_add_up(&store);
    }
    assert!(put_back > 500, "{put_back}");
}

#[test]
fn records_that_a_rebuild_took_for_lost_come_back_with_all_that_was_known_of_them() {
    for (name, way) in [("the last", 1), ("one in the middle", 0), ("the first", 0)] {
        let folder = tempfile::tempdir().unwrap();
        copy(whole(), folder.path());
        let files = segments(folder.path());
        let path = match name {
            "the first" => &files[0],
            "the last" => files.last().unwrap(),
            _ => &files[2],
        };
        spoil(path, way, &mut Seeded(3));
        let lost = named_lost(&verified(folder.path()).1);
        assert!(lost.len() > 5, "{name}");
        let rebuilt =
            Store::rebuild(folder.path(), CACHE_BYTES, SEGMENT_BYTES, PATIENCE, Some(WINDOW), &mut |_, _| {}).unwrap();
        assert!(!rebuilt.lost.is_empty(), "{name}");
        assert_eq!(named_lost(&verified(folder.path()).1), lost, "{name}");
        let store = open_at(folder.path()).unwrap();
        assert!(lost.iter().all(|number| store.seen(id_of(*number)).unwrap().is_none()));
        commit_on(&store);
        let (next, before) = (store.next_seq(), kept(&store));
        drop(store);

        let result = filled(folder.path(), whole());
        assert_eq!((result.put_back, result.missing.len(), result.known_missing), (lost.len() as u64, 0, 0));
        let store = open_at(folder.path()).unwrap();
        assert_eq!((store.next_seq(), kept(&store)), (next, before), "{name}");
        assert_eq!(store.pending_count(), PENDING);
        assert_eq!(store.cursors().unwrap(), CURSORS.map(|(output, at)| (output.to_owned(), at)));
        for number in &lost {
            let seen = store.seen(id_of(*number)).unwrap().unwrap();
            assert_eq!((seen.seq, seen.version), (Seq(*number), 1), "{name}");
            let digest = record_of(Seq(*number), *number).dedup.text_digest;
            assert_eq!(store.digest_owner(digest).unwrap(), Some(id_of(*number)));
        }
        drop(store);
        let (sum, findings) = verified(folder.path());
        assert_eq!((sum.lost, sum.errors, sum.warnings), (0, 0, 0), "{name}: {findings:?}");
        let again = filled(folder.path(), whole());
        assert_eq!((again.put_back, again.missing.len()), (0, 0), "once is enough");
    }
}

#[test]
fn an_older_version_that_comes_back_stays_behind_the_newer_ones() {
    let folder = tempfile::tempdir().unwrap();
    let backup = tempfile::tempdir().unwrap();
    let store = open_at(folder.path()).unwrap();
    let mut versions = Vec::new();
    for (seq, version) in [(1, 1), (2, 1), (3, 2), (4, 3)] {
        let mut one = record_of(Seq(seq), seq);
        if version > 1 || seq == 1 {
            (one.id, one.version) = (id_of(1), version);
            one.event = if version > 1 { crate::record::Event::Update } else { crate::record::Event::New };
        }
        store.commit(&line(&one), &[Settled::from_record(&one)]).unwrap();
        versions.push(one);
    }
    let known = store.versions(id_of(1)).unwrap();
    drop(store);
    copy(folder.path(), backup.path());
    // Without the second version, and with tables that never heard of it.
    let path = folder.path().join("log").join(format!("{:020}.zst", 1));
    let frames: Vec<u8> = [0, 1, 3].into_iter().flat_map(|place| compress(&line(&versions[place])).unwrap()).collect();
    std::fs::write(&path, frames).unwrap();
    std::fs::remove_dir_all(folder.path().join("sled")).unwrap();
    drop(open_at(folder.path()).unwrap());
    let result = filled(folder.path(), backup.path());
    assert_eq!(result.ranges, [(Seq(3), Seq(3))]);
    let store = open_at(folder.path()).unwrap();
    let mut found = store.versions(id_of(1)).unwrap();
    found.sort_unstable();
    assert_eq!(found, known);
    assert_eq!(store.seen(id_of(1)).unwrap().map(|seen| (seen.seq, seen.version)), Some((Seq(4), 3)));
}

#[test]
fn a_large_gap_is_filled_with_files_of_the_usual_size() {
    let folder = tempfile::tempdir().unwrap();
    copy(whole(), folder.path());
    let files = segments(folder.path());
    files[1..files.len() - 1].iter().for_each(|path| std::fs::remove_file(path).unwrap());
    let result = filled(folder.path(), &whole().join("log"));
    assert!(result.missing.is_empty() && result.ranges.len() == 1, "{result:?}");
    let sizes: Vec<u64> = segments(folder.path()).iter().map(|path| std::fs::metadata(path).unwrap().len()).collect();
    assert!(sizes.len() > 2 && sizes.iter().all(|size| *size < 3 * SEGMENT_BYTES), "{sizes:?}");
    assert_eq!(readable(&open_at(folder.path()).unwrap()), all(RECORDS));
}

#[test]
fn what_is_no_log_of_this_store_is_refused_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    copy(whole(), folder.path());
    let files = segments(folder.path());
    std::fs::remove_file(&files[1]).unwrap();
    let log = || -> Vec<Vec<u8>> { segments(folder.path()).iter().map(|path| std::fs::read(path).unwrap()).collect() };
    let before = log();
    let refused = |from: &Path| fill(&wanted(folder.path(), from), PATIENCE, |_| {}).unwrap_err();

    let other = tempfile::tempdir().unwrap();
    let store = open_at(other.path()).unwrap();
    for seq in 1..=RECORDS {
        let one = record_of(Seq(seq), seq + 5_000);
        store.commit(&line(&one), &[Settled::from_record(&one)]).unwrap();
    }
    drop(store);
    assert!(matches!(refused(other.path()), FillError::Another { seq: Seq(1), .. }));
    let part = tempfile::tempdir().unwrap();
    std::fs::copy(segments(whole())[1].clone(), part.path().join(segments(whole())[1].file_name().unwrap())).unwrap();
    assert!(matches!(refused(part.path()), FillError::NothingInCommon(_)));
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(refused(empty.path()), FillError::NoSegments(_)));
    assert!(!empty.path().join("log").exists(), "it is only read");
    assert!(matches!(refused(folder.path()), FillError::ItSelf(_)));
    assert!(matches!(refused(&folder.path().join("nothing")), FillError::Store(StoreError::Io { .. })));
    assert_eq!(log(), before);

    let forced = Fill { is_forced: true, ..wanted(folder.path(), part.path()) };
    assert!(fill(&forced, PATIENCE, |_| {}).unwrap().put_back > 0);
    assert_eq!(readable(&open_at(folder.path()).unwrap()), all(RECORDS));
}

#[test]
fn a_damaged_file_is_kept_while_records_that_were_in_it_are_not_found() {
    let folder = tempfile::tempdir().unwrap();
    let part = tempfile::tempdir().unwrap();
    copy(whole(), folder.path());
    copy(whole(), part.path());
    let (path, theirs) = (segments(folder.path())[2].clone(), segments(part.path())[2].clone());
    let bytes = std::fs::read(&path).unwrap();
    let ends = crate::store::frame_ends(&bytes).ends;
    assert!(ends.len() > 3);
    let mut damaged = bytes.clone();
    damaged[ends[0] + 20] ^= 1;
    damaged[ends[1] + 20] ^= 1;
    std::fs::write(&path, &damaged).unwrap();
    // The folder has the first of the two frames only.
    let mut half = bytes;
    half[ends[1] + 20] ^= 1;
    std::fs::write(&theirs, &half).unwrap();
    let result = filled(folder.path(), part.path());
    assert_eq!((result.missing.len(), result.kept.len()), (1, 1), "{result:?}");
    assert_eq!(std::fs::read(&result.kept[0]).unwrap(), damaged);
    let (sum, findings) = verified(folder.path());
    assert!(sum.errors == 1 && findings.iter().any(|finding| finding.file.as_ref() == Some(&result.kept[0])));
    assert_eq!(filled(folder.path(), whole()).missing, Vec::<String>::new());
    assert_eq!(readable(&open_at(folder.path()).unwrap()), all(RECORDS));
}
