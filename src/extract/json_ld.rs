//! What a page says of itself in JSON-LD (schema.org): the article node of its blocks.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};
use url::Url;

use super::title::{fold, is_similar};
use crate::text;

/// Most nodes that are looked at; pages of products and menus have thousands.
const NODES_MAX: usize = 2_000;
/// Most entries of a list such as authors or keywords.
const LIST_MAX: usize = 64;

/// What the chosen node describes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Subject {
    /// An article.
    #[default]
    Article,
    /// Only a page: its name may be the section's and its dates those of a template, so that metas go first.
    WebPage,
}

/// What is known of the page a node may describe, to tell it from nodes of related stories.
#[derive(Clone, Debug, Default)]
pub(super) struct Described {
    /// Its addresses; the first one resolves the others.
    pub addresses: Vec<Url>,
    /// What it calls itself in h1 and `og:title`, folded, none longer than a title can be.
    pub titles: Vec<String>,
}

/// The fields of the article node. Texts are as written, HTML entities included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct JsonLd {
    /// What kind of node this is.
    pub subject: Subject,
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

/// Reads the blocks of a page. Blocks that are no JSON are left out. Among several articles the one that names the
/// page's address wins, then one with the page's headline, then the first.
pub(super) fn read(blocks: &[String], described: &Described) -> JsonLd {
    let parsed: Vec<Value> = blocks.iter().filter_map(|block| parse(block)).collect();
    let nodes = flatten(&parsed);
    let names: HashMap<&str, &Map<String, Value>> =
        nodes.iter().filter_map(|node| Some((node.get("@id")?.as_str()?, *node))).collect();
    let rank = |node: &&&Map<String, Value>| {
        let kind = rank_of_type(node);
        let has_headline = u8::from(node.contains_key("headline")) + u8::from(node.contains_key("datePublished"));
        (kind, described.rank(node), has_headline)
    };
    // The first of the best: `max_by_key` would take the last.
    let best = nodes.iter().rev().filter(|node| rank_of_type(node) > 0).max_by_key(rank);
    best.map(|node| fields(node, &names)).unwrap_or_default()
}

impl Described {
    /// 3: the node has an address of the page; 2: its headline; 1: no address at all; 0: that of something else.
    fn rank(&self, node: &Map<String, Value>) -> u8 {
        let addresses: Vec<String> =
            ["url", "@id", "mainEntityOfPage"].iter().flat_map(|key| addresses(node.get(*key))).collect();
        if addresses.iter().any(|address| self.is_at(address)) {
            return 3;
        }
        let headline = first_text(node.get("headline")).map(|headline| text::from_html(&headline));
        if headline.is_some_and(|headline| self.is_called(&fold(&headline))) {
            return 2;
        }
        u8::from(addresses.is_empty())
    }

    fn is_called(&self, headline: &str) -> bool {
        self.titles.iter().any(|title| is_similar(title, headline))
    }

    fn is_at(&self, address: &str) -> bool {
        let base = self.addresses.first();
        let resolved = base.map_or_else(|| Url::parse(address), |base| base.join(address));
        resolved.is_ok_and(|node| self.addresses.iter().any(|page| place(page) == place(&node)))
    }
}

/// An address without what differs between spellings of one page: scheme, `www.`, last slash, fragment.
fn place(url: &Url) -> (&str, &str, Option<&str>) {
    let host = url.host_str().unwrap_or_default();
    (host.trim_start_matches("www."), url.path().trim_end_matches('/'), url.query())
}

/// The addresses in a string, a node with `@id` or `url`, or a list of them. What is only a fragment is none.
fn addresses(value: Option<&Value>) -> Vec<String> {
    let one = |value: &Value| match value {
        Value::String(address) => Some(address.trim().to_owned()),
        Value::Object(node) => ["@id", "url"].iter().find_map(|key| Some(node.get(*key)?.as_str()?.trim().to_owned())),
        _ => None,
    };
    as_list(value).filter_map(one).filter(|address| !address.is_empty() && !address.starts_with('#')).collect()
}

fn parse(block: &str) -> Option<Value> {
    let text = block.trim().trim_start_matches("<!--").trim_end_matches("-->").trim().trim_end_matches(';');
    let text = text.trim_start_matches("//<![CDATA[").trim_end_matches("//]]>");
    serde_json::from_str(text).ok().or_else(|| {
        // Line breaks inside of strings are the commonest fault.
        let without_controls: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        serde_json::from_str(&without_controls).ok().or_else(|| salvaged(&without_controls))
    })
}

static STRING_FIELD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#""(@type|headline|datePublished|dateModified|name)"\s*:\s*("(?:[^"\\]|\\.)*")"#)
        .expect("a constant pattern, compiled by the tests")
});

/// What can be read of an article in a block that is no JSON, mostly for a quote or comma in the wrong place: the
/// strings that follow the first article's type, up to those of other nodes.
fn salvaged(block: &str) -> Option<Value> {
    let mut node = Map::new();
    let mut is_open = false;
    let mut is_author = false;
    for field in STRING_FIELD.captures_iter(block) {
        let key = &field[1];
        let value: Value = serde_json::from_str(&field[2]).ok()?;
        if key == "@type" {
            let kind = value.as_str().unwrap_or_default();
            is_author = kind == "Person";
            let is_article = rank_of_type(&Map::from_iter([(key.to_owned(), value.clone())])) > OTHER_WORK_RANK;
            if is_open && is_article {
                break;
            }
            is_open |= is_article;
            if is_article {
                node.insert(key.to_owned(), value);
            }
        } else if is_open && key == "name" {
            // The first name of a person is the author's.
            if std::mem::take(&mut is_author) {
                node.entry("author").or_insert(value);
            }
        } else if is_open && matches!(key, "headline" | "datePublished" | "dateModified") {
            node.entry(key).or_insert(value);
        }
    }
    is_open.then_some(Value::Object(node))
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

/// What the nodes of a page say of its kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Kinds {
    /// `@type` of every node, without its vocabulary's address.
    pub names: Vec<String>,
    /// Whether a node says `isAccessibleForFree: false`.
    pub needs_payment: bool,
    /// `cssSelector` of the parts that are not free.
    pub paid_parts: Vec<String>,
}

/// Reads the kinds of nodes, without choosing between them.
pub(super) fn kinds(blocks: &[String]) -> Kinds {
    let parsed: Vec<Value> = blocks.iter().filter_map(|block| parse(block)).collect();
    let mut kinds = Kinds::default();
    for node in flatten(&parsed) {
        let types = strings(node.get("@type"));
        kinds.names.extend(types.iter().map(|kind| kind.rsplit(['/', ':', '#']).next().unwrap_or(kind).to_owned()));
        kinds.needs_payment |= is_paid(node);
        let parts = as_list(node.get("hasPart")).filter_map(Value::as_object).filter(|part| is_paid(part));
        kinds.paid_parts.extend(parts.flat_map(|part| strings(part.get("cssSelector"))).take(LIST_MAX));
    }
    kinds
}

fn is_paid(node: &Map<String, Value>) -> bool {
    match node.get("isAccessibleForFree") {
        Some(Value::Bool(is_free)) => !is_free,
        Some(Value::String(word)) => word.eq_ignore_ascii_case("false") || word.ends_with("/False"),
        _ => false,
    }
}

const WEB_PAGE_RANK: u8 = 1;
/// What is written and dated but no article: its fields are as sure as a page's.
const OTHER_WORK_RANK: u8 = 2;

fn rank_of_type(node: &Map<String, Value>) -> u8 {
    let rank = |kind: &str| match kind.rsplit(['/', ':', '#']).next().unwrap_or(kind) {
        name if name.ends_with("NewsArticle") => 3,
        name if name.ends_with("Article") || name.ends_with("BlogPosting") || name == "Report" => 3,
        "VideoObject" | "LiveBlogUpdate" => 0,
        "WebPage" | "ItemPage" => WEB_PAGE_RANK,
        "Recipe" | "Review" | "CreativeWork" | "SocialMediaPosting" | "DiscussionForumPosting" | "QAPage" => {
            OTHER_WORK_RANK
        }
        _ => 0,
    };
    strings(node.get("@type")).iter().map(|kind| rank(kind)).max().unwrap_or(0)
}

fn fields(node: &Map<String, Value>, by_id: &HashMap<&str, &Map<String, Value>>) -> JsonLd {
    let text = |key: &str| first_text(node.get(key));
    JsonLd {
        subject: if rank_of_type(node) > OTHER_WORK_RANK { Subject::Article } else { Subject::WebPage },
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
        assert_eq!(read(&[block.to_owned()], &Described::default()), expected, "{block}");
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
    fn the_node_of_this_page_goes_before_related_stories() {
        let described = Described {
            addresses: vec!["https://www.steppe.example/news/dam".parse().expect("an address")],
            titles: vec![fold("The new dam was opened")],
        };
        let headline = |node: &str| {
            let related = r#"{"@type":"NewsArticle","headline":"Bridge closed","url":"/news/bridge","datePublished":"2020-01-01"}"#;
            read(&[format!("[{related},{node}]")], &described).headline
        };
        for node in [
            r#"{"@type":"NewsArticle","headline":"A","mainEntityOfPage":"https://steppe.example/news/dam/"}"#,
            r#"{"@type":"NewsArticle","headline":"A","mainEntityOfPage":{"@type":"WebPage","@id":"http://steppe.example/news/dam"}}"#,
            r#"{"@type":"Article","headline":"A","@id":"/news/dam#article"}"#,
            r#"{"@type":"Article","headline":"A"}"#,
        ] {
            assert_eq!(headline(node).as_deref(), Some("A"), "{node}");
        }
        let by_headline = r#"{"@type":"Article","headline":"The new dam was opened"}"#;
        assert_eq!(headline(by_headline).as_deref(), Some("The new dam was opened"));
        assert_eq!(
            headline(r#"{"@type":"Article","url":"/news/road","headline":"A"}"#).as_deref(),
            Some("Bridge closed")
        );
    }

    #[test]
    fn a_page_is_told_from_an_article() {
        let subject = |kind| read(&[format!(r#"{{"@type":"{kind}","name":"A"}}"#)], &Described::default()).subject;
        assert_eq!(subject("WebPage"), Subject::WebPage);
        assert_eq!(subject("NewsArticle"), Subject::Article);
    }

    #[test]
    fn a_broken_block_gives_what_can_be_read() {
        let broken = r#"{"@type":"WebSite","name":"Steppe"},{"@type":"NewsArticle","headline":"Dam \"opened\"",,"articleBody":"he said "no" to it",
            "author":{"@type":"Person","name":"Aigul S."},"publisher":{"@type":"Organization","name":"Steppe"},"datePublished":"2026-01-02"
            {"@type":"NewsArticle","headline":"Bridge","dateModified":"2026-01-05"}"#;
        check(
            broken,
            JsonLd {
                headline: some("Dam \"opened\""),
                authors: vec!["Aigul S.".to_owned()],
                date_published: some("2026-01-02"),
                ..JsonLd::default()
            },
        );
        check(r#"{"@type":"Product","name":"Soap","datePublished":"2026-01-02",,}"#, JsonLd::default());
    }

    #[test]
    fn other_works_are_dated_as_pages() {
        let recipe =
            r#"[{"@type":"WebPage","name":"A"},{"@type":"Recipe","name":"Plov","datePublished":"2026-01-02"}]"#;
        let found = read(&[recipe.to_owned()], &Described::default());
        assert_eq!((found.subject, found.date_published.as_deref()), (Subject::WebPage, Some("2026-01-02")));
    }

    #[test]
    fn depth_is_refused_by_the_parser() {
        check(&"[".repeat(500_000), JsonLd::default());
    }

    proptest! {
        #[test]
        fn any_json_is_read(block in "[\\[\\]{}\",:@a-c0-9]{0,60}") {
            let _ = read(&[block], &Described::default());
        }
    }
}
