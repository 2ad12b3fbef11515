//! Log lines as a terminal gets them, filters, and the choice of journald.

use std::io::Write;
use std::sync::{Arc, Mutex};

use super::*;

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().map_err(|_| io::ErrorKind::Other)?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The lines that `log` writes, each without its time.
fn lines(colour: Colour, log: impl FnOnce()) -> Vec<String> {
    let captured = Captured::default();
    let writer = captured.clone();
    let subscriber = tracing_subscriber::registry().with(line_layer(move || writer.clone(), colour));
    tracing::subscriber::with_default(subscriber, log);
    let bytes = captured.0.lock().expect("no test panics while it writes").clone();
    let text = String::from_utf8(bytes).expect("log lines are UTF-8");
    text.split_terminator('\n')
        .map(|line| line.split_once("Z ").map_or(line, |(_, rest)| rest.trim()).to_owned())
        .collect()
}

const HOSTILE: &str = "a\u{1b}[2Jb\u{9b}31mc\u{7f}d\re\nf\u{202e}g\u{7}";
const SAFE: &str = "a\u{fffd}[2Jb\u{fffd}31mc\u{fffd}d\u{fffd}e f\u{fffd}g\u{fffd}";

#[derive(Debug, thiserror::Error)]
#[error("outer {HOSTILE}")]
struct Outer(#[source] Inner);

#[derive(Debug, thiserror::Error)]
#[error("inner {HOSTILE}")]
struct Inner;

#[test]
fn values_from_outside_stay_on_one_safe_line() {
    let check = |log: &dyn Fn(), expected: &str| {
        let got = lines(Colour::Off, log);
        assert_eq!(got, [expected.replace("TARGET", module_path!()).replace("SAFE", SAFE)]);
    };
    check(&|| tracing::info!("{HOSTILE}"), "INFO TARGET: SAFE");
    check(&|| tracing::warn!(reason = %HOSTILE, "failed"), "WARN TARGET: failed reason=SAFE");
    check(&|| tracing::error!(reason = HOSTILE, "failed"), "ERROR TARGET: failed reason=\"SAFE\"");
    check(
        &|| tracing::info!(error = &Outer(Inner) as &dyn std::error::Error, "failed"),
        "INFO TARGET: failed error=outer SAFE: inner SAFE",
    );
    check(
        &|| tracing::info!(count = 3, share = 0.5, done = true, "seen"),
        "INFO TARGET: seen count=3 share=0.5 done=true",
    );
    check(&|| tracing::info!(""), "INFO TARGET:");
    check(
        &|| {
            let span = tracing::info_span!("poll", source = %HOSTILE, kind = tracing::field::Empty);
            span.record("kind", tracing::field::display(HOSTILE));
            span.in_scope(|| tracing::info!("done"));
        },
        "INFO poll: TARGET: done source=SAFE kind=SAFE",
    );
    check(
        &|| {
            let poll = tracing::info_span!("poll");
            let other = tracing::info_span!("other");
            let _entered = other.enter();
            tracing::info!(parent: &poll, "child");
        },
        "INFO poll: TARGET: child",
    );
}

#[test]
fn long_values_are_cut() {
    let long = "ж".repeat(100_000);
    for got in [lines(Colour::Off, || tracing::info!(%long)), lines(Colour::Off, || tracing::info!(long))] {
        assert!(got.len() == 1 && got[0].len() < 5_000 && got[0].contains('…'), "{} bytes", got[0].len());
    }
    let exact = "x".repeat(4 * 1024);
    assert!(lines(Colour::Off, || tracing::info!("{exact}"))[0].ends_with('x'));
}

#[test]
fn colour_is_the_only_escape_sequence() {
    let coloured = lines(Colour::On, || tracing::info!(reason = %HOSTILE, "{HOSTILE}")).concat();
    assert!(coloured.contains("\u{1b}[32m"), "{coloured:?}");
    let plain =
        regex::Regex::new("\u{1b}\\[[0-9;]*m").expect("a valid pattern").replace_all(&coloured, "").into_owned();
    assert!(!plain.contains(char::is_control), "{plain:?}");
}

#[test]
fn filters_are_read_and_the_variable_goes_first() {
    let check = |variable: Option<&str>, setting: &str, expected: Result<&str, &str>| {
        let got = filter(variable.map(str::to_owned), setting);
        match (got.map(|filter| filter.to_string()).map_err(|error| error.to_string()), expected) {
            (Ok(got), Ok(expected)) => assert_eq!(got, expected),
            (Err(message), Err(part)) => assert!(message.starts_with(part), "{message}"),
            (got, _) => panic!("{variable:?} {setting:?}: {got:?}"),
        }
    };
    check(None, "info", Ok("chapar=info,warn"));
    check(Some("debug"), "info", Ok("chapar=debug,warn"));
    check(Some(" "), "warn", Ok("chapar=warn,warn"));
    check(Some("off"), "warn", Ok("off"));
    check(None, "info,chapar::fetch=debug", Ok("chapar::fetch=debug,info"));
    check(None, "loud", Err("telemetry.log = \"loud\" is no log filter: \"loud\" is not off"));
    check(None, "chapar=loud", Err("telemetry.log = \"chapar=loud\" is no log filter"));
    check(Some("a=b=c"), "info", Err("CHAPAR_LOG = \"a=b=c\" is no log filter"));
}

#[test]
fn the_journal_is_known_by_device_and_inode() {
    let cases = [
        ("8:1234", true),
        ("8:1235", false),
        ("9:1234", false),
        ("8", false),
        ("8:", false),
        ("", false),
        ("8:1234:5", false),
        ("8:99999999999999999999999", false),
    ];
    for (variable, expected) in cases {
        assert_eq!(names_stream(variable, 8, 1234), expected, "{variable:?}");
    }
}
