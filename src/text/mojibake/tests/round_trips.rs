//! Sentences of every language through every wrong reading and back.

use super::super::mended;
use encoding_rs::{Encoding, IBM866, ISO_8859_2, KOI8_R, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252, WINDOWS_1254};

pub(super) const SENTENCES: [(&str, &str); 14] = [
    ("en", "The minister’s answer — “we need two years” — cost €5 million… in a café."),
    (
        "ru",
        "Новый мост через реку Сырдарью откроют в сентябре, сообщил аким: «Работы идут по плану». Это №1 — Ёлка, Яна, Э.",
    ),
    (
        "kk",
        "Қазақстанда жаңа мектептердің құрылысы басталды — «әр бала үшін орын болады», деді министр. Үкімет, Ұлт, Һәм.",
    ),
    (
        "kk-Latn",
        "Qazaqstanda jańa mektepterdiń qurylysy bastaldy — «ár bala úshin oryn bolady», dedi ministr. Úkimet, ǵylym.",
    ),
    ("ky", "Өкмөт жаңы жолдун долбоорун бекитти: «Иш жазында башталат», – деди төрага. Ыңгайлуу үй."),
    ("tg", "Ҷумҳурии мо роҳи навро мекушояд, гуфт вазири нақлиёт: «Кор то тирамоҳ тамом мешавад». Ӯ ғолиб аст, Ӣ."),
    ("tk", "Türkmenistanda täze demir ýoly açyldy, diýip ministr şu gün aýtdy — «Işler öňünden gutardy». Ň, Ž, Ö."),
    (
        "uz",
        "Toshkentda yangi koʻprik ochildi, dedi hokim: “Ishlar oʻz vaqtida tugadi” — bu maʼlumot. Ўзбекистон, Қарши, ҳаво.",
    ),
    ("uz-Cyrl", "Ўзбекистонда янги кўприк очилди, деди ҳоким: «Ишлар ўз вақтида тугади» — ғалаба."),
    ("tr", "Bakan, yeni köprünün ağustos ayında açılacağını söyledi: “İşler yolunda gidiyor” — ŞÖYLE dedi."),
    (
        "de",
        "Die Brücke über den Fluß wird im März eröffnet, sagte der Bürgermeister: „Schöne Größe“ – Äpfel, Öl, Übung.",
    ),
    (
        "fr",
        "Le président a annoncé à l’Élysée : « l’été sera très sec », et les forêts brûlent déjà. Ça, où, cœur, naïf.",
    ),
    (
        "pl",
        "Nowy most zostanie otwarty w październiku, powiedział burmistrz: „Zdążymy na święto” – Łódź, żółć, ŚWIĄTECZNY.",
    ),
    ("cs", "Nový most přes řeku otevřou v září, řekl starosta: „Všechno šlo dobře“ – Žďár, Říp, Čáslav, kůň, mé."),
];

pub(super) fn read_as(encoding: &'static Encoding, text: &str) -> String {
    encoding.decode_without_bom_handling(text.as_bytes()).0.into_owned()
}

fn without_controls(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '\u{80}'..='\u{9f}')).collect()
}

const READINGS: [(&str, &Encoding); 7] = [
    ("windows-1252", WINDOWS_1252),
    ("windows-1251", WINDOWS_1251),
    ("windows-1250", WINDOWS_1250),
    ("ISO-8859-2", ISO_8859_2),
    ("KOI8-R", KOI8_R),
    ("CP866", IBM866),
    ("windows-1254", WINDOWS_1254),
];

/// How much of `meant` stands in `found`, in percent: characters in common, in order.
fn likeness_percent(meant: &str, found: &str) -> usize {
    let (meant, found): (Vec<char>, Vec<char>) = (meant.chars().collect(), found.chars().collect());
    let mut row = vec![0usize; found.len() + 1];
    for a in &meant {
        let mut diagonal = 0;
        for (at, b) in found.iter().enumerate() {
            let above = row[at + 1];
            row[at + 1] = if a == b { diagonal + 1 } else { above.max(row[at]) };
            diagonal = above;
        }
    }
    row[found.len()] * 100 / meant.len().max(1)
}

/// Every kind of damage, with the sentences that come back exactly and the characters that come back of all of them.
#[test]
fn sentences_come_back_from_every_wrong_reading() {
    let mut faults = Vec::new();
    let mut check = |kind: &str, exact_min: usize, likeness_min: usize, damage: &dyn Fn(&str) -> String| {
        let (mut exact, mut likeness) = (0, 0);
        let mut misses = Vec::new();
        for (language, meant) in SENTENCES {
            let damaged = damage(meant);
            let found = mended(&damaged).map_or(damaged.clone(), |mended| mended.text);
            exact += usize::from(found == meant);
            likeness += likeness_percent(meant, &found);
            if found != meant {
                misses.push(format!("  {language}: {damaged} => {found}"));
            }
        }
        likeness /= SENTENCES.len();
        if exact < exact_min || likeness < likeness_min {
            faults.push(format!("{kind}: {exact} of {}, {likeness} %\n{}", SENTENCES.len(), misses.join("\n")));
        }
    };
    for (name, encoding) in READINGS {
        check(name, 14, 100, &|text| read_as(encoding, text));
        check(&format!("{name}, no-break spaces as spaces"), 14, 100, &|text| {
            read_as(encoding, text).replace('\u{a0}', " ")
        });
        check(&format!("{name} twice"), 14, 100, &|text| read_as(encoding, &read_as(encoding, text)));
        check(&format!("{name} of windows-1252"), 14, 100, &|text| read_as(encoding, &read_as(WINDOWS_1252, text)));
    }
    // What is lost can be guessed in Cyrillic words. ISO-8859-2 loses half of the letters.
    let lost: [(&str, &Encoding, usize, usize, usize); 7] = [
        ("windows-1252", WINDOWS_1252, 9, 99, 74),
        ("windows-1251", WINDOWS_1251, 13, 99, 95),
        ("windows-1250", WINDOWS_1250, 5, 98, 70),
        ("ISO-8859-2", ISO_8859_2, 0, 72, 60),
        ("KOI8-R", KOI8_R, 14, 100, 98),
        ("CP866", IBM866, 14, 100, 100),
        ("windows-1254", WINDOWS_1254, 5, 97, 73),
    ];
    for (name, encoding, exact, once, twice) in lost {
        check(&format!("{name}, controls lost"), exact, once, &|text| without_controls(&read_as(encoding, text)));
        check(&format!("{name} twice, all lost"), 0, twice, &|text| {
            without_controls(&read_as(encoding, &read_as(encoding, text))).replace('\u{a0}', " ")
        });
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
