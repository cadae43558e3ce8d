//! `--json`: one document on standard output, the same exit status.

use mainstay_supervisor::rpc::{Code, Fault, Value};
use serde_json::{Value as Json, json};

use super::{bare, info, mainstayctl, text};
use crate::ctl_server::{Reply, Server};

/// `web` runs; `off` does not; `old` is a group that the files no longer have, `new` one that only
/// they have.
fn answers(method: &str, params: &[Value]) -> Reply {
    let name = params.first().and_then(Value::as_str).unwrap_or_default();
    let one = |name: &str, code: Code, description: &str| {
        Value::record([
            ("name", name.into()),
            ("group", name.into()),
            ("status", code.number().into()),
            ("description", description.into()),
        ])
    };
    let names = |names: &[&str]| -> Value {
        let names = names.iter().map(|name| Value::from(*name));
        names.collect::<Vec<_>>().into()
    };
    Reply::Value(match (method, name) {
        ("supervisor.getAllProcessInfo", _) => vec![info("web", 20), info("off", 0)].into(),
        (_, "nope") => return Reply::Fault(Fault::with(Code::BadName, "nope")),
        ("supervisor.startProcess", "web") => {
            return Reply::Fault(Fault::with(Code::AlreadyStarted, "web"));
        }
        ("supervisor.stopAllProcesses", _) => vec![
            one("web", Code::Success, "OK"),
            one("off", Code::Failed, "FAILED: why"),
        ]
        .into(),
        ("supervisor.stopProcessGroup", name) => vec![one(name, Code::Success, "OK")].into(),
        ("supervisor.clearAllProcessLogs", _) => vec![one("web", Code::SpawnError, "odd")].into(),
        ("supervisor.getProcessInfo", name) => info(name, 20),
        ("supervisor.getAllConfigInfo", _) => vec![Value::record([
            ("name", "web".into()),
            ("group", "g".into()),
            ("inuse", true.into()),
            ("autostart", false.into()),
            ("group_prio", 1.into()),
            ("process_prio", 2.into()),
        ])]
        .into(),
        ("supervisor.reloadConfig", _) => {
            vec![vec![names(&["new"]), names(&[]), names(&["old"])].into()].into()
        }
        ("supervisor.getPID", _) => 42.into(),
        ("supervisor.getSupervisorVersion", _) => "4.3.0".into(),
        ("supervisor.readProcessStdoutLog", _) => "two\n\"lines\"\n".into(),
        ("supervisor.restart", _) => return Reply::Fault(Fault::new(Code::ShutdownState)),
        ("supervisor.shutdown", _) => return Reply::Fault(Fault::new(Code::IncorrectParameters)),
        _ => true.into(),
    })
}

/// What it prints, which is one line, and its exit status.
#[track_caller]
fn document(server: &Server, line: &str) -> (Json, Option<i32>) {
    let output = mainstayctl(server).args(["--json", line]).output().unwrap();
    let stdout = text(&output.stdout);
    assert_eq!(text(&output.stderr), "", "{line}");
    assert_eq!(stdout.matches('\n').count(), 1, "{line}: {stdout}");
    let json = serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{line}: {error}"));
    (json, output.status.code())
}

#[test]
fn every_command_has_a_document() {
    let server = Server::start(answers, b"");
    let process = |name: &str, state: &str, code: i32| {
        json!({
            "name": name, "group": name, "process": name, "state": state, "statecode": code,
            "pid": 7, "description": "described", "started_at": null, "stopped_at": null,
            "exitstatus": null, "spawnerr": null, "stdout_logfile": null, "stderr_logfile": null,
        })
    };
    let done = |name: &str, result: &str| json!({ "name": name, "result": result });
    let failed =
        |name: &str, message: &str| json!({ "name": name, "error": { "message": message } });
    let refused = |name: &str, message: &str, fault: i32| json!({ "name": name, "error": { "message": message, "fault": fault } });
    let results = |rows: &[Json]| json!({ "results": rows });
    let error = |message: &str| json!({ "error": { "message": message } });

    let table: Vec<(&str, Json)> = vec![
        ("status web", results(&[process("web", "RUNNING", 20)])),
        (
            "status",
            results(&[process("web", "RUNNING", 20), process("off", "STOPPED", 0)]),
        ),
        (
            "status nope web x:*",
            results(&[
                failed("nope", "no such process"),
                failed("x", "no such group"),
                process("web", "RUNNING", 20),
            ]),
        ),
        ("pid", results(&[json!({ "pid": 42 })])),
        (
            "pid all",
            results(&[
                json!({ "name": "web", "pid": 7 }),
                json!({ "name": "off", "pid": 7 }),
            ]),
        ),
        (
            "pid web nope",
            results(&[
                json!({ "name": "web", "pid": 7 }),
                refused("nope", "no such process", 10),
            ]),
        ),
        (
            "avail",
            results(&[json!({
                "name": "g:web", "group": "g", "process": "web", "in_use": true, "autostart": false,
                "group_priority": 1, "priority": 2,
            })]),
        ),
        (
            "start off web nope nope:*",
            results(&[
                done("off", "started"),
                refused("web", "already started", 60),
                refused("nope", "no such process", 10),
                refused("nope", "no such group", 10),
            ]),
        ),
        (
            "stop all",
            results(&[done("web", "stopped"), refused("off", "FAILED: why", 30)]),
        ),
        (
            "restart off",
            results(&[done("off", "stopped"), done("off", "started")]),
        ),
        (
            "signal HUP off",
            results(&[json!({ "name": "off", "result": "signalled" })]),
        ),
        ("clear off", results(&[done("off", "cleared")])),
        (
            "reread",
            results(&[done("new", "available"), done("old", "disappeared")]),
        ),
        (
            "add new nope",
            results(&[
                done("new", "added"),
                refused("nope", "no such process/group", 10),
            ]),
        ),
        (
            "remove off nope",
            results(&[
                done("off", "removed"),
                refused("nope", "no such process/group", 10),
            ]),
        ),
        (
            "update",
            results(&[
                done("old", "stopped"),
                done("old", "removed"),
                done("new", "added"),
            ]),
        ),
        (
            "update new x",
            results(&[failed("x", "no such group"), done("new", "added")]),
        ),
        ("version", results(&[json!({ "version": "4.3.0" })])),
        (
            "tail off",
            results(&[json!({ "name": "off", "log": "two\n\"lines\"\n" })]),
        ),
        (
            "tail nope",
            results(&[refused("nope", "no such process name", 10)]),
        ),
        (
            "fg nope",
            json!({ "error": { "message": "bad process name supplied", "fault": 10 } }),
        ),
        (
            "tail -f off",
            error("this has no end, and so no JSON document"),
        ),
        ("fg off", error("this has no end, and so no JSON document")),
        (
            "maintail -f",
            error("this has no end, and so no JSON document"),
        ),
        ("start", error("start requires a process name")),
        (
            "reload",
            json!({ "error": { "message": "already shutting down", "fault": 6 } }),
        ),
        (
            "shutdown",
            json!({ "error": { "message": "<Fault 2: 'INCORRECT_PARAMETERS'>", "fault": 2 } }),
        ),
        ("open foo", error("url must be http:// or unix://")),
        ("foo bar", error("Unknown syntax: foo bar")),
        ("help nope", results(&[failed("nope", "No help on nope")])),
        (
            "help exit",
            results(&[json!({ "name": "exit", "help": "exit\tExit the supervisor shell." })]),
        ),
        ("quit", results(&[])),
        (" ", results(&[])),
    ];
    for (line, expected) in table {
        let (actual, status) = document(&server, line);
        assert_eq!(actual, expected, "{line}");

        if line.contains("-f") || line == "fg off" {
            // Without `--json` these do not end.
            assert_eq!(status, Some(2), "{line}");
            continue;
        }
        let plain = mainstayctl(&server).arg(line).output().unwrap();
        assert_eq!(status, plain.status.code(), "{line}");
    }
    let (all, _) = document(&server, "help");
    assert_eq!(all["results"].as_array().unwrap().len(), 22);
}

/// What was done before something broke is still told.
#[test]
fn an_error_stands_beside_the_results() {
    let (answer, status) = document(&Server::start(answers, b""), "clear off all");
    assert_eq!(status, Some(1));
    assert_eq!(
        answer["error"]["message"]
            .as_str()
            .map(|m| m.contains("web")),
        Some(true)
    );

    let server = Server::start(
        |_, params| match params.first().and_then(Value::as_str) {
            Some("odd") => Reply::Fault(Fault::new(Code::ShutdownState)),
            _ => Reply::Value(true.into()),
        },
        b"",
    );
    let (answer, status) = document(&server, "add web odd");
    assert_eq!(status, Some(1));
    assert_eq!(
        answer,
        json!({
            "results": [{ "name": "web", "result": "added" }],
            "error": { "message": "shutting down", "fault": 6 },
        })
    );
}

#[test]
fn a_daemon_that_is_not_there_is_an_error() {
    let run = |words: &[&str]| {
        let output = bare().args(words).output().unwrap();
        let json: Json = serde_json::from_slice(&output.stdout).unwrap();
        (json, output.status.code())
    };
    let url = "unix:///no/such/socket";
    assert_eq!(
        run(&["-s", url, "--json", "status"]),
        (
            json!({ "error": { "message": format!("{url} no such file") } }),
            Some(4)
        )
    );
    for (words, message) in [
        (&["--json"][..], "--json needs an action"),
        (&["--json", "-x"], "option -x not recognized"),
        (
            &["--json", "-i", "status"],
            "--json asks nothing, and -i wants to be asked",
        ),
        (
            &["-c", "/no/file", "--json", "status"],
            "could not find config file /no/file",
        ),
    ] {
        let expected = json!({ "error": { "message": message } });
        assert_eq!(run(words), (expected, Some(2)), "{words:?}");
    }
}

#[test]
fn a_login_that_is_wanted_is_said_in_words() {
    let server = Server::start(|_, _| Reply::Unauthorized, b"");
    let message = "Server requires authentication";
    assert_eq!(
        document(&server, "reread"),
        (json!({ "error": { "message": message } }), Some(1))
    );
}
