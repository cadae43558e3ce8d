//! The pages for people, at the original's addresses.
//!
//! Everything works without scripts: buttons post a form, the answer is a redirect to the page with
//! a message. The one script keeps the table fresh. State changes take a POST with a token, so no
//! other site's page can make a browser do them; `allow_actions_by_get` lets links act as well.

mod actions;
mod assets;
mod pages;
mod params;
mod view;

use std::sync::Arc;

use askama::Template as _;
use axum::Router;
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::get;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, EXPIRES, PRAGMA, REFERRER_POLICY,
    X_FRAME_OPTIONS,
};
use http::{HeaderValue, Response};
use jiff::tz::TimeZone;
use mainstay_bufpool::BufferPool;
use mainstay_csrf::{Csrf, Failure};
use mainstay_handler::{BoxError, ErrorLayer, ErrorView, Format, HttpError, Renderer};

use super::servers::Context;
use crate::daemon::Handle;
use crate::rpc::{Code, Fault};
use crate::zone;

/// What the pages are made from.
#[derive(Debug)]
struct Dashboard {
    handle: Handle,
    identifier: String,
    renderer: Renderer,
    zone: TimeZone,
    /// Whether links act, as the original's do.
    by_get: bool,
}

/// The pages and what they refer to.
pub(super) fn router(context: &Context, by_get: bool) -> Router {
    let pool = BufferPool::builder().keep(4).build();
    let csrf = Csrf::new(context.keys().clone())
        // Our own listeners speak plain HTTP, on a LAN as on loopback. Origin and token are checked
        // all the same; what is given up is a cookie that only https may set.
        .insecure_plain_http(true)
        .on_reject(|failure, _| (failure.status(), refusal(failure)))
        .build()
        // Only cookie names and origins can be refused, and none is set here.
        .expect("the defaults are valid");
    let errors = ErrorLayer::new()
        .recognize::<Fault>()
        .default_format(Format::Html)
        .pages(error_page)
        .buffers(pool.clone());
    let dashboard = Arc::new(Dashboard {
        handle: context.handle.clone(),
        identifier: context.identifier.clone(),
        renderer: Renderer::new(pool),
        zone: zone::local(),
        by_get,
    });
    Router::new()
        .route("/", get(pages::index).post(pages::act))
        .route("/index.html", get(pages::index).post(pages::act))
        .layer(csrf)
        // These only show something, by POST as well.
        .route("/tail.html", get(pages::tail).post(pages::tail))
        .route("/ok.html", get(pages::ok).post(pages::ok))
        .with_state(dashboard)
        .layer(DefaultBodyLimit::max(LARGEST_FORM))
        .layer(errors)
        .layer(middleware::map_response(with_page_headers))
        .merge(assets::router())
}

/// What keeps a page from being cached, framed, or made to load or run anything that is not ours.
async fn with_page_headers(mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    if headers
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
    {
        // As the original spells it: without a blank.
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("text/html;charset=utf-8"),
        );
    }
    for (name, value) in [
        (PRAGMA, "no-cache"),
        (CACHE_CONTROL, "no-cache"),
        (EXPIRES, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "same-origin"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
             connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn error_page(view: &ErrorView<'_>, out: &mut dyn std::fmt::Write) -> Result<(), BoxError> {
    Ok(view::ErrorPage::new(view).render_into(out)?)
}

/// What is said to somebody whose press of a button was refused.
fn refusal(failure: &Failure) -> &'static str {
    if failure.is_foreign() {
        "Nothing was done: the request was made by a page of another site."
    } else {
        "Nothing was done: the page is older than the daemon, or cookies are off. Load the page \
         again and press the button once more."
    }
}

/// Faults that no page has a place for.
impl HttpError for Fault {
    fn status(&self) -> http::StatusCode {
        match self.code() {
            Code::ShutdownState => http::StatusCode::SERVICE_UNAVAILABLE,
            _ => http::StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn public_message(&self) -> Option<std::borrow::Cow<'_, str>> {
        Some(match self.code() {
            Code::ShutdownState => "The daemon is stopping or restarting.".into(),
            _ => self.to_string().into(),
        })
    }
}

/// Forms here hold a token and a few names.
const LARGEST_FORM: usize = 16 * 1024;
