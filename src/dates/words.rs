//! The words of dates: months, weekdays, relative days, zones and fillers in en, ru, kk, ky, tg, tk and uz.

/// What a lower-case word means in a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Month, 1 to 12.
    Month(i8),
    /// Days before today: 0 for today, 1 for yesterday.
    DaysAgo(i8),
    /// A zone abbreviation, as minutes east of UTC.
    Zone(i32),
    /// Hours before noon.
    Am,
    /// Hours after noon.
    Pm,
    /// A weekday, "at", "year": says nothing that is needed.
    Filler,
}

/// Looks a lower-case word up; `None` for a word that has no place in a date.
pub(super) fn meaning(word: &str) -> Option<Meaning> {
    if let Some(month) = month(word) {
        return Some(Meaning::Month(month));
    }
    let listed = |list: &[&str]| list.contains(&word);
    if listed(TODAY) {
        Some(Meaning::DaysAgo(0))
    } else if listed(YESTERDAY) {
        Some(Meaning::DaysAgo(1))
    } else if listed(FILLERS) || listed(WEEKDAYS) {
        Some(Meaning::Filler)
    } else if word == "am" {
        Some(Meaning::Am)
    } else if word == "pm" {
        Some(Meaning::Pm)
    } else {
        ZONES.iter().find(|(name, _)| *name == word).map(|(_, minutes)| Meaning::Zone(*minutes))
    }
}

/// Whether an hour is what follows this word: "в 15", "сағат 15".
pub(super) fn precedes_hour(word: &str) -> bool {
    matches!(word, "в" | "во" | "at" | "time" | "сағат" | "саат" | "соат" | "соати" | "soat" | "sagat")
}

/// Whether an hour is what stands before this word: "15 часов", "15 hrs".
pub(super) fn follows_hour(word: &str) -> bool {
    matches!(
        word,
        "ч" | "час" | "часа" | "часов" | "h" | "hrs" | "hours" | "сағат" | "саат" | "соат" | "soat" | "sagat"
    )
}

fn month(word: &str) -> Option<i8> {
    for (number, stems, short) in MONTHS {
        if short.contains(&word) {
            return Some(*number);
        }
        let inflected = |stem: &&str| word.strip_prefix(*stem).is_some_and(|ending| MONTH_ENDINGS.contains(&ending));
        if stems.iter().any(inflected) {
            return Some(*number);
        }
    }
    None
}

/// Case endings of month names: Russian, Tajik izafet, Turkic possessive, locative, genitive and "of" forms.
const MONTH_ENDINGS: &[&str] = &[
    "", "ь", "я", "ю", "е", "ем", "ём", "а", "у", "ы", "и", "й", "да", "де", "та", "те", "дағы", "дегі", "тағы",
    "тегі", "дагы", "деги", "даги", "ги", "ға", "ге", "га", "ның", "нің", "дың", "дің", "тың", "тің", "нын", "нин",
    "дын", "дин", "тын", "тин", "дун", "тун", "ында", "інде", "унда", "үндө", "ынын", "i", "y", "da", "de", "ta",
    "dagi", "gi", "ga", "nda", "ynda", "inde", "yň", "iň", "ning", "ýň",
];

/// Number, stems that take [`MONTH_ENDINGS`], abbreviations that take none. English, Russian with Kyrgyz, Tajik and
/// Cyrillic Uzbek, Kazakh, Latin Uzbek, Turkmen.
const MONTHS: &[(i8, &[&str], &[&str])] = &[
    (1, &["january", "январ", "қаңтар", "yanvar", "ýanwar"], &["jan", "янв", "қаң"]),
    (2, &["february", "феврал", "ақпан", "fevral", "fewral"], &["feb", "фев", "февр", "ақп"]),
    (3, &["march", "март", "наурыз", "mart"], &["mar", "мар", "нау"]),
    (4, &["april", "апрел", "сәуір", "aprel"], &["apr", "апр", "сәу"]),
    (5, &["may", "май", "ма", "мамыр", "maý"], &["мам"]),
    (6, &["june", "июн", "маусым", "iyun", "iýun"], &["jun", "июн", "мау"]),
    (7, &["july", "июл", "шілде", "iyul", "iýul"], &["jul", "июл", "шіл"]),
    (8, &["august", "август", "тамыз", "avgust", "awgust"], &["aug", "авг", "там", "avg", "awg"]),
    (
        9,
        &["september", "сентябр", "қыркүйек", "sentabr", "sentyabr", "sentýabr"],
        &["sep", "sept", "сен", "сент", "қыр"],
    ),
    (10, &["october", "октябр", "қазан", "oktabr", "oktyabr", "oktýabr"], &["oct", "окт", "қаз", "okt"]),
    (11, &["november", "ноябр", "қараша", "noyabr", "noýabr"], &["nov", "ноя", "нояб", "қар", "noy"]),
    (12, &["december", "декабр", "желтоқсан", "dekabr"], &["dec", "дек", "жел", "dek"]),
];

const TODAY: &[&str] = &["today", "сегодня", "бүгін", "бүгүн", "имрӯз", "имруз", "bugun", "bugün", "şugün", "бугун"];

const YESTERDAY: &[&str] = &["yesterday", "вчера", "кеше", "кечээ", "дирӯз", "дируз", "kecha", "düýn", "кеча"];

#[rustfmt::skip]
const WEEKDAYS: &[&str] = &[
    "mon", "tue", "tues", "wed", "thu", "thur", "thurs", "fri", "sat", "sun",
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
    "пн", "вт", "ср", "чт", "пт", "сб", "вс",
    "понедельник", "вторник", "среда", "четверг", "пятница", "суббота", "воскресенье",
    "дүйсенбі", "сейсенбі", "сәрсенбі", "бейсенбі", "жұма", "сенбі", "жексенбі",
    "дүйшөмбү", "шейшемби", "шаршемби", "бейшемби", "жума", "ишемби", "жекшемби",
    "душанбе", "сешанбе", "чоршанбе", "панҷшанбе", "ҷумъа", "шанбе", "якшанбе",
    "душанба", "сешанба", "чоршанба", "пайшанба", "шанба", "якшанба",
    "dushanba", "seshanba", "chorshanba", "payshanba", "juma", "shanba", "yakshanba",
    "duşenbe", "sişenbe", "çarşenbe", "penşenbe", "anna", "şenbe", "ýekşenbe",
];

#[rustfmt::skip]
const FILLERS: &[&str] = &[
    "at", "on", "of", "the", "st", "nd", "rd", "th", "published", "posted", "date", "time", "hrs",
    "г", "гг", "год", "года", "году", "в", "во", "от", "опубликовано", "добавлено", "размещено", "дата", "публикации", "час", "часа", "часов", "ч",
    "ж", "жыл", "жылы", "жылғы", "жылдың", "жылдын", "жылдыз", "сағат", "саат", "жарияланды", "жарыяланды",
    "й", "йил", "йили", "йилнинг", "йилда", "соат", "чи", "чы", "чу", "нчи", "шы", "ші",
    "yil", "yili", "yilning", "yilda", "soat", "chi", "y",
    "ý", "ýyl", "ýylyň", "ýylda", "nji", "njy", "sagat",
    "соли", "сол", "с", "уми", "юми", "ум", "юм",
];

/// Minutes east of UTC. RFC 822's own; then those that feeds of the region and its neighbours use. Abbreviations with
/// two current meanings (IST, ALMT before and after March 2024) are left out: a wrong zone is worse than none.
const ZONES: &[(&str, i32)] = &[
    ("z", 0),
    ("ut", 0),
    ("utc", 0),
    ("gmt", 0),
    ("wet", 0),
    ("est", -300),
    ("edt", -240),
    ("cst", -360),
    ("cdt", -300),
    ("mst", -420),
    ("mdt", -360),
    ("pst", -480),
    ("pdt", -420),
    ("bst", 60),
    ("cet", 60),
    ("west", 60),
    ("cest", 120),
    ("eet", 120),
    ("eest", 180),
    ("msk", 180),
    ("мск", 180),
    ("trt", 180),
    ("msd", 240),
    ("samt", 240),
    ("azt", 240),
    ("get", 240),
    ("aft", 270),
    ("uzt", 300),
    ("tjt", 300),
    ("tmt", 300),
    ("pkt", 300),
    ("yekt", 300),
    ("kgt", 360),
    ("omst", 360),
    ("hkt", 480),
    ("sgt", 480),
    ("jst", 540),
    ("kst", 540),
];
