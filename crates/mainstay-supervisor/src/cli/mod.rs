//! Command lines: the option dialect that both programs share, and each program's options.

pub mod applets;
mod completions;
pub mod ctl;
pub mod daemon;
pub mod getopt;
mod manual;
pub mod pidproxy;

pub use completions::Shell;
pub use ctl::{Command as CtlCommand, Options as CtlOptions};
pub use daemon::{Command as DaemonCommand, Options as DaemonOptions};
pub use getopt::UsageError;
