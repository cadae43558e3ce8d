use std::time::Duration;

use super::Csrf;
use crate::{Error, SameSite, cookie::Attributes, error::Kind, policy::Scheme};

/// What was said about the cookie; what was not, the preset says.
#[derive(Default)]
pub(super) struct CookieSettings {
    name: Option<String>,
    path: Option<String>,
    domain: Option<String>,
    max_age: Option<Duration>,
    same_site: Option<SameSite>,
    readable: bool,
}

/// # The cookie
impl Csrf {
    /// The cookie's name, in place of `__Host-csrf` or `_gorilla_csrf`.
    #[must_use]
    pub fn cookie_name(mut self, name: impl Into<String>) -> Self {
        self.cookie.name = Some(name.into());
        self
    }

    /// The cookie's path, in place of `/`. An empty one leaves the attribute out.
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

    /// Keeps the cookie for this long, in place of until the browser ends, or of twelve hours with the
    /// gorilla preset. Zero is until the browser ends.
    ///
    /// With the gorilla preset it is also how old a cookie may be, and zero turns that off, as in Go.
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

    /// Lets scripts read the cookie. gorilla's `HttpOnly(false)`; nothing here needs it.
    #[must_use]
    pub fn cookie_readable_by_scripts(mut self, readable: bool) -> Self {
        self.cookie.readable = readable;
        self
    }

    /// Sends the cookie with every response, not only with those that asked for a token: what
    /// gorilla does, and what keeps shared caches from keeping anything.
    #[must_use]
    pub fn eager_cookie(mut self, eager: bool) -> Self {
        self.eager = eager;
        self
    }

    /// With the gorilla preset: issues a cookie again, with the same token, once half its age is
    /// over. Forms then never fail for the cookie's age while the visitor is there.
    #[must_use]
    pub fn renew_cookie(mut self, renew: bool) -> Self {
        self.renew = renew;
        self
    }

    /// The first setting that was made, for presets that have no cookie.
    pub(super) fn cookie_setting(&self) -> Option<&'static str> {
        let set = &self.cookie;
        let settings = [
            (set.name.is_some(), "cookie_name"),
            (set.path.is_some(), "cookie_path"),
            (set.domain.is_some(), "cookie_domain"),
            (set.max_age.is_some(), "cookie_max_age"),
            (set.same_site.is_some(), "same_site"),
            (set.readable, "cookie_readable_by_scripts"),
            (self.eager, "eager_cookie"),
        ];
        let mut made = settings.into_iter().filter(|(made, _)| *made);
        made.next().map(|(_, setting)| setting)
    }

    pub(super) fn attributes(&self) -> Result<Attributes, Error> {
        let set = &self.cookie;
        let gorilla = self.scheme == Scheme::Gorilla;
        let secure = !self.plain_http;
        let host_only = set.domain.is_none() && set.path.is_none();
        let name = match &set.name {
            Some(name) => name.clone(),
            None if gorilla => "_gorilla_csrf".to_owned(),
            None if secure && host_only => "__Host-csrf".to_owned(),
            None if secure => "__Secure-csrf".to_owned(),
            None => "csrf".to_owned(),
        };
        let max_age = set
            .max_age
            .unwrap_or(Duration::from_secs(if gorilla { 43_200 } else { 0 }));
        let path = set.path.as_deref().unwrap_or("/");
        let attributes = Attributes {
            name,
            path: (!path.is_empty()).then(|| path.to_owned()),
            domain: set.domain.clone(),
            max_age: Some(max_age.as_secs()).filter(|age| *age > 0),
            http_only: !set.readable,
            secure,
            same_site: set.same_site.unwrap_or(SameSite::Lax),
        };
        check(&attributes)?;
        Ok(attributes)
    }
}

/// Refuses what browsers would throw away without a word.
pub(super) fn check(cookie: &Attributes) -> Result<(), Error> {
    let Attributes {
        name,
        path,
        domain,
        secure,
        same_site,
        ..
    } = cookie;
    let bad = |why| Err(Error::new(Kind::Cookie { why }));
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(Error::new(Kind::Name {
            what: "cookie",
            text: name.clone(),
        }));
    }
    if path
        .as_ref()
        .is_some_and(|path| !path.starts_with('/') || !path.bytes().all(is_attribute))
    {
        return bad("its path has to begin with `/` and to be printable");
    }
    let fits = |domain: &String| {
        domain.bytes().any(|byte| byte.is_ascii_alphanumeric()) && domain.bytes().all(is_attribute)
    };
    if domain.as_ref().is_some_and(|domain| !fits(domain)) {
        return bad("its domain is not one");
    }
    let begins = |prefix: &str| {
        name.get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    if begins("__Host-") && (!secure || domain.is_some() || path.as_deref() != Some("/")) {
        return bad("`__Host-` demands Secure, no Domain and the path `/`");
    }
    if begins("__Secure-") && !secure {
        return bad("`__Secure-` demands Secure");
    }
    if *same_site == SameSite::None && !secure {
        return bad("SameSite=None demands Secure");
    }
    Ok(())
}

/// What RFC 6265 allows in a cookie's name.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(&byte)
}

fn is_attribute(byte: u8) -> bool {
    (byte.is_ascii_graphic() || byte == b' ') && byte != b';'
}
