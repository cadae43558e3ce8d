//! `mainstayctl`.
fn main() {}
