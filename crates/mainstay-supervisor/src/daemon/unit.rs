//! One process as the actor keeps it: its machine, and what hangs on the child of the moment.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::waiting::{Waiter, Want};
use super::{Channel, ProcessInfo, State};
use crate::config::{self, LogFile};
use crate::event::Seat;
use crate::process::{Change, Input, Machine, Output, Share};

/// Names a process for as long as its group is active. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct UnitId(pub(super) u64);

/// One process.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) config: Arc<config::Process>,
    pub(super) machine: Machine,
    /// Its logs; for AUTO the files that were made for it.
    pub(super) stdout_log: Option<PathBuf>,
    pub(super) stderr_log: Option<PathBuf>,
    /// Of the child of the moment.
    pub(super) input: Option<Rc<Input>>,
    pub(super) outputs: Vec<Output>,
    /// Its place in the pool, if it is a listener.
    pub(super) seat: Option<Seat>,
    /// Its share of a socket, from the first start until it is down.
    pub(super) socket: Option<Share>,
    pub(super) waiters: Vec<Waiter>,
    /// When those who wait for its end are told next that it takes time.
    pub(super) report: Option<Instant>,
    /// Where it stands among the timers.
    pub(super) scheduled: Option<Instant>,
    /// Seconds since the epoch, 0 for never.
    pub(super) start: i64,
    pub(super) stop: i64,
}

impl Unit {
    pub(super) fn new(config: Arc<config::Process>) -> Self {
        let path = |log: &LogFile| match log {
            LogFile::File(path) => Some(path.clone()),
            LogFile::None | LogFile::Auto => None,
        };
        let stdout_log = path(&config.stdout.logfile);
        let stderr_log = if config.redirect_stderr {
            None
        } else {
            path(&config.stderr.logfile)
        };
        Self {
            machine: Machine::new(Arc::clone(&config)),
            config,
            stdout_log,
            stderr_log,
            input: None,
            outputs: Vec::new(),
            seat: None,
            socket: None,
            waiters: Vec::new(),
            report: None,
            scheduled: None,
            start: 0,
            stop: 0,
        }
    }

    /// Whether a stream is kept in a file that is yet to be made.
    pub(super) fn lacks_auto_log(&self, channel: Channel) -> bool {
        let (log, stream) = match channel {
            Channel::Stderr if self.config.redirect_stderr => return false,
            Channel::Stdout => (&self.stdout_log, &self.config.stdout),
            Channel::Stderr => (&self.stderr_log, &self.config.stderr),
        };
        log.is_none() && stream.logfile == LogFile::Auto
    }

    pub(super) fn log(&self, channel: Channel) -> Option<&Path> {
        match channel {
            Channel::Stdout => self.stdout_log.as_deref(),
            Channel::Stderr => self.stderr_log.as_deref(),
        }
    }

    /// When it wants to be looked at next.
    pub(super) fn wake(&self) -> Option<Instant> {
        [self.machine.deadline(), self.report]
            .into_iter()
            .flatten()
            .min()
    }

    /// Tells those who wait what a change of state means to them.
    pub(super) fn tell(&mut self, change: &Change) {
        let mut kept = Vec::new();
        for waiter in self.waiters.drain(..) {
            match waiter.want.verdict(change.to, &waiter.name) {
                Some(result) => waiter.answer.give(result),
                None => kept.push(waiter),
            }
        }
        self.waiters = kept;
        if !self.waiters.iter().any(|waiter| waiter.want == Want::Down) {
            self.report = None;
        }
    }

    /// What clients are told.
    pub(super) fn info(&self, wall: i64, now: Instant) -> ProcessInfo<'_> {
        let machine = &self.machine;
        let uptime = match (machine.pid(), machine.started()) {
            (Some(_), Some(started)) => now.saturating_duration_since(started),
            _ => Duration::ZERO,
        };
        ProcessInfo {
            name: Cow::Borrowed(&self.config.name),
            group: Cow::Borrowed(&self.config.group),
            // After the clock was set back these would be in the future, and what clients make of them
            // negative.
            start: self.start.min(wall),
            stop: self.stop.min(wall),
            now: wall,
            state: machine.state(),
            spawnerr: Cow::Borrowed(machine.spawn_error()),
            exitstatus: machine.exit_code().unwrap_or(0),
            stdout_logfile: self.stdout_log.as_deref().map(Cow::Borrowed),
            stderr_logfile: self.stderr_log.as_deref().map(Cow::Borrowed),
            pid: machine.pid().unwrap_or(0),
            uptime,
        }
    }

    /// Whether its group's end waits for it.
    pub(super) fn holds_up_shutdown(&self) -> bool {
        matches!(
            self.machine.state(),
            State::Starting | State::Running | State::Backoff | State::Stopping
        )
    }
}
