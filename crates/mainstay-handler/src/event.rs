use std::{error::Error as StdError, fmt, iter::Rev, slice, time::Duration};

use http::{Method, StatusCode};

use crate::Error;

/// An answered error, for [`ErrorLayer::on_error`](crate::ErrorLayer::on_error).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ErrorEvent<'a> {
    /// What the client gets.
    pub status: StatusCode,
    /// Where the error came from.
    pub origin: Origin,
    /// The request's method.
    pub method: &'a Method,
    /// The request's path, as the client sent it.
    pub path: &'a str,
    /// The route that was taken, such as `/u/{id}`. Label metrics with this and never with the
    /// path, of which there are as many as clients care to make up.
    pub route: Option<&'a str>,
    /// The request's id, if it had a sound one.
    pub request_id: Option<&'a str>,
    /// Time since the request reached the layer.
    pub elapsed: Duration,
    /// The error; none if the response was somebody else's.
    pub error: Option<&'a Error>,
}

/// Where an error came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// A response with an error's status that was not made from an [`Error`].
    Foreign,
    /// An error whose status was said or recognised.
    Known,
    /// A panic.
    Panic,
    /// The error of a service inside the layer, such as a timeout.
    Service,
    /// An error of which nothing was known; a 500.
    Unknown,
}

impl Origin {
    /// In a word, as it stands in the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Foreign => "foreign",
            Self::Known => "known",
            Self::Panic => "panic",
            Self::Service => "service",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The notes of an [`Error`], outermost first, then its cause and that one's sources.
#[derive(Clone)]
pub struct Chain<'a> {
    notes: Rev<slice::Iter<'a, String>>,
    cause: Option<&'a (dyn StdError + 'static)>,
}

impl<'a> Chain<'a> {
    pub(crate) fn new(notes: &'a [String], cause: &'a (dyn StdError + 'static)) -> Self {
        Self {
            notes: notes.iter().rev(),
            cause: Some(cause),
        }
    }
}

impl<'a> Iterator for Chain<'a> {
    type Item = &'a dyn fmt::Display;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(note) = self.notes.next() {
            return Some(note);
        }
        let cause = self.cause?;
        self.cause = cause.source();
        Some(cause)
    }
}

impl fmt::Debug for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.clone().map(|link| link.to_string()))
            .finish()
    }
}
