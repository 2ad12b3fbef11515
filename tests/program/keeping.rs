//! The disk stays bounded: retention, backpressure, recompressing, compacting, and kills in between.

use std::process::Stdio;

use serde_json::Value;

use crate::dir::{Dir, Running, json_lines, seqs, source, stderr, wait_for};
use crate::site::Site;

/// A site with a feed, and a store whose `[store]` has these lines, too.
fn world(store: &str) -> (Site, Dir) {
    let site = Site::start();
    let dir = Dir::new("");
    settle(&dir, &site, store);
    (site, dir)
}

fn settle(dir: &Dir, site: &Site, store: &str) {
    dir.settle(&source("canal", &site.url("/feed.xml")));
    let settings = std::fs::read_to_string(dir.path("chapar.toml")).unwrap();
    dir.write("chapar.toml", &settings.replacen("[store]\n", &format!("[store]\n{store}\n"), 1));
}

/// Publishes one article after the other, each for a commit of its own.
fn publish_up_to(site: &Site, dir: &Dir, range: std::ops::RangeInclusive<u64>) {
    for number in range {
        site.publish(1..=usize::try_from(number).unwrap());
        wait_for("the record", || (dir.status()["last_seq"].as_u64() >= Some(number)).then_some(()));
    }
}

fn kept(dir: &Dir) -> Vec<u64> {
    seqs(&dir.json(&["query", "--reverse"]))
}

#[test]
fn the_oldest_records_go_by_each_bound_are_said_to_be_gone_and_do_not_come_again() {
    for bound in ["retain_records = 2", "retain_size = \"4KiB\"", "retain_age = \"1ms\""] {
        let (site, dir) = world(&format!("segment = \"1B\"\n{bound}"));
        let daemon = dir.daemon();
        publish_up_to(&site, &dir, 1..=6);
        wait_for("the oldest to go", || {
            let query = dir.run(&["query", "--reverse", "-o", "ndjson"]);
            let kept = seqs(&crate::dir::json_lines(&query.stdout));
            (kept.first() > Some(&1) && kept.last() == Some(&6)).then_some(())
        });
        let records = wait_for("delivery", || Some(dir.records()).filter(|records| records.len() == 6));
        assert_eq!(seqs(&records), [1, 2, 3, 4, 5, 6], "{bound}");
        let id = records[0]["id"].as_str().unwrap();
        for command in [["show", id].as_slice(), &["explain", id], &["show", id, "--history"]] {
            let gone = dir.run(command);
            assert_eq!(gone.status.code(), Some(3), "{command:?}: {}", stderr(&gone));
            assert!(stderr(&gone).contains("no more in the log"), "{}", stderr(&gone));
        }
        let rewound = dir.run(&["log", "rewind", "directory", "--to", "1"]);
        let (oldest, refused) = (kept(&dir)[0], stderr(&rewound));
        assert_eq!(rewound.status.code(), Some(2), "{refused}");
        assert!(refused.contains(&format!("the log holds records {oldest} to 6; 1 is not among them")), "{refused}");
        assert_eq!(dir.run(&["reclassify", "--dry-run"]).status.code(), Some(0));
        assert_eq!(site.hits("/a/1"), 1);
        assert_eq!(daemon.stop(), Some(0));
    }
}

#[test]
fn an_output_that_is_stuck_holds_the_log_visibly_until_it_is_mended() {
    let (site, dir) = world("segment = \"1B\"\nretain_records = 1");
    dir.write("records", "a file where the folder should be");
    let daemon = dir.daemon();
    publish_up_to(&site, &dir, 1..=3);
    site.publish(1..=4);
    wait_for("the refusal in the status", || {
        let status = dir.status();
        let reason = status["troubles"]["commit"].as_str().unwrap_or_default().to_owned();
        (reason.contains("store.retain_records") && reason.contains("output directory")).then_some(())
    });
    assert_eq!(dir.status()["last_seq"], 3);
    let log = dir.log();
    assert!(log.contains("it waits for an output: the log is beyond") && !log.contains("disk is mended"), "{log}");
    std::fs::remove_file(dir.path("records")).unwrap();
    let records = wait_for("delivery", || Some(dir.records()).filter(|records| records.len() == 4));
    assert_eq!(seqs(&records), [1, 2, 3, 4]);
    wait_for("the end of all trouble", || dir.status()["troubles"].as_object().unwrap().is_empty().then_some(()));
    wait_for("the oldest to go", || (kept(&dir) == [4]).then_some(()));
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn an_output_that_is_taken_out_of_the_settings_lets_the_log_go() {
    let (site, dir) = world("segment = \"1B\"\nretain_records = 1");
    dir.write("records", "a file where the folder should be");
    let daemon = dir.daemon();
    publish_up_to(&site, &dir, 1..=3);
    site.publish(1..=4);
    wait_for("the refusal", || dir.status()["troubles"]["commit"].is_string().then_some(()));
    assert_eq!(daemon.stop(), Some(1), "stopped in trouble");
    let settings = std::fs::read_to_string(dir.path("chapar.toml")).unwrap();
    let without = settings.split("[[output]]").next().unwrap().to_owned();
    dir.write("chapar.toml", &(without + &source("canal", &site.url("/feed.xml"))));
    let daemon = dir.daemon();
    wait_for("the record that waited", || (dir.status()["last_seq"] == 4).then_some(()));
    assert_eq!(dir.status()["troubles"], Value::Object(serde_json::Map::new()));
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn by_setting_an_output_loses_records_and_it_is_told() {
    let (site, dir) = world("segment = \"1B\"\nretain_records = 1\nretain_past_cursors = true");
    dir.write("records", "a file where the folder should be");
    let daemon = dir.daemon();
    publish_up_to(&site, &dir, 1..=4);
    wait_for("the warning", || dir.log().contains("output directory has lost 1 records").then_some(()));
    wait_for("the oldest to go", || (kept(&dir) == [4]).then_some(()));
    assert_eq!(daemon.stop(), Some(1), "the folder is a file still");
}

/// Runs the daemon, publishing, until it dies at a moment; then once more without.
fn die_at(point: &str, site: &Site, dir: &Dir, published: &mut u64) {
    dir.write("faults", &format!("{point} kill"));
    let mut command = dir.command(&["run"]);
    command.env("CHAPAR_FAULTS", dir.path("faults")).stdout(Stdio::null()).stderr(Stdio::null());
    let mut dying = Running { child: command.spawn().unwrap() };
    wait_for(point, || {
        // It may be starting, and has the store then.
        let status = json_lines(&dir.run(&["status"]).stdout);
        if dying.child.try_wait().unwrap().is_some() {
            return Some(());
        }
        if status.first().is_some_and(|status| status["last_seq"].as_u64() >= Some(*published)) {
            *published += 1;
            site.publish(1..=usize::try_from(*published).unwrap());
        }
        None
    });
    dir.write("faults", "");
    let daemon = dir.daemon();
    wait_for("what was published", || (dir.status()["last_seq"].as_u64() == Some(*published)).then_some(()));
    let records = wait_for("delivery", || Some(dir.records()).filter(|all| all.len() as u64 == *published));
    assert_eq!(seqs(&records), (1..=*published).collect::<Vec<_>>(), "{point}");
    let kept = kept(dir);
    assert_eq!(kept, (kept[0]..=*published).collect::<Vec<_>>(), "{point}");
    assert_eq!(daemon.stop(), Some(0), "{point}");
}

#[test]
fn killed_at_any_step_of_retention_nothing_is_lost_or_doubled() {
    let (site, dir) = world("segment = \"1B\"\nretain_records = 3");
    let mut published = 0;
    for point in ["retain-named", "retain-rows", "retain-flushed", "retain-removed"] {
        die_at(point, &site, &dir, &mut published);
    }
    assert!(kept(&dir)[0] > 1);
}

#[test]
fn killed_at_any_step_of_recompressing_every_record_is_still_read() {
    let (site, dir) = world("segment = \"4KiB\"");
    let mut published = 0;
    for step in ["torn", "sync", "written", "marked", "renamed", "flush"] {
        die_at(&format!("recompress-{step}"), &site, &dir, &mut published);
    }
    assert_eq!(kept(&dir)[0], 1);
    let unfinished = |name: std::ffi::OsString| name.to_string_lossy().ends_with(".new");
    let log = std::fs::read_dir(dir.path("store/log")).unwrap();
    assert_eq!(log.filter(|entry| unfinished(entry.as_ref().unwrap().file_name())).count(), 0);
}

#[test]
fn killed_at_any_step_of_compacting_the_store_is_whole_and_a_daemon_is_not_interrupted() {
    let (site, dir) = world("");
    let daemon = dir.daemon();
    publish_up_to(&site, &dir, 1..=3);
    let refused = dir.run(&["log", "compact"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("daemon is running"), "{}", stderr(&refused));
    wait_for("delivery", || (dir.records().len() == 3).then_some(()));
    assert_eq!(daemon.stop(), Some(0));
    let before = dir.status()["counts"].clone();
    for step in ["rows", "check", "sync", "copied", "moved", "renamed"] {
        for then in [["status"].as_slice(), &["log", "compact"]] {
            dir.write("faults", &format!("compact-{step} kill"));
            let killed = dir.command(&["log", "compact"]).env("CHAPAR_FAULTS", dir.path("faults")).output().unwrap();
            assert_eq!(killed.status.code(), None, "{step}: {}", stderr(&killed));
            assert!(dir.run(then).status.success(), "{step}");
            assert_eq!((dir.status()["counts"].clone(), kept(&dir)), (before.clone(), vec![1, 2, 3]), "{step}");
        }
    }
    for left in ["sled.copy", "sled.old"] {
        assert!(!dir.path("store").join(left).exists(), "{left}");
    }
}
