//! One line after another: finding the command, running it, and what becomes of its errors.

use std::fmt::Display;
use std::io;

use serde_json::Value as Json;

use super::client::Client;
use super::commands::{self, COMMANDS, Command};
use super::error::Error;
use super::input;
use super::output::Output;
use super::print;
use super::report::{self, Report};
use crate::rpc::API_VERSION;

/// The exit statuses that commands assign.
pub(super) mod exit {
    pub(crate) const FAILURE: u8 = 1;
    pub(crate) const INVALID_ARGUMENTS: u8 = 2;
    pub(crate) const UNIMPLEMENTED: u8 = 3;
    pub(crate) const REFUSED: u8 = 4;
    pub(crate) const OTHER_VERSION: u8 = 5;
    pub(crate) const NOT_RUNNING: u8 = 7;
}

/// Whether there is more to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Read the next line.
    Continue,
    /// The user has said goodbye.
    Quit,
}

/// A conversation with a daemon: what lines say, carried out.
#[derive(Debug)]
pub struct Session {
    pub(super) client: Client,
    pub(super) out: Output,
    /// The last assignment wins; success does not reset it.
    pub(super) status: u8,
    interactive: bool,
    /// With `--json`: what takes the place of all lines.
    report: Option<Report>,
}

impl Session {
    /// A session that asks nothing and prints to `out`.
    pub fn new(client: Client, out: Output) -> Self {
        Self {
            client,
            out,
            status: 0,
            interactive: false,
            report: None,
        }
    }

    /// Whether to ask for confirmation and passwords.
    pub fn interactive(self, interactive: bool) -> Self {
        Self {
            interactive,
            ..self
        }
    }

    /// Prints one JSON document at the end instead of lines. Nobody is asked anything then: a
    /// question on standard output would not be JSON.
    pub fn json(self) -> Self {
        Self {
            interactive: false,
            report: Some(Report::default()),
            ..self
        }
    }

    /// Carries out one line. Whatever goes wrong is printed, and shows in the exit status.
    pub fn run(&mut self, line: &str) -> Flow {
        let line = line.trim();
        let (word, argument) = split_command(line);
        if line.is_empty() {
            return Flow::Continue;
        }
        if matches!(word, "quit" | "exit" | "EOF") {
            self.remark("");
            return Flow::Quit;
        }
        let Some(command) = commands::find(word) else {
            self.fail(exit::FAILURE, format_args!("*** Unknown syntax: {line}"));
            return Flow::Continue;
        };

        loop {
            match (command.run)(self, argument) {
                Ok(()) => return Flow::Continue,
                Err(error) if error.is_interrupted() => {
                    self.remark("");
                    return Flow::Quit;
                }
                Err(error) => {
                    if !(error.is_unauthorized() && self.asked_for_login()) {
                        self.fail_by(exit::FAILURE, &error);
                        return Flow::Continue;
                    }
                }
            }
        }
    }

    /// Forgets the failures: the interactive shell has shown them to somebody.
    pub fn forgive(&mut self) {
        self.status = 0;
    }

    /// Ends the output and gives the exit status.
    ///
    /// # Errors
    ///
    /// When some of the output could not be written.
    pub fn finish(mut self) -> io::Result<u8> {
        if let Some(report) = self.report {
            self.out.line(report.document());
        }
        self.out.finish()?;
        Ok(self.status)
    }

    /// Reports something: a line, which with `--json` is a row.
    pub(super) fn say(&mut self, line: impl Display, row: impl FnOnce() -> Json) {
        match &mut self.report {
            None => self.out.line(line),
            Some(report) => report.push(row()),
        }
    }

    /// Prints what is no result, and so has no place in a document.
    pub(super) fn remark(&mut self, line: impl Display) {
        if self.report.is_none() {
            self.out.line(line);
        }
    }

    /// Prints a complaint and assigns the exit status. With `--json` it is the error of the whole.
    pub(super) fn fail(&mut self, status: u8, complaint: impl Display) {
        self.fail_for(status, complaint, None);
    }

    /// The same, where the daemon answered with a fault.
    pub(super) fn fail_for(&mut self, status: u8, complaint: impl Display, fault: Option<i32>) {
        self.status = status;
        match &mut self.report {
            None => self.out.line(complaint),
            Some(report) => report.fail(&complaint.to_string(), fault),
        }
    }

    /// Prints a complaint about one of several, and assigns the exit status. With `--json` it is a
    /// row among the others, with the fault if the daemon answered with one.
    pub(super) fn fail_at(
        &mut self,
        status: u8,
        complaint: impl Display,
        (name, reason, fault): (&str, &str, Option<i32>),
    ) {
        self.status = status;
        self.say(complaint, || report::failed(name, reason, fault));
    }

    /// Prints an error that has no text of its own, and assigns the exit status.
    fn fail_by(&mut self, status: u8, error: &Error) {
        // Without `--json` that has been said in a line of its own.
        if error.is_unauthorized() && !self.is_textual() {
            return self.fail(status, LOGIN_WANTED);
        }
        let text = match error.advice() {
            Some(advice) => format!("{error}: {}; {advice}", self.client.url()),
            None => error.to_string(),
        };
        self.status = status;
        match &mut self.report {
            None => self.out.line(format_args!("error: {text}")),
            Some(report) => report.fail(&text, error.fault_code()),
        }
    }

    /// Whether lines are wanted, and not a document.
    pub(super) fn is_textual(&self) -> bool {
        self.report.is_none()
    }

    /// Prints a complaint about the arguments, with the command's help.
    pub(super) fn misused(&mut self, command: &str, status: u8, complaint: &str) {
        self.fail(status, complaint);
        for line in commands::find(command)
            .map_or("", |found| found.help)
            .lines()
        {
            self.remark(line);
        }
    }

    /// Whether the server can be talked to; prints why, if not.
    ///
    /// # Errors
    ///
    /// For reasons that have no text and no exit status of their own.
    pub(super) fn is_up(&mut self) -> Result<bool, Error> {
        let url = self.client.url().to_owned();
        match self.client.call("supervisor.getVersion", &[]) {
            Ok(version) if version.as_str() == Some(API_VERSION) => return Ok(true),
            Ok(version) => {
                let version = version.as_str().unwrap_or("unreadable");
                self.fail(
                    exit::OTHER_VERSION,
                    format_args!(
                        "Sorry, this version of supervisorctl expects to talk to a server with API \
                         version {API_VERSION}, but the remote version is {version}."
                    ),
                );
            }
            Err(error) if error.fault_code() == Some(print::UNKNOWN_METHOD) => {
                self.fail_for(exit::UNIMPLEMENTED, NO_RPC_INTERFACE, error.fault_code());
            }
            Err(error) if error.is_refused() => {
                self.fail(exit::REFUSED, format_args!("{url} refused connection"));
            }
            Err(error) if error.is_missing_socket() => {
                self.fail(exit::NOT_RUNNING, format_args!("{url} no such file"));
            }
            Err(error) => return Err(error),
        }
        Ok(false)
    }

    /// Asks before something that cannot be undone; silence is consent where nobody can be asked.
    ///
    /// # Errors
    ///
    /// When the input ends instead.
    pub(super) fn confirms(&mut self, question: &str) -> Result<bool, Error> {
        if !self.interactive {
            return Ok(true);
        }
        let answer = self.ask(question)?.ok_or_else(Error::end_of_input)?;
        Ok(answer.starts_with(['y', 'Y']))
    }

    /// Says that the server wants a login, and asks for one where there is somebody to ask.
    fn asked_for_login(&mut self) -> bool {
        self.remark(LOGIN_WANTED);
        if !self.interactive {
            return false;
        }
        let Ok(Some(username)) = self.ask("Username:") else {
            return false;
        };
        self.out.prompt("Password:");
        let Ok(Some(password)) = input::password() else {
            return false;
        };
        self.client.set_login(Some(username), Some(password));
        true
    }

    fn ask(&mut self, question: &str) -> io::Result<Option<String>> {
        self.out.prompt(question);
        input::line()
    }
}

const LOGIN_WANTED: &str = "Server requires authentication";

const NO_RPC_INTERFACE: &str = "Sorry, supervisord responded but did not recognize the supervisor \
     namespace commands that supervisorctl uses to control it.  Please check that the \
     [rpcinterface:supervisor] section is enabled in the configuration file (see sample.conf).";

/// The command word, which is the longest prefix that can be one, and the rest.
fn split_command(line: &str) -> (&str, &str) {
    if let Some(topic) = line.strip_prefix('?') {
        return ("help", topic.trim());
    }
    let end = line
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .unwrap_or(line.len());
    let (word, rest) = line.split_at(end);
    (word, rest.trim())
}

/// The list of commands, in columns read from top to bottom.
pub(super) fn overview() -> String {
    const ROWS: usize = 3;
    let mut names: Vec<&str> = COMMANDS
        .iter()
        .map(|command: &Command| command.name)
        .filter(|&name| name != "help")
        .collect();
    names.sort_unstable();

    let columns: Vec<&[&str]> = names.chunks(ROWS).collect();
    let mut text = String::from("\ndefault commands (type help <topic>):\n");
    text.push_str(&"=".repeat(37));
    text.push('\n');
    for row in 0..ROWS {
        let cells: Vec<String> = columns
            .iter()
            .map(|column| {
                let width = column.iter().map(|name| name.len()).max().unwrap_or(0);
                format!("{:<width$}", column.get(row).copied().unwrap_or(""))
            })
            .collect();
        text.push_str(&cells.join("  "));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_the_longest_prefix_that_can_be_one() {
        for (line, expected) in [
            ("status", ("status", "")),
            ("status  web  cat", ("status", "web  cat")),
            ("status-x", ("status", "-x")),
            ("tail -f web", ("tail", "-f web")),
            ("?", ("help", "")),
            ("? status", ("help", "status")),
            ("-1", ("", "-1")),
            ("stat us", ("stat", "us")),
        ] {
            assert_eq!(split_command(line), expected, "{line}");
        }
    }

    #[test]
    fn the_overview_lists_every_command_in_columns() {
        assert_eq!(
            overview(),
            "\n\
             default commands (type help <topic>):\n\
             =====================================\n\
             add    exit      open  reload  restart   start   tail   \n\
             avail  fg        pid   remove  shutdown  status  update \n\
             clear  maintail  quit  reread  signal    stop    version\n"
        );
    }
}
