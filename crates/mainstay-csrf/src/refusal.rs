//! The answer to a refused request.

use std::{future::Future, pin::Pin, sync::Arc};

use axum_core::body::Body as AxumBody;
use bytes::Bytes;
use http::{HeaderValue, Response, header, request::Parts};
use http_body_util::{
    BodyExt, Full,
    combinators::{BoxBody, UnsyncBoxBody},
};

use crate::Failure;

/// A response body that a refusal can be written into.
pub trait RefusalBody {
    /// The body that consists of these bytes.
    fn from_bytes(bytes: Bytes) -> Self;
}

impl RefusalBody for AxumBody {
    fn from_bytes(bytes: Bytes) -> Self {
        Self::from(bytes)
    }
}

impl RefusalBody for Full<Bytes> {
    fn from_bytes(bytes: Bytes) -> Self {
        Self::new(bytes)
    }
}

impl<E: Send + Sync + 'static> RefusalBody for BoxBody<Bytes, E> {
    fn from_bytes(bytes: Bytes) -> Self {
        Full::new(bytes).map_err(|never| match never {}).boxed()
    }
}

impl<E: Send + 'static> RefusalBody for UnsyncBoxBody<Bytes, E> {
    fn from_bytes(bytes: Bytes) -> Self {
        Full::new(bytes)
            .map_err(|never| match never {})
            .boxed_unsync()
    }
}

/// What answers in place of us.
pub(crate) type Reject = Arc<dyn Fn(Failure, Parts) -> Rejecting + Send + Sync>;

pub(crate) type Rejecting = Pin<Box<dyn Future<Output = Response<Bytes>> + Send>>;

/// `Forbidden - …`, as gorilla begins it.
pub(crate) fn default_answer(failure: &Failure) -> Response<Bytes> {
    let status = failure.status();
    let reason = status.canonical_reason().unwrap_or("Refused");
    let mut response = Response::new(Bytes::from(format!("{reason} - {failure}\n")));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

/// The whole of an answer that a handler made. Pages about refusals are small.
pub(crate) async fn collect(response: Response<AxumBody>) -> Response<Bytes> {
    let (parts, body) = response.into_parts();
    let body = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => {
            tracing::error!(target: "mainstay_csrf", %error, "the refusal's own body failed");
            Bytes::new()
        }
    };
    Response::from_parts(parts, body)
}
