//! Restarts that must not go wrong, and the signals that come in the middle of one.

use std::fs;

use nix::sys::signal::Signal;

use crate::daemon::Daemon;

/// Takes its time to stop: until there is a file `go`.
const SLOW: &str = "
    [program:slow]
    command = sh -c 'trap \"while [ ! -e {dir}/go ];do sleep 0.02;done;echo flushed;exit\" TERM;echo ready;while :;do sleep 0.02;done'
    stdout_logfile = {dir}/slow.log
    startsecs = 0
    ";

fn slow() -> Daemon {
    let mut daemon = Daemon::with(SLOW).start();
    daemon.wait_until("the trap", |daemon| daemon.text("slow.log") == "ready\n");
    daemon
}

#[test]
fn a_signal_after_a_shutdown_by_the_api_is_the_first_and_forces_nothing() {
    let mut daemon = slow();
    daemon.ask("shutdown", &[]);

    daemon.signal(Signal::SIGTERM);
    daemon.wait_for_log("received SIGTERM indicating exit request");
    fs::write(daemon.path("go"), "").unwrap();

    assert_eq!(daemon.exit().code(), Some(0));
    assert_eq!(daemon.text("slow.log"), "ready\nflushed\n");
}

#[test]
fn a_signal_that_turns_a_restart_into_a_shutdown_forces_nothing() {
    let mut daemon = slow();
    daemon.signal(Signal::SIGHUP);
    daemon.wait_for_log("received SIGHUP indicating restart request");

    daemon.signal(Signal::SIGTERM);
    daemon.wait_for_log("received SIGTERM indicating exit request");
    fs::write(daemon.path("go"), "").unwrap();

    assert_eq!(daemon.exit().code(), Some(0));
    assert_eq!(daemon.text("slow.log"), "ready\nflushed\n");
}

#[test]
fn the_second_signal_forces_after_a_shutdown_by_the_api_too() {
    let mut daemon = slow();
    daemon.ask("shutdown", &[]);
    for _ in 0..2 {
        daemon.signal(Signal::SIGTERM);
        daemon.wait_for_log("received SIGTERM indicating exit request");
    }
    daemon.wait_for_log("received SIGTERM during shutdown, killing what is left");
    assert_eq!(daemon.exit().code(), Some(0));
    assert_eq!(daemon.text("slow.log"), "ready\n");
}
