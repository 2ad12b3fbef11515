//! Folders as they are found, and left, by a writer that may have been killed.

use std::os::unix::fs::symlink;

use super::*;
use crate::settings::{ByteSize, Period, Publish};

fn line(seq: u64, day: &str, topic: &str) -> String {
    let text = "x".repeat(100);
    let topics = if topic.is_empty() {
        String::new()
    } else {
        format!(r#","topics":[{{"id":{topic:?},"name":"T","score":1.0,"matched":[]}}]"#)
    };
    format!(
        r#"{{"schema":"chapar.record/1","seq":{seq},"id":"abcdefghijklmnopqrstuvwxya","version":1,"event":"new","recorded_at":"{day}T00:00:0{}Z","url":"https://e.org/{seq}","content_text":"{text}","language":"en","language_confidence":1.0,"word_count":1,"source":{{"id":"s","name":"S","kind":"feed","feed_url":"https://e.org/f"}},"fetch":{{"at":"{day}T00:00:00Z","final_url":"https://e.org/a","status":200,"bytes":1}},"extract":{{"path":"blocks","fields":{{}},"confidence":1.0}},"dedup":{{"text_digest":"00112233445566778899aabbccddeeff"}},"rules":{{"digest":"0"}},"chapar":"0"{topics}}}"#,
        seq % 10
    )
}

fn output(path: &Path, more: &str) -> DirectoryOutput {
    DirectoryOutput {
        path: PathPattern::parse(&format!("{}{more}", path.display())).unwrap(),
        roll: ByteSize(1 << 20),
        format: LineFormat::Ndjson,
        compress: false,
        publish: Publish::Append,
    }
}

/// Every form of lines, plain and compressed, appended and finished.
fn outputs(path: &Path) -> Vec<DirectoryOutput> {
    let mut outputs = Vec::new();
    for format in LineFormat::ALL {
        for compress in [false, true] {
            for publish in [Publish::Append, Publish::Finished { after: Period::from_secs(600) }] {
                outputs.push(DirectoryOutput { format, compress, publish, ..output(path, "") });
            }
        }
    }
    outputs
}

fn try_deliver(directory: &mut Directory, records: &[(u64, &str)], day: &str) -> io::Result<()> {
    let lines: Vec<(Seq, String)> = records.iter().map(|(seq, topic)| (Seq(*seq), line(*seq, day, topic))).collect();
    let lines: Vec<Line<'_>> = lines.iter().map(|(seq, text)| Line::new(*seq, text)).collect();
    directory.deliver(&lines)
}

fn deliver(directory: &mut Directory, seqs: &[u64], day: &str) {
    let records: Vec<(u64, &str)> = seqs.iter().map(|seq| (*seq, "")).collect();
    try_deliver(directory, &records, day).unwrap();
}

fn held_by(output: &DirectoryOutput) -> Option<u64> {
    Directory::open(output, Access::First).unwrap().1.map(|held| held.stamp.seq.0)
}

/// Names of files, and of folders with theirs, without the lock.
fn files(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            names.extend(files(&entry.path()).into_iter().map(|file| format!("{name}/{file}")));
        } else if name != ".chapar.lock" {
            names.push(name);
        }
    }
    names.sort();
    names
}

/// The numbers in a file, unpacked where it is compressed.
fn seqs(path: &Path) -> Vec<u64> {
    let name = FileName::parse(path.file_name().unwrap().to_str().unwrap()).unwrap();
    let mut bytes = fs::read(path).unwrap();
    if name.is_compressed {
        let ends = crate::store::frame_ends(&bytes).ends;
        let starts = [0].into_iter().chain(ends.iter().copied());
        bytes =
            starts.zip(&ends).flat_map(|(start, end)| crate::store::decompress(&bytes[start..*end]).unwrap()).collect();
    }
    let text = String::from_utf8(bytes).unwrap();
    let headers = text.lines().filter(|line| name.format.header().is_some_and(|header| header.trim_end() == *line));
    assert_eq!(headers.count(), usize::from(name.format == LineFormat::Csv), "one header a file");
    text.lines().filter_map(|line| name.format.stamp(line.as_bytes())).map(|stamp| stamp.seq.0).collect()
}

use super::files::FileName;

#[test]
fn files_follow_day_and_size_and_a_clock_gone_back_stays_in_the_newer_file() {
    let folder = tempfile::tempdir().unwrap();
    let output = DirectoryOutput { roll: ByteSize(200), ..output(folder.path(), "") };
    let (mut directory, held) = Directory::open(&output, Access::First).unwrap();
    assert!(held.is_none());
    deliver(&mut directory, &[1, 2], "2026-01-01");
    deliver(&mut directory, &[3], "2026-01-01");
    deliver(&mut directory, &[4], "2026-01-02");
    deliver(&mut directory, &[5], "2026-01-01");
    drop(directory);
    let expected = [
        "records-2026-01-01-000.ndjson",
        "records-2026-01-01-001.ndjson",
        "records-2026-01-02-000.ndjson",
        "records-2026-01-02-001.ndjson",
    ];
    assert_eq!(files(folder.path()), expected);
    assert_eq!(held_by(&output), Some(5));
}

#[test]
fn torn_at_any_byte_every_form_goes_on_after_its_last_whole_record() {
    for number in 0..16 {
        let folder = tempfile::tempdir().unwrap();
        let output = outputs(folder.path()).remove(number);
        let (mut directory, _) = Directory::open(&output, Access::First).unwrap();
        deliver(&mut directory, &[1, 2], "2026-01-01");
        deliver(&mut directory, &[3], "2026-01-01");
        drop(directory);
        let path = folder.path().join(&files(folder.path())[0]);
        let whole = fs::read(&path).unwrap();
        assert_eq!(seqs(&path), [1, 2, 3], "{output:?}");
        let steps = whole.len().div_ceil(23);
        for torn in (0..whole.len()).step_by(steps).chain([whole.len() - 1]) {
            fs::write(&path, &whole[..torn]).unwrap();
            let before = held(&output).unwrap();
            assert_eq!(fs::read(&path).unwrap().len(), torn, "asking cuts nothing");
            let (mut directory, held) = Directory::open(&output, Access::First).unwrap();
            let last = held.as_ref().map_or(0, |held| held.stamp.seq.0);
            assert!(last < 3 && before.map_or(0, |held| held.stamp.seq.0) == last, "torn at {torn}: {last}");
            deliver(&mut directory, &[1, 2, 3], "2026-01-01");
            drop(directory);
            let path = folder.path().join(&files(folder.path())[0]);
            assert_eq!(seqs(&path), [1, 2, 3], "torn at {torn}: {output:?}");
            assert_eq!(files(folder.path()).len(), 1);
        }
    }
}

#[test]
fn damage_before_the_end_of_a_compressed_file_is_named_and_nothing_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    let output = DirectoryOutput { compress: true, ..output(folder.path(), "") };
    let (mut directory, _) = Directory::open(&output, Access::First).unwrap();
    deliver(&mut directory, &[1], "2026-01-01");
    deliver(&mut directory, &[2], "2026-01-01");
    drop(directory);
    let path = folder.path().join("records-2026-01-01-000.ndjson.zst");
    let mut bytes = fs::read(&path).unwrap();
    bytes[0] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let refused = Directory::open(&output, Access::First).unwrap_err().to_string();
    assert!(refused.contains("records-2026-01-01-000.ndjson.zst: a part of it is damaged"), "{refused}");
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn a_file_whose_first_records_were_torn_leaves_no_empty_one() {
    for number in 0..16 {
        let folder = tempfile::tempdir().unwrap();
        let output = outputs(folder.path()).remove(number);
        let (mut directory, _) = Directory::open(&output, Access::First).unwrap();
        deliver(&mut directory, &[1], "2026-01-01");
        deliver(&mut directory, &[2], "2026-01-02");
        drop(directory);
        let newest = files(folder.path()).into_iter().find(|name| name.contains("2026-01-02")).unwrap();
        let newest = folder.path().join(newest);
        let whole = fs::read(&newest).unwrap();
        for torn in [0, 1, whole.len() / 2, whole.len() - 1] {
            fs::write(&newest, &whole[..torn]).unwrap();
            assert_eq!(held_by(&output), Some(1), "{output:?} torn at {torn}");
            assert!(!newest.exists(), "{output:?} torn at {torn}");
        }
    }
}

#[test]
fn a_header_behind_records_is_no_empty_file() {
    let folder = tempfile::tempdir().unwrap();
    for compress in [false, true] {
        let output = DirectoryOutput { format: LineFormat::Csv, compress, ..output(folder.path(), "") };
        let (mut directory, _) = Directory::open(&output, Access::First).unwrap();
        deliver(&mut directory, &[1], "2026-01-01");
        drop(directory);
        let path = folder.path().join(files(folder.path()).remove(0));
        let header = LineFormat::Csv.header().unwrap().into_bytes();
        let mut bytes = fs::read(&path).unwrap();
        bytes.extend(if compress { crate::store::compress(&header).unwrap() } else { header });
        fs::write(&path, &bytes).unwrap();
        let refused = Directory::open(&output, Access::First).unwrap_err().to_string();
        assert!(refused.contains("its last line is no record; move the file away"), "{refused}");
        assert_eq!(fs::read(&path).unwrap(), bytes, "nothing is cut");
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn holes_are_looked_for_when_the_folder_is_opened_first() {
    let folder = tempfile::tempdir().unwrap();
    let output = output(folder.path(), "");
    let path = folder.path().join("records-2026-01-01-000.ndjson");
    let [one, two, three] = [1, 2, 3].map(|seq| line(seq, "2026-01-01", ""));
    fs::write(&path, format!("{one}\n{}\n{three}\n", "\0".repeat(two.len()))).unwrap();
    let (directory, held) = Directory::open(&output, Access::Again).unwrap();
    assert_eq!(held.unwrap().stamp.seq, Seq(3));
    drop(directory);
    assert_eq!(held_by(&output), Some(1));
}

#[test]
fn a_record_of_ten_megabytes_is_one_line_as_any() {
    let long = line(2, "2026-01-01", "").replace(&"x".repeat(100), &"канал ".repeat(1 << 20));
    for format in LineFormat::ALL {
        let folder = tempfile::tempdir().unwrap();
        let output = DirectoryOutput { format, compress: true, ..output(folder.path(), "/{source}") };
        let (mut directory, _) = Directory::open(&output, Access::First).unwrap();
        deliver(&mut directory, &[1], "2026-01-01");
        directory.deliver(&[Line::new(Seq(2), &long)]).unwrap();
        deliver(&mut directory, &[3], "2026-01-01");
        drop(directory);
        let found: Vec<u64> = files(folder.path()).iter().flat_map(|name| seqs(&folder.path().join(name))).collect();
        assert_eq!(found, [1, 2, 3], "{format:?}");
        assert_eq!(held_by(&output), Some(3));
    }
}

#[test]
fn records_go_into_folders_by_what_they_are_about_each_once() {
    let folder = tempfile::tempdir().unwrap();
    let output = output(folder.path(), "/{source}/of-{topic}");
    let records = [(1, "energy"), (2, "../../../etc"), (3, ""), (4, "energy"), (5, "..")];
    let (mut directory, _) = Directory::open(&output, Access::First).unwrap();
    try_deliver(&mut directory, &records, "2026-01-01").unwrap();
    drop(directory);
    let (mut directory, held) = Directory::open(&output, Access::First).unwrap();
    assert_eq!(held.unwrap().stamp.seq, Seq(5));
    // As after a kill before the cursor moved, in a commit that was delivered in part.
    try_deliver(&mut directory, &records, "2026-01-01").unwrap();
    try_deliver(&mut directory, &[(6, "energy")], "2026-01-01").unwrap();
    let file = "records-2026-01-01-000.ndjson";
    let expected = ["s/of-__", "s/of-_________etc", "s/of-energy", "s/of-none"].map(|name| format!("{name}/{file}"));
    assert_eq!(files(folder.path()), expected);
    assert_eq!(seqs(&folder.path().join("s/of-energy").join(file)), [1, 4, 6]);
    assert_eq!(seqs(&folder.path().join("s/of-none").join(file)), [3]);
}

#[test]
fn more_folders_than_are_remembered_still_get_each_record_once() {
    let folder = tempfile::tempdir().unwrap();
    let output = output(folder.path(), "/{topic}");
    let (mut directory, _) = Directory::open(&output, Access::First).unwrap();
    let count = KNOWN_FOLDERS_MAX as u64 + 20;
    let names: Vec<String> = (0..count).map(|number| format!("t{number}")).collect();
    let records: Vec<(u64, &str)> = (1..=count).zip(names.iter().map(String::as_str)).collect();
    try_deliver(&mut directory, &records, "2026-01-01").unwrap();
    assert!(directory.known.len() <= KNOWN_FOLDERS_MAX);
    try_deliver(&mut directory, &records, "2026-01-01").unwrap();
    drop(directory);
    let (directory, held) = Directory::open(&output, Access::First).unwrap();
    assert!(directory.known.len() <= KNOWN_FOLDERS_MAX);
    assert_eq!(held.unwrap().stamp.seq, Seq(count));
    for name in names {
        assert_eq!(seqs(&folder.path().join(name).join("records-2026-01-01-000.ndjson")).len(), 1);
    }
}

#[test]
fn finished_files_are_never_seen_half_and_go_on_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let publish = Publish::Finished { after: Period::from_secs(600) };
    let output = DirectoryOutput { publish, ..output(folder.path(), "") };
    let (mut directory, _) = Directory::open(&output, Access::First).unwrap();
    deliver(&mut directory, &[1], "2026-01-01");
    assert_eq!(files(folder.path()), [".records-2026-01-01-000.ndjson.part"]);
    drop(directory);
    let (mut directory, held) = Directory::open(&output, Access::First).unwrap();
    assert_eq!(held.unwrap().stamp.seq, Seq(1));
    deliver(&mut directory, &[1, 2], "2026-01-01");
    let same_day = "2026-01-01T23:59:59Z".parse().unwrap();
    assert!(directory.tend(same_day).unwrap().is_some_and(|wait| wait <= Duration::from_secs(60)));
    assert_eq!(files(folder.path()), [".records-2026-01-01-000.ndjson.part"]);
    assert_eq!(directory.tend("2026-01-02T00:00:00Z".parse().unwrap()).unwrap(), None);
    assert_eq!(files(folder.path()), ["records-2026-01-01-000.ndjson"]);
    assert_eq!(seqs(&folder.path().join("records-2026-01-01-000.ndjson")), [1, 2]);
    // A file that somebody has put in the place of the next one is not written over.
    fs::write(folder.path().join("records-2026-01-01-001.ndjson"), "").unwrap();
    deliver(&mut directory, &[3], "2026-01-01");
    directory.finish().unwrap();
    assert_eq!(seqs(&folder.path().join("records-2026-01-01-002.ndjson")), [3]);
    deliver(&mut directory, &[4], "2026-01-02");
    drop(directory);
    // Another setting finishes what was begun.
    let appended = DirectoryOutput { publish: Publish::Append, ..output };
    assert_eq!(held_by(&appended), Some(4));
    assert!(files(folder.path()).contains(&"records-2026-01-02-000.ndjson".to_owned()), "{:?}", files(folder.path()));
}

#[test]
fn a_file_is_finished_when_it_is_full_or_old() {
    let folder = tempfile::tempdir().unwrap();
    let publish = Publish::Finished { after: Period(Duration::from_millis(1)) };
    let output = DirectoryOutput { publish, roll: ByteSize(200), ..output(folder.path(), "") };
    let (mut directory, _) = Directory::open(&output, Access::First).unwrap();
    deliver(&mut directory, &[1], "2026-01-01");
    assert_eq!(files(folder.path()), ["records-2026-01-01-000.ndjson"], "it is full");
    directory.output.roll = ByteSize(1 << 20);
    deliver(&mut directory, &[2], "2026-01-01");
    std::thread::sleep(Duration::from_millis(2));
    assert_eq!(directory.tend("2026-01-01T00:00:00Z".parse().unwrap()).unwrap(), None);
    assert_eq!(files(folder.path()), ["records-2026-01-01-000.ndjson", "records-2026-01-01-001.ndjson"]);
}

#[test]
fn another_form_goes_on_in_a_file_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let mut last = 0;
    for output in outputs(folder.path()) {
        let (mut directory, held) = Directory::open(&output, Access::First).unwrap();
        assert_eq!(held.map_or(0, |held| held.stamp.seq.0), last);
        deliver(&mut directory, &(1..=last + 1).collect::<Vec<_>>(), "2026-01-01");
        last += 1;
    }
    let mut found: Vec<u64> = files(folder.path()).iter().flat_map(|name| seqs(&folder.path().join(name))).collect();
    found.sort_unstable();
    assert_eq!(found, (1..=last).collect::<Vec<_>>());
}

#[test]
fn a_folder_that_is_removed_or_replaced_while_it_is_written_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("a/b/out");
    let output = output(&inside, "");
    let (mut directory, _) = Directory::open(&output, Access::First).unwrap();
    deliver(&mut directory, &[1], "2026-01-01");
    fs::remove_dir_all(&inside).unwrap();
    let refused = try_deliver(&mut directory, &[(2, "")], "2026-01-01").unwrap_err().to_string();
    assert!(refused.contains("out: the folder was taken away or replaced"), "{refused}");
    let (mut directory, held) = Directory::open(&output, Access::First).unwrap();
    assert!(held.is_none());
    deliver(&mut directory, &[2], "2026-01-01");
    fs::rename(&inside, folder.path().join("moved")).unwrap();
    symlink(folder.path().join("moved"), &inside).unwrap();
    // The same folder under its old name, by a link of the administrator, is no other one.
    deliver(&mut directory, &[3], "2026-01-01");
    fs::remove_file(&inside).unwrap();
    fs::write(&inside, "").unwrap();
    assert!(try_deliver(&mut directory, &[(4, "")], "2026-01-01").is_err());
    let refused = Directory::open(&output, Access::First).unwrap_err().to_string();
    assert!(refused.contains("out: it is no folder"), "{refused}");
    assert_eq!(seqs(&folder.path().join("moved/records-2026-01-01-000.ndjson")), [2, 3]);
}

#[test]
fn a_file_that_was_taken_away_is_begun_anew_and_nothing_comes_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (mut directory, _) = Directory::open(&output(folder.path(), ""), Access::First).unwrap();
    deliver(&mut directory, &[1, 2], "2026-01-01");
    let path = folder.path().join("records-2026-01-01-000.ndjson");
    fs::rename(&path, folder.path().join("taken")).unwrap();
    deliver(&mut directory, &[3], "2026-01-01");
    assert_eq!(seqs(&path), [3]);
}

#[test]
fn symlinks_below_the_root_are_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let (root, outside) = (folder.path().join("out"), folder.path().join("outside"));
    fs::create_dir_all(&root).unwrap();
    fs::create_dir_all(&outside).unwrap();
    symlink(&outside, root.join("energy")).unwrap();
    let (mut directory, _) = Directory::open(&output(&root, "/{topic}"), Access::First).unwrap();
    let refused = try_deliver(&mut directory, &[(1, "energy")], "2026-01-01").unwrap_err().to_string();
    assert!(refused.contains("energy: it is a symlink"), "{refused}");
    drop(directory);
    fs::remove_file(root.join("energy")).unwrap();
    let target = folder.path().join("target");
    fs::write(&target, "").unwrap();
    symlink(&target, root.join("records-2026-01-01-000.ndjson")).unwrap();
    let refused = Directory::open(&output(&root, ""), Access::First).unwrap_err().to_string();
    assert!(refused.contains("ndjson: it is a symlink"), "{refused}");
    fs::remove_file(root.join("records-2026-01-01-000.ndjson")).unwrap();
    let (mut directory, _) = Directory::open(&output(&root, ""), Access::First).unwrap();
    symlink(&target, root.join("records-2026-01-01-000.ndjson")).unwrap();
    assert!(try_deliver(&mut directory, &[(1, "")], "2026-01-01").is_err());
    assert_eq!(fs::read(&target).unwrap(), b"");
    assert!(fs::read_dir(&outside).unwrap().next().is_none());
}

#[test]
fn two_writers_of_a_folder_are_told_of_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let output = output(folder.path(), "");
    let (first, _) = Directory::open(&output, Access::First).unwrap();
    let refused = Directory::open(&output, Access::First).unwrap_err().to_string();
    assert!(refused.contains(&format!("is written by process {}", std::process::id())), "{refused}");
    assert!(held(&output).unwrap().is_none(), "who only asks may");
    drop(first);
    Directory::open(&output, Access::First).unwrap();
}

#[test]
fn after_a_rewind_the_files_are_looked_at_again() {
    let folder = tempfile::tempdir().unwrap();
    let (mut directory, _) = Directory::open(&output(folder.path(), ""), Access::First).unwrap();
    deliver(&mut directory, &[1, 2, 3], "2026-01-01");
    let path = folder.path().join("records-2026-01-01-000.ndjson");
    fs::remove_file(&path).unwrap();
    deliver(&mut directory, &[2, 3], "2026-01-01");
    assert_eq!(seqs(&path), [2, 3]);
}
