//! How the rest of the process talks to the actor: typed requests with a reply each.
//!
//! Cancel safety: dropping the future of a call does not cancel the operation, exactly as a client
//! that hangs up does not.

use std::fmt;
use std::path::PathBuf;

use tokio::sync::{mpsc, oneshot};

use super::answers::{Channel, ConfigInfo, Diff, Outcome, ProcessInfo};
use crate::rpc::{Code, Fault};

/// Where an answer goes.
pub type ReplyTo<T> = oneshot::Sender<Result<T, Fault>>;

/// A cheap handle to the daemon's actor.
#[derive(Clone, Debug)]
pub struct Handle {
    requests: mpsc::Sender<Request>,
}

/// A request to the actor. Names are as the client gave them: `process` or `group:process`, and for
/// the operations that take a group its name.
#[derive(Debug)]
#[non_exhaustive]
#[expect(
    missing_docs,
    reason = "each is what the method of `Handle` with its name says"
)]
pub enum Request {
    Check {
        reply: ReplyTo<()>,
    },
    Identifier {
        reply: ReplyTo<String>,
    },
    Shutdown {
        reply: ReplyTo<()>,
    },
    Restart {
        reply: ReplyTo<()>,
    },
    Reread {
        reply: ReplyTo<Diff>,
    },
    AddGroup {
        name: String,
        reply: ReplyTo<()>,
    },
    RemoveGroup {
        name: String,
        reply: ReplyTo<()>,
    },
    Start {
        name: String,
        wait: bool,
        reply: ReplyTo<()>,
    },
    StartGroup {
        name: String,
        wait: bool,
        reply: ReplyTo<Vec<Outcome>>,
    },
    StartAll {
        wait: bool,
        reply: ReplyTo<Vec<Outcome>>,
    },
    Stop {
        name: String,
        wait: bool,
        reply: ReplyTo<()>,
    },
    StopGroup {
        name: String,
        wait: bool,
        reply: ReplyTo<Vec<Outcome>>,
    },
    StopAll {
        wait: bool,
        reply: ReplyTo<Vec<Outcome>>,
    },
    Signal {
        name: String,
        signal: Result<i32, Fault>,
        reply: ReplyTo<()>,
    },
    SignalGroup {
        name: String,
        signal: Result<i32, Fault>,
        reply: ReplyTo<Vec<Outcome>>,
    },
    SignalAll {
        signal: Result<i32, Fault>,
        reply: ReplyTo<Vec<Outcome>>,
    },
    Info {
        name: String,
        reply: ReplyTo<ProcessInfo<'static>>,
    },
    InfoAll {
        reply: ReplyTo<Vec<ProcessInfo<'static>>>,
    },
    TellAll {
        tell: Tell,
        reply: ReplyTo<Vec<u8>>,
    },
    ConfigAll {
        reply: ReplyTo<Vec<ConfigInfo>>,
    },
    MainLogPath {
        /// Whether it is answered while the daemon stops, too.
        follow: bool,
        reply: ReplyTo<Option<PathBuf>>,
    },
    LogPath {
        name: String,
        channel: Channel,
        /// As above.
        follow: bool,
        reply: ReplyTo<Option<PathBuf>>,
    },
    ClearMainLog {
        reply: ReplyTo<()>,
    },
    ClearLogs {
        name: String,
        reply: ReplyTo<()>,
    },
    ClearAllLogs {
        reply: ReplyTo<Vec<Outcome>>,
    },
    SendStdin {
        name: String,
        data: Vec<u8>,
        reply: ReplyTo<()>,
    },
    RemoteEvent {
        kind: String,
        data: Vec<u8>,
        reply: ReplyTo<()>,
    },
}

/// Makes an answer of what is known of all processes. It runs in the actor: it must not panic.
pub struct Tell(Box<Telling>);

type Telling = dyn FnOnce(&[ProcessInfo<'_>]) -> Vec<u8> + Send;

impl Tell {
    /// The answer.
    pub fn of(self, infos: &[ProcessInfo<'_>]) -> Vec<u8> {
        (self.0)(infos)
    }
}

impl fmt::Debug for Tell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tell").finish_non_exhaustive()
    }
}

impl Request {
    /// Whether it is answered even by a daemon that stops or restarts.
    pub fn is_always_answered(&self) -> bool {
        matches!(
            self,
            Self::RemoteEvent { .. }
                | Self::MainLogPath { follow: true, .. }
                | Self::LogPath { follow: true, .. }
        )
    }

    /// Answers with a fault, whatever was asked.
    pub fn refuse(self, fault: Fault) {
        /// A caller that has gone needs no answer.
        fn answer<T>(reply: ReplyTo<T>, fault: Fault) {
            drop(reply.send(Err(fault)));
        }
        match self {
            Self::Check { reply, .. } => answer(reply, fault),
            Self::Identifier { reply, .. } => answer(reply, fault),
            Self::Shutdown { reply, .. } => answer(reply, fault),
            Self::Restart { reply, .. } => answer(reply, fault),
            Self::Reread { reply, .. } => answer(reply, fault),
            Self::AddGroup { reply, .. } => answer(reply, fault),
            Self::RemoveGroup { reply, .. } => answer(reply, fault),
            Self::Start { reply, .. } => answer(reply, fault),
            Self::StartGroup { reply, .. } => answer(reply, fault),
            Self::StartAll { reply, .. } => answer(reply, fault),
            Self::Stop { reply, .. } => answer(reply, fault),
            Self::StopGroup { reply, .. } => answer(reply, fault),
            Self::StopAll { reply, .. } => answer(reply, fault),
            Self::Signal { reply, .. } => answer(reply, fault),
            Self::SignalGroup { reply, .. } => answer(reply, fault),
            Self::SignalAll { reply, .. } => answer(reply, fault),
            Self::Info { reply, .. } => answer(reply, fault),
            Self::InfoAll { reply, .. } => answer(reply, fault),
            Self::TellAll { reply, .. } => answer(reply, fault),
            Self::ConfigAll { reply, .. } => answer(reply, fault),
            Self::MainLogPath { reply, .. } => answer(reply, fault),
            Self::LogPath { reply, .. } => answer(reply, fault),
            Self::ClearMainLog { reply, .. } => answer(reply, fault),
            Self::ClearLogs { reply, .. } => answer(reply, fault),
            Self::ClearAllLogs { reply, .. } => answer(reply, fault),
            Self::SendStdin { reply, .. } => answer(reply, fault),
            Self::RemoteEvent { reply, .. } => answer(reply, fault),
        }
    }
}

impl Handle {
    /// A handle and the other end, which the actor reads.
    pub fn channel(capacity: usize) -> (Self, mpsc::Receiver<Request>) {
        let (requests, receiver) = mpsc::channel(capacity);
        (Self { requests }, receiver)
    }

    async fn ask<T>(&self, request: impl FnOnce(ReplyTo<T>) -> Request) -> Result<T, Fault> {
        let (reply, answer) = oneshot::channel();
        if self.requests.send(request(reply)).await.is_err() {
            return Err(Fault::new(Code::ShutdownState));
        }
        answer
            .await
            .unwrap_or_else(|_| Err(Fault::new(Code::ShutdownState)))
    }

    /// Nothing, unless the daemon is stopping or restarting: then `SHUTDOWN_STATE`.
    pub async fn check(&self) -> Result<(), Fault> {
        self.ask(|reply| Request::Check { reply }).await
    }

    /// `[supervisord] identifier`.
    pub async fn identifier(&self) -> Result<String, Fault> {
        self.ask(|reply| Request::Identifier { reply }).await
    }

    /// Begins an orderly shutdown.
    pub async fn shutdown(&self) -> Result<(), Fault> {
        self.ask(|reply| Request::Shutdown { reply }).await
    }

    /// Begins a restart: stop everything, read the configuration, start again.
    pub async fn restart(&self) -> Result<(), Fault> {
        self.ask(|reply| Request::Restart { reply }).await
    }

    /// Reads the configuration again and compares it with the active groups.
    pub async fn reread(&self) -> Result<Diff, Fault> {
        self.ask(|reply| Request::Reread { reply }).await
    }

    /// Activates a group of the available configuration.
    pub async fn add_group(&self, name: impl Into<String>) -> Result<(), Fault> {
        let name = name.into();
        self.ask(|reply| Request::AddGroup { name, reply }).await
    }

    /// Removes an active group; its processes must be stopped.
    pub async fn remove_group(&self, name: impl Into<String>) -> Result<(), Fault> {
        let name = name.into();
        self.ask(|reply| Request::RemoveGroup { name, reply }).await
    }

    /// Starts a process; with `wait`, answers when it is up or has failed.
    pub async fn start(&self, name: impl Into<String>, wait: bool) -> Result<(), Fault> {
        let name = name.into();
        self.ask(|reply| Request::Start { name, wait, reply }).await
    }

    /// Starts a group's processes.
    pub async fn start_group(
        &self,
        name: impl Into<String>,
        wait: bool,
    ) -> Result<Vec<Outcome>, Fault> {
        let name = name.into();
        self.ask(|reply| Request::StartGroup { name, wait, reply })
            .await
    }

    /// Starts every process that does not run.
    pub async fn start_all(&self, wait: bool) -> Result<Vec<Outcome>, Fault> {
        self.ask(|reply| Request::StartAll { wait, reply }).await
    }

    /// Stops a process; with `wait`, answers when it is gone.
    pub async fn stop(&self, name: impl Into<String>, wait: bool) -> Result<(), Fault> {
        let name = name.into();
        self.ask(|reply| Request::Stop { name, wait, reply }).await
    }

    /// Stops a group's processes.
    pub async fn stop_group(
        &self,
        name: impl Into<String>,
        wait: bool,
    ) -> Result<Vec<Outcome>, Fault> {
        let name = name.into();
        self.ask(|reply| Request::StopGroup { name, wait, reply })
            .await
    }

    /// Stops every process that runs.
    pub async fn stop_all(&self, wait: bool) -> Result<Vec<Outcome>, Fault> {
        self.ask(|reply| Request::StopAll { wait, reply }).await
    }

    /// Sends a signal to a process. Where there is none, and an error in its place, that is what the
    /// process is refused with.
    pub async fn signal(
        &self,
        name: impl Into<String>,
        signal: Result<i32, Fault>,
    ) -> Result<(), Fault> {
        let name = name.into();
        self.ask(|reply| Request::Signal {
            name,
            signal,
            reply,
        })
        .await
    }

    /// Sends a signal to a group's processes.
    pub async fn signal_group(
        &self,
        name: impl Into<String>,
        signal: Result<i32, Fault>,
    ) -> Result<Vec<Outcome>, Fault> {
        let name = name.into();
        self.ask(|reply| Request::SignalGroup {
            name,
            signal,
            reply,
        })
        .await
    }

    /// Sends a signal to every process that runs.
    pub async fn signal_all(&self, signal: Result<i32, Fault>) -> Result<Vec<Outcome>, Fault> {
        self.ask(|reply| Request::SignalAll { signal, reply }).await
    }

    /// What is known of one process.
    pub async fn info(&self, name: impl Into<String>) -> Result<ProcessInfo<'static>, Fault> {
        let name = name.into();
        self.ask(|reply| Request::Info { name, reply }).await
    }

    /// What is known of all processes, by group name, then process name.
    pub async fn info_all(&self) -> Result<Vec<ProcessInfo<'static>>, Fault> {
        self.ask(|reply| Request::InfoAll { reply }).await
    }

    /// What `tell` makes of that, without a copy of anything. The daemon does nothing else
    /// meanwhile.
    pub async fn tell_all(
        &self,
        tell: impl FnOnce(&[ProcessInfo<'_>]) -> Vec<u8> + Send + 'static,
    ) -> Result<Vec<u8>, Fault> {
        let tell = Tell(Box::new(tell));
        self.ask(|reply| Request::TellAll { tell, reply }).await
    }

    /// The available configuration, by process name.
    pub async fn config_all(&self) -> Result<Vec<ConfigInfo>, Fault> {
        self.ask(|reply| Request::ConfigAll { reply }).await
    }

    /// Where the main log is; `None` when it goes elsewhere.
    pub async fn main_log_path(&self) -> Result<Option<PathBuf>, Fault> {
        let follow = false;
        self.ask(|reply| Request::MainLogPath { follow, reply })
            .await
    }

    /// The same for somebody who follows it, and wants to see how the daemon stops.
    pub async fn main_log_to_follow(&self) -> Result<Option<PathBuf>, Fault> {
        let follow = true;
        self.ask(|reply| Request::MainLogPath { follow, reply })
            .await
    }

    /// Where a process's log is; `None` when that stream is not kept. `BAD_NAME` if unknown.
    pub async fn log_path(
        &self,
        name: impl Into<String>,
        channel: Channel,
    ) -> Result<Option<PathBuf>, Fault> {
        self.path(name.into(), channel, false).await
    }

    /// The same for somebody who follows it, and wants to see how its process stops.
    pub async fn log_to_follow(
        &self,
        name: impl Into<String>,
        channel: Channel,
    ) -> Result<Option<PathBuf>, Fault> {
        self.path(name.into(), channel, true).await
    }

    async fn path(
        &self,
        name: String,
        channel: Channel,
        follow: bool,
    ) -> Result<Option<PathBuf>, Fault> {
        self.ask(|reply| Request::LogPath {
            name,
            channel,
            follow,
            reply,
        })
        .await
    }

    /// Empties the main log.
    pub async fn clear_main_log(&self) -> Result<(), Fault> {
        self.ask(|reply| Request::ClearMainLog { reply }).await
    }

    /// Empties a process's logs.
    pub async fn clear_logs(&self, name: impl Into<String>) -> Result<(), Fault> {
        let name = name.into();
        self.ask(|reply| Request::ClearLogs { name, reply }).await
    }

    /// Empties the logs of all processes.
    pub async fn clear_all_logs(&self) -> Result<Vec<Outcome>, Fault> {
        self.ask(|reply| Request::ClearAllLogs { reply }).await
    }

    /// Writes to a process's standard input.
    pub async fn send_stdin(&self, name: impl Into<String>, data: Vec<u8>) -> Result<(), Fault> {
        let name = name.into();
        self.ask(|reply| Request::SendStdin { name, data, reply })
            .await
    }

    /// Tells listeners something, even while the daemon stops.
    pub async fn remote_event(&self, kind: impl Into<String>, data: Vec<u8>) -> Result<(), Fault> {
        let kind = kind.into();
        self.ask(|reply| Request::RemoteEvent { kind, data, reply })
            .await
    }
}
