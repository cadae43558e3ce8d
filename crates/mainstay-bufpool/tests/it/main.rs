//! The pool from outside: its rules, its bounds under threads, its allocations, its way through a
//! server.

#![allow(
    clippy::unwrap_used,
    reason = "clippy knows tests, but not the functions beside them"
)]

mod alloc;
mod model;
mod rules;
mod serve;
