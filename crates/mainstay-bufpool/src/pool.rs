use std::{fmt, sync::Arc};

use crate::{
    Builder, PooledBuf, Stats,
    shelf::{Shelf, Shelved},
    stats::{Counters, Discard},
};

/// A bounded pool of byte buffers. See the [crate's documentation](crate).
///
/// A cheap handle: clones share one pool. Buffers that are out when the last handle goes are
/// simply freed when they are done.
#[derive(Clone)]
pub struct BufferPool(Arc<Pool>);

impl BufferPool {
    /// Starts the settings of a new pool.
    pub const fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn with_policy(
        policy: Policy,
        keep: usize,
        keep_bytes: usize,
        prefill: usize,
    ) -> Self {
        let pool = Pool {
            policy,
            shelf: Shelf::new(keep, keep_bytes),
            counters: Counters::default(),
        };
        for _ in 0..prefill.min(keep) {
            let mut bytes = Vec::with_capacity(policy.size);
            // Ones, because a compiler may turn an allocation filled with zeroes into `calloc`,
            // which touches no page.
            bytes.resize(policy.size, 1);
            bytes.clear();
            if pool
                .shelf
                .push(Shelved {
                    bytes,
                    underused: 0,
                })
                .is_err()
            {
                break;
            }
        }
        Self(Arc::new(pool))
    }

    /// An empty buffer that can hold at least the pool's size. Never waits and never fails.
    pub fn get(&self) -> PooledBuf {
        self.get_with(0)
    }

    /// An empty buffer that can hold at least `capacity` bytes, and at least the pool's size.
    ///
    /// If the pool's next buffer is too small, it stays where it is and a fresh one is made:
    /// growing an idle buffer would make a large one of a small one.
    pub fn get_with(&self, capacity: usize) -> PooledBuf {
        let shelved = self.0.take(capacity);
        PooledBuf::new(shelved, Arc::clone(&self.0))
    }

    /// Offers a buffer from elsewhere. It is cleared and kept, or freed, by the rules for buffers
    /// that come back.
    pub fn adopt(&self, bytes: Vec<u8>) {
        self.0.shelve(Shelved {
            bytes,
            underused: 0,
        });
    }

    /// What a fresh buffer can hold.
    pub fn size(&self) -> usize {
        self.0.policy.size
    }

    /// What happened so far. While other threads use the pool, its numbers are close rather than
    /// from one moment.
    pub fn stats(&self) -> Stats {
        let mut stats = self.0.counters.snapshot();
        stats.kept = self.0.shelf.buffers();
        stats.kept_bytes = self.0.shelf.bytes();
        stats.size = self.0.policy.size;
        stats
    }
}

impl Default for BufferPool {
    /// Keeps 64 buffers of 16 KiB.
    fn default() -> Self {
        Self::builder().build()
    }
}

impl fmt::Debug for BufferPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufferPool")
            .field("policy", &self.0.policy)
            .field("shelf", &self.0.shelf)
            .finish_non_exhaustive()
    }
}

/// What all handles and all buffers of one pool share.
pub(crate) struct Pool {
    policy: Policy,
    shelf: Shelf,
    counters: Counters,
}

/// Which buffers are worth keeping.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    /// Capacity of a fresh buffer, at least 1.
    pub(crate) size: usize,
    /// Largest capacity that is kept.
    pub(crate) limit: usize,
    #[cfg(feature = "zeroize")]
    pub(crate) wipe: bool,
}

impl Pool {
    fn take(&self, capacity: usize) -> Shelved {
        // Nothing on the shelf is larger than the limit, so do not disturb it for that.
        if capacity <= self.policy.limit
            && let Some(shelved) = self.shelf.pop()
        {
            if shelved.bytes.capacity() >= capacity {
                self.counters.hit();
                return shelved;
            }
            if self.shelf.push(shelved).is_err() {
                self.counters.discard(Discard::Full);
            }
        }
        self.counters.miss();
        let bytes = Vec::with_capacity(capacity.max(self.policy.size));
        Shelved {
            bytes,
            underused: 0,
        }
    }

    /// The end of every buffer that was handed out and not taken for good.
    pub(crate) fn give_back(&self, shelved: Shelved) {
        self.counters.returned();
        self.shelve(shelved);
    }

    pub(crate) fn detached(&self) {
        self.counters.detached();
    }

    fn shelve(&self, mut shelved: Shelved) {
        let used = shelved.bytes.len();
        self.wipe(&mut shelved.bytes);
        shelved.bytes.clear();
        if let Err(reason) = self.judge(&mut shelved, used) {
            return self.counters.discard(reason);
        }
        if self.shelf.push(shelved).is_err() {
            self.counters.discard(Discard::Full);
        }
    }

    fn judge(&self, shelved: &mut Shelved, used: usize) -> Result<(), Discard> {
        let capacity = shelved.bytes.capacity();
        if capacity > self.policy.limit {
            return Err(Discard::Oversized);
        }
        if capacity < self.policy.size {
            return Err(Discard::Undersized);
        }
        // Only of buffers that grew: one of the pool's size would be replaced by its like.
        if capacity > self.policy.size && used < capacity / 4 {
            shelved.underused += 1;
            if shelved.underused == UNDERUSED_IN_A_ROW {
                return Err(Discard::Underused);
            }
        } else {
            shelved.underused = 0;
        }
        Ok(())
    }

    #[cfg(feature = "zeroize")]
    fn wipe(&self, bytes: &mut Vec<u8>) {
        if self.policy.wipe {
            zeroize::Zeroize::zeroize(bytes);
        }
    }

    #[cfg(not(feature = "zeroize"))]
    #[expect(
        clippy::unused_self,
        reason = "it asks the policy when there is something to wipe"
    )]
    fn wipe(&self, _bytes: &mut Vec<u8>) {}
}

/// After so many uses below a quarter of its capacity, one after another, a buffer that grew is
/// let go. Large enough to ride out a few small answers between large ones.
const UNDERUSED_IN_A_ROW: u8 = 8;
