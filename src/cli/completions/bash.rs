//! bash: it breaks words at `:` and `=`, too, so the line is read here as the shell will read it.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;

use clap_complete::engine;
use clap_complete::env::EnvCompleter;

/// The line up to the cursor.
const LINE: &str = "CHAPAR_COMPLETE_LINE";

/// The characters at which bash breaks words.
const BREAKS: &str = "CHAPAR_COMPLETE_BREAKS";

/// A space follows the only candidate, but where more of the same word is to come. Older than 4.4, bash does not know
/// `nosort`.
const SCRIPT: &str = r#"_NAME() {
    mapfile -t COMPREPLY < <(VAR=bash VAR_LINE="${COMP_LINE:0:COMP_POINT}" VAR_BREAKS="$COMP_WORDBREAKS" \
        COMPLETER -- "${COMP_WORDS[@]}" 2>/dev/null)
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[:=] ]]; then
        compopt -o nospace
    fi
}
complete -o bashdefault -o nosort -F _NAME BIN 2>/dev/null || complete -o bashdefault -F _NAME BIN
"#;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Bash;

impl EnvCompleter for Bash {
    fn name(&self) -> &'static str {
        "bash"
    }

    fn is(&self, name: &str) -> bool {
        name == "bash"
    }

    fn write_registration(
        &self,
        var: &str,
        name: &str,
        bin: &str,
        completer: &str,
        buf: &mut dyn Write,
    ) -> std::io::Result<()> {
        let script = SCRIPT.replace("NAME", name).replace("BIN", bin).replace("COMPLETER", completer);
        buf.write_all(script.replace("VAR", var).as_bytes())
    }

    fn write_complete(
        &self,
        cmd: &mut clap::Command,
        _: Vec<OsString>,
        current_dir: Option<&Path>,
        buf: &mut dyn Write,
    ) -> std::io::Result<()> {
        let line = std::env::var(LINE).map_err(std::io::Error::other)?;
        let breaks = std::env::var(BREAKS).unwrap_or_default();
        let Words { words, kept } = Words::of(&line, &breaks);
        let at = words.len() - 1;
        let words = words.into_iter().map(OsString::from).collect();
        for candidate in engine::complete(cmd, words, at, current_dir)? {
            let candidate = candidate.get_value().to_string_lossy().into_owned();
            writeln!(buf, "{}", candidate.get(kept..).unwrap_or_default())?;
        }
        Ok(())
    }
}

/// The words that bash was given; `None` for other shells.
pub fn words_of_environment() -> Option<Vec<OsString>> {
    let line = std::env::var(LINE).ok()?;
    Some(Words::of(&line, "").words.into_iter().map(OsString::from).collect())
}

/// A line as the shell will read it.
#[derive(Debug, PartialEq)]
struct Words {
    /// Without quotes; the last one ends at the cursor, and may be empty.
    words: Vec<String>,
    /// Bytes of the last one that bash takes for a word of their own, and does not want to hear again.
    kept: usize,
}

impl Words {
    fn of(line: &str, breaks: &str) -> Self {
        let mut words = Vec::new();
        let (mut word, mut kept, mut quote, mut is_begun) = (String::new(), 0, None, false);
        let mut chars = line.chars();
        while let Some(c) = chars.next() {
            match (c, quote) {
                (_, Some(open)) if c == open => quote = None,
                ('\\', None) | ('\\', Some('"')) => word.extend(chars.next()),
                (_, Some(_)) => word.push(c),
                ('\'' | '"', None) => {
                    quote = Some(c);
                    is_begun = true;
                    // What is in quotes is one word for bash, from the quote on.
                    if breaks.contains(c) {
                        kept = word.len();
                    }
                }
                (_, None) if c.is_whitespace() => {
                    if is_begun || !word.is_empty() {
                        words.push(std::mem::take(&mut word));
                    }
                    (kept, is_begun) = (0, false);
                }
                (_, None) => {
                    word.push(c);
                    if matches!(c, ':' | '=') && breaks.contains(c) {
                        kept = word.len();
                    }
                }
            }
        }
        words.push(word);
        Self { words, kept }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_bash_will_read_it() {
        let cases = [
            ("chapar", "chapar", 0),
            ("chapar ", "chapar|", 0),
            ("chapar query --topic en", "chapar|query|--topic|en", 0),
            ("chapar query --topic=en", "chapar|query|--topic=en", 8),
            ("chapar query topic:en", "chapar|query|topic:en", 6),
            ("chapar query topic:", "chapar|query|topic:", 6),
            ("chapar query 'gas topic:en", "chapar|query|gas topic:en", 0),
            ("chapar query \"gas\" -topic:en", "chapar|query|gas|-topic:en", 7),
            ("chapar query topic:'en", "chapar|query|topic:en", 6),
            (r"chapar --config a\ b.toml query ", "chapar|--config|a b.toml|query|", 0),
            ("chapar  query\t'' газ", "chapar|query||газ", 0),
            ("", "", 0),
        ];
        for (line, words, kept) in cases {
            let read = Words::of(line, " \t\n\"'><=;|&(:");
            assert_eq!((read.words.join("|").as_str(), read.kept), (words, kept), "{line:?}");
        }
        assert_eq!(Words::of("chapar query topic:en", " \t\n").kept, 0, "a shell that does not break there");
    }
}
