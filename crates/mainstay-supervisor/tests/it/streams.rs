//! Logs that are no files of their own: standard output, pipes, and readers that take their time.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::Command;

use mainstay_supervisor::daemon::State;
use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::signal::Signal;

use crate::daemon::Daemon;

/// Writes 1,150 lines of 100 bytes when it is told to end.
const LAST_WORDS: &str = "trap 'kill $!; seq -f %%099.0f 1 1150; exit 0' TERM; \
    sleep 1000 >/dev/null 2>&1 & echo up; wait";

/// The reading end of a named pipe, which nobody waits for.
fn reader(path: &Path) -> File {
    File::options()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
        .unwrap()
}

/// Reads what there is; false at the end.
fn read_on(mut reader: &File, into: &mut Vec<u8>) -> bool {
    match reader.read_to_end(into) {
        Ok(_) => false,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => true,
        Err(error) => panic!("{error}"),
    }
}

/// A pipe that has room for nothing, with its reader.
fn full_pipe() -> (io::PipeReader, io::PipeWriter) {
    let (reader, writer) = io::pipe().unwrap();
    let size = fcntl(&writer, FcntlArg::F_SETPIPE_SZ(4096)).unwrap();
    (&writer)
        .write_all(&vec![b'.'; usize::try_from(size).unwrap()])
        .unwrap();
    (reader, writer)
}

#[test]
fn the_end_waits_for_a_reader_who_is_late() {
    let builder = Daemon::with(&format!(
        "
        [program:big]
        command = sh -c \"{LAST_WORDS}\"
        stdout_logfile = {{dir}}/fifo
        stdout_logfile_maxbytes = 0
        startsecs = 0
        "
    ))
    .fifo("fifo");
    let reader = reader(&builder.path("fifo"));
    let mut daemon = builder.start();
    daemon.wait_for("big", State::Running);
    let mut got = Vec::new();
    daemon.wait_until("the trap to be set", |_| {
        read_on(&reader, &mut got);
        got == b"up\n"
    });

    daemon.signal(Signal::SIGTERM);
    daemon.wait_for_log("stopped: big");
    daemon.wait_until("the rest", |_| !read_on(&reader, &mut got));

    assert_eq!(daemon.exit().code(), Some(0));
    let lines = (1..=1150).map(|number| format!("{number:099}\n"));
    let expected = "up\n".to_owned() + &lines.collect::<String>();
    assert!(got == expected.as_bytes(), "{} bytes", got.len());
    assert!(!daemon.log().contains("are lost"), "{}", daemon.log());
}

#[test]
fn a_reader_who_never_reads_does_not_hold_up_the_end_when_asked_twice() {
    let builder = Daemon::with(&format!(
        "
        [program:big]
        command = sh -c \"{LAST_WORDS}\"
        stdout_logfile = {{dir}}/fifo
        stdout_logfile_maxbytes = 0
        startsecs = 0
        "
    ))
    .fifo("fifo");
    let reader = reader(&builder.path("fifo"));
    let mut daemon = builder.start();
    let mut got = Vec::new();
    daemon.wait_until("the trap to be set", |_| {
        read_on(&reader, &mut got);
        got == b"up\n"
    });

    daemon.signal(Signal::SIGTERM);
    daemon.wait_for_log("stopped: big");
    daemon.signal(Signal::SIGTERM);

    assert_eq!(daemon.exit().code(), Some(0));
    while read_on(&reader, &mut got) {}
    let lost = "up\n".len() + 1150 * 100 - got.len();
    let line = format!("ERRO {lost} bytes of 'big' stdout are lost: ");
    assert!(daemon.log().contains(&line), "{line}\n{}", daemon.log());
}

#[test]
fn a_foreground_that_nobody_reads_blocks_nothing() {
    let (reader, writer) = full_pipe();
    let mut daemon = Daemon::with(
        "
        [program:cat]
        command = cat
        startsecs = 0
        ",
    )
    .argument("-e")
    .argument("debug")
    .stdout(writer)
    .start();
    daemon.wait_for("cat", State::Running);
    daemon.signal(Signal::SIGTERM);
    assert_eq!(daemon.exit().code(), Some(0));
    drop(reader);
}

#[test]
fn a_foreground_that_is_read_late_shows_every_line() {
    let (mut reader, writer) = full_pipe();
    let mut daemon = Daemon::with(
        "
        [program:cat]
        command = cat
        startsecs = 0
        ",
    )
    .stdout(writer)
    .start();
    daemon.wait_for("cat", State::Running);
    daemon.signal(Signal::SIGTERM);
    let mut shown = String::new();
    reader.read_to_string(&mut shown).unwrap();
    assert_eq!(daemon.exit().code(), Some(0));
    assert_eq!(shown.trim_start_matches('.'), daemon.log());
}

#[test]
fn a_main_log_that_nobody_reads_blocks_nothing() {
    let (reader, writer) = full_pipe();
    let mut daemon = Daemon::with(
        "
        [supervisord]
        logfile = /dev/stdout
        logfile_maxbytes = 0
        silent = true
        [program:cat]
        command = cat
        process_name = %(program_name)s_%(process_num)d
        numprocs = 40
        startsecs = 0
        ",
    )
    .argument("-e")
    .argument("debug")
    .stdout(writer)
    .start();
    daemon.wait_for("cat:cat_39", State::Running);
    daemon.signal(Signal::SIGTERM);
    assert_eq!(daemon.exit().code(), Some(0));
    drop(reader);
}

/// Runs its arguments with a `/dev` of their own, which has the links and little else; never
/// without.
const PRIVATE_DEV: &[&str] = &[
    "unshare",
    "--mount",
    "--propagation",
    "private",
    "sh",
    "-ec",
    "mount -t tmpfs none /mnt
     for name in null zero urandom; do cp -a /dev/$name /mnt/$name; done
     ln -s /proc/self/fd /mnt/fd
     ln -s fd/1 /mnt/stdout
     ln -s fd/2 /mnt/stderr
     mount --bind /mnt /dev
     exec \"$@\"",
    "sh",
];

fn has_private_dev() -> bool {
    let (program, arguments) = PRIVATE_DEV.split_first().unwrap();
    let status = Command::new(program).args(arguments).arg("true").status();
    status.is_ok_and(|status| status.success())
}

#[test]
fn the_hosts_own_stdout_is_neither_rotated_nor_removed() {
    if !has_private_dev() {
        return;
    }
    let mut daemon = Daemon::with(
        "
        [supervisord]
        logfile = /dev/stdout
        logfile_maxbytes = 20
        silent = true
        [program:cat]
        command = cat
        stdout_logfile = /dev/stdout
        stdout_logfile_maxbytes = 10
        startsecs = 0
        ",
    )
    .under(PRIVATE_DEV)
    .start();
    let dev = format!("/proc/{}/root/dev", daemon.pid());
    let is_whole = || {
        let links = [("stdout", "fd/1"), ("fd", "/proc/self/fd")];
        links.iter().all(|(name, target)| {
            fs::read_link(format!("{dev}/{name}")).is_ok_and(|link| link == Path::new(target))
        }) && !Path::new(&format!("{dev}/stdout.1")).exists()
    };
    daemon.wait_for("cat", State::Running);
    for line in ["a line of more than ten bytes\n", "and another\n"] {
        daemon.ask("sendProcessStdin", &["cat", line]);
        daemon.wait_until("its echo", |daemon| daemon.text("stdout").contains(line));
        assert!(is_whole(), "after {line}");
    }
    daemon.ask("clearProcessLogs", &["cat"]);
    assert!(is_whole(), "after clearing it");
    daemon.ask("clearLog", &[]);
    assert!(is_whole(), "after clearing the main log");
    daemon.ask("stopProcess", &["cat"]);
    daemon.ask("clearProcessLogs", &["cat"]);
    assert!(is_whole(), "after clearing it while it does not run");
    assert!(daemon.text("stdout").contains("stopped: cat"));
}

#[test]
fn a_system_log_that_is_not_there_is_said_once_on_stderr() {
    if !has_private_dev() {
        return;
    }
    let mut daemon = Daemon::with(
        "
        [supervisord]
        logfile = syslog
        [program:cat]
        command = cat
        startsecs = 0
        ",
    )
    .under(PRIVATE_DEV)
    .start();
    daemon.wait_for("cat", State::Running);
    let said = daemon.text("stderr");
    assert_eq!(
        said.matches("could not write to syslog").count(),
        1,
        "{said}"
    );
}
