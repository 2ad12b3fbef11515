//! Outputs of all kinds, and what must be in them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::crash::checks::files;
use crate::crash::points::{ENTRIES, check_feed};
use crate::dir::{Dir, json_lines, seqs};
use crate::receiver::Receiver;

/// One in so many POSTs is refused for now.
const REFUSED_ONE_IN: usize = 10;

/// What the command is run for: few of the records, since each takes a process.
const TOLD: &str = "event:update";

pub fn receiver() -> Receiver {
    Receiver::start(|count, _| if count % REFUSED_ONE_IN == 0 { 503 } else { 204 }.into())
}

/// Records that the receiver took since it was asked last.
pub fn posted(receiver: &Receiver) -> Vec<u64> {
    let taken = receiver.take().into_iter().filter(|delivery| delivery.status < 300);
    taken.flat_map(|delivery| delivery.seqs()).collect()
}

/// Finished files in folders, a command, a webhook and a feed, beside the directory that there is.
pub fn settings(dir: &Dir, receiver: &Receiver) -> String {
    format!(
        "\n[[output]]\nid = \"finished\"\nkind = \"directory\"\npath = {pattern:?}\npublish = \"finished\"\n\
         finish_after = \"2s\"\nroll = \"64KiB\"\ncompress = true\n\n\
         [[output]]\nid = \"exec\"\nkind = \"exec\"\nfilter = \"{TOLD}\"\n\
         command = [\"/bin/sh\", \"-c\", \"echo $CHAPAR_SEQ >> \\\"$0\\\"\", {told:?}]\n\n\
         [[output]]\nid = \"webhook\"\nkind = \"webhook\"\nurl = \"{base}/hook\"\nallow_private = true\n\
         retry_wait = \"10ms\"\n\n\
         [[output]]\nid = \"feed\"\nkind = \"feed\"\npath = {feed:?}\nentries = {ENTRIES}\n",
        pattern = dir.path("finished/{source}"),
        told = dir.path("told"),
        base = receiver.base,
        feed = dir.path("feed.json"),
    )
}

/// Checks them when no daemon runs.
pub fn check(dir: &Dir, records: &[Value], posted: &BTreeSet<u64>) {
    check_feed(dir, records);
    let mut of_source: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for record in records {
        of_source.entry(record["source"]["id"].as_str().unwrap()).or_default().extend(record["seq"].as_u64());
    }
    for (source, expected) in of_source {
        let mut found = Vec::new();
        for path in files(&dir.path("finished").join(source), ".zst") {
            let bytes = zstd::stream::decode_all(std::fs::File::open(path).unwrap()).unwrap();
            found.extend(seqs(&json_lines(&bytes)));
        }
        assert_eq!(found, expected, "finished files of {source}");
    }
    // These get each at least once.
    let all: BTreeSet<u64> = seqs(records).into_iter().collect();
    assert_eq!(*posted, all, "the webhook");
    let updates = records.iter().filter(|record| record["event"] == "update");
    let updates: BTreeSet<u64> = updates.map(|record| record["seq"].as_u64().unwrap()).collect();
    let told = std::fs::read_to_string(dir.path("told")).unwrap();
    let told: BTreeSet<u64> = told.lines().map(|seq| seq.parse().unwrap()).collect();
    assert_eq!(told, updates, "the command");
}
