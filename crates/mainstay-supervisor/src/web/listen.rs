//! Opening sockets: synchronous, before there is a runtime, so that a busy address is found before
//! anything else is touched.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, ToSocketAddrs as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};

use super::OpenError;

/// A listening TCP socket. An empty host means all IPv4 interfaces, as the original has it; `[::]`
/// means all of both.
pub(super) fn tcp(host: &str, port: u16) -> Result<TcpListener, OpenError> {
    let address = resolve(host, port)?;
    let open = || {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        if address.is_ipv6() {
            socket.set_only_v6(false)?;
        }
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        Ok(socket.into())
    };
    open().map_err(|error| OpenError::socket(&error))
}

fn resolve(host: &str, port: u16) -> Result<SocketAddr, OpenError> {
    if host.is_empty() {
        return Ok(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)));
    }
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Ok(SocketAddr::from((ip, port)));
    }
    let addresses: Vec<_> = (bare, port)
        .to_socket_addrs()
        .map_err(|error| OpenError::unknown_host(host, &error))?
        .collect();
    // Clients that are given a name try IPv4 in the end, but not all try IPv6.
    let chosen = addresses
        .iter()
        .find(|it| it.is_ipv4())
        .or(addresses.first());
    chosen
        .copied()
        .ok_or_else(|| OpenError::unknown_host(host, &io::Error::other("the name has no address")))
}

/// A listening unix socket, and what removes its file again.
///
/// The socket gets its mode and owner under a temporary name, and is linked to its own name only
/// then: nobody can reach it with other permissions, not for a moment.
pub(super) fn unix(
    path: &Path,
    mode: u32,
    owner: Option<(u32, Option<u32>)>,
) -> Result<(UnixListener, SocketFile, Option<Stale>), OpenError> {
    // The temporary name may be shorter; but clients need this one.
    if path.as_os_str().len() > LONGEST {
        return Err(OpenError::too_long());
    }
    let temporary = temporary_name(path);
    let _ = fs::remove_file(&temporary);
    let socket = bind(&temporary).map_err(|error| OpenError::socket(&error))?;
    // From here on the temporary name is removed whatever happens.
    let temporary = SocketFile::new(temporary).map_err(|error| OpenError::socket(&error))?;
    fs::set_permissions(&temporary.path, fs::Permissions::from_mode(mode))
        .map_err(|error| OpenError::socket(&error))?;
    if let Some((uid, gid)) = owner {
        chown(&temporary.path, Some(uid), gid)
            .map_err(|error| OpenError::chown(path, uid, gid, &error))?;
    }
    socket
        .listen(BACKLOG)
        .map_err(|error| OpenError::socket(&error))?;
    let stale = link(&temporary.path, path)?;
    let file = SocketFile {
        path: path.to_owned(),
        ..temporary.identity()
    };
    Ok((socket.into(), file, stale))
}

fn bind(path: &Path) -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// `<file>.<pid>`, or something shorter beside it where that is too long for an address.
fn temporary_name(path: &Path) -> PathBuf {
    let pid = std::process::id();
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{pid}"));
    if name.len() <= LONGEST {
        name.into()
    } else {
        path.with_file_name(format!(".{pid}"))
    }
}

/// That the socket of a daemon that died was in the way.
#[derive(Debug)]
pub(super) struct Stale;

fn link(from: &Path, to: &Path) -> Result<Option<Stale>, OpenError> {
    match fs::hard_link(from, to) {
        Ok(()) => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(OpenError::socket(&error)),
    }
    match fs::symlink_metadata(to) {
        Ok(found) if !found.file_type().is_socket() => return Err(OpenError::not_a_socket(to)),
        Ok(_) if is_answered(to) => return Err(OpenError::in_use()),
        // Gone by itself in the meantime, or nobody listens.
        Ok(_) | Err(_) => {}
    }
    match fs::remove_file(to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(OpenError::socket(&error));
        }
        _ => {}
    }
    fs::hard_link(from, to).map_err(|error| match error.kind() {
        // Another daemon was faster.
        io::ErrorKind::AlreadyExists => OpenError::in_use(),
        _ => OpenError::socket(&error),
    })?;
    Ok(Some(Stale))
}

/// Whether somebody listens on a socket. A full queue is an answer, too, so do not wait in it.
fn is_answered(path: &Path) -> bool {
    let attempt = || {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.connect(&SockAddr::unix(path)?)
    };
    match attempt() {
        Ok(()) => true,
        Err(error) => !matches!(
            error.kind(),
            io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound
        ),
    }
}

/// A socket's name in the file system, removed when this is dropped, if it is still ours.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl SocketFile {
    fn new(path: PathBuf) -> io::Result<Self> {
        let metadata = fs::symlink_metadata(&path)?;
        Ok(Self {
            path,
            device: metadata.dev(),
            inode: metadata.ino(),
        })
    }

    fn identity(&self) -> Self {
        Self {
            path: PathBuf::new(),
            device: self.device,
            inode: self.inode,
        }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|found| found.dev() == self.device && found.ino() == self.inode);
        if ours {
            // A name that cannot be removed is stale for the next start, which says so.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// How long a unix socket's address may be, without the zero at its end.
const LONGEST: usize = 107;
/// What the original asks for.
const BACKLOG: i32 = 1024;

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn a_unix_socket_has_its_mode_and_leaves_nothing_behind() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s.sock");

        let (listener, file, stale) = unix(&path, 0o640, None).unwrap();

        assert!(stale.is_none());
        let metadata = fs::metadata(&path).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o7777, 0o640);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        UnixStream::connect(&path).unwrap();
        drop((listener, file));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_socket_that_answers_is_in_use() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s.sock");
        let _first = unix(&path, 0o700, None).unwrap();

        let error = unix(&path, 0o700, None).unwrap_err();

        assert!(error.is_in_use(), "{error}");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        UnixStream::connect(&path).unwrap();
    }

    #[test]
    fn a_socket_that_nobody_answers_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s.sock");
        drop(UnixListener::bind(&path).unwrap());

        let (_listener, _file, stale) = unix(&path, 0o700, None).unwrap();

        assert!(stale.is_some());
        UnixStream::connect(&path).unwrap();
    }

    #[test]
    fn what_is_not_a_socket_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("precious");
        fs::write(&path, "data").unwrap();

        let error = unix(&path, 0o700, None).unwrap_err();

        assert!(error.to_string().ends_with("is not a socket"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"data");
    }

    #[test]
    fn a_name_that_another_daemon_took_is_left_to_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s.sock");
        let (_listener, file, _) = unix(&path, 0o700, None).unwrap();
        fs::remove_file(&path).unwrap();
        let _other = UnixListener::bind(&path).unwrap();

        drop(file);

        assert!(path.exists());
    }

    #[test]
    fn errors_name_the_system_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("missing/s.sock");

        let error = unix(&path, 0o700, None).unwrap_err();

        assert_eq!(
            error.to_string(),
            "Cannot open an HTTP server: socket.error reported errno.ENOENT (2)"
        );
    }

    #[test]
    fn a_name_too_long_for_clients_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let length = directory.path().as_os_str().len() + 1;
        let longest = directory.path().join("x".repeat(107 - length));
        let _listening = unix(&longest, 0o700, None).unwrap();
        UnixStream::connect(&longest).unwrap();

        let error = unix(
            &directory.path().join("x".repeat(108 - length)),
            0o700,
            None,
        );

        assert_eq!(
            error.unwrap_err().to_string(),
            "Cannot open an HTTP server: socket.error reported AF_UNIX path too long"
        );
    }

    #[test]
    fn tcp_listens_where_it_is_told() {
        let first = tcp("127.0.0.1", 0).unwrap();
        let port = first.local_addr().unwrap().port();

        assert!(tcp("127.0.0.1", port).unwrap_err().is_in_use());
        assert!(
            tcp("", 0)
                .unwrap()
                .local_addr()
                .unwrap()
                .ip()
                .is_unspecified()
        );
        assert!(
            tcp("localhost", 0)
                .unwrap()
                .local_addr()
                .unwrap()
                .ip()
                .is_loopback()
        );
        let error = tcp("no.such.host.invalid", 9001).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("Could not determine IP address for hostname")
        );
    }

    #[test]
    fn ipv6_listens_too() {
        // A machine without IPv6 refuses the address family or the address.
        if let Ok(listener) = tcp("[::1]", 0) {
            assert!(listener.local_addr().unwrap().is_ipv6());
        }
    }
}
