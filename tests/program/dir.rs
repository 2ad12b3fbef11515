//! A folder with settings and a store, and the program run in it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Longest wait for anything; a test that waits so long has failed.
pub const DEADLINE: Duration = Duration::from_secs(60);

pub struct Dir {
    folder: tempfile::TempDir,
}

/// A `[[source]]` block.
pub fn source(id: &str, url: &str) -> String {
    format!("[[source]]\nid = \"{id}\"\nurl = \"{url}\"\nkind = \"feed\"\nlanguage = \"en\"\n\n")
}

impl Dir {
    /// Settings with a store and a directory output in the folder, loopback allowed, no spacing, polls every second.
    pub fn new(sources: &str) -> Self {
        let dir = Self { folder: tempfile::tempdir().unwrap() };
        dir.settle(sources);
        dir
    }

    /// Writes the settings.
    pub fn settle(&self, sources: &str) {
        let settings = format!(
            "[store]\npath = {store:?}\n\n[http]\nallow_private = [\"127.0.0.0/8\"]\ndelay_per_host = \"1ms\"\n\
             timeout = \"5s\"\n\n[schedule]\nmin = \"200ms\"\ninterval = \"200ms\"\nmax = \"2s\"\n\n\
             [[output]]\nkind = \"directory\"\npath = {records:?}\n\n{sources}",
            store = self.path("store"),
            records = self.path("records"),
        );
        self.write("chapar.toml", &settings);
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// The program with arguments, without the settings.
    pub fn bare(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chapar"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        for variable in [
            "CHAPAR_CONFIG",
            "CHAPAR_LOG",
            "NOTIFY_SOCKET",
            "JOURNAL_STREAM",
            "NO_COLOR",
            "CHAPAR_PAGER",
            "PAGER",
            "LESS",
        ] {
            command.env_remove(variable);
        }
        command
    }

    /// The program with arguments and the settings.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.bare(arguments);
        command.arg("--config").arg(self.path("chapar.toml"));
        command
    }

    /// Runs to the end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs to the end and takes its lines as JSON; panics when it fails.
    pub fn json(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        json_lines(&output.stdout)
    }

    /// Every record in the directory output, in order of file and line.
    pub fn records(&self) -> Vec<Value> {
        records_in(&self.path("records"))
    }

    /// Starts the daemon and waits until it is ready.
    pub fn daemon(&self) -> Running {
        let mut running = self.start();
        self.wait_until_ready(&mut running);
        running
    }

    /// Starts the daemon, which may not live for long.
    pub fn start(&self) -> Running {
        self.start_with(&[])
    }

    /// The same, with variables in its environment.
    pub fn start_with(&self, environment: &[(&str, &Path)]) -> Running {
        let mut command = self.command(&["run"]);
        command.stdout(Stdio::piped()).stderr(Stdio::from(std::fs::File::create(self.path("log")).unwrap()));
        command.envs(environment.iter().copied());
        Running { child: command.spawn().unwrap() }
    }

    /// Waits until a daemon answers.
    pub fn wait_until_ready(&self, running: &mut Running) {
        wait_for("the daemon's socket", || {
            assert!(running.child.try_wait().unwrap().is_none(), "the daemon ended: {}", self.log());
            self.answers().then_some(())
        });
    }

    /// Whether a daemon answers.
    pub fn answers(&self) -> bool {
        std::os::unix::net::UnixStream::connect(self.path("store/chapar.sock")).is_ok()
    }

    /// What the daemon logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Its last lines.
    pub fn log_end(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(12)..].join("\n")
    }

    /// `chapar status` as JSON.
    pub fn status(&self) -> Value {
        self.json(&["status"]).remove(0)
    }
}

pub fn records_in(folder: &Path) -> Vec<Value> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    // Names with a dot are nobody's business: the lock, files that are not finished.
    files.retain(|file| !file.file_name().unwrap().to_string_lossy().starts_with('.'));
    files.sort();
    let whole_lines = |file: &PathBuf| {
        let mut bytes = std::fs::read(file).unwrap();
        // The writer may be in the middle of the last one.
        bytes.truncate(bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1));
        json_lines(&bytes)
    };
    let records: Vec<Value> = files.iter().flat_map(whole_lines).collect();
    crate::schema::hold(&records);
    records
}

pub fn json_lines(bytes: &[u8]) -> Vec<Value> {
    bytes.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect()
}

/// What a program wrote to stdout.
pub fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What a program wrote to stderr.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Whether a terminal would do something other than show it.
pub fn is_obeyed(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\t') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The sequence numbers, to be compared with 1, 2, 3 …
pub fn seqs(records: &[Value]) -> Vec<u64> {
    records.iter().map(|record| record["seq"].as_u64().unwrap()).collect()
}

/// Asks until there is an answer, at most [`DEADLINE`].
pub fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < DEADLINE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A started program that does not outlive its test.
pub struct Running {
    pub child: Child,
}

impl Running {
    pub fn signal(&self, signal: libc::c_int) {
        let pid = libc::pid_t::try_from(self.child.id()).unwrap();
        // SAFETY: kill has no memory effects; the process is our child and not yet waited for.
        #[allow(unsafe_code)]
        let sent = unsafe { libc::kill(pid, signal) };
        assert_eq!(sent, 0);
    }

    /// Its exit code, within the deadline.
    pub fn exit_code(&mut self) -> Option<i32> {
        wait_for("the program's end", || self.child.try_wait().unwrap()).code()
    }

    /// SIGTERM, and its exit code.
    pub fn stop(mut self) -> Option<i32> {
        self.signal(libc::SIGTERM);
        self.exit_code()
    }

    /// Lines of its stdout.
    pub fn lines(&mut self) -> impl Iterator<Item = String> + use<> {
        BufReader::new(self.child.stdout.take().unwrap()).lines().map_while(Result::ok)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
