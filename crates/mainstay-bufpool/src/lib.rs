//! A bounded pool of pre-sized byte buffers that become response bodies without a copy.
//!
//! Render the whole answer first, send it only when it is whole:
//!
//! ```
//! use std::fmt::Write as _;
//!
//! use bytes::Bytes;
//! use mainstay_bufpool::{BufferPool, Sizing};
//!
//! fn page(pool: &BufferPool, name: &str) -> Result<Bytes, std::fmt::Error> {
//!     let mut page = pool.get(); // never waits, never fails
//!     write!(page, "<h1>Hello, {name}</h1>")?; // on error the buffer goes back, nothing was sent
//!     Ok(page.freeze()) // no copy; the buffer goes back when the last clone is dropped
//! }
//!
//! let pool = BufferPool::builder()
//!     .keep(64) // buffers kept at most
//!     .keep_bytes(4 << 20) // and bytes kept at most, whichever is reached first
//!     .size(Sizing::Fixed(16 << 10)) // what a fresh buffer can hold
//!     .build();
//!
//! let body = page(&pool, "Ada").unwrap();
//! assert_eq!(&body[..], b"<h1>Hello, Ada</h1>");
//!
//! drop(body); // hyper does this once the bytes are on their way
//! let stats = pool.stats();
//! assert_eq!((stats.kept, stats.in_use), (1, 0));
//! ```
//!
//! # When not to use it
//!
//! - **Answers under 4 KiB.** `Vec::with_capacity` with a good guess is as fast as any pool, and
//!   [`PooledBuf::freeze`] costs one small allocation that a plain `Vec` does not.
//! - **mimalloc as the allocator.** It keeps memory as eagerly as a pool does. The pool then buys
//!   you the bound and the counters, not speed.
//! - **More than 1 MiB at a time.** Stream instead.
//! - **To limit memory in use.** The pool bounds what it *keeps*; a semaphore bounds what is in
//!   use.
//! - **One pool for everything.** A pool has one size. Give 1 KiB answers and 500 KiB pages a pool
//!   each, or the small ones will sit in the large one's buffers.
//!
//! It pays from 4 KiB to 1 MiB with glibc and many answers in flight: glibc hands memory at the
//! top of the heap back to the kernel, and every page of the next answer is then faulted in again.
//!
//! # What is kept
//!
//! A buffer that comes back is cleared and kept, unless
//!
//! - the pool is full: [`keep`](Builder::keep) buffers, or [`keep_bytes`](Builder::keep_bytes);
//! - it has grown past twice the pool's size ([`strict`](Builder::strict): past the size), because
//!   otherwise every buffer ends as large as the largest answer ever was;
//! - it is smaller than the pool's size;
//! - it has grown, and was then used below a quarter of its capacity eight times in a row, so that
//!   the pool shrinks after a spell of large answers.
//!
//! Such a buffer is freed and not replaced: a fresh one is made when someone asks. Contents are
//! **not wiped** when a buffer comes back, they are only unreachable through this crate's safe
//! interface; for secrets there is `wipe_on_return` (feature `zeroize`).

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod buf;
mod builder;
mod pool;
mod shelf;
mod stats;

pub use crate::{
    buf::PooledBuf,
    builder::{Builder, Sizing},
    pool::BufferPool,
    stats::Stats,
};

/// The README's program is a test too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
