//! What the layer and a handler share about one request.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, header, request::Parts};

use crate::{
    CsrfVerified, Failure, Place,
    policy::{Check, Policy, Session},
    route::Name,
    wire,
};

/// The browser, by the secret in its cookie.
#[derive(Clone, Copy)]
pub(crate) struct Identity {
    pub(crate) secret: [u8; 32],
    /// Whether the browser still has to be told.
    pub(crate) send: bool,
}

/// In the extensions of every request that passes the layer.
#[derive(Clone, Debug)]
pub(crate) struct Grip(pub(crate) Arc<Handle>);

pub(crate) struct Handle {
    pub(crate) policy: Arc<Policy>,
    pub(crate) session: Session,
    verified: Option<CsrfVerified>,
    incoming: Option<Identity>,
    deferred: Option<Box<Deferred>>,
    asked: OnceLock<Asked>,
    rotated: OnceLock<[u8; 32]>,
    /// Set when the cookie that scripts read has to be written again.
    mirror: OnceLock<()>,
}

/// A check that the handler has promised to finish.
struct Deferred {
    check: Check,
    outcome: OnceLock<Result<CsrfVerified, Failure>>,
    /// Of a request that was refused, without the [`Grip`], which would keep itself alive.
    head: OnceLock<Parts>,
}

struct Asked {
    identity: Identity,
    route: Name,
}

impl Handle {
    pub(crate) fn new(
        policy: Arc<Policy>,
        session: Session,
        incoming: Option<Identity>,
        verified: Option<CsrfVerified>,
    ) -> Self {
        Self {
            policy,
            session,
            verified,
            incoming,
            deferred: None,
            asked: OnceLock::new(),
            rotated: OnceLock::new(),
            mirror: OnceLock::new(),
        }
    }

    pub(crate) fn deferred(policy: Arc<Policy>, check: Check) -> Self {
        let (session, incoming) = (Ok(check.session.clone()), Some(check.identity));
        let (outcome, head) = (OnceLock::new(), OnceLock::new());
        let deferred = Some(Box::new(Deferred {
            check,
            outcome,
            head,
        }));
        Self {
            deferred,
            ..Self::new(policy, session, incoming, None)
        }
    }

    /// What has to be known before the handler takes the request over.
    pub(crate) fn open(&self, parts: &Parts) {
        if self.policy.eager {
            self.secret(&parts.headers, &parts.extensions);
        }
        if let Some(mirror) = &self.policy.mirror
            && matches!(parts.method, Method::GET | Method::HEAD)
            && let Ok(session) = &self.session
        {
            let secret = self.secret(&parts.headers, &parts.extensions);
            let (name, session) = (&mirror.cookie.name, session.as_deref());
            if !self
                .policy
                .mirror_is_good(name, secret, session, &parts.headers)
            {
                self.mirror.get_or_init(|| ());
            }
        }
    }

    /// The identity that tokens of this response are bound to. To ask for it is what makes the
    /// response carry the cookie; a page that never asks stays free of it.
    pub(crate) fn secret(&self, headers: &HeaderMap, extensions: &Extensions) -> &[u8; 32] {
        let asked = self.asked.get_or_init(|| Asked {
            identity: self
                .incoming
                .or_else(|| self.policy.read_cookie(headers).ok())
                .unwrap_or_else(|| Identity {
                    secret: wire::random(),
                    send: true,
                }),
            route: Name::of(extensions),
        });
        self.rotated.get().unwrap_or(&asked.identity.secret)
    }

    /// A new identity in place of the old one.
    pub(crate) fn rotate(&self) -> &[u8; 32] {
        self.rotated.get_or_init(|| match self.policy.session_only {
            true => wire::NO_COOKIE,
            false => wire::random(),
        })
    }

    pub(crate) fn session(&self) -> Option<&[u8]> {
        self.session
            .as_ref()
            .ok()
            .and_then(|session| session.as_deref())
    }

    pub(crate) fn verified(&self) -> Option<&CsrfVerified> {
        let deferred = self
            .deferred
            .as_ref()
            .and_then(|deferred| deferred.outcome.get());
        self.verified
            .as_ref()
            .or_else(|| deferred.and_then(|outcome| outcome.as_ref().ok()))
    }

    /// Whether the handler still has to find the token.
    pub(crate) fn is_open(&self) -> bool {
        self.deferred
            .as_ref()
            .is_some_and(|deferred| deferred.outcome.get().is_none())
    }

    /// Finishes a deferred check. The first token counts, whatever comes of it.
    pub(crate) fn close(
        &self,
        text: &[u8],
        place: Place,
        parts: &Parts,
    ) -> Option<Result<CsrfVerified, Failure>> {
        let deferred = self.deferred.as_ref()?;
        Some(self.settle(deferred, parts, || {
            self.policy.verify(&deferred.check, text, place, parts)
        }))
    }

    /// How a deferred check has failed.
    pub(crate) fn refused(&self) -> Option<&Failure> {
        self.deferred.as_ref()?.outcome.get()?.as_ref().err()
    }

    /// The head of the request whose deferred check has failed.
    pub(crate) fn refused_head(self: &Arc<Self>) -> Option<Parts> {
        let mut head = self.deferred.as_ref()?.head.get()?.clone();
        head.extensions.insert(Grip(Arc::clone(self)));
        Some(head)
    }

    /// Finishes a deferred check without a token, unless it is finished.
    #[cfg(feature = "axum")]
    pub(crate) fn give_up(
        &self,
        failure: impl FnOnce() -> Failure,
        parts: &Parts,
    ) -> Result<(), Failure> {
        match self.deferred.as_ref() {
            Some(deferred) => self.settle(deferred, parts, || Err(failure())).map(|_| ()),
            None => Ok(()),
        }
    }

    fn settle(
        &self,
        deferred: &Deferred,
        parts: &Parts,
        verdict: impl FnOnce() -> Result<CsrfVerified, Failure>,
    ) -> Result<CsrfVerified, Failure> {
        let outcome = deferred.outcome.get_or_init(|| {
            let verdict = verdict();
            match &verdict {
                Ok(_) => Policy::record_pass(parts),
                Err(failure) => {
                    self.policy.record(failure, parts);
                    let mut head = parts.clone();
                    head.extensions.remove::<Grip>();
                    // Nobody else is in here, so it is empty.
                    let _ = deferred.head.set(head);
                }
            }
            verdict
        });
        outcome.clone()
    }

    /// Writes what the response has to say about cookie and token, and, if it may be cached at all,
    /// that it depends on the cookie.
    pub(crate) fn finish(&self, headers: &mut HeaderMap, vary: bool) {
        let (asked, rotated) = (self.asked.get(), self.rotated.get());
        let stale = self.incoming.as_ref().filter(|incoming| incoming.send);
        if asked.is_none() && rotated.is_none() && stale.is_none() {
            return;
        }
        let known = asked.map(|asked| &asked.identity).or(stale);
        let send = rotated.or(known.filter(|known| known.send).map(|known| &known.secret));
        if let Some(cookie) = send.and_then(|secret| self.policy.set_cookie(secret)) {
            headers.append(header::SET_COOKIE, cookie);
        }
        if let Some(secret) = rotated.or(known.map(|known| &known.secret)) {
            self.hand_to_scripts(secret, headers);
        }
        if !self.policy.has_cookie() {
            return;
        }
        if vary {
            add_vary(headers, "cookie", HeaderValue::from_static("Cookie"));
        }
        if let Some(asked) = asked
            && is_for_shared_caches(headers)
        {
            self.policy.warn_of_shared_cache(asked.route.as_str());
        }
    }

    fn hand_to_scripts(&self, secret: &[u8; 32], headers: &mut HeaderMap) {
        let token = || self.policy.issue(secret, self.session(), "");
        if let Some(mirror) = &self.policy.mirror
            && (self.mirror.get().is_some() || self.rotated.get().is_some())
            && let Some(cookie) = mirror.cookie.set_cookie(&token(), self.policy.clock.now())
        {
            headers.append(header::SET_COOKIE, cookie);
        }
        if self.policy.echo
            && self.asked.get().is_some()
            && let Ok(value) = HeaderValue::try_from(token())
        {
            headers.insert(self.policy.header.clone(), value);
        }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("verified", &self.verified())
            .finish_non_exhaustive()
    }
}

pub(crate) fn add_vary(headers: &mut HeaderMap, name: &str, value: HeaderValue) {
    let said = lines(headers, &header::VARY).any(|line| {
        line.as_bytes().split(|byte| *byte == b',').any(|word| {
            let word = word.trim_ascii();
            word == b"*" || word.eq_ignore_ascii_case(name.as_bytes())
        })
    });
    if !said {
        headers.append(header::VARY, value);
    }
}

/// The values of a header in a response. It has few, and to go through them is quicker than to
/// hash a name.
fn lines<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a HeaderValue> {
    headers
        .iter()
        .filter_map(move |(header, line)| (header == name).then_some(line))
}

fn is_for_shared_caches(headers: &HeaderMap) -> bool {
    lines(headers, &header::CACHE_CONTROL).any(|line| {
        line.as_bytes()
            .split(|byte| *byte == b',')
            .any(|directive| {
                let name = directive
                    .split(|byte| *byte == b'=')
                    .next()
                    .unwrap_or_default();
                let name = name.trim_ascii();
                name.eq_ignore_ascii_case(b"public") || name.eq_ignore_ascii_case(b"s-maxage")
            })
    })
}
