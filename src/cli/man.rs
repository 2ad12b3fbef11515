//! `man`: the man pages, made of the same text as `--help`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_mangen::Man;

use super::{Exit, Failure};

#[derive(Args)]
pub struct ManArguments {
    /// A command, such as query, or log backup
    #[arg(value_name = "COMMAND")]
    path: Vec<String>,
    /// Writes the pages of all commands as files into this folder, for a package
    #[arg(long, value_name = "DIR", conflicts_with = "path")]
    all: Option<PathBuf>,
}

/// What only the page of the program itself tells.
const PROGRAM: &str = r#".SH FILES
.TP
/etc/chapar/chapar.toml
Settings, unless \-\-config or CHAPAR_CONFIG names others.
.TP
/etc/chapar/conf.d/*.toml, /etc/chapar/rules/
Further settings, and rules that take the place of the shipped ones.
.TP
/var/lib/chapar/
The store, unless the settings name another.
.TP
/run/chapar/chapar.sock
Where the daemon answers, unless the store is another one: chapar.sock in its folder then.
.SH ENVIRONMENT
.TP
CHAPAR_CONFIG
The settings file.
.TP
CHAPAR__SECTION__KEY
A setting, over that of the files.
.TP
NO_COLOR
No colours on a terminal.
.TP
CHAPAR_PAGER, PAGER
The command that shows what is longer than the screen, the first of the two that is set; less where none is. Empty or cat
is none.
.TP
LESS, LV
What less and lv are told; FRX and \-c where they are not set. Under sudo LESSSECURE is 1 for them, so that less starts no
commands.
.TP
TZ
The zone of times that are shown, and of dates in queries.
"#;

pub fn man(mut program: Command, arguments: ManArguments) -> Result<Exit, Failure> {
    program = program.disable_help_subcommand(true);
    program.build();
    if let Some(folder) = arguments.all {
        std::fs::create_dir_all(&folder).and_then(|()| write_all(&program, None, &folder)).map_err(|error| {
            Failure::new(Exit::Failed, format!("{}: the pages cannot be written: {error}", folder.display()))
        })?;
        return Ok(Exit::Done);
    }
    let (mut command, mut above) = (&program, None);
    for name in &arguments.path {
        let unknown = || Failure::new(Exit::Usage, format!("there is no command {name:?}; see chapar --help"));
        above = Some(command);
        command = command.find_subcommand(name).ok_or_else(unknown)?;
    }
    io::stdout().write_all(page(command, above)?.as_bytes())?;
    Ok(Exit::Done)
}

fn write_all(command: &Command, above: Option<&Command>, folder: &Path) -> io::Result<()> {
    std::fs::write(folder.join(format!("{}.1", name_of(command))), page(command, above)?)?;
    let mut below = command.get_subcommands().filter(|below| !below.is_hide_set());
    below.try_for_each(|below| write_all(below, Some(command), folder))
}

/// `chapar-log-backup`.
fn name_of(command: &Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

/// A page; `above` is the command of which this is one.
fn page(command: &Command, above: Option<&Command>) -> io::Result<String> {
    let man = Man::new(command.clone());
    let mut roff = Vec::new();
    man.render_name_section(&mut roff)?;
    man.render_synopsis_section(&mut roff)?;
    man.render_description_section(&mut roff)?;
    man.render_options_section(&mut roff)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut roff)?;
    }
    let name = name_of(command);
    let mut page = format!(".TH {} 1 \"\" \"chapar {}\" \"chapar\"\n", name.to_uppercase(), env!("CARGO_PKG_VERSION"));
    page.push_str(&tidied(&String::from_utf8_lossy(&roff)));
    if let Some(help) = command.get_after_help() {
        page.push_str(&after_help(&help.to_string()));
    }
    if above.is_none() {
        page.push_str(PROGRAM);
    }
    let below = command.get_subcommands().filter(|below| !below.is_hide_set());
    let others: Vec<&str> = above.into_iter().chain(below).map(name_of).collect();
    if !others.is_empty() {
        let others: Vec<String> = others.iter().map(|other| format!(".BR {} (1)", escaped(other))).collect();
        page.push_str(&format!(".SH \"SEE ALSO\"\n{}\n", others.join(" ,\n")));
    }
    Ok(in_ascii(&page))
}

/// With other characters named, so that no reader has to guess the encoding.
fn in_ascii(page: &str) -> String {
    let mut ascii = String::with_capacity(page.len());
    for c in page.chars() {
        if c.is_ascii() {
            ascii.push(c);
        } else {
            ascii.push_str(&format!("\\[u{:04X}]", u32::from(c)));
        }
    }
    ascii
}

/// How a renderer of sections says, before each, what an apostrophe is.
const APOSTROPHE: [&str; 2] = [".ie \\n(.g .ds Aq", ".el .ds Aq"];

/// Without spaces at the ends of lines, with an order for space in the place of an empty line between breaks, and with what
/// is said before each section said once.
fn tidied(roff: &str) -> String {
    let lines: Vec<&str> = roff.lines().map(str::trim_end).collect();
    let is_at = |at: Option<usize>, wanted: &str| at.and_then(|at| lines.get(at)).is_some_and(|line| *line == wanted);
    let mut tidied = String::new();
    for (at, line) in lines.iter().enumerate() {
        let (before, after) = (at.checked_sub(1), Some(at + 1));
        let is_repeated = at >= APOSTROPHE.len() && APOSTROPHE.iter().any(|start| line.starts_with(start));
        let line = match *line {
            "" if is_at(before, ".br") => ".sp",
            ".br" if is_at(before, "") || is_at(after, "") => continue,
            "" => continue,
            _ if is_repeated => continue,
            line => line,
        };
        tidied.push_str(line);
        tidied.push('\n');
    }
    tidied
}

/// What stands below `--help`: sentences as paragraphs, what is set in as it stands, examples under their own heading.
fn after_help(help: &str) -> String {
    let mut roff = String::new();
    let (mut is_set_in, mut is_new) = (false, true);
    let mut has_heading = false;
    for line in help.lines() {
        let wants_set_in = line.starts_with(' ');
        if is_set_in && !wants_set_in {
            roff.push_str(".fi\n");
            is_set_in = false;
            is_new = true;
        }
        if line == "Examples:" {
            roff.push_str(".SH EXAMPLES\n");
            (has_heading, is_new) = (true, false);
            continue;
        }
        if line.is_empty() {
            is_new = true;
            continue;
        }
        if !std::mem::replace(&mut has_heading, true) {
            roff.push_str(".SH NOTES\n");
            is_new = false;
        }
        if std::mem::take(&mut is_new) {
            roff.push_str(".PP\n");
        }
        if wants_set_in && !is_set_in {
            roff.push_str(".nf\n");
            is_set_in = true;
        }
        roff.push_str(&escaped(line));
        roff.push('\n');
    }
    if is_set_in {
        roff.push_str(".fi\n");
    }
    roff
}

/// As text: nothing in it is an order to roff.
fn escaped(line: &str) -> String {
    let line = line.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq").replace('"', "\\(dq");
    if line.starts_with('.') { format!("\\&{line}") } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_below_help_is_laid_out_and_gives_no_orders() {
        let help =
            "One sentence,\nand its end.\n\nA table:\n  -gas  'x' \\n\n  .br\n.TH no order\n\nExamples:\n  chapar run";
        let expected = ".SH NOTES\nOne sentence,\nand its end.\n.PP\nA table:\n.nf\n  \\-gas  \\(aqx\\(aq \\en\n  .br\n.fi\n.PP\n\
                        \\&.TH no order\n.SH EXAMPLES\n.nf\n  chapar run\n.fi\n";
        assert_eq!(after_help(help), expected);
    }

    #[test]
    fn an_empty_line_between_breaks_is_space() {
        assert_eq!(tidied("a \n.br\n\n.br\nb\n.br\nc\n\n.SH D"), "a\n.sp\nb\n.br\nc\n.SH D\n");
    }

    #[test]
    fn a_page_is_ascii() {
        assert_eq!(in_ascii("Тоқ –"), "\\[u0422]\\[u043E]\\[u049B] \\[u2013]");
    }
}
