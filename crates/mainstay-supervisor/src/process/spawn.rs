//! Making a child: its pipes, its user, its environment, the fork.

use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::{Gid, Uid, User, geteuid, getgrouplist, pipe2};

use super::{Command, Surroundings};
use crate::config;
use crate::sys::{self, Exec, Identity};

/// Both ends of the pipes between the daemon and one child.
#[derive(Debug)]
pub struct Pipes {
    /// Where the daemon writes the child's input.
    pub stdin: OwnedFd,
    /// Where the daemon reads the child's output.
    pub stdout: OwnedFd,
    /// Where it reads the child's errors, unless they come with the output.
    pub stderr: Option<OwnedFd>,
    /// What becomes the child's descriptors 0, 1 and 2.
    pub child: [OwnedFd; 3],
}

impl Pipes {
    /// Opens them; the daemon's ends do not block.
    ///
    /// # Errors
    ///
    /// `EMFILE` or `ENFILE`, for the most part.
    pub fn open(redirect_stderr: bool) -> Result<Self, Errno> {
        let (child_in, stdin) = pipe2(OFlag::O_CLOEXEC)?;
        let (stdout, child_out) = pipe2(OFlag::O_CLOEXEC)?;
        let (stderr, child_err) = if redirect_stderr {
            (None, child_out.try_clone().map_err(|error| errno(&error))?)
        } else {
            let (stderr, child_err) = pipe2(OFlag::O_CLOEXEC)?;
            (Some(stderr), child_err)
        };
        for end in [&stdin, &stdout].into_iter().chain(&stderr) {
            nonblocking(end)?;
        }
        Ok(Self {
            stdin,
            stdout,
            stderr,
            child: [child_in, child_out, child_err],
        })
    }
}

/// Makes a descriptor answer `EAGAIN` instead of waiting.
pub(super) fn nonblocking(descriptor: &OwnedFd) -> Result<(), Errno> {
    let flags = OFlag::from_bits_retain(fcntl(descriptor, FcntlArg::F_GETFL)?);
    fcntl(descriptor, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK)).map(drop)
}

/// Forks the child. Its ends of the pipes are to be closed here afterwards.
///
/// # Errors
///
/// What `fork` reports; `EINVAL` for a directory with a zero byte in its name.
pub fn spawn(
    process: &config::Process,
    command: &Command,
    surroundings: &Surroundings,
    pipes: &[OwnedFd; 3],
) -> Result<i32, Errno> {
    let environment = surroundings.environment(process);
    let identity = process.user.as_ref().and_then(identity);
    let directory = process
        .directory
        .as_ref()
        .map(|directory| CString::new(directory.as_os_str().as_bytes()))
        .transpose()
        .map_err(|_| Errno::EINVAL)?;
    let [stdin, stdout, stderr] = pipes;
    sys::spawn(&Exec {
        path: &command.path,
        argv: &command.argv,
        environment: &environment,
        stdin: stdin.as_fd(),
        stdout: stdout.as_fd(),
        stderr: stderr.as_fd(),
        identity: identity.as_ref(),
        directory: directory.as_deref(),
        umask: process.umask,
        descriptors: surroundings.descriptors,
    })
}

/// What it takes to become a user; `None` when that is who we are.
///
/// The groups come from the system's own lookup, which directory services answer as well, and are
/// found before the fork: a child must not take the locks that this takes.
pub fn identity(user: &config::User) -> Option<Identity> {
    let present = geteuid();
    if present.as_raw() == user.uid {
        return None;
    }
    let groups = if present.is_root() {
        groups_of(user)
    } else {
        Err("Can't drop privilege as nonroot user".to_owned())
    };
    Some(Identity {
        uid: user.uid,
        gid: user.gid,
        groups,
    })
}

fn groups_of(user: &config::User) -> Result<Vec<u32>, String> {
    let known = User::from_uid(Uid::from_raw(user.uid)).ok().flatten();
    let known = known.ok_or_else(|| format!("Can't find uid {}", user.uid))?;
    let name = CString::new(known.name).map_err(|_| format!("Can't find uid {}", user.uid))?;
    let groups = getgrouplist(&name, Gid::from_raw(user.gid))
        .map_err(|_| "Could not set groups of effective user".to_owned())?;
    Ok(groups.into_iter().map(Gid::as_raw).collect())
}

fn errno(error: &std::io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}
