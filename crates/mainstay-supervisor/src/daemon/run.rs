//! The life of the daemon: start-up in its order, the actor, and again after a restart.

use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nix::sys::stat::{Mode, umask};
use nix::unistd::{dup2_stderr, dup2_stdin, dup2_stdout};
use tokio::sync::mpsc;
use tokio::task::LocalSet;

use super::actor::{Actor, End, Loader};
use super::launch::Launcher;
use super::pidfile::{Denied, Pidfile};
use super::signals::Signals;
use super::{Handle, Request, privileges};
use crate::cli::{DaemonCommand, DaemonOptions};
use crate::config::{self, Config, Context, MainLogFile, Supervisord};
use crate::event::Bus;
use crate::log::{Bridge, ChildLogs, MainLog, Rotation, Target, clean_up_auto_logs};
use crate::process::{Sockets, Surroundings, server_url};
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
struct Daemon {
    program: String,
    path: PathBuf,
    options: DaemonOptions,
    context: Context,
    log: MainLog,
    /// The soft limit of descriptors that children are to have, where ours is another.
    descriptors: Option<u64>,
}

/// What a start makes and a restart makes anew.
#[derive(Debug)]
struct Life {
    config: Config,
    servers: web::Servers,
    requests: mpsc::Receiver<Request>,
    pidfile: Option<Pidfile>,
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
            descriptors: None,
        })
    }

    fn run(mut self) -> Result<(), Failure> {
        sys::ignore_sigpipe_and_sigxfsz();
        let config = self.load().map_err(Failure::usage)?;
        let settings = config.supervisord.clone();
        privileges::drop_privileges(&settings, &self.log).map_err(Failure::usage)?;
        self.descriptors =
            privileges::raise_limits(&settings, &self.log).map_err(Failure::usage)?;
        let life = self.prepare(config, None)?;
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

    /// From the first spawn to the last exit, as often as there is a restart.
    async fn live(self, mut life: Life) -> Result<(), Failure> {
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
            drop(actor);
            life.servers.close().await;
            match end {
                End::Exit => return Ok(()),
                End::Restart(config) => life = self.again(*config, life.pidfile)?,
            }
        }
    }

    /// Takes what only one daemon can have. Whatever another daemon with this configuration uses is
    /// not touched before it is certain that there is none.
    fn prepare(&self, config: Config, pidfile: Option<Pidfile>) -> Result<Life, Failure> {
        let (handle, requests) = Handle::channel(REQUESTS);
        let settings = &config.supervisord;
        let context = web::Context::new(handle, &settings.identifier, config.rpc_interface);
        let servers = web::Servers::open(&config.servers, context).map_err(Failure::usage)?;
        let pidfile = match pidfile {
            Some(pidfile) if pidfile.path() == settings.pidfile => Some(pidfile),
            _ => self.take_pidfile(&settings.pidfile)?,
        };
        Ok(Life {
            config,
            servers,
            requests,
            pidfile,
        })
    }

    /// The next life, after everything of the last one has been stopped.
    fn again(&self, config: Config, pidfile: Option<Pidfile>) -> Result<Life, Failure> {
        let life = self.prepare(config, pidfile).inspect_err(|failure| {
            self.log
                .critical(format_args!("could not start again: {}", failure.message));
        })?;
        if let Err(error) = self.open_log(&life.config.supervisord) {
            self.log.error(format_args!(
                "could not open the new main log, the old one goes on: {error}"
            ));
        }
        self.greet(&life);
        // By now it is too late to refuse: the program says it once more at its start.
        let _ = self.probe_sockets(&life.config);
        Ok(life)
    }

    /// Whether the sockets of all FastCGI programs can be had. If not, that is logged too.
    fn probe_sockets(&self, config: &Config) -> Result<(), String> {
        let sockets = Sockets::new(self.log.clone());
        let mut groups = config.groups.iter();
        groups
            .try_for_each(|group| sockets.probe(group))
            .inspect_err(|error| self.log.critical(error))
    }

    fn take_pidfile(&self, path: &Path) -> Result<Option<Pidfile>, Failure> {
        match Pidfile::take(path) {
            Ok(pidfile) => Ok(Some(pidfile)),
            Err(Denied::Taken(pid)) => {
                let who = pid
                    .map(|pid| format!(" with pid {pid}"))
                    .unwrap_or_default();
                Err(Failure::usage(format_args!(
                    "another daemon{who} holds the pidfile {}; stop it first, or use another pidfile",
                    path.display()
                )))
            }
            Err(Denied::Unwritable(error)) => {
                self.unwritable(path, &error);
                Ok(None)
            }
        }
    }

    fn write_pidfile(&self, life: &mut Life) {
        if let Some(pidfile) = &mut life.pidfile
            && let Err(error) = pidfile.write()
        {
            self.unwritable(&life.config.supervisord.pidfile, &error);
        }
        self.log.info(format_args!(
            "supervisord started with pid {}",
            std::process::id()
        ));
    }

    fn unwritable(&self, pidfile: &Path, error: &io::Error) {
        self.log.critical(format_args!(
            "could not write pidfile {}: {error}",
            pidfile.display()
        ));
    }

    fn open_log(&self, settings: &Supervisord) -> io::Result<()> {
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

    /// The first lines of a life in the main log; old logs go.
    fn greet(&self, life: &Life) {
        let mut notes: Vec<_> = life.config.notes.iter().collect();
        notes.sort_by_key(|note| std::cmp::Reverse(note.level));
        for note in notes.into_iter().chain(life.servers.notes()) {
            self.log.log(note.level, &note.message);
        }
        let settings = &life.config.supervisord;
        if !settings.nocleanup {
            clean_up_auto_logs(&settings.childlogdir, &settings.identifier, &self.log);
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

const USAGE: u8 = 2;
const TROUBLE: u8 = 1;
/// How many requests may wait before their senders do.
const REQUESTS: usize = 256;
