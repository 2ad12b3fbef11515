//! Examples below `--help`, and in the man pages, of commands that have no file of their own.

pub const RUN: &str = "\
Logs go to stderr, or to the journal under systemd; SIGTERM and SIGINT stop it, nothing is lost.

Examples:
  chapar run --config /etc/chapar/chapar.toml
  systemctl start chapar            the same as a service";

pub const ONCE: &str = "\
Examples:
  chapar once --config config/minimal.toml
  chapar once && chapar query since:1h     for cron: what is new";

pub const DEMO: &str = "\
Examples:
  chapar demo | jq -r .title
  chapar demo > records.ndjson";

pub const CHECK: &str = "\
Examples:
  chapar check                                         before `chapar reload`
  chapar check --config config/chapar.toml";

pub const SOURCES: &str = "\
Examples:
  chapar sources                                  the list with health
  chapar sources -o json | jq '.[] | select(.health != \"ok\") | .id'
  chapar sources discover https://example.org     settings for a new one
  chapar sources test ID                          what a poll would admit now";

pub const LOG: &str = "\
Examples:
  chapar log verify                     is everything readable?
  chapar log backup /srv/backup         a copy, while the daemon runs, too
  chapar log rewind directory --to 1    an output gets all records again";

pub const DEAD_LETTERS: &str = "\
Examples:
  chapar dead-letters                               what was given up, and why
  chapar dead-letters -o json | jq -r '.[].id'
  chapar dead-letters retry ID                      fetches it again
  chapar dead-letters retry webhook:all             delivers what an output did not get";

pub const RETRY: &str = "\
Examples:
  chapar dead-letters retry gakw43v4kbdnrhlu5xpkvtldfm
  chapar dead-letters retry webhook:17            record 17, to the output webhook
  chapar dead-letters retry webhook:all";

pub const DROP: &str = "\
Examples:
  chapar dead-letters drop gakw43v4kbdnrhlu5xpkvtldfm
  chapar dead-letters drop webhook:all";

pub const STATUS: &str = "\
Examples:
  chapar status
  chapar status -o json | jq .counts.pending      entries that wait
  chapar status -o json | jq .today.outcomes      what was done since midnight (UTC)";

pub const POLL: &str = "\
Examples:
  chapar poll astanatimes && chapar tail -f source:astanatimes";

pub const RELOAD: &str = "\
Examples:
  chapar check && chapar reload                   faults are told before they are refused";

pub const SCHEMA: &str = "\
Fields may be added to chapar.record/1; one that is renamed or retyped makes chapar.record/2.

Examples:
  chapar schema > record.schema.json
  chapar schema | jq '.properties | keys'         the fields of a record
  chapar schema | jq .properties.event            what one of them means";

pub const COMPLETIONS: &str = "\
The script asks chapar itself when Tab is pressed: topics, sources, outputs, and ids of a running
daemon are completed, also behind topic: and the like.

Examples:
  chapar completions bash > /usr/share/bash-completion/completions/chapar
  chapar completions zsh > /usr/share/zsh/vendor-completions/_chapar
  chapar completions fish > /usr/share/fish/vendor_completions.d/chapar.fish
  source <(chapar completions bash)               for this shell only";

pub const MAN: &str = "\
Examples:
  chapar man query | man -l -                     reads one
  chapar man log backup | man -l -
  chapar man --all /usr/share/man/man1            writes them all";
