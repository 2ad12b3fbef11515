//! The rule files: embedded in the binary, overridden by file name from `rules/` beside the settings file.
//!
//! This module only finds the files. `classify` compiles `topics/`, `places.toml` and `countries.toml`; `site_rules`
//! compiles `sites/`.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};

/// What [`RuleFile::origin`] begins with for a file of the binary.
const SHIPPED_ORIGIN: &str = "shipped:";

static SHIPPED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/config/rules");

/// Largest rule file that is read, in bytes: a thousand times a usual one.
const RULE_FILE_BYTES_MAX: u64 = 8 << 20;

/// One rule file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFile {
    /// Where it came from, for messages: a path, or `shipped:topics/energy.toml`.
    pub origin: String,
    /// Its text.
    pub text: String,
}

/// A fault in a rule file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFault {
    /// [`RuleFile::origin`].
    pub origin: String,
    /// Line, from 1.
    pub line: usize,
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for RuleFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.origin, self.line, self.message)
    }
}

impl RuleFile {
    /// Whether it is a part of the binary.
    pub fn is_shipped(&self) -> bool {
        self.origin.starts_with(SHIPPED_ORIGIN)
    }

    /// A fault at a byte offset of this file.
    pub fn fault(&self, offset: usize, message: impl Into<String>) -> RuleFault {
        RuleFault { origin: self.origin.clone(), line: line_of(&self.text, offset), message: message.into() }
    }
}

/// What serde says about TOML, in the words of somebody who writes settings and rules: "unknown field `x`, expected
/// one of …" names the nearest key, types are named as they are written.
pub fn plain_message(message: &str) -> String {
    let quoted = |text: &str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let named = |what: &str| message.starts_with(what).then(|| quoted(message));
    let choice = |words: &[String], what: &str| {
        let (unknown, known) = words.split_first()?;
        let likeness = |name: &String| strsim::jaro_winkler(&unknown.to_lowercase(), name);
        let nearest = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
        let meant = nearest.filter(|name| likeness(name) > NAME_LIKENESS_LEAST);
        let meant = meant.map(|name| format!("did you mean `{name}`? ")).unwrap_or_default();
        let known =
            if known.is_empty() { "none is known here".to_owned() } else { format!("known: {}", known.join(", ")) };
        Some(format!("unknown {what} `{unknown}`; {meant}{known}"))
    };
    if let Some(plain) = named("unknown field `").and_then(|words| choice(&words, "key")) {
        return plain;
    }
    if let Some(plain) = named("unknown variant `").and_then(|words| choice(&words, "value")) {
        return plain;
    }
    if let Some([key]) = named("missing field `").as_deref() {
        return format!("`{key}` is missing");
    }
    let types = [
        ("expected usize", "expected a whole number, 0 or more"),
        ("expected u64", "expected a whole number, 0 or more"),
        ("expected f64", "expected a number"),
        ("expected a string", "expected text in quotes"),
        ("expected path string", "expected a path in quotes"),
        ("expected a sequence", "expected a list in [ ]"),
        ("expected a map", "expected a table with keys"),
        ("expected a boolean", "expected true or false, without quotes"),
        ("wanted string or table", "expected text in quotes"),
    ];
    match types.iter().find(|(theirs, _)| message.ends_with(theirs)) {
        Some((theirs, ours)) => message.replace(theirs, ours),
        None => message.trim_end().to_owned(),
    }
}

/// Names less alike than this (Jaro-Winkler, 0 to 1) are not suggested.
const NAME_LIKENESS_LEAST: f64 = 0.75;

/// Line, from 1, of a byte offset.
pub fn line_of(text: &str, offset: usize) -> usize {
    1 + newlines(&text.as_bytes()[..offset.min(text.len())])
}

fn newlines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

/// All rule files in force, by path relative to the rules folder (`topics/energy.toml`, `places.toml`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleFiles {
    files: BTreeMap<String, RuleFile>,
}

impl RuleFiles {
    /// The shipped files.
    pub fn shipped() -> Self {
        let mut files = BTreeMap::new();
        collect_shipped(&SHIPPED, &mut files);
        Self { files }
    }

    /// The shipped files, each replaced by the file of the same relative path under `folder`, and that folder's own.
    ///
    /// # Errors
    /// An unreadable or too large file.
    pub fn with_overrides(folder: &Path) -> Result<Self, RuleFault> {
        Self::shipped().overridden_by(folder)
    }

    fn overridden_by(mut self, folder: &Path) -> Result<Self, RuleFault> {
        let known: Vec<String> = Self::shipped().files.into_keys().filter(|key| !key.contains('/')).collect();
        for group in ["", "topics", "sites"] {
            for path in toml_files(&folder.join(group))? {
                let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                let key = if group.is_empty() { name } else { format!("{group}/{name}") };
                if group.is_empty() && !known.contains(&key) {
                    let message =
                        format!("not the name of a rule file: {}, topics/*.toml, sites/*.toml", known.join(", "));
                    return Err(RuleFault { origin: path.display().to_string(), line: 1, message });
                }
                let text = read_bounded(&path)?;
                self.files.insert(key, RuleFile { origin: path.display().to_string(), text });
            }
        }
        Ok(self)
    }

    /// The rules of a folder alone: what most tests need, in a hundredth of the time.
    #[cfg(test)]
    pub fn of_folder(folder: &Path) -> Result<Self, RuleFault> {
        Self::default().overridden_by(folder)
    }

    /// The files of a folder, such as `topics`, as (file name without `.toml`, file).
    pub fn in_folder<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = (&'a str, &'a RuleFile)> {
        self.files.iter().filter_map(move |(key, file)| {
            let name = key.strip_prefix(folder)?.strip_prefix('/')?;
            Some((name.strip_suffix(".toml")?, file))
        })
    }

    /// What the files of a folder say as their `name`, by file name without `.toml`. Only their beginnings are read, up to
    /// the first table: the names are wanted by commands that compile no rules.
    pub fn names_in(&self, folder: &str) -> BTreeMap<String, String> {
        let name_of = |file: &RuleFile| {
            let beginning = file.text.split("\n[").next()?;
            Some(beginning.parse::<toml::Table>().ok()?.get("name")?.as_str()?.to_owned())
        };
        self.in_folder(folder).filter_map(|(id, file)| Some((id.to_owned(), name_of(file)?))).collect()
    }

    /// One file by its relative path, such as `places.toml`.
    pub fn file(&self, path: &str) -> Option<&RuleFile> {
        self.files.get(path)
    }

    /// SHA-256 over all names and texts, first 16 hexadecimal digits: names the rule set in records.
    pub fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        for (key, file) in &self.files {
            for part in [key, &file.text] {
                hasher.update((part.len() as u64).to_be_bytes());
                hasher.update(part);
            }
        }
        data_encoding::HEXLOWER.encode(&hasher.finalize()[..8])
    }
}

fn collect_shipped(folder: &Dir<'static>, files: &mut BTreeMap<String, RuleFile>) {
    for file in folder.files() {
        let key = file.path().display().to_string();
        if let (true, Some(text)) = (key.ends_with(".toml"), file.contents_utf8()) {
            files.insert(key.clone(), RuleFile { origin: format!("{SHIPPED_ORIGIN}{key}"), text: text.to_owned() });
        }
    }
    for child in folder.dirs() {
        collect_shipped(child, files);
    }
}

fn toml_files(folder: &Path) -> Result<Vec<PathBuf>, RuleFault> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(folder, &error)),
    };
    let mut paths: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .filter(|path| !is_hidden(path))
        .collect();
    paths.sort();
    Ok(paths)
}

/// What editors put beside a file that is open: the lock `.#energy.toml` of Emacs leads nowhere.
fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

fn read_bounded(path: &Path) -> Result<String, RuleFault> {
    let fault = |line, message| RuleFault { origin: path.display().to_string(), line, message };
    let metadata = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    // A named pipe would be waited for without end.
    if !metadata.is_file() {
        return Err(fault(1, "is no file".to_owned()));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| unreadable(path, &error))?;
    file.take(RULE_FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| unreadable(path, &error))?;
    if bytes.len() as u64 > RULE_FILE_BYTES_MAX {
        return Err(fault(1, format!("a rule file has at most {RULE_FILE_BYTES_MAX} bytes")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        fault(1 + newlines(good), "is not UTF-8 from here on; save it as UTF-8".to_owned())
    })
}

fn unreadable(path: &Path, error: &std::io::Error) -> RuleFault {
    RuleFault { origin: path.display().to_string(), line: 1, message: format!("cannot be read: {error}") }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_plain() {
        let cases = [
            (
                "unknown field `timout`, expected `timeout` or `proxy`",
                "unknown key `timout`; did you mean `timeout`? known: timeout, proxy",
            ),
            ("unknown field `x`, expected one of `a1`, `b2`, `c3`", "unknown key `x`; known: a1, b2, c3"),
            ("unknown field `x`, there are no fields", "unknown key `x`; none is known here"),
            (
                "unknown variant `RSS`, expected one of `feed`, `rss`",
                "unknown value `RSS`; did you mean `rss`? known: feed, rss",
            ),
            ("missing field `id`", "`id` is missing"),
            (
                "invalid value: integer `-1`, expected usize",
                "invalid value: integer `-1`, expected a whole number, 0 or more",
            ),
            ("\"soon\" is not a duration", "\"soon\" is not a duration"),
        ];
        for (message, expected) in cases {
            assert_eq!(plain_message(message), expected);
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_cannot_be_read_is_named_with_its_line_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let topics = folder.path().join("topics");
        std::fs::create_dir(&topics).unwrap();
        let read = || RuleFiles::of_folder(folder.path()).map(|rules| rules.files.len());
        std::os::unix::fs::symlink("nobody@nowhere.1", topics.join(".#energy.toml")).unwrap();
        assert_eq!(read(), Ok(0));
        let latin = topics.join("latin.toml");
        std::fs::write(&latin, b"name = \"A\"\niptc = \"caf\xe9\"\n").unwrap();
        let fault = read().unwrap_err();
        assert!(fault.line == 2 && fault.message.contains("UTF-8"), "{fault}");
        std::fs::remove_file(&latin).unwrap();
        let made = std::process::Command::new("mkfifo").arg(topics.join("pipe.toml")).status().unwrap();
        assert!(made.success());
        assert_eq!(read().unwrap_err().message, "is no file");
    }
}
