//! Killed at any moment: nothing admitted is lost, nothing is recorded twice.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::dir::{Dir, seqs, source, wait_for};
use crate::site::Site;

/// Kills in a row; the moments follow from the number of the round, so that a failure comes again. More with
/// `CHAPAR_CRASH_ROUNDS=200 cargo test --test program crash`.
const ROUNDS: u64 = 12;

#[test]
fn killed_again_and_again_every_article_is_recorded_once() {
    let site = Site::start();
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    let mut published: usize = 0;
    let rounds = std::env::var("CHAPAR_CRASH_ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    for round in 0..rounds {
        published += 15;
        // A feed shows the newest; every article stays in it for many rounds.
        site.publish(published.saturating_sub(450).max(1)..=published);
        let daemon = dir.daemon();
        std::thread::sleep(Duration::from_millis(20 + round * 37 % 200));
        daemon.signal(libc::SIGKILL);
    }
    let daemon = dir.daemon();
    wait_for("all articles", || (dir.records().len() >= published).then_some(()));
    let counts =
        wait_for("an empty frontier", || Some(dir.status()["counts"].clone()).filter(|counts| counts["pending"] == 0));
    assert_eq!(daemon.stop(), Some(0));
    let records = dir.records();
    let mut by_url: BTreeMap<&str, u64> = BTreeMap::new();
    records.iter().for_each(|record| *by_url.entry(record["url"].as_str().unwrap()).or_default() += 1);
    assert_eq!(by_url.len(), published);
    assert!(by_url.values().all(|count| *count == 1), "{by_url:?}");
    assert_eq!(seqs(&records), (1..=published as u64).collect::<Vec<_>>());
    assert_eq!(seqs(&dir.json(&["query", "--sort", "oldest"])), seqs(&records), "log and directory agree");
    let settled: u64 = counts["outcomes"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
    assert_eq!(counts["admitted"], settled, "{counts}");
}
