//! In steady state the pool allocates nothing, and freezing allocates once.

#![expect(unsafe_code, reason = "a global allocator cannot be written without")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    hint::black_box,
};

use mainstay_bufpool::{BufferPool, Sizing};

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

thread_local! {
    /// Of this thread alone: other tests run at the same time. Constant and without a destructor,
    /// so that reading it never allocates.
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
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

fn allocations(work: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

#[test]
fn nothing_for_a_use_and_one_for_freezing() {
    let pool = BufferPool::builder()
        .keep(4)
        .size(Sizing::Fixed(4096))
        .prefill(1)
        .build();
    let a_use = || pool.get().extend_from_slice(black_box(&[7; 4000]));
    let a_freeze = || {
        let mut buf = pool.get();
        buf.extend_from_slice(black_box(&[7; 4000]));
        drop(black_box(buf.freeze()));
    };
    assert_eq!(allocations(|| (0..100).for_each(|_| a_use())), 0);
    assert_eq!(allocations(|| (0..100).for_each(|_| a_freeze())), 100);
    assert_eq!(
        allocations(|| drop(Vec::<u8>::with_capacity(black_box(9)))),
        1,
        "it does count"
    );
}
