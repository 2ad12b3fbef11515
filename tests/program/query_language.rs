//! The query language from outside: its fields, how a query is read, how a wrong one is refused; and the way of an article.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use serde_json::{Value, json};

use crate::asking::on_terminal;
use crate::dir::{Dir, is_obeyed, json_lines, source, stderr, text};
use crate::site::{Item, Reply, Site, article, story};

/// A page with more to say of itself than its text.
fn page(head: &str, title: &str, text: &str) -> Reply {
    Reply::html(format!(
        "<!doctype html><html lang=\"en\"><head><title>{title}</title><meta property=\"og:title\" content=\"{title}\">{head}\
         </head><body><article><h1>{title}</h1>{}</article></body></html>",
        text.split("\n\n").map(|paragraph| format!("<p>{paragraph}</p>")).collect::<String>()
    ))
}

/// Three articles of two sites; the first has an author and a picture.
fn store() -> (Dir, Site, Site) {
    let (first, second) = (Site::start(), Site::at([127, 0, 0, 2]));
    let head = "<meta name=\"author\" content=\"Аида Каримова\">\
                <meta property=\"og:image\" content=\"https://pictures.example/canal.jpg\">";
    first.put("/a/1", page(head, "Canal of district 1 carries water again", &story(1)));
    first.put("/a/2", page("", "Canal of district 2 carries water again", &story(2)));
    second.put("/b/3", page("", "Canal of district 3 carries water again", &story(3)));
    let item = |site: &Site, path: &str| Item::new(&site.url(path), "Canal");
    first.put("/feed.xml", Reply::rss(&[item(&first, "/a/1"), item(&first, "/a/2")]));
    second.put("/feed.xml", Reply::rss(&[item(&second, "/b/3")]));
    let sources = source("canal", &first.url("/feed.xml")) + &source("other", &second.url("/feed.xml"));
    let dir = Dir::new(&sources);
    let output = dir.run(&["once"]);
    assert!(output.status.success(), "{}", stderr(&output));
    (dir, first, second)
}

/// What the daemon's socket answers to a request: status, content type and body.
fn asked(dir: &Dir, request: &str, body: &str) -> (u16, String, Value) {
    let mut stream = UnixStream::connect(dir.path("store/chapar.sock")).unwrap();
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    write!(stream, "{request}Host: chapar\r\nConnection: close\r\n{length}\r\n{body}").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let content_type = head.lines().find_map(|line| line.strip_prefix("content-type: ")).unwrap_or_default();
    // In chunks or not, an answer in JSON is one object.
    let json = body.find('{').zip(body.rfind('}')).map(|(from, to)| body[from..=to].to_owned()).unwrap_or_default();
    (status, content_type.to_owned(), serde_json::from_str(&json).unwrap_or_default())
}

fn posted(dir: &Dir, path: &str, body: &str) -> (u16, String, Value) {
    asked(dir, &format!("POST {path} HTTP/1.1\r\nContent-Type: application/json\r\n"), body)
}

#[test]
fn authors_sites_days_and_parts_are_asked_for_inline_and_as_flags() {
    let (dir, _first, _second) = store();
    let cases: [(&[&str], &[&str]); 21] = [
        (&["author:Каримова"], &["/a/1"]),
        (&["author:karimova"], &["/a/1"]),
        (&["author:kar*"], &["/a/1"]),
        (&["author:\"Аида Каримова\""], &["/a/1"]),
        (&["-author:karimova", "canal"], &["/a/2", "/b/3"]),
        (&["--author", "aida karimova"], &["/a/1"]),
        (&["--author", "\"karimova\""], &[]),
        (&["karimova"], &[]),
        (&["site:127.0.0.2"], &["/b/3"]),
        (&["site:http://127.0.0.1/any"], &["/a/1", "/a/2"]),
        (&["--site", "127.0.0.2,example.org"], &["/b/3"]),
        (&["-site:127.0.0.1"], &["/b/3"]),
        (&["has:image"], &["/a/1"]),
        (&["-has:image,author"], &["/a/2", "/b/3"]),
        (&["--has", "image", "--has", "author"], &["/a/1"]),
        (&["on:yesterday,today"], &["/a/1", "/a/2", "/b/3"]),
        (&["-on:yesterday,today"], &[]),
        (&["on:2001-01-01"], &[]),
        (&["on:2001-01-01", "OR", "has:image"], &["/a/1"]),
        (&["--on", "2001-01-01"], &[]),
        (&["--title", "district 2"], &["/a/2"]),
    ];
    for (arguments, expected) in cases {
        let output = dir.run(&[&["query", "-o", "ndjson"], arguments].concat());
        assert_eq!(stderr(&output), "", "{arguments:?}");
        let records = json_lines(&output.stdout);
        let path = |record: &Value| record["url"].as_str().unwrap().splitn(4, '/').nth(3).unwrap().to_owned();
        let mut found: Vec<String> = records.iter().map(|record| format!("/{}", path(record))).collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{arguments:?}");
    }
}

#[test]
fn a_wrong_query_is_refused_at_its_character_with_what_to_write() {
    let (dir, _first, _second) = store();
    let cases: [(&str, &str, usize); 12] = [
        ("topic:nosuch", "topic:? lists all", 6),
        ("canal source:otter", "nearest first: other, canal", 13),
        ("foo:bar", "no field \"foo\"; nearest first:", 0),
        ("has:picture", "nearest first:", 4),
        ("canal \"middle", "not closed", 6),
        ("since:99999999999d", "outside the calendar", 6),
        ("on:2026-02-30", "no day of the calendar", 3),
        (".*gas[a-z]+", "there are no patterns", 1),
        ("gas|oil", "gas OR oil", 3),
        ("(gas)", "no parentheses", 0),
        ("canal !gas", "write -gas", 6),
        ("\u{1b}[31m \u{9b}2J \u{202e} AND", "all words must match", 12),
    ];
    for (query, message, at) in cases {
        let output = dir.run(&["query", query]);
        assert_eq!(output.status.code(), Some(2), "{query}");
        let told = stderr(&output);
        assert!(told.contains(message) && !told.contains(is_obeyed), "{query}: {told:?}");
        let caret = told.lines().last().unwrap();
        assert_eq!(caret.find('^'), Some("chapar:   ".len() + at), "{query}: {told}");
        assert!(output.stdout.is_empty());
    }
    let listed = stderr(&dir.run(&["query", "topic:?"]));
    assert!(listed.contains("topic: takes one or several of ") && listed.matches(", ").count() > 20, "{listed}");
    let zoned = dir.command(&["query", "since:soon"]).env("TZ", "Asia/Almaty").output().unwrap();
    assert!(stderr(&zoned).contains("days and hours are those of Asia/Almaty"), "{}", stderr(&zoned));
}

#[test]
fn a_zone_without_a_name_is_the_zone_of_the_query_all_the_same() {
    let (dir, _first, _second) = store();
    let check = |zone: &str, name: &str, from: &str| {
        let arguments = ["query", "--explain", "-o", "json", "on:2026-07-01"];
        let output = dir.command(&arguments).env("TZ", zone).output().unwrap();
        assert!(output.status.success(), "{zone}: {}", stderr(&output));
        let read = json_lines(&output.stdout).remove(0);
        assert_eq!((&read["zone"], &read["from"]), (&json!(name), &json!(from)), "{zone}");
        let wrong = dir.command(&["query", "since:soon"]).env("TZ", zone).output().unwrap();
        assert!(stderr(&wrong).contains(&format!("are those of {name}")), "{zone}: {}", stderr(&wrong));
    };
    let all = || {
        check("<+05>-5", "<+05>-5", "2026-07-01T00:00:00+05:00");
        check("XST3XDT,M3.2.0,M11.1.0", "XST3XDT,M3.2.0,M11.1.0", "2026-07-01T00:00:00-02:00");
        check("Asia/Almaty", "Asia/Almaty", "2026-07-01T00:00:00+05:00");
    };
    all();
    let daemon = dir.daemon();
    all();
    let (status, _, read) = posted(&dir, "/v1/reading", r#"{"q": "on:2026-07-01", "zone": "+05:00"}"#);
    assert_eq!((status, &read["zone"]), (200, &json!("UTC+05")));
    assert_eq!(read["from"], "2026-07-01T00:00:00+05:00");
    for wrong in ["Asia/Nowhere", "", "+99:00"] {
        let (status, ..) = posted(&dir, "/v1/reading", &json!({ "q": "", "zone": wrong }).to_string());
        assert_eq!(status, 400, "{wrong}");
    }
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn a_source_that_left_the_settings_is_asked_for_as_long_as_its_records_are_there() {
    let (dir, first, _second) = store();
    dir.settle(&source("canal", &first.url("/feed.xml")));
    assert_eq!(dir.json(&["query", "source:other"])[0]["source"]["id"], "other");
    assert_eq!(dir.json(&["query", "--source", "other,canal"]).len(), 3);
    let wrong = dir.run(&["query", "source:nosuch"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(stderr(&wrong).contains("nearest first: ") && stderr(&wrong).contains("other"), "{}", stderr(&wrong));
}

#[test]
fn a_huge_query_is_refused_with_the_bound_on_every_way() {
    let (dir, _first, _second) = store();
    let long = |bytes: usize| "gas ".repeat(bytes / 4);
    let refused = |query: &str| {
        let output = dir.run(&["query", query]);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        let told = stderr(&output);
        assert!(told.contains("10240") && told.len() < 1_000, "{told}");
    };
    let daemon = dir.daemon();
    for bytes in [20_000, 100_000] {
        refused(&long(bytes));
    }
    let many = dir.run(&["query", &"a ".repeat(201)]);
    assert!(stderr(&many).contains("at most 200 terms"), "{}", stderr(&many));
    let cases: [(&str, String, u16, &str); 7] = [
        ("/v1/query", json!({ "q": long(100_000) }).to_string(), 413, "at most 10240"),
        ("/v1/query", json!({ "q": long(20_000) }).to_string(), 400, "at most 10240 are read"),
        ("/v1/reading", json!({ "q": long(100_000) }).to_string(), 413, "at most 10240"),
        ("/v1/query", json!({ "q": "gas", "limit": -1 }).to_string(), 422, "limit"),
        ("/v1/query", json!({ "question": "gas" }).to_string(), 422, "unknown field `question`"),
        ("/v1/query", "{\"q\": ".to_owned(), 400, "JSON"),
        ("/v1/reading", json!({ "zone": "Asia/Nowhere" }).to_string(), 400, "Asia/Nowhere"),
    ];
    for (path, body, status, message) in cases {
        let (got, content_type, answer) = posted(&dir, path, &body);
        assert_eq!((got, content_type.as_str()), (status, "application/json"), "{path} {message}: {answer}");
        assert!(answer["error"].as_str().unwrap().contains(message), "{path}: {answer}");
    }
    let others = [
        ("POST /v1/query HTTP/1.1\r\n", "{}", 415, "Content-Type"),
        ("GET /v1/query HTTP/1.1\r\n", "", 405, "another method"),
        ("GET /v2/query HTTP/1.1\r\n", "", 404, "no such path"),
    ];
    for (request, body, status, message) in others {
        let (got, content_type, answer) = asked(&dir, request, body);
        assert_eq!((got, content_type.as_str()), (status, "application/json"), "{request}: {answer}");
        assert!(answer["error"].as_str().unwrap().contains(message), "{request}: {answer}");
    }
    assert_eq!(daemon.stop(), Some(0));
    for bytes in [20_000, 100_000] {
        refused(&long(bytes));
    }
}

#[test]
fn it_is_explained_how_a_query_is_read() {
    let (dir, _first, _second) = store();
    let asked = [
        "toshkent",
        "\"middle corridor\"",
        "-oil",
        "topic:energy",
        "country:Kazakhstan",
        "source:canal",
        "on:2026-11-01",
    ];
    let explain = |more: &[&str]| {
        let arguments = [&["query", "--explain"], asked.as_slice(), more].concat();
        let output = dir.command(&arguments).env("TZ", "Asia/Almaty").output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        text(&output)
    };
    let shown = explain(&["--sort", "relevance", "-n", "5"]);
    for expected in [
        "all of:\n",
        "  toshkent",
        "in any script, spelling and form; also Tashkent, Ташкент",
        "  \"middle corridor\"  in this order, as written",
        "  none of:\n    oil",
        "topic:energy",
        "about Kazakhstan",
        "announced by canal",
        "recorded from Sun 2026-11-01 00:00:00 until before Mon 2026-11-02 00:00:00",
        "the newest version of each article",
        "nearest to the words first, at most 5",
        "in the zone Asia/Almaty.",
    ] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    let read: Value = serde_json::from_str(&explain(&["-o", "json"])).unwrap();
    assert_eq!(read["zone"], "Asia/Almaty");
    assert_eq!(read["looks_at"], "newest");
    assert_eq!(read["clauses"].as_array().unwrap().len(), 7, "{read}");
    assert_eq!(read["clauses"][2]["any"][0]["sense"], "without");
    let day = &read["clauses"][6]["any"][0]["terms"][0];
    assert_eq!(
        *day,
        json!({ "kind": "on", "from": "2026-11-01T00:00:00+05:00", "until": "2026-11-02T00:00:00+05:00" })
    );
    assert_eq!(read["from"], "2026-11-01T00:00:00+05:00");
    let daemon = dir.daemon();
    assert_eq!(serde_json::from_str::<Value>(&explain(&["-o", "json"])).unwrap(), read, "by the daemon, too");
    assert_eq!(daemon.stop(), Some(0));
    let terminal = on_terminal(&dir, &["query", "--explain", "canal"]);
    assert!(terminal.contains("\u{1b}[1mcanal\u{1b}[0m"), "{terminal:?}");
    assert_eq!(text(&dir.run(&["query", "--explain"])).lines().next(), Some("every record"));
    assert_eq!(dir.run(&["query", "--explain", "-o", "csv"]).status.code(), Some(2));
    for way in [&["query"][..], &["query", "--explain"], &["query", "--count"]] {
        let backwards = dir.run(&[way, &["canal", "--sort", "relevance", "--reverse"]].concat());
        assert_eq!(backwards.status.code(), Some(2), "{way:?}");
        assert!(stderr(&backwards).contains("leave out reverse"), "{way:?}: {}", stderr(&backwards));
    }
    let wrong = dir.run(&["query", "--explain", "topic:nosuch"]);
    assert!(wrong.status.code() == Some(2) && stderr(&wrong).contains("nearest first"), "{}", stderr(&wrong));
    let events = text(&dir.run(&["query", "--explain", "event:update"]));
    assert!(events.contains("every version of every article"), "{events}");
}

#[test]
fn the_way_of_an_article_is_told_to_its_outputs() {
    let (first, second) = (Site::start(), Site::at([127, 0, 0, 2]));
    let title = "Canal of district 1 carries water again";
    let publish = |body: &str, edition: usize| {
        first.put("/a/1", article(title, body));
        let item = Item { summary: format!("Edition {edition}."), ..Item::new(&first.url("/a/1"), title) };
        first.put("/feed.xml", Reply::rss(&[item]));
    };
    publish(&story(1), 1);
    let copy = |site: &Site| {
        site.put("/x", article("Water is back in district 1", &story(1)));
        site.put("/feed.xml", Reply::rss(&[Item::new(&site.url("/x"), "Water is back")]));
    };
    let sources = source("canal", &first.url("/feed.xml"));
    let filtered = |dir: &Dir| {
        format!(
            "[[output]]\nid = \"filtered\"\nkind = \"directory\"\npath = {:?}\nfilter = \"nosuchword\"\n\n",
            dir.path("filtered")
        )
    };
    let refusing = "[[output]]\nid = \"refusing\"\nkind = \"exec\"\ncommand = [\"/bin/false\"]\nretry_wait = \"10ms\"\nattempts = 1\n\n";
    let dir = Dir::new(&sources);
    let outputs = filtered(&dir) + refusing;
    dir.settle(&format!("{sources}{outputs}"));
    assert!(dir.run(&["once"]).status.success());
    let id = dir.json(&["query"])[0]["id"].as_str().unwrap().to_owned();
    publish(&format!("{}\n\nThe office has since confirmed the figures of the first report in writing.", story(1)), 2);
    copy(&second);
    let late = format!("[[output]]\nid = \"late\"\nkind = \"directory\"\npath = {:?}\n\n", dir.path("late"));
    dir.settle(&format!("{sources}{}{outputs}", source("other", &second.url("/feed.xml"))));
    assert!(dir.run(&["once"]).status.success());
    dir.settle(&format!("{sources}{}{outputs}{late}", source("other", &second.url("/feed.xml"))));

    let explained = dir.json(&["explain", &id, "-o", "json"]).remove(0);
    let record = dir.json(&["show", &id]).remove(0);
    assert_eq!(explained["version"], 2);
    assert_eq!(explained["source"], record["source"]);
    let time = |value: &Value| value.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let versions = explained["versions"].as_array().unwrap();
    for version in versions {
        let (announced, fetched) = (time(&version["announced_at"]), time(&version["fetched_at"]));
        assert!(announced <= fetched && fetched <= time(&version["recorded_at"]), "{version}");
    }
    assert_eq!(versions.len(), 2);
    assert_eq!(explained["source"]["announced_at"], versions[1]["announced_at"]);
    assert_eq!(explained["copies"]["rows"][0]["source"], "other");
    let state = |explained: &Value, output: &str| {
        let outputs = explained["outputs"].as_array().unwrap();
        outputs.iter().find(|known| known["output"] == output).unwrap_or_else(|| panic!("{outputs:?}"))["state"].clone()
    };
    let states =
        [("directory", "delivered"), ("filtered", "filtered"), ("refusing", "dead-letter"), ("late", "waiting")];
    for (output, expected) in states {
        assert_eq!(state(&explained, output), expected, "{output}");
    }

    let page = text(&dir.run(&["explain", &id[..8]]));
    for expected in [
        "announced  20",
        " by canal (canal), http://127.0.0.1",
        ": status 200, ",
        " bytes, text/html",
        "read       as UTF-8",
        "extracted  ",
        " from ",
        "like       no other article",
        "version 2 (update), record 2 of the log",
        "Copies",
        "other ",
        "Versions",
        "Outputs",
        "delivered",
        "its filter does not ask for this record",
        "chapar dead-letters retry refusing:2",
        "it has not begun",
    ] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    assert!(!page.contains(is_obeyed), "{page:?}");
    let before = dir.json(&["explain", &id, "--version", "1", "-o", "json"]).remove(0);
    assert_eq!((&before["version"], &before["event"]), (&json!(1), &json!("new")));
    let no_such = dir.run(&["explain", &id, "--version", "9"]);
    assert_eq!(no_such.status.code(), Some(3));
    assert!(stderr(&no_such).contains("there is no version 9; there are 1 to 2"), "{}", stderr(&no_such));
    let copied = explained["copies"]["rows"][0]["id"].as_str().unwrap();
    let of_copy = dir.run(&["explain", copied]);
    assert_eq!(of_copy.status.code(), Some(0));
    assert!(stderr(&of_copy).contains(&format!("this is its original, {id}")), "{}", stderr(&of_copy));
}
