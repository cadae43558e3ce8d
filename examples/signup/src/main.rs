//! The signup site.
#![forbid(unsafe_code)]
fn main() {}
