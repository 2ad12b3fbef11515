//! Which characters people write beside each other, and which they publish at all.

use std::sync::LazyLock;

use super::route::routes_of;

/// Above every character that an encoding of the wrong readings has (`■` and its kin).
pub(super) const CODES: usize = 0x2600;

/// Neither a letter nor a mark: a sign, a control character, a letter of Serbian or Macedonian alone.
const ODD: u16 = 1;
/// Stands right beside words, and before signs and numbers.
const MARK: u16 = 2;
const SMALL: u16 = 4;
const CAPITAL: u16 = 8;
/// Begins a wrong reading and is hardly ever followed by some letters.
const FIRST: u16 = 16;
/// From this bit on: the wrong readings that give the character.
const ROUTES_BIT: u32 = 8;

/// What each character above 0x7F is; nothing where no wrong reading gives it, such as an accent of its own.
static CLASSES: LazyLock<Box<[u16]>> = LazyLock::new(|| {
    let class = |code: u32| match char::from_u32(code) {
        Some(c) if routes_of(c) != 0 => {
            let is_set = |is_set: bool, class: u16| if is_set { class } else { 0 };
            (u16::from(routes_of(c)) << ROUTES_BIT)
                | is_set(is_odd(c), ODD)
                | is_set(is_mark(c), MARK)
                | is_set(c.is_lowercase(), SMALL)
                | is_set(c.is_uppercase(), CAPITAL)
                | is_set(matches!(c, 'Ð' | 'Ñ' | 'Ã' | 'Å' | 'Đ' | 'â'), FIRST)
        }
        _ => 0,
    };
    (0..CODES as u32).map(class).collect()
});

/// Where characters stand that good writing never has right after the one before them, and the wrong readings that give
/// both, a bit for each.
pub(super) fn odd_pairs(text: &str) -> impl Iterator<Item = (usize, u8)> {
    let classes: &[u16] = &CLASSES;
    let (mut before, mut before_class) = ('\0', 0);
    text.char_indices().filter_map(move |(at, c)| {
        let class = classes.get(c as usize).copied().unwrap_or(0);
        let may_be_odd =
            (class | before_class) & (ODD | FIRST) != 0 || (before_class & SMALL != 0 && class & CAPITAL != 0);
        let routes = ((class & before_class) >> ROUTES_BIT) as u8;
        let is_found = may_be_odd && routes != 0 && is_odd_pair(before, c);
        (before, before_class) = (c, class);
        is_found.then_some((at, routes))
    })
}

/// Whether good writing never has `next` right after `before`; both are above 0x7F.
pub(super) fn is_odd_pair(before: char, next: char) -> bool {
    let class = |c: char| CLASSES.get(c as usize).copied().unwrap_or(0);
    let (a, b) = (class(before), class(next));
    a & ODD != 0
        || (b & ODD != 0 && (a & MARK == 0 || next.is_control()))
        || (a & SMALL != 0 && b & CAPITAL != 0)
        || (a & FIRST != 0 && before != 'â' && matches!(next, 'Š' | 'š' | 'Ž' | 'ž' | 'Œ' | 'œ' | 'Ÿ' | 'ź'))
        || (before == 'â' && next == 'Ł')
}

/// Of the Cyrillic letters, those of Serbian and Macedonian count as odd: what they write in earnest has other letters
/// of theirs beside it.
fn is_odd(c: char) -> bool {
    match c {
        'ª' | 'º' | 'µ' | 'ƒ' | 'ˆ' => true,
        'Ђ' | 'Ѓ' | 'ѓ' | 'Љ' | 'Њ' | 'Ќ' | 'Ћ' | 'Џ' | 'ђ' | 'љ' | 'њ' | 'ќ' | 'ћ' | 'џ' | 'Ј' | 'Ѕ' | 'ѕ' | 'ј' => {
            true
        }
        c => !is_mark(c) && !c.is_alphabetic(),
    }
}

/// Marks and spaces that stand right beside words.
pub(super) fn is_mark(c: char) -> bool {
    matches!(c, '‘' | '’' | '“' | '”' | '–' | '—' | '…' | '«' | '»' | '‹' | '›' | '\u{a0}')
}

/// Signs that stand right behind words and numbers, so that one of them alone proves nothing.
pub(super) fn may_follow_a_word(c: char) -> bool {
    matches!(c, '™' | '®' | '©' | '°' | '²' | '³' | '¹' | 'ª' | 'º' | '•' | '·' | '†' | '‡' | '‰' | '€' | '£' | '¢')
}

pub(super) fn is_latin_letter(c: char) -> bool {
    matches!(c, '\u{c0}'..='\u{24f}' | '\u{259}' | '\u{2bb}' | '\u{2bc}' | '\u{1e00}'..='\u{1eff}')
}

/// Characters that people publish. Of Cyrillic, the letters of the living languages of the region.
pub(super) fn is_in_use(c: char, is_cyrillic_reading: bool) -> bool {
    match c {
        '\u{a0}'
        | '\u{a1}'
        | '\u{a3}'
        | '\u{a7}'
        | '\u{a9}'..='\u{ab}'
        | '\u{ad}'..='\u{b5}'
        | '\u{b7}'
        | '\u{b9}'..='\u{17f}'
        | 'Ə'
        | 'ə'
        | '\u{1e6}'
        | '\u{1e7}'
        | '\u{1f4}'
        | '\u{1f5}'
        | '\u{218}'..='\u{21b}'
        | '\u{2bb}'
        | '\u{2bc}' => true,
        'Ё' | 'Є' | 'І' | 'Ї' | 'Ў' | 'А'..='я' | 'ё' | 'є' | 'і' | 'ї' | 'ў' | 'Ґ' | 'ґ' => true,
        'Ғ' | 'ғ' | 'Җ' | 'җ' | 'Қ' | 'қ' | 'Ң' | 'ң' | 'Ү'..='ҳ' | 'Ҷ' | 'ҷ' | 'Һ' | 'һ' | 'Ә' | 'ә' => {
            true
        }
        'Ӣ' | 'ӣ' | 'Ө' | 'ө' | 'Ӯ' | 'ӯ' => true,
        '\u{386}'..='\u{3ce}' | '\u{531}'..='\u{58a}' | '\u{5d0}'..='\u{5ea}' | '\u{600}'..='\u{6ff}' => {
            !is_cyrillic_reading
        }
        '\u{10d0}'..='\u{10ff}' | '\u{1e00}'..='\u{1eff}' => true,
        '\u{2009}'..='\u{2015}' | '\u{2018}'..='\u{201e}' | '\u{2020}'..='\u{2022}' | '…' | '\u{202a}'..='\u{202f}' => {
            true
        }
        '‰' | '′' | '″' | '‹' | '›' | '\u{2060}'..='\u{2064}' | '€' | '₸' | '₺' | '₼'..='₾' | '№' | '™' => {
            true
        }
        '\u{2190}'..='\u{2193}' | '−' | '≈' | '≠' | '≤' | '≥' | '■' | '▪' | '►' | '●' | '\u{2600}'..='\u{27bf}' => {
            true
        }
        '\u{fe0f}' | '\u{feff}' | '\u{fffd}' | '\u{1f000}'..='\u{1faff}' => true,
        '\u{3000}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{ff01}'..='\u{ffee}' => {
            !is_cyrillic_reading
        }
        _ => false,
    }
}
