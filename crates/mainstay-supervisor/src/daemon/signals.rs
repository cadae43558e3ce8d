//! The signals that the daemon acts on.

use std::io;

use tokio::signal::unix::{self, SignalKind, signal};

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
            child: signal(SignalKind::child())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            hangup: signal(SignalKind::hangup())?,
            reopen: signal(SignalKind::user_defined2())?,
            nothing: signal(SignalKind::user_defined1())?,
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
