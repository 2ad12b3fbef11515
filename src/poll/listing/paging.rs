//! From one page of a list to the next: the page's own link, or an address made of a template.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use scraper::ElementRef;
use url::Url;

use super::{Page, article_url, first, without_fragment};
use crate::poll::site::is_same_site;
use crate::site_rules::ListingRule;

/// The next page that the page itself names: by the rule's `next`, or as `rel=next` where the rule says nothing.
pub(super) fn next_page(page: &Page<'_>, rule: Option<&ListingRule>) -> Option<Url> {
    let root = page.html.root_element();
    let address = |element: ElementRef<'_>| {
        let url = article_url(element.attr("href")?, page.base)?;
        (is_same_site(&url, page.url) && url != without_fragment(page.url)).then_some(url)
    };
    if let Some(next) = rule.and_then(|rule| rule.next.as_ref()) {
        let marked = first(root, next)?;
        let mut inside = marked.descendants().filter_map(ElementRef::wrap);
        return inside.find_map(address).or_else(|| address(ElementRef::wrap(marked.parent()?)?));
    }
    if rule.is_some_and(|rule| rule.page.is_some()) {
        return None;
    }
    let is_next = |element: &ElementRef<'_>| {
        let relation = element.attr("rel").unwrap_or_default();
        matches!(element.value().name(), "a" | "link")
            && relation.split_ascii_whitespace().any(|word| word.eq_ignore_ascii_case("next"))
    };
    root.descendants().filter_map(ElementRef::wrap).filter(is_next).find_map(address)
}

/// The address of a page of a list, from 1, made of the template of `page`, or of the source's own `url`.
///
/// `{page}` is the number. `{date}` (2026-11-22), `{yyyy}`, `{mm}` and `{dd}` are the publisher's day; in a template
/// without `{page}`, page 2 is that of yesterday.
pub fn page_address(template: &str, number: usize, base: &Url, zone: &TimeZone, now: Timestamp) -> Option<Url> {
    let is_by_day = placeholder(template, "{page}").is_none();
    let days = if is_by_day { i64::try_from(number).ok()?.checked_sub(1)? } else { 0 };
    let day = now.to_zoned(zone.clone()).date().checked_sub(days.days()).ok()?;
    let values = [
        ("{page}", number.to_string()),
        ("{date}", day.to_string()),
        ("{yyyy}", format!("{:04}", day.year())),
        ("{mm}", format!("{:02}", day.month())),
        ("{dd}", format!("{:02}", day.day())),
    ];
    let mut address = template.to_owned();
    for (name, value) in values {
        if let Some(written) = placeholder(&address, name) {
            address = address.replace(&written, &value);
        }
    }
    let url = base.join(&address).ok()?;
    is_same_site(&url, base).then_some(url)
}

/// Whether an address is of a day or month, so that another one is in force later.
pub fn is_of_day(url: &Url) -> bool {
    ["{date}", "{dd}", "{mm}", "{yyyy}"].iter().any(|name| placeholder(url.as_str(), name).is_some())
}

/// A placeholder as it stands in an address: the url crate escapes braces in paths, not in queries.
fn placeholder(text: &str, name: &str) -> Option<String> {
    let escaped = name.replace('{', "%7B").replace('}', "%7D");
    [name.to_owned(), escaped].into_iter().find(|written| text.contains(written.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_filled_in() {
        let base = Url::parse("https://news.example/ru/list?x=1").expect("an address");
        let zone = TimeZone::fixed(jiff::tz::offset(6));
        let now: Timestamp = "2026-11-30T19:00:00Z".parse().expect("a time");
        for (template, number, expected) in [
            ("?page={page}", 2, Some("https://news.example/ru/list?page=2")),
            ("https://m.news.example/p/{page}/", 3, Some("https://m.news.example/p/3/")),
            ("/%7Byyyy%7D/%7Bmm%7D/?d={dd}", 1, Some("https://news.example/2026/12/?d=01")),
            ("/?date={date}&order=time", 1, Some("https://news.example/?date=2026-12-01&order=time")),
            ("/?date={date}&order=time", 2, Some("https://news.example/?date=2026-11-30&order=time")),
            ("/?date={date}&page={page}", 2, Some("https://news.example/?date=2026-12-01&page=2")),
            ("https://other.example/{page}", 2, None),
        ] {
            let url = page_address(template, number, &base, &zone, now);
            assert_eq!(url.as_ref().map(Url::as_str), expected, "{template}");
        }
    }
}
