//! Words in a row, each in any of its spellings and forms, as tantivy asks for them.
//!
//! Which strings of the dictionary a word is found by is decided by the same functions that look at a record
//! (`super::super::terms`). What is found is a set of documents, without a score.

use std::io;
use std::time::{Duration, Instant};

use tantivy::postings::{Postings, TermInfo};
use tantivy::query::{BitSetDocSet, ConstScorer, EmptyScorer, EnableScoring, Explanation, Query, Scorer, Weight};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::termdict::TermDictionary;
use tantivy::{BitSet, DocId, DocSet, InvertedIndexReader, Score, SegmentReader, TERMINATED, TantivyError};

use super::super::forms::{self, Inflection};
use super::super::terms::{Match, PREFIX_CHARS_MIN, WordForms};
use super::super::{Ending, TextTerm};
use super::roles::Roles;

/// Documents whose places of words are looked at together: this bounds the memory that a phrase of frequent words takes.
const DOCS_AT_ONCE: usize = 1 << 14;

/// Strings of the dictionary by which a word in a row may be found. Each is looked up once for [`DOCS_AT_ONCE`] documents:
/// with so many as these, and a million documents, some seconds.
const STRINGS_MAX: usize = 20_000;

/// How long the index works on a question. All but the widest take milliseconds; who asks waits no longer, and neither
/// does who asks next.
const WORK_MAX: Duration = Duration::from_secs(20);

/// Strings between two looks at the clock.
const STRINGS_PER_LOOK: usize = 256;

/// Why the index does not answer a question, and what to ask instead.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(String);

impl Refusal {
    /// That of an error, if it is one.
    pub fn of(error: &TantivyError) -> Option<&Self> {
        let TantivyError::IoError(error) = error else { return None };
        error.get_ref()?.downcast_ref()
    }
}

/// When the work on a question ends.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(pub Instant);

impl Deadline {
    /// That of a question that came now.
    pub fn of_question() -> Self {
        Self(Instant::now() + WORK_MAX)
    }

    fn check(self) -> io::Result<()> {
        if Instant::now() < self.0 {
            return Ok(());
        }
        let message = format!(
            "the question takes longer than {} seconds; ask for fewer or longer words at once",
            WORK_MAX.as_secs()
        );
        Err(io::Error::other(Refusal(message)))
    }
}

/// A word of a query, as what is looked for in the dictionary; in other spellings and forms only those at least so near.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// As it is written.
    Written(String),
    /// Beginning as it is written.
    Beginning(String),
    /// In any spelling and form.
    Word(WordForms, Match),
    /// Beginning so, in any spelling.
    BeginningWord(WordForms, Match),
}

/// Rows of words, one of which must be there.
#[derive(Clone, Debug)]
pub struct Rows {
    field: Field,
    rows: Vec<Vec<Wanted>>,
    deadline: Deadline,
}

impl Rows {
    /// What a term looks for in a field: its words as they are written, and what they mean, where that comes as near as
    /// `least` to what was asked.
    pub fn of(field: Field, text: &TextTerm, least: Match, deadline: Deadline) -> Self {
        let ending = |number, count| if number + 1 == count { text.ending } else { Ending::Whole };
        let written = std::iter::once(&text.words).chain(&text.joined).map(|words| {
            let count = words.split(' ').count();
            let words = words.split(' ').enumerate();
            words.map(|(number, word)| Wanted::written(word, ending(number, count))).collect()
        });
        let readings = text.readings.iter().filter(|reading| reading.nearest >= least);
        let spelt = readings.map(|reading| {
            let words = reading.words.iter().enumerate();
            words.map(|(number, word)| Wanted::spelt(word, ending(number, reading.words.len()), least)).collect()
        });
        Self { field, rows: written.chain(spelt).collect(), deadline }
    }
}

impl Wanted {
    /// As the last word of a row, or not.
    fn spelt(word: &WordForms, ending: Ending, least: Match) -> Self {
        match ending {
            Ending::Whole => Self::Word(word.clone(), least),
            Ending::Prefix => Self::BeginningWord(word.clone(), least),
        }
    }

    /// As the last word of a row, or not.
    fn written(word: &str, ending: Ending) -> Self {
        match ending {
            Ending::Whole => Self::Written(word.to_owned()),
            Ending::Prefix => Self::Beginning(word.to_owned()),
        }
    }

    /// The word as it was asked for.
    fn shown(&self) -> String {
        match self {
            Self::Written(word) => word.clone(),
            Self::Word(word, _) => word.exact.clone(),
            Self::Beginning(start) => format!("{start}*"),
            Self::BeginningWord(start, _) => format!("{}*", start.exact),
        }
    }

    /// Hands where the documents of each string of the dictionary lie that the word is found by; of some twice.
    fn visit(&self, dictionary: &TermDictionary, deadline: Deadline, visit: &mut Visit<'_>) -> io::Result<()> {
        let any = |_: &str| true;
        let beginning = |roles, start: &str, is_wanted: &dyn Fn(&str) -> bool, visit: &mut Visit<'_>| {
            beginning(dictionary, (roles, start), deadline, is_wanted, visit)
        };
        match self {
            Self::Written(word) => whole(dictionary, Roles::EXACT, word, visit),
            Self::Beginning(word) => beginning(Roles::EXACT, word, &any, visit),
            Self::Word(word, least) => {
                whole(dictionary, Roles::EXACT, &word.exact, visit)?;
                for key in word.keys.iter().filter(|_| *least <= Match::Folded) {
                    whole(dictionary, Roles::KEYS, key, visit)?;
                }
                if *least > Match::Form {
                    return Ok(());
                }
                for key in &word.keys {
                    for (role, inflection) in [(Roles::TURKIC, Inflection::Turkic), (Roles::TAJIK, Inflection::Tajik)] {
                        for start in forms::suffixed_beginnings(key, inflection) {
                            beginning(role, &start, &|found: &str| forms::is_suffixed(found, key, inflection), visit)?;
                        }
                    }
                }
                for (inflection, stem) in &word.stems {
                    let role = Roles::of_stem(*inflection).unwrap_or_default();
                    whole(dictionary, role, stem, visit)?;
                }
                Ok(())
            }
            Self::BeginningWord(word, least) => {
                beginning(Roles::EXACT, &word.exact, &any, visit)?;
                let keys = word.keys.iter().filter(|key| key.chars().nth(PREFIX_CHARS_MIN - 1).is_some());
                for key in keys.filter(|_| *least <= Match::Folded) {
                    beginning(Roles::KEYS, key, &any, visit)?;
                }
                Ok(())
            }
        }
    }
}

/// What is done with each string of the dictionary.
type Visit<'v> = dyn FnMut(&TermInfo) -> io::Result<()> + 'v;

fn whole(dictionary: &TermDictionary, roles: Roles, word: &str, visit: &mut Visit<'_>) -> io::Result<()> {
    for mark in roles.marks() {
        if let Some(found) = dictionary.get(format!("{mark}{word}"))? {
            visit(&found)?;
        }
    }
    Ok(())
}

fn beginning(
    dictionary: &TermDictionary,
    (roles, start): (Roles, &str),
    deadline: Deadline,
    is_wanted: &dyn Fn(&str) -> bool,
    visit: &mut Visit<'_>,
) -> io::Result<()> {
    for mark in roles.marks() {
        let start = format!("{mark}{start}");
        let mut strings = dictionary.range().ge(&start).into_stream()?;
        let mut seen = 0_usize;
        while strings.advance() && strings.key().starts_with(start.as_bytes()) {
            seen += 1;
            if seen.is_multiple_of(STRINGS_PER_LOOK) {
                deadline.check()?;
            }
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
    let segment = Segment { index: &index, max_doc: reader.max_doc(), deadline: rows.deadline };
    let mut found: Option<BitSet> = None;
    for row in &rows.rows {
        rows.deadline.check()?;
        let documents = match row.as_slice() {
            [word] => segment.with_word(word)?,
            words => segment.with_row(words)?,
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

/// Where a word stands: a document and a place in it.
type Place = (DocId, u32);

/// A part of the index, in which words are looked for.
struct Segment<'s> {
    index: &'s InvertedIndexReader,
    max_doc: DocId,
    deadline: Deadline,
}

impl Segment<'_> {
    /// The documents with a word; nothing when there is none.
    fn with_word(&self, word: &Wanted) -> io::Result<Option<BitSet>> {
        let mut documents: Option<BitSet> = None;
        word.visit(self.index.terms(), self.deadline, &mut |string| {
            self.add(string, documents.get_or_insert_with(|| BitSet::with_max_value(self.max_doc)))
        })?;
        Ok(documents)
    }

    /// Adds the documents of a string.
    fn add(&self, string: &TermInfo, documents: &mut BitSet) -> io::Result<()> {
        let mut blocks = self.index.read_block_postings_from_terminfo(string, IndexRecordOption::Basic)?;
        while !blocks.docs().is_empty() {
            blocks.docs().iter().for_each(|doc| _ = documents.insert(*doc));
            blocks.advance();
        }
        Ok(())
    }

    /// The strings that a word is found by.
    fn strings(&self, word: &Wanted) -> io::Result<Vec<TermInfo>> {
        let mut strings = Vec::new();
        word.visit(self.index.terms(), self.deadline, &mut |string| {
            if strings.len() == STRINGS_MAX {
                let message = format!(
                    "the records have more than {STRINGS_MAX} words that {:?} finds, too many for a row of words; give \
                     more letters of it",
                    word.shown()
                );
                return Err(io::Error::other(Refusal(message)));
            }
            strings.push(string.clone());
            Ok(())
        })?;
        Ok(strings)
    }

    /// The documents in which the words follow each other; nothing when there is none with all of them.
    fn with_row(&self, words: &[Wanted]) -> io::Result<Option<BitSet>> {
        let mut row = Vec::with_capacity(words.len());
        for word in words {
            row.push(self.strings(word)?);
            if row.last().is_some_and(Vec::is_empty) {
                return Ok(None);
            }
        }
        let Some(candidates) = self.with_all(&row)? else { return Ok(None) };
        let mut docs = Vec::with_capacity(candidates.len());
        each(&candidates, |doc| docs.push(doc));
        let mut found = BitSet::with_max_value(self.max_doc);
        for some in docs.chunks(DOCS_AT_ONCE) {
            self.in_a_row(&row, some)?.into_iter().for_each(|doc| _ = found.insert(doc));
        }
        Ok(Some(found))
    }

    /// The documents with all words of a row; the rarest is looked for first, as there may be none with it and the next.
    fn with_all(&self, row: &[Vec<TermInfo>]) -> io::Result<Option<BitSet>> {
        let mut rarest_first: Vec<&Vec<TermInfo>> = row.iter().collect();
        rarest_first.sort_by_key(|strings| strings.iter().map(|string| u64::from(string.doc_freq)).sum::<u64>());
        let mut all: Option<BitSet> = None;
        for strings in rarest_first {
            let mut documents = BitSet::with_max_value(self.max_doc);
            for some in strings.chunks(STRINGS_PER_LOOK) {
                self.deadline.check()?;
                some.iter().try_for_each(|string| self.add(string, &mut documents))?;
            }
            if let Some(before) = all {
                let mut both = BitSet::with_max_value(self.max_doc);
                each(&before, |doc| {
                    if documents.contains(doc) {
                        both.insert(doc);
                    }
                });
                documents = both;
            }
            if documents.len() == 0 {
                return Ok(None);
            }
            all = Some(documents);
        }
        Ok(all)
    }

    /// Those of the candidates in which the words follow each other.
    fn in_a_row(&self, row: &[Vec<TermInfo>], candidates: &[DocId]) -> io::Result<Vec<DocId>> {
        let mut candidates = candidates.to_vec();
        let mut ends: Vec<Place> = Vec::new();
        for (number, strings) in row.iter().enumerate() {
            if candidates.is_empty() {
                break;
            }
            let places = self.places(strings, &candidates)?;
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
    fn places(&self, strings: &[TermInfo], candidates: &[DocId]) -> io::Result<Vec<Place>> {
        let mut places = Vec::new();
        let mut in_document = Vec::new();
        for (number, string) in strings.iter().enumerate() {
            if number.is_multiple_of(STRINGS_PER_LOOK) {
                self.deadline.check()?;
            }
            let option = IndexRecordOption::WithFreqsAndPositions;
            let mut postings = self.index.read_postings_from_terminfo(string, option)?;
            let mut candidates = candidates.iter().copied();
            let mut wanted = candidates.next();
            while let Some(candidate) = wanted {
                let doc = if postings.doc() < candidate { postings.seek(candidate) } else { postings.doc() };
                if doc == TERMINATED {
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
        }
        places.sort_unstable();
        places.dedup();
        Ok(places)
    }
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
