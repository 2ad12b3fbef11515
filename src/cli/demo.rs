//! `demo`: the whole pipeline on the built-in news world, records to stdout, outcomes to stderr.

use std::io::Write;
use std::sync::Arc;

use super::run::{run_once, stop_on_signal, summarise};
use super::{Exit, Failure};
use crate::demo_site::DemoSite;
use crate::model::Outcome;
use crate::pipeline::{Active, Engine};
use crate::settings::Settings;
use crate::store::Counts;

/// Settings of the demo beside its sources: loopback may be reached, and it need not be spared.
const SETTINGS: &str = r#"
[http]
allow_private = ["127.0.0.0/8"]
delay_per_host = "1ms"

[telemetry]
log = "error"

[[output]]
kind = "stdout"

"#;

pub async fn demo() -> Result<Exit, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::new(Exit::Failed, error);
    let folder = DemoFolder::new().map_err(|error| failed(&error))?;
    let site = DemoSite::start().await.map_err(|error| failed(&error))?;
    let config = folder.0.join("demo.toml");
    let store = format!("[store]\npath = {:?}\n", folder.0.join("store"));
    std::fs::write(&config, format!("{store}{SETTINGS}{}", site.settings_toml())).map_err(|error| failed(&error))?;
    let settings = Settings::load(Some(&config))?;
    super::start_telemetry(&settings)?;
    let engine = Arc::new(tokio::task::block_in_place(|| Engine::open(Active::new(settings)?).map_err(Failure::from))?);
    let stop = stop_on_signal()?;
    let mut err = std::io::stderr();
    writeln!(err, "chapar demo: five sources on loopback; records go to stdout, nothing is kept")?;
    run_once(&engine, stop.clone()).await?;
    writeln!(err, "\nfirst poll")?;
    summarise(&engine, &Counts::default())?;
    if !stop.is_cancelled() {
        let before = engine.store.counts().map_err(|error| failed(&error))?;
        site.publish_correction();
        run_once(&engine, stop).await?;
        writeln!(err, "\nsecond poll, after one article was corrected")?;
        summarise(&engine, &before)?;
    }
    site.stop().await;
    let counts = engine.store.counts().map_err(|error| failed(&error))?;
    if counts.outcomes[&Outcome::Recorded] == 0 {
        return Err(Failure::new(Exit::Failed, "the demo recorded nothing"));
    }
    writeln!(err, "\nnext: chapar once --config config/minimal.toml, or see README.md")?;
    Ok(Exit::Done)
}

/// A folder of its own that is removed at the end.
struct DemoFolder(std::path::PathBuf);

impl DemoFolder {
    fn new() -> std::io::Result<Self> {
        let path = std::env::temp_dir().join(format!("chapar-demo-{}", std::process::id()));
        // Made by us alone, with no rights for others: a name in a shared folder can be guessed.
        std::os::unix::fs::DirBuilderExt::mode(&mut std::fs::DirBuilder::new(), 0o700).create(&path)?;
        Ok(Self(path))
    }
}

impl Drop for DemoFolder {
    fn drop(&mut self) {
        // What stays is a temporary folder.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
