use std::{fmt::Write as _, panic};

use bytes::Bytes;
use mainstay_bufpool::{BufferPool, Sizing};

const SIZE: usize = 1000;

fn pool(keep: usize) -> BufferPool {
    BufferPool::builder()
        .keep(keep)
        .size(Sizing::Fixed(SIZE))
        .build()
}

#[test]
fn get_on_an_empty_pool_makes_a_buffer_of_the_size() {
    let pool = pool(2);
    let buf = pool.get();
    assert!(buf.is_empty());
    assert!(buf.capacity() >= SIZE);
    assert_eq!((pool.stats().misses, pool.stats().in_use), (1, 1));
}

#[test]
fn one_more_return_than_places_keeps_as_many_as_places() {
    let pool = pool(4);
    let out: Vec<_> = (0..5).map(|_| pool.get()).collect();
    drop(out); // the fifth finds the pool full and must not wait

    let stats = pool.stats();
    assert_eq!(
        (stats.kept, stats.returned, stats.discarded_full),
        (4, 5, 1)
    );
    assert_eq!(stats.in_use, 0);
}

#[test]
fn bytes_bound_the_pool_before_places_do() {
    let pool = BufferPool::builder()
        .keep(64)
        .keep_bytes(3 * SIZE + SIZE / 2)
        .size(Sizing::Fixed(SIZE))
        .build();
    drop((0..8).map(|_| pool.get()).collect::<Vec<_>>());

    let stats = pool.stats();
    assert_eq!(
        (stats.kept, stats.kept_bytes, stats.discarded_full),
        (3, 3 * SIZE, 5)
    );
}

#[test]
fn a_pool_that_keeps_nothing_still_hands_out() {
    for pool in [pool(0), BufferPool::builder().keep_bytes(0).build()] {
        pool.get().push(1);
        assert_eq!((pool.stats().kept, pool.stats().discarded_full), (0, 1));
    }
}

#[test]
fn a_buffer_comes_back_empty_and_is_the_same_one() {
    let pool = pool(1);
    let mut buf = pool.get();
    buf.extend_from_slice(b"of someone else");
    let address = buf.as_ptr();
    drop(buf);

    let again = pool.get();
    assert!(again.is_empty());
    assert_eq!(again.as_ptr(), address);
    assert_eq!(pool.stats().hits, 1);
}

#[test]
fn what_may_grow_how_far() {
    // capacity at return, strict: kept?
    let cases = [
        (SIZE, false, true),
        (SIZE * 2, false, true),
        (SIZE * 2 + 1, false, false),
        (SIZE, true, true),
        (SIZE + 1, true, false),
        (SIZE - 1, false, false),
    ];
    for (capacity, strict, kept) in cases {
        let builder = BufferPool::builder().size(Sizing::Fixed(SIZE));
        let pool = if strict { builder.strict() } else { builder }.build();
        pool.adopt(Vec::with_capacity(capacity));
        assert_eq!(
            pool.stats().kept == 1,
            kept,
            "capacity {capacity}, strict {strict}"
        );
        assert_eq!(pool.stats().discarded(), u64::from(!kept));
    }
}

#[test]
fn an_oversized_buffer_is_dropped_and_not_replaced() {
    let pool = pool(4);
    pool.get().resize(10 * SIZE, 0);
    let stats = pool.stats();
    assert_eq!((stats.kept, stats.discarded_oversized), (0, 1));
}

#[test]
fn a_grown_buffer_that_is_hardly_used_is_let_go() {
    let pool = pool(1);
    pool.get().resize(2 * SIZE, 0); // grows, and is kept
    assert_eq!(pool.stats().kept_bytes, 2 * SIZE);

    for _ in 0..7 {
        pool.get().resize(SIZE / 4, 0);
    }
    pool.get().resize(SIZE, 0); // a large answer in between starts the count again
    for _ in 0..7 {
        pool.get().resize(SIZE / 4, 0);
    }
    assert_eq!(pool.stats().discarded_underused, 0);

    pool.get().resize(SIZE / 4, 0);
    assert_eq!(
        (pool.stats().discarded_underused, pool.stats().kept),
        (1, 0)
    );
}

#[test]
fn a_buffer_of_the_pools_size_may_be_hardly_used_for_ever() {
    let pool = pool(1);
    for _ in 0..50 {
        pool.get().push(0);
    }
    assert_eq!((pool.stats().misses, pool.stats().discarded()), (1, 0));
}

#[test]
fn get_with_takes_a_pooled_buffer_only_if_it_is_large_enough() {
    let pool = pool(2);
    drop(pool.get());

    let large = pool.get_with(SIZE + 500);
    assert!(large.capacity() >= SIZE + 500);
    assert_eq!(
        (pool.stats().kept, pool.stats().misses),
        (1, 2),
        "the small one stays"
    );
    drop(large);

    let huge = pool.get_with(100 * SIZE);
    assert!(huge.capacity() >= 100 * SIZE);
    drop(huge);
    assert_eq!(pool.stats().discarded_oversized, 1);

    let small = pool.get_with(1);
    assert!(small.capacity() >= SIZE);
    assert_eq!(pool.stats().hits, 1);
}

#[test]
fn frozen_bytes_hold_the_buffer_until_the_last_clone_is_gone() {
    let pool = pool(1);
    let mut buf = pool.get();
    let address = buf.as_ptr();
    buf.extend_from_slice(b"0123456789");

    let bytes = buf.freeze();
    assert_eq!(bytes.as_ptr(), address, "not copied");
    let slice = bytes.slice(3..5);
    drop(bytes);
    assert_eq!(&slice[..], b"34");
    assert_eq!((pool.stats().in_use, pool.stats().kept), (1, 0));

    drop(slice);
    assert_eq!((pool.stats().in_use, pool.stats().kept), (0, 1));
}

#[test]
fn an_empty_buffer_freezes_to_nothing_and_is_back_at_once() {
    let pool = pool(1);
    let bytes = pool.get().freeze();
    assert_eq!(bytes, Bytes::new());
    assert_eq!((pool.stats().in_use, pool.stats().kept), (0, 1));
}

#[test]
fn detached_bytes_are_copied_when_they_are_few() {
    // length, copied (so that the buffer is back)
    for (len, copied) in [
        (0, true),
        (1, true),
        (SIZE / 2 - 1, true),
        (SIZE / 2, false),
    ] {
        let pool = pool(1);
        let mut buf = pool.get();
        buf.resize(len, 7);
        let bytes = buf.freeze_detached();
        assert_eq!(bytes, vec![7; len]);
        let stats = pool.stats();
        assert_eq!(stats.in_use, 0);
        assert_eq!(
            (stats.kept == 1, stats.detached == 0),
            (copied, copied),
            "length {len}"
        );
    }
}

#[test]
fn a_buffer_taken_out_does_not_come_back() {
    let pool = pool(1);
    let mut buf = pool.get();
    buf.extend_from_slice(b"mine");
    assert_eq!(buf.into_vec(), b"mine");
    let stats = pool.stats();
    assert_eq!((stats.kept, stats.detached, stats.in_use), (0, 1, 0));
}

#[test]
fn writing_in_all_ways() {
    let pool = pool(1);
    let mut buf = pool.get();
    write!(buf, "{}-", 1).unwrap();
    std::io::Write::write_all(&mut buf, b"two-").unwrap();
    bytes::BufMut::put_slice(&mut *buf, b"three");
    buf.extend([b'-']);
    buf.extend(b"4");
    buf.extend([b"-five".as_slice(), b"-six"]);
    assert_eq!(buf.as_slice(), b"1-two-three-4-five-six");
    assert!(
        !format!("{buf:?}").contains("two"),
        "Debug does not show contents"
    );
}

#[test]
fn a_panic_in_the_middle_gives_the_buffer_back() {
    let pool = pool(1);
    let died = panic::catch_unwind(|| {
        let mut buf = pool.get();
        buf.extend_from_slice(b"half a page");
        panic::resume_unwind(Box::new("template"));
    });
    assert!(died.is_err());
    assert_eq!((pool.stats().kept, pool.stats().in_use), (1, 0));
    assert!(pool.get().is_empty());
}

#[test]
fn buffers_outlive_their_pool() {
    let buf = pool(1).get();
    let bytes = {
        let mut buf = pool(1).get();
        buf.push(1);
        buf.freeze()
    };
    drop(buf);
    assert_eq!(&bytes[..], [1]);
}

#[test]
fn prefilling_stops_at_the_bounds() {
    // prefill, keep, keep_bytes: kept
    for (prefill, keep, keep_bytes, kept) in [
        (3, 8, usize::MAX, 3),
        (9, 8, usize::MAX, 8),
        (8, 8, 2 * SIZE, 2),
        (usize::MAX, 0, 9, 0),
    ] {
        let pool = BufferPool::builder()
            .keep(keep)
            .keep_bytes(keep_bytes)
            .size(Sizing::Fixed(SIZE))
            .prefill(prefill)
            .build();
        assert_eq!(pool.stats().kept, kept);
        assert!(pool.get().is_empty());
    }
}

#[test]
fn handles_and_buffers_go_anywhere() {
    fn anywhere<T: Send + 'static>(_: &T) {}
    let pool = pool(1);
    anywhere(&pool);
    anywhere(&pool.get());
    fn shared<T: Sync>(_: &T) {}
    shared(&pool);
    assert!(format!("{pool:?}").contains("keep"));
}

#[cfg(feature = "zeroize")]
#[test]
#[expect(
    unsafe_code,
    reason = "what a buffer used to hold cannot be read otherwise"
)]
fn a_wiped_buffer_holds_nothing_in_its_spare_capacity() {
    let leftover = |builder: mainstay_bufpool::Builder| {
        let pool = builder.keep(1).build();
        pool.get().extend_from_slice(b"secret");
        let mut buf = pool.get();
        assert_eq!(pool.stats().hits, 1);
        // SAFETY: these six bytes were written above, or since then by the wiping.
        std::array::from_fn::<u8, 6, _>(|i| unsafe { buf.spare_capacity_mut()[i].assume_init() })
    };
    assert_eq!(leftover(BufferPool::builder().wipe_on_return()), [0; 6]);
    assert_eq!(
        leftover(BufferPool::builder()),
        *b"secret",
        "as the documentation says"
    );
}
