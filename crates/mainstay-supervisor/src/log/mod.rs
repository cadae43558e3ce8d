//! Logs: the main log, the children's logs, rotation by size, and what becomes of bytes on the way.

mod ansi;
mod auto;
mod backlog;
mod borrowed;
mod bridge;
mod child;
mod file;
mod line;
mod main_log;
mod syslog;
mod turn;

pub use ansi::AnsiStripper;
pub use auto::{clean_up as clean_up_auto_logs, create as create_auto_log};
pub use bridge::Bridge;
pub use child::{ChildLog, ChildLogs, Poured};
pub use file::{LogFile, Rotation};
pub use main_log::{MainLog, Target};
pub use syslog::Syslog;
pub use turn::{Held, Turn, Wait};
