//! Reading and joining the layers: files first, each checked on its own so that faults have lines, then the environment.

use std::path::{Path, PathBuf};

use config::{Config, Environment, File, FileFormat};
use serde::Deserialize;
use toml::Spanned;

use super::{DEFAULT_PATH, RawOutput, RawSource, Sections, SettingsError, SettingsFault};
use crate::rules::line_of;

/// Largest settings file, in bytes: ten thousand sources take about 3 MB.
const SETTINGS_FILE_BYTES_MAX: u64 = 32 << 20;

/// The joined layers.
pub struct Layers {
    /// The main file, where there is one.
    pub main: Option<PathBuf>,
    /// Its name for messages.
    pub main_name: String,
    /// The sections, merged.
    pub sections: Sections,
    /// All sources of all files.
    pub sources: Vec<Placed<RawSource>>,
    /// All outputs of all files.
    pub outputs: Vec<Placed<RawOutput>>,
}

/// A value and the place it was read from.
pub struct Placed<T> {
    /// The value.
    pub value: T,
    origin: String,
    line: usize,
}

impl<T> Placed<T> {
    /// A fault at this place.
    pub fn fault(&self, message: String) -> SettingsFault {
        SettingsFault { origin: self.origin.clone(), line: Some(self.line), message }
    }
}

/// One file: the sections only to find faults in them, the lists for use.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "the sections are read here for their faults' lines; their values come from the merge")]
struct OneFile {
    #[serde(default)]
    store: super::StoreSection,
    #[serde(default)]
    http: super::HttpSection,
    #[serde(default)]
    schedule: super::ScheduleSection,
    #[serde(default)]
    extract: super::ExtractSection,
    #[serde(default)]
    api: super::ApiSection,
    #[serde(default)]
    telemetry: crate::telemetry::TelemetrySettings,
    #[serde(default)]
    source: Vec<Spanned<RawSource>>,
    #[serde(default)]
    output: Vec<Spanned<RawOutput>>,
}

/// Reads every layer.
pub fn read(path: Option<&Path>) -> Result<Layers, SettingsError> {
    let default_exists = Path::new(DEFAULT_PATH).exists();
    let main = path.map(Path::to_path_buf).or_else(|| default_exists.then(|| PathBuf::from(DEFAULT_PATH)));
    let mut faults = Vec::new();
    let mut builder = Config::builder();
    let mut sources = Vec::new();
    let mut outputs = Vec::new();
    for file in main.iter().cloned().chain(main.as_deref().map(drop_ins).unwrap_or_default()) {
        match read_file(&file) {
            Ok(one) => {
                builder = builder.add_source(File::from_str(&one.sections, FileFormat::Toml));
                sources.extend(one.sources);
                outputs.extend(one.outputs);
            }
            Err(fault) => faults.push(fault),
        }
    }
    if !faults.is_empty() {
        return Err(SettingsError(faults));
    }
    let environment = Environment::with_prefix("CHAPAR")
        .separator("__")
        .try_parsing(true)
        .list_separator(",")
        .with_list_parse_key("http.allow_private");
    let sections =
        builder.add_source(environment).build().and_then(Config::try_deserialize::<Sections>).map_err(|error| {
            let message = with_suggestion(&format!("CHAPAR__SECTION__KEY: {error}"));
            SettingsError(vec![SettingsFault { origin: "environment".to_owned(), line: None, message }])
        })?;
    let main_name = main.as_deref().unwrap_or(Path::new("defaults")).display().to_string();
    Ok(Layers { main, main_name, sections, sources, outputs })
}

/// `conf.d/*.toml` beside the main file, in order of name.
fn drop_ins(main: &Path) -> Vec<PathBuf> {
    let folder = main.parent().unwrap_or(Path::new(".")).join("conf.d");
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    files.sort();
    files
}

struct FileLayer {
    sections: String,
    sources: Vec<Placed<RawSource>>,
    outputs: Vec<Placed<RawOutput>>,
}

fn read_file(path: &Path) -> Result<FileLayer, SettingsFault> {
    let origin = path.display().to_string();
    let fault = |line, message: String| SettingsFault { origin: origin.clone(), line, message };
    let unreadable = |error: std::io::Error| fault(None, format!("cannot be read: {error}"));
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > SETTINGS_FILE_BYTES_MAX {
        return Err(fault(None, format!("{size} bytes; a settings file has at most {SETTINGS_FILE_BYTES_MAX}")));
    }
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    let located = |error: toml::de::Error| {
        let offset = error.span().map_or(0, |span| span.start);
        let line = line_of(&text, offset);
        let key = key_at(&text, offset).map(|key| format!("{key}: ")).unwrap_or_default();
        fault(Some(line), with_suggestion(&format!("{key}{}", error.message())))
    };
    let one: OneFile = toml::from_str(&text).map_err(located)?;
    let mut table: toml::Table = toml::from_str(&text).map_err(located)?;
    table.remove("source");
    table.remove("output");
    Ok(FileLayer {
        sections: table.to_string(),
        sources: placed(one.source, &origin, &text),
        outputs: placed(one.output, &origin, &text),
    })
}

fn placed<T>(values: Vec<Spanned<T>>, origin: &str, text: &str) -> Vec<Placed<T>> {
    values
        .into_iter()
        .map(|value| {
            let line = line_of(text, value.span().start);
            Placed { value: value.into_inner(), origin: origin.to_owned(), line }
        })
        .collect()
}

/// `section.key` of the line at an offset, for messages about values.
fn key_at(text: &str, offset: usize) -> Option<String> {
    let before = text.get(..offset)?;
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = text[line_start..].lines().next()?;
    let key = line.split_once('=')?.0.trim();
    let section = text[..line_start].lines().rev().map(str::trim).find(|line| line.starts_with('['));
    let section = section.map(|line| line.trim_matches(['[', ']']).to_owned());
    Some(section.map_or_else(|| key.to_owned(), |section| format!("{section}.{key}")))
}

/// Adds the nearest known name to serde's "unknown field `x`, expected one of `a`, `b`".
fn with_suggestion(message: &str) -> String {
    let Some((_, rest)) = message.split_once("unknown field `") else { return message.to_owned() };
    let names: Vec<&str> = rest.split('`').step_by(2).collect();
    let Some((unknown, known)) = names.split_first() else { return message.to_owned() };
    let nearest = known
        .iter()
        .map(|name| (strsim::jaro_winkler(unknown, name), *name))
        .filter(|(similarity, _)| *similarity > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((_, name)) => format!("{message}; did you mean `{name}`?"),
        None => message.to_owned(),
    }
}
