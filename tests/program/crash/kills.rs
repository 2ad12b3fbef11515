//! SIGKILL at moments that a seed chooses, while the world goes on.

use std::time::Duration;

use super::checks::{check_log, check_with_retention, settle, settle_and_check, stop};
use super::world::{Random, World};
use super::{count, folder_for};
use crate::dir::{Dir, seqs, wait_for};

/// Kills in a row; more with `CHAPAR_CRASH_ROUNDS`.
const ROUNDS: u64 = 20;

/// One in so many of them where old records go, too.
const RETENTION_PART: u64 = 4;

/// Everything is brought to its outcome and checked once in so many rounds.
const ROUNDS_BETWEEN_CHECKS: u64 = 20;

#[test]
fn killed_again_and_again_nothing_is_lost_and_nothing_is_doubled() {
    let seed = count("CHAPAR_CRASH_SEED", 1);
    let (mut world, mut random) = (World::start(seed), Random(seed));
    let dir = folder_for(&world);
    let rounds = count("CHAPAR_CRASH_ROUNDS", ROUNDS);
    for round in 1..=rounds {
        live_and_die(&dir, &mut world, &mut random);
        if round % ROUNDS_BETWEEN_CHECKS == 0 || round == rounds {
            settle_and_check(&dir, &world);
            println!("round {round}, seed {seed}: {} records", check_log(&dir.path("store")).len());
        }
    }
}

/// Files of the log go and are written anew all the time.
#[test]
fn killed_while_old_records_go_nothing_is_lost_and_nothing_is_doubled() {
    let seed = count("CHAPAR_CRASH_SEED", 1);
    let (mut world, mut random) = (World::start(seed + 1), Random(seed + 1));
    let dir = folder_for(&world);
    let settings = std::fs::read_to_string(dir.path("chapar.toml")).unwrap();
    let settings = settings.replace("segment = \"8KiB\"", "segment = \"2KiB\"\nretain_records = 8");
    dir.write("chapar.toml", &settings);
    let rounds = count("CHAPAR_CRASH_ROUNDS", ROUNDS).div_ceil(RETENTION_PART);
    for round in 1..=rounds {
        live_and_die(&dir, &mut world, &mut random);
        if round % ROUNDS_BETWEEN_CHECKS == 0 || round == rounds {
            let daemon = dir.daemon();
            settle(&dir, &world);
            // What was held by an output that had not got it goes a little later.
            wait_for("old records to go", || {
                let oldest = seqs(&dir.json(&["query", "event:new,update,relabel,withdrawn", "--reverse", "-n", "1"]));
                Some(()).filter(|()| oldest.first() > Some(&1))
            });
            stop(&dir, &world, daemon);
            println!("round {round}, seed {seed}: {} records", check_with_retention(&dir, &world).len());
        }
    }
}

/// A life of the daemon in a world that goes on.
fn live_and_die(dir: &Dir, world: &mut World, random: &mut Random) {
    let pause = |random: &mut Random, most: usize| {
        std::thread::sleep(Duration::from_millis(random.below(most) as u64));
    };
    // One in three dies while it opens its store.
    let daemon = if random.one_in(3) {
        let daemon = dir.start();
        pause(random, 150);
        daemon
    } else {
        let daemon = dir.daemon();
        for _ in 0..random.below(4) {
            world.turn();
            pause(random, 120);
        }
        daemon
    };
    daemon.signal(libc::SIGKILL);
}
