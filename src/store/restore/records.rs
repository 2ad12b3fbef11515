//! Records in the files of a directory output: `*.ndjson`, also compressed as `.zst`, in a folder and below it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Deserialize;

use super::RestoreError;
use crate::model::{ArticleId, Seq};
use crate::record::SCHEMA;
use crate::store::backup::Tell;
use crate::store::errors::at;
use crate::store::{Progress, Store};

/// Folders below an output's folder that are looked into.
const DEPTH_MAX: usize = 16;

/// Longest line: a record is smaller than the largest page.
const LINE_BYTES_MAX: u64 = 64 << 20;

/// What of a record is looked at.
#[derive(Deserialize)]
struct Stamp {
    schema: String,
    seq: Seq,
    id: ArticleId,
    recorded_at: Timestamp,
}

/// A record that the backup should have, too.
struct Known {
    file: PathBuf,
    seq: Seq,
    id: ArticleId,
    recorded_at: Timestamp,
}

/// The records beyond the end of a log, and where each lies.
pub struct Found {
    files: Vec<PathBuf>,
    places: BTreeMap<Seq, Place>,
    /// The first and the last of each file that are in the backup.
    known: Vec<Known>,
}

/// Where a record lies.
#[derive(Clone, Copy)]
pub struct Place {
    /// Its number.
    pub seq: Seq,
    file: usize,
    offset: u64,
    length: u64,
}

impl Found {
    /// Looks through outputs' folders for records beyond `after`. Compressed files with any are unpacked into a folder.
    ///
    /// # Errors
    /// A line that is no record, two different records of one number, a folder that is not there or has no files of an
    /// output.
    pub fn in_folders(
        folders: &[PathBuf],
        after: Seq,
        unpacked: &Path,
        tell: &mut Tell<'_>,
    ) -> Result<Self, RestoreError> {
        let mut found = Self { files: Vec::new(), places: BTreeMap::new(), known: Vec::new() };
        for folder in folders {
            fs::read_dir(folder).map_err(at(folder))?;
            let files = files_in(folder)?;
            if files.is_empty() {
                let message = format!("{}: it holds no NDJSON file of an output", folder.display());
                return Err(RestoreError::Records(message));
            }
            for path in files {
                tell(&Progress { step: "looking for records".to_owned(), done: found.places.len() as u64, total: 0 });
                found.look_through(&path, after, unpacked)?;
            }
        }
        Ok(found)
    }

    fn look_through(&mut self, path: &Path, after: Seq, unpacked: &Path) -> Result<(), RestoreError> {
        let plain = if packing(path) == Some(true) {
            fs::create_dir_all(unpacked).map_err(at(unpacked))?;
            let plain = unpacked.join(format!("{}.ndjson", self.files.len()));
            let mut file = File::create(&plain).map_err(at(&plain))?;
            match io::copy(&mut *open(path)?, &mut file) {
                // A torn last frame: its records were never delivered.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
                copied => drop(copied.map_err(at(path))?),
            }
            plain
        } else {
            path.to_owned()
        };
        let file = self.files.len();
        let (mut places, mut first, mut last) = (Vec::new(), None, None);
        each_record(path, &mut *open(&plain)?, |offset, stamp, length| {
            if stamp.seq > after {
                places.push(Place { seq: stamp.seq, file, offset, length });
            } else {
                let Stamp { seq, id, recorded_at, .. } = stamp;
                let known = Known { file: path.to_owned(), seq, id, recorded_at };
                if first.is_none() { first = Some(known) } else { last = Some(known) }
            }
            Ok(())
        })?;
        self.known.extend(first.into_iter().chain(last));
        if places.is_empty() {
            return Ok(());
        }
        self.files.push(plain);
        for place in places {
            if let Some(known) = self.places.get(&place.seq)
                && self.line(known)? != self.line(&place)?
            {
                let message = format!(
                    "{}: record {} is another one there than in the other files; these outputs are not of one log",
                    path.display(),
                    place.seq
                );
                return Err(RestoreError::Records(message));
            }
            self.places.insert(place.seq, place);
        }
        Ok(())
    }

    /// Compares the records that the backup has, too, with its log.
    ///
    /// # Errors
    /// Another record under the same number; no record in common, unless that is to be taken.
    pub fn compare(&self, store: &Store, is_forced: bool) -> Result<(), RestoreError> {
        let mut common = 0;
        for known in &self.known {
            let Some(line) = store.line(known.seq)? else { continue };
            let ours: Option<Stamp> = serde_json::from_str(&line).ok();
            if ours.is_none_or(|ours| (ours.id, ours.recorded_at) != (known.id, known.recorded_at)) {
                let message = format!(
                    "{}: record {} is another one there than in the backup; the output is of another store",
                    known.file.display(),
                    known.seq
                );
                return Err(RestoreError::Records(message));
            }
            common += 1;
        }
        if common > 0 || is_forced || store.last_seq() == Seq(0) {
            return Ok(());
        }
        let message = "none of the outputs' records is in the backup, too, so they may be of another store; --force takes \
                       them all the same";
        Err(RestoreError::Records(message.to_owned()))
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// The highest number; 0 for none.
    pub fn highest(&self) -> Seq {
        self.places.last_key_value().map(|(seq, _)| *seq).unwrap_or_default()
    }

    /// In the order of their numbers.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        self.places.values()
    }

    /// A record's line, without its end.
    pub fn line(&self, place: &Place) -> Result<String, RestoreError> {
        let path = &self.files[place.file];
        let read = || {
            let mut file = File::open(path)?;
            file.seek(SeekFrom::Start(place.offset))?;
            let mut line = vec![0; usize::try_from(place.length).map_err(io::Error::other)?];
            file.read_exact(&mut line)?;
            String::from_utf8(line).map_err(io::Error::other)
        };
        Ok(read().map_err(at(path))?)
    }
}

/// An output's files, in order; links are not followed.
fn files_in(folder: &Path) -> Result<Vec<PathBuf>, RestoreError> {
    let (mut files, mut folders) = (Vec::new(), vec![(folder.to_owned(), 0)]);
    while let Some((folder, depth)) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries.map_err(at(&folder))?,
        };
        for entry in entries {
            let entry = entry.map_err(at(&folder))?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(at(&folder))?);
            if kind.is_dir() && depth < DEPTH_MAX {
                folders.push((path, depth + 1));
            } else if kind.is_file() && packing(&path).is_some() {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Whether a file of records is compressed; `None` for another file. Also one that is not finished has records that were
/// delivered; lines of other forms are no records.
fn packing(path: &Path) -> Option<bool> {
    let name = path.file_name()?.to_str()?;
    let name = name.strip_prefix('.').and_then(|name| name.strip_suffix(".part")).unwrap_or(name);
    let (name, is_packed) = name.strip_suffix(".zst").map_or((name, false), |name| (name, true));
    let form = name.strip_suffix(".ndjson")?;
    let is_of_records = ![".jsonfeed", ".ninjs"].iter().any(|other| form.ends_with(other));
    is_of_records.then_some(is_packed)
}

fn open(path: &Path) -> Result<Box<dyn BufRead>, RestoreError> {
    let file = File::open(path).map_err(at(path))?;
    Ok(if packing(path) == Some(true) {
        Box::new(BufReader::new(zstd::Decoder::new(file).map_err(at(path))?))
    } else {
        Box::new(BufReader::with_capacity(1 << 20, file))
    })
}

/// Hands each whole line to `visit`, with its place and its length without the end. A torn last line is left out: its
/// record was never delivered.
fn each_record(
    path: &Path,
    file: &mut dyn BufRead,
    mut visit: impl FnMut(u64, Stamp, u64) -> Result<(), RestoreError>,
) -> Result<(), RestoreError> {
    let (mut offset, mut line) = (0, Vec::new());
    for number in 1_u64.. {
        line.clear();
        let length = match (&mut *file).take(LINE_BYTES_MAX).read_until(b'\n', &mut line) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
            read => read.map_err(at(path))? as u64,
        };
        if line.last() != Some(&b'\n') && length < LINE_BYTES_MAX {
            break;
        }
        let stamp: Stamp = serde_json::from_slice(&line)
            .ok()
            .filter(|stamp: &Stamp| stamp.schema == SCHEMA)
            .ok_or_else(|| RestoreError::Records(format!("{}: line {number} is no record", path.display())))?;
        visit(offset, stamp, length - 1)?;
        offset += length;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_not_finished_are_read_and_those_of_other_forms_are_not() {
        let names = [
            ("records-2026-11-22-000.ndjson", Some(false)),
            ("all.of.it.ndjson", Some(false)),
            ("records-2026-11-22-001.ndjson.zst", Some(true)),
            (".records-2026-11-22-002.ndjson.part", Some(false)),
            (".records-2026-11-22-002.ndjson.zst.part", Some(true)),
            ("records-2026-11-22-000.jsonfeed.ndjson", None),
            (".records-2026-11-22-000.ninjs.ndjson.zst.part", None),
            ("records-2026-11-22-000.csv", None),
            ("records-2026-11-22-000.ndjson.bak", None),
            ("ndjson", None),
        ];
        for (name, packed) in names {
            assert_eq!(packing(&Path::new("/records").join(name)), packed, "{name}");
        }
    }
}
