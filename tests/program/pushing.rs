//! Outputs that push: commands and webhooks that fail, hang and come back, and what is given up meanwhile.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::dir::{Dir, is_obeyed, json_lines, seqs, source, stderr, text, wait_for};
use crate::receiver::{Receiver, Said};
use crate::site::Site;

/// Settings with a source and further outputs.
fn dir_with(site: &Site, outputs: &str) -> Dir {
    Dir::new(&format!("{}{outputs}", source("canal", &site.url("/feed.xml"))))
}

fn webhook(receiver: &Receiver, more: &str) -> String {
    format!(
        "[[output]]\nkind = \"webhook\"\nurl = \"{}/hook\"\nallow_private = true\nretry_wait = \"10ms\"\n{more}\n\n",
        receiver.base
    )
}

/// An executable script, and the output that runs it.
fn exec(dir: &Dir, script: &str, more: &str) -> String {
    dir.write("command.sh", &format!("#!/bin/sh\n{script}\n"));
    let path = dir.path("command.sh");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    format!(
        "[[output]]\nkind = \"exec\"\ncommand = [{path:?}, \"first\", \"two words\"]\nretry_wait = \"10ms\"\n{more}\n\n"
    )
}

fn output(dir: &Dir, id: &str) -> Value {
    let status = dir.status();
    status["outputs"].as_array().unwrap().iter().find(|output| output["output"] == id).cloned().unwrap_or_default()
}

/// Waits until an output is at a record, and tells how many it has given up.
fn wait_for_cursor(dir: &Dir, id: &str, seq: u64) -> u64 {
    let at = wait_for("the cursor", || Some(output(dir, id)).filter(|output| output["cursor"] == seq));
    at["dead_letters"].as_u64().unwrap()
}

fn once(dir: &Dir) {
    let output = dir.run(&["once"]);
    assert!(output.status.success(), "{}", stderr(&output));
}

fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let inner = Sha256::digest([&block.map(|byte| byte ^ 0x36)[..], message].concat());
    Sha256::digest([&block.map(|byte| byte ^ 0x5c)[..], &inner[..]].concat()).to_vec()
}

#[test]
fn a_receiver_gets_every_record_in_order_in_signed_batches() {
    let site = Site::start();
    site.publish(1..=12);
    let receiver = Receiver::start(|_, _| 204.into());
    let more = "batch = 5\nsecret = \"whsec_c2VjcmV0IGtleQ==\"\nheaders = { Authorization = \"Bearer token-1\" }";
    let dir = dir_with(&site, &webhook(&receiver, more));
    once(&dir);
    assert_eq!(seqs(&receiver.records()), (1..=12).collect::<Vec<_>>());
    assert_eq!(receiver.records(), dir.records(), "the records as they are");
    for delivery in receiver.deliveries() {
        let header = |name: &str| delivery.headers[name].clone();
        assert!(delivery.seqs().len() <= 5);
        assert_eq!(
            (header("content-type"), header("authorization")),
            ("application/x-ndjson".into(), "Bearer token-1".into())
        );
        let signed =
            [format!("{}.{}.", header("webhook-id"), header("webhook-timestamp")).as_bytes(), &delivery.body].concat();
        let expected = format!("v1,{}", data_encoding::BASE64.encode(&hmac(b"secret key", &signed)));
        assert_eq!(header("webhook-signature"), expected);
    }
}

#[test]
fn a_receiver_that_is_down_for_a_while_gets_all_later_under_the_same_ids_and_delays_no_other_output() {
    let site = Site::start();
    site.publish(1..=3);
    let busy = |status: u16| Said { headers: vec![("retry-after", "0".to_owned())], ..status.into() };
    let receiver = Receiver::start(move |count, _| match count {
        0 => 503.into(),
        1 => busy(429),
        2 => 404.into(),
        3 => 302.into(),
        4 => 500.into(),
        _ => 200.into(),
    });
    let dir = dir_with(&site, &webhook(&receiver, ""));
    let daemon = dir.daemon();
    assert_eq!(wait_for_cursor(&dir, "webhook", 3), 0);
    assert_eq!(daemon.stop(), Some(0));
    assert_eq!(seqs(&receiver.records()), [1, 2, 3]);
    let deliveries = receiver.deliveries();
    assert!(deliveries.len() >= 6);
    let ids: Vec<&String> = deliveries[..6].iter().map(|delivery| &delivery.headers["webhook-id"]).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(dir.records().len(), 3);
}

#[test]
fn what_waits_is_tried_at_once_after_a_rewind_a_retry_or_a_reload() {
    let site = Site::start();
    site.publish(1..=4);
    let receiver = Receiver::start(|_, _| 200.into());
    // The third record is at fault as long as it comes with others, and then the receiver is.
    let failing = |_: usize, body: &str| match (body.contains("\"seq\":3,"), body.lines().count()) {
        (false, _) => 200.into(),
        (true, 1) => 503.into(),
        (true, _) => 422.into(),
    };
    receiver.answers(failing);
    let dir = dir_with(&site, &webhook(&receiver, "").replace("10ms", "10m"));
    let daemon = dir.daemon();
    let waits = || {
        let trouble = dir.status()["troubles"]["output webhook"].is_string();
        (trouble && output(&dir, "webhook")["cursor"] == 2).then_some(())
    };
    wait_for("the trouble, with the cursor behind what is delivered", waits);
    wait_for("all records", || (dir.records().len() == 4).then_some(()));

    receiver.answers(|_, _| 200.into());
    let before = receiver.deliveries().len();
    assert!(dir.run(&["log", "rewind", "webhook", "--to", "1"]).status.success());
    assert_eq!(wait_for_cursor(&dir, "webhook", 4), 0);
    let again: Vec<u64> = receiver.deliveries()[before..].iter().flat_map(|delivery| delivery.seqs()).collect();
    assert_eq!(again, [1, 2, 3, 4], "what was delivered before it failed comes again, too");

    for asking in [&["reload"][..], &["log", "rewind", "webhook", "--to", "3"]] {
        receiver.answers(failing);
        assert!(dir.run(&["log", "rewind", "webhook", "--to", "3"]).status.success());
        wait_for("the trouble", waits);
        receiver.answers(|_, _| 200.into());
        assert!(dir.run(asking).status.success(), "{asking:?}");
        assert_eq!(wait_for_cursor(&dir, "webhook", 4), 0);
    }
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn once_tries_a_last_time_what_had_failed_and_tells_what_fails_still() {
    let site = Site::start();
    site.publish(1..=3);
    let receiver = Receiver::start(|count, _| if count == 0 { 503 } else { 200 }.into());
    let hook = webhook(&receiver, "").replace("10ms", "10m");
    let dir = dir_with(&site, &hook);
    let folder = dir.path("").display().to_string();
    let script = format!("cd {folder}; [ -e tried ] || {{ touch tried; exit 1; }}; echo $CHAPAR_SEQ >> got");
    let command = exec(&dir, &script, "").replace("10ms", "10m");
    dir.settle(&format!("{}{hook}{command}", source("canal", &site.url("/feed.xml"))));
    once(&dir);
    assert_eq!(seqs(&receiver.records()), [1, 2, 3]);
    assert_eq!(std::fs::read_to_string(dir.path("got")).unwrap(), "1\n2\n3\n");
    receiver.answers(|_, _| 503.into());
    site.publish(1..=4);
    let lagging = dir.run(&["once"]);
    assert_eq!(lagging.status.code(), Some(1), "{}", stderr(&lagging));
    assert!(stderr(&lagging).contains("trouble  output webhook: ") && stderr(&lagging).contains("HTTP 503"));
    assert_eq!(
        (output(&dir, "webhook")["cursor"].clone(), output(&dir, "exec")["cursor"].clone()),
        (3.into(), 4.into())
    );
}

#[test]
fn a_record_that_is_refused_for_its_content_becomes_a_dead_letter_and_its_neighbours_arrive() {
    let site = Site::start();
    site.publish(1..=9);
    let receiver = Receiver::start(|_, body| if body.contains("district 4 carries") { 422 } else { 200 }.into());
    let dir = dir_with(&site, &webhook(&receiver, ""));
    let daemon = dir.daemon();
    assert_eq!(wait_for_cursor(&dir, "webhook", 9), 1);
    let refused = dir.records().iter().find(|record| record["title"].as_str().unwrap().contains("district 4")).cloned();
    let refused = refused.unwrap();
    assert_eq!(seqs(&receiver.records()), (1..=9).filter(|seq| refused["seq"] != *seq).collect::<Vec<_>>());
    let letters = dir.json(&["dead-letters", "-o", "ndjson"]);
    let id = format!("webhook:{}", refused["seq"]);
    assert_eq!(
        (letters.len(), &letters[0]["id"], &letters[0]["record"]),
        (1, &Value::from(id.as_str()), &refused["id"])
    );
    assert_eq!((&letters[0]["reason"], &letters[0]["output"]), (&Value::from("refused"), &Value::from("webhook")));
    assert!(text(&dir.run(&["status", "-o", "table"])).contains("1 in `chapar dead-letters`"));

    // Asked for again while nothing has changed, it is a dead letter again, and holds up nothing.
    let before = receiver.deliveries().len();
    assert!(dir.run(&["dead-letters", "retry", &id]).status.success());
    wait_for("another attempt", || (receiver.deliveries().len() > before).then_some(()));
    receiver.answers(|_, _| 200.into());
    wait_for("the delivery", || {
        // Asked for before it was given up again, there is nothing to ask for.
        dir.run(&["dead-letters", "retry", &id]);
        (receiver.records().len() == 9).then_some(())
    });
    wait_for("an empty list", || dir.json(&["dead-letters", "-o", "ndjson"]).is_empty().then_some(()));
    let unknown = dir.run(&["dead-letters", "retry", &id]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(stderr(&unknown).contains("there is no such dead letter of \"webhook\""), "{}", stderr(&unknown));
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn after_so_many_attempts_a_batch_is_given_up_and_all_of_it_can_be_asked_for_again_or_dropped() {
    let site = Site::start();
    site.publish(1..=4);
    let receiver = Receiver::start(|_, _| 503.into());
    let dir = dir_with(&site, &webhook(&receiver, "attempts = 3\nbatch = 2"));
    let daemon = dir.daemon();
    assert_eq!(wait_for_cursor(&dir, "webhook", 4), 4);
    assert!(receiver.deliveries().len() >= 6, "three attempts for each batch");
    assert!(dir.log().contains("given up, see `chapar dead-letters`"), "{}", dir.log());
    assert!(dir.run(&["dead-letters", "drop", "webhook:1"]).status.success());
    assert_eq!(daemon.stop(), Some(0));

    // Without a daemon it is noted, and done by the next one.
    assert!(dir.run(&["dead-letters", "retry", "webhook:all"]).status.success());
    receiver.answers(|_, _| 200.into());
    let daemon = dir.daemon();
    wait_for("the rest", || (receiver.records().len() == 3).then_some(()));
    assert_eq!(seqs(&receiver.records()), [2, 3, 4]);
    wait_for("an empty list", || (output(&dir, "webhook")["dead_letters"] == 0).then_some(()));
    assert_eq!(daemon.stop(), Some(0));
    assert_eq!(dir.run(&["dead-letters", "drop", "webhook:all"]).status.code(), Some(1));
}

#[test]
fn a_webhook_reaches_nothing_private_unasked_and_follows_no_redirect_there() {
    let site = Site::start();
    site.publish(1..=2);
    let target = Receiver::start(|_, _| 200.into());
    let location = format!("{}/inside", target.base);
    let redirecting = Receiver::start(move |_, _| Said { headers: vec![("location", location.clone())], ..307.into() });
    let by_name = webhook(&target, "id = \"by-name\"\nattempts = 1").replace("allow_private = true\n", "");
    let by_name = by_name.replace("127.0.0.1", "localhost");
    let moved = webhook(&redirecting, "id = \"moved\"\nattempts = 1");
    // What feeds may reach ([http] allow_private has loopback here) is nothing to a webhook.
    let dir = dir_with(&site, &format!("{by_name}{moved}"));
    let daemon = dir.daemon();
    for id in ["by-name", "moved"] {
        assert_eq!(wait_for_cursor(&dir, id, 2), 2, "{id}");
    }
    let letters = dir.json(&["dead-letters", "-o", "ndjson"]);
    let reason = |id: &str| letters.iter().find(|letter| letter["output"] == id).unwrap()["reason"].clone();
    assert_eq!((reason("by-name"), reason("moved")), ("private-address".into(), "redirect-refused".into()));
    assert!(target.deliveries().is_empty());
    let detail = letters.iter().find(|letter| letter["output"] == "by-name").unwrap()["detail"].as_str().unwrap();
    assert!(detail.contains("allow_private = true"), "{detail}");
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn no_secret_is_shown_anywhere_also_when_the_receiver_echoes_it() {
    let site = Site::start();
    site.publish(1..=1);
    let receiver = Receiver::start(|_, _| Said { echoes: true, ..400.into() });
    let more =
        "secret_file = \"SECRET\"\nheaders = { Authorization = \"Bearer hush-token-77\", X-Key = \"hush-key-88\" }";
    let dir = dir_with(&site, "");
    dir.write("webhook.secret", "hush-secret-99\n");
    let hook = webhook(&receiver, more).replace("/hook\"", "/hook/hush-path-66?q=hush-query-55\"");
    let hook = hook.replace("SECRET", &dir.path("webhook.secret").display().to_string());
    dir.settle(&format!("{}{hook}", source("canal", &site.url("/feed.xml"))));
    let daemon = dir.daemon();
    assert_eq!(wait_for_cursor(&dir, "webhook", 1), 1);
    let delivery = receiver.deliveries().remove(0);
    assert_eq!(delivery.path, "/hook/hush-path-66?q=hush-query-55");
    assert_eq!(delivery.headers["x-key"], "hush-key-88");
    let mut said = dir.log();
    for arguments in [&["status"][..], &["status", "-o", "json"], &["dead-letters", "-o", "json"], &["check"]] {
        let output = dir.run(arguments);
        said += &format!("{}{}", text(&output), stderr(&output));
    }
    assert!(said.contains("HTTP 400"), "{said}");
    assert!(!said.contains("hush-"), "{said}");
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn a_receiver_that_hangs_is_left_alone_at_the_stop_and_gets_its_records_at_the_next_start() {
    let site = Site::start();
    site.publish(1..=3);
    let receiver = Receiver::start(|_, _| Said { delay: Duration::from_secs(3600), ..200.into() });
    let dir = dir_with(&site, &webhook(&receiver, "timeout = \"5m\""));
    let daemon = dir.daemon();
    wait_for("a POST", || (!receiver.deliveries().is_empty()).then_some(()));
    wait_for("the records of another output, which goes on", || (dir.records().len() == 3).then_some(()));
    assert_eq!(daemon.stop(), Some(0));
    let before = receiver.deliveries().len();
    receiver.answers(|_, _| 200.into());
    once(&dir);
    let later: Vec<u64> = receiver.deliveries()[before..].iter().flat_map(|delivery| delivery.seqs()).collect();
    assert_eq!(later, [1, 2, 3]);
    assert_eq!(output(&dir, "webhook")["dead_letters"], 0, "a stop is no failure of the receiver");
}

#[test]
fn a_time_limit_ends_a_post_and_a_flood_in_its_answer_is_not_read() {
    let site = Site::start();
    site.publish(1..=1);
    let receiver = Receiver::start(|count, _| match count {
        0 => Said { delay: Duration::from_secs(3600), ..200.into() },
        _ => 200.into(),
    });
    let dir = dir_with(&site, &webhook(&receiver, "timeout = \"200ms\""));
    let daemon = dir.daemon();
    assert_eq!(wait_for_cursor(&dir, "webhook", 1), 0);
    assert_eq!(receiver.deliveries().len(), 2);
    assert_eq!(daemon.stop(), Some(0));

    // An answer without end: its status is what counts.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endless = format!("http://{}/hook", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || {
                use std::io::{Read, Write};
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n");
                while stream.write_all(&[b'x'; 65536]).is_ok() {}
            });
        }
    });
    let flooding = webhook(&receiver, "id = \"flood\"").replace(&format!("{}/hook", receiver.base), &endless);
    dir.settle(&format!("{}{flooding}", source("canal", &site.url("/feed.xml"))));
    once(&dir);
    assert_eq!(
        (output(&dir, "flood")["cursor"].clone(), output(&dir, "flood")["dead_letters"].clone()),
        (1.into(), 0.into())
    );
}

#[test]
fn killed_again_and_again_a_receiver_and_a_command_get_every_record_at_least_once() {
    let site = Site::start();
    // One POST in three is refused.
    let receiver = Receiver::start(|count, _| if count % 3 == 2 { 500 } else { 200 }.into());
    let dir = dir_with(&site, "");
    let command = exec(&dir, &format!("cat >> {}", dir.path("ran").display()), "");
    let outputs = format!("{}{command}", webhook(&receiver, "batch = 3"));
    dir.settle(&format!("{}{outputs}", source("canal", &site.url("/feed.xml"))));
    let mut published = 0;
    for round in 0..6 {
        published += 8;
        site.publish(1..=published);
        let daemon = dir.daemon();
        std::thread::sleep(Duration::from_millis(60 + round * 53 % 200));
        daemon.signal(libc::SIGKILL);
    }
    let daemon = dir.daemon();
    wait_for("all articles", || (dir.records().len() >= published).then_some(()));
    let end = dir.records().len() as u64;
    assert_eq!((wait_for_cursor(&dir, "webhook", end), wait_for_cursor(&dir, "exec", end)), (0, 0));
    assert_eq!(daemon.stop(), Some(0));
    let ran = json_lines(&std::fs::read(dir.path("ran")).unwrap());
    for (what, records) in [("webhook", receiver.records()), ("exec", ran)] {
        let mut first_times: Vec<u64> = Vec::new();
        for seq in seqs(&records) {
            if !first_times.contains(&seq) {
                first_times.push(seq);
            }
        }
        assert_eq!(first_times, (1..=end).collect::<Vec<_>>(), "{what}: in order, none lost");
    }
}

#[test]
fn a_command_gets_each_record_on_stdin_and_what_it_is_in_its_environment_and_no_secret() {
    let site = Site::start();
    site.publish(1..=4);
    let dir = dir_with(&site, "");
    let folder = dir.path("").display().to_string();
    let script = format!(
        "cd {folder}; cat >> got; echo \"$CHAPAR_SEQ $CHAPAR_ID $CHAPAR_EVENT $# $2\" >> told; env >> environment"
    );
    dir.settle(&format!("{}{}", source("canal", &site.url("/feed.xml")), exec(&dir, &script, "")));
    let output = dir.command(&["once"]).env("CLOUD_TOKEN", "hush-token").env("CHAPAR_LOG", "error").output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let records = dir.records();
    assert_eq!(json_lines(&std::fs::read(dir.path("got")).unwrap()), records);
    let told: Vec<String> =
        records.iter().map(|r| format!("{} {} new 2 two words", r["seq"], r["id"].as_str().unwrap())).collect();
    assert_eq!(std::fs::read_to_string(dir.path("told")).unwrap().lines().collect::<Vec<_>>(), told);
    let environment = std::fs::read_to_string(dir.path("environment")).unwrap();
    assert!(environment.contains("PATH=") && !environment.contains("hush-token"), "{environment}");
    assert!(!environment.contains("CHAPAR_LOG"), "{environment}");
}

#[test]
fn a_command_that_ignores_its_stdin_is_done_and_one_that_fails_is_tried_again_and_given_up() {
    let site = Site::start();
    // More than a pipe holds.
    let long =
        format!("{}\n\n{}", crate::site::story(1), "Water flows through the fields of the valley. ".repeat(8_000));
    site.publish(1..=3);
    site.put("/a/1", crate::site::article("Canal of district 1 carries water again", &long));
    let dir = dir_with(&site, "");
    let folder = dir.path("").display().to_string();
    let script = format!(
        "cd {folder}; echo $CHAPAR_SEQ >> runs; [ $CHAPAR_SEQ != 2 ] || {{ seq 1 3000 >&2; printf 'no \\033[31m such \\r thing' >&2; exit 3; }}"
    );
    dir.settle(&format!("{}{}", source("canal", &site.url("/feed.xml")), exec(&dir, &script, "attempts = 3")));
    let daemon = dir.daemon();
    assert_eq!(wait_for_cursor(&dir, "exec", 3), 1);
    assert_eq!(std::fs::read_to_string(dir.path("runs")).unwrap().replace('\n', " "), "1 2 2 2 3 ");
    let letter = dir.json(&["dead-letters", "-o", "ndjson"]).remove(0);
    let detail = letter["detail"].as_str().unwrap();
    assert_eq!((&letter["id"], &letter["reason"]), (&"exec:2".into(), &"exit-code".into()));
    assert!(detail.contains("exit code 3: ") && detail.contains("such") && !detail.chars().any(is_obeyed), "{detail}");
    assert!(detail.len() < 6_000 && detail.contains("3000") && !detail.contains(" 100 "), "the end of it: {detail}");
    // By a rewind it is delivered again, too, and is no dead letter when it is taken.
    exec(&dir, &format!("cd {folder}; echo $CHAPAR_SEQ >> again"), "");
    assert!(dir.run(&["log", "rewind", "exec", "--to", "2"]).status.success());
    assert_eq!(
        wait_for("the rewound", || {
            Some(wait_for_cursor(&dir, "exec", 3))
                .filter(|_| dir.path("again").exists() && output(&dir, "exec")["dead_letters"] == 0)
        }),
        0
    );
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn a_command_that_hangs_is_ended_with_everything_it_started() {
    let site = Site::start();
    site.publish(1..=1);
    let dir = dir_with(&site, "");
    let folder = dir.path("").display().to_string();
    let script = format!("cd {folder}; sleep 3600 & echo $! >> started; echo $$ >> started; wait");
    let command = exec(&dir, &script, "attempts = 2\ntimeout = \"300ms\"");
    dir.settle(&format!("{}{command}", source("canal", &site.url("/feed.xml"))));
    let daemon = dir.daemon();
    assert_eq!(wait_for_cursor(&dir, "exec", 1), 1);
    assert_eq!(dir.json(&["dead-letters", "-o", "ndjson"])[0]["reason"], "timeout");
    let started = std::fs::read_to_string(dir.path("started")).unwrap();
    assert_eq!(started.lines().count(), 4);
    let lives = |pid: &str| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // One that was killed and has nobody to take notice of it is a zombie, which is no process any more.
        !status.is_empty() && !status.contains(") Z ")
    };
    wait_for("their end", || (!started.lines().any(lives)).then_some(()));

    // What exits well leaves nothing behind either.
    exec(&dir, &format!("cd {folder}; sleep 3600 & echo $! > left; exit 0"), "");
    assert!(dir.run(&["log", "rewind", "exec", "--to", "1"]).status.success());
    let left = wait_for("the child's number", || {
        std::fs::read_to_string(dir.path("left")).ok().filter(|left| left.ends_with('\n'))
    });
    wait_for("its end", || (!lives(left.trim())).then_some(()));
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn a_command_under_way_at_the_stop_is_waited_for_or_run_again() {
    let site = Site::start();
    site.publish(1..=2);
    let dir = dir_with(&site, "");
    let folder = dir.path("").display().to_string();
    // The first record's run ends soon after the stop, the second one's never.
    let script = format!(
        "cd {folder}; echo $CHAPAR_SEQ >> begun; [ $CHAPAR_SEQ = 1 ] && while ! [ -e stopping ]; do sleep 0.05; done; echo $CHAPAR_SEQ >> ended"
    );
    let command = exec(&dir, &script, "");
    dir.settle(&format!("{}{command}", source("canal", &site.url("/feed.xml"))));
    let daemon = dir.daemon();
    wait_for("the run", || dir.path("begun").exists().then_some(()));
    daemon.signal(libc::SIGTERM);
    dir.write("stopping", "");
    assert_eq!(daemon.stop(), Some(0));
    assert_eq!(std::fs::read_to_string(dir.path("ended")).unwrap(), "1\n");
    once(&dir);
    assert_eq!(std::fs::read_to_string(dir.path("begun")).unwrap(), "1\n2\n");
}

#[test]
fn each_fault_of_a_pushing_output_is_named_and_no_secret_is_in_it() {
    let site = Site::start();
    let dir = dir_with(&site, "");
    let folder = dir.path("").display().to_string();
    dir.write("plain", "no program");
    let settle = |block: &str| dir.settle(&format!("{}{block}", source("canal", &site.url("/feed.xml"))));
    let hook = "[[output]]\nkind = \"webhook\"\nurl = \"https://example.org/hook\"\n";
    let cases = [
        ("[[output]]\nkind = \"exec\"".to_owned(), "output.command: an output of kind \"exec\" needs command = ["),
        ("[[output]]\nkind = \"exec\"\ncommand = []".to_owned(), "output.command: an output of kind"),
        ("[[output]]\nkind = \"exec\"\ncommand = [\"notify\"]".to_owned(), "output.command: begin it with the whole path"),
        ("[[output]]\nkind = \"exec\"\ncommand = [\"/bin/x\"]\nbatch = 2".to_owned(), "output.batch: an output of kind \"exec\" has none"),
        ("[[output]]\nkind = \"exec\"\ncommand = [\"/bin/x\"]\ntimeout = \"1h\"".to_owned(), "output.timeout: at most"),
        ("[[output]]\nkind = \"exec\"\ncommand = [\"/bin/x\"]\nattempts = 0".to_owned(), "output.attempts: from 1 to"),
        (format!("[[output]]\nkind = \"exec\"\ncommand = [\"{folder}/absent\"]"), "output.command: "),
        (format!("[[output]]\nkind = \"exec\"\ncommand = [\"{folder}/plain\"]"), "is not executable; chmod +x"),
        ("[[output]]\nkind = \"webhook\"".to_owned(), "output.url: an output of kind \"webhook\" needs url"),
        (hook.replace("https", "ftp"), "output.url: "),
        (hook.replace("example", "me:hush-1@example"), "output.url: no user and password in it"),
        (format!("{hook}batch = 51"), "output.batch: from 1 to 50"),
        (format!("{hook}secret = \"whsec_hush!\""), "output.secret: what follows whsec_ is not base64"),
        (format!("{hook}secret = \"hush-2\"\nsecret_file = \"/x\""), "output.secret: it is given in secret_file, too"),
        (format!("{hook}secret_file = \"x\""), "output.secret_file: write its whole path"),
        (format!("{hook}secret_file = \"{folder}/none\""), "output.secret_file: "),
        (format!("{hook}headers = {{ Host = \"hush-3\" }}"), "output.headers: \"Host\" is set by chapar"),
        (format!("{hook}headers = {{ \"A B\" = \"hush-4\" }}"), "output.headers: \"A B\": not the name of a header"),
        (format!("{hook}headers = {{ A = \"hush-5\\n\" }}"), "output.headers: \"A\": its value cannot be sent"),
        ("[[output]]\nkind = \"feed\"".to_owned(), "output.path: an output of kind \"feed\" needs path"),
        ("[[output]]\nkind = \"feed\"\npath = \"f.rss\"".to_owned(), "output.form: its file's extension does not tell"),
        ("[[output]]\nkind = \"feed\"\npath = \"f.atom\"\nentries = 0".to_owned(), "output.entries: from 1 to"),
        ("[[output]]\nkind = \"feed\"\npath = \"none/f.atom\"".to_owned(), "output.path: there is no folder none"),
        (
            "[[output]]\nkind = \"feed\"\npath = \"f.atom\"\n[[output]]\nid = \"f2\"\nkind = \"feed\"\npath = \"./f.atom\"".to_owned(),
            "output.path: ./f.atom is written by the output at ",
        ),
    ];
    for (block, expected) in cases {
        settle(&block);
        let checked = dir.run(&["check"]);
        let message = stderr(&checked);
        assert_eq!(checked.status.code(), Some(78), "{block}: {message}");
        assert!(message.contains(expected) && !message.contains("hush"), "{block}: {message}");
    }
}
