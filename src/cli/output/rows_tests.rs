//! Rows in every format against the expected bytes.

use jiff::tz::TimeZone;
use serde_json::json;

use super::super::{Colour, Medium};
use super::*;

const COLUMNS: [Column; 3] = [
    Column { key: "source", title: "SOURCE", align: Align::Left },
    Column { key: "polls", title: "POLLS", align: Align::Right },
    Column { key: "error", title: "ERROR", align: Align::Left },
];

fn surface(medium: Medium) -> Surface {
    Surface { medium, colour: Colour::Off, zone: TimeZone::UTC }
}

fn rows() -> Vec<Map<String, Value>> {
    let rows = [
        json!({"source": "astanatimes", "polls": 12, "also": true}),
        json!({"source": "kun-uz", "polls": -3, "error": "=404 \u{9b}2J, see log", "also": [1, "b"]}),
    ];
    rows.into_iter().filter_map(|row| row.as_object().cloned()).collect()
}

fn written(format: Format, medium: Medium, rows: &[Map<String, Value>]) -> String {
    let mut out = Vec::new();
    let mut writer = RowWriter::new(format, surface(medium), &COLUMNS, &mut out);
    for row in rows {
        writer.write(row).expect("a Vec takes everything");
    }
    writer.finish().expect("a Vec takes everything");
    String::from_utf8(out).expect("output is UTF-8")
}

#[test]
fn rows_are_written_in_every_format() {
    let terminal = Medium::Terminal { columns: 34 };
    let cases = [
        (
            Format::Table,
            terminal,
            "SOURCE       POLLS  ERROR\nastanatimes     12\nkun-uz          -3  =404 \u{fffd}2J, see…\n",
        ),
        (
            Format::Table,
            Medium::Pipe,
            "SOURCE       POLLS  ERROR\nastanatimes     12\nkun-uz          -3  =404 \u{fffd}2J, see log\n",
        ),
        (Format::Csv, Medium::Pipe, "source,polls,error\nastanatimes,12,\nkun-uz,-3,\"'=404 \u{9b}2J, see log\"\n"),
        (
            Format::Ndjson,
            Medium::Pipe,
            "{\"source\":\"astanatimes\",\"polls\":12,\"also\":true}\n\
             {\"source\":\"kun-uz\",\"polls\":-3,\"error\":\"=404 \u{9b}2J, see log\",\"also\":[1,\"b\"]}\n",
        ),
        (
            Format::Json,
            terminal,
            "[\n{\"source\":\"astanatimes\",\"polls\":12,\"also\":true},\n\
             {\"source\":\"kun-uz\",\"polls\":-3,\"error\":\"=404 \\u009b2J, see log\",\"also\":[1,\"b\"]}\n]\n",
        ),
        (
            Format::Cat,
            terminal,
            "SOURCE: astanatimes\nPOLLS: 12\n\nSOURCE: kun-uz\nPOLLS: -3\nERROR: =404 \u{fffd}2J, see log\n",
        ),
    ];
    for (format, medium, expected) in cases {
        assert_eq!(written(format, medium, &rows()), expected, "{format:?}");
    }
}

#[test]
fn empty_lists_are_well_formed() {
    let cases = [
        (Format::Table, ""),
        (Format::Csv, "source,polls,error\n"),
        (Format::Ndjson, ""),
        (Format::Json, "[]\n"),
        (Format::Cat, ""),
    ];
    for (format, expected) in cases {
        assert_eq!(written(format, Medium::Pipe, &[]), expected, "{format:?}");
    }
}

#[test]
fn long_tables_keep_the_widths_of_their_beginning() {
    let row = |index: usize| json!({"source": format!("source-{index}"), "polls": index}).as_object().cloned();
    let rows: Vec<_> = (0..SAMPLE_ROWS + 5).filter_map(row).collect();
    let table = written(Format::Table, Medium::Terminal { columns: 80 }, &rows);
    assert_eq!(table.lines().count(), rows.len() + 1);
    assert_eq!(table.matches("SOURCE").count(), 1);
    assert_eq!(table.lines().last(), Some("source-10…   1004"));
}

#[test]
fn cells_show_lists_and_nested_values() {
    let cases = [
        (json!(null), ""),
        (json!("a"), "a"),
        (json!(1.5), "1.5"),
        (json!(["a", 2, ["b"]]), "a;2;[\"b\"]"),
        (json!({"k": "v"}), "{\"k\":\"v\"}"),
    ];
    for (value, expected) in cases {
        assert_eq!(cell(Some(&value), ";"), expected);
    }
}
