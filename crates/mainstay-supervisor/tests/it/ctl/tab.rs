//! The Tab key on a terminal.

use std::fs::File;
use std::process::Stdio;

use nix::pty::openpty;

use super::{Screen, healthy, mainstayctl, wait};
use crate::ctl_server::Server;

#[test]
fn a_word_that_may_be_several_commands_is_not_completed_to_one() {
    let server = Server::start(healthy, b"");
    let pty = openpty(None, None).unwrap();
    let slave = || Stdio::from(pty.slave.try_clone().unwrap());
    let mut command = mainstayctl(&server);
    command
        .env("TERM", "xterm")
        .stdin(slave())
        .stdout(slave())
        .stderr(slave());
    let mut child = command.spawn().unwrap();
    drop((command, pty.slave));
    let mut screen = Screen::of(File::from(pty.master));

    screen.shows("supervisor> ");
    // Two lists what there is. What has been typed stays as it is, and can be gone on with.
    screen.types(b"re\t\t");
    for name in ["reload", "remove", "reread", "restart"] {
        screen.shows(name);
    }
    screen.types(b"mo\t");
    screen.shows("remove ");
    screen.types(b"we\t\r");
    screen.shows("web: removed process group");
    screen.shows("supervisor> ");
    screen.types(b"\x04");

    assert_eq!(wait(&mut child).code(), Some(0));
    let seen = server.seen();
    let last = seen.last().unwrap();
    assert_eq!(last.what, "supervisor.removeProcessGroup");
    assert_eq!(last.params, ["web".into()]);
    assert!(seen.iter().all(|it| it.what != "supervisor.restart"));
}
