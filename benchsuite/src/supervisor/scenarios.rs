//! What is measured.

use std::fs::{self, File};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Peer;
use super::daemon::{Daemon, Stage, until};
use super::rpc::Connection;
use crate::figures::{Figure, percentile};
use crate::machine::{cpu, resident, size, wake_ups};

pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) run: fn(&[Peer], usize) -> Result<Vec<Figure>>,
}

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "idle",
        what: "10 and 500 programs that do nothing",
        run: idle,
    },
    Scenario {
        name: "log",
        what: "a program writes 1 GiB to its log",
        run: log,
    },
    Scenario {
        name: "respawn",
        what: "a program that exits at once, startsecs=0",
        run: respawn,
    },
    Scenario {
        name: "replace",
        what: "kill -9 of a program to its replacement",
        run: replace,
    },
    Scenario {
        name: "stop",
        what: "stopAllProcesses with 200 programs",
        run: stop,
    },
    Scenario {
        name: "start",
        what: "start of the daemon with 1 and 200 programs",
        run: start,
    },
    Scenario {
        name: "api",
        what: "getAllProcessInfo over 8 connections",
        run: api,
    },
    Scenario {
        name: "status",
        what: "`status` as a whole process, 10 programs",
        run: status,
    },
    Scenario {
        name: "events",
        what: "remote events through one listener",
        run: super::events::events,
    },
];

const MILLI: f64 = 1e3;
const GIB: u64 = 1 << 30;

fn idle(peers: &[Peer], rounds: usize) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for count in [10, 500] {
        let mut memory = Figure::new(format!("resident memory with {count} programs, MiB"), true);
        let mut time = Figure::new(format!("processor time with {count} programs, ms/s"), true);
        let mut wakes = Figure::new(format!("wake-ups with {count} programs, per second"), true);
        // Two rounds are plenty: these do not vary.
        for _ in 0..rounds.min(2) {
            for peer in peers {
                let daemon = Stage::new()?.start(peer, &Stage::sleepers(count))?;
                drop(daemon.all_running(count)?);
                let (before, woken, since) =
                    (cpu(daemon.pid())?, wake_ups(daemon.pid())?, Instant::now());
                thread::sleep(Duration::from_secs(5));
                let seconds = since.elapsed().as_secs_f64();
                let spent = cpu(daemon.pid())? - before;
                time.add(peer.name, spent.as_secs_f64() * MILLI / seconds);
                wakes.add(peer.name, (wake_ups(daemon.pid())? - woken) / seconds);
                memory.add(peer.name, resident(daemon.pid())?);
                daemon.end()?;
            }
        }
        figures.extend([memory, time, wakes]);
    }
    Ok(figures)
}

fn log(peers: &[Peer], rounds: usize) -> Result<Vec<Figure>> {
    let mut rate = Figure::new("throughput, MB/s", false);
    let mut time = Figure::new("processor time of the logger, ms per GiB", true);
    let own = std::env::current_exe()?.display().to_string();
    warm_up()?;
    for _ in 0..rounds {
        for peer in peers {
            let stage = Stage::new()?;
            let programs = format!(
                "[program:flood]\ncommand={own} child flood {GIB}\nautostart=false\n\
                 autorestart=false\nstartsecs=0\nstdout_logfile=%(here)s/flood.log\n\
                 stdout_logfile_maxbytes=0\n"
            );
            let daemon = stage.start(peer, &programs)?;
            let mut api = daemon.api()?;
            let before = cpu(daemon.pid())?;
            let since = Instant::now();
            api.call("supervisor.startProcess", &["flood"])?;
            let file = daemon.path().join("flood.log");
            until(
                "the log is whole",
                || Ok((size(&file) >= GIB).then_some(())),
            )?;
            rate.add(peer.name, GIB as f64 / 1e6 / since.elapsed().as_secs_f64());
            time.add(
                peer.name,
                (cpu(daemon.pid())? - before).as_secs_f64() * MILLI,
            );
            anyhow::ensure!(size(&file) == GIB, "{} wrote another size", peer.name);
            daemon.end()?;
        }
        // The floors: no supervisor at all, only somebody who moves the bytes.
        let folder = tempfile::TempDir::new()?;
        for (name, command) in [
            ("cat", vec!["cat"]),
            ("splice alone", vec![own.as_str(), "child", "pour"]),
        ] {
            let file = folder.path().join(name);
            let since = Instant::now();
            let mut flood = Command::new(&own)
                .args(["child", "flood", &GIB.to_string()])
                .stdout(Stdio::piped())
                .spawn()?;
            let pipe = flood.stdout.take().context("its output")?;
            let mut mover = Command::new(command[0])
                .args(&command[1..])
                .stdin(pipe)
                .stdout(File::create(&file)?)
                .spawn()?;
            until("the file is whole", || {
                Ok((size(&file) >= GIB).then_some(()))
            })?;
            rate.add(name, GIB as f64 / 1e6 / since.elapsed().as_secs_f64());
            // Not waited for yet, so that the kernel still knows it.
            time.add(name, cpu(mover.id())?.as_secs_f64() * MILLI);
            mover.wait()?;
            flood.wait()?;
            // Before the next one has to find room beside it.
            fs::remove_file(&file)?;
        }
    }
    Ok(vec![rate, time])
}

/// Takes as much memory for a file as the peers will. A virtual machine gets it from its host at the
/// first touch, for which the first of them would pay: half of its throughput.
fn warm_up() -> Result<()> {
    let folder = tempfile::TempDir::new()?;
    let mut file = File::create(folder.path().join("warm-up"))?;
    let piece = vec![b'x'; 1 << 20];
    for _ in 0..2 * GIB / piece.len() as u64 {
        file.write_all(&piece)?;
    }
    Ok(())
}

fn respawn(peers: &[Peer], rounds: usize) -> Result<Vec<Figure>> {
    const WINDOW: Duration = Duration::from_secs(3);
    let mut rate = Figure::new("starts per second", false);
    let mut time = Figure::new("processor time of the daemon per start, µs", true);
    for _ in 0..rounds {
        for peer in peers {
            let stage = Stage::new()?;
            let programs = format!(
                "[program:brief]\ncommand={}\nautorestart=true\nstartsecs=0\n\
                 stdout_logfile=NONE\nstderr_logfile=NONE\n",
                stage.child("exit")?
            );
            let daemon = stage.start(peer, &programs)?;
            daemon.announced()?;
            let before = cpu(daemon.pid())?;
            let count = daemon.announcements_within(WINDOW)?;
            let spent = (cpu(daemon.pid())? - before).as_secs_f64();
            rate.add(peer.name, count as f64 / WINDOW.as_secs_f64());
            time.add(peer.name, spent * 1e6 / count.max(1) as f64);
            daemon.end()?;
        }
    }
    Ok(vec![rate, time])
}

fn replace(peers: &[Peer], rounds: usize) -> Result<Vec<Figure>> {
    let mut median = Figure::new("kill to replacement, median, ms", true);
    let mut tail = Figure::new("kill to replacement, p99, ms", true);
    for _ in 0..rounds {
        for peer in peers {
            let stage = Stage::new()?;
            let programs = format!(
                "[program:lasting]\ncommand={}\nautorestart=true\nstartsecs=0\n\
                 stdout_logfile=NONE\nstderr_logfile=NONE\n",
                stage.child("wait")?
            );
            let daemon = stage.start(peer, &programs)?;
            let mut api = daemon.all_running(1)?;
            let mut pid = daemon.announced()?;
            let mut times: Vec<f64> = Vec::new();
            // Slow ones get fewer tries: a second each is enough to see.
            while times.len() < 100 && times.iter().sum::<f64>() < 5_000.0 {
                let since = Instant::now();
                kill(Pid::from_raw(i32::try_from(pid)?), Signal::SIGKILL)?;
                pid = daemon.announced()?;
                times.push(since.elapsed().as_secs_f64() * MILLI);
                until("it is RUNNING", || {
                    let info = api.call("supervisor.getProcessInfo", &["lasting"])?;
                    Ok(info.contains(">RUNNING<").then_some(()))
                })?;
            }
            median.add(peer.name, percentile(&times, 0.5).context("no times")?);
            tail.add(peer.name, percentile(&times, 0.99).context("no times")?);
            daemon.end()?;
        }
        // The floor: start such a child ourselves.
        let stage = Stage::new()?;
        let command = stage.child("wait")?;
        let words: Vec<&str> = command.split(' ').collect();
        let mut times = Vec::new();
        let listener = std::os::unix::net::UnixDatagram::bind(stage.path().join("floor"))?;
        let floor = stage.path().join("floor").display().to_string();
        for _ in 0..100 {
            let since = Instant::now();
            let mut child = Command::new(words[0])
                .args(["child", "wait", &floor])
                .spawn()?;
            listener.recv(&mut [0; 32])?;
            times.push(since.elapsed().as_secs_f64() * MILLI);
            child.kill()?;
            child.wait()?;
        }
        median.add("spawn alone", percentile(&times, 0.5).context("no times")?);
        tail.add("spawn alone", percentile(&times, 0.99).context("no times")?);
    }
    Ok(vec![median, tail])
}

fn stop(peers: &[Peer], rounds: usize) -> Result<Vec<Figure>> {
    let mut time = Figure::new("stopAllProcesses, ms", true);
    let mut shutdown = Figure::new("SIGTERM to the end of the daemon, ms", true);
    for _ in 0..rounds {
        for peer in peers {
            let daemon = Stage::new()?.start(peer, &Stage::sleepers(200))?;
            let mut api = daemon.all_running(200)?;
            let since = Instant::now();
            let answer = api.call("supervisor.stopAllProcesses", &[])?;
            time.add(peer.name, since.elapsed().as_secs_f64() * MILLI);
            anyhow::ensure!(answer.matches("<int>80</int>").count() == 200, "{answer}");
            daemon.end()?;

            let daemon = Stage::new()?.start(peer, &Stage::sleepers(200))?;
            drop(daemon.all_running(200)?);
            let since = Instant::now();
            daemon.end()?;
            shutdown.add(peer.name, since.elapsed().as_secs_f64() * MILLI);
        }
    }
    Ok(vec![time, shutdown])
}

fn start(peers: &[Peer], rounds: usize) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for count in [1, 200] {
        let mut up = Figure::new(format!("to the API with {count} programs, ms"), true);
        let mut all = Figure::new(format!("until all {count} are RUNNING, ms"), true);
        for _ in 0..rounds {
            for peer in peers {
                let daemon = Stage::new()?.start(peer, &Stage::sleepers(count))?;
                drop(daemon.api()?);
                up.add(peer.name, daemon.since.elapsed().as_secs_f64() * MILLI);
                drop(daemon.all_running(count)?);
                all.add(peer.name, daemon.since.elapsed().as_secs_f64() * MILLI);
                daemon.end()?;
            }
        }
        figures.extend([up, all]);
    }
    Ok(figures)
}

fn api(peers: &[Peer], rounds: usize) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for count in [10, 200] {
        let mut rate = Figure::new(format!("calls per second, {count} programs"), false);
        let mut tail = Figure::new(format!("p99 of a call, {count} programs, ms"), true);
        let mut time = Figure::new(
            format!("processor time per call, {count} programs, µs"),
            true,
        );
        for _ in 0..rounds {
            for peer in peers {
                let daemon = Stage::new()?.start(peer, &Stage::sleepers(count))?;
                drop(daemon.all_running(count)?);
                let before = cpu(daemon.pid())?;
                let times = hammer(&daemon, Duration::from_secs(2))?;
                let spent = (cpu(daemon.pid())? - before).as_secs_f64();
                rate.add(peer.name, times.len() as f64 / 2.0);
                tail.add(
                    peer.name,
                    percentile(&times, 0.99).context("no calls")? * MILLI,
                );
                time.add(peer.name, spent * 1e6 / times.len() as f64);
                daemon.end()?;
            }
        }
        figures.extend([rate, tail, time]);
    }
    Ok(figures)
}

/// Calls over 8 connections for a while; the seconds that each call took.
fn hammer(daemon: &Daemon, while_: Duration) -> Result<Vec<f64>> {
    let end = Instant::now() + while_;
    let socket = daemon.path().join("sock");
    let one = || -> Result<Vec<f64>> {
        let mut connection = Connection::open(&socket)?;
        let mut times = Vec::new();
        while Instant::now() < end {
            let since = Instant::now();
            connection.call("supervisor.getAllProcessInfo", &[])?;
            times.push(since.elapsed().as_secs_f64());
        }
        Ok(times)
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..8).map(|_| scope.spawn(one)).collect();
        let mut all = Vec::new();
        for worker in workers {
            // A worker returns its errors; it panics only if the standard library does.
            all.extend(
                worker
                    .join()
                    .map_err(|_| anyhow::anyhow!("a worker panicked"))??,
            );
        }
        Ok(all)
    })
}

fn status(peers: &[Peer], rounds: usize) -> Result<Vec<Figure>> {
    let mut time = Figure::new("wall time, ms", true);
    for peer in peers {
        let daemon = Stage::new()?.start(peer, &Stage::sleepers(10))?;
        drop(daemon.all_running(10)?);
        for _ in 0..rounds * 3 {
            let since = Instant::now();
            let done = Command::new(&peer.ctl)
                .arg("-c")
                .arg(daemon.config())
                .arg("status")
                .output()?;
            time.add(peer.name, since.elapsed().as_secs_f64() * MILLI);
            anyhow::ensure!(
                done.status.success(),
                "{}",
                String::from_utf8_lossy(&done.stdout)
            );
        }
        daemon.end()?;
    }
    Ok(vec![time])
}
