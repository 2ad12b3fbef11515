//! What outputs need on this machine, for `chapar check`: a daemon that lacks it runs, and says so in its status.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::feed::folder_of;
use super::webhook::secret_fault;
use crate::settings::{Output, OutputKind};

/// What an output lacks, and the remedy, after the key that it is about. Nothing is made or changed by looking.
pub fn fault(output: &Output) -> Option<(&'static str, String)> {
    match &output.kind {
        OutputKind::Exec(exec) => not_executable(&exec.program).map(|problem| ("command", problem)),
        OutputKind::Webhook(webhook) => secret_fault(webhook).map(|problem| ("secret_file", problem)),
        OutputKind::Directory(directory) => no_folder(directory.path.root()).map(|problem| ("path", problem)),
        OutputKind::Feed(feed) => feed_fault(&feed.path).map(|problem| ("path", problem)),
        OutputKind::Stdout { .. } => None,
    }
}

/// Why a folder can neither be written nor made: it, or one above it, is something else.
fn no_folder(folder: &Path) -> Option<String> {
    for path in folder.ancestors().filter(|path| !path.as_os_str().is_empty()) {
        let shown = path.display();
        match std::fs::metadata(path) {
            Ok(found) if found.is_dir() => return None,
            Ok(_) => return Some(format!("{shown} is a file; move it away, or name another folder")),
            Err(_) if path.is_symlink() => return Some(format!("{shown} is a symlink that leads nowhere; remove it")),
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {}
                // Who asks need not be who writes.
                io::ErrorKind::PermissionDenied => return None,
                _ => return Some(format!("{shown}: {error}")),
            },
        }
    }
    None
}

fn feed_fault(path: &Path) -> Option<String> {
    let folder = folder_of(path);
    match std::fs::metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return None,
        Ok(found) if found.is_dir() => {}
        _ => return Some(format!("there is no folder {}; make it", folder.display())),
    }
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => Some(format!("{} is a folder; name a file", path.display())),
        Ok(found) if !found.is_file() => Some(format!("{} is no file; name another", path.display())),
        _ => None,
    }
}

fn not_executable(program: &Path) -> Option<String> {
    let shown = program.display();
    match std::fs::metadata(program) {
        Err(error) => Some(format!("{shown}: {error}")),
        Ok(metadata) if !metadata.is_file() => Some(format!("{shown} is no program")),
        Ok(metadata) if metadata.permissions().mode() & 0o111 == 0 => {
            Some(format!("{shown} is not executable; chmod +x {shown}"))
        }
        Ok(_) => None,
    }
}
