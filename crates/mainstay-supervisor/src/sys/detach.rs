//! Leaving the terminal: one fork, the parent gone at once, a session of our own.

use nix::errno::Errno;

/// Forks; the parent exits with status 0 at once, and what returns is the child, in a new session.
///
/// Must be called while the process has one thread: before any runtime is built. Descriptors,
/// locks by `flock` and bound sockets go over to the child.
///
/// # Errors
///
/// Whatever `fork` or `setsid` report.
pub fn detach() -> Result<(), Errno> {
    // SAFETY: the caller has one thread, so no lock can be held by another at this moment, and the
    // child may go on using everything that the parent could.
    let pid = Errno::result(unsafe { libc::fork() })?;
    if pid != 0 {
        // SAFETY: `_exit` has no preconditions. It runs no destructors, which is the point: the
        // sockets and the pidfile belong to the child now, and nobody may unlink them.
        unsafe { libc::_exit(0) };
    }
    nix::unistd::setsid()?;
    Ok(())
}
