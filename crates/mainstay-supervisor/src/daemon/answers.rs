//! What the actor answers with: states, processes, outcomes.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use crate::config;
use crate::rpc::Fault;

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
///
/// Its texts are borrowed where the answer is written at once, which is most often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessInfo<'a> {
    /// The process.
    pub name: Cow<'a, str>,
    /// Its group.
    pub group: Cow<'a, str>,
    /// Last start.
    pub start: i64,
    /// Last exit.
    pub stop: i64,
    /// The time of the answer.
    pub now: i64,
    /// Its state.
    pub state: State,
    /// Last error text of a start, or empty.
    pub spawnerr: Cow<'a, str>,
    /// 0 if none, −1 for death by signal.
    pub exitstatus: i32,
    /// Path of the stdout log, if there is one.
    pub stdout_logfile: Option<Cow<'a, Path>>,
    /// Path of the stderr log, if there is one.
    pub stderr_logfile: Option<Cow<'a, Path>>,
    /// 0 if none.
    pub pid: i32,
    /// How long it has been up, by the monotonic clock; zero when it does not run.
    pub uptime: std::time::Duration,
}

impl ProcessInfo<'_> {
    /// The same with texts of its own.
    pub fn into_owned(self) -> ProcessInfo<'static> {
        let path = |path: Cow<'_, Path>| Cow::Owned(path.into_owned());
        ProcessInfo {
            name: Cow::Owned(self.name.into_owned()),
            group: Cow::Owned(self.group.into_owned()),
            spawnerr: Cow::Owned(self.spawnerr.into_owned()),
            stdout_logfile: self.stdout_logfile.map(path),
            stderr_logfile: self.stderr_logfile.map(path),
            ..self
        }
    }

    /// `group:process`, or `process` alone when both names are equal.
    pub fn namespec(&self) -> String {
        if self.group == self.name {
            self.name.clone().into_owned()
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
