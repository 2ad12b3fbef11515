//! Commands that are run at random while the daemon works.

use std::collections::BTreeMap;
use std::fs::File;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::crash::world::Random;
use crate::dir::{Dir, Running, wait_for};

/// Longest pause between two commands.
const PAUSE_MS: usize = 1_000;

/// How far an output is set back.
const REWOUND_MAX: usize = 100;

/// Commands and the exit codes that they may have while a daemon runs.
const COMMANDS: &[(&[&str], &[i32])] = &[
    (&["query", "railway tunnel"], &[0, 3]),
    (&["query", "event:update", "--limit", "50", "-o", "csv"], &[0, 3]),
    (&["tail", "-n", "20"], &[0]),
    (&["status"], &[0]),
    (&["sources"], &[0]),
    (&["dead-letters"], &[0]),
    (&["check"], &[0]),
    (&["poll", "second"], &[0]),
    (&["log", "verify"], &[0]),
    // It has to be refused.
    (&["log", "compact"], &[1]),
];

/// Commands that need something of this moment.
const WITH_MORE: &[&str] = &["tail -f", "show", "log backup", "reload", "reclassify", "log rewind"];

/// Runs commands until it is told to end; says how often which was run.
pub fn run(dir: &Dir, seed: u64, is_killed: bool, end: &AtomicBool) -> BTreeMap<String, u64> {
    let mut asking = Asking { dir, random: Random(seed), is_killed, names: 0 };
    let mut counts = BTreeMap::new();
    while !end.load(Ordering::Relaxed) {
        *counts.entry(asking.any()).or_default() += 1;
        std::thread::sleep(Duration::from_millis(asking.random.below(PAUSE_MS) as u64));
    }
    counts
}

struct Asking<'a> {
    dir: &'a Dir,
    random: Random,
    /// Whether the daemon may be gone at any time: then a command may fail, in an orderly way.
    is_killed: bool,
    names: u64,
}

impl Asking<'_> {
    /// One command; its name.
    fn any(&mut self) -> String {
        let chosen = self.random.below(COMMANDS.len() + WITH_MORE.len());
        if let Some((arguments, codes)) = COMMANDS.get(chosen) {
            self.ask(arguments, codes);
            return arguments[..arguments.len().min(2)].join(" ");
        }
        let name = WITH_MORE[chosen - COMMANDS.len()];
        match name {
            "tail -f" => self.follow_for_a_while(),
            "show" => {
                if let Some(newest) = self.rows(&["query", "--limit", "1"]).first() {
                    let id = newest["id"].as_str().unwrap();
                    self.ask(&["show", id, "--history"], &[0]);
                    self.ask(&["explain", id], &[0]);
                }
            }
            "log backup" => self.back_up(),
            "reload" => {
                self.write_rule();
                self.ask(&["reload"], &[0]);
            }
            "reclassify" => drop(self.ask(&["reclassify", "--yes", "-o", "json"], &[0])),
            "log rewind" => {
                let output = ["directory", "finished", "exec", "webhook", "feed"][self.random.below(5)];
                let status = self.rows(&["status"]);
                let last = status.first().and_then(|status| status["last_seq"].as_u64()).unwrap_or_default();
                let to = last.saturating_sub(self.random.below(REWOUND_MAX) as u64).max(1).to_string();
                // What old records were is refused.
                self.ask(&["log", "rewind", output, "--to", &to], &[0, 2]);
            }
            other => unreachable!("{other}"),
        }
        name.to_owned()
    }

    /// Runs a command to its end, which comes.
    fn ask(&self, arguments: &[&str], codes: &[i32]) -> Vec<u8> {
        let (said, written) = (self.dir.path("asked.err"), self.dir.path("asked.out"));
        let mut command = self.dir.command(arguments);
        command.stderr(Stdio::from(File::create(&said).unwrap())).stdout(Stdio::from(File::create(&written).unwrap()));
        let mut running = Running { child: command.spawn().unwrap() };
        let ended = wait_for(&format!("the end of {arguments:?}"), || running.child.try_wait().unwrap());
        let said = String::from_utf8_lossy(&std::fs::read(said).unwrap()).into_owned();
        let may_be = |code: i32| codes.contains(&code) || (self.is_killed && matches!(code, 0..=3));
        assert!(ended.code().is_some_and(may_be), "{arguments:?}: {ended}, {said}");
        assert!(!said.contains("panicked"), "{arguments:?}: {said}");
        std::fs::read(written).unwrap()
    }

    fn rows(&self, arguments: &[&str]) -> Vec<Value> {
        let written = self.ask(arguments, &[0, 3]);
        serde_json::Deserializer::from_slice(&written).into_iter().map_while(Result::ok).collect()
    }

    fn follow_for_a_while(&mut self) {
        let mut command = self.dir.command(&["tail", "-f"]);
        let running = Running { child: command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap() };
        std::thread::sleep(Duration::from_millis(self.random.below(3_000) as u64));
        running.signal(if self.random.one_in(2) { libc::SIGTERM } else { libc::SIGKILL });
    }

    /// A backup, and a store of it.
    fn back_up(&mut self) {
        self.names += 1;
        let (backup, restored) = (self.dir.path(&format!("backup-{}", self.names)), self.dir.path("restored"));
        self.ask(&["log", "backup", backup.to_str().unwrap()], &[0]);
        if backup.exists() {
            self.ask(&["log", "restore", backup.to_str().unwrap(), "--to", restored.to_str().unwrap()], &[0]);
            std::fs::remove_dir_all(restored).unwrap();
            std::fs::remove_dir_all(backup).unwrap();
        }
    }

    /// A topic that few articles have.
    fn write_rule(&mut self) {
        let words = ["railway", "tunnel", "camel", "canal", "dam", "glacier", "bazaar", "silk"];
        let first = self.random.below(words.len());
        let terms: Vec<String> = (first..first + 3)
            .map(|first| format!("\"{} of the {}\"", words[first % words.len()], words[self.random.below(words.len())]))
            .collect();
        let rule = format!("name = \"Pairs\"\nthreshold = 1\n\n[terms]\nen = [{}]\n", terms.join(", "));
        // In one step: a daemon that is started meanwhile reads it.
        self.dir.write("rules/topics/.new", &rule);
        std::fs::rename(self.dir.path("rules/topics/.new"), self.dir.path("rules/topics/pairs.toml")).unwrap();
    }
}

/// A reader that follows all the time.
pub struct Follower {
    _running: Running,
    seqs: Arc<Mutex<Vec<u64>>>,
}

impl Follower {
    pub fn start(dir: &Dir) -> Self {
        let mut command = dir.command(&["tail", "-f", "-n", "1"]);
        let log = File::create(dir.path("followed.err")).unwrap();
        let mut running = Running { child: command.stdout(Stdio::piped()).stderr(Stdio::from(log)).spawn().unwrap() };
        let (seqs, lines) = (Arc::<Mutex<Vec<u64>>>::default(), running.lines());
        let shared = Arc::clone(&seqs);
        std::thread::spawn(move || {
            for line in lines {
                let record: Value = serde_json::from_str(&line).unwrap();
                shared.lock().unwrap().push(record["seq"].as_u64().unwrap());
            }
        });
        Self { _running: running, seqs }
    }

    /// It got every record from its first one on, once.
    pub fn check(&self, last: u64) {
        let got = wait_for("the follower to have all", || {
            Some(self.seqs.lock().unwrap().clone()).filter(|seqs| seqs.last().is_none_or(|seq| *seq >= last))
        });
        let expected: Vec<u64> = (got[0]..=last).collect();
        assert_eq!(got, expected, "what tail -f shows");
    }
}
