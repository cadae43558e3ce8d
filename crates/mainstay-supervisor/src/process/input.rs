//! A child's standard input: a pipe that stays open, with a bounded buffer before it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use nix::errno::Errno;
use nix::unistd::write;
use tokio::io::Interest;
use tokio::task::AbortHandle;

use crate::sys;

/// The writing end of a child's standard input.
#[derive(Debug)]
pub struct Input {
    queue: Rc<RefCell<Queue>>,
}

/// Why a child's input did not take something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The child has closed it.
    Closed,
    /// The child does not read, and the buffer is full.
    Full,
}

#[derive(Debug)]
struct Queue {
    pipe: Rc<OwnedFd>,
    bytes: VecDeque<u8>,
    flush: Option<AbortHandle>,
}

impl Input {
    /// Takes the writing end, which must not block.
    pub fn new(pipe: OwnedFd) -> Self {
        let queue = Queue {
            pipe: Rc::new(pipe),
            bytes: VecDeque::new(),
            flush: None,
        };
        Self {
            queue: Rc::new(RefCell::new(queue)),
        }
    }

    /// Writes all of it, now or as soon as the child reads.
    ///
    /// # Errors
    ///
    /// Why nothing of it was taken.
    pub fn send(&self, bytes: &[u8]) -> Result<(), Refusal> {
        let queue = self.queue.borrow();
        if queue.bytes.len().saturating_add(bytes.len()) > LIMIT {
            return Err(Refusal::Full);
        }
        drop(queue);
        self.write(bytes)
    }

    /// As [`send`](Self::send), for what may be large itself and comes only after the one before was
    /// read: an event. What is held is bounded by the limit and one event.
    ///
    /// # Errors
    ///
    /// Why nothing of it was taken.
    pub fn deliver(&self, bytes: &[u8]) -> Result<(), Refusal> {
        if self.queue.borrow().bytes.len() > LIMIT {
            return Err(Refusal::Full);
        }
        self.write(bytes)
    }

    fn write(&self, bytes: &[u8]) -> Result<(), Refusal> {
        let mut queue = self.queue.borrow_mut();
        queue.bytes.extend(bytes);
        if queue.flush.is_none() && !queue.write().map_err(|_| Refusal::Closed)? {
            let task = flush(Rc::clone(&self.queue), Rc::clone(&queue.pipe));
            queue.flush = Some(tokio::task::spawn_local(task).abort_handle());
        }
        Ok(())
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        // The child is gone. A grandchild that holds the other end gets end-of-file.
        if let Some(task) = &self.queue.borrow().flush {
            task.abort();
        }
    }
}

impl Queue {
    /// Writes what the pipe takes; whether that was everything.
    fn write(&mut self) -> Result<bool, Errno> {
        while !self.bytes.is_empty() {
            match write(&self.pipe, self.bytes.as_slices().0) {
                Ok(count) => drop(self.bytes.drain(..count)),
                Err(Errno::EAGAIN) => return Ok(false),
                Err(Errno::EINTR) => {}
                Err(error) => {
                    self.bytes.clear();
                    return Err(error);
                }
            }
        }
        Ok(true)
    }
}

async fn flush(queue: Rc<RefCell<Queue>>, pipe: Rc<OwnedFd>) -> io::Result<()> {
    let pipe = sys::watch(pipe, Interest::WRITABLE)?;
    loop {
        let mut ready = pipe.writable().await?;
        let mut queue = queue.borrow_mut();
        // A child that has closed its input gets nothing more; the next `send` says so.
        if queue.write().unwrap_or(true) {
            queue.flush = None;
            return Ok(());
        }
        ready.clear_ready();
    }
}

/// What a child that does not read may keep us holding.
const LIMIT: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use tokio::task::LocalSet;

    use super::*;
    use crate::process::spawn::nonblocking;

    #[tokio::test]
    async fn more_than_the_pipe_holds_waits_and_arrives() {
        let local = LocalSet::new();
        let (read, write) = io::pipe().unwrap();
        let write = OwnedFd::from(write);
        nonblocking(&write).unwrap();
        let sent: Vec<u8> = (0..500_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let wanted = sent.len();
        let reader = std::thread::spawn(move || {
            let mut got = vec![0; wanted];
            { read }.read_exact(&mut got).map(|()| got)
        });
        let got = local
            .run_until(async {
                let input = Input::new(write);
                input.send(&sent).unwrap();
                assert_eq!(input.send(&vec![0; LIMIT + 1]), Err(Refusal::Full));
                tokio::task::spawn_blocking(|| reader.join().unwrap().unwrap())
                    .await
                    .unwrap()
            })
            .await;
        assert!(got == sent);
    }

    #[tokio::test]
    async fn what_is_delivered_may_be_large_but_not_on_top_of_what_waits() {
        let work = async {
            let (read, write) = io::pipe().unwrap();
            let write = OwnedFd::from(write);
            nonblocking(&write).unwrap();
            let input = Input::new(write);
            let large = vec![b'x'; 2 * LIMIT];
            assert_eq!(input.send(&large), Err(Refusal::Full));
            assert_eq!(input.deliver(&large), Ok(()));
            assert_eq!(input.deliver(b"x"), Err(Refusal::Full));
            drop(read);
        };
        LocalSet::new().run_until(work).await;
    }

    #[tokio::test]
    async fn a_closed_input_is_refused() {
        let (read, write) = io::pipe().unwrap();
        let input = Input::new(write.into());
        drop(read);
        assert_eq!(input.send(b"x"), Err(Refusal::Closed));
    }
}
