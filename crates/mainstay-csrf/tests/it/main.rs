//! The layer from outside: requests in, answers out.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod modern;
mod support;
