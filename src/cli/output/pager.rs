//! Paging on a terminal, as git does it: what is longer than the screen goes through a pager.
//!
//! The pager is `$CHAPAR_PAGER`, else `$PAGER`, else `less`; empty or `cat` is none. `LESS` is `FRX` for it unless it is
//! set: quit where all fits, show colours, leave the text on the screen. One that cannot be started is done without.
//!
//! Who has more rights than the person at the terminal, as under `sudo`, gives no shell away: `LESSSECURE` keeps `less` from
//! starting commands and writing files (CVE-2023-26604 is what came of it elsewhere).

use std::borrow::Cow;
use std::io::{self, BufWriter, Write};
use std::process::{Child, Command, Stdio};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use unicode_width::UnicodeWidthStr;

use super::Surface;

/// Variables that name a pager, the first of which decides.
const VARIABLES: [&str; 2] = ["CHAPAR_PAGER", "PAGER"];

/// The pager where none is named.
const USUAL: &str = "less";

/// What `less` and `lv` are told where nobody told them, as by git.
const TOLD: [(&str, &str); 2] = [("LESS", "FRX"), ("LV", "-c")];

/// Characters by which git, too, knows that a pager is a line for the shell.
const OF_SHELL: &[char] =
    &['|', '&', ';', '<', '>', '(', ')', '$', '`', '\\', '"', '\'', '*', '?', '[', '#', '~', '=', '%'];

/// Whether a command may page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paging {
    /// On a terminal.
    Wanted,
    /// Never.
    Refused,
}

/// Stdout, through a pager where it is long and a person reads it.
pub struct PagedStdout {
    state: State,
    stop: CancellationToken,
}

enum State {
    /// Straight.
    Plain(BufWriter<io::Stdout>),
    /// Held back until it is known whether it fits on the screen.
    Holding { pager: NamedPager, screen: Screen, held: Vec<u8> },
    /// Into the pager; `None` behind its end.
    Paging { child: Child, input: Option<BufWriter<std::process::ChildStdin>> },
}

impl PagedStdout {
    /// `stop` is cancelled when the reader interrupts (Ctrl-C) what is paged: the pager shows what came so far, and
    /// whoever waits for more should not. Until a pager is started, an interrupt ends the program as ever.
    pub fn new(surface: &Surface, paging: Paging, stop: CancellationToken) -> Self {
        let pager = if surface.is_terminal() && paging == Paging::Wanted { NamedPager::of_environment() } else { None };
        let state = match (pager, Screen::of_stdout()) {
            (Some(pager), Some(screen)) => State::Holding { pager, screen, held: Vec::new() },
            _ => State::Plain(BufWriter::new(io::stdout())),
        };
        Self { state, stop }
    }

    /// Writes what is held back and waits until the reader has left the pager.
    ///
    /// # Errors
    /// Write errors; a pager that was left early is a closed pipe.
    pub fn finish(mut self) -> io::Result<()> {
        self.end()
    }

    fn end(&mut self) -> io::Result<()> {
        match &mut self.state {
            State::Plain(out) => out.flush(),
            State::Holding { held, .. } => {
                let held = std::mem::take(held);
                self.state = State::Plain(BufWriter::new(io::stdout()));
                self.write_all(&held)?;
                self.flush()
            }
            State::Paging { child, input } => {
                let written = input.take().map_or(Ok(()), |mut input| input.flush());
                child.wait()?;
                written
            }
        }
    }

    /// Starts the pager, or goes on without one.
    fn start(&mut self) -> io::Result<()> {
        let State::Holding { pager, held, .. } = &mut self.state else { return Ok(()) };
        let held = std::mem::take(held);
        self.state = match pager.start() {
            Ok(mut child) => {
                // An interrupt is for the pager, too, which must not be left alone with the terminal.
                tokio::spawn(tell(signal(SignalKind::interrupt())?, self.stop.clone()));
                let input = child.stdin.take().map(BufWriter::new);
                State::Paging { child, input }
            }
            Err(error) => {
                if pager.is_asked_for {
                    writeln!(io::stderr(), "chapar: the pager {:?} does not start: {error}", pager.line)?;
                }
                State::Plain(BufWriter::new(io::stdout()))
            }
        };
        self.write_all(&held)
    }
}

/// What an interrupt does once a pager runs.
async fn tell(mut interrupts: Signal, stop: CancellationToken) {
    while interrupts.recv().await.is_some() {
        stop.cancel();
    }
}

impl Write for PagedStdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.state {
            State::Plain(out) => return out.write(bytes),
            State::Paging { input: Some(input), .. } => return input.write(bytes),
            State::Paging { input: None, .. } => return Err(io::ErrorKind::BrokenPipe.into()),
            State::Holding { screen, held, .. } => {
                held.extend_from_slice(bytes);
                if !screen.is_exceeded(held) {
                    return Ok(bytes.len());
                }
            }
        }
        self.start()?;
        Ok(bytes.len())
    }

    /// Passes on what may be shown already; what is held back stays so.
    fn flush(&mut self) -> io::Result<()> {
        match &mut self.state {
            State::Plain(out) => out.flush(),
            State::Paging { input: Some(input), .. } => input.flush(),
            State::Paging { input: None, .. } | State::Holding { .. } => Ok(()),
        }
    }
}

impl Drop for PagedStdout {
    fn drop(&mut self) {
        // Left early by an error, which is told behind the pager's end. What fails here fails in its shadow.
        let _ = self.end();
    }
}

/// How much fits on the screen, and how much of it is used.
struct Screen {
    columns: usize,
    /// Lines left for text.
    rows: usize,
    used: usize,
    counted_bytes: usize,
}

impl Screen {
    fn of_stdout() -> Option<Self> {
        let (columns, rows) = terminal_size::terminal_size_of(io::stdout())?;
        Some(Self::new(columns.0.into(), rows.0.into()))
    }

    /// The shell's prompt takes the last line.
    fn new(columns: usize, rows: usize) -> Self {
        Self { columns: columns.max(1), rows: rows.saturating_sub(1), used: 0, counted_bytes: 0 }
    }

    /// Whether the whole lines of `held`, which has only grown since, are more than fit.
    fn is_exceeded(&mut self, held: &[u8]) -> bool {
        while let Some(length) = held[self.counted_bytes..].iter().position(|byte| *byte == b'\n') {
            let line = String::from_utf8_lossy(&held[self.counted_bytes..self.counted_bytes + length]);
            self.used += without_colours(&line).width().div_ceil(self.columns).max(1);
            self.counted_bytes += length + 1;
            if self.used > self.rows {
                return true;
            }
        }
        // A line that has not ended may be very long.
        held.len() - self.counted_bytes > self.columns.saturating_mul(self.rows).saturating_mul(BYTES_A_COLUMN)
    }
}

/// At least as many bytes as a column may take, colours included, so that a line beyond it needs more than the screen.
const BYTES_A_COLUMN: usize = 16;

fn without_colours(line: &str) -> Cow<'_, str> {
    if !line.contains('\u{1b}') {
        return Cow::Borrowed(line);
    }
    // What comes from outside has no escape character any more, so that each begins one of our colours: ESC [ … m.
    let mut parts = line.split('\u{1b}');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    parts.for_each(|part| plain.push_str(part.split_once('m').map_or("", |(_, rest)| rest)));
    Cow::Owned(plain)
}

/// A pager by its command line.
#[derive(Clone, Debug, PartialEq, Eq)]
struct NamedPager {
    line: String,
    is_asked_for: bool,
}

impl NamedPager {
    fn of_environment() -> Option<Self> {
        if std::env::var_os("TERM").is_some_and(|term| term == "dumb") {
            return None;
        }
        Self::named(VARIABLES.map(|name| std::env::var(name).ok()))
    }

    /// The pager by the values of [`VARIABLES`].
    fn named(values: [Option<String>; 2]) -> Option<Self> {
        let asked = values.into_iter().flatten().next();
        let is_asked_for = asked.is_some();
        let line = asked.unwrap_or_else(|| USUAL.to_owned()).trim().to_owned();
        (!line.is_empty() && line != "cat").then_some(Self { line, is_asked_for })
    }

    fn start(&self) -> io::Result<Child> {
        let mut command = if self.line.contains(OF_SHELL) {
            let mut command = Command::new("sh");
            command.args(["-c", &self.line]);
            command
        } else {
            let mut words = self.line.split_whitespace();
            let mut command = Command::new(words.next().unwrap_or_default());
            command.args(words);
            command
        };
        for (name, value) in TOLD {
            if std::env::var_os(name).is_none() {
                command.env(name, value);
            }
        }
        if has_rights_of_another() {
            command.env("LESSSECURE", "1");
        }
        command.stdin(Stdio::piped()).spawn()
    }
}

/// Whether this process may do what the person at the terminal may not.
fn has_rights_of_another() -> bool {
    std::env::var_os("SUDO_UID").is_some() || rustix::process::geteuid() != rustix::process::getuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_decides_and_empty_or_cat_is_none() {
        let check = |of_chapar: Option<&str>, of_all: Option<&str>, expected: Option<(&str, bool)>| {
            let named = NamedPager::named([of_chapar, of_all].map(|value| value.map(str::to_owned)));
            let expected = expected.map(|(line, is_asked_for)| NamedPager { line: line.to_owned(), is_asked_for });
            assert_eq!(named, expected, "{of_chapar:?} {of_all:?}");
        };
        check(None, None, Some(("less", false)));
        check(None, Some("more"), Some(("more", true)));
        check(Some("most -s"), Some("more"), Some(("most -s", true)));
        check(Some(""), Some("more"), None);
        check(Some("cat"), None, None);
        check(None, Some(" "), None);
    }

    #[test]
    fn a_screen_is_exceeded_by_lines_as_they_are_shown() {
        let check = |text: &str, expected: bool| {
            let mut screen = Screen::new(4, 4);
            let mut held = Vec::new();
            let exceeded = text.as_bytes().chunks(2).any(|chunk| {
                held.extend_from_slice(chunk);
                screen.is_exceeded(&held)
            });
            assert_eq!(exceeded, expected, "{text:?}");
        };
        check("a\nb\nc\n", false);
        check("a\nb\nc\nd\n", true);
        check("\n\n\n", false);
        check("abcdefgh\nb\n", false);
        check("abcdefghi\nb\n", true);
        check("天然气\nb\n", false);
        check("\u{1b}[1mabcd\u{1b}[0m\nb\nc\n", false);
        check(&"a".repeat(200), true);
    }
}
