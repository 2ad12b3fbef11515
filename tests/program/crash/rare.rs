//! SIGKILL at random moments of what is rare: a reload that changes settings and rules under load, a backup, a restore,
//! compacting, rebuilding. Each of it `CHAPAR_CRASH_ROUNDS` / 10 times.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::count;
use super::points::{Scene, finish, settle_all};
use super::world::Random;
use crate::dir::{DEADLINE, Running, source, stderr, wait_for};

/// One round of these takes as long as so many of `kills`.
const PART: u64 = 10;

/// Articles that are enough for old ones to be removed.
const PUBLISHED_MIN: usize = 90;

fn rounds() -> u64 {
    count("CHAPAR_CRASH_ROUNDS", PART).div_ceil(PART)
}

/// Moments of a command whose length is learned.
#[derive(Debug)]
struct Moments {
    random: Random,
    /// As it lasted when it was last seen to end; at first it is left to end.
    length: Option<Duration>,
    kills: u64,
    in_time: u64,
}

impl Moments {
    fn new(seed: u64) -> Self {
        Self { random: Random(seed), length: None, kills: 0, in_time: 0 }
    }

    /// Kills a command, or the daemon that carries it out, at any moment of it. Its exit code, where it has one.
    fn kill(&mut self, mut command: Running, daemon: Option<Running>) -> Option<i32> {
        let length = self.length.unwrap_or(DEADLINE);
        let moment = self
            .length
            .map_or(DEADLINE, |length| Duration::from_micros(self.random.below(length.as_micros() as usize) as u64));
        let begun = Instant::now();
        let mut ended = None;
        while ended.is_none() && begun.elapsed() < moment {
            std::thread::sleep(Duration::from_millis(1));
            ended = command.child.try_wait().unwrap();
        }
        // One that was refused was short.
        if ended.is_some_and(|ended| ended.success()) {
            self.length = Some(begun.elapsed());
        } else if ended.is_none() {
            self.length = Some(length.max(begun.elapsed() * 5 / 4));
        }
        self.kills += 1;
        self.in_time += u64::from(ended.is_none());
        match daemon {
            Some(daemon) => daemon.signal(libc::SIGKILL),
            None if ended.is_none() => command.signal(libc::SIGKILL),
            None => {}
        }
        // Nobody waits for a daemon that is dead.
        ended.unwrap_or_else(|| wait_for("the command's end", || command.child.try_wait().unwrap())).code()
    }

    fn tell(&self, what: &str) {
        println!(
            "{what}: killed {} times, {} of them before its end, which takes {:?}",
            self.kills,
            self.in_time,
            self.length.unwrap_or_default()
        );
    }
}

fn begin(scene: &Scene, arguments: &[&str]) -> Running {
    let mut command = scene.dir.command(arguments);
    Running { child: command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap() }
}

/// A life of the daemon, under load to its end.
fn work(scene: &mut Scene, random: &mut Random) {
    let daemon = scene.dir.daemon();
    for _ in 0..2 {
        scene.world.turn();
        std::thread::sleep(Duration::from_millis(random.below(200) as u64));
    }
    daemon.signal(libc::SIGKILL);
}

#[test]
fn killed_during_reloads_under_load_nothing_is_lost_and_nothing_is_doubled() {
    let seed = count("CHAPAR_CRASH_SEED", 1);
    let mut scene = Scene::new(seed);
    let (mut random, mut moments) = (Random(seed), Moments::new(seed));
    let rounds = 4 * rounds() + 2;
    for round in 0..rounds {
        // From then on no output is added: it would not get what is removed.
        if round == rounds / 2 {
            scene.retain();
        }
        let daemon = scene.dir.daemon();
        scene.world.turn();
        std::thread::sleep(Duration::from_millis(random.below(150) as u64));
        if !scene.has_retention {
            scene.add_output();
        }
        let settings = std::fs::read_to_string(scene.dir.path("chapar.toml")).unwrap();
        let (changed, is_faulty) = changed(&settings, &scene, &mut random);
        scene.dir.write("chapar.toml", &changed);
        let threshold = 1 + random.below(5);
        let rule = format!("name = \"Roads\"\nthreshold = {threshold}\n\n[terms]\nen = [\"railway\", \"tunnel\"]\n");
        scene.dir.write("rules/topics/roads.toml", &rule);
        scene.world.turn();
        // Faulty ones do not get past the command.
        if is_faulty || random.one_in(4) {
            daemon.signal(libc::SIGHUP);
        }
        let reload = begin(&scene, &["reload"]);
        let code = moments.kill(reload, Some(daemon));
        assert!(code == Some(1) || code == Some(if is_faulty { 78 } else { 0 }), "{code:?}");
        if !is_faulty && random.one_in(2) {
            work(&mut scene, &mut random);
        }
        scene.dir.write("chapar.toml", &settings);
    }
    moments.tell("reload");
    while scene.world.published() < PUBLISHED_MIN {
        scene.world.turn();
    }
    let daemon = scene.dir.daemon();
    settle_all(&scene);
    finish(&scene, daemon);
}

/// Settings with other sources, another output and another bound of the log; whether they are refused.
fn changed(settings: &str, scene: &Scene, random: &mut Random) -> (String, bool) {
    let mut changed = settings.to_owned();
    if random.one_in(2) {
        let sources = scene.world.sources();
        let (_, of_copies) = sources.split_at(sources.rfind("[[source]]").unwrap());
        changed = changed.replace(of_copies, "");
    }
    if random.one_in(2) {
        changed += &source("late", "http://127.0.0.1:9/feed.xml");
    }
    let roll = ["4KiB", "64KiB", "1MiB"][random.below(3)];
    changed = changed.replace("roll = \"16KiB\"", &format!("roll = {roll:?}"));
    let kept = ["", "retain_records = 40", "retain_size = \"64KiB\"", "retain_records = 50\nrecompress = false"];
    changed = changed.replace("retain_records = 60", kept[random.below(kept.len())]);
    let is_faulty = random.one_in(5);
    if is_faulty {
        changed += "\n[[source]]\nid = \"faulty\"\nurl = 7\n";
    }
    (changed, is_faulty)
}

/// What is killed at a random moment of it.
#[derive(Clone, Copy, Debug)]
enum Rare {
    Backup,
    BackupByDaemon,
    Compact,
    Rebuild,
    Restore,
}

#[test]
fn killed_during_commands_of_the_log_nothing_is_lost_and_nothing_is_doubled() {
    let seed = count("CHAPAR_CRASH_SEED", 1);
    let mut scene = Scene::new(seed + 1);
    let mut random = Random(seed);
    let rounds = rounds();
    for rare in [Rare::Backup, Rare::BackupByDaemon, Rare::Compact, Rare::Rebuild, Rare::Restore] {
        let mut moments = Moments::new(random.next());
        // The first one shows how long it takes.
        for _ in 0..=rounds {
            work(&mut scene, &mut random);
            kill_during(rare, &mut scene, &mut moments);
        }
        moments.tell(&format!("{rare:?}"));
        // All are checked together, unless there is time.
        if rounds > 1 || matches!(rare, Rare::Restore) {
            let daemon = scene.dir.daemon();
            settle_all(&scene);
            finish(&scene, daemon);
        }
    }
}

/// Kills it, and sees that it can be done after that.
fn kill_during(rare: Rare, scene: &mut Scene, moments: &mut Moments) {
    match rare {
        Rare::Backup | Rare::BackupByDaemon => {
            let (folder, restored) = (scene.fresh(), scene.fresh());
            let daemon = matches!(rare, Rare::BackupByDaemon).then(|| scene.dir.daemon());
            moments.kill(begin(scene, &["log", "backup", &folder]), daemon);
            // What has its name is whole.
            if !Path::new(&folder).exists() {
                done(scene, &["log", "backup", &folder]);
            }
            done(scene, &["log", "restore", &folder, "--to", &restored]);
        }
        Rare::Compact | Rare::Rebuild => {
            let command = if matches!(rare, Rare::Compact) { "compact" } else { "rebuild" };
            moments.kill(begin(scene, &["log", command]), None);
            if moments.random.one_in(2) {
                done(scene, &["log", command]);
            }
        }
        Rare::Restore => {
            let (folder, restored) = scene.back_up();
            let code = moments.kill(begin(scene, &["log", "restore", &folder, "--to", &restored]), None);
            if code != Some(0) {
                done(scene, &["log", "restore", &folder, "--to", &restored]);
            }
            scene.replace_store(&restored);
        }
    }
}

fn done(scene: &Scene, arguments: &[&str]) {
    let done = scene.dir.run(arguments);
    assert!(done.status.success(), "{arguments:?}: {}", stderr(&done));
}
