//! The command-line client, ours or the original.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::Signal;

use crate::daemon::{signal, until};
use crate::ours::program;

/// A client with its options.
#[derive(Clone, Debug)]
pub struct Ctl {
    program: PathBuf,
    options: Vec<OsString>,
}

/// What a client said in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The exit status; `None` after death by signal.
    pub status: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Ctl {
    /// `mainstayctl -c config`.
    ///
    /// # Errors
    ///
    /// When it cannot be built.
    pub fn ours(config: &Path) -> anyhow::Result<Self> {
        Ok(Self::new(program("mainstayctl")?, config))
    }

    /// `supervisorctl -c config`.
    pub fn python(venv: &Path, config: &Path) -> Self {
        Self::new(venv.join("bin/supervisorctl"), config)
    }

    /// With further options.
    pub fn option(mut self, option: &str, value: &str) -> Self {
        self.options.extend([option.into(), value.into()]);
        self
    }

    /// Runs a line, its words as arguments.
    ///
    /// # Errors
    ///
    /// When the program cannot be started.
    pub fn run(&self, line: &str) -> anyhow::Result<Said> {
        self.args(&line.split(' ').collect::<Vec<_>>())
    }

    /// Runs with these arguments.
    ///
    /// # Errors
    ///
    /// When the program cannot be started.
    pub fn args(&self, words: &[&str]) -> anyhow::Result<Said> {
        Said::of(self.command().args(words).stdin(Stdio::null()))
    }

    /// Feeds the interactive shell.
    ///
    /// # Errors
    ///
    /// When the program cannot be started or fed.
    pub fn shell(&self, script: &str) -> anyhow::Result<Said> {
        let mut child = self.spawn(&[])?;
        child
            .stdin
            .take()
            .context("stdin is piped")?
            .write_all(script.as_bytes())?;
        Ok(child.wait_with_output()?.into())
    }

    /// Runs something endless, such as `tail -f`, until its output contains `text`, then ends it by
    /// an interrupt (Ctrl-C) and gives all that it said.
    ///
    /// # Errors
    ///
    /// When it does not say so.
    pub fn until(&self, line: &str, text: &str) -> anyhow::Result<Said> {
        let mut child = self.spawn(&line.split(' ').collect::<Vec<_>>())?;
        let seen = watch(&mut child, text, |_| Ok(()))?;
        // A person presses Ctrl-C while nothing happens. The original swallows an interrupt that
        // comes while it still handles what it has just printed, and then says no more.
        until("the client to wait for more", || sleeps(&child))?;
        signal(&child, Signal::SIGINT)?;
        let rest = child.wait_with_output()?;
        let stdout = seen
            .recv_timeout(PATIENCE)
            .context("the rest of the output")?;
        Ok(Said {
            stdout,
            ..rest.into()
        })
    }

    /// Runs with these arguments and types `input`; when the output contains `text`, the input ends.
    ///
    /// # Errors
    ///
    /// When it does not say so.
    pub fn type_until(&self, words: &[&str], input: &str, text: &str) -> anyhow::Result<Said> {
        let mut child = self.spawn(words)?;
        let seen = watch(&mut child, text, |child| {
            let stdin = child.stdin.as_mut().context("stdin is piped")?;
            Ok(stdin.write_all(input.as_bytes())?)
        })?;
        drop(child.stdin.take());
        let rest = child.wait_with_output()?;
        let stdout = seen
            .recv_timeout(PATIENCE)
            .context("the rest of the output")?;
        Ok(Said {
            stdout,
            ..rest.into()
        })
    }

    /// Runs with these arguments and, once it has said something, does `meanwhile`, which should
    /// lead to its end. Its input stays open.
    ///
    /// # Errors
    ///
    /// When it does not end.
    pub fn while_running(
        &self,
        words: &[&str],
        meanwhile: impl FnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<Said> {
        let mut child = self.spawn(words)?;
        let seen = watch(&mut child, "\n", |_| Ok(()))?;
        meanwhile()?;
        until("the client to end", || Ok(child.try_wait()?.is_some()))?;
        let rest = child.wait_with_output()?;
        let stdout = seen
            .recv_timeout(PATIENCE)
            .context("the rest of the output")?;
        Ok(Said {
            stdout,
            ..rest.into()
        })
    }

    /// A client for the server at `url`, without a configuration file.
    pub fn at(program: PathBuf, url: &str) -> Self {
        Self {
            program,
            options: vec!["-s".into(), url.into()],
        }
    }

    fn new(program: PathBuf, config: &Path) -> Self {
        Self {
            program,
            options: vec!["-c".into(), config.into()],
        }
    }

    fn spawn(&self, words: &[&str]) -> anyhow::Result<Child> {
        self.command()
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("running {}", self.program.display()))
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.options)
            .env("LANG", "C.UTF-8")
            .env("PYTHONUNBUFFERED", "1");
        command
    }
}

/// Whether a process waits for something, as the kernel sees it.
fn sleeps(child: &Child) -> anyhow::Result<bool> {
    let file = format!("/proc/{}/stat", child.id());
    let stat = std::fs::read_to_string(&file).with_context(|| format!("reading {file}"))?;
    // The name is in parentheses and may hold anything; the state comes after it.
    let (_, rest) = stat.rsplit_once(')').context("the form of stat")?;
    Ok(rest.trim_start().starts_with('S'))
}

/// How long an endless command may take to say what is expected of it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Collects the output of a child on a thread, does `then`, and returns when the output contains
/// `text`; what is collected until the end arrives at the receiver.
fn watch(
    child: &mut Child,
    text: &str,
    then: impl FnOnce(&mut Child) -> anyhow::Result<()>,
) -> anyhow::Result<mpsc::Receiver<String>> {
    let mut stdout = child.stdout.take().context("stdout is piped")?;
    let (found, wait) = mpsc::channel();
    let (done, all) = mpsc::channel();
    let text = text.to_owned();
    thread::spawn(move || {
        let mut collected = Vec::new();
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = stdout.read(&mut buffer) {
            collected.extend_from_slice(&buffer[..count]);
            if String::from_utf8_lossy(&collected).contains(&text) {
                // Nobody listens the second time.
                let _ = found.send(());
            }
        }
        // Nor here, when the test has failed meanwhile.
        let _ = done.send(String::from_utf8_lossy(&collected).into_owned());
    });
    then(child)?;
    if wait.recv_timeout(PATIENCE).is_err() {
        child.kill()?;
        let said = all.recv().unwrap_or_default();
        anyhow::bail!("not said in time; it said {said:?}");
    }
    Ok(all)
}

impl Said {
    fn of(command: &mut Command) -> anyhow::Result<Self> {
        let program = command.get_program().to_owned();
        let output = command
            .output()
            .with_context(|| format!("running {}", program.display()))?;
        Ok(output.into())
    }
}

impl From<std::process::Output> for Said {
    fn from(output: std::process::Output) -> Self {
        Self {
            status: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}
