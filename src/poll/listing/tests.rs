//! Listing pages in the style of the region's news sites.

use proptest::prelude::*;

use super::*;
use crate::rules::RuleFiles;
use crate::site_rules::SiteRules;

fn read_page(page: &str, rule: Option<&ListingRule>) -> Result<Vec<Announced>, ListingError> {
    let url = Url::parse("https://www.news.example/kz/news").expect("an address");
    let zone = TimeZone::fixed(jiff::tz::offset(5));
    read(
        page.as_bytes(),
        Some("text/html; charset=utf-8"),
        &url,
        rule,
        &zone,
        Some("2025-08-15T10:00:00Z".parse().expect("a time")),
    )
    .map(|listing| listing.entries)
}

fn rule(item: &str, link: Option<&str>, title: Option<&str>, date: Option<&str>) -> ListingRule {
    let selector = |text: &str| Selector::parse(text).expect("a selector");
    ListingRule {
        item: Some(selector(item)),
        link: link.map(selector),
        title: title.map(selector),
        date: date.map(selector),
        ..ListingRule::default()
    }
}

/// One line per entry: path, title, date.
fn check(page: &str, rule: Option<&ListingRule>, expected: &[&str]) {
    let lines: Vec<String> = read_page(page, rule)
        .expect("it is a listing")
        .iter()
        .map(|entry| {
            let url = entry.url.as_ref().expect("a listing gives addresses");
            let date = entry.date_published.map_or("-".to_owned(), |date| date.to_string());
            format!("{} {} {date}", url.path(), entry.title.as_deref().unwrap_or("-"))
        })
        .collect();
    assert_eq!(lines, expected);
}

const FRONT_PAGE: &str = r##"<!DOCTYPE html><html><head><title>Example news</title></head><body class="has-sidebar">
<header><a href="/">Example</a><nav><ul>
 <li><a href="/kz/politics-and-society">Politics and society today</a></li><li><a href="/kz/economy-and-business">Economy and business today</a></li>
 <li><a href="/kz/culture-and-sport">Culture and sport today</a></li><li><a href="/kz/video-and-photo">Video and photo reports</a></li></ul></nav></header>
<div class="ticker"><a href="/rates/2025/usd">USD 538.12 +0.4</a><a href="/rates/2025/eur">EUR 629.90 -1.2</a><a href="/rates/2025/rub">RUB 6.74 +0.01</a></div>
<main><div class="lead"><a class="lead__link" href="/kz/news/100200-railway-to-the-port"><img src="a.jpg" alt="Railway"></a>
 <h1><a href="/kz/news/100200-railway-to-the-port">Railway to the port is opened ahead of schedule</a></h1></div>
<div class="list">
 <div class="card"><a href="/kz/news/100199-grain-harvest"><img src="b.jpg"></a><h3><a href="/kz/news/100199-grain-harvest#top">Grain harvest <b>exceeds</b> last year</a></h3><time datetime="2025-08-15T09:00:00+05:00">09:00</time></div>
 <div class="card first"><h3><a href="https://www.news.example/kz/news/100198-new-dam">Ministry plans a new dam in the south</a></h3><span class="card__date">14 августа, 18:30</span></div>
 <div class="card"><h3><a href="/kz/news/100197-university">University takes in a thousand students</a></h3><span class="card__date">14 августа, 17:00</span></div>
 <div class="card"><h3><a href="/kz/news/100196-teachers">Teachers are promised higher pay</a></h3><a href="/kz/tags/school">school and university</a><a href="/kz/news/100196-teachers">Read more…</a></div>
 <div class="card"><h3><a href="https://other.example/kz/news/100195-advert">Elsewhere somebody sells a fine carpet</a></h3></div>
</div>
<div class="pagination"><a href="/kz/news?page=2">2</a><a href="/kz/news?page=3">3</a><a rel="next" href="/kz/news/next-page-of-all-news">Next page of news</a></div></main>
<aside class="sidebar"><h4>Most read</h4><ul><li><a href="/kz/news/90001-old-story">An old story that everybody still reads</a></li>
 <li><a href="/kz/news/90002-older-story">An even older story about the weather</a></li><li><a href="/kz/news/90003-oldest">The oldest story of them all</a></li></ul></aside>
<footer><a href="/about/editorial-office-and-contacts">Editorial office and its contacts</a><a href="mailto:x@news.example">Write to us today</a></footer></body></html>"##;

#[test]
fn the_article_links_of_a_front_page_are_discovered() {
    check(
        FRONT_PAGE,
        None,
        &[
            "/kz/news/100200-railway-to-the-port Railway to the port is opened ahead of schedule -",
            "/kz/news/100199-grain-harvest Grain harvest exceeds last year 2025-08-15T09:00:00+05:00",
            "/kz/news/100198-new-dam Ministry plans a new dam in the south 2025-08-14T18:30:00+05:00",
            "/kz/news/100197-university University takes in a thousand students 2025-08-14T17:00:00+05:00",
            "/kz/news/100196-teachers Teachers are promised higher pay -",
        ],
    );
}

#[test]
fn cards_that_are_links_are_discovered() {
    let card = |n: usize, title: &str| {
        format!(
            "<a class='item item-{n}' href='/news/2025/08/0{n}/slug-{n}'><span class='time'>10:0{n} / 0{n}.08.2025</span><p class='item__title'>{title}</p><span class='views'>12{n}</span></a>"
        )
    };
    let page = format!(
        "<html><body><ul><li><a href='/news/list'>Барлық жаңалықтар тізімі</a></li></ul><div>{}{}{}</div></body></html>",
        card(3, "Үкімет жаңа жоспарды бекітті"),
        card(2, "Астанада көрме ашылды бүгін"),
        card(1, "Мектептер жаңа оқу жылына дайын")
    );
    check(
        &page,
        None,
        &[
            "/news/2025/08/03/slug-3 Үкімет жаңа жоспарды бекітті 2025-08-03T10:03:00+05:00",
            "/news/2025/08/02/slug-2 Астанада көрме ашылды бүгін 2025-08-02T10:02:00+05:00",
            "/news/2025/08/01/slug-1 Мектептер жаңа оқу жылына дайын 2025-08-01T10:01:00+05:00",
        ],
    );
}

/// The paths that are found on a page that is nothing but these links, each in a block of its own.
fn check_links(blocks: &[&[(&str, &str)]], expected: &[&str]) {
    let block = |links: &&[(&str, &str)]| {
        let links: String =
            links.iter().map(|(path, title)| format!("<li><a href='{path}'>{title}</a></li>")).collect();
        format!("<ul>{links}</ul>")
    };
    let page: String = blocks.iter().map(block).collect();
    let found = read_page(&format!("<html><body>{page}</body></html>"), None).unwrap_or_default();
    let paths: Vec<&str> = found.iter().filter_map(|entry| Some(entry.url.as_ref()?.path())).collect();
    assert_eq!(paths, expected, "{blocks:?}");
}

#[test]
fn folders_that_are_named_like_lists_may_hold_articles() {
    let title = "Parliament passes a new law today";
    for folder in ["page", "about", "user", "category", "category/economy", "search"] {
        let paths = [1, 2, 3].map(|n| format!("/{folder}/202{n}-new-law-on-water-is-passed"));
        let [a, b, c] = paths.each_ref().map(String::as_str);
        check_links(&[&[(a, title), (b, title), (c, title)]], &[a, b, c]);
    }
    for folder in ["page", "page/2", "search", "user", "about"] {
        let paths = ["10001", "10002", "10003"].map(|end| format!("/{folder}/{end}"));
        let [a, b, c] = paths.each_ref().map(String::as_str);
        check_links(&[&[(a, title), (b, title), (c, title)]], &[]);
    }
    check_links(
        &[&[("/tag/law-on-the-water", title), ("/tag/law-on-the-air", title), ("/tag/law-on-the-soil", title)]],
        &[],
    );
}

#[test]
fn sections_do_not_pass_for_articles() {
    let sections = [
        ("/ru/section/all-about-the-economy", "All about the economy of the country"),
        ("/ru/section/all-about-the-culture", "All about the culture of the country"),
        ("/ru/section/all-about-the-science", "All about the science of the country"),
    ];
    let news =
        [("/ru/news/1001", "Dam is opened"), ("/ru/news/1002", "Rates go down"), ("/ru/news/1003", "Snow has come")];
    check_links(&[&sections, &news], &["/ru/news/1001", "/ru/news/1002", "/ru/news/1003"]);
    let folders = [
        ("/news-of-the-economy-and-trade", "All about the economy of the country"),
        ("/news-of-the-culture-and-arts", "All about the culture of the country"),
        ("/news-of-the-science-and-space", "All about the science of the country"),
    ];
    let inside = [
        ("/news-of-the-economy-and-trade/dam", "The new dam is opened today"),
        ("/news-of-the-culture-and-arts/show", "The new show is opened today"),
        ("/news-of-the-science-and-space/moon", "The moon is reached again today"),
    ];
    check_links(&[&folders, &inside], &inside.map(|(path, _)| path));
}

#[test]
fn pages_that_ask_for_gigabytes_cost_what_they_weigh() {
    let numbered = |count: usize, part: &str| (0..count).map(|n| part.replace('K', &n.to_string())).collect::<String>();
    let nine = format!("<b n=K>{}</b>{}", "<div>".repeat(9), "</div>".repeat(9));
    let links = numbered(20, "<p><a href=/news/2024/01/a-long-slug-K>A headline of the article number K here</a>");
    for (name, page) in [
        ("unclosed", format!("<div>{}</div>{}{links}", numbered(240, "<b n=K>"), "<p>x".repeat(40_000))),
        ("overlapping", format!("<div>{}</div>{}{links}", numbered(2_000, &nine), "<p>x".repeat(3_000))),
    ] {
        assert_eq!(read_page(&format!("<html><body>{page}"), None).map(|entries| entries.len()), Ok(20), "{name}");
    }
}

#[test]
fn a_rule_says_where_things_stand() {
    let page = "<html><head><base href='https://news.example/deep/'></head><body>\
        <div class='row'><i>12:40</i><a class='t' href='one?x=1#c'>One <em>new</em> thing</a><time data-unixtime='1755240000'>now</time></div>\
        <div class='row'><a class='t' href='//kg.news.example/two'>Two</a></div><div class='row'>no link</div>\
        <div class='row'><a class='t' href='https://elsewhere.example/x'>Other</a></div><div class='row'><a class='t' href='one?x=1'>Again</a></div>\
        </body></html>";
    check(
        page,
        Some(&rule(".row", Some("a.t"), None, Some("time"))),
        &["/deep/one One new thing 2025-08-15T06:40:00+00:00", "/two Two -"],
    );
    check(page, Some(&rule("a.t", None, Some("em"), None)), &["/deep/one new -", "/two - -"]);
}

/// The date of each entry of a page read at 15:00 of 15 August 2025 by the publisher's clock.
fn check_dates(page: &str, rule: Option<&ListingRule>, expected: &[&str]) {
    let entries = read_page(page, rule).expect("it is a listing");
    let dates: Vec<String> =
        entries.iter().map(|entry| entry.date_published.map_or("-".to_owned(), |date| date.to_string())).collect();
    let dates: Vec<&str> = dates.iter().map(|date| date.strip_suffix(":00+05:00").unwrap_or(date)).collect();
    assert_eq!(dates, expected, "{page}");
}

#[test]
fn a_time_alone_is_of_today_or_of_yesterday() {
    let times = ["14:05", "в 09:00", "00:10 | Society", "15:30", "24:10", "7:3", "10:00 12", "5 views"];
    let items = times.iter().enumerate().map(|(n, time)| format!("<li><b>{time}</b> <a href='/n/{n}'>News</a></li>"));
    let rule = rule("li", None, None, Some("b"));
    check_dates(
        &items.collect::<String>(),
        Some(&rule),
        &["2025-08-15T14:05", "2025-08-15T09:00", "2025-08-15T00:10", "2025-08-14T15:30", "-", "-", "-", "-"],
    );
    let url = Url::parse("https://news.example/list").expect("an address");
    let page = b"<li><b>14:05</b> <a href='/n/1'>News</a></li>";
    let listing = read(page, None, &url, Some(&rule), &TimeZone::UTC, None).expect("a listing");
    assert_eq!(listing.entries[0].date_published, None, "nobody knows the day");
}

#[test]
fn below_yesterdays_times_a_time_of_today_may_be_of_any_day() {
    let item = |n: usize, time: &str| {
        format!("<li><time>{time}</time><a href='/news/{n}0001'>The news of the day number {n}</a></li>")
    };
    let list: String =
        ["14:00", "23:50", "20:00", "14:30", "19:00"].iter().enumerate().map(|(n, t)| item(n, t)).collect();
    let expected = ["2025-08-15T14:00", "2025-08-14T23:50", "2025-08-14T20:00", "-", "2025-08-14T19:00"];
    check_dates(&format!("<ul>{list}</ul>"), Some(&rule("li", None, None, Some("time"))), &expected);
    check_dates(&format!("<ul>{list}</ul>"), None, &expected);
}

#[test]
fn the_day_of_an_advertised_article_is_not_the_days_of_the_list() {
    let item = |n: usize, time: &str| {
        format!("<li><time>{time}</time><a href='/news/{n}0001'>The news of the day number {n}</a></li>")
    };
    let list = |between: &str| {
        format!("<main><ul>{}{between}{}{}</ul></main>", item(1, "14:00"), item(2, "13:00"), item(3, "12:00"))
    };
    let card = "<div class='card'><a href='https://other.example/special/20250701'>A long read of last month</a><span>1 июля 2025</span></div>";
    let header = "<div class='day'><a href='/archive/2025/08/14'>14 августа 2025</a></div>";
    let with_rule = rule("li", None, None, Some("time"));
    check_dates(&list(card), Some(&with_rule), &["2025-08-15T14:00", "2025-08-15T13:00", "2025-08-15T12:00"]);
    check_dates(&list(header), Some(&with_rule), &["2025-08-15T14:00", "2025-08-14T13:00", "2025-08-14T12:00"]);
}

#[test]
fn titles_hold_no_control_characters() {
    let page =
        "<ul><li><a href='/a/1'>One &#27;[2J title</a></li><li><a href='/a/2' title='Two&#155;K titles'></a></li></ul>";
    check(page, Some(&rule("li", None, None, None)), &["/a/1 One [2J title -", "/a/2 Two›K titles -"]);
}

#[test]
fn what_was_some_time_ago_is_dated_from_now() {
    let times =
        ["5 минут назад", "2 сағат бұрын", "3 soat oldin", "2 hours ago", "час назад", "1 күн мурун", "5 лет назад"];
    let items = times.iter().enumerate().map(|(n, time)| format!("<li><i>{time}</i><a href='/n/{n}'>News</a></li>"));
    check_dates(
        &items.collect::<String>(),
        Some(&rule("li", None, None, Some("i"))),
        &[
            "2025-08-15T14:55",
            "2025-08-15T13:00",
            "2025-08-15T12:00",
            "2025-08-15T13:00",
            "2025-08-15T14:00",
            "2025-08-14T00:00",
            "-",
        ],
    );
}

#[test]
fn headers_name_the_day_of_the_times_below() {
    let item = |n: usize, time: &str| {
        format!("<li><time>{time}</time><a href='/news/{n}0001'>The news of the day number {n}</a></li>")
    };
    let groups = format!(
        "<div class='top'><span>15 августа 2025</span></div><main><h2>Бүгін</h2><ul>{}{}</ul><h2>Вчера</h2><ul>{}</ul>\
         <section><h3>13 августа 2025</h3>{}</section><h3>12 августа</h3><ul>{}{}</ul></main>",
        item(1, "14:00"),
        item(2, "23:00"),
        item(3, "23:00"),
        item(4, "08:00"),
        item(5, "07:00"),
        item(6, "11.08.2025 06:00"),
    );
    let expected =
        ["2025-08-15T14:00", "-", "2025-08-14T23:00", "2025-08-13T08:00", "2025-08-12T07:00", "2025-08-11T06:00"];
    check_dates(&groups, Some(&rule("li", None, None, Some("time"))), &expected);
    check_dates(&groups, None, &expected);
    let named = ListingRule { day: Selector::parse("h2").ok(), ..rule("li", None, None, Some("time")) };
    check_dates(
        &groups,
        Some(&named),
        &[&expected[..3], &["2025-08-14T08:00", "2025-08-14T07:00", expected[5]]].concat(),
    );
}

#[test]
fn the_next_page_is_named_by_selector_or_relation_and_of_the_same_site() {
    let next = |links: &str, selector: Option<&str>| {
        let page = format!(
            "<html><head><title>News</title></head><body><ul><li><a href='/a/1'>One</a></li></ul>{links}</body></html>"
        );
        let selector = selector.and_then(|selector| Selector::parse(selector).ok());
        let rule = ListingRule { next: selector, ..rule("li", None, None, None) };
        let url = Url::parse("https://www.news.example/list").expect("an address");
        let listing = read(page.as_bytes(), None, &url, Some(&rule), &TimeZone::UTC, None).expect("a listing");
        listing.next.map(|url| url[url::Position::BeforePath..].to_owned())
    };
    let pager = "<div class='older'><a href='?page=2'>Older</a></div><a rel='nofollow next' href='/r/2'>Next</a>";
    assert_eq!(next(pager, Some(".older")).as_deref(), Some("/list?page=2"));
    assert_eq!(next(pager, Some("a[href*=page]")).as_deref(), Some("/list?page=2"));
    assert_eq!(next(pager, Some(".gone")), None);
    assert_eq!(next(pager, None).as_deref(), Some("/r/2"));
    assert_eq!(next("<link rel=next href='https://m.news.example/2'>", None).as_deref(), Some("/2"));
    assert_eq!(next("<a rel=next href='https://other.example/2'>Next</a>", None), None);
    assert_eq!(next("<a rel=next href='/list#more'>Next</a>", None), None);
}

#[test]
fn what_announces_nothing_is_named() {
    let deep = "<div>".repeat(1_000);
    let tags = "<br>".repeat(60_000);
    let attributes = format!("<a {}>", "x=1 y ".repeat(1_000));
    for (page, part) in [
        (deep.as_str(), "nested more than 160 deep"),
        (&tags, "more than 50000 tags"),
        (&attributes, "more than 128 attributes"),
        (" ", "empty"),
        ("{\"a\": 1}", "JSON came"),
        ("just words", "plain text came"),
        ("<?xml version='1.0'?><rss version='2.0'></rss>", "kind = \"feed\""),
        ("<urlset></urlset>", "kind = \"sitemap\""),
        ("<html><body><p>Checking your browser \u{1b}[2J</p></body></html>", "begins \"Checking your browser [2J\""),
    ] {
        let message = read_page(page, None).expect_err("nothing is announced").to_string();
        assert!(message.contains(part), "{message}");
    }
    let changed =
        read_page(FRONT_PAGE, Some(&rule(".gone", None, None, None))).expect_err("it matches nothing").to_string();
    assert!(changed.contains("has the site changed?"), "{changed}");
    let large = vec![b' '; 1].into_iter().chain(std::iter::repeat_n(b'x', LISTING_BYTES_MAX)).collect::<Vec<u8>>();
    assert!(
        read_page(&String::from_utf8_lossy(&large), None).is_err_and(|error| matches!(error, ListingError::Limit(_)))
    );
}

#[test]
fn large_pages_end_soon() {
    let links: String =
        (0..20_000).map(|n| format!("<p><a href='/news/{n}/a-b-c-d'>Something happened number {n}</a>")).collect();
    let flat: String =
        (0..20_000).map(|n| format!("<a href='/news/{n}/a-b-c-d'>Something happened number {n}</a>")).collect();
    let deep = format!("{}{links}", "<section>".repeat(140));
    let days: String = (0..15_000)
        .map(|n| format!("<p>20 июля 2025</p><a href='/news/{n}/a-b-c-d'>Something happened number {n}</a>"))
        .collect();
    let days = format!("{}{days}", "<section>".repeat(140));
    let class = format!("<div class=\"{}\">", "x ".repeat(8_000));
    let classes = format!("{}{deep}", class.repeat(12));
    for (name, page) in
        [("paragraphs", links), ("one parent", flat), ("deep", deep), ("days", days), ("classes", classes)]
    {
        // What is quadratic would take minutes here.
        let found =
            read_page(&format!("<html><body><div>{page}</div></body></html>"), None).map(|entries| entries.len());
        assert_eq!(found, Ok(ENTRIES_MAX), "{name}");
    }
}

#[test]
fn the_shipped_rules_compile_and_serve_their_hosts() {
    let files = RuleFiles::shipped();
    let rules = SiteRules::compile(&files).expect("every shipped rule compiles");
    assert!(files.in_folder("sites").count() >= 25);
    for (id, _) in files.in_folder("sites") {
        let site = rules.by_id(id).expect("it was compiled");
        assert!(!site.hosts.is_empty() && (site.listing.is_some() || site.article.is_some()), "{id}");
        for host in &site.hosts {
            let url = Url::parse(&format!("https://www.{host}/x")).expect("a host");
            assert_eq!(rules.for_url(&url).map(|found| found.id.as_str()), Some(id), "{host}");
        }
    }
}

proptest! {
    #[test]
    fn mutated_pages_are_survived(edits in proptest::collection::vec((0_usize..6_000, "[<>&\"'/=a-z]{0,4}|<table>|</div>|<svg>|<!--"), 0..8)) {
        let mut page = FRONT_PAGE.to_owned();
        for (at, inserted) in edits {
            let at = at % page.len();
            if page.is_char_boundary(at) {
                page.insert_str(at, &inserted);
            }
        }
        let _ = read_page(&page, None);
        let _ = read_page(&page, Some(&rule("li, .card", None, None, Some("time, .card__date"))));
    }

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let url = Url::parse("https://news.example/").expect("an address");
        let _ = read(&bytes, None, &url, None, &TimeZone::UTC, None);
        let _ = read(&[b"<ul><li>14:05 <a href=/a/1>".as_slice(), &bytes].concat(), None, &url, None, &TimeZone::UTC, None);
    }
}
