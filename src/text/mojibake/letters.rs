//! Which characters people write beside each other, and which they publish at all.

/// Whether good writing never has `next` right after `before`; both are above 0x7F.
pub(super) fn is_odd_pair(before: char, next: char) -> bool {
    is_odd(before)
        || (is_odd(next) && (!is_mark(before) || next.is_control()))
        || (before.is_lowercase() && next.is_uppercase())
        || (matches!(before, 'Ð' | 'Ñ' | 'Ã' | 'Å' | 'Đ')
            && matches!(next, 'Š' | 'š' | 'Ž' | 'ž' | 'Œ' | 'œ' | 'Ÿ' | 'ź'))
        || (before == 'â' && next == 'Ł')
}

/// Neither a letter of a living language here nor a mark that stands right behind or before a word. Of the Cyrillic
/// letters, those of Serbian and Macedonian count as odd: what they write in earnest has other Serbian letters beside it.
fn is_odd(c: char) -> bool {
    match c {
        'ª' | 'º' | 'µ' | 'ƒ' | 'ˆ' => true,
        'Ђ' | 'Ѓ' | 'ѓ' | 'Љ' | 'Њ' | 'Ќ' | 'Ћ' | 'Џ' | 'ђ' | 'љ' | 'њ' | 'ќ' | 'ћ' | 'џ' | 'Ј' | 'Ѕ' | 'ѕ' | 'ј' => {
            true
        }
        c => !is_mark(c) && !c.is_alphabetic(),
    }
}

/// Marks and spaces that stand right beside words, and before signs and numbers.
fn is_mark(c: char) -> bool {
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
