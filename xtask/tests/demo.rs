//! `cargo xtask demo` as a newcomer runs it: everything that it prints is tried, and so are the
//! README's commands. Real programs, real sockets; Ctrl-C at the end.
#![forbid(unsafe_code)]

mod browserless;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use browserless::Client;

const DEADLINE: Duration = Duration::from_secs(30);
/// The first start may have to build everything.
const BUILD: Duration = Duration::from_secs(900);

#[test]
fn a_newcomer_tries_everything() {
    let folder = Folder::new("newcomer");
    let mut demo = Demo::start(&folder.0);

    // What it prints.
    assert!(
        demo.said
            .contains(&format!("http://127.0.0.1:{}", demo.site)),
        "{}",
        demo.said
    );
    assert!(
        demo.said
            .contains(&format!("http://127.0.0.1:{}", demo.dashboard)),
        "{}",
        demo.said
    );
    let tries: Vec<String> = demo
        .said
        .lines()
        .filter_map(|line| line.strip_prefix("         "))
        .map(str::to_owned)
        .collect();
    assert!(tries.len() >= 4, "few commands to try in:\n{}", demo.said);

    // The dashboard asks for the login that was printed.
    let mut visitor = Client::new(demo.dashboard);
    assert_eq!(visitor.get("/").status, 401);
    let password = demo.password();
    demo.until_running("signup");
    let (status, out) = demo.ctl(&[
        "-s",
        &format!("http://127.0.0.1:{}", demo.dashboard),
        "-u",
        "admin",
        "-p",
        &password,
        "status",
        "signup",
    ]);
    assert_eq!((status, out.contains("RUNNING")), (0, true), "{out}");

    // A member signs up; a forged request changes nothing.
    let mut site = Client::new(demo.site);
    site.sign_up("grace", "a long enough password");
    let forged = Client::new(demo.site).post("/signup/post", &[("name", "mallory")]);
    assert_eq!(forged.status, 403, "{}", forged.body);

    // The commands, as printed, from the folder where the demo was started.
    for line in tries.iter().filter(|line| !line.contains(" tail -f ")) {
        let before = demo.pid("signup");
        let (status, out) = shell(line);
        assert_eq!(status, 0, "{line}\n{out}");
        if line.contains("kill -9") {
            demo.until("a new process", |demo| {
                let now = demo.pid("signup");
                now != 0 && now != before
            });
        }
    }
    demo.until_running("clock");
    let tail = tries
        .iter()
        .find(|line| line.contains(" tail -f "))
        .expect("a tail -f to try");
    follow(tail, "20");

    // The README's commands.
    let readme = fs::read_to_string(root().join("README.md")).expect("README.md");
    let commands: Vec<&str> = readme
        .lines()
        .filter(|line| line.starts_with("target/release/mainstayctl"))
        .collect();
    assert!(commands.len() >= 3, "the README shows no commands");
    demo.until_running("signup");
    for line in commands {
        let line = line
            .replace("target/release", &bin().display().to_string())
            .replace("var/", &format!("{}/", folder.0.display()));
        let (status, out) = shell(&line);
        assert_eq!(status, 0, "{line}\n{out}");
    }

    // The rest of the commands that an operator uses.
    let good = |out: (i32, String), wanted: &str| {
        assert!(
            out.0 == 0 && out.1.contains(wanted),
            "wanted `{wanted}`, got {out:?}"
        );
    };
    good(demo.ctl(&["stop", "signup"]), "signup: stopped");
    good(demo.ctl(&["start", "signup"]), "signup: started");
    good(demo.ctl(&["restart", "signup"]), "signup: started");
    fs::remove_file(folder.0.join("conf.d/clock.conf")).expect("the clock's file");
    good(demo.ctl(&["reread"]), "clock: disappeared");
    good(demo.ctl(&["update"]), "clock: removed process group");
    good(demo.ctl(&["reload"]), "Restarted supervisord");
    demo.until("the site after a reload", |demo| {
        let (status, out) = demo.ctl(&["status", "signup"]);
        status == 0 && out.contains("RUNNING") && TcpStream::connect(site_address(demo)).is_ok()
    });

    demo.interrupt();

    // A second start finds the first one's members again.
    let mut demo = Demo::start(&folder.0);
    let mut site = Client::new(demo.site);
    site.log_in("grace", "a long enough password");
    let members = site.get("/members");
    assert!(
        members.status == 200 && members.body.contains("grace"),
        "{}",
        members.body
    );
    let (status, out) = demo.ctl(&["shutdown"]);
    assert_eq!((status, out.as_str()), (0, "Shut down\n"));
    demo.expect_end();
}

fn site_address(demo: &Demo) -> (Ipv4Addr, u16) {
    (Ipv4Addr::LOCALHOST, demo.site)
}

/// A running demo. Dropped before its end, it is killed with all that it started.
struct Demo {
    process: Child,
    site: u16,
    dashboard: u16,
    var: PathBuf,
    said: String,
}

impl Demo {
    fn start(var: &Path) -> Self {
        // The attacker's page takes the port after the site's.
        let (site, dashboard) = (free_pair(), free_pair());
        let mut process = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(["demo", "--debug", "--var"])
            .arg(var)
            .args(["--site-port", &site.to_string()])
            .args(["--dashboard-port", &dashboard.to_string()])
            .current_dir(root())
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the demo");
        let stdout = process.stdout.take().expect("its output");
        let (line_out, lines) = mpsc::channel();
        thread::spawn(move || {
            // Goes on to the end, so that the daemon never writes into a full pipe.
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = line_out.send(line);
            }
        });
        let mut demo = Self {
            process,
            site,
            dashboard,
            var: var.to_path_buf(),
            said: String::new(),
        };
        let deadline = Instant::now() + BUILD;
        while !demo.said.contains("Ctrl-C stops everything") {
            match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => demo.said.push_str(&(line + "\n")),
                Err(error) => panic!(
                    "the demo did not come up ({error}); it said:\n{}",
                    demo.said
                ),
            }
        }
        demo
    }

    fn password(&self) -> String {
        let after = self.said.split("password ").nth(1).expect("a password");
        after
            .split_whitespace()
            .next()
            .expect("a password")
            .to_owned()
    }

    fn config(&self) -> PathBuf {
        self.var.join("supervisord.conf")
    }

    fn ctl(&self, args: &[&str]) -> (i32, String) {
        let mut command = Command::new(bin().join("mainstayctl"));
        outcome(command.arg("-c").arg(self.config()).args(args))
    }

    fn pid(&self, name: &str) -> u32 {
        self.ctl(&["pid", name]).1.trim().parse().unwrap_or(0)
    }

    #[track_caller]
    fn until(&self, what: &str, good: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        while !good(self) {
            let (_, status) = self.ctl(&["status"]);
            assert!(
                Instant::now() < deadline,
                "waited in vain for {what}; status:\n{status}"
            );
            thread::yield_now();
        }
    }

    #[track_caller]
    fn until_running(&self, name: &str) {
        self.until(name, |demo| {
            demo.ctl(&["status", name]).1.contains("RUNNING")
        });
    }

    /// Ctrl-C: the terminal signals the whole foreground group.
    fn interrupt(&mut self) {
        let group = format!("kill -INT -{}", self.process.id());
        assert_eq!(shell(&group).0, 0);
        self.expect_end();
    }

    fn expect_end(&mut self) {
        let deadline = Instant::now() + DEADLINE;
        let status = loop {
            if let Some(status) = self.process.try_wait().expect("its status") {
                break status;
            }
            assert!(
                Instant::now() < deadline,
                "the demo goes on after it was told to stop"
            );
            thread::yield_now();
        };
        assert!(status.success(), "{status}");
        for port in [self.site, self.site + 1, self.dashboard] {
            assert!(
                TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err(),
                "{port} is open"
            );
        }
        let left = processes_of(&self.var);
        assert!(left.is_empty(), "left running: {left:?}");
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            // Twice: the second one forces.
            for _ in 0..2 {
                let _ = shell(&format!("kill -TERM {}", self.process.id()));
            }
            let _ = self.process.wait();
        }
    }
}

fn shell(line: &str) -> (i32, String) {
    outcome(Command::new("sh").args(["-c", line]).current_dir(root()))
}

/// Runs a command that never ends by itself until it has printed what is wanted.
#[track_caller]
fn follow(line: &str, wanted: &str) {
    let mut process = Command::new("sh")
        .args(["-c", &format!("exec {line}")])
        .current_dir(root())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a shell");
    let mut stdout = process.stdout.take().expect("its output");
    let (chunk_out, chunks) = mpsc::channel();
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(n @ 1..) = stdout.read(&mut buffer) {
            let _ = chunk_out.send(String::from_utf8_lossy(&buffer[..n]).into_owned());
        }
    });
    let deadline = Instant::now() + DEADLINE;
    let mut seen = String::new();
    while !seen.contains(wanted) {
        match chunks.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(chunk) => seen.push_str(&chunk),
            Err(error) => panic!("`{line}`: {error} after:\n{seen}"),
        }
    }
    process.kill().expect("ending the follower");
    process.wait().expect("its end");
}

/// A folder below target/ that goes when the test has passed.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = bin()
            .parent()
            .expect("a target folder")
            .join(format!("demo-{name}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder below target/");
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !thread::panicking() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

/// Processes whose command line or environment names the folder.
fn processes_of(folder: &Path) -> Vec<String> {
    let name = folder.display().to_string();
    let named = |entry: &Path, file: &str| {
        fs::read(entry.join(file)).is_ok_and(|text| String::from_utf8_lossy(&text).contains(&name))
    };
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|entry| entry.join("cmdline").exists())
        .filter(|entry| named(entry, "cmdline") || named(entry, "environ"))
        .map(|entry| fs::read_to_string(entry.join("cmdline")).unwrap_or_default())
        .collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the root")
        .to_path_buf()
}

fn bin() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_xtask"))
        .parent()
        .expect("its folder")
        .to_path_buf()
}

/// A free port whose successor is free too.
fn free_pair() -> u16 {
    loop {
        let first = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = first.local_addr().expect("its address").port();
        if port < u16::MAX && TcpListener::bind((Ipv4Addr::LOCALHOST, port + 1)).is_ok() {
            return port;
        }
    }
}

fn outcome(command: &mut Command) -> (i32, String) {
    let done = command.output().expect("a program that runs");
    let text = String::from_utf8_lossy(&done.stdout) + String::from_utf8_lossy(&done.stderr);
    (done.status.code().unwrap_or(-1), text.into_owned())
}
