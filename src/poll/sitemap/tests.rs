//! Sitemaps of every kind, and what comes instead of them.

use super::*;
use proptest::prelude::*;

fn read_text(text: &str) -> Result<Sitemap, SitemapError> {
    let url = Url::parse("https://news.example/sitemap.xml").expect("an address");
    read(text.as_bytes(), &url, &TimeZone::UTC, Some("2025-08-15T10:00:00Z".parse().expect("a time")))
}

fn check(text: &str, expected: &[&str]) {
    let sitemap = read_text(text).expect("it is a sitemap");
    let line = |entry: &Announced| {
        let date = |time: Option<OffsetTime>| time.map_or("-".to_owned(), |time| time.to_string());
        let url = entry.url.as_ref().map_or("-", Url::as_str);
        let title = entry.title.as_deref().unwrap_or("-");
        format!("{url} {title} {} {}", date(entry.date_published), date(entry.date_modified))
    };
    let mut lines: Vec<String> = sitemap.entries.iter().map(line).collect();
    lines.extend(sitemap.children.iter().map(Url::to_string));
    assert_eq!(lines, expected);
}

#[test]
fn sitemaps_of_every_kind() {
    check(
        "<urlset><url><loc>https://news.example/a</loc><lastmod>2024-01-01</lastmod></url>\
         <url><loc> /b?x=1&amp;y=2 </loc><lastmod>2024-02-01T10:00:00+05:00</lastmod></url><url><loc>javascript:x</loc></url>\
         <url><loc>https://news.example/c</loc></url></urlset>",
        &[
            "https://news.example/b?x=1&y=2 - - 2024-02-01T10:00:00+05:00",
            "https://news.example/a - - 2024-01-01T00:00:00+00:00",
            "https://news.example/c - - -",
        ],
    );
    check(
        "<urlset xmlns:news='x'><url><loc>https://news.example/n</loc><image:image><image:loc>/i.jpg</image:loc>\
         <image:title>no</image:title></image:image><news:news><news:publication><news:name>N</news:name></news:publication>\
         <news:publication_date>2025-08-15T08:00:00Z</news:publication_date><news:title><![CDATA[Oil & gas]]></news:title>\
         </news:news></url></urlset>",
        &["https://news.example/n Oil & gas 2025-08-15T08:00:00+00:00 -"],
    );
    check(
        "<sitemapindex><sitemap><loc>https://news.example/old.xml</loc><lastmod>2020-01-01</lastmod></sitemap>\
         <sitemap><loc>https://news.example/new.xml</loc><lastmod>2025-01-01</lastmod></sitemap></sitemapindex>",
        &["https://news.example/new.xml", "https://news.example/old.xml"],
    );
    check(
        "<urlset><url><loc>https://news.example/a</loc></url><url><loc>https://news.ex",
        &["https://news.example/a - - -"],
    );
}

#[test]
fn titles_hold_no_control_characters() {
    check(
        "<urlset><url><loc>/a</loc><news:title>A &#27;[2J \u{7}title</news:title></url></urlset>",
        &["https://news.example/a A [2J title - -"],
    );
}

#[test]
fn what_is_no_sitemap_is_named() {
    for (text, part) in [
        ("  ", "empty"),
        ("some words", "plain text"),
        ("<p>one</p><p>two</p>", "other markup"),
        ("<html><title>Nothing here</title>", "an HTML page came instead of a sitemap: \"Nothing here\""),
        ("<rss></rss>", "kind = \"feed\""),
        ("<urlset><url><loc>https://a", "cut off"),
    ] {
        let message = read_text(text).expect_err("it is no sitemap").to_string();
        assert!(message.contains(part), "{message}");
    }
    for (bytes, part) in [
        (b"\x1f\x8b\x08\0\0".as_slice(), "breaks off at its beginning"),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xff\xff\xff\xff", "cannot be unpacked"),
        (b"\x28\xb5\x2f\xfd\0\0\0\0", "zstd"),
    ] {
        let url = Url::parse("https://news.example/sitemap.xml.gz").expect("an address");
        let message = read(bytes, &url, &TimeZone::UTC, None).expect_err("it is packed").to_string();
        assert!(message.contains(part), "{message}");
    }
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut packer, bytes).expect("memory takes it");
    packer.finish().expect("memory takes it")
}

fn read_bytes(bytes: &[u8]) -> Result<Sitemap, SitemapError> {
    let url = Url::parse("https://news.example/sitemap.xml.gz").expect("an address");
    read(bytes, &url, &TimeZone::UTC, None)
}

#[test]
fn packed_sitemaps_are_unpacked_as_far_as_they_go_and_no_further_than_the_limit() {
    let location = |n: usize| format!("<url><loc>https://news.example/{n}</loc></url>");
    let text = format!("<urlset>{}</urlset>", (0..2_000).map(location).collect::<String>());
    let file = packed(text.as_bytes());
    let whole = read_bytes(&file).expect("a sitemap");
    assert!(whole.entries.len() == 2_000 && !whole.truncated);
    let cut = read_bytes(&file[..file.len() / 2]).expect("half a sitemap");
    assert!((1..2_000).contains(&cut.entries.len()) && cut.truncated);
    let bomb = packed(&vec![b' '; SITEMAP_BYTES_MAX + 1]);
    assert!(bomb.len() < 64 << 10, "{}", bomb.len());
    assert_eq!(read_bytes(&bomb).map_err(|error| error.reason()), Err("bad-gzip"));
}

#[test]
fn odd_forms_of_sitemaps_are_read() {
    let prefixed = "<sm:urlset xmlns:sm='http://www.sitemaps.org/schemas/sitemap/0.9'><sm:url><sm:loc>/a</sm:loc>\
        <i:image><i:loc>/p.jpg</i:loc></i:image></sm:url></sm:urlset>";
    check(prefixed, &["https://news.example/a - - -"]);
    check(
        "\u{feff}\n<br />\n<b>Warning</b>: line 7\n<urlset><url><loc><![CDATA[ https://news.example/a?x=1&y=2 ]]></loc></url></urlset>",
        &["https://news.example/a?x=1&y=2 - - -"],
    );
    check(
        "\u{feff}https://news.example/a\r\nhttps://other.example/b\n\n  https://ru.news.example/c \n",
        &["https://news.example/a - - -", "https://ru.news.example/c - - -"],
    );
    check(
        "<urlset><url><loc>https://other.example/a</loc></url><url><loc>https://kg.news.example/b</loc></url></urlset>",
        &["https://kg.news.example/b - - -"],
    );
    check(
        "<sitemapindex><sitemap><loc>https://other.example/a.xml</loc></sitemap><sitemap><loc>/b.xml</loc></sitemap></sitemapindex>",
        &["https://news.example/b.xml"],
    );
}

#[test]
fn no_more_is_announced_than_the_limits() {
    let many = |inner: &str, count: usize| inner.repeat(count);
    let pages =
        read_text(&format!("<urlset>{}</urlset>", many("<url><loc>/a</loc></url>", 60_000))).expect("a sitemap");
    assert_eq!(pages.entries.len(), LOCATIONS_MAX);
    let index = read_text(&format!("<sitemapindex>{}", many("<sitemap><loc>/a</loc></sitemap>", 1_000)));
    assert_eq!(index.expect("an index").children.len(), 200);
}

proptest! {
    #[test]
    fn any_text_is_survived(text in "(<urlset>|<url>|</url>|<loc>|</loc>|<news:title>|<!\\[CDATA\\[|[a-z<>&;/]|ж){0,40}") {
        let _ = read_text(&text);
        let _ = read_text(&format!("<urlset>{text}"));
    }

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0_usize..400) {
        let _ = read_bytes(&bytes);
        let file = packed(&bytes);
        let _ = read_bytes(&file[..cut.min(file.len())]);
        let _ = read_bytes(&[b"\x1f\x8b\x08".as_slice(), &bytes].concat());
    }
}
