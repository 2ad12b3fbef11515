//! The index: a tantivy folder beside the log, made of the log and of nothing else.
//!
//! A document is a line of the log: its number, its words, what filters ask for. It holds no text: answers are read from
//! the log. The payload of each of its commits names the last line looked at: so it cannot disagree with what it holds, and
//! who asks looks through the few lines behind that by itself. An index that is damaged, of another form or of another log
//! is made anew.
//!
//! A scan of the log finds the same but in this: of an article that retention has made it forget, each line that is left is
//! found there, and here the newest. And a question that takes too much of the index is refused, where a scan goes on.
//!
//! invariant: of an article one document is the newest (`newest` has its id); it is what words and filters find.

mod asked;
mod collecting;
mod roles;
mod row;
mod schema;
mod strings;

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock};

use serde::{Deserialize, Serialize};
use tantivy::collector::{Collector, Count, TopDocs};
use tantivy::directory::error::OpenReadError;
use tantivy::indexer::IndexWriterOptions;
use tantivy::query::TermQuery;
use tantivy::schema::IndexRecordOption;
use tantivy::{IndexReader, IndexWriter, ReloadPolicy, Searcher, TantivyError};

use super::Query;
use crate::faults::{self, Point};
use crate::model::{ArticleId, Seq};
use crate::record::Record;
use collecting::{Names, Quarters, Seqs};
use schema::Fields;

pub use asked::Lines;
pub use collecting::QUARTER_SECONDS;
pub use row::Refusal;

/// Memory that new documents take before they are written to a file: the least that tantivy takes.
const WRITER_BYTES: usize = 15 << 20;

/// Number of the form of documents; another one is made anew.
const FORM: u32 = 1;

/// Faults of the index.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The file system.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// tantivy.
    #[error("the search index failed: {0}")]
    Tantivy(#[source] tantivy::TantivyError),
    /// The question asks for too much.
    #[error(transparent)]
    Refused(Refusal),
    /// Written by another version.
    #[error("the search index is of another form")]
    OtherForm,
    /// tantivy panicked, as on damaged files.
    #[error("the search index panicked")]
    Panicked,
}

impl From<tantivy::TantivyError> for IndexError {
    fn from(error: tantivy::TantivyError) -> Self {
        Refusal::of(&error).cloned().map_or_else(|| Self::Tantivy(error), Self::Refused)
    }
}

impl IndexError {
    /// Whether files that differ from what was written may be the reason; a full disk is none.
    pub fn may_be_damage(&self) -> bool {
        match self {
            Self::Io { .. } | Self::Refused(_) => false,
            Self::OtherForm | Self::Panicked => true,
            Self::Tantivy(TantivyError::IoError(error)) => {
                matches!(error.kind(), std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof)
            }
            Self::Tantivy(error) => matches!(
                error,
                TantivyError::DataCorruption(_)
                    | TantivyError::OpenReadError(
                        OpenReadError::FileDoesNotExist(_) | OpenReadError::IncompatibleIndex(_)
                    )
            ),
        }
    }
}

/// How far an index has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    form: u32,
    /// The last line that was looked at; it may be lost, or not to be read.
    pub seq: Seq,
    /// The last line that it has, and its article, by which another log is known.
    pub last: Option<(Seq, ArticleId)>,
    /// The first line that the log had then.
    oldest: Seq,
}

/// What can be asked at a moment: the lines up to one, whatever is committed meanwhile.
#[derive(Clone)]
pub struct View {
    searcher: Searcher,
    fields: Fields,
    reached: Option<Reached>,
}

/// In which order lines are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// From the last.
    Newest,
    /// From the first.
    Oldest,
    /// By how near their words are to what was asked, the nearest first; of equal ones the newest.
    Nearest,
}

/// What lines can be counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// Topic ids.
    Topic,
    /// ISO 3166-1 alpha-2.
    Country,
    /// BCP 47.
    Language,
    /// Source ids.
    Source,
    /// Events.
    Event,
}

/// The index of a store.
pub struct Index {
    folder: PathBuf,
    index: tantivy::Index,
    reader: IndexReader,
    fields: Fields,
    view: RwLock<View>,
    /// Made when there is something to write.
    writer: Mutex<Option<Writer>>,
}

/// Documents on their way.
struct Writer {
    writer: IndexWriter,
    /// The newest lines of articles among those not yet committed.
    newest: HashMap<ArticleId, Seq>,
    /// The last line that was added, to this writer or an earlier one.
    last: Option<(Seq, ArticleId)>,
}

impl Index {
    /// Opens the index in `folder`; `None` where there is none.
    ///
    /// # Errors
    /// One that is damaged, or of another form: it has to be made anew.
    pub fn open(folder: &Path) -> Result<Option<Self>, IndexError> {
        if !folder.join("meta.json").exists() {
            return Ok(None);
        }
        calmly(|| {
            let (schema, fields) = schema::schema();
            let index = tantivy::Index::open_in_dir(folder)?;
            if index.schema() != schema {
                return Err(IndexError::OtherForm);
            }
            Self::with(folder, index, fields).map(Some)
        })
    }

    /// Makes an empty one, in the place of whatever is there.
    ///
    /// # Errors
    /// When the folder cannot be made or cleared.
    pub fn anew(folder: &Path) -> Result<Self, IndexError> {
        match std::fs::remove_dir_all(folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(at(folder)(error)),
            _ => std::fs::create_dir_all(folder).map_err(at(folder))?,
        }
        let (schema, fields) = schema::schema();
        let index = tantivy::Index::create_in_dir(folder, schema)?;
        faults::pass(Point::INDEX_BEGUN).map_err(at(folder))?;
        Self::with(folder, index, fields)
    }

    fn with(folder: &Path, index: tantivy::Index, fields: Fields) -> Result<Self, IndexError> {
        schema::register(index.tokenizers());
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let view = RwLock::new(View { searcher: reader.searcher(), fields, reached: reached(&index)? });
        Ok(Self { folder: folder.to_owned(), index, reader, fields, view, writer: Mutex::default() })
    }

    /// Whether its files differ from what was written; reads all of them.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn is_damaged(&self) -> Result<bool, IndexError> {
        calmly(|| Ok(!self.index.validate_checksum()?.is_empty()))
    }

    /// What can be asked now.
    pub fn view(&self) -> View {
        self.view.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How far it has come; `None` for an empty one.
    pub fn reached(&self) -> Option<Reached> {
        self.view.read().unwrap_or_else(PoisonError::into_inner).reached
    }

    /// Adds a line, behind those that were added before. Of an article that has an earlier line, `line_of` is asked for
    /// that, which is the newest no more.
    ///
    /// # Errors
    /// tantivy's; then [`Self::give_up_writing`], and what was added since the last commit is to be added again.
    pub fn add(&self, record: &Record, line_of: impl FnOnce(Seq) -> Option<Record>) -> Result<(), IndexError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        calmly(|| {
            let slot = self.begun(&mut writer)?;
            let earlier = match slot.newest.insert(record.id, record.seq) {
                None => self.view().newest_of(record.id)?,
                known => known,
            };
            if let Some(earlier) = earlier.filter(|earlier| *earlier < record.seq) {
                slot.writer.delete_term(self.fields.newest_of(record.id));
                if let Some(older) = line_of(earlier) {
                    slot.writer.add_document(self.fields.document(&older, false))?;
                }
            }
            slot.writer.add_document(self.fields.document(record, true))?;
            slot.last = Some((record.seq, record.id));
            Ok(())
        })
    }

    /// The writer, made where there is none.
    fn begun<'a>(&self, writer: &'a mut Option<Writer>) -> Result<&'a mut Writer, IndexError> {
        Ok(match writer {
            Some(begun) => begun,
            none => {
                // One of each: more threads would take the time of those that read pages.
                let options = IndexWriterOptions::builder()
                    .num_worker_threads(1)
                    .memory_budget_per_thread(WRITER_BYTES)
                    .num_merge_threads(1)
                    .build();
                let writer = self.index.writer_with_options(options)?;
                let last = self.reached().and_then(|reached| reached.last);
                none.insert(Writer { writer, newest: HashMap::new(), last })
            }
        })
    }

    /// Makes what was added durable, and lets it be found; `looked_at` is the last line that was to be added. `oldest` is the
    /// first line of the log: what is before it goes.
    ///
    /// # Errors
    /// As [`Self::add`].
    pub fn commit(&self, looked_at: Seq, oldest: Seq) -> Result<(), IndexError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let reached = calmly(|| {
            let slot = self.begun(&mut writer)?;
            let reached = Reached { form: FORM, seq: looked_at, last: slot.last, oldest };
            if oldest > Seq(1) {
                slot.writer.delete_query(self.fields.before(oldest))?;
            }
            faults::pass(Point::INDEX_ADDED).map_err(at(&self.folder))?;
            let mut commit = slot.writer.prepare_commit()?;
            commit.set_payload(&serde_json::to_string(&reached).unwrap_or_default());
            commit.commit()?;
            faults::pass(Point::INDEX_COMMITTED).map_err(at(&self.folder))?;
            slot.newest.clear();
            self.reader.reload()?;
            Ok(Some(reached))
        })?;
        self.show(reached);
        Ok(())
    }

    /// Lets be found what the reader has.
    fn show(&self, reached: Option<Reached>) {
        let view = View { searcher: self.reader.searcher(), fields: self.fields, reached };
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = view;
    }

    /// After a failure: lets go what was added since the last commit, which still answers. What comes next is to be the line
    /// behind [`Self::reached`].
    ///
    /// # Errors
    /// When that commit cannot be read: the index is to be opened anew.
    pub fn give_up_writing(&self) -> Result<(), IndexError> {
        // Waited for: a merge that ends later would write over what the next writer commits.
        if let Err(error) = self.rest() {
            tracing::debug!("the search index was given up in the middle: {error}");
        }
        // A commit may have failed when it was written already.
        let reached = calmly(|| {
            self.reader.reload()?;
            reached(&self.index)
        })?;
        self.show(reached);
        Ok(())
    }

    /// Waits for what tantivy does in the background, and lets its memory go.
    ///
    /// # Errors
    /// tantivy's; nothing that was committed is lost.
    pub fn rest(&self) -> Result<(), IndexError> {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        writer.map_or(Ok(()), |slot| calmly(|| Ok(slot.writer.wait_merging_threads()?)))
    }

    /// Ends writing for a process that ends: what tantivy does in the background is done again by the next one.
    ///
    /// # Errors
    /// tantivy's; nothing that was committed is lost.
    pub fn end(&self) -> Result<(), IndexError> {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        calmly(|| {
            drop(writer);
            Ok(())
        })
    }
}

/// What the last commit says.
fn reached(index: &tantivy::Index) -> Result<Option<Reached>, IndexError> {
    let Some(payload) = index.load_metas()?.payload else { return Ok(None) };
    let reached: Reached = serde_json::from_str(&payload).map_err(|_| IndexError::OtherForm)?;
    if reached.form == FORM { Ok(Some(reached)) } else { Err(IndexError::OtherForm) }
}

impl View {
    /// The last line that was looked at; 0 for none.
    pub fn reached(&self) -> Seq {
        self.reached.map_or(Seq(0), |reached| reached.seq)
    }

    /// The first line of the log when the index was committed.
    pub fn oldest(&self) -> Seq {
        self.reached.map_or(Seq(1), |reached| reached.oldest)
    }

    /// The lines that answer a query, in an order, the first `limit` of them.
    ///
    /// # Errors
    /// tantivy's, as of damaged files.
    pub fn find(&self, query: &Query, lines: &Lines, order: Order, limit: usize) -> Result<Vec<Seq>, IndexError> {
        let (searcher, fields) = (&self.searcher, &self.fields);
        let is_limited = limit < searcher.num_docs() as usize;
        calmly(|| match order {
            _ if limit == 0 => Ok(Vec::new()),
            Order::Nearest => {
                let mut scored = searcher.search(&fields.scored(query, lines), &Seqs { with_score: true })?;
                scored.sort_unstable_by(|(score, seq), (other, newer)| other.total_cmp(score).then(newer.cmp(seq)));
                Ok(scored.into_iter().take(limit).map(|(_, seq)| seq).collect())
            }
            Order::Newest | Order::Oldest if is_limited => {
                let order = if order == Order::Newest { tantivy::Order::Desc } else { tantivy::Order::Asc };
                let top = TopDocs::with_limit(limit).order_by_fast_field::<u64>("seq", order);
                let found = searcher.search(&fields.query(query, lines), &top)?;
                Ok(found.into_iter().filter_map(|(seq, _)| seq).map(Seq).collect())
            }
            Order::Newest | Order::Oldest => {
                let found = searcher.search(&fields.query(query, lines), &Seqs { with_score: false })?;
                let mut seqs: Vec<Seq> = found.into_iter().map(|(_, seq)| seq).collect();
                seqs.sort_unstable();
                if order == Order::Newest {
                    seqs.reverse();
                }
                Ok(seqs)
            }
        })
    }

    /// How many lines answer a query.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn count(&self, query: &Query, lines: &Lines) -> Result<u64, IndexError> {
        self.collect(query, lines, &Count).map(|count| count as u64)
    }

    /// How many of the lines that answer a query have which name; a line may have several, or none, which is the empty name.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn names(&self, query: &Query, lines: &Lines, name: Name) -> Result<HashMap<String, u64>, IndexError> {
        let field = match name {
            Name::Topic => "topic",
            Name::Country => "country",
            Name::Language => "language",
            Name::Source => "source",
            Name::Event => "event",
        };
        self.collect(query, lines, &Names { field })
    }

    /// How many of the lines that answer a query were recorded when: by the number of the quarter of an hour since 1970, of
    /// [`QUARTER_SECONDS`], which is a part of every hour and day of every zone.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn quarters(&self, query: &Query, lines: &Lines) -> Result<HashMap<i64, u64>, IndexError> {
        self.collect(query, lines, &Quarters)
    }

    /// The ids of the sources that lines have.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn sources(&self) -> Result<BTreeSet<String>, IndexError> {
        calmly(|| {
            let mut ids = BTreeSet::new();
            for segment in self.searcher.segment_readers() {
                let index = segment.inverted_index(self.fields.source)?;
                let mut strings = index.terms().stream().map_err(tantivy::TantivyError::from)?;
                while strings.advance() {
                    ids.extend(std::str::from_utf8(strings.key()).map(str::to_owned));
                }
            }
            Ok(ids)
        })
    }

    fn collect<C: Collector>(&self, query: &Query, lines: &Lines, collector: &C) -> Result<C::Fruit, IndexError> {
        calmly(|| Ok(self.searcher.search(&self.fields.query(query, lines), collector)?))
    }

    /// The newest line of an article.
    fn newest_of(&self, id: ArticleId) -> Result<Option<Seq>, IndexError> {
        let query = TermQuery::new(self.fields.newest_of(id), IndexRecordOption::Basic);
        let found = self.searcher.search(&query, &Seqs { with_score: false })?;
        Ok(found.into_iter().map(|(_, seq)| seq).max())
    }
}

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> IndexError + '_ {
    |source| IndexError::Io { path: path.to_owned(), source }
}

/// tantivy panics on files that are damaged.
fn calmly<T>(work: impl FnOnce() -> Result<T, IndexError>) -> Result<T, IndexError> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or(Err(IndexError::Panicked))
}

#[cfg(test)]
#[path = "index/tests.rs"]
mod tests;
