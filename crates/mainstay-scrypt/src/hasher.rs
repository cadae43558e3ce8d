//! The synchronous core.

use std::hint::black_box;

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::encoding::{Encoded, Format};
use crate::error::{Error, Kind};
use crate::kernel;
use crate::params::{Limits, Params, Policy};
use crate::verdict::{KEY_LEN, Rehash, SALT_LEN, Verdict};

/// Makes and checks password hashes, on the thread that calls it.
///
/// A hash takes tens to hundreds of milliseconds and as much memory as its parameters say. In
/// asynchronous code, and wherever strangers decide how many run at once, put an
/// [`AsyncHasher`] in front.
///
/// ```
/// use mainstay_scrypt::{Hasher, Params, Verdict};
///
/// // Cheap parameters, so that this example is quick. A service says `Params::OWASP`.
/// let hasher = Hasher::builder().params(Params::new(4, 8, 1)?).allow_weak().build()?;
/// let stored = hasher.hash("correct horse battery staple")?;
///
/// assert_eq!(
///     hasher.verify("correct horse battery staple", &stored)?,
///     Verdict::Match { rehash: None },
/// );
/// assert_eq!(hasher.verify("Tr0ub4dor&3", &stored)?, Verdict::Mismatch);
/// # Ok::<(), mainstay_scrypt::Error>(())
/// ```
///
/// [`AsyncHasher`]: https://docs.rs/mainstay-scrypt/latest/mainstay_scrypt/struct.AsyncHasher.html
#[derive(Clone, Debug)]
pub struct Hasher {
    params: Params,
    limits: Limits,
    format: Format,
    policy: Policy,
    rules: Rules,
}

/// What passwords are taken at all. Cheap to check, and the same for every account.
#[derive(Clone, Copy, Debug)]
struct Rules {
    max_len: usize,
    allow_nul: bool,
    allow_empty: bool,
}

impl Hasher {
    /// Starts from the defaults: [`Params::OWASP`], the PHC form, the default [`Limits`],
    /// [`Policy::Upgrade`], passwords of up to 1024 bytes without NUL.
    pub fn builder() -> HasherBuilder {
        HasherBuilder {
            hasher: Self {
                params: Params::OWASP,
                limits: Limits::default(),
                format: Format::default(),
                policy: Policy::default(),
                rules: Rules {
                    max_len: 1024,
                    allow_nul: false,
                    allow_empty: false,
                },
            },
            allow_weak: false,
        }
    }

    /// The parameters of new hashes.
    pub fn params(&self) -> Params {
        self.params
    }

    /// What stored hashes may ask for.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// The form of new hashes.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Hashes a new password, with a fresh salt.
    ///
    /// # Errors
    ///
    /// [`is_password_rejected`](Error::is_password_rejected) for one that is empty, too long or
    /// has a NUL byte; [`is_out_of_memory`](Error::is_out_of_memory); [`is_rng`](Error::is_rng).
    pub fn hash(&self, password: impl AsRef<[u8]>) -> Result<String, Error> {
        self.hash_with_lengths(password.as_ref(), SALT_LEN, KEY_LEN)
    }

    /// Checks a password against a stored hash, whatever its form and parameters.
    ///
    /// A stored hash that cannot be read costs as much time as a wrong password, so that it does
    /// not stand out to the person at the login form.
    ///
    /// # Errors
    ///
    /// [`is_unreadable`](Error::is_unreadable) when the stored hash is at fault (worth a line in
    /// the log); [`is_password_rejected`](Error::is_password_rejected), before anything else is
    /// looked at; [`is_out_of_memory`](Error::is_out_of_memory).
    pub fn verify(&self, password: impl AsRef<[u8]>, encoded: &str) -> Result<Verdict, Error> {
        let password = password.as_ref();
        self.check_password(password)?;
        match self.read(encoded) {
            Ok(stored) => self.compare(password, &stored),
            Err(error) => {
                self.spend(password)?;
                Err(error)
            }
        }
    }

    /// Costs what [`verify`](Self::verify) costs with the current parameters, and never matches:
    /// for a login with a name that does not exist, so that the time of the answer does not tell.
    ///
    /// It has the same type and the same errors, so that both cases can share the code below them:
    ///
    /// ```
    /// # use mainstay_scrypt::{Hasher, Params};
    /// # let hasher = Hasher::builder().params(Params::new(4, 8, 1)?).allow_weak().build()?;
    /// # let (password, stored): (&str, Option<String>) = ("secret", None);
    /// let verdict = match &stored {
    ///     Some(stored) => hasher.verify(password, stored)?,
    ///     None => hasher.dummy_verify(password)?,
    /// };
    /// assert!(!verdict.is_match());
    /// # Ok::<(), mainstay_scrypt::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`is_password_rejected`](Error::is_password_rejected),
    /// [`is_out_of_memory`](Error::is_out_of_memory).
    pub fn dummy_verify(&self, password: impl AsRef<[u8]>) -> Result<Verdict, Error> {
        let password = password.as_ref();
        self.check_password(password)?;
        self.spend(password)?;
        Ok(Verdict::Mismatch)
    }

    /// Refuses passwords before they are copied, queued or hashed.
    pub(crate) fn check_password(&self, password: &[u8]) -> Result<(), Error> {
        let reject = |why| Err(Error::new(Kind::PasswordRejected(why)));
        if password.len() > self.rules.max_len {
            return reject("it is too long");
        }
        // HMAC pads its key with zeros: with and without them at the end the hash is the same.
        if !self.rules.allow_nul && password.contains(&0) {
            return reject("it contains a NUL byte");
        }
        Ok(())
    }

    /// The further rules for passwords that are being set.
    pub(crate) fn check_new_password(&self, password: &[u8]) -> Result<(), Error> {
        if password.is_empty() && !self.rules.allow_empty {
            return Err(Error::new(Kind::PasswordRejected("it is empty")));
        }
        self.check_password(password)
    }

    pub(crate) fn hash_with_lengths(
        &self,
        password: &[u8],
        salt_len: usize,
        key_len: usize,
    ) -> Result<String, Error> {
        self.check_new_password(password)?;
        let mut salt = vec![0; salt_len];
        getrandom::fill(&mut salt).map_err(|error| Error::new(Kind::Rng(error)))?;
        let mut key = Zeroizing::new(vec![0; key_len]);
        kernel::derive(password, &salt, self.params, &mut key)?;
        Ok(Encoded {
            format: self.format,
            params: self.params,
            salt,
            key,
        }
        .write())
    }

    /// Parses and applies the limits; nothing has been allocated for the derivation yet.
    fn read(&self, encoded: &str) -> Result<Encoded, Error> {
        let stored = Encoded::parse(encoded)?;
        self.limits.check(stored.params)?;
        Ok(stored)
    }

    fn compare(&self, password: &[u8], stored: &Encoded) -> Result<Verdict, Error> {
        let mut key = Zeroizing::new(vec![0; stored.key.len()]);
        kernel::derive(password, &stored.salt, stored.params, &mut key)?;
        if !bool::from(key.ct_eq(&stored.key)) {
            return Ok(Verdict::Mismatch);
        }
        let rehash = Rehash::judge(stored.cost(), self.params, self.format, self.policy);
        Ok(Verdict::Match { rehash })
    }

    /// One derivation with the current parameters, its result thrown away.
    fn spend(&self, password: &[u8]) -> Result<(), Error> {
        let mut key = Zeroizing::new([0; KEY_LEN]);
        kernel::derive(password, &[0; SALT_LEN], self.params, key.as_mut_slice())?;
        black_box(&key);
        Ok(())
    }
}

/// Sets up a [`Hasher`].
#[derive(Clone, Debug)]
#[must_use = "call `build` to get a hasher"]
pub struct HasherBuilder {
    hasher: Hasher,
    allow_weak: bool,
}

impl HasherBuilder {
    /// The cost of new hashes. Stored ones bring their own.
    pub fn params(mut self, params: Params) -> Self {
        self.hasher.params = params;
        self
    }

    /// The form of new hashes. All are read, whichever is written.
    pub fn format(mut self, format: Format) -> Self {
        self.hasher.format = format;
        self
    }

    /// What stored hashes may ask for.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.hasher.limits = limits;
        self
    }

    /// When a match asks for a new hash.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.hasher.policy = policy;
        self
    }

    /// The longest password that is taken, in bytes (default: 1024). Nothing is ever cut off.
    pub fn max_password_len(mut self, bytes: usize) -> Self {
        self.hasher.rules.max_len = bytes;
        self
    }

    /// Takes secrets with NUL bytes, that is, bytes that are not text.
    ///
    /// A secret of up to 64 bytes and the same with NUL bytes appended have one and the same hash.
    pub fn allow_nul(mut self) -> Self {
        self.hasher.rules.allow_nul = true;
        self
    }

    /// Makes new hashes even under the floor ([`Params::is_weak`]): for tests, and for sharing
    /// a database with a service that cannot do better yet.
    pub fn allow_weak(mut self) -> Self {
        self.allow_weak = true;
        self
    }

    /// As simple-scrypt does.
    pub(crate) fn allow_empty(mut self) -> Self {
        self.hasher.rules.allow_empty = true;
        self
    }

    /// Checks the settings against each other.
    ///
    /// # Errors
    ///
    /// [`is_too_weak`](Error::is_too_weak); [`is_over_limit`](Error::is_over_limit) when the
    /// hasher would refuse to verify what it writes.
    pub fn build(self) -> Result<Hasher, Error> {
        let Hasher { params, limits, .. } = self.hasher;
        if params.is_weak() && !self.allow_weak {
            return Err(Error::new(Kind::TooWeak));
        }
        limits.check(params)?;
        Ok(self.hasher)
    }
}
