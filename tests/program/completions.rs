//! Completions in real shells, where Tab is pressed on a terminal of its own, and man pages.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use crate::asking::terminal;
use crate::dir::{Dir, Running, json_lines, source, text, wait_for};
use crate::site::Site;

/// A shell on a terminal, which has read the script.
struct Shell {
    keys: std::fs::File,
    shown: Arc<Mutex<String>>,
    _running: Running,
}

impl Shell {
    fn start(dir: &Dir, shell: &[&str], setup: &str) -> Self {
        let (keys, secondary) = terminal();
        let mut command = in_shell(dir, shell);
        let (input, output) = (secondary.try_clone().unwrap(), secondary.try_clone().unwrap());
        let running = Running { child: command.stdin(input).stdout(output).stderr(secondary).spawn().unwrap() };
        // The command holds our end of the terminal.
        drop(command);
        let shown = Arc::new(Mutex::new(String::new()));
        let (mut screen, heard) = (keys.try_clone().unwrap(), Arc::clone(&shown));
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = screen.read(&mut bytes) {
                heard.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        });
        let mut shell = Self { keys, shown, _running: running };
        // The quotes keep what is typed from being what is waited for.
        shell.press(&format!("{setup}; echo rea''dy\n"));
        shell.wait_for("ready");
        shell
    }

    fn press(&mut self, keys: &str) {
        self.shown.lock().unwrap().clear();
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    fn wait_for(&self, text: &str) {
        wait_for(text, || self.shown.lock().unwrap().contains(text).then_some(()));
    }

    /// Types a beginning and Tab, and waits for the line that comes of it.
    fn completes(&mut self, typed: &str, line: &str) {
        self.press(&format!("{typed}\t"));
        wait_for(&format!("{typed:?} to become {line:?}"), || {
            // Each shell writes the line in its own way: what is new is looked for.
            let new = &line[typed.trim_end_matches(|c: char| c.is_alphanumeric()).len()..];
            self.shown.lock().unwrap().contains(new).then_some(())
        });
        // Takes back the line.
        self.press("\u{15}");
    }
}

fn in_shell(dir: &Dir, shell: &[&str]) -> Command {
    let folder = Path::new(env!("CARGO_BIN_EXE_chapar")).parent().unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new(shell[0]);
    command.args(&shell[1..]).current_dir(dir.path("")).env("PATH", path).env("HOME", dir.path(""));
    command.env("TERM", "dumb").env("LC_ALL", "C.UTF-8").env("PS1", "$ ").env("HISTFILE", "/dev/null");
    command.env("CHAPAR_CONFIG", dir.path("chapar.toml"));
    command
}

fn is_there(shell: &str) -> bool {
    let found = Command::new(shell).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        eprintln!("NOT RUN: {shell} is not installed");
    }
    found
}

const SOURCES: &str = "[[source]]\nid = \"canalnews\"\nurl = \"http://127.0.0.1:9/feed.xml\"\nkind = \"feed\"\n\n";

#[test]
fn bash_completes_options_and_words_of_a_query() {
    let dir = Dir::new(SOURCES);
    let mut bash = Shell::start(&dir, &["bash", "--norc", "--noprofile", "-i"], "source <(chapar completions bash)");
    for (typed, line) in [
        ("chapar que", "chapar query "),
        ("chapar query --topic en", "chapar query --topic energy "),
        ("chapar query --topic=en", "chapar query --topic=energy "),
        ("chapar tail topic:en", "chapar tail topic:energy "),
        ("chapar stats --by cou", "chapar stats --by country "),
        ("chapar query gas 'oil topic:energy,wat", "chapar query gas 'oil topic:energy,water_environment'"),
        ("chapar query lang:uz-", "chapar query lang:uz-Cyrl "),
        ("chapar poll can", "chapar poll canalnews "),
        ("chapar query source:can", "chapar query source:canalnews "),
        ("chapar log rewind dir", "chapar log rewind directory "),
    ] {
        bash.completes(typed, line);
    }
}

#[test]
fn zsh_completes_options_and_words_of_a_query() {
    if !is_there("zsh") {
        return;
    }
    let dir = Dir::new(SOURCES);
    let setup = "autoload -U compinit; compinit -u -D; source <(chapar completions zsh)";
    let mut zsh = Shell::start(&dir, &["zsh", "-f", "-i"], setup);
    for (typed, line) in [
        ("chapar query --topic en", "chapar query --topic energy "),
        ("chapar query topic:en", "chapar query topic:energy "),
        ("chapar poll can", "chapar poll canalnews "),
    ] {
        zsh.completes(typed, line);
    }
}

#[test]
fn fish_completes_options_and_words_of_a_query() {
    if !is_there("fish") {
        return;
    }
    let dir = Dir::new(SOURCES);
    for (typed, candidate) in [
        ("chapar query --topic en", "energy\tOil, gas, power and nuclear"),
        ("chapar query topic:en", "topic:energy\tOil, gas, power and nuclear"),
        ("chapar poll can", "canalnews"),
    ] {
        let ask = format!("chapar completions fish | source; complete -C '{typed}'");
        let output = in_shell(&dir, &["fish", "--no-config", "-c", &ask]).stdin(Stdio::null()).output().unwrap();
        let shown = text(&output);
        assert!(shown.lines().any(|line| line.starts_with(candidate)), "{typed}: {shown}");
    }
}

/// What the program answers bash at the end of a line: candidates, and what went to stderr.
fn asked(dir: &Dir, line: &str, config: &Path) -> (String, String) {
    let mut command = dir.bare(&["--", "chapar"]);
    command.env("CHAPAR_COMPLETE", "bash").env("CHAPAR_COMPLETE_LINE", line).env("CHAPAR_COMPLETE_BREAKS", ":=");
    let output = command.env("CHAPAR_CONFIG", config).output().unwrap();
    (text(&output), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn ids_come_from_a_running_daemon_and_a_store_without_one_is_left_alone() {
    let site = Site::start();
    site.publish(1..=2);
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    let config = dir.path("chapar.toml");
    let daemon = dir.daemon();
    let recorded = || json_lines(&dir.run(&["query"]).stdout);
    let ids = wait_for("two records", || Some(recorded()).filter(|records| records.len() == 2));
    let ids: Vec<&str> = ids.iter().map(|record| record["id"].as_str().unwrap()).collect();
    wait_for("ids of records", || {
        // A daemon that is busy is not waited for, so it is asked again.
        let (shown, errors) = asked(&dir, &format!("chapar show {}", &ids[0][..8]), &config);
        assert_eq!(errors, "");
        (shown.trim() == ids[0]).then_some(())
    });
    assert_eq!(daemon.stop(), Some(0));
    let (shown, errors) = asked(&dir, "chapar query source:", &config);
    assert_eq!((shown.as_str(), errors.as_str()), ("canal\n", ""));
    // Whoever opened the store would make its lookup tables anew.
    std::fs::rename(dir.path("store/sled"), dir.path("store/elsewhere")).unwrap();
    for line in ["chapar show ", "chapar query topic:", "chapar dead-letters retry "] {
        assert_eq!(asked(&dir, line, &config).1, "");
    }
    assert!(!dir.path("store/sled").exists());
}

#[test]
fn without_settings_that_can_be_read_nothing_is_told_but_what_is_known() {
    let dir = Dir::new("");
    dir.write("broken.toml", "[store\n\u{1b}");
    for config in ["broken.toml", "nowhere.toml", ""] {
        let config = dir.path(config);
        assert_eq!(asked(&dir, "chapar query topic:energ", &config), ("energy\n".to_owned(), String::new()));
        assert_eq!(asked(&dir, "chapar poll x", &config), (String::new(), String::new()));
        let long = format!("chapar query '{}", "topic:".repeat(100_000 / 6));
        assert_eq!(asked(&dir, &long, &config).1, "");
    }
}

#[test]
fn every_command_has_a_man_page_and_help_with_examples() {
    let dir = Dir::new("");
    let run = |arguments: &[&str]| dir.bare(arguments).output().unwrap();
    assert_eq!(run(&["man", "--all", "pages"]).status.code(), Some(0));
    let names: Vec<String> = std::fs::read_dir(dir.path("pages"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(names.len() > 35 && names.contains(&"chapar-log-backup.1".to_owned()), "{names:?}");
    for name in &names {
        let page = std::fs::read_to_string(dir.path("pages").join(name)).unwrap();
        let name = name.strip_suffix(".1").unwrap();
        assert!(page.starts_with(&format!(".TH {} 1", name.to_uppercase())) && page.is_ascii(), "{name}");
        assert!(page.contains(".SH NAME\n") && page.contains(".SH EXAMPLES\n"), "{name}: {page}");
        assert!(page.lines().all(|line| line == line.trim_end()), "{name}");
        // The page's name is that of the command with hyphens; so are two commands.
        let path = name.replace("dead-letters", "dead_letters");
        let path: Vec<String> = path.split('-').skip(1).map(|word| word.replace('_', "-")).collect();
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        assert_eq!(text(&run(&[&["man"], &path[..]].concat())), page, "{name}");
        let help = text(&run(&[&path[..], &["--help"]].concat()));
        assert!(help.contains("\nExamples:\n"), "{name}");
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{name}: {help}");
    }
    assert_eq!(run(&["man", "log", "nosuch"]).status.code(), Some(2));
    assert_eq!(run(&["man", "--all", "chapar.toml"]).status.code(), Some(1), "no folder");
}
