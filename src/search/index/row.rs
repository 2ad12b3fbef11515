//! Words in a row, each in any of its spellings and forms, as tantivy asks for them.
//!
//! Which strings of the dictionary a word is found by is decided by the same functions that look at a record
//! (`super::super::terms`). What is found is a set of documents, without a score.

use std::io;
use std::ops::Range;

use tantivy::postings::{Postings, TermInfo};
use tantivy::query::{BitSetDocSet, ConstScorer, EmptyScorer, EnableScoring, Explanation, Query, Scorer, Weight};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::termdict::TermDictionary;
use tantivy::{BitSet, DocId, DocSet, InvertedIndexReader, Score, SegmentReader, TERMINATED, TantivyError};

use super::super::Ending;
use super::super::forms::{self, Inflection};
use super::super::terms::{PREFIX_CHARS_MIN, WordForms};
use super::roles::Roles;

/// Documents whose places of words are looked at together: this bounds the memory that a phrase of frequent words takes.
const DOCS_AT_ONCE: u32 = 1 << 14;

/// A word of a query, as what is looked for in the dictionary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// As it is written.
    Written(String),
    /// Beginning as it is written.
    Beginning(String),
    /// In any spelling and form.
    Word(WordForms),
    /// Beginning so, in any spelling.
    BeginningWord(WordForms),
}

/// Rows of words, one of which must be there.
#[derive(Clone, Debug)]
pub struct Rows {
    field: Field,
    rows: Vec<Vec<Wanted>>,
}

impl Rows {
    /// Rows to look for in a field; each of at least one word.
    pub fn new(field: Field, rows: Vec<Vec<Wanted>>) -> Self {
        Self { field, rows }
    }
}

impl Wanted {
    /// As the last word of a row, or not.
    pub fn spelt(word: &WordForms, ending: Ending) -> Self {
        match ending {
            Ending::Whole => Self::Word(word.clone()),
            Ending::Prefix => Self::BeginningWord(word.clone()),
        }
    }

    /// As the last word of a row, or not.
    pub fn written(word: &str, ending: Ending) -> Self {
        match ending {
            Ending::Whole => Self::Written(word.to_owned()),
            Ending::Prefix => Self::Beginning(word.to_owned()),
        }
    }

    /// Hands where the documents of each string of the dictionary lie that the word is found by; of some twice.
    fn visit(&self, dictionary: &TermDictionary, visit: &mut dyn FnMut(&TermInfo) -> io::Result<()>) -> io::Result<()> {
        match self {
            Self::Written(word) => whole(dictionary, Roles::EXACT, word, visit),
            Self::Beginning(word) => beginning(dictionary, Roles::EXACT, word, &|_| true, visit),
            Self::Word(word) => {
                whole(dictionary, Roles::EXACT, &word.exact, visit)?;
                for key in &word.keys {
                    whole(dictionary, Roles::KEYS, key, visit)?;
                    for (role, inflection) in [(Roles::TURKIC, Inflection::Turkic), (Roles::TAJIK, Inflection::Tajik)] {
                        for start in forms::suffixed_beginnings(key, inflection) {
                            let is_suffixed = |found: &str| forms::is_suffixed(found, key, inflection);
                            beginning(dictionary, role, &start, &is_suffixed, visit)?;
                        }
                    }
                }
                for (inflection, stem) in &word.stems {
                    let role = Roles::of_stem(*inflection).unwrap_or_default();
                    whole(dictionary, role, stem, visit)?;
                }
                Ok(())
            }
            Self::BeginningWord(word) => {
                beginning(dictionary, Roles::EXACT, &word.exact, &|_| true, visit)?;
                for key in word.keys.iter().filter(|key| key.chars().nth(PREFIX_CHARS_MIN - 1).is_some()) {
                    beginning(dictionary, Roles::KEYS, key, &|_| true, visit)?;
                }
                Ok(())
            }
        }
    }
}

fn whole(
    dictionary: &TermDictionary,
    roles: Roles,
    word: &str,
    visit: &mut dyn FnMut(&TermInfo) -> io::Result<()>,
) -> io::Result<()> {
    for mark in roles.marks() {
        if let Some(found) = dictionary.get(format!("{mark}{word}"))? {
            visit(&found)?;
        }
    }
    Ok(())
}

fn beginning(
    dictionary: &TermDictionary,
    roles: Roles,
    start: &str,
    is_wanted: &dyn Fn(&str) -> bool,
    visit: &mut dyn FnMut(&TermInfo) -> io::Result<()>,
) -> io::Result<()> {
    for mark in roles.marks() {
        let start = format!("{mark}{start}");
        let mut strings = dictionary.range().ge(&start).into_stream()?;
        while strings.advance() && strings.key().starts_with(start.as_bytes()) {
            if std::str::from_utf8(&strings.key()[mark.len_utf8()..]).is_ok_and(is_wanted) {
                visit(strings.value())?;
            }
        }
    }
    Ok(())
}

/// The documents that have a row.
fn documents(rows: &Rows, reader: &SegmentReader) -> tantivy::Result<Option<BitSet>> {
    let index = reader.inverted_index(rows.field)?;
    let mut found: Option<BitSet> = None;
    for row in &rows.rows {
        let documents = match row.as_slice() {
            [word] => with_word(word, &index, reader.max_doc())?,
            words => with_row(words, &index, reader.max_doc())?,
        };
        match (&mut found, documents) {
            (found @ None, documents) => *found = documents,
            (Some(found), Some(documents)) => each(&documents, |doc| _ = found.insert(doc)),
            (Some(_), None) => {}
        }
    }
    Ok(found)
}

fn each(documents: &BitSet, mut visit: impl FnMut(DocId)) {
    for bucket in 0..documents.max_value().div_ceil(64) {
        let mut set = documents.tinyset(bucket);
        while let Some(bit) = set.pop_lowest() {
            visit(bucket * 64 + bit);
        }
    }
}

/// The documents with a word; nothing when there is none.
fn with_word(word: &Wanted, index: &InvertedIndexReader, max_doc: DocId) -> tantivy::Result<Option<BitSet>> {
    let mut documents: Option<BitSet> = None;
    word.visit(index.terms(), &mut |found| {
        let documents = documents.get_or_insert_with(|| BitSet::with_max_value(max_doc));
        let mut blocks = index.read_block_postings_from_terminfo(found, IndexRecordOption::Basic)?;
        while !blocks.docs().is_empty() {
            blocks.docs().iter().for_each(|doc| _ = documents.insert(*doc));
            blocks.advance();
        }
        Ok(())
    })?;
    Ok(documents)
}

/// The documents in which the words follow each other.
fn with_row(words: &[Wanted], index: &InvertedIndexReader, max_doc: DocId) -> tantivy::Result<Option<BitSet>> {
    let mut all: Option<BitSet> = None;
    for word in words {
        let Some(documents) = with_word(word, index, max_doc)? else { return Ok(None) };
        let Some(before) = all.replace(documents) else { continue };
        let Some(both) = &mut all else { continue };
        let mut gone = Vec::new();
        each(both, |doc| gone.extend(Some(doc).filter(|doc| !before.contains(*doc))));
        gone.into_iter().for_each(|doc| both.remove(doc));
    }
    let Some(candidates) = all else { return Ok(None) };
    let mut found = BitSet::with_max_value(max_doc);
    let mut start = 0;
    while start < max_doc {
        let end = start.saturating_add(DOCS_AT_ONCE).min(max_doc);
        let some: Vec<DocId> = (start..end).filter(|doc| candidates.contains(*doc)).collect();
        for doc in in_a_row(words, index, &some, start..end)? {
            found.insert(doc);
        }
        start = end;
    }
    Ok(Some(found))
}

/// Where a word stands: a document and a place in it.
type Place = (DocId, u32);

/// Those of the candidates in which the words follow each other.
fn in_a_row(
    words: &[Wanted],
    index: &InvertedIndexReader,
    candidates: &[DocId],
    range: Range<DocId>,
) -> tantivy::Result<Vec<DocId>> {
    let mut candidates = candidates.to_vec();
    let mut ends: Vec<Place> = Vec::new();
    for (number, word) in words.iter().enumerate() {
        if candidates.is_empty() {
            break;
        }
        let places = places(word, index, &candidates, range.clone())?;
        if number == 0 {
            ends = places;
        } else {
            let mut next = places.into_iter().peekable();
            ends.iter_mut().for_each(|(_, place)| *place += 1);
            ends.retain(|wanted| {
                while next.next_if(|place| place < wanted).is_some() {}
                next.peek() == Some(wanted)
            });
        }
        candidates.retain(|doc| ends.binary_search_by_key(doc, |(doc, _)| *doc).is_ok());
    }
    Ok(candidates)
}

/// Where a word stands in the candidates, in order.
fn places(
    word: &Wanted,
    index: &InvertedIndexReader,
    candidates: &[DocId],
    range: Range<DocId>,
) -> tantivy::Result<Vec<Place>> {
    let mut places = Vec::new();
    let mut in_document = Vec::new();
    word.visit(index.terms(), &mut |found| {
        let mut postings = index.read_postings_from_terminfo(found, IndexRecordOption::WithFreqsAndPositions)?;
        let mut candidates = candidates.iter().copied();
        let mut wanted = candidates.next();
        while let Some(candidate) = wanted {
            let doc = if postings.doc() < candidate { postings.seek(candidate) } else { postings.doc() };
            if doc == TERMINATED || doc >= range.end {
                break;
            }
            if doc == candidate {
                postings.positions(&mut in_document);
                places.extend(in_document.iter().map(|place| (doc, *place)));
                wanted = candidates.next();
            } else {
                wanted = candidates.find(|candidate| *candidate >= doc);
            }
        }
        Ok(())
    })?;
    places.sort_unstable();
    places.dedup();
    Ok(places)
}

impl Query for Rows {
    fn weight(&self, _: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(self.clone()))
    }
}

impl Weight for Rows {
    fn scorer(&self, reader: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        Ok(match documents(self, reader)? {
            Some(documents) => Box::new(ConstScorer::new(BitSetDocSet::from(documents), boost)),
            None => Box::new(EmptyScorer),
        })
    }

    fn explain(&self, reader: &SegmentReader, doc: DocId) -> tantivy::Result<Explanation> {
        let is_there = documents(self, reader)?.is_some_and(|documents| documents.contains(doc));
        let not_there = || TantivyError::InvalidArgument("the document has no such words".to_owned());
        is_there.then(|| Explanation::new("words", 1.0)).ok_or_else(not_there)
    }
}
