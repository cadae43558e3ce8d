//! How long a connection may take for what, and which one goes when there are too many.
//!
//! Who begins to say something has a minute to finish. Who has been answered may stay for ever:
//! programs keep a connection for their whole life and use it once in a while, and take it for a
//! failure when it is gone. Only when all places are taken, the one that has been silent longest
//! makes room, or else the one that has not taken its answer for longest.

use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep};

/// What is known of a connection.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    /// Requests that have begun.
    requests: AtomicU64,
    /// Requests whose answers are not finished.
    in_flight: AtomicUsize,
    /// Since when the peer has not taken a byte of what we have for it.
    stuck: Mutex<Option<Instant>>,
    leave: Notify,
}

impl Pulse {
    /// A request has begun; its answer is finished when the guard is dropped.
    pub(super) fn begin(self: &Arc<Self>, seats: &Arc<Seats>, seat: u64) -> InFlight {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        seats.is_busy(seat);
        InFlight {
            pulse: Arc::clone(self),
            seats: Arc::clone(seats),
            seat,
        }
    }

    /// Whether nothing is being asked and nothing is left to be sent.
    pub(super) fn is_idle(&self) -> bool {
        self.in_flight.load(Ordering::Relaxed) == 0 && self.stuck_since().is_none()
    }

    /// Whether its place can be given to somebody else.
    fn may_leave(&self) -> bool {
        let is_stuck = |since| Instant::now().saturating_duration_since(since) >= STUCK;
        self.is_idle() || self.stuck_since().is_some_and(is_stuck)
    }

    /// Returns when the place is wanted by somebody else.
    pub(super) async fn asked_to_leave(&self) {
        loop {
            self.leave.notified().await;
            if self.may_leave() {
                return;
            }
        }
    }

    fn stuck_since(&self) -> Option<Instant> {
        *self.stuck.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_stuck(&self, since: Option<Instant>) {
        *self.stuck.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }
}

/// An answer that is not finished.
#[derive(Debug)]
pub(super) struct InFlight {
    pulse: Arc<Pulse>,
    seats: Arc<Seats>,
    seat: u64,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if self.pulse.in_flight.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.seats.is_idle(self.seat, &self.pulse);
        }
    }
}

/// The connections of a server, and those that wait for a request by how long they have.
#[derive(Debug, Default)]
pub(super) struct Seats(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    all: BTreeMap<u64, Arc<Pulse>>,
    /// Counts up; who got silent later has a higher number.
    turn: u64,
    next_seat: u64,
    by_turn: BTreeMap<u64, (u64, Arc<Pulse>)>,
    turns: BTreeMap<u64, u64>,
}

impl Seats {
    /// A place for a new connection, which has been silent since now.
    pub(super) fn take(self: &Arc<Self>, pulse: &Arc<Pulse>) -> Seat {
        let number = {
            let mut waiting = self.lock();
            waiting.next_seat += 1;
            let number = waiting.next_seat;
            waiting.all.insert(number, Arc::clone(pulse));
            number
        };
        self.is_idle(number, pulse);
        Seat {
            seats: Arc::clone(self),
            number,
        }
    }

    /// Asks the connection that has been silent longest to leave; if all are being answered, the one
    /// that has not taken any of its answer for longest.
    pub(super) fn make_room(&self) {
        let leaving = {
            let mut waiting = self.lock();
            let silent = waiting.by_turn.iter();
            let silent = silent
                .filter(|(_, (_, pulse))| pulse.is_idle())
                .map(|(turn, (seat, pulse))| (*turn, *seat, Arc::clone(pulse)))
                .next();
            match silent {
                Some((turn, seat, pulse)) => {
                    waiting.by_turn.remove(&turn);
                    waiting.turns.remove(&seat);
                    Some(pulse)
                }
                None => waiting.longest_stuck(),
            }
        };
        if let Some(pulse) = leaving {
            pulse.leave.notify_one();
        }
    }

    fn is_idle(&self, seat: u64, pulse: &Arc<Pulse>) {
        let mut waiting = self.lock();
        waiting.turn += 1;
        let turn = waiting.turn;
        waiting.by_turn.insert(turn, (seat, Arc::clone(pulse)));
        if let Some(old) = waiting.turns.insert(seat, turn) {
            waiting.by_turn.remove(&old);
        }
    }

    fn is_busy(&self, seat: u64) {
        let mut waiting = self.lock();
        if let Some(turn) = waiting.turns.remove(&seat) {
            waiting.by_turn.remove(&turn);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn longest_stuck(&self) -> Option<Arc<Pulse>> {
        let leaving = self.all.values().filter(|pulse| pulse.may_leave());
        let stuck = leaving.filter_map(|pulse| Some((pulse.stuck_since()?, pulse)));
        stuck
            .min_by_key(|(since, _)| *since)
            .map(|(_, pulse)| Arc::clone(pulse))
    }
}

/// A connection's place, free again when this is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Arc<Seats>,
    pub(super) number: u64,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.is_busy(self.number);
        self.seats.lock().all.remove(&self.number);
    }
}

/// A stream whose peer must not dawdle in the middle of a request's head.
pub(super) struct Paced<S> {
    stream: S,
    pulse: Arc<Pulse>,
    /// The requests that had begun when the timer was set.
    seen: u64,
    timer: Option<Pin<Box<Sleep>>>,
    is_stuck: bool,
}

impl<S> Paced<S> {
    pub(super) fn new(stream: S, pulse: Arc<Pulse>) -> Self {
        let timer = Some(Box::pin(tokio::time::sleep(LONGEST_HEAD)));
        Self {
            stream,
            pulse,
            seen: 0,
            timer,
            is_stuck: false,
        }
    }

    /// Notes whether the peer takes what we have for it.
    fn wrote<T>(&mut self, poll: Poll<T>) -> Poll<T> {
        if poll.is_pending() != self.is_stuck {
            self.is_stuck = poll.is_pending();
            self.pulse.set_stuck(self.is_stuck.then(Instant::now));
        }
        poll
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let requests = this.pulse.requests.load(Ordering::Relaxed);
        if this.seen != requests {
            // The head that the timer was for is complete.
            this.seen = requests;
            this.timer = None;
        }
        let before = buffer.filled().len();
        let poll = Pin::new(&mut this.stream).poll_read(cx, buffer);
        if !this.pulse.is_idle() {
            return poll;
        }
        if poll.is_ready() {
            if buffer.filled().len() > before && this.timer.is_none() {
                let deadline = Instant::now() + LONGEST_HEAD;
                this.timer = Some(Box::pin(tokio::time::sleep_until(deadline)));
            }
            return poll;
        }
        let late = this
            .timer
            .as_mut()
            .is_some_and(|timer| timer.as_mut().poll(cx).is_ready());
        if late {
            Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
        } else {
            Poll::Pending
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(poll)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.wrote(poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

pin_project! {
    /// The body of an answer, which is finished when this is dropped.
    pub(super) struct Answering {
        #[pin]
        body: Body,
        in_flight: InFlight,
    }
}

impl Answering {
    pub(super) fn new(body: Body, in_flight: InFlight) -> Self {
        Self { body, in_flight }
    }
}

impl http_body::Body for Answering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.project().body.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// From the first byte of a request (or the opening of the connection) to the end of its headers.
const LONGEST_HEAD: Duration = Duration::from_secs(60);
/// Who has not taken a byte for so long gives way to somebody who will. While there are places he may
/// stay: a `tail -f` can be suspended, and go on the next day.
const STUCK: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_longest_silent_makes_room() {
        let seats = Arc::new(Seats::default());
        let pulses: Vec<_> = (0..3).map(|_| Arc::new(Pulse::default())).collect();
        let taken: Vec<_> = pulses.iter().map(|pulse| seats.take(pulse)).collect();
        // The first has spoken since; the second is being answered.
        drop(pulses[0].begin(&seats, taken[0].number));
        let busy = pulses[1].begin(&seats, taken[1].number);

        seats.make_room();
        pulses[2].asked_to_leave().await;
        seats.make_room();
        pulses[0].asked_to_leave().await;

        // Nobody else is idle.
        seats.make_room();
        drop(busy);
        seats.make_room();
        pulses[1].asked_to_leave().await;
        drop(taken);
        assert!(seats.lock().by_turn.is_empty() && seats.lock().turns.is_empty());
    }
}
