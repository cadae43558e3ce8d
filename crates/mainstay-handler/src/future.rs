use std::{
    convert::Infallible,
    fmt,
    future::Future,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum_core::{body::Body, response::Response};
use bytes::Bytes;
use http::response::Parts;
use http_body::Body as _;
use pin_project_lite::pin_project;

use crate::{
    BoxError,
    answer::{Seen, Verdict},
    layer::{Config, Failure},
};

pin_project! {
    /// Answers one request; see [`ErrorLayer`](crate::ErrorLayer).
    ///
    /// Dropping it cancels the request: nothing is answered, and nothing is logged.
    pub struct ResponseFuture<F> {
        #[pin]
        state: State<F>,
        seen: Seen,
        config: Arc<Config>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F> {
        Called { #[pin] future: F },
        Failed { failure: Option<Failure> },
        // The body of somebody else's short error, which is to be the message of the answer.
        Reading { parts: Option<Parts>, body: Body, text: Vec<u8> },
        Done,
    }
}

impl<F> ResponseFuture<F> {
    pub(crate) fn new(called: Result<F, Failure>, seen: Seen, config: Arc<Config>) -> Self {
        let state = match called {
            Ok(future) => State::Called { future },
            Err(failure) => State::Failed {
                failure: Some(failure),
            },
        };
        Self {
            state,
            seen,
            config,
        }
    }
}

impl<F, RB, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<http::Response<RB>, E>>,
    E: Into<BoxError>,
    RB: http_body::Body<Data = Bytes> + Send + 'static,
    RB::Error: Into<BoxError>,
{
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let (seen, config) = (&*this.seen, &**this.config);
        loop {
            let response = match this.state.as_mut().project() {
                StateProj::Called { future } => {
                    let outcome = match config.guard(|| future.poll(cx)) {
                        Ok(outcome) => ready!(outcome).map_err(Failure::of_service),
                        Err(panic) => Err(panic),
                    };
                    match outcome.map(|response| seen.judge(config, response.map(Body::new))) {
                        Ok(Verdict::Finished(response)) => response,
                        Ok(Verdict::Read(response)) => {
                            let (parts, body) = response.into_parts();
                            let (parts, text) = (Some(parts), Vec::new());
                            this.state.set(State::Reading { parts, body, text });
                            continue;
                        }
                        Err(failure) => {
                            // What panicked may panic again when it is dropped.
                            let dropped = config.guard(|| this.state.set(State::Done));
                            drop(dropped);
                            seen.answer_failure(config, &failure)
                        }
                    }
                }
                StateProj::Failed { failure } => match failure.take() {
                    Some(failure) => seen.answer_failure(config, &failure),
                    None => panic!("polled after it was ready"),
                },
                StateProj::Reading { parts, body, text } => {
                    ready!(poll_text(Pin::new(body), text, cx));
                    match parts.take() {
                        Some(parts) => seen.answer_foreign(config, parts, &mem::take(text)),
                        None => panic!("polled after it was ready"),
                    }
                }
                StateProj::Done => panic!("polled after it was ready"),
            };
            this.state.set(State::Done);
            return Poll::Ready(Ok(response));
        }
    }
}

/// Reads a body that said it is short. If it breaks off, what was there will do: it is a message.
fn poll_text(mut body: Pin<&mut Body>, text: &mut Vec<u8>, cx: &mut Context<'_>) -> Poll<()> {
    while let Some(Ok(frame)) = ready!(body.as_mut().poll_frame(cx)) {
        if let Some(data) = frame.data_ref() {
            text.extend_from_slice(data);
        }
    }
    Poll::Ready(())
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("seen", &self.seen)
            .finish_non_exhaustive()
    }
}
