use std::{
    fmt,
    sync::atomic::{AtomicUsize, Ordering},
};

use crossbeam_queue::ArrayQueue;

/// The idle buffers of a pool: bounded by number and by bytes, shared by all threads.
///
/// First in, first out. A stack would hand out warmer memory; that showed in measurements from
/// 1 MiB a buffer only, and there one should stream anyway.
pub(crate) struct Shelf {
    queue: ArrayQueue<Shelved>,
    /// Never less than the capacity of everything in `queue`: reserved before a push, released
    /// after a pop. So the bound holds at every moment, at the price that a push beside a pop may
    /// be refused although there is just room.
    bytes: AtomicUsize,
    most_bytes: usize,
}

/// A buffer and what the pool remembers about it between two uses.
#[derive(Debug, Default)]
pub(crate) struct Shelved {
    pub(crate) bytes: Vec<u8>,
    /// How often in a row it was used for far less than it can hold.
    pub(crate) underused: u8,
}

impl Shelf {
    pub(crate) fn new(keep: usize, keep_bytes: usize) -> Self {
        Self {
            // The queue wants at least one place. Without a byte to spend it stays empty, since
            // each buffer has at least one byte of capacity.
            queue: ArrayQueue::new(keep.max(1)),
            bytes: AtomicUsize::new(0),
            most_bytes: if keep == 0 { 0 } else { keep_bytes },
        }
    }

    /// Puts a buffer on the shelf, or hands it back if there is no room.
    pub(crate) fn push(&self, shelved: Shelved) -> Result<(), Shelved> {
        let capacity = shelved.bytes.capacity();
        if !self.reserve(capacity) {
            return Err(shelved);
        }
        self.queue
            .push(shelved)
            .inspect_err(|_| self.release(capacity))
    }

    pub(crate) fn pop(&self) -> Option<Shelved> {
        let shelved = self.queue.pop()?;
        self.release(shelved.bytes.capacity());
        Some(shelved)
    }

    pub(crate) fn buffers(&self) -> usize {
        self.queue.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    // Relaxed throughout: the counter guards no memory, the queue orders the buffers themselves.
    // A release cannot be seen before the reserve it belongs to, because both act on one atomic
    // and the queue puts the pop after the push.
    fn reserve(&self, capacity: usize) -> bool {
        self.bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |bytes| {
                bytes
                    .checked_add(capacity)
                    .filter(|&sum| sum <= self.most_bytes)
            })
            .is_ok()
    }

    fn release(&self, capacity: usize) {
        self.bytes.fetch_sub(capacity, Ordering::Relaxed);
    }
}

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelf")
            .field("buffers", &self.buffers())
            .field("keep", &self.queue.capacity())
            .field("bytes", &self.bytes())
            .field("keep_bytes", &self.most_bytes)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buffer(capacity: usize) -> Shelved {
        Shelved {
            bytes: Vec::with_capacity(capacity),
            underused: 0,
        }
    }

    #[test]
    fn a_refused_buffer_leaves_no_reservation_behind() {
        let shelf = Shelf::new(1, 100);
        shelf.push(buffer(60)).unwrap();
        shelf.push(buffer(60)).unwrap_err(); // bytes
        shelf.push(buffer(10)).unwrap_err(); // places
        assert_eq!((shelf.buffers(), shelf.bytes()), (1, 60));

        shelf.pop().unwrap();
        assert_eq!((shelf.buffers(), shelf.bytes()), (0, 0));
        assert!(shelf.pop().is_none());
    }

    #[test]
    fn a_shelf_for_no_buffers_takes_none() {
        Shelf::new(0, usize::MAX).push(buffer(1)).unwrap_err();
    }

    #[test]
    fn bytes_do_not_overflow() {
        let shelf = Shelf::new(2, usize::MAX);
        assert!(shelf.reserve(usize::MAX));
        assert!(!shelf.reserve(1));
    }
}
