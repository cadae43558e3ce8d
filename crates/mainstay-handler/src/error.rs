use std::{
    any::type_name,
    backtrace::{Backtrace, BacktraceStatus},
    borrow::Cow,
    error::Error as StdError,
    fmt,
    panic::Location,
    sync::Arc,
};

use axum_core::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::CONTENT_TYPE};
use serde::Serialize;
use serde_json::Value;

use crate::{
    Chain, HttpError, StatusError, report::Report, responded::Responded, rules::Rules,
    status::reason,
};

/// What a handler returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Any error at all.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// An error on its way to the [`ErrorLayer`](crate::ErrorLayer): any cause, and what is known about
/// how to answer it.
///
/// `?` makes one of every `std` error, of `anyhow::Error`, `Box<dyn Error>`, `&str` and `String`.
/// Unless somebody says otherwise it is answered as a 500 that shows nothing of its cause. It is
/// one pointer wide, and not itself a `std::error::Error`, since then `?` could not take every
/// other one.
///
/// There is no `From<StatusCode>` for the same reason; write [`Error::from_status`].
pub struct Error(Box<Inner>);

struct Inner {
    cause: Cause,
    kind: &'static str,
    status: Option<StatusCode>,
    message: Option<Cow<'static, str>>,
    /// In the order they were added, so the outermost is last.
    notes: Vec<String>,
    headers: HeaderMap,
    members: Vec<(&'static str, Value)>,
    location: &'static Location<'static>,
    backtrace: Backtrace,
}

enum Cause {
    Any(BoxError),
    Known(Box<dyn HttpError>),
    #[cfg(feature = "anyhow")]
    Anyhow(anyhow::Error),
    Response(Responded),
}

/// # Making one
impl Error {
    /// Of any cause. A 500, unless the layer recognises something in the chain of causes.
    #[track_caller]
    pub fn new<E: Into<BoxError> + 'static>(cause: E) -> Self {
        let location = Location::caller();
        #[cfg(feature = "anyhow")]
        let cause = match as_anyhow(cause) {
            Ok(cause) => return Self::of(Cause::Anyhow(cause), "anyhow::Error", location),
            Err(cause) => cause,
        };
        let mut error = Self::of(Cause::Any(cause.into()), type_name::<E>(), location);
        // Here alone: it costs nothing unless RUST_BACKTRACE asks for it, and then a known 4xx
        // should still not pay.
        error.0.backtrace = Backtrace::capture();
        error
    }

    /// Of an error that knows its answer.
    #[track_caller]
    pub fn known<E: HttpError>(error: E) -> Self {
        Self::of(
            Cause::Known(Box::new(error)),
            type_name::<E>(),
            Location::caller(),
        )
    }

    /// Of a status alone.
    #[track_caller]
    pub fn from_status(status: StatusCode) -> Self {
        Self::known(StatusError::new(status))
    }

    /// Of a finished response that is to be sent as it is: an early exit by `?`, say a redirect to
    /// the login. Logged only if its status is 400 or above.
    #[track_caller]
    pub fn respond(response: impl IntoResponse) -> Self {
        let response = response.into_response();
        Self::of(
            Cause::Response(Responded::new(response)),
            "Response",
            Location::caller(),
        )
    }

    fn of(cause: Cause, kind: &'static str, location: &'static Location<'static>) -> Self {
        Self(Box::new(Inner {
            cause,
            kind,
            status: None,
            message: None,
            notes: Vec::new(),
            headers: HeaderMap::new(),
            members: Vec::new(),
            location,
            backtrace: Backtrace::disabled(),
        }))
    }
}

macro_rules! shorthands {
    ($($(#[$doc:meta])* $name:ident = $status:ident;)*) => {
        /// # By the usual statuses
        impl Error {
            $(
                $(#[$doc])*
                #[track_caller]
                pub fn $name(public: impl Into<Cow<'static, str>>) -> Self {
                    Self::known(StatusError::new(StatusCode::$status).with_message(public))
                }
            )*
        }
    };
}

shorthands! {
    /// 400, with what the client may read.
    bad_request = BAD_REQUEST;
    /// 401, with what the client may read. Add `WWW-Authenticate` by [`Error::with_header`].
    unauthorized = UNAUTHORIZED;
    /// 403, with what the client may read.
    forbidden = FORBIDDEN;
    /// 404, with what the client may read.
    not_found = NOT_FOUND;
    /// 409, with what the client may read.
    conflict = CONFLICT;
    /// 422, with what the client may read.
    unprocessable = UNPROCESSABLE_ENTITY;
    /// 429, with what the client may read. Add `Retry-After` by [`Error::with_header`].
    too_many_requests = TOO_MANY_REQUESTS;
    /// 503, with what the client may read.
    unavailable = SERVICE_UNAVAILABLE;
}

/// # Saying more
impl Error {
    /// Sets the status of the answer; wins over everything recognised. No text of the cause goes to
    /// the client then, only what [`with_message`](Self::with_message) says.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = Some(status);
        self
    }

    /// Sets what the client may read.
    #[must_use]
    pub fn with_message(mut self, public: impl Into<Cow<'static, str>>) -> Self {
        self.0.message = Some(public.into());
        self
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.append(name, value);
        self
    }

    /// Adds a member to the problem document. The client may read it.
    ///
    /// A value that JSON cannot hold is left out, and the log says so.
    #[must_use]
    pub fn with_member(mut self, name: &'static str, value: impl Serialize) -> Self {
        match serde_json::to_value(value) {
            Ok(value) => self.0.members.push((name, value)),
            Err(cause) => self
                .0
                .notes
                .push(format!("problem member `{name}` left out: {cause}")),
        }
        self
    }

    /// Says in the log what was being done. Never sent to the client.
    #[must_use]
    pub fn note(mut self, private: impl fmt::Display) -> Self {
        self.0.notes.push(private.to_string());
        self
    }
}

/// # Looking into it
impl Error {
    /// The cause, without notes.
    pub fn cause(&self) -> &(dyn StdError + 'static) {
        match &self.0.cause {
            Cause::Any(cause) => &**cause,
            Cause::Known(cause) => &**cause,
            #[cfg(feature = "anyhow")]
            Cause::Anyhow(cause) => &**cause,
            Cause::Response(responded) => responded,
        }
    }

    /// The notes, outermost first, then the cause and its sources.
    pub fn chain(&self) -> Chain<'_> {
        Chain::new(&self.0.notes, self.cause())
    }

    /// The first error of this type in the chain of causes.
    pub fn downcast_ref<T: StdError + 'static>(&self) -> Option<&T> {
        self.causes().find_map(|link| link.downcast_ref())
    }

    /// Where `?` was written, or the function that made the error called.
    pub fn location(&self) -> &'static Location<'static> {
        self.0.location
    }

    /// Captured by [`Error::new`] if `RUST_BACKTRACE` asked for it; otherwise disabled.
    pub fn backtrace(&self) -> &Backtrace {
        #[cfg(feature = "anyhow")]
        if let Cause::Anyhow(cause) = &self.0.cause {
            return cause.backtrace();
        }
        &self.0.backtrace
    }

    /// The cause alone; what else was said is dropped.
    pub fn into_cause(self) -> BoxError {
        match self.0.cause {
            Cause::Any(cause) => cause,
            Cause::Known(cause) => cause,
            #[cfg(feature = "anyhow")]
            Cause::Anyhow(cause) => cause.into(),
            Cause::Response(responded) => Box::new(responded),
        }
    }
}

/// What the layer asks.
impl Error {
    pub(crate) fn causes(&self) -> impl Iterator<Item = &(dyn StdError + 'static)> {
        std::iter::successors(Some(self.cause()), |&link| link.source())
    }

    pub(crate) fn as_known(&self) -> Option<&dyn HttpError> {
        match &self.0.cause {
            Cause::Known(cause) => Some(&**cause),
            _ => None,
        }
    }

    #[cfg(feature = "anyhow")]
    pub(crate) fn as_anyhow(&self) -> Option<&anyhow::Error> {
        match &self.0.cause {
            Cause::Anyhow(cause) => Some(cause),
            _ => None,
        }
    }

    /// The status of a response that is to be sent as it is.
    pub(crate) fn responded(&self) -> Option<StatusCode> {
        match &self.0.cause {
            Cause::Response(responded) => Some(responded.status()),
            _ => None,
        }
    }

    pub(crate) fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    pub(crate) fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    pub(crate) fn members(&self) -> &[(&'static str, Value)] {
        &self.0.members
    }

    /// Name of the cause's type.
    pub(crate) fn kind(&self) -> &'static str {
        self.0.kind
    }

    /// The location, if it says something: not if `?` was written in the standard library, as it
    /// is where axum turns a rejection into this type.
    pub(crate) fn own_location(&self) -> Option<&'static Location<'static>> {
        Some(self.0.location).filter(|location| !location.file().starts_with("/rustc/"))
    }

    pub(crate) fn captured_backtrace(&self) -> Option<&Backtrace> {
        Some(self.backtrace()).filter(|it| it.status() == BacktraceStatus::Captured)
    }

    /// The chain in words, each fact once: many errors print their source in their own `Display`.
    pub(crate) fn texts(&self) -> Vec<String> {
        let bare = self.message().filter(|_| {
            self.cause()
                .downcast_ref::<StatusError>()
                .is_some_and(StatusError::is_bare)
        });
        let causes: Vec<String> = match bare {
            // "no user 7" says more than "Not Found", which the status says already.
            Some(message) => vec![message.to_owned()],
            None => self.causes().map(ToString::to_string).collect(),
        };
        let mut texts: Vec<String> = Vec::new();
        for text in self.0.notes.iter().rev().cloned().chain(causes) {
            if texts.last().is_none_or(|last| !last.ends_with(&text)) {
                texts.push(text);
            }
        }
        texts
    }

    fn take_response(&self) -> Option<Response> {
        match &self.0.cause {
            Cause::Response(responded) => responded.take(),
            _ => None,
        }
    }
}

#[diagnostic::do_not_recommend]
impl<E: Into<BoxError> + 'static> From<E> for Error {
    #[track_caller]
    fn from(cause: E) -> Self {
        Self::new(cause)
    }
}

/// Marks the response for the [`ErrorLayer`](crate::ErrorLayer), which logs the error and renders
/// the answer. Without a layer the client gets the status in words, and the log a line that says
/// that the layer is missing.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let answer = Rules::default().resolve(&self);
        let (status, known_headers) = (answer.status, answer.headers);
        let mut response = self.take_response().unwrap_or_else(|| {
            let plain = HeaderValue::from_static("text/plain; charset=utf-8");
            ([(CONTENT_TYPE, plain)], reason(status)).into_response()
        });
        *response.status_mut() = status;
        // All headers but those of an error that only a layer's rules can recognise.
        for (name, value) in known_headers.iter().chain(&self.0.headers) {
            response.headers_mut().append(name, value.clone());
        }
        response
            .extensions_mut()
            .insert(Arc::new(Report::new(self)));
        response
    }
}

/// Reads well in a failed test: the message, `Caused by:`, the location.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts = self.texts();
        let (first, rest) = texts.split_first().map_or(("", &[][..]), |(a, b)| (a, b));
        f.write_str(first)?;
        if let Some(status) = self.0.status {
            write!(f, " ({status})")?;
        }
        if !rest.is_empty() {
            f.write_str("\n\nCaused by:")?;
            for text in rest {
                write!(f, "\n    {text}")?;
            }
        }
        write!(f, "\n\nat {}", self.0.location)?;
        match self.captured_backtrace() {
            Some(backtrace) => write!(f, "\n\n{backtrace}"),
            None => Ok(()),
        }
    }
}

/// `anyhow::Error` as itself: turned into a boxed error its first link could not be recognised.
#[cfg(feature = "anyhow")]
fn as_anyhow<E: 'static>(cause: E) -> std::result::Result<anyhow::Error, E> {
    let mut slot = Some(cause);
    let found = (&mut slot as &mut dyn std::any::Any)
        .downcast_mut::<Option<anyhow::Error>>()
        .and_then(Option::take);
    match (found, slot) {
        (Some(found), _) => Ok(found),
        (None, Some(cause)) => Err(cause),
        (None, None) => unreachable!("the slot is emptied only when something was found in it"),
    }
}
