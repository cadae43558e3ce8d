//! Lines on their way into a file, device or pipe that may take them later.
//!
//! The main log never waits: what is not taken now is kept in order and written when there is room,
//! so that neither a stopped reader nor a full disk keeps the daemon from its work.

use std::io;

use super::{Held, LogFile, Wait};

/// A file and what it has not taken yet.
#[derive(Debug)]
pub(super) struct Backlog {
    file: LogFile,
    /// `bytes[written..]` is still to be written.
    bytes: Vec<u8>,
    written: usize,
    turn: Option<Held>,
}

impl Backlog {
    pub(super) const fn new(file: LogFile) -> Self {
        Self {
            file,
            bytes: Vec::new(),
            written: 0,
            turn: None,
        }
    }

    pub(super) const fn file(&self) -> &LogFile {
        &self.file
    }

    pub(super) const fn file_mut(&mut self) -> &mut LogFile {
        &mut self.file
    }

    /// Adds a line; false if too much is waiting already.
    pub(super) fn push(&mut self, line: &[u8]) -> bool {
        let waiting = self.bytes.len() - self.written;
        if waiting > 0 && waiting + line.len() > MOST {
            return false;
        }
        if self.written > KEPT {
            self.bytes.drain(..self.written);
            self.written = 0;
        }
        self.bytes.extend_from_slice(line);
        true
    }

    /// Takes the last line back, if nothing of it is written.
    pub(super) fn take_back(&mut self, line: &[u8]) -> bool {
        let waits = self.bytes[self.written..].ends_with(line);
        if waits {
            self.bytes.truncate(self.bytes.len() - line.len());
        }
        waits
    }

    /// Takes over what another one has not written.
    pub(super) fn inherit(&mut self, other: &Self) {
        self.bytes.extend_from_slice(&other.bytes[other.written..]);
    }

    /// How many lines wait.
    pub(super) fn waiting(&self) -> u64 {
        let bytes = self.bytes[self.written..].iter();
        bytes.filter(|byte| **byte == b'\n').count() as u64
    }

    /// Writes as much as is taken now; says what to wait for if that is not all. Where the reader of a
    /// pipe has gone, what it has not read is `lost`, in lines.
    pub(super) fn flush(&mut self, lost: &mut u64) -> Option<Wait> {
        while self.written < self.bytes.len() {
            if let Some(turn) = self.file.turn()
                && let Err(wait) = turn.hold(&mut self.turn)
            {
                return Some(wait);
            }
            match self.file.write(&self.bytes[self.written..]) {
                Ok(count) if count > 0 => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Some(self.file.when_writable());
                }
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                    *lost += self.waiting();
                    break;
                }
                _ => {
                    self.turn = None;
                    return Some(Wait::Later);
                }
            }
        }
        self.turn = None;
        self.bytes.clear();
        self.bytes.shrink_to(KEPT);
        self.written = 0;
        None
    }
}

/// How much may wait.
const MOST: usize = 1 << 20;
/// How much memory is kept for the next time.
const KEPT: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read as _;

    use nix::sys::stat::Mode;
    use tempfile::TempDir;

    use super::*;
    use crate::log::Rotation;

    #[test]
    fn what_a_pipe_does_not_take_waits_and_beyond_that_is_refused() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("fifo");
        nix::unistd::mkfifo(&path, Mode::S_IRWXU).unwrap();
        let mut reader = File::options().read(true).write(true).open(&path).unwrap();
        let mut log = Backlog::new(LogFile::open(&path, Rotation::default()).unwrap());
        let mut lost = 0;
        let mut expected = Vec::new();
        let mut refused = 0;
        for number in 0..20_000 {
            let line = format!("{number:0>99}\n");
            if log.push(line.as_bytes()) {
                expected.extend_from_slice(line.as_bytes());
            } else {
                refused += 1;
            }
            log.flush(&mut lost);
        }
        assert!(refused > 0 && expected.len() > MOST);

        let mut got = vec![0; expected.len()];
        let mut end = 0;
        while end < got.len() {
            let most = got.len().min(end + 4096);
            end += reader.read(&mut got[end..most]).unwrap();
            log.flush(&mut lost);
        }
        assert!(got == expected);
        assert_eq!((log.waiting(), lost), (0, 0));
    }

    #[test]
    fn a_reader_that_has_gone_is_not_waited_for() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("fifo");
        nix::unistd::mkfifo(&path, Mode::S_IRWXU).unwrap();
        let reader = File::options().read(true).write(true).open(&path).unwrap();
        let mut log = Backlog::new(LogFile::open(&path, Rotation::default()).unwrap());
        drop(reader);
        let mut lost = 0;
        assert!(log.push(b"one\ntwo\n"));
        assert!(log.flush(&mut lost).is_none());
        assert_eq!((log.waiting(), lost), (0, 2));
    }
}
