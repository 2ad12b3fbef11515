//! Changed rules reach what is stored: labelled anew once, whatever happens on the way, and every label explained.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::asking::{on_terminal, terminal};
use crate::dir::{DEADLINE, Dir, Running, is_obeyed, json_lines, source, stderr, text, wait_for};
use crate::site::{Item, Reply, Site, article, story};

/// A topic that every story of the site has.
fn canals(threshold: f64) -> String {
    format!(
        "name = \"Canals and pumps\"\nthreshold = {threshold}\n\n[terms]\nen = [\"canal*\", \"pumps\", \"line* with \
         concrete\", {{ term = \"brigade\", weight = 0.5 }}]\n"
    )
}

const NEVER: f64 = 90.0;
const RULE: &str = "rules/topics/canals.toml";

/// A store with so many articles, none of which has the topic; `chapar reclassify` would give it to all.
fn recorded(articles: usize) -> (Dir, Site) {
    let site = Site::start();
    site.publish(1..=articles);
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    dir.write(RULE, &canals(NEVER));
    assert!(dir.run(&["once"]).status.success());
    assert_eq!(dir.records().len(), articles);
    dir.write(RULE, &canals(0.5));
    (dir, site)
}

fn summary(dir: &Dir, arguments: &[&str]) -> Value {
    dir.json(&[&["reclassify", "-o", "json"], arguments].concat()).remove(0)
}

fn topics(record: &Value) -> Vec<&str> {
    record["topics"].as_array().unwrap().iter().map(|topic| topic["id"].as_str().unwrap()).collect()
}

fn counts_add_up(dir: &Dir) {
    let counts = dir.status()["counts"].clone();
    let settled: u64 = counts["outcomes"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
    assert_eq!(counts["admitted"], settled + counts["pending"].as_u64().unwrap(), "{counts}");
}

/// Every article has one new version, and no line of the log is twice in the directory.
fn relabelled_once(dir: &Dir, articles: usize) {
    let relabels = dir.json(&["query", "event:relabel"]);
    let mut by_id: BTreeMap<&str, u64> = BTreeMap::new();
    relabels.iter().for_each(|record| *by_id.entry(record["id"].as_str().unwrap()).or_default() += 1);
    assert_eq!(by_id.len(), articles, "{by_id:?}");
    assert!(by_id.values().all(|count| *count == 1), "{by_id:?}");
    assert!(relabels.iter().all(|record| record["version"] == 2 && record["replaces"] == 1));
    assert_eq!(dir.json(&["query", "--topic", "canals"]).len(), articles);
}

#[test]
fn changed_rules_reach_what_is_stored() {
    let (dir, _site) = recorded(3);
    let before = dir.json(&["query", "--reverse"]);
    let shown = summary(&dir, &["--dry-run"]);
    assert_eq!((&shown["looked_at"], &shown["changed"], &shown["written"]), (&3.into(), &3.into(), &0.into()));
    let gained = serde_json::json!({ "kind": "topic", "label": "canals", "gained": 3, "lost": 0 });
    assert!(shown["labels"].as_array().unwrap().contains(&gained), "{shown}");
    assert_eq!(shown["examples"][0]["id"], before[0]["id"]);
    assert_eq!(dir.json(&["query", "--reverse"]), before, "only shown");
    let table = text(&dir.run(&["reclassify", "--dry-run"]));
    assert!(table.starts_with("{\"looked_at\""), "a pipe gets JSON: {table}");
    let table = text(&dir.run(&["reclassify", "--dry-run", "-o", "table"]));
    for expected in ["3 articles looked at", "LABEL", "canals", "Canal of district ", "topics: "] {
        assert!(table.contains(expected), "{expected}: {table}");
    }
    let csv = text(&dir.run(&["reclassify", "--dry-run", "-o", "csv"]));
    assert!(csv.starts_with("kind,label,gained,lost\n") && csv.contains("topic,canals,3,0\n"), "{csv}");

    let written = summary(&dir, &["--yes"]);
    assert_eq!((&written["written"], &written["dropped"]), (&3.into(), &0.into()));
    relabelled_once(&dir, 3);
    counts_add_up(&dir);
    let id = before[0]["id"].as_str().unwrap();
    let newest = dir.json(&["show", id]).remove(0);
    assert!(topics(&newest).contains(&"canals"), "{newest}");
    assert_eq!((&newest["event"], &newest["rules"]["digest"]), (&"relabel".into(), &written["rules"]));
    let labels = ["seq", "version", "event", "replaces", "recorded_at", "rules", "chapar"];
    let labels = labels.into_iter().chain(["language", "language_confidence", "places", "topics"]);
    let [mut old, mut new] = [before[0].clone(), newest];
    for key in labels {
        old.as_object_mut().unwrap().remove(key);
        new.as_object_mut().unwrap().remove(key);
    }
    assert_eq!(old, new, "all else is the same");
    let events: Vec<Value> =
        dir.json(&["show", id, "--history"]).iter().map(|version| version["event"].clone()).collect();
    assert_eq!(events, ["new", "relabel"]);
    let changed = text(&dir.run(&["show", id, "--diff"]));
    assert!(
        changed.contains("The text is the same.") && changed.contains("topics: ") && changed.contains("canals"),
        "{changed}"
    );
    assert_eq!(dir.json(&["query"]).len(), 3, "an article is found once");
    assert!(topics(&dir.json(&["show", id, "--version", "1"])[0]).iter().all(|topic| *topic != "canals"));
    let again = summary(&dir, &["--yes"]);
    assert_eq!((&again["looked_at"], &again["changed"], &again["written"]), (&3.into(), &0.into(), &0.into()));

    assert!(dir.run(&["once"]).status.success());
    let delivered = dir.records();
    let relabels = delivered.iter().filter(|record| record["event"] == "relabel").count();
    assert_eq!((delivered.len(), relabels), (6, 3), "each line once");
    std::fs::remove_dir_all(dir.path("store/sled")).unwrap();
    std::fs::create_dir(dir.path("store/sled")).unwrap();
    relabelled_once(&dir, 3);
    assert_eq!(summary(&dir, &["--dry-run"])["changed"], 0, "a rebuilt store knows the newest versions");
    counts_add_up(&dir);
}

#[test]
fn an_update_after_new_labels_goes_on_with_the_versions() {
    let (dir, site) = recorded(1);
    assert_eq!(summary(&dir, &["--yes"])["written"], 1);
    site.put("/a/1", article("Canal of district 1 carries water again", &story(7)));
    let item = Item { summary: "Another summary.".to_owned(), ..Item::new(&site.url("/a/1"), "Canal") };
    site.put("/feed.xml", Reply::rss(&[item]));
    assert!(dir.run(&["once"]).status.success());
    let newest = dir.json(&["query"]).remove(0);
    assert_eq!((&newest["version"], &newest["replaces"], &newest["event"]), (&3.into(), &2.into(), &"update".into()));
    assert!(topics(&newest).contains(&"canals"));
    counts_add_up(&dir);
}

#[test]
fn it_asks_first_and_without_a_terminal_wants_to_be_told() {
    let (dir, _site) = recorded(1);
    let refused = dir.run(&["reclassify"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("--yes") && stderr(&refused).contains("--dry-run"), "{}", stderr(&refused));
    assert_eq!(dir.run(&["reclassify", "--yes", "--dry-run"]).status.code(), Some(2));
    assert_eq!(dir.run(&["reclassify", "--dry-run", "--since", "soon"]).status.code(), Some(2));
    assert_eq!(summary(&dir, &["--dry-run", "--since", "1h"])["changed"], 1);
    let later = summary(&dir, &["--yes", "--since", "2999-01-01"]);
    assert_eq!((&later["looked_at"], &later["written"]), (&0.into(), &0.into()));
    assert_eq!(dir.run(&["query", "event:relabel"]).status.code(), Some(3), "nothing was written");
    let shown = on_terminal(&dir, &["reclassify", "--dry-run"]);
    assert!(shown.contains("1 articles looked at") && !shown.contains("[y/N]"), "{shown}");
}

/// What a person sees who answers the question so, and the exit code.
fn answered(dir: &Dir, answer: &str) -> (String, Option<i32>) {
    let (mut primary, secondary) = terminal();
    let mut command = dir.command(&["reclassify"]);
    let [stdin, stderr] = [(); 2].map(|()| secondary.try_clone().unwrap());
    let mut running = Running { child: command.stdin(stdin).stdout(secondary).stderr(stderr).spawn().unwrap() };
    drop(command);
    primary.write_all(answer.as_bytes()).unwrap();
    let mut shown = Vec::new();
    let _ = primary.read_to_end(&mut shown);
    (String::from_utf8(shown).unwrap(), running.exit_code())
}

#[test]
fn only_a_yes_writes() {
    let (dir, _site) = recorded(2);
    for answer in ["n\n", "\n", "maybe\n"] {
        let (shown, code) = answered(&dir, answer);
        assert_eq!(code, Some(1), "{shown}");
        assert!(shown.contains("2 articles looked at"), "the difference comes first: {shown}");
        assert!(shown.contains("Write 2 new versions? [y/N]") && shown.contains("nothing was written"), "{shown}");
        assert_eq!(dir.run(&["query", "event:relabel"]).status.code(), Some(3));
    }
    let (shown, code) = answered(&dir, "y\n");
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("2 new versions written by rules"), "{shown}");
    relabelled_once(&dir, 2);
    let (shown, code) = answered(&dir, "");
    assert_eq!(code, Some(0));
    assert!(!shown.contains("[y/N]"), "there is nothing to ask: {shown}");
}

#[test]
fn the_daemon_labels_by_its_rules_and_says_when_they_are_older() {
    let (dir, _site) = recorded(3);
    dir.write(RULE, &canals(NEVER));
    let daemon = dir.daemon();
    let in_force = summary(&dir, &["--dry-run"]);
    assert_eq!(in_force["changed"], 0);
    dir.write(RULE, &canals(0.5));
    for arguments in [["reclassify", "--dry-run"], ["reclassify", "--yes"]] {
        let refused = dir.run(&arguments);
        assert_eq!(refused.status.code(), Some(1));
        assert!(stderr(&refused).contains("run `chapar reload` first"), "{}", stderr(&refused));
    }
    assert!(dir.run(&["reload"]).status.success());
    let written = summary(&dir, &["--yes"]);
    assert_eq!(written["written"], 3);
    assert_ne!(written["rules"], in_force["rules"]);
    relabelled_once(&dir, 3);
    wait_for("the new versions in the directory", || (dir.records().len() == 6).then_some(()));
    counts_add_up(&dir);
    assert_eq!(daemon.stop(), Some(0), "the committer is not kept from ending");
    assert_eq!(dir.records().len(), 6);
}

#[test]
fn a_reload_puts_changed_rules_in_force_and_broken_ones_not() {
    let (dir, site) = recorded(1);
    dir.write(RULE, &canals(NEVER));
    let daemon = dir.daemon();
    let record = |title: &str| {
        let query = format!("title:\"{title}\"");
        wait_for(title, || {
            let found = dir.run(&["query", &query]);
            found.status.success().then(|| json_lines(&found.stdout).remove(0))
        })
    };
    site.publish(1..=2);
    let second = record("district 2");
    assert!(!topics(&second).contains(&"canals"));
    dir.write(RULE, &canals(0.5));
    assert!(dir.run(&["reload"]).status.success());
    site.publish(1..=3);
    let third = record("district 3");
    assert!(topics(&third).contains(&"canals"), "{third}");
    assert_ne!(second["rules"]["digest"], third["rules"]["digest"]);
    dir.write(RULE, "name = \"Canals\"\nthreshold = \"high\"\n");
    let refused = dir.run(&["reload"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("canals.toml:2"), "{}", stderr(&refused));
    daemon.signal(libc::SIGHUP);
    wait_for("the refusal in the log", || dir.log().contains("old settings go on").then_some(()));
    site.publish(1..=4);
    let fourth = record("district 4");
    assert_eq!(fourth["rules"], third["rules"], "the old rules go on");
    assert!(topics(&fourth).contains(&"canals"));
    let refused = dir.run(&["reclassify", "--dry-run"]);
    assert_eq!(refused.status.code(), Some(1), "{}", stderr(&refused));
    assert_eq!(daemon.stop(), Some(0));
}

/// Bytes of the log.
fn log_bytes(dir: &Dir) -> u64 {
    std::fs::read_dir(dir.path("store/log")).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum()
}

/// Labels anew, and kills who writes as soon as the log has grown, and a little later in later rounds: between the frame and
/// what the key tables hear of it, or after it.
fn killed_while_it_writes(dir: &Dir, round: u64, daemon: Option<Running>) {
    let before = log_bytes(dir);
    let mut command = dir.command(&["reclassify", "--yes"]);
    let mut asking = Running { child: command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap() };
    let started = std::time::Instant::now();
    while log_bytes(dir) == before && asking.child.try_wait().unwrap().is_none() {
        assert!(started.elapsed() < DEADLINE, "it writes nothing");
        std::thread::sleep(Duration::from_micros(100));
    }
    std::thread::sleep(Duration::from_millis(round));
    daemon.iter().for_each(|daemon| daemon.signal(libc::SIGKILL));
    asking.signal(libc::SIGKILL);
}

#[test]
fn killed_again_and_again_every_article_is_labelled_anew_once() {
    const ARTICLES: usize = 350;
    let (dir, _site) = recorded(ARTICLES);
    let mut left = vec![ARTICLES as u64];
    for round in 0..4 {
        // By turns it writes itself, and asks a daemon to.
        let daemon = (round % 2 == 1).then(|| dir.daemon());
        killed_while_it_writes(&dir, round, daemon);
        left.push(summary(&dir, &["--dry-run"])["changed"].as_u64().unwrap());
    }
    assert!(left.is_sorted_by(|before, after| before >= after) && left[1] < left[0], "{left:?}");
    let rest = summary(&dir, &["--yes"]);
    assert_eq!((&rest["looked_at"], &rest["written"]), (&ARTICLES.into(), &left[4].into()));
    relabelled_once(&dir, ARTICLES);
    assert_eq!(summary(&dir, &["--dry-run"])["changed"], 0);
    assert!(dir.run(&["once"]).status.success());
    let mut seqs: Vec<u64> = dir.records().iter().map(|record| record["seq"].as_u64().unwrap()).collect();
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=2 * ARTICLES as u64).collect::<Vec<_>>(), "each line once in the directory");
    counts_add_up(&dir);
}

#[test]
fn who_goes_away_stops_it() {
    let (dir, _site) = recorded(60);
    let daemon = dir.daemon();
    assert!(dir.run(&["reload"]).status.success());
    let mut command = dir.command(&["reclassify", "--yes"]);
    let mut asking = Running { child: command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap() };
    asking.signal(libc::SIGKILL);
    asking.exit_code();
    // Nobody else labels now, or does so no more in a moment.
    wait_for("its end", || {
        let again = dir.run(&["reclassify", "--yes"]);
        again.status.success().then_some(())
    });
    relabelled_once(&dir, 60);
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn every_label_of_a_record_is_explained() {
    let (dir, _site) = recorded(1);
    let id = dir.json(&["query"])[0]["id"].as_str().unwrap().to_owned();
    let page = text(&dir.run(&["explain", &id[..8]]));
    for expected in [
        "[Canal] of district 1",
        "Language",
        "canals: Canals and pumps, score",
        "TERM",
        "canal*",
        "Topics not given",
        "Way",
        "canal (canal), http://127.0.0.1",
        "it was labelled by",
        "labelled anew, topics:",
        "see `chapar reclassify --dry-run`",
    ] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    assert!(!page.contains(is_obeyed), "{page:?}");
    let coloured = on_terminal(&dir, &["explain", &id]);
    assert!(coloured.contains("\u{1b}[33mCanal\u{1b}[0m"), "{coloured:?}");
    let json = dir.json(&["explain", &id, "-o", "json"]).remove(0);
    assert_eq!(json["changes"][0]["kind"], "topic");
    let explained = json["explanation"]["topics"].as_array().unwrap();
    assert!(explained.iter().any(|topic| topic["id"] == "canals" && topic["given"] == true), "{json}");
    let csv = text(&dir.run(&["explain", &id, "-o", "csv"]));
    assert!(
        csv.starts_with("topic,given,term,form,field,count,weight,gain\n") && csv.contains("\ncanals,true,"),
        "{csv}"
    );
    assert_eq!(dir.run(&["explain", "777777777777"]).status.code(), Some(3));

    assert_eq!(summary(&dir, &["--yes"])["written"], 1);
    let daemon = dir.daemon();
    let page = text(&dir.run(&["explain", &id]));
    assert!(page.contains("by which it was labelled") && page.contains("would have the same labels"), "{page}");
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn any_text_is_explained() {
    let dir = Dir::new("");
    dir.write(RULE, &canals(0.5));
    dir.write(
        "plain.txt",
        "The canal is repaired\n\nThe pumps of the \u{1b}[2Jcanal work again, and the farmers wait for water.",
    );
    let line =
        |id: u8, text: &str| serde_json::json!({ "id": id, "title": "A title", "content_text": text }).to_string();
    dir.write(
        "lines.ndjson",
        &format!("{}\n\nno json\n{}\n", line(1, "The canal and its pumps."), line(2, "Nothing.")),
    );
    let page = text(&dir.run(&["classify", "--explain", "plain.txt"]));
    for expected in ["plain.txt", "The [canal] is repaired", "[pumps]", "canals: Canals and pumps", "Language"] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    assert!(!page.contains(is_obeyed), "{page:?}");
    let output = dir.run(&["classify", "--explain", "-o", "json", "lines.ndjson"]);
    assert_eq!(output.status.code(), Some(1), "one line is none");
    assert!(stderr(&output).contains("lines.ndjson: line 3: expected"), "{}", stderr(&output));
    let lines = json_lines(&output.stdout);
    assert_eq!((lines.len(), &lines[0]["id"], &lines[1]["id"]), (2, &1.into(), &2.into()));
    assert!(lines[0]["marks"].as_array().is_some_and(|marks| !marks.is_empty()));
    assert_eq!(dir.run(&["classify", "-o", "json", "lines.ndjson"]).status.code(), Some(2));
}
