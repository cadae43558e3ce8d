//! Restarts that must not go wrong, and the signals that come in the middle of one.

use std::fs::{self, File, Permissions};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;

use mainstay_supervisor::daemon::State;
use mainstay_supervisor::rpc::Value;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::Signal;

use crate::daemon::Daemon;

const CAT: &str = "[program:cat]\ncommand = cat\nstartsecs = 0\n";

/// Takes its time to stop: until there is a file `go`.
const SLOW: &str = "
    [program:slow]
    command = sh -c 'trap \"while [ ! -e {dir}/go ];do sleep 0.02;done;echo flushed;exit\" TERM;echo ready;while :;do sleep 0.02;done'
    stdout_logfile = {dir}/slow.log
    startsecs = 0
    ";

fn slow() -> Daemon {
    let mut daemon = Daemon::with(SLOW).start();
    daemon.wait_until("the trap", |daemon| daemon.text("slow.log") == "ready\n");
    daemon
}

#[test]
fn a_signal_after_a_shutdown_by_the_api_is_the_first_and_forces_nothing() {
    let mut daemon = slow();
    daemon.ask("shutdown", &[]);

    daemon.signal(Signal::SIGTERM);
    daemon.wait_for_log("received SIGTERM indicating exit request");
    fs::write(daemon.path("go"), "").unwrap();

    assert_eq!(daemon.exit().code(), Some(0));
    assert_eq!(daemon.text("slow.log"), "ready\nflushed\n");
}

#[test]
fn a_signal_that_turns_a_restart_into_a_shutdown_forces_nothing() {
    let mut daemon = slow();
    daemon.signal(Signal::SIGHUP);
    daemon.wait_for_log("received SIGHUP indicating restart request");

    daemon.signal(Signal::SIGTERM);
    daemon.wait_for_log("received SIGTERM indicating exit request");
    fs::write(daemon.path("go"), "").unwrap();

    assert_eq!(daemon.exit().code(), Some(0));
    assert_eq!(daemon.text("slow.log"), "ready\nflushed\n");
}

#[test]
fn the_second_signal_forces_after_a_shutdown_by_the_api_too() {
    let mut daemon = slow();
    daemon.ask("shutdown", &[]);
    for _ in 0..2 {
        daemon.signal(Signal::SIGTERM);
        daemon.wait_for_log("received SIGTERM indicating exit request");
    }
    daemon.wait_for_log("received SIGTERM during shutdown, killing what is left");
    assert_eq!(daemon.exit().code(), Some(0));
    assert_eq!(daemon.text("slow.log"), "ready\n");
}

#[test]
fn a_restart_becomes_the_new_user() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    const WHO: &str = "
        [program:who]
        command = sh -c 'id -u;exec cat'
        stdout_logfile = {dir}/who.log
        startsecs = 0
        ";
    let mut daemon = Daemon::with(WHO).start();
    daemon.wait_until("root", |daemon| daemon.text("who.log") == "0\n");
    let open = |name: &str, mode| {
        fs::set_permissions(daemon.path(name), Permissions::from_mode(mode)).unwrap();
    };
    open("", 0o777);
    open("main.log", 0o666);
    open("who.log", 0o666);
    daemon.rewrite(&format!(
        "[supervisord]\nuser = nobody\n{}",
        WHO.replace("        ", "")
    ));

    daemon.signal(Signal::SIGHUP);

    daemon.wait_for_log("INFO Set uid to user 65534 succeeded");
    daemon.wait_until("nobody", |daemon| daemon.text("who.log") == "0\n65534\n");
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.pid())).unwrap();
    assert!(
        status.contains("Uid:\t65534\t65534\t65534\t65534"),
        "{status}"
    );
    let pid = daemon.wait_for("who", State::Running);

    // There is no way back, which is noticed before anything is stopped.
    daemon.rewrite(WHO);
    daemon.signal(Signal::SIGHUP);
    daemon.wait_for_log(
        "CRIT not restarting, everything goes on as it was: Can't drop privilege as nonroot user",
    );
    assert_eq!(daemon.info("who").pid, pid);
    assert_eq!(
        daemon.refuses("restart", &[]),
        "CANT_REREAD: Can't drop privilege as nonroot user"
    );
}

#[test]
fn every_restart_says_whom_it_runs_as() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let mut daemon = Daemon::with(CAT).start();
    assert_eq!(
        daemon.log().matches("Set uid to user 0 succeeded").count(),
        1
    );
    let text = fs::read_to_string(daemon.config_file()).unwrap();
    fs::write(daemon.config_file(), text.replace("user = root\n", "")).unwrap();

    daemon.signal(Signal::SIGHUP);

    daemon.wait_for_log("CRIT Supervisor is running as root.");
}

#[test]
fn a_server_that_cannot_be_opened_is_noticed_before_anything_stops() {
    let mut daemon = Daemon::with(CAT).start();
    let pid = daemon.wait_for("cat", State::Running);
    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = busy.local_addr().unwrap();
    let lock = daemon.path("other.pid");
    let lock = Flock::lock(File::create(lock).unwrap(), FlockArg::LockExclusive).unwrap();

    for (section, expected) in [
        (
            format!("[inet_http_server]\nport = {address}\n"),
            "Another program is already listening on a port",
        ),
        (
            "[unix_http_server]\nfile = {dir}/missing/s.sock\n".to_owned(),
            "Cannot open an HTTP server: socket.error reported errno.ENOENT (2)",
        ),
        (
            "[inet_http_server]\nport = a..b:80\n".to_owned(),
            "Could not determine IP address for hostname a..b",
        ),
        (
            "[supervisord]\npidfile = {dir}/other.pid\n".to_owned(),
            "another daemon holds the pidfile",
        ),
    ] {
        daemon.rewrite(&format!("{section}{CAT}"));
        daemon.signal(Signal::SIGHUP);
        daemon.wait_for_log(&format!(
            "CRIT not restarting, everything goes on as it was: {expected}"
        ));
        let fault = daemon.refuses("restart", &[]);
        assert!(fault.contains(expected), "{fault}");
        assert_eq!(daemon.info("cat").pid, pid);
    }
    assert!(daemon.path("other.pid").exists(), "it is another daemon's");
    drop(lock);
    drop(busy);

    daemon.rewrite(&format!("[inet_http_server]\nport = {address}\n{CAT}"));
    daemon.signal(Signal::SIGHUP);
    daemon.wait_until("the new server", |_| TcpStream::connect(address).is_ok());
}

#[test]
fn a_server_that_is_taken_while_all_stops_leaves_the_old_ones_in_service() {
    let mut daemon = slow();
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    daemon.rewrite(&format!("[inet_http_server]\nport = {free}\n{CAT}"));
    daemon.signal(Signal::SIGHUP);
    daemon.wait_for_log("received SIGHUP indicating restart request");
    // From then on the API refuses: the way down has begun.
    daemon.wait_until("the way down", |daemon| {
        let name = Value::String("slow".to_owned());
        daemon.call("supervisor.getProcessInfo", &[name]).is_err()
    });
    let _taken = TcpListener::bind(free).unwrap();

    fs::write(daemon.path("go"), "").unwrap();

    daemon.wait_for_log("CRIT could not open the new HTTP servers");
    daemon.wait_for_log("spawned: 'cat'");
    daemon.wait_until("the API", |daemon| {
        daemon.call("supervisor.getState", &[]).is_ok()
    });
    daemon.wait_for("cat", State::Running);
}
