//! Records in every format against the expected bytes.

use super::super::{Colour, RecordFormat as Format};
use super::*;

/// A stored line with things that must not reach a terminal or a spreadsheet as they are.
pub(in crate::cli::output) const SAMPLE: &str = concat!(
    r#"{"schema":"chapar.record/1","seq":7,"id":"abcdefghijklmnopqrstuvwxya","version":2,"event":"update","replaces":1,"#,
    r#""recorded_at":"2026-11-22T03:30:00Z","url":"https://news.example.org/a?b=1","#,
    r#""title":"=Газ \u001b[31mи\tвода, "#,
    "\u{9b}2J\u{202e}",
    r#"конец","summary":"Кратко.","content_text":"Первый абзац о газопроводе.\n\n- пункт один\u0007\n\nКонец.","#,
    r#""authors":[{"name":"A. Serik"},{"name":"B. Omar"}],"date_published":"2026-11-22T08:15:00+05:00","#,
    r#""date_precision":"minute","language":"ru","language_confidence":0.99,"word_count":8,"#,
    r#""places":[{"code":"KZ","score":2.0,"matched":["a"]},{"code":"UZ","score":1.0,"matched":[]}],"#,
    r#""topics":[{"id":"energy","name":"Energy","score":3.0,"matched":[]},{"id":"water","name":"Water","score":2.0,"matched":[]}],"#,
    r#""source":{"id":"example-ru","name":"Example News","kind":"feed","feed_url":"https://news.example.org/rss"},"#,
    r#""fetch":{"at":"2026-11-22T03:29:00Z","final_url":"https://news.example.org/a","status":200,"bytes":10},"#,
    r#""extract":{"path":"json-ld","fields":{},"confidence":0.9},"dedup":{"text_digest":"00112233445566778899aabbccddeeff"},"#,
    r#""rules":{"digest":"0011223344556677"},"chapar":"0.1.0"}"#
);

const TITLE: &str = "=Газ \u{fffd}[31mи вода, \u{fffd}2J\u{fffd}конец";

fn surface(medium: Medium, colour: Colour) -> Surface {
    Surface { medium, colour, zone: TimeZone::fixed(jiff::tz::offset(5)) }
}

fn terminal(columns: usize) -> Surface {
    surface(Medium::Terminal { columns }, Colour::Off)
}

fn pipe() -> Surface {
    surface(Medium::Pipe, Colour::Off)
}

fn written(format: Format, surface: Surface, lines: &[&str]) -> String {
    let mut out = Vec::new();
    let mut writer = RecordWriter::new(format, surface, &mut out);
    for line in lines {
        writer.write_line(line).expect("the line is a record");
    }
    writer.finish().expect("a Vec takes everything");
    String::from_utf8(out).expect("output is UTF-8")
}

fn plain() -> Record {
    serde_json::from_str(SAMPLE).expect("the sample is a record")
}

#[test]
fn ndjson_is_the_stored_line() {
    assert_eq!(written(Format::Ndjson, pipe(), &[SAMPLE, SAMPLE]), format!("{SAMPLE}\n{SAMPLE}\n"));
    assert_eq!(written(Format::Ndjson, pipe(), &[&format!("{SAMPLE}\r\n")]), format!("{SAMPLE}\n"));
    assert_eq!(written(Format::Ndjson, pipe(), &[]), "");
    assert_eq!(written(Format::Ndjson, pipe(), &["not json"]), "not json\n");
    let shown = written(Format::Ndjson, terminal(80), &[SAMPLE]);
    assert_eq!(shown, format!("{}\n", SAMPLE.replace('\u{9b}', "\\u009b").replace('\u{202e}', "\\u202e")));
    assert_eq!(serde_json::from_str::<Record>(&shown).ok(), Some(plain()));
}

#[test]
fn json_is_one_array() {
    assert_eq!(written(Format::Json, pipe(), &[]), "[]\n");
    assert_eq!(written(Format::Json, pipe(), &[SAMPLE]), format!("[\n{SAMPLE}\n]\n"));
    let two = written(Format::Json, terminal(80), &[SAMPLE, SAMPLE]);
    assert_eq!(serde_json::from_str::<Vec<Record>>(&two).ok(), Some(vec![plain(), plain()]));
}

#[test]
fn a_record_and_its_line_are_written_alike() {
    for format in [Format::Brief, Format::Table, Format::Json, Format::Ndjson, Format::Csv, Format::Cat] {
        let mut out = Vec::new();
        let mut writer = RecordWriter::new(format, terminal(120), &mut out);
        writer.write(&plain()).expect("a Vec takes everything");
        writer.finish().expect("a Vec takes everything");
        let line = serde_json::to_string(&plain()).expect("a record is JSON");
        assert_eq!(String::from_utf8(out).ok(), Some(written(format, terminal(120), &[&line])), "{format:?}");
    }
}

#[test]
fn lines_that_are_no_records_are_refused() {
    for format in [Format::Brief, Format::Table, Format::Json, Format::Csv, Format::Cat] {
        let mut out = Vec::new();
        let refused = RecordWriter::new(format, pipe(), &mut out).write_line("{\"torn");
        assert!(matches!(refused, Err(OutputError::NotARecord(_))), "{format:?}");
        assert!(out.is_empty());
    }
}

#[test]
fn csv_has_the_documented_columns() {
    let header = "seq,id,version,event,recorded_at,date_published,source,language,countries,topics,title,summary,authors,\
                  word_count,url\n";
    assert_eq!(written(Format::Csv, pipe(), &[]), header);
    let row = "7,abcdefghijklmnopqrstuvwxya,2,update,2026-11-22T03:30:00Z,2026-11-22T08:15:00+05:00,example-ru,ru,KZ;UZ,\
               energy;water,\"'=Газ \u{1b}[31mи\tвода, \u{9b}2J\u{202e}конец\",Кратко.,A. Serik;B. Omar,8,\
               https://news.example.org/a?b=1\n";
    assert_eq!(written(Format::Csv, pipe(), &[SAMPLE]), format!("{header}{row}"));
    let shown = row.replace(['\u{1b}', '\u{9b}', '\u{202e}'], "\u{fffd}");
    assert_eq!(written(Format::Csv, terminal(80), &[SAMPLE]), format!("{header}{shown}"));
}

#[test]
fn tables_are_cut_to_the_terminal() {
    let check = |surface: Surface, expected: &[&str]| {
        let shown = written(Format::Table, surface, &[SAMPLE]);
        assert_eq!(shown.lines().collect::<Vec<_>>(), expected);
    };
    check(
        terminal(120),
        &[
            "DATE              ID        SOURCE          LANG     COUNTRY   TOPICS                TITLE",
            &format!("2026-11-22 08:15  abcdefgh  example-ru      ru       KZ UZ     energy water          {TITLE}"),
        ],
    );
    check(
        terminal(80),
        &[
            "DATE              ID        SOURCE          TITLE",
            &format!("2026-11-22 08:15  abcdefgh  example-ru      {TITLE}"),
        ],
    );
    check(terminal(40), &["DATE              ID        TITLE", "2026-11-22 08:15  abcdefgh  =Газ \u{fffd}[31mи…"]);
    check(terminal(10), &["DATE              ID        …", "2026-11-22 08:15  abcdefgh  …"]);
    let long = SAMPLE.replace("=Газ", &"Газ ".repeat(100)).replace("example-ru", "a-source-with-a-long-id");
    let piped = written(Format::Table, pipe(), &[&long]);
    assert!(
        piped.contains("a-source-with-a-long-id  ru") && piped.contains("конец"),
        "nothing is cut in a pipe: {piped}"
    );
    assert_eq!(written(Format::Table, terminal(80), &[]), "");
}

#[test]
fn dates_are_shown_as_exactly_as_they_are_known() {
    let zone = TimeZone::fixed(jiff::tz::offset(0));
    let mut record = plain();
    assert_eq!(date(&record, &zone), "2026-11-22 03:15");
    record.date_published = "2026-11-22T00:00:00+05:00".parse().ok();
    record.date_precision = Some(DatePrecision::Day);
    assert_eq!(date(&record, &zone), "2026-11-22");
    record.date_published = None;
    assert_eq!(date(&record, &zone), "2026-11-22 03:30");
}

#[test]
fn cat_is_for_reading() {
    let page = format!(
        "{TITLE}\n\
         2026-11-22 08:15 · Example News · A. Serik, B.\nOmar\nhttps://news.example.org/a?b=1\n\
         Kazakhstan, Uzbekistan · Energy, Water\n\
         abcdefghijklmnopqrstuvwxya · update, version 2 ·\nru · 8 words\n\n\
         Первый абзац о газопроводе.\n\n- пункт один\u{fffd}\n\nКонец.\n"
    );
    assert_eq!(written(Format::Cat, terminal(48), &[SAMPLE]), page);
    let rule = "─".repeat(40);
    assert_eq!(written(Format::Cat, terminal(48), &[SAMPLE, SAMPLE]), format!("{page}\n{rule}\n\n{page}"));
}

#[test]
fn colour_is_the_only_escape_sequence() {
    for format in [Format::Brief, Format::Table, Format::Json, Format::Ndjson, Format::Csv, Format::Cat] {
        let shown = written(format, surface(Medium::Terminal { columns: 100 }, Colour::On), &[SAMPLE]);
        let uncoloured =
            ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m"].iter().fold(shown.clone(), |text, code| text.replace(code, ""));
        let obeyed = |c: char| (c.is_control() && c != '\n' && c != '\t') || c == '\u{202e}';
        assert!(!uncoloured.contains(obeyed), "{format:?}: {uncoloured:?}");
        assert_eq!(shown != uncoloured, format.is_for_reading(), "{format:?}");
    }
}
