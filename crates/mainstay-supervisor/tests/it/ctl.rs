//! `mainstayctl` as a program: arguments, connections, exit status, signals, terminals.

mod fish;
mod generated;
mod json;
mod login;
mod reach;
mod tab;

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use mainstay_supervisor::rpc::{Code, Fault, Value};
use nix::pty::openpty;
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, tcgetattr};
use nix::unistd::Pid;

use crate::ctl_server::{Reply, Server};

const PATIENCE: Duration = Duration::from_secs(30);

fn mainstayctl(server: &Server) -> Command {
    let mut command = bare();
    command.args(["-s", &server.url()]);
    command
}

/// Without options, in a place that has no configuration file.
fn bare() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mainstayctl"));
    command
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .stdin(Stdio::null());
    command
}

#[track_caller]
fn run(command: &mut Command) -> (String, Option<i32>) {
    let output = command.output().unwrap();
    (text(&output.stdout), output.status.code())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Every operation succeeds; `cat` and `web` are the processes.
fn healthy(method: &str, _: &[Value]) -> Reply {
    Reply::Value(match method {
        "supervisor.getAllProcessInfo" => vec![info("cat", 20), info("web", 0)].into(),
        _ => true.into(),
    })
}

fn info(name: &str, state: i32) -> Value {
    Value::record([
        ("name", name.into()),
        ("group", name.into()),
        ("state", state.into()),
        (
            "statename",
            if state == 20 { "RUNNING" } else { "STOPPED" }.into(),
        ),
        ("description", "described".into()),
        ("pid", 7.into()),
    ])
}

#[test]
fn a_command_line_that_makes_no_sense_exits_2() {
    let server = Server::start(healthy, b"");
    let config = server.path("x.conf");
    fs::write(&config, "[supervisord]\n").unwrap();
    let config = config.to_str().unwrap();

    for (words, message) in [
        (&["-x"][..], "option -x not recognized"),
        (&["-c"], "option -c requires argument"),
        (
            &["-s", "foo", "status"],
            "invalid value for -s 'foo': value 'foo' is not a URL",
        ),
        (
            &["-c", "/no/such/file", "status"],
            "could not find config file /no/such/file",
        ),
        (
            &["-c", config, "status"],
            ".ini file does not include supervisorctl section",
        ),
    ] {
        let output = bare().args(words).output().unwrap();
        let stderr = text(&output.stderr);

        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(
            stderr.starts_with(&format!("Error: {message}")),
            "{words:?}: {stderr}"
        );
        let last = format!("For help, use {} -h\n", env!("CARGO_BIN_EXE_mainstayctl"));
        assert!(stderr.ends_with(&last), "{words:?}: {stderr}");
        assert_eq!(text(&output.stdout), "", "{words:?}");
    }
}

#[test]
fn help_goes_to_stdout() {
    let (stdout, status) = run(bare().arg("--help"));

    assert!(stdout.contains("--serverurl"), "{stdout}");
    assert_eq!(status, Some(0));
}

#[test]
fn one_connection_serves_a_whole_command() {
    let server = Server::start(healthy, b"");

    let (stdout, status) = run(mainstayctl(&server).args(["restart", "cat", "web:w"]));

    assert_eq!(
        stdout,
        "cat: stopped\nweb:w: stopped\ncat: started\nweb:w: started\n"
    );
    assert_eq!(status, Some(0));
    assert_eq!(
        server.calls(),
        [
            "stopProcess cat",
            "stopProcess web:w",
            "startProcess cat",
            "startProcess web:w"
        ]
    );
    assert!(server.seen().iter().all(|seen| seen.connection == 0));
}

#[test]
fn a_connection_that_was_closed_is_opened_again() {
    let server = Server::start(|_, _| Reply::ThenClose(true.into()), b"");

    let (stdout, status) = run(mainstayctl(&server).args(["stop", "a", "b", "c"]));

    assert_eq!(
        (stdout.as_str(), status),
        ("a: stopped\nb: stopped\nc: stopped\n", Some(0))
    );
    assert_eq!(
        server.calls(),
        ["stopProcess a", "stopProcess b", "stopProcess c"]
    );
}

#[test]
fn the_last_assignment_of_an_exit_status_wins() {
    let answer = |method: &str, params: &[Value]| {
        let name = params.first().and_then(Value::as_str).unwrap_or_default();
        match (method, name) {
            ("supervisor.startProcess", "bad") => Reply::Fault(Fault::with(Code::SpawnError, name)),
            ("supervisor.startProcess", "no") => Reply::Fault(Fault::with(Code::BadName, name)),
            ("supervisor.startProcess", "on") => {
                Reply::Fault(Fault::with(Code::AlreadyStarted, name))
            }
            _ => Reply::Value(true.into()),
        }
    };
    let server = Server::start(answer, b"");
    for (line, expected) in [
        ("start ok", 0),
        ("start bad", 7),
        ("start bad ok on", 7),
        ("start bad no ok", 1),
        ("start no bad", 7),
        ("start on", 0),
    ] {
        assert_eq!(
            run(mainstayctl(&server).arg(line)).1,
            Some(expected),
            "{line}"
        );
    }
}

#[test]
fn a_login_is_sent_when_both_halves_are_there() {
    for (options, expected) in [
        (
            &["-u", "user", "-p", "word"][..],
            Some("Basic dXNlcjp3b3Jk"),
        ),
        (&["-u", "user"], None),
        (&["-p", "word"], None),
    ] {
        let server = Server::start(healthy, b"");
        run(mainstayctl(&server).args(options).arg("status"));

        assert_eq!(
            server.seen()[0].authorization.as_deref(),
            expected,
            "{options:?}"
        );
    }
}

#[test]
fn a_reader_that_left_keeps_nothing_from_being_done() {
    let server = Server::start(healthy, b"");
    let mut command = mainstayctl(&server);
    let mut child = command
        .args(["stop", "a", "b"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());

    assert_eq!(wait(&mut child).code(), Some(0));
    assert_eq!(server.calls(), ["stopProcess a", "stopProcess b"]);
}

#[test]
fn output_that_cannot_be_written_is_a_failure() {
    let server = Server::start(healthy, b"");
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output: Output = mainstayctl(&server)
        .args(["stop", "a"])
        .stdout(full)
        .stderr(Stdio::piped())
        .output()
        .unwrap();

    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).starts_with("Error: No space left"),
        "{output:?}"
    );
}

#[test]
fn a_stream_passes_through_as_it_is() {
    const LOG: &[u8] = b"caf\xe9 \x1b[31m\n";
    let server = Server::start(healthy, LOG);
    let child = mainstayctl(&server)
        .args(["tail", "-f", "a b"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    assert!(
        !child.wait_with_output().unwrap().status.success(),
        "`b` is no channel"
    );

    let mut child = mainstayctl(&server)
        .args(["tail", "-f", "a"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let expected = [b"==> Press Ctrl-C to exit <==\n", LOG].concat();
    let mut stdout = child.stdout.take().unwrap();
    let mut begin = vec![0; expected.len()];
    stdout.read_exact(&mut begin).unwrap();
    assert_eq!(text(&begin), text(&expected));
    assert_eq!(begin, expected);

    interrupt(&child);
    let mut rest = Vec::new();
    stdout.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"\n");
    assert_eq!(wait(&mut child).code(), Some(0));
    assert_eq!(server.seen().last().unwrap().what, "/logtail/a/stdout");
}

/// A script that is interrupted must see that, and not only a status like any other.
#[test]
fn ctrl_c_kills_an_action_that_waits() {
    let server = Server::start(|_, _| Reply::Silence, b"");
    let mut child = mainstayctl(&server)
        .args(["start", "slow"])
        .spawn()
        .unwrap();
    until(|| !server.calls().is_empty());

    interrupt(&child);

    assert_eq!(wait(&mut child).signal(), Some(Signal::SIGINT as i32));
}

#[test]
fn a_terminal_gets_colour_completion_and_history() {
    let server = Server::start(healthy, b"");
    let history = server.path("history");
    fs::write(&history, "version\n").unwrap();
    let pty = openpty(None, None).unwrap();
    let slave = || Stdio::from(pty.slave.try_clone().unwrap());
    let mut command = mainstayctl(&server);
    command
        .args(["-r", history.to_str().unwrap()])
        .env("TERM", "xterm")
        .env_remove("NO_COLOR")
        .stdin(slave())
        .stdout(slave())
        .stderr(slave());
    let mut child = command.spawn().unwrap();
    drop((command, pty.slave));
    let mut screen = Screen::of(File::from(pty.master));

    screen.shows("\x1b[32mRUNNING   \x1b[0mdescribed");
    screen.shows("supervisor> ");
    // Up: the line of an earlier session. Then it is deleted (Ctrl-U) and another one completed.
    screen.types(b"\x1b[A");
    screen.shows("version");
    screen.types(b"\x15stat\t");
    screen.shows("status ");
    screen.types(b"c\t\r");
    screen.shows("described");
    // Keys that come before the prompt would be the terminal's, which has its own use for this one.
    screen.shows("supervisor> ");
    screen.types(b"\x04");

    assert_eq!(wait(&mut child).code(), Some(0));
    assert_eq!(
        fs::read_to_string(&history).unwrap(),
        "version\nstatus cat \n"
    );
}

/// The far side of a terminal.
struct Screen {
    terminal: File,
    shown: mpsc::Receiver<Vec<u8>>,
    text: String,
}

impl Screen {
    fn of(terminal: File) -> Self {
        let (sender, shown) = mpsc::channel();
        let mut reader = terminal.try_clone().unwrap();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            // Ends with an error when the program is gone.
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            terminal,
            shown,
            text: String::new(),
        }
    }

    fn types(&mut self, keys: &[u8]) {
        self.terminal.write_all(keys).unwrap();
    }

    /// Types what is not to be seen, once the program has told the terminal so.
    #[track_caller]
    fn types_secretly(&mut self, keys: &[u8]) {
        until(|| {
            let settings = tcgetattr(&self.terminal).unwrap();
            !settings.local_flags.contains(LocalFlags::ECHO)
        });
        self.types(keys);
    }

    /// Waits for a text, and gives all up to its end, which later waits do not see again.
    #[track_caller]
    fn shows(&mut self, wanted: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(start) = self.text.find(wanted) {
                return self.text.drain(..start + wanted.len()).collect();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.shown.recv_timeout(left) {
                Ok(bytes) => self.text.push_str(&text(&bytes)),
                Err(_) => panic!("no {wanted:?} on the screen: {:?}", self.text),
            }
        }
    }
}

fn interrupt(child: &Child) {
    kill(
        Pid::from_raw(child.id().try_into().unwrap()),
        Signal::SIGINT,
    )
    .unwrap();
}

/// Waits for its end, and brings it about when it does not come.
#[track_caller]
fn wait(child: &mut Child) -> ExitStatus {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if Instant::now() > deadline {
            child.kill().unwrap();
            panic!("it lives on");
        }
        thread::sleep(Duration::from_millis(5));
    }
}

#[track_caller]
fn until(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "in vain");
        thread::sleep(Duration::from_millis(5));
    }
}
