//! The pidfile: locked for as long as we live, so that a second daemon notices.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

/// A pidfile that is ours. It is removed when this is dropped, unless it is another's by then.
///
/// The lock belongs to the open file and so survives the fork that daemonizing makes; a killed
/// daemon's lock goes with it, and what it leaves behind keeps nobody from starting.
#[derive(Debug)]
pub(super) struct Pidfile {
    path: PathBuf,
    file: Kept,
}

#[derive(Debug)]
enum Kept {
    Locked(Flock<File>),
    /// A device or a pipe, `/dev/null` most often: it is everybody's, and stays.
    Special(File),
}

/// Why a pidfile is not ours.
#[derive(Debug)]
pub(super) enum Denied {
    /// Another daemon holds it; its pid, if the file tells.
    Taken(Option<u32>),
    /// It cannot be written.
    Unwritable(io::Error),
}

impl Denied {
    /// For people.
    pub(super) fn describe(&self, path: &Path) -> String {
        let path = path.display();
        match self {
            Self::Taken(pid) => {
                let who = pid
                    .map(|pid| format!(" with pid {pid}"))
                    .unwrap_or_default();
                format!(
                    "another daemon{who} holds the pidfile {path}; stop it first, or use another \
                     pidfile"
                )
            }
            Self::Unwritable(error) => format!("could not write pidfile {path}: {error}"),
        }
    }
}

impl Pidfile {
    /// Takes the file without changing what is in it.
    pub(super) fn take(path: &Path) -> Result<Self, Denied> {
        loop {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o644)
                // A pipe that nobody empties must not stop us.
                .custom_flags(nix::libc::O_NONBLOCK)
                .open(path)
                .map_err(Denied::Unwritable)?;
            let about = file.metadata().map_err(Denied::Unwritable)?;
            let file = if about.is_file() {
                let file = lock(file)?;
                // The last owner may have removed it before it let go of the lock.
                if !is_at(path, &about) {
                    continue;
                }
                Kept::Locked(file)
            } else {
                Kept::Special(file)
            };
            return Ok(Self {
                path: path.to_owned(),
                file,
            });
        }
    }

    /// Whether nobody else has the file, which is neither made nor changed.
    pub(super) fn check(path: &Path) -> Result<(), Denied> {
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(nix::libc::O_NONBLOCK)
            .open(path);
        // What is not there, or not readable, is nobody's as far as we can tell.
        match file {
            Ok(file) if file.metadata().is_ok_and(|about| about.is_file()) => lock(file).map(drop),
            _ => Ok(()),
        }
    }

    /// Writes our pid.
    pub(super) fn write(&mut self) -> io::Result<()> {
        let line = format!("{}\n", std::process::id());
        match &mut self.file {
            Kept::Special(file) => file.write_all(line.as_bytes()),
            Kept::Locked(file) => {
                file.set_len(0)?;
                // At the beginning, also after a restart has written it before.
                file.write_all_at(line.as_bytes(), 0)
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Pidfile {
    fn drop(&mut self) {
        if let Kept::Locked(file) = &self.file
            && file.metadata().is_ok_and(|ours| is_at(&self.path, &ours))
        {
            // One that cannot be removed is stale, and no obstacle to anybody.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn lock(file: File) -> Result<Flock<File>, Denied> {
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(mut file, errno)| match errno {
        Errno::EWOULDBLOCK => {
            let mut text = String::new();
            let _ = file.read_to_string(&mut text);
            Denied::Taken(text.trim().parse().ok())
        }
        errno => Denied::Unwritable(errno.into()),
    })
}

/// Whether it is this file that has the name.
fn is_at(path: &Path, about: &Metadata) -> bool {
    fs::metadata(path).is_ok_and(|there| (there.dev(), there.ino()) == (about.dev(), about.ino()))
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

    #[test]
    fn what_is_no_file_is_neither_locked_nor_removed() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("pipe");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let mut reader = OpenOptions::new()
            .read(true)
            .custom_flags(nix::libc::O_NONBLOCK)
            .open(&path)
            .unwrap();

        let mut first = Pidfile::take(&path).unwrap();
        let second = Pidfile::take(&path).unwrap();
        first.write().unwrap();

        let mut said = [0; 32];
        let length = reader.read(&mut said).unwrap();
        let expected = format!("{}\n", std::process::id());
        assert_eq!(said[..length], *expected.as_bytes());
        drop((first, second));
        assert!(path.exists());
    }

    #[test]
    fn a_file_that_another_daemon_put_in_its_place_is_left_to_it() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("pid");
        let ours = Pidfile::take(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let mut theirs = Pidfile::take(&path).unwrap();
        theirs.write().unwrap();

        drop(ours);

        assert!(path.exists());
    }
}
