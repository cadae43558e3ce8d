//! The layer from outside: requests in, answers out.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod answers;
mod body;
mod deferred;
mod examples;
mod failures;
mod fuzzed;
mod gorilla;
mod gorilla_answers;
mod headers_only;
mod helpers;
mod modern;
#[cfg(feature = "multipart")]
mod multipart;
mod origin;
mod proof;
mod routes;
mod scope;
mod session;
mod settings;
mod sockets;
mod support;
#[cfg(all(feature = "askama", feature = "maud", feature = "minijinja"))]
mod templates;
mod tightening;
