//! A server's login: HTTP Basic against a plain password, a SHA-1, or an scrypt hash.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderValue;
use mainstay_scrypt::{AsyncHasher, Hasher};
use sha1::Digest as _;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::config::Credentials;

/// Checks who comes. A clone is the same login.
#[derive(Clone)]
pub(super) struct Login(Arc<Inner>);

struct Inner {
    /// Of this login alone, and new at each start: tags mean nothing outside.
    key: [u8; 32],
    secret: Secret,
}

enum Secret {
    /// The tag of the user and the password.
    Plain(Tag),
    /// The tag of the user and the hexadecimal SHA-1 of the password.
    Sha1(Tag),
    Scrypt {
        username: Tag,
        encoded: String,
        hasher: OnceLock<AsyncHasher>,
        known: Mutex<Option<Known>>,
    },
}

/// What a good login looks like, and until when that is believed without hashing again.
struct Known {
    tag: Tag,
    until: Instant,
}

/// A keyed hash, of one length whatever it is made of, so that comparing takes one time.
type Tag = [u8; 32];

/// Why somebody is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No credentials, or none that can be read.
    Missing,
    /// Wrong credentials.
    Wrong,
    /// Too many passwords are being checked already.
    Busy,
}

impl Login {
    /// The login of a server. Starts nothing: the threads that hash begin with the first check,
    /// because threads do not live through daemonizing.
    pub(super) fn new(credentials: &Credentials) -> Result<Self, mainstay_scrypt::Error> {
        let key = rand::random();
        let Credentials { username, password } = credentials;
        let secret = if password.starts_with("$scrypt$") {
            mainstay_scrypt::cost(password)?;
            Secret::Scrypt {
                username: tag(&key, username.as_bytes(), b""),
                encoded: password.clone(),
                hasher: OnceLock::new(),
                known: Mutex::new(None),
            }
        } else if let Some(hex) = password.strip_prefix("{SHA}") {
            Secret::Sha1(tag(&key, username.as_bytes(), hex.as_bytes()))
        } else {
            Secret::Plain(tag(&key, username.as_bytes(), password.as_bytes()))
        };
        Ok(Self(Arc::new(Inner { key, secret })))
    }

    /// Checks the `Authorization` header of a request.
    pub(super) async fn check(&self, header: Option<&HeaderValue>) -> Result<(), Refusal> {
        let (username, password) = header.and_then(parse).ok_or(Refusal::Missing)?;
        let presented = self.tag(&username, &password);
        let admitted = match &self.0.secret {
            Secret::Plain(expected) => presented.ct_eq(expected).into(),
            Secret::Sha1(expected) => {
                let digest = hex(&sha1::Sha1::digest(&password));
                self.tag(&username, digest.as_bytes())
                    .ct_eq(expected)
                    .into()
            }
            Secret::Scrypt {
                username: expected,
                encoded,
                hasher,
                known,
            } => {
                let now = Instant::now();
                let remembered = known
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .as_ref()
                    .is_some_and(|known| now < known.until && presented.ct_eq(&known.tag).into());
                if remembered {
                    return Ok(());
                }
                let hasher = ready(hasher).map_err(|error| busy(&error))?;
                // Also for a wrong name, or the time would tell which names are right.
                let right = hasher
                    .verify(&password, encoded)
                    .await
                    .map_err(|error| busy(&error))?;
                let named: bool = self.tag(&username, b"").ct_eq(expected).into();
                let admitted = named && right.is_match();
                if admitted {
                    let until = now + BELIEVED;
                    *known.lock().unwrap_or_else(PoisonError::into_inner) = Some(Known {
                        tag: presented,
                        until,
                    });
                }
                admitted
            }
        };
        if admitted {
            Ok(())
        } else {
            Err(Refusal::Wrong)
        }
    }

    fn tag(&self, username: &[u8], password: &[u8]) -> Tag {
        tag(&self.0.key, username, password)
    }
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Login")
    }
}

/// One thread: more would only let strangers use more of the machine.
fn ready(hasher: &OnceLock<AsyncHasher>) -> Result<&AsyncHasher, mainstay_scrypt::Error> {
    if let Some(ready) = hasher.get() {
        return Ok(ready);
    }
    let new = AsyncHasher::builder(Hasher::builder().build()?)
        .workers(1)
        .build()?;
    Ok(hasher.get_or_init(|| new))
}

fn busy(error: &mainstay_scrypt::Error) -> Refusal {
    if error.is_password_rejected() {
        return Refusal::Wrong;
    }
    tracing::warn!(
        error = error as &dyn std::error::Error,
        "a password could not be checked"
    );
    Refusal::Busy
}

/// User and password of `Basic …`.
fn parse(header: &HeaderValue) -> Option<(Vec<u8>, Vec<u8>)> {
    let (scheme, encoded) = header.to_str().ok()?.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = BASE64.decode(encoded.trim()).ok()?;
    let colon = decoded.iter().position(|&byte| byte == b':')?;
    let password = decoded[colon + 1..].to_vec();
    let mut username = decoded;
    username.truncate(colon);
    Some((username, password))
}

fn tag(key: &[u8; 32], username: &[u8], password: &[u8]) -> Tag {
    // Any length is a key for HMAC, so this cannot fail.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return [0; 32];
    };
    mac.update(&(username.len() as u64).to_be_bytes());
    mac.update(username);
    mac.update(password);
    mac.finalize().into_bytes().into()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How long a good login is believed: a page and its parts, a command and its calls.
const BELIEVED: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    fn login(password: &str) -> Login {
        let username = "chris".to_owned();
        Login::new(&Credentials {
            username,
            password: password.to_owned(),
        })
        .unwrap()
    }

    fn basic(text: &[u8]) -> HeaderValue {
        let encoded = base64::engine::general_purpose::STANDARD.encode(text);
        HeaderValue::try_from(format!("Basic {encoded}")).unwrap()
    }

    fn hashed(password: &str) -> String {
        let params = mainstay_scrypt::Params::new(4, 8, 1).unwrap();
        Hasher::builder()
            .params(params)
            .allow_weak()
            .build()
            .unwrap()
            .hash(password)
            .unwrap()
    }

    #[tokio::test]
    async fn the_right_password_is_let_in_and_no_other() {
        let scrypt = hashed("123");
        let wrong = Err(Refusal::Wrong);
        for (stored, presented, expected) in [
            ("123", "chris:123", Ok(())),
            ("123", "chris:1234", wrong),
            ("123", "chris:12", wrong),
            ("123", "chris:", wrong),
            ("123", "Chris:123", wrong),
            ("123", "chris1:23", wrong),
            ("1:2:3", "chris:1:2:3", Ok(())),
            ("pässwörd", "chris:pässwörd", Ok(())),
            ("", "chris:", Ok(())),
            (
                "{SHA}40bd001563085fc35165329ea1ff5c5ecbdbbeef",
                "chris:123",
                Ok(()),
            ),
            (
                "{SHA}40bd001563085fc35165329ea1ff5c5ecbdbbeef",
                "chris:124",
                wrong,
            ),
            (
                "{SHA}40bd001563085fc35165329ea1ff5c5ecbdbbeef",
                "other:123",
                wrong,
            ),
            // Lower case only, as the original has it.
            (
                "{SHA}40BD001563085FC35165329EA1FF5C5ECBDBBEEF",
                "chris:123",
                wrong,
            ),
            // The stored text is not itself a password.
            (
                "{SHA}40bd001563085fc35165329ea1ff5c5ecbdbbeef",
                "chris:{SHA}40bd001563085fc35165329ea1ff5c5ecbdbbeef",
                wrong,
            ),
            (scrypt.as_str(), "chris:123", Ok(())),
            (scrypt.as_str(), "chris:1234", wrong),
            (scrypt.as_str(), "other:123", wrong),
            (scrypt.as_str(), &format!("chris:{scrypt}"), wrong),
            (scrypt.as_str(), "chris:nul\0", wrong),
        ] {
            let result = login(stored)
                .check(Some(&basic(presented.as_bytes())))
                .await;
            assert_eq!(result, expected, "{stored} {presented}");
        }
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_missing() {
        let login = login("123");
        assert_eq!(login.check(None).await, Err(Refusal::Missing));
        for header in [
            "",
            "Basic",
            "Basic ",
            "Basic ***",
            "Basic Y2hyaXM=",
            "Bearer Y2hyaXM6MTIz",
            "Y2hyaXM6MTIz",
        ] {
            let result = login.check(Some(&HeaderValue::from_static(header))).await;
            assert_eq!(result, Err(Refusal::Missing), "{header}");
        }
        for header in [
            "Basic Y2hyaXM6MTIz",
            "basic Y2hyaXM6MTIz",
            "BASIC  Y2hyaXM6MTIz ",
        ] {
            let result = login.check(Some(&HeaderValue::from_static(header))).await;
            assert_eq!(result, Ok(()), "{header}");
        }
    }

    #[tokio::test]
    async fn a_good_login_is_believed_for_a_while() {
        let login = login(&hashed("123"));
        let Secret::Scrypt { known, .. } = &login.0.secret else {
            panic!("not scrypt")
        };
        login.check(Some(&basic(b"chris:124"))).await.unwrap_err();
        assert!(known.lock().unwrap().is_none());

        login.check(Some(&basic(b"chris:123"))).await.unwrap();

        // Only what was good, and only so long.
        assert!(known.lock().unwrap().is_some());
        assert_eq!(
            login.check(Some(&basic(b"chris:124"))).await,
            Err(Refusal::Wrong)
        );
        known.lock().unwrap().as_mut().unwrap().until = Instant::now();
        login.check(Some(&basic(b"chris:123"))).await.unwrap();
        assert!(known.lock().unwrap().as_ref().unwrap().until > Instant::now());
    }

    #[test]
    fn a_hash_that_cannot_be_read_is_an_error_at_once() {
        let username = "chris".to_owned();
        let password = "$scrypt$nonsense".to_owned();

        assert!(Login::new(&Credentials { username, password }).is_err());
    }
}
