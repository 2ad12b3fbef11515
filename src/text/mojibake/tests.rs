//! Sentences of the region through every wrong reading and back, and clean writing that must stay.

use proptest::prelude::*;

use super::*;

const SENTENCES: [(&str, &str); 9] = [
    ("en", "The minister’s answer — “we need two years” — cost €5 million… in a café."),
    (
        "ru",
        "Новый мост через реку Сырдарью откроют в сентябре, сообщил аким: «Работы идут по плану». Это №1 — Ёлка, Яна, Э.",
    ),
    (
        "kk",
        "Қазақстанда жаңа мектептердің құрылысы басталды — «әр бала үшін орын болады», деді министр. Үкімет, Ұлт, Һәм.",
    ),
    ("ky", "Өкмөт жаңы жолдун долбоорун бекитти: «Иш жазында башталат», – деди төрага. Ыңгайлуу үй."),
    ("tg", "Ҷумҳурии мо роҳи навро мекушояд, гуфт вазири нақлиёт: «Кор то тирамоҳ тамом мешавад». Ӯ ғолиб аст, Ӣ."),
    ("tk", "Türkmenistanda täze demir ýoly açyldy, diýip ministr şu gün aýtdy — «Işler öňünden gutardy». Ň, Ž, Ö."),
    (
        "uz",
        "Toshkentda yangi koʻprik ochildi, dedi hokim: “Ishlar oʻz vaqtida tugadi” — bu maʼlumot. Ўзбекистон, Қарши, ҳаво.",
    ),
    ("uz-cyr", "Ўзбекистонда янги кўприк очилди, деди ҳоким: «Ишлар ўз вақтида тугади» — ғалаба."),
    ("tr", "Bakan, yeni köprünün ağustos ayında açılacağını söyledi: “İşler yolunda gidiyor” — ŞÖYLE dedi."),
];

fn read_as(encoding: &'static Encoding, text: &str) -> String {
    encoding.decode_without_bom_handling(text.as_bytes()).0.into_owned()
}

fn without_controls(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '\u{80}'..='\u{9f}')).collect()
}

fn routes() -> [(&'static str, &'static Encoding); 8] {
    [
        ("windows-1252", WINDOWS_1252),
        ("windows-1251", WINDOWS_1251),
        ("windows-1250", WINDOWS_1250),
        ("ISO-8859-2", ISO_8859_2),
        ("KOI8-R", KOI8_R),
        ("CP866", IBM866),
        ("windows-1254", WINDOWS_1254),
        ("macintosh", MACINTOSH),
    ]
}

/// Share of the sentences that come back exactly, by kind of damage; the kinds that lose bytes cannot all.
#[test]
fn sentences_come_back_from_every_wrong_reading() {
    let mut faults = Vec::new();
    let mut table = Vec::new();
    let mut check = |kind: String, least: usize, damage: &dyn Fn(&str) -> String| {
        let mut exact = 0;
        for (language, meant) in SENTENCES {
            let damaged = damage(meant);
            let found = mended(&damaged).map_or(damaged.clone(), |mended| mended.text);
            if found == meant {
                exact += 1;
            } else if least == SENTENCES.len() {
                faults.push(format!("{kind} {language}: {damaged} => {found}"));
            }
        }
        table.push(format!("{kind}: {exact} of {}", SENTENCES.len()));
        if exact < least {
            faults.push(format!("{kind}: {exact} of {} come back", SENTENCES.len()));
        }
    };
    for (name, encoding) in routes() {
        check(name.to_owned(), 9, &|text| read_as(encoding, text));
        // U+02BB itself has a no-break space in Macintosh.
        let spaced = if encoding == MACINTOSH { 8 } else { 9 };
        check(format!("{name}, spaces"), spaced, &|text| read_as(encoding, text).replace('\u{a0}', " "));
        if encoding == MACINTOSH {
            continue;
        }
        // Once read in windows-1251, accented letters are Cyrillic ones inside of Latin words, which speaks against them.
        let twice = if encoding == WINDOWS_1251 { 7 } else { 9 };
        check(format!("{name} twice"), twice, &|text| read_as(encoding, &read_as(encoding, text)));
        check(format!("{name} of windows-1252"), 9, &|text| read_as(encoding, &read_as(WINDOWS_1252, text)));
    }
    check("windows-1251, controls lost".to_owned(), 9, &|text| without_controls(&read_as(WINDOWS_1251, text)));
    check("windows-1252, controls lost".to_owned(), 3, &|text| without_controls(&read_as(WINDOWS_1252, text)));
    assert!(faults.is_empty(), "{}\n{}", faults.join("\n"), table.join("\n"));
}

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
