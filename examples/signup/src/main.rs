//! A site where people sign up, log in and see who else is a member.
//!
//! It uses the whole of Mainstay, and is meant to be copied from: `app` is the stack of layers, `routes`
//! are the handlers, `settings` is what an operator decides.
#![forbid(unsafe_code)]

mod app;
mod attacker;
mod db;
mod env;
mod keys;
mod listen;
mod names;
mod pages;
mod routes;
mod sessions;
mod settings;
mod visitors;

use std::io::{self, Write as _};
use std::process::ExitCode;

use tracing_subscriber::EnvFilter;

use crate::settings::Settings;

const HELP: &str = "\
A site where people sign up, log in and see who else is a member.

Usage: signup [OPTION]

Options:
      --check    read the settings, say whether they are good, and leave
  -h, --help     this text
  -V, --version  the version

Environment:
  APP_SETTINGS   the TOML file with the settings (without it: defaults for development)
  DATABASE_URL   postgres://… or sqlite:… (without it: a SQLite file in the folder `data`)
  LISTEN_FDS     a listening socket handed over by who starts the site
  RUST_LOG       what to log (info)
";

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "signup: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {
            log();
            app::serve(Settings::from_env()?).await
        }
        ["--check"] => {
            let settings = Settings::from_env()?;
            settings.origin_at(settings.listen)?;
            say("the settings are good\n")
        }
        ["--help" | "-h"] => say(HELP),
        ["--version" | "-V"] => say(concat!("signup ", env!("CARGO_PKG_VERSION"), "\n")),
        _ => anyhow::bail!(
            "unknown arguments `{}`\nhint: see `signup --help`",
            args.join(" ")
        ),
    }
}

fn say(text: &str) -> anyhow::Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Logs to standard error, one line a fact.
fn log() {
    // tower-sessions reports a failing store by itself, although the handler returns that error and the
    // error layer logs it with the request; one line is enough. Its span says nothing but `call`.
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| {
        EnvFilter::new("info,tower_sessions=warn,tower_sessions_core::session=off")
    });
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(false)
        .init();
}
