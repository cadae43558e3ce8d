//! Real daemons with real children: one `mainstayd` per test, in a directory of its own.

#![allow(
    clippy::unwrap_used,
    reason = "a helper that fails is a test that fails; clippy knows only `#[test]` functions"
)]

mod ctl_server;
mod daemon;

mod applets;
mod ctl;
mod events;
mod faults;
mod fcgi;
mod fuzzed;
mod lifecycle;
mod logs;
mod order;
mod processes;
mod rpc;
mod samples;
mod web;
mod web_client;
