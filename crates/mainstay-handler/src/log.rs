//! The lines of the log. One for each error.

use std::fmt::{self, Write as _};

use http::StatusCode;
use tracing::{Level, field};

use crate::{Error, ErrorEvent, Origin, PanicError, rules::Answer};

const TARGET: &str = "mainstay::http";

macro_rules! event_at {
    ($level:expr, $($fields:tt)*) => {
        match $level {
            Level::ERROR => tracing::event!(target: TARGET, Level::ERROR, $($fields)*),
            Level::WARN => tracing::event!(target: TARGET, Level::WARN, $($fields)*),
            Level::INFO => tracing::event!(target: TARGET, Level::INFO, $($fields)*),
            Level::DEBUG => tracing::event!(target: TARGET, Level::DEBUG, $($fields)*),
            Level::TRACE => tracing::event!(target: TARGET, Level::TRACE, $($fields)*),
        }
    };
}

/// What only the log says about an answered error.
#[derive(Debug, Default)]
pub(crate) struct Private<'a> {
    /// In place of the error's texts, for a response that had no [`Error`].
    pub(crate) text: Option<&'a str>,
    /// A status that is not one of an error, and that somebody wanted all the same.
    pub(crate) misused: Option<StatusCode>,
    pub(crate) development: bool,
}

pub(crate) fn answered(level: Level, event: &ErrorEvent<'_>, private: &Private<'_>) {
    let text = match (event.error, private.text) {
        (Some(error), _) => error.texts().join(": "),
        (None, Some(text)) => text.to_owned(),
        (None, None) => String::new(),
    };
    let details = Details::of(event.error, event.origin);
    event_at!(
        level,
        status = event.status.as_u16(),
        method = %event.method,
        path = %Escaped(event.path),
        route = event.route,
        request_id = event.request_id,
        origin = event.origin.as_str(),
        kind = details.kind,
        location = details.location.map(field::display),
        elapsed = ?event.elapsed,
        hint = hint(event.origin, private).map(field::display),
        backtrace = details.backtrace.map(field::display),
        "HTTP {}",
        Headline { status: event.status, text: &text },
    );
}

/// An error whose response went past no layer at all.
pub(crate) fn unhandled(error: &Error, answer: &Answer<'_>) {
    if error.responded().is_some() && !crate::rules::is_error(answer.status) {
        return;
    }
    let text = error.texts().join(": ");
    let details = Details::of(Some(error), answer.origin);
    tracing::event!(
        target: TARGET,
        Level::ERROR,
        status = answer.status.as_u16(),
        origin = answer.origin.as_str(),
        kind = details.kind,
        location = details.location.map(field::display),
        backtrace = details.backtrace.map(field::display),
        "no ErrorLayer handled this error: HTTP {}",
        Headline { status: answer.status, text: &text },
    );
}

/// An error page that could not be made; the default page was sent in its place.
pub(crate) fn page_failed(event: &ErrorEvent<'_>, cause: &str) {
    tracing::event!(
        target: TARGET,
        Level::ERROR,
        status = event.status.as_u16(),
        method = %event.method,
        path = %Escaped(event.path),
        route = event.route,
        request_id = event.request_id,
        "rendering the error page failed: {}",
        Escaped(cause),
    );
}

fn hint(origin: Origin, private: &Private<'_>) -> Option<String> {
    if let Some(status) = private.misused {
        return Some(format!(
            "an error cannot be answered with {status}; sent 500"
        ));
    }
    (private.development && origin == Origin::Unknown).then(|| {
        "unrecognised error type; register it with ErrorLayer::recognize or set a status".to_owned()
    })
}

/// What is known about an error besides its texts.
#[derive(Default)]
pub(crate) struct Details<'a> {
    pub(crate) kind: Option<&'static str>,
    pub(crate) location: Option<String>,
    pub(crate) backtrace: Option<&'a dyn fmt::Display>,
}

impl<'a> Details<'a> {
    pub(crate) fn of(error: Option<&'a Error>, origin: Origin) -> Self {
        let Some(error) = error else {
            return Self::default();
        };
        let panic = error.cause().downcast_ref::<PanicError>();
        Self {
            kind: Some(error.kind()),
            location: match (panic, origin) {
                (Some(panic), _) => panic.location().map(str::to_owned),
                // Made inside the layer: its own line would say nothing.
                (None, Origin::Service) => None,
                (None, _) => error.own_location().map(ToString::to_string),
            },
            backtrace: match panic {
                Some(panic) => panic.backtrace().map(|it| it as _),
                None => error.captured_backtrace().map(|it| it as _),
            },
        }
    }
}

struct Headline<'a> {
    status: StatusCode,
    text: &'a str,
}

impl fmt::Display for Headline<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.status.as_str())?;
        if self.text.is_empty() {
            return Ok(());
        }
        write!(f, " - {}", Escaped(self.text))
    }
}

/// Text that cannot break out of its line, nor turn it around.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            let turns = matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            match c {
                c if c.is_control() || turns => write!(f, "{}", c.escape_default())?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_sends_stays_on_its_line() {
        let cases = [
            ("/plain/ünïcode", "/plain/ünïcode"),
            ("/a\r\nERROR forged", "/a\\r\\nERROR forged"),
            ("\u{1b}[31mred", "\\u{1b}[31mred"),
            ("right\u{202e}tfel", "right\\u{202e}tfel"),
            ("tab\tnul\0", "tab\\tnul\\u{0}"),
        ];
        for (text, escaped) in cases {
            assert_eq!(Escaped(text).to_string(), escaped);
        }
    }
}
