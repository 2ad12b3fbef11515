//! What reading a page promises, as people see it: in records, in `chapar extract` and in `chapar sources`.

use encoding_rs::{Encoding, KOI8_R, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1251};
use serde_json::{Value, json};

use crate::dir::{Dir, source, text};
use crate::site::{Item, Reply, Site, article, story};

/// What stands below every article of a site.
const APPEAL: &str = "Our reporters travel to every village of the valley, and only the readers pay for their journeys. \
                      If this report was of use to you, support our work with a gift of any size before the year ends.";

fn title(number: usize) -> String {
    format!("Canal of district {number} carries water again")
}

/// Publishes articles that all end with [`APPEAL`].
fn publish_with_appeal(site: &Site, numbers: std::ops::RangeInclusive<usize>) {
    let put = |number: usize| {
        let path = format!("/a/{number}");
        site.put(&path, article(&title(number), &format!("{}\n\n{APPEAL}", story(number))));
        Item::new(&site.url(&path), &title(number))
    };
    let items: Vec<Item> = numbers.map(put).collect();
    site.put("/feed.xml", Reply::rss(&items));
}

fn repairs(record: &Value, kind: &str) -> u64 {
    let all = record["extract"]["repairs"].as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().find(|repair| repair["kind"] == kind).map_or(0, |repair| repair["count"].as_u64().unwrap())
}

/// Whether the appeal is in the text of the record of each article, by its number.
fn have_appeal(dir: &Dir) -> Vec<bool> {
    let mut records = dir.records();
    records.sort_by_key(|record| record["title"].to_string());
    for (number, record) in (1..).zip(&records) {
        let text = record["content_text"].as_str().unwrap();
        let expected = story(number);
        let is_whole = text == expected || text == format!("{expected}\n\n{APPEAL}");
        assert!(is_whole, "{text:?}");
        assert_eq!(repairs(record, "site-template"), u64::from(text == expected), "{record}");
    }
    records.iter().map(|record| record["content_text"].as_str().unwrap().contains(APPEAL)).collect()
}

#[test]
fn what_every_article_of_a_site_has_is_left_out_also_after_a_restart() {
    let site = Site::start();
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    publish_with_appeal(&site, 1..=1);
    assert!(dir.run(&["once"]).status.success());
    assert_eq!(have_appeal(&dir), [true]);
    publish_with_appeal(&site, 1..=2);
    assert!(dir.run(&["once"]).status.success());
    publish_with_appeal(&site, 1..=3);
    assert!(dir.run(&["once"]).status.success());
    assert_eq!(have_appeal(&dir), [true, false, false]);

    let rows: Value = serde_json::from_slice(&dir.run(&["sources", "-o", "json"]).stdout).unwrap();
    let row = &rows[0];
    assert_eq!((&row["template_pages"], &row["template_blocks"]), (&json!(3), &json!(1)), "{row}");
    let table = text(&dir.run(&["sources", "-o", "table"]));
    assert!(table.contains("1 block of text that its articles share left out (of the last 3)"), "{table}");
    let csv = text(&dir.run(&["sources", "-o", "csv"]));
    assert!(csv.lines().next().unwrap().contains(",template_pages,template_blocks,"), "{csv}");
}

#[test]
fn site_templates_can_be_turned_off() {
    let site = Site::start();
    let dir = Dir::new(&(source("canal", &site.url("/feed.xml")) + "[extract]\nsite_templates = false\n"));
    for last in 1..=3 {
        publish_with_appeal(&site, 1..=last);
        assert!(dir.run(&["once"]).status.success());
    }
    assert_eq!(have_appeal(&dir), [true, true, true]);
    let row = dir.json(&["sources"]).remove(0);
    assert_eq!((&row["template_pages"], &row["template_blocks"]), (&Value::Null, &Value::Null), "{row}");
}

#[test]
fn the_filter_learns_a_site_from_a_folder() {
    let dir = Dir::new("");
    let page = |number: usize| {
        let reply = article(&title(number), &format!("{}\n\n{APPEAL}", story(number)));
        String::from_utf8(reply.body).unwrap()
    };
    (1..=4).for_each(|number| dir.write(&format!("site/{number}.html"), &page(number)));
    dir.write("page.html", &page(5));
    let alone = dir.json(&["extract", "page.html"]).remove(0);
    assert_eq!(alone["content_text"], format!("{}\n\n{APPEAL}", story(5)), "{alone}");
    let among = dir.json(&["extract", "page.html", "--site-pages", "site"]).remove(0);
    assert_eq!((&among["content_text"], repairs(&among, "site-template")), (&story(5).into(), 1), "{among}");
    // The article itself may lie among them.
    let own = dir.json(&["extract", "site/2.html", "--site-pages", "site"]).remove(0);
    assert_eq!(own["content_text"], story(2), "{own}");
    let missing = dir.run(&["extract", "page.html", "--site-pages", "nowhere"]);
    assert_eq!(missing.status.code(), Some(1));
}

const RUSSIAN_TITLE: &str = "Канал в Ошской области снова подаёт воду";
const RUSSIAN: &str = "Строители закончили ремонт канала, по которому вода идёт на нижние поля района, сообщили в \
                       областном управлении в пятницу. Он был закрыт с весеннего паводка.\n\n«Мы обещали крестьянам \
                       воду до сева, и они её получат», – сказал бригадир, который работает на канале двадцать лет.";

/// A page in Russian with no word of its encoding but `meta`.
fn russian_page(meta: &str) -> String {
    let paragraphs: String = RUSSIAN.split("\n\n").map(|paragraph| format!("<p>{paragraph}</p>\n")).collect();
    format!(
        "<!doctype html>\n<html lang=\"ru\"><head>{meta}<title>{RUSSIAN_TITLE}</title></head>\n<body><article>\
         <h1>{RUSSIAN_TITLE}</h1>\n{paragraphs}</article></body></html>\n"
    )
}

fn encoded(page: &str, encoding: &'static Encoding) -> Vec<u8> {
    if encoding == UTF_16LE {
        return page.encode_utf16().flat_map(u16::to_le_bytes).collect();
    }
    if encoding == UTF_16BE {
        return page.encode_utf16().flat_map(u16::to_be_bytes).collect();
    }
    let (bytes, _, has_failed) = encoding.encode(page);
    assert!(!has_failed);
    bytes.into_owned()
}

#[test]
fn pages_are_read_in_the_encoding_that_they_have() {
    let dir = Dir::new("");
    for (declared, encoding, content_type, expected) in [
        ("", UTF_8, "text/html", "UTF-8"),
        ("", WINDOWS_1251, "text/html", "windows-1251"),
        ("<meta charset=utf-8>", WINDOWS_1251, "text/html; charset=utf-8", "windows-1251"),
        ("<meta charset=windows-1251>", UTF_8, "text/html; charset=windows-1251", "UTF-8"),
        // Detection knows the larger set, which has the same Russian letters.
        ("", KOI8_R, "text/html", "KOI8-U"),
        ("<meta charset=koi8-r>", KOI8_R, "text/html", "KOI8-R"),
        ("<meta charset=koi8-r>", WINDOWS_1251, "text/html", "windows-1251"),
        ("<meta charset=iso-8859-1>", WINDOWS_1251, "text/html", "windows-1251"),
        ("", UTF_16LE, "text/html", "UTF-16LE"),
        ("", UTF_16BE, "text/html; charset=utf-8", "UTF-16BE"),
    ] {
        // KOI8-R has neither dash nor guillemets.
        let plain = |text: &str| {
            if encoding == KOI8_R { text.replace(['«', '»'], "\"").replace('–', "-") } else { text.to_owned() }
        };
        std::fs::write(dir.path("page.html"), encoded(&plain(&russian_page(declared)), encoding)).unwrap();
        let read = dir.json(&["extract", "page.html", "--content-type", content_type]).remove(0);
        let shown = format!("{declared:?}, {content_type}: {read}");
        assert_eq!((&read["title"], &read["content_text"]), (&RUSSIAN_TITLE.into(), &plain(RUSSIAN).into()), "{shown}");
        assert_eq!(read["fetch"]["charset"], expected, "{shown}");
    }
}

/// What is counted at all.
fn counted(quality: &Value) -> Value {
    let Some(counts) = quality.as_object() else { return Value::Null };
    counts.iter().filter(|(_, count)| **count != 0).map(|(key, count)| (key.clone(), count.clone())).collect()
}

#[test]
fn repairs_and_measures_of_a_text_stand_in_its_record() {
    let site = Site::start();
    let misread = |text: &str| encoding_rs::WINDOWS_1252.decode_without_bom_handling(text.as_bytes()).0.into_owned();
    let broken = story(1).replace("finished the repair", &misread("finished – “at last” – the repair"));
    let told_twice = format!("{}\n\n{}", story(2), story(2).split("\n\n").next().unwrap());
    let prompted =
        format!("{}\n\nAs an AI language model, I cannot say when the third section will be lined.", story(3));
    let marked = story(4).replace("canal", "ca\u{200b}nal");
    let texts = [broken, told_twice, prompted, marked, story(5)];
    let items: Vec<Item> = (1..)
        .zip(&texts)
        .map(|(number, text)| {
            site.put(&format!("/a/{number}"), article(&title(number), text));
            Item::new(&site.url(&format!("/a/{number}")), &title(number))
        })
        .collect();
    site.put("/feed.xml", Reply::rss(&items));
    let dir = Dir::new(&(source("canal", &site.url("/feed.xml")) + "[extract]\nsite_templates = false\n"));
    assert!(dir.run(&["once"]).status.success());
    let mut records = dir.records();
    records.sort_by_key(|record| record["title"].to_string());
    assert_eq!(records.len(), texts.len(), "{records:?}");
    let mended = records[0]["content_text"].as_str().unwrap();
    assert!(mended.contains("finished – “at last” – the repair"), "{mended}");
    assert_eq!(repairs(&records[0], "mojibake"), 4, "{}", records[0]);
    let quality = [
        Value::Null,
        json!({ "repeated_sentences": 2 }),
        json!({ "prompt_remains": 1 }),
        json!({ "invisible_characters": 2 }),
        Value::Null,
    ];
    for (record, expected) in records.iter().zip(quality) {
        assert_eq!(counted(&record["quality"]), expected, "{record}");
    }
    assert_eq!(repairs(&records[3], "invisible-characters"), 2, "{}", records[3]);

    let page = String::from_utf8(site.reply("/a/3").body).unwrap();
    dir.write("page.html", &page);
    let read = dir.json(&["extract", "page.html"]).remove(0);
    assert_eq!(counted(&read["quality"]), json!({ "prompt_remains": 1 }), "{read}");
}
