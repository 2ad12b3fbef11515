//! Tests of what a rule can say: company, conditions, boosts, and the explanation of what came of it.
#![allow(clippy::unwrap_used)]

use super::*;

/// The shipped places, and a topic `x`.
fn with_topic(rule: &str) -> Classifier {
    let folder = folder_with("topics/x.toml", &format!("name = \"X\"\nthreshold = 1.0\n{rule}"));
    std::fs::write(folder.path().join("places.toml"), &RuleFiles::shipped().file("places.toml").unwrap().text).unwrap();
    Classifier::compile(&RuleFiles::of_folder(folder.path()).unwrap()).unwrap()
}

fn check(rule: &str, body: &str, expected: bool) {
    let found = with_topic(rule).classify(&ClassifyText { title: "", body, language_prior: Some("en") }).topics;
    assert_eq!(found.iter().any(|topic| topic.id == "x"), expected, "{rule} in {body:?}: {found:?}");
}

#[test]
fn near_finds_both_parts_in_either_order() {
    let rule = "[terms]\nen = [\"walrus* NEAR/4 ice shelf*\"]";
    check(rule, "The walruses on the ice shelf slept.", true);
    check(rule, "The ice shelves are where a walrus sleeps.", false); // shelves is no form of shelf*
    check(rule, "An ice shelf, said she, has walruses.", true);
    check(rule, "A walrus is a large animal that rarely leaves the ice shelf.", false);
    check(rule, "A walrus slept.", false);
    check("[terms]\nen = [\"walrus* NEAR/4 walrus*\"]", "A walrus slept.", false);
    check("[terms]\nen = [\"walrus* NEAR/4 walrus*\"]", "Walrus upon walrus slept.", true);
}

#[test]
fn company_is_wanted_or_unwanted() {
    let rule =
        "[terms]\nen = [{ term = \"colony\", weight = 2.0, with = [\"walrus*\", \"seal*\"], without = [\"penal\"] }]";
    check(rule, "The colony grew.", false);
    check(rule, "The colony of seals grew.", true);
    check(rule, "The penal colony grew near the seals.", false);
    let far = format!("The colony grew. {} A seal came.", "It was so. ".repeat(10));
    check(rule, &far, false);
}

#[test]
fn countries_are_conditions_of_terms_and_of_topics() {
    let of_term = "[terms]\nen = [{ term = \"walrus\", weight = 2.0, places = [\"KZ\", \"RU\"] }]";
    check(of_term, "A walrus was seen.", false);
    check(of_term, "A walrus was seen in Kazakhstan.", true);
    check(of_term, "A walrus was seen in Kyrgyzstan.", false);
    let of_topic = "places = [\"KZ\"]\n[terms]\nen = [{ term = \"walrus\", weight = 2.0 }]";
    check(of_topic, "A walrus was seen in Kazakhstan.", true);
    check(of_topic, "A walrus was seen in Kyrgyzstan.", false);
}

#[test]
fn a_term_that_asks_for_a_country_in_vain_takes_no_words_from_others() {
    let rule =
        "[terms]\nen = [{ term = \"walrus bay\", weight = 0, places = [\"KZ\"] }, { term = \"walrus\", weight = 2.0 }]";
    check(rule, "Walrus bay froze.", true);
    check(rule, "Walrus bay froze in Kazakhstan.", false);
    let rule = "[terms]\nen = [{ term = \"walrus\", weight = 2.0 }, { term = \"seal\", places = [\"KZ\"] }]";
    let explained =
        with_topic(rule).explain(&ClassifyText { title: "", body: "A walrus met a seal.", language_prior: Some("en") });
    assert_eq!(explained.marks.iter().map(|mark| (mark.from, mark.to)).collect::<Vec<_>>(), [(2, 8)]);
}

#[test]
fn a_topic_requires_and_excludes() {
    let rule = "[require]\nen = [\"zoo\", \"aquarium\"]\n[exclude]\nen = [\"novel\"]\n[terms]\nen = [{ term = \"walrus\", weight = 2.0 }]";
    check(rule, "A walrus came.", false);
    check(rule, "A walrus came to the zoo.", true);
    check(rule, "A walrus came to the zoo in her new novel.", false);
}

#[test]
fn a_find_in_the_title_counts_by_its_boost() {
    let score = |boost: &str| {
        let rule = format!("[terms]\nen = [{{ term = \"walrus\", weight = 2.0{boost} }}]");
        let classifier = with_topic(&rule);
        let text = ClassifyText { title: "A walrus", body: "It came.", language_prior: Some("en") };
        classifier.classify(&text).topics.first().map(|topic| topic.score)
    };
    let plain = score("").unwrap();
    assert!((score(", title = 2.0").unwrap() - 2.0 * plain).abs() < 0.01);
    assert_eq!(score(", title = 0.0"), None);
}

#[test]
fn one_word_of_weight_two_is_enough() {
    check("[terms]\nen = [{ term = \"walrus\", weight = 1.9 }]", "A walrus slept.", false);
    check("[terms]\nen = [{ term = \"walrus\", weight = 2.0 }]", "A walrus slept.", true);
}

#[test]
fn a_first_line_that_reads_like_a_headline_stands_for_the_title() {
    let classify = |body: &str| SHIPPED.explain(&ClassifyText { title: "", body, language_prior: None });
    let rest = "The plant was closed in spring, the ministry said, and will open again when the repair is paid for.";
    let title = |first: &str| classify(&format!("{first}\n\n{rest}")).title;
    assert_eq!(title("Oil plant opens"), "Oil plant opens");
    assert_eq!(title("The oil plant opens."), "");
    assert_eq!(classify("Oil plant opens\n\nSoon").title, "");
    assert_eq!(classify("Oil plant opens").title, "");
}

#[test]
fn an_explanation_shows_near_misses_and_where_each_term_stands() {
    let (title, body) = ("Tungsten in Kazakhstan", "A copper mine was named. Somebody elected nobody. A walrus slept.");
    let text = ClassifyText { title, body, language_prior: Some("en") };
    let explained = SHIPPED.explain(&text);
    let labels = SHIPPED.classify(&text);
    let given: Vec<(&str, f64)> = explained.given().map(|topic| (topic.id.as_str(), topic.score)).collect();
    let labelled: Vec<(&str, f64)> = labels.topics.iter().map(|topic| (topic.id.as_str(), topic.score)).collect();
    assert_eq!(given, labelled);
    assert_eq!((explained.title.as_str(), explained.body.as_str()), (title, body));
    assert_eq!(explained.places, labels.places);
    let shown = |mark: &Mark| {
        let text = if mark.in_title { title } else { body };
        format!("{} {}", mark.speaks_for, &text[mark.from..mark.to])
    };
    let shown: Vec<String> = explained.marks.iter().map(shown).collect();
    assert!(shown.contains(&"mining_minerals Tungsten".to_owned()), "{shown:?}");
    assert!(shown.contains(&"KZ Kazakhstan".to_owned()), "{shown:?}");
    assert!(shown.contains(&"mining_minerals copper mine".to_owned()), "{shown:?}");
    let text = ClassifyText { title: "", body: "The election was discussed by nobody.", language_prior: Some("en") };
    let explained = SHIPPED.explain(&text);
    let near_miss = explained.topics.iter().find(|topic| topic.id == "domestic_politics").unwrap();
    assert!(!near_miss.given && near_miss.missing.is_some(), "{near_miss:?}");
    assert!(near_miss.matched.iter().all(|term| term.gain > 0.0 && !term.form.is_empty()));
}

#[test]
fn look_alike_letters_and_lost_marks_are_one_word() {
    let check = |text: &str, code: &str| {
        let places = SHIPPED.classify(&ClassifyText { title: "", body: text, language_prior: None }).places;
        assert_eq!(places.first().map(|place| place.code.as_str()), Some(code), "{text:?}");
    };
    check("Kүнделікті жаңалықтар: Қaзaқстан үкіметі отырыс өткізді.", "KZ"); // Latin K and a
    check("Президенти Точикистон бо Ўзбекистон гуфтугӯ кард.", "UZ"); // ў for ӯ
    check("O`zbekiston O'zbekiston Oʻzbekiston hukumati yigʻilish oʻtkazdi.", "UZ");
}

#[test]
fn tests_name_other_topics_and_titles() {
    let with_test = |test: &str| {
        let text = format!(
            "name = \"X\"\nthreshold = 1.0\n[terms]\nen = [{{ term = \"walrus\", weight = 2.0 }}]\n[[test]]\n{test}"
        );
        let classifier = Classifier::compile(&with_file("topics/x.toml", &text)).unwrap();
        classifier.run_rule_tests().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert!(
        with_test("title = \"Walrus\"\ntext = \"It slept.\"\nexpect = [\"x\"]\nexpect_not = [\"energy\"]").is_empty()
    );
    let faults = with_test("text = \"A walrus slept.\"\nlang = \"en\"\nexpect = [\"energy\"]\nexpect_not = true");
    assert!(faults[0].contains("topic energy is expected and topic x is not expected"), "{faults:?}");
}

#[test]
fn what_a_rule_cannot_mean_is_a_fault_with_its_line() {
    let check = |rest: &str, line: usize, message: &str| {
        check_fault("topics/x.toml", &format!("name = \"X\"\nthreshold = 1.0\n{rest}"), line, message);
    };
    check("[terms]\nen = [\"a dog NEAR/0 cat\"]", 4, "NEAR/ takes a number of words, 1 to 50");
    check("[terms]\nen = [\"dog NEAR/x cat\"]", 4, "NEAR/ takes a number");
    check("[terms]\nen = [\"dog NEAR/3 cat NEAR/3 cow\"]", 4, "one NEAR/ at most");
    check("[terms]\nen = [\"dog NEAR/3\"]", 4, "would match the empty string");
    check("[terms]\nen = [{ term = \"dog\", with = [\"*\"] }]", 4, "would match the empty string");
    check(
        "[terms]\nen = [{ term = \"dog\", with = [\"a NEAR/2 b\"] }]",
        4,
        "with of \"dog\": \"a NEAR/2 b\" has a NEAR/",
    );
    check("[terms]\nen = [{ term = \"dog\", places = [\"kz\"] }]", 4, "\"kz\" is no ISO 3166-1 code");
    check("[terms]\nen = [{ term = \"dog\", title = -1.0 }]", 4, "title -1 of \"dog\"");
    check("[exclude]\nen = [{ term = \"dog\", title = 2.0 }]\n[terms]\nen = [\"cat\"]", 4, "title and places are for");
    check("places = [\"Kazakhstan\"]\n[terms]\nen = [\"dog\"]", 3, "places: \"Kazakhstan\" is no ISO 3166-1 code");
    check("[terms]\nen = [\"dog NEAR cat\"]", 4, "write NEAR/ in capitals and with a number");
    check("[terms]\nen = [\"dog near/3 cat\"]", 4, "write NEAR/ in capitals");
    check(&format!("[terms]\nen = [\"{}\"]", "dog ".repeat(10_000)), 4, "a term of 40000 bytes; it has at most 400");
    check("places = [\"UK\"]\n[terms]\nen = [\"dog\"]", 3, "\"UK\" is the code of no [[place]]");
    check("[terms]\nen = [\"cat\",\n{ term = \"dog\", places = [\"UK\"] }]", 5, "\"UK\" is the code of no [[place]]");
    check("[terms]\nen = [{ term = \"dog\", weight = 0 }]", 2, "need one with a weight above 0");
    check("[terms]\n", 2, "need one with a weight above 0");
    check(
        "[terms]\nen = [\"dog\"]\n[[test]]\ntext = \"A dog.\"\nlang = \"kz\"\nexpect = true",
        7,
        "\"kz\" is not a language",
    );
    check("[terms]\nen = [\"dog\"]\n[require]\nxx = [\"cat\"]", 6, "require.xx: not a language");
    check("[terms]\nen = [\"dog\"]\n[[test]]\ntext = \"A dog.\"", 6, "say what to expect");
    check("[terms]\nen = [\"dog\"]\n[[test]]\ntext = \"A dog.\"\nexpect = [\"horses\"]", 6, "there is no topic horses");
}

#[test]
fn a_term_that_cannot_be_read_is_the_only_fault() {
    let folder = folder_with("topics/x.toml", "name = \"X\"\nthreshold = 1.0\n[terms]\nen = [\"*\"]");
    let faults = Classifier::compile(&RuleFiles::of_folder(folder.path()).unwrap()).unwrap_err();
    assert_eq!(faults.len(), 1, "{faults:?}");
}

#[test]
fn names_of_topics_are_names_and_differ() {
    let check = |name: &str, message: &str| {
        let text = format!("# A name:\nname = \"{name}\"\nthreshold = 1.0\n[terms]\nen = [\"dog\"]");
        // It is read before the shipped topic of that name.
        let faults = Classifier::compile(&with_file("topics/aaa.toml", &text)).unwrap_err();
        let [fault] = faults.as_slice() else { panic!("{faults:?}") };
        assert!(fault.origin.ends_with("topics/aaa.toml") && fault.line == 2, "{fault}");
        assert!(fault.message.contains(message), "{fault}");
    };
    check("Sport", "is already the name of topic sport; choose another");
    check(" ", "is no name");
    check("\\u001b[31mred", "is no name");
}

#[test]
fn an_explanation_names_what_excludes_and_marks_only_what_counts() {
    let explain = |rule: &str, body: &str| {
        let text = ClassifyText { title: "", body, language_prior: Some("en") };
        with_topic(&format!("[terms]\nen = [{{ term = \"walrus\", weight = 2.0 }}, {rule}")).explain(&text)
    };
    let excluded = explain("\"seal\"]\n[exclude]\nen = [\"sea lion*\"]", "A walrus and a seal met sea lions.");
    assert_eq!(excluded.topics[0].missing.as_deref(), Some("a term of [exclude] is found: sea lion*"));
    let marked = |body: &str| {
        let explained = explain("{ term = \"seal\", places = [\"KZ\"] }]", body);
        explained
            .marks
            .iter()
            .filter(|mark| mark.speaks_for == "x")
            .map(|mark| body[mark.from..mark.to].to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(marked("A walrus and a seal met."), ["walrus"]);
    assert_eq!(marked("A walrus and a seal met in Kazakhstan."), ["walrus", "seal"]);
}
