//! What children write, where it goes, and that none of it is lost.

use std::fs;
use std::path::PathBuf;

use mainstay_supervisor::daemon::State;
use nix::sys::signal::Signal;

use crate::daemon::Daemon;

/// The AUTO log of a process.
fn auto(daemon: &Daemon, prefix: &str) -> Option<PathBuf> {
    let entries = fs::read_dir(daemon.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let is = |path: &PathBuf| {
        path.file_name()
            .unwrap()
            .to_string_lossy()
            .starts_with(prefix)
    };
    entries.into_iter().find(is)
}

#[test]
fn a_log_rotates_and_keeps_every_byte() {
    let mut daemon = Daemon::with(
        "
        [program:writer]
        command = sh -c 'seq 1 200000; exec cat'
        stdout_logfile = {dir}/writer.log
        stdout_logfile_maxbytes = 100KB
        stdout_logfile_backups = 20
        startsecs = 0
        ",
    )
    .start();
    let expected: String = (1..=200_000).map(|number| format!("{number}\n")).collect();
    // The last write may have filled the file, which is then the first backup.
    let whole = |daemon: &Daemon| -> String {
        let backups = (1..=20)
            .rev()
            .map(|number| daemon.text(&format!("writer.log.{number}")));
        backups.chain([daemon.text("writer.log")]).collect()
    };
    daemon.wait_until("the last line", |daemon| {
        whole(daemon).ends_with("\n200000\n")
    });
    assert!(
        whole(&daemon) == expected,
        "{} bytes are missing or moved",
        expected.len()
    );
    let first = fs::metadata(daemon.path("writer.log.1")).unwrap().len();
    assert!((100 * 1024..(100 + 128) * 1024).contains(&first), "{first}");
}

#[test]
fn last_words_are_in_the_log_when_the_exit_is_reported() {
    let mut daemon = Daemon::with(
        "
        [program:brief]
        command = sh -c 'seq 1 10000; echo oops >&2; exit 3'
        stdout_logfile = {dir}/out.log
        stderr_logfile = {dir}/err.log
        autorestart = false
        startsecs = 0
        ",
    )
    .start();
    daemon.wait_for("brief", State::Exited);
    assert!(daemon.text("out.log").ends_with("9999\n10000\n"));
    assert_eq!(daemon.text("err.log"), "oops\n");
}

#[test]
fn a_grandchild_that_holds_the_pipe_delays_nothing_and_loses_nothing() {
    let mut daemon = Daemon::with(
        "
        [program:parent]
        command = sh -c '(while [ ! -e {dir}/go ]; do sleep 0.01; done; echo late) & echo early; exit 0'
        stdout_logfile = {dir}/parent.log
        autorestart = false
        startsecs = 0
        ",
    )
    .start();
    daemon.wait_for("parent", State::Exited);
    assert_eq!(daemon.text("parent.log"), "early\n");
    fs::write(daemon.path("go"), "").unwrap();
    daemon.wait_until("the late line", |daemon| {
        daemon.text("parent.log") == "early\nlate\n"
    });
}

#[test]
fn auto_logs_are_made_private_and_cleaned_up_at_the_next_start() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut daemon = Daemon::with(
        "
        [program:cat]
        command = sh -c 'echo hello; exec cat'
        startsecs = 0
        ",
    )
    .start();
    let path = auto(&daemon, "cat-stdout---supervisor-").expect("an AUTO log");
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    daemon.wait_until("its line", |_| {
        fs::read_to_string(&path).unwrap() == "hello\n"
    });

    daemon.ask("restart", &[]);
    daemon.wait_until("the old one to go", |_| !path.exists());
    daemon.wait_until("a new one", |daemon| {
        auto(daemon, "cat-stdout---supervisor-").is_some()
    });
}

#[test]
fn logs_are_reopened_on_request() {
    let mut daemon = Daemon::with(
        "
        [program:cat]
        command = cat
        stdout_logfile = {dir}/cat.log
        startsecs = 0
        ",
    )
    .start();
    daemon.ask("sendProcessStdin", &["cat", "before\n"]);
    daemon.wait_until("a line", |daemon| daemon.text("cat.log") == "before\n");
    fs::rename(daemon.path("cat.log"), daemon.path("cat.old")).unwrap();
    fs::rename(daemon.path("main.log"), daemon.path("main.old")).unwrap();

    daemon.signal(Signal::SIGUSR2);
    daemon.wait_for_log("INFO supervisord logreopen");
    daemon.wait_until("the new file", |daemon| daemon.path("cat.log").exists());
    daemon.ask("sendProcessStdin", &["cat", "after\n"]);

    daemon.wait_until("the next line", |daemon| {
        daemon.text("cat.log") == "after\n"
    });
    assert_eq!(daemon.text("cat.old"), "before\n");
    assert!(
        daemon
            .text("main.old")
            .ends_with("INFO received SIGUSR2 indicating log reopen request\n")
    );
}

#[test]
fn clearing_works_while_it_runs_and_when_it_does_not() {
    let mut daemon = Daemon::with(
        "
        [program:cat]
        command = cat
        stdout_logfile = {dir}/cat.log
        startsecs = 0
        ",
    )
    .start();
    for running in [true, false] {
        if !running {
            daemon.ask("stopProcess", &["cat"]);
            fs::write(daemon.path("cat.log"), "old\n").unwrap();
        } else {
            daemon.ask("sendProcessStdin", &["cat", "old\n"]);
            daemon.wait_until("a line", |daemon| daemon.text("cat.log") == "old\n");
        }
        daemon.ask("clearProcessLogs", &["cat"]);
        assert_eq!(daemon.text("cat.log"), "");
        assert!(daemon.path("cat.log").exists());
        if running {
            daemon.ask("sendProcessStdin", &["cat", "new\n"]);
            daemon.wait_until("a line", |daemon| daemon.text("cat.log") == "new\n");
        }
    }
}

#[test]
fn output_can_go_to_the_daemons_own() {
    let mut daemon = Daemon::with(
        "
        [program:echo]
        command = sh -c 'echo from the child; exec cat'
        stdout_logfile = /dev/stdout
        stdout_logfile_maxbytes = 0
        startsecs = 0
        ",
    )
    .start();
    daemon.wait_until("both", |daemon| {
        let stdout = daemon.text("stdout");
        stdout.contains("from the child\n") && stdout.contains("INFO success: echo entered RUNNING")
    });
}

#[test]
fn debugging_shows_output_in_the_main_log() {
    let mut daemon = Daemon::with(
        "
        [program:echo]
        command = sh -c 'echo visible; exec cat'
        startsecs = 0
        ",
    )
    .argument("-e")
    .argument("debug")
    .start();
    daemon.wait_for_log("DEBG 'echo' stdout output:\nvisible\n");
}

#[test]
fn at_trace_every_request_has_a_line() {
    let mut daemon = Daemon::with("[supervisord]\nloglevel = trace\n").start();
    daemon.call("supervisor.getState", &[]).unwrap();
    // As the answer may be here before its line.
    daemon.wait_for_log("\"POST /RPC2 HTTP/1.1\" 200 ");
    let uid = nix::unistd::geteuid();
    let log = daemon.log();
    let line = log
        .lines()
        .find(|line| line.contains("\"POST /RPC2 HTTP/1.1\" 200 "));
    assert!(
        line.is_some_and(|line| line.contains(&format!(" TRAC uid {uid} - - ["))),
        "{log}"
    );
}
