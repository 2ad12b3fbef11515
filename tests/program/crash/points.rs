//! Killed, and refused by the file system, at every named moment of the program.

mod drivers;
mod outputs;

use chapar::faults::Point;

use super::checks::{check, check_log, check_with_retention, settle, stop};
use super::count;
use crate::dir::{Running, stderr, wait_for};
pub use drivers::Scene;
use drivers::{Driver, REST, driver_of};
pub use outputs::{ENTRIES, check_feed, wait_until_delivered};

/// At so many different passes of each moment it is killed; with more, each moment is also refused in all ways instead of
/// in one of them.
const PASSES: u64 = 1;

/// In what ways the file system refuses.
const REFUSALS: [(&str, i32); 3] = [("enospc", libc::ENOSPC), ("eio", libc::EIO), ("erofs", libc::EROFS)];

fn passes() -> u64 {
    count("CHAPAR_CRASH_PASSES", PASSES)
}

/// The moments that a test is about, in their order; `CHAPAR_CRASH_POINT` names the beginning of fewer.
fn points(of: impl Fn(Driver) -> bool) -> Vec<Point> {
    let chosen = std::env::var("CHAPAR_CRASH_POINT").unwrap_or_default();
    let points = Point::ALL.iter().copied();
    points.filter(|point| point.name().starts_with(&chosen) && of(driver_of(*point))).collect()
}

fn is_of_daemon(driver: Driver) -> bool {
    matches!(driver, Driver::Work | Driver::NewOutput)
}

#[test]
fn killed_at_every_moment_of_the_daemon_nothing_is_lost_and_nothing_is_doubled() {
    kill_at(&mut Scene::new(2), &points(is_of_daemon));
}

#[test]
fn killed_at_every_moment_of_starts_and_commands_nothing_is_lost_and_nothing_is_doubled() {
    kill_at(&mut Scene::new(3), &points(|driver| !is_of_daemon(driver) && driver != Driver::Retention));
}

#[test]
fn killed_at_every_moment_of_retention_nothing_is_lost_and_nothing_is_doubled() {
    kill_at(&mut Scene::with_retention(4), &points(|driver| driver == Driver::Retention));
}

/// A store with records, where the first moment needs one; false when no moment was chosen.
fn begin(scene: &mut Scene, points: &[Point]) -> bool {
    let needs_store = |point: &Point| matches!(driver_of(*point), Driver::Command(_) | Driver::Asked(_));
    if points.first().is_some_and(needs_store) {
        scene.world.turn();
        let daemon = ready(scene);
        settle_all(scene);
        finish(scene, daemon);
    }
    !points.is_empty()
}

fn kill_at(scene: &mut Scene, points: &[Point]) {
    if !begin(scene, points) {
        return;
    }
    for group in points.chunk_by(|one, next| passes() == 1 && kind(*one) == kind(*next)) {
        for point in group {
            for pass in 1..=passes() {
                scene.kill_at(*point, pass);
            }
            println!("{:20} killed {} times", point.name(), passes());
        }
        // Those of a kind are checked together, unless there is time.
        let daemon = scene.dir.daemon();
        settle_all(scene);
        finish(scene, daemon);
    }
}

fn kind(point: Point) -> &'static str {
    point.name().split('-').next().unwrap_or_default()
}

/// Waits until everything has come to its outcome and to all outputs.
pub fn settle_all(scene: &Scene) {
    settle(&scene.dir, &scene.world);
    outputs::wait_until_delivered(&scene.dir);
}

/// Stops the daemon, and checks all of it.
pub fn finish(scene: &Scene, daemon: Running) {
    let Scene { dir, world, .. } = scene;
    stop(dir, world, daemon);
    let records = if scene.has_retention {
        check_with_retention(dir, world)
    } else {
        check(dir, world);
        check_log(&dir.path("store"))
    };
    outputs::check(dir, &records, &scene.folders);
}

#[test]
fn refused_at_every_moment_it_says_so_and_goes_on() {
    let points = points(|driver| driver != Driver::Retention);
    std::thread::scope(|scope| {
        for (turn, refusal) in REFUSALS.into_iter().enumerate() {
            let is_chosen = |(place, _): &(usize, &Point)| passes() > 1 || place % REFUSALS.len() == turn;
            let chosen: Vec<Point> = points.iter().enumerate().filter(is_chosen).map(|(_, point)| *point).collect();
            scope.spawn(move || refuse_at(&mut Scene::new(turn as u64), &chosen, &[refusal]));
        }
    });
}

#[test]
fn refused_at_every_moment_of_retention_it_says_so_and_goes_on() {
    let points = points(|driver| driver == Driver::Retention);
    refuse_at(&mut Scene::with_retention(5), &points, if passes() > 1 { &REFUSALS } else { &REFUSALS[..1] });
}

fn refuse_at(scene: &mut Scene, points: &[Point], refusals: &[(&str, i32)]) {
    if !begin(scene, points) {
        return;
    }
    let mut running = None;
    for point in points {
        for (fault, errno) in refusals {
            let reason = std::io::Error::from_raw_os_error(*errno).to_string();
            running = refuse(scene, *point, fault, &reason, running);
            println!("{:20} {fault}", point.name());
        }
    }
    let daemon = running.unwrap_or_else(|| ready(scene));
    settle_all(scene);
    finish(scene, daemon);
}

/// A daemon that passes the moments and is ready.
fn ready(scene: &Scene) -> Running {
    let mut daemon = scene.start();
    scene.dir.wait_until_ready(&mut daemon);
    daemon
}

/// Refuses one moment until that is told; then lets it go on. Takes and gives the daemon, where one runs.
fn refuse(scene: &mut Scene, point: Point, fault: &str, reason: &str, running: Option<Running>) -> Option<Running> {
    let fault = format!("{} {fault}", point.name());
    let driver = driver_of(point);
    if matches!(driver, Driver::Work | Driver::Retention) {
        let daemon = running.unwrap_or_else(|| ready(scene));
        scene.set_fault(&fault);
        wait_for_trouble_and_its_end(scene, point, reason);
        return Some(daemon);
    }
    if let Some(daemon) = running {
        assert_eq!(daemon.stop(), Some(0), "{}", scene.dir.log_end());
    }
    match driver {
        Driver::Work | Driver::Retention => {}
        Driver::NewOutput => {
            scene.add_output();
            scene.set_fault(&fault);
            let daemon = ready(scene);
            wait_for_trouble_and_its_end(scene, point, reason);
            return Some(daemon);
        }
        // Refused at its start, a daemon has nothing to go on with: it ends.
        Driver::StartTorn | Driver::StartWithoutFormat | Driver::StartUnsynced => {
            scene.prepare_start(driver, 1);
            scene.set_fault(&fault);
            let code = scene.start().exit_code();
            assert!(code == Some(1) && scene.dir.log().contains(reason), "{code:?} {}", scene.dir.log());
        }
        Driver::Command(arguments) | Driver::Asked(arguments) => {
            scene.set_fault(&fault);
            let refused = scene.ask(arguments);
            assert!(refused.status.code() == Some(1) && stderr(&refused).contains(reason), "{point:?} {refused:?}");
            scene.without_fault();
            let done = scene.ask(arguments);
            assert!(done.status.success(), "{point:?} {}", stderr(&done));
            return None;
        }
        Driver::Restore => {
            let (backup, restored) = scene.back_up();
            scene.set_fault(&fault);
            let refused = scene.run(&["log", "restore", &backup, "--to", &restored]);
            assert!(refused.status.code() == Some(1) && stderr(&refused).contains(reason), "{point:?} {refused:?}");
            scene.put_in_place(&backup, &restored);
        }
        Driver::Fill => {
            let backup = scene.back_up_and_damage();
            scene.set_fault(&fault);
            let refused = scene.run(&["log", "fill", &backup]);
            assert!(refused.status.code() == Some(1) && stderr(&refused).contains(reason), "{point:?} {refused:?}");
            scene.fill_from(&backup);
        }
    }
    scene.without_fault();
    None
}

fn wait_for_trouble_and_its_end(scene: &mut Scene, point: Point, reason: &str) {
    let mut rest = REST;
    wait_for(&format!("the trouble of {} in the status", point.name()), || {
        scene.world.turn();
        std::thread::sleep(rest);
        rest += REST;
        let troubles = scene.dir.status()["troubles"].clone();
        let mut reasons = troubles.as_object().unwrap().values();
        reasons.any(|why| why.as_str().unwrap().contains(reason)).then_some(())
    });
    scene.without_fault();
    settle_all(scene);
    wait_for("the end of the trouble", || scene.dir.status()["troubles"].as_object().unwrap().is_empty().then_some(()));
}
