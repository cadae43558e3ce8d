use std::sync::Arc;

use axum_core::response::IntoResponse;
use http::request::Parts;

use super::Csrf;
use crate::{Failure, refusal};

/// # Refusals
impl Csrf {
    /// Lets every request pass, and only logs and counts what would be refused.
    ///
    /// For the first days in front of an existing service. The [`Failure`] is in the extensions of
    /// request and response; a check that is deferred fails too late for the request's. A handler
    /// that takes [`CsrfVerified`](crate::CsrfVerified) gets one that has the failure in it.
    #[must_use]
    pub fn report_only(mut self, report_only: bool) -> Self {
        self.report_only = report_only;
        self
    }

    /// Answers refusals in place of the plain 403.
    ///
    /// ```
    /// # use mainstay_csrf::{Csrf, KeyRing};
    /// let csrf = Csrf::new(KeyRing::generate())
    ///     .on_reject(|failure, parts| (failure.status(), format!("{}: {failure}", parts.uri.path())))
    ///     .build()?;
    /// # Ok::<(), mainstay_csrf::Error>(())
    /// ```
    #[must_use]
    pub fn on_reject<F, R>(mut self, answer: F) -> Self
    where
        F: Fn(&Failure, &Parts) -> R + Send + Sync + 'static,
        R: IntoResponse,
    {
        self.reject = Some(Arc::new(move |failure, parts| {
            let status = failure.status();
            let answer = answer(&failure, &parts).into_response();
            Box::pin(refusal::collect(answer, status))
        }));
        self
    }

    /// Calls `observe` with the code of every refusal: a hook for a counter.
    #[must_use]
    pub fn observe(mut self, observe: impl Fn(&'static str) + Send + Sync + 'static) -> Self {
        self.observe = Some(Box::new(observe));
        self
    }

    /// Answers refusals with an axum handler, which takes [`Failure`] and any extractor for a
    /// request's head: templates, a [`CsrfToken`](crate::CsrfToken) for another try, and so on.
    ///
    /// State has to be put in with `with_state` as for a service, or taken from an `Extension`; the
    /// body of the request is not there. An answer with a status of success gets the failure's.
    ///
    /// ```
    /// # use mainstay_csrf::{Csrf, CsrfToken, Failure, KeyRing};
    /// async fn sorry(failure: Failure, token: CsrfToken) -> String {
    ///     format!("{failure}. Once more? <form method=post>{}</form>", token.field())
    /// }
    ///
    /// let csrf = Csrf::new(KeyRing::generate()).on_reject_handler(sorry).build()?;
    /// # Ok::<(), mainstay_csrf::Error>(())
    /// ```
    #[cfg(feature = "axum")]
    #[must_use]
    pub fn on_reject_handler<H, T>(mut self, handler: H) -> Self
    where
        H: axum::handler::Handler<T, ()>,
        T: 'static,
    {
        self.reject = Some(Arc::new(move |failure, parts| {
            let status = failure.status();
            let request = http::Request::from_parts(parts, axum_core::body::Body::empty());
            let call = handler.clone().call(request, ());
            Box::pin(async move { refusal::collect(call.await, status).await })
        }));
        self
    }
}
