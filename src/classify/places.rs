//! Countries by their names, cities and demonyms: `places.toml`.
//!
//! Scored by where they stand and how often, so that the country an article is about comes first and one that is only
//! named in passing comes last or not at all.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use toml::Spanned;

use super::document::Document;
use super::languages::{RawTerms, is_country_code, read_terms, toml_fault};
use super::lexicon::{Hit, Owner, Term};
use crate::model::{Field, PlaceLabel};
use crate::rules::{RuleFault, RuleFiles};

/// What a mention counts for, by field.
const TITLE_SCORE: f64 = 3.0;
const LEDE_SCORE: f64 = 1.5;
const BODY_SCORE: f64 = 0.6;

/// However often a country is named in a field, it counts at most this many mentions.
const MENTIONS_MAX: f64 = 4.0;

/// A country this far behind the first one is mentioned, not meant.
const SHARE_OF_BEST_MIN: f64 = 0.15;

/// In a text of more words than this, one mention in the body is in passing when other countries are named.
const LONG_TEXT_WORDS: usize = 200;

/// Most countries of an article.
const PLACES_MAX: usize = 8;

/// Longest acronym that is a common word in small letters (`US`), in bytes.
const ACRONYM_BYTES_MAX: usize = 3;

/// Most forms named as evidence for one country.
const FORMS_MAX: usize = 10;

/// Longest form that is kept as evidence, in bytes.
const FORM_BYTES_MAX: usize = 120;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPlaces {
    #[serde(default)]
    ignore: RawTerms,
    #[serde(default)]
    place: Vec<RawPlace>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPlace {
    code: Spanned<String>,
    terms: RawTerms,
    /// Terms that count only beside a sure one.
    #[serde(default)]
    weak: RawTerms,
    /// Countries whose sure terms make this one's weak terms count.
    #[serde(default)]
    near: Vec<Spanned<String>>,
}

/// A place, compiled; its terms are in the lexicon.
#[derive(Debug)]
pub struct Place {
    /// ISO 3166-1 code of two letters.
    pub code: String,
    /// Numbers of the places beside which its weak terms count.
    near: Vec<usize>,
}

/// All places and their terms.
#[derive(Debug, Default)]
pub struct PlaceRules {
    /// In the order of their numbers in [`Owner::Place`] and [`Owner::MaybePlace`].
    pub places: Vec<Place>,
    /// Their terms.
    pub terms: Vec<Term>,
}

impl PlaceRules {
    /// Reads `places.toml`, adding what is wrong to `faults`.
    pub fn read(files: &RuleFiles, faults: &mut Vec<RuleFault>) -> Self {
        let mut rules = Self::default();
        let Some(file) = files.file("places.toml") else { return rules };
        let raw: RawPlaces = match toml::from_str(&file.text) {
            Ok(raw) => raw,
            Err(error) => {
                faults.push(toml_fault(file, &error));
                return rules;
            }
        };
        rules.terms = read_terms(file, "ignore", &raw.ignore, Owner::NoPlace, faults);
        let numbers: Vec<String> = raw.place.iter().map(|place| place.code.get_ref().clone()).collect();
        for place in raw.place {
            let code = place.code.get_ref();
            let mut refuse =
                |why: &str| faults.push(file.fault(place.code.span().start, format!("code: {code:?} {why}")));
            if !is_country_code(code) {
                refuse("is no ISO 3166-1 code; write two capitals");
            }
            if rules.places.iter().any(|known| known.code == *code) {
                refuse("stands here twice; join the two");
            }
            let mut near = Vec::new();
            for other in &place.near {
                match numbers.iter().position(|known| known == other.get_ref()) {
                    Some(number) => near.push(number),
                    None => faults.push(
                        file.fault(other.span().start, format!("near: {:?} has no [[place]] here", other.get_ref())),
                    ),
                }
            }
            let number = rules.places.len();
            for (key, raw, owner) in
                [("terms", &place.terms, Owner::Place(number)), ("weak", &place.weak, Owner::MaybePlace(number))]
            {
                rules.terms.extend(read_terms(file, &format!("{code}.{key}"), raw, owner, faults));
            }
            rules.places.push(Place { code: code.clone(), near });
        }
        rules
    }
}

#[derive(Default)]
struct Mentions {
    score_by_field: BTreeMap<Field, f64>,
    count: usize,
    forms: Vec<String>,
}

/// The countries that the hits speak for, most important first; hits of topics are passed over.
pub fn label(places: &[Place], document: &Document, hits: &[Hit<'_>]) -> Vec<PlaceLabel> {
    let hits: Vec<&Hit<'_>> = hits.iter().filter(|hit| !is_shouted_word(document, hit)).collect();
    let named = |hit: &&Hit<'_>| if let Owner::Place(number) = hit.owner() { Some(number) } else { None };
    let sure: BTreeSet<usize> = hits.iter().filter_map(named).collect();
    let mut mentions: BTreeMap<usize, Mentions> = BTreeMap::new();
    for hit in hits {
        let number = match hit.owner() {
            Owner::Place(number) => number,
            Owner::MaybePlace(number) if is_confirmed(number, &places[number], &sure) => number,
            _ => continue,
        };
        let own = mentions.entry(number).or_default();
        *own.score_by_field.entry(document.field_at(hit.first)).or_default() += hit.weight;
        own.count += 1;
        let form = document.written(hit.first, hit.last);
        let form = &form[..form.floor_char_boundary(FORM_BYTES_MAX)];
        if own.forms.len() < FORMS_MAX && !own.forms.iter().any(|known| known == form) {
            own.forms.push(form.to_owned());
        }
    }
    let is_long = document.words().len() > LONG_TEXT_WORDS;
    let are_several = mentions.len() > 1;
    let mut labels: Vec<PlaceLabel> = mentions
        .into_iter()
        .filter(|(_, own)| {
            let only_in_body = own.score_by_field.keys().all(|field| *field == Field::Body);
            !(is_long && are_several && only_in_body && own.count == 1)
        })
        .map(|(number, own)| PlaceLabel { code: places[number].code.clone(), score: own.score(), matched: own.forms })
        .collect();
    labels.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.code.cmp(&b.code)));
    let best = labels.first().map_or(0.0, |label| label.score);
    labels.retain(|label| label.score > 0.0 && label.score >= best * SHARE_OF_BEST_MIN);
    labels.truncate(PLACES_MAX);
    labels
}

fn is_confirmed(number: usize, place: &Place, sure: &BTreeSet<usize>) -> bool {
    sure.contains(&number) || place.near.iter().any(|near| sure.contains(near))
}

/// Whether a name is known by its capitals alone, in a sentence of nothing but capitals: «CONTACT US».
fn is_shouted_word(document: &Document, hit: &Hit<'_>) -> bool {
    let term = hit.term.written.as_str();
    if term.len() > ACRONYM_BYTES_MAX || !term.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return false;
    }
    let ends_sentence = ['\n', '.', '!', '?'];
    let before = document.text()[..document.words()[hit.first].from].rsplit(ends_sentence).next().unwrap_or_default();
    let after = document.text()[document.words()[hit.last].to..].split(ends_sentence).next().unwrap_or_default();
    let mut others = before.chars().chain(after.chars()).filter(|c| c.is_alphabetic()).peekable();
    others.peek().is_some() && !others.any(char::is_lowercase)
}

impl Mentions {
    fn score(&self) -> f64 {
        let score: f64 = self
            .score_by_field
            .iter()
            .map(|(field, weight)| {
                let field_score = match field {
                    Field::Title => TITLE_SCORE,
                    Field::Lede => LEDE_SCORE,
                    Field::Body => BODY_SCORE,
                };
                // Below one mention the weight itself, then the logarithm of how many.
                field_score * weight.min(1.0 + weight.max(1.0).ln()).min(MENTIONS_MAX)
            })
            .sum();
        (score * 1000.0).round() / 1000.0
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::classify::{Classifier, ClassifyText};
    use crate::rules::RuleFiles;

    fn check(classifier: &Classifier, title: &str, body: &str, expected: &[&str]) {
        let labels = classifier.classify(&ClassifyText { title, body, language_prior: None });
        let codes: Vec<&str> = labels.places.iter().map(|place| place.code.as_str()).collect();
        assert_eq!(codes, expected, "{title:?} {body:?}: {:?}", labels.places);
    }

    #[test]
    fn countries_in_order_of_importance() {
        let classifier = Classifier::compile(&RuleFiles::shipped()).unwrap();
        let rules = &classifier;
        check(
            rules,
            "Kazakhstan opens a plant",
            "The plant in Shymkent was built with a firm from Turkey.",
            &["KZ", "TR"],
        );
        check(rules, "", "Узбекский премьер прибыл в Душанбе и встретился с таджикскими министрами.", &["TJ", "UZ"]);
        check(
            rules,
            "",
            "Қырғызстан мен Қазақстан шекарасында жаңа бекет ашылды, дейді Қырғызстан үкіметі.",
            &["KG", "KZ"],
        );
        check(rules, "", "Oʻzbekiston Prezidenti Ashxobodga keldi, oʻzbekistonlik olimlar ham bordi.", &["UZ", "TM"]);
        check(rules, "", "Ўзбекистон Президенти Тошкентда вазирларни қабул қилди.", &["UZ"]);
        check(rules, "", "Президенти Тоҷикистон дар Хуҷанд бо сокинон вохӯрд.", &["TJ"]);
        check(rules, "", "Türkmenistanyň Prezidenti Aşgabatda ilçini kabul etdi.", &["TM"]);
        let passing =
            format!("Tokayev spoke in Astana. {} Kazakhstan grows. Also Japan.", "The plan is large. ".repeat(150));
        check(rules, "Kazakhstan and reform", &passing, &["KZ"]);
    }

    #[test]
    fn what_only_looks_like_a_country() {
        let classifier = Classifier::compile(&RuleFiles::shipped()).unwrap();
        for text in [
            "Michael Jordan told us that the turkey was cooked in fine china with chad and polish.",
            "Кроме того, у того дома стояла гана.",
            "Бул гана эмес, ал тууралуу айтты.",
            "Занятия по русскому языку и китайская грамота в казанской школе.",
        ] {
            check(&classifier, "", text, &[]);
        }
    }
}
