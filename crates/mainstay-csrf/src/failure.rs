use std::{convert::Infallible, error::Error as StdError, fmt};

use axum_core::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    response::{IntoResponse, Response},
};
use http::{StatusCode, request::Parts};

/// Why a request was refused.
///
/// It is in the extensions of the refusal's response, and of the request when
/// [`report_only`](crate::Csrf::report_only) let it pass. [`code`](Self::code) is stable and fit for
/// metrics and for scripts; the text is for people and says what to do. Neither ever holds a token,
/// a cookie or a key, and to show them to the client gives nothing away: a page of another origin
/// cannot read the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The browser says that another site made the request (`Sec-Fetch-Site: cross-site`).
    #[non_exhaustive]
    CrossSite {
        /// The `Origin` header, when there was one.
        origin: Option<Box<str>>,
    },
    /// The browser says that a sibling made the request: same site, other origin.
    #[non_exhaustive]
    SameSite {
        /// The `Origin` header, when there was one.
        origin: Option<Box<str>>,
    },
    /// `Origin` names neither this service nor a trusted origin.
    #[non_exhaustive]
    OriginMismatch {
        /// The `Origin` header.
        origin: Box<str>,
        /// What it should have been.
        expected: Box<str>,
    },
    /// A header that decides about origins came twice or cannot be read.
    #[non_exhaustive]
    OriginMalformed {
        /// The header's name.
        header: &'static str,
    },
    /// There was no `Origin`, and `Referer` is a page of another origin.
    #[non_exhaustive]
    RefererMismatch {
        /// The referring page's origin.
        origin: Box<str>,
        /// What it should have been.
        expected: Box<str>,
    },
    /// The right host, but over plain HTTP, where anyone on the way can have written the page.
    #[non_exhaustive]
    InsecureOrigin {
        /// The origin over HTTP.
        origin: Box<str>,
        /// The same over HTTPS.
        expected: Box<str>,
    },
    /// Neither `Sec-Fetch-Site` nor `Origin` came, and the preset demands one of them.
    HeadersMissing,
    /// No cookie came: cookies are blocked, or it ended with the browser.
    CookieMissing,
    /// The cookie is not one of ours.
    CookieMalformed,
    /// The cookie's signature is not by any of our keys.
    CookieForged,
    /// The cookie is older than it may be.
    CookieExpired,
    /// Two cookies of our name came, so somebody else set one of them.
    CookieDuplicate,
    /// No token was found.
    #[non_exhaustive]
    TokenMissing {
        /// The last place where it was looked for.
        place: Place,
    },
    /// What was found is not a token.
    #[non_exhaustive]
    TokenMalformed {
        /// Where it was found.
        place: Place,
    },
    /// The token is not for this browser, session and form.
    #[non_exhaustive]
    TokenMismatch {
        /// Where it was found.
        place: Place,
    },
    /// The token is older than it may be.
    #[non_exhaustive]
    TokenExpired {
        /// Where it was found.
        place: Place,
    },
    /// The token was signed by a key that is not in the ring, or no longer.
    #[non_exhaustive]
    TokenKeyUnknown {
        /// Where it was found.
        place: Place,
    },
    /// The token is good, but this route demands one that was made for it.
    #[non_exhaustive]
    TokenScope {
        /// Where it was found.
        place: Place,
    },
    /// The token was good before the visitor signed in or out: the most frequent honest failure.
    #[non_exhaustive]
    StaleSession {
        /// Where the token was found.
        place: Place,
    },
    /// The field was not within the part of the body that is searched.
    #[non_exhaustive]
    TokenBeyondLimit {
        /// Which kind of body was searched.
        place: Place,
        /// How many bytes of it were.
        limit: usize,
    },
    /// The body broke off or was refused before the field was found.
    #[non_exhaustive]
    BodyUnreadable {
        /// Because it was larger than a limit that another layer has set.
        too_large: bool,
    },
    /// The field did not come within the time that was set for it.
    BodyTooSlow,
    /// The body is compressed and there is no layer outside of ours that decompresses it.
    BodyEncoded,
    /// What tells the session apart was not there when our layer ran.
    #[non_exhaustive]
    SessionUnavailable {
        /// What was missing.
        what: &'static str,
    },
}

/// Where in a request a token was, or should have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// In the request header, for scripts.
    Header,
    /// In a field of an `application/x-www-form-urlencoded` body.
    Form,
    /// In a part of a `multipart/form-data` body.
    Multipart,
}

impl Failure {
    /// A stable name: `cross_site`, `token_missing`, `stale_session` and so on.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::CrossSite { .. } => "cross_site",
            Self::SameSite { .. } => "same_site",
            Self::OriginMismatch { .. } => "origin_mismatch",
            Self::OriginMalformed { .. } => "origin_malformed",
            Self::RefererMismatch { .. } => "referer_mismatch",
            Self::InsecureOrigin { .. } => "insecure_origin",
            Self::HeadersMissing => "headers_missing",
            Self::CookieMissing => "cookie_missing",
            Self::CookieMalformed => "cookie_malformed",
            Self::CookieForged => "cookie_forged",
            Self::CookieExpired => "cookie_expired",
            Self::CookieDuplicate => "cookie_duplicate",
            Self::TokenMissing { .. } => "token_missing",
            Self::TokenMalformed { .. } => "token_malformed",
            Self::TokenMismatch { .. } => "token_mismatch",
            Self::TokenExpired { .. } => "token_expired",
            Self::TokenKeyUnknown { .. } => "token_key_unknown",
            Self::TokenScope { .. } => "token_scope",
            Self::StaleSession { .. } => "stale_session",
            Self::TokenBeyondLimit { .. } => "token_beyond_limit",
            Self::BodyUnreadable { .. } => "body_unreadable",
            Self::BodyTooSlow => "body_too_slow",
            Self::BodyEncoded => "body_encoded",
            Self::SessionUnavailable { .. } => "session_unavailable",
        }
    }

    /// 403, except where the token is not what failed: 400 and 413 for bodies that cannot be read, 408
    /// for those that come too slowly, 415 for compressed ones, and 500 when layers are in the wrong order, which is no fault of the
    /// client's.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::BodyUnreadable { too_large: true } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyUnreadable { too_large: false } => StatusCode::BAD_REQUEST,
            Self::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::BodyEncoded => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::SessionUnavailable { .. } => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::FORBIDDEN,
        }
    }

    /// Another origin made the request, by what the browser itself says.
    #[must_use]
    pub fn is_foreign(&self) -> bool {
        matches!(
            self,
            Self::CrossSite { .. }
                | Self::SameSite { .. }
                | Self::OriginMismatch { .. }
                | Self::OriginMalformed { .. }
                | Self::RefererMismatch { .. }
                | Self::InsecureOrigin { .. }
                | Self::HeadersMissing
        )
    }

    /// Ordinary use leads here too: a page that was left open, blocked cookies, a key that was
    /// retired. Logged at `INFO`, where all else is a `WARN`.
    #[must_use]
    pub fn is_honest(&self) -> bool {
        matches!(
            self,
            Self::CookieMissing
                | Self::CookieExpired
                | Self::TokenMissing { .. }
                | Self::TokenExpired { .. }
                | Self::TokenKeyUnknown { .. }
                | Self::StaleSession { .. }
                | Self::TokenBeyondLimit { .. }
                | Self::BodyUnreadable { .. }
                | Self::BodyTooSlow
                | Self::BodyEncoded
        )
    }

    /// Where the token was, or was looked for, when the failure is about a token.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        match self {
            Self::TokenMissing { place }
            | Self::TokenMalformed { place }
            | Self::TokenMismatch { place }
            | Self::TokenExpired { place }
            | Self::TokenKeyUnknown { place }
            | Self::TokenScope { place }
            | Self::StaleSession { place }
            | Self::TokenBeyondLimit { place, .. } => Some(*place),
            _ => None,
        }
    }

    /// By the status of an answer about a body that could not be read.
    #[cfg(feature = "axum")]
    pub(crate) fn unreadable(status: StatusCode) -> Self {
        let too_large = status == StatusCode::PAYLOAD_TOO_LARGE;
        Self::BodyUnreadable { too_large }
    }

    /// The cookie is what failed, so that nobody has looked for a token yet.
    pub(crate) fn is_cookie(&self) -> bool {
        matches!(
            self,
            Self::CookieMissing
                | Self::CookieMalformed
                | Self::CookieForged
                | Self::CookieExpired
                | Self::CookieDuplicate
        )
    }

    /// The text that gorilla/csrf has for it.
    ///
    /// The default answer of the gorilla preset has seen the request too and can be more exact: it
    /// tells `Origin` from `Referer`, and a cookie that is missing from a token that is missing too.
    #[must_use]
    pub fn gorilla_reason(&self) -> &'static str {
        match self {
            Self::RefererMismatch { .. } => "referer invalid",
            foreign if foreign.is_foreign() => "origin invalid",
            Self::TokenMissing { .. }
            | Self::TokenBeyondLimit { .. }
            | Self::BodyUnreadable { .. }
            | Self::BodyEncoded => "CSRF token not found in request",
            _ => "CSRF token invalid",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CrossSite {
                origin: Some(origin),
            } => {
                write!(
                    f,
                    "the request was made by a page of another site, `{origin}`"
                )
            }
            Self::CrossSite { origin: None } => {
                f.write_str("the request was made by a page of another site")
            }
            Self::SameSite {
                origin: Some(origin),
            } => {
                write!(
                    f,
                    "the request was made by a sibling of this origin, `{origin}`"
                )
            }
            Self::SameSite { origin: None } => {
                f.write_str("the request was made by a sibling of this origin")
            }
            Self::OriginMismatch { origin, expected } => write!(
                f,
                "the request was made by a page of `{origin}`, but this is {expected}; if they are \
                 the same service, set own_origin"
            ),
            Self::OriginMalformed { header } => {
                write!(f, "the `{header}` header came twice or cannot be read")
            }
            Self::RefererMismatch { origin, expected } => write!(
                f,
                "the referring page is of `{origin}`, but this is {expected}; if they are the same \
                 service, set own_origin"
            ),
            Self::InsecureOrigin { origin, expected } => write!(
                f,
                "the page came over plain HTTP from `{origin}`, where {expected} was expected; behind a \
                 proxy that speaks TLS set own_origin, without TLS see insecure_plain_http"
            ),
            Self::HeadersMissing => {
                f.write_str("the browser is too old: it sends neither Sec-Fetch-Site nor Origin")
            }
            Self::CookieMissing => f.write_str(
                "the cookie that goes with the form is missing; allow cookies, reload the page and \
                 try again",
            ),
            Self::CookieMalformed => f.write_str("the cookie that goes with the form is damaged"),
            Self::CookieForged => {
                f.write_str("the cookie that goes with the form is not signed by this service")
            }
            Self::CookieExpired => {
                f.write_str("the page was open for too long; reload it and try again")
            }
            Self::CookieDuplicate => {
                f.write_str("the cookie that goes with the form came more than once")
            }
            Self::TokenMissing { place } => write!(f, "no CSRF token was found in {place}"),
            Self::TokenMalformed { place } => {
                write!(f, "the CSRF token in the {} is damaged", place.short())
            }
            Self::TokenMismatch { place } => {
                write!(
                    f,
                    "the CSRF token in the {} is not for this browser",
                    place.short()
                )
            }
            Self::TokenExpired { .. } => {
                f.write_str("the form was open for too long; reload the page and try again")
            }
            Self::TokenKeyUnknown { .. } => f.write_str(
                "the form was made with a key that is no longer in use; reload the page and try \
                 again",
            ),
            Self::TokenScope { .. } => f.write_str("the CSRF token was made for another form"),
            Self::StaleSession { .. } => f.write_str(
                "this page was opened before you signed in or out; reload it and try again",
            ),
            Self::TokenBeyondLimit { limit, .. } => write!(
                f,
                "no CSRF token was found in the first {limit} bytes of the body; put the field \
                 first in the form, or send the token in the header"
            ),
            Self::BodyUnreadable { too_large: true } => f.write_str("the body is too large"),
            Self::BodyUnreadable { too_large: false } => f.write_str("the body cannot be read"),
            Self::BodyTooSlow => f.write_str(
                "the body came too slowly; put the field first in the form, or send the token in the \
                 header",
            ),
            Self::BodyEncoded => {
                f.write_str("the body is compressed, so no CSRF token can be found in it")
            }
            Self::SessionUnavailable { what } => write!(
                f,
                "{what} is missing: the layer that provides it must be outside of the CSRF layer"
            ),
        }
    }
}

impl StdError for Failure {}

#[cfg(feature = "handler")]
impl mainstay_handler::HttpError for Failure {
    fn status(&self) -> StatusCode {
        self.status()
    }

    fn problem(&self, problem: &mut mainstay_handler::Problem) {
        problem.set_member("code", self.code());
    }
}

/// For the handler of [`Csrf::on_reject_handler`](crate::Csrf::on_reject_handler), and under
/// [`Csrf::report_only`](crate::Csrf::report_only) for any.
impl<S: Sync> FromRequestParts<S> for Failure {
    type Rejection = NoFailure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, NoFailure> {
        parts.extensions.get::<Self>().cloned().ok_or(NoFailure(()))
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Failure {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}

/// A handler asked for the [`Failure`] of a request that has none.
#[derive(Debug)]
pub struct NoFailure(());

impl fmt::Display for NoFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request was not refused")
    }
}

impl StdError for NoFailure {}

impl IntoResponse for NoFailure {
    fn into_response(self) -> Response {
        tracing::error!(target: "mainstay_csrf", "a handler for refusals serves a route");
        (
            StatusCode::INTERNAL_SERVER_ERROR,
            "this request was not refused",
        )
            .into_response()
    }
}

impl Place {
    fn short(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Form | Self::Multipart => "form",
        }
    }
}

/// What was searched, up to and with this place.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "the request's headers",
            Self::Form => "the form or the request's headers",
            Self::Multipart => "the multipart form or the request's headers",
        })
    }
}
