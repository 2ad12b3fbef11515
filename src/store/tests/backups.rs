//! Backups of a store that goes on, and stores from them.

use std::collections::BTreeMap;

use super::*;
use crate::store::backup::Progress;

/// Small segments, so that a few records fill several.
const SEGMENT_BYTES: u64 = 1 << 10;

fn open_small(path: &Path) -> Store {
    Store::open(path, 1 << 20, SEGMENT_BYTES, PATIENCE, Some(WINDOW)).unwrap()
}

fn back_up(store: &Store, folder: &Path) -> Result<BackedUp, BackupError> {
    store.back_up(folder, |_| true)
}

fn wanted(backup: &Path, target: &Path) -> Restore {
    Restore {
        backup: backup.to_owned(),
        target: target.to_owned(),
        records: Vec::new(),
        next: None,
        is_forced: false,
        cache_bytes: 1 << 20,
        segment_bytes_max: SEGMENT_BYTES,
        near_window: Some(WINDOW),
    }
}

/// Every row of every tree.
fn rows(store: &Store) -> BTreeMap<(Vec<u8>, Vec<u8>), Vec<u8>> {
    let tables = store.tables().unwrap();
    let mut rows = BTreeMap::new();
    for name in tables.db.tree_names() {
        for row in &tables.db.open_tree(&name).unwrap() {
            let (key, row) = row.unwrap();
            if *key != *b"opened_at" {
                rows.insert((name.to_vec(), key.to_vec()), row.to_vec());
            }
        }
    }
    rows
}

/// A store with a few of everything.
fn full(path: &Path) -> Store {
    let store = open_small(path);
    for number in 1..=40 {
        admit(&store, &entry("a", number, Some(&format!("guid-{number}"))), 1);
        if number <= 30 {
            commit(&store, ArticleId([number; 16]));
        }
    }
    store.rewind("directory", Seq(25)).unwrap();
    store
}

fn lines(store: &Store, seqs: std::ops::RangeInclusive<u64>) -> String {
    seqs.map(|seq| store.line(Seq(seq)).unwrap().unwrap() + "\n").collect()
}

#[test]
fn a_backup_is_the_store_of_one_moment_and_a_store_itself() {
    let folder = tempfile::tempdir().unwrap();
    let (path, backup) = (folder.path().join("store"), folder.path().join("backups/one"));
    let store = full(&path);
    let before = rows(&store);
    let made = back_up(&store, &backup).unwrap();
    assert_eq!((made.last_seq, made.records, made.is_linked), (Seq(30), 30, true));
    // It goes on, also in the segment that was open.
    commit(&store, ArticleId([31; 16]));
    assert_eq!(
        store.segments.list().unwrap().len(),
        Segments::open(&backup.join("log"), 1).unwrap().list().unwrap().len()
    );
    let copy = open_small(&backup);
    assert_eq!(copy.notices(), &[] as &[String]);
    assert_eq!((rows(&copy), copy.last_seq()), (before, Seq(30)));
    assert_eq!(lines(&copy, 1..=30), lines(&store, 1..=30));
    assert_counts_add_up(&copy);
    commit(&copy, ArticleId([31; 16]));
    assert_eq!(store.line(Seq(31)).unwrap(), copy.line(Seq(31)).unwrap(), "each has its own open segment");
}

#[test]
fn what_is_under_way_is_wholly_in_a_backup_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_small(&folder.path().join("store"));
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..=250 {
                admit(&store, &entry("a", number, None), 1);
                commit(&store, ArticleId([number; 16]));
            }
            is_done.store(true, Ordering::Release);
        });
        let mut made = 0;
        while !is_done.load(Ordering::Acquire) || made == 0 {
            let backup = folder.path().join(format!("backup-{made}"));
            let told = back_up(&store, &backup).unwrap();
            let copy = open_small(&backup);
            assert_eq!(copy.notices(), &[] as &[String], "nothing of the log was missed");
            assert_eq!(copy.last_seq(), told.last_seq);
            assert_counts_add_up(&copy);
            made += 1;
        }
    });
}

#[test]
fn a_backup_is_refused_where_something_is_and_one_that_was_broken_off_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = full(&folder.path().join("store"));
    let taken = folder.path().join("taken");
    std::fs::create_dir(&taken).unwrap();
    back_up(&store, &taken).expect("an empty folder is none");
    assert!(matches!(back_up(&store, &taken), Err(BackupError::NotEmpty(_))));
    for inside in ["log/backup", "sled/backup"] {
        assert!(matches!(back_up(&store, &store.path().join(inside)), Err(BackupError::Inside(_))), "{inside}");
    }
    assert!(matches!(back_up(&store, Path::new("/")), Err(BackupError::NoName(_))));
    assert!(matches!(back_up(&store, Path::new("relative")), Err(BackupError::NoName(_))));
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert!(matches!(back_up(&store, &file), Err(BackupError::Store(StoreError::Io { .. }))));
    // Left by one that was killed.
    std::fs::create_dir_all(folder.path().join(".next.part/log")).unwrap();
    std::fs::create_dir_all(store.path().join("backup.pins")).unwrap();
    let next = folder.path().join("next");
    let stopped = store.back_up(&next, |progress: &Progress| progress.step != "reading files");
    assert!(matches!(stopped, Err(BackupError::Stopped)));
    assert!(!next.exists() && !folder.path().join(".next.part").exists());
    back_up(&store, &next).unwrap();
    assert!(!store.path().join("backup.pins").exists());
}

#[test]
fn a_restored_store_is_the_one_that_was_backed_up_and_a_target_in_use_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (backup, target) = (folder.path().join("backup"), folder.path().join("new/store"));
    let store = full(&folder.path().join("store"));
    back_up(&store, &backup).unwrap();
    let before = rows(&store);
    let refused = restore(&wanted(&backup, store.path()), |_| {}).unwrap_err();
    assert!(matches!(refused, RestoreError::Store(StoreError::InUse { .. })), "{refused}");
    drop(store);
    let refused = restore(&wanted(&backup, &folder.path().join("store")), |_| {}).unwrap_err();
    assert!(matches!(refused, RestoreError::NotEmpty(_)), "{refused}");
    // What is not the store's own may be there.
    std::fs::create_dir_all(target.join("records")).unwrap();
    let restored = restore(&wanted(&backup, &target), |_| {}).unwrap();
    assert_eq!((restored.records, restored.backed_up, restored.last_seq), (30, Seq(30), Seq(30)));
    assert_eq!((restored.taken, restored.missing, restored.faults.len()), (0, 0, 0));
    let store = open_small(&target);
    assert_eq!((rows(&store), store.next_seq()), (before, Seq(31)));
    assert_eq!(store.cursor("directory").unwrap(), Some(Seq(25)));
    assert_counts_add_up(&store);
}

#[test]
fn damage_is_named_and_what_is_readable_is_restored_when_that_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let backup = folder.path().join("backup");
    let store = full(&folder.path().join("store"));
    // As on another disk: the test damages no file of the store.
    back_up(&store, &backup).unwrap();
    let segment = *store.segments.list().unwrap().last().unwrap();
    drop(store);
    let open = format!("log/{:020}.zst", segment.0);
    for (name, is_cut) in [("sled/db", false), (open.as_str(), true), ("format", false), ("sled/conf", true)] {
        let path = backup.join(name);
        let whole = std::fs::read(&path).unwrap();
        let mut damaged = whole.clone();
        if is_cut {
            damaged.truncate(whole.len() / 2);
        } else {
            damaged[whole.len() / 2] ^= 1;
        }
        std::fs::write(&path, &damaged).unwrap();
        let target = folder.path().join(name.replace('/', "-"));
        let refused = restore(&wanted(&backup, &target), |_| {}).unwrap_err().to_string();
        assert!(refused.contains(name) && refused.contains("--force"), "{refused}");
        assert!(!target.join("log").exists() && !target.join("restore.part").exists());
        if name != "format" {
            let forced = restore(&Restore { is_forced: true, ..wanted(&backup, &target) }, |_| {}).unwrap();
            assert!(forced.faults[0].contains(name), "{forced:?}");
            assert!(forced.records >= 25 && (is_cut || forced.records == 30), "{forced:?}");
            assert_counts_add_up(&open_small(&target));
        }
        std::fs::write(&path, &whole).unwrap();
    }
    std::fs::remove_file(backup.join(&open)).unwrap();
    let refused = restore(&wanted(&backup, &folder.path().join("gone")), |_| {}).unwrap_err().to_string();
    assert!(refused.contains(&open), "{refused}");
}

#[test]
fn what_is_no_backup_or_names_files_elsewhere_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (backup, target) = (folder.path().join("backup"), folder.path().join("target"));
    back_up(&full(&folder.path().join("store")), &backup).unwrap();
    let manifest = std::fs::read_to_string(backup.join("backup.json")).unwrap();
    let newer = manifest.replace("\"store_format\": 1", "\"store_format\": 2");
    std::fs::write(backup.join("backup.json"), newer).unwrap();
    assert!(matches!(restore(&wanted(&backup, &target), |_| {}), Err(RestoreError::Newer { found: 2, .. })));
    for place in ["../../etc/passwd", "/etc/passwd", "log/../../x", "chapar.lock", "records/x"] {
        let elsewhere = manifest.replace("\"format\"", &format!("{place:?}"));
        assert_ne!(elsewhere, manifest);
        std::fs::write(backup.join("backup.json"), elsewhere).unwrap();
        let refused = restore(&wanted(&backup, &target), |_| {});
        assert!(matches!(refused, Err(RestoreError::NoBackup { .. })), "{place}");
    }
    assert!(matches!(restore(&wanted(folder.path(), &target), |_| {}), Err(RestoreError::NoBackup { .. })));
    assert!(!target.exists());
}

#[test]
fn records_that_came_after_the_backup_come_back_from_what_an_output_holds() {
    let folder = tempfile::tempdir().unwrap();
    let (backup, records) = (folder.path().join("backup"), folder.path().join("records"));
    let store = full(&folder.path().join("store"));
    back_up(&store, &backup).unwrap();
    (31..=36).for_each(|number| drop(commit(&store, ArticleId([number; 16]))));
    // Of several outputs: parts that overlap, a torn end, a compressed one, one that is missing (35).
    std::fs::create_dir_all(records.join("energy")).unwrap();
    let torn = lines(&store, 20..=32) + "{\"schema\":";
    std::fs::write(records.join("records-2026-01-02-000.ndjson"), torn).unwrap();
    let packed = zstd::encode_all(lines(&store, 32..=34).as_bytes(), 3).unwrap();
    std::fs::write(records.join("energy/records-2026-01-02-000.ndjson.zst"), packed).unwrap();
    std::fs::write(records.join("energy/other.ndjson"), lines(&store, 36..=36)).unwrap();
    let target = folder.path().join("target");
    let restored = restore(&Restore { records: vec![records.clone()], ..wanted(&backup, &target) }, |_| {}).unwrap();
    assert_eq!((restored.backed_up, restored.taken, restored.last_seq, restored.missing), (Seq(30), 5, Seq(36), 1));
    let copy = open_small(&target);
    assert_eq!(lines(&copy, 31..=34), lines(&store, 31..=34));
    assert_eq!((copy.line(Seq(35)).unwrap(), copy.line(Seq(36)).unwrap()), (None, store.line(Seq(36)).unwrap()));
    assert_eq!(copy.pending_count(), 5, "35, which came to no record here, and 37 to 40");
    assert_eq!(copy.next_seq(), Seq(37));
    assert_counts_add_up(&copy);
    drop(copy);
    // Also when sled is lost once more.
    std::fs::remove_dir_all(target.join("sled")).unwrap();
    assert_eq!(open_small(&target).next_seq(), Seq(37));
    std::fs::write(records.join("zzz.ndjson"), lines(&store, 36..=36).replace("text", "other")).unwrap();
    let refused = restore(&Restore { records: vec![records], ..wanted(&backup, &folder.path().join("b")) }, |_| {});
    assert!(refused.unwrap_err().to_string().contains("record 36 is another one"));
}

#[test]
fn numbers_that_outputs_hold_are_not_given_out_again() {
    let folder = tempfile::tempdir().unwrap();
    let (backup, target) = (folder.path().join("backup"), folder.path().join("target"));
    let store = full(&folder.path().join("store"));
    back_up(&store, &backup).unwrap();
    (31..=36).for_each(|number| drop(commit(&store, ArticleId([number; 16]))));
    let restored = restore(&Restore { next: Some(Seq(37)), ..wanted(&backup, &target) }, |_| {}).unwrap();
    assert_eq!((restored.last_seq, restored.missing), (Seq(36), 6));
    let copy = open_small(&target);
    assert_eq!(copy.next_seq(), Seq(37));
    drop(copy);
    std::fs::remove_dir_all(target.join("sled")).unwrap();
    let copy = open_small(&target);
    assert_eq!(copy.next_seq(), Seq(37), "the log says so without sled");
    commit(&copy, ArticleId([31; 16]));
    assert_eq!(copy.frame_from(Seq(31)).unwrap().map(|frame| frame.first), Some(Seq(37)));
    assert_eq!(copy.frame_before(Seq(36)).unwrap().map(|frame| frame.first), Some(Seq(30)));
    let last = folder.path().join("last");
    let later = Restore { next: Some(Seq(1_000)), ..wanted(&backup, &last) };
    assert_eq!(restore(&later, |_| {}).unwrap().last_seq, Seq(999));
    drop(open_small(&last));
}

#[test]
fn a_target_in_which_a_restore_broke_off_is_no_store_until_it_is_run_again() {
    let folder = tempfile::tempdir().unwrap();
    let (backup, target) = (folder.path().join("backup"), folder.path().join("target"));
    back_up(&full(&folder.path().join("store")), &backup).unwrap();
    std::fs::create_dir_all(target.join("restore.part/log")).unwrap();
    std::fs::create_dir_all(target.join("sled")).unwrap();
    let refused = Store::open(&target, 1 << 20, 1 << 20, PATIENCE, None).err().unwrap();
    assert!(matches!(refused, StoreError::HalfRestored { .. }), "{refused}");
    assert_eq!(restore(&wanted(&backup, &target), |_| {}).unwrap().records, 30);
    assert_eq!(open_small(&target).last_seq(), Seq(30));
}

#[test]
fn a_backup_of_a_log_that_begins_later_or_has_numbers_left_out_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (path, backup, target) = (folder.path().join("store"), folder.path().join("one"), folder.path().join("target"));
    drop(full(&path));
    // What is kept is said before anything is committed.
    let store = open_small(&path);
    store.keep_within(Retention { records: Some(10), past_cursors: true, ..Retention::default() });
    while store.retain(Timestamp::now()).unwrap().is_some() {}
    let oldest = store.oldest_seq().unwrap().unwrap();
    assert!(oldest > Seq(1));
    back_up(&store, &backup).unwrap();
    let restored = restore(&Restore { next: Some(Seq(50)), ..wanted(&backup, &target) }, |_| ()).unwrap();
    assert_eq!((restored.faults, restored.records), (vec![], 31 - oldest.0));

    // Numbers up to 49 are left out, and that is known.
    let store = open_small(&target);
    commit(&store, ArticleId([50; 16]));
    let (backup, target) = (folder.path().join("two"), folder.path().join("target-2"));
    back_up(&store, &backup).unwrap();
    let restored = restore(&wanted(&backup, &target), |_| ()).unwrap();
    assert_eq!((restored.faults, restored.last_seq), (vec![], Seq(50)));
}
