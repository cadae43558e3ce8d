//! `/RPC2`: the API over HTTP.

use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use bytes::Bytes;
use http::header::TRANSFER_ENCODING;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, ORIGIN, REFERER, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body as _;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use super::plain;
use crate::rpc::{Api, xml};

/// Answers a call.
pub(super) async fn answer(State(api): State<Api>, request: Request<Body>) -> Response<Body> {
    match call(&api, request).await {
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
    admit(&parts.headers, parts.uri.authority().map(|it| it.as_str()))?;
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
    Ok(match api.call(call).await {
        Ok(value) => xml::write_response(&value),
        Err(fault) => xml::write_fault(&fault),
    })
}

async fn read(body: Body) -> Result<Bytes, StatusCode> {
    // What is announced as too large need not be sent.
    if body.size_hint().lower() > LARGEST_CALL as u64 {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let whole = Limited::new(body, LARGEST_CALL).collect();
    match tokio::time::timeout(LONGEST_WAIT_FOR_A_CALL, whole).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Ok(Err(_)) => Err(StatusCode::BAD_REQUEST),
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}

/// Refuses what a web page of another site makes a browser send.
///
/// A browser that has logged in to the dashboard, or that runs beside an open server, would carry
/// out calls for any page that it shows: a form can post text that happens to be XML. Browsers tell
/// where a request comes from; other clients say nothing, and pass.
fn admit(headers: &HeaderMap, authority: Option<&str>) -> Result<(), StatusCode> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let site = text(http::HeaderName::from_static("sec-fetch-site"));
    if !matches!(site, None | Some("same-origin" | "none")) {
        return Err(StatusCode::FORBIDDEN);
    }
    if let Some(origin) = text(ORIGIN) {
        let host = authority.or_else(|| text(HOST));
        if host.is_none_or(|host| !is_origin_of(origin, host)) {
            return Err(StatusCode::FORBIDDEN);
        }
    }
    // Only these can be sent without asking first, by browsers that do not say more.
    let is_browser = [ORIGIN, REFERER, COOKIE]
        .iter()
        .any(|name| headers.contains_key(name))
        || site.is_some()
        || text(USER_AGENT).is_some_and(|agent| agent.starts_with("Mozilla/"));
    if is_browser
        && text(CONTENT_TYPE).is_none_or(|kind| !kind.to_ascii_lowercase().contains("xml"))
    {
        return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    Ok(())
}

fn is_origin_of(origin: &str, host: &str) -> bool {
    let default_port = |scheme| if scheme == "https" { ":443" } else { ":80" };
    origin.split_once("://").is_some_and(|(scheme, authority)| {
        let port = default_port(scheme);
        let bare = |text: &str| text.strip_suffix(port).unwrap_or(text).to_ascii_lowercase();
        matches!(scheme, "http" | "https") && bare(authority) == bare(host)
    })
}

/// Enough for what is sent to a process's standard input, little enough for many at once.
const LARGEST_CALL: usize = 8 << 20;
const LONGEST_WAIT_FOR_A_CALL: Duration = Duration::from_secs(60);

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
            let refused = admit(&map, None).err().map(|status| status.as_u16());
            assert_eq!(refused, expected, "{headers:?}");
        }
    }
}
