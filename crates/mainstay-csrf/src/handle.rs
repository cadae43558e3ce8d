//! What the layer and a handler share about one request.

use std::sync::{Arc, OnceLock};

use http::{HeaderMap, HeaderValue, Uri, header};

use crate::{
    CsrfVerified,
    policy::{Policy, Session},
};

/// The browser, by the secret in its cookie.
#[derive(Clone, Copy)]
pub(crate) struct Identity {
    pub(crate) secret: [u8; 32],
    /// Whether the browser still has to be told.
    pub(crate) send: bool,
}

/// In the extensions of every request that passes the layer.
#[derive(Clone)]
pub(crate) struct Grip(pub(crate) Arc<Handle>);

pub(crate) struct Handle {
    pub(crate) policy: Arc<Policy>,
    pub(crate) session: Session,
    pub(crate) verified: Option<CsrfVerified>,
    incoming: Option<Identity>,
    asked: OnceLock<Asked>,
    rotated: OnceLock<[u8; 32]>,
}

struct Asked {
    identity: Identity,
    uri: Uri,
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
            asked: OnceLock::new(),
            rotated: OnceLock::new(),
        }
    }

    /// The identity that tokens of this response are bound to. To ask for it is what makes the
    /// response carry the cookie; a page that never asks stays free of it.
    pub(crate) fn secret(&self, headers: &HeaderMap, uri: &Uri) -> &[u8; 32] {
        let asked = self.asked.get_or_init(|| Asked {
            identity: self
                .incoming
                .or_else(|| self.policy.read_cookie(headers).ok())
                .unwrap_or_else(|| self.policy.draw_identity()),
            uri: uri.clone(),
        });
        self.rotated.get().unwrap_or(&asked.identity.secret)
    }

    /// A new identity in place of the old one.
    pub(crate) fn rotate(&self) -> &[u8; 32] {
        self.rotated
            .get_or_init(|| self.policy.draw_identity().secret)
    }

    /// Writes what the response has to say about the cookie.
    pub(crate) fn finish(&self, headers: &mut HeaderMap) {
        let asked = self.asked.get();
        let secret = match (self.rotated.get(), asked) {
            (None, None) => return,
            (Some(rotated), _) => Some(rotated),
            (None, Some(asked)) => asked.identity.send.then_some(&asked.identity.secret),
        };
        if !self.policy.has_cookie() {
            return;
        }
        if let Some(cookie) = secret.and_then(|secret| self.policy.set_cookie(secret)) {
            headers.append(header::SET_COOKIE, cookie);
        }
        add_vary(headers, "cookie", HeaderValue::from_static("Cookie"));
        if let Some(asked) = asked
            && is_for_shared_caches(headers)
        {
            self.policy.warn_of_shared_cache(asked.uri.path());
        }
    }
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle")
            .field("verified", &self.verified)
            .finish_non_exhaustive()
    }
}

pub(crate) fn add_vary(headers: &mut HeaderMap, name: &str, value: HeaderValue) {
    let said = headers.get_all(header::VARY).iter().any(|line| {
        line.as_bytes().split(|byte| *byte == b',').any(|word| {
            let word = word.trim_ascii();
            word == b"*" || word.eq_ignore_ascii_case(name.as_bytes())
        })
    });
    if !said {
        headers.append(header::VARY, value);
    }
}

fn is_for_shared_caches(headers: &HeaderMap) -> bool {
    headers.get_all(header::CACHE_CONTROL).iter().any(|line| {
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
