use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

use axum_core::response::Response;
use http::StatusCode;

/// The cause of an error that is a finished response.
pub(crate) struct Responded {
    status: StatusCode,
    /// In a mutex because a body is not `Sync`, and an error has to be.
    response: Mutex<Option<Response>>,
}

impl Responded {
    pub(crate) fn new(response: Response) -> Self {
        Self {
            status: response.status(),
            response: Mutex::new(Some(response)),
        }
    }

    pub(crate) const fn status(&self) -> StatusCode {
        self.status
    }

    /// The response, for the first who asks.
    pub(crate) fn take(&self) -> Option<Response> {
        self.response
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

impl fmt::Display for Responded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "answered {}", self.status)
    }
}

impl fmt::Debug for Responded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Responded")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Responded {}
