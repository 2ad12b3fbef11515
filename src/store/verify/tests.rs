//! What is told of a damaged store: one finding for one thing, with the file that is meant and advice that holds.
#![allow(clippy::unwrap_used)]

use super::super::damage_tests::{RECORDS, copy, files, id_of, open_at, verified, whole};
use super::*;

#[test]
fn a_file_that_is_missing_is_named_itself_and_what_leads_to_its_records_is_one_note() {
    let folder = tempfile::tempdir().unwrap();
    copy(whole(), folder.path());
    let store = open_at(folder.path()).unwrap();
    let segments = store.segments.list().unwrap();
    let (missing, next) = (segments[2], segments[3]);
    let path = store.segments.path(missing);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(store.line(missing).unwrap(), None);
    let told = store.damage().unwrap();
    assert!(told.contains(&format!("{} is missing", path.display())), "{told}");
    drop(store);
    let (sum, findings) = verified(folder.path());
    let [lost, note] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!((lost.file.as_ref(), lost.byte), (Some(&path), None));
    assert_eq!((lost.first_seq, lost.last_seq), (Some(missing), Some(Seq(next.0 - 1))));
    assert!(lost.what.contains("the file is missing") && lost.advice.contains("chapar log fill"), "{lost:?}");
    assert_eq!((note.severity, note.first_seq, note.last_seq), (Severity::Note, lost.first_seq, lost.last_seq));
    assert!(!findings.iter().any(|finding| finding.advice.contains("rebuild")), "{findings:?}");
    assert_eq!((sum.errors, sum.warnings, sum.notes), (1, 0, 1));
}

#[test]
fn a_log_that_is_cut_is_one_error_with_one_advice() {
    let folder = tempfile::tempdir().unwrap();
    copy(whole(), folder.path());
    let last = files(&folder.path().join("log")).pop().unwrap();
    let bytes = std::fs::read(&last).unwrap();
    std::fs::write(&last, &bytes[..bytes.len() / 2]).unwrap();
    let (sum, findings) = verified(folder.path());
    assert_eq!((sum.errors, sum.warnings), (1, 0), "{findings:?}");
    let error = &findings[0];
    assert!(error.what.starts_with("records are lost") && error.what.contains("does not start"), "{error:?}");
    assert!(error.advice.contains("log fill") && !error.advice.contains("nothing"), "{error:?}");
}

#[test]
fn rows_that_are_missing_of_one_record_after_another_are_a_finding_of_each_kind() {
    let folder = tempfile::tempdir().unwrap();
    copy(whole(), folder.path());
    let store = open_at(folder.path()).unwrap();
    store
        .ask(|tables| {
            for seq in (20..=90).chain(150..=151) {
                tables.positions.remove(Seq(seq).0.to_be_bytes())?;
                tables.seen.remove(id_of(seq).0)?;
            }
            Ok(())
        })
        .unwrap();
    drop(store);
    let (_, findings) = verified(folder.path());
    let ranges: Vec<_> = findings
        .iter()
        .filter(|finding| finding.what.contains("do not"))
        .map(|finding| (finding.first_seq.unwrap().0, finding.last_seq.unwrap().0))
        .collect();
    assert_eq!(ranges, [(20, 90), (20, 90), (150, 151), (150, 151)], "{findings:?}");
}

#[test]
fn tables_that_the_disk_does_not_let_open_are_not_called_damaged() {
    let folder = tempfile::tempdir().unwrap();
    copy(whole(), folder.path());
    std::fs::remove_dir_all(folder.path().join("sled")).unwrap();
    std::fs::write(folder.path().join("sled"), "a file where the folder should be").unwrap();
    let (sum, findings) = verified(folder.path());
    assert_eq!((sum.errors, sum.records), (1, RECORDS));
    assert!(findings[0].what.contains("could not be opened") && findings[0].advice.contains("verify again"));
    assert!(!findings.iter().any(|finding| finding.advice.contains("rebuild")), "{findings:?}");
}
