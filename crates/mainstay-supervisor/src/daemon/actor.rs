//! The actor: one owner of all processes, groups and logs, fed by requests, signals and time.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use nix::errno::Errno;
use tokio::sync::mpsc;

use super::descent::Descent;
use super::launch::Launcher;
use super::signals::{Signal, Signals};
use super::unit::{Unit, UnitId};
use super::waiting::Want;
use super::{Request, State};
use crate::config::{self, Config, Level};
use crate::event::Bus;
use crate::log::MainLog;
use crate::process::{Action, Event, signal_name};
use crate::sys::{self, Reaped};

/// Reads the configuration again; the error is its message.
pub(super) type Loader = Box<dyn FnMut() -> Result<Config, String>>;

/// Everything that runs, and what it takes to change it.
pub(super) struct Actor {
    pub(super) launcher: Launcher,
    pub(super) log: MainLog,
    pub(super) bus: Bus,
    pub(super) loader: Loader,
    /// What `[supervisord]` and the servers were at the last start or reread.
    pub(super) config: Config,
    /// The active groups by ascending priority; of several with the same, the one that came first is
    /// the first. At a start they come by name.
    pub(super) groups: Vec<ActiveGroup>,
    /// Boxed: a map that grows at its end keeps half of its room free.
    pub(super) units: BTreeMap<UnitId, Box<Unit>>,
    pub(super) descent: Option<Descent>,
    pub(super) pids: HashMap<i32, UnitId>,
    pub(super) timers: BTreeSet<(Instant, UnitId)>,
    pub(super) next_id: u64,
}

/// A group that is active.
#[derive(Debug)]
pub(super) struct ActiveGroup {
    pub(super) config: config::Group,
    /// By ascending (priority, name).
    pub(super) units: Vec<UnitId>,
}

/// Why the actor came to its end. Nothing runs any more.
#[derive(Debug)]
pub(super) enum End {
    Exit,
    /// Start again with this, which has been validated.
    Restart(Box<Config>),
}

impl fmt::Debug for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Actor")
            .field("groups", &self.groups)
            .field("units", &self.units)
            .field("descent", &self.descent)
            .finish_non_exhaustive()
    }
}

impl Actor {
    /// With the groups of `config` active and nothing running yet.
    pub(super) fn new(config: Config, launcher: Launcher, loader: Loader) -> Self {
        let mut actor = Self {
            log: launcher.log.clone(),
            bus: launcher.bus.clone(),
            launcher,
            loader,
            config,
            groups: Vec::new(),
            units: BTreeMap::new(),
            descent: None,
            pids: HashMap::new(),
            timers: BTreeSet::new(),
            next_id: 0,
        };
        for group in actor.config.groups.clone() {
            actor.activate(group);
        }
        actor
    }

    /// Starts what is to be started, then serves until everything has been stopped again.
    ///
    /// Cancel safety: none. Children go on without anybody to look after them.
    pub(super) async fn run(
        &mut self,
        requests: &mut mpsc::Receiver<Request>,
        signals: &mut Signals,
    ) -> End {
        self.announce_running();
        let bus = self.bus.clone();
        let streams = self.launcher.streams.clone();
        let all: Vec<_> = self.units.keys().copied().collect();
        self.autostart(&all);
        // Children that exited before there was anybody to hear of it.
        self.reap();
        loop {
            if let Some(end) = self.descend() {
                return end;
            }
            let wake = self.wake();
            tokio::select! {
                biased;
                signal = signals.next() => self.signal(signal),
                request = requests.recv() => match request {
                    Some(request) => self.requests(request, requests),
                    // All handles are gone: nobody can ask for anything, signals remain.
                    None => self.signals_only(signals, wake).await,
                },
                // Perhaps the listeners were what the way down waits for.
                () = bus.calm(), if self.descent.is_some() => {}
                () = streams.moved(), if self.descent.as_ref().is_some_and(Descent::settles) => {}
                () = sleep_until(wake) => {}
            }
            self.due();
        }
    }

    /// Answers a request, and those that have arrived meanwhile: to look for signals and timers
    /// before each takes longer than many an answer.
    fn requests(&mut self, first: Request, others: &mut mpsc::Receiver<Request>) {
        self.request(first);
        for _ in 1..REQUESTS_AT_ONCE {
            if self.descent.is_some() {
                break;
            }
            match others.try_recv() {
                Ok(request) => self.request(request),
                Err(_) => break,
            }
        }
    }

    async fn signals_only(&mut self, signals: &mut Signals, wake: Option<Instant>) {
        tokio::select! {
            biased;
            signal = signals.next() => self.signal(signal),
            () = sleep_until(wake) => {}
        }
    }

    fn signal(&mut self, signal: Signal) {
        match signal {
            Signal::Child => {
                self.log.debug("received SIGCHLD indicating a child quit");
                self.reap();
            }
            Signal::Exit(name) => {
                self.log
                    .warn(format_args!("received {name} indicating exit request"));
                self.exit_requested(name);
            }
            Signal::Restart if self.descent.is_some() => self
                .log
                .warn("ignored SIGHUP indicating restart request (shutdown in progress)"),
            Signal::Restart => {
                self.log.warn("received SIGHUP indicating restart request");
                // A file that cannot be read has been logged; everything goes on as it was.
                let _ = self.begin_restart();
            }
            Signal::Nothing(name) => self.log.warn(format_args!(
                "ignored {name}, which means nothing to the daemon; `signal` sends it to a program"
            )),
            Signal::Reopen => {
                self.log
                    .info("received SIGUSR2 indicating log reopen request");
                if let Err(error) = self.log.reopen() {
                    self.log
                        .error(format_args!("could not reopen the main log: {error}"));
                }
                self.log.info("supervisord logreopen");
                self.launcher.logs.reopen();
            }
        }
    }

    /// The processes that a question is true of, by ascending group, then process priority.
    pub(super) fn in_order(&self, mut wanted: impl FnMut(UnitId, &Unit) -> bool) -> Vec<UnitId> {
        let all = self.groups.iter().flat_map(|group| &group.units);
        all.copied()
            .filter(|id| self.units.get(id).is_some_and(|unit| wanted(*id, unit)))
            .collect()
    }

    /// Gives an event to a process's machine and does what it says. Returns why the system refused a
    /// signal, if it did.
    pub(super) fn apply(&mut self, id: UnitId, event: Event) -> Option<Errno> {
        let mut refusal = None;
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let Some(unit) = self.units.get_mut(&id) else {
                break;
            };
            for action in unit.machine.step(event, now()) {
                match action {
                    Action::Say(level, line) => self.log.log(level, line),
                    Action::Changed(change) => {
                        if change.to == State::Starting {
                            unit.start = wall_clock();
                        }
                        unit.announce(&self.bus, &change);
                        unit.tell(&change);
                    }
                    Action::Spawn => events.push_back(match self.launcher.launch(unit) {
                        Ok(pid) => {
                            self.pids.insert(pid, id);
                            Event::Spawned { pid }
                        }
                        Err(error) => Event::SpawnFailed { error },
                    }),
                    Action::Signal { pid, signal, group } => {
                        if let Err(errno) = send(&self.log, &unit.config.name, pid, signal, group) {
                            refusal = Some(errno);
                            events.push_back(Event::Refused {
                                error: format!("{errno:?}"),
                            });
                        }
                    }
                }
            }
        }
        if let Some(unit) = self.units.get_mut(&id) {
            unit.release_socket();
        }
        self.schedule(id);
        refusal
    }

    /// Sends a signal that somebody asked for, to the process alone.
    pub(super) fn forward(&mut self, id: UnitId, signal: i32) -> Result<(), Errno> {
        let Some(unit) = self.units.get(&id) else {
            return Ok(());
        };
        let Some(pid) = unit.machine.pid() else {
            return Ok(());
        };
        let name = &unit.config.name;
        self.log.debug(format_args!(
            "sending {name} (pid {pid}) sig {}",
            signal_name(signal)
        ));
        let result = send(&self.log, name, pid, signal, false);
        if let Err(errno) = result {
            self.apply(
                id,
                Event::Refused {
                    error: format!("{errno:?}"),
                },
            );
        }
        result
    }

    /// Puts a process where it belongs among the timers.
    pub(super) fn schedule(&mut self, id: UnitId) {
        let Some(unit) = self.units.get_mut(&id) else {
            return;
        };
        let wake = unit.wake();
        if unit.scheduled == wake {
            return;
        }
        if let Some(old) = unit.scheduled.take() {
            self.timers.remove(&(old, id));
        }
        if let Some(new) = wake {
            self.timers.insert((new, id));
        }
        unit.scheduled = wake;
    }

    /// When there is something to do without being asked.
    fn wake(&self) -> Option<Instant> {
        let timer = self.timers.first().map(|(when, _)| *when);
        let descent = self.descent.as_ref().map(Descent::wake);
        [timer, descent].into_iter().flatten().min()
    }

    /// Does what time has come for.
    fn due(&mut self) {
        let now = now();
        if self.timers.first().is_some_and(|(when, _)| *when <= now) {
            // What is dead already is not declared up because its signal is still on its way.
            self.reap();
        }
        while let Some(&(when, id)) = self.timers.first() {
            if when > now {
                break;
            }
            self.timers.pop_first();
            let Some(unit) = self.units.get_mut(&id) else {
                continue;
            };
            unit.scheduled = None;
            if unit.report.is_some_and(|report| report <= now) {
                self.log
                    .info(format_args!("waiting for {} to stop", unit.config.name));
                unit.report = now.checked_add(super::REPORT_STOP);
            }
            self.apply(id, Event::Due);
        }
    }

    /// Collects every child that has exited.
    fn reap(&mut self) {
        while let Some(Reaped { pid, exit }) = sys::reap() {
            let Some(id) = self.pids.remove(&pid) else {
                // As PID 1 we are there to collect what others left behind: no news.
                let level = if std::process::id() == 1 {
                    Level::Debug
                } else {
                    Level::Info
                };
                self.log
                    .log(level, format_args!("reaped unknown pid {pid} ({exit})"));
                continue;
            };
            if let Some(unit) = self.units.get_mut(&id) {
                // Its last words are in the log before anybody learns that it is gone.
                unit.outputs.iter().for_each(|output| output.drain());
                unit.outputs.clear();
                unit.input = None;
                unit.stop = wall_clock();
            }
            self.apply(id, Event::Exited(exit));
        }
    }

    /// Lets somebody wait for a process, who may not have to.
    pub(super) fn wait(&mut self, id: UnitId, waiter: super::waiting::Waiter) {
        let Some(unit) = self.units.get_mut(&id) else {
            return;
        };
        match waiter.want.verdict(unit.machine.state(), &waiter.name) {
            Some(result) => waiter.answer.give(result),
            None => {
                if waiter.want == Want::Down && unit.report.is_none() {
                    unit.report = now().checked_add(super::REPORT_STOP);
                }
                unit.waiters.push(waiter);
            }
        }
        self.schedule(id);
    }
}

/// After so many answers, whoever else has something to do is looked at.
const REQUESTS_AT_ONCE: usize = 32;

/// Sends a signal. That its receiver is gone is no error: the reaper will notice.
fn send(log: &MainLog, name: &str, pid: i32, signal: i32, group: bool) -> Result<(), Errno> {
    let result = if group {
        sys::kill_group(pid, signal)
    } else {
        sys::kill(pid, signal)
    };
    match result {
        Err(Errno::ESRCH) => {
            log.debug(format_args!(
                "unable to signal {name} (pid {pid}), it probably just exited"
            ));
            Ok(())
        }
        result => result,
    }
}

/// The time by which everything is measured; tokio's, so that tests can stop it.
pub(super) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Seconds since the epoch, for display only.
pub(super) fn wall_clock() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// For ever, if there is nothing to wake up for.
async fn sleep_until(when: Option<Instant>) {
    match when {
        Some(when) => tokio::time::sleep_until(when.into()).await,
        None => std::future::pending().await,
    }
}
