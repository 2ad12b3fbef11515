//! sled made anew, on a real folder.
#![allow(clippy::unwrap_used)]

use super::super::damage_tests::copy;
use super::super::tests::{line, record};
use super::opening::wait_until_let_go;
use super::*;
use crate::model::{ArticleId, Seq};
use crate::store::Settled;

const CACHE: u64 = 1 << 20;

fn open_store(path: &Path) -> Store {
    Store::open(path, CACHE, 1 << 20, Duration::from_secs(5), None).unwrap()
}

fn compact(path: &Path) -> Result<Compacted, StoreError> {
    Store::compact(path, CACHE, Duration::from_secs(5), |_| ())
}

/// A store of some records; its log and a folder of its sled are for many rounds.
fn fill(path: &Path) -> Vec<(String, Vec<(IVec, IVec)>)> {
    let store = open_store(path);
    for seq in 1..=60_u64 {
        let record = record(Seq(seq), ArticleId([u8::try_from(seq).unwrap(); 16]), "text");
        store.commit(&line(&record), &[Settled::from_record(&record)]).unwrap();
    }
    assert!(store.move_cursor("directory", None, Seq(7)).unwrap());
    drop(store);
    rows(&path.join("sled"))
}

fn rows(sled: &Path) -> Vec<(String, Vec<(IVec, IVec)>)> {
    let db = open(sled, CACHE).unwrap();
    let mut names = names(&db);
    names.sort();
    let of = |name: &IVec| db.open_tree(name).unwrap().iter().map(Result::unwrap).collect();
    let rows = names.iter().map(|name| (String::from_utf8_lossy(name).into_owned(), of(name))).collect();
    drop(db);
    wait_until_let_go(sled).unwrap();
    rows
}

#[test]
fn every_row_is_in_the_new_sled_and_the_store_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let before = fill(folder.path());
    let mut told = 0;
    let compacted = Store::compact(folder.path(), CACHE, Duration::from_secs(5), |rows| told += rows).unwrap();
    let count: usize = before.iter().map(|(_, rows)| rows.len()).sum();
    assert_eq!((compacted.rows, told), (count as u64, count as u64));
    assert_eq!(rows(&folder.path().join("sled")), before);
    assert!(!folder.path().join(COPY).exists() && !folder.path().join(OLD).exists());
    let store = open_store(folder.path());
    assert_eq!(store.notices(), &[] as &[String]);
    assert_eq!((store.next_seq(), store.cursor("directory").unwrap()), (Seq(61), Some(Seq(7))));
}

#[test]
fn killed_at_any_step_the_store_opens_with_every_row_or_the_next_compaction_goes_on() {
    let names = ["sled", COPY, OLD];
    // Which of the folders hold the rows, and which one is half a copy.
    let states: [(&str, [&str; 3]); 4] = [
        ("copying", ["whole", "half", ""]),
        ("moved", ["", "whole", "whole"]),
        ("in place", ["whole", "", "whole"]),
        ("only the old one", ["", "", "whole"]),
    ];
    for (name, state) in states {
        for is_opened in [true, false] {
            let folder = tempfile::tempdir().unwrap();
            let before = fill(folder.path());
            let whole = folder.path().join("kept");
            std::fs::rename(folder.path().join("sled"), &whole).unwrap();
            for (folder_name, what) in names.iter().zip(state) {
                let to = folder.path().join(folder_name);
                match what {
                    "whole" => copy(&whole, &to),
                    "half" => half_a_copy(&whole, &to),
                    _ => {}
                }
            }
            if is_opened {
                drop(open_store(folder.path()));
                assert!(!folder.path().join(COPY).exists(), "{name}");
            } else {
                compact(folder.path()).unwrap();
            }
            wait_until_let_go(&folder.path().join("sled")).unwrap();
            let after = rows(&folder.path().join("sled"));
            let is_kept =
                |(tree, rows): &(String, Vec<_>)| tree == "meta" || before.contains(&(tree.clone(), rows.clone()));
            assert!(after.iter().all(is_kept) && after.len() == before.len(), "{name}");
            assert!(!folder.path().join(OLD).exists(), "{name}");
        }
    }
}

#[test]
fn a_half_copy_is_gone_on_with_only_while_nobody_had_the_store() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    let copy = folder.path().join(COPY);
    half_a_copy(&folder.path().join("sled"), &copy);
    let held = open(&copy, CACHE).unwrap().open_tree("positions").unwrap().len() as u64;
    assert!(held > 0);
    wait_until_let_go(&copy).unwrap();
    let mut told = Vec::new();
    Store::compact(folder.path(), CACHE, Duration::from_secs(5), |rows| told.push(rows)).unwrap();
    assert!(told.contains(&held), "{told:?}");
    let of_another_state = folder.path().join("sled");
    half_a_copy(&of_another_state, &copy);
    let db = open(&copy, CACHE).unwrap();
    db.insert(COPIED_FROM, "another").unwrap();
    db.open_tree("positions").unwrap().insert("stale", "row").unwrap();
    drop(db);
    wait_until_let_go(&copy).unwrap();
    compact(folder.path()).unwrap();
    let positions = rows(&folder.path().join("sled")).into_iter().find(|(name, _)| name == "positions").unwrap().1;
    assert_eq!(positions.len(), 60);
}

#[test]
fn a_store_in_use_or_missing_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_store(folder.path());
    let refused = Store::compact(folder.path(), CACHE, Duration::ZERO, |_| ());
    assert!(matches!(refused, Err(StoreError::InUse { .. })));
    drop(store);
    let empty = tempfile::tempdir().unwrap();
    assert!(compact(empty.path()).is_err());
    assert!(!empty.path().join("sled").exists());
}

/// Half of the positions, as a copy that was killed has them.
fn half_a_copy(sled: &Path, to: &Path) {
    let (from, copy) = (open(sled, CACHE).unwrap(), open(to, CACHE).unwrap());
    let state = from.open_tree("meta").unwrap().get("opened_at").unwrap().unwrap();
    copy.insert(COPIED_FROM, state).unwrap();
    let positions = copy.open_tree("positions").unwrap();
    for row in from.open_tree("positions").unwrap().iter().take(30) {
        let (key, value) = row.unwrap();
        positions.insert(key, value).unwrap();
    }
    drop((from, positions, copy));
    wait_until_let_go(sled).unwrap();
    wait_until_let_go(to).unwrap();
}
