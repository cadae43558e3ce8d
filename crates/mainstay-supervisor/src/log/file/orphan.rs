//! A file that was removed, with its directory, while we write to it.
//!
//! It goes on without a name, and nobody else can read it. When it can be made anew, what was written
//! meanwhile is copied over; nothing is lost.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::fd::AsRawFd as _;

use super::{Kind, LogFile, Opened};
use crate::config::Level;

impl LogFile {
    /// The file has no name any more, and `length` bytes. Returns where the next byte goes, in a new
    /// file or, for as long as there can be none, in this one.
    pub(super) fn replace_removed(&mut self, length: u64) -> io::Result<u64> {
        let known = self.orphan.is_some();
        self.orphan.get_or_insert(length);
        let path = self.path.display().to_string();
        match self.reopen() {
            Ok(()) => {
                if known {
                    self.report(Level::Info, format!("writing to {path} again"));
                }
                Ok(self.file.metadata()?.len())
            }
            Err(error) => {
                if !known {
                    self.report(
                        Level::Error,
                        format!(
                            "could not open {path} again: {error}; what is written is kept until \
                             that works"
                        ),
                    );
                }
                Ok(length)
            }
        }
    }

    /// Copies what only the removed file has.
    pub(super) fn rescue(&mut self, into: &mut Opened) -> io::Result<()> {
        let Some(from) = self.orphan else {
            return Ok(());
        };
        let length = self.file.metadata()?.len();
        if from >= length || into.kind != Kind::Regular {
            return Ok(());
        }
        let mut old = File::open(format!("/proc/self/fd/{}", self.file.as_raw_fd()))?;
        old.seek(SeekFrom::Start(from))?;
        let before = into.file.seek(SeekFrom::End(0))?;
        let copied = io::copy(&mut old.take(length - from), &mut into.file);
        if copied.is_err() {
            // The disk is full, perhaps. It goes on from there.
            let copied = into.file.stream_position()?.saturating_sub(before);
            self.orphan = Some(from.saturating_add(copied));
        }
        copied.map(drop)
    }

    /// A file with a name would have been rotated, and the oldest would have gone by now.
    pub(super) fn limit_orphan(&mut self, size: u64) {
        let files = u64::from(self.rotation.backups) + 1;
        let most = self.rotation.maxbytes.saturating_mul(files);
        let held = size.saturating_sub(self.orphan.unwrap_or(0));
        if held >= most && self.file.set_len(0).is_ok() {
            self.orphan = Some(0);
            let path = self.path.display();
            let trouble =
                format!("{held} bytes for {path}, which cannot be opened, are thrown away");
            self.report(Level::Error, trouble);
        }
    }

    /// How many bytes go with this, because they are in a removed file that still cannot be made
    /// anew.
    pub fn give_up(&mut self) -> u64 {
        let Some(from) = self.orphan else { return 0 };
        if self.reopen().is_ok() {
            return 0;
        }
        let length = self.file.metadata().map_or(0, |about| about.len());
        length.saturating_sub(self.orphan.unwrap_or(from))
    }
}
