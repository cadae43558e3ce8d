//! FastCGI programs: a socket of the daemon's as each child's standard input.
//!
//! The children are `sh` scripts, which cannot accept a connection. What they are given is looked at
//! from outside: through `/proc`, and by connecting.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use mainstay_supervisor::daemon::State;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::daemon::Daemon;

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn connects(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// What a process has as its standard input: `socket:[123]`. Not before it has become its program:
/// with `startsecs = 0` it counts as running while it is still a copy of the daemon.
fn input(pid: i32) -> String {
    let executable = || fs::read_link(format!("/proc/{pid}/exe")).unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while executable().ends_with("mainstayd") {
        assert!(Instant::now() < deadline, "{pid} never executes anything");
        std::thread::yield_now();
    }
    let link = fs::read_link(format!("/proc/{pid}/fd/0")).unwrap();
    link.to_string_lossy().into_owned()
}

#[test]
fn all_processes_of_a_program_share_a_socket_that_survives_them_one_by_one() {
    let port = free_port();
    let mut daemon = Daemon::with(&format!(
        "
        [fcgi-program:app]
        socket = tcp://localhost:{port}
        command = sleep 1000
        process_name = app%(process_num)d
        numprocs = 2
        startsecs = 0
        "
    ))
    .start();
    let one = daemon.wait_for("app:app0", State::Running);
    let two = daemon.wait_for("app:app1", State::Running);
    assert!(input(one).starts_with("socket:"), "{}", input(one));
    assert_eq!(input(one), input(two));
    assert!(connects(port));
    let log = daemon.log();
    let creating = format!("INFO Creating socket tcp://localhost:{port}");
    // Once to see whether it can be had, once for all processes.
    assert_eq!(log.matches(&creating).count(), 2, "{log}");
    assert_eq!(
        daemon.refuses("sendProcessStdin", &["app:app0", "x"]),
        "NO_FILE: app:app0"
    );

    // A crash, then a restart by hand: the same socket all the time.
    let socket = input(one);
    kill(Pid::from_raw(one), Signal::SIGKILL).unwrap();
    daemon.wait_until("a new process", |daemon| daemon.spawns("app0") == 2);
    let one = daemon.wait_for("app:app0", State::Running);
    assert_eq!(input(one), socket);
    daemon.ask("stopProcess", &["app:app0"]);
    daemon.ask("stopProcess", &["app:app1"]);
    assert!(connects(port), "it stays for a moment");
    daemon.ask("startProcess", &["app:app0"]);
    let one = daemon.wait_for("app:app0", State::Running);
    assert_eq!(input(one), socket);

    // When nobody is left and nobody comes, it is closed.
    daemon.ask("stopProcess", &["app:app0"]);
    let closing = format!("INFO Closing socket tcp://localhost:{port}");
    daemon.wait_until("the socket's end", |daemon| {
        daemon.log().matches(&closing).count() == 2
    });
    assert!(!connects(port));
    assert_eq!(
        daemon.refuses("sendProcessStdin", &["app:app0", "x"]),
        "NOT_RUNNING: app:app0"
    );
}

#[test]
fn programs_in_a_group_have_their_socket_too() {
    let mut daemon = Daemon::with(
        "
        [group:site]
        programs = app, cat
        [fcgi-program:app]
        socket = unix://{dir}/app.sock
        socket_mode = 0640
        socket_backlog = 5
        command = sleep 1000
        startsecs = 0
        [program:cat]
        command = cat
        startsecs = 0
        ",
    )
    .start();
    let app = daemon.wait_for("site:app", State::Running);
    let cat = daemon.wait_for("site:cat", State::Running);
    assert!(input(app).starts_with("socket:"), "{}", input(app));
    assert!(input(cat).starts_with("pipe:"), "{}", input(cat));
    let about = fs::metadata(daemon.path("app.sock")).unwrap();
    assert!(about.file_type().is_socket());
    assert_eq!(about.permissions().mode() & 0o7777, 0o640);
    UnixStream::connect(daemon.path("app.sock")).unwrap();
}

#[test]
fn a_socket_that_cannot_be_had_is_an_error_of_that_program_alone() {
    let port = free_port();
    let mut daemon = Daemon::with(&format!(
        "
        [fcgi-program:app]
        socket = tcp://127.0.0.1:{port}
        command = sleep 1000
        startsecs = 0
        autostart = false
        [fcgi-program:lost]
        socket = unix://{{dir}}/gone/s
        command = sleep 1000
        startretries = 0
        autostart = false
        [program:cat]
        command = cat
        startsecs = 0
        "
    ))
    .directory("gone")
    .start();
    daemon.wait_for("cat", State::Running);
    fs::remove_dir_all(daemon.path("gone")).unwrap();
    let taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
    for name in ["app", "lost"] {
        let fault = daemon.refuses("startProcess", &[name]);
        assert_eq!(fault, format!("SPAWN_ERROR: {name}"));
    }
    daemon.wait_for("lost", State::Fatal);
    let info = daemon.info("lost");
    assert!(
        info.description.starts_with("could not listen on unix:///"),
        "{info:?}"
    );
    daemon.wait_until("a back-off", |daemon| {
        daemon
            .info("app")
            .description
            .contains("could not listen on tcp://127.0.0.1:")
    });

    // Once the address is free, the next attempt has it.
    drop(taken);
    let app = daemon.wait_for("app", State::Running);
    assert!(input(app).starts_with("socket:"));
    assert!(connects(port));
}

#[test]
fn a_changed_socket_is_taken_over_by_an_update_and_the_old_one_goes_at_once() {
    let (first, second) = (free_port(), free_port());
    let section = |port: u16| {
        format!(
            "
            [fcgi-program:app]
            socket = tcp://127.0.0.1:{port}
            command = sleep 1000
            startsecs = 0
            "
        )
    };
    let mut daemon = Daemon::with(&section(first)).start();
    daemon.wait_for("app", State::Running);
    daemon.rewrite(&section(second));
    daemon.ask("reloadConfig", &[]);
    daemon.ask("stopProcessGroup", &["app"]);
    daemon.ask("removeProcessGroup", &["app"]);
    assert!(!connects(first));
    daemon.ask("addProcessGroup", &["app"]);
    daemon.wait_for("app", State::Running);
    assert!(connects(second));

    // A restart of the daemon binds it anew.
    daemon.signal(Signal::SIGHUP);
    daemon.wait_until("the second life", |daemon| daemon.spawns("app") == 3);
    daemon.wait_until("the API", |daemon| {
        daemon.call("supervisor.getState", &[]).is_ok()
    });
    daemon.wait_for("app", State::Running);
    assert!(connects(second));
}

#[test]
fn a_socket_that_cannot_be_had_stops_the_start() {
    let (output, dir) = Daemon::with(
        "
        [program:cat]
        command = cat
        [fcgi-program:lost]
        socket = unix://{dir}/gone/s
        command = sleep 1000
        autostart = false
        ",
    )
    .fail();
    let url = format!("unix://{}/gone/s", dir.path().display());
    let reason =
        format!("Could not create FastCGI socket {url}: [Errno 2] No such file or directory");
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(stderr, format!("Error: {reason}\n"));
    let log = fs::read_to_string(dir.path().join("main.log")).unwrap();
    assert!(
        log.contains(&format!("INFO Creating socket {url}\n")),
        "{log}"
    );
    assert!(log.contains(&format!("CRIT {reason}\n")), "{log}");
    assert!(!log.contains("spawned"), "{log}");
    // Nothing is left that the next start would find.
    assert!(!dir.path().join("s.sock").exists());
}

#[test]
fn sockets_are_tried_before_their_programs_are_there() {
    let port = free_port();
    let mut daemon = Daemon::with(&format!(
        "
        [fcgi-program:app]
        socket = tcp://LocalHost:{port}
        command = sleep 1000
        numprocs = 2
        process_name = app%(process_num)d
        autostart = false
        "
    ))
    .start();
    let log = daemon.log();
    let [creating, closing] =
        ["Creating", "Closing"].map(|it| format!("INFO {it} socket tcp://localhost:{port}\n"));
    assert_eq!(log.matches(&creating).count(), 1, "{log}");
    assert_eq!(log.matches(&closing).count(), 1, "{log}");
    assert!(log.find(&creating) < log.find(&closing), "{log}");

    // One that is added later is refused, and not there.
    daemon.rewrite(
        "
        [fcgi-program:lost]
        socket = unix://{dir}/gone/s
        command = sleep 1000
        ",
    );
    daemon.ask("reloadConfig", &[]);
    let fault = daemon.refuses("addProcessGroup", &["lost"]);
    assert!(
        fault.starts_with("FAILED: Could not create FastCGI socket unix://"),
        "{fault}"
    );
    let fault = daemon.refuses("getProcessInfo", &["lost"]);
    assert_eq!(fault, "BAD_NAME: lost");
    fs::create_dir(daemon.path("gone")).unwrap();
    daemon.ask("addProcessGroup", &["lost"]);
    assert!(daemon.path("gone/s").exists());
}
