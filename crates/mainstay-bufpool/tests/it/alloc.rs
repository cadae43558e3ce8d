//! In steady state the pool allocates nothing, and freezing allocates once.

use std::hint::black_box;

use mainstay_bufpool::{BufferPool, Sizing};
use test_support::allocations::{Counting, count};

#[global_allocator]
static COUNTING: Counting = Counting;

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
    assert_eq!(count(|| (0..100).for_each(|_| a_use())), 0);
    assert_eq!(count(|| (0..100).for_each(|_| a_freeze())), 100);
    assert_eq!(
        count(|| drop(Vec::<u8>::with_capacity(black_box(9)))),
        1,
        "it does count"
    );
}
