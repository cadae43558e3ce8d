use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::config::Autorestart;
use crate::process::tests::rules;

/// A machine, a clock, and what it has said and done, in short words.
struct Trace {
    machine: Machine,
    start: Instant,
    now: Instant,
    pid: i32,
    /// Whether spawning works.
    spawns: bool,
    lines: Vec<String>,
    logged: Vec<String>,
}

impl Trace {
    fn of(change: impl FnOnce(&mut config::Process)) -> Self {
        let start = Instant::now();
        let machine = Machine::new(rules(change));
        Self {
            machine,
            start,
            now: start,
            pid: 100,
            spawns: true,
            lines: Vec::new(),
            logged: Vec::new(),
        }
    }

    fn give(&mut self, event: Event) -> &mut Self {
        let mut next = vec![event];
        while let Some(event) = next.pop() {
            for action in self.machine.step(event, self.now) {
                match action {
                    Action::Spawn if self.spawns => {
                        self.pid += 1;
                        next.push(Event::Spawned { pid: self.pid });
                    }
                    Action::Spawn => next.push(Event::SpawnFailed {
                        error: "no".to_owned(),
                    }),
                    Action::Signal { pid, signal, group } => {
                        let group = if group { " group" } else { "" };
                        self.lines.push(format!(
                            "{} to {pid}{group}",
                            crate::process::signal_name(signal)
                        ));
                    }
                    Action::Changed(change) => {
                        let second = (self.now - self.start).as_secs_f32().round();
                        self.lines.push(format!("{} at {second}", change.to.name()));
                    }
                    Action::Say(level, line) => self.logged.push(format!("{level:?} {line}")),
                }
            }
        }
        self
    }

    fn exit(&mut self, status: i32) -> &mut Self {
        self.give(Event::Exited(Exit::Status(status)))
    }

    /// Lets time pass, and every deadline on the way.
    fn pass(&mut self, seconds: u64) -> &mut Self {
        let until = self.now + Duration::from_secs(seconds);
        while let Some(deadline) = self
            .machine
            .deadline()
            .filter(|deadline| *deadline <= until)
        {
            self.now = deadline.max(self.now);
            self.give(Event::Due);
        }
        self.now = until;
        self
    }

    #[track_caller]
    fn did(&mut self, expected: &[&str]) -> &mut Self {
        assert_eq!(std::mem::take(&mut self.lines), expected);
        self
    }

    #[track_caller]
    fn said(&mut self, expected: &[&str]) -> &mut Self {
        assert_eq!(std::mem::take(&mut self.logged), expected);
        self
    }
}

#[test]
fn a_start_that_lasts_is_running() {
    Trace::of(|_| {})
        .give(Event::Start)
        .did(&["STARTING at 0"])
        .said(&["Info spawned: 'cat' with pid 101"])
        .pass(1)
        .did(&["RUNNING at 1"])
        .said(&["Info success: cat entered RUNNING state, process has stayed up for > than 1 seconds (startsecs)"]);
}

#[test]
fn without_startsecs_it_is_running_at_once() {
    Trace::of(|p| p.startsecs = 0)
        .give(Event::Start)
        .did(&["STARTING at 0", "RUNNING at 0"]);
}

#[test]
fn quick_exits_are_retried_with_growing_delays_whatever_the_status() {
    let mut trace = Trace::of(|p| p.startretries = 3);
    trace
        .give(Event::Start)
        .exit(0)
        .did(&["STARTING at 0", "BACKOFF at 0"])
        .said(&[
            "Info spawned: 'cat' with pid 101",
            "Warn exited: cat (exit status 0; not expected)",
        ]);
    assert_eq!(
        trace.machine.spawn_error(),
        "Exited too quickly (process log may have details)"
    );
    assert_eq!(trace.machine.exit_code(), None);
    trace
        .pass(1)
        .exit(0)
        .did(&["STARTING at 1", "BACKOFF at 1"]);
    trace
        .pass(2)
        .exit(0)
        .did(&["STARTING at 3", "BACKOFF at 3"]);
    trace.logged.clear();
    trace
        .pass(3)
        .exit(0)
        .did(&["STARTING at 6", "BACKOFF at 6", "FATAL at 6"])
        .said(&[
            "Info spawned: 'cat' with pid 104",
            "Warn exited: cat (exit status 0; not expected)",
            "Info gave up: cat entered FATAL state, too many start retries too quickly",
        ]);
    trace.pass(100).did(&[]);
}

#[test]
fn without_retries_there_is_one_attempt() {
    Trace::of(|p| p.startretries = 0)
        .give(Event::Start)
        .exit(1)
        .did(&["STARTING at 0", "BACKOFF at 0", "FATAL at 0"]);
}

#[test]
fn a_spawn_that_fails_backs_off_the_same_way() {
    let mut trace = Trace::of(|p| p.startretries = 1);
    trace.spawns = false;
    trace
        .give(Event::Start)
        .did(&["STARTING at 0", "BACKOFF at 0"])
        .said(&["Info spawnerr: no"]);
    assert_eq!(trace.machine.spawn_error(), "no");
    trace
        .pass(9)
        .did(&["STARTING at 1", "BACKOFF at 1", "FATAL at 1"]);
    assert_eq!(trace.machine.spawn_error(), "no");
}

#[test]
fn what_an_exit_while_running_leads_to() {
    let status = |status| Exit::Status(status);
    let killed = Exit::Signal {
        signal: 11,
        core: true,
    };
    for (restart, exit, line, again) in [
        (
            Autorestart::Unexpected,
            status(0),
            "Info exited: cat (exit status 0; expected)",
            false,
        ),
        (
            Autorestart::Unexpected,
            status(1),
            "Warn exited: cat (exit status 1; not expected)",
            true,
        ),
        (
            Autorestart::Unexpected,
            killed,
            "Warn exited: cat (terminated by SIGSEGV (core dumped); not expected)",
            true,
        ),
        (
            Autorestart::Always,
            status(0),
            "Info exited: cat (exit status 0; expected)",
            true,
        ),
        (
            Autorestart::Never,
            status(1),
            "Warn exited: cat (exit status 1; not expected)",
            false,
        ),
    ] {
        let mut trace = Trace::of(|p| p.autorestart = restart);
        trace.give(Event::Start).pass(5).lines.clear();
        trace.logged.clear();
        trace.give(Event::Exited(exit));
        assert_eq!(trace.logged[0], line);
        if again {
            trace.did(&["EXITED at 5", "STARTING at 5"]);
        } else {
            trace.did(&["EXITED at 5"]);
            assert_eq!(trace.machine.exit_code(), Some(exit.code()));
        }
    }
}

#[test]
fn an_unexpected_status_is_told() {
    let mut trace = Trace::of(|p| p.autorestart = Autorestart::Never);
    trace.give(Event::Start).pass(5).exit(3);
    assert_eq!(trace.machine.spawn_error(), "Bad exit code 3");
}

#[test]
fn an_exit_after_startsecs_that_nobody_had_looked_at_yet_counts_as_up() {
    let mut trace = Trace::of(|p| p.autorestart = Autorestart::Never);
    trace.give(Event::Start);
    trace.now += Duration::from_secs(2);
    trace
        .exit(0)
        .did(&["STARTING at 0", "RUNNING at 2", "EXITED at 2"]);
}

#[test]
fn running_forgets_earlier_failures() {
    let mut trace = Trace::of(|p| p.startretries = 1);
    trace.give(Event::Start).exit(1).pass(5).did(&[
        "STARTING at 0",
        "BACKOFF at 0",
        "STARTING at 1",
        "RUNNING at 2",
    ]);
    trace
        .exit(1)
        .exit(1)
        .did(&["EXITED at 5", "STARTING at 5", "BACKOFF at 5"]);
}

#[test]
fn a_stop_is_asked_for_first_and_then_enforced_again_and_again() {
    let mut trace = Trace::of(|p| p.stopwaitsecs = 2);
    trace.give(Event::Start).pass(3).lines.clear();
    trace.logged.clear();
    trace
        .give(Event::Stop)
        .did(&["STOPPING at 3", "SIGTERM to 101"])
        .said(&["Debug killing cat (pid 101) with signal SIGTERM"])
        .pass(5)
        .did(&["SIGKILL to 101", "SIGKILL to 101"]);
    assert_eq!(trace.logged[0], "Warn killing 'cat' (101) with SIGKILL");
    trace.logged.clear();
    trace
        .give(Event::Exited(Exit::Signal {
            signal: 9,
            core: false,
        }))
        .did(&["STOPPED at 8"])
        .said(&["Warn stopped: cat (terminated by SIGKILL)"])
        .pass(60)
        .did(&[]);
    assert_eq!(trace.machine.exit_code(), Some(-1));
}

#[test]
fn a_clean_stop_is_no_warning() {
    let mut trace = Trace::of(|p| p.autorestart = Autorestart::Always);
    trace
        .give(Event::Start)
        .pass(3)
        .give(Event::Stop)
        .lines
        .clear();
    trace.logged.clear();
    trace
        .exit(0)
        .did(&["STOPPED at 3"])
        .said(&["Info stopped: cat (exit status 0)"]);
}

#[test]
fn groups_are_signalled_where_that_is_wanted() {
    let mut trace = Trace::of(|p| (p.stopasgroup, p.killasgroup, p.stopwaitsecs) = (true, true, 1));
    trace.give(Event::Start).pass(2).lines.clear();
    trace.logged.clear();
    trace.give(Event::Stop).pass(1).did(&[
        "STOPPING at 2",
        "SIGTERM to 101 group",
        "SIGKILL to 101 group",
    ]);
    assert_eq!(
        trace.logged[0],
        "Debug killing cat (pid 101) process group with signal SIGTERM"
    );
}

#[test]
fn without_patience_the_kill_follows_at_once_but_not_in_a_loop() {
    let mut trace = Trace::of(|p| p.stopwaitsecs = 0);
    trace.give(Event::Start).pass(2).lines.clear();
    trace.give(Event::Stop).pass(2).did(&[
        "STOPPING at 2",
        "SIGTERM to 101",
        "SIGKILL to 101",
        "SIGKILL to 101",
        "SIGKILL to 101",
    ]);
}

#[test]
fn a_stop_in_back_off_takes_effect_at_once_and_starts_the_count_anew() {
    let mut trace = Trace::of(|p| p.startretries = 1);
    trace
        .give(Event::Start)
        .exit(1)
        .give(Event::Stop)
        .pass(60)
        .did(&["STARTING at 0", "BACKOFF at 0", "STOPPED at 0"]);
    assert!(
        trace
            .logged
            .contains(&"Debug Attempted to kill cat, which is in BACKOFF state.".to_owned())
    );
    trace
        .give(Event::Start)
        .exit(1)
        .did(&["STARTING at 60", "BACKOFF at 60"]);
}

#[test]
fn an_exit_is_told_with_the_pid_that_is_gone() {
    use State::{Exited, Running, Starting, Stopped, Stopping};
    for (last, expected) in [
        (
            Event::Stop,
            vec![(Starting, 0), (Running, 7), (Stopping, 7), (Stopped, 7)],
        ),
        (Event::Due, vec![(Starting, 0), (Running, 7), (Exited, 7)]),
    ] {
        let mut machine = Machine::new(rules(|rules| rules.startsecs = 0));
        let now = Instant::now();
        let exit = Event::Exited(Exit::Status(0));
        let mut told = Vec::new();
        for event in [Event::Start, Event::Spawned { pid: 7 }, last, exit] {
            for action in machine.step(event, now) {
                if let Action::Changed(change) = action {
                    told.push((change.to, change.pid));
                }
            }
        }
        assert_eq!(told, expected);
    }
}

#[test]
fn a_start_of_what_runs_is_only_remarked() {
    let mut trace = Trace::of(|_| {});
    trace.give(Event::Start).logged.clear();
    trace
        .give(Event::Start)
        .said(&["Warn process 'cat' already running"]);
}

#[test]
fn a_refused_signal_leads_to_unknown_and_the_exit_out_of_it() {
    let mut trace = Trace::of(|p| p.autorestart = Autorestart::Always);
    trace
        .give(Event::Start)
        .pass(2)
        .give(Event::Stop)
        .lines
        .clear();
    trace
        .give(Event::Refused {
            error: "EPERM".to_owned(),
        })
        .did(&["UNKNOWN at 2"]);
    trace.give(Event::Start).give(Event::Stop).pass(60).did(&[]);
    trace
        .exit(0)
        .did(&["EXITED at 62"])
        .give(Event::Start)
        .did(&["STARTING at 62"]);
}

#[test]
fn at_shutdown_nothing_starts_any_more() {
    let mut backoff = Trace::of(|_| {});
    backoff
        .give(Event::Start)
        .exit(1)
        .give(Event::Hold)
        .pass(60)
        .lines
        .clear();
    backoff.give(Event::Shutdown).pass(60).did(&["FATAL at 60"]);

    let mut running = Trace::of(|p| p.autorestart = Autorestart::Always);
    running
        .give(Event::Start)
        .pass(2)
        .give(Event::Hold)
        .exit(0)
        .pass(60)
        .did(&["STARTING at 0", "RUNNING at 1", "EXITED at 2"]);
    running.give(Event::Start).did(&[]);

    let mut starting = Trace::of(|_| {});
    starting.give(Event::Start).give(Event::Shutdown).did(&[
        "STARTING at 0",
        "STOPPING at 0",
        "SIGTERM to 101",
    ]);
}

#[test]
fn a_second_request_to_exit_kills() {
    let mut trace = Trace::of(|_| {});
    trace
        .give(Event::Start)
        .pass(2)
        .give(Event::Shutdown)
        .lines
        .clear();
    trace.give(Event::Kill).did(&["SIGKILL to 101"]);
    let mut untold = Trace::of(|_| {});
    untold.give(Event::Start).pass(2).lines.clear();
    untold
        .give(Event::Kill)
        .did(&["STOPPING at 2", "SIGKILL to 101"]);
}

#[test]
fn a_program_that_keeps_exiting_is_slowed_down_a_little() {
    let mut trace = Trace::of(|p| (p.startsecs, p.autorestart) = (0, Autorestart::Always));
    trace.give(Event::Start);
    for _ in 0..5 {
        trace.exit(0);
        assert_eq!(trace.machine.state(), State::Running, "at once");
    }
    trace.exit(0);
    assert_eq!(trace.machine.state(), State::Exited);
    assert!(trace.machine.can_stop());
    trace.pass(60);
    let spawns = trace.pid - 100;
    for _ in 0..20 {
        trace.exit(0);
        let wait = trace
            .machine
            .deadline()
            .map(|deadline| deadline - trace.now);
        assert!(wait.is_none_or(|wait| wait <= Duration::from_millis(100)));
        trace.now += Duration::from_millis(100);
        trace.give(Event::Due);
    }
    assert_eq!(trace.pid - 100, spawns + 20);
    trace.exit(0).give(Event::Stop);
    assert_eq!(trace.machine.state(), State::Stopped);
}

#[test]
fn a_program_that_is_killed_again_and_again_is_not_slowed_down() {
    let mut trace = Trace::of(|p| (p.startsecs, p.autorestart) = (0, Autorestart::Always));
    trace.give(Event::Start);
    for _ in 0..100 {
        trace.give(Event::Exited(Exit::Signal {
            signal: 9,
            core: false,
        }));
        assert_eq!(trace.machine.state(), State::Running);
    }
}

/// What can happen to a process from outside.
#[derive(Clone, Debug)]
enum Happening {
    Event(Event),
    Exit(Exit),
    Pass(u64),
    SpawnsFail(bool),
    KillsFail(bool),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => Just(Happening::Event(Event::Start)),
        3 => Just(Happening::Event(Event::Stop)),
        1 => Just(Happening::Event(Event::Hold)),
        1 => Just(Happening::Event(Event::Shutdown)),
        1 => Just(Happening::Event(Event::Kill)),
        2 => Just(Happening::Event(Event::Due)),
        4 => (0..3).prop_map(|status| Happening::Exit(Exit::Status(status))),
        1 => Just(Happening::Exit(Exit::Signal { signal: 9, core: false })),
        6 => (0_u64..5000).prop_map(Happening::Pass),
        1 => any::<bool>().prop_map(Happening::SpawnsFail),
        1 => any::<bool>().prop_map(Happening::KillsFail),
    ]
}

/// A system that the machine's actions act upon.
#[derive(Default)]
struct World {
    alive: Option<i32>,
    last_pid: i32,
    spawns_fail: bool,
    kills_fail: bool,
    killed: bool,
    changes: Vec<Change>,
}

impl World {
    fn give(&mut self, machine: &mut Machine, event: Event, now: Instant) {
        let mut events = std::collections::VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for action in machine.step(event, now) {
                match action {
                    Action::Spawn if self.spawns_fail => {
                        events.push_back(Event::SpawnFailed {
                            error: "no".to_owned(),
                        });
                    }
                    Action::Spawn => {
                        assert_eq!(self.alive, None, "a second child beside the first");
                        self.last_pid += 1;
                        self.alive = Some(self.last_pid);
                        events.push_back(Event::Spawned { pid: self.last_pid });
                    }
                    Action::Signal { pid, signal, .. } => {
                        assert_eq!(self.alive, Some(pid), "a signal to somebody else");
                        if self.kills_fail {
                            events.push_back(Event::Refused {
                                error: "EPERM".to_owned(),
                            });
                        } else {
                            self.killed |= signal == libc::SIGKILL;
                        }
                    }
                    Action::Changed(change) => self.changes.push(change),
                    Action::Say(..) => {}
                }
            }
        }
        let has_child = matches!(
            machine.state(),
            State::Starting | State::Running | State::Stopping | State::Unknown
        );
        assert_eq!(machine.pid(), self.alive);
        assert_eq!(
            self.alive.is_some(),
            has_child,
            "in {}",
            machine.state().name()
        );
    }

    fn exit(&mut self, machine: &mut Machine, exit: Exit, now: Instant) {
        if self.alive.take().is_some() {
            self.killed = false;
            self.give(machine, Event::Exited(exit), now);
        }
    }
}

/// Every transition that the specification has, and ours behind the brake.
fn transitions() -> BTreeSet<(i32, i32)> {
    use State::{Backoff, Exited, Fatal, Running, Starting, Stopped, Stopping, Unknown};
    [
        (Stopped, Starting),
        (Exited, Starting),
        (Fatal, Starting),
        (Backoff, Starting),
        (Backoff, Fatal),
        (Backoff, Stopped),
        (Starting, Running),
        (Starting, Backoff),
        (Starting, Stopping),
        (Running, Exited),
        (Running, Stopping),
        (Stopping, Stopped),
        (Stopping, Unknown),
        (Starting, Unknown),
        (Running, Unknown),
        (Unknown, Exited),
        (Exited, Stopped),
    ]
    .iter()
    .map(|(from, to): &(State, State)| (from.code(), to.code()))
    .collect()
}

proptest! {
    #[test]
    fn no_sequence_of_events_leads_astray(
        happenings in proptest::collection::vec(happening(), 0..60),
        startsecs in 0_u64..3,
        startretries in 0_u32..3,
        stopwaitsecs in 0_u64..3,
        autorestart in prop_oneof![
            Just(Autorestart::Never), Just(Autorestart::Unexpected), Just(Autorestart::Always)
        ],
    ) {
        let mut machine = Machine::new(rules(|p| {
            (p.startsecs, p.startretries) = (startsecs, startretries);
            (p.stopwaitsecs, p.autorestart) = (stopwaitsecs, autorestart);
        }));
        let mut world = World::default();
        let mut now = Instant::now();
        for happening in happenings {
            match happening {
                Happening::Event(event) => world.give(&mut machine, event, now),
                Happening::Exit(exit) => world.exit(&mut machine, exit, now),
                Happening::Pass(millis) => {
                    now += Duration::from_millis(millis);
                    world.give(&mut machine, Event::Due, now);
                }
                Happening::SpawnsFail(fail) => world.spawns_fail = fail,
                Happening::KillsFail(fail) => world.kills_fail = fail,
            }
        }

        // Whatever happened before: told to shut down, it comes to rest, and every child that was
        // spawned has been reaped or was sent SIGKILL.
        world.kills_fail = false;
        world.give(&mut machine, Event::Shutdown, now);
        for _ in 0..10 {
            if let Some(deadline) = machine.deadline() {
                now = now.max(deadline);
                world.give(&mut machine, Event::Due, now);
            }
            if world.killed {
                world.exit(&mut machine, Exit::Signal { signal: 9, core: false }, now);
            }
        }
        prop_assert!(machine.is_down(), "still {}", machine.state().name());
        prop_assert!(world.alive.is_none() || machine.state() == State::Unknown);

        let allowed = transitions();
        for change in &world.changes {
            let step = (change.from.code(), change.to.code());
            prop_assert!(allowed.contains(&step), "{:?} to {:?}", change.from, change.to);
        }
    }
}
