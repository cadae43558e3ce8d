//! A `mainstayd` for one test: `Daemon::with("[program:cat] …").start()`.
//!
//! Everything it uses lives in a temporary directory. Waiting is always for something, with a
//! deadline, and a failure shows the main log.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use mainstay_supervisor::ctl::{Client, Error, Info};
use mainstay_supervisor::daemon::State;
use mainstay_supervisor::rpc::Value;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// A running daemon. It is stopped, with all its children, when this is dropped.
#[derive(Debug)]
pub(crate) struct Daemon {
    dir: TempDir,
    child: Option<Child>,
    client: Client,
}

/// A daemon that is not started yet.
#[derive(Debug)]
pub(crate) struct Builder {
    dir: TempDir,
    config: String,
    wrapper: Vec<String>,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    stdout: Option<std::io::PipeWriter>,
}

impl Daemon {
    /// A daemon with these sections beside the usual ones. Common indentation goes; `{dir}` is the
    /// daemon's directory. A `[supervisord]` section of your own overrides the usual keys.
    pub(crate) fn with(sections: &str) -> Builder {
        let dir = TempDir::new().unwrap();
        let config = config(&dir, sections);
        Builder {
            dir,
            config,
            wrapper: Vec::new(),
            arguments: vec!["-n".to_owned()],
            environment: Vec::new(),
            stdout: None,
        }
    }

    /// The directory, for files of the test's own.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The text of a file in the directory; empty if there is none.
    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// The main log.
    pub(crate) fn log(&self) -> String {
        self.text("main.log")
    }

    /// The URL of its unix socket.
    pub(crate) fn url(&self) -> String {
        format!("unix://{}", self.path("s.sock").display())
    }

    /// The configuration file.
    pub(crate) fn config_file(&self) -> PathBuf {
        self.path("supervisord.conf")
    }

    /// Replaces the configuration; the daemon learns of it by a reread or restart.
    pub(crate) fn rewrite(&self, sections: &str) {
        fs::write(self.config_file(), config(&self.dir, sections)).unwrap();
    }

    /// The daemon's own pid.
    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.as_ref().expect("it has not exited").id()).unwrap()
    }

    /// Sends the daemon a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid()), signal).unwrap();
    }

    /// Calls a method of the API.
    pub(crate) fn call(&mut self, method: &str, params: &[Value]) -> Result<Value, Error> {
        self.client.call(method, params)
    }

    /// Calls a method that takes names, and expects it to succeed.
    #[track_caller]
    pub(crate) fn ask(&mut self, method: &str, names: &[&str]) -> Value {
        let params: Vec<_> = names
            .iter()
            .map(|name| Value::String((*name).to_owned()))
            .collect();
        match self.client.call(&format!("supervisor.{method}"), &params) {
            Ok(value) => value,
            Err(error) => panic!("{method}{names:?}: {error}\n{}", self.log()),
        }
    }

    /// Calls a method that takes names, and expects this fault.
    #[track_caller]
    pub(crate) fn refuses(&mut self, method: &str, names: &[&str]) -> String {
        let params: Vec<_> = names
            .iter()
            .map(|name| Value::String((*name).to_owned()))
            .collect();
        match self.client.call(&format!("supervisor.{method}"), &params) {
            Ok(value) => panic!("{method}{names:?} worked: {value:?}\n{}", self.log()),
            Err(error) => error
                .fault_text()
                .map_or_else(|| panic!("{error}"), str::to_owned),
        }
    }

    /// Starts a process; its state is what follows.
    #[track_caller]
    pub(crate) fn start_without_waiting(&mut self, name: &str) {
        self.without_waiting("supervisor.startProcess", name);
    }

    /// Stops a process; its state is what follows.
    #[track_caller]
    pub(crate) fn stop_without_waiting(&mut self, name: &str) {
        self.without_waiting("supervisor.stopProcess", name);
    }

    #[track_caller]
    fn without_waiting(&mut self, method: &str, name: &str) {
        let params = [Value::String(name.to_owned()), Value::Bool(false)];
        if let Err(error) = self.client.call(method, &params) {
            panic!("{method}({name}): {error}\n{}", self.log());
        }
    }

    /// What the API tells of a process.
    #[track_caller]
    pub(crate) fn info(&mut self, name: &str) -> Info {
        Info::try_from(&self.ask("getProcessInfo", &[name])).unwrap()
    }

    /// One number of what the API tells of a process.
    #[track_caller]
    pub(crate) fn number(&mut self, name: &str, field: &str) -> i64 {
        let info = self.ask("getProcessInfo", &[name]);
        let number = info.get(field).and_then(Value::as_int);
        number
            .unwrap_or_else(|| panic!("{field} of {info:?}"))
            .into()
    }

    /// A process's state and pid once it has that state.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, name: &str, state: State) -> i32 {
        let mut pid = 0;
        self.wait_until(&format!("{name} to be {}", state.name()), |daemon| {
            let info = daemon.info(name);
            pid = info.pid;
            info.state == state.code()
        });
        pid
    }

    /// Waits until the main log has this text.
    #[track_caller]
    pub(crate) fn wait_for_log(&mut self, text: &str) {
        self.wait_until(&format!("{text:?} in the log"), |daemon| {
            daemon.log().contains(text)
        });
    }

    /// Waits until something is so.
    #[track_caller]
    pub(crate) fn wait_until(&mut self, what: &str, mut is: impl FnMut(&mut Self) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        while !is(self) {
            assert!(
                Instant::now() < deadline,
                "waited in vain for {what}\n{}",
                self.log()
            );
            thread::sleep(POLL);
        }
    }

    /// How often a process was spawned, by the main log.
    pub(crate) fn spawns(&self, name: &str) -> usize {
        self.log()
            .matches(&format!("spawned: '{name}' with pid"))
            .count()
    }

    /// How the daemon exits, which it is expected to do.
    #[track_caller]
    pub(crate) fn exit(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("it has not exited before");
        wait(&mut child).unwrap_or_else(|| panic!("it does not exit\n{}", self.log()))
    }
}

impl Builder {
    /// An option for the command line.
    pub(crate) fn argument(mut self, argument: &str) -> Self {
        self.arguments
            .push(argument.replace("{dir}", &self.dir.path().to_string_lossy()));
        self
    }

    /// A variable for the daemon's environment.
    pub(crate) fn environment(mut self, key: &str, value: &str) -> Self {
        let value = value.replace("{dir}", &self.dir.path().to_string_lossy());
        self.environment.push((key.to_owned(), value));
        self
    }

    /// A variable that names a file in its directory.
    pub(crate) fn environment_path(mut self, key: &str, name: &str) -> Self {
        let path = self.dir.path().join(name);
        self.environment
            .push((key.to_owned(), path.to_string_lossy().into_owned()));
        self
    }

    /// Runs the daemon through another program, which gets its command line.
    pub(crate) fn under(mut self, wrapper: &[&str]) -> Self {
        self.wrapper = wrapper.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    /// A file in its directory, before it starts.
    pub(crate) fn file(self, name: &str, text: &str) -> Self {
        fs::write(self.dir.path().join(name), text).unwrap();
        self
    }

    /// A link in its directory, before it starts.
    pub(crate) fn link(self, target: &str, name: &str) -> Self {
        std::os::unix::fs::symlink(target, self.dir.path().join(name)).unwrap();
        self
    }

    /// A directory in its directory, before it starts.
    pub(crate) fn directory(self, name: &str) -> Self {
        fs::create_dir(self.dir.path().join(name)).unwrap();
        self
    }

    /// A named pipe in its directory, before it starts.
    pub(crate) fn fifo(self, name: &str) -> Self {
        nix::unistd::mkfifo(
            &self.dir.path().join(name),
            nix::sys::stat::Mode::from_bits_truncate(0o600),
        )
        .unwrap();
        self
    }

    /// The directory, for what has to be there before it starts.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Its standard output, in place of a file `stdout`.
    pub(crate) fn stdout(mut self, pipe: std::io::PipeWriter) -> Self {
        self.stdout = Some(pipe);
        self
    }

    /// In the background, as without `-n`.
    pub(crate) fn daemonized(mut self) -> Self {
        self.arguments.retain(|argument| argument != "-n");
        self
    }

    /// Starts it and waits until it answers.
    #[track_caller]
    pub(crate) fn start(mut self) -> Daemon {
        let stderr = self.output("stderr");
        let stdout: Stdio = match self.stdout.take() {
            Some(pipe) => pipe.into(),
            None => self.output("stdout").into(),
        };
        let child = self
            .command()
            .stdout(stdout)
            .stderr(stderr)
            .spawn()
            .unwrap();
        let url = format!("unix://{}", self.dir.path().join("s.sock").display());
        let client = Client::new(&url).unwrap();
        let mut daemon = Daemon {
            dir: self.dir,
            child: Some(child),
            client,
        };
        daemon.wait_until("the API", |daemon| {
            if let Some(child) = &mut daemon.child
                && let Some(status) = child.try_wait().unwrap()
                && !status.success()
            {
                panic!("{status}: {}", daemon.text("stderr"));
            }
            daemon.call("supervisor.getState", &[]).is_ok()
        });
        daemon
    }

    /// Starts it although it is expected to exit by itself at once.
    #[track_caller]
    pub(crate) fn fail(self) -> (Output, TempDir) {
        (self.command().output().unwrap(), self.dir)
    }

    fn command(&self) -> Command {
        fs::write(self.dir.path().join("supervisord.conf"), &self.config).unwrap();
        let mut words = self
            .wrapper
            .iter()
            .map(String::as_str)
            .chain([env!("CARGO_BIN_EXE_mainstayd")]);
        let mut command = Command::new(words.next().unwrap());
        command
            .args(words)
            .arg("-c")
            .arg(self.dir.path().join("supervisord.conf"))
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(key, value)| (key, value)))
            .current_dir(self.dir.path())
            .stdin(Stdio::null());
        command
    }

    fn output(&self, name: &str) -> fs::File {
        fs::File::create(self.dir.path().join(name)).unwrap()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let Some(mut child) = self.child.take() else {
            return;
        };
        if thread::panicking() {
            eprintln!(
                "the main log:\n{}\nits stderr:\n{}",
                self.log(),
                self.text("stderr")
            );
        }
        // Twice: the second one does not wait for children that take their time.
        for _ in 0..2 {
            // It may be gone already, by the test's own doing.
            let _ = kill(
                Pid::from_raw(i32::try_from(child.id()).unwrap()),
                Signal::SIGTERM,
            );
            thread::sleep(POLL);
        }
        if wait(&mut child).is_none() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Waits for an exit; `None` after a deadline.
pub(crate) fn wait(child: &mut Child) -> Option<ExitStatus> {
    let deadline = Instant::now() + DEADLINE;
    loop {
        match child.try_wait().unwrap() {
            Some(status) => return Some(status),
            None if Instant::now() < deadline => thread::sleep(POLL),
            None => return None,
        }
    }
}

fn config(dir: &TempDir, sections: &str) -> String {
    let user = if nix::unistd::geteuid().is_root() {
        "user = root\n"
    } else {
        ""
    };
    let usual = format!(
        "[unix_http_server]\nfile = {{dir}}/s.sock\n\
         [supervisord]\nlogfile = {{dir}}/main.log\npidfile = {{dir}}/pid\nchildlogdir = {{dir}}\n{user}\
         [rpcinterface:supervisor]\n\
         supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n\
         [supervisorctl]\nserverurl = unix://{{dir}}/s.sock\n"
    );
    let path = dir.path().to_string_lossy();
    format!("{usual}{}", dedent(sections)).replace("{dir}", &path)
}

/// Takes the common indentation away, without which every line would continue the one before.
fn dedent(text: &str) -> String {
    let lines = || text.lines().filter(|line| !line.trim().is_empty());
    let indent = lines()
        .map(|line| line.len() - line.trim_start().len())
        .min()
        .unwrap_or(0);
    lines()
        .map(|line| format!("{}\n", &line[indent..]))
        .collect()
}

/// Whether a process exists, as anything but a zombie.
pub(crate) fn is_alive(pid: i32) -> bool {
    let Ok(stat) = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")) else {
        return false;
    };
    !stat
        .rsplit(')')
        .next()
        .is_some_and(|rest| rest.trim_start().starts_with('Z'))
}

const DEADLINE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(5);
