//! The wall clock is set, an hour forward and an hour back, while processes are in every state.
//!
//! Durations go by the monotonic clock, so nothing may happen earlier or later for it. Nobody but root
//! can set the clock of a machine, and time namespaces do not have one of their own; so the daemon
//! gets a library that shifts what it is told.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use mainstay_supervisor::daemon::State;
use tempfile::TempDir;

use crate::daemon::{Builder, Daemon, is_alive};

/// Adds the seconds in the file `$CLOCK` to the time of day.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long shift(void) {
    char text[32] = {0};
    const char *file = getenv("CLOCK");
    int saved = errno, fd = file ? open(file, O_RDONLY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        if (read(fd, text, sizeof text - 1) < 0) text[0] = 0;
        close(fd);
    }
    errno = saved;
    return atol(text);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int result = syscall(SYS_clock_gettime, clock, now);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += shift();
    return result;
}
"#;

const HOUR: i64 = 3600;

/// The compiled shim, made once. A C compiler is there, or nothing here had been linked.
fn shim() -> &'static Path {
    static BUILT: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, library) = BUILT.get_or_init(|| {
        let dir = TempDir::new().unwrap();
        let (source, library) = (dir.path().join("clock.c"), dir.path().join("clock.so"));
        fs::write(&source, SHIM).unwrap();
        let status = Command::new("cc")
            .args(["-shared", "-fPIC", "-o"])
            .args([&library, &source])
            .status()
            .unwrap();
        assert!(status.success());
        (dir, library)
    });
    library
}

fn daemon(sections: &str) -> Builder {
    Daemon::with(sections)
        .environment("LD_PRELOAD", &shim().to_string_lossy())
        .environment_path("CLOCK", "clock")
        .file("clock", "0")
}

/// Sets the daemon's clock, as seconds from ours; it has seen that when this returns.
#[track_caller]
fn set(daemon: &mut Daemon, shift: i64) {
    // Not in place: the file must never be empty.
    fs::write(daemon.path("clock.new"), shift.to_string()).unwrap();
    fs::rename(daemon.path("clock.new"), daemon.path("clock")).unwrap();
    let now = wall();
    let told = daemon.number("witness", "now");
    assert!(
        (told - now - shift).abs() <= 30,
        "{told} is not {now} and {shift}"
    );
}

fn wall() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

/// Whoever tells the time.
const WITNESS: &str = "
[program:witness]
command = cat
autostart = true
startsecs = 0
";

/// What must take at least this long has, and not an hour either.
#[track_caller]
fn took(since: Instant, seconds: u64) {
    let elapsed = since.elapsed();
    assert!(elapsed >= Duration::from_secs(seconds), "only {elapsed:?}");
    assert!(elapsed < Duration::from_secs(seconds + 60), "{elapsed:?}");
}

/// Both ways: forward and back again, and back first.
fn steps(mut test: impl FnMut(i64)) {
    test(HOUR);
    test(-HOUR);
}

#[test]
fn starting_lasts_startsecs() {
    steps(|step| {
        let mut daemon = daemon(&format!(
            "{WITNESS}
[program:slow]
command = sleep 1000
startsecs = 3
autostart = false
"
        ))
        .start();
        daemon.wait_for("witness", State::Running);
        let since = Instant::now();
        daemon.start_without_waiting("slow");
        let pid = daemon.wait_for("slow", State::Starting);
        set(&mut daemon, step);
        assert_eq!(daemon.info("slow").state, State::Starting.code());
        assert_eq!(daemon.wait_for("slow", State::Running), pid);
        took(since, 3);
    });
}

#[test]
fn backing_off_lasts_as_long_as_it_says() {
    steps(|step| {
        let mut daemon = daemon(&format!(
            "{WITNESS}
[program:flaky]
command = sh -c 'exit 1'
startretries = 2
autostart = false
"
        ))
        .start();
        daemon.wait_for("witness", State::Running);
        let since = Instant::now();
        daemon.start_without_waiting("flaky");
        daemon.wait_for("flaky", State::Backoff);
        set(&mut daemon, step);
        daemon.wait_for("flaky", State::Fatal);
        // One second, then two.
        took(since, 3);
        assert_eq!(daemon.spawns("flaky"), 3);
        assert!(!daemon.log().contains("in the future"), "{}", daemon.log());
    });
}

#[test]
fn stopping_waits_for_stopwaitsecs() {
    steps(|step| {
        let mut daemon = daemon(&format!(
            "{WITNESS}
[program:deaf]
command = sh -c 'trap \"\" TERM; echo ready; while :; do sleep 100; done'
stopwaitsecs = 3
killasgroup = true
stdout_logfile = {{dir}}/deaf.log
startsecs = 0
"
        ))
        .start();
        daemon.wait_until("the trap", |daemon| daemon.text("deaf.log") == "ready\n");
        let pid = daemon.wait_for("deaf", State::Running);
        let since = Instant::now();
        daemon.stop_without_waiting("deaf");
        daemon.wait_for("deaf", State::Stopping);
        set(&mut daemon, step);
        assert!(is_alive(pid));
        daemon.wait_for("deaf", State::Stopped);
        took(since, 3);
        assert!(
            daemon
                .log()
                .contains(&format!("killing 'deaf' ({pid}) with SIGKILL"))
        );
    });
}

#[test]
fn running_goes_on_and_no_time_is_negative() {
    let mut daemon = daemon(&format!(
        "{WITNESS}
[program:brief]
command = sh -c 'exit 0'
autorestart = false
startsecs = 0
"
    ))
    .start();
    let pid = daemon.wait_for("witness", State::Running);
    daemon.wait_for("brief", State::Exited);
    for step in [HOUR, 0, -HOUR, HOUR, -HOUR] {
        set(&mut daemon, step);
        for name in ["witness", "brief"] {
            let info = daemon.info(name);
            // `now` is asked for later, and the clock is not set meanwhile.
            for field in ["start", "stop"] {
                let (time, now) = (daemon.number(name, field), daemon.number(name, "now"));
                assert!(time <= now, "{step}: {field} {time} > {now}");
            }
            // Up for some seconds, whatever the clock says.
            assert!(
                name == "brief"
                    || info
                        .description
                        .starts_with(&format!("pid {pid}, uptime 0:0")),
                "{step}: {info:?}"
            );
        }
    }
    assert_eq!(daemon.wait_for("witness", State::Running), pid);
    // An exit after the clock was set back is an ordinary one.
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(pid),
        nix::sys::signal::Signal::SIGKILL,
    )
    .unwrap();
    daemon.wait_until("its replacement", |daemon| daemon.spawns("witness") == 2);
    assert!(!daemon.log().contains("in the future"), "{}", daemon.log());
}

#[test]
fn ticks_go_on_without_a_gap_and_without_a_flood() {
    let mut daemon = daemon(&format!(
        "{WITNESS}
[eventlistener:ticker]
command = sh -c 'printf \"READY\\n\"; while read -r header; do \
    dd bs=1 count=\"${{header##*len:}}\" 2>/dev/null >> {{dir}}/ticks; echo >> {{dir}}/ticks; \
    printf \"RESULT 2\\nOKREADY\\n\"; done'
events = TICK_5
startsecs = 0
"
    ))
    .start();
    daemon.wait_for("witness", State::Running);
    let ticks = |daemon: &Daemon| -> Vec<i64> {
        let text = daemon.text("ticks");
        let whens = text.lines().filter_map(|line| line.strip_prefix("when:"));
        whens.map(|when| when.parse().unwrap()).collect()
    };
    let since = Instant::now();
    let mut total = 0;
    for step in [0, HOUR, -HOUR] {
        set(&mut daemon, step);
        let before = ticks(&daemon).len();
        daemon.wait_until("a tick", |daemon| ticks(daemon).len() > before);
        let last = *ticks(&daemon).last().unwrap();
        assert_eq!(last % 5, 0);
        assert!((last - wall() - step).abs() <= 30, "{last} {step}");
        total += 1;
    }
    // One for each five seconds, and one more for each step at most.
    let most = since.elapsed().as_secs() / 5 + 1 + 2;
    let heard = ticks(&daemon).len();
    assert!(heard >= total && heard as u64 <= most, "{heard} of {most}");
}
