//! Latin letters inside of Cyrillic words and the reverse, where they look alike: typed on the wrong keyboard, or set to
//! hide a word from searches.

use super::{Repairs, count};

/// Latin letters and the Cyrillic ones that look the same, also those of Kazakh.
const PAIRS: [(char, char); 23] = [
    ('a', 'а'),
    ('c', 'с'),
    ('e', 'е'),
    ('i', 'і'),
    ('o', 'о'),
    ('p', 'р'),
    ('x', 'х'),
    ('y', 'у'),
    ('ə', 'ә'),
    ('A', 'А'),
    ('B', 'В'),
    ('C', 'С'),
    ('E', 'Е'),
    ('H', 'Н'),
    ('I', 'І'),
    ('K', 'К'),
    ('M', 'М'),
    ('O', 'О'),
    ('P', 'Р'),
    ('T', 'Т'),
    ('X', 'Х'),
    ('Y', 'У'),
    ('Ə', 'Ә'),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Script {
    Latin,
    Cyrillic,
}

/// `text` with every word in one script that clearly belongs to it.
pub(super) fn unified(text: &str, repairs: &mut Repairs) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut replaced = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let length = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
        let (word, after) = rest.split_at(length);
        match script_meant(word) {
            Some(script) => {
                for c in word.chars() {
                    let twin = twin_in(script, c);
                    replaced += u64::from(twin.is_some());
                    kept.push(twin.unwrap_or(c));
                }
            }
            None => kept.push_str(word),
        }
        let gap = after.find(char::is_alphabetic).unwrap_or(after.len());
        kept.push_str(&after[..gap]);
        rest = &after[gap..];
    }
    count(repairs, "lookalike-letters", replaced);
    kept
}

/// The script of a mixed word: most letters are of it, one at least looks like none of the other, and every letter of
/// the other has its twin in it.
fn script_meant(word: &str) -> Option<Script> {
    if word.is_ascii() {
        return None;
    }
    let (mut latin, mut cyrillic, mut latin_alone, mut cyrillic_alone) = (0usize, 0usize, 0usize, 0usize);
    let mut before = None;
    for c in word.chars() {
        let script = script_of(c)?;
        // "eGov" and its kin are names, not slips.
        let is_name =
            before.is_some_and(|(b, other): (char, Script)| other != script && b.is_lowercase()) && c.is_uppercase();
        if is_name {
            return None;
        }
        match script {
            Script::Latin => {
                latin += 1;
                latin_alone += usize::from(twin_in(Script::Cyrillic, c).is_none());
            }
            Script::Cyrillic => {
                cyrillic += 1;
                cyrillic_alone += usize::from(twin_in(Script::Latin, c).is_none());
            }
        }
        before = Some((c, script));
    }
    if cyrillic > latin && latin > 0 && latin_alone == 0 && cyrillic_alone > 0 {
        return Some(Script::Cyrillic);
    }
    // Foreign names take Cyrillic endings: what ends in Cyrillic was meant so.
    let ends_in_latin = before.is_some_and(|(_, script)| script == Script::Latin);
    if latin > cyrillic && cyrillic > 0 && cyrillic_alone == 0 && latin_alone > 0 && ends_in_latin {
        return Some(Script::Latin);
    }
    None
}

fn script_of(c: char) -> Option<Script> {
    match c {
        'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}' | 'ə' => Some(Script::Latin),
        '\u{400}'..='\u{52f}' => Some(Script::Cyrillic),
        _ => None,
    }
}

/// The letter of `script` that looks like `c`, a letter of the other.
fn twin_in(script: Script, c: char) -> Option<char> {
    PAIRS.iter().find_map(|(latin, cyrillic)| match script {
        Script::Cyrillic if *latin == c => Some(*cyrillic),
        Script::Latin if *cyrillic == c => Some(*latin),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str, places: u64) {
        let mut repairs = Repairs::new();
        assert_eq!(unified(text, &mut repairs), expected);
        assert_eq!(repairs.get("lookalike-letters").copied().unwrap_or_default(), places, "{text}");
        assert_eq!(unified(expected, &mut Repairs::new()), expected, "a second time");
    }

    #[test]
    fn latin_letters_in_cyrillic_words_become_cyrillic() {
        check("Прeзидeнт Kазахстана, бoльшoй", "Президент Казахстана, большой", 5);
        check("бiр жыл, кəсіпкер, TAШKEHT", "бір жыл, кәсіпкер, TAШKEHT", 2);
    }

    #[test]
    fn cyrillic_letters_in_latin_words_become_latin() {
        check("Tоshkеnt shаhri, yаngi", "Toshkent shahri, yangi", 4);
    }

    #[test]
    fn words_of_two_scripts_stay() {
        for kept in
            ["COVIDа", "Googleе", "SMSка", "eГов", "iТакси", "XIв.", "PRщик", "COP и СОР", "IT-шник", "Hа", "ТОР"]
        {
            check(kept, kept, 0);
        }
    }
}
