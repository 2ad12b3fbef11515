//! Phrases of boilerplate in the languages of the region and in those of pages that it is learned from.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};

/// Bytes at the begin of a block in which phrases are looked for.
const LOOKED_AT_BYTES: usize = 300;

/// Kinds of phrases.
pub(super) const KINDS: usize = PHRASES.len();

/// Phrases by kind, in lower case, divided by bars.
const PHRASES: [&str; 5] = [
    // Another article is offered.
    "read also|also read|see also|read more|read next|more on |more from|more stories|related|\
     recommended|watch:|watch now|listen:|don't miss|up next|you may like|trending|most read|latest news|\
     читайте также|читайте ещё|читайте еще|читать также|читайте по теме|читать далее|смотрите также|\
     по теме:|материалы по теме|другие новости|ещё по теме|тағы оқыңыз|оқи отырыңыз|сондай-ақ оқыңыз|\
     тақырып бойынша|дагы окуңуз|ўқинг|oʻqing|o'qing|o‘qing|ҳамчунин бихонед|ҳамчунин хонед|\
     şeýle hem okaň|lesen sie auch|mehr zum thema|lire aussi|à lire|lea también|leggi anche|ayrıca oku",
    // The reader is asked for something.
    "sign up|subscribe|newsletter|follow us|follow @|click here|download the|our app|join us|join the|\
     donate|support us|support our|whatsapp|telegram|your email|e-mail|become a member|get the latest|\
     log in|sign in|подпис|следите за|присоединяйтесь|жазылыңыз|катталыңыз|жазылуу|obuna|обуна|\
     аъзо шавед|abonnier|abonnez|suscr|iscriviti|abone",
    // The site speaks of itself.
    "all rights reserved|copyright|©|terms of|privacy policy|cookie|advertisement|sponsored|disclaimer|\
     is a registered|this material may not|the views expressed|реклама|все права|права защищены|\
     перепечатк|использовании материалов|жарнама|барлық құқық|бардык укук|barcha huquq|барча ҳуқуқ|\
     alle rechte|tous droits|impressum",
    // Tools around a text.
    "share|comment|print|copy link|min read|minutes read|views|updated|published|posted|last modified|\
     поделиться|комментар|просмотр|распечатать|опубликовано|обновлено|бөлісу|пікір|қаралым|көрүүлөр|\
     ulashish|улашиш|facebook|twitter|tags:|теги:|filed under|kommentar|teilen|reply|says:|antworten|\
     ответить|répondre| ago|назад|бұрын",
    // Who made it.
    "photo:|photo by|photograph|image:|getty|reuters|(ap)|afp|фото:|фото |иллюстрац|сурет:|сүрөт:|foto|\
     bild:|editing by|reporting by|contributed to this|contributed reporting|is a writer|is a reporter|\
     is the author|can be reached|staff writer|автор:|источник:|source:|@|quelle:",
];

static WORDS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let phrases = PHRASES.iter().flat_map(|phrases| phrases.split('|'));
    AhoCorasickBuilder::new().match_kind(MatchKind::LeftmostLongest).build(phrases).ok()
});

static KIND_OF: LazyLock<Vec<u8>> = LazyLock::new(|| {
    PHRASES.iter().zip(0..).flat_map(|(phrases, kind)| phrases.split('|').map(move |_| kind)).collect()
});

/// How many phrases of each kind are at the begin of a text in lower case.
pub(super) fn count(lower: &str) -> [f32; KINDS] {
    let mut counts = [0.0; KINDS];
    let begin = &lower[..lower.floor_char_boundary(LOOKED_AT_BYTES)];
    for found in WORDS.iter().flat_map(|words| words.find_iter(begin)) {
        if let Some(kind) = KIND_OF.get(found.pattern().as_usize()) {
            counts[usize::from(*kind)] += 1.0;
        }
    }
    counts
}
