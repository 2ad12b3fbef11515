//! `sources discover`, `test`, `import` and `export` against loopback sites, hostile ones among them.

use std::process::Output;
use std::time::Duration;

use serde_json::Value;

use crate::asking::on_terminal;
use crate::dir::{Dir, is_obeyed, json_lines, source, stderr, text};
use crate::site::{Item, Reply, Site, article, story};

/// What a terminal would obey: escape, the C1 form of it, a bidirectional override.
const HOSTILE: &str = "&#27;[31m&#155;2J\u{202e}";

/// Settings without a source.
fn empty() -> Dir {
    Dir::new("")
}

fn head(site: &Site, links: &str, body: &str) {
    let page = format!(
        "<!doctype html><html lang='en'><head><title>The Canal{HOSTILE} \"News\" \\ [[source]]</title>{links}</head>\
         <body>{body}</body></html>"
    );
    site.put("/", Reply::html(page));
}

fn feed_link(path: &str) -> String {
    format!("<link rel='alternate' type='application/rss+xml' href='{path}'>")
}

fn rss(site: &Site, numbers: impl IntoIterator<Item = usize>) -> Reply {
    let item = |number: usize| {
        let title = format!("The canal of district {number} carries water again after the repair");
        Item::new(&site.url(&format!("/a/{number}")), &title)
    };
    Reply::rss(&numbers.into_iter().map(item).collect::<Vec<_>>())
}

fn front_page_links() -> String {
    let link = |number: usize| {
        format!(
            "<article><h2><a href='/news/2026/11/2{number}-story-of-canal-{number}.html'>The canal of district {number} carries water again</a></h2></article>"
        )
    };
    format!("<main>{}</main>", (1..9).map(link).collect::<String>())
}

fn sitemap(site: &Site, numbers: std::ops::Range<usize>, news: &str) -> Reply {
    let page = |number: usize| format!("<url><loc>{}</loc>{news}</url>", site.url(&format!("/a/{number}")));
    let pages: String = numbers.map(page).collect();
    Reply::new("text/xml", format!("<urlset xmlns:news='x'>{pages}</urlset>"))
}

const NEWS: &str = "<news:news><news:publication_date>2026-11-21T08:00:00Z</news:publication_date><news:title>The canal \
                    carries water</news:title></news:news>";

fn discover(dir: &Dir, site: &Site, more: &[&str]) -> Output {
    let url = site.url("/");
    dir.run(&[&["sources", "discover", &url], more].concat())
}

#[test]
fn what_a_site_offers_is_tested_ranked_and_ready_to_paste() {
    let site = Site::start();
    let links = [feed_link("/feed.xml"), feed_link("/copy.xml"), feed_link("/comments/feed/"), feed_link("/empty.xml")];
    head(&site, &links.concat(), &format!("<a href='/oil/rss'>Oil</a>{}", front_page_links()));
    site.put("/feed.xml", rss(&site, 1..4));
    site.put("/copy.xml", rss(&site, 1..4));
    site.put("/comments/feed/", rss(&site, 5..6));
    site.put("/empty.xml", rss(&site, []));
    site.put("/oil/rss", rss(&site, 2..3));
    site.put(
        "/robots.txt",
        Reply::new("text/plain", "User-agent: *\nDisallow: /feed.xml\nSitemap: /map.xml\nSitemap: /news.xml\n"),
    );
    site.put("/map.xml", sitemap(&site, 1..9, ""));
    site.put("/news.xml", sitemap(&site, 1..4, NEWS));
    let dir = empty();
    let output = discover(&dir, &site, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("rss-2.0") && stderr(&output).contains("it has no entries"),
        "{}",
        stderr(&output)
    );
    assert!(!text(&output).contains(is_obeyed) && !stderr(&output).contains(is_obeyed));
    let table: toml::Table = text(&output).parse().unwrap();
    let [active] = table["source"].as_array().unwrap().as_slice() else { panic!("one is active: {table}") };
    assert_eq!(active["url"].as_str(), Some(site.url("/feed.xml").as_str()));
    assert_eq!(active["kind"].as_str(), Some("feed"));
    assert_eq!(active["language"].as_str(), Some("en"));
    assert_eq!(active["name"].as_str(), Some("The Canal[31m›2J \"News\" \\ [[source]]"));
    // All of it, uncommented, are settings, too.
    let all: String = text(&output)
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(line) if line.starts_with("[[") || line.contains(" = \"") => format!("{line}\n"),
            Some(_) => String::new(),
            None => format!("{line}\n"),
        })
        .collect();
    dir.settle(&all);
    let checked = dir.run(&["check"]);
    assert_eq!(checked.status.code(), Some(0), "{all}\n{}", stderr(&checked));

    let rows = json_lines(&discover(&empty(), &site, &["-o", "ndjson"]).stdout);
    let found: Vec<(&str, &str)> = rows
        .iter()
        .map(|row| (row["kind"].as_str().unwrap(), row["url"].as_str().unwrap().trim_start_matches(&site.base)))
        .collect();
    let expected = [
        ("feed", "/feed.xml"),
        ("feed", "/oil/rss"),
        ("sitemap", "/news.xml"),
        ("listing", "/"),
        ("sitemap", "/map.xml"),
    ];
    assert_eq!(found, expected);
    assert_eq!(site.hits("/comments/feed/"), 0);
    assert_eq!(site.hits("/rss.xml"), 0, "who names a feed is not searched");
}

#[test]
fn nothing_hostile_reaches_a_terminal() {
    let site = Site::start();
    head(&site, &feed_link("/feed.xml"), "");
    site.put("/feed.xml", Reply::rss(&[Item::new(&site.url("/a/1"), &format!("Title{HOSTILE}"))]));
    let named = source("canal", &site.url("/other.xml")).replace("language", "name = \"\\u202eCanal\"\nlanguage");
    let dir = Dir::new(&named);
    let (page, feed) = (site.url("/"), site.url("/feed.xml"));
    let mut cases = vec![vec!["sources", "discover", &page], vec!["sources", "test", &feed], vec!["sources", "export"]];
    for format in ["table", "json", "ndjson", "csv", "cat"] {
        cases.extend([vec!["sources", "discover", &page, "-o", format], vec!["sources", "test", &feed, "-o", format]]);
    }
    for arguments in cases {
        let shown = on_terminal(&dir, &arguments);
        // Bold and dim are ours.
        let ours = ["\u{1b}[1m", "\u{1b}[2m", "\u{1b}[0m", "\r"];
        let rest = ours.iter().fold(shown, |rest, sequence| rest.replace(sequence, ""));
        assert!(!rest.is_empty() && !rest.contains(is_obeyed), "{arguments:?}: {rest:?}");
    }
}

#[test]
fn an_index_whose_sitemaps_cannot_be_had_fails_as_a_poll_does() {
    let site = Site::start();
    let index = format!("<sitemapindex><sitemap><loc>{}</loc></sitemap></sitemapindex>", site.url("/gone.xml"));
    site.put("/index.xml", Reply::new("text/xml", index));
    let output = empty().run(&["sources", "test", &site.url("/index.xml")]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(stderr(&output).contains("not-found: "), "{}", stderr(&output));
}

#[test]
fn feeds_that_no_page_names_are_found_where_they_usually_lie() {
    let site = Site::start();
    site.put("/", Reply::status(403));
    site.put("/rss.xml", rss(&site, 1..4));
    let rows = json_lines(&discover(&empty(), &site, &["-o", "ndjson"]).stdout);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["found_by"], "usual path");
    assert_eq!(rows[0]["url"], site.url("/rss.xml"));
    site.put("/robots.txt", Reply::new("text/plain", "User-agent: *\nDisallow: /rss\n"));
    let refused = discover(&empty(), &site, &[]);
    assert_eq!(refused.status.code(), Some(1), "a guess is no invitation: {}", text(&refused));
    assert!(stderr(&refused).contains("forbidden"), "{}", stderr(&refused));
}

#[test]
fn a_page_that_lists_feeds_is_followed() {
    let site = Site::start();
    head(&site, "", "<a href='/rss/'>RSS</a>");
    site.put(
        "/rss/",
        Reply::html("<p><a href='/rss/oil.xml'>Oil</a> <a href='/rss/'>here</a> <a href='/rss/2/'>more</a></p>"),
    );
    site.put("/rss/2/", Reply::html("<p><a href='/rss/gas.xml'>Gas</a></p>"));
    site.put("/rss/oil.xml", rss(&site, 1..4));
    site.put("/rss/gas.xml", rss(&site, 4..6));
    let rows = json_lines(&discover(&empty(), &site, &["-o", "ndjson"]).stdout);
    let urls: Vec<&str> = rows.iter().map(|row| row["url"].as_str().unwrap()).collect();
    assert_eq!(urls, [site.url("/rss/oil.xml")], "one page deep");
}

#[test]
fn a_configured_source_is_not_proposed_again() {
    let site = Site::start();
    head(&site, &feed_link("/feed.xml"), "");
    site.put("/feed.xml", rss(&site, 1..4));
    let output = discover(&Dir::new(&source("canal", &site.url("/feed.xml"))), &site, &[]);
    assert!(text(&output).contains("configured already, as canal"), "{}", text(&output));
    assert!(text(&output).parse::<toml::Table>().unwrap().is_empty());
}

#[test]
fn a_site_without_anything_to_poll_is_no_match() {
    let site = Site::start();
    head(&site, "", "<p>Nothing here.</p>");
    let output = discover(&empty(), &site, &[]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(output.stdout.is_empty() && stderr(&output).contains("nothing was found"), "{}", stderr(&output));
    assert_eq!(empty().run(&["sources", "discover", "news.example"]).status.code(), Some(2));
}

#[test]
fn a_hostile_site_stays_within_the_limits() {
    let site = Site::start();
    let private = "<link rel='alternate' type='application/rss+xml' href='http://169.254.169.254/feed'>";
    head(&site, &[private, &feed_link("/slow.xml"), &feed_link("/big.xml"), &feed_link("/feed.xml")].concat(), "");
    site.put("/slow.xml", Reply { delay: Duration::from_secs(3600), ..rss(&site, 7..9) });
    site.put("/big.xml", Reply::new("application/rss+xml", vec![b'<'; 11 << 20]));
    site.put("/feed.xml", rss(&site, 1..4));
    let sitemaps: String = (0..1_000).map(|number| format!("Sitemap: /{number}.xml\n")).collect();
    site.put("/robots.txt", Reply::new("text/plain", sitemaps));
    let output = discover(&empty(), &site, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    for part in ["169.254.169.254 is not a public address", "no whole answer within 5 s", "larger than"] {
        assert!(stderr(&output).contains(part), "{part}: {}", stderr(&output));
    }
    let table: toml::Table = text(&output).parse().unwrap();
    assert_eq!(table["source"][0]["url"].as_str(), Some(site.url("/feed.xml").as_str()));
    let asked: u64 = (0..1_000).map(|number| site.hits(&format!("/{number}.xml"))).sum();
    assert_eq!(asked, 4);
}

#[test]
fn a_site_of_a_thousand_feeds_is_not_asked_for_all() {
    let site = Site::start();
    let lists: String = (0..10).map(|list| feed_link(&format!("/rss/{list}"))).collect();
    head(&site, &lists, "");
    let feed = |list: usize, number: usize| format!("/rss/{list}/{number}.xml");
    for list in 0..10 {
        let links: String = (0..100).map(|number| feed_link(&feed(list, number))).collect();
        site.put(&format!("/rss/{list}"), Reply::html(format!("<html><head>{links}</head></html>")));
        (0..100)
            .for_each(|number| site.put(&feed(list, number), rss(&site, list * 100 + number..list * 100 + number + 2)));
    }
    let output = discover(&empty(), &site, &["-o", "ndjson"]);
    assert!(stderr(&output).contains("not everything was looked at"), "{}", stderr(&output));
    let asked: u64 =
        (0..10).flat_map(|list| (0..100).map(move |number| feed(list, number))).map(|path| site.hits(&path)).sum();
    assert!(asked > 0 && asked <= 30, "{asked}");
    assert_eq!(json_lines(&output.stdout).len() as u64, asked);
}

#[test]
fn an_endless_page_is_refused() {
    let site = Site::start();
    site.put("/", Reply::html(vec![b'a'; 11 << 20]));
    for command in ["discover", "test"] {
        let output = empty().run(&["sources", command, &site.url("/")]);
        assert_eq!(output.status.code(), Some(1), "{command}");
        assert!(stderr(&output).contains("too-large: "), "{}", stderr(&output));
    }
}

#[test]
fn a_test_of_a_source_says_what_a_poll_would_admit() {
    let site = Site::start();
    site.publish(1..=2);
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    let before = dir.run(&["sources", "test", "canal"]);
    assert_eq!(before.status.code(), Some(0));
    assert!(stderr(&before).contains("there is no store"), "{}", stderr(&before));
    assert!(!dir.path("store").exists(), "a test makes none");
    assert!(dir.run(&["once"]).status.success());
    let status = dir.status();
    let of = |path: &str, title: &str| Item::new(&site.url(path), title);
    site.put("/a/3", article("The third canal", &story(3)));
    let changed = of("/a/2", "The canal of district 2 is closed again");
    let mut no_web = of("/x", "Not of the web");
    no_web.link = "ftp://127.0.0.1/x".to_owned();
    let hostile = of("/a/3", &format!("Third{HOSTILE}"));
    let mut again = of("/a/3?utm_source=feed", "Third, again");
    again.guid = "again".to_owned();
    let known = of("/a/1", "Canal of district 1 carries water again");
    site.put(
        "/feed.xml",
        Reply { etag: Some("\"1\"".to_owned()), ..Reply::rss(&[known, changed, hostile, again, no_web]) },
    );
    let output = dir.run(&["sources", "test", "canal"]);
    let facts = stderr(&output);
    for part in ["status:     200", "kind:       feed (rss-2.0)", "charset:    utf-8", "ETag \"1\"", "5, 1 new"] {
        assert!(facts.contains(part), "{part}: {facts}");
    }
    let rows = json_lines(&output.stdout);
    let verdicts: Vec<&str> = rows.iter().map(|row| row["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts[..4], ["seen", "changed", "new", "duplicate"], "{rows:?}");
    assert!(matches!(verdicts[4], "not-http" | "no-address"), "{rows:?}");
    assert!(rows.iter().all(|row| row["why"].is_string()));
    let table = dir.run(&["sources", "test", "canal", "-o", "table"]);
    assert!(!text(&table).contains(is_obeyed) && text(&table).contains("VERDICT"), "{}", text(&table));
    assert_eq!(dir.status()["counts"], status["counts"], "nothing was admitted");
    assert_eq!(dir.run(&["sources", "test", "nosuch"]).status.code(), Some(1));
    assert_eq!(dir.run(&["sources", "test", "No Such"]).status.code(), Some(2));
}

#[test]
fn the_daemon_is_asked_what_is_known() {
    let site = Site::start();
    site.publish(1..=2);
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    let daemon = dir.daemon();
    crate::dir::wait_for("two records", || (dir.records().len() == 2).then_some(()));
    let rows = dir.json(&["sources", "test", "canal"]);
    assert!(rows.iter().all(|row| row["verdict"] == "seen"), "{rows:?}");
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn an_address_is_tested_as_what_comes() {
    let site = Site::start();
    head(&site, "", &front_page_links());
    site.put("/feed", rss(&site, 1..4));
    site.put("/map", sitemap(&site, 1..4, NEWS));
    let child = Reply::new(
        "text/xml",
        format!("<sitemapindex><sitemap><loc>{}</loc></sitemap></sitemapindex>", site.url("/map")),
    );
    site.put("/index", child);
    let dir = empty();
    for (path, kind, entries) in [
        ("/", "listing (listing page)", 8),
        ("/feed", "feed (rss-2.0)", 3),
        ("/map", "sitemap (news sitemap)", 3),
        ("/index", "sitemap (sitemap index)", 3),
    ] {
        let output = dir.run(&["sources", "test", &site.url(path)]);
        assert_eq!(output.status.code(), Some(0), "{path}: {}", stderr(&output));
        assert!(stderr(&output).contains(kind), "{path}: {}", stderr(&output));
        let rows: Vec<Value> = json_lines(&output.stdout);
        assert_eq!(rows.len(), entries, "{path}");
        assert!(rows.iter().all(|row| row["verdict"] == "new" && row["title"].is_string()), "{rows:?}");
    }
    assert!(!dir.path("store").exists());
    let as_feed = dir.run(&["sources", "test", &site.url("/"), "--kind", "feed"]);
    assert_eq!(as_feed.status.code(), Some(1));
    assert!(stderr(&as_feed).contains("html-instead-of-feed: an HTML page came"), "{}", stderr(&as_feed));
    site.put("/robots.txt", Reply::new("text/plain", "User-agent: *\nDisallow: /\n"));
    let disallowed = dir.run(&["sources", "test", &site.url("/feed")]);
    assert_eq!(disallowed.status.code(), Some(1));
    assert!(stderr(&disallowed).contains("--kind feed"), "{}", stderr(&disallowed));
    assert_eq!(dir.json(&["sources", "test", &site.url("/feed"), "--kind", "feed"]).len(), 3);
}

#[test]
fn without_settings_loopback_is_not_reached() {
    let dir = empty();
    for url in ["http://127.0.0.1:9/", "http://169.254.169.254/latest", "http://[::ffff:10.0.0.1]/"] {
        for command in ["test", "discover"] {
            let output = dir.bare(&["sources", command, url]).output().unwrap();
            assert_eq!(output.status.code(), Some(1), "{command} {url}");
            assert!(stderr(&output).contains("is not a public address"), "{url}: {}", stderr(&output));
        }
    }
}

#[test]
fn subscriptions_become_settings_and_come_back() {
    let sources = source("canal", "https://canal.example/feed?a=1&b=2")
        + "[[source]]\nid = \"page\"\nname = \"Page \\\"P\\\"\"\nurl = \"https://page.example/\"\nkind = \"listing\"\n\
           group = \"Water / Pages\"\ncountry = \"KZ\"\ninterval = \"90m\"\nrobots = \"ignore\"\nuser_agent = \"reader/{version}\"\n\n\
           [[source]]\nid = \"map\"\nurl = \"https://map.example/sitemap.xml\"\nkind = \"sitemap\"\ncountry = \"UZ\"\ncontent = \"page\"\n\
           timezone = \"Asia/Almaty\"\ncookies = true\nvalidators = \"ignore\"\n[source.listing]\nexclude = [\"/video/\"]\n";
    let dir = Dir::new(&sources);
    let opml = dir.run(&["sources", "export"]);
    assert_eq!(opml.status.code(), Some(0), "{}", stderr(&opml));
    assert_eq!(stderr(&opml), "map: left out: its [source.listing], which OPML has no place for\n");
    let other = empty();
    other.write("mine.opml", &text(&opml));
    let file = other.path("mine.opml").display().to_string();
    let imported = other.run(&["sources", "import", &file]);
    assert_eq!(stderr(&imported), "3 new sources\n");
    other.settle(&text(&imported));
    let checked = other.run(&["check"]);
    assert_eq!(checked.status.code(), Some(0), "{}\n{}", text(&imported), stderr(&checked));
    let again = text(&other.run(&["sources", "export"]));
    assert_eq!(again, text(&opml));
    assert!(again.contains("chapar:userAgent=\"reader/{version}\""), "{again}");
    let duplicates = dir.run(&["sources", "import", &file]);
    assert_eq!(duplicates.status.code(), Some(0));
    assert!(duplicates.stdout.is_empty() && stderr(&duplicates).contains("is there already, as canal"));
}

#[test]
fn lists_of_other_readers_are_imported_as_far_as_they_go() {
    let dir = Dir::new(&source("the-canal", "https://canal.example/feed"));
    dir.write(
        "reader.opml",
        &format!(
            "<opml version=\"1.0\"><body><outline text=\"Water{HOSTILE}\"><outline text=\"The Canal\" xmlUrl=\"http://www.canal.example/feed\"/>\
             <outline text=\"The Canal\" xmlUrl=\"https://other.example/feed\" language=\"Kazakh{HOSTILE}\"/>\
             <outline text=\"R&D & \"more\" &bogus;\"/></outline><outline text=\"Каналы{HOSTILE}\" xmlUrl=\"https://kanaly.example/rss\"/>"
        ),
    );
    let output = dir.run(&["sources", "import", &dir.path("reader.opml").display().to_string()]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(!text(&output).contains(is_obeyed) && !stderr(&output).contains(is_obeyed), "{:?}", text(&output));
    for part in ["as the-canal", "it has no xmlUrl", "the-canal-2: left out: ", "it was cut off", "2 new sources"] {
        assert!(stderr(&output).contains(part), "{part}: {}", stderr(&output));
    }
    let table: toml::Table = text(&output).parse().unwrap();
    let ids: Vec<&str> = table["source"].as_array().unwrap().iter().filter_map(|one| one["id"].as_str()).collect();
    assert_eq!(ids, ["the-canal-2", "kanaly"]);
    assert_eq!(table["source"][0]["group"].as_str(), Some("Water[31m›2J"));
    dir.settle(&text(&output));
    assert_eq!(dir.run(&["check"]).status.code(), Some(0));
}

#[test]
fn files_that_are_no_subscriptions_are_named() {
    let dir = Dir::new(&source("canal", "https://canal.example/feed"));
    let deep = format!("<opml><body>{}", "<outline text='a'>".repeat(100_000));
    let cases = [
        ("page.opml", "<html><body>Sign in\u{1b}[2J</body></html>".to_owned(), "this is not OPML: it begins \"<html>"),
        ("empty.opml", String::new(), "this is not OPML"),
        ("none.opml", "<opml><body></body></opml>".to_owned(), "there is no subscription"),
        (
            "outline.opml",
            "<opml><body><outline text=\"Folder\"></outline></body></opml>".to_owned(),
            "there is no subscription",
        ),
        ("deep.opml", deep, "nested more than 64 deep"),
        ("large.opml", " ".repeat(50 << 20), "larger than 16 MiB"),
    ];
    for (name, content, message) in cases {
        dir.write(name, &content);
        let output = dir.run(&["sources", "import", &dir.path(name).display().to_string()]);
        assert_eq!(output.status.code(), Some(1), "{name}");
        assert!(stderr(&output).contains(message), "{name}: {}", stderr(&output));
        assert!(output.stdout.is_empty() && !stderr(&output).contains(is_obeyed), "{name}");
    }
    let missing = dir.run(&["sources", "import", "nowhere.opml"]);
    assert!(stderr(&missing).contains("nowhere.opml: No such file"), "{}", stderr(&missing));
}
