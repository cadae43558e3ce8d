//! An application behind the layer, and requests that read as sentences.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{Router, body::Body, response::IntoResponse, routing::any};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use mainstay_csrf::{CsrfLayer, CsrfToken, Failure};
use tower::ServiceExt;

pub(crate) const HOST: &str = "app.test";

/// `/form` shows a token; every other path answers with the body that it got.
#[derive(Clone)]
pub(crate) struct App {
    router: Router,
    calls: Arc<AtomicUsize>,
}

impl App {
    pub(crate) fn behind(layer: CsrfLayer) -> Self {
        let calls = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&calls);
        let echo = move |body: Body| {
            let count = Arc::clone(&count);
            async move {
                count.fetch_add(1, Ordering::SeqCst);
                match body.collect().await {
                    Ok(body) => body.to_bytes().into_response(),
                    Err(error) => (StatusCode::IM_A_TEAPOT, error.to_string()).into_response(),
                }
            }
        };
        let router = Router::new()
            .route(
                "/form",
                any(|token: CsrfToken| async move { token.value().to_owned() }),
            )
            .route("/plain", any(|| async { "plain" }))
            .route("/hook/{id}", any(echo.clone()))
            .fallback(echo)
            .layer(layer);
        Self { router, calls }
    }

    pub(crate) async fn send(&self, request: impl Into<Request<Body>>) -> Answer {
        send(&self.router, request).await
    }

    /// How often the echoing handler ran.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// A visit of `/form`: cookie and token.
    pub(crate) async fn visit(&self) -> Visit {
        self.visit_with(get("/form")).await
    }

    pub(crate) async fn visit_with(&self, request: Ask) -> Visit {
        let answer = self.send(request).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        let set = answer.set_cookies();
        let cookie = set
            .first()
            .map(|set| set.split(';').next().unwrap().to_owned());
        Visit {
            cookie: cookie.unwrap_or_default(),
            token: answer.text(),
        }
    }
}

/// One request to a router.
pub(crate) async fn send(router: &Router, request: impl Into<Request<Body>>) -> Answer {
    let request: Request<Body> = request.into();
    Answer::of(router.clone().oneshot(request).await.unwrap()).await
}

/// What a browser holds after it has loaded a form.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    /// `name=value`
    pub(crate) cookie: String,
    pub(crate) token: String,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) response: Response<()>,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) async fn of(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Self {
            status: parts.status,
            response: Response::from_parts(parts, ()),
            body,
        }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }

    pub(crate) fn header(&self, name: impl header::AsHeaderName) -> Option<&str> {
        self.response
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap())
    }

    pub(crate) fn all(&self, name: impl header::AsHeaderName) -> Vec<String> {
        let values = self.response.headers().get_all(name).iter();
        values
            .map(|value| value.to_str().unwrap().to_owned())
            .collect()
    }

    pub(crate) fn set_cookies(&self) -> Vec<String> {
        self.all(header::SET_COOKIE)
    }

    /// The failure's code, or `passed`.
    pub(crate) fn code(&self) -> &'static str {
        self.response
            .extensions()
            .get::<Failure>()
            .map_or("passed", Failure::code)
    }

    #[track_caller]
    pub(crate) fn assert_passed(&self) -> &Self {
        assert_eq!(
            (self.code(), self.status),
            ("passed", StatusCode::OK),
            "{}",
            self.text()
        );
        self
    }

    #[track_caller]
    pub(crate) fn assert_refused(&self, code: &str) -> &Self {
        assert_eq!(self.code(), code, "{} {}", self.status, self.text());
        assert!(self.status.is_client_error() || self.status.is_server_error());
        self
    }
}

/// A request in the making.
pub(crate) struct Ask(http::request::Builder, Body);

pub(crate) fn get(path: &str) -> Ask {
    ask(Method::GET, path)
}

pub(crate) fn post(path: &str) -> Ask {
    ask(Method::POST, path)
}

pub(crate) fn ask(method: Method, path: &str) -> Ask {
    Ask(
        Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, HOST),
        Body::empty(),
    )
}

impl Ask {
    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value), self.1)
    }

    /// In place of `app.test`.
    pub(crate) fn host(mut self, host: &str) -> Self {
        let headers = self.0.headers_mut().unwrap();
        headers.insert(header::HOST, host.parse().unwrap());
        self
    }

    pub(crate) fn cookie(self, cookie: &str) -> Self {
        if cookie.is_empty() {
            self
        } else {
            self.header("cookie", cookie)
        }
    }

    pub(crate) fn token(self, token: &str) -> Self {
        self.header("x-csrf-token", token)
    }

    pub(crate) fn form(self, body: impl Into<Body>) -> Self {
        Self(
            self.0
                .header("content-type", "application/x-www-form-urlencoded"),
            body.into(),
        )
    }

    pub(crate) fn multipart(self, boundary: &str, body: impl Into<Body>) -> Self {
        let media = format!("multipart/form-data; boundary={boundary}");
        Self(self.0.header("content-type", media), body.into())
    }

    pub(crate) fn body(self, body: impl Into<Body>) -> Self {
        Self(self.0, body.into())
    }
}

impl From<Ask> for Request<Body> {
    fn from(ask: Ask) -> Self {
        ask.0.body(ask.1).unwrap()
    }
}
