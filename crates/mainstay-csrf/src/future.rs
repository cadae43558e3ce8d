//! What becomes of a request once its head was judged.

use std::{
    error::Error as StdError,
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, request::Parts};
use http_body::Body;
use http_body_util::LengthLimitError;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::{
    Failure, Place,
    body::{Finder, Found},
    handle::{Grip, Handle},
    layer::Handover,
    policy::{Check, Patience, Policy},
    refusal::{self, Format, RefusalBody, Rejecting},
};

pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

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
    pub(crate) enum State<F, T> {
        Passed { #[pin] future: F, handle: Arc<Handle>, reported: Option<Box<Failure>> },
        Searching { search: Option<T> },
        Rejecting { future: Rejecting, refusal: Option<Refusal> },
        Refused { refusal: Option<Refusal> },
    }
}

impl<S, H, B> ResponseFuture<S, H, B>
where
    S: Service<Request<H::Body>>,
    H: Handover<B>,
    B: Body,
{
    pub(crate) fn new(state: State<S::Future, Box<Search<S, B>>>) -> Self {
        Self {
            state,
            handover: PhantomData,
        }
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
                    if handle.is_open() {
                        response = unverified(&handle.policy, response);
                    }
                    if let Some(failure) = handle.refused()
                        && handle.policy.report_only
                    {
                        response.extensions_mut().insert(failure.clone());
                    }
                    if let Some(refused) = refused_late(handle, &response) {
                        refused
                    } else {
                        handle.finish(response.headers_mut(), true);
                        if let Some(failure) = reported.take() {
                            response.extensions_mut().insert(*failure);
                        }
                        return Poll::Ready(Ok(response));
                    }
                }
                StateProj::Searching { search } => {
                    let Some(pending) = search.as_mut() else {
                        return Poll::Pending;
                    };
                    let found = ready!(pending.poll(cx));
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

/// A request whose body is being searched.
pub(crate) struct Search<S, B: Body> {
    pub(crate) policy: Arc<Policy>,
    pub(crate) inner: S,
    pub(crate) parts: Parts,
    pub(crate) body: B,
    pub(crate) finder: Finder<B::Error>,
    pub(crate) patience: Option<Patience>,
    pub(crate) task: Task,
    pub(crate) place: Place,
}

/// What a body is searched for.
pub(crate) enum Task {
    Verify(Check),
    /// The request is refused already; whether there is a token is for the text of the answer.
    Explain(Arc<Handle>, Box<Failure>),
}

impl<S, B> Search<S, B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    /// What is there already counts, however late it is looked at.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Found> {
        if let Poll::Ready(found) = self.finder.poll(&mut self.body, cx) {
            return Poll::Ready(found);
        }
        match &mut self.patience {
            Some(patience) => patience.as_mut().poll(cx).map(|()| Found::TooSlow),
            None => Poll::Pending,
        }
    }

    #[expect(
        clippy::boxed_local,
        reason = "it is large, and is moved out of its box part by part"
    )]
    fn settle<H, R>(self: Box<Self>, found: &Found) -> State<S::Future, Box<Self>>
    where
        H: Handover<B>,
        S: Service<Request<H::Body>, Response = Response<R>>,
    {
        let Self {
            policy,
            mut inner,
            mut parts,
            body,
            mut finder,
            task,
            place,
            ..
        } = *self;
        let check = match task {
            Task::Verify(check) => check,
            Task::Explain(handle, failure) => {
                if !matches!(found, Found::Value(value) if !value.as_bytes().is_empty()) {
                    parts.extensions.insert(refusal::NoToken);
                }
                return refuse(&policy, failure, parts, handle);
            }
        };
        let verdict = match found {
            Found::Value(value) => policy.verify(&check, value.as_bytes(), place, &parts),
            Found::Nothing => Err(Failure::TokenMissing { place }),
            Found::BeyondLimit => Err(Failure::TokenBeyondLimit {
                place,
                limit: policy.body_limit,
            }),
            Found::TooSlow => Err(Failure::BodyTooSlow),
            // Where the request goes on all the same, its handler has to see the error too.
            Found::Error if policy.report_only => Err(Failure::BodyUnreadable { too_large: false }),
            Found::Error => {
                let too_large = finder
                    .error()
                    .is_some_and(|error| is_too_large(&*error.into()));
                Err(Failure::BodyUnreadable { too_large })
            }
        };
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

/// Puts what the handler needs into the request.
pub(crate) fn attach(handle: &Arc<Handle>, parts: &mut Parts) {
    handle.open(parts);
    parts.extensions.insert(Grip(Arc::clone(handle)));
}

/// Logs the verdict, and turns a failure that is only to be reported into a pass.
pub(crate) fn settle(
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

pub(crate) fn refuse<F, T>(
    policy: &Policy,
    failure: Box<Failure>,
    mut parts: Parts,
    handle: Arc<Handle>,
) -> State<F, T> {
    let cacheable = matches!(parts.method, Method::GET | Method::HEAD);
    let format = Format::for_request(policy, &failure, &parts);
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

pub(crate) struct Refusal {
    failure: Box<Failure>,
    handle: Arc<Handle>,
    format: Format,
    /// Whether a cache might keep the answer, and so has to know on what it depends.
    cacheable: bool,
}

impl Refusal {
    fn default_answer(&self) -> Response<Bytes> {
        refusal::answer(self.format, &self.failure)
    }

    fn answer<R: RefusalBody>(self, response: Response<Bytes>) -> Response<R> {
        let mut response = response.map(R::from_bytes);
        if self.cacheable {
            refusal::vary_by_origin(response.headers_mut());
        }
        let vary = self.cacheable || self.handle.policy.reject.is_some();
        self.handle.finish(response.headers_mut(), vary);
        response.extensions_mut().insert(*self.failure);
        response
    }
}

/// The refusal in place of the plain answer that a failure is by itself, so that one which a handler
/// finds looks like the layer's own. An answer that the handler made of it stays.
fn refused_late<F, T, R>(handle: &Arc<Handle>, response: &Response<R>) -> Option<State<F, T>> {
    let failure = handle.refused()?;
    let plain =
        response.extensions().get() == Some(failure) && response.status() == failure.status();
    if !plain || handle.policy.report_only {
        return None;
    }
    let parts = handle.refused_head()?;
    let failure = Box::new(failure.clone());
    Some(refuse(&handle.policy, failure, parts, Arc::clone(handle)))
}

/// What becomes of an answer whose handler never looked for the token it was left.
///
/// One that says no, of a router, another extractor or a layer in between, has done nothing for which
/// a token was needed, and anybody can provoke it. All others are taken away.
fn unverified<R: RefusalBody>(policy: &Policy, response: Response<R>) -> Response<R> {
    let status = response.status();
    if status.is_client_error() {
        tracing::debug!(
            target: "mainstay_csrf",
            status = status.as_u16(),
            "refused by another before a deferred check"
        );
        return response;
    }
    if status.is_server_error() {
        tracing::warn!(
            target: "mainstay_csrf",
            status = status.as_u16(),
            "failed before a deferred check was finished"
        );
        return response;
    }
    tracing::error!(
        target: "mainstay_csrf",
        status = status.as_u16(),
        report_only = policy.report_only,
        "a deferred check was never finished: its handler takes none of CsrfForm, CsrfMultipart \
         and CsrfDeferred"
    );
    if policy.report_only {
        return response;
    }
    let mut response = Response::new(R::from_bytes(Bytes::from_static(
        b"Internal Server Error\n",
    )));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}
