//! Asking: the query language, and whether a record answers a query.
//!
//! A query is read once (`parse`) into clauses that all must hold; each is one or several conditions of which one must
//! hold. Matching knows nothing of the syntax: a scan of the log (`matching`) and the index ([`index`]) answer the same
//! [`Query`].
//!
//! | written | matches records |
//! |---|---|
//! | `gas pipeline` | with both words, in title, summary, text or the publisher's tags |
//! | `"middle corridor"` | with the words in this order, in one field |
//! | `uran*`, `"rare eart"*` | with a word that begins so |
//! | `-gas`, `-"oil price"`, `-topic:energy` | without it |
//! | `rail OR road port` | with `port` and one of the others: OR joins its two neighbours |
//! | `title:summit` | with the word, phrase or prefix in the title |
//! | `author:Karimova`, `author:"Aida Karimova"` | with the word, phrase or prefix in the name of an author |
//! | `topic:energy,water` | with one of these topics (also for country, lang, source, site, event, has, on) |
//! | `country:KZ`, `country:"South Korea"` | about the country, by ISO 3166-1 alpha-2 code or English name |
//! | `lang:uz` | in the language, in any script (`uz-Latn`, `uz-Cyrl`) |
//! | `source:astanatimes` | announced by the source |
//! | `site:gov.kz` | at an address of the site or one below it, such as press.gov.kz; `www.` is no part of it |
//! | `has:image` | with one: image, author, date or tags |
//! | `event:update` | with this event; an older version, too, while without `event:` an article is found by its newest |
//! | `since:7d`, `until:2026-11-01` | recorded at or after, recorded before |
//! | `on:yesterday`, `on:2026-11-01` | recorded on the day |
//!
//! A word is found in any case, and
//!
//! | asked | also finds | how |
//! |---|---|---|
//! | `Tokayev` | Токаев, Тоқаев, Toqaev, Toʻqayev, Tokaýew | in Cyrillic, Latin, and without special letters: `keys` |
//! | `ещё`, `ozbekiston`, `Asgabat` | еще, Oʻzbekiston, Ўзбекистон, Aşgabat | the same |
//! | `санкции`, `Astana` | санкций, Астане | Russian forms, in records in Russian or an unknown language: `forms` |
//! | `sanction` | sanctions | English plurals, in English records; `-ed`, `-ing` and the like are other words |
//! | `қазақстан` | қазақстанның, Qazaqstanda | suffixes after five letters, in Turkic and Tajik records; қазақ is not Қазақстан |
//! | `Toshkent` | Ташкент, Tashkent, Тошкент | names of countries, cities and people: `synonyms` |
//! | `тоқ*` | токаев, Tokayev | a beginning from three letters on, in other spellings, too |
//! | `"Tokayev"` | TOKAYEV, nothing else | in quotes all words are as written: in any case, with `ё` as `е`, and without the apostrophes of oʻ and gʻ |
//!
//! Words of up to three letters cross scripts in the languages of the region only: `net` does not find the Russian нет.
//! `-word` leaves out whatever `word` finds; `-"word"` what is so written.
//!
//! `since:` and `until:` are about `recorded_at`: an age (`90s 30m 2h 3d 1w`, a day being 24 hours), `today`,
//! `yesterday`, a date or date and time in the local zone, or RFC 3339. A day given to `until:` is included whole. `on:` takes
//! a day of the local zone.
//!
//! All other punctuation parts words, so that a headline can be pasted: `U.S.-Kazakhstan`, `gas?`, `[Gas]`, `$100`. What
//! other search engines would take for an operator is refused with what to write instead, and never read as something
//! else: `AND NOT ( )`, `gas|oil`, `!gas`, `title=gas`, `gas~`, and patterns, `.*gas`, `gas[a-z]+`, `^gas`, `\d`. Between
//! quotes these are punctuation, too. The value `?` lists the names there are: `topic:?`.

mod countries;
mod filters;
mod fold;
mod forms;
pub mod index;
mod keys;
mod marks;
mod matching;
mod parse;
mod reading;
mod sites;
mod synonyms;
mod terms;
mod times;
mod values;

#[cfg(test)]
mod across_tests;

use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use unicode_width::UnicodeWidthStr;

use crate::model::SourceId;
use crate::record::{Event, Record};
use crate::text;

pub use countries::{country_name, names as country_names};
pub use filters::Filters;
use fold::Apostrophes;
pub use marks::Marks;
use parse::Times;
pub use reading::{Names, ReadClause, ReadCondition, ReadTerm, ReadWords, Spellings};
pub use terms::Match;
use terms::{Beginnings, Reading};
pub use times::{read_zone, time_of, written_zone, zone_name};

/// Longest query, in bytes: far beyond what is typed, small enough to be read at once.
pub const QUERY_BYTES_MAX: usize = 10 * 1024;

/// Most terms of a query, those of its flags included. The index takes a bit for each document and term, some 25 MB for as
/// many as these at a million documents; where there is no index, each term is looked for in every record.
pub const QUERY_TERMS_MAX: usize = 200;

/// A query that was read without faults.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    clauses: Vec<Clause>,
}

/// Conditions of which one must hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Clause {
    /// At least one.
    pub any: Vec<Condition>,
}

/// Terms of which one must match, or none.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// Which of the two.
    pub sense: Sense,
    /// At least one.
    pub terms: Vec<Term>,
}

/// Whether a condition asks for its terms or excludes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sense {
    /// One of the terms must match.
    With,
    /// None of the terms may match.
    Without,
}

/// One thing to look for in a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// Words.
    Text(TextTerm),
    /// Topic id.
    Topic(String),
    /// ISO 3166-1 alpha-2, upper case.
    Country(String),
    /// BCP 47 tag in lower case; longer tags that begin with it match too.
    Language(String),
    /// Source id.
    Source(SourceId),
    /// A domain in lower case and Punycode, without `www.`; the article's address is of it or of one below it.
    Site(String),
    /// Something that not every record has.
    Has(Part),
    /// Event.
    Event(Event),
    /// `recorded_at` at or after.
    Since(Timestamp),
    /// `recorded_at` before.
    Until(Timestamp),
    /// `recorded_at` at or after the first and before the second: a day.
    Between(Timestamp, Timestamp),
}

/// What `has:` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// A picture.
    Image,
    /// At least one author.
    Author,
    /// The publisher's date.
    Date,
    /// At least one of the publisher's tags.
    Tags,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Image, Self::Author, Self::Date, Self::Tags];

    /// As it is asked for.
    pub fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Author => "author",
            Self::Date => "date",
            Self::Tags => "tags",
        }
    }

    /// Whether a record has it.
    pub fn is_in(self, record: &Record) -> bool {
        match self {
            Self::Image => record.image.is_some(),
            Self::Author => !record.authors.is_empty(),
            Self::Date => record.date_published.is_some(),
            Self::Tags => !record.tags.is_empty(),
        }
    }
}

/// Words in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextTerm {
    /// Where to look.
    pub scope: Scope,
    /// Folded words, one space between them.
    pub words: String,
    /// Whether the last word is whole.
    pub ending: Ending,
    /// The words with each apostrophe as a part of its word, where that makes a difference.
    joined: Option<String>,
    /// In other spellings, forms and names; nothing for words that are wanted as written.
    readings: Vec<Reading>,
    /// How the words of the readings begin.
    beginnings: Beginnings,
}

/// How far from what was written a text term finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Breadth {
    /// In quotes: in any case, nothing else.
    AsWritten,
    /// In other scripts, spellings and forms, and by other names.
    AnySpelling,
}

impl TextTerm {
    /// Nothing when there is no word in what was written.
    fn new(scope: Scope, written: &str, ending: Ending, breadth: Breadth) -> Option<Self> {
        let words = fold::words(written, Apostrophes::Part);
        if words.is_empty() {
            return None;
        }
        let joined = Some(fold::words(written, Apostrophes::Join)).filter(|joined| *joined != words);
        let readings = match breadth {
            Breadth::AsWritten => Vec::new(),
            Breadth::AnySpelling => terms::readings(written, ending == Ending::Whole),
        };
        let beginnings = Beginnings::of(&readings);
        Some(Self { scope, words, ending, joined, readings, beginnings })
    }
}

/// Where a text term is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Title, summary, text and the publisher's tags.
    Anywhere,
    /// The title.
    Title,
    /// The names of the authors, which nothing else finds.
    Author,
}

/// How the last word of a text term ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// It is a whole word.
    Whole,
    /// It is the beginning of one.
    Prefix,
}

/// What a query is read against.
#[derive(Clone, Copy, Debug)]
pub struct QueryContext<'a> {
    /// The time that ages count back from.
    pub now: Timestamp,
    /// The zone of dates without one.
    pub zone: &'a TimeZone,
    /// Known topic ids; when empty, any id is taken.
    pub topics: &'a [String],
    /// Known source ids; when empty, any id is taken.
    pub sources: &'a [String],
}

/// A fault in a query, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryError {
    /// Characters before the fault.
    pub at: usize,
    /// What is wrong and what to write instead.
    pub message: String,
    /// The query as it was given.
    pub query: String,
}

impl Query {
    /// Reads a query in the inline syntax; an empty one matches every record.
    ///
    /// # Errors
    /// The first fault: bounds, quotes, operators, unknown fields, topics, sources, countries, times.
    pub fn parse(text: &str, context: &QueryContext<'_>) -> Result<Self, QueryError> {
        Ok(Self { clauses: parse::clauses(text, context, Times::Taken)? })
    }

    /// Reads a query that is asked of every record to come, so that times mean nothing in it.
    ///
    /// # Errors
    /// As [`Self::parse`], and a time.
    pub fn parse_lasting(text: &str, context: &QueryContext<'_>) -> Result<Self, QueryError> {
        Ok(Self { clauses: parse::clauses(text, context, Times::Refused)? })
    }

    /// Whether it asks for nothing, and so matches every record.
    pub fn is_empty(&self) -> bool {
        self.clauses.is_empty()
    }

    /// Whether a record answers the query.
    pub fn matches(&self, record: &Record) -> bool {
        matching::matches(&self.clauses, record)
    }

    /// How near a record that answers comes to what was asked, the nearer the greater: the sum of how near each of the words
    /// and phrases is.
    pub fn nearness(&self, record: &Record) -> u32 {
        matching::nearness(&self.clauses, record)
    }

    /// Where its words stand in a record, for showing them; nowhere what it excludes.
    pub fn marks(&self, record: &Record) -> Marks {
        marks::of(&self.clauses, record)
    }

    /// What must hold, all of it.
    pub fn clauses(&self) -> &[Clause] {
        &self.clauses
    }

    /// The latest start and the earliest end that every answer keeps to, for skipping parts of the log.
    pub fn recorded_between(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        let (mut since, mut until) = (None, None);
        for clause in &self.clauses {
            let (from, to) = clause.recorded_between();
            since = since.max(from);
            until = until.into_iter().chain(to).min();
        }
        (since, until)
    }

    /// Whether it asks what happened, and so for every line of the log; else an article is found by its newest version.
    pub fn asks_for_events(&self) -> bool {
        let conditions = self.clauses.iter().flat_map(|clause| &clause.any);
        conditions.flat_map(|condition| &condition.terms).any(|term| matches!(term, Term::Event(_)))
    }

    fn term_count(&self) -> usize {
        self.clauses.iter().flat_map(|clause| &clause.any).map(|condition| condition.terms.len()).sum()
    }

    fn require(&mut self, terms: Vec<Term>) {
        self.clauses.push(Clause { any: vec![Condition { sense: Sense::With, terms }] });
    }
}

impl Clause {
    /// The span of time that has all that it finds.
    fn recorded_between(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        let spans = self.any.iter().flat_map(|condition| {
            let is_with = condition.sense == Sense::With;
            condition.terms.iter().map(move |term| match term {
                Term::Since(at) if is_with => (Some(*at), None),
                Term::Until(at) if is_with => (None, Some(*at)),
                Term::Between(from, until) if is_with => (Some(*from), Some(*until)),
                _ => (None, None),
            })
        });
        let widest = |(since, until): (Option<Timestamp>, Option<Timestamp>), (from, to): (_, Option<Timestamp>)| {
            (since.min(from), until.zip(to).map(|(until, to)| until.max(to)))
        };
        spans.reduce(widest).unwrap_or_default()
    }
}

/// Characters of the query shown before and after a fault.
const SHOWN_BEFORE: usize = 60;
const SHOWN_AFTER: usize = 40;

impl fmt::Display for QueryError {
    /// The message, and below it the query with a caret under the fault.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = self.at.saturating_sub(SHOWN_BEFORE);
        let shown = |skip: usize, take: usize| {
            let part: String = self.query.chars().skip(skip).take(take).collect();
            text::for_terminal(&part).replace(['\n', '\t'], " ")
        };
        let before = format!("{}{}", if from > 0 { "…" } else { "" }, shown(from, self.at - from));
        let cut = if self.query.chars().count() > self.at + SHOWN_AFTER { "…" } else { "" };
        writeln!(f, "{}", text::for_terminal(&self.message))?;
        writeln!(f, "  {before}{}{cut}", shown(self.at, SHOWN_AFTER))?;
        write!(f, "  {}^", " ".repeat(before.width()))
    }
}

impl std::error::Error for QueryError {}
