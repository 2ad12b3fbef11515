//! Every shipped rule on pages written in the markup of its site: what the selectors name is found, and nothing else.

mod articles;
mod lists;

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::dir::{Dir, json_lines};
use articles::ARTICLES;
use lists::LISTS;

/// The paragraphs that stand for `{1}` and `{2}` in a page.
const PARAGRAPHS: [&str; 2] = [
    "Плотину выше города открыли в понедельник утром, сообщили в министерстве, и к полудню вода дошла до полей района.",
    "Работы продолжались четыре года; по словам министра, станция даст свет сорока тысячам домов в трёх районах.",
];
/// The sentence that stands for `{gone}`: in none of the texts.
const GONE: &str = "Этого предложения в тексте статьи быть не должно, сколько бы слов в нём ни было.";

/// Sites that mark the date up as every reader expects it, so that it is found before the rule is asked.
const DECLARED_DATES: [&str; 2] = ["24kg", "informburo"];

/// An article page and what is to be found there.
struct ArticlePage {
    rule: &'static str,
    url: &'static str,
    /// What stands inside of `<main>`.
    markup: &'static str,
    title: &'static str,
    author: Option<&'static str>,
    /// How the date begins, in UTC where the page names no zone.
    date: Option<&'static str>,
}

/// A listing page, and a line "path title date" for each entry.
struct ListPage {
    rule: &'static str,
    url: &'static str,
    markup: &'static str,
    entries: &'static [&'static str],
}

fn page(title: &str, markup: &str) -> String {
    let markup = markup.replace("{1}", PARAGRAPHS[0]).replace("{2}", PARAGRAPHS[1]).replace("{gone}", GONE);
    format!(
        "<!DOCTYPE html><html lang=ru><head><meta charset=utf-8><title>{title}</title></head><body>\
         <header><a href=/>Сайт</a><nav><a href=/about>О нас</a></nav></header><main>{markup}</main>\
         <footer><p>{GONE}</p></footer></body></html>"
    )
}

/// Runs a filter over all pages in one process; a line each, in order.
fn filtered<'a>(filter: &str, pages: impl Iterator<Item = (&'a str, &'a str, &'a str)>) -> Vec<Value> {
    let dir = Dir::new("");
    let mut manifest = String::new();
    for (index, (url, title, markup)) in pages.enumerate() {
        dir.write(&format!("{index}.html"), &page(title, markup));
        manifest.push_str(&format!("{index}.html\t{url}\ttext/html; charset=utf-8\n"));
    }
    dir.write("manifest.tsv", &manifest);
    let asked = [filter, "--manifest", "manifest.tsv", "--fetched-at", "2026-11-22T06:00:00Z"];
    let output = dir.bare(&asked).output().unwrap();
    json_lines(&output.stdout)
}

/// Ids of the shipped rules, and the keys of one of their tables.
fn shipped() -> Vec<(String, toml::Table)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/rules/sites");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: std::path::PathBuf| {
        let rule = std::fs::read_to_string(&path).unwrap().parse().unwrap();
        (path.file_stem().unwrap().to_str().unwrap().to_owned(), rule)
    };
    files.map(read).collect()
}

fn keys<'a>(rule: &'a toml::Table, table: &str) -> BTreeSet<&'a str> {
    rule.get(table)
        .and_then(toml::Value::as_table)
        .into_iter()
        .flat_map(toml::Table::keys)
        .map(String::as_str)
        .collect()
}

#[test]
fn every_shipped_rule_is_tried_on_a_page_of_its_site() {
    for (id, rule) in shipped() {
        if rule.contains_key("article") {
            assert!(ARTICLES.iter().any(|page| page.rule == id), "{id}: no article page");
        }
        if rule.contains_key("listing") {
            assert!(LISTS.iter().any(|page| page.rule == id), "{id}: no listing page");
        }
    }
    let known: BTreeSet<String> = shipped().into_iter().map(|(id, _)| id).collect();
    let tried = ARTICLES.iter().map(|page| page.rule).chain(LISTS.iter().map(|page| page.rule));
    assert_eq!(tried.filter(|id| !known.contains(*id)).collect::<Vec<_>>(), Vec::<&str>::new(), "rules that are gone");
}

#[test]
fn article_rules_find_title_text_author_and_date() {
    let found = filtered("extract", ARTICLES.iter().map(|page| (page.url, page.title, page.markup)));
    let rules = shipped();
    let mut faults = Vec::new();
    for (page, line) in ARTICLES.iter().zip(found) {
        let id = page.rule;
        let (_, rule) = rules.iter().find(|(name, _)| name == id).unwrap();
        let keys = keys(rule, "article");
        let mut check = |what: &str, holds: bool| {
            if !holds {
                faults.push(format!("{id}: {what}: {line}"));
            }
        };
        check("text", line["content_text"] == PARAGRAPHS.join("\n\n"));
        check("title", line["title"] == page.title);
        check("author", line.pointer("/authors/0/name").and_then(Value::as_str) == page.author);
        let date = line["date_published"].as_str();
        check("date", page.date.map_or(date.is_none(), |begin| date.is_some_and(|date| date.starts_with(begin))));
        let origin = |field: &str| line.pointer(&format!("/extract/fields/{field}")).and_then(Value::as_str);
        for (key, field) in [("title", "title"), ("author", "authors"), ("date", "date_published")] {
            let is_declared = field == "date_published" && DECLARED_DATES.contains(&id);
            check("origin", !keys.contains(key) || is_declared || origin(field) == Some("selector"));
        }
        let by_rule = line["extract"]["path"] == "site-rule" && line["extract"]["site_rule"] == id;
        check("route", by_rule || !keys.contains("body"));
        check("nothing to drop on the page", !keys.contains("drop") || page.markup.contains("{gone}"));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

#[test]
fn listing_rules_find_the_entries_of_a_list() {
    let found = filtered("listing", LISTS.iter().map(|page| (page.url, "Сайт", page.markup)));
    let mut faults = Vec::new();
    for (page, line) in LISTS.iter().zip(found) {
        let entries: Vec<String> = line["entries"].as_array().unwrap_or(&Vec::new()).iter().map(shown).collect();
        if entries != page.entries {
            faults.push(format!("{}: {entries:?}: {line}", page.rule));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

fn shown(entry: &Value) -> String {
    let text = |key: &str| entry[key].as_str().unwrap_or("-").to_owned();
    let url: url::Url = text("url").parse().unwrap();
    let date: String = text("date_published").chars().take(16).collect();
    format!(
        "{}{} {date} {}",
        url.path(),
        url.query().map(|query| format!("?{query}")).unwrap_or_default(),
        text("title")
    )
}
