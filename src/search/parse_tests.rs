//! Queries and what they are read as, and faults with their place.

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::super::{Query, QueryContext, QueryError};
use super::*;

fn parse(text: &str) -> Result<Query, QueryError> {
    let zone = TimeZone::UTC;
    let topics = ["energy", "water", "transport"].map(str::to_owned);
    let sources = ["astanatimes", "kun-uz"].map(str::to_owned);
    let now = "2026-11-22T08:00:00Z".parse().expect("a valid time");
    Query::parse(text, &QueryContext { now, zone: &zone, topics: &topics, sources: &sources })
}

/// A query in one line: clauses by `;`, conditions by ` | `, terms by `,`.
fn shown(query: &Query) -> String {
    let clause = |clause: &Clause| clause.any.iter().map(condition).collect::<Vec<_>>().join(" | ");
    query.clauses().iter().map(clause).collect::<Vec<_>>().join("; ")
}

fn condition(condition: &Condition) -> String {
    let terms: Vec<String> = condition.terms.iter().map(term).collect();
    format!("{}{}", if condition.sense == Sense::Without { "not " } else { "" }, terms.join(","))
}

fn term(term: &Term) -> String {
    match term {
        Term::Text(text) => {
            let scope = match text.scope {
                Scope::Anywhere => "",
                Scope::Title => "title=",
                Scope::Author => "author=",
            };
            format!("{scope}[{}{}]", text.words, if text.ending == Ending::Prefix { "*" } else { "" })
        }
        Term::Topic(id) => format!("topic={id}"),
        Term::Country(code) => format!("country={code}"),
        Term::Language(tag) => format!("lang={tag}"),
        Term::Source(id) => format!("source={id}"),
        Term::Event(event) => format!("event={event:?}"),
        Term::Site(domain) => format!("site={domain}"),
        Term::Has(part) => format!("has={part:?}"),
        Term::Since(at) => format!("since={at}"),
        Term::Until(at) => format!("until={at}"),
        Term::Between(from, until) => format!("between={from}/{until}"),
    }
}

#[test]
fn queries_are_read() {
    let cases = [
        ("", ""),
        (" \t\n ", ""),
        ("gas", "[gas]"),
        ("Gas  PIPELINE", "[gas]; [pipeline]"),
        ("Ещё", "[еще]"),
        ("O'zbekiston", "[ozbekiston]"),
        ("e-mail", "[e mail]"),
        ("uran*", "[uran*]"),
        ("\"middle corridor\"", "[middle corridor]"),
        ("“Middle Corridor” «Самрук-Казына» „Газ“", "[middle corridor]; [самрук казына]; [газ]"),
        ("\"rare eart\"*", "[rare eart*]"),
        ("-gas", "not [gas]"),
        ("-\"oil price\"", "not [oil price]"),
        ("-topic:energy", "not topic=energy"),
        ("-title:uran*", "not title=[uran*]"),
        ("a OR b", "[a] | [b]"),
        ("a OR b OR c d", "[a] | [b] | [c]; [d]"),
        ("a b OR c", "[a]; [b] | [c]"),
        ("a OR -b", "[a] | not [b]"),
        ("or ORE oR", "[or]; [ore]; [or]"),
        ("\"OR\"", "[or]"),
        ("title:summit", "title=[summit]"),
        ("Title:\"state visit\"", "title=[state visit]"),
        ("topic:energy", "topic=energy"),
        ("topic:energy,water", "topic=energy,topic=water"),
        ("TOPIC:Energy", "topic=energy"),
        ("-topic:energy,water OR gas", "not topic=energy,topic=water | [gas]"),
        ("country:kz", "country=KZ"),
        ("country:Kazakhstan", "country=KZ"),
        ("country:\"South Korea\",UZ", "country=KR,country=UZ"),
        ("lang:uz", "lang=uz"),
        ("lang:uz-Cyrl,RU", "lang=uz-cyrl,lang=ru"),
        ("source:kun-uz", "source=kun-uz"),
        ("event:update,new", "event=Update,event=New"),
        ("since:2h", "since=2026-11-22T06:00:00Z"),
        ("since:7d until:yesterday", "since=2026-11-15T08:00:00Z; until=2026-11-22T00:00:00Z"),
        ("since:2026-11-01", "since=2026-11-01T00:00:00Z"),
        ("since:2026-11-01T10:00:00+05:00", "since=2026-11-01T05:00:00Z"),
        ("until:\"2026-11-01 10:00\"", "until=2026-11-01T10:00:00Z"),
        ("author:Karimov", "author=[karimov]"),
        ("-author:\"Aida Kar\"*", "not author=[aida kar*]"),
        ("site:www.gov.kz,https://tuz.example.org/a,b", "site=gov.kz,site=tuz.example.org,site=b"),
        ("has:image,Tags", "has=Image,has=Tags"),
        ("on:today", "between=2026-11-22T00:00:00Z/2026-11-23T00:00:00Z"),
        (
            "-on:2026-11-01,yesterday",
            "not between=2026-11-01T00:00:00Z/2026-11-02T00:00:00Z,between=2026-11-21T00:00:00Z/2026-11-22T00:00:00Z",
        ),
        ("gas? [Gas] $100 US$ C++ gas! – | ~5 +oil 50%", "[gas]; [gas]; [100]; [us]; [c]; [gas]; [5]; [oil]; [50]"),
        ("\".*gas|oil [a-z]+\"", "[gas oil a z]"),
        ("U.S.-Kazakhstan", "[u s kazakhstan]"),
        ("a=b", "[a b]"),
        ("12:30", "[12 30]"),
        ("Токаев: речь", "[токаев]; [речь]"),
        ("gas – oil … &", "[gas]; [oil]"),
        ("gas OR – oil", "[gas] | [oil]"),
        ("\u{1b}[31mgas", "[31mgas]"),
        (
            "topic:energy country:KZ since:7d \"middle corridor\" -gas",
            "topic=energy; country=KZ; since=2026-11-15T08:00:00Z; [middle corridor]; not [gas]",
        ),
    ];
    for (text, expected) in cases {
        let query = parse(text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(shown(&query), expected, "{text:?}");
    }
}

#[test]
fn faults_are_placed_and_explained() {
    let cases = [
        ("gas \"middle corridor", 4, "not closed"),
        ("газ «мост", 4, "not closed"),
        ("\"\"", 0, "no word"),
        ("gas \"!\"", 4, "no word"),
        ("\"gas\"oil", 5, "space is missing"),
        ("gas\"oil\"", 3, "quote begins after a space"),
        ("OR gas", 0, "before it"),
        ("gas OR", 4, "after it"),
        ("gas OR …", 4, "after it"),
        ("gas OR OR oil", 7, "between"),
        ("gas AND oil", 4, "all words must match"),
        ("gas NOT oil", 4, "-word"),
        ("gas - oil", 4, "directly after"),
        ("--gas", 0, "directly after"),
        ("-", 0, "directly after"),
        ("-…", 0, "no word after the -"),
        ("(gas OR oil) rail", 0, "no parentheses"),
        ("gas oil)", 7, "no parentheses"),
        ("*", 0, "no word"),
        ("ga*s", 2, "end of a word"),
        ("gas**", 3, "end of a word"),
        ("topic:", 6, "needs a value"),
        ("topic: energy", 6, "needs a value"),
        ("topic:energy,", 13, "value is missing"),
        ("topic:,energy", 6, "value is missing"),
        ("topic:enrgy", 6, "nearest first: energy,"),
        ("газ topic:water,trnsport", 16, "nearest first: transport,"),
        ("source:astana", 7, "nearest first: astanatimes"),
        ("tpic:energy", 0, "nearest first: topic"),
        ("country:Kazakstan", 8, "nearest first: Kazakhstan,"),
        ("country:XX", 8, "no country"),
        ("lang:russian", 5, "no language tag"),
        ("lang:u", 5, "no language tag"),
        ("event:updated", 6, "nearest first: update,"),
        ("since:soon", 6, "is no time"),
        ("until:2026-02-30", 6, "no day of the calendar"),
        ("topic:?", 6, "takes one or several of energy, water, transport"),
        ("country:Kazakstan", 8, "country:? lists all 3"),
        ("has:?", 4, "image, author, date, tags"),
        ("title=gas", 5, "write title: with a colon"),
        ("https://example.org", 0, "site:example.org"),
        (".*gas[a-z]+", 1, "no patterns"),
        ("gas[a-z]+", 3, "no patterns"),
        ("[a-z]+", 4, "no patterns"),
        ("[a-z]*", 4, "no patterns"),
        ("gas.*", 4, "no patterns"),
        ("gas.+", 4, "no patterns"),
        ("gas.*oil", 4, "no patterns"),
        ("gas{2,3}", 3, "no patterns"),
        ("^gas", 0, "no patterns"),
        ("oil \\bgas\\b", 4, "no patterns"),
        ("\\\"gas\\\"", 0, "no escapes"),
        ("gas|oil", 3, "gas OR oil"),
        ("gas || oil", 4, "gas OR oil"),
        ("title:gas|oil", 9, "gas OR oil"),
        ("(gas)", 0, "no parentheses"),
        ("!gas", 0, "write -gas"),
        ("gas~2", 3, "any spelling"),
        ("author:…", 7, "no word"),
        ("site:*.gov.kz", 5, "write gov.kz"),
        ("site:gov.kz,\"a b\"", 12, "is no site"),
        ("has:picture", 4, "image"),
        ("on:2h", 3, "is no day"),
        ("on:2026-02-30", 3, "no day of the calendar"),
        ("title:", 6, "needs a value"),
        ("title:…", 6, "no word"),
        ("title:\"a", 6, "not closed"),
    ];
    for (text, at, part) in cases {
        let error = parse(text).expect_err(text);
        assert_eq!(error.at, at, "{text:?}: {}", error.message);
        assert!(error.message.contains(part), "{text:?}: {}", error.message);
    }
}

#[test]
fn a_fault_is_shown_under_a_caret() {
    let check = |text: &str, expected: &str| assert_eq!(parse(text).expect_err(text).to_string(), expected);
    check("газ (нефть", &format!("{PARENTHESES}\n  газ (нефть\n      ^"));
    check("天然 (x", &format!("{PARENTHESES}\n  天然 (x\n       ^"));
    check("\u{9b}\u{202e}a\tb (x", &format!("{PARENTHESES}\n  \u{fffd}\u{fffd}a b (x\n        ^"));
    let long = format!("{} (x", "a".repeat(100));
    check(&long, &format!("{}\n  …{} (x\n  {}^", PARENTHESES, "a".repeat(59), " ".repeat(61)));
}

const PARENTHESES: &str = "there are no parentheses: OR joins its two neighbours, all else must match";

#[test]
fn queries_are_bounded() {
    let terms = |count: usize| "a ".repeat(count);
    assert!(parse(&terms(QUERY_TERMS_MAX)).is_ok());
    assert_eq!(parse(&terms(QUERY_TERMS_MAX + 1)).map_err(|error| error.at), Err(2 * QUERY_TERMS_MAX));
    let listed = format!("lang:{}", vec!["ru"; QUERY_TERMS_MAX + 1].join(","));
    assert!(parse(&listed).is_err());
    assert!(parse(&"a".repeat(QUERY_BYTES_MAX)).is_ok());
    let error = parse(&"б".repeat(QUERY_BYTES_MAX)).expect_err("twice the bytes");
    assert_eq!(error.at, QUERY_BYTES_MAX / 2);
    assert!(error.to_string().len() < 1_000, "only the part around the fault is shown");
}

proptest! {
    #[test]
    fn the_value_of_any_flag_is_read_or_refused(
        value in "\\PC{0,40}|[\"*,?a-z0-9 .-]{0,40}|[\u{0}-\u{ff}]{0,20}", field in prop::sample::select(FIELDS.to_vec()),
    ) {
        let zone = TimeZone::UTC;
        let topics = ["energy".to_owned()];
        let context = QueryContext { now: jiff::Timestamp::UNIX_EPOCH, zone: &zone, topics: &topics, sources: &topics };
        let mut terms = Vec::new();
        match flag_terms(field.1, &value, &context, (0, &mut terms)) {
            Ok(()) => prop_assert!(!terms.is_empty()),
            Err(error) => {
                prop_assert!(error.at <= error.query.chars().count());
                prop_assert!(!error.to_string().contains(|c: char| c.is_control() && c != '\n'), "{error:?}");
            }
        }
    }

    #[test]
    fn parsing_never_panics(text in "\\PC{0,60}") {
        if let Err(error) = parse(&text) {
            prop_assert!(error.at <= text.chars().count());
            prop_assert!(!error.to_string().contains(|c: char| c.is_control() && c != '\n'), "{error:?}");
        }
    }

    #[test]
    fn pieces_of_syntax_never_panic(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "\"", "«", "»", "-", "*", "OR", " ", " ", "topic:", "title:", "since:", "country:", "lang:", "2h", ",", "gas",
                "energy", "author:", "site:", "has:", "on:", "?", ".", "[", "]", "|", "!", "=", "\\", "(", "\u{301}", "ё", "'", "\u{0}", "\u{202e}", "2026-11-01", "тоқ", "中",
            ]),
            0..30,
        )
    ) {
        let text = pieces.concat();
        match parse(&text) {
            Ok(query) => prop_assert!(query.clauses().iter().all(|clause| !clause.any.is_empty())),
            Err(error) => prop_assert!(error.at <= text.chars().count()),
        }
    }
}
