//! The decision about a request, apart from all transport: parts in, verdict out.

use std::{
    collections::HashSet,
    fmt,
    sync::{Arc, Mutex},
    time::SystemTime,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderName, HeaderValue, request::Parts};

use crate::{
    Binding, CsrfVerified, Failure, KeyRing, Place, Standing,
    body::Media,
    check::{self, OriginPolicy},
    cookie::{self, Attributes},
    handle::{Handle, Identity},
    refusal::Reject,
    route::{Class, Routes},
    session::SessionUnavailable,
    token::{self, Token},
};

/// Which requests need a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tokens {
    /// All that may change something.
    #[default]
    Always,
    /// Only those of which the browser does not say that a page of this very origin made them.
    ///
    /// Forms work without tokens in every browser since 2023, and with tokens in older ones.
    UnlessSameOrigin,
}

/// Everything that was configured.
pub(crate) struct Policy {
    pub(crate) scheme: Scheme,
    pub(crate) keys: KeyRing,
    pub(crate) cookie: Attributes,
    pub(crate) header: HeaderName,
    pub(crate) field: String,
    pub(crate) meta: String,
    pub(crate) origins: OriginPolicy,
    pub(crate) binding: Option<Box<dyn Binding>>,
    pub(crate) tokens: Tokens,
    pub(crate) max_token_age: Option<u64>,
    pub(crate) body_limit: usize,
    pub(crate) routes: Routes,
    pub(crate) report_only: bool,
    pub(crate) reject: Option<Reject>,
    pub(crate) observe: Option<Box<dyn Fn(&'static str) + Send + Sync>>,
    pub(crate) clock: Clock,
    pub(crate) warned: Mutex<HashSet<String>>,
}

/// What goes over the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Modern,
    HeadersOnly,
}

/// What is to be done with a request, as far as its head tells.
pub(crate) enum Decision {
    Done(Handle, Result<(), Failure>),
    /// The token may be in the body.
    Search(Check, Media),
}

/// A request that lacks nothing but its token.
pub(crate) struct Check {
    standing: Standing,
    session: Option<Box<[u8]>>,
    identity: Identity,
}

pub(crate) type Session = Result<Option<Box<[u8]>>, SessionUnavailable>;

impl Policy {
    /// Cheapest first, and the body last: not one byte of it is asked for here.
    pub(crate) fn decide(self: &Arc<Self>, parts: &Parts) -> Decision {
        let session = self.session(parts);
        let tokens = match self.routes.class(parts) {
            Class::Exempt | Class::Safe => return self.done(session, None, Ok(None)),
            Class::Handshake => {
                let verdict = self.origins.judge_handshake(parts);
                return self.done(
                    session,
                    None,
                    verdict.map(CsrfVerified::by_headers).map(Some),
                );
            }
            // Links cannot carry a token, so the browser's word has to do where there is one.
            Class::Guarded => Tokens::UnlessSameOrigin,
            Class::Checked => self.tokens,
        };
        if self.scheme == Scheme::HeadersOnly {
            let verdict = self.origins.judge_as_go(parts);
            return self.done(
                session,
                None,
                verdict.map(CsrfVerified::by_headers).map(Some),
            );
        }
        let standing = match self.origins.judge(parts) {
            Ok(Standing::Same) if tokens == Tokens::UnlessSameOrigin => {
                let verified = CsrfVerified::by_headers(Standing::Same);
                return self.done(session, None, Ok(Some(verified)));
            }
            Ok(standing) => standing,
            Err(foreign) => return self.done(session, None, Err(foreign)),
        };
        let identity = match self.read_cookie(&parts.headers) {
            Ok(identity) => identity,
            Err(failure) => return self.done(session, None, Err(failure)),
        };
        let session = match session {
            Ok(session) => session,
            Err(missing) => {
                let failure = Failure::SessionUnavailable {
                    what: missing.what(),
                };
                return self.done(Err(missing), Some(identity), Err(failure));
            }
        };
        let check = Check {
            standing,
            session,
            identity,
        };
        match parts.headers.get(&self.header).map(HeaderValue::as_bytes) {
            Some(text) if !text.is_empty() => {
                let verdict = self.verify(&check, text, Place::Header, parts);
                check.done(self, verdict)
            }
            _ => match Media::of(&parts.headers) {
                Ok(media) => Decision::Search(check, media),
                Err(failure) => check.done(self, Err(failure)),
            },
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
        let token = Token::parse(text).ok_or(Failure::TokenMalformed { place })?;
        let keys = self.keys.load();
        let binding = token::Binding {
            cookie: &check.identity.secret,
            session: check.session.as_deref(),
            scope: "",
        };
        if token.matches(&keys, binding) {
            return match self.max_token_age {
                Some(age) if self.clock.now().saturating_sub(u64::from(token.issued())) > age => {
                    Err(Failure::TokenExpired { place })
                }
                _ => Ok(CsrfVerified::by_token(check.standing, place)),
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
        let was = |session| token.matches(&keys, token::Binding { session, ..binding });
        if binding.session.is_some() && was(None) || before.is_some() && was(before.as_deref()) {
            return Err(Failure::StaleSession { place });
        }
        Err(Failure::TokenMismatch { place })
    }

    /// Who the browser is, by its cookie.
    pub(crate) fn read_cookie(&self, headers: &HeaderMap) -> Result<Identity, Failure> {
        let mut values = cookie::values(headers, &self.cookie.name);
        let Some(value) = values.next() else {
            return Err(Failure::CookieMissing);
        };
        if values.next().is_some() {
            return Err(Failure::CookieDuplicate);
        }
        let mut secret = [0; 32];
        match URL_SAFE_NO_PAD.decode_slice(value, &mut secret) {
            Ok(32) => Ok(Identity {
                secret,
                send: false,
            }),
            _ => Err(Failure::CookieMalformed),
        }
    }

    pub(crate) fn draw_identity(&self) -> Identity {
        let mut secret = [0; 32];
        rand::fill(&mut secret);
        Identity { secret, send: true }
    }

    pub(crate) fn set_cookie(&self, secret: &[u8; 32]) -> Option<HeaderValue> {
        self.cookie
            .set_cookie(&URL_SAFE_NO_PAD.encode(secret), self.clock.now())
    }

    /// A fresh token; empty where the preset has none.
    pub(crate) fn issue(&self, secret: &[u8; 32], session: Option<&[u8]>, scope: &str) -> String {
        match self.scheme {
            Scheme::HeadersOnly => String::new(),
            Scheme::Modern => {
                let mut random = [0; 16];
                rand::fill(&mut random);
                // Unix time fits into 32 bits until 2106.
                let now = u32::try_from(self.clock.now()).unwrap_or(u32::MAX);
                let binding = token::Binding {
                    cookie: secret,
                    session,
                    scope,
                };
                Token::new(self.keys.load().signing(), binding, now, random).text()
            }
        }
    }

    /// Asked in the layer, for every request, and not where a token is asked for: what only inner
    /// layers know would bind tokens to something that no check will ever see.
    fn session(&self, parts: &Parts) -> Session {
        match &self.binding {
            None => Ok(None),
            Some(binding) => Ok(binding
                .current(parts)?
                .map(|session| session.into_owned().into_boxed_slice())),
        }
    }

    fn done(
        self: &Arc<Self>,
        session: Session,
        incoming: Option<Identity>,
        verdict: Result<Option<CsrfVerified>, Failure>,
    ) -> Decision {
        let (verified, verdict) = match verdict {
            Ok(verified) => (verified, Ok(())),
            Err(failure) => (None, Err(failure)),
        };
        Decision::Done(
            Handle::new(Arc::clone(self), session, incoming, verified),
            verdict,
        )
    }

    /// One event and one count for a refusal. The path goes without its query, where secrets are.
    pub(crate) fn record(&self, failure: &Failure, parts: &Parts) {
        if let Some(observe) = &self.observe {
            observe(failure.code());
        }
        macro_rules! event {
            ($level:ident) => {
                tracing::$level!(
                    target: "mainstay_csrf",
                    code = failure.code(),
                    method = %parts.method,
                    path = parts.uri.path(),
                    origin = header_text(parts, &http::header::ORIGIN),
                    sec_fetch_site = header_text(parts, &check::SEC_FETCH_SITE),
                    report_only = self.report_only,
                    "refused: {failure}"
                )
            };
        }
        match failure {
            Failure::SessionUnavailable { .. } => event!(error),
            honest if honest.is_honest() => event!(info),
            _ => event!(warn),
        }
    }

    pub(crate) fn has_cookie(&self) -> bool {
        self.scheme != Scheme::HeadersOnly
    }

    /// Once per path: a page with a token that a shared cache may keep would be handed to others.
    pub(crate) fn warn_of_shared_cache(&self, path: &str) {
        // A poisoned lock guards nothing but a list of warnings.
        let mut warned = self
            .warned
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if warned.len() < WARNED_LIMIT && warned.insert(path.to_owned()) {
            tracing::warn!(
                target: "mainstay_csrf",
                path,
                "a page with a CSRF token says that shared caches may keep it"
            );
        }
    }
}

fn header_text<'a>(parts: &'a Parts, name: &HeaderName) -> Option<&'a str> {
    parts
        .headers
        .get(name)
        .and_then(|value| value.to_str().ok())
}

impl Check {
    /// The handle for the request and what came of the check.
    pub(crate) fn settled(
        self,
        policy: &Arc<Policy>,
        verdict: Result<CsrfVerified, Failure>,
    ) -> (Handle, Result<(), Failure>) {
        let (verified, verdict) = match verdict {
            Ok(verified) => (Some(verified), Ok(())),
            Err(failure) => (None, Err(failure)),
        };
        let policy = Arc::clone(policy);
        (
            Handle::new(policy, Ok(self.session), Some(self.identity), verified),
            verdict,
        )
    }

    fn done(self, policy: &Arc<Policy>, verdict: Result<CsrfVerified, Failure>) -> Decision {
        let (handle, verdict) = self.settled(policy, verdict);
        Decision::Done(handle, verdict)
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("scheme", &self.scheme)
            .field("cookie", &self.cookie)
            .field("header", &self.header)
            .field("field", &self.field)
            .field("origins", &self.origins)
            .field("tokens", &self.tokens)
            .field("routes", &self.routes)
            .finish_non_exhaustive()
    }
}

/// The time, which tests may set.
#[derive(Default)]
pub(crate) struct Clock(pub(crate) Option<Box<dyn Fn() -> SystemTime + Send + Sync>>);

impl Clock {
    pub(crate) fn now(&self) -> u64 {
        let now = self
            .0
            .as_ref()
            .map_or_else(SystemTime::now, |clock| clock());
        // A clock before 1970 is one that was never set.
        now.duration_since(SystemTime::UNIX_EPOCH)
            .map(|since| since.as_secs())
            .unwrap_or_default()
    }
}

/// Enough for every route of a site; paths with names in them must not fill the memory.
const WARNED_LIMIT: usize = 1000;
