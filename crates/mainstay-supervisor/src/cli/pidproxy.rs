//! `pidproxy PIDFILE COMMAND…`: for programs that go into the background by themselves.
//!
//! Runs the command and passes signals on to the process whose pid is in the file, which is read anew
//! each time.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{self, Path};
use std::process::{Child, Command, ExitCode};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::sys;

/// Runs it until the command has ended, or a signal ends both.
///
/// # Errors
///
/// When signals cannot be received, or the command cannot be run.
pub fn run(arguments: &[OsString]) -> io::Result<ExitCode> {
    let [pidfile, command, rest @ ..] = arguments else {
        io::stdout().write_all(USAGE.as_bytes())?;
        return Ok(ExitCode::FAILURE);
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    runtime.block_on(async {
        let signals = Signals::install()?;
        // Not searched for in PATH, as in the original.
        let child = Command::new(path::absolute(command)?)
            .arg0(command)
            .args(rest)
            .spawn()
            .map_err(|error| {
                io::Error::new(
                    error.kind(),
                    format!("could not run {}: {error}", command.display()),
                )
            })?;
        serve(signals, Path::new(pidfile), child).await
    })
}

async fn serve(mut signals: Signals, pidfile: &Path, mut child: Child) -> io::Result<ExitCode> {
    loop {
        let (number, last) = signals.next().await;
        if number == libc::SIGCHLD {
            if child.try_wait()?.is_some() {
                return Ok(ExitCode::SUCCESS);
            }
            continue;
        }
        match pid(pidfile) {
            // That nobody has that pid is what a file left behind looks like.
            Some(pid) => drop(sys::kill(pid, number)),
            None => writeln!(
                io::stdout(),
                "Can't read child pidfile {}!",
                pidfile.display()
            )?,
        }
        if last {
            return Ok(ExitCode::SUCCESS);
        }
    }
}

fn pid(file: &Path) -> Option<i32> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// The signals that are passed on, and that of the command's end.
struct Signals(Vec<(i32, Signal)>);

impl Signals {
    fn install() -> io::Result<Self> {
        let all = LAST.iter().chain(PASSED_ON).chain(&[libc::SIGCHLD]);
        all.map(|number| Ok((*number, signal(SignalKind::from_raw(*number))?)))
            .collect::<io::Result<_>>()
            .map(Self)
    }

    /// The next one, and whether it ends us. Cancel safety: none is lost.
    async fn next(&mut self) -> (i32, bool) {
        std::future::poll_fn(|context| {
            for (number, stream) in &mut self.0 {
                if stream.poll_recv(context).is_ready() {
                    return (*number, LAST.contains(number)).into();
                }
            }
            std::task::Poll::Pending
        })
        .await
    }
}

const LAST: &[i32] = &[libc::SIGTERM, libc::SIGINT, libc::SIGQUIT];
const PASSED_ON: &[i32] = &[libc::SIGHUP, libc::SIGUSR1, libc::SIGUSR2];

const USAGE: &str = "\
pidproxy -- run a command and pass signals on to the process in a pidfile

Usage: pidproxy PIDFILE COMMAND [ARGUMENT...]

The pidfile is read anew for each of TERM, INT, QUIT, HUP, USR1 and USR2.
After TERM, INT or QUIT, and when the command has ended, pidproxy ends.
";
