use std::{fmt, str::FromStr};

use base64_simd::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize as _, Zeroizing};

use crate::error::{Error, Kind};

/// A secret that signs tokens.
///
/// `mainstay key` prints one; so does this:
///
/// ```
/// use mainstay_csrf::Key;
///
/// let text = Key::generate().to_text();
/// assert_eq!(text.len(), 64);
/// let key: Key = text.parse()?;
/// # Ok::<(), mainstay_csrf::Error>(())
/// ```
///
/// Reading takes 64 hexadecimal digits, or base64 in any of its alphabets, with or without padding.
/// `Debug` shows the key's id and never the key, and there is no `Display`.
#[derive(Clone)]
pub struct Key {
    bytes: Zeroizing<Vec<u8>>,
}

impl Key {
    /// A new key of 32 random bytes.
    #[must_use]
    pub fn generate() -> Self {
        let mut bytes = Zeroizing::new(vec![0; FULL_LENGTH]);
        rand::fill(&mut bytes[..]);
        Self { bytes }
    }

    /// The key made of these bytes, which are used as they are.
    ///
    /// # Errors
    ///
    /// When there are fewer than 32.
    pub fn from_bytes(bytes: impl AsRef<[u8]>) -> Result<Self, Error> {
        let key = Self {
            bytes: Zeroizing::new(bytes.as_ref().to_vec()),
        };
        key.check_length()?;
        Ok(key)
    }

    /// The key that a gorilla/csrf service was given, whatever its length.
    ///
    /// gorilla asks for 32 bytes and takes any number, so there are services whose key is a sentence.
    /// Only [`Csrf::gorilla`](crate::Csrf::gorilla) takes a key that is shorter than 32 bytes.
    ///
    /// # Errors
    ///
    /// When there is not one byte.
    pub fn from_gorilla_bytes_of_any_length(bytes: impl AsRef<[u8]>) -> Result<Self, Error> {
        let bytes = bytes.as_ref();
        if bytes.is_empty() {
            return Err(Error::new(Kind::KeyEmpty));
        }
        Ok(Self {
            bytes: Zeroizing::new(bytes.to_vec()),
        })
    }

    /// The key in writing: hexadecimal digits, which need no quotes in any configuration file and
    /// cannot be taken for an option on a command line.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::with_capacity(self.bytes.len() * 2);
        for byte in self.bytes.iter() {
            for nibble in [byte >> 4, byte & 0xf] {
                text.push(char::from(HEX[usize::from(nibble)]));
            }
        }
        text
    }

    /// A number that tells keys apart, and tells nothing else about them. Tokens carry it.
    #[must_use]
    pub fn id(&self) -> u8 {
        let mut hash = Sha256::new();
        hash.update(ID_LABEL);
        hash.update(&self.bytes);
        hash.finalize()[0]
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn check_length(&self) -> Result<(), Error> {
        match self.bytes.len() {
            bytes if bytes < FULL_LENGTH => Err(Error::new(Kind::KeyLength { bytes })),
            _ => Ok(()),
        }
    }
}

impl FromStr for Key {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let bytes = from_hex(text)
            .or_else(|| {
                [URL_SAFE_NO_PAD, URL_SAFE, STANDARD_NO_PAD, STANDARD]
                    .iter()
                    .find_map(|engine| engine.decode_to_vec(text).ok())
            })
            .map(Zeroizing::new)
            .ok_or_else(|| Error::new(Kind::KeyText))?;
        Self::from_bytes(&bytes)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key(id {:#04x})", self.id())
    }
}

impl From<[u8; FULL_LENGTH]> for Key {
    fn from(bytes: [u8; FULL_LENGTH]) -> Self {
        Self {
            bytes: Zeroizing::new(bytes.to_vec()),
        }
    }
}

impl From<&[u8; FULL_LENGTH]> for Key {
    fn from(bytes: &[u8; FULL_LENGTH]) -> Self {
        Self::from(*bytes)
    }
}

impl TryFrom<&[u8]> for Key {
    type Error = Error;

    fn try_from(bytes: &[u8]) -> Result<Self, Error> {
        Self::from_bytes(bytes)
    }
}

impl TryFrom<&str> for Key {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self, Error> {
        text.parse()
    }
}

impl TryFrom<&String> for Key {
    type Error = Error;

    fn try_from(text: &String) -> Result<Self, Error> {
        text.parse()
    }
}

impl TryFrom<String> for Key {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        Zeroizing::new(text).parse()
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    // Hexadecimal digits are base64 too; the length decides. Base64 of 48 bytes that happens to be
    // all hexadecimal digits does not occur.
    if text.len() < FULL_LENGTH * 2 || !text.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    // As long as the key from the beginning: a buffer that grows leaves copies behind.
    let mut key = Vec::with_capacity(text.len() / 2);
    for pair in text.as_bytes().chunks_exact(2) {
        match (digit(pair[0]), digit(pair[1])) {
            (Some(high), Some(low)) => key.push(high << 4 | low),
            _ => {
                key.zeroize();
                return None;
            }
        }
    }
    Some(key)
}

const FULL_LENGTH: usize = 32;
const HEX: &[u8; 16] = b"0123456789abcdef";
const ID_LABEL: &[u8] = b"mainstay-csrf/key-id/v1";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_is_written() {
        let key = Key::generate();
        let text = key.to_text();

        assert!(text.bytes().all(|b| b.is_ascii_hexdigit()));
        assert_eq!(*text.parse::<Key>().unwrap().bytes, *key.bytes);
        assert_eq!(
            *format!(" {text}\n").parse::<Key>().unwrap().bytes,
            *key.bytes
        );
    }

    #[test]
    fn every_alphabet_of_base64_is_read() {
        let bytes = [0xfb; 32];
        for engine in [URL_SAFE_NO_PAD, URL_SAFE, STANDARD_NO_PAD, STANDARD] {
            let key: Key = engine.encode_to_string(bytes).parse().unwrap();
            assert_eq!(*key.bytes, bytes);
        }
    }

    #[test]
    fn short_and_unreadable_keys_are_refused() {
        for text in [
            "",
            "secret",
            "0011",
            &"ab".repeat(31),
            "not base64 at all, with blanks in it and all",
        ] {
            assert!(text.parse::<Key>().unwrap_err().is_key(), "{text:?}");
        }
        assert!(Key::from_bytes([1; 31]).unwrap_err().is_key());
        assert!(
            Key::from_gorilla_bytes_of_any_length("")
                .unwrap_err()
                .is_key()
        );
        assert!(Key::from_gorilla_bytes_of_any_length("short").is_ok());
    }
}
