//! The table of options against the specification and the book.

use std::fs;
use std::path::Path;

use super::{Context, Site};
use crate::config::options::{Default, Kind, reference, sample};

/// Every key that Supervisor has, by section.
const KEYS: &[(Kind, &str)] = &[
    (Kind::UnixHttpServer, "file chmod chown username password"),
    (Kind::InetHttpServer, "port username password"),
    (
        Kind::Supervisord,
        "logfile logfile_maxbytes logfile_backups loglevel pidfile umask nodaemon silent minfds \
         minprocs nocleanup childlogdir user directory strip_ansi environment identifier",
    ),
    (
        Kind::Supervisorctl,
        "serverurl username password prompt history_file",
    ),
    (Kind::Program, PROGRAM_KEYS),
    (Kind::FcgiProgram, PROGRAM_KEYS),
    (
        Kind::FcgiProgram,
        "socket socket_backlog socket_owner socket_mode",
    ),
    (Kind::EventListener, PROGRAM_KEYS),
    (Kind::EventListener, "events buffer_size result_handler"),
    (Kind::Group, "programs priority"),
    (Kind::Include, "files"),
    (Kind::RpcInterface, "supervisor.rpcinterface_factory"),
    (Kind::CtlPlugin, "supervisor.ctl_factory"),
];

const PROGRAM_KEYS: &str = "command process_name numprocs numprocs_start priority autostart startsecs \
     startretries autorestart exitcodes stopsignal stopwaitsecs stopasgroup killasgroup user \
     redirect_stderr stdout_logfile stdout_logfile_maxbytes stdout_logfile_backups \
     stdout_capture_maxbytes stdout_events_enabled stdout_syslog stderr_logfile \
     stderr_logfile_maxbytes stderr_logfile_backups stderr_capture_maxbytes stderr_events_enabled \
     stderr_syslog environment directory umask serverurl";

#[test]
fn no_option_is_missing_and_none_is_there_twice() {
    for (kind, keys) in KEYS {
        for key in keys.split_whitespace() {
            let count = kind.rows().filter(|row| row.key == key).count();
            assert_eq!(count, 1, "{key} in {kind:?}");
        }
    }
    for kind in Kind::ALL {
        for row in kind.rows() {
            let known = KEYS
                .iter()
                .filter(|(known, _)| *known == kind)
                .any(|(_, keys)| keys.split_whitespace().any(|key| key == row.key));
            let ours = EXTENSIONS.contains(&(kind, row.key));
            assert_eq!(row.extension, ours, "{} in {kind:?}", row.key);
            assert!(known != ours, "{} in {kind:?} is not Supervisor's", row.key);
        }
    }
}

/// What Supervisor does not have. Every one is a file that means something else there.
const EXTENSIONS: &[(Kind, &str)] = &[
    (Kind::UnixHttpServer, "allow_actions_by_get"),
    (Kind::InetHttpServer, "allow_actions_by_get"),
];

#[test]
fn extensions_say_that_they_are_some() {
    for (kind, key) in EXTENSIONS {
        let page = reference();
        let anchor = format!("### `{key}` {{#{}-{key}}}", kind.word());
        let entry = page.split_once(&anchor).expect("in the reference").1;
        let entry = entry.split("\n#").next().unwrap();
        assert!(entry.contains("- extension: `supervisord`"), "{entry}");
        let line = sample();
        let line = line
            .lines()
            .find(|line| line.starts_with(&format!(";{key}=")))
            .expect("in the sample, commented out");
        assert!(line.contains("; mainstayd only; "), "{line}");
    }
}

/// What `Reader::get` relies on.
#[test]
fn every_default_is_a_value_of_its_option() {
    let context = Context::bare("/");
    for (kind, section) in [
        (Kind::Supervisord, "[supervisord]\n"),
        (Kind::Program, "[supervisord]\n[program:x]\ncommand=a\n"),
        (
            Kind::FcgiProgram,
            "[supervisord]\n[fcgi-program:x]\ncommand=a\nsocket=unix:///x\n",
        ),
        (
            Kind::EventListener,
            "[supervisord]\n[eventlistener:x]\ncommand=a\nevents=TICK\n",
        ),
        (Kind::Group, "[supervisord]\n[group:x]\n"),
        (Kind::Supervisorctl, "[supervisord]\n[supervisorctl]\n"),
        (
            Kind::UnixHttpServer,
            "[supervisord]\n[unix_http_server]\nfile=/s\n",
        ),
        (
            Kind::InetHttpServer,
            "[supervisord]\n[inet_http_server]\nport=1\n",
        ),
    ] {
        for row in kind.own_rows() {
            let Default::Text(default) = row.default else {
                continue;
            };
            let mut site = Site::with(&format!("{section}{}={default}\n", row.key));
            site.context.accounts = context.accounts.clone();
            let written = site.check();
            assert!(written.is_ok(), "{}: {written}", row.key);
            if kind == Kind::Supervisorctl {
                assert_eq!(site.ctl().unwrap(), Site::with(section).ctl().unwrap());
                continue;
            }
            // Written out or not makes no difference, but for the directory that both are in.
            fs::write(site.path(), section).unwrap();
            let silent = site.config();
            fs::write(site.path(), format!("{section}{}={default}\n", row.key)).unwrap();
            // A listener's priority is its pool's, which has a default of its own.
            assert_eq!(silent, site.config(), "{}={default}", row.key);
        }
    }
}

#[test]
fn the_sample_starts_and_has_every_option() {
    let text = sample();
    let site = Site::with(
        &text
            .replace("/run/supervisor", "supervisor")
            .replace("/var/log/supervisord.log", "supervisord.log"),
    );
    let report = site.check();
    assert_eq!(report.to_string(), "");
    assert!(site.config().rpc_interface);
    for kind in Kind::ALL
        .into_iter()
        .filter(|kind| *kind != Kind::CtlPlugin)
    {
        assert!(text.contains(&format!("[{}", kind.word())), "{kind:?}");
        for row in kind.own_rows() {
            let there = text.lines().any(|line| {
                line.trim_start_matches(';')
                    .starts_with(&format!("{}=", row.key))
            });
            assert!(there, "{} is not in the sample", row.key);
        }
    }
}

#[test]
fn the_sample_can_be_switched_on_whole() {
    let text: String = sample()
        .lines()
        .map(|line| match line.strip_prefix(';') {
            Some(rest) if !rest.starts_with(' ') && !rest.is_empty() => format!("{rest}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let text = text
        .replace("/run/supervisor", "supervisor")
        .replace("/var/log/supervisord.log", "supervisord.log");
    let report = Site::with(&text).check();
    assert!(report.is_ok(), "{report}");
    let odd: Vec<_> = report
        .notes
        .iter()
        .filter(|note| note.message.contains("ignored"))
        .collect();
    assert_eq!(odd.len(), 1, "only the log of a redirected stderr: {odd:?}");
}

/// `MAINSTAY_UPDATE=1 cargo test` writes the page anew.
#[test]
fn the_page_of_the_reference_is_that_of_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/configuration.md");
    if std::env::var_os("MAINSTAY_UPDATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, reference()).unwrap();
    }
    let page = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        page == reference(),
        "docs/reference/configuration.md is not up to date; run this test with MAINSTAY_UPDATE=1"
    );
}
