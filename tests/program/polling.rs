//! When sources are polled, what is known of their health, and the feed's text in place of a page.

use jiff::Timestamp;
use serde_json::Value;

use crate::dir::{Dir, source, wait_for};
use crate::site::{Item, Reply, Site, story};

/// What `chapar sources` says of the first source.
fn state(dir: &Dir) -> Value {
    dir.json(&["sources"]).remove(0)
}

fn time(state: &Value, key: &str) -> Timestamp {
    state[key].as_str().unwrap_or_else(|| panic!("{key} in {state}")).parse().unwrap()
}

#[test]
fn a_source_that_is_gone_is_not_polled_until_it_is_asked_for_or_has_another_address() {
    let site = Site::start();
    site.put("/other.xml", Reply::rss(&[]));
    site.put("/feed.xml", Reply::status(410));
    let other = source("other", &site.url("/other.xml"));
    let dir = Dir::new(&(source("canal", &site.url("/feed.xml")) + &other));
    let daemon = dir.daemon();
    let three_polls_of_the_other = || {
        let before = site.hits("/other.xml");
        wait_for("polls of the other source", || (site.hits("/other.xml") >= before + 3).then_some(()));
    };
    wait_for("the source to be gone", || (state(&dir)["health"] == "gone").then_some(()));
    assert!(dir.log().contains("is gone, and is not polled any more"), "{}", dir.log());
    three_polls_of_the_other();
    assert_eq!((site.hits("/feed.xml"), &state(&dir)["next_poll"]), (1, &Value::Null));
    assert!(dir.run(&["poll", "canal"]).status.success());
    wait_for("the poll that was asked for", || (site.hits("/feed.xml") == 2).then_some(()));
    three_polls_of_the_other();
    assert_eq!((site.hits("/feed.xml"), &state(&dir)["health"]), (2, &Value::from("gone")));
    // A restart changes nothing, another address does.
    assert_eq!(daemon.stop(), Some(0));
    let daemon = dir.daemon();
    three_polls_of_the_other();
    assert_eq!(site.hits("/feed.xml"), 2);
    site.put("/new.xml", Reply::rss(&[]));
    dir.settle(&(source("canal", &site.url("/new.xml")) + &other));
    assert!(dir.run(&["reload"]).status.success());
    wait_for("the new address to be polled again and again", || (site.hits("/new.xml") > 2).then_some(()));
    assert_eq!(state(&dir)["health"], "empty");
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn one_pass_asks_a_source_that_was_gone() {
    let site = Site::start();
    site.put("/feed.xml", Reply::status(410));
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    assert_eq!(dir.run(&["once"]).status.code(), Some(1));
    assert_eq!(state(&dir)["health"], "gone");
    site.publish([1]);
    assert!(dir.run(&["once"]).status.success());
    let state = state(&dir);
    assert_eq!((&state["health"], &state["failures"]), (&Value::from("ok"), &Value::from(0)), "{state}");
    assert!(state["next_poll"].is_string(), "{state}");
}

#[test]
fn a_permanent_redirect_is_noted_and_not_believed_at_once() {
    let site = Site::start();
    site.put("/new.xml", Reply::rss(&[]));
    site.put("/feed.xml", Reply { location: Some(site.url("/new.xml")), ..Reply::status(301) });
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    assert!(dir.run(&["once"]).status.success());
    let first = state(&dir);
    assert_eq!((&first["moved_to"], &first["health"]), (&Value::from(site.url("/new.xml")), &Value::from("empty")));
    assert!(dir.run(&["once"]).status.success());
    assert_eq!((site.hits("/feed.xml"), site.hits("/new.xml")), (2, 2), "the old address is asked");
    assert_eq!(state(&dir)["moved_since"], first["moved_since"]);
    dir.settle(&source("canal", &site.url("/new.xml")));
    assert_eq!(state(&dir)["moved_to"], Value::Null, "another address in the settings forgets it");
    // What is moved for now is not moved.
    site.put("/new.xml", Reply { location: Some(site.url("/other.xml")), ..Reply::status(302) });
    site.put("/other.xml", Reply::rss(&[]));
    assert!(dir.run(&["once"]).status.success());
    assert_eq!(state(&dir)["moved_to"], Value::Null);
}

#[test]
fn a_server_that_repeats_its_etag_is_read_whole_where_the_settings_say_so() {
    let site = Site::start();
    let feed = |numbers: &[usize]| {
        let item = |number: &usize| Item::new(&site.url(&format!("/a/{number}")), "Canal");
        let items: Vec<Item> = numbers.iter().map(item).collect();
        site.put("/feed.xml", Reply { etag: Some("\"same\"".to_owned()), ..Reply::rss(&items) });
    };
    let believed = source("canal", &site.url("/feed.xml"));
    let ignored = believed.replace("language", "validators = \"ignore\"\nlanguage");
    let (believing, ignoring) = (Dir::new(&believed), Dir::new(&ignored));
    for numbers in [[1].as_slice(), &[1, 2]] {
        feed(numbers);
        assert!(believing.run(&["once"]).status.success());
        assert!(ignoring.run(&["once"]).status.success());
    }
    assert_eq!((&state(&believing)["admitted"], &state(&ignoring)["admitted"]), (&Value::from(1), &Value::from(2)));
}

#[test]
fn a_server_that_names_a_time_is_not_asked_before() {
    let site = Site::start();
    site.put("/feed.xml", Reply { retry_after: Some("3600".to_owned()), ..Reply::status(503) });
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    assert_eq!(dir.run(&["once"]).status.code(), Some(1));
    let state = state(&dir);
    let wait = time(&state, "next_poll").duration_since(time(&state, "last_poll"));
    assert!(wait.as_secs() >= 3600, "{wait} although schedule.max is 2 s: {state}");
    assert!(state["note"].as_str().unwrap().starts_with("unavailable: "), "{state}");
}

#[test]
fn of_five_hundred_entries_the_one_that_is_new_is_admitted() {
    let site = Site::start();
    let items = |count: usize| -> Vec<Item> {
        (0..count).map(|number| Item::new(&site.url(&format!("/a/{number}")), &format!("Canal {number}"))).collect()
    };
    site.put("/feed.xml", Reply::rss(&items(499)));
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    assert!(dir.run(&["once"]).status.success());
    assert_eq!(state(&dir)["admitted"], 499);
    site.put("/feed.xml", Reply::rss(&items(500)));
    assert!(dir.run(&["once"]).status.success());
    assert_eq!(state(&dir)["admitted"], 500);
    assert_eq!((site.hits("/a/0"), site.hits("/a/498"), site.hits("/a/499")), (1, 1, 1));
}

#[test]
fn the_feeds_text_stands_in_for_a_page_that_cannot_be_had() {
    let site = Site::start();
    let text = |number: usize| {
        format!("{} The office will report on district {number} in May, when the snow has melted.", story(number))
    };
    let item = |number: usize, summary: String| Item {
        summary,
        ..Item::new(&site.url(&format!("/a/{number}")), &format!("Canal of district {number} carries water again"))
    };
    site.put("/robots.txt", Reply::new("text/plain", "User-agent: *\nDisallow: /a/3\n"));
    site.put("/a/1", Reply::status(403));
    site.put("/a/2", Reply::html("<html><head><title>Canal</title></head><body><div id=app></div></body></html>"));
    site.put("/a/4", Reply::status(410));
    site.put("/a/5", Reply::status(404));
    let mut items: Vec<Item> = (1..=4).map(|number| item(number, text(number))).collect();
    items.push(item(5, "Read more on our site.".to_owned()));
    site.put("/feed.xml", Reply::rss(&items));
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    assert!(dir.run(&["once"]).status.success());
    let mut records = dir.records();
    records.sort_by_key(|record| record["url"].to_string());
    assert_eq!(records.len(), 3, "{records:?}");
    for (number, record) in (1..).zip(&records) {
        assert_eq!(record["url"], site.url(&format!("/a/{number}")));
        assert_eq!(record["extract"]["path"], "feed", "{record}");
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(record["content_text"].as_str().unwrap()), words(&text(number)));
    }
    assert_eq!((&records[0]["fetch"]["status"], site.hits("/a/3")), (&Value::from(403), 0));
    let letters: Vec<String> = dir.json(&["dead-letters"]).iter().map(|letter| letter["reason"].to_string()).collect();
    assert_eq!((letters.len(), letters.contains(&"\"gone\"".to_owned())), (2, true), "{letters:?}");
}

#[test]
fn what_a_pattern_left_out_comes_when_the_pattern_goes_although_the_feed_did_not_change() {
    let site = Site::start();
    let items = [1, 2].map(|number| Item::new(&site.url(&format!("/a/{number}")), "Canal"));
    site.put("/feed.xml", Reply { etag: Some("\"same\"".to_owned()), ..Reply::rss(&items) });
    let all = source("canal", &site.url("/feed.xml"));
    let dir = Dir::new(&format!("{all}[source.listing]\nexclude = [\"/a/2\"]\n"));
    assert!(dir.run(&["once"]).status.success());
    assert_eq!(state(&dir)["admitted"], 1);
    dir.settle(&all);
    assert!(dir.run(&["once"]).status.success());
    assert_eq!(state(&dir)["admitted"], 2);
}

#[test]
fn a_time_that_a_server_names_holds_for_its_domain_and_the_next_start() {
    let site = Site::start();
    site.put("/feed.xml", Reply { retry_after: Some("3600".to_owned()), ..Reply::status(429) });
    site.put("/other.xml", Reply::rss(&[]));
    let canal = source("canal", &site.url("/feed.xml"));
    let dir = Dir::new(&canal);
    assert_eq!(dir.run(&["once"]).status.code(), Some(1));
    dir.settle(&(canal + &source("other", &site.url("/other.xml"))));
    assert_eq!(dir.run(&["once"]).status.code(), Some(1));
    assert_eq!((site.hits("/feed.xml"), site.hits("/other.xml")), (1, 0));
    let note = state(&dir)["note"].to_string();
    assert!(note.contains("asked to be left alone for"), "{note}");
}

#[test]
fn the_feeds_text_stands_in_for_a_page_that_is_no_article() {
    let site = Site::start();
    let title = |number: usize| format!("Canal of district {number} carries water again");
    let lede =
        "<p>Engineers finished the repair of the canal that carries water to the lower fields of the district.</p>";
    let page = |title: &str, head: &str, body: &str| {
        Reply::html(format!(
            "<html><head><title>{title}</title><meta name=author content=\"Aigul Serik\">{head}</head><body><article>\
             <h1>{title}</h1>{body}</article></body></html>"
        ))
    };
    let video = "<meta property=og:type content=video.other>";
    site.put("/a/1", page(&title(1), "", &format!("{lede}<div>Subscribe to read the full article</div>")));
    site.put("/a/2", page(&title(2), video, lede));
    site.put("/a/3", page("Page not found", "", lede));
    let item = |number: usize, summary: &str| Item {
        summary: summary.to_owned(),
        ..Item::new(&site.url(&format!("/a/{number}")), &title(number))
    };
    let more = "The office will report on the district in May, when the snow has melted.";
    let items: Vec<Item> = (1..=3).map(|number| item(number, &format!("{} {more}", story(number)))).collect();
    site.put("/feed.xml", Reply::rss(&items));
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    assert!(dir.run(&["once"]).status.success());
    let mut records = dir.records();
    records.sort_by_key(|record| record["url"].to_string());
    assert_eq!(records.len(), 3, "{records:?}");
    for (number, record) in (1..).zip(&records) {
        assert_eq!((&record["extract"]["path"], &record["title"]), (&"feed".into(), &title(number).into()), "{record}");
        assert!(record["content_text"].as_str().unwrap().contains("lined with concrete next year"), "{record}");
        // A stub and a video's page know the author; a page that is missing knows nothing.
        let author = (number < 3).then_some("Aigul Serik");
        assert_eq!(record.pointer("/authors/0/name").and_then(Value::as_str), author, "{record}");
    }

    let bare: Vec<Item> = (1..=3).map(|number| item(number, "")).collect();
    site.put("/feed.xml", Reply::rss(&bare));
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    let output = dir.run(&["once"]);
    let summary = String::from_utf8_lossy(&output.stderr);
    assert!(summary.contains("rejected: 1 not-found, 1 paywall, 1 video"), "{summary}");
}
