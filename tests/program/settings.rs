//! Settings and rules: every fault is exit 78 and names file, line and key; good ones are joined and overridden.

mod outputs;

use std::path::Path;

use crate::dir::{Dir, source, stderr};

/// A source and nothing else: four lines, an empty one, and the next line is 6.
const SOURCE: &str = "[[source]]\nid = \"canal\"\nurl = \"http://127.0.0.1:9/feed.xml\"\nkind = \"feed\"\n\n";

const COMMANDS: [&str; 3] = ["check", "once", "run"];

/// Settings in a folder of their own; nothing else is set.
fn folder(settings: &str) -> Dir {
    let dir = Dir::new("");
    dir.write("chapar.toml", &format!("{settings}\n"));
    dir
}

/// `check`, `once` and `run` end with 78 and say each of `expected`, after the path of the folder.
fn refused(dir: &Dir, expected: &[&str]) {
    for command in COMMANDS {
        let output = dir.run(&[command]);
        let message = stderr(&output).replace(&format!("{}/", dir.path("").display()).replace("//", "/"), "");
        assert_eq!(output.status.code(), Some(78), "{command} {expected:?}: {message}");
        for part in expected {
            assert!(
                message.lines().any(|line| line.starts_with(&format!("chapar: {part}"))),
                "{part}\n is not in\n{message}"
            );
        }
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn each_fault_of_a_section_names_file_line_and_key() {
    let cases = [
        ("[http]\ntimout = \"5s\"", "chapar.toml:7: http.timout: unknown key `timout`; did you mean `timeout`?"),
        ("[htpp]\ntimeout = \"5s\"", "chapar.toml:6: unknown section `htpp`; did you mean `http`?"),
        (
            "[http]\ntimeout = 5",
            "chapar.toml:7: http.timeout: invalid type: integer `5`, expected a duration in quotes",
        ),
        ("[http]\n\ntimeout = \"soon\"", "chapar.toml:8: http.timeout: \"soon\" is not a duration; write it like"),
        ("[http]\nbody_max = \"big\"", "chapar.toml:7: http.body_max: \"big\" is not a size; write it like"),
        ("[http]\nbody_max = \"0B\"", "chapar.toml:7: http.body_max: no page could be read"),
        (
            "[http]\nredirects_max = -1",
            "chapar.toml:7: http.redirects_max: invalid value: integer `-1`, expected a whole",
        ),
        ("[http]\nproxy = \"gate\"", "chapar.toml:7: http.proxy: \"gate\" is not a whole address"),
        ("[http]\nuser_agent = \"a\\nb\"", "chapar.toml:7: http.user_agent: "),
        (
            "[http]\nallow_private = [\n  \"127.0.0.0/8\",\n  \"lan\",\n]",
            "chapar.toml:7: http.allow_private: \"lan\" is not a network; write it like",
        ),
        ("[schedule]\njitter = 0.9", "chapar.toml:7: schedule.jitter: a share of the interval, from 0 to 0.5"),
        ("[schedule]\nmax = \"1h\"\nmin = \"2h\"", "chapar.toml:8: schedule.min: min (2h) is longer than max (1h)"),
        ("[schedule]\nmax = \"1s\"", "chapar.toml:7: schedule.max: min (5m) is longer than max (1s)"),
        ("[store]\npath = 7", "chapar.toml:7: store.path: invalid type: integer `7`, expected a path in quotes"),
        ("[store]\ncache = \"1KiB\"", "chapar.toml:7: store.cache: at least \"1MiB\""),
        (
            "[store]\nretain_records = 0",
            "chapar.toml:7: store.retain_records: write a number such as 1000000, or leave it out to keep everything",
        ),
        ("[store]\nretain_size = \"0B\"", "chapar.toml:7: store.retain_size: write a size such as"),
        ("[extract]\nworkers = 5000", "chapar.toml:7: extract.workers: at most 1024"),
        ("[novelty]\nlook_again = [\"6h\", \"1h\"]", "chapar.toml:7: novelty.look_again: shortest first"),
        ("[novelty]\nlook_again = [\"1h\", \"31d\"]", "chapar.toml:7: novelty.look_again: at most 30 days"),
        ("[api]\nsocket = \"\"", "chapar.toml:7: api.socket: name a socket"),
        (
            "[telemetry]\ntarget = \"syslog\"",
            "chapar.toml:7: telemetry.target: unknown value `syslog`; known: auto, stderr",
        ),
        ("[telemetry]\nlog = \"a=b=c\"", "chapar.toml:7: telemetry.log: write a level such as"),
        ("[http\ntimeout = \"1s\"", "chapar.toml:6: not TOML: unclosed table, expected `]` in: [http"),
        ("[http]\ntimeout = 1s", "chapar.toml:7: not TOML: "),
        ("[http]\nproxy = \"\"\nproxy = \"\"", "chapar.toml:8: not TOML: duplicate key in: proxy"),
    ];
    for (settings, expected) in cases {
        refused(&folder(&format!("{SOURCE}{settings}")), &[expected]);
    }
}

#[test]
fn each_fault_of_a_source_names_file_line_and_key() {
    let cases = [
        ("url = \"feed.xml\"", "chapar.toml:4: source.url: \"feed.xml\" is not a whole address; write it like"),
        ("url = \"ftp://example.org/\"", "chapar.toml:4: source.url: \"ftp://example.org/\" is not http or https"),
        (
            "url = \"https://example.org/{yyyy}/{day}/\"",
            "chapar.toml:4: source.url: unknown placeholder {day}; known: {date}, {yyyy}",
        ),
        ("validators = false", "chapar.toml:4: source.validators: expected text in quotes"),
        ("cookies = \"yes\"", "chapar.toml:4: source.cookies: invalid type: string \"yes\", expected true or false"),
        ("homepage = \"x\"", "chapar.toml:4: source.homepage: \"x\" is not a whole address"),
        ("intervall = \"5m\"", "chapar.toml:4: source.intervall: unknown key `intervall`; did you mean `interval`?"),
        ("interval = \"often\"", "chapar.toml:4: source.interval: \"often\" is not a duration"),
        ("timezone = \"Almaty\"", "chapar.toml:4: source.timezone: \"Almaty\" is not a time zone; use an IANA name"),
        ("country = \"kz\"", "chapar.toml:4: source.country: \"kz\" is not a country code"),
        ("language = \"kz\"", "chapar.toml:4: source.language: \"kz\" is the country's code; the language is \"kk\""),
        ("language = \"Kazakh\"", "chapar.toml:4: source.language: \"Kazakh\" is not a language tag"),
        ("robots = \"maybe\"", "chapar.toml:4: source.robots: unknown value `maybe`"),
        ("user_agent = \"\"", "chapar.toml:4: source.user_agent: "),
        ("name = 5", "chapar.toml:4: source.name: invalid type: integer `5`, expected text in quotes"),
    ];
    for (line, expected) in cases {
        let url = if line.starts_with("url") { "" } else { "url = \"http://127.0.0.1:9/\"\n" };
        refused(&folder(&format!("[[source]]\nid = \"a\"\nkind = \"feed\"\n{line}\n{url}")), &[expected]);
    }
    let whole = [
        ("[[source]]\nkind = \"feed\"\nurl = \"http://127.0.0.1:9/\"", "chapar.toml:1: source: `id` is missing"),
        ("[[source]]\nid = \"a b\"\nkind = \"feed\"", "chapar.toml:2: source.id: \"a b\" is not an id: use 1 to 64"),
        (
            "[[source]]\nid = \"a\"\nkind = \"rss\"",
            "chapar.toml:3: source.kind: unknown value `rss`; known: feed, listing",
        ),
        ("[source]\nid = \"a\"", "chapar.toml:1: source: there can be several; write [[source]]"),
        ("http = 5", "chapar.toml:1: http: this is a section; write [http]"),
        ("", "chapar.toml: no [[source]]; add one"),
    ];
    for (settings, expected) in whole {
        refused(&folder(settings), &[expected]);
    }
}

#[test]
fn each_fault_of_a_sources_listing_names_file_line_and_key() {
    let source = "[[source]]\nid = \"a\"\nurl = \"http://127.0.0.1:9/\"\nkind = \"listing\"\n[source.listing]\n";
    let cases = [
        ("item = \"li >> a\"", "chapar.toml:6: source.listing.item: not a CSS selector: \"li >> a\""),
        ("pages = 0", "chapar.toml:6: source.listing.pages: from 1 to 20"),
        ("next = \"\"", "chapar.toml:6: source.listing.next: is empty; write a CSS selector"),
        ("\npages = -1", "chapar.toml:7: source.listing.pages: invalid value: integer `-1`, expected a whole number"),
        ("itm = \"li\"", "chapar.toml:6: source.listing.itm: unknown key `itm`; did you mean `item`?"),
        ("page = \"/list\"", "chapar.toml:6: source.listing.page: \"/list\" has none of {page}"),
        ("include = [\"(\"]", "chapar.toml:6: source.listing.include: \"(\" is not a regular expression"),
        (
            "exclude = \"x\"",
            "chapar.toml:6: source.listing.exclude: invalid type: string \"x\", expected a list in [ ]",
        ),
    ];
    for (line, expected) in cases {
        refused(&folder(&format!("{source}{line}")), &[expected]);
    }
    let feed = source.replace("\"listing\"", "\"feed\"");
    refused(
        &folder(&format!("{feed}include = [\"/news/\"]\nnext = \"a.next\"")),
        &["chapar.toml:7: source.listing.next: only for kind = \"listing\""],
    );
}

#[test]
fn all_faults_of_all_files_are_named_at_once() {
    let dir = folder(&format!("{SOURCE}[http]\ntimeout = \"soon\"\nbody_max = 7"));
    dir.write("conf.d/10-more.toml", "[schedule]\nmin = 5\n\n[[source]]\nid = \"b\"\nurl = \"x\"\n");
    dir.write("conf.d/20-broken.toml", "[");
    let expected = [
        "chapar.toml:7: http.timeout: ",
        "chapar.toml:8: http.body_max: ",
        "conf.d/10-more.toml:2: schedule.min: ",
        "conf.d/10-more.toml:6: source.url: ",
        "conf.d/20-broken.toml:1: not TOML: ",
    ];
    refused(&dir, &expected);
    // Each fault of one block, and nothing that only follows from taking it out.
    let block = "[[source]]\nid = \"Two Words\"\nurl = \"https://a.example/\"\nkind = \"blog\"\nlanguage = \"klingon language\"\n\
                 country = \"kazakhstan\"\nfeed = true\n[source.listing]\nitem = \"[\"\npages = \"two\"\n";
    let expected =
        ["2: source.id: ", "4: source.kind: ", "5: source.language: ", "6: source.country: ", "7: source.feed: "];
    let dir = folder(block);
    let output = dir.run(&["check"]);
    for fault in expected {
        assert!(stderr(&output).contains(&format!("chapar.toml:{fault}")), "{fault}: {}", stderr(&output));
    }
    assert!(!stderr(&output).contains("missing"), "{}", stderr(&output));
    // What stands in another file is found, too.
    let dir = folder(SOURCE);
    dir.write("conf.d/more.toml", &format!("\n{SOURCE}"));
    refused(&dir, &["conf.d/more.toml:3: source.id: \"canal\" is used twice, first at "]);
    let dir = folder(&format!("{SOURCE}[schedule]\nmin = \"2h\""));
    dir.write("conf.d/more.toml", "[schedule]\nmax = \"1h\"\n");
    refused(&dir, &["chapar.toml:7: schedule.min: min (2h) is longer than max (1h)"]);
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let dir = Dir::new("");
    let output = dir.bare(&["check", "--config", "absent.toml"]).output().unwrap();
    assert_eq!(output.status.code(), Some(78));
    assert!(stderr(&output).starts_with("chapar: absent.toml: cannot be read: "), "{}", stderr(&output));
    let dir = folder(SOURCE);
    std::fs::create_dir_all(dir.path("conf.d/folder.toml")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", dir.path("conf.d/zero.toml")).unwrap();
    refused(&dir, &["conf.d/folder.toml: cannot be read: ", "conf.d/zero.toml: a settings file has at most "]);
    let dir = folder(SOURCE);
    std::fs::write(dir.path("chapar.toml"), b"# caf\xe9\n").unwrap();
    refused(&dir, &["chapar.toml:1: not UTF-8"]);
}

#[test]
fn a_wrong_variable_is_named() {
    let dir = folder(SOURCE);
    let cases = [
        ("CHAPAR__HTTP__TIMEOUT", "soon", "http.timeout: \"soon\" is not a duration"),
        ("CHAPAR__HTTP__TIMOUT", "5s", "http.timout: unknown key `timout`; did you mean `timeout`?"),
        ("CHAPAR__HTPP__TIMEOUT", "5s", "unknown section `htpp`; did you mean `http`?"),
        (
            "CHAPAR__HTTP__REDIRECTS_MAX",
            "many",
            "http.redirects_max: invalid type: string \"many\", expected an integer",
        ),
        ("CHAPAR__HTTP__ALLOW_PRIVATE", "::1,lan", "http.allow_private: \"lan\" is not a network"),
        ("CHAPAR__SCHEDULE__MIN", "48h", "schedule.min: min (48h) is longer than max (24h)"),
        ("CHAPAR__SOURCE__URL", "x", "[[source]] cannot be set here"),
        ("CHAPAR__HTTP", "x", "name a key of [http]: CHAPAR__HTTP__KEY"),
    ];
    for command in COMMANDS {
        for (variable, value, expected) in cases {
            let output = dir.command(&[command]).env(variable, value).output().unwrap();
            assert_eq!(output.status.code(), Some(78), "{command} {variable}");
            let expected = format!("chapar: environment variable {variable}: {expected}");
            assert!(stderr(&output).starts_with(&expected), "{expected}\n{}", stderr(&output));
        }
    }
    let mut command = dir.command(&["check"]);
    let all = command.envs(cases.iter().map(|(variable, value, _)| (variable, value))).output().unwrap();
    assert_eq!(stderr(&all).lines().count(), cases.len(), "also the contradiction, of another section");
}

#[test]
fn a_wrong_rule_names_file_line_and_key() {
    let cases = [
        (
            "sites/a.toml",
            "hosts = [\"a.example\"]\n[article]\nbody = \"p >\"\n",
            "rules/sites/a.toml:3: article.body: not a CSS selector: \"p >\"",
        ),
        (
            "sites/a.toml",
            "hosts = [\"a.example\"]\n[listing]\nitem = \"][\"\n",
            "rules/sites/a.toml:3: listing.item: not a CSS selector",
        ),
        (
            "sites/a.toml",
            "hosts = [\"a.example\"]\n[listing]\nlink = \"a\"\n",
            "rules/sites/a.toml:3: listing.link: stands inside an item, and `item` is missing",
        ),
        (
            "sites/a.toml",
            "hosts = [\"a.example\"]\n[artikle]\n",
            "rules/sites/a.toml:2: unknown key `artikle`; did you mean `article`?",
        ),
        (
            "sites/a.toml",
            "\nhosts = [\"https://a.example/\"]\n",
            "rules/sites/a.toml:2: hosts: \"https://a.example/\" is not a host name",
        ),
        ("topics/a.toml", "nonsense = 1\n", "rules/topics/a.toml:1: "),
        ("topics/a.toml", "[", "rules/topics/a.toml:1: "),
        ("place.toml", "", "rules/place.toml:1: not the name of a rule file: countries.toml, places.toml"),
    ];
    for (file, text, expected) in cases {
        let dir = folder(SOURCE);
        dir.write(&format!("rules/{file}"), text);
        refused(&dir, &[expected]);
    }
    let dir = folder(SOURCE);
    dir.write(
        "rules/sites/a.toml",
        "hosts = [\"a.example\"]\n[article]\nbody = \"p >\"\ntitle = \"h1\"\ndate = \"<\"\n",
    );
    refused(&dir, &["rules/sites/a.toml:3: article.body: ", "rules/sites/a.toml:5: article.date: "]);
}

/// A topic of the folder's own, whose one test says what a text has.
fn topic_with_test(expect: &str) -> String {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/rules/topics/weather.toml");
    let shipped = std::fs::read_to_string(shipped).unwrap();
    let rules = shipped.split("[[test]]").next().unwrap();
    format!("{rules}[[test]]\ntext = \"A sentence about nothing in particular.\"\nlang = \"en\"\nexpect = {expect}\n")
}

#[test]
fn a_failing_rule_test_is_a_fault_of_check() {
    let dir = folder(SOURCE);
    let text = topic_with_test("true");
    let line = text.lines().position(|line| line == "[[test]]").unwrap() + 1;
    dir.write("rules/topics/weather.toml", &text);
    let output = dir.run(&["check"]);
    assert_eq!(output.status.code(), Some(78), "{}", stderr(&output));
    let named = (line..line + 4).any(|line| stderr(&output).contains(&format!("rules/topics/weather.toml:{line}: ")));
    assert!(named, "{}", stderr(&output));
    dir.write("rules/topics/weather.toml", &topic_with_test("false"));
    let output = dir.run(&["check"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn good_settings_are_joined_and_the_later_layer_wins() {
    let dir = folder(&format!("{SOURCE}[store]\npath = \"one\"\n\n[http]\ntimeout = \"1s\""));
    dir.write("conf.d/10.toml", &source("second", "http://127.0.0.1:9/b"));
    dir.write("conf.d/20.toml", &(source("third", "http://127.0.0.1:9/c") + "[[output]]\nkind = \"stdout\"\n"));
    dir.write("conf.d/ignored.txt", "no settings");
    dir.write("rules/sites/own.toml", "hosts = [\"own.example\"]\n[article]\nbody = \"main\"\n");
    let output = dir.run(&["check"]);
    let summary = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(summary.contains("chapar.toml: 3 sources, 1 output, "), "{summary}");
    let store_named = |environment: &[(&str, &str)]| {
        let output = dir.command(&["status"]).envs(environment.iter().copied()).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        stderr(&output)
    };
    assert!(store_named(&[]).contains("there is no store in one;"));
    dir.write("conf.d/30.toml", "[store]\npath = \"two\"\n");
    assert!(store_named(&[]).contains("there is no store in two;"));
    assert!(store_named(&[("CHAPAR__STORE__PATH", "three")]).contains("there is no store in three;"));
    assert!(store_named(&[("CHAPAR__STORE__PATH", "")]).contains("there is no store in two;"), "empty is not set");
}

#[test]
fn a_rule_file_beside_the_settings_replaces_the_shipped_one_of_that_name() {
    let dir = folder(SOURCE);
    let digest = || {
        let output = dir.run(&["check"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        String::from_utf8_lossy(&output.stdout).split_once(" topics, rules ").unwrap().1.to_owned()
    };
    let shipped = digest();
    dir.write("rules/topics/weather.toml", &topic_with_test("false"));
    let replaced = digest();
    assert_ne!(shipped, replaced);
    std::fs::remove_file(dir.path("rules/topics/weather.toml")).unwrap();
    assert_eq!(digest(), shipped);
}

#[test]
fn the_shipped_settings_have_no_faults() {
    let dir = Dir::new("");
    for file in ["config/chapar.toml", "config/minimal.toml"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let output = dir.bare(&["check", "--config"]).arg(path).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{file}: {}", stderr(&output));
        assert!(output.stderr.is_empty(), "{file}: {}", stderr(&output));
    }
}
