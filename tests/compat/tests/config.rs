//! The same configuration files through the real Supervisor and through ours, value by value.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mainstay_supervisor::cli::DaemonOptions;
use mainstay_supervisor::config::{
    self, Accounts, Address, Autorestart, Config, Context, Group, GroupKind, Level, LogFile,
    MainLogFile, Process, Server, Stream,
};
use serde_json::{Value, json};
use tempfile::TempDir;

const DATA: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../crates/mainstay-supervisor/tests/data/config"
);

/// What both see as their environment.
const ENVIRONMENT: [(&str, &str); 6] = [
    ("HOME", "/root"),
    ("PATH", "/usr/bin:/bin"),
    ("APP_PORT", "8080"),
    ("NOVNC_PORT", "6080"),
    ("START_SECS", "5"),
    ("COLON", ":"),
];

#[test]
fn files_as_people_write_them_mean_the_same() {
    let Some(venv) = compat_tests::venv() else {
        return;
    };
    let corpus = Corpus::unpack(&Path::new(DATA).join("corpus"));
    let files = corpus.main_files();
    assert!(files.len() > 15, "the corpus is not there: {files:?}");
    compare(&venv, &corpus, &files);
}

#[test]
fn the_sample_of_supervisor_means_the_same() {
    let Some(venv) = compat_tests::venv() else {
        return;
    };
    let output = Command::new(venv.join("bin/echo_supervisord_conf"))
        .output()
        .unwrap();
    let sample = String::from_utf8(output.stdout).unwrap();
    let corpus = Corpus::empty();
    let mut files = vec![corpus.write("sample.conf", &sample)];

    // The same with everything switched on that is commented out, but for what names strangers.
    let everything: Vec<String> = sample
        .lines()
        .map(|line| match line.strip_prefix(';') {
            Some(rest) if rest.starts_with('[') || rest.contains('=') && !rest.starts_with(' ') => {
                rest.to_owned()
            }
            _ => line.to_owned(),
        })
        .map(|line| {
            line.replace("user=supervisord", "user=nobody")
                .replace("user=chrism", "user=nobody")
                .replace("stdout_logfile=/a/path", "stdout_logfile=AUTO")
                .replace("stderr_logfile=/a/path", "stderr_logfile=AUTO")
                .replace(
                    "process_name=%(program_name)s",
                    "process_name=%(program_name)s_%(process_num)s",
                )
                .replace("programs=progname1,progname2", "programs=theprogramname")
                .replace("redirect_stderr=true ", "redirect_stderr=false ")
                .replace(
                    "redirect_stderr=false         ; redirect",
                    "redirect_stderr=false ; redirect",
                )
                .replace("files = relative/directory/*.ini", "files = none/*.ini")
        })
        .collect();
    files.push(corpus.write("everything.conf", &everything.join("\n")));
    compare(&venv, &corpus, &files);
}

#[test]
fn our_sample_means_the_same_to_both() {
    let Some(venv) = compat_tests::venv() else {
        return;
    };
    let corpus = Corpus::empty();
    let sample = config::options::sample()
        .replace("/var/log/supervisord.log", "supervisord.log")
        .replace("/run/supervisor", "/tmp/supervisor");
    let files = [corpus.write("sample.conf", &sample)];
    compare(&venv, &corpus, &files);
}

#[test]
fn mistakes_are_told_in_the_same_words() {
    let Some(venv) = compat_tests::venv() else {
        return;
    };
    let corpus = Corpus::empty();
    let text = fs::read_to_string(Path::new(DATA).join("mistakes.txt")).unwrap();
    let mut cases = Vec::new();
    for (number, case) in text.split("\n### ").skip(1).enumerate() {
        let (title, case) = case.split_once('\n').unwrap();
        let (file, message) = case.split_once("\n---\n").unwrap();
        let theirs = message
            .split_once("\n--- Supervisor\n")
            .map(|(_, theirs)| theirs.trim());
        // What Supervisor would take hours or gigabytes for.
        if theirs == Some("SKIP") {
            continue;
        }
        let expected = theirs.unwrap_or(message);
        let path = corpus.write(&format!("{number}.conf"), &format!("{file}\n"));
        cases.push((title, path, expected.trim_end_matches('\n').to_owned()));
    }
    assert!(cases.len() > 50);
    let files: Vec<PathBuf> = cases.iter().map(|(_, path, _)| path.clone()).collect();
    let theirs = corpus.read_with_supervisor(&venv, &files);
    let names: Vec<String> = ENVIRONMENT
        .iter()
        .map(|(name, _)| format!("ENV_{name}"))
        .collect();
    for (title, path, expected) in cases {
        let got = theirs[&path]["error"].as_str().unwrap_or("OK");
        // Python sets variables of its own.
        let got = got
            .replace("ENV_LC_CTYPE, ", "")
            .replace(", ENV_LC_CTYPE", "");
        let mut names = names.clone();
        names.sort();
        let list = format!("{}, ", names.join(", "));
        let list = if expected.ends_with("<names>") {
            list.trim_end_matches(", ")
        } else {
            &list
        };
        let expected = expected
            .replace("<file>", path.to_str().unwrap())
            .replace("<names>", list);
        assert_eq!(got, expected, "{title}");
    }
}

/// Every file through both. All differences are shown, not only the first.
#[track_caller]
fn compare(venv: &Path, corpus: &Corpus, files: &[PathBuf]) {
    let theirs = corpus.read_with_supervisor(venv, files);
    let mut differences = Vec::new();
    for file in files {
        let ours = corpus.read(file);
        assert!(
            ours["error"].is_null(),
            "{}: {}",
            file.display(),
            ours["error"]
        );
        differences.extend(difference(
            &file.display().to_string(),
            &theirs[file],
            &ours,
        ));
    }
    assert!(
        differences.is_empty(),
        "theirs != ours\n{}",
        differences.join("\n")
    );
}

/// Paths of values that differ.
fn difference(path: &str, theirs: &Value, ours: &Value) -> Vec<String> {
    match (theirs, ours) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: std::collections::BTreeSet<_> = a.keys().chain(b.keys()).collect();
            keys.into_iter()
                .flat_map(|key| {
                    let null = &Value::Null;
                    let (a, b) = (a.get(key).unwrap_or(null), b.get(key).unwrap_or(null));
                    difference(&format!("{path} {key}"), a, b)
                })
                .collect()
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => a
            .iter()
            .zip(b)
            .enumerate()
            .flat_map(|(at, (a, b))| difference(&format!("{path} {at}"), a, b))
            .collect(),
        (a, b) if a == b => Vec::new(),
        (a, b) => vec![format!("{path}: {a} != {b}")],
    }
}

/// A directory with configuration files; both programs are run in it.
struct Corpus {
    dir: TempDir,
}

impl Corpus {
    fn empty() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    /// A copy of `source` in which `@ROOT@` is the copy's directory, with all directories that the
    /// files speak of.
    fn unpack(source: &Path) -> Self {
        let corpus = Self::empty();
        corpus.copy(source, &corpus.root());
        corpus
    }

    /// Without links: what one program resolves and the other does not is not of interest here.
    fn root(&self) -> PathBuf {
        self.dir.path().canonicalize().unwrap()
    }

    fn copy(&self, from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let to = to.join(entry.file_name());
            if entry.path().is_dir() {
                self.copy(&entry.path(), &to);
                continue;
            }
            let text = fs::read_to_string(entry.path()).unwrap();
            for path in text.split("@ROOT@").skip(1) {
                let end = path.find([' ', ',', '"', '%', '\n']).unwrap_or(path.len());
                let path = self.root().join(path[..end].trim_start_matches('/'));
                // One that ends in a slash is a directory itself.
                let directory = if path.to_str().unwrap().ends_with('/') {
                    path.as_path()
                } else {
                    path.parent().unwrap()
                };
                fs::create_dir_all(directory).unwrap();
            }
            fs::write(&to, text.replace("@ROOT@", self.root().to_str().unwrap())).unwrap();
        }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.root().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn main_files(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = fs::read_dir(self.root())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter_map(|path| {
                let inner = path.join("supervisord.conf");
                if inner.exists() {
                    Some(inner)
                } else {
                    (path.extension()? == "conf").then_some(path)
                }
            })
            .collect();
        files.sort();
        files
    }

    fn read_with_supervisor(&self, venv: &Path, files: &[PathBuf]) -> BTreeMap<PathBuf, Value> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/config_dump.py");
        let output = Command::new(venv.canonicalize().unwrap().join("bin/python"))
            .arg(script)
            .args(files)
            .env_clear()
            .envs(ENVIRONMENT)
            .current_dir(self.root())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn read(&self, file: &Path) -> Value {
        let mut context = Context::bare(self.root());
        context.accounts = Accounts::System;
        context.uid = Context::of_process().unwrap().uid;
        context.host = Context::of_process().unwrap().host;
        context.environment = ENVIRONMENT
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        match config::load(file, &DaemonOptions::default(), &context) {
            Ok(config) => values(&config),
            Err(error) => json!({ "error": error.text() }),
        }
    }
}

fn values(config: &Config) -> Value {
    let s = &config.supervisord;
    let logfile = match &s.logfile {
        MainLogFile::File(path) => path.clone(),
        MainLogFile::Syslog => "syslog".into(),
    };
    // What Supervisor has to say, it says in these words; what only we say is not compared.
    let theirs = |message: &str| message.starts_with("For [") || message.starts_with("No file");
    let notes = |level| -> Vec<&str> {
        config
            .notes
            .iter()
            .filter(|note| note.level == level)
            .map(|note| note.message.as_str())
            .filter(|message| !message.contains(" is expanded twice"))
            .filter(|message| level == Level::Info || theirs(message))
            .collect()
    };
    json!({
        "supervisord": {
            "logfile": logfile,
            "logfile_maxbytes": s.logfile_maxbytes,
            "logfile_backups": s.logfile_backups,
            "loglevel": s.loglevel as u8,
            "pidfile": s.pidfile,
            "umask": s.umask,
            "nodaemon": s.nodaemon,
            "silent": s.silent,
            "minfds": s.minfds,
            "minprocs": s.minprocs,
            "nocleanup": s.nocleanup,
            "childlogdir": s.childlogdir,
            "strip_ansi": s.strip_ansi,
            "identifier": s.identifier,
            "directory": s.directory,
            "environment": s.environment.iter().cloned().collect::<BTreeMap<_, _>>(),
            "uid": s.user.as_ref().map(|user| user.uid),
        },
        "groups": config.groups.iter().map(group).collect::<Vec<_>>(),
        "servers": config.servers.iter().map(server).collect::<Vec<_>>(),
        "warnings": notes(Level::Warn),
        "infos": notes(Level::Info),
    })
}

fn group(group: &Group) -> Value {
    let mut value = json!({
        "name": group.name,
        "priority": group.priority,
        "processes": group.processes.iter().map(|process| self::process(process)).collect::<Vec<_>>(),
        "kind": "programs",
    });
    match &group.kind {
        GroupKind::Listeners {
            buffer_size,
            events,
            ..
        } => {
            value["kind"] = json!("listeners");
            value["buffer_size"] = json!(buffer_size);
            // A set there, a list here.
            let mut events = events.clone();
            events.sort();
            value["events"] = json!(events);
        }
        GroupKind::Fcgi(socket) => {
            value["kind"] = json!("fcgi");
            value["url"] = json!(socket.url);
            value["backlog"] = json!(socket.backlog);
            if socket.mode.is_some() {
                value["mode"] = json!(socket.mode);
                value["owner"] = owner_of(socket.owner);
            }
        }
        _ => {}
    }
    value
}

fn process(process: &Process) -> Value {
    json!({
        "name": process.name,
        "command": process.command,
        "directory": process.directory,
        "umask": process.umask,
        "priority": process.priority,
        "autostart": process.autostart,
        "startsecs": process.startsecs,
        "startretries": process.startretries,
        "stopwaitsecs": process.stopwaitsecs,
        "stopasgroup": process.stopasgroup,
        "killasgroup": process.killasgroup,
        "exitcodes": process.exitcodes,
        "redirect_stderr": process.redirect_stderr,
        "environment": process.environment.iter().cloned().collect::<BTreeMap<_, _>>(),
        "serverurl": process.serverurl,
        "uid": process.user.as_ref().map(|user| user.uid),
        "autorestart": match process.autorestart {
            Autorestart::Never => "false",
            Autorestart::Unexpected => "unexpected",
            Autorestart::Always => "true",
        },
        "stopsignal": process.stopsignal,
        "stdout": stream(&process.stdout),
        "stderr": stream(&process.stderr),
    })
}

fn stream(stream: &Stream) -> Value {
    json!({
        "logfile": match &stream.logfile {
            LogFile::None => Value::Null,
            LogFile::Auto => json!("AUTO"),
            LogFile::File(path) => json!(path),
        },
        "logfile_maxbytes": stream.maxbytes,
        "logfile_backups": stream.backups,
        "capture_maxbytes": stream.capture_maxbytes,
        "events_enabled": stream.events_enabled,
        "syslog": stream.syslog,
    })
}

/// −1 leaves the group alone.
fn owner_of(owner: Option<(u32, Option<u32>)>) -> Value {
    json!(owner.map(|(uid, gid)| [i64::from(uid), gid.map_or(-1, i64::from)]))
}

fn server(server: &Server) -> Value {
    let login = server
        .credentials
        .as_ref()
        .map(|login| [&login.username, &login.password]);
    let mut value = json!({ "section": server.section, "login": login });
    match &server.address {
        Address::Inet { host, port } => {
            value["host"] = json!(host);
            value["port"] = json!(port);
        }
        Address::Unix { path, mode, owner } => {
            value["file"] = json!(path);
            value["mode"] = json!(mode);
            value["owner"] = owner_of(*owner);
        }
        other => panic!("{other:?}"),
    }
    value
}
