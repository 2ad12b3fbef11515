//! The list that a page gives to search engines as JSON-LD, for pages whose links only a script writes.

use std::collections::HashSet;

use serde_json::Value;

use super::addresses::{could_be_article, looks_like_article};
use super::{ENTRIES_MAX, Page, article_url};
use crate::dates;
use crate::model::Announced;
use crate::poll::feed::markup::plain;
use crate::site_rules::ListingRule;
use crate::text;

/// A list has at least so many articles.
const LIST_LEAST: usize = 3;

/// Values of one block that are looked at.
const VALUES_MAX: usize = 20_000;

/// The articles of the longest `ItemList` among the blocks.
pub(super) fn articles(blocks: &[String], page: &Page<'_>, rule: Option<&ListingRule>) -> Vec<Announced> {
    let lists = blocks
        .iter()
        .filter_map(|block| serde_json::from_str(block).ok())
        .flat_map(|block: Value| lists(&block).into_iter().map(|list| entries(list, page, rule)).collect::<Vec<_>>());
    lists.filter(|entries| entries.len() >= LIST_LEAST).max_by_key(Vec::len).unwrap_or_default()
}

/// Every `itemListElement` of an `ItemList`.
fn lists(block: &Value) -> Vec<&Vec<Value>> {
    let mut lists = Vec::new();
    let mut ahead = vec![block];
    for _ in 0..VALUES_MAX {
        match ahead.pop() {
            None => break,
            Some(Value::Array(values)) => ahead.extend(values),
            Some(Value::Object(object)) => match object.get("itemListElement") {
                Some(Value::Array(elements)) if is_list(object.get("@type")) => lists.push(elements),
                _ => ahead.extend(object.values()),
            },
            Some(_) => {}
        }
    }
    lists
}

fn is_list(kind: Option<&Value>) -> bool {
    match kind {
        Some(Value::String(kind)) => kind == "ItemList",
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "ItemList"),
        _ => false,
    }
}

fn entries(elements: &[Value], page: &Page<'_>, rule: Option<&ListingRule>) -> Vec<Announced> {
    let mut seen = HashSet::new();
    let mut entries = Vec::new();
    for element in elements.iter().take(ENTRIES_MAX) {
        // A bare address, `{url, name}`, or `{item: "…"}` and `{item: {@id, url, headline, datePublished}}`.
        let item = element.get("item").unwrap_or(element);
        let text = |key: &str| item.get(key).or_else(|| element.get(key)).and_then(Value::as_str);
        let Some(address) = item.as_str().or_else(|| text("url")).or_else(|| text("@id")) else { continue };
        let Some(url) = article_url(address, page.base) else { continue };
        let is_article = match rule.filter(|rule| !rule.include.is_empty()) {
            Some(_) => true,
            None => could_be_article(&url, page.url) && looks_like_article(&url),
        };
        if !is_article || rule.is_some_and(|rule| !rule.admits(&url)) || !seen.insert(url.clone()) {
            continue;
        }
        let title = text("headline").or_else(|| text("name")).map(|text| plain(&text::from_html(text)));
        let date = text("datePublished").and_then(|text| dates::parse(text, &page.dates));
        entries.push(Announced {
            url: Some(url),
            title: title.filter(|title| !title.is_empty()),
            date_published: date.map(|date| date.time),
            ..Announced::default()
        });
    }
    entries
}
