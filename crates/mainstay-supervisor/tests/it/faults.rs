//! Children and surroundings that misbehave.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use mainstay_supervisor::ctl::Info;
use mainstay_supervisor::daemon::State;
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::signal::Signal;

use crate::daemon::{Daemon, is_alive};

#[test]
fn a_program_that_closes_its_output_goes_on_and_costs_nothing() {
    let mut daemon = Daemon::with(
        "
        [program:mute]
        command = sh -c 'exec >&- 2>&-; exec sleep 1000'
        startsecs = 0
        ",
    )
    .start();
    let pid = daemon.wait_for("mute", State::Running);
    let pipes = |pid: &str| -> Vec<PathBuf> {
        let fds = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
        let links = fds.filter_map(|fd| fs::read_link(fd.unwrap().path()).ok());
        links
            .filter(|link| link.to_string_lossy().starts_with("pipe:"))
            .collect()
    };
    // What we have as well, both inherited.
    let inherited = pipes("self");
    daemon.wait_until("the pipes to be let go", |daemon| {
        let held = pipes(&daemon.pid().to_string());
        // Of three pipes only the one to its input is left.
        held.iter().filter(|pipe| !inherited.contains(pipe)).count() == 1
    });
    assert!(is_alive(pid));
}

#[test]
fn a_flood_does_not_keep_the_daemon_from_answering() {
    let mut daemon = Daemon::with(
        "
        [program:flood]
        command = yes
        stdout_logfile = {dir}/flood.log
        stdout_logfile_maxbytes = 1MB
        stdout_logfile_backups = 1
        startsecs = 0
        ",
    )
    .start();
    daemon.wait_until("a rotation", |daemon| daemon.path("flood.log.1").exists());
    for _ in 0..20 {
        daemon.info("flood");
    }
    daemon.ask("stopProcess", &["flood"]);
}

#[test]
fn a_full_disk_loses_nothing_and_stops_nobody() {
    let Some(small) = Disk::mount("64k") else {
        return;
    };
    let disk = small.0.path().display();
    let mut daemon = Daemon::with(&format!(
        "
        [program:writer]
        command = sh -c 'seq 1 20000; echo done; exec cat'
        stdout_logfile = {disk}/writer.log
        stdout_logfile_maxbytes = 0
        startsecs = 0
        "
    ))
    .start();
    daemon.wait_for_log("ERRO could not write to");
    let pid = daemon.wait_for("writer", State::Running);
    assert!(is_alive(pid));

    small.grow("1m");

    let path = small.0.path().join("writer.log");
    daemon.wait_until("the rest", |_| {
        fs::read_to_string(&path).unwrap().ends_with("done\n")
    });
    let expected: String = (1..=20_000).map(|number| format!("{number}\n")).collect();
    assert!(fs::read_to_string(&path).unwrap() == expected + "done\n");
    assert_eq!(
        daemon.log().matches("could not write to").count(),
        1,
        "said once"
    );
    assert_eq!(daemon.info("writer").pid, pid);
}

#[test]
fn a_standard_output_that_nobody_reads_does_not_stop_the_daemon() {
    let mut daemon = Daemon::with(
        "
        [supervisord]
        loglevel = debug
        [program:writer]
        command = sh -c 'seq 1 300000; exec cat'
        stdout_logfile = NONE
        startsecs = 0
        ",
    )
    .under(&["sh", "-c", "mkfifo fifo; exec \"$@\" 1<>fifo", "sh"])
    .start();
    // More than the pipe holds, so this would never come, and more than is kept for it.
    daemon.wait_for_log("\n300000\n");
    let pid = daemon.wait_for("writer", State::Running);

    // As soon as somebody reads, he hears what he has missed.
    let fifo = fs::File::options()
        .read(true)
        .custom_flags(nix::libc::O_NONBLOCK)
        .open(daemon.path("fifo"))
        .unwrap();
    let mut seen = String::new();
    daemon.wait_until("the number of lines", |daemon| {
        daemon.ask("signalProcess", &["writer", "CONT"]);
        let mut bytes = Vec::new();
        // It ends with EAGAIN, when the pipe is empty.
        (&fifo).read_to_end(&mut bytes).unwrap_err();
        seen.push_str(&String::from_utf8_lossy(&bytes));
        seen.contains(" lines could not be written to the standard output\n")
            && seen.ends_with(&format!("DEBG sending writer (pid {pid}) sig SIGCONT\n"))
    });
}

/// Writes this many bytes, and says elsewhere that all of them are written.
const WRITER: &str = "sh -c 'seq 1 20000; echo > {dir}/written; exec cat'";
const WRITTEN: u64 = 108_894;

#[test]
fn what_a_full_disk_does_not_take_before_the_end_is_counted() {
    let Some(small) = Disk::mount("64k") else {
        return;
    };
    let disk = small.0.path().display();
    let mut daemon = Daemon::with(&format!(
        "
        [program:writer]
        command = {WRITER}
        stdout_logfile = {disk}/writer.log
        stdout_logfile_maxbytes = 0
        startsecs = 0
        "
    ))
    .start();
    daemon.wait_until("all in the pipe", |daemon| daemon.path("written").exists());
    daemon.wait_for_log("ERRO could not write to");

    daemon.signal(Signal::SIGTERM);

    assert_eq!(daemon.exit().code(), Some(0));
    let taken = fs::metadata(small.0.path().join("writer.log"))
        .unwrap()
        .len();
    let expected = format!(
        "ERRO {} bytes of 'writer' stdout are lost: {disk}/writer.log does not take them",
        WRITTEN - taken
    );
    assert_eq!(daemon.log().matches(&expected).count(), 1, "{expected}");
    assert_eq!(daemon.log().matches("are lost").count(), 1);
    assert_eq!(daemon.text("stderr"), "");
}

#[test]
fn where_the_main_log_is_on_the_full_disk_too_the_standard_error_hears_of_it() {
    let Some(small) = Disk::mount("64k") else {
        return;
    };
    let disk = small.0.path().display();
    let mut daemon = Daemon::with(&format!(
        "
        [supervisord]
        logfile = {disk}/main.log
        [program:writer]
        command = {WRITER}
        stdout_logfile = {disk}/writer.log
        stdout_logfile_maxbytes = 0
        startsecs = 0
        [program:cat]
        command = cat
        autostart = false
        startsecs = 0
        "
    ))
    .start();
    daemon.wait_until("all in the pipe", |daemon| daemon.path("written").exists());
    // Blocks of a small disk are pages; the rest of the log's own page has room for some lines.
    fs::write(small.0.path().join("rest"), [b'x'; 4096]).unwrap_err();
    for _ in 0..20 {
        daemon.ask("startProcess", &["cat"]);
        daemon.ask("stopProcess", &["cat"]);
    }

    daemon.signal(Signal::SIGTERM);

    assert_eq!(daemon.exit().code(), Some(0));
    let taken = fs::metadata(small.0.path().join("writer.log"))
        .unwrap()
        .len();
    let stderr = daemon.text("stderr");
    let expected = format!("ERRO {} bytes of 'writer' stdout are lost", WRITTEN - taken);
    assert_eq!(stderr.matches(&expected).count(), 1, "{expected}: {stderr}");
    assert!(
        stderr.ends_with(&format!("lines could not be written to {disk}/main.log\n")),
        "{stderr}"
    );
}

#[test]
fn two_thousand_programs_run_and_stop() {
    const COUNT: usize = 2000;
    // Two pipes each; not everybody may have so many descriptors.
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    if most < 8192 {
        return;
    }
    let mut daemon = Daemon::with(&format!(
        "
        [supervisord]
        minfds = 8192
        [program:many]
        command = sleep 10000
        process_name = %(program_name)s_%(process_num)04d
        numprocs = {COUNT}
        redirect_stderr = true
        stdout_logfile = NONE
        startsecs = 0
        "
    ))
    .start();
    let mut pids = Vec::new();
    // A loaded machine needs more than one deadline for that many forks.
    for part in 1..=8 {
        daemon.wait_until("an eighth of them", |daemon| {
            daemon.log().matches(" INFO success: many_").count() >= COUNT / 8 * part
        });
    }
    for info in daemon.ask("getAllProcessInfo", &[]).as_array().unwrap() {
        let info = Info::try_from(info).unwrap();
        assert_eq!(info.state, State::Running.code(), "{info:?}");
        pids.push(info.pid);
    }
    assert_eq!(pids.len(), COUNT);

    daemon.signal(Signal::SIGTERM);

    assert_eq!(daemon.exit().code(), Some(0));
    assert!(pids.iter().all(|pid| !is_alive(*pid)));
    assert_eq!(daemon.log().matches(" WARN stopped: many_").count(), COUNT);
}

#[test]
fn a_program_that_exits_by_itself_while_it_is_stopped_stays_stopped() {
    let mut daemon = Daemon::with(
        "
        [program:busy]
        command = sh -c 'trap \"\" TERM; echo ready; read line; exit 7'
        stopwaitsecs = 1000
        autorestart = true
        stdout_logfile = {dir}/busy.log
        startsecs = 0
        ",
    )
    .start();
    daemon.wait_until("the trap", |daemon| daemon.text("busy.log") == "ready\n");
    daemon.stop_without_waiting("busy");
    daemon.wait_for("busy", State::Stopping);

    daemon.ask("sendProcessStdin", &["busy", "go\n"]);

    daemon.wait_for("busy", State::Stopped);
    assert_eq!(daemon.number("busy", "exitstatus"), 7);
    daemon.wait_for_log("WARN stopped: busy (exit status 7)");
    assert_eq!(daemon.spawns("busy"), 1);
}

/// A small disk. It is unmounted when this is dropped; `None` where we may not mount.
struct Disk(tempfile::TempDir);

impl Disk {
    fn mount(size: &str) -> Option<Self> {
        let dir = tempfile::TempDir::new().unwrap();
        mount(
            &["-t", "tmpfs", "-o", &format!("size={size}"), "none"],
            dir.path(),
        )
        .then_some(Self(dir))
    }

    fn grow(&self, size: &str) {
        assert!(mount(
            &["-o", &format!("remount,size={size}")],
            self.0.path()
        ));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount")
            .arg("-l")
            .arg(self.0.path())
            .status();
    }
}

fn mount(arguments: &[&str], path: &Path) -> bool {
    let status = std::process::Command::new("mount")
        .args(arguments)
        .arg(path)
        .status();
    status.is_ok_and(|status| status.success())
}

#[test]
fn a_log_directory_that_goes_away_ends_neither_the_program_nor_the_daemon() {
    let mut daemon = Daemon::with(
        "
        [program:cat]
        command = cat
        stdout_logfile = {dir}/logs/cat.log
        startsecs = 0
        ",
    )
    .directory("logs")
    .start();
    let pid = daemon.wait_for("cat", State::Running);
    fs::remove_dir_all(daemon.path("logs")).unwrap();

    daemon.ask("sendProcessStdin", &["cat", "into the void\n"]);
    daemon.wait_for_log("could not open");
    daemon.ask("sendProcessStdin", &["cat", "echo me when it is read\n"]);
    daemon.ask("sendProcessStdin", &["cat", "and again\n"]);
    assert_eq!(daemon.info("cat").pid, pid);

    fs::create_dir(daemon.path("logs")).unwrap();
    daemon.ask("sendProcessStdin", &["cat", "back again\n"]);
    daemon.wait_until("the new file", |daemon| {
        daemon.text("logs/cat.log").ends_with("back again\n")
    });
    let all = "into the void\necho me when it is read\nand again\nback again\n";
    assert_eq!(daemon.text("logs/cat.log"), all);
    let said = daemon.log().matches("could not open").count();
    assert_eq!(said, 1, "{}", daemon.log());
    daemon.wait_for_log("/logs/cat.log again\n");
}

#[test]
fn what_goes_into_a_removed_file_until_the_end_is_said_to_be_lost() {
    let mut daemon = Daemon::with(
        "
        [program:cat]
        command = cat
        stdout_logfile = {dir}/logs/cat.log
        startsecs = 0
        ",
    )
    .directory("logs")
    .start();
    daemon.wait_for("cat", State::Running);
    fs::remove_dir_all(daemon.path("logs")).unwrap();
    daemon.ask("sendProcessStdin", &["cat", "into the void\n"]);
    daemon.wait_for_log("could not open");

    daemon.signal(nix::sys::signal::Signal::SIGTERM);

    assert_eq!(daemon.exit().code(), Some(0));
    let log = daemon.log();
    assert!(log.contains("ERRO 14 bytes for "), "{log}");
}

#[test]
fn out_of_descriptors_a_start_fails_and_everything_else_goes_on() {
    let mut daemon = Daemon::with(
        "
        [program:one]
        command = cat
        startsecs = 0
        [program:many]
        command = cat
        process_name = %(program_name)s_%(process_num)d
        numprocs = 60
        startsecs = 0
        startretries = 0
        autostart = false
        ",
    )
    .start();
    let pid = daemon.wait_for("one", State::Running);
    let limit = std::process::Command::new("prlimit")
        .args(["--pid", &daemon.pid().to_string(), "--nofile=60:60"])
        .status()
        .unwrap();
    assert!(limit.success());

    daemon.ask("startProcessGroup", &["many"]);

    daemon.wait_for_log("spawnerr: too many open files to spawn 'many_");
    assert_eq!(daemon.info("one").pid, pid);
    daemon.ask("stopProcessGroup", &["many"]);
    daemon.ask("startProcess", &["many:many_59"]);
}

/// A container's view: the first process of a namespace, as root of the machine or of a user's own
/// namespace.
const NAMESPACES: [&[&str]; 2] = [
    &["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"],
    &[
        "unshare",
        "--user",
        "--map-root-user",
        "--pid",
        "--fork",
        "--mount-proc",
        "--kill-child",
    ],
];

#[test]
fn as_pid_1_it_reaps_orphans_and_ends_on_request() {
    for namespace in NAMESPACES {
        let tried = std::process::Command::new(namespace[0])
            .args(&namespace[1..])
            .arg("true")
            .status();
        // Where that is not allowed there is nothing to see.
        if tried.is_ok_and(|status| status.success()) {
            pid_1(namespace);
        }
    }
}

#[track_caller]
fn pid_1(namespace: &[&str]) {
    let mut daemon = Daemon::with(
        "
        [program:parent]
        command = sh -c 'sh -c \"while [ ! -e {dir}/go ]; do sleep 0.01; done\" & echo $!; exit 0'
        stdout_logfile = {dir}/parent.log
        autorestart = false
        startsecs = 0
        ",
    )
    .argument("-e")
    .argument("debug")
    .under(namespace)
    .start();
    daemon.wait_for("parent", State::Exited);
    let orphan = daemon.text("parent.log").trim().to_owned();

    fs::write(daemon.path("go"), "").unwrap();

    daemon.wait_for_log(&format!("DEBG reaped unknown pid {orphan} (exit status 0)"));
    assert_eq!(daemon.text("pid"), "1\n");
    daemon.ask("shutdown", &[]);
    assert_eq!(daemon.exit().code(), Some(0));
}
