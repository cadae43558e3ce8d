//! The crate as its users see it.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests too")]

#[cfg(feature = "tokio")]
mod asynchronous;
#[cfg(target_os = "linux")]
mod memory;
mod rules;
mod simple;
mod upgrade;
mod vectors;

use mainstay_scrypt::{Hasher, HasherBuilder, Params};

/// A hasher that is quick because it is weak.
fn quick() -> HasherBuilder {
    Hasher::builder().params(params(4, 8, 1)).allow_weak()
}

#[track_caller]
fn params(log_n: u8, r: u32, p: u32) -> Params {
    Params::new(log_n, r, p).unwrap()
}
