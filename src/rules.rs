//! The rule files: embedded in the binary, overridden by file name from `rules/` beside the settings file.
//!
//! This module only finds the files. `classify` compiles `topics/`, `places.toml` and `languages.toml`;
//! `site_rules` compiles `sites/`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};

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
    /// A fault at a byte offset of this file.
    pub fn fault(&self, offset: usize, message: impl Into<String>) -> RuleFault {
        RuleFault { origin: self.origin.clone(), line: line_of(&self.text, offset), message: message.into() }
    }
}

/// Line, from 1, of a byte offset.
pub fn line_of(text: &str, offset: usize) -> usize {
    let end = offset.min(text.len());
    1 + text.as_bytes()[..end].iter().filter(|byte| **byte == b'\n').count()
}

/// All rule files in force, by path relative to the rules folder (`topics/energy.toml`, `places.toml`).
#[derive(Clone, Debug, PartialEq, Eq)]
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
        let mut rules = Self::shipped();
        for group in ["", "topics", "sites"] {
            for path in toml_files(&folder.join(group))? {
                let text = read_bounded(&path)?;
                let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                let key = if group.is_empty() { name } else { format!("{group}/{name}") };
                rules.files.insert(key, RuleFile { origin: path.display().to_string(), text });
            }
        }
        Ok(rules)
    }

    /// The files of a folder, such as `topics`, as (file name without `.toml`, file).
    pub fn in_folder<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = (&'a str, &'a RuleFile)> {
        self.files.iter().filter_map(move |(key, file)| {
            let name = key.strip_prefix(folder)?.strip_prefix('/')?;
            Some((name.strip_suffix(".toml")?, file))
        })
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
            files.insert(key.clone(), RuleFile { origin: format!("shipped:{key}"), text: text.to_owned() });
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
        .collect();
    paths.sort();
    Ok(paths)
}

fn read_bounded(path: &Path) -> Result<String, RuleFault> {
    let size = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?.len();
    if size > RULE_FILE_BYTES_MAX {
        let message = format!("{size} bytes; a rule file has at most {RULE_FILE_BYTES_MAX}");
        return Err(RuleFault { origin: path.display().to_string(), line: 1, message });
    }
    std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &std::io::Error) -> RuleFault {
    RuleFault { origin: path.display().to_string(), line: 1, message: format!("cannot be read: {error}") }
}
