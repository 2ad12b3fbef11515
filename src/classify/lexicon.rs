//! All terms of all rules in one Aho-Corasick automaton over folded text.
//!
//! The automaton knows each term's opening, up to its first stem; where it reports one, the words are compared with the
//! term's. So the cost grows with the text.

use std::cmp::Reverse;

use aho_corasick::AhoCorasick;

use super::document::Document;
use super::languages::TermLanguage;
use super::term::{Owner, TERM_WORDS_MAX, Term};

/// A term found in a document.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit<'a> {
    /// The term.
    pub term: &'a Term,
    /// What it counts for in this document's language.
    pub weight: f64,
    /// Number of its first word.
    pub first: usize,
    /// Number of its last word.
    pub last: usize,
    /// Numbers of the first and last word of what it wanted near it, where it wanted something.
    pub company: Option<(usize, usize)>,
}

impl Hit<'_> {
    /// What it speaks for.
    pub fn owner(&self) -> Owner {
        self.term.owner()
    }
}

/// Every term of the rules, compiled.
#[derive(Debug)]
pub struct Lexicon {
    automaton: AhoCorasick,
    /// Sorted by their openings, which are the patterns of the automaton.
    terms: Vec<Term>,
    /// For each pattern, the end of its terms; they begin where those of the pattern before end.
    ends: Vec<usize>,
}

impl Lexicon {
    /// Compiles terms; those that match and count the same for the same owner become one, for all their languages.
    ///
    /// # Errors
    /// When the automaton would be too large.
    pub fn compile(mut terms: Vec<Term>) -> Result<Self, String> {
        let mut others = Vec::new();
        for (number, company) in (0..).zip(terms.iter_mut().flat_map(Term::company_mut)) {
            company.number = number;
            let own = std::mem::take(&mut company.terms);
            others.extend(own.into_iter().map(|term| term.owned_by(Owner::Company(number))));
        }
        terms.extend(others);
        terms.sort_by_cached_key(|term| (term.opening(), term.owner(), term.forms()));
        terms.dedup_by(|term, before| {
            let is_one = term.counts_as(before);
            if is_one {
                before.add_languages_of(term);
            }
            is_one
        });
        terms.shrink_to_fit();
        let mut openings: Vec<String> = Vec::new();
        let mut ends: Vec<usize> = Vec::new();
        for (index, term) in terms.iter().enumerate() {
            let opening = term.opening();
            if openings.last() != Some(&opening) {
                openings.push(opening);
                ends.push(index);
            }
            if let Some(end) = ends.last_mut() {
                *end = index + 1;
            }
        }
        let automaton = AhoCorasick::new(&openings).map_err(|error| error.to_string())?;
        Ok(Self { automaton, terms, ends })
    }

    fn opened_by(&self, pattern: usize) -> &[Term] {
        let from = if pattern == 0 { 0 } else { self.ends[pattern - 1] };
        &self.terms[from..self.ends[pattern]]
    }

    /// All terms found in the company that they want, by group of owners, those of places first, then by position.
    pub fn find<'a>(&'a self, document: &Document, language: Option<TermLanguage>) -> Vec<Hit<'a>> {
        let mut found = self.all(document, language);
        let company = found.split_off(found.partition_point(|hit| !matches!(hit.owner(), Owner::Company(_))));
        found.retain_mut(|hit| finds_company(hit, &company));
        found
    }

    /// Every term wherever it is found, in the order in which [`drop_overlaps`] chooses.
    fn all<'a>(&'a self, document: &Document, language: Option<TermLanguage>) -> Vec<Hit<'a>> {
        let words = document.words();
        let mut found: Vec<Hit<'a>> = Vec::new();
        let mut first = 0;
        // Reported by end position, so starts are nearly sorted, but not quite: hence the search.
        for opening in self.automaton.find_overlapping_iter(document.folded()) {
            let start = opening.start() + " ".len();
            if words.get(first).is_none_or(|word| word.start != start) {
                let Ok(index) = words.binary_search_by_key(&start, |word| word.start) else { continue };
                first = index;
            }
            for term in self.opened_by(opening.pattern().as_usize()) {
                let Some(weight) = term.weight_in(language) else { continue };
                if term.matches(document, &words[first..]) {
                    let last = first + term.row_len() - 1;
                    found.push(Hit { term, weight, first, last, company: None });
                }
            }
        }
        // Of two over the same words the more specific wins: «карьера» over «карьер*»; then that of the text's language.
        found.sort_by(|a, b| {
            let rank =
                |hit: &Hit<'_>| (hit.owner().group(), hit.first, Reverse(hit.last), Reverse(hit.term.specificity()));
            let is_own = |hit: &Hit<'_>| hit.term.is_of(language);
            rank(a).cmp(&rank(b)).then(is_own(b).cmp(&is_own(a))).then(b.weight.total_cmp(&a.weight))
        });
        found
    }
}

/// Whether a term stands in the company that it wants, of all company found; what it wanted is noted in the hit.
fn finds_company(hit: &mut Hit<'_>, found: &[Hit<'_>]) -> bool {
    for wish in &hit.term.wishes().company {
        let own = Owner::Company(wish.number).group();
        let nearest = hit.first.saturating_sub(wish.words_max + TERM_WORDS_MAX);
        let from = found.partition_point(|other| (other.owner().group(), other.first) < (own, nearest));
        let within = |other: &&Hit<'_>| other.owner().group() == own && other.first <= hit.last + wish.words_max;
        let near = found[from..].iter().take_while(within).find(|other| {
            other.first > hit.last || (hit.first > other.last && hit.first - other.last <= wish.words_max)
        });
        if near.is_some() != wish.wanted {
            return false;
        }
        hit.company = hit.company.or(near.map(|other| (other.first, other.last)));
    }
    true
}

/// Leaves no two hits of one group that overlap: the first wins, of those the longest.
pub fn drop_overlaps(hits: &mut Vec<Hit<'_>>) {
    let mut group = None;
    let mut free_from = 0;
    hits.retain(|hit| {
        if group.replace(hit.owner().group()) != Some(hit.owner().group()) {
            free_from = 0;
        }
        let is_free = hit.first >= free_from;
        if is_free {
            free_from = hit.last + 1;
        }
        is_free
    });
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn check(terms: &[&str], text: &str, expected: &[&str]) {
        let ru = TermLanguage::of("ru").unwrap();
        let terms = terms.iter().map(|term| Term::parse(term, 1.0, Owner::Topic(0), ru).unwrap()).collect();
        let lexicon = Lexicon::compile(terms).unwrap();
        let document = Document::new("", text);
        let mut hits = lexicon.find(&document, Some(ru));
        drop_overlaps(&mut hits);
        let forms: Vec<&str> = hits.iter().map(|hit| document.written(hit.first, hit.last)).collect();
        assert_eq!(forms, expected, "{terms:?} in {text:?}", terms = lexicon.terms);
    }

    #[test]
    fn words_stems_and_phrases() {
        check(&["газ"], "Газ, газа, газ.", &["Газ", "газ"]);
        check(&["газ*"], "Магазин газовый", &["газовый"]);
        check(&["железн* дорог*"], "по железной дороге, железные. Дороги", &["железной дороге"]);
        check(&["oil", "oil field*"], "Oil fields and oil's price, toil", &["Oil fields", "oil's"]);
        check(&["Кош-Тепа"], "канал Кош-Тепа и Кош Тепа, Кош. Тепа", &["Кош-Тепа", "Кош Тепа"]);
        check(&["C5+1"], "The C5+1 summit", &["C5+1"]);
        check(&["US"], "US tells us", &["US"]);
        check(&["Турци*"], "турция Турцией ТУРЦИЯ", &["Турцией", "ТУРЦИЯ"]);
        check(&["Китай – Кыргызстан"], "дорога Китай-Кыргызстан", &["Китай-Кыргызстан"]);
    }

    #[test]
    fn short_terms_stay_in_their_language() {
        let ru = TermLanguage::of("ru").unwrap();
        let terms = ["сел*", "парламент*"].map(|term| Term::parse(term, 1.0, Owner::Topic(0), ru).unwrap());
        let lexicon = Lexicon::compile(terms.to_vec()).unwrap();
        let document = Document::new("", "сел жүрді парламентте");
        let hits = lexicon.find(&document, TermLanguage::of("kk"));
        assert_eq!(hits.iter().map(|hit| &*hit.term.written).collect::<Vec<_>>(), ["парламент*"]);
    }

    #[test]
    fn bad_terms_are_named() {
        let bad = |term: &str| Term::parse(term, 1.0, Owner::NoPlace, TermLanguage::of("en").unwrap()).unwrap_err();
        assert!(bad("").contains("empty string"));
        assert!(bad("*").contains("empty string"));
        assert!(bad("oil *").contains("empty string"));
        assert!(bad("o*").contains("at least 2"));
        assert!(bad("o*il").contains("only end a word"));
        assert!(bad("a b c d e f g h i").contains("at most 8"));
    }
}
