use std::{
    borrow::Cow,
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum_core::response::IntoResponse;
use http::{HeaderName, request::Parts};

use crate::{
    Binding, CsrfLayer, Error, Failure, KeyRing, SameSite, Tokens,
    check::OriginPolicy,
    cookie::Attributes,
    error::Kind,
    origin::Origin,
    policy::{Clock, Policy, Scheme},
    refusal::{self, Reject},
    route::Routes,
    session::{ByClosure, ByCookie},
};

/// Settings of the layer: pick a preset, change what has to be, and [`build`](Self::build).
///
/// What is wrong with the settings comes out of `build`, so that they can be written as one chain.
pub struct Csrf {
    scheme: Scheme,
    keys: Option<KeyRing>,
    own: Vec<String>,
    trusted: Vec<String>,
    trust_same_site: bool,
    trust_proxy: bool,
    strict: bool,
    plain_http: bool,
    tokens: Tokens,
    binding: Option<Box<dyn Binding>>,
    max_token_age: Option<Duration>,
    cookie: CookieSettings,
    header: String,
    field: String,
    meta: String,
    body_limit: usize,
    routes: Routes,
    report_only: bool,
    reject: Option<Reject>,
    observe: Option<Box<dyn Fn(&'static str) + Send + Sync>>,
    clock: Clock,
}

#[derive(Default)]
struct CookieSettings {
    name: Option<String>,
    path: Option<String>,
    domain: Option<String>,
    max_age: Option<Duration>,
    same_site: Option<SameSite>,
}

impl Csrf {
    /// The modern preset: origins are checked first, then tokens, which are bound to a
    /// `__Host-csrf` cookie and to the session, if there is one.
    #[must_use]
    pub fn new(keys: KeyRing) -> Self {
        Self::preset(Scheme::Modern, Some(keys), "csrf_token", "csrf-token")
    }

    /// No cookies, no tokens, no keys: the browser's own headers decide, as in Go 1.25's
    /// `CrossOriginProtection`.
    ///
    /// A request that carries neither `Sec-Fetch-Site` nor `Origin` passes, unless
    /// [`demand_headers`](Self::demand_headers) says otherwise.
    #[must_use]
    pub fn headers_only() -> Self {
        Self::preset(Scheme::HeadersOnly, None, "csrf_token", "csrf-token")
    }

    /// Names an origin under which this service is reached: `https://app.example.com`.
    ///
    /// Recommended, and repeatable. Without it the origin is derived from each request's host, over
    /// `https`, or over `http` for hosts such as `localhost`; a proxy that changes `Host` then makes
    /// older browsers fail.
    #[must_use]
    pub fn own_origin(mut self, origin: impl Into<String>) -> Self {
        self.own.push(origin.into());
        self
    }

    /// Takes requests from pages of another origin: `https://ui.example.com`.
    ///
    /// Whole origins only: a trusted host without a scheme would trust what anyone on the way can
    /// write into a page over plain HTTP (CVE-2025-47909).
    #[must_use]
    pub fn trust_origin(mut self, origin: impl Into<String>) -> Self {
        self.trusted.push(origin.into());
        self
    }

    /// Takes requests from every sibling under the same registrable domain.
    ///
    /// Only where all of them are yours, down to the last forgotten one.
    #[must_use]
    pub fn trust_same_site(mut self, trust: bool) -> Self {
        self.trust_same_site = trust;
        self
    }

    /// Derives the own origin from `Forwarded` or `X-Forwarded-Proto` and `X-Forwarded-Host`.
    ///
    /// Only behind a proxy that sets them itself. [`own_origin`](Self::own_origin) needs no proxy.
    #[must_use]
    pub fn trust_proxy_headers(mut self, trust: bool) -> Self {
        self.trust_proxy = trust;
        self
    }

    /// With headers only: refuses a request that has neither `Sec-Fetch-Site` nor `Origin`.
    #[must_use]
    pub fn demand_headers(mut self, demand: bool) -> Self {
        self.strict = demand;
        self
    }

    /// Works over plain HTTP too: the cookie loses `Secure` and its `__Host-` prefix, and the own
    /// origin may be `http`.
    ///
    /// For development on other machines than this one and for dashboards in a trusted network.
    /// Anyone on the way can then read cookie and token. `http://localhost` works without it,
    /// except in Safari, which keeps no `Secure` cookie there.
    #[must_use]
    pub fn insecure_plain_http(mut self, insecure: bool) -> Self {
        self.plain_http = insecure;
        self
    }

    /// Which requests need a token.
    #[must_use]
    pub fn tokens(mut self, tokens: Tokens) -> Self {
        self.tokens = tokens;
        self
    }

    /// Binds tokens to the session that the closure finds, so that a token of one session is void
    /// in the next.
    ///
    /// It is asked before the inner layers run: the layer that puts the session into the extensions
    /// has to be outside of this one, which means a later `Router::layer` call.
    ///
    /// ```
    /// # use mainstay_csrf::{Csrf, KeyRing};
    /// #[derive(Clone)]
    /// struct SessionId([u8; 16]);
    ///
    /// let csrf = Csrf::new(KeyRing::generate())
    ///     .session(|parts| parts.extensions.get::<SessionId>().map(|id| id.0[..].into()))
    ///     .build()?;
    /// # Ok::<(), mainstay_csrf::Error>(())
    /// ```
    #[must_use]
    pub fn session<F>(self, session: F) -> Self
    where
        F: for<'a> Fn(&'a Parts) -> Option<Cow<'a, [u8]>> + Send + Sync + 'static,
    {
        self.session_binding(ByClosure(session))
    }

    /// Binds tokens to the value of a cookie that changes when the visitor signs in and out.
    ///
    /// It takes no integration at all: name the session cookie.
    #[must_use]
    pub fn session_cookie(self, name: impl Into<String>) -> Self {
        self.session_binding(ByCookie(name.into()))
    }

    /// Binds tokens to what `binding` finds.
    #[must_use]
    pub fn session_binding(mut self, binding: impl Binding) -> Self {
        self.binding = Some(Box::new(binding));
        self
    }

    /// Refuses tokens that are older. Without it they end with their session or their key.
    #[must_use]
    pub fn max_token_age(mut self, age: Duration) -> Self {
        self.max_token_age = Some(age);
        self
    }

    /// The cookie's name, in place of `__Host-csrf`.
    #[must_use]
    pub fn cookie_name(mut self, name: impl Into<String>) -> Self {
        self.cookie.name = Some(name.into());
        self
    }

    /// The cookie's path, in place of `/`.
    #[must_use]
    pub fn cookie_path(mut self, path: impl Into<String>) -> Self {
        self.cookie.path = Some(path.into());
        self
    }

    /// Shares the cookie with every host under `domain`, which also lets each of them set it.
    #[must_use]
    pub fn cookie_domain(mut self, domain: impl Into<String>) -> Self {
        self.cookie.domain = Some(domain.into());
        self
    }

    /// Keeps the cookie for this long, in place of until the browser ends. Zero is the latter.
    #[must_use]
    pub fn cookie_max_age(mut self, age: Duration) -> Self {
        self.cookie.max_age = Some(age);
        self
    }

    /// The cookie's `SameSite` attribute, in place of `Lax`.
    #[must_use]
    pub fn same_site(mut self, same_site: SameSite) -> Self {
        self.cookie.same_site = Some(same_site);
        self
    }

    /// The header in which scripts send the token, in place of `X-CSRF-Token`.
    #[must_use]
    pub fn header_name(mut self, name: impl Into<String>) -> Self {
        self.header = name.into();
        self
    }

    /// The form's field, in place of the preset's.
    #[must_use]
    pub fn field_name(mut self, name: impl Into<String>) -> Self {
        self.field = name.into();
        self
    }

    /// How many bytes of a body are searched for the field, in place of 64 KiB.
    ///
    /// They are kept until the field is found, so this is memory per request.
    #[must_use]
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Exempts a route, named as the router knows it: `/hooks/{id}`.
    ///
    /// It works where axum has matched the route before the layer runs, which is so for layers put
    /// on with `Router::layer`.
    #[cfg(feature = "axum")]
    #[must_use]
    pub fn exempt(mut self, route: impl Into<String>) -> Self {
        self.routes.exempt.push(route.into());
        self
    }

    /// Exempts the requests for which `when` says so.
    ///
    /// The presence of a header or a content type is no reason: both can be forged. Mind that a path
    /// can be spelled in more than one way.
    #[must_use]
    pub fn exempt_when(mut self, when: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.routes.exempt_when.push(Box::new(when));
        self
    }

    /// Exempts requests that carry nothing which a browser adds by itself: no `Cookie`, and no
    /// `Authorization` but `Bearer`.
    ///
    /// Not where clients are known by their certificate or their address, and not for a login form.
    #[must_use]
    pub fn exempt_without_credentials(mut self, exempt: bool) -> Self {
        self.routes.exempt_without_credentials = exempt;
        self
    }

    /// Protects a route even where the method is safe, such as a link that signs out.
    ///
    /// A link carries no token, so the browser has to say that a page of this origin made the
    /// request; where it says nothing, a token is needed.
    #[cfg(feature = "axum")]
    #[must_use]
    pub fn protect(mut self, route: impl Into<String>) -> Self {
        self.routes.protect.push(route.into());
        self
    }

    /// Like [`protect`](Self::protect), for the requests for which `when` says so.
    #[must_use]
    pub fn protect_when(mut self, when: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.routes.protect_when.push(Box::new(when));
        self
    }

    /// Takes `QUERY` for safe. By default it is checked: not everyone who routes it knows that it
    /// must change nothing.
    #[must_use]
    pub fn query_is_safe(mut self, safe: bool) -> Self {
        self.routes.query_is_safe = safe;
        self
    }

    /// Lets every request pass, and only logs and counts what would be refused.
    ///
    /// For the first days in front of an existing service. The [`Failure`] is in the extensions of
    /// request and response.
    #[must_use]
    pub fn report_only(mut self, report_only: bool) -> Self {
        self.report_only = report_only;
        self
    }

    /// Answers refusals in place of the plain 403.
    ///
    /// ```
    /// # use mainstay_csrf::{Csrf, KeyRing};
    /// let csrf = Csrf::new(KeyRing::generate())
    ///     .on_reject(|failure, parts| (failure.status(), format!("{}: {failure}", parts.uri.path())))
    ///     .build()?;
    /// # Ok::<(), mainstay_csrf::Error>(())
    /// ```
    #[must_use]
    pub fn on_reject<F, R>(mut self, answer: F) -> Self
    where
        F: Fn(&Failure, &Parts) -> R + Send + Sync + 'static,
        R: IntoResponse,
    {
        self.reject = Some(Arc::new(move |failure, parts| {
            Box::pin(refusal::collect(answer(&failure, &parts).into_response()))
        }));
        self
    }

    /// Calls `observe` with the code of every refusal: a hook for a counter.
    #[must_use]
    pub fn observe(mut self, observe: impl Fn(&'static str) + Send + Sync + 'static) -> Self {
        self.observe = Some(Box::new(observe));
        self
    }

    /// Takes the time from `clock`, for tests.
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.clock = Clock(Some(Box::new(clock)));
        self
    }

    /// The layer.
    ///
    /// # Errors
    ///
    /// When keys are too short, origins are none that a browser sends, or the cookie's attributes
    /// contradict each other.
    pub fn build(self) -> Result<CsrfLayer, Error> {
        let origins = self.origins()?;
        let cookie = self.cookie()?;
        let keys = match self.keys {
            Some(keys) => {
                keys.check_lengths()?;
                keys
            }
            None => KeyRing::generate(),
        };
        let named = |what, text: &str| {
            Error::new(Kind::Name {
                what,
                text: text.to_owned(),
            })
        };
        let header =
            HeaderName::try_from(&self.header).map_err(|_| named("header", &self.header))?;
        if self.field.is_empty() {
            return Err(named("field", &self.field));
        }
        Ok(CsrfLayer::new(Policy {
            scheme: self.scheme,
            keys,
            cookie,
            header,
            field: self.field,
            meta: self.meta,
            origins,
            binding: self.binding,
            tokens: self.tokens,
            max_token_age: self.max_token_age.map(|age| age.as_secs()),
            body_limit: self.body_limit,
            routes: self.routes,
            report_only: self.report_only,
            reject: self.reject,
            observe: self.observe,
            clock: self.clock,
            warned: Default::default(),
        }))
    }

    fn preset(scheme: Scheme, keys: Option<KeyRing>, field: &str, meta: &str) -> Self {
        Self {
            scheme,
            keys,
            own: Vec::new(),
            trusted: Vec::new(),
            trust_same_site: false,
            trust_proxy: false,
            strict: false,
            plain_http: false,
            tokens: Tokens::Always,
            binding: None,
            max_token_age: None,
            cookie: CookieSettings::default(),
            header: "x-csrf-token".to_owned(),
            field: field.to_owned(),
            meta: meta.to_owned(),
            body_limit: 64 * 1024,
            routes: Routes::default(),
            report_only: false,
            reject: None,
            observe: None,
            clock: Clock::default(),
        }
    }

    fn origins(&self) -> Result<OriginPolicy, Error> {
        let all = |texts: &[String]| -> Result<Vec<_>, Error> {
            texts.iter().map(|text| Origin::configured(text)).collect()
        };
        let own = all(&self.own)?;
        let loopback = |own: &Origin| own.is_loopback();
        if let Some(plain) = own
            .iter()
            .find(|own| own.is_http() && !self.plain_http && !loopback(own))
        {
            return Err(Error::new(Kind::Origin {
                text: plain.to_string(),
                why: "over plain HTTP the cookie would not be kept; see insecure_plain_http",
            }));
        }
        Ok(OriginPolicy {
            own,
            trusted: all(&self.trusted)?,
            trust_same_site: self.trust_same_site,
            plain_http: self.plain_http,
            trust_proxy: self.trust_proxy,
            strict: self.strict,
        })
    }

    fn cookie(&self) -> Result<Attributes, Error> {
        let set = &self.cookie;
        let secure = !self.plain_http;
        let name = match &set.name {
            Some(name) => name.clone(),
            None if secure && set.domain.is_none() && set.path.is_none() => {
                "__Host-csrf".to_owned()
            }
            None if secure => "__Secure-csrf".to_owned(),
            None => "csrf".to_owned(),
        };
        let path = set.path.clone().unwrap_or_else(|| "/".to_owned());
        let same_site = set.same_site.unwrap_or(SameSite::Lax);
        let bad = |why| Err(Error::new(Kind::Cookie { why }));
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(Error::new(Kind::Name {
                what: "cookie",
                text: name,
            }));
        }
        if !path.starts_with('/') || !path.bytes().all(is_attribute) {
            return bad("its path has to begin with `/` and to be printable");
        }
        if set
            .domain
            .as_ref()
            .is_some_and(|domain| domain.is_empty() || !domain.bytes().all(is_attribute))
        {
            return bad("its domain is not one");
        }
        let prefix = |prefix: &str| {
            name.len() >= prefix.len() && name[..prefix.len()].eq_ignore_ascii_case(prefix)
        };
        if prefix("__Host-") && (!secure || set.domain.is_some() || path != "/") {
            return bad("`__Host-` demands Secure, no Domain and the path `/`");
        }
        if prefix("__Secure-") && !secure {
            return bad("`__Secure-` demands Secure");
        }
        if same_site == SameSite::None && !secure {
            return bad("SameSite=None demands Secure");
        }
        Ok(Attributes {
            name,
            path: Some(path),
            domain: set.domain.clone(),
            max_age: set.max_age.map(|age| age.as_secs()).filter(|age| *age > 0),
            http_only: true,
            secure,
            same_site,
        })
    }
}

impl fmt::Debug for Csrf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Csrf")
            .field("scheme", &self.scheme)
            .field("own", &self.own)
            .field("trusted", &self.trusted)
            .finish_non_exhaustive()
    }
}

/// What RFC 6265 allows in a cookie's name.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(&byte)
}

fn is_attribute(byte: u8) -> bool {
    (byte.is_ascii_graphic() || byte == b' ') && byte != b';'
}
