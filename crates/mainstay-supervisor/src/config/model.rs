//! What a configuration says, once it is read.

use std::path::PathBuf;
use std::sync::Arc;

/// A whole configuration, validated.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Config {
    /// The main file, absolute.
    pub path: PathBuf,
    /// `[supervisord]`, with the command line's values over it.
    pub supervisord: Supervisord,
    /// All groups, by ascending (priority, name).
    pub groups: Vec<Group>,
    /// All servers: first inet, then unix, each in file order.
    pub servers: Vec<Server>,
    /// Whether `[rpcinterface:supervisor]` is there: without it only `system.*` is served.
    pub rpc_interface: bool,
    /// What there is to say about the files, for the main log, in order.
    pub notes: Vec<Note>,
}

/// Something that parsing has to say to the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// How grave it is.
    pub level: Level,
    /// The line for the log.
    pub message: String,
}

/// A level of the main log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Level {
    /// `blather`, 3
    Blather = 3,
    /// `trace`, 5
    Trace = 5,
    /// `debug`, 10
    Debug = 10,
    /// `info`, 20
    Info = 20,
    /// `warn`, 30
    Warn = 30,
    /// `error`, 40
    Error = 40,
    /// `critical`, 50
    Critical = 50,
}

/// `[supervisord]`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Supervisord {
    /// `logfile`, absolute, or syslog.
    pub logfile: MainLogFile,
    /// `logfile_maxbytes`; 0: never rotate.
    pub logfile_maxbytes: u64,
    /// `logfile_backups`; 0: truncate instead.
    pub logfile_backups: u32,
    /// `loglevel`
    pub loglevel: Level,
    /// `pidfile`, absolute.
    pub pidfile: PathBuf,
    /// `umask`
    pub umask: u32,
    /// `nodaemon`
    pub nodaemon: bool,
    /// `silent`
    pub silent: bool,
    /// `minfds`
    pub minfds: u64,
    /// `minprocs`
    pub minprocs: u64,
    /// `nocleanup`
    pub nocleanup: bool,
    /// `childlogdir`, where AUTO logs live.
    pub childlogdir: PathBuf,
    /// `user`
    pub user: Option<User>,
    /// `directory`
    pub directory: Option<PathBuf>,
    /// `strip_ansi`
    pub strip_ansi: bool,
    /// `environment`, in file order.
    pub environment: Vec<(String, String)>,
    /// `identifier`
    pub identifier: String,
}

/// Where the main log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MainLogFile {
    /// A file (or device) by its absolute path.
    File(PathBuf),
    /// `logfile=syslog`
    Syslog,
}

/// A user of the password database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// As the file named it.
    pub name: String,
    /// uid
    pub uid: u32,
    /// primary gid
    pub gid: u32,
}

/// A group of processes: a program's own, or one of `[group:x]`, or a listener pool.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Lower starts first and is shut down last.
    pub priority: i64,
    /// What it is made of.
    pub kind: GroupKind,
    /// Its processes, by ascending (priority, name).
    pub processes: Vec<Arc<Process>>,
}

/// What a group is made of.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum GroupKind {
    /// `[program:x]` or `[group:x]`.
    Programs,
    /// `[eventlistener:x]`.
    Listeners {
        /// `buffer_size`
        buffer_size: usize,
        /// `events`, upper case, as written.
        events: Vec<String>,
        /// `result_handler`
        result_handler: String,
    },
    /// `[fcgi-program:x]`.
    Fcgi(FcgiSocket),
}

/// The socket of an `[fcgi-program:x]`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FcgiSocket {
    /// `socket`: `tcp://host:port`, the host in lower case, or `unix:///path`.
    pub url: String,
    /// `socket_backlog`
    pub backlog: Option<u32>,
    /// `socket_owner`: uid and, if the group is to be another than the daemon's, gid.
    pub owner: Option<(u32, Option<u32>)>,
    /// `socket_mode`
    pub mode: Option<u32>,
}

/// One process of a program (a program with `numprocs=3` makes three).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Process {
    /// Its expanded `process_name`.
    pub name: String,
    /// The group it lands in.
    pub group: String,
    /// `command`, expanded, not yet split.
    pub command: String,
    /// `directory`
    pub directory: Option<PathBuf>,
    /// `umask`
    pub umask: Option<u32>,
    /// `priority`
    pub priority: i64,
    /// `autostart`
    pub autostart: bool,
    /// `autorestart`
    pub autorestart: Autorestart,
    /// `startsecs`
    pub startsecs: u64,
    /// `startretries`
    pub startretries: u32,
    /// `stopsignal`, a number.
    pub stopsignal: i32,
    /// `stopwaitsecs`
    pub stopwaitsecs: u64,
    /// `stopasgroup`
    pub stopasgroup: bool,
    /// `killasgroup`
    pub killasgroup: bool,
    /// `exitcodes`
    pub exitcodes: Vec<u8>,
    /// `user`
    pub user: Option<User>,
    /// `redirect_stderr`
    pub redirect_stderr: bool,
    /// The `stdout_…` settings.
    pub stdout: Stream,
    /// The `stderr_…` settings.
    pub stderr: Stream,
    /// `[supervisord] environment` overlaid with its own, in that order, each key once.
    pub environment: Vec<(String, String)>,
    /// `serverurl`; `None` is `AUTO`: computed from the servers.
    pub serverurl: Option<String>,
    /// The socket that becomes its standard input, for processes of an `[fcgi-program:x]`. It may be
    /// in a `[group:x]` too; all processes of one program share one socket.
    pub socket: Option<Arc<FcgiSocket>>,
}

/// What happens to one output stream.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stream {
    /// `…_logfile`
    pub logfile: LogFile,
    /// `…_logfile_maxbytes`; 0: never rotate.
    pub maxbytes: u64,
    /// `…_logfile_backups`; 0: truncate instead.
    pub backups: u32,
    /// `…_capture_maxbytes`; 0: no capture.
    pub capture_maxbytes: u64,
    /// `…_events_enabled`
    pub events_enabled: bool,
    /// `…_syslog`
    pub syslog: bool,
}

/// Where one output stream is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogFile {
    /// Nowhere.
    None,
    /// A file of its own in `childlogdir`, made when the group is created.
    Auto,
    /// A file (or device) by its absolute path.
    File(PathBuf),
}

/// `autorestart`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Autorestart {
    /// `false`
    Never,
    /// `unexpected`: when the exit status is not among `exitcodes`.
    Unexpected,
    /// `true`
    Always,
}

/// A listener of the API and the dashboard.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Server {
    /// The section's name, as in `unix_http_server` or `inet_http_server:second`.
    pub section: String,
    /// Where it listens.
    pub address: Address,
    /// `username` and `password`; `None`: open to whoever connects.
    pub credentials: Option<Credentials>,
    /// `allow_actions_by_get`
    pub allow_actions_by_get: bool,
}

impl Server {
    /// Whether it is open to other machines without a login.
    pub fn is_open_to_others(&self) -> bool {
        let Address::Inet { host, .. } = &self.address else {
            return false;
        };
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let is_loopback = match bare.parse::<std::net::IpAddr>() {
            Ok(address) => address.to_canonical().is_loopback(),
            Err(_) => bare == "localhost" || bare.ends_with(".localhost"),
        };
        self.credentials.is_none() && !is_loopback
    }
}

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Address {
    /// `port`; an empty host means all interfaces.
    Inet {
        /// As written, lower-cased; empty for `*` or none.
        host: String,
        /// The port.
        port: u16,
    },
    /// `file`
    Unix {
        /// Absolute.
        path: PathBuf,
        /// `chmod`
        mode: u32,
        /// `chown`: uid, gid (`None`: unchanged).
        owner: Option<(u32, Option<u32>)>,
    },
}

/// A server's login.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// `username`
    pub username: String,
    /// `password`: plain, `{SHA}` and lower-case hex, or a `$scrypt$…` hash.
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// `[supervisorctl]`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ctl {
    /// `serverurl`
    pub serverurl: String,
    /// `username`
    pub username: Option<String>,
    /// `password`
    pub password: Option<String>,
    /// `prompt`
    pub prompt: String,
    /// `history_file`
    pub history_file: Option<PathBuf>,
}
