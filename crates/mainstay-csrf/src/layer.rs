use std::{
    error::Error as StdError,
    fmt,
    future::Future,
    marker::PhantomData,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, request::Parts};
use http_body::Body;
use http_body_util::LengthLimitError;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    CsrfVerified, Failure, Place,
    body::{Finder, Found, MaybeReplay, Rejoin, Replay},
    handle::{Grip, Handle, add_vary},
    policy::{Check, Decision, Policy},
    refusal::{self, Format, RefusalBody, Rejecting},
};

type BoxError = Box<dyn StdError + Send + Sync>;

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
        let state = match policy.decide(&parts) {
            Decision::Done(handle, verdict) => {
                attach(&handle, &mut parts);
                match settle(policy, verdict, &mut parts) {
                    Ok(reported) => {
                        let request = Request::from_parts(parts, H::untouched(body));
                        State::Passed {
                            future: self.inner.call(request),
                            handle,
                            reported,
                        }
                    }
                    Err(failure) => refuse(policy, failure, parts, handle),
                }
            }
            Decision::Search(check, media) => {
                // The service that was polled ready is the one to be called.
                let clone = self.inner.clone();
                let inner = mem::replace(&mut self.inner, clone);
                let place = media.place();
                let finder = Finder::new(media, Arc::clone(&policy.field), policy.body_limit);
                let policy = Arc::clone(policy);
                let search = Search {
                    policy,
                    inner,
                    parts,
                    body,
                    finder,
                    check,
                    place,
                };
                State::Searching {
                    search: Some(Box::new(search)),
                }
            }
        };
        ResponseFuture {
            state,
            handover: PhantomData,
        }
    }
}

/// Puts what the handler needs into the request.
fn attach(handle: &Arc<Handle>, parts: &mut Parts) {
    handle.open(parts);
    parts.extensions.insert(Grip(Arc::clone(handle)));
}

/// Logs the verdict, and turns a failure that is only to be reported into a pass.
fn settle(
    policy: &Policy,
    verdict: Result<(), Failure>,
    parts: &mut Parts,
) -> Result<Option<Box<Failure>>, Box<Failure>> {
    let Err(failure) = verdict else {
        Policy::record_pass(parts);
        return Ok(None);
    };
    policy.record(&failure, parts);
    if policy.report_only {
        parts.extensions.insert(failure.clone());
        return Ok(Some(Box::new(failure)));
    }
    Err(Box::new(failure))
}

fn refuse<F, T>(
    policy: &Policy,
    failure: Box<Failure>,
    mut parts: Parts,
    handle: Arc<Handle>,
) -> State<F, T> {
    let cacheable = matches!(parts.method, Method::GET | Method::HEAD);
    let format = Format::of(&parts.headers);
    let Some(reject) = &policy.reject else {
        return State::Refused {
            refusal: Some(Refusal {
                failure,
                handle,
                format,
                cacheable,
            }),
        };
    };
    parts.extensions.insert((*failure).clone());
    let future = reject((*failure).clone(), parts);
    State::Rejecting {
        future,
        refusal: Some(Refusal {
            failure,
            handle,
            format,
            cacheable,
        }),
    }
}

struct Refusal {
    failure: Box<Failure>,
    handle: Arc<Handle>,
    format: Format,
    /// Whether a cache might keep the answer, and so has to know on what it depends.
    cacheable: bool,
}

impl Refusal {
    fn default_answer(&self) -> Response<Bytes> {
        refusal::answer(self.handle.policy.scheme, self.format, &self.failure)
    }

    fn answer<R: RefusalBody>(self, response: Response<Bytes>) -> Response<R> {
        let mut response = response.map(R::from_bytes);
        if self.cacheable {
            let headers = response.headers_mut();
            add_vary(
                headers,
                "sec-fetch-site",
                HeaderValue::from_static("Sec-Fetch-Site"),
            );
            add_vary(headers, "origin", HeaderValue::from_static("Origin"));
        }
        let vary = self.cacheable || self.handle.policy.reject.is_some();
        self.handle.finish(response.headers_mut(), vary);
        response.extensions_mut().insert(*self.failure);
        response
    }
}

/// What takes the place of an answer whose handler never looked for the token it was left.
fn unverified<R: RefusalBody>() -> Response<R> {
    tracing::error!(
        target: "mainstay_csrf",
        "a deferred check was never finished: its handler takes none of CsrfForm, CsrfMultipart \
         and CsrfDeferred"
    );
    let mut response = Response::new(R::from_bytes(Bytes::from_static(
        b"Internal Server Error\n",
    )));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

/// A request whose body is being searched.
struct Search<S, B: Body> {
    policy: Arc<Policy>,
    inner: S,
    parts: Parts,
    body: B,
    finder: Finder<B::Error>,
    check: Check,
    place: Place,
}

impl<S, B> Search<S, B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    fn verdict(&mut self, found: &Found) -> Result<CsrfVerified, Failure> {
        let place = self.place;
        match found {
            Found::Value(value) => {
                self.policy
                    .verify(&self.check, value.as_bytes(), place, &self.parts)
            }
            Found::Nothing => Err(Failure::TokenMissing { place }),
            Found::BeyondLimit => Err(Failure::TokenBeyondLimit {
                place,
                limit: self.policy.body_limit,
            }),
            // Where the request goes on all the same, its handler has to see the error too.
            Found::Error if self.policy.report_only => {
                Err(Failure::BodyUnreadable { too_large: false })
            }
            Found::Error => {
                let too_large = self
                    .finder
                    .error()
                    .is_some_and(|error| is_too_large(&*error.into()));
                Err(Failure::BodyUnreadable { too_large })
            }
        }
    }

    fn settle<H, R>(mut self, found: &Found) -> State<S::Future, Box<Self>>
    where
        H: Handover<B>,
        S: Service<Request<H::Body>, Response = Response<R>>,
    {
        let verdict = self.verdict(found);
        let Self {
            policy,
            mut inner,
            mut parts,
            body,
            finder,
            check,
            ..
        } = self;
        let (handle, verdict) = check.settled(&policy, verdict);
        attach(&handle, &mut parts);
        match settle(&policy, verdict, &mut parts) {
            Ok(reported) => {
                let request = Request::from_parts(parts, H::replayed(finder.replay(body)));
                State::Passed {
                    future: inner.call(request),
                    handle,
                    reported,
                }
            }
            // What is left of the body is dropped, not drained: a client that still sends learns of
            // the refusal now.
            Err(failure) => refuse(&policy, failure, parts, handle),
        }
    }
}

fn is_too_large(error: &(dyn StdError + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<LengthLimitError>() {
            return true;
        }
        next = error.source();
    }
    false
}

pin_project! {
    /// The future of [`CsrfService`].
    ///
    /// To drop it is to drop the request: what was read of its body is lost with it.
    pub struct ResponseFuture<S, H, B>
    where
        S: Service<Request<H::Body>>,
        H: Handover<B>,
        B: Body,
    {
        #[pin]
        state: State<S::Future, Box<Search<S, B>>>,
        handover: PhantomData<fn() -> H>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, T> {
        Passed { #[pin] future: F, handle: Arc<Handle>, reported: Option<Box<Failure>> },
        Searching { search: Option<T> },
        Rejecting { future: Rejecting, refusal: Option<Refusal> },
        Refused { refusal: Option<Refusal> },
    }
}

impl<S, H, B, R> Future for ResponseFuture<S, H, B>
where
    H: Handover<B>,
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
    S: Service<Request<H::Body>, Response = Response<R>> + Clone,
    R: RefusalBody,
{
    type Output = Result<Response<R>, S::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let mut this = self.as_mut().project();
            let next = match this.state.as_mut().project() {
                StateProj::Passed {
                    future,
                    handle,
                    reported,
                } => {
                    let mut response = ready!(future.poll(cx))?;
                    if handle.is_open() && !handle.policy.report_only {
                        response = unverified();
                    }
                    handle.finish(response.headers_mut(), true);
                    if let Some(failure) = reported.take() {
                        response.extensions_mut().insert(*failure);
                    }
                    return Poll::Ready(Ok(response));
                }
                StateProj::Searching { search } => {
                    let Some(pending) = search.as_mut() else {
                        return Poll::Pending;
                    };
                    let found = ready!(pending.finder.poll(&mut pending.body, cx));
                    let Some(done) = search.take() else {
                        return Poll::Pending;
                    };
                    done.settle::<H, R>(&found)
                }
                StateProj::Rejecting { future, refusal } => {
                    let response = ready!(future.as_mut().poll(cx));
                    let Some(refusal) = refusal.take() else {
                        return Poll::Pending;
                    };
                    return Poll::Ready(Ok(refusal.answer(response)));
                }
                StateProj::Refused { refusal } => {
                    let Some(refusal) = refusal.take() else {
                        return Poll::Pending;
                    };
                    let response = refusal.default_answer();
                    return Poll::Ready(Ok(refusal.answer(response)));
                }
            };
            this.state.set(next);
        }
    }
}

impl<S, H, B> fmt::Debug for ResponseFuture<S, H, B>
where
    S: Service<Request<H::Body>>,
    H: Handover<B>,
    B: Body,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
