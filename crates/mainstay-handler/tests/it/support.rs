//! A client without a network, and a log that can be read.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    fmt,
    sync::{Arc, Mutex},
};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use mainstay_handler::{Error, ErrorLayer};
use tower::{Layer as _, Service, ServiceExt as _, service_fn};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    subscriber::DefaultGuard,
};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

/// What a client got.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{}",
            self.body
        );
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn detail(&self) -> Option<String> {
        self.json()
            .get("detail")
            .map(|detail| detail.as_str().unwrap().to_owned())
    }
}

/// Sends a request to any service that does not fail.
pub(crate) async fn send<S>(service: S, request: Request<Body>) -> Answer
where
    S: Service<Request<Body>, Response = Response, Error = Infallible>,
{
    let response = service.oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let body = String::from_utf8(body.into()).unwrap();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body,
    }
}

pub(crate) fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

pub(crate) fn get_as(path: &str, accept: &str) -> Request<Body> {
    Request::get(path)
        .header("accept", accept)
        .body(Body::empty())
        .unwrap()
}

/// What the layer makes of a handler's response.
pub(crate) async fn through(
    layer: &ErrorLayer,
    response: impl IntoResponse,
    request: Request<Body>,
) -> Answer {
    let response = Mutex::new(Some(response.into_response()));
    let service = service_fn(move |_: Request<Body>| {
        let response = response.lock().unwrap().take().unwrap();
        async move { Ok::<_, Infallible>(response) }
    });
    send(layer.layer(service), request).await
}

pub(crate) async fn answer(layer: &ErrorLayer, error: Error) -> Answer {
    through(layer, error, get("/")).await
}

/// A service that fails outright, as a timeout does.
pub(crate) async fn failing<E>(layer: &ErrorLayer, error: E, request: Request<Body>) -> Answer
where
    E: Into<mainstay_handler::BoxError>,
{
    let error = Mutex::new(Some(error));
    let service = service_fn(move |_: Request<Body>| {
        let error = error.lock().unwrap().take().unwrap();
        async move { Err::<Response, E>(error) }
    });
    send(layer.layer(service), request).await
}

/// One line of the log.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) level: Level,
    pub(crate) target: String,
    pub(crate) fields: BTreeMap<&'static str, String>,
}

impl Line {
    pub(crate) fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    pub(crate) fn message(&self) -> &str {
        self.field("message")
    }
}

/// Everything that this thread logs while it exists.
pub(crate) struct Log {
    lines: Arc<Mutex<Vec<Line>>>,
    _guard: DefaultGuard,
}

impl Log {
    pub(crate) fn start() -> Self {
        let lines = Arc::default();
        let recorder = Recorder {
            lines: Arc::clone(&lines),
        };
        let subscriber = tracing_subscriber::registry().with(recorder);
        Self {
            lines,
            _guard: tracing::subscriber::set_default(subscriber),
        }
    }

    pub(crate) fn lines(&self) -> Vec<Line> {
        self.lines.lock().unwrap().clone()
    }

    /// The one line that there is.
    #[track_caller]
    pub(crate) fn only(&self) -> Line {
        let lines = self.lines();
        let [line] = &lines[..] else {
            panic!("expected one line, not {lines:#?}");
        };
        line.clone()
    }
}

struct Recorder {
    lines: Arc<Mutex<Vec<Line>>>,
}

impl<S: Subscriber> Layer<S> for Recorder {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        self.lines.lock().unwrap().push(Line {
            level: *event.metadata().level(),
            target: event.metadata().target().to_owned(),
            fields: fields.0,
        });
    }
}

#[derive(Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}
