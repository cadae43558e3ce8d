//! The pidfile: locked for as long as we live, so that a second daemon notices.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};

/// A pidfile that is ours. It is removed when this is dropped.
///
/// The lock belongs to the open file and so survives the fork that daemonizing makes; a killed
/// daemon's lock goes with it, and what it leaves behind keeps nobody from starting.
#[derive(Debug)]
pub(super) struct Pidfile {
    path: PathBuf,
    file: Flock<File>,
}

/// Why a pidfile is not ours.
#[derive(Debug)]
pub(super) enum Denied {
    /// Another daemon holds it; its pid, if the file tells.
    Taken(Option<u32>),
    /// It cannot be written.
    Unwritable(io::Error),
}

impl Pidfile {
    /// Takes the file without changing what is in it.
    pub(super) fn take(path: &Path) -> Result<Self, Denied> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o644)
            .open(path)
            .map_err(Denied::Unwritable)?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(file) => Ok(Self {
                path: path.to_owned(),
                file,
            }),
            Err((mut file, nix::errno::Errno::EWOULDBLOCK)) => {
                let mut text = String::new();
                let _ = file.read_to_string(&mut text);
                Err(Denied::Taken(text.trim().parse().ok()))
            }
            Err((_, errno)) => Err(Denied::Unwritable(errno.into())),
        }
    }

    /// Writes our pid.
    pub(super) fn write(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        // At the beginning, also after a restart has written it before.
        self.file
            .write_all_at(format!("{}\n", std::process::id()).as_bytes(), 0)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Pidfile {
    fn drop(&mut self) {
        // Someone who removed it before us wanted the same.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_second_taker_is_told_who_has_it_and_changes_nothing() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("pid");
        fs::write(&path, "123456789 stale and long\n").unwrap();
        let mut first = Pidfile::take(&path).unwrap();
        first.write().unwrap();
        first.write().unwrap();
        let expected = format!("{}\n", std::process::id());
        assert_eq!(fs::read_to_string(&path).unwrap(), expected);

        match Pidfile::take(&path) {
            Err(Denied::Taken(pid)) => assert_eq!(pid, Some(std::process::id())),
            other => panic!("{other:?}"),
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), expected);

        drop(first);
        assert!(!path.exists());
    }

    #[test]
    fn a_file_that_cannot_be_written_is_another_matter() {
        let denied = Pidfile::take(Path::new("/proc/no/such/pidfile")).unwrap_err();
        assert!(matches!(denied, Denied::Unwritable(_)), "{denied:?}");
    }
}
