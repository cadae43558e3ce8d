//! Why a server could not be opened.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use nix::errno::Errno;

/// Why a server could not be opened. `Display` is the text that Supervisor's users know.
#[derive(Debug)]
pub struct OpenError(Box<Kind>);

#[derive(Debug)]
enum Kind {
    InUse,
    Socket(io::Error),
    NotASocket(PathBuf),
    TooLong,
    UnknownHost {
        host: String,
        reason: String,
    },
    Chown {
        path: PathBuf,
        uid: u32,
        gid: Option<u32>,
        reason: String,
    },
    Password {
        section: String,
        reason: String,
    },
}

impl OpenError {
    pub(super) fn in_use() -> Self {
        Self(Box::new(Kind::InUse))
    }

    pub(super) fn socket(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::AddrInUse {
            return Self::in_use();
        }
        let copy = match error.raw_os_error() {
            Some(number) => io::Error::from_raw_os_error(number),
            None => io::Error::new(error.kind(), error.to_string()),
        };
        Self(Box::new(Kind::Socket(copy)))
    }

    pub(super) fn not_a_socket(path: &Path) -> Self {
        Self(Box::new(Kind::NotASocket(path.to_owned())))
    }

    pub(super) fn too_long() -> Self {
        Self(Box::new(Kind::TooLong))
    }

    pub(super) fn unknown_host(host: &str, reason: &io::Error) -> Self {
        let reason = reason.to_string();
        Self(Box::new(Kind::UnknownHost {
            host: host.to_owned(),
            reason,
        }))
    }

    pub(super) fn chown(path: &Path, uid: u32, gid: Option<u32>, reason: &io::Error) -> Self {
        let reason = reason.to_string();
        Self(Box::new(Kind::Chown {
            path: path.to_owned(),
            uid,
            gid,
            reason,
        }))
    }

    pub(super) fn password(section: &str, reason: &dyn fmt::Display) -> Self {
        let reason = reason.to_string();
        Self(Box::new(Kind::Password {
            section: section.to_owned(),
            reason,
        }))
    }

    /// Whether somebody listens there already; most often, another daemon with this configuration.
    pub fn is_in_use(&self) -> bool {
        matches!(*self.0, Kind::InUse)
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Kind::InUse => f.write_str(
                "Another program is already listening on a port that one of our HTTP servers is \
                 configured to use.  Shut this program down first before starting supervisord.",
            ),
            Kind::Socket(error) => {
                f.write_str("Cannot open an HTTP server: ")?;
                match error.raw_os_error() {
                    Some(number) => {
                        let name = Errno::from_raw(number);
                        write!(f, "socket.error reported errno.{name:?} ({number})")
                    }
                    None => write!(f, "{error}"),
                }
            }
            Kind::TooLong => f.write_str(
                "Cannot open an HTTP server: socket.error reported AF_UNIX path too long",
            ),
            Kind::NotASocket(path) => {
                write!(
                    f,
                    "Cannot open an HTTP server: {} is not a socket",
                    path.display()
                )
            }
            Kind::UnknownHost { host, reason } => write!(
                f,
                "Could not determine IP address for hostname {host}, please try setting an \
                 explicit IP address: {reason}"
            ),
            Kind::Chown {
                path,
                uid,
                gid,
                reason,
            } => {
                let gid = gid.map_or(-1, i64::from);
                let me = nix::unistd::geteuid();
                let name = nix::unistd::User::from_uid(me)
                    .ok()
                    .flatten()
                    .map(|user| user.name);
                write!(
                    f,
                    "Not permitted to chown {} to uid/gid ({uid}, {gid}); adjust \"sockchown\" \
                     value in config file or on command line, or run as a user who may (now: {}): \
                     {reason}",
                    path.display(),
                    name.unwrap_or_else(|| me.to_string()),
                )
            }
            Kind::Password { section, reason } => {
                write!(
                    f,
                    "Section [{section}] has a password hash that cannot be read: {reason}"
                )
            }
        }
    }
}

impl std::error::Error for OpenError {}
