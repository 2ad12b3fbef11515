//! Tests of the classifier as a whole: faults, hostile texts, the shipped rules.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use std::sync::LazyLock;

mod rules;

static SHIPPED: LazyLock<Classifier> = LazyLock::new(|| Classifier::compile(&RuleFiles::shipped()).unwrap());

fn classify(title: &str, body: &str, language_prior: Option<&str>) -> Labels {
    SHIPPED.classify(&ClassifyText { title, body, language_prior })
}

/// The shipped rules with one file replaced.
fn with_file(path: &str, text: &str) -> RuleFiles {
    RuleFiles::with_overrides(folder_with(path, text).path()).unwrap()
}

fn folder_with(path: &str, text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(path);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, text).unwrap();
    folder
}

fn check_fault(path: &str, text: &str, line: usize, message: &str) {
    let faults = Classifier::compile(&RuleFiles::of_folder(folder_with(path, text).path()).unwrap()).unwrap_err();
    let is_it =
        |fault: &RuleFault| fault.origin.ends_with(path) && fault.line == line && fault.message.contains(message);
    assert!(faults.iter().any(is_it), "wanted line {line} {message:?}, got {faults:?}");
}

#[test]
fn shipped_rules_pass_their_tests() {
    let faults: Vec<String> = SHIPPED.run_rule_tests().iter().map(ToString::to_string).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Fewest terms of a shipped topic, by language.
const TERMS_MIN: [(&str, usize); 7] =
    [("en", 40), ("ru", 40), ("kk", 25), ("ky", 25), ("uz", 25), ("tg", 25), ("tk", 25)];

#[test]
fn each_shipped_topic_covers_the_region_and_is_tested() {
    let terms = shipped_terms();
    for topic in &SHIPPED.topics {
        let (_, own) = terms.iter().find(|(origin, _)| origin.ends_with(&format!("topics/{}.toml", topic.id))).unwrap();
        for (language, least) in TERMS_MIN {
            let count = own.iter().filter(|(its_language, ..)| its_language == language).count();
            assert!(count >= least, "{}: {count} terms in {language}", topic.id);
        }
        let of_topic = |expected: fn(&RuleTest) -> &Vec<String>| -> Vec<&str> {
            let own = SHIPPED.tests.iter().filter(|test| expected(test).contains(&topic.id));
            own.map(|test| test.lang.as_deref().unwrap_or("und")).collect()
        };
        let (positive, negative) = (of_topic(|test| &test.expect), of_topic(|test| &test.expect_not));
        let languages: std::collections::BTreeSet<&str> = positive.iter().copied().collect();
        assert!(positive.len() >= 5 && languages.len() >= 3, "{}: positive tests in {positive:?}", topic.id);
        assert!(negative.len() >= 3, "{}: negative tests in {negative:?}", topic.id);
    }
}

#[test]
fn faults_name_file_line_and_key() {
    let topic = |rest: &str| format!("name = \"X\"\nthreshold = 1.0\n{rest}");
    let check = |text: &str, line, message: &str| check_fault("topics/x.toml", text, line, message);
    check(&topic("colour = 1\n[terms]\nen = [\"oil\"]"), 3, "unknown key `colour`");
    check(&topic("[terms]\nen = [\n  \"oil\",\n  \"*\"\n]"), 6, "terms.en: \"*\" would match the empty string");
    check(&topic("[terms]\nen = [\"oil\",\n \"\"]"), 5, "terms.en");
    check(&topic("[terms]\nen = [\"oil\", \"Oil\", \"oil\"]"), 4, "twice");
    check(&topic("[terms]\nxx = [\"oil\"]"), 4, "terms.xx: not a language");
    check(&topic("[terms]\nen = [{ term = \"oil\", wieght = 2 }]"), 4, "unknown key `wieght`; did you mean `weight`?");
    check(&topic("[terms]\nen = [{ term = \"oil\", weight = 200.0 }]"), 4, "weight 200");
    check(&topic("[terms]\nen = [\"oil\"\n"), 4, "");
    check("name = \"X\"\nthreshold = 0.0\n[terms]\nen = [\"oil\"]", 2, "threshold: 0 is impossible");
    check("name = \"X\"\nthreshold = 900.0\n[terms]\nen = [\"oil\"]", 2, "threshold: 900 is impossible");
    check("name = \"X\"\niptc = \"medtop:1\"\nthreshold = 1.0\n[terms]\nen = [\"oil\"]", 2, "iptc");
    check_fault("topics/Bad id.toml", &topic("[terms]\nen = [\"oil\"]"), 1, "not a topic id");
    check_fault("places.toml", "[[place]]\ncode = \"kz\"\n[place.terms]\n", 2, "ISO 3166-1");
    let twice = "[[place]]\ncode = \"KZ\"\n[place.terms]\n[[place]]\ncode = \"KZ\"\n[place.terms]\n";
    check_fault("places.toml", twice, 5, "twice");
}

#[test]
fn a_failing_rule_test_names_what_was_found() {
    let text =
        "name = \"X\"\nthreshold = 1.0\n[terms]\nen = [\"walrus\"]\n[[test]]\ntext = \"A zebra.\"\nexpect = true\n";
    let classifier = Classifier::compile(&with_file("topics/x.toml", text)).unwrap();
    let faults = classifier.run_rule_tests();
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert_eq!(faults[0].line, 6);
    assert!(faults[0].message.contains("topic x is expected"), "{faults:?}");
}

#[test]
fn every_match_is_evidence() {
    let labels = classify("Нефть дорожает", "Добыча нефти и Нефть в трубопроводе, нефть и нефтяники.", None);
    let energy = labels.topics.iter().find(|topic| topic.id == "energy").unwrap();
    let title = energy.matched.iter().find(|found| found.field == crate::model::Field::Title).unwrap();
    assert_eq!((title.term.as_str(), title.form.as_str(), title.count), ("нефт*", "Нефть", 1));
    assert!(energy.matched.iter().any(|found| found.field == crate::model::Field::Lede && found.count >= 2));
}

#[test]
fn long_texts_do_not_collect_topics() {
    let mixed = "The court met. A school opened. Oil rose. A film was shown. Rain fell. The bank and the army spoke. ";
    let filler = "Nothing else of any note was said on this long and quiet day by anybody at all. ".repeat(150);
    let labels = classify("Notes of a traveller", &format!("{mixed}{filler}"), None);
    assert!(labels.topics.len() <= 1, "{:?}", labels.topics);
}

#[test]
fn hostile_texts_are_unknown_and_quick() {
    let words = ["", " ", "😀🎉🇰🇿👍🏽", "1234 567 89 %", "\u{301}\u{301}", "***", "\u{feff}\u{200b}"];
    let long: Vec<String> = vec!["ж".repeat(1 << 20), "a".repeat(1 << 20), "😀".repeat(1 << 18), "1 ".repeat(1 << 19)];
    for text in words.iter().copied().chain(long.iter().map(String::as_str)) {
        let labels = classify("", text, None);
        let shown: String = text.chars().take(8).collect();
        assert_eq!(labels.language.tag, "und", "{shown:?}");
        assert!(labels.topics.is_empty() && labels.places.is_empty(), "{shown:?}");
    }
}

/// Nothing in this looks at the clock: with a cost that grows with the square of the text it would not end within minutes.
#[test]
fn a_text_of_nothing_but_finds_costs_no_square_of_them() {
    for part in ["US, ", "US ", "Казахстан ", "water dam ", "gas pipeline. "] {
        classify("", &part.repeat((1 << 18) / part.len()), None);
    }
}

/// Ordinary sentences with words that open like a term: the topics and countries that they may get, and no others.
const INNOCENT: &[(&str, &str, &[&str])] = &[
    ("en", "My cousin put down a deposit on a flat and painted the kitchen.", &[]),
    ("en", "The choice is hers, not mine, and I respect it.", &[]),
    ("en", "She consoled her friend and poured the tea.", &[]),
    ("en", "He consulted a colleague and wrote a short note.", &[]),
    ("en", "The rabbit slept in its basket all afternoon.", &[]),
    ("en", "Jordan Smith thanked the neighbours for the flowers.", &[]),
    ("en", "Georgia looked at the photographs and smiled.", &[]),
    ("en", "Turkey farmers in the valley keep large flocks.", &["agriculture_food"]),
    ("en", "CONTACT US\nABOUT US\nSEND US A LETTER", &[]),
    ("en", "The carpenter combed his hair and whistled.", &[]),
    ("en", "Karimov walked the dog along the quiet street.", &[]),
    ("en", "The clerical error was noticed and corrected.", &[]),
    ("ru", "Дверь хлопнула, и в комнате стало тихо.", &[]),
    ("ru", "Гости сели за стол и долго разговаривали.", &[]),
    ("ru", "Мы дождались вечера и пошли домой.", &[]),
    ("ru", "Его судьба сложилась удачно.", &[]),
    ("ru", "Делегация прибыла вовремя.", &[]),
    ("ru", "Соседи стали чаще видеться по вечерам.", &[]),
    ("ru", "Он сделал карьеру и купил дом.", &[]),
    ("ru", "Золотой век прошел, говорит старик.", &[]),
    ("ru", "Она смотрела «Титаник» два раза.", &[]),
    ("ru", "Мерцание свечи отражалось в окне.", &[]),
    ("ru", "Литвинов и Талибов пили чай.", &[]),
    ("ru", "Пожар случился на Киевской улице, сообщил сосед.", &["accidents"]),
    ("ru", "Вена на руке стала заметнее.", &[]),
    ("ru", "Милана и Медина учились рисовать.", &[]),
    ("ru", "Имамов и Хаджиев пожали руки.", &[]),
    ("ru", "Алиев поблагодарил коллег за помощь.", &[]),
    ("ru", "Трамплин стоял у самого берега.", &[]),
    ("ru", "Кундуз испекла пирог для соседей.", &[]),
    ("ru", "Он разбогател и разобрал старый сарай.", &[]),
    ("kk", "Бұл мәселе ертең талқыланатын болатын.", &[]),
    ("kk", "Қосымша мәлімет кейін беріледі.", &[]),
    ("kk", "Көлік тұрағы жабық болды.", &["transport_corridors"]),
    ("kk", "Ол баласын мақтап, мақтан етті.", &[]),
    ("kk", "Бағдат пен Мәдине кеше келді.", &[]),
    ("kk", "Жемқорлыққа қарсы күрес жалғасады.", &["crime_corruption"]),
    ("kk", "Оразалин үйіне қайтты.", &[]),
    ("kk", "Портрет қабырғада ілулі тұр.", &[]),
    ("ky", "Ал кеңири ойлонуп, кенен сүйлөдү.", &[]),
    ("ky", "Аялдамада эки киши турду.", &[]),
    ("ky", "Көйгөйгө каршы күрөш улантылат.", &[]),
    ("ky", "Абакиров менен Исламов сүйлөштү.", &[]),
    ("ky", "Катарында беш киши болду.", &[]),
    ("ky", "Кундуз үйүнө кайтты.", &[]),
    ("ky", "Дарыгерден консультация алды.", &["health"]),
    ("ky", "Ооган жүктү кайра койду.", &[]),
    ("uz", "Suvdan foydalanish qoidalari oʻzgardi.", &["water_environment"]),
    ("uz", "Tuman markazida yangi bogʻ ochildi.", &[]),
    ("uz", "Isroil va Madina uyga qaytdi.", &[]),
    ("uz", "Qarshilik koʻrsatish foydasiz, dedi u.", &[]),
    ("uz", "Makkajoʻxori doni quritildi.", &["agriculture_food"]),
    ("uz", "Oltinchi qavatda yashaydi.", &[]),
    ("uz", "Muammoga qarshi kurash davom etadi.", &[]),
    ("uz", "Ramazonov bilan Hayitov uchrashdi.", &[]),
    ("tg", "Ӯ номаро дарёфт кард ва хондан гирифт.", &[]),
    ("tg", "Дар як қатор масъалаҳо сӯҳбат шуд.", &[]),
    ("tg", "Исроил ва Мадина ба хона омаданд.", &[]),
    ("tg", "Онҳо ҷудо зиндагӣ мекунанд.", &[]),
    ("tg", "Исломов ва Ҷабборов чой нӯшиданд.", &[]),
    ("tg", "Маҷлис бекор карда шуд.", &[]),
    ("tk", "Iş doly ýerine ýetirildi.", &[]),
    ("tk", "Bagdat bilen Polat öýe geldi.", &[]),
    ("tk", "Hökümet bu meselä garady.", &["domestic_politics"]),
];

#[test]
fn innocent_sentences_get_no_topic_and_no_country() {
    let mut wrong = Vec::new();
    for (language, text, allowed) in INNOCENT {
        let labels = classify("", text, Some(language));
        let topics = labels.topics.iter().filter(|topic| !allowed.contains(&topic.id.as_str()));
        let topics: Vec<String> = topics.map(|topic| format!("{}: {:?}", topic.id, topic.matched)).collect();
        if !topics.is_empty() || !labels.places.is_empty() {
            wrong.push(format!("{text}: {topics:?} {:?}", labels.places));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn one_word_alone_is_no_topic() {
    let check = |title: &str, body: &str, expected: &[&str]| {
        let labels = classify(title, body, Some("en"));
        let ids: Vec<&str> = labels.topics.iter().map(|topic| topic.id.as_str()).collect();
        assert_eq!(ids, expected, "{title:?} {body:?}");
    };
    check("", "Tungsten was named, and tungsten again.", &[]);
    check("Tungsten", "The price of tungsten rose.", &["mining_minerals"]);
    check("", "Tungsten and antimony were named.", &["mining_minerals"]);
    check("", "A copper mine was named.", &["mining_minerals"]);
    check("Deposits grow", "Most deposits were small.", &[]);
    check("Courts", "A court was built beside the courts.", &["courts"]);
}

#[test]
fn weak_names_need_a_sure_one() {
    let check = |body: &str, expected: &[&str]| {
        let labels = classify("", body, None);
        let codes: Vec<&str> = labels.places.iter().map(|place| place.code.as_str()).collect();
        assert_eq!(codes, expected, "{body:?}");
    };
    check("Georgia voted for its governor, said the mayor.", &[]);
    check("Georgia voted, said the mayor of Tbilisi.", &["GE"]);
    check("Georgia signed a treaty with Armenia, said the ministers.", &["GE", "AM"]);
    check("Каримов выиграл турнир по шахматам.", &[]);
    check("Талибов приехал в Бишкек и выступил перед студентами.", &["KG"]);
    check("LET US KNOW! The letter was sent by the editor.", &[]);
    check("The US and the neighbours signed the letter.", &["US"]);
    check("На Киевской улице в Бишкеке и на улице Московской сгорел дом.", &["KG"]);
    check("Случай сибирской язвы выявили в Осакаровском районе.", &["KZ"]);
    let near = "[[place]]\ncode = \"KZ\"\nnear = [\"QQ\"]\n[place.terms]\n";
    check_fault("places.toml", near, 3, "near: \"QQ\"");
}

#[test]
fn every_shipped_term_finds_itself() {
    for (origin, terms) in shipped_terms() {
        for (language, written, with) in terms {
            let words = written.split_whitespace().filter(|word| !word.starts_with("NEAR/")).chain(with.as_deref());
            let text = words.collect::<Vec<_>>().join(" ").replace('*', "");
            let document = Document::new("", &text);
            let hits = SHIPPED.lexicon.find(&document, TermLanguage::of(&language));
            assert!(hits.iter().any(|hit| hit.first == 0), "{origin}: {language}: {written:?}");
        }
    }
}

/// Language, term, and what it wants beside it.
type ShippedTerm = (String, String, Option<String>);

/// Every shipped list of terms, by file.
fn shipped_terms() -> Vec<(String, Vec<ShippedTerm>)> {
    fn collect(value: &toml::Value, language: Option<&str>, found: &mut Vec<ShippedTerm>) {
        match (value, language) {
            (toml::Value::Table(table), Some(language)) if table.contains_key("term") => {
                let with = table.get("with").and_then(|with| with.get(0)).and_then(|with| with.as_str());
                let term = table["term"].as_str().unwrap();
                found.push((language.to_owned(), term.to_owned(), with.map(str::to_owned)));
            }
            (toml::Value::Table(table), _) => {
                for (key, value) in table.iter().filter(|(key, _)| *key != "test") {
                    collect(value, TermLanguage::of(key).map(|_| key.as_str()), found);
                }
            }
            (toml::Value::Array(list), _) => list.iter().for_each(|value| collect(value, language, found)),
            (toml::Value::String(term), Some(language)) => found.push((language.to_owned(), term.clone(), None)),
            _ => {}
        }
    }
    let files = RuleFiles::shipped();
    let in_file = |file: &crate::rules::RuleFile| {
        let mut found = Vec::new();
        collect(&toml::from_str(&file.text).unwrap(), None, &mut found);
        assert!(!found.is_empty(), "{}", file.origin);
        (file.origin.clone(), found)
    };
    let of_places = ["places.toml", "countries.toml"].into_iter().filter_map(|name| files.file(name));
    files.in_folder("topics").map(|(_, file)| file).chain(of_places).map(in_file).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn never_panics(
        title in "\\PC{0,40}",
        body in proptest::collection::vec(
            prop_oneof![
                "\\PC{0,8}".boxed(),
                proptest::sample::select(vec![
                    "нефт", "Нефть", "oil", "field", "oʻ", "’", "'s", "\n", "\u{301}", "C5+1", "Казахстан", "中国", "İ", "ё",
                ]).prop_map(str::to_owned).boxed(),
            ],
            0..60,
        ),
        glue in prop_oneof!["", " ", "-"],
        prior in proptest::option::of("[a-zA-Z-]{0,8}"),
    ) {
        let labels = classify(&title, &body.join(&glue), prior.as_deref());
        prop_assert!((0.0..=1.0).contains(&labels.language.confidence));
        prop_assert!(labels.topics.len() <= 5);
        prop_assert!(labels.topics.iter().all(|topic| !topic.matched.is_empty() && topic.matched.len() <= 20));
        prop_assert!(labels.places.iter().all(|place| !place.matched.is_empty()));
    }
}
