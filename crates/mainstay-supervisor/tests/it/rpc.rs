//! The API of a real daemon: what the actor and the codec make of each other.

use mainstay_supervisor::rpc::Value;

use crate::web_client::Server;

const PROGRAMS: &str = "[program:web]\ncommand = /bin/sleep 1000\nstartsecs = 0\n\
    [program:bad]\ncommand = /nope/nope\nautostart = false\n\
    [group:site]\nprograms = one,two\n\
    [program:one]\ncommand = /bin/sleep 1000\nstartsecs = 0\nautostart = false\n\
    [program:two]\ncommand = /bin/sh -c 'printf \"h\\303\\251llo\\n\"; sleep 1000'\nstartsecs = 0\n\
    autostart = false\nautorestart = true\nstdout_logfile = %(here)s/two.log\n";

fn text(text: &str) -> Value {
    Value::from(text)
}

#[test]
fn processes_are_started_stopped_and_told_about() {
    let mut server = Server::start(PROGRAMS);
    server.wait_for_state("web", "RUNNING");
    let yes = Ok(Value::Bool(true));
    let fault = |code, text: &str| Err((code, text.to_owned()));
    for (method, params, expected) in [
        ("getAPIVersion", vec![], Ok(text("3.0"))),
        ("stopProcess", vec![text("web")], yes.clone()),
        (
            "stopProcess",
            vec![text("web")],
            fault(70, "NOT_RUNNING: web"),
        ),
        ("startProcess", vec![text("web")], yes.clone()),
        (
            "startProcess",
            vec![text("web")],
            fault(60, "ALREADY_STARTED: web"),
        ),
        (
            "startProcess",
            vec![text("nope")],
            fault(10, "BAD_NAME: nope"),
        ),
        (
            "startProcess",
            vec![text("bad")],
            fault(20, "NO_FILE: can't find command '/nope/nope'"),
        ),
        (
            "signalProcess",
            vec![text("web"), text("CONT")],
            yes.clone(),
        ),
        (
            "signalProcess",
            vec![text("web"), text("FOO")],
            fault(11, "BAD_SIGNAL: FOO"),
        ),
        (
            "signalProcess",
            vec![text("bad"), text("HUP")],
            fault(70, "NOT_RUNNING: bad"),
        ),
        (
            "addProcessGroup",
            vec![text("web")],
            fault(90, "ALREADY_ADDED: web"),
        ),
        (
            "addProcessGroup",
            vec![text("nope")],
            fault(10, "BAD_NAME: nope"),
        ),
        (
            "removeProcessGroup",
            vec![text("web")],
            fault(91, "STILL_RUNNING: web"),
        ),
        ("removeProcessGroup", vec![text("bad")], yes),
        (
            "getProcessInfo",
            vec![text("bad")],
            fault(10, "BAD_NAME: bad"),
        ),
    ] {
        let result = server.call(&format!("supervisor.{method}"), &params);
        assert_eq!(result, expected, "{method} {params:?}");
    }
}

#[test]
fn a_group_is_one_call() {
    let server = Server::start(PROGRAMS);
    let names = |result: Result<Value, (i32, String)>| -> Vec<(String, i32)> {
        let result = result.unwrap();
        let mut names: Vec<_> = result
            .as_array()
            .unwrap()
            .iter()
            .map(|it| {
                let name = it.get("name").and_then(Value::as_str).unwrap().to_owned();
                (name, it.get("status").and_then(Value::as_int).unwrap())
            })
            .collect();
        names.sort();
        names
    };
    let both = [("one".to_owned(), 80), ("two".to_owned(), 80)];

    assert_eq!(
        names(server.call("supervisor.startProcess", &[text("site:*")])),
        both
    );
    assert_eq!(
        names(server.call("supervisor.startProcessGroup", &[text("site")])),
        []
    );
    assert_eq!(
        names(server.call("supervisor.stopProcessGroup", &[text("site")])),
        both
    );
}

#[test]
fn a_multicall_waits_for_each_in_turn() {
    let mut server = Server::start(PROGRAMS);
    server.wait_for_state("web", "RUNNING");
    let call = |method: &str, name: &str| {
        Value::record([
            ("methodName", Value::String(format!("supervisor.{method}"))),
            ("params", Value::Array(vec![text(name)])),
        ])
    };
    let calls = vec![
        call("stopProcess", "web"),
        call("stopProcess", "web"),
        call("startProcess", "web"),
        call("getProcessInfo", "web"),
    ];

    let results = server
        .call("system.multicall", &[Value::Array(calls)])
        .unwrap();

    let results = results.as_array().unwrap();
    assert_eq!(results[0], Value::Bool(true));
    assert_eq!(results[1].get("faultCode"), Some(&Value::Int(70)));
    assert_eq!(results[2], Value::Bool(true));
    assert_eq!(results[3].get("statename"), Some(&text("RUNNING")));
}

#[test]
fn logs_are_read_and_cleared() {
    let mut server = Server::start(PROGRAMS);
    server
        .call("supervisor.startProcess", &[text("site:two")])
        .unwrap();
    server.wait_until("the log is there", |server| {
        std::fs::metadata(server.directory.path().join("two.log")).is_ok_and(|it| it.len() == 7)
    });
    let read = |from, length| {
        let params = [text("site:two"), Value::Int(from), Value::Int(length)];
        server.call("supervisor.readProcessLog", &params)
    };
    assert_eq!(read(0, 0), Ok(text("héllo\n")));
    assert_eq!(read(0, 2), Ok(text("hé")));
    assert_eq!(read(2, 0), Ok(text("llo\n")));
    let tail = server.call(
        "supervisor.tailProcessLog",
        &[text("site:two"), Value::Int(0), Value::Int(4)],
    );
    assert_eq!(
        tail,
        Ok(Value::Array(vec![
            text("llo\n"),
            Value::Int(7),
            Value::Bool(true)
        ]))
    );
    server
        .call("supervisor.clearProcessLogs", &[text("site:two")])
        .unwrap();
    assert_eq!(read(0, 0), Ok(text("")));
    let log = server
        .call("supervisor.readLog", &[Value::Int(0), Value::Int(0)])
        .unwrap();
    assert!(log.as_str().unwrap().contains("spawned: 'two' with pid "));
    server.call("supervisor.clearLog", &[]).unwrap();
    assert!(!server.main_log().contains("spawned: 'two'"));
}

#[test]
fn settings_are_told_with_their_types() {
    let server = Server::start(PROGRAMS);
    let all = server.call("supervisor.getAllConfigInfo", &[]).unwrap();
    let all = all.as_array().unwrap();
    let names: Vec<_> = all
        .iter()
        .map(|it| it.get("name").and_then(Value::as_str).unwrap())
        .collect();
    assert_eq!(names, ["bad", "one", "two", "web"]);
    let log = server.directory.path().join("two.log");
    for (name, expected) in [
        ("autorestart", Value::Bool(true)),
        ("autostart", Value::Bool(false)),
        ("directory", text("none")),
        ("group", text("site")),
        ("inuse", Value::Bool(true)),
        ("exitcodes", Value::Array(vec![Value::Int(0)])),
        ("startsecs", Value::Int(0)),
        ("stdout_logfile", text(log.to_str().unwrap())),
        ("stdout_logfile_maxbytes", Value::Int(52_428_800)),
        ("uid", text("none")),
    ] {
        assert_eq!(all[2].get(name), Some(&expected), "{name}");
    }
    assert_eq!(all[0].get("autorestart"), Some(&text("unexpected")));
}

#[test]
fn a_reread_tells_what_changed_and_does_nothing() {
    let server = Server::start(PROGRAMS);
    let file = server.directory.path().join("supervisord.conf");
    let before = std::fs::read_to_string(&file).unwrap();
    let after = before.replace("[program:bad]", "[program:new]").replace(
        "sleep 1000\nstartsecs = 0\n[",
        "sleep 2000\nstartsecs = 0\n[",
    );
    assert_ne!(before, after);
    std::fs::write(&file, after).unwrap();
    let list = |names: &[&str]| Value::Array(names.iter().map(|name| text(name)).collect());

    let diff = server.call("supervisor.reloadConfig", &[]);

    let lists = Value::Array(vec![list(&["new"]), list(&["web"]), list(&["bad"])]);
    assert_eq!(diff, Ok(Value::Array(vec![lists])));
    std::fs::write(&file, "[nonsense").unwrap();
    let (code, message) = server.call("supervisor.reloadConfig", &[]).unwrap_err();
    assert_eq!(code, 92);
    assert!(message.starts_with("CANT_REREAD: "), "{message}");
}

#[test]
fn groups_are_named_as_each_method_has_it() {
    let server = Server::start(
        "[group:site]\nprograms = one\n[program:one]\ncommand = cat\nstartsecs = 0\n",
    );
    let bad_name = |name: &str| Err((10, format!("BAD_NAME: {name}")));
    // Only what takes a process takes a group by a wildcard.
    for name in ["site:*", "site:", "nope", ""] {
        for method in ["startProcessGroup", "stopProcessGroup"] {
            let method = format!("supervisor.{method}");
            assert_eq!(server.call(&method, &[text(name)]), bad_name(name));
        }
        let params = [text(name), text("CONT")];
        let answer = server.call("supervisor.signalProcessGroup", &params);
        assert_eq!(answer, bad_name(name));
    }
    for name in ["nope:*", "nope:", ":", ":*"] {
        for method in ["startProcess", "stopProcess"] {
            let method = format!("supervisor.{method}");
            assert_eq!(server.call(&method, &[text(name)]), bad_name(name));
        }
        for signal in ["CONT", "NOPE"] {
            let answer = server.call("supervisor.signalProcess", &[text(name), text(signal)]);
            assert_eq!(answer, bad_name(name), "{signal}");
        }
    }
}
