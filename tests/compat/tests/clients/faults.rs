//! Answers that a healthy daemon hardly ever gives, from a server that reads them off a table.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use compat_tests::{Ctl, normalise, program, venv};

/// Answers every method as its table says, and methods that are not in it with UNKNOWN_METHOD.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(venv: &Path, table: &str) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/server.py");
        let mut child = Command::new(venv.join("bin/python"))
            .arg(script)
            .arg(table)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut url)
            .unwrap();
        Self {
            child,
            url: url.trim().to_owned(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Both clients, and the lines for which they differ.
fn compare(clients: [PathBuf; 2], url: &str, lines: &[&str]) -> Vec<String> {
    let clients = clients.map(|client| Ctl::at(client, url));
    lines
        .iter()
        .filter_map(|line| {
            let [expected, actual] = clients
                .each_ref()
                .map(|ctl| normalise(&ctl.run(line).unwrap(), Path::new("/nowhere")));
            (expected != actual)
                .then(|| format!("{line:?}\n  expected {expected:?}\n  but got  {actual:?}"))
        })
        .collect()
}

fn clients(venv: &Path) -> [PathBuf; 2] {
    [
        venv.join("bin/supervisorctl"),
        program("mainstayctl").unwrap(),
    ]
}

/// Commands that meet a fault of the method behind them.
const EVERY: &[&str] = &[
    "status",
    "start x y",
    "start g:*",
    "start all",
    "stop x y",
    "stop g:*",
    "restart x",
    "signal HUP x",
    "signal HUP g:*",
    "clear x",
    "clear all",
    "avail",
    "reread",
    "add x y",
    "remove x y",
    "reload",
    "shutdown",
    "tail x",
    "maintail",
    "pid",
    "pid x",
    "version",
];

#[test]
fn every_fault_looks_the_same() {
    let Some(venv) = venv() else { return };
    // One per way of being told apart; the codes one by one are in a table beside the texts.
    let faults = [
        (6, "SHUTDOWN_STATE"),
        (10, "BAD_NAME: x"),
        (20, "NO_FILE: /x"),
        (30, "FAILED: some text"),
        (50, "SPAWN_ERROR: x"),
        (70, "NOT_RUNNING: x"),
        (92, "CANT_REREAD: bad thing"),
        (4711, "NEW_ONE: it's"),
    ];
    for (code, text) in faults {
        let server = Server::start(
            &venv,
            &format!(r#"{{"supervisor.getVersion": "3.0", "*": {{"fault": [{code}, "{text}"]}}}}"#),
        );
        let differences = compare(clients(&venv), &server.url, EVERY);
        assert!(
            differences.is_empty(),
            "{text}:\n{}",
            differences.join("\n")
        );
    }
}

#[test]
fn a_server_that_is_none_of_ours_is_refused_the_same_way() {
    let Some(venv) = venv() else { return };
    for table in [
        "{}",
        r#"{"supervisor.getVersion": "2.0"}"#,
        r#"{"http": 401}"#,
        r#"{"http": 403}"#,
        r#"{"http": 404}"#,
        r#"{"http": 500}"#,
    ] {
        let server = Server::start(&venv, table);
        let differences = compare(clients(&venv), &server.url, EVERY);
        assert!(
            differences.is_empty(),
            "{table}:\n{}",
            differences.join("\n")
        );
    }
}

#[test]
fn results_of_groups_look_the_same() {
    let Some(venv) = venv() else { return };
    let results = |second: (i32, &str)| {
        let (status, text) = second;
        format!(
            r#"[{{"name": "a", "group": "a", "status": 80, "description": "OK"}},
                {{"name": "b", "group": "g", "status": {status}, "description": "{text}"}},
                {{"name": "c", "group": "g", "status": 80, "description": "OK"}}]"#
        )
    };
    let infos = r#"[
        {"name": "a", "group": "a", "state": 20, "statename": "RUNNING", "description": "d", "pid": 3},
        {"name": "b", "group": "g", "state": 1000, "statename": "UNKNOWN", "description": "", "pid": 0},
        {"name": "pppppppppppppppppppppppppppppppppppppppp", "group": "g",
         "state": 30, "statename": "BACKOFF", "description": "x", "pid": 0}]"#;
    for second in [
        (80, "OK"),
        (10, "BAD_NAME: b"),
        (30, "FAILED: why"),
        (50, "SPAWN_ERROR: b"),
        (70, "NOT_RUNNING: b"),
    ] {
        let results = results(second);
        let server = Server::start(
            &venv,
            &format!(
                r#"{{"supervisor.getVersion": "3.0", "supervisor.getAllProcessInfo": {infos},
                     "supervisor.reloadConfig": [[["new2", "new1"], ["g", "a"], ["gone"]]],
                     "supervisor.addProcessGroup": true, "supervisor.removeProcessGroup": true,
                     "*": {results}}}"#
            ),
        );
        let lines = [
            "status",
            "status g:* a",
            "status a",
            "pid all",
            "start g:*",
            "start g: a",
            "start all",
            "stop g:*",
            "stop all",
            "restart all",
            "signal HUP g:*",
            "signal HUP all",
            "clear all",
            "reread",
            "update",
            "update g",
            "update g zzz new1",
            "update gone",
            "update all zzz",
        ];
        let differences = compare(clients(&venv), &server.url, &lines);
        assert!(
            differences.is_empty(),
            "{second:?}:\n{}",
            differences.join("\n")
        );
    }
}

#[test]
fn a_server_that_is_not_there_looks_the_same() {
    let Some(venv) = venv() else { return };
    let folder = tempfile::tempdir().unwrap();
    let missing = format!("unix://{}", folder.path().join("none").display());
    let plain = folder.path().join("plain");
    std::fs::write(&plain, "").unwrap();
    let plain = format!("unix://{}", plain.display());

    for url in [
        "http://127.0.0.1:1",
        &missing,
        &plain,
        "https://127.0.0.1:1",
    ] {
        let mut lines = EVERY.to_vec();
        lines.extend([
            "start",
            "tail",
            "tail -f x",
            "maintail -f",
            "fg",
            "fg x",
            "update",
        ]);
        let differences = compare(clients(&venv), url, &lines);
        assert!(differences.is_empty(), "{url}:\n{}", differences.join("\n"));
    }
}

/// Where the original reports a Python exception, `update` says what `reread` says.
#[test]
fn an_invalid_configuration_is_told_by_update_as_by_reread() {
    let Some(venv) = venv() else { return };
    let server = Server::start(
        &venv,
        r#"{"supervisor.reloadConfig": {"fault": [92, "CANT_REREAD: bad thing"]}}"#,
    );
    let ctl = Ctl::at(program("mainstayctl").unwrap(), &server.url);

    for line in ["reread", "update"] {
        let said = ctl.run(line).unwrap();
        assert_eq!(
            (said.stdout.as_str(), said.status),
            ("ERROR: CANT_REREAD: bad thing\n", Some(1))
        );
    }
}
