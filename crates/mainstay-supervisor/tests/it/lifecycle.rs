//! The daemon's own life: start, reread, restart, shutdown.

use std::fs;
use std::process::Command;

use mainstay_supervisor::daemon::State;
use mainstay_supervisor::rpc::Value;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::daemon::{Daemon, is_alive};

const CAT: &str = "[program:cat]\ncommand = cat\nstartsecs = 0\n";

#[test]
fn signals_that_ask_for_an_end_get_an_orderly_one() {
    for (signal, name) in [
        (Signal::SIGTERM, "SIGTERM"),
        (Signal::SIGINT, "SIGINT"),
        (Signal::SIGQUIT, "SIGQUIT"),
    ] {
        let mut daemon = Daemon::with(CAT).start();
        let pid = daemon.wait_for("cat", State::Running);
        assert_eq!(daemon.text("pid"), format!("{}\n", daemon.pid()));

        daemon.signal(signal);

        assert_eq!(daemon.exit().code(), Some(0));
        assert!(!is_alive(pid));
        assert!(!daemon.path("pid").exists() && !daemon.path("s.sock").exists());
        assert!(
            daemon
                .log()
                .contains(&format!("WARN received {name} indicating exit request"))
        );
        assert!(
            daemon
                .log()
                .contains("WARN stopped: cat (terminated by SIGTERM)")
        );
    }
}

#[test]
fn groups_go_down_one_after_another_from_the_last() {
    let mut daemon = Daemon::with(
        "
        [program:first]
        command = cat
        priority = 1
        startsecs = 0
        [program:last]
        command = cat
        priority = 2
        startsecs = 0
        ",
    )
    .start();
    daemon.ask("shutdown", &[]);
    assert_eq!(daemon.exit().code(), Some(0));
    let log = daemon.log();
    assert!(log.find("spawned: 'first'").unwrap() < log.find("spawned: 'last'").unwrap());
    assert!(log.find("stopped: last").unwrap() < log.find("stopped: first").unwrap());
}

#[test]
fn asking_twice_forces() {
    ask_twice(Signal::SIGTERM, Signal::SIGTERM);
    // Ctrl-C, by someone impatient; and a service manager's request after it.
    ask_twice(Signal::SIGINT, Signal::SIGINT);
    ask_twice(Signal::SIGINT, Signal::SIGTERM);
}

#[track_caller]
fn ask_twice(first: Signal, second: Signal) {
    let mut daemon = Daemon::with(
        "
        [program:deaf]
        command = sh -c 'trap \"\" TERM; echo ready; while :; do sleep 100; done'
        stopwaitsecs = 1000
        killasgroup = true
        stdout_logfile = {dir}/deaf.log
        startsecs = 0
        ",
    )
    .start();
    daemon.wait_until("the trap", |daemon| daemon.text("deaf.log") == "ready\n");
    let pid = daemon.info("deaf").pid;
    daemon.signal(first);
    daemon.wait_for_log(&format!(
        "received {} indicating exit request",
        first.as_str()
    ));
    assert!(is_alive(pid));
    daemon.signal(second);
    assert_eq!(daemon.exit().code(), Some(0));
    assert!(!is_alive(pid));
}

#[test]
fn a_restart_keeps_the_pid_and_reads_the_configuration_again() {
    let mut daemon = Daemon::with(CAT).start();
    let old = daemon.wait_for("cat", State::Running);
    daemon.rewrite("[program:dog]\ncommand = cat\nstartsecs = 0\n");

    daemon.signal(Signal::SIGHUP);

    daemon.wait_for_log("spawned: 'dog'");
    daemon.wait_until("the API", |daemon| {
        daemon.call("supervisor.getState", &[]).is_ok()
    });
    daemon.wait_for("dog", State::Running);
    assert!(!is_alive(old));
    assert_eq!(daemon.refuses("getProcessInfo", &["cat"]), "BAD_NAME: cat");
    assert_eq!(daemon.text("pid"), format!("{}\n", daemon.pid()));
    assert!(
        daemon
            .log()
            .contains("WARN received SIGHUP indicating restart request")
    );
}

#[test]
fn a_bad_file_at_restart_leaves_everything_running_and_says_why() {
    let mut daemon = Daemon::with(CAT).start();
    let pid = daemon.wait_for("cat", State::Running);
    daemon.rewrite("[program:cat]\ncommand = cat\nnumprocs = many\n");

    daemon.signal(Signal::SIGHUP);
    daemon.wait_for_log("CRIT not restarting");

    assert!(daemon.log().contains("many"), "{}", daemon.log());
    assert!(daemon.refuses("restart", &[]).starts_with("CANT_REREAD: "));
    assert!(
        daemon
            .refuses("reloadConfig", &[])
            .starts_with("CANT_REREAD: ")
    );
    assert_eq!(daemon.info("cat").pid, pid);
}

#[test]
fn groups_come_and_go_with_the_configuration() {
    let mut daemon = Daemon::with(CAT).start();
    daemon.rewrite(&format!(
        "{CAT}[program:dog]\ncommand = cat\nstartsecs = 0\n"
    ));

    let diff = daemon.ask("reloadConfig", &[]);
    let names = |names: &[&str]| {
        Value::Array(
            names
                .iter()
                .map(|name| Value::String((*name).to_owned()))
                .collect(),
        )
    };
    let expected = [names(&["dog"]), names(&[]), names(&[])];
    assert_eq!(diff, Value::Array(vec![Value::Array(expected.to_vec())]));

    daemon.ask("addProcessGroup", &["dog"]);
    daemon.wait_for("dog", State::Running);
    assert_eq!(
        daemon.refuses("addProcessGroup", &["dog"]),
        "ALREADY_ADDED: dog"
    );
    assert_eq!(daemon.refuses("addProcessGroup", &["cow"]), "BAD_NAME: cow");
    assert_eq!(
        daemon.refuses("removeProcessGroup", &["dog"]),
        "STILL_RUNNING: dog"
    );
    daemon.ask("stopProcess", &["dog"]);
    daemon.ask("removeProcessGroup", &["dog"]);
    assert_eq!(daemon.refuses("getProcessInfo", &["dog"]), "BAD_NAME: dog");
}

#[test]
fn a_second_daemon_is_refused_and_touches_nothing() {
    let daemon = Daemon::with("[program:cat]\ncommand = cat\n").start();
    let listing = || {
        let names = fs::read_dir(daemon.path(""))
            .unwrap()
            .map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    };
    let (before, log) = (listing(), daemon.log());

    // The same configuration; then another socket but the same pidfile.
    let other = daemon.path("other.conf");
    for (from, to) in [("", ""), ("/s.sock", "/t.sock")] {
        let text = fs::read_to_string(daemon.config_file()).unwrap();
        fs::write(&other, text.replace(from, to)).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_mainstayd"))
            .arg("-nc")
            .arg(&other)
            .output()
            .unwrap();
        fs::remove_file(&other).unwrap();
        assert_eq!(output.status.code(), Some(2));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.starts_with("Error: "), "{stderr}");
    }

    assert_eq!(listing(), before);
    assert_eq!(daemon.log(), log);
    assert_eq!(daemon.text("pid"), format!("{}\n", daemon.pid()));
}

#[test]
fn a_killed_daemon_leaves_nothing_that_keeps_the_next_one_from_starting() {
    let mut daemon = Daemon::with(CAT).start();
    let orphan = daemon.wait_for("cat", State::Running);
    daemon.signal(Signal::SIGKILL);
    daemon.exit();
    assert!(daemon.path("s.sock").exists() && daemon.path("pid").exists());

    let mut next = Command::new(env!("CARGO_BIN_EXE_mainstayd"))
        .arg("-nc")
        .arg(daemon.config_file())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let pid = i32::try_from(next.id()).unwrap();
    daemon.wait_until("the next one", |daemon| {
        daemon
            .call("supervisor.getPID", &[])
            .is_ok_and(|got| got == Value::Int(pid))
    });
    kill(Pid::from_raw(pid), Signal::SIGTERM).unwrap();
    assert_eq!(next.wait().unwrap().code(), Some(0));
    // It closed its input when its daemon died.
    daemon.wait_until("the orphan's end", |_| !is_alive(orphan));
}

#[test]
fn in_the_background_it_lets_go_of_its_starter() {
    let mut daemon = Daemon::with(CAT).daemonized().start();
    assert_eq!(daemon.exit().code(), Some(0), "the parent exits at once");
    let pid: i32 = daemon.text("pid").trim().parse().unwrap();
    assert!(is_alive(pid));
    assert!(
        daemon
            .log()
            .contains("INFO daemonizing the supervisord process")
    );
    assert_eq!(
        fs::read_link(format!("/proc/{pid}/fd/1")).unwrap().to_str(),
        Some("/dev/null")
    );
    assert_eq!(daemon.text("stdout"), "");

    daemon.ask("shutdown", &[]);
    daemon.wait_until("its end", |_| !is_alive(pid));
    assert!(!daemon.path("pid").exists());
}

#[test]
fn mistakes_of_the_starter_are_two_lines_and_status_two() {
    for (sections, argument, expected) in [
        (
            "",
            "--nonsense",
            "Error: option --nonsense not recognized\n",
        ),
        (
            "[program:x]\n",
            "-s",
            "Error: program section program:x does not specify a command",
        ),
        (
            "[supervisord]\nminfds = 99999999999\n",
            "-s",
            "Error: The minimum number of file desc",
        ),
    ] {
        let (output, _dir) = Daemon::with(sections).argument(argument).fail();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.starts_with(expected), "{stderr}");
        let last = stderr.lines().last().unwrap();
        assert!(
            last.starts_with("For help, use ") && last.ends_with(" -h"),
            "{stderr}"
        );
        assert_eq!(output.status.code(), Some(2));
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn an_idle_daemon_does_not_wake_up() {
    let mut daemon = Daemon::with(CAT).start();
    daemon.wait_for("cat", State::Running);
    let pid = daemon.pid();
    let switches = || {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("voluntary_ctxt_switches"))
            .unwrap();
        line.rsplit('\t')
            .next()
            .unwrap()
            .trim()
            .parse::<u64>()
            .unwrap()
    };
    // Until it has come to rest: the last answer's connection, the last timer.
    let mut last = switches();
    daemon.wait_until("a second of rest", |_| {
        std::thread::sleep(std::time::Duration::from_secs(1));
        let now = switches();
        let rested = now == last;
        last = now;
        rested
    });
}

#[test]
fn the_first_lines_are_sorted_by_how_bad_they_are() {
    let mut daemon = Daemon::with(
        "
        [supervisord]
        minprocs = 1
        [program:cat]
        command = cat
        autostrat = true
        ",
    )
    .start();
    daemon.wait_for_log("supervisord started");
    let log = daemon.log();
    let (first, _) = log.split_once("INFO RPC interface").unwrap();
    let position = |level: &str| first.find(level);
    let warning = position(" WARN ").expect("one about the key that nobody knows");
    if nix::unistd::geteuid().is_root() {
        let info = first.find(" INFO Set uid to user 0 succeeded").unwrap();
        assert!(warning < info, "{first}");
    }
    assert!(
        position(" CRIT ").is_none_or(|worst| worst < warning),
        "{first}"
    );
}

#[test]
fn a_pidfile_that_cannot_be_written_is_said_in_place_of_the_start() {
    let mut daemon = Daemon::with(
        "
        [supervisord]
        pidfile = {dir}/taken
        [program:cat]
        command = cat
        startsecs = 0
        ",
    )
    .directory("taken")
    .start();
    daemon.wait_for_log("INFO spawned: 'cat'");
    let log = daemon.log();
    let lines: Vec<_> = log
        .lines()
        .map(|line| line.get(24..).unwrap_or(line))
        .collect();
    let at = |what: &str| lines.iter().position(|line| line.starts_with(what));
    let path = daemon.path("taken");
    let said = format!("CRIT could not write pidfile {}", path.display());
    let said = lines.iter().position(|line| *line == said);
    assert!(said.is_some(), "{log}");
    assert!(
        at("INFO RPC interface") < said && said < at("INFO spawned"),
        "{log}"
    );
    assert!(!log.contains("started with pid"), "{log}");
    assert!(log.contains(": Is a directory"), "{log}");
}
