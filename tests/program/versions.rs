//! An article's later life: its versions, what they changed, and its copies at other sites.

use serde_json::Value;

use crate::asking::on_terminal;
use crate::dir::{Dir, is_obeyed, source, stderr, text};
use crate::site::{Item, Reply, Site, article, story};

const TITLE: &str = "Canal of district 1 carries water again";

/// Publishes one article with a summary that changes with `edition`, which is how the feed announces a change.
fn publish(site: &Site, title: &str, body: &str, edition: usize) {
    site.put("/a/1", article(title, body));
    let item = Item { summary: format!("Edition {edition}."), ..Item::new(&site.url("/a/1"), title) };
    site.put("/feed.xml", Reply::rss(&[item]));
}

/// A store with an article in two versions: a number was corrected, a paragraph came, the headline changed.
fn corrected() -> (Dir, Site, String) {
    let site = Site::start();
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    let first = format!("{}\n\n{}", story(1), story(2));
    publish(&site, TITLE, &first, 1);
    assert!(dir.run(&["once"]).status.success());
    let id = dir.json(&["query"])[0]["id"].as_str().unwrap().to_owned();
    let mended = first.replacen("four months", "five months", 1);
    let mended = format!("{mended}\n\nThe office has since confirmed the figures of the first report in writing.");
    publish(&site, &TITLE.replace("again", "at last"), &mended, 2);
    assert!(dir.run(&["once"]).status.success());
    (dir, site, id)
}

#[test]
fn a_corrected_article_shows_its_versions() {
    let (dir, _site, id) = corrected();
    let rows = dir.json(&["show", &id, "--history"]);
    let of = |key: &str| rows.iter().map(|row| row[key].clone()).collect::<Vec<_>>();
    assert_eq!(of("version"), [1, 2]);
    assert_eq!(of("event"), ["new", "update"]);
    assert_eq!(of("seq"), [1, 2]);
    assert_eq!(of("title"), [TITLE.to_owned(), TITLE.replace("again", "at last")]);
    assert_eq!(of("words_added"), [Value::Null, Value::from(14)]);
    assert_eq!(of("words_removed"), [Value::Null, Value::from(1)]);
    let table = text(&dir.run(&["show", &id[..9], "--history", "-o", "table"]));
    assert!(table.starts_with("VERSION") && table.lines().count() == 3, "{table}");
    assert_eq!(dir.json(&["show", &id])[0]["version"], 2);
    assert_eq!(dir.json(&["show", &id, "--version", "1"])[0]["title"], TITLE);
    let no_such = dir.run(&["show", &id, "--version", "3"]);
    assert_eq!(no_such.status.code(), Some(3));
    assert!(stderr(&no_such).contains("there is no version 3; there are 1 to 2"), "{}", stderr(&no_such));
}

#[test]
fn what_a_correction_changed_is_shown_word_by_word() {
    let (dir, site, id) = corrected();
    for arguments in [&["show", &id, "--diff"][..], &["show", &id, "--diff", "2"]] {
        let shown = text(&dir.run(arguments));
        assert!(shown.contains("version 1 of") && shown.contains("→ version 2 of"), "{shown}");
        assert!(shown.contains("carries water [-again-]{+at last+}"), "{shown}");
        let words = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("thousand and took [-four-]{+five+} months. A second"), "{shown}");
        assert!(
            words.contains("{+The office has since confirmed the figures of the first report in writing.+}"),
            "{shown}"
        );
        assert!(words.contains(" … ") && !words.contains("brigade"), "what is the same is left out: {shown}");
        assert!(!shown.contains(is_obeyed), "{shown:?}");
    }
    let coloured = on_terminal(&dir, &["show", &id, "--diff"]);
    assert!(coloured.contains("\u{1b}[31magain\u{1b}[0m \u{1b}[32mat last\u{1b}[0m"), "{coloured:?}");
    let rest = ["\u{1b}[2m", "\u{1b}[31m", "\u{1b}[32m", "\u{1b}[0m"]
        .iter()
        .fold(coloured.replace("\r\n", "\n"), |shown, ours| shown.replace(ours, ""));
    assert!(!rest.contains(is_obeyed), "{rest:?}");
    let changes = dir.json(&["show", &id, "--diff", "-o", "ndjson"]);
    let removed: Vec<&Value> =
        changes.iter().filter(|run| run["change"] == "removed").map(|run| &run["text"]).collect();
    assert_eq!(removed, ["four"]);
    let title = TITLE.replace("again", "at last");
    publish(&site, &title, &story(1), 3);
    assert!(dir.run(&["once"]).status.success());
    let shown = text(&dir.run(&["show", &id, "--diff"]));
    assert!(shown.lines().any(|line| line == title), "a title that stays is shown whole: {shown}");
}

#[test]
fn where_there_is_only_one_version_there_is_nothing_to_compare() {
    let site = Site::start();
    site.publish([1]);
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    assert!(dir.run(&["once"]).status.success());
    let id = dir.json(&["query"])[0]["id"].as_str().unwrap().to_owned();
    let cases: [(&[&str], i32, &str); 6] = [
        (&["--diff"], 3, "there is only one version of"),
        (&["--diff", "1"], 3, "there is only one version of"),
        (&["--diff", "2"], 3, "there is no version 2, only version 1"),
        (&["--diff", "--history"], 2, "cannot be used with"),
        (&["--diff", "first"], 2, "first"),
        (&["--copies"], 3, ""),
    ];
    for (arguments, code, message) in cases {
        let output = dir.run(&[&["show", &id], arguments].concat());
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(message), "{arguments:?}: {}", stderr(&output));
    }
    assert_eq!(dir.json(&["show", &id, "--history"]).len(), 1);
    for missing in ["--diff", "--history", "--copies"] {
        let output = dir.run(&["show", "777777777777", missing]);
        assert_eq!(output.status.code(), Some(3), "{missing}");
        assert!(stderr(&output).contains("no record has an id"), "{missing}: {}", stderr(&output));
    }
}

/// Two sites with the same article, the second under another headline; polled one after the other, so that it is sure
/// which is the copy.
fn copied(extra: &str) -> (Dir, Site, Site) {
    let (first, second) = (Site::start(), Site::at([127, 0, 0, 2]));
    first.publish([1]);
    second.put("/x", article("Water \u{202e}is back in district 1", &story(1)));
    second.put("/feed.xml", Reply::rss(&[Item::new(&second.url("/x"), "Water is back")]));
    let sources = source("canal", &first.url("/feed.xml"));
    let dir = Dir::new(&format!("{extra}{sources}"));
    assert!(dir.run(&["once"]).status.success());
    dir.settle(&format!("{extra}{sources}{}", source("echo", &second.url("/feed.xml"))));
    assert!(dir.run(&["once"]).status.success());
    (dir, first, second)
}

#[test]
fn a_copy_at_another_site_is_listed_with_its_original() {
    let (dir, _first, second) = copied("");
    let records = dir.json(&["query"]);
    assert_eq!(records.len(), 1);
    let id = records[0]["id"].as_str().unwrap();
    let copies = dir.json(&["show", id, "--copies"]);
    assert_eq!(copies.len(), 1);
    assert_eq!((&copies[0]["source"], &copies[0]["similarity"]), (&Value::from("echo"), &Value::from(1.0)));
    assert_eq!(copies[0]["url"], second.url("/x"));
    assert_eq!(copies[0]["differs"], "the same words");
    assert_eq!(dir.json(&["show", id]), records, "the record of a script is the record");
    let shown = text(&dir.run(&["show", id, "-o", "cat"]));
    for expected in ["1 copy", "echo · 100 %", &second.url("/x"), "title: Water", "the same words"] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    assert!(!shown.contains(is_obeyed), "{shown:?}");
    for format in ["table", "csv", "cat", "json"] {
        let list = dir.run(&["show", id, "--copies", "-o", format]);
        assert!(list.status.success() && text(&list).contains("echo"), "{format}: {}", text(&list));
    }
    let copy = copies[0]["id"].as_str().unwrap();
    let original = dir.run(&["show", copy]);
    assert_eq!(crate::dir::json_lines(&original.stdout), records);
    assert!(stderr(&original).contains(&format!("is a copy; this is its original, {id}")), "{}", stderr(&original));
    assert_eq!(dir.json(&["show", copy, "--copies"]), copies);
}

#[test]
fn the_daemon_answers_the_same_of_versions_and_copies() {
    let (dir, _first, _second) = copied("");
    let id = dir.json(&["query"])[0]["id"].as_str().unwrap().to_owned();
    let forms = [&["--copies"][..], &["--history"], &["-o", "cat"], &["--diff"], &["--version", "1"]];
    let ask = || forms.map(|form| dir.run(&[&["show", &id], form].concat()));
    let alone = ask();
    let daemon = dir.daemon();
    for (answer, expected) in ask().iter().zip(&alone) {
        assert_eq!((text(answer), answer.status.code()), (text(expected), expected.status.code()));
    }
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn copies_are_emitted_where_the_settings_ask_for_them() {
    let (dir, _first, second) = copied("[novelty]\nemit_duplicates = true\n\n");
    let original = dir.json(&["query", "event:new"]).remove(0);
    let copies = dir.json(&["query", "event:duplicate"]);
    assert_eq!(copies.len(), 1);
    let copy = &copies[0];
    assert_eq!((&copy["source"]["id"], &copy["url"]), (&Value::from("echo"), &Value::from(second.url("/x"))));
    assert_eq!((&copy["dedup"]["of"], &copy["dedup"]["similarity"]), (&original["id"], &Value::from(1.0)));
    assert_eq!(dir.json(&["tail", "event:duplicate"]), copies);
    assert_eq!(dir.records().len(), 2, "the outputs have it");
    let counts = dir.status()["counts"].clone();
    assert_eq!((&counts["outcomes"]["recorded"], &counts["outcomes"]["duplicate"]), (&Value::from(1), &Value::from(1)));
    let (id, of) = (copy["id"].as_str().unwrap(), original["id"].as_str().unwrap());
    assert_eq!(dir.json(&["show", id]), copies);
    let shown = text(&dir.run(&["show", id, "-o", "cat"])).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(shown.contains(&format!("copy of {of}")), "{shown}");
    assert_eq!(dir.json(&["show", of, "--copies"])[0]["id"], copy["id"]);
    std::fs::remove_dir_all(dir.path("store/sled")).unwrap();
    std::fs::create_dir(dir.path("store/sled")).unwrap();
    assert_eq!(dir.json(&["show", of, "--copies"])[0]["id"], copy["id"], "rebuilt from the log");
}
