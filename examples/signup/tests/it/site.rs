//! The real program, started for one test.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use sqlx::any::AnyPoolOptions;
use tempfile::TempDir;

use crate::client::Client;

const DEADLINE: Duration = Duration::from_secs(30);

/// Cheap to hash with, as tests hash often.
pub(crate) const CHEAP: &str =
    "[passwords]\nlog_n = 10\nr = 8\np = 1\nweak_hashes_for_tests = true\n";

pub(crate) struct Site {
    child: Child,
    log: Arc<Log>,
    pub(crate) folder: Arc<TempDir>,
    pub(crate) address: SocketAddr,
    database: String,
}

impl Site {
    /// A fresh site with a demo's pages.
    pub(crate) fn start() -> Self {
        Self::with(&format!("demo = true\n{CHEAP}"))
    }

    pub(crate) fn with(settings: &str) -> Self {
        Self::in_folder(Arc::new(tempfile::tempdir().unwrap()), settings, None)
    }

    /// Starts in a folder that may hold the data of an earlier site.
    pub(crate) fn in_folder(folder: Arc<TempDir>, settings: &str, url: Option<&str>) -> Self {
        let mut command = command(
            &folder,
            &format!("listen = \"127.0.0.1:0\"\ndata = \".\"\n{settings}"),
        );
        if let Some(url) = url {
            command.env("DATABASE_URL", url);
        }
        let database = url.map_or_else(
            || format!("sqlite:{}", folder.path().join("signup.db").display()),
            str::to_owned,
        );
        Self::spawn(command, folder, database)
    }

    pub(crate) fn spawn(mut command: Command, folder: Arc<TempDir>, database: String) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Log::default());
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let writer = log.clone();
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                writer.push(line);
            }
        });
        let unknown = SocketAddr::from(([0, 0, 0, 0], 0));
        let mut site = Self {
            child,
            log,
            folder,
            address: unknown,
            database,
        };
        let line = site.wait_for_line("the site is at http://");
        let (_, rest) = line.split_once("the site is at http://").unwrap();
        site.address = rest.split(' ').next().unwrap().parse().unwrap();
        site
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// The first line of the log, so far or soon, that contains a text.
    #[track_caller]
    pub(crate) fn wait_for_line(&self, part: &str) -> String {
        let mut lines = self.log.lines.lock().unwrap();
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(line) = lines.iter().find(|line| line.contains(part)) {
                return line.clone();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "no line with {part:?} in the log:\n{}",
                lines.join("\n")
            );
            lines = self.log.more.wait_timeout(lines, left).unwrap().0;
        }
    }

    /// Everything logged so far. What a request logs, it logs before its answer leaves; a line takes a
    /// moment through the pipe, so another line, asked for here, is waited for behind it.
    pub(crate) fn log(&self) -> Vec<String> {
        let marker = Client::new(self.address).get("/demo/half-page");
        let id = marker.header("x-request-id").unwrap().to_owned();
        self.wait_for_line(&id);
        let lines = self.log.lines.lock().unwrap();
        lines
            .iter()
            .filter(|line| !line.contains(&id))
            .cloned()
            .collect()
    }

    pub(crate) fn count(&self, table: &'static str) -> i64 {
        let sql: &'static str = match table {
            "members" => "SELECT COUNT(*) FROM members",
            "sessions" => "SELECT COUNT(*) FROM sessions",
            _ => unreachable!(),
        };
        self.in_database(async |pool| sqlx::query_scalar(sql).fetch_one(&pool).await.unwrap())
    }

    pub(crate) fn execute(&self, sql: &'static str) {
        self.in_database(async |pool| sqlx::raw_sql(sql).execute(&pool).await.unwrap());
    }

    pub(crate) fn stored_password(&self, key: &'static str) -> String {
        self.in_database(async |pool| {
            sqlx::query_scalar("SELECT password FROM members WHERE name_key = $1")
                .bind(key)
                .fetch_one(&pool)
                .await
                .unwrap()
        })
    }

    fn in_database<T>(&self, work: impl AsyncFnOnce(sqlx::AnyPool) -> T) -> T {
        sqlx::any::install_default_drivers();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let pool = AnyPoolOptions::new()
                .max_connections(1)
                .connect(&self.database)
                .await
                .unwrap();
            let result = work(pool.clone()).await;
            pool.close().await;
            result
        })
    }

    /// Asks the site to stop, as a supervisor does.
    pub(crate) fn terminate(&self) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    #[track_caller]
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "the site does not stop");
            thread::sleep(Duration::from_millis(5));
        }
    }

    #[track_caller]
    pub(crate) fn stop(mut self) -> Arc<TempDir> {
        self.terminate();
        assert!(self.wait().success());
        self.folder.clone()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!(
                "the site's log:\n{}",
                self.log.lines.lock().unwrap().join("\n")
            );
        }
    }
}

/// The program with its settings in a file of `folder`.
pub(crate) fn command(folder: &TempDir, settings: &str) -> Command {
    let file: PathBuf = folder.path().join("settings.toml");
    fs::write(&file, settings).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_signup"));
    command
        .env("APP_SETTINGS", file)
        .env_remove("DATABASE_URL")
        .env_remove("RUST_LOG")
        .env_remove("RUST_BACKTRACE")
        .env_remove("LISTEN_FDS");
    command
}

#[derive(Default)]
struct Log {
    lines: Mutex<Vec<String>>,
    more: Condvar,
}

impl Log {
    fn push(&self, line: String) {
        self.lines.lock().unwrap().push(line);
        self.more.notify_all();
    }
}
