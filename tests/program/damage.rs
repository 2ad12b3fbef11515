//! Files of the store are damaged: what is left is read on, what is lost is named, and the operator is told what to do.

use std::path::PathBuf;

use crate::dir::{Dir, json_lines, seqs, source, stderr};
use crate::site::Site;

/// A store with three commits at least, and its only segment.
fn store_of_three_rounds(site: &Site) -> (Dir, PathBuf) {
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    for round in 1..=3 {
        site.publish(1..=round * 5);
        assert!(dir.run(&["once"]).status.success());
    }
    let segment = dir.path("store/log/00000000000000000001.zst");
    (dir, segment)
}

/// Where frames begin (RFC 8878, 3.1.1).
fn frames(segment: &[u8]) -> Vec<usize> {
    let magic = 0xfd2f_b528_u32.to_le_bytes();
    segment.windows(4).enumerate().filter(|(_, window)| *window == magic).map(|(at, _)| at).collect()
}

#[test]
fn a_damaged_frame_is_named_by_verify_and_status_and_the_records_behind_it_are_found() {
    let site = Site::start();
    let (dir, segment) = store_of_three_rounds(&site);
    let clean = dir.run(&["log", "verify"]);
    assert_eq!((clean.status.code(), json_lines(&clean.stdout)), (Some(0), Vec::new()), "{}", stderr(&clean));
    let mut bytes = std::fs::read(&segment).unwrap();
    let second = frames(&bytes)[1];
    bytes[second + 20] ^= 1;
    std::fs::write(&segment, bytes).unwrap();

    let alone = dir.run(&["log", "verify"]);
    let daemon = dir.daemon();
    let beside = dir.run(&["log", "verify"]);
    for output in [&alone, &beside] {
        assert_eq!(output.status.code(), Some(1), "{}", stderr(output));
        let found = json_lines(&output.stdout);
        assert_eq!((found[0]["severity"].as_str(), found[0]["byte"].as_u64()), (Some("error"), Some(second as u64)));
        assert_eq!(found[0]["file"].as_str(), segment.to_str());
    }
    let lost = &json_lines(&alone.stdout)[0];
    let lost = lost["first_seq"].as_u64().unwrap()..=lost["last_seq"].as_u64().unwrap();
    let left: Vec<u64> = (1..=15).filter(|seq| !lost.contains(seq)).collect();
    assert_eq!(seqs(&dir.json(&["query", "--sort", "oldest"])), left);
    assert_eq!(seqs(&dir.json(&["query", "--sort", "newest"])), left.iter().rev().copied().collect::<Vec<_>>());
    let trouble = dir.status()["troubles"]["log"].to_string();
    assert!(trouble.contains(&format!("byte {second}")), "{trouble}");
    assert_eq!(dir.log().matches(&format!("damaged at byte {second}")).count(), 1, "told once: {}", dir.log());
    let refused = dir.run(&["log", "rebuild"]);
    assert!(stderr(&refused).contains("the daemon is running"), "{}", stderr(&refused));
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn a_log_that_lost_its_end_is_gone_on_with_after_a_rebuild_and_no_number_is_used_again() {
    let site = Site::start();
    let (dir, segment) = store_of_three_rounds(&site);
    let bytes = std::fs::read(&segment).unwrap();
    let last = frames(&bytes).pop().unwrap();
    std::fs::write(&segment, &bytes[..last + 5]).unwrap();

    let refused = dir.run(&["once"]);
    assert!(stderr(&refused).contains("chapar log verify") && stderr(&refused).contains("chapar log rebuild"));
    let found = json_lines(&dir.run(&["log", "verify"]).stdout);
    assert!(found.iter().any(|finding| finding["what"].to_string().contains("does not start")), "{found:?}");
    let rebuilt = dir.run(&["log", "rebuild"]);
    assert!(rebuilt.status.success() && stderr(&rebuilt).contains("the next record is 16"), "{}", stderr(&rebuilt));
    let after = dir.run(&["log", "verify"]);
    assert_eq!(after.status.code(), Some(0), "what the operator knows is a note: {:?}", json_lines(&after.stdout));

    site.publish(1..=16);
    assert!(dir.run(&["once"]).status.success());
    let mut delivered = seqs(&dir.records());
    assert!(delivered.len() > 15 && delivered.contains(&16), "{delivered:?}");
    delivered.dedup();
    assert_eq!(delivered, (1..=*delivered.last().unwrap()).collect::<Vec<_>>(), "each number once");
}
