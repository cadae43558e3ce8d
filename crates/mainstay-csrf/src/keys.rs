use std::{fmt, str::FromStr, sync::Arc};

use arc_swap::{ArcSwap, Guard};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::error::{Error, Kind};

pub(crate) type HmacSha256 = Hmac<Sha256>;

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
        let bytes = bytes.as_ref();
        if bytes.len() < FULL_LENGTH {
            return Err(Error::new(Kind::KeyLength { bytes: bytes.len() }));
        }
        Ok(Self {
            bytes: Zeroizing::new(bytes.to_vec()),
        })
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

    fn is_short(&self) -> bool {
        self.bytes.len() < FULL_LENGTH
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
                    .find_map(|engine| engine.decode(text).ok())
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

/// One key that signs, and any number that are still accepted.
///
/// Clones are the same ring: keep one, hand another to [`Csrf::new`](crate::Csrf::new), and change
/// the keys of the running service with [`rotate`](Self::rotate) or [`replace`](Self::replace).
/// Replicas of a service share their ring through configuration; nothing else is shared.
///
/// ```
/// use mainstay_csrf::{Key, KeyRing};
///
/// # let (current, previous) = (Key::generate().to_text(), Key::generate().to_text());
/// let keys = KeyRing::new(current)?.accept(previous)?;
/// # Ok::<(), mainstay_csrf::Error>(())
/// ```
#[derive(Clone)]
pub struct KeyRing {
    keys: Arc<ArcSwap<Keys>>,
}

impl KeyRing {
    /// A ring with one key: a [`Key`], its text, or 32 bytes.
    ///
    /// # Errors
    ///
    /// When the key is too short or cannot be read.
    pub fn new<K>(signing: K) -> Result<Self, Error>
    where
        K: TryInto<Key>,
        Error: From<K::Error>,
    {
        Ok(Self::holding(Keys {
            all: vec![Prepared::new(signing.try_into()?)],
        }))
    }

    /// A ring with a new random key.
    ///
    /// For tests and first tries. Every form that is open when the process ends fails after it, and
    /// replicas do not understand each other's tokens.
    #[must_use]
    pub fn generate() -> Self {
        Self::holding(Keys {
            all: vec![Prepared::new(Key::generate())],
        })
    }

    /// Also accepts what `key` has signed.
    ///
    /// # Errors
    ///
    /// When the key is too short or cannot be read.
    pub fn accept<K>(self, key: K) -> Result<Self, Error>
    where
        K: TryInto<Key>,
        Error: From<K::Error>,
    {
        let key = Prepared::new(key.try_into()?);
        self.keys.rcu(|keys| {
            let mut all = keys.all.clone();
            all.push(key.clone());
            Keys { all }
        });
        Ok(self)
    }

    /// Signs with `key` from now on and keeps accepting what the ring accepted until now.
    ///
    /// # Errors
    ///
    /// When the key is too short or cannot be read.
    pub fn rotate<K>(&self, key: K) -> Result<(), Error>
    where
        K: TryInto<Key>,
        Error: From<K::Error>,
    {
        let key = Prepared::new(key.try_into()?);
        self.keys.rcu(|keys| {
            let mut all = vec![key.clone()];
            all.extend(keys.all.iter().filter(|old| !old.is(&key)).cloned());
            Keys { all }
        });
        Ok(())
    }

    /// Stops accepting every key but the signing one.
    pub fn retire(&self) {
        self.keys.rcu(|keys| Keys {
            all: keys.all[..1].to_vec(),
        });
    }

    /// Takes over the keys of another ring, in every clone of this one.
    pub fn replace(&self, with: &Self) {
        self.keys.store(with.keys.load_full());
    }

    /// The keys as they are at this moment, without a lock.
    pub(crate) fn load(&self) -> Guard<Arc<Keys>> {
        self.keys.load()
    }

    pub(crate) fn check_lengths(&self) -> Result<(), Error> {
        match self.load().all.iter().find(|key| key.key.is_short()) {
            Some(short) => Err(Error::new(Kind::KeyLength {
                bytes: short.key.bytes.len(),
            })),
            None => Ok(()),
        }
    }

    fn holding(keys: Keys) -> Self {
        Self {
            keys: Arc::new(ArcSwap::from_pointee(keys)),
        }
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.load().all.iter().map(|key| &key.key))
            .finish()
    }
}

impl From<Key> for KeyRing {
    fn from(key: Key) -> Self {
        Self::holding(Keys {
            all: vec![Prepared::new(key)],
        })
    }
}

/// The keys of a ring at one moment; never empty, and the first one signs.
pub(crate) struct Keys {
    all: Vec<Prepared>,
}

impl Keys {
    pub(crate) fn signing(&self) -> &Prepared {
        &self.all[0]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Prepared> {
        self.all.iter()
    }
}

/// A key with its HMAC states: to start from a copied state saves two of the four blocks of a MAC.
#[derive(Clone)]
pub(crate) struct Prepared {
    key: Key,
    pub(crate) id: u8,
    /// Keyed with a derived key, so that no MAC of another purpose can ever be one of ours.
    form: HmacSha256,
    /// Keyed with the key itself, as gorilla does.
    raw: HmacSha256,
}

impl Prepared {
    fn new(key: Key) -> Self {
        let raw = keyed(&key.bytes);
        let mut derive = raw.clone();
        derive.update(FORM_LABEL);
        let form = keyed(&derive.finalize().into_bytes());
        Self {
            id: key.id(),
            key,
            form,
            raw,
        }
    }

    pub(crate) fn form_mac(&self) -> HmacSha256 {
        self.form.clone()
    }

    pub(crate) fn raw_mac(&self) -> HmacSha256 {
        self.raw.clone()
    }

    /// Whether the two are the same key. Both are ours: there is nobody to time the comparison.
    fn is(&self, other: &Self) -> bool {
        self.key.bytes == other.key.bytes
    }
}

#[expect(
    clippy::expect_used,
    reason = "HMAC is defined for keys of every length"
)]
fn keyed(key: &[u8]) -> HmacSha256 {
    HmacSha256::new_from_slice(key).expect("HMAC takes keys of every length")
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    // Hexadecimal digits are base64 too; the length decides. Base64 of 48 bytes that happens to be
    // all hexadecimal digits does not occur.
    if text.len() < FULL_LENGTH * 2 || !text.len().is_multiple_of(2) {
        return None;
    }
    let nibbles: Option<Vec<u8>> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|n| u8::try_from(n).ok()))
        .collect();
    Some(
        nibbles?
            .chunks_exact(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect(),
    )
}

const FULL_LENGTH: usize = 32;
const HEX: &[u8; 16] = b"0123456789abcdef";
const ID_LABEL: &[u8] = b"mainstay-csrf/key-id/v1";
const FORM_LABEL: &[u8] = b"mainstay-csrf/form-token/v1";

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
            let key: Key = engine.encode(bytes).parse().unwrap();
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

    #[test]
    fn debug_keeps_the_secret() {
        let key = Key::from([0x41; 32]);
        let shown = format!("{key:?} {:?}", KeyRing::from(key.clone()));
        assert!(!shown.contains("4141") && !shown.contains("AAAA") && !shown.contains("65, 65"));
    }

    #[test]
    fn a_rotated_ring_signs_with_the_new_key_and_knows_the_old_one_until_it_is_retired() {
        let ring = KeyRing::new([1; 32]).unwrap();
        let clone = ring.clone();
        ring.rotate([2; 32]).unwrap();
        ring.rotate([1; 32]).unwrap();

        let ids = |ring: &KeyRing| ring.load().iter().map(|key| key.id).collect::<Vec<_>>();
        let (one, two) = (Key::from([1; 32]).id(), Key::from([2; 32]).id());
        assert_eq!(ids(&clone), [one, two]);

        clone.retire();
        assert_eq!(ids(&ring), [one]);

        ring.replace(&KeyRing::new([2; 32]).unwrap());
        assert_eq!(ids(&clone), [two]);
    }
}
