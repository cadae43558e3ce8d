use std::{borrow::Cow, fmt};

use http::StatusCode;

use crate::{Error, HttpError, Result};

/// Says on the way what status an error has and what the client may read about it.
///
/// Every method keeps the cause for the log, and none sends its text to the client.
pub trait ResultExt<T, E>: sealed::Sealed {
    /// Sets the status. The error's own text stays private.
    #[track_caller]
    fn status(self, status: StatusCode) -> Result<T>;

    /// Sets what the client may read.
    #[track_caller]
    fn public(self, message: impl Into<Cow<'static, str>>) -> Result<T>;

    /// Says in the log what was being done.
    #[track_caller]
    fn note(self, note: impl fmt::Display) -> Result<T>;

    /// Says in the log what was being done; the text is made only if there is an error.
    #[track_caller]
    fn with_note<D: fmt::Display>(self, note: impl FnOnce() -> D) -> Result<T>;

    /// Keeps the error's own status and public message.
    #[track_caller]
    fn http(self) -> Result<T>
    where
        E: HttpError;

    /// 400.
    #[track_caller]
    fn or_bad_request(self) -> Result<T>;

    /// 401.
    #[track_caller]
    fn or_unauthorized(self) -> Result<T>;

    /// 403.
    #[track_caller]
    fn or_forbidden(self) -> Result<T>;

    /// 404.
    #[track_caller]
    fn or_not_found(self) -> Result<T>;

    /// 409.
    #[track_caller]
    fn or_conflict(self) -> Result<T>;

    /// 503.
    #[track_caller]
    fn or_unavailable(self) -> Result<T>;
}

// `match` and not `map_err`: inside a closure the caller's location is lost. And `#[track_caller]`
// on the trait's methods is what carries over to these.
impl<T, E: Into<Error>> ResultExt<T, E> for std::result::Result<T, E> {
    fn status(self, status: StatusCode) -> Result<T> {
        match self {
            Ok(value) => Ok(value),
            Err(error) => Err(error.into().with_status(status)),
        }
    }

    fn public(self, message: impl Into<Cow<'static, str>>) -> Result<T> {
        match self {
            Ok(value) => Ok(value),
            Err(error) => Err(error.into().with_message(message)),
        }
    }

    fn note(self, note: impl fmt::Display) -> Result<T> {
        match self {
            Ok(value) => Ok(value),
            Err(error) => Err(error.into().note(note)),
        }
    }

    fn with_note<D: fmt::Display>(self, note: impl FnOnce() -> D) -> Result<T> {
        match self {
            Ok(value) => Ok(value),
            Err(error) => Err(error.into().note(note())),
        }
    }

    fn http(self) -> Result<T>
    where
        E: HttpError,
    {
        match self {
            Ok(value) => Ok(value),
            Err(error) => Err(Error::known(error)),
        }
    }

    fn or_bad_request(self) -> Result<T> {
        self.status(StatusCode::BAD_REQUEST)
    }

    fn or_unauthorized(self) -> Result<T> {
        self.status(StatusCode::UNAUTHORIZED)
    }

    fn or_forbidden(self) -> Result<T> {
        self.status(StatusCode::FORBIDDEN)
    }

    fn or_not_found(self) -> Result<T> {
        self.status(StatusCode::NOT_FOUND)
    }

    fn or_conflict(self) -> Result<T> {
        self.status(StatusCode::CONFLICT)
    }

    fn or_unavailable(self) -> Result<T> {
        self.status(StatusCode::SERVICE_UNAVAILABLE)
    }
}

/// Turns nothing into a status. Add a text for the client by [`ResultExt::public`].
pub trait OptionExt<T>: sealed::Sealed {
    /// This status, if there is nothing.
    #[track_caller]
    fn or_status(self, status: StatusCode) -> Result<T>;

    /// 404, if there is nothing.
    #[track_caller]
    fn or_not_found(self) -> Result<T>;

    /// 400, if there is nothing.
    #[track_caller]
    fn or_bad_request(self) -> Result<T>;

    /// 401, if there is nothing.
    #[track_caller]
    fn or_unauthorized(self) -> Result<T>;

    /// 403, if there is nothing.
    #[track_caller]
    fn or_forbidden(self) -> Result<T>;

    /// 409, if there is nothing.
    #[track_caller]
    fn or_conflict(self) -> Result<T>;
}

impl<T> OptionExt<T> for Option<T> {
    fn or_status(self, status: StatusCode) -> Result<T> {
        match self {
            Some(value) => Ok(value),
            None => Err(Error::from_status(status)),
        }
    }

    fn or_not_found(self) -> Result<T> {
        self.or_status(StatusCode::NOT_FOUND)
    }

    fn or_bad_request(self) -> Result<T> {
        self.or_status(StatusCode::BAD_REQUEST)
    }

    fn or_unauthorized(self) -> Result<T> {
        self.or_status(StatusCode::UNAUTHORIZED)
    }

    fn or_forbidden(self) -> Result<T> {
        self.or_status(StatusCode::FORBIDDEN)
    }

    fn or_conflict(self) -> Result<T> {
        self.or_status(StatusCode::CONFLICT)
    }
}

mod sealed {
    pub trait Sealed {}

    impl<T, E> Sealed for Result<T, E> {}

    impl<T> Sealed for Option<T> {}
}
