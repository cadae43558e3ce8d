//! Starting, stopping and restarting: `spec` sections 11 and 12 with real children.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use mainstay_supervisor::daemon::State;
use mainstay_supervisor::rpc::Value;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::daemon::{Daemon, is_alive};

#[test]
fn a_program_that_is_killed_comes_back() {
    let mut daemon = Daemon::with("[program:cat]\ncommand = cat\nstartsecs = 0\n").start();
    let first = daemon.wait_for("cat", State::Running);

    kill(Pid::from_raw(first), Signal::SIGKILL).unwrap();

    daemon.wait_until("a new pid", |daemon| {
        let info = daemon.info("cat");
        info.is_running() && info.pid != first
    });
    assert!(
        daemon
            .log()
            .contains("WARN exited: cat (terminated by SIGKILL; not expected)")
    );
    assert_eq!(daemon.spawns("cat"), 2);
}

#[test]
fn a_program_that_exits_early_is_retried_and_then_fatal() {
    let mut daemon = Daemon::with(
        "
        [program:flaky]
        command = sh -c 'exit 0'
        startretries = 1
        ",
    )
    .start();

    daemon.wait_for("flaky", State::Fatal);

    assert_eq!(daemon.spawns("flaky"), 2);
    assert_eq!(
        daemon.info("flaky").description,
        "Exited too quickly (process log may have details)"
    );
}

#[test]
fn what_cannot_be_started_says_why() {
    let mut daemon = Daemon::with(
        "
        [program:missing]
        command = /no/such/program
        autostart = false
        [program:directory]
        command = /usr
        autostart = false
        [program:broken]
        command = {dir}/broken
        autostart = false
        startretries = 0
        redirect_stderr = true
        stdout_logfile = {dir}/broken.log
        [program:lost]
        command = cat
        directory = /no/such/directory
        autostart = false
        startretries = 0
        stderr_logfile = {dir}/lost.log
        [program:unlogged]
        command = cat
        stdout_logfile = {dir}/gone/log
        autostart = false
        ",
    )
    .file(
        "broken",
        "no interpreter line, and no machine's code either",
    )
    .directory("gone")
    .start();
    let path = daemon.path("broken");
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    fs::remove_dir(daemon.path("gone")).unwrap();

    let start = |daemon: &mut Daemon, name| daemon.refuses("startProcess", &[name]);
    assert_eq!(start(&mut daemon, "nobody"), "BAD_NAME: nobody");
    assert_eq!(
        start(&mut daemon, "missing"),
        "NO_FILE: can't find command '/no/such/program'"
    );
    assert_eq!(
        start(&mut daemon, "directory"),
        "NOT_EXECUTABLE: command at '/usr' is a directory"
    );
    assert_eq!(start(&mut daemon, "broken"), "SPAWN_ERROR: broken");
    assert_eq!(
        daemon.text("broken.log"),
        format!(
            "supervisor: couldn't exec {}: ENOEXEC\nsupervisor: child process was not spawned\n",
            path.display()
        )
    );
    assert!(
        daemon
            .log()
            .contains("exited: broken (exit status 127; not expected)")
    );
    assert_eq!(start(&mut daemon, "lost"), "SPAWN_ERROR: lost");
    assert_eq!(
        daemon.text("lost.log"),
        "supervisor: couldn't chdir to /no/such/directory: ENOENT\n\
         supervisor: child process was not spawned\n"
    );
    assert_eq!(start(&mut daemon, "unlogged"), "SPAWN_ERROR: unlogged");
    assert!(
        daemon
            .log()
            .contains("spawnerr: unknown error making dispatchers for 'unlogged': ENOENT")
    );
}

#[test]
fn a_program_that_ignores_the_stop_signal_is_killed() {
    let mut daemon = Daemon::with(
        "
        [program:deaf]
        command = sh -c 'trap \"\" TERM; echo ready; while :; do sleep 100; done'
        stopwaitsecs = 1
        stdout_logfile = {dir}/deaf.log
        killasgroup = true
        startsecs = 0
        ",
    )
    .start();
    daemon.wait_until("the trap", |daemon| daemon.text("deaf.log") == "ready\n");
    let pid = daemon.info("deaf").pid;

    daemon.ask("stopProcess", &["deaf"]);

    assert!(!is_alive(pid));
    assert!(
        daemon
            .log()
            .contains(&format!("WARN killing 'deaf' ({pid}) with SIGKILL"))
    );
    assert!(
        daemon
            .log()
            .contains("WARN stopped: deaf (terminated by SIGKILL)")
    );
    assert_eq!(daemon.info("deaf").statename, "STOPPED");
    assert_eq!(
        daemon.refuses("stopProcess", &["deaf"]),
        "NOT_RUNNING: deaf"
    );
}

#[test]
fn the_whole_process_group_is_stopped_where_that_is_wanted() {
    let mut daemon = Daemon::with(
        "
        [program:family]
        command = sh -c 'sleep 1000 & echo $!; wait'
        stopasgroup = true
        stdout_logfile = {dir}/family.log
        startsecs = 0
        ",
    )
    .start();
    daemon.wait_until("the grandchild", |daemon| {
        daemon.text("family.log").ends_with('\n')
    });
    let grandchild: i32 = daemon.text("family.log").trim().parse().unwrap();
    assert!(is_alive(grandchild));

    daemon.ask("stopProcess", &["family"]);

    daemon.wait_until("the grandchild's end", |_| !is_alive(grandchild));
}

#[test]
fn a_child_gets_what_it_was_promised() {
    let mut daemon = Daemon::with(
        "
        [supervisord]
        environment = A=\"one\",B=\"%(ENV_FROM_OUTSIDE)s\"
        [program:child]
        command = sh -c 'env | sort; pwd; umask; echo pgid $(ps -o pgid= -p $$) $$; \
            grep -E \"Sig(Blk|Ign|Cgt)\" /proc/self/status; ls /proc/self/fd; echo end; exec cat'
        directory = {dir}
        umask = 027
        environment = B=\"two\",C=\"3\"
        stdout_logfile = {dir}/child.log
        startsecs = 0
        ",
    )
    .environment("FROM_OUTSIDE", "outside")
    .start();
    daemon.wait_until("the child's report", |daemon| {
        daemon.text("child.log").contains("end\n")
    });
    let report = daemon.text("child.log");
    let has = |line: &str| assert!(report.lines().any(|l| l == line), "{line:?} in\n{report}");
    let directory = daemon.path("").canonicalize().unwrap();
    has("A=one");
    has("B=two");
    has("C=3");
    has("FROM_OUTSIDE=outside");
    has("SUPERVISOR_ENABLED=1");
    has("SUPERVISOR_PROCESS_NAME=child");
    has("SUPERVISOR_GROUP_NAME=child");
    has(&format!("SUPERVISOR_SERVER_URL={}", daemon.url()));
    has(&directory.display().to_string());
    has("0027");
    let pid = daemon.info("child").pid;
    has(&format!("pgid {pid} {pid}"));
    // Nothing blocked, nothing ignored: SIGPIPE least of all.
    has("SigBlk:\t0000000000000000");
    has("SigIgn:\t0000000000000000");
    let descriptors: Vec<_> = report
        .lines()
        .filter(|line| line.parse::<u32>().is_ok())
        .collect();
    // The fourth is the directory that `ls` lists.
    assert_eq!(descriptors, ["0027", "0", "1", "2", "3"]);
}

#[test]
fn standard_input_reaches_the_child_and_stays_open() {
    let mut daemon = Daemon::with(
        "[program:cat]\ncommand = cat\nstdout_logfile = {dir}/cat.log\nstartsecs = 0\n",
    )
    .start();
    daemon.ask("sendProcessStdin", &["cat", "one\n"]);
    daemon.ask("sendProcessStdin", &["cat", "zwölf\n"]);
    daemon.wait_until("the echo", |daemon| {
        daemon.text("cat.log") == "one\nzwölf\n"
    });
    daemon.ask("stopProcess", &["cat"]);
    assert_eq!(
        daemon.refuses("sendProcessStdin", &["cat", "x"]),
        "NOT_RUNNING: cat"
    );
}

#[test]
fn another_user_runs_with_his_groups() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let mut daemon = Daemon::with(
        "
        [program:other]
        command = sh -c 'id -u; id -g; id -G; exec cat'
        user = nobody
        stdout_logfile = {dir}/other.log
        startsecs = 0
        ",
    )
    .start();
    daemon.wait_until("its report", |daemon| {
        daemon.text("other.log").lines().count() == 3
    });
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap();
    let report = daemon.text("other.log");
    let lines: Vec<_> = report.lines().collect();
    assert_eq!(lines[0], nobody.uid.to_string());
    assert_eq!(lines[1], nobody.gid.to_string());
    assert!(lines[2].split(' ').all(|group| group != "0"), "{report}");
    assert_eq!(
        fs::metadata(daemon.path("other.log")).unwrap().uid(),
        0,
        "the daemon's file"
    );
}

#[test]
fn groups_answer_for_all_their_members() {
    let mut daemon = Daemon::with(
        "
        [program:a]
        command = cat
        priority = 2
        startsecs = 0
        [program:b]
        command = cat
        numprocs = 2
        process_name = %(program_name)s_%(process_num)02d
        priority = 1
        startsecs = 0
        [group:pets]
        programs = a,b
        ",
    )
    .start();
    for name in ["pets:a", "pets:b_00", "pets:b_01"] {
        daemon.wait_for(name, State::Running);
    }
    let log = daemon.log();
    let at = |text: &str| log.find(text).unwrap_or_else(|| panic!("{text} in\n{log}"));
    assert!(at("spawned: 'b_00'") < at("spawned: 'b_01'"));
    assert!(
        at("spawned: 'b_01'") < at("spawned: 'a'"),
        "ascending priority"
    );

    let outcomes = daemon.ask("stopProcessGroup", &["pets"]);
    let Value::Array(outcomes) = outcomes else {
        panic!("{outcomes:?}")
    };
    assert_eq!(outcomes.len(), 3);
    for outcome in outcomes {
        assert_eq!(
            outcome.get("status").and_then(Value::as_int),
            Some(80),
            "{outcome:?}"
        );
    }
    assert_eq!(
        daemon.refuses("startProcessGroup", &["nobody"]),
        "BAD_NAME: nobody"
    );
}

#[test]
fn a_signal_goes_to_the_process_and_changes_nothing() {
    let mut daemon = Daemon::with(
        "
        [program:listener]
        command = sh -c 'trap \"echo got it\" USR1; echo ready; while :; do sleep 0.01; done'
        stdout_logfile = {dir}/listener.log
        startsecs = 0
        ",
    )
    .start();
    daemon.wait_until("the trap", |daemon| {
        daemon.text("listener.log") == "ready\n"
    });
    daemon.ask("signalProcess", &["listener", "USR1"]);
    daemon.wait_until("the answer", |daemon| {
        daemon.text("listener.log") == "ready\ngot it\n"
    });
    assert_eq!(daemon.info("listener").statename, "RUNNING");
    assert_eq!(
        daemon.refuses("signalProcess", &["listener", "NOPE"]),
        "BAD_SIGNAL: NOPE"
    );
}

#[test]
fn a_start_waits_for_the_outcome() {
    let mut daemon = Daemon::with(
        "
        [program:fine]
        command = cat
        autostart = false
        [program:quick]
        command = false
        autostart = false
        ",
    )
    .start();
    assert_eq!(daemon.ask("startProcess", &["fine"]), Value::Bool(true));
    assert_eq!(daemon.info("fine").statename, "RUNNING");
    assert_eq!(
        daemon.refuses("startProcess", &["fine"]),
        "ALREADY_STARTED: fine"
    );
    assert_eq!(
        daemon.refuses("startProcess", &["quick"]),
        "SPAWN_ERROR: quick"
    );
}
