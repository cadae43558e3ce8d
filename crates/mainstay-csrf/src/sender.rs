//! What the headers say about who made a request.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::{Failure, origin::OriginRef};

/// What the browser says, in headers that no page can set.
pub(crate) struct Sender<'a> {
    pub(crate) site: Option<&'a [u8]>,
    pub(crate) origin: Option<&'a [u8]>,
}

impl<'a> Sender<'a> {
    /// Goes through the headers once: to hash three names and to look for second values costs more,
    /// up to some 30 headers.
    ///
    /// A header that comes twice refuses, `Host` too, whether it will be asked for or not.
    pub(crate) fn of(headers: &'a HeaderMap) -> Result<Self, Failure> {
        let (mut host, mut site, mut origin) = (None, None, None);
        for (name, value) in headers {
            let (place, header) = if *name == header::HOST {
                (&mut host, "host")
            } else if *name == header::ORIGIN {
                (&mut origin, "origin")
            } else if *name == SEC_FETCH_SITE {
                (&mut site, "sec-fetch-site")
            } else {
                continue;
            };
            if place.replace(value.as_bytes()).is_some() {
                return Err(Failure::OriginMalformed { header });
            }
        }
        Ok(Self { site, origin })
    }
}

/// The `Origin` header.
#[derive(Clone, Copy)]
pub(crate) enum Sent<'a> {
    Origin(OriginRef<'a>, &'a str),
    Null,
    Nothing,
}

impl<'a> Sent<'a> {
    pub(crate) fn read(value: Option<&'a [u8]>) -> Result<Self, Failure> {
        match value {
            None => Ok(Self::Nothing),
            Some(b"null") => Ok(Self::Null),
            Some(bytes) => std::str::from_utf8(bytes)
                .ok()
                .and_then(|text| Some(Self::Origin(OriginRef::of_text(text)?, text)))
                .ok_or(Failure::OriginMalformed { header: "origin" }),
        }
    }

    pub(crate) fn text(self) -> Option<Box<str>> {
        match self {
            Self::Origin(_, text) => Some(clip(text)),
            Self::Null => Some("null".into()),
            Self::Nothing => None,
        }
    }
}

/// The value of a header that must not come twice.
pub(crate) fn only<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
    text: &'static str,
) -> Result<Option<&'a [u8]>, Failure> {
    let mut values = headers.get_all(name).into_iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value.map(HeaderValue::as_bytes)),
        (_, Some(_)) => Err(Failure::OriginMalformed { header: text }),
    }
}

/// Scheme and host from `Forwarded`, else from `X-Forwarded-Proto` and `X-Forwarded-Host`: the last
/// element, which the proxy next to us wrote, whatever its client had sent along.
pub(crate) fn forwarded(headers: &HeaderMap) -> Result<Option<(&str, &str)>, Failure> {
    let text = |name: &HeaderName, text: &'static str| -> Result<Option<&str>, Failure> {
        match headers.get_all(name).into_iter().next_back() {
            None => Ok(None),
            Some(value) => match value.to_str() {
                Ok(text) => Ok(text.rsplit(',').next().map(str::trim)),
                Err(_) => Err(Failure::OriginMalformed { header: text }),
            },
        }
    };
    let (mut scheme, mut host) = (
        text(&X_FORWARDED_PROTO, "x-forwarded-proto")?,
        text(&X_FORWARDED_HOST, "x-forwarded-host")?,
    );
    if let Some(element) = text(&header::FORWARDED, "forwarded")? {
        for pair in element.split(';') {
            let Some((name, value)) = pair.split_once('=') else {
                continue;
            };
            let value = value.trim().trim_matches('"');
            match name.trim() {
                name if name.eq_ignore_ascii_case("proto") => scheme = Some(value),
                name if name.eq_ignore_ascii_case("host") => host = Some(value),
                _ => {}
            }
        }
    }
    let host = match host {
        Some(host) => Some(host),
        None => match only(headers, &header::HOST, "host")? {
            Some(host) => std::str::from_utf8(host).ok(),
            None => None,
        },
    };
    Ok(scheme.zip(host))
}

/// What is shown of a header: enough to recognise it.
pub(crate) fn clip(text: &str) -> Box<str> {
    let end = text.len().min(200);
    // Origins are ASCII once they were parsed, so every index is a boundary.
    text.get(..end).unwrap_or_default().into()
}

pub(crate) static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
static X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
static X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
