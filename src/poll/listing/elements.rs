//! What is read off single elements of a page: text, titles, dates.

use scraper::{ElementRef, Node};
use url::Url;

use crate::dates::{self, DateContext};
use crate::model::OffsetTime;
use crate::poll::feed::markup::{plain, prefix};

/// Longest title, in bytes: what is longer is a whole card.
const TITLE_BYTES_MAX: usize = 400;

/// Bytes of a `class`, `id` or `role` that are looked at; long ones have some 300.
const NAMES_BYTES_MAX: usize = 512;

/// The visible text of an element, collapsed, without control characters.
pub(super) fn visible_text(element: ElementRef<'_>) -> String {
    text_without(element, |_| false)
}

fn text_without(element: ElementRef<'_>, is_left_out: impl Fn(&ElementRef<'_>) -> bool) -> String {
    let mut text = String::new();
    // Nodes still to visit. A block puts a space before and after itself; `None` is the one after.
    let mut ahead = vec![Some(*element)];
    while let Some(next) = ahead.pop() {
        let Some(node) = next else {
            text.push(' ');
            continue;
        };
        if let Node::Text(piece) = node.value() {
            text.push_str(piece);
        }
        let Some(inner) = ElementRef::wrap(node) else { continue };
        if !is_inline(&inner) {
            text.push(' ');
            ahead.push(None);
        }
        if !is_invisible(&inner) && !is_left_out(&inner) {
            ahead.extend(node.children().rev().map(Some));
        }
    }
    plain(&text)
}

fn is_inline(element: &ElementRef<'_>) -> bool {
    matches!(
        element.value().name(),
        "a" | "b" | "em" | "font" | "i" | "mark" | "s" | "small" | "strong" | "sub" | "sup" | "u" | "wbr"
    )
}

fn is_invisible(element: &ElementRef<'_>) -> bool {
    matches!(element.value().name(), "script" | "style" | "noscript" | "template" | "svg" | "head")
}

/// The headline that a link shows: a heading in it, else its text without dates and counters, else what stands for it.
pub(super) fn link_title(link: ElementRef<'_>) -> Option<String> {
    let fits = |title: String| (!title.is_empty() && title.len() <= TITLE_BYTES_MAX).then_some(title);
    let heading = link.descendants().skip(1).filter_map(ElementRef::wrap).find(is_headline);
    let picture = || {
        let pictures =
            link.descendants().filter_map(ElementRef::wrap).filter(|element| element.value().name() == "img");
        pictures.filter_map(|picture| picture.attr("alt")).map(plain).find(|alt| !alt.is_empty())
    };
    let attribute = |name| link.attr(name).map(plain);
    heading
        .and_then(|heading| fits(visible_text(heading)))
        .or_else(|| fits(text_without(link, |inner| is_date(inner) || has_word(inner, COUNTER_WORDS))))
        .or_else(|| attribute("title").and_then(fits))
        .or_else(|| attribute("aria-label").and_then(fits))
        .or_else(|| picture().and_then(fits))
}

const COUNTER_WORDS: &[&str] = &["views", "view", "comments", "count", "counter", "category", "rubric", "label"];

fn is_headline(element: &ElementRef<'_>) -> bool {
    let is_heading = matches!(element.value().name(), "h1" | "h2" | "h3" | "h4" | "h5" | "h6");
    is_heading || has_word(element, &["title", "headline", "heading"])
}

/// An element that shows a date.
pub(super) fn is_date(element: &ElementRef<'_>) -> bool {
    let is_marked = ["datetime", "data-unixtime"].iter().any(|name| element.attr(name).is_some());
    element.value().name() == "time" || is_marked || has_word(element, &["date", "time", "datetime"])
}

/// Whether one of the words that make up its classes, role and id is in a list.
pub(super) fn has_word(element: &ElementRef<'_>, words: &[&str]) -> bool {
    ["class", "id", "role"]
        .into_iter()
        .flat_map(|name| names(element, name).split(|c: char| !c.is_ascii_alphabetic()))
        .any(|word| words.iter().any(|wanted| wanted.eq_ignore_ascii_case(word)))
}

/// The beginning of an attribute that holds names. The same element is looked at for many links.
pub(super) fn names<'a>(element: &ElementRef<'a>, attribute: &str) -> &'a str {
    prefix(element.value().attr(attribute).unwrap_or_default(), NAMES_BYTES_MAX)
}

/// The date that an element gives, in an attribute or as text. A year in the article's address helps where none is
/// written.
pub(super) fn date_of(element: ElementRef<'_>, article: &Url, context: &DateContext<'_>) -> Option<OffsetTime> {
    let context = DateContext { year_hint: year_in(article), ..*context };
    let read = |text: &str| dates::parse(text, &context).map(|date| date.time);
    let attribute = ["datetime", "data-unixtime", "content"].into_iter().find_map(|name| read(element.attr(name)?));
    let visible = |text: &str| dates::parse_visible(text, &context).map(|date| date.time);
    attribute.or_else(|| visible(&visible_text(element))).or_else(|| {
        let mut inner = element.descendants().skip(1).filter_map(ElementRef::wrap).take(20);
        inner.find_map(|element| read(element.attr("datetime").or_else(|| element.attr("data-unixtime"))?))
    })
}

/// `2024` of `/2024/08/…` or `/20240809/…`.
fn year_in(url: &Url) -> Option<i16> {
    let mut segments = url.path_segments()?.filter(|segment| segment.bytes().all(|byte| byte.is_ascii_digit()));
    let year: i16 = segments.find(|segment| matches!(segment.len(), 4 | 6 | 8))?.get(..4)?.parse().ok()?;
    (1990..=2100).contains(&year).then_some(year)
}
