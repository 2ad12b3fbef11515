//! What it costs to classify an article: `cargo bench --bench classifying`, on articles of 4 KB made here in seven
//! languages; `-- FILE` on the `content_text` of NDJSON lines.
//!
//! The floor is one pass of memchr over the same bytes that stops at every space, as any look at each word must. All rows
//! are measured in turn, round after round, and the quickest round of each counts: others may use the machine meanwhile.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::fmt::Write;
use std::hint::black_box;
use std::time::{Duration, Instant};

use chapar::classify::{Classifier, ClassifyText};
use chapar::rules::RuleFiles;

/// How long the rounds go on.
const BUDGET: Duration = Duration::from_secs(10);

/// Length of an article that is made here, in bytes.
const ARTICLE_BYTES: usize = 4 << 10;

/// Further topics, each of four terms, to see what rules cost.
const FURTHER_TOPICS: usize = 10_000;

/// Sentences of one language each, as agencies write.
const SENTENCES: [(&str, [&str; 6]); 7] = [
    (
        "en",
        [
            "The ministry of energy said on Tuesday that a second power unit would be switched on before the heating season.",
            "Lawmakers asked the prime minister why the price of bread had risen by a tenth since spring.",
            "Two people were hurt when a bus left the road between Naryn and Osh, rescuers reported.",
            "The railway to the Caspian port will carry more containers next year, its director told reporters in Aktau.",
            "A court in Dushanbe sentenced a former customs officer to seven years for taking bribes.",
            "Pupils of the village school, the smallest of the district, won the regional chess tournament.",
        ],
    ),
    (
        "ru",
        [
            "Министерство энергетики сообщило во вторник, что второй энергоблок запустят до начала отопительного сезона.",
            "Депутаты спросили премьер-министра, почему хлеб с весны подорожал на десятую часть.",
            "Два человека пострадали, когда автобус съехал с дороги между Нарыном и Ошем, рассказали спасатели.",
            "По железной дороге к каспийскому порту в будущем году пойдет больше контейнеров, заявил ее директор в Актау.",
            "Суд в Душанбе приговорил бывшего таможенника к семи годам за взятки.",
            "Ученики сельской школы, самой маленькой в районе, выиграли областной турнир по шахматам.",
        ],
    ),
    (
        "kk",
        [
            "Энергетика министрлігі сейсенбіде екінші энергоблок жылыту маусымына дейін іске қосылатынын хабарлады.",
            "Депутаттар премьер-министрден нан бағасы көктемнен бері неге оннан бірге қымбаттағанын сұрады.",
            "Нарын мен Ош арасында автобус жолдан шығып кетіп, екі адам зардап шекті, деді құтқарушылар.",
            "Каспий портына баратын теміржолмен келесі жылы көбірек контейнер тасылады, деді оның басшысы Ақтауда.",
            "Душанбедегі сот бұрынғы кеденшіні пара алғаны үшін жеті жылға бас бостандығынан айырды.",
            "Ауданның ең шағын ауыл мектебінің оқушылары облыстық шахмат турнирінде жеңіске жетті.",
        ],
    ),
    (
        "ky",
        [
            "Энергетика министрлиги шейшембиде экинчи энергоблок жылытуу мезгилине чейин ишке кирерин билдирди.",
            "Депутаттар премьер-министрден нандын баасы жаздан бери эмне үчүн ондон бирге кымбаттаганын сурашты.",
            "Нарын менен Оштун ортосунда автобус жолдон чыгып, эки киши жабыркады, дешти куткаруучулар.",
            "Каспий портуна бараткан темир жол аркылуу эмки жылы көбүрөөк контейнер ташылат, деди анын жетекчиси Актауда.",
            "Дүйшөмбүдөгү сот мурдагы бажы кызматкерин пара алганы үчүн жети жылга эркинен ажыратты.",
            "Райондогу эң кичинекей айыл мектебинин окуучулары облустук шахмат мелдешинде жеңишке жетишти.",
        ],
    ),
    (
        "uz",
        [
            "Energetika vazirligi seshanba kuni ikkinchi energoblok isitish mavsumigacha ishga tushirilishini maʼlum qildi.",
            "Deputatlar bosh vazirdan non narxi bahordan beri nega oʻndan birga oshganini soʻradi.",
            "Norin va Oʻsh oraligʻida avtobus yoʻldan chiqib ketdi, ikki kishi jarohatlandi, dedi qutqaruvchilar.",
            "Kaspiy portiga boradigan temir yoʻlda kelasi yili koʻproq konteyner tashiladi, dedi direktor Aqtovda.",
            "Dushanbedagi sud sobiq bojxonachini pora olgani uchun yetti yilga ozodlikdan mahrum qildi.",
            "Tumandagi eng kichik qishloq maktabi oʻquvchilari viloyat shaxmat musobaqasida gʻolib chiqdi.",
        ],
    ),
    (
        "tg",
        [
            "Вазорати энергетика рӯзи сешанбе хабар дод, ки агрегати дуюм то мавсими гармидиҳӣ ба кор андохта мешавад.",
            "Вакилон аз сарвазир пурсиданд, ки чаро нархи нон аз баҳор инҷониб даҳ фоиз боло рафт.",
            "Дар байни Норин ва Ӯш автобус аз роҳ баромад ва ду нафар осеб диданд, гуфтанд наҷотдиҳандагон.",
            "Бо роҳи оҳан ба бандари Каспий соли оянда контейнерҳои бештар мераванд, гуфт роҳбари он дар Актау.",
            "Суд дар Душанбе корманди собиқи гумрукро барои ришвахорӣ ба ҳафт соли зиндон маҳкум кард.",
            "Хонандагони мактаби деҳа, ки хурдтарин дар ноҳия аст, дар мусобиқаи шоҳмот ғолиб омаданд.",
        ],
    ),
    (
        "tk",
        [
            "Energetika ministrligi sişenbe güni ikinji energobloguň ýyladyş möwsümine çenli işe girizilýändigini habar berdi.",
            "Deputatlar premýer-ministrden çöregiň bahasynyň ýazdan bäri näme üçin ondan bir artandygyny soradylar.",
            "Naryn bilen Oşuň arasynda awtobus ýoldan çykyp, iki adam şikes aldy diýip, halasgärler aýtdy.",
            "Hazar portuna barýan demir ýoldan geljek ýyl has köp konteýner geçer diýip, onuň ýolbaşçysy Aktauda aýtdy.",
            "Duşenbedäki kazyýet öňki gümrükçini para alandygy üçin ýedi ýyl azatlykdan mahrum etdi.",
            "Etrabyň iň kiçi oba mekdebiniň okuwçylary welaýat küşt ýaryşynda ýeňiş gazandylar.",
        ],
    ),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test --benches` gives no `--bench`: it is to see that the program works.
    let budget = if arguments.iter().any(|argument| argument == "--bench") { BUDGET } else { Duration::ZERO };
    let texts = match arguments.iter().find(|argument| !argument.starts_with('-')) {
        Some(file) => of_file(file),
        None => SENTENCES.iter().flat_map(|(_, sentences)| (0..6).map(|from| article(sentences, from))).collect(),
    };
    let (shipped, loading) = compiled(&RuleFiles::shipped());
    let folder = tempfile::tempdir().unwrap();
    write_topics(folder.path());
    let (many, loading_many) = compiled(&RuleFiles::with_overrides(folder.path()).unwrap());
    let by = |rules: &Classifier| texts.iter().map(|text| classified(rules, text)).sum();
    let floor = || texts.iter().map(|text| memchr::memchr_iter(b' ', text.as_bytes()).count()).sum();
    let steps: [(&str, &dyn Fn() -> usize); 3] = [
        ("memchr at each space", &floor),
        ("classify, shipped rules", &|| by(&shipped)),
        ("with 10,000 topics more", &|| by(&many)),
    ];
    let mut best = [f64::INFINITY; 3];
    let (begin, mut rounds) = (Instant::now(), 0);
    while rounds == 0 || begin.elapsed() < budget {
        for (best, (_, step)) in best.iter_mut().zip(&steps) {
            let begin = Instant::now();
            black_box(step());
            *best = best.min(begin.elapsed().as_secs_f64());
        }
        rounds += 1;
    }
    let bytes: usize = texts.iter().map(String::len).sum();
    println!("{} articles of {} bytes mean, {rounds} rounds", texts.len(), bytes / texts.len());
    println!("{:<26} {:>12} {:>8} {:>14} {:>12}", "", "us for 4 KB", "MB/s", "of the floor", "rules load");
    for ((seconds, (name, _)), loading) in best.iter().zip(&steps).zip([None, Some(loading), Some(loading_many)]) {
        let loading = loading.map_or(String::new(), |loading| format!("{:.0} ms", 1e3 * loading.as_secs_f64()));
        let (of_4_kb, rate) = (1e6 * seconds * 4096.0 / bytes as f64, bytes as f64 / seconds / 1e6);
        println!("{name:<26} {of_4_kb:>12.1} {rate:>8.1} {:>14.0} {loading:>12}", seconds / best[0]);
    }
}

fn classified(rules: &Classifier, body: &str) -> usize {
    rules.classify(&ClassifyText { title: "", body, language_prior: None }).topics.len()
}

fn compiled(files: &RuleFiles) -> (Classifier, Duration) {
    let begin = Instant::now();
    let rules = Classifier::compile(files).unwrap();
    (rules, begin.elapsed())
}

fn article(sentences: &[&str], from: usize) -> String {
    let mut text = String::with_capacity(ARTICLE_BYTES + 512);
    for index in 0.. {
        if text.len() >= ARTICLE_BYTES {
            break;
        }
        // Steps of five go through all six, in another order for each start.
        let sentence = sentences[(from + 5 * index) % sentences.len()];
        write!(text, "{sentence}{}", if index % 3 == 2 { "\n\n" } else { " " }).unwrap();
    }
    text
}

fn of_file(file: &str) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    lines.map(|line| line["content_text"].as_str().unwrap().to_owned()).filter(|text| !text.is_empty()).collect()
}

/// Topics of words that no language has.
fn write_topics(folder: &std::path::Path) {
    let topics = folder.join("topics");
    std::fs::create_dir(&topics).unwrap();
    let syllables = ["ka", "to", "ri", "me", "lo", "su", "na", "vi"];
    for number in 0..FURTHER_TOPICS {
        let word: String = (0..5).map(|digit| syllables[number >> (3 * digit) & 7]).collect();
        let terms = format!("en = [\"{word}\", \"un{word}*\", \"{word} x{word}\"]\nru = [\"за{word}*\"]");
        let text = format!("name = \"Topic {number}\"\nthreshold = 1.0\n[terms]\n{terms}\n");
        std::fs::write(topics.join(format!("t{number}.toml")), text).unwrap();
    }
}
