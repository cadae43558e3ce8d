//! Every method against an actor that writes down what it is told.

mod types;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::*;
use crate::daemon::{Channel, Diff, Outcome, ProcessInfo, Request, State};
use crate::rpc::xml::Call;

/// An actor with the processes `web` (running) and `site:worker` (stopped), whose answers are all
/// well, and that never does anything.
struct Fake {
    api: Api,
    told: Arc<Mutex<Vec<String>>>,
    log: PathBuf,
    _directory: tempfile::TempDir,
}

impl Fake {
    fn start() -> Self {
        Self::with_namespace(true)
    }

    fn with_namespace(supervisor: bool) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("web.log");
        std::fs::File::create(&log)
            .unwrap()
            .write_all("héllo\x1b\nwörld\n".as_bytes())
            .unwrap();
        let (handle, mut requests) = Handle::channel(8);
        let told = Arc::new(Mutex::new(Vec::new()));
        let (notes, path) = (Arc::clone(&told), log.clone());
        tokio::spawn(async move {
            while let Some(request) = requests.recv().await {
                let note = answer(request, &path);
                if let Some(note) = note {
                    notes.lock().unwrap().push(note);
                }
            }
        });
        let api = Api {
            zone: TimeZone::UTC,
            ..Api::new(handle, supervisor)
        };
        Self {
            api,
            told,
            log,
            _directory: directory,
        }
    }

    async fn call(&self, method: &str, params: impl Into<Vec<Value>>) -> Result<Value, Fault> {
        self.api
            .call(Call {
                method: method.to_owned(),
                params: params.into(),
            })
            .await
    }

    fn told(&self) -> Vec<String> {
        std::mem::take(&mut self.told.lock().unwrap())
    }
}

fn info(group: &str, name: &str, state: State) -> ProcessInfo<'static> {
    ProcessInfo {
        name: name.to_owned().into(),
        group: group.to_owned().into(),
        start: 0,
        stop: 0,
        now: 1_700_000_000,
        state,
        spawnerr: "".into(),
        exitstatus: 0,
        stdout_logfile: None,
        stderr_logfile: None,
        pid: 0,
        uptime: std::time::Duration::ZERO,
    }
}

fn answer(request: Request, log: &Path) -> Option<String> {
    let outcomes = || {
        let result = Err(Fault::with(Code::SpawnError, "worker"));
        Ok(vec![
            Outcome {
                name: "web".to_owned(),
                group: "web".to_owned(),
                result: Ok(()),
            },
            Outcome {
                name: "worker".to_owned(),
                group: "site".to_owned(),
                result,
            },
        ])
    };
    let infos = || {
        vec![
            info("site", "worker", State::Stopped),
            info("web", "web", State::Running),
        ]
    };
    let path = |name: &str| match name {
        "web" => Ok(Some(log.to_owned())),
        "gone" => Ok(Some("/nowhere/gone.log".into())),
        "device" => Ok(Some("/dev/null".into())),
        "silent" => Ok(None),
        name => Err(Fault::with(Code::BadName, name)),
    };
    // A client that has gone takes no answer.
    Some(match request {
        Request::Check { reply } => {
            let _ = reply.send(Ok(()));
            return None;
        }
        Request::Identifier { reply } => {
            let _ = reply.send(Ok("us".to_owned()));
            return None;
        }
        Request::Shutdown { reply } => {
            let _ = reply.send(Ok(()));
            "shutdown".to_owned()
        }
        Request::Restart { reply } => {
            let _ = reply.send(Ok(()));
            "restart".to_owned()
        }
        Request::Reread { reply } => {
            let _ = reply.send(Ok(Diff {
                added: vec!["a".to_owned(), "b".to_owned()],
                changed: Vec::new(),
                removed: vec!["c".to_owned()],
            }));
            "reread".to_owned()
        }
        Request::AddGroup { name, reply } => {
            let _ = reply.send(Ok(()));
            format!("add {name}")
        }
        Request::RemoveGroup { name, reply } => {
            let _ = reply.send(Err(Fault::with(Code::StillRunning, name.as_str())));
            format!("remove {name}")
        }
        Request::Start { name, wait, reply } => {
            let _ = reply.send(Ok(()));
            format!("start {name} {wait}")
        }
        Request::StartGroup { name, wait, reply } => {
            let _ = reply.send(outcomes());
            format!("start group {name} {wait}")
        }
        Request::StartAll { wait, reply } => {
            let _ = reply.send(outcomes());
            format!("start all {wait}")
        }
        Request::Stop { name, wait, reply } => {
            let _ = reply.send(Ok(()));
            format!("stop {name} {wait}")
        }
        Request::StopGroup { name, wait, reply } => {
            let _ = reply.send(outcomes());
            format!("stop group {name} {wait}")
        }
        Request::StopAll { wait, reply } => {
            let _ = reply.send(outcomes());
            format!("stop all {wait}")
        }
        Request::Signal {
            name,
            signal,
            reply,
        } => {
            // An unknown name is told before a signal that is none.
            let known = infos().iter().any(|info| info.namespec() == name);
            let unknown = Fault::with(Code::BadName, name.as_str());
            let _ = reply.send(
                known
                    .then_some(())
                    .ok_or(unknown)
                    .and(signal.clone().map(drop)),
            );
            format!("signal {name} {}", signal.ok()?)
        }
        Request::SignalGroup {
            name,
            signal,
            reply,
        } => {
            let unknown = Fault::with(Code::BadName, name.as_str());
            let _ = reply.send(if name == "x" {
                Err(unknown)
            } else {
                outcomes()
            });
            format!("signal group {name} {}", signal.ok()?)
        }
        Request::SignalAll { signal, reply } => {
            let _ = reply.send(outcomes());
            format!(
                "signal all {}",
                signal.map_or_else(|it| it.to_string(), |it| it.to_string())
            )
        }
        Request::Info { name, reply } => {
            let found = infos().into_iter().find(|info| info.namespec() == name);
            let _ = reply.send(found.ok_or_else(|| Fault::with(Code::BadName, name.as_str())));
            return None;
        }
        Request::InfoAll { reply } => {
            let _ = reply.send(Ok(infos()));
            return None;
        }
        Request::TellAll { tell, reply } => {
            let _ = reply.send(Ok(tell.of(&infos())));
            return None;
        }
        Request::ConfigAll { reply } => {
            let _ = reply.send(Ok(Vec::new()));
            return None;
        }
        Request::MainLogPath { reply, .. } => {
            let _ = reply.send(Ok(Some(log.to_owned())));
            return None;
        }
        Request::LogPath {
            name,
            channel,
            reply,
            ..
        } => {
            let _ = reply.send(path(&name));
            (channel == Channel::Stderr).then(|| format!("stderr of {name}"))?
        }
        Request::ClearMainLog { reply } => {
            let _ = reply.send(Ok(()));
            "clear main log".to_owned()
        }
        Request::ClearLogs { name, reply } => {
            let _ = reply.send(Ok(()));
            format!("clear {name}")
        }
        Request::ClearAllLogs { reply } => {
            let _ = reply.send(outcomes());
            "clear all".to_owned()
        }
        Request::SendStdin { name, data, reply } => {
            let _ = reply.send(Ok(()));
            format!("stdin {name} {data:?}")
        }
        Request::RemoteEvent { kind, data, reply } => {
            let _ = reply.send(Ok(()));
            format!("event {kind} {data:?}")
        }
        #[allow(
            unreachable_patterns,
            reason = "requests that later parts add are not asked for here"
        )]
        _ => return None,
    })
}

fn text(text: &str) -> Value {
    Value::from(text)
}

#[tokio::test]
async fn actions_reach_the_daemon_with_their_arguments() {
    let fake = Fake::start();
    let web = || text("web");
    for (method, params, told) in [
        ("shutdown", vec![], "shutdown"),
        ("restart", vec![], "restart"),
        ("addProcessGroup", vec![web()], "add web"),
        ("startProcess", vec![web()], "start web true"),
        (
            "startProcess",
            vec![web(), Value::Bool(false)],
            "start web false",
        ),
        (
            "startProcess",
            vec![web(), Value::Int(0)],
            "start web false",
        ),
        (
            "startProcess",
            vec![text("site:worker"), Value::Int(1)],
            "start site:worker true",
        ),
        ("stopProcess", vec![web()], "stop web true"),
        (
            "stopProcess",
            vec![web(), Value::Bool(false)],
            "stop web false",
        ),
        ("signalProcess", vec![web(), text("HUP")], "signal web 1"),
        ("signalProcess", vec![web(), text("15")], "signal web 15"),
        ("signalProcess", vec![web(), Value::Int(9)], "signal web 9"),
        ("clearLog", vec![], "clear main log"),
        ("clearProcessLogs", vec![web()], "clear web"),
        ("clearProcessLog", vec![web()], "clear web"),
        (
            "sendProcessStdin",
            vec![web(), text("é\n")],
            "stdin web [195, 169, 10]",
        ),
        (
            "sendProcessStdin",
            vec![web(), Value::Base64(vec![0, 255])],
            "stdin web [0, 255]",
        ),
        (
            "sendRemoteCommEvent",
            vec![text("deploy"), text("é")],
            "event deploy [195, 169]",
        ),
    ] {
        let result = fake
            .call(&format!("supervisor.{method}"), params.clone())
            .await;
        assert_eq!(result, Ok(Value::Bool(true)), "{method} {params:?}");
        assert_eq!(fake.told(), [told], "{method} {params:?}");
    }
}

#[tokio::test]
async fn groups_answer_with_a_struct_for_each_process() {
    let fake = Fake::start();
    let expected = Value::Array(vec![
        Value::record([
            ("name", text("web")),
            ("group", text("web")),
            ("status", Value::Int(80)),
            ("description", text("OK")),
        ]),
        Value::record([
            ("name", text("worker")),
            ("group", text("site")),
            ("status", Value::Int(50)),
            ("description", text("SPAWN_ERROR: worker")),
        ]),
    ]);
    for (method, params, told) in [
        (
            "startProcess",
            vec![text("site:*")],
            "start group site true",
        ),
        (
            "startProcess",
            vec![text("site:"), Value::Bool(false)],
            "start group site false",
        ),
        (
            "startProcessGroup",
            vec![text("site")],
            "start group site true",
        ),
        ("startAllProcesses", vec![], "start all true"),
        (
            "startAllProcesses",
            vec![Value::Bool(false)],
            "start all false",
        ),
        ("stopProcess", vec![text("site:*")], "stop group site true"),
        (
            "stopProcessGroup",
            vec![text("site"), Value::Bool(false)],
            "stop group site false",
        ),
        ("stopAllProcesses", vec![], "stop all true"),
        (
            "signalProcess",
            vec![text("site:*"), text("usr1")],
            "signal group site 10",
        ),
        (
            "signalProcessGroup",
            vec![text("site"), text("KILL")],
            "signal group site 9",
        ),
        ("signalAllProcesses", vec![text("SIGTERM")], "signal all 15"),
        ("clearAllProcessLogs", vec![], "clear all"),
    ] {
        let result = fake
            .call(&format!("supervisor.{method}"), params.clone())
            .await;
        assert_eq!(result.as_ref(), Ok(&expected), "{method} {params:?}");
        assert_eq!(fake.told(), [told], "{method} {params:?}");
    }
}

#[tokio::test]
async fn questions_are_answered() {
    let fake = Fake::start();
    for (method, expected) in [
        ("getAPIVersion", text("3.0")),
        ("getVersion", text("3.0")),
        ("getSupervisorVersion", text("4.3.0")),
        ("getIdentification", text("us")),
        (
            "getState",
            Value::record([("statecode", Value::Int(1)), ("statename", text("RUNNING"))]),
        ),
        (
            "getPID",
            Value::Int(i32::try_from(std::process::id()).unwrap()),
        ),
        (
            "reloadConfig",
            Value::Array(vec![Value::Array(vec![
                Value::Array(vec![text("a"), text("b")]),
                Value::Array(Vec::new()),
                Value::Array(vec![text("c")]),
            ])]),
        ),
    ] {
        let result = fake.call(&format!("supervisor.{method}"), []).await;
        assert_eq!(result, Ok(expected), "{method}");
    }
    let all = fake.call("supervisor.getAllProcessInfo", []).await.unwrap();
    let names: Vec<_> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it.get("name").unwrap().clone())
        .collect();
    assert_eq!(names, [text("worker"), text("web")]);
    let one = fake
        .call("supervisor.getProcessInfo", [text("web")])
        .await
        .unwrap();
    assert_eq!(one.get("statename"), Some(&text("RUNNING")));
}

#[tokio::test]
async fn mistakes_are_faults() {
    let fake = Fake::start();
    let calls: &[(&str, &[Value], &str)] = &[
        ("supervisor.nope", &[], "UNKNOWN_METHOD"),
        ("supervisor", &[], "UNKNOWN_METHOD"),
        ("getState", &[], "UNKNOWN_METHOD"),
        ("supervisor.getState.x", &[], "UNKNOWN_METHOD"),
        (
            "supervisor.supervisord.options.execve",
            &[],
            "UNKNOWN_METHOD",
        ),
        ("supervisor._update", &[], "UNKNOWN_METHOD"),
        (
            "supervisor.getState",
            &[Value::Int(1)],
            "INCORRECT_PARAMETERS",
        ),
        ("supervisor.startProcess", &[], "INCORRECT_PARAMETERS"),
        (
            "supervisor.startProcess",
            &[Value::Int(5)],
            "INCORRECT_PARAMETERS: name must be a string",
        ),
        (
            "supervisor.startProcess",
            &[Value::Nil, Value::Nil, Value::Nil],
            "INCORRECT_PARAMETERS",
        ),
        (
            "supervisor.readLog",
            &[Value::String(String::new()), Value::Int(0)],
            "INCORRECT_PARAMETERS: offset must be an int",
        ),
        (
            "supervisor.readLog",
            &[Value::Int(-1), Value::Int(1)],
            "BAD_ARGUMENTS",
        ),
        (
            "supervisor.readLog",
            &[Value::Int(0), Value::Int(-1)],
            "BAD_ARGUMENTS",
        ),
        ("system.methodHelp", &[Value::Nil], "SIGNATURE_UNSUPPORTED"),
        (
            "system.multicall",
            &[Value::Nil],
            "INCORRECT_PARAMETERS: calls must be an array",
        ),
    ];
    for (method, params, expected) in calls {
        let fault = fake.call(method, params.to_vec()).await.unwrap_err();
        assert_eq!(fault.to_string(), *expected, "{method} {params:?}");
    }
    for (method, params, expected) in [
        (
            "removeProcessGroup",
            vec![text("web")],
            "STILL_RUNNING: web",
        ),
        ("getProcessInfo", vec![text("x")], "BAD_NAME: x"),
        (
            "signalProcess",
            vec![text("web"), text("FOO")],
            "BAD_SIGNAL: FOO",
        ),
        ("signalProcess", vec![text("x"), text("FOO")], "BAD_NAME: x"),
        (
            "signalProcessGroup",
            vec![text("x"), text("FOO")],
            "BAD_NAME: x",
        ),
        (
            "sendProcessStdin",
            vec![text("web"), Value::Int(5)],
            "INCORRECT_PARAMETERS: 5",
        ),
        (
            "readProcessLog",
            vec![text("x"), Value::Int(0), Value::Int(0)],
            "BAD_NAME: x",
        ),
        (
            "readProcessLog",
            vec![text("gone"), Value::Int(0), Value::Int(-1)],
            "NO_FILE: /nowhere/gone.log",
        ),
        (
            "readProcessLog",
            vec![text("silent"), Value::Int(0), Value::Int(0)],
            "NO_FILE",
        ),
        (
            "readProcessLog",
            vec![text("device"), Value::Int(0), Value::Int(0)],
            "FAILED: not a regular file",
        ),
        (
            "tailProcessLog",
            vec![text("x"), Value::Int(0), Value::Int(0)],
            "BAD_NAME: x",
        ),
    ] {
        let fault = fake
            .call(&format!("supervisor.{method}"), params.clone())
            .await
            .unwrap_err();
        assert_eq!(fault.to_string(), expected, "{method} {params:?}");
    }
    // Not a fault of the call, but of each process that could have had the signal.
    let params = [text("FOO")];
    let told = fake.call("supervisor.signalAllProcesses", params).await;
    assert!(told.is_ok(), "{told:?}");
    assert_eq!(fake.told().pop().unwrap(), "signal all BAD_SIGNAL: FOO");
}

#[tokio::test]
async fn logs_are_read_as_text() {
    let fake = Fake::start();
    let (zero, six) = (Value::Int(0), Value::Int(6));
    for (method, name, offset, length, expected) in [
        ("readLog", None, &zero, &zero, text("héllo\x1b\nwörld\n")),
        ("readMainLog", None, &zero, &Value::Int(2), text("hé")),
        ("readProcessLog", Some("web"), &zero, &six, text("héllo")),
        (
            "readProcessStdoutLog",
            Some("web"),
            &six,
            &Value::Int(2),
            text("\x1b\n"),
        ),
        (
            "readProcessStdoutLog",
            Some("web"),
            &Value::Int(-7),
            &zero,
            text("wörld\n"),
        ),
        (
            "tailProcessLog",
            Some("web"),
            &zero,
            &Value::Int(7),
            Value::Array(vec![text("wörld\n"), Value::Int(15), Value::Bool(true)]),
        ),
        (
            "tailProcessStdoutLog",
            Some("web"),
            &Value::Int(15),
            &six,
            Value::Array(vec![text(""), Value::Int(15), Value::Bool(false)]),
        ),
        (
            "tailProcessLog",
            Some("gone"),
            &zero,
            &six,
            Value::Array(vec![text(""), Value::Int(0), Value::Bool(false)]),
        ),
        (
            "tailProcessLog",
            Some("device"),
            &zero,
            &six,
            Value::Array(vec![text(""), Value::Int(0), Value::Bool(false)]),
        ),
    ] {
        let params: Vec<Value> = name
            .map(text)
            .into_iter()
            .chain([offset.clone(), length.clone()])
            .collect();
        let result = fake
            .call(&format!("supervisor.{method}"), params.clone())
            .await;
        assert_eq!(result, Ok(expected), "{method} {params:?}");
    }
    assert!(fake.told().is_empty());
    fake.call(
        "supervisor.readProcessStderrLog",
        [text("web"), zero.clone(), zero.clone()],
    )
    .await
    .unwrap();
    fake.call(
        "supervisor.tailProcessStderrLog",
        [text("web"), zero.clone(), zero],
    )
    .await
    .unwrap();
    assert_eq!(fake.told(), ["stderr of web", "stderr of web"]);
}

#[tokio::test]
async fn an_answer_cannot_hold_more_than_fits() {
    let fake = Fake::start();
    let log = std::fs::OpenOptions::new()
        .write(true)
        .open(&fake.log)
        .unwrap();
    // Two thirds of the limit, and sparse.
    log.set_len(LARGEST_ANSWER / 3 * 2).unwrap();
    let one = Value::record([
        ("methodName", text("supervisor.readProcessLog")),
        (
            "params",
            Value::Array(vec![text("web"), Value::Int(0), Value::Int(0)]),
        ),
    ]);

    let results = fake
        .call("system.multicall", [Value::Array(vec![one.clone(), one])])
        .await;

    let results = results.unwrap();
    let results = results.as_array().unwrap();
    assert!(results[0].as_str().is_some());
    assert_eq!(results[1].get("faultCode"), Some(&Value::Int(30)));
}

#[tokio::test]
async fn a_multicall_has_bare_results() {
    let fake = Fake::start();
    let call = |name: &str, params: Vec<Value>| {
        Value::record([("methodName", text(name)), ("params", Value::Array(params))])
    };
    let calls = vec![
        call("supervisor.getAPIVersion", vec![]),
        Value::record([
            ("methodName", text("supervisor.stopProcess")),
            ("params", Value::Nil),
        ]),
        Value::record([("methodName", text("supervisor.getIdentification"))]),
        call("supervisor.stopProcess", vec![text("web")]),
        call("supervisor.startProcess", vec![text("web")]),
        call("supervisor.getProcessInfo", vec![text("x")]),
        call("supervisor.nope", vec![]),
        call("system.multicall", vec![Value::Array(vec![])]),
        Value::record([("params", Value::Array(vec![]))]),
        Value::Int(5),
    ];
    let fault = |code, string: &str| {
        Value::record([
            ("faultCode", Value::Int(code)),
            ("faultString", text(string)),
        ])
    };

    let results = fake
        .call("system.multicall", [Value::Array(calls)])
        .await
        .unwrap();

    assert_eq!(
        results,
        Value::Array(vec![
            text("3.0"),
            fault(2, "INCORRECT_PARAMETERS: params must be an array"),
            text("us"),
            Value::Bool(true),
            Value::Bool(true),
            fault(10, "BAD_NAME: x"),
            fault(1, "UNKNOWN_METHOD"),
            fault(
                2,
                "INCORRECT_PARAMETERS: Recursive system.multicall forbidden"
            ),
            fault(2, "INCORRECT_PARAMETERS: No methodName"),
            fault(2, "INCORRECT_PARAMETERS: No methodName"),
        ])
    );
    assert_eq!(fake.told(), ["stop web true", "start web true"]);
}

#[tokio::test]
async fn the_system_namespace_describes_the_others() {
    let fake = Fake::start();
    let names = fake.call("system.listMethods", []).await.unwrap();
    let names: Vec<_> = names
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it.as_str().unwrap())
        .collect();
    assert!(names.is_sorted());
    assert!(names.contains(&"supervisor.readProcessLog"));
    assert!(names.contains(&"system.multicall"));
    for name in &names {
        fake.call("system.methodHelp", [text(name)]).await.unwrap();
    }
    for (name, types) in [
        ("supervisor.getState", &["struct"][..]),
        ("supervisor.startProcess", &["boolean", "string", "boolean"]),
        ("supervisor.readLog", &["string", "int", "int"]),
        ("supervisor.readMainLog", &["string", "int", "int"]),
        (
            "supervisor.tailProcessLog",
            &["array", "string", "int", "int"],
        ),
        ("system.multicall", &["array", "array"]),
    ] {
        let signature = fake
            .call("system.methodSignature", [text(name)])
            .await
            .unwrap();
        assert_eq!(
            signature,
            Value::Array(types.iter().map(|kind| text(kind)).collect()),
            "{name}"
        );
    }
    for method in ["system.methodHelp", "system.methodSignature"] {
        let fault = fake
            .call(method, [text("supervisor.nope")])
            .await
            .unwrap_err();
        assert_eq!(fault.to_string(), "SIGNATURE_UNSUPPORTED");
    }
}

#[tokio::test]
async fn without_the_interface_only_system_is_there() {
    let fake = Fake::with_namespace(false);

    let names = fake.call("system.listMethods", []).await.unwrap();

    assert_eq!(names.as_array().unwrap().len(), 4);
    let fault = fake.call("supervisor.getState", []).await.unwrap_err();
    assert_eq!(fault.to_string(), "UNKNOWN_METHOD");
}

#[tokio::test]
async fn without_a_daemon_everything_is_shutting_down() {
    let (handle, requests) = Handle::channel(1);
    drop(requests);
    let api = Api::new(handle, true);
    for method in METHODS
        .iter()
        .filter(|it| it.name().starts_with("supervisor."))
    {
        let params = method
            .params()
            .iter()
            .map(|param| match param.kind {
                Type::Int => Value::Int(0),
                Type::Boolean => Value::Bool(true),
                Type::String | Type::Array | Type::Struct => text("TERM"),
            })
            .collect();
        let call = Call {
            method: method.name().to_owned(),
            params,
        };
        let fault = api.call(call).await.unwrap_err();
        assert_eq!(fault.to_string(), "SHUTDOWN_STATE", "{}", method.name());
    }
}

#[tokio::test]
async fn the_short_way_writes_what_the_long_way_does() {
    let fake = Fake::start();
    for (method, params) in [
        ("supervisor.getAllProcessInfo", vec![]),
        ("supervisor.getAllProcessInfo", vec![Value::Int(1)]),
        ("supervisor.getState", vec![]),
        ("supervisor.nope", vec![]),
    ] {
        let call = Call {
            method: method.to_owned(),
            params: params.clone(),
        };
        let document = fake.api.answer(call).await;
        let long = match fake.call(method, params).await {
            Ok(value) => xml::write_response(&value),
            Err(fault) => xml::write_fault(&fault),
        };
        assert_eq!(
            String::from_utf8(document).unwrap(),
            String::from_utf8(long).unwrap(),
            "{method}"
        );
    }
}

#[tokio::test]
async fn a_multicall_cannot_ask_for_more_than_the_machine_holds() {
    let mut fake = Fake::start();
    fake.api.largest_answer = 20_000;
    let member = |name: &str| Value::record([("methodName", Value::from(name))]);
    let mut calls = vec![member("supervisor.getAllProcessInfo"); 1000];
    calls.push(member("supervisor.getPID"));
    calls.push(member("system.listMethods"));
    calls.push(member("supervisor.getAllConfigInfo"));

    let answer = fake.call("system.multicall", [Value::Array(calls)]).await;

    let results = answer.unwrap();
    let results = results.as_array().unwrap();
    assert_eq!(results.len(), 1003);
    let told = results.iter().filter(|it| it.as_array().is_some()).count();
    assert!((3..50).contains(&told), "{told}");
    let text = "FAILED: the answer would hold more than 20000 bytes";
    for at in [999, 1001, 1002] {
        let fault = results[at].get("faultString").and_then(Value::as_str);
        assert_eq!(fault, Some(text), "{at}");
    }
    // What takes next to nothing is told in any case.
    assert!(results[1000].as_int().is_some());
}
