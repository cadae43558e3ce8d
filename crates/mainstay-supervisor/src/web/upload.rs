//! The body of a request, which must not take for ever.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

/// A body that fails when it has not come to its end in time.
///
/// Who sends a byte now and then would otherwise hold his place as long as he likes: while his
/// request is being read he cannot be asked to leave.
pub(super) struct Upload {
    body: Incoming,
    deadline: Instant,
    /// Made at the first wait; most bodies come with their head.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Upload {
    /// The time runs from now.
    pub(super) fn body(body: Incoming) -> Body {
        if http_body::Body::is_end_stream(&body) {
            return Body::empty();
        }
        Body::new(Self {
            body,
            deadline: Instant::now() + LONGEST_UPLOAD,
            timer: None,
        })
    }
}

impl http_body::Body for Upload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            return Poll::Ready(frame.map(|it| it.map_err(io::Error::other)));
        }
        let deadline = this.deadline;
        let timer = this
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        timer
            .as_mut()
            .poll(cx)
            .map(|()| Some(Err(io::ErrorKind::TimedOut.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// From the end of the head to the end of the body.
const LONGEST_UPLOAD: Duration = Duration::from_secs(60);
