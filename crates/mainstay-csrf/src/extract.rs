use std::{convert::Infallible, fmt, sync::Arc};

use axum_core::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    response::{IntoResponse, Response},
};
use http::{Extensions, HeaderMap, Method, Request, StatusCode, request::Parts};

use crate::{
    Failure, Field, Meta, Place, Scope, Standing,
    handle::{Grip, Handle},
    route::Class,
    scope,
    session::SessionUnavailable,
};

/// A token for the page that is being made.
///
/// ```
/// use mainstay_csrf::CsrfToken;
///
/// async fn form(token: CsrfToken) -> axum::response::Html<String> {
///     let field = token.field();
///     format!("<form method=post>{field}<button>Go</button></form>").into()
/// }
/// ```
///
/// To take one is what makes the response carry the cookie and `Vary: Cookie`; a page that takes
/// none stays as it is and can be cached by anyone. It has to be taken before the response's head
/// leaves, so take it in the handler's arguments and not in a stream.
///
/// Under [`Csrf::headers_only`](crate::Csrf::headers_only) there are no tokens: the value is empty
/// and the field is nothing, so that a template need not know which preset is in use.
#[derive(Clone)]
pub struct CsrfToken {
    handle: Arc<Handle>,
    secret: [u8; 32],
    value: String,
}

impl CsrfToken {
    /// The token of a request, outside of axum.
    ///
    /// # Errors
    ///
    /// When the request did not pass a CSRF layer, or when the layer could not find out the session.
    pub fn of<B>(request: &Request<B>) -> Result<Self, MissingLayer> {
        Self::take(request.extensions(), request.headers())
    }

    /// A token that is good for one action only: the method and path that a form is sent to.
    ///
    /// ```
    /// # use mainstay_csrf::CsrfToken;
    /// # use http::Method;
    /// async fn settings(token: CsrfToken) -> String {
    ///     let token = token.for_action(Method::POST, "/account/email");
    ///     format!("<form method=post action=/account/email>{}</form>", token.field())
    /// }
    /// ```
    ///
    /// The path is the one that the browser sees. Whether the route insists on it says
    /// [`Csrf::require_scope`](crate::Csrf::require_scope).
    #[must_use]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "methods are constants where they are written"
    )]
    pub fn for_action(&self, method: Method, path: &str) -> Self {
        self.bound_to(self.secret, &scope::action(&method, path))
    }

    /// A token that is good only where the scope `name` is, as [`Csrf::scope`](crate::Csrf::scope)
    /// says.
    #[must_use]
    pub fn scoped(&self, name: &str) -> Self {
        if !self
            .handle
            .policy
            .routes
            .scopes
            .iter()
            .any(|(known, _)| **known == *name)
        {
            tracing::error!(
                target: "mainstay_csrf",
                name,
                "a token was made for a scope that is good for no route"
            );
        }
        self.bound_to(self.secret, &scope::named(name))
    }

    /// A new cookie for this browser and a token that goes with it; every older token of the browser
    /// is void from then on.
    ///
    /// For the moment of signing in or out, where nothing else changes: a service that binds tokens
    /// to the session has the same effect from the new session alone.
    #[must_use]
    pub fn rotate(&self) -> Self {
        self.bound_to(*self.handle.rotate(), "")
    }

    /// The token's text.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The hidden field for a form: `{{ token.field() }}`.
    #[must_use]
    pub fn field(&self) -> Field<'_> {
        Field {
            name: &self.handle.policy.field,
            value: &self.value,
        }
    }

    /// The `<meta>` for the page's head, from which scripts take the token.
    #[must_use]
    pub fn meta(&self) -> Meta<'_> {
        Meta {
            name: self.handle.policy.meta,
            value: &self.value,
        }
    }

    /// The name of the form's field.
    #[must_use]
    pub fn field_name(&self) -> &str {
        &self.handle.policy.field
    }

    /// The name of the header in which scripts send the token.
    #[must_use]
    pub fn header_name(&self) -> &str {
        self.handle.policy.header.as_str()
    }

    fn take(extensions: &Extensions, headers: &HeaderMap) -> Result<Self, MissingLayer> {
        let Some(Grip(handle)) = extensions.get::<Grip>() else {
            return Err(MissingLayer { session: None });
        };
        if let Err(missing) = handle.session {
            return Err(MissingLayer {
                session: Some(missing),
            });
        }
        let secret = *handle.secret(headers, extensions);
        Ok(Self::new(handle, secret, ""))
    }

    fn bound_to(&self, secret: [u8; 32], scope: &str) -> Self {
        Self::new(&self.handle, secret, scope)
    }

    fn new(handle: &Arc<Handle>, secret: [u8; 32], scope: &str) -> Self {
        Self {
            handle: Arc::clone(handle),
            secret,
            value: handle.policy.issue(&secret, handle.session(), scope),
        }
    }
}

impl fmt::Debug for CsrfToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsrfToken")
            .field("field_name", &self.field_name())
            .finish_non_exhaustive()
    }
}

impl<S: Sync> FromRequestParts<S> for CsrfToken {
    type Rejection = MissingLayer;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, MissingLayer> {
        Self::take(&parts.extensions, &parts.headers)
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for CsrfToken {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(Self::take(&parts.extensions, &parts.headers).ok())
    }
}

/// The proof that this request was checked and found good.
///
/// A handler that takes it cannot end up on an exempt route, or outside of the layer, by mistake: it
/// would answer 500. So it would on a route with [`Csrf::defer`](crate::Csrf::defer), unless the
/// token is in the header: extractors for the head run before anybody has looked for the token in
/// the body. There, [`CsrfDeferred::verify`](crate::CsrfDeferred::verify) is what gives the proof.
///
/// Under [`Csrf::report_only`](crate::Csrf::report_only) every request passes, so a request that
/// was checked and found wanting has one too; [`failure`](Self::failure) says why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsrfVerified {
    standing: Standing,
    place: Option<Place>,
    scope: Scope,
    reported: Option<Box<Failure>>,
}

impl CsrfVerified {
    /// What the browser said about the origin of the request; `Unknown` if there is a
    /// [`failure`](Self::failure).
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// Where the token was, or `None` when the headers alone decided.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        self.place
    }

    /// What the token was made for.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Why the request would have been refused, were it not for
    /// [`Csrf::report_only`](crate::Csrf::report_only).
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        self.reported.as_deref()
    }

    pub(crate) fn by_headers(standing: Standing) -> Self {
        Self {
            standing,
            place: None,
            scope: Scope::Any,
            reported: None,
        }
    }

    pub(crate) fn reported(failure: Failure) -> Self {
        Self {
            standing: Standing::Unknown,
            place: failure.place(),
            scope: Scope::Any,
            reported: Some(Box::new(failure)),
        }
    }

    pub(crate) fn by_token(standing: Standing, place: Place, scope: Scope) -> Self {
        Self {
            standing,
            place: Some(place),
            scope,
            reported: None,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for CsrfVerified {
    type Rejection = NotVerified;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, NotVerified> {
        let Some(Grip(handle)) = parts.extensions.get::<Grip>() else {
            return Err(NotVerified(Unchecked::NoLayer));
        };
        if let Some(verified) = handle.verified() {
            return Ok(verified.clone());
        }
        let reported = parts.extensions.get::<Failure>();
        if let Some(failure) = reported.or(handle.refused())
            && handle.policy.report_only
        {
            return Ok(Self::reported(failure.clone()));
        }
        Err(NotVerified(if handle.refused().is_some() {
            Unchecked::Refused
        } else if handle.is_open() {
            Unchecked::Deferred
        } else if handle.policy.routes.class(parts) == Class::Safe {
            Unchecked::Safe
        } else {
            Unchecked::Exempt
        }))
    }
}

/// There is no CSRF layer around the handler, or one that cannot issue tokens.
#[derive(Debug)]
pub struct MissingLayer {
    pub(crate) session: Option<SessionUnavailable>,
}

impl fmt::Display for MissingLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.session {
            Some(missing) => write!(
                f,
                "{}",
                Failure::SessionUnavailable {
                    what: missing.what()
                }
            ),
            None => f.write_str("no CSRF layer is around this handler"),
        }
    }
}

impl std::error::Error for MissingLayer {}

impl IntoResponse for MissingLayer {
    fn into_response(self) -> Response {
        tracing::error!(target: "mainstay_csrf", "no token for this page: {self}");
        (
            StatusCode::INTERNAL_SERVER_ERROR,
            "no CSRF token can be issued here",
        )
            .into_response()
    }
}

/// The request was not checked: its method is safe, its route exempt, its check deferred to the
/// handler, or there is no layer. The text says which.
#[derive(Debug)]
pub struct NotVerified(Unchecked);

#[derive(Clone, Copy, Debug)]
enum Unchecked {
    NoLayer,
    Safe,
    Exempt,
    Deferred,
    Refused,
}

impl fmt::Display for NotVerified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request was not checked against CSRF: ")?;
        f.write_str(match self.0 {
            Unchecked::NoLayer => "no CSRF layer is around this handler",
            Unchecked::Safe => "its method is safe and its route not protected all the same",
            Unchecked::Exempt => "its route, or the request, is exempt",
            Unchecked::Deferred => {
                "its route is deferred, and nobody has looked for the token yet; take CsrfDeferred \
                 and verify"
            }
            Unchecked::Refused => "its deferred check has failed",
        })
    }
}

impl std::error::Error for NotVerified {}

impl IntoResponse for NotVerified {
    fn into_response(self) -> Response {
        tracing::error!(
            target: "mainstay_csrf",
            "a handler demands a check that did not happen: {self}"
        );
        (
            StatusCode::INTERNAL_SERVER_ERROR,
            "this request was not checked",
        )
            .into_response()
    }
}
