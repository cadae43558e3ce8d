//! The daemon: one actor that owns every process, log and group, and the [`Handle`] to talk to it.

mod handle;

pub use handle::{
    Channel, ConfigInfo, Diff, Handle, Outcome, ProcessInfo, ReplyTo, Request, State, Tail,
};
