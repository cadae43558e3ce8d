//! The one error type of the crate.

use std::error::Error as StdError;
use std::fmt;

/// Errors of this crate.
///
/// A wrong password is not among them: it is [`Verdict::Mismatch`](crate::Verdict::Mismatch).
///
/// `Display` prints this level only; walk [`source`](StdError::source) for the rest. No message
/// contains a password, a salt or a key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Error(Kind);

/// What went wrong; private, so that it can grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The string is no hash in any form that we know.
    Malformed(&'static str),
    /// The string is a hash that we know by name and do not read.
    UnknownFormat(&'static str),
    /// Readable numbers that scrypt does not allow.
    InvalidParams(&'static str),
    /// New hashes with these parameters would be under the floor.
    TooWeak,
    /// Valid numbers past what this verifier is willing to spend.
    OverLimit {
        memory: u64,
        work: u64,
    },
    /// The password cannot be hashed unambiguously, or is too long.
    PasswordRejected(&'static str),
    OutOfMemory {
        bytes: u64,
    },
    #[cfg(feature = "tokio")]
    Busy(&'static str),
    #[cfg(feature = "tokio")]
    Threads {
        os: Option<i32>,
    },
    #[cfg(feature = "tokio")]
    Lost,
    Rng(getrandom::Error),
}

impl Error {
    pub(crate) const fn new(kind: Kind) -> Self {
        Self(kind)
    }

    pub(crate) const fn malformed(what: &'static str) -> Self {
        Self(Kind::Malformed(what))
    }

    pub(crate) const fn invalid(which: &'static str) -> Self {
        Self(Kind::InvalidParams(which))
    }

    /// The stored string is to blame, in whatever way: it is malformed, in a form that is not
    /// read, or asks for parameters that are invalid or past the [`Limits`](crate::Limits).
    ///
    /// Nobody can log in with such a string; it deserves a line in the log, and the person at
    /// the login form the same answer as after a wrong password.
    pub const fn is_unreadable(&self) -> bool {
        matches!(
            self.0,
            Kind::Malformed(_)
                | Kind::UnknownFormat(_)
                | Kind::InvalidParams(_)
                | Kind::OverLimit { .. }
        )
    }

    /// The string is not a password hash, or a damaged one.
    pub const fn is_malformed(&self) -> bool {
        matches!(self.0, Kind::Malformed(_))
    }

    /// The string is a password hash in a form that is not read here; the message names it.
    pub const fn is_unknown_format(&self) -> bool {
        matches!(self.0, Kind::UnknownFormat(_))
    }

    /// The parameters are numbers for which scrypt is not defined, such as an N that is not a
    /// power of two.
    pub const fn is_invalid_params(&self) -> bool {
        matches!(self.0, Kind::InvalidParams(_))
    }

    /// The parameters are under the floor for new hashes and weak ones were not
    /// [allowed](crate::HasherBuilder::allow_weak).
    pub const fn is_too_weak(&self) -> bool {
        matches!(self.0, Kind::TooWeak)
    }

    /// The parameters ask for more memory or work than the [`Limits`](crate::Limits) grant.
    pub const fn is_over_limit(&self) -> bool {
        matches!(self.0, Kind::OverLimit { .. })
    }

    /// The password is empty (new hashes only), too long, or contains a NUL byte.
    pub const fn is_password_rejected(&self) -> bool {
        matches!(self.0, Kind::PasswordRejected(_))
    }

    /// The system would not give the memory that one hash needs.
    pub const fn is_out_of_memory(&self) -> bool {
        matches!(self.0, Kind::OutOfMemory { .. })
    }

    /// More hashes are wanted than this machine computes: answer 503 with `Retry-After`.
    pub const fn is_busy(&self) -> bool {
        #[cfg(feature = "tokio")]
        return matches!(self.0, Kind::Busy(_));
        #[cfg(not(feature = "tokio"))]
        return false;
    }

    /// The system's source of randomness failed.
    pub const fn is_rng(&self) -> bool {
        matches!(self.0, Kind::Rng(_))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Kind::Malformed(what) => write!(f, "malformed password hash: {what}"),
            Kind::UnknownFormat(name) => write!(f, "{name} hashes are not supported"),
            Kind::InvalidParams(which) => write!(f, "invalid scrypt parameters: {which}"),
            Kind::TooWeak => f.write_str("parameters are too weak for new password hashes"),
            Kind::OverLimit { memory, work } => write!(
                f,
                "parameters exceed the limits: {memory} bytes of memory, {work} units of work"
            ),
            Kind::PasswordRejected(why) => write!(f, "password rejected: {why}"),
            Kind::OutOfMemory { bytes } => {
                write!(f, "out of memory: one hash needs {bytes} bytes")
            }
            #[cfg(feature = "tokio")]
            Kind::Busy(why) => write!(f, "too many password hashes at once: {why}"),
            #[cfg(feature = "tokio")]
            Kind::Threads { .. } => f.write_str("starting the worker threads failed"),
            #[cfg(feature = "tokio")]
            Kind::Lost => f.write_str("the worker panicked while hashing"),
            Kind::Rng(_) => f.write_str("the system's random source failed"),
        }?;
        #[cfg(feature = "tokio")]
        if let Kind::Threads { os: Some(code) } = self.0 {
            write!(f, ": {}", std::io::Error::from_raw_os_error(code))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Error").field(&self.0).finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0 {
            Kind::Rng(error) => Some(error),
            _ => None,
        }
    }
}
