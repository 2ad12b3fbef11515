//! What brings each named moment about.

use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Output;
use std::time::{Duration, Instant};

use chapar::faults::Point;

use super::outputs;
use crate::crash::world::World;
use crate::dir::{DEADLINE, Dir, Running, stderr};

/// How long the world rests after its first turn; after each further one by as much longer, so that it does not publish
/// more than a slow machine can take in.
pub const REST: Duration = Duration::from_millis(100);

/// For a moment that comes by itself, on a machine that is busy with other tests.
const PATIENCE: Duration = DEADLINE.saturating_mul(3);

/// Records that are kept where old ones are removed.
const RETAINED: u64 = 60;

/// What brings a moment about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    /// The daemon at its work.
    Work,
    /// The daemon at its work, by settings that remove old records.
    Retention,
    /// The daemon at its work, with an output that is new.
    NewOutput,
    /// A daemon that starts after a kill in the middle of a frame.
    StartTorn,
    /// A daemon that starts on a store without the file that says its format.
    StartWithoutFormat,
    /// A daemon that starts on a store whose sled had failed in the hands of the disk.
    StartUnsynced,
    /// A command while no daemon runs.
    Command(&'static [&'static str]),
    /// A command that is carried out by a daemon, or by itself when none runs, in turn. `{fresh}` is a path that does not
    /// exist.
    Asked(&'static [&'static str]),
    /// `log restore` of a backup that is made for it; what it makes is the store from then on.
    Restore,
    /// `log fill` with a backup that is made for it, of a log that is damaged then.
    Fill,
}

/// The moments that the daemon's daily work does not pass, by the beginning of their names: one line each.
const DRIVERS: &[(&str, Driver)] = &[
    ("backup-", Driver::Asked(&["log", "backup", "{fresh}"])),
    ("compact-", Driver::Command(&["log", "compact"])),
    ("directory-folder", Driver::NewOutput),
    ("fill-", Driver::Fill),
    ("format-", Driver::StartWithoutFormat),
    ("index-", Driver::Asked(&["log", "reindex"])),
    ("rebuild-", Driver::Command(&["log", "rebuild"])),
    ("restore-", Driver::Restore),
    ("retain-", Driver::Retention),
    ("torn-", Driver::StartTorn),
    ("unsynced-", Driver::StartUnsynced),
];

pub fn driver_of(point: Point) -> Driver {
    let driver = DRIVERS.iter().find(|(beginning, _)| point.name().starts_with(beginning));
    driver.map_or(Driver::Work, |(_, driver)| *driver)
}

/// A world, and the program's folder.
pub struct Scene {
    pub world: World,
    pub dir: Dir,
    /// Names that were given to what has to be new.
    names: u64,
    /// Where the folders by pattern begin.
    pub folders: Vec<PathBuf>,
    /// Whether old records are removed from the log.
    pub has_retention: bool,
}

impl Scene {
    pub fn new(seed: u64) -> Self {
        let world = World::start(seed);
        let dir = crate::crash::folder_for(&world);
        outputs::add(&dir);
        let mut scene = Self { world, dir, names: 0, folders: Vec::new(), has_retention: false };
        scene.add_output();
        scene
    }

    /// The same, where old records are removed from the log.
    pub fn with_retention(seed: u64) -> Self {
        let mut scene = Self::new(seed);
        scene.retain();
        scene
    }

    /// From the next start or reload on, old records are removed.
    pub fn retain(&mut self) {
        let settings = std::fs::read_to_string(self.dir.path("chapar.toml")).unwrap();
        self.dir
            .write("chapar.toml", &settings.replace("[store]\n", &format!("[store]\nretain_records = {RETAINED}\n")));
        self.has_retention = true;
    }

    pub fn set_fault(&self, fault: &str) {
        // In one step: the program reads it at every moment.
        self.dir.write("faults.new", fault);
        std::fs::rename(self.dir.path("faults.new"), self.dir.path("faults")).unwrap();
    }

    pub fn without_fault(&self) {
        std::fs::remove_file(self.dir.path("faults")).unwrap();
    }

    /// A daemon that passes the moments.
    pub fn start(&self) -> Running {
        self.dir.start_with(&[("CHAPAR_FAULTS", &self.dir.path("faults"))])
    }

    /// A path that nothing is at.
    pub fn fresh(&mut self) -> String {
        self.names += 1;
        self.dir.path(&format!("fresh-{}", self.names)).to_str().unwrap().to_owned()
    }

    /// A further output, which makes its folders.
    pub fn add_output(&mut self) {
        let path = PathBuf::from(self.fresh());
        outputs::add_folders(&self.dir, &path);
        self.folders.push(path);
    }

    /// Brings the moment about with a fault that kills; asserts that it did.
    pub fn kill_at(&mut self, point: Point, pass: u64) {
        let name = point.name();
        let first = format!("{name} kill 1");
        let chosen = format!("{name} kill {pass}");
        match driver_of(point) {
            Driver::Work | Driver::Retention => {
                self.set_fault(&chosen);
                self.work_to_death(point);
            }
            Driver::NewOutput => {
                self.add_output();
                self.set_fault(&first);
                self.work_to_death(point);
            }
            Driver::StartTorn | Driver::StartWithoutFormat | Driver::StartUnsynced => {
                self.prepare_start(driver_of(point), pass);
                self.set_fault(&first);
                self.work_to_death(point);
            }
            Driver::Command(arguments) => {
                // What a command passes only once, it passes for the first time in each run.
                let killed = [chosen, first].iter().any(|fault| {
                    self.set_fault(fault);
                    was_killed(&self.run(arguments))
                });
                assert!(killed, "{arguments:?} does not pass {name}");
            }
            Driver::Asked(arguments) => {
                self.set_fault(&first);
                let mut daemon = self.names.is_multiple_of(2).then(|| {
                    let mut daemon = self.start();
                    self.dir.wait_until_ready(&mut daemon);
                    daemon
                });
                let ended = self.ask(arguments);
                let died = daemon.as_mut().map(|daemon| daemon.exit_code().is_none());
                assert!(died.unwrap_or_else(|| was_killed(&ended)), "{arguments:?} does not pass {name}");
            }
            Driver::Restore => {
                let (backup, restored) = self.back_up();
                self.set_fault(&first);
                assert!(was_killed(&self.run(&["log", "restore", &backup, "--to", &restored])), "{name}");
                self.put_in_place(&backup, &restored);
            }
            Driver::Fill => {
                let backup = self.back_up_and_damage();
                self.set_fault(&first);
                assert!(was_killed(&self.run(&["log", "fill", &backup])), "{name}");
                self.fill_from(&backup);
            }
        }
        self.without_fault();
    }

    /// Makes a start pass what only such a start does.
    pub fn prepare_start(&mut self, driver: Driver, pass: u64) {
        match driver {
            Driver::StartTorn => {
                self.set_fault(&format!("{} kill {pass}", Point::FRAME_TORN.name()));
                self.work_to_death(Point::FRAME_TORN);
            }
            Driver::StartWithoutFormat => {
                // A kill just before it gets its name has left none.
                let _ = std::fs::remove_file(self.dir.path("store/format"));
            }
            Driver::StartUnsynced => {
                if !self.dir.path("store").exists() {
                    assert_eq!(self.dir.daemon().stop(), Some(0), "{}", self.dir.log_end());
                }
                self.dir.write("store/sled-unsynced", "");
            }
            _ => unreachable!("{driver:?} is no start"),
        }
    }

    /// The paths of a backup of the store, and of a store to be made of it.
    pub fn back_up(&mut self) -> (String, String) {
        let (backup, restored) = (self.fresh(), self.fresh());
        let made = self.dir.run(&["log", "backup", &backup]);
        assert!(made.status.success(), "{}", stderr(&made));
        (backup, restored)
    }

    /// Restores a backup, past all moments, and takes what was made of it for the store.
    pub fn put_in_place(&self, backup: &str, restored: &str) {
        let done = self.dir.run(&["log", "restore", backup, "--to", restored]);
        assert!(done.status.success(), "{}", stderr(&done));
        self.replace_store(restored);
    }

    /// Takes another store for the store.
    pub fn replace_store(&self, other: &str) {
        std::fs::remove_dir_all(self.dir.path("store")).unwrap();
        std::fs::rename(other, self.dir.path("store")).unwrap();
    }

    /// The path of a backup of the store, in whose log the last frame is damaged then.
    pub fn back_up_and_damage(&mut self) -> String {
        // There is a record at least.
        self.world.turn();
        self.dir.run(&["once"]);
        let (backup, _) = self.back_up();
        let files = std::fs::read_dir(self.dir.path("store/log")).unwrap().map(|entry| entry.unwrap().path());
        let has_frames = |path: &PathBuf| {
            path.extension().is_some_and(|end| end == "zst") && std::fs::metadata(path).unwrap().len() > 0
        };
        let last = files.filter(has_frames).max().unwrap();
        let mut bytes = std::fs::read(&last).unwrap();
        let place = bytes.len() - 20;
        bytes[place] ^= 0x55;
        std::fs::write(last, bytes).unwrap();
        backup
    }

    /// Puts back what the backup has, past all moments.
    pub fn fill_from(&self, backup: &str) {
        let done = self.dir.run(&["log", "fill", backup]);
        assert!(done.status.success(), "{}", stderr(&done));
    }

    /// A command that passes the moments.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.dir.command(arguments).env("CHAPAR_FAULTS", self.dir.path("faults")).output().unwrap()
    }

    /// The same, with a path for what has to be new.
    pub fn ask(&mut self, arguments: &[&str]) -> Output {
        let fresh = self.fresh();
        let arguments: Vec<String> = arguments.iter().map(|argument| argument.replace("{fresh}", &fresh)).collect();
        self.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// The daemon at its work until it is dead.
    fn work_to_death(&mut self, point: Point) {
        let mut daemon = self.start();
        let (start, mut rest) = (Instant::now(), REST);
        let ended = loop {
            if let Some(ended) = daemon.child.try_wait().unwrap() {
                break ended;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "the daemon's work does not pass {}: name what does in DRIVERS\n{}",
                point.name(),
                self.dir.log_end()
            );
            self.world.turn();
            std::thread::sleep(rest);
            rest += REST;
        };
        assert_eq!(ended.signal(), Some(libc::SIGABRT), "{ended}: {}", self.dir.log_end());
    }
}

fn was_killed(ended: &Output) -> bool {
    ended.status.signal() == Some(libc::SIGABRT)
}
