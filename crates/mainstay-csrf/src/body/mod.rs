//! Finding the token's field in a body, without taking the body away from the handler.

mod find;
mod multipart;
mod parameter;
mod replay;
#[cfg(feature = "multipart")]
mod tape;
mod urlencoded;

pub use self::replay::{MaybeReplay, Rejoin, Replay};
#[cfg(feature = "multipart")]
pub(crate) use self::tape::Tape;
#[cfg(feature = "axum")]
pub(crate) use self::urlencoded::decode;
pub(crate) use self::{
    find::{Finder, Found},
    parameter::boundary,
};

use http::{HeaderMap, header};

use crate::{Failure, Place};

/// Where a body may hold the field, by its media type.
pub(crate) enum Media {
    Urlencoded,
    Multipart(Vec<u8>),
}

impl Media {
    /// The media type decides *where to look*, and never *whether to check*: a request whose body
    /// cannot hold a token is a request without one.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Failure> {
        let none = Failure::TokenMissing {
            place: Place::Header,
        };
        let Some(value) = headers
            .get(header::CONTENT_TYPE)
            .map(http::HeaderValue::as_bytes)
        else {
            return Err(none);
        };
        let end = memchr::memchr(b';', value).unwrap_or(value.len());
        let essence = value[..end].trim_ascii();
        let media = if essence.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") {
            Self::Urlencoded
        } else if essence.eq_ignore_ascii_case(b"multipart/form-data") {
            Self::Multipart(boundary(value).ok_or(none)?)
        } else {
            return Err(none);
        };
        let plain = |value: &http::HeaderValue| {
            value.is_empty() || value.as_bytes().eq_ignore_ascii_case(b"identity")
        };
        if !headers.get_all(header::CONTENT_ENCODING).iter().all(plain) {
            return Err(Failure::BodyEncoded);
        }
        Ok(media)
    }

    pub(crate) fn place(&self) -> Place {
        match self {
            Self::Urlencoded => Place::Form,
            Self::Multipart(_) => Place::Multipart,
        }
    }
}
