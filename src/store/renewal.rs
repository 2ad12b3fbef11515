//! A new sled in the place of one that is damaged, or does not fit the log any more.
//!
//! What the log does not know is copied, as far as it can be read, into the tree `kept` of a new sled beside the old one;
//! then the two change places. What the log knows is entered as at any opening, step by step; at the end the kept rows go
//! where they belong. Stopped at any moment, the next opening goes on: the old sled is in place until the kept rows are
//! durable, and the kept rows stay until all of them are taken.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sled::{Db, IVec};

use super::caught::{Closing, calmly};
use super::segments::{LogEnd, sync_folder};
use super::{Seen, StoreError, Tables, count_key, decode_count, decode_json, opening, rows};
use super::{forgetting, recompressing, retention};
use crate::faults::{self, Point};
use crate::model::{Look, Outcome, Pending, Seq};

/// Tree of the rows that were kept: the name of their tree, a zero, their key.
const KEPT: &str = "kept";

/// Row of `meta` that stands while the log is entered into a new sled.
pub(super) const REBUILDING: &str = "rebuilding";

/// Row of `meta` that stands from a rebuild without any cursor until each output has one again.
pub(super) const CURSORS_LOST: &str = "cursors-lost";

/// Damaged sleds that are kept aside, the newest.
const ASIDE_MAX: usize = 3;

/// How the names of those begin.
pub(super) const ASIDE: &str = "sled.damaged-";

/// Where the new one is made.
pub(super) const BESIDE: &str = "sled.new";

/// Trees whose rows are kept; of the last three, those of articles whose records are not in the log (any more).
const KEPT_TREES: [&str; 13] = [
    "cursors",
    "sources",
    "dead",
    "undelivered",
    "frontier",
    "meta",
    "announced",
    "announcers",
    "templates",
    "days",
    "seen",
    "digests",
    "versions",
];

/// What was kept of an old sled.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kept {
    /// Tree to rows.
    pub rows: Vec<(&'static str, u64)>,
    /// Trees that could not be read to their end.
    pub broken: Vec<&'static str>,
    /// Why nothing at all could be read.
    pub unreadable: Option<String>,
}

impl std::fmt::Display for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(reason) = &self.unreadable {
            return write!(f, "nothing in them could be read ({reason})");
        }
        let names = [
            ("cursors", "cursors"),
            ("sources", "states of sources"),
            ("frontier", "pending entries"),
            ("dead", "dead letters"),
        ];
        let count = |tree: &str| self.rows.iter().find(|(name, _)| *name == tree).map_or(0, |(_, count)| *count);
        let kept: Vec<String> = names.iter().map(|(tree, words)| format!("{} {words}", count(tree))).collect();
        write!(f, "kept are {}", kept.join(", "))?;
        if !self.broken.is_empty() {
            write!(f, "; not all could be read of: {}", self.broken.join(", "))?;
        }
        Ok(())
    }
}

/// Goes on with a renewal that was stopped midway.
pub fn finish(folder: &Path) -> Result<(), StoreError> {
    let (sled, beside) = (folder.join("sled"), folder.join(BESIDE));
    let failed = |source| StoreError::Io { path: beside.clone(), source };
    if !beside.exists() {
        return Ok(());
    }
    if sled.exists() {
        // It was not finished.
        return std::fs::remove_dir_all(&beside).map_err(failed);
    }
    std::fs::rename(&beside, &sled).and_then(|()| sync_folder(folder)).map_err(failed)
}

/// Puts a new sled with the kept rows in the place of the old one; returns what was kept, and where the old one is now.
/// `old` is the old one where it is open already.
pub fn renew(folder: &Path, cache_bytes: u64, old: Option<&Tables>) -> Result<(Kept, PathBuf), StoreError> {
    let (sled, beside) = (folder.join("sled"), folder.join(BESIDE));
    let failed = |source| StoreError::Io { path: beside.clone(), source };
    match std::fs::remove_dir_all(&beside) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    faults::pass(Point::REBUILD_BEGUN).map_err(failed)?;
    let kept = calmly(|| {
        let new = Closing::new(opening::open_when_let_go(&beside, cache_bytes)?);
        let kept = match old {
            Some(old) => keep(&old.db, &new)?,
            None => match calmly(|| Ok(Closing::new(opening::open_when_let_go(&sled, cache_bytes)?))) {
                Ok(old) => keep(&old, &new)?,
                Err(error) => Kept { unreadable: Some(error.to_string()), ..Kept::default() },
            },
        };
        new.open_tree("meta")?.insert(REBUILDING, b"1")?;
        new.flush()?;
        Ok(kept)
    })?;
    sync_folder(&beside).map_err(failed)?;
    faults::pass(Point::REBUILD_KEPT).map_err(failed)?;
    let aside = free_name(folder);
    std::fs::rename(&sled, &aside).and_then(|()| sync_folder(folder)).map_err(failed)?;
    faults::pass(Point::REBUILD_ASIDE).map_err(failed)?;
    std::fs::rename(&beside, &sled).and_then(|()| sync_folder(folder)).map_err(failed)?;
    faults::pass(Point::REBUILD_PLACED).map_err(failed)?;
    remove_oldest_aside(folder);
    Ok((kept, aside))
}

fn free_name(folder: &Path) -> PathBuf {
    let time = Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let names = std::iter::once(time.clone()).chain((2..).map(|number| format!("{time}-{number}")));
    let mut paths = names.map(|name| folder.join(format!("{ASIDE}{name}")));
    paths.find(|path| !path.exists()).unwrap_or_else(|| folder.join(ASIDE))
}

/// What cannot be removed stays.
fn remove_oldest_aside(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut aside: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(ASIDE)))
        .collect();
    aside.sort();
    for path in aside.iter().rev().skip(ASIDE_MAX) {
        let _ = std::fs::remove_dir_all(path);
    }
}

/// Copies what the log does not know. A tree that panics or fails on the way is kept up to there.
fn keep(old: &Db, new: &Db) -> Result<Kept, StoreError> {
    let target = new.open_tree(KEPT)?;
    let mut kept = Kept::default();
    // Where that cannot be read, nothing was removed from the log, as far as is known.
    let removed = calmly(|| Removed::of(old)).unwrap_or_default();
    for name in KEPT_TREES {
        let mut count = 0;
        let copied = calmly(|| {
            let Some(tree) = existing(old, name)? else { return Ok(()) };
            for row in tree.iter() {
                let (key, row) = row?;
                if removed.is_kept(name, &key, &row)? {
                    target.insert([name.as_bytes(), b"\0", &key].concat(), row)?;
                    count += 1;
                }
            }
            Ok(())
        });
        kept.rows.push((name, count));
        if copied.is_err() {
            kept.broken.push(name);
        }
    }
    // Of a renewal that was not at its end, these are what was kept before.
    let copied = calmly(|| {
        let Some(tree) = existing(old, KEPT)? else { return Ok(()) };
        for row in tree.iter() {
            let (key, row) = row?;
            target.insert(key, row)?;
        }
        Ok(())
    });
    if copied.is_err() {
        kept.broken.push(KEPT);
    }
    Ok(kept)
}

/// A tree, without making it.
fn existing(db: &Db, name: &str) -> Result<Option<sled::Tree>, StoreError> {
    let is_there = db.tree_names().iter().any(|tree| tree == name.as_bytes());
    Ok(is_there.then(|| db.open_tree(name)).transpose()?)
}

/// Records that were removed from the log, and are known by their rows only.
#[derive(Default)]
struct Removed {
    /// The first that is in the log.
    begin: Seq,
    seen: Option<sled::Tree>,
}

impl Removed {
    fn of(old: &Db) -> Result<Self, StoreError> {
        let row = existing(old, "meta")?.map(|meta| meta.get(retention::BEGIN)).transpose()?.flatten();
        let begin = row.and_then(|row| rows::decode_seq(&row)).unwrap_or_default();
        Ok(Self { begin, seen: existing(old, "seen")? })
    }

    /// Whether the log does not know what a row says.
    fn is_kept(&self, tree: &str, key: &[u8], row: &[u8]) -> Result<bool, StoreError> {
        let is_of_no_record = |seen: Seen| seen.version == 0 || seen.seq < self.begin;
        Ok(match tree {
            "seen" => Seen::decode(row).is_some_and(is_of_no_record),
            // Of a text, the row is the article that has it.
            "digests" if self.begin > Seq(1) => {
                let owner = self.seen.as_ref().map(|seen| seen.get(row)).transpose()?.flatten();
                owner.and_then(|row| Seen::decode(&row)).is_some_and(|seen| seen.version > 0 && is_of_no_record(seen))
            }
            "versions" => key.get(16..).is_some_and(|seq| seq < self.begin.0.to_be_bytes().as_slice()),
            "digests" => false,
            _ => true,
        })
    }
}

/// What the kept rows say of the log's end and of the counts.
#[derive(Default)]
struct KeptMeta {
    next: u64,
    /// Whether the old tables said where the log ends; then they also said where it begins.
    has_end: bool,
    /// First record that was kept on purpose.
    begin: Option<IVec>,
    outcomes: Vec<(Outcome, u64)>,
}

impl Tables {
    /// Whether the log is being entered into a new sled.
    pub(super) fn is_rebuilding(&self) -> Result<bool, StoreError> {
        Ok(self.meta.contains_key(REBUILDING)?)
    }

    /// Notes that the log is entered into a sled that was empty.
    pub(super) fn begin_rebuilding(&self) -> Result<(), StoreError> {
        Ok(self.meta.insert(REBUILDING, b"1").map(drop)?)
    }

    /// Moves the kept rows to where they belong, when the log is entered: what the log knows counts more. Returns the
    /// number that the next record gets; where they do not say it, so many are left out as are to be spared.
    pub(super) fn take_kept(&self, end: LogEnd, spared: u64) -> Result<Seq, StoreError> {
        let mut told = KeptMeta::default();
        if let Some(kept) = existing(&self.db, KEPT)? {
            for name in KEPT_TREES {
                let prefix = [name.as_bytes(), b"\0"].concat();
                for row in kept.scan_prefix(&prefix) {
                    let (key, row) = row?;
                    self.take(name, &key[prefix.len()..], row, &mut told)?;
                }
            }
        }
        if self.cursors.is_empty() && end != LogEnd::EMPTY {
            self.meta.insert(CURSORS_LOST, b"1")?;
        }
        if told.has_end {
            // The log may begin later by now because its oldest files are lost.
            match &told.begin {
                Some(begin) => self.meta.insert(retention::BEGIN, begin)?,
                None => self.meta.remove(retention::BEGIN)?,
            };
        }
        self.count_anew(&told.outcomes)?;
        let mut next = Seq(told.next.max(end.next.0));
        if told.next == 0 && spared > 0 {
            next = Seq(end.next.0 + spared);
            self.accept_gap(end.next, Seq(next.0 - 1))?;
        }
        self.meta.insert("end", &rows::encode_end(LogEnd { next, ..end }))?;
        self.db.flush()?;
        faults::pass(Point::REBUILD_TAKEN).map_err(sled::Error::Io)?;
        self.db.drop_tree(KEPT)?;
        self.meta.remove(REBUILDING)?;
        self.db.flush()?;
        Ok(next)
    }

    fn take(&self, tree: &str, key: &[u8], row: IVec, told: &mut KeptMeta) -> Result<(), StoreError> {
        let target = match tree {
            "meta" => return self.take_meta(key, &row, told),
            "days" => return self.take_day(key, &row),
            "frontier" => return self.take_pending(key, row),
            "cursors" => {
                // What an output holds was a number of a record, whatever became of the record.
                let cursor = rows::decode_seq(&row).unwrap_or_default();
                told.next = told.next.max(cursor.0.saturating_add(1));
                &self.cursors
            }
            "sources" => &self.sources,
            "dead" => &self.dead,
            "undelivered" => &self.undelivered,
            "announced" => &self.announced,
            "announcers" => &self.announcers,
            "templates" => &self.templates,
            "digests" => &self.digests,
            "versions" => &self.versions,
            _ => &self.seen,
        };
        if !target.contains_key(key)? {
            target.insert(key, row)?;
        }
        Ok(())
    }

    fn take_meta(&self, key: &[u8], row: &IVec, told: &mut KeptMeta) -> Result<(), StoreError> {
        if key == b"end" {
            told.has_end = true;
            told.next = told.next.max(rows::decode_end(row).map_or(0, |end| end.next.0));
        } else if let Some(outcome) = Outcome::ALL.iter().find(|one| key == count_key(one.name()).as_bytes()) {
            told.outcomes.push((*outcome, decode_count(Some(row.clone()))));
        } else if key == retention::BEGIN.as_bytes() {
            told.begin = Some(row.clone());
        } else if key == forgetting::FORGOTTEN.as_bytes() {
            self.note_forgotten(rows::Day::decode(row))?;
        } else if key == recompressing::REACHED.as_bytes() || key.starts_with(super::gaps::ACCEPTED.as_bytes()) {
            self.meta.insert(key, row)?;
        }
        Ok(())
    }

    /// An entry of which the log already has what it was admitted for is pending no more.
    fn take_pending(&self, key: &[u8], row: IVec) -> Result<(), StoreError> {
        // Of another version, or damaged: its source announces it again.
        let Ok(pending) = decode_json::<Pending>(&row) else { return Ok(()) };
        match &pending.look {
            Look::First if self.seen.contains_key(key)? => return Ok(()),
            Look::Scheduled(second) => self.remove_look(second.article)?,
            Look::First | Look::Again => {}
        }
        self.frontier.insert(key, row)?;
        Ok(())
    }

    /// Counts of outcomes are the old ones where the log does not know of more; what is pending and what waits is counted.
    fn count_anew(&self, outcomes: &[(Outcome, u64)]) -> Result<(), StoreError> {
        let mut admitted = 0;
        let set = |name: &str, count: u64| self.meta.insert(count_key(name).as_bytes(), &count.to_be_bytes());
        for outcome in Outcome::ALL {
            let of_log = decode_count(self.meta.get(count_key(outcome.name()))?);
            let of_old = outcomes.iter().find(|(one, _)| *one == outcome).map_or(0, |(_, count)| *count);
            set(outcome.name(), of_log.max(of_old))?;
            admitted += of_log.max(of_old);
        }
        let pending = counted(&self.frontier)?;
        set("pending", pending)?;
        set("admitted", admitted + pending)?;
        set(super::looks::WAITING, counted(&self.looks)?)?;
        Ok(())
    }
}

/// Rows of a tree; sled's own count does not tell of failures.
pub(super) fn counted(tree: &sled::Tree) -> Result<u64, StoreError> {
    let mut count = 0;
    for row in tree.iter().keys() {
        row?;
        count += 1;
    }
    Ok(count)
}
