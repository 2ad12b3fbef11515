//! Pages that are made, or grown, to be slow or large to read; most hold a real article, too.

use std::fmt::Write;

/// What is to be found in a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// The article.
    Article,
    /// Nothing that an article could be read from.
    Nothing,
    /// Letters that are no text, or no letters.
    Noise,
}

/// A kind of hostile page.
pub struct Kind {
    pub name: &'static str,
    pub holds: Holds,
    pub page: fn() -> Vec<u8>,
}

/// The paragraphs of the article in the pages.
pub const PARAGRAPHS: [&str; 4] = [
    "The ferry across the lower lake will run all winter for the first time, the harbour office said on Tuesday, after \
     a new hull was fitted that can break ice as thick as a hand.",
    "Until now the villages on the far shore were cut off from December to March, and the only way to the hospital was \
     a drive of two hundred kilometres around the mountains.",
    "The crew of five has trained since September on a frozen reservoir upstream, where the captain learned to steer \
     backwards through a channel that closes within an hour.",
    "Tickets will cost the same as in summer, the office said, because the district pays for the fuel; schoolchildren \
     and patients travel free of charge.",
];

const TITLE: &str = "Ferry to run through the winter";

/// The article as markup.
pub fn article() -> String {
    let paragraphs: String = PARAGRAPHS.iter().map(|text| format!("<p>{text}</p>\n")).collect();
    format!("<article><h1>{TITLE}</h1>\n{paragraphs}</article>")
}

/// Something, then the article.
fn before(hostile: &str) -> Vec<u8> {
    framed(&format!("{hostile}{}", article()))
}

/// The article, then something.
fn after(hostile: &str) -> Vec<u8> {
    framed(&format!("{}{hostile}", article()))
}

fn framed(body: &str) -> Vec<u8> {
    format!("<!doctype html><html><head><title>{TITLE}</title></head><body>{body}").into_bytes()
}

/// The article below something in the head.
fn headed(head: &str) -> Vec<u8> {
    format!("<!doctype html><html><head>{head}</head><body>{}</body></html>", article()).into_bytes()
}

fn ld(json: &str) -> String {
    format!("<title>{TITLE}</title><script type=\"application/ld+json\">{json}</script>")
}

/// A part for each number below `count`, with `K` for the number.
fn numbered(count: usize, part: &str) -> String {
    let (begin, end) = part.split_once('K').unwrap_or((part, ""));
    let ends: Vec<&str> = end.split('K').collect();
    (0..count).fold(String::new(), |mut all, number| {
        all.push_str(begin);
        for (position, end) in ends.iter().enumerate().take(if part.contains('K') { ends.len() } else { 0 }) {
            let separator = if position == 0 { "" } else { "-" };
            let _ = write!(all, "{separator}{number}{end}");
        }
        all
    })
}

/// Bytes that look random and are the same each time (xorshift64).
fn noise(count: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(&mut next).flatten().take(count).collect()
}

fn started(magic: &[u8], rest: Vec<u8>) -> Vec<u8> {
    [magic, &rest].concat()
}

fn utf16(text: &str) -> Vec<u8> {
    std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

const fn kind(name: &'static str, page: fn() -> Vec<u8>) -> Kind {
    Kind { name, holds: Holds::Article, page }
}

const fn empty(name: &'static str, page: fn() -> Vec<u8>) -> Kind {
    Kind { name, holds: Holds::Nothing, page }
}

const fn noisy(name: &'static str, page: fn() -> Vec<u8>) -> Kind {
    Kind { name, holds: Holds::Noise, page }
}

const MIB: usize = 1 << 20;

/// All kinds.
pub const KINDS: &[Kind] = &[
    // Nesting.
    kind("200,000 div", || before(&"<div>".repeat(200_000))),
    kind("200,000 div, closed after", || {
        framed(&format!("{}{}{}", "<div>".repeat(200_000), article(), "</div>".repeat(200_000)))
    }),
    kind("200,000 span", || before(&"<span>".repeat(200_000))),
    kind("50,000 blockquote", || before(&"<blockquote>".repeat(50_000))),
    kind("20,000 ul li", || before(&"<ul><li>".repeat(20_000))),
    kind("lists 100 deep with 24,000 items", || {
        let list = format!("{}{}", "<ul><li>".repeat(100), "<li>x".repeat(24_000));
        before(&format!("{list}{}", "</ul>".repeat(100)))
    }),
    kind("10,000 tables in each other", || before(&"<table><tr><td>".repeat(10_000))),
    kind("20,000 forms in each other", || before(&"<form>".repeat(20_000))),
    kind("20,000 objects, marquees and applets", || before(&"<object><marquee><applet>".repeat(20_000))),
    kind("50,000 details", || before(&"<details><summary>more".repeat(50_000))),
    kind("50,000 templates", || before(&format!("{}{}", "<template>".repeat(50_000), "</template>".repeat(50_000)))),
    kind("100,000 svg", || before(&"<svg>".repeat(100_000))),
    kind("100,000 math", || before(&"<math><mi>".repeat(100_000))),
    kind("10,000 foreign objects", || before(&"<svg><foreignObject><math><mtext>".repeat(10_000))),
    kind("50,000 dl", || before(&"<dl><dt>term<dd>meaning".repeat(50_000))),
    kind("50,000 ruby", || before(&"<ruby>漢<rt>kan".repeat(50_000))),
    kind("160 spans around 50,000 paragraphs", || {
        before(&format!("{}{}</div>", "<span>".repeat(159), "<p>x".repeat(50_000)))
    }),
    kind("60 headings around 3 MB of text", || {
        before(&format!("{}{}", "<h2><div>".repeat(60), "word ".repeat(600_000)))
    }),
    kind("40 bylines around 3 MB of text", || {
        before(&format!("{}{}", "<div class=byline itemprop=author>".repeat(40), "word ".repeat(600_000)))
    }),
    kind("100 times around 3 MB of text", || before(&format!("{}{}", "<time>".repeat(100), "word ".repeat(600_000)))),
    // Elements that overlap.
    kind("20,000 links closed inside a block", || before(&numbered(20_000, "<a href=/K>x<div>y</a>z"))),
    kind("20,000 links never closed", || before(&numbered(20_000, "<a href=/K>x"))),
    kind("50,000 overlapping b and i", || before(&"<b><i>x</b>y</i>".repeat(50_000))),
    kind("50,000 nobr", || before(&"<nobr><nobr>x</nobr>".repeat(50_000))),
    kind("20,000 fonts, each another", || before(&numbered(20_000, "<font size=K>x"))),
    kind("formatting opened again in 20,000 paragraphs", || {
        before(&format!("{}{}", numbered(1_000, "<b n=K><i><u><em>"), "<p>x".repeat(20_000)))
    }),
    kind("20,000 formatted blocks nine deep", || {
        before(&format!("<b>{}</b>{}", "<div>".repeat(9), "</div>".repeat(9)).repeat(20_000))
    }),
    kind("everything open", || {
        before(&"<div><p><span><a href=x><b><ul><li><table><tr><td><dl><dt><select><option>".repeat(5_000))
    }),
    kind("end tags of nothing", || before(&format!("{}{}", "<div>".repeat(150), "</sup></sub>".repeat(200_000)))),
    kind("end tags of nothing in a drawing", || {
        before(&format!("{}<svg>{}</svg>", "<div>".repeat(150), "</sup></sub>".repeat(200_000)))
    }),
    kind("50,000 pieces of text beside rows", || before(&format!("<table>{}</table>", numbered(50_000, "K<tr>text")))),
    // Many of one thing.
    kind("500,000 siblings", || before(&"<p>x".repeat(500_000))),
    kind("300,000 empty elements", || before(&"<span></span>".repeat(300_000))),
    kind("1,000,000 br", || before(&"<br>".repeat(1_000_000))),
    kind("10 MB of paragraphs", || {
        after(&"<p>The harbour master wrote down the level of the lake every morning at six.</p>\n".repeat(128 * 1024))
    }),
    kind("100,000 headings", || before(&numbered(100_000, "<h2>Heading K</h2>"))),
    kind("100,000 h1", || before(&numbered(100_000, "<h1>Heading K</h1>"))),
    kind("100,000 links", || before(&numbered(100_000, "<a href=/news/K>Story K</a> "))),
    kind("100,000 meta", || headed(&numbered(100_000, "<meta name=author content='Author K'>"))),
    kind("50,000 canonical links", || headed(&numbered(50_000, "<link rel=canonical href=/K>"))),
    kind("100,000 itemprop", || before(&"<i itemprop=author itemscope>A. Writer</i>".repeat(100_000))),
    kind("50,000 nested itemprop", || before(&"<div itemprop=articleBody itemscope>".repeat(50_000))),
    kind("50,000 bylines", || before(&numbered(50_000, "<div class=byline>By Writer K</div>"))),
    kind("100,000 times", || before(&"<time datetime=2026-03-09T10:00>9 March</time> ".repeat(100_000))),
    kind("50,000 dates in words", || before(&"<div>10:14, 20 января 2021</div>".repeat(50_000))),
    kind("a text of 30,000 dates", || before(&format!("<div>{}</div>", "10:14, 20 января 2021 ".repeat(30_000)))),
    kind("50,000 times the title", || before(&format!("<p>{TITLE}</p>").repeat(50_000))),
    kind("50,000 hidden elements", || before(&"<div style='display:none' hidden>hidden words</div>".repeat(50_000))),
    kind("100,000 options", || before(&format!("<select>{}</select>", numbered(100_000, "<option>Choice K")))),
    kind("100,000 options without a list", || before(&numbered(100_000, "<option>Choice K</option>"))),
    kind("50,000 buttons never closed", || before(&"<button>press".repeat(50_000))),
    kind("50,000 scripts", || before(&numbered(50_000, "<script>var aK = '<p>no</p>';</script>"))),
    kind("300,000 comments", || before(&"<!--x--><!-->".repeat(150_000))),
    kind("100,000 paths in a drawing", || before(&format!("<svg>{}</svg>", "<path d='M0 0L1 1'/>".repeat(100_000)))),
    kind("100,000 elements of unknown names", || before(&numbered(100_000, "<xK>"))),
    kind("100,000 ids", || before(&numbered(100_000, "<p id=idK>x"))),
    // Attributes and names.
    kind("100,000 attributes", || before(&format!("<p{}>", numbered(100_000, " aK=1")))),
    kind("100,000 times the same attribute", || before(&format!("<p{}>", " class=x".repeat(100_000)))),
    kind("500 attributes on 1,000 elements", || before(&format!("<p{}>x", numbered(500, " aK=1")).repeat(1_000))),
    kind("one attribute of 1 MB", || before(&format!("<p title='{}'>", "x".repeat(MIB)))),
    kind("200 attributes of 16 KB", || before(&format!("<p title='{}'>x", "x".repeat(16_000)).repeat(200))),
    kind("200 lists of 3,000 classes", || before(&format!("<p class='{}'>x", numbered(3_000, "cK ")).repeat(200))),
    kind("20 names of 64 KB", || before(&format!("<x{}>", "y".repeat(64 << 10)).repeat(20))),
    kind("an attribute never closed", || after(&"<a href=\"x> ".repeat(200_001))),
    // Raw text, declarations, broken markup.
    empty("scripts only", || framed(&format!("<script>{}</script>", "if (a < b) { a += '</p>'; }\n".repeat(100_000)))),
    kind("a comment never closed", || after(&format!("<!-- {}", "<p>text -- ".repeat(200_000)))),
    kind("a script never closed", || after(&format!("<script>{}", "x = '</scrip'; ".repeat(150_000)))),
    kind("a style never closed", || after(&format!("<style>{}", "p { color: red } ".repeat(100_000)))),
    kind("a textarea never closed", || after(&format!("<textarea>{}", "<p>text ".repeat(200_000)))),
    kind("a title never closed, in the body", || after(&format!("<title>{}", "<p>text ".repeat(200_000)))),
    empty("a title never closed, in the head", || format!("<title>{}", article().repeat(2_000)).into_bytes()),
    kind("CDATA never closed", || after(&format!("<![CDATA[{}", "text ] ]] ".repeat(200_000)))),
    kind("a select never closed", || before(&"<select><option>x".repeat(50_000))),
    kind("1,000 plaintext", || before(&"<plaintext>".repeat(1_000))),
    kind("1,000 framesets", || before(&"<frameset><frame src=x>".repeat(1_000))),
    kind("3,000,000 <", || before(&"<".repeat(3_000_000))),
    kind("1,000,000 </", || after(&"</".repeat(1_000_000))),
    kind("500,000 </>", || before(&"</>".repeat(500_000))),
    kind("1,000,000 <!>", || before(&"<!>".repeat(1_000_000))),
    kind("600,000 entities", || before(&"&amp;&nbsp;&#x110000;&nosuch;&#0;&lt;".repeat(100_000))),
    kind("an entity of 1 MB", || before(&format!("&{};", "a".repeat(MIB)))),
    // Characters.
    kind("NUL bytes everywhere", || before(&format!("{}<p\0 cla\0ss=x>", "\0".repeat(MIB)))),
    kind("1,000,000 carriage returns", || before(&"\r".repeat(1_000_000))),
    kind("3 MB of white space", || before(&" \n\t".repeat(MIB))),
    kind("a word of 3 MB", || before(&format!("<p>{}</p>", "x".repeat(3 * MIB)))),
    kind("500,000 marks on one letter", || before(&format!("<p>a{}</p>", "\u{301}\u{323}".repeat(250_000)))),
    kind("1 MB of zero-width characters", || before(&format!("<p>{}</p>", "a\u{200b}\u{feff}".repeat(150_000)))),
    kind("1 MB of broken letters", || after(&format!("<p>{}</p>", "ÐÐ¾Ð²Ð¾ÑÑÐ¸ ".repeat(50_000)))),
    kind("the article in UTF-16", || utf16(&String::from_utf8_lossy(&before("")))),
    empty("half characters of UTF-16", || started(b"\xff\xfe", b"\x00\xd8<\x00".repeat(500_000))),
    noisy("noise that begins as UTF-16", || started(b"\xff\xfe", noise(2 * MIB))),
    noisy("noise", || noise(2 * MIB)),
    empty("a PDF", || started(b"%PDF-1.7\n1 0 obj\n", noise(2 * MIB))),
    empty("a JPEG image", || started(b"\xff\xd8\xff\xe0", noise(2 * MIB))),
    empty("a PNG image", || started(b"\x89PNG\r\n\x1a\n", noise(2 * MIB))),
    // What is said of the page.
    kind("a title of 2 MB", || headed(&format!("<title>{}</title>", "A very long title ".repeat(120_000)))),
    kind("a description of 1 MB", || headed(&format!("<meta name=description content='{}'>", "x".repeat(MIB)))),
    kind("JSON-LD 100,000 deep", || headed(&ld(&"{\"@graph\":[".repeat(100_000)))),
    kind("JSON-LD of 10 MB", || {
        let json = format!("{{\"@type\":\"NewsArticle\",\"articleBody\":\"{}\"}}", "x ".repeat(5 * MIB));
        after(&ld(&json))
    }),
    kind("JSON-LD with 100,000 items", || headed(&ld(&format!("[{}0]", "{\"a\":0},".repeat(100_000))))),
    kind("JSON-LD with 10,000 articles", || {
        headed(&ld(&format!(
            "[{}0]",
            numbered(10_000, "{\"@type\":\"NewsArticle\",\"headline\":\"Lake K\",\"url\":\"/K\"},")
        )))
    }),
    kind("JSON-LD with 50,000 authors and keywords", || {
        let list = |part: &str| format!("[{}\"\"]", numbered(50_000, part));
        let (authors, words) = (list("\"Writer K\","), list("\"K\","));
        headed(&ld(&format!("{{\"@type\":\"NewsArticle\",\"author\":{authors},\"keywords\":{words}}}")))
    }),
    kind("JSON-LD with texts of 200 KB for all", || {
        let [date, word] = ["2026-03-09 ", "word &amp; "].map(|part| part.repeat((200 << 10) / part.len()));
        headed(&ld(&format!(
            "{{\"@type\":\"NewsArticle\",\"headline\":\"{word}\",\"datePublished\":\"{date}\",\"dateModified\":\"{date}\",\
             \"author\":\"{word}\",\"keywords\":\"{word}\"}}"
        )))
    }),
    kind("5,000 blocks of JSON-LD", || headed(&ld("{\"@type\":\"NewsArticle\",\"headline\":\"x\"}").repeat(5_000))),
];
