use crate::{BufferPool, pool::Policy};

/// How large a fresh buffer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sizing {
    /// Always this many bytes. A good choice is what four answers in five fit into.
    Fixed(usize),
}

/// Settings of a [`BufferPool`]; made by [`BufferPool::builder`].
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder {
    keep: usize,
    keep_bytes: usize,
    sizing: Sizing,
    strict: bool,
    prefill: usize,
    #[cfg(feature = "zeroize")]
    wipe: bool,
}

impl Builder {
    pub(crate) const fn new() -> Self {
        Self {
            keep: 64,
            keep_bytes: usize::MAX,
            sizing: Sizing::Fixed(16 << 10),
            strict: false,
            prefill: 0,
            #[cfg(feature = "zeroize")]
            wipe: false,
        }
    }

    /// Keeps at most this many idle buffers. Default: 64. With 0 nothing is kept.
    ///
    /// As many as there are answers in flight at a busy moment is a good choice.
    pub const fn keep(mut self, buffers: usize) -> Self {
        self.keep = buffers;
        self
    }

    /// Keeps at most this many bytes of capacity in idle buffers. Default: no bound but what
    /// [`keep`](Self::keep) buffers of the largest capacity come to.
    pub const fn keep_bytes(mut self, bytes: usize) -> Self {
        self.keep_bytes = bytes;
        self
    }

    /// What a fresh buffer can hold. Default: 16 KiB.
    pub const fn size(mut self, sizing: Sizing) -> Self {
        self.sizing = sizing;
        self
    }

    /// Drops every buffer that has grown at all, instead of those that grew past twice the size.
    ///
    /// This is the rule of Go's `SizedBufferPool`. A `Vec` grows by doubling, so each answer larger
    /// than the size then costs an allocation to grow and another for the buffer that takes its
    /// place.
    pub const fn strict(mut self) -> Self {
        self.strict = true;
        self
    }

    /// Starts with this many buffers, their pages touched, so that the first answers do not pay
    /// for them. Default: none. Bounded by [`keep`](Self::keep) and
    /// [`keep_bytes`](Self::keep_bytes).
    pub const fn prefill(mut self, buffers: usize) -> Self {
        self.prefill = buffers;
        self
    }

    /// Overwrites a buffer's whole capacity with zeroes whenever it comes back, for secrets.
    ///
    /// A buffer that grew has left a copy of its contents where it was before; choose a size that
    /// everything fits into. [`PooledBuf::into_vec`](crate::PooledBuf::into_vec) takes a buffer
    /// out of the pool's care.
    #[cfg(feature = "zeroize")]
    #[cfg_attr(docsrs, doc(cfg(feature = "zeroize")))]
    pub const fn wipe_on_return(mut self) -> Self {
        self.wipe = true;
        self
    }

    /// Makes the pool.
    pub fn build(self) -> BufferPool {
        let Sizing::Fixed(size) = self.sizing;
        // A buffer without capacity is nothing to keep, and every buffer of a pool counts for at
        // least one byte against `keep_bytes`.
        let size = size.max(1);
        let policy = Policy {
            size,
            limit: if self.strict {
                size
            } else {
                size.saturating_mul(2)
            },
            #[cfg(feature = "zeroize")]
            wipe: self.wipe,
        };
        BufferPool::with_policy(policy, self.keep, self.keep_bytes, self.prefill)
    }
}
