use std::{
    convert::Infallible,
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum_core::response::{IntoResponse, Response};
use http::Request;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::Result;

/// An environment and a function that returns errors, as a service: for those without a router.
///
/// With axum, use its `State`.
pub struct Handler<E, F> {
    env: Arc<E>,
    f: F,
}

impl<E, F> Handler<E, F> {
    /// A service that calls `f` with `env` for each request.
    pub const fn new(env: Arc<E>, f: F) -> Self {
        Self { env, f }
    }
}

impl<E, F, Fut, R, B> Service<Request<B>> for Handler<E, F>
where
    F: Fn(Arc<E>, Request<B>) -> Fut,
    Fut: Future<Output = Result<R>>,
    R: IntoResponse,
{
    type Response = Response;
    type Error = Infallible;
    type Future = HandlerFuture<Fut>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        HandlerFuture {
            future: (self.f)(Arc::clone(&self.env), request),
        }
    }
}

impl<E, F: Clone> Clone for Handler<E, F> {
    fn clone(&self) -> Self {
        Self {
            env: Arc::clone(&self.env),
            f: self.f.clone(),
        }
    }
}

impl<E, F> fmt::Debug for Handler<E, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handler").finish_non_exhaustive()
    }
}

pin_project! {
    /// The response of a [`Handler`].
    pub struct HandlerFuture<Fut> {
        #[pin]
        future: Fut,
    }
}

impl<Fut, R> Future for HandlerFuture<Fut>
where
    Fut: Future<Output = Result<R>>,
    R: IntoResponse,
{
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(ready!(self.project().future.poll(cx)).into_response()))
    }
}

impl<Fut> fmt::Debug for HandlerFuture<Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerFuture").finish_non_exhaustive()
    }
}
