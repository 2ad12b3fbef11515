//! chapar.
fn main() {}
