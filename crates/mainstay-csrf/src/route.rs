//! Which requests are checked, by method and route.

use std::fmt;

use http::{Method, header, request::Parts};

/// A decision about requests that the builder was given as a closure.
pub(crate) type Predicate = Box<dyn Fn(&Parts) -> bool + Send + Sync>;

/// What is configured about routes and methods.
#[derive(Default)]
pub(crate) struct Routes {
    pub(crate) exempt: Vec<String>,
    pub(crate) exempt_when: Vec<Predicate>,
    pub(crate) exempt_without_credentials: bool,
    pub(crate) protect: Vec<String>,
    pub(crate) protect_when: Vec<Predicate>,
    pub(crate) query_is_safe: bool,
}

/// How a request is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Passes whatever it is.
    Exempt,
    /// Changes nothing.
    Safe,
    /// Has a safe method and changes something all the same, like a link that signs out.
    Guarded,
    /// The start of a WebSocket or the like: no token can come with it.
    Handshake,
    Checked,
}

impl Routes {
    pub(crate) fn class(&self, parts: &Parts) -> Class {
        if self.is_exempt(parts) {
            return Class::Exempt;
        }
        if is_handshake(parts) {
            return Class::Handshake;
        }
        if !self.is_safe(&parts.method) {
            return Class::Checked;
        }
        if names(&self.protect, parts) || self.protect_when.iter().any(|when| when(parts)) {
            return Class::Guarded;
        }
        Class::Safe
    }

    /// A list of our own: `Method::is_safe` grew a `QUERY` once, and what a dependency calls safe
    /// must not change what is checked here.
    fn is_safe(&self, method: &Method) -> bool {
        match *method {
            Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE => true,
            _ => self.query_is_safe && method.as_str() == "QUERY",
        }
    }

    fn is_exempt(&self, parts: &Parts) -> bool {
        names(&self.exempt, parts)
            || self.exempt_when.iter().any(|when| when(parts))
            || self.exempt_without_credentials
                && !parts.headers.contains_key(header::COOKIE)
                && !has_ambient_authorization(parts)
    }
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Routes")
            .field("exempt", &self.exempt)
            .field("protect", &self.protect)
            .finish_non_exhaustive()
    }
}

/// Whether the route that the router chose is one of these templates.
///
/// The router's own choice is compared and not the path: a pattern over paths exempts what another
/// handler then serves as soon as the two disagree about a slash (CVE-2025-47910).
pub(crate) fn names(templates: &[String], parts: &Parts) -> bool {
    !templates.is_empty()
        && template(parts).is_some_and(|route| templates.iter().any(|one| one == route))
}

#[cfg(feature = "axum")]
pub(crate) fn template(parts: &Parts) -> Option<&str> {
    parts
        .extensions
        .get::<axum::extract::MatchedPath>()
        .map(axum::extract::MatchedPath::as_str)
}

#[cfg(not(feature = "axum"))]
pub(crate) fn template(_: &Parts) -> Option<&str> {
    None
}

/// Over HTTP/1.1 a `GET` with `Upgrade`, over HTTP/2 a `CONNECT` with `:protocol`.
fn is_handshake(parts: &Parts) -> bool {
    parts.method == Method::CONNECT
        || parts.method == Method::GET
            && parts.headers.get(header::UPGRADE).is_some_and(|upgrade| {
                upgrade
                    .as_bytes()
                    .split(|byte| *byte == b',')
                    .any(|word| word.trim_ascii().eq_ignore_ascii_case(b"websocket"))
            })
}

/// Browsers repeat `Basic`, `Digest` and `Negotiate` by themselves; `Bearer` is only ever sent by
/// who knows it.
fn has_ambient_authorization(parts: &Parts) -> bool {
    parts
        .headers
        .get_all(header::AUTHORIZATION)
        .iter()
        .any(|value| {
            let scheme = value
                .as_bytes()
                .split(|byte| *byte == b' ')
                .next()
                .unwrap_or_default();
            !scheme.eq_ignore_ascii_case(b"bearer")
        })
}
