//! Cookies and tokens of the presets: reading, checking, making.

use http::{HeaderMap, HeaderValue, request::Parts};

use crate::{
    CsrfVerified, Failure, Place, Scope, cookie,
    encoding::{self, URL_SAFE_NO_PAD, same},
    gorilla,
    handle::Identity,
    keys::Keys,
    policy::{Check, Policy, Scheme},
    scope,
    token::{Binding, Token},
};

impl Policy {
    /// Who the browser is, by its cookie.
    pub(crate) fn read_cookie(&self, headers: &HeaderMap) -> Result<Identity, Failure> {
        let mut values = cookie::values(headers, &self.cookie.name);
        match self.scheme {
            Scheme::HeadersOnly => Err(Failure::CookieMissing),
            Scheme::Modern if self.session_only => Ok(Identity {
                secret: NO_COOKIE,
                send: false,
            }),
            Scheme::Modern => {
                let value = values.next().ok_or(Failure::CookieMissing)?;
                if values.next().is_some() {
                    return Err(Failure::CookieDuplicate);
                }
                let secret = encoding::decode(&URL_SAFE_NO_PAD, value);
                let secret = secret.ok_or(Failure::CookieMalformed)?;
                Ok(Identity {
                    secret,
                    send: false,
                })
            }
            // Go takes the first and fails if it is bad. Without a path of its own the cookie piles
            // up in browsers, once per directory, so the first good one is taken here; whoever can
            // plant one can plant it first.
            Scheme::Gorilla => {
                let mut failure = Failure::CookieMissing;
                for value in values {
                    match self.read_gorilla_cookie(value) {
                        Ok(identity) => return Ok(identity),
                        Err(next) if failure == Failure::CookieMissing => failure = next,
                        Err(_) => {}
                    }
                }
                Err(failure)
            }
        }
    }

    fn read_gorilla_cookie(&self, value: &[u8]) -> Result<Identity, Failure> {
        let (now, age) = (self.clock.now(), self.cookie.max_age);
        let read = gorilla::read_cookie(&self.keys.load(), &self.cookie.name, value, now, age)?;
        let half_over =
            age.is_some_and(|age| i128::from(now) - i128::from(read.issued) > i128::from(age / 2));
        Ok(Identity {
            secret: read.token,
            send: !read.current || self.renew && half_over,
        })
    }

    pub(crate) fn set_cookie(&self, secret: &[u8; 32]) -> Option<HeaderValue> {
        let now = self.clock.now();
        let value = match self.scheme {
            Scheme::HeadersOnly => return None,
            Scheme::Modern if self.session_only => return None,
            Scheme::Modern => URL_SAFE_NO_PAD.encode_to_string(secret),
            Scheme::Gorilla => {
                gorilla::write_cookie(self.keys.load().signing(), &self.cookie.name, secret, now)
            }
        };
        self.cookie.set_cookie(&value, now)
    }

    /// A fresh token; empty where the preset has none.
    pub(crate) fn issue(&self, secret: &[u8; 32], session: Option<&[u8]>, scope: &str) -> String {
        match self.scheme {
            Scheme::HeadersOnly => String::new(),
            Scheme::Modern => {
                // Unix time fits into 32 bits until 2106.
                let now = u32::try_from(self.clock.now()).unwrap_or(u32::MAX);
                let binding = Binding {
                    cookie: secret,
                    session,
                    scope,
                };
                Token::new(self.keys.load().signing(), binding, now, random()).text()
            }
            Scheme::Gorilla => gorilla::mask(secret, random()),
        }
    }

    /// Whether this is the token that the check still lacks.
    pub(crate) fn verify(
        &self,
        check: &Check,
        text: &[u8],
        place: Place,
        parts: &Parts,
    ) -> Result<CsrfVerified, Failure> {
        if text.is_empty() {
            return Err(Failure::TokenMissing { place });
        }
        let scope = if self.scheme == Scheme::Gorilla {
            let token = gorilla::unmask(text).ok_or(Failure::TokenMalformed { place })?;
            if !same(&token, &check.identity.secret) {
                return Err(Failure::TokenMismatch { place });
            }
            Scope::Any
        } else {
            self.verify_modern(check, text, place, parts)?
        };
        Ok(CsrfVerified::by_token(check.standing, place, scope))
    }

    fn verify_modern(
        &self,
        check: &Check,
        text: &[u8],
        place: Place,
        parts: &Parts,
    ) -> Result<Scope, Failure> {
        let token = Token::parse(text).ok_or(Failure::TokenMalformed { place })?;
        let keys = self.keys.load();
        let cookie = &check.identity.secret;
        let find = |session| self.scope_of(&token, &keys, cookie, session, parts);
        let session = check.session.as_deref();
        if let Some(scope) = find(session) {
            if scope == Scope::Any && self.routes.demands_scope(parts) {
                return Err(Failure::TokenScope { place });
            }
            return match self.max_token_age {
                Some(most) if self.age(&token) > most => Err(Failure::TokenExpired { place }),
                _ => Ok(scope),
            };
        }
        if !token.key_is_known(&keys) {
            return Err(Failure::TokenKeyUnknown { place });
        }
        // Not to let anything through, but to tell honest visitors what happened.
        let before = self
            .binding
            .as_ref()
            .and_then(|binding| binding.previous(parts));
        if session.is_some() && find(None).is_some()
            || before.is_some() && find(before.as_deref()).is_some()
        {
            return Err(Failure::StaleSession { place });
        }
        Err(Failure::TokenMismatch { place })
    }

    fn age(&self, token: &Token) -> u64 {
        self.clock.now().saturating_sub(u64::from(token.issued()))
    }

    /// For which of the scopes that this request allows the token was made. Most are for any form,
    /// so that is tried first.
    fn scope_of(
        &self,
        token: &Token,
        keys: &Keys,
        cookie: &[u8; 32],
        session: Option<&[u8]>,
        parts: &Parts,
    ) -> Option<Scope> {
        let made_for = |scope: &str| {
            token.matches(
                keys,
                Binding {
                    cookie,
                    session,
                    scope,
                },
            )
        };
        if made_for("") {
            return Some(Scope::Any);
        }
        if made_for(&scope::of_request(parts, &self.routes.public_prefix)) {
            return Some(Scope::Action);
        }
        let mut names = self.routes.scopes(parts);
        names
            .find(|name| made_for(&scope::named(name)))
            .map(|name| Scope::Named(name.into()))
    }

    /// Whether the cookie that scripts read holds a token that is still good.
    pub(crate) fn mirror_is_good(
        &self,
        name: &str,
        secret: &[u8; 32],
        session: Option<&[u8]>,
        headers: &HeaderMap,
    ) -> bool {
        let binding = Binding {
            cookie: secret,
            session,
            scope: "",
        };
        let token = cookie::values(headers, name).next().and_then(Token::parse);
        token.is_some_and(|token| token.matches(&self.keys.load(), binding))
    }
}

/// Stands for the cookie's secret where there is no cookie. No browser has it: 32 random bytes are
/// no sentence.
pub(crate) const NO_COOKIE: [u8; 32] = *b"mainstay-csrf bound to a session";

pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes);
    bytes
}
