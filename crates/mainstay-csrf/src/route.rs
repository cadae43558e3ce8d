//! Which requests are checked, and how, by method and route.

#[cfg(feature = "axum")]
mod pattern;

use std::fmt;

use http::{Extensions, Method, header, request::Parts};

use crate::error::{Error, Kind};

/// What is configured about routes and methods.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    pub(crate) exempt: Vec<Select>,
    pub(crate) exempt_without_credentials: bool,
    pub(crate) protect: Vec<Select>,
    pub(crate) deferred: Vec<Select>,
    pub(crate) require_scope: Vec<Select>,
    pub(crate) scopes: Vec<(Box<str>, Select)>,
    /// What a proxy takes off the path before we see it.
    pub(crate) public_prefix: String,
    pub(crate) query_is_safe: bool,
    /// Go's rule, which the headers-only preset follows: `TRACE` is no safe method.
    pub(crate) trace_is_checked: bool,
}

/// Some requests: those of a route, or those that a closure picks.
pub(crate) enum Select {
    #[cfg(feature = "axum")]
    Route(String),
    When(Box<dyn Fn(&Parts) -> bool + Send + Sync>),
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
        let handshake = is_handshake(parts);
        if !handshake && !self.is_safe(&parts.method) {
            return Class::Checked;
        }
        // First: whoever may open a WebSocket here must not sign visitors out by trying.
        if covered(&self.protect, parts) {
            Class::Guarded
        } else if handshake {
            Class::Handshake
        } else {
            Class::Safe
        }
    }

    /// Whether only a token that was made for this very request will do.
    pub(crate) fn demands_scope(&self, parts: &Parts) -> bool {
        covered(&self.require_scope, parts)
    }

    /// The names of the scopes that are good for this request.
    pub(crate) fn scopes<'a>(&'a self, parts: &'a Parts) -> impl Iterator<Item = &'a str> {
        self.scopes
            .iter()
            .filter(|(_, select)| select.takes(parts))
            .map(|(name, _)| &**name)
    }

    /// Refuses what could never match.
    pub(crate) fn check(&self) -> Result<(), Error> {
        #[cfg(feature = "axum")]
        self.check_templates()?;
        if self.scopes.iter().any(|(name, _)| name.is_empty()) {
            let why = "a scope needs a name";
            return Err(Error::new(Kind::Route {
                text: String::new(),
                why,
            }));
        }
        if !self.public_prefix.is_empty() && !self.public_prefix.starts_with('/') {
            let why = "a prefix begins with a slash";
            return Err(Error::new(Kind::Route {
                text: self.public_prefix.clone(),
                why,
            }));
        }
        Ok(())
    }

    #[cfg(feature = "axum")]
    fn check_templates(&self) -> Result<(), Error> {
        let lists = [
            &self.exempt,
            &self.protect,
            &self.deferred,
            &self.require_scope,
        ];
        let scoped = self.scopes.iter().map(|(_, select)| select);
        for select in lists.into_iter().flatten().chain(scoped) {
            if let Select::Route(route) = select
                && let Err(why) = pattern::check(route)
            {
                return Err(Error::new(Kind::Route {
                    text: route.clone(),
                    why,
                }));
            }
        }
        Ok(())
    }

    /// A list of our own: `Method::is_safe` grew a `QUERY` once, and what a dependency calls safe
    /// must not change what is checked here.
    fn is_safe(&self, method: &Method) -> bool {
        match *method {
            Method::GET | Method::HEAD | Method::OPTIONS => true,
            Method::TRACE => !self.trace_is_checked,
            _ => self.query_is_safe && method.as_str() == "QUERY",
        }
    }

    fn is_exempt(&self, parts: &Parts) -> bool {
        any(&self.exempt, parts)
            || self.exempt_without_credentials
                && !parts.headers.contains_key(header::COOKIE)
                && !has_ambient_authorization(parts)
    }
}

impl Select {
    fn takes(&self, parts: &Parts) -> bool {
        match self {
            #[cfg(feature = "axum")]
            // The router's own choice is compared and not the path: a pattern over paths exempts
            // what another handler then serves as soon as the two disagree about a slash
            // (CVE-2025-47910).
            Self::Route(route) => template(parts) == Some(&**route),
            Self::When(when) => when(parts),
        }
    }

    /// Like [`takes`](Self::takes), for what makes a route stricter: there a path of that shape is
    /// enough. Whether the router has matched a route yet, and under which name, depends on how it
    /// was put together, and a guard must not silently stand open for that.
    fn covers(&self, parts: &Parts) -> bool {
        #[cfg(feature = "axum")]
        if let Self::Route(route) = self {
            let original = parts.extensions.get::<axum::extract::OriginalUri>();
            return self.takes(parts)
                || pattern::covers(route, parts.uri.path())
                || original.is_some_and(|original| pattern::covers(route, original.path()));
        }
        self.takes(parts)
    }
}

impl fmt::Debug for Select {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            #[cfg(feature = "axum")]
            Self::Route(route) => route.fmt(f),
            Self::When(_) => f.write_str("when(..)"),
        }
    }
}

pub(crate) fn any(selects: &[Select], parts: &Parts) -> bool {
    selects.iter().any(|select| select.takes(parts))
}

fn covered(selects: &[Select], parts: &Parts) -> bool {
    selects.iter().any(|select| select.covers(parts))
}

/// The route of a request, cheap to keep for a warning that may have to be given later.
#[derive(Clone, Debug)]
pub(crate) struct Name(Option<Matched>);

#[cfg(feature = "axum")]
type Matched = axum::extract::MatchedPath;
/// There are no routes, and nobody can make a value of this.
#[cfg(not(feature = "axum"))]
type Matched = std::convert::Infallible;

impl Name {
    #[cfg_attr(
        not(feature = "axum"),
        expect(clippy::cloned_instead_of_copied, reason = "with axum it is no `Copy`")
    )]
    pub(crate) fn of(extensions: &Extensions) -> Self {
        Self(extensions.get::<Matched>().cloned())
    }

    /// Empty without a router.
    pub(crate) fn as_str(&self) -> &str {
        #[cfg(feature = "axum")]
        return self.0.as_ref().map_or("", Matched::as_str);
        #[cfg(not(feature = "axum"))]
        return self.0.map_or("", |never| match never {});
    }
}

#[cfg(feature = "axum")]
fn template(parts: &Parts) -> Option<&str> {
    parts
        .extensions
        .get::<axum::extract::MatchedPath>()
        .map(axum::extract::MatchedPath::as_str)
}

/// Over HTTP/1.1 a `GET` with `Upgrade`. Over HTTP/2 a `CONNECT` with `:protocol`, which is not among
/// the headers; but the version of the protocol is, and no handshake does without (RFC 8441, 5).
/// What is only called `CONNECT` is checked like everything else.
fn is_handshake(parts: &Parts) -> bool {
    parts.method == Method::CONNECT && parts.headers.contains_key(header::SEC_WEBSOCKET_VERSION)
        || parts.method == Method::GET
            && parts.headers.contains_key(header::UPGRADE)
            && parts
                .headers
                .get_all(header::UPGRADE)
                .iter()
                .any(|upgrade| {
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
