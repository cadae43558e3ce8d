//! The `mainstay` tool.
#![forbid(unsafe_code)]
fn main() {}
