use std::{borrow::Cow, error::Error as StdError, fmt};

use http::StatusCode;

use crate::{BoxError, HttpError};

/// A status, what the client may read about it, and the cause that it may not.
///
/// A plain `std` error: code below HTTP can return it, and it is recognised anywhere in a chain of
/// causes.
///
/// `Display` prints this level only: the message, else the status' reason.
#[derive(Debug)]
pub struct StatusError {
    status: StatusCode,
    message: Option<Cow<'static, str>>,
    source: Option<BoxError>,
}

impl StatusError {
    /// An error with this status and nothing to say.
    pub const fn new(status: StatusCode) -> Self {
        Self {
            status,
            message: None,
            source: None,
        }
    }

    /// Sets what the client may read.
    #[must_use]
    pub fn with_message(mut self, public: impl Into<Cow<'static, str>>) -> Self {
        self.message = Some(public.into());
        self
    }

    /// Sets the cause, for the log alone.
    #[must_use]
    pub fn with_source(mut self, cause: impl Into<BoxError>) -> Self {
        self.source = Some(cause.into());
        self
    }

    /// Status of the answer.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// Whether it says nothing but the status.
    pub(crate) const fn is_bare(&self) -> bool {
        self.message.is_none() && self.source.is_none()
    }
}

impl fmt::Display for StatusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            self.message
                .as_deref()
                .unwrap_or_else(|| reason(self.status)),
        )
    }
}

impl StdError for StatusError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|cause| cause as _)
    }
}

impl HttpError for StatusError {
    fn status(&self) -> StatusCode {
        self.status
    }

    fn public_message(&self) -> Option<Cow<'_, str>> {
        self.message.as_deref().map(Cow::Borrowed)
    }
}

/// The status in words, also for numbers that have none of their own.
pub(crate) fn reason(status: StatusCode) -> &'static str {
    status
        .canonical_reason()
        .unwrap_or(if status.is_server_error() {
            "Server Error"
        } else {
            "Request Refused"
        })
}
