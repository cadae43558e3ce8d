//! The answer to a refused request.

use std::{future::Future, pin::Pin, sync::Arc};

use axum_core::{
    body::Body as AxumBody,
    response::{IntoResponse, Response as AxumResponse},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header, request::Parts};
use http_body_util::{
    BodyExt, Full,
    combinators::{BoxBody, UnsyncBoxBody},
};

use crate::{
    Failure,
    body::Media,
    handle::add_vary,
    policy::{Policy, Scheme},
};

/// A response body that a refusal can be written into.
pub trait RefusalBody {
    /// The body that consists of these bytes.
    fn from_bytes(bytes: Bytes) -> Self;
}

impl RefusalBody for AxumBody {
    fn from_bytes(bytes: Bytes) -> Self {
        Self::from(bytes)
    }
}

impl RefusalBody for Full<Bytes> {
    fn from_bytes(bytes: Bytes) -> Self {
        Self::new(bytes)
    }
}

impl<E: Send + Sync + 'static> RefusalBody for BoxBody<Bytes, E> {
    fn from_bytes(bytes: Bytes) -> Self {
        Full::new(bytes).map_err(|never| match never {}).boxed()
    }
}

impl<E: Send + 'static> RefusalBody for UnsyncBoxBody<Bytes, E> {
    fn from_bytes(bytes: Bytes) -> Self {
        Full::new(bytes)
            .map_err(|never| match never {})
            .boxed_unsync()
    }
}

/// What answers in place of us.
pub(crate) type Reject = Arc<dyn Fn(Failure, Parts) -> Rejecting + Send + Sync>;

pub(crate) type Rejecting = Pin<Box<dyn Future<Output = Response<Bytes>> + Send>>;

/// The answer where nobody else makes one.
pub(crate) fn answer(format: Format, failure: &Failure) -> Response<Bytes> {
    match format {
        // To the byte, so that nothing is added to it.
        Format::Gorilla(reason) => as_gorilla(reason, failure),
        format => in_format(format, failure),
    }
}

/// As an error that an `ErrorLayer` makes its own page of; where there is none, ours is the answer.
#[cfg(feature = "handler")]
fn in_format(format: Format, failure: &Failure) -> Response<Bytes> {
    let (parts, _) = mainstay_handler::Error::known(failure.clone())
        .into_response()
        .into_parts();
    let (ours, body) = ours(format, failure).into_parts();
    let mut response = Response::from_parts(parts, body);
    response.headers_mut().extend(ours.headers);
    response
}

#[cfg(not(feature = "handler"))]
use self::ours as in_format;

fn ours(format: Format, failure: &Failure) -> Response<Bytes> {
    match format {
        Format::Text => plain(failure),
        Format::Gorilla(reason) => as_gorilla(reason, failure),
        Format::Html => page(failure),
        Format::Problem => problem(failure),
    }
}

/// gorilla has no status but this; what it does not have at all, it cannot have another one for.
fn as_gorilla(reason: &str, failure: &Failure) -> Response<Bytes> {
    let status = match failure.status() {
        status if status.is_server_error() => status,
        _ => StatusCode::FORBIDDEN,
    };
    let beginning = status.canonical_reason().unwrap_or_default();
    text(status, format!("{beginning} - {reason}\n"))
}

/// `Forbidden - …`, as gorilla begins it.
fn plain(failure: &Failure) -> Response<Bytes> {
    let status = failure.status();
    let reason = status.canonical_reason().unwrap_or_default();
    text(status, format!("{reason} - {failure}\n"))
}

fn page(failure: &Failure) -> Response<Bytes> {
    let status = failure.status();
    let reason = status.canonical_reason().unwrap_or_default();
    let text = crate::escape::Html(&failure.to_string()).to_string();
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{reason}</title>\n\
         <h1>{reason}</h1>\n<p>{text}</p>\n<p><small>{}</small></p>\n</html>\n",
        failure.code()
    );
    respond(status, "text/html; charset=utf-8", page)
}

fn problem(failure: &Failure) -> Response<Bytes> {
    let status = failure.status();
    let reason = status.canonical_reason().unwrap_or_default();
    let detail = failure.to_string();
    let detail = crate::escape::Json(&detail);
    let document = format!(
        "{{\"type\":\"about:blank\",\"title\":\"{reason}\",\"status\":{},\"detail\":\"{detail}\",\
         \"code\":\"{}\"}}\n",
        status.as_u16(),
        failure.code()
    );
    respond(status, "application/problem+json", document)
}

fn text(status: StatusCode, text: String) -> Response<Bytes> {
    respond(status, "text/plain; charset=utf-8", text)
}

fn respond(status: StatusCode, media: &'static str, body: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

/// The answer of a handler that refuses in the layer's place. What the layer adds to every answer is
/// still to come.
#[cfg(feature = "axum")]
pub(crate) async fn in_place(policy: &Policy, failure: Failure, mut parts: Parts) -> AxumResponse {
    let response = match &policy.reject {
        Some(reject) => {
            parts.extensions.insert(failure.clone());
            reject(failure.clone(), parts).await
        }
        None => answer(Format::for_request(policy, &failure, &parts), &failure),
    };
    let mut response = response.map(AxumBody::from);
    vary_by_origin(response.headers_mut());
    response.extensions_mut().insert(failure);
    response
}

/// For what a cache might keep.
pub(crate) fn vary_by_origin(headers: &mut HeaderMap) {
    let site = HeaderValue::from_static("Sec-Fetch-Site");
    add_vary(headers, "sec-fetch-site", site);
    add_vary(headers, "origin", HeaderValue::from_static("Origin"));
}

/// For extractors that refuse in the layer's place.
impl IntoResponse for Failure {
    fn into_response(self) -> AxumResponse {
        let mut response = plain(&self).map(AxumBody::from);
        response.extensions_mut().insert(self);
        response
    }
}

/// The whole of an answer that a handler made; pages about refusals are small. One that forgot its
/// status must not look as if the request had been served.
pub(crate) async fn collect(response: Response<AxumBody>, status: StatusCode) -> Response<Bytes> {
    let (mut parts, body) = response.into_parts();
    if parts.status.is_success() {
        parts.status = status;
    }
    let body = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => {
            tracing::error!(target: "mainstay_csrf", %error, "the refusal's own body failed");
            Bytes::new()
        }
    };
    // Made for the body as it was before; the server writes the right one.
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, body)
}

/// What the client likes to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Html,
    Problem,
    /// gorilla's one line, whatever the client likes, with its word for the reason.
    Gorilla(&'static str),
}

/// In the extensions of a request in which no token was found, though something else failed first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoToken;

impl Format {
    pub(crate) fn for_request(policy: &Policy, failure: &Failure, parts: &Parts) -> Self {
        match policy.scheme {
            Scheme::Gorilla => Self::Gorilla(gorilla_reason(failure, parts)),
            Scheme::Modern | Scheme::HeadersOnly => Self::of(&parts.headers),
        }
    }

    /// By `Accept`: the format with the highest weight, plain text among equals and for want of one.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut best = (Self::Text, 0);
        for value in headers.get_all(header::ACCEPT) {
            for range in value.as_bytes().split(|byte| *byte == b',') {
                let mut parameters = range.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
                let media = parameters.next().unwrap_or_default();
                let weight = parameters
                    .find_map(|parameter| parameter.strip_prefix(b"q="))
                    .map_or(1000, thousandths);
                let format = match media {
                    b"text/html" | b"application/xhtml+xml" => Self::Html,
                    b"application/json" | b"application/problem+json" => Self::Problem,
                    b"text/plain" | b"text/*" | b"*/*" => Self::Text,
                    _ => continue,
                };
                if weight > best.1 {
                    best = (format, weight);
                }
            }
        }
        best.0
    }
}

/// The reason that gorilla would have given for this very request.
fn gorilla_reason(failure: &Failure, parts: &Parts) -> &'static str {
    let no_origin = || match parts.headers.get(header::ORIGIN) {
        Some(origin) => origin.is_empty(),
        None => true,
    };
    match failure {
        Failure::OriginMalformed { header: "referer" } => "referer not supplied",
        Failure::InsecureOrigin { .. } if no_origin() => "referer invalid",
        cookie if cookie.is_cookie() && parts.extensions.get::<NoToken>().is_some() => {
            "CSRF token not found in request"
        }
        other => other.gorilla_reason(),
    }
}

/// gorilla looks for the token even if the cookie is no good, and its answer says which of the two
/// it missed: where there is still a body to search for that.
pub(crate) fn to_be_searched(
    policy: &Policy,
    failure: &Failure,
    parts: &mut Parts,
) -> Option<Media> {
    if policy.scheme != Scheme::Gorilla
        || policy.reject.is_some()
        || !failure.is_cookie()
        || policy.header_token(parts).is_some()
    {
        return None;
    }
    let media = Media::of(&parts.headers).ok();
    if media.is_none() {
        parts.extensions.insert(NoToken);
    }
    media
}

fn thousandths(weight: &[u8]) -> u32 {
    let text = std::str::from_utf8(weight).unwrap_or_default();
    // From 0 to 1 with three digits; what is none of that weighs nothing.
    text.parse::<f32>()
        .ok()
        .filter(|weight| (0.0..=1.0).contains(weight))
        .map_or(0, |weight| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "0 to 1000"
            )]
            let thousandths = (weight * 1000.0) as u32;
            thousandths
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_what_the_client_likes_best() {
        for (accept, format) in [
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
                Format::Html,
            ),
            ("application/json", Format::Problem),
            ("application/json, text/plain, */*", Format::Problem),
            (
                "text/html;q=0.1, application/problem+json;q=0.9",
                Format::Problem,
            ),
            ("text/html;q=0, */*", Format::Text),
            ("text/html;q=x", Format::Text),
            ("image/png", Format::Text),
            ("*/*", Format::Text),
            ("", Format::Text),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            assert_eq!(Format::of(&headers), format, "{accept}");
        }
        assert_eq!(Format::of(&HeaderMap::new()), Format::Text);
    }
}
