//! `/logtail` and `/mainlogtail`: a log's end and what is added to it, as bytes, without end.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use http::header::{CONTENT_TYPE, LAST_MODIFIED};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use std::path::PathBuf;
use std::time::SystemTime;
use tokio::sync::watch;

use super::follow::{self, Followed};
use super::plain;
use crate::daemon::{Channel, Handle};
use crate::rpc::Fault;

/// What the tail endpoints need.
#[derive(Clone, Debug)]
pub(super) struct Tails {
    pub(super) handle: Handle,
    pub(super) closing: watch::Receiver<bool>,
}

/// `/logtail/<name>[/<channel>]`
pub(super) async fn process(
    State(tails): State<Tails>,
    rest: Result<Path<String>, PathRejection>,
    request: Request<Body>,
) -> Response<Body> {
    // No program has a name that is not UTF-8.
    let Ok(Path(rest)) = rest else {
        return plain::error(StatusCode::NOT_FOUND);
    };
    let (name, channel) = match rest.split_once('/') {
        None => (&*rest, Channel::Stdout),
        Some((name, "stdout")) => (name, Channel::Stdout),
        Some((name, "stderr")) => (name, Channel::Stderr),
        Some(_) => return plain::error(StatusCode::NOT_FOUND),
    };
    let path = tails.handle.log_to_follow(name, channel).await;
    let mut response = stream(request.method(), path, tails.closing).await;
    if response.status() == StatusCode::OK {
        // A proxy that collects the answer before passing it on would never pass it on.
        let name = HeaderName::from_static("x-accel-buffering");
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static("no"));
    }
    response
}

/// `/mainlogtail`
pub(super) async fn main(State(tails): State<Tails>, request: Request<Body>) -> Response<Body> {
    let path = tails.handle.main_log_to_follow().await;
    stream(request.method(), path, tails.closing).await
}

async fn stream(
    method: &Method,
    path: Result<Option<PathBuf>, Fault>,
    closing: watch::Receiver<bool>,
) -> Response<Body> {
    if method != Method::GET {
        return plain::error(StatusCode::BAD_REQUEST);
    }
    let Ok(Some(path)) = path else {
        return plain::error(StatusCode::NOT_FOUND);
    };
    match follow::follow(path, closing).await {
        Ok(Some(Followed { body, modified })) => {
            let mut response = Response::new(body);
            let headers = response.headers_mut();
            headers.insert(
                CONTENT_TYPE,
                HeaderValue::from_static("text/plain;charset=utf-8"),
            );
            if let Some(date) = modified.and_then(http_date) {
                headers.insert(LAST_MODIFIED, date);
            }
            response
        }
        // Unreadable, or no regular file: as good as not there.
        Ok(None) | Err(_) => plain::error(StatusCode::NOT_FOUND),
    }
}

fn http_date(time: SystemTime) -> Option<HeaderValue> {
    let time = jiff::Timestamp::try_from(time).ok()?;
    let text = time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    HeaderValue::try_from(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_as_http_wants_them() {
        let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(784_111_777);
        assert_eq!(http_date(time).unwrap(), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
