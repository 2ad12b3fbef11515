//! Which date wins on which page.

use super::super::json_ld::JsonLd;
use super::super::metadata::Metas;
use super::super::title::title;
use super::*;
use crate::model::Announced;
use scraper::Html;
use url::Url;

fn found(html: &str, url: &str, announced: Option<&Announced>) -> Dates {
    let page = Html::parse_document(html);
    let url: Url = url.parse().expect("an address");
    let (metas, json_ld) = (Metas::read(&page), JsonLd::default());
    let sources = Sources { page: &page, metas: &metas, json_ld: &json_ld, announced, url: Some(&url) };
    let heading = title(&sources, None).and_then(|title| title.heading);
    let zone = TimeZone::fixed(jiff::tz::offset(5));
    dates(&sources, heading, None, &zone, "2026-11-22T06:00:00Z".parse().ok())
}

fn check(html: &str, url: &str, expected: Option<(&str, &str)>) {
    check_one(found(html, url, None).published, html, expected);
}

fn check_one(found: Option<Found<ParsedDate>>, html: &str, expected: Option<(&str, &str)>) {
    let shown = found.map(|found| (found.value.time.to_string(), found.from));
    assert_eq!(shown.as_ref().map(|(time, from)| (time.as_str(), *from)), expected, "date of {html:?}");
}

const PLAIN: &str = "https://steppe.example/news/dam";

#[test]
fn finds_the_date() {
    check(
        "<meta property=article:published_time content=2026-03-09T10:00:00+05:00>",
        PLAIN,
        Some(("2026-03-09T10:00:00+05:00", "meta")),
    );
    check(
        "<h1>Dam</h1><time datetime=2026-03-09T10:00>9 March</time>",
        PLAIN,
        Some(("2026-03-09T10:00:00+05:00", "time")),
    );
    check(
        "<h1>Dam</h1><div>10:14, 20 января 2021</div><p>text</p>",
        PLAIN,
        Some(("2021-01-20T10:14:00+05:00", "text")),
    );
    check("<h1>Dam</h1><p>Published: 9 March 2026</p>", PLAIN, Some(("2026-03-09T00:00:00+05:00", "text")));
    check("<h1>Dam</h1>", "https://steppe.example/2026/3/9/dam", Some(("2026-03-09T00:00:00+05:00", "url")));
    check(
        "<h1>Dam</h1><p>09 August</p>",
        "https://steppe.example/2024/dam",
        Some(("2024-08-09T00:00:00+05:00", "text")),
    );
    check("<div>22 November 2026</div><h1>Dam</h1><p>The dam.</p>", PLAIN, None);
    check("<h1>Dam</h1><footer>© 2026</footer>", PLAIN, None);
    check("<meta name=date content=2099-01-01><h1>Dam</h1>", PLAIN, None);
}

const PROSE: &str = "<p>The water of the new reservoir reached the town on Monday, officials of the ministry of energy \
    told reporters, and the first turbine will run in spring.</p>";

#[test]
fn the_clock_in_the_head_of_a_page_is_not_its_date() {
    for head in [
        "<header>Sunday, 22 November 2026, 14:05</header>",
        "<header><time datetime=2026-11-22>Sunday</time></header>",
        "<div><time datetime=2026-11-22T08:00>Sunday</time></div>",
        "<div>22 November 2026, 08:30</div>",
        "<nav>3 May 2024</nav>",
    ] {
        check(&format!("{head}<h1>Dam</h1>{PROSE}"), PLAIN, None);
    }
    check(
        "<title>New dam opened</title><h1>Steppe</h1><div>22 November 2026</div><article><h2>New dam opened</h2><p>9 March 2026</p></article>",
        PLAIN,
        Some(("2026-03-09T00:00:00+05:00", "text")),
    );
    check("<title>New dam opened</title><h1>Steppe</h1><div>22 November 2026, 08:30</div>", PLAIN, None);
}

#[test]
fn the_day_of_the_crawl_counts_below_the_headline_or_when_confirmed() {
    let today = Some(("2026-11-22T08:30:00+05:00", "text"));
    check(&format!("<h1>Dam</h1><div>22 November 2026, 08:30</div>{PROSE}"), PLAIN, today);
    let above = format!("<div>22 November 2026, 08:30</div><h1>Dam</h1>{PROSE}");
    check(&format!("<meta property=article:modified_time content=2026-11-22T09:00+05:00>{above}"), PLAIN, today);
    check(&above, "https://steppe.example/2026/11/22/dam", today);
    check(
        &format!("<header><h1>Dam</h1><time datetime=2026-03-09>x</time></header>{PROSE}"),
        PLAIN,
        Some(("2026-03-09T00:00:00+05:00", "time")),
    );
}

#[test]
fn cards_of_other_articles_give_no_date() {
    let card = "<div><time datetime=2026-11-20T10:00>20 November 2026</time><h3>Bridge</h3></div>";
    check(&format!("<h1>Dam</h1>{PROSE}{card}"), PLAIN, None);
    check(
        &format!("<h1>Dam</h1><div>9 March 2026</div>{PROSE}{card}"),
        PLAIN,
        Some(("2026-03-09T00:00:00+05:00", "text")),
    );
    check(
        &format!("<h1>Dam</h1><div>20 November 2026</div>{PROSE}{card}"),
        PLAIN,
        Some(("2026-11-20T10:00:00+05:00", "time")),
    );
}

#[test]
fn marked_dates_of_cards_are_not_the_articles() {
    let marked = "<p><time class=published datetime=2026-03-09>x</time></p>";
    let card = format!("<div><h4><a href=/bridge>Bridge closed</a></h4>{marked}</div>");
    check(&format!("<div><h1>Dam</h1>{PROSE}</div>{card}"), PLAIN, None);
    check(
        &format!("<div><h1>Dam</h1>{PROSE}{marked}</div><div><h4><a href=/bridge>Bridge</a></h4></div>"),
        PLAIN,
        Some(("2026-03-09T00:00:00+05:00", "time")),
    );
}

#[test]
fn a_summary_may_stand_between_headline_and_byline() {
    let byline = "<div>By Timur</div><time datetime=2026-03-09T10:00>9 March</time>";
    check(&format!("<h1>Dam</h1>{PROSE}{byline}{PROSE}"), PLAIN, Some(("2026-03-09T10:00:00+05:00", "time")));
}

#[test]
fn the_day_in_the_address_goes_before_a_day_in_the_text() {
    check(
        &format!("<h1>Dam</h1>{PROSE}<div>7 May 2019</div>"),
        "https://steppe.example/2019/05/08/dam",
        Some(("2019-05-08T00:00:00+05:00", "url")),
    );
}

#[test]
fn only_labels_of_publication_are_read() {
    for (line, expected) in [
        ("Дата публикации: 9 марта 2026", Some(("2026-03-09T00:00:00+05:00", "text"))),
        ("Жарияланды: 09.03.2026", Some(("2026-03-09T00:00:00+05:00", "text"))),
        ("Posted on March 9, 2026", Some(("2026-03-09T00:00:00+05:00", "text"))),
        ("Дата рождения: 12 мая 1960", None),
        ("Deadline: 15 May 2019", None),
        ("Обновлено: 9 марта 2026", None),
        ("1712345678", None),
    ] {
        check(&format!("<h1>Dam</h1><p>{line}</p>"), PLAIN, expected);
    }
}

#[test]
fn a_date_may_share_its_line_with_the_author() {
    for line in [
        "Aigul Serikova, 09.03.2026",
        "09.03.2026, Rubrik: Wasser",
        "Gespeichert von aigul am 9. März 2026 - 18:55",
        "9 mars 2026 // Aigul Serikova",
        "09.03.2026 / Steppe Agency / 3",
    ] {
        let day = found(&format!("<h1>Dam</h1><p>{line}</p>{PROSE}"), PLAIN, None).published;
        let day = day.map(|found| found.value.time.to_string()[..10].to_owned());
        assert_eq!(day.as_deref(), Some("2026-03-09"), "{line}");
    }
    for line in ["A talk of 9 March 2026 on dams", "Registration until 9 March 2026"] {
        check(&format!("<h1>Dam</h1><p>{line}</p>{PROSE}"), PLAIN, None);
    }
}

#[test]
fn numbers_in_slashes_are_read_by_the_language_of_the_page() {
    let html = |lang: &str| format!("<html lang={lang}><h1>Dam</h1><p>02/03/2026</p>{PROSE}");
    check(&html("en-GB"), PLAIN, Some(("2026-03-02T00:00:00+05:00", "text")));
    check(&html("fr"), PLAIN, Some(("2026-03-02T00:00:00+05:00", "text")));
    check(&html("en-US"), PLAIN, Some(("2026-02-03T00:00:00+05:00", "text")));
    check(&html("en"), PLAIN, None);
}

#[test]
fn a_class_names_the_date_below_the_text() {
    let below = |class: &str, text: &str| format!("<h1>Dam</h1>{}<div class='{class}'>{text}</div>", PROSE.repeat(20));
    let expected = Some(("2026-03-09T00:00:00+05:00", "text"));
    check(&below("asset-meta", "Aigul, 9 March 2026, 3 comments"), PLAIN, expected);
    check(&below("PublishDate", "9 March 2026"), PLAIN, expected);
    check(&below("text", "9 March 2026"), PLAIN, None);
    check(&below("updated", "9 March 2026"), PLAIN, None);
    check(&below("comment-date", "9 March 2026"), PLAIN, None);
    let list = ["9 March 2026", "8 March 2026", "7 March 2026"].map(|day| format!("<p class=date>{day}</p>")).concat();
    check(&below("news", &list), PLAIN, None);
}

#[test]
fn a_text_may_begin_with_its_date() {
    let html = |begin: &str| format!("<h1>Dam</h1><p>{begin}{}", &PROSE[3..]);
    let expected = Some(("2026-03-09T00:00:00+05:00", "text"));
    check(&html("9 March 2026 – "), PLAIN, expected);
    check(&html("Osh, 09.03.2026. "), PLAIN, expected);
    check(&html("Osh, (09.03.2026). "), PLAIN, expected);
    check(&html("On 9 March 2026 - "), PLAIN, None);
    check(&html("The dam of 9 March 2026 – "), PLAIN, None);
}

#[test]
fn a_time_in_utc_is_given_on_the_day_that_readers_see() {
    let html = |shown: &str| {
        format!("<meta property=article:published_time content=2026-03-08T20:14:30Z><h1>Dam</h1><p>{shown}</p>{PROSE}")
    };
    let local = Some(("2026-03-09T01:14:30+05:00", "meta"));
    check(&html(""), "https://steppe.example/2026/03/09/dam", local);
    check(&html("9 March 2026"), PLAIN, local);
    check(&html("02:14, 9 March 2026"), PLAIN, Some(("2026-03-09T02:14:30+06:00", "meta")));
    check(&html(""), PLAIN, Some(("2026-03-08T20:14:30+00:00", "meta")));
}

#[test]
fn a_label_of_change_gives_the_date_of_change() {
    for changed in [
        "<p>Обновлено: 10 марта 2026</p>",
        "<p>Updated March 10, 2026</p>",
        "<p><span>Жаңартылды:</span> <time datetime=2026-03-10>x</time></p>",
    ] {
        let html = format!("<h1>Dam</h1>{changed}<p>9 March 2026</p>{PROSE}");
        let dates = found(&html, PLAIN, None);
        let day = |found: &Option<Found<ParsedDate>>| found.as_ref().map(|found| found.value.time.to_string());
        assert_eq!(day(&dates.published).as_deref(), Some("2026-03-09T00:00:00+05:00"), "{html}");
        assert_eq!(day(&dates.modified).as_deref(), Some("2026-03-10T00:00:00+05:00"), "{html}");
    }
}

#[test]
fn what_the_source_said_to_the_second_goes_before_the_page() {
    let check_announced = |said: &str, expected: (&str, &str)| {
        let announced = Announced { date_published: said.parse().ok(), ..Announced::default() };
        let html = format!("<h1>Dam</h1><p>10:14, 9 марта 2026</p>{PROSE}");
        let dates = found(&html, "https://steppe.example/2026/03/08/dam", Some(&announced));
        check_one(dates.published, &html, Some(expected));
    };
    check_announced("2026-03-09T10:14:05+05:00", ("2026-03-09T10:14:05+05:00", "feed"));
    check_announced("2026-03-09T00:00:00+05:00", ("2026-03-09T10:14:00+05:00", "text"));
    check_announced("2026-03-07T00:00:00+05:00", ("2026-03-07T00:00:00+05:00", "feed"));
}

#[test]
fn a_header_of_the_server_is_no_date() {
    check("<meta http-equiv=Date content='Mon, 09 Mar 2026 06:00:00 GMT'><h1>Dam</h1>", PLAIN, None);
}

#[test]
fn reads_days_in_addresses() {
    for (path, expected) in [
        ("/2026/03/09/dam", Some("2026-03-09")),
        ("/news/2026-3-9-dam", Some("2026-03-09")),
        ("/news/dam-20260309.html", Some("2026-03-09")),
        ("/world/2024/aug/09/dam", Some("09 aug 2024")),
        ("/news/29-10-2025-dam", Some("2025-10-29")),
        ("/news/talks_of_22.04.2025_in_osh", Some("2025-04-22")),
        ("/news/09-10-2025-dam", None),
        ("/news/2026/dam", None),
        ("/news/123456789", None),
    ] {
        assert_eq!(day_of_path(path).as_deref(), expected, "{path}");
    }
}
