use std::borrow::Cow;

use http::{HeaderMap, StatusCode};

use crate::Problem;

/// An error that knows how it answers a request.
///
/// ```
/// use http::StatusCode;
/// use mainstay_handler::HttpError;
///
/// #[derive(Debug, thiserror::Error)]
/// pub enum SignupError {
///     #[error("that name is taken")]
///     Taken,
///     #[error("could not store the user")]
///     Store(#[from] std::io::Error),
/// }
///
/// impl HttpError for SignupError {
///     fn status(&self) -> StatusCode {
///         match self {
///             Self::Taken => StatusCode::CONFLICT,
///             Self::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
///         }
///     }
/// }
/// ```
///
/// # How it reaches the layer
///
/// `?` takes any error, and cannot see that this one has a status. So do one of these, or it will
/// be answered as a 500 like any other:
///
/// - tell the layer about the type: [`ErrorLayer::recognize`](crate::ErrorLayer::recognize);
/// - keep the status where the error is handed on: [`.http()?`](crate::ResultExt::http);
/// - make it a handler's own error type: implement `IntoResponse` as
///   `Error::known(self).into_response()`.
///
/// In [development](crate::ErrorLayer::development) the log says so when an error was not
/// recognised, and [`ErrorLayer::resolve`](crate::ErrorLayer::resolve) tests it in one line.
pub trait HttpError: std::error::Error + Send + Sync + 'static {
    /// Status of the answer. Below 400 is a bug: it is answered as 500 and logged so.
    fn status(&self) -> StatusCode;

    /// What the client may read. Default: this error's `Display` for 4xx (it is the message a
    /// developer wrote for an error of this kind), nothing for 5xx. Never its sources.
    fn public_message(&self) -> Option<Cow<'_, str>> {
        self.status()
            .is_client_error()
            .then(|| Cow::Owned(self.to_string()))
    }

    /// Headers of the answer, such as `WWW-Authenticate` or `Retry-After`.
    fn headers(&self, _headers: &mut HeaderMap) {}

    /// Members of the problem document: `type`, `title`, extensions such as errors by field.
    fn problem(&self, _problem: &mut Problem) {}
}
