//! What is taken for a country and what is not, language by language, by the shipped rules.

use std::collections::BTreeSet;

use crate::classify::{Classifier, ClassifyText};
use crate::rules::RuleFiles;

/// ISO 3166-1 alpha-2, as assigned in 2025.
const ISO_CODES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS \
    BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ \
    FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT \
    JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP \
    MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE \
    RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV \
    TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

/// Ordinary words that are, or begin like, a name of a country or a city: small, as in the middle of a sentence.
const ORDINARY_WORDS: [(&str, &str); 9] = [
    (
        "en",
        "turkey china jordan chad polish guinea reunion jersey man us it in so no to georgian-style nice reading mobile \
         rice mali niger oman slip cuban-heel panama hamburger frankfurter bermuda cologne champagne",
    ),
    (
        "ru",
        "того чад чада мали перу куба кубы оман катар гана груз грузить грузовик индюк индейка польза пользуется \
         издания задание турист турнир литваринка испарение корейка иранист чили панама газа газы \
         газу сана тиран тирана дели делить киевлянка мордор марля мары ош карши астра осло \
         осла лимонад лом ломе дакать римлянин непалка перун малина чехарда",
    ),
    ("kk", "гана ана астана болған қатар қатарда қатарға ұлы түрікше үндеу үндеді оман тараз таразы куба мали"),
    ("ky", "гана катар катарда катары кабул чын чад сан сана ош оштон тоо талас таласа караганда нарын чүйгүн манас"),
    ("tg", "чин чини чинӣ дили дилам роҳ умон гана ош оши сафед тан тоҷ тоҷи чад хива бухор бало рим ҳинду"),
    ("tk", "dili diline gana mary çad oman ahal-teke gaza gazy wena owadan tejen aral kuba mali sana kair deli"),
    ("uz", "dili dilida tonga chad oman gana samara samarali qatar qator yaman mali kuba rim vena chin peru"),
    ("uz-Cyrl", "дили дилида тонга чад уммон гана самара самарали қатор ёмон мали куба рим чин перу катта"),
    ("tr", "mali mısır hindi çad fas çek oman umman roman romantik gana mısırı çini şamdan lehine kazak"),
];

fn places(classifier: &Classifier, lang: &str, title: &str, body: &str) -> Vec<String> {
    let text = ClassifyText { title, body, language_prior: Some(lang) };
    classifier.classify(&text).places.into_iter().map(|place| place.code).collect()
}

fn check(classifier: &Classifier, lang: &str, cases: &[(&str, &[&str])]) {
    let wrong: Vec<String> = cases
        .iter()
        .map(|(text, expected)| (text, *expected, places(classifier, lang, "", text)))
        .filter(|(_, expected, found)| found != expected)
        .map(|(text, expected, found)| format!("{text:?}: {found:?}, not {expected:?}"))
        .collect();
    assert!(wrong.is_empty(), "{lang}: {}", wrong.join("\n"));
}

fn shipped() -> Classifier {
    Classifier::compile(&RuleFiles::shipped()).unwrap()
}

#[test]
fn every_country_of_iso_3166_has_terms() {
    let classifier = shipped();
    let codes: BTreeSet<&str> = classifier.places.iter().map(|place| place.code.as_str()).collect();
    let iso: BTreeSet<&str> = ISO_CODES.split_whitespace().collect();
    assert_eq!(iso.len(), 249);
    assert_eq!(iso.difference(&codes).collect::<Vec<_>>(), Vec::<&&str>::new());
    // Kosovo has no code in ISO 3166-1; XK is in wide use.
    assert_eq!(codes.difference(&iso).copied().collect::<Vec<_>>(), ["XK"]);
}

#[test]
fn ordinary_words_are_no_country() {
    let classifier = shipped();
    let mut wrong = Vec::new();
    for (lang, words) in ORDINARY_WORDS {
        for word in words.split_whitespace() {
            let found = places(&classifier, lang, "", &format!("… {word} …"));
            wrong.extend((!found.is_empty()).then(|| format!("{lang} {word}: {found:?}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn english() {
    check(
        &shipped(),
        "en",
        &[
            ("The Kyrgyz government met traders from Naryn.", &["KG"]),
            ("Akorda said the Mazhilis would vote on the tenge budget in December.", &["KZ"]),
            ("Farmers of the Ferghana valley sell apricots as far as Novosibirsk.", &["UZ", "RU"]),
            ("ASHGABAT, Nov 22 — Gas flows to Iran again, and Baku pays for the swap.", &["TM", "IR", "AZ"]),
            ("The Dutch and the Danes voted for it, Burkina Faso did not.", &["NL", "DK", "BF"]),
            ("Georgia and Armenia open a road; Georgian lorries wait.", &["GE", "AM"]),
            ("Voters in rural Georgia queued before dawn.", &["US"]),
            ("Michael Jordan cooked a turkey with fine China plates for Chad.", &[]),
            ("CONTACT US. WRITE TO US.", &[]),
            ("The Indian Ocean and Latin America are no states.", &[]),
            ("A doctor from Ouagadougou and a nurse from Phnom Penh were honoured.", &["BF", "KH"]),
        ],
    );
}

#[test]
fn russian() {
    check(
        &shipped(),
        "ru",
        &[
            ("В Жогорку Кенеше обсудили закон, МИД КР ответил.", &["KG"]),
            ("Минздрав РК закупит вакцину, сообщили акиматы.", &["KZ"]),
            ("Хокимият Андижана и ташкентские строители подписали договор.", &["UZ"]),
            ("Душанбинские врачи поехали в Хатлон, а оттуда в Кабул.", &["TJ", "AF"]),
            ("Норвежец и бразильянка победили китайца.", &["NO", "BR", "CN"]),
            ("Президент Ганы прибыл в Того, затем в Нигер.", &["GH", "TG", "NE"]),
            ("Того же мнения грузчики, туристы и пользователи издания.", &[]),
            ("Чад от плиты шёл в комнату, газы ушли.", &[]),
            ("В Сан-Франциско выпал снег.", &["US"]),
            ("Южная Корея и КНДР, Новая Зеландия и Саудовская Аравия", &["KR", "KP", "NZ", "SA"]),
            ("КАЗАХСТАН ОТКРЫЛ ЗАВОД", &["KZ"]),
            ("Занятия по русскому языку, индийское лето, турецкий кофе.", &[]),
        ],
    );
}

#[test]
fn kazakh() {
    check(
        &shipped(),
        "kk",
        &[
            ("Қырғызстандық кәсіпкерлер Алматыда дүкен ашты.", &["KG", "KZ"]),
            ("Мәжіліс депутаттары Ақордаға хат жазды.", &["KZ"]),
            ("Бразилиялық футболшы Германияға көшті.", &["BR", "DE"]),
            ("Оңтүстік Кореяның елшісі Шымкентке келді.", &["KR", "KZ"]),
            ("Ауғанстанға жардемді Өзбекстан мен Түрікменстан жіберді.", &["AF", "UZ", "TM"]),
            ("Иранның министрі Бакуде болды.", &["IR", "AZ"]),
            ("Балалар ғана қатарда тұрды, үндеу жасалды.", &[]),
            ("Ағылшын тілі мен қытай тілі пәні оқытылады.", &[]),
            ("Жапондық ғалымдар Семейде сөйледі.", &["JP", "KZ"]),
        ],
    );
    check(
        &shipped(),
        "kk-Latn",
        &[
            ("Qazaqstan men Ózbekstan jańa jol salady.", &["KZ", "UZ"]),
            ("Almatyda Germanııa elshisi sóıledi.", &["KZ", "DE"]),
            ("Qyrǵyzstanda jer silkindi.", &["KG"]),
        ],
    );
}

#[test]
fn kyrgyz() {
    check(
        &shipped(),
        "ky",
        &[
            ("Бишкек, 22-ноябрь. Жогорку Кеңештин депутаты Ошто сүйлөдү.", &["KG"]),
            ("Кыргызстандыктар Орусияда иштеп жүрөт.", &["KG", "RU"]),
            ("Тажикстан менен чек ара Баткенде ачылды.", &["TJ", "KG"]),
            ("Кытайлык ишкерлер Нарынга келишти.", &["CN", "KG"]),
            ("Бул гана эмес, катары менен айтылды.", &[]),
            ("Кабул алуу бөлмөсү жабылды, артка караганда жакшы.", &[]),
            ("Данияр менен Анатолий шахмат ойноду.", &[]),
            ("Данияда жана Финляндияда кар жаады.", &["DK", "FI"]),
            ("Германиялык дарыгер Түштүк Кореяга кетти.", &["DE", "KR"]),
            ("УКМК Ысык-Көл облусунда текшерди.", &["KG"]),
        ],
    );
}

#[test]
fn tajik() {
    check(
        &shipped(),
        "tg",
        &[
            ("Маҷлиси Олӣ қонунро қабул кард.", &["TJ"]),
            ("Сокинони Суғд ва Хатлон пахта мечинанд.", &["TJ"]),
            ("Ӯзбекистону Афғонистон роҳи нав месозанд.", &["UZ", "AF"]),
            ("Сафири Фаронса дар Душанбе бо варзишгарони ҷопонӣ вохӯрд.", &["FR", "TJ", "JP"]),
            ("Тоҷикистониён ба Русия мераванд.", &["TJ", "RU"]),
            ("Дили ман шод аст, чини абрӯ кушод.", &[]),
            ("Кореяи Шимолиро сокинонаш тарк мекунанд.", &["KP"]),
            ("Забони англисӣ ва забони русиро меомӯзанд.", &[]),
            ("Эрониён ва ҳиндуҳо дар Миср буданд.", &["IR", "IN", "EG"]),
        ],
    );
}

#[test]
fn turkmen() {
    check(
        &shipped(),
        "tk",
        &[
            ("Türkmenistanyň Mejlisi kanun kabul etdi.", &["TM"]),
            ("Lebap welaýatynda täze zawod açyldy.", &["TM"]),
            ("Türkiýäniň ilçisi Aşgabada geldi.", &["TR", "TM"]),
            ("Owganystana we Eýrana gaz iberilýär.", &["AF", "IR"]),
            ("Gazagystanly türgen Özbegistanda ýeňdi.", &["KZ", "UZ"]),
            ("Braziliýaly futbolçy Germaniýa gitdi.", &["BR", "DE"]),
            ("Onuň dili süýji, gazy arzan.", &[]),
            ("Yragyň we Yrakdan gelenleriň ýygnagy", &["IQ"]),
            ("Demirgazyk Amerikada gyş gelýär.", &[]),
        ],
    );
}

#[test]
fn uzbek_in_both_scripts() {
    check(
        &shipped(),
        "uz",
        &[
            ("Oliy Majlis deputatlari Buxoroda uchrashdi.", &["UZ"]),
            ("Qirgʻizistonlik savdogarlar Andijonga keldi.", &["KG", "UZ"]),
            ("Eronlik mehmonlar Xivani koʻrdi, Eronda esa qor yogʻdi.", &["IR", "UZ"]),
            ("Braziliyalik futbolchi Yaponiyaga ketdi.", &["BR", "JP"]),
            ("Janubiy Koreya elchisi Toshkentda.", &["KR", "UZ"]),
            ("Uning dili pok, samarali ishlaydi, tonga qadar uxlamadi.", &[]),
            ("Ingliz tili va nemis tili darslari boshlandi.", &[]),
            ("Isroil Karimov oʻgʻli tanlovda yutdi.", &[]),
            ("Daniyor Fransiyada oʻqiydi.", &["FR"]),
        ],
    );
    check(
        &shipped(),
        "uz-Cyrl",
        &[
            ("Ўзбекистон Олий Мажлиси янги қонун қабул қилди.", &["UZ"]),
            ("Тошкентда қозоғистонлик меҳмонлар кутилмоқда.", &["UZ", "KZ"]),
            ("Россия ва Хитой вазирлари учрашди.", &["RU", "CN"]),
            ("Фарғона водийсида пахта терилди.", &["UZ"]),
            ("Афғонистонга темир йўл қурилади.", &["AF"]),
            ("Унинг дили пок, самарали ишлайди.", &[]),
            ("Туркиялик тадбиркор Самарқандга келди.", &["TR", "UZ"]),
            ("Инглиз тили дарслари бошланди.", &[]),
        ],
    );
}

#[test]
fn turkish_persian_and_chinese() {
    check(
        &shipped(),
        "tr",
        &[
            ("Türkiye'nin büyükelçisi Özbekistan'a gitti.", &["TR", "UZ"]),
            ("Mali müşavir mısır ve hindi sattı.", &[]),
            ("İran'da ve Irak'ta kar yağdı.", &["IR", "IQ"]),
        ],
    );
    check(
        &shipped(),
        "fa",
        &[
            ("رئیس جمهور تاجیکستان به ایران رفت", &["TJ", "IR"]),
            ("روز دوشنبه بازار مالی بسته بود", &[]),
            ("فرانسه و آلمان با ترکیه گفتگو کردند", &["FR", "DE", "TR"]),
        ],
    );
    check(
        &shipped(),
        "zh",
        &[
            ("哈萨克斯坦和中国签署协议", &["KZ", "CN"]),
            ("发展中国家的沿海地区", &[]),
            ("吉尔吉斯斯坦总统访问韩国首都首尔", &["KG", "KR"]),
        ],
    );
}

#[test]
fn the_own_country_comes_first_and_a_passing_one_last() {
    let classifier = shipped();
    let far = "The plan is large. ".repeat(150);
    let body = format!("Tokayev spoke in Astana. {far} Kazakhstan grows, unlike France. France agrees. Also Japan.");
    assert_eq!(places(&classifier, "en", "Kazakhstan and reform", &body), ["KZ", "FR"]);
    let list = "Bishkek hosts the games. Teams came from Peru, Chile, Nepal and Kenya. The Kyrgyz team won.";
    assert_eq!(places(&classifier, "en", "", list), ["KG", "PE", "CL", "NP", "KE"]);
    // Of two that count the same, the one named first.
    assert_eq!(places(&classifier, "ru", "", "Чехия, Дания и Испания проголосовали за."), ["CZ", "DK", "ES"]);
}

#[test]
fn terms_of_both_files_are_one_country_and_the_hand_set_ones_go_first() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "places.toml",
        "[[place]]\ncode = \"XA\"\nnear = [\"XB\"]\n[place.terms]\nen = [\"Avaland\"]\n[place.weak]\nen = [\"Hill\"]\n",
    );
    write(
        "countries.toml",
        "[[place]]\ncode = \"XA\"\n[place.terms]\nen = [\"Hill\", \"Avastan\"]\n[[place]]\ncode = \"XB\"\nterms.en = [\"Bevaland\"]\n",
    );
    let classifier = Classifier::compile(&RuleFiles::with_overrides(folder.path()).unwrap()).unwrap();
    check(
        &classifier,
        "en",
        &[
            ("We climbed a Hill.", &[]),
            ("From Avastan we climbed a Hill.", &["XA"]),
            ("In Bevaland we saw the Hill.", &["XB", "XA"]),
        ],
    );
    write("countries.toml", "[[place]]\ncode = \"XB\"\n[[place]]\ncode = \"XB\"\nnear = [\"XC\"]\n");
    let faults = Classifier::compile(&RuleFiles::with_overrides(folder.path()).unwrap()).unwrap_err();
    let messages: Vec<String> = faults.iter().map(|fault| format!("{}: {}", fault.line, fault.message)).collect();
    assert!(messages.iter().any(|it| it.starts_with("4: ") && it.contains("twice")), "{messages:?}");
    assert!(messages.iter().any(|it| it.starts_with("5: ") && it.contains("\"XC\" has no [[place]]")), "{messages:?}");
}
