//! `mainstayd`.
fn main() {}
