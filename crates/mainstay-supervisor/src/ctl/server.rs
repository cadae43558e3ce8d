//! Where the daemon listens, from the text of a server URL.

use std::fmt;
use std::path::PathBuf;

use super::error::Error;

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
    /// Reads a URL. Of one with `http`, only the host and the port count; a login has options of its
    /// own.
    ///
    /// # Errors
    ///
    /// For another scheme, and where there is no socket, host or port to talk to.
    pub fn parse(url: &str) -> Result<Self, Error> {
        if let Some(path) = url.strip_prefix("unix://") {
            return match path {
                "" => Err(Error::url(url, "names no socket")),
                path => Ok(Self::Unix(path.into())),
            };
        }
        let Some(rest) = url.strip_prefix("http://") else {
            return Err(Error::scheme(url));
        };
        let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
        let address = authority.rsplit_once('@').map_or(authority, |(_, it)| it);
        // The port is what follows the last colon, unless that one is part of an IPv6 address.
        let (host, port) = match address.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port),
            _ => (address, ""),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(Error::url(url, "names no host"));
        }
        let port = match port {
            "" => 80,
            port => port
                .parse()
                .map_err(|_| Error::url(url, "has a port that is not a number up to 65535"))?,
        };
        Ok(Self::Tcp {
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

    fn tcp(host: &str, port: u16) -> Result<Server, &'static str> {
        Ok(Server::Tcp {
            host: host.to_owned(),
            port,
        })
    }

    #[test]
    fn urls_are_read_as_supervisorctl_reads_them() {
        for (url, expected) in [
            ("unix:///run/s.sock", Ok(Server::Unix("/run/s.sock".into()))),
            ("unix://s.sock", Ok(Server::Unix("s.sock".into()))),
            ("unix://", Err("serverurl unix:// names no socket")),
            ("http://localhost:9001", tcp("localhost", 9001)),
            ("http://localhost:9001/", tcp("localhost", 9001)),
            ("http://localhost:9001?x=1", tcp("localhost", 9001)),
            ("http://localhost#x@y", tcp("localhost", 80)),
            ("http://u:p@localhost:9001/a?b", tcp("localhost", 9001)),
            ("http://u:p@@[::1]", tcp("::1", 80)),
            ("http://localhost:", tcp("localhost", 80)),
            ("http://example.org", tcp("example.org", 80)),
            ("http://[::1]:9001", tcp("::1", 9001)),
            ("http://[::1]", tcp("::1", 80)),
            (
                "https://localhost",
                Err("Unknown protocol for serverurl https://localhost"),
            ),
            ("http://", Err("serverurl http:// names no host")),
            ("http://:9001", Err("serverurl http://:9001 names no host")),
            (
                "http://host:notaport",
                Err("serverurl http://host:notaport has a port that is not a number up to 65535"),
            ),
            (
                "http://host:65536",
                Err("serverurl http://host:65536 has a port that is not a number up to 65535"),
            ),
            (
                "localhost:9001",
                Err("Unknown protocol for serverurl localhost:9001"),
            ),
            ("", Err("Unknown protocol for serverurl ")),
        ] {
            let parsed = Server::parse(url).map_err(|error| error.to_string());
            assert_eq!(parsed, expected.map_err(str::to_owned), "{url}");
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
