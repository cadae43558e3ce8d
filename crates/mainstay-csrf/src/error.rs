use std::{convert::Infallible, error::Error as StdError, fmt};

/// What is wrong with a configuration: a key, an origin, a cookie setting or a route.
///
/// It comes from [`Csrf::build`](crate::Csrf::build) and from reading keys, never from a request:
/// what is wrong with a request is a [`Failure`](crate::Failure). `Display` prints this level only;
/// walk [`source`](StdError::source) for the rest.
pub struct Error(Box<Kind>);

pub(crate) enum Kind {
    KeyLength {
        bytes: usize,
    },
    KeyText,
    KeyEmpty,
    Origin {
        text: String,
        why: &'static str,
    },
    Cookie {
        why: &'static str,
    },
    Name {
        what: &'static str,
        text: String,
    },
    Route {
        text: String,
        why: &'static str,
    },
    Unfit {
        setting: &'static str,
        with: &'static str,
    },
}

impl Error {
    /// A key is too short, empty, or not in a form that can be read.
    #[must_use]
    pub fn is_key(&self) -> bool {
        matches!(
            *self.0,
            Kind::KeyLength { .. } | Kind::KeyText | Kind::KeyEmpty
        )
    }

    /// An origin is not one that a browser would ever send.
    #[must_use]
    pub fn is_origin(&self) -> bool {
        matches!(*self.0, Kind::Origin { .. })
    }

    /// The cookie's attributes contradict each other, so that browsers would throw it away.
    #[must_use]
    pub fn is_cookie(&self) -> bool {
        matches!(*self.0, Kind::Cookie { .. })
    }

    /// A route template or a scope's name cannot be what was meant.
    #[must_use]
    pub fn is_route(&self) -> bool {
        matches!(*self.0, Kind::Route { .. })
    }

    pub(crate) fn new(kind: Kind) -> Self {
        Self(Box::new(kind))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Kind::KeyLength { bytes } => {
                write!(f, "a key needs at least 32 bytes, this one has {bytes}")
            }
            Kind::KeyText => f.write_str(
                "a key is written as 64 hexadecimal digits or as base64 of at least 32 bytes",
            ),
            Kind::KeyEmpty => f.write_str("a key cannot be empty"),
            Kind::Origin { text, why } => write!(f, "`{text}` is not an origin: {why}"),
            Kind::Cookie { why } => write!(f, "browsers would refuse the cookie: {why}"),
            Kind::Name { what, text } => write!(f, "`{text}` cannot be the name of a {what}"),
            Kind::Route { text, why } => write!(f, "`{text}`: {why}"),
            Kind::Unfit { setting, with } => {
                write!(f, "`{setting}` has no meaning with {with}")
            }
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({self})")
    }
}

impl StdError for Error {}

impl From<Infallible> for Error {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
