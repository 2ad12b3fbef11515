//! Outputs of all kinds that have moments of their own, and what must be in them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::crash::checks::files;
use crate::dir::{Dir, json_lines, seqs, wait_for};

/// Articles in the feed.
pub const ENTRIES: usize = 20;

/// What the command that always fails is run for: few of the records, since each takes a process.
const FAILING: &str = "event:update";

/// A feed, and a command that always fails.
pub fn add(dir: &Dir) {
    let settings = format!(
        "{}\n[[output]]\nid = \"feed\"\nkind = \"feed\"\npath = {feed:?}\nentries = {ENTRIES}\n\n[[output]]\nid = \
         \"exec\"\nkind = \"exec\"\ncommand = [\"/bin/false\"]\nattempts = 1\nfilter = \"{FAILING}\"\n",
        std::fs::read_to_string(dir.path("chapar.toml")).unwrap(),
        feed = dir.path("feed.json"),
    );
    dir.write("chapar.toml", &settings);
}

/// Folders by pattern, with files that are finished soon.
pub fn add_folders(dir: &Dir, path: &Path) {
    let settings = std::fs::read_to_string(dir.path("chapar.toml")).unwrap();
    let id = path.file_name().unwrap().to_str().unwrap();
    let output = format!(
        "\n[[output]]\nid = {id:?}\nkind = \"directory\"\npath = {pattern:?}\npublish = \"finished\"\n\
         finish_after = \"200ms\"\nroll = \"4KiB\"\n",
        pattern = path.join("{source}"),
    );
    dir.write("chapar.toml", &(settings + &output));
}

/// Waits until every output has all there is, for as long as they go on.
pub fn wait_until_delivered(dir: &Dir) {
    let lags = || -> u64 {
        let status = dir.status();
        status["outputs"].as_array().unwrap().iter().map(|output| output["lag"].as_u64().unwrap()).sum()
    };
    let mut lag = lags();
    while lag > 0 {
        lag = wait_for("the outputs to go on", || Some(lags()).filter(|now| *now < lag));
    }
}

/// Checks the outputs of a store that no daemon works on; the folders by pattern begin at `folders`.
pub fn check(dir: &Dir, records: &[Value], folders: &[PathBuf]) {
    check_feed(dir, records);
    let failing: Vec<Value> = records.iter().filter(|record| record["event"] == "update").cloned().collect();
    let letters = dir.json(&["dead-letters", "-o", "ndjson"]);
    let ids = letters.iter().filter(|letter| letter["output"] == "exec").map(|letter| letter["id"].as_str().unwrap());
    let given_up: Vec<u64> = ids.map(|id| id.rsplit(':').next().unwrap().parse().unwrap()).collect();
    assert_eq!(given_up, seqs(&failing), "each record that the command did not take is a dead letter");
    let mut of_source: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for record in records {
        of_source.entry(record["source"]["id"].as_str().unwrap()).or_default().push(record.clone());
    }
    for folder in folders {
        for (source, expected) in &of_source {
            let mut found = Vec::new();
            for path in files(&folder.join(source), ".ndjson") {
                found.extend(json_lines(&std::fs::read(path).unwrap()));
            }
            assert_eq!(seqs(&found), seqs(expected), "{} {source}", folder.display());
        }
    }
}

/// It is whole, no article is in it twice, each by its newest version, and the one that was had last comes first.
pub fn check_feed(dir: &Dir, records: &[Value]) {
    let feed: Value = serde_json::from_slice(&std::fs::read(dir.path("feed.json")).unwrap()).unwrap();
    let newest: BTreeMap<&str, &Value> =
        records.iter().map(|record| (record["id"].as_str().unwrap(), record)).collect();
    let items = feed["items"].as_array().unwrap();
    let articles: BTreeSet<&str> = items.iter().map(|item| item["id"].as_str().unwrap()).collect();
    assert_eq!((items.len(), articles.len()), (newest.len().min(ENTRIES), items.len()));
    for item in items {
        assert_eq!(item["_chapar"]["seq"], newest[item["id"].as_str().unwrap()]["seq"]);
    }
    let fetched = |record: &&Value| {
        (record["fetch"]["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap(), record["seq"].as_u64())
    };
    let last = newest.into_values().max_by_key(fetched).unwrap();
    assert_eq!(items[0]["id"], last["id"]);
}
