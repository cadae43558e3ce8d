//! A program under test, and what it says.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// How long anything may take before a test gives up on it.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// A child that is killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    output: Arc<Output>,
    _child: Child,
}

#[derive(Debug, Default)]
struct Output {
    lines: Mutex<Vec<String>>,
    more: Notify,
}

impl Process {
    pub(crate) fn spawn(mut command: Command) -> anyhow::Result<Self> {
        let name = command
            .as_std()
            .get_program()
            .to_string_lossy()
            .into_owned();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {name}"))?;
        let output = Arc::new(Output::default());
        if let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) {
            tokio::spawn(collect(stdout, output.clone()));
            tokio::spawn(collect(stderr, output.clone()));
        }
        Ok(Self {
            name,
            output,
            _child: child,
        })
    }

    /// What follows `start` in the first line, so far or soon, that contains it.
    pub(crate) async fn wait_for(&self, start: &str) -> anyhow::Result<String> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let more = self.output.more.notified();
            let lines = self.lines();
            if let Some((_, rest)) = lines.iter().find_map(|line| line.split_once(start)) {
                return Ok(rest.to_owned());
            }
            if timeout_at(deadline, more).await.is_err() {
                bail!("{} did not say {start:?}:\n{}", self.name, lines.join("\n"));
            }
        }
    }

    /// All that it has said.
    pub(crate) fn lines(&self) -> Vec<String> {
        // Nothing panics while it holds this lock.
        self.output
            .lines
            .lock()
            .map(|lines| lines.clone())
            .unwrap_or_default()
    }
}

async fn collect(from: impl AsyncRead + Unpin, into: Arc<Output>) {
    let mut lines = BufReader::new(from).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if let Ok(mut lines) = into.lines.lock() {
            lines.push(line);
        }
        into.more.notify_waiters();
    }
}

/// One of our own programs: where the environment says, else built beside this test.
pub(crate) async fn own_program(
    variable: &str,
    package: &str,
    name: &str,
) -> anyhow::Result<PathBuf> {
    if let Some(file) = std::env::var_os(variable) {
        return Ok(file.into());
    }
    let done = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "-p", package, "--bin", name])
        .status();
    if !done.await?.success() {
        bail!("cargo build -p {package} failed");
    }
    let test = std::env::current_exe()?;
    let folder = test
        .parent()
        .and_then(Path::parent)
        .context("a test is in target/…/deps")?;
    Ok(folder.join(name))
}
