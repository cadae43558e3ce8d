//! Each error is one line, and one call of each hook.

use std::{
    io,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Body,
    middleware,
    response::{IntoResponse as _, Response},
    routing::get,
};
use http::{Request, StatusCode};
use mainstay_handler::{Error, ErrorEvent, ErrorLayer, Origin, Result, ResultExt as _};
use tower_http::trace::TraceLayer;
use tracing::Level;

use crate::support::{Log, failing, get as request, send, through};

async fn fails() -> Result<Response> {
    Err(io::Error::other("disk full")).note("saving")?
}

fn app() -> Router {
    Router::new().route("/u/{id}", get(fails))
}

#[tokio::test]
async fn any_number_of_layers_makes_one_line() {
    let cases = [
        ("none", app()),
        ("one", app().layer(ErrorLayer::new())),
        (
            "two",
            app().layer(ErrorLayer::new()).layer(ErrorLayer::new()),
        ),
        (
            "nested routers",
            Router::new()
                .nest("/a", app().layer(ErrorLayer::new()))
                .layer(ErrorLayer::new()),
        ),
    ];
    for (name, app) in cases {
        let log = Log::start();
        let path = if name == "nested routers" {
            "/a/u/7"
        } else {
            "/u/7"
        };
        let answer = send(app, request(path)).await;
        assert_eq!(answer.status, 500, "{name}");
        let line = log.only();
        assert_eq!(line.message().contains("no ErrorLayer"), name == "none");
        assert!(
            line.message().ends_with("HTTP 500 - saving: disk full"),
            "{}",
            line.message()
        );
    }
}

#[tokio::test]
async fn an_outer_layer_leaves_a_finished_answer_as_it_is() {
    // Text, which an outer layer would otherwise take for the short error of someone else.
    use mainstay_handler::Format;
    let inner = ErrorLayer::new().only(Format::Text);
    let app = app()
        .layer(inner)
        .layer(ErrorLayer::new().only(Format::Problem));
    let answer = send(app, request("/u/7")).await;
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(answer.body, "500 Internal Server Error\n");
}

#[tokio::test]
async fn a_response_that_was_replaced_is_still_logged() {
    let log = Log::start();
    let replaced = middleware::map_response(async |_: Response| "all is well");
    let app = app().layer(replaced).layer(ErrorLayer::new());
    assert_eq!(send(app, request("/u/7")).await.body, "all is well");
    assert!(
        log.only()
            .message()
            .starts_with("no ErrorLayer handled this error: HTTP 500")
    );
}

#[tokio::test]
async fn a_response_that_was_copied_is_logged_once() {
    let log = Log::start();
    let copied = middleware::map_response(async |response: Response| {
        let mut copy = StatusCode::IM_A_TEAPOT.into_response();
        copy.extensions_mut().extend(response.extensions().clone());
        drop(response);
        copy
    });
    let app = app()
        .layer(copied)
        .layer(ErrorLayer::new())
        .layer(ErrorLayer::new());
    assert_eq!(send(app, request("/u/7")).await.status, 500);
    log.only();
}

#[tokio::test]
async fn nothing_makes_a_success_of_an_error() {
    let app = Router::new()
        .route("/", get(async || (StatusCode::CREATED, fails().await)))
        .layer(ErrorLayer::new());
    assert_eq!(send(app, request("/")).await.status, 500);
}

#[tokio::test]
async fn the_line_says_who_asked_for_what() {
    let log = Log::start();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let hook = {
        let seen = Arc::clone(&seen);
        move |event: &ErrorEvent<'_>| {
            let text = format!(
                "{} {} {} {} {} {}",
                event.status.as_u16(),
                event.origin,
                event.method,
                event.path,
                event.route.unwrap_or("-"),
                event.request_id.unwrap_or("-"),
            );
            seen.lock().unwrap().push((text, event.error.is_some()));
        }
    };
    let app = app().layer(ErrorLayer::new().on_error(hook.clone()).on_error(hook));
    let request = Request::get("/u/7?q=1")
        .header("x-request-id", "01J9Z")
        .body(Body::empty())
        .unwrap();
    send(app, request).await;

    let line = log.only();
    assert_eq!(
        (line.level, &*line.target),
        (Level::ERROR, "mainstay::http")
    );
    assert_eq!(line.message(), "HTTP 500 - saving: disk full");
    for (name, value) in [
        ("status", "500"),
        ("method", "GET"),
        ("path", "/u/7"),
        ("route", "/u/{id}"),
        ("request_id", "01J9Z"),
        ("origin", "unknown"),
        ("kind", "std::io::error::Error"),
        ("hint", ""),
    ] {
        assert_eq!(line.field(name), value, "{name}");
    }
    assert!(
        line.field("location").contains("tests/it/once.rs:"),
        "{}",
        line.field("location")
    );
    assert!(!line.field("elapsed").is_empty());

    let expected = ("500 unknown GET /u/7 /u/{id} 01J9Z".to_owned(), true);
    assert_eq!(*seen.lock().unwrap(), [expected.clone(), expected]);
}

#[tokio::test]
async fn unsound_request_ids_are_passed_over() {
    let long = "x".repeat(129);
    let cases = [
        ("a b", ""),
        ("", ""),
        ("tab\tbed", ""),
        ("ünï", ""),
        (&long, ""),
        (&long[1..], &long[1..]),
    ];
    for (id, logged) in cases {
        let log = Log::start();
        let request = Request::get("/u/7")
            .header("x-request-id", id.as_bytes())
            .body(Body::empty());
        let answer = send(app().layer(ErrorLayer::new()), request.unwrap()).await;
        assert_eq!(log.only().field("request_id"), logged);
        let in_answer = answer
            .json()
            .get("request_id")
            .map(|id| id.as_str().unwrap().to_owned());
        assert_eq!(in_answer.unwrap_or_default(), logged);
    }
}

#[tokio::test]
async fn levels_go_by_status() {
    let quiet = ErrorLayer::new().log_level(|status| (status == 409).then_some(Level::WARN));
    let cases = [
        (ErrorLayer::new(), 500, Some(Level::ERROR)),
        (ErrorLayer::new(), 404, Some(Level::DEBUG)),
        (quiet.clone(), 409, Some(Level::WARN)),
        (quiet, 500, None),
    ];
    for (layer, status, level) in cases {
        let log = Log::start();
        let error = Error::from_status(StatusCode::from_u16(status).unwrap());
        through(&layer, error, request("/")).await;
        let levels: Vec<Level> = log.lines().iter().map(|line| line.level).collect();
        assert_eq!(levels, Vec::from_iter(level));
    }
}

#[tokio::test]
async fn a_response_as_it_is_is_logged_only_if_it_is_an_error() {
    let layer = ErrorLayer::new();
    let log = Log::start();
    let error = Error::respond((StatusCode::SEE_OTHER, [("location", "/login")]));
    let answer = through(&layer, (StatusCode::CREATED, error), request("/")).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("location")),
        (303, "/login")
    );
    assert!(log.lines().is_empty());

    let error = Error::respond((StatusCode::PAYMENT_REQUIRED, "pay first")).note("no plan");
    let answer = through(&layer, error, request("/")).await;
    assert_eq!((answer.status.as_u16(), &*answer.body), (402, "pay first"));
    assert_eq!(
        log.only().message(),
        "HTTP 402 - no plan: answered 402 Payment Required"
    );
}

#[tokio::test]
async fn beside_a_trace_layer_there_is_one_error_line() {
    let log = Log::start();
    let app = app()
        .layer(ErrorLayer::new())
        .layer(TraceLayer::new_for_http().on_failure(()));
    send(app, request("/u/7")).await;
    let errors = log
        .lines()
        .into_iter()
        .filter(|line| line.level == Level::ERROR);
    assert_eq!(errors.count(), 1);
}

#[tokio::test]
async fn a_cause_cannot_forge_a_line() {
    let log = Log::start();
    failing(
        &ErrorLayer::new(),
        "a\nERROR forged \u{1b}[0m",
        request("/"),
    )
    .await;
    assert_eq!(
        log.only().message(),
        "HTTP 500 - a\\nERROR forged \\u{1b}[0m"
    );
}

#[test]
fn origins_have_words() {
    let origins = [
        Origin::Foreign,
        Origin::Known,
        Origin::Panic,
        Origin::Service,
        Origin::Unknown,
    ];
    let words = ["foreign", "known", "panic", "service", "unknown"];
    assert_eq!(origins.map(Origin::as_str), words);
}
