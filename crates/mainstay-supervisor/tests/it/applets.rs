//! The small programs, by the names of links to ours.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Child, Command, Output, Stdio};

use mainstay_supervisor::daemon::State;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::daemon::{Daemon, is_alive, wait};

fn called(program: &str, name: &str) -> (Command, TempDir) {
    let dir = TempDir::new().unwrap();
    let link = dir.path().join(name);
    symlink(program, &link).unwrap();
    let mut command = Command::new(link);
    command.current_dir(dir.path()).stdin(Stdio::null());
    (command, dir)
}

const DAEMON: &str = env!("CARGO_BIN_EXE_mainstayd");
const CTL: &str = env!("CARGO_BIN_EXE_mainstayctl");

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_sample_configuration_is_the_one_of_the_daemon() {
    let sample = Command::new(DAEMON)
        .arg("--sample-config")
        .output()
        .unwrap();
    for program in [DAEMON, CTL] {
        let (mut command, _dir) = called(program, "echo_supervisord_conf");
        let output = command.output().unwrap();
        assert!(output.status.success());
        assert_eq!(text(&output), text(&sample));
        assert!(text(&output).contains("[unix_http_server]"));
    }
}

#[test]
fn pidproxy_without_a_command_says_how_it_is_used() {
    for arguments in [&[][..], &["pidfile"]] {
        let (mut command, _dir) = called(CTL, "pidproxy");
        let output = command.args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(
            text(&output).contains("Usage: pidproxy PIDFILE COMMAND"),
            "{output:?}"
        );
    }
}

#[test]
fn pidproxy_says_what_it_cannot_run() {
    let (mut command, _dir) = called(DAEMON, "pidproxy");
    // Not searched for in PATH.
    let output = command.args(["pidfile", "sh"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.starts_with("Error: could not run sh: "), "{stderr}");
}

/// A `pidproxy` around a command that runs for as long as there is a file `up`, or its directory.
fn proxy() -> (Child, TempDir) {
    let (mut command, dir) = called(DAEMON, "pidproxy");
    let script = "trap 'echo usr1' USR1; touch up; while test -e up; do sleep 0.01; done";
    let child = command
        .args(["pid", "/bin/sh", "-c", script])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    while !dir.path().join("up").exists() {
        std::thread::yield_now();
    }
    (child, dir)
}

fn signal(child: &Child, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
}

#[test]
fn pidproxy_ends_with_its_command() {
    let (child, dir) = proxy();
    // Without a pidfile there is nobody to tell.
    signal(&child, Signal::SIGUSR1);
    fs::remove_file(dir.path().join("up")).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(text(&output), "Can't read child pidfile pid!\n");
}

#[test]
fn pidproxy_ends_at_once_when_told_to() {
    for last in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT] {
        let (mut child, _dir) = proxy();
        signal(&child, last);
        assert!(wait(&mut child).unwrap().success());
    }
}

#[test]
fn signals_reach_a_daemon_by_its_pidfile() {
    let mut daemon = Daemon::with(
        "
        [program:proxied]
        command = {dir}/pidproxy pid.of.child /bin/sh -c 'sh forking.sh & wait'
        startsecs = 0
        ",
    )
    .file(
        "forking.sh",
        "trap 'echo usr2 > told' USR2; trap 'exit 0' TERM; echo $$ > pid.of.child; touch up\n\
         while :; do sleep 0.01; done\n",
    )
    .link(DAEMON, "pidproxy")
    .start();
    daemon.wait_for("proxied", State::Running);
    daemon.wait_until("the child", |daemon| daemon.path("up").exists());
    let child: i32 = daemon.text("pid.of.child").trim().parse().unwrap();
    daemon.ask("signalProcess", &["proxied", "USR2"]);
    daemon.wait_until("the signal", |daemon| daemon.text("told") == "usr2\n");
    daemon.ask("stopProcess", &["proxied"]);
    daemon.wait_until("its end", |_| !is_alive(child));
}
