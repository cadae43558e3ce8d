//! Go's [simple-scrypt](https://github.com/elithrar/simple-scrypt), name by name.
//!
//! For moving a Go service one route at a time: the same calls, the same strings, the same three
//! kinds of error, so that both sides read what the other wrote. New code is better served by
//! [`Hasher`], which also reads these strings and says when to replace them.
//!
//! ```
//! use mainstay_scrypt::simple::{
//!     DEFAULT_PARAMS, Error, compare_hash_and_password, cost, generate_from_password,
//! };
//!
//! let hash = generate_from_password("correct horse", &DEFAULT_PARAMS)?;
//! compare_hash_and_password(&hash, "correct horse")?;
//! assert!(matches!(compare_hash_and_password(&hash, "wrong"), Err(Error::Mismatch)));
//! assert_eq!(cost(&hash)?, DEFAULT_PARAMS);
//! # Ok::<(), Error>(())
//! ```
//!
//! Differences, all of them refusals: parameters that are not powers of two, and hashes that ask
//! for more than the default [`Limits`] (256 MiB), are [`Error::InvalidParams`];
//! a plus sign before a number is [`Error::InvalidHash`].

use std::error::Error as StdError;
use std::fmt;

use crate::encoding::{Format, MAX_LEN, MIN_KEY_LEN, MIN_SALT_LEN};
use crate::hasher::Hasher;
use crate::{Limits, Verdict};

/// What a hash costs, in plain numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Params {
    /// N, a power of two.
    pub n: u64,
    /// The block size.
    pub r: u32,
    /// The number of lanes.
    pub p: u32,
    /// Bytes of salt.
    pub salt_len: usize,
    /// Bytes of key.
    pub dk_len: usize,
}

/// N = 16384, r = 8, p = 1, 16 bytes of salt, 32 of key: the original's defaults, kept for the
/// sake of the strings. They are [weak](crate::Params::is_weak) by today's advice.
pub const DEFAULT_PARAMS: Params = Params {
    n: 16384,
    r: 8,
    p: 1,
    salt_len: 16,
    dk_len: 32,
};

impl Params {
    /// Refuses what [`generate_from_password`] would refuse.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidParams`].
    pub fn check(&self) -> Result<(), Error> {
        self.checked().map(|_| ())
    }

    fn checked(&self) -> Result<crate::Params, Error> {
        // Two digits a byte: what is longer could be written but not read.
        let longest = MAX_LEN / 4;
        if !self.n.is_power_of_two()
            || !(MIN_SALT_LEN..=longest).contains(&self.salt_len)
            || !(MIN_KEY_LEN..=longest).contains(&self.dk_len)
            || self.salt_len + self.dk_len > longest
        {
            return Err(Error::InvalidParams);
        }
        // At most 63, as N has 64 bits.
        let params = crate::Params::new(self.n.trailing_zeros() as u8, self.r, self.p)
            .map_err(|_| Error::InvalidParams)?;
        Limits::default()
            .check(params)
            .map_err(|_| Error::InvalidParams)?;
        Ok(params)
    }
}

impl Default for Params {
    fn default() -> Self {
        DEFAULT_PARAMS
    }
}

impl From<crate::Params> for Params {
    fn from(params: crate::Params) -> Self {
        Self {
            n: params.n(),
            r: params.r(),
            p: params.p(),
            ..DEFAULT_PARAMS
        }
    }
}

/// The three errors of simple-scrypt, and one for what it leaves untyped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The hash cannot be read.
    InvalidHash,
    /// The hash can be read, or the parameters are given, and they are out of range.
    InvalidParams,
    /// The password is not the one that was hashed.
    Mismatch,
    /// Out of memory, or no randomness.
    Other(crate::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidHash => "scrypt: the provided hash is not in the correct format",
            Self::InvalidParams => "scrypt: the parameters provided are invalid",
            Self::Mismatch => {
                "scrypt: the hashed password does not match the hash of the given password"
            }
            Self::Other(_) => "scrypt: the derivation failed",
        })
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Other(error) => Some(error),
            _ => None,
        }
    }
}

impl From<crate::Error> for Error {
    fn from(error: crate::Error) -> Self {
        if error.is_invalid_params() || error.is_over_limit() || error.is_too_weak() {
            Self::InvalidParams
        } else if error.is_unreadable() {
            Self::InvalidHash
        } else {
            Self::Other(error)
        }
    }
}

/// Hashes a password with a random salt.
///
/// # Errors
///
/// [`Error::InvalidParams`], [`Error::Other`].
pub fn generate_from_password(
    password: impl AsRef<[u8]>,
    params: &Params,
) -> Result<String, Error> {
    let hasher = engine(params.checked()?)?;
    Ok(hasher.hash_with_lengths(password.as_ref(), params.salt_len, params.dk_len)?)
}

/// `Ok` when the password is the one that was hashed.
///
/// # Errors
///
/// [`Error::Mismatch`], [`Error::InvalidHash`], [`Error::InvalidParams`], [`Error::Other`].
pub fn compare_hash_and_password(hash: &str, password: impl AsRef<[u8]>) -> Result<(), Error> {
    let hasher = engine(crate::Params::SIMPLE_SCRYPT)?;
    let verdict = match crate::cost(hash) {
        // Another form, which the original cannot read: for as much time as any other hash.
        Ok(cost) if cost.format != Format::SimpleScrypt => {
            return hasher
                .dummy_verify(password)
                .map_err(Error::from)
                .and(Err(Error::InvalidHash));
        }
        _ => hasher.verify(password, hash)?,
    };
    match verdict {
        Verdict::Match { .. } => Ok(()),
        Verdict::Mismatch => Err(Error::Mismatch),
    }
}

/// The parameters of a hash.
///
/// # Errors
///
/// [`Error::InvalidHash`], [`Error::InvalidParams`].
pub fn cost(hash: &str) -> Result<Params, Error> {
    let cost = crate::cost(hash)?;
    if cost.format != Format::SimpleScrypt {
        return Err(Error::InvalidHash);
    }
    let lengths = Params {
        salt_len: cost.salt_len,
        dk_len: cost.key_len,
        ..DEFAULT_PARAMS
    };
    let Params { n, r, p, .. } = cost.params.into();
    Ok(Params { n, r, p, ..lengths })
}

/// Takes every password that the original takes: any length, any bytes, none at all.
fn engine(params: crate::Params) -> Result<Hasher, crate::Error> {
    Hasher::builder()
        .params(params)
        .format(Format::SimpleScrypt)
        .allow_weak()
        .allow_nul()
        .allow_empty()
        .max_password_len(usize::MAX)
        .build()
}
