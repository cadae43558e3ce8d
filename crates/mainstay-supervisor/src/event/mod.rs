//! Events: what happens in the daemon, told to listeners over their standard input.
//!
//! Everything here is a function of values. [`Event`]s are made of what happened; a [`Pool`] keeps
//! what its listeners have not taken yet; a [`Protocol`] follows what one listener writes. The actor
//! moves the bytes.

mod kind;
mod pool;
mod protocol;
mod ticks;

pub use kind::{Kind, Subscription};
pub use pool::{Buffered, Event, Pool, Pushed};
pub use protocol::{ListenerState, Protocol, Step, Verdict};
pub use ticks::Ticks;
