//! `[supervisord]`.

use super::{at_least_zero, narrow};
use crate::cli::DaemonOptions;
use crate::config::model::{Supervisord, User};
use crate::config::options::supervisord as option;
use crate::config::read::Reader;

/// Reads the section, in Supervisor's order; the command line's values win. `user` comes last of all
/// and is left to [`user`].
pub(in crate::config) fn supervisord(reader: &Reader<'_>, line: &DaemonOptions) -> Supervisord {
    let minfds = reader.get(&option::MINFDS);
    let minprocs = reader.get(&option::MINPROCS);
    let directory = reader.find(&option::DIRECTORY);
    let explicit_umask = reader.find(&option::UMASK);
    let umask = reader.get(&option::UMASK);
    let logfile = reader.get(&option::LOGFILE);
    let logfile_maxbytes = reader.get(&option::LOGFILE_MAXBYTES);
    let logfile_backups = reader.get(&option::LOGFILE_BACKUPS);
    let loglevel = reader.get(&option::LOGLEVEL);
    let pidfile = reader.get(&option::PIDFILE);
    let identifier = reader.get(&option::IDENTIFIER);
    let nodaemon = reader.get(&option::NODAEMON);
    let silent = reader.get(&option::SILENT);
    let childlogdir = reader.find(&option::CHILDLOGDIR);
    let nocleanup = reader.get(&option::NOCLEANUP);
    let strip_ansi = reader.get(&option::STRIP_ANSI);
    let environment = reader.get(&option::ENVIRONMENT);
    let present = reader.shared.context.umask;
    if let Some(umask) = line.umask.or(explicit_umask)
        && (line.nodaemon || nodaemon)
        && present.is_none_or(|present| present != umask)
    {
        reader.shared.sink.warn(unused_umask(umask, present));
    }
    Supervisord {
        logfile: line.logfile.clone().unwrap_or(logfile),
        logfile_maxbytes: line.logfile_maxbytes.unwrap_or(logfile_maxbytes),
        logfile_backups: line
            .logfile_backups
            .unwrap_or_else(|| narrow(logfile_backups)),
        loglevel: line.loglevel.unwrap_or(loglevel),
        pidfile: line.pidfile.clone().unwrap_or(pidfile),
        umask: line.umask.unwrap_or(umask),
        nodaemon: line.nodaemon || nodaemon,
        silent: line.silent || silent,
        minfds: line.minfds.unwrap_or_else(|| at_least_zero(minfds)),
        minprocs: line.minprocs.unwrap_or_else(|| at_least_zero(minprocs)),
        nocleanup: line.nocleanup || nocleanup,
        childlogdir: line
            .childlogdir
            .clone()
            .or(childlogdir)
            .unwrap_or_else(|| reader.shared.context.temp_dir()),
        user: None,
        directory: line.directory.clone().or(directory),
        strip_ansi: line.strip_ansi || strip_ansi,
        environment,
        identifier: line.identifier.clone().unwrap_or(identifier),
    }
}

/// As with Supervisor, the daemon's mask is set on the way to the background and not otherwise.
fn unused_umask(umask: u32, present: Option<u32>) -> String {
    let kept = present.map_or_else(String::new, |present| format!(" ({present:03o})"));
    format!(
        "For [supervisord], umask={umask:03o} has no effect in the foreground, where the mask of \
         whoever started the daemon is kept{kept}; a program's own umask= works everywhere"
    )
}

/// The user to become.
pub(in crate::config) fn user(reader: &Reader<'_>, line: &DaemonOptions) -> Option<User> {
    let user = reader.find(&option::USER);
    line.user.clone().or(user)
}
