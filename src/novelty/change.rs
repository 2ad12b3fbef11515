//! Whether an article's text has changed, or only what stands around it: counters, times that pass, furniture.
//!
//! Lines are compared as folded words, so that case, spacing and punctuation are no change. Lines that both texts have
//! cancel out; of the rest, furniture and the counters in it are left out; what then remains is a change when it is a
//! sentence, a row of a table, or a line that is there on both sides with another word or number.
//!
//! Linear in the texts; whatever is costlier is done on at most [`LINES_LEFT_MAX`] lines.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use regex::Regex;

use super::fold;
use crate::text::furniture;

/// Longest text that is compared, in bytes: ten times the longest article that is known. A longer one has changed when
/// its digest has.
const TEXT_BYTES_MAX: usize = 1 << 20;

/// Most lines of a text that the other one does not have: with more, it is another text.
const LINES_LEFT_MAX: usize = 200;

/// So many words make a paragraph, whatever ends it.
const PARAGRAPH_WORDS_MIN: usize = 20;

/// So many words with the end of a sentence among them are sentences.
const SENTENCES_WORDS_MIN: usize = 8;

/// So many words before a colon introduce something.
const LEAD_IN_WORDS_MIN: usize = 6;

/// Fewest words of a sentence that ends in `!` or `…`: buttons do, too ("Share!", "Loading…").
const EXCLAIMED_WORDS_MIN: usize = 3;

/// Longest line that extraction may have learned to leave out, in bytes: templates repeat notices, not stories.
const LEARNED_BYTES_MAX: usize = furniture::LINE_BYTES_MAX;

/// Whether `after` says something else than `before`, the text of the version that is recorded.
///
/// `learned` is how many more lines extraction left out of `after` because all pages of the site have them: so many
/// short paragraphs may be gone without anyone having taken them out.
pub fn is_change(before: &str, after: &str, learned: usize) -> bool {
    if before.len().max(after.len()) > TEXT_BYTES_MAX {
        return true;
    }
    let (before, after) = (lines(before), lines(after));
    let (kept_before, left_before) = without_common(&before, &after);
    let (kept_after, left_after) = without_common(&after, &before);
    // A full stop more makes a sentence of a heading, and no change.
    let sentences: HashSet<&str> =
        kept_before.iter().filter(|line| line.is_sentence).map(|line| line.words.as_str()).collect();
    let is_sentence = |line: &&str| sentences.contains(line);
    let order_before = kept_before.iter().map(|line| line.words.as_str()).filter(is_sentence);
    let order_after = kept_after.iter().map(|line| line.words.as_str()).filter(is_sentence);
    if !order_before.eq(order_after) || left_before.len().max(left_after.len()) > LINES_LEFT_MAX {
        return true;
    }
    let (before, after) = (without_noise(&left_before), without_noise(&left_after));
    let ((_, before), (_, after)) = (without_common(&before, &after), without_common(&after, &before));
    is_change_of_sentences(&before, &after, learned) || is_change_of_fragments(&before, &after)
}

/// A line of a text.
#[derive(Clone)]
struct Line<'a> {
    text: &'a str,
    /// Folded, each followed by a space.
    words: String,
    is_sentence: bool,
}

impl<'a> Line<'a> {
    fn of(text: &'a str) -> Self {
        let (words, count) = words(text);
        Self { text, words, is_sentence: is_sentence(text, count) }
    }

    /// A row with a figure. Bars without one divide a byline.
    fn is_table_row(&self) -> bool {
        self.text.contains(" | ") && self.words.split(' ').any(is_number)
    }
}

fn is_number(word: &str) -> bool {
    word.contains(char::is_numeric)
}

/// The folded words of a text, and how many they are.
fn words(text: &str) -> (String, usize) {
    let (mut words, mut count) = (String::new(), 0);
    fold::words(text, |word| {
        words.push_str(word);
        words.push(' ');
        count += 1;
    });
    (words, count)
}

/// Lines with at least a word.
fn lines(text: &str) -> Vec<Line<'_>> {
    text.lines().map(|line| Line::of(line.trim())).filter(|line| !line.words.is_empty()).collect()
}

/// Whether a line says something by itself. Headings, links, labels and names do not.
fn is_sentence(line: &str, words: usize) -> bool {
    let end = line.trim_end_matches(['"', '»', '”', '’', '\'', ')', ']']);
    let is_cut = end.ends_with('…') || end.ends_with("...");
    words >= PARAGRAPH_WORDS_MIN
        || line.len() > furniture::LINE_BYTES_MAX
        || (end.ends_with(['.', '?']) && !is_cut)
        || (words >= EXCLAIMED_WORDS_MIN && (is_cut || end.ends_with('!')))
        || (words >= LEAD_IN_WORDS_MIN && end.ends_with([':', ';']))
        || (words >= SENTENCES_WORDS_MIN && SENTENCE_END.is_match(line))
}

/// The end of a sentence and the begin of the next. One letter before the point is an initial.
static SENTENCE_END: LazyLock<Regex> = LazyLock::new(|| pattern(r#"\p{Ll}{2}[.!?…]["»”)]*\s+["«“(]?\p{Lu}"#));

/// The lines that the other side has, too, each as often as both have it; and the others.
fn without_common<'l, 'a>(lines: &'l [Line<'a>], other: &[Line<'_>]) -> (Vec<&'l Line<'a>>, Vec<Line<'a>>) {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    other.iter().for_each(|line| *counts.entry(&line.words).or_default() += 1);
    let (mut common, mut left) = (Vec::new(), Vec::new());
    for line in lines {
        match counts.get_mut(line.words.as_str()) {
            Some(count) if *count > 0 => {
                *count -= 1;
                common.push(line);
            }
            _ => left.push(line.clone()),
        }
    }
    (common, left)
}

/// The lines that are not furniture, and what is left of them without counters and times that pass.
fn without_noise<'a>(lines: &[Line<'a>]) -> Vec<Line<'a>> {
    let mut kept = Vec::new();
    for line in lines {
        if line.text.len() > furniture::LINE_BYTES_MAX {
            kept.push(line.clone());
            continue;
        }
        if furniture::kind_of_line(line.text).is_some() {
            continue;
        }
        let stamped = STAMP.replace_all(line.text, " ");
        let bare = NOISE.iter().fold(stamped, |text, noise| noise.replace_all(&text, " ").into_owned().into());
        let (words, _) = words(&bare);
        if words.is_empty() || SHARES.is_match(&bare) {
            continue;
        }
        // "The film had 1,000 views in a day." is the article's word, and so is all of its sentence but its stamp.
        let stamped = if line.is_sentence { self::words(&STAMP.replace_all(line.text, " ")).0 } else { words };
        kept.push(Line { words: stamped, ..line.clone() });
    }
    kept
}

/// Whether the sentences that only one side has say different things. A paragraph that was split or joined does not.
fn is_change_of_sentences(before: &[Line<'_>], after: &[Line<'_>], learned: usize) -> bool {
    fn all<'l>(lines: &'l [Line<'_>]) -> impl Iterator<Item = &'l str> {
        lines.iter().filter(|line| line.is_sentence).flat_map(|line| line.words.split_whitespace())
    }
    let is_same = all(before).eq(all(after));
    let gone = || before.iter().filter(|line| line.is_sentence);
    let was_learned = all(after).next().is_none()
        && gone().count() <= learned
        && gone().all(|line| line.text.len() <= LEARNED_BYTES_MAX);
    !is_same && !was_learned
}

/// Whether a row of a table came or went, or a line that is no sentence was changed.
fn is_change_of_fragments(before: &[Line<'_>], after: &[Line<'_>]) -> bool {
    fn fragments<'l>(lines: &'l [Line<'_>]) -> Vec<HashSet<&'l str>> {
        let fragments = lines.iter().filter(|line| !line.is_sentence);
        fragments.map(|line| line.words.split_whitespace().collect()).collect()
    }
    let has_row = |lines: &[Line<'_>]| lines.iter().any(|line| !line.is_sentence && line.is_table_row());
    let (old, new) = (fragments(before), fragments(after));
    has_row(before) || has_row(after) || old.iter().any(|old| new.iter().any(|new| is_edited(old, new)))
}

/// Whether two lines are one, edited: at least half of their words are the same, or all of them but the numbers.
fn is_edited(old: &HashSet<&str>, new: &HashSet<&str>) -> bool {
    let names = |words: &HashSet<&str>| words.iter().filter(|word| !is_number(word)).count();
    let shared_names = old.intersection(new).filter(|word| !is_number(word)).count();
    let is_half = old.intersection(new).count() * 2 >= old.len().max(new.len());
    shared_names > 0 && (is_half || shared_names == names(old).max(names(new)))
}

fn pattern(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a constant pattern, compiled by the tests")
}

/// A number as counters write it: `1 204`, `1,2K`, `3 тыс.`
const NUMBER: &str = r"\d[\d\s.,\u{a0}\u{202f}’']{0,14}(k\b|m\b|тыс\.?|млн\.?|мың|миң|минг|ming|müň|ҳазор)?";

/// What is counted: views, comments, shares and likes, and the networks in which they are.
const COUNTED: &str = "(\
    views?|page ?views|reads?|readers|hits|comments?|replies|shares?|reposts?|likes?|\
    просмотр(ов|а|ы)?|просмотрено|просмотрели|прочт(ений|ения|ение)|прочитали|прочитано|показов|коммент(арий|ария|ариев|арии)|\
    репост(ов|а|ы)?|лайк(ов|а|и)?|поделил(ись|ся)|нравится|\
    қаралым(дар)?|қаралды|рет қаралды|рет оқылды|оқылды|оқылым|қаралған|пікір(лер)?|бөліс(у|ті|кен)|ұнады|ұнатқан|\
    көрүү(лөр)?|жолу көрүлдү|көрүлдү|каралды|жолу окулду|окулду|пикир(лер)?|бөлүш(үү|тү)|жакты|\
    (marta )?ko[ʻ‘’'`ʼ]ril(di|gan)|ko[ʻ‘’'`ʼ]rish(lar)?|(marta )?o[ʻ‘’'`ʼ]qil(di|gan)|izoh(lar)?|fikr(lar)?|sharh(lar)?|\
    ulash(ish|ildi)|yoqdi|\
    (марта )?кўрил(ди|ган)|кўриш(лар)?|(марта )?ўқил(ди|ган)|изоҳ(лар)?|фикр(лар)?|шарҳ(лар|ҳо)?|улаш(иш|илди)|ёқди|\
    (бор |маротиба )?(дида|хонда|тамошо) шуд(ааст)?|тамошо|бозид(ҳо)?|назар(ҳо)?|мубодила|ҳамрасонӣ|писанд(ид)?|\
    (gezek )?görüldi|görlen|(gezek )?okaldy|seredildi|teswir(ler)?|paýlaş(yldy|dy)?|halady|\
    facebook|twitter|telegram|whatsapp|viber|instagram|linkedin|youtube|vk|вконтакте|одноклассники|ok\\.ru)";

/// How long ago, in a unit; or that it is of today or yesterday.
const AGO: &str = "(just now|(\\d{1,3}|an?|one|few|a few) (second|sec|minute|min|hour|hr|day|week|month|year)s? ago|\
    только что|((\\d{1,3}|полчаса) ?)?(секунд[уы]?|сек\\.?|минут[уы]?|мин\\.?|час(а|ов)?|дн(я|ей)|день|недел[юиь]|месяц(а|ев)?|год(а)?|лет|полчаса) назад|\
    \\d{1,3} (секунд|минут|сағат|күн|апта|ай|жыл) (бұрын|мурун|мурда)|\
    \\d{1,3} (секунд|мүнөт|мүнөтү|саат|күн|жума|ай|жыл) (мурун|мурда|илгери)|\
    \\d{1,3} (soniya|sekund|daqiqa|minut|soat|kun|hafta|oy|yil) (oldin|avval|burun)|\
    \\d{1,3} (сония|секунд|дақиқа|минут|соат|кун|ҳафта|ой|йил) (олдин|аввал|бурун)|\
    \\d{1,3} (сония|дақиқа|соат|рӯз|ҳафта|моҳ|сол) (пеш|қабл)|\
    \\d{1,3} (sekunt|minut|sagat|gün|hepde|aý|ýyl) (öň|ozal|mundan öň))";

/// That the page was updated, before a time.
const UPDATED: &str = "(last )?(updated|modified)|обновлен[оа]|изменено|жаңартылды|жаңартылған|жаңыртылды|жаңыланды|\
    yangilan(di|gan)|янгилан(ди|ган)|навсозӣ шуд(ааст)?|нав карда шуд|täzelen(di|en)";

/// "Updated 5 minutes ago", which no sentence of an article says of itself.
static STAMP: LazyLock<Regex> =
    LazyLock::new(|| pattern(&format!(r"(?i)\b({UPDATED})\s*:?\s*\(?{AGO}\)?|\b{AGO}\s*\(?({UPDATED})\b\)?")));

static NOISE: LazyLock<[Regex; 4]> = LazyLock::new(|| {
    let time = r"((at|в|сағат|саат|soat|соат|sagat)?\s*\d{1,2}[:.]\d{2}(:\d{2})?)";
    let today = "(today|yesterday|сегодня|вчера|бүгін|кеше|бүгүн|кечээ|bugun|kecha|бугун|кеча|имрӯз|дирӯз|şu gün|düýn)";
    [
        pattern(&format!(r"(?i)\b({UPDATED})\s*:?\s*([\d./:\-–,\s]|\p{{L}}{{1,9}} )*\d[\d./:\-–]*")),
        pattern(&format!(r"(?i)\b{AGO}\b|\b{today}\b,?\s*{time}")),
        pattern(&format!(r"(?i){NUMBER}\s*{COUNTED}\b")),
        pattern(&format!(r"(?i)\b{COUNTED}\s*[:(\-–—]?\s*{NUMBER}\)?")),
    ]
});

/// Names of what readers may do and where, and nothing else: buttons whose counters were taken away.
static SHARES: LazyLock<Regex> = LazyLock::new(|| pattern(&format!(r"(?i)^\W*({COUNTED}\W*)+$")));

#[cfg(test)]
mod tests;
