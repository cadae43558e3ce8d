//! Events and their listeners: real ones, written in `sh`.
//!
//! A listener of these tests writes down what it gets, one event a line: the header's `eventname`,
//! then the payload with its line feeds made visible.

use std::time::{Duration, Instant};

use mainstay_supervisor::daemon::State;
use nix::sys::signal::Signal;

use crate::daemon::{Daemon, is_alive};

/// Answers `$ANSWER` (or `OK`) and appends to `{name}.events`.
const LISTENER: &str = r#"
answer=${ANSWER:-OK}
printf 'READY\n'
while read -r header; do
    name=${header#*eventname:}
    payload=$(dd bs=1 count="${header##*len:}" 2>/dev/null; printf x)
    payload=${payload%x}
    printf '%s %s\n' "${name%% *}" "$(printf '%s' "$payload" | tr '\n' '|')" \
        >> "$SUPERVISOR_PROCESS_NAME.events"
    printf '%s\n' "$header" >> "$SUPERVISOR_PROCESS_NAME.headers"
    printf 'RESULT %s\n%sREADY\n' "${#answer}" "$answer"
done
"#;

fn daemon(sections: &str) -> Daemon {
    Daemon::with(sections)
        .file("listener.sh", LISTENER)
        .argument("-e")
        .argument("debug")
        .start()
}

/// The lines that a listener has written, with the pids made one.
fn heard(daemon: &Daemon, listener: &str) -> Vec<String> {
    let text = daemon.text(&format!("{listener}.events"));
    let same = |line: &str| {
        let mut words: Vec<_> = line.split(' ').map(str::to_owned).collect();
        for word in &mut words {
            if let Some((pid, rest)) = word.strip_prefix("pid:").map(|pid| {
                let end = pid.find(|c: char| !c.is_ascii_digit()).unwrap_or(pid.len());
                pid.split_at(end)
            }) {
                let known = if pid == "0" { "0" } else { "N" };
                *word = format!("pid:{known}{rest}");
            }
        }
        words.join(" ")
    };
    text.lines().map(same).collect()
}

#[track_caller]
fn wait_for_event(daemon: &mut Daemon, listener: &str, event: &str) {
    daemon.wait_until(&format!("{listener} to hear {event:?}"), |daemon| {
        heard(daemon, listener).iter().any(|line| line == event)
    });
}

#[test]
fn the_life_of_a_process_is_told_from_its_group_to_its_end() {
    let mut daemon = daemon(
        "
        [eventlistener:ear]
        command = sh listener.sh
        events = PROCESS_STATE, PROCESS_GROUP, SUPERVISOR_STATE_CHANGE
        startsecs = 0
        buffer_size = 100
        [program:cat]
        command = cat
        startsecs = 0
        [program:flaky]
        command = sh -c 'exit 3'
        startretries = 1
        autostart = false
        [program:brief]
        command = sh -c 'exit 3'
        startsecs = 0
        autorestart = false
        autostart = false
        ",
    );
    wait_for_event(
        &mut daemon,
        "ear",
        "PROCESS_STATE_RUNNING processname:cat groupname:cat from_state:STARTING pid:N",
    );
    assert_eq!(
        heard(&daemon, "ear"),
        [
            "PROCESS_GROUP_ADDED groupname:ear|",
            "PROCESS_GROUP_ADDED groupname:brief|",
            "PROCESS_GROUP_ADDED groupname:cat|",
            "PROCESS_GROUP_ADDED groupname:flaky|",
            "SUPERVISOR_STATE_CHANGE_RUNNING ",
            "PROCESS_STATE_STARTING processname:ear groupname:ear from_state:STOPPED tries:0",
            "PROCESS_STATE_RUNNING processname:ear groupname:ear from_state:STARTING pid:N",
            "PROCESS_STATE_STARTING processname:cat groupname:cat from_state:STOPPED tries:0",
            "PROCESS_STATE_RUNNING processname:cat groupname:cat from_state:STARTING pid:N",
        ]
    );
    let before = heard(&daemon, "ear").len();

    daemon.ask("stopProcess", &["cat"]);
    daemon.ask("removeProcessGroup", &["cat"]);
    daemon.refuses("startProcess", &["flaky"]);
    daemon.wait_for("flaky", State::Fatal);
    daemon.ask("startProcess", &["brief"]);
    wait_for_event(
        &mut daemon,
        "ear",
        "PROCESS_STATE_EXITED processname:brief groupname:brief from_state:RUNNING expected:0 pid:N",
    );
    assert_eq!(
        heard(&daemon, "ear")[before..],
        [
            "PROCESS_STATE_STOPPING processname:cat groupname:cat from_state:RUNNING pid:N",
            "PROCESS_STATE_STOPPED processname:cat groupname:cat from_state:STOPPING pid:N",
            "PROCESS_GROUP_REMOVED groupname:cat|",
            "PROCESS_STATE_STARTING processname:flaky groupname:flaky from_state:STOPPED tries:0",
            "PROCESS_STATE_BACKOFF processname:flaky groupname:flaky from_state:STARTING tries:1",
            "PROCESS_STATE_STARTING processname:flaky groupname:flaky from_state:BACKOFF tries:1",
            "PROCESS_STATE_BACKOFF processname:flaky groupname:flaky from_state:STARTING tries:2",
            "PROCESS_STATE_FATAL processname:flaky groupname:flaky from_state:BACKOFF",
            "PROCESS_STATE_STARTING processname:brief groupname:brief from_state:STOPPED tries:0",
            "PROCESS_STATE_RUNNING processname:brief groupname:brief from_state:STARTING pid:N",
            "PROCESS_STATE_EXITED processname:brief groupname:brief from_state:RUNNING expected:0 \
             pid:N",
        ]
    );
}

#[test]
fn what_happens_at_the_end_is_heard_before_the_listeners_end() {
    let mut daemon = daemon(
        "
        [eventlistener:ear]
        command = sh listener.sh
        events = PROCESS_STATE_STOPPED, SUPERVISOR_STATE_CHANGE_STOPPING, REMOTE_COMMUNICATION
        startsecs = 0
        [program:one]
        command = cat
        startsecs = 0
        [program:two]
        command = sh -c 'trap \"\" TERM; while :; do sleep 1000; done'
        stopwaitsecs = 2
        stopasgroup = true
        startsecs = 0
        ",
    );
    daemon.wait_for("ear", State::Running);
    daemon.wait_for("two", State::Running);
    daemon.ask("shutdown", &[]);
    // Other methods are refused by now.
    daemon.ask("sendRemoteCommEvent", &["deploy", "late"]);
    assert_eq!(daemon.refuses("getState", &[]), "SHUTDOWN_STATE");
    assert!(daemon.exit().success());
    assert_eq!(
        heard(&daemon, "ear"),
        [
            "SUPERVISOR_STATE_CHANGE_STOPPING ",
            "REMOTE_COMMUNICATION type:deploy|late",
            "PROCESS_STATE_STOPPED processname:two groupname:two from_state:STOPPING pid:N",
            "PROCESS_STATE_STOPPED processname:one groupname:one from_state:STOPPING pid:N",
        ]
    );
}

#[test]
fn a_listener_that_never_answers_delays_the_end_a_little_only() {
    let mut daemon = daemon(
        "
        [eventlistener:ear]
        command = sh -c 'echo READY; exec sleep 1000'
        events = EVENT
        startsecs = 0
        ",
    );
    daemon.wait_for_log("sent to listener ear");
    let begin = Instant::now();
    daemon.signal(Signal::SIGTERM);
    assert!(daemon.exit().success());
    assert!(begin.elapsed() < Duration::from_secs(5));
}

#[test]
fn output_becomes_events_where_that_is_wanted() {
    let mut daemon = daemon(
        "
        [eventlistener:ear]
        command = sh listener.sh
        events = PROCESS_LOG, PROCESS_COMMUNICATION
        startsecs = 0
        [program:talk]
        command = sh -c 'printf \"plain\"; printf \"<!--XSUPERVISOR:BEGIN-->secret<!--XSUPERVISOR:END-->rest<!--X\" >&2'
        stdout_events_enabled = true
        stdout_logfile = {dir}/out.log
        stderr_capture_maxbytes = 1KB
        stderr_logfile = {dir}/err.log
        startsecs = 0
        autorestart = false
        [program:quiet]
        command = echo nobody is told
        startsecs = 0
        autorestart = false
        ",
    );
    daemon.wait_for("talk", State::Exited);
    daemon.wait_until("both events", |daemon| heard(daemon, "ear").len() == 2);
    let mut events = heard(&daemon, "ear");
    events.sort();
    assert_eq!(
        events,
        [
            "PROCESS_COMMUNICATION_STDERR processname:talk groupname:talk pid:N|secret",
            "PROCESS_LOG_STDOUT processname:talk groupname:talk pid:N channel:stdout|plain",
        ]
    );
    daemon.wait_for_log("DEBG 'talk' stderr emitted a comm event");
    daemon.wait_until("the rest in the log", |daemon| {
        daemon.text("err.log") == "rest<!--X"
    });
    assert_eq!(daemon.text("out.log"), "plain");
}

#[test]
fn the_protocol_is_followed_in_the_log() {
    let mut daemon = daemon(
        "
        [eventlistener:ear]
        command = sh listener.sh
        events = REMOTE_COMMUNICATION
        stdout_logfile = {dir}/ear.log
        startsecs = 0
        [eventlistener:no]
        command = sh listener.sh
        environment = ANSWER=FAIL
        events = REMOTE_COMMUNICATION
        startsecs = 0
        ",
    );
    daemon.wait_for_log("DEBG no: ACKNOWLEDGED -> READY");
    daemon.wait_for_log("DEBG ear: ACKNOWLEDGED -> READY");
    daemon.ask("sendRemoteCommEvent", &["x", "é"]);
    for line in [
        "DEBG event 0 sent to listener ear",
        "DEBG ear: event was processed",
        "DEBG ear: BUSY -> ACKNOWLEDGED",
        "WARN no: event was rejected",
        "DEBG no: BUSY -> ACKNOWLEDGED",
        "DEBG rebuffering event 0 for pool no (buf size=0, max=10)",
    ] {
        daemon.wait_for_log(line);
    }
    // Bytes are counted, not characters.
    daemon.wait_until("the header", |daemon| {
        !daemon.text("ear.headers").is_empty()
    });
    assert_eq!(
        daemon.text("ear.headers"),
        "ver:3.0 server:supervisor serial:0 pool:ear poolserial:0 \
         eventname:REMOTE_COMMUNICATION len:9\n"
    );
    daemon.wait_until("the protocol in the log", |daemon| {
        daemon.text("ear.log") == "READY\nRESULT 2\nOKREADY\n"
    });
    // It gets the same event again and again, and a second one never.
    daemon.wait_until("repetitions", |daemon| heard(daemon, "no").len() > 10);
    daemon.ask("sendRemoteCommEvent", &["x", "second"]);
    wait_for_event(&mut daemon, "ear", "REMOTE_COMMUNICATION type:x|second");
    assert!(heard(&daemon, "no").iter().all(|line| line.ends_with("|é")));
}

#[test]
fn a_listener_that_rejects_everything_burns_nothing() {
    let mut daemon = daemon(
        "
        [eventlistener:no]
        command = sh listener.sh
        environment = ANSWER=FAIL
        events = REMOTE_COMMUNICATION
        startsecs = 0
        ",
    );
    daemon.wait_for_log("no: ACKNOWLEDGED -> READY");
    daemon.ask("sendRemoteCommEvent", &["x", "y"]);
    daemon.wait_until("the brake", |daemon| heard(daemon, "no").len() > 20);
    let (begin, before) = (Instant::now(), heard(&daemon, "no").len());
    daemon.wait_until("some more", |daemon| {
        heard(daemon, "no").len() >= before + 5
    });
    // Each is sent a tenth of a second after it was rejected.
    assert!(
        begin.elapsed() >= Duration::from_millis(400),
        "{:?}",
        begin.elapsed()
    );
}

#[test]
fn a_listener_that_does_not_read_holds_nothing_up() {
    let mut daemon = daemon(
        "
        [eventlistener:deaf]
        command = sh -c 'echo READY; exec sleep 1000'
        events = REMOTE_COMMUNICATION
        startsecs = 0
        ",
    );
    daemon.wait_for_log("deaf: ACKNOWLEDGED -> READY");
    daemon.wait_for("deaf", State::Running);
    // More than a pipe holds, several times; and more than the buffer holds.
    let large = "x".repeat(300_000);
    for number in 0..15 {
        daemon.ask("sendRemoteCommEvent", &[&number.to_string(), &large]);
    }
    daemon.wait_for_log("ERRO pool deaf event buffer overflowed, discarding event 1");
    assert!(
        !daemon
            .log()
            .contains("pool deaf event buffer overflowed, discarding event 0")
    );
    assert!(daemon.info("deaf").is_running());
}

#[test]
fn one_that_talks_out_of_turn_is_put_aside_and_a_restart_forgives() {
    let mut daemon = daemon(
        "
        [eventlistener:odd]
        command = sh -c 'test -e good && exec sh listener.sh; echo hello; exec sleep 1000'
        events = REMOTE_COMMUNICATION
        startsecs = 0
        ",
    );
    daemon.wait_for_log("DEBG odd: ACKNOWLEDGED -> UNKNOWN");
    daemon.wait_for_log(
        "WARN odd: has entered the UNKNOWN state and will no longer receive events, this usually \
         indicates the process violated the eventlistener protocol",
    );
    let pid = daemon.wait_for("odd", State::Running);
    daemon.ask("sendRemoteCommEvent", &["x", "kept"]);
    assert!(is_alive(pid));
    std::fs::write(daemon.path("good"), "").unwrap();
    daemon.ask("stopProcess", &["odd"]);
    daemon.ask("startProcess", &["odd"]);
    wait_for_event(&mut daemon, "odd", "REMOTE_COMMUNICATION type:x|kept");
}

#[test]
fn an_event_that_a_dying_listener_had_is_sent_again() {
    let mut daemon = daemon(
        "
        [eventlistener:weak]
        command = sh -c 'test -e strong && exec sh listener.sh; echo READY; read x; touch strong; exit 1'
        events = REMOTE_COMMUNICATION
        startsecs = 0
        ",
    );
    daemon.wait_for_log("weak: ACKNOWLEDGED -> READY");
    daemon.ask("sendRemoteCommEvent", &["x", "again"]);
    wait_for_event(&mut daemon, "weak", "REMOTE_COMMUNICATION type:x|again");
    assert_eq!(daemon.spawns("weak"), 2);
    let header = daemon.text("weak.headers");
    assert!(
        header.contains("serial:0 pool:weak poolserial:0 "),
        "{header}"
    );
}

#[test]
fn several_listeners_of_a_pool_share_the_work_and_a_new_pool_hears_from_its_arrival_on() {
    let mut daemon = daemon(
        "
        [eventlistener:crew]
        command = sh listener.sh
        process_name = crew%(process_num)d
        numprocs = 2
        events = REMOTE_COMMUNICATION
        startsecs = 0
        buffer_size = 100
        ",
    );
    for name in ["crew0", "crew1"] {
        daemon.wait_for_log(&format!("{name}: ACKNOWLEDGED -> READY"));
    }
    for number in 0..20 {
        daemon.ask("sendRemoteCommEvent", &["n", &number.to_string()]);
    }
    daemon.wait_until("all of them", |daemon| {
        heard(daemon, "crew0").len() + heard(daemon, "crew1").len() == 20
    });
    let mut all = [heard(&daemon, "crew0"), heard(&daemon, "crew1")].concat();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 20);

    daemon.rewrite(
        "
        [eventlistener:late]
        command = sh listener.sh
        events = PROCESS_GROUP_ADDED,REMOTE_COMMUNICATION
        startsecs = 0
        ",
    );
    daemon.ask("reloadConfig", &[]);
    daemon.ask("addProcessGroup", &["late"]);
    daemon.ask("sendRemoteCommEvent", &["n", "last"]);
    wait_for_event(&mut daemon, "late", "REMOTE_COMMUNICATION type:n|last");
    assert_eq!(
        heard(&daemon, "late"),
        [
            "PROCESS_GROUP_ADDED groupname:late|",
            "REMOTE_COMMUNICATION type:n|last"
        ]
    );
    // Serial numbers are the daemon's, pool serials the pool's.
    let headers = daemon.text("late.headers");
    assert!(
        headers.contains("serial:20 pool:late poolserial:0 "),
        "{headers}"
    );
    assert!(
        headers.contains("serial:21 pool:late poolserial:1 "),
        "{headers}"
    );
}

#[test]
fn events_are_counted_over_a_restart() {
    let mut daemon = daemon(
        "
        [eventlistener:ear]
        command = sh listener.sh
        events = REMOTE_COMMUNICATION
        startsecs = 0
        ",
    );
    daemon.ask("sendRemoteCommEvent", &["x", "first"]);
    wait_for_event(&mut daemon, "ear", "REMOTE_COMMUNICATION type:x|first");
    daemon.signal(Signal::SIGHUP);
    daemon.wait_until("the second life", |daemon| daemon.spawns("ear") == 2);
    daemon.wait_until("the API", |daemon| {
        daemon.call("supervisor.getState", &[]).is_ok()
    });
    daemon.ask("sendRemoteCommEvent", &["x", "second"]);
    wait_for_event(&mut daemon, "ear", "REMOTE_COMMUNICATION type:x|second");
    let headers = daemon.text("ear.headers");
    assert!(
        headers.contains("serial:1 pool:ear poolserial:0 "),
        "{headers}"
    );
}
