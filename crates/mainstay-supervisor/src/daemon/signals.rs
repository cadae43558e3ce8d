//! The signals that the daemon acts on.

use std::io;

use nix::sys::signal;
use tokio::signal::unix::{self, SignalKind, signal as listen};

/// A signal, by what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// A child has exited.
    Child,
    /// TERM, INT or QUIT: shut down.
    Exit(&'static str),
    /// HUP: restart.
    Restart,
    /// USR2: open the logs again.
    Reopen,
    /// USR1: nothing. Whoever takes it to be for logs, as with other daemons, must not end this one.
    Nothing(&'static str),
}

/// Lets the signals through that are listened to, whoever blocked them: a mask survives `exec`, and
/// without SIGCHLD no exit would be noticed. To be called before there is a second thread.
pub(super) fn unblock() -> nix::Result<()> {
    [
        signal::SIGCHLD,
        signal::SIGTERM,
        signal::SIGINT,
        signal::SIGQUIT,
        signal::SIGHUP,
        signal::SIGUSR1,
        signal::SIGUSR2,
    ]
    .into_iter()
    .collect::<signal::SigSet>()
    .thread_unblock()
}

/// Streams of them, for the life of the process.
#[derive(Debug)]
pub(super) struct Signals {
    child: unix::Signal,
    terminate: unix::Signal,
    interrupt: unix::Signal,
    quit: unix::Signal,
    hangup: unix::Signal,
    reopen: unix::Signal,
    nothing: unix::Signal,
}

impl Signals {
    /// Installs the handlers.
    pub(super) fn install() -> io::Result<Self> {
        Ok(Self {
            child: listen(SignalKind::child())?,
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            quit: listen(SignalKind::quit())?,
            hangup: listen(SignalKind::hangup())?,
            reopen: listen(SignalKind::user_defined2())?,
            nothing: listen(SignalKind::user_defined1())?,
        })
    }

    /// The next one. Cancel safety: none is lost.
    pub(super) async fn next(&mut self) -> Signal {
        tokio::select! {
            biased;
            _ = self.child.recv() => Signal::Child,
            _ = self.terminate.recv() => Signal::Exit("SIGTERM"),
            _ = self.interrupt.recv() => Signal::Exit("SIGINT"),
            _ = self.quit.recv() => Signal::Exit("SIGQUIT"),
            _ = self.hangup.recv() => Signal::Restart,
            _ = self.reopen.recv() => Signal::Reopen,
            _ = self.nothing.recv() => Signal::Nothing("SIGUSR1"),
        }
    }
}
