//! Dates as lists write them: a time alone, "5 minutes ago", and headers between the items that name the day.

use std::cell::Cell;
use std::collections::HashMap;

use jiff::ToSpan;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use scraper::{ElementRef, Node, Selector};
use url::Url;

use super::addresses::looks_like_article;
use super::elements::{date_of, has_word, visible_text};
use super::{Page, article_url};
use crate::dates::{self, DateContext, FUTURE_SLACK};
use crate::model::{DatePrecision, OffsetTime};

/// Longest header that names a day, in characters: "воскресенье, 22 ноября 2026 года".
const HEADER_CHARS_MAX: usize = 48;

/// Nodes inside an element that may still be a header.
const HEADER_NODES_MAX: usize = 12;

/// Nodes of a card among which an article's link is looked for.
const CARD_NODES_MAX: usize = 60;

/// Ancestors of all items' block in which a header may still stand.
const AROUND_MAX: usize = 3;

/// Longest time or relative date, in characters.
const TIME_CHARS_MAX: usize = 40;

/// Whether a time alone has been read as yesterday's further up: what follows is no newer, as lists go, and then a time
/// that could be today's may be of any day.
pub(super) type SeenYesterday = Cell<bool>;

/// The date that an element of a list gives. A time alone is of `day`, else of today, or of yesterday when today that
/// is still to come.
pub(super) fn listed_date(
    element: ElementRef<'_>,
    article: &Url,
    day: Option<Date>,
    seen_yesterday: &SeenYesterday,
    context: &DateContext<'_>,
) -> Option<OffsetTime> {
    date_of(element, article, context).or_else(|| {
        let text = visible_text(element);
        if text.chars().count() > TIME_CHARS_MAX {
            return None;
        }
        time_alone(&text).map_or_else(|| ago(&text, context), |time| at(time, day, seen_yesterday, context))
    })
}

fn at(time: Time, day: Option<Date>, seen_yesterday: &SeenYesterday, context: &DateContext<'_>) -> Option<OffsetTime> {
    let on = |day: Date| context.zone.to_zoned(day.to_datetime(time)).ok();
    let is_past =
        |zoned: &jiff::Zoned| context.now.is_none_or(|now| zoned.timestamp().duration_since(now) <= FUTURE_SLACK);
    let zoned = match day {
        Some(day) => on(day).filter(is_past)?,
        None => {
            let today = context.now?.to_zoned(context.zone.clone()).date();
            match on(today).filter(is_past) {
                Some(_) if seen_yesterday.get() => return None,
                Some(today) => today,
                None => {
                    seen_yesterday.set(true);
                    on(today.yesterday().ok()?)?
                }
            }
        }
    };
    Some(OffsetTime::from(&zoned))
}

/// `14:05`, also after "в" and the like, and before a divider with something else behind it.
fn time_alone(text: &str) -> Option<Time> {
    const BEFORE: &[&str] = &["в", "at", "сағат", "саат", "соат", "soat", "sagat", "соати"];
    let first = text.split(['|', '•', '·']).next().unwrap_or_default().trim();
    let lower = first.to_lowercase();
    let time = match lower.split_once(' ') {
        Some((word, rest)) if BEFORE.contains(&word) => rest.trim(),
        _ => lower.as_str(),
    };
    let number = |digits: &str, length: std::ops::RangeInclusive<usize>| {
        let is_number = length.contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| digits.parse::<i8>().ok()).flatten()
    };
    let mut parts = time.trim_end_matches([',', '.', '-', '–', '—', ' ']).split(':');
    let (hour, minute) = (number(parts.next()?, 1..=2)?, number(parts.next()?, 2..=2)?);
    let second = parts.next().map_or(Some(0), |second| number(second, 2..=2))?;
    if parts.next().is_some() { None } else { Time::new(hour, minute, second, 0).ok() }
}

/// "5 минут назад", "2 сағат бұрын", "3 soat oldin", "2 hours ago": to the minute, or the day.
fn ago(text: &str, context: &DateContext<'_>) -> Option<OffsetTime> {
    const AGO: &[&str] = &["ago", "назад", "бұрын", "мурун", "мурда", "oldin", "олдин", "avval", "аввал", "пеш", "öň"];
    const MINUTES: &[&str] = &[
        "m",
        "min",
        "mins",
        "minute",
        "minutes",
        "мин",
        "минут",
        "минута",
        "минуту",
        "минуты",
        "мүнөт",
        "daqiqa",
        "дақиқа",
        "minut",
    ];
    const HOURS: &[&str] =
        &["h", "hr", "hrs", "hour", "hours", "ч", "час", "часа", "часов", "сағат", "саат", "soat", "соат", "sagat"];
    const DAYS: &[&str] = &["d", "day", "days", "день", "дня", "дней", "күн", "kun", "кун", "рӯз", "gün"];
    let lower = text.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| c.is_whitespace() || c == '.').filter(|word| !word.is_empty()).collect();
    let (count, unit) = match words.as_slice() {
        [count, unit, ago] if AGO.contains(ago) => {
            (if matches!(*count, "a" | "an") { 1 } else { count.parse::<i64>().ok()? }, *unit)
        }
        [unit, ago] if AGO.contains(ago) => (1, *unit),
        _ => return None,
    };
    let now = context.now?.to_zoned(context.zone.clone());
    let zoned = if (0..=600).contains(&count) && MINUTES.contains(&unit) {
        now.checked_sub(count.minutes()).ok()?
    } else if (0..=72).contains(&count) && HOURS.contains(&unit) {
        now.checked_sub(count.hours()).ok()?
    } else if (0..=31).contains(&count) && DAYS.contains(&unit) {
        let day = now.date().checked_sub(count.days()).ok()?;
        context.zone.to_zoned(day.to_datetime(Time::midnight())).ok()?
    } else {
        return None;
    };
    let to_the_minute = zoned.with().second(0).subsec_nanosecond(0).build().ok()?;
    Some(OffsetTime::from(&to_the_minute))
}

/// For each item of a list, the day that a header above it or in it names: what matches `header`, or whatever reads as
/// a day alone.
pub(super) fn days(page: &Page<'_>, items: &[ElementRef<'_>], header: Option<&Selector>) -> Vec<Option<Date>> {
    let mut days = vec![None; items.len()];
    // Of every element in which items stand: how many, and the last of them.
    let mut around = HashMap::new();
    for (at, item) in items.iter().enumerate() {
        for node in std::iter::once(**item).chain(item.ancestors()) {
            let (count, last) = around.entry(node.id()).or_insert((0, at));
            (*count, *last) = (*count + 1, at);
        }
    }
    let holds_all =
        |element: &ElementRef<'_>| around.get(&element.id()).is_some_and(|(count, _)| *count == items.len());
    let outwards = items.iter().take(1).flat_map(|item| std::iter::once(*item).chain(parents(*item)));
    let block = outwards.skip_while(|element| !holds_all(element)).take(AROUND_MAX + 1).last();
    let position: HashMap<_, usize> = items.iter().enumerate().map(|(at, item)| (item.id(), at)).collect();
    // Of each element, whether its children stand where a day is not the list's: found once, however many are below.
    let mut elsewhere = HashMap::new();
    if let Some(outer) = block.and_then(|block| block.parent()) {
        let is_elsewhere = ElementRef::wrap(outer)
            .is_some_and(|outer| is_elsewhere(&outer) || parents(outer).any(|around| is_elsewhere(&around)));
        elsewhere.insert(outer.id(), is_elsewhere);
    }
    let mut current = None;
    for element in block.into_iter().flat_map(|block| block.descendants()).filter_map(ElementRef::wrap) {
        let around_it = element.parent().and_then(|parent| elsewhere.get(&parent.id()).copied());
        let stands_elsewhere: bool = around_it.unwrap_or_default();
        elsewhere.insert(element.id(), stands_elsewhere || is_elsewhere(&element));
        if let Some(at) = position.get(&element.id()) {
            days[*at] = days[*at].or(current);
        }
        if header.is_none() && stands_elsewhere {
            continue;
        }
        let Some(day) = day_of(element, header, &page.dates) else { continue };
        match std::iter::once(*element).chain(element.ancestors()).find_map(|node| around.get(&node.id())) {
            // It stands in the item itself, or heads a group of one.
            Some((1, at)) => days[*at] = Some(day),
            _ if header.is_none() && {
                let outermost = parents(element).take_while(|parent| !around.contains_key(&parent.id())).last();
                is_of_article(outermost.unwrap_or(element), page)
            } => {}
            _ => current = Some(day),
        }
    }
    days
}

/// Whether a day stands in a card of its own with an article that is not of the list: then it is that article's.
fn is_of_article(card: ElementRef<'_>, page: &Page<'_>) -> bool {
    let leads_to_article = |link: ElementRef<'_>| {
        let url = link.attr("href").filter(|_| link.value().name() == "a").and_then(|to| article_url(to, page.base));
        // A header may itself be a link, to the archive of its day.
        url.is_some_and(|url| looks_like_article(&url)) && !is_day(&visible_text(link))
    };
    card.descendants().take(CARD_NODES_MAX).filter_map(ElementRef::wrap).any(leads_to_article)
}

fn parents(element: ElementRef<'_>) -> impl Iterator<Item = ElementRef<'_>> {
    element.ancestors().filter_map(ElementRef::wrap)
}

/// Whether a text is a day and nothing else.
pub(super) fn is_day(text: &str) -> bool {
    let context = DateContext { zone: &TimeZone::UTC, now: None, year_hint: Some(2000) };
    text.chars().count() <= HEADER_CHARS_MAX && dates::parse_visible(text, &context).is_some()
}

/// Whether a day in an element is today's, or the weather's, and not that of a list.
fn is_elsewhere(around: &ElementRef<'_>) -> bool {
    const ELSEWHERE: &[&str] = &["header", "topbar", "nav", "navbar", "menu", "footer", "weather", "currency"];
    matches!(around.value().name(), "nav" | "footer" | "header" | "aside") || has_word(around, ELSEWHERE)
}

/// The day that a header names.
fn day_of(element: ElementRef<'_>, header: Option<&Selector>, context: &DateContext<'_>) -> Option<Date> {
    let is_header = match header {
        Some(header) => header.matches(&element),
        None => element.descendants().nth(HEADER_NODES_MAX).is_none(),
    };
    if !is_header {
        return None;
    }
    let text: String = element
        .descendants()
        .filter_map(|node| match node.value() {
            Node::Text(text) => Some(text.chars()),
            _ => None,
        })
        .flatten()
        .take(HEADER_CHARS_MAX + 1)
        .collect();
    if text.chars().count() > HEADER_CHARS_MAX {
        return None;
    }
    let date = dates::parse_visible(&text, context)?;
    if header.is_none() && date.precision != DatePrecision::Day {
        return None;
    }
    Some(date.time.offset.to_datetime(date.time.at).date())
}
