//! A disk that is full, read-only or faulty: a small tmpfs, or ext4 in a loopback image, in a mount namespace of the test's
//! thread, which ends with it.

mod ext4;

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::checks::{check, settle};
use super::folder_for;
use super::world::World;
use crate::dir::{Dir, stderr, wait_for};

/// Room for sled, which grows by segments of half a mebibyte, and for the log.
const DISK: &str = "size=24m";

/// Gives this thread, and the programs that it starts, mounts of its own; says why where that is not allowed.
fn has_own_mounts() -> bool {
    // SAFETY: unshare takes flags and has no memory effects.
    #[allow(unsafe_code)]
    let unshared = unsafe { libc::unshare(libc::CLONE_NEWNS) } == 0;
    let is_private = unshared && mount(&["--make-rprivate", "/"]);
    if !is_private {
        skipped(&format!("mounting needs the rights of root: {}", std::io::Error::last_os_error()));
    }
    is_private
}

/// Says that a test was not run, also where the output of tests that pass is not shown.
#[allow(clippy::explicit_write, reason = "what eprintln writes is kept from a test that passes")]
fn skipped(why: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or_default();
    writeln!(std::io::stderr(), "\nNOT RUN: {test}: {why}").unwrap();
}

fn mount(arguments: &[&str]) -> bool {
    is_done("mount", arguments)
}

fn is_done(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|done| done.status.success())
}

fn small_disk(dir: &Dir, name: &str) {
    let folder = dir.path(name);
    std::fs::create_dir_all(&folder).unwrap();
    assert!(mount(&["-t", "tmpfs", "-o", DISK, "tmpfs", folder.to_str().unwrap()]));
}

/// Takes all room that is left.
fn fill(folder: &Path) {
    let mut ballast = std::fs::OpenOptions::new().create(true).append(true).open(folder.join("ballast")).unwrap();
    let mut block = vec![1; 1 << 20];
    while !block.is_empty() {
        if ballast.write_all(&block).is_err() {
            block.truncate(block.len() / 2);
        }
    }
}

fn wait_for_trouble(dir: &Dir, world: &mut World, reason: &str) -> String {
    wait_for(reason, || {
        world.turn();
        std::thread::sleep(Duration::from_millis(150));
        let troubles = dir.status()["troubles"].to_string();
        troubles.contains(reason).then_some(troubles)
    })
}

fn wait_for_no_trouble(dir: &Dir) {
    wait_for("the end of the trouble", || dir.status()["troubles"].as_object().unwrap().is_empty().then_some(()));
}

#[test]
fn on_a_full_disk_it_stays_up_says_so_and_goes_on_when_there_is_room() {
    if !has_own_mounts() {
        return;
    }
    for (seed, disks) in [&["store"][..], &["records"], &["store", "records"]].into_iter().enumerate() {
        let mut world = World::start(seed as u64);
        let dir = folder_for(&world);
        disks.iter().for_each(|disk| small_disk(&dir, disk));
        world.turn();
        let daemon = dir.daemon();
        settle(&dir, &world);
        for _ in 0..2 {
            disks.iter().for_each(|disk| fill(&dir.path(disk)));
            let troubles = wait_for_trouble(&dir, &mut world, "No space left on device");
            println!("{disks:?} full: {troubles}");
            let asked = dir.run(&["query", "--limit", "3"]);
            assert!(asked.status.success() || !stderr(&asked).is_empty(), "it is answered");
            disks.iter().for_each(|disk| std::fs::remove_file(dir.path(disk).join("ballast")).unwrap());
            settle(&dir, &world);
            wait_for_no_trouble(&dir);
        }
        assert_eq!(daemon.stop(), Some(0), "{}", dir.log_end());
        check(&dir, &world);
    }
}

#[test]
fn once_on_a_full_disk_ends_and_says_so() {
    if !has_own_mounts() {
        return;
    }
    let mut world = World::start(4);
    let dir = folder_for(&world);
    small_disk(&dir, "store");
    world.turn();
    assert_eq!(dir.run(&["once"]).status.code(), Some(0));
    world.turn();
    fill(&dir.path("store"));
    let refused = dir.run(&["once"]);
    assert_eq!(refused.status.code(), Some(1), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("No space left on device"), "{}", stderr(&refused));
    std::fs::remove_file(dir.path("store/ballast")).unwrap();
    assert_eq!(dir.run(&["once"]).status.code(), Some(0));
    check(&dir, &world);
}

#[test]
fn a_folder_that_is_read_only_for_a_while_gets_its_records_later() {
    if !has_own_mounts() {
        return;
    }
    let mut world = World::start(5);
    let dir = folder_for(&world);
    small_disk(&dir, "records");
    let daemon = dir.daemon();
    world.turn();
    settle(&dir, &world);
    let records = dir.path("records");
    // It fails for the moment in which a file is open.
    let remount = |how: &str| {
        wait_for("the mount", || mount(&["-o", &format!("remount,{how}"), records.to_str().unwrap()]).then_some(()));
    };
    remount("ro");
    println!("read-only: {}", wait_for_trouble(&dir, &mut world, "Read-only file system"));
    remount("rw");
    settle(&dir, &world);
    wait_for_no_trouble(&dir);
    assert_eq!(daemon.stop(), Some(0), "{}", dir.log_end());
    check(&dir, &world);
}
