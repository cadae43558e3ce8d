//! `mainstayctl`: the client, its commands and its interactive shell.
//!
//! What a command prints and the status it exits with are an interface: scripts and configuration
//! tools parse them. So the texts are pure functions in [`mod@print`], checked against tables, and
//! everything goes to standard output through one [`Output`], errors included, as it always has.

mod client;
mod commands;
mod complete;
mod error;
mod history;
mod info;
mod input;
mod output;
pub mod print;
mod report;
mod server;
mod session;
mod shell;
mod stream;

use std::io::{self, IsTerminal};

use crate::config;

pub use client::Client;
pub(crate) use commands::{COMMANDS, Command, Completes};
pub use error::Error;
pub use info::{Info, Outcome};
pub use output::Output;
pub use report::refusal;
pub use server::Server;
pub use session::{Flow, Session};

/// Whom an action talks to. The shell, which has no action, always talks to people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Scripts: nothing is asked, and the lines are those of `supervisorctl`.
    #[default]
    Plain,
    /// Somebody at a terminal, who is asked where an answer is needed.
    Interactive,
    /// Programs: one JSON document, and nothing else, on standard output.
    Json,
}

/// Runs one action, or the interactive shell when there is none, and gives the exit status.
///
/// The words of an action are joined by a blank and read again as one line, so
/// `mainstayctl "signal HUP" web` is `mainstayctl signal HUP web`.
///
/// # Errors
///
/// When the runtime cannot be started or the output cannot be written. A reader that went away
/// (`mainstayctl tail web | head -1`) is not an error.
pub fn run(settings: &config::Ctl, action: &[String], mode: Mode) -> io::Result<u8> {
    let client = Client::new(&settings.serverurl)?
        .login(settings.username.clone(), settings.password.clone());
    let out = Output::stdout();

    let session = if action.is_empty() {
        let mut session = Session::new(client, out).interactive(true);
        if io::stdin().is_terminal() && io::stdout().is_terminal() {
            shell::on_terminal(&mut session, settings)?;
        } else {
            shell::on_pipe(&mut session, settings)?;
        }
        session.forgive();
        session
    } else {
        let session = Session::new(client, out);
        let mut session = match mode {
            Mode::Plain => session,
            Mode::Interactive => session.interactive(true),
            Mode::Json => session.json(),
        };
        session.run(&action.join(" "));
        session
    };
    session.finish()
}
