//! What a string of the index stands for.
//!
//! A word of a record is found as it is written, by what it sounds like, and by its stem. Each of these is a string at the
//! word's place in the index, the first letter of which, its mark, says what it is; strings that are the same stand there
//! once, so that an English word is one string and no three.

use std::ops::BitOr;

use super::super::forms::Inflection;
use super::super::terms::Token;

/// Between the strings of one word.
pub const BESIDE: char = '\u{1f}';

/// What a string stands for: one or several of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roles(u8);

impl Roles {
    /// The word, folded.
    pub const EXACT: Self = Self(1);
    /// Its key, in a record of a language without suffixes.
    pub const KEY: Self = Self(1 << 1);
    /// Its key, in a record in a Turkic language.
    pub const TURKIC: Self = Self(1 << 2);
    /// Its key, in a record in Tajik.
    pub const TAJIK: Self = Self(1 << 3);
    /// Its stem in Russian.
    pub const RUSSIAN: Self = Self(1 << 4);
    /// Its stem in English.
    pub const ENGLISH: Self = Self(1 << 5);

    /// All keys.
    pub const KEYS: Self = Self(Self::KEY.0 | Self::TURKIC.0 | Self::TAJIK.0);

    /// Those that a string can have: a word has one kind of key and one kind of stem, and stems are of languages without
    /// suffixes.
    const ALL: [Self; 15] = {
        let (exact, key, ru, en) = (Self::EXACT.0, Self::KEY.0, Self::RUSSIAN.0, Self::ENGLISH.0);
        let bare = [key, ru, en, key | ru, key | en, Self::TURKIC.0, Self::TAJIK.0];
        let mut all = [Self(exact); 15];
        let mut at = 0;
        while at < bare.len() {
            all[1 + 2 * at] = Self(bare[at]);
            all[2 + 2 * at] = Self(bare[at] | exact);
            at += 1;
        }
        all
    };

    /// The role of a stem.
    pub fn of_stem(inflection: Inflection) -> Option<Self> {
        match inflection {
            Inflection::Russian => Some(Self::RUSSIAN),
            Inflection::English => Some(Self::ENGLISH),
            Inflection::None | Inflection::Turkic | Inflection::Tajik => None,
        }
    }

    /// The role of a key.
    fn of_key(inflection: Inflection) -> Self {
        match inflection {
            Inflection::Turkic => Self::TURKIC,
            Inflection::Tajik => Self::TAJIK,
            Inflection::None | Inflection::Russian | Inflection::English => Self::KEY,
        }
    }

    /// The marks of strings that have any of these roles.
    pub fn marks(self) -> impl Iterator<Item = char> {
        Self::ALL.into_iter().filter(move |roles| roles.0 & self.0 != 0).map(Self::mark)
    }

    fn mark(self) -> char {
        char::from(b'@' + self.0)
    }
}

impl BitOr for Roles {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Appends the strings of a word, with what separates them.
pub fn write_strings(token: &Token, strings: &mut String) {
    let keys = token.keys.iter().map(|key| (key, Roles::of_key(token.inflection)));
    let stems =
        Roles::of_stem(token.inflection).into_iter().flat_map(|role| token.stems.iter().map(move |s| (s, role)));
    let mut parts: Vec<(&String, Roles)> = Vec::with_capacity(4);
    for (part, role) in std::iter::once((&token.exact, Roles::EXACT)).chain(keys).chain(stems) {
        match parts.iter_mut().find(|(known, _)| *known == part) {
            Some((_, roles)) => *roles = *roles | role,
            None => parts.push((part, role)),
        }
    }
    let mut is_first = true;
    for (part, roles) in parts {
        if !std::mem::replace(&mut is_first, false) {
            strings.push(BESIDE);
        }
        strings.push(roles.mark());
        strings.push_str(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_roles_have_one_mark_and_all_that_words_have_are_there() {
        let marks: std::collections::BTreeSet<char> = Roles::ALL.into_iter().map(Roles::mark).collect();
        assert_eq!(marks.len(), Roles::ALL.len());
        assert!(marks.iter().all(char::is_ascii_graphic));
        let inflections =
            [Inflection::None, Inflection::Russian, Inflection::English, Inflection::Turkic, Inflection::Tajik];
        for inflection in inflections {
            let stem = Roles::of_stem(inflection).unwrap_or_default();
            for roles in [Roles::EXACT, Roles::of_key(inflection), stem, Roles::of_key(inflection) | stem] {
                for roles in [roles, roles | Roles::EXACT].into_iter().filter(|roles| *roles != Roles::default()) {
                    assert!(Roles::ALL.contains(&roles), "{roles:?}");
                }
            }
        }
    }
}
