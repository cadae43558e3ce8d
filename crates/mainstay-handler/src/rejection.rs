//! Errors of axum and tower that are known from the start. The only file that names axum's types.

use std::{borrow::Cow, error::Error as StdError};

use axum_core::extract::rejection as core;
use http::{Extensions, StatusCode};

use crate::HttpError;

macro_rules! rejections {
    ($($(#[$cfg:meta])* $rejection:ty,)*) => {
        $(
            $(#[$cfg])*
            impl HttpError for $rejection {
                fn status(&self) -> StatusCode {
                    self.status()
                }

                fn public_message(&self) -> Option<Cow<'_, str>> {
                    // A 5xx among them is the application's own mistake: an extension that nobody
                    // added, say, with the name of its type.
                    self.status().is_client_error().then(|| Cow::Owned(self.body_text()))
                }
            }
        )*

        fn rejection<'a>(link: &'a (dyn StdError + 'static)) -> Option<&'a dyn HttpError> {
            $(
                $(#[$cfg])*
                if let Some(error) = link.downcast_ref::<$rejection>() {
                    return Some(error);
                }
            )*
            None
        }
    };
}

#[cfg(feature = "axum")]
use axum::extract::rejection as full;

rejections! {
    core::BytesRejection,
    core::FailedToBufferBody,
    core::StringRejection,
    #[cfg(feature = "axum")] full::ExtensionRejection,
    #[cfg(feature = "axum")] full::FormRejection,
    #[cfg(feature = "axum")] full::JsonRejection,
    #[cfg(feature = "axum")] full::MatchedPathRejection,
    #[cfg(feature = "axum")] full::PathRejection,
    #[cfg(feature = "axum")] full::QueryRejection,
    #[cfg(feature = "axum")] full::RawFormRejection,
    #[cfg(feature = "axum")] full::RawPathParamsRejection,
}

#[cfg(feature = "tower")]
impl HttpError for tower::timeout::error::Elapsed {
    fn status(&self) -> StatusCode {
        StatusCode::SERVICE_UNAVAILABLE
    }
}

#[cfg(feature = "tower")]
impl HttpError for tower::load_shed::error::Overloaded {
    fn status(&self) -> StatusCode {
        StatusCode::SERVICE_UNAVAILABLE
    }
}

pub(crate) fn find<'a>(link: &'a (dyn StdError + 'static)) -> Option<&'a dyn HttpError> {
    #[cfg(feature = "tower")]
    if let Some(error) = link.downcast_ref::<tower::timeout::error::Elapsed>() {
        return Some(error);
    }
    #[cfg(feature = "tower")]
    if let Some(error) = link.downcast_ref::<tower::load_shed::error::Overloaded>() {
        return Some(error);
    }
    rejection(link)
}

pub(crate) fn is_one(error: &dyn HttpError) -> bool {
    rejection(error).is_some()
}

/// A rejection's fixed sentence without the detail after it. Texts of others stay as they are.
pub(crate) fn shortened(text: Cow<'_, str>) -> Cow<'_, str> {
    let known = |sentence: &&&str| {
        text.strip_prefix(**sentence)
            .is_some_and(|rest| rest.starts_with(": "))
    };
    match SENTENCES.iter().find(known) {
        Some(sentence) => Cow::Borrowed(sentence),
        None => text,
    }
}

/// The pattern by which the request's route is known, such as `/u/{id}`.
#[cfg(feature = "axum")]
pub(crate) type Route = axum::extract::MatchedPath;

/// Without axum nobody says which route was taken.
#[cfg(not(feature = "axum"))]
pub(crate) type Route = std::convert::Infallible;

#[cfg(feature = "axum")]
pub(crate) fn route(extensions: &Extensions) -> Option<Route> {
    extensions.get::<Route>().cloned()
}

#[cfg(not(feature = "axum"))]
pub(crate) fn route(_: &Extensions) -> Option<Route> {
    None
}

#[cfg(feature = "axum")]
pub(crate) fn pattern(route: &Route) -> &str {
    route.as_str()
}

#[cfg(not(feature = "axum"))]
pub(crate) fn pattern(route: &Route) -> &str {
    match *route {}
}

/// What axum 0.8 writes before the detail.
const SENTENCES: [&str; 8] = [
    "Failed to buffer the request body",
    "Failed to deserialize form",
    "Failed to deserialize form body",
    "Failed to deserialize query string",
    "Failed to deserialize the JSON body into the target type",
    "Failed to parse the request body as JSON",
    "Invalid URL",
    "Request body didn't contain valid UTF-8",
];
