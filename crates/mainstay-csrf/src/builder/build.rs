use http::HeaderName;

use super::{Csrf, cookie};
use crate::{
    CsrfLayer, Error, KeyRing, SameSite,
    check::OriginPolicy,
    cookie::Attributes,
    error::Kind,
    origin::Origin,
    policy::{Mirror, Policy, Scheme},
};

impl Csrf {
    /// The layer.
    ///
    /// # Errors
    ///
    /// When keys are too short, origins are none that a browser sends, the cookie's attributes
    /// contradict each other, or a setting has no meaning with the preset.
    pub fn build(mut self) -> Result<CsrfLayer, Error> {
        self.routes.trace_is_checked = self.scheme == Scheme::HeadersOnly;
        self.check_preset()?;
        self.routes.check()?;
        let origins = self.origins()?;
        let cookie = self.attributes()?;
        let header = header(&self.header)?;
        let mirror = match &self.mirror {
            Some(names) => Some(self.mirror(names)?),
            None => None,
        };
        if self.field.is_empty() {
            return Err(Error::new(Kind::Name {
                what: "field",
                text: self.field,
            }));
        }
        if let (Scheme::Modern, Some(keys)) = (self.scheme, &self.keys) {
            keys.check_lengths()?;
        }
        Ok(CsrfLayer::new(Policy {
            scheme: self.scheme,
            // With headers only there is nothing to sign, and nothing that looks at the ring.
            keys: self.keys.unwrap_or_else(KeyRing::generate),
            cookie,
            header,
            field: self.field.into(),
            meta: self.meta,
            origins,
            binding: self.binding,
            tokens: self.tokens,
            max_token_age: self.max_token_age.map(|age| age.as_secs()),
            body_limit: self.body_limit,
            routes: self.routes,
            eager: self.eager && self.scheme != Scheme::HeadersOnly,
            renew: self.renew,
            echo: self.echo,
            mirror,
            report_only: self.report_only,
            reject: self.reject,
            observe: self.observe,
            clock: self.clock,
            warned: Default::default(),
        }))
    }

    /// A setting that would do nothing is a mistake of whoever made it.
    fn check_preset(&self) -> Result<(), Error> {
        let scoped = !self.routes.scopes.is_empty() || !self.routes.require_scope.is_empty();
        let (preset, unfit) = match self.scheme {
            Scheme::Modern => (
                "modern",
                [
                    (self.renew, "renew_cookie"),
                    (self.strict, "demand_headers"),
                    NONE,
                    NONE,
                    NONE,
                    NONE,
                ],
            ),
            Scheme::Gorilla => (
                "gorilla",
                [
                    (self.binding.is_some(), "session"),
                    (self.max_token_age.is_some(), "max_token_age"),
                    (scoped, "scope"),
                    (self.mirror.is_some(), "cookie_to_header"),
                    (self.strict, "demand_headers"),
                    NONE,
                ],
            ),
            Scheme::HeadersOnly => (
                "headers-only",
                [
                    (self.binding.is_some(), "session"),
                    (self.max_token_age.is_some(), "max_token_age"),
                    (scoped, "scope"),
                    (self.mirror.is_some(), "cookie_to_header"),
                    (self.renew, "renew_cookie"),
                    (self.echo, "token_in_response_header"),
                ],
            ),
        };
        match unfit.into_iter().find(|(set, _)| *set) {
            Some((_, setting)) => Err(Error::new(Kind::Unfit { setting, preset })),
            None => Ok(()),
        }
    }

    fn origins(&self) -> Result<OriginPolicy, Error> {
        let all = |texts: &[String]| -> Result<Vec<_>, Error> {
            texts.iter().map(|text| Origin::configured(text)).collect()
        };
        let own = all(&self.own)?;
        let cookie_would_be_lost = |own: &&Origin| own.is_http() && !own.is_loopback();
        if self.scheme != Scheme::HeadersOnly
            && !self.plain_http
            && let Some(plain) = own.iter().find(cookie_would_be_lost)
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

    fn mirror(&self, [cookie, header_name]: &[String; 2]) -> Result<Mirror, Error> {
        let cookie = Attributes {
            name: cookie.clone(),
            path: Some("/".to_owned()),
            domain: None,
            max_age: None,
            http_only: false,
            secure: !self.plain_http,
            same_site: SameSite::Lax,
        };
        cookie::check(&cookie)?;
        Ok(Mirror {
            cookie,
            header: header(header_name)?,
        })
    }
}

const NONE: (bool, &str) = (false, "");

fn header(name: &str) -> Result<HeaderName, Error> {
    HeaderName::try_from(name).map_err(|_| {
        Error::new(Kind::Name {
            what: "header",
            text: name.to_owned(),
        })
    })
}
