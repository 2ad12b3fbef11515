//! Folding a text to its words, for digests that survive another setting of the same text.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Longest entity that is read, without `&` and `;`: `&CounterClockwiseContourIntegral;` is the longest of HTML.
const ENTITY_BYTES_MAX: usize = 32;

/// Elements whose content is no text.
const SILENT_ELEMENTS: [&str; 2] = ["script", "style"];

/// Gives every word of `text` in lower case and NFKC. A word is a run of letters and digits; combining marks,
/// invisible characters and apostrophes (`oʻ`, `o'`, `don’t`) are left out of it, everything else ends it.
///
/// What makes another number is kept: a sign before the first digit (`-15`, `+15`), the point or comma inside (both as
/// a point), a currency or percent sign as a word, and that a digit is raised or lowered (`10²` is `10` and `^2`).
pub(super) fn words(text: &str, mut take: impl FnMut(&str)) {
    let mut word = String::new();
    // Whether a sign that stands here begins a number: nothing but space before it.
    let mut begins = true;
    // stream_safe bounds the run of marks that normalisation must sort: hostile text has megabytes of them.
    let marked = text.chars().flat_map(|c| is_raised(c).then_some('^').into_iter().chain([c]));
    let folded = marked.stream_safe().nfkc().flat_map(char::to_lowercase).filter(|c| !is_silent(*c));
    let mut folded = folded.peekable();
    while let Some(c) = folded.next() {
        let before_digit = folded.peek().is_some_and(|next| next.is_numeric());
        let is_in_number = before_digit && word.ends_with(char::is_numeric);
        match c {
            '.' | ',' if is_in_number => word.push('.'),
            _ if c.is_alphanumeric() => word.push(c),
            _ => {
                if !word.is_empty() {
                    take(&word);
                    word.clear();
                }
                if before_digit && (c == '^' || begins && matches!(c, '+' | '-' | '−' | '–')) {
                    word.push(if matches!(c, '−' | '–') { '-' } else { c });
                } else if is_unit(c) {
                    take(c.encode_utf8(&mut [0; 4]));
                }
            }
        }
        begins = c.is_whitespace() || c == '(';
    }
    if !word.is_empty() {
        take(&word);
    }
}

/// Part of no word and the end of none.
fn is_silent(c: char) -> bool {
    is_combining_mark(c) || is_apostrophe(c) || is_invisible(c)
}

/// Digits and fractions that would be ordinary digits in NFKC and make another number of those before them.
fn is_raised(c: char) -> bool {
    matches!(c, '²' | '³' | '¹' | '¼'..='¾' | '⁰' | '⁴'..='⁹' | '₀'..='₉' | '⅐'..='⅞')
}

/// Currency and percent signs.
fn is_unit(c: char) -> bool {
    matches!(c, '$' | '%' | '‰' | '¢'..='¥' | '֏' | '؋' | '\u{20a0}'..='\u{20cf}')
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '`' | '´' | '‘' | '’' | '\u{2bb}' | '\u{2bc}' | '\u{2b9}' | '\u{2bf}' | '′')
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// `html` without tags, comments, scripts and entities, in one linear pass and without a tree: the result feeds a
/// digest, so it need only be the same for the same text. Plain text with a lone `<` or `&` passes.
pub(super) fn without_markup(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        rest = if rest.starts_with('&') { skip_entity(rest, &mut text) } else { skip_tag(rest, &mut text) };
    }
    text.push_str(rest);
    text
}

/// What follows the tag or comment at the start of `rest`. A space stands for it, unless it is inline.
fn skip_tag<'a>(rest: &'a str, text: &mut String) -> &'a str {
    if let Some(comment) = rest.strip_prefix("<!--") {
        text.push(' ');
        return comment.split_once("-->").map_or("", |(_, after)| after);
    }
    let name_at = if rest[1..].starts_with('/') { 2 } else { 1 };
    let name_end = rest[name_at..].find(|c: char| !c.is_ascii_alphanumeric()).map_or(rest.len(), |end| name_at + end);
    let name = &rest[name_at..name_end];
    if name.is_empty() && !rest.starts_with("<!") && !rest.starts_with("<?") {
        text.push(' ');
        return &rest[1..];
    }
    // Without an end it is cut text, and cut text is not a change.
    let after = rest[name_end..].split_once('>').map_or("", |(_, after)| after);
    if !INLINE_ELEMENTS.iter().any(|inline| name.eq_ignore_ascii_case(inline)) {
        text.push(' ');
    }
    let is_silent = name_at == 1 && SILENT_ELEMENTS.iter().any(|silent| name.eq_ignore_ascii_case(silent));
    if !is_silent { after } else { after_end_tag(after, name) }
}

/// Elements that may stand inside a word.
const INLINE_ELEMENTS: [&str; 9] = ["a", "b", "em", "font", "i", "span", "strong", "u", "wbr"];

fn after_end_tag<'a>(content: &'a str, name: &str) -> &'a str {
    for (at, _) in content.match_indices("</") {
        let tag = &content[at + 2..];
        if tag.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name)) {
            return &content[at..];
        }
    }
    ""
}

/// What follows the entity at the start of `rest`. Numbers are decoded; of the names only those that are spaces,
/// apostrophes and punctuation are known, others keep their name as a word.
fn skip_entity<'a>(rest: &'a str, text: &mut String) -> &'a str {
    let name_end = rest.bytes().take(ENTITY_BYTES_MAX + 2).position(|byte| byte == b';');
    let Some(name) = name_end.map(|end| &rest[1..end]) else {
        text.push(' ');
        return &rest[1..];
    };
    match name {
        "rsquo" | "lsquo" | "apos" => text.push('\''),
        "shy" | "zwnj" | "zwj" => {}
        "nbsp" | "amp" | "quot" | "lt" | "gt" | "laquo" | "raquo" | "ldquo" | "rdquo" | "bdquo" | "mdash" | "ndash"
        | "hellip" | "bull" | "middot" | "copy" | "trade" => text.push(' '),
        _ => match name.strip_prefix('#').and_then(numbered) {
            Some(c) => text.push(c),
            None => {
                text.push(' ');
                return &rest[1..];
            }
        },
    }
    &rest[name.len() + 2..]
}

fn numbered(number: &str) -> Option<char> {
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => number.parse(),
    };
    char::from_u32(code.ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(html: &str, expected: &str) {
        let mut found = Vec::new();
        words(&without_markup(html), |word| found.push(word.to_owned()));
        assert_eq!(found.join(" "), expected, "{html:?}");
    }

    #[test]
    fn markup_leaves_words() {
        check("<p>One</p><p>two", "one two");
        check("<b>T</b>he <span class='x>y'>end</span>", "the y end");
        check("a < b & c", "a b c");
        check("one<br/>two<!-- three > -->four", "one two four");
        check("<script>var a = '<p>';</script>after<STYLE>b{}</style >end", "after end");
        check("<script>never closed", "");
        check("it&rsquo;s &#8212; &#x416;&#1105; AT&amp;T &bogus; &", "its жё at t bogus");
        check("x &#xffffffff; <", "x xffffffff");
        check("Ö<u", "ö");
        check("&ЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖЖ;", "жжжжжжжжжжжжжжжжжжжж");
    }

    #[test]
    fn hostile_markup_is_linear() {
        for pattern in ["<", "<script>", "&", "</", "<!--", "e\u{301}", "\u{301}"] {
            let mut count = 0;
            words(&without_markup(&pattern.repeat(200_000)), |_| count += 1);
            assert!(count <= 200_000, "{pattern}");
        }
    }
}
