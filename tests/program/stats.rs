//! `chapar stats`: counts of records and of outcomes, in-process and over the socket.

use serde_json::Value;

use crate::asking::on_terminal;
use crate::dir::{Dir, is_obeyed, json_lines, source, stderr, text};
use crate::site::{Item, Reply, Site, article, story};

/// Two sources, four articles of which one is published with a hostile name of its source, a page that is none, and one
/// that is gone.
fn store() -> (Dir, Site) {
    let site = Site::start();
    let oil = "Kazakhstan raised crude oil exports, the energy ministry in Astana said. Oil prices and oil output at the \
               Kashagan oil field were discussed with oil companies, and the oil pipeline was repaired.";
    for number in 1..=3 {
        site.put(&format!("/a/{number}"), article(&format!("Canal number {number}"), &story(number)));
    }
    site.put("/a/4", article("Crude oil exports rise", &format!("{oil} {}\n\n{oil}", story(4))));
    site.put("/a/5", Reply::new("image/png", "no page"));
    let item = |number: usize| Item::new(&site.url(&format!("/a/{number}")), &format!("Canal number {number}"));
    site.put("/one.xml", Reply::rss(&[item(1), item(2), item(3), item(5), item(6)]));
    site.put("/two.xml", Reply::rss(&[Item::new(&site.url("/a/4"), "Crude oil exports rise")]));
    let named = "name = \"\\u001b[31m\\u009b2J\\u202eTwo\"\n\n[[source]]";
    let sources = source("two", &site.url("/two.xml")) + &source("one", &site.url("/one.xml"));
    let dir = Dir::new(&sources.replacen("\n[[source]]", named, 1));
    let output = dir.run(&["once"]);
    assert!(output.status.success(), "{}", stderr(&output));
    (dir, site)
}

/// `key count` of each row of a facet.
fn rows(lines: &[Value], by: &str) -> Vec<String> {
    let of_facet = lines.iter().filter(|row| row["by"] == by);
    of_facet.map(|row| format!("{} {}", row["key"].as_str().unwrap_or("null"), row["count"])).collect()
}

#[test]
fn records_are_counted_by_what_they_are_about() {
    let (dir, _site) = store();
    let daemon = dir.daemon();
    let over_the_socket = dir.json(&["stats"]);
    assert_eq!(daemon.stop(), Some(0));
    let stats = dir.json(&["stats"]);
    assert_eq!(stats, over_the_socket, "one code path, two transports");
    assert_eq!(rows(&stats, "total"), ["null 4"]);
    assert_eq!(rows(&stats, "source"), ["one 3", "two 1"]);
    assert_eq!(rows(&stats, "language"), ["en 4"]);
    let energy = stats.iter().find(|row| row["key"] == "energy").unwrap();
    assert_eq!((&energy["by"], &energy["count"], &energy["share"]), (&"topic".into(), &1.into(), &0.25.into()));
    assert_eq!(energy["name"], "Oil, gas, power and nuclear");
    let kazakhstan = stats.iter().find(|row| row["key"] == "KZ").unwrap();
    assert_eq!((&kazakhstan["by"], &kazakhstan["name"]), (&"country".into(), &"Kazakhstan".into()));
    let days: u64 = stats.iter().filter(|row| row["by"] == "day").map(|row| row["count"].as_u64().unwrap()).sum();
    assert_eq!(days, 4);
    assert_eq!(rows(&dir.json(&["stats", "--by", "source", "-crude"]), "source"), ["one 3"], "words, also without");
    assert_eq!(rows(&dir.json(&["stats", "--by", "lang,event", "--source", "two"]), "event"), ["new 1"]);
    assert_eq!(dir.json(&["stats", "--by", "source", "--by", "source", "-n", "1"]).len(), 1);
    let csv = text(&dir.run(&["stats", "--by", "source", "-o", "csv"]));
    assert_eq!(csv.lines().collect::<Vec<_>>()[..2], ["by,key,name,count,share", "source,one,one,3,0.75"]);
    let json: Value = serde_json::from_str(&text(&dir.run(&["stats", "--by", "source", "-o", "json"]))).unwrap();
    assert_eq!(json[1]["key"], "two");
    let hours = dir.json(&["stats", "--by", "hour", "--since", "5h"]);
    let counted: u64 = hours.iter().map(|row| row["count"].as_u64().unwrap()).sum();
    assert!((5..=7).contains(&hours.len()) && counted == 4, "hours without records are zero: {hours:?}");
}

#[test]
fn what_became_of_entries_is_counted_by_day() {
    let (dir, _site) = store();
    let outcomes = dir.json(&["stats", "--by", "outcome,reason", "--since", "2d"]);
    assert_eq!(rows(&outcomes, "outcome"), ["new 4", "dead-letter 1", "rejected 1"]);
    assert_eq!(rows(&outcomes, "reason"), ["not-html 1"]);
    let both = dir.json(&["stats", "--by", "source,outcome,lang"]);
    let order: Vec<&str> = both.iter().map(|row| row["by"].as_str().unwrap()).collect();
    assert_eq!(order, ["source", "source", "outcome", "outcome", "outcome", "language"], "as asked");
    let none = dir.run(&["stats", "--by", "outcome", "--until", "2020-01-01"]);
    assert_eq!((none.status.code(), text(&none).as_str()), (Some(3), ""));
    for arguments in
        [["--by", "outcome", "oil"], ["--by", "reason", "topic:energy"], ["--by=outcome", "--source", "one"]]
    {
        let refused = dir.run(&[&["stats"], &arguments[..]].concat());
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&refused).contains("without words and other filters"), "{}", stderr(&refused));
    }
    assert_eq!(dir.status()["today"]["outcomes"]["new"], 4);
    assert!(text(&dir.run(&["status", "-o", "table"])).contains("1 dead-letter, 4 new, 1 rejected"));
}

#[test]
fn on_a_terminal_counts_are_drawn_and_nothing_hostile_gets_there() {
    let (dir, _site) = store();
    let plain = |arguments: &[&str]| {
        let shown = on_terminal(&dir, arguments);
        let shown = ["\u{1b}[1m", "\u{1b}[2m", "\u{1b}[36m", "\u{1b}[0m", "\r"]
            .iter()
            .fold(shown, |shown, ours| shown.replace(ours, ""));
        assert!(!shown.contains(is_obeyed), "{shown:?}");
        shown
    };
    let overview = plain(&["stats"]);
    for part in
        ["4 records\n", "·█  at most 4 a day", "Kazakhstan (KZ)", "Oil, gas, power and nuclear (energy)", "75.0%  ██"]
    {
        assert!(overview.contains(part), "{part}: {overview}");
    }
    assert!(overview.lines().all(|line| line.chars().count() <= 100), "{overview}");
    let hours = plain(&["stats", "--by", "hour"]);
    assert!(hours.starts_with("HOURS") && hours.contains('█'), "{hours}");
    let outcomes = plain(&["stats", "--by", "outcome"]);
    assert!(outcomes.contains("dead-letter") && outcomes.contains("counted since 20"), "{outcomes}");
    let many = plain(&["stats", "--by", "source", "-n", "1"]);
    assert!(many.contains("1 more with `--by source --limit 2`"), "{many}");
    for format in ["json", "ndjson", "csv", "cat"] {
        assert!(!plain(&["stats", "-o", format]).is_empty());
    }
}

#[test]
fn a_wrong_question_is_refused_and_no_answer_is_told() {
    let (dir, _site) = store();
    for (arguments, said) in [
        (["--by", "colour"], "possible values: day, hour, topic"),
        (["topic:enrgy", "gas"], "energy"),
        (["--limit", "0"], "--limit"),
        (["--since", "someday"], "is no time"),
    ] {
        let refused = dir.run(&[&["stats"], &arguments[..]].concat());
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&refused).contains(said), "{arguments:?}: {}", stderr(&refused));
    }
    let nothing = dir.run(&["stats", "nosuchword"]);
    assert_eq!(
        (nothing.status.code(), rows(&json_lines(&nothing.stdout), "total")),
        (Some(3), vec!["null 0".to_owned()])
    );
}
