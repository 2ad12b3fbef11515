//! What a page says of itself in JSON-LD (schema.org): the article node of its blocks.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// Most nodes that are looked at; pages of products and menus have thousands.
const NODES_MAX: usize = 2_000;
/// Most entries of a list such as authors or keywords.
const LIST_MAX: usize = 64;

/// The fields of the article node. Texts are as written, HTML entities included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct JsonLd {
    /// `headline`, else `name`.
    pub headline: Option<String>,
    /// `description`.
    pub description: Option<String>,
    /// Names of authors that are not organisations.
    pub authors: Vec<String>,
    /// Name of the publisher.
    pub publisher: Option<String>,
    /// `datePublished`, else `dateCreated`.
    pub date_published: Option<String>,
    /// `dateModified`.
    pub date_modified: Option<String>,
    /// Address of the picture.
    pub image: Option<String>,
    /// `keywords`.
    pub keywords: Vec<String>,
    /// `inLanguage`.
    pub language: Option<String>,
    /// `articleBody`.
    pub article_body: Option<String>,
}

/// Reads the blocks of a page. Blocks that are no JSON are left out.
pub(super) fn read(blocks: &[String]) -> JsonLd {
    let parsed: Vec<Value> = blocks.iter().filter_map(|block| parse(block)).collect();
    let nodes = flatten(&parsed);
    let names: HashMap<&str, &Map<String, Value>> =
        nodes.iter().filter_map(|node| Some((node.get("@id")?.as_str()?, *node))).collect();
    let rank = |node: &&&Map<String, Value>| {
        let kind = rank_of_type(node);
        let has_headline = u8::from(node.contains_key("headline")) + u8::from(node.contains_key("datePublished"));
        (kind, has_headline)
    };
    // The first of the best: `max_by_key` would take the last.
    let best = nodes.iter().rev().filter(|node| rank_of_type(node) > 0).max_by_key(rank);
    best.map(|node| fields(node, &names)).unwrap_or_default()
}

fn parse(block: &str) -> Option<Value> {
    let text = block.trim().trim_start_matches("<!--").trim_end_matches("-->").trim().trim_end_matches(';');
    let text = text.trim_start_matches("//<![CDATA[").trim_end_matches("//]]>");
    serde_json::from_str(text).ok().or_else(|| {
        // Line breaks inside of strings are the commonest fault.
        let without_controls: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        serde_json::from_str(&without_controls).ok()
    })
}

/// The nodes on the top level and in `@graph` and `mainEntity`, not those that are only mentioned.
fn flatten(values: &[Value]) -> Vec<&Map<String, Value>> {
    let mut nodes = Vec::new();
    let mut waiting: Vec<&Value> = values.iter().rev().collect();
    while let Some(value) = waiting.pop() {
        match value {
            Value::Array(list) => waiting.extend(list.iter().take(NODES_MAX).rev()),
            Value::Object(node) => {
                nodes.push(node);
                waiting
                    .extend(["@graph", "mainEntity", "mainEntityOfPage"].iter().rev().filter_map(|key| node.get(*key)));
            }
            _ => {}
        }
        if nodes.len() >= NODES_MAX {
            break;
        }
    }
    nodes
}

fn rank_of_type(node: &Map<String, Value>) -> u8 {
    let rank = |kind: &str| match kind.rsplit(['/', ':', '#']).next().unwrap_or(kind) {
        name if name.ends_with("NewsArticle") => 3,
        name if name.ends_with("Article") || name.ends_with("BlogPosting") || name == "Report" => 3,
        "VideoObject" | "LiveBlogUpdate" => 0,
        "WebPage" | "ItemPage" => 1,
        _ => 0,
    };
    strings(node.get("@type")).iter().map(|kind| rank(kind)).max().unwrap_or(0)
}

fn fields(node: &Map<String, Value>, by_id: &HashMap<&str, &Map<String, Value>>) -> JsonLd {
    let text = |key: &str| first_text(node.get(key));
    JsonLd {
        headline: text("headline").or_else(|| text("name")),
        description: text("description"),
        authors: authors(node.get("author").or_else(|| node.get("creator")), by_id),
        publisher: names(node.get("publisher"), by_id).into_iter().next(),
        date_published: text("datePublished").or_else(|| text("dateCreated")),
        date_modified: text("dateModified"),
        image: image(node.get("image")).or_else(|| text("thumbnailUrl")),
        keywords: strings(node.get("keywords")),
        language: text("inLanguage"),
        article_body: text("articleBody"),
    }
}

/// All strings of a string, a list of strings, or a list of objects with `@value` or `name`.
fn strings(value: Option<&Value>) -> Vec<String> {
    let one = |value: &Value| match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Object(node) => {
            ["@value", "name"].iter().find_map(|key| Some(node.get(*key)?.as_str()?.trim().to_owned()))
        }
        _ => None,
    };
    let all: Vec<String> = match value {
        Some(Value::Array(list)) => list.iter().take(LIST_MAX).filter_map(one).collect(),
        Some(value) => one(value).into_iter().collect(),
        None => Vec::new(),
    };
    all.into_iter().filter(|text| !text.is_empty()).collect()
}

fn first_text(value: Option<&Value>) -> Option<String> {
    strings(value).into_iter().next()
}

fn as_list(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    let list: &[Value] = match value {
        Some(Value::Array(list)) => list,
        Some(value) => std::slice::from_ref(value),
        None => &[],
    };
    list.iter().take(LIST_MAX)
}

fn authors(value: Option<&Value>, by_id: &HashMap<&str, &Map<String, Value>>) -> Vec<String> {
    let is_person = |value: &&Value| match value {
        Value::Object(node) => {
            let referred = node.get("@id").and_then(Value::as_str).and_then(|id| by_id.get(id)).copied();
            let kinds = [Some(node), referred].into_iter().flatten().flat_map(|node| strings(node.get("@type")));
            !kinds.into_iter().any(|kind| kind.ends_with("Organization"))
        }
        _ => true,
    };
    as_list(value).filter(is_person).flat_map(|value| names(Some(value), by_id)).collect()
}

fn names(value: Option<&Value>, by_id: &HashMap<&str, &Map<String, Value>>) -> Vec<String> {
    let referred = |value: &Value| by_id.get(value.get("@id")?.as_str()?).and_then(|node| first_text(node.get("name")));
    as_list(value)
        .flat_map(|value| {
            // Some write one person with a list of names.
            let own = match value.get("name") {
                Some(name) => strings(Some(name)),
                None => value.as_str().map(str::to_owned).into_iter().collect(),
            };
            if own.is_empty() { referred(value).into_iter().collect() } else { own }
        })
        .collect()
}

fn image(value: Option<&Value>) -> Option<String> {
    as_list(value).find_map(|value| match value {
        Value::String(address) => Some(address.clone()),
        Value::Object(node) => first_text(node.get("url")).or_else(|| first_text(node.get("contentUrl"))),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(block: &str, expected: JsonLd) {
        assert_eq!(read(&[block.to_owned()]), expected, "{block}");
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn finds_the_article() {
        check(
            r#"{"@type":"NewsArticle","headline":"Dam opened","author":[{"@type":"Person","name":"Aigul S."},{"@type":"Organization","name":"Agency"}],
                "publisher":{"name":"Steppe"},"datePublished":"2026-01-02","image":["https://a.example/i.jpg"],"keywords":["water","dam"]}"#,
            JsonLd {
                headline: some("Dam opened"),
                authors: vec!["Aigul S.".to_owned()],
                publisher: some("Steppe"),
                date_published: some("2026-01-02"),
                image: some("https://a.example/i.jpg"),
                keywords: vec!["water".to_owned(), "dam".to_owned()],
                ..JsonLd::default()
            },
        );
        check(
            r##"{"@graph":[{"@type":"WebPage","name":"Page"},{"@type":["Article"],"headline":"H","author":{"@id":"#p"}},{"@type":"Person","@id":"#p","name":"Timur K."}]}"##,
            JsonLd { headline: some("H"), authors: vec!["Timur K.".to_owned()], ..JsonLd::default() },
        );
        check(
            r#"[{"@type":"Article","headline":"First"},{"@type":"Article","headline":"Second"}]"#,
            JsonLd { headline: some("First"), ..JsonLd::default() },
        );
        check(
            "{\"@type\":\"Article\",\"articleBody\":\"one\ntwo\"};",
            JsonLd { article_body: some("one two"), ..JsonLd::default() },
        );
        check(r#"{"@type":"Product","name":"Soap"}"#, JsonLd::default());
        check("{broken", JsonLd::default());
    }

    #[test]
    fn depth_is_refused_by_the_parser() {
        check(&"[".repeat(500_000), JsonLd::default());
    }

    proptest! {
        #[test]
        fn any_json_is_read(block in "[\\[\\]{}\",:@a-c0-9]{0,60}") {
            let _ = read(&[block]);
        }
    }
}
