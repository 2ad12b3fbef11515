//! When an article was published and changed: JSON-LD, metas, `<time>`, site rule, visible text, address, feed.
//!
//! Nothing rather than a guess: no route takes the day of the fetch, and `dates` refuses the future.

mod labels;
mod local;
mod order;
mod shown;
pub(super) mod surroundings;

use std::cell::LazyCell;
use std::sync::LazyLock;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use regex::Regex;
use scraper::{ElementRef, Selector};

use super::json_ld::Subject;
use super::metadata::{Found, Sources, selected_line};
use crate::dates::{self, DateContext, ParsedDate};
use crate::model::{DatePrecision, OffsetTime};
use local::Shown;
use surroundings::{Nearby, Place, Surroundings, date_in_line};

const PUBLISHED_METAS: &[&str] = &[
    "article:published_time",
    "og:published_time",
    "og:article:published_time",
    "datepublished",
    "article:published",
    "parsely-pub-date",
    "sailthru.date",
    "mediator_published_time",
    "pubdate",
    "pub_date",
    "publishdate",
    "publish_date",
    "publish-date",
    "published_at",
    "citation_publication_date",
    "citation_online_date",
    "citation_date",
    "bepress_citation_date",
    "article.published",
    "article.created",
    "article:post_date",
    "og:pubdate",
    "og:regdate",
    "originalpublicationdate",
    "date_published",
    "date-published",
    "published-date",
    "publication_date",
    "publication-date",
    "publicationdate",
    "displaydate",
    "rnews:datepublished",
    "dc.date.created",
    "dc:date",
    "dcterms.issued",
    "dc:created",
    "dc.date.issued",
    "dcterms.created",
    "dc.date",
    "dcterms.date",
    "dcsext.articlefirstpublished",
    "article_date_original",
    "cxenseparse:recs:publishtime",
    "cxenseparse:publishtime",
    "ya:ovs:upload_date",
    "datecreated",
    "date",
];
const MODIFIED_METAS: &[&str] = &[
    "article:modified_time",
    "og:updated_time",
    "og:modified_time",
    "datemodified",
    "article:modified",
    "dcterms.modified",
    "article_date_updated",
    "dc.date.modified",
    "dcterms:modified",
    "last-modified",
    "lastmod",
];

/// The dates of an article.
#[derive(Debug, Default)]
pub(super) struct Dates {
    pub published: Option<Found<ParsedDate>>,
    pub modified: Option<Found<ParsedDate>>,
}

/// Finds both dates. What the page declares goes first; then what its source said to the minute; then what stands
/// near `heading`, which shows the title.
pub(super) fn dates(
    sources: &Sources<'_>,
    heading: Option<ElementRef<'_>>,
    rule: Option<&Selector>,
    zone: &TimeZone,
    now: Option<jiff::Timestamp>,
) -> Dates {
    let year_hint = sources.url.and_then(|url| year_of_path(url.path()));
    let context = DateContext { zone, now, year_hint };
    let read = |text: &str, from| dates::parse(text, &context).map(|date| Found::new(date, from));
    let json_ld = sources.json_ld;
    let in_json_ld = |subject, text: &Option<String>| {
        let text = text.as_deref().filter(|_| json_ld.subject == subject)?;
        read(text, "json-ld")
    };
    let in_metas =
        |keys: &[&str]| keys.iter().flat_map(|key| sources.metas.all(key)).find_map(|text| read(text, "meta"));
    let by_feed = |time: Option<OffsetTime>| time.map(|time| Found::new(announced_date(time), "feed"));
    let by_url = sources.url.and_then(|url| read(&day_of_path(url.path())?, "url"));

    let surroundings = LazyCell::new(|| Surroundings::of_headline(sources, heading));
    let shown = LazyCell::new(|| shown::shown(sources, heading, &context));
    let modified = in_json_ld(Subject::Article, &json_ld.date_modified)
        .or_else(|| in_metas(MODIFIED_METAS))
        .or_else(|| in_json_ld(Subject::WebPage, &json_ld.date_modified))
        .or_else(|| by_feed(sources.announced.and_then(|entry| entry.date_modified)));
    let confirmed: Vec<Date> = [&modified, &by_url].into_iter().flatten().map(|found| day(found.value.time)).collect();
    let nearby = || surroundings.published(&context, &confirmed);
    let today = now.map(|now| now.to_zoned(zone.clone()).date());
    // Readers see the local day; what is only declared is often in UTC.
    let at_site = |found: Found<ParsedDate>| {
        let by_page = || nearby().filter(|near| near.place == Place::Byline).map(|near| shown_by(near.found.value));
        let is_of_change =
            |shown: &Shown| modified.as_ref().is_some_and(|change| shown.day() == day(change.value.time));
        let by_url = by_url.as_ref().map(|found| Shown::Day(day(found.value.time)));
        let evidence =
            by_url.or_else(|| by_page().filter(|shown| shown.day() < day(found.value.time) || !is_of_change(shown)));
        let value = evidence.map_or(found.value, |shown| local::at_site(found.value, shown, zone));
        Found::new(value, found.from)
    };
    let published = in_json_ld(Subject::Article, &json_ld.date_published)
        .or_else(|| in_metas(PUBLISHED_METAS))
        .or_else(|| in_json_ld(Subject::WebPage, &json_ld.date_published))
        .or_else(|| shown::marked(&shown, heading).map(|date| Found::new(date, "time")))
        .map(at_site)
        .or_else(|| selected_date(sources, rule, &context))
        .or_else(|| {
            let said = by_feed(sources.announced?.date_published)?;
            // Of a day that the source named, the page may know the hour.
            let knows_more = |near: &Found<ParsedDate>| day(near.value.time) == day(said.value.time);
            let near = nearby().map(|near| near.found).filter(|_| said.value.precision == DatePrecision::Day);
            Some(near.filter(knows_more).unwrap_or(said))
        })
        .or_else(|| match (nearby(), by_url.clone()) {
            // The day in the address is surer than one that only stands somewhere in the page.
            (Some(Nearby { found, place: Place::Elsewhere }), Some(by_url))
                if day(found.value.time) != day(by_url.value.time) =>
            {
                Some(by_url)
            }
            (near, by_url) => near.map(|near| near.found).or(by_url),
        })
        .or_else(|| shown::any(&shown, heading, today).map(|date| Found::new(date, "text")))
        .or_else(|| surroundings.dateline(&context).map(|date| Found::new(date, "text")));
    let modified = modified.or_else(|| surroundings.modified(&context));
    // Some pages tell only when they were last changed; the origin says so.
    let published = published.or_else(|| modified.as_ref().map(|found| Found::new(found.value, "modified")));
    Dates { published, modified }
}

/// What a date near the headline tells of the site's clock.
fn shown_by(date: ParsedDate) -> Shown {
    let local = date.time.offset.to_datetime(date.time.at);
    if date.precision == DatePrecision::Day { Shown::Day(local.date()) } else { Shown::Minute(local) }
}

/// A source's date. Midnight is how sources write a day.
fn announced_date(time: OffsetTime) -> ParsedDate {
    let is_midnight = time.offset.to_datetime(time.at).time() == Time::midnight();
    ParsedDate { time, precision: if is_midnight { DatePrecision::Day } else { DatePrecision::Second } }
}

fn day(time: OffsetTime) -> Date {
    time.offset.to_datetime(time.at).date()
}

fn selected_date(
    sources: &Sources<'_>,
    rule: Option<&Selector>,
    context: &DateContext<'_>,
) -> Option<Found<ParsedDate>> {
    let element = sources.page.select(rule?).next()?;
    let mut attributes = ["datetime", "content"].iter().filter_map(|name| element.attr(name));
    let line = selected_line(sources.page, rule).unwrap_or_default();
    // Who wrote the rule knows what the label before the date says.
    let after_any_label = || dates::parse_visible(line.split_once(':')?.1, context);
    let date = attributes
        .find_map(|text| dates::parse(text, context))
        .or_else(|| date_in_line(&line, context))
        .or_else(after_any_label)?;
    Some(Found::new(date, "selector"))
}

static DAY_OF_PATH: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"/((?:19|20)\d\d)[/_-](\d{1,2})[/_-](\d{1,2})(?:[/_.-]|$)|[/_-]((?:19|20)\d\d)-?(0\d|1[0-2])-?([0-2]\d|3[01])(?:[/_.-]|$)")
        .expect("a constant pattern, compiled by the tests")
});

static NAMED_DAY_OF_PATH: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"/((?:19|20)\d\d)/(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*/(\d{1,2})(?:/|$)")
        .expect("a constant pattern, compiled by the tests")
});

/// A day such as `29-10-2021`; only where its number can be no month.
static DAY_FIRST_OF_PATH: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[/_-](\d\d)[.-](\d\d)[.-]((?:19|20)\d\d)(?:[/_.-]|$)")
        .expect("a constant pattern, compiled by the tests")
});

static YEAR_OF_PATH: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"/((?:19|20)\d\d)(?:[/_-]|$)").expect("a constant pattern, compiled by the tests"));

/// The day in an address such as `/2026/03/09/dam`, as ISO 8601.
fn day_of_path(path: &str) -> Option<String> {
    if let Some(found) = NAMED_DAY_OF_PATH.captures(path) {
        return Some(format!("{} {} {}", &found[3], &found[2], &found[1]));
    }
    if let Some(found) = DAY_FIRST_OF_PATH.captures(path)
        && found[1].parse::<u8>().is_ok_and(|day| day > 12)
    {
        return Some(format!("{}-{}-{}", &found[3], &found[2], &found[1]));
    }
    let found = DAY_OF_PATH.captures(path)?;
    let part = |first: usize| found.get(first).or_else(|| found.get(first + 3)).map(|part| part.as_str());
    let (month, day): (u8, u8) = (part(2)?.parse().ok()?, part(3)?.parse().ok()?);
    Some(format!("{}-{month:02}-{day:02}", part(1)?))
}

fn year_of_path(path: &str) -> Option<i16> {
    YEAR_OF_PATH.captures(path)?[1].parse().ok()
}

#[cfg(test)]
mod tests {
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
            ("Обновлено: 9 марта 2026", Some(("2026-03-09T00:00:00+05:00", "modified"))),
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
        let below =
            |class: &str, text: &str| format!("<h1>Dam</h1>{}<div class='{class}'>{text}</div>", PROSE.repeat(20));
        let expected = Some(("2026-03-09T00:00:00+05:00", "text"));
        check(&below("asset-meta", "Aigul, 9 March 2026, 3 comments"), PLAIN, expected);
        check(&below("PublishDate", "9 March 2026"), PLAIN, expected);
        check(&below("text", "9 March 2026"), PLAIN, None);
        check(&below("updated", "9 March 2026"), PLAIN, None);
        check(&below("comment-date", "9 March 2026"), PLAIN, None);
        let list =
            ["9 March 2026", "8 March 2026", "7 March 2026"].map(|day| format!("<p class=date>{day}</p>")).concat();
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
            format!(
                "<meta property=article:published_time content=2026-03-08T20:14:30Z><h1>Dam</h1><p>{shown}</p>{PROSE}"
            )
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
}
