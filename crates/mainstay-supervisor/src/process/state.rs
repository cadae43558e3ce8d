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
use std::time::{Duration, Instant};

use crate::config::{self, Autorestart, Level};
use crate::daemon::State;
use crate::process::Exit;

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
    /// The child at that moment, 0 for none.
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
        let mut step = Step { machine: self, now, actions: Vec::new() };
        match event {
            Event::Start => step.start(),
            Event::Spawned { pid } => step.spawned(pid),
            Event::SpawnFailed { error } => step.spawn_failed(error),
            Event::Exited(exit) => step.exited(exit),
            Event::Due => step.due(),
            Event::Stop => step.stop(),
            Event::Hold => step.machine.down = true,
            Event::Shutdown => step.shut_down(),
            Event::Kill => step.kill(),
            Event::Refused { error } => step.refused(&error),
        }
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
        matches!(self.state, State::Starting | State::Running | State::Backoff)
    }

    /// Whether a stop request has something to stop.
    pub const fn can_stop(&self) -> bool {
        self.is_up() || (matches!(self.state, State::Exited) && self.deadline.is_some())
    }

    /// Whether a signal request has somebody to signal.
    pub const fn can_signal(&self) -> bool {
        matches!(self.state, State::Starting | State::Running | State::Stopping)
    }

    /// Whether nothing more is to be waited for: the process can be removed.
    pub const fn is_down(&self) -> bool {
        matches!(self.state, State::Stopped | State::Exited | State::Fatal | State::Unknown)
            && !self.can_stop()
    }
}

/// One step in progress.
struct Step<'a> {
    machine: &'a mut Machine,
    now: Instant,
    actions: Vec<Action>,
}

impl Step<'_> {
    fn start(&mut self) {
        let machine = &mut *self.machine;
        match machine.state {
            _ if machine.down => {}
            State::Stopped | State::Exited | State::Fatal => {
                // What went wrong before somebody asked again does not count against it.
                machine.tries = 0;
                machine.rapid = 0;
                self.attempt();
            }
            State::Starting | State::Running | State::Stopping => {
                self.say(Level::Warn, format!("process '{}' already running", self.name()));
            }
            State::Backoff | State::Unknown => {}
        }
    }

    /// One attempt, whoever asked for it.
    fn attempt(&mut self) {
        let machine = &mut *self.machine;
        machine.spawn_error.clear();
        machine.exit_code = None;
        machine.started = Some(self.now);
        machine.deadline = None;
        self.enter(State::Starting);
        self.actions.push(Action::Spawn);
    }

    fn spawned(&mut self, pid: i32) {
        let machine = &mut *self.machine;
        debug_assert_eq!(machine.state, State::Starting, "only STARTING spawns");
        machine.pid = Some(pid);
        self.say(Level::Info, format!("spawned: '{}' with pid {pid}", self.name()));
        let machine = &mut *self.machine;
        if machine.rules.startsecs == 0 {
            self.up();
        } else {
            let startsecs = Duration::from_secs(machine.rules.startsecs);
            machine.deadline = self.now.checked_add(startsecs);
        }
    }

    fn spawn_failed(&mut self, error: String) {
        self.say(Level::Info, format!("spawnerr: {error}"));
        self.machine.spawn_error = error;
        self.back_off();
    }

    fn exited(&mut self, exit: Exit) {
        self.machine.pid = None;
        self.machine.deadline = None;
        match self.machine.state {
            State::Stopping => self.stopped(exit),
            State::Starting if self.uptime() < self.startsecs() => self.exited_too_quickly(exit),
            State::Starting => {
                // It was up for long enough, only nobody had looked yet.
                self.up();
                self.exited_by_itself(exit);
            }
            State::Running => self.exited_by_itself(exit),
            State::Unknown => {
                // The original dies here. We could not stop it; now it is gone, and stays so.
                self.report_exit(exit);
                self.machine.exit_code = Some(exit.code());
                self.enter_with(State::Exited, exit.is_among(&self.machine.rules.exitcodes));
            }
            State::Stopped | State::Backoff | State::Exited | State::Fatal => {
                debug_assert!(false, "no child in state {}", self.machine.state.name());
            }
        }
    }

    fn stopped(&mut self, exit: Exit) {
        let expected = exit.is_among(&self.machine.rules.exitcodes);
        let level = if expected { Level::Info } else { Level::Warn };
        self.say(level, format!("stopped: {} ({exit})", self.name()));
        self.machine.exit_code = Some(exit.code());
        self.machine.tries = 0;
        self.enter(State::Stopped);
    }

    fn exited_too_quickly(&mut self, exit: Exit) {
        self.say(Level::Warn, format!("exited: {} ({exit}; not expected)", self.name()));
        self.machine.exit_code = None;
        "Exited too quickly (process log may have details)".clone_into(&mut self.machine.spawn_error);
        self.back_off();
    }

    fn exited_by_itself(&mut self, exit: Exit) {
        let expected = exit.is_among(&self.machine.rules.exitcodes);
        self.report_exit(exit);
        self.machine.tries = 0;
        self.machine.exit_code = Some(exit.code());
        if !expected {
            self.machine.spawn_error = format!("Bad exit code {}", exit.code());
        }
        self.enter_with(State::Exited, expected);

        let again = match self.machine.rules.autorestart {
            Autorestart::Always => true,
            Autorestart::Unexpected => !expected,
            Autorestart::Never => false,
        };
        if !again || self.machine.down {
            return;
        }
        match self.brake(exit) {
            Some(delay) => self.machine.deadline = self.now.checked_add(delay),
            None => self.attempt(),
        }
    }

    /// How long to wait before the next automatic restart; `None`: not at all.
    fn brake(&mut self, exit: Exit) -> Option<Duration> {
        if exit.by_request() || self.uptime() >= Duration::from_secs(1) {
            self.machine.rapid = 0;
            return None;
        }
        self.machine.rapid = self.machine.rapid.saturating_add(1);
        let over = self.machine.rapid.saturating_sub(RESTARTS_AT_ONCE);
        (over > 0).then(|| (BRAKE_STEP * over).min(BRAKE_MOST))
    }

    fn report_exit(&mut self, exit: Exit) {
        let (level, word) = if exit.is_among(&self.machine.rules.exitcodes) {
            (Level::Info, "expected")
        } else {
            (Level::Warn, "not expected")
        };
        self.say(level, format!("exited: {} ({exit}; {word})", self.name()));
    }

    /// STARTING has lasted long enough.
    fn up(&mut self) {
        self.machine.deadline = None;
        self.machine.tries = 0;
        self.enter(State::Running);
        let startsecs = self.machine.rules.startsecs;
        self.say(
            Level::Info,
            format!(
                "success: {} entered RUNNING state, process has stayed up for > than {startsecs} \
                 seconds (startsecs)",
                self.name()
            ),
        );
    }

    /// An attempt has failed: the next one in a while, or never.
    fn back_off(&mut self) {
        let machine = &mut *self.machine;
        machine.tries = machine.tries.saturating_add(1);
        let (tries, allowed) = (machine.tries, machine.rules.startretries);
        machine.deadline = self.now.checked_add(Duration::from_secs(tries.into()));
        self.enter(State::Backoff);
        if self.machine.down {
            self.give_up();
        } else if tries > allowed {
            self.give_up();
            self.say(
                Level::Info,
                format!(
                    "gave up: {} entered FATAL state, too many start retries too quickly",
                    self.name()
                ),
            );
        }
    }

    fn give_up(&mut self) {
        self.machine.tries = 0;
        self.machine.deadline = None;
        self.enter(State::Fatal);
    }

    fn due(&mut self) {
        if self.machine.deadline.is_none_or(|deadline| self.now < deadline) {
            return;
        }
        match self.machine.state {
            State::Starting => self.up(),
            State::Backoff | State::Exited if self.machine.down => self.machine.deadline = None,
            State::Backoff | State::Exited => self.attempt(),
            State::Stopping => {
                let Some(pid) = self.machine.pid else { return };
                self.say(Level::Warn, format!("killing '{}' ({pid}) with SIGKILL", self.name()));
                self.kill_now(pid);
            }
            State::Stopped | State::Running | State::Fatal | State::Unknown => {}
        }
    }

    fn stop(&mut self) {
        match (self.machine.state, self.machine.pid) {
            (State::Starting | State::Running, Some(pid)) => {
                let (signal, group) =
                    (self.machine.rules.stopsignal, self.machine.rules.stopasgroup);
                let whom = if group { " process group" } else { "" };
                self.say(
                    Level::Debug,
                    format!(
                        "killing {} (pid {pid}){whom} with signal {}",
                        self.name(),
                        super::signal_name(signal)
                    ),
                );
                self.stopping(Duration::from_secs(self.machine.rules.stopwaitsecs));
                self.actions.push(Action::Signal { pid, signal, group });
            }
            (State::Backoff, _) => {
                self.say(
                    Level::Debug,
                    format!("Attempted to kill {}, which is in BACKOFF state.", self.name()),
                );
                self.give_rest();
            }
            // It waits for its next restart behind the brake.
            (State::Exited, _) if self.machine.deadline.is_some() => self.give_rest(),
            _ => {}
        }
    }

    /// Nothing runs: what was going to happen next will not.
    fn give_rest(&mut self) {
        self.machine.tries = 0;
        self.machine.deadline = None;
        self.enter(State::Stopped);
    }

    fn stopping(&mut self, patience: Duration) {
        self.machine.tries = 0;
        self.machine.deadline = self.now.checked_add(patience);
        self.enter(State::Stopping);
    }

    fn shut_down(&mut self) {
        self.machine.down = true;
        match self.machine.state {
            State::Backoff => self.give_up(),
            State::Exited => self.machine.deadline = None,
            _ => self.stop(),
        }
    }

    fn kill(&mut self) {
        self.machine.down = true;
        let Some(pid) = self.machine.pid else { return self.shut_down() };
        self.say(Level::Warn, format!("killing '{}' ({pid}) with SIGKILL", self.name()));
        if matches!(self.machine.state, State::Starting | State::Running) {
            self.stopping(Duration::ZERO);
        }
        self.kill_now(pid);
    }

    fn kill_now(&mut self, pid: i32) {
        if self.machine.state == State::Stopping {
            // Again after the same patience, but never in a tight loop.
            let patience = Duration::from_secs(self.machine.rules.stopwaitsecs.max(1));
            self.machine.deadline = self.now.checked_add(patience);
        }
        let group = self.machine.rules.killasgroup;
        self.actions.push(Action::Signal { pid, signal: libc::SIGKILL, group });
    }

    fn refused(&mut self, error: &str) {
        let Some(pid) = self.machine.pid else { return };
        self.say(Level::Critical, format!("unknown problem killing {} ({pid}): {error}", self.name()));
        self.machine.deadline = None;
        if self.machine.state != State::Unknown {
            self.enter(State::Unknown);
        }
    }

    fn enter(&mut self, to: State) {
        self.enter_with(to, true);
    }

    fn enter_with(&mut self, to: State, expected: bool) {
        let machine = &mut *self.machine;
        let from = std::mem::replace(&mut machine.state, to);
        let (pid, tries) = (machine.pid.unwrap_or(0), machine.tries);
        self.actions.push(Action::Changed(Change { from, to, pid, tries, expected }));
    }

    fn say(&mut self, level: Level, line: String) {
        self.actions.push(Action::Say(level, line));
    }

    fn name(&self) -> &str {
        &self.machine.rules.name
    }

    fn startsecs(&self) -> Duration {
        Duration::from_secs(self.machine.rules.startsecs)
    }

    fn uptime(&self) -> Duration {
        self.machine.started.map_or(Duration::ZERO, |started| self.now.saturating_duration_since(started))
    }
}

const RESTARTS_AT_ONCE: u32 = 5;
const BRAKE_STEP: Duration = Duration::from_millis(10);
const BRAKE_MOST: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests;
