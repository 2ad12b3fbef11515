//! Sentences of the region through every wrong reading and back, and clean writing that must stay.

mod round_trips;

use encoding_rs::WINDOWS_1252;
use proptest::prelude::*;

use super::*;
use round_trips::{SENTENCES, read_as};

fn check(text: &str, expected: &str) {
    let found = mended(text);
    assert_eq!(found.as_ref().map_or(text, |mended| mended.text.as_str()), expected, "{text}");
    assert_eq!(mended(expected), None, "a second time");
}

#[test]
fn a_word_or_a_mark_in_a_good_text_is_put_back() {
    check("It was the cafÃ© by the river", "It was the café by the river");
    check("He said itâ€™s late", "He said it’s late");
    check("â€œFineâ€ he said", "“Fine” he said");
    check("Акимат вЂ” городской орган", "Акимат — городской орган");
    check("Правительство. РџСЂРёРІРµС‚, РјРёСЂ. Конец", "Правительство. Привет, мир. Конец");
    check("Ã©t Ш", "ét Ш");
    check("A Â£5m deal, Â© 2024, 10Â°C", "A £5m deal, © 2024, 10°C");
    check("the â¤first âŁsecond", "the \u{2064}first \u{2063}second");
    check("Новости ÐºÐ¾Ð¼Ð¿Ð°Ð½Ð¸Ð¸ за день", "Новости компании за день");
    for meant in ["Қазақстан — «көмір»", "café", "it’s", "日本"] {
        check(&read_as(WINDOWS_1252, meant), meant);
        check(&meant.bytes().map(char::from).collect::<String>(), meant);
    }
}

#[test]
fn clean_writing_stays() {
    for (_, sentence) in SENTENCES {
        assert_eq!(mended(sentence), None, "{sentence}");
        assert_eq!(mended(&sentence.to_uppercase()), None, "{sentence}");
    }
    for kept in [
        "plain",
        "café",
        "Ãla",
        "été à Orléans",
        "naïve — £5",
        "",
        "PRÓŻNIA, KRÓŻ, Łódź",
        "“СССР” и «РС…» – С…",
        "ТІРІ БІРІ ІРІ СІРІ",
        "Рёбра, рёв, Різдво, Ріка",
        "DÜŞÜK ÖŞÜR, ÇAĞRI",
        "“AMANHÔ, “IRMÔ",
        "C’est l’âge “d’or” à 20 °C, 5 €",
        "Србија: Сјај, Љубав, Њега, Ђорђе, Ћирилица",
        "т.А. тАк, еГов, рФ",
        "╔══╗ ║ю║ ╚══╝",
        "“Âne” «À» Ä–Ö, Ñ–Ñ",
        "Україна: її, ґанок, Єва, і „Київ“",
        "CAFÉ™, NESTLÉ®, 5 Å², 120 Å³, Û² и Café™”",
        "ç‘»äş«ü ’ö»ö »ö»ö",
        "Киев™ «Ё», в™\u{a0}«Ё», “está»…”",
        "»°¾ç¡¶Ô¼ ÐÞ¡·ÎÞÆÚ",
        "Дјело, рјешење, вјера, ВЈЕРА, РЈЕШЕЊЕ",
    ] {
        assert_eq!(mended(kept), None, "{kept}");
    }
}

/// Parts that look like mojibake or nearly, good words, and what stands around them.
fn fragments() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        "[а-яәғқңөұүһіўҳҷӣӯёА-ЯЁ]{1,8}",
        "[a-zA-ZçğıöşüňžýäÇĞİÖŞÜ]{1,8}",
        "[ÐÑÒÓÃÄÅÂâ\u{80}-\u{bf}€‚„…‰‹Œ]{1,6}",
        "[РСТВв][°±µё«»”„…‡†€™ѓЂЏ]",
        "[╨╤├┬тпяБ][└-╬А-Яа-п─│■]{1,2}",
        "[ \n,.—“”«»!]{1,2}",
    ];
    proptest::collection::vec(part, 0..30).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn mending_twice_is_mending_once(text in fragments()) {
        let once = mended(&text).map_or(text, |mended| mended.text);
        prop_assert_eq!(mended(&once), None);
    }

    #[test]
    fn clean_words_in_any_order_stay(
        words in proptest::collection::vec(proptest::sample::select(words_of_sentences()), 1..40),
        gap in "[ \n—–…\u{a0}]",
    ) {
        prop_assert_eq!(mended(&words.join(&gap)), None);
    }
}

fn words_of_sentences() -> Vec<String> {
    let words = SENTENCES.iter().flat_map(|(_, text)| text.split(' '));
    words.flat_map(|word| [word.to_owned(), word.to_uppercase(), format!("«{word}»"), format!("“{word}”…")]).collect()
}

/// Work that grows with the square of the length would take hours here.
#[test]
fn hostile_texts_take_one_pass() {
    for part in ["Ð", "Ñ\u{a0}", "Ð¿", "РџС", "тАЬ", "├", "â€", "Ã ", "╨╤ a", "С…Р", "ÃƒÂ"] {
        let text = part.repeat((1 << 20) / part.len());
        let length = mended(&text).map_or(text.len(), |mended| mended.text.len());
        assert!(length <= 2 * text.len(), "{part}");
    }
}

/// The letters of every language, with the marks that stand inside of its words.
const ALPHABETS: [&str; 14] = [
    "[a-z’'-]",
    "[а-яё-]",
    "[а-яёәғқңөұүһі-]",
    "[a-zäñğşıöüáńúǵóý’'-]",
    "[а-яёңүө-]",
    "[а-яёғӣқӯҳҷ-]",
    "[a-zçäžňöşüý’'-]",
    "[a-zʻʼ‘’'`-]",
    "[а-яёўқғҳъ-]",
    "[a-zçğıöşüâîû’'-]",
    "[a-zäöüß-]",
    "[a-zàâæçéèêëîïôœùûüÿ’'-]",
    "[a-ząćęłńóśźż-]",
    "[a-záčďéěíňóřšťúůýž-]",
];

/// A word of one alphabet as people write it: small, capital, or all capitals, within quotes or before a mark.
fn clean_word(alphabet: &'static str) -> impl Strategy<Value = String> {
    let letters = proptest::string::string_regex(&format!("{alphabet}{{2,10}}")).expect("a regular expression");
    let word = (letters, 0..6_u8).prop_map(|(word, case)| match case {
        0 => word.to_uppercase(),
        1 | 2 => word.chars().take(1).flat_map(char::to_uppercase).chain(word.chars().skip(1)).collect(),
        _ => word,
    });
    let around = proptest::sample::select(vec![
        ("", ""),
        ("", ""),
        ("", ""),
        ("«", "»"),
        ("“", "”"),
        ("„", "“"),
        ("„", "”"),
        ("‘", "’"),
        ("‹", "›"),
        ("«\u{a0}", "\u{a0}»"),
        ("“", "…”"),
        ("(«", "»)"),
        ("«“", "”»"),
        ("", "."),
        ("", "…"),
        ("", "!»,"),
        ("—", "—"),
        ("–", "–"),
        ("— ", ""),
        ("№", ""),
        ("", "™"),
        ("", "®"),
        ("", "²"),
        ("§ ", " °C"),
        ("€", ""),
        ("", "\u{a0}€"),
        ("•", ""),
        ("#", ""),
        ("", "\u{a0}½ £5"),
    ]);
    (word, around).prop_map(|(word, (before, after))| format!("{before}{word}{after}"))
}

fn clean_line() -> impl Strategy<Value = String> {
    let of_alphabet = proptest::sample::select(ALPHABETS.to_vec());
    of_alphabet.prop_flat_map(|alphabet| {
        (proptest::collection::vec(clean_word(alphabet), 1..30), "[ \u{a0}\n]")
            .prop_map(|(words, gap)| words.join(&gap))
    })
}

proptest! {
    #[test]
    fn clean_words_of_every_language_stay(line in clean_line()) {
        prop_assert_eq!(mended(&line), None);
    }
}
