//! A daemon under measurement, in a folder of its own.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use super::Peer;
use super::rpc::Connection;

const DEADLINE: Duration = Duration::from_secs(60);
/// How often a state is asked for that nobody announces.
const LOOK: Duration = Duration::from_millis(1);

pub(crate) struct Daemon {
    process: Child,
    folder: TempDir,
    announcements: UnixDatagram,
    /// When it was started.
    pub(crate) since: Instant,
}

/// A folder with the socket on which children announce themselves; programs are described with it.
pub(crate) struct Stage {
    folder: TempDir,
    announcements: UnixDatagram,
}

impl Stage {
    pub(crate) fn new() -> Result<Self> {
        let folder = TempDir::new().context("making a folder")?;
        let announcements = UnixDatagram::bind(folder.path().join("hello"))?;
        announcements.set_read_timeout(Some(DEADLINE))?;
        Ok(Self {
            folder,
            announcements,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The command line of a child of ours.
    pub(crate) fn child(&self, kind: &str) -> Result<String> {
        let own = std::env::current_exe()?;
        let socket = self.path().join("hello");
        Ok(format!(
            "{} child {kind} {}",
            own.display(),
            socket.display()
        ))
    }

    /// Many programs that only wait.
    pub(crate) fn sleepers(count: usize) -> String {
        (0..count).fold(String::new(), |mut text, n| {
            let _ = writeln!(
                text,
                "[program:p{n:03}]\ncommand=sleep 100000\nstartsecs=0\nredirect_stderr=true\n\
                 stdout_logfile=%(here)s/%(program_name)s.log\n"
            );
            text
        })
    }

    /// Starts a daemon with these programs; does not wait for anything.
    pub(crate) fn start(self, peer: &Peer, programs: &str) -> Result<Daemon> {
        let here = self.path().to_path_buf();
        let config = format!(
            "[unix_http_server]\nfile=%(here)s/sock\n\n\
             [supervisord]\nnodaemon=true\nminfds=8192\nlogfile=%(here)s/main.log\n\
             pidfile=%(here)s/pid\nchildlogdir=%(here)s\nuser=root\n\n\
             [rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = \
             supervisor.rpcinterface:make_main_rpcinterface\n\n\
             [supervisorctl]\nserverurl=unix://%(here)s/sock\n\n{programs}"
        );
        let config = if nix::unistd::geteuid().is_root() {
            config
        } else {
            config.replace("user=root\n", "")
        };
        fs::write(here.join("conf"), config)?;
        let since = Instant::now();
        let process = Command::new(&peer.daemon)
            .args(["-n", "-s", "-c"])
            .arg(here.join("conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("running {}", peer.daemon.display()))?;
        Ok(Daemon {
            process,
            folder: self.folder,
            announcements: self.announcements,
            since,
        })
    }
}

impl Daemon {
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.path().join("conf")
    }

    /// A connection, as soon as the API answers.
    pub(crate) fn api(&self) -> Result<Connection> {
        until("the API answers", || {
            let Ok(mut connection) = Connection::open(&self.path().join("sock")) else {
                return Ok(None);
            };
            Ok(connection
                .call("supervisor.getPID", &[])
                .is_ok()
                .then_some(connection))
        })
    }

    /// Waits until this many programs are RUNNING.
    pub(crate) fn all_running(&self, count: usize) -> Result<Connection> {
        let mut connection = self.api()?;
        until("all programs run", || {
            let all = connection.call("supervisor.getAllProcessInfo", &[])?;
            Ok((all.matches(">RUNNING<").count() == count).then_some(()))
        })?;
        Ok(connection)
    }

    /// The pid of the next child that announces itself.
    pub(crate) fn announced(&self) -> Result<u32> {
        let mut buffer = [0; 32];
        let n = self
            .announcements
            .recv(&mut buffer)
            .context("no child announced itself")?;
        std::str::from_utf8(&buffer[..n])?.parse().context("a pid")
    }

    /// How many children announce themselves in a while.
    pub(crate) fn announcements_within(&self, while_: Duration) -> Result<usize> {
        let end = Instant::now() + while_;
        let mut buffer = [0; 32];
        let mut count = 0;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                self.announcements.set_read_timeout(Some(DEADLINE))?;
                return Ok(count);
            }
            self.announcements.set_read_timeout(Some(left))?;
            count += usize::from(self.announcements.recv(&mut buffer).is_ok());
        }
    }

    /// Stops it and waits for its end.
    pub(crate) fn end(mut self) -> Result<()> {
        kill(Pid::from_raw(i32::try_from(self.pid())?), Signal::SIGTERM)?;
        until("it ends", || Ok(self.process.try_wait()?.map(drop)))
    }
}

impl Drop for Daemon {
    /// After an error: nothing may be left behind, so ask, and insist.
    fn drop(&mut self) {
        if !matches!(self.process.try_wait(), Ok(None)) {
            return;
        }
        if let Ok(pid) = i32::try_from(self.pid()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
        let gone = until("it ends", || Ok(self.process.try_wait()?.map(drop)));
        if gone.is_err() {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}

/// Asks until there is an answer.
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(answer) = ask()? {
            return Ok(answer);
        }
        if Instant::now() > deadline {
            bail!("waited in vain until {what}");
        }
        thread::sleep(LOOK);
    }
}
