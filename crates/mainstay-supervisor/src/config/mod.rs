//! Configuration: from the text of INI files to validated values.
//!
//! Reading goes in stages, each a function of values: text → [`ini`] sections → expansion
//! ([`percent`]) → typed options by the one table in [`options`] → [`Config`]. What a file means may
//! also depend on its surroundings; those come in as a [`Context`].
//!
//! [`load`] stops at the first mistake, as Supervisor does; [`check`] finds all of them.

pub mod environment;
pub mod ini;
pub mod options;
pub mod percent;
pub mod signal;
pub mod words;

mod build;
mod context;
mod diff;
mod error;
mod files;
mod load;
mod model;
mod python;
mod read;
mod suggest;
mod types;
mod unknown;

#[cfg(test)]
mod tests;

pub use context::{Account, Accounts, Context};
pub use diff::{Diff, diff};
pub use error::{Error, Origin};
pub use files::{default_paths, locate};
pub(crate) use load::value;
pub use load::{Report, check, load, load_ctl};
pub use model::{
    Address, Autorestart, Config, Credentials, Ctl, FcgiSocket, Group, GroupKind, Level, LogFile,
    MainLogFile, Note, Process, Server, Stream, Supervisord, User,
};
pub(crate) use python::int;
pub use python::{repr, repr_list};
