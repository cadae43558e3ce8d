//! The next life: what could go wrong with it is found while the last one goes on, and what goes
//! wrong all the same does not end the daemon.

use std::{io, mem};

use nix::unistd::geteuid;

use super::pidfile::Pidfile;
use super::run::{Daemon, Life, Opened, open};
use super::{changes, privileges};
use crate::config::Config;
use crate::web;

/// Tries what a restart would do, as far as that can be without disturbing what runs.
///
/// # Errors
///
/// Why there had better be no restart.
pub(super) fn rehearse(old: &Config, new: &Config) -> Result<(), String> {
    privileges::check_user(&new.supervisord)?;
    web::try_to_open(&new.servers, &old.servers).map_err(|error| error.to_string())?;
    let pidfile = &new.supervisord.pidfile;
    if *pidfile != old.supervisord.pidfile {
        Pidfile::check(pidfile).map_err(|denied| denied.describe(pidfile))?;
    }
    Ok(())
}

impl Daemon {
    /// The next life, after everything of the last one has been stopped.
    pub(super) fn again(&mut self, mut new: Config, old: Config, pidfile: Option<Pidfile>) -> Life {
        let servers = old.servers.clone();
        let changed = changes::needs_start(&old, &new);
        let note = privileges::drop_privileges(&new.supervisord).unwrap_or_else(|reason| {
            // Not as somebody whom nobody has asked for.
            self.log.critical(format_args!(
                "starting again with the configuration of before: {reason}"
            ));
            new = old;
            None
        });
        self.context.uid = geteuid().as_raw();
        let opened = self.open_servers(&mut new, servers);
        let pidfile = Self::next_pidfile(&new, pidfile);
        let life = Life::new(new, opened, pidfile);
        if let Err(error) = self.open_log(&life.config.supervisord) {
            self.log.error(format_args!(
                "could not open the new main log, the old one goes on: {error}"
            ));
        }
        if let Some(note) = note {
            self.log.log(note.level, &note.message);
        }
        self.tell_notes(&life);
        self.greet(&life);
        // By now it is too late to refuse: the program says it once more at its start.
        let _ = self.probe_sockets(&life.config);
        for what in changed {
            self.log.warn(format_args!("{what} {}", changes::AT_START));
        }
        life
    }

    /// The new servers; else those of before; else none, which leaves the signals.
    fn open_servers(&self, config: &mut Config, mut before: Vec<crate::config::Server>) -> Opened {
        loop {
            match open(config, &self.keys) {
                Ok(opened) => return opened,
                // Where there are none, there is nothing that can fail: this ends.
                Err(error) => {
                    self.log.critical(format_args!(
                        "could not open the new HTTP servers, going on with {}: {error}",
                        if before.is_empty() {
                            "none"
                        } else {
                            "those of before"
                        }
                    ));
                    config.servers = mem::take(&mut before);
                }
            }
        }
    }

    /// The old one, if it is at its place; else a new one, or why there is none.
    fn next_pidfile(config: &Config, pidfile: Option<Pidfile>) -> io::Result<Pidfile> {
        let path = &config.supervisord.pidfile;
        match pidfile {
            Some(pidfile) if pidfile.path() == path => Ok(pidfile),
            other => {
                drop(other);
                Self::take_pidfile(path).unwrap_or_else(|taken| Err(io::Error::other(taken)))
            }
        }
    }
}
