//! One supervised process: the pure state machine, and what carries its actions out.
//!
//! [`Machine`] decides; [`spawn`](self::spawn::spawn) makes the child; `output` moves what it writes
//! into its logs; `input` feeds its standard input. Nothing here knows of groups, clients or the
//! daemon's own life: that is the actor's.

mod capture;
mod command;
mod environment;
mod exit;
mod fcgi;
mod input;
mod output;
mod spawn;
mod state;

pub use capture::Capture;
pub use command::Command;
pub use environment::{Surroundings, server_url};
pub use exit::{Exit, signal_name};
pub use fcgi::{Share, Sockets};
pub use input::{Input, Refusal};
pub use output::{Lost, Output, Settling, Streams, Tap};
pub use spawn::{Pipes, identity, spawn};
pub use state::{Action, Change, Event, Machine};

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;

    use crate::config::{Autorestart, LogFile, Process, Stream};

    /// A program with every default but its command.
    pub(crate) fn program(command: &str) -> Process {
        let stream = Stream {
            logfile: LogFile::None,
            maxbytes: 50 << 20,
            backups: 10,
            capture_maxbytes: 0,
            events_enabled: false,
            syslog: false,
        };
        Process {
            name: "cat".to_owned(),
            group: "cat".to_owned(),
            command: command.to_owned(),
            directory: None,
            umask: None,
            priority: 999,
            autostart: true,
            autorestart: Autorestart::Unexpected,
            startsecs: 1,
            startretries: 3,
            stopsignal: libc::SIGTERM,
            stopwaitsecs: 10,
            stopasgroup: false,
            killasgroup: false,
            exitcodes: vec![0],
            user: None,
            redirect_stderr: false,
            stdout: stream.clone(),
            stderr: stream,
            environment: Vec::new(),
            serverurl: None,
            socket: None,
        }
    }

    /// The same, shared, after some changes.
    pub(crate) fn rules(change: impl FnOnce(&mut Process)) -> Arc<Process> {
        let mut process = program("cat");
        change(&mut process);
        Arc::new(process)
    }
}
