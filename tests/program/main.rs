//! The real executable against loopback sites on ports of their own.
#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::print_stdout, missing_docs)]

mod dir;
mod receiver;
mod site;
mod tls_site;

mod answers;
mod architecture;
mod asking;
mod asking_at_once;
mod backup;
mod completions;
mod corrections;
mod crash;
mod daemon;
mod damage;
mod demo;
mod feeds;
mod filters;
mod hostile;
mod hostile_pages;
mod identity;
mod index;
mod keeping;
mod listings;
mod near;
mod once;
mod outputs;
mod polling;
mod pushing;
mod query_language;
mod reading;
mod reclassify;
mod region_pages;
mod schema;
mod settings;
mod shipped_sources;
mod site_rules;
mod sources;
mod stats;
mod tls;
mod upgrade;
mod versions;
