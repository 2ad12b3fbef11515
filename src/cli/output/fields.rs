//! `--fields`: of each record only what was asked for.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::{Align, Column, Format, OutputError, RecordFormat, RowWriter, Surface};
use crate::record::JSON_SCHEMA;

/// Every key of a record as a column, with a dot between those of nested objects; lists are passed through. In the order
/// of the record's schema, of which they are made.
static COLUMNS: LazyLock<Vec<(String, Align)>> = LazyLock::new(|| {
    let schema: Value = serde_json::from_str(JSON_SCHEMA).expect("the schema of records is JSON, as a test has it");
    let mut columns = Vec::new();
    add_columns(&schema, &schema, ("", Align::Right), &mut columns);
    columns
});

/// Adds what is below `path`; `of_number` is where a number is set there: in tables to the right, but not those of a list.
fn add_columns(root: &Value, below: &Value, (path, of_number): (&str, Align), columns: &mut Vec<(String, Align)>) {
    for (key, mut schema) in below["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let referred = schema["$ref"].as_str().and_then(|place| root.pointer(place.strip_prefix('#')?));
        schema = referred.unwrap_or(schema);
        let is_number = matches!(schema["type"].as_str(), Some("integer" | "number"));
        columns.push((path.clone(), if is_number { of_number } else { Align::Left }));
        add_columns(root, schema, (&path, of_number), columns);
        add_columns(root, &schema["items"], (&path, Align::Left), columns);
    }
}

/// Names that a message suggests.
const SUGGESTIONS: usize = 3;

/// Columns of the lists in messages.
const LIST_COLUMNS: usize = 90;

/// What was asked for of each record.
#[derive(Clone, Debug)]
pub struct Fields {
    columns: Vec<Column>,
}

impl Fields {
    /// Reads names, in the order in which they are to be shown; a name that is given twice counts once.
    ///
    /// # Errors
    /// A name that no record has, with the nearest and all that there are.
    pub fn read(names: &[String]) -> Result<Self, String> {
        let mut columns: Vec<Column> = Vec::new();
        for name in names {
            let name = name.trim();
            let Some((key, align)) = COLUMNS.iter().find(|(key, _)| *key == name) else { return Err(unknown(name)) };
            if columns.iter().all(|column| column.key != key) {
                columns.push(Column { key, title: key, align: *align });
            }
        }
        Ok(Self { columns })
    }
}

fn keys() -> impl Iterator<Item = &'static str> {
    COLUMNS.iter().map(|(key, _)| key.as_str())
}

fn unknown(name: &str) -> String {
    if name.is_empty() {
        return "--fields: a name is missing; write them with a comma between: id,title,source.id".to_owned();
    }
    // The beginning is enough to see what was meant.
    let written: String = name.chars().take(40).flat_map(char::to_lowercase).collect();
    // Of a nested key the last part is what people remember.
    let alike = |key: &str| {
        let last = key.rsplit('.').next().unwrap_or(key);
        strsim::jaro_winkler(&written, key).max(strsim::jaro_winkler(&written, last))
    };
    let mut nearest: Vec<&str> = keys().collect();
    nearest.sort_by(|a, b| alike(b).total_cmp(&alike(a)));
    nearest.truncate(SUGGESTIONS);
    let mut list = String::new();
    super::terminal::wrap_into(&mut list, &keys().collect::<Vec<_>>().join(", "), LIST_COLUMNS);
    format!("--fields: a record has no {written:?}; nearest: {}\nall: {}", nearest.join(", "), list.trim_end())
}

/// Writes of each record the fields asked for: in `json` and `ndjson` an object of them in the shape of the record, in
/// `table`, `csv` and `cat` a column each.
pub struct FieldWriter<'w> {
    rows: RowWriter<'w>,
    fields: &'w Fields,
    is_nested: bool,
}

impl<'w> FieldWriter<'w> {
    /// A writer of `format`.
    pub fn new(fields: &'w Fields, format: Format, surface: Surface, out: &'w mut dyn std::io::Write) -> Self {
        let is_nested = matches!(format, Format::Json | Format::Ndjson);
        // A nested row is in order already.
        let columns = if is_nested { &[] } else { fields.columns.as_slice() };
        Self { rows: RowWriter::new(format, surface, columns, out), fields, is_nested }
    }

    /// Writes a stored line of the log.
    ///
    /// # Errors
    /// [`OutputError::Closed`] when the reader is gone, other write errors, a line that is not a record.
    pub fn write_line(&mut self, line: &str) -> Result<(), OutputError> {
        let record: Value = serde_json::from_str(line)?;
        let columns = &self.fields.columns;
        let row = if self.is_nested {
            let paths: Vec<&str> = columns.iter().map(|column| column.key).collect();
            match kept(&record, &paths) {
                Value::Object(row) => row,
                _ => Map::new(),
            }
        } else {
            let cell = |column: &Column| Some((column.key.to_owned(), on_a_line(picked(&record, column.key)?)));
            columns.iter().filter_map(cell).collect()
        };
        self.rows.write(&row)
    }

    /// Passes on what was written, so that `tail -f` shows each at once.
    ///
    /// # Errors
    /// As [`Self::write_line`].
    pub fn flush(&mut self) -> Result<(), OutputError> {
        self.rows.flush()
    }

    /// Ends the list.
    ///
    /// # Errors
    /// As [`Self::write_line`].
    pub fn finish(self) -> Result<(), OutputError> {
        self.rows.finish()
    }
}

impl RecordFormat {
    /// The format in which fields can be written, else what to ask for.
    ///
    /// # Errors
    /// Formats whose fields are given.
    pub fn of_fields(asked: Option<Self>, on_terminal: Format, surface: &Surface) -> Result<Format, String> {
        let format = match asked {
            None => return Ok(Format::chosen(None, on_terminal, surface)),
            Some(Self::Table) => Format::Table,
            Some(Self::Json) => Format::Json,
            Some(Self::Ndjson) => Format::Ndjson,
            Some(Self::Csv) => Format::Csv,
            Some(Self::Cat) => Format::Cat,
            Some(Self::Brief | Self::JsonFeed | Self::Atom | Self::Ninjs) => {
                return Err(
                    "--fields goes with -o table, json, ndjson, csv or cat; the fields of the others are given"
                        .to_owned(),
                );
            }
        };
        Ok(format)
    }
}

/// Of an object the keys that are asked for, in that order; of a list this of each element.
fn kept(value: &Value, paths: &[&str]) -> Value {
    match value {
        Value::Array(values) => values.iter().map(|value| kept(value, paths)).collect(),
        Value::Object(object) => {
            let mut row = Map::new();
            for path in paths {
                let key = path.split_once('.').map_or(*path, |(key, _)| key);
                let Some(inner) = object.get(key).filter(|_| !row.contains_key(key)) else { continue };
                let of_key = |path: &&str| *path == key;
                let below: Vec<&str> =
                    paths.iter().filter_map(|path| path.strip_prefix(key)?.strip_prefix('.')).collect();
                let is_whole = below.is_empty() || paths.iter().any(of_key);
                row.insert(key.to_owned(), if is_whole { inner.clone() } else { kept(inner, &below) });
            }
            Value::Object(row)
        }
        other => other.clone(),
    }
}

/// What stands at a path; of lists on the way a list of what stands there in each element.
fn picked(value: &Value, path: &str) -> Option<Value> {
    let (key, rest) = path.split_once('.').map_or((path, None), |(key, rest)| (key, Some(rest)));
    match value {
        Value::Array(values) => {
            let mut all = Vec::new();
            for value in values.iter().filter_map(|value| picked(value, path)) {
                match value {
                    Value::Array(values) => all.extend(values),
                    value => all.push(value),
                }
            }
            Some(Value::Array(all))
        }
        Value::Object(object) => {
            let value = object.get(key)?;
            rest.map_or_else(|| Some(value.clone()), |rest| picked(value, rest))
        }
        _ => None,
    }
}

/// A text without line breaks: a row is a line, as of all records in CSV.
fn on_a_line(value: Value) -> Value {
    match value {
        Value::String(text) if text.contains(['\n', '\r']) => Value::String(text.replace(['\n', '\r'], " ")),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use serde_json::json;

    use super::super::{Colour, Medium};
    use super::*;
    use crate::record::Record;

    /// A record with everything that one can have.
    fn full() -> Value {
        json!({
            "schema": "chapar.record/1", "seq": 7, "id": "abcdefghijklmnopqrstuvwxya", "version": 2, "event": "update",
            "replaces": 1, "recorded_at": "2026-11-20T08:00:00Z", "url": "https://news.example.org/a",
            "title": "=Gas", "summary": "Short.", "content_text": "One.\n\nTwo.", "authors": [{"name": "A. Serik"}],
            "date_published": "2026-11-22T08:15:00+05:00", "date_modified": "2026-11-22T08:15:00+05:00",
            "date_precision": "minute", "language": "en", "language_confidence": 0.9,
            "image": "https://news.example.org/a.jpg", "tags": ["hub"], "word_count": 2,
            "places": [{"code": "KZ", "score": 2.0, "matched": ["a"]}, {"code": "UZ", "score": 1.0, "matched": ["b", "c"]}],
            "topics": [{"id": "energy", "name": "Energy", "iptc": "medtop:20000256", "score": 3.0,
                        "matched": [{"term": "gas", "form": "Gas", "field": "title", "count": 1}]}],
            "source": {"id": "example", "name": "Example", "kind": "feed", "feed_url": "https://news.example.org/rss",
                       "guid": "1", "announced_at": "2026-11-20T07:58:00Z"},
            "also_in": ["other"], "announced_as": "abcdefghijklmnopqrstuvwxyi",
            "fetch": {"at": "2026-11-20T07:59:00Z", "final_url": "https://news.example.org/a", "status": 200,
                      "content_type": "text/html", "charset": "utf-8", "charset_from": "header", "bytes": 10},
            "extract": {"path": "blocks", "site_rule": "example", "fields": {"title": "meta"},
                        "repairs": [{"kind": "mojibake", "count": 1}], "confidence": 0.9},
            "quality": {"headline_variants": 1, "repeated_sentences": 0, "restated_points": 0, "prompt_remains": 0,
                        "invisible_characters": 0},
            "dedup": {"text_digest": "00112233445566778899aabbccddeeff", "of": "abcdefghijklmnopqrstuvwxyi",
                      "similarity": 0.9},
            "rules": {"digest": "0011223344556677"}, "chapar": "0.1.0"
        })
    }

    fn fields(names: &str) -> Result<Fields, String> {
        Fields::read(&names.split(',').map(str::to_owned).collect::<Vec<_>>())
    }

    fn written(names: &str, format: Format) -> String {
        let fields = fields(names).expect("the fields are known");
        let surface = Surface { medium: Medium::Pipe, colour: Colour::Off, zone: TimeZone::UTC };
        let mut out = Vec::new();
        let mut writer = FieldWriter::new(&fields, format, surface, &mut out);
        writer.write_line(&full().to_string()).expect("a record");
        writer.finish().expect("a Vec takes everything");
        String::from_utf8(out).expect("output is UTF-8")
    }

    #[test]
    fn the_keys_are_those_of_a_record() {
        fn walk(value: &Value, path: &str, keys: &mut Vec<String>) {
            match value {
                Value::Array(values) => values.iter().take(1).for_each(|value| walk(value, path, keys)),
                Value::Object(object) => {
                    for (key, value) in object {
                        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                        keys.push(path.clone());
                        // Its keys are those of a record, not fixed ones.
                        if path != "extract.fields" {
                            walk(value, &path, keys);
                        }
                    }
                }
                _ => {}
            }
        }
        let record: Record = serde_json::from_value(full()).expect("a record");
        let mut there = Vec::new();
        walk(&serde_json::to_value(&record).expect("a record is JSON"), "", &mut there);
        assert_eq!(there, keys().collect::<Vec<_>>());
        let numbers = COLUMNS.iter().filter(|(_, align)| *align == Align::Right).map(|(key, _)| key.as_str());
        let numbers: Vec<&str> = numbers.filter(|key| !key.starts_with("quality.")).collect();
        let expected = "seq version replaces language_confidence word_count fetch.status fetch.bytes extract.confidence \
                        dedup.similarity";
        assert_eq!(numbers.join(" "), expected);
    }

    #[test]
    fn fields_are_written_in_every_format_that_has_any() {
        let asked = "title,source.id,topics.id,places.code";
        assert_eq!(
            written(asked, Format::Ndjson),
            "{\"title\":\"=Gas\",\"source\":{\"id\":\"example\"},\"topics\":[{\"id\":\"energy\"}],\
             \"places\":[{\"code\":\"KZ\"},{\"code\":\"UZ\"}]}\n"
        );
        assert_eq!(
            written("source.id,seq,source.kind,source.id", Format::Json),
            "[\n{\"source\":{\"id\":\"example\",\"kind\":\"feed\"},\"seq\":7}\n]\n"
        );
        assert_eq!(written(asked, Format::Csv), "title,source.id,topics.id,places.code\n'=Gas,example,energy,KZ;UZ\n");
        assert_eq!(
            written("content_text,topics.matched.form,seq", Format::Csv),
            "content_text,topics.matched.form,seq\nOne.  Two.,Gas,7\n"
        );
        assert_eq!(written("seq,title", Format::Table), "seq  title\n  7  =Gas\n");
        assert_eq!(written("seq,places.matched", Format::Cat), "seq: 7\nplaces.matched: a, b, c\n");
        assert_eq!(
            written("source.id,source,fetch.status", Format::Ndjson),
            format!("{{\"source\":{},\"fetch\":{{\"status\":200}}}}\n", full()["source"])
        );
    }

    #[test]
    fn a_field_that_no_record_has_is_told_with_the_nearest_and_all_others() {
        let told = |names: &str| fields(names).expect_err("unknown");
        assert!(
            told("titel").starts_with("--fields: a record has no \"titel\"; nearest: title, "),
            "{}",
            told("titel")
        );
        assert!(told("kind").contains("nearest: source.kind, ") || told("kind").contains(", source.kind"));
        assert!(told("source.idd").contains("nearest: source.id, "));
        assert!(told("id,").contains("a name is missing"));
        let all = told("x").replace('\n', " ");
        assert!(keys().all(|key| all.contains(key)));
        assert!(told(&"x".repeat(100_000)).len() < 3_000);
        assert!(!told("a\u{1b}[31m").contains('\u{1b}'));
    }
}
