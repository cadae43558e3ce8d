//! The way down: groups are stopped one after another, then the daemon exits or starts again.

mod settle;

use std::time::{Duration, Instant};

use settle::Settle;

use super::actor::{Actor, End, now};
use super::restart::rehearse;
use super::unit::UnitId;
use crate::config::Config;
use crate::process::Event;
use crate::rpc::{Code, Fault};

/// A shutdown or restart in progress.
#[derive(Debug)]
pub(super) struct Descent {
    /// What to start with afterwards.
    restart: Option<Box<Config>>,
    /// Whether a signal has asked for the end: the next one does not wait any longer. What the API
    /// has asked for does not count, since whoever asks it does not stand at a terminal: systemd
    /// sends its signal after an `ExecStop=` that has returned.
    asked: bool,
    /// The group that is being stopped.
    told: Option<String>,
    /// When to say next who is waited for.
    report: Instant,
    /// How long the listeners have to take and answer what has happened.
    hearing: Option<Instant>,
    /// When to leave whatever is still there, after everything was killed.
    forced: Option<Instant>,
    /// What the last programs have written and is not in the logs yet.
    settle: Option<Settle>,
}

impl Descent {
    fn new(restart: Option<Box<Config>>) -> Self {
        Self {
            restart,
            asked: false,
            told: None,
            report: now() + REPORT,
            hearing: None,
            forced: None,
            settle: None,
        }
    }

    pub(super) fn wake(&self) -> Instant {
        let hearing = self.hearing.filter(|hearing| *hearing > now());
        let all = [Some(self.report), self.forced, hearing, self.settled_by()];
        all.into_iter().flatten().fold(self.report, Instant::min)
    }
}

impl Actor {
    /// Begins a shutdown; a restart in progress becomes one.
    pub(super) fn begin_shutdown(&mut self) {
        match &mut self.descent {
            Some(descent) => descent.restart = None,
            None => self.begin(Descent::new(None)),
        }
    }

    /// Begins a restart, if the configuration can be read and carried out.
    pub(super) fn begin_restart(&mut self) -> Result<(), Fault> {
        let read = (self.loader)();
        match read.and_then(|new| rehearse(&self.config, &new).map(|()| new)) {
            Ok(config) => {
                self.begin(Descent::new(Some(Box::new(config))));
                Ok(())
            }
            Err(message) => {
                self.log.critical(format_args!(
                    "not restarting, everything goes on as it was: {message}"
                ));
                Err(Fault::with(Code::CantReread, message))
            }
        }
    }

    /// A signal wants us to exit: in order at first, at once when it comes again.
    pub(super) fn exit_requested(&mut self, name: &str) {
        self.begin_shutdown();
        let Some(descent) = &mut self.descent else {
            return;
        };
        if !std::mem::replace(&mut descent.asked, true) {
            return;
        }
        descent.forced.get_or_insert(now() + PATIENCE);
        self.log.warn(format_args!(
            "received {name} during shutdown, killing what is left"
        ));
        for id in self.in_order(|_, _| true) {
            self.apply(id, Event::Kill);
        }
    }

    fn begin(&mut self, descent: Descent) {
        self.descent = Some(descent);
        self.announce_stopping();
        for id in self.in_order(|_, _| true) {
            self.apply(id, Event::Hold);
        }
    }

    /// Goes on as far as it gets without waiting; `Some` at the bottom.
    pub(super) fn descend(&mut self) -> Option<End> {
        self.descent.as_ref()?;
        while let Some(group) = self.last_standing() {
            let descent = self.descent.as_mut()?;
            let hearing = descent.forced.is_none()
                && self.bus.is_busy(&group)
                && now() < *descent.hearing.get_or_insert_with(|| now() + HEARING);
            if !hearing && descent.told.as_ref() != Some(&group) {
                descent.told = Some(group.clone());
                self.stop_group(&group);
                // Perhaps it had nothing but back-offs.
                continue;
            }
            let now = now();
            if descent.forced.is_some_and(|forced| forced <= now) {
                break;
            }
            if descent.report <= now {
                descent.report = now + REPORT;
                let names = self.names_of_standing();
                self.log.info(format_args!("waiting for {names} to die"));
            }
            return None;
        }
        if !self.settled() {
            return None;
        }
        let descent = self.descent.take()?;
        Some(descent.restart.map_or(End::Exit, End::Restart))
    }

    /// The last group that has something left to stop.
    fn last_standing(&self) -> Option<String> {
        let mut groups = self.groups.iter().rev();
        let standing = groups.find(|group| group.units.iter().any(|id| self.stands(*id)));
        standing.map(|group| group.config.name.clone())
    }

    fn stands(&self, id: UnitId) -> bool {
        self.units
            .get(&id)
            .is_some_and(|unit| unit.holds_up_shutdown())
    }

    fn stop_group(&mut self, name: &str) {
        for id in self
            .in_order(|_, unit| unit.config.group == name)
            .into_iter()
            .rev()
        {
            self.apply(id, Event::Shutdown);
        }
    }

    fn names_of_standing(&self) -> String {
        let standing = self.in_order(|id, _| self.stands(id));
        let names = standing.iter().filter_map(|id| self.units.get(id));
        names
            .map(|unit| unit.config.name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    }
}

const REPORT: Duration = Duration::from_secs(3);
/// The original leaves listeners a turn of its loop, which takes a second at most, between the end of
/// the last program and their own.
const HEARING: Duration = Duration::from_secs(1);
/// How long even SIGKILL may take: a process in an uninterruptible wait outlives it.
const PATIENCE: Duration = Duration::from_secs(2);
