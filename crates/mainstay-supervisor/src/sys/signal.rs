//! Signals by number: the realtime ones have no name that `nix` would accept.

use nix::errno::Errno;

/// Sends a signal to one process.
///
/// # Errors
///
/// Whatever `kill` reports; a pid that is not positive is `ESRCH`, never a broadcast.
pub fn kill(pid: i32, signal: i32) -> Result<(), Errno> {
    if pid <= 0 {
        return Err(Errno::ESRCH);
    }
    // SAFETY: `kill` takes two integers and touches no memory of ours.
    Errno::result(unsafe { libc::kill(pid, signal) }).map(drop)
}

/// Sends a signal to the process group that `leader` leads.
///
/// # Errors
///
/// As [`kill`].
pub fn kill_group(leader: i32, signal: i32) -> Result<(), Errno> {
    // Group 1 would be "every process there is" in kill(2)'s notation.
    if leader <= 1 {
        return Err(Errno::ESRCH);
    }
    // SAFETY: as in `kill`.
    Errno::result(unsafe { libc::kill(-leader, signal) }).map(drop)
}

/// Makes writes to a closed pipe, and past a file size limit, errors instead of deaths.
///
/// A daemon must survive both. Children get the default dispositions back before they exec.
pub fn ignore_sigpipe_and_sigxfsz() {
    for signal in [libc::SIGPIPE, libc::SIGXFSZ] {
        // SAFETY: SIG_IGN is a valid disposition for both, and no handler of ours is installed.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}
