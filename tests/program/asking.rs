//! Asking: `query`, `show`, `tail`, `sources`, `status` and `dead-letters` on a store without a daemon.

use std::process::Stdio;

use serde_json::Value;

use crate::dir::{Dir, Running, is_obeyed, json_lines, seqs, source, stderr, text};
use crate::site::{Item, Reply, Site, article, story};

/// What a terminal would obey: escape, the C1 form of it, a bidirectional override.
const HOSTILE: &str = "\u{1b}[31m\u{9b}2J\u{202e}";

/// A store with three articles, a dead letter and a failing source. The name of the first source and the title of
/// the third article are hostile.
fn store() -> (Dir, Site) {
    let site = Site::start();
    site.publish(1..=2);
    let item = |path: &str, title: &str| Item::new(&site.url(path), title);
    let hostile = "&#27;[31m&#155;2J\u{202e} Pipeline of gas, from \"A\" to B";
    site.put("/a/3", article(hostile, &format!("Gas and oil. {}", story(3))));
    let first = "Canal of district 1 carries water again";
    let second = "Canal of district 2 carries water again";
    site.put("/feed.xml", Reply::rss(&[item("/a/1", first), item("/a/2", second), item("/a/3", "Pipeline")]));
    site.put("/gone.xml", Reply::rss(&[item("/gone", "Gone")]));
    let named = "name = \"\\u001b[31m\\u009b2J\\u202eCanal News\"\n\n[[source]]";
    let sources = source("canal", &site.url("/feed.xml"))
        + &source("gone", &site.url("/gone.xml"))
        + &source("dead", &site.url("/nothing.xml"));
    let dir = Dir::new(&sources.replacen("\n[[source]]", named, 1));
    let output = dir.run(&["once"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    (dir, site)
}

#[test]
fn every_list_is_written_in_every_format() {
    let (dir, _site) = store();
    let id = dir.json(&["query", "--limit", "1"])[0]["id"].as_str().unwrap().to_owned();
    let cases: [(&[&str], usize); 6] = [
        (&["query"], 3),
        (&["tail"], 3),
        (&["show", &id], 1),
        (&["sources"], 3),
        (&["dead-letters"], 1),
        (&["status"], 1),
    ];
    for (arguments, count) in cases {
        let name = arguments[0];
        let run = |format: &str| {
            let output = dir.run(&[arguments, &["-o", format]].concat());
            assert_eq!(output.status.code(), Some(0), "{name} {format}: {}", stderr(&output));
            assert!(output.stderr.is_empty(), "{name} {format}: {}", stderr(&output));
            text(&output)
        };
        let lines = json_lines(run("ndjson").as_bytes());
        assert_eq!(lines.len(), count, "{name}");
        assert_eq!(dir.json(arguments).len(), count, "ndjson is what a pipe gets");
        let json: Value = serde_json::from_str(&run("json")).unwrap();
        match name {
            "status" => assert_eq!(json["last_seq"], 3),
            _ => assert_eq!(
                json.as_array().unwrap().iter().map(|row| &row["id"]).collect::<Vec<_>>(),
                lines.iter().map(|row| &row["id"]).collect::<Vec<_>>()
            ),
        }
        let csv = run("csv");
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        let width = reader.headers().unwrap().len();
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert!(rows.iter().all(|row| row.len() == width), "{name}: {csv}");
        if name != "status" {
            assert_eq!(rows.len(), count, "{name}: {csv}");
        }
        for format in ["table", "cat"] {
            let shown = run(format);
            assert!(shown.lines().count() >= count, "{name} {format}: {shown}");
            assert!(!shown.contains(is_obeyed), "{name} {format}: {shown:?}");
        }
    }
    let status = text(&dir.run(&["status", "-o", "csv"]));
    for row in ["entries admitted,4", "entries recorded,3", "entries dead-letter,1", "entries pending,0"] {
        assert!(status.lines().any(|line| line == row), "{row}: {status}");
    }
    let cat = text(&dir.run(&["show", &id, "-o", "cat"]));
    assert!(cat.contains("Canal") && cat.contains(&id), "{cat}");
    assert!(
        text(&dir.run(&["sources", "-o", "table"])).contains("not-found")
            || text(&dir.run(&["sources", "-o", "table"])).contains("404")
    );
}

#[test]
fn nothing_hostile_reaches_a_terminal() {
    let (dir, _site) = store();
    let name = dir.json(&["query"])[0]["source"]["name"].clone();
    assert!(name.as_str().unwrap().contains(HOSTILE), "the records hold what must not be shown: {name}");
    let id = dir.json(&["query", "pipeline"])[0]["id"].as_str().unwrap().to_owned();
    let lists: [&[&str]; 5] = [&["query"], &["tail"], &["show", &id], &["sources"], &["dead-letters"]];
    for arguments in lists {
        for format in ["table", "json", "ndjson", "csv", "cat"] {
            let shown = on_terminal(&dir, &[arguments, &["-o", format]].concat());
            assert!(!shown.is_empty());
            // Bold and dim are ours.
            let rest =
                shown.replace("\u{1b}[1m", "").replace("\u{1b}[2m", "").replace("\u{1b}[0m", "").replace("\r\n", "\n");
            assert!(!rest.contains(is_obeyed), "{arguments:?} {format}: {rest:?}");
        }
    }
    let refused = dir.run(&["query", &format!("topic:{HOSTILE}")]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(!stderr(&refused).contains(is_obeyed), "{:?}", stderr(&refused));
}

/// What the program writes when stdout is a terminal.
pub fn on_terminal(dir: &Dir, arguments: &[&str]) -> String {
    let (mut primary, secondary) = terminal();
    let mut command = dir.command(arguments);
    command.env("CHAPAR_PAGER", "");
    let mut running = Running { child: command.stdout(secondary).stderr(Stdio::null()).spawn().unwrap() };
    // The command holds our end of the terminal; as long as it does, reading would wait.
    drop(command);
    let mut shown = Vec::new();
    // Linux ends the reading of a closed terminal with an error.
    let _ = std::io::Read::read_to_end(&mut primary, &mut shown);
    assert_eq!(running.exit_code(), Some(0), "{arguments:?}");
    String::from_utf8(shown).unwrap()
}

#[allow(unsafe_code)]
pub fn terminal() -> (std::fs::File, std::fs::File) {
    use std::os::fd::FromRawFd;
    let (mut primary, mut secondary) = (0, 0);
    let size = libc::winsize { ws_row: 40, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the two numbers are written before they are read, name and settings may be null.
    let opened = unsafe { libc::openpty(&mut primary, &mut secondary, std::ptr::null_mut(), std::ptr::null(), &size) };
    assert_eq!(opened, 0);
    // SAFETY: openpty gave us both descriptors, and nobody else has them.
    unsafe { (std::fs::File::from_raw_fd(primary), std::fs::File::from_raw_fd(secondary)) }
}

#[test]
fn a_query_is_words_and_filters_in_any_mixture() {
    let (dir, site) = store();
    let cases: [(&[&str], &[&str]); 16] = [
        (&["canal"], &["/a/1", "/a/2", "/a/3"]),
        (&["canal", "-gas"], &["/a/1", "/a/2"]),
        (&["canal -gas"], &["/a/1", "/a/2"]),
        (&["-oil"], &["/a/1", "/a/2"]),
        (&["--source", "canal", "-oil", "-n", "9", "--reverse"], &["/a/1", "/a/2"]),
        (&["canal", "-oil", "-ondjson"], &["/a/1", "/a/2"]),
        (&["-nuclear", "-housing"], &["/a/1", "/a/2", "/a/3"]),
        (&["-\"oil price\"", "canal"], &["/a/1", "/a/2", "/a/3"]),
        (&["-\"gas and oil\"", "canal"], &["/a/1", "/a/2"]),
        (&["title:pipeline"], &["/a/3"]),
        (&["\"district 2\""], &["/a/2"]),
        (&["oil", "OR", "\"district 2\""], &["/a/2", "/a/3"]),
        (&["pipelin*"], &["/a/3"]),
        (&["--source", "canal", "--lang", "en", "--since", "1h"], &["/a/1", "/a/2", "/a/3"]),
        (&["source:canal", "-title:pipeline", "lang:en"], &["/a/1", "/a/2"]),
        (&[], &["/a/1", "/a/2", "/a/3"]),
    ];
    for (arguments, expected) in cases {
        let found = dir.json(&[&["query"], arguments].concat());
        let url = |record: &Value| record["url"].as_str().unwrap().trim_start_matches(&site.base).to_owned();
        let mut found: Vec<String> = found.iter().map(url).collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{arguments:?}");
    }
    assert_eq!(seqs(&dir.json(&["query"])), [3, 2, 1], "newest first");
    assert_eq!(seqs(&dir.json(&["query", "--reverse"])), [1, 2, 3]);
    assert_eq!(seqs(&dir.json(&["query", "--limit", "2", "--reverse", "event:new"])), [1, 2]);
    assert_eq!(seqs(&dir.json(&["tail", "-n", "2", "canal"])), [2, 3], "oldest of the newest first");
    assert_eq!(dir.json(&["tail", "-oil"]).len(), 2);
    let mut after_dashes = dir.bare(&["query", "--", "canal", "-gas"]);
    let output = after_dashes.env("CHAPAR_CONFIG", dir.path("chapar.toml")).output().unwrap();
    assert_eq!(json_lines(&output.stdout).len(), 2);
    let counts = [("canal", "3\n", 0), ("pipeline", "1\n", 0), ("nosuchword", "0\n", 3)];
    for (word, count, code) in counts {
        let output = dir.run(&["query", word, "--count"]);
        assert_eq!((text(&output).as_str(), output.status.code()), (count, Some(code)), "{word}");
    }
}

#[test]
fn a_word_is_found_in_another_script_and_form() {
    let site = Site::start();
    let stories = [
        (
            "/a/1",
            "Токаев поручил проверить каналы",
            "Президент Токаев поручил проверить состояние оросительных каналов.",
        ),
        ("/a/2", "Тоқаев су туралы айтты", "Президент Қасым-Жомарт Тоқаев Қазақстанның су қоймалары туралы айтты."),
        (
            "/a/3",
            "В Ташкенте обсудили санкции",
            "В столице Узбекистана прошел форум о торговле, энергетике и пакете санкций.",
        ),
    ];
    for (path, title, text) in stories {
        site.put(path, article(title, &[text; 12].join(" ")));
    }
    let items = stories.map(|(path, title, _)| Item::new(&site.url(path), title));
    site.put("/feed.xml", Reply::rss(&items));
    let canal = source("canal", &site.url("/feed.xml"));
    let dir = Dir::new(&canal);
    let path = dir.path("filtered");
    dir.settle(&format!(
        "{canal}[[output]]\nid = \"filtered\"\nkind = \"directory\"\npath = {path:?}\nfilter = \"Tokayev\"\n"
    ));
    let once = dir.run(&["once"]);
    assert!(once.status.success(), "{}", stderr(&once));
    let cases: [(&[&str], &[&str]); 9] = [
        (&["Tokayev"], &["/a/1", "/a/2"]),
        (&["Toqaev"], &["/a/1", "/a/2"]),
        (&["тоқ*"], &["/a/1", "/a/2"]),
        (&["\"Тоқаев\""], &["/a/2"]),
        (&["\"Tokayev\""], &[]),
        (&["-Tokayev"], &["/a/3"]),
        (&["қазақстан"], &["/a/2"]),
        (&["toshkent"], &["/a/3"]),
        (&["title:санкция"], &["/a/3"]),
    ];
    let urls = |records: &[Value]| {
        let url = |record: &Value| record["url"].as_str().unwrap().trim_start_matches(&site.base).to_owned();
        let mut urls: Vec<String> = records.iter().map(url).collect();
        urls.sort_unstable();
        urls
    };
    for (arguments, expected) in cases {
        let output = dir.run(&[&["query", "-o", "ndjson"], arguments].concat());
        let languages: Vec<Value> = dir.json(&["query"]).iter().map(|record| record["language"].clone()).collect();
        assert_eq!(urls(&json_lines(&output.stdout)), expected, "{arguments:?} {languages:?}: {}", stderr(&output));
    }
    let files = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    let written: Vec<u8> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "ndjson"))
        .flat_map(|path| std::fs::read(path).unwrap())
        .collect();
    assert_eq!(urls(&json_lines(&written)), ["/a/1", "/a/2"], "a filter asks as a query does");
}

#[test]
fn exit_codes_tell_nothing_found_from_wrongly_asked() {
    let (dir, _site) = store();
    let cases: [(&[&str], i32, &str); 25] = [
        (&["query", "canal"], 0, ""),
        (&["query", "nosuchword"], 3, ""),
        (&["query", "--until", "2001-01-01"], 3, ""),
        (&["tail", "nosuchword"], 3, ""),
        (&["show", "nosuchid"], 3, "no record has an id that begins with \"nosuchid\""),
        (&["show", "777777777777"], 3, "no record has an id"),
        (&["show", "../status"], 2, "is not an id"),
        (&["show", ""], 2, "is not an id"),
        (&["query", "topic:nosuch"], 2, "topic"),
        (&["query", "--topic", "nosuch"], 2, "topic"),
        (&["query", "--source", "nosuch"], 2, "source"),
        (&["query", "--country", "Atlantis"], 2, "Atlantis"),
        (&["query", "--since", "soon"], 2, "soon"),
        (&["query", "\"canal"], 2, "canal"),
        (&["query", "colour:red"], 2, "colour"),
        (&["query", "--event", "birth"], 2, "birth"),
        (&["query", "--limit", "0"], 2, "--limit"),
        (&["query", "--limit", "-5"], 2, "--limit"),
        (&["query", "--limmit", "5"], 2, "--limit"),
        (&["query", "--sort", "best"], 2, "date, relevance"),
        (&["query", "-o", "xml"], 2, "table"),
        (&["tail", "-n", "1000000"], 2, "at most 10000"),
        (&["dead-letters", "retry", "nosuch"], 2, "nosuch"),
        (&["dead-letters", "drop", "aaaaaaaaaaaaaaaaaaaaaaaaaa"], 1, "there is no dead letter"),
        (&["poll", "canal"], 1, "no daemon"),
    ];
    for (arguments, code, message) in cases {
        let output = dir.run(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(message), "{arguments:?}: {}", stderr(&output));
        assert_eq!(output.stdout.is_empty(), code != 0, "{arguments:?}");
        assert_eq!(output.stderr.is_empty(), message.is_empty(), "{arguments:?}: {}", stderr(&output));
    }
    let output = dir.run(&["reload"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("no daemon answers at "));
}

#[test]
fn show_takes_the_beginning_of_an_id_when_it_is_the_only_one() {
    // Enough articles that two ids begin alike: there are 32 letters.
    let site = Site::start();
    site.publish(1..=40);
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    assert!(dir.run(&["once"]).status.success());
    let records = dir.json(&["query"]);
    let ids: Vec<&str> = records.iter().map(|record| record["id"].as_str().unwrap()).collect();
    let shared = |length: usize, id: &str| ids.iter().filter(|other| other.starts_with(&id[..length])).count();
    let id = ids.iter().find(|id| shared(1, id) > 1).unwrap();
    let ambiguous = dir.run(&["show", &id[..1]]);
    assert_eq!(ambiguous.status.code(), Some(2));
    assert!(stderr(&ambiguous).contains("begins several ids"), "{}", stderr(&ambiguous));
    let length = (1..).find(|length| shared(*length, id) == 1).unwrap();
    for id in [&id[..length], id, &id.to_uppercase()] {
        assert_eq!(dir.json(&["show", id]).len(), 1, "{id}");
    }
}

#[test]
fn a_store_that_is_not_there_is_named_and_not_made() {
    let dir = Dir::new(&source("canal", "http://127.0.0.1:9/feed.xml"));
    for arguments in
        [&["query"][..], &["show", "a"], &["tail"], &["sources"], &["status"], &["dead-letters"], &["poll", "canal"]]
    {
        let output = dir.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let expected = format!("there is no store in {}", dir.path("store").display());
        assert!(stderr(&output).contains(&expected), "{arguments:?}: {}", stderr(&output));
    }
    assert!(!dir.path("store").exists());
}

#[test]
fn a_reader_that_leaves_is_a_success() {
    let site = Site::start();
    site.publish(1..=60);
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    assert!(dir.run(&["once"]).status.success());
    for arguments in [
        &["query"][..],
        &["query", "-o", "table"],
        &["query", "-o", "cat"],
        &["query", "-o", "json"],
        &["query", "-o", "csv"],
        &["tail"],
        &["completions", "bash"],
        &["man"],
    ] {
        let mut command = dir.command(arguments);
        command.stdout(Stdio::piped()).stderr(std::fs::File::create(dir.path("stderr")).unwrap());
        let mut running = Running { child: command.spawn().unwrap() };
        drop(running.lines().next().unwrap());
        assert_eq!(running.exit_code(), Some(0), "{arguments:?}");
        assert_eq!(std::fs::read_to_string(dir.path("stderr")).unwrap(), "", "{arguments:?}");
    }
}

#[test]
fn help_completions_and_the_man_page_are_rendered() {
    let dir = Dir::new("");
    let run = |arguments: &[&str]| dir.bare(arguments).output().unwrap();
    let bare = run(&[]);
    assert_eq!(bare.status.code(), Some(2));
    assert!(stderr(&bare).contains("Usage: chapar"));
    let help = text(&run(&["--help"]));
    let commands = [
        "run",
        "once",
        "demo",
        "check",
        "query",
        "show",
        "tail",
        "sources",
        "dead-letters",
        "status",
        "poll",
        "reload",
        "feed",
        "extract",
        "listing",
        "clean",
        "classify",
        "dedup",
        "completions",
        "man",
    ];
    for command in commands {
        assert!(help.lines().any(|line| line.trim_start().starts_with(&format!("{command} "))), "{command}");
        let output = run(&[command, "--help"]);
        assert_eq!(output.status.code(), Some(0), "{command}");
        assert!(text(&output).contains(&format!("Usage: chapar {command}")), "{command}");
        assert!(text(&output).lines().all(|line| line.chars().count() <= 100), "{command}");
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run(&["completions", shell]);
        assert_eq!(output.status.code(), Some(0), "{shell}");
        assert!(text(&output).contains("CHAPAR_COMPLETE"), "{shell}: {}", text(&output));
    }
    let query = text(&run(&["man", "query"]));
    assert!(query.contains(".TH CHAPAR-QUERY 1") && query.contains("\\-\\-since"), "{query}");
    assert_eq!(run(&["man", "nosuchcommand"]).status.code(), Some(2));
    let man = text(&run(&["man"]));
    assert!(man.contains(".TH CHAPAR 1") && man.contains("dead\\-letters"), "{man}");
    assert!(text(&run(&["--version"])).starts_with("chapar "));
    assert_eq!(run(&["completions", "nosuchshell"]).status.code(), Some(2));
    assert_eq!(run(&["nosuchcommand"]).status.code(), Some(2));
}
