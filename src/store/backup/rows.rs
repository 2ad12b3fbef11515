//! The rows of sled on their way into another: read one after the other into a file, which is fast, and written from
//! there into a fresh sled, which is not.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use sled::Db;

use super::super::Tables;
use super::super::errors::at;
use super::{BackupError, Tell, tell_or_stop};

/// Between two tellings of how far it is.
const ROWS_TOLD: u64 = 20_000;

/// Longest name, key or row that is read back. The file is our own and seconds old; a row is smaller than a page.
const PART_BYTES_MAX: u32 = 1 << 30;

/// The trees of which the rows are records.
const POSITIONS: &[u8] = b"positions";

/// The tree that is read before all others: of what belongs to a cursor, nothing may be older than it.
const CURSORS: &[u8] = b"cursors";

/// Writes every row: the tree's name, the key and the row, each with its length before it.
pub fn write(tables: &Tables, path: &Path, tell: &mut Tell<'_>) -> Result<(), BackupError> {
    let failed = at(path);
    let mut file = BufWriter::with_capacity(1 << 20, File::create_new(path).map_err(&failed)?);
    let mut rows = 0;
    let mut names = tables.db.tree_names();
    names.sort_by_key(|name| *name != CURSORS);
    for name in names {
        for row in &tables.db.open_tree(&name)? {
            let (key, row) = row?;
            for part in [&name, &key, &row] {
                let length = u32::try_from(part.len()).map_err(io::Error::other).map_err(&failed)?;
                file.write_all(&length.to_be_bytes()).map_err(&failed)?;
                file.write_all(part).map_err(&failed)?;
            }
            rows += 1;
            if rows % ROWS_TOLD == 0 {
                tell_or_stop(tell, "reading rows", rows, 0)?;
            }
        }
    }
    // What is buffered is written here; it needs no sync, since nothing of it outlives this backup.
    Ok(file.flush().map_err(&failed)?)
}

/// Enters the rows into a fresh sled; says how many records they know.
pub fn read(path: &Path, db: &Db, tell: &mut Tell<'_>) -> Result<u64, BackupError> {
    let failed = at(path);
    let file = File::open(path).map_err(&failed)?;
    let total = file.metadata().map_err(&failed)?.len();
    let mut file = BufReader::with_capacity(1 << 20, file);
    let (mut rows, mut done, mut records) = (0, 0, 0);
    let mut tree = None;
    while let Some(name) = part(&mut file).map_err(&failed)? {
        let end = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let key = part(&mut file).and_then(|key| key.ok_or_else(end)).map_err(&failed)?;
        let row = part(&mut file).and_then(|row| row.ok_or_else(end)).map_err(&failed)?;
        done += (name.len() + key.len() + row.len() + 12) as u64;
        records += u64::from(name == POSITIONS);
        let tree = match &tree {
            Some((known, tree)) if *known == name => tree,
            _ => &tree.insert((name.clone(), db.open_tree(&name)?)).1,
        };
        tree.insert(key, row)?;
        rows += 1;
        if rows % ROWS_TOLD == 0 {
            tell_or_stop(tell, "writing tables", done, total)?;
        }
    }
    Ok(records)
}

/// The next part; `None` at the end of the file.
fn part(file: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    match file.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        answer => answer?,
    }
    let length = u32::from_be_bytes(length);
    if length > PART_BYTES_MAX {
        return Err(io::Error::from(io::ErrorKind::InvalidData));
    }
    let mut part = vec![0; length as usize];
    file.read_exact(&mut part)?;
    Ok(Some(part))
}
