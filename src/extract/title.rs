//! The headline: an h1 that the page's metadata confirms, else what the metadata agrees on; without the site's name.

use scraper::{ElementRef, Selector};

use super::clean::clean_line;
use super::json_ld::{Described, Subject};
use super::metadata::{Found, Metas, Sources, selected_line};
use super::render::line_of;
use crate::text;

/// Most h1 elements that are compared.
const HEADINGS_MAX: usize = 12;
/// Most headings among which the one with the title is looked for.
const HEADINGS_SEARCHED_MAX: usize = 200;
/// Longest title, in characters; longer ones are texts in the wrong element.
const TITLE_CHARS_MAX: usize = 400;
/// Shortest title that can confirm another by being part of it, in bytes.
const OVERLAP_BYTES_MIN: usize = 12;
/// Fewest words of a heading that may be the headline though nothing repeats it, and fewest letters of a word that it
/// has to share with what the metadata says.
const HEADLINE_WORDS_MIN: usize = 3;
const LONG_WORD_CHARS_MIN: usize = 4;
/// What sites put between a headline and their name.
const DIVIDERS: [&str; 11] = [" | ", " - ", " – ", " — ", " :: ", " » ", " · ", " • ", " / ", " › ", " : "];

/// The title, and where it stands in the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Title<'a> {
    pub found: Found<String>,
    pub heading: Option<ElementRef<'a>>,
}

/// Finds the title.
pub(super) fn title<'a>(sources: &Sources<'a>, rule: Option<&Selector>) -> Option<Title<'a>> {
    let found = match selected_line(sources.page, rule) {
        Some(line) => Found::new(line, "selector"),
        None => chosen(sources)?,
    };
    Some(Title { heading: heading_of(sources.metas, &found.value), found })
}

fn chosen(sources: &Sources<'_>) -> Option<Found<String>> {
    let site = SiteNames::of(sources);
    let headings: Vec<String> = sources
        .metas
        .h1()
        .take(HEADINGS_MAX)
        .map(|heading| clean_line(&line_of(heading)).text)
        .filter(|line| is_usable(line, &site))
        .collect();
    let declared = declared(sources, &site, &headings);
    if let Some(heading) = headings.iter().find(|heading| declared.iter().any(|title| is_same(heading, &title.value))) {
        return Some(Found::new(heading.clone(), "text"));
    }
    // A heading that repeats the site's name is not cut: what the metadata says without it is taken.
    let has_site_name = |title: &Found<String>, heading: &str| is_same(site.cut_from_end(heading), &title.value);
    let without_name = declared.iter().find(|title| headings.iter().any(|heading| has_site_name(title, heading)));
    if let Some(title) = without_name {
        return Some(title.clone());
    }
    let overlapping = headings.iter().find_map(|heading| declared.iter().find_map(|title| overlap(heading, title)));
    if overlapping.is_some() {
        return overlapping;
    }
    // Many sites write one headline for readers and another for search engines and feeds: readers' counts.
    let words: Vec<String> = declared.iter().flat_map(|title| long_words(&title.value)).collect();
    let shared = |heading: &&String| long_words(heading).filter(|word| words.contains(word)).count();
    let is_headline =
        |heading: &&String| heading.split_whitespace().count() >= HEADLINE_WORDS_MIN && shared(heading) > 0;
    // The first of the best: `max_by_key` would take the last.
    if let Some(heading) = headings.iter().filter(is_headline).rev().max_by_key(shared) {
        return Some(Found::new(heading.clone(), "text"));
    }
    let agreed = declared
        .iter()
        .enumerate()
        .find(|(position, title)| declared[position + 1..].iter().any(|other| is_same(&title.value, &other.value)));
    if let Some((_, title)) = agreed {
        return Some(title.clone());
    }
    declared.into_iter().next().or_else(|| Some(Found::new(headings.into_iter().next()?, "text")))
}

/// What tells the page's own node from others, before those are read.
pub(super) fn described(sources: &Sources<'_>) -> Described {
    let shared = sources.metas.first(&["og:title"]).map(text::from_html);
    let headings = sources.metas.h1().take(HEADINGS_MAX).map(line_of);
    // A heading that was never closed holds the page; comparing it with every node would take long.
    let is_title = |line: &String| line.chars().count() <= TITLE_CHARS_MAX;
    let titles = headings.chain(shared).filter(is_title).map(|line| fold(&line)).collect();
    Described { addresses: sources.addresses(), titles }
}

/// The heading that shows a title.
fn heading_of<'a>(metas: &Metas<'a>, title: &str) -> Option<ElementRef<'a>> {
    let folded = fold(title);
    let lines: Vec<(ElementRef<'a>, String)> =
        metas.headings.iter().take(HEADINGS_SEARCHED_MAX).map(|heading| (*heading, fold(&line_of(*heading)))).collect();
    let shows = |accepted: fn(&str, &str) -> bool| lines.iter().find(|(_, line)| accepted(line, &folded));
    shows(|heading, title| heading == title).or_else(|| shows(is_similar)).map(|(heading, _)| *heading)
}

/// What the metadata calls the page, most trustworthy first.
fn declared(sources: &Sources<'_>, site: &SiteNames, headings: &[String]) -> Vec<Found<String>> {
    let document_title = sources.metas.title.map(line_of);
    let meta = |keys: &[&str]| sources.metas.first(keys).map(str::to_owned);
    let json_ld = |subject| sources.json_ld.headline.clone().filter(|_| sources.json_ld.subject == subject);
    let candidates = [
        (json_ld(Subject::Article), "json-ld"),
        (meta(&["og:title"]), "meta"),
        (meta(&["twitter:title", "parsely-title", "sailthru.title", "dc.title", "title", "headline"]), "meta"),
        (document_title, "meta"),
        (json_ld(Subject::WebPage), "json-ld"),
        (sources.announced.and_then(|announced| announced.title.clone()), "feed"),
    ];
    let lines: Vec<Found<String>> = candidates
        .into_iter()
        .filter_map(|(title, from)| Some(Found::new(clean_line(&text::from_html(&title?)).text, from)))
        .map(|line| Found::new(site.cut_from_end(&line.value).to_owned(), line.from))
        .collect();
    let smaller = sources
        .metas
        .headings
        .iter()
        .filter(|heading| heading.value().name() == "h2")
        .map(|heading| fold(&line_of(*heading)));
    let others: Vec<String> =
        headings.iter().chain(lines.iter().map(|line| &line.value)).map(|line| fold(line)).chain(smaller).collect();
    let cut = |line: Found<String>| Found::new(site.cut_from_front(&line.value, &others).to_owned(), line.from);
    lines.into_iter().map(cut).filter(|title| is_usable(&title.value, site)).collect()
}

fn is_usable(title: &str, site: &SiteNames) -> bool {
    !title.is_empty() && title.chars().count() <= TITLE_CHARS_MAX && !site.all.contains(&fold(title))
}

/// The names of the site, folded.
struct SiteNames {
    /// Those that the site gives itself.
    own: Vec<String>,
    /// And the label of its host.
    all: Vec<String>,
}

impl SiteNames {
    fn of(sources: &Sources<'_>) -> Self {
        let folded = |names: Vec<String>| names.into_iter().map(|name| fold(&name)).filter(|name| !name.is_empty());
        let own: Vec<String> = folded(sources.site_names()).collect();
        let all = own.iter().cloned().chain(folded(sources.host_label().into_iter().collect())).collect();
        Self { own, all }
    }

    /// Cuts the site's name, and what stands between it and the headline, from the end.
    fn cut_from_end<'a>(&self, title: &'a str) -> &'a str {
        let mut kept = title;
        for _ in 0..3 {
            let ends = DIVIDERS.iter().filter_map(|divider| kept.rsplit_once(divider));
            match ends.into_iter().find(|(_, site)| self.all.contains(&fold(site))).map(|(headline, _)| headline.trim())
            {
                Some(headline) if !headline.is_empty() => kept = headline,
                _ => break,
            }
        }
        kept
    }

    /// Cuts the site's name from the front where another title does without it: a headline may begin with a word
    /// that is the name of a site, too.
    fn cut_from_front<'a>(&self, title: &'a str, others: &[String]) -> &'a str {
        let mut fronts = DIVIDERS.iter().filter_map(|divider| title.split_once(divider));
        let cut = fronts.find(|(site, headline)| self.own.contains(&fold(site)) && others.contains(&fold(headline)));
        cut.map_or(title, |(_, headline)| headline.trim())
    }
}

/// Letters and digits in lower case: what remains equal when quotes, dashes and case differ.
pub(super) fn fold(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Words that are long enough to carry meaning, folded.
fn long_words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() >= LONG_WORD_CHARS_MIN).map(fold)
}

fn is_same(a: &str, b: &str) -> bool {
    let (a, b) = (fold(a), fold(b));
    !a.is_empty() && a == b
}

/// Whether one of two folded titles holds the other and is not twice as long.
pub(super) fn is_similar(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    short.len() >= OVERLAP_BYTES_MIN && short.len() * 2 >= long.len() && long.contains(short)
}

/// Where one of a heading and a declared title holds the other and is not twice as long: the heading, unless it
/// only has a kicker more, as in "Opinion | The dam is late".
fn overlap(heading: &str, declared: &Found<String>) -> Option<Found<String>> {
    let (folded, folded_title) = (fold(heading), fold(&declared.value));
    if !is_similar(&folded, &folded_title) {
        return None;
    }
    let has_kicker = folded.len() > folded_title.len() && folded.ends_with(&folded_title);
    Some(if has_kicker { declared.clone() } else { Found::new(heading.to_owned(), "text") })
}

#[cfg(test)]
mod tests {
    use super::super::json_ld::JsonLd;
    use super::*;
    use scraper::Html;

    fn check(html: &str, expected: Option<(&str, &str)>) {
        check_at("https://www.steppe.example/dam", html, expected);
    }

    fn check_at(url: &str, html: &str, expected: Option<(&str, &str)>) {
        let page = Html::parse_document(html);
        let url: url::Url = url.parse().expect("an address");
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
    fn the_readers_headline_goes_before_the_search_engines() {
        let searched = "<title>Reservoir: cost, height and opening day | Steppe</title>";
        check(
            &format!("{searched}<h1>The valley that waited for its reservoir</h1>"),
            Some(("The valley that waited for its reservoir", "text")),
        );
        for other in ["All the news", "News about water and energy", "Dam"] {
            let html = format!("{searched}<meta property=og:site_name content=Steppe><h1>{other}</h1>");
            check(&html, Some(("Reservoir: cost, height and opening day", "meta")));
        }
    }

    #[test]
    fn keeps_dashes_of_the_headline() {
        let site = "<meta property=og:site_name content='Steppe'>";
        check(&format!("{site}<title>Almaty - Bishkek road - Steppe</title>"), Some(("Almaty - Bishkek road", "meta")));
        check("<title>Almaty - Bishkek road</title>", Some(("Almaty - Bishkek road", "meta")));
    }

    #[test]
    fn a_headline_may_begin_with_the_name_of_the_site() {
        let named = |name: &str| format!("<meta property=og:site_name content='{name}'>");
        let headline = "Власть — это ответственность";
        check(
            &format!("{}<title>{headline} | Власть</title><h1>{headline}</h1>", named("Власть")),
            Some((headline, "text")),
        );
        check(&format!("{}<meta property=og:title content='{headline}'>", named("Власть")), Some((headline, "meta")));
        check(
            &format!(
                "{}<title>Kazakhstan - China trade grows</title><h1>Kazakhstan - China trade grows</h1>",
                named("Kazakhstan")
            ),
            Some(("Kazakhstan - China trade grows", "text")),
        );
        check_at(
            "https://osh.example/1",
            "<title>Osh - Naryn road opened</title>",
            Some(("Osh - Naryn road opened", "meta")),
        );
        check(
            &format!(
                "{}<title>Steppe Times | New dam opened</title><meta property=og:title content='New dam opened'>",
                named("Steppe Times")
            ),
            Some(("New dam opened", "meta")),
        );
        check(
            &format!("{}<title>Steppe Times | New dam opened</title><h2>New dam opened</h2>", named("Steppe Times")),
            Some(("New dam opened", "meta")),
        );
    }

    #[test]
    fn a_heading_is_never_cut() {
        let site = "<meta property=og:site_name content='Steppe Times'>";
        check(
            &format!("{site}<h1>New dam opened | Steppe Times</h1>"),
            Some(("New dam opened | Steppe Times", "text")),
        );
        check(
            &format!("{site}<title>New dam opened</title><h1>New dam opened | Steppe Times</h1>"),
            Some(("New dam opened", "meta")),
        );
    }

    #[test]
    fn the_name_of_a_lone_web_page_comes_after_the_metas() {
        let page = Html::parse_document("<meta property=og:title content='New dam opened'>");
        let metas = Metas::read(&page);
        let json_ld =
            JsonLd { subject: Subject::WebPage, headline: Some("All the news".to_owned()), ..JsonLd::default() };
        let sources = Sources { page: &page, metas: &metas, json_ld: &json_ld, announced: None, url: None };
        assert_eq!(title(&sources, None).map(|title| title.found.value).as_deref(), Some("New dam opened"));
    }
}
