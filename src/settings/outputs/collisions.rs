//! That no two outputs write in one place, and none in what belongs to the store.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use super::super::layers::Place;
use super::OutputKind;

/// What the store's files and folders are called …
const OF_STORE: [&str; 3] = ["log", "sled", "format"];

/// … and what they are called before a dot: `sled.damaged-…`, `chapar.lock`, `backup.pins`.
const OF_STORE_BEFORE_DOT: [&str; 5] = ["sled", "format", "chapar", "backup", "restore"];

/// Where outputs were found to write so far.
pub(super) struct Collisions {
    store: Option<PathBuf>,
    taken: Vec<Taken>,
}

struct Taken {
    path: PathBuf,
    /// A folder or a file.
    what: &'static str,
    /// Whether folders are made in it by what records are about.
    has_folders: bool,
    by: Place,
}

impl Collisions {
    /// Beside a store, where it is known.
    pub(super) fn beside(store: Option<&Path>) -> Self {
        Self { store: store.map(real_path), taken: Vec::new() }
    }

    /// What is wrong with the path of an output, which is taken then.
    pub(super) fn of(&mut self, kind: &OutputKind, by: &Place) -> Option<String> {
        let (written, has_folders, what) = match kind {
            OutputKind::Directory(directory) => (directory.path.root(), directory.path.depth() > 0, "folder"),
            OutputKind::Feed(feed) => (feed.path.as_path(), false, "file"),
            OutputKind::Stdout { .. } | OutputKind::Exec(_) | OutputKind::Webhook(_) => return None,
        };
        let path = real_path(written);
        let shown = written.display();
        let first = self.taken.iter().find(|other| {
            let (above, below) = (other.path.starts_with(&path), path.starts_with(&other.path));
            path == other.path || what == other.what && (has_folders && above || other.has_folders && below)
        });
        let shared =
            first.map(|other| format!("{shown} is written by the output at {}; take another {what}", other.by));
        let problem = shared.or_else(|| {
            let problem = in_store(self.store.as_deref()?, &path, has_folders)?;
            Some(format!("{shown} {problem}; take another {what}"))
        });
        self.taken.push(Taken { path, what, has_folders, by: by.clone() });
        problem
    }
}

/// Why an output cannot write to a path, for the store's sake. Beside the store's own files it may.
fn in_store(store: &Path, path: &Path, has_folders: bool) -> Option<&'static str> {
    match path.strip_prefix(store).map(|below| below.components().next()) {
        Ok(None) => Some("is the store's own folder"),
        Ok(Some(first)) => is_of_store(first.as_os_str()).then_some("belongs to the store"),
        Err(_) if has_folders && store.starts_with(path) => {
            Some("holds the store, and a record could name one of its folders")
        }
        Err(_) => None,
    }
}

fn is_of_store(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    match name.split_once('.') {
        Some((before, _)) => OF_STORE_BEFORE_DOT.contains(&before),
        None => OF_STORE.contains(&&*name),
    }
}

/// Where a path leads: by the file system as far as it exists, by its text from there on. So two outputs that name one
/// folder in two ways are found.
fn real_path(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let real = whole.ancestors().find_map(|above| {
        let below = whole.strip_prefix(above).ok()?;
        Some(above.canonicalize().ok()?.join(below))
    });
    let mut plain = PathBuf::new();
    for part in real.as_deref().unwrap_or(&whole).components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            part => plain.push(part),
        }
    }
    plain
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_the_store_is_told_from_what_lies_beside_it() {
        let cases = [
            ("/s", false, Some("is the store's own folder")),
            ("/s/log", false, Some("belongs to the store")),
            ("/s/log/x", true, Some("belongs to the store")),
            ("/s/sled.damaged-1", false, Some("belongs to the store")),
            ("/s/format", false, Some("belongs to the store")),
            ("/s/chapar.lock", false, Some("belongs to the store")),
            ("/s/records", true, None),
            ("/s/logs", false, None),
            ("/s/chapar", false, None),
            ("/", false, None),
            ("/", true, Some("holds the store, and a record could name one of its folders")),
            ("/store", true, None),
        ];
        for (path, has_folders, expected) in cases {
            assert_eq!(in_store(Path::new("/s"), Path::new(path), has_folders), expected, "{path}");
        }
    }

    #[test]
    fn a_path_leads_where_its_links_lead() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir(root.join("real")).unwrap();
        std::os::unix::fs::symlink("real", root.join("link")).unwrap();
        assert_eq!(real_path(&root.join("link/./absent/../x")), root.join("real/x"));
        assert_eq!(real_path(&root.join("link")), root.join("real"));
    }
}
