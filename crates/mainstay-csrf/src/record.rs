//! What is said about requests, in the log and to the counter.

use std::sync::PoisonError;

use http::{HeaderName, header, request::Parts};

use crate::{Failure, policy::Policy, sender::SEC_FETCH_SITE};

impl Policy {
    /// One event and one count for a refusal. The path goes without its query, where secrets are.
    pub(crate) fn record(&self, failure: &Failure, parts: &Parts) {
        if let Some(observe) = &self.observe {
            observe(failure.code());
        }
        macro_rules! event {
            ($level:ident) => {
                tracing::$level!(
                    target: "mainstay_csrf",
                    code = failure.code(),
                    method = %parts.method,
                    path = parts.uri.path(),
                    origin = text(parts, &header::ORIGIN),
                    sec_fetch_site = text(parts, &SEC_FETCH_SITE),
                    report_only = self.report_only,
                    "refused: {failure}"
                )
            };
        }
        match failure {
            Failure::SessionUnavailable { .. } => event!(error),
            honest if honest.is_honest() => event!(info),
            _ => event!(warn),
        }
    }

    pub(crate) fn record_pass(parts: &Parts) {
        tracing::debug!(
            target: "mainstay_csrf",
            method = %parts.method,
            path = parts.uri.path(),
            "passed"
        );
    }

    /// Once per route: a page with a token that a shared cache may keep would be handed to others.
    pub(crate) fn warn_of_shared_cache(&self, route: &str) {
        // A poisoned lock guards nothing but a list of warnings.
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.len() < WARNED_LIMIT && warned.insert(route.to_owned()) {
            tracing::warn!(
                target: "mainstay_csrf",
                route,
                "a page with a CSRF token says that shared caches may keep it"
            );
        }
    }
}

fn text<'a>(parts: &'a Parts, name: &HeaderName) -> Option<&'a str> {
    parts
        .headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        // Enough to recognise it; the rest would be the sender's line in our log.
        .map(|text| text.get(..text.len().min(200)).unwrap_or_default())
}

/// Enough for every route of a site.
const WARNED_LIMIT: usize = 1000;
