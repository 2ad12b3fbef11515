//! The clock is set back by a day while the daemon runs.

use std::time::{Duration, Instant};

use super::checks::check;
use super::folder_for;
use super::power::shim;
use super::world::World;
use crate::dir::wait_for;

/// What waits for a time looks at the clock once a minute at the latest.
const NOTICED_WITHIN: Duration = Duration::from_secs(90);

#[test]
fn a_clock_set_back_by_a_day_stops_nothing_and_mixes_nothing_up() {
    let mut world = World::start(6);
    let dir = folder_for(&world);
    let (shim, clock) = (shim(), dir.path("clock"));
    dir.write("clock", "0");
    let mut daemon = dir.start_with(&[("LD_PRELOAD", &shim), ("CHAPAR_POWER_CLOCK", &clock)]);
    dir.wait_until_ready(&mut daemon);
    world.turn();
    wait_for("records", || (!dir.records().is_empty()).then_some(()));
    dir.write("clock", "-86400");
    world.turn();
    let start = Instant::now();
    while let Some(missing) = world.missing(&dir.status(), || dir.records()) {
        assert!(start.elapsed() < NOTICED_WITHIN, "waited in vain for {missing}\n{}", dir.log_end());
        std::thread::sleep(Duration::from_millis(200));
    }
    println!("went on after {:?}", start.elapsed());
    let times: Vec<String> =
        dir.records().iter().map(|record| record["recorded_at"].as_str().unwrap()[..10].to_owned()).collect();
    assert!(times.last() < times.first(), "the clock was not set back: {times:?}");
    assert_eq!(daemon.stop(), Some(0), "{}", dir.log_end());
    check(&dir, &world);
}
