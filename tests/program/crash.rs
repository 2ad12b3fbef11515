//! Every way to die: whatever happens, nothing that was admitted is lost, and nothing is recorded or delivered twice.
//!
//! How much is tried is set by the environment: `CHAPAR_CRASH_ROUNDS=200 cargo test --test program crash`.
#![allow(clippy::print_stdout, reason = "what was tried is told with --nocapture")]

mod checks;
mod clock;
mod disk;
mod kills;
mod points;
mod power;
mod rare;
mod soak;
mod world;

use crate::dir::Dir;
use world::World;

/// A number from the environment, for those who have the time.
fn count(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |count| count.parse().unwrap())
}

/// A folder whose files are small, so that many segments and files begin.
fn folder_for(world: &World) -> Dir {
    let dir = Dir::new(&world.sources());
    let settings = std::fs::read_to_string(dir.path("chapar.toml")).unwrap();
    let settings = settings
        .replace("[store]\n", "[store]\nsegment = \"8KiB\"\n")
        .replace("kind = \"directory\"\n", "kind = \"directory\"\nroll = \"16KiB\"\n");
    dir.write("chapar.toml", &settings);
    dir
}
