//! Handlers return errors; one layer logs each of them once and answers the client.
//!
//! ```
//! use std::{fmt::Write as _, io};
//!
//! use axum::{
//!     Router,
//!     extract::{Path, State},
//!     response::Response,
//!     routing::get,
//! };
//! use http::StatusCode;
//! use mainstay_bufpool::BufferPool;
//! use mainstay_handler::{Error, ErrorLayer, OptionExt as _, Renderer, Result, ResultExt as _};
//!
//! #[derive(Clone)]
//! struct Env {
//!     render: Renderer, // and the database, the settings, the hasher
//! }
//!
//! async fn profile(State(env): State<Env>, Path(id): Path<u64>) -> Result<Response> {
//!     let user = find_user(id)
//!         .note("loading profile")? // any error: a 500, and the client learns nothing of it
//!         .or_not_found()
//!         .public("no such user")?; // a 404 that says so
//!     env.render.html(|page| write!(page, "<h1>{user}</h1>")) // the whole page or none of it
//! }
//!
//! fn app() -> Router {
//!     Router::new()
//!         .route("/u/{id}", get(profile))
//!         .fallback(|| async { Error::from_status(StatusCode::NOT_FOUND) })
//!         .layer(ErrorLayer::new()) // after the last route and the fallback
//!         .with_state(Env { render: Renderer::new(BufferPool::default()) })
//! }
//! #
//! # fn find_user(id: u64) -> io::Result<Option<String>> {
//! #     match id {
//! #         1 => Ok(Some("Ada".to_owned())),
//! #         2 => Err(io::Error::other("connection refused")),
//! #         _ => Ok(None),
//! #     }
//! # }
//! #
//! # use tower::ServiceExt as _;
//! # #[tokio::main]
//! # async fn main() {
//! #     for (path, status) in [("/u/1", 200), ("/u/2", 500), ("/u/3", 404), ("/u/x", 400), ("/", 404)] {
//! #         let request = http::Request::get(path).body(axum::body::Body::empty()).unwrap();
//! #         assert_eq!(app().oneshot(request).await.unwrap().status(), status, "{path}");
//! #     }
//! # }
//! ```
//!
//! The client of a failing `/u/2` gets `500 Internal Server Error`, as a page, as a problem
//! document (RFC 9457) or as text, whichever it asked for. The log gets the rest, once:
//!
//! ```text
//! ERROR mainstay::http: HTTP 500 - loading profile: connection refused status=500 method=GET
//!       path=/u/2 route=/u/{id} request_id=01J9Z… origin=unknown kind=std::io::error::Error
//!       location=src/users.rs:16:10 elapsed=1.2ms
//! ```
//!
//! # When not to use it
//!
//! - **Your errors already carry their answers** and you log them in one place: then this is
//!   another name for what you have.
//! - **Clients depend on an error format of your own.** Problem documents can be given members, not
//!   another shape; [`ErrorPages`] shapes HTML and text only.
//! - **gRPC.** There an error is a trailer of a 200, and this layer looks at the status.
//!
//! # The rules
//!
//! **Two texts.** What the client may read is set on purpose: by [`ResultExt::public`],
//! [`Error::with_message`], or an [`HttpError`] that says so. Everything else is private, and a
//! cause's `Display` never reaches a client, whatever the status.
//!
//! **Unknown means 500.** An error gets its status, in this order, from
//! [`with_status`](Error::with_status), from the [`HttpError`] it was made of, or from the chain of
//! its causes, outermost first: [`StatusError`], axum's rejections, tower's timeouts and shed load
//! are known, and [`ErrorLayer::recognize`] and [`ErrorLayer::map_error`] add yours.
//!
//! **Once.** [`Error`] as a response only marks it; the innermost layer resolves, logs, counts and
//! renders. Nested layers see a finished response. An error that meets no layer is logged all the
//! same, with a remark that the layer is missing.
//!
//! **The layer is the authority.** `(StatusCode::CREATED, Err(error))` stays an error.
//!
//! **Errors of others too.** A short plain 4xx or 5xx that is not from here (axum's 404 and 405, a
//! body that is too large, a refused token) is answered in the same form; [`Rewrite`] turns that
//! off and [`Verbatim`] exempts a response. Panics are answered as a 500.
//!
//! # Foreign error types, formats, middleware
//!
//! Someone else's errors, mapped in one place:
//!
//! ```
//! use std::io;
//!
//! use http::StatusCode;
//! use mainstay_handler::{ErrorLayer, StatusError};
//!
//! let errors = ErrorLayer::new().map_error(|error: &io::Error| match error.kind() {
//!     io::ErrorKind::TimedOut => Some(StatusError::new(StatusCode::SERVICE_UNAVAILABLE)),
//!     _ => None,
//! });
//! ```
//!
//! An API and a site in one router. The API always answers with a problem document, and to a body
//! that does not fit as well:
//!
//! ```
//! use axum::{Router, extract::FromRequest};
//! use mainstay_handler::{ErrorLayer, Format};
//!
//! #[derive(FromRequest)]
//! #[from_request(via(axum::Json), rejection(mainstay_handler::Error))]
//! struct ApiJson<T>(T);
//!
//! fn app(api: Router, site: Router) -> Router {
//!     let errors = ErrorLayer::new();
//!     let api = api.layer(errors.clone().only(Format::Problem));
//!     let site = site.layer(errors.default_format(Format::Html));
//!     Router::new().nest("/api", api).merge(site)
//! }
//! ```
//!
//! Middleware that can fail needs no `HandleErrorLayer`, and panics no `CatchPanicLayer`:
//!
//! ```
//! use std::time::Duration;
//!
//! use mainstay_handler::ErrorLayer;
//! use tower::ServiceBuilder;
//!
//! let stack = ServiceBuilder::new()
//!     .layer(ErrorLayer::new().on_error(|event| println!("{} {:?}", event.status, event.route)))
//!     .timeout(Duration::from_secs(10))
//!     .load_shed();
//! # let service = stack.service_fn(async |_: http::Request<()>| {
//! #     Ok::<_, std::convert::Infallible>(http::Response::new(axum::body::Body::empty()))
//! # });
//! # fn is_infallible<S: tower::Service<http::Request<()>, Error = std::convert::Infallible>>(_: S) {}
//! # is_infallible(service);
//! ```
//!
//! # Features
//!
//! They make more foreign types known, and never change a format, a text or a log line.
//!
//! - `axum` (default): axum's rejections, and the route in the log. Without it the crate rests on
//!   `axum-core` and serves plain hyper; see [`Handler`].
//! - `tower` (default): `Elapsed` and `Overloaded`, as 503.
//! - `anyhow`: keeps an `anyhow::Error` whole, with its contexts and its backtrace.

#![forbid(unsafe_code)]

mod answer;
mod document;
mod error;
mod event;
mod ext;
mod future;
mod handler;
mod http_error;
mod layer;
mod log;
mod negotiate;
mod pages;
mod panic;
mod problem;
mod rejection;
mod render;
mod report;
mod responded;
mod rules;
mod status;

pub use crate::{
    error::{BoxError, Error, Result},
    event::{Chain, ErrorEvent, Origin},
    ext::{OptionExt, ResultExt},
    future::ResponseFuture,
    handler::{Handler, HandlerFuture},
    http_error::HttpError,
    layer::{ErrorLayer, ErrorService, Rewrite, Verbatim},
    negotiate::Format,
    pages::{DebugView, DefaultPages, ErrorPages, ErrorView, escape},
    panic::{PanicError, install_panic_hook},
    problem::Problem,
    render::Renderer,
    status::StatusError,
};

/// The README's program is a test too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
