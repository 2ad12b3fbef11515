//! Reading and joining the layers: files first, each value checked on its own so that every fault has its line, then
//! the environment.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};

use config::{Config, ConfigError, Environment, File, FileFormat};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::{DEFAULT_PATH, RawOutput, RawSource, Sections, SettingsFault};
use crate::rules::{line_of, plain_message};

/// Largest settings file, in bytes: ten thousand sources take about 3 MB.
const SETTINGS_FILE_BYTES_MAX: u64 = 32 << 20;

/// Most characters of a line that a message shows.
const SHOWN_CHARS_MAX: usize = 80;

/// What a variable that sets something begins with.
const ENVIRONMENT_PREFIX: &str = "CHAPAR__";

/// The joined layers, without what is faulty.
pub struct Layers {
    /// The main file, where there is one.
    pub main: Option<PathBuf>,
    /// The sections, merged.
    pub sections: Sections,
    /// Those of which something was left out: whether the rest of them is right cannot be told.
    pub faulty_sections: BTreeSet<String>,
    /// Where the merged values come from.
    pub places: Places,
    /// All sources of all files.
    pub sources: Vec<Placed<RawSource>>,
    /// Whether these are all that are written.
    pub has_all_sources: bool,
    /// All outputs of all files.
    pub outputs: Vec<Placed<RawOutput>>,
    /// What was left out, and why.
    pub faults: Vec<SettingsFault>,
}

/// Where something was set.
#[derive(Clone, Debug)]
pub struct Place {
    origin: String,
    line: Option<usize>,
}

impl Place {
    /// A fault at this place.
    pub fn fault(&self, message: String) -> SettingsFault {
        SettingsFault { origin: self.origin.clone(), line: self.line, message }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.origin),
            None => f.write_str(&self.origin),
        }
    }
}

/// Which layer set a key last.
#[derive(Default)]
pub struct Places(BTreeMap<String, Place>);

impl Places {
    /// A fault of a key such as `schedule.min`, which the message names.
    pub fn fault(&self, key: &str, message: &str) -> SettingsFault {
        let defaults = Place { origin: "built-in defaults".to_owned(), line: None };
        self.0.get(key).unwrap_or(&defaults).fault(format!("{key}: {message}"))
    }

    /// Of two keys that contradict each other: the first of them that was set by somebody.
    pub fn of_either<'a>(&self, one: &'a str, other: &'a str) -> &'a str {
        if self.0.contains_key(one) { one } else { other }
    }
}

/// An element of a list and where it and its keys were read from.
#[derive(Clone, Debug)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Its first line.
    pub place: Place,
    key_lines: HashMap<String, usize>,
}

impl<T> Placed<T> {
    /// A fault of one key, at the line of that key where it is written.
    pub fn fault(&self, key: &str, message: String) -> SettingsFault {
        let line = self.key_lines.get(key).copied().or(self.place.line);
        Place { line, ..self.place.clone() }.fault(message)
    }

    /// The keys that are written, without those of tables in it.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.key_lines.keys().map(String::as_str).filter(|key| !key.contains('.'))
    }

    /// Where the element was read from.
    pub fn without_value(&self) -> Placed<()> {
        Placed { value: (), place: self.place.clone(), key_lines: self.key_lines.clone() }
    }
}

/// Reads every layer.
pub fn read(path: Option<&Path>) -> Layers {
    let default_exists = Path::new(DEFAULT_PATH).exists();
    let main = path.map(Path::to_path_buf).or_else(|| default_exists.then(|| PathBuf::from(DEFAULT_PATH)));
    let mut faults = Vec::new();
    let mut builder = Config::builder();
    let mut places = Places::default();
    let mut sources = Vec::new();
    let mut outputs = Vec::new();
    let drop_ins = main.as_deref().map(|main| drop_ins(main, &mut faults)).unwrap_or_default();
    let (mut faulty_sections, mut is_all_read) = (BTreeSet::new(), faults.is_empty());
    let mut has_all_sources = true;
    for file in main.iter().cloned().chain(drop_ins) {
        let before = faults.len();
        let read = read_text(&file).and_then(|text| read_file(&file, &text, &mut faults));
        faults[before..].sort_by_key(|fault| fault.line);
        match read {
            Ok(one) => {
                builder = builder.add_source(File::from_str(&one.sections, FileFormat::Toml));
                places.0.extend(one.places);
                sources.extend(one.sources);
                outputs.extend(one.outputs);
                faulty_sections.extend(one.faulty_sections);
                has_all_sources &= one.has_all_sources;
            }
            Err(fault) => {
                faults.push(fault);
                is_all_read = false;
            }
        }
    }
    let good = check_environment(&mut places, &mut faulty_sections, &mut faults);
    let merged = builder.add_source(environment().source(Some(good))).build().and_then(Config::try_deserialize);
    let sections = merged.unwrap_or_else(|error: ConfigError| {
        faults.push(Place { origin: "settings".to_owned(), line: None }.fault(error.to_string()));
        is_all_read = false;
        Sections::default()
    });
    if !is_all_read {
        faulty_sections.extend(Sections::NAMES.map(str::to_owned));
        has_all_sources = false;
    }
    Layers { main, sections, faulty_sections, places, sources, has_all_sources, outputs, faults }
}

/// `conf.d/*.toml` beside the main file, in order of name.
fn drop_ins(main: &Path, faults: &mut Vec<SettingsFault>) -> Vec<PathBuf> {
    let folder = main.parent().unwrap_or(Path::new(".")).join("conf.d");
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) => {
            if error.kind() != std::io::ErrorKind::NotFound {
                let place = Place { origin: folder.display().to_string(), line: None };
                faults.push(place.fault(format!("cannot be read: {error}")));
            }
            return Vec::new();
        }
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    files.sort();
    files
}

fn read_text(path: &Path) -> Result<String, SettingsFault> {
    let place = Place { origin: path.display().to_string(), line: None };
    let unreadable = |error: std::io::Error| place.fault(format!("cannot be read: {error}"));
    let mut bytes = Vec::new();
    // Bounded while reading: a pipe has no size, and neither has /dev/zero.
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(SETTINGS_FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > SETTINGS_FILE_BYTES_MAX {
        return Err(place.fault(format!("a settings file has at most {SETTINGS_FILE_BYTES_MAX} bytes")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let line = line_of(&String::from_utf8_lossy(error.as_bytes()), error.utf8_error().valid_up_to());
        Place { line: Some(line), ..place }.fault("not UTF-8; save the file as UTF-8".to_owned())
    })
}

struct FileLayer {
    sections: String,
    faulty_sections: BTreeSet<String>,
    places: BTreeMap<String, Place>,
    sources: Vec<Placed<RawSource>>,
    has_all_sources: bool,
    outputs: Vec<Placed<RawOutput>>,
}

/// A file that is being read: its name and text, for faults.
struct Reading<'a> {
    origin: String,
    text: &'a str,
    /// Where its lines end: counting them for each key of ten thousand sources takes minutes.
    line_ends: Vec<usize>,
    faults: &'a mut Vec<SettingsFault>,
}

fn read_file(path: &Path, text: &str, faults: &mut Vec<SettingsFault>) -> Result<FileLayer, SettingsFault> {
    let line_ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect();
    let mut reading = Reading { origin: path.display().to_string(), text, line_ends, faults };
    let root = DeTable::parse(text).map_err(|error| reading.syntax(&error))?;
    let mut places = BTreeMap::new();
    let (mut sources, mut outputs) = (Vec::new(), Vec::new());
    let (mut faulty, mut has_all_sources) = (Vec::new(), true);
    for (name, value) in root.into_inner() {
        let before = reading.faults.len();
        match name.get_ref().as_ref() {
            "source" => {
                sources = reading.list("source", value);
                has_all_sources = reading.faults.len() == before;
            }
            "output" => outputs = reading.list("output", value),
            _ => faulty.extend(reading.section(&name, value, &mut places)),
        }
    }
    let mut table: toml::Table = toml::from_str(text).map_err(|error| reading.syntax(&error))?;
    table.retain(|name, section| Sections::NAMES.contains(&name) && section.is_table());
    for (section, key) in &faulty {
        table.get_mut(section).and_then(toml::Value::as_table_mut).and_then(|section| section.remove(key));
    }
    let faulty_sections = faulty.into_iter().map(|(section, _)| section).collect();
    Ok(FileLayer { sections: table.to_string(), faulty_sections, places, sources, has_all_sources, outputs })
}

type Key<'i> = Spanned<std::borrow::Cow<'i, str>>;

impl Reading<'_> {
    fn place(&self, offset: usize) -> Place {
        Place { origin: self.origin.clone(), line: Some(self.line(offset)) }
    }

    /// The line of a byte, from 1.
    fn line(&self, offset: usize) -> usize {
        1 + self.line_ends.partition_point(|end| *end < offset)
    }

    /// A fault where the error is; `key` is what it is about.
    fn located(&self, key: &str, error: &toml::de::Error) -> SettingsFault {
        let place = self.place(error.span().map_or(0, |span| span.start));
        place.fault(format!("{key}: {}", plain_message(error.message())))
    }

    /// A file that is no TOML: the line itself is shown, as there are no keys yet.
    fn syntax(&self, error: &toml::de::Error) -> SettingsFault {
        let offset = error.span().map_or(0, |span| span.start).min(self.text.len());
        let start = self.text.as_bytes()[..offset].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let line = self.text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default().trim();
        let shown: String = line.chars().take(SHOWN_CHARS_MAX).collect();
        self.place(offset).fault(format!("not TOML: {} in: {shown}", error.message()))
    }

    /// Checks each key of a section by itself, so that each fault is named. Tells the section and the key of each; the key
    /// is empty where it is all of the section.
    fn section(
        &mut self,
        name: &Key<'_>,
        value: Spanned<DeValue<'_>>,
        places: &mut BTreeMap<String, Place>,
    ) -> Vec<(String, String)> {
        let section = name.get_ref().as_ref();
        let span = value.span();
        let DeValue::Table(table) = value.into_inner() else {
            let message = match Sections::NAMES.contains(&section) {
                true => format!("{section}: this is a section; write [{section}] and its keys below it"),
                false => unknown_section(section),
            };
            self.faults.push(self.place(name.span().start).fault(message));
            return vec![(section.to_owned(), String::new())];
        };
        if !Sections::NAMES.contains(&section) {
            self.faults.push(self.place(name.span().start).fault(unknown_section(section)));
            return Vec::new();
        }
        let mut faulty = Vec::new();
        for (key, value) in table {
            let dotted = format!("{section}.{}", key.get_ref());
            places.insert(dotted.clone(), self.place(key.span().start));
            let only = DeTable::from_iter([(key, value)]);
            let only = Spanned::new(span.clone(), DeValue::Table(only));
            let root = DeValue::Table(DeTable::from_iter([(name.clone(), only)]));
            if let Err(error) = deserialize::<Sections>(Spanned::new(0..0, root)) {
                let fault = self.located(&dotted, &error);
                self.faults.push(fault);
                faulty.push((section.to_owned(), dotted[section.len() + 1..].to_owned()));
            }
        }
        faulty
    }

    /// Reads the elements of `[[name]]`.
    fn list<T: DeserializeOwned>(&mut self, name: &str, value: Spanned<DeValue<'_>>) -> Vec<Placed<T>> {
        let start = value.span().start;
        let DeValue::Array(elements) = value.into_inner() else {
            let message = format!("{name}: there can be several; write [[{name}]] and its keys below it");
            self.faults.push(self.place(start).fault(message));
            return Vec::new();
        };
        let mut list = Vec::new();
        for element in elements {
            let place = self.place(element.span().start);
            let spans: Vec<_> = match element.get_ref() {
                DeValue::Table(table) => key_spans(table),
                _ => {
                    let message = format!("{name}: write [[{name}]] and its keys below it");
                    self.faults.push(place.fault(message));
                    continue;
                }
            };
            let line = |(key, span): &(String, std::ops::Range<usize>)| (key.clone(), self.line(span.start));
            let key_lines = spans.iter().map(line).collect();
            // What is faulty is taken out and the rest read again, so that each fault is named.
            let (mut rest, mut is_whole) = (element, true);
            loop {
                let error = match deserialize::<T>(rest.clone()) {
                    Ok(value) if is_whole => break list.push(Placed { value, place, key_lines }),
                    Ok(_) => break,
                    Err(error) => error,
                };
                let at = error.span().map_or(start, |span| span.start);
                let key = spans.iter().find(|(_, span)| span.contains(&at)).map(|(key, _)| key);
                // A key that was taken out is not missing.
                if !is_whole && key.is_none() {
                    break;
                }
                let dotted = key.map_or_else(|| name.to_owned(), |key| format!("{name}.{key}"));
                let fault = self.located(&dotted, &error);
                self.faults.push(fault);
                is_whole = false;
                let (DeValue::Table(table), Some(key)) = (rest.get_mut(), key) else { break };
                let whole = std::mem::take(table);
                let (keys, faulty) = (whole.len(), key.split('.').next().unwrap_or(key));
                *table = whole.into_iter().filter(|(name, _)| name.get_ref() != faulty).collect();
                if table.len() == keys {
                    break;
                }
            }
        }
        list
    }
}

/// Where each key of an element stands, those of a table in it first, as `table.key`.
fn key_spans(table: &DeTable<'_>) -> Vec<(String, std::ops::Range<usize>)> {
    let span = |key: &Key<'_>, value: &Spanned<DeValue<'_>>| key.span().start..value.span().end;
    let own = |(key, value)| (Key::get_ref(key).to_string(), span(key, value));
    let inner = |(key, value): (&Key<'_>, &Spanned<DeValue<'_>>)| match value.get_ref() {
        DeValue::Table(inner) => {
            let dotted = |inner: &Key<'_>| format!("{}.{}", key.get_ref(), inner.get_ref());
            inner.iter().map(|(inner, value)| (dotted(inner), span(inner, value))).collect()
        }
        _ => Vec::new(),
    };
    table.iter().flat_map(inner).chain(table.iter().map(own)).collect()
}

fn deserialize<'i, T: Deserialize<'i>>(value: Spanned<DeValue<'i>>) -> Result<T, toml::de::Error> {
    T::deserialize(ValueDeserializer::from(value))
}

fn unknown_section(name: &str) -> String {
    let known: Vec<String> =
        Sections::NAMES.iter().chain(&["source", "output"]).map(|name| format!("`{name}`")).collect();
    plain_message(&format!("unknown field `{name}`, expected one of {}", known.join(", ")))
        .replace("unknown key", "unknown section")
}

/// The layer of the environment; a variable that is set to nothing counts as not set.
fn environment() -> Environment {
    Environment::with_prefix("CHAPAR")
        .separator("__")
        .try_parsing(true)
        .ignore_empty(true)
        .list_separator(",")
        .with_list_parse_key("http.allow_private")
        .with_list_parse_key("novelty.look_again")
}

/// Reads each variable by itself, so that each fault is named; returns the good ones.
fn check_environment(
    places: &mut Places,
    faulty_sections: &mut BTreeSet<String>,
    faults: &mut Vec<SettingsFault>,
) -> HashMap<String, String> {
    let is_ours = |name: &OsString| name.to_string_lossy().to_ascii_uppercase().starts_with(ENVIRONMENT_PREFIX);
    let mut good = HashMap::new();
    let ours: BTreeMap<OsString, OsString> = std::env::vars_os().filter(|(name, _)| is_ours(name)).collect();
    for (name, value) in ours {
        let variable = name.to_string_lossy().into_owned();
        let dotted = variable[ENVIRONMENT_PREFIX.len()..].to_lowercase().replace("__", ".");
        let place = Place { origin: format!("environment variable {variable}"), line: None };
        let section = dotted.split('.').next().unwrap_or_default();
        let checked = match value.into_string() {
            Err(_) => Err("not UTF-8".to_owned()),
            Ok(_) if matches!(section, "source" | "output") => {
                Err(format!("[[{section}]] cannot be set here; write it into a file, such as conf.d/local.toml"))
            }
            Ok(_) if !Sections::NAMES.contains(&section) => Err(unknown_section(section)),
            Ok(_) if !dotted.contains('.') => Err(format!("name a key of [{section}]: {variable}__KEY")),
            Ok(value) => {
                let alone = environment().source(Some(HashMap::from([(variable.clone(), value.clone())])));
                let read = Config::builder().add_source(alone).build().and_then(Config::try_deserialize::<Sections>);
                let wrong = |error| format!("{dotted}: {}", plain_message(&reason(error)));
                read.map(|_| value).map_err(wrong)
            }
        };
        match checked {
            Ok(value) => {
                places.0.insert(dotted, place);
                good.insert(variable, value);
            }
            Err(message) => {
                faulty_sections.insert(section.to_owned());
                faults.push(place.fault(message));
            }
        }
    }
    good
}

/// The reason without what the config crate adds to it: the key and the place are named by the fault.
fn reason(error: ConfigError) -> String {
    match error {
        ConfigError::At { error, .. } => reason(*error),
        ConfigError::Type { unexpected, expected, .. } => format!("invalid type: {unexpected}, expected {expected}"),
        other => other.to_string(),
    }
}
