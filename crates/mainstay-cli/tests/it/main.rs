//! The real binary, as a shell or a person at a terminal runs it.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests too")]

mod commands;
mod run;
#[cfg(target_os = "linux")]
mod terminal;
