//! The signup site, with a database of its own.

use anyhow::Context as _;
use tempfile::TempDir;
use tokio::process::Command;

use crate::process::{Process, own_program};

/// A running site in demo mode, with an attacker's page beside it.
#[derive(Debug)]
pub struct Site {
    process: Process,
    origin: String,
    attacker: String,
    _folder: TempDir,
}

impl Site {
    /// Starts the program that `MAINSTAY_SIGNUP_BIN` names, or builds it.
    pub async fn start() -> anyhow::Result<Self> {
        let program = own_program("MAINSTAY_SIGNUP_BIN", "signup", "signup").await?;
        let folder = tempfile::tempdir()?;
        let settings = folder.path().join("settings.toml");
        std::fs::write(&settings, SETTINGS)?;
        let mut command = Command::new(program);
        command
            .env("APP_SETTINGS", settings)
            .env_remove("DATABASE_URL")
            .env_remove("RUST_LOG");
        let process = Process::spawn(command)?;
        let attacker = process.wait_for("the attacker's page is at ").await?;
        let line = process.wait_for("the site is at ").await?;
        let origin = line.split(' ').next().context("an origin")?.to_owned();
        Ok(Self {
            process,
            origin,
            attacker,
            _folder: folder,
        })
    }

    /// The address of a page.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// The page at another origin that sends this site's signup form.
    pub fn attacker(&self) -> &str {
        &self.attacker
    }

    /// Waits for a line in the site's log, by a part of it; the rest is the answer.
    pub async fn wait_for_log(&self, part: &str) -> anyhow::Result<String> {
        self.process.wait_for(part).await
    }
}

const SETTINGS: &str = r#"
listen = "127.0.0.1:0"
data = "."
demo = true
attacker = "127.0.0.1:0"

[passwords]
log_n = 10
r = 8
p = 1
weak_hashes_for_tests = true
"#;
