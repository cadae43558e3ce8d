use std::sync::atomic::{AtomicU64, Ordering};

/// What a pool did so far; from [`BufferPool::stats`](crate::BufferPool::stats).
///
/// `hits + misses` is how often a buffer was asked for. Each of those is `in_use`, or was
/// `returned`, or was `detached`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Buffers handed out that had been used before.
    pub hits: u64,
    /// Buffers handed out that had to be made.
    pub misses: u64,
    /// Buffers that came back, kept or not.
    pub returned: u64,
    /// Buffers taken out for good, by `into_vec` or `freeze_detached`.
    pub detached: u64,
    /// Buffers let go because the pool was full.
    pub discarded_full: u64,
    /// Buffers let go because they had grown too large.
    pub discarded_oversized: u64,
    /// Buffers let go because they were smaller than the pool's size.
    pub discarded_undersized: u64,
    /// Buffers let go because they had grown and were then hardly used.
    pub discarded_underused: u64,
    /// Buffers that are out now, frozen ones included.
    pub in_use: u64,
    /// Buffers that lie ready now.
    pub kept: usize,
    /// Their capacity in bytes.
    pub kept_bytes: usize,
    /// Capacity of a fresh buffer.
    pub size: usize,
}

impl Stats {
    /// Buffers let go, for whatever reason.
    pub const fn discarded(&self) -> u64 {
        self.discarded_full
            + self.discarded_oversized
            + self.discarded_undersized
            + self.discarded_underused
    }
}

/// Why a buffer is not kept.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Discard {
    Full,
    Oversized,
    Undersized,
    Underused,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    hits: AtomicU64,
    misses: AtomicU64,
    returned: AtomicU64,
    detached: AtomicU64,
    full: AtomicU64,
    oversized: AtomicU64,
    undersized: AtomicU64,
    underused: AtomicU64,
}

impl Counters {
    pub(crate) fn hit(&self) {
        add_one(&self.hits);
    }

    pub(crate) fn miss(&self) {
        add_one(&self.misses);
    }

    pub(crate) fn returned(&self) {
        add_one(&self.returned);
    }

    pub(crate) fn detached(&self) {
        add_one(&self.detached);
    }

    pub(crate) fn discard(&self, reason: Discard) {
        add_one(match reason {
            Discard::Full => &self.full,
            Discard::Oversized => &self.oversized,
            Discard::Undersized => &self.undersized,
            Discard::Underused => &self.underused,
        });
    }

    pub(crate) fn snapshot(&self) -> Stats {
        // Ends before beginnings, so that a buffer that comes and goes in between is not seen to
        // end without having begun.
        let returned = read(&self.returned);
        let detached = read(&self.detached);
        let hits = read(&self.hits);
        let misses = read(&self.misses);
        Stats {
            hits,
            misses,
            returned,
            detached,
            discarded_full: read(&self.full),
            discarded_oversized: read(&self.oversized),
            discarded_undersized: read(&self.undersized),
            discarded_underused: read(&self.underused),
            in_use: (hits + misses).saturating_sub(returned + detached),
            ..Stats::default()
        }
    }
}

fn add_one(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
