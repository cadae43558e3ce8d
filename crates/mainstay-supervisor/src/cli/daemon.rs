//! The command line of `mainstayd`, which is that of `supervisord` and a little more.

use std::path::PathBuf;

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
            options.set(found, context)?;
        }
        if !line.rest.is_empty() {
            return Err(UsageError::positional(&line.rest));
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
            // Supervisor takes any text here and looks for the user later, so without its prefix.
            Id::User => {
                let user = config::value(&option::USER.kind, &found.value, context);
                self.user = Some(user.map_err(UsageError::plain)?);
            }
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

const fn flag(
    id: Id,
    short: &'static [char],
    long: &'static [&'static str],
    help: &'static str,
) -> Spec<Id> {
    Spec {
        id,
        short,
        long,
        value: None,
        original: true,
        help,
    }
}

const fn valued(
    id: Id,
    short: &'static [char],
    long: &'static [&'static str],
    value: &'static str,
    help: &'static str,
) -> Spec<Id> {
    Spec {
        id,
        short,
        long,
        value: Some(value),
        original: true,
        help,
    }
}

/// An option that Supervisor does not have.
const fn ours(id: Id, long: &'static [&'static str], help: &'static str) -> Spec<Id> {
    Spec {
        original: false,
        ..flag(id, &[], long, help)
    }
}

const SPECS: &[Spec<Id>] = &[
    valued(
        Id::Configuration,
        &['c'],
        &["configuration"],
        "FILE",
        "the configuration",
    ),
    flag(
        Id::Nodaemon,
        &['n'],
        &["nodaemon"],
        "stay in the foreground",
    ),
    flag(
        Id::Silent,
        &['s'],
        &["silent"],
        "in the foreground, no log on the standard output",
    ),
    flag(Id::Help, &['h', '?'], &["help"], "print this text and exit"),
    flag(
        Id::Version,
        &['v'],
        &["version"],
        "print the version and exit",
    ),
    ours(
        Id::Check,
        &["check"],
        "report all mistakes of the configuration; exit with 0 or 2",
    ),
    ours(
        Id::SampleConfig,
        &["sample-config"],
        "print a sample configuration and exit",
    ),
    Spec {
        value: Some("SHELL"),
        ..ours(
            Id::Completions,
            &["completions"],
            "print completions for bash, zsh or fish, and exit",
        )
    },
    ours(Id::Manual, &["man"], "print the manual page and exit"),
    valued(
        Id::User,
        &['u'],
        &["user"],
        "USER",
        "become this user, by name or uid",
    ),
    valued(
        Id::Umask,
        &['m'],
        &["umask"],
        "UMASK",
        "mask for files, octal (default 022)",
    ),
    valued(
        Id::Directory,
        &['d'],
        &["directory"],
        "DIRECTORY",
        "directory of the daemon",
    ),
    valued(
        Id::Logfile,
        &['l'],
        &["logfile"],
        "FILE",
        "the main log, or syslog",
    ),
    valued(
        Id::LogfileMaxbytes,
        &['y'],
        &["logfile_maxbytes"],
        "BYTES",
        "rotate the main log at this size (default 50MB)",
    ),
    valued(
        Id::LogfileBackups,
        &['z'],
        &["logfile_backups"],
        "NUMBER",
        "how many rotated main logs to keep (default 10)",
    ),
    valued(
        Id::Loglevel,
        &['e'],
        &["loglevel"],
        "LEVEL",
        "critical, error, warn, info, debug, trace or blather",
    ),
    valued(
        Id::Pidfile,
        &['j'],
        &["pidfile"],
        "FILE",
        "where to write the pid",
    ),
    valued(
        Id::Identifier,
        &['i'],
        &["identifier"],
        "NAME",
        "name of this daemon (default supervisor)",
    ),
    valued(
        Id::Childlogdir,
        &['q'],
        &["childlogdir"],
        "DIRECTORY",
        "where AUTO logs live",
    ),
    flag(
        Id::Nocleanup,
        &['k'],
        &["nocleanup"],
        "keep AUTO logs of former runs",
    ),
    valued(
        Id::Minfds,
        &['a'],
        &["minfds"],
        "NUMBER",
        "file descriptors to have at least",
    ),
    valued(
        Id::Minprocs,
        &[],
        &["minprocs"],
        "NUMBER",
        "processes to be allowed at least",
    ),
    flag(
        Id::StripAnsi,
        &['t'],
        &["strip_ansi"],
        "remove terminal control sequences from logs",
    ),
    valued(
        Id::ProfileOptions,
        &[],
        &["profile_options"],
        "LIST",
        "accepted and ignored",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, String> {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Options::parse(&args, &Context::bare("/")).map_err(|error| error.to_string())
    }

    #[track_caller]
    fn options(line: &str) -> Options {
        match parse(line) {
            Ok(Command::Run(options)) => options,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn every_option_arrives() {
        let all = "-c /a.conf -n -s -u app -m 077 -d /tmp -l /tmp/x.log -y 1MB -z 3 -e debug -j x.pid \
                   -i name -q /tmp -k -a 7 --minprocs 8 -t --profile_options a,b";
        let expected = Options {
            configuration: Some("/a.conf".into()),
            nodaemon: true,
            silent: true,
            user: Some(User {
                name: "app".into(),
                uid: 1000,
                gid: 1000,
            }),
            umask: Some(0o77),
            directory: Some("/tmp".into()),
            logfile: Some(MainLogFile::File("/tmp/x.log".into())),
            logfile_maxbytes: Some(1 << 20),
            logfile_backups: Some(3),
            loglevel: Some(Level::Debug),
            pidfile: Some("/x.pid".into()),
            identifier: Some("name".into()),
            childlogdir: Some("/tmp".into()),
            nocleanup: true,
            minfds: Some(7),
            minprocs: Some(8),
            strip_ansi: true,
        };
        assert_eq!(options(all), expected);
        let long = "--configuration /a.conf --nodaemon --silent --user 1000 --umask 077 \
                    --directory /tmp --logfile /tmp/x.log --logfile_maxbytes 1MB \
                    --logfile_backups 3 --loglevel DEBUG --pidfile x.pid --identifier name \
                    --childlogdir /tmp --nocleanup --minfds 7 --minprocs 8 --strip_ansi";
        let user = User {
            name: "1000".into(),
            uid: 1000,
            gid: 1000,
        };
        assert_eq!(
            options(long),
            Options {
                user: Some(user),
                ..expected
            }
        );
        assert_eq!(options(""), Options::default());
    }

    #[test]
    fn options_act_from_left_to_right() {
        assert_eq!(parse("-h"), Ok(Command::Help));
        assert_eq!(parse("-?"), Ok(Command::Help));
        assert_eq!(parse("-n -v -e nonsense"), Ok(Command::Version));
        assert_eq!(parse("--sample-config"), Ok(Command::SampleConfig));
        assert!(parse("-e nonsense -v").is_err());
        assert!(parse("-v -x").is_err());
        assert!(matches!(parse("--check -c x"), Ok(Command::Check(_))));
    }

    #[test]
    fn mistakes_have_the_words_of_supervisor() {
        for (line, expected) in [
            ("-n -n", "conflicting command line option '-n'"),
            (
                "-n --nodaemon",
                "conflicting command line option '--nodaemon'",
            ),
            (
                "-e foo",
                "invalid value for -e 'foo': bad logging level name 'foo'",
            ),
            (
                "-efoo",
                "invalid value for -e 'foo': bad logging level name 'foo'",
            ),
            (
                "--loglev=foo",
                "invalid value for --loglevel 'foo': bad logging level name 'foo'",
            ),
            (
                "-m 9",
                "invalid value for -m '9': 9 can not be converted to an octal type",
            ),
            (
                "-d /none",
                "invalid value for -d '/none': /none is not an existing directory",
            ),
            (
                "-l /none/x",
                "invalid value for -l '/none/x': The directory named as part of the path /none/x \
                 does not exist",
            ),
            (
                "-z x",
                "invalid value for -z 'x': invalid literal for int() with base 10: 'x'",
            ),
            ("-u stranger", "Invalid user name stranger"),
            (
                "foo bar",
                "positional arguments are not supported: ['foo', 'bar']",
            ),
        ] {
            assert_eq!(parse(line), Err(expected.to_owned()), "{line}");
        }
    }

    #[test]
    fn the_help_names_every_option_of_the_table() {
        let help = Options::help("mainstayd");
        for row in config::options::Kind::Supervisord.rows() {
            // What has no option is set in the file only.
            let expected = row.key != "environment";
            assert_eq!(
                help.contains(&format!("--{}", row.key)),
                expected,
                "{}",
                row.key
            );
        }
    }
}
