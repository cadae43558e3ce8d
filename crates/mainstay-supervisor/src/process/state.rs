//! The state machine of one process: pure, so that every row of its table is a test.
//!
//! An event and the time go in, actions come out. Nothing here forks, kills, sleeps or reads a
//! clock. Time is monotonic: a step of the wall clock cannot be seen from here.
//!
//! Two differences from the original are deliberate. Whatever follows without waiting happens in
//! the same step (out of retries: BACKOFF, then FATAL; restart: EXITED, then STARTING), because
//! there is no loop with turns of a second to spread it over. And a program that keeps exiting
//! right after it came up is restarted at once five times, then up to a tenth of a second apart:
//! the original's loop had that brake built in, and without one such a program burns a core.

use std::sync::Arc;
use std::time::Instant;

use crate::config::{self, Level};
use crate::daemon::State;
use crate::process::Exit;

use step::Step;

mod step;

/// One process's state, and what it takes to know the next one.
#[derive(Clone, Debug)]
pub struct Machine {
    rules: Arc<config::Process>,
    state: State,
    pid: Option<i32>,
    started: Option<Instant>,
    deadline: Option<Instant>,
    tries: u32,
    rapid: u32,
    exit_code: Option<i32>,
    spawn_error: String,
    down: bool,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A start was asked for, by a client or by `autostart`.
    Start,
    /// The spawn that was asked for succeeded.
    Spawned {
        /// The child.
        pid: i32,
    },
    /// The spawn that was asked for failed.
    SpawnFailed {
        /// The text for `spawnerr`.
        error: String,
    },
    /// The child was reaped, and everything that it wrote is in its log.
    Exited(Exit),
    /// Time has passed; perhaps up to [`Machine::deadline`].
    Due,
    /// A stop was asked for.
    Stop,
    /// The daemon stops or restarts: never start again. Stopping comes when its group's turn has.
    Hold,
    /// The daemon stops or restarts: stop, and never start again.
    Shutdown,
    /// The daemon must not wait any longer.
    Kill,
    /// The system refused to send a signal.
    Refused {
        /// Why.
        error: String,
    },
}

/// Something to be done, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Spawn the child and report [`Event::Spawned`] or [`Event::SpawnFailed`] before any other
    /// event.
    Spawn,
    /// Send a signal; report [`Event::Refused`] if that fails for any reason but that the process
    /// is gone.
    Signal {
        /// To whom.
        pid: i32,
        /// What.
        signal: i32,
        /// To the whole group that `pid` leads.
        group: bool,
    },
    /// The state has changed.
    Changed(Change),
    /// A line for the main log.
    Say(Level, String),
}

/// A change of state, with what its event tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The state before.
    pub from: State,
    /// The state after.
    pub to: State,
    /// The child at that moment, or the one that has just gone; 0 for none.
    pub pid: i32,
    /// Failed attempts so far.
    pub tries: u32,
    /// For EXITED: whether the status was among `exitcodes`.
    pub expected: bool,
}

impl Machine {
    /// A process that has never been started.
    pub fn new(rules: Arc<config::Process>) -> Self {
        Self {
            rules,
            state: State::Stopped,
            pid: None,
            started: None,
            deadline: None,
            tries: 0,
            rapid: 0,
            exit_code: None,
            spawn_error: String::new(),
            down: false,
        }
    }

    /// Takes one event at one time; what is to be done comes back in order.
    pub fn step(&mut self, event: Event, now: Instant) -> Vec<Action> {
        let mut step = Step::new(self, now);
        step.take(event);
        step.actions
    }

    /// The present state.
    pub const fn state(&self) -> State {
        self.state
    }

    /// The child, while there is one that has not been reaped.
    pub const fn pid(&self) -> Option<i32> {
        self.pid
    }

    /// When [`Event::Due`] wants to be reported next.
    pub const fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// When the last attempt to start began.
    pub const fn started(&self) -> Option<Instant> {
        self.started
    }

    /// The last exit: none while it is up, −1 for death by signal.
    pub const fn exit_code(&self) -> Option<i32> {
        self.exit_code
    }

    /// Why the last start failed, or how the last exit was bad.
    pub fn spawn_error(&self) -> &str {
        &self.spawn_error
    }

    /// Whether a start request is refused because it is up, or on its way.
    pub const fn is_up(&self) -> bool {
        matches!(
            self.state,
            State::Starting | State::Running | State::Backoff
        )
    }

    /// Whether a stop request has something to stop.
    pub const fn can_stop(&self) -> bool {
        self.is_up() || (matches!(self.state, State::Exited) && self.deadline.is_some())
    }

    /// Whether a signal request has somebody to signal.
    pub const fn can_signal(&self) -> bool {
        matches!(
            self.state,
            State::Starting | State::Running | State::Stopping
        )
    }

    /// Whether nothing more is to be waited for: the process can be removed.
    pub const fn is_down(&self) -> bool {
        matches!(
            self.state,
            State::Stopped | State::Exited | State::Fatal | State::Unknown
        ) && !self.can_stop()
    }
}

#[cfg(test)]
mod tests;
