//! The daemon: one actor that owns every process, log and group, and the [`Handle`] to talk to it.
//!
//! ```text
//! run ──► privileges, servers, pidfile, log, daemonize      in this order, once per life
//!  └► Actor ◄── requests (Handle)  signals  deadlines       one thread, one owner
//!       ├ units: a pure machine each (process::Machine), and the child of the moment
//!       ├ launch: what a start takes · descent: the way down, group by group
//!       └ reap: the only place where children are waited for
//! ```

use std::time::Duration;

mod actor;
mod answers;
mod changes;
mod descent;
mod events;
mod groups;
mod handle;
mod launch;
mod pidfile;
mod privileges;
mod requests;
mod restart;
mod run;
mod signals;
mod unit;
mod waiting;

pub use answers::{Channel, ConfigInfo, Diff, Outcome, ProcessInfo, State, Tail};
pub use handle::{Handle, ReplyTo, Request, Tell};
pub use run::main;

/// The version of Supervisor that we stand in for: what its clients are told and parse.
pub const SUPERVISOR_COMPAT_VERSION: &str = "4.3.0";

/// How often those who wait for a process to stop are told that it takes time.
const REPORT_STOP: Duration = Duration::from_secs(2);
