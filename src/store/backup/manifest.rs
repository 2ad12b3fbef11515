//! What a backup holds: `backup.json`, with the length and the SHA-256 of every file.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::super::errors::at;
use super::super::format::STORE_FORMAT;
use super::super::sync_folder;
use super::{BackupError, Tell, tell_or_stop};
use crate::model::Seq;

/// The manifest's name in a backup.
pub const MANIFEST_FILE: &str = "backup.json";

/// Name and version of the manifest's form.
const FORM: &str = "chapar.backup/1";

/// Largest manifest that is read: 100,000 files are 10 TB of log.
const MANIFEST_BYTES_MAX: u64 = 16 << 20;

/// Bytes read or written at once.
const BLOCK_BYTES: usize = 1 << 20;

/// A backup's `backup.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Always [`FORM`].
    pub backup: String,
    /// Version of chapar that made it.
    pub chapar: String,
    /// Format of the store in it.
    pub store_format: u32,
    /// When it was made.
    pub made_at: Timestamp,
    /// Its newest record.
    pub last_seq: Seq,
    /// Records in it.
    pub records: u64,
    /// Every other file.
    pub files: Vec<BackupFile>,
}

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BackupFile {
    /// Path in the backup.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 in lower-case hexadecimal.
    pub sha256: String,
}

impl BackupFile {
    /// Its path, where it stays inside of the backup.
    pub fn place(&self) -> Option<&Path> {
        let path = Path::new(&self.path);
        let is_inside = path.components().all(|part| matches!(part, Component::Normal(_)));
        let is_ours = path.starts_with("log") || path.starts_with("sled") || path == Path::new("format");
        (is_inside && is_ours).then_some(path)
    }
}

impl Manifest {
    /// What lies in a folder.
    pub fn of_folder(folder: &Path, tell: &mut Tell<'_>) -> Result<Self, BackupError> {
        let mut files = Vec::new();
        for path in files_in(folder).map_err(at(folder))? {
            tell_or_stop(tell, "reading files", files.len() as u64, 0)?;
            let mut file = File::open(folder.join(&path)).map_err(at(&path))?;
            let (bytes, sha256) = copy_hashed(&mut file, &mut io::sink()).map_err(at(&path))?;
            files.push(BackupFile { path: path.to_string_lossy().into_owned(), bytes, sha256 });
        }
        let (backup, chapar) = (FORM.to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        let (made_at, last_seq, records) = (Timestamp::UNIX_EPOCH, Seq(0), 0);
        Ok(Self { backup, chapar, store_format: STORE_FORMAT, made_at, last_seq, records, files })
    }

    /// Writes it into a folder, durably.
    pub fn write(&self, folder: &Path) -> Result<(), BackupError> {
        let path = folder.join(MANIFEST_FILE);
        let write = || {
            let mut file = File::create(&path)?;
            serde_json::to_writer_pretty(&mut file, self)?;
            writeln!(file)?;
            file.sync_all()?;
            sync_folder(folder)
        };
        Ok(write().map_err(at(&path))?)
    }

    /// Reads that of a backup.
    ///
    /// # Errors
    /// In words: what is missing or wrong.
    pub fn read(folder: &Path) -> Result<Self, String> {
        let mut text = String::new();
        let file = File::open(folder.join(MANIFEST_FILE)).map_err(|error| format!("{MANIFEST_FILE}: {error}"))?;
        let read = file.take(MANIFEST_BYTES_MAX).read_to_string(&mut text);
        read.map_err(|error| format!("{MANIFEST_FILE}: {error}"))?;
        let manifest: Self = serde_json::from_str(&text).map_err(|error| format!("{MANIFEST_FILE}: {error}"))?;
        if manifest.backup != FORM {
            return Err(format!("{MANIFEST_FILE} is of the form {:?}, this chapar knows {FORM}", manifest.backup));
        }
        match manifest.files.iter().find(|file| file.place().is_none()) {
            Some(file) => Err(format!("{MANIFEST_FILE} names {:?}, which is no file of a store", file.path)),
            None => Ok(manifest),
        }
    }
}

/// Copies to the end; the length and the SHA-256 of what was copied.
pub fn copy_hashed(from: &mut impl Read, to: &mut impl Write) -> io::Result<(u64, String)> {
    let (mut hasher, mut block, mut bytes) = (Sha256::new(), vec![0; BLOCK_BYTES], 0);
    loop {
        let read = match from.read(&mut block) {
            Ok(0) => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        hasher.update(&block[..read]);
        to.write_all(&block[..read])?;
        bytes += read as u64;
    }
    Ok((bytes, data_encoding::HEXLOWER.encode(&hasher.finalize())))
}

/// Every file below a folder, by its path from there, in order.
fn files_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let (mut files, mut folders) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(inner) = folders.pop() {
        for entry in fs::read_dir(folder.join(&inner))? {
            let entry = entry?;
            let path = inner.join(entry.file_name());
            if entry.file_type()?.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    Ok(files)
}
