//! How often a thread allocates.
//!
//! ```
//! use test_support::allocations::{Counting, count};
//!
//! #[global_allocator]
//! static ALLOCATOR: Counting = Counting;
//!
//! assert_eq!(count(|| drop(Box::new(7))), 1);
//! ```

#![expect(unsafe_code, reason = "a global allocator cannot be written without")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, counting. A test binary makes it its `#[global_allocator]`.
#[derive(Clone, Copy, Debug)]
pub struct Counting;

thread_local! {
    /// Of this thread alone: other tests run at the same time. Constant and without a destructor,
    /// so that reading it never allocates.
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

/// How often this thread has allocated so far.
#[must_use]
pub fn so_far() -> usize {
    ALLOCATIONS.get()
}

/// How often `work` allocates.
pub fn count(work: impl FnOnce()) -> usize {
    let before = so_far();
    work();
    so_far() - before
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is the same, and `at` came from `System`.
        unsafe { System.dealloc(at, layout) }
    }
}
