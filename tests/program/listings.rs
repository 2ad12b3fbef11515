//! Lists and sitemaps: what a poll reads beyond the first address, and what it leaves out.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::dir::{Dir, source};
use crate::site::{Reply, Site, article, story};

/// A page that lists articles by number, and says more at its end.
fn list(numbers: &[usize], more: &str) -> Reply {
    let item =
        |number: &usize| format!("<li><a href=\"/a/{number}\">Canal of district {number} carries water</a></li>");
    Reply::html(format!("<html><body><ul>{}</ul>{more}</body></html>", numbers.iter().map(item).collect::<String>()))
}

/// A site with the articles of these numbers.
fn site(numbers: &[usize]) -> Site {
    let site = Site::start();
    for number in numbers {
        site.put(
            &format!("/a/{number}"),
            article(&format!("Canal of district {number} carries water"), &story(*number)),
        );
    }
    site
}

/// A source of this kind, with its `[source.listing]`.
fn of_kind(kind: &str, url: &str, listing: &str) -> String {
    let source = source("list", url).replace("kind = \"feed\"", &format!("kind = \"{kind}\""));
    format!("{source}\n[source.listing]\n{listing}\n")
}

/// The numbers of the articles that one pass records.
fn recorded(site: &Site, settings: &str) -> Vec<usize> {
    let dir = Dir::new(settings);
    let output = dir.run(&["once"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let number = |url: &str| url.strip_prefix(&site.url("/a/")).and_then(|number| number.parse().ok());
    let mut numbers: Vec<usize> =
        dir.records().iter().map(|record| number(record["url"].as_str().unwrap()).unwrap()).collect();
    numbers.sort_unstable();
    numbers
}

#[test]
fn pages_are_followed_until_one_brings_nothing_new() {
    let site = site(&[1, 2, 3, 4, 5, 6]);
    site.put("/list", list(&[6, 5], "<a class=\"more\" href=\"/list/2\">Older</a>"));
    site.put("/list/2", list(&[5, 4, 3], "<a class=\"more\" href=\"/list/3\">Older</a>"));
    site.put("/list/3", list(&[4, 3], "<a class=\"more\" href=\"/list/4\">Older</a>"));
    site.put("/list/4", list(&[2, 1], ""));
    let rule = "item = \"li\"\nnext = \"a.more\"\npages = 20";
    assert_eq!(recorded(&site, &of_kind("listing", &site.url("/list"), rule)), [3, 4, 5, 6]);
    assert_eq!((site.hits("/list/3"), site.hits("/list/4")), (1, 0));
}

#[test]
fn no_more_pages_are_read_than_are_set_and_none_of_another_site() {
    let site = site(&[1, 2, 3]);
    site.put("/list", list(&[3], "<link rel=\"next\" href=\"/list/2\">"));
    site.put("/list/2", list(&[2], "<a rel=\"next\" href=\"/list/3\">Older</a>"));
    site.put("/list/3", list(&[1], ""));
    assert_eq!(recorded(&site, &of_kind("listing", &site.url("/list"), "item = \"li\"")), [3]);
    assert_eq!(recorded(&site, &of_kind("listing", &site.url("/list"), "item = \"li\"\npages = 2")), [2, 3]);
    site.put("/list", list(&[3], "<a rel=\"next\" href=\"http://127.0.0.2:9/list/2\">Older</a>"));
    assert_eq!(recorded(&site, &of_kind("listing", &site.url("/list"), "item = \"li\"\npages = 5")), [3]);
}

#[test]
fn a_page_that_fails_takes_nothing_from_those_before() {
    let site = site(&[1, 2, 3]);
    site.put("/list/1", Reply { etag: Some("\"v1\"".to_owned()), ..list(&[3], "") });
    site.put("/list/2", list(&[2], ""));
    site.put("/list/3", Reply::status(500));
    let rule = "item = \"li\"\npages = 5\npage = \"/list/{page}\"";
    let settings = of_kind("listing", &site.url("/list/1"), rule);
    assert_eq!(recorded(&site, &settings), [2, 3]);
    // What the failed page holds is not lost behind a 304 of the first.
    let dir = Dir::new(&settings);
    assert!(dir.run(&["once"]).status.success());
    site.put("/list/3", list(&[1], ""));
    assert!(dir.run(&["once"]).status.success());
    assert_eq!(dir.records().len(), 3);
}

#[test]
fn an_address_may_name_the_day() {
    let site = site(&[1]);
    let today = jiff::Zoned::now().with_time_zone(jiff::tz::TimeZone::UTC).date();
    // The pass may begin before midnight and end after it.
    for day in [today, today.tomorrow().unwrap()] {
        site.put(&format!("/news/{day}/"), list(&[1], ""));
    }
    assert_eq!(recorded(&site, &of_kind("listing", &site.url("/news/{yyyy}-{mm}-{dd}/"), "item = \"li\"")), [1]);
}

#[test]
fn patterns_say_which_addresses_count_for_every_kind_of_source() {
    let site = site(&[1, 2, 3]);
    let patterns = "include = ['/a/\\d+$']\nexclude = ['/a/2$']";
    site.put("/list", list(&[1, 2, 3], "<li><a href=\"/b/4\">Elsewhere nothing at all happened</a></li>"));
    assert_eq!(recorded(&site, &of_kind("listing", &site.url("/list"), patterns)), [1, 3]);
    let location = |path: &str| format!("<url><loc>{}</loc></url>", site.url(path));
    let urlset = ["/a/1", "/a/2", "/a/3", "/b/4"].map(location).concat();
    site.put("/sitemap.xml", Reply::new("application/xml", format!("<urlset>{urlset}</urlset>")));
    assert_eq!(recorded(&site, &of_kind("sitemap", &site.url("/sitemap.xml"), patterns)), [1, 3]);
    site.publish(1..=3);
    assert_eq!(recorded(&site, &of_kind("feed", &site.url("/feed.xml"), patterns)), [1, 3]);
}

#[test]
fn an_index_leads_to_its_newest_sitemaps_packed_or_not() {
    let site = site(&[1, 2, 3]);
    let urlset =
        |number: usize| format!("<urlset><url><loc>{}</loc></url></urlset>", site.url(&format!("/a/{number}")));
    let packed = |text: String| {
        let mut packer = GzEncoder::new(Vec::new(), Compression::default());
        packer.write_all(text.as_bytes()).unwrap();
        packer.finish().unwrap()
    };
    let index = |paths: &[&str]| {
        let child = |path: &&str| format!("<sitemap><loc>{}</loc></sitemap>", site.url(path));
        format!("<sitemapindex>{}</sitemapindex>", paths.iter().map(child).collect::<String>())
    };
    let top = index(&["/category-sitemap.xml", "/post-sitemap1.xml.gz", "/post-sitemap12.xml", "/2026/index.xml"]);
    site.put("/sitemap.xml", Reply::new("application/xml", top));
    site.put("/post-sitemap1.xml.gz", Reply::new("application/x-gzip", packed(urlset(1))));
    site.put("/post-sitemap12.xml", Reply::new("application/xml", urlset(2)));
    site.put("/2026/index.xml", Reply::new("application/xml", index(&["/2026/11.xml"])));
    site.put("/2026/11.xml", Reply::new("application/xml", urlset(3)));
    site.put("/category-sitemap.xml", Reply::new("application/xml", urlset(9)));
    assert_eq!(recorded(&site, &of_kind("sitemap", &site.url("/sitemap.xml"), "")), [1, 2, 3]);
    assert_eq!(site.hits("/category-sitemap.xml"), 0);
}
