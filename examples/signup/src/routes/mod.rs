//! The handlers, a module for each part of the site.

mod assets;
mod auth;
mod demo;
mod members;
mod secret;
mod signup;

use axum::Router;

use self::secret::Secret;

use crate::env::Env;

/// Everything that knows who is asking.
pub(crate) fn pages(demo: bool) -> Router<Env> {
    let pages = Router::new()
        .merge(members::routes())
        .merge(signup::routes())
        .merge(auth::routes());
    if demo {
        pages.merge(demo::routes())
    } else {
        pages
    }
}

/// The same for everybody, without session or cookie.
pub(crate) fn assets() -> Router<Env> {
    assets::routes()
}
