//! From a judged candidate to its record.

use jiff::Timestamp;
use url::Url;

use super::Candidate;
use crate::model::{ArticleId, Seq, SourceId};
use crate::record::{DedupTrace, Event, Record, RulesTrace, SCHEMA};

/// Longest summary taken from the text, in characters.
const LEDE_CHARS_MAX: usize = 300;

/// What the writer decided on a candidate.
pub struct Judged {
    /// Its place in the log.
    pub seq: Seq,
    /// The article it is.
    pub id: ArticleId,
    /// What was announced.
    pub entry: ArticleId,
    /// Its address.
    pub url: Url,
    /// Its version.
    pub version: u32,
    /// What happened.
    pub event: Event,
    /// The version before.
    pub replaces: Option<u32>,
    /// The article that it is a copy of, or whose text it holds among much else, and how alike they are.
    pub like: Option<(ArticleId, f64)>,
    /// Other sources that announced it.
    pub also_in: Vec<SourceId>,
    /// When.
    pub recorded_at: Timestamp,
}

/// The line of the log.
pub fn record_of(candidate: &Candidate, judged: Judged) -> Record {
    let Judged { seq, id, entry, url, version, event, replaces, like, also_in, recorded_at } = judged;
    let Candidate { article, labels, .. } = candidate;
    Record {
        schema: SCHEMA.to_owned(),
        seq,
        id,
        version,
        event,
        replaces,
        recorded_at,
        url,
        title: article.title.clone(),
        summary: article.summary.clone().or_else(|| lede(&article.content_text)),
        content_text: article.content_text.clone(),
        authors: article.authors.clone(),
        date_published: article.date_published,
        date_modified: article.date_modified,
        date_precision: article.date_precision,
        language: labels.language.tag.clone(),
        language_confidence: labels.language.confidence,
        image: article.image.clone(),
        tags: article.tags.clone(),
        word_count: article.word_count,
        places: labels.places.clone(),
        topics: labels.topics.clone(),
        source: candidate.source.clone(),
        also_in,
        announced_as: Some(entry).filter(|entry| *entry != id),
        fetch: candidate.fetch.clone(),
        extract: article.extract.clone(),
        quality: article.quality.clone(),
        dedup: DedupTrace {
            text_digest: candidate.text_digest,
            of: like.map(|(of, _)| of),
            similarity: like.map(|(_, similarity)| similarity),
        },
        rules: RulesTrace { digest: candidate.rules.clone() },
        chapar: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// The first paragraph, cut at a word.
fn lede(text: &str) -> Option<String> {
    let first = text.split("\n\n").map(str::trim).find(|paragraph| !paragraph.is_empty())?;
    let Some((cut, _)) = first.char_indices().nth(LEDE_CHARS_MAX) else { return Some(first.to_owned()) };
    let whole_words = first[..cut].rfind(char::is_whitespace).map_or(&first[..cut], |space| &first[..space]);
    Some(format!("{whole_words} …"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_lede_is_the_first_paragraph_cut_at_a_word() {
        assert_eq!(lede("\n\nFirst.\n\nSecond.").as_deref(), Some("First."));
        assert_eq!(lede(""), None);
        let long = "слово ".repeat(100);
        let cut = lede(&long).unwrap();
        assert!(cut.ends_with("слово …") && cut.chars().count() <= LEDE_CHARS_MAX + 2, "{cut}");
    }
}
