//! The prompt, typed into through a pseudo-terminal.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::openpty;
use nix::sys::termios::{LocalFlags, tcgetattr};

use crate::run::{BINARY, with_stdin};

const LONG: Duration = Duration::from_secs(60);
const HASH: &[&str] = &["password", "hash", "--log-n", "4", "--allow-weak"];

/// A person at a terminal, in front of a running `mainstay`.
struct Person {
    child: Child,
    keyboard: File,
    terminal: OwnedFd,
    seen: String,
}

impl Person {
    #[track_caller]
    fn runs(args: &[&str]) -> Self {
        let pty = openpty(None, None).unwrap();
        // `setsid --ctty` makes its standard input the controlling terminal of a new session;
        // the prompt opens /dev/tty, whatever the standard streams are.
        let child = Command::new("setsid")
            .arg("--ctty")
            .arg(BINARY)
            .args(args)
            .stdin(pty.slave.try_clone().unwrap())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            child,
            keyboard: pty.master.into(),
            terminal: pty.slave,
            seen: String::new(),
        }
    }

    /// Waits until the screen ends with the prompt and the terminal shows nothing of what is typed.
    #[track_caller]
    fn is_asked(&mut self, prompt: &str) -> &mut Self {
        let deadline = Instant::now() + LONG;
        while !self.seen.ends_with(prompt) {
            self.look(deadline);
        }
        while self.echoes() {
            assert!(
                Instant::now() < deadline,
                "{prompt:?} would show the password"
            );
            std::thread::yield_now();
        }
        self
    }

    #[track_caller]
    fn types(&mut self, keys: &str) -> &mut Self {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self
    }

    /// What became of the command, and everything that was on the screen.
    #[track_caller]
    fn leaves(mut self) -> (Output, String) {
        let output = self.child.wait_with_output().unwrap();
        assert!(
            echoes(&self.terminal),
            "the terminal does not echo any more"
        );
        // A mark of our own ends the screen: what the command wrote is before it.
        File::from(self.terminal).write_all(b"%").unwrap();
        let mut bytes = [0; 1024];
        while !self.seen.ends_with('%') {
            let count = self.keyboard.read(&mut bytes).unwrap();
            self.seen += std::str::from_utf8(&bytes[..count]).unwrap();
        }
        (output, self.seen)
    }

    #[track_caller]
    fn look(&mut self, deadline: Instant) {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = PollTimeout::try_from(left).unwrap();
        let mut ready = [PollFd::new(self.keyboard.as_fd(), PollFlags::POLLIN)];
        assert_eq!(
            poll(&mut ready, timeout),
            Ok(1),
            "nothing more after {:?}",
            self.seen
        );
        let mut bytes = [0; 1024];
        let count = self.keyboard.read(&mut bytes).unwrap();
        self.seen += std::str::from_utf8(&bytes[..count]).unwrap();
    }

    fn echoes(&self) -> bool {
        echoes(&self.terminal)
    }
}

fn echoes(terminal: &OwnedFd) -> bool {
    tcgetattr(terminal)
        .unwrap()
        .local_flags
        .contains(LocalFlags::ECHO)
}

#[test]
fn hash_asks_twice_and_shows_nothing() {
    let mut person = Person::runs(HASH);
    person.is_asked("Password: ").types("пароль one\n");
    person.is_asked("The same again: ").types("пароль one\n");
    let (output, screen) = person.leaves();

    assert!(output.status.success(), "{screen}");
    assert_eq!(
        screen.replace("\r\n", "\n"),
        "Password: \nThe same again: \n%"
    );
    assert_eq!(output.stderr, b"");
    let hash = String::from_utf8(output.stdout).unwrap();
    let verify = ["password", "verify", "--stdin", hash.trim_end()];
    with_stdin(&verify, "пароль one".as_bytes()).code(0);
    with_stdin(&verify, b"one").code(1);
}

#[test]
fn two_passwords_that_differ_are_not_hashed() {
    let mut person = Person::runs(HASH);
    person.is_asked("Password: ").types("one\n");
    person.is_asked("The same again: ").types("two\n");
    let (output, _) = person.leaves();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(output.stdout, b"");
    assert_eq!(output.stderr, b"error: the two passwords differ\n");
}

#[test]
fn verify_asks_once() {
    let hash = with_stdin(&[HASH, &["--stdin"]].concat(), b"secret").line();
    for (typed, code, answer) in [("secret\n", 0, "match\n"), ("secreT\n", 1, "mismatch\n")] {
        let mut person = Person::runs(&["password", "verify", &hash]);
        person.is_asked("Password: ").types(typed);
        let (output, screen) = person.leaves();
        assert_eq!(output.status.code(), Some(code), "{screen}");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), answer);
        assert_eq!(screen.replace("\r\n", "\n"), "Password: \n%");
    }
}

#[test]
fn a_hash_that_cannot_be_read_is_refused_before_the_prompt() {
    let (output, screen) = Person::runs(&["password", "verify", "hunter2"]).leaves();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(screen, "%");
}

#[test]
fn ctrl_c_at_the_prompt_ends_it_and_leaves_the_terminal_as_it_was() {
    let mut person = Person::runs(HASH);
    person.is_asked("Password: ").types("secr\x03");
    let (output, screen) = person.leaves();
    let interrupt = nix::sys::signal::Signal::SIGINT as i32;
    assert_eq!(
        output.status.signal(),
        Some(interrupt),
        "{output:?} {screen}"
    );
    assert_eq!(output.stdout, b"");
    assert!(!screen.contains("secr"), "{screen}");
}

#[test]
fn ctrl_d_at_the_prompt_gives_no_password() {
    let mut person = Person::runs(HASH);
    person.is_asked("Password: ").types("\x04");
    let (output, _) = person.leaves();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(output.stderr, b"error: no password was given\n");
}

#[test]
fn a_password_that_the_terminal_garbles_is_refused() {
    let mut person = Person::runs(HASH);
    person.is_asked("Password: ");
    person.keyboard.write_all(b"p\xe4ssword\n").unwrap();
    let (output, _) = person.leaves();
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    let message = "error: the terminal sent bytes that are not UTF-8\n\
                   hint: `--stdin` takes a password of any bytes\n";
    assert_eq!(stderr, message);
}

#[test]
fn without_a_terminal_the_way_out_is_named() {
    // A session of its own, and nothing in it that could be asked.
    let output = Command::new("setsid")
        .args(["--wait", BINARY])
        .args(HASH)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    let hint = "hint: without a terminal, give the password to standard input and say `--stdin`\n";
    assert!(
        stderr.starts_with("error: asking for the password on the terminal: "),
        "{stderr}"
    );
    assert!(stderr.ends_with(hint), "{stderr}");
}
