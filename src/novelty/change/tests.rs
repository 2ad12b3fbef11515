//! What is a change and what is not, in the languages of the region.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

/// A language's article, and what comes and goes around it.
struct Story {
    language: &'static str,
    text: &'static str,
    /// Before and after, each a line of its own.
    noise: &'static [(&'static str, &'static str)],
    /// A part of the text, and what it is corrected to.
    changes: &'static [(&'static str, &'static str)],
    /// A sentence that the text does not have.
    sentence: &'static str,
}

const STORIES: [Story; 8] = [
    Story {
        language: "en",
        text: "Bridge over the Talas is open\n\nThe new bridge over the Talas was opened on Monday.\n\nIt cost 45 million and \
               took three years, the head of the works said.",
        noise: &[
            ("1,204 views", "1,377 views"),
            ("Views: 998", "Views: 1.2K"),
            ("Comments (3)", "Comments (17)"),
            ("Updated 5 minutes ago", "Updated 2 hours ago"),
            ("A. Serik | 5 minutes ago | 12 comments", "A. Serik | an hour ago | 40 comments"),
            ("Updated: 22 November 2026, 14:05", "Updated: 22 November 2026, 18:30"),
            ("", "Read also: The old road is to be closed in spring"),
            ("Share on Facebook 12", "Share on Facebook 40"),
            ("Facebook 3", "Facebook 19"),
            ("- Wheat harvest begins early\n- A school burns down", "- Mayor resigns\n- Snow in the passes"),
            ("", "Subscribe to our newsletter"),
            ("Today, 13:51", "Yesterday, 13:51"),
        ],
        changes: &[("45 million", "54 million"), ("three years", "four years"), ("was opened", "was not opened")],
        sentence: "Heavy lorries may not use it before April.",
    },
    Story {
        language: "ru",
        text: "Мост через Талас открыт\n\nНовый мост через Талас открыли в понедельник.\n\nОн стоил 45 миллионов сомов и строился \
               три года, сообщил начальник работ.",
        noise: &[
            ("Просмотров: 1 204", "Просмотров: 1 377"),
            ("120 просмотров, 3 комментария", "145 просмотров, 5 комментариев"),
            ("Обновлено 5 минут назад", "Обновлено 2 часа назад"),
            ("час назад", "3 часа назад"),
            ("", "Читайте также: Старую дорогу закроют весной"),
            ("Поделились: 4", "Поделились: 61"),
            ("Сегодня, 13:51", "Вчера, 13:51"),
        ],
        changes: &[("45 миллионов", "54 миллиона"), ("три года", "четыре года"), ("открыли", "не открыли")],
        sentence: "Грузовики пустят по нему только в апреле.",
    },
    Story {
        language: "kk",
        text: "Талас көпірі ашылды\n\nТалас өзені арқылы салынған жаңа көпір дүйсенбіде ашылды.\n\nОған 45 миллион теңге жұмсалды, \
               құрылыс үш жылға созылды.",
        noise: &[
            ("Қаралым: 204", "Қаралым: 377"),
            ("1 204 рет қаралды", "1 377 рет қаралды"),
            ("5 минут бұрын", "2 сағат бұрын"),
            ("3 пікір", "9 пікір"),
            ("", "Тағы оқыңыз: Ескі жол көктемде жабылады"),
        ],
        changes: &[("45 миллион", "54 миллион"), ("үш жылға", "төрт жылға")],
        sentence: "Ауыр көліктер сәуірден бастап жіберіледі.",
    },
    Story {
        language: "ky",
        text: "Талас көпүрөсү ачылды\n\nТалас суусу аркылуу салынган жаңы көпүрө дүйшөмбүдө ачылды.\n\nАга 45 миллион сом кетти, \
               курулуш үч жылга созулду.",
        noise: &[
            ("Көрүүлөр: 204", "Көрүүлөр: 377"),
            ("5 мүнөт мурун", "2 саат мурун"),
            ("3 пикир", "9 пикир"),
            ("", "Дагы окуңуз: Эски жол жазында жабылат"),
        ],
        changes: &[("45 миллион", "54 миллион"), ("үч жылга", "төрт жылга")],
        sentence: "Оор унаалар апрелден баштап өткөрүлөт.",
    },
    Story {
        language: "uz-Latn",
        text: "Talas koʻprigi ochildi\n\nTalas daryosi ustidagi yangi koʻprik dushanba kuni ochildi.\n\nUnga 45 million soʻm \
               sarflandi, qurilish uch yil davom etdi.",
        noise: &[
            ("204 marta koʻrildi", "377 marta koʻrildi"),
            ("5 daqiqa oldin", "2 soat oldin"),
            ("Izohlar: 3", "Izohlar: 9"),
            ("", "Shuningdek, oʻqing: Eski yoʻl bahorda yopiladi"),
        ],
        changes: &[("45 million", "54 million"), ("uch yil", "toʻrt yil")],
        sentence: "Yuk mashinalari apreldan oʻtkaziladi.",
    },
    Story {
        language: "uz-Cyrl",
        text: "Талас кўприги очилди\n\nТалас дарёси устидаги янги кўприк душанба куни очилди.\n\nУнга 45 миллион сўм сарфланди, \
               қурилиш уч йил давом этди.",
        noise: &[
            ("204 марта кўрилди", "377 марта кўрилди"),
            ("5 дақиқа олдин", "2 соат олдин"),
            ("Изоҳлар: 3", "Изоҳлар: 9"),
            ("", "Яна ўқинг: Эски йўл баҳорда ёпилади"),
        ],
        changes: &[("45 миллион", "54 миллион"), ("уч йил", "тўрт йил")],
        sentence: "Юк машиналари апрелдан ўтказилади.",
    },
    Story {
        language: "tg",
        text: "Пули Талас кушода шуд\n\nПули нав бар болои дарёи Талас рӯзи душанбе кушода шуд.\n\nБарои он 45 миллион сомонӣ сарф \
               шуд ва сохтмон се сол давом кард.",
        noise: &[
            ("204 тамошо", "377 тамошо"),
            ("5 дақиқа пеш", "2 соат пеш"),
            ("Шарҳҳо: 3", "Шарҳҳо: 9"),
            ("", "Инчунин хонед: Роҳи кӯҳна баҳор баста мешавад"),
        ],
        changes: &[("45 миллион", "54 миллион"), ("се сол", "чор сол")],
        sentence: "Мошинҳои вазнин аз моҳи апрел мегузаранд.",
    },
    Story {
        language: "tk",
        text: "Talas köprüsi açyldy\n\nTalas derýasynyň üstündäki täze köpri duşenbe güni açyldy.\n\nOňa 45 million manat sarp \
               edildi, gurluşyk üç ýyl dowam etdi.",
        noise: &[
            ("204 gezek görüldi", "377 gezek görüldi"),
            ("5 minut öň", "2 sagat öň"),
            ("Teswirler: 3", "Teswirler: 9"),
            ("", "Şeýle-de okaň: Köne ýol ýazda ýapylýar"),
        ],
        changes: &[("45 million", "54 million"), ("üç ýyl", "dört ýyl")],
        sentence: "Agyr ulaglar aprelden geçirilýär.",
    },
];

fn check(before: &str, after: &str, expected: bool) {
    assert_eq!(is_change(before, after, 0), expected, "from {before:?} to {after:?}");
    assert_eq!(is_change(after, before, 0), expected, "back from {after:?} to {before:?}");
}

#[test]
fn what_stands_around_a_text_is_no_change_and_a_word_or_number_in_it_is_in_every_language() {
    for Story { language, text, noise, changes, sentence } in STORIES {
        for (before, after) in noise {
            for at_end in [true, false] {
                let with = |line: &str| if at_end { format!("{text}\n\n{line}") } else { format!("{line}\n\n{text}") };
                check(&with(before), &with(after), false);
                // The line is new to our eyes, or gone from them.
                check(text, &with(after), false);
                for (old, new) in changes {
                    let corrected = text.replace(old, new);
                    assert_ne!(corrected, text, "{language}: {old} is in the text");
                    check(&with(before), &with(after).replace(text, &corrected), true);
                }
            }
        }
        check(text, &format!("{text}\n\n{sentence}"), true);
        let (heading, rest) = text.split_once("\n\n").unwrap();
        check(text, &format!("{heading}\n\n{sentence}\n\n{rest}"), true);
    }
}

#[test]
fn setting_is_no_change_and_order_is() {
    let text =
        "A heading\n\nThe first paragraph is here. It has two sentences.\n\nThe second one came later, they said.";
    for (before, after, expected) in [
        (text, text, false),
        (text, &text.to_uppercase(), false),
        (text, &text.replace("here. It", "here.\n\nIt"), false),
        (text, &text.replace("later, they", "later — they"), false),
        (text, &text.replace("A heading", "A heading."), false),
        (
            text,
            "A heading\n\nThe second one came later, they said.\n\nThe first paragraph is here. It has two sentences.",
            true,
        ),
        ("Yes.", "No.", true),
        ("One.", "Two.", true),
        ("", "A sentence came.", true),
        ("", "", false),
    ] {
        check(before, after, expected);
    }
}

#[test]
fn lists_tables_and_headings_change_by_their_words_and_figures() {
    let story = "The prices of fuel rose again on Monday, the office of statistics said in its weekly report.";
    for (before, after, expected) in [
        ("AI-95 | 245", "AI-95 | 255", true),
        ("AI-95 | 245", "AI-95 | 245\nAI-98 | 301", true),
        ("- Dollar: 520,1", "- Dollar: 521,3", true),
        ("- Aktobe region: 12 cases", "- Aktobe region: 14 cases", true),
        ("Five people hurt in the blast", "Six people hurt in the blast", true),
        ("- Wheat harvest begins early", "- Snow closes two passes", false),
        ("", "- Wheat harvest begins early\n- Snow closes two passes", false),
        ("", "Photo by the press service", false),
        ("1 204", "1 377", false),
        ("", "Share", false),
        ("", "The film had 1,000 views in a day.", true),
        ("The film had 1,000 views in a day.", "The film had 2,000 views in a day.", true),
        ("Police were called two hours ago, he said.", "Police were called three hours ago, he said.", true),
        ("", "The minister named three causes of the rise:", true),
    ] {
        check(&format!("{story}\n\n{before}"), &format!("{story}\n\n{after}"), expected);
    }
}

#[test]
fn as_many_short_paragraphs_may_go_as_extraction_has_learned_to_leave_out() {
    let story = "The prices of fuel rose again on Monday, the office said.";
    let notice = "Use of our materials is allowed with a link to the site.";
    let with = |lines: &[&str]| [&[story], lines].concat().join("\n\n");
    let second = "Our office is open on working days.";
    let long = "A long paragraph of the story goes on and on. ".repeat(10);
    for (before, after, learned, expected) in [
        (with(&[notice]), with(&[]), 0, true),
        (with(&[notice]), with(&[]), 1, false),
        (with(&[notice, second]), with(&[]), 1, true),
        (with(&[notice, second]), with(&[]), 2, false),
        (with(&[]), with(&[notice]), 1, true),
        (with(&[&long]), with(&[]), 1, true),
        (with(&[notice]), with(&["The rise was the third of the year."]), 1, true),
    ] {
        assert_eq!(is_change(&before, &after, learned), expected, "{learned} from {before:?} to {after:?}");
    }
}

#[test]
fn long_and_hostile_texts_are_compared_in_bounds() {
    let long = "A sentence that is said again. ".repeat(TEXT_BYTES_MAX / 20);
    assert!(is_change(&long, &format!("{long}x"), 0), "beyond the limit, another digest is a change");
    let lines = |word: &str, count: usize| -> String { (0..count).map(|at| format!("{word}{at}\n")).collect() };
    assert!(is_change(&lines("a", 20_000), &lines("b", 20_000), 0));
    assert!(!is_change(&lines("a", 20_000), &lines("a", 20_000), 0));
    for hostile in ["1 ", "views ", "updated ", "e\u{301}", ". ", "| ", "a | 1\n", "просмотров 1\n", "\n", "x"]
    {
        let text = hostile.repeat(TEXT_BYTES_MAX / hostile.len() / 16);
        let cut = &text[..text.floor_char_boundary(text.len() / 2)];
        is_change(&text, cut, 0);
        is_change(cut, &text, 0);
    }
}

proptest! {
    #[test]
    fn any_two_texts_are_compared_and_a_text_never_differs_from_itself(left in "(?s).{0,300}", right in "(?s).{0,300}") {
        prop_assert!(!is_change(&left, &left, 0));
        prop_assert_eq!(is_change(&left, &right, 0), is_change(&right, &left, 0));
    }
}
