//! What outputs need on this machine, for `chapar check`: a daemon that lacks it runs, and says so in its status.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::feed::folder_of;
use super::webhook::secret_fault;
use crate::settings::{Output, OutputKind};

/// What an output lacks, and the remedy.
pub fn fault(output: &Output) -> Option<String> {
    let fault = match &output.kind {
        OutputKind::Exec(exec) => not_executable(&exec.program).map(|problem| format!("command: {problem}")),
        OutputKind::Webhook(webhook) => secret_fault(webhook).map(|problem| format!("secret_file: {problem}")),
        OutputKind::Feed(feed) if !folder_of(&feed.path).is_dir() => {
            Some(format!("path: there is no folder {}; make it", folder_of(&feed.path).display()))
        }
        OutputKind::Feed(feed) if feed.path.is_dir() => {
            Some(format!("path: {} is a folder; name a file", feed.path.display()))
        }
        OutputKind::Stdout { .. } | OutputKind::Directory(_) | OutputKind::Feed(_) => None,
    };
    fault.map(|fault| format!("output {:?}: {fault}", output.id.as_str()))
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
