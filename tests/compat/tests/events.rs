//! Listeners as they are in the wild under `mainstayd`, and the same listeners under both daemons.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use compat_tests::{Ctl, Daemon, until, venv};
use tempfile::TempDir;

/// Appends each event's name and payload to `heard`, and answers with the next line of `$ANSWERS`
/// (`|` between them), or `OK` when they have run out.
const LISTENER: &str = r#"
printf 'READY\n'
while read -r header; do
    name=${header#*eventname:}
    payload=$(dd bs=1 count="${header##*len:}" 2>/dev/null; printf x)
    payload=$(printf '%s' "${payload%x}" | tr '\n' '|')
    printf '%s %s\n' "${header%eventname:*}" "${name%% *} $payload" >> heard
    answer=${ANSWERS%%|*}
    case $ANSWERS in *'|'*) ANSWERS=${ANSWERS#*|};; *) ANSWERS=;; esac
    case $answer in
        '') printf 'RESULT 2\nOKREADY\n';;
        *' '*) printf '%s\n' "$answer";;
        *) printf 'RESULT %s\n%sREADY\n' "${#answer}" "$answer";;
    esac
done
"#;

struct Scene {
    daemon: Daemon,
    ctl: Ctl,
    python: std::path::PathBuf,
    _script: TempDir,
}

impl Scene {
    /// With `{listener}` in the sections standing for a command.
    fn start(venv: &Path, ours: bool, sections: &str) -> Self {
        let script = TempDir::new().unwrap();
        let file = script.path().join("listener.sh");
        fs::write(&file, LISTENER).unwrap();
        let sections = sections.replace("{listener}", &format!("sh {}", file.display()));
        let daemon = if ours {
            Daemon::ours(&sections)
        } else {
            Daemon::python(venv, &sections)
        };
        let daemon = daemon.unwrap();
        Self {
            ctl: Ctl::python(venv, daemon.config()),
            daemon,
            python: venv.join("bin/python"),
            _script: script,
        }
    }

    fn say(&self, line: &str) {
        self.ctl.run(line).unwrap();
    }

    /// `sendRemoteCommEvent`, for which `supervisorctl` has no command.
    #[track_caller]
    fn send(&self, data: &str) {
        let (name, password) = Daemon::LOGIN;
        let url = self
            .daemon
            .tcp_url()
            .replace("//", &format!("//{name}:{password}@"));
        let script = "import sys, xmlrpc.client as x\n\
                      assert x.ServerProxy(sys.argv[1]).supervisor.sendRemoteCommEvent('t', sys.argv[2])";
        let mut python = Command::new(&self.python);
        let status = python.args(["-c", script, &url, data]).status().unwrap();
        assert!(status.success(), "{}", self.daemon.log());
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.daemon.folder().join(name)).unwrap_or_default()
    }

    /// Waits until a file in the daemon's folder has this text.
    #[track_caller]
    fn wait_for(&self, name: &str, text: &str) {
        let waited = until(text, || Ok(self.file(name).contains(text)));
        waited.unwrap_or_else(|error| {
            panic!("{error}\n{}\n{}", self.file(name), self.daemon.log());
        });
    }

    /// What was heard, without pids.
    fn heard(&self) -> Vec<String> {
        self.file("heard").lines().map(without_pid).collect()
    }

    /// What the main log says of the listeners and their pools, without times.
    fn protocol(&self) -> Vec<String> {
        const WORDS: [&str; 3] = [" listener ear", " ear: ", " pool ear"];
        let log = self.daemon.log();
        let lines = log
            .lines()
            .filter(|line| WORDS.iter().any(|word| line.contains(word)));
        // `2024-01-01 00:00:00,123 `
        lines.map(|line| line[24..].to_owned()).collect()
    }
}

fn without_pid(line: &str) -> String {
    let Some((before, pid)) = line.split_once("pid:") else {
        return line.to_owned();
    };
    let digits = pid.chars().take_while(char::is_ascii_digit).count();
    let known = if &pid[..digits] == "0" { "0" } else { "N" };
    format!("{before}pid:{known}{}", &pid[digits..])
}

/// Runs a scene under both daemons at once; ours must be as the original.
#[track_caller]
fn same<T: Send + PartialEq + std::fmt::Debug>(sections: &str, scene: impl Fn(&Scene) -> T + Sync) {
    let Some(venv) = venv() else { return };
    let play = |ours| scene(&Scene::start(&venv, ours, sections));
    let (ours, original) = thread::scope(|scope| {
        let original = scope.spawn(|| play(false));
        (play(true), original.join().unwrap())
    });
    assert_eq!(ours, original);
}

#[test]
fn the_same_events_with_the_same_payloads_and_numbers() {
    same(
        "
[eventlistener:ear]
command = {listener}
events = PROCESS_STATE,PROCESS_COMMUNICATION,REMOTE_COMMUNICATION,SUPERVISOR_STATE_CHANGE,PROCESS_GROUP
buffer_size = 100
startsecs = 0
[program:cat]
command = cat
autostart = false
startsecs = 0
[program:talk]
command = sh -c 'sleep 1; printf \"<!--XSUPERVISOR:BEGIN-->hello<!--XSUPERVISOR:END-->\"; exec sleep 1000'
stdout_capture_maxbytes = 1KB
autostart = false
startsecs = 0
[program:flaky]
command = sh -c 'exit 3'
autostart = false
startretries = 1
startsecs = 10
[program:brief]
command = sh -c 'exit 3'
autostart = false
autorestart = false
startsecs = 0
",
        |scene| {
            scene.wait_for("heard", "PROCESS_STATE_RUNNING processname:ear");
            scene.say("start cat");
            scene.say("stop cat");
            scene.say("remove cat");
            scene.say("start talk");
            scene.wait_for("heard", "PROCESS_COMMUNICATION_STDOUT");
            scene.say("start flaky");
            scene.wait_for("heard", "PROCESS_STATE_FATAL");
            scene.say("stop talk");
            scene.say("start brief");
            scene.wait_for("heard", "PROCESS_STATE_EXITED");
            scene.say("add cat");
            scene.send("the end");
            scene.wait_for("heard", "type:t|the end");
            scene.heard()
        },
    );
}

#[test]
fn the_same_lines_in_the_log_for_the_same_answers() {
    same(
        "
[supervisord]
loglevel = debug
[eventlistener:ear]
command = {listener}
environment = ANSWERS=\"OK|FAIL|OK|FOO x\"
events = REMOTE_COMMUNICATION
startsecs = 0
buffer_size = 2
",
        |scene| {
            scene.wait_for("main.log", "ear: ACKNOWLEDGED -> READY");
            scene.send("processed");
            scene.wait_for("main.log", "event was processed");
            scene.send("rejected, then processed");
            scene.wait_for("main.log", "event was rejected");
            until("both", || Ok(scene.file("heard").lines().count() == 3)).unwrap();
            scene.send("answered with rubbish");
            scene.wait_for("main.log", "will no longer receive events");
            scene.wait_for("main.log", "rebuffering event 2");
            // One is in the buffer, two more do not fit.
            for data in ["fourth", "fifth"] {
                scene.send(data);
            }
            scene.wait_for("main.log", "discarding event 2");
            scene.protocol()
        },
    );
}

/// What the mail of a process that ended looks like, by `crashmail`.
#[test]
fn crashmail_and_crashmailbatch_report_a_crash() {
    let Some(venv) = venv() else { return };
    let (sender, mails) = channel();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in server.incoming() {
            receive_mail(client.unwrap(), &sender);
        }
    });
    let bin = venv.join("bin");
    let bin = bin.display();
    let scene = Scene::start(
        &venv,
        true,
        &format!(
            "
[eventlistener:crashmail]
command = {bin}/crashmail -a -m ops@example.org -s 'cat > mail'
events = PROCESS_STATE_EXITED
[eventlistener:crashmailbatch]
command = {bin}/crashmailbatch -t ops@example.org -f site@example.org -s batch -e TICK_5 -i 0.01 -H 127.0.0.1:{port}
events = PROCESS_STATE_EXITED,TICK_5
[program:crash]
command = sh -c 'exit 3'
autostart = false
autorestart = false
startsecs = 0
"
        ),
    );
    for name in ["crashmail", "crashmailbatch"] {
        scene.wait_for("main.log", &format!("success: {name} entered RUNNING"));
    }
    scene.say("start crash");
    scene.wait_for("mail", "Process crash in group crash exited unexpectedly");
    let mail = mails.recv_timeout(Duration::from_secs(30)).unwrap();
    assert!(mail.contains("Subject: batch"), "{mail}");
    assert!(mail.contains("Process crash:crash"), "{mail}");
    assert!(
        !scene.daemon.log().contains("UNKNOWN state"),
        "{}",
        scene.daemon.log()
    );
}

/// As much of SMTP as a client needs that says something once.
fn receive_mail(client: TcpStream, mails: &Sender<String>) {
    let mut answer = client.try_clone().unwrap();
    let mut text = String::new();
    let mut in_data = false;
    answer.write_all(b"220 here\r\n").unwrap();
    for line in BufReader::new(client).lines().map_while(Result::ok) {
        let reply: &[u8] = match line.as_str() {
            "." if in_data => {
                in_data = false;
                // The test may have seen enough.
                let _ = mails.send(std::mem::take(&mut text));
                b"250 taken\r\n"
            }
            line if in_data => {
                text.push_str(line);
                text.push('\n');
                continue;
            }
            line if line.eq_ignore_ascii_case("data") => {
                in_data = true;
                b"354 go on\r\n"
            }
            line if line.eq_ignore_ascii_case("quit") => b"221 bye\r\n",
            _ => b"250 well\r\n",
        };
        if answer.write_all(reply).is_err() {
            return;
        }
    }
}

#[test]
fn httpok_and_memmon_restart_what_misbehaves() {
    let Some(venv) = venv() else { return };
    // Nobody listens there any more.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let bin = venv.join("bin");
    let bin = bin.display();
    let scene = Scene::start(
        &venv,
        true,
        &format!(
            "
[eventlistener:httpok]
command = {bin}/httpok -p web -t 1 -m ops@example.org -s 'cat > mail.web' http://127.0.0.1:{port}/
events = TICK_5
[eventlistener:memmon]
command = {bin}/memmon -p fat=1KB -m ops@example.org -s 'cat > mail.fat'
events = TICK_5
[program:web]
command = sleep 1000
startsecs = 0
[program:fat]
command = sleep 1000
startsecs = 0
"
        ),
    );
    for (name, listener) in [("web", "httpok"), ("fat", "memmon")] {
        let waited = until(&format!("{listener} to restart {name}"), || {
            let spawned = format!("spawned: '{name}'");
            Ok(scene.daemon.log().matches(&spawned).count() >= 2)
        });
        waited.unwrap_or_else(|error| panic!("{error}\n{}", scene.daemon.log()));
        scene.wait_for(&format!("mail.{name}"), "ops@example.org");
    }
    assert!(
        !scene.daemon.log().contains("UNKNOWN state"),
        "{}",
        scene.daemon.log()
    );
}
