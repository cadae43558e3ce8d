//! Supervisor's own programs against ours, and ours against Supervisor's.
//!
//! ```no_run
//! use compat_tests::{Daemon, Ctl, PROGRAMS};
//!
//! # fn test() -> anyhow::Result<()> {
//! let Some(venv) = compat_tests::venv() else { return Ok(()) };
//! let daemon = Daemon::ours(PROGRAMS)?;
//! let ctl = Ctl::python(&venv, daemon.config());
//!
//! assert_eq!(ctl.run("stop cat")?.stdout, "cat: stopped\n");
//! # Ok(())
//! # }
//! ```
//!
//! What is needed from PyPI is installed below `target/`, and Python itself, as root on Debian, by
//! `apt-get`. Where that cannot be, a test is skipped, and says so; with `CI=true` that is a failure.

mod ctl;
mod daemon;
mod normal;
mod ours;
mod provision;

pub use ctl::{Ctl, Said};
pub use daemon::{Daemon, PROGRAMS, until};
pub use normal::normalise;
pub use ours::program;
pub use provision::{packages, venv};
