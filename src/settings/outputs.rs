//! `[[output]]`: where records go.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::values::ByteSize;
use super::{SettingsFault, layers};
use crate::model::SourceId;

/// One `[[output]]`, validated.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// Names its cursor.
    pub id: SourceId,
    /// What it is.
    pub kind: OutputKind,
    /// Where it starts when it has no cursor yet.
    pub from: StartFrom,
}

/// The sinks there are.
#[derive(Clone, Debug, PartialEq)]
pub enum OutputKind {
    /// NDJSON on stdout.
    Stdout,
    /// NDJSON files by day and size.
    Directory {
        /// The folder.
        path: PathBuf,
        /// A file is closed beyond this size.
        roll: ByteSize,
    },
}

/// Where a new sink starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StartFrom {
    /// The oldest record.
    #[default]
    Start,
    /// The next record.
    Now,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawOutput {
    id: Option<SourceId>,
    kind: RawOutputKind,
    path: Option<PathBuf>,
    roll: Option<ByteSize>,
    #[serde(default)]
    from: StartFrom,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawOutputKind {
    Stdout,
    Directory,
}

/// Checks every `[[output]]` by itself, and that no two are in each other's way.
pub(super) fn validate_outputs(raw: Vec<layers::Placed<RawOutput>>, faults: &mut Vec<SettingsFault>) -> Vec<Output> {
    let mut ids: HashMap<SourceId, layers::Place> = HashMap::new();
    let mut folders: HashMap<PathBuf, layers::Place> = HashMap::new();
    let mut outputs = Vec::with_capacity(raw.len());
    for placed in raw {
        let RawOutput { id, kind, path, roll, from } = placed.value.clone();
        let mut fault = |key: &str, message: String| faults.push(placed.fault(key, format!("output.{key}: {message}")));
        let kind = match (kind, path) {
            (RawOutputKind::Stdout, None) if roll.is_none() => OutputKind::Stdout,
            (RawOutputKind::Stdout, path) => {
                let key = if path.is_some() { "path" } else { "roll" };
                fault(key, "an output of kind \"stdout\" has none; remove it".to_owned());
                continue;
            }
            (RawOutputKind::Directory, Some(path)) if !path.as_os_str().is_empty() => {
                OutputKind::Directory { path, roll: roll.unwrap_or(ByteSize::mib(64)) }
            }
            (RawOutputKind::Directory, _) => {
                fault("path", "an output of kind \"directory\" needs path = \"/some/folder\"".to_owned());
                continue;
            }
        };
        if roll.is_some_and(|roll| roll.0 == 0) {
            fault("roll", "write a size such as \"64MiB\"".to_owned());
        }
        let default_id = if kind == OutputKind::Stdout { "stdout" } else { "directory" };
        let id = id.unwrap_or_else(|| default_id.parse().expect("the kinds' names are valid ids"));
        if let Some(first) = ids.get(&id) {
            let id = id.as_str();
            fault("id", format!("{id:?} is used twice, first at {first}; give each output an id = \"…\" of its own"));
            continue;
        }
        if let OutputKind::Directory { path, .. } = &kind
            && let Some(first) = folders.insert(plain_path(path), placed.place.clone())
        {
            fault("path", format!("{} is written by the output at {first}; take another folder", path.display()));
        }
        ids.insert(id.clone(), placed.place.clone());
        outputs.push(Output { id, kind, from });
    }
    outputs
}

/// A path without `.` and `..`, by its text alone: two outputs that name one folder in two ways are found.
fn plain_path(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).components() {
        match part {
            std::path::Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}
