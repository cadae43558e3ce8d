//! All servers of a configuration: opened together, served together, closed together.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use mainstay_csrf::KeyRing;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::app;
use super::auth::Login;
use super::connection::{self, Listener};
use super::error::OpenError;
use super::listen::{self, SocketFile};
use crate::config::{Address, Level, Note, Server};
use crate::daemon::Handle;

/// What the servers show and act upon.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Context {
    /// The daemon.
    pub handle: Handle,
    /// `[supervisord] identifier`, which the pages show.
    pub identifier: String,
    /// Whether `[rpcinterface:supervisor]` is there: without it only `system.*` is served.
    pub rpc_interface: bool,
    /// For the tokens in the pages' forms.
    keys: KeyRing,
}

impl Context {
    /// What the servers show and act upon.
    pub fn new(handle: Handle, identifier: impl Into<String>, rpc_interface: bool) -> Self {
        Self {
            handle,
            identifier: identifier.into(),
            rpc_interface,
            keys: KeyRing::generate(),
        }
    }

    pub(super) fn keys(&self) -> &KeyRing {
        &self.keys
    }
}

/// The open servers of a configuration. Dropping it closes them at once, and removes their sockets'
/// files.
#[derive(Debug)]
pub struct Servers {
    context: Context,
    opened: Vec<Opened>,
    notes: Vec<Note>,
    tasks: JoinSet<()>,
    /// Dropped to tell everybody to finish.
    closing: watch::Sender<bool>,
    files: Vec<SocketFile>,
    addresses: Vec<SocketAddr>,
}

#[derive(Debug)]
struct Opened {
    listener: Listener,
    login: Option<Login>,
}

impl Servers {
    /// Opens all sockets, in order. Needs no runtime; if one cannot be opened, none stays open.
    pub fn open(configs: &[Server], context: Context) -> Result<Self, OpenError> {
        let mut servers = Self {
            context,
            opened: Vec::new(),
            notes: Vec::new(),
            tasks: JoinSet::new(),
            closing: watch::Sender::new(false),
            files: Vec::new(),
            addresses: Vec::new(),
        };
        for config in configs {
            servers.open_one(config)?;
        }
        Ok(servers)
    }

    fn open_one(&mut self, config: &Server) -> Result<(), OpenError> {
        let login = match &config.credentials {
            Some(credentials) if !credentials.username.is_empty() => Some(
                Login::new(credentials)
                    .map_err(|error| OpenError::password(&config.section, &error))?,
            ),
            _ => None,
        };
        let listener = match &config.address {
            Address::Inet { host, port } => {
                let listener = listen::tcp(host, *port)?;
                self.addresses.extend(listener.local_addr());
                Listener::Tcp(listener)
            }
            Address::Unix { path, mode, owner } => {
                let (listener, file, stale) = listen::unix(path, *mode, *owner)?;
                self.files.push(file);
                if stale.is_some() {
                    self.note(
                        Level::Info,
                        format!("Unlinking stale socket {}", path.display()),
                    );
                }
                Listener::Unix(listener)
            }
        };
        if self.context.rpc_interface {
            self.note(
                Level::Info,
                "RPC interface 'supervisor' initialized".to_owned(),
            );
        }
        if login.is_none() {
            let section = &config.section;
            self.note(
                Level::Critical,
                format!("Server '{section}' running without any HTTP authentication checking"),
            );
        }
        self.opened.push(Opened { listener, login });
        Ok(())
    }

    fn note(&mut self, level: Level, message: String) {
        self.notes.push(Note { level, message });
    }

    /// Begins to answer. Must be called on a runtime, once.
    pub fn serve(&mut self) -> io::Result<()> {
        for Opened { listener, login } in self.opened.drain(..) {
            let router = app::router(&self.context, login, self.closing.subscribe());
            let accept = connection::accept(listener, router, self.closing.subscribe())?;
            self.tasks.spawn(accept);
        }
        Ok(())
    }

    /// Stops listening, ends the streams, lets answers that are being given finish for a moment,
    /// and closes all connections.
    ///
    /// Cancel safety: dropping the future closes everything at once.
    pub async fn close(mut self) {
        self.files.clear();
        self.closing.send_replace(true);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        // Whoever is not done by then is cut off when the tasks are dropped.
        let _ = tokio::time::timeout(GRACE, all).await;
    }

    /// What there is to say to the main log about the opening, in order.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Where the TCP servers listen, in order.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }
}

/// How long an answer may take after the end was announced.
const GRACE: Duration = Duration::from_secs(2);
