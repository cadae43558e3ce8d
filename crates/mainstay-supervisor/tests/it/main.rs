//! Real daemons with real children: one `mainstayd` per test, in a directory of its own.

#![allow(
    clippy::unwrap_used,
    reason = "a helper that fails is a test that fails; clippy knows only `#[test]` functions"
)]

mod ctl_server;
mod daemon;

mod applets;
mod browsers;
mod clock;
mod ctl;
mod events;
mod faults;
mod fcgi;
mod fuzzed;
mod lifecycle;
mod logs;
mod order;
mod processes;
mod restart;
mod rpc;
mod samples;
mod start;
mod streams;
mod web;
mod web_client;
mod web_faults;
