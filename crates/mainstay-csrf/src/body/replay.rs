use std::{
    collections::VecDeque,
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use axum_core::body::Body as AxumBody;
use bytes::{Buf, Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{
    BodyExt,
    combinators::{BoxBody, UnsyncBoxBody},
};
use pin_project_lite::pin_project;

pin_project! {
    /// A body of which the beginning was read and is given again.
    ///
    /// It yields the very frames that were pulled, then what is left of the body: bytes, trailers
    /// and errors are those that the client sent, and nothing was copied, but for the crumbs of a
    /// client that sends a body in more than 64 pieces.
    pub struct Replay<B>
    where
        B: Body,
    {
        frames: Frames,
        error: Option<B::Error>,
        ended: bool,
        #[pin]
        rest: B,
    }
}

/// Frames in the order in which they came. Most forms are one, which needs no memory of its own.
///
/// A client that sends its bytes one by one would have each of them held by a frame, and that by the
/// buffer that it was read into, many times its size. So after some frames, small ones are put
/// together.
#[derive(Debug, Default)]
pub(super) struct Frames {
    first: Option<Frame<Bytes>>,
    more: VecDeque<Frame<Bytes>>,
    /// The small ones at the end.
    crumbs: BytesMut,
}

impl Frames {
    pub(super) fn push(&mut self, frame: Frame<Bytes>) {
        if self.first.is_none() && self.more.is_empty() {
            self.first = Some(frame);
            return;
        }
        if self.more.len() >= MANY
            && let Some(data) = frame.data_ref().filter(|data| data.len() < SMALL)
        {
            self.crumbs.extend_from_slice(data);
            return;
        }
        if !self.crumbs.is_empty() {
            let crumbs = self.crumbs.split().freeze();
            self.more.push_back(Frame::data(crumbs));
        }
        self.more.push_back(frame);
    }

    fn pop(&mut self) -> Option<Frame<Bytes>> {
        self.first
            .take()
            .or_else(|| self.more.pop_front())
            .or_else(|| match self.crumbs.is_empty() {
                true => None,
                false => Some(Frame::data(self.crumbs.split().freeze())),
            })
    }

    fn is_empty(&self) -> bool {
        self.first.is_none() && self.more.is_empty() && self.crumbs.is_empty()
    }

    fn count(&self) -> usize {
        self.first.iter().chain(&self.more).count() + usize::from(!self.crumbs.is_empty())
    }

    /// How many bytes of data they hold.
    fn remaining(&self) -> u64 {
        let frames = self.first.iter().chain(&self.more);
        let whole = frames
            .filter_map(Frame::data_ref)
            .map(|data| data.remaining() as u64);
        whole.sum::<u64>() + self.crumbs.len() as u64
    }
}

/// So many frames are kept as they came.
const MANY: usize = 64;
/// A frame with less data than this costs more than its data.
const SMALL: usize = 1024;

impl<B: Body> Replay<B> {
    /// `ended`: the body has said that there is nothing more, and is not to be asked again.
    pub(super) fn new(frames: Frames, error: Option<B::Error>, ended: bool, rest: B) -> Self {
        Self {
            frames,
            error,
            ended,
            rest,
        }
    }
}

impl<B> Body for Replay<B>
where
    B: Body<Data = Bytes>,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.project();
        if let Some(frame) = this.frames.pop() {
            return Poll::Ready(Some(Ok(frame)));
        }
        if let Some(error) = this.error.take() {
            return Poll::Ready(Some(Err(error)));
        }
        if *this.ended {
            return Poll::Ready(None);
        }
        this.rest.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        let ended = self.ended || self.rest.is_end_stream();
        self.frames.is_empty() && self.error.is_none() && ended
    }

    fn size_hint(&self) -> SizeHint {
        let queued = self.frames.remaining();
        if self.ended {
            return SizeHint::with_exact(queued);
        }
        let rest = self.rest.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(queued.saturating_add(rest.lower()));
        if let Some(upper) = rest.upper() {
            hint.set_upper(queued.saturating_add(upper));
        }
        hint
    }
}

impl<B: Body> fmt::Debug for Replay<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay")
            .field("frames", &self.frames.count())
            .finish_non_exhaustive()
    }
}

/// A body type that can be put together again after its beginning was read.
///
/// axum's body and the boxed bodies of `http-body-util` are such types. A service that takes another
/// one, such as hyper's `Incoming`, uses
/// [`CsrfLayer::for_any_body`](crate::CsrfLayer::for_any_body).
pub trait Rejoin: Body<Data = Bytes> + Unpin + Sized {
    /// The body that yields what `replay` yields.
    fn rejoin(replay: Replay<Self>) -> Self;
}

impl Rejoin for AxumBody {
    fn rejoin(replay: Replay<Self>) -> Self {
        Self::new(replay)
    }
}

impl<E: Send + Sync + 'static> Rejoin for BoxBody<Bytes, E> {
    fn rejoin(replay: Replay<Self>) -> Self {
        replay.boxed()
    }
}

impl<E: Send + 'static> Rejoin for UnsyncBoxBody<Bytes, E> {
    fn rejoin(replay: Replay<Self>) -> Self {
        replay.boxed_unsync()
    }
}

pin_project! {
    /// A body of any type, of which the beginning may have been read: what an inner service takes
    /// behind [`CsrfLayer::for_any_body`](crate::CsrfLayer::for_any_body).
    pub struct MaybeReplay<B>
    where
        B: Body,
    {
        #[pin]
        inner: Inner<B>,
    }
}

pin_project! {
    #[project = InnerProj]
    enum Inner<B>
    where
        B: Body,
    {
        Untouched { #[pin] body: B },
        Replay { #[pin] body: Replay<B> },
    }
}

impl<B: Body> MaybeReplay<B> {
    pub(crate) fn untouched(body: B) -> Self {
        Self {
            inner: Inner::Untouched { body },
        }
    }

    pub(crate) fn replay(body: Replay<B>) -> Self {
        Self {
            inner: Inner::Replay { body },
        }
    }
}

impl<B> Body for MaybeReplay<B>
where
    B: Body<Data = Bytes>,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project().inner.project() {
            InnerProj::Untouched { body } => body.poll_frame(cx),
            InnerProj::Replay { body } => body.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.inner {
            Inner::Untouched { body } => body.is_end_stream(),
            Inner::Replay { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Inner::Untouched { body } => body.size_hint(),
            Inner::Replay { body } => body.size_hint(),
        }
    }
}

impl<B: Body> fmt::Debug for MaybeReplay<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let replayed = matches!(self.inner, Inner::Replay { .. });
        f.debug_struct("MaybeReplay")
            .field("replayed", &replayed)
            .finish_non_exhaustive()
    }
}
