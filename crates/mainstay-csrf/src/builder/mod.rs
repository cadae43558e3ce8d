//! Settings, in chapters: origins and tokens here, the rest beside.

mod build;
mod cookie;
mod refuse;
mod routes;

use std::{
    borrow::Cow,
    fmt,
    time::{Duration, SystemTime},
};

use http::request::Parts;

use self::cookie::CookieSettings;
use crate::{
    Binding, KeyRing, Tokens,
    policy::{Clock, Scheme, Sleep},
    refusal::Reject,
    route::Routes,
    session::{ByClosure, ByCookie, ByExtension},
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
    session_only: bool,
    max_token_age: Option<Duration>,
    cookie: CookieSettings,
    header: String,
    field: String,
    meta: &'static str,
    body_limit: usize,
    body_time_limit: Option<Sleep>,
    routes: Routes,
    eager: bool,
    renew: bool,
    echo: bool,
    mirror: Option<[String; 2]>,
    report_only: bool,
    reject: Option<Reject>,
    observe: Option<Box<dyn Fn(&'static str) + Send + Sync>>,
    clock: Clock,
}

impl Csrf {
    /// The modern preset: origins are checked first, then tokens, which are bound to a
    /// `__Host-csrf` cookie and to the session, if there is one.
    #[must_use]
    pub fn new(keys: KeyRing) -> Self {
        Self::preset(Scheme::Modern, Some(keys), "csrf_token", "csrf-token")
    }

    /// Cookies and tokens of gorilla/csrf, to the byte: for a service that shares them with one in Go
    /// that has the same key, or that takes its place.
    ///
    /// Origins are checked as in the modern preset, so what gorilla let pass by mistake does not
    /// pass here: trusted hosts over plain HTTP (CVE-2025-47909) and a `Referer` without a host.
    /// Tokens are not bound to a session; the format has no room for it.
    ///
    /// The cookie's path is `/`, where gorilla leaves it out. A Go service that shares the cookie has
    /// to say `csrf.Path("/")` too, or browsers hold two of them.
    #[must_use]
    pub fn gorilla(keys: impl Into<KeyRing>) -> Self {
        const NAME: &str = "gorilla.csrf.Token";

        Self::preset(Scheme::Gorilla, Some(keys.into()), NAME, NAME)
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

    /// Binds tokens to the session that another layer has put into the extensions, so that a token
    /// of one session is void in the next. `None` stands for a visitor who has no session.
    ///
    /// That layer has to be outside of this one, which means a later `Router::layer` call. Where the
    /// extension is missing altogether, requests that need a token are refused as
    /// `session_unavailable`, with status 500 and a line in the log: the layers are in the wrong
    /// order.
    ///
    /// ```
    /// # use mainstay_csrf::{Csrf, KeyRing};
    /// #[derive(Clone)]
    /// struct Visitor {
    ///     session: Option<[u8; 16]>,
    /// }
    ///
    /// let csrf = Csrf::new(KeyRing::generate())
    ///     .session_extension(|visitor: &Visitor| visitor.session.as_ref().map(|id| id[..].into()))
    ///     .build()?;
    /// # Ok::<(), mainstay_csrf::Error>(())
    /// ```
    #[must_use]
    pub fn session_extension<T, F>(self, session: F) -> Self
    where
        T: Send + Sync + 'static,
        F: for<'a> Fn(&'a T) -> Option<Cow<'a, [u8]>> + Send + Sync + 'static,
    {
        self.session_binding(ByExtension::new(session))
    }

    /// Binds tokens to the session that the closure finds in the head of a request.
    ///
    /// `None` means that the visitor has no session, so a closure that looks into the extensions
    /// cannot tell that from a layer in the wrong place: take
    /// [`session_extension`](Self::session_extension) for those.
    ///
    /// ```
    /// # use mainstay_csrf::{Csrf, KeyRing};
    /// let csrf = Csrf::new(KeyRing::generate())
    ///     .session(|parts| parts.headers.get("x-session").map(|id| id.as_bytes().into()))
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
    /// It takes no integration at all: name the session cookie. Where the session layer hands a
    /// cookie to every first visitor, their first form was made without it and fails once as
    /// `stale_session`; so let signing in be what makes the session.
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

    /// Binds tokens to the session alone: there is no cookie of ours.
    ///
    /// For sites whose forms are all behind a login, or whose session layer gives every visitor a
    /// session. Two first visits side by side then have nothing to disagree about. A request without
    /// a session is refused as `cookie_missing`, because a token that is bound to nothing would be
    /// every visitor's.
    #[must_use]
    pub fn session_only(mut self, only: bool) -> Self {
        self.session_only = only;
        self
    }

    /// Refuses tokens that are older. Without it they end with their session or their key.
    #[must_use]
    pub fn max_token_age(mut self, age: Duration) -> Self {
        self.max_token_age = Some(age);
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

    /// Gives up the search when the future ends that `sleep` returns, which is called once for each
    /// body that is searched. Without it a client may take its time.
    ///
    /// The runtime is yours, so the clock is too:
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use mainstay_csrf::{Csrf, KeyRing};
    /// let csrf = Csrf::new(KeyRing::generate())
    ///     .body_time_limit(|| tokio::time::sleep(Duration::from_secs(10)))
    ///     .build()?;
    /// # Ok::<(), mainstay_csrf::Error>(())
    /// ```
    ///
    /// Only the search is limited, not what a handler reads afterwards: an upload may last for hours.
    #[must_use]
    pub fn body_time_limit<F>(mut self, sleep: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.body_time_limit = Some(Box::new(move || Box::pin(sleep())));
        self
    }

    /// Takes the time from `clock`, for tests.
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.clock = Clock(Some(Box::new(clock)));
        self
    }

    /// Sends a token with every response that asked for one, in the header that requests use too.
    ///
    /// For scripts that fetch their pages' parts and have no `<meta>` to look into.
    #[must_use]
    pub fn token_in_response_header(mut self, send: bool) -> Self {
        self.echo = send;
        self
    }

    /// Keeps a token in a cookie that scripts can read, and takes it back in a header of another
    /// name: `.cookie_to_header("XSRF-TOKEN", "X-XSRF-TOKEN")` is what axios and Angular do by
    /// themselves.
    ///
    /// The cookie holds a token and not the secret, and is written anew on the first page after the
    /// session has changed.
    #[must_use]
    pub fn cookie_to_header(
        mut self,
        cookie: impl Into<String>,
        header: impl Into<String>,
    ) -> Self {
        self.mirror = Some([cookie.into(), header.into()]);
        self
    }

    fn preset(
        scheme: Scheme,
        keys: Option<KeyRing>,
        field: &'static str,
        meta: &'static str,
    ) -> Self {
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
            session_only: false,
            max_token_age: None,
            cookie: CookieSettings::default(),
            header: "x-csrf-token".to_owned(),
            field: field.to_owned(),
            meta,
            body_limit: 64 * 1024,
            body_time_limit: None,
            routes: Routes::default(),
            eager: false,
            renew: false,
            echo: false,
            mirror: None,
            report_only: false,
            reject: None,
            observe: None,
            clock: Clock::default(),
        }
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
