//! Stores of earlier versions are opened and gone on with; those of later ones are refused.
//!
//! `tests/fixtures/store-N` holds a store of format N with the folder of its directory output, as
//! [`a_store_made_now_is_as_the_fixture_of_its_format`] makes it.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::dir::{Dir, seqs, source, stderr};
use crate::site::{Item, Reply, Site, article, story};

/// Where a store is written to become a fixture.
const WRITE_TO: &str = "CHAPAR_WRITE_FIXTURE";

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// What is to be found in a store that was made by the first test, whatever version made it: three articles, of one two
/// versions, an entry that was given up, one that waits, and a cursor at the end.
fn is_as_made(dir: &Dir) {
    let events: Vec<Value> = dir.json(&["query", "--reverse", "event:new,update"]);
    let events: Vec<(u64, &str)> =
        events.iter().map(|record| (record["version"].as_u64().unwrap(), record["event"].as_str().unwrap())).collect();
    assert_eq!(events, [(1, "new"), (1, "new"), (1, "new"), (2, "update")]);
    let text = &dir.json(&["query", "title:\"district 3\""])[0]["content_text"];
    assert_eq!(*text, story(3));
    let letters = dir.json(&["dead-letters"]);
    assert_eq!((letters.len(), &letters[0]["reason"]), (1, &Value::from("not-found")));
    let status = dir.status();
    assert_eq!((&status["counts"]["pending"], &status["last_seq"]), (&Value::from(1), &Value::from(4)), "{status}");
    assert_eq!(status["outputs"][0]["cursor"], 4, "{status}");
    assert_eq!(seqs(&dir.records()), [1, 2, 3, 4]);
}

#[test]
fn a_store_made_now_is_as_the_fixture_of_its_format() {
    let site = Site::start();
    site.publish(1..=3);
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    assert!(dir.run(&["once"]).status.success());
    let changed = story(2).replace("four months", "five months, not four as it was reported before");
    site.put("/a/2", article("Canal of district 2 carries water again", &changed));
    site.put("/waits", Reply { retry_after: Some("86400".to_owned()), ..Reply::status(503) });
    let items = [("/a/2", "Corrected: the canal"), ("/gone", "Gone"), ("/waits", "Waits")];
    // The last one makes the site be left alone for a day, and with it whatever waits there.
    for known in [2, 3] {
        let items: Vec<Item> = items[..known].iter().map(|(path, title)| Item::new(&site.url(path), title)).collect();
        site.put("/feed.xml", Reply::rss(&items));
        assert!(dir.run(&["once"]).status.success());
    }
    is_as_made(&dir);
    if let Some(folder) = std::env::var_os(WRITE_TO).map(PathBuf::from) {
        for name in ["store", "records"] {
            copy(&dir.path(name), &folder.join(name));
        }
        std::fs::remove_file(folder.join("store/chapar.lock")).unwrap();
    }
}

#[test]
fn stores_of_every_format_are_opened_and_gone_on_with() {
    let mut formats = 0;
    for fixture in std::fs::read_dir(fixtures()).unwrap().map(|entry| entry.unwrap().path()) {
        if !fixture.is_dir() {
            continue;
        }
        formats += 1;
        let site = Site::start();
        // One story is known by its text, wherever it appears; two are new.
        for (number, known) in [(1, 1), (2, 11), (3, 12)] {
            site.put(&format!("/b/{number}"), article(&format!("Canal of district {known}"), &story(known)));
        }
        let items: Vec<Item> = (1..=3).map(|number| Item::new(&site.url(&format!("/b/{number}")), "Canal")).collect();
        site.put("/feed.xml", Reply::rss(&items));
        let dir = Dir::new(&source("other", &site.url("/feed.xml")));
        copy(&fixture, &dir.path("."));
        let status = dir.status();
        is_as_made(&dir);
        assert!(dir.run(&["once"]).status.success());
        assert_eq!(seqs(&dir.records()), [1, 2, 3, 4, 5, 6], "{}", fixture.display());
        let outcomes = &dir.status()["counts"]["outcomes"];
        let before = status["counts"]["outcomes"]["duplicate"].as_u64().unwrap();
        assert_eq!(outcomes["duplicate"], before + 1, "{outcomes}");
        assert_eq!(std::fs::read_to_string(dir.path("store/format")).unwrap(), "1\n");
    }
    assert!(formats > 0, "they are where they are looked for");
}

#[test]
fn a_newer_store_is_refused_and_left_as_it_is() {
    let site = Site::start();
    site.publish(1..=2);
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    assert!(dir.run(&["once"]).status.success());
    std::fs::write(dir.path("store/format"), "2\n").unwrap();
    for command in [&["run"][..], &["once"], &["query", "canal"], &["status"]] {
        let refused = dir.run(command);
        assert_eq!(refused.status.code(), Some(1), "{command:?}");
        let message = stderr(&refused);
        assert!(message.contains("has store format 2") && message.contains("install a newer chapar"), "{message}");
    }
    assert_eq!(std::fs::read_to_string(dir.path("store/format")).unwrap(), "2\n");
    std::fs::write(dir.path("store/format"), "1\n").unwrap();
    assert_eq!(seqs(&dir.json(&["query", "--reverse"])), [1, 2]);
}
