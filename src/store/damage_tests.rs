//! A store with files that are cut or have a flipped bit, at seeded places: it opens, reads on, takes commits, and what is
//! lost is reported. `CHAPAR_DAMAGE_CASES=200` runs as many of each kind.

use std::collections::BTreeSet;
use std::sync::OnceLock;
use std::sync::mpsc;

use super::tests::{PATIENCE, WINDOW, admit, assert_counts_add_up, entry, line, record};
use super::*;
use crate::model::{ArticleId, Outcome, Pending};

pub(super) const SEGMENT_BYTES: u64 = 6 << 10;
pub(super) const CACHE_BYTES: u64 = 1 << 20;
pub(super) const RECORDS: u64 = 300;
pub(super) const PENDING: u64 = 40;
const LETTERS: u8 = 9;
pub(super) const CURSORS: [(&str, Seq); 2] = [("directory", Seq(250)), ("stdout", Seq(RECORDS - LATER))];

/// Records that are committed after all else.
const LATER: u64 = 20;

/// No case takes a tenth of it: whoever takes longer hangs.
const HANGS: Duration = Duration::from_secs(120);

fn cases() -> u64 {
    std::env::var("CHAPAR_DAMAGE_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(40)
}

/// SplitMix64.
pub(super) struct Seeded(pub(super) u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

pub(super) fn id_of(seq: u64) -> ArticleId {
    let mut id = [7; 16];
    id[8..].copy_from_slice(&seq.to_be_bytes());
    ArticleId(id)
}

fn text_of(seq: u64) -> String {
    let mut words = Seeded(seq);
    (0..40).map(|_| format!("{:x} ", words.next())).collect()
}

pub(super) fn record_of(seq: Seq, number: u64) -> crate::record::Record {
    let mut record = record(seq, id_of(number), &text_of(number));
    record.dedup.text_digest.0[..8].copy_from_slice(&number.to_be_bytes());
    record
}

pub(super) fn open_at(path: &Path) -> Result<Store, StoreError> {
    Store::open(path, CACHE_BYTES, SEGMENT_BYTES, PATIENCE, Some(WINDOW))
}

/// Some records a commit.
pub(super) fn commit_records(store: &Store, mut next: u64, last: u64) {
    while next <= last {
        let count = (next % 7 + 1).min(last + 1 - next);
        let records: Vec<_> = (next..next + count).map(|seq| record_of(Seq(seq), seq)).collect();
        let lines: Vec<u8> = records.iter().flat_map(line).collect();
        let settled: Vec<Settled> = records.iter().map(Settled::from_record).collect();
        store.commit(&lines, &settled).unwrap();
        next += count;
    }
}

/// The store that every case is a copy of.
pub(super) fn whole() -> &'static Path {
    static WHOLE: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = WHOLE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let store = open_at(folder.path()).unwrap();
        commit_records(&store, 1, RECORDS - LATER);
        for number in 200..200 + LETTERS {
            let one = entry("b", number, None);
            let pending = admit(&store, &one, 1).admitted.remove(0);
            let letter = DeadLetter {
                pending,
                reason: "gone".to_owned(),
                detail: "gone for good".to_owned(),
                at: Timestamp::UNIX_EPOCH,
            };
            let settled = Settled {
                dead: Some(letter),
                ..Settled::of(one.id, one.source, Outcome::DeadLetter, Timestamp::UNIX_EPOCH)
            };
            store.commit(&[], &[settled]).unwrap();
        }
        let wide = FrontierLimits { all: 1_000, of_source: 1_000 };
        let source: SourceId = "a".parse().unwrap();
        let entries: Vec<_> = (0..PENDING)
            .map(|number| {
                let mut one = entry("a", 1, None);
                one.id = id_of(10_000 + number);
                (one, crate::model::Digest([number as u8; 16]))
            })
            .collect();
        let state = |_: &[Pending]| SourceState { etag: Some("kept".to_owned()), ..SourceState::default() };
        store.admit(&source, &entries, Timestamp::UNIX_EPOCH, wide, state).unwrap();
        for (output, cursor) in CURSORS {
            assert!(store.move_cursor(output, None, cursor).unwrap());
        }
        commit_records(&store, RECORDS - LATER + 1, RECORDS);
        store.flush().unwrap();
        assert_counts_add_up(&store);
        assert!(store.segments.list().unwrap().len() > 5, "several segments");
        drop(store);
        folder
    });
    folder.path()
}

pub(super) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

pub(super) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() { files.extend(self::files(&path)) } else { files.push(path) }
    }
    files.retain(|path| std::fs::metadata(path).unwrap().len() > 0);
    files.sort();
    files
}

#[derive(Clone, Copy)]
enum Damage {
    Cut,
    Flip,
}

fn damage(path: &Path, kind: Damage, seeded: &mut Seeded) -> String {
    let mut bytes = std::fs::read(path).unwrap();
    let at = seeded.below(bytes.len() as u64) as usize;
    match kind {
        Damage::Cut => bytes.truncate(at),
        Damage::Flip => bytes[at] ^= 1 << seeded.below(8),
    }
    std::fs::write(path, bytes).unwrap();
    format!("{} at {at}", path.file_name().unwrap().to_string_lossy())
}

pub(super) fn verified(path: &Path) -> (Verified, Vec<Finding>) {
    let mut findings = Vec::new();
    let sum = Store::verify_alone(path, CACHE_BYTES, PATIENCE, &mut |step| {
        if let Step::Finding(finding) = step {
            findings.push(finding);
        }
        true
    });
    (sum.unwrap(), findings)
}

/// Numbers that findings of lost records name.
pub(super) fn named_lost(findings: &[Finding]) -> BTreeSet<u64> {
    let lost =
        findings.iter().filter(|finding| finding.part == Place::Log && finding.what.starts_with("records are lost"));
    lost.flat_map(|finding| finding.first_seq.unwrap().0..=finding.last_seq.unwrap().0).collect()
}

/// Records that can be read forwards, each as it was written; backwards and one by one they are the same.
pub(super) fn readable(store: &Store) -> BTreeSet<u64> {
    let mut found = BTreeSet::new();
    let mut at = Seq(1);
    while let Some(frame) = store.frame_from(at).unwrap() {
        for (seq, text) in frame.lines() {
            let number = serde_json::from_str::<crate::record::Record>(text).unwrap();
            assert_eq!((number.seq, &number.content_text), (seq, &text_of(seq.0)), "it is the record asked for");
            found.insert(seq.0);
        }
        at = frame.last.next();
    }
    let mut backwards = BTreeSet::new();
    let mut at = store.last_seq();
    while let Some(frame) = store.frame_before(at).unwrap() {
        backwards.extend(frame.first.0..=frame.last.0);
        at = Seq(frame.first.0 - 1);
    }
    assert_eq!(found, backwards);
    let one_by_one = (1..=store.last_seq().0).filter(|seq| store.line(Seq(*seq)).unwrap().is_some());
    assert_eq!(found, one_by_one.collect());
    found
}

/// What became of a case.
#[derive(Default)]
struct Case {
    was_rebuilt: bool,
    was_refused: bool,
    has_gone_back: bool,
    lost: u64,
    has_cursors: bool,
}

pub(super) fn commit_on(store: &Store) -> u64 {
    let mut committed = 0;
    for attempt in 0..20 {
        let seq = store.next_seq();
        let written = record_of(seq, seq.0);
        // A damaged page may be met only now: the committer tries again, too.
        match store.commit(&line(&written), &[Settled::from_record(&written)]) {
            Ok(()) => committed += 1,
            Err(error) => assert!(attempt < 10, "{error}"),
        }
        if committed == 3 {
            break;
        }
    }
    committed
}

/// Asks until the damaged tables are made anew; three times are enough.
fn patiently<T>(ask: impl Fn() -> Result<T, StoreError>) -> T {
    for _ in 0..5 {
        match ask() {
            Ok(answer) => return answer,
            Err(StoreError::Tables(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    panic!("the tables are damaged again and again");
}

fn run_case(path: &Path, is_log_damaged: bool) -> Case {
    let mut result = Case::default();
    let (_, before) = verified(path);
    let store = match open_at(path) {
        Ok(store) => store,
        Err(refused @ StoreError::LogTooShort { .. }) => {
            assert!(refused.to_string().contains("chapar log rebuild"), "{refused}");
            assert!(before.iter().any(|finding| finding.what.contains("does not start")), "{before:?}");
            result.was_refused = true;
            let rebuilt =
                Store::rebuild(path, CACHE_BYTES, SEGMENT_BYTES, PATIENCE, Some(WINDOW), &mut |_, _| {}).unwrap();
            assert!(rebuilt.next > Seq(RECORDS), "no number is used again: {rebuilt:?}");
            open_at(path).unwrap()
        }
        Err(error) => panic!("{error}"),
    };
    result.was_rebuilt = store.notices().iter().any(|notice| notice.contains("rebuilt from the log"));
    result.has_gone_back = store.notices().iter().any(|notice| notice.contains("had gone back"));
    // Every row, so that a damaged page is met.
    patiently(|| store.counts());
    patiently(|| store.dead_letters());
    patiently(|| store.cursors());
    patiently(|| store.each_pending(|_| {}));
    for number in 1..=RECORDS {
        patiently(|| store.seen(id_of(number)));
    }
    let lost: BTreeSet<u64> = {
        let found = patiently(|| store.frame_from(Seq(1)).map(|_| readable(&store)));
        (1..=RECORDS).filter(|seq| !found.contains(seq)).collect()
    };
    if is_log_damaged {
        assert!(lost.is_subset(&named_lost(&before)), "lost without a word: {lost:?}, {before:?}");
        assert!(store.next_seq() > Seq(RECORDS), "no number is used again");
    } else {
        assert!(lost.is_empty(), "{lost:?}");
        assert_eq!(store.next_seq(), Seq(RECORDS + 1));
    }
    result.lost = lost.len() as u64;
    result.has_cursors = CURSORS.iter().all(|(output, at)| store.cursor(output).unwrap() == Some(*at));
    let is_told = !store.notices().is_empty() || store.renewals.load(Ordering::Relaxed) > 0;
    assert!(result.has_cursors || is_told, "lost without a word: {:?}", store.cursors());
    let known = (1..=RECORDS).filter(|number| store.seen(id_of(*number)).unwrap().is_some()).count() as u64;
    assert_eq!(commit_on(&store), 3);
    assert_counts_add_up(&store);
    let (last, damage) = (store.last_seq(), store.damage());
    assert_eq!(damage.is_some(), !lost.is_empty() && !result.was_refused, "{damage:?}");
    drop(store);
    let (sum, after) = verified(path);
    let lost_after: BTreeSet<u64> = named_lost(&after).into_iter().filter(|seq| *seq <= RECORDS).collect();
    assert_eq!(lost_after, lost, "{after:?}");
    let errors = after.iter().filter(|finding| finding.severity == Severity::Error);
    let others: Vec<_> = errors.filter(|finding| !finding.what.starts_with("records are lost")).collect();
    assert!(others.is_empty(), "{others:?}");
    let is_reported = sum.warnings + sum.errors > 0;
    assert!(known + lost.len() as u64 >= RECORDS || is_reported, "{known} articles are known: {after:?}");
    let store = open_at(path).unwrap();
    assert_eq!(store.last_seq(), last);
    assert!(store.line(last).unwrap().is_some());
    result
}

/// Runs the cases of a kind, each with a limit of time.
fn run(kind: &str, seed: u64, is_log_damaged: bool, prepare: impl Fn(&Path, &mut Seeded) -> String) {
    let (mut rebuilt, mut gone_back, mut refused, mut lost, mut losing, mut kept) = (0, 0, 0, 0, 0, 0);
    for case in 0..cases() {
        let folder = tempfile::tempdir().unwrap();
        copy(whole(), folder.path());
        let what = prepare(folder.path(), &mut Seeded(seed + case));
        let path = folder.path().to_owned();
        let (ended, end) = mpsc::channel();
        let running = std::thread::spawn(move || {
            let result = run_case(&path, is_log_damaged);
            ended.send(()).unwrap();
            result
        });
        let waited = end.recv_timeout(HANGS);
        assert_ne!(waited, Err(mpsc::RecvTimeoutError::Timeout), "{kind} {case} ({what}) hangs");
        let result = running.join().unwrap_or_else(|_| panic!("{kind} {case} ({what}) panicked"));
        rebuilt += u64::from(result.was_rebuilt);
        gone_back += u64::from(result.has_gone_back);
        refused += u64::from(result.was_refused);
        lost += result.lost;
        losing += u64::from(result.lost > 0);
        kept += u64::from(result.has_cursors);
    }
    let cases = cases();
    let told = format!(
        "{kind}: {cases} cases, {rebuilt} rebuilt, {gone_back} gone back, {refused} refused to open and rebuilt by command, {losing} lost records \
         ({lost} in all), {kept} kept their cursors\n"
    );
    std::io::Write::write_all(&mut std::io::stderr(), told.as_bytes()).unwrap();
}

fn one_of(folder: &Path, kind: Damage, seeded: &mut Seeded) -> String {
    let files = files(folder);
    let path = &files[seeded.below(files.len() as u64) as usize];
    damage(path, kind, seeded)
}

/// sled's file of rows half of the time: it is one among others.
fn one_of_sled(folder: &Path, kind: Damage, seeded: &mut Seeded) -> String {
    let sled = folder.join("sled");
    if seeded.below(2) == 0 { damage(&sled.join("db"), kind, seeded) } else { one_of(&sled, kind, seeded) }
}

#[test]
fn a_cut_file_of_sled_loses_no_record() {
    run("sled cut", 1 << 32, false, |folder, seeded| one_of_sled(folder, Damage::Cut, seeded));
}

#[test]
fn a_flipped_bit_of_sled_loses_no_record() {
    run("sled flipped", 2 << 32, false, |folder, seeded| one_of_sled(folder, Damage::Flip, seeded));
}

#[test]
fn a_cut_segment_loses_what_was_cut_and_says_so() {
    run("segment cut", 3 << 32, true, |folder, seeded| one_of(&folder.join("log"), Damage::Cut, seeded));
}

#[test]
fn a_flipped_bit_of_a_segment_loses_its_frame_and_says_so() {
    run("segment flipped", 4 << 32, true, |folder, seeded| one_of(&folder.join("log"), Damage::Flip, seeded));
}

#[test]
fn damaged_small_files_and_leftovers_harm_nothing() {
    run("leftovers", 5 << 32, false, |folder, seeded| {
        let names = [
            "chapar.lock",
            "log/00000000000000000001.zst.torn-20260101T000000Z",
            "log/00000000000000000001.zst.tmp",
            "log/not-a-number.zst",
            "sled.new/db",
            "sled.new/conf",
            "sled/snap.0000000000000001.generating",
            "sled.damaged-20260101T000000Z/db",
        ];
        let name = names[seeded.below(names.len() as u64) as usize];
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let bytes: Vec<u8> = (0..seeded.below(2_000) + 1).map(|_| seeded.next() as u8).collect();
        if !path.exists() {
            std::fs::write(&path, bytes).unwrap();
        }
        let kind = if seeded.below(2) == 0 { Damage::Cut } else { Damage::Flip };
        damage(&path, kind, seeded)
    });
}

#[test]
fn a_segment_with_other_frames_under_its_name_is_read_as_before() {
    let folder = tempfile::tempdir().unwrap();
    copy(whole(), folder.path());
    let store = open_at(folder.path()).unwrap();
    let segment = store.segments.list().unwrap()[1];
    let mut scan = scan::Scan::of_segment(&store.segments, segment);
    let mut lines = String::new();
    while let Some(part) = scan.next().unwrap() {
        let scan::Part::Frame { lines: some, .. } = part else { panic!("{part:?}") };
        lines.push_str(&some);
    }
    let count = lines.lines().count() as u64;
    std::fs::remove_file(store.segments.path(segment)).unwrap();
    let begin = LogEnd { next: segment, segment, offset: 0 };
    store.segments.append(begin, lines.as_bytes(), count).unwrap();
    assert_eq!(readable(&store).len() as u64, RECORDS);
    assert_eq!(store.damage(), None);
    drop(store);
    let (sum, findings) = verified(folder.path());
    assert_eq!((sum.records, sum.lost, sum.errors), (RECORDS, 0, 0));
    let named = findings.iter().find(|finding| finding.severity == Severity::Warning).unwrap();
    assert_eq!(named.first_seq, Some(segment).filter(|_| named.what.contains("another place")));
}

#[test]
fn a_rebuild_keeps_what_only_the_tables_know() {
    let folder = tempfile::tempdir().unwrap();
    copy(whole(), folder.path());
    let mut told = Vec::new();
    let rebuilt =
        Store::rebuild(folder.path(), CACHE_BYTES, SEGMENT_BYTES, PATIENCE, Some(WINDOW), &mut |done, all| {
            told.push((done, all));
        })
        .unwrap();
    assert_eq!((rebuilt.next, rebuilt.lost.len()), (Seq(RECORDS + 1), 0), "{rebuilt:?}");
    assert_eq!(told.last().map(|(done, all)| done == all), Some(true));
    let other = tempfile::tempdir().unwrap();
    copy(whole(), other.path());
    let before = open_at(other.path()).unwrap();
    let after = open_at(folder.path()).unwrap();
    assert_eq!(after.counts().unwrap(), before.counts().unwrap());
    assert_eq!(after.cursors().unwrap(), before.cursors().unwrap());
    assert_eq!(after.dead_letters().unwrap(), before.dead_letters().unwrap());
    assert_eq!(after.pending_count(), PENDING);
    let source: SourceId = "a".parse().unwrap();
    assert_eq!(after.source_state(&source).unwrap().etag.as_deref(), Some("kept"));
    assert_eq!(readable(&after).len() as u64, RECORDS);
    drop(after);
    let (sum, findings) = verified(folder.path());
    assert_eq!((sum.errors, sum.warnings), (0, 0), "{findings:?}");
}

#[test]
fn a_rebuild_that_is_stopped_at_any_step_is_gone_on_with() {
    for step in ["beside, unfinished", "aside, none in place", "placed, log not entered", "log half entered"] {
        let folder = tempfile::tempdir().unwrap();
        copy(whole(), folder.path());
        let (sled, beside) = (folder.path().join("sled"), folder.path().join("sled.new"));
        match step {
            "beside, unfinished" => copy(&sled, &beside),
            "aside, none in place" => {
                renewal::renew(folder.path(), CACHE_BYTES, None).unwrap();
                std::fs::rename(&sled, &beside).unwrap();
            }
            "placed, log not entered" => drop(renewal::renew(folder.path(), CACHE_BYTES, None).unwrap()),
            _ => {
                renewal::renew(folder.path(), CACHE_BYTES, None).unwrap();
                // A file in the middle that is not there for a moment stops it.
                let middle = folder.path().join("log").join(format!("{:020}.zst", 1));
                let away = folder.path().join("away");
                std::fs::rename(&middle, &away).unwrap();
                std::fs::create_dir(&middle).unwrap();
                assert!(open_at(folder.path()).is_err());
                std::fs::remove_dir(&middle).unwrap();
                std::fs::rename(&away, &middle).unwrap();
            }
        }
        let store = open_at(folder.path()).unwrap();
        assert_eq!(store.next_seq(), Seq(RECORDS + 1), "{step}");
        assert_eq!(store.pending_count(), PENDING, "{step}");
        assert_eq!(store.cursors().unwrap(), CURSORS.map(|(output, at)| (output.to_owned(), at)), "{step}");
        assert_counts_add_up(&store);
        drop(store);
        let (sum, findings) = verified(folder.path());
        assert_eq!((sum.errors, sum.warnings), (0, 0), "{step}: {findings:?}");
    }
}
