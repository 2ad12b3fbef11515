//! Which layout a store's folder has: said in sled, and in a file beside it, since sled can be lost.
//!
//! An older store is brought to the present format step by step ([`MIGRATIONS`]); a newer one is refused before anything
//! in it is touched.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use super::{StoreError, Tables, sync_folder};
use crate::faults::{self, Point};

/// Version of the layout in the folder; a newer one is refused.
pub const STORE_FORMAT: u32 = 1;

/// The file that says the format.
pub const FORMAT_FILE: &str = "format";

/// Longest content of that file that is looked at.
const FORMAT_BYTES_MAX: u64 = 64;

/// A step from one format to the next. It may be taken again after a crash, over what it has done already.
type Migration = (u32, fn(&Tables) -> Result<(), StoreError>);

/// Every step there is, by the format it begins with. A format's stores are kept in `tests/fixtures`.
const MIGRATIONS: &[Migration] = &[];

/// What a store's folder says.
#[derive(Debug, PartialEq)]
pub enum Format {
    /// The tables were made just now.
    New,
    /// They are of the present format.
    Known,
    /// They were brought to it from this one.
    Migrated(u32),
}

/// Refuses a folder whose file says that it is newer than this program, or says no format.
pub fn check_file(folder: &Path) -> Result<(), StoreError> {
    read_file(folder, STORE_FORMAT).map(drop)
}

/// The format in a folder's file; `None` where there is none, as in stores written before there was one.
fn read_file(folder: &Path, present: u32) -> Result<Option<u32>, StoreError> {
    let path = folder.join(FORMAT_FILE);
    let mut bytes = Vec::new();
    match File::open(&path).and_then(|file| file.take(FORMAT_BYTES_MAX).read_to_end(&mut bytes)) {
        Ok(_) => known(&bytes, present, folder)?.map(Some).ok_or_else(|| {
            let found = String::from_utf8_lossy(&bytes).trim().to_owned();
            StoreError::FormatFile { path, found }
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StoreError::Io { path, source }),
    }
}

/// The format that is said; `None` for what is no number of one.
fn known(said: &[u8], present: u32, folder: &Path) -> Result<Option<u32>, StoreError> {
    let text = String::from_utf8_lossy(said);
    let digits = text.trim();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) || digits.starts_with('0') {
        return Ok(None);
    }
    match digits.parse() {
        Ok(format) if format <= present => Ok(Some(format)),
        _ => Err(StoreError::Newer { path: folder.to_owned(), found: digits.to_owned() }),
    }
}

/// Brings the tables to the present format, and has both places say so.
pub(super) fn settle(tables: &Tables, folder: &Path) -> Result<Format, StoreError> {
    settle_by(MIGRATIONS, STORE_FORMAT, tables, folder)
}

fn settle_by(steps: &[Migration], present: u32, tables: &Tables, folder: &Path) -> Result<Format, StoreError> {
    let in_file = read_file(folder, present)?;
    let in_tables = tables.meta.get("format")?;
    let unreadable = || StoreError::Row("the format of the store".to_owned());
    let in_tables = in_tables.map(|row| known(&row, present, folder)?.ok_or_else(unreadable)).transpose()?;
    // Rebuilt tables are of the present format, whatever the log is in.
    let format = match in_tables {
        None => Format::New,
        Some(found) if found == present => Format::Known,
        Some(found) => {
            for (from, step) in steps.iter().filter(|(from, _)| *from >= found) {
                step(tables)?;
                tables.meta.insert("format", (from + 1).to_string().as_bytes())?;
                tables.db.flush()?;
            }
            Format::Migrated(found)
        }
    };
    if format == Format::New {
        tables.meta.insert("format", present.to_string().as_bytes())?;
    }
    if in_file != Some(present) {
        write_file(folder, present)?;
    }
    Ok(format)
}

/// Writes the file beside and renames it.
pub(super) fn write_file(folder: &Path, format: u32) -> Result<(), StoreError> {
    let (path, part) = (folder.join(FORMAT_FILE), folder.join("format.part"));
    let write = || {
        let mut file = File::create(&part)?;
        writeln!(file, "{format}")?;
        file.sync_all()?;
        faults::pass(Point::FORMAT_WRITTEN)?;
        std::fs::rename(&part, &path)?;
        sync_folder(folder)
    };
    write().map_err(|source| StoreError::Io { path: path.clone(), source })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn tables(folder: &Path) -> Tables {
        Tables::open(&sled::Config::new().path(folder.join("sled")).open().unwrap()).unwrap()
    }

    #[test]
    fn a_store_says_its_format_in_both_places_and_a_newer_one_is_told_from_a_damaged_one() {
        let folder = tempfile::tempdir().unwrap();
        let tables = tables(folder.path());
        assert_eq!(settle(&tables, folder.path()).unwrap(), Format::New);
        assert_eq!(std::fs::read_to_string(folder.path().join(FORMAT_FILE)).unwrap(), "1\n");
        std::fs::remove_file(folder.path().join(FORMAT_FILE)).unwrap();
        assert_eq!(settle(&tables, folder.path()).unwrap(), Format::Known);
        assert_eq!(read_file(folder.path(), 1).unwrap(), Some(1), "written where it was missing");
        let refused = |said: &[u8]| {
            std::fs::write(folder.path().join(FORMAT_FILE), said).unwrap();
            check_file(folder.path()).err().unwrap()
        };
        for newer in ["2\n", "10", "99999999999"] {
            let refused = refused(newer.as_bytes()).to_string();
            assert!(refused.contains("install a newer chapar"), "{refused}");
        }
        for junk in [b"one".as_slice(), b"", b"0", b"-1", b"1.1", b"\x1b[31m", b"\xff\x00\x01", b"+1"] {
            let refused = refused(junk);
            assert!(matches!(refused, StoreError::FormatFile { .. }), "{refused}");
            let refused = refused.to_string();
            assert!(refused.contains("damaged; remove it") && !refused.contains('\u{1b}'), "{refused}");
        }
        write_file(folder.path(), 1).unwrap();
        tables.meta.insert("format", "2").unwrap();
        assert!(matches!(settle(&tables, folder.path()), Err(StoreError::Newer { .. })));
    }

    #[test]
    fn an_older_store_takes_every_step_and_takes_one_again_that_broke_off() {
        fn first(tables: &Tables) -> Result<(), StoreError> {
            tables.meta.insert("steps", "1")?;
            Ok(())
        }
        fn second(tables: &Tables) -> Result<(), StoreError> {
            match tables.meta.insert("steps", "12")? {
                Some(before) if before == "1" => Err(StoreError::Row("it breaks off once".to_owned())),
                _ => Ok(()),
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let tables = tables(folder.path());
        tables.meta.insert("format", "1").unwrap();
        let steps: &[Migration] = &[(1, first), (2, second)];
        assert!(settle_by(steps, 3, &tables, folder.path()).is_err());
        assert_eq!(read_file(folder.path(), 1).unwrap(), None, "said when all is done");
        assert_eq!(tables.meta.get("format").unwrap().unwrap(), "2", "the first step stands");
        assert_eq!(settle_by(steps, 3, &tables, folder.path()).unwrap(), Format::Migrated(2));
        assert_eq!(read_file(folder.path(), 3).unwrap(), Some(3));
        assert_eq!(tables.meta.get("format").unwrap().unwrap(), "3");
    }
}
