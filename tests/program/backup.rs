//! `chapar log backup` and `restore`: nothing is lost and nothing comes twice.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::dir::{Dir, seqs, source, stderr, wait_for};
use crate::site::{Site, article, story};

/// The moments of a backup, and of a restore.
const OF_BACKUP: [&str; 7] = [
    "backup-linked",
    "backup-rows",
    "backup-tables",
    "format-written",
    "backup-log",
    "backup-manifest",
    "backup-renamed",
];
const OF_RESTORE: [&str; 5] = ["restore-begun", "restore-copied", "restore-ready", "restore-tables", "restore-moved"];

fn named<'a>(command: &[&'a str], path: &'a Path) -> Vec<&'a str> {
    command.iter().copied().chain([path.to_str().unwrap()]).collect()
}

/// How often each version of each article is in the directory output.
fn versions(dir: &Dir) -> BTreeMap<(String, u64), u64> {
    let mut versions = BTreeMap::new();
    for record in dir.records() {
        let key = (record["url"].as_str().unwrap().to_owned(), record["version"].as_u64().unwrap());
        *versions.entry(key).or_default() += 1;
    }
    versions
}

#[test]
fn a_store_restored_from_a_backup_made_under_load_brings_nothing_twice() {
    let site = Site::start();
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    let backup = dir.path("backups/one");
    let daemon = dir.daemon();
    let mut published = 40;
    site.publish(1..=published);
    wait_for("records", || (!dir.records().is_empty()).then_some(()));
    let told = dir.run(&named(&["log", "backup"], &backup));
    assert!(told.status.success(), "{}", stderr(&told));
    // It goes on: more articles, and a correction of one that is recorded by now.
    let is_second = |record: &Value| record["url"].as_str().unwrap().ends_with("/a/2");
    wait_for("the second article", || dir.records().iter().any(is_second).then_some(()));
    published += 25;
    site.publish(1..=published);
    let changed = story(2).replace("four months", "five months, not four as it was reported before");
    site.put("/a/2", article("Corrected: canal of district 2 carries water again", &changed));
    let item = |number: usize, title: &str| crate::site::Item::new(&site.url(&format!("/a/{number}")), title);
    let items = (1..=published).map(|number| match number {
        2 => item(2, "Corrected: canal of district 2 carries water again"),
        _ => item(number, &format!("Canal of district {number} carries water again")),
    });
    site.put("/feed.xml", crate::site::Reply::rss(&items.collect::<Vec<_>>()));
    wait_for("the records after the backup", || (dir.records().len() > published).then_some(()));
    daemon.signal(libc::SIGKILL);
    drop(daemon);
    let known = versions(&dir);
    assert_eq!(known.len(), published + 1);

    std::fs::rename(dir.path("store"), dir.path("lost")).unwrap();
    let restore = named(&["log", "restore"], &backup);
    let restored = dir.run(&[restore.as_slice(), &["--records", dir.path("records").to_str().unwrap()]].concat());
    assert!(restored.status.success(), "{}", stderr(&restored));
    assert!(stderr(&restored).contains("were taken from outputs"), "{}", stderr(&restored));
    published += 3;
    let items = (1..=published).map(|number| item(number, &format!("Canal of district {number} carries water again")));
    let items: Vec<_> = items.collect();
    site.publish(1..=published);
    site.put("/a/2", article("Corrected: canal of district 2 carries water again", &changed));
    site.put("/feed.xml", crate::site::Reply::rss(&items));
    let daemon = dir.daemon();
    wait_for("the new articles", || (dir.records().len() > published).then_some(()));
    let counts =
        wait_for("an empty frontier", || Some(dir.status()["counts"].clone()).filter(|counts| counts["pending"] == 0));
    assert_eq!(daemon.stop(), Some(0));
    let versions = versions(&dir);
    assert_eq!(versions.len(), published + 1);
    assert!(versions.values().all(|count| *count == 1), "{versions:?}");
    assert!(known.keys().all(|key| versions.contains_key(key)));
    let records = dir.records();
    assert_eq!(seqs(&records), (1..=published as u64 + 1).collect::<Vec<_>>());
    assert_eq!(dir.json(&["query", "--reverse", "event:new"]).len(), published, "the log has them, too");
    let settled: u64 = counts["outcomes"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
    assert_eq!(counts["admitted"], settled, "{counts}");
}

#[test]
fn without_an_outputs_files_no_number_is_given_out_twice() {
    let site = Site::start();
    site.publish(1..=3);
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    assert!(dir.run(&["once"]).status.success());
    let backup = dir.path("backup");
    assert!(dir.run(&named(&["log", "backup"], &backup)).status.success(), "also without a daemon");
    site.publish(1..=5);
    assert!(dir.run(&["once"]).status.success());
    std::fs::rename(dir.path("store"), dir.path("lost")).unwrap();
    let restored = dir.run(&named(&["log", "restore"], &backup));
    assert!(stderr(&restored).contains("recorded anew"), "{}", stderr(&restored));
    let daemon = dir.daemon();
    wait_for("the articles", || (dir.records().len() == 7).then_some(()));
    assert_eq!(daemon.stop(), Some(0));
    let log = dir.log();
    assert!(log.contains("goes on with record 6") && !log.contains("not in the log any more"), "{log}");
    assert_eq!(seqs(&dir.records()), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(seqs(&dir.json(&["query", "--reverse"])), [1, 2, 3, 6, 7]);
    let refused = dir.run(&named(&["log", "restore"], &backup));
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("holds a store already"), "{}", stderr(&refused));
    let daemon = dir.daemon();
    let refused = dir.run(&named(&["log", "restore"], &backup));
    assert!(stderr(&refused).contains("a daemon runs"), "{}", stderr(&refused));
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn what_does_not_fit_the_backup_is_refused_and_leaves_nothing_behind() {
    let (site, other) = (Site::start(), Site::start());
    site.publish(1..=3);
    other.publish(1..=5);
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    let foreign = Dir::new(&source("canal", &other.url("/feed.xml")));
    assert!(dir.run(&["once"]).status.success() && foreign.run(&["once"]).status.success());
    let (backup, target) = (dir.path("backup"), dir.path("target"));
    assert!(dir.run(&named(&["log", "backup"], &backup)).status.success());
    let restore = |records: &Path| {
        let command = [named(&["log", "restore"], &backup), named(&["--to"], &target), named(&["--records"], records)];
        dir.run(&command.concat())
    };
    let empty = dir.path("empty");
    std::fs::create_dir(&empty).unwrap();
    for (records, why) in [(&foreign.path("records"), "of another store"), (&empty, "no NDJSON file")] {
        let refused = restore(records);
        assert_eq!(refused.status.code(), Some(1), "{}", stderr(&refused));
        assert!(stderr(&refused).contains(why) && !target.exists(), "{}", stderr(&refused));
    }
    // Of a damaged backup, the files are named that are there.
    let segment = backup.join("log/00000000000000000001.zst");
    let whole = std::fs::read(&segment).unwrap();
    let mut bytes = whole.clone();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    std::fs::remove_file(&segment).unwrap();
    std::fs::write(&segment, &bytes).unwrap();
    std::fs::create_dir(&target).unwrap();
    let refused = restore(&dir.path("records"));
    assert!(refused.status.code() == Some(1) && !stderr(&refused).contains("restore.part"), "{}", stderr(&refused));
    assert_eq!(std::fs::read_dir(&target).unwrap().count(), 0, "the folder is as it was");
    std::fs::write(&segment, &whole).unwrap();
    let restored = restore(&dir.path("records"));
    assert!(restored.status.success(), "{}", stderr(&restored));
    assert!(stderr(&restored).contains("0 records that came after it were taken"), "{}", stderr(&restored));
}

#[test]
fn killed_at_any_step_of_a_backup_the_store_is_whole_and_what_has_its_name_is_a_whole_backup() {
    let site = Site::start();
    site.publish(1..=3);
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    assert!(dir.run(&["once"]).status.success());
    let fault = dir.path("fault");
    for point in OF_BACKUP {
        let backup = dir.path(&format!("backups/{point}"));
        std::fs::write(&fault, format!("{point} kill")).unwrap();
        let killed = dir.command(&named(&["log", "backup"], &backup)).env("CHAPAR_FAULTS", &fault).output().unwrap();
        assert_eq!(killed.status.code(), None, "{point}: {}", stderr(&killed));
        assert_eq!(backup.exists(), point == "backup-renamed", "{point}");
        if !backup.exists() {
            std::fs::write(&fault, format!("{point} enospc")).unwrap();
            let failed = dir.command(&named(&["log", "backup"], &backup)).env("CHAPAR_FAULTS", &fault).output();
            let failed = failed.unwrap();
            assert_eq!(failed.status.code(), Some(1), "{point}");
            assert!(stderr(&failed).contains("No space left"), "{point}: {}", stderr(&failed));
            let left: Vec<_> = std::fs::read_dir(dir.path("backups")).unwrap().collect();
            assert!(left.iter().all(|entry| !entry.as_ref().unwrap().path().ends_with(format!(".{point}.part"))));
            assert!(dir.run(&named(&["log", "backup"], &backup)).status.success(), "{point}");
        }
        let target = dir.path(&format!("restored-{point}"));
        let restored = dir.run(&[named(&["log", "restore"], &backup), named(&["--to"], &target)].concat());
        assert!(stderr(&restored).contains("3 records up to 3"), "{point}: {}", stderr(&restored));
        assert_eq!(seqs(&dir.json(&["query", "--reverse"])), [1, 2, 3]);
    }
}

#[test]
fn killed_at_any_step_of_a_restore_it_is_run_again() {
    let site = Site::start();
    site.publish(1..=3);
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    assert!(dir.run(&["once"]).status.success());
    let (backup, fault) = (dir.path("backup"), dir.path("fault"));
    assert!(dir.run(&named(&["log", "backup"], &backup)).status.success());
    for point in OF_RESTORE {
        std::fs::remove_dir_all(dir.path("store")).unwrap();
        std::fs::write(&fault, format!("{point} kill")).unwrap();
        let killed = dir.command(&named(&["log", "restore"], &backup)).env("CHAPAR_FAULTS", &fault).output().unwrap();
        assert_eq!(killed.status.code(), None, "{point}: {}", stderr(&killed));
        let refused = dir.run(&["once"]);
        assert!(stderr(&refused).contains("run it again"), "{point}: {}", stderr(&refused));
        let restored = dir.run(&named(&["log", "restore"], &backup));
        assert!(restored.status.success(), "{point}: {}", stderr(&restored));
        assert!(dir.run(&["once"]).status.success());
        assert_eq!(seqs(&dir.records()), [1, 2, 3], "{point}");
        assert_eq!(seqs(&dir.json(&["query", "--reverse"])), [1, 2, 3], "{point}");
    }
}
