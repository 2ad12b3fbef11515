//! When an article was published and changed: JSON-LD, metas, `<time>`, site rule, visible text, address, feed.
//!
//! Nothing rather than a guess: no route takes the day of the fetch, and `dates` refuses the future.

use std::sync::LazyLock;

use jiff::tz::TimeZone;
use regex::Regex;
use scraper::{ElementRef, Selector};

use super::metadata::{Found, Sources, selected_line, selector};
use super::walk::{Step, walk};
use crate::dates::{self, DateContext, ParsedDate};
use crate::model::DatePrecision;
use crate::text::{collapse, is_inline};

const PUBLISHED_METAS: [&str; 26] = [
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
const MODIFIED_METAS: [&str; 7] = [
    "article:modified_time",
    "og:updated_time",
    "og:modified_time",
    "datemodified",
    "article:modified",
    "dcterms.modified",
    "article_date_updated",
];

/// Longest line that can be a date with its label, in characters.
const DATE_LINE_CHARS_MAX: usize = 80;
/// How far after and before the headline a date is looked for, in characters of text and in lines.
const CHARS_AFTER_HEADLINE: usize = 1_500;
const LINES_AFTER_HEADLINE: usize = 14;
const LINES_BEFORE_HEADLINE: usize = 5;
/// Most text that is walked over to find the headline, in bytes.
const WALK_BYTES_MAX: usize = 400_000;

/// The dates of an article.
#[derive(Debug, Default)]
pub(super) struct Dates {
    pub published: Option<Found<ParsedDate>>,
    pub modified: Option<Found<ParsedDate>>,
}

/// Finds both dates.
pub(super) fn dates(
    sources: &Sources<'_>,
    rule: Option<&Selector>,
    zone: &TimeZone,
    now: Option<jiff::Timestamp>,
) -> Dates {
    let year_hint = sources.url.and_then(|url| year_of_path(url.path()));
    let context = DateContext { zone, now, year_hint };
    let read = |text: &str, from| dates::parse(text, &context).map(|date| Found::new(date, from));
    let announced = |time| Found::new(ParsedDate { time, precision: DatePrecision::Second }, "feed");
    let json_ld = sources.json_ld;
    let published = json_ld
        .date_published
        .as_deref()
        .and_then(|text| read(text, "json-ld"))
        .or_else(|| PUBLISHED_METAS.iter().flat_map(|key| sources.metas.all(key)).find_map(|text| read(text, "meta")))
        .or_else(|| marked(sources, &context))
        .or_else(|| Surroundings::of_headline(sources).time_element(&context))
        .or_else(|| selected_date(sources, rule, &context))
        .or_else(|| Surroundings::of_headline(sources).visible_date(&context))
        .or_else(|| sources.url.and_then(|url| read(&day_of_path(url.path())?, "url")))
        .or_else(|| sources.announced.and_then(|entry| entry.date_published).map(announced));
    let modified = json_ld
        .date_modified
        .as_deref()
        .and_then(|text| read(text, "json-ld"))
        .or_else(|| MODIFIED_METAS.iter().flat_map(|key| sources.metas.all(key)).find_map(|text| read(text, "meta")))
        .or_else(|| sources.announced.and_then(|entry| entry.date_modified).map(announced));
    Dates { published, modified }
}

/// Elements that say in their markup that they hold the date.
fn marked(sources: &Sources<'_>, context: &DateContext<'_>) -> Option<Found<ParsedDate>> {
    let css = selector!("[itemprop~=datePublished], time[pubdate], time.published, time.entry-date, abbr.published");
    sources.page.select(css).take(8).find_map(|element| {
        let attributes = ["content", "datetime", "title"].iter().filter_map(|name| element.attr(name));
        let visible = super::render::line_of(element);
        let date = attributes.chain([visible.as_str()]).find_map(|text| dates::parse(text, context))?;
        Some(Found::new(date, "time"))
    })
}

fn selected_date(
    sources: &Sources<'_>,
    rule: Option<&Selector>,
    context: &DateContext<'_>,
) -> Option<Found<ParsedDate>> {
    let element = sources.page.select(rule?).next()?;
    let attributes = ["datetime", "content"].iter().filter_map(|name| element.attr(name));
    let line = selected_line(sources.page, rule).unwrap_or_default();
    let date = attributes.chain([line.as_str()]).find_map(|text| date_in_line(text, context))?;
    Some(Found::new(date, "selector"))
}

/// What stands around the headline.
#[derive(Debug, Default)]
struct Surroundings {
    before: Vec<Piece>,
    after: Vec<Piece>,
}

#[derive(Clone, Debug)]
enum Piece {
    Line(String),
    Time(String),
}

impl Surroundings {
    /// Collects lines and `<time>` elements around the first h1; without an h1 from the beginning of the article.
    fn of_headline(sources: &Sources<'_>) -> Self {
        let Some(body) = sources.page.select(selector!("body")).next() else { return Self::default() };
        let has_headline = sources.page.select(selector!("h1")).next().is_some();
        let start = sources.page.select(selector!("article, main, [role=main]")).next().filter(|_| !has_headline);
        let mut collector = Collector { is_after: start.is_some(), ..Collector::default() };
        collector.collect(start.unwrap_or(body));
        let Surroundings { mut before, after } = collector.found;
        let near = before.len().saturating_sub(LINES_BEFORE_HEADLINE);
        Self { before: before.split_off(near), after }
    }

    fn time_element(&self, context: &DateContext<'_>) -> Option<Found<ParsedDate>> {
        let times = self.after.iter().chain(self.before.iter().rev()).filter_map(|piece| match piece {
            Piece::Time(text) => Some(text),
            Piece::Line(_) => None,
        });
        times.filter_map(|text| dates::parse(text, context)).next().map(|date| Found::new(date, "time"))
    }

    fn visible_date(&self, context: &DateContext<'_>) -> Option<Found<ParsedDate>> {
        let line = |piece: &Piece| match piece {
            Piece::Line(line) => date_in_line(line, context),
            Piece::Time(_) => None,
        };
        // Above the headline a page may show today's date, which is not the article's.
        let is_today = |date: &ParsedDate| {
            let day = |at: jiff::Timestamp| at.to_zoned(context.zone.clone()).date();
            date.precision == DatePrecision::Day && context.now.is_some_and(|now| day(now) == day(date.time.at))
        };
        let after = self.after.iter().find_map(line);
        let date = after.or_else(|| self.before.iter().rev().filter_map(line).find(|date| !is_today(date)))?;
        Some(Found::new(date, "text"))
    }
}

#[derive(Debug, Default)]
struct Collector {
    found: Surroundings,
    line: String,
    is_after: bool,
    chars_after: usize,
    bytes: usize,
}

impl Collector {
    fn collect(&mut self, root: ElementRef<'_>) {
        let mut steps = walk(root);
        while let Some(step) = steps.next() {
            match step {
                Step::Text(text) => {
                    self.bytes += text.len();
                    self.line.push_str(text);
                }
                Step::Open(element) => {
                    let name = element.value().name();
                    if name == "time"
                        && let Some(text) = element.attr("datetime")
                    {
                        self.push(Piece::Time(text.to_owned()));
                    }
                    self.boundary(name);
                    if matches!(name, "nav" | "footer" | "aside" | "select" | "h1") {
                        steps.skip_content();
                    }
                }
                Step::Close(element) => {
                    self.boundary(element.value().name());
                    self.is_after |= element.value().name() == "h1";
                }
            }
            if self.is_full() {
                return;
            }
        }
        self.end_line();
    }

    fn is_full(&self) -> bool {
        self.bytes > WALK_BYTES_MAX
            || self.chars_after > CHARS_AFTER_HEADLINE
            || self.found.after.len() >= LINES_AFTER_HEADLINE
    }

    fn boundary(&mut self, name: &str) {
        // A span is often a field of its own, such as the date beside the number of views.
        if !is_inline(name) || matches!(name, "span" | "time" | "a") {
            self.end_line();
        }
    }

    fn end_line(&mut self) {
        let line = collapse(&std::mem::take(&mut self.line));
        if !line.is_empty() {
            self.push(Piece::Line(line));
        }
    }

    fn push(&mut self, piece: Piece) {
        if self.is_after {
            if let Piece::Line(line) = &piece {
                self.chars_after += line.chars().count();
            }
            self.found.after.push(piece);
        } else {
            self.found.before.push(piece);
        }
    }
}

/// A date that is a whole line, or what follows a label such as "Published:".
fn date_in_line(line: &str, context: &DateContext<'_>) -> Option<ParsedDate> {
    if line.chars().count() > DATE_LINE_CHARS_MAX || !line.chars().any(|c| c.is_ascii_digit()) {
        return None;
    }
    let after_label = || {
        let (label, rest) = line.split_once(':')?;
        (!label.chars().any(|c| c.is_ascii_digit())).then_some(rest)
    };
    let after_words = || {
        let digit = line.find(|c: char| c.is_ascii_digit())?;
        let label = line[..digit].trim().to_lowercase();
        [
            "published",
            "published on",
            "posted",
            "posted on",
            "on",
            "опубликовано",
            "дата публикации",
            "жарияланған",
            "дата",
        ]
        .contains(&label.as_str())
        .then(|| &line[digit..])
    };
    dates::parse(line, context)
        .or_else(|| dates::parse(after_label()?, context))
        .or_else(|| dates::parse(after_words()?, context))
}

static DAY_OF_PATH: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"/((?:19|20)\d\d)[/_-](\d{1,2})[/_-](\d{1,2})(?:[/_.-]|$)|[/_-]((?:19|20)\d\d)-?(0\d|1[0-2])-?([0-2]\d|3[01])(?:[/_.-]|$)")
        .expect("a constant pattern, compiled by the tests")
});

static NAMED_DAY_OF_PATH: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"/((?:19|20)\d\d)/(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*/(\d{1,2})(?:/|$)")
        .expect("a constant pattern, compiled by the tests")
});

static YEAR_OF_PATH: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"/((?:19|20)\d\d)(?:[/_-]|$)").expect("a constant pattern, compiled by the tests"));

/// The day in an address such as `/2026/03/09/dam`, as ISO 8601.
fn day_of_path(path: &str) -> Option<String> {
    if let Some(found) = NAMED_DAY_OF_PATH.captures(path) {
        return Some(format!("{} {} {}", &found[3], &found[2], &found[1]));
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
    use super::*;
    use scraper::Html;
    use url::Url;

    fn check(html: &str, url: &str, expected: Option<(&str, &str)>) {
        let page = Html::parse_document(html);
        let url: Url = url.parse().expect("an address");
        let (metas, json_ld) = (Metas::read(&page), JsonLd::default());
        let sources = Sources { page: &page, metas: &metas, json_ld: &json_ld, announced: None, url: Some(&url) };
        let zone = TimeZone::fixed(jiff::tz::offset(5));
        let now = "2026-11-22T06:00:00Z".parse().ok();
        let found = dates(&sources, None, &zone, now).published;
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

    #[test]
    fn reads_days_in_addresses() {
        for (path, expected) in [
            ("/2026/03/09/dam", Some("2026-03-09")),
            ("/news/2026-3-9-dam", Some("2026-03-09")),
            ("/news/dam-20260309.html", Some("2026-03-09")),
            ("/world/2024/aug/09/dam", Some("09 aug 2024")),
            ("/news/2026/dam", None),
            ("/news/123456789", None),
        ] {
            assert_eq!(day_of_path(path).as_deref(), expected, "{path}");
        }
    }
}
