//! One story at several sites, told a little otherwise: one record, over kills and a lost sled.

use serde_json::Value;

use crate::dir::{Dir, source, wait_for};
use crate::site::{Item, Reply, Site, article};

const STORY: &str = "Shepherds of the upper valley brought their flocks down a month early, after snow closed the high \
    pastures overnight and broke the roofs of several huts, the district office said on Friday morning.\n\n\
    \"We have never left before the feast, but the grass lies under snow and the lambs are weak,\" said the eldest of \
    the herders, who walked for two days with his sons and their dogs. Nobody was hurt, though some sheep were lost \
    on the icy slope above the bridge.\n\n\
    Hay is short in the villages, because the summer was dry and the river gave little water to the meadows. The \
    governor promised trucks with fodder from the plain, and asked the railway to carry it without charge until the \
    new year.\n\n\
    Traders at the market expect that meat becomes cheap for some weeks and dear in the spring. The veterinary \
    service sent its doctors to every pen along the road to look for sick animals before they mix with others.\n\n\
    Meteorologists had warned of the cold, but the message reached the pastures late, since the only mast for \
    telephones has been without power since the storm of September.";

const OTHER: &str = "The puppet theatre of the capital opens its doors again after the repair of the stage, with a play \
    about a clever fox that every child of the city knows from school books.\n\n\
    Its director found the old figures in the cellar, where they had been kept dry in boxes full of sawdust, and had \
    them painted by the grandson of the man who carved them long ago.\n\n\
    Tickets are cheaper on weekdays, and families with many children enter without paying, the ministry said in a \
    statement. The musicians of the radio play behind the curtain, as they did when the house was founded.";

/// The story with another headline, the name of an agency before it, and without its end.
fn copy() -> Reply {
    let cut = STORY.rsplit_once("\n\n").unwrap().0;
    article("Early snow drives herders from the mountains", &format!("AK-SAI, the Valley Agency. {cut}"))
}

fn publish(site: &Site, path: &str, title: &str, page: Reply) {
    site.put(path, page);
    site.put("/feed.xml", Reply::rss(&[Item::new(&site.url(path), title)]));
}

struct World {
    first: Site,
    second: Site,
    dir: Dir,
}

impl World {
    /// The first site tells the story, the second nothing yet.
    fn new() -> Self {
        let (first, second) = (Site::start(), Site::at([127, 0, 0, 2]));
        publish(&first, "/a", "Snow closes the pastures", article("Snow closes the pastures", STORY));
        second.put("/feed.xml", Reply::rss(&[]));
        let sources = source("first", &first.url("/feed.xml")) + &source("second", &second.url("/feed.xml"));
        Self { first, second, dir: Dir::new(&sources) }
    }

    fn tell_again(&self) {
        publish(&self.second, "/b", "Early snow drives herders from the mountains", copy());
    }

    /// What came of everything, once nothing is pending.
    fn outcomes(&self, total: u64) -> Value {
        let counts = wait_for("the outcomes", || {
            Some(self.dir.status()["counts"].clone())
                .filter(|counts| counts["pending"] == 0 && counts["admitted"].as_u64() >= Some(total))
        });
        let outcomes = counts["outcomes"].clone();
        let settled: u64 = outcomes.as_object().unwrap().values().filter_map(Value::as_u64).sum();
        assert_eq!(counts["admitted"], settled, "{counts}");
        outcomes
    }

    fn assert_one_record(&self) {
        let records = self.dir.records();
        assert_eq!(records.len(), 1, "{records:?}");
        assert_eq!(records[0]["title"], "Snow closes the pastures");
    }
}

#[test]
fn an_agency_story_at_two_sites_is_one_record() {
    let world = World::new();
    assert!(world.dir.run(&["once"]).status.success());
    world.tell_again();
    assert!(world.dir.run(&["once"]).status.success());
    world.assert_one_record();
    let outcomes = world.outcomes(2);
    assert_eq!((&outcomes["recorded"], &outcomes["duplicate"]), (&Value::from(1), &Value::from(1)), "{outcomes}");
    publish(&world.first, "/c", "Foxes on the stage", article("Foxes on the stage", OTHER));
    assert!(world.dir.run(&["once"]).status.success());
    assert_eq!(world.dir.records().len(), 2, "another story is another record");
}

#[test]
fn a_copy_is_found_after_a_kill() {
    let world = World::new();
    let daemon = world.dir.daemon();
    wait_for("the record", || (world.dir.records().len() == 1).then_some(()));
    daemon.signal(libc::SIGKILL);
    drop(daemon);
    world.tell_again();
    let daemon = world.dir.daemon();
    let outcomes = world.outcomes(2);
    assert_eq!(outcomes["duplicate"], 1, "{outcomes}");
    assert_eq!(daemon.stop(), Some(0));
    world.assert_one_record();
}

#[test]
fn a_copy_is_found_when_sled_was_rebuilt_from_the_log() {
    let world = World::new();
    assert!(world.dir.run(&["once"]).status.success());
    std::fs::remove_dir_all(world.dir.path("store/sled")).unwrap();
    world.tell_again();
    assert!(world.dir.run(&["once"]).status.success());
    let outcomes = world.outcomes(2);
    assert_eq!(outcomes["duplicate"], 1, "{outcomes}");
    world.assert_one_record();
}

#[test]
fn copies_are_recorded_where_the_settings_do_not_look_for_them() {
    let world = World::new();
    let sources = ["first", "second"].map(|id| {
        let site = if id == "first" { &world.first } else { &world.second };
        source(id, &site.url("/feed.xml"))
    });
    world.dir.settle(&format!("[novelty]\nnear = false\n\n{}", sources.concat()));
    world.tell_again();
    assert!(world.dir.run(&["once"]).status.success());
    assert_eq!(world.dir.records().len(), 2);
}
