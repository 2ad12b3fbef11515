//! Reading the inputs of a filter and writing its lines.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use url::Url;

use super::super::{Exit, Failure};

/// Largest input; six times the largest page the daemon takes.
const INPUT_BYTES_MAX: u64 = 64 << 20;

/// One file and what came with it.
pub struct Input {
    pub file: PathBuf,
    pub url: Option<Url>,
    pub content_type: Option<String>,
}

/// Reads a manifest: TSV of file, address, content type; the last two may be empty.
pub fn of_manifest(path: &Path) -> Result<Vec<Input>, Failure> {
    let wrong = |message: String| Failure::new(Exit::Failed, format!("{}: {message}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let mut inputs = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let mut cells = line.split('\t').map(str::trim);
        let file = cells.next().unwrap_or_default();
        let mut cell = || cells.next().filter(|cell| !cell.is_empty());
        let url = cell().map(Url::parse).transpose();
        let url = url.map_err(|error| wrong(format!("line {}: not an address: {error}", number + 1)))?;
        inputs.push(Input { file: PathBuf::from(file), url, content_type: cell().map(str::to_owned) });
    }
    Ok(inputs)
}

/// One line per input: what `read` makes of its bytes, with the file's name in front.
pub fn each_input(
    inputs: Vec<Input>,
    read: impl Fn(&Input, Vec<u8>) -> Result<Value, String>,
) -> Result<Exit, Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut exit = Exit::Done;
    for input in inputs {
        let file = input.file.to_string_lossy().into_owned();
        let result = bytes_of(&input.file).and_then(|bytes| guarded(|| read(&input, bytes)));
        let mut line = Map::from_iter([("file".to_owned(), Value::from(file))]);
        match result {
            Ok(value) => line.extend(without_nulls(value)),
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
            let mut line = Vec::new();
            if (&mut lines).take(INPUT_BYTES_MAX).read_until(b'\n', &mut line)? == 0 {
                break;
            }
            let text = String::from_utf8_lossy(&line);
            if text.trim().is_empty() {
                continue;
            }
            let made = guarded(|| read(text.trim_end())).unwrap_or_else(|error| {
                exit = Exit::Failed;
                json!({ "file": file, "line": number, "error": error })
            });
            put(&mut out, made)?;
        }
    }
    Ok(exit)
}

/// Writes a line; flushed, so that whoever reads through a pipe sees it as soon as it is done.
fn put(out: &mut impl Write, value: Value) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &without_nulls(value))?;
    out.write_all(b"\n")?;
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

fn bytes_of(file: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    open(file)?.take(INPUT_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > INPUT_BYTES_MAX {
        return Err(format!("larger than {INPUT_BYTES_MAX} bytes"));
    }
    Ok(bytes)
}

/// Absent rather than null.
fn without_nulls(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(
                |(key, value)| {
                    if value.is_object() { (key, Value::Object(without_nulls(value))) } else { (key, value) }
                },
            )
            .collect(),
        _ => Map::new(),
    }
}
