//! The search index: that it follows the log, is made anew when it is lost, and answers many at once.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Stdio;

use crate::dir::{Dir, Running, seqs, source, stderr, text, wait_for};
use crate::site::{Reply, Site, article, story};

fn store(articles: usize) -> (Dir, Site) {
    let site = Site::start();
    site.publish(1..=articles);
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    let output = dir.run(&["once"]);
    assert!(output.status.success(), "{}", stderr(&output));
    (dir, site)
}

/// The record that the index has reached, and how many it is behind.
fn reached(dir: &Dir) -> Option<(u64, u64)> {
    let index = &dir.status()["index"];
    Some((index["cursor"].as_u64()?, index["lag"].as_u64()?))
}

/// The index's files.
fn files(dir: &Dir) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir.path("store/index")).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_file()).collect()
}

fn check_answers(dir: &Dir) {
    assert_eq!(seqs(&dir.json(&["query", "--reverse", "canal"])), [1, 2, 3]);
    let found = dir.json(&["query", "\"canal of district 2\""]);
    let titles: Vec<&str> = found.iter().map(|record| record["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["Canal of district 2 carries water again"]);
    assert_eq!(text(&dir.run(&["query", "--count"])), "3\n");
}

#[test]
fn it_has_what_was_recorded_when_the_program_ends_and_what_is_newer_is_found_too() {
    let (dir, site) = store(3);
    assert_eq!(reached(&dir), Some((3, 0)));
    check_answers(&dir);
    let daemon = dir.daemon();
    site.publish(1..=4);
    wait_for("the fourth record", || Some(dir.records()).filter(|records| records.len() == 4));
    // It is found when it is there, though the index waits for more.
    assert_eq!(seqs(&dir.json(&["query", "\"district 4\""])), [4]);
    assert_eq!(text(&dir.run(&["query", "--count", "canal"])), "4\n");
    // A correction is found by its words, and no more by those that it took away.
    let corrected = format!("Sturgeon farm of district 2. {}", story(2).replace("water", "fish"));
    site.put("/a/2", article("Canal of district 2 carries water again", &corrected));
    assert!(dir.run(&["poll", "canal"]).status.success());
    drop(daemon);
    let later = dir.run(&["once"]);
    assert!(later.status.success(), "{}", stderr(&later));
    let (cursor, lag) = reached(&dir).unwrap();
    assert_eq!((cursor, lag), (dir.status()["last_seq"].as_u64().unwrap(), 0));
}

#[test]
fn an_index_that_is_lost_or_damaged_is_made_anew_and_answers_meanwhile() {
    let (dir, _site) = store(3);
    let whole = dir.run(&["log", "verify"]);
    assert_eq!(whole.status.code(), Some(0), "{}", stderr(&whole));
    let folder = dir.path("store/index");
    let lose = || fs::remove_dir_all(&folder).unwrap();
    let tear = || fs::write(folder.join("meta.json"), "{").unwrap();
    let flip = || {
        for path in files(&dir).iter().filter(|path| path.extension().is_some_and(|ending| ending == "term")) {
            let mut bytes = fs::read(path).unwrap();
            bytes.iter_mut().for_each(|byte| *byte ^= 0x5a);
            fs::write(path, bytes).unwrap();
        }
    };
    let miss = || {
        let is_of_segment = |path: &&PathBuf| path.extension().is_some_and(|ending| ending == "idx");
        fs::remove_file(files(&dir).iter().find(is_of_segment).unwrap()).unwrap();
    };
    let damages: [&dyn Fn(); 4] = [&lose, &tear, &flip, &miss];
    for (number, damage) in damages.into_iter().enumerate() {
        damage();
        let verified = dir.run(&["log", "verify", "-o", "ndjson"]);
        // One that is not there is nothing wrong: the next start makes it.
        let expected = if number == 0 { Some(0) } else { Some(1) };
        assert_eq!(verified.status.code(), expected, "{number}: {}", text(&verified));
        assert_eq!(number != 0, text(&verified).contains("chapar log reindex"), "{}", text(&verified));
        check_answers(&dir);
        if number % 2 == 0 {
            let daemon = dir.daemon();
            wait_for("the index", || reached(&dir).filter(|(reached, _)| *reached == 3));
            check_answers(&dir);
            assert_eq!(daemon.stop(), Some(0), "{}", dir.log());
            assert!(dir.log().contains("the search index is made from the log"), "{}", dir.log());
        } else {
            let made = dir.run(&["log", "reindex"]);
            assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
            assert!(stderr(&made).contains("all records up to 3"), "{}", stderr(&made));
        }
        assert_eq!(reached(&dir), Some((3, 0)), "{number}");
        check_answers(&dir);
        assert_eq!(dir.run(&["log", "verify"]).status.code(), Some(0), "{number}");
    }
    let daemon = dir.daemon();
    let made = dir.run(&["log", "reindex"]);
    assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
    check_answers(&dir);
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn damaged_postings_answer_nothing_when_a_daemon_starts() {
    let (dir, _site) = store(3);
    for path in files(&dir) {
        if path.extension().is_some_and(|ending| ending == "idx" || ending == "pos") {
            let mut bytes = fs::read(&path).unwrap();
            let postings = bytes.len() / 2;
            bytes[..postings].iter_mut().for_each(|byte| *byte ^= 1);
            fs::write(&path, bytes).unwrap();
        }
    }
    let daemon = dir.daemon();
    check_answers(&dir);
    wait_for("the index", || dir.log().contains("from the log: its files are damaged").then_some(()));
    wait_for("its end", || reached(&dir).filter(|(reached, _)| *reached == 3));
    check_answers(&dir);
    assert_eq!(daemon.stop(), Some(0));
}

/// Where frames begin (RFC 8878, 3.1.1).
fn frames(segment: &[u8]) -> Vec<usize> {
    let magic = 0xfd2f_b528_u32.to_le_bytes();
    segment.windows(4).enumerate().filter(|(_, window)| *window == magic).map(|(at, _)| at).collect()
}

#[test]
fn records_that_are_put_back_are_in_the_index() {
    let (dir, site) = store(2);
    site.publish(1..=4);
    assert!(dir.run(&["once"]).status.success());
    let backup = dir.path("backup");
    assert!(dir.run(&["log", "backup", backup.to_str().unwrap()]).status.success());
    let segment = dir.path("store/log/00000000000000000001.zst");
    let mut bytes = fs::read(&segment).unwrap();
    bytes[20] ^= 1;
    fs::write(&segment, bytes).unwrap();
    assert!(dir.run(&["log", "reindex"]).status.success());
    let counted = || text(&dir.run(&["query", "--count", "canal"])).trim().parse::<u64>().unwrap();
    assert!(counted() < 4);
    let filled = dir.run(&["log", "fill", backup.to_str().unwrap()]);
    assert!(filled.status.success(), "{}", stderr(&filled));
    assert_eq!(counted(), 4);
    assert!(dir.run(&["once"]).status.success());
    assert_eq!((reached(&dir), counted()), (Some((4, 0)), 4));
    // With nothing to be put back, it stays.
    assert!(dir.run(&["log", "fill", backup.to_str().unwrap()]).status.success());
    assert!(!files(&dir).is_empty());
}

#[test]
fn an_end_of_the_log_that_is_lost_is_in_no_index_and_is_not_waited_for() {
    let (dir, site) = store(2);
    site.publish(1..=4);
    assert!(dir.run(&["once"]).status.success());
    let segment = dir.path("store/log/00000000000000000001.zst");
    let bytes = fs::read(&segment).unwrap();
    fs::write(&segment, &bytes[..frames(&bytes).pop().unwrap() + 5]).unwrap();
    let rebuilt = dir.run(&["log", "rebuild"]);
    assert!(stderr(&rebuilt).contains("the next record is 5"), "{}", stderr(&rebuilt));
    let left = dir.json(&["query", "canal"]).len();
    assert!(left < 4);
    let counted = || text(&dir.run(&["query", "--count", "canal"])).trim().parse::<usize>().unwrap();
    assert_eq!(counted(), left);
    site.put("/feed.xml", Reply::rss(&[]));
    let daemon = dir.daemon();
    wait_for("the index", || reached(&dir).filter(|index| *index == (4, 0)));
    let made = dir.run(&["log", "reindex"]);
    assert!(stderr(&made).contains("all records up to 4"), "{}", stderr(&made));
    assert_eq!(counted(), left);
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn an_index_that_lies_where_a_store_is_restored_is_not_its_own() {
    let (dir, _site) = store(3);
    let backup = dir.path("backup");
    assert!(dir.run(&["log", "backup", backup.to_str().unwrap()]).status.success());
    for part in ["log", "sled"] {
        fs::remove_dir_all(dir.path("store").join(part)).unwrap();
    }
    fs::remove_file(dir.path("store/format")).unwrap();
    let restored = dir.run(&["log", "restore", backup.to_str().unwrap()]);
    assert!(restored.status.success(), "{}", stderr(&restored));
    assert!(!dir.path("store/index").exists());
    check_answers(&dir);
}

#[test]
fn an_index_of_another_log_is_not_used() {
    let (dir, _site) = store(3);
    let (other, site) = store(2);
    site.publish(1..=3);
    site.put("/a/3", article("Sturgeon comes back", &format!("Sturgeon. {}", story(7))));
    assert!(other.run(&["once"]).status.success());
    fs::remove_dir_all(other.path("store/index")).unwrap();
    fs::rename(dir.path("store/index"), other.path("store/index")).unwrap();
    assert_eq!(seqs(&other.json(&["query", "sturgeon"])), [3]);
    assert!(other.run(&["once"]).status.success());
    assert_eq!(reached(&other), Some((3, 0)));
    assert_eq!(seqs(&other.json(&["query", "sturgeon"])), [3]);
}

/// Sends a question over the socket, and leaves the answer to be read.
fn send(dir: &Dir, path: &str, body: &str) -> UnixStream {
    let mut stream = UnixStream::connect(dir.path("store/chapar.sock")).unwrap();
    let head =
        format!("POST {path} HTTP/1.1\r\nHost: chapar\r\nConnection: close\r\nContent-Type: application/json\r\n");
    stream.write_all(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).unwrap();
    stream
}

#[test]
fn two_hundred_clients_at_once_are_answered_and_those_who_do_not_read_hold_nobody_up() {
    let (dir, site) = store(3);
    let daemon = dir.daemon();
    let idle: Vec<UnixStream> =
        (0..100).map(|_| send(&dir, "/v1/tail", r#"{"q": "canal", "last": 100, "follow": true}"#)).collect();
    let asked: Vec<UnixStream> = (0..200).map(|_| send(&dir, "/v1/query", r#"{"q": "canal"}"#)).collect();
    for mut stream in asked {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert_eq!(answer.matches("\"seq\":").count(), 3, "{answer}");
    }
    // Who follows is not in the way of what comes, and gets it.
    let mut tail = dir.command(&["tail", "-f", "-n", "0"]);
    let mut tail = Running { child: tail.stdout(Stdio::piped()).spawn().unwrap() };
    site.publish(1..=4);
    assert!(tail.lines().next().unwrap().contains("\"seq\":4,"));
    for mut stream in idle.into_iter().take(3) {
        let mut answer = String::new();
        while answer.matches("\"seq\":").count() < 4 {
            let mut some = [0; 4_096];
            let read = stream.read(&mut some).unwrap();
            assert!(read > 0, "{answer}");
            answer.push_str(&String::from_utf8_lossy(&some[..read]));
        }
    }
    assert_eq!(daemon.stop(), Some(0), "{}", dir.log());
}
