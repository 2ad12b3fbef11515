//! x
pub mod clean;
pub mod encoding;
pub mod guard;
