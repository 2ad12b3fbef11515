//! Answers: how `query`, `tail` and `show` look on a terminal, their pager, fields and cursors.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use crate::asking::{on_terminal, terminal};
use crate::dir::{Dir, Running, is_obeyed, json_lines, seqs, source, stderr, text, wait_for};
use crate::site::{Item, Reply, Site, article, story};

/// A store with so many articles.
fn store(count: usize) -> (Dir, Site) {
    let site = Site::start();
    site.publish(1..=count);
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    let once = dir.run(&["once"]);
    assert!(once.status.success(), "{}", stderr(&once));
    (dir, site)
}

/// What a command shows on a terminal of 40 lines of 100 columns, and its exit code.
fn shown(command: &mut Command) -> (String, Option<i32>) {
    let (mut primary, secondary) = terminal();
    let mut running = Running { child: command.stdout(secondary).stderr(Stdio::null()).spawn().unwrap() };
    // The command holds our end of the terminal; as long as it does, reading would wait.
    command.stdout(Stdio::null());
    let mut shown = Vec::new();
    // Linux ends the reading of a closed terminal with an error.
    let _ = primary.read_to_end(&mut shown);
    (String::from_utf8(shown).unwrap().replace("\r\n", "\n"), running.exit_code())
}

fn uncoloured(shown: &str) -> String {
    let codes = ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m", "\u{1b}[1;31m"];
    codes.iter().fold(shown.to_owned(), |shown, code| shown.replace(code, ""))
}

#[test]
fn a_terminal_is_shown_two_lines_an_article_with_what_was_asked_for_marked() {
    let site = Site::start();
    let hostile = "&#27;[31m&#155;2J\u{202e} Tokayev speaks of gas";
    let russian = "Президент Токаев поручил проверить состояние оросительных каналов и насосных станций.";
    site.put("/a/1", article("Проверка каналов", &[russian; 12].join(" ")));
    site.put("/a/2", article(hostile, &story(2)));
    let chinese = "哈萨克斯坦总统托卡耶夫说，天然气管道的建设将在明年完成，中亚各国将从中受益。";
    site.put("/a/3", article("天然气管道", &[chinese; 30].join("")));
    let items = [("/a/1", "Проверка каналов"), ("/a/2", "Tokayev"), ("/a/3", "天然气管道")];
    site.put("/feed.xml", Reply::rss(&items.map(|(path, title)| Item::new(&site.url(path), title))));
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    assert!(dir.run(&["once"]).status.success());
    assert_eq!(dir.json(&["query"]).len(), 3);

    for command in ["query", "tail"] {
        let page = on_terminal(&dir, &[command]).replace("\r\n", "\n");
        let plain = uncoloured(&page);
        assert_eq!(plain.lines().count(), 6, "{plain}");
        assert!(!plain.contains(is_obeyed), "{plain:?}");
        assert!(plain.lines().all(|line| line.width() <= 100), "{plain}");
        assert!(plain.contains("2026-11-20 03:00  Проверка каналов\n  "), "{plain}");
        assert!(plain.contains(" canal ") && plain.contains(" · 哈萨克斯坦总统"), "{plain}");

        let page = on_terminal(&dir, &[command, "Tokayev", "OR", "天然气"]);
        for marked in ["Токаев", "Tokayev", "天然气"] {
            assert!(page.contains(&format!("\u{1b}[1;31m{marked}\u{1b}[0m")), "{marked}: {page}");
        }
        let mut colourless = dir.command(&[command, "Tokayev"]);
        let (page, code) = shown(colourless.env("CHAPAR_PAGER", "").env("NO_COLOR", "1"));
        assert_eq!((page.lines().count(), code), (4, Some(0)), "{page}");
        assert!(!page.contains('\u{1b}') && page.contains("Президент Токаев"), "{page}");
        assert_eq!(text(&dir.run(&[command, "Tokayev", "-o", "brief"])).lines().count(), 4, "in a pipe, too");
    }
    let id = dir.json(&["query", "天然气"])[0]["id"].as_str().unwrap().to_owned();
    let page = uncoloured(&on_terminal(&dir, &["show", &id])).replace("\r\n", "\n");
    assert!(page.starts_with("天然气管道\n2026-11-20 03:00 · canal\nhttp"), "{page}");
    assert!(page.lines().all(|line| line.width() <= 100), "{page}");
    assert!(page.lines().filter(|line| line.width() > 95).count() > 5, "lines are filled: {page}");
    assert!(!page.lines().any(|line| line.starts_with(['，', '。'])), "no line begins with a comma: {page}");
}

#[test]
fn what_is_longer_than_the_screen_is_paged() {
    let (dir, _site) = store(45);
    let paged = dir.path("paged");
    let by_tee = format!("tee {}", paged.display());
    let check = |arguments: &[&str], variables: &[(&str, &str)], is_paged: bool| {
        let _ = std::fs::remove_file(&paged);
        let mut command = dir.command(arguments);
        let (page, code) = shown(command.env("TERM", "xterm").envs(variables.iter().copied()));
        assert_eq!(code, Some(0), "{arguments:?} {variables:?}");
        assert_eq!(paged.exists(), is_paged, "{arguments:?} {variables:?}");
        if is_paged {
            assert_eq!(std::fs::read_to_string(&paged).unwrap(), page, "{arguments:?} {variables:?}");
        }
        page
    };
    let by_chapar = [("CHAPAR_PAGER", by_tee.as_str()), ("PAGER", "false")];
    let whole = check(&["query"], &by_chapar, true);
    assert_eq!(whole.lines().count(), 90);
    assert_eq!(check(&["query"], &[("PAGER", &by_tee)], true), whole);
    assert_eq!(check(&["query", "-o", "ndjson"], &by_chapar, true).lines().count(), 45);
    assert_eq!(check(&["tail", "-n", "40"], &by_chapar, true).lines().count(), 80);
    assert_eq!(check(&["query", "-n", "19"], &by_chapar, false).lines().count(), 38, "it fits");
    assert_eq!(check(&["query", "--no-pager"], &by_chapar, false), whole);
    assert_eq!(check(&["query"], &[("CHAPAR_PAGER", ""), ("PAGER", &by_tee)], false), whole);
    assert_eq!(check(&["query"], &[("PAGER", "cat")], false), whole);
    assert_eq!(check(&["query"], &[("PAGER", "nosuchpager --fast")], false), whole, "a missing one is done without");
    assert_eq!(check(&["query"], &[("CHAPAR_PAGER", &by_tee), ("TERM", "dumb")], false).lines().count(), 90);
    // `sed` leaves the pipe after its first line.
    assert_eq!(check(&["query", "-o", "cat"], &[("PAGER", "sed 1q")], false).lines().count(), 1, "left early");
    let told = format!("echo \"$LESS\" > {}; cat", paged.display());
    let mut command = dir.command(&["query"]);
    shown(command.env("TERM", "xterm").env("PAGER", &told));
    assert_eq!(std::fs::read_to_string(&paged).unwrap(), "FRX\n");
    shown(command.env("LESS", "S"));
    assert_eq!(std::fs::read_to_string(&paged).unwrap(), "S\n");
    let told = format!("echo \"secure $LESSSECURE\" > {}; cat", paged.display());
    command.env("PAGER", &told).env_remove("LESSSECURE").env_remove("SUDO_UID");
    shown(&mut command);
    assert_eq!(std::fs::read_to_string(&paged).unwrap(), "secure \n");
    shown(command.env("SUDO_UID", "1000"));
    assert_eq!(std::fs::read_to_string(&paged).unwrap(), "secure 1\n", "the shell of another is given to nobody");
    assert_eq!(text(&dir.command(&["query"]).env("PAGER", &by_tee).output().unwrap()).lines().count(), 45, "a pipe");
}

#[test]
fn an_interrupt_is_the_pagers() {
    let (dir, _site) = store(25);
    let (started, go, paged) = (dir.path("started"), dir.path("go"), dir.path("paged"));
    let pager = format!(
        "touch {}; while [ ! -e {} ]; do sleep 0.1; done; cat > {}",
        started.display(),
        go.display(),
        paged.display()
    );
    let (_primary, secondary) = terminal();
    let mut command = dir.command(&["query"]);
    command.env("TERM", "xterm").env("CHAPAR_PAGER", pager).stdout(secondary).stderr(Stdio::null());
    let mut running = Running { child: command.spawn().unwrap() };
    wait_for("the pager", || started.exists().then_some(()));
    running.signal(libc::SIGINT);
    running.signal(libc::SIGINT);
    std::fs::write(go, "").unwrap();
    assert_eq!(running.exit_code(), Some(0));
    assert!(std::fs::read_to_string(paged).unwrap().lines().count() >= 40);
}

#[test]
fn a_reader_in_a_pager_holds_no_place_at_the_daemon() {
    let site = Site::start();
    let mut items = Vec::new();
    for number in 1..=60 {
        let path = format!("/a/{number}");
        let text: Vec<String> = (0..80).map(|part| story(1_000 * number + part)).collect();
        site.put(&path, article(&format!("Canal of district {number} carries water again"), &text.join("\n\n")));
        items.push(Item::new(&site.url(&path), &format!("Canal of district {number} carries water again")));
    }
    site.put("/feed.xml", Reply::rss(&items));
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    assert!(dir.run(&["once"]).status.success());
    // Far more than lies in pipes and sockets on the way.
    let bytes = text(&dir.run(&["query", "-o", "cat"])).len();
    assert!(bytes > 2_500_000, "{bytes}");
    let daemon = dir.daemon();
    dir.write("held", "");
    let pager = format!("while [ -e {} ]; do sleep 0.1; done", dir.path("held").display());
    let mut held = Vec::new();
    // As many as there are places, and more.
    for _ in 0..20 {
        let (primary, secondary) = terminal();
        let mut command = dir.command(&["query", "-o", "cat"]);
        command.env("TERM", "xterm").env("CHAPAR_PAGER", &pager).stdout(secondary).stderr(Stdio::null());
        let mut reader = Running { child: command.spawn().unwrap() };
        wait_for("an answer beside the readers", || {
            assert!(reader.child.try_wait().unwrap().is_none(), "it was refused");
            dir.run(&["query", "--count"]).status.success().then_some(())
        });
        held.push((reader, primary));
    }
    assert_eq!(seqs(&dir.json(&["query", "-n", "1"])).len(), 1);
    std::fs::remove_file(dir.path("held")).unwrap();
    for (mut reader, _primary) in held {
        assert_eq!(reader.exit_code(), Some(0));
    }
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn fields_are_taken_out_of_records_in_every_command() {
    let (dir, _site) = store(2);
    let id = dir.json(&["query", "-n", "1"])[0]["id"].as_str().unwrap().to_owned();
    let lists: [(&[&str], &str); 3] = [(&["query", "--reverse"], "1,2"), (&["tail"], "1,2"), (&["show", &id], "2")];
    for (arguments, expected) in lists {
        let run = |more: &[&str]| dir.run(&[arguments, more].concat());
        let rows = json_lines(&run(&["--fields", "seq,source.id,fetch.status"]).stdout);
        let numbers: Vec<String> = rows.iter().map(|row| row["seq"].to_string()).collect();
        assert_eq!(numbers.join(","), expected, "{arguments:?}");
        for row in &rows {
            assert_eq!((row.as_object().unwrap().len(), &row["source"]["id"]), (3, &Value::from("canal")), "{row}");
            assert_eq!(row["source"].as_object().unwrap().len(), 1, "{row}");
        }
        let json: Value = serde_json::from_str(&text(&run(&["--fields", "seq", "-o", "json"]))).unwrap();
        assert_eq!(json.as_array().unwrap().len(), rows.len());
        let csv = text(&run(&["--fields", "source.id", "--fields", "url", "-o", "csv"]));
        assert!(csv.starts_with("source.id,url\ncanal,http://127.0.0.1"), "{csv}");
        assert_eq!(csv.lines().count(), rows.len() + 1);
        let table = text(&run(&["--fields", "seq,title", "-o", "table"]));
        assert!(table.starts_with("seq  title\n  "), "{table}");
        let unknown = run(&["--fields", "seq,titel"]);
        assert_eq!(unknown.status.code(), Some(2));
        let message = stderr(&unknown);
        assert!(message.contains("\"titel\"; nearest: title") && message.contains("topics.matched.term"), "{message}");
    }
    let on_terminal = uncoloured(&on_terminal(&dir, &["query", "--fields", "seq,title"])).replace("\r\n", "\n");
    assert!(on_terminal.starts_with("seq  title\n  2  Canal of district "), "{on_terminal}");
    for arguments in [
        &["query", "--fields", "title", "-o", "atom"][..],
        &["query", "--fields", "title,"],
        &["query", "--fields", ""],
        &["show", &id, "--fields", "title", "--history"],
    ] {
        let refused = dir.run(arguments);
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}");
        assert!(refused.stdout.is_empty() && stderr(&refused).contains("--fields"), "{}", stderr(&refused));
    }
}

#[test]
fn absurd_limits_are_refused_and_all_is_one() {
    let (dir, _site) = store(3);
    let refused = [
        (["query", "--limit", "0"], "at least 1, or all"),
        (["query", "--limit", "99999999999999999999"], "write all for every one"),
        (["query", "--limit", "many"], "not a number"),
        (["tail", "-n", "99999999999999999999"], "write all for every one"),
        (["tail", "--after-cursor", "99999999999999999999"], "a cursor is a sequence number"),
        (["tail", "--after-cursor", "18446744073709551615"], "a cursor is a sequence number"),
        (["tail", "--after-cursor", "s=1"], "a cursor is a sequence number"),
    ];
    for (arguments, message) in refused {
        let output = dir.run(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(message), "{arguments:?}: {}", stderr(&output));
    }
    assert_eq!(seqs(&dir.json(&["query", "--limit", "all", "--reverse"])), [1, 2, 3]);
    assert_eq!(seqs(&dir.json(&["query", "--limit", "18446744073709551615", "--reverse"])), [1, 2, 3]);
    assert_eq!(seqs(&dir.json(&["tail", "-n", "all"])), [1, 2, 3]);
    assert_eq!(dir.run(&["tail", "-n", "0"]).status.code(), Some(3));
}

#[test]
fn feeds_and_news_objects_are_well_formed() {
    let (dir, _site) = store(2);
    for command in ["query", "tail"] {
        let run = |format: &str| text(&dir.run(&[command, "-o", format]));
        let feed: Value = serde_json::from_str(&run("jsonfeed")).unwrap();
        assert_eq!(feed["items"].as_array().unwrap().len(), 2);
        assert_eq!(json_lines(run("ninjs").as_bytes()).len(), 2);
        let atom = run("atom");
        let mut reader = quick_xml::Reader::from_str(&atom);
        let mut entries = 0;
        loop {
            match reader.read_event().unwrap() {
                quick_xml::events::Event::Start(tag) if tag.name().as_ref() == "entry" => entries += 1,
                quick_xml::events::Event::Eof => break,
                _ => {}
            }
        }
        assert_eq!(entries, 2, "{atom}");
    }
}

#[test]
fn a_tail_goes_on_after_a_cursor() {
    let (dir, site) = store(4);
    let run = |arguments: &[&str]| {
        let output = dir.run(&[&["tail"], arguments].concat());
        (json_lines(&output.stdout), stderr(&output), output.status.code())
    };
    let (records, told, _) = run(&["--after-cursor", "2", "--show-cursor"]);
    assert_eq!((seqs(&records), told.as_str()), (vec![3, 4], "-- cursor: 4\n"));
    let (records, told, code) = run(&["--after-cursor", "4", "--show-cursor"]);
    assert_eq!((records.len(), told.as_str(), code), (0, "-- cursor: 4\n", Some(3)));
    let (_, told, _) = run(&["--after-cursor", "1", "--show-cursor", "nosuchword"]);
    assert_eq!(told, "-- cursor: 4\n", "what did not match was looked at, too");
    let (_, told, _) = run(&["--after-cursor", "9", "--show-cursor"]);
    assert_eq!(told, "the log ends at 4, before the cursor\n-- cursor: 9\n");
    let table = text(&dir.run(&["tail", "-n", "1", "-o", "table", "--show-cursor"]));
    assert!(table.ends_with("again\n-- cursor: 4\n"), "{table}");
    assert_eq!(dir.run(&["tail", "-n", "3", "--after-cursor", "1"]).status.code(), Some(2));

    let daemon = dir.daemon();
    let mut command =
        dir.command(&["tail", "-f", "--after-cursor", "3", "--show-cursor", "-o", "table", "--fields", "seq"]);
    let mut tail = Running { child: command.stdout(Stdio::piped()).spawn().unwrap() };
    let mut lines = tail.lines();
    assert_eq!((lines.next().unwrap(), lines.next().unwrap()), ("seq".to_owned(), "  4".to_owned()));
    site.publish(1..=5);
    assert_eq!(lines.next().unwrap(), "  5");
    tail.signal(libc::SIGINT);
    assert_eq!(lines.next().unwrap(), "-- cursor: 5");
    assert_eq!((lines.next(), tail.exit_code()), (None, Some(0)));
    assert_eq!(daemon.stop(), Some(0));
}

/// A tail whose lines are collected as they come.
struct Following {
    _tail: Running,
    lines: Arc<Mutex<Vec<u64>>>,
}

impl Following {
    fn start(dir: &Dir, arguments: &[&str]) -> Self {
        let mut command = dir.command(&[&["tail", "-f"], arguments].concat());
        let mut tail = Running { child: command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap() };
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (collected, read) = (Arc::clone(&lines), tail.lines());
        std::thread::spawn(move || {
            for line in read {
                let record: Value = serde_json::from_str(&line).unwrap();
                collected.lock().unwrap().push(record["seq"].as_u64().unwrap());
            }
        });
        Self { _tail: tail, lines }
    }

    fn seen(&self) -> Vec<u64> {
        self.lines.lock().unwrap().clone()
    }
}

#[test]
fn a_tail_misses_nothing_and_repeats_nothing_while_the_daemon_is_killed_again_and_again() {
    let site = Site::start();
    site.publish(1..=3);
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    let mut daemon = dir.daemon();
    wait_for("the first records", || (dir.status()["last_seq"] == 3).then_some(()));
    let filter = ["-\"district 2\"", "-\"district 7\"", "-\"district 11\"", "-\"district 12\"", "-\"district 13\""];
    let whole = Following::start(&dir, &["-n", "all"]);
    let newest = Following::start(&dir, &["-n", "1"]);
    let filtered = Following::start(&dir, &[&["-n", "all"], &filter[..]].concat());
    let nothing = Following::start(&dir, &["-n", "5", "nosuchword"]);
    wait_for("the tails", || {
        (whole.seen().len() == 3 && newest.seen() == [3] && filtered.seen().len() == 2).then_some(())
    });
    for round in 1..=5_usize {
        let published = 3 + 4 * round;
        site.publish(1..=published);
        // Killed before, in the middle of, and after the commits of a round.
        let reached = published - (5 - round);
        wait_for("some records", || (dir.status()["last_seq"].as_u64().unwrap() >= reached as u64).then_some(()));
        daemon.signal(libc::SIGKILL);
        drop(daemon);
        daemon = dir.daemon();
    }
    wait_for("the last records", || (dir.status()["last_seq"] == 23).then_some(()));
    let all: Vec<u64> = (1..=23).collect();
    let mut matching = seqs(&dir.json(&[&["query"], &filter[..]].concat()));
    matching.sort_unstable();
    assert_eq!(matching.len(), 18);
    wait_for("all tails", || {
        (whole.seen().len() >= 23 && newest.seen().len() >= 21 && filtered.seen().len() >= 18).then_some(())
    });
    // Whatever were repeated would come with the next.
    site.publish(1..=24);
    wait_for("one more", || (whole.seen().last() == Some(&24) && filtered.seen().last() == Some(&24)).then_some(()));
    let one_more = |seqs: &[u64]| [seqs, &[24]].concat();
    assert_eq!(whole.seen(), one_more(&all));
    assert_eq!(newest.seen(), one_more(&all[2..]));
    assert_eq!(filtered.seen(), one_more(&matching));
    assert!(nothing.seen().is_empty());
    assert_eq!(daemon.stop(), Some(0));
}
