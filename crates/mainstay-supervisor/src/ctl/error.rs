//! Why a command could not be carried out.

use std::{fmt, io};

use nix::errno::Errno;

use crate::config::repr;
use crate::rpc::xml;

/// Why a command could not be carried out.
///
/// `Display` is what follows `error: ` on the screen, and keeps the spelling of the original where
/// people search for it: `<Fault 6: 'SHUTDOWN_STATE'>`, `[Errno 13] Permission denied`.
pub struct Error(Box<Kind>);

#[derive(Debug)]
enum Kind {
    Fault {
        code: i32,
        text: String,
    },
    Status {
        code: u16,
        reason: String,
    },
    Io(io::Error),
    Http(hyper::Error),
    Scheme {
        url: String,
    },
    Answer {
        source: Option<xml::Error>,
        what: String,
    },
    ResultCode {
        code: i32,
        who: String,
    },
    Interrupted,
    EndOfInput,
}

impl Error {
    pub(crate) fn fault(code: i32, text: String) -> Self {
        Kind::Fault { code, text }.into()
    }

    pub(crate) fn status(status: http::StatusCode) -> Self {
        let reason = status.canonical_reason().unwrap_or_default().to_owned();
        Kind::Status {
            code: status.as_u16(),
            reason,
        }
        .into()
    }

    pub(crate) fn scheme(url: &str) -> Self {
        Kind::Scheme {
            url: url.to_owned(),
        }
        .into()
    }

    pub(crate) fn unreadable(source: xml::Error) -> Self {
        let what = "the answer is not XML-RPC".to_owned();
        Kind::Answer {
            source: Some(source),
            what,
        }
        .into()
    }

    pub(crate) fn unexpected(what: impl Into<String>) -> Self {
        Kind::Answer {
            source: None,
            what: what.into(),
        }
        .into()
    }

    pub(crate) fn result_code(code: i32, who: &str) -> Self {
        Kind::ResultCode {
            code,
            who: who.to_owned(),
        }
        .into()
    }

    pub(crate) fn interrupted() -> Self {
        Kind::Interrupted.into()
    }

    pub(crate) fn end_of_input() -> Self {
        Kind::EndOfInput.into()
    }

    /// The code of the fault that the daemon answered with, if it did.
    pub fn fault_code(&self) -> Option<i32> {
        match &*self.0 {
            Kind::Fault { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// The text of the fault that the daemon answered with, if it did.
    pub fn fault_text(&self) -> Option<&str> {
        match &*self.0 {
            Kind::Fault { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The HTTP status that was not 200, if that was it.
    pub fn http_status(&self) -> Option<u16> {
        match &*self.0 {
            Kind::Status { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// Whether the daemon wants a login, or another one.
    pub fn is_unauthorized(&self) -> bool {
        self.http_status() == Some(401)
    }

    /// Whether nobody listens at the address.
    pub fn is_refused(&self) -> bool {
        self.io_kind() == Some(io::ErrorKind::ConnectionRefused)
    }

    /// Whether the socket file is missing.
    pub fn is_missing_socket(&self) -> bool {
        self.io_kind() == Some(io::ErrorKind::NotFound)
    }

    /// Whether the user pressed Ctrl-C.
    pub fn is_interrupted(&self) -> bool {
        matches!(*self.0, Kind::Interrupted)
    }

    fn io_kind(&self) -> Option<io::ErrorKind> {
        match &*self.0 {
            Kind::Io(error) => Some(error.kind()),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Kind::Fault { code, text } => write!(f, "<Fault {code}: {}>", repr(text)),
            // The original puts its URL together before it knows the transport, so the host is this
            // one whatever the server's address.
            Kind::Status { code, reason } => {
                write!(f, "<ProtocolError for 127.0.0.1/RPC2: {code} {reason}>")
            }
            Kind::Io(error) => match error.raw_os_error() {
                Some(number) => write!(f, "[Errno {number}] {}", Errno::from_raw(number).desc()),
                None => error.fmt(f),
            },
            Kind::Http(error) => error.fmt(f),
            Kind::Scheme { url } => write!(f, "Unknown protocol for serverurl {url}"),
            Kind::Answer { what, source: None } => f.write_str(what),
            Kind::Answer {
                what,
                source: Some(source),
            } => write!(f, "{what}: {source}"),
            Kind::ResultCode { code, who } => write!(f, "Unknown result code {code} for {who}"),
            Kind::Interrupted => f.write_str("interrupted"),
            Kind::EndOfInput => f.write_str("EOF when reading a line"),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

// No `source()`: `Display` is the one line that is printed, and holds all there is to say.
impl std::error::Error for Error {}

impl From<Kind> for Error {
    fn from(kind: Kind) -> Self {
        Self(Box::new(kind))
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Kind::Io(error).into()
    }
}

impl From<hyper::Error> for Error {
    fn from(error: hyper::Error) -> Self {
        Kind::Http(error).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_spelled_as_people_search_for_them() {
        let table = [
            (
                Error::fault(6, "SHUTDOWN_STATE".into()),
                "<Fault 6: 'SHUTDOWN_STATE'>",
            ),
            (
                Error::fault(30, "FAILED: it's".into()),
                "<Fault 30: \"FAILED: it's\">",
            ),
            (
                Error::status(http::StatusCode::INTERNAL_SERVER_ERROR),
                "<ProtocolError for 127.0.0.1/RPC2: 500 Internal Server Error>",
            ),
            (
                io::Error::from_raw_os_error(13).into(),
                "[Errno 13] Permission denied",
            ),
            (
                io::Error::from_raw_os_error(111).into(),
                "[Errno 111] Connection refused",
            ),
            (
                Error::scheme("https://x"),
                "Unknown protocol for serverurl https://x",
            ),
            (
                Error::result_code(30, "web"),
                "Unknown result code 30 for web",
            ),
        ];
        for (error, expected) in table {
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn a_missing_socket_is_not_a_refusal() {
        let missing = Error::from(io::Error::from_raw_os_error(2));
        let refused = Error::from(io::Error::from_raw_os_error(111));

        assert!(missing.is_missing_socket() && !missing.is_refused());
        assert!(refused.is_refused() && !refused.is_missing_socket());
    }
}
