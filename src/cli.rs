//! (being written)
pub mod output;
