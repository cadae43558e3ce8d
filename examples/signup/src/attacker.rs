//! In a demo: another origin, with a page that tries to make its visitors sign up here.

use std::net::SocketAddr;
use std::sync::Arc;

use askama::Template as _;
use axum::Router;
use axum::response::Html;
use axum::routing::get;

use crate::pages;

/// The site of the attacker, whose page aims at `target`, an origin.
pub(crate) fn site(target: &str) -> Router {
    let target: Arc<str> = target.into();
    let page = move || async move {
        let page = pages::Attacker { target: &target };
        page.render().map(Html).map_err(|error| error.to_string())
    };
    Router::new().route("/", get(page))
}

/// Where a browser finds the attacker. `localhost`, since another port alone would be the same *site*.
pub(crate) fn address(listen: SocketAddr) -> String {
    format!("http://localhost:{}/", listen.port())
}
