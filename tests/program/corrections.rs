//! Second looks: corrections, pages that have not changed, pages that are gone, and stops of any kind between them.

use std::time::Duration;

use serde_json::Value;

use crate::dir::{Dir, source, wait_for};
use crate::site::{Reply, Site, article, story};

const TITLE: &str = "Canal of district 1 carries water again";

/// A source whose articles are looked at again after so many seconds.
fn looked_at_again(site: &Site, seconds: &[u64]) -> Dir {
    let looks: Vec<String> = seconds.iter().map(|seconds| format!("\"{seconds}s\"")).collect();
    Dir::new(&format!("[novelty]\nlook_again = [{}]\n\n{}", looks.join(", "), source("canal", &site.url("/feed.xml"))))
}

fn outcome(dir: &Dir, name: &str) -> u64 {
    let counts = dir.status()["counts"].clone();
    let settled: u64 = counts["outcomes"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
    assert_eq!(counts["admitted"].as_u64().unwrap(), settled + counts["pending"].as_u64().unwrap(), "{counts}");
    counts["outcomes"][name].as_u64().unwrap()
}

/// Waits until all records are written and so many looks are left to wait; those that came late were passed over.
fn wait_for_last_looks(dir: &Dir, left: u64) {
    wait_for("the last looks", || {
        let counts = dir.status()["counts"].clone();
        (counts["looks"] == left && counts["pending"] == 0).then_some(())
    });
}

fn wait_for_outcome(dir: &Dir, name: &str, count: u64) {
    wait_for(name, || (outcome(dir, name) >= count).then_some(()));
}

#[test]
fn a_text_that_is_corrected_without_a_word_in_the_feed_becomes_the_next_version() {
    let site = Site::start();
    site.publish([1]);
    let dir = looked_at_again(&site, &[1, 2, 3, 4, 6, 8, 12, 16, 25]);
    let daemon = dir.daemon();
    wait_for("the record", || (dir.records().len() == 1).then_some(()));
    let corrected = story(1).replace("four months", "five months");
    site.put("/a/1", article(TITLE, &corrected));
    let records = wait_for("the update", || Some(dir.records()).filter(|records| records.len() > 1));
    let update = &records[1];
    assert_eq!((&update["event"], &update["version"], &update["replaces"]), (&"update".into(), &2.into(), &1.into()));
    assert_eq!((&update["id"], &update["content_text"]), (&records[0]["id"], &corrected.into()));
    wait_for_outcome(&dir, "unchanged", 1);
    assert_eq!(daemon.stop(), Some(0));
    assert_eq!(dir.records().len(), 2, "the corrected text is not recorded again");
}

#[test]
fn a_page_that_has_not_changed_is_asked_for_on_a_condition_and_not_read_again() {
    let site = Site::start();
    site.publish([1]);
    site.put("/a/1", Reply { etag: Some("\"one\"".to_owned()), ..site.reply("/a/1") });
    let dir = looked_at_again(&site, &[1, 2]);
    let daemon = dir.daemon();
    wait_for("the record", || (dir.records().len() == 1).then_some(()));
    wait_for_last_looks(&dir, 0);
    let looks = outcome(&dir, "unchanged");
    assert!((1..=2).contains(&looks), "{looks}");
    assert_eq!((site.not_modified("/a/1"), site.hits("/a/1"), dir.records().len()), (looks, looks + 1, 1));
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn a_counter_that_goes_on_is_no_change() {
    let site = Site::start();
    site.publish([1]);
    let read_by =
        |views: &str| article(TITLE, &format!("{}\n\n{views} views\n\nUpdated {views} minutes ago", story(1)));
    site.put("/a/1", read_by("12"));
    let dir = looked_at_again(&site, &[1, 2, 3, 5]);
    let daemon = dir.daemon();
    wait_for("the record", || (dir.records().len() == 1).then_some(()));
    site.put("/a/1", read_by("47"));
    wait_for_last_looks(&dir, 0);
    let looks = outcome(&dir, "unchanged");
    assert!(looks > 0);
    assert_eq!((site.hits("/a/1"), site.not_modified("/a/1"), dir.records().len()), (looks + 1, 0, 1));
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn a_page_that_is_gone_or_fails_at_a_second_look_is_no_dead_letter_and_keeps_its_record() {
    let site = Site::start();
    site.publish(1..=3);
    let dir = looked_at_again(&site, &[1, 2, 3, 5]);
    let daemon = dir.daemon();
    wait_for("the records", || (dir.records().len() == 3).then_some(()));
    site.put("/a/1", Reply::status(404));
    site.put("/a/2", Reply::status(500));
    site.put("/a/3", Reply::html(""));
    // What is gone is looked at once more, a day later.
    wait_for_last_looks(&dir, 1);
    assert!(site.hits("/a/1") > 1 && site.hits("/a/2") > 1 && site.hits("/a/3") > 1);
    let settled = ["recorded", "rejected", "dead-letter"].map(|name| outcome(&dir, name));
    assert_eq!((settled, dir.records().len()), ([3, 0, 0], 3));
    assert!(dir.json(&["dead-letters"]).is_empty());
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn one_pass_looks_again_at_what_is_due() {
    let site = Site::start();
    site.publish(1..=2);
    let dir = looked_at_again(&site, &[1]);
    assert!(dir.run(&["once"]).status.success());
    assert_eq!(dir.status()["counts"]["looks"], 2);
    std::thread::sleep(Duration::from_secs(1));
    assert!(dir.run(&["once"]).status.success());
    assert_eq!((site.hits("/a/1"), site.hits("/a/2")), (2, 2));
    assert_eq!((outcome(&dir, "unchanged"), dir.status()["counts"]["looks"].as_u64()), (2, Some(0)));
}

#[test]
fn looks_of_a_source_that_was_taken_out_of_the_settings_lapse() {
    let site = Site::start();
    site.publish([1]);
    let dir = looked_at_again(&site, &[1]);
    assert!(dir.run(&["once"]).status.success());
    dir.settle(&format!("[novelty]\nlook_again = [\"1s\"]\n\n{}", source("other", &site.url("/feed.xml"))));
    std::thread::sleep(Duration::from_secs(1));
    assert!(dir.run(&["once"]).status.success());
    assert_eq!((site.hits("/a/1"), dir.status()["counts"]["looks"].as_u64()), (1, Some(0)));
    assert_eq!(dir.status()["counts"]["pending"], 0);
}

#[test]
fn killed_between_looks_none_is_lost_and_none_is_doubled() {
    const ARTICLES: usize = 12;
    let site = Site::start();
    site.publish(1..=ARTICLES);
    let dir = looked_at_again(&site, &[1, 2, 3, 4, 6, 8, 11, 15, 20]);
    for round in 0..6 {
        let daemon = dir.daemon();
        std::thread::sleep(Duration::from_millis(200 + round * 137 % 400));
        daemon.signal(libc::SIGKILL);
        if round == 2 {
            site.put("/a/1", article(TITLE, &story(1).replace("four months", "five months")));
        }
    }
    let daemon = dir.daemon();
    let counts = wait_for("the last look", || {
        let counts = dir.status()["counts"].clone();
        (dir.records().len() > ARTICLES && counts["looks"] == 0 && counts["pending"] == 0).then_some(counts)
    });
    assert_eq!(daemon.stop(), Some(0));
    let settled: u64 = counts["outcomes"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
    assert_eq!(counts["admitted"], settled, "{counts}");
    let records = dir.records();
    for number in 1..=ARTICLES {
        let url = site.url(&format!("/a/{number}"));
        let versions: Vec<&Value> =
            records.iter().filter(|record| record["url"] == *url).map(|record| &record["version"]).collect();
        let expected: &[u64] = if number == 1 { &[1, 2] } else { &[1] };
        assert_eq!(versions, expected, "{url}");
        assert!(site.hits(&format!("/a/{number}")) > 1, "{url} was looked at again");
    }
}
