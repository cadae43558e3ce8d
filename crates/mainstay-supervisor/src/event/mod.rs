//! Events: what happens in the daemon, told to listeners over their standard input.
//!
//! Most of it is a function of values. [`Event`]s are made of what happened; a [`Pool`] keeps what its
//! listeners have not taken yet; a [`Protocol`] follows what one listener writes. The [`Bus`] moves
//! the bytes.

mod audience;
mod bus;
mod crew;
mod kind;
mod pool;
mod protocol;
mod ticks;

pub use audience::{Audience, Speaker};
pub use bus::{Bus, Ear, Seat};
pub use crew::Outlet;
pub use kind::{Kind, Subscription};
pub use pool::{Buffered, Event, Pool, Pushed};
pub use protocol::{ListenerState, Protocol, Step, Verdict};
pub use ticks::Ticks;
