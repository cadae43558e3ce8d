//! Waiting for a file to change.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd as _, AsRawFd, RawFd};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};
use tokio::io::unix::AsyncFd;

/// What tells when to look again: the kernel, or the clock where the kernel has no watches left.
pub(super) struct Watched {
    inotify: Option<AsyncFd<Descriptor>>,
    name: Option<OsString>,
    file: Option<WatchDescriptor>,
}

impl Watched {
    pub(super) fn new(path: &Path) -> Self {
        let mut watched = Self {
            inotify: Self::directory(path).ok(),
            name: path.file_name().map(OsStr::to_owned),
            file: None,
        };
        watched.file(path);
        watched
    }

    /// Nothing but the clock.
    #[cfg(test)]
    pub(super) fn by_the_clock() -> Self {
        Self {
            inotify: None,
            name: None,
            file: None,
        }
    }

    /// Watches for the name to be given to another file.
    fn directory(path: &Path) -> io::Result<AsyncFd<Descriptor>> {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        let directory = path.parent().filter(|it| !it.as_os_str().is_empty());
        inotify.add_watch(
            directory.unwrap_or(Path::new(".")),
            AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO,
        )?;
        #[expect(
            deprecated,
            reason = "`Descriptor` owns its descriptor and always returns it"
        )]
        AsyncFd::new(Descriptor(inotify))
    }

    /// Watches the file that has the name now.
    pub(super) fn file(&mut self, path: &Path) {
        let Some(fd) = &self.inotify else { return };
        let inotify = &fd.get_ref().0;
        if let Some(old) = self.file.take() {
            // It is gone already when the file is.
            let _ = inotify.rm_watch(old);
        }
        let flags = AddWatchFlags::IN_MODIFY | AddWatchFlags::IN_MOVE_SELF;
        match inotify.add_watch(path, flags) {
            Ok(watch) => self.file = Some(watch),
            // Not there: its coming will be told by the directory.
            Err(Errno::ENOENT) => {}
            Err(_) => self.inotify = None,
        }
    }

    /// Returns when the file may have changed.
    pub(super) async fn changed(&self) {
        let Some(fd) = &self.inotify else {
            return tokio::time::sleep(POLL).await;
        };
        loop {
            let Ok(mut ready) = fd.readable().await else {
                return;
            };
            match fd.get_ref().0.read_events() {
                Ok(events) => {
                    let ours = events.iter().any(|event| {
                        event.name.is_none() || event.name.as_deref() == self.name.as_deref()
                    });
                    if ours {
                        // A program that writes a thousand lines should not wake us for each.
                        return tokio::time::sleep(SETTLE).await;
                    }
                }
                Err(Errno::EAGAIN) => ready.clear_ready(),
                Err(_) => return tokio::time::sleep(POLL).await,
            }
        }
    }
}

struct Descriptor(Inotify);

impl AsRawFd for Descriptor {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

const POLL: Duration = Duration::from_millis(100);
const SETTLE: Duration = Duration::from_millis(5);
