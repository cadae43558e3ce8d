//! A daemon to talk to, ours or the original.

use std::fs;
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::ours::program;

/// Programs for every state that a command can meet.
pub const PROGRAMS: &str = "
[program:cat]
command = cat
startsecs = 0
[program:web]
command = sh -c 'echo hello from %(process_num)02d; echo grumble >&2; exec sleep 3600'
process_name = web_%(process_num)02d
numprocs = 2
startsecs = 0
[program:off]
command = cat
autostart = false
startsecs = 0
[program:missing]
command = /no/such/thing
autostart = false
[program:flaky]
command = false
autostart = false
startretries = 0
[program:nolog]
command = cat
stdout_logfile = NONE
startsecs = 0
";

/// How long anything may take before a test gives up on it.
const DEADLINE: Duration = Duration::from_secs(30);

/// A daemon in a folder of its own, with a socket file and a TCP port. It goes with this value, and
/// its programs go with it.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    folder: TempDir,
    config: PathBuf,
    port: u16,
}

impl Daemon {
    /// The login on the TCP port; the socket file needs none.
    pub const LOGIN: (&str, &str) = ("user", "correct-horse");

    /// Starts `mainstayd`.
    ///
    /// # Errors
    ///
    /// When it cannot be built, or does not answer.
    pub fn ours(programs: &str) -> anyhow::Result<Self> {
        Self::start(&program("mainstayd")?, programs)
    }

    /// Starts `supervisord`.
    ///
    /// # Errors
    ///
    /// When it does not answer.
    pub fn python(venv: &Path, programs: &str) -> anyhow::Result<Self> {
        Self::start(&venv.join("bin/supervisord"), programs)
    }

    /// The configuration file, which both programs read.
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// The folder that holds it and everything else.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The URL of the socket file.
    pub fn socket_url(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// The URL of the TCP port, without the login.
    pub fn tcp_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Puts other programs into the include folder.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn include(&self, name: &str, programs: &str) -> anyhow::Result<()> {
        fs::write(self.folder().join("conf.d").join(name), programs)?;
        Ok(())
    }

    /// Waits for its end and says whether it was an orderly one.
    ///
    /// # Errors
    ///
    /// When it lives on.
    pub fn ended(&mut self) -> anyhow::Result<bool> {
        let mut status = None;
        until("the daemon to end", || {
            status = self.child.try_wait()?;
            Ok(status.is_some())
        })?;
        Ok(status.is_some_and(|status| status.success()))
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder().join("main.log")).unwrap_or_default()
    }

    fn start(program: &Path, programs: &str) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let config = folder.path().join("supervisord.conf");
        fs::create_dir(folder.path().join("conf.d"))?;
        // A configuration file cannot ask for any free port.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let (username, password) = Self::LOGIN;
        fs::write(
            &config,
            format!(
                "[unix_http_server]\n\
                 file = %(here)s/s\n\
                 [inet_http_server]\n\
                 port = 127.0.0.1:{port}\n\
                 username = {username}\n\
                 password = {password}\n\
                 [supervisord]\n\
                 logfile = %(here)s/main.log\n\
                 pidfile = %(here)s/pid\n\
                 childlogdir = %(here)s\n\
                 identifier = compat\n\
                 [rpcinterface:supervisor]\n\
                 supervisor.rpcinterface_factory = \
                 supervisor.rpcinterface:make_main_rpcinterface\n\
                 [supervisorctl]\n\
                 serverurl = unix://{socket}\n\
                 [include]\n\
                 files = conf.d/*.conf\n\
                 {programs}",
                socket = folder.path().join("s").display(),
            ),
        )?;
        let output = fs::File::create(folder.path().join("output"))?;
        let child = Command::new(program)
            .arg("-n")
            .arg("-c")
            .arg(&config)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let mut daemon = Self {
            child,
            folder,
            config,
            port,
        };
        daemon.wait_until_it_answers()?;
        Ok(daemon)
    }

    fn wait_until_it_answers(&mut self) -> anyhow::Result<()> {
        let socket = self.socket();
        let answered = until("the daemon to answer", || {
            ensure!(self.child.try_wait()?.is_none(), "the daemon has ended");
            Ok(UnixStream::connect(&socket).is_ok())
        });
        answered
            .with_context(|| fs::read_to_string(self.folder().join("output")).unwrap_or_default())
    }

    /// Short, because a socket's path must fit 107 bytes.
    fn socket(&self) -> PathBuf {
        self.folder().join("s")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // TERM first, for the sake of its programs. A daemon that has ended needs neither, and a
        // test that fails for another reason should say that one.
        let asked = signal(&self.child, Signal::SIGTERM);
        if asked.is_err() || self.ended().is_err() {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

/// Sends a signal to a child that has not been waited for.
pub(crate) fn signal(child: &Child, signal: Signal) -> anyhow::Result<()> {
    kill(Pid::from_raw(child.id().try_into()?), signal)?;
    Ok(())
}

/// Waits for something, with a deadline.
///
/// # Errors
///
/// The condition's own, and the deadline.
pub fn until(
    what: &str,
    mut condition: impl FnMut() -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let deadline = Instant::now() + DEADLINE;
    while !condition()? {
        ensure!(Instant::now() < deadline, "waited in vain for {what}");
        sleep(Duration::from_millis(10));
    }
    Ok(())
}
