//! Clients and daemons, ours and Supervisor's, in every combination, compared byte for byte with the
//! original pair.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod faults;
mod pairs;
mod scripts;
mod shell;
mod streams;
mod xmlrpc;
