//! The interactive shell.

use std::io;

use rustyline::error::ReadlineError;
use rustyline::history::MemHistory;
use rustyline::{CompletionType, Config, Editor};

use super::client::Client;
use super::complete::Names;
use super::history::HistoryFile;
use super::input;
use super::session::{Flow, Session};
use crate::config;

/// The shell for people: line editing, history, completion.
pub(super) fn on_terminal(session: &mut Session, settings: &config::Ctl) -> io::Result<()> {
    session.client.catch_interrupts()?;
    let prompt = prompt(settings);
    let names = Client::new(&settings.serverurl)?
        .login(settings.username.clone(), settings.password.clone());
    let mut editor = Editor::<Names, MemHistory>::with_history(
        // Tab adds what all candidates have in common, and lists them: a line must never come to hold
        // a command that nobody has chosen.
        Config::builder()
            .auto_add_history(true)
            .completion_type(CompletionType::List)
            .build(),
        MemHistory::new(),
    )
    .map_err(io::Error::other)?;
    editor.set_helper(Some(Names::new(names)));
    let history = settings.history_file.clone().map(HistoryFile::new);
    if let Some(history) = &history {
        for line in history.lines()? {
            editor.add_history_entry(line).map_err(io::Error::other)?;
        }
    }

    let mut flow = session.run("status");
    while flow == Flow::Continue {
        flow = match editor.readline(&prompt) {
            Ok(line) => {
                if let Some(history) = &history
                    && !line.trim().is_empty()
                {
                    history.append(&line)?;
                }
                session.run(&line)
            }
            Err(ReadlineError::Eof | ReadlineError::Interrupted) => session.run("EOF"),
            Err(ReadlineError::Io(error)) => return Err(error),
            Err(error) => return Err(io::Error::other(error)),
        };
        if let Some(names) = editor.helper_mut() {
            names.set_url(session.client.url());
        }
    }
    Ok(())
}

/// The shell for scripts: a command a line, the prompts printed as they are on a terminal.
pub(super) fn on_pipe(session: &mut Session, settings: &config::Ctl) -> io::Result<()> {
    let prompt = prompt(settings);
    let mut flow = session.run("status");
    while flow == Flow::Continue {
        session.out.prompt(&prompt);
        flow = match input::line()? {
            Some(line) => session.run(&line),
            None => session.run("EOF"),
        };
    }
    Ok(())
}

fn prompt(settings: &config::Ctl) -> String {
    format!("{}> ", settings.prompt)
}
