//! Where the daemon listens, from the text of a server URL.

use std::fmt;
use std::path::PathBuf;

/// The address behind a `serverurl`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Server {
    /// `unix://path`
    Unix(PathBuf),
    /// `http://host[:port]`
    Tcp {
        /// A name or an address, without the brackets of IPv6.
        host: String,
        /// 80 where the URL names none.
        port: u16,
    },
}

impl Server {
    /// Reads a URL; `None` for a scheme (or a form) that is not spoken here.
    pub fn parse(url: &str) -> Option<Self> {
        if let Some(path) = url.strip_prefix("unix://") {
            return (!path.is_empty()).then(|| Self::Unix(path.into()));
        }
        let authority = url.strip_prefix("http://")?.split('/').next()?;
        // The port is what follows the last colon, unless that one is part of an IPv6 address.
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
            _ => (authority, 80),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        (!host.is_empty()).then(|| Self::Tcp {
            host: host.to_owned(),
            port,
        })
    }

    /// The value of the `Host` header.
    ///
    /// A socket file has no name to give; a server that guards against DNS rebinding expects one
    /// of its own.
    pub(crate) fn authority(&self) -> Authority<'_> {
        Authority(self)
    }
}

/// Displays as the `Host` header wants it.
pub(crate) struct Authority<'a>(&'a Server);

impl fmt::Display for Authority<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Server::Unix(_) => f.write_str("localhost"),
            Server::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Server::Tcp { host, port } => write!(f, "{host}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str, port: u16) -> Option<Server> {
        Some(Server::Tcp {
            host: host.to_owned(),
            port,
        })
    }

    #[test]
    fn urls_are_read_as_supervisorctl_reads_them() {
        for (url, expected) in [
            (
                "unix:///run/s.sock",
                Some(Server::Unix("/run/s.sock".into())),
            ),
            ("unix://s.sock", Some(Server::Unix("s.sock".into()))),
            ("unix://", None),
            ("http://localhost:9001", tcp("localhost", 9001)),
            ("http://localhost:9001/", tcp("localhost", 9001)),
            ("http://example.org", tcp("example.org", 80)),
            ("http://[::1]:9001", tcp("::1", 9001)),
            ("http://[::1]", tcp("::1", 80)),
            ("https://localhost", None),
            ("http://", None),
            ("http://:9001", None),
            ("http://host:notaport", None),
            ("localhost:9001", None),
            ("", None),
        ] {
            assert_eq!(Server::parse(url), expected, "{url}");
        }
    }

    #[test]
    fn the_host_header_keeps_the_brackets_of_ipv6() {
        for (url, expected) in [
            ("http://[::1]:9001", "[::1]:9001"),
            ("http://localhost", "localhost:80"),
            ("unix:///run/s.sock", "localhost"),
        ] {
            let server = Server::parse(url).unwrap();
            assert_eq!(server.authority().to_string(), expected);
        }
    }
}
