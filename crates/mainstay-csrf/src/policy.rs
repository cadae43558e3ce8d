//! The decision about a request, apart from all transport: parts in, verdict out.

use std::{
    collections::HashSet,
    fmt,
    pin::Pin,
    sync::{Arc, Mutex},
    time::SystemTime,
};

use http::{HeaderName, HeaderValue, request::Parts};

use crate::{
    Binding, CsrfVerified, Failure, KeyRing, Place, Standing,
    body::Media,
    check::OriginPolicy,
    cookie::Attributes,
    handle::{Handle, Identity},
    refusal::Reject,
    route::{self, Class, Routes},
    session::SessionUnavailable,
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
    pub(crate) field: Arc<str>,
    pub(crate) meta: &'static str,
    pub(crate) origins: OriginPolicy,
    pub(crate) binding: Option<Box<dyn Binding>>,
    /// Whether tokens are bound to that alone, and there is no cookie of ours.
    pub(crate) session_only: bool,
    pub(crate) tokens: Tokens,
    pub(crate) max_token_age: Option<u64>,
    pub(crate) body_limit: usize,
    pub(crate) body_time_limit: Option<Sleep>,
    pub(crate) routes: Routes,
    /// Whether the cookie goes with every response, asked for or not.
    pub(crate) eager: bool,
    /// Whether a cookie past half its age is issued again.
    pub(crate) renew: bool,
    /// Whether responses that asked for a token carry one in the request header's own name.
    pub(crate) echo: bool,
    pub(crate) mirror: Option<Mirror>,
    pub(crate) report_only: bool,
    pub(crate) reject: Option<Reject>,
    pub(crate) observe: Option<Box<dyn Fn(&'static str) + Send + Sync>>,
    pub(crate) clock: Clock,
    pub(crate) warned: Mutex<HashSet<String>>,
}

/// Makes a future that ends when a client has had its time.
pub(crate) type Sleep = Box<dyn Fn() -> Patience + Send + Sync>;
pub(crate) type Patience = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What goes over the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Modern,
    Gorilla,
    HeadersOnly,
}

/// The cookie that scripts read, and the header in which they send what they have read.
pub(crate) struct Mirror {
    pub(crate) cookie: Attributes,
    pub(crate) header: HeaderName,
}

/// What is to be done with a request, as far as its head tells.
pub(crate) enum Decision {
    Done(Arc<Handle>, Result<(), Failure>),
    /// The token may be in the body.
    Search(Check, Media),
}

/// A request that lacks nothing but its token.
#[derive(Clone)]
pub(crate) struct Check {
    pub(crate) standing: Standing,
    pub(crate) session: Option<Box<[u8]>>,
    pub(crate) identity: Identity,
}

pub(crate) type Session = Result<Option<Box<[u8]>>, SessionUnavailable>;

impl Policy {
    /// Cheapest first, and the body last: not one byte of it is asked for here.
    pub(crate) fn decide(self: &Arc<Self>, parts: &Parts) -> Decision {
        let session = self.session(parts);
        let class = self.routes.class(parts);
        if self.scheme == Scheme::HeadersOnly {
            let verdict = match class {
                Class::Exempt | Class::Safe => return self.done(session, None, Ok(None)),
                Class::Guarded => self.origins.judge_link_as_go(parts),
                Class::Handshake => self.origins.judge_handshake_as_go(parts),
                Class::Checked => self.origins.judge_as_go(parts),
            };
            return self.done_by_headers(session, verdict);
        }
        let tokens = match class {
            Class::Exempt | Class::Safe => return self.done(session, None, Ok(None)),
            Class::Handshake => {
                let verdict = self.origins.judge_handshake(parts);
                return self.done_by_headers(session, verdict);
            }
            // A scope tells our own pages from each other, which the browser's word does not.
            _ if self.routes.demands_scope(parts) => Tokens::Always,
            // Links cannot carry a token, so the browser's word has to do where there is one.
            Class::Guarded => Tokens::UnlessSameOrigin,
            Class::Checked => self.tokens,
        };
        let standing = match self.origins.judge(parts) {
            Ok(standing @ Standing::Same) if tokens == Tokens::UnlessSameOrigin => {
                return self.done_by_headers(session, Ok(standing));
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
        if self.session_only && session.is_none() {
            return self.done(Ok(None), Some(identity), Err(Failure::CookieMissing));
        }
        self.look_for_token(
            Check {
                standing,
                session,
                identity,
            },
            parts,
        )
    }

    fn look_for_token(self: &Arc<Self>, check: Check, parts: &Parts) -> Decision {
        if let Some(text) = self.header_token(parts) {
            let verdict = self.verify(&check, text, Place::Header, parts);
            return check.done(self, verdict);
        }
        if route::any(&self.routes.deferred, parts) {
            let handle = Handle::deferred(Arc::clone(self), check);
            return Decision::Done(Arc::new(handle), Ok(()));
        }
        match Media::of(&parts.headers) {
            Ok(media) => Decision::Search(check, media),
            Err(failure) => check.done(self, Err(failure)),
        }
    }

    /// Whether the preset has cookies at all.
    pub(crate) fn has_cookie(&self) -> bool {
        self.scheme != Scheme::HeadersOnly
    }

    pub(crate) fn header_token<'a>(&self, parts: &'a Parts) -> Option<&'a [u8]> {
        let mirror = self.mirror.as_ref().map(|mirror| &mirror.header);
        [Some(&self.header), mirror]
            .into_iter()
            .flatten()
            .filter_map(|name| parts.headers.get(name))
            .map(HeaderValue::as_bytes)
            .find(|text| !text.is_empty())
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

    fn done_by_headers(
        self: &Arc<Self>,
        session: Session,
        verdict: Result<Standing, Failure>,
    ) -> Decision {
        self.done(
            session,
            None,
            verdict.map(|standing| Some(CsrfVerified::by_headers(standing))),
        )
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
        let handle = Handle::new(Arc::clone(self), session, incoming, verified);
        Decision::Done(Arc::new(handle), verdict)
    }
}

impl Check {
    /// The handle for the request, and what came of the check.
    pub(crate) fn settled(
        self,
        policy: &Arc<Policy>,
        verdict: Result<CsrfVerified, Failure>,
    ) -> (Arc<Handle>, Result<(), Failure>) {
        let (verified, verdict) = match verdict {
            Ok(verified) => (Some(verified), Ok(())),
            Err(failure) => (None, Err(failure)),
        };
        let policy = Arc::clone(policy);
        let handle = Handle::new(policy, Ok(self.session), Some(self.identity), verified);
        (Arc::new(handle), verdict)
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
        match &self.0 {
            Some(clock) => seconds(clock()),
            None => system_seconds(),
        }
    }
}

/// A clock before 1970 is one that was never set.
fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .map(|since| since.as_secs())
        .unwrap_or_default()
}

/// The kernel's note of the time, a few milliseconds old: to read the counter behind the exact one
/// takes several times as long.
#[cfg(target_os = "linux")]
fn system_seconds() -> u64 {
    use nix::time::{ClockId, clock_gettime};

    match clock_gettime(ClockId::CLOCK_REALTIME_COARSE) {
        Ok(now) => u64::try_from(now.tv_sec()).unwrap_or_default(),
        Err(_) => seconds(SystemTime::now()),
    }
}

#[cfg(not(target_os = "linux"))]
fn system_seconds() -> u64 {
    seconds(SystemTime::now())
}
