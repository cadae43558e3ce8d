//! Who made the request, by what the browser says about it.

use http::{header, request::Parts};

use crate::{
    Failure,
    origin::{Authority, Origin, OriginRef},
    sender::{Sender, Sent, clip, forwarded, only},
};

/// What the origin layer found out about a request that it let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// A page of this very origin made it.
    Same,
    /// A page of a trusted origin made it.
    Trusted,
    /// The headers do not tell: an old browser, no browser, or a privacy setting.
    Unknown,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct OriginPolicy {
    pub(crate) own: Vec<Origin>,
    pub(crate) trusted: Vec<Origin>,
    pub(crate) trust_same_site: bool,
    /// Whether the derived own origin may be `http` beyond loopback.
    pub(crate) plain_http: bool,
    /// Whether a proxy in front says in headers under which name it was called.
    pub(crate) trust_proxy: bool,
    /// Whether, with headers only, one of them must be there.
    pub(crate) strict: bool,
}

impl OriginPolicy {
    /// The decision for a request that may change something.
    ///
    /// A header that comes twice refuses, whichever of them decides: what somebody in between adds
    /// is not to be told from what the browser said.
    pub(crate) fn judge(&self, parts: &Parts) -> Result<Standing, Failure> {
        let Sender { site, origin } = Sender::of(&parts.headers)?;
        let origin = Sent::read(origin)?;
        match site {
            Some(b"same-origin") => Ok(Standing::Same),
            Some(b"cross-site") if self.is_trusted(origin) => Ok(Standing::Trusted),
            Some(b"cross-site") => Err(Failure::CrossSite {
                origin: origin.text(),
            }),
            Some(b"same-site") if self.trust_same_site || self.is_trusted(origin) => {
                Ok(Standing::Trusted)
            }
            Some(b"same-site") => Err(Failure::SameSite {
                origin: origin.text(),
            }),
            // `none` is what a person does by hand, and a word from the future is no proof.
            Some(_) => Ok(Standing::Unknown),
            None => match origin {
                Sent::Origin(origin, text) => self.compare(origin, parts, |expected, insecure| {
                    let origin = clip(text);
                    if insecure {
                        Failure::InsecureOrigin { origin, expected }
                    } else {
                        Failure::OriginMismatch { origin, expected }
                    }
                }),
                // Our own pages send `null` under `Referrer-Policy: no-referrer`, and so do the
                // sandboxed frames of others.
                Sent::Null => Ok(Standing::Unknown),
                Sent::Nothing => self.judge_referer(parts),
            },
        }
    }

    /// The decision for the start of a WebSocket, where no token can follow: `Origin` first, since
    /// every browser sends it here, and `null` is refused.
    pub(crate) fn judge_handshake(&self, parts: &Parts) -> Result<Standing, Failure> {
        let Sender { origin, .. } = Sender::of(&parts.headers)?;
        match Sent::read(origin)? {
            Sent::Origin(origin, text) => self.compare(origin, parts, |expected, insecure| {
                let origin = clip(text);
                if insecure {
                    Failure::InsecureOrigin { origin, expected }
                } else {
                    Failure::OriginMismatch { origin, expected }
                }
            }),
            Sent::Null => Err(Failure::OriginMismatch {
                origin: "null".into(),
                expected: self.expected(parts),
            }),
            Sent::Nothing => self.judge(parts),
        }
    }

    /// The decision of Go's `CrossOriginProtection`: a request without either header passes, because
    /// no browser of the last years sends such a one across origins.
    ///
    /// Three things are stricter, which no browser notices: headers that come twice are refused,
    /// `Host` too; `Origin` has to be one, and its scheme `http` or `https`. Configured own origins
    /// are compared with their scheme; the derived one, as in Go, without, and exactly as the host is
    /// written.
    pub(crate) fn judge_as_go(&self, parts: &Parts) -> Result<Standing, Failure> {
        let Sender { site, origin } = Sender::of(&parts.headers)?;
        match site {
            Some(b"same-origin") => return Ok(Standing::Same),
            Some(b"none") => return Ok(Standing::Unknown),
            _ => {}
        }
        let origin = Sent::read(origin.filter(|origin| !origin.is_empty()))?;
        match site {
            None | Some(b"") => {}
            Some(_) if self.is_trusted(origin) => return Ok(Standing::Trusted),
            Some(b"same-site") if self.trust_same_site => return Ok(Standing::Trusted),
            Some(b"same-site") => {
                return Err(Failure::SameSite {
                    origin: origin.text(),
                });
            }
            Some(_) => {
                return Err(Failure::CrossSite {
                    origin: origin.text(),
                });
            }
        }
        let mismatch = |origin: &str| Failure::OriginMismatch {
            origin: clip(origin),
            expected: self.expected(parts),
        };
        match origin {
            Sent::Nothing if self.strict => Err(Failure::HeadersMissing),
            Sent::Nothing => Ok(Standing::Unknown),
            Sent::Null => Err(mismatch("null")),
            Sent::Origin(origin, _) if !self.own.is_empty() || self.trust_proxy => {
                self.compare(origin, parts, |expected, insecure| match insecure {
                    true => Failure::InsecureOrigin {
                        origin: origin_text(&origin),
                        expected,
                    },
                    false => Failure::OriginMismatch {
                        origin: origin_text(&origin),
                        expected,
                    },
                })
            }
            Sent::Origin(origin, text) => {
                let host = only(&parts.headers, &header::HOST, "host")?;
                let host = parts
                    .uri
                    .authority()
                    .map(|authority| authority.as_str().as_bytes())
                    .or(host);
                let web = matches!(origin.scheme, "http" | "https");
                let sent = text.split_once("://").map(|(_, host)| host.as_bytes());
                if web && sent == host {
                    Ok(Standing::Same)
                } else if self.is_trusted(Sent::Origin(origin, text)) {
                    Ok(Standing::Trusted)
                } else {
                    Err(mismatch(text))
                }
            }
        }
    }

    /// The decision about a link that changes something, with headers only: browsers send no `Origin`
    /// with links, so without metadata the `Referer` has to say that the page is ours.
    pub(crate) fn judge_link_as_go(&self, parts: &Parts) -> Result<Standing, Failure> {
        match self.whatever_scheme(self.judge(parts)) {
            Ok(Standing::Unknown) => Err(Failure::HeadersMissing),
            verdict => verdict,
        }
    }

    /// The decision for the start of a WebSocket, with headers only.
    pub(crate) fn judge_handshake_as_go(&self, parts: &Parts) -> Result<Standing, Failure> {
        match self.whatever_scheme(self.judge_handshake(parts)) {
            Ok(Standing::Unknown) if self.strict => Err(Failure::HeadersMissing),
            verdict => verdict,
        }
    }

    /// Go does not compare the scheme of a derived origin: sites without TLS work, too.
    fn whatever_scheme(&self, verdict: Result<Standing, Failure>) -> Result<Standing, Failure> {
        match verdict {
            Err(Failure::InsecureOrigin { .. }) if self.own.is_empty() && !self.trust_proxy => {
                Ok(Standing::Same)
            }
            verdict => verdict,
        }
    }

    fn judge_referer(&self, parts: &Parts) -> Result<Standing, Failure> {
        let Some(referer) = only(&parts.headers, &header::REFERER, "referer")? else {
            return Ok(Standing::Unknown);
        };
        let Some(origin) = OriginRef::of_url(referer) else {
            // `about:blank` and the like say nothing; a URL with a host that cannot be read does.
            return if referer.windows(3).any(|window| window == b"://") {
                Err(Failure::OriginMalformed { header: "referer" })
            } else {
                Ok(Standing::Unknown)
            };
        };
        self.compare(origin, parts, |expected, insecure| {
            let origin = origin_text(&origin);
            if insecure {
                Failure::InsecureOrigin { origin, expected }
            } else {
                Failure::RefererMismatch { origin, expected }
            }
        })
    }

    fn compare(
        &self,
        origin: OriginRef<'_>,
        parts: &Parts,
        failure: impl FnOnce(Box<str>, bool) -> Failure,
    ) -> Result<Standing, Failure> {
        let insecure = match self.own(origin, parts)? {
            Own::Yes => return Ok(Standing::Same),
            Own::ButForTls => true,
            Own::No => false,
        };
        if self.trusted.iter().any(|trusted| trusted.is(&origin)) {
            return Ok(Standing::Trusted);
        }
        Err(failure(self.expected(parts), insecure))
    }

    fn own(&self, origin: OriginRef<'_>, parts: &Parts) -> Result<Own, Failure> {
        if !self.own.is_empty() {
            return Ok(if self.own.iter().any(|own| own.is(&origin)) {
                Own::Yes
            } else if self.own.iter().any(|own| own.is_secure_form_of(&origin)) {
                Own::ButForTls
            } else {
                Own::No
            });
        }
        let (scheme, authority) = self.derived(parts)?;
        let Some(authority) = authority else {
            return Ok(Own::No);
        };
        if let Some(scheme) = scheme {
            return Ok(match origin.is_at(scheme, authority) {
                true => Own::Yes,
                false if scheme == "https" && origin.is_at("http", authority) => Own::ButForTls,
                false => Own::No,
            });
        }
        if origin.is_at("https", authority) {
            return Ok(Own::Yes);
        }
        if origin.is_at("http", authority) {
            return Ok(match self.plain_http || authority.is_loopback() {
                true => Own::Yes,
                false => Own::ButForTls,
            });
        }
        Ok(Own::No)
    }

    /// Under which name this service was called, and by which scheme if a proxy said so.
    fn derived<'a>(
        &self,
        parts: &'a Parts,
    ) -> Result<(Option<&'a str>, Option<Authority<'a>>), Failure> {
        let host = only(&parts.headers, &header::HOST, "host")?;
        if self.trust_proxy
            && let Some((scheme, host)) = forwarded(&parts.headers)?
        {
            return Ok((Some(scheme), Authority::parse(host)));
        }
        let text = match parts.uri.authority() {
            Some(authority) => authority.as_str(),
            None => match host.map(std::str::from_utf8) {
                Some(Ok(host)) => host,
                Some(Err(_)) => return Err(Failure::OriginMalformed { header: "host" }),
                None => return Ok((None, None)),
            },
        };
        match Authority::parse(text) {
            Some(authority) => Ok((None, Some(authority))),
            None => Err(Failure::OriginMalformed { header: "host" }),
        }
    }

    /// For people, in the text of a refusal.
    fn expected(&self, parts: &Parts) -> Box<str> {
        if !self.own.is_empty() {
            let all: Vec<_> = self.own.iter().map(|own| format!("`{own}`")).collect();
            return all.join(" or ").into();
        }
        match self.derived(parts) {
            Ok((scheme, Some(authority))) => {
                format!("`{}://{authority}`", scheme.unwrap_or("https")).into()
            }
            _ => "a request without a host".into(),
        }
    }

    fn is_trusted(&self, origin: Sent<'_>) -> bool {
        match origin {
            Sent::Origin(origin, _) => self.trusted.iter().any(|trusted| trusted.is(&origin)),
            Sent::Null | Sent::Nothing => false,
        }
    }
}

enum Own {
    Yes,
    /// The same host and port, but `http` where `https` is expected.
    ButForTls,
    No,
}

fn origin_text(origin: &OriginRef<'_>) -> Box<str> {
    let port = origin
        .port
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    clip(&format!("{}://{}{port}", origin.scheme, origin.host))
}
