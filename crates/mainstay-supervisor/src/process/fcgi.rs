//! The sockets of FastCGI programs: bound by the daemon, inherited by the children as their standard
//! input.

use std::cell::RefCell;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _, chown};
use std::path::Path;
use std::rc::{Rc, Weak};
use std::time::Duration;
use std::{fs, io};

use nix::errno::Errno;
use socket2::{Domain, SockAddr, Socket, Type};
use tokio::task::AbortHandle;

use crate::config::{FcgiSocket, Group};
use crate::log::MainLog;

/// All sockets that are bound. Processes with the same settings share one.
///
/// The original closes a socket whenever its last process ends, so that the address is gone for a
/// moment at each restart of a single process, and whoever connects just then is refused. Here it
/// stays for a while after the last process: those who connect meanwhile wait for the next one.
#[derive(Debug)]
pub struct Sockets {
    log: MainLog,
    open: Rc<RefCell<Vec<Entry>>>,
}

#[derive(Debug)]
struct Entry {
    socket: Rc<Listening>,
    /// Closes it, while it has no process.
    closing: Option<AbortHandle>,
}

/// A socket that listens.
#[derive(Debug)]
struct Listening {
    config: FcgiSocket,
    descriptor: OwnedFd,
    log: MainLog,
}

/// A process's share of a socket.
#[derive(Debug)]
pub struct Share {
    socket: Rc<Listening>,
    open: Weak<RefCell<Vec<Entry>>>,
}

impl Sockets {
    /// None yet.
    pub fn new(log: MainLog) -> Self {
        Self {
            log,
            open: Rc::default(),
        }
    }

    /// The socket with these settings, bound now if it is not yet.
    ///
    /// # Errors
    ///
    /// The text for `spawnerr`.
    pub fn share(&self, config: &FcgiSocket) -> Result<Share, String> {
        let mut open = self.open.borrow_mut();
        let place = match open.iter().position(|entry| entry.socket.config == *config) {
            Some(place) => place,
            None => {
                let url = &config.url;
                self.log.info(format_args!("Creating socket {url}"));
                let socket = listen(config)
                    .map_err(|error| format!("could not listen on {url}: {error}"))?;
                open.push(Entry {
                    socket: Rc::new(Listening {
                        config: config.clone(),
                        descriptor: socket.into(),
                        log: self.log.clone(),
                    }),
                    closing: None,
                });
                open.len() - 1
            }
        };
        let entry = &mut open[place];
        if let Some(closing) = entry.closing.take() {
            closing.abort();
        }
        Ok(Share {
            socket: Rc::clone(&entry.socket),
            open: Rc::downgrade(&self.open),
        })
    }

    /// Binds these sockets and closes them again, so that a mistake shows before anything is started.
    /// One that is bound already is left alone.
    ///
    /// # Errors
    ///
    /// What is wrong with the first that cannot be had.
    pub fn probe(&self, group: &Group) -> Result<(), String> {
        let mut probed: Vec<&FcgiSocket> = Vec::new();
        for config in group.processes.iter().filter_map(|it| it.socket.as_deref()) {
            let open = self.open.borrow();
            if probed.contains(&config) || open.iter().any(|it| it.socket.config == *config) {
                continue;
            }
            let url = &config.url;
            self.log.info(format_args!("Creating socket {url}"));
            listen(config).map_err(|error| {
                let error = python(&error);
                format!("Could not create FastCGI socket {url}: {error}")
            })?;
            self.log.info(format_args!("Closing socket {url}"));
            probed.push(config);
        }
        Ok(())
    }

    /// Closes this socket now, if no process has a share of it.
    pub fn close_unused(&self, config: &FcgiSocket) {
        self.open
            .borrow_mut()
            .retain(|entry| entry.is_used() || entry.socket.config != *config);
    }
}

impl Entry {
    fn is_used(&self) -> bool {
        Rc::strong_count(&self.socket) > 1
    }
}

impl Share {
    /// The socket, to become a child's standard input.
    ///
    /// # Errors
    ///
    /// `EMFILE`.
    pub fn descriptor(&self) -> io::Result<OwnedFd> {
        self.socket.descriptor.try_clone()
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let Some(open) = self.open.upgrade() else {
            return;
        };
        // The share itself and the table.
        if Rc::strong_count(&self.socket) > 2 {
            return;
        }
        for entry in open.borrow_mut().iter_mut() {
            if Rc::ptr_eq(&entry.socket, &self.socket) {
                let task = tokio::task::spawn_local(close(Rc::downgrade(&open)));
                entry.closing = Some(task.abort_handle());
            }
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.log
            .info(format_args!("Closing socket {}", self.config.url));
    }
}

/// Closes, after a while, what is not used then.
async fn close(open: Weak<RefCell<Vec<Entry>>>) {
    tokio::time::sleep(LINGER).await;
    if let Some(open) = open.upgrade() {
        // Others may have become unused since, and have their own time.
        open.borrow_mut().retain(|entry| {
            let mine = entry
                .closing
                .as_ref()
                .is_some_and(|task| Some(task.id()) == tokio::task::try_id());
            entry.is_used() || !mine
        });
    }
}

fn listen(config: &FcgiSocket) -> io::Result<Socket> {
    let socket = match config.url.strip_prefix("unix://") {
        Some(path) => bind_unix(Path::new(path), config)?,
        None => bind_tcp(&config.url)?,
    };
    let most = libc::SOMAXCONN;
    socket.listen(
        config
            .backlog
            .map_or(most, |backlog| i32::try_from(backlog).unwrap_or(most)),
    )?;
    Ok(socket)
}

/// What an earlier daemon left there goes; anything else that has the name stays.
fn bind_unix(path: &Path, config: &FcgiSocket) -> io::Result<Socket> {
    match fs::symlink_metadata(path) {
        Ok(there) if there.file_type().is_socket() => fs::remove_file(path)?,
        Ok(_) => {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "there is a file of that name which is not a socket",
            ));
        }
        Err(_) => {}
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    // Nobody can connect before `listen`, whatever the file's owner and mode are until here.
    if let Some((uid, gid)) = config.owner {
        chown(path, Some(uid), gid)?;
    }
    if let Some(mode) = config.mode {
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    }
    Ok(socket)
}

fn bind_tcp(url: &str) -> io::Result<Socket> {
    let address = url.strip_prefix("tcp://").unwrap_or(url);
    let address = address
        .to_lowercase()
        .to_socket_addrs()?
        .find(SocketAddr::is_ipv4)
        .ok_or_else(|| io::Error::other("the host has no IPv4 address"))?;
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// An error as Python prints it.
fn python(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => format!("[Errno {number}] {}", Errno::from_raw(number).desc()),
        None => error.to_string(),
    }
}

/// Longer than a restart takes, shorter than somebody would wait for a program that was stopped.
const LINGER: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests;
