//! The system calls that need `unsafe`, and nothing else. The only unsafe code outside of tests.
//!
//! Everything here is a thin, safe function over one duty: forking a child that execs, collecting
//! what has exited, sending a signal by number, looking into a pipe, leaving the terminal.

#![allow(
    unsafe_code,
    reason = "this is where it lives; each block argues for itself"
)]

mod detach;
mod fork;
mod memory;
mod pipe;
mod signal;
mod wait;
mod watch;

pub use detach::detach;
pub use fork::{Exec, Identity, spawn};
pub use memory::give_back_large_buffers;
pub use pipe::pending;
pub use signal::{ignore_sigpipe_and_sigxfsz, kill, kill_group};
pub use wait::{Reaped, reap};
pub use watch::watch;
