//! What browsers tell about a request, and what they are refused for.
//!
//! A page of another site can make a browser send requests to us, with the login that the browser
//! has, or from a place that reaches us when the page's author does not. Browsers say where a request
//! comes from; other clients say nothing, and pass.

use std::net::IpAddr;
use std::sync::Arc;

use http::header::{HOST, ORIGIN, REFERER, USER_AGENT};
use http::{HeaderMap, HeaderName, Uri};

/// The request's headers, and the host that its line names if it does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visit<'a> {
    headers: &'a HeaderMap,
    authority: Option<&'a str>,
}

impl<'a> Visit<'a> {
    pub(super) fn new(headers: &'a HeaderMap, uri: &'a Uri) -> Self {
        let authority = uri.authority().map(http::uri::Authority::as_str);
        Self { headers, authority }
    }

    /// Whether a browser sent it: they all mark what they send, one way or the other.
    pub(super) fn is_of_a_browser(self) -> bool {
        [ORIGIN, REFERER]
            .iter()
            .chain(&FETCH_METADATA)
            .any(|name| self.headers.contains_key(name))
            || self
                .text(USER_AGENT)
                .is_some_and(|agent| agent.starts_with("Mozilla/"))
    }

    /// Whether the browser says that another site's page made it send this.
    pub(super) fn is_foreign(self) -> bool {
        let site = self.text(SEC_FETCH_SITE);
        if !matches!(site, None | Some("same-origin" | "none")) {
            return true;
        }
        self.text(ORIGIN)
            .is_some_and(|origin| !self.is_ours(origin))
    }

    /// The same, for a request that no form and no script makes but a link: these have no `Origin`,
    /// and often a `Referer`.
    pub(super) fn is_a_foreign_link(self) -> bool {
        self.is_foreign() || self.text(REFERER).is_some_and(|page| !self.is_ours(page))
    }

    /// Whether the browser only fetches what somebody might want to look at.
    pub(super) fn is_ahead_of_time(self) -> bool {
        AHEAD_OF_TIME
            .into_iter()
            .any(|name| self.headers.contains_key(name))
    }

    /// The host that was asked for, as it was written.
    pub(super) fn host(self) -> Option<&'a str> {
        self.authority.or_else(|| self.text(HOST))
    }

    /// Whether an address is at the host and port that the request was sent to.
    fn is_ours(self, url: &str) -> bool {
        let Some((scheme, rest)) = url.split_once("://") else {
            return false;
        };
        let port = match scheme {
            "http" => ":80",
            "https" => ":443",
            _ => return false,
        };
        let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or(rest);
        let bare = |text: &str| text.strip_suffix(port).unwrap_or(text).to_ascii_lowercase();
        self.host()
            .is_some_and(|host| bare(authority) == bare(host))
    }

    /// A header's text; one that is no text is something that no browser sends.
    fn text(self, name: HeaderName) -> Option<&'a str> {
        let value = self.headers.get(name)?;
        Some(value.to_str().unwrap_or("?"))
    }
}

/// The names by which a server may be asked for by a browser.
///
/// A server without a login is protected by where it listens alone. A page of `evil.example` can
/// have that name lead to 127.0.0.1 a moment later (DNS rebinding): what it then loads from itself is
/// us, and the browser sees one site. The name in the request gives it away: nobody else can make an
/// IP address, `localhost`, or this machine's own name lead elsewhere.
#[derive(Clone, Debug)]
pub(super) struct Names(Arc<[String]>);

impl Names {
    /// Besides what always counts: these, such as the machine's and the one in the configuration.
    pub(super) fn new(names: impl IntoIterator<Item = String>) -> Self {
        let names = names.into_iter().map(|name| without_dot(&name).to_owned());
        Self(names.filter(|name| !name.is_empty()).collect())
    }

    /// Whether a browser may have been sent here by somebody who owns a name.
    pub(super) fn refuse(&self, visit: Visit<'_>) -> bool {
        visit.is_of_a_browser() && visit.host().is_some_and(|host| !self.has(host))
    }

    fn has(&self, host: &str) -> bool {
        if let Some((address, port)) = host.strip_prefix('[').and_then(|it| it.split_once(']')) {
            return address.parse::<IpAddr>().is_ok() && is_port(port);
        }
        let (name, port) = host.find(':').map_or((host, ""), |at| host.split_at(at));
        if !is_port(port) {
            return false;
        }
        let name = without_dot(name);
        let is = |known: &str| known.eq_ignore_ascii_case(name);
        name.parse::<IpAddr>().is_ok()
            || is("localhost")
            || ends_with(name, ".localhost")
            || self.0.iter().any(|known| is(known))
    }
}

fn without_dot(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

fn ends_with(name: &str, end: &str) -> bool {
    let at = name.len().checked_sub(end.len());
    at.and_then(|at| name.get(at..))
        .is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}

/// Nothing, or a colon and digits.
fn is_port(text: &str) -> bool {
    text.strip_prefix(':')
        .map_or(text.is_empty(), |digits| digits.parse::<u16>().is_ok())
}

/// What a refused browser's user is told.
pub(super) const UNKNOWN_NAME: &str = "This server has no password, and does not answer browsers \
    that ask for it under a name that anybody may own: a page of another site could read and \
    control everything here. Use the address (http://127.0.0.1:… or this machine's name), or set \
    username and password in the server's section of the configuration.";

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FETCH_METADATA: [HeaderName; 4] = [
    SEC_FETCH_SITE,
    HeaderName::from_static("sec-fetch-mode"),
    HeaderName::from_static("sec-fetch-dest"),
    HeaderName::from_static("sec-fetch-user"),
];
/// One by each of the browsers, at some time.
const AHEAD_OF_TIME: [&str; 4] = ["sec-purpose", "purpose", "x-moz", "x-purpose"];

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&str, &str)]) -> HeaderMap {
        list.iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
            .collect()
    }

    const FIREFOX: (&str, &str) = ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0)");
    const HERE: (&str, &str) = ("host", "localhost:9001");

    #[test]
    fn browsers_are_known_by_their_marks() {
        let root = Uri::from_static("/");
        for (mark, expected) in [
            (None, false),
            (Some(("user-agent", "curl/8.14.1")), false),
            (Some(("user-agent", "Python-xmlrpc/3.13")), false),
            (
                Some(("user-agent", "Go-http-client/1.1 (Mozilla/5.0)")),
                false,
            ),
            (Some(("authorization", "Basic eDp5")), false),
            (Some(FIREFOX), true),
            (Some(("origin", "null")), true),
            (Some(("referer", "http://localhost:9001/")), true),
            (Some(("sec-fetch-site", "none")), true),
            (Some(("sec-fetch-mode", "navigate")), true),
            (Some(("sec-fetch-dest", "image")), true),
            (Some(("sec-fetch-user", "?1")), true),
        ] {
            let headers = headers(&[&[HERE][..], mark.as_slice()].concat());
            let visit = Visit::new(&headers, &root);
            assert_eq!(visit.is_of_a_browser(), expected, "{mark:?}");
        }
    }

    #[test]
    fn what_comes_from_elsewhere_is_foreign() {
        let root = Uri::from_static("/");
        let same = "http://localhost:9001";
        for (list, foreign, foreign_link) in [
            (vec![], false, false),
            (vec![FIREFOX], false, false),
            (vec![("sec-fetch-site", "same-origin")], false, false),
            (vec![("sec-fetch-site", "none")], false, false),
            (vec![("sec-fetch-site", "same-site")], true, true),
            (vec![("sec-fetch-site", "cross-site")], true, true),
            (vec![("sec-fetch-site", "nonsense")], true, true),
            (vec![("origin", same)], false, false),
            (vec![("origin", "http://LOCALHOST:9001")], false, false),
            (vec![("origin", "http://localhost")], true, true),
            (
                vec![("origin", "http://localhost:9001.evil.example")],
                true,
                true,
            ),
            (vec![("origin", "ftp://localhost:9001")], true, true),
            (vec![("origin", "null")], true, true),
            (vec![("origin", "")], true, true),
            (
                vec![("referer", "http://localhost:9001/index.html?a=b")],
                false,
                false,
            ),
            (vec![("referer", "http://localhost:9001?a")], false, false),
            (vec![("referer", "http://evil.example/")], false, true),
            (
                vec![("referer", "http://evil.example/http://localhost:9001/")],
                false,
                true,
            ),
            (
                vec![("referer", "http://evil.example\\localhost:9001/")],
                false,
                true,
            ),
            (
                vec![("referer", "http://localhost:9001@evil.example/")],
                false,
                true,
            ),
            (vec![("referer", "about:client")], false, true),
            (
                vec![
                    ("sec-fetch-site", "same-origin"),
                    ("origin", "http://evil.example"),
                ],
                true,
                true,
            ),
        ] {
            let headers = headers(&[&[HERE][..], &list].concat());
            let visit = Visit::new(&headers, &root);
            assert_eq!(visit.is_foreign(), foreign, "{list:?}");
            assert_eq!(visit.is_a_foreign_link(), foreign_link, "{list:?}");
        }
        // Nothing to compare with.
        let headers = headers(&[("origin", same)]);
        assert!(Visit::new(&headers, &root).is_foreign());
        let uri = Uri::from_static("http://localhost:9001/");
        assert!(!Visit::new(&headers, &uri).is_foreign());
    }

    #[test]
    fn default_ports_may_be_written_out() {
        let root = Uri::from_static("/");
        for (host, origin, foreign) in [
            ("x.example", "https://x.example:443", false),
            ("x.example:443", "https://x.example", false),
            ("x.example:80", "http://x.example", false),
            ("x.example", "http://x.example:443", true),
        ] {
            let headers = headers(&[("host", host), ("origin", origin)]);
            let visit = Visit::new(&headers, &root);
            assert_eq!(visit.is_foreign(), foreign, "{host} {origin}");
        }
    }

    #[test]
    fn names_that_anybody_may_own_are_refused() {
        let root = Uri::from_static("/");
        let names = Names::new([
            "Web1".to_owned(),
            String::new(),
            "admin.example.".to_owned(),
        ]);
        for (host, refused) in [
            ("127.0.0.1:9001", false),
            ("127.0.0.1", false),
            ("192.168.0.7:9001", false),
            ("[::1]:9001", false),
            ("[fe80::1]", false),
            ("localhost:9001", false),
            ("LocalHost", false),
            ("localhost.:9001", false),
            ("app.localhost:9001", false),
            ("web1:9001", false),
            ("WEB1.", false),
            ("admin.example", false),
            ("evil.example:9001", true),
            ("evil.example.", true),
            ("notlocalhost", true),
            ("localhost.evil.example", true),
            ("127.0.0.1.evil.example", true),
            ("web1.evil.example", true),
            ("127.0.0.1:9001:80", true),
            ("127.0.0.1:x", true),
            ("[::1].evil.example", true),
            ("[evil.example]", true),
            ("[::1", true),
            // Not how an address is written, whatever the resolver makes of it.
            ("2130706433", true),
            ("0x7f.1", true),
            ("é.example", true),
            ("", true),
            (".", true),
        ] {
            let marked = headers(&[FIREFOX, ("host", host)]);
            let visit = Visit::new(&marked, &root);
            assert_eq!(names.refuse(visit), refused, "{host}");
            // Programs may call us what they like.
            let plain = headers(&[("host", host)]);
            assert!(!names.refuse(Visit::new(&plain, &root)));
        }
        // The name in the request's line is what the browser went to.
        let headers = headers(&[FIREFOX, HERE]);
        let uri = Uri::from_static("http://evil.example/");
        assert!(names.refuse(Visit::new(&headers, &uri)));
    }
}
