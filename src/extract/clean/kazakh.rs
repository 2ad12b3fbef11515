//! Kazakh in the code page of Kazakhstan (KZ-1048, STRK1048) that was read as windows-1251: `барлыќ` for `барлық`.
//!
//! Pages of Kazakhstan declare windows-1251 where their authors' fonts had the Kazakh letters in the places of the
//! Serbian, Macedonian and Ukrainian ones; converted to UTF-8, the wrong letters stayed.

use std::borrow::Cow;

use super::{Repairs, count};

/// Letters of windows-1251 and those of KZ-1048 with the same byte.
const PAIRS: [(char, char); 16] = [
    ('ќ', 'қ'),
    ('ѕ', 'ң'),
    ('є', 'ғ'),
    ('ј', 'ә'),
    ('ї', 'ү'),
    ('ў', 'ұ'),
    ('ґ', 'ө'),
    ('ћ', 'һ'),
    ('Ќ', 'Қ'),
    ('Ѕ', 'Ң'),
    ('Є', 'Ғ'),
    ('Ј', 'Ә'),
    ('Ї', 'Ү'),
    ('Ў', 'Ұ'),
    ('Ґ', 'Ө'),
    ('Ћ', 'Һ'),
];

/// Letters one of which stands in every word that tells.
const TELLING: [char; 10] = ['ќ', 'ѕ', 'є', 'ї', 'ґ', 'Ќ', 'Ѕ', 'Є', 'Ї', 'Ґ'];

/// `text` with its Kazakh letters, where it has a word that no other language writes.
pub(super) fn restored<'t>(text: &'t str, repairs: &mut Repairs) -> Cow<'t, str> {
    // Most texts have none of these letters; only the others are looked at word by word.
    if !text.contains(TELLING) || !text.split(|c: char| !c.is_alphabetic()).any(is_misread) {
        return Cow::Borrowed(text);
    }
    let mut replaced = 0;
    let restored = text.chars().map(|c| match PAIRS.iter().find(|(wrong, _)| *wrong == c) {
        Some((_, meant)) => {
            replaced += 1;
            *meant
        }
        None => c,
    });
    let restored = restored.collect();
    count(repairs, "kazakh-code-page", replaced);
    Cow::Owned(restored)
}

/// A letter of Macedonian alone beside one that Macedonian lacks, or one of Ukrainian beside `ы`, which it lacks.
fn is_misread(word: &str) -> bool {
    let has = |letters: &[char]| word.contains(letters);
    has(&['ќ', 'ѕ', 'Ќ', 'Ѕ']) && has(&['ы', 'і', 'є', 'ї', 'ґ', 'ў', 'Ы', 'І', 'Є', 'Ї', 'Ґ', 'Ў'])
        || has(&['є', 'ї', 'ґ', 'Є', 'Ї', 'Ґ']) && has(&['ы', 'Ы'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kazakh_letters_come_back() {
        let mut repairs = Repairs::new();
        let misread = "Ќала јкімдігі барлыќ мектептіѕ ґз їйі туралы ўсыныс жасады, аудандаєы ћјм.";
        let meant = "Қала әкімдігі барлық мектептің өз үйі туралы ұсыныс жасады, аудандағы һәм.";
        assert_eq!(restored(misread, &mut repairs), meant);
        assert_eq!(repairs.get("kazakh-code-page"), Some(&10));
        assert_eq!(restored(meant, &mut Repairs::new()), meant);
    }

    #[test]
    fn other_languages_with_these_letters_stay() {
        for kept in [
            "Куќата е ѕидана, ноќта ќе дојде; Ѕвездан, џез.",
            "Україна: її, ґанок, Єва; його поїзд їде, між нами.",
            "Быў сьнег, нашы зоркі, гэта ўсё і ўсюды.",
            "Ћирилица, Ђорђе, Јован, љубав и њега.",
            "Қазақстанның барлық өңірінде. Ўзбекистон кўприклари. Это всё мы.",
        ] {
            assert_eq!(restored(kept, &mut Repairs::new()), kept);
        }
    }
}
