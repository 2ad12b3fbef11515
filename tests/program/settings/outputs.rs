//! Faults of `[[output]]`.

use super::{SOURCE, folder, refused};
use crate::dir::stderr;

#[test]
fn each_fault_of_an_output_names_file_line_and_key() {
    let directory = "[[output]]\nkind = \"directory\"\npath = \"records\"\n";
    let cases = [
        (
            "[[output]]\nkind = \"directory\"".to_owned(),
            "chapar.toml:6: output.path: an output of kind \"directory\" needs path",
        ),
        (
            "[[output]]\nkind = \"stdout\"\npath = \"x\"".to_owned(),
            "chapar.toml:8: output.path: an output of kind \"stdout\" has none",
        ),
        (
            "[[output]]\nkind = \"file\"".to_owned(),
            "chapar.toml:7: output.kind: unknown value `file`; known: stdout, directory",
        ),
        (format!("{directory}{directory}"), "chapar.toml:9: output.id: \"directory\" is used twice, first at "),
        (
            format!("{directory}{directory}id = \"b\"\n"),
            "chapar.toml:11: output.path: records is written by the output at ",
        ),
        (format!("{directory}from = \"end\""), "chapar.toml:9: output.from: unknown value `end`; known: start, now"),
        (format!("{directory}roll = \"0B\""), "chapar.toml:9: output.roll: write a size such as \"64MiB\", at most"),
        (
            format!("{directory}filter = \"topic:enrgy\""),
            "chapar.toml:9: output.filter: no topic \"enrgy\"; nearest first: energy",
        ),
        (
            format!("{directory}filter = 'lang:ru source:cannal'"),
            "chapar.toml:9: output.filter: no source \"cannal\"; nearest first: canal",
        ),
        (
            format!("{directory}filter = 'country:KZ since:7d'"),
            "chapar.toml:9: output.filter: a filter is asked of every record to come",
        ),
        (format!("{directory}filter = '-until:today'"), "chapar.toml:9: output.filter: a filter is asked"),
        (
            "[[output]]\nkind = \"directory\"\npath = \"/srv/{topik}\"".to_owned(),
            "chapar.toml:8: output.path: there is no {topik}; there are {topic}, {country}, {source}, {language}",
        ),
        (
            "[[output]]\nkind = \"directory\"\npath = \"/srv/{topic}/..\"".to_owned(),
            "chapar.toml:8: output.path: `..` cannot stand",
        ),
        (
            format!("{}{directory}id = \"b\"", directory.replace("\"records\"", "\"{topic}\"")),
            "chapar.toml:11: output.path: records is written by the output at ",
        ),
        (format!("{directory}roll = \"2GiB\""), "chapar.toml:9: output.roll: write a size"),
        (directory.replace("records", "a/../records"), "chapar.toml:8: output.path: `..` cannot stand in it; write"),
        (
            "[[output]]\nkind = \"feed\"\npath = \"../f.atom\"".to_owned(),
            "chapar.toml:8: output.path: `..` cannot stand in it",
        ),
        (
            "[[output]]\nkind = \"webhook\"\nurl = \"http://127.1:8080/hook\"".to_owned(),
            "chapar.toml:8: output.url: 127.0.0.1 is not a public address; if it is meant, write allow_private = true",
        ),
        (
            "[[output]]\nkind = \"webhook\"\nurl = \"https://[fd00::7]/hook\"".to_owned(),
            "chapar.toml:8: output.url: fd00::7 is not a public address",
        ),
        (
            format!("{directory}finish_after = \"5m\""),
            "chapar.toml:9: output.finish_after: only with publish = \"finished\"",
        ),
        (
            format!("{directory}closed = \"drop\""),
            "chapar.toml:9: output.closed: an output of kind \"directory\" has none",
        ),
        (
            format!("{directory}format = \"atom\""),
            "chapar.toml:9: output.format: unknown value `atom`; known: ndjson, jsonfeed, ninjs, csv",
        ),
        (format!("{directory}filter = 'a OR'"), "chapar.toml:9: output.filter: OR needs a term after it"),
    ];
    for (settings, expected) in cases {
        refused(&folder(&format!("{SOURCE}{settings}")), &[expected]);
    }
}

#[test]
fn no_output_writes_into_what_belongs_to_the_store() {
    let output = |kind: &str, path: &str| {
        format!("{SOURCE}[store]\npath = \"data/store\"\n[[output]]\nkind = \"{kind}\"\npath = \"{path}\"")
    };
    let cases = [
        ("directory", "data/store", "is the store's own folder; take another folder"),
        ("directory", "data/store/{topic}", "is the store's own folder"),
        ("directory", "data/store/log", "belongs to the store; take another folder"),
        ("directory", "data/store/sled/{source}", "belongs to the store"),
        ("directory", "link/log/deeper", "belongs to the store"),
        ("directory", "data/{source}", "holds the store, and a record could name one of its folders"),
        ("feed", "data/store/format", "belongs to the store; take another file"),
        ("feed", "data/store/log/f.atom", "belongs to the store; take another file"),
    ];
    for (kind, path, problem) in cases {
        let dir = folder(&output(kind, path).replace("format\"", "format\"\nform = \"atom\""));
        std::fs::create_dir_all(dir.path("data/store")).unwrap();
        std::os::unix::fs::symlink("data/store", dir.path("link")).unwrap();
        let root = path.split("/{").next().unwrap();
        refused(&dir, &[&format!("chapar.toml:10: output.path: {root} {problem}")]);
        assert!(std::fs::read_dir(dir.path("data/store")).unwrap().next().is_none(), "nothing is made by looking");
    }
    for (kind, path) in [("directory", "data/store/records"), ("directory", "data"), ("feed", "data/store/f.atom")] {
        let dir = folder(&output(kind, path));
        std::fs::create_dir_all(dir.path("data/store")).unwrap();
        let output = dir.run(&["check"]);
        assert_eq!(output.status.code(), Some(0), "{path}: {}", stderr(&output));
    }
}

#[test]
fn what_an_output_lacks_on_this_machine_is_told_by_check_with_all_other_faults() {
    let dir = folder(
        "[http]\ntimeout = \"soon\"\nredirects_max = 99\n[store]\nretain_records = 0\n[[output]]\nkind = \"exec\"\ncommand = [\"/absent\"]\n[[output]]\nkind = \"webhook\"\n\
         url = \"https://example.org/\"\nsecret_file = \"/absent/secret\"\n[[output]]\nkind = \"feed\"\n\
         path = \"absent/f.atom\"\n[[output]]\nkind = \"directory\"\npath = \"file/below\"\n[[output]]\n\
         kind = \"stdout\"\nfilter = \"topic:enrgy\"\nroll = \"1MiB\"\nclosed = \"maybe\"",
    );
    dir.write("file", "");
    dir.write("rules/sites/a.toml", "hosts = [\"a.example\"]\n[artikle]\n");
    dir.write("conf.d/more.toml", "[[output]]\nid = \"second\"\nkind = \"directory\"\npath = \"nowhere\"\n");
    std::os::unix::fs::symlink("absent", dir.path("nowhere")).unwrap();
    let message = stderr(&dir.run(&["check"]));
    let message = message.replace(&format!("{}/", dir.path("").display()).replace("//", "/"), "");
    let expected = [
        "chapar.toml: no [[source]]; add one",
        "chapar.toml:2: http.timeout: \"soon\" is not a duration",
        // Of a section with a fault, only that.
        "chapar.toml:5: store.retain_records: write a number",
        "chapar.toml:8: output.command: /absent: No such file",
        "chapar.toml:12: output.secret_file: /absent/secret: No such file",
        "chapar.toml:15: output.path: there is no folder absent; make it",
        "chapar.toml:18: output.path: file is a file; move it away, or name another folder",
        "chapar.toml:23: output.closed: unknown value `maybe`",
        "conf.d/more.toml:4: output.path: nowhere is a symlink that leads nowhere; remove it",
        "rules/sites/a.toml:2: unknown key `artikle`",
    ];
    let lines: Vec<&str> = message.lines().collect();
    assert_eq!(lines.len(), expected.len(), "{message}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(&format!("chapar: {expected}")), "{expected}\n{message}");
    }
    // Each fault of one block.
    let dir = folder(&format!(
        "{SOURCE}[[output]]\nkind = \"webhook\"\nurl = \"http://10.0.0.1/\"\nbatch = 0\nsecret = \"\"\ntimeout = \"1h\"\n\
         attempts = 0\nfilter = \"OR\"\nroll = \"1MiB\"\nid = \"w\"\n[[output]]\nkind = \"stdout\"\nid = \"w\"\n"
    ));
    let keys = [
        "8: output.url",
        "9: output.batch",
        "10: output.secret",
        "11: output.timeout",
        "12: output.attempts",
        "13: output.filter",
        "14: output.roll",
        "18: output.id",
    ];
    refused(&dir, &keys.map(|key| format!("chapar.toml:{key}: ")).each_ref().map(String::as_str));
}
