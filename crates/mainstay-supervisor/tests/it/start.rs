//! What the daemon makes of its surroundings when it starts.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use jiff::civil::DateTime;
use jiff::tz::{TimeZone, offset};
use jiff::{SignedDuration, Timestamp};
use mainstay_supervisor::daemon::State;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::daemon::Daemon;

const CAT: &str = "[program:cat]\ncommand = cat\nstartsecs = 0\n";

/// A zone that is five hours ahead, as `zic` would write it: an empty part for old readers, one
/// without transitions for the others, and the rule for all times.
fn zone() -> String {
    let header = |types: char, characters: char| {
        let counts: String = ['\0', '\0', '\0', '\0', types, characters]
            .iter()
            .map(|count| format!("\0\0\0{count}"))
            .collect();
        format!("TZif2{}{counts}", "\0".repeat(15))
    };
    let part = format!("{}\0\0\u{46}\u{50}\0\0XYZ\0", header('\u{1}', '\u{4}'));
    format!("{part}{part}\nXYZ-5\n")
}

#[test]
fn the_name_of_a_time_zone_is_understood() {
    let mut daemon = Daemon::with(CAT)
        .directory("zones")
        .directory("zones/Made")
        .file("zones/Made/Up", &zone())
        .environment("TZDIR", "{dir}/zones")
        .environment("TZ", "Made/Up")
        .start();
    daemon.wait_for_log("supervisord started");

    let there = Timestamp::now()
        .to_zoned(TimeZone::fixed(offset(5)))
        .datetime();
    let log = daemon.log();
    let logged: DateTime = log[..19].parse().unwrap();
    let apart = there.duration_since(logged);
    assert!(
        apart.abs() < SignedDuration::from_mins(10),
        "{apart:?}\n{log}"
    );
}

#[test]
fn a_directory_that_is_gone_is_no_reason_not_to_start() {
    let mut daemon = Daemon::with(CAT)
        .under(&[
            "sh",
            "-c",
            "mkdir gone && cd gone && rmdir ../gone && exec \"$@\"",
            "sh",
        ])
        .start();
    daemon.wait_for("cat", State::Running);
    let said = daemon.text("stderr");
    assert!(said.contains("warning: the current directory"), "{said}");
}

#[test]
fn exits_are_noticed_under_a_parent_that_blocks_the_signals_of_them() {
    let mut daemon = Daemon::with(CAT)
        .under(&["env", "--block-signal=CHLD", "--block-signal=TERM"])
        .start();
    let first = daemon.wait_for("cat", State::Running);
    kill(Pid::from_raw(first), Signal::SIGKILL).unwrap();
    daemon.wait_until("another one", |daemon| {
        let info = daemon.info("cat");
        info.state == State::Running.code() && info.pid != first
    });
    daemon.signal(Signal::SIGTERM);
    assert_eq!(daemon.exit().code(), Some(0));
}

#[test]
fn a_signal_that_means_nothing_ends_nothing() {
    let mut daemon = Daemon::with(CAT).start();
    let pid = daemon.wait_for("cat", State::Running);
    daemon.signal(Signal::SIGUSR1);
    daemon.wait_for_log("WARN ignored SIGUSR1");
    assert_eq!(daemon.info("cat").pid, pid);
}

#[test]
fn what_cannot_be_executed_is_named_as_it_was_written() {
    let mut daemon = Daemon::with(
        "
        [program:broken]
        command = broken
        autostart = false
        startretries = 0
        environment = PATH=\"{dir}\"
        stderr_logfile = {dir}/broken.log
        ",
    )
    .file("broken", "neither a script nor a program")
    .start();
    let mode = Permissions::from_mode(0o755);
    fs::set_permissions(daemon.path("broken"), mode).unwrap();

    daemon.refuses("startProcess", &["broken"]);

    assert_eq!(
        daemon.text("broken.log").lines().next(),
        Some("supervisor: couldn't exec broken: ENOEXEC")
    );
}
