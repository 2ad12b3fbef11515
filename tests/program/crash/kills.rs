//! SIGKILL at moments that a seed chooses, while the world goes on.

use std::time::Duration;

use super::checks::{check_log, settle_and_check};
use super::world::{Random, World};
use super::{count, folder_for};

/// Kills in a row; more with `CHAPAR_CRASH_ROUNDS`.
const ROUNDS: u64 = 20;

/// Everything is brought to its outcome and checked once in so many rounds.
const ROUNDS_BETWEEN_CHECKS: u64 = 20;

#[test]
fn killed_again_and_again_nothing_is_lost_and_nothing_is_doubled() {
    let seed = count("CHAPAR_CRASH_SEED", 1);
    let mut random = Random(seed);
    let mut world = World::start(seed);
    let dir = folder_for(&world);
    let rounds = count("CHAPAR_CRASH_ROUNDS", ROUNDS);
    for round in 1..=rounds {
        let pause = |random: &mut Random, most: usize| {
            std::thread::sleep(Duration::from_millis(random.below(most) as u64));
        };
        // One in three dies while it opens its store.
        let daemon = if random.one_in(3) {
            let daemon = dir.start();
            pause(&mut random, 150);
            daemon
        } else {
            let daemon = dir.daemon();
            for _ in 0..random.below(4) {
                world.turn();
                pause(&mut random, 120);
            }
            daemon
        };
        daemon.signal(libc::SIGKILL);
        drop(daemon);
        if round % ROUNDS_BETWEEN_CHECKS == 0 || round == rounds {
            settle_and_check(&dir, &world);
            println!("round {round}, seed {seed}: {} records", check_log(&dir.path("store")).len());
        }
    }
}
