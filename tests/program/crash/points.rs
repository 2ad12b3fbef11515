//! Killed, and refused by the file system, at every named moment of the program.

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use chapar::faults::Point;

use super::checks::{check, settle, settle_and_check};
use super::world::World;
use super::{count, folder_for};
use crate::dir::{DEADLINE, Dir, wait_for};

/// At so many different passes of each moment it is killed; five take minutes: `CHAPAR_CRASH_PASSES=5`.
const PASSES: u64 = 1;

/// Everything is brought to its outcome and checked after so many moments.
const POINTS_BETWEEN_CHECKS: usize = 5;

/// How long the world rests between its turns.
const REST: Duration = Duration::from_millis(150);

/// The world stops after so many turns for one moment: nothing leaves a feed before it was seen.
const TURNS_MAX: u32 = 20;

/// What brings a moment about.
#[derive(Clone, Copy)]
enum Driver {
    /// The daemon at its work.
    Daemon,
    /// A command, once without a daemon, once with one in which it is then carried out, in turn. `{fresh}` is a path that
    /// does not exist.
    Command(&'static [&'static str]),
}

/// The moments that the daemon's daily work does not pass, by the beginning of their names: one line each.
const DRIVERS: &[(&str, Driver)] = &[
    ("backup-", Driver::Command(&["log", "backup", "{fresh}"])),
    ("compact-", Driver::Command(&["log", "compact"])),
    ("rebuild-", Driver::Command(&["log", "rebuild"])),
];

fn driver_of(point: Point) -> Driver {
    let driver = DRIVERS.iter().find(|(beginning, _)| point.name().starts_with(beginning));
    driver.map_or(Driver::Daemon, |(_, driver)| *driver)
}

fn set_fault(dir: &Dir, fault: &str) {
    // In one step: the program reads it at every moment.
    dir.write("faults.new", fault);
    std::fs::rename(dir.path("faults.new"), dir.path("faults")).unwrap();
}

fn without_fault(dir: &Dir) {
    std::fs::remove_file(dir.path("faults")).unwrap();
}

/// The daemon at its work until it is dead.
fn work_to_death(dir: &Dir, world: &mut World, point: Point) {
    let mut daemon = dir.start_with(&[("CHAPAR_FAULTS", &dir.path("faults"))]);
    let start = Instant::now();
    let mut turns = TURNS_MAX;
    let ended = loop {
        if let Some(ended) = daemon.child.try_wait().unwrap() {
            break ended;
        }
        assert!(
            start.elapsed() < DEADLINE,
            "the daemon's work does not pass {}: name what does in DRIVERS\n{}",
            point.name(),
            dir.log_end()
        );
        if turns > 0 {
            turns -= 1;
            world.turn();
        }
        std::thread::sleep(REST);
    };
    assert_eq!(ended.signal(), Some(libc::SIGABRT), "{ended}: {}", dir.log_end());
}

/// A command until it, or the daemon that carries it out, is dead; false when it does not pass the moment.
fn command_to_death(dir: &Dir, arguments: &[&str], number: u64) -> bool {
    let fresh = dir.path(&format!("fresh-{number}"));
    let arguments: Vec<String> =
        arguments.iter().map(|argument| argument.replace("{fresh}", fresh.to_str().unwrap())).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let faults = dir.path("faults");
    let mut daemon = number.is_multiple_of(2).then(|| {
        let mut daemon = dir.start_with(&[("CHAPAR_FAULTS", &faults)]);
        dir.wait_until_ready(&mut daemon);
        daemon
    });
    let ended = dir.command(&arguments).env("CHAPAR_FAULTS", &faults).output().unwrap();
    let was_killed = ended.status.signal() == Some(libc::SIGABRT);
    was_killed || daemon.as_mut().is_some_and(|daemon| daemon.child.try_wait().unwrap().is_some())
}

#[test]
fn killed_at_every_named_moment_nothing_is_lost_and_nothing_is_doubled() {
    let mut world = World::start(2);
    let dir = folder_for(&world);
    let passes = count("CHAPAR_CRASH_PASSES", PASSES);
    let chosen = std::env::var("CHAPAR_CRASH_POINT").unwrap_or_default();
    let points: Vec<&Point> = Point::ALL.iter().filter(|point| point.name().starts_with(&chosen)).collect();
    for (number, point) in points.iter().enumerate() {
        let mut kills = 0;
        for pass in 1..=passes {
            match driver_of(**point) {
                Driver::Daemon => {
                    set_fault(&dir, &format!("{} kill {pass}", point.name()));
                    work_to_death(&dir, &mut world, **point);
                    kills += 1;
                }
                Driver::Command(arguments) => {
                    // What a command passes only once, it passes for the first time in each run.
                    let died = [pass, 1].iter().any(|pass| {
                        set_fault(&dir, &format!("{} kill {pass}", point.name()));
                        command_to_death(&dir, arguments, kills)
                    });
                    assert!(died, "{arguments:?} does not pass {}", point.name());
                    kills += 1;
                }
            }
            without_fault(&dir);
        }
        if number % POINTS_BETWEEN_CHECKS == POINTS_BETWEEN_CHECKS - 1 || number + 1 == points.len() {
            settle_and_check(&dir, &world);
        }
        println!("{:20} killed {kills} times", point.name());
    }
}

#[test]
fn refused_at_every_moment_of_the_daemon_it_stays_up_and_says_so_and_goes_on() {
    let refused = [("enospc", libc::ENOSPC), ("eio", libc::EIO), ("erofs", libc::EROFS)];
    std::thread::scope(|scope| {
        for (seed, (fault, errno)) in refused.into_iter().enumerate() {
            scope.spawn(move || refuse_at_every_moment(seed as u64, fault, errno));
        }
    });
}

fn refuse_at_every_moment(seed: u64, fault: &str, errno: i32) {
    let mut world = World::start(seed);
    let dir = folder_for(&world);
    let mut daemon = dir.start_with(&[("CHAPAR_FAULTS", &dir.path("faults"))]);
    dir.wait_until_ready(&mut daemon);
    let reason = std::io::Error::from_raw_os_error(errno).to_string();
    for point in Point::ALL.iter().filter(|point| matches!(driver_of(**point), Driver::Daemon)) {
        set_fault(&dir, &format!("{} {fault}", point.name()));
        let part = wait_for(&format!("the trouble of {} in the status", point.name()), || {
            world.turn();
            std::thread::sleep(REST);
            let troubles = dir.status()["troubles"].clone();
            let troubled = troubles.as_object().unwrap().iter();
            troubled.filter(|(_, why)| why.as_str().unwrap().contains(&reason)).map(|(part, _)| part.clone()).next()
        });
        println!("{:20} {fault:8} is told as trouble of {part}", point.name());
        without_fault(&dir);
        settle(&dir, &world);
        wait_for("the end of the trouble", || dir.status()["troubles"].as_object().unwrap().is_empty().then_some(()));
    }
    assert_eq!(daemon.stop(), Some(0), "{}", dir.log_end());
    check(&dir, &world);
}
