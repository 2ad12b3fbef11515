//! An article prepared for matching: one text, its words, and their folded forms.
//!
//! Folding takes away what the same word may differ in: case, ё/е, the five Uzbek apostrophes, stress marks, soft
//! hyphens, normal form. Terms of the rules go through the same [`fold`], so both sides always agree.

use std::sync::LazyLock;

use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::model::Field;

/// Most of a body that is looked at, in bytes: the longest articles are about 60 KB, what is beyond 200 KB is a dump.
pub const BODY_BYTES_MAX: usize = 200 << 10;

/// Most of a title that is looked at, in bytes.
const TITLE_BYTES_MAX: usize = 2 << 10;

/// Longest first line that stands for a missing title, in bytes, and how much longer what follows it must be.
const HEADLINE_BYTES_MAX: usize = 300;
const HEADLINE_SHARE_MAX: usize = 3;

/// A word is seldom shorter, with the space before it, over a whole text.
const USUAL_WORD_BYTES: usize = 6;

/// Longest form that is kept as evidence, in bytes.
pub const FORM_BYTES_MAX: usize = 120;

/// Length of the lede in characters: about the first two paragraphs of an agency text.
const LEDE_CHARS: usize = 500;

/// A title and a body, folded.
#[derive(Debug)]
pub struct Document {
    /// Title, blank line, body; NFC.
    text: String,
    folding: Folding,
    title_end: usize,
    lede_end: usize,
}

/// A word of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// Where it begins in the folded text, in bytes.
    pub start: usize,
    /// Where it ends in the folded text.
    pub end: usize,
    /// Where it begins in the text before folding.
    pub from: usize,
    /// Where it ends in the text before folding.
    pub to: usize,
    /// Whether a phrase may not reach over the gap before it: a full stop, a comma, a new line.
    pub after_break: bool,
}

/// A folded text: every word with a space before it, and a new line before that space where a phrase ends.
#[derive(Debug, Default)]
pub struct Folding {
    /// The folded text.
    pub folded: String,
    /// Its words in order.
    pub words: Vec<Word>,
    /// Whether a phrase may not reach beyond its end.
    pub ends_with_break: bool,
}

impl Document {
    /// Folds the title and the first [`BODY_BYTES_MAX`] bytes of the body. Without a title, a first line that reads like
    /// one stands for it.
    pub fn new(title: &str, body: &str) -> Self {
        let body = cut(body, BODY_BYTES_MAX).trim();
        let (title, body) = match cut(title, TITLE_BYTES_MAX).trim() {
            "" => body.split_once('\n').filter(|(line, rest)| is_headline(line, rest)).unwrap_or(("", body)),
            title => (title, body),
        };
        let mut text = String::with_capacity(title.len() + body.len() + 2);
        push_nfc(&mut text, title);
        let title_end = text.len();
        text.push_str("\n\n");
        let body_start = text.len();
        push_nfc(&mut text, body);
        let lede_end = text[body_start..].char_indices().nth(LEDE_CHARS).map_or(text.len(), |(at, _)| body_start + at);
        let folding = fold(&text);
        Self { text, folding, title_end, lede_end }
    }

    /// The folded text.
    pub fn folded(&self) -> &str {
        &self.folding.folded
    }

    /// The words in order.
    pub fn words(&self) -> &[Word] {
        &self.folding.words
    }

    /// The folded form of a word.
    pub fn folded_word(&self, word: &Word) -> &str {
        &self.folding.folded[word.start..word.end]
    }

    /// The text from one word to another, by their numbers, as written.
    pub fn written(&self, first: usize, last: usize) -> &str {
        &self.text[self.words()[first].from..self.words()[last].to]
    }

    /// What stands before one word and behind another, by their numbers, as written and at most this many bytes each.
    pub fn around(&self, first: usize, last: usize, bytes_max: usize) -> (&str, &str) {
        let (from, to) = (self.words()[first].from, self.words()[last].to);
        let start = self.text.ceil_char_boundary(from.saturating_sub(bytes_max));
        let end = self.text.floor_char_boundary(to.saturating_add(bytes_max));
        (&self.text[start..from], &self.text[to..end])
    }

    /// The field that the word with this number stands in.
    pub fn field_at(&self, word: usize) -> Field {
        match self.words()[word].from {
            at if at < self.title_end => Field::Title,
            at if at < self.lede_end => Field::Lede,
            _ => Field::Body,
        }
    }

    /// Whether there is a title, or a line that stands for it.
    pub fn has_title(&self) -> bool {
        self.title_end > 0
    }

    /// Title and body as written.
    pub fn title_and_body(&self) -> (&str, &str) {
        (&self.text[..self.title_end], &self.text[self.title_end + "\n\n".len()..])
    }

    /// The title, a blank line, and the body, as written.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl Folding {
    /// Ends a word. Where Latin and Cyrillic letters are mixed in it, those that look alike become Cyrillic.
    fn close(&mut self, word: Option<Word>) {
        let Some(mut word) = word else { return };
        let folded = &self.folded[word.start..];
        let is_cyrillic = |c: char| matches!(c, '\u{400}'..='\u{52f}');
        if !folded.is_ascii()
            && folded.bytes().any(|byte| byte.is_ascii_lowercase() || matches!(byte, 0xc3..=0xc9))
            && folded.contains(is_cyrillic)
        {
            let cyrillic: String = folded.chars().map(cyrillic_look_alike).collect();
            self.folded.truncate(word.start);
            self.folded.push_str(&cyrillic);
            word.end = self.folded.len();
        }
        self.words.push(word);
    }
}

/// Folds a text in NFC.
pub fn fold(text: &str) -> Folding {
    let folded = String::with_capacity(text.len() + text.len() / 8);
    let words = Vec::with_capacity(text.len() / USUAL_WORD_BYTES);
    let mut folding = Folding { folded, words, ends_with_break: false };
    let mut open: Option<Word> = None;
    let mut gap_breaks = false;
    let mut previous = ' ';
    let signs = SIGNS.as_slice();
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        let sign = signs.get(c as usize).copied().unwrap_or_else(|| Sign::of(c));
        let in_word = match sign {
            Sign::Invisible => continue,
            Sign::Letter(_) | Sign::Letters | Sign::Ideograph => true,
            Sign::Apostrophe => open.is_some() && joins(previous, text[end..].chars().next().unwrap_or(' ')),
            Sign::SoftGap | Sign::Break => false,
        };
        if !in_word || sign == Sign::Ideograph {
            folding.close(open.take());
        }
        if in_word {
            let word = open.get_or_insert_with(|| {
                if gap_breaks {
                    folding.folded.push('\n');
                }
                folding.folded.push(' ');
                let start = folding.folded.len();
                Word { start, end: start, from: at, to: at, after_break: std::mem::take(&mut gap_breaks) }
            });
            match sign {
                Sign::Letter(letter) => folding.folded.push(letter),
                Sign::Apostrophe => folding.folded.push('\''),
                _ => folding.folded.extend(c.to_lowercase()),
            }
            word.end = folding.folded.len();
            word.to = end;
            if sign == Sign::Ideograph {
                folding.close(open.take());
            }
        } else {
            gap_breaks |= sign == Sign::Break;
        }
        previous = c;
    }
    folding.close(open);
    folding.ends_with_break = gap_breaks;
    folding
}

/// Whether a first line reads like the headline of what follows it.
fn is_headline(line: &str, rest: &str) -> bool {
    let line = line.trim_end();
    (1..=HEADLINE_BYTES_MAX).contains(&line.len())
        && !line.ends_with(['.', ':', ',', ';', '…'])
        && rest.len() > line.len() * HEADLINE_SHARE_MAX
}

/// What folding does with a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    /// A letter or digit, which becomes this one.
    Letter(char),
    /// A letter that becomes what Unicode says, which may be several.
    Letters,
    /// A word of its own.
    Ideograph,
    Apostrophe,
    /// Left out.
    Invisible,
    /// Between the words of a phrase.
    SoftGap,
    /// Ends a phrase.
    Break,
}

/// Latin, Greek and Cyrillic, looked up once: most of the time of folding would go into Unicode's tables.
const LOOKED_UP: u32 = 0x530;

static SIGNS: LazyLock<Vec<Sign>> =
    LazyLock::new(|| (0..LOOKED_UP).map(|c| char::from_u32(c).map_or(Sign::Break, Sign::of)).collect());

impl Sign {
    fn of(c: char) -> Self {
        let mut lower = c.to_lowercase();
        match (c, lower.next(), lower.next()) {
            _ if is_invisible(c) => Self::Invisible,
            _ if is_apostrophe(c) => Self::Apostrophe,
            _ if is_soft_gap(c) => Self::SoftGap,
            _ if !c.is_alphanumeric() => Self::Break,
            _ if is_ideograph(c) => Self::Ideograph,
            ('İ', ..) => Self::Letter('i'),
            (_, Some(letter), None) => Self::Letter(plain_letter(letter)),
            _ => Self::Letters,
        }
    }
}

/// One letter for those that keyboards and fonts exchange: ё, the Tajik ӣ and ӯ, hooks and descenders of қ, ң, ҳ, ҷ.
fn plain_letter(c: char) -> char {
    match c {
        'ё' => 'е',
        'ӣ' => 'и',
        'ӯ' => 'ў',
        'ҡ' | 'ҝ' | 'ҟ' | 'ӄ' => 'қ',
        'ӊ' | 'ҥ' => 'ң',
        'ӌ' | 'ҹ' => 'ҷ',
        'ӽ' | 'ӿ' => 'ҳ',
        'ѳ' => 'ө',
        c => c,
    }
}

/// The Cyrillic letter that a Latin one looks like, as in texts typed on two keyboards or made to escape filters.
fn cyrillic_look_alike(c: char) -> char {
    match c {
        'a' => 'а',
        'b' => 'в',
        'c' => 'с',
        'e' => 'е',
        'h' => 'һ',
        'i' | 'ı' | 'ï' => 'і',
        'k' => 'к',
        'm' => 'м',
        'o' => 'о',
        'p' => 'р',
        't' => 'т',
        'x' => 'х',
        'y' => 'у',
        'ə' | 'ǝ' => 'ә',
        'ɵ' | 'ö' => 'ө',
        'ü' => 'ү',
        c => c,
    }
}

/// An apostrophe belongs to the word between letters, and after the o and g of Uzbek at the end of one.
fn joins(previous: char, next: char) -> bool {
    next.is_alphabetic() || matches!(previous, 'o' | 'O' | 'g' | 'G')
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '`' | '´' | 'ʻ' | 'ʼ' | 'ʹ' | '‘' | '’' | '′')
}

/// Soft hyphen, zero-width characters, and the accents that NFC leaves over, such as stress marks in Russian.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{300}'..='\u{36f}')
}

/// Chinese has no spaces: each character is a word, and a name is a phrase.
fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{2ffff}')
}

/// What may stand inside a phrase beside apostrophes: space, hyphens, quotation marks.
fn is_soft_gap(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '«' | '»' | '"' | '“' | '”' | '„') || (c.is_whitespace() && c != '\n')
}

fn push_nfc(text: &mut String, part: &str) {
    if part.chars().all(is_always_nfc) || is_nfc(part) {
        text.push_str(part);
    } else {
        text.extend(part.nfc());
    }
}

/// Characters that are in normal form C beside any others of these, all in all those of our languages: a quarter of the
/// time of asking Unicode's tables.
fn is_always_nfc(c: char) -> bool {
    matches!(c, '\0'..='\u{2ff}' | '\u{400}'..='\u{482}' | '\u{48a}'..='\u{52f}' | '\u{620}'..='\u{64a}' | '\u{2010}'..='\u{2027}' | '\u{4e00}'..='\u{9fff}')
}

fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

#[cfg(test)]
mod tests {
    use unicode_normalization::char::canonical_combining_class;
    use unicode_normalization::{IsNormalized, is_nfc_quick};

    use super::*;

    fn check(text: &str, folded: &str) {
        assert_eq!(fold(text).folded, folded, "{text:?}");
    }

    #[test]
    fn folds_what_the_same_word_may_differ_in() {
        check("Ёлка И ЕЛЬ", " елка и ель");
        check("Oʻzbekiston, O‘zbekiston O’zbekiston", " o'zbekiston\n o'zbekiston o'zbekiston");
        check("bogʻ, ‘yoʻq’", " bog'\n yo'q");
        check("Kazakhstan's ‘plan’", " kazakhstan's plan");
        check("Кош-Тепа\nканал", " кош тепа\n канал");
        check("мол\u{ad}око Каза́хстан", " молоко казахстан");
        check("İstanbul C5+1", " istanbul c5\n 1");
        check("中国 hello", " 中 国 hello");
        check("…", "");
        check("Қaзaқстaн, қaрыз", " қазақстан\n қарыз"); // the a is Latin
        check("əлем сиёсӣ Тӯй", " әлем сиеси тўй"); // the ə is Latin
    }

    #[test]
    fn what_is_taken_for_normal_form_is() {
        let taken: Vec<char> = ('\0'..=char::MAX).filter(|c| is_always_nfc(*c)).collect();
        assert!(taken.len() > 20_000);
        for c in taken {
            assert_eq!(is_nfc_quick(std::iter::once(c)), IsNormalized::Yes, "{c:?}");
            assert_eq!(canonical_combining_class(c), 0, "{c:?}");
        }
    }

    #[test]
    fn a_text_is_put_into_normal_form() {
        let document = Document::new("Cafe\u{301}", "Й и\u{306} 가 \u{1100}\u{1161}");
        assert_eq!(document.text(), "Caf\u{e9}\n\nЙ й 가 가");
    }

    #[test]
    fn fields_follow_the_position() {
        let body = format!("Lede. {} end", "word ".repeat(200));
        let document = Document::new("Some title", &body);
        let fields: Vec<Field> = (0..document.words().len()).map(|word| document.field_at(word)).collect();
        assert_eq!((fields[0], fields[1], fields[2]), (Field::Title, Field::Title, Field::Lede));
        assert_eq!(fields.last(), Some(&Field::Body));
        assert_eq!(document.written(0, 1), "Some title");
    }
}
