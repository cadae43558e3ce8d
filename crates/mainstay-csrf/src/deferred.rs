use std::fmt;

use axum_core::extract::FromRequestParts;
use http::request::Parts;

use crate::{CsrfVerified, Failure, MissingLayer, Place, handle::Grip};

/// A check that the handler finishes itself, on a route with [`Csrf::defer`](crate::Csrf::defer).
///
/// For tokens in places that only the handler can read: a field of a JSON document, the first
/// message of a stream, a form in a format of its own.
///
/// ```
/// # use mainstay_csrf::{CsrfDeferred, Failure, Place};
/// async fn receive(deferred: CsrfDeferred, body: String) -> Result<String, Failure> {
///     let token = body.lines().next().unwrap_or_default();
///     deferred.verify(token, Place::Form)?;
///     Ok("only from here on is anything done".to_owned())
/// }
/// ```
pub struct CsrfDeferred {
    parts: Parts,
    grip: Grip,
}

impl CsrfDeferred {
    /// Whether `token` is good for this request. The first call decides, whatever comes of it.
    ///
    /// A request that the layer has checked already, by a token in the header, is good whatever the
    /// token here; one that the layer does not check at all never is. Under
    /// [`Csrf::report_only`](crate::Csrf::report_only) all are, and what was wrong is in
    /// [`CsrfVerified::failure`].
    ///
    /// # Errors
    ///
    /// The [`Failure`], which is logged and counted like the layer's own and is an answer too.
    pub fn verify(&self, token: &str, place: Place) -> Result<CsrfVerified, Failure> {
        let Grip(handle) = &self.grip;
        if !handle.is_open()
            && let Some(verified) = handle.verified()
        {
            return Ok(verified.clone());
        }
        let report_only = handle.policy.report_only;
        let outcome = handle
            .close(token.as_bytes(), place, &self.parts)
            .unwrap_or_else(|| {
                let reported = self.parts.extensions.get::<Failure>();
                let failure = match reported.filter(|_| report_only) {
                    Some(reported) => reported.clone(),
                    None => {
                        let failure = Failure::TokenMissing { place };
                        handle.policy.record(&failure, &self.parts);
                        failure
                    }
                };
                Err(failure)
            });
        match outcome {
            Err(failure) if report_only => Ok(CsrfVerified::reported(failure)),
            outcome => outcome,
        }
    }

    /// Whether nothing has been decided yet.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.grip.0.is_open()
    }

    #[cfg(feature = "axum")]
    pub(crate) fn of(parts: &Parts) -> Result<Self, MissingLayer> {
        Self::take(parts)
    }

    fn take(parts: &Parts) -> Result<Self, MissingLayer> {
        match parts.extensions.get::<Grip>() {
            Some(grip) => Ok(Self {
                parts: parts.clone(),
                grip: grip.clone(),
            }),
            None => Err(MissingLayer { session: None }),
        }
    }

    #[cfg(feature = "axum")]
    pub(crate) fn field(&self) -> &str {
        &self.grip.0.policy.field
    }

    /// Ends a check for which no token can come any more.
    #[cfg(feature = "axum")]
    pub(crate) fn refuse_if_open(&self, failure: impl FnOnce() -> Failure) -> Result<(), Failure> {
        let Grip(handle) = &self.grip;
        if !handle.is_open() {
            return Ok(());
        }
        let verdict = handle.give_up(failure, &self.parts);
        self.settle(verdict)
    }

    /// The failure that has ended the check, unless the request goes on all the same.
    #[cfg(feature = "multipart")]
    pub(crate) fn refused(&self) -> Result<(), Failure> {
        let refused = self.grip.0.refused().cloned();
        self.settle(refused.map_or(Ok(()), Err))
    }

    #[cfg(feature = "multipart")]
    pub(crate) fn reports_only(&self) -> bool {
        self.grip.0.policy.report_only
    }

    #[cfg(feature = "multipart")]
    pub(crate) fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Whether a failure is to be logged only.
    #[cfg(feature = "axum")]
    pub(crate) fn settle<T>(&self, verdict: Result<T, Failure>) -> Result<(), Failure> {
        match verdict {
            Err(_) if self.grip.0.policy.report_only => Ok(()),
            other => other.map(|_| ()),
        }
    }
}

/// Without the request, whose headers are secrets.
impl fmt::Debug for CsrfDeferred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsrfDeferred")
            .field("method", &self.parts.method)
            .field("open", &self.is_open())
            .finish_non_exhaustive()
    }
}

impl<S: Sync> FromRequestParts<S> for CsrfDeferred {
    type Rejection = MissingLayer;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, MissingLayer> {
        Self::take(parts)
    }
}
