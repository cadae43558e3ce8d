//! Collecting children. The only `waitpid` of the program.
//!
//! `nix` cannot do it: for a death by a realtime signal its `waitpid` returns an error after the
//! child is gone, and the pid with it.

use crate::process::Exit;

/// A child that has exited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reaped {
    /// Its pid, free for reuse by now.
    pub pid: i32,
    /// How it ended.
    pub exit: Exit,
}

/// Collects one exited child, ours or an orphan that we inherited; `None` when there is none.
pub fn reap() -> Option<Reaped> {
    loop {
        let mut status: libc::c_int = 0;
        // SAFETY: the pointer is valid for the call, which writes one `int` through it.
        let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) };
        if pid <= 0 {
            return None;
        }
        if libc::WIFEXITED(status) {
            return Some(Reaped {
                pid,
                exit: Exit::Status(libc::WEXITSTATUS(status)),
            });
        }
        if libc::WIFSIGNALED(status) {
            let (signal, core) = (libc::WTERMSIG(status), libc::WCOREDUMP(status));
            return Some(Reaped {
                pid,
                exit: Exit::Signal { signal, core },
            });
        }
        // Stopped or continued: without WUNTRACED only a tracer would see this. Not an exit.
    }
}
