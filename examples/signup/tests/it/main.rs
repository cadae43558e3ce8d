//! The site as its users and its operator meet it: the real program, over real sockets.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "in a test, that is how to fail")]

mod client;
mod failures;
mod forgery;
mod journey;
mod operation;
mod passwords;
mod site;
