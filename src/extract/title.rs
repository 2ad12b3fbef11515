//! The headline: an h1 that the page's metadata confirms, else what the metadata agrees on; without the site's name.

use scraper::Selector;

use super::clean::clean_line;
use super::metadata::{Found, Sources, selected_line, selector};
use super::render::line_of;
use crate::text;

/// Most h1 elements that are compared.
const HEADINGS_MAX: usize = 12;
/// Longest title, in characters; longer ones are texts in the wrong element.
const TITLE_CHARS_MAX: usize = 400;
/// Shortest title that can confirm another by being part of it, in bytes.
const OVERLAP_BYTES_MIN: usize = 12;
/// What sites put between a headline and their name.
const DIVIDERS: [&str; 11] = [" | ", " - ", " – ", " — ", " :: ", " » ", " · ", " • ", " / ", " › ", " : "];

/// The title, and whether two places of the page agree on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Title {
    pub found: Found<String>,
    pub is_confirmed: bool,
}

/// Finds the title.
pub(super) fn title(sources: &Sources<'_>, rule: Option<&Selector>) -> Option<Title> {
    if let Some(line) = selected_line(sources.page, rule) {
        return Some(Title { found: Found::new(line, "selector"), is_confirmed: true });
    }
    let site_names = sources.site_names();
    let declared = declared(sources, &site_names);
    let headings: Vec<String> = sources.page.select(selector!("h1")).take(HEADINGS_MAX).map(line_of).collect();
    let headings: Vec<String> =
        headings.iter().map(|line| usable(line, &site_names)).filter(|line| !line.is_empty()).collect();
    if let Some(heading) = headings.iter().find(|heading| declared.iter().any(|title| is_same(heading, &title.value))) {
        return Some(Title { found: Found::new(heading.clone(), "text"), is_confirmed: true });
    }
    let overlapping = headings.iter().find_map(|heading| declared.iter().find_map(|title| overlap(heading, title)));
    if let Some(found) = overlapping {
        return Some(Title { found, is_confirmed: true });
    }
    let agreed = declared
        .iter()
        .enumerate()
        .find(|(position, title)| declared[position + 1..].iter().any(|other| is_same(&title.value, &other.value)));
    if let Some((_, title)) = agreed {
        return Some(Title { found: title.clone(), is_confirmed: true });
    }
    let first = declared.into_iter().next().or_else(|| Some(Found::new(headings.into_iter().next()?, "text")));
    first.map(|found| Title { found, is_confirmed: false })
}

/// What the metadata calls the page, most trustworthy first.
fn declared(sources: &Sources<'_>, site_names: &[String]) -> Vec<Found<String>> {
    let document_title = sources.page.select(selector!("title")).next().map(line_of);
    let meta = |keys: &[&str]| sources.metas.first(keys).map(str::to_owned);
    let candidates = [
        (sources.json_ld.headline.clone(), "json-ld"),
        (meta(&["og:title"]), "meta"),
        (meta(&["twitter:title", "parsely-title", "sailthru.title", "dc.title", "title", "headline"]), "meta"),
        (document_title, "meta"),
        (sources.announced.and_then(|announced| announced.title.clone()), "feed"),
    ];
    let usable = |(title, from): (Option<String>, &'static str)| Some(Found::new(usable(&title?, site_names), from));
    candidates.into_iter().filter_map(usable).filter(|title| !title.value.is_empty()).collect()
}

fn usable(raw: &str, site_names: &[String]) -> String {
    let line = clean_line(&text::from_html(raw)).text;
    let title = without_site_name(&line, site_names);
    let is_site = site_names.iter().any(|name| fold(name) == fold(title));
    if is_site || title.chars().count() > TITLE_CHARS_MAX { String::new() } else { title.to_owned() }
}

/// Cuts the site's name, and what stands between it and the headline, from either end.
fn without_site_name<'a>(title: &'a str, site_names: &[String]) -> &'a str {
    let is_site = |part: &str| {
        let part = fold(part);
        !part.is_empty() && site_names.iter().any(|name| fold(name) == part)
    };
    let mut kept = title;
    for _ in 0..3 {
        let cut = DIVIDERS.iter().find_map(|divider| {
            let at_end = kept.rsplit_once(divider).filter(|(_, site)| is_site(site)).map(|(headline, _)| headline);
            at_end.or_else(|| kept.split_once(divider).filter(|(site, _)| is_site(site)).map(|(_, headline)| headline))
        });
        match cut.map(str::trim) {
            Some(headline) if !headline.is_empty() => kept = headline,
            _ => break,
        }
    }
    kept
}

/// Letters and digits in lower case: what remains equal when quotes, dashes and case differ.
pub(super) fn fold(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn is_same(a: &str, b: &str) -> bool {
    let (a, b) = (fold(a), fold(b));
    !a.is_empty() && a == b
}

/// Where one of a heading and a declared title holds the other and is not twice as long: the heading, unless it
/// only has a kicker more, as in "Opinion | The dam is late".
fn overlap(heading: &str, declared: &Found<String>) -> Option<Found<String>> {
    let (folded, folded_title) = (fold(heading), fold(&declared.value));
    let (short, long) = match folded.len() < folded_title.len() {
        true => (&folded, &folded_title),
        false => (&folded_title, &folded),
    };
    if short.len() < OVERLAP_BYTES_MIN || short.len() * 2 < long.len() || !long.contains(short.as_str()) {
        return None;
    }
    let has_kicker = folded.len() > folded_title.len() && folded.ends_with(&folded_title);
    Some(if has_kicker { declared.clone() } else { Found::new(heading.to_owned(), "text") })
}

#[cfg(test)]
mod tests {
    use super::super::json_ld::JsonLd;
    use super::super::metadata::Metas;
    use super::*;
    use scraper::Html;

    fn check(html: &str, expected: Option<(&str, &str)>) {
        let page = Html::parse_document(html);
        let url: url::Url = "https://www.steppe.example/dam".parse().expect("an address");
        let (metas, json_ld) = (Metas::read(&page), JsonLd::default());
        let sources = Sources { page: &page, metas: &metas, json_ld: &json_ld, announced: None, url: Some(&url) };
        let found = title(&sources, None).map(|title| (title.found.value, title.found.from));
        assert_eq!(found, expected.map(|(title, from)| (title.to_owned(), from)), "title of {html:?}");
    }

    #[test]
    fn finds_the_headline() {
        let site = "<meta property=og:site_name content='Steppe Times'>";
        check(
            &format!(
                "{site}<title>New dam opened | Steppe Times</title><h1>Steppe Times</h1><h1>New dam “opened”</h1>"
            ),
            Some(("New dam “opened”", "text")),
        );
        check(
            &format!("{site}<meta property=og:title content='New dam opened – Steppe Times'><h1>Welcome</h1>"),
            Some(("New dam opened", "meta")),
        );
        check(
            "<title>The dam is late again</title><h1><span>Opinion</span> | The dam is late again</h1>",
            Some(("The dam is late again", "meta")),
        );
        check(
            "<title>The dam is late again: report</title><h1>The dam is late again</h1>",
            Some(("The dam is late again", "text")),
        );
        check("<title>The dam is late | steppe.example</title>", Some(("The dam is late", "meta")));
        check("<title>Новая плотина открыта</title><h2>x</h2>", Some(("Новая плотина открыта", "meta")));
        check("<h1>Only <b>h</b>eading</h1>", Some(("Only heading", "text")));
        check("<meta property=og:title content='Tom &amp;amp; Aigul'>", Some(("Tom & Aigul", "meta")));
        check("<p>nothing</p>", None);
    }

    #[test]
    fn keeps_dashes_of_the_headline() {
        let site = "<meta property=og:site_name content='Steppe'>";
        check(&format!("{site}<title>Almaty - Bishkek road - Steppe</title>"), Some(("Almaty - Bishkek road", "meta")));
        check("<title>Almaty - Bishkek road</title>", Some(("Almaty - Bishkek road", "meta")));
    }
}
