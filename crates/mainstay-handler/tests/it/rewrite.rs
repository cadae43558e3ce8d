//! Errors of others.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use mainstay_handler::{ErrorLayer, Rewrite, Verbatim};

use crate::support::{Log, get, through};

fn typed(status: u16, kind: &'static str, body: impl Into<Body>) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    (status, [("content-type", kind)], body.into()).into_response()
}

fn with<T: Clone + Send + Sync + 'static>(mut response: Response, extension: T) -> Response {
    response.extensions_mut().insert(extension);
    response
}

/// A body that does not know its own length.
fn stream() -> Body {
    struct Once(Option<&'static [u8]>);

    impl http_body::Body for Once {
        type Data = bytes::Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<http_body::Frame<Self::Data>, Self::Error>>> {
            let data = self.0.take().map(bytes::Bytes::from_static);
            std::task::Poll::Ready(data.map(|data| Ok(http_body::Frame::data(data))))
        }
    }

    Body::new(Once(Some(b"short")))
}

/// Name, response, the message of the answer if it is rewritten, start of the log's line.
type Case<'a> = (&'a str, Response, Option<Option<&'a str>>, Option<&'a str>);

#[tokio::test]
async fn which_are_rewritten_and_what_is_logged() {
    let plain = "text/plain; charset=utf-8";
    let long = "x".repeat((4 << 10) + 1);
    #[rustfmt::skip]
    let cases: Vec<Case<'_>> = vec![
        ("success", "fine".into_response(), None, None),
        ("redirect", typed(302, plain, "there"), None, None),
        ("short 4xx", typed(403, plain, "wrong token\n"), Some(Some("wrong token")), Some("HTTP 403 - wrong token")),
        ("short 4xx, odd case", typed(403, "TEXT/PLAIN", "wrong"), Some(Some("wrong")), Some("HTTP 403 - wrong")),
        ("only the reason", typed(404, plain, "Not Found"), Some(None), Some("HTTP 404")),
        ("after the reason", typed(403, plain, "Forbidden - wrong token\n"), Some(Some("wrong token")), Some("HTTP 403 - wrong token")),
        ("like the reason", typed(404, plain, "Not Founded"), Some(Some("Not Founded")), Some("HTTP 404 - Not Founded")),
        ("empty", StatusCode::NOT_FOUND.into_response(), Some(None), Some("HTTP 404")),
        ("empty html", typed(404, "text/html", ""), Some(None), Some("HTTP 404")),
        ("not UTF-8", typed(400, plain, &b"a\xff"[..]), Some(Some("a\u{fffd}")), Some("HTTP 400 - a\u{fffd}")),
        ("short 5xx", typed(502, plain, "secret upstream"), Some(None), Some("HTTP 502 - secret upstream")),
        ("longest", typed(400, plain, long[1..].to_owned()), Some(Some(&long[1..])), Some("HTTP 400 - ")),
        ("too long", typed(400, plain, long.clone()), None, None),
        ("too long 5xx", typed(500, plain, long.clone()), None, Some("HTTP 500")),
        ("JSON", typed(400, "application/json", "{}"), None, None),
        ("JSON 5xx", typed(500, "application/json", "{}"), None, Some("HTTP 500")),
        ("untyped", (StatusCode::BAD_REQUEST, Body::from("x")).into_response(), None, None),
        ("stream", typed(400, plain, stream()), None, None),
        ("encoded", ([("content-encoding", "br")], typed(400, plain, "x")).into_response(), None, None),
        ("verbatim", with(typed(400, plain, "x"), Verbatim), None, None),
        ("verbatim 5xx", with(typed(500, plain, "x"), Verbatim), None, Some("HTTP 500")),
    ];
    for (name, response, message, logged) in cases {
        let log = Log::start();
        let (status, headers) = (response.status(), response.headers().clone());
        let answer = through(&ErrorLayer::new(), response, get("/")).await;
        assert_eq!(answer.status, status, "{name}");
        match message {
            Some(message) => assert_eq!(answer.detail().as_deref(), message, "{name}"),
            None => assert_eq!(answer.headers, headers, "{name}"),
        }
        assert!(!answer.body.contains("secret"), "{name}");
        match logged {
            Some(start) => {
                let line = log.only();
                assert!(
                    line.message().starts_with(start),
                    "{name}: {}",
                    line.message()
                );
                assert_eq!(line.field("origin"), "foreign");
            }
            None => assert!(log.lines().is_empty(), "{name}: {:?}", log.lines()),
        }
    }
}

#[tokio::test]
async fn rewriting_can_be_turned_off() {
    let layer = ErrorLayer::new().rewrite(Rewrite::None);
    let log = Log::start();
    let answer = through(&layer, typed(403, "text/plain", "wrong"), get("/")).await;
    assert_eq!(
        (answer.header("content-type"), &*answer.body),
        ("text/plain", "wrong")
    );
    assert!(log.lines().is_empty());
    through(&layer, typed(500, "text/plain", "wrong"), get("/")).await;
    assert_eq!(log.only().message(), "HTTP 500");
}

#[tokio::test]
async fn a_foreign_5xx_that_passes_two_layers_is_logged_once() {
    use axum::{Router, routing};
    let log = Log::start();
    let app = Router::new()
        .route(
            "/",
            routing::get(async || typed(500, "application/json", "{}")),
        )
        .layer(ErrorLayer::new())
        .layer(ErrorLayer::new());
    assert_eq!(crate::support::send(app, get("/")).await.body, "{}");
    log.only();
}
