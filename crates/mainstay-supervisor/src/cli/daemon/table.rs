//! The options of `mainstayd`, one row each.

use super::Id;
use crate::cli::getopt::Spec;

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

/// Every option, in the order of the help.
pub(super) const SPECS: &[Spec<Id>] = &[
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
