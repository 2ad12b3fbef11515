//! `chapar run`: polling, asking it, reloading it, stopping it.

use std::os::unix::net::UnixDatagram;
use std::process::Stdio;

use serde_json::Value;

use crate::dir::{Dir, Running, records_in, seqs, source, wait_for};
use crate::site::Site;

fn wait_for_records(dir: &Dir, count: usize) -> Vec<Value> {
    wait_for("records", || Some(dir.records()).filter(|records| records.len() >= count))
}

#[test]
fn it_records_while_it_runs_and_answers_over_its_socket() {
    let site = Site::start();
    site.publish(1..=2);
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    let daemon = dir.daemon();
    wait_for_records(&dir, 2);
    let mut tail = dir.command(&["tail", "-f", "-n", "1", "--source", "canal"]);
    let mut tail = Running { child: tail.stdout(Stdio::piped()).spawn().unwrap() };
    let mut lines = tail.lines();
    let first: Value = serde_json::from_str(&lines.next().unwrap()).unwrap();
    assert_eq!(first["seq"], 2);
    site.publish(1..=3);
    let second: Value = serde_json::from_str(&lines.next().unwrap()).unwrap();
    assert_eq!(second["seq"], 3);
    let id = second["id"].as_str().unwrap();
    assert_eq!(dir.json(&["show", &id[..8]])[0], second);
    assert_eq!(seqs(&dir.json(&["query", "--reverse", "canal"])), [1, 2, 3]);
    assert_eq!(seqs(&dir.json(&["query", "--limit", "1"])), [3]);
    assert_eq!(dir.run(&["query", "nosuchword"]).status.code(), Some(3));
    assert_eq!(dir.run(&["query", "topic:nosuch"]).status.code(), Some(2));
    let status = dir.status();
    assert_eq!(status["pid"], daemon.child.id());
    assert_eq!((&status["last_seq"], &status["outputs"][0]["lag"]), (&Value::from(3), &Value::from(0)));
    assert_eq!(daemon.stop(), Some(0));
    assert!(!dir.path("store/chapar.sock").exists());
    assert_eq!(dir.status()["pid"], Value::Null, "asked in-process now");
}

#[test]
fn a_tail_goes_on_over_a_restart_of_the_daemon() {
    let site = Site::start();
    site.publish(1..=1);
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    let daemon = dir.daemon();
    wait_for_records(&dir, 1);
    let mut tail = dir.command(&["tail", "-f"]);
    let mut tail = Running { child: tail.stdout(Stdio::piped()).spawn().unwrap() };
    let mut lines = tail.lines();
    assert!(lines.next().unwrap().contains("\"seq\":1,"));
    daemon.signal(libc::SIGKILL);
    drop(daemon);
    site.publish(1..=3);
    let daemon = dir.daemon();
    assert!(lines.next().unwrap().contains("\"seq\":2,"));
    assert!(lines.next().unwrap().contains("\"seq\":3,"));
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn a_second_daemon_is_refused_and_names_the_first() {
    let dir = Dir::new(&source("canal", "http://127.0.0.1:9/feed.xml"));
    let daemon = dir.daemon();
    let second = dir.run(&["run"]);
    assert_eq!(second.status.code(), Some(1));
    let message = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(message.contains(&daemon.child.id().to_string()), "{message}");
    assert_eq!(dir.run(&["once"]).status.code(), Some(1));
}

#[test]
fn a_reload_takes_good_settings_and_refuses_bad_ones() {
    let site = Site::start();
    site.publish([1]);
    site.put("/new.xml", crate::site::Reply::rss(&[]));
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    let daemon = dir.daemon();
    wait_for_records(&dir, 1);
    dir.settle("[[source]]\nid = \"broken\"\nurl = 7\n");
    let refused = dir.run(&["reload"]);
    assert_ne!(refused.status.code(), Some(0));
    let asked = dir.run(&["status"]);
    assert_eq!(asked.status.code(), Some(0), "it answers on its older settings");
    assert!(String::from_utf8_lossy(&asked.stderr).contains("chapar.toml:"), "and the fault is told");
    daemon.signal(libc::SIGHUP);
    wait_for("the refusal in the log", || dir.log().contains("old settings go on").then_some(()));
    site.publish(1..=2);
    wait_for_records(&dir, 2);
    dir.settle(&(source("canal", &site.url("/feed.xml")) + &source("new", &site.url("/new.xml"))));
    assert_eq!(dir.run(&["reload"]).status.code(), Some(0));
    wait_for("a poll of the new source", || (site.hits("/new.xml") > 0).then_some(()));
    dir.settle(&source("new", &site.url("/new.xml")));
    daemon.signal(libc::SIGHUP);
    wait_for("the source to go", || (dir.json(&["sources"]).len() == 1).then_some(()));
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn systemd_is_told_of_readiness_reload_and_stop() {
    let dir = Dir::new(&source("canal", "http://127.0.0.1:9/feed.xml"));
    let notices = UnixDatagram::bind(dir.path("notify")).unwrap();
    notices.set_read_timeout(Some(crate::dir::DEADLINE)).unwrap();
    let mut command = dir.command(&["run"]);
    command.env("NOTIFY_SOCKET", dir.path("notify")).stderr(Stdio::null()).stdout(Stdio::null());
    let daemon = Running { child: command.spawn().unwrap() };
    let expect = |word: &str| {
        wait_for(word, || {
            let mut buffer = [0; 4096];
            let length = notices.recv(&mut buffer).unwrap();
            String::from_utf8_lossy(&buffer[..length]).lines().any(|line| line.starts_with(word)).then_some(())
        });
    };
    expect("READY=1");
    daemon.signal(libc::SIGHUP);
    expect("RELOADING=1");
    expect("READY=1");
    daemon.signal(libc::SIGTERM);
    expect("STOPPING=1");
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn an_output_that_cannot_be_written_is_named_and_goes_on_when_it_is_mended() {
    let site = Site::start();
    site.publish(1..=2);
    let dir = Dir::new(&source("canal", &site.url("/feed.xml")));
    dir.write("records", "a file where the folder should be");
    let daemon = dir.daemon();
    wait_for("the trouble in the status", || {
        dir.status()["troubles"]["output directory"].as_str().filter(|reason| reason.contains("records")).map(drop)
    });
    wait_for("the records in the log", || (dir.status()["last_seq"] == 2).then_some(()));
    std::fs::remove_file(dir.path("records")).unwrap();
    assert_eq!(seqs(&wait_for_records(&dir, 2)), [1, 2]);
    wait_for("the end of the trouble", || dir.status()["troubles"].as_object().unwrap().is_empty().then_some(()));
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn the_reader_of_stdout_may_leave() {
    let site = Site::start();
    site.publish([1]);
    let dir = Dir::new(&(source("canal", &site.url("/feed.xml")) + "[[output]]\nkind = \"stdout\"\n"));
    let mut daemon = dir.daemon();
    let mut lines = daemon.lines();
    assert!(lines.next().unwrap().contains("\"seq\":1,"));
    drop(lines);
    site.publish(1..=2);
    assert_eq!(daemon.exit_code(), Some(0));
    assert_eq!(seqs(&records_in(&dir.path("records"))), [1, 2]);
}

#[test]
fn a_source_that_hangs_delays_no_other() {
    let (slow, fast) = (Site::at([127, 0, 0, 2]), Site::start());
    let hanging = crate::site::Reply { delay: std::time::Duration::from_secs(60), ..crate::site::Reply::rss(&[]) };
    slow.put("/feed.xml", hanging);
    fast.publish(1..=2);
    let dir = Dir::new(&(source("slow", &slow.url("/feed.xml")) + &source("fast", &fast.url("/feed.xml"))));
    let daemon = dir.daemon();
    wait_for("the slow site to be asked", || (slow.hits("/feed.xml") > 0).then_some(()));
    wait_for_records(&dir, 2);
    let states = dir.json(&["sources"]);
    assert_eq!((&states[0]["health"], &states[1]["health"]), (&Value::from("new"), &Value::from("ok")), "{states:?}");
    assert_eq!(daemon.stop(), Some(0), "a hanging poll does not keep it from stopping");
}

#[test]
fn many_sources_on_a_host_that_hangs_delay_no_other() {
    let (slow, fast) = (Site::at([127, 0, 0, 2]), Site::start());
    let hanging = crate::site::Reply { delay: std::time::Duration::from_secs(60), ..crate::site::Reply::rss(&[]) };
    slow.put("/feed.xml", hanging);
    fast.publish([1]);
    // More than are polled at once; the other one comes last.
    let sources: String = (0..100).map(|number| source(&format!("a-{number}"), &slow.url("/feed.xml"))).collect();
    let dir = Dir::new(&(sources + &source("fast", &fast.url("/feed.xml"))));
    let daemon = dir.daemon();
    wait_for_records(&dir, 1);
    wait_for("polls of the fast site", || (fast.hits("/feed.xml") > 2).then_some(()));
    assert_eq!(daemon.stop(), Some(0));
}
