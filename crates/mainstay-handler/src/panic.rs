use std::{
    any::Any,
    backtrace::{Backtrace, BacktraceStatus},
    cell::RefCell,
    fmt, panic,
};

use http::StatusCode;

use crate::HttpError;

/// A panic that the layer caught. A 500, and the client learns nothing of it.
#[derive(Debug)]
pub struct PanicError {
    message: String,
    place: Option<Place>,
}

impl PanicError {
    pub(crate) fn new(payload: &(dyn Any + Send)) -> Self {
        let message = message_of(payload)
            .unwrap_or("with a value that is no text")
            .to_owned();
        // A panic that was resumed has not been through the hook, and what lies there is another's.
        let place = PLACE
            .try_with(RefCell::take)
            .ok()
            .flatten()
            .filter(|it| it.message == message);
        Self { message, place }
    }

    /// What `panic!` was given.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where it was; known only if [`install_panic_hook`] was called.
    pub fn location(&self) -> Option<&str> {
        self.place.as_ref().map(|place| &*place.location)
    }

    /// Captured if [`install_panic_hook`] was called and `RUST_BACKTRACE` asks for it.
    pub fn backtrace(&self) -> Option<&Backtrace> {
        let place = self.place.as_ref()?;
        Some(&place.backtrace).filter(|it| it.status() == BacktraceStatus::Captured)
    }
}

impl fmt::Display for PanicError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "panicked: {}", self.message)
    }
}

impl std::error::Error for PanicError {}

impl HttpError for PanicError {
    fn status(&self) -> StatusCode {
        StatusCode::INTERNAL_SERVER_ERROR
    }
}

/// Lets the layer's log line say where a panic was. Call it once, in `main`.
///
/// The hook that was there before still runs after it, so the usual message on the standard error
/// output stays.
pub fn install_panic_hook() {
    let previous = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let place = Place {
            message: message_of(info.payload()).unwrap_or_default().to_owned(),
            location: info.location().map(ToString::to_string).unwrap_or_default(),
            backtrace: Backtrace::capture(),
        };
        // A thread that is being torn down has no place for it, and nobody to read it.
        let _ = PLACE.try_with(|slot| slot.replace(Some(place)));
        previous(info);
    }));
}

thread_local! {
    /// Where the last panic of this thread was. The layer takes it in the poll that panicked.
    static PLACE: RefCell<Option<Place>> = const { RefCell::new(None) };
}

#[derive(Debug)]
struct Place {
    message: String,
    location: String,
    backtrace: Backtrace,
}

fn message_of(payload: &(dyn Any + Send)) -> Option<&str> {
    payload
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}
