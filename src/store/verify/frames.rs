//! The log's part: every frame, its records, and where sled says that they lie.

use std::path::Path;

use super::{Ended, Finding, GAPS_MAX, Gap, Part, Scan, Severity, Step, Verifier};
use crate::model::Seq;
use crate::record::{Event, Record, SCHEMA};
use crate::store::forgetting::FORGOTTEN;
use crate::store::renewal::{ASIDE, BESIDE};
use crate::store::rows::{Position, Seen};
use crate::store::segments::{FrameAt, LogEnd};
use crate::store::{StoreError, Tables};

/// Files that are left beside the log and named; the rest is not.
const LEFTOVERS_MAX: usize = 100;

/// What to do about records that are lost.
const FILL: &str = "stop the daemon and run `chapar log fill FOLDER` with the folder of a backup; without one, nothing: \
                    what is lost is left out";

/// The same where the operator has heard of it.
const FILL_KNOWN: &str = "nothing; where a backup holds them after all, `chapar log fill FOLDER` puts them back";

/// The same where the daemon does not start.
const FILL_END: &str = "run `chapar log fill FOLDER` with the folder of a backup; without one, `chapar log rebuild` goes on \
                        with what the log holds";

/// What sled says of a record, where that is wrong.
type Wrong = (&'static str, Seq);

impl Verifier<'_> {
    /// Reads the log, and asks for every record where sled says that it lies.
    pub(super) fn look_at_log(&mut self) -> Result<(), Ended> {
        let segments = self.segments;
        let list = segments.list()?;
        self.sum.segments = list.len() as u64;
        self.sum.bytes = segments.bytes()?;
        let begin = self.asked.ask(Tables::begin)?.map(|begin| begin.unwrap_or(Seq(1)));
        if let (Some(begin), Some(first)) = (begin, list.first())
            && *first > begin
        {
            self.lost(Gap::before(segments, begin, *first), None)?;
        }
        let mut scan = Scan::new(segments, LogEnd::EMPTY)?;
        if let Some(end) = self.end.filter(|_| !self.is_alone()) {
            scan = scan.until(end);
        }
        let mut done = 0;
        let mut torn = None;
        let (mut unentered, mut unentered_frames) = (0, 0);
        while let Some(part) = scan.next()? {
            match part {
                Part::Frame { at, first, last, lines, is_checked } => {
                    self.sum.frames += 1;
                    self.sum.records += last.0 - first.0 + 1;
                    self.note_readable(first, last);
                    if !is_checked {
                        let what = "the frame has no checksum: damage in it would not be noticed";
                        let file = segments.path(at.segment);
                        let advice = "nothing: it is read as it is";
                        self.find(
                            Finding::of_log(Severity::Warning, what, file, at.offset, advice).about(first, last),
                        )?;
                    }
                    let is_entered = self.end.is_none_or(|end| last < end.next);
                    if !is_entered {
                        unentered += last.0 - first.0 + 1;
                        unentered_frames += 1;
                    }
                    self.look_at_frame(at, first, &lines, is_entered)?;
                    done += u64::from(at.length);
                    self.say(Step::Progress { done, bytes: self.sum.bytes })?;
                }
                Part::Lost(gap) => self.lost(gap, None)?,
                Part::Stray { file, byte, reason } => {
                    let what = format!("bytes between two frames do not decode ({reason}); no record was in them");
                    let advice = "nothing: they are passed over";
                    self.find(Finding::of_log(Severity::Warning, what, file, byte, advice))?;
                }
                Part::Repeated { at, first, last } => {
                    let what = "a frame holds numbers that were before it; it is left out";
                    let (file, advice) =
                        (segments.path(at.segment), "nothing: each number counts where it stands first");
                    self.find(Finding::of_log(Severity::Error, what, file, at.offset, advice).about(first, last))?;
                }
                Part::Tail { segment, offset, length, reason } => torn = Some((segment, offset, length, reason)),
            }
        }
        let expected = scan.expected().unwrap_or(Seq(1));
        self.look_at_end(expected, torn)?;
        if unentered > 0 {
            // A kill leaves one frame at most: sled has lost what came before.
            let severity = if unentered_frames > 1 { Severity::Warning } else { Severity::Note };
            let what = format!("{unentered} records of {unentered_frames} commits are not in the key tables");
            let advice = "nothing: they are entered at the next start; after more than one commit, outputs may get records twice";
            self.find(Finding { advice: advice.to_owned(), ..Finding::of_tables(severity, what) })?;
        }
        self.flush()
    }

    fn note_readable(&mut self, first: Seq, last: Seq) {
        match self.readable.last_mut() {
            Some(range) if range.1.next() == first => range.1 = last,
            _ => self.readable.push((first, last)),
        }
    }

    /// Tells what is lost. `cut` says why the daemon does not start, where that is so.
    fn lost(&mut self, gap: Gap, cut: Option<String>) -> Result<(), Ended> {
        self.sum.lost += gap.last.0 - gap.first.0 + 1;
        let is_accepted = match &self.asked {
            super::Asked::Store(store) => store.gaps.is_accepted(&gap),
            _ => self.accepted.is_accepted(&gap),
        };
        let (severity, also, advice) = match (cut, is_accepted) {
            (Some(cut), _) => (Severity::Error, format!("; {cut}"), FILL_END),
            (None, true) => (Severity::Note, ", as is known since a rebuild or a restore".to_owned(), FILL_KNOWN),
            (None, false) => (Severity::Error, String::new(), FILL),
        };
        let missing = if gap.byte.is_none() { "the file is missing; " } else { "" };
        let what = format!("records are lost ({missing}{}){also}", gap.reason);
        let finding = Finding::of_log(severity, what, gap.file.clone(), 0, advice).about(gap.first, gap.last);
        let finding = Finding { byte: gap.byte, ..finding };
        if self.gaps.len() < GAPS_MAX {
            self.gaps.push(gap);
        }
        self.find(finding)
    }

    /// What lies behind the last frame that can be read.
    fn look_at_end(&mut self, expected: Seq, torn: Option<(Seq, u64, u64, String)>) -> Result<(), Ended> {
        let cut = self.end.and_then(|end| {
            let found = self.segments.length(end.segment);
            let committed = end.offset;
            (found < committed).then(|| {
                format!("the file has {found} bytes, but {committed} were committed: the daemon does not start")
            })
        });
        if let Some(end) = self.end.filter(|end| expected < end.next) {
            // A log that lost its last records, by bytes that do not decode or are not there.
            let last = Seq(end.next.0 - 1);
            let gap = match torn {
                Some((segment, offset, _, reason)) => {
                    Gap { first: expected, last, file: self.segments.path(segment), byte: Some(offset), reason }
                }
                None => Gap::behind(self.segments, end.segment, expected, last),
            };
            return self.lost(gap, cut);
        }
        if let (Some(end), Some(cut)) = (self.end, cut) {
            let file = self.segments.path(end.segment);
            let found = self.segments.length(end.segment);
            self.find(Finding::of_log(Severity::Error, cut, file, found, FILL_END))?;
        }
        let Some((segment, offset, length, reason)) = torn else { return Ok(()) };
        let (severity, what, advice) = if self.end.is_some() {
            let what = format!("{length} torn bytes at the end of the log, which were never acknowledged");
            (Severity::Note, what, "nothing: they are cut, and kept beside it, at the next start")
        } else {
            let what = format!(
                "the log ends with {length} bytes that do not decode ({reason}); whether they were acknowledged, only the \
                 key tables know"
            );
            let advice = "nothing: they are cut, and kept beside it, at the next start; what is lost with them, a backup \
                          gives back by `chapar log fill FOLDER`";
            (Severity::Warning, what, advice)
        };
        self.find(Finding::of_log(severity, what, self.segments.path(segment), offset, advice))
    }

    fn look_at_frame(&mut self, at: FrameAt, first: Seq, lines: &str, is_entered: bool) -> Result<(), Ended> {
        let mut records = Vec::new();
        for (place, line) in lines.lines().enumerate() {
            let seq = Seq(first.0 + place as u64);
            let fault = match serde_json::from_str::<Record>(line) {
                Ok(record) if record.schema != SCHEMA => Some(format!("it is of schema {:?}", record.schema)),
                Ok(record) if record.seq != seq => Some(format!("it is numbered {}", record.seq)),
                Ok(record) => {
                    records.push((place as u32, record));
                    None
                }
                Err(error) => Some(error.to_string()),
            };
            if let Some(fault) = fault {
                let what = format!("a line is no record that this version can read: {fault}");
                let advice = "install the chapar that wrote it; the key tables do not know what is in it";
                let file = self.segments.path(at.segment);
                self.find(Finding::of_log(Severity::Error, what, file, at.offset, advice).about(seq, seq))?;
            }
        }
        if !is_entered {
            return Ok(());
        }
        let wrong = match self.asked.ask(|tables| tables.wrong_of(at, &records)) {
            Ok(wrong) => wrong.unwrap_or_default(),
            Err(error) => match error.damage_of_tables() {
                Some(reason) => return self.tell_of_tables(&reason),
                None => return Err(error.into()),
            },
        };
        for (what, seq) in wrong {
            let finding = Finding::of_tables(Severity::Warning, what).about(seq, seq);
            self.find(Finding { file: Some(self.segments.path(at.segment)), ..finding })?;
        }
        Ok(())
    }

    /// Files that something left behind.
    pub(super) fn look_at_leftovers(&mut self, folder: &Path) -> Result<(), Ended> {
        let of_folder = |name: &str| match name {
            name if name.starts_with(ASIDE) => Some("key tables that were set aside as damaged"),
            BESIDE => Some("key tables that were not finished"),
            _ => None,
        };
        let of_log = |name: &str| match name {
            name if name.contains(".zst.torn-") => Some("torn bytes that were cut off the log"),
            name if name.contains(".zst.damaged-") => Some("a damaged file whose records were put back in part"),
            name if name.strip_suffix(".zst").is_some_and(|name| name.len() == 20 && name.parse::<u64>().is_ok()) => {
                None
            }
            _ => Some("a file that is no part of the log"),
        };
        let found = leftovers(folder, of_folder).into_iter().chain(leftovers(&folder.join("log"), of_log));
        for (path, what) in found.take(LEFTOVERS_MAX) {
            let advice = "look at it, and remove it when it is of no use";
            self.find(Finding { byte: None, ..Finding::of_log(Severity::Note, what, path, 0, advice) })?;
        }
        Ok(())
    }
}

/// Files by what they are, in the order of their names.
fn leftovers(folder: &Path, what: impl Fn(&str) -> Option<&'static str>) -> Vec<(std::path::PathBuf, &'static str)> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut found: Vec<_> = paths
        .filter_map(|path| {
            let what = what(&path.file_name()?.to_string_lossy())?;
            Some((path, what))
        })
        .collect();
    found.sort();
    found
}

impl Tables {
    /// What is wrong of the records of a frame.
    fn wrong_of(&self, at: FrameAt, records: &[(u32, Record)]) -> Result<Vec<Wrong>, StoreError> {
        let mut wrong = Vec::new();
        for (line, record) in records {
            let expected = Position { frame: at, line: *line };
            let found = self.positions.get(record.seq.0.to_be_bytes())?;
            match found.as_deref().and_then(Position::decode) {
                Some(found) if found == expected => {}
                Some(_) => {
                    wrong.push(("the key tables name another place; it is found by walking its file", record.seq));
                }
                None => {
                    wrong.push(("the key tables do not name its place; it is found by walking its file", record.seq));
                }
            }
            if record.event == Event::Duplicate {
                continue;
            }
            match self.seen.get(record.id.0)?.as_deref().and_then(Seen::decode) {
                Some(seen) if seen.seq == record.seq => {}
                Some(seen) if seen.seq > record.seq => {
                    let key = [record.id.0.as_slice(), &record.seq.0.to_be_bytes()].concat();
                    if !self.versions.contains_key(key)? {
                        wrong.push(("the key tables do not name it among the versions of its article", record.seq));
                    }
                }
                Some(_) => wrong.push(("the key tables do not know it as the newest of its article", record.seq)),
                // Keys are forgotten when there are too many.
                None if self.meta.contains_key(FORGOTTEN)? => {}
                None => wrong.push(("the key tables do not know its article: it would come again", record.seq)),
            }
        }
        Ok(wrong)
    }
}
