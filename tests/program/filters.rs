//! The filters: one line per input in input order, whatever the inputs are, and no store or network.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::dir::{Dir, Running, json_lines, wait_for};
use crate::site::{Item, Reply, article, story};

/// A folder without settings and with one input of each kind.
fn folder() -> Dir {
    let dir = Dir::new("");
    std::fs::remove_file(dir.path("chapar.toml")).unwrap();
    let bytes = |reply: Reply| String::from_utf8(reply.body).unwrap();
    dir.write("feed.xml", &bytes(Reply::rss(&[Item::new("http://site.example/a/1", "Canal")])));
    dir.write("page.html", &bytes(article("Canal of district 1 carries water again", &story(1))));
    let link =
        |number| format!("<li><a href=\"/news/2026/canal-{number}\">Canal of district {number} carries water</a></li>");
    let list: String = (1..=8).map(link).collect();
    dir.write("list.html", &format!("<html><body><main><ul>{list}</ul></main></body></html>"));
    dir.write("text.txt", "Skip to content\n\nThe canal carries water again.\n");
    let line = |id: &str, text: &str| format!("{}\n", serde_json::json!({ "id": id, "content_text": text }));
    dir.write("texts.ndjson", &(line("a", &story(1)) + &line("b", &story(2)) + &line("c", &story(1))));
    dir.write("document.pdf", "%PDF-1.7\n1 0 obj\n");
    dir.write("login.html", "<!doctype html><html><body>Please log in</body></html>");
    dir.write("zeros", "\0\0\0\0");
    dir.write("empty", "");
    dir.write(
        "broken.ndjson",
        "{\"id\": \"a\", \"content_text\": \n{\"id\": \"b\", \"content_text\": \"Water.\"}\n[1]\n",
    );
    dir
}

fn lines(output: &Output) -> Vec<Value> {
    json_lines(&output.stdout)
}

fn files(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["file"].as_str().unwrap()).collect()
}

fn keys(line: &Value) -> BTreeSet<&str> {
    line.as_object().unwrap().keys().map(String::as_str).collect()
}

/// The output of a filter that is given its input on stdin.
fn piped(mut command: Command, input: &[u8]) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

const URL: [&str; 2] = ["--url", "http://site.example/news"];

#[test]
fn each_filter_gives_the_fields_of_its_table() {
    let dir = folder();
    let page = [
        "file",
        "url",
        "title",
        "summary",
        "content_text",
        "authors",
        "language",
        "tags",
        "word_count",
        "fetch",
        "extract",
    ];
    let rejected = ["file", "url", "content_text", "authors", "tags", "word_count", "fetch", "extract", "rejected"];
    let cases: [(&str, &str, &[&str], &[&str]); 8] = [
        ("feed", "feed.xml", &URL, &["file", "kind", "title", "url", "entries"]),
        ("extract", "page.html", &URL, &page),
        ("extract", "document.pdf", &URL, &rejected),
        ("listing", "list.html", &URL, &["file", "entries"]),
        ("clean", "text.txt", &[], &["file", "content_text", "repairs"]),
        ("classify", "texts.ndjson", &[], &["id", "language", "language_confidence", "places", "topics"]),
        ("dedup", "texts.ndjson", &[], &["id"]),
        ("dedup", "broken.ndjson", &[], &["file", "line", "error"]),
    ];
    for (filter, file, flags, expected) in cases {
        let output = dir.bare(&[filter, file]).args(flags).output().unwrap();
        let line = &lines(&output)[0];
        assert_eq!(keys(line), expected.iter().copied().collect(), "{filter} {file}: {line}");
    }
    let entry = &lines(&dir.bare(&["feed", "feed.xml"]).output().unwrap())[0]["entries"][0];
    assert_eq!(entry["url"], "http://site.example/a/1");
    assert_eq!(entry["date_published"], "2026-11-20T08:00:00+05:00");
    let listed = &lines(&dir.bare(&["listing", "list.html"]).args(URL).output().unwrap())[0]["entries"];
    assert_eq!(listed.as_array().unwrap().len(), 8);
    assert_eq!(listed[0]["url"], "http://site.example/news/2026/canal-1");
    let page = &lines(&dir.bare(&["extract", "page.html"]).output().unwrap())[0];
    assert_eq!(
        (page["title"].as_str(), page["content_text"].as_str()),
        (Some("Canal of district 1 carries water again"), Some(&*story(1)))
    );
    let clean = &lines(&dir.bare(&["clean", "text.txt"]).output().unwrap())[0];
    assert_eq!(clean["content_text"], "The canal carries water again.");
    let dedup = lines(&dir.bare(&["dedup", "texts.ndjson"]).output().unwrap());
    assert_eq!((&dedup[2]["of"], &dedup[2]["similarity"]), (&Value::from("a"), &Value::from(1.0)));
}

#[test]
fn several_files_and_stdin_give_lines_in_input_order() {
    let dir = folder();
    let cases: [(&str, &str, &[&str]); 4] = [
        ("feed", "feed.xml", &[]),
        ("extract", "page.html", &[]),
        ("listing", "list.html", &URL),
        ("clean", "text.txt", &[]),
    ];
    for (filter, file, flags) in cases {
        let stdin = std::fs::read(dir.path(file)).unwrap();
        let mut command = dir.bare(&[filter, file, "-", file]);
        command.args(flags);
        let output = piped(command, &stdin);
        assert_eq!(output.status.code(), Some(0), "{filter}");
        let lines = lines(&output);
        assert_eq!(files(&lines), [file, "-", file]);
        assert!(output.stdout.starts_with(b"{\"file\":"), "file comes first");
        let content = |line: &Value| {
            let mut content = line.clone();
            content["file"].take();
            content
        };
        assert_eq!(content(&lines[0]), content(&lines[1]), "{filter}");
    }
    for filter in ["clean", "classify", "dedup"] {
        let output = piped(dir.bare(&[filter]), b"{\"id\": 7, \"content_text\": \"Water.\"}");
        assert_eq!((output.status.code(), lines(&output).len()), (Some(0), 1), "{filter} reads stdin");
    }
}

#[test]
fn a_bad_input_stops_no_other_and_fails_at_the_end() {
    let dir = folder();
    let bad = ["absent", ".", "login.html", "document.pdf", "zeros", "empty"];
    let cases: [(&str, &str, &[&str], &[&str]); 6] = [
        ("feed", "feed.xml", &[], &bad),
        ("listing", "list.html", &URL, &bad),
        // What is no article is no error.
        ("extract", "page.html", &[], &bad[..2]),
        ("clean", "text.txt", &[], &bad[..2]),
        ("classify", "texts.ndjson", &[], &["absent", ".", "document.pdf", "zeros", "broken.ndjson"]),
        ("dedup", "texts.ndjson", &[], &["absent", ".", "document.pdf", "zeros", "broken.ndjson"]),
    ];
    for (filter, good, flags, bad) in cases {
        for bad in bad {
            let output = dir.bare(&[filter, good, bad, good]).args(flags).output().unwrap();
            assert_eq!(output.status.code(), Some(1), "{filter} {bad}");
            assert!(output.stderr.is_empty(), "{filter} {bad}: {}", String::from_utf8_lossy(&output.stderr));
            let lines = lines(&output);
            let errors: Vec<usize> = (0..lines.len()).filter(|index| lines[*index].get("error").is_some()).collect();
            let first = if matches!(filter, "classify" | "dedup") { 3 } else { 1 };
            assert_eq!(errors.first(), Some(&first), "{filter} {bad}: {lines:?}");
            assert_eq!(lines[first]["file"], *bad);
            assert!(lines.last().unwrap().get("error").is_none(), "{filter} {bad}: the last input is read");
        }
    }
    let output = dir.bare(&["dedup", "broken.ndjson"]).output().unwrap();
    let positions: Vec<Option<u64>> = lines(&output).iter().map(|line| line["line"].as_u64()).collect();
    assert_eq!(positions, [Some(1), None, Some(3)]);
}

#[test]
fn a_page_that_is_no_article_is_rejected_and_no_error() {
    let dir = folder();
    let output = dir.bare(&["extract", "login.html", "document.pdf", "empty", "page.html"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let rejected: Vec<Value> = lines(&output).iter().map(|line| line["rejected"].clone()).collect();
    assert_eq!(rejected, [Value::from("too-short"), Value::from("not-html"), Value::from("empty"), Value::Null]);
}

#[test]
fn what_was_counted_of_a_generated_text_is_shown() {
    let dir = folder();
    let remark = "<p>As an AI language model, I cannot say when the canal was built.</p>";
    let page = std::fs::read_to_string(dir.path("page.html")).unwrap();
    let generated = page.replace("</article>", &format!("{remark}</article>"));
    assert_ne!(page, generated);
    dir.write("generated.html", &generated);
    let output = dir.bare(&["extract", "page.html", "generated.html"]).output().unwrap();
    let found: Vec<Value> = lines(&output).iter().map(|line| line["quality"]["prompt_remains"].clone()).collect();
    assert_eq!(found, [Value::Null, Value::from(1)]);
}

#[test]
fn nothing_unknown_is_written_as_null() {
    let dir = folder();
    let pages = ["page.html", "login.html", "document.pdf", "zeros", "empty", "feed.xml", "absent"];
    let texts = ["texts.ndjson", "broken.ndjson", "zeros"];
    for (filter, files) in [
        ("feed", &pages[..]),
        ("extract", &pages),
        ("listing", &["list.html", "page.html"]),
        ("clean", &pages),
        ("classify", &texts),
        ("dedup", &texts),
    ] {
        let mut command = dir.bare(&[filter]);
        let flags: &[&str] = if filter == "listing" { &URL } else { &[] };
        let output = command.args(files).args(flags).output().unwrap();
        assert!(!output.stdout.is_empty());
        assert!(!String::from_utf8_lossy(&output.stdout).contains("null"), "{filter}");
    }
}

#[test]
fn a_manifest_names_files_addresses_and_types() {
    let dir = folder();
    dir.write("sub/page.html", &std::fs::read_to_string(dir.path("page.html")).unwrap());
    dir.write(
        "sub/manifest.tsv",
        "page.html\thttp://site.example/one\ttext/html\r\n\nabsent\thttp://site.example/two\npage.html\tno address\n\
         page.html\t\ttext/html\nsub/page.html\n",
    );
    let output = dir.bare(&["extract", "--manifest", "sub/manifest.tsv"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let lines = lines(&output);
    assert_eq!(files(&lines), ["page.html", "absent", "page.html", "page.html", "sub/page.html"]);
    assert_eq!(lines[0]["url"], "http://site.example/one");
    assert!(lines[1]["error"].as_str().unwrap().starts_with("No such file"));
    assert!(lines[2]["error"].as_str().unwrap().contains("\"no address\" is not an address"));
    assert!(lines[3].get("url").is_none() && lines[3]["title"] == lines[4]["title"]);
    dir.write("feeds.tsv", "feed.xml\thttp://site.example/feed\tapplication/rss+xml\nlogin.html\n");
    let output = dir.bare(&["feed", "--manifest", "feeds.tsv"]).output().unwrap();
    assert_eq!((output.status.code(), self::lines(&output).len()), (Some(1), 2));
    dir.write("lists.tsv", "list.html\thttp://site.example/\nlist.html\n");
    let output = dir.bare(&["listing", "--manifest", "lists.tsv"]).output().unwrap();
    let lines = self::lines(&output);
    assert_eq!(lines[0]["entries"][0]["url"], "http://site.example/news/2026/canal-1");
    assert!(lines[1]["error"].as_str().unwrap().contains("--url"));
    let absent = dir.bare(&["feed", "--manifest", "absent.tsv"]).output().unwrap();
    assert_eq!(absent.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&absent.stderr).contains("absent.tsv: No such file"));
}

#[test]
fn wrong_flags_are_usage_errors() {
    let dir = folder();
    dir.write("manifest.tsv", "page.html\n");
    let cases: [&[&str]; 8] = [
        &["extract"],
        &["feed"],
        &["extract", "page.html", "--rules", "nosuchsite"],
        &["listing", "list.html", "--url", "http://site.example/", "--rules", "nosuchsite"],
        &["extract", "page.html", "--url", "no address"],
        &["extract", "page.html", "--fetched-at", "noon"],
        &["extract", "page.html", "--manifest", "manifest.tsv"],
        &["extract", "--url", "http://site.example/", "--manifest", "manifest.tsv"],
    ];
    for arguments in cases {
        let output = dir.bare(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn rules_are_those_of_the_settings_that_are_named() {
    let dir = folder();
    dir.write("chapar.toml", "");
    dir.write("rules/sites/own.toml", "hosts = [\"own.example\"]\n[article]\nbody = \"aside\"\n");
    let aside = story(7);
    let page = format!("<html><body><article><p>Short.</p></article><aside><p>{aside}</p></aside></body></html>");
    dir.write("aside.html", &page);
    let text = |flags: &[&str]| {
        let output = dir.bare(&["extract", "aside.html"]).args(flags).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        lines(&output)[0].clone()
    };
    let own = text(&["--config", "chapar.toml", "--rules", "own"]);
    assert_eq!(own["extract"]["site_rule"], "own");
    assert!(own["content_text"].as_str().unwrap().contains("head of brigade 7"));
    let by_host = text(&["--config", "chapar.toml", "--url", "https://www.own.example/a"]);
    assert_eq!(by_host["extract"]["site_rule"], "own");
    assert!(text(&["--url", "https://own.example/a"])["extract"].get("site_rule").is_none());
    let listing = dir.bare(&["listing", "list.html", "--config", "chapar.toml", "--rules", "own"]).args(URL).output();
    let listing = listing.unwrap();
    assert_eq!(listing.status.code(), Some(2), "own.toml has no [listing]");
    assert!(String::from_utf8_lossy(&listing.stderr).contains("has no [listing]"));
}

#[test]
fn the_time_of_fetching_dates_what_is_said_to_be_of_today() {
    let dir = folder();
    let page = String::from_utf8(article("Canal carries water", &story(1)).body).unwrap();
    dir.write("page.html", &page.replace("</h1>", "</h1><p class=\"date\">Today, 09:51</p>"));
    let page = |flags: &[&str]| lines(&dir.bare(&["extract", "page.html"]).args(flags).output().unwrap()).remove(0);
    let dated = page(&["--fetched-at", "2026-11-20T10:00:00Z"]);
    assert_eq!(dated["date_published"], "2026-11-20T09:51:00+00:00");
    assert_eq!(dated["date_precision"], "minute");
    assert!(page(&[]).get("date_published").is_none(), "a filter has no clock");
}

#[test]
fn an_input_that_is_too_large_is_refused() {
    let dir = folder();
    std::fs::File::create(dir.path("large")).unwrap().set_len((64 << 20) + 1).unwrap();
    for filter in ["feed", "extract", "clean", "dedup"] {
        let output = dir.bare(&[filter, "large"]).output().unwrap();
        let lines = lines(&output);
        assert_eq!((output.status.code(), lines.len()), (Some(1), 1), "{filter}: {lines:?}");
        assert_eq!(lines[0]["error"], "larger than 67108864 bytes");
    }
}

#[test]
fn a_reader_that_leaves_is_a_success() {
    let dir = folder();
    let many = "{\"id\": 1, \"content_text\": \"The canal carries water again.\"}\n".repeat(5_000);
    dir.write("many.ndjson", &many);
    let manifest = |file: &str| format!("{file}\thttp://site.example/\n").repeat(500);
    for (name, file) in [("feeds", "feed.xml"), ("pages", "page.html"), ("lists", "list.html")] {
        dir.write(name, &manifest(file));
    }
    let clean = ["clean"].into_iter().chain(std::iter::repeat_n("many.ndjson", 50)).collect::<Vec<_>>();
    let cases: [&[&str]; 6] = [
        &["feed", "--manifest", "feeds"],
        &["extract", "--manifest", "pages"],
        &["listing", "--manifest", "lists"],
        &clean,
        &["classify", "many.ndjson"],
        &["dedup", "many.ndjson"],
    ];
    for arguments in cases {
        let mut command = dir.bare(arguments);
        command.stdout(Stdio::piped()).stderr(std::fs::File::create(dir.path("stderr")).unwrap());
        let mut running = Running { child: command.spawn().unwrap() };
        let first = running.lines().next().unwrap();
        assert!(serde_json::from_str::<Value>(&first).is_ok());
        assert_eq!(running.exit_code(), Some(0), "{}", arguments[0]);
        assert_eq!(std::fs::read_to_string(dir.path("stderr")).unwrap(), "", "{}", arguments[0]);
    }
}

#[test]
fn texts_are_answered_line_by_line() {
    let dir = folder();
    for filter in ["classify", "dedup"] {
        let mut command = dir.bare(&[filter, "-"]);
        let mut running = Running { child: command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap() };
        let mut input = running.child.stdin.take().unwrap();
        let output = BufReader::new(running.child.stdout.take().unwrap());
        let (answer, answers) = std::sync::mpsc::channel();
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| answer.send(line)));
        for number in 1..=3 {
            writeln!(input, "{{\"id\": {number}, \"content_text\": \"The canal carries water again.\"}}").unwrap();
            let line = wait_for("the answer to one line", || answers.try_recv().ok());
            assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["id"], number, "{filter}");
        }
        drop(input);
        assert_eq!(running.exit_code(), Some(0));
    }
}

const CANAL: &str = "Водники Нарынской области запустили отремонтированный канал, который двадцать лет стоял без воды. Его \
    протяжённость девять километров, он орошает поля четырёх сёл.\n\nДно выложили бетонными плитами, а старые деревянные \
    затворы заменили стальными. Работы вели зимой, чтобы успеть до посева, рассказал главный инженер Бакыт Эсенов.\n\n\
    Крестьяне уже договорились об очереди на полив. Каждое хозяйство получит воду дважды в неделю, а плату за неё не будут \
    повышать три года. Осенью строители обещают вернуться и закончить последний участок у моста.";

const RATES: &str = "Национальный банк установил официальные курсы валют на вторник. Доллар стоит 87,45 сома, евро 101,23 сома, \
    рубль 1,08 сома, тенге 0,16 сома. Коммерческие банки столицы покупают доллар по 87,20 сома и продают по 87,60 сома. \
    Официальный курс нужен для расчётов с бюджетом и таможней.";

/// What `dedup` answers to lines.
fn deduplicated(lines: &[Value]) -> Vec<Value> {
    let input: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let dir = Dir::new("");
    let output = piped(dir.bare(&["dedup"]), input.as_bytes());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    json_lines(&output.stdout)
}

#[test]
fn near_copies_name_the_first_line_of_their_story() {
    let wrapped = format!(
        "ОШ, 21 ноября. Новости юга. {CANAL}\n\nПодпишитесь на наш канал и узнавайте новости первыми. При использовании \
         материалов ссылка на сайт обязательна, полное копирование запрещено."
    );
    let (shorter, _) = wrapped.split_once("Осенью").unwrap();
    let copy_of_copy =
        format!("Вода пришла в сёла\n{}", shorter.replace("Водники", "Рабочие").replace("зимой", "в январе"));
    let broken: String = CANAL.bytes().map(char::from).collect();
    let twin = RATES.replace("87,", "89,").replace("101,23", "98,11").replace("1,08", "0,97");
    let lines = deduplicated(&[
        json!({ "id": 1, "content_text": CANAL }),
        json!({ "id": "rates", "content_text": RATES }),
        json!({ "id": "wrapped", "content_text": wrapped }),
        json!({ "id": "copy of a copy", "content_text": copy_of_copy }),
        json!({ "id": "broken", "content_text": broken }),
        json!({ "id": "cased", "content_text": wrapped.to_uppercase() }),
        json!({ "id": "twin", "content_text": twin }),
        json!({ "id": "ten words", "content_text": "Водники Нарынской области запустили отремонтированный канал, который двадцать лет стоял" }),
        json!({ "id": "its prefix", "content_text": "Водники Нарынской области запустили отремонтированный канал, который двадцать лет" }),
        json!({ "id": "empty", "content_text": "" }),
    ]);
    let of = |line: &Value| (line["id"].clone(), line["of"].clone());
    let expected = [
        (json!(1), Value::Null),
        (json!("rates"), Value::Null),
        (json!("wrapped"), json!(1)),
        (json!("copy of a copy"), json!(1)),
        (json!("broken"), json!(1)),
        (json!("cased"), json!(1)),
        (json!("twin"), Value::Null),
        (json!("ten words"), Value::Null),
        (json!("its prefix"), Value::Null),
        (json!("empty"), Value::Null),
    ];
    assert_eq!(lines.iter().map(of).collect::<Vec<_>>(), expected);
    for line in &lines {
        let similarity = line.get("similarity").map(|value| value.as_f64().unwrap());
        assert_eq!(similarity.is_some(), line.get("of").is_some(), "{line}");
        assert!(similarity.is_none_or(|similarity| (0.2..=1.0).contains(&similarity)), "{line}");
    }
    assert_eq!((&lines[2]["similarity"], &lines[4]["similarity"]), (&json!(1.0), &json!(1.0)));
    assert!(lines[3]["similarity"].as_f64() < Some(1.0), "{}", lines[3]);
}

#[test]
fn texts_that_are_said_to_be_of_two_languages_are_no_near_copies() {
    let edited = CANAL.replace("зимой", "в январе");
    let lines = deduplicated(&[
        json!({ "id": "a", "content_text": CANAL, "language": "ru" }),
        json!({ "id": "b", "content_text": edited, "language": "ky" }),
        json!({ "id": "d", "content_text": format!("Вчера. {edited}") }),
    ]);
    let of: Vec<&Value> = lines.iter().map(|line| &line["of"]).collect();
    assert_eq!(of[..2], [&Value::Null, &Value::Null]);
    assert!(of[2] == "a" || of[2] == "b", "{}", lines[2]);
}

#[test]
fn a_line_without_an_id_is_an_error_and_no_original() {
    let dir = Dir::new("");
    let text = |id: Value| format!("{}\n", json!({ "id": id, "content_text": CANAL }));
    let input = text(Value::Null) + &text(json!("a")) + &text(json!("b"));
    let output = piped(dir.bare(&["dedup"]), input.as_bytes());
    assert_eq!(output.status.code(), Some(1));
    let lines = lines(&output);
    assert_eq!((&lines[0]["line"], &lines[0]["error"]), (&json!(1), &json!("id is null")));
    assert_eq!((lines[1].get("of"), &lines[2]["of"]), (None, &json!("a")));
}
