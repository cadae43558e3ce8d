//! How the allocator of the C library deals with what is large and short-lived.

/// Gives buffers of more than half a megabyte back to the system when they are freed, always.
///
/// By itself glibc begins with a limit of 128 KiB, takes the first such buffer for a sign of more to
/// come, and keeps what it was given from then on: with 500 programs, one question for all of them
/// would cost two thirds of a megabyte for the rest of a daemon's life. To fetch and return a buffer
/// each time takes longer than to fill it, so the limit is above what is asked for all the time with
/// 200 programs.
pub fn give_back_large_buffers() {
    #[cfg(target_env = "gnu")]
    for option in [libc::M_MMAP_THRESHOLD, libc::M_TRIM_THRESHOLD] {
        // SAFETY: changes a number of the allocator under its lock. If it refuses, all is as before.
        unsafe { libc::mallopt(option, LARGE) };
    }
}

#[cfg(target_env = "gnu")]
const LARGE: libc::c_int = 512 << 10;
