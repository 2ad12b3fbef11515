//! What whole lines of boilerplate look like, in the languages of the region: what extraction leaves out, and what may
//! come and go without an article having changed.

use std::sync::LazyLock;

use regex::{Regex, RegexBuilder};

/// Longest line that can be boilerplate, in bytes; longer ones are somebody's paragraph.
pub const LINE_BYTES_MAX: usize = 400;

/// "Read also": leads to another article.
pub const READ_ALSO: &str = "read-also";

/// "Latest news": leads to others.
pub const LATEST: &str = "latest";

/// The kind of a line that is boilerplate, such as `share`.
pub fn kind_of_line(line: &str) -> Option<&'static str> {
    if line.is_empty() || line.len() > LINE_BYTES_MAX {
        return None;
    }
    let found = COMPILED.iter().find(|(_, pattern)| pattern.is_match(line)).map(|(kind, _)| *kind);
    // A headline has no full stop: "On the topic: the minister said that …" is a sentence.
    let may_be_headline = line.contains(':') && (!line.ends_with('.') || line.ends_with("..."));
    found.or_else(|| (may_be_headline && READ_ALSO_WITH_HEADLINE.is_match(line)).then_some(READ_ALSO))
}

/// A pattern for a whole line, without regard to case or to punctuation at its end.
pub fn whole_line(pattern: &str) -> Regex {
    // A capital stands for the letter alone: words are matched without regard to case, and patterns are lower case.
    let pattern = pattern.replace('O', "o[ʻ‘’'`ʼ]");
    RegexBuilder::new(&format!(r"^(?:{pattern})\s*[:.…»>!]*$"))
        .case_insensitive(true)
        .build()
        .expect("a constant pattern, compiled by the tests")
}

static COMPILED: LazyLock<Vec<(&str, Regex)>> =
    LazyLock::new(|| LINES.iter().map(|(kind, pattern)| (*kind, whole_line(pattern))).collect());

/// "Read also: another headline" on one line.
static READ_ALSO_WITH_HEADLINE: LazyLock<Regex> =
    LazyLock::new(|| whole_line(&format!(r"{READ_ALSO_WORDS}\s*:\s*.{{1,160}}")));

/// Patterns for whole lines, by the kind that is counted. They are matched without regard to case, and `O` stands for
/// the letters that Uzbek's oʻ is written with.
const LINES: [(&str, &str); 12] = [
    (
        "skip-link",
        r"(skip to (the )?(main )?(content|navigation|menu|footer)|jump to (content|navigation)|перейти к (основному )?(содержанию|содержимому|контенту)|мазмұнға өту|негізгі мазмұнға өту|негизги мазмунга өтүү|гузаштан ба мундариҷа|mazmuna geçmek|asosiy kontentga Otish)",
    ),
    (
        "navigation",
        r"((home|home page|главная|басты бет|башкы бет|асосӣ|саҳифаи асосӣ|baş sahypa|bosh sahifa|бош саҳифа)(\s*[/>»›|→]\s*[^.!?]{1,40}){1,4}|back to top|scroll to top|наверх|вверх|к началу страницы|xs sm md lg|embed share|the code has been copied to your clipboard|editors[’']? picks)",
    ),
    // With a colon another article's headline may follow on the line; without one it stands alone.
    (READ_ALSO, READ_ALSO_WORDS),
    (
        LATEST,
        r"(latest( (news|articles|posts|stories))?|most (read|popular)|trending( now)?|popular( news)?|breaking news|последние новости|популярное|самое читаемое|главное за (день|неделю)|лента новостей|соңғы жаңалықтар|танымал жаңалықтар|акыркы жаңылыктар|эң көп окулган|хабарҳои охирин|навтарин хабарҳо|soňky habarlar|iň köp okalanlar|sOnggi yangiliklar|eng kOp Oqilgan|сўнгги янгиликлар|энг кўп ўқилган)",
    ),
    (
        "share",
        r"(share( (this|on|via|with)( (article|post|story|news|page|link|friends|facebook|twitter|x|telegram|whatsapp|linkedin|email))*)?|(tweet|facebook|twitter|telegram|whatsapp|vkontakte|linkedin|odnoklassniki|pinterest|viber)( (facebook|twitter|telegram|whatsapp|vkontakte|linkedin|odnoklassniki|pinterest|viber|email|print|x))*|copy link|(print|email) this( (article|page))?|поделиться( (новостью|статьей|ссылкой|в .{1,30}))?|скопировать ссылку|распечатать|версия для печати|(достарыңмен |достарыңызбен )?бөліс(у|іңіз)|бөлүш(үү|үңүз)|мубодила (кардан|кунед)|ҳамрасонӣ|paýlaş(mak|yň)?|ulash(ish|ing)|улаш(иш|инг)|(do[ʻ‘’'`]stlarga|дўстларга) (yuborish|юбориш))",
    ),
    (
        "pager",
        r"((viewing|showing|displaying) (results? )?\d+\s?[-–—]\s?\d+ of \d+( results?)?|page \d+ of \d+|страница \d+ из \d+|(previous|next)( page)?( (previous|next)( page)?)?|(«|<|‹)?\s*1 2 3( \d+| …| \.\.\.)*\s*(»|>|›|next)?|load more|show more|показать ещ[её]|загрузить ещ[её]|тағы көрсету|дагы көрсөтүү|боз нишон додан|ýene görkez|yana kOrsatish|яна кўрсатиш)",
    ),
    (
        "advert",
        r"(advertisements?|sponsored( content)?|реклама( на (gazeta(\.uz)?|сайте|портале))?|на правах рекламы|жарнама|жарнак|mahabat|reklama|story continues below( advertisement)?|article continues below( advertisement)?)",
    ),
    (
        "subscribe",
        r"(subscribe to our (newsletter|telegram( channel)?|youtube( channel)?)|sign up (for|to) our (free )?([\w-]+ ){0,3}newsletters?|follow us on (facebook|twitter|x|instagram|telegram|youtube|whatsapp|google news)( and .{1,30})?|join (us on|our) (telegram|whatsapp)( channel)?|подпи(шитесь|сывайтесь) на (нас|наш( телеграм|telegram)?[- ]?канал).{0,60}|подпи(шитесь|сывайтесь) на .{0,30}(telegram|телеграм|instagram|whatsapp|youtube|дзен).{0,60}|(следите за нами|читайте нас|мы есть) в .{0,20}(telegram|телеграм|instagram|facebook|whatsapp|google).{0,40}|наши новости теперь в .{1,30}|.{0,40}(арнамызға|каналымызға|парақшамызға) (жазылыңыз|қосылыңыз)|.{0,40}(каналыбызга|каналга|баракчабызга) (жазылыңыз|катталыңыз|кошулуңуз)|ба (канали|саҳифаи) .{0,40}(обуна шавед|ҳамроҳ шавед|пайвандед)|.{0,40}(kanalymyza|sahypamyza) (agza boluň|goşulyň|ýazylyň)|.{0,40}(kanalimizga|kanaliga|sahifamizga) (obuna bOling|qOshiling|a[ʼ’']zo bOling)|.{0,40}(каналимизга|каналига|саҳифамизга) (обуна бўлинг|қўшилинг|аъзо бўлинг))",
    ),
    (
        "cookies",
        r"((we use|this (web)?site uses|our (web)?site uses) cookies .*|accept( all)? cookies|cookie (settings|policy)|(мы используем|(этот|наш) сайт использует|на сайте используются) (файлы )?(cookies?|куки).*|принять (все )?(файлы )?(cookies?|куки)|біз cookie(-| )?файлдарын (қолданамыз|пайдаланамыз).*|биз cookie(-| )?файлдарын колдонобуз.*|мо аз cookie истифода мебарем.*|biz cookie[- ]?faýllaryny ulanýarys.*|(biz|saytimiz) cookie[- ]?(fayllari)?dan foydalana(miz|di).*|(биз|сайтимиз) cookie[- ]?(файллари)?дан фойдалана(миз|ди).*)",
    ),
    (
        "player",
        r"(no media source currently available|(sorry, )?your browser (does|doesn[’']t) (not )?support .{0,20}(video|audio|html5|iframe|javascript).{0,30}|please enable javascript.{0,80}|(ваш|этот) браузер не поддерживает .{0,60}|(пожалуйста, )?включите javascript.{0,60}|браузеріңіз .{0,60}қолдамайды|браузериңиз .{0,60}колдобойт|браузери шумо .{0,60}(дастгирӣ|пуштибонӣ) намекунад|brauzeriňiz .{0,60}goldamaýar|brauzeringiz .{0,60}qOllab-quvvatlamaydi|браузерингиз .{0,60}қўллаб-қувватламайди)",
    ),
    (
        "comments",
        r"((leave|post|write|add) (a|your) (comment|reply)|(comments?|комментарии|пікірлер|пикирлер|шарҳҳо|teswirler|izohlar|изоҳлар)( ?\(?\d+\)?)?|(no comments|join the conversation|view comments|show comments)|(оставить|добавить|написать) комментарий|(комментариев|комментарии) (пока )?нет|пікір (қалдыру|жазу)|(пикир|комментарий) (калтыруу|жазуу)|шарҳ (гузоштан|навиштан)|teswir ýazmak|(izoh|fikr) (qoldirish|bildirish)|(изоҳ|фикр) (қолдириш|билдириш))",
    ),
    ("tags", r"(tags|теги|тэги|тегтер|тегдер|барчаспҳо|teglar|теглар|ключевые слова)\s*:\s*[^.!?]{1,200}"),
];

/// What leads to another article.
const READ_ALSO_WORDS: &str = r"((read|see|watch) (also|more|next)|also read|more on (this|the) (topic|story)|related( (content|articles?|news|posts?|stories|topics|videos?))?|don[’']t miss|recommended( for you)?|you may (also )?like|(смотрите|читайте|читать|см\.?) (также|по теме|далее|ещ[её])|по теме|материалы по теме|похожие (новости|материалы|статьи)|(тағы (да )?|сондай-ақ )(оқыңыз|оқи отырыңыз)|оқи отырыңыз|осы тақырып бойынша|тақырып бойынша|ұқсас жаңалықтар|(дагы|ошондой эле) окуңуз|окуй отуруңуз|ушул тема(да| боюнча)|окшош жаңылыктар|((shuningdek|yana),? )?Oqing|mavzuga (oid|doir)( (yangiliklar|xabarlar))?|Oqish tavsiya etiladi|((шунингдек|яна),? )?ўқинг|мавзуга (оид|доир)( (янгиликлар|хабарлар))?|ўқиш тавсия этилади|(инчунин|ҳамчунин|боз) (хонед|бихонед|мутолиа кунед)|дар (ҳамин|ин) мавзӯъ|хабарҳои монанд|(şeýle-de|şeýle hem|ýene-de|ýene) okaň|meňzeş habarlar|bu tema boýunça)";
