//! The layer in a whole stack: rejections, 404 and 405, limits, panics, HEAD.

use std::{collections::HashMap, convert::Infallible, io, sync::Once, time::Duration};

use axum::{
    Extension, Form, Json, Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, FromRequest, Path, Query},
    response::Response,
    routing::{get, post},
};
use http::{Request, StatusCode};
use mainstay_handler::{
    Error, ErrorLayer, ErrorService, Result, ResultExt as _, install_panic_hook,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tower::{Layer as _, Service as _, ServiceBuilder, ServiceExt as _, service_fn};

use crate::support::{Log, failing, get as request, get_as, send};

type Numbers = HashMap<String, u32>;

fn rejecting() -> Router {
    Router::new()
        .route("/json", post(async |_: Json<Numbers>| ()))
        .route("/form", post(async |_: Form<Numbers>| ()))
        .route("/query", get(async |_: Query<Numbers>| ()))
        .route("/path/{n}", get(async |_: Path<u32>| ()))
        .route("/bytes", post(async |_: Bytes| ()))
        .route("/string", post(async |_: String| ()))
        .route("/extension", get(async |_: Extension<u32>| ()))
        .layer(DefaultBodyLimit::max(100))
}

fn post_of(path: &str, kind: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(path)
        .header("content-type", kind)
        .body(body.into())
        .unwrap()
}

#[tokio::test]
async fn rejections_are_answered_in_one_form() {
    type Make = fn() -> Request<Body>;
    const JSON: &str = "application/json";
    const FORM: &str = "application/x-www-form-urlencoded";
    // request, status, the fixed sentence, whether a detail follows it
    #[rustfmt::skip]
    let cases: [(Make, u16, Option<&str>, bool); 9] = [
        (|| post_of("/json", JSON, "{"), 400, Some("Failed to parse the request body as JSON"), true),
        (|| post_of("/json", JSON, "{\"a\": \"b\"}"), 422, Some("Failed to deserialize the JSON body into the target type"), true),
        (|| post_of("/json", "text/css", "{}"), 415, Some("Expected request with `Content-Type: application/json`"), false),
        (|| post_of("/form", FORM, "a=b"), 422, Some("Failed to deserialize form body"), true),
        (|| request("/query?a=b"), 400, Some("Failed to deserialize query string"), true),
        (|| request("/path/x"), 400, Some("Invalid URL"), true),
        (|| post_of("/bytes", JSON, "x".repeat(101)), 413, Some("Failed to buffer the request body"), true),
        (|| post_of("/string", "text/plain", &b"\xff"[..]), 400, Some("Request body didn't contain valid UTF-8"), true),
        (|| request("/extension"), 500, None, false),
    ];
    for (make, status, sentence, detailed) in cases {
        for terse in [false, true] {
            let layer = ErrorLayer::new().terse_rejections(terse);
            let answer = send(rejecting().layer(layer), make()).await;
            assert_eq!(answer.status, status, "{sentence:?}");
            let detail = answer.detail();
            match sentence {
                Some(sentence) if detailed && !terse => {
                    let detail = detail.unwrap();
                    assert!(detail.starts_with(&format!("{sentence}: ")), "{detail}");
                }
                _ => assert_eq!(detail.as_deref(), sentence),
            }
        }
    }
}

#[derive(FromRequest)]
#[from_request(via(axum::Json), rejection(mainstay_handler::Error))]
struct ApiJson<T>(T);

#[tokio::test]
async fn a_rejection_turned_into_an_error_keeps_its_status() {
    let app = || Router::new().route("/", post(async |ApiJson(_): ApiJson<Numbers>| ()));
    let bad = || post_of("/", "application/json", "{\"a\": \"b\"}");
    let log = Log::start();
    let answer = send(app().layer(ErrorLayer::new()), bad()).await;
    assert_eq!(answer.status, 422);
    assert!(answer.detail().unwrap().contains("invalid type: string"));
    assert_eq!(
        log.only().field("location"),
        "",
        "it would be in the standard library"
    );

    let terse = ErrorLayer::new().terse_rejections(true);
    let answer = send(app().layer(terse), bad()).await;
    let sentence = "Failed to deserialize the JSON body into the target type";
    assert_eq!(answer.detail().as_deref(), Some(sentence));
}

#[tokio::test]
async fn no_route_and_no_such_method() {
    let inner = Router::new()
        .route("/", get(async || ()))
        .route("/deep", get(async || ()));
    let app = Router::new()
        .nest("/in", inner)
        .route("/x", get(async || ()).post(async || ()));
    let app = app.layer(ErrorLayer::new());
    for (path, accept) in [("/none", "text/html"), ("/in/none", "application/json")] {
        let answer = send(app.clone(), get_as(path, accept)).await;
        assert_eq!(answer.status, 404);
        assert!(
            answer
                .header("content-type")
                .starts_with(accept.get(..8).unwrap())
        );
    }
    let wrong = Request::delete("/x").body(Body::empty()).unwrap();
    let answer = send(app.clone(), wrong).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("allow")),
        (405, "GET,HEAD,POST")
    );
    assert_eq!(answer.json()["title"], "Method Not Allowed");

    // What the documentation warns of.
    let late = app.fallback(async || Error::from_status(StatusCode::NOT_FOUND));
    let log = Log::start();
    assert_eq!(send(late, request("/none")).await.body, "Not Found");
    assert!(
        log.only()
            .message()
            .starts_with("no ErrorLayer handled this error")
    );
}

#[tokio::test]
async fn head_gets_the_headers_of_get() {
    let app = Router::new()
        .route("/", get(async || Error::not_found("no user 7")))
        .layer(ErrorLayer::new().only(mainstay_handler::Format::Text));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, app).await.unwrap() });
    for (method, body) in [("GET", "404 Not Found\nno user 7\n"), ("HEAD", "")] {
        let mut client = TcpStream::connect(address).await.unwrap();
        let request = format!("{method} / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        client.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        let (head, sent) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 404 Not Found\r\n"), "{head}");
        assert!(head.contains("content-length: 24"), "{head}");
        assert_eq!(sent, body);
    }
}

#[tokio::test(start_paused = true)]
async fn timeouts_and_shed_load_need_no_handler() {
    let slow = service_fn(async |_: Request<Body>| {
        tokio::time::sleep(Duration::from_secs(60)).await;
        Ok::<_, Infallible>(Response::new(Body::empty()))
    });
    let service = ServiceBuilder::new()
        .layer(ErrorLayer::new())
        .load_shed()
        .concurrency_limit(1)
        .timeout(Duration::from_secs(1))
        .service(slow);

    let log = Log::start();
    let first = send(service.clone(), request("/first"));
    let second = send(service, request("/second"));
    let (first, second) = tokio::join!(first, second);
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (503, 503));
    assert_eq!((first.detail(), second.detail()), (None, None));

    let mut lines = log.lines();
    lines.sort_by_key(|line| line.field("path").to_owned());
    let messages: Vec<_> = lines.iter().map(|line| line.message()).collect();
    assert_eq!(
        messages,
        [
            "HTTP 503 - request timed out",
            "HTTP 503 - service overloaded"
        ]
    );
}

/// A service whose readiness fails, which is answered with the next call.
#[tokio::test]
async fn a_service_that_is_never_ready_is_answered() {
    #[derive(Clone)]
    struct Broken;

    impl tower::Service<Request<Body>> for Broken {
        type Response = Response;
        type Error = io::Error;
        type Future = std::future::Ready<Result<Response, io::Error>>;

        fn poll_ready(
            &mut self,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Result<(), io::Error>> {
            std::task::Poll::Ready(Err(io::Error::other("worker is gone")))
        }

        fn call(&mut self, _: Request<Body>) -> Self::Future {
            panic!("called although it was not ready")
        }
    }

    let log = Log::start();
    let mut service: ErrorService<Broken> = ErrorLayer::new().layer(Broken);
    for _ in 0..2 {
        let response = service
            .ready()
            .await
            .unwrap()
            .call(request("/"))
            .await
            .unwrap();
        assert_eq!(response.status(), 500);
    }
    let messages: Vec<_> = log
        .lines()
        .iter()
        .map(|line| line.message().to_owned())
        .collect();
    assert_eq!(
        messages,
        ["HTTP 500 - worker is gone", "HTTP 500 - worker is gone"]
    );
}

fn with_panic_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(install_panic_hook);
}

#[tokio::test]
async fn panics_are_answered_and_located() {
    with_panic_hook();
    async fn in_poll() -> Response {
        tokio::task::yield_now().await;
        panic!("in poll with {}", "secret")
    }
    let app = Router::new()
        .route("/{x}", get(in_poll))
        .layer(ErrorLayer::new());
    let log = Log::start();
    let answer = send(app, request("/x")).await;
    assert_eq!((answer.status.as_u16(), answer.detail()), (500, None));
    let line = log.only();
    assert_eq!(line.message(), "HTTP 500 - panicked: in poll with secret");
    assert_eq!(
        (line.field("origin"), line.field("route")),
        ("panic", "/{x}")
    );
    assert!(
        line.field("location").contains("axum_stack.rs:"),
        "{}",
        line.field("location")
    );

    let in_call = service_fn(
        |_: Request<Body>| -> std::future::Ready<Result<Response, Infallible>> {
            panic!("in call")
        },
    );
    let log = Log::start();
    assert_eq!(
        send(ErrorLayer::new().layer(in_call), request("/"))
            .await
            .status,
        500
    );
    assert_eq!(log.only().message(), "HTTP 500 - panicked: in call");
}

#[tokio::test]
async fn a_panic_without_text_or_hook_is_answered_too() {
    let app = Router::new()
        .route(
            "/",
            get(async || -> Response { std::panic::resume_unwind(Box::new(7)) }),
        )
        .layer(ErrorLayer::new());
    let log = Log::start();
    assert_eq!(send(app, request("/")).await.status, 500);
    let line = log.only();
    assert_eq!(
        line.message(),
        "HTTP 500 - panicked: with a value that is no text"
    );
    assert_eq!(line.field("location"), "");
}

#[tokio::test]
async fn panics_can_be_let_through() {
    let app = Router::new()
        .route(
            "/",
            get(async || -> Response { std::panic::resume_unwind(Box::new("up")) }),
        )
        .layer(ErrorLayer::new().catch_panics(false));
    let outcome = tokio::spawn(send(app, request("/"))).await;
    assert!(outcome.unwrap_err().is_panic());
}

#[tokio::test]
async fn a_service_error_has_no_location_of_ours() {
    let log = Log::start();
    failing(&ErrorLayer::new(), io::Error::other("x"), request("/")).await;
    assert_eq!(log.only().field("location"), "");
}

#[tokio::test]
async fn a_handlers_error_inside_a_tuple_keeps_its_headers() {
    async fn handler() -> Result<()> {
        Err(io::Error::other("x")).or_unauthorized()?
    }
    let app = Router::new()
        .route(
            "/",
            get(async || ([("set-cookie", "a=b")], handler().await)),
        )
        .layer(ErrorLayer::new());
    let answer = send(app, request("/")).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("set-cookie")),
        (401, "a=b")
    );
}
