//! What each event means in each state.

use std::time::{Duration, Instant};

use super::{Action, Change, Event, Machine};
use crate::config::{Autorestart, Level};
use crate::daemon::State;
use crate::process::{Exit, signal_name};

/// One step in progress.
pub(super) struct Step<'a> {
    machine: &'a mut Machine,
    now: Instant,
    /// The child that has just gone: the changes that follow are still about it.
    gone: Option<i32>,
    pub(super) actions: Vec<Action>,
}

impl<'a> Step<'a> {
    pub(super) fn new(machine: &'a mut Machine, now: Instant) -> Self {
        Self {
            machine,
            now,
            gone: None,
            actions: Vec::new(),
        }
    }

    pub(super) fn take(&mut self, event: Event) {
        match event {
            Event::Start => self.start(),
            Event::Spawned { pid } => self.spawned(pid),
            Event::SpawnFailed { error } => self.spawn_failed(error),
            Event::Exited(exit) => self.exited(exit),
            Event::Due => self.due(),
            Event::Stop => self.stop(),
            Event::Hold => self.machine.down = true,
            Event::Shutdown => self.shut_down(),
            Event::Kill => self.kill(),
            Event::Refused { error } => self.refused(&error),
        }
    }

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
                self.say(
                    Level::Warn,
                    format!("process '{}' already running", self.name()),
                );
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
        self.say(
            Level::Info,
            format!("spawned: '{}' with pid {pid}", self.name()),
        );
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
        self.gone = self.machine.pid.take();
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
        self.say(
            Level::Warn,
            format!("exited: {} ({exit}; not expected)", self.name()),
        );
        self.machine.exit_code = None;
        "Exited too quickly (process log may have details)"
            .clone_into(&mut self.machine.spawn_error);
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
        if self
            .machine
            .deadline
            .is_none_or(|deadline| self.now < deadline)
        {
            return;
        }
        match self.machine.state {
            State::Starting => self.up(),
            State::Backoff | State::Exited if self.machine.down => self.machine.deadline = None,
            State::Backoff | State::Exited => self.attempt(),
            State::Stopping => {
                let Some(pid) = self.machine.pid else { return };
                self.say(
                    Level::Warn,
                    format!("killing '{}' ({pid}) with SIGKILL", self.name()),
                );
                self.kill_now(pid);
            }
            State::Stopped | State::Running | State::Fatal | State::Unknown => {}
        }
    }

    fn stop(&mut self) {
        match (self.machine.state, self.machine.pid) {
            (State::Starting | State::Running, Some(pid)) => {
                let (signal, group) = (
                    self.machine.rules.stopsignal,
                    self.machine.rules.stopasgroup,
                );
                let whom = if group { " process group" } else { "" };
                self.say(
                    Level::Debug,
                    format!(
                        "killing {} (pid {pid}){whom} with signal {}",
                        self.name(),
                        signal_name(signal)
                    ),
                );
                self.stopping(Duration::from_secs(self.machine.rules.stopwaitsecs));
                self.actions.push(Action::Signal { pid, signal, group });
            }
            (State::Backoff, _) => {
                self.say(
                    Level::Debug,
                    format!(
                        "Attempted to kill {}, which is in BACKOFF state.",
                        self.name()
                    ),
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
        let Some(pid) = self.machine.pid else {
            return self.shut_down();
        };
        self.say(
            Level::Warn,
            format!("killing '{}' ({pid}) with SIGKILL", self.name()),
        );
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
        self.actions.push(Action::Signal {
            pid,
            signal: libc::SIGKILL,
            group,
        });
    }

    fn refused(&mut self, error: &str) {
        let Some(pid) = self.machine.pid else { return };
        self.say(
            Level::Critical,
            format!("unknown problem killing {} ({pid}): {error}", self.name()),
        );
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
        let pid = machine.pid.or(self.gone).unwrap_or(0);
        let tries = machine.tries;
        self.actions.push(Action::Changed(Change {
            from,
            to,
            pid,
            tries,
            expected,
        }));
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
        self.machine.started.map_or(Duration::ZERO, |started| {
            self.now.saturating_duration_since(started)
        })
    }
}

const RESTARTS_AT_ONCE: u32 = 5;
const BRAKE_STEP: Duration = Duration::from_millis(10);
const BRAKE_MOST: Duration = Duration::from_millis(100);
