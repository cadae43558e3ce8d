//! Command lines: the option dialect that both programs share, and each program's options.

pub mod ctl;
pub mod daemon;
pub mod getopt;

pub use ctl::{Command as CtlCommand, Options as CtlOptions};
pub use daemon::{Command as DaemonCommand, Options as DaemonOptions};
pub use getopt::UsageError;
