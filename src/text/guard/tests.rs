//! Tests of `text::guard`: what is dropped, what is repaired, and that no page makes a tree builder slow.

use proptest::prelude::*;
use scraper::{Html, Node};

use super::*;

fn check(page: &str, expected: &str) {
    assert_eq!(guard(page).html, expected, "guarded form of {page:?}");
}

#[test]
fn what_holds_no_text_is_dropped() {
    check("<p>a<script>x</script>b<style>y</style></p>", "<p>ab</p>");
    check("<p>a<!-- x -->b<svg><path/><text>t</text></svg>c</p>", "<p>abc</p>");
    check("<svg><g><p>text</p>", "<p>text</p>");
    check("<div><svg><g></div><x>y</x>", "<div></div><x>y</x>");
    check("<svg/><b>x</b>", "<b>x</b>");
    check("<noscript><img></noscript><title>a < b</title>", "<title>a < b</title>");
    check("a<plaintext>b<b>c</b>", "a b<b>c</b>");
    check("<!-- a --!><p>b</p><!---><p>c</p>", "<p>b</p><p>c</p>");
}

#[test]
fn controls_are_dropped_with_their_text() {
    check("a<select><option>x<option>y</select>b", "a b");
    check("a<button><div>x</div></button>b<button>y<button>z</button>c", "a b c");
    check("<form><select><option>x<p>a</p></form>", "<form> <p>a</p></form>");
    check("<p><button>x</p><div>a</div>", "<p> </p><div>a</div>");
    check("<button>x<article>a</article>", " <article>a</article>");
    check("<template><div>x</div></template>a<option>b", " a b");
}

#[test]
fn json_ld_is_kept_apart() {
    let page = "<script type='application/ld+json; charset=utf-8'>{\"a\":1}</script><script>x</script>text";
    let guarded = guard(page);
    assert_eq!((guarded.html.as_str(), guarded.json_ld), ("text", vec!["{\"a\":1}".to_owned()]));
}

#[test]
fn what_is_left_open_is_closed() {
    check("<p>a<p>c", "<p>a</p><p>c");
    check("<ul><li><span>a<li>b</ul>", "<ul><li><span>a</span></li><li>b</li></ul>");
    check("<table><tr><td>a<td>b<tr><td>c</table>", "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>");
    check("<div><a>x</div>y", "<div><a>x</a></div>y");
    check("<div>a</p></span>b</br>c</div>", "<div>a b<br>c</div>");
    check("<div><table><tr><td>a</div>b", "<div><table><tr><td>ab");
    check("<div><object><p>a</div>b", "<div><object><p>ab");
    check("<table><tr><td><table></tr>a", "<table><tr><td><table>a");
    check("<a><div>x</a>y</div>z", "<a><div>x</a>y</div>z");
    check("<html><body><div>a</body></html><p>b", "<html><body><div>a<p>b");
}

#[test]
fn formatting_is_kept_around_plain_text_only() {
    check(
        "<p class=x>a<b class=y>b</b>c<i><u>d</u><br></i></p>",
        "<p class=x>a<b class=y>b</b>c<i><u>d</u><br></i></p>",
    );
    check("<b>a<p>b</p>c</b>d", "a<p>b</p>cd");
    check("<p>o<b>n<a>e</a></b> t<i>w<p>o</i>", "<p>on<a>e</a> tw</p><p>o");
    check("<b><i>a</b></i>b", "ab");
    check("<b><object></b></object>a", "<object></object>a");
}

#[test]
fn text_never_becomes_markup() {
    check("<<b><p></b>div>", "&lt;<p>div>");
    check("a<<script></script>p>", "a&lt;p>");
    check("<<svg></svg>!-- x", "&lt;!-- x");
    check("a\0b<\0\0p>c<\0", "ab< p>c< ");
    check("a\r\nb\rc", "a\nb\nc");
    let title = format!("{}<title><p></title>", "<br>".repeat(TAGS_MAX));
    assert!(!guard(&title).html.contains("<p>"));
}

#[test]
fn hostile_shapes_are_capped() {
    let check = |html: &str, tag: &str, expected: (usize, Option<PageLimit>)| {
        let guarded = guard(html);
        assert_eq!((guarded.html.matches(tag).count(), guarded.exceeded), expected, "{}", &html[..html.len().min(60)]);
    };
    let depth = Some(PageLimit::Depth);
    check(&"<div>".repeat(20_000), "<div>", (DEPTH_MAX, depth));
    check(&"<div></x>".repeat(1_000), "<div>", (DEPTH_MAX, depth));
    check(&"<a><div>".repeat(20_000), "<div>", (DEPTH_MAX - 1, depth));
    check(&"<b><div></b>".repeat(1_000), "<div>", (DEPTH_MAX, depth));
    check(&"<div><table><tr><td></div>".repeat(1_000), "<table>", (TABLES_DEPTH_MAX, None));
    check(&format!("<![CDATA[>{}]]>", "<div>".repeat(1_000)), "<div>", (DEPTH_MAX, depth));
    check(&"<br>".repeat(1_000_000), "<br>", (TAGS_MAX, Some(PageLimit::Tags)));
    let attributes: String = (0..100_000).map(|n| format!(" a{n}=1")).collect();
    check(&format!("<p{attributes}>text"), "=1", (ATTRIBUTES_MAX, Some(PageLimit::Attributes)));
    let fonts: String = (0..20_000).map(|n| format!("<font size={n}>")).collect();
    check(&fonts, "<font", (0, None));
    check(&"&".repeat(3_000_000), "&", (0, None));
    check(&format!("<i title='{}'>", "&".repeat(10_000)).repeat(100), "&", (0, None));
    let tables = format!("{}{}", "<table><tr><td>".repeat(80), "<tr><td>x".repeat(100));
    check(&tables, "<table>", (TABLES_DEPTH_MAX, None));
    check(&tables, "<tr>", (TABLES_DEPTH_MAX, None));
    check(&tables, "x", (100, None));
    assert!(guard(&"я".repeat(PAGE_BYTES_MAX)).html.len() <= PAGE_BYTES_MAX);
}

#[test]
fn ordinary_shapes_exceed_nothing() {
    for page in [
        "<div><p>one<p>two<ul><li>a<li>b</ul><img><br></div>",
        "<table><tr><td>x<tr><td>y</td></tr></table>",
        "<div><span>x</div>",
        "<div><b x=1></div>",
        "<script>if (a<b) { x = '<div><div>' }</script><style>a<b</style>",
    ] {
        assert_eq!(guard(&page.repeat(2_000)).exceeded, None, "{page}");
    }
}

#[test]
fn long_attributes_are_dropped() {
    check(&format!("<p class=a title='{}' id=b>text", "x".repeat(1 << 20)), "<p class=a id=b>text");
}

#[test]
fn values_that_nobody_reads_leave_their_names_for_selectors() {
    let long = "x".repeat(SELECTED_BYTES_MAX + 1);
    check(
        &format!("<p data-id=7 data-state='{long}' class='{long}' onclick=\"{long}\">text"),
        &format!("<p data-id=7 data-state class='{long}' onclick>text"),
    );
    check(
        &format!("<img SRCSET={long} src=a><time data-unixtime=1795000000>"),
        "<img SRCSET src=a><time data-unixtime=1795000000>",
    );
}

#[test]
fn what_is_never_closed_is_dropped_in_linear_time() {
    let ends = "</x>".repeat(TAGS_MAX + 1);
    check(&format!("<div>a<svg>{ends}</div>b</svg>c</div>d"), "<div>ac</div>d");
    check("<div>a<svg></x></div>b", "<div>a</div>b");
}

#[test]
fn text_after_the_caps_is_still_there() {
    let deep = format!("{}<p>deep</p>{}<p>after</p>", "<div>".repeat(1000), "</div>".repeat(1000));
    let guarded = guard(&deep).html;
    assert!(guarded.contains("deep") && guarded.ends_with("<p>after</p>"), "{guarded}");
}

/// Elements of the tree that is built of a guarded page, its depth, and the tags that the page had.
fn built(page: &str) -> (usize, usize, usize) {
    let tree = Html::parse_document(&guard(page).html);
    let elements = tree.tree.nodes().filter(|node| matches!(node.value(), Node::Element(_)));
    let (count, depth) = elements.fold((0, 0), |(count, depth), node| (count + 1, depth.max(node.ancestors().count())));
    let tags = markup::tokens(page).filter(|token| matches!(token, Token::Start(_) | Token::End(_))).count();
    (count, depth, tags)
}

#[test]
fn trees_are_no_larger_than_their_pages() {
    let numbered = |part: &str| (0..300).map(|n| part.replace("K", &n.to_string())).collect::<String>();
    let nine = format!("<b n=K>{}</b>{}", "<div>".repeat(9), "</div>".repeat(9));
    for bomb in [
        "<b n=K><object></b></object>",
        "<a n=K><object></a></object>",
        "<b n=K>",
        "<b n=K><marquee></b>",
        "<a n=K><b n=K><table><tr><td></a></b>",
        "<a n=K><div></a>",
        "<a n=K><p></a></a>",
        "<table><a n=K><tr><b n=K><td><i n=K></table>",
        "<nobr n=K><nobr>x</nobr></nobr>",
        "<select><b n=K></select><button><b n=K>",
        "<svg><b n=K><math><mi><b n=K>",
        "<form><b n=K><div></form>",
        "<h1><b n=K><h2></b>",
        "<<b></b>b n=K>",
        &nine,
        &nine.replace("<b ", "<a ").replace("</b", "</a"),
    ] {
        for page in [numbered(bomb), format!("<div>{}</div>", numbered(bomb)), numbered(bomb).replace("n=", "x n=")] {
            let page = format!("{page}{}", "<p>x</p>".repeat(300));
            let (count, depth, tags) = built(&page);
            assert!(count <= 2 * tags && depth <= 300, "{bomb}: {count} elements of {tags} tags, {depth} deep");
        }
    }
}

proptest! {
    #[test]
    fn shape_is_bounded_and_nothing_panics(
        page in "(<(/)?(div|a|b|i|p|li|ul|table|tr|td|svg|script|title|object|button|select|span|h1)( x=['\"]?)?>?|t|&|<!--|-->){0,60}",
    ) {
        let guarded = guard(&page).html;
        // What is written again needs no second repair.
        prop_assert!(guard(&guarded).html.len() <= guarded.len() + 4 * DEPTH_MAX);
        let (count, depth, tags) = built(&page);
        prop_assert!(count <= 2 * tags + 8 && depth <= 300, "{} elements of {} tags", count, tags);
    }
}

#[test]
fn json_ld_of_too_many_values_is_dropped() {
    let block = |values: usize| format!("<script type=application/ld+json>[{}0]</script>", "0,".repeat(values));
    let kept = |html: &str| guard(html).json_ld.iter().map(String::len).collect::<Vec<_>>();
    assert_eq!(kept(&block(10)), [23]);
    assert_eq!(kept(&(block(JSON_LD_MARKS_MAX) + &block(10))), [23]);
    assert_eq!(kept(&block(JSON_LD_MARKS_MAX / 2).repeat(2)).len(), 1);
}
