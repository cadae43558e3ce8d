//! The rows.

use super::{Default, Default::Required, Opt, Row, Scope, options};
use crate::config::types;

const fn is(text: &'static str) -> Default {
    Default::Text(text)
}

const fn other(words: &'static str) -> Default {
    Default::Other(words)
}

pub(crate) mod unix_http_server {
    use super::*;

    options! {
        /// The socket's path.
        FILE: std::path::PathBuf = "file", PLAIN_PATH, Required, Here, "/run/supervisor.sock";
        /// The socket's mode.
        CHMOD: u32 = "chmod", OCTAL, is("0700"), Env, "0700";
        /// The socket's owner, and group if one is named.
        CHOWN: types::Owner = "chown", OWNER, other("unchanged"), Env, "nobody:nogroup";
        /// Who may log in. Needs `password`. Without a login, whoever may open the socket may do
        /// everything.
        USERNAME: String = "username", STRING, other("no login"), Env, "user";
        /// The login's password: plain, `{SHA}` and the hex digits of its SHA-1, or a `$scrypt$`
        /// string as `mainstay password hash` prints it.
        PASSWORD: String = "password", STRING, other("no login"), Env, "123";
        /// Let links of the dashboard act, as Supervisor's do: `/?action=stop&processname=x` by GET,
        /// for old bookmarks and scripts. What a browser marks as coming from another site is refused
        /// even so, but browsers do not mark everything. Without it only the dashboard's buttons act.
        ALLOW_ACTIONS_BY_GET: bool = "allow_actions_by_get", BOOLEAN, is("false"), Env, "false",
            extension;
    }
}

pub(crate) mod inet_http_server {
    use super::*;

    options! {
        /// Where to listen. Without a host, or with `*`: on all interfaces.
        PORT: (String, u16) = "port", INET, Required, Env, "127.0.0.1:9001";
        /// Who may log in. Needs `password`. Without a login, whoever reaches the port may do
        /// everything.
        USERNAME: String = "username", STRING, other("no login"), Env, "user";
        /// The login's password: plain, `{SHA}` and the hex digits of its SHA-1, or a `$scrypt$`
        /// string as `mainstay password hash` prints it.
        PASSWORD: String = "password", STRING, other("no login"), Env, "123";
        /// Let links of the dashboard act, as Supervisor's do: `/?action=stop&processname=x` by GET,
        /// for old bookmarks and scripts. What a browser marks as coming from another site is refused
        /// even so, but browsers do not mark everything. Without it only the dashboard's buttons act.
        ALLOW_ACTIONS_BY_GET: bool = "allow_actions_by_get", BOOLEAN, is("false"), Env, "false",
            extension;
    }
}

pub(crate) mod supervisord {
    use super::*;
    use crate::config::model::{Level, MainLogFile, User};

    options! {
        /// The main log. `syslog` sends it there instead, `NONE` nowhere.
        LOGFILE: MainLogFile = "logfile", MAIN_LOG, is("supervisord.log"), Here,
            "/var/log/supervisord.log";
        /// The size at which the main log is rotated; `0`: never.
        LOGFILE_MAXBYTES: u64 = "logfile_maxbytes", BYTES, is("50MB"), Here, "50MB";
        /// How many rotated logs are kept; with `0` the log is emptied instead.
        LOGFILE_BACKUPS: i64 = "logfile_backups", INTEGER, is("10"), Here, "10";
        /// What is worth a line in the main log. `debug` also copies the children's output there.
        LOGLEVEL: Level = "loglevel", LEVEL, is("info"), Here, "info";
        /// Where the daemon's pid is written.
        PIDFILE: std::path::PathBuf = "pidfile", PATH, is("supervisord.pid"), Here,
            "/run/supervisord.pid";
        /// The mask for files that are created. Takes effect only when the daemon goes to the
        /// background.
        UMASK: u32 = "umask", OCTAL, is("022"), Here, "022";
        /// Stay in the foreground.
        NODAEMON: bool = "nodaemon", BOOLEAN, is("false"), Here, "false";
        /// In the foreground, do not copy the main log to the standard output.
        SILENT: bool = "silent", BOOLEAN, is("false"), Here, "false";
        /// How many file descriptors the daemon must be able to open; its limit is raised if it can be.
        MINFDS: i64 = "minfds", INTEGER, is("1024"), Here, "1024";
        /// How many processes the daemon must be able to have; its limit is raised if it can be.
        MINPROCS: i64 = "minprocs", INTEGER, is("200"), Here, "200";
        /// Keep `AUTO` logs of former runs at the start.
        NOCLEANUP: bool = "nocleanup", BOOLEAN, is("false"), Here, "false";
        /// Where `AUTO` logs live.
        CHILDLOGDIR: std::path::PathBuf = "childlogdir", DIRECTORY,
            other("the system's directory for temporary files"), Here, "/tmp";
        /// The user to become at the start; only root can become another.
        USER: User = "user", USER, other("unchanged"), Here, "nobody";
        /// The directory to change to. Takes effect only when the daemon goes to the background.
        DIRECTORY: std::path::PathBuf = "directory", DIRECTORY, other("unchanged"), Here, "/tmp";
        /// Remove terminal control sequences from all children's logs.
        STRIP_ANSI: bool = "strip_ansi", BOOLEAN, is("false"), Here, "false";
        /// Variables for all children, under each program's own. They can be expanded as `ENV_…` in
        /// all later sections.
        ENVIRONMENT: Vec<(String, String)> = "environment", ENVIRONMENT, is(""), Host,
            "KEY=\"value\"";
        /// The daemon's name in `AUTO` logs and in the headers of events.
        IDENTIFIER: String = "identifier", STRING, is("supervisor"), Here, "supervisor";
    }
}

pub(crate) mod rpcinterface {
    use super::*;

    options! {
        /// Must be `supervisor.rpcinterface:make_main_rpcinterface`, in
        /// `[rpcinterface:supervisor]`. Without that section only `system.*` is served.
        FACTORY: String = "supervisor.rpcinterface_factory", STRING, Required, Env,
            "supervisor.rpcinterface:make_main_rpcinterface";
    }
}

pub(crate) mod supervisorctl {
    use super::*;

    options! {
        /// The daemon to talk to: `http://host:port` or `unix:///path/of/the.sock`.
        SERVERURL: String = "serverurl", STRING, is("http://localhost:9001"), Here,
            "unix:///run/supervisor.sock";
        /// The login's name.
        USERNAME: String = "username", STRING, other("none"), Env, "user";
        /// The login's password.
        PASSWORD: String = "password", STRING, other("none"), Env, "123";
        /// The shell's prompt.
        PROMPT: String = "prompt", STRING, is("supervisor"), Env, "mysupervisor";
        /// Where the shell keeps its history.
        HISTORY_FILE: std::path::PathBuf = "history_file", PLAIN_PATH, other("none"), Here,
            "~/.sc_history";
    }
}

pub(crate) mod program {
    use super::*;
    use crate::config::model::{Autorestart, User};
    use crate::config::types::Child;

    options! {
        /// The program and its arguments, split at blanks as a shell would split them: quotes and
        /// backslashes count, nothing is expanded and there are no operators.
        COMMAND: String = "command", STRING, Required, Process, "/bin/cat --number";
        /// The processes' names. Must contain `%(process_num)` when `numprocs` is more than 1.
        PROCESS_NAME: String = "process_name", NAME, is("%(program_name)s"), Process,
            "%(program_name)s";
        /// How many processes to run.
        NUMPROCS: i64 = "numprocs", INTEGER, is("1"), Program, "1";
        /// The `process_num` of the first one.
        NUMPROCS_START: i64 = "numprocs_start", INTEGER, is("0"), Program, "0";
        /// Lower starts earlier and stops later.
        PRIORITY: i64 = "priority", INTEGER, is("999"), Program, "999";
        /// Start it with the daemon.
        AUTOSTART: bool = "autostart", BOOLEAN, is("true"), Program, "true";
        /// How many seconds it must stay up to count as started.
        STARTSECS: i64 = "startsecs", INTEGER, is("1"), Program, "1";
        /// How often a failed start is tried again.
        STARTRETRIES: i64 = "startretries", INTEGER, is("3"), Program, "3";
        /// Whether to start it again when it exits: `unexpected` does so unless the exit status is one
        /// of `exitcodes`.
        AUTORESTART: Autorestart = "autorestart", AUTORESTART, is("unexpected"), Program,
            "unexpected";
        /// The exit statuses that are expected.
        EXITCODES: Vec<u8> = "exitcodes", EXIT_CODES, is("0"), Program, "0";
        /// The signal that asks it to stop.
        STOPSIGNAL: i32 = "stopsignal", SIGNAL, is("TERM"), Program, "TERM";
        /// How many seconds it has to stop before it is killed.
        STOPWAITSECS: i64 = "stopwaitsecs", INTEGER, is("10"), Program, "10";
        /// Send the signal to its whole process group.
        STOPASGROUP: bool = "stopasgroup", BOOLEAN, is("false"), Program, "false";
        /// Kill its whole process group.
        KILLASGROUP: bool = "killasgroup", BOOLEAN, other("the value of `stopasgroup`"), Program,
            "false";
        /// The user to run it as; only a daemon that runs as root can.
        USER: User = "user", USER, other("the daemon's"), Program, "nobody";
        /// Send the standard error to the standard output's log.
        REDIRECT_STDERR: bool = "redirect_stderr", BOOLEAN, is("false"), Program, "true";
        /// The log of the standard output: a path; `AUTO`: a file in `childlogdir`; `NONE`.
        STDOUT_LOGFILE: Child = "stdout_logfile", CHILD_LOG, is("AUTO"), Process, "/tmp/out.log";
        /// The size at which that log is rotated; `0`: never.
        STDOUT_LOGFILE_MAXBYTES: u64 = "stdout_logfile_maxbytes", BYTES, is("50MB"), Process, "1MB";
        /// How many rotated logs are kept; with `0` the log is emptied instead.
        STDOUT_LOGFILE_BACKUPS: i64 = "stdout_logfile_backups", INTEGER, is("10"), Process, "10";
        /// How much a capture between `<!--XSUPERVISOR:BEGIN-->` and `<!--XSUPERVISOR:END-->` may
        /// hold; `0`: no capture mode.
        STDOUT_CAPTURE_MAXBYTES: u64 = "stdout_capture_maxbytes", BYTES, is("0"), Program, "1MB";
        /// Make `PROCESS_LOG_STDOUT` events of the output.
        STDOUT_EVENTS_ENABLED: bool = "stdout_events_enabled", BOOLEAN, is("false"), Program,
            "false";
        /// Send the output to syslog, besides the log.
        STDOUT_SYSLOG: bool = "stdout_syslog", BOOLEAN, is("false"), Process, "false";
        /// The log of the standard error: a path; `AUTO`: a file in `childlogdir`; `NONE`.
        STDERR_LOGFILE: Child = "stderr_logfile", CHILD_LOG, is("AUTO"), Process, "/tmp/err.log";
        /// The size at which that log is rotated; `0`: never.
        STDERR_LOGFILE_MAXBYTES: u64 = "stderr_logfile_maxbytes", BYTES, is("50MB"), Process, "1MB";
        /// How many rotated logs are kept; with `0` the log is emptied instead.
        STDERR_LOGFILE_BACKUPS: i64 = "stderr_logfile_backups", INTEGER, is("10"), Process, "10";
        /// How much a capture between `<!--XSUPERVISOR:BEGIN-->` and `<!--XSUPERVISOR:END-->` may
        /// hold; `0`: no capture mode.
        STDERR_CAPTURE_MAXBYTES: u64 = "stderr_capture_maxbytes", BYTES, is("0"), Program, "1MB";
        /// Make `PROCESS_LOG_STDERR` events of the output.
        STDERR_EVENTS_ENABLED: bool = "stderr_events_enabled", BOOLEAN, is("false"), Program,
            "false";
        /// Send the output to syslog, besides the log.
        STDERR_SYSLOG: bool = "stderr_syslog", BOOLEAN, is("false"), Process, "false";
        /// Variables for it, over those of `[supervisord]`.
        ENVIRONMENT: Vec<(String, String)> = "environment", ENVIRONMENT, is(""), Process,
            "A=\"1\",B=\"2\"";
        /// The directory it starts in.
        DIRECTORY: std::path::PathBuf = "directory", WORKING_DIRECTORY, other("the daemon's"),
            Process, "/tmp";
        /// Its mask for files that are created.
        UMASK: u32 = "umask", OCTAL, other("the daemon's"), Program, "022";
        /// What it finds in `SUPERVISOR_SERVER_URL`; `AUTO`: the first unix socket, else the first
        /// port.
        SERVERURL: String = "serverurl", STRING, is("AUTO"), Program, "AUTO";
    }
}

pub(crate) mod fcgi_program {
    use super::*;

    options! {
        /// The socket that the processes share as their standard input: `tcp://host:port` or
        /// `unix:///absolute/path`.
        SOCKET: String = "socket", STRING, Required, Socket, "unix:///run/app.sock";
        /// How many connections may wait.
        SOCKET_BACKLOG: i64 = "socket_backlog", INTEGER, other("the system's maximum"), Here, "128";
        /// The owner of a unix socket.
        SOCKET_OWNER: types::Owner = "socket_owner", OWNER, other("`user` and its primary group"),
            Here, "nobody:root";
        /// The mode of a unix socket.
        SOCKET_MODE: u32 = "socket_mode", OCTAL, is("0700"), Here, "0700";
    }
}

pub(crate) mod eventlistener {
    use super::*;

    options! {
        /// The events it gets: names of the table of events, with commas between them. A name that
        /// stands above others means all of them.
        EVENTS: Vec<String> = "events", LIST, Required, Here, "PROCESS_STATE,TICK_60";
        /// How many events may wait; the oldest is dropped beyond.
        BUFFER_SIZE: i64 = "buffer_size", INTEGER, is("10"), Here, "10";
        /// Must be `supervisor.dispatchers:default_handler`.
        RESULT_HANDLER: String = "result_handler", STRING,
            is("supervisor.dispatchers:default_handler"), Here,
            "supervisor.dispatchers:default_handler";
    }

    /// The priority of the pool, where a program's group would have 999.
    pub(crate) const GROUP_PRIORITY: i64 = -1;
}

pub(crate) mod group {
    use super::*;

    options! {
        /// The programs and fcgi-programs that are in the group, and no longer in groups of their own.
        PROGRAMS: Vec<String> = "programs", LIST, is(""), Here, "theprogramname";
        /// Lower starts earlier and stops later.
        PRIORITY: i64 = "priority", INTEGER, is("999"), Here, "999";
    }
}

pub(crate) mod include {
    use super::*;

    options! {
        /// Patterns of files to read as well, with blanks between them, relative to this file's
        /// directory.
        FILES: String = "files", STRING, Required, Host, "conf.d/*.conf";
    }
}

pub(crate) mod ctlplugin {
    use super::*;

    options! {
        /// A plug-in of the original client, in Python. Ignored.
        FACTORY: String = "supervisor.ctl_factory", STRING, Required, Env, "module:make_plugin";
    }
}
