//! `16384$8$1$<salt>$<key>`, the form of Go's simple-scrypt: N itself and not its logarithm, salt
//! and key in hexadecimal.

use std::fmt::Write as _;

use zeroize::Zeroizing;

use super::{Encoded, Format, decimal, narrow};
use crate::error::Error;
use crate::params::Params;

/// The original's own bounds.
pub(crate) const MIN_SALT_LEN: usize = 8;
pub(crate) const MIN_KEY_LEN: usize = 16;

pub(super) fn parse(text: &str) -> Result<Encoded, Error> {
    let mut fields = text.split('$');
    let (Some(n), Some(r), Some(p), Some(salt), Some(key), None) = (
        fields.next(),
        fields.next(),
        fields.next(),
        fields.next(),
        fields.next(),
        fields.next(),
    ) else {
        return Err(Error::malformed("not in any known form"));
    };
    let (Some(n), Some(r), Some(p)) = (decimal(n), decimal(r), decimal(p)) else {
        return Err(Error::malformed(
            "N, r and p must be plain decimal numbers below 2^64",
        ));
    };
    let salt = unhex(salt).ok_or(Error::malformed("the salt is not hexadecimal"))?;
    let key = unhex(key).ok_or(Error::malformed("the key is not hexadecimal"))?;
    let key = Zeroizing::new(key);

    // Ruby's scrypt gem writes the same five fields with its numbers in hexadecimal. No number
    // above 8 is a power of two both ways, so this is also what keeps the two apart.
    if !n.is_power_of_two() || n < 2 {
        return Err(Error::invalid("N must be a power of two above 1"));
    }
    // At most 63, as N has 64 bits.
    let log_n = n.trailing_zeros() as u8;
    let params = Params::new(log_n, narrow(r)?, narrow(p)?)?;
    if salt.len() < MIN_SALT_LEN {
        return Err(Error::invalid("the salt must have at least 8 bytes"));
    }
    if key.len() < MIN_KEY_LEN {
        return Err(Error::invalid("the key must have at least 16 bytes"));
    }
    Ok(Encoded {
        format: Format::SimpleScrypt,
        params,
        salt,
        key,
    })
}

pub(super) fn write(hash: &Encoded) -> String {
    let params = hash.params;
    let mut text = format!("{}${}${}$", params.n(), params.r(), params.p());
    hex(&hash.salt, &mut text);
    text.push('$');
    hex(&hash.key, &mut text);
    text
}

fn hex(bytes: &[u8], text: &mut String) {
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    rest.is_empty().then_some(())?;
    pairs
        .iter()
        .map(|&[high, low]| Some((digit(high)? << 4 | digit(low)?) as u8))
        .collect()
}
