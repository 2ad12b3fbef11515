//! The words of dates: months, weekdays, relative days, zones and fillers in en, ru, kk, ky, tg, tk and uz; months and
//! fillers also in languages whose pages come along with those.

/// What a lower-case word means in a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Month, 1 to 12.
    Month(i8),
    /// Days before today: 0 for today, 1 for yesterday.
    DaysAgo(i8),
    /// A zone abbreviation, as minutes east of UTC.
    Zone(i32),
    /// A zone abbreviation with several current meanings: the day is known, the hour is not.
    UnclearZone,
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
    } else if listed(UNCLEAR_ZONES) {
        Some(Meaning::UnclearZone)
    } else {
        ZONES.iter().find(|(name, _)| *name == word).map(|(_, minutes)| Meaning::Zone(*minutes))
    }
}

/// Whether an hour is what follows this word: "в 15", "сағат 15".
pub(super) fn precedes_hour(word: &str) -> bool {
    matches!(
        word,
        "в" | "во"
            | "at"
            | "time"
            | "сағат"
            | "саат"
            | "соат"
            | "соати"
            | "soat"
            | "sagat"
            | "um"
            | "à"
            | "às"
            | "ore"
            | "alle"
    )
}

/// Whether an hour is what stands before this word: "15 часов", "15 hrs".
pub(super) fn follows_hour(word: &str) -> bool {
    matches!(
        word,
        "ч" | "час"
            | "часа"
            | "часов"
            | "h"
            | "hrs"
            | "hours"
            | "uhr"
            | "heures"
            | "horas"
            | "сағат"
            | "саат"
            | "соат"
            | "soat"
            | "sagat"
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
    OTHER_MONTHS.iter().find(|(_, names)| names.contains(&word)).map(|(number, _)| *number)
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

/// Number, names and abbreviations in German, French, Spanish, Portuguese, Italian, Romanian, Dutch, Polish, Ukrainian,
/// Turkish, Azerbaijani, Serbian, the Scandinavian languages and Indonesian, in the form that dates have. Names that
/// mean another month elsewhere (Croatian and Czech "listopad") are left out.
#[rustfmt::skip]
const OTHER_MONTHS: &[(i8, &[&str])] = &[
    (1, &["januar", "jänner", "jän", "janvier", "janv", "enero", "ene", "janeiro", "gennaio", "gen", "ianuarie", "ian", "januari", "stycznia", "січня", "ocak", "oca"]),
    (2, &["februar", "février", "fevrier", "févr", "fév", "febrero", "fevereiro", "fev", "febbraio", "februarie", "februari", "lutego", "лютого", "şubat", "subat"]),
    (3, &["märz", "maerz", "mär", "mrz", "mars", "marzo", "março", "marco", "martie", "maart", "mrt", "marca", "березня", "marts", "maret"]),
    (4, &["avril", "avr", "abril", "abr", "aprile", "aprilie", "kwietnia", "квітня", "nisan", "nis"]),
    (5, &["mai", "mayo", "maio", "maggio", "mag", "mei", "maja", "maj", "травня", "mayıs", "mayis"]),
    (6, &["juni", "juin", "junio", "junho", "giugno", "giu", "iunie", "iun", "czerwca", "червня", "haziran", "haz"]),
    (7, &["juli", "juillet", "juil", "julio", "julho", "luglio", "lug", "iulie", "iul", "lipca", "липня", "temmuz", "tem"]),
    (8, &["août", "aout", "agosto", "ago", "augustus", "sierpnia", "серпня", "ağustos", "agustos", "ağu", "avqust", "agustus"]),
    (9, &["septembre", "septiembre", "setiembre", "setembro", "set", "settembre", "septembrie", "września", "вересня", "eylül", "eylul", "eyl", "septembar"]),
    (10, &["oktober", "octobre", "octubre", "outubro", "out", "ottobre", "ott", "octombrie", "października", "жовтня", "ekim", "eki", "oktobar"]),
    (11, &["novembre", "noviembre", "novembro", "noiembrie", "noi", "listopada", "листопада", "kasım", "kasim", "kas", "novembar"]),
    (12, &["dezember", "dez", "décembre", "decembre", "déc", "diciembre", "dic", "dezembro", "dicembre", "decembrie", "grudnia", "грудня", "aralık", "aralik", "ara", "decembar", "desember", "des"]),
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
    "montag", "dienstag", "mittwoch", "donnerstag", "freitag", "samstag", "sonnabend", "sonntag", "mo", "di", "mi", "do", "fr", "sa", "so",
    "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche",
    "lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo", "segunda", "terça", "quarta", "quinta", "sexta", "feira",
    "lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato", "domenica",
    "pazartesi", "salı", "çarşamba", "perşembe", "cuma", "cumartesi", "pazar",
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
    "vom", "den", "der", "um", "uhr", "veröffentlicht", "publié", "le", "à", "de", "del", "a", "às", "il", "alle", "ore", "em", "op", "om",
    "соли", "сол", "с", "уми", "юми", "ум", "юм",
];

/// India, Ireland or Israel; and Almaty before and after March 2024.
const UNCLEAR_ZONES: &[&str] = &["ist", "almt"];

/// Minutes east of UTC. RFC 822's own; then those that feeds of the region and its neighbours use. A wrong
/// zone is worse than none: see [`UNCLEAR_ZONES`].
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
