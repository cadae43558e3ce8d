//! The command line of `mainstayctl`, which is that of `supervisorctl`.

use std::path::PathBuf;

use super::completions::Shell;
use super::getopt::{Found, Spec, UsageError};
use super::manual::{self, Program};
use crate::ctl::{COMMANDS, Mode};

/// What a command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// Run an action, or the shell.
    Run(Options),
    /// Print the help.
    Help,
    /// Print completions.
    Completions(Shell),
    /// Print the manual page.
    Manual,
}

/// What the command line sets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// `-c`
    pub configuration: Option<PathBuf>,
    /// `-i`, `--json`
    pub mode: Mode,
    /// `-s`
    pub serverurl: Option<String>,
    /// `-u`
    pub username: Option<String>,
    /// `-p`
    pub password: Option<String>,
    /// `-r`
    pub history_file: Option<PathBuf>,
    /// The action's words; none: the shell.
    pub action: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Id {
    Configuration,
    Help,
    Interactive,
    Serverurl,
    Username,
    Password,
    HistoryFile,
    Json,
    Completions,
    Manual,
}

impl Options {
    /// Reads the arguments, the program's name not among them.
    pub fn parse(args: &[String]) -> Result<Command, UsageError> {
        let line = Spec::split(SPECS, args)?;
        let mut options = Self::default();
        let mut seen: Vec<Id> = Vec::new();
        for found in line.options {
            match found.id {
                Id::Help => return Ok(Command::Help),
                Id::Manual => return Ok(Command::Manual),
                Id::Completions => {
                    let shell = Shell::parse(&found.value);
                    let shell = shell.map_err(|reason| UsageError::value(&found, reason))?;
                    return Ok(Command::Completions(shell));
                }
                _ => {}
            }
            if seen.contains(&found.id) {
                return Err(UsageError::conflict(&found));
            }
            seen.push(found.id);
            options.set(found)?;
        }
        if seen.contains(&Id::Json) && seen.contains(&Id::Interactive) {
            let message = "--json asks nothing, and -i wants to be asked";
            return Err(UsageError::plain(message.to_owned()));
        }
        options.action = line.rest;
        if options.mode == Mode::Json && options.action.is_empty() {
            return Err(UsageError::plain("--json needs an action".to_owned()));
        }
        Ok(Command::Run(options))
    }

    fn set(&mut self, found: Found<Id>) -> Result<(), UsageError> {
        match found.id {
            Id::Configuration => self.configuration = Some(found.value.into()),
            Id::Interactive => self.mode = Mode::Interactive,
            Id::Json => self.mode = Mode::Json,
            Id::Serverurl if is_url(&found.value) => self.serverurl = Some(found.value),
            Id::Serverurl => {
                let reason = format!("value {} is not a URL", crate::config::repr(&found.value));
                return Err(UsageError::value(&found, reason));
            }
            Id::Username => self.username = Some(found.value),
            Id::Password => self.password = Some(found.value),
            Id::HistoryFile => self.history_file = Some(found.value.into()),
            // They end the reading.
            Id::Help | Id::Completions | Id::Manual => {}
        }
        Ok(())
    }

    /// The completions for a shell. `program` is the name it was called by.
    pub fn completions(program: &str, shell: Shell) -> String {
        shell.complete(program, &Self::program())
    }

    /// The manual page.
    pub fn manual() -> String {
        Self::program().page()
    }

    fn program() -> Program {
        Program {
            name: "mainstayctl",
            section: 1,
            summary: "control the programs that mainstayd runs",
            usage: "[options] [action [arguments]]",
            options: Spec::nameless(SPECS),
            commands: COMMANDS,
            description: manual::CTL_DESCRIPTION,
            sections: manual::CTL_SECTIONS,
        }
    }

    /// The text for `-h`. `program` is the name it was called by.
    pub fn help(program: &str) -> String {
        format!(
            "{program} -- control the programs that mainstayd runs\n\n\
             Usage: {program} [options] [action [arguments]]\n\n\
             Options:\n{}\n\
             Without an action, a shell starts; its `help` lists the actions.\n",
            Spec::help(SPECS)
        )
    }
}

/// A scheme, and a host or a path after it.
fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let mut letters = scheme.chars();
    letters.next().is_some_and(|c| c.is_ascii_alphabetic())
        && letters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
        && !rest.trim_start_matches("//").is_empty()
}

const SPECS: &[Spec<Id>] = &[
    Spec {
        id: Id::Configuration,
        short: &['c'],
        long: &["configuration"],
        value: Some("FILE"),
        original: true,
        help: "the configuration",
    },
    Spec {
        id: Id::Help,
        short: &['h', '?'],
        long: &["help"],
        value: None,
        original: true,
        help: "print this text and exit",
    },
    Spec {
        id: Id::Interactive,
        short: &['i'],
        long: &["interactive"],
        value: None,
        original: true,
        help: "with an action: ask on the terminal where it needs an answer",
    },
    Spec {
        id: Id::Serverurl,
        short: &['s'],
        long: &["serverurl"],
        value: Some("URL"),
        original: true,
        help: "the daemon (default http://localhost:9001)",
    },
    Spec {
        id: Id::Username,
        short: &['u'],
        long: &["username"],
        value: Some("NAME"),
        original: true,
        help: "the login's name",
    },
    Spec {
        id: Id::Password,
        short: &['p'],
        long: &["password"],
        value: Some("PASSWORD"),
        original: true,
        help: "the login's password; everybody on this machine can see it there",
    },
    Spec {
        id: Id::HistoryFile,
        short: &['r'],
        long: &["history-file", "history_file"],
        value: Some("FILE"),
        original: true,
        help: "where the shell keeps its history",
    },
    Spec {
        id: Id::Json,
        short: &[],
        long: &["json"],
        value: None,
        original: false,
        help: "with an action: print one JSON document instead of lines",
    },
    Spec {
        id: Id::Completions,
        short: &[],
        long: &["completions"],
        value: Some("SHELL"),
        original: false,
        help: "print completions for bash, zsh or fish, and exit",
    },
    Spec {
        id: Id::Manual,
        short: &[],
        long: &["man"],
        value: None,
        original: false,
        help: "print the manual page and exit",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, String> {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Options::parse(&args).map_err(|error| error.to_string())
    }

    #[test]
    fn every_option_arrives() {
        let expected = Options {
            configuration: Some("x".into()),
            mode: Mode::Interactive,
            serverurl: Some("unix:///s".into()),
            username: Some("u".into()),
            password: Some("p".into()),
            history_file: Some("h".into()),
            action: vec!["tail".into(), "-f".into(), "web".into()],
        };
        for line in [
            "-c x -i -s unix:///s -u u -p p -r h tail -f web",
            "--configuration=x --interactive --serverurl=unix:///s --username=u --password=p \
             --history_file=h tail -f web",
            "-icx -sunix:///s -uu -pp --history-file h -- tail -f web",
        ] {
            assert_eq!(parse(line), Ok(Command::Run(expected.clone())), "{line}");
        }
        assert_eq!(parse(""), Ok(Command::Run(Options::default())));
        assert_eq!(parse("-h -s x"), Ok(Command::Help));
    }

    #[test]
    fn addresses_have_a_scheme_and_something_after_it() {
        for (url, good) in [
            ("http://localhost:9001", true),
            ("unix:///x/../y", true),
            ("foo:x", true),
            ("foo", false),
            ("foo:", false),
            ("http://", false),
            ("//x", false),
            ("1a://x", false),
        ] {
            let expected = format!("invalid value for -s '{url}': value '{url}' is not a URL");
            match parse(&format!("-s {url}")) {
                Ok(_) => assert!(good, "{url}"),
                Err(error) => assert_eq!((good, error), (false, expected)),
            }
        }
    }

    #[test]
    fn our_own_options_are_spelt_out() {
        let json = Options {
            mode: Mode::Json,
            action: vec!["status".into()],
            ..Options::default()
        };
        assert_eq!(parse("--json status"), Ok(Command::Run(json)));
        assert_eq!(parse("--man"), Ok(Command::Manual));
        for (name, shell) in [
            ("bash", Shell::Bash),
            ("zsh", Shell::Zsh),
            ("fish", Shell::Fish),
        ] {
            let expected = Ok(Command::Completions(shell));
            assert_eq!(parse(&format!("--completions {name}")), expected);
        }
        for (line, message) in [
            ("--json", "--json needs an action"),
            (
                "--json -i status",
                "--json asks nothing, and -i wants to be asked",
            ),
            (
                "-i --json status",
                "--json asks nothing, and -i wants to be asked",
            ),
            ("--js status", "option --js not recognized"),
            ("--comp bash", "option --comp not recognized"),
            (
                "--completions csh",
                "invalid value for --completions 'csh': expected bash, zsh or fish",
            ),
        ] {
            assert_eq!(parse(line), Err(message.to_owned()), "{line}");
        }
        // As before there were any of ours.
        assert!(matches!(parse("--c x"), Ok(Command::Run(_))));
    }

    #[test]
    fn an_option_is_given_once() {
        let expected = "conflicting command line option '--history_file'";
        assert_eq!(parse("-r x --history_file y"), Err(expected.to_owned()));
    }
}
