//! What is said when something cannot be done.

use std::io::{self, Write as _};

/// Why a command ended early, and what to do about it if we know.
#[derive(Debug)]
pub(crate) struct Failure {
    error: anyhow::Error,
    hint: Option<&'static str>,
}

impl Failure {
    pub(crate) fn with_hint(error: impl Into<anyhow::Error>, hint: &'static str) -> Self {
        Self {
            error: error.into(),
            hint: Some(hint),
        }
    }

    pub(crate) fn report(&self) {
        // There is nowhere left to complain to when standard error is gone.
        let _ = writeln!(io::stderr(), "error: {:#}", self.error);
        if let Some(hint) = self.hint {
            let _ = writeln!(io::stderr(), "hint: {hint}");
        }
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self {
            error: error.into(),
            hint: None,
        }
    }
}
