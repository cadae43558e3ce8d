//! Registering a descriptor with the runtime.

use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Watches a descriptor for readiness. Must be called on a runtime.
///
/// # Errors
///
/// When the kernel cannot watch it: a regular file, no memory, too many watches.
pub fn watch(descriptor: Rc<OwnedFd>, interest: Interest) -> io::Result<AsyncFd<Rc<OwnedFd>>> {
    // SAFETY: `AsyncFd` owns a share of the descriptor, so it stays open, and the same file, for as
    // long as it is registered. `Rc<OwnedFd>` gives the same number at every call.
    let registered = unsafe { AsyncFd::register_with_interest(descriptor, interest) };
    registered.map_err(|error| error.into_parts().1)
}
