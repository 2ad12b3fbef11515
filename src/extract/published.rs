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
mod tests;
