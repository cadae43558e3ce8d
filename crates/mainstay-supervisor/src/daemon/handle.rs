//! How the rest of the process talks to the actor: typed requests with a reply each.
//!
//! Cancel safety: dropping the future of a call does not cancel the operation, exactly as a client
//! that hangs up does not.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::config;
use crate::rpc::{Code, Fault};

/// Where an answer goes.
pub type ReplyTo<T> = oneshot::Sender<Result<T, Fault>>;

/// A cheap handle to the daemon's actor.
#[derive(Clone, Debug)]
pub struct Handle {
    requests: mpsc::Sender<Request>,
}

/// One of a process's two output streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// `stdout`
    Stdout,
    /// `stderr`
    Stderr,
}

impl Channel {
    /// `stdout` or `stderr`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// A state of a process; the number is what clients see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum State {
    /// Not started, or stopped by request.
    Stopped = 0,
    /// Spawned, not yet up for `startsecs`.
    Starting = 10,
    /// Up.
    Running = 20,
    /// Exited too quickly; waits to be tried again.
    Backoff = 30,
    /// Told to stop, not yet gone.
    Stopping = 40,
    /// Exited by itself.
    Exited = 100,
    /// Could not be started.
    Fatal = 200,
    /// A signal to it was refused by the system.
    Unknown = 1000,
}

impl State {
    /// The name that clients see.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stopped => "STOPPED",
            Self::Starting => "STARTING",
            Self::Running => "RUNNING",
            Self::Backoff => "BACKOFF",
            Self::Stopping => "STOPPING",
            Self::Exited => "EXITED",
            Self::Fatal => "FATAL",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// The number that clients see.
    pub const fn code(self) -> i32 {
        self as i32
    }
}

/// What `getProcessInfo` tells. Times are seconds since the epoch, 0 for never.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessInfo {
    /// The process.
    pub name: String,
    /// Its group.
    pub group: String,
    /// Last start.
    pub start: i64,
    /// Last exit.
    pub stop: i64,
    /// The time of the answer.
    pub now: i64,
    /// Its state.
    pub state: State,
    /// Last error text of a start, or empty.
    pub spawnerr: String,
    /// 0 if none, −1 for death by signal.
    pub exitstatus: i32,
    /// Path of the stdout log, if there is one.
    pub stdout_logfile: Option<PathBuf>,
    /// Path of the stderr log, if there is one.
    pub stderr_logfile: Option<PathBuf>,
    /// 0 if none.
    pub pid: i32,
    /// How long it has been up, by the monotonic clock; zero when it does not run.
    pub uptime: std::time::Duration,
}

impl ProcessInfo {
    /// `group:process`, or `process` alone when both names are equal.
    pub fn namespec(&self) -> String {
        if self.group == self.name {
            self.name.clone()
        } else {
            format!("{}:{}", self.group, self.name)
        }
    }
}

/// One process of the available configuration, as `getAllConfigInfo` tells it.
#[derive(Clone, Debug)]
pub struct ConfigInfo {
    /// Its configuration.
    pub process: Arc<config::Process>,
    /// Its group's priority.
    pub group_priority: i64,
    /// Whether its group is active.
    pub in_use: bool,
}

/// What one process of a group operation came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The process, without its group.
    pub name: String,
    /// Its group.
    pub group: String,
    /// `Ok`: status 80 and `OK`.
    pub result: Result<(), Fault>,
}

/// What a reread found, against the active groups: what is new in the order in which it is to be
/// started, what is gone in the order in which it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// Groups that are not active yet.
    pub added: Vec<String>,
    /// Active groups whose configuration differs.
    pub changed: Vec<String>,
    /// Active groups that are gone from the file.
    pub removed: Vec<String>,
}

/// What `tail…Log` tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The size of the file.
    pub offset: u64,
    /// Whether there was more than fitted.
    pub overflow: bool,
}

/// A request to the actor. Names are as the client gave them: `process` or `group:process`, and for
/// the operations that take a group its name.
#[derive(Debug)]
#[non_exhaustive]
#[expect(
    missing_docs,
    reason = "each is the method of `Handle` with the same name"
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
        reply: ReplyTo<ProcessInfo>,
    },
    InfoAll {
        reply: ReplyTo<Vec<ProcessInfo>>,
    },
    ConfigAll {
        reply: ReplyTo<Vec<ConfigInfo>>,
    },
    MainLogPath {
        reply: ReplyTo<Option<PathBuf>>,
    },
    LogPath {
        name: String,
        channel: Channel,
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

impl Request {
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
    pub async fn info(&self, name: impl Into<String>) -> Result<ProcessInfo, Fault> {
        let name = name.into();
        self.ask(|reply| Request::Info { name, reply }).await
    }

    /// What is known of all processes, by group name, then process name.
    pub async fn info_all(&self) -> Result<Vec<ProcessInfo>, Fault> {
        self.ask(|reply| Request::InfoAll { reply }).await
    }

    /// The available configuration, by process name.
    pub async fn config_all(&self) -> Result<Vec<ConfigInfo>, Fault> {
        self.ask(|reply| Request::ConfigAll { reply }).await
    }

    /// Where the main log is; `None` when it goes elsewhere.
    pub async fn main_log_path(&self) -> Result<Option<PathBuf>, Fault> {
        self.ask(|reply| Request::MainLogPath { reply }).await
    }

    /// Where a process's log is; `None` when that stream is not kept. `BAD_NAME` if unknown.
    pub async fn log_path(
        &self,
        name: impl Into<String>,
        channel: Channel,
    ) -> Result<Option<PathBuf>, Fault> {
        let name = name.into();
        self.ask(|reply| Request::LogPath {
            name,
            channel,
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
