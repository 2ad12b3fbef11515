//! Which language a text is in: its script decides first, then the letters of its words, by the table of `table`.
//!
//! A word costs -ln P in each language of the script, and the cheapest language is that of the text. How much cheaper it is
//! gives the confidence, how dear it is against its usual texts and against the average of all languages whether
//! the text is in none of them. Neighbours of our languages (Tatar, Azeri, Uyghur …) are named, all others are `und`.

mod script;
mod table;

use script::{Letters, Script, script_of};
use table::{BOUNDARY, COLUMNS_MAX, COST_STEP, Column, NONE, SHIPPED, SKIPPED, ScriptTable, Table, USUAL_STEPS};

use crate::model::LanguageLabel;

/// Bytes of a text that are looked at: of a longer one a third of it at the beginning, the middle and the end.
const SAMPLE_BYTES: usize = 3 << 10;

/// Letters of the longest words; what is longer is none.
const WORD_LETTERS_MAX: usize = 40;

/// What a word may cost more than in the cheapest language, in steps (16 nats): a quotation in another language, or a
/// letter typed wrong, does not outweigh the rest of the text.
const WORD_COST_SPAN: i16 = 256;

/// Capitals begin names, which are the same in all languages: such words count half of the others, the first excepted.
const CAPITAL_WEIGHT: i16 = 1;
const WEIGHT: i16 = 2;

/// Letters follow from each other, so probabilities by letter are too sure of themselves. Held-out texts of one word
/// to a sentence are named right as often as the confidence says when costs are divided by this.
const TEMPERATURE: f64 = 1.75;

/// The language that the source or the page claims may cost so many nats more: about a word's worth.
const PRIOR_NATS: f64 = 6.0;

/// Least share of the likelihood for a name. Held out, every fifth guess below was right.
const POSTERIOR_MIN: f64 = 0.3;

/// Fewer letters are no text.
const LETTERS_MIN: usize = 3;

/// A language without a letter, or with it in one of twenty thousand: the letter is foreign to it, in steps of cost.
const FOREIGN_COST: u8 = 152;

/// Logistic regression of held-out sentences against sentences in 60 languages that are not in the table: whether a text
/// is in none of ours, by what its symbols cost too much, times the root of their number, and by foreign letters.
const EXCESS_WEIGHT: f64 = 1.33;
const FOREIGN_WEIGHT: f64 = 3.24;
/// At this level 0.2 % of held-out headlines are refused, one in a thousand sentences, and no article.
const STRANGENESS_BASE: f64 = -4.5;
/// Languages that are written in the region are likelier than their neighbours.
const STRANGENESS_REGION: f64 = -0.9;
/// The claim of the source makes its language so much more credible.
const STRANGENESS_PRIOR: f64 = -3.0;
/// What a word may cost too much, in steps (8 nats): lists of names are dear in their own language as well.
const WORD_EXCESS_MAX: i32 = 128 * USUAL_STEPS;
/// The same of a word that is usual in another language of the table (2 nats): a quotation from it is hardly a sign of a
/// language that is not there.
const QUOTED_EXCESS_MAX: i32 = 32 * USUAL_STEPS;
/// Symbols beyond this do not make an excess surer: what a text is about recurs in it.
const EXCESS_SYMBOLS_MAX: f64 = 256.0;
/// A few letters of a quotation are nothing in a long text.
const FOREIGN_SYMBOLS_MIN: f64 = 100.0;
const FOREIGN_MAX: f64 = 4.0;

/// The language of a text; `prior` is what its source or page says. Bounded by [`SAMPLE_BYTES`].
pub fn identify(text: &str, prior: Option<&str>) -> LanguageLabel {
    identify_by(&SHIPPED, text, prior)
}

fn identify_by(table: &Table, text: &str, prior: Option<&str>) -> LanguageLabel {
    let sample = sample(text);
    let words = sample.iter().flat_map(|text| text.split_whitespace()).filter(|token| !is_address(token));
    let tokens: Vec<&str> = words.collect();
    let Some((script, letters)) = Letters::count(&tokens).main_script() else { return unknown() };
    let by_ideographs = |tag: &str| named(tag, 1.0 - 0.5_f64.powf(letters as f64));
    match script {
        Script::Han => by_ideographs("zh"),
        Script::Kana => by_ideographs("ja"),
        Script::Other => unknown(),
        _ if letters < LETTERS_MIN => unknown(),
        Script::Latin | Script::Cyrillic | Script::Arabic => {
            table.script(script).map_or_else(unknown, |table| Reading::of(table, &tokens).label(prior))
        }
    }
}

fn sample(text: &str) -> [&str; 3] {
    let part = SAMPLE_BYTES / 3;
    if text.len() <= SAMPLE_BYTES {
        return [text, "", ""];
    }
    let middle = text.floor_char_boundary((text.len() - part) / 2);
    [
        &text[..text.floor_char_boundary(part)],
        &text[middle..text.floor_char_boundary(middle + part)],
        &text[text.ceil_char_boundary(text.len() - part)..],
    ]
}

/// The words of a text, as their costs add up.
struct Reading<'a> {
    table: &'a ScriptTable,
    words: u32,
    /// By column, in steps, times the weights of the words.
    costs: [i32; COLUMNS_MAX],
    /// By column, in steps of usual costs, times the weights: what the words cost too much for a text in its language,
    /// added to what they cost more than in the average of all languages.
    excess: [i32; COLUMNS_MAX],
    /// Letters and ends of words, times their weights.
    symbols: u32,
    /// How often each symbol stands in words that are strange to all languages of the table.
    strange: [u32; 256],
}

/// A word as it is read.
struct Word {
    symbols: [u8; WORD_LETTERS_MAX],
    letters: usize,
    is_capital: bool,
    /// Whether a letter is of the script, and not only looks so.
    is_of_script: bool,
}

impl Word {
    const BEFORE: Self = Self { symbols: [NONE; WORD_LETTERS_MAX], letters: 0, is_capital: false, is_of_script: false };

    /// What it costs by column, with its end.
    fn costs(&self, table: &ScriptTable) -> [i16; COLUMNS_MAX] {
        let mut sums = [0; COLUMNS_MAX];
        let mut gram = u32::from(BOUNDARY);
        for symbol in self.symbols[..self.letters].iter().chain(&[BOUNDARY]) {
            gram = gram << 8 | u32::from(*symbol);
            let costs = table.costs(gram);
            for column in 0..COLUMNS_MAX {
                sums[column] += i16::from(costs[column]); // at most 41 times 255
            }
        }
        sums
    }
}

impl<'a> Reading<'a> {
    fn of(table: &'a ScriptTable, tokens: &[&str]) -> Self {
        let mut reading =
            Self { table, words: 0, costs: [0; COLUMNS_MAX], excess: [0; COLUMNS_MAX], symbols: 0, strange: [0; 256] };
        // Turkic texts that tell ı from i write I for the former.
        let has_dotless =
            table.script == Script::Latin && tokens.iter().any(|token| !token.is_ascii() && token.contains(['ı', 'İ']));
        let capital_i = table.symbol(if has_dotless { 'ı' } else { 'i' });
        tokens.iter().for_each(|token| reading.read(token, capital_i));
        reading
    }

    fn read(&mut self, token: &str, capital_i: u8) {
        let table = self.table;
        let uzbek = [table.symbol('o'), table.symbol('g')];
        let mut word = Word::BEFORE;
        let mut chars = token.chars().peekable();
        while let Some(c) = chars.next() {
            let symbol = match c {
                'I' => capital_i,
                '\'' | 'ʻ' | 'ʼ' | '‘' | '’' | '`' | '′' if word.letters > 0 => {
                    // Inside of a word, and behind the letters that make Uzbek ones with it.
                    let is_inside = chars.peek().is_some_and(|next| script_of(*next) == Some(Script::Latin));
                    let last = word.symbols[word.letters.min(WORD_LETTERS_MAX) - 1];
                    let is_uzbek = uzbek.contains(&last);
                    if is_inside || is_uzbek { table.apostrophe() } else { NONE }
                }
                _ => table.symbol(c),
            };
            match symbol {
                SKIPPED => {}
                NONE => self.end(std::mem::replace(&mut word, Word::BEFORE)),
                _ => {
                    if word.letters == 0 {
                        word.is_capital = c.is_uppercase();
                    }
                    word.is_of_script = word.is_of_script || script_of(c) == Some(table.script);
                    if word.letters < WORD_LETTERS_MAX {
                        word.symbols[word.letters] = symbol;
                    }
                    word.letters += 1;
                }
            }
        }
        self.end(word);
    }

    // Sixteen bits do for a word, and are added by the dozen at once.
    fn end(&mut self, word: Word) {
        if !word.is_of_script || word.letters > WORD_LETTERS_MAX {
            return;
        }
        let costs = word.costs(self.table);
        let languages = self.table.columns.len();
        let weight = if word.is_capital && self.words > 0 { CAPITAL_WEIGHT } else { WEIGHT };
        let symbols = word.letters as i16 + 1;
        let least = costs[..languages].iter().copied().min().unwrap_or_default();
        let average = i32::from(costs[languages]);
        let mut excess = [0; COLUMNS_MAX];
        for column in 0..COLUMNS_MAX {
            let cost = costs[column];
            self.costs[column] += i32::from(weight * cost.min(least + WORD_COST_SPAN));
            let usual = i32::from(self.table.usual[column] * symbols);
            excess[column] = USUAL_STEPS * (2 * i32::from(cost) - average) - usual;
        }
        let is_strange = excess[..languages].iter().all(|excess| *excess >= 0);
        let excess_max = if is_strange { WORD_EXCESS_MAX } else { QUOTED_EXCESS_MAX };
        for (sum, excess) in self.excess.iter_mut().zip(excess) {
            *sum += i32::from(weight) * excess.min(excess_max);
        }
        if is_strange {
            word.symbols[..word.letters].iter().for_each(|symbol| self.strange[usize::from(*symbol)] += 1);
        }
        self.symbols += u32::from(weight.unsigned_abs() * symbols.unsigned_abs());
        self.words += 1;
    }

    fn label(&self, prior: Option<&str>) -> LanguageLabel {
        if self.words == 0 {
            return unknown();
        }
        let columns = &self.table.columns;
        let is_prior = |column: &Column| prior.is_some_and(|prior| is_same_language(prior, &column.tag));
        let costs: Vec<f64> = columns
            .iter()
            .zip(&self.costs)
            .map(|(column, steps)| {
                nats(f64::from(*steps)) + if is_prior(column) { -PRIOR_NATS } else { column.handicap }
            })
            .collect();
        let least = costs.iter().copied().fold(f64::INFINITY, f64::min);
        let likelihoods: Vec<f64> = costs.iter().map(|cost| ((least - cost) / TEMPERATURE).exp()).collect();
        let share = |tag: &str| -> f64 {
            let own = columns.iter().zip(&likelihoods).filter(|(column, _)| column.tag == tag);
            own.map(|(_, likelihood)| likelihood).sum()
        };
        let Some((best, column)) = columns.iter().enumerate().max_by(|(a, left), (b, right)| {
            share(&left.tag).total_cmp(&share(&right.tag)).then(likelihoods[*a].total_cmp(&likelihoods[*b]))
        }) else {
            return unknown();
        };
        let posterior = share(&column.tag) / likelihoods.iter().sum::<f64>();
        let region = if column.handicap > 0.0 { 0.0 } else { STRANGENESS_REGION };
        let claim = if is_prior(column) { STRANGENESS_PRIOR } else { 0.0 };
        let strangeness = self.strangeness(best) + region + claim;
        if posterior < POSTERIOR_MIN || strangeness > 0.0 {
            return unknown();
        }
        named(&column.tag, posterior / (1.0 + strangeness.exp()))
    }

    /// Log-odds that the text is in a language that is not in the table, when a column is its best.
    fn strangeness(&self, column: usize) -> f64 {
        let symbols = f64::from(self.symbols) / f64::from(WEIGHT);
        let excess = nats(f64::from(self.excess[column]) / f64::from(USUAL_STEPS)) / symbols;
        let is_foreign = |symbol: u8| self.table.costs(u32::from(symbol))[column] >= FOREIGN_COST;
        let foreign = (1..SKIPPED).zip(&self.strange[1..]).filter(|(symbol, count)| **count > 0 && is_foreign(*symbol));
        let foreign = f64::from(foreign.map(|(_, count)| count).sum::<u32>());
        let diluted = foreign / (symbols / FOREIGN_SYMBOLS_MIN).max(1.0).powf(1.5);
        EXCESS_WEIGHT * excess * symbols.min(EXCESS_SYMBOLS_MAX).sqrt()
            + FOREIGN_WEIGHT * diluted.min(FOREIGN_MAX)
            + STRANGENESS_BASE
    }
}

/// Steps times weights as nats.
fn nats(steps: f64) -> f64 {
    steps * COST_STEP / f64::from(WEIGHT)
}

/// Web and mail addresses; the language of their words is not that of the text.
fn is_address(token: &str) -> bool {
    let bytes = token.as_bytes();
    if !bytes.iter().any(|byte| matches!(byte, b'.' | b'@' | b':')) {
        return false;
    }
    let has_inner_dot = |three: &[u8]| three[1] == b'.' && [three[0], three[2]].iter().all(u8::is_ascii_alphanumeric);
    bytes.contains(&b'@') || token.contains("://") || token.is_ascii() && bytes.windows(3).any(has_inner_dot)
}

/// Whether two tags are of one primary language: `uz`, `uz-Latn` and `uz_UZ`; Dari and Iranian Persian are `fa`.
fn is_same_language(one: &str, other: &str) -> bool {
    let [one, other] = [one, other].map(|tag| {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        if ["prs", "pes"].iter().any(|persian| primary.eq_ignore_ascii_case(persian)) { "fa" } else { primary }
    });
    one.eq_ignore_ascii_case(other)
}

fn named(tag: &str, confidence: f64) -> LanguageLabel {
    LanguageLabel { tag: tag.to_owned(), confidence: super::rounded(confidence) }
}

fn unknown() -> LanguageLabel {
    LanguageLabel { tag: "und".to_owned(), confidence: 0.0 }
}

#[cfg(test)]
mod tests;
