//! Feeds as outputs: files that readers subscribe to.

use std::path::Path;

use serde_json::Value;

use crate::dir::{Dir, source, stderr, wait_for};
use crate::site::{Reply, Site, article, story};

fn feed(dir: &Dir, file: &str, more: &str) -> String {
    format!("[[output]]\nid = \"{}\"\nkind = \"feed\"\npath = {:?}\n{more}\n\n", file.replace('.', "-"), dir.path(file))
}

fn settle(dir: &Dir, site: &Site, outputs: &str) {
    dir.settle(&format!("{}{outputs}", source("canal", &site.url("/feed.xml"))));
}

fn once(dir: &Dir) {
    let output = dir.run(&["once"]);
    assert!(output.status.success(), "{}", stderr(&output));
}

/// The entries as our own reader, by the command of that name, finds them.
fn entries(dir: &Dir, file: &str) -> Vec<Value> {
    let read = dir.bare(&["feed", file]).output().unwrap();
    assert!(read.status.success(), "{}", stderr(&read));
    let feed: Value = serde_json::from_slice(&read.stdout).unwrap();
    feed["entries"].as_array().unwrap().clone()
}

fn titles(dir: &Dir, file: &str) -> Vec<String> {
    entries(dir, file).iter().map(|entry| entry["title"].as_str().unwrap().to_owned()).collect()
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_feed_has_the_newest_records_of_its_filter_in_both_forms_and_keeps_them_over_restarts() {
    let site = Site::start();
    site.publish(1..=9);
    let dir = Dir::new("");
    std::fs::create_dir(dir.path("www")).unwrap();
    let all =
        feed(&dir, "www/all.atom", "entries = 4\ntitle = \"Canals & <locks>\"\nurl = \"https://example.org/all.atom\"");
    let some =
        feed(&dir, "www/some.json", "filter = 'title:\"district 3\" OR title:\"district 7\"'\ncontent = \"text\"");
    let outputs = format!("{all}{some}").replace("www/all-", "all-").replace("www/some-", "some-");
    settle(&dir, &site, &outputs);
    once(&dir);
    let newest = titles(&dir, "www/all.atom");
    assert_eq!(newest.len(), 4, "{newest:?}");
    let mut found = titles(&dir, "www/some.json");
    found.sort();
    assert_eq!(found, ["Canal of district 3 carries water again", "Canal of district 7 carries water again"]);
    let whole: Value = serde_json::from_slice(&std::fs::read(dir.path("www/some.json")).unwrap()).unwrap();
    assert!(whole["items"][0]["content_text"].as_str().unwrap().contains("A second section"));
    let atom = std::fs::read(dir.path("www/all.atom")).unwrap();
    let parsed = feed_rs::parser::parse(atom.as_slice()).unwrap();
    assert_eq!(parsed.title.unwrap().content, "Canals & <locks>");
    assert!(parsed.entries.iter().all(|entry| entry.id.starts_with("urn:uuid:") && entry.updated.is_some()));

    // A start that brings nothing leaves the files as they are; one that finds none makes the same.
    let json = std::fs::read(dir.path("www/some.json")).unwrap();
    once(&dir);
    std::fs::remove_file(dir.path("www/all.atom")).unwrap();
    std::fs::write(dir.path("www/some.json"), "{\"torn").unwrap();
    once(&dir);
    assert_eq!(std::fs::read(dir.path("www/all.atom")).unwrap(), atom);
    assert_eq!(std::fs::read(dir.path("www/some.json")).unwrap(), json);
    assert_eq!(names_in(&dir.path("www")), ["all.atom", "some.json"]);

    // A feed that is added later begins with what there is.
    settle(&dir, &site, &format!("{outputs}{}", feed(&dir, "late.atom", "entries = 3")));
    once(&dir);
    assert_eq!(titles(&dir, "late.atom").len(), 3);
}

#[test]
fn an_update_takes_the_place_of_its_articles_older_entry() {
    let site = Site::start();
    site.publish(1..=3);
    let dir = Dir::new("");
    settle(&dir, &site, &feed(&dir, "f.atom", ""));
    once(&dir);
    let before = entries(&dir, "f.atom");
    // The announcement changes, and the page with it.
    let changed = format!(
        "{}\n\nThe pumps of the station were exchanged on Saturday, the office of works added later.",
        story(2)
    );
    site.put("/a/2", article("Canal of district 2 is dry once more", &changed));
    let feed = String::from_utf8(site.reply("/feed.xml").body).unwrap();
    let feed = feed.replace("Canal of district 2 carries water again", "Canal of district 2 is dry once more");
    site.put("/feed.xml", Reply::new("application/rss+xml", feed));
    once(&dir);
    let after = entries(&dir, "f.atom");
    assert_eq!((before.len(), after.len()), (3, 3));
    assert_eq!(after[0]["title"], "Canal of district 2 is dry once more", "the newest stands first");
    let id = |entries: &[Value], title: &str| {
        entries.iter().find(|entry| entry["title"].as_str().unwrap().contains(title)).unwrap()["id"].clone()
    };
    assert_eq!(id(&before, "district 2"), id(&after, "district 2"));
}

#[test]
fn whoever_reads_a_feed_while_it_is_written_and_killed_reads_a_whole_one() {
    let site = Site::start();
    let dir = Dir::new("");
    settle(&dir, &site, &feed(&dir, "f.json", "entries = 1000\ncontent = \"text\""));
    let mut published = 0;
    for round in 0..5 {
        published += 12;
        site.publish(1..=published);
        let daemon = dir.daemon();
        for _ in 0..(10 + round * 7) {
            if let Ok(bytes) = std::fs::read(dir.path("f.json")) {
                let read: Value = serde_json::from_slice(&bytes).unwrap();
                assert_eq!(read["version"], "https://jsonfeed.org/version/1.1");
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        daemon.signal(libc::SIGKILL);
    }
    let daemon = dir.daemon();
    wait_for("all articles", || (dir.records().len() >= published).then_some(()));
    wait_for("all entries", || (entries(&dir, "f.json").len() == dir.records().len()).then_some(()));
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn a_feed_that_cannot_be_written_is_trouble_of_its_own_and_goes_on_when_it_can() {
    let site = Site::start();
    site.publish(1..=2);
    let dir = Dir::new("");
    settle(&dir, &site, &feed(&dir, "f.atom", "").replace("f.atom\"\n", "www/f.atom\"\n"));
    let daemon = dir.daemon();
    let troubles = wait_for("the trouble", || {
        Some(dir.status()["troubles"].clone()).filter(|troubles| troubles["output f-atom"].is_string())
    });
    assert!(troubles["output f-atom"].as_str().unwrap().contains("www/f.atom"), "{troubles}");
    wait_for("the other output", || (dir.records().len() == 2).then_some(()));
    std::fs::create_dir(dir.path("www")).unwrap();
    wait_for("the feed", || dir.path("www/f.atom").exists().then_some(()));
    wait_for("its entries", || (entries(&dir, "www/f.atom").len() == 2).then_some(()));
    assert_eq!(daemon.stop(), Some(0));
}
