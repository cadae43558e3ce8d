//! The routes of a server.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::routing::any;
use http::header::{CONNECTION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri};
use http_body::Body as _;
use tokio::sync::watch;
use tower::ServiceExt as _;

use super::auth::{Login, Refusal};
use super::browser::{self, Names, Visit};
use super::servers::Context;
use super::tail::{self, Tails};
use super::{api, dashboard, plain};
use crate::rpc::Api;
use crate::zone;

/// Who may come in, and what else one server has for itself.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) section: Box<str>,
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

/// Everything that a server answers, and to whom.
#[derive(Clone)]
pub(super) struct Site {
    inner: Arc<Inner>,
    peer: Arc<str>,
}

struct Inner {
    /// The configuration's section, for the log.
    section: Box<str>,
    entry: Entry,
    api: Option<Api>,
    router: Router,
}

impl Site {
    pub(super) fn new(context: &Context, rules: Rules, closing: watch::Receiver<bool>) -> Self {
        Self::holding(Inner {
            section: rules.section,
            entry: rules.entry,
            api: Some(Api::new(context.handle.clone(), context.rpc_interface)),
            router: router(context, rules.by_get, closing),
        })
    }

    fn holding(inner: Inner) -> Self {
        Self {
            inner: Arc::new(inner),
            peer: "".into(),
        }
    }

    /// The same for one client.
    pub(super) fn visited_by(&self, peer: &str) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            peer: peer.into(),
        }
    }

    /// A site of these routes alone.
    #[cfg(test)]
    pub(super) fn of(router: Router) -> Self {
        Self::holding(Inner {
            section: "test".into(),
            entry: Entry::File,
            api: None,
            router,
        })
    }

    pub(super) async fn answer(self, mut request: Request<Body>) -> Response<Body> {
        let Inner { api, router, .. } = &*self.inner;
        let asked = Asked::of(&request);
        let admitted = self.admit(request.headers(), request.uri()).await;
        let mut response = match (admitted, api) {
            (Err(refusal), _) => refusal,
            // Nearly all that is ever asked. Passed by the router, which takes as long as the rest.
            (Ok(()), Some(api)) if matches!(request.uri().path(), "/RPC2" | "/RPC2/") => {
                api::answer(api, request).await
            }
            (Ok(()), _) => {
                if let Some(uri) = without_slashes(request.uri()) {
                    *request.uri_mut() = uri;
                }
                match router.clone().oneshot(request).await {
                    Ok(response) => response,
                    Err(never) => match never {},
                }
            }
        };
        for (name, value) in plain::COMMON_HEADERS {
            response.headers_mut().insert(name, value);
        }
        if let Some(asked) = asked {
            asked.log(&self.peer, &response);
        }
        response
    }

    /// Lets in who may come in.
    async fn admit(&self, headers: &HeaderMap, uri: &Uri) -> Result<(), Response<Body>> {
        let (section, peer) = (&*self.inner.section, &*self.peer);
        let login = match &self.inner.entry {
            Entry::File => return Ok(()),
            Entry::Reach(names) => {
                let visit = Visit::new(headers, uri);
                if !names.refuse(visit) {
                    return Ok(());
                }
                tracing::warn!(
                    host = visit.host(),
                    peer,
                    section,
                    "a browser asked for a server without a password under a name that is not ours"
                );
                let status = StatusCode::MISDIRECTED_REQUEST;
                return Err(plain::explained(status, browser::UNKNOWN_NAME));
            }
            Entry::Login(login) => login,
        };
        let header = headers.get(http::header::AUTHORIZATION);
        match login.check(header).await {
            Ok(()) => Ok(()),
            Err(Refusal::Busy) => {
                let mut response = plain::error(StatusCode::SERVICE_UNAVAILABLE);
                response
                    .headers_mut()
                    .insert(RETRY_AFTER, HeaderValue::from_static("1"));
                Err(response)
            }
            Err(refusal) => {
                if refusal == Refusal::Wrong {
                    let path = uri.path();
                    tracing::warn!(peer, section, path, "a login with wrong credentials");
                }
                let mut response = plain::error(StatusCode::UNAUTHORIZED);
                let headers = response.headers_mut();
                headers.insert(
                    WWW_AUTHENTICATE,
                    HeaderValue::from_static("Basic realm=\"default\""),
                );
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
                Err(response)
            }
        }
    }
}

fn router(context: &Context, by_get: bool, closing: watch::Receiver<bool>) -> Router {
    let tails = Tails {
        handle: context.handle.clone(),
        closing,
    };
    let logs = Router::new()
        .route("/logtail/{*name}", any(tail::process))
        .route("/mainlogtail", any(tail::main))
        .route("/mainlogtail/", any(tail::main))
        .with_state(tails);
    Router::new()
        .merge(logs)
        .merge(dashboard::router(context, by_get))
        .fallback(|| async { plain::error(StatusCode::NOT_FOUND) })
}

/// The address of a page that was asked for with more than one slash before it.
fn without_slashes(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    let rest = path.strip_prefix("//")?.trim_start_matches('/');
    if !matches!(rest, "" | "index.html" | "tail.html" | "ok.html") {
        return None;
    }
    let query = uri.query().map(|query| format!("?{query}"));
    format!("/{rest}{}", query.unwrap_or_default()).parse().ok()
}

/// What was asked for, for the line of the log that tells of the answer.
struct Asked(String);

impl Asked {
    /// `None` unless somebody reads these lines.
    fn of<B>(request: &Request<B>) -> Option<Self> {
        tracing::event_enabled!(tracing::Level::TRACE).then(|| {
            let (method, uri) = (request.method(), request.uri());
            Self(format!("{method} {uri} {:?}", request.version()))
        })
    }

    /// In the words of Apache's common log.
    fn log(self, peer: &str, response: &Response<Body>) {
        let time = zone::now().strftime("%d/%b/%Y:%H:%M:%S %z").to_string();
        let size = match response.body().size_hint().exact() {
            Some(size) => size.to_string(),
            None => "-".to_owned(),
        };
        let (Self(asked), status) = (self, response.status().as_u16());
        tracing::trace!("{peer} - - [{time}] \"{asked}\" {status} {size}");
    }
}
