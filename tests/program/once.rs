//! `chapar once`: what becomes of entries and sources in one pass.

use serde_json::Value;

use crate::dir::{Dir, seqs, source};
use crate::site::{Item, Reply, Site, article, story};

/// Outcomes so far, from `status`.
fn outcomes(dir: &Dir) -> Value {
    let counts = dir.status()["counts"].clone();
    let total: u64 = counts["outcomes"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(counts["admitted"].as_u64().unwrap(), total + counts["pending"].as_u64().unwrap(), "{counts}");
    counts["outcomes"].clone()
}

#[test]
fn articles_are_recorded_once_and_asked_for_once() {
    let site = Site::start();
    site.publish(1..=3);
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    assert!(dir.run(&["once"]).status.success());
    assert!(dir.run(&["once"]).status.success());
    assert_eq!(seqs(&dir.records()), [1, 2, 3]);
    assert_eq!((site.hits("/feed.xml"), site.hits("/a/1")), (2, 1));
    let record = &dir.json(&["query", "title:\"district 2\""])[0];
    assert_eq!(record["content_text"], story(2));
    assert_eq!(record["date_published"], "2026-11-20T08:00:00+05:00");
    assert_eq!(record["language"], "en");
}

#[test]
fn a_changed_entry_is_fetched_again_and_becomes_an_update() {
    let site = Site::start();
    site.publish(1..=2);
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    assert!(dir.run(&["once"]).status.success());
    let changed = story(1).replace("four months", "five months, not four as reported before");
    site.put("/a/1", article("Canal of district 1 carries water again", &changed));
    let item = |number: usize, title: &str| Item::new(&site.url(&format!("/a/{number}")), title);
    let second = item(2, "Canal of district 2 carries water at last");
    site.put("/feed.xml", Reply::rss(&[item(1, "Corrected: canal of district 1"), second]));
    assert!(dir.run(&["once"]).status.success());
    let outcomes = outcomes(&dir);
    assert_eq!((&outcomes["recorded"], &outcomes["unchanged"]), (&Value::from(3), &Value::from(1)), "{outcomes}");
    let update = dir.json(&["query", "event:update"]).remove(0);
    assert_eq!((&update["version"], &update["replaces"]), (&Value::from(2), &Value::from(1)));
    assert_eq!(update["content_text"], changed);
}

#[test]
fn one_text_at_two_addresses_is_one_record() {
    let site = Site::start();
    site.publish([1]);
    site.put("/copy", article("Another headline", &story(1)));
    site.put("/other.xml", Reply::rss(&[Item::new(&site.url("/copy"), "Another headline")]));
    let tracked = format!("{}?utm_source=feed#top", site.url("/a/1"));
    site.put("/third.xml", Reply::rss(&[Item::new(&tracked, "Canal")]));
    let sources = ["feed.xml", "other.xml", "third.xml"]
        .map(|feed| source(feed.trim_end_matches(".xml"), &site.url(&format!("/{feed}"))));
    let dir = Dir::new(&sources.concat());
    assert!(dir.run(&["once"]).status.success());
    assert_eq!(dir.records().len(), 1);
    assert_eq!(outcomes(&dir)["duplicate"], 1);
    assert_eq!(site.hits("/a/1"), 1, "the address with tracking parameters is the same entry");
}

#[test]
fn what_is_no_article_is_rejected_with_its_reason() {
    let site = Site::start();
    let pages = [
        ("/pdf", Reply::new("application/pdf", "%PDF-1.7\n%âãÏÓ\n1 0 obj")),
        ("/image", Reply::new("text/html", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice())),
        ("/empty", Reply::html("")),
    ];
    let items: Vec<Item> = pages.iter().map(|(path, _)| Item::new(&site.url(path), path)).collect();
    pages.into_iter().for_each(|(path, reply)| site.put(path, reply));
    site.put("/feed.xml", Reply::rss(&items));
    let dir = Dir::new(&source("odd", &site.url("/feed.xml")));
    let output = dir.run(&["once"]);
    assert_eq!(outcomes(&dir)["rejected"], 3);
    let summary = String::from_utf8_lossy(&output.stderr);
    assert!(summary.contains("rejected: 1 empty, 2 not-html"), "{summary}");
    assert!(dir.records().is_empty());
}

#[test]
fn a_source_that_cannot_be_read_is_failing_with_the_reason_and_keeps_its_entries() {
    let site = Site::start();
    site.publish([1]);
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    assert!(dir.run(&["once"]).status.success());
    let whole = Reply::rss(&[Item::new(&site.url("/a/1"), "Canal")]);
    let cases = [
        (Reply::html("<!doctype html><html><body>Please log in</body></html>"), "html-instead-of-feed"),
        (Reply::new("application/rss+xml", ""), "empty"),
        (Reply::new("application/rss+xml", "<?xml version=\"1.0\"?><rss version=\"2.0\"><chan"), "truncated"),
        (Reply::status(404), "not-found"),
        (Reply::status(503), "unavailable"),
        (Reply { status: 302, location: Some("http://10.0.0.1/feed".to_owned()), ..whole }, "private-address"),
    ];
    for (reply, reason) in cases {
        site.put("/feed.xml", reply);
        let output = dir.run(&["once"]);
        let summary = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "no source answered: {summary}");
        assert!(summary.contains(reason), "{reason}: {summary}");
        let state = dir.json(&["sources"]).remove(0);
        assert_eq!((&state["health"], &state["reason"]), (&Value::from("failing"), &Value::from(reason)), "{state}");
    }
    assert_eq!(dir.json(&["query", "canal"]).len(), 1);
}

#[test]
fn a_wall_in_a_sources_place_is_named_and_in_an_articles_place_is_tried_again() {
    let site = Site::start();
    let challenge =
        "<!doctype html><html><head><title>Just a moment...</title></head><body><div id=\"c\"></div></body></html>";
    let login = "<!doctype html><html><head><title>Log in</title></head><body><form><input name=\"user\">\
                 <input type=\"password\" name=\"word\"></form></body></html>";
    site.put("/walled.xml", Reply::html(challenge));
    site.put("/members.xml", Reply::html(login));
    site.put("/list", Reply::html(challenge));
    site.put("/feed.xml", Reply::rss(&[Item::new(&site.url("/a/1"), "Canal")]));
    site.put("/a/1", Reply::html(challenge));
    let listing = source("listing", &site.url("/list")).replace("\"feed\"", "\"listing\"");
    let feeds = [("walled", "/walled.xml"), ("members", "/members.xml"), ("canal", "/feed.xml")];
    let dir = Dir::new(&(feeds.map(|(id, path)| source(id, &site.url(path))).concat() + &listing));
    dir.run(&["once"]);
    let states = dir.json(&["sources"]);
    let state = |id: &str| states.iter().find(|state| state["id"] == id).unwrap();
    for (id, reason, evidence) in [
        ("walled", "bot-wall", "Just a moment"),
        ("members", "login-page", "Log in"),
        ("listing", "bot-wall", "Just a moment"),
    ] {
        let state = state(id);
        assert_eq!(state["reason"], reason, "{state}");
        assert!(state["detail"].as_str().unwrap().contains(evidence), "{state}");
    }
    assert_eq!(state("canal")["health"], "ok");
    let counts = dir.status()["counts"].clone();
    assert_eq!((&counts["pending"], &counts["admitted"]), (&Value::from(1), &Value::from(1)), "{counts}");
    assert!(dir.records().is_empty() && dir.json(&["dead-letters"]).is_empty());
    // What a later run has still to finish, it has not admitted.
    let later = crate::dir::stderr(&dir.run(&["once"]));
    assert!(later.contains("0 admitted and 1 pending from before: "), "{later}");
}

#[test]
fn cookies_are_kept_for_the_source_that_asks_for_them() {
    let site = Site::start();
    site.publish([1]);
    let gate = |path: &str| Reply { cookie_wanted: Some("pass=in".to_owned()), ..site.reply(path) };
    for path in ["/feed.xml", "/a/1"] {
        site.put(path, gate(path));
    }
    let plain = source("plain", &site.url("/feed.xml?plain"));
    let asking = source("asking", &site.url("/feed.xml")).replace("kind =", "cookies = true\nkind =");
    let dir = Dir::new(&(asking + &plain));
    dir.run(&["once"]);
    let states = dir.json(&["sources"]);
    let reason = |id: &str| states.iter().find(|state| state["id"] == id).unwrap()["reason"].clone();
    assert_eq!((reason("asking"), reason("plain")), (Value::Null, Value::from("too-many-redirects")));
    assert_eq!(dir.records().len(), 1);
}

#[test]
fn an_entry_whose_page_is_gone_is_a_dead_letter_that_can_be_retried() {
    let site = Site::start();
    site.put("/feed.xml", Reply::rss(&[Item::new(&site.url("/a/1"), "Canal")]));
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    assert!(dir.run(&["once"]).status.success());
    let letter = dir.json(&["dead-letters"]).remove(0);
    assert_eq!(letter["reason"], "not-found");
    site.put("/a/1", article("Canal", &story(1)));
    assert!(dir.run(&["dead-letters", "retry", letter["id"].as_str().unwrap()]).status.success());
    assert!(dir.run(&["once"]).status.success());
    assert_eq!((dir.records().len(), dir.json(&["dead-letters"]).len()), (1, 0));
    outcomes(&dir);
}

#[test]
fn robots_txt_is_obeyed_and_says_so() {
    let site = Site::start();
    site.publish(1..=2);
    site.put("/robots.txt", Reply::new("text/plain", "User-agent: *\nDisallow: /a/2\n"));
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    assert!(dir.run(&["once"]).status.success());
    assert_eq!((site.hits("/a/1"), site.hits("/a/2")), (1, 0));
    assert_eq!(outcomes(&dir)["rejected"], 1);
}

#[test]
fn what_could_not_be_delivered_is_a_failure_and_is_delivered_by_the_next_run() {
    let site = Site::start();
    site.publish(1..=2);
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    dir.write("records", "a file where the folder should be");
    let output = dir.run(&["once"]);
    let summary = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{summary}");
    assert!(summary.contains("it is no folder") && summary.contains("2 recorded"), "{summary}");
    std::fs::remove_file(dir.path("records")).unwrap();
    assert!(dir.run(&["once"]).status.success());
    assert_eq!(seqs(&dir.records()), [1, 2]);
}

#[test]
fn ids_of_a_feed_cannot_control_a_terminal() {
    let site = Site::start();
    site.put("/a/1", article("Canal", &story(1)));
    let item = Item { guid: "id\u{9b}31m\u{202e}".to_owned(), ..Item::new(&site.url("/a/1"), "Canal") };
    site.put("/feed.xml", Reply::rss(&[item]));
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    assert!(dir.run(&["once"]).status.success());
    let guid = dir.records()[0]["source"]["guid"].as_str().unwrap().to_owned();
    assert!(guid.starts_with("id") && !guid.contains(['\u{9b}', '\u{202e}']), "{guid:?}");
}
