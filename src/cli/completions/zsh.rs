//! zsh: clap's own answers, and a script that sets no space behind what goes on, such as `topic:`.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;

use clap_complete::env::EnvCompleter;

/// A candidate is a line `value:help`, with `\:` for colons of the value. The file can be sourced, and can lie in `fpath`
/// as `_chapar`.
const SCRIPT: &str = r#"#compdef BIN
_NAME() {
    local -a all open closed
    local one
    all=("${(@f)$(_CLAP_IFS=$'\n' _CLAP_COMPLETE_INDEX=$((CURRENT - 1)) VAR=zsh COMPLETER -- "${words[@]}" 2>/dev/null)}")
    for one in $all; do
        if [[ $one == *'\:' || ${one%%:*} == */ ]]; then
            open+=("$one")
        else
            closed+=("$one")
        fi
    done
    (( $#open )) && _describe -V values open -S ''
    (( $#closed )) && _describe -V values closed
}
if [[ $funcstack[1] == _NAME ]]; then
    _NAME "$@"
else
    compdef _NAME BIN
fi
"#;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Zsh;

impl EnvCompleter for Zsh {
    fn name(&self) -> &'static str {
        "zsh"
    }

    fn is(&self, name: &str) -> bool {
        name == "zsh"
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
        args: Vec<OsString>,
        current_dir: Option<&Path>,
        buf: &mut dyn Write,
    ) -> std::io::Result<()> {
        clap_complete::env::Zsh.write_complete(cmd, args, current_dir, buf)
    }
}
