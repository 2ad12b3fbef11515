//! Elements anywhere in a page that say by markup or class that they hold a date.

use std::cell::Cell;
use std::collections::HashMap;

use jiff::civil::Date;
use scraper::ElementRef;

use super::super::metadata::{Sources, selector};
use super::super::render::line_of;
use super::super::walk::{Step, walk};
use super::day;
use super::labels::is_byline;
use super::order::Order;
use super::surroundings::is_other_matter;
use crate::dates::{self, DateContext, ParsedDate};

/// Most elements that are looked at, and most of them that show a date; real pages have a few hundred.
const LOOKED_AT_MAX: usize = 2_000;
const SHOWN_MAX: usize = 200;
/// Longest text of an element that is about a date, and of one that begins as a byline, in characters.
const TEXT_CHARS_MAX: usize = 120;
const BYLINE_CHARS_MAX: usize = 300;
/// Elements of one class with as many different days are a list of other articles, or comments.
const DAYS_OF_A_LIST: usize = 3;
/// How many elements around one may make up a card, by a linked heading, and by any: the text has some, too.
const LINKED_CARD_DEPTH_MAX: usize = 4;
const CARD_DEPTH_MAX: usize = 2;
/// Most nodes that are looked at for the headings of cards, over all elements; cards have a few dozen, and what makes up
/// a whole page is looked through for each of its dates.
const CARD_NODES_MAX: usize = 100_000;

/// A date that an element shows.
#[derive(Debug)]
pub(super) struct Shown<'a> {
    pub date: ParsedDate,
    element: ElementRef<'a>,
    /// It is marked as the date of publication, not only of a class that has to do with dates.
    is_marked: bool,
    is_after_heading: bool,
    class: &'a str,
}

/// Collects the elements, in order.
pub(super) fn shown<'a>(
    sources: &Sources<'a>,
    heading: Option<ElementRef<'a>>,
    context: &DateContext<'_>,
) -> Vec<Shown<'a>> {
    let Some(body) = sources.page.select(selector!("body")).next() else { return Vec::new() };
    let order = Order::of(sources);
    let mut all = Vec::new();
    let mut looked_at = 0;
    let mut is_after_heading = false;
    let mut steps = walk(body);
    while let Some(step) = steps.next() {
        let element = match step {
            Step::Open(element) => element,
            Step::Close(element) => {
                is_after_heading |= Some(element) == heading;
                continue;
            }
            Step::Text(_) => continue,
        };
        let name = element.value().name();
        let is_aside = matches!(name, "nav" | "select" | "aside" | "svg");
        if is_aside || element.value().attrs().any(|(key, value)| matches!(key, "class" | "id") && is_comment(value)) {
            steps.skip_content();
            continue;
        }
        let is_marked = element.value().attrs().any(|(key, value)| is_mark(name, key, value));
        if !is_marked && !is_about_a_date(element) {
            continue;
        }
        looked_at += 1;
        if looked_at > LOOKED_AT_MAX {
            break;
        }
        let Some(date) = date_of(element, order, context) else { continue };
        let class = element.attr("class").unwrap_or(element.value().name());
        all.push(Shown { date, element, is_marked, is_after_heading, class });
        if all.len() >= SHOWN_MAX {
            break;
        }
    }
    all
}

/// The first that is marked as the date of publication, and neither in a menu, nor in a card, nor further down in a list.
pub(super) fn marked(shown: &[Shown<'_>], heading: Option<ElementRef<'_>>) -> Option<ParsedDate> {
    let days = days_by_class(shown);
    let nodes_left = Cell::new(CARD_NODES_MAX);
    let is_first =
        |at: usize| !shown[..at].iter().any(|other| other.is_after_heading && other.class == shown[at].class);
    let mut marked = shown.iter().enumerate().filter(|(_, shown)| shown.is_marked);
    let found = marked.find(|(at, shown)| {
        (is_first(*at) || !is_list(&days, shown)) && is_own(shown.element, heading, Card::WithLink, &nodes_left)
    });
    found.map(|(_, shown)| shown.date)
}

/// The first below the headline, else the last above it; without a headline the one on which all agree. The day of the
/// crawl is in no case believed, nor are lists.
pub(super) fn any(shown: &[Shown<'_>], heading: Option<ElementRef<'_>>, today: Option<Date>) -> Option<ParsedDate> {
    let days = days_by_class(shown);
    let nodes_left = Cell::new(CARD_NODES_MAX);
    let is_old = |shown: &&Shown<'_>| Some(day(shown.date.time)) != today;
    let mut own = shown
        .iter()
        .filter(|shown| !is_list(&days, shown))
        .filter(is_old)
        .filter(|shown| is_own(shown.element, heading, Card::WithHeading, &nodes_left));
    if heading.is_none() {
        let first = own.next()?.date;
        return own.all(|other| day(other.date.time) == day(first.time)).then_some(first);
    }
    let own: Vec<&Shown<'_>> = own.collect();
    let below = own.iter().find(|shown| shown.is_after_heading);
    below.or_else(|| own.iter().rev().find(|shown| !shown.is_after_heading)).map(|shown| shown.date)
}

/// The different days that elements of one class show.
fn days_by_class<'a>(shown: &[Shown<'a>]) -> HashMap<&'a str, Vec<Date>> {
    let mut days: HashMap<&str, Vec<Date>> = HashMap::new();
    for shown in shown {
        let days = days.entry(shown.class).or_default();
        if !days.contains(&day(shown.date.time)) {
            days.push(day(shown.date.time));
        }
    }
    days
}

fn is_list(days: &HashMap<&str, Vec<Date>>, shown: &Shown<'_>) -> bool {
    days.get(shown.class).is_some_and(|days| days.len() >= DAYS_OF_A_LIST)
}

/// What makes the surroundings of an element a card of another article.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Card {
    WithHeading,
    WithLink,
}

fn is_own(element: ElementRef<'_>, heading: Option<ElementRef<'_>>, card: Card, nodes_left: &Cell<usize>) -> bool {
    let mut outer = element.ancestors().filter_map(ElementRef::wrap);
    let in_article = element.ancestors().filter_map(ElementRef::wrap).any(|outer| outer.value().name() == "article");
    let is_aside =
        |outer: ElementRef<'_>| is_other_matter(outer, heading) && !(in_article && outer.value().name() == "footer");
    !outer.any(is_aside) && !is_in_card(element, heading, card, nodes_left)
}

/// Whether an element stands with a heading away from the headline.
fn is_in_card(element: ElementRef<'_>, heading: Option<ElementRef<'_>>, card: Card, nodes_left: &Cell<usize>) -> bool {
    let Some(heading) = heading else { return false };
    let of_headline: Vec<_> = heading.ancestors().map(|node| node.id()).collect();
    let apart = element.ancestors().filter_map(ElementRef::wrap).take_while(|outer| !of_headline.contains(&outer.id()));
    let (css, depth_max) = match card {
        Card::WithLink => (selector!("h2 a, h3 a, h4 a, h5 a, a h2, a h3, a h4, a h5"), LINKED_CARD_DEPTH_MAX),
        Card::WithHeading => (selector!("h2, h3, h4, h5"), CARD_DEPTH_MAX),
    };
    let holds_heading = |outer: ElementRef<'_>| {
        let inside = outer.descendants().skip(1).take(nodes_left.get());
        let inside = inside.inspect(|_| nodes_left.update(|left| left.saturating_sub(1)));
        inside.filter_map(ElementRef::wrap).any(|inner| css.matches(&inner))
    };
    apart.take(depth_max).any(holds_heading)
}

fn date_of(element: ElementRef<'_>, order: Option<Order>, context: &DateContext<'_>) -> Option<ParsedDate> {
    let attributes = ["content", "datetime", "title"].iter().filter_map(|name| element.attr(name));
    let by_attribute = attributes.into_iter().find_map(|text| dates::parse(text, context));
    by_attribute.or_else(|| {
        let line = Order::clear(order, line_of(element));
        let is_byline = is_byline(&line);
        let chars_max = if is_byline { BYLINE_CHARS_MAX } else { TEXT_CHARS_MAX };
        if line.chars().count() > chars_max || !line.chars().any(|c| c.is_ascii_digit()) {
            return None;
        }
        dates::parse_visible(&line, context).or_else(|| dates::find(&line, context))
    })
}

/// `itemprop=datePublished`, `<time pubdate>`, and the classes of hAtom.
fn is_mark(name: &str, key: &str, value: &str) -> bool {
    let has = |word: &str| value.split_whitespace().any(|own| own == word);
    match (name, key) {
        (_, "itemprop") => has("datePublished"),
        ("time", "pubdate") => true,
        ("time", "class") => has("published") || has("entry-date"),
        ("abbr", "class") => has("published"),
        _ => false,
    }
}

/// Whether an element is a `<time>`, or of a class or id that has to do with dates other than that of a change.
fn is_about_a_date(element: ElementRef<'_>) -> bool {
    const PARTS: [&str; 12] = [
        "date",
        "datum",
        "fecha",
        "publish",
        "publication",
        "posted",
        "submitted",
        "timestamp",
        "byline",
        "created",
        "meta",
        "authored",
    ];
    match element.value().name() {
        "time" => return true,
        "body" | "main" | "article" | "section" | "ul" | "ol" | "table" => return false,
        _ => {}
    }
    element.value().attrs().filter(|(key, _)| matches!(*key, "class" | "id")).any(|(_, value)| {
        let names = value.to_ascii_lowercase().replace("update", "");
        PARTS.iter().any(|part| names.contains(part))
    })
}

/// Whether a class or id is that of comments, of other articles, or of boxes beside the text.
fn is_comment(names: &str) -> bool {
    let begins = |name: &str, word: &str| name.get(..word.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(word));
    names.split_whitespace().any(|name| {
        ["comment", "related", "widget"].iter().any(|word| begins(name, word)) || name.eq_ignore_ascii_case("sidebar")
    })
}
