//! Where the words of a query stand in a record, for showing them. What is marked is what `matching` finds.
//!
//! Made for the few records that are shown: a scan asks [`super::matching`] only.

use std::ops::Range;

use unicode_normalization::is_nfc;

use super::fold::{self, FoldedText, Words};
use super::terms::{self, Language, Token};
use super::{Clause, Ending, Scope, Sense, Term, TextTerm};
use crate::record::Record;

/// Ranges of bytes of a record's fields, in order, none of which overlap. The publisher's tags are searched, too, but are
/// not marked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// In the title.
    pub title: Vec<Range<usize>>,
    /// In the summary.
    pub summary: Vec<Range<usize>>,
    /// In the text.
    pub text: Vec<Range<usize>>,
}

/// Where the words stand that these clauses ask for, in any form in which they are found.
pub(super) fn of(clauses: &[Clause], record: &Record) -> Marks {
    let conditions = clauses.iter().flat_map(|clause| &clause.any).filter(|condition| condition.sense == Sense::With);
    let terms: Vec<&TextTerm> = conditions
        .flat_map(|condition| &condition.terms)
        .filter_map(|term| if let Term::Text(text) = term { Some(text) } else { None })
        .collect();
    if terms.is_empty() {
        return Marks::default();
    }
    let language = Language::of(&record.language);
    let anywhere: Vec<&TextTerm> = terms.iter().copied().filter(|term| term.scope == Scope::Anywhere).collect();
    Marks {
        title: marks(record.title.as_deref().unwrap_or_default(), language, &terms),
        summary: marks(record.summary.as_deref().unwrap_or_default(), language, &anywhere),
        text: marks(&record.content_text, language, &anywhere),
    }
}

fn marks(text: &str, language: Language, terms: &[&TextTerm]) -> Vec<Range<usize>> {
    if text.is_empty() || terms.is_empty() {
        return Vec::new();
    }
    let text = PlacedText::new(text, language);
    let tokens = terms::tokens(&text.folded, language, terms.iter().map(|term| &term.beginnings));
    let mut found = Vec::new();
    for term in terms {
        text.as_written(term, &mut found);
        text.spelt_otherwise(term, &tokens, &mut found);
    }
    found.sort_unstable_by_key(|range| (range.start, range.end));
    let mut apart: Vec<Range<usize>> = Vec::with_capacity(found.len());
    for range in found {
        match apart.last_mut().filter(|last| range.start < last.end) {
            Some(last) => last.end = last.end.max(range.end),
            None => apart.push(range),
        }
    }
    apart
}

/// A folded text whose words know where they stood.
struct PlacedText {
    folded: FoldedText,
    /// Where each word begins in the folded text.
    starts: Vec<usize>,
    /// Where it stands in the text, as long as `starts` but for a word that is being read.
    places: Vec<Range<usize>>,
    /// The word that is being read.
    open: Option<Range<usize>>,
    /// What is being read.
    piece: Range<usize>,
    /// Whether it is in normal form C, so that its places are those of the text.
    is_normal: bool,
}

impl PlacedText {
    /// Reads a text piece by piece, cut at its white space: no word and no normal form reaches over that. Words of a piece
    /// that is not in normal form C, which a record's seldom is, all have the place of the piece.
    fn new(text: &str, language: Language) -> Self {
        let mut placed = Self {
            folded: FoldedText::with_capacity(text.len() + 2),
            starts: Vec::new(),
            places: Vec::new(),
            open: None,
            piece: 0..0,
            is_normal: true,
        };
        placed.folded.folded.push(' ');
        let mut at = 0;
        for piece in text.split_inclusive(char::is_whitespace) {
            placed.piece = at..at + piece.trim_end().len();
            placed.is_normal = is_nfc(piece);
            fold::read_words(piece, language.apostrophes, &mut placed);
            at += piece.len();
        }
        for place in &mut placed.places {
            let unseen = text[place.end..].chars().take_while(|c| fold::is_unseen(*c));
            place.end += unseen.map(char::len_utf8).sum::<usize>();
        }
        placed
    }

    /// The words as they were asked for.
    fn as_written(&self, term: &TextTerm, found: &mut Vec<Range<usize>>) {
        for words in std::iter::once(&term.words).chain(&term.joined) {
            let end = if term.ending == Ending::Whole { " " } else { "" };
            let wanted = format!(" {words}{end}");
            let count = words.split(' ').count();
            let mut from = 0;
            while let Some(at) = self.folded.folded[from..].find(&wanted) {
                from += at + 1;
                if let Ok(first) = self.starts.binary_search(&from) {
                    found.extend(self.place(first, count));
                }
            }
        }
    }

    /// In another spelling or form, or under another name.
    fn spelt_otherwise(&self, term: &TextTerm, tokens: &[Token], found: &mut Vec<Range<usize>>) {
        for reading in &term.readings {
            let begins = |at: &usize| super::matching::begins_with(&tokens[*at..], reading, term.ending);
            let firsts = (0..tokens.len()).filter(begins).map(|at| tokens[at].position);
            found.extend(firsts.filter_map(|first| self.place(first, reading.words.len())));
        }
    }

    /// Where so many words stand.
    fn place(&self, first: usize, count: usize) -> Option<Range<usize>> {
        Some(self.places.get(first)?.start..self.places.get(first + count - 1)?.end)
    }
}

impl Words for PlacedText {
    fn place(&mut self, range: Range<usize>) {
        let range = if self.is_normal {
            self.piece.start + range.start..self.piece.start + range.end
        } else {
            self.piece.clone()
        };
        match &mut self.open {
            Some(open) => open.end = range.end,
            None => {
                self.starts.push(self.folded.folded.len());
                self.open = Some(range);
            }
        }
    }

    fn letter(&mut self, letter: char) {
        self.folded.letter(letter);
    }

    fn run(&mut self, letters: &str) {
        self.folded.run(letters);
    }

    fn apostrophe(&mut self) {
        self.folded.apostrophe();
    }

    fn end(&mut self) {
        self.places.extend(self.open.take());
        self.folded.end();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use jiff::tz::TimeZone;
    use serde_json::json;

    use super::super::{Query, QueryContext};
    use super::*;

    fn record(language: &str, title: &str, summary: &str, text: &str) -> Record {
        serde_json::from_value(json!({
            "schema": "chapar.record/1", "seq": 7, "id": "abcdefghijklmnopqrstuvwxya", "version": 1, "event": "new",
            "recorded_at": "2026-11-20T08:00:00Z", "url": "https://news.example.org/a", "title": title,
            "summary": summary, "content_text": text, "language": language, "language_confidence": 0.9, "word_count": 9,
            "source": {"id": "example", "name": "Example", "kind": "feed", "feed_url": "https://news.example.org/rss"},
            "fetch": {"at": "2026-11-20T07:59:00Z", "final_url": "https://news.example.org/a", "status": 200, "bytes": 10},
            "extract": {"path": "blocks", "fields": {}, "confidence": 0.9},
            "dedup": {"text_digest": "00112233445566778899aabbccddeeff"}, "rules": {"digest": "0011223344556677"},
            "chapar": "0.1.0"
        }))
        .unwrap()
    }

    fn query(text: &str) -> Query {
        let zone = TimeZone::UTC;
        let now = "2026-11-22T08:00:00Z".parse().unwrap();
        Query::parse(text, &QueryContext { now, zone: &zone, topics: &[], sources: &[] }).unwrap()
    }

    /// The text with its marks in brackets.
    fn marked(text: &str, marks: &[Range<usize>]) -> String {
        let mut marked = String::new();
        let mut at = 0;
        for mark in marks {
            marked.extend([&text[at..mark.start], "[", &text[mark.clone()], "]"]);
            at = mark.end;
        }
        marked + &text[at..]
    }

    fn check(asked: &str, language: &str, text: &str, expected: &str) {
        let record = record(language, "", "", text);
        assert_eq!(marked(text, &query(asked).marks(&record).text), expected, "{asked}");
    }

    #[test]
    fn words_are_marked_where_they_stand() {
        check("gas", "en", "Gas, gas and natural-gas; gases.", "[Gas], [gas] and natural-[gas]; gases.");
        check("Tokayev", "ru", "«Токаева» и Токаев,\n\nа не тока.", "«[Токаева]» и [Токаев],\n\nа не тока.");
        check("\"middle corridor\"", "en", "A middle\ncorridor; corridor", "A [middle\ncorridor]; corridor");
        check("\"gas gas\"", "en", "gas gas gas", "[gas gas gas]");
        check("uran*", "en", "Uranium of the Urals, uranyl", "[Uranium] of the Urals, [uranyl]");
        check("Toshkent", "en", "in Tashkent today", "in [Tashkent] today");
        check("\"south korea\" OR Japan", "en", "Japan, South Korea's", "[Japan], [South Korea]'s");
        check("天然气", "zh", "中亚天然气管道", "中亚[天然气]管道");
        check("ozbekiston", "uz-Latn", "O‘zbekistonda — Oʻzbekiston", "[O‘zbekistonda] — [Oʻzbekiston]");
        check("istanbul", "tr", "İSTANBUL'da", "[İSTANBUL]'da");
    }

    #[test]
    fn what_is_excluded_or_only_filters_is_not_marked() {
        check(
            "gas -oil topic:energy source:example",
            "en",
            "gas and oil and energy, example",
            "[gas] and oil and energy, example",
        );
        check("-gas OR oil", "en", "gas and oil", "gas and [oil]");
        check("country:KZ", "en", "Kazakhstan", "Kazakhstan");
    }

    #[test]
    fn accents_and_texts_in_another_normal_form_are_marked_whole() {
        check("замок", "ru", "за\u{301}мок, замок", "[за\u{301}мок], [замок]");
        check("воды", "ru", "и воды\u{301} нет", "и [воды\u{301}] нет");
        check("йод", "ru", "соль, и\u{306}од; вода", "соль, [и\u{306}од;] вода");
    }

    #[test]
    fn each_field_has_its_own_marks_and_title_terms_mark_the_title() {
        let record = record("en", "Gas and water", "Gas and more water", "water, gas");
        let marks = query("title:gas water").marks(&record);
        assert_eq!(marked("Gas and water", &marks.title), "[Gas] and [water]");
        assert_eq!(marked("Gas and more water", &marks.summary), "Gas and more [water]");
        assert_eq!(marked("water, gas", &marks.text), "[water], gas");
        assert_eq!(query("").marks(&record), Marks::default());
    }

    proptest::proptest! {
        #[test]
        fn what_matches_is_marked_and_what_is_marked_matches(
            asked in "[a-zа-яёўғқҳәışç][a-zа-яёўғқҳәı'ʻşç]{0,6}\\*?|\"[a-zа-яё]{1,4} [a-zа-яё]{1,4}\"",
            before in "(\\PC{0,6}[ \n.,–]){0,2}",
            ending in "|а|у|ом|ning|да|s|'s|\u{301}| x|气",
            tag in proptest::sample::select(vec!["en", "ru", "kk", "kk-Latn", "ky", "tg", "tk", "uz-Latn", "uz-Cyrl", "tr", "zh"]),
        ) {
            let query = query(&asked);
            let text = format!("{before}{}{ending}", asked.trim_matches(['"', '*']));
            let record = record(tag, "", "", &text);
            let marks = query.marks(&record);
            proptest::prop_assert_eq!(query.is_empty() || !marks.text.is_empty(), query.matches(&record), "{:?}", text);
            proptest::prop_assert!(marks.text.iter().all(|mark| text.get(mark.clone()).is_some_and(|word| !word.is_empty())));
            proptest::prop_assert!(marks.text.windows(2).all(|two| two[0].end <= two[1].start));
        }

        #[test]
        fn a_text_is_folded_as_for_searching(text in "[\\PC\n\u{301}\u{306}ий'ʻoOgGs ]{0,30}", tag in "en|uz-Latn|kk-Latn") {
            let language = Language::of(&tag);
            let placed = PlacedText::new(&text, language);
            let mut folded = FoldedText::default();
            folded.add(&text, language.apostrophes);
            proptest::prop_assert_eq!(&placed.folded.folded, &folded.folded);
            let words = folded.folded.split_whitespace().count();
            proptest::prop_assert_eq!((placed.starts.len(), placed.places.len()), (words, words));
        }
    }
}
