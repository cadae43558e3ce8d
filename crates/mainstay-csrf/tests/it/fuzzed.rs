//! What must hold for any input at all. The fuzz targets in `fuzz/` throw bytes at these functions;
//! the tests below replay what was found worth keeping.

use std::{
    convert::Infallible,
    future::Future,
    pin::{Pin, pin},
    sync::OnceLock,
    task::{Context, Poll, Waker},
};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::{HeaderValue, Request, header};
use http_body::Frame;
use http_body_util::BodyExt;
use mainstay_csrf::{Csrf, CsrfLayer, CsrfToken, Failure, KeyRing};
use tower::{Layer, Service, service_fn};

/// A `Cookie` header: a request passes with it only if our cookie is in it.
pub(crate) fn cookie(data: &[u8]) {
    for side in sides() {
        let ours = &side.cookie;
        let data = fill(data, b"COOKIE", ours.as_bytes());
        let Ok(value) = HeaderValue::from_bytes(&data) else {
            return;
        };
        let request = Request::post("/").header(header::COOKIE, value);
        let request = request
            .header("x-csrf-token", &side.token)
            .body(Body::empty())
            .unwrap();
        let (code, _) = side.judge(request);
        if code == "passed" {
            let found = data
                .windows(ours.len())
                .any(|window| window == ours.as_bytes());
            // Gorilla's value may stand in quotes.
            let (name, value) = ours.split_once('=').unwrap();
            let quoted = format!("{name}=\"{value}\"");
            let quoted = data
                .windows(quoted.len())
                .any(|window| window == quoted.as_bytes());
            assert!(found || quoted, "{}", data.escape_ascii());
        }
    }
}

/// A token in the header: the modern one has one spelling, gorilla's as many as there are pads.
pub(crate) fn token(data: &[u8]) {
    for side in sides() {
        let data = fill(data, b"TOKEN", side.token.as_bytes());
        let Ok(value) = HeaderValue::from_bytes(&data) else {
            return;
        };
        if value.is_empty() {
            return;
        }
        let request = Request::post("/").header(header::COOKIE, &side.cookie);
        let request = request
            .header("x-csrf-token", value)
            .body(Body::empty())
            .unwrap();
        let (code, _) = side.judge(request);
        if data == side.token.as_bytes() {
            assert_eq!(code, "passed");
        } else if side.field == "csrf_token" {
            assert_ne!(code, "passed", "{}", data.escape_ascii());
        }
    }
}

/// A urlencoded body: the verdict is that of another parser, however the body is cut.
pub(crate) fn urlencoded(data: &[u8]) {
    let side = &sides()[0];
    let body = fill(data, b"TOKEN", side.token.as_bytes());
    let mut pairs = form_urlencoded::parse(&body);
    let first = pairs.find(|(name, _)| name == "csrf_token");
    let expected = first.is_some_and(|(_, value)| *value == *side.token);
    let code = cut_and_compare(side, "application/x-www-form-urlencoded", &body);
    assert_eq!(
        code == "passed",
        expected,
        "{code}: {}",
        body.escape_ascii()
    );
}

/// A multipart body of the boundary `B`: the verdict does not depend on how it is cut.
pub(crate) fn multipart(data: &[u8]) {
    let side = &sides()[0];
    let body = fill(data, b"TOKEN", side.token.as_bytes());
    let code = cut_and_compare(side, "multipart/form-data; boundary=B", &body);
    let sent = body
        .windows(side.token.len())
        .any(|window| window == side.token.as_bytes());
    assert!(code != "passed" || sent, "{}", body.escape_ascii());
}

/// The verdict on a body whole and in pieces, which has to be the same; and the handler has to get
/// all of it.
fn cut_and_compare(side: &Side, media: &str, body: &[u8]) -> &'static str {
    let request = |body: Body| {
        let request = Request::post("/").header(header::COOKIE, &side.cookie);
        request
            .header(header::CONTENT_TYPE, media)
            .body(body)
            .unwrap()
    };
    let (whole, seen) = side.judge(request(Body::from(body.to_vec())));
    assert_eq!(seen.as_deref().unwrap_or(body), body);
    for size in [1, 2, 3, 7, 64] {
        let pieces: Vec<_> = body.chunks(size).map(Bytes::copy_from_slice).collect();
        let (cut, seen) = side.judge(request(Body::new(Pieces(pieces.into_iter()))));
        assert_eq!(cut, whole, "by {size}: {}", body.escape_ascii());
        assert_eq!(seen.as_deref().unwrap_or(body), body);
    }
    whole
}

/// A preset, and what it takes to get through it.
struct Side {
    layer: CsrfLayer,
    field: &'static str,
    cookie: String,
    token: String,
}

fn sides() -> &'static [Side; 2] {
    static SIDES: OnceLock<[Side; 2]> = OnceLock::new();
    SIDES.get_or_init(|| {
        let keys = KeyRing::new([7; 32]).unwrap();
        [
            Side::new(Csrf::new(keys.clone()), "csrf_token"),
            Side::new(Csrf::gorilla(keys), "gorilla.csrf.Token"),
        ]
    })
}

impl Side {
    fn new(csrf: Csrf, field: &'static str) -> Self {
        let layer = csrf.build().unwrap();
        let page = service_fn(|request: Request<Body>| async move {
            let token = CsrfToken::of(&request).unwrap().value().to_owned();
            Ok::<_, Infallible>(Response::new(Body::from(token)))
        });
        let page = now(layer.layer(page).call(Request::new(Body::empty()))).unwrap();
        let set = page.headers()[header::SET_COOKIE].to_str().unwrap();
        let cookie = set.split(';').next().unwrap().to_owned();
        let token = now(page.into_body().collect()).unwrap().to_bytes();
        Self {
            layer,
            field,
            cookie,
            token: String::from_utf8(token.to_vec()).unwrap(),
        }
    }

    /// The code, and what the handler saw of the body, if it ran.
    fn judge(&self, request: Request<Body>) -> (&'static str, Option<Vec<u8>>) {
        let echo = service_fn(|request: Request<Body>| async {
            Ok::<_, Infallible>(Response::new(request.into_body()))
        });
        let response = now(self.layer.layer(echo).call(request)).unwrap();
        let failure = response.extensions().get::<Failure>().cloned();
        match failure {
            Some(failure) => (failure.code(), None),
            None => {
                let body = now(response.into_body().collect()).unwrap().to_bytes();
                ("passed", Some(body.to_vec()))
            }
        }
    }
}

/// A body of these pieces.
struct Pieces(std::vec::IntoIter<Bytes>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.next().map(|piece| Ok(Frame::data(piece))))
    }
}

/// Nothing here ever waits.
fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("nothing here waits"),
    }
}

/// Secrets are new in every run, so inputs have a word where they go.
fn fill(data: &[u8], word: &[u8], with: &[u8]) -> Vec<u8> {
    let mut filled = Vec::new();
    let mut rest = data;
    while let Some(at) = rest.windows(word.len()).position(|window| window == word) {
        filled.extend_from_slice(&rest[..at]);
        filled.extend_from_slice(with);
        rest = &rest[at + word.len()..];
    }
    filled.extend_from_slice(rest);
    filled
}

#[cfg(test)]
mod tests {
    use test_support::corpus::replay;

    #[test]
    fn the_corpus_of_cookies() {
        replay("csrf_cookie", super::cookie);
    }

    #[test]
    fn the_corpus_of_tokens() {
        replay("csrf_token", super::token);
    }

    #[test]
    fn the_corpus_of_urlencoded_bodies() {
        replay("csrf_urlencoded", super::urlencoded);
    }

    #[test]
    fn the_corpus_of_multipart_bodies() {
        replay("csrf_multipart", super::multipart);
    }
}
