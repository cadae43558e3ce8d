//! Reading and writing the strings that are stored.
//!
//! Reading is strict: what we would not write ourselves is refused, because a string that can be
//! spelt in two ways has been tampered with or damaged. The exceptions are upper-case hexadecimal
//! digits and leading zeros in simple-scrypt's form; databases have been through other hands.
//!
//! Nothing is allocated here but the salt and the key, and a string is at most 1 KiB.

mod phc;
mod simple;

use std::fmt;

use zeroize::Zeroizing;

use crate::error::{Error, Kind};
use crate::params::Params;

pub(crate) use simple::{MIN_KEY_LEN, MIN_SALT_LEN};

/// No hash is longer than this, in any form.
pub(crate) const MAX_LEN: usize = 1024;

/// The forms that are read and written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// `$scrypt$ln=17,r=8,p=1$<salt>$<key>`: names itself, and is read by RustCrypto, passlib
    /// and others. The default.
    #[default]
    Phc,
    /// `16384$8$1$<salt>$<key>`: that of Go's simple-scrypt.
    SimpleScrypt,
}

impl Format {
    /// Forms have an order, so that two services that write different ones come to rest.
    pub(crate) fn rank(self) -> u8 {
        match self {
            Self::SimpleScrypt => 0,
            Self::Phc => 1,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Phc => "phc",
            Self::SimpleScrypt => "simple-scrypt",
        })
    }
}

/// What a stored hash is made of, as [`cost`] reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cost {
    /// The form of the string.
    pub format: Format,
    /// The three numbers; ask them for memory and work.
    pub params: Params,
    /// Bytes of salt.
    pub salt_len: usize,
    /// Bytes of key.
    pub key_len: usize,
}

/// Reads the cost of a stored hash without computing anything.
///
/// No [`Limits`](crate::Limits) are applied here.
///
/// ```
/// let cost = mainstay_scrypt::cost(
///     "16384$8$1$70c49c95ff3901ee998629e3e2287a66\
///      $1f2371347a68d2da1f743d31ccb21f86b15ab7261fb53bb796282ac5f48f4bd9",
/// )?;
/// assert_eq!(cost.params, mainstay_scrypt::Params::SIMPLE_SCRYPT);
/// assert_eq!((cost.salt_len, cost.key_len), (16, 32));
/// assert_eq!(cost.params.memory(), 16 << 20);
/// # Ok::<(), mainstay_scrypt::Error>(())
/// ```
///
/// # Errors
///
/// [`is_malformed`](Error::is_malformed), [`is_unknown_format`](Error::is_unknown_format) or
/// [`is_invalid_params`](Error::is_invalid_params).
pub fn cost(encoded: &str) -> Result<Cost, Error> {
    Encoded::parse(encoded).map(|hash| hash.cost())
}

/// A stored hash, taken apart.
#[derive(PartialEq)]
#[cfg_attr(test, derive(Debug, Clone))]
pub(crate) struct Encoded {
    pub(crate) format: Format,
    pub(crate) params: Params,
    pub(crate) salt: Vec<u8>,
    pub(crate) key: Zeroizing<Vec<u8>>,
}

impl Encoded {
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_LEN {
            return Err(Error::malformed("longer than 1024 bytes"));
        }
        if !text.is_ascii() {
            return Err(Error::malformed("not ASCII"));
        }
        if let Some(rest) = text.strip_prefix("$scrypt$") {
            return phc::parse(rest);
        }
        if let Some(name) = name_of_another(text) {
            return Err(Error::new(Kind::UnknownFormat(name)));
        }
        simple::parse(text)
    }

    pub(crate) fn write(&self) -> String {
        match self.format {
            Format::Phc => phc::write(self),
            Format::SimpleScrypt => simple::write(self),
        }
    }

    pub(crate) fn cost(&self) -> Cost {
        Cost {
            format: self.format,
            params: self.params,
            salt_len: self.salt.len(),
            key_len: self.key.len(),
        }
    }
}

/// The hashes of others, by how they begin: a login that cannot work should say why.
fn name_of_another(text: &str) -> Option<&'static str> {
    const NAMES: [(&str, &str); 14] = [
        ("$7$", "crypt `$7$`"),
        ("scrypt$", "Django scrypt"),
        ("scrypt:", "Werkzeug scrypt"),
        ("$s0$", "lambdaworks `$s0$`"),
        ("$s1$", "libscrypt `$s1$`"),
        ("$rscrypt$", "rust-crypto `$rscrypt$`"),
        ("$y$", "yescrypt"),
        ("$gy$", "gost-yescrypt"),
        ("$argon2", "Argon2"),
        ("$2a$", "bcrypt"),
        ("$2b$", "bcrypt"),
        ("$2y$", "bcrypt"),
        ("pbkdf2", "PBKDF2"),
        ("$pbkdf2", "PBKDF2"),
    ];
    NAMES
        .iter()
        .find(|(prefix, _)| text.starts_with(prefix))
        .map(|(_, name)| *name)
        .or_else(|| is_spring(text).then_some("Spring Security scrypt"))
}

/// `$e0801$<base64>$<base64>`: the cost as one hexadecimal number, and no name at all.
fn is_spring(text: &str) -> bool {
    let fields = |rest: &str| rest.split('$').count() == 3;
    text.strip_prefix('$').is_some_and(|rest| {
        let number = rest.split('$').next().unwrap_or("");
        fields(rest)
            && (5..=8).contains(&number.len())
            && number.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// An unsigned number in decimal digits and nothing else; none if it does not fit 64 bits.
fn decimal(digits: &str) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.bytes().try_fold(0u64, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

/// r and p past 32 bits are past every bound of scrypt too.
fn narrow(number: u64) -> Result<u32, Error> {
    u32::try_from(number).map_err(|_| Error::invalid("r · p must be below 2^30"))
}

#[cfg(test)]
mod tests;
