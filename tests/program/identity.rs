//! Knowing an article again: by its address in all its forms, by its guid, by what its page says of itself.

use std::process::Output;

use serde_json::Value;

use crate::dir::{Dir, source};
use crate::site::{Item, Reply, Site, article, story};

/// One pass in which the site stands for every host, as a proxy.
fn once_by_proxy(dir: &Dir, site: &Site) {
    let output: Output = dir.command(&["once"]).env("CHAPAR__HTTP__PROXY", &site.base).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn once(dir: &Dir) {
    let output = dir.run(&["once"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Recorded, duplicate, unchanged.
fn outcomes(dir: &Dir) -> [u64; 3] {
    let counts = dir.status()["counts"]["outcomes"].clone();
    ["recorded", "duplicate", "unchanged"].map(|outcome| counts[outcome].as_u64().unwrap())
}

fn title(number: usize) -> String {
    format!("Canal of district {number} carries water again")
}

/// A page that names its canonical address.
fn page(number: usize, text: &str, canonical: &str) -> Reply {
    let plain = article(&title(number), text);
    let html = String::from_utf8(plain.body.clone()).unwrap();
    let head = format!("<head><link rel=\"canonical\" href=\"{canonical}\">");
    Reply { body: html.replacen("<head>", &head, 1).into_bytes(), ..plain }
}

fn corrected(number: usize) -> String {
    story(number).replace("four months", "five months, not four as reported before")
}

fn feed(site: &Site, path: &str, links: &[(&str, usize)]) {
    let items: Vec<Item> = links.iter().map(|(link, number)| Item::new(link, &title(*number))).collect();
    site.put(path, Reply::rss(&items));
}

#[test]
fn all_forms_of_an_address_are_one_article_that_is_fetched_once() {
    let site = Site::start();
    site.put("/a/1", article(&title(1), &story(1)));
    feed(&site, "/feed.xml", &[("http://www.news.example/a/1", 1)]);
    let dir =
        Dir::new(&(source("first", "http://news.example/feed.xml") + &source("second", "http://second.example/2.xml")));
    feed(&site, "/2.xml", &[]);
    once_by_proxy(&dir, &site);
    let variants = [
        "https://news.example/a/1/",
        "https://WWW.news.example:443/a/1?utm_source=second&fbclid=1#top",
        "https://m.news.example/a/1",
        "https://amp.news.example/a/1",
        "https://news.example/a/1/amp/",
        "https://news.example/a/1?amp=1",
        "https://news.example/a/1?outputType=amp",
        "https://news.example/amp/a/1",
        "https://news.example/a/1/print",
        "https://news-example.cdn.ampproject.org/c/s/news.example/a/1?usqp=mq331",
        "https://www.google.com/amp/s/news.example/a/1",
        "http://news.example/a/./b/../%31",
    ];
    feed(&site, "/2.xml", &variants.map(|variant| (variant, 1)));
    once_by_proxy(&dir, &site);
    assert_eq!((outcomes(&dir), site.hits("/a/1")), ([1, 0, 0], 1));
    assert_eq!(dir.records()[0]["url"], "http://www.news.example/a/1", "the address is one that can be fetched");
}

#[test]
fn the_pages_own_canonical_gives_the_address_its_form() {
    let site = Site::start();
    site.put("/a/1", page(1, &story(1), "http://www.news.example/a/1/"));
    feed(&site, "/feed.xml", &[("http://news.example/a/1?utm_medium=rss", 1)]);
    let dir = Dir::new(&source("first", "http://news.example/feed.xml"));
    once_by_proxy(&dir, &site);
    let record = &dir.records()[0];
    assert_eq!(record["url"], "http://www.news.example/a/1/");
    assert_eq!(record["fetch"]["final_url"], "http://news.example/a/1");
}

#[test]
fn one_canonical_for_all_pages_loses_no_article() {
    let site = Site::start();
    // Stories differ in their numbers only: texts of their own are wanted here.
    let texts = [
        "The harvest of cotton began early in the south, where farmers had sown before the rains of March came down.",
        "A bridge for trains was opened between two banks of the great river, and the first wagons carried grain north.",
        "Doctors of the regional hospital warned of a shortage of vaccines, and asked the ministry to send more at once.",
        "Two hundred students won places at universities abroad, after examinations that lasted for most of the summer.",
    ];
    for (number, text) in (1..).zip(texts) {
        let text = format!("{text} {}", text.split(' ').rev().collect::<Vec<_>>().join(" "));
        site.put(&format!("/a/{number}"), page(number, &text, &site.url("/portal-2024")));
    }
    let links: Vec<String> = (1..=4).map(|number| site.url(&format!("/a/{number}"))).collect();
    let announced: Vec<(&str, usize)> = links.iter().map(String::as_str).zip(1..).collect();
    feed(&site, "/feed.xml", &announced[..2]);
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    once(&dir);
    feed(&site, "/feed.xml", &announced);
    once(&dir);
    assert_eq!(outcomes(&dir), [4, 0, 0]);
    let mut urls: Vec<String> = dir.records().iter().map(|record| record["url"].as_str().unwrap().to_owned()).collect();
    urls.sort();
    let own = links.iter().filter(|link| urls.contains(link)).count();
    assert_eq!((own, urls.contains(&site.url("/portal-2024"))), (3, true), "the first keeps it: {urls:?}");
}

#[test]
fn a_canonical_of_another_site_or_of_the_home_page_is_not_believed() {
    let site = Site::start();
    site.put("/a/1", page(1, &story(1), "https://another.example/a/1"));
    site.put("/a/2", page(2, &story(2), &site.url("/")));
    let links = [site.url("/a/1"), site.url("/a/2")];
    feed(&site, "/feed.xml", &[(&links[0], 1), (&links[1], 2)]);
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    once(&dir);
    let mut urls: Vec<Value> = dir.records().iter().map(|record| record["url"].clone()).collect();
    urls.sort_by_key(Value::to_string);
    assert_eq!(urls, links.map(Value::from));
}

#[test]
fn a_view_that_another_source_announces_is_the_article_that_its_canonical_names() {
    let site = Site::start();
    site.put("/a/1", article(&title(1), &story(1)));
    let view = format!("{} Subscribe to the letter of the office.", story(1));
    site.put("/light/story-1", page(1, &view, &site.url("/a/1")));
    feed(&site, "/feed.xml", &[(&site.url("/a/1"), 1)]);
    feed(&site, "/light.xml", &[]);
    let dir = Dir::new(&(source("canal", &site.url("/feed.xml")) + &source("light", &site.url("/light.xml"))));
    once(&dir);
    feed(&site, "/light.xml", &[(&site.url("/light/story-1"), 1)]);
    once(&dir);
    assert_eq!((outcomes(&dir), dir.records().len()), ([1, 1, 0], 1));
}

#[test]
fn a_short_link_is_the_article_it_leads_to_and_brings_its_correction() {
    let site = Site::start();
    site.put("/a/1", article(&title(1), &story(1)));
    for path in ["/s/x1", "/s/x2"] {
        site.put(path, Reply { location: Some(site.url("/a/1?utm_source=short")), ..Reply::status(302) });
    }
    feed(&site, "/feed.xml", &[(&site.url("/a/1"), 1)]);
    feed(&site, "/short.xml", &[]);
    let dir = Dir::new(&(source("canal", &site.url("/feed.xml")) + &source("short", &site.url("/short.xml"))));
    once(&dir);
    feed(&site, "/short.xml", &[(&site.url("/s/x1"), 1)]);
    once(&dir);
    assert_eq!(outcomes(&dir), [1, 1, 0]);
    site.put("/a/1", article(&title(1), &corrected(1)));
    feed(&site, "/short.xml", &[(&site.url("/s/x1"), 1), (&site.url("/s/x2"), 1)]);
    once(&dir);
    assert_eq!(outcomes(&dir), [2, 1, 0]);
    let update = &dir.records()[1];
    assert_eq!((&update["event"], &update["version"]), (&Value::from("update"), &Value::from(2)));
    assert_eq!(update["url"], site.url("/a/1"));
}

#[test]
fn another_guid_title_or_tracking_is_no_new_article_and_a_guid_counts_in_its_feed() {
    let site = Site::start();
    site.publish(1..=3);
    let item =
        |guid: &str, path: &str, title: &str| Item { guid: guid.to_owned(), ..Item::new(&site.url(path), title) };
    site.put("/feed.xml", Reply::rss(&[item("g1", "/a/1", &title(1))]));
    site.put("/other.xml", Reply::rss(&[item("g1", "/a/2", &title(2))]));
    let dir = Dir::new(&(source("canal", &site.url("/feed.xml")) + &source("other", &site.url("/other.xml"))));
    once(&dir);
    assert_eq!(outcomes(&dir), [2, 0, 0], "one guid in two feeds is two articles");
    let same = [
        item("g2", "/a/1", &title(1)),
        item("g2", "/a/1?utm_campaign=7&ysclid=m1", &title(1)),
        item("g1", "/a/1/", &title(1)),
    ];
    for one in same {
        site.put("/feed.xml", Reply::rss(&[one]));
        once(&dir);
    }
    assert_eq!((outcomes(&dir), site.hits("/a/1")), ([2, 0, 0], 1));
    // A changed title is a reason to look, no new article.
    site.put("/feed.xml", Reply::rss(&[item("g1", "/a/1", "Water at last")]));
    once(&dir);
    assert_eq!((outcomes(&dir), site.hits("/a/1")), ([2, 0, 1], 2));
    // The guid names the same article under another address.
    site.put("/moved/1", article(&title(1), &story(1)));
    site.put("/feed.xml", Reply::rss(&[item("g1", "/moved/1", "Water at last")]));
    once(&dir);
    assert_eq!((outcomes(&dir), site.hits("/moved/1")), ([2, 0, 1], 0));
}

#[test]
fn what_exceeds_the_bound_is_kept_while_it_is_announced() {
    let site = Site::start();
    site.publish(1..=3);
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    for _ in 0..2 {
        let output = dir.command(&["once"]).env("CHAPAR__NOVELTY__REMEMBER_MAX", "1").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!((outcomes(&dir), site.hits("/a/1")), ([3, 0, 0], 1));
}
