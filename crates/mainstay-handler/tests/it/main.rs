//! The layer from outside: what clients get, what the log gets, and that the two do not mix.

#![allow(
    clippy::unwrap_used,
    reason = "clippy knows tests, but not the functions beside them"
)]

mod alloc;
mod axum_stack;
mod errors;
mod examples;
mod half_page;
mod leaks;
mod once;
mod pages;
mod resolve;
mod rewrite;
mod support;
