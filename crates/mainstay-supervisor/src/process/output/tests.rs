use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use tokio::task::LocalSet;

use super::*;
use crate::log::{ChildLogs, Rotation, Target};
use crate::process::spawn::nonblocking;

/// A pipe into a log, and the main log that hears of it.
struct Bench {
    dir: TempDir,
    main: MainLog,
    logs: ChildLogs,
}

impl Bench {
    fn new(level: Level) -> Self {
        let dir = TempDir::new().unwrap();
        let main = MainLog::new(level);
        let target = Target::File(dir.path().join("main.log"), Rotation::default());
        main.open(target, level, false).unwrap();
        Self {
            logs: ChildLogs::new(main.clone()),
            dir,
            main,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The writing end, and the output that is not started yet.
    fn output(&mut self, path: &Path, change: impl FnOnce(&mut Tap)) -> (io::PipeWriter, Output) {
        let rotation = Rotation {
            maxbytes: 1 << 20,
            backups: 50,
        };
        let mut tap = Tap {
            process: "cat".to_owned(),
            channel: Channel::Stdout,
            log: self.logs.open(path, rotation).unwrap(),
            strip: None,
            audience: None,
            syslog: None,
            main: self.main.clone(),
        };
        change(&mut tap);
        let (read, write) = io::pipe().unwrap();
        let read = OwnedFd::from(read);
        nonblocking(&read).unwrap();
        (write, Output::open(read, tap).unwrap())
    }
}

/// Runs on the runtime that the tasks need, until they have nothing more to do.
async fn local(test: impl Future<Output = ()>) {
    let local = LocalSet::new();
    let all = async {
        local.run_until(test).await;
        local.await;
    };
    tokio::time::timeout(Duration::from_secs(20), all)
        .await
        .expect("the pipe was never finished");
}

/// Numbered lines, so that a loss would show.
fn lines(count: u32) -> String {
    (0..count)
        .map(|number| format!("line {number} {}\n", "x".repeat(40)))
        .collect()
}

#[tokio::test]
async fn not_one_byte_is_lost_over_many_rotations() {
    for strip in [false, true] {
        let mut bench = Bench::new(Level::Info);
        let path = bench.path("log");
        local(async {
            let (write, mut output) = bench.output(&path, |tap| {
                tap.strip = strip.then(AnsiStripper::new);
            });
            output.start();
            std::thread::spawn(move || (&write).write_all(lines(200_000).as_bytes()).unwrap());
        })
        .await;
        let mut whole = String::new();
        for number in (1..50).rev() {
            if let Ok(text) = fs::read_to_string(bench.path(&format!("log.{number}"))) {
                let size = text.len() as u64;
                assert!(
                    (1 << 20..(1 << 20) + CHUNK as u64).contains(&size),
                    "{size}"
                );
                whole.push_str(&text);
            }
        }
        whole.push_str(&bench.text("log"));
        assert!(
            whole == lines(200_000),
            "strip: {strip}, {} bytes",
            whole.len()
        );
    }
}

#[tokio::test]
async fn what_is_in_the_pipe_is_drained_at_once_and_a_grandchild_holds_nothing_up() {
    let mut bench = Bench::new(Level::Info);
    let path = bench.path("log");
    local(async {
        let (write, mut output) = bench.output(&path, |_| {});
        let grandchild = write.try_clone().unwrap();
        (&write).write_all(b"last words\n").unwrap();
        drop(write);

        output.drain();
        assert_eq!(fs::read_to_string(&path).unwrap(), "last words\n");

        output.start();
        drop(output);
        (&grandchild).write_all(b"and more\n").unwrap();
    })
    .await;
    assert_eq!(bench.text("log"), "last words\nand more\n");
}

#[tokio::test]
async fn programs_that_share_a_file_share_its_rotation() {
    let mut bench = Bench::new(Level::Info);
    let path = bench.path("log");
    local(async {
        for _ in 0..2 {
            let (write, mut output) = bench.output(&path, |_| {});
            output.start();
            std::thread::spawn(move || (&write).write_all(&vec![b'x'; 3 << 20]).unwrap());
        }
    })
    .await;
    let files = fs::read_dir(bench.dir.path())
        .unwrap()
        .map(|entry| entry.unwrap());
    let logs = files.filter(|entry| entry.file_name() != "main.log");
    let total: u64 = logs.map(|entry| entry.metadata().unwrap().len()).sum();
    assert_eq!(total, 6 << 20);
}

#[tokio::test]
async fn a_full_disk_is_said_once_and_the_bytes_wait() {
    let mut bench = Bench::new(Level::Info);
    // A device that is always full; then the same log with room.
    let path = bench.path("log");
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    local(async {
        let (write, mut output) = bench.output(&path, |_| {});
        output.start();
        (&write).write_all(b"kept\n").unwrap();
        drop(write);
        // The complaint is the sign that it has been tried.
        while !bench.text("main.log").contains("could not write") {
            tokio::task::yield_now().await;
        }
        output.drain();
        fs::remove_file(&path).unwrap();
        bench.logs.reopen();
    })
    .await;
    assert_eq!(bench.text("log"), "kept\n");
    let main = bench.text("main.log");
    assert_eq!(main.matches("ERRO could not write to").count(), 1, "{main}");
    assert_eq!(main.matches("INFO writing to").count(), 1, "{main}");
}

#[tokio::test]
async fn escapes_are_stripped_and_debugging_shows_everything_in_the_main_log() {
    let mut bench = Bench::new(Level::Debug);
    let path = bench.path("log");
    local(async {
        let (write, mut output) = bench.output(&path, |tap| {
            tap.strip = Some(AnsiStripper::new());
        });
        output.start();
        (&write).write_all(b"\x1b[31mred\x1b[0m\n").unwrap();
    })
    .await;
    assert_eq!(bench.text("log"), "red\n");
    assert!(
        bench
            .text("main.log")
            .contains("DEBG 'cat' stdout output:\nred\n")
    );
}

#[tokio::test]
async fn a_fifo_that_is_full_makes_the_writer_wait_and_nothing_else() {
    let mut bench = Bench::new(Level::Info);
    let path = bench.path("fifo");
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let sent = lines(10_000);
    let expected = sent.clone();
    let mut reader = None;
    local(async {
        let (write, mut output) = bench.output(&path, |_| {});
        output.start();
        let reader_end = fs::File::options()
            .read(true)
            .write(true)
            .open(&path)
            .unwrap();
        std::thread::spawn(move || (&write).write_all(sent.as_bytes()).unwrap());
        // Until no further page fits. The runtime goes on meanwhile, or this would not return.
        while sys::pending(&reader_end) < FULL - 4096 {
            tokio::task::yield_now().await;
        }
        let path = path.clone();
        reader = Some(std::thread::spawn(move || {
            let mut got = vec![0; expected.len()];
            io::Read::read_exact(&mut fs::File::open(path).unwrap(), &mut got).unwrap();
            assert!(got == expected.as_bytes());
        }));
    })
    .await;
    reader.unwrap().join().unwrap();
}

#[tokio::test]
async fn a_line_that_a_pipe_has_in_part_is_finished_before_anybody_else_writes() {
    let mut bench = Bench::new(Level::Info);
    let path = bench.path("fifo");
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let alias = bench.path("alias");
    std::os::unix::fs::symlink("fifo", &alias).unwrap();
    let line = |letter: &str| letter.repeat(99) + "\n";
    let (first, others) = (line("a").repeat(1000), line("b").repeat(40));
    let mut reader = None;
    local(async {
        let mut fifo = fs::File::options()
            .read(true)
            .write(true)
            .open(&path)
            .unwrap();
        let (write, mut a) = bench.output(&path, |_| {});
        let text = first.clone();
        std::thread::spawn(move || (&write).write_all(text.as_bytes()).unwrap());
        // Until no further page fits, which is in the middle of a line.
        while sys::pending(&fifo) < FULL - 4096 {
            a.drain();
        }
        let mut got = vec![0; 3 * 4096];
        io::Read::read_exact(&mut fifo, &mut got).unwrap();

        let mut outputs = Vec::new();
        for name in [&path, &alias] {
            let (write, output) = bench.output(name, |_| {});
            (&write).write_all(others.as_bytes()).unwrap();
            // As at its end: now, if at all.
            output.drain();
            outputs.push(output);
        }
        a.start();
        outputs.iter_mut().for_each(Output::start);
        let rest = first.len() + 2 * others.len() - got.len();
        reader = Some(std::thread::spawn(move || {
            let mut more = vec![0; rest];
            io::Read::read_exact(&mut fifo, &mut more).unwrap();
            got.extend(more);
            String::from_utf8(got).unwrap()
        }));
    })
    .await;
    let got = reader.unwrap().join().unwrap();
    for (letter, expected) in [("a", 1000), ("b", 80)] {
        let whole = letter.repeat(99);
        let count = got.lines().filter(|line| *line == whole).count();
        assert_eq!(count, expected, "whole lines of {letter}");
    }
}
