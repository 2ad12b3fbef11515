//! x
pub mod encoding;
pub mod guard;
