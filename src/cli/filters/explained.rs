//! `classify --explain`: why any text gets the labels that it gets.

use std::borrow::Cow;
use std::io::{self, BufWriter, Write};

use serde::Serialize;
use serde_json::Value;

use super::super::explain::{write_explanation, write_for_programs};
use super::super::output::{Emphasis, Format, Surface, one_line, paint};
use super::super::{Exit, Failure};
use super::inputs::{self, Input};
use super::{TextLine, text_line};
use crate::classify::{Classifier, ClassifyText, Explanation};

/// A line of `-o json`.
#[derive(Serialize)]
struct Line<'e> {
    id: &'e Value,
    #[serde(flatten)]
    explanation: &'e Explanation,
}

/// Explains each text of the inputs. One that cannot be read is told on stderr, the rest goes on.
pub fn explain(classifier: &Classifier, inputs: Vec<Input>, format: Option<Format>) -> Result<Exit, Failure> {
    let surface = Surface::of_stdout();
    let format = format.unwrap_or(Format::Cat);
    let mut out = BufWriter::new(io::stdout().lock());
    let mut exit = Exit::Done;
    let mut explained = 0;
    for input in inputs {
        let file = input.file.to_string_lossy().into_owned();
        let texts = match inputs::bytes_of(&input.file) {
            Ok(bytes) => texts(&file, &String::from_utf8_lossy(&bytes)),
            Err(error) => vec![Err(error)],
        };
        for text in texts {
            let TextLine { id, title, content_text, language } = match text {
                Ok(text) => text,
                Err(error) => {
                    out.flush()?;
                    writeln!(io::stderr(), "chapar: {}", one_line(&format!("{file}: {error}")))?;
                    exit = Exit::Failed;
                    continue;
                }
            };
            let explanation = classifier.explain(&ClassifyText {
                title: title.as_deref().unwrap_or_default(),
                body: &content_text,
                language_prior: language.as_deref(),
            });
            if matches!(format, Format::Cat | Format::Table) {
                let name = id.as_str().map_or_else(|| Cow::Owned(id.to_string()), Cow::Borrowed);
                let gap = if explained > 0 { "\n" } else { "" };
                writeln!(out, "{gap}{}\n", paint(&one_line(&name), Emphasis::Faint, surface.colour))?;
                write_explanation(&explanation, &surface, &mut out)?;
            } else {
                let line = Line { id: &id, explanation: &explanation };
                write_for_programs(&line, &explanation, format, &surface, &mut out)?;
            }
            explained += 1;
        }
    }
    out.flush()?;
    Ok(exit)
}

/// The texts of a file: its lines where it is NDJSON, else the whole. A line that cannot be read is named by its number.
fn texts(file: &str, content: &str) -> Vec<Result<TextLine, String>> {
    let content = content.trim_start_matches('\u{feff}');
    let lines = || content.lines().map(str::trim).zip(1..).filter(|(line, _)| !line.is_empty());
    let is_ndjson =
        lines().next().is_some_and(|(line, _)| serde_json::from_str::<Value>(line).is_ok_and(|line| line.is_object()));
    if is_ndjson {
        let numbered = |number: u64, error: String| format!("line {number}: {error}");
        return lines().map(|(line, number)| text_line(line).map_err(|error| numbered(number, error))).collect();
    }
    let content_text = content.to_owned();
    vec![Ok(TextLine { id: Value::from(file), title: None, content_text, language: None })]
}
