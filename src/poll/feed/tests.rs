//! Feeds as publishers send them, and as attackers would.

use proptest::prelude::*;

use super::*;

const NOW: &str = "2025-08-15T10:00:00Z";

fn read_from(bytes: &[u8], url: Option<&str>) -> Result<Feed, FeedError> {
    let url = url.map(|url| Url::parse(url).expect("a test's address"));
    let zone = TimeZone::fixed(jiff::tz::offset(5));
    read(bytes, None, url.as_ref(), &zone, Some(NOW.parse().expect("a time")))
}

fn feed(text: &str) -> Feed {
    read_from(text.as_bytes(), Some("https://news.example/rss/all.xml")).expect("it is a feed")
}

/// One line per entry: id, address, title, summary, published.
fn check(text: &str, kind: &str, expected: &[&str]) {
    let feed = feed(text);
    assert_eq!(feed.kind.name(), kind, "{text}");
    let shown: Vec<String> = feed.entries.iter().map(shown).collect();
    assert_eq!(shown, expected, "{text}");
}

fn shown(entry: &Announced) -> String {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    [
        or_dash(entry.id.clone()),
        or_dash(entry.url.as_ref().map(Url::to_string)),
        or_dash(entry.title.clone()),
        or_dash(entry.summary.clone()),
        or_dash(entry.date_published.map(|date| date.to_string())),
    ]
    .join(" | ")
}

fn rss(items: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>T</title><link>https://news.example/</link>{items}</channel></rss>"
    )
}

#[test]
fn every_dialect() {
    check(
        "<rss version='0.91'><channel><title>T</title><item><title>Dam opened</title><link>https://news.example/1</link>\
         <description>Water flows.</description></item></channel></rss>",
        "rss-0.91",
        &["https://news.example/1 | https://news.example/1 | Dam opened | Water flows. | -"],
    );
    check(
        "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/' \
         xmlns:dc='http://purl.org/dc/elements/1.1/'><channel rdf:about='https://news.example/'><title>T</title>\
         <items><rdf:Seq><rdf:li rdf:resource='x'/></rdf:Seq></items></channel>\
         <item rdf:about='https://news.example/2'><title>Rail &amp;amp; road</title><dc:creator>A. Writer</dc:creator>\
         <dc:date>2024-05-01T08:00:00+05:00</dc:date></item></rdf:RDF>",
        "rss-1.0",
        &["https://news.example/2 | https://news.example/2 | Rail & road | - | 2024-05-01T08:00:00+05:00"],
    );
    check(
        &rss(
            "<item><guid isPermaLink='false'>77</guid><link>/n/3</link><title><![CDATA[Нефть <b>дороже</b>]]></title>\
              <description>&lt;p&gt;Один&lt;/p&gt;&lt;p&gt;два&lt;/p&gt;</description>\
              <pubDate>Wed, 14 Aug 2024 09:30:00 +0600</pubDate></item>",
        ),
        "rss-2.0",
        &["77 | https://news.example/n/3 | Нефть дороже | Один два | 2024-08-14T09:30:00+06:00"],
    );
    check(
        "<feed version='0.3' xmlns='http://purl.org/atom/ns#'><title>T</title><entry><id>tag:a,4</id>\
         <title mode='escaped' type='text/html'>&lt;i&gt;Gas&lt;/i&gt; line</title>\
         <link rel='alternate' type='text/html' href='https://news.example/4'/><issued>2024-03-02T01:02:03Z</issued>\
         </entry></feed>",
        "atom-0.3",
        &["tag:a,4 | https://news.example/4 | Gas line | - | 2024-03-02T01:02:03+00:00"],
    );
    check(
        "<feed xmlns='http://www.w3.org/2005/Atom' xml:base='https://base.example/x/'><title>T</title><entry>\
         <id>urn:5</id><title>a &lt; b</title><link rel='self' href='no'/><link href='5.html'/>\
         <summary type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><p>One <b>two</b></p></div></summary>\
         <published>2024-03-02T01:02:03.5+06:00</published><updated>2024-03-03T00:00:00Z</updated></entry></feed>",
        "atom-1.0",
        &["urn:5 | https://base.example/x/5.html | a < b | One two | 2024-03-02T01:02:03+06:00"],
    );
    check(
        "{\"version\":\"https://jsonfeed.org/version/1.1\",\"title\":null,\"items\":[{\"id\":6,\"url\":\"/6\",\"title\":null,\
         \"content_text\":\"A short\\nnote\",\"date_published\":\"2024-03-02T01:02:03+05:00\",\"authors\":[{\"name\":\"B\"},null],\
         \"attachments\":[{\"url\":1}],\"tags\":[\"gas\",7]}]}",
        "json-1.1",
        &["6 | https://news.example/6 | - | A short note | 2024-03-02T01:02:03+05:00"],
    );
}

#[test]
fn broken_feeds_are_read_as_far_as_they_are_meant() {
    let item = "<item><link>https://news.example/1</link><title>Q&A: 5 < 6 &laquo;x&raquo;&nbsp;y</title></item>";
    let line = "https://news.example/1 | https://news.example/1 | Q&A: 5 < 6 «x» y | - | -";
    check(&rss(item), "rss-2.0", &[line]);
    check(&format!("\n<br />\n<b>Warning</b>: in /srv/x.php\n\u{feff}{}", rss(item)), "rss-2.0", &[line]);
    check(&rss(item).replace("</item>", "").replace("<title>Q", "\u{b}<title>\u{1}Q"), "rss-2.0", &[line]);
    check(
        &rss(&format!("{item}<item><title>B<link>https://news.example/2</link></item>")),
        "rss-2.0",
        &[line, "https://news.example/2 | https://news.example/2 | B | - | -"],
    );
    check(
        &rss(
            "<item><title>W</title><description>one<p>two<b>three</description><pubDate>x</b></pubDate><guid>https://news.example/3</guid></item>",
        ),
        "rss-2.0",
        &["https://news.example/3 | https://news.example/3 | W | one twothree | -"],
    );
    // No declaration for any of the prefixes; the media title is not the article's.
    let foreign = "<item><dc:title>D</dc:title><media:group><media:title>no</media:title><media:thumbnail url='/t.jpg'/></media:group>\
                   <content:encoded><![CDATA[<p>Full</p>]]></content:encoded><dc:date>2024-01-02</dc:date><yandex:related><link url='x'/></yandex:related>\
                   <feedburner:origLink>https://news.example/4</feedburner:origLink><link>https://fb.example/r</link></item>";
    let line = "https://fb.example/r | https://fb.example/r | D | - | 2024-01-02T00:00:00+05:00";
    check(&rss(foreign), "rss-2.0", &[line]);
    let read = feed(&rss(foreign));
    assert_eq!(read.entries[0].content_html.as_deref(), Some("<p>Full</p>"));
    assert_eq!(read.entries[0].image.as_ref().map(Url::as_str), Some("https://news.example/t.jpg"));
}

#[test]
fn what_belongs_to_the_feed_stays_there() {
    let read = feed(
        "<rss version='2.0'><channel><image><title>logo</title><link>https://logo.example/</link></image><title>My &amp; news</title>\
         <atom:link rel='self' href='https://news.example/feed'/><link>https://news.example/</link><language>ru-RU</language>\
         <item><title>A</title><source url='x'>Other</source></item></channel></rss>",
    );
    assert_eq!(read.title.as_deref(), Some("My & news"));
    assert_eq!(read.url.as_ref().map(Url::as_str), Some("https://news.example/"));
    assert_eq!(read.language.as_deref(), Some("ru-RU"));
    assert_eq!(read.entries[0].url, None);
    assert_eq!(read.entries[0].id, None, "an id is never made of a title");
}

#[test]
fn authors_and_tags() {
    let read = feed(&rss(
        "<item><title>A</title><author>desk@news.example\u{a0}(Aida Omarova)</author><dc:creator>Aida Omarova</dc:creator>\
         <dc:creator>Ерлан — editor@news.example</dc:creator><author><name>Third</name><email>t@x.example</email></author>\
         <author>noreply@news.example</author><category>Gas</category><category><![CDATA[Oil &amp; coal]]></category><category>Gas</category></item>",
    ));
    let authors: Vec<&str> = read.entries[0].authors.iter().map(|author| author.name.as_str()).collect();
    assert_eq!(authors, ["Aida Omarova", "Ерлан", "Third"]);
    assert_eq!(read.entries[0].tags, ["Gas", "Oil & coal"]);
}

#[test]
fn dates_keep_offsets_and_the_future_is_dropped() {
    let read = feed(&rss(
        "<item><title>A</title><pubDate>14 Aug 2024 09:30 GMT+6</pubDate></item><item><title>B</title><pubDate>15 августа 2024, 10:00</pubDate></item>\
         <item><title>C</title><pubDate>Fri, 01 Jan 2038 00:00:00 GMT</pubDate></item><item><title>D</title><pubDate>yesterdayish</pubDate></item>\
         <item><title>E</title><pubDate>2024-08-14T03:30:00Z</pubDate><atom:updated>2024-08-14T03:31:00Z</atom:updated></item>",
    ));
    let dates: Vec<String> = read
        .entries
        .iter()
        .map(|entry| entry.date_published.map(|date| date.to_string()).unwrap_or_default())
        .collect();
    assert_eq!(dates, ["2024-08-14T09:30:00+06:00", "2024-08-15T10:00:00+05:00", "", "", "2024-08-14T09:30:00+06:00"]);
    assert!(read.entries[4].date_modified.is_some());
    assert_eq!(read.entries[0].date_modified, None, "feed-rs's copy of the date is not a change");
}

#[test]
fn texts_hold_no_control_characters() {
    let texts = "<title>A&#27;[2J \u{7}b\u{92}s</title><description><![CDATA[<p>x &#27;[2J y</p>]]></description>";
    check(&rss(&format!("<item>{texts}</item>")), "rss-2.0", &["- | - | A[2J b’s | x [2J y | -"]);
    let item =
        "{\"id\":\"\\u001b1\",\"title\":\"a\\u001bb\",\"summary\":\"\\u009bc\",\"content_html\":\"<p>\\u0007d</p>\"}";
    let json = feed(&format!("{{\"version\":\"https://jsonfeed.org/version/1\",\"items\":[{item}]}}"));
    assert_eq!(shown(&json.entries[0]), "1 | https://news.example/rss/1 | ab | ›c | -");
    assert_eq!(json.entries[0].content_html.as_deref(), Some("<p>d</p>"));
}

#[test]
fn the_last_of_several_dates_counts() {
    let dates = "<pubDate>Wed, 13 Aug 2025 10:00:00 +0500</pubDate><dc:date>2025-08-01</dc:date>\
                 <pubDate>Thu, 14 Aug 2025 10:00:00 +0500</pubDate><pubDate></pubDate>";
    check(&rss(&format!("<item>{dates}</item>")), "rss-2.0", &["- | - | - | - | 2025-08-14T10:00:00+05:00"]);
}

#[test]
fn only_the_first_addresses_of_an_entry_are_looked_at() {
    let feeds = |count: usize| {
        let others = "<link rel='self' href='x'/>".repeat(count);
        format!("<feed xmlns='http://www.w3.org/2005/Atom'><entry><id>a</id>{others}<link href='/a'/></entry></feed>")
    };
    check(&feeds(100), "atom-1.0", &["a | https://news.example/a | - | - | -"]);
    check(&feeds(1_000), "atom-1.0", &["a | - | - | - | -"]);
}

#[test]
fn encodings() {
    let text = rss("<item><link>https://news.example/1</link><title>Казахстан увеличил добычу нефти и газа</title>\
                    <description>Правительство сообщило об этом в понедельник</description></item>");
    let declared = text.replace("version=\"1.0\"", "version=\"1.0\" encoding=\"windows-1251\"");
    for sent in [&text, &declared] {
        let bytes = encoding_rs::WINDOWS_1251.encode(sent).0;
        let read = read_from(&bytes, None).expect("it is a feed");
        assert_eq!(read.entries[0].title.as_deref(), Some("Казахстан увеличил добычу нефти и газа"));
    }
}

#[test]
fn relative_links_without_an_address_are_the_sites() {
    let read = read_from(rss("<item><title>A</title><link>/a</link></item>").as_bytes(), None).expect("a feed");
    assert_eq!(read.entries[0].url.as_ref().map(Url::as_str), Some("https://news.example/a"));
    let script = read_from(rss("<item><title>A</title><link>javascript:alert(1)</link></item>").as_bytes(), None);
    assert_eq!(script.expect("a feed").entries[0].url, None);
}

#[test]
fn a_cut_feed_keeps_its_whole_entries() {
    let whole = rss(
        "<item><link>https://news.example/1</link><title>A</title></item><item><link>https://news.example/2</link><title>B</title></item>",
    );
    let cut = &whole[..whole.find("B</title>").expect("it is there")];
    let read = feed(cut);
    assert_eq!(read.entries.len(), 1);
    assert!(read.truncated);
    assert!(!feed(&whole).truncated);
    assert_eq!(feed(&rss("")).entries, []);
}

#[test]
fn xhtml_texts_keep_their_place() {
    let atom = |title: &str, content: &str| {
        format!(
            "<feed xmlns='http://www.w3.org/2005/Atom' xmlns:h='http://www.w3.org/1999/xhtml'><title>T</title><entry>\
             <id>urn:1</id><link href='/1'/><title type='xhtml'>{title}</title><content type='xhtml'>{content}</content>\
             </entry></feed>"
        )
    };
    for (name, open, close) in [
        ("default", "<div xmlns='http://www.w3.org/1999/xhtml'>", "</div>"),
        ("declared", "<h:div class='x'>", "</h:div>"),
        ("usual", "<xhtml:div>", "</xhtml:div>"),
    ] {
        let text = atom(&format!("{open}One <h:b>t</h:b>wo{close}"), &format!("{open}<h:p>Full</h:p>{close}"));
        check(&text, "atom-1.0", &["urn:1 | https://news.example/1 | One two | - | -"]);
        let content = feed(&text).entries[0].content_html.clone().unwrap_or_default();
        assert!(content.contains("<p>Full</p>"), "{name}: {content}");
    }
}

#[test]
fn a_cut_json_feed_gives_its_whole_items() {
    let whole = "{\"version\":\"https://jsonfeed.org/version/1\",\"items\":[{\"id\":\"a\",\"url\":\"/1\",\"title\":\"One\"},\
                 {\"id\":\"b\",\"title\":\"Two\"}],\"title\":\"T\"}";
    assert!(!feed(whole).truncated);
    for (kept, entries) in
        [("[{\"id\":\"a\",\"url\":\"/1\",\"title\":\"One\"}", 1), ("\"Tw", 1), ("\"Two\"}", 2), ("]", 2)]
    {
        let end = whole.rfind(kept).expect("it is there") + kept.len();
        let cut = feed(&whole[..end]);
        assert_eq!((cut.entries.len(), cut.truncated), (entries, true), "{}", &whole[..end]);
        assert_eq!(cut.entries[0].title.as_deref(), Some("One"));
    }
    assert!(matches!(read_from(b"{\"items\": [}", None), Err(FeedError::Broken { .. })));
}

#[test]
fn json_with_the_usual_faults_is_read() {
    let item = r#"{"id":"a","title":"half \ud83d a pair \ud83d\ude00, \' \x \\ \u00e9 CONTROL","url":"/1"}"#
        .replace("CONTROL", "\u{1}b\n");
    let whole = format!("{{\"version\":\"https://jsonfeed.org/version/1\",\"items\":[{item}]}}");
    for (text, is_cut) in [
        (whole.clone(), false),
        (format!("{whole}<!-- cached -->"), false),
        (whole.replace("]}", ",{\"id\" 3}]}"), true),
    ] {
        let read = feed(&text);
        assert_eq!(read.entries[0].title.as_deref(), Some("half \u{fffd} a pair 😀, ' x \\ é b"), "{text}");
        assert_eq!((read.entries.len(), read.truncated), (1, is_cut), "{text}");
    }
}

#[test]
fn dialects_before_and_beside_rss_and_atom() {
    check(
        "<CHANNEL HREF='https://news.example/'><TITLE>T</TITLE><ITEM HREF='/1' LASTMOD='2004-04-06T23:05:43-05:00'>\
         <TITLE>Dam</TITLE><ABSTRACT>Water</ABSTRACT></ITEM></CHANNEL>",
        "rss",
        &["https://news.example/1 | https://news.example/1 | Dam | Water | -"],
    );
    check(
        "<?xml version='1.0'?><a:entry xmlns:a='http://www.w3.org/2005/Atom'><a:id>urn:1</a:id><a:title>Alone</a:title>\
         <a:link href='https://news.example/1'/></a:entry>",
        "atom-1.0",
        &["urn:1 | https://news.example/1 | Alone | - | -"],
    );
    check(
        "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'>\
         <item rdf:about='https://news.example/id/1'><title>A</title><link>https://news.example/1</link></item></rdf:RDF>",
        "rss-1.0",
        &["https://news.example/id/1 | https://news.example/1 | A | - | -"],
    );
    check(
        "<feed xmlns='http://www.w3.org/2005/Atom'><title>T</title><item><guid>/n/1</guid><title>RSS in Atom</title></item></feed>",
        "atom-1.0",
        &["/n/1 | https://news.example/n/1 | RSS in Atom | - | -"],
    );
}

#[test]
fn entries_without_anything_to_read_are_still_entries() {
    let read = feed(&rss("<item/><item></item><item><author>A. Writer</author></item>"));
    assert_eq!(read.entries.len(), 3);
    assert_eq!(read.entries[2].authors[0].name, "A. Writer");
    assert_eq!(read.entries[2].id, None);
}

#[test]
fn a_second_description_is_the_content() {
    let read = feed(&rss("<item><description>Short</description><itunes:summary>Notes</itunes:summary></item>\
         <item><description>Short</description><content:encoded>Full</content:encoded></item>\
         <item><content:encoded>Full</content:encoded><description>Short</description></item>\
         <item><description>Short</description><media:description>A dam</media:description></item>\
         <item><media:group><media:description>A film</media:description></media:group></item>"));
    let texts: Vec<(&str, &str)> = read
        .entries
        .iter()
        .map(|entry| (entry.summary.as_deref().unwrap_or("-"), entry.content_html.as_deref().unwrap_or("-")))
        .collect();
    assert_eq!(texts, [("Short", "Notes"), ("Short", "Full"), ("Short", "Full"), ("Short", "-"), ("A film", "-")]);
}

#[test]
fn tags_are_terms_in_every_spelling() {
    let read = feed(&rss(
        "<item><atom:category term='gas' label='Gas'/><category domain='x'>Oil</category><dc:subject>Coal</dc:subject>\
         <itunes:category text='News'/><media:keywords>dam, river,,dam</media:keywords><atom:category label='Only'/></item>",
    ));
    assert_eq!(read.entries[0].tags, ["gas", "Oil", "Coal", "News", "dam", "river", "Only"]);
}

#[test]
fn people_in_elements_have_names_or_none() {
    let read = feed(&rss(
        "<item><author><uri>https://a.example/</uri></author><author><a:name xml:lang='en'>B &amp; C</a:name></author>\
         <itunes:author>Desk [2]</itunes:author><author><b>D</b></author></item>",
    ));
    let authors: Vec<&str> = read.entries[0].authors.iter().map(|author| author.name.as_str()).collect();
    assert_eq!(authors, ["B & C", "Desk [2]", "D"]);
}

#[test]
fn texts_in_every_wrapping() {
    let atom = |inside: &str| {
        let text = format!("<feed xmlns='http://www.w3.org/2005/Atom'><entry><id>urn:1</id>{inside}</entry></feed>");
        feed(&text).entries.remove(0)
    };
    let encoded = atom(
        "<title type='application/octet-stream'>\nQSA8Yj5i\nPC9iPg==</title><content type='image/png'>/////w==</content>",
    );
    assert_eq!((encoded.title.as_deref(), encoded.content_html), (Some("A b"), None));
    let wrapped =
        atom("<content type='html'><div xmlns='http://www.w3.org/1999/xhtml'>&lt;p&gt;One&lt;/p&gt;</div></content>");
    assert_eq!(wrapped.content_html.as_deref(), Some("<p>One</p>"));
    let drawing = "<title>T</title><content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><p>Before</p>\
                   <svg xmlns='http://www.w3.org/2000/svg'><dc:title>Tree</dc:title></svg><p>After</p></div></content>";
    let drawn = atom(drawing);
    assert_eq!(drawn.title.as_deref(), Some("T"));
    assert!(drawn.content_html.is_some_and(|content| content.contains("After")));
    let odd = feed(&rss(
        "<item><title>&Sigma; &scaron; &zcaron; &bne; it\u{92}s</title><description>СовеÑ</description></item>",
    ));
    assert_eq!(odd.entries[0].title.as_deref(), Some("Σ š ž =⃥ it’s"));
    let twice = feed(&rss("<item><title>Ð¡Ð¾Ð²ÐµÑ\u{82} â\u{80}\u{94} Ð´Ð°</title></item>"));
    assert_eq!(twice.entries[0].title.as_deref(), Some("Совет — да"));
}

#[test]
fn what_a_feed_asks_of_pollers() {
    use std::time::Duration;
    let asked = "<ttl>20</ttl><skipHours><hour>0</hour><hour>23</hour></skipHours><skipDays><day>Sunday</day></skipDays>\
                 <item><title>A</title><ttl>5</ttl><hour>7</hour></item>";
    let wishes = feed(&rss(asked)).wishes;
    assert_eq!(wishes, Wishes { every: Some(Duration::from_secs(1200)), skip_hours: 1 << 23 | 1, skip_days: 1 << 6 });
    let rdf = "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/' \
               xmlns:s='http://purl.org/rss/1.0/modules/syndication/'><channel><s:updatePeriod>daily</s:updatePeriod>\
               <s:updateFrequency>4</s:updateFrequency></channel><item><title>A</title></item></rdf:RDF>";
    assert_eq!(feed(rdf).wishes, Wishes { every: Some(Duration::from_secs(6 * 3600)), ..Wishes::default() });
    assert_eq!(feed(&rss("<ttl>0</ttl>")).wishes, Wishes::default());
}

#[test]
fn what_is_no_feed_is_named() {
    let message = |bytes: &[u8]| read_from(bytes, None).expect_err("it is no feed").to_string();
    for (bytes, part) in [
        (b" \r\n".as_slice(), "empty"),
        (b"Bad Gateway", "a few bytes came instead of a feed: \"Bad Gateway\""),
        (
            b"<!DOCTYPE html><html><head><title>Access &amp; denied\x1b[31m</title>",
            "HTML page came instead of a feed: \"Access & denied[31m\"",
        ),
        (b"<html><body><p>rss</p><rss></rss>", "HTML page"),
        (b"<urlset><url><loc>https://a.example/</loc></url></urlset>", "a sitemap"),
        (b"<Error><Code>NoSuchKey</Code></Error>", "neither RSS nor Atom"),
        (b"\x1f\x8b\x08\0\0\0\0\0\0", "compressed data (gzip)"),
        (b"%PDF-1.7 and so on", "a PDF document"),
        (b"the feed has moved", "plain text"),
        (b"{\"error\": \"not found\"}", "JSON that is no JSON Feed"),
        (b"{\"version\": \"https://jsonfeed.org/version/1\", \"items\": [{\"id", "cut off"),
        (b"<rss version='2.0'><channel><title>T</title><item><title>A", "cut off"),
    ] {
        let message = message(bytes);
        assert!(message.contains(part), "{message}");
        assert!(message.len() < 400 && !message.contains('\u{1b}'), "{message}");
    }
    let page = format!("<html>{}", "ж".repeat(5_000));
    assert!(message(page.as_bytes()).len() < 300);
    assert!(message(&vec![b'x'; FEED_BYTES_MAX + 1]).contains("10485760"));
}

#[test]
fn hostile_feeds_end_soon() {
    let nested = |open: &str, close: &str| {
        rss(&format!("<item><title>A</title>{}{}</item>", open.repeat(100_000), close.repeat(100_000)))
    };
    let bomb = format!(
        "<!DOCTYPE rss [<!ENTITY a \"aaaa\"><!ENTITY b \"{}\"><!ENTITY c SYSTEM \"file:///etc/passwd\">]>{}",
        "&a;".repeat(1_000),
        rss("<item><title>x &b; &c; y</title></item>")
    );
    for (name, text, entries) in [
        ("nested groups", nested("<media:group>", "</media:group>"), 1),
        ("nested unknown", nested("<x>", "</x>"), 1),
        ("nested items", nested("<item>", "</item>"), canonical::ENTRIES_MAX),
        ("nested base", nested("<a xml:base='bbbbbbbbbbbb/'>", "</a>"), 1),
        ("nested description", nested("<description><b>", "</b></description>"), 1),
        ("many items", rss(&"<item><title>A</title></item>".repeat(50_000)), canonical::ENTRIES_MAX),
        ("many declarations", rss(&format!("<item><title>A</title>{}</item>", "<![x[>".repeat(200_000))), 1),
        ("many attributes", rss(&format!("<item {}><title>A</title></item>", "a='1' ".repeat(200_000))), 1),
        ("open quotes", rss(&format!("<item><title>A</title>{}</item>", "<a b=\">".repeat(200_000))), 1),
        ("many ampersands", rss(&format!("<item><title>{}</title></item>", "&a".repeat(500_000))), 1),
        ("entities", bomb.clone(), 1),
        (
            "a long attribute",
            rss(&format!("<item><link href='https://a.example/{}'/></item>", "a".repeat(2_000_000))),
            1,
        ),
        ("many tags", rss(&format!("<item><media:keywords>{}</media:keywords></item>", "a,".repeat(500_000))), 1),
        ("an open comment", rss(&format!("<item><title>A</title></item><!--{}", "x-".repeat(500_000))), 1),
        ("an open instruction", rss(&format!("<item><title>A</title></item><?x {}", "x?".repeat(500_000))), 1),
        ("an open section", rss(&format!("<item/><item><title><![CDATA[{}", "]]".repeat(500_000))), 1),
    ] {
        assert_eq!(feed(&text).entries.len(), entries, "{name}");
    }
    assert_eq!(feed(&bomb).entries[0].title.as_deref(), Some("x &b; &c; y"));
    let deep = format!("{{\"version\":\"https://jsonfeed.org/version/1\",\"items\":{}", "[".repeat(100_000));
    assert!(matches!(read_from(deep.as_bytes(), None), Err(FeedError::Truncated { .. })));
}

#[test]
fn texts_do_not_outgrow_the_feed() {
    let content = format!("<entry><id>a</id><content>{}</content></entry>", "&".repeat(3 << 20));
    let read = feed(&format!("<feed xmlns='http://www.w3.org/2005/Atom'>{}</feed>", content.repeat(3)));
    let sizes: Vec<usize> = read.entries.iter().filter_map(|entry| Some(entry.content_html.as_ref()?.len())).collect();
    assert_eq!(sizes, [10 << 20, 10 << 20], "each text is cut at 2 MiB, and the third entry is one too many");
}

#[test]
fn reading_again_changes_nothing() {
    let text = rss("<item><title>A</title><description>no link, no id</description></item>");
    assert_eq!(feed(&text), feed(&text));
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read_from(&bytes, None);
    }

    #[test]
    fn mutated_feeds_are_survived(edits in proptest::collection::vec((0_usize..2_000, "[<>&;\"'/=\\[\\]!a-z\u{a0}—ж]{0,4}"), 0..12)) {
        let mut text = rss(
            "<item><guid>a</guid><link>https://news.example/1</link><title>A &amp; b</title><author>a@b.example (N)</author>\
             <media:group><media:content url='https://news.example/i.jpg'/></media:group><pubDate>14 Aug 2024 09:30 GMT+6</pubDate>\
             <description><![CDATA[<p>x</p>]]></description></item><item><title>B</title></item>",
        );
        for (at, inserted) in edits {
            let at = text.floor_char_boundary(at % text.len());
            let end = text.floor_char_boundary((at + 3).min(text.len()));
            text.replace_range(at..end.max(at), &inserted);
        }
        // An XML parser must be able to read whatever is written for it.
        if let Err(error) = read_from(text.as_bytes(), None) {
            prop_assert!(!matches!(error, FeedError::Broken { .. }), "{error}: {text}");
        }
    }
}
