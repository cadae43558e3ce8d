//! Stylesheet, script and icon, compiled in.

use axum::Router;
use axum::routing::{MethodRouter, get};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

use crate::env::Env;

pub(super) fn routes() -> Router<Env> {
    Router::new()
        .route(
            "/assets/site.css",
            asset(
                "text/css; charset=utf-8",
                include_str!("../../assets/site.css"),
            ),
        )
        .route(
            "/assets/login.js",
            asset(
                "text/javascript; charset=utf-8",
                include_str!("../../assets/login.js"),
            ),
        )
        .route(
            "/assets/mark.svg",
            asset("image/svg+xml", include_str!("../../assets/mark.svg")),
        )
}

/// Short-lived in caches, as the address stays the same when a new version is deployed.
fn asset(content_type: &'static str, text: &'static str) -> MethodRouter<Env> {
    get(move || async move {
        (
            [
                (CONTENT_TYPE, content_type),
                (CACHE_CONTROL, "public, max-age=300"),
            ],
            text,
        )
    })
}
