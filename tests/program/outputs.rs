//! Outputs as users set them: filters, formats, folders by pattern, files that are finished, and what happens to them.

use crate::dir::{Dir, records_in, seqs, source, stderr};
use crate::site::Site;

/// An `[[output]]` that writes into `folder`, with more keys.
fn directory(dir: &Dir, id: &str, folder: &str, more: &str) -> String {
    format!("[[output]]\nid = \"{id}\"\nkind = \"directory\"\npath = {:?}\n{more}\n\n", dir.path(folder))
}

/// Where the cursor of an output is.
fn cursor(dir: &Dir, id: &str) -> u64 {
    let status = dir.status();
    let outputs = status["outputs"].as_array().unwrap();
    outputs.iter().find(|output| output["output"] == id).unwrap()["cursor"].as_u64().unwrap()
}

#[test]
fn an_output_gets_what_its_filter_asks_for_and_its_cursor_passes_the_rest() {
    let site = Site::start();
    site.publish(1..=12);
    let canal = source("canal", &site.url("/feed.xml"));
    let dir = Dir::new(&canal);
    let some = directory(&dir, "some", "some", "filter = 'title:\"district 3\" OR title:\"district 9\" source:canal'");
    let none = directory(&dir, "none", "none", "filter = \"event:withdrawn\"");
    dir.settle(&format!("{canal}{some}{none}"));
    let output = dir.run(&["once"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let titles: Vec<String> =
        records_in(&dir.path("some")).iter().map(|record| record["title"].as_str().unwrap().to_owned()).collect();
    assert_eq!(titles.len(), 2, "{titles:?}");
    assert!(titles.iter().all(|title| title.contains(" 3 ") || title.contains(" 9 ")), "{titles:?}");
    assert!(records_in(&dir.path("none")).is_empty());
    assert_eq!((cursor(&dir, "some"), cursor(&dir, "none"), dir.records().len()), (12, 12, 12));
    site.publish(12..=19);
    assert!(dir.run(&["once"]).status.success());
    assert_eq!(seqs(&records_in(&dir.path("some"))).len(), 2, "nothing comes again");
    assert_eq!(cursor(&dir, "some"), 19);
}
