//! Which elements are of a kind, by their names in lower case.

/// Elements without an end tag, the obsolete ones included.
pub(super) fn is_void(name: &str) -> bool {
    const VOID: [&str; 18] = [
        "area", "base", "basefont", "bgsound", "br", "col", "embed", "frame", "hr", "img", "input", "keygen", "link",
        "meta", "param", "source", "track", "wbr",
    ];
    VOID.contains(&name)
}

/// The formatting elements of WHATWG, which a tree builder opens again after what they were closed by; but for `a`.
pub(super) fn is_formatting(name: &str) -> bool {
    const FORMATTING: [&str; 13] =
        ["b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"];
    FORMATTING.contains(&name)
}

/// Elements that have a meaning in a table only.
pub(super) fn is_table_part(name: &str) -> bool {
    is_row_group(name) || matches!(name, "table" | "tr" | "td" | "th" | "caption" | "col" | "colgroup")
}

/// Groups of rows.
pub(super) fn is_row_group(name: &str) -> bool {
    matches!(name, "thead" | "tbody" | "tfoot")
}

/// Elements through which no end tag of another element reaches; those with a scope of their own in WHATWG.
pub(super) fn is_barrier(name: &str) -> bool {
    matches!(name, "table" | "td" | "th" | "caption" | "object" | "applet" | "marquee")
}

/// Elements that are not tracked: browsers ignore where they end, and text after them is still part of the page.
pub(super) fn is_frame_of_page(name: &str) -> bool {
    matches!(name, "html" | "head" | "body")
}

/// Elements whose start ends an open paragraph.
pub(super) fn ends_paragraph(name: &str) -> bool {
    const BLOCKS: [&str; 35] = [
        "address",
        "article",
        "aside",
        "blockquote",
        "center",
        "details",
        "dialog",
        "dir",
        "div",
        "dl",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hgroup",
        "hr",
        "main",
        "menu",
        "nav",
        "ol",
        "p",
        "pre",
        "search",
        "section",
        "summary",
        "table",
        "ul",
    ];
    BLOCKS.contains(&name)
}

/// Elements that are dropped with everything in them: drawings, what a reader operates, what is not shown.
pub(super) fn is_dropped_whole(name: &str) -> bool {
    matches!(name, "svg" | "select" | "datalist" | "button" | "template")
}

/// Whether the start of `name` shows that an element which is dropped whole was never closed.
pub(super) fn ends_dropped(dropped: &str, name: &str) -> bool {
    match dropped {
        // As in a browser: the commonest of the WHATWG list.
        "svg" => {
            ends_paragraph(name)
                || matches!(name, "body" | "br" | "img" | "li" | "meta" | "span" | "strong" | "b" | "em" | "i")
        }
        "select" | "datalist" => {
            name != "hr" && ends_paragraph(name) || is_table_part(name) || matches!(name, "input" | "textarea")
        }
        "button" => matches!(
            name,
            "article" | "aside" | "footer" | "form" | "h1" | "header" | "main" | "nav" | "section" | "table"
        ),
        _ => false,
    }
}
