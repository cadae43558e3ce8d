//! Carrying out a start: logs, pipes, fork.

use std::cell::RefCell;
use std::io;
use std::path::Path;
use std::rc::Rc;

use nix::errno::Errno;

use super::Channel;
use super::unit::Unit;
use crate::config::Stream;
use crate::event::{Audience, Bus, Seat, Speaker};
use crate::log::{AnsiStripper, ChildLog, ChildLogs, MainLog, Rotation, Syslog, create_auto_log};
use crate::process::{Command, Input, Output, Pipes, Sockets, Streams, Surroundings, Tap, spawn};

/// What a start needs from the daemon.
#[derive(Debug)]
pub(super) struct Launcher {
    pub(super) log: MainLog,
    pub(super) logs: ChildLogs,
    pub(super) streams: Streams,
    pub(super) bus: Bus,
    pub(super) sockets: Sockets,
    pub(super) surroundings: Surroundings,
    pub(super) strip_ansi: bool,
    pub(super) childlogdir: std::path::PathBuf,
    pub(super) identifier: String,
    /// What this program was called as: the name of its entries in the system's log.
    pub(super) program: String,
}

impl Launcher {
    /// Starts a process's child and returns its pid.
    ///
    /// # Errors
    ///
    /// The text for `spawnerr`.
    pub(super) fn launch(&mut self, unit: &mut Unit) -> Result<i32, String> {
        let process = unit.config.name.clone();
        let command = Command::resolve(&unit.config, self.surroundings.path())
            .map_err(|unusable| unusable.to_string())?;
        self.make_auto_logs(unit)
            .map_err(|error| failed(&error, &process))?;
        let socket = match &unit.config.socket {
            Some(settings) => Some(self.sockets.share(settings)?),
            None => None,
        };
        let mut pipes = Pipes::open(unit.config.redirect_stderr)
            .map_err(|errno| failed(&errno.into(), &process))?;
        let input = match &socket {
            Some(socket) => {
                let descriptor = socket.descriptor();
                pipes.child[0] = descriptor.map_err(|error| failed(&error, &process))?;
                None
            }
            None => Some(Rc::new(Input::new(pipes.stdin))),
        };
        let seat = input.as_ref().and_then(|input| {
            let input = Rc::clone(input);
            let outlet = move |bytes: &[u8]| input.deliver(bytes).is_ok();
            self.bus
                .join(&unit.config.group, &process, Box::new(outlet))
        });
        let speaker = Speaker::new(&unit.config);

        let mut outputs = Vec::with_capacity(2);
        let ends = [
            (Channel::Stdout, Some(pipes.stdout)),
            (Channel::Stderr, pipes.stderr.take()),
        ];
        for (channel, end) in ends {
            let Some(end) = end else { continue };
            let output = self
                .tap(unit, channel, &speaker, seat.as_ref())
                .and_then(|tap| Output::open(end, tap))
                .map_err(|error| failed(&error, &process))?;
            outputs.push(output);
        }
        let pid =
            spawn(&unit.config, &command, &self.surroundings, &pipes.child).map_err(|errno| {
                match errno {
                    Errno::EAGAIN => {
                        format!("Too many processes in process table to spawn '{process}'")
                    }
                    errno => format!("unknown error during fork for '{process}': {errno:?}"),
                }
            })?;
        for output in &mut outputs {
            self.streams.add(output);
            output.start();
        }
        speaker.spawned(pid);
        unit.outputs = outputs;
        unit.input = input;
        unit.seat = seat;
        unit.socket = socket;
        Ok(pid)
    }

    /// Makes the AUTO log files that a process is to have and does not have yet.
    pub(super) fn make_auto_logs(&self, unit: &mut Unit) -> io::Result<()> {
        for channel in [Channel::Stdout, Channel::Stderr] {
            if unit.lacks_auto_log(channel) {
                let path = create_auto_log(
                    &self.childlogdir,
                    &unit.config.name,
                    channel,
                    &self.identifier,
                )?;
                match channel {
                    Channel::Stdout => unit.stdout_log = Some(path),
                    Channel::Stderr => unit.stderr_log = Some(path),
                }
            }
        }
        Ok(())
    }

    fn tap(
        &mut self,
        unit: &Unit,
        channel: Channel,
        speaker: &Rc<Speaker>,
        seat: Option<&Seat>,
    ) -> io::Result<Tap> {
        // What a listener writes to its standard output is the protocol: it is only logged.
        let ear = seat.filter(|_| channel == Channel::Stdout).map(Seat::ear);
        let stream = match channel {
            Channel::Stdout => &unit.config.stdout,
            Channel::Stderr => &unit.config.stderr,
        };
        Ok(Tap {
            process: unit.config.name.clone(),
            channel,
            log: self.open_log(unit.log(channel), stream)?,
            strip: self.strip_ansi.then(AnsiStripper::new),
            syslog: (stream.syslog && ear.is_none()).then(|| Syslog::new(self.program.clone())),
            audience: Audience::new(&self.bus, speaker, channel, stream, ear),
            main: self.log.clone(),
        })
    }

    fn open_log(
        &mut self,
        path: Option<&Path>,
        stream: &Stream,
    ) -> io::Result<Rc<RefCell<ChildLog>>> {
        let rotation = Rotation {
            maxbytes: stream.maxbytes,
            backups: stream.backups,
        };
        match path {
            Some(path) => self.logs.open(path, rotation),
            None => self.logs.null(),
        }
    }
}

/// Why there are no pipes or logs, in the original's words.
fn failed(error: &io::Error, process: &str) -> String {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EMFILE | Errno::ENFILE) => format!("too many open files to spawn '{process}'"),
        Some(errno) => format!("unknown error making dispatchers for '{process}': {errno:?}"),
        None => format!("unknown error making dispatchers for '{process}': {error}"),
    }
}
