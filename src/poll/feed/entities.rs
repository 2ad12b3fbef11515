//! Entities that a feed declares itself, in the internal subset of its DOCTYPE (XML 1.0, 4.2.2): texts, nothing else.

use std::borrow::Cow;
use std::collections::HashMap;

use html5ever::data::NAMED_ENTITIES;

use super::markup::prefix;

/// Bytes at the start in which declarations are looked for.
const SUBSET_BYTES_MAX: usize = 16 << 10;

/// Declarations that are remembered.
const ENTITIES_MAX: usize = 64;

/// Longest name and longest text, in bytes: these are for addresses and names, not for articles.
const NAME_BYTES_MAX: usize = 40;
const TEXT_BYTES_MAX: usize = 256;

/// How often its own length a document may become; what would go beyond stays as it is.
const GROWTH_MAX: usize = 2;

/// A document with its own entities replaced. Those that are markup, external, or made of others are not: so nothing
/// grows by more than its bound, and nothing is fetched. HTML's names keep their meaning.
pub(super) fn expanded(text: &str) -> Cow<'_, str> {
    let entities = declared(prefix(text, SUBSET_BYTES_MAX));
    if entities.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<']) {
        let (before, from) = rest.split_at(at);
        expanded.push_str(before);
        let verbatim = || from.starts_with("<![CDATA[").then(|| from.find("]]>").unwrap_or(from.len()));
        let reference = || {
            let (name, _) = prefix(from.strip_prefix('&')?, NAME_BYTES_MAX + 1).split_once(';')?;
            Some((entities.get(name)?, name.len() + 2))
        };
        let kept = match (verbatim(), reference()) {
            (Some(end), _) => end,
            (None, Some((value, length))) if expanded.len() + value.len() <= GROWTH_MAX * text.len() => {
                expanded.push_str(value);
                rest = &from[length..];
                continue;
            }
            _ => 1,
        };
        expanded.push_str(&from[..kept]);
        rest = &from[kept..];
    }
    expanded.push_str(rest);
    Cow::Owned(expanded)
}

/// The declarations `<!ENTITY name "text">`; of several of one name the first counts.
fn declared(head: &str) -> HashMap<&str, &str> {
    let mut entities = HashMap::new();
    for declaration in head.split("<!ENTITY").skip(1).take(ENTITIES_MAX) {
        let Some((name, after)) = declaration.trim_start().split_once(|c: char| c.is_ascii_whitespace()) else {
            continue;
        };
        let after = after.trim_start();
        let Some(quote) = after.chars().next().filter(|c| matches!(c, '"' | '\'')) else { continue };
        let Some((value, _)) = after[1..].split_once(quote) else { continue };
        let is_text = value.len() <= TEXT_BYTES_MAX && !value.contains(['<', '&', '%']);
        let is_name = name.len() <= NAME_BYTES_MAX && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if is_text && is_name && NAMED_ENTITIES.get(&format!("{name};")).is_none() {
            entities.entry(name).or_insert(value);
        }
    }
    entities
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(subset: &str, body: &str, expected: &str) {
        let document = format!("<!DOCTYPE rss [{subset}]><rss>{body}</rss>");
        let expanded = expanded(&document);
        assert_eq!(expanded.split_once("<rss>").expect("the root").1, format!("{expected}</rss>"));
    }

    #[test]
    fn texts_are_put_in_and_nothing_else() {
        let subset = "<!ENTITY site 'tag:news.example,'>\n<!ENTITY  site \"other\"> <!ENTITY amp \"x\"><!ENTITY b '&site;'>\
                      <!ENTITY m '<item>'><!ENTITY x SYSTEM 'file:///etc/passwd'><!ENTITY % p 'x'>";
        check(
            subset,
            "<guid>&site;1</guid> &site &b; &m; &x; &p; &amp; ж&",
            "<guid>tag:news.example,1</guid> &site &b; &m; &x; &p; &amp; ж&",
        );
        check(subset, "<![CDATA[&site;]]>&site;", "<![CDATA[&site;]]>tag:news.example,");
        check(subset, "<![CDATA[&site;", "<![CDATA[&site;");
        check("", "&site;", "&site;");
    }

    #[test]
    fn a_document_at_most_doubles() {
        let bomb = format!("<!DOCTYPE rss [<!ENTITY a '{}'>]><rss>{}</rss>", "x".repeat(250), "&a;".repeat(100_000));
        assert!(expanded(&bomb).len() <= GROWTH_MAX * bomb.len() + bomb.len());
        assert!(expanded(&bomb).len() > bomb.len());
    }
}
