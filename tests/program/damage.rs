//! Files of the store are damaged: what is left is read on, what is lost is named, and the operator is told what to do.

use std::path::PathBuf;

use crate::dir::{Dir, json_lines, seqs, source, stderr};

/// The moments of putting records back.
const OF_FILLING: [&str; 5] = ["fill-sealed", "fill-torn", "fill-written", "fill-entered", "fill-placed"];
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
    assert_eq!(seqs(&dir.json(&["query", "--reverse"])), left);
    assert_eq!(seqs(&dir.json(&["query", "--sort", "date"])), left.iter().rev().copied().collect::<Vec<_>>());
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

#[test]
fn records_of_a_file_that_grew_since_the_backup_and_was_cut_come_back_and_the_rest_stays() {
    let site = Site::start();
    let (dir, segment) = store_of_three_rounds(&site);
    let backup = dir.path("backup");
    let backup = backup.to_str().unwrap();
    assert!(dir.run(&["log", "backup", backup]).status.success());
    // A frame that the backup has is damaged; what was recorded later is behind it.
    site.publish(1..=18);
    assert!(dir.run(&["once"]).status.success());
    let mut bytes = std::fs::read(&segment).unwrap();
    let second = frames(&bytes)[1];
    bytes[second + 20] ^= 1;
    std::fs::write(&segment, &bytes).unwrap();
    let found = json_lines(&dir.run(&["log", "verify"]).stdout);
    assert!(found[0]["advice"].to_string().contains("chapar log fill"), "{found:?}");

    let daemon = dir.daemon();
    let refused = dir.run(&["log", "fill", backup]);
    assert!(stderr(&refused).contains("the daemon is running"), "{}", stderr(&refused));
    assert!(dir.log().contains("chapar log fill FOLDER") || dir.status()["troubles"]["log"].is_null());
    assert_eq!(daemon.stop(), Some(0));
    let filled = dir.run(&["log", "fill", backup]);
    assert!(filled.status.success() && stderr(&filled).contains("put back"), "{}", stderr(&filled));
    let clean = dir.run(&["log", "verify"]);
    assert_eq!((clean.status.code(), json_lines(&clean.stdout)), (Some(0), Vec::new()), "{}", stderr(&clean));
    assert_eq!(seqs(&dir.json(&["query", "--reverse"])), (1..=18).collect::<Vec<_>>());
    let again = dir.run(&["log", "fill", backup]);
    assert!(again.status.success() && stderr(&again).contains("no record of the log is missing"), "{}", stderr(&again));
    site.publish(1..=20);
    assert!(dir.run(&["once"]).status.success());
    assert_eq!(seqs(&dir.records()), (1..=20).collect::<Vec<_>>(), "outputs go on where they were");
}

#[test]
fn killed_or_refused_at_any_step_of_filling_it_is_run_again() {
    let site = Site::start();
    let (dir, segment) = store_of_three_rounds(&site);
    let (backup, fault) = (dir.path("backup"), dir.path("fault"));
    assert!(dir.run(&["log", "backup", backup.to_str().unwrap()]).status.success());
    let whole = dir.path("whole");
    std::fs::rename(dir.path("store"), &whole).unwrap();
    for point in OF_FILLING {
        for (what, code) in [("kill", None), ("enospc", Some(1))] {
            let copied = std::process::Command::new("cp").arg("-a").arg(&whole).arg(dir.path("store")).status();
            assert!(copied.unwrap().success());
            // The end is cut, and what is before it is damaged.
            let mut bytes = std::fs::read(&segment).unwrap();
            let starts = frames(&bytes);
            bytes[starts[1] + 20] ^= 1;
            bytes.truncate(starts.last().unwrap() + 9);
            std::fs::write(&segment, &bytes).unwrap();
            std::fs::write(&fault, format!("{point} {what}")).unwrap();
            let fill = ["log", "fill", backup.to_str().unwrap()];
            let ended = dir.command(&fill).env("CHAPAR_FAULTS", &fault).output().unwrap();
            assert_eq!(ended.status.code(), code, "{point}: {}", stderr(&ended));
            let filled = dir.run(&fill);
            assert!(filled.status.success(), "{point} {what}: {}", stderr(&filled));
            let clean = dir.run(&["log", "verify"]);
            assert_eq!(
                json_lines(&clean.stdout),
                Vec::<serde_json::Value>::new(),
                "{point} {what}: {}",
                stderr(&filled)
            );
            assert_eq!(seqs(&dir.json(&["query", "--reverse"])), (1..=15).collect::<Vec<_>>(), "{point} {what}");
            std::fs::remove_dir_all(dir.path("store")).unwrap();
        }
    }
}
