use std::{
    fmt, io,
    ops::{Deref, DerefMut},
    sync::Arc,
};

use bytes::Bytes;

use crate::{pool::Pool, shelf::Shelved};

/// A buffer on loan from a [`BufferPool`](crate::BufferPool); it goes back when dropped.
///
/// It is a `Vec<u8>` in all respects (through `Deref`, so [`bytes::BufMut`] is there too: for a
/// function that is generic over it, pass `&mut *buf`), and can be written to as [`fmt::Write`] and
/// as [`io::Write`], which never fail. It owns its bytes and its way back: it can cross an
/// `.await`, move to another thread, and outlive the pool's handles.
pub struct PooledBuf {
    shelved: Shelved,
    /// `None` once the buffer has been taken out.
    pool: Option<Arc<Pool>>,
}

impl PooledBuf {
    pub(crate) fn new(shelved: Shelved, pool: Arc<Pool>) -> Self {
        Self {
            shelved,
            pool: Some(pool),
        }
    }

    /// Turns the contents into [`Bytes`] without copying them. The buffer goes back to the pool
    /// when the last clone and the last slice of them is dropped.
    ///
    /// Right for a response body, which lives for a moment. Bytes that stay, in a cache say, would
    /// hold the buffer for as long: use [`freeze_detached`](Self::freeze_detached) there. Costs
    /// one allocation of some 50 bytes; an empty buffer costs none and goes back at once.
    /// `Bytes::is_unique` is always false for these bytes.
    pub fn freeze(self) -> Bytes {
        if self.is_empty() {
            return Bytes::new();
        }
        Bytes::from_owner(self)
    }

    /// Turns the contents into [`Bytes`] that have nothing to do with the pool any more.
    ///
    /// When they fill less than half of the buffer they are copied and the buffer goes back;
    /// otherwise the buffer is taken out of the pool.
    pub fn freeze_detached(self) -> Bytes {
        if self.len() < self.capacity() / 2 {
            Bytes::copy_from_slice(&self)
        } else {
            Bytes::from(self.into_vec())
        }
    }

    /// Takes the buffer out of the pool for good.
    pub fn into_vec(mut self) -> Vec<u8> {
        if let Some(pool) = self.pool.take() {
            pool.detached();
        }
        std::mem::take(&mut self.shelved.bytes)
    }
}

impl Drop for PooledBuf {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.take() {
            pool.give_back(std::mem::take(&mut self.shelved));
        }
    }
}

impl Deref for PooledBuf {
    type Target = Vec<u8>;

    fn deref(&self) -> &Self::Target {
        &self.shelved.bytes
    }
}

impl DerefMut for PooledBuf {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.shelved.bytes
    }
}

impl AsRef<[u8]> for PooledBuf {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Write for PooledBuf {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

impl io::Write for PooledBuf {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.extend_from_slice(bytes);
        Ok(())
    }

    fn write_vectored(&mut self, slices: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.shelved.bytes.write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> Extend<&'a [u8]> for PooledBuf {
    fn extend<I: IntoIterator<Item = &'a [u8]>>(&mut self, pieces: I) {
        for piece in pieces {
            self.extend_from_slice(piece);
        }
    }
}

// These two would be found through `Deref` if the one above did not hide them.
impl<'a> Extend<&'a u8> for PooledBuf {
    fn extend<I: IntoIterator<Item = &'a u8>>(&mut self, bytes: I) {
        self.shelved.bytes.extend(bytes);
    }
}

impl Extend<u8> for PooledBuf {
    fn extend<I: IntoIterator<Item = u8>>(&mut self, bytes: I) {
        self.shelved.bytes.extend(bytes);
    }
}

impl fmt::Debug for PooledBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the contents: they may be a whole page, or a secret.
        f.debug_struct("PooledBuf")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .finish()
    }
}
