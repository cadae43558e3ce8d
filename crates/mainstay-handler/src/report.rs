use std::sync::atomic::{AtomicBool, Ordering};

use crate::{Error, log, rules::Rules};

/// An error on its way through the response's extensions.
///
/// It is in an `Arc` there, because extensions have to be cloned. Whoever takes it has to log it;
/// if nobody did when the last one goes, it says so itself.
#[derive(Debug)]
pub(crate) struct Report {
    error: Error,
    taken: AtomicBool,
}

impl Report {
    pub(crate) fn new(error: Error) -> Self {
        Self {
            error,
            taken: AtomicBool::new(false),
        }
    }

    /// The error, for the first who asks.
    pub(crate) fn take(&self) -> Option<&Error> {
        // Relaxed: whether it was taken is all that is exchanged.
        (!self.taken.swap(true, Ordering::Relaxed)).then_some(&self.error)
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        if let Some(error) = self.take() {
            log::unhandled(error, &Rules::default().resolve(error));
        }
    }
}

/// In a response's extensions: an [`ErrorLayer`](crate::ErrorLayer) is done with it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Handled;
