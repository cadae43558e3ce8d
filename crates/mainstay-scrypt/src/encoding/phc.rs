//! `$scrypt$ln=17,r=8,p=1$<salt>$<key>`, the form of the Password Hashing Competition.
//!
//! Base64 with the standard alphabet, without padding, the unused bits zero. The names and their
//! order are fixed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use zeroize::Zeroizing;

use super::{Encoded, Format, decimal, narrow};
use crate::error::Error;
use crate::params::Params;

/// The bounds of RustCrypto's reader, the strictest that keys in this form have to pass.
/// Salts have no bound: passlib can be told to use any length, none included.
const KEY_LEN: std::ops::RangeInclusive<usize> = 10..=64;

/// Reads what follows `$scrypt$`.
pub(super) fn parse(rest: &str) -> Result<Encoded, Error> {
    let mut fields = rest.split('$');
    let (Some(numbers), Some(salt), Some(key), None) =
        (fields.next(), fields.next(), fields.next(), fields.next())
    else {
        return Err(Error::malformed("expected `$scrypt$ln=…,r=…,p=…$salt$key`"));
    };
    let params = parse_numbers(numbers)?;
    let salt = BASE64
        .decode(salt)
        .map_err(|_| Error::malformed("the salt is not base64"))?;
    let key = BASE64
        .decode(key)
        .map_err(|_| Error::malformed("the key is not base64"))?;
    let key = Zeroizing::new(key);
    if !KEY_LEN.contains(&key.len()) {
        return Err(Error::invalid("the key must have from 10 to 64 bytes"));
    }
    Ok(Encoded {
        format: Format::Phc,
        params,
        salt,
        key,
    })
}

pub(super) fn write(hash: &Encoded) -> String {
    let params = hash.params;
    let mut text = format!(
        "$scrypt$ln={},r={},p={}$",
        params.log_n(),
        params.r(),
        params.p()
    );
    BASE64.encode_string(&hash.salt, &mut text);
    text.push('$');
    BASE64.encode_string(&hash.key, &mut text);
    text
}

fn parse_numbers(text: &str) -> Result<Params, Error> {
    let mut fields = text.split(',');
    let mut number = |name: &str| {
        let digits = fields.next()?.strip_prefix(name)?.strip_prefix('=')?;
        let canonical = digits == "0" || !digits.starts_with('0');
        decimal(digits).filter(|_| canonical)
    };
    let (ln, r, p) = (number("ln"), number("r"), number("p"));
    let (Some(ln), Some(r), Some(p), None) = (ln, r, p, fields.next()) else {
        return Err(Error::malformed(
            "the parameters are not `ln=…,r=…,p=…` in plain decimal",
        ));
    };
    // What does not fit a byte is as invalid as 255 is.
    Params::new(u8::try_from(ln).unwrap_or(u8::MAX), narrow(r)?, narrow(p)?)
}
