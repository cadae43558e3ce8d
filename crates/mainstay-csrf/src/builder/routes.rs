use http::request::Parts;

use super::Csrf;
use crate::route::Select;

/// # Routes
///
/// Routes are named as the router has them, `/hooks/{id}`; under `nest` that is the whole path. What
/// loosens the check (`exempt`, `defer`, `scope`) means what the router really serves, so axum has to
/// have matched the route before the layer runs, which is so for layers put on with `Router::layer`.
/// What tightens it (`protect`, `require_scope`) also takes every path of that shape, so that it
/// holds wherever the layer stands.
impl Csrf {
    /// Exempts a route, named as the router knows it: `/hooks/{id}`.
    ///
    /// It works where axum has matched the route before the layer runs, which is so for layers put
    /// on with `Router::layer`.
    #[cfg(feature = "axum")]
    #[must_use]
    pub fn exempt(mut self, route: impl Into<String>) -> Self {
        self.routes.exempt.push(Select::Route(route.into()));
        self
    }

    /// Exempts the requests for which `when` says so.
    ///
    /// The presence of a header or a content type is no reason: both can be forged. Mind that a path
    /// can be spelled in more than one way.
    #[must_use]
    pub fn exempt_when(mut self, when: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.routes.exempt.push(Select::When(Box::new(when)));
        self
    }

    /// Exempts requests that carry nothing which a browser adds by itself: no `Cookie`, and no
    /// `Authorization` but `Bearer`.
    ///
    /// Not where clients are known by their certificate or their address, and not for a login form.
    #[must_use]
    pub fn exempt_without_credentials(mut self, exempt: bool) -> Self {
        self.routes.exempt_without_credentials = exempt;
        self
    }

    /// Protects a route even where the method is safe, such as a link that signs out.
    ///
    /// A link carries no token, so the browser has to say that a page of this origin made the
    /// request; where it says nothing, a token is needed, and with headers only the request is
    /// refused.
    #[cfg(feature = "axum")]
    #[must_use]
    pub fn protect(mut self, route: impl Into<String>) -> Self {
        self.routes.protect.push(Select::Route(route.into()));
        self
    }

    /// Like [`protect`](Self::protect), for the requests for which `when` says so.
    #[must_use]
    pub fn protect_when(mut self, when: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.routes.protect.push(Select::When(Box::new(when)));
        self
    }

    /// Takes `QUERY` for safe. By default it is checked: not everyone who routes it knows that it
    /// must change nothing.
    #[must_use]
    pub fn query_is_safe(mut self, safe: bool) -> Self {
        self.routes.query_is_safe = safe;
        self
    }

    /// Leaves it to the handler to find the token in this route's bodies.
    ///
    /// For handlers that read raw streams, and for forms whose token comes late: take
    /// [`CsrfForm`](crate::CsrfForm), [`CsrfMultipart`](crate::CsrfMultipart) or
    /// [`CsrfDeferred`](crate::CsrfDeferred) there. Origin, cookie and a token in the header are
    /// checked as ever. If the handler answers with success, or elsewhere, without having looked for
    /// the token, the answer is replaced by a 500; an answer that is an error stays.
    #[cfg(feature = "axum")]
    #[must_use]
    pub fn defer(mut self, route: impl Into<String>) -> Self {
        self.routes.deferred.push(Select::Route(route.into()));
        self
    }

    /// Like [`defer`](Self::defer), for the requests for which `when` says so.
    #[must_use]
    pub fn defer_when(mut self, when: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.routes.deferred.push(Select::When(Box::new(when)));
        self
    }

    /// Demands a token that was made for this route: for its action, or for a scope that is good for
    /// it. Tokens for any form are refused.
    ///
    /// It keeps a token that leaked from one page, or was lured into a form with another target,
    /// from doing what matters most.
    #[cfg(feature = "axum")]
    #[must_use]
    pub fn require_scope(mut self, route: impl Into<String>) -> Self {
        self.routes.require_scope.push(Select::Route(route.into()));
        self
    }

    /// Like [`require_scope`](Self::require_scope), for the requests for which `when` says so.
    #[must_use]
    pub fn require_scope_when(
        mut self,
        when: impl Fn(&Parts) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.routes.require_scope.push(Select::When(Box::new(when)));
        self
    }

    /// Takes tokens of the scope `name` on a route: those of
    /// [`CsrfToken::scoped`](crate::CsrfToken::scoped). May be said of several routes.
    #[cfg(feature = "axum")]
    #[must_use]
    pub fn scope(mut self, name: impl Into<String>, route: impl Into<String>) -> Self {
        self.routes
            .scopes
            .push((name.into().into(), Select::Route(route.into())));
        self
    }

    /// Like [`scope`](Self::scope), for the requests for which `when` says so.
    #[must_use]
    pub fn scope_when(
        mut self,
        name: impl Into<String>,
        when: impl Fn(&Parts) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.routes
            .scopes
            .push((name.into().into(), Select::When(Box::new(when))));
        self
    }

    /// The part of every path that a proxy takes off before we see it: `/app`.
    ///
    /// Tokens for an action are made for the path that the browser sees.
    #[must_use]
    pub fn public_prefix(mut self, prefix: impl Into<String>) -> Self {
        let prefix = prefix.into();
        self.routes.public_prefix = prefix.trim_end_matches('/').to_owned();
        self
    }
}
