use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use arc_swap::{ArcSwap, Guard};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{Key, error::Error};

pub(crate) type HmacSha256 = Hmac<Sha256>;

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
    ring: Arc<Ring>,
}

struct Ring {
    keys: ArcSwap<Keys>,
    /// Set when the modern preset begins to use the ring: no shorter key gets in from then on.
    full_length: AtomicBool,
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
        let key = self.admit(key.try_into()?)?;
        self.ring.keys.rcu(|keys| {
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
        let key = self.admit(key.try_into()?)?;
        self.ring.keys.rcu(|keys| {
            let mut all = vec![key.clone()];
            all.extend(keys.all.iter().filter(|old| !old.is(&key)).cloned());
            Keys { all }
        });
        Ok(())
    }

    /// Stops accepting every key but the signing one.
    pub fn retire(&self) {
        self.ring.keys.rcu(|keys| Keys {
            all: keys.all[..1].to_vec(),
        });
    }

    /// Takes over the keys of another ring, in every clone of this one.
    ///
    /// # Errors
    ///
    /// When one of them is too short for the preset that uses this ring.
    pub fn replace(&self, with: &Self) -> Result<(), Error> {
        let keys = with.ring.keys.load_full();
        if self.ring.full_length.load(Ordering::Acquire) {
            keys.check_lengths()?;
        }
        self.ring.keys.store(keys);
        Ok(())
    }

    /// The keys as they are at this moment, without a lock.
    pub(crate) fn load(&self) -> Guard<Arc<Keys>> {
        self.ring.keys.load()
    }

    /// Refuses short keys, now and from now on.
    pub(crate) fn demand_full_length(&self) -> Result<(), Error> {
        self.ring.full_length.store(true, Ordering::Release);
        self.load().check_lengths()
    }

    fn admit(&self, key: Key) -> Result<Prepared, Error> {
        if self.ring.full_length.load(Ordering::Acquire) {
            key.check_length()?;
        }
        Ok(Prepared::new(key))
    }

    fn holding(keys: Keys) -> Self {
        Self {
            ring: Arc::new(Ring {
                keys: ArcSwap::from_pointee(keys),
                full_length: AtomicBool::new(false),
            }),
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

    fn check_lengths(&self) -> Result<(), Error> {
        self.all.iter().try_for_each(|key| key.key.check_length())
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
        let raw = keyed(key.as_bytes());
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
        self.key.as_bytes() == other.key.as_bytes()
    }
}

#[expect(
    clippy::expect_used,
    reason = "HMAC is defined for keys of every length"
)]
fn keyed(key: &[u8]) -> HmacSha256 {
    HmacSha256::new_from_slice(key).expect("HMAC takes keys of every length")
}

const FORM_LABEL: &[u8] = b"mainstay-csrf/form-token/v1";

#[cfg(test)]
mod tests {
    use super::*;

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

        ring.replace(&KeyRing::new([2; 32]).unwrap()).unwrap();
        assert_eq!(ids(&clone), [two]);
    }
}
