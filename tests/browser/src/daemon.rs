//! mainstayd with a dashboard.

use std::net::TcpListener;

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::{Duration, Instant, sleep};

use crate::process::{DEADLINE, Process, own_program};

/// A running mainstayd with one program, `sleeper`, and a dashboard behind a login.
#[derive(Debug)]
pub struct Daemon {
    process: Process,
    port: u16,
    _folder: TempDir,
}

impl Daemon {
    /// The dashboard's login.
    pub const LOGIN: (&str, &str) = ("admin", "correct-horse");

    /// Starts the program that `MAINSTAYD` names, or builds it.
    pub async fn start() -> anyhow::Result<Self> {
        let program = own_program("MAINSTAYD", "mainstay-supervisor", "mainstayd").await?;
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("supervisord.conf");
        let port = free_port()?;
        let (user, password) = Self::LOGIN;
        std::fs::write(
            &file,
            format!(
                "[supervisord]\nlogfile = %(here)s/main.log\npidfile = %(here)s/pid\n\
                 childlogdir = %(here)s\nnodaemon = true\n\
                 [rpcinterface:supervisor]\n\
                 supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n\
                 [inet_http_server]\nport = 127.0.0.1:{port}\nusername = {user}\npassword = {password}\n\
                 [program:sleeper]\ncommand = sleep 3600\nstartsecs = 0\n"
            ),
        )?;
        let mut command = Command::new(program);
        command
            .arg("-n")
            .arg("-c")
            .arg(&file)
            .current_dir(folder.path());
        let process = Process::spawn(command)?;
        let daemon = Self {
            process,
            port,
            _folder: folder,
        };
        daemon.wait_until_it_answers().await?;
        Ok(daemon)
    }

    /// The address of a page.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The same with the login in it: once opened, the browser knows it for all pages.
    pub fn url_with_login(&self, path: &str) -> String {
        let (user, password) = Self::LOGIN;
        format!("http://{user}:{password}@127.0.0.1:{}{path}", self.port)
    }

    async fn wait_until_it_answers(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + DEADLINE;
        while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            let log = || self.process.lines().join("\n");
            anyhow::ensure!(
                Instant::now() < deadline,
                "mainstayd does not answer:\n{}",
                log()
            );
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

/// Configuration files of Supervisor cannot ask for any free port.
fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
