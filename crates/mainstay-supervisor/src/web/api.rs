//! `/RPC2`: the API over HTTP.

use axum::body::Body;
use bytes::Bytes;
use http::header::TRANSFER_ENCODING;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, COOKIE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body as _;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use super::browser::Visit;
use super::plain;
use crate::rpc::{Api, xml};

/// Answers a call.
pub(super) async fn answer(api: &Api, request: Request<Body>) -> Response<Body> {
    match call(api, request).await {
        Ok(document) => {
            let mut response = Response::new(Body::from(document));
            response
                .headers_mut()
                .insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
            response
        }
        Err(status) => plain::error(status),
    }
}

async fn call(api: &Api, request: Request<Body>) -> Result<Vec<u8>, StatusCode> {
    let (parts, body) = request.into_parts();
    if parts.method != Method::POST {
        return Err(StatusCode::BAD_REQUEST);
    }
    admit(Visit::new(&parts.headers, &parts.uri), &parts.headers)?;
    if !parts.headers.contains_key(CONTENT_LENGTH) && !parts.headers.contains_key(TRANSFER_ENCODING)
    {
        return Err(StatusCode::LENGTH_REQUIRED);
    }
    let document = read(body).await?;
    let call = xml::parse_call(&document).map_err(|error| {
        let beginning = String::from_utf8_lossy(&document[..document.len().min(200)]);
        tracing::error!("XML-RPC request data {beginning:?} is invalid: {error}");
        StatusCode::BAD_REQUEST
    })?;
    tracing::trace!(method = call.method, "XML-RPC method called");
    Ok(api.answer(call).await)
}

async fn read(body: Body) -> Result<Bytes, StatusCode> {
    // What is announced as too large need not be sent.
    if body.size_hint().lower() > LARGEST_CALL as u64 {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    match Limited::new(body, LARGEST_CALL).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(StatusCode::PAYLOAD_TOO_LARGE),
        // Cut off, not sent as announced, or too slow.
        Err(_) => Err(StatusCode::BAD_REQUEST),
    }
}

/// Refuses what a web page of another site makes a browser send: a form can post text that happens to
/// be XML.
fn admit(visit: Visit<'_>, headers: &HeaderMap) -> Result<(), StatusCode> {
    if visit.is_foreign() {
        return Err(StatusCode::FORBIDDEN);
    }
    // Other types than these can be sent without asking first, by browsers that do not say more.
    let is_browser = visit.is_of_a_browser() || headers.contains_key(COOKIE);
    let is_xml = || {
        let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?;
        Some(kind.to_ascii_lowercase().contains("xml"))
    };
    if is_browser && is_xml() != Some(true) {
        return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    Ok(())
}

/// Enough for what is sent to a process's standard input, little enough for many at once.
const LARGEST_CALL: usize = 8 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_drive_the_api_from_its_own_pages_only() {
        let ok = None;
        let (forbidden, unsupported) = (Some(403), Some(415));
        let xml = ("content-type", "text/xml");
        let host = ("host", "localhost:9001");
        for (headers, expected) in [
            // Programs.
            (vec![], ok),
            (vec![host, xml], ok),
            (
                vec![host, ("content-type", "application/x-www-form-urlencoded")],
                ok,
            ),
            (vec![host, ("user-agent", "Python-xmlrpc/3.11"), xml], ok),
            // The site's own pages.
            (
                vec![
                    host,
                    xml,
                    ("origin", "http://localhost:9001"),
                    ("sec-fetch-site", "same-origin"),
                ],
                ok,
            ),
            (vec![host, xml, ("origin", "http://LOCALHOST:9001")], ok),
            (
                vec![
                    ("host", "x.example"),
                    xml,
                    ("origin", "https://x.example:443"),
                ],
                ok,
            ),
            (
                vec![
                    ("host", "x.example:80"),
                    xml,
                    ("origin", "http://x.example"),
                ],
                ok,
            ),
            (vec![host, xml, ("sec-fetch-site", "none")], ok),
            // Everybody else's.
            (vec![host, xml, ("sec-fetch-site", "cross-site")], forbidden),
            (vec![host, xml, ("sec-fetch-site", "same-site")], forbidden),
            (vec![host, xml, ("sec-fetch-site", "nonsense")], forbidden),
            (
                vec![host, xml, ("origin", "http://evil.example")],
                forbidden,
            ),
            (
                vec![host, xml, ("origin", "http://localhost:8000")],
                forbidden,
            ),
            (vec![host, xml, ("origin", "http://localhost")], forbidden),
            (vec![host, xml, ("origin", "null")], forbidden),
            (
                vec![host, xml, ("origin", "file://localhost:9001")],
                forbidden,
            ),
            (vec![xml, ("origin", "http://localhost:9001")], forbidden),
            // A form, where the browser does not tell where it is from.
            (
                vec![
                    host,
                    ("content-type", "text/plain"),
                    ("user-agent", "Mozilla/5.0"),
                ],
                unsupported,
            ),
            (
                vec![
                    host,
                    ("content-type", "text/plain"),
                    ("referer", "http://x/"),
                ],
                unsupported,
            ),
            (vec![host, ("cookie", "a=b")], unsupported),
        ] {
            let map: HeaderMap = headers
                .iter()
                .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                .collect();
            let uri = http::Uri::from_static("/RPC2");
            let visit = Visit::new(&map, &uri);
            let refused = admit(visit, &map).err().map(|status| status.as_u16());
            assert_eq!(refused, expected, "{headers:?}");
        }
    }
}
