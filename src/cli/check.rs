//! `check`: every fault of the settings, the rules, and of what outputs need on this machine, told at once.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{Exit, Failure};
use crate::emit::readiness;
use crate::pipeline::Active;
use crate::settings::{Draft, Settings, SettingsError};

pub fn check(config: Option<PathBuf>) -> Result<Exit, Failure> {
    let Draft { settings, mut faults, no_source } = Settings::draft(config.as_deref());
    faults.extend(no_source);
    for output in &settings.outputs {
        faults.extend(readiness::fault(output).map(|(key, message)| settings.fault_of(output, key, &message)));
    }
    let active = Active::new(settings).map_err(|error| faults.extend(error.0)).ok();
    // What is mended first may change what the tests find, and they take longest.
    let classifier = active.as_ref().filter(|_| faults.is_empty()).and_then(|active| active.classifier().ok());
    faults.extend(classifier.into_iter().flat_map(|classifier| classifier.run_rule_tests()).map(Into::into));
    match active {
        Some(active) if faults.is_empty() => summarise(&active),
        _ => Err(SettingsError::of(faults).into()),
    }
}

fn summarise(active: &Active) -> Result<Exit, Failure> {
    let settings = &active.settings;
    let count = |number: usize, one: &str| format!("{number} {one}{}", if number == 1 { "" } else { "s" });
    writeln!(
        io::stdout(),
        "{}: {}, {}, {}, rules {}: no faults",
        settings.origin.as_deref().unwrap_or(Path::new("built-in defaults")).display(),
        count(settings.sources.len(), "source"),
        count(settings.outputs.len(), "output"),
        count(active.topic_ids.len(), "topic"),
        active.rules_digest,
    )?;
    Ok(Exit::Done)
}
