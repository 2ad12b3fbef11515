//! `chapar demo`: the first thing a stranger runs.

use std::collections::BTreeSet;

use crate::dir::{Dir, json_lines, seqs};

#[test]
fn the_demo_shows_the_main_job_without_a_network_and_keeps_nothing() {
    let dir = Dir::new("");
    let mut command = dir.bare(&["demo"]);
    let output = command.env("TMPDIR", dir.path("")).output().unwrap();
    let summary = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{summary}");
    let records = json_lines(&output.stdout);
    assert_eq!(seqs(&records), (1..=14).collect::<Vec<_>>());
    assert_eq!(records.iter().filter(|record| record["event"] == "update").count(), 1);
    let languages: BTreeSet<&str> = records.iter().map(|record| record["language"].as_str().unwrap()).collect();
    assert_eq!(languages, BTreeSet::from(["en", "kk", "ru"]));
    let kinds: BTreeSet<&str> = records.iter().map(|record| record["source"]["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, BTreeSet::from(["feed", "listing"]));
    for record in &records {
        let named = ["title", "date_published", "content_text"].iter().all(|field| record[field].is_string());
        let is_labelled = ["places", "topics", "authors"].iter().all(|field| record[field][0].is_object());
        assert!(named && is_labelled && record["word_count"].as_u64() > Some(100), "{record}");
    }
    for line in ["4 answered, 1 failed", "13 recorded, 1 duplicate", "not-found", "1 recorded, 0 duplicate"] {
        assert!(summary.contains(line), "{line}: {summary}");
    }
    let left: Vec<_> = std::fs::read_dir(dir.path("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["chapar.toml"]);
}
