//! A file that is appended to and rotated by size.
//!
//! It is not opened with `O_APPEND`, which `splice` refuses. Instead every write goes to where the
//! file ends at that moment, so a file that somebody truncates (`> file`, logrotate's
//! `copytruncate`) goes on from its new end, and several writers of this one-threaded process do
//! not overwrite each other.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileExt as _, FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::errno::Errno;
use nix::fcntl::{SpliceFFlags, splice};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::borrowed::is_ours;
use super::{Turn, Wait};
use crate::config::Level;

mod orphan;

/// When a file is rotated, and what is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rotation {
    /// Rotate once the file has this size; 0: never.
    pub maxbytes: u64,
    /// How many old files are kept; 0: truncate instead.
    pub backups: u32,
}

/// An open log file, or a device or pipe in its place.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    rotation: Rotation,
    file: File,
    kind: Kind,
    /// The right to write to a device or pipe.
    turn: Option<Arc<Turn>>,
    /// After a failed rotation: the size at which it is tried again.
    patience: u64,
    /// The file was removed and cannot be made anew: where that begins which nobody else can read.
    orphan: Option<u64>,
    trouble: Option<(Level, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Has an end, can be rotated and cleared.
    Regular,
    /// Swallows everything.
    Null,
    /// A terminal, pipe or other device. `patient`: a write may have to wait, so ask before.
    Stream { patient: bool },
}

impl LogFile {
    /// Opens a file for appending; creates it if need be, with mode 0666 less the umask.
    ///
    /// # Errors
    ///
    /// Whatever opening reports.
    pub fn open(path: &Path, rotation: Rotation) -> io::Result<Self> {
        Ok(Self::of(path, rotation, open(path, false)?))
    }

    fn of(path: &Path, rotation: Rotation, opened: Opened) -> Self {
        let Opened { file, kind, turn } = opened;
        Self {
            path: path.to_owned(),
            rotation,
            file,
            kind,
            turn,
            patience: 0,
            orphan: None,
            trouble: None,
        }
    }

    /// Our standard output, so that writing to it does not wait; `None` where it is a file, which
    /// never does.
    ///
    /// # Errors
    ///
    /// When there is no descriptor left.
    pub fn stdout() -> io::Result<Option<Self>> {
        let ours = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        if ours.metadata()?.is_file() {
            return Ok(None);
        }
        // Opened anew, for whoever shares ours with us may want to wait.
        let path = Path::new("/proc/self/fd/1");
        let opened = match open(path, false) {
            Ok(opened) => opened,
            Err(_) => Opened::new(ours, Kind::Stream { patient: true })?,
        };
        Ok(Some(Self::of(path, Rotation::default(), opened)))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes other limits from now on.
    pub fn set_rotation(&mut self, rotation: Rotation) {
        self.rotation = rotation;
    }

    /// Closes and opens the same name again: whoever renamed the file has the rest to himself.
    ///
    /// # Errors
    ///
    /// Whatever opening reports; the old file stays in use then.
    pub fn reopen(&mut self) -> io::Result<()> {
        let mut opened = open(&self.path, false)?;
        self.rescue(&mut opened)?;
        self.take(opened);
        Ok(())
    }

    /// Makes sure that this is the file of that name: it may have been removed or renamed.
    ///
    /// # Errors
    ///
    /// Whatever opening reports; the old file stays in use then.
    pub fn refresh(&mut self) -> io::Result<()> {
        if self.kind == Kind::Regular {
            let ours = self.file.metadata()?;
            match fs::metadata(&self.path) {
                Ok(there) if (there.dev(), there.ino()) == (ours.dev(), ours.ino()) => {}
                _ => return self.reopen(),
            }
        }
        Ok(())
    }

    /// Removes the file and begins a new one of the same name. Devices and pipes stay as they are, and
    /// so does what is not ours although it leads to a file, as `/dev/stdout` may.
    ///
    /// # Errors
    ///
    /// Whatever removing and opening report.
    pub fn clear(&mut self) -> io::Result<()> {
        if self.kind != Kind::Regular || !is_ours(&self.path) {
            return Ok(());
        }
        self.orphan = None;
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => self.reopen(),
        }
    }

    /// Whether [`splice`](Self::splice) can be had.
    pub fn takes_splice(&self) -> bool {
        matches!(self.kind, Kind::Regular | Kind::Null)
    }

    /// Moves up to `most` bytes from a pipe to the end of the file, without looking at them.
    ///
    /// # Errors
    ///
    /// `EAGAIN`: the pipe is empty. Anything else: the file does not take them, and they are still
    /// in the pipe.
    pub fn splice(&mut self, pipe: BorrowedFd<'_>, most: usize) -> io::Result<usize> {
        let flags = SpliceFFlags::SPLICE_F_NONBLOCK | SpliceFFlags::SPLICE_F_MOVE;
        if self.kind == Kind::Null {
            return Ok(splice(pipe, None, &self.file, None, most, flags)?);
        }
        let end = self.end()?;
        let mut offset = i64::try_from(end).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let moved = splice(pipe, None, &self.file, Some(&mut offset), most, flags)?;
        self.rotate_if_due(end + moved as u64);
        Ok(moved)
    }

    /// Appends what fits; says how much that was.
    ///
    /// # Errors
    ///
    /// `EAGAIN`: a device or pipe does not take more at the moment. Anything else: the file does not
    /// take them.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.kind {
            Kind::Null => Ok(bytes.len()),
            Kind::Regular => {
                let end = self.end()?;
                let written = self.file.write_at(bytes, end)?;
                self.rotate_if_due(end + written as u64);
                Ok(written)
            }
            Kind::Stream { patient: false } => self.file.write(bytes),
            Kind::Stream { patient: true } => {
                if !self.is_writable() {
                    return Err(Errno::EAGAIN.into());
                }
                // What a pipe takes without waiting once it says that it is writable.
                self.file.write(&bytes[..bytes.len().min(4096)])
            }
        }
    }

    /// What went wrong beside the writing itself (a rotation, mostly), or is well again; once each.
    pub fn trouble(&mut self) -> Option<(Level, String)> {
        self.trouble.take()
    }

    /// The right to write to it, where others may be in the middle of a line; `None` for files.
    pub fn turn(&self) -> Option<&Arc<Turn>> {
        self.turn.as_ref()
    }

    /// What to wait for after `EAGAIN`.
    pub fn when_writable(&self) -> Wait {
        match self.file.as_fd().try_clone_to_owned() {
            Ok(descriptor) => Wait::Writable(descriptor),
            Err(_) => Wait::Later,
        }
    }

    fn is_writable(&self) -> bool {
        let mut fds = [PollFd::new(self.file.as_fd(), PollFlags::POLLOUT)];
        poll(&mut fds, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
    }

    /// Where the next byte goes.
    fn end(&mut self) -> io::Result<u64> {
        let about = self.file.metadata()?;
        if about.nlink() > 0 {
            return Ok(about.len());
        }
        self.replace_removed(about.len())
    }

    fn rotate_if_due(&mut self, size: u64) {
        let due = self.rotation.maxbytes.max(self.patience);
        if self.rotation.maxbytes == 0 || size < due {
            return;
        }
        if self.orphan.is_some() {
            self.limit_orphan(size);
            return;
        }
        match self.rotate() {
            Ok(()) => self.patience = 0,
            Err(error) => {
                // Nothing is lost, the file only grows. Not again at every write.
                self.patience = size.saturating_add(self.rotation.maxbytes);
                self.report(
                    Level::Error,
                    format!("could not rotate {}: {error}", self.path.display()),
                );
            }
        }
    }

    /// `F.1` becomes `F.2`, `F` becomes `F.1`, and `F` is new.
    fn rotate(&mut self) -> io::Result<()> {
        if !is_ours(&self.path) {
            self.rotation.maxbytes = 0;
            return Ok(());
        }
        if self.rotation.backups == 0 {
            return self.file.set_len(0);
        }
        for number in (1..self.rotation.backups).rev() {
            rename(&self.backup(number), &self.backup(number + 1))?;
        }
        rename(&self.path, &self.backup(1))?;
        let opened = open(&self.path, true)?;
        self.take(opened);
        Ok(())
    }

    fn take(&mut self, opened: Opened) {
        (self.file, self.kind, self.turn) = (opened.file, opened.kind, opened.turn);
        (self.patience, self.orphan) = (0, None);
    }

    fn backup(&self, number: u32) -> PathBuf {
        let mut name = OsString::from(&self.path);
        name.push(format!(".{number}"));
        name.into()
    }

    fn report(&mut self, level: Level, trouble: String) {
        self.trouble.get_or_insert((level, trouble));
    }
}

/// What opening gives.
struct Opened {
    file: File,
    kind: Kind,
    turn: Option<Arc<Turn>>,
}

impl Opened {
    fn new(file: File, kind: Kind) -> io::Result<Self> {
        let turn = match kind {
            Kind::Stream { .. } => Some(Turn::at(&file.metadata()?)),
            Kind::Regular | Kind::Null => None,
        };
        Ok(Self { file, kind, turn })
    }
}

/// What vanished meanwhile need not be renamed.
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

fn open(path: &Path, truncate: bool) -> io::Result<Opened> {
    let mut options = OpenOptions::new();
    // O_NONBLOCK has no meaning for a regular file. A pipe must not make the daemon wait, neither
    // for its reader to come nor for its reader to read.
    options
        .write(true)
        .create(true)
        .truncate(truncate)
        .mode(0o666);
    options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    let file = match options.open(path) {
        Ok(file) => file,
        Err(error) => match error.raw_os_error() {
            // A fifo that nobody reads yet: open for reading too, and what it holds waits.
            Some(libc::ENXIO) if is_fifo(path) => options.read(true).open(path)?,
            // Our own output is a socket, or belonged to root before we became somebody else.
            Some(libc::ENXIO | libc::EACCES | libc::EPERM) => {
                let Some(file) = own_output(path) else {
                    return Err(error);
                };
                return Opened::new(file?, Kind::Stream { patient: true });
            }
            _ => return Err(error),
        },
    };
    let about = file.metadata()?;
    let kind = if about.is_file() {
        Kind::Regular
    } else if about.file_type().is_char_device() && about.rdev() == NULL_DEVICE {
        Kind::Null
    } else {
        Kind::Stream { patient: false }
    };
    Opened::new(file, kind)
}

fn is_fifo(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|about| about.file_type().is_fifo())
}

/// A duplicate of our own descriptor, for a path that means it.
fn own_output(path: &Path) -> Option<io::Result<File>> {
    let duplicate = match path.to_str()? {
        "/dev/stdout" | "/dev/fd/1" | "/proc/self/fd/1" => {
            io::stdout().as_fd().try_clone_to_owned()
        }
        "/dev/stderr" | "/dev/fd/2" | "/proc/self/fd/2" => {
            io::stderr().as_fd().try_clone_to_owned()
        }
        _ => return None,
    };
    Some(duplicate.map(File::from))
}

/// `makedev(1, 3)`
const NULL_DEVICE: u64 = 0x103;

#[cfg(test)]
mod tests;
