//! The children's logs: one writer per file, however many processes share it.
//!
//! Many a configuration gives all processes of a program one log file. With a writer each, the first
//! rotation would leave the others writing into the renamed file.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::rc::{Rc, Weak};

use super::{Held, LogFile, MainLog, Rotation, Wait};

/// All open logs of children, by path.
#[derive(Debug)]
pub struct ChildLogs {
    main: MainLog,
    open: HashMap<PathBuf, Weak<RefCell<ChildLog>>>,
}

/// A log that output is poured into.
#[derive(Debug)]
pub struct ChildLog {
    file: LogFile,
    main: MainLog,
    stuck: bool,
}

/// What became of an attempt to pour.
#[derive(Debug)]
pub enum Poured {
    /// So many bytes are in the log; there may be more.
    Bytes(usize),
    /// The pipe is empty.
    Empty,
    /// The pipe is empty and will stay so.
    End,
    /// The target is a device or pipe that takes no more now.
    Busy(Wait),
    /// The log takes nothing, which has been said. Try again later.
    Stuck,
    /// Moving without a copy is not to be had here.
    NeedsCopy,
}

impl ChildLogs {
    /// None open; complaints go to the main log.
    pub fn new(main: MainLog) -> Self {
        Self {
            main,
            open: HashMap::new(),
        }
    }

    /// The log at a path, opened anew if the file of that name is not the one in use.
    ///
    /// # Errors
    ///
    /// Whatever opening reports.
    pub fn open(&mut self, path: &Path, rotation: Rotation) -> io::Result<Rc<RefCell<ChildLog>>> {
        if let Some(log) = self.get(path) {
            {
                let mut log = log.borrow_mut();
                log.file.refresh()?;
                log.file.set_rotation(rotation);
            }
            return Ok(log);
        }
        let file = LogFile::open(path, rotation)?;
        let log = ChildLog {
            file,
            main: self.main.clone(),
            stuck: false,
        };
        let log = Rc::new(RefCell::new(log));
        // Now and then: looking at all of them for each would be quadratic in the programs.
        if self.open.len() == self.open.capacity() {
            self.open.retain(|_, log| log.strong_count() > 0);
        }
        self.open.insert(path.to_owned(), Rc::downgrade(&log));
        Ok(log)
    }

    /// Where output goes that nobody wants.
    ///
    /// # Errors
    ///
    /// Whatever opening the null device reports.
    pub fn null(&mut self) -> io::Result<Rc<RefCell<ChildLog>>> {
        self.open(Path::new("/dev/null"), Rotation::default())
    }

    /// Closes and opens every log again; a failure is logged, and that log goes on as before.
    pub fn reopen(&self) {
        for log in self.open.values().filter_map(Weak::upgrade) {
            let file = &mut log.borrow_mut().file;
            if let Err(error) = file.reopen() {
                self.main.error(format_args!(
                    "could not reopen {}: {error}",
                    file.path().display()
                ));
            }
        }
    }

    /// Empties the log at a path: through its writer if it is in use, else the file on disk.
    ///
    /// # Errors
    ///
    /// Whatever removing and opening report; a file that is not there is no error.
    pub fn clear(&self, path: &Path) -> io::Result<()> {
        if let Some(log) = self.get(path) {
            return log.borrow_mut().file.clear();
        }
        if path.try_exists()? {
            LogFile::open(path, Rotation::default())?.clear()?;
        }
        Ok(())
    }

    fn get(&self, path: &Path) -> Option<Rc<RefCell<ChildLog>>> {
        self.open.get(path).and_then(Weak::upgrade)
    }
}

impl ChildLog {
    /// Where it is.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Moves up to `most` bytes from a pipe into the log without looking at them.
    pub fn pour(&mut self, pipe: BorrowedFd<'_>, most: usize) -> Poured {
        if !self.file.takes_splice() {
            return Poured::NeedsCopy;
        }
        match self.file.splice(pipe, most) {
            Ok(0) => Poured::End,
            Ok(count) => self.poured(count),
            Err(error) => match error.raw_os_error() {
                Some(libc::EAGAIN) => Poured::Empty,
                Some(libc::EINTR) => Poured::Bytes(0),
                Some(libc::EINVAL) => Poured::NeedsCopy,
                _ => self.stuck(&error),
            },
        }
    }

    /// Whether others may be in the middle of a line here.
    pub fn takes_turns(&self) -> bool {
        self.file.turn().is_some()
    }

    /// Makes it the turn of whoever keeps `held`, until he drops it.
    ///
    /// # Errors
    ///
    /// What to wait for, when it is somebody else's.
    pub fn hold(&self, held: &mut Option<Held>) -> Result<(), Wait> {
        match self.file.turn() {
            Some(turn) => turn.hold(held),
            None => {
                *held = None;
                Ok(())
            }
        }
    }

    /// Writes the beginning of `bytes`.
    pub fn write(&mut self, bytes: &[u8]) -> Poured {
        match self.file.write(bytes) {
            Ok(0) => self.stuck(&io::ErrorKind::WriteZero.into()),
            Ok(count) => self.poured(count),
            Err(error) => match error.raw_os_error() {
                Some(libc::EINTR) => Poured::Bytes(0),
                Some(libc::EAGAIN) => Poured::Busy(self.file.when_writable()),
                // Whoever read that pipe is gone, and what it has not read nobody can have. Holding
                // it back would only stop the program.
                Some(libc::EPIPE) => {
                    self.complain(&error, "its output is thrown away until somebody reads");
                    Poured::Bytes(bytes.len())
                }
                _ => self.stuck(&error),
            },
        }
    }

    fn poured(&mut self, count: usize) -> Poured {
        if std::mem::take(&mut self.stuck) {
            self.main.info(format_args!(
                "writing to {} again",
                self.file.path().display()
            ));
        }
        if let Some((level, trouble)) = self.file.trouble() {
            self.main.log(level, trouble);
        }
        Poured::Bytes(count)
    }

    fn stuck(&mut self, error: &io::Error) -> Poured {
        self.complain(error, "output waits in its pipe until that works again");
        Poured::Stuck
    }

    /// Says it once, not at every attempt.
    fn complain(&mut self, error: &io::Error, consequence: &str) {
        if !std::mem::replace(&mut self.stuck, true) {
            let path = self.file.path().display();
            self.main.error(format_args!(
                "could not write to {path}: {error}; {consequence}"
            ));
        }
    }
}

impl Drop for ChildLog {
    fn drop(&mut self) {
        let lost = self.file.give_up();
        if lost > 0 {
            let path = self.file.path().display();
            self.main.error(format_args!(
                "{lost} bytes for {path}, which cannot be opened, are lost"
            ));
        }
    }
}
