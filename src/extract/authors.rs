//! Authors: persons by name, not the agency, not the site, not "admin", not an address.

mod words;

use scraper::Selector;

use super::clean::clean_line;
use super::metadata::{Found, Sources, selected_line};
use super::published::surroundings::Surroundings;
use super::render::line_of;
use super::title::fold;
use crate::model::Author;
use crate::text;
use words::{LABELS, LABELS_IN_NAMES, NOT_PERSONS};

/// Most authors of an article.
const AUTHORS_MAX: usize = 12;
/// Most lines below the headline and most elements that are looked at for a byline, and its longest text in characters.
const BYLINE_LINES_MAX: usize = 20;
const BYLINES_MAX: usize = 8;
const BYLINE_CHARS_MAX: usize = 160;
/// Most bytes of a line that names authors: as many names as are kept, with what stands between them.
const LINE_BYTES_MAX: usize = 4 << 10;
/// Longest name in characters and words.
const NAME_CHARS_MAX: usize = 60;
const NAME_WORDS_MAX: usize = 5;

/// Who gives the names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Giver {
    /// The feed's own author fields, or a site's rule: one word may be a person, by a pen name.
    Feed,
    /// The page, where one word is more often an agency or a town.
    Page,
}

/// Finds the authors.
pub(super) fn authors(sources: &Sources<'_>, rule: Option<&Selector>) -> Option<Found<Vec<Author>>> {
    let site_names: Vec<String> =
        sources.site_names().into_iter().chain(sources.host_label()).map(|name| fold(&name)).collect();
    let metas = || {
        let keys = [
            "author",
            "article:author",
            "article:author_name",
            "parsely-author",
            "sailthru.author",
            "dc.creator",
            "dcsext.author",
            "cxenseparse:author",
            "article_author",
            "citation_author",
            "mediator_author",
            "byl",
            "byline",
        ];
        keys.iter()
            .map(|key| sources.metas.all(key).to_vec())
            .map(|raw| persons(&raw, &site_names, Giver::Page))
            .find(|names| !names.is_empty())
    };
    let marked = || {
        let raw: Vec<String> = sources.metas.marked_authors.iter().take(AUTHORS_MAX).copied().map(line_of).collect();
        persons(&raw, &site_names, Giver::Page)
    };
    let classed = || {
        let lines = sources.metas.bylines.iter().take(BYLINES_MAX).copied().map(line_of);
        let raw = lines.filter(|line| line.chars().count() <= BYLINE_CHARS_MAX);
        raw.map(|line| persons(&[line], &site_names, Giver::Page)).find(|names| !names.is_empty()).unwrap_or_default()
    };
    let linked = || {
        let raw: Vec<String> = sources.metas.author_links.iter().take(AUTHORS_MAX).copied().map(line_of).collect();
        persons(&raw, &site_names, Giver::Page)
    };
    let byline = || below_headline(&Surroundings::of_headline(sources, None), &site_names);
    let feed = || {
        let announced = sources.announced.map(|announced| announced.authors.as_slice()).unwrap_or_default();
        let raw: Vec<String> = announced.iter().map(|author| author.name.clone()).collect();
        persons(&raw, &site_names, Giver::Feed)
    };
    let found = |names: Vec<Author>, from| (!names.is_empty()).then(|| Found::new(names, from));
    let by_rule = selected_line(sources.page, rule);
    found(persons(by_rule.as_slice(), &site_names, Giver::Feed), "selector")
        .or_else(|| found(persons(&sources.json_ld.authors, &site_names, Giver::Page), "json-ld"))
        .or_else(|| found(metas().unwrap_or_default(), "meta"))
        .or_else(|| found(marked(), "text"))
        .or_else(|| found(classed(), "text"))
        .or_else(|| found(linked(), "text"))
        .or_else(|| found(byline(), "text"))
        .or_else(|| found(feed(), "feed"))
}

/// Who is named below the headline behind a label: "By Aigul Serikova", or "By" and the name in a link.
fn below_headline(surroundings: &Surroundings, site_names: &[String]) -> Vec<Author> {
    let lines: Vec<&str> = surroundings.byline().take(BYLINE_LINES_MAX).collect();
    let named = |line: &str| {
        let mut names = persons(&[before_date(line).to_owned()], site_names, Giver::Page);
        names.retain(|author| is_in_capitals(&author.name));
        names
    };
    let labelled = lines.iter().enumerate().filter(|(_, line)| line.chars().count() <= BYLINE_CHARS_MAX);
    let mut found = labelled.filter_map(|(at, line)| {
        let is_label = LABELS.contains(&line.trim_end_matches([':', ' ']).to_lowercase().as_str());
        let names = if is_label {
            lines.get(at + 1).map(|next| named(next)).unwrap_or_default()
        } else if without_label(line) != line.trim() {
            named(line)
        } else {
            Vec::new()
        };
        (!names.is_empty()).then_some(names)
    });
    found.next().unwrap_or_default()
}

/// Whether all words begin with a capital, but for those that stand before last names: prose has others.
fn is_in_capitals(name: &str) -> bool {
    const SMALL: [&str; 17] = [
        "von", "van", "der", "den", "de", "del", "della", "di", "da", "dos", "du", "la", "le", "bin", "al", "el", "ter",
    ];
    name.split_whitespace().all(|word| !word.starts_with(char::is_lowercase) || SMALL.contains(&word))
}

/// A line up to the first digit or to the preposition before it: names have none, dates do.
fn before_date(line: &str) -> &str {
    let end = line.find(|c: char| c.is_ascii_digit()).unwrap_or(line.len());
    let begin = line[..end].trim_end();
    [" on", " am", " le", " on:", " at"].iter().find_map(|preposition| begin.strip_suffix(preposition)).unwrap_or(begin)
}

/// The persons named in some strings, each of which may name several.
fn persons(raw: &[String], site_names: &[String], giver: Giver) -> Vec<Author> {
    let mut persons: Vec<Author> = Vec::new();
    for line in raw.iter().take(AUTHORS_MAX) {
        let line = &line[..line.floor_char_boundary(LINE_BYTES_MAX)];
        let line = clean_line(&text::from_html(line)).text;
        let line = without_label(&line);
        let turned = turned(line).filter(|name| is_person(name, site_names, giver));
        let names = match &turned {
            Some(name) => vec![name.as_str()],
            None => split(line),
        };
        for name in names {
            let name = without_label(name).trim_matches([' ', ',', '.', '-', '–', '—', '|', '/', ':', ';']);
            let is_known = || persons.iter().any(|known| fold(&known.name) == fold(name));
            if persons.len() < AUTHORS_MAX && is_person(name, site_names, giver) && !is_known() {
                persons.push(Author { name: name.to_owned() });
            }
        }
    }
    persons
}

/// Cuts "By", "Автор:" and the like.
fn without_label(line: &str) -> &str {
    let line = line.trim();
    for label in LABELS {
        let Some(begin) = line.get(..label.len()) else { continue };
        let rest = &line[label.len()..];
        let is_part_of_name = LABELS_IN_NAMES.contains(label) && begin == *label;
        if begin.to_lowercase() == *label && !is_part_of_name && rest.starts_with([' ', ':']) {
            return rest.trim_start_matches([' ', ':']);
        }
    }
    line
}

/// "Last, First" as "First Last": two parts, the second one word, the first one word or with a small one before it.
fn turned(line: &str) -> Option<String> {
    let (last, first) = line.split_once(',')?;
    let is_word = |part: &str| !part.trim().is_empty() && !part.trim().contains([' ', ',', ';', '|', '/', '&']);
    let begins_small = last.trim().chars().next().is_some_and(char::is_lowercase);
    let is_last = is_word(last) || (begins_small && last.split_whitespace().count() < NAME_WORDS_MAX);
    let is_name = |part: &str| !NOT_PERSONS.contains(&part.trim().to_lowercase().as_str()) && !is_degree(part);
    (is_last && is_word(first) && is_name(last) && is_name(first)).then(|| format!("{} {}", first.trim(), last.trim()))
}

fn is_degree(part: &str) -> bool {
    matches!(fold(part).as_str(), "phd" | "md" | "jr" | "sr" | "esq" | "mba" | "dr")
}

/// Whether a word is the address of a site: letters, a full stop, a top-level domain.
fn is_host(word: &str) -> bool {
    let word = word.trim_end_matches(['.', ',']);
    word.rsplit_once('.').is_some_and(|(name, domain)| {
        name.chars().count() >= 2
            && (2..=6).contains(&domain.len())
            && domain.bytes().all(|byte| byte.is_ascii_lowercase())
    })
}

fn split(line: &str) -> Vec<&str> {
    let mut names = vec![line];
    for divider in [
        ",",
        ";",
        "|",
        "•",
        "·",
        "&",
        " and ",
        " und ",
        " и ",
        " және ",
        " жана ",
        " ва ",
        " va ",
        " with ",
        " as told to ",
        " / ",
    ] {
        names = names.into_iter().flat_map(|part| part.split(divider)).collect();
    }
    names
}

fn is_person(name: &str, site_names: &[String], giver: Giver) -> bool {
    if name.chars().count() > NAME_CHARS_MAX {
        return false;
    }
    let words: Vec<String> = name.split_whitespace().map(str::to_lowercase).collect();
    let plain = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
    let has_office = words.iter().any(|word| NOT_PERSONS.contains(&plain(word).as_str()));
    let begins_upper =
        name.chars().next().is_some_and(|c| c.is_uppercase() || (c.is_alphabetic() && !c.is_lowercase()));
    let folded = fold(name);
    // Scripts without spaces write a full name as one word.
    let has_spaces = |c: char| matches!(c, 'a'..='z' | 'A'..='Z' | '\u{400}'..='\u{52f}');
    let is_complete = words.len() > 1 || giver == Giver::Feed || !name.chars().any(has_spaces);
    begins_upper
        && is_complete
        && words.first().is_none_or(|word| word != "the")
        && !is_degree(name)
        && !name.split_whitespace().any(is_host)
        && folded.chars().count() >= 3
        && words.len() <= NAME_WORDS_MAX
        && !has_office
        && !name.contains(['@', '_', '<', '>', '{', '/', '"', '?', '!', '©'])
        && !name.chars().any(|c| c.is_ascii_digit())
        && !name.to_lowercase().contains("www.")
        && !site_names.contains(&folded)
}

#[cfg(test)]
mod tests {
    use super::super::json_ld::JsonLd;
    use super::super::metadata::Metas;
    use super::*;

    fn check(raw: &str, expected: &[&str]) {
        check_given(Giver::Page, raw, expected);
    }

    fn check_given(giver: Giver, raw: &str, expected: &[&str]) {
        let found = persons(&[raw.to_owned()], &[fold("Steppe Times")], giver);
        let names: Vec<String> = found.into_iter().map(|author| author.name).collect();
        assert_eq!(names, expected, "persons in {raw:?}, given by {giver:?}");
    }

    #[test]
    fn finds_persons() {
        check("By Aigul Serikova and Timur Karimov", &["Aigul Serikova", "Timur Karimov"]);
        check("Автор: Айгүл Серікова", &["Айгүл Серікова"]);
        check("Автор статьи: Айгүл Серікова", &["Айгүл Серікова"]);
        check("Беседовала Айгүл Серікова", &["Айгүл Серікова"]);
        check("AIGUL SERIKOVA, Associated Press", &["AIGUL SERIKOVA"]);
        check("Aigul Serikova; Aigul Serikova", &["Aigul Serikova"]);
        check("Гулнора Каримова ва Тимур Алиев", &["Гулнора Каримова", "Тимур Алиев"]);
        check("Бы", &[]);
    }

    #[test]
    fn refuses_what_is_no_person() {
        for raw in [
            "admin",
            "Admin",
            "Steppe Times",
            "https://steppe.example/authors/1",
            "editor@steppe.example",
            "Редакция",
            "News Desk",
            "ТАСС",
            "Reuters",
            "Published 12 May 2026",
            "",
            "Казинформ",
            "Steppenews.kz",
            "24.kg",
            "Sputnik Казахстан",
            "Радио Азаттык",
            "AKIpress",
            "Ministry of Foreign Affairs",
            "Bloomberg",
            "Anonymous",
            "Senior Fellow",
            "Ph.D",
            "Head of Water Supply",
            "University of Osh",
            "The Steppe Herald",
            "Gazette",
            "Published By : Stepnik",
            "An opinion piece that somebody wrote about water",
        ] {
            check(raw, &[]);
        }
    }

    #[test]
    fn last_names_may_come_first() {
        check("von der Steppe, Ursula", &["Ursula von der Steppe"]);
        check("Serikova, Aigul", &["Aigul Serikova"]);
        check("Aigul Serikova, Astana", &["Aigul Serikova"]);
        check("Aigul Serikova, Senior Fellow", &["Aigul Serikova"]);
        check("Serikova, Ph.D.", &[]);
        check("Aigul Serikova, Timur Karimov", &["Aigul Serikova", "Timur Karimov"]);
    }

    fn check_page(html: &str, expected: &[&str]) {
        let page = scraper::Html::parse_document(html);
        let (metas, json_ld) = (Metas::read(&page), JsonLd::default());
        let sources = Sources { page: &page, metas: &metas, json_ld: &json_ld, announced: None, url: None };
        let names = authors(&sources, None).map(|found| found.value).unwrap_or_default();
        let names: Vec<String> = names.into_iter().map(|author| author.name).collect();
        assert_eq!(names, expected, "authors of {html:?}");
    }

    #[test]
    fn authors_stand_below_the_headline() {
        let prose = "<p>The water of the new reservoir reached the town on Monday, officials of the ministry of energy told \
            reporters, and the first turbine will run in spring.</p>";
        for byline in [
            "<p>By <a href=/people/7>Aigul Serikova</a></p>",
            "<p>By Aigul Serikova on 9 March 2026</p>",
            "<p>Автор: Aigul Serikova</p>",
            "<p>Von Aigul Serikova am 09.03.2026</p>",
            "<p><a href=/author/aigul>Aigul Serikova</a></p>",
            "<ul class=authors><li>By Aigul Serikova</ul>",
            "<div class='td-post-author-name'>Aigul Serikova</div>",
            "<div class='material__author'>Aigul Serikova</div>",
        ] {
            check_page(&format!("<h1>Dam opened</h1>{byline}{prose}{prose}"), &["Aigul Serikova"]);
        }
        check_page(&format!("<h1>Dam opened</h1><p>By Monday the water was high</p>{prose}"), &[]);
        let comment = "<div class=comment__author>Timur Karimov</div>";
        check_page(&format!("<h1>Dam opened</h1>{prose}{comment}"), &[]);
        let card = "<h3>Bridge</h3><a href=/author/timur>Timur Karimov</a>";
        check_page(&format!("<h1>Dam opened</h1>{prose}{card}"), &[]);
    }

    #[test]
    fn labels_that_are_parts_of_names_begin_with_a_capital() {
        check("Von Aigul Serikova", &["Aigul Serikova"]);
        check("Aigul von Osh", &["Aigul von Osh"]);
    }

    #[test]
    fn one_word_is_a_person_only_in_a_feed() {
        check_given(Giver::Feed, "Aigul", &["Aigul"]);
        check_given(Giver::Page, "Aigul", &[]);
        check_given(Giver::Feed, "Казинформ", &[]);
        check_given(Giver::Feed, "Steppenews.kz", &[]);
    }
}
