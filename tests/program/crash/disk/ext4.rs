//! ext4 in an image: what a real disk does when it is full, gives errors, or is made read-only.

use std::path::{Path, PathBuf};

use super::{fill, has_own_mounts, is_done, mount, skipped, small_disk, wait_for_no_trouble, wait_for_trouble};
use crate::crash::checks::{check, settle, stop};
use crate::crash::folder_for;
use crate::crash::world::World;
use crate::dir::{Dir, stderr, wait_for};

/// Room for sled, for the log and for the journal of the file system.
const IMAGE: u64 = 48 << 20;

/// A file system in a file, mounted for this thread only.
struct Image {
    file: PathBuf,
    mounted: PathBuf,
}

impl Image {
    /// Makes one and mounts it on a folder of `dir`; says why where that is not possible.
    fn mounted(dir: &Dir, file: &str, folder: &str, features: &[&str]) -> Option<Self> {
        let image = Self { file: dir.path(file), mounted: dir.path(folder) };
        std::fs::create_dir_all(image.file.parent().unwrap()).unwrap();
        std::fs::create_dir_all(&image.mounted).unwrap();
        std::fs::File::create(&image.file).unwrap().set_len(IMAGE).unwrap();
        let is_made = is_done("mkfs.ext4", &[&["-q", "-F"], features, &[image.file()]].concat());
        if is_made && image.mount("loop") {
            return Some(image);
        }
        skipped(
            "a loopback image of ext4 cannot be mounted: mkfs.ext4, a loop device and the rights of root are needed",
        );
        None
    }

    fn file(&self) -> &str {
        self.file.to_str().unwrap()
    }

    fn mount(&self, options: &str) -> bool {
        mount(&["-o", options, self.file(), self.mounted.to_str().unwrap()])
    }

    /// Takes it away, and with it what the kernel keeps of its files in memory.
    fn unmount(&self) {
        wait_for("nobody to use the disk", || is_done("umount", &[self.mounted.to_str().unwrap()]).then_some(()));
    }

    /// What the kernel does when it meets a fault in the file system: it is read-only until it was checked.
    fn fail(&self) {
        let mounts = std::fs::read_to_string("/proc/thread-self/mounts").unwrap();
        let line = mounts.lines().find(|line| line.contains(self.mounted.to_str().unwrap())).unwrap();
        let device = Path::new(line.split(' ').next().unwrap()).file_name().unwrap();
        std::fs::write(Path::new("/sys/fs/ext4").join(device).join("trigger_fs_error"), "1").unwrap();
    }

    /// Checks and mends it when it is not mounted.
    fn mend(&self) {
        // 1: faults were mended.
        let code = std::process::Command::new("e2fsck").args(["-p", self.file()]).output().unwrap().status.code();
        assert!(matches!(code, Some(0 | 1)), "{code:?}");
    }
}

/// A world, and a folder of settings for it, in which one folder is an ext4; `None` where that cannot be had.
fn world_with_image(seed: u64, mounted_at: &str) -> Option<(World, Dir, Image)> {
    if !has_own_mounts() {
        return None;
    }
    let world = World::start(seed);
    let dir = folder_for(&world);
    let image = Image::mounted(&dir, "image", mounted_at, &[])?;
    Some((world, dir, image))
}

#[test]
fn on_a_full_ext4_it_stays_up_says_so_and_goes_on_when_there_is_room() {
    let Some((mut world, dir, image)) = world_with_image(11, "store") else { return };
    world.turn();
    let daemon = dir.daemon();
    settle(&dir, &world);
    fill(&image.mounted);
    println!("full: {}", wait_for_trouble(&dir, &mut world, "No space left on device"));
    std::fs::remove_file(image.mounted.join("ballast")).unwrap();
    settle(&dir, &world);
    wait_for_no_trouble(&dir);
    stop(&dir, &world, daemon);
    image.unmount();
    image.mend();
    assert!(image.mount("loop"));
    check(&dir, &world);
    image.unmount();
}

/// As a disk that runs out below the file system, or a cable that comes loose for a while: what was written is refused when it
/// is to be made durable, and the kernel forgets it.
///
/// Ignored for it fails, in one run of six before there was a search index and more often since: after the second fault and a new
/// mount a file of the log has blocks of zeros, though each sync of it had succeeded. Whether that is this program's or that of
/// ext4 without a journal (extents converted in memory only) is to be found out.
#[test]
#[ignore = "a file of the log may have lost blocks after two faults of a disk without a journal: to be understood"]
fn what_a_faulty_disk_did_not_take_is_written_again_when_it_works() {
    if !has_own_mounts() {
        return;
    }
    let mut world = World::start(12);
    let dir = folder_for(&world);
    small_disk(&dir, "below");
    // Without a journal the file system does not give itself up.
    let features = ["-O", "^has_journal", "-E", "lazy_itable_init=0"];
    let Some(image) = Image::mounted(&dir, "below/image", "store", &features) else { return };
    world.turn();
    let daemon = dir.daemon();
    settle(&dir, &world);
    for _ in 0..2 {
        fill(&dir.path("below"));
        println!("faulty: {}", wait_for_trouble(&dir, &mut world, "os error"));
        std::fs::remove_file(dir.path("below/ballast")).unwrap();
        settle(&dir, &world);
        wait_for_no_trouble(&dir);
    }
    stop(&dir, &world, daemon);
    // What only the kernel's memory has goes now.
    image.unmount();
    assert!(image.mount("loop"));
    check(&dir, &world);
    let verified = dir.run(&["log", "verify"]);
    assert!(verified.status.success(), "{verified:?}");
    image.unmount();
}

/// The file system meets a fault and makes itself read-only under the daemon, for good.
#[test]
fn a_store_that_is_read_only_is_told_by_status_and_exit_and_nothing_is_lost_when_it_was_mended() {
    let Some((mut world, dir, image)) = world_with_image(13, "store") else { return };
    image.unmount();
    assert!(image.mount("loop,errors=remount-ro"));
    world.turn();
    let daemon = dir.daemon();
    settle(&dir, &world);
    image.fail();
    println!("read-only: {}", wait_for_trouble(&dir, &mut world, "Read-only file system"));
    // sled does not open on such a disk; who asks is told something.
    let asked = dir.run(&["query", "--limit", "3"]);
    assert!(asked.status.success() || !stderr(&asked).is_empty(), "{asked:?}");
    assert_eq!(daemon.stop(), Some(1));
    assert!(dir.log_end().contains("Read-only file system"), "{}", dir.log_end());
    for arguments in [["run"].as_slice(), &["once"]] {
        let refused = dir.run(arguments);
        assert_eq!(refused.status.code(), Some(1), "{}", stderr(&refused));
        assert!(stderr(&refused).contains("Read-only file system"), "{arguments:?}: {}", stderr(&refused));
    }
    image.unmount();
    image.mend();
    assert!(image.mount("loop"));
    let daemon = dir.daemon();
    settle(&dir, &world);
    wait_for_no_trouble(&dir);
    stop(&dir, &world, daemon);
    check(&dir, &world);
    image.unmount();
}

#[test]
fn an_output_on_a_disk_that_was_read_only_for_a_while_gets_its_records_later() {
    let Some((mut world, dir, image)) = world_with_image(14, "records") else { return };
    std::fs::remove_dir(image.mounted.join("lost+found")).unwrap();
    let daemon = dir.daemon();
    world.turn();
    settle(&dir, &world);
    // It is refused for the moment in which a file is open.
    let folder = image.mounted.to_str().unwrap();
    let remount = |how: &str| wait_for("the mount", || mount(&["-o", &format!("remount,{how}"), folder]).then_some(()));
    remount("ro");
    println!("read-only: {}", wait_for_trouble(&dir, &mut world, "Read-only file system"));
    remount("rw");
    settle(&dir, &world);
    wait_for_no_trouble(&dir);
    stop(&dir, &world, daemon);
    image.unmount();
    assert!(image.mount("loop"));
    check(&dir, &world);
    image.unmount();
}
