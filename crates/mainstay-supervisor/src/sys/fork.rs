//! Fork and exec, with everything prepared before the fork.
//!
//! Between `fork` and `exec` the child may only do what a signal handler may do, because another
//! thread could have held any lock (the allocator's, most of all) at the moment of the fork. So:
//! no allocation, no environment access, no name lookups; every string exists before.
//!
//! It is a `fork` and not a `vfork` (or `CLONE_VM`), although that copies page tables and the table of
//! descriptors. A `vfork` holds the parent until the child has executed, and the child goes to a
//! directory and reads a file before, either of which may lie on a server that does not answer: one
//! program's dead mount would stop the supervision of all others. And it is a tenth of what a start
//! costs: of the time of starting 500 programs, a quarter went into making their log files.

use std::ffi::{CStr, CString};
use std::fmt::{self, Write as _};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use nix::errno::Errno;
use nix::sys::signal::SigSet;

/// What the child becomes.
#[derive(Debug)]
pub struct Exec<'a> {
    /// The file to execute.
    pub path: &'a CStr,
    /// The command line, with `argv[0]`.
    pub argv: &'a [CString],
    /// `KEY=value` strings.
    pub environment: &'a [CString],
    /// Becomes descriptor 0. All three must be above 2.
    pub stdin: BorrowedFd<'a>,
    /// Becomes descriptor 1.
    pub stdout: BorrowedFd<'a>,
    /// Becomes descriptor 2.
    pub stderr: BorrowedFd<'a>,
    /// Whom to become; `None`: nobody else.
    pub identity: Option<&'a Identity>,
    /// Where to go, with the rights of that user.
    pub directory: Option<&'a CStr>,
    /// The file mode mask to set.
    pub umask: Option<u32>,
    /// The soft limit of descriptors to set.
    pub descriptors: Option<u64>,
}

/// A user to become, looked up before the fork.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// uid
    pub uid: u32,
    /// primary gid
    pub gid: u32,
    /// Supplementary groups; or why the user cannot be had, which the child will say and exit.
    pub groups: Result<Vec<u32>, String>,
}

/// Forks and executes; returns the child's pid.
///
/// The child leads a process group of its own, has every signal at its default disposition with an
/// empty mask, and no descriptor of ours above 2. What fails after the fork is said on the child's
/// descriptor 2, and the child exits with status 127.
///
/// # Errors
///
/// What `fork` reports: `EAGAIN` when there are too many processes, `ENOMEM`.
pub fn spawn(exec: &Exec<'_>) -> Result<i32, Errno> {
    let argv = pointers(exec.argv);
    let environment = pointers(exec.environment);
    // No handler of ours may run in the child: tokio's would write into the pipe that parent and
    // child share. So all signals wait until the child has reset them.
    let before = SigSet::all().thread_swap_mask(nix::sys::signal::SigmaskHow::SIG_SETMASK)?;
    // SAFETY: the child calls only async-signal-safe functions until it execs or exits (argued in
    // `become_it`), so it does not matter what locks other threads hold.
    let pid = Errno::result(unsafe { libc::fork() });
    if pid == Ok(0) {
        become_it(exec, &argv, &environment);
    }
    before.thread_set_mask()?;
    pid
}

/// A null-terminated array of pointers into `strings`, which must outlive it.
fn pointers(strings: &[CString]) -> Vec<*const libc::c_char> {
    strings
        .iter()
        .map(|s| s.as_ptr())
        .chain([ptr::null()])
        .collect()
}

/// The child's side. Every call in here is on the list of signal-safety(7), or is a plain system
/// call wrapper that takes no lock (`setgroups`, `close_range`); formatting goes to the stack.
fn become_it(
    exec: &Exec<'_>,
    argv: &[*const libc::c_char],
    environment: &[*const libc::c_char],
) -> ! {
    // SAFETY: integers only. Failure would mean that we lead a session, which a fresh child does
    // not.
    unsafe { libc::setpgid(0, 0) };
    for (target, fd) in [(0, exec.stdin), (1, exec.stdout), (2, exec.stderr)] {
        // SAFETY: the source is open, borrowed from the caller, and above 2, so that no dup2 of
        // this loop can have overwritten it.
        if unsafe { libc::dup2(fd.as_raw_fd(), target) } < 0 {
            give_up();
        }
    }
    // Ours are close-on-exec; this is for what our own parent left open.
    // SAFETY: integers only; nothing in this process uses a descriptor above 2 from here on. An
    // old kernel answers ENOSYS, which leaves the descriptors that were inherited: no worse than
    // the parent that left them.
    unsafe {
        libc::syscall(
            libc::SYS_close_range,
            3 as libc::c_uint,
            libc::c_uint::MAX,
            0 as libc::c_uint,
        )
    };

    if let Some(soft) = exec.descriptors {
        limit_descriptors(soft);
    }
    if let Some(identity) = exec.identity {
        assume(identity);
    }
    if let Some(directory) = exec.directory {
        // SAFETY: a valid C string that the caller keeps.
        if unsafe { libc::chdir(directory.as_ptr()) } < 0 {
            let error = Errno::last();
            complain(format_args!(
                "couldn't chdir to {}: {error:?}",
                Raw(directory)
            ));
        }
    }
    if let Some(umask) = exec.umask {
        // SAFETY: cannot fail.
        unsafe { libc::umask(umask as libc::mode_t) };
    }
    reset_signals();
    // SAFETY: both arrays end with a null pointer and point to C strings that the caller keeps.
    unsafe { libc::execve(exec.path.as_ptr(), argv.as_ptr(), environment.as_ptr()) };
    let error = Errno::last();
    let word = exec.argv.first().map_or(exec.path, |word| word.as_c_str());
    complain(format_args!("couldn't exec {}: {error:?}", Raw(word)));
}

/// Sets the soft limit and leaves the hard one. Lowering cannot be refused.
fn limit_descriptors(soft: u64) {
    // SAFETY: both calls get a pointer to one live struct; `prlimit` would do, but is Linux's alone.
    unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        if libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) == 0 {
            limit.rlim_cur = soft;
            libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
        }
    }
}

/// Becomes another user, or says why not and exits.
fn assume(identity: &Identity) {
    let uid = identity.uid;
    let groups = match &identity.groups {
        Ok(groups) => groups,
        Err(reason) => complain(format_args!("couldn't setuid to {uid}: {reason}")),
    };
    // SAFETY: pointer and length describe one live slice; `gid_t` is `u32`.
    if unsafe { libc::setgroups(groups.len(), groups.as_ptr()) } < 0 {
        complain(format_args!(
            "couldn't setuid to {uid}: Could not set groups of effective user"
        ));
    }
    // SAFETY: integers only.
    if unsafe { libc::setgid(identity.gid) } < 0 {
        complain(format_args!(
            "couldn't setuid to {uid}: Could not set group id of effective user"
        ));
    }
    // SAFETY: integers only.
    if unsafe { libc::setuid(uid) } < 0 {
        let error = Errno::last();
        complain(format_args!("couldn't setuid to {uid}: {error:?}"));
    }
}

/// Default dispositions for everything, then an empty mask: what waited meanwhile acts now.
fn reset_signals() {
    for signal in 1..=64 {
        // SAFETY: SIG_DFL is valid for every signal; where it is refused (SIGKILL, SIGSTOP) nothing
        // changes.
        let old = unsafe { libc::signal(signal, libc::SIG_DFL) };
        if old == libc::SIG_ERR {
            reset_in_the_kernel(signal);
        }
    }
    // SAFETY: `sigemptyset` initialises the set before `sigprocmask` reads it.
    unsafe {
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut());
    }
}

/// For the two signals that the C library keeps to itself, which a parent may have ignored.
fn reset_in_the_kernel(signal: libc::c_int) {
    // All zero is SIG_DFL without flags, and as large as any architecture's `struct sigaction`.
    let default = [0_u64; 16];
    // SAFETY: the kernel reads a structure smaller than the array, and writes nothing back.
    unsafe {
        let nothing = ptr::null_mut::<u64>();
        libc::syscall(
            libc::SYS_rt_sigaction,
            signal,
            default.as_ptr(),
            nothing,
            8_usize,
        );
    }
}

/// Says why there is no child, and is none.
fn complain(reason: fmt::Arguments<'_>) -> ! {
    let mut line = Line {
        bytes: [0; 1024],
        length: 0,
    };
    // A reason too long for the buffer is cut, which `Line` reports by an error: the beginning
    // says enough.
    let _ = writeln!(line, "supervisor: {reason}");
    line.send();
    give_up();
}

fn give_up() -> ! {
    let mut line = Line {
        bytes: [0; 1024],
        length: 0,
    };
    let _ = line.write_str("supervisor: child process was not spawned\n");
    line.send();
    // SAFETY: no preconditions; no destructor of the parent's values may run here.
    unsafe { libc::_exit(127) };
}

/// A line on the stack: the heap is out of bounds here.
struct Line {
    bytes: [u8; 1024],
    length: usize,
}

impl Line {
    fn send(&self) {
        // SAFETY: pointer and length describe the initialised beginning of one array.
        unsafe { libc::write(2, self.bytes.as_ptr().cast(), self.length) };
    }
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = &mut self.bytes[self.length..];
        let taken = text.len().min(room.len());
        room[..taken].copy_from_slice(&text.as_bytes()[..taken]);
        self.length += taken;
        if taken == text.len() {
            Ok(())
        } else {
            Err(fmt::Error)
        }
    }
}

/// A C string as it is, without the allocation that a lossy conversion makes.
struct Raw<'a>(&'a CStr);

impl fmt::Display for Raw<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.to_bytes().utf8_chunks() {
            f.write_str(chunk.valid())?;
            if !chunk.invalid().is_empty() {
                f.write_char('\u{fffd}')?;
            }
        }
        Ok(())
    }
}
