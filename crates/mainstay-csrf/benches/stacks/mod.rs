//! The layers that are compared, and the requests that are sent through them.

use std::{
    convert::Infallible,
    future::Future,
    hint::black_box,
    pin::pin,
    task::{Context, Poll, Waker},
};

use axum::{
    body::Body,
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use axum_csrf::{CsrfConfig, CsrfToken as AxumCsrfToken};
use http::{HeaderValue, Request, header};
use mainstay_csrf::{Csrf, CsrfLayer, CsrfToken, KeyRing};
use tower::{Layer, Service, service_fn};

/// What a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// A `GET` whose handler asks for no token.
    Safe,
    /// A `GET` whose handler asks for one, with the cookie there.
    Page,
    /// A `POST` with the token in the header.
    Header,
    /// A `POST` of a small urlencoded form.
    Form,
}

pub(crate) const SCENARIOS: [Scenario; 4] = [
    Scenario::Safe,
    Scenario::Page,
    Scenario::Header,
    Scenario::Form,
];

/// A layer around a handler that does next to nothing.
pub(crate) struct Stack {
    pub(crate) name: &'static str,
    cookie: String,
    token: String,
    field: &'static str,
    scenarios: &'static [Scenario],
    run: Box<dyn FnMut(Request<Body>)>,
}

impl Stack {
    /// Whether the peer has such a thing at all.
    pub(crate) fn has(&self, scenario: Scenario) -> bool {
        self.scenarios.contains(&scenario)
    }

    /// From the call to the end of the response.
    pub(crate) fn run(&mut self, request: Request<Body>) {
        (self.run)(request);
    }

    pub(crate) fn request(&self, scenario: Scenario) -> Request<Body> {
        let path = if scenario == Scenario::Page {
            "/page"
        } else {
            "/do"
        };
        let method = if matches!(scenario, Scenario::Safe | Scenario::Page) {
            "GET"
        } else {
            "POST"
        };
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "app.test")
            .header(
                header::USER_AGENT,
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101",
            )
            .header(header::ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8")
            .header("sec-fetch-site", "same-origin")
            .header(header::COOKIE, &self.cookie);
        if method == "POST" {
            request = request.header(header::ORIGIN, "https://app.test");
        }
        let body = match scenario {
            Scenario::Form => {
                request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
                let token = self
                    .token
                    .replace('+', "%2B")
                    .replace('/', "%2F")
                    .replace('=', "%3D");
                Body::from(format!(
                    "{}={token}&name=Ann&email=ann%40app.test",
                    self.field
                ))
            }
            Scenario::Header => {
                request = request.header("x-csrf-token", &self.token);
                Body::empty()
            }
            Scenario::Safe | Scenario::Page => Body::empty(),
        };
        // Routers and servers put something into the extensions, so that there are some.
        request.extension(()).body(body).unwrap()
    }
}

/// The floor first.
pub(crate) fn all() -> Vec<Stack> {
    let keys = KeyRing::generate;
    vec![
        stack("nothing", service_fn(plain), &SCENARIOS),
        ours("mainstay modern", Csrf::new(keys()), "csrf_token"),
        ours(
            "mainstay gorilla",
            Csrf::gorilla(keys()),
            "gorilla.csrf.Token",
        ),
        stack(
            "mainstay headers-only",
            layered(Csrf::headers_only()),
            &HEADERS,
        ),
        stack(
            "tower-http",
            tower_http::csrf::CsrfLayer::new().layer(service_fn(plain)),
            &HEADERS,
        ),
        axum_csrf(),
    ]
}

const HEADERS: [Scenario; 2] = [Scenario::Safe, Scenario::Header];

/// An answer with a header, as every answer has one.
fn fine() -> Response {
    let mut response = Response::new(Body::empty());
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, html);
    response
}

async fn plain(request: Request<Body>) -> Result<Response, Infallible> {
    black_box(&request);
    Ok(fine())
}

async fn asking(request: Request<Body>) -> Result<Response, Infallible> {
    if request.uri().path() == "/page" {
        black_box(CsrfToken::of(&request).unwrap().value());
    }
    Ok(fine())
}

fn layered(
    csrf: Csrf,
) -> impl Service<Request<Body>, Response = Response, Error = Infallible, Future: Send> + Clone + 'static
{
    let layer: CsrfLayer = csrf.build().unwrap();
    layer.layer(service_fn(asking))
}

fn ours(name: &'static str, csrf: Csrf, field: &'static str) -> Stack {
    let layer = csrf.build().unwrap();
    let visit = service_fn(|request: Request<Body>| async move {
        Ok::<_, Infallible>(
            CsrfToken::of(&request)
                .unwrap()
                .value()
                .to_owned()
                .into_response(),
        )
    });
    let page = poll(layer.layer(visit).call(Request::new(Body::empty())));
    let (cookie, token) = (cookie(&page), text(page));
    Stack {
        cookie,
        token,
        field,
        ..stack(name, layer.layer(service_fn(asking)), &SCENARIOS)
    }
}

/// It has no layer that checks: each handler takes the token and verifies it. Forms are its
/// handlers' own business as well.
fn axum_csrf() -> Stack {
    let config = CsrfConfig::default().with_key(Some(axum_csrf::Key::generate()));
    let handler = move |request: Request<Body>| {
        let config = config.clone();
        async move {
            let (mut parts, _) = request.into_parts();
            let path = parts.uri.path().to_owned();
            if path == "/do" && parts.method == "GET" {
                return Ok::<_, Infallible>(fine());
            }
            let token = AxumCsrfToken::from_request_parts(&mut parts, &config)
                .await
                .unwrap();
            if parts.method == "POST" {
                let sent = parts.headers["x-csrf-token"].to_str().unwrap();
                token.verify(sent).unwrap();
                return Ok(fine());
            }
            let text = token.authenticity_token().unwrap();
            Ok((token, text).into_response())
        }
    };
    let page = poll(handler(Request::get("/page").body(Body::empty()).unwrap()));
    let (cookie, token) = (cookie(&page), text(page));
    let scenarios = &[Scenario::Safe, Scenario::Page, Scenario::Header];
    Stack {
        cookie,
        token,
        ..stack("axum_csrf", service_fn(handler), scenarios)
    }
}

fn stack<S>(name: &'static str, mut service: S, scenarios: &'static [Scenario]) -> Stack
where
    S: Service<Request<Body>, Response = Response, Error = Infallible> + 'static,
{
    let run = Box::new(move |request: Request<Body>| {
        let response = poll(service.call(request));
        assert!(response.status().is_success());
        black_box(response);
    });
    let cookie = "theme=dark".to_owned();
    Stack {
        name,
        cookie,
        token: "none".to_owned(),
        field: "csrf_token",
        scenarios,
        run,
    }
}

/// Nothing here ever waits.
fn poll(future: impl Future<Output = Result<Response, Infallible>>) -> Response {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(Ok(response)) => response,
        Poll::Ready(Err(never)) => match never {},
        Poll::Pending => panic!("a benchmark must not wait"),
    }
}

fn cookie(response: &Response) -> String {
    let set = response.headers()[header::SET_COOKIE].to_str().unwrap();
    set.split(';').next().unwrap().to_owned()
}

fn text(response: Response) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let bytes = runtime
        .block_on(axum::body::to_bytes(response.into_body(), 1 << 20))
        .unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}
