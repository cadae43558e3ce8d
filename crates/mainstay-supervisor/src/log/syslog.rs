//! The system's log, by its socket: the C library's `syslog` keeps state of its own and can block.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

use crate::zone;

/// Writes lines to the system's log with facility USER and priority INFO.
#[derive(Debug)]
pub struct Syslog {
    path: PathBuf,
    identity: String,
    socket: Option<UnixDatagram>,
    held: Vec<u8>,
}

impl Syslog {
    /// Entries under the name of this program.
    pub fn new(identity: impl Into<String>) -> Self {
        let path = PathBuf::from("/dev/log");
        Self {
            path,
            identity: identity.into(),
            socket: None,
            held: Vec::new(),
        }
    }

    /// One entry per line; empty ones are left out.
    ///
    /// # Errors
    ///
    /// The first failure; there may be no system log at all.
    pub fn lines(&mut self, text: &str) -> io::Result<()> {
        text.lines()
            .filter(|line| !line.is_empty())
            .try_for_each(|line| self.send(line))
    }

    /// Output of a process: one entry per line under the process's name, however the lines were cut
    /// into pieces.
    ///
    /// # Errors
    ///
    /// As [`lines`](Self::lines).
    pub fn output(&mut self, process: &str, bytes: &[u8]) -> io::Result<()> {
        self.held.extend_from_slice(bytes);
        let Some(end) = self.held.iter().rposition(|byte| *byte == b'\n') else {
            // A line without an end must not grow without one.
            return if self.held.len() > LONGEST {
                self.flush(process)
            } else {
                Ok(())
            };
        };
        let rest = self.held.split_off(end + 1);
        let whole = std::mem::replace(&mut self.held, rest);
        self.entries(process, &whole)
    }

    /// What is left of a line at the end of the output.
    ///
    /// # Errors
    ///
    /// As [`lines`](Self::lines).
    pub fn flush(&mut self, process: &str) -> io::Result<()> {
        let held = std::mem::take(&mut self.held);
        self.entries(process, &held)
    }

    fn entries(&mut self, process: &str, bytes: &[u8]) -> io::Result<()> {
        let text = String::from_utf8_lossy(bytes);
        let lines = text.lines().filter(|line| !line.is_empty());
        lines
            .map(|line| format!("{process} {line}"))
            .try_for_each(|entry| self.send(&entry))
    }

    fn send(&mut self, entry: &str) -> io::Result<()> {
        let when = zone::now().strftime("%b %e %H:%M:%S").to_string();
        let entry = format!(
            "<{INFO}>{when} {}[{}]: {entry}",
            self.identity,
            std::process::id()
        );
        // The log daemon may have been restarted: once more with a new socket.
        if let Some(socket) = &self.socket
            && socket.send(entry.as_bytes()).is_ok()
        {
            return Ok(());
        }
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        socket.connect(&self.path)?;
        let result = socket.send(entry.as_bytes()).map(drop);
        self.socket = Some(socket);
        result
    }
}

/// Facility USER (1), severity informational (6).
const INFO: u32 = (1 << 3) | 6;
const LONGEST: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn lines_arrive_whole_however_they_were_cut() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("log");
        let receiver = UnixDatagram::bind(&path).unwrap();
        let mut syslog = Syslog {
            path,
            ..Syslog::new("mainstayd")
        };

        for piece in ["one\ntw", "o\n\nthr", "ee"] {
            syslog.output("cat", piece.as_bytes()).unwrap();
        }
        syslog.flush("cat").unwrap();

        let mut buffer = [0; 200];
        for expected in ["cat one", "cat two", "cat three"] {
            let length = receiver.recv(&mut buffer).unwrap();
            let entry = str::from_utf8(&buffer[..length]).unwrap();
            assert!(entry.starts_with("<14>"), "{entry}");
            assert!(
                entry.ends_with(&format!("mainstayd[{}]: {expected}", std::process::id())),
                "{entry}"
            );
        }
    }
}
