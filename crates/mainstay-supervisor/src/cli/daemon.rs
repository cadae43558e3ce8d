//! The command line of `mainstayd`, which is that of `supervisord` and a little more.

use std::path::PathBuf;

use self::table::SPECS;
use super::completions::Shell;
use super::getopt::{Found, Spec, UsageError};
use super::manual::{self, Program};
use crate::config::options::{Opt, supervisord as option};
use crate::config::{self, Context, Level, MainLogFile, User};

/// What a command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// Run.
    Run(Options),
    /// Check the configuration: print the report, exit with 0 or 2.
    Check(Options),
    /// Print a sample configuration.
    SampleConfig,
    /// Print the help.
    Help,
    /// Print completions.
    Completions(Shell),
    /// Print the manual page.
    Manual,
    /// Print the version.
    Version,
}

/// What the command line sets. It wins over the configuration, and every time that is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// `-c`
    pub configuration: Option<PathBuf>,
    /// `-n`
    pub nodaemon: bool,
    /// `-s`
    pub silent: bool,
    /// `-u`
    pub user: Option<User>,
    /// `-m`
    pub umask: Option<u32>,
    /// `-d`
    pub directory: Option<PathBuf>,
    /// `-l`
    pub logfile: Option<MainLogFile>,
    /// `-y`
    pub logfile_maxbytes: Option<u64>,
    /// `-z`
    pub logfile_backups: Option<u32>,
    /// `-e`
    pub loglevel: Option<Level>,
    /// `-j`
    pub pidfile: Option<PathBuf>,
    /// `-i`
    pub identifier: Option<String>,
    /// `-q`
    pub childlogdir: Option<PathBuf>,
    /// `-k`
    pub nocleanup: bool,
    /// `-a`
    pub minfds: Option<u64>,
    /// `--minprocs`
    pub minprocs: Option<u64>,
    /// `-t`
    pub strip_ansi: bool,
}

/// The options by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Id {
    Configuration,
    Nodaemon,
    Silent,
    Help,
    Version,
    User,
    Umask,
    Directory,
    Logfile,
    LogfileMaxbytes,
    LogfileBackups,
    Loglevel,
    Pidfile,
    Identifier,
    Childlogdir,
    Nocleanup,
    Minfds,
    Minprocs,
    StripAnsi,
    ProfileOptions,
    Check,
    SampleConfig,
    Completions,
    Manual,
}

impl Options {
    /// Reads the arguments, the program's name not among them.
    ///
    /// Options act from left to right: what stands after `-h` or `-v` is not looked at.
    pub fn parse(args: &[String], context: &Context) -> Result<Command, UsageError> {
        let line = Spec::split(SPECS, args)?;
        let mut options = Self::default();
        let mut seen: Vec<Id> = Vec::new();
        let mut check = false;
        let mut user = None;
        for found in &line.options {
            match found.id {
                Id::Help => return Ok(Command::Help),
                Id::Version => return Ok(Command::Version),
                Id::SampleConfig => return Ok(Command::SampleConfig),
                Id::Manual => return Ok(Command::Manual),
                Id::Completions => {
                    let shell = Shell::parse(&found.value);
                    let shell = shell.map_err(|reason| UsageError::value(found, reason))?;
                    return Ok(Command::Completions(shell));
                }
                _ if seen.contains(&found.id) => return Err(UsageError::conflict(found)),
                id => seen.push(id),
            }
            check |= found.id == Id::Check;
            if found.id == Id::User {
                user = Some(&found.value);
            }
            options.set(found, context)?;
        }
        if !line.rest.is_empty() {
            return Err(UsageError::positional(&line.rest));
        }
        if let Some(user) = user {
            // Supervisor takes any text and looks for the user last, so without a prefix.
            let user = config::value(&option::USER.kind, user, context);
            options.user = Some(user.map_err(UsageError::plain)?);
        }
        Ok(if check {
            Command::Check(options)
        } else {
            Command::Run(options)
        })
    }

    fn set(&mut self, found: &Found<Id>, context: &Context) -> Result<(), UsageError> {
        match found.id {
            Id::Configuration => self.configuration = Some(found.value.clone().into()),
            Id::Nodaemon => self.nodaemon = true,
            Id::Silent => self.silent = true,
            Id::Nocleanup => self.nocleanup = true,
            Id::StripAnsi => self.strip_ansi = true,
            Id::Umask => self.umask = Some(value(&option::UMASK, found, context)?),
            Id::Directory => self.directory = Some(value(&option::DIRECTORY, found, context)?),
            Id::Logfile => self.logfile = Some(value(&option::LOGFILE, found, context)?),
            Id::LogfileMaxbytes => {
                self.logfile_maxbytes = Some(value(&option::LOGFILE_MAXBYTES, found, context)?);
            }
            Id::LogfileBackups => {
                let number = value(&option::LOGFILE_BACKUPS, found, context)?.max(0);
                self.logfile_backups = Some(u32::try_from(number).unwrap_or(u32::MAX));
            }
            Id::Loglevel => self.loglevel = Some(value(&option::LOGLEVEL, found, context)?),
            Id::Pidfile => self.pidfile = Some(value(&option::PIDFILE, found, context)?),
            Id::Identifier => self.identifier = Some(found.value.clone()),
            Id::Childlogdir => {
                self.childlogdir = Some(value(&option::CHILDLOGDIR, found, context)?);
            }
            Id::Minfds => self.minfds = Some(number(&option::MINFDS, found, context)?),
            Id::Minprocs => self.minprocs = Some(number(&option::MINPROCS, found, context)?),
            // A profiler of Python's; and what the caller has dealt with.
            Id::ProfileOptions
            | Id::User
            | Id::Check
            | Id::Help
            | Id::Version
            | Id::SampleConfig
            | Id::Completions
            | Id::Manual => {}
        }
        Ok(())
    }

    /// The completions for a shell. `program` is the name it was called by.
    pub fn completions(program: &str, shell: Shell) -> String {
        shell.complete(program, &Self::program())
    }

    /// The manual page.
    pub fn manual() -> String {
        Self::program().page()
    }

    fn program() -> Program {
        Program {
            name: "mainstayd",
            section: 8,
            summary: "run a set of programs as daemons",
            usage: "[options]",
            options: Spec::nameless(SPECS),
            commands: &[],
            description: manual::DAEMON_DESCRIPTION,
            sections: manual::DAEMON_SECTIONS,
        }
    }

    /// The text for `-h`. `program` is the name it was called by.
    pub fn help(program: &str) -> String {
        format!(
            "{program} -- run a set of programs as daemons\n\n\
             Usage: {program} [options]\n\n\
             Options:\n{}\n\
             Without -c, the configuration is looked for in etc/supervisord.conf and \
             supervisord.conf\nof the directory above the program's, then of the current \
             directory, then in\n/etc/supervisord.conf and /etc/supervisor/supervisord.conf.\n",
            Spec::help(SPECS)
        )
    }
}

fn value<T>(option: &Opt<T>, found: &Found<Id>, context: &Context) -> Result<T, UsageError> {
    config::value(&option.kind, &found.value, context)
        .map_err(|reason| UsageError::value(found, reason))
}

fn number(option: &Opt<i64>, found: &Found<Id>, context: &Context) -> Result<u64, UsageError> {
    Ok(u64::try_from(value(option, found, context)?).unwrap_or(0))
}

mod table;

#[cfg(test)]
mod tests;
