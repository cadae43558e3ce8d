//! The HTTP side: listeners, authentication, the API, the tail endpoints, the dashboard's pages.
//!
//! ```text
//! Servers ─ open: sockets (listen), before there is a runtime
//!         ├ serve: accept and connections, with limits (connection)
//!         └ close: no new ones, answers in flight, gone
//!
//! a request ─► auth or browser ─► /RPC2 (api) · /logtail, /mainlogtail (tail, follow) · pages
//! ```

mod api;
mod app;
mod attempt;
mod auth;
mod browser;
mod connection;
mod dashboard;
mod error;
mod follow;
mod listen;
mod pace;
mod plain;
mod servers;
mod tail;
mod upload;
mod watched;

pub(crate) use attempt::try_to_open;
pub use error::OpenError;
pub use servers::{Context, Keys, Servers};
