//! The heap as a whole.

/// Gives what was freed back to the system. Worth it after something large and short-lived, such as
/// reading a configuration; where the C library has no call for it, nothing happens.
pub fn trim_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: no preconditions, and it may be called from any thread: it takes the allocator's locks
    // as `free` does and touches only memory that nobody owns.
    unsafe {
        libc::malloc_trim(0)
    };
}
