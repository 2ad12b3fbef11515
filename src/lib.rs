//! chapar: a news ingest daemon.
//!
//! An article flows through the modules in the order in which they stand here:
//! `poll` finds entries, admission (`store`) makes them durable, `fetch` brings the page, `extract` finds the article,
//! `classify` labels it, `novelty` knows it again, `commit` writes it to the log, `emit` hands it to the sinks.
//! `pipeline` is the only place where the stages meet.

pub mod model;
pub mod record;

pub mod dates;
pub mod hidden;
pub mod text;

pub mod rules;
pub mod settings;
pub mod site_rules;

pub mod poll;

pub mod fetch;
pub mod http;

pub mod classify;
pub mod extract;
pub mod novelty;

pub mod commit;
pub mod store;

pub mod emit;
pub mod formats;
pub mod search;

pub mod activity;
pub mod faults;
pub mod pipeline;

pub mod daemon;
pub mod local_api;
pub mod telemetry;

pub mod cli;
pub mod demo_site;
