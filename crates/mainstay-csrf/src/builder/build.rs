use http::{HeaderName, header};

use super::{Csrf, cookie};
use crate::{
    CsrfLayer, Error, KeyRing, SameSite, Tokens,
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
            keys.demand_full_length()?;
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
            session_only: self.session_only,
            tokens: self.tokens,
            max_token_age: self.max_token_age.map(|age| age.as_secs()),
            body_limit: self.body_limit,
            body_time_limit: self.body_time_limit,
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
        let no_cookie = self.scheme == Scheme::HeadersOnly || self.session_only;
        let (modern, gorilla, headers) = match self.scheme {
            Scheme::Modern => (true, false, false),
            Scheme::Gorilla => (false, true, false),
            Scheme::HeadersOnly => (false, false, true),
        };
        let settings = [
            (!modern && self.binding.is_some(), "session"),
            (!modern && self.session_only, "session_only"),
            (self.session_only && self.binding.is_none(), "session_only"),
            (!modern && self.max_token_age.is_some(), "max_token_age"),
            (!modern && scoped, "scope"),
            (!modern && self.mirror.is_some(), "cookie_to_header"),
            (!gorilla && self.renew, "renew_cookie"),
            (!headers && self.strict, "demand_headers"),
            (headers && self.echo, "token_in_response_header"),
            (headers && self.tokens != Tokens::Always, "tokens"),
            (headers && !self.routes.deferred.is_empty(), "defer"),
            (self.body_limit == 0, "body_limit"),
        ];
        let mut wrong = settings.into_iter().filter(|(wrong, _)| *wrong);
        let unfit = match wrong.next() {
            Some((_, setting)) => Some(setting),
            None if no_cookie => self.cookie_setting(),
            None => None,
        };
        let with = match self.scheme {
            _ if self.body_limit == 0 => "a limit of no bytes",
            Scheme::Modern if self.session_only && self.binding.is_none() => {
                "no session to bind to"
            }
            Scheme::Modern if self.session_only => "`session_only`",
            Scheme::Modern => "the modern preset",
            Scheme::Gorilla => "the gorilla preset",
            Scheme::HeadersOnly => "the headers-only preset",
        };
        unfit.map_or(Ok(()), |setting| {
            Err(Error::new(Kind::Unfit { setting, with }))
        })
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
        if cookie.name.eq_ignore_ascii_case(&self.attributes()?.name) {
            let why = "the cookie for scripts and the secret one have the same name";
            return Err(Error::new(Kind::Cookie { why }));
        }
        Ok(Mirror {
            cookie,
            header: header(header_name)?,
        })
    }
}

/// The name of a header of our own: one that browsers send by themselves proves nothing.
fn header(name: &str) -> Result<HeaderName, Error> {
    let taken = [
        header::AUTHORIZATION,
        header::CONTENT_TYPE,
        header::COOKIE,
        header::HOST,
        header::ORIGIN,
        header::REFERER,
    ];
    match HeaderName::try_from(name) {
        Ok(name) if !taken.contains(&name) => Ok(name),
        _ => Err(Error::new(Kind::Name {
            what: "header",
            text: name.to_owned(),
        })),
    }
}
