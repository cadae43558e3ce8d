//! The `supervisorctl` module of Ansible, as it comes from PyPI, with both pairs: what it reports is
//! the same, and what it should be.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use compat_tests::{Daemon, Said, normalise, packages, program, venv};
use serde_json::{Value as Json, json};

const CORE: &[&str] = &["ansible-core==2.17.7"];

/// Holds the collections, `community.general` among them. It is large, and one file of it is needed.
const COLLECTIONS: &[&str] = &["ansible==10.7.0"];
const MODULE: &str = "ansible_collections/community/general/plugins/modules/supervisorctl.py";

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

const MISSING: &str = "[program:missing]\ncommand = /no/such/thing\nautostart = false\n";
const NEW: &str = "[program:new]\ncommand = cat\nstartsecs = 0\n";

/// The module, its interpreter and where that finds the rest of Ansible.
struct Ansible {
    python: PathBuf,
    site: PathBuf,
    module: PathBuf,
}

impl Ansible {
    fn find() -> Option<Self> {
        let python = venv()?.join("bin/python");
        let folder = packages("ansible", CORE, COLLECTIONS)?;
        let module = folder.join(MODULE);
        if !module.exists() {
            let archive = fs::read_dir(folder.join("files")).unwrap().next().unwrap();
            let status = Command::new(&python)
                .args([
                    "-c",
                    "import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extract(*sys.argv[2:])",
                ])
                .args([archive.unwrap().path().as_os_str(), MODULE.as_ref()])
                .arg(&folder)
                .status()
                .unwrap();
            assert!(status.success());
        }
        Some(Self {
            python,
            site: folder.join("site"),
            module,
        })
    }

    /// Runs the module with these arguments, as Ansible does on the machine that it manages.
    fn task(&self, folder: &Path, arguments: &Json) -> Json {
        let file = folder.join("arguments.json");
        fs::write(
            &file,
            json!({ "ANSIBLE_MODULE_ARGS": arguments }).to_string(),
        )
        .unwrap();
        let output = Command::new(&self.python)
            .arg(&self.module)
            .arg(file)
            .env("PYTHONPATH", &self.site)
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        let mut result: Json = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{arguments}: {error}: {stderr}"));
        let members = result.as_object_mut().unwrap();
        // They hold folders, and nothing that the daemon or the client said.
        for name in ["invocation", "cmd"] {
            members.remove(name);
        }
        // Python's own way to report an error is not ours.
        if let Some(Json::String(stdout)) = members.get_mut("stdout") {
            let said = Said {
                status: None,
                stdout: stdout.clone(),
                stderr: String::new(),
            };
            *stdout = normalise(&said, folder).stdout;
        }
        result
    }
}

/// A daemon, and a `supervisorctl` for it.
struct Pair {
    daemon: Daemon,
    ctl: PathBuf,
}

impl Pair {
    fn original() -> Self {
        let venv = venv().unwrap();
        Self {
            daemon: Daemon::python(&venv, PROGRAMS).unwrap(),
            ctl: venv.join("bin/supervisorctl"),
        }
    }

    fn ours() -> Self {
        let daemon = Daemon::ours(PROGRAMS).unwrap();
        let ctl = daemon.folder().join("supervisorctl");
        symlink(program("mainstayctl").unwrap(), &ctl).unwrap();
        Self { daemon, ctl }
    }

    /// What a task with these arguments reports.
    fn task(&self, ansible: &Ansible, name: &str, state: &str, more: &Json) -> Json {
        let mut arguments = json!({
            "name": name,
            "state": state,
            "supervisorctl_path": self.ctl,
            "config": self.daemon.config(),
        });
        let all = arguments.as_object_mut().unwrap();
        all.extend(more.as_object().unwrap().clone());
        if all.get("server_url") == Some(&json!("TCP")) {
            all.insert("server_url".to_owned(), self.daemon.tcp_url().into());
        }
        ansible.task(self.daemon.folder(), &arguments)
    }
}

/// A task, and whether it changes something; `None`: it fails.
type Step = (&'static str, &'static str, Json, Option<bool>);

fn steps() -> Vec<Step> {
    let (name, password) = Daemon::LOGIN;
    let plain = || json!({});
    let login = |password| json!({ "server_url": "TCP", "username": name, "password": password });
    vec![
        ("cat", "started", plain(), Some(false)),
        (
            "cat",
            "stopped",
            json!({ "_ansible_check_mode": true }),
            Some(true),
        ),
        ("cat", "stopped", plain(), Some(true)),
        ("cat", "stopped", plain(), Some(false)),
        ("cat", "started", plain(), Some(true)),
        ("cat", "restarted", plain(), Some(true)),
        ("cat", "signalled", json!({ "signal": "CONT" }), Some(true)),
        ("cat", "signalled", json!({ "signal": "NONSENSE" }), None),
        ("web:", "started", plain(), Some(false)),
        ("web:", "stopped", plain(), Some(true)),
        ("web:", "started", plain(), Some(true)),
        ("web:", "restarted", plain(), Some(true)),
        ("web:web_01", "stopped", plain(), Some(true)),
        ("web:", "started", plain(), Some(true)),
        ("web:", "signalled", json!({ "signal": "CONT" }), Some(true)),
        ("all", "restarted", plain(), Some(true)),
        ("all", "stopped", plain(), Some(true)),
        ("all", "started", plain(), Some(true)),
        ("nope", "started", plain(), None),
        ("nope", "restarted", plain(), None),
        ("nope", "present", plain(), None),
        ("nope", "absent", plain(), Some(false)),
        ("cat", "present", plain(), Some(false)),
        ("new", "present", plain(), Some(true)),
        ("new", "present", plain(), Some(false)),
        ("new", "started", plain(), Some(false)),
        // It runs, and running programs are not removed.
        ("new", "absent", plain(), None),
        (
            "new",
            "absent",
            json!({ "stop_before_removing": true }),
            Some(true),
        ),
        ("new", "absent", plain(), Some(false)),
        ("missing", "present", plain(), Some(true)),
        ("missing", "started", plain(), None),
        ("cat", "restarted", login(password), Some(true)),
        ("cat", "restarted", login("wrong"), None),
    ]
}

#[test]
fn tasks_report_the_same_with_both_pairs() {
    let Some(ansible) = Ansible::find() else {
        return;
    };
    let (original, ours) = (Pair::original(), Pair::ours());
    for (name, state, more, changes) in steps() {
        let [expected, actual] = [&original, &ours].map(|pair| {
            // Not earlier: the `update` of every restart would add them.
            match name {
                "new" => pair.daemon.include("new.conf", NEW).unwrap(),
                "missing" => pair.daemon.include("missing.conf", MISSING).unwrap(),
                _ => {}
            }
            pair.task(&ansible, name, state, &more)
        });

        assert_eq!(actual, expected, "{name} {state} {more}");
        match changes {
            Some(changes) => assert_eq!(
                actual["changed"], changes,
                "{name} {state} {more}: {actual}"
            ),
            None => assert_eq!(actual["failed"], true, "{name} {state} {more}: {actual}"),
        }
    }
}
