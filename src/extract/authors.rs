//! Authors: persons by name, not the agency, not the site, not "admin", not an address.

use scraper::Selector;

use super::clean::clean_line;
use super::metadata::{Found, Sources, selected_line, selector};
use super::render::line_of;
use super::title::fold;
use crate::model::Author;
use crate::text;

/// Most authors of an article.
const AUTHORS_MAX: usize = 12;
/// Longest name in characters and words.
const NAME_CHARS_MAX: usize = 60;
const NAME_WORDS_MAX: usize = 5;

/// Words that name an office or a machine, not a person.
const NOT_PERSONS: &[&str] = &[
    "admin",
    "administrator",
    "agency",
    "associated",
    "author",
    "bureau",
    "contributor",
    "contributors",
    "correspondent",
    "department",
    "desk",
    "editor",
    "editorial",
    "editors",
    "guest",
    "info",
    "media",
    "moderator",
    "network",
    "news",
    "newsroom",
    "office",
    "online",
    "press",
    "publisher",
    "reporter",
    "reporters",
    "service",
    "staff",
    "team",
    "times",
    "tv",
    "user",
    "webmaster",
    "sponsored",
    "officer",
    "redazione",
    "phd",
    "wire",
    "writer",
    "writers",
    "afp",
    "reuters",
    "tass",
    "агентство",
    "админ",
    "администратор",
    "автор",
    "бюро",
    "газета",
    "журнал",
    "журналист",
    "интерфакс",
    "корреспондент",
    "корр",
    "медиа",
    "новости",
    "новостей",
    "отдел",
    "портал",
    "пресс-служба",
    "редактор",
    "редакции",
    "редакциясы",
    "редакция",
    "риа",
    "служба",
    "сайт",
    "тасс",
    "жаңалықтар",
    "агенттігі",
    "баспасөз",
    "кабар",
    "таҳририят",
    "tahririyat",
    "muharrir",
    "мухбир",
    "muxbir",
];

/// Finds the authors.
pub(super) fn authors(sources: &Sources<'_>, rule: Option<&Selector>) -> Option<Found<Vec<Author>>> {
    let site_names: Vec<String> = sources.site_names().iter().map(|name| fold(name)).collect();
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
            .map(|raw| persons(&raw, &site_names))
            .find(|names| !names.is_empty())
    };
    let marked = || {
        let css = selector!("[rel~=author], [itemprop=author] [itemprop=name], [itemprop=author]");
        let raw: Vec<String> = sources.page.select(css).take(AUTHORS_MAX).map(line_of).collect();
        persons(&raw, &site_names)
    };
    let byline = || {
        let css = selector!(
            ".byline, .author, .author-name, .byline__name, .article-author, .article__author, .post-author, .news-author, \
             .entry-author, [class*=byline], [class*=author-name], [class*=authorName]"
        );
        let raw = sources.page.select(css).take(3).map(line_of).find(|line| !line.is_empty());
        persons(raw.as_slice(), &site_names)
    };
    let feed = || {
        let announced = sources.announced.map(|announced| announced.authors.as_slice()).unwrap_or_default();
        let raw: Vec<String> = announced.iter().map(|author| author.name.clone()).collect();
        persons(&raw, &site_names)
    };
    let found = |names: Vec<Author>, from| (!names.is_empty()).then(|| Found::new(names, from));
    let by_rule = selected_line(sources.page, rule);
    found(persons(by_rule.as_slice(), &site_names), "selector")
        .or_else(|| found(persons(&sources.json_ld.authors, &site_names), "json-ld"))
        .or_else(|| found(metas().unwrap_or_default(), "meta"))
        .or_else(|| found(marked(), "text"))
        .or_else(|| found(byline(), "text"))
        .or_else(|| found(feed(), "feed"))
}

/// The persons named in some strings, each of which may name several.
fn persons(raw: &[String], site_names: &[String]) -> Vec<Author> {
    let mut persons: Vec<Author> = Vec::new();
    for line in raw.iter().take(AUTHORS_MAX) {
        let line = clean_line(&text::from_html(line)).text;
        for name in split(without_label(&line)) {
            let name = without_label(name).trim_matches([' ', ',', '.', '-', '–', '—', '|', '/', ':', ';']);
            let is_known = persons.iter().any(|known| fold(&known.name) == fold(name));
            if is_person(name, site_names) && !is_known && persons.len() < AUTHORS_MAX {
                persons.push(Author { name: name.to_owned() });
            }
        }
    }
    persons
}

/// Cuts "By", "Автор:" and the like.
fn without_label(line: &str) -> &str {
    const LABELS: [&str; 12] = [
        "written by",
        "posted by",
        "by",
        "authors",
        "author",
        "автор",
        "авторы",
        "текст",
        "text",
        "муаллиф",
        "muallif",
        "авторлар",
    ];
    let line = line.trim();
    for label in LABELS {
        let Some(begin) = line.get(..label.len()) else { continue };
        let rest = &line[label.len()..];
        if begin.to_lowercase() == label && rest.starts_with([' ', ':']) {
            return rest.trim_start_matches([' ', ':']);
        }
    }
    line
}

fn split(line: &str) -> Vec<&str> {
    let mut names = vec![line];
    for divider in
        [",", ";", "|", "•", "·", "&", " and ", " und ", " и ", " және ", " жана ", " ва ", " va ", " with ", " / "]
    {
        names = names.into_iter().flat_map(|part| part.split(divider)).collect();
    }
    names
}

fn is_person(name: &str, site_names: &[String]) -> bool {
    let words: Vec<String> = name.split_whitespace().map(str::to_lowercase).collect();
    let plain = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
    let has_office = words.iter().any(|word| NOT_PERSONS.contains(&plain(word).as_str()));
    let begins_upper =
        name.chars().next().is_some_and(|c| c.is_uppercase() || (c.is_alphabetic() && !c.is_lowercase()));
    let folded = fold(name);
    begins_upper
        && folded.chars().count() >= 3
        && name.chars().count() <= NAME_CHARS_MAX
        && words.len() <= NAME_WORDS_MAX
        && !has_office
        && !name.contains(['@', '_', '<', '>', '{', '/', '"', '?', '!', '©'])
        && !name.chars().any(|c| c.is_ascii_digit())
        && !name.to_lowercase().contains("www.")
        && !name.to_lowercase().contains(".com")
        && !site_names.contains(&folded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, expected: &[&str]) {
        let names: Vec<String> =
            persons(&[raw.to_owned()], &[fold("Steppe Times")]).into_iter().map(|author| author.name).collect();
        assert_eq!(names, expected, "persons in {raw:?}");
    }

    #[test]
    fn finds_persons() {
        check("By Aigul Serikova and Timur Karimov", &["Aigul Serikova", "Timur Karimov"]);
        check("Автор: Айгүл Серікова", &["Айгүл Серікова"]);
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
            "An opinion piece that somebody wrote about water",
        ] {
            check(raw, &[]);
        }
    }
}
