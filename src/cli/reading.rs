//! `query --explain`: how a query was read, in words.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::output::terminal::safe_json;
use super::output::{Emphasis, RecordFormat, Surface, one_line, paint};
use super::{Exit, Failure};
use crate::local_api::{Client, LooksAt, QueryAsk, Reading, Sort};
use crate::model::OffsetTime;
use crate::record::Event;
use crate::search::{Ending, Part, ReadClause, ReadTerm, ReadWords, Scope, Sense, Spellings};

/// What stands before what is below a heading.
const INDENT: &str = "  ";

/// Columns of what was asked, at most; what is longer pushes what it finds away.
const LABEL_COLUMNS_MAX: usize = 32;

/// Other names of one word that are shown.
const NAMES_MAX: usize = 8;

/// Shows how a query is read.
pub async fn explain(client: &Client, ask: &QueryAsk, format: Option<RecordFormat>) -> Result<Exit, Failure> {
    let surface = Surface::of_stdout();
    let is_json = match format {
        None | Some(RecordFormat::Cat | RecordFormat::Table) => false,
        Some(RecordFormat::Json | RecordFormat::Ndjson) => true,
        Some(_) => return Err(Failure::new(Exit::Usage, "--explain has the formats cat and json")),
    };
    let reading: Reading = client.answer("/v1/reading", ask).await?;
    let mut out = io::stdout().lock();
    if is_json {
        let json = serde_json::to_string(&reading).map_err(io::Error::from)?;
        let json = if surface.is_terminal() { safe_json(&json) } else { json.into() };
        writeln!(out, "{json}")?;
    } else {
        out.write_all(page(&reading, &surface).as_bytes())?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// What must hold, as a tree.
#[derive(Debug, PartialEq)]
enum Node {
    Leaf { label: String, finds: String },
    Group(&'static str, Vec<Node>),
}

const ALL_OF: &str = "all of:";
const ONE_OF: &str = "one of:";
const NONE_OF: &str = "none of:";

fn page(reading: &Reading, surface: &Surface) -> String {
    let mut page = String::new();
    match tree(&reading.clauses) {
        Node::Group(_, nodes) if nodes.is_empty() => page.push_str("every record\n"),
        node => {
            let columns = label_columns(&node, 0).min(LABEL_COLUMNS_MAX);
            write_node(&mut page, &node, 0, columns, surface);
        }
    }
    page.push('\n');
    for line in notes(reading) {
        page.push_str(&one_line(&line));
        page.push('\n');
    }
    page
}

fn tree(clauses: &[ReadClause]) -> Node {
    let mut all = Vec::new();
    let mut none = Vec::new();
    for clause in clauses {
        match clause.any.as_slice() {
            // Each of several that are left out: the same as all of them together.
            [condition] if condition.sense == Sense::Without => none.extend(condition.terms.iter().map(leaf)),
            conditions => {
                let alternatives = conditions.iter().flat_map(|condition| {
                    let leaves: Vec<Node> = condition.terms.iter().map(leaf).collect();
                    match condition.sense {
                        Sense::With => leaves,
                        Sense::Without => vec![Node::Group(NONE_OF, leaves)],
                    }
                });
                all.push(one_or_group(ONE_OF, alternatives.collect()));
            }
        }
    }
    if !none.is_empty() {
        all.push(Node::Group(NONE_OF, none));
    }
    one_or_group(ALL_OF, all)
}

fn one_or_group(heading: &'static str, mut nodes: Vec<Node>) -> Node {
    if nodes.len() == 1 { nodes.remove(0) } else { Node::Group(heading, nodes) }
}

fn label_columns(node: &Node, depth: usize) -> usize {
    match node {
        Node::Leaf { label, .. } => depth * INDENT.len() + label.width(),
        Node::Group(_, nodes) => nodes.iter().map(|node| label_columns(node, depth + 1)).max().unwrap_or(0),
    }
}

fn write_node(page: &mut String, node: &Node, depth: usize, columns: usize, surface: &Surface) {
    page.push_str(&INDENT.repeat(depth));
    match node {
        Node::Leaf { label, finds } => {
            let gap = columns.saturating_sub(depth * INDENT.len() + label.width());
            let label = paint(label, Emphasis::Strong, surface.colour);
            page.extend([label.as_ref(), &" ".repeat(gap), INDENT, finds, "\n"]);
        }
        Node::Group(heading, nodes) => {
            page.extend([heading, "\n"]);
            nodes.iter().for_each(|node| write_node(page, node, depth + 1, columns, surface));
        }
    }
}

/// A term as it could be written, and what it finds.
fn leaf(term: &ReadTerm) -> Node {
    let named = |name: &Option<String>, otherwise: &str| name.clone().unwrap_or_else(|| otherwise.to_owned());
    let (label, finds) = match term {
        ReadTerm::Words(words) => (label_of(words), found_by(words)),
        ReadTerm::Topic { id, name } => (format!("topic:{id}"), named(name, "a topic without a rule")),
        ReadTerm::Country { code, name } => (format!("country:{code}"), format!("about {}", named(name, code))),
        ReadTerm::Lang { tag } => (format!("lang:{tag}"), "in this language; a narrower tag matches, too".to_owned()),
        ReadTerm::Source { id, name } => {
            (format!("source:{id}"), format!("announced by {}", named(name, "a source that is not in the settings")))
        }
        ReadTerm::Site { domain } => {
            (format!("site:{domain}"), "at an address of this site, or of one below it".to_owned())
        }
        ReadTerm::Event { event } => {
            let what = match event {
                Event::New => "first versions",
                Event::Update => "versions with a changed text",
                Event::Relabel => "versions with other labels for the same text",
                Event::Withdrawn => "articles whose page is gone",
                Event::Duplicate => "copies of other articles",
            };
            (format!("event:{}", event.name()), what.to_owned())
        }
        ReadTerm::Has { part } => {
            let what = match part {
                Part::Image => "with a picture",
                Part::Author => "with the name of an author",
                Part::Date => "with a date of publication",
                Part::Tags => "with tags of the publisher",
            };
            (format!("has:{}", part.name()), what.to_owned())
        }
        ReadTerm::Since { from } => ("since".to_owned(), format!("recorded at {} or later", local(from))),
        ReadTerm::Until { until } => ("until".to_owned(), format!("recorded before {}", local(until))),
        ReadTerm::On { from, until } => {
            ("on".to_owned(), format!("recorded from {} until before {}", local(from), local(until)))
        }
    };
    Node::Leaf { label: one_line(&label), finds: one_line(&finds) }
}

fn label_of(ReadWords { scope, words, ending, spelling, .. }: &ReadWords) -> String {
    let field = match scope {
        Scope::Anywhere => "",
        Scope::Title => "title:",
        Scope::Author => "author:",
    };
    let quote = if *spelling == Spellings::Written || words.contains(' ') { "\"" } else { "" };
    let star = if *ending == Ending::Prefix { "*" } else { "" };
    format!("{field}{quote}{words}{quote}{star}")
}

fn found_by(ReadWords { words, ending, spelling, names, .. }: &ReadWords) -> String {
    let row = if words.contains(' ') { "in this order, " } else { "" };
    let beginning = if *ending == Ending::Prefix { "words that begin so, " } else { "" };
    let spelt = match (spelling, ending) {
        (Spellings::Written, _) => "as written, in any case",
        (Spellings::Any, Ending::Prefix) => "in any script and spelling",
        (Spellings::Any, Ending::Whole) => "in any script, spelling and form",
        (Spellings::Region, _) => "in any form; in other scripts in the languages of the region only, for it is short",
    };
    let others = match names.len() {
        0 => String::new(),
        1..=NAMES_MAX => format!("; also {}", names.join(", ")),
        more => format!("; also {} and {} other names", names[..NAMES_MAX].join(", "), more - NAMES_MAX),
    };
    format!("{row}{beginning}{spelt}{others}")
}

/// What is looked at, the order, and the zone of the times above.
fn notes(reading: &Reading) -> Vec<String> {
    let looked_at = match reading.looks_at {
        LooksAt::Newest => "the newest version of each article",
        LooksAt::Events => "every version of every article, for the query asks for events",
    };
    let order = match (reading.sort, reading.reverse) {
        (Sort::Date, false) => "newest first",
        (Sort::Date, true) => "oldest first",
        (Sort::Relevance, _) => "nearest to the words first",
    };
    let limit = reading.limit.map(|limit| format!(", at most {limit}")).unwrap_or_default();
    let mut notes = vec![
        format!("Looked at: {looked_at}; words stand in title, summary, text or tags."),
        format!("Order: {order}{limit}."),
    ];
    if reading.from.is_some() || reading.until.is_some() {
        notes.push(format!("Times are those of recording, in the zone {}.", reading.zone));
    }
    if reading.from.zip(reading.until).is_some_and(|(from, until)| from.at >= until.at) {
        notes.push(
            "Nothing can match: no time is after the beginning and before the end that are asked for.".to_owned(),
        );
    }
    notes
}

fn local(time: &OffsetTime) -> String {
    let local = time.offset.to_datetime(time.at);
    format!("{}", local.strftime("%a %Y-%m-%d %H:%M:%S"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use jiff::tz::TimeZone;

    use super::super::output::{Colour, Medium};
    use super::*;
    use crate::search::{Names, Query, QueryContext, QueryError};

    fn shown(text: &str) -> String {
        read(text).unwrap_or_else(|error| panic!("{error}"))
    }

    fn read(text: &str) -> Result<String, QueryError> {
        let zone = TimeZone::fixed(jiff::tz::offset(5));
        let now = "2026-11-22T08:00:00Z".parse().unwrap();
        let context = QueryContext { now, zone: &zone, topics: &[], sources: &[] };
        let query = Query::parse(text, &context)?;
        let topic = |id: &str| (id == "energy").then(|| "Energy".to_owned());
        let names = Names { topic: &topic, source: &|_| Some("Canal\u{1b}[31m News".to_owned()) };
        let (from, until) = query.recorded_between();
        let local = |at: jiff::Timestamp| OffsetTime::from(&at.to_zoned(zone.clone()));
        let reading = Reading {
            clauses: query.reading(&names, &zone),
            looks_at: LooksAt::Newest,
            sort: Sort::Date,
            reverse: false,
            limit: Some(50),
            zone: "UTC+05".to_owned(),
            from: from.map(local),
            until: until.map(local),
        };
        Ok(page(&reading, &Surface { medium: Medium::Pipe, colour: Colour::Off, zone }))
    }

    const NOTES: &str = "\nLooked at: the newest version of each article; words stand in title, summary, text or tags.\n\
                         Order: newest first, at most 50.\n";

    #[test]
    fn clauses_are_told_in_words() {
        let cases = [
            ("", "every record\n".to_owned()),
            ("uranium", "uranium  in any script, spelling and form\n".to_owned()),
            (
                "uranium OR -coal \"rare earth\" gas -lang:ru,kk -title:uran*",
                "all of:\n  \
                   one of:\n    \
                     uranium      in any script, spelling and form\n    \
                     none of:\n      \
                       coal       in any script, spelling and form\n  \
                   \"rare earth\"   in this order, as written, in any case\n  \
                   gas            in any form; in other scripts in the languages of the region only, for it is short\n  \
                   none of:\n    \
                     lang:ru      in this language; a narrower tag matches, too\n    \
                     lang:kk      in this language; a narrower tag matches, too\n    \
                     title:uran*  words that begin so, in any script and spelling\n"
                    .to_owned(),
            ),
            (
                "topic:energy,none country:kz source:canal",
                "all of:\n  \
                   one of:\n    \
                     topic:energy  Energy\n    \
                     topic:none    a topic without a rule\n  \
                   country:KZ      about Kazakhstan\n  \
                   source:canal    announced by Canal\u{fffd}[31m News\n"
                    .to_owned(),
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(text), expected + NOTES, "{text}");
        }
    }

    #[test]
    fn times_are_local_and_their_zone_is_named() {
        let page = shown("since:2d on:2026-11-21");
        assert!(page.contains("since  recorded at Fri 2026-11-20 13:00:00 or later\n"), "{page}");
        assert!(
            page.contains("recorded from Sat 2026-11-21 00:00:00 until before Sun 2026-11-22 00:00:00\n"),
            "{page}"
        );
        assert!(page.contains("in the zone UTC+05."), "{page}");
        assert!(!page.contains("Nothing can match"), "{page}");
        assert!(shown("since:1d until:3d").contains("Nothing can match"));
        assert!(!shown("gas").contains("Times"));
    }

    #[test]
    fn other_names_are_told() {
        assert!(shown("toshkent").contains("; also Tashkent, Ташкент"), "{}", shown("toshkent"));
    }

    proptest::proptest! {
        #[test]
        fn whatever_can_be_read_can_be_told(text in "([a-zа-яё\"*:,? -]|OR |\\PC|[\u{80}-\u{9f}]|topic:|since:1d ){0,20}") {
            if let Ok(page) = read(&text) {
                proptest::prop_assert!(!page.contains(|c: char| c.is_control() && c != '\n'), "{page:?}");
            }
        }
    }
}
