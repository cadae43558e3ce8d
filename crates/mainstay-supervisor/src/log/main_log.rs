//! The main log: `2024-01-01 00:00:00,123 INFO message`.

use std::fmt::{self, Write as _};
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Zoned;
use jiff::civil::DateTime;
use nix::poll::{PollFd, PollFlags, poll};
use nix::unistd::{Whence, lseek};

use super::{LogFile, Rotation, Syslog};
use crate::config::Level;

/// A handle to the main log. Until it is opened, lines are kept; then they come first.
#[derive(Clone, Debug)]
pub struct MainLog(Arc<Mutex<Inner>>);

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
    stdout: bool,
    line: String,
    lost: u64,
}

#[derive(Debug)]
enum Sink {
    Held(Vec<(Level, String)>),
    File(LogFile),
    Syslog(Syslog),
}

impl MainLog {
    /// A log that keeps its lines until [`open`](Self::open).
    pub fn new(level: Level) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            level,
            sink: Sink::Held(Vec::new()),
            stdout: false,
            line: String::new(),
            lost: 0,
        })))
    }

    /// Opens it, or opens another target after a restart; what was kept is written first.
    ///
    /// # Errors
    ///
    /// Whatever opening the file reports; the lines are still kept then, or the old target is.
    pub fn open(&self, target: Target, level: Level, stdout: bool) -> io::Result<()> {
        let sink = match target {
            Target::File(path, rotation) => Sink::File(LogFile::open(&path, rotation)?),
            Target::Syslog(identity) => Sink::Syslog(Syslog::new(identity)),
        };
        let mut inner = self.lock();
        inner.level = level;
        // Written to a terminal or a container's output anyway: not twice.
        inner.stdout = stdout && !sink.is_stdout();
        if let Sink::Held(lines) = std::mem::replace(&mut inner.sink, sink) {
            for (level, line) in lines {
                if level >= inner.level {
                    inner.write(&line);
                }
            }
        }
        Ok(())
    }

    /// Whether lines of a level are written.
    pub fn enabled(&self, level: Level) -> bool {
        level >= self.lock().level
    }

    /// Writes one line; a message may span several.
    pub fn log(&self, level: Level, message: impl fmt::Display) {
        self.lock().log(level, &message);
    }

    /// Writes one line that cannot wait until there is room again: what the log does not take goes to
    /// the standard error.
    pub fn insist(&self, level: Level, message: impl fmt::Display) {
        let mut inner = self.lock();
        let lost = inner.lost;
        inner.log(level, &message);
        if inner.lost > lost {
            inner.lost = lost;
            to_stderr(&inner.line);
        }
    }

    /// Nothing more will be written. If the log lacks lines, the standard error hears of it.
    pub fn end(&self) {
        let inner = self.lock();
        if inner.lost > 0 {
            let path = match &inner.sink {
                Sink::File(file) => file.path().display().to_string(),
                Sink::Held(_) | Sink::Syslog(_) => "the main log".to_owned(),
            };
            let lost = inner.lost;
            to_stderr(&format!("{lost} lines could not be written to {path}\n"));
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
            Sink::File(file) => Some(file.path().to_owned()),
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
            Sink::File(file) => file.reopen(),
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
            Sink::File(file) => file.clear(),
            Sink::Held(_) | Sink::Syslog(_) => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic while formatting a message leaves nothing half done that matters.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn log(&mut self, level: Level, message: &dyn fmt::Display) {
        if level < self.level && !matches!(self.sink, Sink::Held(_)) {
            return;
        }
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        // Writing to a string fails only if `message` says so; then the beginning is there.
        let _ = writeln!(
            line,
            "{} {} {message}",
            Timestamp(Zoned::now().datetime()),
            abbreviation(level)
        );
        match &mut self.sink {
            Sink::Held(lines) => lines.push((level, line.clone())),
            Sink::File(_) | Sink::Syslog(_) => self.write(&line),
        }
        self.line = line;
    }

    fn write(&mut self, line: &str) {
        if self.stdout {
            to_stdout(line.as_bytes());
        }
        let result = match &mut self.sink {
            Sink::Held(_) => Ok(()),
            Sink::File(file) => write_all(file, line.as_bytes()),
            Sink::Syslog(syslog) => syslog.lines(line),
        };
        if result.is_err() {
            // There is nowhere to say it now. It is said below, once there is.
            self.lost += 1;
            return;
        }
        let trouble = match &mut self.sink {
            Sink::File(file) => file.trouble(),
            Sink::Held(_) | Sink::Syslog(_) => None,
        };
        if let Some((level, trouble)) = trouble {
            self.log(level, &trouble);
        }
        match std::mem::take(&mut self.lost) {
            0 => {}
            lost => {
                self.log(
                    Level::Error,
                    &format_args!("{lost} lines could not be written to this log"),
                );
            }
        }
    }
}

impl Sink {
    fn is_stdout(&self) -> bool {
        let Self::File(file) = self else { return false };
        ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"]
            .iter()
            .any(|name| file.path() == Path::new(name))
    }
}

fn write_all(file: &mut LogFile, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // A container's output, read slowly. Longer than that, and supervising matters more.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && file.wait(PATIENCE) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Failures are of no interest: the log proper is elsewhere.
fn to_stdout(line: &[u8]) {
    let stdout = io::stdout();
    // Where it is a file that a child's log writes to as well, go on after what that has written.
    let _ = lseek(&stdout, 0, Whence::SeekEnd);
    let mut stdout = stdout.lock();
    let _ = stdout.write_all(line).and_then(|()| stdout.flush());
}

/// One line, as far as it goes without waiting for long: whoever reads it may have stopped.
fn to_stderr(line: &str) {
    let stderr = io::stderr();
    let mut ready = [PollFd::new(stderr.as_fd(), PollFlags::POLLOUT)];
    if poll(&mut ready, PATIENCE).is_ok_and(|ready| ready > 0) {
        // A pipe that has room takes this much at once. Failing this there is nobody to tell.
        let most = line.len().min(4096);
        let _ = stderr.lock().write_all(&line.as_bytes()[..most]);
    }
}

/// Local time, milliseconds truncated.
struct Timestamp(DateTime);

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.0;
        write!(
            f,
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02},{:03}",
            time.year(),
            time.month(),
            time.day(),
            time.hour(),
            time.minute(),
            time.second(),
            time.millisecond()
        )
    }
}

const fn abbreviation(level: Level) -> &'static str {
    match level {
        Level::Critical => "CRIT",
        Level::Error => "ERRO",
        Level::Warn => "WARN",
        Level::Info => "INFO",
        Level::Debug => "DEBG",
        Level::Trace => "TRAC",
        Level::Blather => "BLAT",
    }
}

/// Milliseconds.
const PATIENCE: u16 = 500;

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    fn file(path: &Path) -> Target {
        Target::File(path.to_owned(), Rotation::default())
    }

    #[test]
    fn a_line_has_time_level_and_message() {
        let time = "2024-01-02T03:04:05.678999".parse().unwrap();
        assert_eq!(Timestamp(time).to_string(), "2024-01-02 03:04:05,678");
    }

    #[test]
    fn lines_from_before_the_opening_come_first_and_the_level_holds() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("main.log");
        let log = MainLog::new(Level::Info);
        log.critical("first");
        log.debug("too fine");
        log.open(file(&path), Level::Warn, false).unwrap();
        log.info("too fine now");
        log.warn("second\nline");
        log.error(format_args!("{}", "third"));

        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<_> = text
            .lines()
            .map(|line| line.get(24..).unwrap_or(line))
            .collect();
        assert_eq!(lines, ["CRIT first", "WARN second", "line", "ERRO third"]);
    }

    #[test]
    fn clearing_begins_a_new_file() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("main.log");
        let log = MainLog::new(Level::Info);
        log.open(file(&path), Level::Info, false).unwrap();
        log.info("old");
        log.clear().unwrap();
        log.info("new");
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            text.ends_with("INFO new\n") && !text.contains("old"),
            "{text}"
        );
    }
}
