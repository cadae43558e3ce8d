//! The shell's memory: a plain file, one line each, as GNU readline keeps it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

/// The file of `history_file`, shared with the original shell.
#[derive(Debug)]
pub(super) struct HistoryFile(PathBuf);

impl HistoryFile {
    pub(super) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// What was typed in earlier sessions; nothing, where there is no file yet.
    pub(super) fn lines(&self) -> io::Result<Vec<String>> {
        match fs::read(&self.0) {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes)
                .lines()
                .map(str::to_owned)
                .collect()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Adds a line. At once, so that the end of the terminal loses nothing; readable by its owner
    /// only, because passwords end up in such files.
    pub(super) fn append(&self, line: &str) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.0)?;
        writeln!(file, "{line}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_outlive_the_session() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history");

        assert!(HistoryFile::new(path.clone()).lines().unwrap().is_empty());
        HistoryFile::new(path.clone()).append("status").unwrap();
        HistoryFile::new(path.clone())
            .append("tail -f web")
            .unwrap();

        assert_eq!(
            HistoryFile::new(path).lines().unwrap(),
            ["status", "tail -f web"]
        );
    }
}
