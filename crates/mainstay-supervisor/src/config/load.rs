//! The whole way: from a path to a configuration.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::build;
use super::context::Context;
use super::error::Error;
use super::files::{self, Files};
use super::ini::Section;
use super::model::{Config, Ctl, Level, Note, Server, Supervisord};
use super::options::{Kind, supervisorctl};
use super::read::{Names, Reader, Shared, Sink};
use super::types::Type;
use super::unknown;
use crate::cli::DaemonOptions;

/// Reads a configuration; the command line's values win.
///
/// The error is the first that Supervisor would find.
pub fn load(path: &Path, line: &DaemonOptions, context: &Context) -> Result<Config, Error> {
    let (config, problems, _) = read(path, line, context);
    match (files::first_error(problems), config) {
        (Some(error), _) => Err(error),
        (None, Some(config)) => Ok(config),
        // A configuration that is not there has left its reason among the problems.
        (None, None) => Err(Error::new("could not read the configuration")),
    }
}

/// All that is wrong with a configuration, and all that is remarkable.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// Mistakes that keep the daemon from starting.
    pub problems: Vec<Error>,
    /// What the daemon would log about it, and what it is better not to do.
    pub notes: Vec<Note>,
}

/// Finds every mistake in a configuration.
pub fn check(path: &Path, line: &DaemonOptions, context: &Context) -> Report {
    let (config, problems, mut notes) = read(path, line, context);
    let servers = config.map(|config| config.servers).unwrap_or_default();
    notes.extend(servers.iter().flat_map(dangers));
    Report { problems, notes }
}

/// What a server lets others do. The daemon starts all the same, as Supervisor does.
fn dangers(server: &Server) -> impl Iterator<Item = Note> {
    let section = &server.section;
    let open = server.is_open_to_others().then(|| {
        format!(
            "[{section}] is open to other machines without a login: whoever reaches the port may run \
             programs as this user; set `username` and `password`, or `port = 127.0.0.1:…`"
        )
    });
    let by_get = server.allow_actions_by_get.then(|| {
        format!(
            "[{section}] allow_actions_by_get: links act, those on other sites' pages too where the \
             browser does not tell; `supervisord` does not know this option"
        )
    });
    open.into_iter().chain(by_get).map(|message| Note {
        level: Level::Warn,
        message,
    })
}

impl Report {
    /// Whether the daemon would start with this configuration.
    pub fn is_ok(&self) -> bool {
        self.problems.is_empty()
    }
}

impl std::fmt::Display for Report {
    /// One paragraph for each mistake and each warning.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for problem in &self.problems {
            writeln!(f, "error: {problem}")?;
        }
        for note in self.notes.iter().filter(|note| note.level >= Level::Warn) {
            writeln!(f, "warning: {}", note.message)?;
        }
        Ok(())
    }
}

fn read(
    path: &Path,
    line: &DaemonOptions,
    context: &Context,
) -> (Option<Config>, Vec<Error>, Vec<Note>) {
    let sink = Sink::default();
    let config = match files::read_main(path, context, &sink) {
        Ok(files) => build(files, line, context, &sink),
        Err(error) => {
            sink.problem(error);
            None
        }
    };
    let (problems, notes) = sink.into_parts();
    let config = config.map(|config| Config {
        notes: notes.clone(),
        ..config
    });
    (config, problems, notes)
}

fn build(mut files: Files, line: &DaemonOptions, context: &Context, sink: &Sink) -> Option<Config> {
    let mut names = Names {
        here: files.here.clone(),
        host: context.host.clone(),
        environment: Arc::new(context.environment.clone()),
        ..Names::default()
    };
    files::read_included(&mut files, context, sink, &names);
    let shared = Shared {
        context,
        sink,
        directories: &files.directories,
    };
    let sections: Vec<(Kind, Section)> = files
        .ini
        .sections()
        .filter_map(|section| Some((Kind::of(&section.name)?, section)))
        .collect();
    let of = |kind| {
        sections
            .iter()
            .filter(move |(k, _)| *k == kind)
            .map(|(_, section)| section)
    };

    unknown::warn(&files.ini, sink);
    let Some(main) = of(Kind::Supervisord).next() else {
        // A file that was not understood has other troubles.
        if sink.problems() == 0 {
            let text = ".ini file does not include supervisord section";
            sink.problem(Error::new(text).expected("a line `[supervisord]`"));
        }
        return None;
    };
    let main = Reader::new(shared, main, &names);
    let mut supervisord = build::supervisord(&main, line);
    let variables = supervisord.environment.iter().cloned();
    Arc::make_mut(&mut names.environment).extend(variables);

    let mut rpc_interface = false;
    for section in of(Kind::RpcInterface) {
        rpc_interface |= build::rpc_interface(&Reader::new(shared, section, &names));
    }
    let logs = log_base(&supervisord, context);
    let groups = build::groups(shared, &names, &sections, &supervisord.environment, logs);
    let mut servers = Vec::new();
    for kind in [Kind::InetHttpServer, Kind::UnixHttpServer] {
        for section in of(kind) {
            servers.extend(build::servers(&Reader::new(shared, section, &names), kind));
        }
    }
    supervisord.user = build::user(&main, line);
    Some(Config {
        path: files.main,
        supervisord,
        groups,
        servers,
        rpc_interface,
        notes: Vec::new(),
    })
}

/// Relative logs are opened by the daemon, which has changed its directory when it went to the
/// background.
fn log_base(supervisord: &Supervisord, context: &Context) -> PathBuf {
    match &supervisord.directory {
        Some(directory) if !supervisord.nodaemon => directory.clone(),
        _ => context.cwd.clone(),
    }
}

/// Reads the client's section of the file that `path` names, else of the first default one that
/// exists, else takes the defaults. Included files are of no interest to the client.
pub fn load_ctl(path: Option<&Path>, context: &Context) -> Result<Ctl, Error> {
    let located = match path {
        Some(path) => Some(path.to_owned()),
        None => files::locate(None, context).ok(),
    };
    let Some(path) = located else {
        return Ok(Ctl::default());
    };
    let sink = Sink::default();
    let files = files::read_main(&path, context, &sink)?;
    let ctl = files.ini.section("supervisorctl").map(|section| {
        let shared = Shared {
            context,
            sink: &sink,
            directories: &files.directories,
        };
        let names = Names {
            here: files.here.clone(),
            environment: Arc::new(context.environment.clone()),
            ..Names::default()
        };
        ctl(&Reader::new(shared, &section, &names))
    });
    let (problems, _) = sink.into_parts();
    match (files::first_error(problems), ctl) {
        (Some(error), _) => Err(error),
        (None, Some(ctl)) => Ok(ctl),
        (None, None) => Err(
            Error::new(".ini file does not include supervisorctl section").hint(Some(format!(
                "add a line `[supervisorctl]` to {}",
                path.display()
            ))),
        ),
    }
}

fn ctl(reader: &Reader<'_>) -> Ctl {
    Ctl {
        serverurl: server_url(
            &reader.get(&supervisorctl::SERVERURL),
            reader.shared.context,
        ),
        username: reader.find(&supervisorctl::USERNAME),
        password: reader.find(&supervisorctl::PASSWORD),
        prompt: reader.get(&supervisorctl::PROMPT),
        history_file: reader.find(&supervisorctl::HISTORY_FILE),
    }
}

/// The address with the path of a unix socket made absolute.
fn server_url(url: &str, context: &Context) -> String {
    match url.strip_prefix("unix://") {
        Some(path) => format!(
            "unix://{}",
            context.absolute(context.expand_user(path)).display()
        ),
        None => url.to_owned(),
    }
}

impl Default for Ctl {
    fn default() -> Self {
        let text = |default: super::options::Default| match default {
            super::options::Default::Text(text) => text.to_owned(),
            _ => String::new(),
        };
        Self {
            serverurl: text(supervisorctl::SERVERURL.row.default),
            username: None,
            password: None,
            prompt: text(supervisorctl::PROMPT.row.default),
            history_file: None,
        }
    }
}

/// The reading of one value of the command line, by the table's types.
pub(crate) fn value<T>(kind: &Type<T>, text: &str, context: &Context) -> Result<T, String> {
    (kind.parse)(text, context).map_err(|invalid| invalid.reason)
}
