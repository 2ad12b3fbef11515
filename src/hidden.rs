//! Values that no message shows: secrets, and what may hold one.

use std::fmt;

use serde::Deserialize;

/// A value whose Debug says "…": it may be printed with what it stands in.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Hidden<T>(pub T);

impl<T> fmt::Debug for Hidden<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}
