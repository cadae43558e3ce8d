use std::{
    mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use axum_core::{Error, body::Body as AxumBody};
use bytes::Bytes;
use http::{Request, request::Parts};
use http_body::{Body, Frame, SizeHint};

use super::{Rejoin, Replay, replay::Frames};

/// A body that keeps what is read of it, so that somebody else can read it again from the start.
///
/// What is kept is bounded by who reads: it is for the head of a first part and no more.
#[derive(Clone, Debug)]
pub(crate) struct Tape(Arc<Mutex<Reel>>);

#[derive(Debug)]
struct Reel {
    rest: AxumBody,
    /// `None` once nobody will ask for the start again.
    kept: Option<Frames>,
}

impl Tape {
    pub(crate) fn new(body: AxumBody) -> Self {
        Self(Arc::new(Mutex::new(Reel {
            rest: body,
            kept: Some(Frames::default()),
        })))
    }

    /// Keeps nothing any more.
    pub(crate) fn stop(&self) {
        self.reel().kept = None;
    }

    /// A request with the whole body. Who read the tape so far finds nothing more on it.
    pub(crate) fn rewind(&self, parts: &Parts) -> Option<Request<AxumBody>> {
        let mut reel = self.reel();
        let kept = reel.kept.take()?;
        let rest = mem::replace(&mut reel.rest, AxumBody::empty());
        let body = AxumBody::rejoin(Replay::new(kept, None, false, rest));
        Some(Request::from_parts(parts.clone(), body))
    }

    fn reel(&self) -> MutexGuard<'_, Reel> {
        // A poisoned lock guards a body that panicked, and that is for its reader to meet again.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Body for Tape {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let mut reel = self.reel();
        let polled = Pin::new(&mut reel.rest).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
            && let Some(kept) = &mut reel.kept
        {
            kept.push(Frame::data(data.clone()));
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.reel().rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.reel().rest.size_hint()
    }
}
