use std::{error::Error as StdError, fmt};

use axum::{
    Form,
    extract::{FromRequest, Request, rejection::FormRejection},
};
use axum_core::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::Method;

use crate::{CsrfDeferred, Failure, MissingLayer, Place, body::decode};

/// axum's `Form<T>` without the token's field in it, so that `T` may deny unknown fields.
///
/// On a route with [`Csrf::defer`](crate::Csrf::defer) it also finds the token, wherever in the form
/// it is, and yields nothing without it.
///
/// ```
/// # use mainstay_csrf::CsrfForm;
/// #[derive(serde::Deserialize)]
/// #[serde(deny_unknown_fields)]
/// struct Signup {
///     name: String,
/// }
///
/// async fn signup(CsrfForm(signup): CsrfForm<Signup>) -> String {
///     signup.name
/// }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct CsrfForm<T>(pub T);

impl<T, S> FromRequest<S> for CsrfForm<T>
where
    Form<T>: FromRequest<S, Rejection = FormRejection>,
    S: Send + Sync,
{
    type Rejection = CsrfFormRejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, CsrfFormRejection> {
        let (parts, body) = request.into_parts();
        let deferred = CsrfDeferred::of(&parts).map_err(CsrfFormRejection::Layer)?;
        let request = Request::from_parts(parts.clone(), body);
        let request = if matches!(parts.method, Method::GET | Method::HEAD) {
            // The form of a GET is its query, and tokens are not in queries.
            let place = Place::Header;
            deferred
                .refuse_if_open(|| Failure::TokenMissing { place })
                .map_err(CsrfFormRejection::Refused)?;
            request
        } else {
            let bytes = Bytes::from_request(request, state).await;
            let bytes = bytes.map_err(|rejection| {
                // The answer is axum's, whatever comes of the check.
                let _ = deferred.refuse_if_open(|| Failure::unreadable(rejection.status()));
                CsrfFormRejection::Form(rejection.into())
            })?;
            let (token, rest) = split(&bytes, deferred.field());
            if deferred.is_open() {
                let verdict = deferred.verify(&token.unwrap_or_default(), Place::Form);
                deferred
                    .settle(verdict)
                    .map_err(CsrfFormRejection::Refused)?;
            }
            Request::from_parts(parts, Body::from(rest.unwrap_or(bytes)))
        };
        let Form(value) = Form::from_request(request, state)
            .await
            .map_err(CsrfFormRejection::Form)?;
        Ok(Self(value))
    }
}

/// The first field of this name, and the form without any, if there was one.
fn split(form: &[u8], field: &str) -> (Option<String>, Option<Bytes>) {
    let (mut token, mut rest) = (None, Vec::new());
    for pair in form.split(|byte| *byte == b'&') {
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let name = halves.next().unwrap_or_default();
        if decode(name).eq(field.bytes()) {
            token.get_or_insert_with(|| {
                let value: Vec<_> = decode(halves.next().unwrap_or_default()).collect();
                // What is not UTF-8 is no token.
                String::from_utf8_lossy(&value).into_owned()
            });
            continue;
        }
        if !rest.is_empty() {
            rest.push(b'&');
        }
        rest.extend_from_slice(pair);
    }
    let rest = token.is_some().then(|| Bytes::from(rest));
    (token, rest)
}

/// Why there is no [`CsrfForm`].
#[derive(Debug)]
#[non_exhaustive]
pub enum CsrfFormRejection {
    /// The deferred check failed.
    Refused(Failure),
    /// axum's own reasons.
    Form(FormRejection),
    /// No CSRF layer is around the handler.
    Layer(MissingLayer),
}

impl fmt::Display for CsrfFormRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(failure) => failure.fmt(f),
            Self::Form(rejection) => rejection.fmt(f),
            Self::Layer(missing) => missing.fmt(f),
        }
    }
}

impl StdError for CsrfFormRejection {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Form(rejection) => rejection.source(),
            Self::Refused(_) | Self::Layer(_) => None,
        }
    }
}

impl IntoResponse for CsrfFormRejection {
    fn into_response(self) -> Response {
        match self {
            Self::Refused(failure) => failure.into_response(),
            Self::Form(rejection) => rejection.into_response(),
            Self::Layer(missing) => missing.into_response(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_is_taken_out_and_the_rest_stays_as_it_was() {
        for (form, token, rest) in [
            ("csrf_token=a&name=b+c", Some("a"), Some("name=b+c")),
            (
                "name=%2f&csrf_token=a%2Fb&x",
                Some("a/b"),
                Some("name=%2f&x"),
            ),
            ("csrf%5Ftoken=a&csrf_token=b", Some("a"), Some("")),
            ("csrf_token", Some(""), Some("")),
            ("csrf_token=a+b&x+y=1", Some("a b"), Some("x+y=1")),
            ("name=csrf_token", None, None),
            ("", None, None),
        ] {
            let (found, left) = split(form.as_bytes(), "csrf_token");
            assert_eq!(found.as_deref(), token, "{form}");
            assert_eq!(left.as_deref(), rest.map(str::as_bytes), "{form}");
        }
    }
}
