//! What a document is made of.

use tantivy::schema::{
    BytesOptions, FAST, Field, INDEXED, IndexRecordOption, STRING, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::{TextAnalyzer, TokenizerManager};
use tantivy::{TantivyDocument, Term};

use super::super::Part;
use super::super::sites;
use super::super::terms::Language;
use super::strings::{StringTokenizer, TOKENIZER, strings};
use crate::model::ArticleId;
use crate::record::Record;

/// The fields, by name.
#[derive(Clone, Copy, Debug)]
pub struct Fields {
    /// Number of the line.
    pub seq: Field,
    /// When it was committed, in nanoseconds since 1970.
    pub recorded_at: Field,
    /// Id of the article, of its newest line only.
    pub newest: Field,
    /// 1 where a later line of the article is there.
    pub superseded: Field,
    /// Strings of the words of title, summary, text and tags.
    pub content: Field,
    /// Those of the title's.
    pub title: Field,
    /// Those of the authors'.
    pub author: Field,
    /// Ids of topics.
    pub topic: Field,
    /// ISO 3166-1 alpha-2, upper case.
    pub country: Field,
    /// BCP 47 tag.
    pub language: Field,
    /// The tag in lower case, and what is left of it without its last parts.
    pub language_within: Field,
    /// Id of the source.
    pub source: Field,
    /// Domain of the address, and those above it.
    pub site: Field,
    /// What happened.
    pub event: Field,
    /// Which parts it has, of those that not all have.
    pub has: Field,
}

/// The schema, with its fields.
pub fn schema() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    let words = |option| {
        let indexing = TextFieldIndexing::default().set_tokenizer(TOKENIZER).set_index_option(option);
        TextOptions::default().set_indexing_options(indexing)
    };
    let words = || words(IndexRecordOption::WithFreqsAndPositions);
    let name = || STRING | FAST;
    let fields = Fields {
        seq: schema.add_u64_field("seq", INDEXED | FAST),
        recorded_at: schema.add_i64_field("recorded_at", FAST),
        newest: schema.add_bytes_field("newest", BytesOptions::default().set_indexed()),
        superseded: schema.add_u64_field("superseded", INDEXED),
        content: schema.add_text_field("content", words()),
        title: schema.add_text_field("title", words()),
        author: schema.add_text_field("author", words()),
        topic: schema.add_text_field("topic", name()),
        country: schema.add_text_field("country", name()),
        language: schema.add_text_field("language", name()),
        language_within: schema.add_text_field("language_within", STRING),
        source: schema.add_text_field("source", name()),
        site: schema.add_text_field("site", STRING),
        event: schema.add_text_field("event", name()),
        has: schema.add_text_field("has", STRING),
    };
    (schema.build(), fields)
}

/// Lets tantivy read what documents are made of.
pub fn register(tokenizers: &TokenizerManager) {
    tokenizers.register(TOKENIZER, TextAnalyzer::from(StringTokenizer::default()));
}

impl Fields {
    /// A line as a document.
    pub fn document(&self, record: &Record, is_newest: bool) -> TantivyDocument {
        let mut document = TantivyDocument::default();
        document.add_u64(self.seq, record.seq.0);
        document.add_i64(self.recorded_at, nanoseconds(record.recorded_at));
        if is_newest {
            document.add_bytes(self.newest, &record.id.0);
        } else {
            document.add_u64(self.superseded, 1);
        }
        let language = Language::of(&record.language);
        let title = record.title.as_deref().unwrap_or_default();
        let rest = [record.summary.as_deref().unwrap_or_default(), &record.content_text];
        let content = std::iter::once(title).chain(rest).chain(record.tags.iter().map(String::as_str));
        document.add_text(self.content, strings(content, language));
        document.add_text(self.title, strings([title], language));
        document.add_text(self.author, strings(record.authors.iter().map(|author| author.name.as_str()), language));
        record.topics.iter().for_each(|topic| document.add_text(self.topic, &topic.id));
        record.places.iter().for_each(|place| document.add_text(self.country, place.code.to_ascii_uppercase()));
        document.add_text(self.language, &record.language);
        let tag = record.language.to_ascii_lowercase();
        let ends = tag.match_indices('-').map(|(at, _)| at).chain([tag.len()]);
        ends.for_each(|end| document.add_text(self.language_within, &tag[..end]));
        document.add_text(self.source, record.source.id.as_str());
        sites::domains(&record.url).for_each(|domain| document.add_text(self.site, domain));
        document.add_text(self.event, record.event.name());
        Part::ALL
            .into_iter()
            .filter(|part| part.is_in(record))
            .for_each(|part| document.add_text(self.has, part.name()));
        document
    }

    /// The newest line of an article.
    pub fn newest_of(&self, id: ArticleId) -> Term {
        Term::from_field_bytes(self.newest, &id.0)
    }
}

/// A moment as a number; those that no clock of ours shows are its ends.
pub fn nanoseconds(at: jiff::Timestamp) -> i64 {
    i64::try_from(at.as_nanosecond()).unwrap_or(if at.as_nanosecond() < 0 { i64::MIN } else { i64::MAX })
}
