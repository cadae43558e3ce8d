//! Password hashing with scrypt: salted, self-describing, upgradable, bounded.
//!
//! ```
//! use std::collections::HashMap;
//!
//! use mainstay_scrypt::{Error, Hasher, Verdict};
//!
//! struct Site {
//!     hasher: Hasher,
//!     users: HashMap<String, String>,
//! }
//!
//! impl Site {
//!     fn sign_up(&mut self, name: &str, password: &str) -> Result<(), Error> {
//!         let stored = self.hasher.hash(password)?;
//!         self.users.insert(name.to_owned(), stored);
//!         Ok(())
//!     }
//!
//!     fn log_in(&mut self, name: &str, password: &str) -> Result<bool, Error> {
//!         let verdict = match self.users.get(name) {
//!             Some(stored) => self.hasher.verify(password, stored)?,
//!             // As slow as a wrong password, so that the time does not tell who has an account.
//!             None => self.hasher.dummy_verify(password)?,
//!         };
//!         if let Verdict::Match { rehash: Some(_why) } = verdict {
//!             self.sign_up(name, password)?;
//!         }
//!         Ok(verdict.is_match())
//!     }
//! }
//!
//! fn main() -> Result<(), Error> {
//!     // 128 MiB a hash, OWASP's first choice. `.params(…)` takes others.
//!     let mut site = Site { hasher: Hasher::builder().build()?, users: HashMap::new() };
//!     site.sign_up("gopher", "correct horse battery staple")?;
//!     assert!(site.log_in("gopher", "correct horse battery staple")?);
//!     assert!(!site.log_in("gopher", "letmein")?);
//!     assert!(!site.log_in("nobody", "letmein")?);
//!     Ok(())
//! }
//! ```
//!
//! A hash takes a good fraction of a second and much memory; that is its point. In a service put an
//! [`AsyncHasher`] (feature `tokio`) in front, which bounds how many run and how many wait, and
//! says [busy](Error::is_busy) beyond that.
//!
//! # What it takes care of
//!
//! - **Upgrades.** A match says [why](Rehash) the stored hash is out of date, if it is, while the
//!   password is at hand. Services with different settings do not rewrite each other's hashes
//!   ([`Policy`]).
//! - **Hostile hashes.** The cost is read from the stored string. What asks for more than the
//!   [`Limits`] is refused before anything is allocated, and memory that cannot be had is an error
//!   and no abort.
//! - **Time that tells.** A name that does not exist ([`Hasher::dummy_verify`]) and a stored hash that
//!   cannot be read take as long as a wrong password.
//! - **Passwords that are the same to HMAC.** A NUL byte is refused; nothing is ever cut off.
//! - **Secrets in memory.** Copies of passwords and derived keys are wiped, and nothing that holds one
//!   implements `Debug`. The derivation's own table is not wiped yet.
//!
//! # What is read and written
//!
//! | form | |
//! | --- | --- |
//! | PHC, `$scrypt$ln=17,r=8,p=1$…$…` | read, written by default |
//! | simple-scrypt, `16384$8$1$…$…` | read, written on [request](HasherBuilder::format) |
//! | others, such as Django's and `$7$` | refused by name |
//!
//! The module [`simple`] has the calls of Go's simple-scrypt under their own names.
//!
//! # Features
//!
//! - `tokio`: `AsyncHasher`. Off by default; it needs tokio's channels and no running timer.
//!
//! # When not to use it
//!
//! - Where Argon2id is to be had and no scrypt hashes are stored yet: OWASP ranks it first.
//! - For tokens and keys with 128 bits of randomness or more: a plain SHA-256 is as good and a million
//!   times cheaper.
//! - To derive keys for encryption: use the `scrypt` crate; here the salt is random every time.
//!
//! [`AsyncHasher`]: https://docs.rs/mainstay-scrypt/latest/mainstay_scrypt/struct.AsyncHasher.html
#![forbid(unsafe_code)]

#[cfg(feature = "tokio")]
mod asynchronous;
mod encoding;
mod error;
mod hasher;
mod kernel;
mod params;
#[cfg(feature = "tokio")]
mod pool;
pub mod simple;
mod verdict;

#[cfg(feature = "tokio")]
pub use crate::asynchronous::{AsyncHasher, AsyncHasherBuilder, Load};
pub use crate::encoding::{Cost, Format, cost};
pub use crate::error::Error;
pub use crate::hasher::{Hasher, HasherBuilder};
pub use crate::params::{Limits, Params, Policy};
pub use crate::verdict::{Rehash, Verdict};

/// The README's programs.
#[cfg(all(doctest, feature = "tokio"))]
#[doc = include_str!("../README.md")]
struct Readme;
