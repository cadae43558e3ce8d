//! From sections to the values of [`Config`](super::Config), one module for each kind of section.

mod fcgi;
mod groups;
mod listener;
mod process;
mod servers;
mod supervisord;

pub(super) use groups::groups;
pub(super) use servers::{rpc_interface, servers};
pub(super) use supervisord::{supervisord, user};

/// A number that means the same as 0 when it is below.
fn at_least_zero(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// The same for narrower options; nobody notices that more than four thousand million is not kept.
fn narrow(number: i64) -> u32 {
    u32::try_from(at_least_zero(number)).unwrap_or(u32::MAX)
}
