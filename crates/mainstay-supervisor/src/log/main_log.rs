//! The main log: `2024-01-01 00:00:00,123 INFO message`.

use std::cmp::Reverse;
use std::fmt::{self, Write as _};
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, poll};
use nix::unistd::{Whence, lseek};
use tokio::sync::Notify;

use super::backlog::Backlog;
use super::line::{Timestamp, abbreviation};
use super::{LogFile, Rotation, Syslog, Wait};
use crate::config::Level;
use crate::zone;

/// A handle to the main log. Until it is opened, lines are kept; then they come first, the most
/// severe ones before the others.
///
/// Writing never waits. What a pipe or a full disk does not take is kept, up to a mebibyte, and
/// written by [`keep_flowing`](Self::keep_flowing).
#[derive(Clone, Debug)]
pub struct MainLog(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    inner: Mutex<Inner>,
    /// Something waits that did not wait before.
    stalled: Notify,
}

/// Where the main log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// To a file (or device), rotated.
    File(PathBuf, Rotation),
    /// To the system's log, under this name.
    Syslog(String),
}

#[derive(Debug)]
struct Inner {
    level: Level,
    sink: Sink,
    foreground: Foreground,
    line: String,
    /// Lines that the log lacks.
    lost: u64,
    /// Lines that the copy lacks.
    unseen: u64,
    /// Whether the log and its copy wait for something.
    stalled: [bool; 2],
    /// The system's log takes nothing, which has been said.
    syslog_failed: bool,
    /// Milliseconds that the standard error has left before nobody waits for it any more.
    patience: u16,
}

#[derive(Debug)]
enum Sink {
    Held(Vec<(Level, String)>),
    File(Backlog),
    Syslog(Syslog),
}

/// The copy on our standard output.
#[derive(Debug)]
enum Foreground {
    None,
    /// A file, which never makes us wait.
    File,
    Stream(Backlog),
}

impl MainLog {
    /// A log that keeps its lines until [`open`](Self::open).
    pub fn new(level: Level) -> Self {
        let inner = Inner {
            level,
            sink: Sink::Held(Vec::new()),
            foreground: Foreground::None,
            line: String::new(),
            lost: 0,
            unseen: 0,
            stalled: [false; 2],
            syslog_failed: false,
            patience: PATIENCE,
        };
        Self(Arc::new(Shared {
            inner: Mutex::new(inner),
            stalled: Notify::new(),
        }))
    }

    /// Opens it, or opens another target after a restart; what was kept is written first.
    ///
    /// # Errors
    ///
    /// Whatever opening the file reports; the lines are still kept then, or the old target is.
    pub fn open(&self, target: Target, level: Level, stdout: bool) -> io::Result<()> {
        let sink = match target {
            Target::File(path, rotation) => {
                Sink::File(Backlog::new(LogFile::open(&path, rotation)?))
            }
            Target::Syslog(identity) => Sink::Syslog(Syslog::new(identity)),
        };
        let mut inner = self.lock();
        inner.level = level;
        // Written to a terminal or a container's output anyway: not twice.
        inner.foreground = if stdout && !sink.is_stdout() {
            Foreground::open(&inner.foreground)?
        } else {
            Foreground::None
        };
        let old = std::mem::replace(&mut inner.sink, sink);
        if let (Sink::File(old), Sink::File(new)) = (&old, &mut inner.sink) {
            new.inherit(old);
        }
        if let Sink::Held(mut lines) = old {
            lines.sort_by_key(|(level, _)| Reverse(*level));
            for (level, message) in lines {
                inner.log(level, &message);
            }
        }
        inner.flush();
        self.0.stalled.notify_one();
        Ok(())
    }

    /// Whether lines of a level are written.
    pub fn enabled(&self, level: Level) -> bool {
        level >= self.lock().level
    }

    /// Writes one line; a message may span several.
    pub fn log(&self, level: Level, message: impl fmt::Display) {
        let mut inner = self.lock();
        let before = inner.stalled;
        inner.log(level, &message);
        if inner.stalled != before {
            self.0.stalled.notify_one();
        }
    }

    /// Writes what was not taken at once, whenever there is room again. Runs for as long as the
    /// runtime does, and sleeps while nothing waits. Cancel safety: nothing is lost.
    pub async fn keep_flowing(self) {
        loop {
            let [log, copy] = self.flush();
            tokio::select! {
                () = over(log) => {}
                () = over(copy) => {}
                () = self.0.stalled.notified() => {}
            }
        }
    }

    /// Until everything is written, but no longer than this.
    pub async fn settle(&self, within: Duration) {
        let settled = async {
            loop {
                match self.flush() {
                    [None, None] => break,
                    [log, copy] => tokio::select! {
                        () = over(log) => {}
                        () = over(copy) => {}
                    },
                }
            }
        };
        // What is left then is for `end` to tell.
        let _ = tokio::time::timeout(within, settled).await;
    }

    fn flush(&self) -> [Option<Wait>; 2] {
        self.lock().flush()
    }

    /// Writes one line that cannot wait until there is room again: what the log does not take goes to
    /// the standard error.
    pub fn insist(&self, level: Level, message: impl fmt::Display) {
        let mut inner = self.lock();
        let lost = inner.lost;
        inner.log(level, &message);
        let line = std::mem::take(&mut inner.line);
        let waits = match &mut inner.sink {
            Sink::File(file) => file.take_back(line.as_bytes()),
            Sink::Held(_) | Sink::Syslog(_) => false,
        };
        if waits || inner.lost > lost {
            inner.lost = lost;
            inner.tell_stderr(&line);
        }
        inner.line = line;
    }

    /// Nothing more will be written. If the log lacks lines, the standard error hears of it.
    pub fn end(&self) {
        let mut inner = self.lock();
        let (waiting, path) = match &inner.sink {
            Sink::File(log) => (log.waiting(), log.file().path().display().to_string()),
            Sink::Held(_) | Sink::Syslog(_) => (0, "the main log".to_owned()),
        };
        let lost = inner.lost + waiting;
        if lost > 0 {
            inner.tell_stderr(&format!("{lost} lines could not be written to {path}\n"));
        }
    }

    /// A line at `CRIT`.
    pub fn critical(&self, message: impl fmt::Display) {
        self.log(Level::Critical, message);
    }

    /// A line at `ERRO`.
    pub fn error(&self, message: impl fmt::Display) {
        self.log(Level::Error, message);
    }

    /// A line at `WARN`.
    pub fn warn(&self, message: impl fmt::Display) {
        self.log(Level::Warn, message);
    }

    /// A line at `INFO`.
    pub fn info(&self, message: impl fmt::Display) {
        self.log(Level::Info, message);
    }

    /// A line at `DEBG`.
    pub fn debug(&self, message: impl fmt::Display) {
        self.log(Level::Debug, message);
    }

    /// Where it is, if it is a file.
    pub fn path(&self) -> Option<PathBuf> {
        match &self.lock().sink {
            Sink::File(log) => Some(log.file().path().to_owned()),
            Sink::Held(_) | Sink::Syslog(_) => None,
        }
    }

    /// Closes and opens the file again.
    ///
    /// # Errors
    ///
    /// Whatever opening reports; the old file stays in use then.
    pub fn reopen(&self) -> io::Result<()> {
        match &mut self.lock().sink {
            Sink::File(log) => log.file_mut().reopen(),
            Sink::Held(_) | Sink::Syslog(_) => Ok(()),
        }
    }

    /// Removes the file and begins a new one.
    ///
    /// # Errors
    ///
    /// Whatever removing and opening report.
    pub fn clear(&self) -> io::Result<()> {
        match &mut self.lock().sink {
            Sink::File(log) => log.file_mut().clear(),
            Sink::Held(_) | Sink::Syslog(_) => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic while formatting a message leaves nothing half done that matters.
        self.0.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn log(&mut self, level: Level, message: &dyn fmt::Display) {
        if let Sink::Held(lines) = &mut self.sink {
            lines.push((level, message.to_string()));
            return;
        }
        if level < self.level {
            return;
        }
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        // Writing to a string fails only if `message` says so; then the beginning is there.
        let _ = writeln!(
            line,
            "{} {} {message}",
            Timestamp(zone::now().datetime()),
            abbreviation(level)
        );
        self.write(&line);
        self.line = line;
    }

    fn write(&mut self, line: &str) {
        match &mut self.foreground {
            Foreground::None => {}
            Foreground::File => to_stdout(line.as_bytes()),
            // Beyond what may wait, its reader misses lines that the log proper has.
            Foreground::Stream(copy) => self.unseen += u64::from(!copy.push(line.as_bytes())),
        }
        let mut failed = None;
        let recovered = match &mut self.sink {
            Sink::Held(_) => false,
            Sink::File(log) => {
                self.lost += u64::from(!log.push(line.as_bytes()));
                false
            }
            Sink::Syslog(syslog) => match syslog.lines(line) {
                Ok(()) => true,
                Err(error) => {
                    self.lost += 1;
                    failed = Some(error);
                    false
                }
            },
        };
        if let Some(error) = failed
            && !std::mem::replace(&mut self.syslog_failed, true)
        {
            self.tell_stderr(&format!(
                "could not write to syslog: {error}; the main log is lost until that works\n"
            ));
        }
        self.flush();
        if recovered {
            self.syslog_failed = false;
            self.tell_lost();
        }
    }

    /// There was nowhere to say it before.
    fn tell_lost(&mut self) {
        match std::mem::take(&mut self.lost) {
            0 => {}
            lost => self.log(
                Level::Error,
                &format_args!("{lost} lines could not be written to this log"),
            ),
        }
    }

    /// Writes what is taken now; says what the log and its copy wait for.
    fn flush(&mut self) -> [Option<Wait>; 2] {
        let copy = match &mut self.foreground {
            Foreground::Stream(copy) => {
                let mut wait = copy.flush(&mut 0);
                if wait.is_none() && self.unseen > 0 {
                    let missing = format!(
                        "{} ERRO {} lines could not be written to the standard output\n",
                        Timestamp(zone::now().datetime()),
                        std::mem::take(&mut self.unseen)
                    );
                    copy.push(missing.as_bytes());
                    wait = copy.flush(&mut 0);
                }
                wait
            }
            Foreground::None | Foreground::File => None,
        };
        let lost = self.lost;
        let (log, trouble) = match &mut self.sink {
            Sink::File(log) => (log.flush(&mut self.lost), log.file_mut().trouble()),
            Sink::Held(_) | Sink::Syslog(_) => (None, None),
        };
        self.stalled = [log.is_some(), copy.is_some()];
        let is_file = matches!(self.sink, Sink::File(_));
        // What has just been lost, with its reader, cannot be told yet.
        let tells = is_file && log.is_none() && lost > 0 && self.lost == lost;
        let said = tells || trouble.is_some();
        if let Some((level, trouble)) = trouble {
            self.log(level, &trouble);
        }
        if tells {
            self.tell_lost();
        }
        if said { self.flush() } else { [log, copy] }
    }

    /// One line, as far as it goes without waiting for long: whoever reads it may have stopped.
    fn tell_stderr(&mut self, line: &str) {
        let stderr = io::stderr();
        let mut ready = [PollFd::new(stderr.as_fd(), PollFlags::POLLOUT)];
        if poll(&mut ready, self.patience).is_ok_and(|ready| ready > 0) {
            // A pipe that has room takes this much at once. Failing this there is nobody to tell.
            let most = line.len().min(4096);
            let _ = stderr.lock().write_all(&line.as_bytes()[..most]);
        } else {
            self.patience = 0;
        }
    }
}

impl Foreground {
    /// Goes on where an earlier one of the same output stopped.
    fn open(old: &Self) -> io::Result<Self> {
        let Some(file) = LogFile::stdout()? else {
            return Ok(Self::File);
        };
        let mut copy = Backlog::new(file);
        if let Self::Stream(old) = old {
            copy.inherit(old);
        }
        Ok(Self::Stream(copy))
    }
}

/// What never has to be waited for is never over.
async fn over(wait: Option<Wait>) {
    match wait {
        Some(wait) => wait.over().await,
        None => std::future::pending().await,
    }
}

impl Sink {
    fn is_stdout(&self) -> bool {
        let Self::File(log) = self else { return false };
        ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"]
            .iter()
            .any(|name| log.file().path() == Path::new(name))
    }
}

/// Failures are of no interest: the log proper is elsewhere.
fn to_stdout(line: &[u8]) {
    let stdout = io::stdout();
    // Where it is a file that a child's log writes to as well, go on after what that has written.
    let _ = lseek(&stdout, 0, Whence::SeekEnd);
    let mut stdout = stdout.lock();
    let _ = stdout.write_all(line).and_then(|()| stdout.flush());
}

/// Milliseconds.
const PATIENCE: u16 = 500;

#[cfg(test)]
mod tests;
