//! Pages that are made, or grown, to be slow or large to read; most hold a real article, too.

use std::fmt::Write;

/// What is to be found in a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// The article.
    Article,
    /// The article, among so much else of its kind that a reader may overlook it.
    Buried,
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

const fn buried(name: &'static str, page: fn() -> Vec<u8>) -> Kind {
    Kind { name, holds: Holds::Buried, page }
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
    kind("60,000 div", || before(&"<div>".repeat(60_000))),
    kind("60,000 div, closed after", || {
        framed(&format!("{}{}{}", "<div>".repeat(60_000), article(), "</div>".repeat(60_000)))
    }),
    kind("60,000 span", || before(&"<span>".repeat(60_000))),
    kind("30,000 blockquote", || before(&"<blockquote>".repeat(30_000))),
    kind("20,000 ul li", || before(&"<ul><li>".repeat(20_000))),
    kind("lists 100 deep with 24,000 items", || {
        let list = format!("{}{}", "<ul><li>".repeat(100), "<li>x".repeat(24_000));
        before(&format!("{list}{}", "</ul>".repeat(100)))
    }),
    kind("10,000 tables in each other", || before(&"<table><tr><td>".repeat(10_000))),
    kind("20,000 forms in each other", || before(&"<form>".repeat(20_000))),
    buried("20,000 objects, marquees and applets", || before(&"<object><marquee><applet>".repeat(20_000))),
    kind("30,000 details", || before(&"<details><summary>more".repeat(30_000))),
    kind("30,000 templates", || before(&format!("{}{}", "<template>".repeat(30_000), "</template>".repeat(30_000)))),
    kind("40,000 svg", || before(&"<svg>".repeat(40_000))),
    kind("40,000 math", || before(&"<math><mi>".repeat(40_000))),
    kind("10,000 foreign objects", || before(&"<svg><foreignObject><math><mtext>".repeat(10_000))),
    kind("30,000 dl", || before(&"<dl><dt>term<dd>meaning".repeat(30_000))),
    kind("30,000 ruby", || before(&"<ruby>漢<rt>kan".repeat(30_000))),
    buried("160 spans around 30,000 paragraphs", || {
        before(&format!("{}{}</div>", "<span>".repeat(159), "<p>x".repeat(30_000)))
    }),
    kind("60 headings around 1 MB of text", || {
        before(&format!("{}{}", "<h2><div>".repeat(60), "word ".repeat(200_000)))
    }),
    kind("40 bylines around 1 MB of text", || {
        before(&format!("{}{}", "<div class=byline itemprop=author>".repeat(40), "word ".repeat(200_000)))
    }),
    kind("100 times around 1 MB of text", || before(&format!("{}{}", "<time>".repeat(100), "word ".repeat(200_000)))),
    // Elements that overlap.
    buried("20,000 links closed inside a block", || before(&numbered(20_000, "<a href=/K>x<div>y</a>z"))),
    buried("20,000 links never closed", || before(&numbered(20_000, "<a href=/K>x"))),
    kind("30,000 overlapping b and i", || before(&"<b><i>x</b>y</i>".repeat(30_000))),
    kind("30,000 nobr", || before(&"<nobr><nobr>x</nobr>".repeat(30_000))),
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
    kind("end tags of nothing", || before(&format!("{}{}", "<div>".repeat(150), "</sup></sub>".repeat(60_000)))),
    kind("end tags of nothing in a drawing", || {
        before(&format!("{}<svg>{}</svg>", "<div>".repeat(150), "</sup></sub>".repeat(60_000)))
    }),
    buried("30,000 pieces of text beside rows", || {
        before(&format!("<table>{}</table>", numbered(30_000, "K<tr>text")))
    }),
    // Many of one thing.
    buried("60,000 siblings", || before(&"<p>x".repeat(60_000))),
    kind("60,000 empty elements", || before(&"<span></span>".repeat(60_000))),
    kind("200,000 br", || before(&"<br>".repeat(200_000))),
    kind("6 MB of paragraphs", || {
        after(&"<p>The harbour master wrote down the level of the lake every morning at six.</p>\n".repeat(70 * 1024))
    }),
    buried("40,000 headings", || before(&numbered(40_000, "<h2>Heading K</h2>"))),
    buried("40,000 h1", || before(&numbered(40_000, "<h1>Heading K</h1>"))),
    buried("40,000 links", || before(&numbered(40_000, "<a href=/news/K>Story K</a> "))),
    kind("40,000 meta", || headed(&numbered(40_000, "<meta name=author content='Author K'>"))),
    kind("30,000 canonical links", || headed(&numbered(30_000, "<link rel=canonical href=/K>"))),
    kind("40,000 itemprop", || before(&"<i itemprop=author itemscope>A. Writer</i>".repeat(40_000))),
    kind("30,000 nested itemprop", || before(&"<div itemprop=articleBody itemscope>".repeat(30_000))),
    buried("30,000 bylines", || before(&numbered(30_000, "<div class=byline>By Writer K</div>"))),
    kind("40,000 times", || before(&"<time datetime=2026-03-09T10:00>9 March</time> ".repeat(40_000))),
    buried("30,000 dates in words", || before(&"<div>10:14, 20 января 2021</div>".repeat(30_000))),
    buried("a text of 30,000 dates", || before(&format!("<div>{}</div>", "10:14, 20 января 2021 ".repeat(30_000)))),
    kind("300 times of 16 KB", || {
        before(&format!("<time datetime='{}'>x</time>", "9 March ".repeat(2_000)).repeat(300))
    }),
    buried("40,000 links with line breaks in one paragraph", || before(&numbered(40_000, "<a href=/K>x</a><br>"))),
    buried("200 times in cards of 40,000 elements", || {
        before(&format!(
            "<div>{}{}</div>",
            "<i itemprop=datePublished>9 March 2026</i>".repeat(200),
            "<p>x</p>".repeat(40_000)
        ))
    }),
    kind("an entry of white space and 40,000 boundaries", || {
        before(&format!("<ul><li>{}{}</ul>", " \n".repeat(60_000), " <div></div>".repeat(40_000)))
    }),
    buried("3,000 links among 40,000 siblings", || {
        before(&format!("{}{}", "<a href=/x>Four words of news</a>".repeat(3_000), "<br>".repeat(40_000)))
    }),
    buried("30,000 times the title", || before(&format!("<p>{TITLE}</p>").repeat(30_000))),
    buried("30,000 hidden elements", || before(&"<div style='display:none' hidden>hidden words</div>".repeat(30_000))),
    kind("40,000 options", || before(&format!("<select>{}</select>", numbered(40_000, "<option>Choice K")))),
    kind("40,000 options without a list", || before(&numbered(40_000, "<option>Choice K</option>"))),
    kind("30,000 buttons never closed", || before(&"<button>press".repeat(30_000))),
    kind("30,000 scripts", || before(&numbered(30_000, "<script>var aK = '<p>no</p>';</script>"))),
    kind("60,000 comments", || before(&"<!--x--><!-->".repeat(30_000))),
    kind("40,000 paths in a drawing", || before(&format!("<svg>{}</svg>", "<path d='M0 0L1 1'/>".repeat(40_000)))),
    kind("40,000 elements of unknown names", || before(&numbered(40_000, "<xK>"))),
    buried("40,000 ids", || before(&numbered(40_000, "<p id=idK>x"))),
    // Attributes and names.
    kind("40,000 attributes", || before(&format!("<p{}>", numbered(40_000, " aK=1")))),
    kind("40,000 times the same attribute", || before(&format!("<p{}>", " class=x".repeat(40_000)))),
    kind("500 attributes on 1,000 elements", || before(&format!("<p{}>x", numbered(500, " aK=1")).repeat(1_000))),
    kind("one attribute of 1 MB", || before(&format!("<p title='{}'>", "x".repeat(MIB)))),
    kind("200 attributes of 16 KB", || before(&format!("<p title='{}'>x", "x".repeat(16_000)).repeat(200))),
    kind("200 lists of 3,000 classes", || before(&format!("<p class='{}'>x", numbered(3_000, "cK ")).repeat(200))),
    kind("20 names of 64 KB", || before(&format!("<x{}>", "y".repeat(64 << 10)).repeat(20))),
    kind("an attribute never closed", || after(&"<a href=\"x> ".repeat(200_001))),
    // Raw text, declarations, broken markup.
    empty("scripts only", || framed(&format!("<script>{}</script>", "if (a < b) { a += '</p>'; }\n".repeat(40_000)))),
    kind("a comment never closed", || after(&format!("<!-- {}", "<p>text -- ".repeat(60_000)))),
    kind("a script never closed", || after(&format!("<script>{}", "x = '</scrip'; ".repeat(30_000)))),
    kind("a style never closed", || after(&format!("<style>{}", "p { color: red } ".repeat(40_000)))),
    kind("a textarea never closed", || after(&format!("<textarea>{}", "<p>text ".repeat(60_000)))),
    kind("a title never closed, in the body", || after(&format!("<title>{}", "<p>text ".repeat(60_000)))),
    empty("a title never closed, in the head", || format!("<title>{}", article().repeat(2_000)).into_bytes()),
    kind("CDATA never closed", || after(&format!("<![CDATA[{}", "text ] ]] ".repeat(60_000)))),
    kind("a select never closed", || before(&"<select><option>x".repeat(30_000))),
    kind("1,000 plaintext", || before(&"<plaintext>".repeat(1_000))),
    kind("1,000 framesets", || before(&"<frameset><frame src=x>".repeat(1_000))),
    kind("500,000 <", || before(&"<".repeat(500_000))),
    kind("200,000 </", || after(&"</".repeat(200_000))),
    kind("60,000 </>", || before(&"</>".repeat(60_000))),
    kind("200,000 <!>", || before(&"<!>".repeat(200_000))),
    kind("240,000 entities", || before(&"&amp;&nbsp;&#x110000;&nosuch;&#0;&lt;".repeat(40_000))),
    kind("an entity of 1 MB", || before(&format!("&{};", "a".repeat(MIB)))),
    // Characters.
    kind("NUL bytes everywhere", || before(&format!("{}<p\0 cla\0ss=x>", "\0".repeat(MIB)))),
    kind("200,000 carriage returns", || before(&"\r".repeat(200_000))),
    kind("1 MB of white space", || before(&" \n\t".repeat(MIB / 3))),
    kind("a word of 1 MB", || before(&format!("<p>{}</p>", "x".repeat(MIB)))),
    kind("60,000 marks on one letter", || before(&format!("<p>a{}</p>", "\u{301}\u{323}".repeat(30_000)))),
    kind("1 MB of zero-width characters", || before(&format!("<p>{}</p>", "a\u{200b}\u{feff}".repeat(30_000)))),
    kind("1 MB of broken letters", || after(&format!("<p>{}</p>", "ÐÐ¾Ð²Ð¾ÑÑÐ¸ ".repeat(30_000)))),
    kind("the article in UTF-16", || utf16(&String::from_utf8_lossy(&before("")))),
    empty("half characters of UTF-16", || started(b"\xff\xfe", b"\x00\xd8<\x00".repeat(60_000))),
    noisy("noise that begins as UTF-16", || started(b"\xff\xfe", noise(MIB / 2))),
    noisy("noise", || noise(MIB / 2)),
    empty("a PDF", || started(b"%PDF-1.7\n1 0 obj\n", noise(MIB / 2))),
    empty("a JPEG image", || started(b"\xff\xd8\xff\xe0", noise(MIB / 2))),
    empty("a PNG image", || started(b"\x89PNG\r\n\x1a\n", noise(MIB / 2))),
    // What is said of the page.
    kind("a title of 700 KB", || headed(&format!("<title>{}</title>", "A very long title ".repeat(120_000)))),
    kind("a description of 1 MB", || headed(&format!("<meta name=description content='{}'>", "x".repeat(MIB)))),
    kind("JSON-LD 40,000 deep", || headed(&ld(&"{\"@graph\":[".repeat(40_000)))),
    kind("JSON-LD of 2 MB", || {
        let json = format!("{{\"@type\":\"NewsArticle\",\"articleBody\":\"{}\"}}", "x ".repeat(MIB));
        after(&ld(&json))
    }),
    kind("JSON-LD with 40,000 items", || headed(&ld(&format!("[{}0]", "{\"a\":0},".repeat(40_000))))),
    kind("JSON-LD with 10,000 articles", || {
        headed(&ld(&format!(
            "[{}0]",
            numbered(10_000, "{\"@type\":\"NewsArticle\",\"headline\":\"Lake K\",\"url\":\"/K\"},")
        )))
    }),
    kind("JSON-LD with 30,000 authors and keywords", || {
        let list = |part: &str| format!("[{}\"\"]", numbered(30_000, part));
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
    kind("JSON-LD of 500,000 numbers", || headed(&ld(&format!("[{}0]", "0,".repeat(500_000))).repeat(4))),
    kind("JSON-LD with selectors of siblings", || {
        let part = "{\"isAccessibleForFree\":false,\"cssSelector\":\"x ~ p, x ~ * ~ p\"},".repeat(16);
        let json = format!("{{\"@type\":\"NewsArticle\",\"hasPart\":[{part}0]}}");
        [headed(&ld(&json)), "<p>x".repeat(40_000).into_bytes()].concat()
    }),
    kind("a line of 1 MB of authors", || {
        let names = "Aigul Serikova, By Timur and ".repeat(30_000);
        headed(&ld(&format!("{{\"@type\":\"NewsArticle\",\"author\":\"{names}\"}}")))
    }),
    kind("600 metas of authors and dates", || {
        let (names, dates) = ("a b & c d, ".repeat(700), "2026-03-09T10:00 ".repeat(450));
        headed(&format!("<meta name=author content='{names}'><meta name=date content='{dates}'>").repeat(300))
    }),
    kind("5,000 blocks of JSON-LD", || headed(&ld("{\"@type\":\"NewsArticle\",\"headline\":\"x\"}").repeat(5_000))),
];
