use std::{
    fmt,
    marker::PhantomData,
    mem,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    body::{Finder, MaybeReplay, Rejoin, Replay},
    future::{BoxError, ResponseFuture, Search, State, Task, attach, refuse, settle},
    policy::{Decision, Policy},
    refusal::{RefusalBody, to_be_searched},
};

/// Refuses forged requests before the inner service sees them. Made by
/// [`Csrf::build`](crate::Csrf::build); to clone it is to share it.
pub struct CsrfLayer<H = InPlace> {
    policy: Arc<Policy>,
    handover: PhantomData<fn() -> H>,
}

impl CsrfLayer {
    pub(crate) fn new(policy: Policy) -> Self {
        Self {
            policy: Arc::new(policy),
            handover: PhantomData,
        }
    }

    /// The layer for a service whose request body is any type at all, such as hyper's `Incoming`:
    /// the inner service takes [`MaybeReplay`] of it.
    #[must_use]
    pub fn for_any_body(self) -> CsrfLayer<AnyBody> {
        CsrfLayer {
            policy: self.policy,
            handover: PhantomData,
        }
    }
}

impl<H> Clone for CsrfLayer<H> {
    fn clone(&self) -> Self {
        Self {
            policy: Arc::clone(&self.policy),
            handover: PhantomData,
        }
    }
}

impl<H> fmt::Debug for CsrfLayer<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsrfLayer")
            .field("policy", &self.policy)
            .finish()
    }
}

impl<S, H> Layer<S> for CsrfLayer<H> {
    type Service = CsrfService<S, H>;

    fn layer(&self, inner: S) -> Self::Service {
        CsrfService {
            inner,
            layer: self.clone(),
        }
    }
}

/// The service that [`CsrfLayer`] makes.
pub struct CsrfService<S, H = InPlace> {
    inner: S,
    layer: CsrfLayer<H>,
}

impl<S, H> CsrfService<S, H> {
    /// The inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The inner service.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The inner service, unprotected.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S: Clone, H> Clone for CsrfService<S, H> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            layer: self.layer.clone(),
        }
    }
}

impl<S: fmt::Debug, H> fmt::Debug for CsrfService<S, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsrfService")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

/// How the inner service gets a body of which the beginning was read.
pub trait Handover<B> {
    /// The body that the inner service takes.
    type Body;

    /// A body of which nothing was read.
    fn untouched(body: B) -> Self::Body;

    /// A body of which something was read.
    fn replayed(replay: Replay<B>) -> Self::Body
    where
        B: Body;
}

/// The inner service takes the same type of body, as in axum.
#[derive(Clone, Copy, Debug)]
pub struct InPlace;

impl<B: Rejoin> Handover<B> for InPlace {
    type Body = B;

    fn untouched(body: B) -> B {
        body
    }

    fn replayed(replay: Replay<B>) -> B {
        B::rejoin(replay)
    }
}

/// The inner service takes [`MaybeReplay`].
#[derive(Clone, Copy, Debug)]
pub struct AnyBody;

impl<B: Body<Data = Bytes>> Handover<B> for AnyBody {
    type Body = MaybeReplay<B>;

    fn untouched(body: B) -> MaybeReplay<B> {
        MaybeReplay::untouched(body)
    }

    fn replayed(replay: Replay<B>) -> MaybeReplay<B> {
        MaybeReplay::replay(replay)
    }
}

impl<S, H, B, R> Service<Request<B>> for CsrfService<S, H>
where
    H: Handover<B>,
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
    S: Service<Request<H::Body>, Response = Response<R>> + Clone,
    R: RefusalBody,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = ResponseFuture<S, H, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let policy = &self.layer.policy;
        let (mut parts, body) = request.into_parts();
        let (task, media) = match policy.decide(&parts) {
            Decision::Done(handle, verdict) => {
                attach(&handle, &mut parts);
                let failure = match settle(policy, verdict, &mut parts) {
                    Ok(reported) => {
                        let request = Request::from_parts(parts, H::untouched(body));
                        return ResponseFuture::new(State::Passed {
                            future: self.inner.call(request),
                            handle,
                            reported,
                        });
                    }
                    Err(failure) => failure,
                };
                match to_be_searched(policy, &failure, &mut parts) {
                    Some(media) => (Task::Explain(handle, failure), media),
                    None => {
                        return ResponseFuture::new(refuse(policy, failure, parts, handle));
                    }
                }
            }
            Decision::Search(check, media) => (Task::Verify(check), media),
        };
        // The service that was polled ready is the one to be called.
        let clone = self.inner.clone();
        let inner = mem::replace(&mut self.inner, clone);
        let place = media.place();
        let finder = Finder::new(media, Arc::clone(&policy.field), policy.body_limit);
        let policy = Arc::clone(policy);
        let patience = policy.body_time_limit.as_ref().map(|sleep| sleep());
        let search = Search {
            policy,
            inner,
            parts,
            body,
            finder,
            patience,
            task,
            place,
        };
        ResponseFuture::new(State::Searching {
            search: Some(Box::new(search)),
        })
    }
}
