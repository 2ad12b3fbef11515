//! Folders named by what a record is about: `/srv/news/{country}/{topic}`.

use std::path::{Path, PathBuf};

use crate::record::Record;

/// Longest name that a value from outside gets, in characters: file systems take 255 bytes with what stands beside it.
const VALUE_CHARS_MAX: usize = 64;

/// Most folders below the first placeholder: each level is a folder to make, and to look into at the start.
const DEPTH_MAX: usize = 6;

/// What a value that is absent is called.
const ABSENT: &str = "none";

/// A folder, or a pattern of folders in one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern {
    root: PathBuf,
    levels: Vec<Vec<Piece>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Value(Placeholder),
}

/// What a folder can be named by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Placeholder {
    /// The first topic.
    Topic,
    /// The first country.
    Country,
    Source,
    Language,
}

const PLACEHOLDERS: [(&str, Placeholder); 4] = [
    ("topic", Placeholder::Topic),
    ("country", Placeholder::Country),
    ("source", Placeholder::Source),
    ("language", Placeholder::Language),
];

impl PathPattern {
    /// Reads a path; what stands before the first folder with a placeholder is taken as it is written.
    ///
    /// # Errors
    /// What to write instead.
    pub fn parse(written: &str) -> Result<Self, String> {
        no_way_up(written)?;
        let mut parts = written.split('/').peekable();
        let mut root = PathBuf::from(if written.starts_with('/') { "/" } else { "" });
        while let Some(part) = parts.next_if(|part| !part.contains(['{', '}'])) {
            if !part.is_empty() {
                root.push(part);
            }
        }
        let mut levels = Vec::new();
        for part in parts.filter(|part| !part.is_empty() && *part != ".") {
            levels.push(pieces(part)?);
        }
        if levels.len() > DEPTH_MAX {
            return Err(format!("at most {DEPTH_MAX} folders from the first placeholder on"));
        }
        if !levels.is_empty() && root.as_os_str().is_empty() {
            root.push(".");
        }
        Ok(Self { root, levels })
    }

    /// The folder that the administrator named, in which all others are made.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Folders below the root; 0 where records go into the root itself.
    pub fn depth(&self) -> usize {
        self.levels.len()
    }

    /// Whether a folder of this name may be one of this level, counted from 0.
    pub fn fits(&self, level: usize, name: &str) -> bool {
        let Some(pieces) = self.levels.get(level) else { return false };
        match pieces.as_slice() {
            [Piece::Text(text)] => text == name,
            [Piece::Text(before), ..] => name.starts_with(before.as_str()),
            _ => !name.starts_with('.'),
        }
    }

    /// The folder of a record, below the root. Its names hold letters, digits, `-` and `_` of ASCII, and what the
    /// administrator wrote.
    pub fn folder_of(&self, record: &Record) -> PathBuf {
        let value = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Value(Placeholder::Topic) => safe(record.topics.first().map(|topic| topic.id.as_str())),
            Piece::Value(Placeholder::Country) => safe(record.places.first().map(|place| place.code.as_str())),
            Piece::Value(Placeholder::Source) => safe(Some(record.source.id.as_str())),
            Piece::Value(Placeholder::Language) => safe(Some(&record.language)),
        };
        self.levels.iter().map(|pieces| pieces.iter().map(value).collect::<String>()).collect()
    }
}

/// Refuses a path that leads up again: where it ends is not seen by reading it.
///
/// # Errors
/// What to write instead.
pub(super) fn no_way_up(written: &str) -> Result<(), String> {
    match written.split('/').any(|part| part == "..") {
        true => Err("`..` cannot stand in it; write the whole path, from / on".to_owned()),
        false => Ok(()),
    }
}

fn pieces(part: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut rest = part;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or_else(|| format!("{part:?}: a `}}` is missing"))?;
        let known: Vec<String> = PLACEHOLDERS.iter().map(|(name, _)| format!("{{{name}}}")).collect();
        let known = known.join(", ");
        let Some((_, placeholder)) = PLACEHOLDERS.iter().find(|(known, _)| *known == name) else {
            let hint = if name == "date" { "; files are named by their day already" } else { "" };
            return Err(format!("there is no {{{name}}}; there are {known}{hint}"));
        };
        pieces.extend(text(before)?);
        pieces.push(Piece::Value(*placeholder));
        rest = after;
    }
    pieces.extend(text(rest)?);
    Ok(pieces)
}

fn text(text: &str) -> Result<Option<Piece>, String> {
    match text {
        "" => Ok(None),
        text if text.contains('}') => Err(format!("{text:?}: a `{{` is missing")),
        text => Ok(Some(Piece::Text(text.to_owned()))),
    }
}

/// A value as a name that leads nowhere else, hides nothing and needs no quotes.
fn safe(value: Option<&str>) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let plain = |c: char| if is_plain(c) { c } else { '_' };
    let name: String = value.unwrap_or_default().chars().take(VALUE_CHARS_MAX).map(plain).collect();
    if name.is_empty() { ABSENT.to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_from_outside_stay_in_their_folder() {
        let cases = [
            (Some("energy"), "energy"),
            (Some("uz-Latn"), "uz-Latn"),
            (Some("../../etc"), "______etc"),
            (Some(".."), "__"),
            (Some(".hidden"), "_hidden"),
            (Some("a/b\\c\0d\n"), "a_b_c_d_"),
            (Some("энергия"), "_______"),
            (Some(""), "none"),
            (None, "none"),
        ];
        for (value, expected) in cases {
            assert_eq!(safe(value), expected, "{value:?}");
        }
        assert_eq!(safe(Some(&"x".repeat(1_000))).len(), VALUE_CHARS_MAX);
    }

    #[test]
    fn patterns_are_read_and_wrong_ones_are_named() {
        let root =
            |written: &str| PathPattern::parse(written).map(|read| (read.root().display().to_string(), read.depth()));
        assert_eq!(root("/srv/news"), Ok(("/srv/news".to_owned(), 0)));
        assert_eq!(root("./news/"), Ok(("./news".to_owned(), 0)));
        assert_eq!(root("/srv/news/{country}/{topic}/"), Ok(("/srv/news".to_owned(), 2)));
        assert_eq!(root("/srv/by-{language}-x/all"), Ok(("/srv".to_owned(), 2)));
        assert_eq!(root("{topic}"), Ok((".".to_owned(), 1)));
        let faults = [
            ("/srv/{topik}", "there is no {topik}; there are {topic}, {country}, {source}, {language}"),
            ("/srv/{date}", "named by their day already"),
            ("/srv/{topic", "a `}` is missing"),
            ("/srv/topic}", "a `{` is missing"),
            ("/srv/{topic}/../x", "`..` cannot stand"),
            ("/srv/../{topic}", "`..` cannot stand"),
            ("../news/", "`..` cannot stand"),
            ("/srv/{}", "there is no {}"),
            ("{topic}/a/b/c/d/e/f", "at most 6"),
        ];
        for (written, part) in faults {
            let message = PathPattern::parse(written).expect_err(written);
            assert!(message.contains(part), "{written}: {message}");
        }
    }

    #[test]
    fn only_folders_that_the_pattern_can_make_are_its_own() {
        let pattern = PathPattern::parse("/srv/by-{language}/all/{topic}").expect("it is right");
        assert!(pattern.fits(0, "by-ru") && !pattern.fits(0, "other"));
        assert!(pattern.fits(1, "all") && !pattern.fits(1, "al"));
        assert!(pattern.fits(2, "energy") && !pattern.fits(2, ".git") && !pattern.fits(3, "x"));
    }
}
