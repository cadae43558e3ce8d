//! All servers of a configuration: opened together, served together, closed together.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use mainstay_csrf::KeyRing;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::app::{Entry, Rules, Site};
use super::auth::Login;
use super::browser::Names;
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
    keys: Keys,
}

/// What the tokens in the pages' forms are made with. To be kept over restarts, so that pages which
/// are open go on to work.
#[derive(Clone, Debug)]
pub struct Keys(KeyRing);

impl Keys {
    /// New ones. They are nowhere but in memory: a token is worth nothing to another process.
    pub fn generate() -> Self {
        Self(KeyRing::generate())
    }
}

impl Context {
    /// What the servers show and act upon.
    pub fn new(
        handle: Handle,
        identifier: impl Into<String>,
        rpc_interface: bool,
        keys: &Keys,
    ) -> Self {
        Self {
            handle,
            identifier: identifier.into(),
            rpc_interface,
            keys: keys.clone(),
        }
    }

    pub(super) fn keys(&self) -> &KeyRing {
        &self.keys.0
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
    rules: Rules,
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
            let advice = if config.is_open_to_others() {
                ", open to other machines: set `username` and `password`, or `port = 127.0.0.1:…`"
            } else {
                ""
            };
            self.note(
                Level::Critical,
                format!(
                    "Server '{section}' running without any HTTP authentication checking{advice}"
                ),
            );
        }
        let entry = match (login, &config.address) {
            (Some(login), _) => Entry::Login(login),
            (None, Address::Inet { host, .. }) => Entry::Reach(names(host)),
            (None, Address::Unix { .. }) => Entry::File,
        };
        let rules = Rules {
            section: config.section.as_str().into(),
            entry,
            by_get: config.allow_actions_by_get,
        };
        self.opened.push(Opened { listener, rules });
        Ok(())
    }

    fn note(&mut self, level: Level, message: String) {
        self.notes.push(Note { level, message });
    }

    /// Begins to answer. Must be called on a runtime, once.
    pub fn serve(&mut self) -> io::Result<()> {
        for Opened { listener, rules } in self.opened.drain(..) {
            let site = Site::new(&self.context, rules, self.closing.subscribe());
            let accept = connection::accept(listener, site, self.closing.subscribe())?;
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

/// The names that lead to us without doubt: the one in the configuration, and the machine's.
fn names(configured: &str) -> Names {
    // A machine without a name is asked for by its address.
    let machine = nix::unistd::gethostname().ok();
    let machine = machine.and_then(|name| name.into_string().ok());
    Names::new([configured.to_owned()].into_iter().chain(machine))
}

/// How long an answer may take after the end was announced.
const GRACE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Credentials;

    fn notes(host: &str, credentials: Option<Credentials>) -> Vec<String> {
        let (handle, _requests) = Handle::channel(1);
        let context = Context::new(handle, "x", false, &Keys::generate());
        let server = Server {
            section: "inet_http_server".to_owned(),
            address: Address::Inet {
                host: host.to_owned(),
                port: 0,
            },
            credentials,
            allow_actions_by_get: false,
        };
        let servers = Servers::open(&[server], context).unwrap();
        let notes = servers.notes().iter();
        notes.map(|note| note.message.clone()).collect()
    }

    #[test]
    fn an_open_server_is_told_of_and_one_that_others_reach_with_what_to_do() {
        let known = "Server 'inet_http_server' running without any HTTP authentication checking";
        assert_eq!(notes("127.0.0.1", None), [known]);
        let open = notes("", None);
        assert_eq!(open.len(), 1);
        let advice = open[0].strip_prefix(known).unwrap();
        assert!(advice.contains("set `username` and `password`"), "{advice}");
        let login = Credentials {
            username: "u".to_owned(),
            password: "p".to_owned(),
        };
        assert_eq!(notes("", Some(login)), [""; 0]);
    }
}
