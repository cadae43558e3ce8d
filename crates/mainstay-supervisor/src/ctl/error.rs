//! Why a command could not be carried out.

use std::io::ErrorKind;
use std::{fmt, io};

use http::Response;
use hyper::ext::ReasonPhrase;
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
    /// There is no connection.
    Connect(io::Error),
    Http(hyper::Error),
    Url {
        url: String,
        /// What is wrong with it; where nothing is said, it is the scheme.
        reason: Option<&'static str>,
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

    /// An answer whose status is not 200, with the words that the server has for it.
    pub(crate) fn status<B>(response: &Response<B>) -> Self {
        let status = response.status();
        // Only there if it is not the usual one.
        let reason = match response.extensions().get::<ReasonPhrase>() {
            Some(phrase) => String::from_utf8_lossy(phrase.as_bytes()).into_owned(),
            None => status.canonical_reason().unwrap_or_default().to_owned(),
        };
        Kind::Status {
            code: status.as_u16(),
            reason,
        }
        .into()
    }

    pub(crate) fn connect(error: io::Error) -> Self {
        Kind::Connect(error).into()
    }

    /// A URL whose protocol is not spoken here.
    pub(crate) fn scheme(url: &str) -> Self {
        let url = url.to_owned();
        Kind::Url { url, reason: None }.into()
    }

    /// A URL that names no server.
    pub(crate) fn url(url: &str, reason: &'static str) -> Self {
        let (url, reason) = (url.to_owned(), Some(reason));
        Kind::Url { url, reason }.into()
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
        self.io_kind() == Some(ErrorKind::ConnectionRefused)
    }

    /// Whether the socket file is missing.
    pub fn is_missing_socket(&self) -> bool {
        self.io_kind() == Some(ErrorKind::NotFound)
    }

    /// Whether the user pressed Ctrl-C.
    pub fn is_interrupted(&self) -> bool {
        matches!(*self.0, Kind::Interrupted)
    }

    fn io_kind(&self) -> Option<ErrorKind> {
        match &*self.0 {
            Kind::Io(error) | Kind::Connect(error) => Some(error.kind()),
            _ => None,
        }
    }

    /// What to do about a connection that cannot be had or used; `None` for all other errors.
    pub(crate) fn advice(&self) -> Option<&'static str> {
        match &*self.0 {
            Kind::Connect(error) => Some(match error.kind() {
                ErrorKind::NotFound | ErrorKind::ConnectionRefused => {
                    "is the daemon running? -s names another server"
                }
                ErrorKind::PermissionDenied => {
                    "who may use a socket is set by chmod and chown in [unix_http_server]"
                }
                // What has no number comes from the resolver.
                _ if error.raw_os_error().is_none() => "is the host's name right?",
                _ => "can this server be reached from here?",
            }),
            Kind::Http(error) if error.is_parse() => Some("does another program listen there?"),
            Kind::Http(_) => Some("the daemon's log may say why"),
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
            Kind::Io(error) | Kind::Connect(error) => match error.raw_os_error() {
                Some(number) => write!(f, "[Errno {number}] {}", Errno::from_raw(number).desc()),
                None => error.fmt(f),
            },
            Kind::Http(error) if error.is_parse() => write!(f, "the answer is not HTTP ({error})"),
            Kind::Http(_) => {
                f.write_str("the server closed the connection before its answer was complete")
            }
            Kind::Url { url, reason: None } => write!(f, "Unknown protocol for serverurl {url}"),
            Kind::Url {
                url,
                reason: Some(reason),
            } => write!(f, "serverurl {url} {reason}"),
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

    fn answer(status: u16, reason: Option<&'static str>) -> Error {
        let mut response = Response::new(());
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
        if let Some(reason) = reason {
            let phrase = ReasonPhrase::from_static(reason.as_bytes());
            response.extensions_mut().insert(phrase);
        }
        Error::status(&response)
    }

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
                answer(500, None),
                "<ProtocolError for 127.0.0.1/RPC2: 500 Internal Server Error>",
            ),
            (
                answer(301, Some("Moved")),
                "<ProtocolError for 127.0.0.1/RPC2: 301 Moved>",
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
                Error::url("http://", "names no host"),
                "serverurl http:// names no host",
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
    fn there_is_advice_for_every_connection_that_is_none() {
        let failed = |number| Error::connect(io::Error::from_raw_os_error(number));
        let unknown = io::Error::other("failed to lookup address information");
        for (error, expected) in [
            (failed(2), "is the daemon running?"),
            (failed(111), "is the daemon running?"),
            (failed(13), "chmod and chown in [unix_http_server]"),
            (failed(113), "reached from here?"),
            (Error::connect(unknown), "host's name"),
        ] {
            let advice = error.advice().unwrap();
            assert!(advice.contains(expected), "{error}: {advice}");
        }
        for error in [
            answer(500, None),
            Error::scheme("x"),
            io::Error::from_raw_os_error(2).into(),
        ] {
            assert_eq!(error.advice(), None, "{error}");
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
