//! Salt's `supervisord` modules, as they come from PyPI, with both pairs: what they report is the
//! same, and what it should be.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use compat_tests::{Daemon, packages, program, venv};
use serde_json::{Value as Json, json};

const SALT: &[&str] = &["salt==3007.1"];

const PROGRAMS: &str = "
[program:cat]
command = cat
startsecs = 0
[program:web]
command = sleep 3600
process_name = web_%(process_num)02d
numprocs = 2
startsecs = 0
";

const MORE: &str = "
[program:missing]
command = /no/such/thing
autostart = false
[program:new]
command = cat
startsecs = 0
";

/// Calls, and what is expected of their results beyond being the same for both pairs: of a state its
/// `result`, of a function a part of the text.
fn calls() -> Vec<(&'static str, &'static str, Json, Json)> {
    let name = |name: &str| json!({ "name": name });
    vec![
        ("modules", "status", json!({}), json!("RUNNING")),
        ("modules", "status", name("cat"), json!("RUNNING")),
        ("modules", "status_raw", name("web:"), json!("web:web_01")),
        ("modules", "status_bool", name("cat"), json!(true)),
        (
            "modules",
            "status_bool",
            json!({ "name": "cat", "expected_state": "STOPPED" }),
            json!(false),
        ),
        ("modules", "status_bool", name("nope"), json!(false)),
        ("modules", "stop", name("cat"), json!("cat: stopped")),
        (
            "modules",
            "stop",
            name("cat"),
            json!("cat: ERROR (not running)"),
        ),
        ("modules", "start", name("cat"), json!("cat: started")),
        (
            "modules",
            "start",
            name("cat"),
            json!("cat: ERROR (already started)"),
        ),
        (
            "modules",
            "restart",
            name("web:*"),
            json!("web:web_01: started"),
        ),
        (
            "modules",
            "start",
            name("nope"),
            json!("nope: ERROR (no such process)"),
        ),
        (
            "modules",
            "custom",
            json!({ "command": "signal CONT cat" }),
            json!("cat: signalled"),
        ),
        ("states", "running", name("cat"), json!(true)),
        (
            "states",
            "running",
            json!({ "name": "cat", "restart": true }),
            json!(true),
        ),
        (
            "states",
            "running",
            json!({ "name": "cat", "update": true }),
            json!(true),
        ),
        ("states", "mod_watch", name("cat"), json!(true)),
        ("states", "dead", name("web:"), json!(true)),
        ("states", "dead", name("web:"), json!(true)),
        ("states", "running", name("web:"), json!(true)),
        ("states", "dead", name("nope"), json!(true)),
        ("states", "running", name("nope"), json!(false)),
        ("states", "dead", name("cat"), json!(true)),
        ("modules", "status", name("cat"), json!("STOPPED")),
        ("states", "running", name("cat"), json!(true)),
        ("modules", "reread", json!({}), json!("No config updates")),
    ]
}

/// The same, once there are new programs in the files.
fn calls_with_more() -> Vec<(&'static str, &'static str, Json, Json)> {
    let name = |name: &str| json!({ "name": name });
    vec![
        ("modules", "reread", json!({}), json!("new: available")),
        // It is added, and so started: that it is then started already is no failure to Salt.
        ("states", "running", name("new"), json!(true)),
        (
            "modules",
            "add",
            name("new"),
            json!("process group already active"),
        ),
        (
            "modules",
            "remove",
            name("new"),
            json!("still running: new"),
        ),
        ("states", "dead", name("new"), json!(true)),
        (
            "modules",
            "remove",
            name("new"),
            json!("new: removed process group"),
        ),
        (
            "modules",
            "remove",
            name("new"),
            json!("no such process/group: new"),
        ),
        ("states", "running", name("missing"), json!(false)),
        (
            "modules",
            "update",
            json!({}),
            json!("new: added process group"),
        ),
        (
            "modules",
            "update",
            name("nope"),
            json!("no such group: nope"),
        ),
    ]
}

struct Salt {
    python: PathBuf,
    archive: PathBuf,
}

impl Salt {
    fn find() -> Option<Self> {
        let python = venv()?.join("bin/python");
        let files = packages("salt", &[], SALT)?.join("files");
        let archive = fs::read_dir(files).unwrap().next().unwrap().unwrap();
        Some(Self {
            python,
            archive: archive.path(),
        })
    }

    /// The results of calls one after another.
    fn call(&self, daemon: &Daemon, ctl: &Path, calls: &Json) -> Vec<Json> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/salt.py");
        let output = Command::new(&self.python)
            .arg(script)
            .args([&self.archive, ctl, daemon.config()])
            .arg(calls.to_string())
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {stderr}"))
    }
}

#[test]
fn modules_and_states_report_the_same_with_both_pairs() {
    let Some(salt) = Salt::find() else { return };
    let venv = venv().unwrap();
    let original = Daemon::python(&venv, PROGRAMS).unwrap();
    let ours = Daemon::ours(PROGRAMS).unwrap();
    let link = ours.folder().join("supervisorctl");
    symlink(program("mainstayctl").unwrap(), &link).unwrap();

    for script in [calls(), calls_with_more()] {
        let line: Json = script
            .iter()
            .map(|(kind, function, arguments, _)| json!([kind, function, arguments]))
            .collect();
        let expected = salt.call(&original, &venv.join("bin/supervisorctl"), &line);
        let actual = salt.call(&ours, &link, &line);

        assert_eq!(actual.len(), script.len());
        for (((kind, function, arguments, wanted), expected), actual) in
            script.iter().zip(expected).zip(actual)
        {
            let call = format!("{kind}.{function} {arguments}");
            assert_eq!(in_any_order(&actual), in_any_order(&expected), "{call}");
            match wanted {
                Json::String(part) => {
                    assert!(actual.to_string().contains(part), "{call}: {actual}");
                }
                wanted if *kind == "states" => {
                    assert_eq!(actual["result"], *wanted, "{call}: {actual}");
                }
                wanted => assert_eq!(actual, *wanted, "{call}"),
            }
        }
        for daemon in [&original, &ours] {
            daemon.include("more.conf", MORE).unwrap();
        }
    }
}

/// With lines that say the same of several processes sorted: who of two stops first is decided by the
/// processes, and each daemon tells it as it was.
fn in_any_order(answer: &Json) -> Json {
    let Json::String(text) = answer else {
        return answer.clone();
    };
    let mut lines: Vec<&str> = text.split('\n').collect();
    let said = |line: &str| line.split_once(": ").map(|(_, said)| said.to_owned());
    for alike in lines.chunk_by_mut(|one, next| said(one).is_some() && said(one) == said(next)) {
        alike.sort_unstable();
    }
    Json::String(lines.join("\n"))
}
