//! The life of the daemon: start-up in its order, the actor, and again after a restart.

use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use nix::sys::stat::{Mode, umask};
use nix::unistd::{dup2_stderr, dup2_stdin, dup2_stdout};
use tokio::sync::mpsc;
use tokio::task::LocalSet;

use super::actor::{Actor, End, Loader};
use super::launch::Launcher;
use super::pidfile::{Denied, Pidfile};
use super::signals::{self, Signals};
use super::{Handle, Request, privileges};
use crate::cli::{DaemonCommand, DaemonOptions};
use crate::config::{self, Config, Context, MainLogFile, Supervisord};
use crate::event::Bus;
use crate::log::{Bridge, ChildLogs, MainLog, Rotation, Target, clean_up_auto_logs};
use crate::process::{Sockets, Streams, Surroundings, server_url};
use crate::rpc::{Code, Fault};
use crate::{sys, web};

/// Runs `mainstayd` with a command line; what it returns is the exit status.
///
/// Must be called while the process has one thread.
pub fn main(arguments: &[String]) -> ExitCode {
    let program = arguments
        .first()
        .cloned()
        .unwrap_or_else(|| "mainstayd".to_owned());
    match run(&program, arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let mut stderr = io::stderr();
            // If nobody listens, the status has to say it all.
            let _ = writeln!(stderr, "Error: {}", failure.message);
            if failure.status == USAGE {
                let _ = writeln!(stderr, "For help, use {program} -h");
            }
            ExitCode::from(failure.status)
        }
    }
}

/// Why the daemon did not start, or could not start again.
#[derive(Debug)]
struct Failure {
    status: u8,
    message: String,
}

impl Failure {
    /// A mistake of the one who started us.
    fn usage(message: impl fmt::Display) -> Self {
        Self {
            status: USAGE,
            message: message.to_string(),
        }
    }

    /// Something that should not have failed.
    fn trouble(message: impl fmt::Display) -> Self {
        Self {
            status: TROUBLE,
            message: message.to_string(),
        }
    }
}

fn run(program: &str, arguments: &[String]) -> Result<(), Failure> {
    let context = Context::of_process().map_err(Failure::trouble)?;
    let words = arguments.get(1..).unwrap_or_default();
    match DaemonOptions::parse(words, &context).map_err(Failure::usage)? {
        DaemonCommand::Run(options) => Daemon::new(program, options, context).and_then(Daemon::run),
        DaemonCommand::Check(options) => check(&options, &context),
        DaemonCommand::SampleConfig => print(&config::options::sample()),
        DaemonCommand::Help => print(&DaemonOptions::help(program)),
        DaemonCommand::Completions(shell) => print(&DaemonOptions::completions(program, shell)),
        DaemonCommand::Manual => print(&DaemonOptions::manual()),
        DaemonCommand::Version => print(&format!("{}\n", version(program))),
    }
}

/// Under the original's name, the version of the original that we stand in for.
fn version(program: &str) -> &'static str {
    if base_name(program) == "supervisord" {
        super::SUPERVISOR_COMPAT_VERSION
    } else {
        env!("CARGO_PKG_VERSION")
    }
}

fn base_name(program: &str) -> String {
    let name = Path::new(program)
        .file_name()
        .unwrap_or(OsStr::new("mainstayd"));
    name.to_string_lossy().into_owned()
}

fn print(text: &str) -> Result<(), Failure> {
    io::stdout()
        .write_all(text.as_bytes())
        .map_err(Failure::trouble)
}

fn check(options: &DaemonOptions, context: &Context) -> Result<(), Failure> {
    let path = config::locate(options.configuration.as_deref(), context).map_err(Failure::usage)?;
    let report = config::check(&path, options, context);
    print(&report.to_string())?;
    if report.is_ok() {
        return Ok(());
    }
    let count = report.problems.len();
    let s = if count == 1 { "" } else { "s" };
    Err(Failure::usage(format_args!(
        "{count} mistake{s} in {}",
        path.display()
    )))
}

/// What stays the same from start to start.
#[derive(Debug)]
pub(super) struct Daemon {
    program: String,
    path: PathBuf,
    options: DaemonOptions,
    pub(super) context: Context,
    pub(super) log: MainLog,
    /// Of this life and those before it: who outlives his program keeps his pipe over a restart.
    streams: Streams,
    /// The soft limit of descriptors that children are to have, where ours is another.
    descriptors: Option<u64>,
    pub(super) keys: web::Keys,
}

/// What a start makes and a restart makes anew.
#[derive(Debug)]
pub(super) struct Life {
    pub(super) config: Config,
    servers: web::Servers,
    requests: mpsc::Receiver<Request>,
    /// Or why there is none, which is said at its place in the order.
    pidfile: io::Result<Pidfile>,
}

/// Open servers, and the end at which their requests arrive.
pub(super) type Opened = (web::Servers, mpsc::Receiver<Request>);

impl Life {
    pub(super) fn new(
        config: Config,
        (servers, requests): Opened,
        pidfile: io::Result<Pidfile>,
    ) -> Self {
        Self {
            config,
            servers,
            requests,
            pidfile,
        }
    }
}

impl Daemon {
    fn new(program: &str, options: DaemonOptions, context: Context) -> Result<Self, Failure> {
        if options.configuration.is_none() && context.uid == 0 {
            let _ = writeln!(
                io::stderr(),
                "warning: {program} runs as root and looks for its configuration in default \
                 locations, the current directory among them; use -c with an absolute path"
            );
        }
        let path = config::locate(options.configuration.as_deref(), &context);
        Ok(Self {
            program: base_name(program),
            path: path.map_err(Failure::usage)?,
            options,
            context,
            log: MainLog::new(config::Level::Info),
            streams: Streams::default(),
            descriptors: None,
            keys: web::Keys::generate(),
        })
    }

    fn run(mut self) -> Result<(), Failure> {
        if let Err(error) = std::env::current_dir() {
            let _ = writeln!(
                io::stderr(),
                "warning: the current directory cannot be told, relative paths begin at {}: {error}",
                self.context.cwd.display()
            );
        }
        sys::ignore_sigpipe_and_sigxfsz();
        signals::unblock().map_err(Failure::trouble)?;
        sys::give_back_large_buffers();
        let config = self.load().map_err(Failure::usage)?;
        let settings = config.supervisord.clone();
        if let Some(note) = privileges::drop_privileges(&settings).map_err(Failure::usage)? {
            self.log.log(note.level, &note.message);
        }
        self.descriptors =
            privileges::raise_limits(&settings, &self.log).map_err(Failure::usage)?;
        let life = self.prepare(config).map_err(Failure::usage)?;
        self.tell_notes(&life);
        self.open_log(&settings).map_err(|error| {
            Failure::trouble(format_args!("could not open the main log: {error}"))
        })?;
        self.greet(&life);
        self.probe_sockets(&life.config).map_err(Failure::trouble)?;
        // There can be one already only if other code of this process set it: then that is wanted.
        let _ = tracing::subscriber::set_global_default(Bridge::new(self.log.clone()));
        if !settings.nodaemon {
            self.daemonize(&settings).map_err(Failure::trouble)?;
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = runtime.map_err(Failure::trouble)?;
        LocalSet::new().block_on(&runtime, self.live(life))
    }

    /// All lives, and the main log beside them.
    async fn live(self, life: Life) -> Result<(), Failure> {
        let log = self.log.clone();
        tokio::task::spawn_local(log.clone().keep_flowing());
        let result = self.lives(life).await;
        log.settle(LAST_LINES).await;
        log.end();
        result
    }

    /// From the first spawn to the last exit, as often as there is a restart.
    async fn lives(mut self, mut life: Life) -> Result<(), Failure> {
        let mut signals = Signals::install().map_err(Failure::trouble)?;
        // Events are counted over restarts.
        let mut serial = 0;
        loop {
            self.write_pidfile(&mut life);
            life.servers.serve().map_err(Failure::trouble)?;
            let launcher = self.launcher(&life.config, serial);
            let mut actor = Actor::new(life.config, launcher, self.loader());
            let end = actor.run(&mut life.requests, &mut signals).await;
            serial = actor.bus.serial();
            let old = actor.config.clone();
            drop(actor);
            // Nobody is there to answer them any more, and their connections would be waited for.
            life.requests.close();
            while let Ok(request) = life.requests.try_recv() {
                request.refuse(Fault::new(Code::ShutdownState));
            }
            life.servers.close().await;
            match end {
                End::Exit => {
                    self.last_words().await;
                    return Ok(());
                }
                End::Restart(config) => life = self.again(*config, old, life.pidfile.ok()),
            }
        }
    }

    /// What is lost with us is lost audibly.
    async fn last_words(&self) {
        self.log.settle(LAST_LINES).await;
        for lost in self.streams.finish() {
            self.log.insist(config::Level::Error, lost);
        }
    }

    /// Takes what only one daemon can have. Whatever another daemon with this configuration uses is
    /// not touched before it is certain that there is none.
    fn prepare(&self, config: Config) -> Result<Life, String> {
        let opened = open(&config, &self.keys).map_err(|error| error.to_string())?;
        let pidfile = Self::take_pidfile(&config.supervisord.pidfile)?;
        Ok(Life::new(config, opened, pidfile))
    }

    /// Whether the sockets of all FastCGI programs can be had. If not, that is logged too.
    pub(super) fn probe_sockets(&self, config: &Config) -> Result<(), String> {
        let sockets = Sockets::new(self.log.clone());
        let mut groups = config.groups.iter();
        groups
            .try_for_each(|group| sockets.probe(group))
            .inspect_err(|error| self.log.critical(error))
    }

    pub(super) fn take_pidfile(path: &Path) -> Result<io::Result<Pidfile>, String> {
        match Pidfile::take(path) {
            Ok(pidfile) => Ok(Ok(pidfile)),
            Err(Denied::Unwritable(error)) => Ok(Err(error)),
            Err(taken) => Err(taken.describe(path)),
        }
    }

    fn write_pidfile(&self, life: &mut Life) {
        let written = match &mut life.pidfile {
            Ok(pidfile) => pidfile.write().map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match written {
            Ok(()) => self.log.info(format_args!(
                "supervisord started with pid {}",
                std::process::id()
            )),
            Err(reason) => {
                let path = life.config.supervisord.pidfile.display();
                // The first line to the letter, the reason beside it.
                self.log
                    .critical(format_args!("could not write pidfile {path}"));
                self.log.warn(format_args!("{path}: {reason}"));
            }
        }
    }

    pub(super) fn open_log(&self, settings: &Supervisord) -> io::Result<()> {
        let rotation = Rotation {
            maxbytes: settings.logfile_maxbytes,
            backups: settings.logfile_backups,
        };
        let target = match &settings.logfile {
            MainLogFile::File(path) => Target::File(path.clone(), rotation),
            MainLogFile::Syslog => Target::Syslog(self.program.clone()),
        };
        self.log.open(
            target,
            settings.loglevel,
            settings.nodaemon && !settings.silent,
        )
    }

    /// What reading the configuration has to say. Before the log is opened for the first time, so
    /// that it sorts these lines with all others from before.
    pub(super) fn tell_notes(&self, life: &Life) {
        let mut notes: Vec<_> = life.config.notes.iter().collect();
        notes.sort_by_key(|note| std::cmp::Reverse(note.level));
        for note in notes {
            self.log.log(note.level, &note.message);
        }
    }

    /// The first lines of a life in the main log; old logs go.
    pub(super) fn greet(&self, life: &Life) {
        let settings = &life.config.supervisord;
        if !settings.nocleanup {
            clean_up_auto_logs(&settings.childlogdir, &settings.identifier, &self.log);
        }
        for note in life.servers.notes() {
            self.log.log(note.level, &note.message);
        }
    }

    fn daemonize(&self, settings: &Supervisord) -> io::Result<()> {
        sys::detach()?;
        self.log.info("daemonizing the supervisord process");
        if let Some(directory) = &settings.directory {
            match std::env::set_current_dir(directory) {
                Ok(()) => self.log.info(format_args!(
                    "set current directory: '{}'",
                    directory.display()
                )),
                Err(error) => self.log.critical(format_args!(
                    "can't chdir into '{}': {error}",
                    directory.display()
                )),
            }
        }
        let null = File::options().read(true).write(true).open("/dev/null")?;
        dup2_stdin(&null)?;
        dup2_stdout(&null)?;
        dup2_stderr(&null)?;
        umask(Mode::from_bits_truncate(settings.umask));
        Ok(())
    }

    /// `serial` is the number of the next event.
    fn launcher(&self, config: &Config, serial: u64) -> Launcher {
        let settings = &config.supervisord;
        Launcher {
            log: self.log.clone(),
            logs: ChildLogs::new(self.log.clone()),
            streams: self.streams.clone(),
            bus: Bus::new(self.log.clone(), &settings.identifier, serial),
            sockets: Sockets::new(self.log.clone()),
            surroundings: Surroundings {
                inherited: std::env::vars_os().collect(),
                server_url: server_url(&config.servers),
                descriptors: self.descriptors,
            },
            strip_ansi: settings.strip_ansi,
            childlogdir: settings.childlogdir.clone(),
            identifier: settings.identifier.clone(),
            program: self.program.clone(),
        }
    }

    fn load(&self) -> Result<Config, String> {
        config::load(&self.path, &self.options, &self.context).map_err(|error| error.to_string())
    }

    fn loader(&self) -> Loader {
        let (path, options, context) = (
            self.path.clone(),
            self.options.clone(),
            self.context.clone(),
        );
        Box::new(move || config::load(&path, &options, &context).map_err(|error| error.to_string()))
    }
}

/// Opens a configuration's servers.
pub(super) fn open(config: &Config, keys: &web::Keys) -> Result<Opened, web::OpenError> {
    let (handle, requests) = Handle::channel(REQUESTS);
    let identifier = &config.supervisord.identifier;
    let context = web::Context::new(handle, identifier, config.rpc_interface, keys);
    Ok((web::Servers::open(&config.servers, context)?, requests))
}

const USAGE: u8 = 2;
const TROUBLE: u8 = 1;
/// How long the end waits for whoever reads the main log, after its last lines and once more.
const LAST_LINES: Duration = Duration::from_secs(1);
/// How many requests may wait before their senders do.
const REQUESTS: usize = 256;
