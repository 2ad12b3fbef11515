//! Answers over the socket as other programs ask for them, and what is said where the index cannot be asked.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use crate::dir::{Dir, seqs, source, stderr, wait_for};
use crate::site::Site;

fn store(articles: usize) -> (Dir, Site) {
    let site = Site::start();
    site.publish(1..=articles);
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    let output = dir.run(&["once"]);
    assert!(output.status.success(), "{}", stderr(&output));
    (dir, site)
}

/// Sends a question over the socket, and leaves the answer to be read.
fn ask(dir: &Dir, path: &str, body: &str) -> UnixStream {
    let mut stream = UnixStream::connect(dir.path("store/chapar.sock")).unwrap();
    let head =
        format!("POST {path} HTTP/1.1\r\nHost: chapar\r\nConnection: close\r\nContent-Type: application/json\r\n");
    stream.write_all(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).unwrap();
    stream
}

/// Reads until so many records have come, or to the end.
fn answer(mut stream: UnixStream, records: usize) -> String {
    let mut answer = String::new();
    while answer.matches("\"seq\":").count() < records {
        let mut some = [0; 4_096];
        let read = stream.read(&mut some).unwrap();
        if read == 0 {
            break;
        }
        answer.push_str(&String::from_utf8_lossy(&some[..read]));
    }
    answer
}

#[test]
fn a_tail_from_beyond_the_end_waits_for_what_comes_behind_its_cursor() {
    let (dir, site) = store(3);
    let daemon = dir.daemon();
    for after in [3, 4, u64::MAX] {
        let nothing = answer(ask(&dir, "/v1/tail", &format!("{{\"after\": {after}}}")), 1);
        assert!(nothing.starts_with("HTTP/1.1 200 "), "{after}: {nothing}");
        assert!(nothing.contains("chapar-end: 3\r\n") && !nothing.contains("\"seq\":"), "{after}: {nothing}");
    }
    let following = ask(&dir, "/v1/tail", r#"{"after": 4, "follow": true}"#);
    site.publish(1..=4);
    wait_for("the fourth record", || Some(dir.records()).filter(|records| records.len() == 4));
    site.publish(1..=5);
    let streamed = answer(following, 1);
    assert!(streamed.contains("\"seq\":5,") && !streamed.contains("\"seq\":4,"), "{streamed}");
    assert_eq!(daemon.stop(), Some(0), "{}", dir.log());
}

#[test]
fn a_tail_begins_with_the_newest_oldest_first_with_an_index_and_without() {
    let (dir, _site) = store(5);
    // Which article got which number is not known.
    let some = "\"district 3\" OR \"district 1\" OR \"district 4\"";
    let found = seqs(&dir.json(&["query", "--reverse", some]));
    assert_eq!(found.len(), 3);
    let check = || {
        assert_eq!(seqs(&dir.json(&["tail", "-n", "2"])), [4, 5]);
        assert_eq!(seqs(&dir.json(&["tail", "-n", "2", some])), found[1..]);
        assert_eq!(seqs(&dir.json(&["tail", "-n", "100"])), [1, 2, 3, 4, 5]);
    };
    check();
    fs::remove_dir_all(dir.path("store/index")).unwrap();
    check();
}

#[test]
fn where_the_nearest_cannot_be_told_that_is_said_with_what_helps() {
    let (dir, _site) = store(3);
    let by_relevance = ["query", "--sort", "relevance", "canal"];
    assert_eq!(stderr(&dir.run(&by_relevance)), "");
    fs::remove_dir_all(dir.path("store/index")).unwrap();
    let output = dir.run(&by_relevance);
    assert!(output.status.success());
    let note = stderr(&output);
    assert!(note.contains("the search index is 3 records behind") && note.contains("the newest come first"), "{note}");
    assert!(note.contains("`chapar log reindex` makes it anew"), "{note}");
    // So short a log is looked through at once.
    assert_eq!(stderr(&dir.run(&["query", "canal"])), "");
    assert_eq!(stderr(&dir.run(&["stats", "canal"])), "");
}
