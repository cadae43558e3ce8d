//! What differs between two configurations beside their groups, and so cannot be changed by a reread.

use crate::config::Config;

/// What a restart changes.
pub(super) fn needs_restart(old: &Config, new: &Config) -> Vec<&'static str> {
    let (a, b) = (&old.supervisord, &new.supervisord);
    named([
        ("[supervisord] logfile", a.logfile != b.logfile),
        (
            "[supervisord] logfile_maxbytes",
            a.logfile_maxbytes != b.logfile_maxbytes,
        ),
        (
            "[supervisord] logfile_backups",
            a.logfile_backups != b.logfile_backups,
        ),
        ("[supervisord] loglevel", a.loglevel != b.loglevel),
        ("[supervisord] silent", a.silent != b.silent),
        ("[supervisord] pidfile", a.pidfile != b.pidfile),
        ("[supervisord] identifier", a.identifier != b.identifier),
        ("[supervisord] user", a.user != b.user),
        ("the set of HTTP servers", old.servers != new.servers),
        (
            "[rpcinterface:supervisor]",
            old.rpc_interface != new.rpc_interface,
        ),
    ])
}

/// What only a new start of the daemon changes.
pub(super) fn needs_start(old: &Config, new: &Config) -> Vec<&'static str> {
    let (a, b) = (&old.supervisord, &new.supervisord);
    // These two have no effect in the foreground.
    let background = !b.nodaemon;
    named([
        ("[supervisord] nodaemon", a.nodaemon != b.nodaemon),
        (
            "[supervisord] directory",
            background && a.directory != b.directory,
        ),
        ("[supervisord] umask", background && a.umask != b.umask),
        ("[supervisord] minfds", a.minfds != b.minfds),
        ("[supervisord] minprocs", a.minprocs != b.minprocs),
    ])
}

/// What to say of those.
pub(super) const AT_START: &str =
    "has changed, which takes effect when the daemon is stopped and started";

fn named<const N: usize>(checks: [(&'static str, bool); N]) -> Vec<&'static str> {
    let differing = checks.into_iter().filter(|(_, differs)| *differs);
    differing.map(|(what, _)| what).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::cli::DaemonOptions;
    use crate::config::{self, Context};

    #[test]
    fn every_key_is_for_a_reread_a_restart_or_a_start() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.conf");
        let read = |line: &str| {
            fs::write(&path, format!("[supervisord]\n{line}\n")).unwrap();
            let context = Context::bare(dir.path());
            config::load(&path, &DaemonOptions::default(), &context).unwrap()
        };
        let old = read("");
        for (key, value, restart, start) in [
            ("logfile", "x.log", true, false),
            ("logfile_maxbytes", "1", true, false),
            ("logfile_backups", "1", true, false),
            ("loglevel", "debug", true, false),
            ("silent", "true", true, false),
            ("pidfile", "x.pid", true, false),
            ("identifier", "x", true, false),
            ("user", "nobody", true, false),
            ("nodaemon", "true", false, true),
            ("directory", "/", false, true),
            ("umask", "077", false, true),
            ("minfds", "7", false, true),
            ("minprocs", "7", false, true),
            ("childlogdir", "/", false, false),
            ("nocleanup", "true", false, false),
            ("strip_ansi", "true", false, false),
            ("environment", "A=1", false, false),
        ] {
            let new = read(&format!("{key}={value}"));
            assert_ne!(old.supervisord, new.supervisord, "{key}");
            let name = format!("[supervisord] {key}");
            let expected = |wanted: bool| if wanted { vec![name.as_str()] } else { vec![] };
            assert_eq!(needs_restart(&old, &new), expected(restart), "{key}");
            assert_eq!(needs_start(&old, &new), expected(start), "{key}");
        }
    }
}
