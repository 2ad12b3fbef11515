//! Removes lines that are not the author's: navigation, pagers, share and "read also" lines, shortcodes; then tickers
//! and what stands at the end.

use std::sync::LazyLock;

use regex::Regex;

use super::{Evidence, Repairs, count, ending, tickers, timetable};
use crate::text::furniture::{LATEST, LINE_BYTES_MAX, READ_ALSO, kind_of_line, whole_line};

/// A line of so many characters is a paragraph: a text with one is more than a caption.
const PARAGRAPH_CHARS_MIN: usize = 100;
/// Headlines below "Read also": so many at most, of so many words at least, and of so many characters at most.
const HEADLINES_MAX: usize = 12;
const HEADLINE_WORDS_MIN: usize = 3;
const HEADLINE_CHARS_MAX: usize = 160;

/// `text` without boilerplate; expects lines without white space at their ends. At most one blank line in a row.
pub(super) fn without_boilerplate(text: &str, evidence: &Evidence<'_>, repairs: &mut Repairs) -> String {
    let without_shortcodes = without_shortcodes(text, repairs);
    let mut lines: Vec<&str> = Vec::new();
    for line in without_shortcodes.lines() {
        let line = line.trim();
        let line = match table_row(line) {
            TableLine::Rule => {
                count(repairs, "markdown-table", 1);
                continue;
            }
            TableLine::Framed(row) => {
                count(repairs, "markdown-table", 1);
                row
            }
            TableLine::None => line,
        };
        if line.is_empty() && lines.last().is_none_or(|last| last.is_empty()) {
            continue;
        }
        lines.push(line);
    }
    let lines = without_named_lines(&lines, repairs);
    let lines = timetable::without_timetable(&lines, repairs);
    let mut lines = tickers::without_tickers(&lines, evidence, repairs);
    ending::remove_ending(&mut lines, evidence, repairs);
    let mut kept = String::with_capacity(text.len());
    let mut is_after_blank = true;
    for line in lines {
        if line.is_empty() && is_after_blank {
            continue;
        }
        is_after_blank = line.is_empty();
        kept.push_str(line);
        kept.push('\n');
    }
    kept.truncate(kept.trim_end().len());
    kept
}

/// A caption that only names who took the picture.
static PHOTO_CREDIT: LazyLock<Regex> = LazyLock::new(|| {
    whole_line(
        r"(photos?|images?|pictures?|фото|фотография|сурет|фотосурет|сүрөт|сурат|акс|surat|foto|suratlar)( (credit|courtesy|by)( of)?)?\s*[:©]\s*.{1,80}",
    )
});

static SHORTCODE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\[/?(caption|gallery|embed|audio|video|playlist|vc_[a-z_]{1,30})(\s[^\[\]]*)?/?\]")
        .expect("a constant pattern, compiled by the tests")
});

static CAPTION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\[caption(\s[^\[\]]*)?\][^\[\]]*\[/caption\]").expect("a constant pattern, compiled by the tests")
});

/// Removes lines of a known kind, and the headlines that "Read also" and "Latest news" lead to.
fn without_named_lines<'a>(lines: &[&'a str], repairs: &mut Repairs) -> Vec<&'a str> {
    let has_paragraph = lines.iter().any(|line| line.chars().count() >= PARAGRAPH_CHARS_MIN);
    let mut kept = Vec::with_capacity(lines.len());
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        at += 1;
        let is_credit = || has_paragraph && !ending::ends_sentence(line) && PHOTO_CREDIT.is_match(line);
        match kind_of_line(line).or_else(|| (line.len() <= LINE_BYTES_MAX && is_credit()).then_some("photo-credit")) {
            Some(kind) => {
                count(repairs, kind, 1);
                if matches!(kind, READ_ALSO | LATEST) && !line.contains(": ") {
                    let (headlines, passed) = headlines_at(kind, &lines[at..]);
                    count(repairs, kind, headlines);
                    at += passed;
                }
            }
            None => kept.push(line),
        }
    }
    kept
}

/// How many headlines stand at the beginning of the lines below a line that leads to other articles, and how many lines
/// they take: a list; lines down to the end of the text; or one below "Read also", for what comes after may be a
/// heading of the text.
fn headlines_at(kind: &str, lines: &[&str]) -> (u64, usize) {
    let is_point = |line: &str| line.starts_with(['-', '•', '▪', '*']);
    let run: Vec<(usize, &str)> = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| !line.is_empty())
        .take_while(|(_, line)| is_headline(line))
        .take(HEADLINES_MAX + 1)
        .map(|(index, line)| (index, *line))
        .collect();
    let points = run.iter().take_while(|(_, line)| is_point(line)).count();
    let is_last = |(index, _): &(usize, &str)| lines[index + 1..].iter().all(|line| line.is_empty());
    let taken = if points > 0 {
        points
    } else if run.len() <= HEADLINES_MAX && run.last().is_some_and(is_last) {
        run.len()
    } else {
        usize::from(kind == READ_ALSO && run.len() == 1)
    };
    let passed = taken.checked_sub(1).map_or(0, |last| run[last].0 + 1);
    (taken as u64, passed)
}

/// Whether a line may be another article's headline: short, of several words, without the end of a sentence.
fn is_headline(line: &str) -> bool {
    let words = line.split_whitespace().filter(|word| word.contains(char::is_alphabetic)).count();
    let unquoted = line.trim_end_matches(['"', '»', '”', '’', '\'', ')', ']']);
    words >= HEADLINE_WORDS_MIN
        && line.chars().count() <= HEADLINE_CHARS_MAX
        && !unquoted.ends_with(['.', ':', ';', ',', '…'])
}

/// Captions of pictures go with their shortcode; a shortcode without an end loses only its brackets.
fn without_shortcodes(text: &str, repairs: &mut Repairs) -> String {
    if !text.contains('[') {
        return text.to_owned();
    }
    let captions = CAPTION.find_iter(text).count();
    let without_captions = CAPTION.replace_all(text, " ");
    let others = SHORTCODE.find_iter(&without_captions).count();
    count(repairs, "shortcode", (captions + others) as u64);
    if captions + others == 0 {
        return text.to_owned();
    }
    let kept = SHORTCODE.replace_all(&without_captions, " ");
    kept.lines().map(|line| crate::text::collapse(line) + "\n").collect()
}

enum TableLine<'a> {
    /// `|---|---|`
    Rule,
    /// `| a | b |`, here without its outer bars.
    Framed(&'a str),
    None,
}

fn table_row(line: &str) -> TableLine<'_> {
    if !line.contains('|') || !(line.starts_with('|') || line.ends_with('|')) {
        return TableLine::None;
    }
    if line.contains("--") && line.chars().all(|c| matches!(c, '|' | '-' | ':' | ' ')) {
        return TableLine::Rule;
    }
    let row = line.trim_matches(['|', ' ']);
    if row.contains(" | ") { TableLine::Framed(row) } else { TableLine::None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str, kinds: &[&str]) {
        let mut repairs = Repairs::new();
        assert_eq!(without_boilerplate(text, &Evidence::default(), &mut repairs), expected, "{text:?}");
        assert_eq!(repairs.keys().copied().collect::<Vec<_>>(), kinds, "repairs of {text:?}");
    }

    #[test]
    fn removes_whole_lines() {
        for (line, kind) in [
            ("Skip to content", "skip-link"),
            ("Read also:", "read-also"),
            ("Читайте также: Новый мост открыт в Оше", "read-also"),
            ("ЧИТАЙТЕ ПО ТЕМЕ", "read-also"),
            ("Тағы оқыңыз:", "read-also"),
            ("Ўқинг: Янги йўл очилди", "read-also"),
            ("Oʻqing", "read-also"),
            ("Latest", "latest"),
            ("Share on Facebook", "share"),
            ("Поделиться в Telegram", "share"),
            ("Viewing results 7 - 12 of 31", "pager"),
            ("1 2 3 … 17 »", "pager"),
            ("Реклама", "advert"),
        ] {
            check(&format!("Before.\n\n{line}\n\nAfter."), "Before.\n\nAfter.", &[kind]);
        }
    }

    #[test]
    fn removes_boilerplate_of_every_language() {
        for (kind, lines) in [
            (
                "navigation",
                &[
                    "Home / News / Water",
                    "Главная » Новости",
                    "Басты бет > Жаңалықтар",
                    "Башкы бет / Коом",
                    "Саҳифаи асосӣ / Ҷомеа",
                    "Baş sahypa / Habarlar",
                    "Bosh sahifa / Jamiyat",
                    "Бош саҳифа / Жамият",
                    "Наверх",
                    "XS SM MD LG",
                ][..],
            ),
            (
                "read-also",
                &[
                    "SEE ALSO: The new road is open",
                    "Читайте по теме:",
                    "Сондай-ақ оқыңыз",
                    "Дагы окуңуз: Жаңы жол ачылды",
                    "Ҳамчунин хонед:",
                    "Инчунин хонед: Роҳи нав кушода шуд",
                    "Şeýle-de okaň: Täze ýol açyldy",
                    "Shuningdek, oʻqing: Yangi yoʻl ochildi",
                    "Mavzuga oid",
                    "Яна ўқинг",
                ],
            ),
            (
                "latest",
                &[
                    "Latest news",
                    "Последние новости",
                    "Соңғы жаңалықтар",
                    "Акыркы жаңылыктар",
                    "Навтарин хабарҳо",
                    "Soňky habarlar",
                    "Soʻnggi yangiliklar",
                    "Сўнгги янгиликлар",
                ],
            ),
            (
                "share",
                &[
                    "Share this article",
                    "Поделиться",
                    "Бөлісу",
                    "Бөлүшүү",
                    "Мубодила кунед",
                    "Paýlaş",
                    "Ulashish",
                    "Улашинг",
                ],
            ),
            (
                "pager",
                &[
                    "Page 2 of 9",
                    "Показать ещё",
                    "Тағы көрсету",
                    "Дагы көрсөтүү",
                    "Боз нишон додан",
                    "Ýene görkez",
                    "Yana koʻrsatish",
                ],
            ),
            ("advert", &["Advertisement", "Реклама на Gazeta.uz", "Жарнама", "Жарнак", "Mahabat", "Reklama"]),
            (
                "subscribe",
                &[
                    "Subscribe to our newsletter",
                    "Sign up for our free weekly newsletter",
                    "Подписывайтесь на наш Telegram-канал",
                    "Читайте нас в Telegram",
                    "Наши новости теперь в WhatsApp!",
                    "Telegram арнамызға жазылыңыз",
                    "Telegram каналыбызга жазылыңыз",
                    "Ба канали мо дар Telegram обуна шавед",
                    "Telegram kanalymyza agza boluň",
                    "Telegram kanalimizga obuna boʻling!",
                    "Телеграм каналимизга қўшилинг",
                ],
            ),
            (
                "cookies",
                &[
                    "We use cookies to improve this site.",
                    "Мы используем файлы cookie, чтобы сайт работал лучше",
                    "Біз cookie файлдарын қолданамыз",
                    "Биз cookie файлдарын колдонобуз",
                    "Мо аз cookie истифода мебарем",
                    "Biz cookie faýllaryny ulanýarys",
                    "Saytimiz cookie fayllaridan foydalanadi",
                ],
            ),
            (
                "player",
                &[
                    "No media source currently available",
                    "Your browser does not support the video tag.",
                    "Ваш браузер не поддерживает видео",
                    "Браузеріңіз бейнені қолдамайды",
                    "Браузериңиз видеону колдобойт",
                    "Браузери шумо видеоро дастгирӣ намекунад",
                    "Brauzeriňiz wideony goldamaýar",
                    "Brauzeringiz videoni qoʻllab-quvvatlamaydi",
                ],
            ),
            (
                "comments",
                &[
                    "Leave a comment",
                    "Comments (3)",
                    "Оставить комментарий",
                    "Пікір қалдыру",
                    "Пикир калтыруу",
                    "Шарҳ гузоштан",
                    "Teswir ýazmak",
                    "Izoh qoldirish",
                    "Изоҳлар 5",
                ],
            ),
            ("tags", &["Tags: water, dam, Talas", "Теги: вода, плотина", "Тегтер: су, бөгет", "Teglar: suv, toʻgʻon"]),
            (
                "photo-credit",
                &[
                    "Photo: A. Serik / Steppe",
                    "Фото: Акорда",
                    "Сурет: ашық дереккөз",
                    "Сүрөт: Дала",
                    "Акс: Дашт",
                    "Surat: Dala",
                    "Фото © Дала",
                ],
            ),
        ] {
            for line in lines {
                check(&format!("{STORY}\n\n{line}\n\n{STORY}"), &format!("{STORY}\n\n{STORY}"), &[kind]);
            }
        }
    }

    const STORY: &str =
        "The dam above the town was opened on Monday morning, officials of the ministry said, and water came.";

    #[test]
    fn headlines_go_with_what_leads_to_them() {
        let after = |lines: &str, rest: &str| {
            let text = format!("{STORY}\n\n{lines}\n\n{rest}");
            let expected = format!("{STORY}\n\n{rest}");
            check(&text, expected.trim_end(), &["read-also"]);
        };
        after("Читайте также:\n\nНовый мост открыт в Оше", STORY);
        after("Тағы оқыңыз\n\n- Жаңа көпір ашылды Ошта\n- Жаңа мектеп ашылды Ошта", STORY);
        after("Ўқинг:\nЯнги кўприк очилди Ўшда\nЯнги мактаб очилди Ўшда", "");
        after("Related\n\nA new bridge is open in Osh\n\nA new school is open in Osh", "");
        let said = "Senators told reporters that the words were “deplorable.”";
        let kept = format!("{STORY}\n\n{said}\n\n{STORY}");
        check(&format!("{STORY}\n\nRelated:\n\n{said}\n\n{STORY}"), &kept, &["read-also"]);
        let heading = "Why the road was late\n\nWho paid for it";
        check(
            &format!("{STORY}\n\nRead also\n\n{heading}\n\n{STORY}"),
            &format!("{STORY}\n\n{heading}\n\n{STORY}"),
            &["read-also"],
        );
        check(
            &format!("Latest\n\nWhy the road was late\n\n{STORY}"),
            &format!("Why the road was late\n\n{STORY}"),
            &["latest"],
        );
    }

    #[test]
    fn what_people_write_stays() {
        for text in [
            "# The dam\n\n- one\n- two\n\n> He said yes.\n\nGas | 20 %\nOil | 30 %",
            "– Did it cost much?\n– Yes, it did.\n– Do you comment on that?\n– No comments on prices.",
            "Комментарии экспертов появятся позже",
            "Фото: министр открыл плотину.",
            "Реклама на транспорте подорожала",
            "Подписка на газету выросла вдвое",
            "Cookies are stored by every site, the law says.",
            "Home prices in the city fell / rose",
            "Mavzuga oid savollar koʻp boʻldi",
            "Жарнама нарығы өсті",
        ] {
            check(&format!("{STORY}\n\n{text}\n\n{STORY}"), &format!("{STORY}\n\n{text}\n\n{STORY}"), &[]);
        }
    }

    #[test]
    fn keeps_sentences_that_begin_alike() {
        for line in [
            "Read more about the dam in the report of the ministry.",
            "Latest figures show growth: exports rose by a fifth.",
            "Share prices fell on Tuesday",
            "Related costs are paid by the state budget",
            "По теме совещания высказались министры.",
            "KZT 500 million will be spent",
            "По теме: министр признал, что план сорван.",
            "Читайте также: закон, который подпишет президент.",
            "Telegram users in the region doubled",
            "1 2",
        ] {
            check(line, line, &[]);
        }
    }

    #[test]
    fn removes_shortcodes() {
        check("One [caption id=\"a1\" width=\"300\"]A yurt[/caption] two.", "One two.", &["shortcode"]);
        check("One [gallery ids=\"1,2\"] two [sic] three.", "One two [sic] three.", &["shortcode"]);
    }

    #[test]
    fn unframes_tables() {
        check("| Name | Share |\n|---|:--:|\n| Gas | 20 % |", "Name | Share\nGas | 20 %", &["markdown-table"]);
        check("Gas | 20 % |", "Gas | 20 %", &["markdown-table"]);
        check("|x|", "|x|", &[]);
    }
}
