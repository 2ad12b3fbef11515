//! The newest records as one file, Atom or JSON Feed, that feed readers subscribe to.
//!
//! invariant: whoever reads the file reads a whole feed: a new one takes the place of the old one by a rename.
//! invariant: the file follows from the records that match the filter, up to the cursor, and from nothing else. An article
//! whose newest version does not match stays with the version that did, until newer articles take its place.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use url::Url;

use crate::faults::{self, Point};
use crate::formats::{FeedHead, atom, jsonfeed, urn, urn_of};
use crate::model::{ArticleId, Seq, SourceId};
use crate::record::{Event, Record};
use crate::search::Query;
use crate::settings::{FeedContent, FeedForm, FeedSettings};
use crate::store::{Store, StoreError, sync_folder};

use super::Line;

/// Records that are read at start to find the newest entries: some seconds. What lies further back is found by the old
/// file.
const SCANNED_RECORDS_MAX: u64 = 50_000;

/// Versions of an article that are read to find the one that matches.
const VERSIONS_MAX: usize = 50;

/// Bytes of a text, and of all texts: readers fetch the whole file again and again.
const TEXT_BYTES_MAX: usize = 256 << 10;
const TEXTS_BYTES_MAX: usize = 8 << 20;

/// Bytes of the old file that are looked at.
const OLD_BYTES_MAX: u64 = 64 << 20;

/// What an entry's id follows in an Atom file of ours, and an item's in a JSON Feed.
const ID_MARKS: [&str; 2] = ["<id>", "\"id\":\""];

/// Characters of an article's id.
const ID_CHARS: usize = 26;

/// What an article's URI has of its id unchanged, in hexadecimal digits and in characters of the id, and where.
const URN_START: &str = "urn:uuid:";
const URN_BYTES: usize = 5;
const URN_ID_CHARS: usize = 8;

/// Articles whose ids begin alike that are looked at; there is hardly ever a second.
const URN_CANDIDATES_MAX: usize = 16;

/// The file and what is in it.
#[derive(Debug)]
pub struct Feed {
    settings: FeedSettings,
    title: String,
    id: String,
    /// Newest first.
    records: Vec<Record>,
    is_written: bool,
}

impl Feed {
    /// The feed as it is up to a record, found in the store.
    pub fn open(
        settings: &FeedSettings,
        output: &SourceId,
        store: &Store,
        filter: &Query,
        up_to: Seq,
    ) -> io::Result<Self> {
        let mut feed = Self {
            title: settings.title.clone().unwrap_or_else(|| format!("chapar: {output}")),
            id: urn_of(&format!("output {output}")),
            settings: settings.clone(),
            records: Vec::new(),
            is_written: false,
        };
        let old = read_old(&settings.path).map_err(|error| feed.named(&error))?;
        feed.rebuild(store, filter, up_to, &old).map_err(io::Error::other)?;
        feed.is_written = !feed.records.is_empty() && feed.document()? == old;
        Ok(feed)
    }

    /// Takes the records in. The file is written when all that is committed is taken, and not for each commit of a backlog;
    /// what a kill keeps from it is written at the next start.
    pub fn deliver(&mut self, lines: &[Line<'_>]) -> io::Result<()> {
        let (before, was_written) = (self.named_records(), self.is_written);
        for line in lines {
            self.take(line.record()?);
        }
        self.cut();
        // New labels of articles that are too old for it change nothing.
        self.is_written = was_written && self.named_records() == before;
        Ok(())
    }

    fn named_records(&self) -> Vec<(ArticleId, Seq)> {
        self.records.iter().map(|record| (record.id, record.seq)).collect()
    }

    fn rebuild(&mut self, store: &Store, filter: &Query, up_to: Seq, old: &str) -> Result<(), StoreError> {
        let mut settled = HashSet::new();
        let (mut at, mut scanned, mut found) = (up_to.0, 0, 0);
        while at > 0 && scanned < SCANNED_RECORDS_MAX && found < self.settings.entries {
            let Some(frame) = store.frame_before(Seq(at))? else { break };
            for (_, text) in frame.lines().rev().filter(|(seq, _)| seq.0 <= at) {
                scanned += 1;
                let Some(record) = matching(text, filter).filter(|record| settled.insert(record.id)) else { continue };
                // Labels that changed say nothing of an article's age.
                found += usize::from(!matches!(record.event, Event::Relabel | Event::Withdrawn));
                self.take(&record);
            }
            // Relabels are not counted, and there may be many: no more is held than the feed will have.
            self.cut();
            at = frame.first.0 - 1;
        }
        for named in named_in(old).take(self.settings.entries) {
            let Some(id) = named.find(store)?.filter(|id| !settled.contains(id)) else { continue };
            let versions = store.versions(id)?;
            for (_, seq) in versions.into_iter().rev().filter(|(_, seq)| *seq <= up_to).take(VERSIONS_MAX) {
                if let Some(record) = store.line(seq)?.and_then(|text| matching(&text, filter)) {
                    self.take(&record);
                    break;
                }
            }
        }
        self.cut();
        Ok(())
    }

    /// Takes a record in: it replaces what is there of its article, unless that is newer.
    fn take(&mut self, record: &Record) {
        if self.records.iter().any(|there| there.id == record.id && there.seq > record.seq) {
            return;
        }
        self.records.retain(|there| there.id != record.id);
        if record.event != Event::Withdrawn {
            let mut record = record.clone();
            if self.settings.content == FeedContent::Summary {
                record.content_text = record.summary.clone().or_else(|| record.title.clone()).unwrap_or_default();
            }
            record.content_text.truncate(record.content_text.floor_char_boundary(TEXT_BYTES_MAX));
            self.records.push(record);
        }
    }

    /// Leaves the newest: by when their texts were had, so that new labels make no old article new.
    fn cut(&mut self) {
        self.records.sort_by_key(|record| std::cmp::Reverse((record.fetch.at, record.seq)));
        let mut bytes = 0;
        let fitting = self.records.iter().take(self.settings.entries).take_while(|record| {
            bytes += record.content_text.len();
            bytes <= TEXTS_BYTES_MAX
        });
        let fitting = fitting.count();
        self.records.truncate(fitting);
    }

    fn document(&self) -> io::Result<String> {
        let FeedSettings { home, url, .. } = &self.settings;
        let newest = self.records.iter().map(|record| record.recorded_at).max();
        let head = FeedHead {
            id: &self.id,
            title: &self.title,
            home: home.as_ref().map(Url::as_str),
            address: url.as_ref().map(Url::as_str),
            updated: newest.unwrap_or_else(crate::activity::now),
        };
        match self.settings.form {
            FeedForm::Atom => Ok(atom::document(&head, &self.records)),
            FeedForm::JsonFeed => Ok(jsonfeed::document(&head, &self.records)?),
        }
    }

    /// Writes the file where it is another.
    pub fn write(&mut self) -> io::Result<()> {
        if self.is_written {
            return Ok(());
        }
        replace(&self.settings.path, self.document()?.as_bytes()).map_err(|error| self.named(&error))?;
        self.is_written = true;
        Ok(())
    }

    fn named(&self, error: &io::Error) -> io::Error {
        io::Error::new(error.kind(), format!("{}: {error}", self.settings.path.display()))
    }
}

/// A line's record, where it matches.
fn matching(text: &str, filter: &Query) -> Option<Record> {
    let record: Record = serde_json::from_str(text).ok()?;
    filter.matches(&record).then_some(record)
}

/// The file as it is; nothing where there is none.
fn read_old(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(file) if file.metadata()?.is_file() => drop(file.take(OLD_BYTES_MAX).read_to_end(&mut bytes)?),
        Ok(_) => return Err(io::Error::other("it is no file; move it away")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// An article as a feed of ours names it.
#[derive(Debug, PartialEq)]
enum Named {
    Id(ArticleId),
    /// Its URI, and how its id begins.
    Urn(String, String),
}

impl Named {
    fn find(self, store: &Store) -> Result<Option<ArticleId>, StoreError> {
        match self {
            Self::Id(id) => Ok(Some(id)),
            Self::Urn(name, start) => {
                let found = store.seen_by_prefix(&start, URN_CANDIDATES_MAX)?;
                Ok(found.into_iter().map(|(id, _)| id).find(|id| urn(*id) == name))
            }
        }
    }
}

/// The articles that a feed of ours names.
fn named_in(feed: &str) -> impl Iterator<Item = Named> {
    let named = ID_MARKS.into_iter().flat_map(|mark| feed.split(mark).skip(1));
    named.filter_map(|rest| {
        let name = rest.split(['<', '"']).next()?;
        match name.strip_prefix(URN_START) {
            Some(digits) => {
                let bytes = HEXLOWER.decode(digits.replace('-', "").get(..2 * URN_BYTES)?.as_bytes()).ok()?;
                let mut id = [0; 16];
                id[..URN_BYTES].copy_from_slice(&bytes);
                Some(Named::Urn(name.to_owned(), ArticleId(id).to_string().get(..URN_ID_CHARS)?.to_owned()))
            }
            None if name.len() == ID_CHARS => name.parse().ok().map(Named::Id),
            None => None,
        }
    })
}

/// Puts a file in another's place, whole and durably. It keeps the rights of the old one, which may be those of a web
/// server.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = beside(path);
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // Made anew: what somebody laid there, such as a link, is not written through.
    let mut file = OpenOptions::new().write(true).create_new(true).open(&new)?;
    let (first_half, rest) = bytes.split_at(bytes.len() / 2);
    let written = file
        .write_all(first_half)
        .and_then(|()| faults::pass(Point::FEED_TORN))
        .and_then(|()| file.write_all(rest))
        .and_then(|()| match fs::metadata(path) {
            Ok(old) => file.set_permissions(old.permissions()),
            Err(_) => Ok(()),
        })
        .and_then(|()| file.sync_all())
        .and_then(|()| faults::pass(Point::FEED_RENAME))
        .and_then(|()| fs::rename(&new, path));
    if let Err(error) = written {
        // Best effort: the next attempt removes it, too.
        let _ = fs::remove_file(&new);
        return Err(error);
    }
    faults::pass(Point::FEED_RENAMED)?;
    sync_folder(folder_of(path))
}

/// The name under which a new file is written.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.new"))
}

/// The folder of a feed's file.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_link_laid_under_the_new_name_is_not_written_through_and_rights_are_kept() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (path, victim) = (folder.path().join("f.atom"), folder.path().join("victim"));
        fs::write(&victim, "mine").unwrap();
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o604)).unwrap();
        std::os::unix::fs::symlink(&victim, beside(&path)).unwrap();
        replace(&path, b"new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::read_to_string(&victim).unwrap(), "mine");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o604);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left beside it");
    }

    fn record(id: char, seq: u64, event: &str, fetched: &str) -> Record {
        let record = serde_json::json!({
            "schema": "chapar.record/1", "seq": seq, "id": format!("{id:a<26}"), "version": 1, "event": event,
            "recorded_at": "2026-11-22T10:00:00Z", "url": "https://example.org/a", "content_text": "The canal is open.",
            "language": "en", "language_confidence": 1.0, "word_count": 4,
            "source": {"id": "canal", "name": "Canal", "kind": "feed", "feed_url": "https://example.org/feed"},
            "fetch": {"at": fetched, "final_url": "https://example.org/a", "status": 200, "bytes": 10},
            "extract": {"path": "blocks", "confidence": 1.0}, "dedup": {"text_digest": "0".repeat(32)},
            "rules": {"digest": "x"}, "chapar": "0.1.0"
        });
        serde_json::from_value(record).unwrap()
    }

    #[test]
    fn an_article_is_there_once_goes_when_it_is_withdrawn_and_new_labels_make_none_newer() {
        let folder = tempfile::tempdir().unwrap();
        let settings = FeedSettings {
            path: folder.path().join("f.atom"),
            form: FeedForm::Atom,
            title: None,
            entries: 3,
            content: FeedContent::Summary,
            home: None,
            url: None,
        };
        let (id, title) = (String::new(), String::new());
        let mut feed = Feed { settings, title, id, records: Vec::new(), is_written: false };
        let mut check = |records: &[Record], expected: &[u64]| {
            records.iter().for_each(|record| feed.take(record));
            feed.cut();
            let seqs: Vec<u64> = feed.records.iter().map(|record| record.seq.0).collect();
            assert_eq!(seqs, expected);
        };
        let (morning, noon, night) = ("2026-11-22T06:00:00Z", "2026-11-22T12:00:00Z", "2026-11-22T22:00:00Z");
        check(&[record('a', 1, "new", morning), record('b', 2, "new", noon)], &[2, 1]);
        check(&[record('a', 3, "update", night)], &[3, 2]);
        check(&[record('a', 1, "new", morning)], &[3, 2]);
        check(&[record('b', 4, "relabel", noon)], &[3, 4]);
        check(&[record('c', 5, "withdrawn", night), record('a', 6, "withdrawn", night)], &[4]);
        check(
            &[record('d', 7, "new", night), record('e', 8, "new", night), record('f', 9, "relabel", morning)],
            &[8, 7, 4],
        );
    }

    #[test]
    fn articles_are_found_in_both_forms_and_other_ids_are_not() {
        let id: ArticleId = "gakw43v4gakw43v4gakw43v4ga".parse().unwrap();
        let name = urn(id);
        let old = format!("<id>{name}</id> <id>urn:uuid:12</id> \"id\":\"{id}\" \"id\":\"aaa\" {id} {name}");
        let named: Vec<Named> = named_in(&old).collect();
        assert_eq!(named, [Named::Urn(name, "gakw43v4".to_owned()), Named::Id(id)]);
    }
}
