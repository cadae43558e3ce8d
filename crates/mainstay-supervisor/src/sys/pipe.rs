//! Looking into a pipe.

use std::os::fd::{AsFd, AsRawFd};

/// How many bytes are waiting in a pipe; 0 when the system will not say.
pub fn pending(pipe: impl AsFd) -> usize {
    let mut count: libc::c_int = 0;
    // SAFETY: FIONREAD writes one `int` through the pointer, which is valid for the whole call;
    // the descriptor is borrowed and so open.
    let result = unsafe { libc::ioctl(pipe.as_fd().as_raw_fd(), libc::FIONREAD, &raw mut count) };
    if result < 0 {
        0
    } else {
        usize::try_from(count).unwrap_or(0)
    }
}
