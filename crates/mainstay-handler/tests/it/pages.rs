//! The formats, and what is in them.

use std::{fmt, io};

use http::{HeaderValue, Request, StatusCode};
use mainstay_handler::{
    BoxError, Error, ErrorLayer, ErrorPages, ErrorView, Format, ResultExt as _,
};
use serde_json::json;

use crate::support::{get, get_as, through};

fn not_found() -> Error {
    Error::not_found("no <user> 7").note("private note")
}

fn with_id(accept: &str) -> Request<axum::body::Body> {
    let mut request = get_as("/u/7", accept);
    request
        .headers_mut()
        .insert("x-request-id", HeaderValue::from_static("01J&"));
    request
}

#[tokio::test]
async fn the_three_formats() {
    let layer = ErrorLayer::new();

    let answer = through(&layer, not_found(), with_id("application/json")).await;
    assert_eq!(
        answer.body,
        r#"{"type":"about:blank","title":"Not Found","status":404,"detail":"no <user> 7","request_id":"01J&"}"#
    );

    let answer = through(&layer, not_found(), with_id("text/plain")).await;
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(
        answer.body,
        "404 Not Found\nno <user> 7\nrequest id: 01J&\n"
    );

    let answer = through(&layer, not_found(), with_id("text/html")).await;
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    for part in [
        "<!doctype html>",
        "<title>404 Not Found</title>",
        "<p>no &lt;user&gt; 7</p>",
        "<code>01J&amp;</code>",
        "prefers-color-scheme:dark",
        "width=device-width",
        "</html>\n",
    ] {
        assert!(answer.body.contains(part), "{part} in {}", answer.body);
    }
    assert!(!answer.body.contains("<script") && !answer.body.contains("private"));
}

#[tokio::test]
async fn headers_of_an_answer() {
    let response = (
        [
            ("content-length", "3"),
            ("content-encoding", "br"),
            ("etag", "\"x\""),
            ("last-modified", "Thu, 01 Jan 1970 00:00:00 GMT"),
            ("set-cookie", "a=b"),
            ("vary", "cookie"),
            ("retry-after", "9"),
        ],
        not_found(),
    );
    let answer = through(&ErrorLayer::new(), response, get("/")).await;
    for gone in [
        "content-length",
        "content-encoding",
        "etag",
        "last-modified",
    ] {
        assert_eq!(answer.header(gone), "", "{gone}");
    }
    for (name, value) in [
        ("set-cookie", "a=b"),
        ("retry-after", "9"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
    let vary: Vec<_> = answer.headers.get_all("vary").iter().collect();
    assert_eq!(vary, ["cookie", "accept"]);
    assert_eq!(answer.json()["status"], 404, "of full length");
}

#[tokio::test]
async fn what_was_said_about_caching_and_varying_stays() {
    let response = (
        [("vary", "Cookie, ACCEPT"), ("cache-control", "max-age=9")],
        not_found(),
    );
    let answer = through(&ErrorLayer::new(), response, get("/")).await;
    assert_eq!(answer.headers.get_all("vary").iter().count(), 1);
    assert_eq!(answer.header("cache-control"), "max-age=9");

    let only = ErrorLayer::new().only(Format::Html);
    let answer = through(&only, not_found(), get_as("/", "application/json")).await;
    assert_eq!(
        (answer.header("vary"), answer.header("content-type")),
        ("", "text/html; charset=utf-8")
    );
}

#[tokio::test]
async fn several_lines_of_accept_are_one() {
    let request = Request::get("/")
        .header("accept", "application/json;q=0.5")
        .header("accept", "text/plain")
        .body(axum::body::Body::empty());
    let answer = through(&ErrorLayer::new(), not_found(), request.unwrap()).await;
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
}

#[tokio::test]
async fn development_shows_the_private_side() {
    let layer = ErrorLayer::new().development(true);
    let error = || Error::new(io::Error::other("disk <full>")).note("saving");

    let problem = through(&layer, error(), get("/")).await.json();
    assert_eq!(problem["debug"]["chain"], json!(["saving", "disk <full>"]));
    assert_eq!(problem["debug"]["type"], "std::io::error::Error");
    assert!(
        problem["debug"]["location"]
            .as_str()
            .unwrap()
            .contains("pages.rs:")
    );

    let html = through(&layer, error(), get_as("/", "text/html"))
        .await
        .body;
    assert!(
        html.contains("<li>saving</li><li>disk &lt;full&gt;</li>"),
        "{html}"
    );
    let text = through(&layer, error(), get_as("/", "text/plain"))
        .await
        .body;
    assert!(text.contains("\n- saving\n- disk <full>\nat "), "{text}");

    let foreign = (StatusCode::BAD_GATEWAY, "upstream said no");
    let problem = through(&layer, foreign, get("/")).await.json();
    assert_eq!(problem["debug"]["chain"], json!(["upstream said no"]));
}

struct Greeting;

impl ErrorPages for Greeting {
    fn html(&self, view: &ErrorView<'_>, out: &mut dyn fmt::Write) -> Result<(), BoxError> {
        let language = view.request_headers.get("accept-language").or_bad_request();
        let language = language.map_err(|_| "no language")?.to_str()?;
        Ok(write!(out, "{} {} {language}", view.method, view.path)?)
    }

    fn wants_headers(&self) -> bool {
        true
    }
}

use mainstay_handler::OptionExt as _;

#[tokio::test]
async fn pages_see_the_headers_if_they_want_them() {
    let layer = ErrorLayer::new().only(Format::Html).pages(Greeting);
    let mut request = get("/u/7");
    request
        .headers_mut()
        .insert("accept-language", HeaderValue::from_static("de"));
    let answer = through(&layer, Err::<(), _>("x").or_conflict(), request).await;
    assert_eq!(answer.body, "GET /u/7 de");

    fn plain(view: &ErrorView<'_>, out: &mut dyn fmt::Write) -> Result<(), BoxError> {
        assert!(view.request_headers.is_empty() && view.debug.is_none());
        Ok(out.write_str("plain")?)
    }
    let layer = ErrorLayer::new().only(Format::Html).pages(plain);
    assert_eq!(through(&layer, not_found(), get("/")).await.body, "plain");
}
