//! Reading the inputs of a filter and writing its lines.

use std::borrow::Cow;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, IsTerminal, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use url::Url;

use super::super::output::terminal::safe_json;
use super::super::{Exit, Failure};

/// Largest input; six times the largest page the daemon takes.
const INPUT_BYTES_MAX: u64 = 64 << 20;

/// One file and what came with it.
pub struct Input {
    pub file: PathBuf,
    /// `Err` is a manifest's address that is none: a fault of this input alone.
    pub url: Result<Option<Url>, String>,
    pub content_type: Option<String>,
}

/// Reads a manifest: TSV of file, address, content type; the last two may be empty.
pub fn of_manifest(path: &Path) -> Result<Vec<Input>, Failure> {
    let wrong = |message: &dyn Display| Failure::new(Exit::Failed, format!("{}: {message}", path.display()));
    let bytes = bytes_of(path).map_err(|error| wrong(&error))?;
    let text = String::from_utf8(bytes).map_err(|_| wrong(&"a manifest is UTF-8"))?;
    let inputs = text.lines().filter(|line| !line.trim().is_empty()).map(|line| {
        let mut cells = line.split('\t').map(str::trim);
        let file = PathBuf::from(cells.next().unwrap_or_default());
        let mut cell = || cells.next().filter(|cell| !cell.is_empty());
        let url = cell().map(|cell| Url::parse(cell).map_err(|error| format!("{cell:?} is not an address: {error}")));
        Input { file, url: url.transpose(), content_type: cell().map(str::to_owned) }
    });
    Ok(inputs.collect())
}

/// One line per input: what `read` makes of its address and bytes, with the file's name in front.
pub fn each_input(
    inputs: Vec<Input>,
    read: impl Fn(&Input, Option<&Url>, Vec<u8>) -> Result<Value, String>,
) -> Result<Exit, Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut exit = Exit::Done;
    for input in inputs {
        let file = input.file.to_string_lossy().into_owned();
        let url = input.url.as_ref().map_err(Clone::clone);
        let result = url.and_then(|url| {
            let bytes = bytes_of(&input.file)?;
            guarded(|| read(&input, url.as_ref(), bytes))
        });
        let mut line = Map::from_iter([("file".to_owned(), Value::from(file))]);
        match result {
            Ok(Value::Object(value)) => line.extend(value),
            Ok(_) => {}
            Err(error) => {
                line.insert("error".to_owned(), Value::from(error));
                exit = Exit::Failed;
            }
        }
        put(&mut out, Value::Object(line))?;
    }
    Ok(exit)
}

/// One line per line: what `read` makes of it.
pub fn each_line(inputs: Vec<Input>, mut read: impl FnMut(&str) -> Result<Value, String>) -> Result<Exit, Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut exit = Exit::Done;
    for input in inputs {
        let file = input.file.to_string_lossy().into_owned();
        let mut lines = match open(&input.file) {
            Ok(reader) => BufReader::new(reader),
            Err(error) => {
                put(&mut out, json!({ "file": file, "error": error }))?;
                exit = Exit::Failed;
                continue;
            }
        };
        for number in 1.. {
            let made = match next_line(&mut lines) {
                Ok(None) => break,
                Ok(Some(line)) => {
                    let text = String::from_utf8_lossy(&line);
                    let text = text.trim_start_matches('\u{feff}').trim();
                    if text.is_empty() {
                        continue;
                    }
                    guarded(|| read(text))
                }
                // Nothing more can be read of this file; the others go on.
                Err(LineError::Unreadable(error)) => {
                    put(&mut out, json!({ "file": file, "error": error.to_string() }))?;
                    exit = Exit::Failed;
                    break;
                }
                Err(LineError::TooLong) => Err(format!("larger than {INPUT_BYTES_MAX} bytes")),
            };
            let made = made.unwrap_or_else(|error| {
                exit = Exit::Failed;
                json!({ "file": file, "line": number, "error": error })
            });
            put(&mut out, made)?;
        }
    }
    Ok(exit)
}

enum LineError {
    Unreadable(io::Error),
    TooLong,
}

/// The next line; of one that is too long the rest is skipped, so that the next line is whole again.
fn next_line(lines: &mut impl BufRead) -> Result<Option<Vec<u8>>, LineError> {
    let mut line = Vec::new();
    lines.take(INPUT_BYTES_MAX).read_until(b'\n', &mut line).map_err(LineError::Unreadable)?;
    if line.len() as u64 == INPUT_BYTES_MAX && line.last() != Some(&b'\n') {
        lines.skip_until(b'\n').map_err(LineError::Unreadable)?;
        return Err(LineError::TooLong);
    }
    Ok(if line.is_empty() { None } else { Some(line) })
}

/// Writes a line; flushed, so that whoever reads through a pipe sees it as soon as it is done.
fn put(out: &mut impl Write, value: Value) -> io::Result<()> {
    let json = serde_json::to_string(&without_nulls(value))?;
    // A pipe gets it as it is, a terminal must not obey what stands in it.
    let shown = if io::stdout().is_terminal() { safe_json(&json) } else { Cow::Borrowed(json.as_str()) };
    writeln!(out, "{shown}")?;
    out.flush()
}

/// A stage that panics on one input is a defect, and must not keep the others from being read.
fn guarded<T>(read: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err("the reader panicked; please report it".to_owned()))
}

fn open(file: &Path) -> Result<Box<dyn Read>, String> {
    if file == Path::new("-") {
        return Ok(Box::new(io::stdin()));
    }
    File::open(file).map(|file| Box::new(file) as Box<dyn Read>).map_err(|error| error.to_string())
}

pub(super) fn bytes_of(file: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    open(file)?.take(INPUT_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > INPUT_BYTES_MAX {
        return Err(format!("larger than {INPUT_BYTES_MAX} bytes"));
    }
    Ok(bytes)
}

/// Absent rather than null, at any depth: ours is small, and that of an `id` is limited by the JSON reader.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(key, value)| (key, without_nulls(value))).collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(without_nulls).collect()),
        other => other,
    }
}
