//! Python's own `xmlrpc.client` and `mainstayd`.

use std::process::Command;

use compat_tests::{Daemon, PROGRAMS, Said, venv};

/// Runs a Python script that gets the URL of the TCP port, with the login in it, as `url`.
#[track_caller]
fn python(daemon: &Daemon, script: &str) {
    let Some(venv) = venv() else { return };
    let (name, password) = Daemon::LOGIN;
    let url = daemon
        .tcp_url()
        .replace("http://", &format!("http://{name}:{password}@"));
    let prelude = "import sys, xmlrpc.client\n\
                   from xmlrpc.client import Fault, MultiCall, ProtocolError, ServerProxy\n\
                   url = sys.argv[1]\n\
                   proxy = ServerProxy(url)\n\
                   s = proxy.supervisor\n";
    let output = Command::new(venv.join("bin/python"))
        .args(["-c", &format!("{prelude}{script}"), &url])
        .output()
        .unwrap();
    let said = Said::from(output);
    assert_eq!(said.status, Some(0), "{}\n{}", said.stderr, daemon.log());
}

#[test]
fn questions_have_typed_answers() {
    let daemon = Daemon::ours(PROGRAMS).unwrap();
    python(
        &daemon,
        r#"
assert s.getAPIVersion() == s.getVersion() == "3.0"
assert s.getIdentification() == "compat"
assert s.getState() == {"statecode": 1, "statename": "RUNNING"}
assert len(s.getSupervisorVersion().split(".")) == 3
infos = s.getAllProcessInfo()
names = [(i["group"], i["name"]) for i in infos]
assert names == sorted(names), names
assert list(infos[0]) == ["name", "group", "start", "stop", "now", "state", "statename", "spawnerr",
    "exitstatus", "logfile", "stdout_logfile", "stderr_logfile", "pid", "description"], infos[0]
cat = s.getProcessInfo("cat")
assert cat["state"] == 20 and cat["pid"] > 1 and cat["start"] > 1e9, cat
assert cat["description"].startswith("pid %d, uptime 0:0" % cat["pid"]), cat
"#,
    );
}

#[test]
fn faults_carry_code_and_text() {
    let daemon = Daemon::ours(PROGRAMS).unwrap();
    python(
        &daemon,
        r#"
def fault(call, *args):
    try:
        raise AssertionError(call(*args))
    except Fault as fault:
        return fault.faultCode, fault.faultString
assert fault(s.nonsense) == (1, "UNKNOWN_METHOD")
assert fault(proxy.a.b.c) == (1, "UNKNOWN_METHOD")
assert fault(s.getPID, 1) == (2, "INCORRECT_PARAMETERS")
assert fault(s.getProcessInfo, "nope") == (10, "BAD_NAME: nope")
assert fault(s.startProcess, "cat") == (60, "ALREADY_STARTED: cat")
assert fault(s.stopProcess, "off") == (70, "NOT_RUNNING: off")
assert fault(s.startProcess, "missing") == (20, "NO_FILE: can't find command '/no/such/thing'")
assert fault(s.signalProcess, "cat", "NOSIG") == (11, "BAD_SIGNAL: NOSIG")
"#,
    );
}

#[test]
fn processes_start_and_stop() {
    let daemon = Daemon::ours(PROGRAMS).unwrap();
    python(
        &daemon,
        r#"
assert s.stopProcess("cat") is True
assert s.getProcessInfo("cat")["statename"] == "STOPPED"
assert s.startProcess("cat:cat") is True
results = s.stopProcessGroup("web")
assert sorted(r["name"] for r in results) == ["web_00", "web_01"], results
assert all(r["status"] == 80 and r["description"] == "OK" for r in results), results
assert s.sendProcessStdin("cat", "caf\u00e9\n") is True
import time
end = time.time() + 30
while "caf\u00e9" not in s.tailProcessStdoutLog("cat", 0, 100)[0]:
    assert time.time() < end
    time.sleep(0.01)
assert s.shutdown() is True
"#,
    );
}

#[test]
fn a_login_is_needed() {
    let daemon = Daemon::ours(PROGRAMS).unwrap();
    python(
        &daemon,
        r#"
for login in ["", "user:wrong@", "other:correct-horse@"]:
    try:
        ServerProxy(url.replace("user:correct-horse@", login)).supervisor.getState()
        raise AssertionError(login)
    except ProtocolError as error:
        assert error.errcode == 401, error
"#,
    );
}
