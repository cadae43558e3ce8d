//! A server that wants a login, and somebody at a terminal who has one.

use std::fs::File;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use mainstay_supervisor::rpc::Value;
use nix::pty::openpty;

use super::{Screen, healthy, mainstayctl, run, wait};
use crate::ctl_server::{Reply, Server};

/// Refuses the first so many calls.
fn refusing(count: usize) -> Server {
    let calls = AtomicUsize::new(0);
    Server::start(
        move |method: &str, params: &[Value]| {
            if calls.fetch_add(1, Ordering::SeqCst) < count {
                Reply::Unauthorized
            } else {
                healthy(method, params)
            }
        },
        b"",
    )
}

/// Starts `mainstayctl` with these words on a terminal.
fn on_terminal(server: &Server, words: &[&str]) -> (Child, Screen) {
    let pty = openpty(None, None).unwrap();
    let slave = || Stdio::from(pty.slave.try_clone().unwrap());
    // The password is read from the terminal that the program belongs to, whatever its standard
    // input is; a session of its own makes it belong to this one.
    let mut command = Command::new("setsid");
    command
        .args([
            "--ctty",
            env!("CARGO_BIN_EXE_mainstayctl"),
            "-s",
            &server.url(),
        ])
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .args(words)
        .env("TERM", "xterm")
        .stdin(slave())
        .stdout(slave())
        .stderr(slave());
    let child = command.spawn().unwrap();
    drop((command, pty.slave));
    (child, Screen::of(File::from(pty.master)))
}

#[test]
fn the_terminal_is_asked_until_the_login_is_right() {
    let server = refusing(2);
    let (mut child, mut screen) = on_terminal(&server, &["-i", "stop", "web"]);

    screen.shows("Server requires authentication");
    screen.shows("Username:");
    screen.types(b"user\r");
    screen.shows("Password:");
    screen.types_secretly(b"wrong\r");
    let seen = screen.shows("Server requires authentication");
    assert!(!seen.contains("wrong"), "the password was echoed: {seen:?}");
    screen.shows("Username:");
    screen.types(b"user\r");
    screen.shows("Password:");
    screen.types_secretly(b"word\r");
    let seen = screen.shows("web: stopped");

    assert!(!seen.contains("word"), "the password was echoed: {seen:?}");
    assert_eq!(wait(&mut child).code(), Some(0));
    let logins: Vec<_> = server
        .seen()
        .into_iter()
        .map(|seen| seen.authorization)
        .collect();
    assert_eq!(
        logins,
        [
            None,
            Some("Basic dXNlcjp3cm9uZw==".to_owned()),
            Some("Basic dXNlcjp3b3Jk".to_owned()),
        ]
    );
}

#[test]
fn the_shell_asks_too_and_keeps_the_login() {
    let server = refusing(1);
    let (mut child, mut screen) = on_terminal(&server, &[]);

    screen.shows("Username:");
    screen.types(b"user\r");
    screen.shows("Password:");
    screen.types_secretly(b"word\r");
    screen.shows("described");
    screen.shows("supervisor> ");
    screen.types(b"stop web\r");
    screen.shows("web: stopped");
    screen.shows("supervisor> ");
    screen.types(b"\x04");

    assert_eq!(wait(&mut child).code(), Some(0));
    let last = server.seen().pop().unwrap();
    assert_eq!(last.authorization.as_deref(), Some("Basic dXNlcjp3b3Jk"));
}

#[test]
fn ctrl_d_instead_of_a_name_gives_up() {
    let server = refusing(1);
    let (mut child, mut screen) = on_terminal(&server, &["-i", "stop", "web"]);

    screen.shows("Username:");
    screen.types(b"\x04");
    screen.shows("error: ");

    assert_eq!(wait(&mut child).code(), Some(1));
    assert_eq!(server.calls().len(), 1);
}

#[test]
fn a_script_is_not_asked() {
    let (stdout, status) = run(mainstayctl(&refusing(1)).args(["stop", "web"]));

    assert!(
        stdout.starts_with("Server requires authentication\nerror: "),
        "{stdout}"
    );
    assert_eq!(status, Some(1));

    let (stdout, status) = run(mainstayctl(&refusing(1)).args(["--json", "stop", "web"]));

    assert!(stdout.starts_with("{\"error\":{\"message\":"), "{stdout}");
    assert_eq!(status, Some(1));
}

/// As with Python's `getpass`, so that a pipe can log in.
#[test]
fn without_a_terminal_the_login_is_read_from_the_input() {
    let server = refusing(1);
    let mut child = Command::new("setsid")
        .args([env!("CARGO_BIN_EXE_mainstayctl"), "-s", &server.url()])
        .args(["-i", "stop", "web"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"user\nword\n")
        .unwrap();

    let output = child.wait_with_output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "Server requires authentication\nUsername:Password:web: stopped\n"
    );
    assert_eq!(output.status.code(), Some(0));
}
