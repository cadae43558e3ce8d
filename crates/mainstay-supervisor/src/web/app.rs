//! The routes of a server.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::routing::any;
use http::header::{CONNECTION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use tokio::sync::watch;

use super::auth::{Login, Refusal};
use super::browser::{self, Names, Visit};
use super::servers::Context;
use super::tail::{self, Tails};
use super::{api, dashboard, plain};
use crate::rpc::Api;

/// Who may come in, and what else one server has for itself.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) entry: Entry,
    /// `allow_actions_by_get`
    pub(super) by_get: bool,
}

/// What it takes to come in. There is no more to it: who is in may do everything.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    /// A name and a password.
    Login(Login),
    /// To be able to reach the port; browsers have to ask for it by one of these names.
    Reach(Names),
    /// To be able to open the socket's file, which no browser can.
    File,
}

/// Everything that a server answers.
pub(super) fn router(context: &Context, rules: Rules, closing: watch::Receiver<bool>) -> Router {
    let tails = Tails {
        handle: context.handle.clone(),
        closing,
    };
    let rpc = Router::new()
        .route("/RPC2", any(api::answer))
        .route("/RPC2/", any(api::answer))
        .with_state(Api::new(context.handle.clone(), context.rpc_interface));
    let logs = Router::new()
        .route("/logtail/{*name}", any(tail::process))
        .route("/mainlogtail", any(tail::main))
        .route("/mainlogtail/", any(tail::main))
        .with_state(tails);
    Router::new()
        .merge(rpc)
        .merge(logs)
        .merge(dashboard::router(context, rules.by_get))
        .fallback(|| async { plain::error(StatusCode::NOT_FOUND) })
        .layer(middleware::from_fn_with_state(rules.entry, admit))
        .layer(middleware::map_response(with_common_headers))
}

/// Lets in who may come in.
async fn admit(State(entry): State<Entry>, request: Request, next: Next) -> Response<Body> {
    let login = match entry {
        Entry::File => return next.run(request).await,
        Entry::Reach(names) => {
            let visit = Visit::new(request.headers(), request.uri());
            if names.refuse(visit) {
                tracing::warn!(
                    host = visit.host(),
                    "a browser asked for a server without a password under a name that is not ours"
                );
                return plain::explained(StatusCode::MISDIRECTED_REQUEST, browser::UNKNOWN_NAME);
            }
            return next.run(request).await;
        }
        Entry::Login(login) => login,
    };
    let header = request.headers().get(http::header::AUTHORIZATION);
    match login.check(header).await {
        Ok(()) => next.run(request).await,
        Err(Refusal::Busy) => {
            let mut response = plain::error(StatusCode::SERVICE_UNAVAILABLE);
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from_static("1"));
            response
        }
        Err(refusal) => {
            if refusal == Refusal::Wrong {
                tracing::warn!(
                    path = request.uri().path(),
                    "a login with wrong credentials"
                );
            }
            let mut response = plain::error(StatusCode::UNAUTHORIZED);
            let headers = response.headers_mut();
            headers.insert(
                WWW_AUTHENTICATE,
                HeaderValue::from_static("Basic realm=\"default\""),
            );
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
            response
        }
    }
}

async fn with_common_headers(mut response: Response<Body>) -> Response<Body> {
    for (name, value) in plain::COMMON_HEADERS {
        response.headers_mut().insert(name, value);
    }
    response
}
