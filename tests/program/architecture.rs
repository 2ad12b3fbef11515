//! The dependency rules, read off the `use` lines: who may import whom, and which library has which owner.

use std::path::{Path, PathBuf};

/// Modules that do the work of one stage; they meet in `pipeline` only. `commit` may judge with `novelty`.
const STAGES: [&str; 7] = ["poll", "fetch", "extract", "classify", "novelty", "commit", "emit"];

/// Modules without tokio, clock, files or network.
const PURE: [&str; 9] =
    ["extract", "classify", "novelty", "text", "dates", "formats", "poll/feed", "poll/listing", "poll/sitemap"];

/// Outside library and the one module that may use it.
const OWNERS: [(&str, &str); 5] =
    [("feed_rs", "poll/feed"), ("reqwest", "http"), ("sled", "store"), ("tantivy", "search/index"), ("zstd", "store")];

fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    let name = |path: &PathBuf| path.strip_prefix(&root).unwrap().with_extension("").display().to_string();
    let read = |path: &PathBuf| std::fs::read_to_string(path).unwrap();
    files.iter().map(|path| (name(path), read(path))).collect()
}

fn is_in(file: &str, module: &str) -> bool {
    file.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Code without comments and without the tests at its end.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .take_while(|line| !line.starts_with("#[cfg(test)]"))
        .filter(|line| !line.trim_start().starts_with("//"))
}

#[test]
fn every_module_keeps_to_its_side() {
    let mut faults = Vec::new();
    let files = sources();
    assert!(files.len() > 40, "the tree was read");
    for (file, text) in files.iter().filter(|(file, _)| !file.ends_with("tests") && !file.contains("/tests/")) {
        let stage = STAGES.into_iter().find(|stage| is_in(file, stage));
        for line in code(text) {
            for other in STAGES.into_iter().filter(|other| stage.is_some_and(|stage| stage != *other)) {
                let is_allowed = stage == Some("commit") && other == "novelty";
                if line.contains(&format!("crate::{other}::")) && !is_allowed {
                    faults.push(format!("{file} imports the stage {other}: {line}"));
                }
            }
            if PURE.iter().any(|module| is_in(file, module)) {
                for impure in [
                    "tokio::",
                    "Timestamp::now",
                    "Zoned::now",
                    "SystemTime::now",
                    "Instant::now",
                    "std::fs",
                    "std::net",
                ] {
                    if line.contains(impure) {
                        faults.push(format!("{file} is pure but has {impure}: {line}"));
                    }
                }
            }
            for (library, owner) in OWNERS.iter().filter(|(_, owner)| !is_in(file, owner)) {
                let mentions = |form: &str| line.contains(&format!("{form}{library}::"));
                if ["use ", " ", "(", "<", "&"].iter().any(|form| mentions(form)) {
                    faults.push(format!("{file} uses {library}, which belongs to {owner}: {line}"));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_file_says_first_what_it_is_for() {
    let mute: Vec<String> =
        sources().into_iter().filter(|(_, text)| !text.starts_with("//! ")).map(|(file, _)| file).collect();
    assert!(mute.is_empty(), "{mute:?}");
}
