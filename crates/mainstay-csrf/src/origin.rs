//! Origins: what may be configured, and what a browser sends.

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
};

use crate::error::{Error, Kind};

/// A configured origin in canonical form: lower case, no default port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    scheme: Box<str>,
    host: Box<str>,
    port: Option<u16>,
}

impl Origin {
    /// Takes what a browser could send, and spellings of it that mean the same without doubt.
    pub(crate) fn configured(text: &str) -> Result<Self, Error> {
        let bad = |why| {
            Error::new(Kind::Origin {
                text: text.to_owned(),
                why,
            })
        };
        if text == "null" {
            return Err(bad("every sandboxed frame of every site sends `null`"));
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(bad(
                "write it with its scheme, like https://app.example.com",
            ));
        };
        if rest.contains('*') {
            return Err(bad("there are no wildcards; list each origin"));
        }
        if !text.is_ascii() {
            return Err(bad("write the host as browsers send it, in its xn-- form"));
        }
        if rest.contains('@') {
            return Err(bad("an origin has no user name"));
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#']) {
            return Err(bad("an origin ends with its host and port"));
        }
        let parsed = OriginRef::parse(format!("{scheme}://{rest}").as_bytes())
            .map(|origin| origin.canonical())
            .ok_or_else(|| bad("it has no host, or one that cannot be"))?;
        match unsent(&parsed.host) {
            Some(why) => Err(bad(why)),
            None => Ok(parsed),
        }
    }

    pub(crate) fn is_http(&self) -> bool {
        &*self.scheme == "http"
    }

    pub(crate) fn is_loopback(&self) -> bool {
        Authority {
            host: &self.host,
            port: self.port,
        }
        .is_loopback()
    }

    pub(crate) fn is(&self, other: &OriginRef<'_>) -> bool {
        self.scheme.eq_ignore_ascii_case(other.scheme)
            && self.host.eq_ignore_ascii_case(other.host)
            && self.port == other.port
    }

    /// Whether `other` is this origin but for TLS.
    pub(crate) fn is_secure_form_of(&self, other: &OriginRef<'_>) -> bool {
        &*self.scheme == "https"
            && other.scheme.eq_ignore_ascii_case("http")
            && self.host.eq_ignore_ascii_case(other.host)
            && self.port == other.port
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// An origin as it came in a header, without its default port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OriginRef<'a> {
    pub(crate) scheme: &'a str,
    pub(crate) host: &'a str,
    pub(crate) port: Option<u16>,
}

impl<'a> OriginRef<'a> {
    /// Exactly scheme, host and perhaps a port. `null` and everything else is not an origin.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        Self::of_text(std::str::from_utf8(bytes).ok()?)
    }

    pub(crate) fn of_text(text: &'a str) -> Option<Self> {
        // What nearly all of them begin with.
        if let Some(authority) = text.strip_prefix("https://") {
            return Self::at("https", authority);
        }
        let (scheme, rest) = text.split_at(text.bytes().position(|byte| byte == b':')?);
        let authority = rest.strip_prefix("://")?;
        let letters = scheme.bytes().enumerate().all(|(at, byte)| match byte {
            b'a'..=b'z' | b'A'..=b'Z' => true,
            b'0'..=b'9' | b'+' | b'-' | b'.' => at > 0,
            _ => false,
        });
        if scheme.is_empty() || !letters {
            return None;
        }
        Self::at(scheme, authority)
    }

    fn at(scheme: &'a str, authority: &'a str) -> Option<Self> {
        let (host, port) = split_authority(authority)?;
        Some(Self {
            scheme,
            host,
            port: port.filter(|port| default_port(scheme) != Some(*port)),
        })
    }

    /// The origin of a URL such as `Referer` holds; `None` for one without a host.
    pub(crate) fn of_url(bytes: &'a [u8]) -> Option<Self> {
        let start = bytes.windows(3).position(|window| window == b"://")? + 3;
        let length = bytes[start..]
            .iter()
            .position(|byte| b"/?#\\".contains(byte));
        Self::parse(&bytes[..length.map_or(bytes.len(), |length| start + length)])
    }

    /// Whether this is the origin of a service that is reached as `authority` over `scheme`.
    pub(crate) fn is_at(&self, scheme: &str, authority: Authority<'_>) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
            && self.host.eq_ignore_ascii_case(authority.host)
            && self.port
                == authority
                    .port
                    .filter(|port| default_port(scheme) != Some(*port))
    }

    fn canonical(&self) -> Origin {
        Origin {
            scheme: self.scheme.to_ascii_lowercase().into(),
            host: self.host.to_ascii_lowercase().into(),
            port: self.port,
        }
    }
}

/// The host and port that a request was sent to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Authority<'a> {
    pub(crate) host: &'a str,
    pub(crate) port: Option<u16>,
}

impl<'a> Authority<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        split_authority(text).map(|(host, port)| Self { host, port })
    }

    /// Browsers take these hosts for as trustworthy as HTTPS.
    pub(crate) fn is_loopback(&self) -> bool {
        let host = self.host;
        host.eq_ignore_ascii_case("localhost")
            || host == "[::1]"
            || host.len() > LOCALHOST.len()
                && host.as_bytes()[host.len() - LOCALHOST.len()..].eq_ignore_ascii_case(LOCALHOST)
            || host
                .parse::<Ipv4Addr>()
                .is_ok_and(|address| address.is_loopback())
    }
}

impl fmt::Display for Authority<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// Why no browser ever sends this host, of which each has one spelling (WHATWG URL, 3.5).
fn unsent(host: &str) -> Option<&'static str> {
    if let Some(inner) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        return match inner.parse::<Ipv6Addr>() {
            Ok(address) if compressed(address) == inner => None,
            Ok(_) => Some("browsers write that address shorter, like [2001:db8::1]"),
            Err(_) => Some("it is not an IPv6 address"),
        };
    }
    let labels: Vec<&str> = host.strip_suffix('.').unwrap_or(host).split('.').collect();
    if labels.iter().any(|label| label.is_empty()) {
        return Some("a part of its host is empty");
    }
    // What ends in a number is an IPv4 address to a browser, whatever else it looks like.
    let last = labels.last().copied().unwrap_or_default();
    let number = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x");
    match number && host.parse::<Ipv4Addr>().is_err() {
        true => Some("browsers write an IPv4 address as four numbers, like 192.0.2.1"),
        false => None,
    }
}

/// An address as browsers write it: hexadecimal to the end, where Rust writes mapped IPv4 addresses
/// with dots.
fn compressed(address: Ipv6Addr) -> String {
    match (address.to_ipv4_mapped(), address.segments()) {
        (Some(_), [.., high, low]) => format!("::ffff:{high:x}:{low:x}"),
        _ => address.to_string(),
    }
}

fn split_authority(text: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = if text.starts_with('[') {
        let end = text.find(']')? + 1;
        let (host, rest) = text.split_at(end);
        let inner = &host[1..end - 1];
        if inner.is_empty()
            || !inner
                .bytes()
                .all(|b| b.is_ascii_hexdigit() || b == b':' || b == b'.')
        {
            return None;
        }
        match rest.strip_prefix(':') {
            Some(port) => (host, Some(port)),
            None if rest.is_empty() => (host, None),
            None => return None,
        }
    } else {
        let end = text
            .bytes()
            .position(|byte| !IN_HOST[usize::from(byte)])
            .unwrap_or(text.len());
        let (host, rest) = text.split_at_checked(end)?;
        if host.is_empty() || !(rest.is_empty() || rest.starts_with(':')) {
            return None;
        }
        (host, rest.strip_prefix(':'))
    };
    let port = match port {
        None => None,
        Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
            Some(digits.parse().ok()?)
        }
        Some(_) => return None,
    };
    Some((host, port))
}

fn default_port(scheme: &str) -> Option<u16> {
    if scheme.eq_ignore_ascii_case("https") {
        Some(443)
    } else if scheme.eq_ignore_ascii_case("http") {
        Some(80)
    } else {
        None
    }
}

/// Which bytes a host may have that is no IPv6 address.
static IN_HOST: [bool; 256] = {
    let (mut table, mut byte) = ([false; 256], 0u8);
    while byte < 128 {
        table[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        byte += 1;
    }
    table
};

const LOCALHOST: &[u8] = b".localhost";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configured_origins_are_made_canonical_or_refused() {
        for (text, canonical) in [
            ("https://app.test", "https://app.test"),
            ("HTTPS://App.Test", "https://app.test"),
            ("https://app.test:443", "https://app.test"),
            ("http://app.test:80/", "http://app.test"),
            ("https://app.test:8443", "https://app.test:8443"),
            ("http://app.test:443", "http://app.test:443"),
            ("https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443"),
            ("chrome-extension://abcdef", "chrome-extension://abcdef"),
        ] {
            assert_eq!(Origin::configured(text).unwrap().to_string(), canonical);
        }
        for text in [
            "app.test",
            "//app.test",
            "null",
            "",
            "https://",
            "https://*.app.test",
            "https://ü.test",
            "https://ann@app.test",
            "https://app.test/form",
            "https://app.test?",
            "https://app.test#",
            "https://app.test:",
            "https://app.test:99999",
            "https://app.test:+1",
            "https://[::1",
            "https://[]",
            "https://a b",
            "https://app.test//",
            "1http://app.test",
            "://app.test",
        ] {
            assert!(
                Origin::configured(text).unwrap_err().is_origin(),
                "{text:?}"
            );
        }
    }

    #[test]
    fn an_origin_header_is_read_strictly() {
        for text in [
            "null",
            "",
            "https:app.test",
            "https://app.test/",
            "https://u@app.test",
            "https://app.test ",
            "https://a.test https://b.test",
            "https://app.test:4x3",
            "https://app.test?x",
        ] {
            assert!(OriginRef::parse(text.as_bytes()).is_none(), "{text:?}");
        }
        assert!(OriginRef::parse(b"https://\xff").is_none());
    }

    #[test]
    fn a_referers_origin_ends_where_its_host_does() {
        for (url, origin) in [
            ("https://app.test/a?b#c", Some("https://app.test")),
            (
                "https://app.test?x=https://evil.test",
                Some("https://app.test"),
            ),
            ("https://app.test:8443", Some("https://app.test:8443")),
            ("https://app.test\\@evil.test/", Some("https://app.test")),
            ("https://evil.test@app.test/", None),
            ("about:blank", None),
            ("/page", None),
            ("https:///page", None),
        ] {
            let found =
                OriginRef::of_url(url.as_bytes()).map(|origin| origin.canonical().to_string());
            assert_eq!(found.as_deref(), origin, "{url}");
        }
    }

    #[test]
    fn loopback_is_what_browsers_take_for_it() {
        for host in [
            "localhost",
            "LOCALHOST:3000",
            "a.localhost",
            "127.0.0.1:80",
            "127.9.9.9",
            "[::1]",
        ] {
            assert!(Authority::parse(host).unwrap().is_loopback(), "{host}");
        }
        for host in [
            "localhost.test",
            "notlocalhost",
            "128.0.0.1",
            "[::2]",
            "127.0.0.1.test",
            ".localhost.a",
        ] {
            assert!(!Authority::parse(host).unwrap().is_loopback(), "{host}");
        }
    }
}
