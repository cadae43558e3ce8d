//! `cargo xtask demo`: the signup site under `mainstayd`, in the foreground.
//!
//! This process *becomes* `mainstayd` (exec), so that Ctrl-C and SIGTERM reach the daemon itself and
//! nothing can be left behind by a wrapper that died first. What there is to say once everything
//! answers is said by a short-lived second process, `demo --announce`, which is nobody's child.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::{Result, root, steps, target_dir};

pub(crate) const HELP: &str = "\
Builds in release mode and runs the signup site under mainstayd, in the foreground.

Usage: cargo xtask demo [OPTIONS]

Options:
  --debug               build without optimisations (quicker to build, slower to run)
  --site-port N         the site's port (8000); the attacker's page gets the next one
  --dashboard-port N    the dashboard's port (9001)
  --var DIR             where everything is kept (var/ in the checkout)
  -h, --help            this text

Ctrl-C stops everything. Nothing outside `target/` and the --var folder is written; what is in the
folder (members, keys, logs, the dashboard's password) is found again by the next start.
";

const DASHBOARD_USER: &str = "admin";

struct Options {
    release: bool,
    site_port: u16,
    dashboard_port: u16,
    var: PathBuf,
}

pub(crate) fn run(args: &[&str]) -> Result<()> {
    if args.iter().any(|arg| matches!(*arg, "--help" | "-h")) {
        print!("{HELP}");
        return Ok(());
    }
    let (announce, args) = match args {
        ["--announce", rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let options = Options::parse(args)?;
    if announce {
        return options.announce();
    }
    let profile: &[&str] = if options.release { &["--release"] } else { &[] };
    steps::build_binaries(profile)?;
    options.check_ports()?;
    options.lay_out()?;
    Options::announce_later(args)?;
    Err(options.become_daemon())
}

impl Options {
    fn parse(args: &[&str]) -> Result<Self> {
        let mut options = Self {
            release: true,
            site_port: 8000,
            dashboard_port: 9001,
            var: root().join("var"),
        };
        let mut words = args.iter();
        while let Some(word) = words.next() {
            let mut value = || {
                words
                    .next()
                    .ok_or_else(|| format!("`{word}` needs a value"))
            };
            match *word {
                "--debug" => options.release = false,
                "--site-port" => options.site_port = port(word, value()?)?,
                "--dashboard-port" => options.dashboard_port = port(word, value()?)?,
                "--var" => {
                    options.var = std::path::absolute(value()?).map_err(|e| e.to_string())?;
                }
                _ => return Err(format!("unknown option `{word}`\n\n{HELP}")),
            }
        }
        Ok(options)
    }

    fn bin(&self, name: &str) -> PathBuf {
        target_dir()
            .join(if self.release { "release" } else { "debug" })
            .join(name)
    }

    fn config(&self) -> PathBuf {
        self.var.join("supervisord.conf")
    }

    /// A taken port would end in a site that is restarted for ever: better said now.
    fn check_ports(&self) -> Result<()> {
        for (port, option, what) in [
            (self.site_port, "--site-port", "the site"),
            (
                self.site_port.saturating_add(1),
                "--site-port",
                "the attacker's page",
            ),
            (self.dashboard_port, "--dashboard-port", "the dashboard"),
        ] {
            if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err() {
                return Err(format!(
                    "port {port}, wanted for {what}, is in use\n\
                     hint: stop what listens there (perhaps another demo), or choose with {option}"
                ));
            }
        }
        Ok(())
    }

    /// Lays out the var folder: settings afresh, whatever a person may have added is kept.
    fn lay_out(&self) -> Result<()> {
        let deploy = root().join("examples/signup/deploy");
        let programs = self.var.join("conf.d");
        for folder in [&self.var, &programs, &self.var.join("log")] {
            fs::create_dir_all(folder).map_err(|e| format!("making {}: {e}", folder.display()))?;
        }
        let values = self.values()?;
        for (name, mode) in [
            ("supervisord.conf", 0o600),
            ("conf.d/signup.conf", 0o644),
            ("settings.toml", 0o644),
        ] {
            let mut text = read(&deploy.join(name))?;
            for (from, to) in &values {
                text = text.replace(from, to);
            }
            write(&self.var.join(name), &text, mode)?;
        }
        Ok(())
    }

    /// What the templates leave open. They are filled in here and not by the daemon's environment,
    /// so that `mainstayctl -c` and a second `mainstayd -c` read the same file in any shell.
    fn values(&self) -> Result<Vec<(String, String)>> {
        let user = output(Command::new("id").arg("-un"))?;
        let env = |name: &str| format!("%(ENV_MAINSTAY_{name})s");
        let folder = self.bin("");
        Ok(vec![
            (env("VAR"), escaped(&self.var)),
            (
                env("BIN"),
                escaped(&folder).trim_end_matches('/').to_owned(),
            ),
            (env("USER"), user),
            (env("DASHBOARD_USER"), DASHBOARD_USER.to_owned()),
            (env("DASHBOARD_HASH"), self.password_hash()?),
            (
                "127.0.0.1:8000".into(),
                format!("127.0.0.1:{}", self.site_port),
            ),
            (
                "127.0.0.1:8001".into(),
                format!("127.0.0.1:{}", self.site_port + 1),
            ),
            (
                "127.0.0.1:9001".into(),
                format!("127.0.0.1:{}", self.dashboard_port),
            ),
        ])
    }

    /// The dashboard's password: made at the first start, kept where only its owner reads it.
    fn password(&self) -> Result<String> {
        let file = self.var.join("dashboard-password");
        if let Ok(text) = fs::read_to_string(&file) {
            return Ok(text.trim().to_owned());
        }
        let key = output(Command::new(self.bin("mainstay")).arg("key"))?;
        let password: String = key
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(20)
            .collect();
        if password.len() < 20 {
            return Err(format!(
                "`mainstay key` printed too little to make a password of: {key}"
            ));
        }
        write(&file, &format!("{password}\n"), 0o600)?;
        Ok(password)
    }

    /// The hash under which mainstayd knows the password.
    fn password_hash(&self) -> Result<String> {
        let password = self.password()?;
        let mut child = Command::new(self.bin("mainstay"))
            .args(["password", "hash", "--stdin"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| format!("running `mainstay password hash`: {e}"))?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin
                .write_all(password.as_bytes())
                .map_err(|e| format!("passing the password: {e}"))?;
        }
        let done = child.wait_with_output().map_err(|e| e.to_string())?;
        if !done.status.success() {
            return Err(format!(
                "`mainstay password hash --stdin` failed: {}",
                done.status
            ));
        }
        Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned())
    }

    /// Starts the process that speaks once everything answers. The shell between us makes it an
    /// orphan, so that mainstayd does not inherit a child that it knows nothing of.
    fn announce_later(args: &[&str]) -> Result<()> {
        let own = std::env::current_exe().map_err(|e| e.to_string())?;
        let status = Command::new("/bin/sh")
            .args(["-c", "\"$0\" demo --announce \"$@\" &"])
            .arg(own)
            .args(args)
            .stdin(Stdio::null())
            .status()
            .map_err(|e| format!("running /bin/sh: {e}"))?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("/bin/sh: {status}"))
        }
    }

    fn become_daemon(&self) -> String {
        let daemon = self.bin("mainstayd");
        let error = Command::new(&daemon)
            .arg("-n")
            .arg("-c")
            .arg(self.config())
            .current_dir(&self.var)
            .exec();
        format!("running {}: {error}", daemon.display())
    }

    /// Waits until site and dashboard answer, then says what there is and what to try.
    fn announce(&self) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(60);
        for (port, what) in [
            (self.site_port, "the site"),
            (self.dashboard_port, "the dashboard"),
        ] {
            while !answers(port) {
                if Instant::now() > deadline {
                    return Err(format!(
                        "{what} does not answer on port {port}; see the log above"
                    ));
                }
                thread::sleep(Duration::from_millis(50));
            }
        }
        let ctl = format!(
            "{} -c {}",
            shown(&self.bin("mainstayctl")),
            shown(&self.config())
        );
        let (site, dashboard, attacker) = (self.site_port, self.dashboard_port, self.site_port + 1);
        println!(
            "
  Mainstay is up.

    the site        http://127.0.0.1:{site}
    the dashboard   http://127.0.0.1:{dashboard}    login {DASHBOARD_USER}, password {password}

  Three things to try, in another terminal:

    1. ask for the state of the site, then kill it and see it come back:
         {ctl} status
         kill -9 $({ctl} pid signup)
    2. open the attacker's page, http://localhost:{attacker}, and press its button:
       the forged request gets 403 and changes nothing
    3. add a program and start it:
         printf '[program:clock]\\ncommand=sh -c \"while date; do sleep 1; done\"\\n' > {clock}
         {ctl} update
         {ctl} tail -f clock

  Ctrl-C stops everything.
",
            password = self.password()?,
            clock = shown(&self.var.join("conf.d/clock.conf")),
        );
        Ok(())
    }
}

/// A path as a person in the current directory would type it.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let text = path
        .strip_prefix(here)
        .unwrap_or(path)
        .display()
        .to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+".contains(c);
    if text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// A path as it stands in a configuration file, where `%` begins an expansion.
fn escaped(path: &Path) -> String {
    path.display().to_string().replace('%', "%%")
}

fn port(option: &str, text: &str) -> Result<u16> {
    match text.parse() {
        Ok(0) | Err(_) => Err(format!(
            "`{option} {text}`: expected a port from 1 to 65534"
        )),
        Ok(u16::MAX) => Err(format!(
            "`{option} {text}`: expected a port from 1 to 65534"
        )),
        Ok(port) => Ok(port),
    }
}

/// Whether something speaks HTTP on a port of this machine.
fn answers(port: u16) -> bool {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_millis(500)) else {
        return false;
    };
    let mut first = [0; 5];
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .is_ok()
        && stream
            .write_all(b"GET / HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
            .is_ok()
        && stream.read_exact(&mut first).is_ok()
        && &first == b"HTTP/"
}

fn output(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let done = command
        .output()
        .map_err(|e| format!("running {name}: {e}"))?;
    if !done.status.success() {
        return Err(format!("{name}: {}", done.status));
    }
    Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned())
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|e| format!("reading {}: {e}", path.display()))
}

fn write(path: &Path, text: &str, mode: u32) -> Result<()> {
    let say = |e: std::io::Error| format!("writing {}: {e}", path.display());
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(path)
        .map_err(say)?;
    file.set_permissions(fs::Permissions::from_mode(mode))
        .map_err(say)?;
    file.write_all(text.as_bytes()).map_err(say)
}
