//! Outputs as users set them: filters, formats, folders by pattern, files that are finished, and what happens to them.

use std::path::{Path, PathBuf};

use chapar::faults::Point;
use chapar::formats::LineFormat;
use chapar::store::{decompress, frame_ends};
use serde_json::Value;

use crate::dir::{Dir, records_in, seqs, source, stderr, text, wait_for};
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

/// Every line of every finished file below a folder, unpacked, in order of file and line.
fn lines_in(folder: &Path) -> Vec<String> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).map_or_else(|_| Vec::new(), |all| all.map(|entry| entry.unwrap().path()).collect());
    paths.retain(|path| !path.file_name().unwrap().to_string_lossy().starts_with('.'));
    paths.sort();
    let mut lines = Vec::new();
    for path in paths {
        if path.is_dir() {
            lines.extend(lines_in(&path));
            continue;
        }
        let mut bytes = std::fs::read(&path).unwrap();
        if path.extension().is_some_and(|extension| extension == "zst") {
            let found = frame_ends(&bytes);
            assert!(found.is_torn_only);
            let starts = [0].into_iter().chain(found.ends.iter().copied());
            bytes = starts.zip(&found.ends).flat_map(|(start, end)| decompress(&bytes[start..*end]).unwrap()).collect();
        }
        lines.extend(String::from_utf8(bytes).unwrap().lines().map(str::to_owned));
    }
    lines
}

/// The numbers of all records below a folder, sorted.
fn held(folder: &Path, format: LineFormat) -> Vec<u64> {
    let stamps = lines_in(folder).into_iter().filter_map(|line| format.stamp(line.as_bytes()));
    let mut seqs: Vec<u64> = stamps.map(|stamp| stamp.seq.0).collect();
    seqs.sort_unstable();
    seqs
}

fn counted(count: u64) -> Vec<u64> {
    (1..=count).collect()
}

#[test]
fn each_format_is_written_and_read_back() {
    let site = Site::start();
    site.publish(1..=4);
    let canal = source("canal", &site.url("/feed.xml"));
    let dir = Dir::new(&canal);
    let formats = [
        ("jsonfeed", LineFormat::JsonFeed, "format = \"jsonfeed\""),
        ("ninjs", LineFormat::Ninjs, "format = \"ninjs\"\ncompress = true"),
        ("csv", LineFormat::Csv, "format = \"csv\""),
        ("packed", LineFormat::Ndjson, "compress = true"),
    ];
    let stdout = "[[output]]\nkind = \"stdout\"\nformat = \"csv\"\n\n";
    let outputs = formats.map(|(id, _, more)| directory(&dir, id, id, more)).concat();
    dir.settle(&format!("{canal}{outputs}{stdout}"));
    let first = dir.run(&["once"]);
    assert!(first.status.success(), "{}", stderr(&first));
    site.publish(1..=6);
    assert!(dir.run(&["once"]).status.success());
    for (id, format, _) in formats {
        assert_eq!(held(&dir.path(id), format), counted(6), "{id}");
    }
    let rows = lines_in(&dir.path("csv"));
    assert!(rows.len() == 7 && rows[0].starts_with("seq,id,"), "{rows:?}");
    let first_rows: Vec<&str> = std::str::from_utf8(&first.stdout).unwrap().lines().collect();
    assert_eq!(first_rows, rows[..5], "the same on stdout");
    let records = dir.records();
    for (record, line) in records.iter().zip(lines_in(&dir.path("jsonfeed"))) {
        let item: Value = serde_json::from_str(&line).unwrap();
        for name in ["id", "url", "title", "summary", "content_text", "date_published"] {
            assert_eq!(item[name], record[name], "{name}");
        }
    }
    for (record, line) in records.iter().zip(lines_in(&dir.path("ninjs"))) {
        let object: Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&object["bodies"][0]["value"], &object["type"]), (&record["content_text"], &Value::from("text")));
    }
    let feed: Value = serde_json::from_slice(&dir.run(&["query", "-o", "jsonfeed", "canal"]).stdout).unwrap();
    assert_eq!((&feed["title"], feed["items"].as_array().unwrap().len()), (&Value::from("chapar query canal"), 6));
    let atom = text(&dir.run(&["query", "-oatom", "--limit", "2"]));
    assert!(atom.starts_with("<?xml") && atom.matches("<entry").count() == 2 && atom.ends_with("</feed>\n"), "{atom}");
}

#[test]
fn records_go_into_folders_by_pattern() {
    let site = Site::start();
    site.publish(1..=3);
    let sources = source("canal", &site.url("/feed.xml"));
    let dir = Dir::new("");
    let output = directory(&dir, "by", "by/{source}/{language}", "compress = true\npublish = \"finished\"");
    dir.settle(&format!("{sources}{output}"));
    let run = dir.run(&["once"]);
    assert!(run.status.success(), "{}", stderr(&run));
    assert_eq!(held(&dir.path("by/canal/en"), LineFormat::Ndjson), counted(3), "finished when the run ends");
    site.publish(3..=5);
    assert!(dir.run(&["once"]).status.success());
    assert_eq!(held(&dir.path("by"), LineFormat::Ndjson), counted(5));
}

#[test]
fn killed_at_each_step_every_record_is_there_once_and_no_file_is_seen_half() {
    let site = Site::start();
    let canal = source("canal", &site.url("/feed.xml"));
    let dir = Dir::new("");
    let finished = "publish = \"finished\"\nroll = \"4KiB\"";
    let outputs = directory(&dir, "plain", "plain", "")
        + &directory(&dir, "packed", "packed/{topic}", "compress = true\nroll = \"4KiB\"")
        + &directory(&dir, "whole", "whole/{country}/{source}", finished)
        + &directory(&dir, "table", "table", "format = \"csv\"\npublish = \"finished\"\ncompress = true");
    dir.settle(&format!("{canal}{outputs}"));
    let is_ours = |point: &Point| point.name().starts_with("directory-") || point.name().starts_with("sink-");
    let mut points: Vec<Point> = Point::ALL.iter().copied().filter(is_ours).collect();
    // Folders are made once.
    points.sort_by_key(|point| point.name() != "directory-folder");
    let (mut published, mut killed) = (0, 0);
    for point in &points {
        for time in [1, 4] {
            published += 2;
            site.publish(1..=published);
            dir.write("fault", &format!("{} kill {time}", point.name()));
            let run = dir.command(&["once"]).env("CHAPAR_FAULTS", dir.path("fault")).output().unwrap();
            // A point that is not passed so often lets the run end well.
            assert!(matches!(run.status.code(), None | Some(0)), "{}: {}", point.name(), stderr(&run));
            killed += usize::from(run.status.code().is_none());
        }
    }
    assert!(killed >= points.len(), "{killed} kills");
    let run = dir.run(&["once"]);
    assert!(run.status.success(), "{}", stderr(&run));
    let all = counted(published as u64);
    assert_eq!(seqs(&dir.records()), all, "in order");
    for (id, format) in [
        ("plain", LineFormat::Ndjson),
        ("packed", LineFormat::Ndjson),
        ("whole", LineFormat::Ndjson),
        ("table", LineFormat::Csv),
    ] {
        assert_eq!(held(&dir.path(id), format), all, "{id}");
    }
}

#[test]
fn a_finished_file_appears_by_itself_and_one_that_was_begun_goes_on_after_a_kill() {
    let site = Site::start();
    site.publish(1..=2);
    let canal = source("canal", &site.url("/feed.xml"));
    let dir = Dir::new("");
    let outputs = directory(&dir, "soon", "soon", "publish = \"finished\"\nfinish_after = \"300ms\"")
        + &directory(&dir, "late", "late", "publish = \"finished\"\nfinish_after = \"1h\"");
    dir.settle(&format!("{canal}{outputs}"));
    let daemon = dir.daemon();
    wait_for("a finished file", || (held(&dir.path("soon"), LineFormat::Ndjson) == [1, 2]).then_some(()));
    wait_for("the cursor", || (cursor(&dir, "late") == 2).then_some(()));
    assert!(lines_in(&dir.path("late")).is_empty(), "it is not finished");
    daemon.signal(libc::SIGKILL);
    drop(daemon);
    site.publish(1..=4);
    let daemon = dir.daemon();
    wait_for("the cursor", || (cursor(&dir, "late") == 4).then_some(()));
    assert_eq!(daemon.stop(), Some(0));
    assert_eq!(held(&dir.path("late"), LineFormat::Ndjson), counted(4), "finished when the daemon stops");
    assert_eq!(held(&dir.path("soon"), LineFormat::Ndjson), counted(4));
    assert_eq!(std::fs::read_dir(dir.path("late")).unwrap().count(), 2, "one file and the lock");
}

#[test]
fn a_slow_reader_of_stdout_delays_no_other_output() {
    let site = Site::start();
    // More than a pipe holds.
    site.publish(1..=80);
    let canal = source("canal", &site.url("/feed.xml"));
    let dir = Dir::new(&(canal + "[[output]]\nid = \"out\"\nkind = \"stdout\"\n"));
    let mut daemon = dir.daemon();
    wait_for("all records in the folder", || (dir.records().len() == 80).then_some(()));
    assert!(cursor(&dir, "out") < 80, "nobody reads it");
    let mut lines = daemon.lines();
    for seq in 1..=80 {
        let record: Value = serde_json::from_str(&lines.next().unwrap()).unwrap();
        assert_eq!(record["seq"], seq);
    }
    wait_for("the cursor of stdout", || (cursor(&dir, "out") == 80).then_some(()));
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn stdout_that_is_closed_is_dropped_where_that_is_set() {
    let site = Site::start();
    site.publish([1]);
    let canal = source("canal", &site.url("/feed.xml"));
    let dir = Dir::new(&(canal + "[[output]]\nid = \"out\"\nkind = \"stdout\"\nclosed = \"drop\"\n"));
    let mut daemon = dir.daemon();
    let mut lines = daemon.lines();
    assert!(lines.next().unwrap().contains("\"seq\":1,"));
    drop(lines);
    site.publish(1..=3);
    wait_for("the trouble in the status", || {
        dir.status()["troubles"]["output out"]
            .as_str()
            .filter(|reason| reason.contains("its reader has gone"))
            .map(drop)
    });
    wait_for("the records in the folder", || (dir.records().len() == 3).then_some(()));
    assert_eq!(dir.log().matches("its reader has gone").count(), 1, "{}", dir.log());
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn two_programs_on_one_folder_do_not_mix_their_records() {
    let site = Site::start();
    site.publish(1..=2);
    let canal = source("canal", &site.url("/feed.xml"));
    let (first, second) = (Dir::new(&canal), Dir::new(""));
    let daemon = first.daemon();
    wait_for("records", || (first.records().len() == 2).then_some(()));
    let shared = format!("[[output]]\nid = \"shared\"\nkind = \"directory\"\npath = {:?}\n", first.path("records"));
    second.settle(&format!("{canal}{shared}"));
    let refused = stderr(&second.run(&["once"]));
    assert!(refused.contains(&format!("is written by process {}", daemon.child.id())), "{refused}");
    assert_eq!(daemon.stop(), Some(0));
    let refused = stderr(&second.run(&["once"]));
    assert!(refused.contains("was written from another store"), "{refused}");
    assert_eq!(seqs(&first.records()), [1, 2]);
}

#[test]
fn an_older_store_that_was_restored_does_not_mix_its_numbers_into_the_folder() {
    let site = Site::start();
    site.publish(1..=2);
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    assert!(dir.run(&["once"]).status.success());
    copy(&dir.path("store"), &dir.path("backup"));
    site.publish(1..=5);
    assert!(dir.run(&["once"]).status.success());
    std::fs::remove_dir_all(dir.path("store")).unwrap();
    std::fs::rename(dir.path("backup"), dir.path("store")).unwrap();
    site.publish([6]);
    let refused = stderr(&dir.run(&["once"]));
    assert!(refused.contains("holds records up to 5, the log only up to "), "{refused}");
    site.publish(6..=9);
    assert!(!dir.run(&["once"]).status.success());
    let refused = stderr(&dir.run(&["once"]));
    assert!(refused.contains("was written from another store"), "the log has passed the number: {refused}");
    assert_eq!(seqs(&dir.records()), counted(5), "nothing was written");
    std::fs::rename(dir.path("records"), dir.path("older")).unwrap();
    let run = dir.run(&["once"]);
    assert!(run.status.success(), "{}", stderr(&run));
    assert_eq!(seqs(&dir.records()), [3, 4, 5, 6], "from the cursor on");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn an_output_is_rewound_to_a_number_or_a_time_and_no_further_than_the_log_goes() {
    let site = Site::start();
    site.publish(1..=3);
    let canal = source("canal", &site.url("/feed.xml"));
    let dir = Dir::new(&(canal + "[[output]]\nid = \"out\"\nkind = \"stdout\"\n"));
    let shown = |output: &std::process::Output| {
        text(output).lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(seqs(&shown(&dir.run(&["once"]))), [1, 2, 3]);
    let rewind = |output: &str, to: &str| dir.run(&["log", "rewind", output, "--to", to]);
    assert!(rewind("out", "2").status.success());
    assert_eq!(seqs(&shown(&dir.run(&["once"]))), [2, 3]);
    assert!(rewind("out", "1h").status.success());
    assert_eq!(seqs(&shown(&dir.run(&["once"]))), [1, 2, 3]);
    assert!(rewind("out", "4").status.success(), "the next one to come");
    for (output, to, reason) in [
        ("out", "5", "the log holds records 1 to 3; 5 is not among them"),
        ("out", "0", "0 is not among them"),
        ("out", "soon", "--to: a sequence number, or a time"),
        ("nosuch", "1", "there is no output \"nosuch\"; there are: directory, out"),
        (
            "directory",
            "2",
            "holds records up to 3, and each only once; move the files with records from 2 on away first",
        ),
    ] {
        let refused = rewind(output, to);
        assert!(!refused.status.success() && stderr(&refused).contains(reason), "{reason}: {}", stderr(&refused));
    }
    let mut daemon = dir.daemon();
    assert!(!rewind("directory", "2").status.success(), "beside the daemon, too");
    std::fs::rename(dir.path("records"), dir.path("moved")).unwrap();
    assert!(rewind("directory", "2").status.success());
    wait_for("the records again", || (dir.records().len() == 2).then_some(()));
    assert_eq!(seqs(&dir.records()), [2, 3]);
    assert!(rewind("out", "3").status.success());
    assert!(daemon.lines().next().unwrap().contains("\"seq\":3,"));
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn a_folder_that_is_taken_away_while_it_is_written_is_named_and_delays_no_other() {
    let site = Site::start();
    site.publish([1]);
    let canal = source("canal", &site.url("/feed.xml"));
    let dir = Dir::new("");
    std::fs::create_dir(dir.path("real")).unwrap();
    std::os::unix::fs::symlink("real", dir.path("link")).unwrap();
    let outputs = directory(&dir, "out", "out", "")
        + &directory(&dir, "by", "by/{source}", "")
        + &directory(&dir, "linked", "link", "");
    dir.settle(&format!("{canal}{outputs}"));
    let daemon = dir.daemon();
    let all_have = |count: u64| {
        wait_for("all outputs", || ["out", "by", "linked"].iter().all(|id| cursor(&dir, id) == count).then_some(()));
    };
    let trouble = |id: &str, reason: &str| {
        wait_for(reason, || {
            let troubles = dir.status()["troubles"].clone();
            troubles[format!("output {id}")].as_str().filter(|trouble| trouble.contains(reason)).map(drop)
        });
    };
    all_have(1);
    assert_eq!(held(&dir.path("real"), LineFormat::Ndjson), [1], "a link that the administrator made is followed");

    // A file in the place of one, a link in the place of a folder in the other.
    std::fs::rename(dir.path("out"), dir.path("out-1")).unwrap();
    dir.write("out", "a file");
    std::fs::rename(dir.path("by/canal"), dir.path("by-1")).unwrap();
    std::os::unix::fs::symlink(dir.path("by-1"), dir.path("by/canal")).unwrap();
    site.publish(1..=2);
    trouble("out", "out: it is no folder; move it away");
    trouble("by", "canal: it is a symlink, which is not followed; move it away");
    wait_for("the others", || (dir.records().len() == 2 && cursor(&dir, "linked") == 2).then_some(()));
    assert_eq!((cursor(&dir, "out"), cursor(&dir, "by")), (1, 1));
    std::fs::remove_file(dir.path("out")).unwrap();
    std::fs::remove_file(dir.path("by/canal")).unwrap();
    all_have(2);
    assert_eq!(held(&dir.path("out"), LineFormat::Ndjson), [2]);
    assert_eq!(held(&dir.path("by/canal"), LineFormat::Ndjson), [2]);
    assert_eq!(held(&dir.path("by-1"), LineFormat::Ndjson), [1], "nothing was written through the link");

    // Removed while it is written.
    std::fs::remove_dir_all(dir.path("out")).unwrap();
    site.publish(1..=3);
    all_have(3);
    assert_eq!(held(&dir.path("out"), LineFormat::Ndjson), [3]);
    assert_eq!(daemon.stop(), Some(0), "{}", dir.log());
}

#[test]
fn a_folder_on_another_file_system_is_written_as_any() {
    let elsewhere = Path::new("/dev/shm");
    if !elsewhere.is_dir() {
        eprintln!("there is no /dev/shm here; nothing was tested");
        return;
    }
    let folder = tempfile::tempdir_in(elsewhere).unwrap();
    let site = Site::start();
    site.publish(1..=2);
    let canal = source("canal", &site.url("/feed.xml"));
    let dir = Dir::new("");
    let path = folder.path().join("{country}");
    let keys = "publish = \"finished\"\ncompress = true";
    dir.settle(&format!("{canal}[[output]]\nid = \"far\"\nkind = \"directory\"\npath = {path:?}\n{keys}\n"));
    let run = dir.run(&["once"]);
    assert!(run.status.success(), "{}", stderr(&run));
    assert_eq!(held(folder.path(), LineFormat::Ndjson), counted(2));
}

#[test]
fn an_output_of_new_records_whose_cursor_was_lost_waits_to_be_told_where_it_goes_on() {
    let site = Site::start();
    site.publish([1]);
    let canal = source("canal", &site.url("/feed.xml"));
    let dir = Dir::new(&(canal + "[[output]]\nid = \"out\"\nkind = \"stdout\"\nfrom = \"now\"\n"));
    assert!(dir.run(&["once"]).status.success());
    std::fs::remove_dir_all(dir.path("store/sled")).unwrap();
    site.publish(1..=2);
    let refused = dir.run(&["once"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("chapar log rewind out --to"), "{}", stderr(&refused));
    assert!(refused.stdout.is_empty());
    assert!(dir.run(&["log", "rewind", "out", "--to", "2"]).status.success());
    let delivered = dir.run(&["once"]);
    assert!(delivered.status.success(), "{}", stderr(&delivered));
    assert_eq!(seqs(&crate::dir::json_lines(&delivered.stdout)), [2]);
}
