//! The processes of a program, an fcgi-program or an event listener.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::{at_least_zero, narrow};
use crate::config::model::{Autorestart, FcgiSocket, LogFile, Process, Stream, User};
use crate::config::options::{Opt, Scope, program as option};
use crate::config::read::Reader;
use crate::config::types::{self, Child};

/// More than a machine has pids for by default; a slip of the finger rather than a wish.
const MAX_NUMPROCS: i64 = 65_536;

/// What the processes of a section are made for.
#[derive(Clone, Debug)]
pub(super) struct Target<'a> {
    /// The group they land in.
    pub(super) group: &'a str,
    /// `[supervisord] environment`
    pub(super) environment: &'a [(String, String)],
    /// Where relative logs go.
    pub(super) logs: PathBuf,
    /// Their shared standard input.
    pub(super) socket: Option<Arc<FcgiSocket>>,
}

/// Reads the processes of a section.
pub(super) fn processes(
    reader: &Reader<'_>,
    program: &str,
    target: &Target<'_>,
) -> Vec<Arc<Process>> {
    let mut reader = reader.for_processes();
    program.clone_into(&mut reader.names.program);
    target.group.clone_into(&mut reader.names.group);
    let before = reader.shared.sink.problems();
    let common = Common::read(&reader);
    if !has_number(&reader, common.numprocs) {
        reader.problem(
            reader
                .error(
                    "%(process_num) must be present within process_name when numprocs > 1",
                    "process_name",
                )
                .expected("a name such as `%(program_name)s_%(process_num)02d`"),
        );
    }
    if common.stopasgroup && !common.killasgroup {
        reader.problem(
            reader
                .error(
                    "Cannot set stopasgroup=true and killasgroup=false",
                    "killasgroup",
                )
                .expected("`true`, or no `killasgroup` at all"),
        );
    }
    if common.numprocs > MAX_NUMPROCS {
        let text = format!(
            "numprocs is {}, which is more than {MAX_NUMPROCS}",
            common.numprocs
        );
        reader.wrong(&option::NUMPROCS, text);
        return Vec::new();
    }
    let mut processes = Vec::new();
    for offset in 0..common.numprocs {
        reader.names.numprocs = common.numprocs;
        reader.names.process_num = common.numprocs_start.saturating_add(offset);
        let process = process(&reader, &common, target);
        // What is wrong with one of many is wrong with all; once is enough.
        if reader.shared.sink.problems() > before {
            break;
        }
        processes.extend(process.map(Arc::new));
    }
    processes
}

fn has_number(reader: &Reader<'_>, numprocs: i64) -> bool {
    let name = reader
        .section
        .get("process_name")
        .map_or("%(program_name)s", |name| &name.value);
    numprocs <= 1 || name.contains("%(process_num)")
}

/// What is read once for all processes of a section, in Supervisor's order.
struct Common {
    priority: i64,
    autostart: bool,
    autorestart: Autorestart,
    startsecs: u64,
    startretries: u32,
    stopsignal: i32,
    stopwaitsecs: u64,
    stopasgroup: bool,
    killasgroup: bool,
    exitcodes: Vec<u8>,
    redirect_stderr: bool,
    numprocs: i64,
    numprocs_start: i64,
    captures: (u64, u64),
    events: (bool, bool),
    serverurl: Option<String>,
    user: Option<User>,
    umask: Option<u32>,
}

impl Common {
    fn read(reader: &Reader<'_>) -> Self {
        let priority = reader.get(&option::PRIORITY);
        let autostart = reader.get(&option::AUTOSTART);
        let autorestart = reader.get(&option::AUTORESTART);
        let startsecs = at_least_zero(reader.get(&option::STARTSECS));
        let startretries = narrow(reader.get(&option::STARTRETRIES));
        let stopsignal = reader.get(&option::STOPSIGNAL);
        let stopwaitsecs = at_least_zero(reader.get(&option::STOPWAITSECS));
        let stopasgroup = reader.get(&option::STOPASGROUP);
        let killasgroup = reader.find(&option::KILLASGROUP).unwrap_or(stopasgroup);
        let exitcodes = reader.get(&option::EXITCODES);
        let redirect_stderr = reader.get(&option::REDIRECT_STDERR);
        let numprocs = reader.get(&option::NUMPROCS);
        let numprocs_start = reader.get(&option::NUMPROCS_START);
        let stdout_capture = reader.get(&option::STDOUT_CAPTURE_MAXBYTES);
        let stdout_events = reader.get(&option::STDOUT_EVENTS_ENABLED);
        let stderr_capture = reader.get(&option::STDERR_CAPTURE_MAXBYTES);
        let stderr_events = reader.get(&option::STDERR_EVENTS_ENABLED);
        let serverurl = reader.get(&option::SERVERURL);
        let user = reader.find(&option::USER);
        let umask = reader.find(&option::UMASK);
        Self {
            priority,
            autostart,
            autorestart,
            startsecs,
            startretries,
            stopsignal,
            stopwaitsecs,
            stopasgroup,
            killasgroup,
            exitcodes,
            redirect_stderr,
            numprocs,
            numprocs_start,
            captures: (stdout_capture, stderr_capture),
            events: (stdout_events, stderr_events),
            serverurl: (!serverurl.trim().eq_ignore_ascii_case("auto")).then_some(serverurl),
            user,
            umask,
        }
    }
}

/// One process; `None` after a mistake that leaves nothing to run.
fn process(reader: &Reader<'_>, common: &Common, target: &Target<'_>) -> Option<Process> {
    let own = reader.get(&option::ENVIRONMENT);
    // For everything but itself, a program's environment can be expanded like the daemon's.
    let mut reader = reader.clone();
    reader.names.own.extend(own.iter().cloned());

    let directory = reader.find(&option::DIRECTORY);
    let stdout = stream(&reader, &STDOUT, target, common.captures.0, common.events.0);
    let mut stderr = stream(&reader, &STDERR, target, common.captures.1, common.events.1);
    if common.redirect_stderr {
        if matches!(stderr.logfile, LogFile::File(_)) {
            reader.shared.sink.warn(format!(
                "For [{}], redirect_stderr=true but stderr_logfile has also been set to a filename, \
                 the filename has been ignored",
                reader.section.name
            ));
        }
        stderr.logfile = LogFile::None;
    }
    let command = reader.find(&option::COMMAND);
    if !reader.has("command") {
        let text = format!(
            "program section {} does not specify a command",
            reader.section.name
        );
        reader.problem(
            reader
                .error(text, "command")
                .expected("the program's path and its arguments"),
        );
    }
    let name = process_name(&reader)?;
    Some(Process {
        name,
        group: target.group.to_owned(),
        command: command?,
        directory,
        umask: common.umask,
        priority: common.priority,
        autostart: common.autostart,
        autorestart: common.autorestart,
        startsecs: common.startsecs,
        startretries: common.startretries,
        stopsignal: common.stopsignal,
        stopwaitsecs: common.stopwaitsecs,
        stopasgroup: common.stopasgroup,
        killasgroup: common.killasgroup,
        exitcodes: common.exitcodes.clone(),
        user: common.user.clone(),
        redirect_stderr: common.redirect_stderr,
        stdout,
        stderr,
        environment: overlay(target.environment, own),
        serverurl: common.serverurl.clone(),
        socket: target.socket.clone(),
    })
}

/// The name, which is checked as written and as expanded: an expansion must not bring in what a
/// name cannot have.
fn process_name(reader: &Reader<'_>) -> Option<String> {
    let Some(entry) = reader.section.get("process_name") else {
        return Some(reader.names.program.clone());
    };
    if let Err(invalid) = types::name(&entry.value) {
        reader.invalid(&option::PROCESS_NAME, invalid);
        return None;
    }
    reader.find(&option::PROCESS_NAME)
}

/// The options of one output stream.
struct StreamOptions {
    logfile: Opt<Child>,
    maxbytes: Opt<u64>,
    backups: Opt<i64>,
    syslog: Opt<bool>,
}

const STDOUT: StreamOptions = StreamOptions {
    logfile: option::STDOUT_LOGFILE,
    maxbytes: option::STDOUT_LOGFILE_MAXBYTES,
    backups: option::STDOUT_LOGFILE_BACKUPS,
    syslog: option::STDOUT_SYSLOG,
};

const STDERR: StreamOptions = StreamOptions {
    logfile: option::STDERR_LOGFILE,
    maxbytes: option::STDERR_LOGFILE_MAXBYTES,
    backups: option::STDERR_LOGFILE_BACKUPS,
    syslog: option::STDERR_SYSLOG,
};

fn stream(
    reader: &Reader<'_>,
    options: &StreamOptions,
    target: &Target<'_>,
    capture_maxbytes: u64,
    events_enabled: bool,
) -> Stream {
    let sink = reader.shared.sink;
    let section = &reader.section.name;
    let key = options.logfile.row.key;
    let log = log_path(reader, &options.logfile);
    let backups = narrow(reader.get(&options.backups));
    let maxbytes = reader.get(&options.maxbytes);
    let mut syslog = reader.get(&options.syslog);
    if log == Child::Syslog {
        syslog = true;
        sink.warn(format!(
            "For [{section}], {key}=syslog but this is deprecated and will be removed.  Use {}=true \
             to enable syslog instead.",
            options.syslog.row.key
        ));
    }
    if log == Child::Auto && maxbytes == 0 {
        sink.warn(format!(
            "For [{section}], AUTO logging used for {key} without rollover, set maxbytes > 0 to \
             avoid filling up filesystem unintentionally"
        ));
    }
    let logfile = match log {
        Child::None | Child::Syslog => LogFile::None,
        Child::Auto => LogFile::Auto,
        Child::File(path) => {
            let path = target.logs.join(path);
            LogFile::File(reader.shared.context.absolute(path))
        }
    };
    Stream {
        logfile,
        maxbytes,
        backups,
        capture_maxbytes,
        events_enabled,
        syslog,
    }
}

/// Supervisor expands the names of logs twice, so that a percent sign there is written `%%%%`. Once
/// is right; but who wrote for the second time gets what he had.
fn log_path(reader: &Reader<'_>, option: &Opt<Child>) -> Child {
    let key = option.row.key;
    let Some(entry) = reader.section.get(key) else {
        return reader.get(option);
    };
    let Some(once) = reader.text(key, Scope::Process) else {
        return Child::None;
    };
    let mut text = once;
    if let Ok(twice) = reader.expand(entry, &text, Scope::Process)
        && twice != text
    {
        reader.shared.sink.warn(format!(
            "For [{}], {key} is expanded twice, to '{twice}'; write '{}' to have that",
            reader.section.name,
            twice.replace('%', "%%")
        ));
        text = twice;
    }
    (option.kind.parse)(&text, reader.shared.context).unwrap_or_else(|invalid| {
        reader.invalid(option, invalid);
        Child::None
    })
}

fn overlay(under: &[(String, String)], mut over: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut all = Vec::with_capacity(under.len() + over.len());
    let mut own: HashMap<&str, &str> = over.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    for (key, value) in under {
        let value = own.remove(key.as_str()).unwrap_or(value);
        all.push((key.clone(), value.to_owned()));
    }
    let new: HashSet<String> = own.into_keys().map(str::to_owned).collect();
    over.retain(|(key, _)| new.contains(key));
    all.append(&mut over);
    all
}
