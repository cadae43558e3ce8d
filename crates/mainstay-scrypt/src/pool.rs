//! Threads of our own behind a bounded queue.
//!
//! Not `spawn_blocking` behind a semaphore. There a permit held by the request's future comes back
//! when the client hangs up, while the hash that it stood for runs on; here the bound is the
//! number of threads, and a job occupies its thread for as long as it runs, whoever still wants the
//! answer. It also leaves the runtime's blocking pool alone, and works on any runtime.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::error::{Error, Kind};

/// Answers requests `Q` with `A`. Stops its threads when dropped; each finishes what it is doing.
pub(crate) struct Pool<Q, A> {
    shared: Arc<Shared<Q, A>>,
    deadline: Duration,
}

/// How big a pool is, and how long a request may wait in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) workers: usize,
    pub(crate) queue: usize,
    pub(crate) deadline: Duration,
}

struct Shared<Q, A> {
    state: Mutex<State<Q, A>>,
    /// Signalled when there is work, or none any more.
    wake: Condvar,
    capacity: usize,
}

struct State<Q, A> {
    queue: VecDeque<Job<Q, A>>,
    running: usize,
    closed: bool,
}

struct Job<Q, A> {
    request: Q,
    /// None for a deadline that the clock cannot express.
    expires: Option<Instant>,
    reply: oneshot::Sender<Result<A, Error>>,
}

impl<Q: Send + 'static, A: Send + 'static> Pool<Q, A> {
    pub(crate) fn start(
        size: Size,
        run: impl Fn(Q) -> A + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                queue: VecDeque::new(),
                running: 0,
                closed: false,
            }),
            wake: Condvar::new(),
            capacity: size.queue.max(1),
        });
        // From here on an error drops the pool, which ends the threads that did start.
        let pool = Self {
            shared,
            deadline: size.deadline,
        };
        let run = Arc::new(run);
        for number in 0..size.workers.max(1) {
            let (shared, run) = (Arc::clone(&pool.shared), Arc::clone(&run));
            thread::Builder::new()
                .name(format!("scrypt-{number}"))
                .spawn(move || shared.work(&*run))
                .map_err(|error| {
                    Error::new(Kind::Threads {
                        os: error.raw_os_error(),
                    })
                })?;
        }
        Ok(pool)
    }

    /// Queues a request and waits for its answer.
    ///
    /// Dropping the future before a worker has taken the request withdraws it; afterwards the
    /// worker finishes and throws the answer away.
    pub(crate) async fn submit(&self, request: Q) -> Result<A, Error> {
        self.submit_until(request, Instant::now().checked_add(self.deadline))
            .await
    }

    async fn submit_until(&self, request: Q, expires: Option<Instant>) -> Result<A, Error> {
        let (reply, answer) = oneshot::channel();
        self.shared.push(Job {
            request,
            expires,
            reply,
        })?;
        // The sender is dropped without a word only when the worker unwinds.
        answer.await.unwrap_or(Err(Error::new(Kind::Lost)))
    }

    /// Requests waiting and running.
    pub(crate) fn load(&self) -> (usize, usize) {
        let state = self.shared.lock();
        let waiting = state
            .queue
            .iter()
            .filter(|job| !job.reply.is_closed())
            .count();
        (waiting, state.running)
    }
}

impl<Q, A> Drop for Pool<Q, A> {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.wake.notify_all();
    }
}

impl<Q, A> Shared<Q, A> {
    /// The state is whole between any two statements, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, State<Q, A>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, job: Job<Q, A>) -> Result<(), Error> {
        let mut state = self.lock();
        if state.queue.len() >= self.capacity {
            state.weed();
        }
        if state.queue.len() >= self.capacity {
            return Err(Error::new(Kind::Busy("the queue is full")));
        }
        state.queue.push_back(job);
        drop(state);
        self.wake.notify_one();
        Ok(())
    }

    fn work(&self, run: &impl Fn(Q) -> A) {
        while let Some(Job { request, reply, .. }) = self.take() {
            // One bad request must not cost a thread for good. Nothing is shared with `run`
            // that a panic could leave half-done.
            let answer = catch_unwind(AssertUnwindSafe(|| run(request)));
            self.lock().running -= 1;
            if let Ok(answer) = answer {
                // Nobody may be waiting any more.
                let _ = reply.send(Ok(answer));
            }
        }
    }

    /// Waits for a request that somebody still wants.
    fn take(&self) -> Option<Job<Q, A>> {
        let mut state = self.lock();
        loop {
            state.weed();
            if let Some(job) = state.queue.pop_front() {
                state.running += 1;
                return Some(job);
            }
            if state.closed {
                return None;
            }
            state = self
                .wake
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl<Q, A> State<Q, A> {
    /// Throws out the requests that nobody waits for any more, and answers those that waited
    /// too long.
    ///
    /// There is no timer: a worker comes by at least once per hash, so an answer is late by one
    /// hash at most, and the pool needs no runtime with a clock.
    fn weed(&mut self) {
        let now = Instant::now();
        let mut at = 0;
        while let Some(job) = self.queue.get(at) {
            if !job.reply.is_closed() && job.expires.is_none_or(|expires| now < expires) {
                at += 1;
            } else if let Some(job) = self.queue.remove(at) {
                // Nobody may be waiting any more.
                let _ = job
                    .reply
                    .send(Err(Error::new(Kind::Busy("waited too long"))));
            }
        }
    }
}

#[cfg(test)]
mod tests;
